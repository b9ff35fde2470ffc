-- The window of a quota, and what flushes write about quotas.

CREATE FUNCTION devapp_internal.quota_window(
    at timestamptz,
    quota_interval integer,
    quota_unit text,
    time_zone text,
    OUT window_start timestamptz,
    OUT window_end timestamptz
)
    LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_quota_window';

-- What was taken from shared memory, added to the buckets that it belongs to.  Of a
-- bucket only the newest window counts; an older one has ended, or a clock was put back,
-- which must not give a quota anew.  A bucket that changed its quota starts in the new
-- one's window, which may have begun before the old one's: the later minute tells.  What a
-- standby has let through by a lease the lease tells (lease.sql).
CREATE FUNCTION devapp_internal.write_quota_usage() RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH used AS (
        SELECT t.app_id, t.product_id, o.operation_id, coalesce(t.environment, '') AS environment,
               w.window_start, w.window_end, devapp_internal.sum_bigint(t.cost) AS cost, max(t.minute) AS last_minute
          FROM devapp_internal.taken_calls() t
          JOIN devapp.product p ON p.product_id = t.product_id AND p.quota_enforcement = 'soft'
          LEFT JOIN devapp.product_operation o ON o.operation_id = t.operation_id AND o.quota_limit IS NOT NULL
          LEFT JOIN devapp.app_quota a ON a.app_id = t.app_id AND a.product_id = t.product_id AND (a.until IS NULL OR a.until > t.minute)
         CROSS JOIN LATERAL devapp_internal.quota_window(t.minute, coalesce(o.quota_interval, a.quota_interval, p.quota_interval),
                                                 coalesce(o.quota_unit, a.quota_unit, p.quota_unit), p.time_zone) w
         WHERE t.cost > 0 AND NOT t.leased AND w.window_start IS NOT NULL
         GROUP BY 1, 2, 3, 4, 5, 6
    ), newest AS (
        SELECT DISTINCT ON (u.app_id, u.product_id, u.operation_id, u.environment) u.*
          FROM used u
         ORDER BY u.app_id, u.product_id, u.operation_id, u.environment, u.last_minute DESC, u.window_start DESC
    )
    INSERT INTO devapp.quota_usage AS q (app_id, product_id, operation_id, environment, window_start, window_end, used)
    SELECT n.app_id, n.product_id, n.operation_id, n.environment, n.window_start, n.window_end, n.cost
      FROM newest n
     ORDER BY n.app_id, n.product_id, n.operation_id, n.environment
        ON CONFLICT (app_id, product_id, operation_id, environment) DO UPDATE
       SET window_start = excluded.window_start,
           window_end = excluded.window_end,
           used = CASE WHEN (q.window_start, q.window_end) = (excluded.window_start, excluded.window_end)
                       THEN devapp_internal.add_counts(q.used, excluded.used) ELSE excluded.used END,
           reserved = CASE WHEN (q.window_start, q.window_end) = (excluded.window_start, excluded.window_end) THEN q.reserved ELSE 0 END
     WHERE q.window_start < excluded.window_end
$$;
