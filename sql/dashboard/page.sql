-- The dashboard: one HTML page that needs nothing but itself.

-- PostgREST serves what a function returns as the media type that its type is named by.
CREATE DOMAIN devapp_report."text/html" AS text;
COMMENT ON DOMAIN devapp_report."text/html" IS 'An HTML page, which PostgREST serves as such';
SELECT devapp_internal.grant_on('TYPE', 'devapp_report."text/html"', 'USAGE', 'admin', 'analyst');

CREATE FUNCTION devapp_internal.check_days(days integer) RETURNS integer
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF days IS NULL OR days NOT BETWEEN 1 AND 366 THEN
        RAISE EXCEPTION 'the dashboard cannot show % days', coalesce(days::text, 'null')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give a number of days from 1 to 366.';
    END IF;
    RETURN days;
END
$$;

-- Nothing is loaded and no script runs: the style is let in by its digest.
CREATE FUNCTION devapp_internal.html_head(title text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT E'<head>\n<meta charset="utf-8"/>\n'
           || '<meta http-equiv="Content-Security-Policy" content="default-src ''none''; base-uri ''none''; form-action ''none''; style-src ''sha256-'
           || encode(sha256(convert_to(s.style, 'UTF8')), 'base64') || E'''"/>\n'
           || E'<meta name="viewport" content="width=device-width, initial-scale=1"/>\n<meta name="color-scheme" content="light dark"/>\n'
           || E'<meta name="referrer" content="no-referrer"/>\n<meta name="robots" content="noindex"/>\n'
           || '<title>' || devapp_internal.escape_html(title) || E'</title>\n<style>' || s.style || E'</style>\n</head>\n'
      FROM (SELECT devapp_internal.dashboard_style() AS style) AS s
$$;

CREATE FUNCTION devapp_internal.html_section(title text, VARIADIC cards text[]) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '<h2>' || devapp_internal.escape_html(title) || E'</h2>\n<div class="cards">\n' || array_to_string(cards, '') || E'</div>\n';

-- How old the figures are: of the program by its reports, which are refreshed.
CREATE FUNCTION devapp_internal.dashboard_freshness() RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN count(f.as_of) < count(*)
                THEN '<span class="alarm">The reports were not refreshed yet</span> (see devapp.refresh_reports), so calls, apps, responses and rotations are missing'
                ELSE 'Calls, apps, responses and rotations are as of ' || devapp_internal.html_time(min(f.as_of)) || ' UTC' END
           || CASE WHEN count(f.error) > 0 THEN ', <span class="alarm">the last refresh failed</span>' ELSE '' END
           || '. All else is as of ' || devapp_internal.html_time(now()) || ' UTC.'
      FROM devapp_report.freshness f
     WHERE f.report IN ('app_inventory', 'verdict_totals', 'rotation_queue')
$$;

-- The page about some apps, or (null) about all of the program; freshness is markup.
-- Compiling a query for the half of it that does not run would take longer than the rest.
CREATE FUNCTION devapp_internal.dashboard_page(days integer, apps uuid[], title text, freshness text) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    SET work_mem = '64MB'
    SET jit = off
AS $$
DECLARE
    last_day constant date := (now() AT TIME ZONE 'UTC')::date;
    first_day constant date := last_day - devapp_internal.check_days(days) + 1;
    quotas record;
BEGIN
    SELECT * INTO quotas FROM devapp_internal.dashboard_quotas(apps);
    RETURN E'<!DOCTYPE html>\n<html lang="en">\n' || devapp_internal.html_head(title)
           || E'<body>\n<div class="page">\n<header>\n<h1>' || devapp_internal.escape_html(title) || E'</h1>\n'
           || format(E'<p>%s to %s (UTC), compared with the %s before</p>\n<p class="note">%s</p>\n</header>\n<main>\n',
                     devapp_internal.html_date(first_day), devapp_internal.html_date(last_day),
                     CASE days WHEN 1 THEN 'day' ELSE days || ' days' END, freshness)
           || E'<dl class="tiles">\n' || devapp_internal.tiles_of_calls(first_day, last_day, apps)
           || devapp_internal.tiles_of_responses(first_day, last_day, apps) || devapp_internal.tiles_of_apps(first_day, last_day, apps)
           || devapp_internal.tile_of_pending(apps) || quotas.tile || E'</dl>\n'
           || devapp_internal.html_section('Traffic',
                  devapp_internal.dashboard_calls(first_day, last_day, apps), devapp_internal.dashboard_errors(first_day, last_day, apps),
                  devapp_internal.dashboard_latency(first_day, last_day, apps), devapp_internal.dashboard_refusals(first_day, last_day, apps))
           || devapp_internal.html_section('Who calls what',
                  devapp_internal.dashboard_products(first_day, last_day, apps), devapp_internal.dashboard_owners(first_day, last_day, apps),
                  devapp_internal.dashboard_top_apps(first_day, last_day, apps))
           || devapp_internal.html_section('To do',
                  devapp_internal.dashboard_pending(apps), quotas.card,
                  devapp_internal.dashboard_rotations(apps), devapp_internal.dashboard_expiring(apps))
           || E'</main>\n</div>\n</body>\n</html>\n';
END
$$;

CREATE FUNCTION devapp_internal.dashboard(days integer) RETURNS devapp_report."text/html"
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_internal.dashboard_page(days, NULL, coalesce(nullif(btrim(devapp_internal.setting('program_name')), ''), 'Developer program'),
                                         devapp_internal.dashboard_freshness())
$$;

CREATE FUNCTION devapp_report.dashboard(days integer DEFAULT 30) RETURNS devapp_report."text/html"
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'devapp_enter_analyst';
COMMENT ON FUNCTION devapp_report.dashboard(integer) IS
    'Self-contained HTML page about the developer program in the last 1 to 366 days, in UTC';
SELECT devapp_internal.grant_to('devapp_report.dashboard', 'admin', 'analyst');
