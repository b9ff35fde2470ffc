-- Bulk runs in batches that commit.  What a crash leaves, and progress while it runs,
-- is in test/t/018_bulk.pl.
\set SHOW_CONTEXT never

SELECT FROM devapp.create_developer('run@example.com');
SELECT FROM devapp.create_team('run-team');
SELECT count(*) FROM generate_series(1, 25) AS i, devapp.create_app('run ' || i, developer => 'run@example.com');

-- 25 apps in batches of 10
CALL devapp.run_bulk('suspend', '{"owner": "run@example.com"}', 'too many calls', batch_size => 10) \gset
SELECT action, status, done, total, failed, skipped, rate > 0 AS rate, remaining, bar, started_by = current_user AS by_me, finished_at IS NOT NULL AS finished, pid
  FROM devapp.bulk_progress WHERE action = 'suspend';
SELECT outcome, old_status, new_status, error, count(*) FROM devapp.bulk_item JOIN devapp.bulk_run r USING (run_id) WHERE r.action = 'suspend' GROUP BY 1, 2, 3, 4;
SELECT status, decision_note, count(*), count(DISTINCT decided_at) AS transactions FROM devapp.app WHERE name LIKE 'run %' GROUP BY 1, 2;
-- as many as fit, and none at all
CALL devapp.run_bulk('resume', '{"owner": "run@example.com"}', batch_size => 25) \gset
CALL devapp.run_bulk('resume', '{"owner": "run@example.com"}') \gset
SELECT status, done, total, bar FROM devapp.bulk_progress WHERE action = 'resume' ORDER BY run_id;
-- arguments; an app that fails
SELECT FROM devapp.create_app('run 7', team => 'run-team');
CALL devapp.run_bulk('transfer', '{"owner": "run@example.com"}', 'to the team', 10, '{"to_team": "run-team"}') \gset
SELECT status, done, total, failed, skipped, bar FROM devapp.bulk_progress WHERE action = 'transfer';
SELECT a.name, i.outcome, i.error, i.old_status, i.new_status FROM devapp.bulk_item i JOIN devapp.bulk_run r USING (run_id) JOIN devapp.app a USING (app_id) WHERE r.action = 'transfer' AND i.outcome <> 'transferred';
SELECT count(*) FROM devapp.app JOIN devapp.team t USING (team_id) WHERE t.name = 'run-team' AND app.name LIKE 'run %';

-- refused, and no run is made
SELECT count(*) AS runs FROM devapp.bulk_run \gset
CALL devapp.run_bulk('rotate', '{"team": "run-team"}');
CALL devapp.run_bulk('explode', '{"team": "run-team"}');
CALL devapp.run_bulk(NULL, '{"team": "run-team"}');
CALL devapp.run_bulk('suspend', '{"team": "nobody"}');
CALL devapp.run_bulk('suspend', NULL);
CALL devapp.run_bulk('suspend', '{"app_ids": []}');
CALL devapp.run_bulk('suspend', '{"team": "run-team"}', batch_size => 0);
CALL devapp.run_bulk('suspend', '{"team": "run-team"}', batch_size => NULL);
CALL devapp.run_bulk('suspend', '{"team": "run-team"}', arguments => '{"to_team": "run-team"}');
CALL devapp.run_bulk('suspend', '{"team": "run-team"}', arguments => '[]');
CALL devapp.run_bulk('transfer', '{"team": "run-team"}');
CALL devapp.run_bulk('transfer', '{"team": "run-team"}', arguments => '{"to_team": 1}');
CALL devapp.run_bulk('transfer', '{"team": "run-team"}', arguments => '{"to_team": "nobody"}');
CALL devapp.run_bulk('add_products', '{"team": "run-team"}');
CALL devapp.run_bulk('add_products', '{"team": "run-team"}', arguments => '{"products": "run-product"}');
CALL devapp.run_bulk('replace_product', '{"team": "run-team"}', arguments => '{"product": "run-product"}');
CALL devapp.run_bulk('suspend', '{"team": "run-team"}', note => repeat('x', 4001));
CALL devapp.run_bulk('suspend', '{"team": "run-team"}', run_id => '00000000-0000-0000-0000-000000000000');
CALL devapp.resume_bulk(NULL);
CALL devapp.resume_bulk('00000000-0000-0000-0000-000000000000');
SELECT devapp.cancel_bulk('00000000-0000-0000-0000-000000000000');
SELECT count(*) - :runs AS made FROM devapp.bulk_run;
-- where it cannot commit
BEGIN;
CALL devapp.run_bulk('suspend', '{"team": "run-team"}');
ROLLBACK;
CREATE PROCEDURE pg_temp.nested() LANGUAGE plpgsql AS $$ DECLARE id uuid; BEGIN CALL devapp.run_bulk('suspend', '{"team": "run-team"}', run_id => id); END $$;
CREATE FUNCTION pg_temp.in_function() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CALL pg_temp.nested(); END $$;
SELECT pg_temp.in_function();
SELECT count(*) - :runs AS made FROM devapp.bulk_run;
-- but in a procedure that may
CALL pg_temp.nested();
SELECT status, done FROM devapp.bulk_progress ORDER BY run_id DESC LIMIT 1;
-- nobody holds a run that is over
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';

