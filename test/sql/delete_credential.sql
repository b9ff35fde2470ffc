-- A deleted credential: gone from lists, revoked for who presents it, and still in the history.
\set SHOW_CONTEXT never

SELECT FROM devapp.create_developer('delete-key@example.com');
SELECT FROM devapp.create_developer('delete-key-2@example.com');
SELECT FROM devapp.create_product('delete-key');
SELECT FROM devapp.create_product('delete-key-contract', approval => 'manual');
SELECT * FROM devapp.create_app('delete key', developer => 'delete-key@example.com', products => '{delete-key}') \gset a_
SELECT * FROM devapp.issue_credential(:'a_app_id', products => '{delete-key,delete-key-contract}') \gset b_
SELECT credential_id AS c, secret AS c_secret FROM devapp.issue_credential(:'a_app_id') \gset
SELECT FROM devapp.revoke_credential(:'c', 'leaked', compromised => true);

SELECT clock_timestamp() AS before \gset
SELECT status, deleted_at IS NOT NULL AS deleted, decision_note FROM devapp.delete_credential(:'b_credential_id', note => 'not needed');
SELECT code FROM devapp.verify_key(:'b_secret');
SELECT status, deleted_at IS NOT NULL AS deleted, decision_note FROM devapp.delete_credential(:'c', note => 'tidying up');
SELECT code FROM devapp.verify_key(:'c_secret');

-- lists: exports, reports, the queue, and what a new credential asks for
SELECT jsonb_array_length(e -> 'credentials') AS exported FROM devapp.export_apps(jsonb_build_object('app_ids', ARRAY[:'a_app_id'])) AS e;
SELECT count(DISTINCT consumer_key) AS exported FROM devapp.export_apps_table(jsonb_build_object('app_ids', ARRAY[:'a_app_id']));
SELECT credentials_live, credentials_revoked FROM devapp_report.app_inventory WHERE app_id = :'a_app_id';
SELECT count(*) AS waiting FROM devapp_report.pending_approvals WHERE app_id = :'a_app_id';
SELECT products FROM devapp.issue_credential(:'a_app_id');
-- what an app could call: at a time when it was not deleted yet it was there
SELECT count(DISTINCT consumer_key) AS explained FROM devapp.explain_access(:'a_app_id');
SELECT count(*) AS now FROM devapp.access_at(:'a_app_id');
SELECT code FROM devapp.access_at(:'a_app_id', at => :'before') WHERE credential_id = :'b_credential_id';

-- the history stays
SELECT what, note FROM devapp.app_history(:'a_app_id') WHERE consumer_key = :'b_consumer_key' ORDER BY event_id DESC LIMIT 3;

-- no function finds it
\set VERBOSITY sqlstate
SELECT devapp.delete_credential(:'b_credential_id');
SELECT devapp.approve_credential(:'b_credential_id');
SELECT devapp.revoke_credential(:'b_credential_id');
SELECT devapp.update_credential(:'b_credential_id', label => 'x');
SELECT devapp.rotate_credential(:'b_credential_id');
SELECT devapp.add_credential_product(:'b_credential_id', 'delete-key');
SELECT devapp.issue_credential(:'a_app_id', replaces => :'b_credential_id');
SELECT devapp.set_attribute('credential', :'b_credential_id', 'a', '1');
-- a direct statement does not bring it back, or delete one that works
UPDATE devapp.credential SET deleted_at = NULL WHERE credential_id = :'b_credential_id';
UPDATE devapp.credential SET status = 'approved' WHERE credential_id = :'b_credential_id';
UPDATE devapp.credential SET deleted_at = now() WHERE credential_id = :'a_credential_id';
DELETE FROM devapp.credential WHERE credential_id = :'b_credential_id';
\set VERBOSITY default

-- developers: their own, and nobody else's
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_delete_key;
RESET client_min_messages;
CREATE ROLE regress_delete_key;
GRANT USAGE ON SCHEMA devapp TO regress_delete_key;
GRANT EXECUTE ON FUNCTION devapp.delete_credential, devapp.act_as TO regress_delete_key;
SET ROLE regress_delete_key;
\set VERBOSITY sqlstate
SELECT FROM devapp.delete_credential(:'a_credential_id');
SELECT devapp.act_as('delete-key-2@example.com', is_local => false);
SELECT FROM devapp.delete_credential(:'a_credential_id');
SELECT devapp.act_as('delete-key@example.com', is_local => false);
SELECT FROM devapp.delete_credential(:'b_credential_id');
SELECT status FROM devapp.delete_credential(:'a_credential_id');
\set VERBOSITY default
RESET ROLE;
DROP OWNED BY regress_delete_key;
DROP ROLE regress_delete_key;
SELECT devapp.act_as(NULL, is_local => false);
SELECT code FROM devapp.verify_key(:'a_secret');

-- bad input
SELECT devapp.delete_credential(NULL);
SELECT devapp.delete_credential('00000000-0000-0000-0000-000000000000');
SELECT devapp.delete_credential(credential_id, note => repeat('x', 4001)) FROM devapp.credential WHERE app_id = :'a_app_id' AND deleted_at IS NULL;
SELECT count(*) AS live FROM devapp.credential WHERE app_id = :'a_app_id' AND deleted_at IS NULL;
