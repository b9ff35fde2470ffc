-- Where the figures of the dashboard come from.  The last 60 days, and the calls of the
-- last 30 by app, are materialized; for any other period the days of usage are added up.

CREATE FUNCTION devapp_report._calls_by_verdict(first_day date, last_day date) RETURNS TABLE (day date, code text, calls numeric)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF first_day > devapp._today() - 60 THEN
        RETURN QUERY SELECT t.day, t.code, t.calls::numeric
                       FROM devapp_report.verdict_totals t
                      WHERE t.day BETWEEN first_day AND last_day;
    ELSE
        RETURN QUERY SELECT u.day, 'VALID', sum(u.calls)
                       FROM devapp_report.usage_daily u
                      WHERE u.day BETWEEN first_day AND last_day
                      GROUP BY u.day
                      UNION ALL
                     SELECT d.day, d.code, sum(d.calls)
                       FROM devapp_report.denials d
                      WHERE d.day BETWEEN first_day AND last_day
                      GROUP BY d.day, d.code;
    END IF;
END
$$;
