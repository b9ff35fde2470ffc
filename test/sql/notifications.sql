-- Who is told what: one notification for one thing that happened, to the right
-- people, and never a secret.
\set SHOW_CONTEXT never

SELECT FROM devapp.create_developer('notify@example.com', 'Nora', 'Tify');
SELECT FROM devapp.create_developer('notify-admin@example.com', user_name => 'boss');
SELECT FROM devapp.create_developer('notify-member@example.com');
SELECT FROM devapp.create_developer('notify-away@example.com');
SELECT FROM devapp.create_team('notify-owners');
SELECT FROM devapp.add_team_member('notify-owners', 'notify-admin@example.com', 'admin');
SELECT FROM devapp.add_team_member('notify-owners', 'notify-member@example.com');
SELECT FROM devapp.create_team('notify-reviewers');
SELECT FROM devapp.add_team_member('notify-reviewers', 'notify-member@example.com');
SELECT FROM devapp.add_team_member('notify-reviewers', 'notify-away@example.com');
SELECT FROM devapp.set_developer_status('notify-away@example.com', 'deactivate');
SELECT FROM devapp.create_product('notify-auto');
SELECT FROM generate_series(1, 6) AS n, devapp.create_product('notify-' || n, approval => 'manual') \g /dev/null
-- products 1 and 2 have approvers, 6 has another, 3 to 5 have none
INSERT INTO devapp.product_approver (product_id, team_id, role_name)
SELECT p.product_id, t.team_id, NULL FROM devapp.product p, devapp.team t WHERE p.name IN ('notify-1', 'notify-2') AND t.name = 'notify-reviewers'
UNION ALL
SELECT p.product_id, NULL, 'pg_monitor' FROM devapp.product p WHERE p.name = 'notify-2'
UNION ALL
SELECT p.product_id, NULL, 'pg_read_all_stats' FROM devapp.product p WHERE p.name = 'notify-6'
UNION ALL
SELECT p.product_id, NULL, 'dropped_role' FROM devapp.product p WHERE p.name = 'notify-3';

-- What came since the last call, oldest first.
CREATE TEMP TABLE seen (upto bigint);
INSERT INTO seen SELECT coalesce(max(notification_id), 0) FROM devapp.notification;
CREATE TEMP VIEW news AS
    SELECT n.event, (SELECT string_agg(format('%s %s%s (%s)', r->>'kind', r->>'to', ', ' || (r->>'name'), r->>'why'), '; ')
                       FROM jsonb_array_elements(n.recipients) AS r) AS told,
           n.payload - 'consumer_key' - 'expires_at' - 'previous_valid_until' AS payload
      FROM devapp.notification n, seen
     WHERE n.notification_id > seen.upto AND n.payload ->> 'app' LIKE 'notify-%'
     ORDER BY n.notification_id;
CREATE PROCEDURE pg_temp.read() LANGUAGE sql AS $$ UPDATE seen SET upto = (SELECT max(notification_id) FROM devapp.notification) $$;

-- an app that is approved at once: whoever made it knows
SELECT FROM devapp.set_app_approval('auto');
SELECT * FROM devapp.create_app('notify-auto', developer => 'notify@example.com', products => '{notify-auto}') \gset auto_
SELECT * FROM pg_temp.news;
-- a product of it that is not
SELECT * FROM devapp.create_app('notify-half', developer => 'notify@example.com', products => '{notify-auto,notify-1}') \gset half_
SELECT * FROM pg_temp.news;
CALL pg_temp.read();

-- a pending app: one notification, to the approvers of all its products
SELECT FROM devapp.set_app_approval('manual');
SELECT * FROM devapp.create_app('notify-app', developer => 'notify@example.com', display_name => 'The app',
                                products => '{notify-auto,notify-1,notify-2,notify-3,notify-4,notify-5}') \gset a_
