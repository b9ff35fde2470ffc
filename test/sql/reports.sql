-- The schema of the reports: everything in it says what it is, can be refreshed beside
-- its readers, and shows nothing secret.  And how reports are refreshed.
\set SHOW_CONTEXT never
SELECT c.relname, CASE c.relkind WHEN 'm' THEN 'materialized' ELSE 'view' END AS kind FROM pg_class c
 WHERE c.relnamespace = 'devapp_report'::regnamespace AND c.relkind <> 'i' ORDER BY c.relname COLLATE "C";
-- all of them, and every column, have a comment
SELECT c.relname FROM pg_class c
 WHERE c.relnamespace = 'devapp_report'::regnamespace AND c.relkind <> 'i' AND obj_description(c.oid, 'pg_class') IS NULL;
SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE (c.relnamespace = 'devapp_report'::regnamespace AND c.relkind <> 'i' OR c.oid::regclass::text IN ('devapp.my_apps', 'devapp.my_credentials', 'devapp.my_products', 'devapp.my_usage', 'devapp.my_teams', 'devapp.my_team_usage', 'devapp.my_quota', 'devapp.top_apps'))
   AND col_description(c.oid, a.attnum) IS NULL;
-- an id has its name beside it, and no column is an array (but names of products, and histograms) or shows a digest, a secret or attributes
SELECT c.relname, a.attname, a.atttypid::regtype FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
 WHERE c.relnamespace = 'devapp_report'::regnamespace AND c.relkind <> 'i'
   AND (a.atttypid::regtype::text NOT IN ('text', 'uuid', 'bigint', 'integer', 'boolean', 'double precision', 'date', 'timestamp with time zone')
        OR a.attname ~ 'digest|attribute')
   AND NOT (c.relname = 'app_inventory' AND a.attname = 'products') AND a.attname <> 'histogram';
SELECT c.relname, x.id FROM pg_class c, (VALUES ('app_id', 'app'), ('product_id', 'product'), ('owner_id', 'owner'), ('team_id', 'team'),
                                                ('credential_id', 'consumer_key')) AS x(id, name)
 WHERE c.relnamespace = 'devapp_report'::regnamespace AND c.relkind <> 'i'
   AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = x.id)
   AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = x.name) ORDER BY 1, 2;
-- nothing in it is materialized; of what is behind it each has a unique key over all rows; no view asks for the rights of its reader
SELECT c.relname FROM pg_class c
 WHERE c.relnamespace IN ('devapp_internal'::regnamespace, 'devapp'::regnamespace) AND c.relkind = 'm' AND c.relname NOT IN ('program_sums', 'usage_day_base', 'usage_sums_before', 'usage_sums_now', 'usage_latency_base', 'latency_totals_before')
   AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL);
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'devapp_report'::regnamespace AND c.reloptions::text ~ 'security_invoker';
-- freshness knows all of them, and which are materialized
SELECT coalesce(c.relname, f.report) AS differs FROM devapp_report.freshness f
  FULL JOIN (SELECT r.relname::text, r.relkind FROM pg_class r WHERE r.relnamespace = 'devapp_report'::regnamespace AND r.relkind <> 'i') AS c ON c.relname = f.report
 WHERE f.report IS NULL OR c.relname IS NULL OR (f.kind = 'materialized') <> (c.relkind = 'm' OR EXISTS (SELECT FROM pg_matviews m WHERE m.schemaname = 'devapp_internal' AND m.matviewname = c.relname));
SELECT r.report FROM devapp_report.freshness f FULL JOIN devapp.report_refresh r ON r.report = f.report WHERE (f.kind = 'materialized') IS DISTINCT FROM (r.report IS NOT NULL);
-- everything that lives after a dump is filled anew: nothing of it belongs to a dump
SELECT c FROM pg_extension e, unnest(e.extconfig) AS c WHERE e.extname = 'devapp' AND (c = 'devapp.report_refresh'::regclass OR c IN (SELECT oid FROM pg_class WHERE relkind = 'm'));

-- ---------- refreshing ----------

SELECT devapp_internal.setting('refresh_interval');
BEGIN;
CREATE FUNCTION pg_temp.state() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', f.report, CASE WHEN f.as_of = now() THEN 'now' WHEN f.as_of IS NULL THEN 'never' ELSE 'earlier' END, f.error), ', ' ORDER BY f.report)
      FROM devapp_report.freshness f WHERE f.kind <> 'live' $$;
