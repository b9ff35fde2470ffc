-- The label of a credential, what of it may change, and the notes of such changes.
\set SHOW_CONTEXT never

SELECT FROM devapp.create_developer('changes@example.com');
SELECT FROM devapp.create_developer('changes-other@example.com');
SELECT FROM devapp.create_product('changes', scopes => '{read,write}');
SELECT FROM devapp.create_product('changes-more', scopes => '{more}');
SELECT app_id, credential_id AS first FROM devapp.create_app('changes', developer => 'changes@example.com', products => '{changes}') \gset
SELECT * FROM devapp.issue_credential(:'app_id', label => '  CI server ', note => 'for the pipeline') \gset c_
SELECT credential_id = :'c_credential_id' AS second, label FROM devapp.credential WHERE app_id = :'app_id' ORDER BY credential_id;

-- what is left out stays, '' and '{}' clear
SELECT label, scopes, attributes, allowed_cidrs FROM devapp.update_credential(:'c_credential_id', label => 'CI', scopes => '{write}', attributes => '{"a": "1"}', allowed_cidrs => '{192.0.2.0/24}');
SELECT label, scopes, attributes, allowed_cidrs FROM devapp.update_credential(:'c_credential_id');
SELECT label, scopes, attributes, allowed_cidrs FROM devapp.update_credential(:'c_credential_id', allowed_cidrs => '{2001:db8::/32}');
SELECT code FROM devapp.verify_key(:'c_secret', client => '192.0.2.1');
SELECT code FROM devapp.verify_key(:'c_secret', client => '2001:db8::1');
SELECT label, scopes, attributes, allowed_cidrs FROM devapp.update_credential(:'c_credential_id', label => '', scopes => '{}', attributes => '{}', allowed_cidrs => '{}');
SELECT code FROM devapp.verify_key(:'c_secret', client => '192.0.2.1');

-- notes are in the history
SELECT status FROM devapp.add_credential_product(:'c_credential_id', 'changes-more', note => 'they asked');
SELECT scopes FROM devapp.update_credential(:'c_credential_id', scopes => '{more}');
SELECT removed_at IS NOT NULL AS removed FROM devapp.remove_credential_product(:'c_credential_id', 'changes-more', note => 'not needed');
SELECT what, note FROM devapp.app_history(:'app_id') WHERE consumer_key = :'c_consumer_key' ORDER BY event_id;

-- developers: their own, and nobody else's
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_changes;
RESET client_min_messages;
CREATE ROLE regress_changes;
GRANT USAGE ON SCHEMA devapp TO regress_changes;
GRANT EXECUTE ON FUNCTION devapp.update_credential, devapp.act_as TO regress_changes;
SET ROLE regress_changes;
BEGIN;
SELECT devapp.act_as('changes@example.com');
SELECT label FROM devapp.update_credential(:'c_credential_id', label => 'mine');
ROLLBACK;
\set VERBOSITY sqlstate
BEGIN;
SELECT devapp.act_as('changes-other@example.com');
SELECT label FROM devapp.update_credential(:'c_credential_id', label => 'mine');
ROLLBACK;
SELECT label FROM devapp.update_credential(:'c_credential_id', label => 'mine');
\set VERBOSITY default
RESET ROLE;
DROP OWNED BY regress_changes;
DROP ROLE regress_changes;

-- bad input: refused, and nothing changes
SELECT devapp.issue_credential(:'app_id', label => repeat('x', 256));
SELECT devapp.issue_credential(:'app_id', label => E'a\nb');
SELECT devapp.issue_credential(:'app_id', note => repeat('x', 4001));
SELECT devapp.update_credential(NULL, label => 'x');
SELECT devapp.update_credential('00000000-0000-0000-0000-000000000000', label => 'x');
SELECT devapp.update_credential(:'c_credential_id', label => repeat('x', 256));
SELECT devapp.update_credential(:'c_credential_id', label => E'a\nb');
SELECT devapp.update_credential(:'c_credential_id', label => 'x', scopes => '{read,nothing}');
SELECT devapp.update_credential(:'first', scopes => '{more}');
SELECT devapp.update_credential(:'c_credential_id', label => 'x', attributes => '["x"]');
SELECT devapp.update_credential(:'c_credential_id', label => 'x', allowed_cidrs => ARRAY[NULL]::cidr[]);
SELECT FROM devapp.add_credential_product(:'first', 'changes-more', note => repeat('x', 4001));
SELECT FROM devapp.remove_credential_product(:'first', 'changes', note => repeat('x', 4001));
SELECT count(*), count(label) AS labels FROM devapp.credential WHERE app_id = :'app_id';
SELECT count(*) FROM devapp.credential_product JOIN devapp.credential USING (credential_id) WHERE app_id = :'app_id' AND removed_at IS NULL;
-- a direct statement meets the rule of the label as well
UPDATE devapp.credential SET label = '' WHERE credential_id = :'first';
UPDATE devapp.credential SET label = E'\u200b' WHERE credential_id = :'first';
UPDATE devapp.credential SET label = ' x ' WHERE credential_id = :'first' RETURNING label;
-- of a deleted app nothing changes
SELECT FROM devapp.delete_app(:'app_id');
\set VERBOSITY sqlstate
SELECT devapp.update_credential(:'first', label => 'x');
