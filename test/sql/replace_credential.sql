-- Replacing a credential: the new one keeps the approvals, the old one ends after the overlap.
\set SHOW_CONTEXT never

SELECT FROM devapp.create_developer('replace@example.com');
SELECT FROM devapp.create_product('replace-auto', scopes => '{read}', environments => '{test}');
SELECT FROM devapp.create_product('replace-contract', approval => 'manual');
SELECT FROM devapp.create_product('replace-taken', approval => 'manual');
SELECT * FROM devapp.create_app('replace', developer => 'replace@example.com', products => '{replace-contract,replace-auto,replace-taken}', environment => 'test') \gset a_
SELECT count(devapp.set_credential_product_status(:'a_credential_id', p, 'approve', 'signed')) FROM unnest('{replace-contract,replace-taken}'::text[]) AS p;
SELECT FROM devapp.set_credential_product_status(:'a_credential_id', 'replace-taken', 'revoke', 'ended');
SELECT FROM devapp.update_credential(:'a_credential_id', label => 'shop', scopes => '{read}', attributes => '{"a": "1"}', allowed_cidrs => '{192.0.2.0/24}');
UPDATE devapp.app SET status = 'approved' WHERE app_id = :'a_app_id' AND status = 'pending';

-- what is left out is the old one's; approvals stay, with who decided, when and why
SELECT * FROM devapp.issue_credential(:'a_app_id', replaces => :'a_credential_id', overlap => '2 days', note => 'leaked') \gset b_
SELECT :'b_products' AS products, :'b_environment' AS environment, :'b_previous_valid_until' > now() + interval '47 hours' AS overlap;
SELECT n.label, n.kind = o.kind AS kind, n.scopes, n.attributes, n.allowed_cidrs, n.expires_at, n.replaces = o.credential_id AS replaces
  FROM devapp.credential n, devapp.credential o WHERE n.credential_id = :'b_credential_id' AND o.credential_id = :'a_credential_id';
SELECT p.name, n.status, n.decision_note, n.decided_by = o.decided_by AS same_person, n.decided_at = o.decided_at AS same_time
  FROM devapp.credential_product n JOIN devapp.product p USING (product_id)
  JOIN devapp.credential_product o ON o.credential_id = :'a_credential_id' AND o.product_id = n.product_id
 WHERE n.credential_id = :'b_credential_id' ORDER BY n.ordinal;
SELECT code, superseded_until = :'b_previous_valid_until' AS ends FROM devapp.verify_key(:'a_secret', environment => 'test', client => '192.0.2.1');
SELECT code, superseded_until FROM devapp.verify_key(:'b_secret', environment => 'test', client => '192.0.2.1');
SELECT what LIKE '%replaces ' || :'a_credential_id' || '%' AS told, note FROM devapp.app_history(:'a_app_id') WHERE consumer_key = :'b_consumer_key' ORDER BY event_id LIMIT 1;

-- one that was replaced is not replaced, rotated or brought back; its end may come sooner
\set VERBOSITY sqlstate
SELECT FROM devapp.issue_credential(:'a_app_id', replaces => :'a_credential_id');
SELECT FROM devapp.rotate_credential(:'a_credential_id', overlap => '0');
SELECT FROM devapp.cancel_rotation(:'a_credential_id');
\set VERBOSITY default
SELECT outcome, count(*) FROM devapp.bulk_rotate(filter => '{"owner": "replace@example.com"}') GROUP BY outcome;
SELECT FROM devapp.complete_rotation(:'a_credential_id');
SELECT code FROM devapp.verify_key(:'a_secret');

-- at once, also where a rotation is in progress; and its own overlap is never longer
SELECT secret AS b2_secret FROM devapp.rotate_credential(:'b_credential_id', overlap => '1 hour') \gset
SELECT * FROM devapp.issue_credential(:'a_app_id', replaces => :'b_credential_id', overlap => '0', products => '{replace-contract}', scopes => '{}') \gset c_
SELECT :'c_products' AS products, (devapp.verify_key(:'b_secret')).code AS b, (devapp.verify_key(:'b2_secret')).code AS b2, (devapp.verify_key(:'c_secret', environment => 'test', client => '192.0.2.1')).code AS c;
SELECT secret AS c2_secret FROM devapp.rotate_credential(:'c_credential_id', overlap => '1 hour') \gset
SELECT * FROM devapp.issue_credential(:'a_app_id', replaces => :'c_credential_id', overlap => '1 day') \gset d_
SELECT version, valid_until < now() + interval '2 hours' AS within_two_hours FROM devapp.credential_secret WHERE credential_id = :'c_credential_id' ORDER BY version;
SELECT FROM devapp.complete_rotation(:'c_credential_id');
SELECT (devapp.verify_key(:'c_secret')).code AS c, (devapp.verify_key(:'c2_secret')).code AS c2;

