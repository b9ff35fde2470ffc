-- What developers see of their own usage: with their rights, so the policies of the
-- tables (row_security.sql) leave them what is theirs and their teams'.

CREATE VIEW devapp.my_usage WITH (security_invoker = true) AS
SELECT u.day, u.app_id, a.name AS app, u.product_id, p.name AS product, u.environment, u.calls, u.refused, u.over_quota, u.cost
  FROM (SELECT x.day, x.app_id, x.product_id, x.environment,
               coalesce(devapp_internal.sum_bigint(x.calls) FILTER (WHERE x.code = 'VALID'), 0) AS calls,
               coalesce(devapp_internal.sum_bigint(x.calls) FILTER (WHERE x.code <> 'VALID'), 0) AS refused,
               coalesce(devapp_internal.sum_bigint(x.calls) FILTER (WHERE x.code IN ('QUOTA_EXCEEDED', 'RATE_LIMITED')), 0) AS over_quota,
               devapp_internal.sum_bigint(x.cost) AS cost
          FROM devapp.usage_day x
         GROUP BY x.day, x.app_id, x.product_id, x.environment) AS u
  JOIN devapp.app a ON a.app_id = u.app_id
  LEFT JOIN devapp.product p ON p.product_id = u.product_id;
COMMENT ON VIEW devapp.my_usage IS 'Calls of the apps that one sees: one row a day, app, product and environment';
COMMENT ON COLUMN devapp.my_usage.day IS 'Day, in UTC';
COMMENT ON COLUMN devapp.my_usage.app_id IS 'Id of the app';
COMMENT ON COLUMN devapp.my_usage.app IS 'Name of the app';
COMMENT ON COLUMN devapp.my_usage.product_id IS 'Product that answered, or came closest; null: none';
COMMENT ON COLUMN devapp.my_usage.product IS 'Its name; null: none, or one that one does not see any more';
COMMENT ON COLUMN devapp.my_usage.environment IS 'Environment of the credential, else the one asked for if a product names it, else (other); null: neither was named';
COMMENT ON COLUMN devapp.my_usage.calls IS 'Calls that were allowed';
COMMENT ON COLUMN devapp.my_usage.refused IS 'Calls that were refused; by verdict: devapp.usage_day';
COMMENT ON COLUMN devapp.my_usage.over_quota IS 'Those of them that were refused because a quota or a rate was exceeded';
COMMENT ON COLUMN devapp.my_usage.cost IS 'What the allowed calls cost, by the argument cost of the verification';
SELECT devapp_internal.grant_on('TABLE', 'devapp.my_usage', 'SELECT', 'admin', 'developer');

CREATE VIEW devapp.my_latency WITH (security_invoker = true) AS
SELECT l.day, l.app_id, a.name AS app, l.product_id, p.name AS product, l.calls AS responses, l.client_errors, l.server_errors,
       l.avg, l.p50, l.p95, l.p99, l.max
  FROM devapp.daily_latency l
  JOIN devapp.app a ON a.app_id = l.app_id
  LEFT JOIN devapp.product p ON p.product_id = l.product_id;
COMMENT ON VIEW devapp.my_latency IS
    'How calls of the apps that one sees went, as gateways recorded it: one row a day, app and product, of all environments';
COMMENT ON COLUMN devapp.my_latency.day IS 'Day of the calls, in UTC';
COMMENT ON COLUMN devapp.my_latency.app_id IS 'Id of the app';
COMMENT ON COLUMN devapp.my_latency.app IS 'Name of the app';
COMMENT ON COLUMN devapp.my_latency.product_id IS 'Product that the gateway named; null: none, or one that is not known';
COMMENT ON COLUMN devapp.my_latency.product IS 'Its name; null: as above, or one that one does not see any more';
COMMENT ON COLUMN devapp.my_latency.responses IS 'Calls that were recorded';
COMMENT ON COLUMN devapp.my_latency.client_errors IS 'Responses with a status from 400 to 499';
COMMENT ON COLUMN devapp.my_latency.server_errors IS 'Responses with a status from 500 to 599';
COMMENT ON COLUMN devapp.my_latency.avg IS 'Mean response time';
COMMENT ON COLUMN devapp.my_latency.p50 IS 'Median response time, within 9.1 %';
COMMENT ON COLUMN devapp.my_latency.p95 IS '95th percentile of response times, within 9.1 %';
COMMENT ON COLUMN devapp.my_latency.p99 IS '99th percentile of response times, within 9.1 %';
COMMENT ON COLUMN devapp.my_latency.max IS 'Longest response time';
SELECT devapp_internal.grant_on('TABLE', 'devapp.my_latency', 'SELECT', 'admin', 'developer');
