-- How calls went, by day and product, and percentiles over several of them.
\set SHOW_CONTEXT never
BEGIN;
SET LOCAL timezone = 'UTC';
SELECT FROM devapp.set_app_approval('auto');
SELECT FROM devapp.create_developer('slow@example.com');
SELECT FROM devapp.create_product('slow-a', display_name => 'Slow A');
SELECT FROM devapp.create_product('slow-b');
SELECT app_id AS a FROM devapp.create_app('slow-1', developer => 'slow@example.com', products => '{slow-a,slow-b}') \gset
SELECT app_id AS b FROM devapp.create_app('slow-2', developer => 'slow@example.com', products => '{slow-a}') \gset
SELECT (now() AT TIME ZONE 'UTC')::date - 1 AS yesterday \gset
SELECT count(devapp_internal.usage_partition('usage_latency', now() - n * interval '24 hours')) FROM generate_series(1, 3) AS n;
DELETE FROM devapp.usage_latency;

-- The responses, in milliseconds: few on a slow day and many on a quick one.
CREATE TEMP TABLE response AS
SELECT :'yesterday'::date - d AS day, x.app_id, p.product_id, 20 * exp(4 * sin(n * 0.7) * sin(n)) * x.factor AS ms
  FROM (VALUES (0, :'a'::uuid, 'slow-a', 1000, 1), (1, :'a', 'slow-a', 50, 20), (0, :'b', 'slow-a', 300, 3), (0, :'a', 'slow-b', 100, 7), (1, :'b', NULL, 10, 1)) AS x(d, app_id, product, many, factor)
  LEFT JOIN devapp.product p ON p.name = x.product AND p.deleted_at IS NULL, generate_series(1, x.many) AS n;
-- histogram(ms): element i counts those from 2^(i/4) to 2^((i+1)/4) microseconds
CREATE FUNCTION pg_temp.histogram(ms double precision[]) RETURNS bigint[] LANGUAGE sql AS $$
    SELECT format('[%s:%s]={%s}', min(b), max(b), string_agg(n::text, ',' ORDER BY b))::bigint[]
      FROM (SELECT b, count(m) AS n FROM (SELECT floor(4 * ln(x * 1000) / ln(2))::integer AS m FROM unnest(ms) AS x) AS bins
             RIGHT JOIN (SELECT generate_series(min(floor(4 * ln(x * 1000) / ln(2)))::integer, max(floor(4 * ln(x * 1000) / ln(2)))::integer) FROM unnest(ms) AS x) AS r(b) ON m = b GROUP BY b) AS y $$;
INSERT INTO devapp.usage_latency (day, app_id, product_id, calls, client_errors, server_errors, latency_total, latency_min, latency_max, histogram)
SELECT day, app_id, product_id, count(*), count(*) / 10, count(*) / 50, sum(ms) * interval '1 ms', min(ms) * interval '1 ms', max(ms) * interval '1 ms', pg_temp.histogram(array_agg(ms))
  FROM response GROUP BY day, app_id, product_id;
SELECT FROM devapp.refresh_reports(false);

-- a row is a day and product, of all apps
SELECT :'yesterday' - day AS days_before, product, product_display_name, responses, client_errors, server_errors FROM devapp_report.latency_totals ORDER BY 1, 2;
-- within(found, true): 9.1 % and a microsecond
CREATE FUNCTION pg_temp.within(found double precision, truth double precision) RETURNS boolean LANGUAGE sql AS $$ SELECT abs(found - truth) <= truth * 0.0911 + 0.001 $$;
CREATE TEMP VIEW truth AS
SELECT day, product_id, count(*) AS n, min(ms) AS least, max(ms) AS most, avg(ms) AS mean, percentile_disc(0.5) WITHIN GROUP (ORDER BY ms) AS p50,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY ms) AS p95, percentile_disc(0.99) WITHIN GROUP (ORDER BY ms) AS p99
  FROM response GROUP BY day, product_id;
