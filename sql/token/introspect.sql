-- What a token is good for; see src/token/introspect.c.

CREATE FUNCTION devapp_internal.introspect(
    token text,
    client devapp.credential_ref,
    client_secret text,
    assertion text
) RETURNS jsonb
    LANGUAGE c VOLATILE COST 1000
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'devapp_introspect';

CREATE FUNCTION devapp.introspect(
    token text,
    client devapp.credential_ref DEFAULT NULL,
    client_secret text DEFAULT NULL,
    assertion text DEFAULT NULL
) RETURNS jsonb
    LANGUAGE c COST 1000 AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.introspect(text, devapp.credential_ref, text, text) IS
    'Describes a token (RFC 7662); {"active": false} if it is not valid, or not the caller''s';
SELECT devapp_internal.grant_to('devapp.introspect', 'admin', 'developer', 'gateway');
