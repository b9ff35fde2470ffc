-- Verifying access tokens: verify_token, and what else takes one.
\set SHOW_CONTEXT never

SELECT * FROM devapp.create_app('token-verify', 'tokens@example.com', '{token_orders,token_stock}', kind => 'oauth_client') \gset c_
SELECT token AS all_scopes FROM devapp.issue_token(:'c_consumer_key', :'c_secret') \gset
SELECT token, jti FROM devapp.issue_token(:'c_consumer_key', :'c_secret', scopes => '{orders:read}', audience => 'orders') \gset

-- the verdict is that of a key, with the scopes that the token has; twice, because the second is remembered
SELECT allowed, code, app_name, owner, consumer_key = :'c_consumer_key' AS consumer_key, product, scopes, expires_at - now() BETWEEN '50 min' AND '1 hour' AS expires
  FROM devapp.verify_token(:'token', '/v1/orders/7', 'GET');
SELECT allowed, code, app_name, owner, consumer_key = :'c_consumer_key' AS consumer_key, product, scopes, expires_at - now() BETWEEN '50 min' AND '1 hour' AS expires
  FROM devapp.verify_token(:'token', '/v1/orders/7', 'GET');
SELECT code, product, scopes FROM devapp.verify_token(:'all_scopes', '/v1/orders/7', 'GET');
SELECT code, product, scopes FROM devapp.verify_token(:'all_scopes', '/v1/stock', 'GET');
SELECT code, product, scopes FROM devapp.verify_token(:'token', '/v1/stock', 'GET');
SELECT code FROM devapp.verify_token(:'token', '/v1/orders/7', 'GET', scope => 'orders:read');
SELECT code, http_status, fault FROM devapp.verify_token(:'token', '/v1/orders/7', 'GET', scope => 'orders:write');
SELECT code FROM devapp.verify_token(:'all_scopes', '/v1/orders/7', 'GET', scope => 'orders:write');
SELECT code FROM devapp.verify_token(:'token', '/v1/orders/7', 'DELETE');
SELECT code FROM devapp.verify_token(:'token', '/v1/nothing', 'GET');
-- for whom it is
SELECT code FROM devapp.verify_token(:'token', '/v1/orders/7', 'GET', audience => 'orders');
SELECT code, app_name FROM devapp.verify_token(:'token', '/v1/orders/7', 'GET', audience => 'order');
SELECT code FROM devapp.verify_token(:'all_scopes', '/v1/orders/7', 'GET', audience => 'urn:devapp:' || current_database());
-- by another issuer's name none is ours
SET devapp.issuer = 'https://tokens.example.com';
SELECT token AS named FROM devapp.issue_token(:'c_consumer_key', :'c_secret') \gset
SELECT code FROM devapp.verify_token(:'named');
RESET devapp.issuer;
SELECT FROM devapp.update_product('token_stock', description => 'forget what is remembered');
SELECT code FROM devapp.verify_token(:'named');

-- where a key may come, a token may come
SELECT code, product FROM devapp.verify_key(:'token', '/v1/orders/7', 'GET');
SELECT code, product FROM devapp.verify_key_bytes(:'token'::bytea, '/v1/orders/7', 'GET');
SELECT devapp.allows(:'token', '/v1/orders/7', 'GET'), devapp.allows(:'token', '/v1/orders/7', 'GET', scope => 'orders:write');
SELECT code, product FROM devapp.consume_quota(:'token', '/v1/orders/7', 'GET');
-- a key is no token
SELECT code FROM devapp.verify_token(:'c_secret', '/v1/orders/7', 'GET');

-- other algorithms
SELECT v.code, v.scopes FROM devapp.issue_token(:'c_consumer_key', :'c_secret', alg => 'ES256') AS t, devapp.verify_token(t.token, '/v1/orders/7', 'GET') AS v;
SELECT v.code, v.scopes FROM devapp.issue_token(:'c_consumer_key', :'c_secret', alg => 'RS256') AS t, devapp.verify_token(t.token, '/v1/orders/7', 'GET') AS v;

