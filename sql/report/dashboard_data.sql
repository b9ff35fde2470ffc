-- Where the figures of the dashboard come from.  The last 60 days, and by app the last
-- 30, are materialized; for other periods the days of usage are added up.

CREATE FUNCTION devapp_report._calls_by_verdict(first_day date, last_day date) RETURNS TABLE (day date, code text, calls bigint)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF first_day > (now() AT TIME ZONE 'UTC')::date - 60 THEN
        RETURN QUERY SELECT t.day, t.code, t.calls FROM devapp_report.verdict_totals t WHERE t.day BETWEEN first_day AND last_day;
    ELSE
        RETURN QUERY SELECT t.day, t.code, t.calls FROM devapp_report._verdict_totals t WHERE t.day BETWEEN first_day AND last_day;
    END IF;
END
$$;

-- One row a day, those without calls as well.
CREATE FUNCTION devapp_report._daily_calls(first_day date, last_day date) RETURNS TABLE (day date, allowed numeric, refused numeric)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT first_day + n, coalesce(sum(v.calls) FILTER (WHERE v.code = 'VALID'), 0), coalesce(sum(v.calls) FILTER (WHERE v.code <> 'VALID'), 0)
      FROM generate_series(0, last_day - first_day) AS n
      LEFT JOIN devapp_report._calls_by_verdict(first_day, last_day) v ON v.day = first_day + n
     GROUP BY n
$$;

CREATE FUNCTION devapp_report._responses(first_day date, last_day date) RETURNS SETOF devapp_report.latency_totals
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF first_day > (now() AT TIME ZONE 'UTC')::date - 60 THEN
        RETURN QUERY SELECT * FROM devapp_report.latency_totals t WHERE t.day BETWEEN first_day AND last_day;
    ELSE
        RETURN QUERY SELECT * FROM devapp_report._latency_totals t WHERE t.day BETWEEN first_day AND last_day;
    END IF;
END
$$;

CREATE FUNCTION devapp_report._daily_responses(first_day date, last_day date)
    RETURNS TABLE (day date, responses numeric, client_errors numeric, server_errors numeric)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT first_day + n, coalesce(r.responses, 0), coalesce(r.client_errors, 0), coalesce(r.server_errors, 0)
      FROM generate_series(0, last_day - first_day) AS n
      LEFT JOIN devapp_report._responses(first_day, last_day) r ON r.day = first_day + n
$$;

-- Analysts have no right on the schema of these functions of histograms, so the body
-- is parsed now.  Minimum and maximum are exact, and the percentile is not outside.
CREATE FUNCTION devapp_report._responses_between(first_day date, last_day date) RETURNS TABLE (responses numeric, errors numeric, p95 interval)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT sum(r.responses), sum(r.client_errors + r.server_errors),
           least(greatest(devapp.latency_percentile(devapp.add_histograms(r.histogram), 0.95), min(r.latency_min)), max(r.latency_max))
      FROM devapp_report._responses(first_day, last_day) r;
END;

-- The ten apps with the most allowed calls, and how many there are.  Of apps that are
-- not deleted.
CREATE FUNCTION devapp_report._busiest_apps(first_day date, last_day date)
    RETURNS TABLE (app_id uuid, app text, owner text, allowed bigint, refused bigint, total bigint)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF first_day = (now() AT TIME ZONE 'UTC')::date - 29 AND last_day = first_day + 29 THEN
        RETURN QUERY SELECT u.app_id, i.app, i.owner, u.calls_30d, u.refused_30d, u.total
                       FROM (SELECT x.app_id, x.calls_30d, x.refused_30d, count(*) OVER () AS total
                               FROM devapp_report.app_inventory x
                              WHERE x.calls_30d > 0 OR x.refused_30d > 0
                              ORDER BY x.calls_30d DESC, x.refused_30d DESC, x.app_id
                              LIMIT 10) AS u
                       JOIN devapp_report.app_inventory i ON i.app_id = u.app_id;
    ELSE
        RETURN QUERY SELECT u.app_id, i.app, i.owner, u.allowed, u.refused, u.total
                       FROM (SELECT c.app_id, coalesce(sum(c.calls) FILTER (WHERE c.is_allowed), 0)::bigint AS allowed,
                                    coalesce(sum(c.calls) FILTER (WHERE NOT c.is_allowed), 0)::bigint AS refused, count(*) OVER () AS total
                               FROM devapp_report._app_calls c
                              WHERE c.day BETWEEN first_day AND last_day
                                AND c.app_id IN (SELECT x.app_id FROM devapp_report.app_inventory x)
                              GROUP BY c.app_id
                              ORDER BY allowed DESC, refused DESC, c.app_id
                              LIMIT 10) AS u
                       JOIN devapp_report.app_inventory i ON i.app_id = u.app_id;
    END IF;
END
$$;

-- Apps with an allowed call, and those in the period before.
CREATE FUNCTION devapp_report._active_apps(first_day date, last_day date) RETURNS TABLE (active bigint, before bigint)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF first_day = (now() AT TIME ZONE 'UTC')::date - 29 AND last_day = first_day + 29 THEN
        RETURN QUERY SELECT count(*) FILTER (WHERE i.calls_30d > 0), count(*) FILTER (WHERE i.calls_previous_30d > 0)
                       FROM devapp_report.app_inventory i;
    ELSE
        RETURN QUERY SELECT count(*) FILTER (WHERE u.last_day >= _active_apps.first_day), count(*) FILTER (WHERE u.first_day < _active_apps.first_day)
                       FROM (SELECT min(c.day) AS first_day, max(c.day) AS last_day
                               FROM devapp_report._app_calls c
                              WHERE c.day BETWEEN _active_apps.first_day - (_active_apps.last_day - _active_apps.first_day + 1) AND _active_apps.last_day
                                AND c.is_allowed
                                AND c.app_id IN (SELECT x.app_id FROM devapp_report.app_inventory x)
                              GROUP BY c.app_id) AS u;
    END IF;
END
$$;

COMMENT ON FUNCTION devapp_report._calls_by_verdict(date, date) IS 'Internal: calls by day and verdict';
COMMENT ON FUNCTION devapp_report._daily_calls(date, date) IS 'Internal: allowed and refused calls of each day';
COMMENT ON FUNCTION devapp_report._responses(date, date) IS 'Internal: recorded responses by day';
COMMENT ON FUNCTION devapp_report._daily_responses(date, date) IS 'Internal: recorded responses and errors of each day';
COMMENT ON FUNCTION devapp_report._responses_between(date, date) IS 'Internal: responses, errors and response time of a period';
COMMENT ON FUNCTION devapp_report._busiest_apps(date, date) IS 'Internal: the ten apps with the most calls';
COMMENT ON FUNCTION devapp_report._active_apps(date, date) IS 'Internal: how many apps had an allowed call, and before';
