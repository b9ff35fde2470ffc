-- From shared memory to the tables, and from minutes to hours and days.

CREATE FUNCTION devapp_internal.take_usage() RETURNS bigint
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'devapp_take_usage';

CREATE FUNCTION devapp_internal.taken_calls() RETURNS TABLE (
    minute timestamptz,
    app_id uuid,
    credential_id uuid,
    secret_version integer,
    product_id uuid,
    operation_id uuid,
    environment text,
    code devapp.verdict_code,
    calls bigint,
    cost bigint,
    last_at timestamptz,
    leased boolean
)
    LANGUAGE c VOLATILE ROWS 100000 AS 'MODULE_PATHNAME', 'devapp_taken_calls';

CREATE FUNCTION devapp_internal.taken_responses() RETURNS TABLE (
    day timestamptz,
    app_id uuid,
    product_id uuid,
    calls bigint,
    client_errors bigint,
    server_errors bigint,
    latency_total interval,
    latency_min interval,
    latency_max interval,
    histogram bigint[]
)
    LANGUAGE c VOLATILE ROWS 1000 AS 'MODULE_PATHNAME', 'devapp_taken_responses';

CREATE FUNCTION devapp_internal.merge_histograms(a bigint[], b bigint[]) RETURNS bigint[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'devapp_add_histograms';

-- Sums stop at what fits, see src/meter/add_counts.c.
CREATE FUNCTION devapp_internal.add_counts(a bigint, b bigint) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'devapp_add_counts';

-- sum(bigint) makes a numeric of a state of 100 bytes.  This one fits into the hash
-- table of a group, which halves the time of grouping by app, and it stops at what fits.
CREATE AGGREGATE devapp_internal.sum_bigint(bigint) (
    SFUNC = devapp_internal.add_counts,
    STYPE = bigint,
    COMBINEFUNC = devapp_internal.add_counts,
    PARALLEL = SAFE
);
SELECT devapp_internal.grant_to('devapp_internal.sum_bigint', 'admin', 'developer');

CREATE FUNCTION devapp_internal.add_latencies(a interval, b interval) RETURNS interval
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN a > interval '2562047788:00:54.775807' - b THEN interval '2562047788:00:54.775807' ELSE a + b END;

-- One flush or rolling up at a time.
CREATE FUNCTION devapp_internal.lock_usage() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '10s'
AS $$
BEGIN
    PERFORM devapp_internal.begin_work();
    INSERT INTO devapp.housekeeping (task, done_at) VALUES ('maintain_usage', '-infinity') ON CONFLICT DO NOTHING;
    PERFORM FROM devapp.housekeeping h WHERE h.task = 'maintain_usage' FOR NO KEY UPDATE;
END
$$;

-- A number that no other flush has, here or elsewhere: seconds and 30 bits of chance.
CREATE FUNCTION devapp_internal.new_flush() RETURNS bigint
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO devapp.usage_flush (flush_id)
    VALUES (floor(extract(epoch FROM clock_timestamp()))::bigint * 1073741824 + floor(random() * 1073741824)::bigint)
    RETURNING flush_id
$$;

-- ---------- flushing ----------

CREATE FUNCTION devapp_internal.write_calls(flush_id bigint) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
BEGIN
    PERFORM devapp_internal.usage_partition('usage_minute', d.day)
       FROM (SELECT DISTINCT date_trunc('day', t.minute) AS day FROM devapp_internal.taken_calls() t) AS d;
    INSERT INTO devapp.usage_minute (minute, app_id, credential_id, secret_version, product_id, operation_id,
                                     environment, code, calls, cost, flush_id)
    SELECT t.minute, t.app_id, t.credential_id, t.secret_version, t.product_id, t.operation_id,
           t.environment, t.code, t.calls, t.cost, write_calls.flush_id
      FROM devapp_internal.taken_calls() t;

    -- nobody else writes here, so this needs none of the care of ON CONFLICT
    WITH seen AS MATERIALIZED (
        SELECT t.credential_id, t.secret_version, t.app_id,
               max(t.last_at) FILTER (WHERE t.code = 'VALID') AS last_used_at, max(t.last_at) AS last_seen_at
          FROM devapp_internal.taken_calls() t
         WHERE t.credential_id IS NOT NULL
         GROUP BY 1, 2, 3
    ), known AS (
        UPDATE devapp.last_used l
           SET last_used_at = greatest(l.last_used_at, s.last_used_at),
               last_seen_at = greatest(l.last_seen_at, s.last_seen_at)
          FROM seen s
         WHERE l.credential_id = s.credential_id AND l.secret_version = s.secret_version
        RETURNING l.credential_id, l.secret_version
    )
    INSERT INTO devapp.last_used (credential_id, secret_version, app_id, last_used_at, last_seen_at)
    SELECT s.credential_id, s.secret_version, s.app_id, s.last_used_at, s.last_seen_at
      FROM seen s
     WHERE NOT EXISTS (SELECT FROM known k WHERE k.credential_id = s.credential_id AND k.secret_version = s.secret_version)
     ORDER BY s.credential_id;
END
$$;

-- Says whether what caused the error passes by itself: a lock, a full disk, a shutdown.
CREATE FUNCTION devapp_internal.is_passing_error(state text) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT left(state, 2) IN ('40', '53', '57', '58', 'XX') OR state = '55P03'
$$;

-- Responses of these days return to memory when the transaction commits.  The answer says
-- whether the problem is new and worth logging.
CREATE FUNCTION devapp_internal.put_back_responses(from_day timestamptz, to_day timestamptz, problem text) RETURNS boolean
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'devapp_put_back_responses';

CREATE FUNCTION devapp_internal.write_responses_of(month timestamptz, written_at timestamptz) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
BEGIN
    EXECUTE format(
        'INSERT INTO %s AS l (day, app_id, product_id, calls, client_errors, server_errors,
                              latency_total, latency_min, latency_max, histogram, updated_at)
         SELECT t.day::date, t.app_id, t.product_id, t.calls, t.client_errors, t.server_errors,
                t.latency_total, t.latency_min, t.latency_max, t.histogram, $2
           FROM devapp_internal.taken_responses() t
          WHERE t.day >= $1 AND t.day < $1 + interval ''1 month''
             ON CONFLICT (app_id, day, product_id) DO UPDATE
            SET calls = devapp_internal.add_counts(l.calls, excluded.calls),
                client_errors = devapp_internal.add_counts(l.client_errors, excluded.client_errors),
                server_errors = devapp_internal.add_counts(l.server_errors, excluded.server_errors),
                latency_total = devapp_internal.add_latencies(l.latency_total, excluded.latency_total),
                latency_min = least(l.latency_min, excluded.latency_min),
                latency_max = greatest(l.latency_max, excluded.latency_max),
                histogram = devapp_internal.merge_histograms(l.histogram, excluded.histogram), updated_at = excluded.updated_at',
        devapp_internal.usage_partition('usage_latency', month)) USING month, written_at;
