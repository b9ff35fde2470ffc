-- Apigee's management API: developers.

CREATE FUNCTION devapp_internal.apigee_developer_form(d devapp.developer, org text) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object(
               'developerId', d.developer_id,
               'email', d.email,
               'firstName', d.first_name,
               'lastName', d.last_name,
               'userName', d.user_name,
               'status', d.status,
               'organizationName', org,
               'attributes', devapp_internal.apigee_attribute_list(d.attributes),
               'apps', (SELECT coalesce(jsonb_agg(a.name ORDER BY a.name COLLATE "C"), '[]')
                          FROM devapp.app a WHERE a.developer_id = d.developer_id AND a.deleted_at IS NULL),
               'companies', (SELECT coalesce(jsonb_agg(t.name ORDER BY t.name COLLATE "C"), '[]')
                               FROM devapp.team_member m JOIN devapp.team t ON t.team_id = m.team_id WHERE m.developer_id = d.developer_id),
               'createdAt', devapp_internal.apigee_millis(d.created_at),
               'lastModifiedAt', devapp_internal.apigee_millis(d.updated_at)))
$$;

-- By e-mail or id.
CREATE FUNCTION devapp_internal.apigee_named_developer(named text, org text) RETURNS devapp.developer
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_row devapp.developer;
BEGIN
    SELECT * INTO found_row FROM devapp.developer d
     WHERE d.deleted_at IS NULL
       AND (devapp_internal.email_key(d.email) = devapp_internal.email_key(named) OR d.developer_id = devapp_internal.reference_uuid(named));
    IF NOT FOUND THEN
        PERFORM devapp_internal.http_error(404, 'developer.service.DeveloperIdDoesNotExist',
                    format('DeveloperId %s does not exist in organization %s', devapp_internal.masked(named), devapp_internal.masked(org)));
    END IF;
    RETURN found_row;
END
$$;

CREATE FUNCTION devapp_internal.apigee_find_developer(request devapp_internal.http_request) RETURNS devapp.developer
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN devapp_internal.apigee_named_developer(request.params ->> 'developer', request.params ->> 'org');
END
$$;

CREATE FUNCTION devapp_internal.apigee_answer_developer(request devapp_internal.http_request, status integer, d devapp.developer) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN devapp_internal.json_response(status, devapp_internal.apigee_developer_form(d, request.params ->> 'org'));
END
$$;

