-- Verifying tokens; see src/verify/verify_token.c.

CREATE FUNCTION devapp.verify_token(
    jwt text,
    resource text DEFAULT NULL,
    method text DEFAULT NULL,
    environment text DEFAULT NULL,
    proxy text DEFAULT NULL,
    cost bigint DEFAULT 1,
    scope text DEFAULT NULL,
    client inet DEFAULT NULL,
    dpop text DEFAULT NULL,
    x5t text DEFAULT NULL,
    audience text DEFAULT NULL
) RETURNS devapp.verdict
    LANGUAGE c VOLATILE PARALLEL SAFE COST 10
    AS 'MODULE_PATHNAME', 'devapp_verify_token';
COMMENT ON FUNCTION devapp.verify_token(text, text, text, text, text, bigint, text, inet, text, text, text) IS
    'Verdict on a token for a call, which also depends on its credential, app, owner and product';
SELECT devapp_internal.grant_to('devapp.verify_token', 'admin', 'gateway');

-- What backends are told of when the token of this jti is revoked.
CREATE FUNCTION devapp_internal.token_id(jti text) RETURNS uuid
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_token_id';
