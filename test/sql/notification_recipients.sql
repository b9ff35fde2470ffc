-- Addresses of teams and roles, and what a worker is told of them.
\set SHOW_CONTEXT never
SELECT FROM devapp.create_developer('rcpt@example.com', 'Rita', 'Cipient');
SELECT FROM devapp.create_developer('rcpt-2@example.com');
SELECT FROM devapp.create_team('rcpt-team', display_name => 'The desk');
SELECT FROM devapp.add_team_member('rcpt-team', 'rcpt-2@example.com');
SELECT FROM devapp.create_team('rcpt-gone');
SELECT coalesce(max(event_id), 0) AS before FROM devapp.audit_event \gset

-- add, change, remove
SELECT name, team_id IS NOT NULL AS of_team, role_name, email, webhook_url FROM devapp.add_notification_recipient('rcpt-desk', team => 'rcpt-team', email => 'desk@example.com');
SELECT name, team_id IS NOT NULL AS of_team, role_name, email, webhook_url FROM devapp.add_notification_recipient('rcpt-hook', role => 'pg_monitor', webhook_url => 'https://hooks.example.com/devapp?a=b');
SELECT FROM devapp.add_notification_recipient('rcpt-mail', role => 'pg_monitor', email => 'ops@example.com');
SELECT FROM devapp.add_notification_recipient('rcpt-lost', team => 'rcpt-gone', webhook_url => 'HTTPS://hooks.example.com:8443/');
SELECT email, webhook_url FROM devapp.update_notification_recipient(' rcpt-mail ', webhook_url => 'https://[2001:db8::1]/hook');
SELECT email, webhook_url FROM devapp.update_notification_recipient('rcpt-mail', email => 'Ops@Example.com');
-- a team that is deleted has none
SELECT FROM devapp.delete_team('rcpt-gone');
SELECT name, coalesce(email, webhook_url) AS address FROM devapp.notification_recipient WHERE name LIKE 'rcpt-%' ORDER BY name;
SELECT e.action, coalesce(e.after, e.before) -> 'name' AS name, e.before - 'recipient_id' - 'team_id' - 'created_at' - 'updated_at' AS before,
       e.after - 'recipient_id' - 'team_id' - 'created_at' - 'updated_at' AS after
  FROM devapp.audit_event x, devapp_internal.unmasked_event(x) AS e WHERE x.entity = 'notification_recipient' AND x.event_id > :before ORDER BY x.event_id;

-- what is refused, and changes nothing
SELECT devapp.add_notification_recipient('rcpt-hook', role => 'pg_monitor', email => 'a@example.com');
SELECT devapp.add_notification_recipient('rcpt-x', email => 'a@example.com');
SELECT devapp.add_notification_recipient('rcpt-x', team => 'rcpt-team', role => 'pg_monitor', email => 'a@example.com');
SELECT devapp.add_notification_recipient('rcpt-x', role => 'pg_monitor');
SELECT devapp.add_notification_recipient('rcpt-x', role => 'pg_monitor', email => 'a@example.com', webhook_url => 'https://a.example.com/');
SELECT devapp.add_notification_recipient('rcpt-x', role => 'no such role', email => 'a@example.com');
SELECT devapp.add_notification_recipient('rcpt-x', team => 'no such team', email => 'a@example.com');
SELECT devapp.add_notification_recipient('rcpt-x', team => 'rcpt-gone', email => 'a@example.com');
SELECT devapp.add_notification_recipient('', role => 'pg_monitor', email => 'a@example.com');
SELECT devapp.add_notification_recipient(NULL, role => 'pg_monitor', email => 'a@example.com');
SELECT devapp.add_notification_recipient('rcpt-x', role => 'pg_monitor', email => E'a@example.com\nBcc: b@example.com');
SELECT devapp.add_notification_recipient('rcpt-x', role => 'pg_monitor', email => 'nobody');
SELECT devapp.add_notification_recipient('rcpt-x', role => 'pg_monitor', webhook_url => 'http://hooks.example.com/');
\set VERBOSITY terse
SELECT devapp.add_notification_recipient('rcpt-x', role => 'pg_monitor', webhook_url => 'http://localhost/');
SELECT devapp.add_notification_recipient('rcpt-x', role => 'pg_monitor', webhook_url => 'https://');
SELECT devapp.add_notification_recipient('rcpt-x', role => 'pg_monitor', webhook_url => '');
SELECT devapp.add_notification_recipient('rcpt-x', role => 'pg_monitor', webhook_url => 'https://user:password@hooks.example.com/');
SELECT devapp.add_notification_recipient('rcpt-x', role => 'pg_monitor', webhook_url => E'https://hooks.example.com/\r\nHost: evil.example.com');
SELECT devapp.add_notification_recipient('rcpt-x', role => 'pg_monitor', webhook_url => 'https://hooks.example.com/#here');
SELECT devapp.add_notification_recipient('rcpt-x', role => 'pg_monitor', webhook_url => 'ftp://hooks.example.com/');
SELECT devapp.add_notification_recipient('rcpt-x', role => 'pg_monitor', webhook_url => 'https://hooks.example.com/' || repeat('x', 3000));
SELECT devapp.update_notification_recipient('rcpt-mail');
SELECT devapp.update_notification_recipient('rcpt-mail', email => 'a@example.com', webhook_url => 'https://a.example.com/');
SELECT devapp.update_notification_recipient('rcpt-mail', webhook_url => 'http://a.example.com/');
SELECT devapp.update_notification_recipient('rcpt-x', email => 'a@example.com');
SELECT devapp.remove_notification_recipient('rcpt-x');
SELECT devapp.remove_notification_recipient(NULL);
UPDATE devapp.notification_recipient SET name = 'other' WHERE name = 'rcpt-mail';
UPDATE devapp.notification_recipient SET webhook_url = 'https://a.example.com/' WHERE name = 'rcpt-mail';
UPDATE devapp.notification_recipient SET email = 'a b@example.com' WHERE name = 'rcpt-mail';
TRUNCATE devapp.notification_recipient;
\set VERBOSITY default
SELECT name, coalesce(email, webhook_url) AS address FROM devapp.notification_recipient WHERE name LIKE 'rcpt-%' ORDER BY name;