SELECT count(*) AS rows, bool_and(t.responses = x.n AND abs(t.min_ms - x.least) < 0.001 AND abs(t.max_ms - x.most) < 0.001 AND abs(t.avg_ms - x.mean) < 0.001) AS exact,
       bool_and(pg_temp.within(t.p50_ms, x.p50) AND pg_temp.within(t.p95_ms, x.p95) AND pg_temp.within(t.p99_ms, x.p99)) AS percentiles
  FROM devapp_report.latency_totals t JOIN pg_temp.truth x ON x.day = t.day AND x.product_id IS NOT DISTINCT FROM t.product_id;
SELECT bool_and(t.updated_at = (SELECT max(u.updated_at) FROM devapp.usage_latency u WHERE u.day = t.day AND u.product_id IS NOT DISTINCT FROM t.product_id)) AS updated_at FROM devapp_report.latency_totals t;
-- one row's are those of latency_daily, and of its histogram
SELECT count(*) AS rows, bool_and(p95_ms = least(greatest(extract(epoch FROM devapp.latency_percentile(histogram, 0.95))::double precision * 1000, min_ms), max_ms)) AS same FROM devapp_report.latency_daily;

-- over days and products: right by the histograms, wrong as a mean of percentiles
SELECT f.fraction, pg_temp.within((SELECT devapp_report.percentile(histogram, f.fraction) FROM devapp_report.latency_totals), (SELECT percentile_disc(f.fraction) WITHIN GROUP (ORDER BY ms) FROM response)) AS right
  FROM unnest('{0,0.01,0.25,0.5,0.9,0.95,0.99,1}'::double precision[]) AS f(fraction);
SELECT product, pg_temp.within(devapp_report.percentile(histogram, 0.95), (SELECT percentile_disc(0.95) WITHIN GROUP (ORDER BY ms) FROM response r WHERE r.product_id = t.product_id)) AS right,
       pg_temp.within(avg(p95_ms), (SELECT percentile_disc(0.95) WITHIN GROUP (ORDER BY ms) FROM response r WHERE r.product_id = t.product_id)) AS as_a_mean
  FROM devapp_report.latency_totals t WHERE product = 'slow-a' GROUP BY product, product_id;
SELECT devapp_report.percentile(histogram, 0.95) = (SELECT devapp_report.percentile(histogram, 0.95) FROM devapp_report.latency_daily) AS of_apps_as_well FROM devapp_report.latency_totals;
-- the comments say so
SELECT count(*) FILTER (WHERE col_description(attrelid, attnum) ~ 'Do not average') AS say_so FROM pg_attribute
 WHERE attrelid IN ('devapp_report.latency_totals'::regclass, 'devapp_report.latency_daily'::regclass) AND attname ~ '^p\d\d_ms';
ROLLBACK;

-- ---------- the aggregate ----------