END
$$;

-- A month whose partition cannot be written to keeps its responses in memory, and the others are
-- written.
CREATE FUNCTION devapp_internal.write_responses() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    written_at timestamptz := clock_timestamp();
    month timestamptz;
    problem text;
BEGIN
    FOR month IN SELECT DISTINCT date_trunc('month', t.day) FROM devapp_internal.taken_responses() t LOOP
        BEGIN
            PERFORM devapp_internal.write_responses_of(month, written_at);
        EXCEPTION WHEN OTHERS THEN
            IF devapp_internal.is_passing_error(SQLSTATE) THEN
                RAISE;
            END IF;
            problem := format('response times of %s could not be written: %s', to_char(month, 'YYYY-MM'), SQLERRM);
            IF devapp_internal.put_back_responses(month, month + interval '1 month', problem) THEN
                RAISE WARNING '%', problem
                    USING HINT = 'The counts stay in memory, and each flush tries again. See the check "storage" of devapp.doctor().';
            END IF;
        END;
    END LOOP;
END
$$;

-- What the transaction took, as a flush of its own.
CREATE FUNCTION devapp_internal.write_usage() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM devapp_internal.write_calls(devapp_internal.new_flush());
    PERFORM devapp_internal.write_quota_usage();
    PERFORM devapp_internal.write_responses();