-- a team with an address is told at it as well, as an owner and as an approver
DELETE FROM devapp.notification;
ALTER TABLE devapp.notification ALTER notification_id RESTART WITH 301;
SELECT FROM devapp.create_product('rcpt-product', approval => 'manual');
SELECT FROM devapp.add_product_approver('rcpt-product', team => 'rcpt-team');
SELECT FROM devapp.add_product_approver('rcpt-product', role => 'pg_monitor');
SELECT FROM devapp.create_product('rcpt-auto');
SELECT app_id AS app, credential_id AS credential FROM devapp.create_app('rcpt-app', developer => 'rcpt@example.com', products => '{rcpt-auto}') \gset
SELECT FROM devapp.add_credential_product(:'credential', 'rcpt-product');
SELECT app_id AS team_app FROM devapp.create_app('rcpt-team-app', team => 'rcpt-team', products => '{rcpt-auto}') \gset
SELECT FROM devapp.suspend_app(:'team_app');
SELECT event, r - 'developer_id' - 'team_id' AS told, d.developer_id IS NOT NULL AS developer, t.team_id IS NOT NULL AS team
  FROM devapp.notification n CROSS JOIN jsonb_array_elements(n.recipients) AS r
  LEFT JOIN devapp.developer d ON d.developer_id = (r ->> 'developer_id')::uuid AND d.email = r ->> 'to'
  LEFT JOIN devapp.team t ON t.team_id = (r ->> 'team_id')::uuid AND t.name = r ->> 'to'
 ORDER BY n.notification_id, r ->> 'kind';
-- the worker is told where to deliver it
SELECT event, jsonb_pretty(addresses) AS addresses FROM devapp.claim_notifications();
SELECT notification_id AS one, lease_id AS lease FROM devapp.notification WHERE event = 'product_submitted' \gset
-- what has it does not get it again, also where the address of another changes meanwhile
SELECT FROM devapp.update_notification_recipient('rcpt-mail', email => 'ops-2@example.com');
SELECT delivered_to, jsonb_path_query_array(addresses, '$[*].address') AS addresses FROM devapp.record_delivery(:one, 'https://hooks.example.com/devapp?a=b', :'lease');
SELECT delivered_to, jsonb_path_query_array(addresses, '$[*].address') AS addresses FROM devapp.record_delivery(:one, 'desk@example.com');
SELECT devapp.record_delivery(:one, 'desk@example.com', :'lease');
SELECT devapp.record_delivery(:one, NULL, :'lease');
\set VERBOSITY terse
SELECT devapp.record_delivery(:one, 'nobody@example.com', :'lease');
SELECT devapp.record_delivery(0, 'rcpt-2@example.com', :'lease');
\set VERBOSITY sqlstate
SELECT devapp.record_delivery(:one, 'rcpt-2@example.com', '00000000-0000-0000-0000-000000000000');
\set VERBOSITY default
SELECT status FROM devapp.fail_notification(:one, 'the others cannot be reached', :'lease');
\set VERBOSITY terse
SELECT devapp.record_delivery(:one, 'rcpt-2@example.com', :'lease');
\set VERBOSITY default
UPDATE devapp.notification SET next_attempt_at = now() WHERE notification_id = :one;
SELECT attempts, delivered_to, jsonb_path_query_array(addresses, '$[*].address') AS addresses FROM devapp.claim_notifications();

-- who has no address is told when it has one
SELECT FROM devapp.remove_notification_recipient('rcpt-hook');
SELECT FROM devapp.remove_notification_recipient('rcpt-mail');
DELETE FROM devapp.notification;
SELECT FROM devapp.remove_product_approver('rcpt-product', team => 'rcpt-team');
SELECT FROM devapp.remove_credential_product(:'credential', 'rcpt-product');
SELECT FROM devapp.add_credential_product(:'credential', 'rcpt-product');
SELECT event, addresses, lease_id AS lease, notification_id AS one FROM devapp.claim_notifications() \gset
SELECT :'event' AS event, :'addresses' AS addresses;
SELECT status FROM devapp.fail_notification(:one, 'nobody has an address', :'lease');
SELECT FROM devapp.add_notification_recipient('rcpt-late', role => 'pg_monitor', email => 'late@example.com');
UPDATE devapp.notification SET next_attempt_at = now();
SELECT event, jsonb_path_query_array(addresses, '$[*].address') AS addresses FROM devapp.claim_notifications();

SELECT FROM devapp.remove_notification_recipient('rcpt-late');
SELECT FROM devapp.remove_notification_recipient('rcpt-desk');
SELECT FROM devapp.remove_product_approver('rcpt-product', role => 'pg_monitor');
DELETE FROM devapp.notification;
