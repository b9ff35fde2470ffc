-- From minutes to hours and days: whatever the minutes are, the sums are those of GROUP BY, in one
-- pass or, where somebody has changed a partition, by statements.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
BEGIN;
SET LOCAL timezone = 'UTC';
SELECT FROM devapp_internal.lock_usage();
DELETE FROM devapp.usage_minute; DELETE FROM devapp.usage_hour; DELETE FROM devapp.usage_day; DELETE FROM devapp.usage_flush;
-- a month that no other test has: its partitions are as devapp makes them
SELECT count(devapp_internal.usage_partition('usage_minute', day)) AS days
  FROM generate_series('2001-01-30'::timestamptz, '2001-02-02', '1 day') AS day;
CREATE FUNCTION pg_temp.id(n integer) RETURNS uuid LANGUAGE sql AS $$
    SELECT CASE WHEN n > 0 THEN lpad(to_hex(n * 7919), 32, '0')::uuid END $$;

-- flushed(flush, of how many each, rows): rows of two months; every id and the environment may be null
CREATE FUNCTION pg_temp.flushed(flush bigint, of integer, n_rows integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO devapp.usage_flush (flush_id) VALUES (flush);
    INSERT INTO devapp.usage_minute (minute, app_id, credential_id, secret_version, product_id, operation_id, environment, code, calls, cost, flush_id)
    SELECT '2001-01-30'::timestamptz + r.minute * interval '1 minute', pg_temp.id(r.app % of), pg_temp.id(r.credential % of), 1, pg_temp.id(r.product % of),
           pg_temp.id(r.operation % of), (ARRAY[NULL, '', 'prod', 'prod-2', 'Ünïcode', repeat('e', 24)])[r.environment % least(of, 6) + 1],
           (enum_range(NULL::devapp.verdict_code))[r.code % of % 9 + 1], r.calls, r.calls % 5, flush
      FROM (SELECT floor(random() * 4 * 1440) AS minute, floor(random() * 1000)::integer AS app, floor(random() * 1000)::integer AS credential,
                   floor(random() * 1000)::integer AS product, floor(random() * 1000)::integer AS operation,
                   floor(random() * 1000)::integer AS environment, floor(random() * 1000)::integer AS code, floor(random() * 9)::bigint AS calls
              FROM generate_series(1, n_rows)) AS r;
END $$;

-- What is wrong: rows of hours and days that are not those of GROUP BY, and the other way round.
CREATE FUNCTION pg_temp.wrong() RETURNS bigint LANGUAGE sql AS $$
    WITH hours AS (
        SELECT date_trunc('hour', minute) AS hour, app_id, credential_id, product_id, operation_id, environment, code, sum(calls) AS calls, sum(cost) AS cost
          FROM devapp.usage_minute GROUP BY 1, 2, 3, 4, 5, 6, 7
    ), days AS (
        SELECT minute::date AS day, app_id, product_id, environment, code, sum(calls) AS calls, sum(cost) AS cost
          FROM devapp.usage_minute GROUP BY 1, 2, 3, 4, 5
    ), hours_seen AS (SELECT hour, app_id, credential_id, product_id, operation_id, environment, code, calls, cost FROM devapp.usage_hour),
    days_seen AS (SELECT day, app_id, product_id, environment, code, calls, cost FROM devapp.usage_day)
    SELECT (SELECT count(*) FROM (TABLE hours EXCEPT ALL TABLE hours_seen) AS x) + (SELECT count(*) FROM (TABLE hours_seen EXCEPT ALL TABLE hours) AS x)
         + (SELECT count(*) FROM (TABLE days EXCEPT ALL TABLE days_seen) AS x) + (SELECT count(*) FROM (TABLE days_seen EXCEPT ALL TABLE days) AS x) $$;
-- How many months roll_up() has to leave to the statements.
CREATE FUNCTION pg_temp.left_to_statements() RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*)
      FROM (VALUES ('2001-01-01'::timestamptz), ('2001-02-01')) AS m(month)
     WHERE NOT devapp_internal.roll_up(devapp_internal.usage_partition('usage_hour', month), devapp_internal.usage_partition('usage_day', month),
                                       month, month + interval '1 month', '{}', now()) $$;

-- few keys with many rows, and many keys; each is there or not when the next comes
SELECT FROM pg_temp.flushed(1, 2, 3000);
SELECT FROM pg_temp.flushed(2, 40, 3000);
SELECT devapp_internal.roll_up_usage() AS flushes, pg_temp.wrong();
SELECT FROM pg_temp.flushed(3, 2, 3000);
SELECT FROM pg_temp.flushed(4, 5, 3000);
SELECT FROM pg_temp.flushed(5, 1, 10);
SELECT devapp_internal.roll_up_usage() AS flushes, pg_temp.wrong();
SELECT FROM pg_temp.flushed(6, 5, 3000);
SELECT devapp_internal.roll_up_usage() AS flushes, pg_temp.wrong();
SELECT devapp_internal.roll_up_usage() AS nothing, pg_temp.wrong();
SELECT pg_temp.left_to_statements();

