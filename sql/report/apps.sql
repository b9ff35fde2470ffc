-- Reports of apps, and of their owners.

-- What each credential asks for, as far as it goes: what a revoked credential has is revoked, and
-- what one that has expired waits for.
CREATE VIEW devapp_internal.credential_asks AS
SELECT c.app_id, c.credential_id, cp.product_id,
       CASE WHEN c.status = 'approved' AND (cp.status <> 'pending' OR c.expires_at IS NULL OR c.expires_at > now()) THEN cp.status
            ELSE 'revoked' END COLLATE "C" AS status
  FROM devapp.credential_product cp
  JOIN devapp.credential c ON c.credential_id = cp.credential_id
 WHERE cp.removed_at IS NULL;

-- What each app has of each product: it counts once, as the first of approved, pending
-- and revoked (by the alphabet) that one of its credentials is.
CREATE VIEW devapp_internal.app_product AS
SELECT s.app_id, s.product_id, min(s.status) AS status
  FROM devapp_internal.credential_asks s
 GROUP BY s.app_id, s.product_id;

-- Live but for the calls.  Each of the joins gives one row an app, so the planner
-- leaves out those that a query takes nothing from, and looks only up what is asked
-- for by app_id.
CREATE VIEW devapp_report.app_inventory AS
SELECT a.app_id, a.app, a.display_name, a.app_path, a.owner_id, a.owner, a.owner_kind, a.status,
       a.effective_status,
       coalesce(p.products_approved, 0) AS products_approved,
       coalesce(p.products_pending, 0) AS products_pending,
       coalesce(c.credentials_live, 0) AS credentials_live,
       coalesce(c.credentials_expired, 0) AS credentials_expired,
       coalesce(c.credentials_revoked, 0) AS credentials_revoked,
       c.next_expiry_at,
       floor(extract(epoch FROM now() - c.newest_secret_at) / 86400)::integer AS secret_age_days,
       a.created_at,
       CASE WHEN l.last_used_at > now() THEN now() ELSE l.last_used_at END AS last_used_at,
       CASE WHEN l.last_seen_at > now() THEN now() ELSE l.last_seen_at END AS last_seen_at,
       coalesce(u.calls_30d, 0) AS calls_30d,
       coalesce(u.refused_30d, 0) AS refused_30d,
       coalesce(u.calls_previous_30d, 0) AS calls_previous_30d,
       a.description, a.app_family, coalesce(n.products, '{}') AS products
  FROM devapp_internal.named_app a
  LEFT JOIN (SELECT x.app_id,
                    count(*) FILTER (WHERE x.status = 'approved' AND (x.expires_at IS NULL OR x.expires_at > now())) AS credentials_live,
                    count(*) FILTER (WHERE x.status = 'approved' AND x.expires_at <= now()) AS credentials_expired,
                    count(*) FILTER (WHERE x.status <> 'approved') AS credentials_revoked,
                    min(x.expires_at) FILTER (WHERE x.status = 'approved' AND x.expires_at > now()) AS next_expiry_at,
                    max(s.valid_from) FILTER (WHERE x.status = 'approved') AS newest_secret_at
               FROM devapp.credential x
               LEFT JOIN devapp.credential_secret s ON s.credential_id = x.credential_id AND s.superseded_at IS NULL
              WHERE x.deleted_at IS NULL
              GROUP BY x.app_id) AS c ON c.app_id = a.app_id
  LEFT JOIN (SELECT x.app_id, count(*) FILTER (WHERE x.status = 'approved') AS products_approved,
                    count(*) FILTER (WHERE x.status = 'pending') AS products_pending
               FROM devapp_internal.app_product x
              GROUP BY x.app_id) AS p ON p.app_id = a.app_id
  LEFT JOIN (SELECT x.app_id, array_agg(y.name ORDER BY y.name COLLATE "C") AS products
               FROM devapp_internal.app_product x
               JOIN devapp.product y ON y.product_id = x.product_id
              WHERE x.status <> 'revoked'
              GROUP BY x.app_id) AS n ON n.app_id = a.app_id
  LEFT JOIN (SELECT x.app_id, max(x.last_used_at) AS last_used_at, max(x.last_seen_at) AS last_seen_at
               FROM devapp.last_used x
              GROUP BY x.app_id) AS l ON l.app_id = a.app_id
  LEFT JOIN devapp_internal.app_usage u ON u.app_id = a.app_id
 WHERE a.deleted_at IS NULL;