END
$$;

-- Nobody but its owner may write to the tables of usage, so this runs as the owner.
CREATE FUNCTION devapp_internal.flush_counts() RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET work_mem = '64MB'
AS $$
DECLARE
    taken bigint;
BEGIN
    PERFORM devapp_internal.lock_usage();
    taken := devapp_internal.take_usage();
    IF taken > 0 THEN
        PERFORM devapp_internal.write_usage();
    END IF;
    RETURN taken;
END
$$;

-- ---------- rolling up ----------

-- The rows of these flushes, of a month, into the hours.
CREATE FUNCTION devapp_internal.roll_up_hours(month timestamptz, flush_ids bigint[], written_at timestamptz) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
BEGIN
    EXECUTE format(
        'INSERT INTO %s AS h (hour, app_id, credential_id, product_id, operation_id, environment, code, calls, cost, updated_at)
         SELECT date_trunc(''hour'', m.minute), m.app_id, m.credential_id, m.product_id, m.operation_id, m.environment,
                m.code, devapp_internal.sum_bigint(m.calls), devapp_internal.sum_bigint(m.cost), $3
           FROM devapp.usage_minute m
          WHERE m.flush_id = ANY ($2) AND m.minute >= $1 AND m.minute < $1 + interval ''1 month''
          GROUP BY 1, 2, 3, 4, 5, 6, 7
          ORDER BY 2, 1
             ON CONFLICT (app_id, hour, product_id, credential_id, operation_id, environment, code) DO UPDATE
            SET calls = devapp_internal.add_counts(h.calls, excluded.calls), cost = devapp_internal.add_counts(h.cost, excluded.cost),
                updated_at = excluded.updated_at',
        devapp_internal.usage_partition('usage_hour', month)) USING month, flush_ids, written_at;
END
$$;

CREATE FUNCTION devapp_internal.roll_up_days(month timestamptz, flush_ids bigint[], written_at timestamptz) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
BEGIN
    EXECUTE format(
        'INSERT INTO %s AS d (day, app_id, product_id, environment, code, calls, cost, updated_at)
         SELECT m.minute::date, m.app_id, m.product_id, m.environment, m.code, devapp_internal.sum_bigint(m.calls), devapp_internal.sum_bigint(m.cost), $3
           FROM devapp.usage_minute m
          WHERE m.flush_id = ANY ($2) AND m.minute >= $1 AND m.minute < $1 + interval ''1 month''
          GROUP BY 1, 2, 3, 4, 5
          ORDER BY 2, 1
             ON CONFLICT (app_id, day, product_id, environment, code) DO UPDATE
            SET calls = devapp_internal.add_counts(d.calls, excluded.calls), cost = devapp_internal.add_counts(d.cost, excluded.cost),
                updated_at = excluded.updated_at',
        devapp_internal.usage_partition('usage_day', month)) USING month, flush_ids, written_at;
END
$$;

-- Both in one pass (src/meter/roll_up.c); false: somebody has changed one of the partitions, and
-- nothing was done.
CREATE FUNCTION devapp_internal.roll_up(
    hours regclass,
    days regclass,
    from_time timestamptz,
    to_time timestamptz,
    flush_ids bigint[],
    written_at timestamptz
) RETURNS boolean
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'devapp_roll_up';

CREATE FUNCTION devapp_internal.roll_up_month(month timestamptz, flush_ids bigint[], written_at timestamptz) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
BEGIN
    IF NOT devapp_internal.roll_up(devapp_internal.usage_partition('usage_hour', month), devapp_internal.usage_partition('usage_day', month),
                                   month, month + interval '1 month', flush_ids, written_at) THEN
        PERFORM devapp_internal.roll_up_hours(month, flush_ids, written_at);
        PERFORM devapp_internal.roll_up_days(month, flush_ids, written_at);
    END IF;
END
$$;

-- The same; returns why the month cannot be written to, null if it was.  An error that passes by
-- itself is raised, and all of it is tried again.
CREATE FUNCTION devapp_internal.try_month(month timestamptz, flush_ids bigint[], written_at timestamptz) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM devapp_internal.roll_up_month(month, flush_ids, written_at);
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    IF devapp_internal.is_passing_error(SQLSTATE) THEN
        RAISE;
    END IF;
    RETURN SQLERRM;