UPDATE devapp.report_refresh SET as_of = NULL, rows = NULL, duration_ms = NULL, error = NULL;
DELETE FROM devapp.housekeeping WHERE task = 'refresh_reports';
SELECT pg_temp.state();
SELECT report, kind, as_of = now() AS is_now, rows, duration_ms FROM devapp_report.freshness WHERE kind = 'live' ORDER BY report;
-- the first time it is due, and again after the interval, or where the clock was ahead
SELECT FROM devapp_internal.refresh_reports_if_due();
SELECT pg_temp.state();
-- the rows of a report are its own: of those that take only calls from what was refreshed nobody counts them
SELECT f.report, f.rows, f.duration_ms FROM devapp_report.freshness f WHERE f.kind = 'live but for calls' ORDER BY f.report;
SELECT f.report, f.rows = (SELECT count(*) FROM devapp_report.product_adoption) AS rows, f.duration_ms > 0 AS took_time FROM devapp_report.freshness f WHERE f.report = 'product_adoption';
UPDATE devapp.report_refresh SET as_of = now() - interval '14 minutes';
UPDATE devapp.housekeeping SET done_at = now() - interval '14 minutes' WHERE task = 'refresh_reports';
SELECT FROM devapp_internal.refresh_reports_if_due();
SELECT pg_temp.state() AS not_due;
UPDATE devapp.report_refresh SET as_of = now() - interval '16 minutes';
UPDATE devapp.housekeeping SET done_at = now() - interval '16 minutes' WHERE task = 'refresh_reports';
SELECT FROM devapp_internal.refresh_reports_if_due();
SELECT pg_temp.state() AS due;
UPDATE devapp.report_refresh SET as_of = now() - interval '1 minute';
UPDATE devapp.housekeeping SET done_at = now() + interval '1 minute' WHERE task = 'refresh_reports';
SELECT FROM devapp_internal.refresh_reports_if_due();
SELECT pg_temp.state() AS clock_was_ahead;
-- what fails leaves the reports as they were, is recorded, and not tried again before the interval
UPDATE devapp.report_refresh SET as_of = now() - interval '16 minutes';
UPDATE devapp.housekeeping SET done_at = now() - interval '16 minutes' WHERE task = 'refresh_reports';
INSERT INTO devapp.report_refresh (report, ordinal) VALUES ('nothing', 9);
SELECT FROM devapp_internal.refresh_reports_if_due();
SELECT pg_temp.state() AS failed;
DELETE FROM devapp.report_refresh WHERE report = 'nothing';
SELECT FROM devapp_internal.refresh_reports_if_due();
SELECT pg_temp.state() AS not_tried_again;
-- on demand it works, and the error is gone
SELECT report, rows >= 0 AS rows FROM devapp.refresh_reports();
SELECT pg_temp.state();
SELECT report FROM devapp.refresh_reports(concurrently => NULL);
ROLLBACK;

-- ---------- the last minutes ----------

BEGIN;
SELECT FROM devapp_internal.lock_usage();
DELETE FROM devapp.usage_minute;
SELECT FROM devapp.create_developer('top@example.com');
SELECT FROM devapp.create_team('top-team');
SELECT app_id AS a FROM devapp.create_app('top-a', 'top@example.com') \gset
SELECT app_id AS b FROM devapp.create_app('top-b', team => 'top-team') \gset
CREATE FUNCTION pg_temp.called(minutes_ago integer, app uuid, code text, calls bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE at timestamptz := date_trunc('minute', now()) - minutes_ago * interval '1 minute';
BEGIN
    PERFORM devapp_internal.usage_partition('usage_minute', at);
    INSERT INTO devapp.usage_minute (minute, app_id, code, calls, cost, flush_id) VALUES (at, app, code::devapp.verdict_code, calls, calls, 1);
END $$;
SELECT count(pg_temp.called(c.m, c.app, c.code, c.calls)) FROM (VALUES
    (0, :'a'::uuid, 'VALID', 1), (1, :'a', 'VALID', 2), (2, :'a', 'VALID', 10), (5, :'a', 'VALID', 20), (6, :'a', 'VALID', 100),
    (60, :'a', 'VALID', 200), (61, :'a', 'VALID', 1000), (3, :'a', 'QUOTA_EXCEEDED', 111),
    (4, :'b', 'VALID', 50), (0, :'b', 'RATE_LIMITED', 50), (0, NULL, 'NOT_FOUND', 7)) AS c(m, app, code, calls);
SELECT app, owner, calls_1m, calls_5m, calls_1h, refused_share, date_trunc('minute', now()) - last_minute AS ago FROM devapp.top_apps;
-- the last hour is found by an index of the minutes
SELECT count(*) = (SELECT count(*) FROM devapp_internal.usage_partitions() WHERE parent = 'usage_minute') AS every_day
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
 WHERE m.amname = 'brin' AND i.indrelid::regclass::text LIKE 'devapp.usage_minute_%';
ROLLBACK;
