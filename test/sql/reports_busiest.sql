-- The busiest apps are found in one look at all (src/meter/busiest_apps.c): they are those that sorting all
-- would give, also where many of the busiest were deleted.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
BEGIN;
SELECT FROM devapp_internal.lock_usage();
DELETE FROM devapp.usage_day;
SELECT FROM devapp.create_developer('busiest@example.com');
SELECT (devapp.create_product('busiest')).product_id AS product \gset
CREATE TEMP TABLE made AS
SELECT n, (devapp.create_app('busiest-' || n, 'busiest@example.com', '{busiest}')).app_id FROM generate_series(1, 60) AS n;
SELECT devapp_internal.usage_partition('usage_day', now()) IS NOT NULL AS there;
-- three apps share each number of calls; five had none that was allowed
INSERT INTO devapp.usage_day (day, app_id, product_id, environment, code, calls, cost)
SELECT devapp_internal.utc_today(), m.app_id, :'product', 'prod', CASE WHEN n > 55 THEN 'QUOTA_EXCEEDED' ELSE 'VALID' END::devapp.verdict_code, 10 * (n / 3) + 1, 1 FROM made m;
-- all of the twenty busiest are deleted, and some others
SELECT count(devapp.delete_app(m.app_id)) FROM made m WHERE n BETWEEN 36 AND 55 OR n % 7 = 0;
SELECT FROM devapp.refresh_reports();
SELECT count(*) AS sizes, bool_and(found.apps IS NOT DISTINCT FROM sorted.apps) AS same, bool_and(found.all_calls = (SELECT sum(calls_30d) FROM devapp_internal.app_usage)) AS same_sum
  FROM generate_series(1, 50) AS n,
       LATERAL (SELECT array_agg(ROW(b.app_id, b.calls_30d, b.calls_previous_30d) ORDER BY b.calls_30d DESC, b.app_id) AS apps, min(b.all_calls) AS all_calls
                  FROM devapp_internal.busiest_apps(n) AS b) AS found,
       LATERAL (SELECT array_agg(ROW(x.app_id, x.calls_30d, x.calls_previous_30d) ORDER BY x.calls_30d DESC, x.app_id) AS apps
                  FROM (SELECT u.app_id, u.calls_30d, u.calls_previous_30d FROM devapp_internal.app_usage u JOIN devapp.app a USING (app_id)
                         WHERE a.deleted_at IS NULL AND u.calls_30d > 0 ORDER BY u.calls_30d DESC, u.app_id LIMIT n) AS x) AS sorted;
-- 30 are left: of the 35 that are less busy, every seventh is deleted
SELECT count(*), max(rank) FROM devapp_report.high_usage_apps WHERE app ~ '^busiest-';
SELECT rank, app, calls_30d, peak_calls FROM devapp_report.high_usage_apps WHERE app ~ '^busiest-' ORDER BY rank, app LIMIT 5;
-- nobody has called
DELETE FROM devapp.usage_day;
SELECT FROM devapp.refresh_reports();
SELECT count(*) FROM devapp_internal.busiest_apps(10);
ROLLBACK;
