-- Approving: apps, products of a credential, and what follows from it.
\set SHOW_CONTEXT never

SELECT FROM devapp.create_developer('approval@example.com');
SELECT FROM devapp.create_product('auto');
SELECT FROM devapp.create_product('manual', approval => 'manual');
CREATE FUNCTION pg_temp.state(app uuid) RETURNS text LANGUAGE sql AS $$
    SELECT a.status || ': ' || string_agg(p.name || ' ' || cp.status, ', ' ORDER BY cp.ordinal)
      FROM devapp.app a JOIN devapp.credential c USING (app_id) JOIN devapp.credential_product cp USING (credential_id) JOIN devapp.product p USING (product_id)
     WHERE a.app_id = app GROUP BY a.status $$;

-- auto: the app is approved, the products as they say
SELECT FROM devapp.set_app_approval('auto');
SELECT app_id AS a, credential_id AS ac FROM devapp.create_app('a', developer => 'approval@example.com', products => '{auto,manual}') \gset
SELECT pg_temp.state(:'a');
-- approving the product is a step of its own
SELECT status, decision_note, decided_by = current_user AS by_me FROM devapp.set_credential_product_status(:'ac', 'manual', 'approve', 'paid');
SELECT pg_temp.state(:'a');

-- manual: approving the app approves what is pending
SELECT FROM devapp.set_app_approval('manual');
SELECT app_id AS b, credential_id AS bc FROM devapp.create_app('b', developer => 'approval@example.com', products => '{auto,manual}') \gset
SELECT pg_temp.state(:'b');
SELECT status, decision_note, decided_by = current_user AS by_me FROM devapp.approve_app(:'b', 'looks good');
SELECT pg_temp.state(:'b');
SELECT cp.decision_note FROM devapp.credential_product cp JOIN devapp.product p USING (product_id) WHERE credential_id = :'bc' AND p.name = 'manual';
-- but what was revoked, and what comes later, is not taken along
SELECT app_id AS c, credential_id AS cc FROM devapp.create_app('c', developer => 'approval@example.com', products => '{manual,auto}') \gset
SELECT FROM devapp.set_credential_product_status(:'cc', 'manual', 'revoke');
SELECT FROM devapp.approve_app(:'c');
SELECT pg_temp.state(:'c');
SELECT FROM devapp.revoke_app(:'c');
SELECT FROM devapp.create_product('manual-2', approval => 'manual');
SELECT FROM devapp.add_credential_product(:'cc', 'manual-2');
SELECT FROM devapp.approve_app(:'c');
SELECT pg_temp.state(:'c');

-- a new credential does not get back what was revoked
SELECT products FROM devapp.issue_credential(:'c');

-- the whole life
SELECT app_id AS d FROM devapp.create_app('d', developer => 'approval@example.com') \gset
SELECT status, decision_note FROM devapp.reject_app(:'d', 'no contract');
SELECT (devapp.resubmit_app(:'d', 'signed')).status;
SELECT (devapp.approve_app(:'d')).status;
SELECT (devapp.suspend_app(:'d')).status;
SELECT (devapp.resume_app(:'d')).status;
SELECT (devapp.revoke_app(:'d')).status;
SELECT (devapp.approve_app(:'d')).status;
SELECT (devapp.delete_app(:'d', 'end')).status;
\set VERBOSITY sqlstate
SELECT devapp.resume_app(:'d');
\set VERBOSITY default
SELECT devapp.approve_app('00000000-0000-0000-0000-000000000000');
SELECT devapp.approve_app(NULL);
SELECT devapp.reject_app(:'a');
SELECT FROM devapp.set_app_approval('conditional');

-- deleting: credentials are revoked, the history stays, the name is free
SELECT (devapp.delete_app(:'a', 'cleaning up')).decision_note;
SELECT status, decision_note, revoked_at IS NOT NULL AS revoked FROM devapp.credential WHERE app_id = :'a';
SELECT count(*) AS secrets FROM devapp.credential_secret WHERE credential_id = :'ac';
SELECT pg_temp.state(:'a');
SELECT app_status FROM devapp.create_app('a', developer => 'approval@example.com');
SELECT count(*) FROM devapp.app a JOIN devapp.developer d USING (developer_id) WHERE d.email = 'approval@example.com' AND a.name = 'a';
\set VERBOSITY sqlstate
SELECT devapp.delete_app(:'a');
SELECT devapp.issue_credential(:'a');
SELECT devapp.update_app(:'a');
SELECT devapp.add_credential_product(:'ac', 'manual-2');
SELECT devapp.set_attribute('app', :'a', 'k', 'v');
SELECT devapp.delete_developer('approval@example.com');

-- what a key that does not work any more asks for is refused, with the reason, and what it
-- has asked for before leaves the queue: nobody can approve it to any effect
\set VERBOSITY default
CREATE FUNCTION pg_temp.refusal(statement text, credential uuid) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(statement, credential);
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || regexp_replace(SQLERRM, 'dvk_[0-9A-Za-z_]+', 'X');
END $$;
SELECT FROM devapp.set_app_approval('auto');
SELECT app_id AS dead, credential_id AS live FROM devapp.create_app('dead keys', developer => 'approval@example.com', products => '{manual}') \gset
SELECT credential_id AS expired FROM devapp.issue_credential(:'dead', products => '{manual}', expires_in => '1 day') \gset
SELECT credential_id AS compromised FROM devapp.issue_credential(:'dead', products => '{manual}') \gset
SELECT credential_id AS revoked FROM devapp.issue_credential(:'dead', products => '{manual}') \gset
SELECT count(*) FROM devapp_report.pending_approvals WHERE app_id = :'dead';
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE devapp.credential SET expires_at = now() - interval '1 day' WHERE credential_id = :'expired';
COMMIT;
SELECT FROM devapp.revoke_credential(:'compromised', compromised => true);
SELECT FROM devapp.revoke_credential(:'revoked');
SELECT k.key, pg_temp.refusal($$SELECT devapp.add_credential_product(%L, 'manual-2')$$, k.id) AS asked_for,
       pg_temp.refusal($$SELECT devapp.set_credential_product_status(%L, 'manual', 'approve')$$, k.id) AS approved
  FROM (VALUES ('expired', :'expired'::uuid), ('compromised', :'compromised'), ('revoked', :'revoked')) AS k(key, id);
SELECT credential_id = :'live' AS live FROM devapp_report.pending_approvals WHERE app_id = :'dead';
SELECT products_pending FROM devapp_report.app_inventory WHERE app_id = :'dead';
SELECT FROM devapp.remove_credential_product(:'live', 'manual');
SELECT products_pending FROM devapp_report.app_inventory WHERE app_id = :'dead';
SELECT count(*) FROM devapp.bulk_approve(app_ids => ARRAY[:'dead']::uuid[]);
-- a pending app that is approved takes along what a revoked key waits for, as it can come back
SELECT FROM devapp.set_app_approval('manual');
SELECT app_id AS dead, credential_id AS revoked FROM devapp.create_app('dead keys, pending', developer => 'approval@example.com', products => '{manual}') \gset
SELECT credential_id AS compromised FROM devapp.issue_credential(:'dead', products => '{manual,manual-2}') \gset
SELECT FROM devapp.revoke_credential(:'compromised', compromised => true);
SELECT FROM devapp.revoke_credential(:'revoked');
SELECT FROM devapp.approve_app(:'dead');
SELECT pg_temp.state(:'dead');
SELECT FROM devapp.set_app_approval('conditional');