COMMENT ON VIEW devapp_report.app_inventory IS 'Apps: one row per app that is not deleted. Live; calls as of the last refresh';
COMMENT ON COLUMN devapp_report.app_inventory.app_id IS 'Id of the app';
COMMENT ON COLUMN devapp_report.app_inventory.app IS 'Name of the app, unique among those of its owner';
COMMENT ON COLUMN devapp_report.app_inventory.display_name IS 'Display name; null: none';
COMMENT ON COLUMN devapp_report.app_inventory.app_path IS 'Owner and name of the app, as functions of devapp take it';
COMMENT ON COLUMN devapp_report.app_inventory.owner_id IS 'Id of the developer or team';
COMMENT ON COLUMN devapp_report.app_inventory.owner IS 'E-mail of the developer, or name of the team';
COMMENT ON COLUMN devapp_report.app_inventory.owner_kind IS 'developer or team';
COMMENT ON COLUMN devapp_report.app_inventory.status IS 'pending, rejected, approved, suspended or revoked';
COMMENT ON COLUMN devapp_report.app_inventory.effective_status IS 'active, or why its keys do not work: pending, rejected, suspended, revoked or owner inactive';
COMMENT ON COLUMN devapp_report.app_inventory.products_approved IS 'Products that one of its credentials is approved for';
COMMENT ON COLUMN devapp_report.app_inventory.products_pending IS 'Pending products for which no other credential is approved';
COMMENT ON COLUMN devapp_report.app_inventory.credentials_live IS 'Credentials that are neither revoked nor expired';
COMMENT ON COLUMN devapp_report.app_inventory.credentials_expired IS 'Credentials that have expired and were not revoked';
COMMENT ON COLUMN devapp_report.app_inventory.credentials_revoked IS 'Credentials that were revoked';
COMMENT ON COLUMN devapp_report.app_inventory.next_expiry_at IS 'When the next live credential expires; null: none does';
COMMENT ON COLUMN devapp_report.app_inventory.secret_age_days IS 'Age in days of the newest secret of its credentials that are not revoked; null: none';
COMMENT ON COLUMN devapp_report.app_inventory.created_at IS 'When the app was created';
COMMENT ON COLUMN devapp_report.app_inventory.last_used_at IS 'Last allowed call; null: none yet';
COMMENT ON COLUMN devapp_report.app_inventory.last_seen_at IS 'Last time one of its keys was presented, whatever the verdict; null: never';
COMMENT ON COLUMN devapp_report.app_inventory.calls_30d IS 'Calls allowed in the last 30 days, including today (UTC)';
COMMENT ON COLUMN devapp_report.app_inventory.refused_30d IS 'Calls refused in the last 30 days';
COMMENT ON COLUMN devapp_report.app_inventory.calls_previous_30d IS 'Calls allowed in the 30 days before those';
COMMENT ON COLUMN devapp_report.app_inventory.description IS 'Description by the owner; null: none';
COMMENT ON COLUMN devapp_report.app_inventory.app_family IS 'Family of apps that it belongs to; null: none';
COMMENT ON COLUMN devapp_report.app_inventory.products IS 'Names of its approved and pending products';
SELECT devapp_internal.grant_on('TABLE', 'devapp_report.app_inventory', 'SELECT', 'admin', 'analyst');

