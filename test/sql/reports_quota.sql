-- The report of quotas: the window that is open now, whatever was written down.
\set SHOW_CONTEXT never
BEGIN;
SELECT FROM devapp.create_developer('quota-report@example.com');
SELECT FROM devapp.create_product('quota-report', quota_limit => 100, quota_unit => 'month');
SELECT FROM devapp.create_product('quota-report-hard', quota_limit => 10, quota_interval => 2, quota_unit => 'hour', quota_enforcement => 'hard');
SELECT FROM devapp.create_product('quota-report-none');
SELECT operation_id AS operation FROM devapp.add_operation('quota-report', '/reports/*', '{GET,POST}', quota_limit => 4, quota_unit => 'day') \gset
SELECT operation_id AS plain FROM devapp.add_operation('quota-report', '/plain') \gset
SELECT app_id AS app FROM devapp.create_app('quota-report', 'quota-report@example.com') \gset
SELECT app_id AS gone FROM devapp.create_app('quota-report-gone', 'quota-report@example.com') \gset
CREATE FUNCTION pg_temp.used(app uuid, product text, operation uuid, environment text, at timestamptz, used bigint) RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO devapp.quota_usage (app_id, product_id, operation_id, environment, window_start, window_end, used)
    SELECT app, p.product_id, operation, environment, coalesce(w.window_start, at), coalesce(w.window_end, at), used
      FROM devapp.product p LEFT JOIN devapp.product_operation o ON o.operation_id = operation
     CROSS JOIN LATERAL devapp_internal.quota_window(at, coalesce(o.quota_interval, p.quota_interval), coalesce(o.quota_unit, p.quota_unit), p.time_zone) AS w
     WHERE p.name = product RETURNING used $$;
SELECT count(pg_temp.used(:'app', u.product, u.operation, u.environment, u.at, u.used)) FROM (VALUES
    ('quota-report', NULL::uuid, 'prod', now(), 25),
    ('quota-report', NULL, 'test', now() - interval '40 days', 99),     -- the window has ended
    ('quota-report', NULL, '', now(), 130),                             -- the limit was lowered
    ('quota-report', :'operation', 'prod', now(), 3),
    ('quota-report', :'plain', 'prod', now(), 3),                       -- has no quota of its own
    ('quota-report-hard', NULL, 'prod', now(), 10),
    ('quota-report-none', NULL, 'prod', now(), 1)) AS u(product, operation, environment, at, used);
SELECT FROM pg_temp.used(:'gone', 'quota-report', NULL, 'prod', now(), 5);
SELECT FROM devapp.delete_app(:'gone');
SELECT app, product, resource, methods, environment, enforcement, quota_limit AS limit, quota_interval AS every, quota_unit AS unit, used, remaining, share_used
  FROM devapp_report.quota_usage WHERE owner = 'quota-report@example.com' ORDER BY product, resource, environment;
SELECT bool_and(window_start <= now() AND resets_at > now()) AS window_is_open FROM devapp_report.quota_usage WHERE owner = 'quota-report@example.com';
-- another unit: what was counted is of another window
SELECT FROM devapp.update_product('quota-report', quota_unit => 'week');
SELECT environment, quota_unit AS unit, used, remaining FROM devapp_report.quota_usage WHERE owner = 'quota-report@example.com' AND product = 'quota-report' AND resource IS NULL ORDER BY environment;
ROLLBACK;
