-- Reports of calls.

-- The days from one to before another, in one pass and in two ways: by app and product (is_day is
-- false), with calls that were allowed and refused from recent_from on, and allowed before; and by day
-- and all but the app.  There may be several rows of one key, which add up (src/meter/usage_sums.c).
CREATE FUNCTION devapp_internal.sum_usage(days_from date, days_to date, recent_from date, allowed devapp.verdict_code) RETURNS TABLE (
    is_day boolean,
    product_id uuid,
    app_id uuid,
    calls_30d bigint,
    refused_30d bigint,
    calls_previous_30d bigint,
    day date,
    environment text,
    code devapp.verdict_code,
    calls bigint,
    cost bigint,
    updated_at timestamptz
)
    LANGUAGE c STABLE STRICT ROWS 500000
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'devapp_sum_usage';

-- The rows with is_day alone.
CREATE FUNCTION devapp_internal.sum_days(days_from date, days_to date) RETURNS TABLE (
    is_day boolean,
    product_id uuid,
    app_id uuid,
    calls_30d bigint,
    refused_30d bigint,
    calls_previous_30d bigint,
    day date,
    environment text,
    code devapp.verdict_code,
    calls bigint,
    cost bigint,
    updated_at timestamptz
)
    LANGUAGE c STABLE STRICT ROWS 2000
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'devapp_sum_days';

-- Of sixty days most do not change from one refresh to the next.  So they are added up in two
-- parts: today each time, the days before only where there is a new day, or one of them
-- has changed (devapp_internal.add_up_usage).  For which day that was done is here, and which
-- partitions there were.  A materialized view, like what it belongs to: neither is in a dump, and
-- neither is replicated.
CREATE MATERIALIZED VIEW devapp_internal.usage_day_base AS
SELECT devapp_internal.utc_today() AS day, devapp_internal.usage_files('devapp.usage_day') AS files;

-- Only other reports read these, so they are refreshed without care for readers.  The rows of days
-- are few of many.  Of today there are no others: most apps have one row of today for a product, so
-- writing sums of them would take longer than reading the rows themselves.
CREATE MATERIALIZED VIEW devapp_internal.usage_sums_before AS
SELECT s.is_day, s.product_id, s.app_id, s.calls_30d, s.refused_30d, s.calls_previous_30d,
       s.day, s.environment COLLATE "C" AS environment, s.code, s.calls, s.cost, s.updated_at
  FROM devapp_internal.usage_day_base b,
       LATERAL devapp_internal.sum_usage(b.day - 59, b.day, b.day - 29, 'VALID') AS s;
CREATE INDEX usage_sums_before_day_idx ON devapp_internal.usage_sums_before (day) WHERE is_day;
CREATE MATERIALIZED VIEW devapp_internal.usage_sums_now AS
SELECT s.is_day, s.product_id, s.app_id, s.calls_30d, s.refused_30d, s.calls_previous_30d,
       s.day, s.environment COLLATE "C" AS environment, s.code, s.calls, s.cost, s.updated_at
  FROM devapp_internal.usage_day_base b,
       LATERAL devapp_internal.sum_days(b.day, 'infinity') AS s;
CREATE INDEX usage_sums_now_day_idx ON devapp_internal.usage_sums_now (day) WHERE is_day;
CREATE VIEW devapp_internal.usage_sums AS
SELECT * FROM devapp_internal.usage_sums_before
UNION ALL
SELECT * FROM devapp_internal.usage_sums_now
UNION ALL
SELECT false, u.product_id, u.app_id, CASE WHEN u.code = 'VALID' THEN u.calls ELSE 0 END, CASE WHEN u.code = 'VALID' THEN 0 ELSE u.calls END, 0,
       NULL, NULL, NULL, NULL, NULL, NULL
  FROM devapp.usage_day u
 WHERE u.day >= (SELECT b.day FROM devapp_internal.usage_day_base b);

-- By app, for views on apps.  Beside readers its rows are put right by
-- devapp_internal.put_app_usage(), in place.
CREATE MATERIALIZED VIEW devapp_internal.app_usage WITH (fillfactor = 70) AS
SELECT u.app_id, coalesce(devapp_internal.sum_bigint(u.calls_30d), 0) AS calls_30d, coalesce(devapp_internal.sum_bigint(u.refused_30d), 0) AS refused_30d,
       coalesce(devapp_internal.sum_bigint(u.calls_previous_30d), 0) AS calls_previous_30d
  FROM devapp_internal.usage_sums u
 WHERE NOT u.is_day AND u.app_id IS NOT NULL
 GROUP BY u.app_id;
CREATE UNIQUE INDEX _app_usage_key ON devapp_internal.app_usage (app_id);

-- Makes the rows of app_usage what its query says; how many there are (src/meter/app_usage.c).
CREATE FUNCTION devapp_internal.put_app_usage() RETURNS bigint
    LANGUAGE c
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'devapp_put_app_usage';

