-- Why an app may or may not call something; see src/verify/explain.c.

CREATE FUNCTION devapp_internal.explain_steps(
    app_id uuid,
    resource text,
    method text,
    environment text,
    proxy text,
    at timestamptz,
    scope text,
    client inet
) RETURNS TABLE (
    step integer,
    consumer_key text,
    product text,
    rule text,
    passed boolean,
    code devapp.verdict_code,
    detail text
)
    LANGUAGE c VOLATILE ROWS 20
    AS 'MODULE_PATHNAME', 'devapp_explain_access';

CREATE FUNCTION devapp_internal.explain_access(
    app devapp.app_ref,
    resource text,
    method text,
    environment text,
    proxy text,
    at timestamptz,
    scope text,
    client inet
) RETURNS TABLE (
    step integer,
    consumer_key text,
    product text,
    rule text,
    passed boolean,
    code devapp.verdict_code,
    detail text
)
    LANGUAGE plpgsql ROWS 20
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_app uuid := devapp_internal.find_visible_app(explain_access.app);
BEGIN
    RETURN QUERY
        SELECT row_number() OVER (ORDER BY s.step)::integer, s.consumer_key, s.product, s.rule, s.passed, s.code, s.detail
          FROM devapp_internal.explain_steps(the_app, resource, method, environment, proxy, at, scope, client) AS s
          LEFT JOIN devapp.credential c ON c.consumer_key = s.consumer_key
         WHERE s.consumer_key IS NULL OR c.deleted_at IS NULL AND devapp_internal.has_credential(c.credential_id)
         ORDER BY s.step;
    -- the caller sees none of its credentials
    IF NOT FOUND THEN
        RETURN QUERY SELECT 1, NULL::text, NULL::text, 'credential', false, 'NOT_FOUND'::devapp.verdict_code, 'the app has no credential';
    END IF;
END
$$;

CREATE FUNCTION devapp.explain_access(
    app devapp.app_ref,
    resource text DEFAULT NULL,
    method text DEFAULT NULL,
    environment text DEFAULT NULL,
    proxy text DEFAULT NULL,
    at timestamptz DEFAULT NULL,
    scope text DEFAULT NULL,
    client inet DEFAULT NULL
) RETURNS TABLE (
    step integer,
    consumer_key text,
    product text,
    rule text,
    passed boolean,
    code devapp.verdict_code,
    detail text
)
    LANGUAGE c ROWS 20 AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.explain_access(devapp.app_ref, text, text, text, text, timestamptz, text, inet) IS
    'Shows each check that decides whether an app may make a call, for each of its credentials';
SELECT devapp_internal.grant_to('devapp.explain_access', 'admin', 'developer');
