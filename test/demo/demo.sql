-- The tour of `make demo`: one story, told by the statements that make it.
\set QUIET on
\set SHOW_CONTEXT never
\pset footer off
\pset null '-'
\set spec `cat "$OPENAPI"`
SET client_min_messages = warning;

\echo
\echo '=== 1. Install ======================================================'
\echo 'demo=# CREATE EXTENSION devapp CASCADE;'
CREATE EXTENSION devapp CASCADE;
SELECT devapp.setup_roles() \g /dev/null
\echo 'demo=# SELECT * FROM devapp.doctor();'
SELECT check_name, status, detail FROM devapp.doctor();

\echo '=== 2. What can be called ==========================================='
\echo 'A product from the OpenAPI document of a payments API: its paths become'
\echo 'operations. A second product needs somebody''s approval.'
\echo
\echo 'demo=# SELECT name, approval FROM devapp.create_product(''payments'', scopes => ''{payments:read,payments:write}'', environments => ''{prod,test}'');'
SELECT name, approval FROM devapp.create_product('payments', scopes => '{payments:read,payments:write}', environments => '{prod,test}');
\echo 'demo=# SELECT devapp.import_openapi(''payments'', :''spec'') AS operations;'
SELECT devapp.import_openapi('payments', :'spec') AS operations;
SELECT resource, methods FROM devapp.product_operation ORDER BY resource COLLATE "C" LIMIT 6;
\echo '  ... and so on. The product that has to be approved:'
\echo
\echo 'demo=# SELECT name, approval FROM devapp.create_product(''payouts'', approval => ''manual'');'
SELECT name, approval FROM devapp.create_product('payouts', approval => 'manual');
SELECT resource, methods FROM devapp.add_operation('payouts', '/v2/payouts/**', '{GET,POST}');
SELECT FROM devapp.remove_operation('payments', '/v2/payouts') \g /dev/null
SELECT FROM devapp.remove_operation('payments', '/v2/payouts/{payoutId}') \g /dev/null

\echo '=== 3. A developer makes an app ====================================='
\echo 'The secret is shown here, once. What is stored is a digest of it.'
\echo
\echo 'demo=# SELECT email, status FROM devapp.create_developer(''ann@example.com'', ''Ann'');'
SELECT email, status FROM devapp.create_developer('ann@example.com', 'Ann');
\echo 'demo=# SELECT * FROM devapp.create_app(''web-shop'', developer => ''ann@example.com'', products => ''{payments,payouts}'');'
SELECT * FROM devapp.create_app('web-shop', developer => 'ann@example.com', products => '{payments,payouts}') \gset
SELECT :'app_status' AS app_status, :'consumer_key' AS consumer_key, :'secret' AS secret;

\echo '=== 4. An admin decides ============================================='
\echo 'The app is pending until no product of it waits. What waits, and the approval:'
\echo
\echo 'demo=# SELECT code, pending_products FROM devapp.verify_key($1);'
SELECT code, pending_products FROM devapp.verify_key(:'secret');
\echo 'demo=# SELECT app, owner, product, approvers FROM devapp_report.pending_approvals;'
SELECT app, owner, product, approvers FROM devapp_report.pending_approvals;
\echo 'demo=# SELECT status, decided_by, decision_note FROM devapp.approve_app(''ann@example.com/web-shop'', ''contract signed'');'
SELECT status, decided_by, decision_note FROM devapp.approve_app('ann@example.com/web-shop', 'contract signed');

\echo '=== 5. A gateway asks ==============================================='
\echo 'One call, one verdict, with the exact reason.'
\echo
\echo 'demo=# SELECT allowed, code, http_status, product FROM devapp.verify_key($1, resource => ..., method => ..., environment => ...);'
SELECT x.*, v.allowed, v.code, v.http_status, v.product
  FROM (VALUES ('/v2/payments', 'POST', 'prod'),
               ('/v2/payments/pay_7/refunds?notify=1', 'POST', 'prod'),
               ('/v2/reports/2026-10.csv', 'GET', 'test'),
               ('/v2/payments/pay_7', 'DELETE', 'prod'),
               ('/v2/admin', 'GET', 'prod'),
               ('/v2/payments/../admin', 'GET', 'prod'),
               ('/v2/payments', 'GET', 'staging'),
               ('/v2/payouts/', 'GET', 'prod')) AS x(resource, method, environment),
       devapp.verify_key(:'secret', x.resource, x.method, x.environment) AS v;
\echo 'Not a key, a key with a typing error, and one that nobody has:'
SELECT x.what, v.allowed, v.code, v.http_status, v.fault
  FROM (VALUES ('not a key', 'hello'), ('a letter is wrong', left(:'secret', -1) || '!'),
               ('nobody''s', 'dvk_live_0123456789AB_0123456789ABCDEFGHIJKLMNOPQRSTUV4bBjFD')) AS x(what, key),
       devapp.verify_key(x.key) AS v;

\echo '=== 6. The secret is rotated ========================================'
\echo 'The new one works at once, the old one for a week more; it says until when.'
\echo
\echo 'demo=# SELECT * FROM devapp.rotate_credential(:credential_id, overlap => ''7 days'');'
SELECT secret AS new_secret, secret_version, previous_valid_until FROM devapp.rotate_credential(:'credential_id', overlap => '7 days') \gset r_
SELECT x.secret, v.allowed, v.code, v.superseded_until
  FROM (VALUES ('old', :'secret'), ('new', :'r_new_secret')) AS x(secret, key), devapp.verify_key(x.key) AS v;
