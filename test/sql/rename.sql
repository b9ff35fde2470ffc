-- Renaming an app.
\set SHOW_CONTEXT never

SELECT FROM devapp.create_developer('rename@example.com');
SELECT FROM devapp.create_developer('rename-other@example.com');
SELECT FROM devapp.create_team('renamers', display_name => 'The renamers');
SELECT FROM devapp.create_product('rename-orders', display_name => 'Orders');
SELECT app_id AS shop, credential_id AS credential, secret FROM devapp.create_app('old-shop', developer => 'rename@example.com', products => '{rename-orders}') \gset
SELECT app_id AS other FROM devapp.create_app('other-shop', developer => 'rename@example.com') \gset
DELETE FROM devapp.notification;

-- the next call has the new name, also where the verdict was remembered
SELECT code, app_name FROM devapp.verify_key(:'secret');
SELECT code, app_name FROM devapp.verify_key(:'secret');
SELECT name, display_name, status FROM devapp.update_app(:'shop', name => '  new-shop ');
SELECT code, app_name FROM devapp.verify_key(:'secret');
-- in a transaction at the next command, and again when that is rolled back
BEGIN;
SELECT name FROM devapp.update_app(:'shop', name => 'not-for-long', display_name => 'Not for long');
SELECT app_name FROM devapp.verify_key(:'secret');
ROLLBACK;
SELECT app_name FROM devapp.verify_key(:'secret');
-- an administrator's statement does the same
UPDATE devapp.app SET name = 'by-hand' WHERE app_id = :'shop';
SELECT app_name FROM devapp.verify_key(:'secret');
SELECT name FROM devapp.update_app(:'shop', name => 'new-shop', display_name => 'New shop');
-- what is left out stays; the same name is none that is taken
SELECT name, display_name, description FROM devapp.update_app(:'shop', description => 'sells');
SELECT name FROM devapp.update_app(:'shop', name => 'new-shop');
-- the id stays
UPDATE devapp.app SET app_id = devapp.uuid_v7() WHERE app_id = :'shop';

-- a name is unique among the owner's live apps
SELECT FROM devapp.update_app(:'other', name => 'new-shop');
SELECT FROM devapp.update_app(:'other', name => '');
SELECT FROM devapp.update_app(:'other', name => E'two\nlines');
SELECT FROM devapp.update_app(:'other', name => 'dvk_live_0123456789ab_0123456789abcdefghijklmnopqrstuvABCDEF');
SELECT name FROM devapp.app WHERE app_id = :'other';
-- another owner's is another, and the old one is free
SELECT app_status FROM devapp.create_app('new-shop', developer => 'rename-other@example.com');
SELECT app_id AS second FROM devapp.create_app('old-shop', developer => 'rename@example.com') \gset
SELECT app_id AS teams FROM devapp.create_app('team-shop', team => 'renamers') \gset
SELECT name FROM devapp.update_app(:'teams', name => 'new-shop');
-- what keeps an app from moving to another owner ends with a new name
SELECT FROM devapp.transfer_app(:'shop', developer => 'rename-other@example.com');
-- a deleted app's name is free, and it keeps its own
SELECT status FROM devapp.delete_app(:'second');
\set VERBOSITY sqlstate
SELECT FROM devapp.update_app(:'second', name => 'risen');
\set VERBOSITY default
SELECT name FROM devapp.update_app(:'other', name => 'old-shop');

-- who may: who may change the rest
BEGIN;
SELECT FROM devapp.setup_roles();
SET LOCAL ROLE devapp_developer;
SET LOCAL request.jwt.claims = '{"email": "rename@example.com", "email_verified": true}';
SELECT name FROM devapp.update_app(:'shop', name => 'my-shop');
SELECT app, display_name FROM devapp.my_apps ORDER BY app COLLATE "C";
\set VERBOSITY sqlstate
SELECT FROM devapp.update_app(:'teams', name => 'mine');
\set VERBOSITY default
ROLLBACK;

-- on record: with the history that was there before
SELECT what FROM devapp.app_history(:'shop') WHERE what LIKE 'app %' ORDER BY event_id;
SELECT action, before, after FROM devapp.audit_event WHERE app_id = :'shop' AND entity = 'app' AND after ? 'name' AND action = 'update' ORDER BY event_id LIMIT 1;

