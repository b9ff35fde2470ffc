-- The portal: teams of the developer, their members, and invitations.

CREATE FUNCTION devapp_internal.portal_team_form(t devapp.team) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object(
               'team_id', t.team_id, 'name', t.name, 'display_name', t.display_name, 'status', t.status, 'role', m.role, 'environments', m.environments,
               'member_since', m.created_at, 'created_at', t.created_at,
               'members', (SELECT count(*) FROM devapp.team_member x WHERE x.team_id = t.team_id),
               'apps', (SELECT count(*) FROM devapp.app a WHERE a.team_id = t.team_id AND a.deleted_at IS NULL))
      FROM devapp.team_member m
     WHERE m.team_id = t.team_id AND m.developer_id = devapp_internal.current_developer_id()
$$;

CREATE FUNCTION devapp_internal.portal_answer_team(team_id uuid) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    form constant jsonb := (SELECT devapp_internal.portal_team_form(t) FROM devapp.team t WHERE t.team_id = portal_answer_team.team_id);
BEGIN
    RETURN devapp_internal.json_response(200, form);
END
$$;

CREATE FUNCTION devapp_internal.portal_list_teams(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most constant integer := devapp_internal.portal_limit(request);
    after constant jsonb := devapp_internal.portal_after(request, 'teams');
    mine constant uuid[] := devapp_internal.my_teams();
BEGIN
    RETURN devapp_internal.portal_page('teams',
               ARRAY(SELECT devapp_internal.portal_team_form(t) FROM devapp.team t
                      WHERE t.team_id = ANY (mine) AND t.deleted_at IS NULL AND t.name COLLATE "C" > coalesce(after ->> 0, '')
                      ORDER BY t.name COLLATE "C"
                      LIMIT most + 1),
               most, 'name');
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_list_teams IS 'Teams that the developer is in, by name';

CREATE FUNCTION devapp_internal.portal_create_team(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    body constant jsonb := devapp_internal.read_body(request, 'TeamCreate');
    made devapp.team;
BEGIN
    made := devapp.create_team(name => body ->> 'name', display_name => body ->> 'display_name');
    RETURN devapp_internal.json_response(201, devapp_internal.portal_team_form(made), devapp_internal.portal_location(request.base_url, '/teams/' || made.team_id));
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_create_team IS 'Creates a team, which the developer administers';

CREATE FUNCTION devapp_internal.portal_get_team(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN devapp_internal.portal_answer_team((devapp_internal.portal_team(request)).team_id);
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_get_team IS 'One team';

CREATE FUNCTION devapp_internal.portal_update_team(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant devapp.team := devapp_internal.portal_team(request);
    body constant jsonb := devapp_internal.read_body(request, 'TeamChange');
BEGIN
    PERFORM devapp.update_team(team => named.name, display_name => devapp_internal.body_change(body, 'display_name'));
    RETURN devapp_internal.portal_answer_team(named.team_id);
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_update_team IS 'Changes the display name of a team that the developer administers';

CREATE FUNCTION devapp_internal.portal_delete_team(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant devapp.team := devapp_internal.portal_team(request);
BEGIN
    PERFORM devapp.delete_team(team => named.name);
    RETURN devapp_internal.empty_response(204);
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_delete_team IS 'Deletes a team that has no apps';

-- ---------- members ----------

CREATE FUNCTION devapp_internal.portal_member_form(m devapp.team_member) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object('developer_id', d.developer_id, 'email', d.email, 'first_name', d.first_name, 'last_name', d.last_name, 'role', m.role,
                              'environments', m.environments, 'member_since', m.created_at)
      FROM devapp.developer d
     WHERE d.developer_id = m.developer_id
$$;

CREATE FUNCTION devapp_internal.portal_list_members(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant devapp.team := devapp_internal.portal_team(request);
    most constant integer := devapp_internal.portal_limit(request);
    after constant jsonb := devapp_internal.portal_after(request, 'members');
BEGIN
    RETURN devapp_internal.portal_page('members',
               ARRAY(SELECT devapp_internal.portal_member_form(m) FROM devapp.team_member m
                      WHERE m.team_id = named.team_id AND m.developer_id > coalesce((after ->> 0)::uuid, '00000000-0000-0000-0000-000000000000')
                      ORDER BY m.developer_id
                      LIMIT most + 1),
               most, 'developer_id');
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_list_members IS 'Members of a team, in the order in which they registered';

-- The e-mail of a member, who is named by it or by the id of the developer.
CREATE FUNCTION devapp_internal.portal_member_email(team_id uuid, request devapp_internal.http_request) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant text := request.params ->> 'member';
    found_email text;
BEGIN
    SELECT d.email INTO found_email
      FROM devapp.team_member m JOIN devapp.developer d ON d.developer_id = m.developer_id
     WHERE m.team_id = portal_member_email.team_id
       AND (d.developer_id = devapp_internal.reference_uuid(named) OR devapp_internal.email_key(d.email) = devapp_internal.email_key(named));
    IF NOT FOUND THEN
        PERFORM devapp_internal.refuse_missing('member', named, 'Give the id or e-mail address of a member of the team.');
    END IF;
    RETURN found_email;
END
$$;

CREATE FUNCTION devapp_internal.portal_update_member(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant devapp.team := devapp_internal.portal_team(request);
    member constant text := devapp_internal.portal_member_email(named.team_id, request);
    body constant jsonb := devapp_internal.read_body(request, 'MemberChange');
    changed devapp.team_member;
BEGIN
    changed := devapp.set_team_role(team => named.name, developer => member, role => body ->> 'role',
                   environments => CASE WHEN body -> 'environments' = 'null' THEN '{*}' ELSE devapp_internal.body_list(body, 'environments') END);
    RETURN devapp_internal.json_response(200, devapp_internal.portal_member_form(changed));
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_update_member IS 'Changes the role and environments of a team member';

CREATE FUNCTION devapp_internal.portal_remove_member(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant devapp.team := devapp_internal.portal_team(request);
    member constant text := devapp_internal.portal_member_email(named.team_id, request);
BEGIN
    PERFORM devapp.remove_team_member(team => named.name, developer => member);
    RETURN devapp_internal.empty_response(204);
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_remove_member IS 'Ends a membership, which may be the developer''s own';

-- ---------- invitations of a team ----------

CREATE FUNCTION devapp_internal.portal_invitation_form(i devapp.team_invitation) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object('invitation_id', i.invitation_id, 'email', i.email, 'role', i.role, 'environments', i.environments,
                              'created_at', i.created_at, 'expires_at', i.expires_at)
$$;

-- Its admins alone see whom a team has invited.
CREATE FUNCTION devapp_internal.portal_list_team_invitations(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant devapp.team := devapp_internal.portal_team(request);
    most constant integer := devapp_internal.portal_limit(request);
    after constant jsonb := devapp_internal.portal_after(request, 'invitations');
BEGIN
    PERFORM devapp_internal.require_team(named.name);
    RETURN devapp_internal.portal_page('invitations',
               ARRAY(SELECT devapp_internal.portal_invitation_form(i) FROM devapp.team_invitation i
                      WHERE i.team_id = named.team_id AND i.expires_at > now()
                        AND i.invitation_id > coalesce((after ->> 0)::uuid, '00000000-0000-0000-0000-000000000000')
                      ORDER BY i.invitation_id
                      LIMIT most + 1),
               most, 'invitation_id');
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_list_team_invitations IS 'Open invitations to a team that the developer administers';

CREATE FUNCTION devapp_internal.portal_invite_member(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant devapp.team := devapp_internal.portal_team(request);
    body constant jsonb := devapp_internal.read_body(request, 'InvitationCreate');
    made devapp.team_invitation;
BEGIN
    made := devapp.invite_team_member(team => named.name, email => body ->> 'email', role => body ->> 'role',
                environments => devapp_internal.body_list(body, 'environments'));
    RETURN devapp_internal.json_response(201, devapp_internal.portal_invitation_form(made),
               devapp_internal.portal_location(request.base_url, format('/teams/%s/invitations/%s', made.team_id, made.invitation_id)));
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_invite_member IS 'Invites an e-mail address to a team, for 14 days';

-- An open invitation to a team that the developer administers.
CREATE FUNCTION devapp_internal.portal_team_invitation(team devapp.team, request devapp_internal.http_request) RETURNS devapp.team_invitation
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant text := request.params ->> 'invitation';
    found_row devapp.team_invitation;
BEGIN
    PERFORM devapp_internal.require_team(team.name);
    SELECT * INTO found_row FROM devapp.team_invitation i
     WHERE i.team_id = team.team_id AND i.invitation_id = devapp_internal.reference_uuid(named) AND i.expires_at > now();
    IF NOT FOUND THEN
        PERFORM devapp_internal.refuse_missing('invitation', named, 'It may have been answered or withdrawn, or have expired.');
    END IF;
    RETURN found_row;
END
$$;

CREATE FUNCTION devapp_internal.portal_get_team_invitation(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    invitation constant devapp.team_invitation := devapp_internal.portal_team_invitation(devapp_internal.portal_team(request), request);
BEGIN
    RETURN devapp_internal.json_response(200, devapp_internal.portal_invitation_form(invitation));
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_get_team_invitation IS 'One open invitation to a team';

-- The team is locked, so whoever has just become a member stays one.
CREATE FUNCTION devapp_internal.portal_withdraw_invitation(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant devapp.team := devapp_internal.find_own_team((devapp_internal.portal_team(request)).name, true);
    invitation constant devapp.team_invitation := devapp_internal.portal_team_invitation(named, request);
BEGIN
    IF devapp_internal.find_member(named, invitation.email) IS NOT NULL THEN
        RAISE EXCEPTION 'developer % is already a member of team %', devapp_internal.quoted(invitation.email), devapp_internal.quoted(named.name)
            USING ERRCODE = 'unique_violation', HINT = 'Remove the member instead.';
    END IF;
    PERFORM devapp.remove_team_member(team => named.name, developer => invitation.email);
    RETURN devapp_internal.empty_response(204);
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_withdraw_invitation IS 'Withdraws an invitation';

-- ---------- invitations of the developer ----------

CREATE FUNCTION devapp_internal.portal_list_invitations(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most constant integer := devapp_internal.portal_limit(request);
    after constant jsonb := devapp_internal.portal_after(request, 'my invitations');
BEGIN
    RETURN devapp_internal.portal_page('my invitations',
               ARRAY(SELECT jsonb_build_object('invitation_id', i.invitation_id, 'team', t.name, 'display_name', t.display_name, 'role', i.role,
                                               'environments', i.environments, 'created_at', i.created_at, 'expires_at', i.expires_at)
                       FROM devapp.team_invitation i JOIN devapp.team t ON t.team_id = i.team_id
                      WHERE devapp_internal.email_key(i.email) = devapp.actor() AND devapp_internal.invitation_stands(i) AND t.deleted_at IS NULL
                        AND i.invitation_id > coalesce((after ->> 0)::uuid, '00000000-0000-0000-0000-000000000000')
                      ORDER BY i.invitation_id
                      LIMIT most + 1),
               most, 'invitation_id');
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_list_invitations IS 'Invitations of the developer to teams';

-- Name of the team of an invitation of the developer.
CREATE FUNCTION devapp_internal.portal_inviting_team(request devapp_internal.http_request) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant text := request.params ->> 'invitation';
    found_name text;
BEGIN
    SELECT t.name INTO found_name
      FROM devapp.team_invitation i JOIN devapp.team t ON t.team_id = i.team_id
     WHERE i.invitation_id = devapp_internal.reference_uuid(named) AND devapp_internal.email_key(i.email) = devapp.actor() AND t.deleted_at IS NULL;
    IF NOT FOUND THEN
        PERFORM devapp_internal.refuse_missing('invitation', named, 'It may have been answered or withdrawn, or have expired.');
    END IF;
    RETURN found_name;
END
$$;

CREATE FUNCTION devapp_internal.portal_accept_invitation(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    team constant text := devapp_internal.portal_inviting_team(request);
    body constant jsonb := devapp_internal.read_body(request, 'Nothing');
    made devapp.team_member;
BEGIN
    made := devapp.accept_invitation(team);
    RETURN devapp_internal.portal_answer_team(made.team_id);
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_accept_invitation IS 'Makes the developer a member of the team that invited them';

CREATE FUNCTION devapp_internal.portal_decline_invitation(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    team constant text := devapp_internal.portal_inviting_team(request);
BEGIN
    PERFORM devapp.decline_invitation(team);
    RETURN devapp_internal.empty_response(204);
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_decline_invitation IS 'Declines an invitation';

-- ---------- schemas and routes ----------

SELECT devapp_internal.add_schema('Team', '{
    "team_id": "uuid", "name": "string", "display_name": "string?", "status": "active|inactive", "role": "admin|member: What the developer is in it",
    "environments": "[string]?: The only ones whose credentials exist for the developer; null: every one", "member_since": "time", "created_at": "time",
    "members": "integer: How many it has", "apps": "integer: How many it has"}');
SELECT devapp_internal.add_schema('TeamCreate', '{"name": "string", "display_name?": "string?"}', is_body => true);
SELECT devapp_internal.add_schema('TeamChange', '{"display_name?": "string?"}', is_body => true);
SELECT devapp_internal.add_schema('Member', '{
    "developer_id": "uuid", "email": "email", "first_name": "string?", "last_name": "string?", "role": "admin|member", "environments": "[string]?",
    "member_since": "time"}');
SELECT devapp_internal.add_schema('MemberChange', '{"role": "admin|member", "environments?": "[string]?: null: every one"}', is_body => true);
SELECT devapp_internal.add_schema('Invitation', '{
    "invitation_id": "uuid", "email": "email", "role": "admin|member", "environments": "[string]?", "created_at": "time", "expires_at": "time"}');
SELECT devapp_internal.add_schema('InvitationCreate', '{"email": "email", "role?": "admin|member", "environments?": "[string]?"}', is_body => true);
SELECT devapp_internal.add_schema('MyInvitation', '{
    "invitation_id": "uuid", "team": "string", "display_name": "string?", "role": "admin|member", "environments": "[string]?", "created_at": "time",
    "expires_at": "time"}');

SELECT devapp_internal.add_portal_list('/teams', 'portal_list_teams', 'Team');
SELECT devapp_internal.add_portal_route('POST', '/teams', 'portal_create_team', '{"201": "#Team"}', body => 'TeamCreate');
SELECT devapp_internal.add_portal_route('GET', '/teams/{team}', 'portal_get_team', '{"200": "#Team"}');
SELECT devapp_internal.add_portal_route('PATCH', '/teams/{team}', 'portal_update_team', '{"200": "#Team"}', body => 'TeamChange');
SELECT devapp_internal.add_portal_route('DELETE', '/teams/{team}', 'portal_delete_team', '{"204": null}');
SELECT devapp_internal.add_portal_list('/teams/{team}/members', 'portal_list_members', 'Member');
SELECT devapp_internal.add_portal_route('PATCH', '/teams/{team}/members/{member}', 'portal_update_member', '{"200": "#Member"}', body => 'MemberChange');
SELECT devapp_internal.add_portal_route('DELETE', '/teams/{team}/members/{member}', 'portal_remove_member', '{"204": null}');
SELECT devapp_internal.add_portal_list('/teams/{team}/invitations', 'portal_list_team_invitations', 'Invitation');
SELECT devapp_internal.add_portal_route('POST', '/teams/{team}/invitations', 'portal_invite_member', '{"201": "#Invitation"}', body => 'InvitationCreate');
SELECT devapp_internal.add_portal_route('GET', '/teams/{team}/invitations/{invitation}', 'portal_get_team_invitation', '{"200": "#Invitation"}');
SELECT devapp_internal.add_portal_route('DELETE', '/teams/{team}/invitations/{invitation}', 'portal_withdraw_invitation', '{"204": null}');
SELECT devapp_internal.add_portal_list('/invitations', 'portal_list_invitations', 'MyInvitation');
SELECT devapp_internal.add_portal_route('POST', '/invitations/{invitation}/accept', 'portal_accept_invitation', '{"200": "#Team"}', body => 'Nothing');
SELECT devapp_internal.add_portal_route('POST', '/invitations/{invitation}/decline', 'portal_decline_invitation', '{"204": null}');
