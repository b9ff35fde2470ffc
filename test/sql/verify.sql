-- Every code of a verdict, with its HTTP status and fault.
\set SHOW_CONTEXT never

SELECT FROM devapp.create_developer('verify@example.com');
SELECT FROM devapp.create_team('verify-team');
SELECT FROM devapp.create_product('verify', scopes => '{read,write}');
SELECT FROM devapp.create_product('verify-other', scopes => '{other}');
CREATE FUNCTION pg_temp.verdict(key text) RETURNS text LANGUAGE sql AS
$$ SELECT concat_ws(' | ', v.allowed::text, v.code::text, v.http_status::text, v.fault, v.owner, v.app_name, v.product) FROM devapp.verify_key(key, '/x', 'GET') AS v $$;

-- the whole answer
SELECT * FROM devapp.create_app('valid', developer => 'verify@example.com', products => '{verify}', scopes => '{read}', expires_in => '1 hour') \gset
SELECT allowed, code, fault, http_status, app_id = :'app_id' AS app_id, app_name, owner, credential_id = :'credential_id' AS credential_id,
       consumer_key = :'consumer_key' AS consumer_key, product, environment, scopes, expires_at = :'expires_at' AS expires_at,
       superseded_until, quota_limit, quota_remaining, quota_reset_at, retry_after
  FROM devapp.verify_key(:'secret', resource => '/x', method => 'GET', environment => 'prod', proxy => 'p', cost => 1);
-- the row is stored as PostgreSQL would store it
SELECT bool_and(v *= ROW ((v).*)::devapp.verdict) AS same, count(*) FROM (
    SELECT devapp.verify_key(k, '/x', 'GET', e) AS v FROM unnest(ARRAY[:'secret', 'nonsense', NULL]) AS k, unnest(ARRAY[NULL, 'prod', repeat('x', 500)]) AS e) AS verdicts;
-- the same by digest, and as a boolean
SELECT code, app_name FROM devapp.verify_digest(sha256(:'secret'::bytea), '/x');
SELECT devapp.allows(:'secret', '/x'), devapp.allows('nonsense', '/x'), devapp.allows(NULL);
SELECT count(*) FROM generate_series(1, 3) WHERE devapp.allows(:'secret', '/x');

-- who is not known is told nothing
SELECT * FROM devapp.verify_key('nonsense');
SELECT * FROM devapp.verify_key('dvk_live_0123456789AB_0123456789ABCDEFGHIJKLMNOPQRSTUV4bBjFD');

-- every status of the credential, the app, the owner, the association
SELECT pg_temp.verdict(:'secret');
SELECT FROM devapp.revoke_credential(:'credential_id');
SELECT pg_temp.verdict(:'secret');
SELECT FROM devapp.approve_credential(:'credential_id');
SELECT pg_temp.verdict(:'secret');
SELECT FROM devapp.suspend_app(:'app_id');
SELECT pg_temp.verdict(:'secret');
SELECT FROM devapp.resume_app(:'app_id');
SELECT FROM devapp.revoke_app(:'app_id');
SELECT pg_temp.verdict(:'secret');
SELECT FROM devapp.approve_app(:'app_id');
SELECT FROM devapp.set_developer_status('verify@example.com', 'deactivate');
SELECT pg_temp.verdict(:'secret');
SELECT FROM devapp.set_developer_status('verify@example.com', 'activate');
SELECT FROM devapp.set_credential_product_status(:'credential_id', 'verify', 'revoke');
SELECT pg_temp.verdict(:'secret');
SELECT FROM devapp.remove_credential_product(:'credential_id', 'verify');
SELECT pg_temp.verdict(:'secret');
SELECT FROM devapp.add_credential_product(:'credential_id', 'verify');
SELECT pg_temp.verdict(:'secret');
SELECT FROM devapp.set_app_approval('manual');
SELECT FROM devapp.update_product('verify', approval => 'manual');
SELECT * FROM devapp.create_app('pending', team => 'verify-team', products => '{verify}') \gset p_
SELECT FROM devapp.set_app_approval('conditional');
SELECT pg_temp.verdict(:'p_secret');
SELECT FROM devapp.reject_app(:'p_app_id');
SELECT pg_temp.verdict(:'p_secret');
SELECT FROM devapp.resubmit_app(:'p_app_id');
SELECT FROM devapp.approve_app(:'p_app_id');
SELECT pg_temp.verdict(:'p_secret');
SELECT FROM devapp.set_team_status('verify-team', 'deactivate');
SELECT pg_temp.verdict(:'p_secret');
SELECT FROM devapp.set_team_status('verify-team', 'activate');
SELECT secret AS q_secret FROM devapp.issue_credential(:'p_app_id', products => '{verify}') \gset
SELECT pg_temp.verdict(:'q_secret');
-- deleted: the credential was revoked with it, which is checked first
SELECT FROM devapp.delete_app(:'p_app_id');
SELECT pg_temp.verdict(:'p_secret');
UPDATE devapp.credential SET status = 'approved' WHERE credential_id = :'p_credential_id';
SELECT pg_temp.verdict(:'p_secret');