CREATE MATERIALIZED VIEW devapp_internal.usage_totals AS
SELECT x.day, x.product_id, x.environment,
       coalesce(devapp_internal.sum_bigint(x.calls) FILTER (WHERE x.code = 'VALID'), 0) AS calls,
       coalesce(devapp_internal.sum_bigint(x.calls) FILTER (WHERE x.code <> 'VALID'), 0) AS refused,
       devapp_internal.sum_bigint(x.cost) AS cost, max(x.updated_at) AS updated_at
  FROM devapp_internal.usage_sums x
 WHERE x.is_day AND x.day > devapp_internal.utc_today() - 30
 GROUP BY x.day, x.product_id, x.environment;
CREATE UNIQUE INDEX usage_totals_key ON devapp_internal.usage_totals (day, product_id, environment) NULLS NOT DISTINCT;

CREATE VIEW devapp_report.usage_totals AS
SELECT u.day, u.product_id, p.name AS product, p.display_name AS product_display_name, p.deleted_at IS NOT NULL AS is_deleted,
       u.environment, u.calls, u.refused, u.cost, u.updated_at
  FROM devapp_internal.usage_totals u
  LEFT JOIN devapp.product p ON p.product_id = u.product_id;
COMMENT ON VIEW devapp_report.usage_totals IS
    'Calls of the last 30 days: one row per day, product and environment. Materialized except for names';
COMMENT ON COLUMN devapp_report.usage_totals.day IS 'Day, in UTC';
COMMENT ON COLUMN devapp_report.usage_totals.product_id IS 'Product that answered, or came closest; null: none';
COMMENT ON COLUMN devapp_report.usage_totals.product IS 'Its name';
COMMENT ON COLUMN devapp_report.usage_totals.product_display_name IS 'Display name of the product; null: none';
COMMENT ON COLUMN devapp_report.usage_totals.is_deleted IS 'The product has been deleted since';
COMMENT ON COLUMN devapp_report.usage_totals.environment IS 'Environment of the credential, else the requested one if a product names it, else (other); null: none';
COMMENT ON COLUMN devapp_report.usage_totals.calls IS 'Allowed calls';
COMMENT ON COLUMN devapp_report.usage_totals.refused IS 'Refused calls';
COMMENT ON COLUMN devapp_report.usage_totals.cost IS 'Total of the argument "cost" of the allowed calls';
COMMENT ON COLUMN devapp_report.usage_totals.updated_at IS 'When a flush last changed the usage added up here; the last refresh may have been later';
SELECT devapp_internal.grant_on('TABLE', 'devapp_report.usage_totals', 'SELECT', 'admin', 'analyst');

-- Grouped before it is joined, so that a filter on day or app_id reaches the days.
CREATE VIEW devapp_report.usage_daily AS
SELECT u.day, u.app_id, a.app, a.display_name AS app_display_name, a.app_path, a.is_deleted, a.owner_id, a.owner, a.owner_kind,
       coalesce(f.owner_id, a.owner_id) AS owner_then_id, coalesce(f.owner, a.owner) AS owner_then,
       u.product_id, p.name AS product, p.display_name AS product_display_name, u.environment, u.calls, u.refused, u.cost, u.updated_at
  FROM (SELECT x.day, x.app_id, x.product_id, x.environment,
               coalesce(devapp_report.sum_bigint(x.calls) FILTER (WHERE x.code = 'VALID'), 0) AS calls,
               coalesce(devapp_report.sum_bigint(x.calls) FILTER (WHERE x.code <> 'VALID'), 0) AS refused,
               devapp_report.sum_bigint(x.cost) AS cost, max(x.updated_at) AS updated_at
          FROM devapp.usage_day x
         GROUP BY x.day, x.app_id, x.product_id, x.environment) AS u
  LEFT JOIN devapp_internal.named_app a ON a.app_id = u.app_id
  LEFT JOIN devapp_internal.former_owner f ON f.app_id = u.app_id AND (u.day + 1)::timestamp AT TIME ZONE 'UTC' > f.since AND (u.day + 1)::timestamp AT TIME ZONE 'UTC' <= f.until
  LEFT JOIN devapp.product p ON p.product_id = u.product_id;