-- dead rows in the way of the scans: those of a flush that was rolled back
SAVEPOINT before;
SELECT FROM pg_temp.flushed(20, 30, 3000);
SELECT FROM pg_temp.flushed(21, 5, 3000);
SELECT devapp_internal.roll_up_usage() AS flushes, pg_temp.wrong();
ROLLBACK TO before;
SELECT FROM pg_temp.flushed(22, 30, 3000);
SELECT FROM pg_temp.flushed(23, 5, 3000);
SELECT devapp_internal.roll_up_usage() AS flushes, pg_temp.wrong();
SELECT FROM pg_temp.flushed(24, 30, 3000);
SELECT devapp_internal.roll_up_usage() AS flushes, pg_temp.wrong();

-- a few rows of an app that has many in the hour: they are looked for one by one
SELECT FROM pg_temp.flushed(7, 1, 0);
INSERT INTO devapp.usage_minute (minute, app_id, credential_id, product_id, environment, code, calls, cost, flush_id)
SELECT '2001-01-31 12:00', pg_temp.id(1), pg_temp.id(n), pg_temp.id(n), NULL, 'VALID', n, 1, 7 FROM generate_series(1, 2000) AS n;
SELECT devapp_internal.roll_up_usage() AS flushes, pg_temp.wrong();
SELECT FROM pg_temp.flushed(8, 1, 0);
INSERT INTO devapp.usage_minute (minute, app_id, credential_id, product_id, environment, code, calls, cost, flush_id)
SELECT '2001-01-31 12:01', pg_temp.id(1), pg_temp.id(n), pg_temp.id(n), environment, 'VALID', n, 1, 8
  FROM (VALUES (3, NULL), (1999, NULL), (2001, NULL), (0, NULL), (3, 'prod')) AS x(n, environment);
SELECT devapp_internal.roll_up_usage() AS flushes, pg_temp.wrong();
-- only those were written to
SELECT count(*) FILTER (WHERE updated_at = (SELECT max(updated_at) FROM devapp.usage_hour)) AS written FROM devapp.usage_hour;

-- sums stop at what fits
SELECT FROM pg_temp.flushed(9, 1, 0);
INSERT INTO devapp.usage_minute (minute, app_id, code, calls, cost, flush_id)
SELECT '2001-02-02 23:59', pg_temp.id(5000), 'VALID', 9223372036854775807, 1, 9 FROM generate_series(1, 2);
SELECT devapp_internal.roll_up_usage() AS flushes;
SELECT h.calls AS hour, h.cost, d.calls AS day, h.hour, d.day
  FROM devapp.usage_hour h, devapp.usage_day d WHERE h.app_id = pg_temp.id(5000) AND d.app_id = pg_temp.id(5000);
DELETE FROM devapp.usage_minute WHERE flush_id = 9;
DELETE FROM devapp.usage_hour WHERE app_id = pg_temp.id(5000);
DELETE FROM devapp.usage_day WHERE app_id = pg_temp.id(5000);

-- somebody's index, trigger, column or long environment: the statements do it, and the trigger sees all
CREATE INDEX ON devapp.usage_hour_2001_01 (updated_at);
SELECT pg_temp.left_to_statements();
SELECT FROM pg_temp.flushed(10, 5, 2000);
SELECT devapp_internal.roll_up_usage() AS flushes, pg_temp.wrong();
CREATE TEMP TABLE seen (what text);
CREATE FUNCTION pg_temp.see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO seen VALUES (TG_OP); RETURN NULL; END $$;
CREATE TRIGGER see AFTER INSERT OR UPDATE ON devapp.usage_day_2001_02 FOR EACH ROW EXECUTE FUNCTION pg_temp.see();
SELECT pg_temp.left_to_statements();
SELECT FROM pg_temp.flushed(11, 5, 2000);
SELECT devapp_internal.roll_up_usage() AS flushes, pg_temp.wrong();
SELECT count(*) = (SELECT count(*) FROM devapp.usage_day WHERE day >= '2001-02-01' AND updated_at = (SELECT max(updated_at) FROM devapp.usage_day)) AS all_seen FROM seen;
DROP TRIGGER see ON devapp.usage_day_2001_02;
DROP INDEX devapp.usage_hour_2001_01_updated_at_idx;
SELECT pg_temp.left_to_statements();
INSERT INTO devapp.usage_flush (flush_id) VALUES (12);
INSERT INTO devapp.usage_minute (minute, app_id, environment, code, calls, cost, flush_id)
VALUES ('2001-01-31 00:00', pg_temp.id(1), repeat('long', 7), 'VALID', 1, 1, 12), ('2001-01-31 00:01', pg_temp.id(1), repeat('long', 7), 'VALID', 1, 1, 12);
SELECT devapp_internal.roll_up_usage() AS flushes, pg_temp.wrong();
-- and then beside it in one pass
SELECT FROM pg_temp.flushed(13, 3, 3000);
SELECT devapp_internal.roll_up_usage() AS flushes, pg_temp.wrong();
ROLLBACK;
