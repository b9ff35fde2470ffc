-- Rows of the sealed audit trail stay as they are.

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.audit_leaf FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_immutable('leaf_index', 'event_id', 'leaf_hash');
CREATE TRIGGER guard_delete BEFORE DELETE OR TRUNCATE ON devapp.audit_leaf FOR EACH STATEMENT
    EXECUTE FUNCTION devapp_internal.guard_delete();

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.audit_node FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_immutable('level', 'position', 'hash');
CREATE TRIGGER guard_delete BEFORE DELETE OR TRUNCATE ON devapp.audit_node FOR EACH STATEMENT
    EXECUTE FUNCTION devapp_internal.guard_delete();

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.audit_checkpoint FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_immutable('tree_size', 'previous_size', 'root', 'frontier', 'sealed_at',
                                            'xmin_at_seal', 'system_identifier', 'note', 'public_key', 'origin');
CREATE TRIGGER guard_delete BEFORE DELETE OR TRUNCATE ON devapp.audit_checkpoint FOR EACH STATEMENT
    EXECUTE FUNCTION devapp_internal.guard_delete();
