-- Apigee's management API: teams, which are companies at Apigee Edge and AppGroups at Apigee X.
-- Both are one form with the members of both.

CREATE FUNCTION devapp_internal.apigee_team_form(t devapp.team, org text) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object(
               'name', t.name,
               'appGroupId', t.team_id,
               'displayName', coalesce(t.display_name, t.name),
               'organization', org,
               'status', t.status,
               'attributes', devapp_internal.apigee_attribute_list(t.attributes),
               'apps', (SELECT coalesce(jsonb_agg(a.name ORDER BY a.name COLLATE "C"), '[]')
                          FROM devapp.app a WHERE a.team_id = t.team_id AND a.deleted_at IS NULL),
               'createdAt', devapp_internal.apigee_millis(t.created_at),
               'lastModifiedAt', devapp_internal.apigee_millis(t.updated_at))
$$;

-- What a path of this request calls a team, for codes and texts of errors.
CREATE FUNCTION devapp_internal.apigee_team_word(request devapp_internal.http_request) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE WHEN request.path ~ '^/v1/[^/]+/[^/]+/appgroups' THEN 'AppGroup' ELSE 'Company' END;
END
$$;

CREATE FUNCTION devapp_internal.apigee_find_team(request devapp_internal.http_request) RETURNS devapp.team
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant text := request.params ->> 'team';
    word constant text := devapp_internal.apigee_team_word(request);
    found_row devapp.team;
BEGIN
    SELECT * INTO found_row FROM devapp.team t WHERE t.name = devapp_internal.canonical_name(named) AND t.deleted_at IS NULL;
    IF NOT FOUND THEN
        PERFORM devapp_internal.http_error(404, format('developer.service.%sDoesNotExist', word),
                    format('%s %s does not exist in organization %s', word, devapp_internal.masked(named), devapp_internal.masked(request.params ->> 'org')));
    END IF;
    RETURN found_row;
END
$$;

CREATE FUNCTION devapp_internal.apigee_answer_team(request devapp_internal.http_request, status integer, t devapp.team) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN devapp_internal.json_response(status, devapp_internal.apigee_team_form(t, request.params ->> 'org'));
END
$$;

CREATE FUNCTION devapp_internal.apigee_teams(start_key text, most integer) RETURNS devapp.team[]
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ARRAY(SELECT t FROM devapp.team t
                  WHERE t.deleted_at IS NULL AND (start_key IS NULL OR t.name COLLATE "C" >= devapp_internal.canonical_name(start_key))
                  ORDER BY t.name COLLATE "C"
                  LIMIT most)
$$;

CREATE FUNCTION devapp_internal.apigee_team_forms(teams devapp.team[], org text) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(jsonb_agg(devapp_internal.apigee_team_form(teams[n], org) ORDER BY n), '[]') FROM generate_subscripts(teams, 1) AS n
$$;

