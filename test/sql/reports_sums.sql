-- Reports that show calls agree with each other and with the calls, also after a product, an
-- app, a team and a developer were deleted, names were taken again, and an app was transferred.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
BEGIN;
SET LOCAL timezone = 'UTC';
SELECT FROM devapp_internal.lock_usage();
DELETE FROM devapp.usage_minute; DELETE FROM devapp.usage_hour; DELETE FROM devapp.usage_day; DELETE FROM devapp.usage_latency; DELETE FROM devapp.usage_flush;
SELECT FROM devapp.set_app_approval('auto');
SELECT FROM devapp.create_developer('sums@example.com');
SELECT FROM devapp.create_developer('sums/2%@example.com');
SELECT FROM devapp.create_team('sums-team');
SELECT FROM devapp.create_team('sums-gone');
SELECT (devapp.create_product('sums-a')).product_id AS a \gset
SELECT (devapp.create_product('sums-b')).product_id AS b \gset
SELECT app_id AS one FROM devapp.create_app('sums-one', developer => 'sums@example.com', products => '{sums-a,sums-b}') \gset
SELECT app_id AS two FROM devapp.create_app('sums-two', developer => 'sums/2%@example.com', products => '{sums-a,sums-b}') \gset
SELECT app_id AS three FROM devapp.create_app('sums-one', team => 'sums-team', products => '{sums-a}') \gset
SELECT app_id AS four FROM devapp.create_app('sums-one', team => 'sums-gone', products => '{sums-b}') \gset

-- the calls: of each app, of no app, to each product and to none, by the minute of the last 40 days
CREATE TEMP TABLE call AS
SELECT date_trunc('minute', now()) - n * interval '37 minutes' AS minute, x.app_id,
       CASE WHEN x.app_id IS NULL OR n % 13 = 0 THEN NULL WHEN n % 3 = 0 THEN :'b' ELSE :'a' END::uuid AS product_id,
       CASE n % 4 WHEN 0 THEN 'live' WHEN 1 THEN 'test' END AS environment,
       (CASE WHEN x.app_id IS NULL THEN 'NOT_FOUND' WHEN n % 7 = 0 THEN 'QUOTA_EXCEEDED' WHEN n % 11 = 0 THEN 'METHOD_FORBIDDEN' ELSE 'VALID' END)::devapp.verdict_code AS code,
       (n % 5 + 1)::bigint AS calls
  FROM generate_series(0, 40 * 24 * 60 / 37) AS n, (VALUES (0, :'one'::uuid), (1, :'two'), (2, :'three'), (3, :'four'), (4, NULL)) AS x(k, app_id)
 WHERE n % 5 = x.k;
SELECT count(devapp_internal.usage_partition('usage_minute', d)) > 0 AS days FROM (SELECT DISTINCT date_trunc('day', minute) AS d FROM call) AS x;
INSERT INTO devapp.usage_flush (flush_id) VALUES (1);
INSERT INTO devapp.usage_minute (minute, app_id, product_id, environment, code, calls, cost, flush_id)
SELECT minute, app_id, product_id, environment, code, calls, CASE code WHEN 'VALID' THEN 2 * calls ELSE 0 END, 1 FROM call;
SELECT devapp_internal.roll_up_usage();
SELECT count(devapp_internal.usage_partition('usage_latency', d)) > 0 AS months FROM (SELECT DISTINCT date_trunc('day', minute) AS d FROM call) AS x;
INSERT INTO devapp.usage_latency
SELECT minute::date, app_id, product_id, sum(calls), 0, 0, '1 s', '1 s', '1 s', format('[80:80]={%s}', sum(calls))::bigint[] FROM call WHERE code = 'VALID' GROUP BY 1, 2, 3;

-- what each report adds up to, of the last 30 days: allowed, refused, responses
CREATE VIEW pg_temp.added_up AS
SELECT 'the calls' AS report, sum(calls) FILTER (WHERE code = 'VALID') AS allowed, sum(calls) FILTER (WHERE code <> 'VALID') AS refused, sum(calls) FILTER (WHERE code = 'VALID') AS responses
  FROM call WHERE minute::date > (now() AT TIME ZONE 'UTC')::date - 30
