-- Parts of quotas that this server, as the primary, lends to its standbys (src/quota/lease_core.c).

CREATE FUNCTION devapp_internal.settle_lease(
    quota_limit bigint,
    used bigint,
    reserved bigint,
    number bigint,
    batch bigint,
    granted bigint,
    lease_used bigint,
    ask_number bigint,
    ask_batch bigint,
    ask_used bigint,
    ask_held bigint,
    ask_want bigint,
    ask_need bigint,
    servers bigint,
    stands boolean,
    OUT new_used bigint,
    OUT new_reserved bigint,
    OUT new_number bigint,
    OUT new_batch bigint,
    OUT new_granted bigint,
    OUT new_lease_used bigint,
    OUT is_new boolean,
    OUT is_void boolean
)
    LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'devapp_settle_lease';

-- What of a bucket this server's memory counts: of a hard quota what is there only, of a soft
-- one all of it, with what is reserved.
CREATE FUNCTION devapp_internal.quota_bucket_used(
    app_id uuid,
    product_id uuid,
    operation_id uuid,
    environment text,
    hard boolean,
    window_start timestamptz,
    window_end timestamptz
) RETURNS bigint
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'devapp_quota_bucket_used';

CREATE FUNCTION devapp_internal.charge_quota_bucket(
    app_id uuid,
    product_id uuid,
    operation_id uuid,
    environment text,
    hard boolean,
    window_start timestamptz,
    window_end timestamptz,
    amount bigint
) RETURNS void
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'devapp_charge_quota_bucket';

CREATE FUNCTION devapp_internal.finish_leases() RETURNS TABLE (
    app_id uuid,
    product_id uuid,
    operation_id uuid,
    environment text,
    window_start timestamptz,
    window_end timestamptz,
    number bigint,
    batch bigint,
    used bigint
)
    LANGUAGE c VOLATILE ROWS 10 AS 'MODULE_PATHNAME', 'devapp_finish_leases';

-- At commit, this server has no leases from when it was a standby any more.
CREATE FUNCTION devapp_internal.end_leases() RETURNS void
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'devapp_end_leases';

CREATE FUNCTION devapp_internal.own_server() RETURNS uuid
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'devapp_own_server';

-- The quota that a bucket counts for, and its window by this server's clock; no row: there is none.
CREATE FUNCTION devapp_internal.quota_of_bucket(app_id uuid, product_id uuid, operation_id uuid) RETURNS TABLE (
    quota_limit bigint,
    hard boolean,
    window_start timestamptz,
    window_end timestamptz
)
    LANGUAGE sql VOLATILE ROWS 1
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT q.quota_limit, q.hard, w.window_start, w.window_end
      FROM (SELECT CASE WHEN quota_of_bucket.operation_id IS NULL THEN coalesce(n.quota_limit, p.quota_limit) ELSE o.quota_limit END AS quota_limit,
                   CASE WHEN quota_of_bucket.operation_id IS NULL THEN coalesce(n.quota_interval, p.quota_interval) ELSE o.quota_interval END AS quota_interval,
                   CASE WHEN quota_of_bucket.operation_id IS NULL THEN coalesce(n.quota_unit, p.quota_unit) ELSE o.quota_unit END AS quota_unit,
                   p.quota_enforcement = 'hard' AS hard, p.time_zone
              FROM devapp.app a
              JOIN devapp.product p ON p.product_id = quota_of_bucket.product_id AND p.deleted_at IS NULL
              LEFT JOIN devapp.product_operation o ON o.operation_id = quota_of_bucket.operation_id AND o.product_id = p.product_id
              LEFT JOIN devapp_internal.app_quota_now n ON n.app_id = a.app_id AND n.product_id = p.product_id
             WHERE a.app_id = quota_of_bucket.app_id AND a.deleted_at IS NULL) AS q
     CROSS JOIN LATERAL devapp_internal.quota_window(clock_timestamp(), q.quota_interval, q.quota_unit, q.time_zone) w
     WHERE q.quota_limit IS NOT NULL
$$;

