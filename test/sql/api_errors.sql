-- Errors as answers: the status of each class of SQLSTATE, the forms of their bodies, what is
-- told and what is not.
\set SHOW_CONTEXT never
\pset null ~

-- A refusal of devapp's, and an error of somebody else's function.
CREATE FUNCTION devapp_internal.test_refuse(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = request.query ->> 'state', MESSAGE = coalesce(request.query ->> 'message', 'it is refused'),
        DETAIL = coalesce(request.query ->> 'detail', ''), HINT = coalesce(request.query ->> 'hint', ''), CONSTRAINT = coalesce(request.query ->> 'constraint', ''),
        COLUMN = 'hidden', TABLE = 'hidden', SCHEMA = 'hidden', DATATYPE = 'hidden';
END
$$;
CREATE SCHEMA api_test;
CREATE FUNCTION api_test.raise(state text, message text) RETURNS devapp_internal.http_response LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message, DETAIL = 'hidden', HINT = 'hidden', CONSTRAINT = 'hidden';
END
$$;
CREATE FUNCTION devapp_internal.test_raise(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE sql
    RETURN api_test.raise(request.query ->> 'state', 'a row of a table: (hidden)');
CREATE FUNCTION devapp_internal.test_http_error(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM devapp_internal.http_error((request.query ->> 'status')::integer, request.query ->> 'code', request.query ->> 'message', request.query ->> 'hint');
END
$$;
SELECT FROM (VALUES ('apigee'), ('oauth'), ('devapp'), ('none')) AS f(form),
            devapp_internal.add_route('GET', '/test/' || f.form, 'devapp_internal.test_refuse', 'nothing', f.form) AS a,
            devapp_internal.add_route('GET', '/test/raise/' || f.form, 'devapp_internal.test_raise', 'nothing', f.form) AS b,
            devapp_internal.add_route('GET', '/test/http_error/' || f.form, 'devapp_internal.test_http_error', 'nothing', f.form) AS c;
CREATE FUNCTION api_test.body(path text, query text) RETURNS text LANGUAGE sql
BEGIN ATOMIC
    SELECT concat_ws(' ', r.status, convert_from(r.body, 'UTF8')) FROM devapp_api.handle('GET', $1, $2) AS r;
END;

-- ---------- statuses ----------

SELECT s.state, r.status, r.headers ->> 'Retry-After' AS retry_after, r.headers ->> 'WWW-Authenticate' AS challenge, r.headers ->> 'Cache-Control' AS cache,
       convert_from(a.body, 'UTF8')::jsonb ->> 'code' AS apigee, convert_from(o.body, 'UTF8')::jsonb ->> 'error' AS oauth, r.status = a.status AND r.status = o.status AS same,
       f.status AS of_others, CASE WHEN f.body::text ~ encode('hidden', 'hex') THEN 'is told' END AS its_text
  FROM unnest('{22023,22P02,22004,23502,23514,23505,23503,23001,23P01,0A000,28000,28P01,42501,42704,P0002,42710,55000,55006,55P03,2BP01,54000,
                40001,40P01,25006,08006,53200,53300,57P01,58030,58P01,F0000,DV404,DV418,DV429,DV503,
                42601,42P01,42883,P0001,P0003,25001,38000,XX000,XX001,DVDRY,DV999,DV399,DV200,00001}'::text[]) WITH ORDINALITY AS s(state, n),
       devapp_api.handle('GET', '/test/devapp', 'state=' || s.state) AS r, devapp_api.handle('GET', '/test/apigee', 'state=' || s.state) AS a,
       devapp_api.handle('GET', '/test/oauth', 'state=' || s.state) AS o, devapp_api.handle('GET', '/test/raise/devapp', 'state=' || s.state) AS f
 ORDER BY s.n;

-- ---------- forms ----------

-- Apigee's, OAuth's, ours, none; names and keys in them are only text
SELECT f.form, api_test.body('/test/' || f.form, 'state=22023&message=%22ann%22%20may%20not%0d%0a%C3%A4%5c%3c&detail=Why.&hint=Do%20this.') AS answer FROM (VALUES ('apigee'), ('oauth'), ('devapp'), ('none')) AS f(form);
SELECT f.form, r.headers FROM (VALUES ('apigee'), ('none')) AS f(form), devapp_api.handle('GET', '/test/' || f.form, 'state=22023') AS r;
-- what Apigee calls a thing that is missing, or there already
SELECT s.state, m.message, convert_from(r.body, 'UTF8')::jsonb ->> 'code' AS code
  FROM (VALUES ('42704'), ('23505'), ('22023')) AS s(state), (VALUES ('developer "a" does not exist'), ('app "a/b" does not exist'), ('team "a" exists'), ('product "p" exists'), ('credential x is known'), ('developers'), ('it')) AS m(message),
       devapp_api.handle('GET', '/test/apigee', format('state=%s&message=%s', s.state, replace(m.message, ' ', '+'))) AS r
 ORDER BY s.state DESC, m.message COLLATE "C";
-- a function that says by itself what it is
SELECT f.form, q.query, api_test.body('/test/http_error/' || f.form, q.query) AS answer
  FROM (VALUES ('apigee'), ('oauth'), ('devapp'), ('none')) AS f(form), (VALUES ('status=400&code=invalid_scope&message=unknown+scope&hint=Ask+for+less.'), ('status=429&message=slowly')) AS q(query);

-- ---------- what is told ----------

-- keys are masked
SELECT 'dvk_live_abcdefghijkl_' || repeat('x', 38) AS key \gset
SELECT api_test.body('/test/devapp', format('state=22023&message=key+%1$s&detail=key+%1$s&hint=key+%1$s', :'key')) AS answer;
-- hints and details for somebody at a SQL prompt are not told
SELECT h.hint, api_test.body('/test/devapp', format('state=22023&hint=%s&detail=%1$s', replace(replace(h.hint, ' ', '+'), '>', '%3e'))) AS answer
  FROM (VALUES ('Choose another name.'), ('Call devapp.create_app.'), ('SELECT * FROM x'), ('Use name => value.'), ('Grant devapp_admin.')) AS h(hint);
-- nor is what a fault says
SELECT s.state, api_test.body('/test/devapp', format('state=%s&message=hidden&detail=hidden&hint=hidden', s.state)) AS answer FROM (VALUES ('XX000'), ('58P01'), ('40001')) AS s(state);

-- real ones: PostgreSQL's own, of which only those about a value are told
CREATE FUNCTION devapp_internal.test_sql(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE request.query ->> 'sql';
    RETURN devapp_internal.empty_response(204);
END
$$;
SELECT FROM devapp_internal.add_route('GET', '/test/sql', 'devapp_internal.test_sql', 'nothing', 'devapp');
SELECT q.sql, api_test.body('/test/sql', 'sql=' || replace(replace(replace(q.sql, ' ', '+'), '>', '%3e'), '%', '%25')) AS answer
  FROM (VALUES ('SELECT 1'), ('SELECT 1/0'), ('SELECT ''x''::integer'), ('SELECT * FROM absent'), ('SELECT'' '), ('INSERT INTO devapp.developer SELECT'),
               ('INSERT INTO devapp.team(name) VALUES (null)'), ('SELECT devapp.create_team(''a/b'')'), ('SELECT pg_notify(''x'', repeat(''y'', 10000))'), ('SELECT set_config(''absent'', ''1'', true)'),
               ('SELECT lo_get(1)'), ('SELECT pg_read_file(''/absent'')'), ('SELECT devapp.whoami()'), ('SET TRANSACTION READ ONLY')) AS q(sql);
BEGIN READ ONLY;
SELECT api_test.body('/test/sql', 'sql=CREATE+TABLE+api_test.x()') AS answer;
COMMIT;

DELETE FROM devapp_api.route WHERE pattern::text ~ '^/test/';
SET client_min_messages = warning;
DROP FUNCTION devapp_internal.test_refuse(devapp_internal.http_request), devapp_internal.test_raise(devapp_internal.http_request), devapp_internal.test_http_error(devapp_internal.http_request),
    devapp_internal.test_sql(devapp_internal.http_request);
DROP SCHEMA api_test CASCADE;
