-- Access tokens over HTTP: how clients prove themselves, what they ask for, and what is refused.
-- (Assertions and proofs that are good: t/050_proofs.pl.  The keyring is that of token_keys.)
\set SHOW_CONTEXT never
\pset null ~

CREATE SCHEMA oauth_test;
-- What is asked of the OAuth endpoints, and the answer: a header field and the body.
CREATE FUNCTION oauth_test.post(path text, form text, headers jsonb DEFAULT '{}', OUT status integer, OUT fields jsonb, OUT body jsonb) LANGUAGE sql
BEGIN ATOMIC
    SELECT r.status, r.headers, convert_from(r.body, 'UTF8')::jsonb
      FROM devapp_api.handle('POST', $1, NULL, '{"Content-Type": "application/x-www-form-urlencoded"}' || $3, convert_to($2, 'UTF8')) AS r;
END;
CREATE FUNCTION oauth_test.basic(name text, password text) RETURNS jsonb LANGUAGE sql IMMUTABLE
    RETURN jsonb_build_object('Authorization', 'Basic ' || translate(encode(convert_to(name || ':' || password, 'UTF8'), 'base64'), E'\n', ''));
-- A refusal in one line; 200 where there is none.
CREATE FUNCTION oauth_test.refusal(form text, headers jsonb DEFAULT '{}') RETURNS text LANGUAGE sql
BEGIN ATOMIC
    SELECT concat_ws(' ', a.status, a.body ->> 'error', '(' || (a.body ->> 'error_description') || ')', a.fields ->> 'WWW-Authenticate')
      FROM oauth_test.post('/oauth/token', $1, $2) AS a;
END;

SELECT FROM devapp.create_developer('oauth@example.com');
SELECT FROM devapp.create_product('oauth-weather', scopes => '{weather:read,weather:write}');
SELECT FROM devapp.create_product('oauth-later', approval => 'manual', scopes => '{later}');
SELECT consumer_key AS client, secret AS secret FROM devapp.create_app('oauth-client', 'oauth@example.com', '{oauth-weather}', kind => 'oauth_client') \gset
SELECT consumer_key AS other, secret AS other_secret FROM devapp.create_app('oauth-other', 'oauth@example.com', '{oauth-weather}', kind => 'oauth_client') \gset
SELECT FROM devapp.add_credential_product(:'client', 'oauth-later');
SELECT consumer_key AS key_id, secret AS api_key FROM devapp.create_app('oauth-key', 'oauth@example.com', '{oauth-weather}') \gset
\set post 'grant_type=client_credentials&client_id=' :client '&client_secret=' :secret

-- no key signs: that is not the client's fault, and the log says what to do
BEGIN;
SELECT count(*) > 0 AS retired FROM devapp.signing_key k, devapp.retire_signing_key(k.kid) WHERE k.status = 'active';
SET LOCAL client_min_messages = log;
SELECT status, fields, body FROM oauth_test.post('/oauth/token', :'post');
ROLLBACK;
SELECT FROM devapp.activate_signing_key((SELECT kid FROM devapp.create_signing_key('EdDSA')));

-- ---------- the client proves itself ----------

-- in the form, at both paths; all scopes that it has, and nothing that anybody may keep
SELECT a.status, a.fields, a.body - 'access_token' AS body, c ->> 'client_id' = :'client' AS client_id, c ->> 'scope' AS scope, c ->> 'aud' AS aud
  FROM oauth_test.post('/oauth/token', :'post') AS a, token_test.claims(a.body ->> 'access_token') AS c;
SELECT a.status, v.code FROM oauth_test.post('/token', :'post') AS a, devapp.verify_token(a.body ->> 'access_token') AS v;
-- in Authorization, also with its id in the form, and fields that nobody knows or that are empty
SELECT a.status FROM oauth_test.post('/oauth/token', 'grant_type=client_credentials', oauth_test.basic(:'client', :'secret')) AS a;
SELECT a.status FROM oauth_test.post('/oauth/token', 'grant_type=client_credentials&audience=a&x=y&client_secret=&scope=&client_id=' || :'client', oauth_test.basic(:'client', :'secret')) AS a;
-- a token of both is no different
SELECT count(DISTINCT token_test.claims(a.body ->> 'access_token') - '{jti,iat,exp}'::text[])
  FROM (VALUES (:'post', '{}'), ('grant_type=client_credentials', oauth_test.basic(:'client', :'secret'))) AS m(form, headers),
       oauth_test.post('/oauth/token', m.form, m.headers) AS a;

