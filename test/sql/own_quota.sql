-- What is left of one's quotas: two developers whose apps share a name and a product.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
BEGIN;
SELECT FROM devapp.setup_roles();
SELECT FROM devapp.create_developer('own-quota@example.com');
SELECT FROM devapp.create_developer('own-quota-other@example.com');
SELECT FROM devapp.create_product('own-quota', quota_limit => 10, quota_interval => 1, quota_unit => 'month', rate_limit => 5, rate_burst => 7);
SELECT FROM devapp.add_operation('own-quota', '/orders', methods => '{POST}', quota_limit => 3, quota_interval => 1, quota_unit => 'never');
SELECT FROM devapp.create_product('own-quota-rate', rate_limit => 1, rate_burst => 2);
SELECT FROM devapp.create_product('own-quota-free');
SELECT FROM devapp.create_product('own-quota-waits', approval => 'manual', quota_limit => 1, quota_interval => 1, quota_unit => 'day');
SELECT app_id AS mine FROM devapp.create_app('own-quota', 'own-quota@example.com', products => '{own-quota,own-quota-rate,own-quota-free}') \gset
SELECT FROM devapp.create_app('own-quota-2', 'own-quota@example.com', products => '{own-quota-waits}');
SELECT app_id AS other FROM devapp.create_app('own-quota', 'own-quota-other@example.com', products => '{own-quota}') \gset
SELECT app_id AS gone FROM devapp.create_app('own-quota-gone', 'own-quota@example.com', products => '{own-quota}') \gset
SELECT FROM devapp.delete_app(:'gone');
INSERT INTO devapp.quota_usage (app_id, product_id, environment, window_start, window_end, used)
SELECT u.app, p.product_id, u.environment, w.window_start, w.window_end, u.used
  FROM (VALUES (:'mine'::uuid, 'prod', 4), (:'mine', 'test', 12), (:'other', 'prod', 9)) AS u(app, environment, used),
       devapp.product p, LATERAL devapp_internal.quota_window(now(), 1, 'month', 'UTC') AS w
 WHERE p.name = 'own-quota';
RESET client_min_messages;

-- PostgREST reads in a transaction that is READ ONLY
SET LOCAL transaction_read_only = on;
SET LOCAL ROLE devapp_developer;
SET LOCAL request.jwt.claims = '{"email": "own-quota@example.com", "email_verified": true}';
SELECT app, app_id = :'mine' AS mine, product, resource, methods, environment, enforcement, quota_limit, quota_interval, quota_unit, used, remaining,
       CASE WHEN isfinite(resets_at) THEN (resets_at = (date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC')::text
            ELSE resets_at::text END AS resets_next_month, rate_limit, rate_burst
  FROM devapp.my_quota ORDER BY product, resource NULLS FIRST, environment;
SET LOCAL request.jwt.claims = '{"email": "own-quota-other@example.com", "email_verified": true}';
SELECT app, app_id = :'other' AS his, product, resource, environment, quota_limit, used, remaining FROM devapp.my_quota ORDER BY resource NULLS FIRST;
RESET request.jwt.claims;
SELECT count(*) FROM devapp.my_quota;
SET LOCAL ROLE devapp_admin;
SELECT app, product, environment, used FROM devapp.my_quota WHERE app_id = :'other' AND resource IS NULL;
SET LOCAL ROLE devapp_analyst;
SELECT FROM devapp.my_quota;
ROLLBACK;
