-- Quotas of which 80 % or all is used.
--
-- They are looked for in devapp.quota_usage, every few minutes, and never by a call: where a
-- call is decided nothing is added.  So what is told is as late as that look and, of a soft
-- quota, as the flush before it.  A window that is shorter than an hour is over before anybody
-- reads of it, and is not told.

-- In the next window it is another.
CREATE FUNCTION devapp_internal.quota_key(event text, app_id uuid, product_id uuid, operation_id uuid, window_start timestamptz, environment text)
    RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN concat_ws('/', event, app_id, product_id, coalesce(operation_id::text, '-'), extract(epoch FROM window_start), environment);

-- A set-returning function without SET, so that the planner puts it in its place.  The window
-- is asked for last, of the few buckets that are so full.
CREATE FUNCTION devapp_internal.due_quotas(at timestamptz)
    RETURNS TABLE (event text, app_id uuid, credential_id uuid, product_id uuid, dedupe_key text, details jsonb)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT e.event, u.app_id, NULL::uuid, u.product_id, devapp_internal.quota_key(e.event, u.app_id, u.product_id, u.operation_id, u.window_start, u.environment),
           jsonb_build_object('product', p.name, 'resource', o.resource::text, 'methods', nullif(o.methods, '{}'),
                              'environment', nullif(u.environment, ''), 'quota_limit', q.quota_limit, 'used', u.used,
                              'resets_at', CASE WHEN isfinite(u.window_end) THEN u.window_end END)
      FROM devapp.quota_usage u
      JOIN devapp.product p ON p.product_id = u.product_id AND p.deleted_at IS NULL
      LEFT JOIN devapp.product_operation o ON o.operation_id = u.operation_id
     CROSS JOIN LATERAL (SELECT CASE WHEN u.operation_id IS NULL THEN p.quota_limit ELSE o.quota_limit END AS quota_limit,
                                CASE WHEN u.operation_id IS NULL THEN p.quota_interval ELSE o.quota_interval END AS quota_interval,
                                CASE WHEN u.operation_id IS NULL THEN p.quota_unit ELSE o.quota_unit END AS quota_unit) AS q
     CROSS JOIN LATERAL (SELECT CASE WHEN u.used >= q.quota_limit THEN 'quota_used_up' ELSE 'quota_nearly_used' END AS event) AS e
     WHERE u.window_start <= at AND u.window_end > at
       AND u.window_end >= u.window_start + interval '1 hour'
       AND u.used >= q.quota_limit * 0.8
       -- a quota that was changed begins anew
       AND (u.window_start, u.window_end) = (SELECT w.window_start, w.window_end
                                               FROM devapp_internal.quota_window(at, q.quota_interval, q.quota_unit, p.time_zone) AS w);
END;
