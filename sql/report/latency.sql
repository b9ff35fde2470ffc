-- How calls went, as gateways recorded it.

-- Sums stop at what fits, as those of counts do.
CREATE FUNCTION devapp_internal.percentile_step(state internal, histogram bigint[], fraction double precision) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'devapp_percentile_step';
CREATE FUNCTION devapp_internal.percentile_result(state internal) RETURNS double precision
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'devapp_percentile_result';

CREATE AGGREGATE devapp_report.percentile(histogram bigint[], fraction double precision) (
    SFUNC = devapp_internal.percentile_step,
    STYPE = internal,
    FINALFUNC = devapp_internal.percentile_result,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE devapp_report.percentile(bigint[], double precision) IS
    'Percentile of response times in milliseconds, from histograms, within 9.1 %; null: none recorded';
SELECT devapp_internal.grant_to('devapp_report.percentile', 'admin', 'analyst');

-- Responses are recorded without the environment, so this is a report of its own: joined to
-- usage_daily it would count once for each environment.  The percentile of one row is that
-- of an aggregate over it, since readers may call nothing else; minimum and maximum are
-- exact, and it is not outside of them.
CREATE VIEW devapp_report.latency_daily AS
SELECT l.day, l.app_id, a.app, a.display_name AS app_display_name, a.app_path, a.is_deleted, a.owner_id, a.owner, a.owner_kind,
       coalesce(f.owner_id, a.owner_id) AS owner_then_id, coalesce(f.owner, a.owner) AS owner_then,
       l.product_id, p.name AS product, p.display_name AS product_display_name,
       l.calls AS responses, l.client_errors, l.server_errors,
       m.lowest AS min_ms,
       extract(epoch FROM l.latency_total)::double precision * 1000 / l.calls AS avg_ms,
       least(greatest(m.p50, m.lowest), m.highest) AS p50_ms,
       least(greatest(m.p95, m.lowest), m.highest) AS p95_ms,
       least(greatest(m.p99, m.lowest), m.highest) AS p99_ms,
       m.highest AS max_ms, l.histogram, l.updated_at
  FROM devapp.usage_latency l
 CROSS JOIN LATERAL (SELECT extract(epoch FROM min(x.lowest))::double precision * 1000 AS lowest, extract(epoch FROM max(x.highest))::double precision * 1000 AS highest,
                            devapp_report.percentile(x.histogram, 0.5) AS p50, devapp_report.percentile(x.histogram, 0.95) AS p95,
                            devapp_report.percentile(x.histogram, 0.99) AS p99
                       FROM (SELECT l.latency_min AS lowest, l.latency_max AS highest, l.histogram) AS x) AS m
  LEFT JOIN devapp_internal.named_app a ON a.app_id = l.app_id
  LEFT JOIN devapp_internal.former_owner f ON f.app_id = l.app_id AND (l.day + 1)::timestamp AT TIME ZONE 'UTC' > f.since AND (l.day + 1)::timestamp AT TIME ZONE 'UTC' <= f.until
  LEFT JOIN devapp.product p ON p.product_id = l.product_id;
COMMENT ON VIEW devapp_report.latency_daily IS
    'Responses recorded by gateways: one row per day, app and product, for all environments. Live';
COMMENT ON COLUMN devapp_report.latency_daily.day IS 'Day of the calls, in UTC';
COMMENT ON COLUMN devapp_report.latency_daily.app_id IS 'App, which may have been deleted since; null: the credential is unknown';
COMMENT ON COLUMN devapp_report.latency_daily.app IS 'Its name; null: as above';
COMMENT ON COLUMN devapp_report.latency_daily.app_display_name IS 'Display name of the app; null: none';
COMMENT ON COLUMN devapp_report.latency_daily.app_path IS 'Owner and name of the app, as functions of devapp take it; unique among live apps; null: as above';
COMMENT ON COLUMN devapp_report.latency_daily.is_deleted IS 'The app has been deleted since; null: as above';
COMMENT ON COLUMN devapp_report.latency_daily.owner_id IS 'Id of the developer or team that owns the app now; null: as above';
COMMENT ON COLUMN devapp_report.latency_daily.owner IS 'E-mail of the developer, or name of the team, that owns it now; null: as above';
COMMENT ON COLUMN devapp_report.latency_daily.owner_kind IS 'developer or team; null: as above';
COMMENT ON COLUMN devapp_report.latency_daily.owner_then_id IS 'Id of the developer or team that owned the app at the end of the day; null: as above';
COMMENT ON COLUMN devapp_report.latency_daily.owner_then IS 'E-mail of the developer, or name of the team, that owned it at the end of the day; null: as above';
COMMENT ON COLUMN devapp_report.latency_daily.product_id IS 'Product that the gateway named; null: none, or the credential is unknown';
COMMENT ON COLUMN devapp_report.latency_daily.product IS 'Its name; null: as above';
COMMENT ON COLUMN devapp_report.latency_daily.product_display_name IS 'Display name of the product; null: none';
COMMENT ON COLUMN devapp_report.latency_daily.responses IS 'Responses that gateways recorded';
COMMENT ON COLUMN devapp_report.latency_daily.client_errors IS 'Responses with a status from 400 to 499';
COMMENT ON COLUMN devapp_report.latency_daily.server_errors IS 'Responses with a status from 500 to 599';
COMMENT ON COLUMN devapp_report.latency_daily.min_ms IS 'Shortest response time, in milliseconds';
COMMENT ON COLUMN devapp_report.latency_daily.avg_ms IS 'Mean response time in milliseconds; for several rows use sum(avg_ms * responses) / sum(responses)';
COMMENT ON COLUMN devapp_report.latency_daily.p50_ms IS 'Median response time in milliseconds, within 9.1 %. Do not average: see histogram';
COMMENT ON COLUMN devapp_report.latency_daily.p95_ms IS '95th percentile of response times in milliseconds, within 9.1 %. Do not average: see histogram';
COMMENT ON COLUMN devapp_report.latency_daily.p99_ms IS '99th percentile of response times in milliseconds, within 9.1 %. Do not average: see histogram';
COMMENT ON COLUMN devapp_report.latency_daily.max_ms IS 'Longest response time, in milliseconds';
COMMENT ON COLUMN devapp_report.latency_daily.histogram IS 'Responses by response time; for several rows use devapp_report.percentile(histogram, 0.95)';
COMMENT ON COLUMN devapp_report.latency_daily.updated_at IS 'When a flush last changed it';
SELECT devapp_internal.grant_on('TABLE', 'devapp_report.latency_daily', 'SELECT', 'admin', 'analyst');

-- By day and product, of the days from one to before another.
CREATE FUNCTION devapp_internal.sum_latencies(days_from date, days_to date) RETURNS TABLE (
    day date,
    product_id uuid,
    responses bigint,
    client_errors bigint,
    server_errors bigint,
    total_ms double precision,
    latency_min interval,
    latency_max interval,
    histogram bigint[],
    updated_at timestamptz
)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT l.day, l.product_id, devapp_internal.sum_bigint(l.calls), devapp_internal.sum_bigint(l.client_errors),
           devapp_internal.sum_bigint(l.server_errors), sum(date_part('epoch', l.latency_total) * 1000),
           min(l.latency_min), max(l.latency_max), devapp.add_histograms(l.histogram), max(l.updated_at)
      FROM devapp.usage_latency l
     WHERE l.day >= days_from AND l.day < days_to
     GROUP BY l.day, l.product_id;
END;

-- In two parts, as the days of usage are (devapp_internal.usage_day_base).
CREATE MATERIALIZED VIEW devapp_internal.usage_latency_base AS
SELECT devapp_internal.utc_today() AS day, devapp_internal.usage_files('devapp.usage_latency') AS files;
CREATE MATERIALIZED VIEW devapp_internal.latency_totals_before AS
SELECT l.* FROM devapp_internal.usage_latency_base b, LATERAL devapp_internal.sum_latencies(b.day - 59, b.day) AS l;
CREATE MATERIALIZED VIEW devapp_internal.latency_totals AS
SELECT * FROM devapp_internal.latency_totals_before
UNION ALL
SELECT l.* FROM devapp_internal.usage_latency_base b, LATERAL devapp_internal.sum_latencies(b.day, 'infinity') AS l;
CREATE UNIQUE INDEX _latency_totals_key ON devapp_internal.latency_totals (day, product_id) NULLS NOT DISTINCT;

CREATE VIEW devapp_report.latency_totals AS
SELECT t.day, t.product_id, p.name AS product, p.display_name AS product_display_name, p.deleted_at IS NOT NULL AS is_deleted, t.responses, t.client_errors, t.server_errors,
       m.lowest AS min_ms, t.total_ms / t.responses AS avg_ms,
       least(greatest(m.p50, m.lowest), m.highest) AS p50_ms,
       least(greatest(m.p95, m.lowest), m.highest) AS p95_ms,
       least(greatest(m.p99, m.lowest), m.highest) AS p99_ms,
       m.highest AS max_ms, t.histogram, t.updated_at
  FROM devapp_internal.latency_totals t
 CROSS JOIN LATERAL (SELECT extract(epoch FROM min(x.lowest))::double precision * 1000 AS lowest, extract(epoch FROM max(x.highest))::double precision * 1000 AS highest,
                            devapp_report.percentile(x.histogram, 0.5) AS p50, devapp_report.percentile(x.histogram, 0.95) AS p95,
                            devapp_report.percentile(x.histogram, 0.99) AS p99
                       FROM (SELECT t.latency_min AS lowest, t.latency_max AS highest, t.histogram) AS x) AS m
  LEFT JOIN devapp.product p ON p.product_id = t.product_id;
COMMENT ON VIEW devapp_report.latency_totals IS
    'Responses of the last 60 days, all apps: one row per day and product. Materialized except for names';
COMMENT ON COLUMN devapp_report.latency_totals.day IS 'Day of the calls, in UTC';
COMMENT ON COLUMN devapp_report.latency_totals.product_id IS 'Product that the gateway named, possibly deleted since; null: none, or the credential is unknown';
COMMENT ON COLUMN devapp_report.latency_totals.product IS 'Its name; null: as above';
COMMENT ON COLUMN devapp_report.latency_totals.product_display_name IS 'Display name of the product; null: none';
COMMENT ON COLUMN devapp_report.latency_totals.is_deleted IS 'The product has been deleted since';
COMMENT ON COLUMN devapp_report.latency_totals.responses IS 'Responses that gateways recorded';
COMMENT ON COLUMN devapp_report.latency_totals.client_errors IS 'Responses with a status from 400 to 499';
COMMENT ON COLUMN devapp_report.latency_totals.server_errors IS 'Responses with a status from 500 to 599';
COMMENT ON COLUMN devapp_report.latency_totals.min_ms IS 'Shortest response time, in milliseconds';
COMMENT ON COLUMN devapp_report.latency_totals.avg_ms IS 'Mean response time in milliseconds; for several rows use sum(avg_ms * responses) / sum(responses)';
COMMENT ON COLUMN devapp_report.latency_totals.p50_ms IS 'Median response time in milliseconds, within 9.1 %. Do not average: see histogram';
COMMENT ON COLUMN devapp_report.latency_totals.p95_ms IS '95th percentile of response times in milliseconds, within 9.1 %. Do not average: see histogram';
COMMENT ON COLUMN devapp_report.latency_totals.p99_ms IS '99th percentile of response times in milliseconds, within 9.1 %. Do not average: see histogram';
COMMENT ON COLUMN devapp_report.latency_totals.max_ms IS 'Longest response time, in milliseconds';
COMMENT ON COLUMN devapp_report.latency_totals.histogram IS 'Responses by response time; for several rows use devapp_report.percentile(histogram, 0.95)';
COMMENT ON COLUMN devapp_report.latency_totals.updated_at IS 'When a flush last changed the usage added up here; the last refresh may have been later';
SELECT devapp_internal.grant_on('TABLE', 'devapp_report.latency_totals', 'SELECT', 'admin', 'analyst');
