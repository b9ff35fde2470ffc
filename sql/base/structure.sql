-- Locks that keep the worker and changes of the structure out of each other's way
-- (src/base/structure.c).

-- For work, or for a change of the structure.  Before any other lock of devapp's, and to
-- the end of the transaction.
CREATE FUNCTION devapp_internal.lock_extension(exclusive boolean) RETURNS void
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'devapp_lock_extension';

-- Who holds locks, by their process and program.
CREATE FUNCTION devapp_internal.holders(relations regclass[]) RETURNS text
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(DISTINCT CASE WHEN l.pid IS NULL THEN format('prepared transaction %s', devapp_internal.quoted(coalesce(p.gid, l.virtualtransaction)))
                                    ELSE format('process %s (%s)', l.pid, concat_ws(', ', a.usename, nullif(a.application_name, ''), a.state)) END, ', ')
      FROM pg_locks l
      LEFT JOIN pg_stat_activity a ON a.pid = l.pid
      -- a prepared transaction has no process, and a lock on its own number
      LEFT JOIN pg_locks o ON l.pid IS NULL AND o.pid IS NULL AND o.locktype = 'transactionid' AND o.virtualtransaction = l.virtualtransaction
      LEFT JOIN pg_prepared_xacts p ON p.transaction = o.transactionid
     WHERE l.granted AND l.pid IS DISTINCT FROM pg_backend_pid()
       AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
       AND (l.locktype = 'relation' AND l.relation = ANY (relations)
            OR l.locktype = 'object' AND relations = '{}' AND l.classid = 'pg_extension'::regclass
               AND l.objid = (SELECT e.oid FROM pg_extension e WHERE e.extname = 'devapp'))
$$;

-- All tables, within about two seconds, or none.  No table's lock is waited for long while
-- others are held, so nobody gets into a deadlock with this.  An autovacuum yields to a waiting
-- session only after that session's deadlock_timeout.
CREATE FUNCTION devapp_internal.lock_tables() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '100ms'
    SET deadlock_timeout = '50ms'
AS $$
DECLARE
    give_up timestamptz := clock_timestamp() + interval '2 seconds';
    our_table regclass;
BEGIN
    LOOP
        BEGIN
            FOR our_table IN SELECT c.oid FROM pg_class c
                              WHERE c.relnamespace = 'devapp'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                              ORDER BY c.oid LOOP
                EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', our_table);
            END LOOP;
            RETURN;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            IF clock_timestamp() > give_up THEN
                RAISE EXCEPTION 'table % is in use', our_table
                    USING ERRCODE = 'lock_not_available',
                          DETAIL = format('Locks are held by %s.', coalesce(devapp_internal.holders(ARRAY[our_table]), 'a session that has just ended')),
                          HINT = 'Try again when these sessions have ended, and prepared transactions are committed or rolled back.';
            END IF;
        END;
    END LOOP;
END
$$;

-- Locks out the worker and every other session.  The worker gives way after deadlock_timeout, one second.
CREATE FUNCTION devapp_internal.keep_out_work() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '5s'
AS $$
BEGIN
    BEGIN
        PERFORM devapp_internal.lock_extension(true);
    EXCEPTION WHEN lock_not_available THEN
        RAISE EXCEPTION 'devapp is in use'
            USING ERRCODE = 'lock_not_available',
                  DETAIL = format('It is being used by %s.', coalesce(devapp_internal.holders('{}'), 'a session that has just ended')),
                  HINT = 'Try again when these sessions have ended, and prepared transactions are committed or rolled back.';
    END;
END
$$;

-- First in what changes privileges, policies or tables.
CREATE FUNCTION devapp_internal.lock_structure() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM devapp_internal.keep_out_work();
    PERFORM devapp_internal.lock_tables();
END
$$;
