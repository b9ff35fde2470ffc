-- Teams and their members.

CREATE FUNCTION devapp_internal.refuse_team_name(name text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'team % already exists', devapp_internal.quoted(name)
        USING ERRCODE = 'unique_violation',
              HINT = 'Choose another name.';
END
$$;

-- Where the owner of an app is shown an e-mail address is a developer, and a team must not be
-- taken for one.  In NFKC what looks like @ is one.
CREATE FUNCTION devapp_internal.require_no_address(name text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF strpos((CASE getdatabaseencoding() WHEN 'UTF8' THEN normalize(name, NFKC) ELSE name END), '@') > 0 THEN
        RAISE EXCEPTION 'name of team looks like an e-mail address'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Choose a name without @.';
    END IF;
END
$$;

-- The developer who makes a team, locked, and its administrator from then on; null for an
-- administrator of the program.  How many teams one administers is limited.  A name that an
-- approval rule goes by is taken, also where the team was deleted: whoever had it would be
-- judged by the rule.
CREATE FUNCTION devapp_internal.require_team_maker(name text, attributes jsonb) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    maker devapp.developer;
BEGIN
    IF devapp_internal.is_admin() THEN
        RETURN NULL;
    END IF;
    IF devapp.actor() IS NULL THEN
        PERFORM devapp_internal.refuse('create a team');
    END IF;
    PERFORM devapp_internal.require_read_committed('create a team');
    maker := devapp_internal.find_own_developer(devapp.actor(), true);
    IF maker.status <> 'active' OR attributes <> '{}' THEN
        PERFORM devapp_internal.refuse(CASE maker.status WHEN 'active' THEN 'change the attributes of a team' ELSE 'create a team' END);
    END IF;
    IF (SELECT count(*) FROM devapp.team_member m JOIN devapp.team t ON t.team_id = m.team_id
         WHERE m.developer_id = maker.developer_id AND m.role = 'admin' AND t.deleted_at IS NULL) >= 20 THEN
        RAISE EXCEPTION '% already administers 20 teams', devapp_internal.quoted(maker.email)
            USING ERRCODE = 'program_limit_exceeded',
                  HINT = 'Delete one that is not needed with devapp.delete_team, or ask an administrator of the developer program.';
    END IF;
    PERFORM devapp_internal.require_no_address(name);
    IF EXISTS (SELECT FROM devapp.approval_rule r WHERE r.team = devapp_internal.canonical_name(require_team_maker.name)) THEN
        PERFORM devapp_internal.refuse_team_name(name);
    END IF;
    RETURN maker.developer_id;
END
$$;

CREATE FUNCTION devapp_internal.create_team(
    name text,
    display_name text,
    attributes jsonb
) RETURNS devapp.team
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    maker uuid := devapp_internal.require_team_maker(create_team.name, create_team.attributes);
    made devapp.team;
BEGIN
    IF starts_with(devapp_internal.canonical_name(create_team.name), 'team:') THEN
        RAISE EXCEPTION 'the name of a team must not begin with "team:"'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'This stands before the name where an app is named by its owner, like team:checkout/till.';
    END IF;
    INSERT INTO devapp.team AS t (name, display_name, attributes)
    VALUES (create_team.name, create_team.display_name, coalesce(create_team.attributes, '{}'))
    ON CONFLICT DO NOTHING
    RETURNING t.* INTO made;
    IF NOT FOUND THEN
        PERFORM devapp_internal.refuse_team_name(create_team.name);
    END IF;
    IF maker IS NOT NULL THEN
        INSERT INTO devapp.team_member (team_id, developer_id, role) VALUES (made.team_id, maker, 'admin');
    END IF;
    RETURN made;
END
$$;

CREATE FUNCTION devapp.create_team(
    name text,
    display_name text DEFAULT NULL,
    attributes jsonb DEFAULT NULL
) RETURNS devapp.team
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.create_team(text, text, jsonb) IS 'Creates a team; a developer who creates one is its admin';
SELECT devapp_internal.grant_to('devapp.create_team', 'admin', 'developer');

CREATE FUNCTION devapp_internal.update_team(
    team text,
    display_name text,
    attributes jsonb
) RETURNS devapp.team
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed devapp.team := devapp_internal.find_own_team(team, true);
BEGIN
    -- approval rules judge the team by them
    IF update_team.attributes IS NOT NULL THEN
        PERFORM devapp_internal.require_admin('change the attributes of a team');
    END IF;
    UPDATE devapp.team t
       SET display_name = devapp_internal.changed_value(t.display_name, update_team.display_name),
           attributes = coalesce(update_team.attributes, t.attributes)
     WHERE t.team_id = changed.team_id
    RETURNING t.* INTO changed;
    RETURN changed;
END
$$;

CREATE FUNCTION devapp.update_team(
    team text,
    display_name text DEFAULT NULL,
    attributes jsonb DEFAULT NULL
) RETURNS devapp.team
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.update_team(text, text, jsonb) IS 'Changes a team; arguments left out change nothing, '''' clears a value';
SELECT devapp_internal.grant_to('devapp.update_team', 'admin', 'developer');

CREATE FUNCTION devapp_internal.set_team_status(team text, action text, note text) RETURNS devapp.team
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed devapp.team := devapp_internal.find_team(team, true);
BEGIN
    UPDATE devapp.team t
       SET status = devapp.next_status('team', t.status, action),
           decision_note = note
     WHERE t.team_id = changed.team_id
    RETURNING t.* INTO changed;
    RETURN changed;
END
$$;

CREATE FUNCTION devapp.set_team_status(team text, action text, note text DEFAULT NULL) RETURNS devapp.team
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.set_team_status(text, text, text) IS
    'Activates or deactivates a team; the keys of an inactive team''s apps do not work';
SELECT devapp_internal.grant_to('devapp.set_team_status', 'admin');

-- Asked by the trigger guard_deletion.
CREATE FUNCTION devapp_internal.require_no_dependants(team devapp.team) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    live bigint;
BEGIN
    PERFORM devapp_internal.require_read_committed();
    SELECT count(*) INTO live FROM devapp.app a
     WHERE a.team_id = team.team_id AND a.deleted_at IS NULL;
    IF live > 0 THEN
        RAISE EXCEPTION 'team % still has % app(s)', devapp_internal.quoted(team.name), live
            USING ERRCODE = 'dependent_objects_still_exist',
                  HINT = 'Delete the apps first'
                         || CASE WHEN devapp_internal.is_admin() THEN ', or deactivate the team with devapp.set_team_status.' ELSE ', or transfer them to another team.' END;
    END IF;
END
$$;

CREATE FUNCTION devapp_internal.delete_team(team text) RETURNS devapp.team
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed devapp.team := devapp_internal.find_own_team(team, true);
BEGIN
    PERFORM devapp_internal.require_within_mine(changed, NULL, 'delete a team with environments of others');
    -- a team that is deleted needs no administrator
    UPDATE devapp.team t SET deleted_at = now()
     WHERE t.team_id = changed.team_id
    RETURNING t.* INTO changed;
    DELETE FROM devapp.team_member m WHERE m.team_id = changed.team_id;
    DELETE FROM devapp.team_invitation i WHERE i.team_id = changed.team_id;
    RETURN changed;
END
$$;

CREATE FUNCTION devapp.delete_team(team text) RETURNS devapp.team
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.delete_team(text) IS
    'Deletes a team that has no apps, with its memberships';
SELECT devapp_internal.grant_to('devapp.delete_team', 'admin', 'developer');

CREATE FUNCTION devapp_internal.no_member(team devapp.team, email text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'developer % is not a member of team %', devapp_internal.quoted(email), devapp_internal.quoted(team.name)
        USING ERRCODE = 'undefined_object',
              HINT = 'List the members with SELECT * FROM devapp.team_member.';
END
$$;

-- Environments as they are kept: sorted, and null for every one, which is written '{*}'.
CREATE FUNCTION devapp_internal.member_environments(environments text[]) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wrong text;
BEGIN
    IF environments = '{*}' THEN
        RETURN NULL;
    END IF;
    IF environments = '{}' THEN
        RAISE EXCEPTION 'a member of a team must have at least one environment'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'List environments, or give ''{*}'' for all. To remove a member, call devapp.remove_team_member.';
    END IF;
    SELECT e INTO wrong FROM unnest(environments) AS e WHERE e !~ '^[a-z0-9][a-z0-9-]{0,31}$' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% is not an environment', devapp_internal.quoted(wrong)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'An environment has 1 to 32 characters of a-z, 0-9 and -, and does not begin with -; for all environments give ''{*}'' alone.';
    END IF;
    RETURN (SELECT array_agg(DISTINCT e ORDER BY e) FROM unnest(environments) AS e);
END
$$;

-- Who administers a team and is limited to environments gives nobody others, and does nothing to
-- whom has others.
CREATE FUNCTION devapp_internal.require_within_mine(the_team devapp.team, environments text[], what text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT devapp_internal.environments_within(environments, devapp_internal.my_environments(the_team.team_id)) THEN
        PERFORM devapp_internal.refuse(what);
    END IF;
END
$$;

-- The id of a member by e-mail, or null.  Who is no administrator is told of members only, not
-- who is registered.
CREATE FUNCTION devapp_internal.find_member(team devapp.team, email text) RETURNS uuid
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT m.developer_id
      FROM devapp.team_member m JOIN devapp.developer d ON d.developer_id = m.developer_id
     WHERE m.team_id = (find_member.team).team_id
       AND devapp_internal.email_key(d.email) = devapp_internal.email_key(find_member.email)
$$;

CREATE FUNCTION devapp_internal.add_team_member(team text, developer text, role text, environments text[]) RETURNS devapp.team_member
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_team devapp.team := devapp_internal.find_team(team, false);
    the_developer devapp.developer := devapp_internal.find_developer(developer, false);
    made devapp.team_member;
BEGIN
    INSERT INTO devapp.team_member AS m (team_id, developer_id, role, environments)
    VALUES (the_team.team_id, the_developer.developer_id, coalesce(add_team_member.role, 'member'),
            devapp_internal.member_environments(add_team_member.environments))
    ON CONFLICT DO NOTHING
    RETURNING m.* INTO made;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'developer % is already a member of team %',
                        devapp_internal.quoted(the_developer.email), devapp_internal.quoted(the_team.name)
            USING ERRCODE = 'unique_violation',
                  HINT = 'Change the role with devapp.set_team_role.';
    END IF;
    RETURN made;
END
$$;

CREATE FUNCTION devapp.add_team_member(team text, developer text, role text DEFAULT 'member', environments text[] DEFAULT NULL)
    RETURNS devapp.team_member
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.add_team_member(text, text, text, text[]) IS 'Adds a developer to a team, without an invitation';
SELECT devapp_internal.grant_to('devapp.add_team_member', 'admin');

-- The team is locked, so that of two administrators who leave at once one stays.
CREATE FUNCTION devapp_internal.set_team_role(team text, developer text, role text, environments text[]) RETURNS devapp.team_member
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_team devapp.team := devapp_internal.find_own_team(team, true);
    member uuid := devapp_internal.find_member(the_team, developer);
    changed devapp.team_member;
BEGIN
    PERFORM devapp_internal.require_read_committed('change who administers a team');
    SELECT * INTO changed FROM devapp.team_member m WHERE m.team_id = the_team.team_id AND m.developer_id = member FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM devapp_internal.no_member(the_team, developer);
    END IF;
    PERFORM devapp_internal.require_within_mine(the_team, changed.environments, 'change a member who has more environments');
    IF set_team_role.environments IS NOT NULL THEN
        changed.environments := devapp_internal.member_environments(set_team_role.environments);
        PERFORM devapp_internal.require_within_mine(the_team, changed.environments, 'give environments that are not theirs');
    END IF;
    UPDATE devapp.team_member m SET role = set_team_role.role, environments = changed.environments
     WHERE m.team_id = the_team.team_id AND m.developer_id = member
    RETURNING m.* INTO changed;
    RETURN changed;
END
$$;

CREATE FUNCTION devapp.set_team_role(team text, developer text, role text, environments text[] DEFAULT NULL)
    RETURNS devapp.team_member
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.set_team_role(text, text, text, text[]) IS
    'Changes the role and environments of a team member; ''{*}'' means all environments';
SELECT devapp_internal.grant_to('devapp.set_team_role', 'admin', 'developer');

CREATE FUNCTION devapp_internal.remove_team_member(team text, developer text) RETURNS devapp.team_member
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- whoever is in a team may leave it
    leaves boolean := devapp_internal.email_key(developer) = devapp.actor() AND EXISTS (
        SELECT FROM devapp.team t WHERE t.name = devapp_internal.canonical_name(team) AND t.team_id = ANY (devapp_internal.my_teams()));
    the_team devapp.team := CASE WHEN leaves THEN devapp_internal.find_team(team, true) ELSE devapp_internal.find_own_team(team, true) END;
    member uuid := devapp_internal.find_member(the_team, developer);
    removed devapp.team_member;
BEGIN
    PERFORM devapp_internal.require_read_committed('change who administers a team');
    IF member IS NOT NULL AND NOT leaves THEN
        PERFORM devapp_internal.require_within_mine(the_team,
            (SELECT m.environments FROM devapp.team_member m WHERE m.team_id = the_team.team_id AND m.developer_id = member),
            'remove a member who has more environments');
    END IF;
    -- who is out needs no key to come back
    DELETE FROM devapp.team_invitation i
     WHERE i.team_id = the_team.team_id AND devapp_internal.email_key(i.email) = devapp_internal.email_key(developer)
    RETURNING i.team_id, NULL, i.role, i.created_at, i.environments INTO removed;
    IF member IS NOT NULL THEN
        DELETE FROM devapp.team_member m
         WHERE m.team_id = the_team.team_id AND m.developer_id = member
        RETURNING m.* INTO removed;
    END IF;
    IF removed.team_id IS NULL THEN
        PERFORM devapp_internal.no_member(the_team, developer);
    END IF;
    RETURN removed;
END
$$;

CREATE FUNCTION devapp.remove_team_member(team text, developer text) RETURNS devapp.team_member
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.remove_team_member(text, text) IS 'Removes a member from a team, or withdraws an invitation; the last admin cannot leave';
SELECT devapp_internal.grant_to('devapp.remove_team_member', 'admin', 'developer');