COMMENT ON VIEW devapp_report.usage_daily IS 'Calls: one row per day, app, product and environment. Live';
COMMENT ON COLUMN devapp_report.usage_daily.day IS 'Day, in UTC';
COMMENT ON COLUMN devapp_report.usage_daily.app_id IS 'App of the key, which may have been deleted since; null: the keys were unknown or malformed';
COMMENT ON COLUMN devapp_report.usage_daily.app IS 'Its name; null: the keys were unknown or malformed';
COMMENT ON COLUMN devapp_report.usage_daily.app_display_name IS 'Display name of the app; null: none';
COMMENT ON COLUMN devapp_report.usage_daily.app_path IS 'Owner and name of the app, as functions of devapp take it; unique among live apps; null: as above';
COMMENT ON COLUMN devapp_report.usage_daily.is_deleted IS 'The app has been deleted since; null: as above';
COMMENT ON COLUMN devapp_report.usage_daily.owner_id IS 'Id of the developer or team that owns the app now; null: as above';
COMMENT ON COLUMN devapp_report.usage_daily.owner IS 'E-mail of the developer, or name of the team, that owns it now; null: as above';
COMMENT ON COLUMN devapp_report.usage_daily.owner_kind IS 'developer or team; null: as above';
COMMENT ON COLUMN devapp_report.usage_daily.owner_then_id IS 'Id of the developer or team that owned the app at the end of the day; null: as above';
COMMENT ON COLUMN devapp_report.usage_daily.owner_then IS 'E-mail of the developer, or name of the team, that owned it at the end of the day; null: as above';
COMMENT ON COLUMN devapp_report.usage_daily.product_id IS 'Product that answered, or came closest; null: none';
COMMENT ON COLUMN devapp_report.usage_daily.product IS 'Its name; null: none';
COMMENT ON COLUMN devapp_report.usage_daily.product_display_name IS 'Display name of the product; null: none';
COMMENT ON COLUMN devapp_report.usage_daily.environment IS 'Environment of the credential, else the requested one if a product names it, else (other); null: none';
COMMENT ON COLUMN devapp_report.usage_daily.calls IS 'Allowed calls';
COMMENT ON COLUMN devapp_report.usage_daily.refused IS 'Refused calls; devapp_report.denials has the reasons';
COMMENT ON COLUMN devapp_report.usage_daily.cost IS 'Total of the argument "cost" of the allowed calls';
COMMENT ON COLUMN devapp_report.usage_daily.updated_at IS 'When a flush or a correction last changed it';
SELECT devapp_internal.grant_on('TABLE', 'devapp_report.usage_daily', 'SELECT', 'admin', 'analyst');

CREATE VIEW devapp_report.denials AS
SELECT u.day, u.app_id, a.app, a.display_name AS app_display_name, a.app_path, a.is_deleted, a.owner_id, a.owner, a.owner_kind,
       coalesce(f.owner_id, a.owner_id) AS owner_then_id, coalesce(f.owner, a.owner) AS owner_then,
       u.product_id, p.name AS product, p.display_name AS product_display_name, u.environment,
       u.code::text AS code, s.http_status, u.calls, u.updated_at
  FROM devapp.usage_day u
  LEFT JOIN devapp_internal.verdict_status s ON s.code = u.code::text
  LEFT JOIN devapp_internal.named_app a ON a.app_id = u.app_id
  LEFT JOIN devapp_internal.former_owner f ON f.app_id = u.app_id AND (u.day + 1)::timestamp AT TIME ZONE 'UTC' > f.since AND (u.day + 1)::timestamp AT TIME ZONE 'UTC' <= f.until
  LEFT JOIN devapp.product p ON p.product_id = u.product_id
 WHERE u.code <> 'VALID';
COMMENT ON VIEW devapp_report.denials IS
    'Why calls were refused: one row per day, app, product, environment and verdict. Live';
COMMENT ON COLUMN devapp_report.denials.day IS 'Day, in UTC';
COMMENT ON COLUMN devapp_report.denials.app_id IS 'App of the key, which may have been deleted since; null: the keys were unknown or malformed';
COMMENT ON COLUMN devapp_report.denials.app IS 'Its name; null: the keys were unknown or malformed';
COMMENT ON COLUMN devapp_report.denials.app_display_name IS 'Display name of the app; null: none';
COMMENT ON COLUMN devapp_report.denials.app_path IS 'Owner and name of the app, as functions of devapp take it; unique among live apps; null: as above';
COMMENT ON COLUMN devapp_report.denials.is_deleted IS 'The app has been deleted since; null: as above';
COMMENT ON COLUMN devapp_report.denials.owner_id IS 'Id of the developer or team that owns the app now; null: as above';
COMMENT ON COLUMN devapp_report.denials.owner IS 'E-mail of the developer, or name of the team, that owns it now; null: as above';
COMMENT ON COLUMN devapp_report.denials.owner_kind IS 'developer or team; null: as above';
COMMENT ON COLUMN devapp_report.denials.owner_then_id IS 'Id of the developer or team that owned the app at the end of the day; null: as above';
COMMENT ON COLUMN devapp_report.denials.owner_then IS 'E-mail of the developer, or name of the team, that owned it at the end of the day; null: as above';
COMMENT ON COLUMN devapp_report.denials.product_id IS 'Product that came closest; null: none';
COMMENT ON COLUMN devapp_report.denials.product IS 'Its name; null: none';
COMMENT ON COLUMN devapp_report.denials.product_display_name IS 'Display name of the product; null: none';
COMMENT ON COLUMN devapp_report.denials.environment IS 'Environment of the credential, else the requested one if a product names it, else (other); null: none';
COMMENT ON COLUMN devapp_report.denials.code IS 'Verdict, for example QUOTA_EXCEEDED';
COMMENT ON COLUMN devapp_report.denials.http_status IS 'HTTP status of the verdict: 401, 403 or 429';
COMMENT ON COLUMN devapp_report.denials.calls IS 'Calls refused with this verdict';
COMMENT ON COLUMN devapp_report.denials.updated_at IS 'When a flush last changed it';
SELECT devapp_internal.grant_on('TABLE', 'devapp_report.denials', 'SELECT', 'admin', 'analyst');
