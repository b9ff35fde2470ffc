-- What a developer was told: of himself, and nothing of others or of how it was delivered.
\set SHOW_CONTEXT never
SELECT FROM devapp.create_developer('told@example.com', 'Ada', 'Told');
SELECT FROM devapp.create_developer('told-2@example.com');
SELECT FROM devapp.create_team('told-team');
SELECT FROM devapp.add_team_member('told-team', 'told-2@example.com');
SELECT FROM devapp.create_product('told-product', approval => 'manual');
SELECT FROM devapp.add_product_approver('told-product', team => 'told-team');
DELETE FROM devapp.notification WHERE event <> 'team_member_added' OR payload ->> 'team' <> 'told-team';
SELECT app_id AS app, credential_id AS credential FROM devapp.create_app('told-app', developer => 'told@example.com') \gset
SELECT secret AS key FROM devapp.rotate_credential(:'credential') \gset
SELECT FROM devapp.add_credential_product(:'credential', 'told-product');
SELECT FROM devapp.suspend_app(:'app', 'abuse');
SELECT FROM devapp.delete_app(:'app');
INSERT INTO devapp.notification (event, app_id, recipients) VALUES ('app_approved', :'app', '[{"kind": "role", "to": "devapp_admin", "developer_id": null}]');
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT FROM devapp.setup_roles();
RESET client_min_messages;

SET LOCAL ROLE devapp_developer;
SET LOCAL request.jwt.claims = '{"email": "told@example.com", "email_verified": true}';
SELECT event, app_id = :'app' AS of_app, app, owner, credential_id = :'credential' AS of_credential, consumer_key IS NOT NULL AS consumer_key, note, payload ->> 'app_status' AS status
  FROM (SELECT * FROM devapp.my_notifications) AS n;
SELECT count(*) FROM devapp.my_notifications n WHERE n::text LIKE '%' || split_part(:'key', '_', 4) || '%';
SET LOCAL request.jwt.claims = '{"email": "TOLD-2@example.com", "email_verified": true}';
SELECT event, app, payload ->> 'team' AS team FROM devapp.my_notifications;
-- somebody else, and nobody
SET LOCAL request.jwt.claims = '{"email": "stranger@example.com", "email_verified": true}';
SELECT count(*) FROM devapp.my_notifications;
SET LOCAL request.jwt.claims = '';
SELECT count(*) FROM devapp.my_notifications;
-- the rest of the outbox is not for developers
SAVEPOINT s;
SELECT recipients FROM devapp.notification;
ROLLBACK TO s;
SELECT addresses FROM devapp.notification;
ROLLBACK TO s;
SELECT last_error FROM devapp.notification;
ROLLBACK TO s;
DELETE FROM devapp.notification;
ROLLBACK TO s;
SELECT FROM devapp.notification_recipient;
ROLLBACK TO s;
SET LOCAL ROLE devapp_admin;
SELECT count(*) FROM devapp.my_notifications;
SET LOCAL ROLE devapp_analyst;
SELECT FROM devapp.my_notifications;
ROLLBACK;

-- whoever gets an e-mail that was another's does not get his notifications
BEGIN;
SELECT FROM devapp.create_developer('told-3@example.com');
SELECT FROM devapp.add_team_member('told-team', 'told-3@example.com');
SELECT FROM devapp.remove_team_member('told-team', 'told-3@example.com');
SELECT FROM devapp.delete_developer('told-3@example.com');
SELECT FROM devapp.create_developer('told-3@example.com');
SET LOCAL client_min_messages = warning;
SELECT FROM devapp.setup_roles();
RESET client_min_messages;
SET LOCAL ROLE devapp_developer;
SET LOCAL request.jwt.claims = '{"email": "told-3@example.com", "email_verified": true}';
SELECT count(*) FROM devapp.my_notifications;
ROLLBACK;

-- it is a matter of an index, however much was told to others
BEGIN;
INSERT INTO devapp.notification (event, app_id, recipients, status, completed_at)
SELECT 'app_approved', devapp.uuid_v7(), jsonb_build_array(jsonb_build_object('developer_id', devapp.uuid_v7())), 'done', now() FROM generate_series(1, 5000);
ANALYZE devapp.notification;
EXPLAIN (COSTS OFF) SELECT n.notification_id FROM devapp.notification n
 WHERE recipients @> '[{"developer_id": "00000000-0000-7000-8000-000000000000"}]';
ROLLBACK;
DELETE FROM devapp.notification;