CREATE VIEW devapp_report.inactive_apps AS
SELECT i.app_id, i.app, i.display_name, i.app_path, i.owner_id, i.owner, i.owner_kind,
       floor(extract(epoch FROM now() - coalesce(i.last_used_at, i.created_at)) / 86400)::integer AS days_inactive,
       i.last_used_at IS NULL AS never_used,
       i.last_used_at, i.last_seen_at, i.created_at, i.credentials_live
  FROM devapp_report.app_inventory i
 WHERE i.status = 'approved';
COMMENT ON VIEW devapp_report.inactive_apps IS
    'Approved apps and how long they have been inactive: one row per app; filter by days_inactive. Live';
COMMENT ON COLUMN devapp_report.inactive_apps.app_id IS 'Id of the app';
COMMENT ON COLUMN devapp_report.inactive_apps.app IS 'Name of the app';
COMMENT ON COLUMN devapp_report.inactive_apps.display_name IS 'Display name; null: none';
COMMENT ON COLUMN devapp_report.inactive_apps.app_path IS 'Owner and name of the app, as functions of devapp take it';
COMMENT ON COLUMN devapp_report.inactive_apps.owner_id IS 'Id of the developer or team';
COMMENT ON COLUMN devapp_report.inactive_apps.owner IS 'E-mail of the developer, or name of the team';
COMMENT ON COLUMN devapp_report.inactive_apps.owner_kind IS 'developer or team';
COMMENT ON COLUMN devapp_report.inactive_apps.days_inactive IS 'Days since its last allowed call or, if there was none, since its creation';
COMMENT ON COLUMN devapp_report.inactive_apps.never_used IS 'No call was ever allowed, as far as calls were counted';
COMMENT ON COLUMN devapp_report.inactive_apps.last_used_at IS 'Last allowed call; null: none yet';
COMMENT ON COLUMN devapp_report.inactive_apps.last_seen_at IS 'Last time one of its keys was presented, whatever the verdict; null: never';
COMMENT ON COLUMN devapp_report.inactive_apps.created_at IS 'When the app was created';
COMMENT ON COLUMN devapp_report.inactive_apps.credentials_live IS 'Credentials that still work: neither revoked nor expired';
SELECT devapp_internal.grant_on('TABLE', 'devapp_report.inactive_apps', 'SELECT', 'admin', 'analyst');

-- The apps with the most calls that are not deleted, and the calls of all (src/meter/busiest_apps.c).
CREATE FUNCTION devapp_internal.busiest_apps(most integer) RETURNS TABLE (
    app_id uuid,
    calls_30d bigint,
    calls_previous_30d bigint,
    all_calls bigint
)
    LANGUAGE c STABLE STRICT ROWS 1000
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'devapp_busiest_apps';

-- The peak needs the days of an app, which are few by the index of the days: that is
-- why this is of the busiest only.  All apps are in app_inventory.
CREATE MATERIALIZED VIEW devapp_internal.high_usage_apps AS
SELECT b.rank, b.app_id, b.calls_30d,
       b.calls_30d::double precision / b.all_calls AS share_of_calls,
       b.calls_30d / 30.0::double precision AS calls_per_day,
       peak.day AS peak_day, peak.calls AS peak_calls,
       b.calls_previous_30d,
       (b.calls_30d - b.calls_previous_30d)::double precision / nullif(b.calls_previous_30d, 0) AS change
  FROM (SELECT rank() OVER (ORDER BY t.calls_30d DESC) AS rank, t.*
          FROM devapp_internal.busiest_apps(1000) AS t) AS b
 CROSS JOIN LATERAL (SELECT u.day, devapp_internal.sum_bigint(u.calls) AS calls
                       FROM devapp.usage_day u
                      WHERE u.app_id = b.app_id AND u.code = 'VALID' AND u.day > (SELECT devapp_internal.utc_today() - 30)
                      GROUP BY u.day
                      ORDER BY 2 DESC, 1 DESC
                      LIMIT 1) AS peak;
CREATE UNIQUE INDEX high_usage_apps_key ON devapp_internal.high_usage_apps (app_id);

