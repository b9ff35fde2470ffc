-- The key of a request to PostgREST; see src/api/pre_request.c.  It runs with the rights of the
-- request's role, and like verify_key() it needs none.

CREATE FUNCTION devapp.db_pre_request() RETURNS void
    LANGUAGE c VOLATILE COST 10
    AS 'MODULE_PATHNAME', 'devapp_db_pre_request';
COMMENT ON FUNCTION devapp.db_pre_request() IS
    'For db-pre-request of PostgREST: requires a valid key, and describes the caller in devapp.request';
SELECT devapp_internal.grant_to('devapp.db_pre_request', 'admin', 'gateway');