-- the halves of Basic are encoded as in a form
SELECT FROM devapp.import_credential('oauth@example.com/oauth-client', 'a c:%+1', 'p& ss:=%/+-0123456789012345', products => '{oauth-weather}', kind => 'oauth_client');
SELECT m.name, oauth_test.refusal('grant_type=client_credentials', oauth_test.basic(m.name, m.password))
  FROM (VALUES ('a+c%3A%25%2B1', 'p%26+ss%3A%3D%25%2F%2B-0123456789012345'), ('%61%20c%3a%25%2b1', 'p%26%20ss:%3D%25%2F%2B%2D0123456789012345'),
               ('a c%3A%25%2B1', 'p%26+ss%3A%3D%25%2F+-0123456789012345'), ('a c:%+1', 'p& ss:=%/+-0123456789012345'), ('%zz', 'x'), ('x', '%'), ('%00', 'x'), ('x', '%ff'), ('', ''), ('x', '')) AS m(name, password);
SELECT oauth_test.refusal('grant_type=client_credentials&client_id=a+c%3A%25%2B1&client_secret=p%26+ss:%3d%25/%2b-0123456789012345');

-- ---------- who does not ----------

SELECT m.what, oauth_test.refusal('grant_type=client_credentials' || m.form, m.headers)
  FROM (VALUES ('nobody', '', '{}'), ('an id alone', '&client_id=' || :'client', '{}'), ('a secret alone', '&client_secret=' || :'secret', '{}'),
               ('a wrong secret', '', oauth_test.basic(:'client', :'other_secret')), ('a wrong secret in the form', '&client_id=' || :'client' || '&client_secret=x', '{}'),
               ('an unknown client', '', oauth_test.basic('nobody', :'secret')), ('an API key', '', oauth_test.basic(:'key_id', :'api_key')),
               ('a key in Bearer', '', jsonb_build_object('Authorization', 'Bearer ' || :'api_key')),
               ('a secret in Bearer', '', jsonb_build_object('Authorization', 'Bearer ' || :'secret')),
               ('another scheme', '', '{"Authorization": "Digest x"}'), ('broken Basic', '', '{"Authorization": "Basic !"}'), ('DPoP', '', '{"Authorization": "DPoP a.b.c"}'),
               ('two secrets', '&client_id=' || :'client' || '&client_secret=' || :'secret', oauth_test.basic(:'client', :'secret')),
               ('a secret and an assertion', '&client_id=' || :'client' || '&client_secret=' || :'secret' || '&client_assertion=x', '{}'),
               ('Basic and an assertion', '&client_assertion=x', oauth_test.basic(:'client', :'secret')),
               ('a secret and nonsense', '&client_id=' || :'client' || '&client_secret=' || :'secret', '{"Authorization": "Digest x"}'),
               ('two ids', '&client_id=' || :'other', oauth_test.basic(:'client', :'secret')),
               ('an assertion without its type', '&client_assertion=x', '{}'), ('the type without one', '&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer', '{}'),
               ('another type', '&client_assertion=x&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:saml2-bearer', '{}'),
               ('no assertion', '&client_assertion=x&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer', '{}')) AS m(what, form, headers);
-- an assertion that nobody has signed: its client is found, and it proves nothing
SELECT token_test.encode('{"alg":"EdDSA"}') || '.' || token_test.encode(format('{"iss":"%1$s","sub":"%1$s","aud":"urn:devapp:%2$s","exp":%3$s,"jti":"a"}',
       :'client', current_database(), extract(epoch FROM now() + '1 minute')::bigint)) || '.' || token_test.encode(repeat('x', 64)) AS assertion \gset
SELECT devapp_internal.assertion_client(:'assertion') = :'client' AS found, devapp_internal.assertion_client('x') AS nobody,
       devapp_internal.assertion_client(token_test.encode('{"alg":"EdDSA"}') || '.' || token_test.encode('{"sub":"\u00e9"}') || '.' || token_test.encode('x')) AS no_key;
SELECT oauth_test.refusal('grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=' || :'assertion');
SELECT count(*) FROM devapp.used_assertion u JOIN devapp.credential c USING (credential_id) WHERE c.consumer_key = :'client';

