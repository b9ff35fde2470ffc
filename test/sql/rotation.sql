-- Rotating a secret: the new one works, the old one for a while.
\set SHOW_CONTEXT never

SELECT FROM devapp.create_developer('rotation@example.com');
SELECT FROM devapp.create_product('rotation');
SELECT * FROM devapp.create_app('rotation', developer => 'rotation@example.com', products => '{rotation}') \gset a_

SELECT * FROM devapp.rotate_credential(:'a_credential_id', '2 days') \gset b_
SELECT :'b_consumer_key' = :'a_consumer_key' AS same_key, :'b_secret' <> :'a_secret' AS new_secret, :'b_secret_version' AS version, :'b_products' AS products,
       (SELECT superseded_at + interval '2 days' FROM devapp.credential_secret WHERE credential_id = :'a_credential_id' AND version = 1) = :'b_previous_valid_until' AS overlap;
-- both work; the old one says until when
SELECT code, superseded_until = :'b_previous_valid_until' AS until FROM devapp.verify_key(:'a_secret');
SELECT code, superseded_until FROM devapp.verify_key(:'b_secret');
SELECT version, superseded_at IS NOT NULL AS superseded, valid_until IS NOT NULL AS ends FROM devapp.credential_secret WHERE credential_id = :'a_credential_id' ORDER BY version;

-- not twice at once
\set VERBOSITY sqlstate
SELECT FROM devapp.rotate_credential(:'a_credential_id');
\set VERBOSITY default

-- complete: the old one ends now
SELECT FROM devapp.complete_rotation(:'a_credential_id');
SELECT code, superseded_until <= now() AS over FROM devapp.verify_key(:'a_secret');
SELECT code FROM devapp.verify_key(:'b_secret');
\set VERBOSITY sqlstate
SELECT FROM devapp.complete_rotation(:'a_credential_id');
SELECT FROM devapp.cancel_rotation(:'a_credential_id');
\set VERBOSITY default

-- cancel: the new one ends now, the old one is as before
SELECT * FROM devapp.rotate_credential(:'a_credential_id') \gset c_
SELECT superseded_at + interval '7 days' = :'c_previous_valid_until' AS default_overlap FROM devapp.credential_secret WHERE credential_id = :'a_credential_id' AND version = 2;
SELECT code FROM devapp.verify_key(:'c_secret');
SELECT FROM devapp.cancel_rotation(:'a_credential_id');
SELECT code FROM devapp.verify_key(:'a_secret');
SELECT code, superseded_until FROM devapp.verify_key(:'b_secret');
SELECT code FROM devapp.verify_key(:'c_secret');
-- the next one has the next version
SELECT secret_version FROM devapp.rotate_credential(:'a_credential_id');
SELECT FROM devapp.complete_rotation(:'a_credential_id');
SELECT code FROM devapp.verify_key(:'b_secret');

-- in one transaction: own changes count at once
BEGIN;
SELECT secret AS d_secret FROM devapp.rotate_credential(:'a_credential_id') \gset
SELECT code FROM devapp.verify_key(:'d_secret');
ROLLBACK;
SELECT code FROM devapp.verify_key(:'d_secret');

-- the old one never outlives the credential
SELECT * FROM devapp.create_app('short', developer => 'rotation@example.com', products => '{rotation}', expires_in => '1 hour') \gset s_
SELECT previous_valid_until = :'s_expires_at' AS at_expiry FROM devapp.rotate_credential(:'s_credential_id', '30 days');

-- an overlap that is over is no rotation in progress
SELECT * FROM devapp.create_app('brief', developer => 'rotation@example.com', products => '{rotation}') \gset t_
SELECT FROM devapp.rotate_credential(:'t_credential_id', '1 microsecond');
SELECT code FROM devapp.verify_key(:'t_secret');
SELECT secret_version FROM devapp.rotate_credential(:'t_credential_id', '1 day');

-- bad input and states
SELECT devapp.rotate_credential(:'a_credential_id', '300000 years');
SELECT devapp.rotate_credential(:'a_credential_id', '-1 day');
SELECT devapp.rotate_credential(:'a_credential_id', NULL);
SELECT devapp.rotate_credential(NULL);
SELECT devapp.rotate_credential('00000000-0000-0000-0000-000000000000');
SELECT * FROM devapp.create_app('gone', developer => 'rotation@example.com', products => '{rotation}', expires_in => '1 microsecond') \gset e_
\set VERBOSITY sqlstate
SELECT devapp.rotate_credential(:'e_credential_id');
SELECT FROM devapp.revoke_credential(:'a_credential_id');
SELECT devapp.rotate_credential(:'a_credential_id');
SELECT FROM devapp.approve_credential(:'a_credential_id');
SELECT FROM devapp.delete_app(:'a_app_id');
SELECT devapp.rotate_credential(:'a_credential_id');
SELECT devapp.approve_credential(:'a_credential_id');
SELECT devapp.complete_rotation(:'a_credential_id');
\set VERBOSITY default

-- a direct UPDATE gives no secret time that is over, and a superseded one no more than it has
SELECT * FROM devapp.create_app('revived', developer => 'rotation@example.com', products => '{rotation}') \gset v_
SELECT FROM devapp.rotate_credential(:'v_credential_id', '1 day');
UPDATE devapp.credential_secret SET valid_until = valid_until + interval '1 second' WHERE credential_id = :'v_credential_id' AND version = 1;
UPDATE devapp.credential_secret SET valid_until = NULL WHERE credential_id = :'v_credential_id' AND version = 1;
UPDATE devapp.credential_secret SET superseded_at = now() + interval '1 day' WHERE credential_id = :'v_credential_id' AND version = 1;
-- sooner is possible
UPDATE devapp.credential_secret SET valid_until = valid_until - interval '1 hour' WHERE credential_id = :'v_credential_id' AND version = 1;
SELECT FROM devapp.complete_rotation(:'v_credential_id');
UPDATE devapp.credential_secret SET valid_until = now() + interval '1 hour' WHERE credential_id = :'v_credential_id' AND version = 1;
UPDATE devapp.credential_secret SET valid_until = 'infinity' WHERE credential_id = :'v_credential_id' AND version = 1;
UPDATE devapp.credential_secret SET ended_at = NULL WHERE credential_id = :'v_credential_id' AND version = 1;
UPDATE devapp.credential_secret SET superseded_at = now(), valid_until = now() WHERE credential_id = :'v_credential_id' AND version = 2;
UPDATE devapp.credential_secret SET superseded_at = NULL, valid_until = NULL WHERE credential_id = :'v_credential_id' AND version = 1;
SELECT code FROM devapp.verify_key(:'v_secret');

-- a client secret rotates the same way
SELECT * FROM devapp.create_app('client', developer => 'rotation@example.com', products => '{rotation}', kind => 'oauth_client') \gset k_
SELECT secret AS l_secret FROM devapp.rotate_credential(:'k_credential_id') \gset
SELECT o.code AS old, o.superseded_until IS NOT NULL AS until, n.code AS new FROM devapp.verify_client(:'k_consumer_key', :'k_secret') AS o, devapp.verify_client(:'k_consumer_key', :'l_secret') AS n;