SELECT * FROM pg_temp.news;
CALL pg_temp.read();
-- of products that one approver may decide on, of some that none may alone, and of none
SELECT app_id AS b_app_id FROM devapp.create_app('notify-one', developer => 'notify@example.com', products => '{notify-2}') \gset
SELECT app_id AS p_app_id FROM devapp.create_app('notify-parts', developer => 'notify@example.com', products => '{notify-1,notify-2,notify-6}') \gset
SELECT app_id AS c_app_id FROM devapp.create_app('notify-none', team => 'notify-owners') \gset
SELECT * FROM pg_temp.news;
CALL pg_temp.read();

-- approving it with five pending associations is one notification
SELECT status FROM devapp.approve_app(:'a_app_id', 'looks good');
SELECT * FROM pg_temp.news;
CALL pg_temp.read();
-- its life
SELECT status FROM devapp.suspend_app(:'a_app_id', 'too many calls');
SELECT status FROM devapp.resume_app(:'a_app_id');
SELECT status FROM devapp.revoke_app(:'a_app_id', 'abuse');
SELECT status FROM devapp.approve_app(:'a_app_id', 'by mistake');
SELECT event, told, payload ->> 'note' AS note, payload ->> 'app_status' AS status FROM pg_temp.news;
CALL pg_temp.read();
-- rejected, and handed in again
SELECT status FROM devapp.reject_app(:'b_app_id', 'no contract');
SELECT status FROM devapp.resubmit_app(:'b_app_id', 'signed');
SELECT event, told, payload ->> 'products' AS products, payload ->> 'note' AS note FROM pg_temp.news;
CALL pg_temp.read();

-- a team: its admins, or all where no admin is active
SELECT status FROM devapp.approve_app(:'c_app_id');
SELECT FROM devapp.set_developer_status('notify-admin@example.com', 'deactivate');
SELECT status FROM devapp.suspend_app(:'c_app_id');
-- nobody is left: nothing is queued
SELECT FROM devapp.set_developer_status('notify-member@example.com', 'deactivate');
SELECT status FROM devapp.resume_app(:'c_app_id');
SELECT event, told FROM pg_temp.news;
CALL pg_temp.read();
SELECT FROM devapp.set_developer_status('notify-member@example.com', 'activate');
-- nobody decides about his own: the app of an approver, and of his team
SELECT FROM devapp.create_app('notify-own', developer => 'notify-member@example.com', products => '{notify-1,notify-2}');
SELECT FROM devapp.create_app('notify-team', team => 'notify-owners', products => '{notify-1}');
SELECT event, told, payload ->> 'owner' AS owner FROM pg_temp.news;
CALL pg_temp.read();
-- approvers who are all away, or whose team is: the administrators
SELECT FROM devapp.set_developer_status('notify-member@example.com', 'deactivate');
SELECT status FROM devapp.add_credential_product(:'auto_credential_id', 'notify-1');
SELECT event, told FROM pg_temp.news;
CALL pg_temp.read();
SELECT FROM devapp.set_developer_status('notify-member@example.com', 'activate');
SELECT FROM devapp.set_team_status('notify-reviewers', 'deactivate');
SELECT status FROM devapp.add_credential_product(:'auto_credential_id', 'notify-2');
SELECT event, told FROM pg_temp.news;
CALL pg_temp.read();
SELECT FROM devapp.set_team_status('notify-reviewers', 'activate');