-- expired; a status that is wrong as well does not hide it
SELECT * FROM devapp.create_app('expiring', developer => 'verify@example.com', products => '{verify-other}', expires_in => '1 microsecond') \gset e_
SELECT pg_temp.verdict(:'e_secret');
SELECT FROM devapp.revoke_credential(:'e_credential_id');
SELECT FROM devapp.revoke_app(:'e_app_id');
SELECT pg_temp.verdict(:'e_secret');

-- scopes: those of the credential, else of the app, else of the product; never more than the product's
SELECT * FROM devapp.create_app('scopes', developer => 'verify@example.com', products => '{verify-other}') \gset s_
SELECT scopes FROM devapp.verify_key(:'s_secret');
SELECT FROM devapp.add_credential_product(:'s_credential_id', 'verify');
SELECT FROM devapp.update_app(:'s_app_id', scopes => '{other,read}');
SELECT scopes FROM devapp.verify_key(:'s_secret');
SELECT secret AS t_secret FROM devapp.issue_credential(:'s_app_id', scopes => '{read}') \gset
SELECT product, scopes FROM devapp.verify_key(:'t_secret');

-- a client and its secret
SELECT * FROM devapp.create_app('client', developer => 'verify@example.com', products => '{verify-other}', kind => 'oauth_client') \gset c_
SELECT code, app_name FROM devapp.verify_client(:'c_consumer_key', :'c_secret', '/x');
SELECT :'c_kind' AS kind, purpose FROM devapp.credential_secret WHERE credential_id = :'c_credential_id';
-- in the wrong place it is not found, whatever else is wrong
SELECT code FROM devapp.verify_key(:'c_secret');
SELECT code FROM devapp.verify_digest(sha256(:'c_secret'::bytea));
SELECT code FROM devapp.verify_client(:'consumer_key', :'secret');
SELECT code FROM devapp.verify_client(:'consumer_key', :'c_secret');
SELECT code FROM devapp.verify_client('x', :'c_secret');
SELECT code FROM devapp.verify_client(NULL, :'c_secret');
SELECT code FROM devapp.verify_client(:'c_consumer_key', NULL);
SELECT code FROM devapp.verify_client(:'c_secret', :'c_secret');

-- a credential with an environment works in that one only
SELECT FROM devapp.create_product('verify-env', environments => '{prod,test}');
SELECT * FROM devapp.create_app('env', developer => 'verify@example.com', products => '{verify-env}', environment => 'test') \gset n_
SELECT e, code, environment FROM unnest('{test,prod,dev,NULL}'::text[]) AS e, devapp.verify_key(:'n_secret', environment => e);
SELECT secret AS m_secret FROM devapp.issue_credential(:'n_app_id') \gset
SELECT e, code, environment FROM unnest('{test,prod,dev,NULL}'::text[]) AS e, devapp.verify_key(:'m_secret', environment => e);

-- Tables that are not those of the library, as between an update of one and of the other: an
-- error says so, and when they are there again, all is as before.
BEGIN;
ALTER TABLE devapp.developer RENAME COLUMN email TO mail;
SELECT code FROM devapp.verify_key(:'m_secret');
ROLLBACK;
SELECT code FROM devapp.verify_key(:'m_secret');
BEGIN;
ALTER TABLE devapp.quota_usage RENAME TO quota_used;
SELECT code FROM devapp.verify_key(:'m_secret');
ROLLBACK;
BEGIN;
ALTER INDEX devapp.app_pkey RENAME TO app_by_id;
SELECT code FROM devapp.verify_key(:'m_secret');
ROLLBACK;
BEGIN;
DO $$
BEGIN
    FOR i IN 0 .. 255 LOOP
        EXECUTE format('ALTER TYPE devapp_cache.%I RENAME TO %I', 'proxy_' || lpad(to_hex(i), 2, '0'), 'other_' || i);
    END LOOP;
END
$$;
\set VERBOSITY sqlstate
UPDATE devapp.app SET description = 'x' WHERE app_id = :'n_app_id';
\set VERBOSITY default
ROLLBACK;
BEGIN;
ALTER SCHEMA devapp_cache RENAME TO devapp_caches;
UPDATE devapp.app SET description = 'x' WHERE app_id = :'n_app_id';
ROLLBACK;
SELECT code FROM devapp.verify_key(:'m_secret');
