-- The tiles at the top of the dashboard: figures of the period beside those of the
-- period before.

CREATE FUNCTION devapp_internal.html_tile(title text, value text, note text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '<div><dt>' || devapp_internal.escape_html(title) || '</dt><dd class="value">' || value || '</dd><dd class="change">'
           || note || E'</dd></div>\n';

-- Up or down by how many percentage points.
CREATE FUNCTION devapp_internal.html_points(part numeric, whole numeric, part_before numeric, whole_before numeric) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN points IS NULL THEN 'none before'
                WHEN points = 0 THEN 'as before'
                ELSE CASE WHEN points > 0 THEN '&#9650;' ELSE '&#9660;' END || '&#160;' || abs(points) || '&#160;points, was '
                     || devapp_internal.html_percent(part_before, whole_before) END
      FROM (SELECT round(100 * part / nullif(whole, 0) - 100 * part_before / nullif(whole_before, 0), 1) AS points) AS p
$$;

-- The change and what it was.
CREATE FUNCTION devapp_internal.html_was(value numeric, before numeric, shown_before text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN devapp_internal.html_change(value, before)
           || CASE WHEN before > 0 AND devapp_internal.html_change(value, before) <> 'as before' THEN ', was ' || shown_before ELSE '' END;

CREATE FUNCTION devapp_internal.tiles_of_calls(first_day date, last_day date, apps uuid[]) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_internal.html_tile('Calls allowed', devapp_internal.html_number(t.allowed),
                                    devapp_internal.html_was(t.allowed, t.allowed_before, devapp_internal.html_number(t.allowed_before)))
           || devapp_internal.html_tile('Calls refused', devapp_internal.html_percent(t.refused, t.allowed + t.refused),
                                       devapp_internal.html_points(t.refused, t.allowed + t.refused, t.refused_before, t.allowed_before + t.refused_before))
      FROM (SELECT sum(c.allowed) FILTER (WHERE c.day >= first_day) AS allowed, sum(c.refused) FILTER (WHERE c.day >= first_day) AS refused,
                   sum(c.allowed) FILTER (WHERE c.day < first_day) AS allowed_before, sum(c.refused) FILTER (WHERE c.day < first_day) AS refused_before
              FROM devapp_internal.daily_calls(first_day - (last_day - first_day + 1), last_day, apps) c) AS t
$$;

CREATE FUNCTION devapp_internal.tiles_of_responses(first_day date, last_day date, apps uuid[]) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_internal.html_tile('Errors', devapp_internal.html_percent(n.errors, n.responses),
                                    devapp_internal.html_points(n.errors, n.responses, b.errors, b.responses))
           || devapp_internal.html_tile('Latency (p95)', devapp_internal.html_latency(n.p95),
                                       devapp_internal.html_was(extract(epoch FROM n.p95), extract(epoch FROM b.p95),
                                                               devapp_internal.html_latency(b.p95)))
      FROM devapp_internal.responses_between(first_day, last_day, apps) n,
           devapp_internal.responses_between(first_day - (last_day - first_day + 1), first_day - 1, apps) b
$$;

-- How many there are beside those that are used: of the program its developers, else the apps.
CREATE FUNCTION devapp_internal.tiles_of_apps(first_day date, last_day date, apps uuid[]) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_internal.html_tile('Active apps', devapp_internal.html_number(a.active),
                                    devapp_internal.html_was(a.active, a.before, devapp_internal.html_number(a.before)))
           || devapp_internal.html_tile(CASE WHEN apps IS NULL THEN 'Developers' ELSE 'Apps' END, devapp_internal.html_number(d.total),
                                       devapp_internal.html_number(d.added) || ' new, ' || devapp_internal.html_number(d.added_before) || ' before')
      FROM devapp_internal.active_apps(first_day, last_day, apps) AS a,
           (SELECT first_day::timestamp AT TIME ZONE 'UTC' AS start,
                   (first_day - (last_day - first_day + 1))::timestamp AT TIME ZONE 'UTC' AS start_before) AS p,
           LATERAL (SELECT count(*) AS total, count(*) FILTER (WHERE x.created_at >= p.start) AS added,
                           count(*) FILTER (WHERE x.created_at >= p.start_before AND x.created_at < p.start) AS added_before
                      FROM (SELECT o.created_at FROM devapp_report.developers o WHERE apps IS NULL AND o.deleted_at IS NULL
                             UNION ALL
                            SELECT o.created_at FROM devapp.app o WHERE apps IS NOT NULL AND o.app_id = ANY (apps)) AS x) AS d
$$;

CREATE FUNCTION devapp_internal.tile_of_pending(apps uuid[]) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_internal.html_tile('Pending', devapp_internal.html_number(p.waiting),
               CASE WHEN p.waiting > 0 THEN 'longest ' || devapp_internal.html_duration(now() - p.since) WHEN apps IS NULL THEN 'nobody waits' ELSE 'nothing waits' END)
      FROM (SELECT count(*) AS waiting, min(x.waiting_since) AS since FROM devapp_internal.what_waits(apps) x) AS p
$$;
