-- Refreshing the materialized reports.  Whoever refreshes one holds the lock of its row of
-- devapp.report_refresh, and refresh_reports() those of all, so there is one refresh at a time.
--
-- A dump takes neither the reports nor these rows along: where it is restored both are
-- as CREATE EXTENSION makes them, and the worker finds that a refresh is due.

CREATE TABLE devapp.report_refresh (
    report text NOT NULL,
    ordinal integer NOT NULL,
    as_of timestamptz,
    rows bigint,
    duration_ms double precision,
    error text,
    CONSTRAINT report_refresh_pkey PRIMARY KEY (report)
) WITH (fillfactor = 50);
COMMENT ON TABLE devapp.report_refresh IS 'Refreshes of materialized reports: one row per report, and app_usage, the calls of all apps; not dumped';
COMMENT ON COLUMN devapp.report_refresh.ordinal IS 'Order of refreshes, as some reports use others';
COMMENT ON COLUMN devapp.report_refresh.as_of IS 'It contains what was committed by then; null: it was never refreshed';
COMMENT ON COLUMN devapp.report_refresh.rows IS 'Number of rows';
COMMENT ON COLUMN devapp.report_refresh.duration_ms IS 'How long the refresh took, in milliseconds';
COMMENT ON COLUMN devapp.report_refresh.error IS 'Why the last refresh failed; null: it succeeded';
SELECT devapp_internal.grant_on('TABLE', 'devapp.report_refresh', 'SELECT', 'admin');

-- In the order in which they need one another.
INSERT INTO devapp.report_refresh (report, ordinal) VALUES
    ('app_usage', 1), ('high_usage_apps', 2), ('latency_totals', 3), ('product_adoption', 4),
    ('usage_totals', 5), ('verdict_totals', 6), ('rotation_queue', 7);

-- Which statements pg_stat_statements tracks from now on; which it did before, null where
-- it is not loaded or the owner may not say.
CREATE FUNCTION devapp_internal.track_statements(which text) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    previous text := current_setting('pg_stat_statements.track', true);
BEGIN
    IF which IS NULL OR previous IS NULL OR NOT has_parameter_privilege('pg_stat_statements.track', 'SET') THEN
        RETURN NULL;
    END IF;
    PERFORM set_config('pg_stat_statements.track', which, true);
    RETURN previous;
END
$$;

-- What PostgreSQL runs for a refresh beside readers names its temporary tables by numbers
-- that are new each time: where nested statements are tracked, each refresh would leave
-- some sixty that never come again.  An error puts the setting back as well.
CREATE FUNCTION devapp_internal.refresh_beside_readers(relation text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    previous text := devapp_internal.track_statements('none');
BEGIN
    EXECUTE format('REFRESH MATERIALIZED VIEW CONCURRENTLY %s', relation);
    PERFORM devapp_internal.track_statements(previous);
END
$$;

-- Says whether the days before today, which were added up the last time, are still as they were.
CREATE FUNCTION devapp_internal.are_days_unchanged(source text, base_day date, base_files text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    earliest date := (SELECT min(c.day) FROM devapp_internal.take_usage_changes(source) AS c);
BEGIN
    RETURN base_day = devapp_internal.utc_today()
           AND base_files IS NOT DISTINCT FROM devapp_internal.usage_files(('devapp.' || source)::regclass)
           AND coalesce(earliest >= base_day, true);
END
$$;

-- The base first: it says less than what is added up in later snapshots.
CREATE FUNCTION devapp_internal.add_up_usage(whole boolean) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    unchanged boolean := (SELECT devapp_internal.are_days_unchanged('usage_day', b.day, b.files) FROM devapp_internal.usage_day_base b);
BEGIN
    IF whole OR NOT unchanged THEN
        REFRESH MATERIALIZED VIEW devapp_internal.usage_day_base;
        REFRESH MATERIALIZED VIEW devapp_internal.usage_sums_before;
        ANALYZE devapp_internal.usage_sums_before;
        -- for the planner the days to come will be like these
        REFRESH MATERIALIZED VIEW devapp_internal.usage_sums_now;
        ANALYZE devapp_internal.usage_sums_now;
        RETURN;
    END IF;
    REFRESH MATERIALIZED VIEW devapp_internal.usage_sums_now;
END
$$;

CREATE FUNCTION devapp_internal.add_up_latencies(whole boolean) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    unchanged boolean := (SELECT devapp_internal.are_days_unchanged('usage_latency', b.day, b.files) FROM devapp_internal.usage_latency_base b);
BEGIN
    IF whole OR NOT unchanged THEN
        REFRESH MATERIALIZED VIEW devapp_internal.usage_latency_base;
        REFRESH MATERIALIZED VIEW devapp_internal.latency_totals_before;
    END IF;
END
$$;

-- What a report is made from, and is refreshed with it.
CREATE FUNCTION devapp_internal.refresh_sources(report text, whole boolean) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    CASE report
    WHEN 'app_usage' THEN
        PERFORM devapp_internal.add_up_usage(whole);
    WHEN 'latency_totals' THEN
        PERFORM devapp_internal.add_up_latencies(whole);
    WHEN 'product_adoption' THEN
        REFRESH MATERIALIZED VIEW devapp_internal.program_sums;
        ANALYZE devapp_internal.program_sums;
    ELSE
    END CASE;
END
$$;

-- Whether put_app_usage() may write its rows: an index that an administrator has added may have
-- an expression or a condition, which only the executor evaluates.
CREATE FUNCTION devapp_internal.has_plain_indexes(relation regclass) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = relation AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL))
$$;

