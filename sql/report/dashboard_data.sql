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

-- Calls by app, of apps that are not deleted.
CREATE FUNCTION devapp_report._calls_by_app(first_day date, last_day date) RETURNS TABLE (app_id uuid, allowed bigint, refused bigint)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF first_day = (now() AT TIME ZONE 'UTC')::date - 29 AND last_day = first_day + 29 THEN
        RETURN QUERY SELECT i.app_id, i.calls_30d, i.refused_30d FROM devapp_report.app_inventory i WHERE i.calls_30d > 0 OR i.refused_30d > 0;
    ELSE
        RETURN QUERY SELECT u.app_id, sum(u.calls)::bigint, sum(u.refused)::bigint
                       FROM devapp_report.usage_daily u
                      WHERE u.day BETWEEN first_day AND last_day
                        AND u.app_id IN (SELECT i.app_id FROM devapp_report.app_inventory i)
                      GROUP BY u.app_id;
    END IF;
END
$$;

-- Apps with an allowed call.
CREATE FUNCTION devapp_report._active_apps(first_day date, last_day date) RETURNS bigint
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF last_day - first_day = 29 AND last_day = (now() AT TIME ZONE 'UTC')::date - 30 THEN
        RETURN (SELECT count(*) FROM devapp_report.app_inventory i WHERE i.calls_previous_30d > 0);
    END IF;
    RETURN (SELECT count(*) FROM devapp_report._calls_by_app(first_day, last_day) c WHERE c.allowed > 0);
END
$$;

COMMENT ON FUNCTION devapp_report._calls_by_verdict(date, date) IS 'Internal: calls by day and verdict';
COMMENT ON FUNCTION devapp_report._daily_calls(date, date) IS 'Internal: allowed and refused calls of each day';
COMMENT ON FUNCTION devapp_report._responses(date, date) IS 'Internal: recorded responses by day';
COMMENT ON FUNCTION devapp_report._daily_responses(date, date) IS 'Internal: recorded responses and errors of each day';
COMMENT ON FUNCTION devapp_report._responses_between(date, date) IS 'Internal: responses, errors and response time of a period';
COMMENT ON FUNCTION devapp_report._calls_by_app(date, date) IS 'Internal: calls by app';
COMMENT ON FUNCTION devapp_report._active_apps(date, date) IS 'Internal: how many apps had an allowed call';