-- a bound token needs its proof
SELECT token AS bound FROM devapp.issue_token(:'c_consumer_key', :'c_secret', x5t => 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg0') \gset
SELECT code, http_status, fault, app_name FROM devapp.verify_token(:'bound', '/v1/orders/7', 'GET');
SELECT code FROM devapp.verify_token(:'bound', '/v1/orders/7', 'GET', x5t => 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg0');
SELECT code FROM devapp.verify_token(:'bound', '/v1/orders/7', 'GET', x5t => 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg4');
SELECT code FROM devapp.verify_token(:'bound', '/v1/orders/7', 'GET', x5t => 'nonsense');
SELECT code FROM devapp.verify_key(:'bound', '/v1/orders/7', 'GET');
SELECT v.code FROM devapp.issue_token(:'c_consumer_key', :'c_secret', jkt => '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I') AS t, devapp.verify_token(t.token, '/v1/orders/7', 'GET') AS v;

-- its time: half a minute more than it says
SELECT token AS short FROM devapp.issue_token(:'c_consumer_key', :'c_secret', lifetime => '1 s') \gset
SELECT pg_sleep(1.1);
SELECT code, expires_at < now() AS over FROM devapp.verify_token(:'short', '/v1/orders/7', 'GET');

-- what is behind it decides, from one call to the next
SELECT FROM devapp.suspend_app('tokens@example.com/token-verify');
SELECT code FROM devapp.verify_token(:'token', '/v1/orders/7', 'GET');
SELECT FROM devapp.resume_app('tokens@example.com/token-verify');
SELECT FROM devapp.set_developer_status('tokens@example.com', 'inactive');
SELECT code FROM devapp.verify_token(:'token', '/v1/orders/7', 'GET');
SELECT FROM devapp.set_developer_status('tokens@example.com', 'active');
SELECT FROM devapp.set_credential_product_status(:'c_consumer_key', 'token_orders', 'revoke');
SELECT code FROM devapp.verify_token(:'token', '/v1/orders/7', 'GET');
SELECT FROM devapp.set_credential_product_status(:'c_consumer_key', 'token_orders', 'approve');
-- a product that loses a scope takes it from tokens
SELECT FROM devapp.update_product('token_orders', scopes => '{orders:write}');
SELECT code, scopes FROM devapp.verify_token(:'token', '/v1/orders/7', 'GET');
SELECT FROM devapp.update_product('token_orders', scopes => '{orders:read,orders:write}');
-- rotating the client's secret leaves its tokens alone
SELECT FROM devapp.rotate_credential(:'c_consumer_key', '0');
SELECT code FROM devapp.verify_token(:'token', '/v1/orders/7', 'GET');
SELECT FROM devapp.revoke_credential(:'c_consumer_key');
SELECT code FROM devapp.verify_token(:'token', '/v1/orders/7', 'GET');
SELECT FROM devapp.approve_credential(:'c_consumer_key');
SELECT code FROM devapp.verify_token(:'token', '/v1/orders/7', 'GET');

-- the key that signed it
SELECT kid AS second FROM devapp.create_signing_key() \gset
SELECT FROM devapp.activate_signing_key(:'second');
SELECT code FROM devapp.verify_token(:'token', '/v1/orders/7', 'GET');
SELECT FROM devapp.retire_signing_key(token_test.part(:'token', 1) ->> 'kid', compromised => true);
SELECT code, http_status, fault, app_name FROM devapp.verify_token(:'token', '/v1/orders/7', 'GET');

-- every string has a verdict
SELECT token FROM devapp.issue_token(:'c_consumer_key') \gset
SELECT split_part(:'token', '.', 1) AS h, split_part(:'token', '.', 2) AS p, split_part(:'token', '.', 3) AS s \gset
SELECT code FROM devapp.verify_token(:'token', '/v1/orders/7', 'GET');
SELECT what, v.code
  FROM (VALUES (1, 'null', NULL), (2, 'empty', ''), (3, 'noise', repeat('x', 300)), (4, 'too long', :'token' || repeat('A', 17000)),
               (5, 'two parts', :'h' || '.' || :'p'), (6, 'four parts', :'token' || '.x'), (7, 'no signature', :'h' || '.' || :'p' || '.'),
               (8, 'padding', :'token' || '=='), (9, 'a space before', ' ' || :'token'), (10, 'a line end', :'token' || E'\n'),
               (11, 'another payload', :'h' || '.' || token_test.encode(replace(token_test.claims(:'token')::text, 'orders:read', 'orders:kill')) || '.' || :'s'),
               (12, 'another signature', :'h' || '.' || :'p' || '.' || repeat('A', 86)), (13, 'a short signature', :'h' || '.' || :'p' || '.' || left(:'s', 84)),
               (14, 'alg none', token_test.encode('{"alg":"none"}') || '.' || :'p' || '.'),
               (15, 'alg none with kid', token_test.encode(jsonb_set(token_test.part(:'token', 1), '{alg}', '"none"')::text) || '.' || :'p' || '.' || :'s'),
               (16, 'alg of another key', token_test.encode(jsonb_set(token_test.part(:'token', 1), '{alg}', '"ES256"')::text) || '.' || :'p' || '.' || :'s'),
               (17, 'alg HS256', token_test.encode(jsonb_set(token_test.part(:'token', 1), '{alg}', '"HS256"')::text) || '.' || :'p' || '.' || repeat('A', 43)),
               (18, 'no kid', token_test.encode('{"alg":"EdDSA","typ":"at+jwt"}') || '.' || :'p' || '.' || :'s'),
               (19, 'unknown kid', token_test.encode('{"alg":"EdDSA","typ":"at+jwt","kid":"x"}') || '.' || :'p' || '.' || :'s'),
               (20, 'crit', token_test.encode('{"alg":"EdDSA","kid":"x","crit":["exp"],"exp":1}') || '.' || :'p' || '.' || :'s'),
               (21, 'jwk', token_test.encode('{"alg":"EdDSA","kid":"x","jwk":{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}') || '.' || :'p' || '.' || :'s'),
               (22, 'jku', token_test.encode('{"alg":"EdDSA","kid":"x","jku":"https://example.com"}') || '.' || :'p' || '.' || :'s'),
               (23, 'x5u', token_test.encode('{"alg":"EdDSA","kid":"x","x5u":"https://example.com"}') || '.' || :'p' || '.' || :'s'),
               (24, 'members twice', token_test.encode('{"alg":"EdDSA","kid":"x","kid":"y"}') || '.' || :'p' || '.' || :'s'),
               (25, 'claims twice', :'h' || '.' || token_test.encode('{"jti":"a","jti":"b"}') || '.' || :'s'),
               (26, 'no JSON', token_test.encode('alg') || '.' || :'p' || '.' || :'s'), (27, 'deep', token_test.encode(repeat('[', 5000)) || '.' || :'p' || '.' || :'s'),
               (28, 'JSON serialisation', format('{"protected":"%s","payload":"%s","signature":"%s"}', :'h', :'p', :'s'))) AS b(n, what, token),
       devapp.verify_token(b.token, '/v1/orders/7', 'GET') AS v
 ORDER BY n;
