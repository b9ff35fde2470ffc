-- A refresh beside readers adds up today and puts right what differs.  Whatever happened, it makes of
-- every report what a refresh makes that fills all of them from nothing.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
BEGIN;
SET LOCAL timezone = 'UTC';
SELECT FROM devapp_internal.lock_usage();
DELETE FROM devapp.usage_minute; DELETE FROM devapp.usage_hour; DELETE FROM devapp.usage_day; DELETE FROM devapp.usage_latency; DELETE FROM devapp.usage_flush;
SELECT FROM devapp.set_app_approval('conditional');
SELECT count(devapp.create_developer('again' || n || '@example.com')) > 0 AS done FROM generate_series(1, 3) AS n;
SELECT FROM devapp.create_team('again-team');
SELECT FROM devapp.create_product('again-a'), devapp.create_product('again-b', approval => 'manual') AS b, devapp.create_product('again-c') AS c;
-- two apps of each of two developers and two of the team, each with two credentials
CREATE TEMP TABLE made AS
SELECT n, c.app_id, c.credential_id, (devapp.issue_credential(c.app_id::text, products => CASE WHEN n % 2 = 0 THEN '{again-b,again-c}' ELSE '{again-a}' END::text[])).credential_id AS other_id
  FROM generate_series(1, 6) AS n,
       devapp.create_app('again-' || n, developer => CASE WHEN n < 5 THEN 'again' || n % 2 + 1 || '@example.com' END, team => CASE WHEN n > 4 THEN 'again-team' END,
                         products => '{again-a,again-b}', expires_in => CASE WHEN n = 3 THEN interval '30 days' END) AS c;
