-- Reading what is new: whoever keeps the highest updated_at and reads what is above it next
-- has after each flush and correction what the reports say.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
BEGIN;
SET LOCAL timezone = 'UTC';
SELECT FROM devapp_internal.lock_usage();
DELETE FROM devapp.usage_minute; DELETE FROM devapp.usage_hour; DELETE FROM devapp.usage_day; DELETE FROM devapp.usage_flush;
SELECT FROM devapp.set_app_approval('auto');
SELECT FROM devapp.create_developer('updated@example.com');
SELECT (devapp.create_product('updated')).product_id AS p \gset
SELECT app_id AS a FROM devapp.create_app('updated-a', developer => 'updated@example.com', products => '{updated}') \gset
SELECT app_id AS b FROM devapp.create_app('updated-b', developer => 'updated@example.com', products => '{updated}') \gset
-- flushed(flush, days ago, app, verdict, calls)
CREATE FUNCTION pg_temp.flushed(flush bigint, days_ago integer, app uuid, code text, calls bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE at timestamptz := date_trunc('day', now()) - days_ago * interval '24 hours';
BEGIN
    PERFORM devapp_internal.usage_partition('usage_minute', at);
    INSERT INTO devapp.usage_flush (flush_id) VALUES (flush) ON CONFLICT DO NOTHING;
    INSERT INTO devapp.usage_minute (minute, app_id, product_id, environment, code, calls, cost, flush_id)
    SELECT at, app, p.product_id, NULL, code::devapp.verdict_code, calls, calls, flush FROM devapp.product p WHERE p.name = 'updated';
    RETURN calls;
END $$;
-- What the reader has, and how it goes on: it replaces rows by their key.  How many it read.
CREATE TEMP TABLE copy AS SELECT day, app_id, product_id, environment, calls, refused, cost, updated_at FROM devapp_report.usage_daily WHERE false;
CREATE FUNCTION pg_temp.read_on() RETURNS bigint LANGUAGE sql AS $$
    WITH new AS MATERIALIZED (
        SELECT day, app_id, product_id, environment, calls, refused, cost, updated_at FROM devapp_report.usage_daily
         WHERE updated_at > coalesce((SELECT max(updated_at) FROM copy), '-infinity')
    ), gone AS (
        DELETE FROM copy c USING new n WHERE (c.day, c.app_id, c.product_id) = (n.day, n.app_id, n.product_id) AND c.environment IS NOT DISTINCT FROM n.environment
    ), added AS (INSERT INTO copy SELECT * FROM new)
    SELECT count(*) FROM new $$;
CREATE FUNCTION pg_temp.same() RETURNS boolean LANGUAGE sql AS $$
    SELECT NOT EXISTS (SELECT day, app_id, product_id, environment, calls, refused, cost FROM devapp_report.usage_daily EXCEPT SELECT day, app_id, product_id, environment, calls, refused, cost FROM copy)
       AND (SELECT count(*) FROM copy) = (SELECT count(*) FROM devapp_report.usage_daily) $$;

SELECT pg_temp.flushed(1, 0, :'a', 'VALID', 5), pg_temp.flushed(1, 0, :'b', 'VALID', 7), pg_temp.flushed(1, 1, :'a', 'VALID', 9), pg_temp.flushed(1, 1, :'a', 'QUOTA_EXCEEDED', 2);
SELECT devapp_internal.roll_up_usage() AS flushes;
SELECT pg_temp.read_on() AS rows_read, pg_temp.same();
SELECT pg_temp.read_on() AS nothing_new;
-- one row that was there, one verdict more of another, and one that is new
SELECT pg_temp.flushed(2, 0, :'a', 'VALID', 1), pg_temp.flushed(2, 0, :'b', 'RATE_LIMITED', 3), pg_temp.flushed(2, 2, :'b', 'VALID', 4);
SELECT devapp_internal.roll_up_usage() AS flushes;
SELECT pg_temp.same() AS before_reading, pg_temp.read_on() AS rows_read;
SELECT pg_temp.same() AS after_reading;
-- a correction
SELECT calls FROM devapp.correct_usage(app => :'a', product => 'updated', environment => NULL, day => (now() AT TIME ZONE 'UTC')::date - 1, calls => 3, note => 'counted twice');
SELECT pg_temp.read_on() AS rows_read;
SELECT pg_temp.same() AS after_reading;
-- hours and refusals were written to by the same flushes, all rows of one at one time
SELECT count(DISTINCT updated_at) AS flushes FROM devapp_report.usage_hourly;
SELECT code, updated_at = (SELECT max(updated_at) FROM devapp_report.usage_hourly) AS by_the_last FROM devapp_report.denials ORDER BY code;
ROLLBACK;
