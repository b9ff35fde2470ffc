-- The dashboard: what it is made of, and bad input.  034_dashboard.pl has the page.
\set SHOW_CONTEXT never
SET timezone = 'Asia/Tokyo';

-- text becomes text, whatever it is
SELECT devapp_internal.escape_html(t) FROM (VALUES ('plain'), ('<script>alert(1)</script>'), ('" onload="x'), ('it''s'), ('a & b &amp; c'), (''), (NULL),
    (E'bell \x07 delete \x7f, tab\tand line\nstay'), ('over' || chr(8238) || 'ride, isolate' || chr(8294) || ', no character ' || chr(65535)),
    (chr(1513) || chr(1500) || chr(1493) || chr(1501)), ('</title>')) AS v (t);

-- numbers: short ones keep three digits, and round up into the next unit
SELECT n, devapp_internal.short_number(n) AS short, devapp_internal.html_number(n) AS html
  FROM unnest('{0,7,999,1000,9999,10000,12344,12350,99949,99950,123456,999499,999500,1234567,999499999,999500000,9223372036854775807}'::numeric[]) AS n;
SELECT devapp_internal.html_number(NULL) AS nothing, devapp_internal.exact_number(1234567890) AS exact;
SELECT part, whole, devapp_internal.html_percent(part, whole) AS percent
  FROM (VALUES (0, 0), (0, 5), (5, 5), (1, 3), (1, 1000), (1, 1001), (999, 1000), (9999, 10000), (3, 2), (123456, 100), (1, NULL), (NULL, 1)) AS v (part, whole);
SELECT value, before, devapp_internal.html_change(value, before) AS change
  FROM (VALUES (0, 0), (5, 0), (5, 5), (10001, 10000), (3, 2), (2, 3), (0, 5), (20, 2), (12345678, 2), (NULL, 2), (2, NULL)) AS v (value, before);

-- times, in UTC whatever the session's time zone
SELECT devapp_internal.html_time('2026-03-01 00:30+09') AS time, devapp_internal.html_day('2026-03-01 00:30+09') AS day;
SELECT devapp_internal.html_date('2026-03-01') AS date, devapp_internal.html_time(NULL) AS no_time, devapp_internal.html_day(NULL) AS no_day;
SELECT i, devapp_internal.html_duration(i) AS duration
  FROM unnest('{0 s,59 s,1 min,59 min 59 s,1 h,9 h 59 min,10 h 59 min,23 h 59 min,1 d,1 d 59 min,9 d 23 h,10 d 23 h,1234 d,NULL}'::interval[]) AS i;
SELECT i, devapp_internal.html_latency(i) AS latency
  FROM unnest('{0.000001 s,0.000850 s,0.0009994 s,0.0009995 s,0.035 s,0.18456 s,0.9994 s,0.9995 s,1.234 s,12.34 s,1 h,NULL}'::interval[]) AS i;

-- axes: steps of 1, 2, 5; the highest value is below the last one
SELECT n, devapp_internal.axis_ticks(n) AS ticks FROM unnest('{0,1,2,3,4,6,7,15,16,99,100,101,1000,12345,1500000,9223372036854775807}'::numeric[]) AS n;
SELECT count(*) AS axes, bool_and(t[1] = 0 AND t[cardinality(t)] >= n) AS cover, min(cardinality(t)) AS fewest, max(cardinality(t)) AS most,
       bool_and((t[2] / 10 ^ floor(log(t[2]))) IN (1, 2, 5)) AS nice, bool_and(n = 0 OR t[cardinality(t) - 1] < n) AS tight
  FROM (SELECT n, devapp_internal.axis_ticks(n) AS t FROM generate_series(0, 100000, 997) AS n) AS axis;
SELECT h, (SELECT string_agg(devapp_internal.axis_label(t, ticks[cardinality(ticks)]), ' | ' ORDER BY t) FROM unnest(ticks) AS t) AS labels
  FROM unnest('{3,9999,15000,150000,1500000,1500000000,2000000000000}'::numeric[]) AS h, devapp_internal.axis_ticks(h) AS ticks;