-- app_usage is what views on apps take calls from; it brings the sums that those of apps
-- and products and the totals are made from.  What is not refreshed beside its readers is not
-- waited for long: other readers would wait as well.
CREATE FUNCTION devapp_internal.refresh_report(report text, beside_readers boolean) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '500ms'
AS $$
DECLARE
    relation text := format('devapp_internal.%I', report);
    row_count bigint;
BEGIN
    PERFORM devapp_internal.refresh_sources(report, NOT beside_readers);
    IF beside_readers AND report = 'app_usage' AND devapp_internal.has_plain_indexes(relation::regclass) THEN
        RETURN devapp_internal.put_app_usage();
    ELSIF beside_readers THEN
        PERFORM devapp_internal.refresh_beside_readers(relation);
    ELSE
        EXECUTE format('REFRESH MATERIALIZED VIEW %s', relation);
        EXECUTE format('ANALYZE %s', relation);
    END IF;
    EXECUTE format('SELECT count(*) FROM %s', relation) INTO row_count;
    RETURN row_count;
END
$$;

-- A report is no younger than what it is made from, which in run_refresh() was refreshed by a
-- transaction before, or was in use.
CREATE FUNCTION devapp_internal.as_of_sources(report text) RETURNS timestamptz
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT min(r.as_of)
      FROM (VALUES ('high_usage_apps', 'app_usage'), ('usage_totals', 'app_usage'), ('verdict_totals', 'app_usage'),
                   ('product_adoption', 'app_usage'), ('product_adoption', 'latency_totals'),
                   ('rotation_queue', 'product_adoption')) AS s(report, source)
      JOIN devapp.report_refresh r ON r.report = s.source
     WHERE s.report = as_of_sources.report
$$;

-- As their owner, who alone may refresh.  The first time everything is new, and filling
-- is faster than comparing; and what an administrator has emptied cannot be compared.  as_of is the start of the transaction, which
-- no snapshot of it is older than, or what the sources have.
CREATE FUNCTION devapp_internal.refresh_known(known devapp.report_refresh, concurrently boolean) RETURNS devapp.report_refresh
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET work_mem = '128MB'
    SET jit = off
AS $$
DECLARE
    started timestamptz := clock_timestamp();
    beside_readers boolean := coalesce(refresh_known.concurrently, true) AND known.as_of IS NOT NULL
                             AND (SELECT c.relispopulated FROM pg_class c WHERE c.oid = format('devapp_internal.%I', known.report)::regclass);
