-- Quotas: consuming hard ones, looking at them, setting them back.

-- Adds to a bucket's row if no more than room is used or lent then; what is used or lent in it
-- then, else null.  A row in a later window already, before a clock was put back, stays.
CREATE FUNCTION devapp_internal.take_hard_quota(
    app_id uuid,
    product_id uuid,
    operation_id uuid,
    environment text,
    window_start timestamptz,
    window_end timestamptz,
    cost bigint,
    room bigint
) RETURNS bigint
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO devapp.quota_usage AS q (app_id, product_id, operation_id, environment, window_start, window_end, used)
    VALUES (take_hard_quota.app_id, take_hard_quota.product_id, take_hard_quota.operation_id, take_hard_quota.environment,
            take_hard_quota.window_start, take_hard_quota.window_end, take_hard_quota.cost)
        ON CONFLICT ON CONSTRAINT quota_usage_key DO UPDATE
       SET window_start = CASE WHEN q.window_start >= excluded.window_end THEN q.window_start ELSE excluded.window_start END,
           window_end = CASE WHEN q.window_start >= excluded.window_end THEN q.window_end ELSE excluded.window_end END,
           used = excluded.used
                  + CASE WHEN (q.window_start, q.window_end) = (excluded.window_start, excluded.window_end)
                              OR q.window_start >= excluded.window_end THEN q.used ELSE 0 END,
           reserved = CASE WHEN (q.window_start, q.window_end) = (excluded.window_start, excluded.window_end)
                                OR q.window_start >= excluded.window_end THEN q.reserved ELSE 0 END
     WHERE CASE WHEN (q.window_start, q.window_end) = (excluded.window_start, excluded.window_end)
                     OR q.window_start >= excluded.window_end THEN q.used + q.reserved ELSE 0 END
           <= take_hard_quota.room - take_hard_quota.cost
    RETURNING q.used + q.reserved
$$;

-- ---------- looking ----------

CREATE FUNCTION devapp_internal.quota_buckets(app_id uuid) RETURNS TABLE (
    product_id uuid,
    operation_id uuid,
    environment text,
    hard boolean,
    window_start timestamptz,
    window_end timestamptz,
    used bigint
)
    LANGUAGE c VOLATILE STRICT ROWS 10 AS 'MODULE_PATHNAME', 'devapp_quota_buckets';

-- The quotas that an app's calls can come under: of the products that it is approved
-- for, with the app's own in their place, and of their operations.
CREATE FUNCTION devapp_internal.quotas_of(app_id uuid) RETURNS TABLE (
    product_id uuid,
    operation_id uuid,
    product text,
    resource text,
    methods text[],
    enforcement text,
    quota_limit bigint,
    quota_interval integer,
    quota_unit text,
    time_zone text,
    rate_limit double precision,
    rate_burst integer
)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH approved AS (
        SELECT p.product_id, p.name, p.quota_enforcement, p.time_zone, coalesce(q.quota_limit, p.quota_limit) AS quota_limit,
               coalesce(q.quota_interval, p.quota_interval) AS quota_interval, coalesce(q.quota_unit, p.quota_unit) AS quota_unit,
               coalesce(q.rate_limit, p.rate_limit) AS rate_limit, coalesce(q.rate_burst, p.rate_burst) AS rate_burst
          FROM devapp.product p
          LEFT JOIN devapp_internal.app_quota_now q ON q.app_id = quotas_of.app_id AND q.product_id = p.product_id
         WHERE p.deleted_at IS NULL
           AND EXISTS (SELECT FROM devapp.credential c JOIN devapp.credential_product cp ON cp.credential_id = c.credential_id
                        WHERE c.app_id = quotas_of.app_id AND c.status = 'approved'
                          AND cp.product_id = p.product_id AND cp.status = 'approved' AND cp.removed_at IS NULL)
    )
    SELECT p.product_id, NULL::uuid, p.name, NULL::text, NULL::text[], p.quota_enforcement,
           p.quota_limit, p.quota_interval, p.quota_unit, p.time_zone, p.rate_limit, p.rate_burst
      FROM approved p
     WHERE p.quota_limit IS NOT NULL OR p.rate_limit IS NOT NULL
    UNION ALL
    SELECT p.product_id, o.operation_id, p.name, o.resource::text, o.methods, p.quota_enforcement,
           o.quota_limit, o.quota_interval, o.quota_unit, p.time_zone, p.rate_limit, p.rate_burst
      FROM approved p
      JOIN devapp.product_operation o ON o.product_id = p.product_id
     WHERE o.quota_limit IS NOT NULL