-- associations that change on their own
SELECT status FROM devapp.set_credential_product_status(:'half_credential_id', 'notify-1', 'approve', 'paid');
SELECT status FROM devapp.set_credential_product_status(:'half_credential_id', 'notify-1', 'revoke');
SELECT status FROM devapp.add_credential_product(:'half_credential_id', 'notify-3');
SELECT n.event, n.told, n.payload FROM pg_temp.news AS n;
SELECT count(*) FROM devapp.notification n JOIN devapp.product p USING (product_id) WHERE n.credential_id = :'half_credential_id' AND p.name = n.payload ->> 'product';
CALL pg_temp.read();
-- nothing: approved at once, removed, or added and removed in one transaction
SELECT status FROM devapp.remove_credential_product(:'half_credential_id', 'notify-auto');
SELECT status FROM devapp.add_credential_product(:'half_credential_id', 'notify-auto');
BEGIN;
SELECT status FROM devapp.add_credential_product(:'half_credential_id', 'notify-4');
SELECT status FROM devapp.remove_credential_product(:'half_credential_id', 'notify-4');
COMMIT;
SELECT * FROM pg_temp.news;
-- to a rejected app: its next submission tells
SELECT status FROM devapp.reject_app(:'b_app_id');
CALL pg_temp.read();
SELECT c.credential_id AS b_credential_id FROM devapp.credential c WHERE c.app_id = :'b_app_id' \gset
SELECT status FROM devapp.add_credential_product(:'b_credential_id', 'notify-5');
SELECT * FROM pg_temp.news;
SELECT status FROM devapp.resubmit_app(:'b_app_id');
SELECT event, told, payload ->> 'products' AS products FROM pg_temp.news;
CALL pg_temp.read();
-- to one that waits already
SELECT status FROM devapp.add_credential_product(:'b_credential_id', 'notify-4');
SELECT event, told FROM pg_temp.news;
CALL pg_temp.read();

-- made and decided in one transaction
BEGIN;
SELECT app_id AS d_app_id FROM devapp.create_app('notify-at-once', developer => 'notify@example.com', products => '{notify-1}') \gset
SELECT status FROM devapp.approve_app(:'d_app_id');
COMMIT;
SELECT * FROM pg_temp.news;
-- handed in again, and decided by a rule at once
SELECT FROM devapp.set_app_approval('conditional');
SELECT FROM devapp.create_approval_rule('notify-late', 424242, 'reject', product => 'notify-5');
SELECT app_id AS r_app_id, app_status FROM devapp.create_app('notify-rule', developer => 'notify@example.com', products => '{notify-5}') \gset rule_
SELECT FROM devapp.update_approval_rule('notify-late', decision => 'approve');
SELECT status FROM devapp.resubmit_app(:'rule_r_app_id');
SELECT * FROM pg_temp.news;
SELECT FROM devapp.delete_approval_rule('notify-late');
SELECT FROM devapp.set_app_approval('manual');
-- what is rolled back is not told, not even to a savepoint
BEGIN;
SELECT FROM devapp.suspend_app(:'d_app_id');
ROLLBACK;
BEGIN;
SAVEPOINT s;
SELECT FROM devapp.suspend_app(:'d_app_id', 'undone');
ROLLBACK TO s;
SELECT FROM devapp.suspend_app(:'d_app_id', 'kept');
COMMIT;
SELECT event, payload ->> 'note' AS note FROM pg_temp.news;
CALL pg_temp.read();
-- an UPDATE that changes no status
UPDATE devapp.app SET status = status, description = 'new' WHERE app_id IN (:'a_app_id', :'b_app_id');
UPDATE devapp.credential SET status = status WHERE credential_id = :'a_credential_id';
SELECT * FROM pg_temp.news;

-- credentials
SELECT * FROM devapp.rotate_credential(:'a_credential_id', '2 days') \gset r_
SELECT n.payload ->> 'consumer_key' = :'a_consumer_key' AS consumer_key, (n.payload ->> 'previous_valid_until')::timestamptz = :'r_previous_valid_until' AS until
  FROM devapp.notification n WHERE n.event = 'credential_rotated' AND n.credential_id = :'a_credential_id';
