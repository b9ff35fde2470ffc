-- From a request over HTTP to its answer; see src/api/handle.c.

CREATE FUNCTION devapp_internal.handle(method text, path text, query text, headers jsonb, body bytea) RETURNS devapp_api.response
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_handle';

CREATE FUNCTION devapp_api.handle(method text, path text, query text DEFAULT NULL, headers jsonb DEFAULT NULL, body bytea DEFAULT NULL)
    RETURNS devapp_api.response
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp_api.handle(text, text, text, jsonb, bytea) IS
    'Answers an HTTP request, given its method, path and query as sent, header fields by name, and body';
SELECT devapp_internal.grant_to('devapp_api.handle', 'http');
SELECT devapp_internal.grant_on('TYPE', 'devapp_api.response', 'USAGE', 'http');
