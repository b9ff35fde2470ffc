-- Counts that nobody can have counted stop at what a bigint holds: whoever makes one up
-- breaks no report.
\set SHOW_CONTEXT never
BEGIN;
SELECT FROM devapp.create_developer('limits@example.com');
SELECT FROM devapp.create_product('limits', quota_limit => 5, quota_interval => 1, quota_unit => 'month');
SELECT FROM devapp.create_app('limits-1', developer => 'limits@example.com', products => '{limits}');
SELECT FROM devapp.create_app('limits-2', developer => 'limits@example.com', products => '{limits}');
SELECT product_id AS product FROM devapp.product WHERE name = 'limits' \gset
SELECT devapp_internal.usage_partition(t, now()) IS NOT NULL AS there FROM unnest('{usage_minute,usage_day,usage_latency}'::text[]) AS t;
\set most 9223372036854775807
CREATE TEMP TABLE made AS
SELECT a.app_id, c.code FROM devapp.app a, unnest('{VALID,QUOTA_EXCEEDED,RESOURCE_FORBIDDEN}'::devapp.verdict_code[]) AS c(code) WHERE a.name ~ '^limits-';
INSERT INTO devapp.usage_day SELECT (now() AT TIME ZONE 'UTC')::date, m.app_id, :'product', e, m.code, :most, :most FROM made m, unnest('{prod,test}'::text[]) AS e;
INSERT INTO devapp.usage_minute (minute, app_id, product_id, code, calls, cost, flush_id)
SELECT date_trunc('minute', now()), m.app_id, :'product', m.code, :most, :most, 0 FROM made m, generate_series(1, 2);
INSERT INTO devapp.usage_latency
SELECT (now() AT TIME ZONE 'UTC')::date, m.app_id, :'product', :most, :most, :most, '2562047788:00:54.775807', '1 ms', '1 h', array_fill(:most, ARRAY[118])
  FROM made m WHERE m.code = 'VALID';
INSERT INTO devapp.quota_usage (app_id, product_id, environment, window_start, window_end, used)
SELECT m.app_id, :'product', '', w.window_start, w.window_end, :most FROM made m, devapp_internal.quota_window(now(), 1, 'month', 'UTC') AS w WHERE m.code = 'VALID';
SELECT FROM devapp.refresh_reports();

-- every view can be read whole
SELECT c.oid::regclass AS view, read.rows >= 0 AS whole
  FROM pg_class c, LATERAL (SELECT (xpath('/row/rows/text()', query_to_xml(format('SELECT count(x::text) AS rows FROM %s AS x', c.oid::regclass), false, true, '')))[1]::text::bigint) AS read(rows)
 WHERE c.relnamespace IN ('devapp'::regnamespace, 'devapp_report'::regnamespace) AND c.relkind IN ('v', 'm')
   AND pg_get_viewdef(c.oid) ~ 'calls|latency|used|cost' ORDER BY c.oid::regclass::text COLLATE "C";
SELECT calls, errors, refused, over_quota, cost, avg_ms FROM devapp.my_usage WHERE product = 'limits';
SELECT app, calls_1h, refused_share FROM devapp.top_apps WHERE app ~ '^limits-' ORDER BY app;
SELECT calls, refused, cost FROM devapp_report.usage_totals WHERE product = 'limits';
SELECT length(devapp_report.dashboard()) > 10000 AS page;
-- and what comes later is added
SELECT devapp_internal.add_counts(:most, 1), devapp_internal.add_counts(:most, :most), devapp_internal.add_counts(-1, :most), devapp_internal.add_counts(-:most, -:most), devapp_internal.add_counts(1, NULL);
ROLLBACK;