BEGIN
    known.rows := devapp_internal.refresh_report(known.report, beside_readers);
    known.duration_ms := round(extract(epoch FROM clock_timestamp() - started) * 1000, 3);
    UPDATE devapp.report_refresh r
       SET as_of = least(now(), devapp_internal.as_of_sources(known.report)), rows = known.rows, duration_ms = known.duration_ms, error = NULL
     WHERE r.report = known.report;
    RETURN known;
END
$$;

CREATE FUNCTION devapp_internal.refresh_reports(concurrently boolean)
    RETURNS TABLE (report text, rows bigint, duration_ms double precision)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    known devapp.report_refresh;
BEGIN
    PERFORM devapp_internal.begin_work();
    PERFORM FROM devapp.report_refresh r ORDER BY r.ordinal FOR NO KEY UPDATE;
    FOR known IN SELECT * FROM devapp.report_refresh r ORDER BY r.ordinal LOOP
        known := devapp_internal.refresh_known(known, refresh_reports.concurrently);
        refresh_reports.report := known.report;
        refresh_reports.rows := known.rows;
        refresh_reports.duration_ms := known.duration_ms;
        RETURN NEXT;
    END LOOP;
    PERFORM devapp_internal.set_done('refresh_reports');
END
$$;

CREATE FUNCTION devapp.refresh_reports(concurrently boolean DEFAULT true)
    RETURNS TABLE (report text, rows bigint, duration_ms double precision)
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.refresh_reports(boolean) IS
    'Refreshes the materialized reports in one transaction, by default concurrently with readers';
SELECT devapp_internal.grant_to('devapp.refresh_reports', 'admin');

-- ---------- each in a transaction of its own ----------

-- The first that comes after a place; its own place, null if there is none.  One that is
-- in use stays as it was: who refreshes the others is not kept waiting.
CREATE FUNCTION devapp_internal.refresh_next(after integer, concurrently boolean) RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    known devapp.report_refresh;
BEGIN
    PERFORM devapp_internal.begin_work();
    SELECT * INTO known FROM devapp.report_refresh r WHERE r.ordinal > refresh_next.after ORDER BY r.ordinal LIMIT 1 FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM devapp_internal.set_done('refresh_reports');
        RETURN NULL;
    END IF;
    BEGIN
        PERFORM devapp_internal.refresh_known(known, refresh_next.concurrently);
    EXCEPTION WHEN lock_not_available THEN
        UPDATE devapp.report_refresh r SET error = SQLERRM WHERE r.report = known.report;
        RAISE WARNING 'report "%" is in use and was not refreshed', known.report
            USING ERRCODE = 'lock_not_available', HINT = 'It is unchanged. The others are refreshed.';
    END;
    RETURN known.ordinal;
END
$$;

CREATE FUNCTION devapp.refresh_next(after integer, concurrently boolean) RETURNS integer
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.refresh_next(integer, boolean) IS 'Refreshes the next report; a part of devapp.run_refresh';
SELECT devapp_internal.grant_to('devapp.refresh_next', 'admin');

CREATE PROCEDURE devapp.run_refresh(concurrently boolean DEFAULT true)
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_run_refresh';
COMMENT ON PROCEDURE devapp.run_refresh(boolean) IS
    'Refreshes the materialized reports, each in a transaction of its own; skips reports that are in use';
SELECT devapp_internal.grant_to('devapp.run_refresh', 'admin');

-- For the worker.  What fails is undone as a whole, recorded, and tried again after the
-- interval.
CREATE FUNCTION devapp_internal.refresh_reports_if_due() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    every interval := devapp_internal.setting('refresh_interval')::interval;
    reason text;
