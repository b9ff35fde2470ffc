-- Verification.  All of it is C; see src/verify/verify.c.

CREATE FUNCTION devapp.verify_key(
    key text,
    resource text DEFAULT NULL,
    method text DEFAULT NULL,
    environment text DEFAULT NULL,
    proxy text DEFAULT NULL,
    cost bigint DEFAULT 1,
    scope text DEFAULT NULL,
    client inet DEFAULT NULL
) RETURNS devapp.verdict
    LANGUAGE c VOLATILE PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'devapp_verify_key';
COMMENT ON FUNCTION devapp.verify_key(text, text, text, text, text, bigint, text, inet) IS
    'Verdict on an API key for a call; malformed keys and paths have verdicts too, not errors';
SELECT devapp_internal.grant_to('devapp.verify_key', 'admin', 'gateway');

-- The same function: in C the bytes of either are looked at alike.  It has a name of its
-- own so that PostgREST, which chooses by the names of arguments, can tell the two apart.
CREATE FUNCTION devapp.verify_key_bytes(
    key bytea,
    resource bytea DEFAULT NULL,
    method text DEFAULT NULL,
    environment text DEFAULT NULL,
    proxy text DEFAULT NULL,
    cost bigint DEFAULT 1,
    scope text DEFAULT NULL,
    client inet DEFAULT NULL
) RETURNS devapp.verdict
    LANGUAGE c VOLATILE PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'devapp_verify_key';
COMMENT ON FUNCTION devapp.verify_key_bytes(bytea, bytea, text, text, text, bigint, text, inet) IS
    'verify_key for keys and paths given as bytes, which need not be valid text';
SELECT devapp_internal.grant_to('devapp.verify_key_bytes', 'admin', 'gateway');

CREATE FUNCTION devapp.verify_digest(
    sha256 bytea,
    resource text DEFAULT NULL,
    method text DEFAULT NULL,
    environment text DEFAULT NULL,
    proxy text DEFAULT NULL,
    cost bigint DEFAULT 1,
    scope text DEFAULT NULL,
    client inet DEFAULT NULL
) RETURNS devapp.verdict
    LANGUAGE c VOLATILE PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'devapp_verify_digest';
COMMENT ON FUNCTION devapp.verify_digest(bytea, text, text, text, text, bigint, text, inet) IS
    'verify_key for the SHA-256 digest of an API key, which is as secret as the key';
SELECT devapp_internal.grant_to('devapp.verify_digest', 'admin', 'gateway');

-- Not in parallel workers: locks do not keep these apart, and devapp.slow_hashes counts by locks.
CREATE FUNCTION devapp.verify_client(
    client_id text,
    client_secret text,
    resource text DEFAULT NULL,
    method text DEFAULT NULL,
    environment text DEFAULT NULL,
    proxy text DEFAULT NULL,
    cost bigint DEFAULT 1,
    scope text DEFAULT NULL,
    client inet DEFAULT NULL
) RETURNS devapp.verdict
    LANGUAGE c VOLATILE PARALLEL RESTRICTED COST 10
    AS 'MODULE_PATHNAME', 'devapp_verify_client';
COMMENT ON FUNCTION devapp.verify_client(text, text, text, text, text, text, bigint, text, inet) IS
    'verify_key for an OAuth client id (the consumer key) and its client secret';
SELECT devapp_internal.grant_to('devapp.verify_client', 'admin', 'gateway');

CREATE FUNCTION devapp.allows(
    key text,
    resource text DEFAULT NULL,
    method text DEFAULT NULL,
    environment text DEFAULT NULL,
    proxy text DEFAULT NULL,
    scope text DEFAULT NULL,
    client inet DEFAULT NULL
) RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'devapp_allows';
COMMENT ON FUNCTION devapp.allows(text, text, text, text, text, text, inet) IS
    'verify_key as a boolean, for WHERE clauses and policies';
SELECT devapp_internal.grant_to('devapp.allows', 'admin', 'gateway');

-- Writes where the quota is hard, so with the rights of the owner.
CREATE FUNCTION devapp_internal.consume_quota(
    key text,
    resource text,
    method text,
    environment text,
    proxy text,
    cost bigint,
    scope text,
    client inet
) RETURNS devapp.verdict
    LANGUAGE c VOLATILE COST 100
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'devapp_consume_quota';

CREATE FUNCTION devapp.consume_quota(
    key text,
    resource text DEFAULT NULL,
    method text DEFAULT NULL,
    environment text DEFAULT NULL,
    proxy text DEFAULT NULL,
    cost bigint DEFAULT 1,
    scope text DEFAULT NULL,
    client inet DEFAULT NULL
) RETURNS devapp.verdict
    LANGUAGE c COST 100 AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.consume_quota(text, text, text, text, text, bigint, text, inet) IS
    'verify_key that also counts hard quotas: exact under concurrency, and rolled back on abort';
SELECT devapp_internal.grant_to('devapp.consume_quota', 'admin', 'gateway');
