-- Reports of calls: what was counted, added up by hand.  All in one transaction, so
-- that today does not end in it; and nobody else writes usage meanwhile.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
BEGIN;
SELECT FROM devapp_internal.lock_usage();
DELETE FROM devapp.usage_day;
DELETE FROM devapp.usage_latency;
SELECT FROM devapp.create_developer('reports@example.com');
SELECT FROM devapp.create_team('reports-team');
SELECT FROM devapp.create_product('reports-a');
SELECT FROM devapp.create_product('reports-b');
SELECT app_id AS busy FROM devapp.create_app('reports-busy', 'reports@example.com') \gset
SELECT app_id AS quiet FROM devapp.create_app('reports-quiet', team => 'reports-team') \gset
SELECT app_id AS gone FROM devapp.create_app('reports-gone', 'reports@example.com') \gset
SELECT FROM devapp.delete_app(:'gone');
SELECT FROM devapp.create_app('reports-never', 'reports@example.com');

CREATE FUNCTION pg_temp.used(days_ago integer, app uuid, product text, environment text, code text, calls bigint, cost bigint DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM devapp_internal.usage_partition('usage_day', (devapp_internal.utc_today() - days_ago)::timestamp AT TIME ZONE 'UTC');
    INSERT INTO devapp.usage_day VALUES (devapp_internal.utc_today() - days_ago, app, (SELECT p.product_id FROM devapp.product p WHERE p.name = product),
                                         environment, code::devapp.verdict_code, calls, coalesce(cost, CASE code WHEN 'VALID' THEN calls ELSE 0 END));
END $$;
SELECT count(pg_temp.used(u.d, u.app, u.product, u.environment, u.code, u.calls, u.cost)) FROM (VALUES
    (0, :'busy'::uuid, 'reports-a', 'prod', 'VALID', 100, 150),
    (0, :'busy', 'reports-a', 'prod', 'QUOTA_EXCEEDED', 10, NULL),
    (0, :'busy', 'reports-a', 'prod', 'METHOD_FORBIDDEN', 1, NULL),
    (0, :'busy', 'reports-a', 'test', 'VALID', 5, NULL),
    (0, :'busy', 'reports-b', 'prod', 'VALID', 7, NULL),
    (29, :'busy', 'reports-a', 'prod', 'VALID', 40, NULL),       -- the first of the last 30 days
    (30, :'busy', 'reports-a', 'prod', 'VALID', 60, NULL),       -- the last of the 30 before
    (59, :'busy', 'reports-a', 'prod', 'VALID', 20, NULL),       -- the first of them
    (60, :'busy', 'reports-a', 'prod', 'VALID', 1000, NULL),     -- too long ago
    (1, :'quiet', 'reports-a', NULL, 'VALID', 18, NULL),
    (1, :'gone', 'reports-b', 'prod', 'VALID', 30, NULL),
    (0, :'gone', 'reports-b', 'prod', 'APP_DELETED', 2, NULL),
    (1, NULL, NULL, 'prod', 'NOT_FOUND', 33, NULL)) AS u(d, app, product, environment, code, calls, cost);
SELECT count(devapp_internal.usage_partition('usage_latency', (devapp_internal.utc_today() - d)::timestamp AT TIME ZONE 'UTC')) FROM unnest(ARRAY[0, 29, 30]) AS d;
INSERT INTO devapp.usage_latency
SELECT devapp_internal.utc_today() - l.d, l.app, p.product_id, 2, l.client, l.server, l.each * 2, l.each, l.each, '[66:67]={1,1}'
  FROM (VALUES (0, :'busy'::uuid, 1, 0, interval '100 ms'), (29, :'quiet', 1, 1, '110 ms'), (30, :'busy', 2, 0, '120 ms'),
               (0, NULL, 0, 2, '1.5 ms')) AS l(d, app, client, server, each)
  LEFT JOIN devapp.product p ON p.name = 'reports-a' AND l.app IS NOT NULL;

SELECT devapp_internal.utc_today() - day AS days_ago, app, owner, product, environment, calls, refused, cost
  FROM devapp_report.usage_daily ORDER BY days_ago, app, product, environment;
SELECT devapp_internal.utc_today() - day AS days_ago, app, owner, product, environment, code, http_status, calls FROM devapp_report.denials ORDER BY days_ago, app, code;
SELECT devapp_internal.utc_today() - day AS days_ago, app, owner, product, responses, client_errors, server_errors, min_ms, avg_ms, p50_ms, p95_ms, p99_ms, max_ms
  FROM devapp_report.latency_daily ORDER BY days_ago, app;

SELECT report, duration_ms > 0 AS took_time FROM devapp.refresh_reports();
SELECT devapp_internal.utc_today() - day AS days_ago, product, environment, calls, refused, cost FROM devapp_report.usage_totals ORDER BY days_ago, product, environment;
-- 170 calls were of apps that are there, 30 of one that is not any more
SELECT rank, app, owner, owner_kind, calls_30d, round(share_of_calls::numeric, 4) AS share, round(calls_per_day::numeric, 4) AS per_day,
       devapp_internal.utc_today() - peak_day AS peak_days_ago, peak_calls, calls_previous_30d, change
  FROM devapp_report.high_usage_apps ORDER BY rank;
SELECT app, calls_30d, refused_30d, calls_previous_30d FROM devapp_report.app_inventory WHERE app LIKE 'reports-%' ORDER BY app;
SELECT team, members, apps, calls_30d, refused_30d, last_used_at FROM devapp_report.team_usage WHERE team = 'reports-team';
SELECT product, active_apps_30d, calls_30d, refused_30d, responses_30d, client_errors_30d, server_errors_30d
  FROM devapp_report.product_adoption WHERE product LIKE 'reports-%' ORDER BY product;
-- again, beside readers: what has changed is changed, also where a key is null
SELECT FROM pg_temp.used(0, :'quiet', 'reports-b', 'prod', 'VALID', 200);
SELECT FROM pg_temp.used(0, NULL, NULL, NULL, 'MALFORMED', 4);
SELECT report, duration_ms > 0 AS took_time FROM devapp.refresh_reports(concurrently => true);
SELECT devapp_internal.utc_today() - day AS days_ago, product, environment, calls, refused, cost FROM devapp_report.usage_totals WHERE day = devapp_internal.utc_today() ORDER BY product, environment;
SELECT rank, app, calls_30d FROM devapp_report.high_usage_apps ORDER BY rank;
-- one pass adds up what two queries would, whatever is null in the keys
SELECT count(DISTINCT devapp_internal.usage_partition('usage_day', (devapp_internal.utc_today() - d)::timestamp AT TIME ZONE 'UTC')) > 1 FROM generate_series(0, 70) AS d;
INSERT INTO devapp.usage_day
SELECT devapp_internal.utc_today() - i % 71, a.id, p.id, e.name, c.code, i, i % 7, now() - i * 7919 % 20011 * interval '1 second'
  FROM generate_series(1, 20000) AS i
  JOIN (VALUES (0, :'busy'::uuid), (1, :'quiet'), (2, :'gone'), (3, NULL)) AS a(n, id) ON a.n = i / 71 % 4
  JOIN (SELECT row_number() OVER (ORDER BY name) AS n, product_id AS id FROM devapp.product WHERE name LIKE 'reports-_' UNION ALL SELECT 0, NULL) AS p ON p.n = i / 284 % 3
  JOIN (VALUES (0, 'prod'), (1, 'test'), (2, NULL), (3, '')) AS e(n, name) ON e.n = i / 852 % 4
  JOIN (VALUES (0, 'VALID'::devapp.verdict_code), (1, 'EXPIRED'), (2, 'QUOTA_EXCEEDED')) AS c(n, code) ON c.n = i / 3408 % 3
    ON CONFLICT DO NOTHING;
CREATE TEMP TABLE one_pass AS SELECT * FROM devapp_internal.sum_usage(devapp_internal.utc_today() - 59, 'infinity', devapp_internal.utc_today() - 29, 'VALID');
CREATE TEMP VIEW by_app AS
SELECT u.app_id, u.product_id, coalesce(sum(u.calls) FILTER (WHERE u.code = 'VALID' AND u.day > devapp_internal.utc_today() - 30), 0) AS allowed,
       coalesce(sum(u.calls) FILTER (WHERE u.code <> 'VALID' AND u.day > devapp_internal.utc_today() - 30), 0) AS refused,
       coalesce(sum(u.calls) FILTER (WHERE u.code = 'VALID' AND u.day <= devapp_internal.utc_today() - 30), 0) AS allowed_before
  FROM devapp.usage_day u WHERE u.day > devapp_internal.utc_today() - 60 GROUP BY u.app_id, u.product_id;
CREATE TEMP VIEW by_day AS
SELECT u.day, u.product_id, u.environment, u.code, sum(u.calls) AS calls, sum(u.cost) AS cost, max(u.updated_at) AS updated_at
  FROM devapp.usage_day u WHERE u.day > devapp_internal.utc_today() - 60 GROUP BY u.day, u.product_id, u.environment, u.code;
SELECT count(*) FROM by_app;
SELECT count(*) FROM by_day;
TABLE by_app EXCEPT ALL SELECT app_id, product_id, calls_30d, refused_30d, calls_previous_30d FROM one_pass WHERE NOT is_day;
SELECT app_id, product_id, calls_30d, refused_30d, calls_previous_30d FROM one_pass WHERE NOT is_day EXCEPT ALL TABLE by_app;
TABLE by_day EXCEPT ALL SELECT day, product_id, environment, code, calls, cost, updated_at FROM one_pass WHERE is_day;
SELECT day, product_id, environment, code, calls, cost, updated_at FROM one_pass WHERE is_day EXCEPT ALL TABLE by_day;
-- and so say the reports
SELECT FROM devapp.refresh_reports();
SELECT count(*) > 100 AS many, bool_and(t.updated_at = (SELECT max(u.updated_at) FROM devapp.usage_day u WHERE u.day = t.day AND u.product_id IS NOT DISTINCT FROM t.product_id AND u.environment IS NOT DISTINCT FROM t.environment)) AS same
  FROM devapp_report.usage_totals t;
SELECT count(*) > 100 AS many, bool_and(t.updated_at = (SELECT max(u.updated_at) FROM devapp.usage_day u WHERE u.day = t.day AND u.code::text = t.code)) AS same FROM devapp_report.verdict_totals t;
-- no usage at all
DELETE FROM devapp.usage_day;
SELECT report FROM devapp.refresh_reports(concurrently => false);
SELECT (SELECT count(*) FROM devapp_report.high_usage_apps) AS busy, (SELECT count(*) FROM devapp_report.usage_totals) AS totals,
       (SELECT sum(calls_30d) FROM devapp_report.app_inventory) AS calls;
ROLLBACK;