CREATE FUNCTION devapp_internal.apigee_list_developers(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most constant integer := devapp_internal.apigee_count(request, 'count', 1000);
    start_key constant text := devapp_internal.email_key(devapp_internal.one_value(request.query, 'startKey'));
    app_name constant text := devapp_internal.canonical_name(devapp_internal.one_value(request.query, 'app'));
    ids constant text[] := ARRAY(SELECT devapp_internal.email_key(i)
                                   FROM string_to_table(devapp_internal.one_value(request.query, 'ids'), ',') AS i);
    expand constant boolean := devapp_internal.apigee_flag(request, 'expand');
    found_rows devapp.developer[];
    names jsonb;
    forms jsonb;
BEGIN
    found_rows := ARRAY(
        SELECT d FROM devapp.developer d
         WHERE d.deleted_at IS NULL
           AND devapp_internal.email_key(d.email) >= coalesce(start_key, '')
           AND (NOT request.query ? 'ids' OR d.developer_id::text = ANY (ids) OR devapp_internal.email_key(d.email) = ANY (ids))
           AND (app_name IS NULL
                OR EXISTS (SELECT FROM devapp.app a WHERE a.developer_id = d.developer_id AND a.name = app_name AND a.deleted_at IS NULL))
         ORDER BY devapp_internal.email_key(d.email)
         LIMIT most);
    IF expand THEN
        forms := (SELECT coalesce(jsonb_agg(devapp_internal.apigee_developer_form(d, request.params ->> 'org')), '[]') FROM unnest(found_rows) AS d);
    ELSE
        names := (SELECT jsonb_agg(d.email) FROM unnest(found_rows) AS d);
    END IF;
    RETURN devapp_internal.apigee_answer_list(names, 'developer', forms);
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_list_developers IS 'E-mail addresses of developers, or the developers with expand=true';

CREATE FUNCTION devapp_internal.apigee_get_developer(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN devapp_internal.apigee_answer_developer(request, 200, devapp_internal.apigee_find_developer(request));
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_get_developer IS 'A developer, by e-mail address or id';

CREATE FUNCTION devapp_internal.apigee_refuse_developer(email text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM devapp_internal.http_error(409, 'developer.service.DeveloperAlreadyExists',
                format('Developer with email %s already exists', devapp_internal.masked(email)));
END
$$;

-- A status that a new developer or team is to have; only that it is not active says anything.
CREATE FUNCTION devapp_internal.apigee_starts_inactive(body jsonb) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    status constant text := lower(coalesce(devapp_internal.apigee_text(body, 'status'), 'active'));
BEGIN
    IF status NOT IN ('active', 'inactive') THEN
        PERFORM devapp_internal.apigee_refuse('status must be active or inactive', 'Leave it out for active.');
    END IF;
    RETURN status = 'inactive';
END
$$;

CREATE FUNCTION devapp_internal.apigee_create_developer(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    body constant jsonb := devapp_internal.apigee_body(request);
    made devapp.developer;
BEGIN
    made := devapp.create_developer(
        email => devapp_internal.apigee_text(body, 'email'),
        first_name => devapp_internal.apigee_text(body, 'firstName'),
        last_name => devapp_internal.apigee_text(body, 'lastName'),
        user_name => devapp_internal.apigee_text(body, 'userName'),
        attributes => devapp_internal.apigee_attribute_object(body, 'attributes'));
    IF devapp_internal.apigee_starts_inactive(body) THEN
        made := devapp.set_developer_status(developer => made.email, action => 'deactivate');
    END IF;
    RETURN devapp_internal.apigee_answer_developer(request, 201, made);
EXCEPTION WHEN unique_violation THEN
    PERFORM devapp_internal.apigee_refuse_developer(body ->> 'email');
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_create_developer IS 'Creates a developer';

CREATE FUNCTION devapp_internal.apigee_update_developer(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    body constant jsonb := devapp_internal.apigee_body(request);
    changed devapp.developer := devapp_internal.apigee_find_developer(request);
BEGIN
    changed := devapp.update_developer(
        developer => changed.email,
        email => devapp_internal.apigee_text(body, 'email'),
        first_name => devapp_internal.apigee_change(body, 'firstName'),
        last_name => devapp_internal.apigee_change(body, 'lastName'),
        user_name => devapp_internal.apigee_change(body, 'userName'),
        attributes => devapp_internal.apigee_attribute_object(body, 'attributes'));
    RETURN devapp_internal.apigee_answer_developer(request, 200, changed);
EXCEPTION WHEN unique_violation THEN
    PERFORM devapp_internal.apigee_refuse_developer(body ->> 'email');
END
$$;

-- The action of a query for what is active or inactive; null where it has that status already.
CREATE FUNCTION devapp_internal.apigee_activity(request devapp_internal.http_request, status text) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    action constant text := lower(devapp_internal.one_value(request.query, 'action'));
BEGIN
    IF action IN ('active', 'inactive') IS NOT TRUE THEN
        PERFORM devapp_internal.apigee_refuse('action must be active or inactive', 'For example ?action=inactive.');
    END IF;
    RETURN nullif(action, status);
END
$$;

CREATE FUNCTION devapp_internal.apigee_write_developer(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named devapp.developer;
    action text;
BEGIN
    IF NOT request.query ? 'action' THEN
        RETURN devapp_internal.apigee_update_developer(request);
    END IF;
    named := devapp_internal.apigee_find_developer(request);
    action := devapp_internal.apigee_activity(request, named.status);
    IF action IS NOT NULL THEN
        PERFORM devapp.set_developer_status(developer => named.email, action => action);
    END IF;
    RETURN devapp_internal.empty_response(204);
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_write_developer IS 'Changes a developer; attributes replace the existing ones; action=active or inactive sets the status';

-- At Apigee the apps of a developer go with the developer.
CREATE FUNCTION devapp_internal.apigee_delete_developer(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant devapp.developer := devapp_internal.apigee_find_developer(request);
    answer constant devapp_internal.http_response := devapp_internal.apigee_answer_developer(request, 200, named);
BEGIN
    PERFORM devapp.delete_app(app => a.app_id) FROM devapp.app a WHERE a.developer_id = named.developer_id AND a.deleted_at IS NULL;
    PERFORM devapp.remove_team_member(team => t.name, developer => named.email)
       FROM devapp.team_member m JOIN devapp.team t ON t.team_id = m.team_id WHERE m.developer_id = named.developer_id;
    PERFORM devapp.delete_developer(developer => named.email);
    RETURN answer;
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_delete_developer IS 'Deletes a developer with all apps';

SELECT devapp_internal.add_apigee_route('GET', '/developers', 'apigee_list_developers', 'read');
SELECT devapp_internal.add_apigee_route('POST', '/developers', 'apigee_create_developer', 'admin');
SELECT devapp_internal.add_apigee_route('GET', '/developers/{developer}', 'apigee_get_developer', 'read');
SELECT devapp_internal.add_apigee_route('PUT', '/developers/{developer}', 'apigee_write_developer', 'admin');
SELECT devapp_internal.add_apigee_route('POST', '/developers/{developer}', 'apigee_write_developer', 'admin');
SELECT devapp_internal.add_apigee_route('DELETE', '/developers/{developer}', 'apigee_delete_developer', 'admin');
