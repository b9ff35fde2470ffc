-- Why an app may or may not call something; see src/explain.c.

CREATE FUNCTION devapp.explain_access(
    app_id uuid,
    resource text DEFAULT NULL,
    method text DEFAULT NULL,
    environment text DEFAULT NULL,
    proxy text DEFAULT NULL,
    at timestamptz DEFAULT NULL
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

COMMENT ON FUNCTION devapp.explain_access(uuid, text, text, text, text, timestamptz) IS
    'One row for each rule that decides whether an app may call something, for each of its credentials; "at" moves the clock for expiry and rotation';
