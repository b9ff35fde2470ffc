-- The portal over HTTP: usage, quotas and notifications, of the developer's own apps and teams.
\set SHOW_CONTEXT never
\pset null <null>
\pset format unaligned
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT FROM devapp.setup_roles();
SELECT FROM devapp.create_developer('portal-uma@example.com', 'Uma');
SELECT FROM devapp.create_developer('portal-vic@example.com', 'Vic');
SELECT FROM devapp.create_team('portal-usage-team');
SELECT FROM devapp.add_team_member('portal-usage-team', 'portal-uma@example.com');
SELECT product_id AS product FROM devapp.create_product('portal-metered', quota_limit => 10, quota_interval => 1, quota_unit => 'day', quota_enforcement => 'hard', rate_limit => 50, rate_burst => 60) \gset
SELECT product_id AS flat FROM devapp.create_product('portal-flat', quota_limit => 5, quota_interval => 1, quota_unit => 'never') \gset
SELECT secret AS uma FROM devapp.create_app('door', 'portal-uma@example.com', products => '{devapp-portal}') \gset
SELECT secret AS vic FROM devapp.create_app('door', 'portal-vic@example.com', products => '{devapp-portal}') \gset
SELECT FROM devapp.approve_app('portal-uma@example.com/door');
SELECT FROM devapp.approve_app('portal-vic@example.com/door');
SELECT app_id AS mine, credential_id AS credential FROM devapp.create_app('shop', 'portal-uma@example.com', products => '{portal-metered,portal-flat}') \gset
SELECT app_id AS team FROM devapp.create_app('crew', team => 'portal-usage-team', products => '{portal-metered}') \gset
SELECT app_id AS other, credential_id AS other_credential FROM devapp.create_app('shop', 'portal-vic@example.com', products => '{portal-metered}') \gset

