-- The sealed audit trail: sealing, proofs, verification.

-- With its owner's rights, because nobody else may write the log.  It takes no
-- argument and signs nothing but the tree over what is there.
CREATE FUNCTION devapp_internal.seal_audit() RETURNS devapp.audit_checkpoint
    LANGUAGE c VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'devapp_seal_audit';

CREATE FUNCTION devapp.seal_audit() RETURNS devapp.audit_checkpoint
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.seal_audit() IS
    'Adds new audit events to the Merkle tree; returns the checkpoint, whose note should be exported';
SELECT devapp_internal.grant_to('devapp.seal_audit', 'admin');

CREATE FUNCTION devapp.audit_public_key() RETURNS text
    LANGUAGE c VOLATILE
    AS 'MODULE_PATHNAME', 'devapp_audit_public_key';
COMMENT ON FUNCTION devapp.audit_public_key() IS
    'Verifier key for the signatures of checkpoints; null: they are not signed';
SELECT devapp_internal.grant_to('devapp.audit_public_key', 'admin', 'auditor');

-- Whoever may execute it sees what is wrong, and nothing of what is right.
CREATE FUNCTION devapp_internal.verify_audit(checkpoint text)
    RETURNS TABLE (problem text, event_id bigint, leaf_index bigint, detail text)
    LANGUAGE c VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'devapp_verify_audit';

CREATE FUNCTION devapp.verify_audit(checkpoint text DEFAULT NULL)
    RETURNS TABLE (problem text, event_id bigint, leaf_index bigint, detail text)
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.verify_audit(text) IS
    'Alterations of the audit trail since it was sealed and the given checkpoint was exported; no rows: none';
SELECT devapp_internal.grant_to('devapp.verify_audit', 'admin', 'auditor');

CREATE FUNCTION devapp.audit_proof(event_id bigint, tree_size bigint DEFAULT NULL,
                                   OUT leaf_index bigint, OUT tree_size bigint, OUT leaf_hash bytea,
                                   OUT path bytea[], OUT root bytea)
    LANGUAGE c STABLE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'devapp_audit_proof';
COMMENT ON FUNCTION devapp.audit_proof(bigint, bigint) IS
    'Inclusion proof of an event in the tree of the given size (RFC 6962); null: the latest size';
SELECT devapp_internal.grant_to('devapp.audit_proof', 'admin', 'auditor');

CREATE FUNCTION devapp.audit_consistency(size_a bigint, size_b bigint) RETURNS bytea[]
    LANGUAGE c STABLE STRICT
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'devapp_audit_consistency';
COMMENT ON FUNCTION devapp.audit_consistency(bigint, bigint) IS
    'Consistency proof between the trees of two sizes (RFC 6962)';
SELECT devapp_internal.grant_to('devapp.audit_consistency', 'admin', 'auditor');

CREATE FUNCTION devapp.check_audit_proof(leaf_hash bytea, leaf_index bigint, tree_size bigint, path bytea[], root bytea)
    RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_check_audit_proof';
COMMENT ON FUNCTION devapp.check_audit_proof(bytea, bigint, bigint, bytea[], bytea) IS
    'Whether an inclusion proof shows that the tree with this root contains this leaf';
SELECT devapp_internal.grant_to('devapp.check_audit_proof', 'admin', 'auditor');

CREATE FUNCTION devapp.check_audit_consistency(size_a bigint, root_a bytea, size_b bigint, root_b bytea, path bytea[])
    RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_check_audit_consistency';
COMMENT ON FUNCTION devapp.check_audit_consistency(bigint, bytea, bigint, bytea, bytea[]) IS
    'Whether a consistency proof shows that the second tree begins with the first';
SELECT devapp_internal.grant_to('devapp.check_audit_consistency', 'admin', 'auditor');
