-- Where the figures of the dashboard come from.  The last 60 days, and by app the last
-- 30, are materialized; for other periods the days of usage are added up: of the two
-- halves of a query below one has a condition that is false before it begins.
--
-- Analysts have no right on the schema of what these read.  So their bodies are parsed
-- when they are made, and who calls them needs rights on the tables alone.

CREATE FUNCTION devapp_internal.calls_by_verdict(first_day date, last_day date) RETURNS TABLE (day date, code text, calls bigint)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT t.day, t.code, t.calls
      FROM devapp_report.verdict_totals t
     WHERE first_day > (now() AT TIME ZONE 'UTC')::date - 60 AND t.day BETWEEN first_day AND last_day
     UNION ALL
    SELECT t.day, t.code, t.calls
      FROM devapp_internal.verdict_days t
     WHERE first_day <= (now() AT TIME ZONE 'UTC')::date - 60 AND t.day BETWEEN first_day AND last_day;
END;

-- One row a day, those without calls as well.
CREATE FUNCTION devapp_internal.daily_calls(first_day date, last_day date) RETURNS TABLE (day date, allowed numeric, refused numeric)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT first_day + n, coalesce(devapp_internal.sum_bigint(v.calls) FILTER (WHERE v.code = 'VALID'), 0), coalesce(devapp_internal.sum_bigint(v.calls) FILTER (WHERE v.code <> 'VALID'), 0)
      FROM generate_series(0, last_day - first_day) AS n
      LEFT JOIN devapp_internal.calls_by_verdict(first_day, last_day) v ON v.day = first_day + n
     GROUP BY n
$$;

CREATE FUNCTION devapp_internal.response_totals(first_day date, last_day date)
    RETURNS TABLE (day date, responses bigint, client_errors bigint, server_errors bigint, latency_min interval, latency_max interval, histogram bigint[])
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT t.day, t.responses, t.client_errors, t.server_errors, t.latency_min, t.latency_max, t.histogram
      FROM devapp_internal.latency_totals t
     WHERE first_day > (now() AT TIME ZONE 'UTC')::date - 60 AND t.day BETWEEN first_day AND last_day
     UNION ALL
    SELECT t.day, t.responses, t.client_errors, t.server_errors, t.latency_min, t.latency_max, t.histogram
      FROM devapp_internal.latency_days t
     WHERE first_day <= (now() AT TIME ZONE 'UTC')::date - 60 AND t.day BETWEEN first_day AND last_day;
END;

CREATE FUNCTION devapp_internal.daily_responses(first_day date, last_day date)
    RETURNS TABLE (day date, responses numeric, client_errors numeric, server_errors numeric)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT first_day + n, coalesce(r.responses, 0), coalesce(r.client_errors, 0), coalesce(r.server_errors, 0)
      FROM generate_series(0, last_day - first_day) AS n
      LEFT JOIN devapp_internal.response_totals(first_day, last_day) r ON r.day = first_day + n
$$;

-- Minimum and maximum are exact, and the percentile is not outside of them.
CREATE FUNCTION devapp_internal.responses_between(first_day date, last_day date) RETURNS TABLE (responses numeric, errors numeric, p95 interval)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT sum(r.responses), sum(r.client_errors::numeric + r.server_errors),
           least(greatest(devapp.latency_percentile(devapp.add_histograms(r.histogram), 0.95), min(r.latency_min)), max(r.latency_max))
      FROM devapp_internal.response_totals(first_day, last_day) r;
END;

-- Whether it is the period that calls are materialized by app for.
CREATE FUNCTION devapp_internal.is_last_30_days(first_day date, last_day date) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN last_day = (now() AT TIME ZONE 'UTC')::date AND last_day - first_day = 29;

-- The ten apps with the most allowed calls, of those that are not deleted, and how many
-- apps had any.  high_usage_apps has all of them if it has fewer than 1000; of more it is
-- not worth looking up which are deleted.
CREATE FUNCTION devapp_internal.busiest_apps(first_day date, last_day date)
    RETURNS TABLE (app_id uuid, app text, owner text, allowed bigint, refused bigint, total bigint)
    LANGUAGE sql STABLE
BEGIN ATOMIC
   (SELECT h.app_id, h.app, h.owner, h.calls_30d, u.refused_30d,
           (SELECT CASE WHEN count(*) < 1000 THEN count(*) ELSE (SELECT count(*) FROM devapp_internal.app_calls_30d x WHERE x.calls_30d > 0) END
              FROM devapp_report.high_usage_apps)
      FROM devapp_report.high_usage_apps h
      JOIN devapp_internal.app_calls_30d u ON u.app_id = h.app_id
     WHERE devapp_internal.is_last_30_days(busiest_apps.first_day, busiest_apps.last_day)
     ORDER BY h.rank, h.app_id
     LIMIT 10)
     UNION ALL
    SELECT a.app_id, a.app, a.owner, b.allowed, b.refused, b.total
      FROM (SELECT c.app_id, devapp_internal.sum_bigint(c.calls) FILTER (WHERE c.is_allowed) AS allowed,
                   coalesce(devapp_internal.sum_bigint(c.calls) FILTER (WHERE NOT c.is_allowed), 0) AS refused, count(*) OVER () AS total
              FROM devapp_internal.app_calls c
             WHERE NOT devapp_internal.is_last_30_days(busiest_apps.first_day, busiest_apps.last_day)
               AND c.day BETWEEN busiest_apps.first_day AND busiest_apps.last_day
               AND c.app_id IN (SELECT y.app_id FROM devapp_report.app_inventory y)
             GROUP BY c.app_id
            HAVING bool_or(c.is_allowed)
             ORDER BY allowed DESC, c.app_id
             LIMIT 10) AS b
      JOIN devapp_report.app_inventory a ON a.app_id = b.app_id;
END;

-- Apps with an allowed call, and those in the period before.
CREATE FUNCTION devapp_internal.active_apps(first_day date, last_day date) RETURNS TABLE (active bigint, before bigint)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT count(*) FILTER (WHERE x.calls_30d > 0), count(*) FILTER (WHERE x.calls_previous_30d > 0)
      FROM devapp_internal.app_calls_30d x
     WHERE devapp_internal.is_last_30_days(active_apps.first_day, active_apps.last_day)
    HAVING devapp_internal.is_last_30_days(active_apps.first_day, active_apps.last_day)
     UNION ALL
    SELECT count(*) FILTER (WHERE u.newest >= active_apps.first_day), count(*) FILTER (WHERE u.oldest < active_apps.first_day)
      FROM (SELECT min(c.day) AS oldest, max(c.day) AS newest
              FROM devapp_internal.app_calls c
             WHERE NOT devapp_internal.is_last_30_days(active_apps.first_day, active_apps.last_day)
               AND c.day BETWEEN active_apps.first_day - (active_apps.last_day - active_apps.first_day + 1) AND active_apps.last_day
               AND c.is_allowed
             GROUP BY c.app_id) AS u
    HAVING NOT devapp_internal.is_last_30_days(active_apps.first_day, active_apps.last_day);
END;

-- Quotas that are used to 80 % and more.
CREATE FUNCTION devapp_internal.quotas_near_limit()
    RETURNS TABLE (app_id uuid, product_id uuid, operation_id uuid, environment text, quota_limit bigint, share_used double precision)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT n.app_id, n.product_id, n.operation_id, n.environment, n.quota_limit, n.share_used FROM devapp_internal.near_quotas n;
END;