CREATE FUNCTION devapp_internal.apigee_list_companies(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    teams constant devapp.team[] := devapp_internal.apigee_teams(devapp_internal.one_value(request.query, 'startKey'),
                                                                 devapp_internal.apigee_count(request, 'count', 1000));
    names constant jsonb := (SELECT jsonb_agg(t.name) FROM unnest(teams) AS t);
BEGIN
    RETURN devapp_internal.apigee_answer_list(names, 'company',
               CASE WHEN devapp_internal.apigee_flag(request, 'expand') THEN devapp_internal.apigee_team_forms(teams, request.params ->> 'org') END);
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_list_companies IS 'Names of teams, or the teams with expand=true';

-- ---------- pages of AppGroups ----------

-- A list of whole objects; one more than there is room for has been read, and its name is the
-- token of the next page.
CREATE FUNCTION devapp_internal.apigee_answer_page(member text, forms jsonb, most integer) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN devapp_internal.json_response(200,
               CASE WHEN jsonb_array_length(forms) > most
                    THEN jsonb_build_object(member, forms - most, 'nextPageToken', forms -> most -> 'name')
                    ELSE jsonb_build_object(member, forms) END);
END
$$;

CREATE FUNCTION devapp_internal.apigee_list_app_groups(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most constant integer := devapp_internal.apigee_count(request, 'pageSize', 1000);
    teams constant devapp.team[] := devapp_internal.apigee_teams(devapp_internal.one_value(request.query, 'pageToken'), most + 1);
BEGIN
    RETURN devapp_internal.apigee_answer_page('appGroups', devapp_internal.apigee_team_forms(teams, request.params ->> 'org'), most);
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_list_app_groups IS 'A page of teams';

CREATE FUNCTION devapp_internal.apigee_list_app_group_apps(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    team constant devapp.team := devapp_internal.apigee_find_team(request);
    most constant integer := devapp_internal.apigee_count(request, 'pageSize', 1000);
    apps constant devapp.app[] := devapp_internal.apigee_owned_apps(NULL, team.team_id, devapp_internal.one_value(request.query, 'pageToken'), most + 1);
BEGIN
    RETURN devapp_internal.apigee_answer_page('appGroupApps', devapp_internal.apigee_app_forms(apps), most);
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_list_app_group_apps IS 'A page of the apps of a team';

-- ---------- one team ----------

CREATE FUNCTION devapp_internal.apigee_get_team(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN devapp_internal.apigee_answer_team(request, 200, devapp_internal.apigee_find_team(request));
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_get_team IS 'A team';

CREATE FUNCTION devapp_internal.apigee_create_team(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    body constant jsonb := devapp_internal.apigee_body(request);
    word constant text := devapp_internal.apigee_team_word(request);
    made devapp.team;
BEGIN
    made := devapp.create_team(
        name => devapp_internal.apigee_text(body, 'name'),
        display_name => devapp_internal.apigee_text(body, 'displayName'),
        attributes => devapp_internal.apigee_attribute_object(body, 'attributes'));
    IF devapp_internal.apigee_starts_inactive(body) THEN
        made := devapp.set_team_status(team => made.name, action => 'deactivate');
    END IF;
    RETURN devapp_internal.apigee_answer_team(request, 201, made);
EXCEPTION WHEN unique_violation THEN
    PERFORM devapp_internal.http_error(409, format('developer.service.%sAlreadyExists', word),
                format('%s %s already exists', word, devapp_internal.masked(body ->> 'name')));
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_create_team IS 'Creates a team';

CREATE FUNCTION devapp_internal.apigee_update_team(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    body constant jsonb := devapp_internal.apigee_body(request);
    changed devapp.team := devapp_internal.apigee_find_team(request);
BEGIN
    PERFORM devapp_internal.apigee_require_name(body, changed.name);
    changed := devapp.update_team(
        team => changed.name,
        display_name => devapp_internal.apigee_change(body, 'displayName'),
        attributes => devapp_internal.apigee_attribute_object(body, 'attributes'));
    RETURN devapp_internal.apigee_answer_team(request, 200, changed);
END
$$;

-- Companies get their status by POST, AppGroups by PUT.
CREATE FUNCTION devapp_internal.apigee_write_team(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named devapp.team;
    action text;
BEGIN
    IF NOT request.query ? 'action' THEN
        RETURN devapp_internal.apigee_update_team(request);
    END IF;
    named := devapp_internal.apigee_find_team(request);
    action := devapp_internal.apigee_activity(request, named.status);
    IF action IS NOT NULL THEN
        PERFORM devapp.set_team_status(team => named.name, action => action);
    END IF;
    RETURN devapp_internal.empty_response(204);
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_write_team IS 'Changes a team; attributes replace the existing ones; action=active or inactive sets the status';

-- At Apigee the apps of a company or AppGroup go with it.
CREATE FUNCTION devapp_internal.apigee_delete_team(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant devapp.team := devapp_internal.apigee_find_team(request);
    answer constant devapp_internal.http_response := devapp_internal.apigee_answer_team(request, 200, named);
BEGIN
    PERFORM devapp.delete_app(app => a.app_id) FROM devapp.app a WHERE a.team_id = named.team_id AND a.deleted_at IS NULL;
    PERFORM devapp.delete_team(team => named.name);
    RETURN answer;
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_delete_team IS 'Deletes a team with all apps';

-- ---------- members ----------

CREATE FUNCTION devapp_internal.apigee_answer_members(team_id uuid) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    members constant jsonb := (SELECT coalesce(jsonb_agg(jsonb_build_object('email', d.email, 'role', m.role) ORDER BY d.email COLLATE "C"), '[]')
                                 FROM devapp.team_member m JOIN devapp.developer d ON d.developer_id = m.developer_id
                                WHERE m.team_id = apigee_answer_members.team_id);
BEGIN
    RETURN devapp_internal.json_response(200, jsonb_build_object('developer', members));
END
$$;

CREATE FUNCTION devapp_internal.apigee_get_members(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN devapp_internal.apigee_answer_members((devapp_internal.apigee_find_team(request)).team_id);
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_get_members IS 'Members of a team, with their roles';

-- Adds members, and changes the roles of existing ones.  The role is member unless it is given.
CREATE FUNCTION devapp_internal.apigee_put_members(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    team constant devapp.team := devapp_internal.apigee_find_team(request);
    body constant jsonb := devapp_internal.apigee_body(request);
    given record;
    developer devapp.developer;
BEGIN
    IF jsonb_typeof(body -> 'developer') IS DISTINCT FROM 'array'
       OR EXISTS (SELECT FROM jsonb_array_elements(body -> 'developer') AS m WHERE jsonb_typeof(m -> 'email') IS DISTINCT FROM 'string') THEN
        PERFORM devapp_internal.apigee_refuse('developer must be an array of objects with an email', 'For example {"developer": [{"email": "ada@example.com", "role": "admin"}]}.');
    END IF;
    FOR given IN SELECT devapp_internal.apigee_text(m, 'email') AS email, coalesce(lower(nullif(devapp_internal.apigee_text(m, 'role'), '')), 'member') AS role
                   FROM jsonb_array_elements(body -> 'developer') AS m LOOP
        developer := devapp_internal.apigee_named_developer(given.email, request.params ->> 'org');
        IF devapp_internal.find_member(team, developer.email) IS NULL THEN
            PERFORM devapp.add_team_member(team => team.name, developer => developer.email, role => given.role);
        ELSE
            PERFORM devapp.set_team_role(team => team.name, developer => developer.email, role => given.role);
        END IF;
    END LOOP;
    RETURN devapp_internal.apigee_answer_members(team.team_id);
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_put_members IS 'Adds members to a team, and changes the roles of those it has';

CREATE FUNCTION devapp_internal.apigee_delete_member(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    team constant devapp.team := devapp_internal.apigee_find_team(request);
    developer constant devapp.developer := devapp_internal.apigee_find_developer(request);
BEGIN
    PERFORM devapp.remove_team_member(team => team.name, developer => developer.email);
    RETURN devapp_internal.empty_response(204);
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_delete_member IS 'Removes a member from a team';

SELECT devapp_internal.add_apigee_route('GET', '/companies', 'apigee_list_companies', 'read');
SELECT devapp_internal.add_apigee_route('GET', '/appgroups', 'apigee_list_app_groups', 'read');
SELECT devapp_internal.add_apigee_route('GET', '/appgroups/{team}/apps', 'apigee_list_app_group_apps', 'read');
SELECT devapp_internal.add_apigee_route(r.method, o.owner || r.tail, r.function, r.needs)
  FROM unnest(ARRAY['/companies', '/appgroups']) AS o(owner),
       (VALUES ('POST', '', 'apigee_create_team', 'admin'),
               ('GET', '/{team}', 'apigee_get_team', 'read'),
               ('PUT', '/{team}', 'apigee_write_team', 'admin'),
               ('POST', '/{team}', 'apigee_write_team', 'admin'),
               ('DELETE', '/{team}', 'apigee_delete_team', 'admin'),
               ('GET', '/{team}/developers', 'apigee_get_members', 'read'),
               ('POST', '/{team}/developers', 'apigee_put_members', 'admin'),
               ('DELETE', '/{team}/developers/{developer}', 'apigee_delete_member', 'admin')) AS r(method, tail, function, needs);
