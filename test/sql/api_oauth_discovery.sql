-- What clients read before they ask: metadata and keys.  (Schema oauth_test: api_oauth_token.)
\set SHOW_CONTEXT never
\pset null ~

CREATE FUNCTION oauth_test.get(path text, headers jsonb DEFAULT '{}', OUT status integer, OUT fields jsonb, OUT body jsonb) LANGUAGE sql
BEGIN ATOMIC
    SELECT r.status, r.headers, convert_from(r.body, 'UTF8')::jsonb FROM devapp_api.handle('GET', $1, NULL, $2) AS r;
END;

-- without a URL nothing can be said; the proxy or a setting knows it
SELECT p.path, a.status, a.fields, a.body -> 'error' ->> 'message' AS message
  FROM (VALUES ('/.well-known/oauth-authorization-server'), ('/.well-known/openid-configuration'), ('/.well-known/oauth-protected-resource'), ('/.well-known/oauth-protected-resource/v1')) AS p(path),
       oauth_test.get(p.path) AS a;
SELECT a.body ->> 'issuer' AS issuer, a.body ->> 'token_endpoint' AS token_endpoint FROM oauth_test.get('/.well-known/oauth-authorization-server', '{":base": "https://proxy.example.com"}') AS a;
-- what the proxy says may be a client's Host, and no cache keeps it for others; keys have no URL
CREATE VIEW oauth_test.caching AS
SELECT p.path, a.status, a.fields ->> 'Cache-Control' AS cache
  FROM (VALUES ('/.well-known/oauth-authorization-server'), ('/.well-known/openid-configuration'), ('/.well-known/oauth-protected-resource'), ('/.well-known/oauth-protected-resource/v1'), ('/.well-known/jwks.json')) AS p(path),
       oauth_test.get(p.path, '{":base": "https://proxy.example.com"}') AS a;
SELECT * FROM oauth_test.caching;
SET devapp.base_url = 'https://api.example.com';
SELECT * FROM oauth_test.caching;
RESET devapp.base_url;
SET devapp.issuer = 'https://login.example.com';
SELECT * FROM oauth_test.caching;
SET devapp.issuer = 'urn:example:tokens';
SELECT * FROM oauth_test.caching;
RESET devapp.issuer;

SET devapp.issuer = 'https://login.example.com';
SELECT a.status, a.fields, jsonb_pretty(a.body - 'scopes_supported') FROM oauth_test.get('/.well-known/oauth-authorization-server') AS a;
SELECT count(DISTINCT a.body) FROM (VALUES ('/.well-known/oauth-authorization-server'), ('/.well-known/openid-configuration')) AS p(path), oauth_test.get(p.path) AS a;
-- each endpoint that is named is there
SELECT e.key, r.status FROM oauth_test.get('/.well-known/oauth-authorization-server') AS a, jsonb_each_text(a.body) AS e(key, url), devapp_api.handle('OPTIONS', substr(e.url, length('https://login.example.com') + 1)) AS r
 WHERE e.key ~ '_(endpoint|uri)$' ORDER BY e.key;
-- though nobody is asked for consent
SELECT a.status, a.fields, a.body FROM oauth_test.get('/oauth/authorize') AS a;
-- scopes of products that everybody may see, each once
SELECT FROM devapp.create_product('oauth-hidden', access => 'private', scopes => '{hidden}');
SELECT FROM devapp.create_product('oauth-gone', scopes => '{gone}');
SELECT FROM devapp.delete_product('oauth-gone');
SELECT a.body -> 'scopes_supported' ? 'weather:read' AS public, a.body -> 'scopes_supported' ?| '{hidden,gone,devapp:admin}' AS others,
       (SELECT count(*) = count(DISTINCT s) FROM jsonb_array_elements(a.body -> 'scopes_supported') AS s) AS once
  FROM oauth_test.get('/.well-known/oauth-authorization-server') AS a;
-- proofs of possession where they can be remembered only
SELECT a.body ? 'dpop_signing_alg_values_supported' = devapp_internal.is_preloaded() AS server, b.body ? 'dpop_signing_alg_values_supported' = devapp_internal.is_preloaded() AS resource
  FROM oauth_test.get('/.well-known/oauth-authorization-server') AS a, oauth_test.get('/.well-known/oauth-protected-resource') AS b;

