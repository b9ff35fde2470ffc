-- What developers see of their own usage, added up by hand: two developers whose apps share a
-- name and a product, and a team that the first of them is in.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
BEGIN;
SELECT FROM devapp.setup_roles();
SELECT FROM devapp_internal.lock_usage();
DELETE FROM devapp.usage_day;
DELETE FROM devapp.usage_latency;
SELECT FROM devapp.create_developer('usage@example.com');
SELECT FROM devapp.create_developer('usage-other@example.com');
SELECT FROM devapp.create_team('usage-team');
SELECT FROM devapp.add_team_member('usage-team', 'usage@example.com');
SELECT product_id AS product FROM devapp.create_product('usage') \gset
SELECT app_id AS mine FROM devapp.create_app('usage-app', 'usage@example.com', products => '{usage}') \gset
SELECT app_id AS other FROM devapp.create_app('usage-app', 'usage-other@example.com', products => '{usage}') \gset
SELECT app_id AS team FROM devapp.create_app('usage-app', team => 'usage-team', products => '{usage}') \gset
SELECT app_id AS team2 FROM devapp.create_app('usage-app-2', team => 'usage-team', products => '{usage}') \gset
SELECT app_id AS gone FROM devapp.create_app('usage-gone', 'usage@example.com', products => '{usage}') \gset

SELECT count(devapp_internal.usage_partition(t, (devapp_internal.utc_today() - d)::timestamp AT TIME ZONE 'UTC'))
  FROM unnest('{usage_day,usage_latency}'::text[]) AS t, generate_series(0, 2) AS d;
INSERT INTO devapp.usage_day
SELECT devapp_internal.utc_today() - u.d, u.app, u.product, u.environment, u.code::devapp.verdict_code, u.calls, u.cost
  FROM (VALUES (0, :'mine'::uuid, :'product'::uuid, 'prod', 'VALID', 10, 30),      -- two environments are one row
               (0, :'mine', :'product', 'test', 'VALID', 5, 5),
               (0, :'mine', :'product', 'test', 'QUOTA_EXCEEDED', 3, 0),
               (0, :'mine', :'product', 'test', 'RATE_LIMITED', 2, 0),
               (0, :'mine', :'product', 'prod', 'METHOD_FORBIDDEN', 1, 0),
               (1, :'mine', NULL, NULL, 'NO_PRODUCT', 4, 0),                       -- refused, and no product
               (0, :'other', :'product', 'prod', 'VALID', 1000, 1000),
               (0, :'team', :'product', 'prod', 'VALID', 20, 20),
               (0, :'team2', :'product', 'prod', 'VALID', 1, 1),
               (0, :'gone', :'product', 'prod', 'VALID', 7, 7)) AS u(d, app, product, environment, code, calls, cost);
-- 100 ms each is in bucket 66, as 2^(66/4) us = 92.7 ms; 200 ms is in bucket 70
INSERT INTO devapp.usage_latency
SELECT devapp_internal.utc_today() - l.d, l.app, l.product, l.calls, l.client, l.server, l.total, l.lowest, l.highest, l.histogram::bigint[]
  FROM (VALUES (0, :'mine'::uuid, :'product'::uuid, 4, 1, 2, interval '500 ms', interval '100 ms', interval '200 ms', '[66:70]={3,0,0,0,1}'),
               (2, :'mine', NULL, 2, 0, 0, '200 ms', '100 ms', '100 ms', '[66:66]={2}'),  -- responses, and no calls
               (0, :'other', :'product', 9, 9, 0, '9 s', '1 s', '1 s', '[79:79]={9}'),
               (0, :'team', :'product', 1, 0, 0, '100 ms', '100 ms', '100 ms', '[66:66]={1}'),
               (0, :'team2', :'product', 3, 1, 0, '600 ms', '200 ms', '200 ms', '[70:70]={3}'),
               (0, :'gone', :'product', 1, 1, 0, '1 s', '1 s', '1 s', '[79:79]={1}')) AS l(d, app, product, calls, client, server, total, lowest, highest, histogram);
SELECT FROM devapp.delete_app(:'gone');
RESET client_min_messages;

SET LOCAL ROLE devapp_developer;
SET LOCAL request.jwt.claims = '{"email": "usage@example.com", "email_verified": true}';
SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD')::date - day AS days_ago, app, app_id = :'mine' AS mine, product,
       calls, errors, refused, over_quota, cost, responses, client_errors, server_errors, min_ms, avg_ms, max_ms, p50_ms, p95_ms, p99_ms
  FROM devapp.my_usage ORDER BY days_ago, mine DESC, app, product;
-- the median of 100, 100, 100 and 200 ms, and the mean of them
SELECT abs(p50_ms / 100 - 1) < 0.091 AS median, avg_ms = 125 AS mean FROM devapp.my_usage WHERE app_id = :'mine' AND calls > 0;
SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD')::date - day AS days_ago, team, product, apps, calls, errors, refused, cost, responses, min_ms, avg_ms, max_ms
  FROM devapp.my_team_usage;
SET LOCAL request.jwt.claims = '{"email": "usage-other@example.com", "email_verified": true}';
SELECT app, app_id = :'other' AS his, product, calls, errors, refused, responses, min_ms, avg_ms, max_ms FROM devapp.my_usage;
SELECT count(*) AS teams FROM devapp.my_team_usage;
-- nobody sees nothing
RESET request.jwt.claims;
SELECT count(*) AS usage, (SELECT count(*) FROM devapp.my_team_usage) AS team_usage FROM devapp.my_usage;
-- an administrator sees all of them
SET LOCAL ROLE devapp_admin;
SELECT app, sum(calls) AS calls FROM devapp.my_usage WHERE app ~ '^usage-' GROUP BY app_id, app ORDER BY calls;
SELECT team, calls FROM devapp.my_team_usage WHERE team = 'usage-team';
RESET ROLE;
SET LOCAL ROLE devapp_analyst;
SAVEPOINT s;
SELECT FROM devapp.my_usage;
ROLLBACK TO s;
SELECT FROM devapp.my_team_usage;
ROLLBACK;
-- there is one view of it
SELECT to_regclass('devapp.my_latency');