-- of one that does not work the overlap is ignored
SELECT FROM devapp.revoke_credential(:'d_credential_id', 'in a public repository', compromised => true);
SELECT * FROM devapp.issue_credential(:'a_app_id', replaces => :'d_credential_id', overlap => '1 day', expires_in => '1 microsecond') \gset e_
SELECT :{?e_previous_valid_until} AS known, code FROM devapp.verify_key(:'d_secret');
SELECT previous_valid_until, credential_id AS f, secret AS f_secret FROM devapp.issue_credential(:'a_app_id', replaces => :'e_credential_id', overlap => '1 day') \gset
SELECT (devapp.verify_key(:'e_secret')).code AS e, (devapp.verify_key(:'f_secret', environment => 'test', client => '192.0.2.1')).code AS f;
SELECT FROM devapp.revoke_credential(:'f', 'abused');

-- a developer replaces what is his, but not what an administrator revoked, whatever he calls it
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_replace;
RESET client_min_messages;
CREATE ROLE regress_replace;
GRANT USAGE ON SCHEMA devapp TO regress_replace;
GRANT EXECUTE ON FUNCTION devapp.issue_credential, devapp.revoke_credential, devapp.act_as TO regress_replace;
SELECT * FROM devapp.create_app('replace other', developer => 'replace@example.com') \gset o_
SELECT FROM devapp.create_developer('replace-2@example.com');
SELECT * FROM devapp.create_app('stranger', developer => 'replace-2@example.com') \gset s_
SET ROLE regress_replace;
SELECT devapp.act_as('replace@example.com', is_local => false);
\set VERBOSITY sqlstate
SELECT devapp.issue_credential(:'a_app_id', replaces => :'f');
SELECT FROM devapp.revoke_credential(:'f', compromised => true);
SELECT devapp.issue_credential(:'a_app_id', replaces => :'f');
\set VERBOSITY default
-- one that he revoked
SELECT * FROM devapp.issue_credential(:'o_app_id') \gset g_
SELECT FROM devapp.revoke_credential(:'g_credential_id');
SELECT status FROM devapp.issue_credential(:'o_app_id', replaces => :'g_credential_id');
-- another app's, and a stranger's, which does not exist
\set VERBOSITY sqlstate
SELECT devapp.issue_credential(:'o_app_id', replaces => :'f');
SELECT devapp.issue_credential(:'o_app_id', replaces => :'s_credential_id');
\set VERBOSITY default
RESET ROLE;
SELECT status FROM devapp.issue_credential(:'a_app_id', replaces => :'f');
-- a replacement needs no room of its own, but the old one is counted as long as it works
SET devapp.max_credentials_per_app = 2;
SET ROLE regress_replace;
\set VERBOSITY sqlstate
SELECT devapp.issue_credential(:'o_app_id');
SELECT credential_id AS h FROM devapp.issue_credential(:'o_app_id', replaces => :'o_credential_id') \gset
SELECT devapp.issue_credential(:'o_app_id', replaces => :'h');
\set VERBOSITY default
RESET ROLE;
SELECT FROM devapp.complete_rotation(:'o_credential_id');
SET ROLE regress_replace;
SELECT credential_id AS i, secret AS i_secret FROM devapp.issue_credential(:'o_app_id', replaces => :'h') \gset
RESET ROLE;
DROP OWNED BY regress_replace;
DROP ROLE regress_replace;
DISCARD ALL;

-- bad input: refused, and nothing changes
\set SHOW_CONTEXT never
SELECT count(*) AS credentials FROM devapp.credential WHERE app_id = :'o_app_id' \gset
SELECT devapp.issue_credential(:'o_app_id', replaces => '00000000-0000-0000-0000-000000000000');
SELECT devapp.issue_credential(:'o_app_id', replaces => :'i', overlap => '-1 day');
SELECT devapp.issue_credential(:'o_app_id', overlap => '1 day');
BEGIN;
SELECT previous_valid_until = now() + interval '7 days' AS seven_days FROM devapp.issue_credential(:'o_app_id', replaces => :'i', overlap => NULL);
ROLLBACK;
SELECT devapp.issue_credential(:'o_app_id', replaces => :'i', overlap => '300000 years');
SELECT devapp.issue_credential(:'o_app_id', replaces => :'i', products => '{nothing}');
\set VERBOSITY sqlstate
SELECT devapp.issue_credential(:'o_app_id', replaces => :'s_credential_id');
-- a direct statement makes no cycle, and changes none
INSERT INTO devapp.credential (credential_id, app_id, consumer_key, replaces) VALUES ('01900000-0000-7000-8000-000000000001', :'o_app_id', 'cycle-1', '01900000-0000-7000-8000-000000000001');
INSERT INTO devapp.credential (credential_id, app_id, consumer_key, replaces) VALUES
    ('01900000-0000-7000-8000-000000000001', :'o_app_id', 'cycle-1', '01900000-0000-7000-8000-000000000002'),
    ('01900000-0000-7000-8000-000000000002', :'o_app_id', 'cycle-2', '01900000-0000-7000-8000-000000000001');
INSERT INTO devapp.credential (app_id, consumer_key, replaces) VALUES (:'o_app_id', 'cycle-3', :'s_credential_id');
UPDATE devapp.credential SET replaces = credential_id WHERE credential_id = :'i';
\set VERBOSITY default
SELECT count(*) = :credentials AS as_before FROM devapp.credential WHERE app_id = :'o_app_id';
SELECT code FROM devapp.verify_key(:'i_secret');