-- a secret that is slow to compare is not compared for whoever guesses, and nobody is told that it is wrong
SELECT FROM devapp.import_credential('oauth@example.com/oauth-other', 'oauth-slow', secret_hash => '$2y$04$abcdefghijklmnopqrstuum174eFeoTj0DHmtuueFaS3Wde4P7wHG', scheme => 'crypt',
                                     products => '{oauth-weather}', kind => 'oauth_client', weak => true);
SELECT n > 20 AS right, count(*) >= CASE WHEN n > 20 THEN 1 ELSE 8 END AS many, g.refusal
  FROM generate_series(1, 21) AS n, oauth_test.refusal('grant_type=client_credentials', oauth_test.basic('oauth-slow', CASE WHEN n > 20 THEN 'p%C3%A4ssword' ELSE 'guess' || n END)) AS g(refusal)
 GROUP BY n > 20, g.refusal ORDER BY n > 20, g.refusal;
-- what was compared before goes on working; three are tried, because a vacuum at this moment makes a backend forget what it remembers
CREATE FUNCTION pg_temp.goes_on(client text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    before constant text := oauth_test.refusal('grant_type=client_credentials', oauth_test.basic(client, 'p%C3%A4ssword'));
BEGIN
    PERFORM count(oauth_test.refusal('grant_type=client_credentials', oauth_test.basic(client, 'guess' || n))) FROM generate_series(1, 20) AS n;
    RETURN before || oauth_test.refusal('grant_type=client_credentials', oauth_test.basic(client, 'p%C3%A4ssword')) = '200200';
END
$$;
SELECT count(*) FROM generate_series(1, 8) AS n,
       devapp.import_credential('oauth@example.com/oauth-other', 'oauth-slow-' || n, secret_hash => '$2y$04$abcdefghijklmnopqrstuum174eFeoTj0DHmtuueFaS3Wde4P7wHG', scheme => 'crypt',
                                products => '{oauth-weather}', kind => 'oauth_client', weak => true);
SELECT bool_or(pg_temp.goes_on('oauth-slow-' || n)) AS goes_on FROM generate_series(1, 3) AS n;
-- until it is revoked, or another takes its place; two of five are taken, because one may share the failures of another client
SELECT min(n) AS one, max(n) AS two, count(*) >= 3 AS most
  FROM generate_series(4, 8) AS n WHERE oauth_test.refusal('grant_type=client_credentials', oauth_test.basic('oauth-slow-' || n, 'p%C3%A4ssword')) = '200' \gset
SELECT :'most' AS most;
SELECT FROM devapp.revoke_credential('oauth-slow-' || :'one');
SELECT FROM devapp.rotate_credential('oauth-slow-' || :'two', '0');
SELECT oauth_test.refusal('grant_type=client_credentials', oauth_test.basic('oauth-slow-' || n, 'p%C3%A4ssword')) FROM unnest(ARRAY[:one, :two]) AS n;
SELECT a.fields ->> 'Retry-After' AS retry_after FROM oauth_test.post('/oauth/introspect', 'token=x', oauth_test.basic('oauth-slow', 'guess')) AS a;

-- what a credential, app and owner may not is refused in the same words
BEGIN;
SELECT FROM devapp.suspend_app('oauth@example.com/oauth-client');
SELECT oauth_test.refusal(:'post');
SELECT FROM devapp.resume_app('oauth@example.com/oauth-client');
SELECT oauth_test.refusal(:'post');
SELECT FROM devapp.revoke_credential(:'client');
SELECT oauth_test.refusal(:'post');
ROLLBACK;
-- who connects to the database has no say
CREATE ROLE oauth_http;
GRANT USAGE ON SCHEMA oauth_test, devapp_api TO oauth_http;
GRANT EXECUTE ON FUNCTION devapp_api.handle TO oauth_http;
SET ROLE oauth_http;
SELECT oauth_test.refusal(:'post'), oauth_test.refusal('grant_type=client_credentials&client_id=' || :'client');
RESET ROLE;
DROP OWNED BY oauth_http;
DROP ROLE oauth_http;

-- ---------- what it asks for ----------

SELECT a.status, a.body - '{access_token,expires_in}'::text[] AS body FROM oauth_test.post('/oauth/token', :'post' || '&scope=weather:read+') AS a;
SELECT a.status, a.body ->> 'scope' AS scope FROM oauth_test.post('/oauth/token', :'post' || '&scope=weather%3Awrite%20%20weather%3Aread') AS a;
-- RFC 8707: for whom
SELECT a.status, token_test.claims(a.body ->> 'access_token') -> 'aud' AS aud
  FROM (VALUES ('resource=https://api.example.com/v1%3Fa'), ('resource=https%3A%2F%2Fapi.example.com&resource=urn:example:orders&resource=https://api.example.com'), ('resource=')) AS m(form),
       oauth_test.post('/oauth/token', :'post' || '&' || m.form) AS a;
SELECT left(m.form, 60) AS form, oauth_test.refusal(CASE WHEN m.form LIKE 'grant%' OR m.form = '' THEN m.form || replace(:'post', 'grant_type=client_credentials', '') ELSE :'post' || '&' || m.form END)
  FROM (VALUES (''), ('grant_type='), ('grant_type=authorization_code'), ('grant_type=refresh_token'), ('grant_type=client_credentials&grant_type=client_credentials'),
               ('scope=nothing'), ('scope=later'), ('scope=weather:read,weather:write'), ('scope=%22%5C%C3%A9'), ('scope=weather:read&scope=weather:write'), ('scope=' || repeat('x+', 5000)),
               ('resource=/v1'), ('resource=https://api.example.com/%23top'), ('resource=https://a.example%20https://b.example'), ('resource=x:%0Ay'),
               ('resource=https://a.example&resource=b'), ((SELECT string_agg('resource=https://a.example/' || i, '&') FROM generate_series(1, 17) AS i)),
               ('resource=https://a.example/' || repeat('x', 1024)), ('client_id=' || 'x'), ('x=1&x=2'), ('x=%zz')) AS m(form);

-- ---------- another body, another method ----------

SELECT m.type, r.status, convert_from(r.body, 'UTF8')::jsonb AS body
  FROM (VALUES ('application/json', '{"grant_type": "client_credentials"}'), (NULL, NULL), ('multipart/form-data; boundary=x', '--x--'), (NULL, :'post'), ('application/x-www-form-urlencoded; charset=utf-16', :'post')) AS m(type, body),
       devapp_api.handle('POST', '/oauth/token', NULL, jsonb_strip_nulls(jsonb_build_object('Content-Type', m.type)), convert_to(m.body, 'UTF8')) AS r;
-- nothing of a query counts
SELECT r.status, convert_from(r.body, 'UTF8')::jsonb ->> 'error_description' AS said FROM devapp_api.handle('POST', '/oauth/token', :'post', '{"Content-Type": "application/x-www-form-urlencoded"}') AS r;
SELECT m.method, r.status, r.headers ->> 'Allow' AS allow FROM (VALUES ('GET'), ('HEAD'), ('PUT'), ('OPTIONS')) AS m(method), devapp_api.handle(m.method, '/oauth/token') AS r;
SELECT r.status, convert_from(r.body, 'UTF8')::jsonb ->> 'error' AS error FROM devapp_api.handle('POST', '/oauth/register') AS r;

-- ---------- proofs of possession that are none ----------

SELECT devapp_internal.dpop_named_key('x') AS none, devapp_internal.dpop_named_key(:'assertion') AS no_key;
SELECT token_test.encode('{"typ":"dpop+jwt","alg":"EdDSA","jwk":{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}') || '.' || token_test.encode(format('{"jti":"p","htm":"POST","htu":"https://x.example/oauth/token","iat":%s}', extract(epoch FROM now())::bigint)) || '.' || token_test.encode(repeat('x', 64)) AS proof \gset
SELECT devapp_internal.dpop_named_key(:'proof') AS key;
SELECT oauth_test.refusal(:'post', jsonb_build_object('DPoP', m.proof)) FROM (VALUES (''), ('x'), (:'assertion'), (:'proof')) AS m(proof);
-- and who is no client hears of that first
SELECT oauth_test.refusal(:'post' || 'x', jsonb_build_object('DPoP', :'proof'));

-- what Java's clients say of a form that is ASCII, and an empty Authorization beside the form
SELECT m.headers, r.status, convert_from(r.body, 'UTF8')::jsonb ->> 'error' AS error
  FROM (VALUES ('{"Content-Type": "application/x-www-form-urlencoded; charset=ISO-8859-1"}'), ('{"Content-Type": "application/x-www-form-urlencoded", "Authorization": ""}')) AS m(headers),
       devapp_api.handle('POST', '/oauth/token', NULL, m.headers::jsonb, convert_to(:'post', 'UTF8')) AS r;

-- nothing of it all is kept
SELECT count(*) FROM devapp.audit_event e WHERE position(:'secret' IN e::text) > 0;
