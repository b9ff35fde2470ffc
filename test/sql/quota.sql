-- Windows of quotas, and hard quotas, which need no shared memory.  Quotas here have a
-- window of 100 years, so that none ends meanwhile.
SET TimeZone = 'UTC';

-- ---------- windows ----------

CREATE FUNCTION pg_temp.windows(at timestamptz, quota_interval integer DEFAULT 1) RETURNS TABLE (unit text, starts text, ends text)
    LANGUAGE sql AS $$
    SELECT u.unit, to_char(w.window_start, 'Dy YYYY-MM-DD HH24:MI'), to_char(w.window_end, 'Dy YYYY-MM-DD HH24:MI')
      FROM unnest(ARRAY['minute', 'hour', 'day', 'week', 'month']) WITH ORDINALITY AS u(unit, n), devapp_internal.quota_window(at, quota_interval, u.unit, 'UTC') AS w
     ORDER BY u.n
$$;

SELECT * FROM pg_temp.windows('2026-07-31 23:59:59.999999');
SELECT * FROM pg_temp.windows('2026-08-01 00:00');
-- leap days, and a century that has none
SELECT at, w.starts, w.ends FROM unnest('{2024-02-29 12:00,2025-02-28 12:00,2100-02-28 23:59,2000-02-29 00:00}'::timestamptz[]) AS at, pg_temp.windows(at) w WHERE w.unit = 'month';
-- quarters and years, five minutes, two weeks, before 2000 as well
SELECT * FROM pg_temp.windows('2026-06-30 23:59', 3);
SELECT * FROM pg_temp.windows('2027-12-31 23:59', 12);
SELECT * FROM pg_temp.windows('2000-01-01 00:00', 5);
SELECT * FROM pg_temp.windows('1999-12-31 23:59', 5);
SELECT * FROM pg_temp.windows('1900-03-01 00:00', 2);
-- the same in every time zone, also when its clocks are put back
SET TimeZone = 'Europe/Berlin';
SELECT w.* FROM devapp_internal.quota_window('2026-10-25 02:30+02', 1, 'day', 'UTC') w;
SELECT w.* FROM devapp_internal.quota_window('2026-10-25 02:30+02', 1, 'hour', 'UTC') w;
SELECT w.* FROM devapp_internal.quota_window('2026-10-25 02:30+01', 1, 'hour', 'UTC') w;
SET TimeZone = 'UTC';
-- longer than there are times
SELECT u.unit, w.* FROM unnest(ARRAY['minute', 'hour', 'day', 'week', 'month']) AS u(unit), devapp_internal.quota_window('2026-07-31', 2147483647, u.unit, 'UTC') AS w;
SELECT u.unit, w.* FROM unnest(ARRAY['minute', 'hour', 'day', 'week', 'month']) AS u(unit), devapp_internal.quota_window('1999-07-31', 2147483647, u.unit, 'UTC') AS w;
SELECT w.* FROM devapp_internal.quota_window('294276-12-31 23:59', 1, 'month', 'UTC') w;
SELECT w.* FROM devapp_internal.quota_window('4714-11-24 00:00 BC', 1, 'month', 'UTC') w;
-- no such windows
SELECT devapp_internal.quota_window('infinity', 1, 'day', 'UTC');
SELECT devapp_internal.quota_window('2026-07-31', 0, 'day', 'UTC');
SELECT devapp_internal.quota_window('2026-07-31', 1, 'fortnight', 'UTC');

-- ---------- hard quotas ----------

SELECT FROM devapp.create_developer('quota@example.com');
SELECT quota_enforcement FROM devapp.create_product('quota', environments => '{prod,test,many,back}', quota_limit => 5, quota_interval => 1200, quota_unit => 'month', quota_enforcement => 'hard');
SELECT FROM devapp.add_operation('quota', '/a/**', '{GET}');
SELECT FROM devapp.add_operation('quota', '/b/**', '{GET}', quota_limit => 1, quota_interval => 1200, quota_unit => 'month');
SELECT app_id, secret FROM devapp.create_app('quota', 'quota@example.com', products => '{quota}') \gset

SELECT v.allowed, v.code, v.http_status, v.fault, v.product, v.environment, v.quota_limit, v.quota_remaining, v.quota_reset_at, v.retry_after
  FROM devapp.consume_quota(:'secret', '/a/x', 'GET', 'prod', cost => 4) v;
-- what does not fit takes nothing; a cost that never fits can't be waited for
SELECT v.allowed, v.code, v.http_status, v.fault, v.product, v.environment, v.quota_limit, v.quota_remaining, v.quota_reset_at, v.scopes, v.retry_after > '0' AS may_wait
  FROM devapp.consume_quota(:'secret', '/a/x', 'GET', 'prod', cost => 2) v;
