-- While a dump is restored devapp keeps out of the database: it writes no usage, makes no
-- partitions, refreshes nothing.  The restore begins with CREATE EXTENSION and is over when
-- no session with devapp.restoring is left (src/base/restore.c), rows have come, and the
-- partitions have their indexes, which come last.  So it may be done in sections, at any
-- pace.  Whoever comes next finds that it is over.

CREATE FUNCTION devapp_internal.begin_restore() RETURNS boolean
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'devapp_begin_restore';

CREATE FUNCTION devapp_internal.mark_restore() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_mark_restore';

-- Is there a partition that an index is to come for?
CREATE FUNCTION devapp_internal.indexes_are_missing() RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM pg_inherits i
         WHERE i.inhparent IN ('devapp.usage_minute'::regclass, 'devapp.usage_hour'::regclass, 'devapp.usage_day'::regclass,
                               'devapp.usage_latency'::regclass, 'devapp.audit_event'::regclass)
           AND NOT EXISTS (SELECT FROM pg_index x
                            WHERE x.indrelid = i.inhrelid AND (x.indisunique OR i.inhparent = 'devapp.usage_minute'::regclass)))
$$;

-- What a restore that is under way still needs; null: none is, or it needs nothing more.
CREATE FUNCTION devapp_internal.restore_needs() RETURNS text
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
           WHEN devapp_internal.setting('restoring') = 'on'
                OR EXISTS (SELECT FROM pg_locks l
                             JOIN pg_extension e ON e.oid = l.objid AND e.extname = 'devapp'
                             JOIN pg_stat_activity a ON a.pid = l.pid AND a.datid = l.database
                            WHERE l.locktype = 'object' AND l.classid = 'pg_extension'::regclass AND l.mode = 'ShareLock' AND l.granted
                              AND a.datname = current_database())
           THEN 'its sessions to end'
           WHEN NOT r.data THEN 'rows'
           WHEN devapp_internal.indexes_are_missing() THEN 'indexes of partitions'
           ELSE 'problems to be corrected: ' || r.problem END
      FROM (SELECT 1) AS one LEFT JOIN devapp.restore r ON true
$$;

-- Rows that refer to nothing: foreign keys are not checked when a restore brings rows.
CREATE FUNCTION devapp_internal.orphans() RETURNS TABLE (relation regclass, constraint_name name, orphans bigint)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    key record;
BEGIN
    FOR key IN
        SELECT k.conrelid::regclass AS child, k.confrelid::regclass AS parent, k.conname AS name,
               string_agg(format('c.%I IS NOT NULL', c.attname), ' AND ') AS refers,
               string_agg(format('p.%I = c.%I', p.attname, c.attname), ' AND ') AS matches
          FROM pg_constraint k
         CROSS JOIN LATERAL unnest(k.conkey, k.confkey) AS u(child, parent)
          JOIN pg_attribute c ON c.attrelid = k.conrelid AND c.attnum = u.child
          JOIN pg_attribute p ON p.attrelid = k.confrelid AND p.attnum = u.parent
         WHERE k.contype = 'f' AND k.connamespace = 'devapp'::regnamespace
         GROUP BY k.oid, k.conrelid, k.confrelid, k.conname
         ORDER BY k.conname
    LOOP
        EXECUTE format('SELECT count(*) FROM %s AS c WHERE %s AND NOT EXISTS (SELECT FROM %s AS p WHERE %s)',
                       key.child, key.refers, key.parent, key.matches) INTO orphans;
        IF orphans > 0 THEN
            relation := key.child;
            constraint_name := key.name;
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;

-- Is there no restore under way?  One that needs nothing more is over.
CREATE FUNCTION devapp_internal.may_work() RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found text;
BEGIN
    IF devapp_internal.setting('restoring') = 'off' AND NOT EXISTS (SELECT FROM devapp.restore) THEN
        RETURN true;
    END IF;
    IF devapp_internal.restore_needs() IS NOT NULL THEN
        RETURN false;
    END IF;
    SELECT string_agg(format('%s rows of %s whose %s refers to nothing', o.orphans, o.relation, o.constraint_name), ', ')
      INTO found FROM devapp_internal.orphans() o;
    IF found IS NOT NULL THEN
        UPDATE devapp.restore SET problem = found;
        RETURN false;
    END IF;
    DELETE FROM devapp.restore;
    RETURN true;
END
$$;

-- First in everything that writes usage, makes or drops partitions, or refreshes.
CREATE FUNCTION devapp_internal.begin_work() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '10s'
AS $$
BEGIN
    IF NOT devapp_internal.may_work() THEN
        RAISE EXCEPTION 'a restore of this database is not complete'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = format('It still needs: %s.', devapp_internal.restore_needs()),
                  HINT = 'If the dump has been restored completely, call devapp.finish_restore().';
    END IF;
    PERFORM devapp_internal.lock_extension(false);
END
$$;

-- ---------- for people ----------

CREATE FUNCTION devapp_internal.finish_restore() RETURNS TABLE (relation regclass, constraint_name name, orphans bigint)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF devapp_internal.restore_needs() = 'its sessions to end' THEN
        RAISE EXCEPTION 'sessions with devapp.restoring are still connected'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = format('They are: %s.', coalesce(devapp_internal.holders('{}'), 'this one')),
                  HINT = 'Call devapp.finish_restore() from another session when they have ended.';
    END IF;
    PERFORM devapp_internal.lock_extension(false);
    DELETE FROM devapp.restore;
    RETURN QUERY SELECT * FROM devapp_internal.orphans();
END
$$;

CREATE FUNCTION devapp.finish_restore() RETURNS TABLE (relation regclass, constraint_name name, orphans bigint)
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.finish_restore() IS 'Ends a completed restore; returns rows with broken references';

-- ---------- the tables of a dump ----------

-- Always, as a restore may have all others off.  Updates repeat this, for new tables.
DO $$
DECLARE
    dumped regclass;
BEGIN
    FOR dumped IN SELECT c.oid FROM pg_extension e, unnest(e.extconfig) AS x
                    JOIN pg_class c ON c.oid = x AND c.relkind = 'r'
                   WHERE e.extname = 'devapp'
                     AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'begin_restore') LOOP
        EXECUTE format('CREATE TRIGGER begin_restore BEFORE INSERT ON %s FOR EACH STATEMENT EXECUTE FUNCTION devapp_internal.mark_restore()', dumped);
        EXECUTE format('CREATE TRIGGER end_restore AFTER INSERT ON %s FOR EACH STATEMENT EXECUTE FUNCTION devapp_internal.mark_restore()', dumped);
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER begin_restore, ENABLE ALWAYS TRIGGER end_restore', dumped);
    END LOOP;
END
$$;

-- In the session of a restore CREATE EXTENSION is its beginning.
INSERT INTO devapp.restore (data) SELECT false WHERE devapp_internal.begin_restore();
