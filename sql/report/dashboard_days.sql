-- What the dashboard shows by day.

CREATE FUNCTION devapp_report._dashboard_calls(first_day date, last_day date) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_report._html_card('Calls by day', CASE WHEN s.total > 0 THEN 'Each with its own scale; the last bar is today, so far' END,
               CASE WHEN s.total = 0 THEN devapp_report._html_nothing('No calls in this period.')
               ELSE devapp_report._html_chart('Allowed', 'allowed', first_day, s.allowed, false)
                    || devapp_report._html_chart('Refused', 'refused', first_day, s.refused, true)
                    || devapp_report._chart_table('Calls by day', first_day, '{#Calls,#Allowed,#Refused}', s.calls, s.allowed, s.refused) END)
      FROM (SELECT sum(c.allowed + c.refused) AS total, array_agg(c.allowed + c.refused ORDER BY c.day) AS calls,
                   array_agg(c.allowed ORDER BY c.day) AS allowed, array_agg(c.refused ORDER BY c.day) AS refused
              FROM devapp_report._daily_calls(first_day, last_day) c) AS s
$$;
SELECT devapp_internal.grant_to('devapp_report._dashboard_calls', 'admin', 'analyst');

CREATE FUNCTION devapp_report._dashboard_errors(first_day date, last_day date) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_report._html_card('Errors by day', CASE WHEN s.total > 0 THEN 'Of recorded responses, each with its own scale' END,
               CASE WHEN s.total = 0
                    THEN devapp_report._html_nothing('No responses were recorded in this period. Gateways record them with devapp.record_usage.')
               ELSE devapp_report._html_chart('Client errors (4xx)', 'client', first_day, s.client_errors, false)
                    || devapp_report._html_chart('Server errors (5xx)', 'server', first_day, s.server_errors, true)
                    || devapp_report._chart_table('Errors by day', first_day, '{#Responses,#Client errors,#Server errors}',
                                                  s.responses, s.client_errors, s.server_errors) END)
      FROM (SELECT sum(r.responses) AS total, array_agg(r.responses ORDER BY r.day) AS responses,
                   array_agg(r.client_errors ORDER BY r.day) AS client_errors, array_agg(r.server_errors ORDER BY r.day) AS server_errors
              FROM devapp_report._daily_responses(first_day, last_day) r) AS s
$$;
SELECT devapp_internal.grant_to('devapp_report._dashboard_errors', 'admin', 'analyst');

COMMENT ON FUNCTION devapp_report._dashboard_calls(date, date) IS 'Internal: card of calls by day';
COMMENT ON FUNCTION devapp_report._dashboard_errors(date, date) IS 'Internal: card of errors by day';
