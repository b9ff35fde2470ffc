-- The report of decisions: one row for each decision on an app or on a product of it, with
-- how long it took, and who decided.
\set SHOW_CONTEXT never
BEGIN;
SELECT FROM devapp.create_developer('asks@example.com');
SELECT FROM devapp.create_developer('decides@example.com');
SELECT FROM devapp.create_team('asks-team');
SELECT FROM devapp.create_product('asked-auto');
SELECT FROM devapp.create_product('asked-manual', approval => 'manual', display_name => 'Asked');
-- decided(app): what the report says of it
CREATE FUNCTION pg_temp.decided(the_app uuid)
    RETURNS TABLE (subject text, product text, outcome text, hours double precision, decided_by text, decided_by_kind text, note text) LANGUAGE sql AS $$
    SELECT a.subject, a.product, a.outcome, a.hours, replace(a.decided_by, current_user, 'me'), a.decided_by_kind, a.note
      FROM devapp_report.approvals a WHERE a.app_id = the_app ORDER BY a.decision_id $$;

-- nobody had to: decided as it was made
SELECT FROM devapp.set_app_approval('auto');
SELECT app_id AS a FROM devapp.create_app('asked-at-once', developer => 'asks@example.com', products => '{asked-auto}') \gset
SELECT * FROM pg_temp.decided(:'a');
-- a rule did
SELECT FROM devapp.set_app_approval('conditional');
SELECT FROM devapp.create_approval_rule('asked-rule', 4711, 'reject', product => 'asked-manual', note => 'not now');
SELECT app_id AS a FROM devapp.create_app('asked-rule', developer => 'asks@example.com', products => '{asked-manual}') \gset
SELECT * FROM pg_temp.decided(:'a');
SELECT FROM devapp.delete_approval_rule('asked-rule');

-- a person: what waited for two days is approved with the app; then one of it is taken back, and given again
SELECT app_id AS a, credential_id AS c FROM devapp.create_app('asked', developer => 'asks@example.com', products => '{asked-auto,asked-manual}') \gset
SELECT count(*) AS undecided FROM pg_temp.decided(:'a');
SET LOCAL session_replication_role = replica;
UPDATE devapp.app SET created_at = now() - interval '48 hours' WHERE app_id = :'a';
UPDATE devapp.credential_product SET created_at = now() - interval '36 hours' WHERE credential_id = :'c';
RESET session_replication_role;
SELECT devapp.act_as('decides@example.com');
SELECT FROM devapp.approve_app(:'a', 'fine');
SELECT FROM devapp.set_credential_product_status(:'c', 'asked-manual', 'revoke', 'too much');
SELECT FROM devapp.set_credential_product_status(:'c', 'asked-manual', 'approve');
SELECT FROM devapp.revoke_app(:'a');
SELECT devapp.act_as(NULL);
SELECT FROM devapp.approve_app(:'a');
SELECT * FROM pg_temp.decided(:'a');
-- what is no decision on either: suspending, resuming, another owner, a rename
SELECT count(*) AS before FROM pg_temp.decided(:'a') \gset
SELECT FROM devapp.suspend_app(:'a');
SELECT FROM devapp.resume_app(:'a');
SELECT FROM devapp.update_app(:'a', name => 'asked-2');
SELECT FROM devapp.transfer_app(:'a', team => 'asks-team');
SELECT count(*) - :before AS more FROM pg_temp.decided(:'a');

-- a product that waited and was refused is rejected
SELECT app_id AS r, credential_id AS c FROM devapp.create_app('asked-in-part', developer => 'asks@example.com', products => '{asked-manual}') \gset
SELECT FROM devapp.set_credential_product_status(:'c', 'asked-manual', 'revoke');
SELECT * FROM pg_temp.decided(:'r');
-- no spreadsheet takes a note for a formula
SELECT app_id AS r FROM devapp.create_app('asked-formula', developer => 'asks@example.com', products => '{asked-manual}') \gset
SELECT FROM devapp.approve_app(:'r', '- agreed');
SELECT FROM devapp.revoke_app(:'r', '=HYPERLINK("http://evil.example")');
SELECT FROM devapp.approve_app(:'r', U&'\FF1D1+1');
SELECT FROM devapp.revoke_app(:'r', 'a = b');
SELECT note FROM pg_temp.decided(:'r') WHERE subject = 'app';
-- an app that was rejected and handed in again is asked for since then
SELECT app_id AS r FROM devapp.create_app('asked-in-vain', developer => 'asks@example.com', products => '{asked-manual}') \gset
SELECT FROM devapp.reject_app(:'r', 'no');
SET LOCAL session_replication_role = replica;
UPDATE devapp.app SET created_at = now() - interval '48 hours' WHERE app_id = :'r';
RESET session_replication_role;
SELECT FROM devapp.resubmit_app(:'r');
SELECT FROM devapp.approve_app(:'r');
SELECT * FROM pg_temp.decided(:'r');

-- names are as of now, and the owner as of then stands beside the present one; ids are the app's for ever
SELECT DISTINCT app, app_path, owner, owner_kind, owner_then, product_display_name, consumer_key IS NULL AS no_key
  FROM devapp_report.approvals WHERE app_id = :'a' AND subject = 'app';
SELECT FROM devapp.delete_app(:'a');
SELECT DISTINCT app, is_deleted FROM devapp_report.approvals WHERE app_id = :'a';
-- each is an event of the trail, and a time is found by the trail's index
SELECT count(*) AS unknown FROM devapp_report.approvals a
 WHERE NOT EXISTS (SELECT FROM devapp.audit_event e WHERE e.event_id = a.decision_id AND e.app_id = a.app_id AND e.occurred_at = a.decided_at);
ROLLBACK;
