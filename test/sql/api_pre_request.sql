-- The key of a request to PostgREST, whose part psql plays here.
\set SHOW_CONTEXT never
\pset null ~

CREATE SCHEMA pre_test;
CREATE TABLE pre_test.key (name text PRIMARY KEY, id text, secret text);
SELECT FROM devapp.create_developer('pre@example.com');
SELECT FROM devapp.create_product('pre-tables', scopes => '{pre:read,pre:write}', environments => '{prod,test}');
SELECT FROM devapp.add_operation('pre-tables', '/items', '{GET,HEAD}');
SELECT FROM devapp.add_operation('pre-tables', '/rpc/order', '{POST}');
SELECT FROM devapp.create_product('pre-few', quota_limit => 2, quota_interval => 1200, quota_unit => 'month', quota_enforcement => 'hard');
DO $$
DECLARE
    made devapp.issued_credential;
BEGIN
    made := devapp.create_app(U&'pre "sh\00F6p"', 'pre@example.com', '{pre-tables}', scopes => '{pre:read}');
    INSERT INTO pre_test.key VALUES ('shop', made.consumer_key, made.secret);
    made := devapp.create_app('pre office', 'pre@example.com', '{pre-tables}', environment => 'test', allowed_cidrs => '{192.0.2.0/24}');
    INSERT INTO pre_test.key VALUES ('office', made.consumer_key, made.secret);
    made := devapp.create_app('pre client', 'pre@example.com', '{pre-tables}', kind => 'oauth_client');
    INSERT INTO pre_test.key VALUES ('client', made.consumer_key, made.secret);
    made := devapp.create_app('pre few', 'pre@example.com', '{pre-few}');
    INSERT INTO pre_test.key VALUES ('few', made.consumer_key, made.secret);
END
$$;
CREATE FUNCTION pre_test.key(name text) RETURNS text LANGUAGE sql STABLE BEGIN ATOMIC SELECT k.secret FROM pre_test.key k WHERE k.name = $1; END;

-- What PostgREST does with a request: the row says what it would be answered, or who calls.
CREATE FUNCTION pre_test.request(headers jsonb, method text DEFAULT 'GET', path text DEFAULT '/items', OUT status integer, OUT body jsonb, OUT fields jsonb) LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    PERFORM set_config('request.headers', headers::text, true), set_config('request.method', method, true), set_config('request.path', path, true),
            set_config('response.headers', '', true);
    BEGIN
        PERFORM devapp.db_pre_request();
        status := 200;
        body := current_setting('devapp.request')::jsonb - '{app_id,credential_id,consumer_key}'::text[];
        fields := nullif(current_setting('response.headers'), '')::jsonb;
    EXCEPTION WHEN SQLSTATE 'PGRST' THEN
        GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
        status := (detail::jsonb ->> 'status')::integer;
        body := SQLERRM::jsonb;
        fields := detail::jsonb -> 'headers';
    END;
END
$$;

-- ---------- who calls ----------

SELECT status, jsonb_pretty(body) AS body, fields FROM pre_test.request(jsonb_build_object('x-api-key', pre_test.key('shop')));
-- ids are those of the key's credential, for the transaction
BEGIN;
SELECT FROM set_config('request.headers', jsonb_build_object('x-api-key', pre_test.key('shop'))::text, true) AS h,
            set_config('request.method', 'GET', true) AS m, set_config('request.path', '/items', true) AS p;
SET TRANSACTION READ ONLY;
SELECT devapp.db_pre_request();
SELECT r.app_id = c.app_id AS app, r.credential_id = c.credential_id AS credential, c.consumer_key = k.id AS consumer_key
  FROM pre_test.key k, jsonb_to_record(current_setting('devapp.request', true)::jsonb) AS r(app_id uuid, credential_id uuid, consumer_key text), devapp.credential c
 WHERE k.name = 'shop' AND c.consumer_key = r.consumer_key;
COMMIT;
SELECT current_setting('devapp.request') AS afterwards;

-- ---------- where the key is, and what it may do ----------

SELECT m.what, r.status, r.body ->> 'code' AS code, r.body ->> 'app_name' AS app, r.fields ->> 'WWW-Authenticate' AS challenge
  FROM (VALUES ('X-API-Key', jsonb_build_object('x-api-key', pre_test.key('shop')), 'GET', '/items'),
               ('Bearer', jsonb_build_object('authorization', 'Bearer ' || pre_test.key('shop')), 'HEAD', '/items'),
               ('Basic', jsonb_build_object('authorization', 'Basic ' || translate(encode(convert_to((SELECT id FROM pre_test.key WHERE name = 'client') || ':' || pre_test.key('client'), 'UTF8'), 'base64'), E'\n', '')), 'POST', '/rpc/order'),
               ('nothing', '{}', 'GET', '/items'),
               ('an empty key', '{"x-api-key": ""}', 'GET', '/items'),
               ('a client secret', jsonb_build_object('x-api-key', pre_test.key('client')), 'GET', '/items'),
               ('no text', '{"x-api-key": 7, "authorization": ["x"]}', 'GET', '/items'),
               ('another method', jsonb_build_object('x-api-key', pre_test.key('shop')), 'PATCH', '/items'),
               ('another path', jsonb_build_object('x-api-key', pre_test.key('shop')), 'GET', '/rpc/order/../items')) AS m(what, headers, method, path),
       pre_test.request(m.headers, m.method, m.path) AS r;
