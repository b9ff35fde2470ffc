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
COMMENT ON TYPE devapp.key_parts IS 'Parts of a key';
SELECT devapp_internal.grant_on('TYPE', 'devapp.key_parts', 'USAGE', 'admin');

CREATE FUNCTION devapp.key_info(key text) RETURNS devapp.key_parts
    LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_key_info';
COMMENT ON FUNCTION devapp.key_info(text) IS 'Parts of a key or consumer key, derived from its characters alone';
SELECT devapp_internal.grant_to('devapp.key_info', 'admin');

CREATE FUNCTION devapp.mask_key(key text) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_mask_key';
COMMENT ON FUNCTION devapp.mask_key(text) IS 'Public part of a key, safe to log';
SELECT devapp_internal.grant_to('devapp.mask_key', 'admin');

CREATE FUNCTION devapp.key_pattern() RETURNS text
    LANGUAGE c STABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_key_pattern';
COMMENT ON FUNCTION devapp.key_pattern() IS
    'Regular expression for new keys, to be registered with secret scanners';
SELECT devapp_internal.grant_to('devapp.key_pattern', 'admin', 'scanner');

CREATE FUNCTION devapp_internal.new_consumer_key(environment text) RETURNS text
    LANGUAGE c VOLATILE
    AS 'MODULE_PATHNAME', 'devapp_new_consumer_key';

-- Rows are looked up by index, also in tables that are small when that is planned: a session
-- keeps the plan, and may be the one that fills them.
CREATE FUNCTION devapp_internal.issue_secret(credential_id uuid, previous_valid_until timestamptz) RETURNS devapp.issued_credential
    LANGUAGE c VOLATILE
    SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off
    AS 'MODULE_PATHNAME', 'devapp_issue_secret';

-- The same for many credentials, in their order.
CREATE FUNCTION devapp_internal.issue_secrets(credential_ids uuid[], previous_valid_until timestamptz[]) RETURNS devapp.issued_credential[]
    LANGUAGE c VOLATILE
    SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off
    AS 'MODULE_PATHNAME', 'devapp_issue_secrets';
