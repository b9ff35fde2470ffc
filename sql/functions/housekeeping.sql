-- What the worker does beside flushing (src/flusher.c), each at its time.  It asks
-- about once a minute, in a transaction for each of these functions.

-- Is it time, or was the last time in the future?  Then it counts as done, in the
-- transaction that does it.  A task that was never seen before has its first turn
-- when the interval has passed: the database may be a restore that is under way.
CREATE FUNCTION devapp._is_due(task text, every interval) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF every = '0' OR devapp._setting('restoring') = 'on' THEN
        RETURN false;
    END IF;
    PERFORM devapp._begin_work();
    INSERT INTO devapp.housekeeping (task) VALUES (_is_due.task) ON CONFLICT DO NOTHING;
    UPDATE devapp.housekeeping h
       SET done_at = now()
     WHERE h.task = _is_due.task AND h.done_at NOT BETWEEN now() - every AND now();
    RETURN FOUND;
END
$$;

-- An empty trail needs no months: the default partition takes the first events.
CREATE FUNCTION devapp._maintain_audit_if_due() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM devapp.audit_event) AND devapp._is_due('maintain_audit', '1 hour') THEN
        PERFORM devapp_internal.maintain_audit(3);
    END IF;
END
$$;

CREATE FUNCTION devapp._schedule_notifications_if_due() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF devapp._is_due('schedule_notifications', '1 hour') THEN
        PERFORM devapp_internal.schedule_notifications(now());
    END IF;
END
$$;

-- Whoever wants a trail sealed begins, and so knows that there are checkpoints to
-- be exported.
CREATE FUNCTION devapp._seal_audit_if_due() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM devapp.audit_checkpoint)
       AND devapp._is_due('seal_audit', devapp._setting('seal_interval')::interval) THEN
        PERFORM devapp_internal.seal_audit();
    END IF;
END
$$;

COMMENT ON FUNCTION devapp._is_due(text, interval) IS 'Internal: is it time for a task of the worker?  Then it is noted as done';
COMMENT ON FUNCTION devapp._maintain_audit_if_due() IS 'Internal: maintain_audit(), once an hour';
COMMENT ON FUNCTION devapp._schedule_notifications_if_due() IS 'Internal: schedule_notifications(), once an hour';
COMMENT ON FUNCTION devapp._seal_audit_if_due() IS 'Internal: seal_audit(), every devapp.seal_interval, where it was called before';
