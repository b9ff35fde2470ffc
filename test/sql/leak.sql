-- Reports of leaked keys.
\set SHOW_CONTEXT never
CREATE FUNCTION pg_temp.code(key text) RETURNS devapp.verdict_code LANGUAGE sql AS $$ SELECT code FROM devapp.verify_key(key) $$;
SELECT FROM devapp.create_developer(email => 'leak@example.com');
SELECT FROM devapp.create_product(name => 'leak');
SELECT app_id, credential_id, consumer_key, secret FROM devapp.create_app(name => 'leak-app', developer => 'leak@example.com', products => '{leak}') \gset

-- a key of ours is revoked, for ever, and the same report again changes nothing
SELECT pg_temp.code(:'secret') AS before;
SELECT label, outcome, token_type, token_hash = encode(sha256(:'secret'), 'hex') AS same_hash, detail FROM devapp.report_leak(key => :'secret', source => 'content', url => 'https://github.com/octocat/Hello-World/blob/main/a.txt#L7', type => 'devapp_key');
SELECT pg_temp.code(:'secret') AS after;
SELECT label, outcome FROM devapp.report_leak(key => :'secret', source => 'gist_content', url => 'https://gist.github.com/1');
SELECT c.status, c.decision_note, l.action, l.source, l.url FROM devapp.leak l JOIN devapp.credential c USING (credential_id) WHERE c.credential_id = :'credential_id';
-- the owner and the administrators are told, once, and of nothing else
SELECT n.event, n.payload - 'consumer_key' AS payload, array(SELECT concat_ws(' ', r ->> 'to', r ->> 'why') FROM jsonb_array_elements(n.recipients) AS r) AS recipients
  FROM devapp.notification n WHERE n.app_id = :'app_id' ORDER BY notification_id;
-- the trail has it, with the place, in order
SELECT e.action, e.entity, e.before, e.after - '{secret_id,credential_id,reported_at,revoked_at,decided_at,decided_by}'::text[] AS after, e.note
  FROM devapp.audit_event e WHERE e.app_id = :'app_id' AND (e.entity = 'leak' OR e.action = 'compromise') ORDER BY event_id;
SELECT what, note FROM devapp.app_history(:'app_id') ORDER BY event_id DESC LIMIT 2;

-- what is not ours
SELECT k.what, r.label, r.outcome, length(r.token_hash) AS digits, r.detail
  FROM (VALUES ('a word', 'password'), ('another', 'dvk_live_0123456789AB_0123456789ABCDEFGHIJKLMNOPQRSTUV4bBjFD'), ('the consumer key', :'consumer_key'), ('empty', ''), ('nothing', NULL)) AS k(what, key),
       devapp.report_leak(key => k.key) AS r;
SELECT label, outcome, length(token_hash) FROM devapp.report_leak(key => repeat('x', 1000000));
-- a copied key has blanks around it
SELECT secret AS copied, credential_id AS copied_id FROM devapp.issue_credential(app => 'leak@example.com/leak-app') \gset
SELECT label, outcome FROM devapp.report_leak(key => E'  ' || :'copied' || E'\r\n');

-- only told, by policy; then revoked after all
SELECT action FROM devapp.set_leak_policy(action => 'Notify');
SELECT secret, credential_id FROM devapp.issue_credential(app => 'leak@example.com/leak-app') \gset
SELECT outcome, pg_temp.code(:'secret') FROM devapp.report_leak(key => :'secret', source => 'commit');
SELECT outcome, pg_temp.code(:'secret') FROM devapp.report_leak(key => :'secret', source => 'npm');
SELECT action FROM devapp.set_leak_policy(action => 'revoke');
SELECT outcome FROM devapp.report_leak(key => :'secret', source => 'npm');
SELECT pg_temp.code(:'secret'), l.action, l.source FROM devapp.leak l WHERE credential_id = :'credential_id';
SELECT payload ->> 'action' AS action, payload ->> 'source' AS source FROM devapp.notification WHERE event = 'key_leaked' AND credential_id = :'credential_id' ORDER BY notification_id;
-- the policy is recorded, and bad ones are refused
SELECT action, before, after - 'updated_at' AS after FROM devapp.audit_event WHERE entity = 'leak_policy' ORDER BY event_id;
SELECT FROM devapp.set_leak_policy(action => 'ignore');
SELECT FROM devapp.set_leak_policy(action => NULL);
DELETE FROM devapp.leak_policy;
\set VERBOSITY sqlstate
INSERT INTO devapp.leak_policy (only_row, action) VALUES (false, 'notify');
\set VERBOSITY default