$$;

-- What is used of a quota in the window by the clock, or in a later one where a clock
-- was put back: in rows and in memory.  Of a soft quota either may know more, of a
-- hard one each knows a part.
CREATE FUNCTION devapp_internal.quota_used(
    app_id uuid,
    product_id uuid,
    operation_id uuid,
    hard boolean,
    window_start timestamptz,
    window_end timestamptz
) RETURNS TABLE (environment text, from_time timestamptz, to_time timestamptz, used bigint, leased bigint)
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(r.environment, b.environment), coalesce(b.window_start, r.window_start), coalesce(b.window_end, r.window_end),
           CASE WHEN quota_used.hard THEN coalesce(r.used, 0) + coalesce(b.used, 0)
                WHEN pg_is_in_recovery() THEN greatest(r.used, b.used)
                -- a primary counts what is lent with what is used
                ELSE greatest(r.used, b.used - coalesce(r.reserved, 0)) END,
           coalesce(r.reserved, 0)
      FROM (SELECT u.*
              FROM devapp.quota_usage u
             WHERE u.app_id = quota_used.app_id AND u.product_id = quota_used.product_id
               AND u.operation_id IS NOT DISTINCT FROM quota_used.operation_id
               AND ((u.window_start, u.window_end) = (quota_used.window_start, quota_used.window_end)
                    OR u.window_start >= quota_used.window_end)) AS r
      FULL JOIN (SELECT k.*
                   FROM devapp_internal.quota_buckets(quota_used.app_id) k
                  WHERE k.product_id = quota_used.product_id AND k.hard = quota_used.hard
                    AND k.operation_id IS NOT DISTINCT FROM quota_used.operation_id
                    AND ((k.window_start, k.window_end) = (quota_used.window_start, quota_used.window_end)
                         OR k.window_start >= quota_used.window_end)) AS b ON b.environment = r.environment
$$;

CREATE FUNCTION devapp_internal.quota_status(app devapp.app_ref) RETURNS TABLE (
    product text,
    resource text,
    methods text[],
    environment text,
    enforcement text,
    quota_limit bigint,
    quota_interval integer,
    quota_unit text,
    window_start timestamptz,
    resets_at timestamptz,
    used bigint,
    remaining bigint,
    rate_limit double precision,
    rate_burst integer,
    leased bigint
)
    LANGUAGE plpgsql ROWS 10
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_app uuid := devapp_internal.find_visible_app(quota_status.app);
BEGIN
    RETURN QUERY
    SELECT q.product, q.resource, q.methods, nullif(u.environment, ''),
           CASE WHEN q.quota_limit IS NOT NULL THEN q.enforcement END,
           q.quota_limit, q.quota_interval, q.quota_unit,
           coalesce(u.from_time, w.window_start), coalesce(u.to_time, w.window_end),
           CASE WHEN q.quota_limit IS NOT NULL THEN least(coalesce(u.used, 0), q.quota_limit) END,
           q.quota_limit - least(coalesce(u.used, 0), q.quota_limit),
           q.rate_limit, q.rate_burst,
           CASE WHEN q.quota_limit IS NOT NULL THEN coalesce(u.leased, 0) END
      FROM devapp_internal.quotas_of(the_app) q
      LEFT JOIN LATERAL devapp_internal.quota_window(clock_timestamp(), q.quota_interval, q.quota_unit, q.time_zone) w ON true
      LEFT JOIN LATERAL devapp_internal.quota_used(the_app, q.product_id, q.operation_id, q.enforcement = 'hard',
                                           w.window_start, w.window_end) u ON q.quota_limit IS NOT NULL
     ORDER BY q.product COLLATE "C", q.resource COLLATE "C" NULLS FIRST, q.methods, u.environment COLLATE "C";
END
$$;