-- app(n), product(name)
CREATE FUNCTION pg_temp.app(n integer) RETURNS uuid LANGUAGE sql STABLE AS $$ SELECT m.app_id FROM pg_temp.made m WHERE m.n = app.n $$;
CREATE FUNCTION pg_temp.product(name text) RETURNS uuid LANGUAGE sql STABLE AS $$ SELECT p.product_id FROM devapp.product p WHERE p.name = product.name AND p.deleted_at IS NULL $$;
CREATE FUNCTION pg_temp.day(days_ago integer) RETURNS date LANGUAGE sql STABLE AS $$ SELECT devapp_internal.utc_today() - days_ago $$;
-- counted(days ago, app, product, verdict, calls): a flush that is rolled up
CREATE SEQUENCE pg_temp.flush;
CREATE FUNCTION pg_temp.counted(days_ago integer, app uuid, product uuid, code text, calls bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE at timestamptz := pg_temp.day(days_ago)::timestamp AT TIME ZONE 'UTC';
BEGIN
    PERFORM devapp_internal.usage_partition('usage_minute', at);
    INSERT INTO devapp.usage_flush (flush_id) VALUES (nextval('pg_temp.flush'));
    INSERT INTO devapp.usage_minute (minute, app_id, product_id, environment, code, calls, cost, flush_id)
    VALUES (at, app, product, 'live', code::devapp.verdict_code, calls, calls, currval('pg_temp.flush'));
    PERFORM devapp_internal.roll_up_usage();
END $$;
-- answered(days ago, app, product, calls): responses, as a flush writes them
CREATE FUNCTION pg_temp.answered(days_ago integer, app uuid, product uuid, calls bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO %s (day, app_id, product_id, calls, client_errors, server_errors, latency_total, latency_min, latency_max, histogram)
                    VALUES ($1, $2, $3, $4, 1, 0, ''2 s'', ''10 ms'', ''90 ms'', ''[54:55]={1,1}'')
                        ON CONFLICT (app_id, day, product_id) DO UPDATE SET calls = excluded.calls',
                   devapp_internal.usage_partition('usage_latency', pg_temp.day(days_ago)::timestamp AT TIME ZONE 'UTC'))
      USING pg_temp.day(days_ago), app, product, calls;
END $$;
SELECT pg_temp.counted(d, pg_temp.app(n), pg_temp.product(CASE WHEN (n + d) % 3 = 0 THEN 'again-b' ELSE 'again-a' END), CASE WHEN (n + d) % 4 = 0 THEN 'QUOTA_EXCEEDED' ELSE 'VALID' END, n * 10 + d)
  FROM unnest('{0,1,2,3,28,29,30,31,58,59,60}'::integer[]) AS d, generate_series(1, 5) AS n \g /dev/null
SELECT pg_temp.counted(d, NULL, NULL, 'NOT_FOUND', 7) FROM unnest('{0,5}'::integer[]) AS d \g /dev/null
SELECT pg_temp.answered(d, pg_temp.app(n), pg_temp.product('again-a'), n) FROM unnest('{0,1,2,29,30,59,60}'::integer[]) AS d, generate_series(1, 3) AS n \g /dev/null

-- what is materialized, a row a line
CREATE FUNCTION pg_temp.contents() RETURNS TABLE (line text) LANGUAGE plpgsql AS $$
DECLARE report text;
BEGIN
    FOR report IN SELECT r.report FROM devapp.report_refresh r LOOP
        RETURN QUERY EXECUTE format('SELECT %L || x::text FROM devapp_internal.%I x', report || ' ', report);
    END LOOP;
END $$;
-- refreshed(): what differs from what filling all reports makes, and which days were added up.  The filling is undone.
CREATE FUNCTION pg_temp.files(OUT days text, OUT latencies text) LANGUAGE sql AS $$
    SELECT pg_relation_filenode('devapp_internal.usage_sums_before'), pg_relation_filenode('devapp_internal.latency_totals_before') $$;
CREATE FUNCTION pg_temp.refreshed(what text, OUT step text, OUT usage text, OUT latencies text, OUT differ text) LANGUAGE plpgsql AS $$
DECLARE before record; after record; refreshed text[];
BEGIN
    step := what;
    SELECT * INTO before FROM pg_temp.files();
    PERFORM devapp.refresh_reports();
    SELECT * INTO after FROM pg_temp.files();
    usage := CASE WHEN after.days = before.days THEN 'today' ELSE 'all' END;
    latencies := CASE WHEN after.latencies = before.latencies THEN 'today' ELSE 'all' END;
    refreshed := ARRAY(SELECT line FROM pg_temp.contents());
    BEGIN
        PERFORM devapp.refresh_reports(concurrently => false);
        SELECT string_agg(x.line, E'\n') INTO differ
          FROM ((SELECT 'too much: ' || line AS line FROM (SELECT unnest(refreshed) AS line EXCEPT ALL SELECT line FROM pg_temp.contents()) AS more)
                UNION ALL SELECT 'missing: ' || line FROM (SELECT line FROM pg_temp.contents() EXCEPT ALL SELECT unnest(refreshed)) AS less) AS x;
        RAISE EXCEPTION 'undone';
    EXCEPTION WHEN raise_exception THEN
    END;
END $$;
SELECT count(*) FROM devapp.refresh_reports(concurrently => false);
SELECT count(*) > 30 AS many FROM pg_temp.contents();
SELECT * FROM pg_temp.refreshed('nothing');

-- ---------- calls ----------

SELECT pg_temp.counted(0, pg_temp.app(1), pg_temp.product('again-a'), 'VALID', 1000) \g /dev/null
SELECT * FROM pg_temp.refreshed('calls of today, of an app that had some');
SELECT pg_temp.counted(0, pg_temp.app(6), pg_temp.product('again-c'), 'VALID', 3), pg_temp.counted(1, pg_temp.app(6), NULL, 'RESOURCE_FORBIDDEN', 4) \g /dev/null
SELECT * FROM pg_temp.refreshed('the first of an app');
SELECT pg_temp.counted(0, '00000000-0000-7000-8000-00000000abcd', pg_temp.product('again-a'), 'VALID', 2) \g /dev/null
SELECT * FROM pg_temp.refreshed('calls of an app that is not there');
SELECT pg_temp.counted(10, pg_temp.app(2), pg_temp.product('again-b'), 'VALID', 50) \g /dev/null
SELECT * FROM pg_temp.refreshed('late ones, of ten days ago');
SELECT pg_temp.counted(35, pg_temp.app(6), pg_temp.product('again-b'), 'VALID', 50), pg_temp.counted(0, pg_temp.app(6), pg_temp.product('again-b'), 'VALID', 1) \g /dev/null
SELECT * FROM pg_temp.refreshed('of 35 days ago, and of today');
SELECT pg_temp.counted(0, pg_temp.app(4), pg_temp.product('again-b'), 'VALID', 9223372036854775807), pg_temp.counted(1, pg_temp.app(4), pg_temp.product('again-b'), 'VALID', 9223372036854775807) \g /dev/null
SELECT * FROM pg_temp.refreshed('more than fits');
SELECT FROM devapp.correct_usage(pg_temp.app(4)::text, 'again-b', 'live', pg_temp.day(1), 5, 'too many');
SELECT * FROM pg_temp.refreshed('a correction of yesterday');
SELECT FROM devapp.correct_usage(pg_temp.app(1)::text, 'again-a', 'live', pg_temp.day(28), 0, 'there were none');
SELECT * FROM pg_temp.refreshed('a correction of four weeks ago');
SAVEPOINT s;
SELECT pg_temp.counted(11, pg_temp.app(2), pg_temp.product('again-b'), 'VALID', 50) \g /dev/null
ROLLBACK TO s;
SELECT * FROM pg_temp.refreshed('what was undone');
SELECT pg_temp.counted(11, pg_temp.app(2), pg_temp.product('again-b'), 'VALID', 50) \g /dev/null
SELECT * FROM pg_temp.refreshed('and done again');

-- ---------- rows that an administrator changes ----------

UPDATE devapp.usage_day SET calls = calls + 1 WHERE day = pg_temp.day(0) AND calls < 1000000;
SELECT * FROM pg_temp.refreshed('an update of today');
DELETE FROM devapp.usage_day WHERE day = pg_temp.day(0) AND app_id = pg_temp.app(5);
SELECT * FROM pg_temp.refreshed('a deletion of today');
UPDATE devapp.usage_day SET calls = calls + 1 WHERE day = pg_temp.day(3);
SELECT * FROM pg_temp.refreshed('an update');
DELETE FROM devapp.usage_day WHERE app_id = pg_temp.app(3) AND day < pg_temp.day(1);
SELECT * FROM pg_temp.refreshed('a deletion');
UPDATE devapp.usage_day SET day = pg_temp.day(0) WHERE day = pg_temp.day(31) AND app_id = pg_temp.app(2);
SELECT * FROM pg_temp.refreshed('rows that are moved to today');
SET LOCAL session_replication_role = replica;
INSERT INTO devapp.usage_day (day, app_id, product_id, environment, code, calls, cost) VALUES (pg_temp.day(20), pg_temp.app(5), pg_temp.product('again-a'), 'other', 'VALID', 6, 6);
RESET session_replication_role;
SELECT * FROM pg_temp.refreshed('rows that replication writes');
-- a day each, of a hundred days: all of them are noted as one
SELECT count(devapp_internal.usage_partition('usage_day', pg_temp.day(d)::timestamp AT TIME ZONE 'UTC')) FROM generate_series(0, 69) AS d;
INSERT INTO devapp.usage_day (day, app_id, product_id, environment, code, calls, cost)
SELECT pg_temp.day(d), pg_temp.app(5), pg_temp.product('again-a'), 'days', 'VALID', d, d FROM generate_series(0, 59) AS d;
UPDATE devapp.usage_day SET day = day - 60 WHERE environment = 'days' AND day > pg_temp.day(10);
SELECT count(*) AS notes, min(day) FROM devapp_internal.usage_change WHERE source = 'usage_day';
SELECT * FROM pg_temp.refreshed('rows of many days');
SELECT count(*) AS notes FROM devapp_internal.usage_change;
-- a partition that is emptied, taken away, brought back, and gone
SELECT devapp_internal.usage_partition('usage_day', pg_temp.day(45)::timestamp AT TIME ZONE 'UTC') AS part,
       date_trunc('month', pg_temp.day(45))::date AS part_from, (date_trunc('month', pg_temp.day(45)) + interval '1 month')::date AS part_to \gset
ALTER TABLE devapp.usage_day DETACH PARTITION :part;
SELECT * FROM pg_temp.refreshed('a partition less');
ALTER TABLE devapp.usage_day ATTACH PARTITION :part FOR VALUES FROM (:'part_from') TO (:'part_to');
SELECT * FROM pg_temp.refreshed('a partition more');
TRUNCATE :part;
SELECT * FROM pg_temp.refreshed('a partition that is emptied');
DROP TABLE :part;
SELECT * FROM pg_temp.refreshed('a partition that is dropped');

-- ---------- responses ----------

SELECT pg_temp.answered(0, pg_temp.app(4), pg_temp.product('again-a'), 40) \g /dev/null
SELECT * FROM pg_temp.refreshed('responses of today');
SELECT pg_temp.answered(12, pg_temp.app(4), pg_temp.product('again-b'), 40) \g /dev/null
SELECT * FROM pg_temp.refreshed('late responses');
DELETE FROM devapp.usage_latency WHERE day = pg_temp.day(2);
SELECT * FROM pg_temp.refreshed('responses that are deleted');

-- ---------- the program ----------

SELECT FROM devapp.create_app('again-7', developer => 'again3@example.com', products => '{again-c,again-b}');
SELECT * FROM pg_temp.refreshed('a new app');
SELECT FROM devapp.update_app(pg_temp.app(1)::text, name => 'again-renamed');
SELECT count(devapp.revoke_credential(credential_id::text)) > 0 AS done FROM pg_temp.made WHERE n = 2;
SELECT count(devapp.approve_app(pg_temp.app(n)::text)) AS approved FROM unnest('{1,3,4}'::integer[]) AS n;
SELECT FROM devapp.set_credential_product_status((SELECT credential_id::text FROM pg_temp.made WHERE n = 3), 'again-b', 'revoke');
SELECT FROM devapp.suspend_app(pg_temp.app(4)::text);
SELECT FROM devapp.transfer_app(pg_temp.app(1)::text, team => 'again-team');
SELECT FROM devapp.remove_app_product(pg_temp.app(5)::text, 'again-a');
SELECT * FROM pg_temp.refreshed('decisions, a name and a transfer');
SELECT FROM devapp.delete_app(pg_temp.app(2)::text);
SELECT * FROM pg_temp.refreshed('an app is deleted');
SET LOCAL session_replication_role = replica;
UPDATE devapp.credential SET expires_at = now() - interval '1 day' WHERE credential_id IN (SELECT other_id FROM pg_temp.made WHERE n IN (4, 6));
UPDATE devapp.credential_secret s SET valid_from = now() - (100 + m.n) * interval '1 day' FROM pg_temp.made m WHERE s.credential_id IN (m.credential_id, m.other_id);
RESET session_replication_role;
SELECT * FROM pg_temp.refreshed('time has passed');
SELECT count(devapp.rotate_credential(credential_id::text, overlap => '2 days')) > 0 AS done FROM pg_temp.made WHERE n IN (1, 3, 6);
INSERT INTO devapp.last_used (credential_id, secret_version, app_id, last_used_at, last_seen_at)
SELECT credential_id, 1, app_id, now() + interval '1 second', now() + interval '1 second' FROM pg_temp.made WHERE n IN (1, 3);
SELECT * FROM pg_temp.refreshed('secrets are rotated, and the old ones used');
SET LOCAL devapp.rotation_max_age = 104;
SELECT * FROM pg_temp.refreshed('secrets may be older');
SET LOCAL devapp.rotation_max_age = 0;
SELECT * FROM pg_temp.refreshed('secrets may be of any age');
RESET devapp.rotation_max_age;
SELECT FROM devapp.delete_app(pg_temp.app(4)::text);
SELECT FROM devapp.erase_developer('again1@example.com', note => 'asked for');
SELECT * FROM pg_temp.refreshed('a developer is erased');

-- ---------- by other queries ----------

-- what one pass in C counts is what the views say
CREATE VIEW pg_temp.adoption AS
SELECT y.product_id, sum(y.approved) AS apps_approved, sum(y.pending) AS apps_pending, sum(y.revoked) AS apps_revoked, count(*) FILTER (WHERE y.approved > 0) AS owners
  FROM (SELECT x.product_id, coalesce(a.developer_id, a.team_id) AS owner_id, count(*) FILTER (WHERE x.status = 'approved') AS approved,
               count(*) FILTER (WHERE x.status = 'pending') AS pending, count(*) FILTER (WHERE x.status = 'revoked') AS revoked
          FROM devapp_internal.app_product x JOIN devapp.app a ON a.app_id = x.app_id
         WHERE a.deleted_at IS NULL GROUP BY x.product_id, owner_id) AS y
 GROUP BY y.product_id;
SELECT bool_or(apps_approved > 0) AS approved, bool_or(apps_pending > 0) AS pending, bool_or(apps_revoked > 0) AS revoked, bool_or(owners <> apps_approved) AS owners FROM pg_temp.adoption;
TABLE pg_temp.adoption EXCEPT SELECT product_id, apps_approved, apps_pending, apps_revoked, owners FROM devapp_internal.program_sums WHERE is_product;
SELECT product_id, apps_approved, apps_pending, apps_revoked, owners FROM devapp_internal.program_sums WHERE is_product AND apps_approved + apps_pending + apps_revoked > 0 EXCEPT TABLE pg_temp.adoption;
SELECT product_id, count(DISTINCT app_id) FROM devapp.usage_day WHERE app_id IS NOT NULL AND code = 'VALID' AND calls > 0 AND day > pg_temp.day(30) GROUP BY product_id
EXCEPT SELECT product_id, active_apps_30d FROM devapp_internal.program_sums WHERE is_product;
SELECT count(*) > 2 AS several, bool_or(still_used) AS used, bool_or(is_overdue) AS overdue FROM devapp_internal.rotation_queue;
SELECT credential_id, secret_version, row_number() OVER (ORDER BY still_used DESC, overlap_ends_at, issued_at, credential_id, secret_version) FROM devapp_report.rotations WHERE is_overdue OR still_used
EXCEPT SELECT credential_id, secret_version, rank FROM devapp_internal.rotation_queue;
SELECT DISTINCT total = (SELECT count(*) FROM devapp_report.rotations WHERE is_overdue OR still_used) AS all_of_them FROM devapp_internal.rotation_queue;
-- only so many, and the most urgent of them
SELECT (SELECT array_agg((s.credential_id, s.secret_version)::text ORDER BY s.credential_id) FROM devapp_internal.sum_program(now(), 90, 2) AS s WHERE NOT s.is_product)
       = (SELECT array_agg((q.credential_id, q.secret_version)::text ORDER BY q.credential_id) FROM devapp_internal.rotation_queue q WHERE q.rank <= 2) AS two;

-- ---------- what an administrator does to app_usage ----------

-- an index with an expression and a condition
CREATE INDEX app_usage_odd ON devapp_internal.app_usage ((calls_30d % 10)) WHERE calls_30d > 1;
SELECT pg_temp.counted(1, pg_temp.app(5), NULL, 'VALID', 3) \g /dev/null
SELECT * FROM pg_temp.refreshed('beside an index with an expression');
SAVEPOINT odd;
SELECT devapp_internal.put_app_usage();
ROLLBACK TO odd;
DROP INDEX devapp_internal.app_usage_odd;
-- emptied
REFRESH MATERIALIZED VIEW devapp_internal.app_usage WITH NO DATA;
SELECT pg_temp.counted(1, pg_temp.app(5), NULL, 'VALID', 4) \g /dev/null
SELECT * FROM pg_temp.refreshed('an emptied view');

-- ---------- notes ----------

-- where nobody refreshes, they do not pile up
SELECT pg_temp.counted(d, pg_temp.app(5), NULL, 'VALID', 1) FROM unnest('{1,2}'::integer[]) AS d, generate_series(1, 5) AS n \g /dev/null
SAVEPOINT a;
SELECT pg_temp.counted(2, pg_temp.app(5), NULL, 'VALID', 1) \g /dev/null
SAVEPOINT b;
SELECT pg_temp.counted(2, pg_temp.app(5), NULL, 'VALID', 1) \g /dev/null
SELECT count(*) > 2 AS many FROM devapp_internal.usage_change;
SELECT devapp_internal.compact_usage_changes();
SELECT source, pg_temp.day(0) - day AS days_ago FROM devapp_internal.usage_change ORDER BY 2;
SELECT * FROM pg_temp.refreshed('after that');
-- what is no trigger on a day
CREATE FUNCTION pg_temp.no_trigger() RETURNS text LANGUAGE plpgsql AS $$ BEGIN CREATE TEMP TABLE elsewhere (n integer);
    CREATE TRIGGER t AFTER INSERT ON elsewhere FOR EACH ROW EXECUTE FUNCTION devapp_internal.note_usage_change('usage_day');
    INSERT INTO elsewhere VALUES (1); RETURN 'taken'; EXCEPTION WHEN trigger_protocol_violated THEN RETURN 'refused'; END $$;
SELECT pg_temp.no_trigger();
ROLLBACK;
