-- Issuing access tokens (RFC 9068).
\set SHOW_CONTEXT never

SELECT * FROM devapp.create_app('token-issue', 'tokens@example.com', '{token_orders,token_stock}', kind => 'oauth_client') \gset c_
SELECT FROM devapp.add_credential_product(:'c_consumer_key', 'token_later');
SELECT * FROM devapp.create_app('token-key', 'tokens@example.com', '{token_orders}') \gset k_

-- no key signs yet
\set VERBOSITY sqlstate
SELECT FROM devapp.issue_token(:'c_consumer_key', :'c_secret');
\set VERBOSITY default
SELECT kid AS kid FROM devapp.create_signing_key('EdDSA') \gset
SELECT FROM devapp.issue_token(:'c_consumer_key', :'c_secret');
SELECT status FROM devapp.activate_signing_key(:'kid');

-- all the scopes of approved products, each once
SELECT * FROM devapp.issue_token(:'c_consumer_key', :'c_secret') \gset t_
SELECT :'t_token_type' AS token_type, :'t_expires_in' AS expires_in, :'t_scope' AS scope, length(:'t_jti') AS jti;
SELECT token_test.part(:'t_token', 1) - 'kid' AS header, token_test.part(:'t_token', 1) ->> 'kid' = :'kid' AS kid;
SELECT array_agg(k ORDER BY k) AS claims FROM jsonb_object_keys(token_test.claims(:'t_token')) AS k;
SELECT c ->> 'iss' AS iss, c ->> 'aud' AS aud, c ->> 'scope' AS scope, c ->> 'sub' = :'c_consumer_key' AS sub, c ->> 'client_id' = :'c_consumer_key' AS client_id,
       c ->> 'jti' = :'t_jti' AS jti, (c ->> 'exp')::bigint - (c ->> 'iat')::bigint AS lifetime,
       abs(extract(epoch FROM now()) - (c ->> 'iat')::bigint) < 60 AS iat
  FROM token_test.claims(:'t_token') AS c;

-- fewer scopes, another lifetime, somebody else to hear it
SELECT c ->> 'scope' AS scope, c ->> 'aud' AS aud, t.expires_in
  FROM devapp.issue_token(:'c_consumer_key', :'c_secret', scopes => '{stock:read,orders:write,stock:read}', audience => 'orders', lifetime => '90 s') AS t,
       token_test.claims(t.token) AS c;
