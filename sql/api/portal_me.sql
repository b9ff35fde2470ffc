-- The portal: the developer who calls.

CREATE FUNCTION devapp_internal.portal_answer_me() RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    me constant jsonb := (SELECT jsonb_build_object('developer_id', d.developer_id, 'email', d.email, 'first_name', d.first_name, 'last_name', d.last_name,
                                                    'user_name', d.user_name, 'status', d.status, 'created_at', d.created_at, 'updated_at', d.updated_at)
                            FROM devapp.developer d
                           WHERE d.developer_id = devapp_internal.current_developer_id());
BEGIN
    RETURN devapp_internal.json_response(200, me);
END
$$;

CREATE FUNCTION devapp_internal.portal_get_me(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN devapp_internal.portal_answer_me();
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_get_me IS 'The developer who calls';

CREATE FUNCTION devapp_internal.portal_update_me(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    body constant jsonb := devapp_internal.read_body(request, 'MeChange');
BEGIN
    PERFORM devapp.update_developer(developer => devapp.actor(),
                first_name => devapp_internal.body_change(body, 'first_name'),
                last_name => devapp_internal.body_change(body, 'last_name'),
                user_name => devapp_internal.body_change(body, 'user_name'));
    RETURN devapp_internal.portal_answer_me();
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_update_me IS 'Changes the names of the developer who calls';

-- A page, so errors have no body: whoever wants HTML accepts no JSON.
CREATE FUNCTION devapp_internal.portal_get_dashboard(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    days constant text := coalesce(devapp_internal.one_value(request.query, 'days'), '30');
BEGIN
    IF days !~ '^[0-9]{1,3}$' THEN
        PERFORM devapp_internal.refuse_body('days must be a number from 1 to 366', 'For example ?days=30.');
    END IF;
    RETURN ROW(200, '{"Content-Type": "text/html; charset=utf-8", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "SAMEORIGIN"}'::jsonb,
               devapp.my_dashboard(days::integer)::text)::devapp_internal.http_response;
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_get_dashboard IS 'An HTML page about the apps of the developer and of their teams';

SELECT devapp_internal.add_schema('Me', '{
    "developer_id": "uuid", "email": "email", "first_name": "string?", "last_name": "string?", "user_name": "string?",
    "status": "active|inactive", "created_at": "time", "updated_at": "time"}');
SELECT devapp_internal.add_schema('MeChange', '{"first_name?": "string?", "last_name?": "string?", "user_name?": "string?"}', is_body => true);

SELECT devapp_internal.add_portal_route('GET', '/me', 'portal_get_me', '{"200": "#Me"}');
SELECT devapp_internal.add_portal_route('PATCH', '/me', 'portal_update_me', '{"200": "#Me"}', body => 'MeChange');
SELECT devapp_internal.add_route('GET', '/portal/v1/dashboard', 'devapp_internal.portal_get_dashboard', 'developer', 'none');
SELECT devapp_internal.describe_route('GET', '/portal/v1/dashboard', '{"200": "text/html"}', '{"days": "integer: 1 to 366; 30 if it is not given"}');