END
$$;

-- Flushes wait for a month that cannot be written to.  Only the first time is logged.
CREATE FUNCTION devapp_internal.set_month_aside(month timestamptz, flush_ids bigint[], problem text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM devapp.usage_flush f WHERE set_month_aside.month = ANY (f.waiting_months)) THEN
        RAISE WARNING 'usage of % could not be added to hours and days: %', to_char(month, 'YYYY-MM'), problem
            USING HINT = 'Its usage by the minute is kept, and is added later. See the check "storage" of devapp.doctor().';
    END IF;
    UPDATE devapp.usage_flush f
       SET waiting_months = f.waiting_months || set_month_aside.month
     WHERE f.flush_id IN (SELECT m.flush_id FROM devapp.usage_minute m
                           WHERE m.flush_id = ANY (flush_ids)
                             AND m.minute >= set_month_aside.month AND m.minute < set_month_aside.month + interval '1 month');
END
$$;

-- What was flushed since the last time.
CREATE FUNCTION devapp_internal.roll_up_usage() RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    SET work_mem = '64MB'
AS $$
DECLARE
    flush_ids bigint[];
    month timestamptz;
    problem text;
    written_at timestamptz;
    done bigint;
BEGIN
    PERFORM devapp_internal.lock_usage();
    -- behind the lock, so that times ascend with commits
    written_at := clock_timestamp();
    flush_ids := ARRAY(SELECT f.flush_id FROM devapp.usage_flush f WHERE f.waiting_months IS NULL);
    FOR month IN SELECT DISTINCT date_trunc('month', m.minute)
                   FROM devapp.usage_minute m WHERE m.flush_id = ANY (flush_ids) LOOP
        problem := devapp_internal.try_month(month, flush_ids, written_at);
        IF problem IS NOT NULL THEN
            PERFORM devapp_internal.set_month_aside(month, flush_ids, problem);
        END IF;
    END LOOP;
    DELETE FROM devapp.usage_flush f WHERE f.waiting_months IS NULL;
    GET DIAGNOSTICS done = ROW_COUNT;
    RETURN done;
END
$$;

-- Those of months that could not be written to, month by month.  This may take long where many
-- wait, so the worker tries only when it maintains the partitions.
CREATE FUNCTION devapp_internal.roll_up_waiting() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    SET work_mem = '64MB'
AS $$
DECLARE
    flush_ids bigint[];
    month timestamptz;
    problem text;
    written_at timestamptz;
BEGIN
    PERFORM devapp_internal.lock_usage();
    written_at := clock_timestamp();
    FOR month IN SELECT DISTINCT unnest(f.waiting_months) FROM devapp.usage_flush f ORDER BY 1 LOOP
        flush_ids := ARRAY(SELECT f.flush_id FROM devapp.usage_flush f WHERE month = ANY (f.waiting_months));
        problem := devapp_internal.try_month(month, flush_ids, written_at);
        IF problem IS NULL THEN
            UPDATE devapp.usage_flush f SET waiting_months = array_remove(f.waiting_months, month) WHERE f.flush_id = ANY (flush_ids);
        ELSE
            RAISE WARNING 'usage of % still cannot be added to hours and days: %', to_char(month, 'YYYY-MM'), problem
                USING HINT = 'Its usage by the minute is kept, and is added later. See the check "storage" of devapp.doctor().';
        END IF;
    END LOOP;
    DELETE FROM devapp.usage_flush f WHERE f.waiting_months = '{}';
END
$$;

CREATE FUNCTION devapp_internal.flush_usage() RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    flushed bigint := devapp_internal.take_spool() + devapp_internal.flush_counts();
BEGIN
    PERFORM devapp_internal.roll_up_waiting();
    PERFORM devapp_internal.roll_up_usage();
    RETURN flushed;
END
$$;

CREATE FUNCTION devapp.flush_usage() RETURNS bigint
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.flush_usage() IS 'Writes counted usage to its tables now; returns the number of counters';
SELECT devapp_internal.grant_to('devapp.flush_usage', 'admin');
