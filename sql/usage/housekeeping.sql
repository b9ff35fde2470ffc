-- What the worker does beside flushing (src/worker/flusher.c), each at its time.  It asks
-- about once a minute, in a transaction for each of these functions.

-- Was it done in the last interval?  A time in the future is of a clock that jumped back,
-- and must not put it off.
CREATE FUNCTION devapp_internal.was_done(task text, every interval) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (SELECT FROM devapp.housekeeping h WHERE h.task = was_done.task AND h.done_at BETWEEN now() - every AND now())
$$;

CREATE FUNCTION devapp_internal.set_done(task text) RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO devapp.housekeeping AS h (task, done_at) VALUES (set_done.task, now())
    ON CONFLICT ON CONSTRAINT housekeeping_pkey DO UPDATE SET done_at = EXCLUDED.done_at
$$;

-- Is it time, or was the last time in the future?  Then it counts as done, in the
-- transaction that does it.  A task that was never seen before has its first turn
-- when the interval has passed: the database may be a restore that is under way.
CREATE FUNCTION devapp_internal.is_due(task text, every interval) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF every = '0' OR devapp_internal.setting('restoring') = 'on' THEN
        RETURN false;
    END IF;
    PERFORM devapp_internal.begin_work();
    INSERT INTO devapp.housekeeping (task) VALUES (is_due.task) ON CONFLICT DO NOTHING;
    UPDATE devapp.housekeeping h
       SET done_at = now()
     WHERE h.task = is_due.task AND h.done_at NOT BETWEEN now() - every AND now();
    RETURN FOUND;
END
$$;

-- An empty trail needs no months: the default partition takes the first events.
CREATE FUNCTION devapp_internal.maintain_audit_if_due() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM devapp.audit_event) AND devapp_internal.is_due('maintain_audit', '1 hour') THEN
        PERFORM devapp_internal.maintain_audit(3);
    END IF;
END
$$;

CREATE FUNCTION devapp_internal.schedule_notifications_if_due() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF devapp_internal.is_due('schedule_notifications', '1 hour') THEN
        PERFORM devapp_internal.schedule_notifications(now());
    END IF;
END
$$;

CREATE FUNCTION devapp_internal.notify_quotas_if_due() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF devapp_internal.is_due('notify_quotas', '5 minutes') THEN
        PERFORM devapp_internal.queue_due(now(), false);
    END IF;
END
$$;

-- Whoever wants a trail sealed begins, and so knows that there are checkpoints to
-- be exported.
CREATE FUNCTION devapp_internal.seal_audit_if_due() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM devapp.audit_checkpoint)
       AND devapp_internal.is_due('seal_audit', devapp_internal.setting('seal_interval')::interval) THEN
        PERFORM devapp_internal.seal_audit();
    END IF;
END
$$;