-- Names are as of now.
CREATE VIEW devapp_report.high_usage_apps AS
SELECT b.rank, b.app_id, a.app, a.display_name, a.app_path, a.is_deleted, a.owner_id, a.owner, a.owner_kind, b.calls_30d,
       b.share_of_calls, b.calls_per_day, b.peak_day, b.peak_calls, b.calls_previous_30d, b.change
  FROM devapp_internal.high_usage_apps b
  JOIN devapp_internal.named_app a ON a.app_id = b.app_id;
COMMENT ON VIEW devapp_report.high_usage_apps IS
    'The 1000 busiest apps of the last 30 days; app_inventory has all. Materialized except for names';
COMMENT ON COLUMN devapp_report.high_usage_apps.rank IS 'Rank by calls: 1 is the busiest; apps with equal calls share a rank';
COMMENT ON COLUMN devapp_report.high_usage_apps.app_id IS 'Id of the app';
COMMENT ON COLUMN devapp_report.high_usage_apps.app IS 'Name of the app';
COMMENT ON COLUMN devapp_report.high_usage_apps.display_name IS 'Display name; null: none';
COMMENT ON COLUMN devapp_report.high_usage_apps.app_path IS 'Owner and name of the app, as functions of devapp take it';
COMMENT ON COLUMN devapp_report.high_usage_apps.is_deleted IS 'The app has been deleted since the last refresh';
COMMENT ON COLUMN devapp_report.high_usage_apps.owner_id IS 'Id of the developer or team';
COMMENT ON COLUMN devapp_report.high_usage_apps.owner IS 'E-mail of the developer, or name of the team';
COMMENT ON COLUMN devapp_report.high_usage_apps.owner_kind IS 'developer or team';
COMMENT ON COLUMN devapp_report.high_usage_apps.calls_30d IS 'Calls allowed in the last 30 days, including today (UTC)';
COMMENT ON COLUMN devapp_report.high_usage_apps.share_of_calls IS 'Share of the calls of all apps, including deleted ones, from 0 to 1';
COMMENT ON COLUMN devapp_report.high_usage_apps.calls_per_day IS 'Calls per day, on average';
COMMENT ON COLUMN devapp_report.high_usage_apps.peak_day IS 'Day with the most calls, in UTC; the last of several';
COMMENT ON COLUMN devapp_report.high_usage_apps.peak_calls IS 'Calls of that day';
COMMENT ON COLUMN devapp_report.high_usage_apps.calls_previous_30d IS 'Calls allowed in the 30 days before';
COMMENT ON COLUMN devapp_report.high_usage_apps.change IS 'Change from the 30 days before: 0.5 is 50 % more; null: there were no calls';
SELECT devapp_internal.grant_on('TABLE', 'devapp_report.high_usage_apps', 'SELECT', 'admin', 'analyst');

CREATE VIEW devapp_report.team_usage AS
SELECT t.team_id, t.name AS team, t.display_name, t.status,
       (SELECT count(*) FROM devapp.team_member m WHERE m.team_id = t.team_id) AS members,
       coalesce(u.apps, 0) AS apps, coalesce(u.calls_30d, 0) AS calls_30d, coalesce(u.refused_30d, 0) AS refused_30d, u.last_used_at
  FROM devapp.team t
  LEFT JOIN (SELECT i.owner_id, count(*) AS apps, devapp_report.sum_bigint(i.calls_30d) AS calls_30d, devapp_report.sum_bigint(i.refused_30d) AS refused_30d,
                    max(i.last_used_at) AS last_used_at
               FROM devapp_report.app_inventory i
              WHERE i.owner_kind = 'team'
              GROUP BY i.owner_id) AS u ON u.owner_id = t.team_id
 WHERE t.deleted_at IS NULL;