UNION ALL SELECT 'usage_daily', sum(calls), sum(refused), NULL FROM devapp_report.usage_daily WHERE day > (now() AT TIME ZONE 'UTC')::date - 30
UNION ALL SELECT 'usage_hourly', sum(calls), sum(refused), NULL FROM devapp_report.usage_hourly WHERE hour >= (now() AT TIME ZONE 'UTC')::date - 29
UNION ALL SELECT 'usage_totals', sum(calls), sum(refused), NULL FROM devapp_report.usage_totals
UNION ALL SELECT 'verdict_totals', sum(calls) FILTER (WHERE code = 'VALID'), sum(calls) FILTER (WHERE code <> 'VALID'), NULL FROM devapp_report.verdict_totals WHERE day > (now() AT TIME ZONE 'UTC')::date - 30
UNION ALL SELECT 'denials', NULL, sum(calls), NULL FROM devapp_report.denials WHERE day > (now() AT TIME ZONE 'UTC')::date - 30
UNION ALL SELECT 'product_adoption', sum(calls_30d), sum(refused_30d), sum(responses_30d) FROM devapp_report.product_adoption
UNION ALL SELECT 'apps', sum(calls_30d), sum(refused_30d) + (SELECT sum(calls) FROM devapp_report.denials WHERE app_id IS NULL AND day > (now() AT TIME ZONE 'UTC')::date - 30), NULL FROM devapp_report.apps
UNION ALL SELECT 'app_inventory and apps', (SELECT sum(calls_30d) FROM devapp_report.app_inventory) + coalesce(sum(calls_30d), 0), NULL, NULL FROM devapp_report.apps WHERE is_deleted
UNION ALL SELECT 'high_usage_apps and apps', (SELECT sum(calls_30d) FROM devapp_report.high_usage_apps) + coalesce(sum(calls_30d), 0), NULL, NULL FROM devapp_report.apps WHERE is_deleted
UNION ALL SELECT 'team_usage and apps', (SELECT sum(calls_30d) FROM devapp_report.team_usage) + sum(calls_30d), NULL, NULL FROM devapp_report.apps WHERE is_deleted OR owner_kind = 'developer'
UNION ALL SELECT 'latency_daily', NULL, NULL, sum(responses) FROM devapp_report.latency_daily WHERE day > (now() AT TIME ZONE 'UTC')::date - 30
UNION ALL SELECT 'latency_totals', NULL, NULL, sum(responses) FROM devapp_report.latency_totals WHERE day > (now() AT TIME ZONE 'UTC')::date - 30;
-- those that differ from the calls
CREATE FUNCTION pg_temp.differ() RETURNS TABLE (report text, allowed numeric, refused numeric, responses numeric) LANGUAGE sql AS $$
    SELECT x.report, x.allowed - c.allowed, x.refused - c.refused, x.responses - c.responses
      FROM pg_temp.added_up x, pg_temp.added_up c
     WHERE c.report = 'the calls' AND (coalesce(x.allowed, c.allowed), coalesce(x.refused, c.refused), coalesce(x.responses, c.responses)) <> (c.allowed, c.refused, c.responses) $$;
SELECT FROM devapp.refresh_reports(false);
SELECT count(*) AS reports, bool_and(allowed > 1000 OR allowed IS NULL) AS many FROM pg_temp.added_up;
SELECT * FROM pg_temp.differ();
-- no view that shows calls was forgotten
SELECT DISTINCT attrelid::regclass AS not_added_up FROM pg_attribute
 WHERE attname ~ '^(calls|responses|refused)' AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'devapp_report'::regnamespace AND relkind <> 'i')
   AND attrelid::regclass::text NOT IN (SELECT 'devapp_report.' || split_part(report, ' ', 1) FROM pg_temp.added_up);
-- each hour and day as well, and the parts of each
SELECT count(*) AS different FROM
    (SELECT date_trunc('hour', minute), app_id, product_id, environment, sum(calls) FILTER (WHERE code = 'VALID'), sum(calls) FILTER (WHERE code <> 'VALID') FROM call GROUP BY 1, 2, 3, 4
     EXCEPT SELECT hour, app_id, product_id, environment, nullif(calls, 0), nullif(refused, 0) FROM devapp_report.usage_hourly) AS x;
SELECT count(*) AS different FROM
    (SELECT minute::date, product_id, environment, sum(calls) FILTER (WHERE code = 'VALID'), sum(calls) FILTER (WHERE code <> 'VALID') FROM call WHERE minute::date > (now() AT TIME ZONE 'UTC')::date - 30 GROUP BY 1, 2, 3
     EXCEPT SELECT day, product_id, environment, nullif(calls, 0), nullif(refused, 0) FROM devapp_report.usage_totals) AS x;

-- ---------- what is deleted, taken again and transferred ----------