-- an old secret in its overlap: it ends, and the new one works on
SELECT secret AS old, credential_id FROM devapp.issue_credential(app => 'leak@example.com/leak-app') \gset
SELECT secret AS new FROM devapp.rotate_credential(credential => :'credential_id', overlap => '1 day') \gset
SELECT outcome FROM devapp.report_leak(key => :'old', url => 'https://example.com/old');
SELECT pg_temp.code(:'old') AS old, pg_temp.code(:'new') AS new;
SELECT e.action, e.note FROM devapp.audit_event e WHERE e.entity = 'credential_secret' AND e.app_id = :'app_id' ORDER BY event_id DESC LIMIT 1;
\set VERBOSITY sqlstate
SELECT FROM devapp.cancel_rotation(credential => :'credential_id');
\set VERBOSITY default
-- the new one, too: that is the end of the credential
SELECT outcome FROM devapp.report_leak(key => :'new');
SELECT pg_temp.code(:'new') AS new, (SELECT status FROM devapp.credential WHERE credential_id = :'credential_id');

-- what does not work any more is ours, and nobody is told
SELECT secret AS superseded, credential_id FROM devapp.issue_credential(app => 'leak@example.com/leak-app') \gset
SELECT secret AS current FROM devapp.rotate_credential(credential => :'credential_id', overlap => '0') \gset
SELECT label, outcome FROM devapp.report_leak(key => :'superseded');
SELECT label, outcome, pg_temp.code(:'current') FROM devapp.report_leak(key => :'superseded');
SELECT count(*) AS told FROM devapp.notification WHERE event = 'key_leaked' AND credential_id = :'credential_id';
SELECT secret AS expired FROM devapp.issue_credential(app => 'leak@example.com/leak-app', expires_in => '0.01 seconds') \gset
SELECT secret AS deleted, credential_id FROM devapp.issue_credential(app => 'leak@example.com/leak-app') \gset
SELECT FROM devapp.delete_credential(credential => :'credential_id');
SELECT pg_sleep(0.02);
SELECT outcome FROM devapp.report_leaks(reports => jsonb_build_array(jsonb_build_object('token', :'expired'), jsonb_build_object('token', :'deleted')));
-- what can come back is revoked for ever: a credential that was revoked, and one of an app that is suspended
SELECT secret AS revoked, credential_id FROM devapp.issue_credential(app => 'leak@example.com/leak-app') \gset
SELECT FROM devapp.revoke_credential(credential => :'credential_id');
SELECT outcome FROM devapp.report_leak(key => :'revoked');
SELECT FROM devapp.approve_credential(credential => :'credential_id');
SELECT FROM devapp.suspend_app(app => 'leak@example.com/leak-app');
SELECT outcome FROM devapp.report_leak(key => :'current');
SELECT FROM devapp.resume_app(app => 'leak@example.com/leak-app');
SELECT pg_temp.code(:'current');

-- an OAuth client's secret, and keys that were imported; of a slow hash nothing is known
SELECT secret, consumer_key FROM devapp.issue_credential(app => 'leak@example.com/leak-app', kind => 'oauth_client') \gset
SELECT outcome FROM devapp.report_leak(key => :'secret');
SELECT code FROM devapp.verify_client(client_id => :'consumer_key', client_secret => :'secret');
SELECT FROM devapp.import_credential(app => 'leak@example.com/leak-app', consumer_key => 'foreign/key with blanks and 100% of a URL''s characters');
SELECT FROM devapp.import_credential(app => 'leak@example.com/leak-app', consumer_key => 'leak-a', consumer_secret => 'a secret that two clients have in common');
SELECT FROM devapp.import_credential(app => 'leak@example.com/leak-app', consumer_key => 'leak-b', consumer_secret => 'a secret that two clients have in common');
SELECT FROM devapp.import_credential(app => 'leak@example.com/leak-app', consumer_key => 'leak-512', secret_hash => '4l/m3GwGqwzMvvDwdUUE7aPGO56sEpFJcpsV299wIgE=', scheme => 'sha512_256');
SELECT FROM devapp.import_credential(app => 'leak@example.com/leak-app', consumer_key => 'leak-slow', secret_hash => '$1$saltsalt$8Vm.2xxXPWiXMc3Fvay73.', scheme => 'crypt');
SELECT outcome FROM devapp.report_leak(key => 'a secret that two clients have in common', source => 'a secret that two clients have in common was here', url => 'https://example.com/?s=a%20secret%20that%20two%20clients%20have%20in%20common');
SELECT outcome FROM devapp.report_leak(key => 'sha512-256 secret');
SELECT label, outcome FROM devapp.report_leak(key => 'md5 secret');
SELECT c.consumer_key, c.status, l.source, l.url FROM devapp.credential c LEFT JOIN devapp.leak l USING (credential_id) WHERE c.consumer_key LIKE 'leak-%' ORDER BY consumer_key COLLATE "C";