BEGIN
    IF every = '0' OR devapp_internal.setting('restoring') = 'on' OR devapp_internal.was_done('refresh_reports', every) THEN
        RETURN;
    END IF;
    PERFORM devapp_internal.begin_work();
    -- somebody is at it
    PERFORM FROM devapp.report_refresh r WHERE r.ordinal = 1 FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    BEGIN
        PERFORM FROM devapp_internal.refresh_reports(true);
    EXCEPTION
    -- somebody reads one of them, and is not kept waiting: the next turn tries again
    WHEN lock_not_available OR deadlock_detected THEN
        UPDATE devapp.report_refresh SET error = SQLERRM;
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS reason = MESSAGE_TEXT;
        UPDATE devapp.report_refresh SET error = reason;
        PERFORM devapp_internal.set_done('refresh_reports');
        RAISE WARNING 'reports could not be refreshed: %', reason
            USING ERRCODE = SQLSTATE,
                  HINT = 'They are unchanged. The next attempt is made after devapp.refresh_interval.';
    END;
END
$$;

-- Every report, and what is known of its age.
CREATE VIEW devapp_report.freshness AS
SELECT x.report, x.kind, CASE WHEN x.kind = 'live' THEN now() ELSE r.as_of END AS as_of,
       CASE WHEN x.kind = 'materialized' THEN r.rows END AS rows, CASE WHEN x.kind = 'materialized' THEN r.duration_ms END AS duration_ms, nullif(h.done_at, '-infinity') AS attempted_at, r.error
  FROM (VALUES ('app_inventory', 'live but for calls', 'app_usage'),
               ('approvals', 'live', NULL),
               ('apps', 'live but for calls', 'app_usage'),
               ('calendar', 'live', NULL),
               ('credentials', 'live', NULL),
               ('credentials_expiring', 'live', NULL),
               ('denials', 'live', NULL),
               ('developers', 'live', NULL),
               ('freshness', 'live', NULL),
               ('high_usage_apps', 'materialized', 'high_usage_apps'),
               ('inactive_apps', 'live', NULL),
               ('latency_daily', 'live', NULL),
               ('latency_totals', 'materialized', 'latency_totals'),
               ('pending_approvals', 'live', NULL),
               ('product_adoption', 'materialized', 'product_adoption'),
               ('products', 'live', NULL),
               ('quota_usage', 'live', NULL),
               ('rotation_queue', 'materialized', 'rotation_queue'),
               ('rotations', 'live', NULL),
               ('teams', 'live', NULL),
               ('team_usage', 'live but for calls', 'app_usage'),
               ('usage_daily', 'live', NULL),
               ('usage_hourly', 'live', NULL),
               ('usage_totals', 'materialized', 'usage_totals'),
               ('verdict_totals', 'materialized', 'verdict_totals')) AS x(report, kind, source)
  LEFT JOIN devapp.report_refresh r ON r.report = x.source
  LEFT JOIN devapp.housekeeping h ON h.task = 'refresh_reports' AND r.report IS NOT NULL;
COMMENT ON VIEW devapp_report.freshness IS 'Age of the reports: one row per report. Live';
COMMENT ON COLUMN devapp_report.freshness.report IS 'Name of the report in devapp_report';
COMMENT ON COLUMN devapp_report.freshness.kind IS
    'live; materialized: as of the last refresh; live but for calls: only calls are as of the last refresh';
COMMENT ON COLUMN devapp_report.freshness.as_of IS
    'It, or its numbers of calls, contain what was committed by then; null: never refreshed';
COMMENT ON COLUMN devapp_report.freshness.rows IS 'Rows of the last refresh; null: not materialized itself, or never refreshed';
COMMENT ON COLUMN devapp_report.freshness.duration_ms IS 'How long the last refresh took, in milliseconds; null: as above';
COMMENT ON COLUMN devapp_report.freshness.attempted_at IS 'When a refresh was last attempted; null: live, or never';
COMMENT ON COLUMN devapp_report.freshness.error IS 'Why that failed; null: it succeeded';
SELECT devapp_internal.grant_on('TABLE', 'devapp_report.freshness', 'SELECT', 'admin', 'analyst');