SELECT v.code, v.quota_remaining, v.retry_after FROM devapp.consume_quota(:'secret', '/a/x', 'GET', 'prod', cost => 6) v;
SELECT v.code, v.quota_remaining FROM devapp.consume_quota(:'secret', '/a/x', 'GET', 'prod', cost => 0) v;
SELECT v.code, v.quota_remaining FROM devapp.verify_key(:'secret', '/a/x', 'GET', 'prod', cost => 0) v;
SELECT v.code, v.quota_remaining FROM devapp.consume_quota(:'secret', '/a/x', 'GET', 'prod', cost => NULL) v;
SELECT v.code, v.quota_remaining FROM devapp.verify_key(:'secret', '/a/x', 'GET', 'prod') v;
SELECT devapp.allows(:'secret', '/a/x', 'GET', 'prod');
-- an operation's own quota, another environment, none
SELECT v.code, v.quota_limit, v.quota_remaining FROM devapp.consume_quota(:'secret', '/b/x', 'GET', 'prod') v;
SELECT v.code, v.quota_limit, v.quota_remaining FROM devapp.consume_quota(:'secret', '/b/x', 'GET', 'prod') v;
SELECT v.code, v.quota_limit, v.quota_remaining FROM devapp.consume_quota(:'secret', '/a/x', 'GET', 'test') v;
SELECT v.code, v.quota_limit, v.quota_remaining FROM devapp.consume_quota(:'secret', '/a/x', 'GET') v;
-- refused anyway: it takes nothing and shows nothing
SELECT v.code, v.quota_limit FROM devapp.consume_quota(:'secret', '/a/x', 'PUT', 'prod') v;
SELECT v.code, v.quota_limit FROM devapp.consume_quota('') v;

SELECT o.resource, u.environment, u.window_start, u.window_end, u.used, u.resets
  FROM devapp.quota_usage u LEFT JOIN devapp.product_operation o USING (operation_id)
 WHERE u.app_id = :'app_id' ORDER BY o.resource COLLATE "C" NULLS FIRST, u.environment;
SELECT * FROM devapp.quota_status(:'app_id');

-- many at once: in one statement each sees the ones before
SELECT string_agg(concat((v.verdict).code, ' ', (v.verdict).quota_remaining), ', ' ORDER BY v.n) AS verdicts
  FROM (SELECT n, devapp.consume_quota(:'secret', '/a/x', 'GET', 'many') AS verdict FROM generate_series(1, 7) AS n OFFSET 0) AS v;

-- rolled back with the transaction, or a part of it
BEGIN;
SELECT v.code, v.quota_remaining FROM devapp.consume_quota(:'secret', '/a/x', 'GET', 'back', cost => 2) v;
SAVEPOINT s;
SELECT v.code, v.quota_remaining FROM devapp.consume_quota(:'secret', '/a/x', 'GET', 'back', cost => 3) v;
ROLLBACK TO s;
SELECT v.code, v.quota_remaining FROM devapp.verify_key(:'secret', '/a/x', 'GET', 'back', cost => 0) v;
ROLLBACK;
SELECT v.code, v.quota_remaining FROM devapp.verify_key(:'secret', '/a/x', 'GET', 'back', cost => 0) v;

-- no writing in a READ ONLY transaction, whatever is left
BEGIN READ ONLY;
SELECT v.code, v.quota_remaining FROM devapp.verify_key(:'secret', '/a/x', 'GET', 'prod', cost => 0) v;
SELECT v.code, v.quota_remaining FROM devapp.consume_quota(:'secret', '/a/x', 'GET', 'prod', cost => 0) v;
SELECT v.code FROM devapp.consume_quota(:'secret', '/a/x', 'GET', 'prod') v;
ROLLBACK;

-- a limit below what is used, and back
SELECT quota_limit FROM devapp.update_product('quota', quota_limit => 2);
SELECT v.code, v.quota_remaining FROM devapp.verify_key(:'secret', '/a/x', 'GET', 'prod', cost => 0) v;
SELECT v.code, v.quota_remaining FROM devapp.consume_quota(:'secret', '/a/x', 'GET', 'prod') v;
SELECT environment, used, remaining FROM devapp.quota_status(:'app_id') WHERE resource IS NULL AND environment = 'prod';
SELECT quota_limit FROM devapp.update_product('quota', quota_limit => 6);
SELECT v.code, v.quota_remaining FROM devapp.consume_quota(:'secret', '/a/x', 'GET', 'prod') v;
-- another window starts anew
SELECT quota_interval FROM devapp.update_product('quota', quota_interval => 600);
SELECT v.code, v.quota_remaining, v.quota_reset_at FROM devapp.consume_quota(:'secret', '/a/x', 'GET', 'prod') v;

-- explained
SELECT rule, passed, code, detail FROM devapp.explain_access(:'app_id', '/b/x', 'GET', 'prod') WHERE rule IN ('quota', 'rate', 'verdict');
SELECT rule, passed, code FROM devapp.explain_access(:'app_id', '/b/x', 'GET', 'prod', at => now()) WHERE rule IN ('quota', 'rate', 'verdict');

-- set back, and recorded
SELECT devapp.reset_quota(:'app_id', 'quota', 'A gift');
SELECT v.code, v.quota_remaining FROM devapp.consume_quota(:'secret', '/b/x', 'GET', 'prod') v;
SELECT action, entity, note, before - 'operation_id' AS before, after->>'used' AS used, after->>'resets' AS resets
  FROM devapp.audit_event WHERE app_id = :'app_id' AND entity = 'quota_usage' ORDER BY before->>'used', before->>'environment' COLLATE "C";
SELECT DISTINCT what, note FROM devapp.app_history(:'app_id') WHERE what = 'quota reset';
\set VERBOSITY terse
SELECT devapp.reset_quota(:'app_id', 'none');
SELECT devapp.reset_quota(NULL, 'quota');
SELECT devapp.reset_quota('00000000-0000-0000-0000-000000000000', 'quota');
SELECT devapp.quota_status(NULL);
SELECT devapp.quota_status('00000000-0000-0000-0000-000000000000');
