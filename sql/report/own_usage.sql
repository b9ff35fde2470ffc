-- What developers see of their own usage: with their rights, so the policies of the
-- tables (row_security.sql) leave them what is theirs and their teams'.

-- A response time in milliseconds, which every client can read.
CREATE FUNCTION devapp_internal.milliseconds(value interval) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN extract(epoch FROM value)::double precision * 1000;
SELECT devapp_internal.grant_to('devapp_internal.milliseconds', 'admin', 'developer');

-- Minimum and maximum are exact, and no percentile is outside of them.
CREATE FUNCTION devapp_internal.percentile_ms(histogram bigint[], fraction double precision, lowest interval, highest interval)
    RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN devapp_internal.milliseconds(least(greatest(devapp.latency_percentile(histogram, fraction), lowest), highest));
SELECT devapp_internal.grant_to('devapp_internal.percentile_ms', 'admin', 'developer');

-- Calls as they were verified, and responses as gateways recorded them.  Responses are recorded
-- without the environment, so a row is of all environments: joined to calls by environment a
-- response would count once for each.  Grouped before it is joined, so that a filter on day or
-- app_id reaches the days.
CREATE VIEW devapp.my_usage WITH (security_invoker = true) AS
SELECT u.day, u.app_id, a.name AS app, u.product_id, p.name AS product, u.calls,
       devapp_internal.add_counts(u.client_errors, u.server_errors) AS errors, u.refused, u.over_quota, u.cost,
       u.responses, u.client_errors, u.server_errors,
       devapp_internal.milliseconds(u.lowest) AS min_ms, u.total_ms / nullif(u.responses, 0) AS avg_ms,
       devapp_internal.milliseconds(u.highest) AS max_ms,
       devapp_internal.percentile_ms(u.histogram, 0.5, u.lowest, u.highest) AS p50_ms,
       devapp_internal.percentile_ms(u.histogram, 0.95, u.lowest, u.highest) AS p95_ms,
       devapp_internal.percentile_ms(u.histogram, 0.99, u.lowest, u.highest) AS p99_ms
  FROM (SELECT x.day, x.app_id, x.product_id,
               coalesce(devapp_internal.sum_bigint(x.calls) FILTER (WHERE x.code = 'VALID'), 0) AS calls,
               coalesce(devapp_internal.sum_bigint(x.calls) FILTER (WHERE x.code <> 'VALID'), 0) AS refused,
               coalesce(devapp_internal.sum_bigint(x.calls) FILTER (WHERE x.code IN ('QUOTA_EXCEEDED', 'RATE_LIMITED')), 0) AS over_quota,
               devapp_internal.sum_bigint(x.cost) AS cost, devapp_internal.sum_bigint(x.responses) AS responses,
               devapp_internal.sum_bigint(x.client_errors) AS client_errors, devapp_internal.sum_bigint(x.server_errors) AS server_errors,
               sum(devapp_internal.milliseconds(x.latency_total)) AS total_ms, min(x.latency_min) AS lowest, max(x.latency_max) AS highest,
               devapp.add_histograms(x.histogram) AS histogram
          FROM (SELECT d.day, d.app_id, d.product_id, d.code, d.calls, d.cost, 0::bigint AS responses, 0::bigint AS client_errors,
                       0::bigint AS server_errors, NULL::interval AS latency_total, NULL::interval AS latency_min,
                       NULL::interval AS latency_max, NULL::bigint[] AS histogram
                  FROM devapp.usage_day d
                 UNION ALL
                SELECT l.day, l.app_id, l.product_id, NULL, 0, 0, l.calls, l.client_errors, l.server_errors,
                       l.latency_total, l.latency_min, l.latency_max, l.histogram
                  FROM devapp.usage_latency l) AS x
         GROUP BY x.day, x.app_id, x.product_id) AS u
  JOIN devapp.app a ON a.app_id = u.app_id
  LEFT JOIN devapp.product p ON p.product_id = u.product_id
 WHERE a.deleted_at IS NULL;
COMMENT ON VIEW devapp.my_usage IS
    'Usage of the apps that the current user can see: one row per day, app and product';
COMMENT ON COLUMN devapp.my_usage.day IS 'Day, in UTC';
COMMENT ON COLUMN devapp.my_usage.app_id IS 'Id of the app';
COMMENT ON COLUMN devapp.my_usage.app IS 'Name of the app, unique among those of its owner';
COMMENT ON COLUMN devapp.my_usage.product_id IS 'Product that answered or came closest, or that the gateway named for a response; null: none';
COMMENT ON COLUMN devapp.my_usage.product IS 'Its name; null: as above, or no longer visible';
COMMENT ON COLUMN devapp.my_usage.calls IS 'Message count: allowed verifications';
COMMENT ON COLUMN devapp.my_usage.errors IS 'Error count: recorded responses with a status of 400 or more';
COMMENT ON COLUMN devapp.my_usage.refused IS 'Refused verifications, which are not errors; by verdict and environment in devapp.usage_day';
COMMENT ON COLUMN devapp.my_usage.over_quota IS 'Verifications refused because a quota or a rate limit was exceeded';
COMMENT ON COLUMN devapp.my_usage.cost IS 'Total of the argument "cost" of the allowed calls';
COMMENT ON COLUMN devapp.my_usage.responses IS 'Recorded responses, to which errors and response times refer';
COMMENT ON COLUMN devapp.my_usage.client_errors IS 'Responses with a status from 400 to 499';
COMMENT ON COLUMN devapp.my_usage.server_errors IS 'Responses with a status from 500 to 599';
COMMENT ON COLUMN devapp.my_usage.min_ms IS 'Shortest response time, in milliseconds; null: no response was recorded';
COMMENT ON COLUMN devapp.my_usage.avg_ms IS 'Mean response time, in milliseconds; null: as above';
COMMENT ON COLUMN devapp.my_usage.max_ms IS 'Longest response time, in milliseconds; null: as above';
COMMENT ON COLUMN devapp.my_usage.p50_ms IS 'Median response time, in milliseconds, within 9.1 %; null: as above';
COMMENT ON COLUMN devapp.my_usage.p95_ms IS '95th percentile of response times, in milliseconds, within 9.1 %; null: as above';
COMMENT ON COLUMN devapp.my_usage.p99_ms IS '99th percentile of response times, in milliseconds, within 9.1 %; null: as above';
SELECT devapp_internal.grant_to('devapp_internal.add_counts', 'admin', 'developer');
SELECT devapp_internal.grant_on('TABLE', 'devapp.my_usage', 'SELECT', 'admin', 'developer');
