-- Bulk runs that commit batch by batch; the loop is in C (bulk.c), and
-- calls the public functions bulk_start(), bulk_step() and bulk_resumable(): a procedure
-- that commits cannot lend rights.

CREATE FUNCTION devapp_internal.bulk_start(action text, filter jsonb, note text, batch_size integer, arguments jsonb)
    RETURNS uuid
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    job devapp.bulk_job;
    new_id uuid;
BEGIN
    bulk_start.action := lower(action COLLATE "C");
    IF action = 'rotate' THEN
        RAISE EXCEPTION 'a bulk run cannot rotate credentials'
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'Use devapp.bulk_rotate, which returns the new secrets, in chunks of apps.';
    END IF;
    IF batch_size IS NULL OR batch_size NOT BETWEEN 1 AND 100000 THEN
        RAISE EXCEPTION 'batch_size must be from 1 to 100000'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'It is the number of apps that are changed, and locked, in one transaction.';
    END IF;
    job := devapp_internal.make_bulk_job(action, NULL, filter, arguments, note);
    INSERT INTO devapp.bulk_run AS r (action, filter, note, batch_size, arguments, job, started_by)
    VALUES (bulk_start.action, bulk_start.filter, bulk_start.note, bulk_start.batch_size,
            coalesce(bulk_start.arguments, '{}'), job, devapp_internal.actor_name())
    RETURNING r.run_id INTO new_id;
    WITH made AS (
        INSERT INTO devapp.bulk_item (run_id, app_id)
        SELECT new_id, a.app_id FROM unnest(devapp_internal.bulk_apps(job)) AS a(app_id)
        RETURNING 1)
    UPDATE devapp.bulk_run r SET total = (SELECT count(*) FROM made) WHERE r.run_id = new_id;
    RETURN new_id;
END
$$;

CREATE FUNCTION devapp.bulk_start(action text, filter jsonb, note text, batch_size integer, arguments jsonb) RETURNS uuid
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.bulk_start IS 'Records a bulk run and its apps; a part of devapp.run_bulk';
SELECT devapp_internal.grant_to('devapp.bulk_start', 'admin');

-- A run that is not over, locked.
CREATE FUNCTION devapp_internal.bulk_resumable(run_id uuid) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    run devapp.bulk_run;
BEGIN
    SELECT * INTO run FROM devapp.bulk_run r WHERE r.run_id = bulk_resumable.run_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'bulk run % does not exist', coalesce(bulk_resumable.run_id::text, '(null)')
            USING ERRCODE = 'undefined_object',
                  HINT = 'List the runs with SELECT * FROM devapp.bulk_progress.';
    END IF;
    IF run.finished_at IS NOT NULL OR run.cancelled_at IS NOT NULL THEN
        RAISE EXCEPTION 'this bulk run is %',
                        CASE WHEN run.finished_at IS NOT NULL THEN 'done' ELSE 'cancelled' END
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Start another with CALL devapp.run_bulk.';
    END IF;
    RETURN run.run_id;
END
$$;

CREATE FUNCTION devapp.bulk_resumable(run_id uuid) RETURNS uuid
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.bulk_resumable IS 'Locks an unfinished bulk run, or raises an error; a part of devapp.resume_bulk';
SELECT devapp_internal.grant_to('devapp.bulk_resumable', 'admin');

-- The next batch: the changes, and what became of each app.  Is there more to do?  The
-- run's row is locked at the end only, so that cancel_bulk() can write to it meanwhile.
CREATE FUNCTION devapp_internal.bulk_step(run_id uuid) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    began constant timestamptz := clock_timestamp();
    run devapp.bulk_run;
    batch uuid[];
BEGIN
    SELECT * INTO run FROM devapp.bulk_run r WHERE r.run_id = bulk_step.run_id;
    IF run.cancelled_at IS NOT NULL THEN
        RETURN false;
    END IF;
    batch := ARRAY(SELECT i.app_id FROM devapp.bulk_item i
                    WHERE i.run_id = run.run_id AND i.app_id > run.last_app_id
                    ORDER BY i.app_id
                    LIMIT run.batch_size);
    WITH results AS MATERIALIZED (
        SELECT * FROM devapp_internal.bulk_apply(run.job, batch)
    ), marked AS (
        UPDATE devapp.bulk_item i
           SET outcome = b.outcome, old_status = b.old_status, new_status = b.new_status, error = b.error,
               done_at = clock_timestamp(), transaction_id = pg_current_xact_id()
          FROM results b
         WHERE i.run_id = run.run_id AND i.app_id = b.app_id
           -- without statistics the planner would read all items of the run for it
           AND i.app_id BETWEEN batch[1] AND batch[cardinality(batch)]
        RETURNING i.outcome)
    UPDATE devapp.bulk_run r
       SET done = r.done + m.done,
           failed = r.failed + m.failed,
           skipped = r.skipped + m.skipped,
           last_app_id = coalesce(batch[cardinality(batch)], r.last_app_id),
           busy = r.busy + (clock_timestamp() - began),
           finished_at = CASE WHEN cardinality(batch) < r.batch_size THEN clock_timestamp() END
      FROM (SELECT count(*) AS done,
                   count(*) FILTER (WHERE k.outcome = 'failed') AS failed,
                   count(*) FILTER (WHERE k.outcome = 'skipped') AS skipped
              FROM marked k) AS m
     WHERE r.run_id = run.run_id;
    RETURN cardinality(batch) = run.batch_size;