SELECT status FROM devapp.revoke_credential(:'a_credential_id', 'lost laptop');
SELECT status FROM devapp.approve_credential(:'a_credential_id', 'found');
SELECT status FROM devapp.revoke_credential(:'a_credential_id', 'on a forge', true);
SELECT * FROM pg_temp.news;
CALL pg_temp.read();
-- a new credential is nothing to tell, but its products are to approve
SELECT * FROM devapp.issue_credential(:'a_app_id', products => '{notify-auto}') \gset i_
SELECT * FROM devapp.issue_credential(:'a_app_id', products => '{notify-1,notify-3}', environment => 'test', expires_in => '1 year') \gset j_
SELECT event, told, payload FROM pg_temp.news;
SELECT (payload ->> 'expires_at')::timestamptz = :'j_expires_at' AS expires FROM devapp.notification WHERE credential_id = :'j_credential_id';
CALL pg_temp.read();

-- deleting an app with three credentials is one notification
SELECT status FROM devapp.delete_app(:'a_app_id', 'cleaning up');
SELECT count(*) FROM devapp.credential WHERE app_id = :'a_app_id' AND status <> 'approved';
SELECT event, told, payload ->> 'note' AS note FROM pg_temp.news;
CALL pg_temp.read();

-- while a dump is being restored nothing is
SET devapp.restoring = on;
SELECT app_id AS e_app_id FROM devapp.create_app('notify-restored', developer => 'notify@example.com', products => '{notify-1}') \gset
SELECT FROM devapp.approve_app(:'e_app_id');
SELECT FROM devapp.credential c, devapp.rotate_credential(c.credential_id) WHERE c.app_id = :'e_app_id';
SELECT FROM devapp.credential c, devapp.revoke_credential(c.credential_id) WHERE c.app_id = :'e_app_id';
RESET devapp.restoring;
SELECT * FROM pg_temp.news;

-- no secret, and none of their digests, is in any of them
SELECT count(*) > 20 AS there_are, count(*) FILTER (WHERE n::text LIKE '%' || split_part(s.secret, '_', 4) || '%') AS secrets
  FROM devapp.notification n, unnest(ARRAY[:'auto_secret', :'half_secret', :'a_secret', :'r_secret', :'i_secret', :'j_secret']) AS s(secret);
SELECT count(*) FROM devapp.notification n, devapp.credential_secret s WHERE n::text LIKE '%' || split_part(s.digest::text, ':', 3) || '%';
-- the search finds what is there
SELECT count(*) > 0 AS found FROM devapp.notification n WHERE n::text LIKE '%' || :'a_consumer_key' || '%';

-- the rules of the table
INSERT INTO devapp.notification (event, app_id, recipients) VALUES ('party', devapp.uuid_v7(), '[{}]');
INSERT INTO devapp.notification (event, app_id, recipients, status) VALUES ('app_approved', devapp.uuid_v7(), '[{}]', 'lost');
\set VERBOSITY sqlstate
INSERT INTO devapp.notification (event, app_id, recipients) VALUES ('app_approved', devapp.uuid_v7(), '[]');
INSERT INTO devapp.notification (event, app_id, recipients) VALUES ('app_approved', devapp.uuid_v7(), '{}');
INSERT INTO devapp.notification (event, app_id, recipients, payload) VALUES ('app_approved', devapp.uuid_v7(), '[{}]', '[]');
INSERT INTO devapp.notification (event, app_id, recipients, status) VALUES ('app_approved', devapp.uuid_v7(), '[{}]', 'leased');
INSERT INTO devapp.notification (event, app_id, recipients, status) VALUES ('app_approved', devapp.uuid_v7(), '[{}]', 'done');
\set VERBOSITY default
-- the triggers serve devapp's tables only
CREATE TEMP TABLE mine (app_id uuid, status text);
CREATE TRIGGER t AFTER INSERT ON mine FOR EACH ROW EXECUTE FUNCTION devapp_internal.notify_app_submitted();
INSERT INTO mine VALUES (:'a_app_id', 'pending');

SELECT FROM devapp.set_app_approval('conditional');
