-- The bytes of an audit event, and their hash; see src/audit/audit_entry.c.

CREATE FUNCTION devapp.audit_entry(event devapp.audit_event) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_audit_entry';
COMMENT ON FUNCTION devapp.audit_entry(devapp.audit_event) IS
    'Bytes that leaf_hash of an audit event is computed from: all other columns, each after its length';
SELECT devapp_internal.grant_to('devapp.audit_entry', 'admin', 'auditor');
CREATE FUNCTION devapp_internal.audit_leaf_hash(event devapp.audit_event) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_audit_leaf_hash';
