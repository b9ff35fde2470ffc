-- What is left of the quotas of the apps that developers see: quota_status() of each, because
-- what is used is in shared memory and in a table that developers may not read.

CREATE VIEW devapp.my_quota WITH (security_invoker = true) AS
SELECT a.app_id, a.name AS app, q.product, q.resource, q.methods, q.environment, q.enforcement, q.quota_limit, q.quota_interval, q.quota_unit,
       q.used, q.remaining, q.window_start, q.resets_at, q.rate_limit, q.rate_burst
  FROM devapp.app a
 CROSS JOIN LATERAL devapp.quota_status(a.app_id) AS q
 WHERE a.deleted_at IS NULL;
COMMENT ON VIEW devapp.my_quota IS
    'Current quotas of the apps that the user can see: one row per app, product or operation, and environment';
COMMENT ON COLUMN devapp.my_quota.app_id IS 'Id of the app';
COMMENT ON COLUMN devapp.my_quota.app IS 'Name of the app, unique among those of its owner';
COMMENT ON COLUMN devapp.my_quota.product IS 'Product that the app is approved for';
COMMENT ON COLUMN devapp.my_quota.resource IS 'URI pattern of an operation with a quota of its own; null: the limits of the product';
COMMENT ON COLUMN devapp.my_quota.methods IS 'HTTP methods of the operation, empty: all; null: the limits of the product';
COMMENT ON COLUMN devapp.my_quota.environment IS 'Environment of the calls; null: none, or nothing is used yet';
COMMENT ON COLUMN devapp.my_quota.enforcement IS 'soft or hard; null: only a rate limit';
COMMENT ON COLUMN devapp.my_quota.quota_limit IS 'Allowed cost per window; null: as above';
COMMENT ON COLUMN devapp.my_quota.quota_interval IS 'Length of a window, in quota_unit; null: as above';
COMMENT ON COLUMN devapp.my_quota.quota_unit IS 'minute, hour, day, week, month or never; null: as above';
COMMENT ON COLUMN devapp.my_quota.used IS 'Cost of the calls in the current window; null: as above';
COMMENT ON COLUMN devapp.my_quota.remaining IS 'What is left of quota_limit; null: as above';
COMMENT ON COLUMN devapp.my_quota.window_start IS 'Start of the window; null: as above';
COMMENT ON COLUMN devapp.my_quota.resets_at IS 'When the next window starts, infinity: never; null: as above';
COMMENT ON COLUMN devapp.my_quota.rate_limit IS 'Calls per second; null: no limit';
COMMENT ON COLUMN devapp.my_quota.rate_burst IS 'Calls that are allowed at once; null: no limit';
SELECT devapp_internal.grant_on('TABLE', 'devapp.my_quota', 'SELECT', 'admin', 'developer');