-- what was queued before says the present name when it is told
SELECT credential_id AS waits FROM devapp.rotate_credential(:'credential') \gset
SELECT payload ->> 'app' AS app, payload ->> 'display_name' AS display_name FROM devapp.notification WHERE app_id = :'shop';
SELECT name FROM devapp.update_app(:'shop', name => 'told-shop', display_name => '');
SELECT payload ->> 'app' AS app, payload ? 'display_name' AS has_display_name, payload ->> 'version' AS version FROM devapp.claim_notifications() WHERE app_id = :'shop';
SELECT payload ->> 'app' AS app FROM devapp.notification WHERE app_id = :'shop';
DELETE FROM devapp.notification;

-- lists and exports
SELECT name FROM devapp.update_app(:'shop', name => 'listed-shop', display_name => 'Listed shop');
SELECT app_name FROM devapp.key_owner((SELECT consumer_key FROM devapp.credential WHERE credential_id = :'credential'));
SELECT app_name FROM devapp.bulk_suspend(filter => '{"name": "listed-shop"}');
SELECT j ->> 'name' AS name, j ->> 'display_name' AS display_name FROM devapp.export_apps('{"name": "listed-shop"}') AS j;
SELECT app_name, display_name FROM devapp.export_apps_table('{"name": "listed-shop"}');

-- reports, also those that are materialized, and the name to show beside; all in one
-- transaction, so that today does not end in it, and nobody else writes usage meanwhile
BEGIN;
SELECT FROM devapp_internal.lock_usage();
SELECT devapp_internal.usage_partition('usage_day', now()) IS NOT NULL AS partition;
INSERT INTO devapp.usage_day (day, app_id, product_id, environment, code, calls, cost)
SELECT devapp_internal.utc_today(), :'shop', p.product_id, 'live', x.code::devapp.verdict_code, 5, 5
  FROM devapp.product p, unnest('{VALID,RATE_LIMITED}'::text[]) AS x(code) WHERE p.name = 'rename-orders';
-- the old secret is still used
INSERT INTO devapp.last_used (credential_id, secret_version, app_id, last_used_at, last_seen_at)
VALUES (:'credential', 1, :'shop', now(), clock_timestamp());
SELECT count(*) > 0 AS refreshed FROM devapp.refresh_reports();
SELECT name FROM devapp.update_app(:'shop', name => 'reported-shop', display_name => 'Reported shop');
SELECT 'app_inventory' AS report, app, display_name FROM devapp_report.app_inventory WHERE app_id = :'shop'
UNION SELECT 'high_usage_apps', app, display_name FROM devapp_report.high_usage_apps WHERE app_id = :'shop'
UNION SELECT 'inactive_apps', app, display_name FROM devapp_report.inactive_apps WHERE app_id = :'shop'
UNION SELECT 'credentials', app, app_display_name FROM devapp_report.credentials WHERE app_id = :'shop'
UNION SELECT 'rotations', app, app_display_name FROM devapp_report.rotations WHERE app_id = :'shop'
UNION SELECT 'rotation_queue', app, app_display_name FROM devapp_report.rotation_queue WHERE app_id = :'shop'
UNION SELECT 'usage_daily', app || ', ' || product, app_display_name || ', ' || product_display_name FROM devapp_report.usage_daily WHERE app_id = :'shop'
UNION SELECT 'denials', app || ', ' || product, app_display_name || ', ' || product_display_name FROM devapp_report.denials WHERE app_id = :'shop'
UNION SELECT 'usage_totals', product, product_display_name FROM devapp_report.usage_totals WHERE product = 'rename-orders'
 ORDER BY report;

ROLLBACK;

-- every report that names an app or a product has the name to show as well
SELECT c.table_name, c.column_name FROM information_schema.columns c
 WHERE c.table_schema = 'devapp_report' AND c.column_name IN ('app', 'product')
   AND NOT EXISTS (SELECT FROM information_schema.columns d
                    WHERE d.table_schema = 'devapp_report' AND d.table_name = c.table_name
                      AND d.column_name IN ('display_name', c.column_name || '_display_name'))
 ORDER BY 1, 2;
