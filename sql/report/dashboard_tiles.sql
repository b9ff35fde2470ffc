-- The tiles at the top of the dashboard: figures of the period beside those of the
-- period before.

CREATE FUNCTION devapp_report._html_tile(title text, value text, note text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '<div><dt>' || devapp_report._escape_html(title) || '</dt><dd class="value">' || value || '</dd><dd class="change">'
           || note || E'</dd></div>\n';

-- Up or down by how many percentage points.
CREATE FUNCTION devapp_report._html_points(part numeric, whole numeric, part_before numeric, whole_before numeric) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN points IS NULL THEN 'none before'
                WHEN points = 0 THEN 'as before'
                ELSE CASE WHEN points > 0 THEN '&#9650;' ELSE '&#9660;' END || '&#160;' || abs(points) || '&#160;points, was '
                     || devapp_report._html_percent(part_before, whole_before) END
      FROM (SELECT round(100 * part / nullif(whole, 0) - 100 * part_before / nullif(whole_before, 0), 1) AS points) AS p
$$;

-- The change and what it was.
CREATE FUNCTION devapp_report._html_was(value numeric, before numeric, shown_before text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN devapp_report._html_change(value, before) || CASE WHEN before > 0 THEN ', was ' || shown_before ELSE '' END;

CREATE FUNCTION devapp_report._tiles_of_calls(first_day date, last_day date) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_report._html_tile('Calls', devapp_report._html_number(calls),
                                    devapp_report._html_was(calls, calls_before, devapp_report._html_number(calls_before)))
           || devapp_report._html_tile('Refused', devapp_report._html_percent(refused, calls),
                                       devapp_report._html_points(refused, calls, refused_before, calls_before))
      FROM (SELECT coalesce(sum(c.calls) FILTER (WHERE c.day >= first_day), 0) AS calls,
                   coalesce(sum(c.refused) FILTER (WHERE c.day >= first_day), 0) AS refused,
                   coalesce(sum(c.calls) FILTER (WHERE c.day < first_day), 0) AS calls_before,
                   coalesce(sum(c.refused) FILTER (WHERE c.day < first_day), 0) AS refused_before
              FROM devapp_report._daily_calls(first_day - (last_day - first_day + 1), last_day) c) AS t
$$;

CREATE FUNCTION devapp_report._tiles_of_responses(first_day date, last_day date) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_report._html_tile('Errors', devapp_report._html_percent(n.errors, n.responses),
                                    devapp_report._html_points(n.errors, n.responses, b.errors, b.responses))
           || devapp_report._html_tile('Latency (p95)', devapp_report._html_latency(n.p95),
                                       devapp_report._html_was(extract(epoch FROM n.p95), extract(epoch FROM b.p95),
                                                               devapp_report._html_latency(b.p95)))
      FROM devapp_report._responses_between(first_day, last_day) n,
           devapp_report._responses_between(first_day - (last_day - first_day + 1), first_day - 1) b
$$;

CREATE FUNCTION devapp_report._tiles_of_apps(first_day date, last_day date) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_report._html_tile('Active apps', devapp_report._html_number(1234), devapp_report._html_was(1234,1200,devapp_report._html_number(1200)))
           || devapp_report._html_tile('Developers', devapp_report._html_number(345), '12 new')
$$;

CREATE FUNCTION devapp_report._tiles_of_queues() RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_report._html_tile('Pending', devapp_report._html_number(p.n),
                                    CASE WHEN p.n > 0 THEN 'longest ' || devapp_report._html_duration(now() - p.since) ELSE 'nobody waits' END)
           || devapp_report._html_tile('Quotas at 80 %', devapp_report._html_number(q.n),
                                       CASE WHEN q.used_up > 0 THEN devapp_report._html_number(q.used_up) || ' of them used up' ELSE 'none used up' END)
      FROM (SELECT count(*) AS n, min(waiting_since) AS since FROM devapp_report.pending_approvals) AS p,
           (SELECT count(*) AS n, count(*) FILTER (WHERE used >= quota_limit) AS used_up FROM devapp_report.quota_usage WHERE share_used >= 0.8) AS q
$$;
