-- The same for PostgREST behind a proxy; see src/api/proxy.c.

-- By this name PostgREST knows that the answer may be of any type, and that the function says which.
CREATE DOMAIN devapp_api."*/*" AS bytea;
COMMENT ON DOMAIN devapp_api."*/*" IS 'Body of an HTTP response, which PostgREST forwards unchanged';

CREATE FUNCTION devapp_internal.http(bytea) RETURNS devapp_api."*/*"
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_http';

CREATE FUNCTION devapp_api.http(bytea) RETURNS devapp_api."*/*"
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp_api.http(bytea) IS
    'Answers an HTTP request that a proxy forwards through PostgREST; X-Original-* headers describe it';
SELECT devapp_internal.grant_to('devapp_api.http', 'http');
SELECT devapp_internal.grant_on('TYPE', 'devapp_api."*/*"', 'USAGE', 'http');

CREATE FUNCTION devapp_internal.check_proxy_tokens() RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_check_proxy_tokens';
