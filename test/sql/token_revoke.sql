-- Revoking tokens (RFC 7009).
\set SHOW_CONTEXT never

SELECT * FROM devapp.create_app('token-revoke', 'tokens@example.com', '{token_orders}', kind => 'oauth_client') \gset c_
SELECT * FROM devapp.create_app('token-other', 'tokens@example.com', '{token_orders}', kind => 'oauth_client') \gset o_
SELECT token AS one, jti AS jti_one FROM devapp.issue_token(:'c_consumer_key') \gset
SELECT token AS two, jti AS jti_two FROM devapp.issue_token(:'c_consumer_key') \gset
SELECT token AS three FROM devapp.issue_token(:'c_consumer_key') \gset
SELECT code FROM devapp.verify_token(:'one', '/v1/orders/7', 'GET');
SELECT code FROM devapp.verify_token(:'two', '/v1/orders/7', 'GET');

-- an administrator: by the token, by its jti; the other one works on
SELECT devapp.revoke_token(:'one', note => 'lost');
SELECT code, http_status, fault, app_name FROM devapp.verify_token(:'one', '/v1/orders/7', 'GET');
SELECT code FROM devapp.verify_token(:'two', '/v1/orders/7', 'GET');
SELECT devapp.revoke_token(jti => :'jti_two');
SELECT code FROM devapp.verify_token(:'two', '/v1/orders/7', 'GET');
SELECT code FROM devapp.verify_token(:'two', '/v1/orders/7', 'GET');
SELECT jti = :'jti_one' AS one, credential_id = :'c_credential_id' AS credential, expires_at - now() > '59 min' AS stays, revoked_by = current_user AS by_me, note
  FROM devapp.revoked_token WHERE jti IN (:'jti_one', :'jti_two') ORDER BY revoked_at, jti = :'jti_one' DESC;
SELECT what = 'token ' || :'jti_one' || ' revoked' AS what, note, consumer_key = :'c_consumer_key' AS of_client FROM devapp.app_history('tokens@example.com/token-revoke') WHERE what LIKE 'token %' ORDER BY event_id LIMIT 1;
-- of another issuer's token nobody knows when it ends
SELECT devapp.revoke_token(jti => 'https://login.example.com/ 8f0c');
SELECT expires_at - now() > '360 days' AS for_a_year FROM devapp.revoked_token WHERE jti = 'https://login.example.com/ 8f0c';
-- one that was issued after the transaction began that revokes it
BEGIN;
SELECT FROM pg_sleep(0.2);
SELECT devapp.revoke_token(jti => 'issued_just_now');
SELECT r.expires_at - now() > (SELECT greatest(max(k.longest_lifetime), '1 hour') FROM devapp.signing_key k) + interval '30.2 s' AS outlives_it FROM devapp.revoked_token r WHERE r.jti = 'issued_just_now';
ROLLBACK;
-- twice is once, and what is no token is nothing
SELECT devapp.revoke_token(:'one');
SELECT devapp.revoke_token('nonsense');
SELECT devapp.revoke_token(:'o_secret');
SELECT count(*) FROM devapp.revoked_token WHERE jti IN (:'jti_one', :'jti_two');
\set VERBOSITY sqlstate
SELECT devapp.revoke_token();
SELECT devapp.revoke_token(:'three', 'jti');
\set VERBOSITY default

-- a token that is given for a jti is not stored, shown or taken for revoked, and an administrator hears of a jti that is given for a token
SELECT devapp.revoke_token(jti => :'three');
SELECT devapp.revoke_token(:'jti_two');

-- a client: its own, and of others nothing happens and nothing is said (who else: t/049_tokens.pl)
SELECT devapp.revoke_token(:'three', client => :'o_consumer_key', client_secret => :'o_secret');
SELECT code FROM devapp.verify_token(:'three', '/v1/orders/7', 'GET');
SELECT devapp.revoke_token(:'three', client => :'c_consumer_key', client_secret => :'o_secret');
SELECT devapp.revoke_token(:'three', client => :'c_consumer_key', client_secret => :'c_secret');
SELECT code FROM devapp.verify_token(:'three', '/v1/orders/7', 'GET');

-- a revocation that is rolled back is none
SELECT token AS five FROM devapp.issue_token(:'c_consumer_key') \gset
BEGIN;
SELECT devapp.revoke_token(:'five');
SELECT code FROM devapp.verify_token(:'five', '/v1/orders/7', 'GET');
ROLLBACK;
SELECT code FROM devapp.verify_token(:'five', '/v1/orders/7', 'GET');

-- rows go when their tokens have expired
UPDATE devapp.revoked_token SET expires_at = now() - interval '1 s' WHERE jti = :'jti_one';
SELECT devapp_internal.forget_revoked_tokens_if_due();
UPDATE devapp.housekeeping SET done_at = now() - interval '2 hours' WHERE task = 'forget_revoked_tokens';
SELECT devapp_internal.forget_revoked_tokens_if_due();
SELECT count(*) FROM devapp.revoked_token WHERE jti IN (:'jti_one', :'jti_two');
SELECT action, count(*) FROM devapp.audit_event WHERE entity = 'revoked_token' AND position(:'jti_one' IN audit_event::text) > 0 GROUP BY action ORDER BY action;