-- days with a label: six at most, each inside, whatever the length
SELECT n AS days, devapp_internal.day_ticks(date '2026-03-01' - n + 1, '2026-03-01') AS ticks FROM unnest('{1,6,7,13,18,19,30,60,90,150,366}'::integer[]) AS n;
SELECT count(*) AS periods, min(cardinality(t)) >= 1 AS some, max(cardinality(t)) AS most, bool_and(first_day <= ALL (t) AND last_day >= ALL (t)) AS inside
  FROM (SELECT l AS last_day, l - n + 1 AS first_day, devapp_internal.day_ticks(l - n + 1, l) AS t
          FROM generate_series(1, 366, 5) AS n, unnest('{2024-02-29,2026-03-01}'::date[]) AS l) AS x;

-- On a phone of 360 pixels no label leaves its card or meets the one before it, whatever
-- days there are.  A card has 16 pixels beside it, and 17 of border and padding inside.
-- DejaVu Sans, which is wide, takes 0.64 of 12 pixels for a digit and 0.37 for a hyphen.
CREATE TEMPORARY TABLE period AS
SELECT d - n + 1 AS first_day, d AS last_day FROM generate_series(1, 366) AS n, unnest('{2028-02-29,2027-12-31,2027-01-01,2027-06-06}'::date[]) AS d
UNION
SELECT d - n + 1, d FROM (SELECT date '2027-03-01' + i AS d FROM generate_series(0, 366) AS i) AS x, unnest('{18,19,42,84,85,110,220,366}'::integer[]) AS n;
WITH plot AS (
    SELECT room[1]::numeric AS at_right, room[2]::numeric AS at_left, 360 - 2 * (16 + 17) - room[1]::numeric - room[2]::numeric AS wide
      FROM regexp_match(devapp_internal.dashboard_charts(), '\.plot { padding: \d+px (\d+)px \d+px (\d+)px') AS room
), label AS (
    SELECT p.*, plot.*, x[1]::numeric / 100 * wide AS middle, 12 * (0.64 * (length(x[2]) - regexp_count(x[2], '-')) + 0.37 * regexp_count(x[2], '-')) / 2 AS half
      FROM plot, period p, regexp_matches(devapp_internal.chart_days(p.first_day, p.last_day), '<text x="([^"]*)%"[^>]*>([^<]*)</text>', 'g') AS x
), neighbour AS (
    SELECT *, lag(middle + half) OVER (PARTITION BY first_day, last_day ORDER BY middle) AS before FROM label
)
SELECT (SELECT count(*) FROM period) = count(DISTINCT (first_day, last_day)) AS each_has_some,
       count(*) FILTER (WHERE middle - half < - at_left OR middle + half > wide + at_right + 17) AS outside,
       count(*) FILTER (WHERE middle - half < before + 1) AS meet
  FROM neighbour;

-- a chart: as many places as days, zero is no bar, and little is a line
SELECT devapp_internal.html_chart('Calls', 'allowed', '2026-02-27', '{0,1,1000}', true);
SELECT regexp_count(c, '<g ') AS places, regexp_count(c, 'class="allowed"') AS bars_and_key, regexp_count(c, '&lt;Calls&gt;') AS escaped
  FROM devapp_internal.html_chart('<Calls>', 'allowed', '2025-03-01', array_fill(7::numeric, ARRAY[366]), true) AS c;

-- rows
SELECT devapp_internal.html_name('a<b', 'c&d', NULL, '', 'e"f') AS name, devapp_internal.html_name('') AS no_name;
SELECT devapp_internal.html_table('Two & two', '{App,#Calls}', devapp_internal.html_row('x', '1') || devapp_internal.html_row('y', '2'));
SELECT devapp_internal.html_more(12345, 10) AS more, devapp_internal.html_more(10, 10) AS no_more;
SELECT devapp_internal.html_bar(1, 3) AS bar, devapp_internal.html_bar(4, 3, 'refused') AS full_bar, devapp_internal.html_bar(0, 0) AS no_bar;
SELECT devapp_internal.code_words('RATE_LIMITED');

-- the style loads nothing, and would not end early
SELECT s ~* 'url|http|@import|expression|[<&]' AS loads FROM devapp_internal.dashboard_style() AS s;

