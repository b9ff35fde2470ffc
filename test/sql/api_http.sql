-- Requests that PostgREST passes on for a proxy: what it says counts with the shared token only.
\set SHOW_CONTEXT never
\pset null ~

CREATE FUNCTION devapp_internal.test_echo(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE sql
    RETURN devapp_internal.json_response(200, jsonb_strip_nulls(to_jsonb(request)), '{"X-Two": "a \"b\" \\", "Cache-Control": "max-age=1"}');
CREATE FUNCTION devapp_internal.test_empty(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE sql
    RETURN devapp_internal.empty_response(204);
SELECT FROM devapp_internal.add_route('GET', '/test/echo', 'devapp_internal.test_echo', 'nothing', 'devapp');
SELECT FROM devapp_internal.add_route('PUT', '/test/echo', 'devapp_internal.test_echo', 'nothing', 'devapp');
SELECT FROM devapp_internal.add_route('DELETE', '/test/echo', 'devapp_internal.test_empty', 'nothing', 'devapp');
SELECT FROM devapp_internal.add_route('GET', '/test/manager', 'devapp_internal.test_echo', 'admin', 'devapp');

-- As PostgREST does it: the headers as a setting, the status and the headers of the answer from two others.
CREATE SCHEMA api_test;
CREATE FUNCTION api_test.http(headers text, sent bytea DEFAULT '', OUT status text, OUT fields jsonb, OUT body text) LANGUAGE plpgsql AS $$
DECLARE
    answer bytea;
BEGIN
    PERFORM set_config('request.headers', headers, true), set_config('response.status', '', true), set_config('response.headers', '', true);
    answer := devapp_api.http(sent);
    status := current_setting('response.status', true);
    fields := current_setting('response.headers', true);
    body := convert_from(answer, 'UTF8');
END
$$;
-- The headers that nginx sends for a request, and others.
CREATE FUNCTION api_test.headers(method text, uri text, others jsonb DEFAULT '{}', token text DEFAULT repeat('a1b2', 16)) RETURNS text LANGUAGE sql
    RETURN (jsonb_build_object('host', 'postgrest', 'accept', '*/*', 'content-type', 'application/octet-stream', 'x-forwarded-proto', 'https', 'x-forwarded-host', 'api.example.com',
                               'x-client-ip', '192.0.2.7') || jsonb_strip_nulls(jsonb_build_object('x-devapp-proxy', token, 'x-original-method', method, 'x-original-uri', uri)) || others)::text;

-- ---------- the token ----------

-- where no file is set nobody comes in
SELECT r.* FROM api_test.http(api_test.headers('GET', '/test/echo')) AS r;
SELECT r.* FROM api_test.http(api_test.headers('GET', '/test/echo', token => '')) AS r;
COPY (SELECT line FROM (VALUES ('# shared with nginx'), ('1:' || repeat('a1b2', 16)), ('2:' || repeat('C3D4', 8))) AS l(line)) TO PROGRAM 'umask 077; cat > devapp_regression.proxy_token';
ALTER SYSTEM SET devapp.proxy_token_file = 'devapp_regression.proxy_token';
SELECT pg_reload_conf(), pg_sleep(1);
-- with a token of the file, in hex digits of either case, and nothing else
SELECT left(t.token, 70) AS token, r.status, r.body::jsonb -> 'error' AS error
  FROM (VALUES (repeat('a1b2', 16)), (repeat('A1B2', 16)), (repeat('c3d4', 8)), (NULL), (''), ('1:' || repeat('a1b2', 16)), (repeat('a1b2', 8)), (repeat('a1b2', 16) || 'a1'), (repeat('a1b2', 16) || ' '),
               (repeat('c3d4', 16)), (repeat('a1b2', 15) || 'a1b3'), (repeat('a1b2', 15) || 'a1b'), ('x'), (repeat('a1', 100))) AS t(token),
       api_test.http(api_test.headers('GET', '/test/echo', token => t.token)) AS r;
-- whoever calls it without PostgREST brings none
SELECT h.headers, r.status FROM (VALUES (''), ('{}'), ('[]'), ('null'), ('"x"')) AS h(headers), api_test.http(h.headers) AS r;
SELECT r.status, r.body FROM api_test.http('{"x-devapp-proxy": "' || repeat('a1b2', 16)) AS r;
-- two headers of that name are none
SELECT r.status, r.body FROM api_test.http(api_test.headers('GET', '/test/echo', '{"X-Devapp-Proxy": "x"}')) AS r;
SELECT r.status, r.body FROM api_test.http(api_test.headers('GET', '/test/echo', jsonb_build_object('x-devapp-proxy', jsonb_build_array(repeat('a1b2', 16))))) AS r;
-- the file counts as it is now, without a reload
COPY (SELECT '2:' || repeat('C3D4', 8)) TO PROGRAM 'cat > devapp_regression.proxy_token';
SELECT t.token, r.status FROM (VALUES (repeat('a1b2', 16)), (repeat('c3d4', 8))) AS t(token), api_test.http(api_test.headers('GET', '/test/echo', token => t.token)) AS r;
-- one that others may read, or that is broken or gone, lets nobody in
COPY (SELECT 1) TO PROGRAM 'cat > /dev/null; chmod 644 devapp_regression.proxy_token';
SELECT r.status, r.fields ->> 'Retry-After' AS retry_after, r.body FROM api_test.http(api_test.headers('GET', '/test/echo', token => repeat('c3d4', 8))) AS r;
SELECT devapp_internal.check_proxy_tokens();
COPY (SELECT '1:' || repeat('a1b2', 16)) TO PROGRAM 'rm devapp_regression.proxy_token; umask 077; cat > devapp_regression.proxy_token; echo 1:x >> devapp_regression.proxy_token';
SELECT r.status FROM api_test.http(api_test.headers('GET', '/test/echo')) AS r;
SELECT devapp_internal.check_proxy_tokens();
COPY (SELECT '1:' || repeat('a1b2', 16)) TO PROGRAM 'cat > devapp_regression.proxy_token';
SELECT r.status FROM api_test.http(api_test.headers('GET', '/test/echo')) AS r;
SELECT devapp_internal.check_proxy_tokens();

-- ---------- what the request was ----------

-- its own headers are back under their names, and nothing of the proxy is left
SELECT r.status, jsonb_pretty(r.fields) AS fields, jsonb_pretty(r.body::jsonb) AS body
  FROM api_test.http(api_test.headers('PUT', '/test/echo?a=1&b=%3F?', '{"x-original-type": "application/json; charset=utf-8", "x-original-authorization": "Bearer dvk_live_x", "x-original-accept": "application/json",
                                      "x-original-origin": "https://portal.example.com", "user-agent": "curl/8", "dpop": "x.y.z"}'), '{"c": 3}') AS r;
-- a field that the client did not send is not there
SELECT r.body::jsonb -> 'headers' AS headers FROM api_test.http(api_test.headers('GET', '/test/echo')) AS r;
SELECT u.uri, r.status, r.body::jsonb ->> 'path' AS path, r.body::jsonb -> 'query' AS query, r.body::jsonb -> 'error' ->> 'message' AS message
  FROM (VALUES ('/test/echo'), ('/test/echo?'), ('/test/echo?a=b?c=d'), ('/rpc/http'), (NULL), (''), ('*'), ('test/echo'), ('//test/echo'), ('/test/x/../echo'), ('https://api.example.com/test/echo'),
               ('/test/echo#x'), ('/test/echo HTTP/1.1'), (E'/test/echo\r\nX-Original-Method: DELETE'), ('/test/echo?a=%')) AS u(uri), api_test.http(api_test.headers('GET', u.uri)) AS r;
SELECT r.status FROM api_test.http(api_test.headers('GET', '/' || repeat('x', 9000))) AS r;
SELECT m.method, r.status, r.fields ->> 'Allow' AS allow, r.body FROM (VALUES ('DELETE'), ('HEAD'), ('OPTIONS'), ('PATCH'), (NULL), ('')) AS m(method), api_test.http(api_test.headers(m.method, '/test/echo')) AS r;
SELECT r.status, r.body FROM api_test.http(api_test.headers('PUT', '/test/echo'), convert_to(repeat('x', 1024 * 1024 + 1), 'UTF8')) AS r;

-- ---------- what a client could smuggle in ----------

-- under the names of the proxy nothing of the client arrives here: nginx replaces it, and what it does not know is dropped
SELECT o.others, r.status, r.body::jsonb - '{method,path,query,params,base_url,client}'::text[] AS read
  FROM (VALUES ('{"x-original-host": "evil", "x-original-": "1", "X-Original-Foo": "1", "x-original": "kept"}'::jsonb), ('{":client": "198.51.100.1", ":base": "https://evil.example.com", ":x": "1"}'),
               ('{"authorization": "Bearer of-postgrest", "Content-Type": "text/xml", "Origin": "https://evil.example.com", "cookie": "a=b"}'), ('{"": "1"}')) AS o(others), api_test.http(api_test.headers('GET', '/test/echo', o.others)) AS r;
SELECT o.others, r.status, r.body::jsonb -> 'error' ->> 'message' AS message
  FROM (VALUES ('{"X-Original-URI": "/test/manager"}'::jsonb), ('{"X-ORIGINAL-METHOD": "DELETE"}'), ('{"X-Client-IP": "198.51.100.1"}'), ('{"x-original-type": "a/b", "X-Original-Type": "c/d"}'), ('{"X-A": "1", "x-a": "2"}'),
               ('{"x-original-authorization": ["a", "b"]}'), ('{"x-original-authorization": null}'), ('{"x-a\r\nb": "1"}'), ('{"x-a": "1\r\nX-B: 2"}'), ('{"x-client-ip": "198.51.100.1, 192.0.2.7"}')) AS o(others),
       api_test.http(api_test.headers('GET', '/test/echo', o.others)) AS r;
-- an Authorization that came to PostgREST itself proves nothing
SELECT r.status, r.body FROM api_test.http(api_test.headers('GET', '/test/manager', '{"authorization": "Bearer x"}')) AS r;
SELECT r.status, r.body FROM api_test.http(api_test.headers('GET', '/test/manager', '{"x-original-authorization": "Bearer x"}')) AS r;
-- where URLs begin: as far as it can be one
SELECT o.others, r.body::jsonb ->> 'base_url' AS base_url, r.body::jsonb ->> 'client' AS client
  FROM (VALUES ('{"x-forwarded-host": "api.example.com:8443"}'::jsonb), ('{"x-forwarded-host": "[2001:db8::1]", "x-forwarded-proto": "http", "x-client-ip": "2001:db8::7"}'), ('{"x-forwarded-host": "evil.example.com/x"}'),
               ('{"x-forwarded-host": "user@evil.example.com"}'), ('{"x-forwarded-host": ""}'), ('{"x-forwarded-proto": "gopher"}'), ('{"x-forwarded-proto": "https,http"}')) AS o(others), api_test.http(api_test.headers('GET', '/test/echo', o.others)) AS r;

-- ---------- the answer ----------

-- it lasts for the transaction
BEGIN;
SELECT r.status FROM api_test.http(api_test.headers('GET', '/test/echo')) AS r;
SELECT r.status, r.fields FROM api_test.http(api_test.headers('GET', '/test/absent')) AS r;
COMMIT;
SELECT current_setting('response.status') AS status, current_setting('response.headers') AS headers;
-- the role of PostgREST needs no more than devapp_http has
BEGIN;
SELECT FROM devapp.setup_roles();
SELECT set_config('request.headers', api_test.headers('DELETE', '/test/echo'), true) IS NOT NULL AS set;
SET LOCAL ROLE devapp_http;
SELECT devapp_api.http('') AS body, current_setting('response.status') AS status, current_setting('response.headers') AS headers;
-- and sees neither the name of the file nor what the API keeps
SAVEPOINT s;
\set VERBOSITY sqlstate
SHOW devapp.proxy_token_file;
\set VERBOSITY default
ROLLBACK TO s;
SELECT devapp_internal.check_proxy_tokens();
ROLLBACK;
ALTER SYSTEM RESET devapp.proxy_token_file;
SELECT pg_reload_conf(), pg_sleep(1);
COPY (SELECT 1) TO PROGRAM 'cat > /dev/null; rm devapp_regression.proxy_token';
SELECT r.status FROM api_test.http(api_test.headers('GET', '/test/echo')) AS r;
SELECT devapp_internal.check_proxy_tokens();
DELETE FROM devapp_api.route WHERE pattern::text ~ '^/test/';
SET client_min_messages = warning;
DROP SCHEMA api_test CASCADE;
DROP FUNCTION devapp_internal.test_echo(devapp_internal.http_request), devapp_internal.test_empty(devapp_internal.http_request);
