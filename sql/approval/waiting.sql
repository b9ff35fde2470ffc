-- What an app waits for, and who decides on it.  An app that was made or handed in again
-- in the mode conditional is pending until nothing of it waits.
--
-- Whoever decides on a product or removes it locks the app first, then the credential, then
-- the association: of two who decide at once on the last two, the second sees what the first
-- has done.

-- Does a product of a credential that works wait?  These are the rows of
-- devapp_report.pending_approvals.
CREATE FUNCTION devapp_internal.app_waits(app_id uuid) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM devapp.credential c
          JOIN devapp.credential_product cp ON cp.credential_id = c.credential_id
         WHERE c.app_id = app_waits.app_id
           AND c.status = 'approved' AND (c.expires_at IS NULL OR c.expires_at > now())
           AND cp.status = 'pending' AND cp.removed_at IS NULL)
$$;

-- True if a credential works or can work once it is approved again; what waits at another is not decided any more.
CREATE FUNCTION devapp_internal.can_yet_work(status text, expires_at timestamptz) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN status <> 'compromised' AND (expires_at IS NULL OR expires_at > now());

-- Approves or revokes what of some apps waits and the caller may decide on: all, or one
-- product; how many that were.  Also of a credential that is revoked, as it may come back.
CREATE FUNCTION devapp_internal.decide_waiting(app_ids uuid[], action text, note text, product_id uuid DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    decided bigint;
BEGIN
    UPDATE devapp.credential_product cp
       SET status = devapp.next_status('credential_product', cp.status, decide_waiting.action),
           decision_note = decide_waiting.note
      FROM devapp.credential c
     WHERE c.app_id = ANY (decide_waiting.app_ids)
       AND cp.credential_id = c.credential_id
       AND devapp_internal.can_yet_work(c.status, c.expires_at)
       AND cp.status = 'pending' AND cp.removed_at IS NULL
       AND cp.product_id = coalesce(decide_waiting.product_id, cp.product_id)
       AND (devapp_internal.is_admin() OR cp.product_id IN (SELECT devapp_internal.approvable_products()));
    GET DIAGNOSTICS decided = ROW_COUNT;
    RETURN decided;
END
$$;

-- May the caller decide on a product of this app, whether it waits or not?
CREATE FUNCTION devapp_internal.decides_in_app(the_app devapp.app) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT (the_app).status IN ('pending', 'approved', 'suspended') AND EXISTS (
        SELECT FROM devapp.credential c
          JOIN devapp.credential_product cp ON cp.credential_id = c.credential_id
         WHERE c.app_id = (the_app).app_id AND cp.removed_at IS NULL
           AND cp.product_id IN (SELECT devapp_internal.approvable_products()))
$$;

-- Says that there was nothing to decide.  An approver sees what waits for him and nothing
-- else, so of this app only which it is.
CREATE FUNCTION devapp_internal.nothing_waits(the_app devapp.app) RETURNS devapp.app
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    known devapp.app := the_app;
BEGIN
    RAISE NOTICE 'nothing in app % is waiting for your decision', devapp_internal.quoted(the_app.name)
        USING HINT = CASE WHEN the_app.status = 'suspended' AND devapp_internal.is_admin()
                          THEN 'It is suspended; resume it with devapp.resume_app.' ELSE 'Nothing was changed.' END;
    IF NOT devapp_internal.is_admin() THEN
        known := NULL;
        known.app_id := the_app.app_id;
        known.name := the_app.name;
        known.status := the_app.status;
    END IF;
    RETURN known;
END
$$;

-- A decision that was made before is made again: that is no error.
CREATE FUNCTION devapp_internal.say_unchanged(what text, status text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE NOTICE '% is already %', what, status USING HINT = 'Nothing was changed.';
END
$$;
