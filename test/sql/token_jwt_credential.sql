-- Credentials of kind jwt: the secret is a signed token.
\set SHOW_CONTEXT never
-- where every day has 24 hours
SET timezone = 'UTC';

SELECT FROM devapp.create_app('token-jwt', 'tokens@example.com', '{token_orders}', kind => 'jwt');
SELECT FROM devapp.create_app('token-jwt', 'tokens@example.com', '{token_orders}', kind => 'JWT', expires_in => '-1');
SELECT * FROM devapp.create_app('token-jwt', 'tokens@example.com', '{token_orders}', kind => 'jwt', expires_in => '90 days') \gset a_
SELECT :'a_kind' AS kind, :'a_secret_version' AS version;
SELECT token_test.part(:'a_secret', 1) - 'kid' AS header;
SELECT c ->> 'client_id' = :'a_consumer_key' AS client_id, c ->> 'sub' = :'a_consumer_key' AS sub, c ->> 'iss' AS iss,
       to_timestamp((c ->> 'exp')::bigint) - :'a_expires_at' BETWEEN '0' AND '1 s' AS exp, c ? 'scope' AS scope
  FROM token_test.claims(:'a_secret') AS c;
SELECT version, purpose, kid = token_test.part(:'a_secret', 1) ->> 'kid' AS kid FROM devapp.credential_secret WHERE credential_id = :'a_credential_id';

-- both functions take it, with the scopes of the moment
SELECT code, product, scopes, expires_at = :'a_expires_at' AS expires FROM devapp.verify_key(:'a_secret', '/v1/orders/7', 'GET');
SELECT code, product, scopes, expires_at = :'a_expires_at' AS expires FROM devapp.verify_token(:'a_secret', '/v1/orders/7', 'GET');
SELECT devapp.allows(:'a_secret', '/v1/orders/7', 'GET');
SELECT FROM devapp.add_credential_product(:'a_consumer_key', 'token_stock');
SELECT code, product, scopes FROM devapp.verify_token(:'a_secret', '/v1/stock', 'GET');

-- the issuer's name may change
SET devapp.issuer = 'https://tokens.example.com';
SELECT code FROM devapp.verify_token(:'a_secret', '/v1/orders/7', 'GET');
RESET devapp.issuer;

-- rotation as for any other
SELECT * FROM devapp.rotate_credential(:'a_consumer_key', '1 day') \gset b_
SELECT code, superseded_until = :'b_previous_valid_until' AS until FROM devapp.verify_token(:'a_secret', '/v1/orders/7', 'GET');
SELECT code, superseded_until FROM devapp.verify_token(:'b_secret', '/v1/orders/7', 'GET');
SELECT (token_test.claims(:'a_secret') ->> 'exp')::bigint = (token_test.claims(:'b_secret') ->> 'exp')::bigint AS same_end;
SELECT FROM devapp.complete_rotation(:'a_consumer_key');
SELECT code FROM devapp.verify_token(:'a_secret', '/v1/orders/7', 'GET');
SELECT code FROM devapp.verify_key(:'b_secret', '/v1/orders/7', 'GET');

-- it is no client
SELECT FROM devapp.issue_token(:'a_consumer_key');
SELECT code FROM devapp.verify_client(:'a_consumer_key', :'b_secret');

-- replaced by one of the same kind, which must say its end too
SELECT FROM devapp.issue_credential('tokens@example.com/token-jwt', replaces => :'a_consumer_key');
SELECT kind, expires_at - now() AS lifetime FROM devapp.issue_credential('tokens@example.com/token-jwt', replaces => :'a_consumer_key', expires_in => '30 days');
SELECT FROM devapp.revoke_credential(:'a_consumer_key');
SELECT code FROM devapp.verify_token(:'b_secret', '/v1/orders/7', 'GET');

-- it is introspected and revoked as any token
SELECT secret FROM devapp.issue_credential('tokens@example.com/token-jwt', kind => 'jwt', expires_in => '1 day', products => '{token_orders}') \gset
SELECT devapp.introspect(:'secret') ->> 'scope' AS scope;
SELECT devapp.revoke_token(:'secret');
SELECT code FROM devapp.verify_key(:'secret', '/v1/orders/7', 'GET');
SELECT devapp.introspect(:'secret');

-- the key that signs it is published for as long
SELECT bool_or(k.longest_lifetime >= '90 days') AS published FROM devapp.signing_key k WHERE k.status = 'active';

-- one that a direct INSERT made without an end gets no secret
INSERT INTO devapp.credential (app_id, kind, consumer_key) SELECT app_id, 'jwt', 'dvk_live_000000000000' FROM devapp.credential WHERE credential_id = :'a_credential_id';
SELECT FROM devapp.rotate_credential('dvk_live_000000000000');
SELECT missing, wrong FROM devapp_internal.check_packed_rows();
