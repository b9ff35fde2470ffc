-- What the dashboard shows by day.

CREATE FUNCTION devapp_internal.dashboard_calls(first_day date, last_day date, apps uuid[]) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_internal.html_card('Calls by day', CASE WHEN s.total > 0 THEN 'Each with its own scale; the last bar is today, so far' END,
               CASE WHEN s.total = 0 THEN devapp_internal.html_nothing('No calls in this period.')
               ELSE devapp_internal.html_chart('Allowed', 'allowed', first_day, s.allowed, false)
                    || devapp_internal.html_chart('Refused', 'refused', first_day, s.refused, true)
                    || devapp_internal.chart_table('Calls by day', first_day, '{#Calls,#Allowed,#Refused}', s.calls, s.allowed, s.refused) END)
      FROM (SELECT sum(c.allowed + c.refused) AS total, array_agg(c.allowed + c.refused ORDER BY c.day) AS calls,
                   array_agg(c.allowed ORDER BY c.day) AS allowed, array_agg(c.refused ORDER BY c.day) AS refused
              FROM devapp_internal.daily_calls(first_day, last_day, apps) c) AS s
$$;

CREATE FUNCTION devapp_internal.dashboard_errors(first_day date, last_day date, apps uuid[]) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_internal.html_card('Errors by day', CASE WHEN s.total > 0 THEN 'Of recorded responses, each with its own scale' END,
               CASE WHEN s.total = 0
                    THEN devapp_internal.html_nothing('No responses were recorded in this period. Gateways record them with devapp.record_usage.')
               ELSE devapp_internal.html_chart('Client errors (4xx)', 'client', first_day, s.client_errors, false)
                    || devapp_internal.html_chart('Server errors (5xx)', 'server', first_day, s.server_errors, true)
                    || devapp_internal.chart_table('Errors by day', first_day, '{#Responses,#Client errors,#Server errors}',
                                                  s.responses, s.client_errors, s.server_errors) END)
      FROM (SELECT sum(r.responses) AS total, array_agg(r.responses ORDER BY r.day) AS responses,
                   array_agg(r.client_errors ORDER BY r.day) AS client_errors, array_agg(r.server_errors ORDER BY r.day) AS server_errors
              FROM devapp_internal.daily_responses(first_day, last_day, apps) r) AS s
$$;

-- In milliseconds, or where all are short in microseconds: bars have whole numbers.
CREATE FUNCTION devapp_internal.dashboard_latency(first_day date, last_day date, apps uuid[]) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_internal.html_card('Latency by day', CASE WHEN s.total > 0 THEN 'Of recorded responses, in ' || s.unit || ', each with its own scale' END,
               CASE WHEN s.total = 0
                    THEN devapp_internal.html_nothing('No responses were recorded in this period. Gateways record them with devapp.record_usage.')
               ELSE devapp_internal.html_chart('Median', 'allowed', first_day, s.median, false)
                    || devapp_internal.html_chart('95th percentile', 'allowed', first_day, s.p95, true)
                    || devapp_internal.chart_table('Latency by day, in ' || s.unit, first_day, '{#Responses,#Median,#95th percentile}',
                                                  s.responses, s.median, s.p95) END)
      FROM (SELECT x.unit, sum(l.responses) AS total, array_agg(l.responses ORDER BY l.day) AS responses,
                   array_agg(round(l.median * x.factor) ORDER BY l.day) AS median, array_agg(round(l.p95 * x.factor) ORDER BY l.day) AS p95
              FROM (SELECT y.*, max(y.p95) OVER () < 10 AS is_short FROM devapp_internal.daily_latency(first_day, last_day, apps) y) AS l
             CROSS JOIN LATERAL (SELECT CASE WHEN l.is_short THEN 1000 ELSE 1 END AS factor, CASE WHEN l.is_short THEN 'microseconds' ELSE 'milliseconds' END AS unit) AS x
             GROUP BY x.unit) AS s
$$;
