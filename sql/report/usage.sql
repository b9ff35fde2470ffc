-- Reports of calls.

-- By app and product, for the reports that are materialized after it: so they scan the
-- days once.  Nobody else reads it, so it is refreshed without care for readers, and
-- needs no index.  What the bounds are compared with are subqueries, because they are
-- worked out once, and a function would be called for each row.
CREATE MATERIALIZED VIEW devapp_internal.app_product_usage AS
SELECT u.app_id, u.product_id,
       devapp_internal.sum_bigint(u.calls) FILTER (WHERE u.code = 'VALID' AND u.day > (SELECT devapp_internal.utc_today() - 30)) AS calls_30d,
       devapp_internal.sum_bigint(u.calls) FILTER (WHERE u.code <> 'VALID' AND u.day > (SELECT devapp_internal.utc_today() - 30)) AS refused_30d,
       devapp_internal.sum_bigint(u.calls) FILTER (WHERE u.code = 'VALID' AND u.day <= (SELECT devapp_internal.utc_today() - 30)) AS calls_previous_30d
  FROM devapp.usage_day u
 WHERE u.day > (SELECT devapp_internal.utc_today() - 60)
 GROUP BY u.app_id, u.product_id;

-- By app, for views on apps.  A refresh beside readers first compares all rows that have
-- no null with one another, to find duplicates, which a GROUP BY has none of.  With a
-- column that is always null it does not, and takes half the time.
CREATE MATERIALIZED VIEW devapp_internal.app_usage AS
SELECT u.app_id, coalesce(devapp_internal.sum_bigint(u.calls_30d), 0) AS calls_30d, coalesce(devapp_internal.sum_bigint(u.refused_30d), 0) AS refused_30d,
       coalesce(devapp_internal.sum_bigint(u.calls_previous_30d), 0) AS calls_previous_30d, NULL::boolean AS nothing
  FROM devapp_internal.app_product_usage u
 WHERE u.app_id IS NOT NULL
 GROUP BY u.app_id;
CREATE UNIQUE INDEX _app_usage_key ON devapp_internal.app_usage (app_id);

-- By day and all but the app, for the totals: so they scan the days once as well.
CREATE MATERIALIZED VIEW devapp_internal.day_usage AS
SELECT u.day, u.product_id, u.environment, u.code, devapp_internal.sum_bigint(u.calls) AS calls, devapp_internal.sum_bigint(u.cost) AS cost
  FROM devapp.usage_day u
 WHERE u.day > (SELECT devapp_internal.utc_today() - 60)
 GROUP BY u.day, u.product_id, u.environment, u.code;

CREATE MATERIALIZED VIEW devapp_report.usage_totals AS
SELECT u.day, u.product_id, p.name AS product, p.display_name AS product_display_name, u.environment, u.calls, u.refused, u.cost
  FROM (SELECT x.day, x.product_id, x.environment,
               coalesce(devapp_internal.sum_bigint(x.calls) FILTER (WHERE x.code = 'VALID'), 0) AS calls,
               coalesce(devapp_internal.sum_bigint(x.calls) FILTER (WHERE x.code <> 'VALID'), 0) AS refused,
               devapp_internal.sum_bigint(x.cost) AS cost
          FROM devapp_internal.day_usage x
         WHERE x.day > devapp_internal.utc_today() - 30
         GROUP BY x.day, x.product_id, x.environment) AS u
  LEFT JOIN devapp.product p ON p.product_id = u.product_id;
COMMENT ON MATERIALIZED VIEW devapp_report.usage_totals IS
    'Calls of all apps: one row a day, product and environment, of the last 30 days. Materialized';
COMMENT ON COLUMN devapp_report.usage_totals.day IS 'Day, in UTC';
COMMENT ON COLUMN devapp_report.usage_totals.product_id IS 'Product that answered, or came closest; null: none';
COMMENT ON COLUMN devapp_report.usage_totals.product IS 'Its name';
COMMENT ON COLUMN devapp_report.usage_totals.product_display_name IS 'Name of the product to show; null: none';
COMMENT ON COLUMN devapp_report.usage_totals.environment IS 'Environment of the credential, else the one asked for if a product names it, else (other); null: neither was named';
COMMENT ON COLUMN devapp_report.usage_totals.calls IS 'Calls that were allowed';
COMMENT ON COLUMN devapp_report.usage_totals.refused IS 'Calls that were refused';
COMMENT ON COLUMN devapp_report.usage_totals.cost IS 'What the allowed calls cost, by the argument cost of the verification';
SELECT devapp_internal.grant_on('TABLE', 'devapp_report.usage_totals', 'SELECT', 'admin', 'analyst');
CREATE UNIQUE INDEX usage_totals_key ON devapp_report.usage_totals (day, product_id, environment) NULLS NOT DISTINCT;