END
$$;

CREATE FUNCTION devapp.bulk_step(run_id uuid) RETURNS boolean
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.bulk_step IS 'Processes the next batch of a bulk run; a part of devapp.run_bulk';
SELECT devapp_internal.grant_to('devapp.bulk_step', 'admin');

CREATE PROCEDURE devapp.run_bulk(
    action text,
    filter jsonb,
    note text DEFAULT NULL,
    batch_size integer DEFAULT 1000,
    arguments jsonb DEFAULT NULL,
    INOUT run_id uuid DEFAULT NULL
)
    LANGUAGE c
    AS 'MODULE_PATHNAME', 'devapp_run_bulk';
COMMENT ON PROCEDURE devapp.run_bulk(text, jsonb, text, integer, jsonb, uuid) IS
    'Runs a bulk action on any number of apps, in batches that commit; returns the id of the run';
SELECT devapp_internal.grant_to('devapp.run_bulk', 'admin');

CREATE PROCEDURE devapp.resume_bulk(run_id uuid)
    LANGUAGE c
    AS 'MODULE_PATHNAME', 'devapp_resume_bulk';
COMMENT ON PROCEDURE devapp.resume_bulk(uuid) IS 'Resumes a bulk run that was interrupted';
SELECT devapp_internal.grant_to('devapp.resume_bulk', 'admin');

-- The batch that is being made is made to its end, and stays.
CREATE FUNCTION devapp_internal.cancel_bulk(run_id uuid) RETURNS devapp.bulk_run
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    run devapp.bulk_run;
BEGIN
    PERFORM devapp_internal.bulk_resumable(cancel_bulk.run_id);
    UPDATE devapp.bulk_run r SET cancelled_at = now()
     WHERE r.run_id = cancel_bulk.run_id
    RETURNING r.* INTO run;
    RETURN run;
END
$$;

CREATE FUNCTION devapp.cancel_bulk(run_id uuid) RETURNS devapp.bulk_run
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.cancel_bulk(uuid) IS 'Cancels a bulk run after its current batch; completed batches stay';
SELECT devapp_internal.grant_to('devapp.cancel_bulk', 'admin');

-- ---------- progress ----------

CREATE FUNCTION devapp_internal.bulk_lock_key(run_id uuid) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_bulk_lock_key';
SELECT devapp_internal.grant_to('devapp_internal.bulk_lock_key', 'admin');

-- In ten blocks; in plain letters for a client that may not know these.  chr() of a
-- constant is worked out beforehand, and is an error where the encoding has no blocks.
CREATE FUNCTION devapp_internal.progress_bar(share double precision) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT repeat(chr(CASE WHEN c.blocks THEN 9608 ELSE 35 END), floor(share * 10)::integer)
           || repeat(chr(CASE WHEN c.blocks THEN 9617 ELSE 46 END), 10 - floor(share * 10)::integer)
           || ' ' || floor(share * 100) || ' %'
      FROM (SELECT getdatabaseencoding() = 'UTF8' AND pg_client_encoding() = 'UTF8' AS blocks) AS c
$$;
SELECT devapp_internal.grant_to('devapp_internal.progress_bar', 'admin');

CREATE VIEW devapp.bulk_progress WITH (security_invoker = true) AS
    SELECT r.run_id, r.action,
           CASE WHEN r.finished_at IS NOT NULL THEN 'done'
                WHEN r.cancelled_at IS NOT NULL THEN 'cancelled'
                WHEN l.pid IS NOT NULL THEN 'running'
                ELSE 'interrupted' END AS status,
           r.done, r.total, r.failed, r.skipped,
           round((r.done / nullif(extract(epoch FROM r.busy), 0))::numeric, 1) AS rate,
           CASE WHEN r.finished_at IS NULL AND r.cancelled_at IS NULL
                THEN date_trunc('second', r.busy * ((r.total - r.done)::double precision / nullif(r.done, 0))) END AS remaining,
           devapp_internal.progress_bar(CASE WHEN r.total = 0 THEN 1 ELSE r.done::double precision / r.total END) AS bar,
           r.started_by, r.started_at, r.finished_at, l.pid
      FROM devapp.bulk_run r
      LEFT JOIN pg_catalog.pg_locks l
             ON l.locktype = 'advisory'
            AND l.granted
            AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
            AND l.objsubid = 1
            AND ((l.classid::bigint << 32) | l.objid::bigint) = devapp_internal.bulk_lock_key(r.run_id);
COMMENT ON VIEW devapp.bulk_progress IS 'Progress of bulk runs, to be watched from another session';
COMMENT ON COLUMN devapp.bulk_progress.status IS
    'running, done, cancelled, or interrupted: no session is processing it; see devapp.resume_bulk';
COMMENT ON COLUMN devapp.bulk_progress.done IS 'Processed apps, including failed and skipped ones';
COMMENT ON COLUMN devapp.bulk_progress.rate IS 'Apps per second, while processing';
COMMENT ON COLUMN devapp.bulk_progress.remaining IS 'Estimated remaining time at this rate';
COMMENT ON COLUMN devapp.bulk_progress.pid IS 'Process id of the session that is processing it';
SELECT devapp_internal.grant_on('TABLE', 'devapp.bulk_progress', 'SELECT', 'admin');
