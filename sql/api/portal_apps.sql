-- The portal: apps of the developer, and of their teams.

-- An app as a list has it.
CREATE FUNCTION devapp_internal.portal_app_form(a devapp.app) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_internal.app_summary(a)
           || jsonb_build_object('description', a.description, 'decision_note', a.decision_note, 'callback_urls', a.callback_urls, 'scopes', a.scopes,
                                 'allowed_cidrs', a.allowed_cidrs, 'app_family', a.app_family, 'attributes', a.attributes,
                                 'created_at', a.created_at, 'updated_at', a.updated_at)
$$;

CREATE FUNCTION devapp_internal.portal_answer_app(app_id uuid) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN devapp_internal.json_response(200, devapp.get_app(app_id));
END
$$;

-- ---------- lists ----------

CREATE FUNCTION devapp_internal.portal_list_apps(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most constant integer := devapp_internal.portal_limit(request);
    after constant jsonb := devapp_internal.portal_after(request, 'apps');
    wanted_status constant text := devapp_internal.one_value(request.query, 'status');
    mine constant uuid[] := devapp_internal.own_apps();
BEGIN
    RETURN devapp_internal.portal_page('apps',
               ARRAY(SELECT devapp_internal.portal_app_form(x.a)
                       FROM (SELECT a FROM devapp.app a
                              WHERE a.app_id = ANY (mine) AND a.app_id > coalesce((after ->> 0)::uuid, '00000000-0000-0000-0000-000000000000')
                                AND (wanted_status IS NULL OR a.status = wanted_status)
                              ORDER BY a.app_id
                              LIMIT most + 1) AS x
                      ORDER BY (x.a).app_id),
               most, 'app_id');
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_list_apps IS 'Apps of the developer and of their teams, in order of creation';

CREATE FUNCTION devapp_internal.portal_get_app(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN devapp_internal.portal_answer_app(devapp_internal.portal_app_id(request));
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_get_app IS 'One app with its products and credentials';

-- ---------- changes ----------

CREATE FUNCTION devapp_internal.portal_create_app(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    body constant jsonb := devapp_internal.read_body(request, 'AppCreate');
    issued devapp.issued_credential;
BEGIN
    issued := devapp.create_app(
        name => body ->> 'name',
        team => body ->> 'team',
        products => devapp_internal.body_list(body, 'products'),
        display_name => body ->> 'display_name',
        description => body ->> 'description',
        callback_urls => devapp_internal.body_list(body, 'callback_urls'),
        scopes => devapp_internal.body_list(body, 'scopes'),
        app_family => body ->> 'app_family',
        attributes => devapp_internal.body_words(body, 'attributes'),
        environment => body ->> 'environment',
        kind => coalesce(body ->> 'kind', 'api_key'),
        expires_in => (body ->> 'expires_in')::interval,
        allowed_cidrs => devapp_internal.body_list(body, 'allowed_cidrs')::cidr[]);
    RETURN devapp_internal.json_response(201, to_jsonb(issued), devapp_internal.portal_location(request.base_url, '/apps/' || issued.app_id));
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_create_app IS 'Creates an app with its first credential, whose secret only this response contains';

CREATE FUNCTION devapp_internal.portal_update_app(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_app constant uuid := devapp_internal.portal_app_id(request);
    body constant jsonb := devapp_internal.read_body(request, 'AppChange');
BEGIN
    PERFORM devapp.update_app(
        app => the_app,
        name => body ->> 'name',
        display_name => devapp_internal.body_change(body, 'display_name'),
        description => devapp_internal.body_change(body, 'description'),
        callback_urls => devapp_internal.body_list(body, 'callback_urls'),
        scopes => devapp_internal.body_list(body, 'scopes'),
        app_family => devapp_internal.body_change(body, 'app_family'),
        attributes => devapp_internal.body_words(body, 'attributes'),
        allowed_cidrs => devapp_internal.body_list(body, 'allowed_cidrs')::cidr[]);
    RETURN devapp_internal.portal_answer_app(the_app);
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_update_app IS 'Changes an app; what is left out stays, and null clears';

CREATE FUNCTION devapp_internal.portal_delete_app(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_app constant uuid := devapp_internal.portal_app_id(request);
    note constant text := devapp_internal.one_value(request.query, 'note');
BEGIN
    PERFORM devapp.delete_app(app => the_app, note => note);
    RETURN devapp_internal.empty_response(204);
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_delete_app IS 'Deletes an app; its credentials stop working at once';

CREATE FUNCTION devapp_internal.portal_resubmit_app(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_app constant uuid := devapp_internal.portal_app_id(request);
    body constant jsonb := devapp_internal.read_body(request, 'Note');
BEGIN
    PERFORM devapp.resubmit_app(app => the_app, note => body ->> 'note');
    RETURN devapp_internal.portal_answer_app(the_app);
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_resubmit_app IS 'Resubmits a rejected app for approval';

CREATE FUNCTION devapp_internal.portal_transfer_app(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_app constant uuid := devapp_internal.portal_app_id(request);
    body constant jsonb := devapp_internal.read_body(request, 'AppTransfer');
BEGIN
    PERFORM devapp.transfer_app(app => the_app, team => body ->> 'team', note => body ->> 'note');
    RETURN devapp_internal.portal_answer_app(the_app);
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_transfer_app IS 'Transfers an app to a team that the developer administers';

-- ---------- products ----------

CREATE FUNCTION devapp_internal.portal_add_app_product(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_app constant uuid := devapp_internal.portal_app_id(request);
    body constant jsonb := devapp_internal.read_body(request, 'ProductRequest');
BEGIN
    PERFORM devapp.add_app_product(app => the_app, product => body ->> 'product', note => body ->> 'note');
    RETURN devapp_internal.portal_answer_app(the_app);
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_add_app_product IS 'Requests a product for all credentials of an app';

CREATE FUNCTION devapp_internal.portal_remove_app_product(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_app constant uuid := devapp_internal.portal_app_id(request);
    product constant text := request.params ->> 'product';
    note constant text := devapp_internal.one_value(request.query, 'note');
BEGIN
    PERFORM devapp.remove_app_product(app => the_app, product => product, note => note);
    RETURN devapp_internal.empty_response(204);
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_remove_app_product IS 'Removes a product from all credentials of an app';

-- ---------- what happened, and why ----------

CREATE FUNCTION devapp_internal.portal_list_history(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_app constant uuid := devapp_internal.portal_app_id(request);
    most constant integer := devapp_internal.portal_limit(request);
    after constant jsonb := devapp_internal.portal_after(request, 'history');
BEGIN
    RETURN devapp_internal.portal_page('history',
               ARRAY(SELECT to_jsonb(h) FROM devapp.app_history(the_app) AS h
                      WHERE h.event_id > coalesce((after ->> 0)::bigint, 0)
                      ORDER BY h.event_id
                      LIMIT most + 1),
               most, 'event_id');
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_list_history IS 'What happened to an app and its credentials, oldest first';

-- Whether the app may make a call, and which rule says so.
CREATE FUNCTION devapp_internal.portal_explain_access(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_app constant uuid := devapp_internal.portal_app_id(request);
    query constant jsonb := jsonb_build_object('resource', devapp_internal.one_value(request.query, 'resource'), 'method', devapp_internal.one_value(request.query, 'method'),
                                'environment', devapp_internal.one_value(request.query, 'environment'), 'proxy', devapp_internal.one_value(request.query, 'proxy'),
                                'scope', devapp_internal.one_value(request.query, 'scope'), 'client', devapp_internal.one_value(request.query, 'client'));
    rules constant jsonb := (SELECT jsonb_agg(to_jsonb(e) ORDER BY e.step)
                               FROM devapp.explain_access(app => the_app, resource => query ->> 'resource', method => query ->> 'method',
                                        environment => query ->> 'environment', proxy => query ->> 'proxy',
                                        scope => query ->> 'scope', client => (query ->> 'client')::inet) AS e);
BEGIN
    RETURN devapp_internal.json_response(200, jsonb_build_object('items', coalesce(rules, '[]'), 'next', NULL));
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_explain_access IS 'Which rules decide whether an app may make a call, for each of its credentials';

-- ---------- schemas and routes ----------

SELECT devapp_internal.add_schema('Note', '{"note?": "string?: Why; it stays in the history"}', is_body => true);
SELECT devapp_internal.add_schema('ProductRequest', '{"product": "string: Its name", "note?": "string?"}', is_body => true);
SELECT devapp_internal.add_schema('Owner', '{
    "kind": "developer|team", "status": "active|inactive", "developer_id?": "uuid", "email?": "email", "first_name?": "string?", "last_name?": "string?",
    "team_id?": "uuid", "name?": "string", "display_name?": "string?"}');
SELECT devapp_internal.add_schema('AppSummary', '{
    "app_id": "uuid", "name": "string", "display_name": "string?", "owner": "#Owner", "status": "pending|rejected|approved|suspended|revoked|deleted",
    "effective_status": "string: active, or what keeps its keys from working"}');
SELECT devapp_internal.add_schema('App', '{
    "description": "string?", "decision_note": "string?: Why the status last changed", "callback_urls": "[string]", "scopes": "[string]",
    "allowed_cidrs": "[string]", "app_family": "string?", "attributes": "words", "created_at": "time", "updated_at": "time"}', extends => 'AppSummary');
SELECT devapp_internal.add_schema('AppDetail', '{
    "decided_by": "string?", "decided_at": "time?", "deleted_at": "time?", "pending_products": "[string]", "products": "[#AppProduct]",
    "credentials": "[#Credential]"}', extends => 'App');
SELECT devapp_internal.add_schema('AppCreate', '{
    "name": "string", "team?": "string?: Name of the team that it is for, which the developer administers", "products?": "[string]?: Their names",
    "display_name?": "string?", "description?": "string?", "callback_urls?": "[string]?", "scopes?": "[string]?", "app_family?": "string?",
    "attributes?": "words?", "environment?": "string?: The only one in which the first credential works", "kind?": "api_key|oauth_client|jwt",
    "expires_in?": "string?: When the first credential expires, such as 90 days or P90D", "allowed_cidrs?": "[string]?"}', is_body => true);
SELECT devapp_internal.add_schema('AppChange', '{
    "name?": "string", "display_name?": "string?", "description?": "string?", "callback_urls?": "[string]?", "scopes?": "[string]?", "app_family?": "string?",
    "attributes?": "words?", "allowed_cidrs?": "[string]?"}', is_body => true);
SELECT devapp_internal.add_schema('AppTransfer', '{"team": "string: Name of the team", "note?": "string?"}', is_body => true);
SELECT devapp_internal.add_schema('HistoryEvent', '{
    "event_id": "integer", "occurred_at": "time", "who": "string?", "what": "string", "note": "string?", "consumer_key": "string?"}');
SELECT devapp_internal.add_schema('AccessRule', '{
    "step": "integer", "consumer_key": "string?", "product": "string?", "rule": "string", "passed": "boolean?", "code": "string?: The verdict, if the rule decides",
    "detail": "string?"}');
SELECT devapp_internal.add_schema('AccessRulePage', '{"items": "[#AccessRule]", "next": "string?: Always null"}');

SELECT devapp_internal.add_portal_list('/apps', 'portal_list_apps', 'App', '{"status": "string: Only apps in this status"}');
SELECT devapp_internal.add_portal_route('POST', '/apps', 'portal_create_app', '{"201": "#IssuedCredential"}', body => 'AppCreate');
SELECT devapp_internal.add_portal_route('GET', '/apps/{app}', 'portal_get_app', '{"200": "#AppDetail"}');
SELECT devapp_internal.add_portal_route('PATCH', '/apps/{app}', 'portal_update_app', '{"200": "#AppDetail"}', body => 'AppChange');
SELECT devapp_internal.add_portal_route('DELETE', '/apps/{app}', 'portal_delete_app', '{"204": null}', '{"note": "string: Why; it stays in the history"}');
SELECT devapp_internal.add_portal_route('POST', '/apps/{app}/resubmit', 'portal_resubmit_app', '{"200": "#AppDetail"}', body => 'Note');
SELECT devapp_internal.add_portal_route('POST', '/apps/{app}/transfer', 'portal_transfer_app', '{"200": "#AppDetail"}', body => 'AppTransfer');
SELECT devapp_internal.add_portal_route('POST', '/apps/{app}/products', 'portal_add_app_product', '{"200": "#AppDetail"}', body => 'ProductRequest');
SELECT devapp_internal.add_portal_route('DELETE', '/apps/{app}/products/{product}', 'portal_remove_app_product', '{"204": null}', '{"note": "string: Why; it stays in the history"}');
SELECT devapp_internal.add_portal_list('/apps/{app}/history', 'portal_list_history', 'HistoryEvent');
SELECT devapp_internal.add_portal_route('GET', '/apps/{app}/access', 'portal_explain_access', '{"200": "#AccessRulePage"}',
    '{"resource": "string: Path of the call", "method": "string", "environment": "string", "proxy": "string", "scope": "string", "client": "string: Address that it comes from"}');