SELECT c -> 'aud' AS aud FROM devapp.issue_token(:'c_consumer_key', :'c_secret', audience => 'orders', resource => 'https://api.example.com/v1') AS t, token_test.claims(t.token) AS c;
SELECT c -> 'aud' AS aud FROM devapp.issue_token(:'c_consumer_key', :'c_secret', resource => 'urn:example:orders') AS t, token_test.claims(t.token) AS c;
-- several resources; one that is named twice counts once
SELECT c -> 'aud' AS aud FROM devapp.issue_token(:'c_consumer_key', :'c_secret', audience => 'urn:b', resource => 'https://a.example urn:b https://a.example') AS t, token_test.claims(t.token) AS c;
SELECT jsonb_array_length(c -> 'aud') AS most FROM devapp.issue_token(:'c_consumer_key', :'c_secret', resource => (SELECT string_agg('urn:' || i, ' ') FROM generate_series(1, 16) AS i)) AS t, token_test.claims(t.token) AS c;
SET devapp.issuer = 'https://tokens.example.com/a';
SELECT c ->> 'iss' AS iss, c ->> 'aud' AS aud FROM devapp.issue_token(:'c_consumer_key', :'c_secret') AS t, token_test.claims(t.token) AS c;
RESET devapp.issuer;
-- bound to a key, to a certificate
SELECT t.token_type, c -> 'cnf' AS cnf FROM devapp.issue_token(:'c_consumer_key', :'c_secret', jkt => '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I') AS t, token_test.claims(t.token) AS c;
SELECT t.token_type, c -> 'cnf' AS cnf FROM devapp.issue_token(:'c_consumer_key', :'c_secret', x5t => 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg0') AS t, token_test.claims(t.token) AS c;

-- other algorithms, when they have a key
SELECT kid AS es256 FROM devapp.create_signing_key('ES256') \gset
SELECT kid AS rs256 FROM devapp.create_signing_key('RS256') \gset
SELECT FROM devapp.activate_signing_key(:'es256');
SELECT FROM devapp.activate_signing_key(:'rs256');
SELECT token_test.part(t.token, 1) ->> 'alg' AS alg, length(split_part(t.token, '.', 3)) AS signature FROM devapp.issue_token(:'c_consumer_key', :'c_secret', alg => 'es256') AS t;
SELECT token_test.part(t.token, 1) ->> 'alg' AS alg, length(split_part(t.token, '.', 3)) AS signature FROM devapp.issue_token(:'c_consumer_key', :'c_secret', alg => 'RS256') AS t;
SET devapp.token_alg = 'ES256';
SELECT token_test.part(t.token, 1) ->> 'alg' AS alg FROM devapp.issue_token(:'c_consumer_key', :'c_secret') AS t;
RESET devapp.token_alg;

-- what is refused: the arguments, the client, the scopes, whom it is for
SELECT FROM devapp.issue_token(:'c_consumer_key', :'c_secret', alg => 'none');
SELECT FROM devapp.issue_token(:'c_consumer_key', :'c_secret', alg => 'HS256');
SELECT FROM devapp.issue_token(:'c_consumer_key', :'c_secret', lifetime => '2 hours');
SELECT FROM devapp.issue_token(:'c_consumer_key', :'c_secret', lifetime => '0');
SELECT FROM devapp.issue_token(:'c_consumer_key', :'c_secret', jkt => 'no thumbprint');
-- its last digit has bits that no byte has
SELECT FROM devapp.issue_token(:'c_consumer_key', :'c_secret', x5t => 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2');
SELECT FROM devapp.issue_token(:'c_consumer_key', :'c_secret', scopes => '{orders:read,later}');
SELECT FROM devapp.issue_token(:'c_consumer_key', :'c_secret', resource => '/v1/orders');
SELECT FROM devapp.issue_token(:'c_consumer_key', :'c_secret', resource => 'https://api.example.com/#top');
SELECT FROM devapp.issue_token(:'c_consumer_key', :'c_secret', resource => 'https://a.example  urn:b');
SELECT FROM devapp.issue_token(:'c_consumer_key', :'c_secret', resource => 'urn:a ');
SELECT FROM devapp.issue_token(:'c_consumer_key', :'c_secret', resource => '');
SELECT FROM devapp.issue_token(:'c_consumer_key', :'c_secret', resource => (SELECT string_agg('urn:' || i, ' ') FROM generate_series(1, 17) AS i));
SELECT FROM devapp.issue_token(:'c_consumer_key', :'c_secret', audience => '');
SELECT FROM devapp.issue_token(:'c_consumer_key', :'k_secret');
SELECT FROM devapp.issue_token('nobody', :'c_secret');
SELECT FROM devapp.issue_token(:'k_consumer_key', :'k_secret');
\set VERBOSITY sqlstate
SELECT FROM devapp.issue_token(:'c_consumer_key', :'c_secret', scopes => '{later}');
SELECT FROM devapp.issue_token(:'c_consumer_key', :'c_secret', audience => '');
SELECT FROM devapp.issue_token(NULL, :'c_secret');
\set VERBOSITY default

-- an administrator needs no proof of the client (who else: t/049_tokens.pl)
SELECT scope FROM devapp.issue_token(:'c_consumer_key', scopes => '{stock:read}');

-- a client that is made in the same statement
SELECT t.scope FROM devapp.create_app('token-at-once', 'tokens@example.com', '{token_stock}', kind => 'oauth_client') AS c, devapp.issue_token(c.consumer_key, c.secret) AS t;

-- a token does not outlive its credential, and none is given to one that is over
SELECT * FROM devapp.issue_credential('tokens@example.com/token-issue', kind => 'oauth_client', expires_in => '10 minutes') \gset e_
SELECT expires_in BETWEEN 590 AND 600 AS until_its_end FROM devapp.issue_token(:'e_consumer_key', :'e_secret');
SELECT FROM devapp.revoke_credential(:'e_consumer_key');
SELECT FROM devapp.issue_token(:'e_consumer_key', :'e_secret');
SELECT FROM devapp.suspend_app('tokens@example.com/token-issue');
SELECT FROM devapp.issue_token(:'c_consumer_key', :'c_secret');
SELECT FROM devapp.resume_app('tokens@example.com/token-issue');
-- a superseded secret works as long as it is told to
SELECT secret AS new_secret FROM devapp.rotate_credential(:'c_consumer_key', '1 hour') \gset
SELECT token_type FROM devapp.issue_token(:'c_consumer_key', :'c_secret');
SELECT token_type FROM devapp.issue_token(:'c_consumer_key', :'new_secret');
SELECT FROM devapp.complete_rotation(:'c_consumer_key');
SELECT token_type FROM devapp.issue_token(:'c_consumer_key', :'c_secret');

-- an error shows no token, and no text takes one
SELECT devapp_internal.masked('see eyJhbGciOiJFZERTQSJ9.eyJqdGkiOiJhIn0.0123456789abcdef-_ABCDEF!');
SELECT FROM devapp.revoke_credential(:'c_consumer_key', 'leaked: ' || :'t_token');
-- nothing of a token is written down
SELECT count(*) FROM devapp.audit_event WHERE position(split_part(:'t_token', '.', 3) IN audit_event::text) > 0;
