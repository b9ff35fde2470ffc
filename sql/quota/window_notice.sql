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
    SELECT e.event, q.app_id, NULL::uuid, q.product_id, devapp_internal.quota_key(e.event, q.app_id, q.product_id, q.operation_id, q.window_start, q.environment),
           jsonb_build_object('product', q.product, 'resource', q.resource, 'methods', nullif(q.methods, '{}'),
                              'environment', nullif(q.environment, ''), 'quota_limit', q.quota_limit, 'used', q.used,
                              'resets_at', CASE WHEN isfinite(q.window_end) THEN q.window_end END)
      FROM devapp_internal.quota_bucket q
     CROSS JOIN LATERAL (SELECT CASE WHEN q.used >= q.quota_limit THEN 'quota_used_up' ELSE 'quota_nearly_used' END AS event) AS e
     WHERE q.window_start <= at AND q.window_end > at
       AND q.window_end >= q.window_start + interval '1 hour'
       AND q.used >= q.quota_limit * 0.8
       -- a quota that was changed starts over
       AND (q.window_start, q.window_end) = (SELECT w.window_start, w.window_end
                                               FROM devapp_internal.quota_window(at, q.quota_interval, q.quota_unit, q.time_zone) AS w);
END;