COMMENT ON VIEW devapp_report.team_usage IS 'Teams: one row per team that is not deleted. Live; calls as of the last refresh';
COMMENT ON COLUMN devapp_report.team_usage.team_id IS 'Id of the team';
COMMENT ON COLUMN devapp_report.team_usage.team IS 'Name of the team';
COMMENT ON COLUMN devapp_report.team_usage.display_name IS 'Display name; null: none';
COMMENT ON COLUMN devapp_report.team_usage.status IS 'active or inactive';
COMMENT ON COLUMN devapp_report.team_usage.members IS 'Developers in it';
COMMENT ON COLUMN devapp_report.team_usage.apps IS 'Its apps that are not deleted';
COMMENT ON COLUMN devapp_report.team_usage.calls_30d IS 'Calls of these apps allowed in the last 30 days, including today (UTC)';
COMMENT ON COLUMN devapp_report.team_usage.refused_30d IS 'Calls of these apps refused in the last 30 days';
COMMENT ON COLUMN devapp_report.team_usage.last_used_at IS 'Last allowed call of these apps; null: none yet';
SELECT devapp_internal.grant_on('TABLE', 'devapp_report.team_usage', 'SELECT', 'admin', 'analyst');

-- What is counted of the whole program, in one pass (src/meter/program_sums.c): of each
-- product, null for none, how many apps have it, how many owners, and how many apps called it
-- in the last 30 days; and the most urgent secrets, with how many there are.
CREATE FUNCTION devapp_internal.sum_program(at timestamptz, rotation_max_age integer, most_urgent integer) RETURNS TABLE (
    is_product boolean,
    product_id uuid,
    apps_approved bigint,
    apps_pending bigint,
    apps_revoked bigint,
    owners bigint,
    active_apps_30d bigint,
    credential_id uuid,
    secret_version integer,
    total bigint
)
    LANGUAGE c STABLE STRICT ROWS 2000
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'devapp_sum_program';

-- For product_adoption, which is refreshed right after it, and rotation_queue.
CREATE MATERIALIZED VIEW devapp_internal.program_sums AS
SELECT s.* FROM devapp_internal.sum_program(now(), devapp_report.setting('rotation_max_age')::integer, 1000) AS s;

-- Deleted products have a row if they had calls, and calls to none have one, so that the
-- sums are those of all calls.  Ids that are null join as if they were zero.  Responses are
-- taken from latency_totals, which is refreshed before it.
CREATE MATERIALIZED VIEW devapp_internal.product_adoption AS
SELECT x.product_id,
       CASE WHEN x.is_live THEN coalesce(s.apps_approved, 0) ELSE 0 END AS apps_approved,
       CASE WHEN x.is_live THEN coalesce(s.apps_pending, 0) ELSE 0 END AS apps_pending,
       CASE WHEN x.is_live THEN coalesce(s.apps_revoked, 0) ELSE 0 END AS apps_revoked,
       CASE WHEN x.is_live THEN coalesce(s.owners, 0) ELSE 0 END AS owners,
       coalesce(s.active_apps_30d, 0) AS active_apps_30d, coalesce(u.calls_30d, 0) AS calls_30d,
       coalesce(u.refused_30d, 0) AS refused_30d,
       l.responses_30d, l.client_errors_30d, l.server_errors_30d
  FROM (SELECT p.product_id, coalesce(p.product_id, '00000000-0000-0000-0000-000000000000') AS key, p.deleted_at IS NULL AS is_live
          FROM (SELECT y.product_id, y.deleted_at FROM devapp.product y UNION ALL SELECT NULL, now()) AS p) AS x
  LEFT JOIN devapp_internal.program_sums s ON s.is_product AND coalesce(s.product_id, '00000000-0000-0000-0000-000000000000') = x.key
  LEFT JOIN (SELECT x.product_id, coalesce(devapp_internal.sum_bigint(x.calls) FILTER (WHERE x.code = 'VALID'), 0) AS calls_30d,
                    coalesce(devapp_internal.sum_bigint(x.calls) FILTER (WHERE x.code <> 'VALID'), 0) AS refused_30d
               FROM devapp_internal.usage_sums x
              WHERE x.is_day AND x.day > devapp_internal.utc_today() - 30
              GROUP BY x.product_id) AS u ON coalesce(u.product_id, '00000000-0000-0000-0000-000000000000') = x.key
  LEFT JOIN (SELECT x.product_id, devapp_internal.sum_bigint(x.responses) AS responses_30d,
                    devapp_internal.sum_bigint(x.client_errors) AS client_errors_30d, devapp_internal.sum_bigint(x.server_errors) AS server_errors_30d
               FROM devapp_internal.latency_totals x
              WHERE x.day > devapp_internal.utc_today() - 30
              GROUP BY x.product_id) AS l ON coalesce(l.product_id, '00000000-0000-0000-0000-000000000000') = x.key
 WHERE x.is_live OR u.calls_30d > 0 OR u.refused_30d > 0 OR l.responses_30d > 0;
