-- The lists of the dashboard.  Each shows ten rows at most, and says how many more there are.

-- RATE_LIMITED as people say it.
CREATE FUNCTION devapp_internal.code_words(code text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN upper(left(code, 1)) || replace(lower(substr(code, 2)), '_', ' ');

-- A row about a caller: its name with a bar, its allowed calls, and the share of its calls that was refused.
CREATE FUNCTION devapp_internal.html_calls(name text, detail text, allowed bigint, refused bigint, most bigint) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN devapp_internal.html_row(devapp_internal.html_name(name, detail) || devapp_internal.html_bar(allowed, most),
                                    devapp_internal.html_number(allowed), devapp_internal.html_percent(refused, allowed::numeric + refused));

CREATE FUNCTION devapp_internal.dashboard_top_apps(first_day date, last_day date, apps uuid[]) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH shown AS (
        SELECT *, row_number() OVER w AS place, max(b.allowed) OVER () AS most
          FROM devapp_internal.busiest_apps(first_day, last_day, apps) b
        WINDOW w AS (ORDER BY b.allowed DESC, b.app_id)
    )
    SELECT devapp_internal.html_list('Busiest apps', 'By allowed calls, with the share of refused calls', '{App,#Allowed,#Refused}',
               string_agg(devapp_internal.html_calls(s.app, s.owner, s.allowed, s.refused, s.most), '' ORDER BY s.place),
               count(*), max(s.total), 'No allowed calls in this period.')
      FROM shown s
$$;

CREATE FUNCTION devapp_internal.dashboard_products(first_day date, last_day date, apps uuid[]) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH shown AS (
        SELECT b.*, coalesce(p.name, 'No product') AS name, CASE WHEN p.deleted_at IS NOT NULL THEN 'deleted' END AS detail,
               row_number() OVER w AS place, max(b.allowed) OVER () AS most, count(*) OVER () AS total
          FROM devapp_internal.calls_by_product(first_day, last_day, apps) b
          LEFT JOIN devapp.product p ON p.product_id = b.product_id
        WINDOW w AS (ORDER BY b.allowed DESC, b.refused DESC, b.product_id)
         ORDER BY place LIMIT 10
    )
    SELECT devapp_internal.html_list('Calls by product', 'By allowed calls, with the share of refused calls', '{Product,#Allowed,#Refused}',
               string_agg(devapp_internal.html_calls(s.name, s.detail, s.allowed, s.refused, s.most), '' ORDER BY s.place),
               count(*), max(s.total), 'No calls in this period.')
      FROM shown s
$$;

CREATE FUNCTION devapp_internal.dashboard_owners(first_day date, last_day date, apps uuid[]) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH shown AS (
        SELECT b.*, row_number() OVER w AS place, max(b.allowed) OVER () AS most, count(*) OVER () AS total
          FROM devapp_internal.calls_by_owner(first_day, last_day, apps) b
        WINDOW w AS (ORDER BY b.allowed DESC, b.refused DESC, b.owner_id)
         ORDER BY place LIMIT 10
    )
    SELECT devapp_internal.html_list('Calls by owner', 'Of the apps that each owns now, with the share of refused calls', '{Owner,#Allowed,#Refused}',
               string_agg(devapp_internal.html_calls(s.owner, s.owner_kind, s.allowed, s.refused, s.most), '' ORDER BY s.place),
               count(*), max(s.total), 'No calls in this period.')
      FROM shown s
$$;

CREATE FUNCTION devapp_internal.dashboard_refusals(first_day date, last_day date, apps uuid[]) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH reasons AS (
        SELECT v.code, sum(v.calls) AS calls
          FROM devapp_internal.calls_by_verdict(first_day, last_day, apps) v
         WHERE v.code <> 'VALID'
         GROUP BY v.code
    ), shown AS (
        SELECT *, row_number() OVER w AS place, max(r.calls) OVER () AS most, sum(r.calls) OVER () AS whole, count(*) OVER () AS total
          FROM reasons r
        WINDOW w AS (ORDER BY r.calls DESC, r.code COLLATE "C")
         ORDER BY place LIMIT 10
    )
    SELECT devapp_internal.html_list('Refused calls by reason', 'With the share of all refused calls', '{Reason,#Calls,#Share}',
               string_agg(devapp_internal.html_row(
                   devapp_internal.html_name(devapp_internal.code_words(s.code), s.code) || devapp_internal.html_bar(s.calls, s.most, 'refused'),
                   devapp_internal.html_number(s.calls), devapp_internal.html_percent(s.calls, s.whole)), '' ORDER BY s.place),
               count(*), max(s.total), 'No refused calls in this period.')
      FROM shown s
$$;

CREATE FUNCTION devapp_internal.dashboard_pending(apps uuid[]) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH shown AS (
        SELECT *, row_number() OVER w AS place, count(*) OVER () AS total
          FROM devapp_internal.what_waits(apps) p
        WINDOW w AS (ORDER BY p.waiting_since, p.app_id, p.credential_id, p.product COLLATE "C")
         ORDER BY place LIMIT 10
    )
    SELECT devapp_internal.html_list('Waiting for approval', 'The longest first', '{App and product,#Waits for}',
               string_agg(devapp_internal.html_row(
                   devapp_internal.html_name(s.app, s.product, s.owner),
                   devapp_internal.html_duration(now() - s.waiting_since)), '' ORDER BY s.place),
               count(*), max(s.total), 'Nothing waits for approval.')
      FROM shown s
$$;

-- The card, and the tile that counts its rows: all quotas are looked at once, and those
-- that are shown again, for their names.
CREATE FUNCTION devapp_internal.dashboard_quotas(apps uuid[], OUT card text, OUT tile text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH near AS MATERIALIZED (
        SELECT * FROM devapp_internal.quotas_near_limit(apps)
    ), first AS (
        SELECT n.*, row_number() OVER w AS place
          FROM near n
        WINDOW w AS (ORDER BY n.share_used DESC, n.quota_limit DESC, n.app_id, n.product_id, n.operation_id NULLS FIRST, n.environment COLLATE "C" NULLS FIRST)
         ORDER BY place LIMIT 10
    ), shown AS (
        SELECT q.*, f.place
          FROM first f
          JOIN devapp_report.quota_usage q ON q.app_id = f.app_id AND q.product_id = f.product_id
                                          AND q.operation_id IS NOT DISTINCT FROM f.operation_id AND q.environment IS NOT DISTINCT FROM f.environment
    ), counted AS (
        SELECT count(*) AS near, count(*) FILTER (WHERE n.share_used >= 1) AS used_up FROM near n
    )
    SELECT devapp_internal.html_list('Quotas near their limit', 'At least 80 % used', '{App and product,#Used,#Resets in}',
               (SELECT string_agg(devapp_internal.html_row(
                           devapp_internal.html_name(s.app, s.product, concat_ws(' ', s.methods, s.resource), s.environment)
                           || devapp_internal.html_bar(s.used, s.quota_limit, CASE WHEN s.remaining > 0 THEN 'allowed' ELSE 'refused' END),
                           devapp_internal.html_percent(s.used, s.quota_limit)
                           || '<div class="detail">of ' || devapp_internal.html_number(s.quota_limit) || '</div>',
                           CASE WHEN isfinite(s.resets_at) THEN devapp_internal.html_duration(s.resets_at - now()) ELSE 'never' END), '' ORDER BY s.place) FROM shown s),
               10, c.near, 'No quota is at 80 % or more.'),
           devapp_internal.html_tile('Quotas at 80 %', devapp_internal.html_number(c.near),
               CASE WHEN c.used_up > 0 THEN devapp_internal.html_number(c.used_up) || ' used up' ELSE 'none used up' END)
      FROM counted c
$$;

CREATE FUNCTION devapp_internal.dashboard_rotations(apps uuid[]) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_internal.html_list('Secrets to rotate or to retire', 'Overdue, or replaced and still used', '{App and key,#Age,@Works until}',
               string_agg(devapp_internal.html_row(
                   devapp_internal.html_name(s.app, s.owner) || devapp_internal.html_key(s.consumer_key),
                   devapp_internal.html_duration(now() - s.issued_at) || CASE WHEN s.is_overdue THEN '<div class="alarm">overdue</div>' ELSE '' END,
                   devapp_internal.html_day(s.overlap_ends_at) || CASE WHEN s.still_used THEN '<div class="alarm">still used</div>' ELSE '' END),
                   '' ORDER BY s.rank),
               count(*), max(s.total), 'No rotation is overdue, and no replaced secret is used.')
      FROM devapp_internal.urgent_rotations(apps) s
$$;

CREATE FUNCTION devapp_internal.dashboard_expiring(apps uuid[]) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH shown AS (
        SELECT *, row_number() OVER w AS place, count(*) OVER () AS total
          FROM devapp_internal.soon_expired(apps) c
        WINDOW w AS (ORDER BY c.expires_at, c.credential_id)
         ORDER BY place LIMIT 10
    )
    SELECT devapp_internal.html_list('Credentials that expire', 'In the next 30 days', '{App and key,@Expires,#In}',
               string_agg(devapp_internal.html_row(
                   devapp_internal.html_name(s.app, s.owner) || devapp_internal.html_key(s.consumer_key), devapp_internal.html_day(s.expires_at),
                   devapp_internal.html_duration(s.expires_at - now())), '' ORDER BY s.place),
               count(*), max(s.total), 'No credential expires in the next 30 days.')
      FROM shown s
$$;
