-- Refreshing the materialized reports.  Who refreshes holds the lock of the rows of
-- devapp.report_refresh, so there is one at a time.
--
-- A dump takes neither the reports nor these rows along: where it is restored both are
-- as CREATE EXTENSION makes them, and the worker finds that a refresh is due.

CREATE TABLE devapp.report_refresh (
    report text NOT NULL,
    ordinal integer NOT NULL,
    as_of timestamptz,
    rows bigint,
    duration interval,
    error text,
    CONSTRAINT report_refresh_pkey PRIMARY KEY (report)
) WITH (fillfactor = 50);
COMMENT ON TABLE devapp.report_refresh IS 'When what is materialized was last refreshed: one row a report, and app_usage, the calls of all apps; not dumped';
COMMENT ON COLUMN devapp.report_refresh.ordinal IS 'Their order: some are made from others';
COMMENT ON COLUMN devapp.report_refresh.as_of IS 'What was committed by then is in it; null: it was never refreshed';
COMMENT ON COLUMN devapp.report_refresh.rows IS 'Rows that it has';
COMMENT ON COLUMN devapp.report_refresh.duration IS 'How long the refresh took';
COMMENT ON COLUMN devapp.report_refresh.error IS 'Why the last refresh failed; null: it did not';
SELECT devapp_internal.grant_on('TABLE', 'devapp.report_refresh', 'SELECT', 'admin');

-- In the order in which they need one another.
INSERT INTO devapp.report_refresh (report, ordinal) VALUES
    ('app_usage', 1), ('high_usage_apps', 2), ('product_adoption', 3), ('usage_totals', 4),
    ('verdict_totals', 5), ('latency_totals', 6), ('rotation_queue', 7);

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
    IF report = 'app_usage' THEN
        REFRESH MATERIALIZED VIEW devapp_internal.usage_sums;
        ANALYZE devapp_internal.usage_sums;
    END IF;
    IF beside_readers THEN
        PERFORM devapp_internal.refresh_beside_readers(relation);
    ELSE
        EXECUTE format('REFRESH MATERIALIZED VIEW %s', relation);
        EXECUTE format('ANALYZE %s', relation);
    END IF;
    EXECUTE format('SELECT count(*) FROM %s', relation) INTO row_count;
    RETURN row_count;
END
$$;

-- As their owner, who alone may refresh.  The first time everything is new, and filling
-- is faster than comparing.  as_of is the start of the transaction, which
-- no snapshot of it is older than.
CREATE FUNCTION devapp_internal.refresh_reports(concurrently boolean)
    RETURNS TABLE (report text, rows bigint, duration interval)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET work_mem = '128MB'
    SET jit = off
AS $$
DECLARE
    known devapp.report_refresh;
    started timestamptz;
BEGIN
    PERFORM devapp_internal.begin_work();
    PERFORM FROM devapp.report_refresh r ORDER BY r.ordinal FOR NO KEY UPDATE;
    FOR known IN SELECT * FROM devapp.report_refresh r ORDER BY r.ordinal LOOP
        started := clock_timestamp();
        refresh_reports.report := known.report;
        refresh_reports.rows := devapp_internal.refresh_report(known.report, coalesce(refresh_reports.concurrently, true) AND known.as_of IS NOT NULL);
        refresh_reports.duration := clock_timestamp() - started;
        UPDATE devapp.report_refresh r
           SET as_of = now(), rows = refresh_reports.rows, duration = refresh_reports.duration, error = NULL
         WHERE r.report = known.report;
        RETURN NEXT;
    END LOOP;
    PERFORM devapp_internal.set_done('refresh_reports');
END
$$;

CREATE FUNCTION devapp.refresh_reports(concurrently boolean DEFAULT true)
    RETURNS TABLE (report text, rows bigint, duration interval)
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.refresh_reports(boolean) IS
    'Refreshes the reports of devapp_report that are materialized, beside their readers unless told otherwise; waits for who is at it already';
SELECT devapp_internal.grant_to('devapp.refresh_reports', 'admin');

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
                  HINT = 'They stay as they were. The next attempt is made after devapp.refresh_interval.';
    END;
END
$$;

-- Every report, and what is known of its age.
CREATE VIEW devapp_report.freshness AS
SELECT x.report, x.kind, CASE WHEN x.kind = 'live' THEN now() ELSE r.as_of END AS as_of, r.rows, r.duration, nullif(h.done_at, '-infinity') AS attempted_at, r.error
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
COMMENT ON VIEW devapp_report.freshness IS 'How old reports are: one row a report. Live';
COMMENT ON COLUMN devapp_report.freshness.report IS 'Name of the report in devapp_report';
COMMENT ON COLUMN devapp_report.freshness.kind IS
    'live: as of now; materialized: as of the last refresh; live but for calls: as of now, but its numbers of calls are as of the last refresh';
COMMENT ON COLUMN devapp_report.freshness.as_of IS
    'What was committed by then is in it, or in its numbers of calls; null: never refreshed, there are none yet';
COMMENT ON COLUMN devapp_report.freshness.rows IS 'Rows that the last refresh made; null: live, or never refreshed';
COMMENT ON COLUMN devapp_report.freshness.duration IS 'How long the last refresh took; null: live, or never refreshed';
COMMENT ON COLUMN devapp_report.freshness.attempted_at IS 'Last time that a refresh was tried; null: live, or never';
COMMENT ON COLUMN devapp_report.freshness.error IS 'Why that failed; null: it did not';
SELECT devapp_internal.grant_on('TABLE', 'devapp_report.freshness', 'SELECT', 'admin', 'analyst');
