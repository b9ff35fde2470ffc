-- A month whose partition cannot be written to waits, and stops no other; doctor() names it.
\set SHOW_CONTEXT never
\set VERBOSITY terse
BEGIN;
SET LOCAL timezone = 'UTC';
SET LOCAL client_min_messages = error;
SELECT FROM devapp_internal.lock_usage();
DELETE FROM devapp.usage_minute; DELETE FROM devapp.usage_hour; DELETE FROM devapp.usage_day; DELETE FROM devapp.usage_flush;
-- months that no other test has
SELECT count(devapp_internal.usage_partition('usage_minute', day)) AS days
  FROM unnest('{2002-01-31,2002-02-01,2002-03-01}'::timestamptz[]) AS day;
SELECT count(devapp_internal.usage_partition(parent, month)) AS months
  FROM unnest('{usage_hour,usage_day}'::text[]) AS parent, unnest('{2002-01-01,2002-02-01,2002-03-01}'::timestamptz[]) AS month;

-- flushed(flush, calls, days): a row for each day
CREATE FUNCTION pg_temp.flushed(flush bigint, calls bigint, VARIADIC days timestamptz[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO devapp.usage_flush (flush_id) VALUES (flush);
    INSERT INTO devapp.usage_minute (minute, app_id, code, calls, cost, flush_id)
    SELECT day + interval '12 hours', '00000000-0000-0000-0000-000000000001', 'VALID', calls, calls, flush FROM unnest(days) AS day $$;
CREATE FUNCTION pg_temp.added() RETURNS TABLE (month text, hours numeric, days numeric) LANGUAGE sql AS $$
    SELECT to_char(month, 'YYYY-MM'), (SELECT sum(calls) FROM devapp.usage_hour WHERE date_trunc('month', hour) = month),
           (SELECT sum(calls) FROM devapp.usage_day WHERE date_trunc('month', day) = month)
      FROM unnest('{2002-01-01,2002-02-01,2002-03-01}'::timestamptz[]) AS month $$;
CREATE FUNCTION pg_temp.waiting() RETURNS TABLE (flush_id bigint, months text) LANGUAGE sql AS $$
    SELECT flush_id, (SELECT string_agg(to_char(m, 'YYYY-MM'), ' ' ORDER BY m) FROM unnest(waiting_months) AS m) FROM devapp.usage_flush ORDER BY 1 $$;

-- without the index, ON CONFLICT is refused, as columnar storage does; the days of the month are in order
DROP INDEX devapp.usage_hour_2002_02_key;
SET LOCAL client_min_messages = warning;
SELECT FROM pg_temp.flushed(1, 1, '2002-01-31', '2002-02-01', '2002-03-01');
SELECT FROM pg_temp.flushed(2, 10, '2002-01-31');
SELECT FROM pg_temp.flushed(3, 100, '2002-02-01');
SELECT devapp_internal.roll_up_usage() AS done;
SELECT * FROM pg_temp.added();
SELECT * FROM pg_temp.waiting();
SELECT status, detail FROM devapp_internal.doctor_storage();
-- another flush of that month is not logged again, and one of two bad months waits for both
CREATE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'closed'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON devapp.usage_day_2002_03 FOR EACH ROW EXECUTE FUNCTION pg_temp.refuse();
SELECT FROM pg_temp.flushed(4, 1000, '2002-02-01', '2002-03-01');
SELECT FROM pg_temp.flushed(5, 10000, '2002-01-31', '2002-02-01');
SELECT devapp_internal.roll_up_usage() AS done;
SELECT * FROM pg_temp.waiting();
-- what waits is not tried, or added, again
SELECT devapp_internal.roll_up_usage() AS done;
SELECT * FROM pg_temp.added();
SELECT status, detail FROM devapp_internal.doctor_storage();
SELECT devapp_internal.roll_up_waiting();
SELECT * FROM pg_temp.waiting();

-- minutes that wait are not dropped, however old they are; the others are
SAVEPOINT kept;
SELECT partition_name FROM devapp_internal.maintain_usage() WHERE partition_name LIKE 'usage_minute_2002%' ORDER BY 1;
ROLLBACK TO kept;

-- the partitions are put in order: each call is added once
DROP TRIGGER refuse ON devapp.usage_day_2002_03;
CREATE UNIQUE INDEX ON devapp.usage_hour_2002_02 (app_id, hour, product_id, credential_id, operation_id, environment, code) NULLS NOT DISTINCT;
SELECT devapp_internal.roll_up_waiting();
SELECT * FROM pg_temp.waiting();
SELECT * FROM pg_temp.added();
SELECT devapp_internal.roll_up_waiting();
SELECT * FROM pg_temp.added();
SELECT status, detail FROM devapp_internal.doctor_storage();

-- what passes by itself is no reason to set a month aside
SELECT devapp_internal.is_passing_error(state) AS passes, string_agg(state, ' ' ORDER BY state) AS states
  FROM unnest('{40001,40P01,53100,55P03,57014,57P01,58030,XX001,0A000,23514,42809,42P10,55000,P0001,HV000}'::text[]) AS state GROUP BY 1 ORDER BY 1;
ROLLBACK;

-- ---------- other storage that calls are still added to ----------

BEGIN;
SET LOCAL client_min_messages = warning;
CREATE ACCESS METHOD "Column Store" TYPE TABLE HANDLER heap_tableam_handler;
SELECT count(devapp_internal.usage_partition(parent, now() + past)) AS made
  FROM unnest('{usage_minute,usage_hour,usage_day,usage_latency}'::text[]) AS parent, unnest('{0,-70 days}'::interval[]) AS past;
CREATE FUNCTION pg_temp.become_columnar(parent text, past interval) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    partition regclass := devapp_internal.usage_partition(parent, now() + past);
    bounds text := (SELECT pg_get_expr(c.relpartbound, c.oid) FROM pg_class c WHERE c.oid = partition);
    old_name text := partition::text;
    index text := devapp_internal.usage_index(parent);
BEGIN
    EXECUTE format('DROP TABLE %s', old_name);
    EXECUTE format('CREATE TABLE %s PARTITION OF devapp.%I %s USING "Column Store"', old_name, parent, bounds);
    EXECUTE format('CREATE %s INDEX ON %s %s', CASE WHEN parent <> 'usage_minute' THEN 'UNIQUE' END, old_name, index);
END $$;
-- a month that has been over for 30 days may be stored in any way, and so may minutes, which are only inserted
SELECT FROM pg_temp.become_columnar('usage_hour', '-70 days');
SELECT FROM pg_temp.become_columnar('usage_minute', '0');
SELECT status, detail FROM devapp_internal.doctor_storage();
SELECT FROM pg_temp.become_columnar('usage_hour', '0');
SELECT FROM pg_temp.become_columnar('usage_latency', '0');
-- a foreign table is none either, and is left alone by the one pass
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing;
CREATE FUNCTION pg_temp.become_foreign(parent text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    partition regclass := devapp_internal.usage_partition(parent, now());
    bounds text := (SELECT pg_get_expr(c.relpartbound, c.oid) FROM pg_class c WHERE c.oid = partition);
    old_name text := partition::text;
BEGIN
    EXECUTE format('DROP TABLE %s', old_name);
    EXECUTE format('CREATE FOREIGN TABLE %s PARTITION OF devapp.%I %s SERVER nowhere', old_name, parent, bounds);
END $$;
SELECT FROM pg_temp.become_foreign('usage_day');
SELECT devapp_internal.roll_up(devapp_internal.usage_partition('usage_hour', now()), devapp_internal.usage_partition('usage_day', now()), now(), now(), '{}', now());
SELECT status, regexp_replace(detail, '[0-9]{4}_[0-9]{2}', 'YYYY_MM', 'g') AS detail, hint FROM devapp_internal.doctor_storage();

-- ---------- tables that Citus distributes ----------

SELECT devapp_internal.distributed_tables() IS NULL AS no_citus;
CREATE TEMP TABLE pg_dist_partition (logicalrelid regclass);
SELECT devapp_internal.distributed_tables('pg_temp.pg_dist_partition') IS NULL AS none;
INSERT INTO pg_dist_partition VALUES ('devapp.app'), ('devapp_internal.packed_row'), ('pg_class'), ('pg_dist_partition');
SELECT devapp_internal.distributed_tables('pg_temp.pg_dist_partition');
-- and how doctor() says it
ALTER FUNCTION devapp_internal.distributed_tables(text) RENAME TO distributed_tables_of;
CREATE FUNCTION devapp_internal.distributed_tables() RETURNS text LANGUAGE sql AS $$ SELECT devapp_internal.distributed_tables_of('pg_temp.pg_dist_partition') $$;
SELECT status, regexp_replace(detail, ';.*', '') AS detail, hint FROM devapp_internal.doctor_storage();
ROLLBACK;