-- a batch: each report has its own outcome, in its order
SELECT secret AS s1 FROM devapp.issue_credential(app => 'leak@example.com/leak-app') \gset
SELECT secret AS s2 FROM devapp.issue_credential(app => 'leak@example.com/leak-app') \gset
SELECT label, outcome, token_type, token_hash = encode(sha256(convert_to(t.token, 'UTF8')), 'hex') AS same_hash, detail
  FROM ROWS FROM (devapp.report_leaks(reports => jsonb_build_array(
        jsonb_build_object('token', :'s2', 'type', 'devapp_key', 'url', 'https://example.com/?key=' || :'s2', 'source', 'content'), jsonb_build_object('token', 'nonsense'), jsonb_build_object('token', 7), '{}', '[]', 'null',
        jsonb_build_object('token', :'s1', 'type', 7, 'url', '{}', 'source', NULL), jsonb_build_object('token', :'s2'), jsonb_build_object('token', ''))),
     unnest(ARRAY[:'s2', 'nonsense', '', '', '', '', :'s1', :'s2', ''])) AS t(label, outcome, token_type, token_hash, detail, token);
-- no part of a key is stored with the place, whatever is there
SELECT secret AS s3 FROM devapp.issue_credential(app => 'leak@example.com/leak-app') \gset
SELECT outcome FROM devapp.report_leak(key => :'s3', source => E'\u0007\u0085\u200bcontent\n' || repeat('x', 200), url => 'https://example.com/' || repeat('x', 1970) || :'s3' || upper(:'copied'));
SELECT replace(l.source, U&'\200b', '<200b>') AS source, length(l.source) AS source_length, right(l.url, 20) AS url, length(l.url) AS url_length
  FROM devapp.leak l WHERE l.secret_id = ANY (devapp_internal.secrets_of_text(:'s3'));
SELECT url FROM devapp.leak WHERE url LIKE '%?key=%';
SELECT (SELECT count(*) FROM devapp.leak l WHERE strpos(l::text, right(:'s3', 20)) > 0) AS leaks, (SELECT count(*) FROM devapp.audit_event e WHERE strpos(e::text, right(:'s3', 20)) > 0) AS events,
       (SELECT count(*) FROM devapp.notification n WHERE strpos(n::text, right(:'s3', 20)) > 0) AS notifications;
-- bad ones
SELECT FROM devapp.report_leaks(reports => NULL);
SELECT FROM devapp.report_leaks(reports => jsonb_build_object('token', :'s1'));
SELECT FROM devapp.report_leaks(reports => (SELECT jsonb_agg(n) FROM generate_series(1, 1001) AS n));
SELECT count(*) FROM devapp.report_leaks(reports => (SELECT jsonb_agg(n) FROM generate_series(1, 1000) AS n));
SELECT FROM devapp.report_leaks(reports => '[]');
-- a line that fails is answered, and the others are done
CREATE FUNCTION pg_temp.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no luck'; END $$;
CREATE TRIGGER fail BEFORE INSERT ON devapp.leak FOR EACH ROW WHEN (NEW.source = 'fail') EXECUTE FUNCTION pg_temp.fail();
SELECT secret AS s4 FROM devapp.issue_credential(app => 'leak@example.com/leak-app') \gset
SELECT secret AS s5 FROM devapp.issue_credential(app => 'leak@example.com/leak-app') \gset
SELECT label, outcome, length(token_hash), detail FROM devapp.report_leaks(reports => jsonb_build_array(jsonb_build_object('token', :'s4', 'source', 'fail'), jsonb_build_object('token', :'s5', 'source', 'content')));
SELECT pg_temp.code(:'s4') AS s4, pg_temp.code(:'s5') AS s5;
DROP TRIGGER fail ON devapp.leak;
-- rows stay
UPDATE devapp.leak SET secret_id = credential_id;
DELETE FROM devapp.leak;
TRUNCATE devapp.leak;

