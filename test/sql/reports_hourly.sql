-- Calls by the hour, days of other time zones that are made of them, and the calendar.
\set SHOW_CONTEXT never
BEGIN;
SET LOCAL timezone = 'UTC';
SELECT FROM devapp.set_app_approval('auto');
SELECT FROM devapp.create_developer('hourly@example.com');
SELECT FROM devapp.create_product('hourly');
SELECT app_id AS a, credential_id AS c FROM devapp.create_app('hourly', developer => 'hourly@example.com', products => '{hourly}') \gset
SELECT product_id AS p FROM devapp.product WHERE name = 'hourly' AND deleted_at IS NULL \gset
SELECT count(devapp_internal.usage_partition('usage_hour', m)) FROM (VALUES ('2025-03-01'::timestamptz), ('2025-04-01'), ('2025-10-01'), ('2025-11-01')) AS x(m);

-- The calls, one every 7 minutes around each change of clocks, and what they were counted as.
CREATE TEMP TABLE call AS
SELECT at, CASE WHEN n % 5 = 0 THEN 'QUOTA_EXCEEDED' ELSE 'VALID' END AS code, CASE WHEN n % 3 = 0 THEN 'live' ELSE 'test' END AS environment
  FROM (SELECT at, row_number() OVER (ORDER BY at) AS n
          FROM (VALUES ('2025-03-07'::timestamptz, '2025-03-11'::timestamptz), ('2025-03-28', '2025-04-08'), ('2025-10-03', '2025-10-07'), ('2025-10-24', '2025-11-04')) AS x(first, last),
               generate_series(x.first, x.last, interval '7 minutes') AS at) AS y;
INSERT INTO devapp.usage_hour (hour, app_id, credential_id, product_id, environment, code, calls, cost)
SELECT date_trunc('hour', at), :'a', :'c', :'p', environment, code::devapp.verdict_code, count(*), count(*) FILTER (WHERE code = 'VALID') FROM call GROUP BY 1, 5, 6;

-- a row is an hour, app, product and environment; its sums are those of the calls
SELECT count(*) = count(DISTINCT (hour, app_id, product_id, environment)) AS one_row, sum(calls) = (SELECT count(*) FROM call WHERE code = 'VALID') AS calls,
       sum(refused) = (SELECT count(*) FROM call WHERE code <> 'VALID') AS refused, sum(cost) = sum(calls) AS cost
  FROM devapp_report.usage_hourly WHERE app_id = :'a';
SELECT DISTINCT app, app_path, is_deleted, owner, owner_kind, product FROM devapp_report.usage_hourly WHERE app_id = :'a';

-- days of each zone: those that a person there would count the call to
CREATE FUNCTION pg_temp.differs(zone text) RETURNS TABLE (day date, found bigint, should_be bigint) LANGUAGE sql AS $$
    SELECT coalesce(h.day, c.day), h.calls, c.calls
      FROM (SELECT (hour AT TIME ZONE zone)::date AS day, sum(calls)::bigint AS calls FROM devapp_report.usage_hourly
             WHERE owner = 'hourly@example.com' GROUP BY 1) AS h
      FULL JOIN (SELECT (at AT TIME ZONE zone)::date AS day, count(*) AS calls FROM call WHERE code = 'VALID' GROUP BY 1) AS c ON c.day = h.day
     WHERE h.calls IS DISTINCT FROM c.calls $$;
SELECT zone, count(d.day) AS wrong_days
  FROM unnest('{UTC,America/New_York,America/Los_Angeles,America/Sao_Paulo,Europe/Berlin,Europe/London,Asia/Tokyo,Pacific/Auckland,Australia/Sydney,Pacific/Kiritimati}'::text[]) AS zone
  LEFT JOIN pg_temp.differs(zone) d ON true GROUP BY zone ORDER BY zone COLLATE "C";