CREATE FUNCTION pg_temp.get(key text, target text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT convert_from(r.body, 'UTF8')::jsonb FROM devapp_api.handle('GET', '/portal/v1' || split_part(target, '?', 1), split_part(target, '?', 2), jsonb_build_object('Authorization', 'Bearer ' || key)) AS r
$$;

-- ---------- usage ----------

SELECT count(devapp_internal.usage_partition(t, (d || ' 12:00+00')::timestamptz)) FROM unnest('{usage_day,usage_latency}'::text[]) AS t, unnest('{2026-03-01,2026-03-02,2026-03-31}'::text[]) AS d;
INSERT INTO devapp.usage_day
SELECT u.day::date, u.app, u.product, u.environment, u.code::devapp.verdict_code, u.calls, u.cost
  FROM (VALUES ('2026-03-01', :'mine'::uuid, :'product'::uuid, 'prod', 'VALID', 10, 30), ('2026-03-01', :'mine', :'product', 'test', 'VALID', 5, 5),
               ('2026-03-01', :'mine', :'product', 'test', 'QUOTA_EXCEEDED', 3, 0), ('2026-03-01', :'mine', NULL, NULL, 'NO_PRODUCT', 4, 0),
               ('2026-03-01', :'other', :'product', 'prod', 'VALID', 1000, 1000), ('2026-03-02', :'team', :'product', 'prod', 'VALID', 20, 20),
               ('2026-03-02', :'mine', :'flat', 'prod', 'VALID', 2, 2), ('2026-03-31', :'mine', :'product', 'prod', 'VALID', 7, 7)) AS u(day, app, product, environment, code, calls, cost);
INSERT INTO devapp.usage_latency VALUES ('2026-03-01', :'mine', :'product', 4, 1, 2, '500 ms', '100 ms', '200 ms', '[66:70]={3,0,0,0,1}');
-- a row a day, app and product; the oldest first
SELECT i ->> 'day' AS day, i ->> 'app' AS app, i ->> 'product' AS product, i -> 'calls' AS calls, i -> 'refused' AS refused, i -> 'over_quota' AS over_quota, i -> 'cost' AS cost,
       i -> 'responses' AS responses, i -> 'errors' AS errors, i -> 'avg_ms' AS avg_ms, i -> 'max_ms' AS max_ms
  FROM jsonb_array_elements(pg_temp.get(:'uma', '/usage?from=2026-03-01&to=2026-03-31') -> 'items') AS i;
SELECT i ->> 'day' AS day, i ->> 'app' AS app, i -> 'calls' AS calls FROM jsonb_array_elements(pg_temp.get(:'vic', '/usage?from=2026-03-01&to=2026-03-31') -> 'items') AS i;
-- one row a page, a row without a product too: none is lost, none is there twice
WITH RECURSIVE pages AS (
    SELECT 1 AS n, pg_temp.get(:'uma', '/usage?from=2026-03-01&to=2026-03-31&limit=1') AS page
     UNION ALL
    SELECT n + 1, pg_temp.get(:'uma', '/usage?from=2026-03-01&to=2026-03-31&limit=1&after=' || (page ->> 'next')) FROM pages WHERE page ->> 'next' IS NOT NULL AND n < 20
)
SELECT count(*) AS pages, jsonb_agg(page #> '{items,0}' ORDER BY n) = pg_temp.get(:'uma', '/usage?from=2026-03-01&to=2026-03-31') -> 'items' AS same_rows FROM pages;
-- by app, by its name or id, a team's too; by days
SELECT jsonb_array_length(pg_temp.get(:'uma', '/usage?from=2026-03-01&to=2026-03-31&app=shop') -> 'items') AS shop,
       jsonb_array_length(pg_temp.get(:'uma', '/usage?from=2026-03-01&to=2026-03-31&app=' || :'team') -> 'items') AS team,
       jsonb_array_length(pg_temp.get(:'uma', '/usage?from=2026-03-02&to=2026-03-30') -> 'items') AS some_days,
       jsonb_array_length(pg_temp.get(:'uma', '/usage?to=2026-03-30') -> 'items') AS thirty_days,
       jsonb_array_length(pg_temp.get(:'uma', '/usage?from=2026-03-31&to=2026-03-01') -> 'items') AS backwards;

-- ---------- quotas ----------

INSERT INTO devapp.quota_usage (app_id, product_id, environment, window_start, window_end, used)
SELECT :'mine', :'product', 'prod', w.window_start, w.window_end, 4 FROM devapp_internal.quota_window(now(), 1, 'day', 'UTC') AS w;
SELECT i ->> 'product' AS product, i ->> 'environment' AS environment, i -> 'quota_limit' AS quota_limit, i -> 'used' AS used, i -> 'remaining' AS remaining, i ->> 'enforcement' AS enforcement,
       i -> 'rate_limit' AS rate, i -> 'rate_burst' AS burst, (i ->> 'resets_at')::timestamptz = date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + interval '24 hours' AS resets_tomorrow, i -> 'resets_at' = 'null' AS never
  FROM jsonb_array_elements(pg_temp.get(:'uma', '/apps/shop/quota') -> 'items') AS i ORDER BY 1, 2;
SELECT q - '{window_start,resets_at}'::text[] AS team_app FROM jsonb_array_elements(pg_temp.get(:'uma', '/apps/' || :'team' || '/quota') -> 'items') AS q;

-- ---------- notifications ----------

SELECT FROM devapp.revoke_credential(:'credential', 'abuse');
SELECT FROM devapp.approve_credential(:'credential');
SELECT FROM devapp.revoke_credential(:'other_credential', 'for Vic alone');
-- newest first, and what is for others is not there
SELECT i ->> 'event' AS event, i #>> '{payload,app}' AS app, i #>> '{payload,note}' AS note, i ->> 'app_id' = :'mine' AS of_mine, i ->> 'credential_id' = :'credential' AS of_it
  FROM jsonb_array_elements(pg_temp.get(:'uma', '/notifications') -> 'items') AS i;
SELECT i ->> 'event' AS event, i #>> '{payload,note}' AS note FROM jsonb_array_elements(pg_temp.get(:'vic', '/notifications?limit=1') -> 'items') AS i;
WITH RECURSIVE pages AS (
    SELECT 1 AS n, pg_temp.get(:'uma', '/notifications?limit=2') AS page
     UNION ALL
    SELECT n + 1, pg_temp.get(:'uma', '/notifications?limit=2&after=' || (page ->> 'next')) FROM pages WHERE page ->> 'next' IS NOT NULL AND n < 20
)
SELECT n, jsonb_path_query_array(page, '$.items[*].event') AS events FROM pages;
-- whom else it was for, and how it went, is not told
SELECT DISTINCT k AS member FROM jsonb_array_elements(pg_temp.get(:'uma', '/notifications') -> 'items') AS i, jsonb_object_keys(i) AS k ORDER BY k;
ROLLBACK;