-- the drill: a key leaks, is reported, and is replaced, and no call of its app fails
SELECT clock_timestamp() AS started \gset
SELECT action FROM devapp.set_leak_policy(action => 'notify');
SELECT secret AS leaked, consumer_key AS leaked_key FROM devapp.issue_credential(app => 'leak@example.com/leak-app', label => 'drill') \gset
SELECT outcome, pg_temp.code(:'leaked') FROM devapp.report_leak(key => :'leaked', url => 'https://example.com/drill');
SELECT secret AS fresh FROM devapp.issue_credential(app => 'leak@example.com/leak-app', replaces => :'leaked_key', overlap => '1 hour', note => 'leaked') \gset
SELECT pg_temp.code(:'leaked') AS leaked, pg_temp.code(:'fresh') AS fresh;
SELECT product FROM devapp.verify_key(key => :'fresh');
SELECT FROM devapp.revoke_credential(credential => :'leaked_key', note => 'replaced', compromised => true);
SELECT pg_temp.code(:'leaked') AS leaked, pg_temp.code(:'fresh') AS fresh;
SELECT event FROM devapp.notification WHERE credential_id = (SELECT credential_id FROM devapp.credential WHERE consumer_key = :'leaked_key') ORDER BY notification_id;
-- where it was revoked at once, the new one keeps the approvals, too
SELECT action FROM devapp.set_leak_policy(action => 'revoke');
SELECT secret AS leaked, consumer_key AS leaked_key FROM devapp.issue_credential(app => 'leak@example.com/leak-app', label => 'drill') \gset
SELECT outcome, pg_temp.code(:'leaked') FROM devapp.report_leak(key => :'leaked', url => 'https://example.com/drill');
SELECT secret AS fresh FROM devapp.issue_credential(app => 'leak@example.com/leak-app', replaces => :'leaked_key', note => 'leaked') \gset
SELECT code, product FROM devapp.verify_key(key => :'fresh');
-- this takes milliseconds; a machine that is busy may take longer
SELECT clock_timestamp() - :'started'::timestamptz < '30 seconds' AS in_time;

-- a scanner may report, and is told nothing else
SELECT secret AS s6, consumer_key AS key6 FROM devapp.issue_credential(app => 'leak@example.com/leak-app') \gset
BEGIN;
SELECT devapp.setup_roles();
CREATE ROLE regress_scanner IN ROLE devapp_scanner;
SET LOCAL ROLE regress_scanner;
SELECT devapp.key_pattern() LIKE 'dvk\_%' AS pattern;
SELECT label, outcome FROM devapp.report_leak(key => :'s6');
-- what it guesses of keys that were imported is bounded, and a rollback gives nothing back; a key of ours is no guess
SAVEPOINT s;
SELECT outcome, label, count(*) FROM generate_series(1, 150) AS n, devapp.report_leak(key => 'guess ' || n) GROUP BY outcome, label ORDER BY outcome;
ROLLBACK TO s;
SELECT outcome, label, detail ~ '^Report it again in \d+ seconds.$' AS detail FROM devapp.report_leak(key => 'foreign/key with blanks and 100% of a URL''s characters');
SELECT outcome FROM devapp.report_leaks(reports => jsonb_build_array(jsonb_build_object('token', 'guess'), jsonb_build_object('token', :'s6'), jsonb_build_object('token', overlay(:'s6' PLACING '#' FROM 60 FOR 1))));
SELECT FROM devapp.verify_key(key => :'s6');
ROLLBACK;
-- a developer, too; administrators guess as much as they like
BEGIN;
SELECT devapp.setup_roles();
SET LOCAL ROLE devapp_developer;
SELECT label, outcome FROM devapp.report_leak(key => :'s6', url => 'https://example.com/mine');
SELECT set_config('request.jwt.claims', '{"email": "leak@example.com", "email_verified": true}', true) IS NOT NULL AS acts;
SELECT count(*) > 0 AS leaks, bool_and(action IN ('revoked', 'notified', 'none')) AS known FROM devapp.leak;
SET LOCAL ROLE devapp_admin;
SELECT outcome, count(*) FROM generate_series(1, 150) AS n, devapp.report_leak(key => 'guess ' || n) GROUP BY outcome;
ROLLBACK;
-- that was rolled back
SELECT pg_temp.code(:'s6');
SELECT outcome FROM devapp.report_leak(key => 'foreign/key with blanks and 100% of a URL''s characters');