-- The row of a bucket, locked; none: somebody else has it locked for longer than is waited, or
-- has just made it and not committed, or nobody waits.  The wait is shorter than
-- deadlock_timeout, so it is never another transaction that a deadlock ends.
CREATE FUNCTION devapp_internal.lock_quota_bucket(
    app_id uuid,
    product_id uuid,
    operation_id uuid,
    environment text,
    window_start timestamptz,
    window_end timestamptz,
    wait boolean
) RETURNS SETOF devapp.quota_usage
    LANGUAGE plpgsql ROWS 1
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '500ms'
AS $$
BEGIN
    RETURN QUERY
    SELECT u.* FROM devapp.quota_usage u
     WHERE u.app_id = lock_quota_bucket.app_id AND u.product_id = lock_quota_bucket.product_id
       AND u.operation_id IS NOT DISTINCT FROM lock_quota_bucket.operation_id AND u.environment = lock_quota_bucket.environment
       FOR NO KEY UPDATE SKIP LOCKED;
    IF FOUND THEN
        RETURN;
    END IF;
    -- a row that is not there yet cannot be skipped; the setting ends with the function
    IF NOT wait THEN
        SET LOCAL lock_timeout = '1ms';
    END IF;
    BEGIN
        INSERT INTO devapp.quota_usage (app_id, product_id, operation_id, environment, window_start, window_end, used)
        SELECT lock_quota_bucket.app_id, lock_quota_bucket.product_id, lock_quota_bucket.operation_id, lock_quota_bucket.environment,
               lock_quota_bucket.window_start, lock_quota_bucket.window_end, 0
         WHERE NOT EXISTS (SELECT FROM devapp.quota_usage u
                            WHERE u.app_id = lock_quota_bucket.app_id AND u.product_id = lock_quota_bucket.product_id
                              AND u.operation_id IS NOT DISTINCT FROM lock_quota_bucket.operation_id
                              AND u.environment = lock_quota_bucket.environment)
            ON CONFLICT ON CONSTRAINT quota_usage_key DO NOTHING;
        RETURN QUERY
        SELECT u.* FROM devapp.quota_usage u
         WHERE u.app_id = lock_quota_bucket.app_id AND u.product_id = lock_quota_bucket.product_id
           AND u.operation_id IS NOT DISTINCT FROM lock_quota_bucket.operation_id AND u.environment = lock_quota_bucket.environment
           FOR NO KEY UPDATE;
    EXCEPTION WHEN lock_not_available THEN
        RETURN;
    END;
END
$$;

-- What servers hold of a soft quota longer than they may is given back; how much.  Of a hard
-- one it stays reserved until the window ends: nobody knows whether it was used; so does what was
-- lent before a quota became hard.  The row of the bucket is locked.
CREATE FUNCTION devapp_internal.expire_leases(bucket devapp.quota_usage, but_of uuid) RETURNS bigint
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH expired AS (
        SELECT l.server, l.granted - l.used AS outstanding
          FROM devapp.quota_lease l
         WHERE l.app_id = bucket.app_id AND l.product_id = bucket.product_id
           AND l.operation_id IS NOT DISTINCT FROM bucket.operation_id AND l.environment = bucket.environment
           AND (l.window_start, l.window_end) = (bucket.window_start, bucket.window_end)
           AND NOT l.hard AND l.expires_at <= clock_timestamp() AND l.granted > l.used AND l.server IS DISTINCT FROM but_of
           AND NOT EXISTS (SELECT FROM devapp.product p WHERE p.product_id = bucket.product_id AND p.quota_enforcement = 'hard')
    ), ended AS (
        UPDATE devapp.quota_lease l
           SET granted = l.used
          FROM expired e
         WHERE l.app_id = bucket.app_id AND l.product_id = bucket.product_id
           AND l.operation_id IS NOT DISTINCT FROM bucket.operation_id AND l.environment = bucket.environment
           AND l.server = e.server
    )
    SELECT coalesce(sum(e.outstanding), 0)::bigint FROM expired e
$$;

