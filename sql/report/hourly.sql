-- Calls by the hour, from which tools make days of any time zone, and the days themselves.

-- Grouped before it is joined, as usage_daily is.
CREATE VIEW devapp_report.usage_hourly AS
SELECT u.hour, u.app_id, a.app, a.display_name AS app_display_name, a.app_path, a.is_deleted, a.owner_id, a.owner, a.owner_kind,
       coalesce(f.owner_id, a.owner_id) AS owner_then_id, coalesce(f.owner, a.owner) AS owner_then,
       u.product_id, p.name AS product, p.display_name AS product_display_name, u.environment, u.calls, u.refused, u.cost, u.updated_at
  FROM (SELECT x.hour, x.app_id, x.product_id, x.environment,
               coalesce(devapp_report.sum_bigint(x.calls) FILTER (WHERE x.code = 'VALID'), 0) AS calls,
               coalesce(devapp_report.sum_bigint(x.calls) FILTER (WHERE x.code <> 'VALID'), 0) AS refused,
               devapp_report.sum_bigint(x.cost) AS cost, max(x.updated_at) AS updated_at
          FROM devapp.usage_hour x
         GROUP BY x.hour, x.app_id, x.product_id, x.environment) AS u
  LEFT JOIN devapp_internal.named_app a ON a.app_id = u.app_id
  LEFT JOIN devapp_internal.former_owner f ON f.app_id = u.app_id AND u.hour + interval '1 hour' > f.since AND u.hour + interval '1 hour' <= f.until
  LEFT JOIN devapp.product p ON p.product_id = u.product_id;
COMMENT ON VIEW devapp_report.usage_hourly IS
    'Hourly calls, for days in any time zone: one row per hour, app, product and environment. Live';
COMMENT ON COLUMN devapp_report.usage_hourly.hour IS 'Start of the hour, which falls on a day in each time zone';
COMMENT ON COLUMN devapp_report.usage_hourly.app_id IS 'App of the key, which may have been deleted since; null: the keys were unknown or malformed';
COMMENT ON COLUMN devapp_report.usage_hourly.app IS 'Its name; null: the keys were unknown or malformed';
COMMENT ON COLUMN devapp_report.usage_hourly.app_display_name IS 'Display name of the app; null: none';
COMMENT ON COLUMN devapp_report.usage_hourly.app_path IS 'Owner and name of the app, as functions of devapp take it; unique among live apps; null: as above';
COMMENT ON COLUMN devapp_report.usage_hourly.is_deleted IS 'The app has been deleted since; null: as above';
COMMENT ON COLUMN devapp_report.usage_hourly.owner_id IS 'Id of the developer or team that owns the app now; null: as above';
COMMENT ON COLUMN devapp_report.usage_hourly.owner IS 'E-mail of the developer, or name of the team, that owns it now; null: as above';
COMMENT ON COLUMN devapp_report.usage_hourly.owner_kind IS 'developer or team; null: as above';
COMMENT ON COLUMN devapp_report.usage_hourly.owner_then_id IS 'Id of the developer or team that owned the app at the end of the hour; null: as above';
COMMENT ON COLUMN devapp_report.usage_hourly.owner_then IS 'E-mail of the developer, or name of the team, that owned it at the end of the hour; null: as above';
COMMENT ON COLUMN devapp_report.usage_hourly.product_id IS 'Product that answered, or came closest; null: none';
COMMENT ON COLUMN devapp_report.usage_hourly.product IS 'Its name; null: none';
COMMENT ON COLUMN devapp_report.usage_hourly.product_display_name IS 'Display name of the product; null: none';
COMMENT ON COLUMN devapp_report.usage_hourly.environment IS 'Environment of the credential, else the requested one if a product names it, else (other); null: none';
COMMENT ON COLUMN devapp_report.usage_hourly.calls IS 'Allowed calls as counted, without corrections, which are made to days only';
COMMENT ON COLUMN devapp_report.usage_hourly.refused IS 'Refused calls';
COMMENT ON COLUMN devapp_report.usage_hourly.cost IS 'Total of the argument "cost" of the allowed calls';
COMMENT ON COLUMN devapp_report.usage_hourly.updated_at IS 'When a flush last changed it';
SELECT devapp_internal.grant_on('TABLE', 'devapp_report.usage_hourly', 'SELECT', 'admin', 'analyst');

-- Where usage is kept for ever, as far back as it is by default.  Today is another day in
-- other time zones, so the last is the later one.
CREATE VIEW devapp_report.calendar AS
SELECT d.day, date_trunc('week', d.day::timestamp)::date AS week, date_trunc('month', d.day::timestamp)::date AS month,
       extract(isodow FROM d.day)::integer AS weekday
  FROM (SELECT y.today - n AS day
          FROM (SELECT greatest((now() AT TIME ZONE 'UTC')::date, current_date) AS today,
                       extract(epoch FROM devapp_report.setting('retention_day')::interval)::bigint / 86400 AS kept) AS y
         CROSS JOIN LATERAL generate_series(0, CASE y.kept WHEN 0 THEN 1830 ELSE y.kept END::integer) AS n) AS d;
COMMENT ON VIEW devapp_report.calendar IS
    'Days for which usage is kept, for joins that show days without calls: one row per day. Live';
COMMENT ON COLUMN devapp_report.calendar.day IS 'Day; the last one is today in UTC or in the session''s time zone, whichever is later';
COMMENT ON COLUMN devapp_report.calendar.week IS 'Monday of its week';
COMMENT ON COLUMN devapp_report.calendar.month IS 'First day of its month';
COMMENT ON COLUMN devapp_report.calendar.weekday IS '1 is Monday, 7 is Sunday';
SELECT devapp_internal.grant_on('TABLE', 'devapp_report.calendar', 'SELECT', 'admin', 'analyst');