-- what PostgREST answers
SELECT r.* FROM pre_test.request('{}') AS r;

-- ---------- options ----------

CREATE FUNCTION pre_test.ask(key text, options text, headers jsonb DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    r record;
BEGIN
    PERFORM set_config('devapp.pre_request_options', options, true);
    SELECT * INTO r FROM pre_test.request(jsonb_build_object('x-api-key', pre_test.key(key), 'x-other', pre_test.key(key)) || headers);
    RETURN concat_ws(' ', r.status, r.body ->> 'code', r.body ->> 'app_name', r.body ->> 'environment');
END
$$;
SELECT m.*, pre_test.ask(m.key, m.options, m.headers::jsonb)
  FROM (VALUES ('shop', 'environment=prod', '{}'), ('shop', 'environment=none', '{}'), ('office', 'environment=prod', '{}'), ('shop', '; scope="pre:read OR pre:write"', '{}'), ('shop', 'scope=pre:write', '{}'),
               ('shop', 'header=X-Other', '{"x-api-key": "x"}'), ('shop', 'header=', '{}'),
               ('office', '', '{}'), ('office', 'client=X-Real-IP', '{"x-real-ip": "192.0.2.7"}'), ('office', 'client=x-real-ip', '{"x-real-ip": "198.51.100.7"}'), ('office', 'client=x-real-ip', '{}')) AS m(key, options, headers);
SET devapp.pre_request_options = 'scopes=x';
SET devapp.pre_request_options = 'query=apikey';
SET devapp.pre_request_options = 'fields=app-id';
SET devapp.pre_request_options = 'environment=prod; busy=403';
SELECT pre_test.ask('office', 'client=x-real-ip', '{"x-real-ip": "nobody"}');

-- ---------- limits ----------

SELECT r.status, r.body ->> 'code' AS code, regexp_replace(r.fields::text, '\d{6,}', 'long', 'g') AS fields
  FROM pre_test.request(jsonb_build_object('x-api-key', pre_test.key('few'))) AS r;
SELECT (devapp.consume_quota(pre_test.key('few'), cost => 2)).code;
SELECT r.status, r.body ->> 'code' AS code, r.body ->> 'message' AS message, regexp_replace(r.fields::text, '\d{6,}', 'long', 'g') AS fields
  FROM pre_test.request(jsonb_build_object('x-api-key', pre_test.key('few'))) AS r;

-- ---------- whom it lets through ----------

-- no request: nobody
SELECT devapp.db_pre_request();
SELECT FROM set_config('request.headers', '{}', false);
SELECT devapp.db_pre_request();
SELECT FROM set_config('request.headers', '[]', false) AS h, set_config('request.method', 'GET', false) AS m, set_config('request.path', '/items', false) AS p;
SELECT devapp.db_pre_request();
RESET request.headers;
RESET request.method;
RESET request.path;
-- who calls cannot be made up by the role of a request, which needs no more than this
CREATE ROLE regress_pre_anon;
GRANT USAGE ON SCHEMA devapp, pre_test TO regress_pre_anon;
GRANT EXECUTE ON FUNCTION devapp.db_pre_request() TO regress_pre_anon;
GRANT SELECT ON pre_test.key TO regress_pre_anon;
BEGIN;
SET LOCAL ROLE regress_pre_anon;
SELECT r.status, r.body ->> 'app_name' AS app FROM pre_test.request(jsonb_build_object('x-api-key', pre_test.key('shop'))) AS r;
SAVEPOINT s;
SELECT set_config('devapp.request', '{"app_id": "x"}', true);
ROLLBACK TO s;
SET LOCAL devapp.request = '{}';
ROLLBACK TO s;
SET LOCAL devapp.pre_request_options = 'environment=none';
ROLLBACK TO s;
SELECT current_setting('devapp.request')::jsonb ->> 'app_name' AS app;
COMMIT;

SET client_min_messages = warning;
DROP SCHEMA pre_test CASCADE;
REVOKE ALL ON SCHEMA devapp FROM regress_pre_anon;
REVOKE ALL ON FUNCTION devapp.db_pre_request() FROM regress_pre_anon;
DROP ROLE regress_pre_anon;
RESET client_min_messages;
