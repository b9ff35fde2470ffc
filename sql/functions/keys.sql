-- Keys and identifiers.

CREATE TYPE devapp.key_parts AS (
    well_formed boolean,
    reason text,
    has_secret boolean,
    consumer_key text,
    prefix text,
    environment text,
    key_id text
);
SELECT devapp_internal.grant_on('TYPE', 'devapp.key_parts', 'USAGE', 'admin');

CREATE FUNCTION devapp.uuid_v7() RETURNS uuid
    LANGUAGE c VOLATILE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_uuid_v7';
SELECT devapp_internal.grant_to('devapp.uuid_v7', 'admin');

CREATE FUNCTION devapp.key_info(key text) RETURNS devapp.key_parts
    LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_key_info';
SELECT devapp_internal.grant_to('devapp.key_info', 'admin');

CREATE FUNCTION devapp.mask_key(key text) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_mask_key';
SELECT devapp_internal.grant_to('devapp.mask_key', 'admin');

CREATE FUNCTION devapp._new_consumer_key(environment text) RETURNS text
    LANGUAGE c VOLATILE
    AS 'MODULE_PATHNAME', 'devapp_new_consumer_key';
SELECT devapp_internal.grant_to('devapp._new_consumer_key', 'admin');

CREATE FUNCTION devapp._issue_secret(credential_id uuid, previous_valid_until timestamptz) RETURNS devapp.issued_credential
    LANGUAGE c VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'devapp_issue_secret';
SELECT devapp_internal.grant_to('devapp._issue_secret', 'admin');

CREATE FUNCTION devapp._digest_to_store() RETURNS devapp.secret_digest
    LANGUAGE c VOLATILE
    AS 'MODULE_PATHNAME', 'devapp_digest_to_store';
SELECT devapp_internal.grant_to('devapp._digest_to_store', 'admin');

COMMENT ON FUNCTION devapp._digest_to_store() IS 'Internal: the digest of the secret that is being issued';
COMMENT ON FUNCTION devapp.uuid_v7() IS 'A time-ordered UUID (RFC 9562, version 7)';
COMMENT ON TYPE devapp.key_parts IS 'What a key says of itself';
COMMENT ON FUNCTION devapp.key_info(text) IS 'What a key or consumer key says of itself, from its characters alone';
COMMENT ON FUNCTION devapp.mask_key(text) IS 'The public part of a key, fit for a log';
COMMENT ON FUNCTION devapp._new_consumer_key(text) IS 'Internal: a new public part of a key';
COMMENT ON FUNCTION devapp._issue_secret(uuid, timestamptz) IS 'Internal: makes the next secret of a credential';
