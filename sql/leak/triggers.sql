-- Rules of columns, columns that are fixed, and rows that stay.

CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.leak_policy FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_row('action:required', 'action:in revoke notify');
CREATE TRIGGER guard_delete BEFORE DELETE ON devapp.leak_policy
    EXECUTE FUNCTION devapp_internal.guard_delete('Use devapp.set_leak_policy.');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.leak_policy
    EXECUTE FUNCTION devapp_internal.guard_delete('Use devapp.set_leak_policy.');

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.leak FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_immutable('secret_id', 'credential_id');
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.leak FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_row('secret_id:required', 'credential_id:required', 'action:in revoked notified none',
                                      'source:description', 'url:description');
CREATE TRIGGER guard_delete BEFORE DELETE ON devapp.leak
    EXECUTE FUNCTION devapp_internal.guard_delete('Rows are part of the history of the credential.');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.leak
    EXECUTE FUNCTION devapp_internal.guard_delete('Rows are part of the history of the credential.');