CREATE UNIQUE INDEX product_adoption_key ON devapp_internal.product_adoption (product_id) NULLS NOT DISTINCT;

-- Products that were made since the last refresh are not there yet.
CREATE VIEW devapp_report.product_adoption AS
SELECT m.product_id, p.name AS product, p.display_name, p.deleted_at IS NOT NULL AS is_deleted, p.approval, p.access, m.apps_approved, m.apps_pending, m.apps_revoked, m.owners,
       m.active_apps_30d, m.calls_30d, m.refused_30d, m.responses_30d, m.client_errors_30d, m.server_errors_30d
  FROM devapp_internal.product_adoption m
  LEFT JOIN devapp.product p ON p.product_id = m.product_id;
COMMENT ON VIEW devapp_report.product_adoption IS
    'Products that exist or were called in the last 30 days: one row per product. Materialized except for names';
COMMENT ON COLUMN devapp_report.product_adoption.product_id IS 'Id of the product; null: calls that no product answered';
COMMENT ON COLUMN devapp_report.product_adoption.product IS 'Name of the product; null: as above';
COMMENT ON COLUMN devapp_report.product_adoption.display_name IS 'Display name; null: none';
COMMENT ON COLUMN devapp_report.product_adoption.is_deleted IS 'The product was deleted, so no app has it';
COMMENT ON COLUMN devapp_report.product_adoption.approval IS 'auto: new requests are approved; manual: they are pending';
COMMENT ON COLUMN devapp_report.product_adoption.access IS 'public, private or internal';
COMMENT ON COLUMN devapp_report.product_adoption.apps_approved IS 'Apps with a credential that is approved for it';
COMMENT ON COLUMN devapp_report.product_adoption.apps_pending IS 'Apps with a pending and no approved credential for it';
COMMENT ON COLUMN devapp_report.product_adoption.apps_revoked IS 'Apps that have it only by revoked credentials or approvals';
COMMENT ON COLUMN devapp_report.product_adoption.owners IS 'Developers and teams that own the approved apps';
COMMENT ON COLUMN devapp_report.product_adoption.active_apps_30d IS 'Apps with an allowed call in the last 30 days, including today (UTC) and apps deleted since';
COMMENT ON COLUMN devapp_report.product_adoption.calls_30d IS 'Calls allowed in the last 30 days';
COMMENT ON COLUMN devapp_report.product_adoption.refused_30d IS 'Calls refused in the last 30 days for which this product came closest';
COMMENT ON COLUMN devapp_report.product_adoption.responses_30d IS 'Calls whose responses gateways recorded in the last 30 days; null: none';
COMMENT ON COLUMN devapp_report.product_adoption.client_errors_30d IS 'Responses with a status from 400 to 499; null: none was recorded';
COMMENT ON COLUMN devapp_report.product_adoption.server_errors_30d IS 'Responses with a status from 500 to 599; null: none was recorded';
SELECT devapp_internal.grant_on('TABLE', 'devapp_report.product_adoption', 'SELECT', 'admin', 'analyst');