-- a day on which clocks are changed has an hour more or less
SELECT (hour AT TIME ZONE zone)::date AS day, zone, count(DISTINCT hour) AS hours
  FROM devapp_report.usage_hourly, (VALUES ('America/New_York', '2025-03-09'::date), ('America/New_York', '2025-11-02'), ('Europe/Berlin', '2025-03-30'), ('Europe/Berlin', '2025-10-26'),
                                           ('Asia/Tokyo', '2025-10-26')) AS z(zone, day)
 WHERE app_id = :'a' AND (hour AT TIME ZONE zone)::date = z.day GROUP BY 1, 2 ORDER BY day, zone;
-- as the tools say it: Cube, Grafana, and a session in the zone (Metabase, Superset)
SELECT count(DISTINCT x) AS one_answer FROM (
    SELECT array_agg((d, n) ORDER BY d) FROM (SELECT date_trunc('day', (hour::timestamptz AT TIME ZONE 'America/New_York')) AS d, sum(calls) AS n FROM devapp_report.usage_hourly WHERE app_id = :'a' GROUP BY 1) AS q
    UNION ALL
    SELECT array_agg((d AT TIME ZONE 'America/New_York', n) ORDER BY d) FROM (SELECT date_trunc('day', hour, 'America/New_York') AS d, sum(calls) AS n FROM devapp_report.usage_hourly WHERE app_id = :'a' GROUP BY 1) AS q) AS y(x);
SELECT count(*) AS days, sum(calls) = (SELECT count(*) FROM call WHERE code = 'VALID') AS all_calls
  FROM (SELECT date_trunc('day', (hour::timestamptz AT TIME ZONE 'America/New_York')) AS d, sum(calls) AS calls FROM devapp_report.usage_hourly WHERE app_id = :'a' GROUP BY 1) AS x;
SET LOCAL timezone = 'America/New_York';
SELECT date_trunc('day', hour)::date AS day, sum(calls) AS calls, (SELECT count(*) FROM call WHERE code = 'VALID' AND at >= '2025-11-02' AND at < '2025-11-03') AS should_be
  FROM devapp_report.usage_hourly WHERE app_id = :'a' AND hour >= '2025-11-02' AND hour < '2025-11-03' GROUP BY 1;
SET LOCAL timezone = 'UTC';
-- half hours: an hour belongs to the day in which it begins
SELECT count(*) > 0 AS some, max(abs(found - should_be)) <= 5 AS by_half_an_hour FROM pg_temp.differs('Asia/Kolkata');
-- only the months that are asked for are read
CREATE FUNCTION pg_temp.months() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
    FOR line IN EXPLAIN (COSTS OFF) SELECT * FROM devapp_report.usage_hourly WHERE hour >= '2025-10-25Z' AND hour < '2025-10-28Z' LOOP
        IF line ~ 'usage_hour_' THEN RETURN NEXT substring(line FROM 'usage_hour_\d+_\d+'); END IF;
    END LOOP;
END $$;
SELECT DISTINCT month FROM pg_temp.months() AS month;

-- ---------- the calendar ----------

SELECT count(*) AS days, min(day) = (now() AT TIME ZONE 'UTC')::date - 1830 AS first, max(day) = (now() AT TIME ZONE 'UTC')::date AS last, count(DISTINCT day) = count(*) AS one_row FROM devapp_report.calendar;
SELECT day, week, month, weekday FROM devapp_report.calendar WHERE day BETWEEN '2025-11-30' AND '2025-12-01' ORDER BY day;
-- today where it is later than in UTC
SET LOCAL timezone = 'Etc/GMT-14';
SELECT max(day) = current_date AS today FROM devapp_report.calendar;
SET LOCAL timezone = 'Etc/GMT+12';
SELECT max(day) = (now() AT TIME ZONE 'UTC')::date AS today FROM devapp_report.calendar;
SET LOCAL timezone = 'UTC';
-- a day without calls
SELECT c.day, coalesce(sum(u.calls), 0) AS calls FROM devapp_report.calendar c LEFT JOIN devapp_report.usage_hourly u ON u.hour::date = c.day AND u.app_id = :'a'
 WHERE c.day BETWEEN '2025-03-10' AND '2025-03-12' GROUP BY c.day ORDER BY c.day;
ROLLBACK;
