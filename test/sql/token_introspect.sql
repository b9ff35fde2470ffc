-- Introspection (RFC 7662).
\set SHOW_CONTEXT never

SELECT * FROM devapp.create_app('token-introspect', 'tokens@example.com', '{token_orders,token_stock}', kind => 'oauth_client') \gset c_
SELECT token AS token, jti AS jti FROM devapp.issue_token(:'c_consumer_key', scopes => '{orders:read,stock:read}', audience => 'orders') \gset
SELECT * FROM devapp.create_app('token-asks', 'tokens@example.com', '{token_orders}', kind => 'oauth_client') \gset o_

SELECT i - '{client_id,sub,jti,exp,iat}'::text[] AS said, i ->> 'client_id' = :'c_consumer_key' AS client_id, i ->> 'sub' = :'c_consumer_key' AS sub,
       i ->> 'jti' = :'jti' AS jti, i -> 'exp' = token_test.claims(:'token') -> 'exp' AS exp, i -> 'iat' = token_test.claims(:'token') -> 'iat' AS iat
  FROM devapp.introspect(:'token') AS i;
SELECT i -> 'aud' AS aud, i -> 'token_type' AS token_type, i -> 'cnf' AS cnf
  FROM devapp.issue_token(:'c_consumer_key', audience => 'a', resource => 'https://b.example', jkt => '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I', x5t => 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg0') AS t,
       devapp.introspect(t.token) AS i;

-- what is no token, or not a good one, is exactly this
SELECT devapp.introspect(NULL), devapp.introspect(''), devapp.introspect(:'o_secret'), devapp.introspect(:'token' || 'x'), devapp.introspect(repeat('x', 100000));

-- a client sees its own (who else: t/049_tokens.pl)
SELECT devapp.introspect(:'token', :'c_consumer_key', :'c_secret') ->> 'scope' AS client;
SELECT devapp.introspect(:'token', :'o_consumer_key', :'o_secret') AS another_client;
SELECT devapp.introspect(:'token', :'c_consumer_key', :'o_secret');

-- of the moment: what is behind the token counts, and its scopes as they are now
SELECT FROM devapp.update_product('token_stock', scopes => '{orders:read}');
SELECT devapp.introspect(:'token') ->> 'scope' AS scope;
SELECT FROM devapp.update_product('token_stock', scopes => '{stock:read,orders:read}');
SELECT FROM devapp.suspend_app('tokens@example.com/token-introspect');
SELECT devapp.introspect(:'token');
SELECT FROM devapp.resume_app('tokens@example.com/token-introspect');
SELECT devapp.introspect(:'token') -> 'active' AS active;
SELECT devapp.revoke_token(:'token');
SELECT devapp.introspect(:'token');

-- the owner of a client whose id looks like a UUID asks about its tokens and revokes them, as any other owner
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT FROM devapp.setup_roles();
SELECT FROM devapp.import_credential('tokens@example.com/token-introspect', '0B9E1F52-7C1A-4D2E-9A55-3C1B8F6D7E01', 'c-4eC39HqLyjWDarjtT1zdp7u1', products => '{token_orders}');
SELECT token AS uuid_token FROM devapp.credential AS c, devapp.issue_token(c.credential_id::text) WHERE c.consumer_key = '0B9E1F52-7C1A-4D2E-9A55-3C1B8F6D7E01' \gset
SET LOCAL ROLE devapp_developer;
SET LOCAL request.jwt.claims = '{"email": "tokens@example.com", "email_verified": true}';
SELECT devapp.introspect(:'uuid_token') -> 'active' AS active;
SELECT devapp.revoke_token(:'uuid_token');
SELECT devapp.introspect(:'uuid_token') -> 'active' AS active;
ROLLBACK;
