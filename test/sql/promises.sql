-- What devapp promises, promise by promise: each is tried as the kind of user to whom it is made.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SELECT FROM devapp.setup_roles();
RESET client_min_messages;

-- Who: Ann and Ben are developers, Cleo is the admin of a team, Dan decides on loans, and Eve has
-- nothing to do with any of it.
\set developer 'SET ROLE devapp_developer; SET request.jwt.claims ='
\set ann :developer '''{"email": "ann@promises.example", "email_verified": true}'';'
\set ben :developer '''{"email": "ben@promises.example", "email_verified": true}'';'
\set cleo :developer '''{"email": "cleo@promises.example", "email_verified": true}'';'
\set dan :developer '''{"email": "dan@promises.example", "email_verified": true}'';'
\set eve :developer '''{"email": "eve@promises.example", "email_verified": true}'';'
\set admin 'SET ROLE devapp_admin; SET request.jwt.claims = '''';'
\set gateway 'SET ROLE devapp_gateway; SET request.jwt.claims = '''';'
\set analyst 'SET ROLE devapp_analyst; SET request.jwt.claims = '''';'

:admin
SELECT devapp.set_app_approval('conditional');
SELECT count(devapp.create_developer(name || '@promises.example')) FROM unnest('{ann,ben,cleo,dan,eve}'::text[]) AS name;
SELECT FROM devapp.create_team('loan desk');
SELECT FROM devapp.add_team_member('loan desk', 'dan@promises.example', 'admin');
SELECT FROM devapp.create_product('books', display_name => 'Books', scopes => '{books:read}');
SELECT FROM devapp.add_operation('books', '/v1/books/{id}', methods => '{GET}');
SELECT FROM devapp.create_product('loans', display_name => 'Loans', approval => 'manual');
SELECT FROM devapp.add_operation('loans', '/v1/loans', methods => '{POST}');
SELECT FROM devapp.add_product_approver('loans', team => 'loan desk');
SELECT FROM devapp.create_product('insurance', approval => 'manual');
SELECT FROM devapp.create_product('maps');
SELECT FROM devapp.add_operation('maps', '/v1/maps');

-- ---------- P1: a developer who is logged in makes an app ----------
-- ... with a name, a description, a callback URL and products, whose endpoints can be read before.  The
-- key is generated in the same step.  The app is submitted for approval where one is required.

:ann
SELECT product, display_name, needs_approval FROM devapp.my_products WHERE product IN ('books', 'loans') ORDER BY product;
SELECT p.name AS product, o.resource, o.methods FROM devapp.product_operation o JOIN devapp.product p USING (product_id) WHERE p.name IN ('books', 'loans') ORDER BY p.name;
SELECT * FROM devapp.create_app('shop', description => 'Sells books', callback_urls => '{https://shop.example/back}', products => '{books,loans}') \gset shop_
SELECT :'shop_app_status' AS app, :'shop_status' AS credential, :'shop_products' AS products, :'shop_pending_products' AS waits,
       :'shop_secret' ~ '^dvk_live_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}$' AS key;
SELECT owner, description, callback_urls, status FROM devapp.my_apps WHERE app = 'shop';
SELECT * FROM devapp.create_app('reader', products => '{books}') \gset reader_
SELECT :'reader_app_status' AS app;
-- who is not logged in makes none
SET request.jwt.claims = '';
SELECT devapp.create_app('nobodys', products => '{books}');

-- ---------- P2: credentials are of three kinds ----------
-- ... an API key, a client id and secret for OAuth 2.0, and a JWT that carries its own content.

:ann
SELECT consumer_key, secret FROM devapp.issue_credential('ann@promises.example/reader', kind => 'oauth_client') \gset client_
:gateway
SELECT code FROM devapp.verify_key(:'reader_secret', '/v1/books/7', 'GET');
SELECT code FROM devapp.verify_client(:'client_consumer_key', :'client_secret', '/v1/books/7', 'GET');
-- neither is taken for the other
SELECT code FROM devapp.verify_key(:'client_secret', '/v1/books/7', 'GET');
SELECT code FROM devapp.verify_client(:'reader_consumer_key', :'reader_secret', '/v1/books/7', 'GET');
:ann
SELECT consumer_key AS jwt_consumer_key, secret AS jwt FROM devapp.issue_credential('ann@promises.example/reader', kind => 'jwt', expires_in => '90 days') \gset
RESET ROLE;
SELECT token_test.claims(:'jwt') ->> 'client_id' = :'jwt_consumer_key' AS client_id, to_timestamp((token_test.claims(:'jwt') ->> 'exp')::bigint) - now() > '89 days' AS exp;
:gateway
SELECT code FROM devapp.verify_key(:'jwt', '/v1/books/7', 'GET');