-- of nothing
SELECT devapp_report.percentile(h, 0.95) FROM (SELECT '{}'::bigint[] WHERE false) AS x(h);
SELECT devapp_report.percentile(h, 0.95) FROM (VALUES (NULL::bigint[]), ('{}')) AS x(h);
SELECT devapp_report.percentile(h, NULL) FROM (VALUES ('[80:80]={1}'::bigint[])) AS x(h);
-- of one; of rows of which some are null; as a window; a bin that is full
SELECT devapp_report.percentile(h, 0.95) FROM (VALUES ('[80:80]={1}'::bigint[])) AS x(h);
SELECT devapp_report.percentile(h, 0.5) FROM (VALUES ('[80:80]={1}'::bigint[]), (NULL), ('[40:40]={9}')) AS x(h);
SELECT devapp_report.percentile(h, 1) OVER (ORDER BY n) FROM (VALUES (1, '[40:40]={1}'::bigint[]), (2, '[80:80]={1}'), (3, '[0:0]={1}')) AS x(n, h);
SELECT devapp_report.percentile(h, 0.5) FROM (VALUES ('[80:80]={9223372036854775807}'::bigint[]), ('[80:80]={9223372036854775807}')) AS x(h);
-- what is no fraction, or no histogram
SELECT devapp_report.percentile(h, f) FROM (VALUES ('{}'::bigint[], 1.5::double precision)) AS x(h, f);
SELECT devapp_report.percentile(h, f) FROM (VALUES (NULL::bigint[], 95::double precision)) AS x(h, f);
SELECT devapp_report.percentile(h, -0.1) FROM (VALUES ('{}'::bigint[])) AS x(h);
SELECT devapp_report.percentile(h, 'NaN') FROM (VALUES ('{}'::bigint[])) AS x(h);
SELECT devapp_report.percentile(h, f) FROM (VALUES ('[80:80]={1}'::bigint[], 0.5::double precision), ('[80:80]={1}', 0.6)) AS x(h, f);
SELECT devapp_report.percentile(h, 0.5) FROM (VALUES ('[200:200]={1}'::bigint[])) AS x(h);
SELECT devapp_report.percentile(h, 0.5) FROM (VALUES ('[80:80]={-1}'::bigint[])) AS x(h);

-- ---------- adding up ----------

-- of nothing; of one, with bins at its ends that count nothing; bins that come to be needed, before and after; a bin that is full
SELECT devapp.add_histograms(h) FROM (VALUES (NULL::bigint[])) AS x(h);
SELECT devapp.add_histograms(h) FROM (VALUES ('{}'::bigint[]), (NULL)) AS x(h);
SELECT devapp.add_histograms(h) FROM (VALUES (NULL::bigint[]), ('{0,1,0}')) AS x(h);
SELECT n, devapp.add_histograms(h) OVER (ORDER BY n)
  FROM (VALUES (1, '[40:42]={1,2,3}'::bigint[]), (2, '[41:41]={10}'), (3, NULL), (4, '{}'), (5, '[43:43]={5}'), (6, '[39:39]={4}'), (7, '[40:43]={0,0,9223372036854775807,0}')) AS x(n, h);
SELECT n, devapp.add_histograms(h) OVER (ORDER BY n ROWS 1 PRECEDING) FROM (VALUES (1, '[40:42]={1,2,3}'::bigint[]), (2, '[41:41]={10}'), (3, '[40:40]={5}')) AS x(n, h);
SELECT devapp.add_histograms(h) FROM (VALUES ('[40:41]={1,1}'::bigint[]), ('[41:41]={-1}')) AS x(h);
SELECT devapp.add_histograms(h) FROM (VALUES ('[40:41]={1,1}'::bigint[]), ('[40:41]={1,NULL}')) AS x(h);
SELECT devapp.add_histograms(h) FROM (VALUES ('[145:146]={1,1}'::bigint[])) AS x(h);
-- the rows stay as they are; parallel workers come to the same
CREATE TABLE histogram AS SELECT n, format('[%s:%s]={%s,%s,1}', n % 40, n % 40 + 2, n % 7 + 1, n % 3)::bigint[] AS h FROM generate_series(1, 20000) AS n;
ALTER TABLE histogram SET (parallel_workers = 2);
ANALYZE histogram;
SELECT devapp.add_histograms(h) AS alone FROM histogram \gset
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT devapp.add_histograms(h) FROM histogram;
SELECT devapp.add_histograms(h) = :'alone' AS same FROM histogram;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
SELECT (SELECT sum(c) FROM histogram, unnest(h) AS c) = (SELECT sum(c) FROM unnest(:'alone'::bigint[]) AS c) AS all_counted;
DROP TABLE histogram;

\set VERBOSITY sqlstate
SELECT devapp_report.percentile(h, 1.5) FROM (VALUES ('{}'::bigint[])) AS x(h);
SELECT devapp_report.percentile(h, -0.1) FROM (VALUES ('{}'::bigint[])) AS x(h);
