-- Requests over HTTP as they come: paths, methods, queries, header fields, bodies, and what
-- every answer has.  Routes of this test say what their functions got.
\set SHOW_CONTEXT never
\pset null ~

CREATE FUNCTION devapp_internal.test_echo(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE sql
    RETURN devapp_internal.json_response(200, to_jsonb(request));
-- status, one header field and a body as the query says
CREATE FUNCTION devapp_internal.test_answer(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE sql
    RETURN ROW((request.query ->> 'status')::integer, jsonb_build_object(request.query ->> 'name', request.query -> 'value'), request.query ->> 'body')::devapp_internal.http_response;
CREATE FUNCTION devapp_internal.test_headers(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE sql
    RETURN ROW(200, (request.query ->> 'headers')::jsonb, NULL)::devapp_internal.http_response;
CREATE FUNCTION devapp_internal.test_nothing(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE sql
    RETURN NULL::devapp_internal.http_response;
SELECT FROM devapp_internal.add_route('GET', '/test/echo', 'devapp_internal.test_echo', 'nothing', 'devapp');
SELECT FROM devapp_internal.add_route('POST', '/test/echo', 'devapp_internal.test_echo', 'nothing', 'devapp');
SELECT FROM devapp_internal.add_route('DELETE', '/test/echo/{name}', 'devapp_internal.test_echo', 'nothing', 'devapp');
SELECT FROM devapp_internal.add_route('PUT', '/test/echo/{name}/{other_name}', 'devapp_internal.test_echo', 'nothing', 'devapp');
SELECT FROM devapp_internal.add_route('GET', '/test/echo/{name}/known', 'devapp_internal.test_echo', 'nothing', 'devapp');
SELECT FROM devapp_internal.add_route('PATCH', '/test/rest/{rest+}', 'devapp_internal.test_echo', 'nothing', 'devapp');
SELECT FROM devapp_internal.add_route('GET', '/test/answer', 'devapp_internal.test_answer', 'nothing', 'devapp');
SELECT FROM devapp_internal.add_route('GET', '/test/headers', 'devapp_internal.test_headers', 'nothing', 'devapp');
SELECT FROM devapp_internal.add_route('GET', '/test/nothing', 'devapp_internal.test_nothing', 'nothing', 'devapp');
SELECT FROM devapp_internal.add_route('GET', '/test/none', 'devapp_internal.test_echo', 'read', 'none');

CREATE SCHEMA api_test;
-- The answer in words: bodies are JSON.
CREATE FUNCTION api_test.ask(method text, path text, query text DEFAULT NULL, headers jsonb DEFAULT NULL, body bytea DEFAULT NULL,
                             OUT status integer, OUT fields jsonb, OUT body jsonb) LANGUAGE sql
BEGIN ATOMIC
    SELECT r.status, r.headers, convert_from(r.body, 'UTF8')::jsonb FROM devapp_api.handle($1, $2, $3, $4, $5) AS r;
END;
-- What a request with this body is read as, or the message of its error.
CREATE FUNCTION api_test.post(type text, body bytea) RETURNS text LANGUAGE sql
BEGIN ATOMIC
    SELECT concat_ws(' ', a.status, nullif(a.body ->> 'form', '{}'), a.body ->> 'body', a.body -> 'error' ->> 'message')
      FROM api_test.ask('POST', '/test/echo', NULL, jsonb_strip_nulls(jsonb_build_object('Content-Type', $1)), $2) AS a;
END;

-- ---------- the whole of it ----------

SELECT status, jsonb_pretty(fields) AS fields, jsonb_pretty(body) AS body
  FROM api_test.ask('GET', '/test/echo', 'a=1&b=x%20y&b=z', '{"Accept": "application/json", "X-Thing": "t"}');

-- nothing at all
SELECT * FROM devapp_api.handle(NULL, NULL);
SELECT status, body -> 'error' ->> 'message' AS message FROM api_test.ask('GET', NULL);

-- ---------- paths ----------

-- a template stands for one segment, decoded; a plus is a plus
SELECT left(m.path, 30) AS path, a.status, a.body ->> 'path' = m.path AS raw, left(a.body ->> 'params', 60) AS params
  FROM (VALUES ('DELETE', '/test/echo/ann@example.com'), ('DELETE', '/test/echo/ann%40example.com'), ('DELETE', '/test/echo/a+b%20c'),
               ('DELETE', '/test/echo/%C3%A4'), ('DELETE', '/test/echo/%7Bname%7D'), ('DELETE', '/test/%65cho/x'),
               ('PUT', '/test/echo/a/b'), ('PUT', '/test/echo/x/known'), ('GET', '/test/echo/x/known'), ('PATCH', '/test/rest/a/b%20c'),
               ('DELETE', '/test/echo/' || repeat('x', 300))) AS m(method, path),
       api_test.ask(m.method, m.path) AS a;
-- what is not there, or could mean another path
SELECT m.path, a.status, a.body -> 'error' ->> 'message' AS message
  FROM (VALUES ('/'), ('/test'), ('/test/echo/'), ('/TEST/echo'), ('/test//echo'), ('/test/echo/a/b/c'),
               (''), ('test/echo'), ('*'), ('http://host/test/echo'), ('/test/./echo'), ('/test/../test/echo'), ('/test/%2e%2E/test/echo'), ('/test/echo/..;x'), ('/test/echo/a%2Fb'),
               ('/test/echo/a\b'), ('/test/echo/%zz'), ('/test/echo/%C3'), ('/test/echo/%C0%AE'), ('/test/echo/%00'), ('/test/echo/%0d%0a'), ('/test/echo/ä'),
               ('/test/echo/a b'), ('/test/echo#a'), ('/test/echo?a=b')) AS m(path),
       api_test.ask('DELETE', m.path) AS a;
SELECT a.status, a.body -> 'error' AS error FROM api_test.ask('GET', '/' || repeat('x', 8192)) AS a;
SELECT a.status FROM api_test.ask('GET', '/' || repeat('x', 8191)) AS a;

-- ---------- methods ----------

SELECT left(m.method, 10) AS method, a.status, a.fields ->> 'Allow' AS allow, a.body -> 'error' AS error
  FROM (VALUES ('POST'), ('PUT'), ('OPTIONS'), ('get'), ('PROPFIND'), ('TRACE'), ('CONNECT'), ('HEAD x'), (''), (repeat('X', 100))) AS m(method),
       api_test.ask(m.method, '/test/answer') AS a;
-- all methods of all patterns that the path is one of
SELECT a.status, a.fields ->> 'Allow' AS allow FROM api_test.ask('POST', '/test/echo/x/known') AS a;
-- HEAD is GET without a body
SELECT h.status, h.headers = g.headers AS same_headers, h.body, g.body IS NOT NULL AS get_has_one
  FROM devapp_api.handle('HEAD', '/test/echo') AS h, devapp_api.handle('GET', '/test/echo') AS g;
SELECT h.status, h.headers ->> 'Content-Type' AS type, h.body FROM devapp_api.handle('HEAD', '/test/absent') AS h;
SELECT h.status, h.headers ->> 'Allow' AS allow FROM devapp_api.handle('HEAD', '/test/rest/x') AS h;

-- ---------- the query ----------

SELECT m.query, a.status, a.body -> 'query' AS read, a.body -> 'error' ->> 'message' AS message
  FROM (VALUES (NULL), (''), ('a'), ('a='), ('=a'), ('a=b&&c=d&'), ('a=b=c'), ('a=1&A=2&a=3&a=4'), ('a=x+y%2B%26%3D'), ('a%5Bb%5D=c'), ('a=%C3%A4'), ('a=?/:@'),
               ('a=%'), ('a=%4'), ('a=%g0'), ('a=%FF'), ('a=%00'), ('a=%ED%A0%80'), ('a=ä'), ('a=b c'), (E'a=b\nc')) AS m(query),
       api_test.ask('GET', '/test/echo', m.query) AS a;
SELECT n, a.status, a.body -> 'error' ->> 'message' AS message FROM (VALUES (256), (257)) AS m(n), api_test.ask('GET', '/test/echo', repeat('a&', n)) AS a;
SELECT n, a.status, length(a.body -> 'query' ->> 'a') AS length FROM (VALUES (65536), (65537)) AS m(n), api_test.ask('GET', '/test/echo', rpad('a=', n, 'x')) AS a;

-- ---------- header fields ----------

SELECT a.status, a.body -> 'headers' AS read, a.body -> 'error' ->> 'message' AS message
  FROM (VALUES ('{"X-A": "1", "x-b": "2"}'::jsonb), ('{}'), ('{"X-A": ""}'), ('{"X-A": "\u00e4\tb"}'),
               ('{"X-A": "1", "x-a": "2"}'), ('{"X-A": 1}'), ('{"X-A": null}'), ('{"X-A": ["1", "2"]}'), ('{"X A": "1"}'), ('{"": "1"}'), ('{"X:A": "1"}'), ('{":other": "1"}'),
               ('{"X-A": "1\r\nX-B: 2"}'), ('{"X-A\r\n": "1"}'), ('{"X-\u00e4": "1"}'), ('[]'), ('"X-A"'), ('null')) AS m(headers),
       api_test.ask('GET', '/test/echo', NULL, m.headers) AS a;
-- those of the adapter
SELECT a.status, a.body ->> 'client' AS client, a.body ->> 'base_url' AS base_url, a.body -> 'error' ->> 'message' AS message
  FROM (VALUES ('{":client": "192.0.2.7", ":base": "https://api.example.com"}'::jsonb), ('{":client": "2001:db8::1"}'), ('{"Client": "192.0.2.7"}'), ('{":Client": "192.0.2.7"}'),
               ('{":client": "here"}'), ('{"Host": "evil.example.com", "X-Forwarded-Host": "evil.example.com"}')) AS m(headers),
       api_test.ask('GET', '/test/echo', NULL, m.headers) AS a;
-- what is set counts more than what a proxy says
SET devapp.base_url = 'https://set.example.com/devapp';
SELECT a.body ->> 'base_url' AS base_url FROM api_test.ask('GET', '/test/echo', NULL, '{":base": "https://api.example.com"}') AS a;
RESET devapp.base_url;
SET devapp.issuer = 'https://issuer.example.com';
SELECT a.body ->> 'base_url' AS base_url FROM api_test.ask('GET', '/test/echo', NULL, '{":base": "https://api.example.com"}') AS a;
RESET devapp.issuer;
SET devapp.base_url = 'https://api.example.com/';
SET devapp.base_url = 'api.example.com';
SET devapp.base_url = 'https://api.example.com/?a';

-- Authorization
SELECT m.value, a.body ->> 'basic_user' AS basic_user, a.body ->> 'basic_password' AS basic_password, a.body ->> 'bearer' AS bearer
  FROM (VALUES ('Basic YTpiOmM='), ('bAsIc  YTpiOmM= '), ('Basic Og=='), ('Basic YQ=='), ('Basic YTpi='), ('Basic YTpi YTpi'), ('Basic /zpi'), ('Basic'), ('Basic YTpiAA=='),
               ('Bearer dvk_live_x'), ('BEARER x.y-z'), ('DPoP x'), ('Bearer'), ('Bearer a b'), ('Bearer a,b'), ('Bearer "a"'), ('Digest a'), ('dvk_live_x'), ('')) AS m(value),
       api_test.ask('GET', '/test/echo', NULL, jsonb_build_object('authorization', m.value)) AS a;

-- Accept
SELECT m.accept, a.status, a.body -> 'error' ->> 'message' AS message
  FROM (VALUES ('*/*'), (''), ('application/*'), ('Application/JSON'), ('application/vnd.x+json'), ('text/html, application/json;q=0.1'), ('text/html,*/*;q=0.8'),
               ('application/xml'), ('text/*'), ('text/html, application/json;q=0'), ('*/*; q=0.000'), ('application/jsonx'), (',')) AS m(accept),
       api_test.ask('GET', '/test/echo', NULL, jsonb_build_object('Accept', m.accept)) AS a;

-- ---------- bodies ----------

-- JSON, also where nothing says what it is, and any name of it
SELECT t.type, api_test.post(t.type, convert_to('{"a": [1, {"b": null}], "c": "\u00e4"}', 'UTF8'))
  FROM (VALUES (NULL), (''), ('application/json'), ('Application/JSON; charset=UTF-8'), ('application/json;charset="utf-8"'), ('application/merge-patch+json'), ('application/octet-stream'),
               ('application/json; charset=latin1'), ('text/json'), ('text/plain'), ('application/xml'), ('multipart/form-data; boundary=x')) AS t(type);
SELECT b.body, left(api_test.post('application/json', convert_to(b.body, 'UTF8')), 110) AS answer
  FROM (VALUES (''), ('{}'), (' {"a": "ä"} '), ('{"a": 1e400}'), ('{"a": "\ud83d\ude00"}'),
               ('[1]'), ('"a"'), ('null'), ('{'), ('{"a": 1,}'), ('{"a": 1} {}'), ('{a: 1}'), ('{"a": 01}'), ('{"a": 1, "a": 2}'), ('{"a": 1, "\u0061": 2}'), ('{"x": {"a": 1, "a": 2}}'),
               ('{"x": [{"a": 1, "a": 1}]}'), ('{"a": "\u0000"}'), ('{"\u0000": 1}'), ('{"a": "\ud83d"}'), (E'{"a": "\t"}'), ('{"a": 1e999999}'), ('<a/>'), ('a=b')) AS b(body);
SELECT b.type, b.body, api_test.post(b.type, b.body) AS answer
  FROM (VALUES ('application/json', '\x7b2261223a2022ff227d'::bytea), ('application/json', '\x7b2261223a202200227d'), (NULL, 'a=b'), (NULL, '\xfffe')) AS b(type, body);
-- as deep, and with as many members, as may be
SELECT n, left(api_test.post('application/json', convert_to('{"a": ' || repeat('[', n) || repeat(']', n) || '}', 'UTF8')), 110) FROM (VALUES (15), (16), (100000)) AS d(n);
SELECT n, left(api_test.post('application/json', convert_to((SELECT jsonb_object_agg(i, i) FROM generate_series(1, n) AS i)::text, 'UTF8')), 20) FROM (VALUES (256), (257)) AS d(n);
-- as long as may be
SELECT n, length(a.body -> 'body' ->> 'a') AS length, a.status, a.body -> 'error' AS error
  FROM (VALUES (1048576), (1048577), (4000000)) AS d(n), api_test.ask('POST', '/test/echo', NULL, NULL, convert_to('{"a":"' || repeat('x', n - 8) || '"}', 'UTF8')) AS a;

-- forms
SELECT b.body, api_test.post('application/x-www-form-urlencoded', convert_to(b.body, 'UTF8'))
  FROM (VALUES (''), ('grant_type=client_credentials&scope=a%20b+c'), ('resource=a&resource=b'), ('a=ä'), ('a=%'), ('a=%FF'), (E'a=b\r\n'), ('{"a": 1}')) AS b(body);
SELECT api_test.post('application/x-www-form-urlencoded; charset=utf-8', 'a=b'), api_test.post('application/x-www-form-urlencoded; charset=latin1', 'a=b'),
       api_test.post('application/x-www-form-urlencoded', '\x613dff'), api_test.post('application/x-www-form-urlencoded', '\x613d00');
SELECT n, left(api_test.post('application/x-www-form-urlencoded', convert_to(repeat('a=&', n), 'UTF8')), 60) FROM (VALUES (256), (257)) AS d(n);

-- the body of a GET does not count, that of a DELETE does
SELECT a.status, a.body -> 'body' AS body FROM api_test.ask('GET', '/test/echo', NULL, '{"Content-Type": "text/xml"}', '<a/>') AS a;
SELECT a.status, a.body -> 'body' AS body, a.body -> 'params' AS params FROM api_test.ask('DELETE', '/test/echo/x', NULL, NULL, '{"a": 1}') AS a;

-- ---------- answers ----------

SELECT r.status, r.headers, convert_from(r.body, 'UTF8') AS body FROM devapp_api.handle('GET', '/test/answer', 'status=201&name=Location&value=/a%2520b&body=ok') AS r;
-- the function may let others keep its answer
SELECT r.headers FROM devapp_api.handle('GET', '/test/answer', 'status=200&name=Cache-Control&value=max-age=60') AS r
UNION ALL SELECT r.headers FROM devapp_api.handle('GET', '/test/answer', 'status=200&name=cache-control&value=max-age=60') AS r;
-- these have no body
SELECT r.status, r.body FROM (VALUES (204), (304)) AS s(status), devapp_api.handle('GET', '/test/answer', format('status=%s&name=ETag&value=x&body=x', s.status)) AS r;
SELECT r.status, r.headers, r.body FROM devapp_api.handle('GET', '/test/none', NULL, '{"Accept": "text/html"}') AS r;
-- an answer that no adapter could send is none, and nothing of it gets out
SELECT m.query, r.status, r.headers, convert_from(r.body, 'UTF8') AS body
  FROM (VALUES ('status=99&name=A&value=b'), ('status=100&name=A&value=b'), ('status=600&name=A&value=b'), ('name=A&value=b'), ('status=200&name=A&value=b%0d%0aX-Evil:%201'), ('status=200&name=A&value=%C3%A4'),
               ('status=200&name=A%0d%0aX-Evil&value=b'), ('status=200&name=A%20B&value=b'), ('status=200&name=&value=b'), ('status=200&name=A'), ('status=200&name=A&value=b&value=c')) AS m(query),
       devapp_api.handle('GET', '/test/answer', m.query) AS r;
SELECT r.status, r.headers FROM devapp_api.handle('GET', '/test/headers', 'headers=["A"]') AS r;
SELECT r.status, r.headers FROM devapp_api.handle('GET', '/test/headers', 'headers={"A":1}') AS r;
SELECT r.status, r.body FROM devapp_api.handle('GET', '/test/nothing') AS r;

-- ---------- other origins ----------

SELECT m.method, m.origin, a.status, jsonb_pretty(a.fields - '{Cache-Control,Content-Type}'::text[]) AS fields
  FROM (VALUES ('GET', 'https://portal.example.com'), ('OPTIONS', 'https://portal.example.com')) AS m(method, origin), api_test.ask(m.method, '/test/echo', NULL, jsonb_build_object('Origin', m.origin)) AS a;
SET devapp.cors_origins = 'https://portal.example.com, http://localhost:3000';
SELECT m.method, m.origin, a.status, jsonb_pretty(a.fields - '{Cache-Control,Content-Type}'::text[]) AS fields
  FROM (VALUES ('GET', 'https://portal.example.com'), ('OPTIONS', 'http://localhost:3000'), ('OPTIONS', 'https://portal.example.com.evil.example'), ('GET', 'null'), ('GET', ''),
               ('GET', NULL)) AS m(method, origin),
       api_test.ask(m.method, '/test/echo', NULL, jsonb_strip_nulls(jsonb_build_object('Origin', m.origin))) AS a;
-- also errors may be read there
SELECT a.status, a.fields ->> 'Access-Control-Allow-Origin' AS allowed FROM api_test.ask('PUT', '/test/echo', NULL, '{"Origin": "https://portal.example.com"}') AS a;
SET devapp.cors_origins = '*';
SELECT a.fields ->> 'Access-Control-Allow-Origin' AS allowed FROM api_test.ask('GET', '/test/echo', NULL, '{"Origin": "https://any.example.com"}') AS a;
RESET devapp.cors_origins;

-- ---------- routes ----------

-- a route that is gone answers nothing, in a session that knew it
DELETE FROM devapp_api.route WHERE pattern = '/test/nothing';
SELECT a.status FROM api_test.ask('GET', '/test/nothing') AS a;
BEGIN;
SELECT FROM devapp_internal.add_route('GET', '/test/nothing', 'devapp_internal.test_echo', 'nothing', 'devapp');
SELECT a.status FROM api_test.ask('GET', '/test/nothing') AS a;
ROLLBACK;
SELECT a.status FROM api_test.ask('GET', '/test/nothing') AS a;
-- one whose function is gone is a mistake of ours
DROP FUNCTION devapp_internal.test_headers(devapp_internal.http_request);
SELECT a.status, a.body FROM api_test.ask('GET', '/test/headers') AS a;
-- what cannot be a route
SELECT FROM devapp_internal.add_route('HEAD', '/test/x', 'devapp_internal.test_echo', 'nothing', 'devapp');
SELECT FROM devapp_internal.add_route('GET', '/test/*', 'devapp_internal.test_echo', 'nothing', 'devapp');
SELECT FROM devapp_internal.add_route('GET', '/test/x{y}', 'devapp_internal.test_echo', 'nothing', 'devapp');
SELECT FROM devapp_internal.add_route('GET', '/test/{y+}/z', 'devapp_internal.test_echo', 'nothing', 'devapp');
SELECT FROM devapp_internal.add_route('GET', '/test/x', 'devapp_internal.test_echo', 'everything', 'devapp');
SELECT FROM devapp_internal.add_route('GET', '/test/x', 'devapp_internal.test_echo', 'nothing', 'html');
SELECT FROM devapp_internal.add_route('GET', '/test/x', 'devapp_internal.absent', 'nothing', 'devapp');
SELECT FROM devapp_internal.add_route('GET', '/test/x', 'api_test.ask', 'nothing', 'devapp');
SELECT FROM devapp_internal.add_route('GET', '/test/echo', 'devapp_internal.test_echo', 'nothing', 'devapp');
-- every function of a route is there
SELECT r.pattern FROM devapp_api.route r WHERE r.pattern::text !~ '^/test/' AND to_regprocedure(format('devapp_internal.%I(devapp_internal.http_request)', r.function)) IS NULL;

-- ---------- a request undoes what it did ----------

CREATE FUNCTION devapp_internal.test_fails(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql AS $$
BEGIN
    CREATE TABLE api_test.made ();
    RETURN devapp_internal.json_response(1, '{}');
END
$$;
SELECT FROM devapp_internal.add_route('POST', '/test/fails', 'devapp_internal.test_fails', 'nothing', 'devapp');
BEGIN;
CREATE TABLE api_test.before ();
SELECT a.status FROM api_test.ask('POST', '/test/fails') AS a;
COMMIT;
SELECT to_regclass('api_test.made') AS made, to_regclass('api_test.before') AS before;
-- no request within another
CREATE FUNCTION devapp_internal.test_within(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql AS $$
DECLARE
    r devapp_api.response := devapp_api.handle('GET', '/test/echo');
BEGIN
    RETURN devapp_internal.json_response(r.status, '{}');
END
$$;
SELECT FROM devapp_internal.add_route('POST', '/test/within', 'devapp_internal.test_within', 'nothing', 'devapp');
SELECT a.status, a.body FROM api_test.ask('POST', '/test/within') AS a;
-- a query that is cancelled is no answer
CREATE FUNCTION devapp_internal.test_sleeps(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE sql
    RETURN devapp_internal.json_response(200, to_jsonb(pg_sleep(60)));
SELECT FROM devapp_internal.add_route('POST', '/test/sleeps', 'devapp_internal.test_sleeps', 'nothing', 'devapp');
SET statement_timeout = '200ms';
SELECT a.status FROM api_test.ask('POST', '/test/sleeps') AS a;
RESET statement_timeout;

DELETE FROM devapp_api.route WHERE pattern::text ~ '^/test/';
SET client_min_messages = warning;
DROP SCHEMA api_test CASCADE;
DROP FUNCTION devapp_internal.test_echo(devapp_internal.http_request), devapp_internal.test_answer(devapp_internal.http_request), devapp_internal.test_nothing(devapp_internal.http_request),
    devapp_internal.test_fails(devapp_internal.http_request), devapp_internal.test_within(devapp_internal.http_request), devapp_internal.test_sleeps(devapp_internal.http_request);
