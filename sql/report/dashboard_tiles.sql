-- The tiles at the top of the dashboard: figures of the period beside those of the
-- period before.

CREATE FUNCTION devapp_report._html_tile(title text, value text, note text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '<div><dt>' || devapp_report._escape_html(title) || '</dt><dd class="value">' || value || '</dd><dd class="change">'
           || note || E'</dd></div>\n';
SELECT devapp_internal.grant_to('devapp_report._html_tile', 'admin', 'analyst');

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
SELECT devapp_internal.grant_to('devapp_report._html_points', 'admin', 'analyst');

-- The change and what it was.
CREATE FUNCTION devapp_report._html_was(value numeric, before numeric, shown_before text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN devapp_report._html_change(value, before)
           || CASE WHEN before > 0 AND devapp_report._html_change(value, before) <> 'as before' THEN ', was ' || shown_before ELSE '' END;
SELECT devapp_internal.grant_to('devapp_report._html_was', 'admin', 'analyst');

CREATE FUNCTION devapp_report._tiles_of_calls(first_day date, last_day date) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_report._html_tile('Calls allowed', devapp_report._html_number(t.allowed),
                                    devapp_report._html_was(t.allowed, t.allowed_before, devapp_report._html_number(t.allowed_before)))
           || devapp_report._html_tile('Calls refused', devapp_report._html_percent(t.refused, t.allowed + t.refused),
                                       devapp_report._html_points(t.refused, t.allowed + t.refused, t.refused_before, t.allowed_before + t.refused_before))
      FROM (SELECT sum(c.allowed) FILTER (WHERE c.day >= first_day) AS allowed, sum(c.refused) FILTER (WHERE c.day >= first_day) AS refused,
                   sum(c.allowed) FILTER (WHERE c.day < first_day) AS allowed_before, sum(c.refused) FILTER (WHERE c.day < first_day) AS refused_before
              FROM devapp_report._daily_calls(first_day - (last_day - first_day + 1), last_day) c) AS t
$$;
SELECT devapp_internal.grant_to('devapp_report._tiles_of_calls', 'admin', 'analyst');

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
SELECT devapp_internal.grant_to('devapp_report._tiles_of_responses', 'admin', 'analyst');

CREATE FUNCTION devapp_report._tiles_of_apps(first_day date, last_day date) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_report._html_tile('Active apps', devapp_report._html_number(a.active),
                                    devapp_report._html_was(a.active, a.before, devapp_report._html_number(a.before)))
           || devapp_report._html_tile('Developers', devapp_report._html_number(d.total),
                                       devapp_report._html_number(d.added) || ' new, ' || devapp_report._html_number(d.added_before) || ' before')
      FROM devapp_report._active_apps(first_day, last_day) AS a,
           (SELECT first_day::timestamp AT TIME ZONE 'UTC' AS start,
                   (first_day - (last_day - first_day + 1))::timestamp AT TIME ZONE 'UTC' AS start_before) AS p,
           LATERAL (SELECT count(*) AS total, count(*) FILTER (WHERE x.created_at >= p.start) AS added,
                           count(*) FILTER (WHERE x.created_at >= p.start_before AND x.created_at < p.start) AS added_before
                      FROM devapp_report.developers x) AS d
$$;
SELECT devapp_internal.grant_to('devapp_report._tiles_of_apps', 'admin', 'analyst');

CREATE FUNCTION devapp_report._tile_of_pending() RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_report._html_tile('Pending', devapp_report._html_number(p.waiting),
               CASE WHEN p.waiting > 0 THEN 'longest ' || devapp_report._html_duration(now() - p.since) ELSE 'nobody waits' END)
      FROM (SELECT count(*) AS waiting, min(x.waiting_since) AS since FROM devapp_report.pending_approvals x) AS p
$$;
SELECT devapp_internal.grant_to('devapp_report._tile_of_pending', 'admin', 'analyst');

COMMENT ON FUNCTION devapp_report._html_tile(text, text, text) IS 'Internal: a tile';
COMMENT ON FUNCTION devapp_report._html_points(numeric, numeric, numeric, numeric) IS 'Internal: how many percentage points more or less than before';
COMMENT ON FUNCTION devapp_report._html_was(numeric, numeric, text) IS 'Internal: how much more or less than before, and what it was';
COMMENT ON FUNCTION devapp_report._tiles_of_calls(date, date) IS 'Internal: tiles of calls';
COMMENT ON FUNCTION devapp_report._tiles_of_responses(date, date) IS 'Internal: tiles of recorded responses';
COMMENT ON FUNCTION devapp_report._tiles_of_apps(date, date) IS 'Internal: tiles of apps and developers';
COMMENT ON FUNCTION devapp_report._tile_of_pending() IS 'Internal: tile of what waits for approval';