-- ---------- P3: credentials are shown once, after they are made ----------
-- ... a secret that was shown cannot be had again, and a revoked key cannot be had back.

:ann
-- the part that is secret is in nothing that its owner can read, nor is it what is stored
SELECT split_part(:'reader_secret', '_', 4) AS part \gset
SELECT count(*) FILTER (WHERE strpos(what, :'part') > 0) AS shown, count(*) > 4 AS looked
  FROM (SELECT c::text FROM devapp.my_credentials c UNION ALL SELECT a::text FROM devapp.my_apps a
        UNION ALL SELECT n::text FROM devapp.my_notifications n UNION ALL SELECT h::text FROM devapp.app_history('ann@promises.example/reader') h
        UNION ALL SELECT devapp.get_app('ann@promises.example/reader')::text UNION ALL SELECT devapp.get_credential(:'reader_consumer_key')::text) AS x(what);
SELECT digest FROM devapp.credential_secret;
:admin
SELECT count(*) FILTER (WHERE strpos(what, :'part') > 0) AS stored, count(*) > 4 AS looked
  FROM (SELECT s::text FROM devapp.credential_secret s UNION ALL SELECT c::text FROM devapp.credential c
        UNION ALL SELECT e::text FROM devapp.audit_event e UNION ALL SELECT n::text FROM devapp.notification n) AS x(what);
:ann
SELECT consumer_key, secret FROM devapp.issue_credential('ann@promises.example/reader') \gset gone_
SELECT status FROM devapp.revoke_credential(:'gone_consumer_key');
\set VERBOSITY sqlstate
SELECT devapp.approve_credential(:'gone_consumer_key');
SELECT devapp.rotate_credential(:'gone_consumer_key');
UPDATE devapp.credential SET status = 'approved' WHERE consumer_key = :'gone_consumer_key';
SELECT status FROM devapp.revoke_credential(:'gone_consumer_key', compromised => true);
-- one that somebody else may know not even by an administrator
:admin
SELECT devapp.approve_credential(:'gone_consumer_key');
\set VERBOSITY default
:gateway
SELECT code FROM devapp.verify_key(:'gone_secret', '/v1/books/7', 'GET');

-- ---------- P4: rotation ----------
-- ... old and new both work during a transition, then the old are revoked.  Every 90 days is advised.

:ann
SELECT secret, secret_version AS version, previous_valid_until AS until
  FROM devapp.rotate_credential(:'reader_consumer_key', overlap => '3 days') \gset new_
SELECT :'new_version' AS version, :'new_until'::timestamptz - now() BETWEEN interval '70 hours' AND interval '74 hours' AS three_days;
:gateway
SELECT code, superseded_until = :'new_until' AS until_then FROM devapp.verify_key(:'reader_secret', '/v1/books/7', 'GET');
SELECT code, superseded_until FROM devapp.verify_key(:'new_secret', '/v1/books/7', 'GET');
:ann
SELECT FROM devapp.complete_rotation(:'reader_consumer_key');
:gateway
SELECT code FROM devapp.verify_key(:'reader_secret', '/v1/books/7', 'GET');
SELECT code FROM devapp.verify_key(:'new_secret', '/v1/books/7', 'GET');
-- 89 days on nobody is reminded; 91 days on its owner is, for the secret that works
:admin
SELECT FROM devapp.schedule_notifications(now() + interval '89 days');
SELECT count(*) AS reminders FROM devapp.notification WHERE event = 'rotation_overdue' AND app_id = :'reader_app_id' AND payload ->> 'version' = '2';
SELECT FROM devapp.schedule_notifications(now() + interval '91 days');
:ann
SELECT event, app, payload ->> 'version' AS version FROM devapp.my_notifications WHERE event = 'rotation_overdue' AND consumer_key = :'reader_consumer_key';

-- ---------- P5: approval ----------
-- Where a product requires it the app is pending; an admin is notified, reviews, approves or rejects; the
-- developer is notified; once it is approved, its credentials work.

