-- Invitations to teams.
--
-- An administrator of a team invites an address, and who acts by that address accepts or
-- declines.  What the team is told is the same whether anybody is registered by the address or
-- not.  An invitation is a row for as long as it is open; the audit trail has what became of it.

-- In hours, so that nothing depends on anybody's time zone.
CREATE FUNCTION devapp_internal.invitation_lasts() RETURNS interval
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN make_interval(hours => 14 * 24);

-- An address gets a team's invitation once a day at most, however often it is invited.
CREATE FUNCTION devapp_internal.notify_invited(invitation devapp.team_invitation, team devapp.team) RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO devapp.notification (event, recipients, payload, dedupe_key)
    VALUES ('team_invited',
            jsonb_build_array(devapp_internal.make_recipient('developer', (invitation).email, NULL, 'invited',
                                                             (SELECT d.developer_id FROM devapp.developer d
                                                               WHERE devapp_internal.email_key(d.email) = devapp_internal.email_key((invitation).email)
                                                                 AND d.deleted_at IS NULL))),
            jsonb_strip_nulls(jsonb_build_object('team', (team).name, 'display_name', (team).display_name, 'role', (invitation).role,
                                                 'invited_by', devapp.actor(), 'expires_at', (invitation).expires_at)),
            format('team_invited/%s/%s/%s', (team).team_id, to_char((invitation).created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'),
                   devapp_internal.email_key((invitation).email)))
    ON CONFLICT (dedupe_key) WHERE dedupe_key IS NOT NULL DO NOTHING
$$;

-- A team has a bounded number of open invitations, and a person makes so many a day, in
-- whatever teams: each is a mail to somebody who may know nothing of it.  The team is locked.
CREATE FUNCTION devapp_internal.require_few_invitations(team devapp.team) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF (SELECT count(*) FROM devapp.team_invitation i WHERE i.team_id = team.team_id) >= 100 THEN
        RAISE EXCEPTION 'team % has too many open invitations', devapp_internal.quoted(team.name)
            USING ERRCODE = 'program_limit_exceeded',
                  HINT = 'A team can have 100. Wait for answers, or withdraw some with devapp.remove_team_member.';
    END IF;
    IF NOT devapp_internal.is_admin()
       AND (SELECT count(*) FROM devapp.notification n
             WHERE n.event = 'team_invited' AND n.payload ->> 'invited_by' = devapp.actor()
               AND n.created_at > now() - interval '24 hours') >= 100 THEN
        RAISE EXCEPTION '% has invited 100 addresses within a day', devapp_internal.quoted(devapp.actor())
            USING ERRCODE = 'program_limit_exceeded',
                  HINT = 'Invite others tomorrow, or ask an administrator of the developer program.';
    END IF;
END
$$;

-- Whoever is limited to environments invites to these.
CREATE FUNCTION devapp_internal.invite_team_member(team text, email text, role text, environments text[]) RETURNS devapp.team_invitation
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_team devapp.team := devapp_internal.find_own_team(team, true);
    given text[] := CASE WHEN invite_team_member.environments IS NULL THEN devapp_internal.my_environments(the_team.team_id)
                         ELSE devapp_internal.member_environments(invite_team_member.environments) END;
    made devapp.team_invitation;
BEGIN
    -- members are no secret to their team
    IF EXISTS (SELECT FROM devapp.team_member m JOIN devapp.developer d ON d.developer_id = m.developer_id
                WHERE m.team_id = the_team.team_id
                  AND devapp_internal.email_key(d.email) = devapp_internal.email_key(invite_team_member.email)) THEN
        RAISE EXCEPTION 'developer % is already a member of team %',
                        devapp_internal.quoted(invite_team_member.email), devapp_internal.quoted(the_team.name)
            USING ERRCODE = 'unique_violation',
                  HINT = 'Change the role with devapp.set_team_role.';
    END IF;
    PERFORM devapp_internal.require_within_mine(the_team, given, 'give environments that are not theirs');
    DELETE FROM devapp.team_invitation i
     WHERE i.team_id = the_team.team_id
       AND (i.expires_at <= now()
            OR devapp_internal.email_key(i.email) = devapp_internal.email_key(invite_team_member.email));
    PERFORM devapp_internal.require_few_invitations(the_team);
    INSERT INTO devapp.team_invitation AS i (team_id, email, role, invited_by, expires_at, environments)
    VALUES (the_team.team_id, invite_team_member.email, coalesce(invite_team_member.role, 'member'),
            CASE WHEN NOT devapp_internal.is_admin() THEN devapp_internal.current_developer_id() END,
            now() + devapp_internal.invitation_lasts(), given)
    RETURNING i.* INTO made;
    PERFORM devapp_internal.notify_invited(made, the_team);
    RETURN made;
END
$$;

CREATE FUNCTION devapp.invite_team_member(team text, email text, role text DEFAULT 'member', environments text[] DEFAULT NULL)
    RETURNS devapp.team_invitation
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.invite_team_member(text, text, text, text[]) IS
    'Invites an e-mail address to a team, for 14 days; does not reveal whether it is registered';
SELECT devapp_internal.grant_to('devapp.invite_team_member', 'admin', 'developer');

-- An invitation by a person can be answered as long as that person administers the team, in
-- all the environments that it gives.
CREATE FUNCTION devapp_internal.invitation_stands(invitation devapp.team_invitation) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT (invitation).expires_at > clock_timestamp()
       AND ((invitation).invited_by IS NULL
            OR EXISTS (SELECT FROM devapp.team_member m JOIN devapp.developer d ON d.developer_id = m.developer_id
                        WHERE m.team_id = (invitation).team_id AND m.developer_id = (invitation).invited_by
                          AND m.role = 'admin' AND d.status = 'active'
                          AND devapp_internal.environments_within((invitation).environments, m.environments)))
$$;

-- The invitation of the person who acts, taken away.
CREATE FUNCTION devapp_internal.take_invitation(team text) RETURNS devapp.team_invitation
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    taken devapp.team_invitation;
BEGIN
    DELETE FROM devapp.team_invitation i
     USING devapp.team t
     WHERE t.team_id = i.team_id AND t.name = devapp_internal.canonical_name(take_invitation.team) AND t.deleted_at IS NULL
       AND devapp_internal.email_key(i.email) = devapp.actor()
       AND devapp_internal.invitation_stands(i)
    RETURNING i.* INTO taken;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no open invitation to team %', devapp_internal.quoted(take_invitation.team)
            USING ERRCODE = 'undefined_object',
                  HINT = 'It may have expired or been withdrawn: ask for another. List yours with SELECT * FROM devapp.my_invitations().';
    END IF;
    RETURN taken;
END
$$;

-- Only a person who is registered and active can answer.
CREATE FUNCTION devapp_internal.require_invited_person() RETURNS uuid
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    person uuid;
BEGIN
    SELECT d.developer_id INTO person FROM devapp.developer d
     WHERE d.developer_id = devapp_internal.current_developer_id() AND d.status = 'active'
       FOR SHARE;
    IF NOT FOUND THEN
        PERFORM devapp_internal.refuse('answer an invitation');
    END IF;
    RETURN person;
END
$$;

CREATE FUNCTION devapp_internal.accept_invitation(team text) RETURNS devapp.team_member
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    person uuid := devapp_internal.require_invited_person();
    -- locked first, as by all that changes members
    the_team uuid := (SELECT t.team_id FROM devapp.team t
                       WHERE t.name = devapp_internal.canonical_name(accept_invitation.team) AND t.deleted_at IS NULL FOR NO KEY UPDATE);
    taken devapp.team_invitation := devapp_internal.take_invitation(accept_invitation.team);
    made devapp.team_member;
BEGIN
    INSERT INTO devapp.team_member AS m (team_id, developer_id, role, environments)
    VALUES (taken.team_id, person, taken.role, taken.environments)
    ON CONFLICT (team_id, developer_id) DO NOTHING;
    SELECT * INTO made FROM devapp.team_member m WHERE m.team_id = taken.team_id AND m.developer_id = person;
    RETURN made;
END
$$;

CREATE FUNCTION devapp.accept_invitation(team text) RETURNS devapp.team_member
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.accept_invitation(text) IS 'Accepts an invitation of the acting developer to a team';
SELECT devapp_internal.grant_to('devapp.accept_invitation', 'admin', 'developer');

CREATE FUNCTION devapp_internal.decline_invitation(team text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM devapp_internal.require_invited_person();
    PERFORM devapp_internal.take_invitation(decline_invitation.team);
END
$$;

CREATE FUNCTION devapp.decline_invitation(team text) RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.decline_invitation(text) IS 'Declines an invitation of the acting developer to a team';
SELECT devapp_internal.grant_to('devapp.decline_invitation', 'admin', 'developer');

CREATE FUNCTION devapp_internal.my_invitations()
    RETURNS TABLE (team text, display_name text, role text, invited_at timestamptz, expires_at timestamptz)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT t.name, t.display_name, i.role, i.created_at, i.expires_at
      FROM devapp.team_invitation i JOIN devapp.team t ON t.team_id = i.team_id
     WHERE devapp_internal.email_key(i.email) = devapp.actor() AND devapp_internal.invitation_stands(i) AND t.deleted_at IS NULL
     ORDER BY i.created_at
$$;

CREATE FUNCTION devapp.my_invitations()
    RETURNS TABLE (team text, display_name text, role text, invited_at timestamptz, expires_at timestamptz)
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.my_invitations() IS 'Open invitations of the acting person to teams';
SELECT devapp_internal.grant_to('devapp.my_invitations', 'admin', 'developer');
