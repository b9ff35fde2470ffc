-- Who sends a request over HTTP, and as whom it acts.  (Keys and tokens that the keyring of
-- token_keys has signed.)
\set SHOW_CONTEXT never
\pset null ~

SELECT FROM devapp_internal.setup_products();
-- twice
SELECT FROM devapp_internal.setup_products();
SELECT name, approval, access, scopes FROM devapp.product WHERE name ~ '^devapp-' AND deleted_at IS NULL ORDER BY name;

-- What the function of a route finds out about its caller.
CREATE FUNCTION devapp_internal.test_who(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE sql
    RETURN devapp_internal.json_response(200, jsonb_build_object('actor', devapp.actor(), 'rights', concat_ws(' ',
        CASE WHEN devapp_internal.is_admin() THEN 'admin' END, CASE WHEN devapp_internal.is_auditor() THEN 'auditor' END,
        CASE WHEN devapp_internal.caller_verifies() THEN 'verifies' END, CASE WHEN devapp_internal.is_superuser() THEN 'superuser' END)));
CREATE FUNCTION devapp_internal.test_change(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE sql
    RETURN devapp_internal.json_response(201, to_jsonb((devapp.create_developer(request.query ->> 'email')).status));
SELECT FROM (VALUES ('nothing'), ('read'), ('admin'), ('verify'), ('developer'), ('client')) AS n(needs),
            devapp_internal.add_route('GET', '/test/' || n.needs, 'devapp_internal.test_who', n.needs, 'devapp') AS a,
            devapp_internal.add_route('POST', '/test/' || n.needs, 'devapp_internal.test_change', n.needs, 'devapp') AS b;
SELECT FROM devapp_internal.add_route('GET', '/test/apigee', 'devapp_internal.test_who', 'admin', 'apigee');
SELECT FROM devapp_internal.add_route('GET', '/test/oauth', 'devapp_internal.test_who', 'client', 'oauth');
SELECT FROM devapp_internal.add_route('POST', '/test/oauth', 'devapp_internal.test_change', 'client', 'oauth');

CREATE SCHEMA api_test;
-- The answer in one line.
CREATE FUNCTION api_test.ask(method text, path text, headers jsonb DEFAULT '{}', query text DEFAULT NULL) RETURNS text LANGUAGE sql
BEGIN ATOMIC
    SELECT concat_ws(' ', r.status, r.headers ->> 'WWW-Authenticate',
                     CASE WHEN r.status < 400 THEN b.body ->> 'actor' ELSE coalesce(b.body -> 'error' ->> 'message', b.body ->> 'message', b.body ->> 'error_description') END, b.body ->> 'rights')
      FROM devapp_api.handle($1, $2, $4, jsonb_strip_nulls($3)) AS r, LATERAL (SELECT convert_from(r.body, 'UTF8')::jsonb AS body) AS b;
END;
CREATE FUNCTION api_test.bearer(token text) RETURNS jsonb LANGUAGE sql IMMUTABLE RETURN jsonb_build_object('Authorization', 'Bearer ' || token);
CREATE FUNCTION api_test.basic(name text, password text) RETURNS jsonb LANGUAGE sql IMMUTABLE
    RETURN jsonb_build_object('Authorization', 'Basic ' || translate(encode(convert_to(name || ':' || password, 'UTF8'), 'base64'), E'\n', ''));

-- Keys of management: of a team's app, and of a developer's, for one scope each.
CREATE TABLE api_test.key (name text PRIMARY KEY, id text, secret text);
SELECT FROM devapp.create_team('api-ops');
SELECT FROM devapp.create_developer('api@example.com');
SELECT FROM devapp.create_product('api-orders', scopes => '{devapp:admin}');
CREATE FUNCTION api_test.make_key(name text, team text, developer text, products text[], kind text DEFAULT 'api_key', scopes text[] DEFAULT NULL,
                                  expires_in interval DEFAULT NULL, approve boolean DEFAULT true, cidrs cidr[] DEFAULT NULL, environment text DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    made devapp.issued_credential := devapp.create_app(name, developer, products, kind => kind, team => team, scopes => scopes, expires_in => expires_in, allowed_cidrs => cidrs, environment => environment);
BEGIN
    IF approve AND made.app_status = 'pending' THEN
        PERFORM FROM devapp.approve_app(made.app_id);
    END IF;
    INSERT INTO api_test.key VALUES (make_key.name, made.consumer_key, made.secret);
END
$$;
SELECT FROM api_test.make_key('all', 'api-ops', NULL, '{devapp-admin}');
SELECT FROM api_test.make_key('admin', 'api-ops', NULL, '{devapp-admin}', scopes => '{devapp:admin}');
SELECT FROM api_test.make_key('read', NULL, 'api@example.com', '{devapp-admin}', scopes => '{devapp:read}');
SELECT FROM api_test.make_key('verify', NULL, 'api@example.com', '{devapp-admin}', scopes => '{devapp:verify}');
SELECT FROM api_test.make_key('client', 'api-ops', NULL, '{devapp-admin}', kind => 'oauth_client');
SELECT FROM api_test.make_key('portal', NULL, 'api@example.com', '{devapp-portal}');
SELECT FROM api_test.make_key('team-portal', 'api-ops', NULL, '{devapp-portal}');
-- another product gives no right, whatever its scopes are called
SELECT FROM api_test.make_key('orders', NULL, 'api@example.com', '{api-orders}');
SELECT FROM api_test.make_key('none', NULL, 'api@example.com', NULL);
SELECT FROM api_test.make_key('pending', 'api-ops', NULL, '{devapp-admin}', approve => false);
SELECT FROM api_test.make_key('expires', 'api-ops', NULL, '{devapp-admin}', expires_in => '1 second');
SELECT FROM api_test.make_key('network', 'api-ops', NULL, '{devapp-admin}', cidrs => '{192.0.2.0/24}');

-- ---------- nobody ----------

SELECT needs, api_test.ask('GET', '/test/' || needs) AS answer FROM (VALUES ('nothing'), ('read'), ('admin'), ('verify'), ('developer'), ('client'), ('apigee'), ('oauth')) AS n(needs);
-- also where the session's role may do all: it is everybody's
SELECT needs, api_test.ask('POST', '/test/' || needs, '{}', 'email=nobody@example.com') AS answer FROM (VALUES ('nothing'), ('admin'), ('developer'), ('client'), ('oauth')) AS n(needs);
SELECT count(*) FROM devapp.developer WHERE email = 'nobody@example.com';
-- neither act_as() nor claims count
BEGIN;
SELECT FROM devapp.act_as('api@example.com');
SET LOCAL request.jwt.claims = '{"email": "api@example.com", "email_verified": true}';
SELECT devapp.actor() IS NOT NULL AS acts, api_test.ask('GET', '/test/developer'), api_test.ask('GET', '/test/nothing');
ROLLBACK;
-- what is malformed, or not known
SELECT v.value, needs, api_test.ask('GET', '/test/' || needs, jsonb_build_object('Authorization', v.value)) AS answer
  FROM (VALUES ('Bearer'), ('Digest x'), ('Bearer x'), ('Bearer a.b.c'), ('Basic eDp4'), ('DPoP x'), ('Bearer dvk_live_000000000000_00000000000000000000000000000000000000')) AS v(value), (VALUES ('admin'), ('developer')) AS n(needs);
SELECT api_test.ask('GET', '/test/admin', jsonb_build_object('Authorization', 'Bearer ' || repeat('x', 100000))) AS answer;
SELECT v.value, api_test.ask('GET', '/test/client', jsonb_build_object('Authorization', v.value)) AS answer FROM (VALUES ('Bearer x'), ('Basic eDp4'), ('Digest x')) AS v(value);

-- ---------- management ----------

-- a key does what its scopes say
SELECT n.needs, k.name, api_test.ask('GET', '/test/' || n.needs, api_test.bearer(k.secret)) AS answer
  FROM (VALUES ('read'), ('admin'), ('verify'), ('developer'), ('client')) AS n(needs), api_test.key k WHERE k.name IN ('all', 'admin', 'read', 'verify') ORDER BY n.needs, k.name;
-- no other product's does, nor one that waits, nor a portal's
SELECT k.name, n.needs, api_test.ask('GET', '/test/' || n.needs, api_test.bearer(k.secret)) AS answer
  FROM api_test.key k, (VALUES ('read'), ('client')) AS n(needs) WHERE k.name IN ('orders', 'none', 'pending', 'portal') ORDER BY n.needs, k.name;
-- in each form that an error may have
SELECT form, api_test.ask('GET', '/test/' || form, api_test.bearer(k.secret)) AS answer FROM api_test.key k, (VALUES ('apigee'), ('oauth')) AS f(form) WHERE k.name = 'orders';

-- Basic: a key with any name, or a client's id and secret
SELECT k.name, api_test.ask('GET', '/test/admin', api_test.basic(u.name, k.secret)) AS answer
  FROM api_test.key k, LATERAL (VALUES (''), ('ann@example.com'), (k.id)) AS u(name) WHERE k.name IN ('admin', 'client') ORDER BY k.name, u.name COLLATE "C";
SELECT api_test.ask('GET', '/test/admin', api_test.basic(k.id, o.secret)) AS answer FROM api_test.key k, api_test.key o WHERE (k.name, o.name) IN (('client', 'read'), ('client', 'orders'), ('read', 'client')) ORDER BY k.name, o.name;
-- a key as the user, without a password
SELECT k.name, api_test.ask('GET', '/test/admin', api_test.basic(k.secret, '')) AS answer FROM api_test.key k WHERE k.name IN ('admin', 'client') ORDER BY k.name;
SELECT api_test.ask('GET', '/test/developer', api_test.basic(k.secret, '')) AS answer FROM api_test.key k WHERE k.name = 'portal';
-- a client's secret is no key
SELECT api_test.ask('GET', '/test/admin', api_test.bearer(secret)) AS answer FROM api_test.key WHERE name = 'client';
-- the other field is for gateways alone
SELECT n.needs, api_test.ask('GET', '/test/' || n.needs, jsonb_build_object('X-Devapp-Gateway', k.secret, 'Authorization', 'Bearer of-a-customer')) AS answer
  FROM (VALUES ('read'), ('admin'), ('verify'), ('developer'), ('client')) AS n(needs), api_test.key k WHERE k.name = 'all';

-- a key for one environment asks about keys and tokens of that, and manages nothing, as what there is concerns all
SELECT FROM api_test.make_key('test-all', 'api-ops', NULL, '{devapp-admin}', environment => 'test');
SELECT FROM api_test.make_key('test-client', 'api-ops', NULL, '{devapp-admin}', kind => 'oauth_client', environment => 'test');
SELECT FROM api_test.make_key('test-portal', NULL, 'api@example.com', '{devapp-portal}', environment => 'test');
SELECT k.name, n.needs, api_test.ask('GET', '/test/' || n.needs, CASE k.name WHEN 'test-client' THEN api_test.basic(k.id, k.secret) ELSE api_test.bearer(k.secret) END) AS answer
  FROM (VALUES ('read'), ('admin'), ('verify'), ('developer'), ('client'), ('apigee')) AS n(needs), api_test.key k
 WHERE k.name LIKE 'test-%' AND (k.name = 'test-portal') = (n.needs = 'developer') AND (k.name <> 'test-client' OR n.needs <> 'client') ORDER BY k.name, n.needs;
SELECT api_test.ask('POST', '/test/admin', api_test.bearer(k.secret), 'email=test@example.com') AS answer FROM api_test.key k WHERE k.name = 'test-all';
SELECT count(*) FROM devapp.developer WHERE email = 'test@example.com';

-- a token of ours has the scopes that it was issued for
SELECT FROM devapp.create_signing_key() AS k, devapp.activate_signing_key(k.kid);
SELECT t.scopes, t.audience, n.needs, api_test.ask('GET', '/test/' || n.needs, api_test.bearer(i.token)) AS answer
  FROM api_test.key k, (VALUES (NULL::text[], NULL), ('{devapp:read}', NULL), ('{devapp:admin}', 'urn:devapp:' || current_database()), (NULL, 'https://orders.example.com')) AS t(scopes, audience),
       LATERAL devapp.issue_token(k.id, k.secret, scopes => t.scopes, audience => t.audience) AS i, (VALUES ('read'), ('admin')) AS n(needs)
 WHERE k.name = 'client' ORDER BY t.audience NULLS FIRST, t.scopes NULLS FIRST, n.needs;
-- and may be for the URL of this API
SELECT token FROM api_test.key k, devapp.issue_token(k.id, k.secret, resource => 'https://api.example.com') WHERE k.name = 'client' \gset
SELECT api_test.ask('GET', '/test/admin', api_test.bearer(:'token')) AS no_url,
       api_test.ask('GET', '/test/admin', api_test.bearer(:'token') || '{":base": "https://api.example.com"}') AS what_a_proxy_says;
SET devapp.base_url = 'https://api.example.com';
SELECT api_test.ask('GET', '/test/admin', api_test.bearer(:'token')) AS answer;
RESET devapp.base_url;
-- it ends with what stands behind it
SELECT FROM devapp.revoke_token(:'token');
SET devapp.base_url = 'https://api.example.com';
SELECT api_test.ask('GET', '/test/admin', api_test.bearer(:'token')) AS answer;
RESET devapp.base_url;

-- networks, by what the adapter says of the client
SELECT c.client, api_test.ask('GET', '/test/admin', api_test.bearer(k.secret) || jsonb_build_object(':client', c.client, 'X-Forwarded-For', '192.0.2.7', 'X-Client-IP', '192.0.2.7')) AS answer
  FROM api_test.key k, (VALUES ('192.0.2.7'), ('198.51.100.1'), (NULL)) AS c(client) WHERE k.name = 'network';

-- ---------- what ends a key ----------

SELECT pg_sleep(1.1);
SELECT api_test.ask('GET', '/test/admin', api_test.bearer(secret)) AS expired FROM api_test.key WHERE name = 'expires';
CREATE FUNCTION api_test.after(change text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE change;
    RETURN (SELECT api_test.ask('GET', '/test/admin', api_test.bearer(secret)) FROM api_test.key WHERE name = 'all');
END
$$;
SELECT id AS all_id FROM api_test.key WHERE name = 'all' \gset
SELECT format(c.change, '...') AS change, api_test.after(format(c.change, :'all_id')) AS answer FROM unnest(ARRAY[
    $$SELECT devapp.revoke_credential('%1$s')$$, $$SELECT devapp.approve_credential('%1$s')$$,
    $$SELECT devapp.set_credential_product_status('%1$s', 'devapp-admin', 'revoke')$$, $$SELECT devapp.set_credential_product_status('%1$s', 'devapp-admin', 'approve')$$,
    $$SELECT devapp.suspend_app('team:api-ops/all')$$, $$SELECT devapp.resume_app('team:api-ops/all')$$,
    $$SELECT devapp.set_team_status('api-ops', 'deactivate')$$, $$SELECT devapp.set_team_status('api-ops', 'activate')$$,
    $$SELECT devapp.update_credential('%1$s', scopes => '{devapp:read}')$$, $$SELECT devapp.update_credential('%1$s', scopes => '{}')$$,
    $$SELECT devapp.remove_credential_product('%1$s', 'devapp-admin')$$, $$SELECT devapp.add_credential_product('%1$s', 'devapp-admin')$$,
    $$SELECT devapp.set_credential_product_status('%1$s', 'devapp-admin', 'approve')$$]) WITH ORDINALITY AS c(change, n) ORDER BY c.n;
-- a rotated one works until its window ends
SELECT secret AS rotated FROM devapp.rotate_credential(:'all_id', overlap => '1 day') \gset
SELECT api_test.ask('GET', '/test/read', api_test.bearer(secret)) AS old, api_test.ask('GET', '/test/read', api_test.bearer(:'rotated')) AS new FROM api_test.key WHERE name = 'all';
SELECT FROM devapp.complete_rotation(:'all_id');
SELECT api_test.ask('GET', '/test/read', api_test.bearer(secret)) AS old, api_test.ask('GET', '/test/read', api_test.bearer(:'rotated')) AS new FROM api_test.key WHERE name = 'all';
UPDATE api_test.key SET secret = :'rotated' WHERE name = 'all';

-- ---------- developers ----------

-- the key of an app of theirs, for its owner; none of a team
SELECT k.name, api_test.ask('GET', '/test/developer', api_test.bearer(k.secret)) AS answer FROM api_test.key k WHERE k.name IN ('portal', 'team-portal', 'all', 'orders') ORDER BY k.name;
SELECT api_test.ask('GET', '/test/developer', api_test.basic('any', secret)) AS basic FROM api_test.key WHERE name = 'portal';

-- a token of an identity provider that names them
SELECT FROM devapp.create_token_issuer('https://login.example.com/', jsonb_build_object('keys', jsonb_build_array(jsonb_build_object('kty', 'oct', 'kid', 'shared', 'alg', 'HS256',
           'k', token_test.encode('0123456789abcdef0123456789abcdef'::bytea)))), '{devapp}', claim => 'email', names => 'developer');
CREATE FUNCTION api_test.sign(claims jsonb) RETURNS text LANGUAGE sql BEGIN ATOMIC
    SELECT s.signed || '.' || token_test.encode(public.hmac(s.signed::bytea, '0123456789abcdef0123456789abcdef'::bytea, 'sha256'))
      FROM (SELECT token_test.encode('{"alg":"HS256","kid":"shared","typ":"JWT"}'::text) || '.' || token_test.encode(claims::text) AS signed) AS s;
END;
CREATE FUNCTION api_test.login(email text, audience text DEFAULT 'devapp', lifetime interval DEFAULT '5 min') RETURNS jsonb LANGUAGE sql
    RETURN api_test.bearer(api_test.sign(jsonb_build_object('iss', 'https://login.example.com/', 'aud', audience, 'email', email, 'exp', extract(epoch FROM now() + lifetime)::bigint)));
SELECT api_test.ask('GET', '/test/developer', api_test.login('API@example.com')) AS answer;
SELECT api_test.ask('GET', '/test/developer', api_test.login('unknown@example.com')) AS unknown, api_test.ask('GET', '/test/developer', api_test.login('api@example.com', 'another')) AS audience;
SELECT api_test.ask('GET', '/test/developer', api_test.login('api@example.com', lifetime => '-5 min')) AS expired, api_test.ask('GET', '/test/admin', api_test.login('api@example.com')) AS management;
SELECT api_test.ask('GET', '/test/client', api_test.login('api@example.com')) AS client;
-- neither lets an inactive developer in
SELECT FROM devapp.set_developer_status('api@example.com', 'deactivate');
SELECT api_test.ask('GET', '/test/developer', api_test.login('api@example.com')) AS token, api_test.ask('GET', '/test/developer', api_test.bearer(secret)) AS key FROM api_test.key WHERE name = 'portal';
SELECT FROM devapp.set_developer_status('api@example.com', 'activate');
-- a developer is no administrator, whatever the role of the session
SELECT api_test.ask('POST', '/test/developer', api_test.login('api@example.com'), 'email=new@example.com') AS answer;

-- ---------- what they may change, and whose name is on it ----------

SELECT coalesce(max(event_id), 0) AS start FROM devapp.audit_event \gset
SELECT k.name, n.needs, api_test.ask('POST', '/test/' || n.needs, api_test.bearer(k.secret), format('email=%s-%s@api.example.com', n.needs, k.name)) AS answer
  FROM api_test.key k, (VALUES ('admin'), ('read'), ('verify'), ('nothing'), ('client')) AS n(needs) WHERE k.name IN ('all', 'admin', 'read', 'verify') ORDER BY n.needs, k.name;
SELECT e.actor, e.db_role = current_user AS db_role, e.action, e.after ->> 'email' AS email FROM devapp.audit_event x, devapp_internal.unmasked_event(x) AS e WHERE e.event_id > :start ORDER BY e.event_id;

-- ---------- the role of an adapter ----------

BEGIN;
SELECT FROM devapp.setup_roles();
SET LOCAL ROLE devapp_http;
SELECT (devapp_api.handle('GET', '/test/nothing')).status;
SELECT (devapp_api.handle('GET', '/test/admin', NULL, '{"Authorization": "Bearer x"}')).status;
SAVEPOINT s;
SELECT devapp.actor();
ROLLBACK TO s;
SELECT * FROM devapp_api.route;
ROLLBACK;

-- ---------- the products are no developer's ----------

SELECT FROM devapp.create_product('devapp-mine');
SELECT FROM devapp.create_product(' DevApp-Admin');
\set VERBOSITY terse
UPDATE devapp.product SET access = 'public' WHERE name = 'devapp-admin' AND deleted_at IS NULL;

\set VERBOSITY default

DELETE FROM devapp_api.route WHERE pattern::text ~ '^/test/';
SELECT FROM devapp.delete_token_issuer('https://login.example.com/');
SET client_min_messages = warning;
SELECT FROM devapp.app a, devapp.delete_app(a.app_id) WHERE a.deleted_at IS NULL
   AND (a.team_id = (SELECT t.team_id FROM devapp.team t WHERE t.name = 'api-ops') OR a.developer_id = (SELECT d.developer_id FROM devapp.developer d WHERE d.email = 'api@example.com'));
SELECT FROM devapp.delete_product('api-orders');
DROP SCHEMA api_test CASCADE;
DROP FUNCTION devapp_internal.test_who(devapp_internal.http_request), devapp_internal.test_change(devapp_internal.http_request);
