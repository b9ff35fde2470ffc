-- Moving an app to another owner.
--
-- Locks: the new owner before the app, as in create_app; so the owner is not deleted
-- while an app comes to it.

CREATE FUNCTION devapp_internal.set_note(note text) RETURNS void
    LANGUAGE c VOLATILE
    AS 'MODULE_PATHNAME', 'devapp_set_note';

CREATE FUNCTION devapp_internal.current_note() RETURNS text
    LANGUAGE c VOLATILE
    AS 'MODULE_PATHNAME', 'devapp_current_note';

CREATE FUNCTION devapp_internal.new_owner(developer text, team text, OUT developer_id uuid, OUT team_id uuid)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF num_nonnulls(developer, team) <> 1 THEN
        RAISE EXCEPTION 'an app must have exactly one owner'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give either a developer (an e-mail) or a team (a name) to transfer to.';
    END IF;
    IF developer IS NOT NULL THEN
        PERFORM devapp_internal.require_admin('give an app to a developer');
        developer_id := (devapp_internal.find_developer(developer, false)).developer_id;
    ELSE
        team_id := (devapp_internal.find_own_team(team, NOT devapp_internal.is_admin())).team_id;
        PERFORM devapp_internal.require_room_for_app(NULL, team_id);
    END IF;
END
$$;

-- A developer moves apps of their own and of teams of theirs into teams of theirs.  All its
-- credentials exist for them before and after.  Where rules count the apps of an owner, it
-- would make room for another that these approve.
CREATE FUNCTION devapp_internal.find_app_to_move(app devapp.app_ref, new_team uuid) RETURNS devapp.app
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_row devapp.app := devapp_internal.find_own_app(app, true);
    moved devapp.app := found_row;
BEGIN
    moved.developer_id := NULL;
    moved.team_id := new_team;
    PERFORM devapp_internal.require_whole_app(found_row, 'move an app');
    PERFORM devapp_internal.require_whole_app(moved, 'move an app');
    IF EXISTS (SELECT FROM devapp.approval_rule r WHERE r.enabled AND num_nonnulls(r.min_apps_owned, r.max_apps_owned) > 0) THEN
        PERFORM devapp_internal.require_admin('move an app, because approval rules count the apps of an owner');
    END IF;
    RETURN found_row;
END
$$;

-- Gives locked apps a new owner, all or none.  The error of a name that is taken names
-- the first: who has several finds out which by giving one at a time.
CREATE FUNCTION devapp_internal.transfer_apps(app_ids uuid[], developer_id uuid, team_id uuid, note text) RETURNS SETOF devapp.app
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM devapp_internal.set_note(note);
    RETURN QUERY
        UPDATE devapp.app a
           SET developer_id = transfer_apps.developer_id, team_id = transfer_apps.team_id
         WHERE a.app_id = ANY (app_ids)
        RETURNING a.*;
    PERFORM devapp_internal.set_note(NULL);
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'the new owner already has an app %',
                    (SELECT devapp_internal.quoted(a.name) FROM devapp.app a WHERE a.app_id = app_ids[1])
        USING ERRCODE = 'unique_violation',
              HINT = 'Rename one of the two apps with devapp.update_app(app, name => ...), or delete one.';
END
$$;

CREATE FUNCTION devapp_internal.transfer_app(
    app devapp.app_ref,
    developer text,
    team text,
    note text
) RETURNS devapp.app
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    new_owner record := devapp_internal.new_owner(developer, team);
    changed devapp.app := CASE WHEN devapp_internal.is_admin() THEN devapp_internal.find_live_app(transfer_app.app, true)
                               ELSE devapp_internal.find_app_to_move(transfer_app.app, new_owner.team_id) END;
BEGIN
    IF (changed.developer_id, changed.team_id) IS NOT DISTINCT FROM (new_owner.developer_id, new_owner.team_id) THEN
        RAISE EXCEPTION 'app % already belongs to %', devapp_internal.quoted(changed.name), devapp_internal.quoted(coalesce(developer, team))
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Nothing was changed.';
    END IF;
    SELECT * INTO changed
      FROM devapp_internal.transfer_apps(ARRAY[changed.app_id], new_owner.developer_id, new_owner.team_id, note);
    RETURN changed;
END
$$;

CREATE FUNCTION devapp.transfer_app(
    app devapp.app_ref,
    developer text DEFAULT NULL,
    team text DEFAULT NULL,
    note text DEFAULT NULL
) RETURNS devapp.app
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.transfer_app(devapp.app_ref, text, text, text) IS
    'Transfers an app to another owner; its keys keep working, and its products and history are kept';
SELECT devapp_internal.grant_to('devapp.transfer_app', 'admin', 'developer');
