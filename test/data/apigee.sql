-- For the tests of Apigee's management API: who manages, and requests as that one.  What is
-- random or a time is masked.
SET client_min_messages = warning;
SELECT FROM devapp.setup_roles() \g /dev/null

-- A management key with these scopes.
CREATE FUNCTION pg_temp.manager(scopes text[]) RETURNS text
    LANGUAGE plpgsql
AS $$
DECLARE
    made devapp.issued_credential;
BEGIN
    IF NOT EXISTS (SELECT FROM devapp.developer d WHERE d.email = 'ops@manager.example' AND d.deleted_at IS NULL) THEN
        PERFORM devapp.create_developer('ops@manager.example');
    END IF;
    made := devapp.create_app('manager-' || gen_random_uuid(), 'ops@manager.example', '{devapp-admin}', scopes => scopes);
    PERFORM devapp.approve_app(made.app_id);
    RETURN made.secret;
END
$$;

-- Takes the managers away.
CREATE FUNCTION pg_temp.dismiss() RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM devapp.delete_app(a.app_id) FROM devapp.app a JOIN devapp.developer d USING (developer_id)
      WHERE d.email = 'ops@manager.example' AND a.deleted_at IS NULL;
    PERFORM devapp.delete_developer('ops@manager.example');
END
$$;

-- The answer to a request below /v1/organizations/acme; the path may have a query.
CREATE FUNCTION pg_temp.ask(method text, path text, body text DEFAULT NULL, more_headers jsonb DEFAULT '{}', OUT status integer, OUT headers jsonb, OUT body_text text)
    LANGUAGE sql
AS $$
    SELECT r.status, r.headers, convert_from(r.body, 'UTF8')
      FROM devapp_api.handle(method, CASE WHEN path LIKE '/v1%' THEN '' ELSE '/v1/organizations/acme' END || split_part(path, '?', 1), split_part(path, '?', 2),
                             jsonb_build_object('authorization', 'Bearer ' || current_setting('apigee.key'))
                             || CASE WHEN body IS NULL THEN '{}' ELSE '{"content-type": "application/json"}'::jsonb END || more_headers,
                             convert_to(body, 'UTF8')) AS r
$$;

CREATE FUNCTION pg_temp.masked(body text) RETURNS text
    LANGUAGE sql
AS $$
    SELECT regexp_replace(regexp_replace(regexp_replace(regexp_replace(body, '[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}', 'UUID', 'g'),
                                                        '"[0-9]{13}"', '"MILLISECONDS"', 'g'),
                                         '("consumerSecret": )"dvk_live_[^"]{30,}"', '\1"SECRET"', 'g'),
                          '("consumerKey": )"dvk_live_[0-9A-Za-z]{12}"', '\1"KEY"', 'g')
$$;

-- The status, then the body: in one line, or one member a line.
CREATE FUNCTION pg_temp.show(method text, path text, body text DEFAULT NULL, more_headers jsonb DEFAULT '{}') RETURNS text
    LANGUAGE sql
AS $$
    SELECT concat_ws(' ', a.status, pg_temp.masked(a.body_text::jsonb::text)) FROM pg_temp.ask(method, path, body, more_headers) AS a
$$;
CREATE FUNCTION pg_temp.show_members(method text, path text, body text DEFAULT NULL, more_headers jsonb DEFAULT '{}') RETURNS SETOF text
    LANGUAGE sql
AS $$
    WITH a AS MATERIALIZED (SELECT * FROM pg_temp.ask(method, path, body, more_headers))
    SELECT a.status::text FROM a
     UNION ALL
    (SELECT pg_temp.masked(format('    "%s": %s', m.key, m.value)) FROM a, jsonb_each(a.body_text::jsonb) AS m ORDER BY m.key COLLATE "C")
$$;

-- An error in one line; whatever has another form than Apigee's is shown as it is.
CREATE FUNCTION pg_temp.refused(method text, path text, body text DEFAULT NULL, more_headers jsonb DEFAULT '{}') RETURNS text
    LANGUAGE sql
AS $$
    SELECT CASE WHEN (a.body_text::jsonb - '{code,message}'::text[]) = '{"contexts": []}' AND a.headers ->> 'Content-Type' = 'application/json'
                THEN format('%s %s: %s', a.status, a.body_text::jsonb ->> 'code', a.body_text::jsonb ->> 'message')
                ELSE format('%s %s %s', a.status, a.headers, a.body_text) END
      FROM pg_temp.ask(method, path, body, more_headers) AS a
$$;

SELECT set_config('apigee.key', pg_temp.manager('{devapp:admin}'), false) \g /dev/null
\pset format unaligned
\pset tuples_only on