-- Grouped before it is joined, so that a filter on day or app_id reaches the days.
CREATE VIEW devapp_report.usage_daily AS
SELECT u.day, u.app_id, a.app, a.display_name AS app_display_name, a.owner, u.product_id, p.name AS product,
       p.display_name AS product_display_name, u.environment, u.calls, u.refused, u.cost
  FROM (SELECT x.day, x.app_id, x.product_id, x.environment,
               coalesce(devapp_internal.sum_bigint(x.calls) FILTER (WHERE x.code = 'VALID'), 0) AS calls,
               coalesce(devapp_internal.sum_bigint(x.calls) FILTER (WHERE x.code <> 'VALID'), 0) AS refused,
               devapp_internal.sum_bigint(x.cost) AS cost
          FROM devapp.usage_day x
         GROUP BY x.day, x.app_id, x.product_id, x.environment) AS u
  LEFT JOIN devapp_internal.named_app a ON a.app_id = u.app_id
  LEFT JOIN devapp.product p ON p.product_id = u.product_id;
COMMENT ON VIEW devapp_report.usage_daily IS 'Calls: one row a day, app, product and environment. Live';
COMMENT ON COLUMN devapp_report.usage_daily.day IS 'Day, in UTC';
COMMENT ON COLUMN devapp_report.usage_daily.app_id IS 'App of the key, perhaps deleted since; null: the keys were unknown or malformed';
COMMENT ON COLUMN devapp_report.usage_daily.app IS 'Its name; null: the keys were unknown or malformed';
COMMENT ON COLUMN devapp_report.usage_daily.app_display_name IS 'Name of the app to show; null: none';
COMMENT ON COLUMN devapp_report.usage_daily.owner IS 'E-mail of the developer, or name of the team, that owns it now; null: as above';
COMMENT ON COLUMN devapp_report.usage_daily.product_id IS 'Product that answered, or came closest; null: none';
COMMENT ON COLUMN devapp_report.usage_daily.product IS 'Its name; null: none';
COMMENT ON COLUMN devapp_report.usage_daily.product_display_name IS 'Name of the product to show; null: none';
COMMENT ON COLUMN devapp_report.usage_daily.environment IS 'Environment of the credential, else the one asked for if a product names it, else (other); null: neither was named';
COMMENT ON COLUMN devapp_report.usage_daily.calls IS 'Calls that were allowed';
COMMENT ON COLUMN devapp_report.usage_daily.refused IS 'Calls that were refused; why: devapp_report.denials';
COMMENT ON COLUMN devapp_report.usage_daily.cost IS 'What the allowed calls cost, by the argument cost of the verification';
SELECT devapp_internal.grant_on('TABLE', 'devapp_report.usage_daily', 'SELECT', 'admin', 'analyst');

CREATE VIEW devapp_report.denials AS
SELECT u.day, u.app_id, a.app, a.display_name AS app_display_name, a.owner, u.product_id, p.name AS product,
       p.display_name AS product_display_name, u.environment,
       u.code::text AS code, devapp_internal.http_status(u.code::text) AS http_status, u.calls
  FROM devapp.usage_day u
  LEFT JOIN devapp_internal.named_app a ON a.app_id = u.app_id
  LEFT JOIN devapp.product p ON p.product_id = u.product_id
 WHERE u.code <> 'VALID';
COMMENT ON VIEW devapp_report.denials IS
    'Why calls were refused: one row a day, app, product, environment and verdict. Live';
COMMENT ON COLUMN devapp_report.denials.day IS 'Day, in UTC';
COMMENT ON COLUMN devapp_report.denials.app_id IS 'App of the key, perhaps deleted since; null: the keys were unknown or malformed';
COMMENT ON COLUMN devapp_report.denials.app IS 'Its name; null: the keys were unknown or malformed';
COMMENT ON COLUMN devapp_report.denials.app_display_name IS 'Name of the app to show; null: none';
COMMENT ON COLUMN devapp_report.denials.owner IS 'E-mail of the developer, or name of the team, that owns it now; null: as above';
COMMENT ON COLUMN devapp_report.denials.product_id IS 'Product that came closest; null: none';
COMMENT ON COLUMN devapp_report.denials.product IS 'Its name; null: none';
COMMENT ON COLUMN devapp_report.denials.product_display_name IS 'Name of the product to show; null: none';
COMMENT ON COLUMN devapp_report.denials.environment IS 'Environment of the credential, else the one asked for if a product names it, else (other); null: neither was named';
COMMENT ON COLUMN devapp_report.denials.code IS 'Verdict, for example QUOTA_EXCEEDED';
COMMENT ON COLUMN devapp_report.denials.http_status IS 'HTTP status that goes with the verdict: 401, 403 or 429';
COMMENT ON COLUMN devapp_report.denials.calls IS 'Calls that were refused with this verdict';
SELECT devapp_internal.grant_on('TABLE', 'devapp_report.denials', 'SELECT', 'admin', 'analyst');