CREATE FUNCTION devapp.quota_status(app devapp.app_ref) RETURNS TABLE (
    product text,
    resource text,
    methods text[],
    environment text,
    enforcement text,
    quota_limit bigint,
    quota_interval integer,
    quota_unit text,
    window_start timestamptz,
    resets_at timestamptz,
    used bigint,
    remaining bigint,
    rate_limit double precision,
    rate_burst integer,
    leased bigint
)
    LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.quota_status(devapp.app_ref) IS
    'Quotas and rate limits of an app and their use, by environment';
SELECT devapp_internal.grant_to('devapp.quota_status', 'admin', 'developer');

-- ---------- setting back ----------

CREATE FUNCTION devapp_internal.forget_quota_buckets(app_id uuid, product_id uuid) RETURNS void
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'devapp_forget_quota';

-- What is in memory is flushed first, so that none of it is written to the rows
-- afterwards; when this commits, memory starts anew from the rows.  Rows of windows
-- that have ended are set back too: another server may be in a newer one.  A row that a
-- wrong clock has put into a window of the future comes back to the present one.
--
-- Leases become void by the number of resets, but a standby may go on to use one until it
-- is told: so what is outstanding of those that have not expired stays reserved until then.
CREATE FUNCTION devapp_internal.reset_quota(app devapp.app_ref, product text, note text) RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_app uuid;
    the_product devapp.product;
    reset integer;
BEGIN
    PERFORM devapp_internal.require_admin('reset quotas');
    the_app := (devapp_internal.find_live_app(reset_quota.app, false)).app_id;
    the_product := devapp_internal.find_product(reset_quota.product, false);
    IF EXISTS (SELECT FROM devapp_internal.worker_state()) THEN
        PERFORM devapp_internal.take_spool();
        PERFORM devapp_internal.flush_counts();
    END IF;
    PERFORM devapp_internal.set_note(reset_quota.note);
    PERFORM FROM devapp.quota_usage u
     WHERE u.app_id = the_app AND u.product_id = the_product.product_id
     ORDER BY u.operation_id, u.environment
       FOR NO KEY UPDATE;
    UPDATE devapp.quota_lease l
       SET granted = l.used
     WHERE l.app_id = the_app AND l.product_id = the_product.product_id AND l.granted > l.used
       AND (l.expires_at <= clock_timestamp() OR l.window_start > clock_timestamp());
    UPDATE devapp.quota_usage u
       SET used = 0,
           resets = u.resets + 1,
           reserved = (SELECT coalesce(sum(l.granted - l.used), 0)
                         FROM devapp.quota_lease l
                        WHERE l.app_id = u.app_id AND l.product_id = u.product_id
                          AND l.operation_id IS NOT DISTINCT FROM u.operation_id AND l.environment = u.environment
                          AND (l.window_start, l.window_end) = (u.window_start, u.window_end) AND l.granted > l.used),
           (window_start, window_end) = (
               SELECT coalesce(w.window_start, u.window_start), coalesce(w.window_end, u.window_end)
                 FROM (SELECT 1) AS one
                 LEFT JOIN devapp.product_operation o ON o.operation_id = u.operation_id
                 LEFT JOIN devapp_internal.app_quota_now q ON q.app_id = u.app_id AND q.product_id = u.product_id
                 LEFT JOIN LATERAL devapp_internal.quota_window(clock_timestamp(),
                               coalesce(o.quota_interval, q.quota_interval, the_product.quota_interval),
                               coalesce(o.quota_unit, q.quota_unit, the_product.quota_unit),
                               the_product.time_zone) w ON u.window_start > clock_timestamp())
     WHERE u.app_id = the_app AND u.product_id = the_product.product_id;
    GET DIAGNOSTICS reset = ROW_COUNT;
    PERFORM devapp_internal.set_note(NULL);
    PERFORM devapp_internal.forget_quota_buckets(the_app, the_product.product_id);
    RETURN reset;
END
$$;

CREATE FUNCTION devapp.reset_quota(app devapp.app_ref, product text, note text DEFAULT NULL) RETURNS integer
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.reset_quota(devapp.app_ref, text, text) IS
    'Resets the used quotas of an app for a product; returns their number';
SELECT devapp_internal.grant_to('devapp.reset_quota', 'admin');