-- One report of one server about one bucket.  No row: the bucket is busy, and nothing is changed.
-- The clocks of two servers may see the window change at different moments: until both are in
-- the same one, nothing is lent; nor is anything to a standby that does not know yet that the
-- quota has become hard, or soft.
CREATE FUNCTION devapp_internal.answer_lease(
    server uuid,
    server_name text,
    app_id uuid,
    product_id uuid,
    operation_id uuid,
    environment text,
    window_start timestamptz,
    window_end timestamptz,
    ask_hard boolean,
    ask_number bigint,
    ask_batch bigint,
    ask_used bigint,
    ask_held bigint,
    ask_want bigint,
    ask_need bigint,
    is_last boolean,
    wait boolean
) RETURNS TABLE (granted bigint, room bigint, free bigint, seconds bigint, is_void boolean)
    LANGUAGE plpgsql ROWS 1
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    lease_seconds constant integer := 60;
    quota record;
    bucket devapp.quota_usage;
    lease devapp.quota_lease;
    charged bigint;
    in_memory bigint;
    settled record;
BEGIN
    granted := ask_held;
    room := -1;
    free := 0;
    seconds := 0;
    is_void := false;
    SELECT * INTO quota FROM devapp_internal.quota_of_bucket(answer_lease.app_id, answer_lease.product_id, answer_lease.operation_id);
    IF NOT FOUND THEN
        RETURN NEXT;
        RETURN;
    END IF;
    SELECT * INTO bucket
      FROM devapp_internal.lock_quota_bucket(answer_lease.app_id, answer_lease.product_id, answer_lease.operation_id, answer_lease.environment,
                                     quota.window_start, quota.window_end, wait);
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF bucket.window_start >= quota.window_end THEN
        quota.window_start := bucket.window_start;
        quota.window_end := bucket.window_end;
    ELSIF (bucket.window_start, bucket.window_end) <> (quota.window_start, quota.window_end) THEN
        bucket.window_start := quota.window_start;
        bucket.window_end := quota.window_end;
        bucket.used := 0;
        bucket.reserved := 0;
    END IF;
    IF (answer_lease.window_start, answer_lease.window_end) <> (bucket.window_start, bucket.window_end) THEN
        RETURN NEXT;
        RETURN;
    END IF;

    charged := bucket.used + bucket.reserved;
    bucket.reserved := bucket.reserved - devapp_internal.expire_leases(bucket, answer_lease.server);
    SELECT * INTO lease
      FROM devapp.quota_lease l
     WHERE l.app_id = bucket.app_id AND l.product_id = bucket.product_id
       AND l.operation_id IS NOT DISTINCT FROM bucket.operation_id AND l.environment = bucket.environment
       AND l.server = answer_lease.server AND (l.window_start, l.window_end) = (bucket.window_start, bucket.window_end);
    in_memory := devapp_internal.quota_bucket_used(bucket.app_id, bucket.product_id, bucket.operation_id, bucket.environment,
                                           quota.hard, bucket.window_start, bucket.window_end);
    IF NOT quota.hard THEN
        in_memory := greatest(in_memory - charged, 0);
    END IF;
    SELECT * INTO settled
      FROM devapp_internal.settle_lease(
               quota.quota_limit - in_memory, bucket.used, bucket.reserved,
               coalesce(lease.number, 0), coalesce(lease.batch, 0), coalesce(lease.granted, 0), coalesce(lease.used, 0),
               ask_number, ask_batch, ask_used, ask_held, ask_want, ask_need,
               CASE WHEN is_last OR ask_hard <> quota.hard THEN 0
                    ELSE 1 + (SELECT count(*) FROM devapp.quota_lease l
                               WHERE l.app_id = bucket.app_id AND l.product_id = bucket.product_id
                                 AND l.operation_id IS NOT DISTINCT FROM bucket.operation_id AND l.environment = bucket.environment
                                 AND l.server <> answer_lease.server AND l.expires_at > clock_timestamp()
                                 AND (l.window_start, l.window_end) = (bucket.window_start, bucket.window_end)) END,
               coalesce((lease.quota_limit, lease.resets, lease.hard) = (quota.quota_limit, bucket.resets, quota.hard), true)
               AND (is_last OR ask_hard = quota.hard));

    UPDATE devapp.quota_usage u
       SET window_start = bucket.window_start,
           window_end = bucket.window_end,
           used = settled.new_used,
           reserved = settled.new_reserved
     WHERE u.app_id = bucket.app_id AND u.product_id = bucket.product_id
       AND u.operation_id IS NOT DISTINCT FROM bucket.operation_id AND u.environment = bucket.environment;
    IF settled.is_new THEN
        INSERT INTO devapp.quota_lease AS l
            (app_id, product_id, operation_id, environment, server, server_name, window_start, window_end, hard,
             quota_limit, resets, number, batch, granted, used, expires_at)
        VALUES (bucket.app_id, bucket.product_id, bucket.operation_id, bucket.environment, answer_lease.server, answer_lease.server_name,
                bucket.window_start, bucket.window_end,
                CASE WHEN settled.is_void THEN coalesce(lease.hard, quota.hard) ELSE quota.hard END,
                CASE WHEN settled.is_void THEN coalesce(lease.quota_limit, quota.quota_limit) ELSE quota.quota_limit END,
                CASE WHEN settled.is_void THEN coalesce(lease.resets, bucket.resets) ELSE bucket.resets END,
                settled.new_number, settled.new_batch, settled.new_granted, settled.new_lease_used,
                CASE WHEN is_last THEN clock_timestamp() ELSE clock_timestamp() + make_interval(secs => lease_seconds) END)
            ON CONFLICT ON CONSTRAINT quota_lease_key DO UPDATE
           SET (server_name, window_start, window_end, hard, quota_limit, resets, number, batch, granted, used, expires_at)
               = (excluded.server_name, excluded.window_start, excluded.window_end, excluded.hard, excluded.quota_limit, excluded.resets,
                  excluded.number, excluded.batch, excluded.granted, excluded.used, excluded.expires_at);
        seconds := lease_seconds;
    END IF;
    IF NOT quota.hard AND settled.new_used + settled.new_reserved <> charged THEN
        PERFORM devapp_internal.charge_quota_bucket(bucket.app_id, bucket.product_id, bucket.operation_id, bucket.environment, false,
                                            bucket.window_start, bucket.window_end, settled.new_used + settled.new_reserved - charged);
    END IF;
    granted := settled.new_granted;
    room := greatest(quota.quota_limit - in_memory - settled.new_used, 0);
    free := quota.quota_limit - in_memory - settled.new_used - settled.new_reserved;
    is_void := settled.is_void;
    RETURN NEXT;
