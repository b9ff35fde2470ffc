-- The lists of the dashboard.  Each shows ten rows at most, and says how many more there are.

-- RATE_LIMITED as people say it.
CREATE FUNCTION devapp_report._code_words(code text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN upper(left(code, 1)) || replace(lower(substr(code, 2)), '_', ' ');

CREATE FUNCTION devapp_report._dashboard_top_apps(first_day date, last_day date) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH apps AS (
        SELECT u.app_id, min(u.app) AS app, min(u.owner) AS owner, sum(u.calls) AS calls, sum(u.refused) AS refused
          FROM devapp_report.usage_daily u
         WHERE u.day BETWEEN first_day AND last_day AND u.app_id IS NOT NULL
         GROUP BY u.app_id
    ), shown AS (
        SELECT *, row_number() OVER w AS place, max(a.calls) OVER () AS most, count(*) OVER () AS total
          FROM apps a
        WINDOW w AS (ORDER BY a.calls DESC, a.app COLLATE "C", a.app_id)
         ORDER BY place LIMIT 10
    )
    SELECT devapp_report._html_list('Busiest apps', 'By calls; refused: part of the calls of the app', ARRAY['App', '#Calls', '#Refused'],
               string_agg(devapp_report._html_row(
                   devapp_report._html_name(s.app, s.owner) || devapp_report._html_bar(s.calls, s.most),
                   devapp_report._html_number(s.calls), devapp_report._html_percent(s.refused, s.calls)), '' ORDER BY s.place),
               count(*), max(s.total), 'No calls in this period.')
      FROM shown s
$$;

CREATE FUNCTION devapp_report._dashboard_refusals(first_day date, last_day date) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH reasons AS (
        SELECT d.code::text AS code, sum(d.calls) AS calls
          FROM devapp_report.denials d
         WHERE d.day BETWEEN first_day AND last_day
         GROUP BY d.code
    ), shown AS (
        SELECT *, row_number() OVER w AS place, max(r.calls) OVER () AS most, sum(r.calls) OVER () AS whole, count(*) OVER () AS total
          FROM reasons r
        WINDOW w AS (ORDER BY r.calls DESC, r.code COLLATE "C")
         ORDER BY place LIMIT 10
    )
    SELECT devapp_report._html_list('Refused calls by reason', 'Share: part of all refused calls', ARRAY['Reason', '#Calls', '#Share'],
               string_agg(devapp_report._html_row(
                   devapp_report._html_name(devapp_report._code_words(s.code), s.code) || devapp_report._html_bar(s.calls, s.most, 'refused'),
                   devapp_report._html_number(s.calls), devapp_report._html_percent(s.calls, s.whole)), '' ORDER BY s.place),
               count(*), max(s.total), 'No refused calls in this period.')
      FROM shown s
$$;

CREATE FUNCTION devapp_report._dashboard_pending() RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH shown AS (
        SELECT *, row_number() OVER w AS place, count(*) OVER () AS total
          FROM devapp_report.pending_approvals p
        WINDOW w AS (ORDER BY p.waiting_since, p.app COLLATE "C", p.app_id, p.product COLLATE "C" NULLS FIRST)
         ORDER BY place LIMIT 10
    )
    SELECT devapp_report._html_list('Waiting for approval', 'The longest first', ARRAY['App and product', '#Waits for'],
               string_agg(devapp_report._html_row(
                   devapp_report._html_name(s.app, s.product, s.owner),
                   devapp_report._html_duration(now() - s.waiting_since)), '' ORDER BY s.place),
               count(*), max(s.total), 'Nothing waits for approval.')
      FROM shown s
$$;

CREATE FUNCTION devapp_report._dashboard_quotas() RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH shown AS (
        SELECT *, row_number() OVER w AS place, count(*) OVER () AS total
          FROM devapp_report.quota_usage q
         WHERE q.share_used >= 0.8
        WINDOW w AS (ORDER BY q.share_used DESC, q.app COLLATE "C", q.product COLLATE "C", q.environment COLLATE "C" NULLS FIRST)
         ORDER BY place LIMIT 10
    )
    SELECT devapp_report._html_list('Quotas near their limit', '80 % used and more', ARRAY['App and product', '#Used', '#Resets in'],
               string_agg(devapp_report._html_row(
                   devapp_report._html_name(s.app, s.product, s.environment)
                   || devapp_report._html_bar(s.used, s.quota_limit, CASE WHEN s.used >= s.quota_limit THEN 'refused' ELSE 'allowed' END),
                   devapp_report._html_percent(s.used, s.quota_limit)
                   || '<div class="detail">of ' || devapp_report._html_number(s.quota_limit) || '</div>',
                   devapp_report._html_duration(s.resets_at - now())), '' ORDER BY s.place),
               count(*), max(s.total), 'No quota is used up to 80 %.')
      FROM shown s
$$;

CREATE FUNCTION devapp_report._dashboard_rotations() RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH shown AS (
        SELECT *, row_number() OVER w AS place, count(*) OVER () AS total
          FROM devapp_report.rotations r
         WHERE r.is_overdue OR r.still_used
        WINDOW w AS (ORDER BY r.is_overdue DESC, r.rotated_at, r.consumer_key COLLATE "C")
         ORDER BY place LIMIT 10
    )
    SELECT devapp_report._html_list('Rotations to look at', 'Overdue, or an old secret is still used', ARRAY['App', '#Rotated', '#Old secret'],
               string_agg(devapp_report._html_row(
                   devapp_report._html_name(s.app, s.owner, s.consumer_key),
                   devapp_report._html_day(s.rotated_at) || CASE WHEN s.is_overdue THEN '<div class="alarm">overdue</div>' ELSE '' END,
                   CASE WHEN s.still_used THEN 'used' ELSE 'not used' END), '' ORDER BY s.place),
               count(*), max(s.total), 'No rotation is overdue, and no old secret is used.')
      FROM shown s
$$;

CREATE FUNCTION devapp_report._dashboard_expiring() RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH shown AS (
        SELECT *, row_number() OVER w AS place, count(*) OVER () AS total
          FROM devapp_report.credentials_expiring c
        WINDOW w AS (ORDER BY c.expires_at, c.consumer_key COLLATE "C")
         ORDER BY place LIMIT 10
    )
    SELECT devapp_report._html_list('Credentials that expire', 'The next first', ARRAY['App', '#Expires', '#In'],
               string_agg(devapp_report._html_row(
                   devapp_report._html_name(s.app, s.owner), devapp_report._html_day(s.expires_at),
                   devapp_report._html_duration(s.expires_at - now())), '' ORDER BY s.place),
               count(*), max(s.total), 'No credential expires soon.')
      FROM shown s
$$;

COMMENT ON FUNCTION devapp_report._code_words(text) IS 'Internal: the code of a verdict as words';
COMMENT ON FUNCTION devapp_report._dashboard_top_apps(date, date) IS 'Internal: card of the apps with the most calls';
COMMENT ON FUNCTION devapp_report._dashboard_refusals(date, date) IS 'Internal: card of refused calls by reason';
COMMENT ON FUNCTION devapp_report._dashboard_pending() IS 'Internal: card of what waits for approval';
COMMENT ON FUNCTION devapp_report._dashboard_quotas() IS 'Internal: card of quotas near their limit';
COMMENT ON FUNCTION devapp_report._dashboard_rotations() IS 'Internal: card of rotations that are not done';
COMMENT ON FUNCTION devapp_report._dashboard_expiring() IS 'Internal: card of credentials that expire';
