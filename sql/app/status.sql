-- The lifecycle of an app: one function an action.  The side effects of a change are
-- in sql/app/triggers.sql.

CREATE FUNCTION devapp_internal.act_on_app(app devapp.app_ref, action text, note text) RETURNS devapp.app
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed devapp.app := devapp_internal.find_live_app(act_on_app.app, true);
BEGIN
    UPDATE devapp.app a
       SET status = devapp.next_status('app', a.status, action),
           decision_note = note
     WHERE a.app_id = changed.app_id
    RETURNING a.* INTO changed;
    RETURN changed;
END
$$;

-- Who decides on all that a pending app waits for decides on the app.
CREATE FUNCTION devapp_internal.approve_app(app devapp.app_ref, note text) RETURNS devapp.app
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- what it waits for is looked at under its lock
    the_app devapp.app := devapp_internal.find_known_app(approve_app.app);
BEGIN
    PERFORM devapp_internal.require_decision(the_app.app_id, devapp_internal.decides_in_app(the_app));
    IF the_app.status NOT IN ('approved', 'suspended')
       AND (devapp_internal.is_admin() OR devapp_internal.may_decide_app(the_app.app_id)) THEN
        RETURN devapp_internal.act_on_app(the_app.app_id, 'approve', note);
    END IF;
    IF devapp_internal.decide_waiting(ARRAY[the_app.app_id], 'approve', note) = 0 THEN
        RETURN devapp_internal.nothing_waits(the_app);
    END IF;
    RETURN devapp_internal.find_app(the_app.app_id, true);
END
$$;

CREATE FUNCTION devapp.approve_app(app devapp.app_ref, note text DEFAULT NULL) RETURNS devapp.app
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.approve_app(devapp.app_ref, text) IS 'Approves a pending app and its pending products as far as the caller may; restores a revoked app';
SELECT devapp_internal.grant_to('devapp.approve_app', 'admin', 'developer');

CREATE FUNCTION devapp_internal.reject_app(app devapp.app_ref, note text) RETURNS devapp.app
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- what it waits for is looked at under its lock
    the_app devapp.app := devapp_internal.find_known_app(reject_app.app);
    works boolean := the_app.status IN ('approved', 'suspended');
BEGIN
    PERFORM devapp_internal.require_decision(the_app.app_id, CASE WHEN works THEN devapp_internal.decides_in_app(the_app)
                                                                  ELSE devapp_internal.may_decide_app(the_app.app_id) END);
    IF works AND devapp_internal.decide_waiting(ARRAY[the_app.app_id], 'revoke', note) > 0 THEN
        RETURN the_app;
    END IF;
    RETURN devapp_internal.act_on_app(the_app.app_id, 'reject', note);
END
$$;

CREATE FUNCTION devapp.reject_app(app devapp.app_ref, note text DEFAULT NULL) RETURNS devapp.app
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.reject_app(devapp.app_ref, text) IS 'Rejects a pending app, or the pending products of an approved app';
SELECT devapp_internal.grant_to('devapp.reject_app', 'admin', 'developer');

CREATE FUNCTION devapp_internal.resubmit_app(app devapp.app_ref, note text) RETURNS devapp.app
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    rejected devapp.app := devapp_internal.find_own_app(resubmit_app.app, true);
    changed devapp.app;
BEGIN
    PERFORM devapp_internal.require_whole_app(rejected, 'resubmit an app');
    changed := devapp_internal.act_on_app(rejected.app_id, 'resubmit', note);
    IF devapp_internal.app_approval() = 'conditional' THEN
        changed := devapp_internal.decide_again(changed, rejected.decided_by);
    END IF;
    RETURN changed;
END
$$;

CREATE FUNCTION devapp.resubmit_app(app devapp.app_ref, note text DEFAULT NULL) RETURNS devapp.app
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.resubmit_app(devapp.app_ref, text) IS 'Resubmits a rejected app; approval rules, if any, are evaluated again';
SELECT devapp_internal.grant_to('devapp.resubmit_app', 'admin', 'developer');

CREATE FUNCTION devapp_internal.suspend_app(app devapp.app_ref, note text) RETURNS devapp.app
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN devapp_internal.act_on_app(app, 'suspend', note);
END
$$;

CREATE FUNCTION devapp.suspend_app(app devapp.app_ref, note text DEFAULT NULL) RETURNS devapp.app
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.suspend_app(devapp.app_ref, text) IS 'Suspends an approved app until devapp.resume_app';
SELECT devapp_internal.grant_to('devapp.suspend_app', 'admin');

CREATE FUNCTION devapp_internal.resume_app(app devapp.app_ref, note text) RETURNS devapp.app
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN devapp_internal.act_on_app(app, 'resume', note);
END
$$;

CREATE FUNCTION devapp.resume_app(app devapp.app_ref, note text DEFAULT NULL) RETURNS devapp.app
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.resume_app(devapp.app_ref, text) IS 'Resumes a suspended app';
SELECT devapp_internal.grant_to('devapp.resume_app', 'admin');

CREATE FUNCTION devapp_internal.revoke_app(app devapp.app_ref, note text) RETURNS devapp.app
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_app devapp.app := devapp_internal.find_live_app(revoke_app.app, true);
BEGIN
    IF the_app.status = 'revoked' THEN
        PERFORM devapp_internal.say_unchanged('app ' || devapp_internal.app_label(the_app.app_id), the_app.status);
        RETURN the_app;
    END IF;
    RETURN devapp_internal.act_on_app(the_app.app_id, 'revoke', note);
END
$$;

CREATE FUNCTION devapp.revoke_app(app devapp.app_ref, note text DEFAULT NULL) RETURNS devapp.app
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.revoke_app(devapp.app_ref, text) IS 'Revokes an approved or suspended app';
SELECT devapp_internal.grant_to('devapp.revoke_app', 'admin');

CREATE FUNCTION devapp_internal.delete_app(app devapp.app_ref, note text) RETURNS devapp.app
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    deleted devapp.app := devapp_internal.find_own_app(delete_app.app, true);
BEGIN
    PERFORM devapp_internal.require_whole_app(deleted, 'delete an app');
    RETURN devapp_internal.act_on_app(deleted.app_id, 'delete', note);
END
$$;

CREATE FUNCTION devapp.delete_app(app devapp.app_ref, note text DEFAULT NULL) RETURNS devapp.app
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.delete_app(devapp.app_ref, text) IS 'Deletes an app: its credentials stop working at once and its name becomes free; its history is kept';
SELECT devapp_internal.grant_to('devapp.delete_app', 'admin', 'developer');
