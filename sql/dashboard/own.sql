-- The dashboard of a developer: the same page, about the apps that are theirs or their teams'.

CREATE FUNCTION devapp_internal.own_apps() RETURNS uuid[]
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(array_agg(a.app_id), '{}')
      FROM devapp.app a
     WHERE a.deleted_at IS NULL
       AND (a.developer_id = devapp_internal.current_developer_id() OR a.team_id = ANY (devapp_internal.my_teams()))
$$;

-- Whose apps they are, and how old the figures are: nothing of them is materialized.
CREATE FUNCTION devapp_internal.own_freshness() RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'Apps of <bdi>' || devapp_internal.escape_html(d.email) || '</bdi>'
           || coalesce((SELECT CASE count(*) WHEN 1 THEN ' and of team ' ELSE ' and of teams ' END
                               || string_agg('<bdi>' || devapp_internal.escape_html(t.name) || '</bdi>', ', ' ORDER BY t.name COLLATE "C")
                          FROM devapp.team t
                         WHERE t.team_id = ANY (devapp_internal.my_teams()) AND t.deleted_at IS NULL
                        HAVING count(*) > 0), '')
           || '. Calls, responses and quotas are as of the last flush of what was counted, all else is as of ' || devapp_internal.html_time(now()) || ' UTC.'
      FROM devapp.developer d
     WHERE d.developer_id = devapp_internal.current_developer_id()
$$;

CREATE FUNCTION devapp_internal.my_dashboard(days integer) RETURNS devapp_report."text/html"
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF devapp_internal.current_developer_id() IS NULL THEN
        PERFORM devapp_internal.refuse('see a dashboard of their own');
    END IF;
    RETURN devapp_internal.dashboard_page(days, devapp_internal.own_apps(), 'My apps', devapp_internal.own_freshness());
END
$$;

CREATE FUNCTION devapp.my_dashboard(days integer DEFAULT 30) RETURNS devapp_report."text/html"
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.my_dashboard(integer) IS
    'Self-contained HTML page about the acting developer''s and their teams'' apps in the last 1 to 366 days';
SELECT devapp_internal.grant_to('devapp.my_dashboard', 'admin', 'developer');