END
$$;

-- For the role that standbys connect as.  A report that comes twice changes nothing and is
-- answered again.  Of several buckets that are busy only the first is waited for.
CREATE FUNCTION devapp_internal.lease_quotas(server uuid, server_name text, batch bigint, asks jsonb) RETURNS TABLE (
    ask integer,
    granted bigint,
    room bigint,
    free bigint,
    seconds bigint,
    is_void boolean
)
    LANGUAGE plpgsql ROWS 10
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    a record;
    may_wait boolean := true;
BEGIN
    IF server IS NULL OR server_name IS NULL OR batch IS NULL OR asks IS NULL OR substr(server::text, 15, 1) <> '7'
       OR jsonb_typeof(asks) <> 'array' THEN
        RAISE EXCEPTION 'lease_quotas requires a server with a version 7 UUID and a name, a batch, and an array of requests'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Standbys call it automatically; see the setting devapp.primary_conninfo.';
    END IF;
    IF server >= devapp_internal.first_shipment_id(clock_timestamp() + interval '1 day') THEN
        RAISE EXCEPTION 'server % was started in the future', server
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Synchronize the clocks: that of the standby is, or was, more than a day ahead of this one.';
    END IF;
    PERFORM devapp_internal.begin_work();
    FOR a IN
        SELECT r.*
          FROM ROWS FROM (jsonb_to_recordset(asks) AS (app_id uuid, product_id uuid, operation_id uuid, environment text,
                                                       window_start timestamptz, window_end timestamptz, hard boolean, number bigint,
                                                       used bigint, held bigint, want bigint, need bigint)) WITH ORDINALITY
               AS r(app_id, product_id, operation_id, environment, window_start, window_end, hard, number, used, held, want, need, n)
         ORDER BY r.app_id, r.product_id, r.operation_id, r.environment
    LOOP
        IF num_nulls(a.app_id, a.product_id, a.environment, a.window_start, a.window_end, a.hard, a.number, a.used, a.held, a.want, a.need) > 0 THEN
            RAISE EXCEPTION 'request % of lease_quotas must not contain null values', a.n
                USING ERRCODE = 'invalid_parameter_value',
                      HINT = 'Standbys call it automatically; see the setting devapp.primary_conninfo.';
        END IF;
        SELECT r.* INTO granted, room, free, seconds, is_void
          FROM devapp_internal.answer_lease(server, left(server_name, 100), a.app_id, a.product_id, a.operation_id, a.environment,
                                    a.window_start, a.window_end, a.hard, a.number, batch, a.used, a.held, a.want, a.need, false, may_wait) r;
        IF FOUND THEN
            ask := a.n;
            RETURN NEXT;
        ELSE
            may_wait := false;
        END IF;
    END LOOP;