-- an error between two batches: what is done stays, the rest is for resume_bulk
CREATE FUNCTION run_fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.name = 'run 15' THEN RAISE EXCEPTION 'the disk is full' USING ERRCODE = 'disk_full'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER zz_fail BEFORE UPDATE ON devapp.app FOR EACH ROW EXECUTE FUNCTION run_fail();
CALL devapp.run_bulk('resume', '{"team": "run-team", "name": "run *"}', 'all is well', batch_size => 10);
SELECT run_id AS run, status, done, total, remaining IS NOT NULL AS remaining, bar, pid FROM devapp.bulk_progress ORDER BY run_id DESC LIMIT 1 \gset
SELECT :'status' AS status, :'done' AS done, :'total' AS total, :'remaining' AS remaining, :'bar' AS bar, :{?pid} AS at_work;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';
CALL devapp.resume_bulk(:'run');
DROP TRIGGER zz_fail ON devapp.app;
DROP FUNCTION run_fail;
-- meanwhile one of the rest is revoked, and one is moved out of the filter
SELECT (devapp.revoke_app(app_id)).status FROM devapp.app WHERE name = 'run 20';
SELECT FROM devapp.app, devapp.transfer_app(app_id, developer => 'run@example.com') WHERE app.name = 'run 21';
SELECT FROM devapp.create_app('run 99', team => 'run-team') AS a, devapp.suspend_app(a.app_id);
CALL devapp.resume_bulk(:'run');
SELECT status, done, total, failed, skipped, bar FROM devapp.bulk_progress WHERE run_id = :'run';
SELECT a.name, a.status, i.outcome, i.error FROM devapp.app a LEFT JOIN devapp.bulk_item i ON i.app_id = a.app_id AND i.run_id = :'run'
 WHERE (a.name LIKE 'run %') AND i.outcome IS DISTINCT FROM 'resumed' ORDER BY a.app_id;
CALL devapp.resume_bulk(:'run');
SELECT devapp.cancel_bulk(:'run');

-- given up
CREATE FUNCTION run_fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.name = 'run 15' THEN RAISE EXCEPTION 'the disk is full' USING ERRCODE = 'disk_full'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER zz_fail BEFORE UPDATE ON devapp.app FOR EACH ROW EXECUTE FUNCTION run_fail();
CALL devapp.run_bulk('suspend', '{"team": "run-team", "name": "run *"}', batch_size => 10);
DROP TRIGGER zz_fail ON devapp.app;
DROP FUNCTION run_fail;
SELECT run_id AS run FROM devapp.bulk_run ORDER BY run_id DESC LIMIT 1 \gset
SELECT done, cancelled_at IS NOT NULL AS cancelled FROM devapp.cancel_bulk(:'run');
SELECT status, done, total, remaining, bar FROM devapp.bulk_progress WHERE run_id = :'run';
CALL devapp.resume_bulk(:'run');

-- the new owner of a transfer is deleted before it is over
SELECT FROM devapp.create_team('run-gone');
CREATE FUNCTION run_fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the disk is full' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER zz_fail BEFORE UPDATE ON devapp.app FOR EACH ROW EXECUTE FUNCTION run_fail();
CALL devapp.run_bulk('transfer', '{"team": "run-team"}', arguments => '{"to_team": "run-gone"}');
DROP TRIGGER zz_fail ON devapp.app;
DROP FUNCTION run_fail;
SELECT FROM devapp.delete_team('run-gone');
SELECT run_id AS run FROM devapp.bulk_run ORDER BY run_id DESC LIMIT 1 \gset
CALL devapp.resume_bulk(:'run');
SELECT status, done FROM devapp.bulk_progress WHERE run_id = :'run';
SELECT FROM devapp.cancel_bulk(:'run');

-- a bar for clients that know no blocks
SELECT devapp_internal.progress_bar(x) FROM unnest('{0,0.05,0.1,0.999,1}'::float8[]) AS x;
SET client_encoding = 'LATIN1';
SELECT devapp_internal.progress_bar(0.66);
RESET client_encoding;

-- the runs stay
DELETE FROM devapp.bulk_run;
DELETE FROM devapp.bulk_item;
TRUNCATE devapp.bulk_item, devapp.bulk_run;
UPDATE devapp.bulk_run SET action = 'revoke';
