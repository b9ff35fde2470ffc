-- The end of partitions of usage that are past their retention.
--
-- The worker detaches a partition concurrently: that waits for no reader with a lock that would
-- keep others waiting, and on a standby only who reads the partition itself is in the way of its
-- replay, not everybody who reads the table.  It is a statement that no transaction block and no function can
-- contain, so the process does it (src/worker/partition_end.c).  maintain_usage() takes
-- locks at once or not at all.
--
-- Rows are in the hours and days before, and nobody flushes in between.  What
-- is flushed for a day whose partition is on its way out waits until that is gone.

-- What a table that was a partition, and is to be dropped, is known by.
CREATE FUNCTION devapp_internal.end_mark() RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'devapp: past its retention, and about to be dropped'::text
$$;

-- Partitions that are past their retention, the oldest first: attached, pending (the detaching was
-- not finished), or detached.  Minutes that could not be added to hours and days yet stay.
CREATE FUNCTION devapp_internal.ended_partitions() RETURNS TABLE (parent text, partition_name text, state text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH kept AS MATERIALIZED (
        SELECT t.parent, devapp_internal.setting(t.setting)::interval AS keep
          FROM (VALUES ('usage_minute', 'retention_minute'), ('usage_hour', 'retention_hour'),
                       ('usage_day', 'retention_day'), ('usage_latency', 'retention_day')) AS t (parent, setting)
    ), ended AS (
        SELECT p.parent, p.partition_name, CASE WHEN i.inhdetachpending THEN 'pending' ELSE 'attached' END AS state
          FROM devapp_internal.usage_partitions() p
          JOIN kept k ON k.parent = p.parent
          JOIN pg_class c ON c.relname = p.partition_name AND c.relnamespace = 'devapp'::regnamespace
          JOIN pg_inherits i ON i.inhrelid = c.oid
         WHERE k.keep <> '0' AND p.to_time <= now() - k.keep
           AND NOT (p.parent = 'usage_minute'
                    AND EXISTS (SELECT FROM devapp.usage_flush f
                                 WHERE date_trunc('month', (p.to_time - interval '1 day') AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' = ANY (f.waiting_months)))
        UNION ALL
        SELECT NULL, c.relname, 'detached'
          FROM pg_class c
         WHERE c.relnamespace = 'devapp'::regnamespace AND c.relkind = 'r' AND NOT c.relispartition
           AND obj_description(c.oid, 'pg_class') = devapp_internal.end_mark()
    )
    SELECT * FROM ended e ORDER BY e.partition_name
$$;

-- True: it is gone.  Nobody waits for a lock that this waits for.
CREATE FUNCTION devapp_internal.try_drop_partition(parent text, partition_name text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    FOR attempt IN 1 .. 5 LOOP
        BEGIN
            IF parent IS NOT NULL THEN
                EXECUTE format('LOCK TABLE ONLY devapp.%I IN ACCESS EXCLUSIVE MODE NOWAIT', parent);
            END IF;
            EXECUTE format('LOCK TABLE devapp.%I IN ACCESS EXCLUSIVE MODE NOWAIT', partition_name);
            EXECUTE format('DROP TABLE devapp.%I', partition_name);
            RETURN true;
        EXCEPTION WHEN lock_not_available THEN
            PERFORM pg_sleep(0.02);
        END;
    END LOOP;
    RETURN false;
END
$$;

-- ---------- for the worker ----------

CREATE FUNCTION devapp_internal.has_ended_partitions(busy text[]) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (SELECT FROM devapp_internal.ended_partitions() e WHERE e.state <> 'detached' AND e.parent <> ALL (busy))
$$;

-- Which partition to detach next, in words: its state, its table, its name; null: none.  Those of
-- the tables in "busy" had a reader.  The mark is committed before it is detached.
CREATE FUNCTION devapp_internal.begin_partition_end(busy text[]) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    old record;
BEGIN
    PERFORM devapp_internal.roll_up_usage();
    SELECT * INTO old FROM devapp_internal.ended_partitions() e
     WHERE e.state <> 'detached' AND e.parent <> ALL (busy) ORDER BY e.state = 'pending' DESC, e.partition_name LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    EXECUTE format('COMMENT ON TABLE devapp.%I IS %L', old.partition_name, devapp_internal.end_mark());
    RETURN concat_ws(' ', old.state, old.parent, old.partition_name);
END
$$;

CREATE FUNCTION devapp_internal.drop_detached_partitions() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM devapp_internal.ended_partitions() e WHERE e.state = 'detached') THEN
        PERFORM devapp_internal.begin_work();
        PERFORM devapp_internal.try_drop_partition(NULL, e.partition_name)
           FROM devapp_internal.ended_partitions() e WHERE e.state = 'detached';
    END IF;
END
$$;

-- ---------- maintaining ----------

-- A partition whose detaching failed and that is kept after all, because the retention was made
-- longer, loses its mark: whoever detaches it himself keeps it.  One that is in use has it
-- until the next turn.
CREATE FUNCTION devapp_internal.clear_end_marks() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    kept text;
BEGIN
    FOR kept IN
        SELECT p.partition_name
          FROM devapp_internal.usage_partitions() p
          JOIN pg_class c ON c.relname = p.partition_name AND c.relnamespace = 'devapp'::regnamespace
          JOIN pg_inherits i ON i.inhrelid = c.oid
         WHERE obj_description(c.oid, 'pg_class') = devapp_internal.end_mark() AND NOT i.inhdetachpending
           AND p.partition_name NOT IN (SELECT e.partition_name FROM devapp_internal.ended_partitions() e)
    LOOP
        BEGIN
            EXECUTE format('LOCK TABLE devapp.%I IN SHARE UPDATE EXCLUSIVE MODE NOWAIT', kept);
            EXECUTE format('COMMENT ON TABLE devapp.%I IS NULL', kept);
        EXCEPTION WHEN lock_not_available THEN
            NULL;
        END;
    END LOOP;
END
$$;

-- Those of today, of the next two days and of the next month.
CREATE FUNCTION devapp_internal.make_usage_partitions() RETURNS TABLE (partition_name text)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    SET lock_timeout = '500ms'
AS $$
DECLARE
    existing text[];
BEGIN
    PERFORM devapp_internal.roll_up_waiting();
    PERFORM devapp_internal.roll_up_usage();
    PERFORM devapp_internal.compact_usage_changes();
    PERFORM devapp_internal.clear_end_marks();
    existing := ARRAY(SELECT p.partition_name FROM devapp_internal.usage_partitions() p);
    PERFORM devapp_internal.usage_partition('usage_minute', now() + n * interval '1 day') FROM generate_series(0, 2) AS n;
    PERFORM devapp_internal.usage_partition(parent, date_trunc('month', now()) + n * interval '1 month')
       FROM unnest(ARRAY['usage_hour', 'usage_day', 'usage_latency']) AS parent, generate_series(0, 1) AS n;
    -- a quota's window that has ended means nothing; a day is for clocks that disagree
    DELETE FROM devapp.quota_usage q WHERE q.window_end < now() - interval '1 day';
    -- until then a standby that was cut off may come back and tell what it has used in all
    DELETE FROM devapp.quota_lease l WHERE l.window_end < now() - interval '1 day';
    UPDATE devapp.housekeeping h SET done_at = clock_timestamp() WHERE h.task = 'maintain_usage';
    RETURN QUERY
    SELECT p.partition_name FROM devapp_internal.usage_partitions() p
     WHERE p.partition_name <> ALL (existing) ORDER BY 1;
END
$$;

-- Partitions are dropped whole, and not before their rows are in the hours and days.
-- One that somebody reads, as pg_dump does, has time until the next turn.
-- A drop takes several locks to the end of the transaction, and the server has room for
-- some thousands: so no more than 100 are dropped at once, and then it is due again.
CREATE FUNCTION devapp_internal.maintain_usage() RETURNS TABLE (partition_name text, action text)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    old record;
    busy text[] := '{}';
    dropped integer := 0;
BEGIN
    RETURN QUERY SELECT m.partition_name, 'made' FROM devapp_internal.make_usage_partitions() m;
    FOR old IN SELECT * FROM devapp_internal.ended_partitions() LOOP
        CONTINUE WHEN old.parent = ANY (busy);
        IF NOT devapp_internal.try_drop_partition(old.parent, old.partition_name) THEN
            busy := busy || old.parent;
            RAISE WARNING 'partition % is in use and was not dropped', devapp_internal.quoted(old.partition_name)
                USING HINT = 'The next devapp.maintain_usage() tries again.';
            CONTINUE;
        END IF;
        maintain_usage.partition_name := old.partition_name;
        maintain_usage.action := 'dropped';
        RETURN NEXT;
        dropped := dropped + 1;
        EXIT WHEN dropped = 100;
    END LOOP;
    IF dropped = 100 THEN
        UPDATE devapp.housekeeping h SET done_at = '-infinity' WHERE h.task = 'maintain_usage';
    END IF;
END
$$;

CREATE FUNCTION devapp.maintain_usage() RETURNS TABLE (partition_name text, action text)
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.maintain_usage() IS 'Creates usage partitions ahead and drops those past their retention; returns what it did';

-- Where nothing was ever flushed there is nothing to maintain.  The worker ends partitions afterwards.
CREATE FUNCTION devapp_internal.maintain_usage_if_due() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF devapp_internal.setting('restoring') = 'off'
       AND EXISTS (SELECT FROM devapp_internal.usage_partitions())
       AND NOT devapp_internal.was_done('maintain_usage', '1 hour') THEN
        PERFORM FROM devapp_internal.make_usage_partitions();
    END IF;
END
$$;
