-- Questions of gateways: /auth.
\set SHOW_CONTEXT never
\pset null ~

SELECT FROM devapp_internal.setup_products();
CREATE SCHEMA auth_test;
CREATE TABLE auth_test.key (name text PRIMARY KEY, id text, secret text);
SELECT FROM devapp.create_developer('auth@example.com');
SELECT FROM devapp.create_team('auth-team');
SELECT FROM devapp.create_product('auth-orders', scopes => '{auth:read,auth:write}', environments => '{prod,test}');
SELECT FROM devapp.add_operation('auth-orders', '/orders/{id}', '{GET,POST}');
SELECT FROM devapp.add_operation('auth-orders', '=/', '{GET}');
CREATE FUNCTION auth_test.make_key(name text, products text[], scopes text[] DEFAULT NULL, environment text DEFAULT NULL, kind text DEFAULT 'api_key',
                                   team text DEFAULT NULL, app text DEFAULT NULL, cidrs cidr[] DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    made devapp.issued_credential := devapp.create_app(coalesce(app, name || ' app'), CASE WHEN team IS NULL THEN 'auth@example.com' END, products,
                                                       team => team, scopes => scopes, environment => environment, kind => kind, allowed_cidrs => cidrs);
BEGIN
    IF made.app_status = 'pending' THEN
        PERFORM FROM devapp.approve_app(made.app_id);
    END IF;
    INSERT INTO auth_test.key VALUES (name, made.consumer_key, made.secret);
END
$$;
DO $$
BEGIN
    PERFORM auth_test.make_key('gateway', '{devapp-admin}', '{devapp:verify}');
    PERFORM auth_test.make_key('prod gateway', '{devapp-admin}', '{devapp:verify}', 'prod');
    PERFORM auth_test.make_key('reader', '{devapp-admin}', '{devapp:read}');
    PERFORM auth_test.make_key('shop', '{auth-orders}');
    PERFORM auth_test.make_key('read', '{auth-orders}', '{auth:read}');
    PERFORM auth_test.make_key('test', '{auth-orders}', environment => 'test');
    PERFORM auth_test.make_key('client', '{auth-orders}', kind => 'oauth_client');
    PERFORM auth_test.make_key('team', '{auth-orders}', team => 'auth-team');
    PERFORM auth_test.make_key('office', '{auth-orders}', cidrs => '{192.0.2.0/24}');
END
$$;

CREATE FUNCTION auth_test.key(name text) RETURNS text LANGUAGE sql STABLE BEGIN ATOMIC SELECT k.secret FROM auth_test.key k WHERE k.name = $1; END;
CREATE FUNCTION auth_test.basic(name text, password text) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN 'Basic ' || translate(encode(convert_to(name || ':' || password, 'UTF8'), 'base64'), E'\n', '');
-- A question about the call of a client who sends these fields; options follow the gateway's key.
CREATE FUNCTION auth_test.ask(headers jsonb, options text DEFAULT '', uri text DEFAULT '/orders/7', method text DEFAULT 'GET', gateway text DEFAULT 'gateway')
    RETURNS devapp_api.response LANGUAGE sql
BEGIN ATOMIC
    SELECT devapp_api.handle('GET', '/auth', NULL, jsonb_strip_nulls(jsonb_build_object('X-Devapp-Gateway', auth_test.key($5) || $2,
                                                   'X-Forwarded-Uri', $3, 'X-Forwarded-Method', $4)) || $1);
END;
CREATE FUNCTION auth_test.by_key(name text) RETURNS jsonb LANGUAGE sql STABLE RETURN jsonb_build_object('X-API-Key', auth_test.key(name));
-- What it was answered.
CREATE FUNCTION auth_test.show(answer devapp_api.response) RETURNS text LANGUAGE sql
BEGIN ATOMIC
    SELECT concat_ws(' ', $1.status, $1.headers ->> 'X-Devapp-Code', $1.headers ->> 'X-Devapp-App', '"' || convert_from($1.body, 'UTF8') || '"', $1.headers ->> 'X-Devapp-Error');
END;

-- ---------- an answer as a whole ----------

SELECT a.status, a.body, jsonb_pretty(a.headers - '{X-Devapp-App-Id,X-Devapp-Credential-Id,X-Devapp-Consumer-Key}'::text[]) AS fields,
       a.headers ->> 'X-Devapp-App-Id' = c.app_id::text AND a.headers ->> 'X-Devapp-Credential-Id' = c.credential_id::text AS ids
  FROM devapp.credential c, auth_test.ask(auth_test.by_key('shop')) AS a WHERE c.consumer_key = a.headers ->> 'X-Devapp-Consumer-Key';
-- a key that is refused tells whose it is; one that is not known, nothing
SELECT a.status, a.body, a.headers - '{X-Devapp-App-Id,X-Devapp-Credential-Id,X-Devapp-Consumer-Key}'::text[] AS fields
  FROM (VALUES ('/else'), ('/orders/7')) AS u(uri), auth_test.ask(auth_test.by_key('team'), '; environment=test', u.uri, 'DELETE') AS a;
SELECT a.* FROM auth_test.ask(auth_test.by_key('client')) AS a;

-- a client's URI is ASCII: another byte may be another character by now
SELECT u.uri, auth_test.show(auth_test.ask(auth_test.by_key('shop'), '', u.uri, 'GET')) FROM (VALUES ('/orders/%C3%A9'), ('/orders/é'), ('/orders/À®À®')) AS u(uri);

-- ---------- where the key is ----------

SELECT m.place, auth_test.show(auth_test.ask(m.headers, m.options, '/orders/7' || m.query))
  FROM (VALUES ('header', auth_test.by_key('shop'), '', ''),
               ('Bearer', jsonb_build_object('authorization', 'Bearer ' || auth_test.key('shop')), '', ''),
               ('DPoP', jsonb_build_object('AUTHORIZATION', 'DPoP ' || auth_test.key('shop')), '', ''),
               ('Basic, a client', jsonb_build_object('Authorization', auth_test.basic((SELECT id FROM auth_test.key WHERE name = 'client'), auth_test.key('client'))), '', ''),
               ('Basic, a key as the user', jsonb_build_object('Authorization', auth_test.basic(auth_test.key('shop'), '')), '', ''),
               ('Basic, a key as the password', jsonb_build_object('Authorization', auth_test.basic('x', auth_test.key('shop'))), '', ''),
               ('query', '{}', '', '?a=%&apikey=' || auth_test.key('shop') || '&b=c'),
               ('query, encoded', '{}', '', '?%61pikey=%64' || substr(auth_test.key('shop'), 2)),
               ('another header', jsonb_build_object('x-apikey', auth_test.key('shop')), '; header=X-APIKey', ''),
               ('another parameter', '{}', ';query = api_key ', '?api_key=' || auth_test.key('shop')),
               -- no place for keys
               ('nothing', '{}', '', ''),
               ('not that header', jsonb_build_object('x-apikey', auth_test.key('shop')), '', ''),
               ('nor this one now', auth_test.by_key('shop'), '; header=x-apikey', ''),
               ('no header', auth_test.by_key('shop'), '; header=', ''),
               ('not that parameter', '{}', '', '?api_key=' || auth_test.key('shop')),
               ('no query', '{}', '; query=""', '?apikey=' || auth_test.key('shop')),
               ('a client secret in the header', auth_test.by_key('client'), '', ''),
               -- what can be read in two ways
               ('parameter twice', '{}', '', '?apikey=' || auth_test.key('shop') || '&apikey=' || auth_test.key('shop')),
               ('parameter twice, one broken', '{}', '', '?apikey=' || auth_test.key('shop') || '&apikey=%'),
               ('parameter without a value', '{}', '', '?apikey'),
               -- the first place counts, whatever is there
               ('header before Bearer', auth_test.by_key('shop') || '{"Authorization": "Bearer of.another.server"}', '', ''),
               ('header before Bearer, wrong', auth_test.by_key('client') || jsonb_build_object('Authorization', 'Bearer ' || auth_test.key('shop')), '', ''),
               ('an empty header', jsonb_build_object('X-API-Key', '', 'Authorization', 'Bearer ' || auth_test.key('shop')), '', ''),
               ('Bearer before query', jsonb_build_object('Authorization', 'Bearer ' || auth_test.key('client')), '', '?apikey=' || auth_test.key('shop')),
               ('Authorization of another scheme', '{"Authorization": "Negotiate abc"}', '', '?apikey=' || auth_test.key('shop'))) AS m(place, headers, options, query);

-- ---------- what was asked for ----------

SELECT auth_test.show(auth_test.ask(auth_test.by_key('shop'), '', m.uri, m.method)), m.method, m.uri
  FROM (VALUES ('GET', '/orders/7?x=y'), ('POST', '/orders/7'), ('DELETE', '/orders/7'), ('get', '/orders/7'), ('OPTIONS', '/orders/7'), ('GET', '/orders/7/8'), ('GET', '/orders/../orders/7'),
               ('GET', '/%6frders/7'), ('GET', '/orders/%2e%2e'), ('GET', 'orders/7'), ('GET', 'http://h/orders/7'), ('GET', '/orders/7#x'), ('GET', ''), ('GET', '?/orders/7'),
               ('GET', '/'), ('GET', '/orders/' || repeat('x', 20)), (NULL, '/orders/7'), ('', '/orders/7'), ('GET', NULL)) AS m(method, uri);
SELECT auth_test.show(auth_test.ask(auth_test.by_key('shop'), '', '/orders/' || repeat('x', 9000)));
-- by the other names; with both, a client could say what it likes
SELECT auth_test.show(auth_test.ask(auth_test.by_key('shop') || m.headers::jsonb, '', m.uri, m.method))
  FROM (VALUES (NULL, NULL, '{"X-Original-URI": "/orders/7", "X-Original-Method": "POST"}'), (NULL, NULL, '{"X-Original-URI": "/orders/7", "X-Original-Method": "PUT"}'),
               (NULL, 'GET', '{"X-Original-URI": "/orders/7"}'), ('/else', 'GET', '{"X-Original-URI": "/orders/7", "X-Original-Method": "GET"}'),
               ('/orders/7', 'GET', '{"X-Original-URI": "/orders/7"}'), ('/else', 'DELETE', '{"X-Original-Method": "GET"}')) AS m(uri, method, headers);
-- the query of /auth says nothing: it may be the client's
SELECT auth_test.show(devapp_api.handle('GET', '/auth', 'environment=none&scope=x&apikey=y', auth_test.by_key('shop') ||
    jsonb_build_object('X-Devapp-Gateway', auth_test.key('gateway'), 'X-Forwarded-Uri', '/orders/7', 'X-Forwarded-Method', 'GET')));

-- Envoy: path, query and method are those of the call
SELECT m.method, m.path, auth_test.show(a), a.headers ->> 'Allow' AS allow
  FROM (VALUES ('GET', '/auth/orders/7', NULL), ('POST', '/auth/orders/7', NULL), ('HEAD', '/auth/orders/7', NULL), ('PUT', '/auth/orders/7', NULL), ('PATCH', '/auth/orders/7', NULL), ('DELETE', '/auth/else', NULL),
               ('GET', '/auth/', NULL), ('GET', '/auth/%6Frders/7', 'a=%zz'), ('GET', '/auth/orders/..%2f7', NULL), ('GET', '/auth/auth', NULL), ('OPTIONS', '/auth/orders/7', NULL), ('PROPFIND', '/auth/orders/7', NULL),
               ('OPTIONS', '/auth', NULL), ('POST', '/auth', NULL)) AS m(method, path, query),
       devapp_api.handle(m.method, m.path, m.query, auth_test.by_key('shop') || jsonb_build_object('X-Devapp-Gateway', auth_test.key('gateway'), 'X-Forwarded-Uri', '/else', 'X-Forwarded-Method', 'PUT')) AS a;
SELECT auth_test.show(devapp_api.handle('POST', '/auth/orders/7', 'apikey=' || auth_test.key('shop'), jsonb_build_object('X-Devapp-Gateway', auth_test.key('gateway')), '\x00ff'));

-- HEAD has the same answer
SELECT h.status, h.headers = g.headers AS same, h.body
  FROM (SELECT jsonb_build_object('X-Devapp-Gateway', auth_test.key('gateway'), 'X-Forwarded-Uri', '/orders/7', 'X-Forwarded-Method', 'GET') || auth_test.by_key('shop') AS fields) AS f,
       devapp_api.handle('HEAD', '/auth', NULL, f.fields) AS h, devapp_api.handle('GET', '/auth', NULL, f.fields) AS g;

-- ---------- what else the gateway says ----------

SELECT m.key, m.options, auth_test.show(a), a.headers ->> 'X-Devapp-Scopes' AS scopes, a.headers ->> 'X-Devapp-Environment' AS environment, a.headers ->> 'WWW-Authenticate' AS challenge
  FROM (VALUES ('shop', '; environment=prod'), ('shop', ' ;environment = "prod" ; proxy=none;;'), ('shop', '; environment=none'), ('test', '; environment=prod'), ('test', ''),
               ('read', '; scope=auth:read'), ('read', '; scope="auth:read AND auth:write"'), ('read', '; scope="auth:write OR \auth:read"'), ('shop', '; cost=0')) AS m(key, options),
       auth_test.ask(auth_test.by_key(m.key), m.options) AS a;
-- mistakes are answered to the gateway, before any client's key is looked at
SELECT m.options, a.status, a.headers AS fields
  FROM (VALUES ('; scopes=x'), ('; environment=a; environment=b'), ('; cost=1; cost=0'), ('; cost=-1'), ('; cost=1000000001'), ('; cost='), ('; busy=401'), ('; scope="x'), ('; scope="x"y'),
               ('; =x'), ('; cost'), ('; cost;'), ('; Cost=1'), ('; environment=prod, x; cost=0'), ('; scope=(x'), ('; client=nobody'), ('; fields=app-id,app'), ('; fields="app-id, code"'), ('; fields=App-Id'), ('; fields=x-devapp-app'), ('; fields="app app"'),
               ('; fields=app; fields=app')) AS m(options), auth_test.ask(auth_test.by_key('shop'), m.options) AS a;
-- the fields that it wants; the code is always there, and so is what a client that is refused needs
CREATE FUNCTION auth_test.names(answer devapp_api.response) RETURNS text LANGUAGE sql
    RETURN (SELECT string_agg(replace(n, 'X-Devapp-', '*'), ' ' ORDER BY n COLLATE "C") FROM jsonb_object_keys($1.headers - 'Cache-Control') AS n);
SELECT m.options, a.status, auth_test.names(a) AS fields
  FROM (VALUES (''), ('; fields='), ('; fields=""'), ('; fields=" , "'), ('; fields=app-id'), ('; fields=app-id scopes'), ('; fields="app-id, scopes"'), (';fields=",scopes\,app-id,"; environment=prod'),
               ('; fields="status fault"'), ('; fields=app'), ('; fields=owner'), ('; fields=credential-id'), ('; fields=consumer-key'), ('; fields=environment; environment=prod'), ('; fields=product'), ('; fields=scopes'),
               ('; fields=ratelimit'), ('; busy=403; fields=app'),
               ('; environment=prod; fields="status, fault, app-id, app, owner, credential-id, consumer-key, environment, product, scopes, ratelimit"')) AS m(options),
       auth_test.ask(auth_test.by_key('shop'), m.options) AS a;
-- with the values that they have in the whole answer
SELECT few.headers <@ whole.headers AS same, few.headers - 'X-Devapp-App-Id' AS fields
  FROM auth_test.ask(auth_test.by_key('shop')) AS whole, auth_test.ask(auth_test.by_key('shop'), '; fields="app-id, scopes"') AS few;
SELECT m.key, m.options, a.status, auth_test.names(a) AS fields, a.headers ->> 'X-Devapp-Status' AS said
  FROM (VALUES ('read', '; scope=auth:write; fields='), ('read', '; scope=auth:write; fields="scopes, app, fault"'), ('read', '; scope=auth:write; busy=403; fields='), (NULL, '; fields='),
               (NULL, '; busy=403; fields='), (NULL, '; fields="app, fault, ratelimit"')) AS m(key, options),
       auth_test.ask(CASE WHEN m.key IS NULL THEN '{}' ELSE auth_test.by_key(m.key) END, m.options) AS a;
-- a gateway whose key is for one environment
SELECT m.key, m.options, auth_test.show(auth_test.ask(auth_test.by_key(m.key), m.options, gateway => 'prod gateway'))
  FROM (VALUES ('shop', ''), ('shop', '; environment=prod'), ('shop', '; environment=test'), ('test', '')) AS m(key, options);

-- ---------- who asks ----------

CREATE FUNCTION auth_test.by(gateway jsonb) RETURNS text LANGUAGE sql
BEGIN ATOMIC
    SELECT concat_ws(' | ', auth_test.show(a), a.headers ->> 'WWW-Authenticate')
      FROM devapp_api.handle('GET', '/auth', NULL, auth_test.by_key('shop') || jsonb_build_object('X-Forwarded-Uri', '/orders/7', 'X-Forwarded-Method', 'GET') || $1) AS a;
END;
SELECT m.what, auth_test.by(m.gateway)
  FROM (VALUES ('nobody', '{}'::jsonb), ('an empty key', '{"X-Devapp-Gateway": ""}'), ('only parameters', '{"X-Devapp-Gateway": "; cost=0"}'), ('an unknown key', '{"X-Devapp-Gateway": "dvk_live_x; cost=0"}'),
               ('the client', jsonb_build_object('X-Devapp-Gateway', auth_test.key('shop'))), ('a reader', jsonb_build_object('X-Devapp-Gateway', auth_test.key('reader'))),
               ('two in one field', jsonb_build_object('X-Devapp-Gateway', 'x, ' || auth_test.key('gateway'))), ('two in one field', jsonb_build_object('X-Devapp-Gateway', auth_test.key('gateway') || ', x')),
               ('a gateway', jsonb_build_object('X-Devapp-Gateway', '  ' || auth_test.key('gateway') || ' ;')),
               ('a gateway by Authorization', jsonb_build_object('Authorization', 'Bearer ' || auth_test.key('gateway')))) AS m(what, gateway);
-- which is not the client's key then
SELECT auth_test.show(devapp_api.handle('GET', '/auth', NULL, jsonb_build_object('Authorization', 'Bearer ' || auth_test.key('gateway'), 'X-Forwarded-Uri', '/orders/7', 'X-Forwarded-Method', 'GET')));
-- a client that asks for itself is nobody
SELECT auth_test.show(devapp_api.handle('GET', '/auth', NULL, jsonb_build_object('Authorization', 'Bearer ' || auth_test.key('shop'), 'X-Forwarded-Uri', '/orders/7', 'X-Forwarded-Method', 'GET')));
-- HTML is as good as anything, since there is no body
SELECT auth_test.show(auth_test.ask(auth_test.by_key('shop') || '{"Accept": "text/html"}'));
-- the function itself is for handle() only
SELECT devapp_internal.gateway_auth(NULL);

-- ---------- from where ----------

-- the gateway says so, or the adapter knows whom the gateway forwards
SELECT m.options, m.headers, auth_test.show(auth_test.ask(auth_test.by_key('office') || m.headers, m.options))
  FROM (VALUES ('; client=192.0.2.7', '{}'::jsonb), ('; client=192.0.3.7', '{":client": "192.0.2.7", "X-Forwarded-For": "192.0.2.7"}'), ('', '{":client": "192.0.2.7", "X-Forwarded-For": "192.0.2.7"}'),
               ('', '{":client": "192.0.3.7", "X-Client-IP": "192.0.2.7", "X-Forwarded-For": "192.0.2.7"}'), ('', '{"X-Client-IP": "192.0.2.7", "X-Forwarded-For": "192.0.2.7"}'),
               ('', '{":client": "192.0.2.7"}'), ('', '{}'), ('; client=::ffff:192.0.2.7', '{}')) AS m(options, headers);

-- ---------- names in fields ----------

-- no name ends its field, or is read as another one
SELECT FROM auth_test.make_key('named', '{auth-orders}', app => U&'K\00E4se; 100%\\, "x" \2603');
SELECT a.status, a.headers ->> 'X-Devapp-App' AS app FROM auth_test.ask(auth_test.by_key('named')) AS a;
SELECT a.status, a.headers ->> 'X-Devapp-Code' AS code, a.headers ->> 'X-Devapp-Environment' AS environment
  FROM (VALUES (U&'pr\00F6d'), (' x ')) AS m(environment), auth_test.ask(auth_test.by_key('named'), '; environment="' || m.environment || '"') AS a;
-- control characters get neither into names nor into the question
UPDATE devapp.app SET name = E'a\r\nX-Devapp-Code: VALID' WHERE name LIKE 'K%';
SELECT (auth_test.ask(auth_test.by_key('named'), E'; environment="a\r\nX-Devapp-Code: VALID"')).status;

-- ---------- limits ----------

SELECT FROM devapp.create_product('auth-few', quota_limit => 3, quota_interval => 1200, quota_unit => 'month', quota_enforcement => 'hard');
SELECT FROM auth_test.make_key('few', '{auth-few}');
CREATE VIEW auth_test.limits AS
SELECT a.status, a.headers ->> 'X-Devapp-Code' AS code, a.headers ->> 'X-Devapp-Status' AS said, a.headers ->> 'RateLimit-Policy' AS policy, regexp_replace(a.headers ->> 'RateLimit', 't=\d{6,}', 't=long') AS left,
       (a.headers ->> 'Retry-After')::bigint > 1000000 AS later, o.options
  FROM (VALUES ('; cost=0'), ('; busy=403; cost=1'), ('; cost=1'), ('; busy=403; fields='), ('; fields='), ('; fields=ratelimit')) AS o(options), auth_test.ask(auth_test.by_key('few'), o.options) AS a;
SELECT * FROM auth_test.limits WHERE options = '; cost=0';
SELECT (devapp.consume_quota(auth_test.key('few'), cost => 2)).code, (devapp.consume_quota(auth_test.key('few'))).code;
SELECT * FROM auth_test.limits;

-- ---------- what ends ----------

SELECT FROM devapp.revoke_credential((SELECT id FROM auth_test.key WHERE name = 'shop'));
SELECT auth_test.show(auth_test.ask(auth_test.by_key('shop')));
SELECT FROM devapp.set_team_status('auth-team', 'deactivate');
SELECT a.status, a.headers ->> 'X-Devapp-Code' AS code, a.headers ->> 'X-Devapp-Fault' AS fault FROM auth_test.ask(auth_test.by_key('team')) AS a;
SELECT FROM devapp.revoke_credential((SELECT id FROM auth_test.key WHERE name = 'gateway'));
SELECT auth_test.show(auth_test.ask(auth_test.by_key('read')));

SET client_min_messages = warning;
DROP SCHEMA auth_test CASCADE;
RESET client_min_messages;
