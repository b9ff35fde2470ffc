-- An emergency: a rotation without an overlap, of one credential and of many; and '-1' for never.
\set SHOW_CONTEXT never

SELECT FROM devapp.create_developer('now@example.com');
SELECT FROM devapp.create_product('now');
SELECT * FROM devapp.create_app('now', developer => 'now@example.com', products => '{now}') \gset a_

-- one call: the old secret ends, marked as ended by a person
SELECT * FROM devapp.rotate_credential(:'a_credential_id', overlap => '0', note => 'in a log file') \gset b_
SELECT :'b_previous_valid_until' <= clock_timestamp() AS over, (devapp.verify_key(:'a_secret')).code AS old, (devapp.verify_key(:'b_secret')).code AS new;
SELECT version, superseded_at IS NOT NULL AS superseded, ended_at = superseded_at AS ended FROM devapp.credential_secret WHERE credential_id = :'a_credential_id' ORDER BY version;
SELECT what, note FROM devapp.app_history(:'a_app_id') ORDER BY event_id DESC LIMIT 1;
-- nothing is in progress, so there is nothing to cancel
\set VERBOSITY sqlstate
SELECT FROM devapp.cancel_rotation(:'a_credential_id');
\set VERBOSITY default

-- a rotation in progress is no obstacle: both old secrets end
SELECT * FROM devapp.rotate_credential(:'a_credential_id', overlap => '1 day') \gset c_
\set VERBOSITY sqlstate
SELECT * FROM devapp.rotate_credential(:'a_credential_id', overlap => '1 day') \gset x_
\set VERBOSITY default
SELECT * FROM devapp.rotate_credential(:'a_credential_id', overlap => '0') \gset d_
SELECT (devapp.verify_key(:'b_secret')).code AS b, (devapp.verify_key(:'c_secret')).code AS c, (devapp.verify_key(:'d_secret')).code AS d;
-- an interval that comes to nothing is zero as well
SELECT * FROM devapp.rotate_credential(:'a_credential_id', overlap => '1 hour -60 minutes') \gset e_
SELECT (devapp.verify_key(:'d_secret')).code AS d, (devapp.verify_key(:'e_secret')).code AS e;

-- many at once: with an overlap the one that is being rotated fails, without one it does not
SELECT * FROM devapp.issue_credential(:'a_app_id') \gset f_
SELECT secret AS g_secret FROM devapp.rotate_credential(:'f_credential_id', overlap => '1 day') \gset
SELECT outcome, count(*) FROM devapp.bulk_rotate(overlap => '1 hour', filter => '{"owner": "now@example.com"}') GROUP BY outcome ORDER BY outcome;
SELECT outcome, count(*) FROM devapp.bulk_rotate(overlap => '0', filter => '{"owner": "now@example.com"}') GROUP BY outcome ORDER BY outcome;
-- the dry run has ended nothing
SELECT (devapp.verify_key(:'e_secret')).code AS e, (devapp.verify_key(:'f_secret')).code AS f, (devapp.verify_key(:'g_secret')).code AS g;
SELECT secret AS h_secret FROM devapp.bulk_rotate(overlap => '0', filter => '{"owner": "now@example.com"}', dry_run => false) WHERE credential_id = :'f_credential_id' \gset
SELECT (devapp.verify_key(:'e_secret')).code AS e, (devapp.verify_key(:'f_secret')).code AS f, (devapp.verify_key(:'g_secret')).code AS g, (devapp.verify_key(:'h_secret')).code AS h;

-- a client secret ends the same way
SELECT * FROM devapp.issue_credential(:'a_app_id', kind => 'oauth_client') \gset k_
SELECT secret AS l_secret FROM devapp.rotate_credential(:'k_credential_id', overlap => '0') \gset
SELECT (devapp.verify_client(:'k_consumer_key', :'k_secret')).code AS old, (devapp.verify_client(:'k_consumer_key', :'l_secret')).code AS new;

-- -1 is never, as in Apigee; nothing else that is negative is anything
SELECT expires_at FROM devapp.create_app('never', developer => 'now@example.com', expires_in => '-1');
SELECT expires_at FROM devapp.issue_credential(:'a_app_id', expires_in => '-1');
SELECT devapp.issue_credential(:'a_app_id', expires_in => '-2');
SELECT devapp.issue_credential(:'a_app_id', expires_in => '-1 minute');
SELECT devapp.issue_credential(:'a_app_id', expires_in => '0');

-- bad input: refused, and nothing changes
SELECT devapp.rotate_credential(:'a_credential_id', overlap => '-1 second');
SELECT devapp.rotate_credential(:'a_credential_id', overlap => 'P-1D');
SELECT devapp.rotate_credential(:'a_credential_id', overlap => NULL);
SELECT devapp.rotate_credential(:'a_credential_id', overlap => '300000 years');
SELECT devapp.rotate_credential(:'a_credential_id', overlap => '0', note => repeat('x', 4001));
SELECT FROM devapp.revoke_credential(:'k_credential_id');
\set VERBOSITY sqlstate
SELECT devapp.rotate_credential(:'k_credential_id', overlap => '0');
\set VERBOSITY default
SELECT max(version) FROM devapp.credential_secret WHERE credential_id = :'a_credential_id';

-- the old secret is looked for by the credential, however many secrets there are
BEGIN;
SET LOCAL track_functions = 'all';
SELECT version FROM (SELECT (devapp.rotate_credential(:'a_credential_id', overlap => '1 day')).secret_version) AS r(version);
SELECT coalesce(sum(calls), 0) <= 2 AS few FROM pg_stat_xact_user_functions WHERE funcname = 'overlapping_secret';
ROLLBACK;

-- the secrets of many credentials are made in one call, and each is its own credential's
SELECT * FROM devapp.create_app('mixed', developer => 'now@example.com', products => '{now}') \gset m_
SELECT FROM devapp.issue_credential(:'m_app_id', kind => 'oauth_client');
SELECT FROM devapp.issue_credential(:'m_app_id', expires_in => '1 day');
BEGIN;
SET LOCAL track_functions = 'all';
CREATE TEMP TABLE rotated ON COMMIT DROP AS
SELECT * FROM devapp.bulk_rotate(overlap => '7 days', filter => '{"owner": "now@example.com", "name": "mixed"}', note => 'spring', dry_run => false);
SELECT c.kind, r.outcome, r.consumer_key = c.consumer_key AS key, r.previous_valid_until = least(now() + interval '7 days', c.expires_at) AS until,
       CASE c.kind WHEN 'api_key' THEN (devapp.verify_key(r.secret)).code ELSE (devapp.verify_client(c.consumer_key, r.secret)).code END AS code
  FROM rotated r JOIN devapp.credential c ON c.credential_id = r.credential_id
 ORDER BY c.credential_id;
SELECT funcname, calls FROM pg_stat_xact_user_functions WHERE funcname = 'issue_secrets';
SELECT action, entity, count(*), count(DISTINCT entity_id) AS rows, min(note) AS note, bool_and(after ? 'digest') AS digest
  FROM devapp.audit_event WHERE transaction_id = pg_current_xact_id() GROUP BY action, entity ORDER BY action;
SELECT event, count(*), count(DISTINCT credential_id) AS credentials, bool_and((payload ->> 'previous_valid_until')::timestamptz = r.previous_valid_until) AS until
  FROM devapp.notification n JOIN rotated r USING (credential_id) WHERE n.transaction_id = pg_current_xact_id() GROUP BY event;
COMMIT;
