-- Can the API over HTTP be used, where it is?  It is where a server has a role that may call it.

-- Has setup_roles() run in this database, and does somebody log in as a server?
CREATE FUNCTION devapp_internal.http_use(OUT may_be_called boolean, OUT is_served boolean)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(r.granted, false),
           coalesce(r.granted AND EXISTS (SELECT FROM pg_auth_members m WHERE m.roleid = r.role), false)
      FROM (SELECT to_regrole('devapp_http') AS role,
                   has_function_privilege(to_regrole('devapp_http'), 'devapp_api.http(bytea)', 'EXECUTE') AS granted) AS r
$$;

CREATE FUNCTION devapp_internal.doctor_proxy_token() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    file text;
    reason text;
BEGIN
    check_name := 'proxy_token';
    BEGIN
        file := devapp_internal.setting('proxy_token_file');
    EXCEPTION WHEN insufficient_privilege THEN
        status := 'info';
        detail := 'devapp.proxy_token_file cannot be checked, because the owner of the extension is not a superuser';
        RETURN NEXT;
        RETURN;
    END;
    IF file <> '' THEN
        PERFORM devapp_internal.check_proxy_tokens();
        status := 'ok';
        detail := 'requests through PostgREST require a token of the file';
    ELSIF (devapp_internal.http_use()).is_served THEN
        status := 'info';
        detail := 'there is no token, so requests through PostgREST are refused';
        hint := 'To let PostgREST forward requests, set devapp.proxy_token_file. See "devapp_api.http" in doc/reference.md.';
    ELSE
        status := 'ok';
        detail := 'no server forwards requests';
    END IF;
    RETURN NEXT;
EXCEPTION WHEN config_file_error OR io_error OR undefined_file OR insufficient_privilege THEN
    GET STACKED DIAGNOSTICS reason = PG_EXCEPTION_DETAIL;
    status := 'error';
    detail := concat_ws(': ', SQLERRM, nullif(reason, ''));
    hint := 'Requests through PostgREST are refused. Only the server''s user may have access to the file. See "devapp_api.http" in doc/reference.md.';
    RETURN NEXT;
END
$$;

CREATE FUNCTION devapp_internal.doctor_http() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT * FROM devapp_internal.doctor_proxy_token()
    UNION ALL
    SELECT 'base_url',
           CASE WHEN NOT u.is_served OR b.url IS NOT NULL THEN 'ok' ELSE 'warning' END,
           CASE WHEN b.url IS NOT NULL THEN format('URLs of the API over HTTP begin with %s', b.url)
                WHEN u.is_served THEN 'URLs of the API over HTTP begin with what the proxy reports'
                ELSE 'no server forwards requests' END,
           CASE WHEN u.is_served AND b.url IS NULL
                THEN 'Set devapp.base_url, for example with ALTER DATABASE: what a proxy reports may come from a client.' END
      FROM devapp_internal.http_use() AS u,
           (SELECT CASE WHEN s.base_url <> '' THEN s.base_url WHEN s.issuer ~ '^https?://.' THEN s.issuer END AS url
              FROM (SELECT devapp_internal.setting('base_url') AS base_url, devapp_internal.token_issuer_name() AS issuer) AS s) AS b
    UNION ALL
    SELECT 'api_products',
           CASE WHEN u.may_be_called AND m.names IS NOT NULL THEN 'warning' ELSE 'ok' END,
           CASE WHEN NOT u.may_be_called THEN 'no role can forward requests'
                WHEN m.names IS NOT NULL THEN format('missing products, for which no key can be issued: %s', m.names)
                ELSE 'products devapp-admin and devapp-portal exist' END,
           CASE WHEN u.may_be_called AND m.names IS NOT NULL THEN 'The owner of the extension can create what is missing with SELECT devapp.setup_roles().' END
      FROM devapp_internal.http_use() AS u,
           (SELECT string_agg(n.name, ', ' ORDER BY n.name) AS names FROM (VALUES ('devapp-admin'), ('devapp-portal')) AS n(name)
             WHERE NOT EXISTS (SELECT FROM devapp.product p WHERE p.name = n.name AND p.deleted_at IS NULL)) AS m
$$;
