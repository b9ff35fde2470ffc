-- How much of their quotas apps have used.

-- The window that is open now is worked out here: a bucket is written only when it is
-- used, so the one that it shows may have ended.  A window without an end has none for tools
-- either: not all of them can read an infinite time.
CREATE VIEW devapp_report.quota_usage AS
SELECT q.app_id, a.app, a.display_name AS app_display_name, a.owner_id, a.owner, a.owner_kind,
       q.product_id, q.product, q.product_display_name, q.operation_id, q.resource,
       nullif(array_to_string(q.methods, ', '), '') AS methods, nullif(q.environment, '') AS environment,
       q.enforcement, q.quota_limit, q.quota_interval, q.quota_unit, q.time_zone, y.used,
       greatest(q.quota_limit - y.used, 0) AS remaining, y.used::double precision / q.quota_limit AS share_used,
       nullif(w.window_start, '-infinity') AS window_start, nullif(w.window_end, 'infinity') AS resets_at
  FROM devapp_internal.quota_bucket q
  JOIN devapp_internal.named_app a ON a.app_id = q.app_id
 CROSS JOIN LATERAL devapp_report.quota_window(now(), q.quota_interval, q.quota_unit, q.time_zone) AS w
 CROSS JOIN LATERAL (SELECT CASE WHEN q.window_start = w.window_start AND q.window_end = w.window_end THEN q.used ELSE 0 END AS used) AS y
 WHERE q.quota_limit IS NOT NULL AND a.deleted_at IS NULL;
COMMENT ON VIEW devapp_report.quota_usage IS
    'Used quotas: one row per app, product or operation, and environment. Live, as of the last flush';
COMMENT ON COLUMN devapp_report.quota_usage.app_id IS 'Id of the app';
COMMENT ON COLUMN devapp_report.quota_usage.app IS 'Name of the app';
COMMENT ON COLUMN devapp_report.quota_usage.app_display_name IS 'Display name of the app; null: none';
COMMENT ON COLUMN devapp_report.quota_usage.owner_id IS 'Id of the developer or team';
COMMENT ON COLUMN devapp_report.quota_usage.owner IS 'E-mail of the developer, or name of the team';
COMMENT ON COLUMN devapp_report.quota_usage.owner_kind IS 'developer or team';
COMMENT ON COLUMN devapp_report.quota_usage.product_id IS 'Product that has the quota';
COMMENT ON COLUMN devapp_report.quota_usage.product IS 'Its name';
COMMENT ON COLUMN devapp_report.quota_usage.product_display_name IS 'Display name of the product; null: none';
COMMENT ON COLUMN devapp_report.quota_usage.operation_id IS 'Operation with a quota of its own; null: the quota of the product';
COMMENT ON COLUMN devapp_report.quota_usage.resource IS 'URI pattern of the operation; null: the quota of the product';
COMMENT ON COLUMN devapp_report.quota_usage.methods IS 'Comma-separated HTTP methods of the operation; null: all, or the quota of the product';
COMMENT ON COLUMN devapp_report.quota_usage.environment IS 'Environment of the calls; null: none';
COMMENT ON COLUMN devapp_report.quota_usage.enforcement IS 'soft: counted in shared memory; hard: counted by devapp.consume_quota';
COMMENT ON COLUMN devapp_report.quota_usage.quota_limit IS 'Allowed cost per window; the app''s own quota, if it has one';
COMMENT ON COLUMN devapp_report.quota_usage.quota_interval IS 'Length of a window, in quota_unit';
COMMENT ON COLUMN devapp_report.quota_usage.quota_unit IS 'minute, hour, day, week, month or never';
COMMENT ON COLUMN devapp_report.quota_usage.time_zone IS 'Time zone of the calendar that the windows follow';
COMMENT ON COLUMN devapp_report.quota_usage.used IS 'Cost of the calls in the current window';
COMMENT ON COLUMN devapp_report.quota_usage.remaining IS 'What is left of quota_limit, not below 0';
COMMENT ON COLUMN devapp_report.quota_usage.share_used IS 'used divided by quota_limit; above 1 if servers counted separately or the limit was lowered';
COMMENT ON COLUMN devapp_report.quota_usage.window_start IS 'Start of the window; null: the unit is never';
COMMENT ON COLUMN devapp_report.quota_usage.resets_at IS 'When the next window starts; null: never';
SELECT devapp_internal.grant_on('TABLE', 'devapp_report.quota_usage', 'SELECT', 'admin', 'analyst');