-- an issuer with a path, octet by octet, and another URL of the API
SET devapp.issuer = 'https://login.example.com/tenant/a%20b';
SET devapp.base_url = 'https://api.example.com';
SELECT p.path, a.status, a.body ->> 'issuer' AS issuer, a.body ->> 'jwks_uri' AS jwks_uri
  FROM (VALUES ('/.well-known/oauth-authorization-server/tenant/a%20b'), ('/.well-known/openid-configuration/tenant/a%20b'), ('/.well-known/oauth-authorization-server/tenant/a%20B'),
               ('/.well-known/oauth-authorization-server/tenant'), ('/.well-known/oauth-authorization-server')) AS p(path), oauth_test.get(p.path) AS a;
SET devapp.issuer = 'https://login.example.com/';
RESET devapp.base_url;
SELECT a.body ->> 'issuer' AS issuer, a.body ->> 'jwks_uri' AS jwks_uri, b.body ->> 'resource' AS resource, c.body ->> 'resource' AS with_path
  FROM oauth_test.get('/.well-known/oauth-authorization-server') AS a, oauth_test.get('/.well-known/oauth-protected-resource') AS b, oauth_test.get('/.well-known/oauth-protected-resource/mcp/%C3%A4') AS c;

-- ---------- a resource ----------

SET devapp.issuer = 'https://login.example.com';
SET devapp.base_url = 'https://api.example.com';
SELECT a.status, a.fields, a.body - 'scopes_supported' AS body FROM oauth_test.get('/.well-known/oauth-protected-resource') AS a;
SELECT a.body ->> 'resource' AS resource FROM oauth_test.get('/.well-known/oauth-protected-resource/v1/orders/%7Ba%7D') AS a;
SELECT a.status FROM oauth_test.get('/.well-known/oauth-protected-resource/..%2fx') AS a;

-- the API itself says where that is, if it is set
SELECT m.path, r.headers ->> 'WWW-Authenticate' AS challenge FROM (VALUES ('/v1/o/x/developers'), ('/auth')) AS m(path), devapp_api.handle('GET', m.path) AS r;
RESET devapp.base_url;
SET devapp.issuer = 'https://login.example.com/';
SELECT r.headers ->> 'WWW-Authenticate' AS challenge FROM devapp_api.handle('GET', '/v1/o/x/developers') AS r;
SET devapp.issuer = 'urn:example:tokens';
SELECT r.headers ->> 'WWW-Authenticate' AS challenge FROM devapp_api.handle('GET', '/v1/o/x/developers', NULL, '{":base": "https://proxy.example.com"}') AS r;
SET devapp.issuer = 'https://login.example.com';

-- ---------- keys ----------

SELECT m.accept, a.status, a.fields ->> 'Content-Type' AS type, a.fields ->> 'Vary' AS vary, a.body = devapp.jwks() AS keys
  FROM (VALUES (NULL), ('application/json, application/jwk-set+json'), ('application/jwk-set+json'), ('Application/JWK-Set+JSON;q=0.9'), ('application/jwk-set+json, */*;q=0.1'), ('*/*'), ('text/html')) AS m(accept),
       oauth_test.get('/.well-known/jwks.json', jsonb_strip_nulls(jsonb_build_object('Accept', m.accept))) AS a;
SELECT bool_or(k ?| '{d,p,q,dp,dq,qi,k}') AS private, bool_and(k ?& '{kid,kty,alg,use}') AS public FROM oauth_test.get('/.well-known/jwks.json') AS a, jsonb_array_elements(a.body -> 'keys') AS k;
-- nobody keeps them for longer than a key is published before it signs
SET devapp.signing_key_publish = '60s';
SELECT a.fields ->> 'Cache-Control' AS kept FROM oauth_test.get('/.well-known/jwks.json') AS a;
SET devapp.signing_key_publish = 0;
SELECT a.fields ->> 'Cache-Control' AS kept FROM oauth_test.get('/.well-known/jwks.json') AS a;
RESET devapp.signing_key_publish;
-- who has a key is asked for nothing, and may have none
SELECT a.status FROM oauth_test.get('/.well-known/jwks.json', '{"Authorization": "Bearer x"}') AS a;
SELECT r.status, r.headers ->> 'Allow' AS allow FROM (VALUES ('/.well-known/jwks.json'), ('/.well-known/oauth-authorization-server'), ('/.well-known/oauth-protected-resource')) AS p(path), devapp_api.handle('POST', p.path) AS r;
SELECT r.status, r.body FROM devapp_api.handle('HEAD', '/.well-known/jwks.json') AS r;
SELECT r.status FROM devapp_api.handle('GET', '/.well-known/nothing') AS r;
RESET devapp.issuer;
RESET devapp.base_url;
SET client_min_messages = warning;
DROP SCHEMA oauth_test CASCADE;