-- bad input
SELECT devapp_report.dashboard(NULL);
SELECT devapp_report.dashboard(0);
SELECT devapp_report.dashboard(-1);
SELECT devapp_report.dashboard(367);
SELECT n, starts_with(p, E'<!DOCTYPE html>\n<html lang="en">\n') AS starts, right(p, 8) = E'</html>\n' AS ends
  FROM unnest('{1,2,30,366}'::integer[]) AS n, LATERAL devapp_report.dashboard(n) AS p;

-- the program's name is its title; without one it has another
SET devapp.program_name = 'Bank & <Sons>';
SELECT substring(p FROM '<title>[^<]*</title>') AS title, substring(p FROM '<h1>[^\n]*</h1>') AS heading FROM devapp_report.dashboard(1) AS p;
SET devapp.program_name = '  ';
SELECT substring(p FROM '<title>[^<]*</title>') AS title FROM devapp_report.dashboard(1) AS p;
RESET devapp.program_name;

-- latency: what is short is told in microseconds
BEGIN;
DELETE FROM devapp.usage_latency;
SELECT FROM devapp_internal.usage_partition('usage_latency', now());
INSERT INTO devapp.usage_latency VALUES (devapp_internal.utc_today(), NULL, NULL, 1, 0, 0, '1.5 ms', '1.5 ms', '1.5 ms', '[42:42]={1}');
SELECT substring(c FROM 'Of recorded[^<]*') AS note, substring(c FROM 'so far\): ([\d,]+)<') AS today FROM devapp_internal.dashboard_latency(devapp_internal.utc_today() - 100, devapp_internal.utc_today(), NULL) AS c;
UPDATE devapp.usage_latency SET latency_max = '25 ms', latency_min = '25 ms', histogram = '[58:58]={1}';
SELECT substring(c FROM 'Of recorded[^<]*') AS note FROM devapp_internal.dashboard_latency(devapp_internal.utc_today() - 100, devapp_internal.utc_today(), NULL) AS c;
ROLLBACK;

-- nothing of it is for everybody
SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'devapp_report'::regnamespace AND has_function_privilege('public', p.oid, 'EXECUTE');

-- a quota whose window never ends is used up; one app of three is deleted since
SET client_min_messages = warning;
BEGIN;
SELECT FROM devapp_internal.lock_usage();
DELETE FROM devapp.usage_day;
SELECT FROM devapp.create_developer('dashboard@example.com');
SELECT FROM devapp.create_product('dashboard-ever', quota_limit => 10, quota_interval => 2147483647, quota_unit => 'month');
SELECT count(devapp.create_app('dashboard-' || n, 'dashboard@example.com', products => '{dashboard-ever}')) FROM generate_series(1, 3) AS n;
INSERT INTO devapp.quota_usage (app_id, product_id, window_start, window_end, used)
SELECT a.app_id, p.product_id, w.window_start, w.window_end, 10
  FROM devapp.app a, devapp.product p, LATERAL devapp_internal.quota_window(now(), p.quota_interval, p.quota_unit, p.time_zone) AS w
 WHERE a.name = 'dashboard-1' AND p.name = 'dashboard-ever';
SELECT substring(card FROM 'title="dashboard-1".*') LIKE '%>never</td></tr>%' AS never FROM devapp_internal.dashboard_quotas(NULL);
SELECT FROM devapp_internal.usage_partition('usage_day', now());
INSERT INTO devapp.usage_day SELECT devapp_internal.utc_today(), app_id, NULL, NULL, 'VALID', 5, 5 FROM devapp.app WHERE name LIKE 'dashboard-%';
SELECT count(devapp.delete_app(app_id)) FROM devapp.app WHERE name = 'dashboard-3';
SELECT FROM devapp.refresh_reports(false);
SELECT app, total FROM devapp_internal.busiest_apps(devapp_internal.utc_today() - 29, devapp_internal.utc_today(), NULL) ORDER BY app;
SELECT app, total FROM devapp_internal.busiest_apps(devapp_internal.utc_today() - 28, devapp_internal.utc_today(), NULL) ORDER BY app;
ROLLBACK;