END
$$;

CREATE FUNCTION devapp.lease_quotas(server uuid, server_name text, batch bigint, asks jsonb) RETURNS TABLE (
    ask integer,
    granted bigint,
    room bigint,
    free bigint,
    seconds bigint,
    is_void boolean
)
    LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.lease_quotas(uuid, text, bigint, jsonb) IS
    'Lends parts of quotas to a standby and records what it used; standbys call it automatically';

-- ---------- in the course of flushing ----------

-- What this server held as a standby, before it was promoted, is told; and what others hold
-- of soft quotas longer than they may is given back.  False: a bucket was busy, and what is told
-- about it is told again the next time; what comes twice changes nothing.
CREATE FUNCTION devapp_internal.keep_leases() RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '10s'
AS $$
DECLARE
    l record;
    bucket devapp.quota_usage;
    given_back bigint;
    all_told boolean := true;
BEGIN
    PERFORM devapp_internal.begin_work();
    FOR l IN SELECT f.* FROM devapp_internal.finish_leases() f ORDER BY f.app_id, f.product_id, f.operation_id, f.environment LOOP
        PERFORM FROM devapp_internal.answer_lease(devapp_internal.own_server(), 'this server', l.app_id, l.product_id, l.operation_id, l.environment,
                                          l.window_start, l.window_end, NULL, l.number, l.batch, l.used, l.used, 0, 0, true, all_told);
        all_told := all_told AND FOUND;
    END LOOP;
    IF all_told THEN
        PERFORM devapp_internal.end_leases();
    END IF;
    FOR l IN
        SELECT DISTINCT q.app_id, q.product_id, q.operation_id, q.environment, q.window_start, q.window_end
          FROM devapp.quota_lease q
          JOIN devapp.product p ON p.product_id = q.product_id AND p.quota_enforcement <> 'hard'
         WHERE NOT q.hard AND q.granted > q.used AND q.expires_at <= clock_timestamp() AND q.window_end > clock_timestamp()
         ORDER BY q.app_id, q.product_id, q.operation_id, q.environment
    LOOP
        SELECT b.* INTO bucket
          FROM devapp_internal.lock_quota_bucket(l.app_id, l.product_id, l.operation_id, l.environment, l.window_start, l.window_end, false) b
         WHERE (b.window_start, b.window_end) = (l.window_start, l.window_end);
        CONTINUE WHEN NOT FOUND;
        given_back := devapp_internal.expire_leases(bucket, NULL);
        UPDATE devapp.quota_usage u
           SET reserved = u.reserved - given_back
         WHERE u.app_id = bucket.app_id AND u.product_id = bucket.product_id
           AND u.operation_id IS NOT DISTINCT FROM bucket.operation_id AND u.environment = bucket.environment;
        PERFORM devapp_internal.charge_quota_bucket(bucket.app_id, bucket.product_id, bucket.operation_id, bucket.environment, false,
                                            bucket.window_start, bucket.window_end, -given_back);
    END LOOP;
    RETURN all_told;
END
$$;