SELECT FROM devapp.transfer_app(:'two', team => 'sums-team');
SELECT FROM devapp.delete_app(:'one');
SELECT FROM devapp.create_app('sums-one', developer => 'sums@example.com');
SELECT FROM devapp.delete_app(:'four');
SELECT FROM devapp.delete_team('sums-gone');
SELECT FROM devapp.create_team('sums-gone');
SELECT FROM devapp.remove_app_product(:'two', 'sums-b');
SELECT FROM devapp.delete_product('sums-b');
SELECT FROM devapp.create_product('sums-b');
SELECT FROM devapp.delete_developer('sums/2%@example.com');
-- at once, and after a refresh
SELECT * FROM pg_temp.differ() WHERE report !~ '^(high_usage|team_usage)';
SELECT FROM devapp.refresh_reports();
SELECT * FROM pg_temp.differ();
-- by id there are as many as there were, by name two add up
SELECT count(DISTINCT app_id) AS apps, count(DISTINCT app) AS names, count(DISTINCT app_path) AS paths, count(*) FILTER (WHERE is_deleted) AS deleted FROM devapp_report.apps WHERE app LIKE 'sums-%';
SELECT app, app_path, owner, owner_kind, status, is_deleted, deleted_at IS NOT NULL AS dated, calls_30d > 0 AS called FROM devapp_report.apps WHERE app LIKE 'sums-%' ORDER BY app_path, created_at, is_deleted DESC;
SELECT product, is_deleted, deleted_at IS NOT NULL AS dated FROM devapp_report.products WHERE product LIKE 'sums-%' ORDER BY product, is_deleted;
SELECT email, is_deleted, deleted_at IS NOT NULL AS dated FROM devapp_report.developers WHERE email LIKE 'sums%' ORDER BY email;
SELECT team, is_deleted, deleted_at IS NOT NULL AS dated FROM devapp_report.teams WHERE team LIKE 'sums-%' ORDER BY team, is_deleted;
SELECT product, is_deleted, apps_approved, calls_30d > 0 AS called FROM devapp_report.product_adoption WHERE product LIKE 'sums-%' OR product IS NULL ORDER BY product, is_deleted;
SELECT product, is_deleted FROM devapp_report.usage_totals UNION SELECT product, is_deleted FROM devapp_report.latency_totals ORDER BY 1;
-- app_path is what functions take for a live app
SELECT bool_and((devapp.get_app(app_path))->>'app_id' = app_id::text) AS found FROM devapp_report.apps WHERE app LIKE 'sums-%' AND NOT is_deleted;

-- ---------- the owner then ----------

-- it was transferred today: all of the days before were the former owner's
SELECT DISTINCT report, before_today, owner, owner_then, then_id_fits FROM (
    SELECT 'usage_daily' AS report, app_id, day < (now() AT TIME ZONE 'UTC')::date AS before_today, owner, owner_then, owner_then_id = (SELECT o.id FROM (SELECT developer_id, email FROM devapp.developer UNION SELECT team_id, name FROM devapp.team WHERE deleted_at IS NULL) AS o(id, name) WHERE o.name = owner_then) AS then_id_fits FROM devapp_report.usage_daily
    UNION ALL SELECT 'denials', app_id, day < (now() AT TIME ZONE 'UTC')::date, owner, owner_then, true FROM devapp_report.denials
    UNION ALL SELECT 'latency_daily', app_id, day < (now() AT TIME ZONE 'UTC')::date, owner, owner_then, true FROM devapp_report.latency_daily
    UNION ALL SELECT 'usage_hourly', app_id, hour < date_trunc('hour', now()), owner, owner_then, true FROM devapp_report.usage_hourly) AS x
 WHERE app_id = :'two' AND before_today ORDER BY report;
-- of one that was transferred twice, each time is its owner's: by the end of the day
SET LOCAL session_replication_role = replica;
UPDATE devapp.audit_event SET occurred_at = now() - interval '240 hours' WHERE app_id = :'two' AND action = 'transfer';
RESET session_replication_role;
SELECT FROM devapp.transfer_app(:'two', developer => 'sums@example.com');
SELECT owner_then, owner, min((now() AT TIME ZONE 'UTC')::date - day) >= 10 AS from_days, max((now() AT TIME ZONE 'UTC')::date - day) <= 10 AS to_days, count(DISTINCT (day, product_id, environment)) = count(*) AS one_row
  FROM devapp_report.usage_daily WHERE app_id = :'two' AND day < (now() AT TIME ZONE 'UTC')::date GROUP BY owner_then, owner ORDER BY owner_then;
SELECT DISTINCT hour + interval '1 hour' > now() - interval '240 hours' AS after_it, owner_then FROM devapp_report.usage_hourly WHERE app_id = :'two' AND hour < date_trunc('hour', now()) ORDER BY 1;
-- transfers are found by an index of their own
CREATE FUNCTION pg_temp.plan() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
    SET LOCAL enable_seqscan = off;
    FOR line IN EXPLAIN (COSTS OFF) SELECT * FROM devapp_internal.former_owner LOOP
        IF line ~ 'Scan.* on audit_event' THEN RETURN NEXT coalesce(pg_get_indexdef(to_regclass('devapp.' || substring(line FROM 'using (\w+)'))) ~ 'transfer', false)::text; END IF;
    END LOOP;
END $$;
SELECT DISTINCT plan AS by_index FROM pg_temp.plan() AS plan;
ROLLBACK;
