-- How calls went, as gateways tell it, and what it looks like.

CREATE FUNCTION devapp.record_usage(
    credential_id uuid,
    product text,
    status integer,
    latency interval,
    at timestamptz DEFAULT now()
) RETURNS integer
    LANGUAGE c VOLATILE COST 20
    AS 'MODULE_PATHNAME', 'devapp_record_usage';
COMMENT ON FUNCTION devapp.record_usage(uuid, text, integer, interval, timestamptz) IS
    'Records HTTP status and response time of a call; returns 1 if its credential is known, else 0';
SELECT devapp_internal.grant_to('devapp.record_usage(uuid, text, integer, interval, timestamptz)', 'admin', 'reporter');

CREATE FUNCTION devapp.record_usage(
    credential_ids uuid[],
    products text[],
    statuses integer[],
    latencies interval[],
    ats timestamptz[] DEFAULT NULL
) RETURNS integer
    LANGUAGE c VOLATILE COST 1000
    AS 'MODULE_PATHNAME', 'devapp_record_usages';
COMMENT ON FUNCTION devapp.record_usage(uuid[], text[], integer[], interval[], timestamptz[]) IS
    'Records many calls at once; returns the number with known credentials';
SELECT devapp_internal.grant_to('devapp.record_usage(uuid[], text[], integer[], interval[], timestamptz[])', 'admin', 'reporter');

CREATE FUNCTION devapp.latency_percentile(histogram bigint[], fraction double precision) RETURNS interval
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_latency_percentile';
COMMENT ON FUNCTION devapp.latency_percentile(bigint[], double precision) IS
    'Percentile of response times from a histogram, within 9.1 %';
SELECT devapp_internal.grant_to('devapp.latency_percentile', 'admin', 'developer');

CREATE FUNCTION devapp_internal.histogram_step(sum bigint[], histogram bigint[]) RETURNS bigint[]
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'devapp_histogram_step';

CREATE AGGREGATE devapp.add_histograms(bigint[]) (
    SFUNC = devapp_internal.histogram_step,
    STYPE = bigint[],
    COMBINEFUNC = devapp_internal.histogram_step,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE devapp.add_histograms(bigint[]) IS 'Sum of histograms of response times';
SELECT devapp_internal.grant_to('devapp.add_histograms', 'admin', 'developer');

CREATE VIEW devapp.daily_latency WITH (security_invoker = true) AS
SELECT l.day, l.app_id, l.product_id, l.calls, l.client_errors, l.server_errors,
       l.latency_min AS min,
       l.latency_total / l.calls AS avg,
       least(greatest(devapp.latency_percentile(l.histogram, 0.5), l.latency_min), l.latency_max) AS p50,
       least(greatest(devapp.latency_percentile(l.histogram, 0.95), l.latency_min), l.latency_max) AS p95,
       least(greatest(devapp.latency_percentile(l.histogram, 0.99), l.latency_min), l.latency_max) AS p99,
       l.latency_max AS max
  FROM devapp.usage_latency l;
COMMENT ON VIEW devapp.daily_latency IS 'Calls, errors and response times by day, app and product';
COMMENT ON COLUMN devapp.daily_latency.day IS 'Day of the calls, in UTC';
COMMENT ON COLUMN devapp.daily_latency.app_id IS 'App of the credential; null: the credential is unknown';
COMMENT ON COLUMN devapp.daily_latency.product_id IS 'Product that the gateway named; null: none, or the credential is unknown';
COMMENT ON COLUMN devapp.daily_latency.calls IS 'Number of recorded calls';
COMMENT ON COLUMN devapp.daily_latency.client_errors IS 'Those with a status from 400 to 499';
COMMENT ON COLUMN devapp.daily_latency.server_errors IS 'Those with a status from 500 to 599';
COMMENT ON COLUMN devapp.daily_latency.min IS 'Shortest response time';
COMMENT ON COLUMN devapp.daily_latency.avg IS 'Mean response time';
COMMENT ON COLUMN devapp.daily_latency.p50 IS 'Median response time, within 9.1 %';
COMMENT ON COLUMN devapp.daily_latency.p95 IS '95th percentile of response times, within 9.1 %';
COMMENT ON COLUMN devapp.daily_latency.p99 IS '99th percentile of response times, within 9.1 %';
COMMENT ON COLUMN devapp.daily_latency.max IS 'Longest response time';
SELECT devapp_internal.grant_on('TABLE', 'devapp.daily_latency', 'SELECT', 'admin', 'developer');

-- A clock that jumped back must not make anything used in the future.
CREATE VIEW devapp.credential_last_used WITH (security_invoker = true) AS
SELECT l.credential_id, l.app_id,
       CASE WHEN max(l.last_used_at) > clock_timestamp() THEN clock_timestamp() ELSE max(l.last_used_at) END AS last_used_at,
       least(max(l.last_seen_at), clock_timestamp()) AS last_seen_at
  FROM devapp.last_used l
 GROUP BY l.credential_id, l.app_id;
COMMENT ON VIEW devapp.credential_last_used IS 'Last use of each credential that was ever used';
COMMENT ON COLUMN devapp.credential_last_used.last_used_at IS 'Last allowed call; null: none';
COMMENT ON COLUMN devapp.credential_last_used.last_seen_at IS 'Last time it was presented, whatever the verdict';
SELECT devapp_internal.grant_on('TABLE', 'devapp.credential_last_used', 'SELECT', 'admin', 'developer');

CREATE VIEW devapp.app_last_used WITH (security_invoker = true) AS
SELECT l.app_id,
       CASE WHEN max(l.last_used_at) > clock_timestamp() THEN clock_timestamp() ELSE max(l.last_used_at) END AS last_used_at,
       least(max(l.last_seen_at), clock_timestamp()) AS last_seen_at
  FROM devapp.last_used l
 GROUP BY l.app_id;
COMMENT ON VIEW devapp.app_last_used IS 'Last use of each app that was ever used';
COMMENT ON COLUMN devapp.app_last_used.last_used_at IS 'Last allowed call; null: none';
COMMENT ON COLUMN devapp.app_last_used.last_seen_at IS 'Last time one of its keys was presented, whatever the verdict';
SELECT devapp_internal.grant_on('TABLE', 'devapp.app_last_used', 'SELECT', 'admin', 'developer');