CREATE FUNCTION pg_temp.told(of_event text, of_app text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg((r ->> 'kind') || ' ' || (r ->> 'to'), ', ') FROM devapp.notification, jsonb_array_elements(recipients) AS r
     WHERE event = of_event AND payload ->> 'app' = of_app AND payload ->> 'owner' = 'ann@promises.example' $$;
:gateway
SELECT code, pending_products FROM devapp.verify_key(:'shop_secret', '/v1/books/7', 'GET');
-- Dan is told, who decides about loans and sees what there is to decide on; nobody else does
:admin
SELECT pg_temp.told('app_submitted', 'shop');
SELECT owner, app_status, product, approvers FROM devapp_report.pending_approvals WHERE app_id = :'shop_app_id';
:eve
SELECT count(*) FROM devapp.my_approvals();
SELECT devapp.approve_app('ann@promises.example/shop');
:ann
SELECT devapp.approve_app('ann@promises.example/shop');
:dan
SELECT app_name, owner, product, description, callback_urls FROM devapp.my_approvals();
SELECT name, status FROM devapp.approve_app('ann@promises.example/shop', note => 'contract signed');
:ann
SELECT event, app, note FROM devapp.my_notifications WHERE app = 'shop';
SELECT who, what, note FROM devapp.app_history('ann@promises.example/shop') WHERE what ~ 'approved' ORDER BY event_id;
:gateway
SELECT code, product FROM devapp.verify_key(:'shop_secret', '/v1/books/7', 'GET');
SELECT code, product FROM devapp.verify_key(:'shop_secret', '/v1/loans', 'POST');
-- what nobody else decides about is the administrators'; this one is rejected
:ann
SELECT secret FROM devapp.create_app('casino', products => '{insurance}') \gset casino_
:admin
SELECT pg_temp.told('app_submitted', 'casino');
SELECT status FROM devapp.reject_app('ann@promises.example/casino', note => 'not for games');
:ann
SELECT event, note FROM devapp.my_notifications WHERE app = 'casino';
SELECT effective_status, decision_note FROM devapp.my_apps WHERE app = 'casino';
:gateway
SELECT code FROM devapp.verify_key(:'casino_secret', '/v1/books/7', 'GET');

-- ---------- P6: all at once, by an admin, or by condition ----------

CREATE FUNCTION pg_temp.starts(products text[]) RETURNS text LANGUAGE sql AS $$
    SELECT app_status || coalesce(', waits for ' || array_to_string(pending_products, ' '), '')
      FROM devapp.create_app('starts ' || (SELECT count(*) FROM devapp.app), products => products) $$;
:admin
SELECT devapp.set_app_approval('auto');
:ann
SELECT pg_temp.starts('{books}') AS automatic, pg_temp.starts('{loans}') AS manual;
SELECT devapp.set_app_approval('auto');
:admin
SELECT devapp.set_app_approval('manual');
:ann
SELECT pg_temp.starts('{books}') AS automatic, pg_temp.starts('{loans}') AS manual;
-- by condition: the products say whether, and rules before them
:admin
SELECT devapp.set_app_approval('conditional');
SELECT FROM devapp.create_approval_rule('promises', 1, 'approve', product => 'loans', email_domain => 'promises.example');
:ann
SELECT pg_temp.starts('{books}') AS automatic, pg_temp.starts('{loans}') AS manual;
:admin
SELECT FROM devapp.delete_approval_rule('promises');
:ann
SELECT pg_temp.starts('{books}') AS automatic, pg_temp.starts('{loans}') AS manual;
:admin
-- all of it is on record
SELECT before ->> 'value' AS before, after ->> 'value' AS after FROM devapp.audit_event
 WHERE entity = 'approval_setting' ORDER BY event_id DESC LIMIT 3;
SELECT count(devapp.delete_app(app_id)) AS deleted FROM devapp.find_apps('{"name": "starts *"}');

-- ---------- P7: developers see their apps: status (active, pending, suspended), products, usage, credentials ----------

-- the calls of today, as the worker writes them down
RESET ROLE;
CREATE FUNCTION pg_temp.called(app uuid, of_product text, code devapp.verdict_code, calls bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO devapp.usage_day SELECT devapp_internal.utc_today(), app, product_id, 'prod', code, calls, calls FROM devapp.product WHERE name = of_product $$;
SELECT count(devapp_internal.usage_partition(t, (devapp_internal.utc_today())::timestamp AT TIME ZONE 'UTC')) FROM unnest('{usage_day,usage_latency}'::text[]) AS t;
SELECT FROM pg_temp.called(:'shop_app_id', 'books', 'VALID', 10) AS a, pg_temp.called(:'shop_app_id', 'loans', 'VALID', 4) AS b;
:ann
SELECT app_status FROM devapp.create_app('bank', products => '{books,insurance}');
:admin
SELECT status FROM devapp.suspend_app('ann@promises.example/reader', note => 'invoice open');
:ann
SELECT app, effective_status, decision_note FROM devapp.my_apps ORDER BY app;
SELECT app, kind, status, effective_status, secret_version AS version FROM devapp.my_credentials ORDER BY app, issued_at;
SELECT c ->> 'name' AS product, c ->> 'status' AS status FROM jsonb_path_query(devapp.get_app('ann@promises.example/bank'), '$.credentials[*].products[*]') AS c ORDER BY 1;
SELECT app, product, calls FROM devapp.my_usage ORDER BY app, product;
-- and nobody else's
:eve
SELECT (SELECT count(*) FROM devapp.my_apps) AS apps, (SELECT count(*) FROM devapp.my_credentials) AS credentials, (SELECT count(*) FROM devapp.my_usage) AS usage;
SELECT devapp.get_app('ann@promises.example/shop');
:admin
SELECT status FROM devapp.resume_app('ann@promises.example/reader');

-- ---------- P8: they change name, description, callback URLs, products and attributes ----------

:ann
SELECT name, description, callback_urls FROM devapp.update_app('ann@promises.example/reader', name => 'book worm', description => 'Reads books', callback_urls => '{https://worm.example/back}');
SELECT p.name, cp.status FROM devapp.add_app_product('ann@promises.example/book worm', 'maps') AS cp JOIN devapp.product p USING (product_id);
SELECT p.name FROM devapp.remove_app_product('ann@promises.example/book worm', 'books') AS cp JOIN devapp.product p USING (product_id);
SELECT devapp.set_attribute('app', 'ann@promises.example/book worm', 'size', 'small');
-- the key that was there is the one of the new name, with the products that it has now
:gateway
SELECT code, app_name, product FROM devapp.verify_key(:'new_secret', '/v1/maps', 'GET');
SELECT code FROM devapp.verify_key(:'new_secret', '/v1/books/7', 'GET');
:ann
SELECT who, what FROM devapp.app_history('ann@promises.example/book worm') WHERE what ~ 'updated|changed|removed|maps' ORDER BY event_id;
SELECT app, attributes FROM devapp.my_apps WHERE app_id = :'reader_app_id';
-- of others there is nothing to change
:eve
SELECT devapp.update_app('ann@promises.example/book worm', name => 'mine');

-- ---------- P9: deleting an app ----------
-- ... revokes all its credentials, stops access at once, keeps its analytics, and is logged.

:ann
SELECT secret FROM devapp.issue_credential('ann@promises.example/shop', label => 'second') \gset second_
SELECT status FROM devapp.delete_app('ann@promises.example/shop', note => 'sold');
:gateway
SELECT (devapp.verify_key(key, '/v1/books/7', 'GET')).code FROM unnest(ARRAY[:'shop_secret', :'second_secret']) AS key;
:ann
SELECT count(*) FILTER (WHERE app = 'shop') AS apps FROM devapp.my_apps;
:admin
SELECT status, decision_note, count(*) FROM devapp.credential WHERE app_id = :'shop_app_id' GROUP BY 1, 2;
SELECT who, what, note, count(*) FROM devapp.app_history(:'shop_app_id') WHERE note IN ('sold', 'app deleted') GROUP BY 1, 2, 3 ORDER BY min(event_id);
:analyst
SELECT sum(calls) AS calls FROM devapp_report.usage_daily WHERE app_id = :'shop_app_id';

-- ---------- P10: a team owns apps ----------
-- ... each member sees them, team admins manage them, credentials are shared, analytics are the team's.

:cleo
SELECT name FROM devapp.create_team('shop floor');
SELECT email, role FROM devapp.invite_team_member('shop floor', 'ben@promises.example');
:ben
SELECT role FROM devapp.accept_invitation('shop floor');
:cleo
SELECT app_id, consumer_key, secret FROM devapp.create_app('kiosk', team => 'shop floor', products => '{books}') \gset kiosk_
RESET ROLE;
SELECT FROM pg_temp.called(:'kiosk_app_id', 'books', 'VALID', 5);
-- Ben sees the app, its key and its usage, and changes nothing
:ben
SELECT app, owner, owner_kind FROM devapp.my_apps;
SELECT app, consumer_key = :'kiosk_consumer_key' AS the_key, effective_status FROM devapp.my_credentials;
SELECT team, product, apps, calls FROM devapp.my_team_usage;
SELECT team, role, admins, members, apps FROM devapp.my_teams;
SELECT devapp.update_app('team:shop floor/kiosk', description => 'mine');
SELECT devapp.rotate_credential(:'kiosk_consumer_key');
SELECT devapp.delete_app('team:shop floor/kiosk');
-- Cleo does, and makes Ben an admin who does as well
:cleo
SELECT description FROM devapp.update_app('team:shop floor/kiosk', description => 'At the door');
SELECT role FROM devapp.set_team_role('shop floor', 'ben@promises.example', 'admin');
:ben
SELECT secret_version FROM devapp.rotate_credential(:'kiosk_consumer_key', overlap => '0');
-- others see none of it
:eve
SELECT (SELECT count(*) FROM devapp.my_apps) AS apps, (SELECT count(*) FROM devapp.my_teams) AS teams, (SELECT count(*) FROM devapp.my_team_usage) AS usage;

-- ---------- P11: usage: average, maximum and minimum response time, message count, error count ----------

-- of ten responses one was a 4xx and one a 5xx, and they took 2 seconds, 100 to 600 ms each
RESET ROLE;
SELECT FROM pg_temp.called(:'reader_app_id', 'maps', 'VALID', 12) AS a, pg_temp.called(:'reader_app_id', 'maps', 'METHOD_FORBIDDEN', 3) AS b;
INSERT INTO devapp.usage_latency
SELECT devapp_internal.utc_today(), :'reader_app_id', product_id, 10, 1, 1, interval '2 s', interval '100 ms', interval '600 ms', '[66:66]={10}'::bigint[] FROM devapp.product WHERE name = 'maps';
:ann
SELECT app, product, calls AS messages, errors, refused, min_ms, avg_ms, max_ms FROM devapp.my_usage;

-- ---------- P12: admins, in bulk: approve many, suspend by criteria, export, rotate many ----------

:ann
SELECT count(devapp.create_app('policy ' || n, products => '{insurance}', attributes => '{"tier": "trial"}')) FROM generate_series(1, 3) AS n;
SELECT devapp.bulk_approve(filter => '{"product": "insurance"}');
:admin
SELECT app_name, old_status, new_status, outcome FROM devapp.bulk_approve(filter => '{"product": "insurance", "name": "policy *"}', note => 'season');
SELECT status, count(*) FROM devapp.find_apps('{"product": "insurance"}') GROUP BY status ORDER BY status;
SELECT outcome, count(*) FROM devapp.bulk_approve(filter => '{"product": "insurance", "name": "policy *"}', note => 'season', dry_run => false) GROUP BY outcome;
SELECT app_name, outcome FROM devapp.bulk_suspend(filter => '{"attribute": {"tier": "trial"}, "name": "policy ?", "owner": "ann@promises.example"}', dry_run => false);
SELECT status, count(*) FROM devapp.find_apps('{"product": "insurance"}') GROUP BY status ORDER BY status;
SELECT outcome, count(*) FROM devapp.bulk_resume(app_ids => '{ann@promises.example/policy 1,ann@promises.example/policy 2}', dry_run => false) GROUP BY outcome;
SELECT app_name, developer, app_status, product, product_status FROM devapp.export_apps_table('{"product": "insurance"}') ORDER BY app_name;
SELECT outcome, count(*), count(DISTINCT secret) AS secrets FROM devapp.bulk_rotate(overlap => '1 day', filter => '{"product": "insurance", "status": "approved"}', dry_run => false) GROUP BY outcome;

-- ---------- P13: reports: inventory, inactive apps, high-usage apps, queue of pending approvals ----------

-- one was made and not used for 100 days
RESET ROLE;
SET session_replication_role = replica;
UPDATE devapp.app SET created_at = now() - interval '100 days 12 hours' WHERE name = 'policy 1';
RESET session_replication_role;
:admin
SELECT count(*) > 0 AS refreshed FROM devapp.refresh_reports();
:analyst
SELECT app, effective_status, products FROM devapp_report.app_inventory WHERE owner IN ('ann@promises.example', 'shop floor') ORDER BY app;
SELECT app, days_inactive, never_used FROM devapp_report.inactive_apps WHERE owner IN ('ann@promises.example', 'shop floor') AND days_inactive > 0;
SELECT app, calls_30d FROM devapp_report.high_usage_apps WHERE owner IN ('ann@promises.example', 'shop floor') ORDER BY rank;
SELECT app, app_status, product FROM devapp_report.pending_approvals WHERE owner IN ('ann@promises.example', 'shop floor') ORDER BY app;
-- reports are all that an analyst reads
SELECT FROM devapp.app;

-- ---------- A: Apigee's resource ----------
-- appId, attributes, callbackUrl, createdAt, credentials, developerId, lastModifiedAt, name, scopes, status, keyExpiresIn, appFamily,
-- apiProducts; and its methods: create, get, list, update, delete, attributes, approve or revoke, generate another key.

:ann
SELECT app_id AS a_app_id, consumer_key, secret, expires_at - now() BETWEEN interval '23 hours' AND interval '25 hours' AS a_day
  FROM devapp.create_app('resource', products => '{books,maps}', callback_urls => '{https://a.example/}', scopes => '{books:read}', app_family => 'tests',
                         attributes => '{"DisplayName": "Resource"}', expires_in => '86400000 ms') \gset
SELECT :'a_day' AS expires_in_a_day;
SELECT d ->> 'app_id' = :'a_app_id' AS app_id, d -> 'attributes' AS attributes, d -> 'callback_urls' AS callback_urls, d ? 'created_at' AS created_at,
       jsonb_array_length(d -> 'credentials') AS credentials, d #>> '{owner,developer_id}' IS NOT NULL AS developer_id, d ? 'updated_at' AS updated_at
  FROM devapp.get_app(:'a_app_id') AS d;
SELECT d ->> 'name' AS name, d -> 'scopes' AS scopes, d ->> 'status' AS status, d ->> 'app_family' AS app_family, jsonb_path_query_array(d, '$.products[*].name') AS products
  FROM devapp.get_app('ann@promises.example/resource') AS d;
-- scopes exist on the products of the app; credentials are made, and not given; a lifetime stays as it was set
SELECT devapp.update_app('ann@promises.example/resource', scopes => '{books:write}');
INSERT INTO devapp.credential (app_id, consumer_key) VALUES (:'a_app_id', 'dvk_live_000000000000');
:admin
UPDATE devapp.credential SET expires_at = NULL WHERE consumer_key = :'consumer_key';
SELECT expires_at FROM devapp.issue_credential('ann@promises.example/resource', expires_in => '-1');
-- the methods: list, attributes, another key, approve or revoke, delete
:ann
SELECT app FROM devapp.my_apps WHERE app_family = 'tests';
SELECT devapp.set_attribute('app', 'ann@promises.example/resource', 'Notes', 'n'), devapp.remove_attribute('app', 'ann@promises.example/resource', 'DisplayName');
SELECT consumer_key <> :'consumer_key' AS another_key FROM devapp.issue_credential('ann@promises.example/resource');
:admin
SELECT status FROM devapp.revoke_app('ann@promises.example/resource', note => 'to try');
:gateway
SELECT code FROM devapp.verify_key(:'secret', '/v1/maps', 'GET');
:admin
SELECT status FROM devapp.approve_app('ann@promises.example/resource');
:gateway
SELECT code, scopes FROM devapp.verify_key(:'secret', '/v1/books/7', 'GET');
:ann
SELECT status FROM devapp.delete_app('ann@promises.example/resource');
\set VERBOSITY terse
SELECT devapp.get_app('ann@promises.example/resource');
\set VERBOSITY default

-- ---------- C1: cards with title and description; details with title, description, id, all keys, all endpoints ----------

:ann
SELECT consumer_key AS c_key, secret AS c_secret, app_id AS c_app_id FROM devapp.create_app('library', display_name => 'The Library', description => 'Lends books', products => '{books,maps}', environment => 'prod') \gset
SELECT consumer_key AS c_test, secret AS c_test_secret FROM devapp.issue_credential('ann@promises.example/library', environment => 'test', label => 'CI') \gset
SELECT display_name, description FROM devapp.my_apps WHERE app = 'library';
SELECT d ->> 'display_name' AS title, d ->> 'description' AS description, d ->> 'app_id' = :'c_app_id' AS id,
       (SELECT count(*) FROM jsonb_array_elements(d -> 'credentials') AS c WHERE c ->> 'consumer_key' IN (:'c_key', :'c_test')) AS keys,
       jsonb_path_query_array(d, '$.products[*].operations[*].resource') AS endpoints FROM devapp.get_app('ann@promises.example/library') AS d;

-- ---------- C2: several key pairs: a public key, a secret seen once, a status, a creation date, an id ----------

SELECT consumer_key AS c_third, secret AS c_third_secret FROM devapp.issue_credential('ann@promises.example/library', label => 'old') \gset
SELECT starts_with(:'c_third_secret', :'c_third' || '_') AS secret_of_key;
SELECT status FROM devapp.revoke_credential(:'c_third');
SELECT label, consumer_key = ANY (ARRAY[:'c_key', :'c_test', :'c_third']) AS public_key, status, effective_status, issued_at <= now() AS created, credential_id IS NOT NULL AS id
  FROM devapp.my_credentials WHERE app = 'library' ORDER BY issued_at;

-- ---------- C3: keys for several environments; replacing a key that leaked; revoking by one action ----------

:gateway
SELECT e AS environment, (devapp.verify_key(:'c_secret', '/v1/maps', 'GET', e)).code AS prod_key, (devapp.verify_key(:'c_test_secret', '/v1/maps', 'GET', e)).code AS test_key
  FROM unnest('{prod,test}'::text[]) AS e;
:ann
SELECT consumer_key AS c_new, secret AS c_new_secret, products, environment FROM devapp.issue_credential('ann@promises.example/library', replaces => :'c_key', overlap => '1 hour') \gset
SELECT :'products' AS products, :'environment' AS environment;
:gateway
SELECT (devapp.verify_key(:'c_secret', '/v1/maps', 'GET', 'prod')).code AS leaked, (devapp.verify_key(:'c_new_secret', '/v1/maps', 'GET', 'prod')).code AS replacement;
:ann
SELECT status FROM devapp.revoke_credential(:'c_key', note => 'in a public repository', compromised => true);
:gateway
SELECT (devapp.verify_key(:'c_secret', '/v1/maps', 'GET', 'prod')).code AS leaked, (devapp.verify_key(:'c_new_secret', '/v1/maps', 'GET', 'prod')).code AS replacement;

-- ---------- C4: which key is used in which application; who has access to production keys is limited ----------

:admin
SELECT app_name, owner, environment FROM devapp.key_owner(:'c_test');
SELECT app_name, owner, status FROM devapp.key_owner(encode(sha256(convert_to(:'c_secret', 'UTF8')), 'hex'));
:cleo
SELECT consumer_key AS k_prod FROM devapp.issue_credential('team:shop floor/kiosk', environment => 'prod') \gset
SELECT consumer_key AS k_test FROM devapp.issue_credential('team:shop floor/kiosk', environment => 'test') \gset
SELECT role, environments FROM devapp.set_team_role('shop floor', 'ben@promises.example', 'admin', '{test}');
:ben
SELECT consumer_key = :'k_test' AS test_key, environment FROM devapp.my_credentials;
\set VERBOSITY sqlstate
SELECT devapp.get_credential(:'k_prod');
SELECT devapp.rotate_credential(:'k_prod');
SELECT devapp.revoke_credential(:'k_prod');
SELECT devapp.issue_credential('team:shop floor/kiosk', environment => 'prod');
\set VERBOSITY default
SELECT secret_version FROM devapp.rotate_credential(:'k_test');

-- ---------- K1: a key is approved for each product apart, by hand or by itself ----------
-- ... and opens the URIs of a product only if the key is approved, and approved for that product.

:admin
SELECT devapp.set_app_approval('auto');
:ann
SELECT consumer_key AS k, secret AS k_secret, status, products, pending_products FROM devapp.create_app('ledger', products => '{books,loans}') \gset
SELECT :'status' AS key, :'products' AS products, :'pending_products' AS waits;
CREATE FUNCTION pg_temp.opens(key text, OUT books devapp.verdict_code, OUT loans devapp.verdict_code, OUT maps devapp.verdict_code) LANGUAGE sql AS $$
    SELECT (devapp.verify_key(key, '/v1/books/7', 'GET')).code, (devapp.verify_key(key, '/v1/loans', 'POST')).code, (devapp.verify_key(key, '/v1/maps', 'GET')).code $$;
:gateway
SELECT * FROM pg_temp.opens(:'k_secret');
:dan
SELECT status, decided_by FROM devapp.set_credential_product_status(:'k', 'loans', 'approve');
:gateway
SELECT * FROM pg_temp.opens(:'k_secret');
:admin
SELECT status FROM devapp.revoke_credential(:'k');
:gateway
SELECT * FROM pg_temp.opens(:'k_secret');
:admin
SELECT status FROM devapp.approve_credential(:'k');
SELECT devapp.set_app_approval('conditional');

-- ---------- K2: a custom key and secret ----------

:admin
SELECT kind, consumer_key LIKE 'libr***%' AS key_hidden, status FROM devapp.import_credential('ann@promises.example/library', 'library-4eC39HqLyjWDarjtT1zdp7dc', products => '{books}');
SELECT kind, consumer_key, status FROM devapp.import_credential('ann@promises.example/library', 'library-partner', 'our-own-secret-4eC39HqLyjWDarjtT1', products => '{books}');
:gateway
SELECT code, app_name, product FROM devapp.verify_key('library-4eC39HqLyjWDarjtT1zdp7dc', '/v1/books/7', 'GET');
SELECT code, app_name, product FROM devapp.verify_client('library-partner', 'our-own-secret-4eC39HqLyjWDarjtT1', '/v1/books/7', 'GET');
SELECT code FROM devapp.verify_key('library-4eC39HqLyjWDarjtT1zdp7dC', '/v1/books/7', 'GET');
:admin
SELECT status FROM devapp.revoke_credential('library-partner');
:gateway
SELECT code FROM devapp.verify_client('library-partner', 'our-own-secret-4eC39HqLyjWDarjtT1', '/v1/books/7', 'GET');
-- a developer has them made by an administrator
:ann
\set VERBOSITY sqlstate
SELECT devapp.import_credential('ann@promises.example/library', 'library-4eC39HqLyjWDarjtT1zdp7dd');
\set VERBOSITY default

-- ---------- K3: a product can be added to a key, approved or revoked for it, and removed ----------
-- ... after which its URIs are closed.

:ann
SELECT status FROM devapp.add_credential_product(:'k', 'maps', note => 'for the branches');
:gateway
SELECT * FROM pg_temp.opens(:'k_secret');
:dan
SELECT status FROM devapp.set_credential_product_status(:'k', 'loans', 'revoke', note => 'late');
:gateway
SELECT * FROM pg_temp.opens(:'k_secret');
:admin
SELECT status FROM devapp.set_credential_product_status(:'k', 'loans', 'approve', note => 'paid');
:ann
SELECT removed_at IS NOT NULL AS removed FROM devapp.remove_credential_product(:'k', 'books');
:gateway
SELECT * FROM pg_temp.opens(:'k_secret');
:ann
SELECT who, what, note FROM devapp.app_history('ann@promises.example/ledger') WHERE what ~ '^product' ORDER BY event_id;

-- ---------- K4: a key can be approved, revoked, read and deleted ----------

:ann
SELECT status FROM devapp.revoke_credential(:'k');
:admin
SELECT status FROM devapp.approve_credential(:'k', note => 'found again');
:ann
SELECT d ->> 'consumer_key' = :'k' AS key, d ->> 'status' AS status, d ->> 'decision_note' AS note, d #>> '{app,name}' AS app FROM devapp.get_credential(:'k') AS d;
SELECT FROM devapp.delete_credential(:'k');
SELECT count(*) FROM devapp.my_credentials WHERE app = 'ledger';
\set VERBOSITY sqlstate
SELECT devapp.get_credential(:'k');
\set VERBOSITY default
:gateway
SELECT * FROM pg_temp.opens(:'k_secret');
:ann
SELECT who, what FROM devapp.app_history('ann@promises.example/ledger') WHERE what ~ '^credential' ORDER BY event_id;

-- ---------- the end ----------

RESET ROLE;
RESET request.jwt.claims;
SELECT count(devapp.delete_app(app_id)) > 0 AS deleted FROM devapp.app WHERE deleted_at IS NULL AND app_id IN (
    SELECT app_id FROM devapp.find_apps('{"owner": "ann@promises.example"}') UNION ALL SELECT app_id FROM devapp.find_apps('{"team": "shop floor"}'));
DELETE FROM devapp.usage_day WHERE app_id IN (:'shop_app_id', :'reader_app_id', :'kiosk_app_id');
DELETE FROM devapp.usage_latency WHERE app_id = :'reader_app_id';
