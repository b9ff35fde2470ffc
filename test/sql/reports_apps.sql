-- Reports of apps, teams and products: the model.  Times are moved into the past, which
-- triggers would not let anybody do; days are of 24 hours, whatever the time zone.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
BEGIN;
SELECT FROM devapp.create_developer('inventory@example.com');
SELECT FROM devapp.create_developer('inventory-2@example.com');
SELECT FROM devapp.create_team('inventory-team', 'The team');
SELECT FROM devapp.add_team_member('inventory-team', 'inventory@example.com');
SELECT FROM devapp.add_team_member('inventory-team', 'inventory-2@example.com');
SELECT FROM devapp.create_product('inventory-auto', 'Auto');
SELECT FROM devapp.create_product('inventory-manual', approval => 'manual');
-- one has everything: three credentials, of which one is revoked and one has expired
SELECT FROM devapp.set_app_approval('auto');
SELECT app_id AS full_id, credential_id AS full_1 FROM devapp.create_app('inventory-full', 'inventory@example.com', products => '{inventory-manual,inventory-auto}', expires_in => '240 hours', description => 'Has it all', app_family => 'shops') \gset
SELECT credential_id AS full_2 FROM devapp.issue_credential(:'full_id', products => '{inventory-auto}', expires_in => '480 hours') \gset
SELECT credential_id AS full_3 FROM devapp.issue_credential(:'full_id', products => '{inventory-manual}') \gset
SELECT FROM devapp.revoke_credential(:'full_3');
-- one is a team's, with both products, and was suspended
SELECT app_id AS team_id, credential_id AS team_1 FROM devapp.create_app('inventory-team', team => 'inventory-team', products => '{inventory-auto,inventory-manual}') \gset
SELECT FROM devapp.set_credential_product_status(:'team_1', 'inventory-manual', 'approve');
SELECT FROM devapp.suspend_app(:'team_id');
-- one has lost its product, one has none, one is deleted
SELECT app_id AS lost_id, credential_id AS lost_1 FROM devapp.create_app('inventory-lost', 'inventory-2@example.com', products => '{inventory-auto}') \gset
SELECT FROM devapp.set_credential_product_status(:'lost_1', 'inventory-auto', 'revoke');
SELECT app_id AS bare_id, credential_id AS bare_1 FROM devapp.create_app('inventory-bare', 'inventory@example.com') \gset
SELECT FROM devapp.delete_app((devapp.create_app('inventory-deleted', 'inventory@example.com', products => '{inventory-auto}')).app_id);

SET LOCAL session_replication_role = replica;
UPDATE devapp.app SET created_at = now() - interval '2400 hours' WHERE name LIKE 'inventory-%';
UPDATE devapp.credential SET expires_at = now() - interval '1 hour' WHERE credential_id = :'full_2';
UPDATE devapp.credential_secret SET valid_from = now() - interval '71 hours' WHERE credential_id IN (:'full_1', :'full_3');
UPDATE devapp.credential_secret SET valid_from = now() - interval '49 hours' WHERE credential_id = :'full_2';
RESET session_replication_role;
-- the clock was an hour ahead when the last of them was written
INSERT INTO devapp.last_used VALUES
    (:'full_1', 1, :'full_id', now() - interval '959 hours', now() - interval '5 hours'),
    (:'full_2', 1, :'full_id', now() - interval '999 hours', now() - interval '9 hours'),
    (:'team_1', 1, :'team_id', now() - interval '24 hours', now() - interval '24 hours'),
    (:'lost_1', 1, :'lost_id', NULL, now() + interval '1 hour');
SELECT FROM devapp.refresh_reports();
RESET client_min_messages;

CREATE FUNCTION pg_temp.hours(at timestamptz) RETURNS numeric LANGUAGE sql AS $$ SELECT round(extract(epoch FROM at - now()) / 3600) $$;
SELECT app, owner, owner_kind, status, products_approved AS approved, products_pending AS pending,
       credentials_live AS live, credentials_expired AS expired, credentials_revoked AS revoked, pg_temp.hours(next_expiry_at) AS expiry
  FROM devapp_report.app_inventory WHERE app LIKE 'inventory-%' ORDER BY app;
SELECT app, secret_age_days, pg_temp.hours(created_at) AS created, pg_temp.hours(last_used_at) AS used, pg_temp.hours(last_seen_at) AS seen
  FROM devapp_report.app_inventory WHERE app LIKE 'inventory-%' ORDER BY app;
SELECT app, description, app_family, products FROM devapp_report.app_inventory WHERE app LIKE 'inventory-%' ORDER BY app;
-- 959 hours are 39 days and 23 hours; the suspended one is not among them
SELECT app, owner, days_inactive, never_used, pg_temp.hours(last_seen_at) AS seen, credentials_live
  FROM devapp_report.inactive_apps WHERE app LIKE 'inventory-%' AND days_inactive >= 39 ORDER BY app;
SELECT app FROM devapp_report.inactive_apps WHERE app LIKE 'inventory-%' AND days_inactive >= 40 ORDER BY app;
SELECT team, display_name, status, members, apps, calls_30d, pg_temp.hours(last_used_at) AS used FROM devapp_report.team_usage WHERE team = 'inventory-team';
-- lost counts as revoked, full as approved for auto and pending for manual
SELECT product, display_name, approval, apps_approved AS approved, apps_pending AS pending, apps_revoked AS revoked, owners
  FROM devapp_report.product_adoption WHERE product LIKE 'inventory-%' ORDER BY product;
-- these are live: nobody has to refresh
SELECT FROM devapp.resume_app(:'team_id');
SELECT status FROM devapp_report.app_inventory WHERE app_id = :'team_id';
SELECT app, days_inactive, never_used FROM devapp_report.inactive_apps WHERE app_id = :'team_id';
-- only what is asked for is looked up
CREATE FUNCTION pg_temp.reads(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
    RETURN (SELECT string_agg(DISTINCT m[1], ' ' ORDER BY m[1]) FROM regexp_matches(plan::text, '"Relation Name": "(\w+)"', 'g') AS m);
END $$;
SELECT pg_temp.reads('SELECT status, count(*) FROM devapp_report.app_inventory GROUP BY status') AS statuses,
       pg_temp.reads('SELECT app, days_inactive FROM devapp_report.inactive_apps WHERE days_inactive > 90') AS inactive,
       pg_temp.reads('SELECT app, calls_30d FROM devapp_report.app_inventory') AS calls;
-- who has been deleted is in none of them
SELECT count(devapp.delete_app(app_id)) FROM devapp.app WHERE name LIKE 'inventory-%' AND deleted_at IS NULL;
SELECT FROM devapp.delete_team('inventory-team');
SELECT FROM devapp.delete_product('inventory-auto');
SELECT FROM devapp.refresh_reports(concurrently => false);
SELECT app FROM devapp_report.app_inventory WHERE app LIKE 'inventory-%';
SELECT team FROM devapp_report.team_usage WHERE team = 'inventory-team';
SELECT product, apps_approved, apps_pending, apps_revoked FROM devapp_report.product_adoption WHERE product LIKE 'inventory-%';
ROLLBACK;