\echo 'Everybody has changed over: end the old one now.'
\echo 'demo=# SELECT devapp.complete_rotation(:credential_id);'
SELECT devapp.complete_rotation(:'credential_id') \g /dev/null
SELECT x.secret, v.allowed, v.code, v.superseded_until
  FROM (VALUES ('old', :'secret'), ('new', :'r_new_secret')) AS x(secret, key), devapp.verify_key(x.key) AS v;

\echo '=== 7. Something is wrong: suspend, explain, resume ================='
\echo 'demo=# SELECT status FROM devapp.suspend_app(:app_id, ''too many refunds'');'
SELECT status, decision_note FROM devapp.suspend_app(:'app_id', 'too many refunds');
SELECT allowed, code, http_status, fault FROM devapp.verify_key(:'r_new_secret', '/v2/payments', 'POST', 'prod');
\echo 'Why? Rule by rule:'
\echo 'demo=# SELECT * FROM devapp.explain_access(:app_id, ''/v2/payments'', ''POST'', ''prod'');'
SELECT product, rule, passed, code, regexp_replace(detail, ' from \d{4}-.*', '') AS detail
  FROM devapp.explain_access(:'app_id', '/v2/payments', 'POST', 'prod');
SELECT status FROM devapp.resume_app(:'app_id', 'talked to them');

\echo '=== 8. Calls are counted, and limited ==============================='
\echo 'A product with three calls a month for each app. The gateway is told what'
\echo 'is left, and when to try again; it tells how the calls went.'
\echo
\echo 'demo=# SELECT name FROM devapp.create_product(''statements'', quota_limit => 3, quota_interval => 1, quota_unit => ''month'');'
SELECT name, quota_limit, quota_interval, quota_unit FROM devapp.create_product('statements', quota_limit => 3, quota_interval => 1, quota_unit => 'month');
SELECT app_id, credential_id, secret FROM devapp.create_app('month-end', developer => 'ann@example.com', products => '{statements}') \gset q_
SELECT n AS call, v.allowed, v.code, v.http_status, v.quota_limit, v.quota_remaining, v.retry_after > '0' AS retry_after
  FROM generate_series(1, 4) AS n, devapp.verify_key(:'q_secret', '/v2/statements/' || n, 'GET', 'prod') AS v;
SELECT FROM generate_series(1, 3) AS n, devapp.record_usage(:'q_credential_id', 'statements', CASE n WHEN 3 THEN 503 ELSE 200 END, n * interval '8 ms') \g /dev/null
\echo 'The worker writes what was counted every ten seconds; here at once:'
\echo 'demo=# SELECT devapp.flush_usage();'
SELECT devapp.flush_usage() \g /dev/null
\echo 'demo=# SELECT product, used, quota_limit, remaining FROM devapp.quota_status(:app_id);'
SELECT product, used, quota_limit, remaining, resets_at > now() AS resets_later FROM devapp.quota_status(:'q_app_id');
\echo 'demo=# SELECT code, sum(calls) FROM devapp.usage_hour GROUP BY code;'
SELECT u.code, sum(u.calls) AS calls FROM devapp.usage_hour u GROUP BY u.code ORDER BY calls DESC, u.code;
SELECT l.product, l.responses, l.server_errors, round(l.p50_ms::numeric) AS p50_ms FROM devapp_report.latency_daily l;

\echo '=== 9. A mistake changes nothing ===================================='
\echo 'demo=# SELECT devapp.resume_app(:app_id);   -- it is not suspended'
SELECT devapp.resume_app(:'app_id');
\echo 'demo=# UPDATE devapp.app SET status = ''pending'';   -- around the functions'
UPDATE devapp.app SET status = 'pending';
\echo 'demo=# SELECT devapp.create_app(''x'', developer => ''bob@example.com'');'
SELECT devapp.create_app('x', developer => 'bob@example.com');

\echo
\echo '=== 10. The key leaks, the app goes ================================='
\echo 'demo=# SELECT status FROM devapp.revoke_credential(:credential_id, ''found in a public repository'', compromised => true);'
SELECT status, decision_note FROM devapp.revoke_credential(:'credential_id', 'found in a public repository', compromised => true);
SELECT allowed, code FROM devapp.verify_key(:'r_new_secret');
\echo 'demo=# SELECT status FROM devapp.delete_app(:app_id);   -- the history stays, the name is free'
SELECT status FROM devapp.delete_app(:'app_id');
SELECT app_status FROM devapp.create_app('web-shop', developer => 'ann@example.com', products => '{payments}');
SELECT name, status, created_at < now() AS made, deleted_at IS NOT NULL AS deleted FROM devapp.app ORDER BY app_id;

\echo '=== 11. The dashboard ==============================================='
\echo 'One page with figures and charts, which needs nothing but itself.'
\echo 'demo=# SELECT devapp_report.dashboard();'
SELECT count(*) AS refreshed FROM devapp.refresh_reports();
\echo 'That was the tour. `make shell` leaves you in psql on such a cluster.'
