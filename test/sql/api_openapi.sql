-- The document of the API: it has every route, what it says of bodies and answers is so, and it
-- follows the routes.
\set SHOW_CONTEXT never
\pset null <null>
\pset format unaligned
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT FROM devapp.setup_roles();
CREATE FUNCTION pg_temp.call(key text, method text, target text, body text DEFAULT NULL) RETURNS devapp_api.response LANGUAGE sql AS $$
    SELECT devapp_api.handle(method, split_part(target, '?', 1), split_part(target, '?', 2),
                             jsonb_strip_nulls(jsonb_build_object('Authorization', 'Bearer ' || key, 'Content-Type', 'application/json')), convert_to(body, 'UTF8'))
$$;
CREATE FUNCTION pg_temp.json(devapp_api.response) RETURNS jsonb LANGUAGE sql AS $$ SELECT convert_from($1.body, 'UTF8')::jsonb $$;

-- nobody has to say who they are
SELECT status, headers FROM pg_temp.call(NULL, 'GET', '/openapi.json');
SELECT pg_temp.json(pg_temp.call(NULL, 'GET', '/openapi.json')) AS doc \gset
SELECT jsonb_set(:'doc'::jsonb - '{paths,components}'::text[], '{info,version}', to_jsonb(:'doc'::jsonb #>> '{info,version}' = extversion)) AS head FROM pg_extension WHERE extname = 'devapp';
SELECT k AS component, count(*) > 3 AS has_some FROM jsonb_object_keys(:'doc'::jsonb -> 'components') AS k, jsonb_object_keys(:'doc'::jsonb -> 'components' -> k) GROUP BY k ORDER BY k;
SET LOCAL devapp.program_name = 'Weather APIs';
SELECT d #>> '{info,title}' AS title, d -> 'servers' AS servers
  FROM devapp_api.handle('GET', '/openapi.json', NULL, '{":base": "https://api.example.com/base"}') AS r, pg_temp.json(r) AS d;
RESET devapp.program_name;

-- every route is there, with the summary of its function and the parameters of its path
WITH operations AS (
    SELECT p.key AS path, m.key AS method, m.value AS operation FROM jsonb_each(:'doc'::jsonb -> 'paths') AS p, jsonb_each(p.value) AS m
)
SELECT count(*) = (SELECT count(*) FROM devapp_api.route) AS all_routes, count(*) = count(DISTINCT operation ->> 'operationId') AS ids_are_unique,
       bool_and(ARRAY(SELECT m[1] FROM regexp_matches(path, '\{([a-z_]+)\}', 'g') AS m ORDER BY 1)
                = ARRAY(SELECT x ->> 'name' FROM jsonb_array_elements(operation -> 'parameters') AS x WHERE x ->> 'in' = 'path' ORDER BY 1)) AS parameters_are_those
  FROM operations;
SELECT count(*) AS paths, count(DISTINCT regexp_replace(p, '\{[^}]*\}', '{}', 'g')) = count(*) AS differ_in_more_than_names, bool_or(p ~ '\+\}') AS has_greedy
  FROM jsonb_object_keys(:'doc'::jsonb -> 'paths') AS p WHERE p LIKE '/portal/%';
-- those of the portal say what they do
SELECT r.method, r.pattern FROM devapp_api.route r JOIN pg_proc p ON p.proname = r.function AND p.pronamespace = 'devapp_internal'::regnamespace
 WHERE r.pattern::text LIKE '/portal/%' AND (obj_description(p.oid, 'pg_proc') IS NULL OR NOT EXISTS (SELECT FROM devapp_internal.route_document d WHERE d.method = r.method AND d.pattern = r.pattern::text));
-- no description without a route, no schema that is missing, and for nothing but others to extend
SELECT d.method, d.pattern FROM devapp_internal.route_document d WHERE NOT EXISTS (SELECT FROM devapp_api.route r WHERE r.method = d.method AND r.pattern::text = d.pattern);
SELECT DISTINCT r[1] AS missing FROM regexp_matches(:'doc', '"#/components/schemas/([A-Za-z_]+)"', 'g') AS r WHERE NOT :'doc'::jsonb -> 'components' -> 'schemas' ? r[1];
SELECT k AS unused FROM jsonb_object_keys(:'doc'::jsonb -> 'components' -> 'schemas') AS k WHERE strpos(:'doc', '"#/components/schemas/' || k || '"') = 0;
SELECT count(*) AS without_type FROM jsonb_path_query(:'doc'::jsonb, '$.**.properties.*') AS p WHERE jsonb_typeof(p) <> 'string' AND NOT p ?| '{type,enum,anyOf,$ref}';

-- one of each kind
SELECT jsonb_pretty(:'doc'::jsonb -> 'paths' -> '/portal/v1/apps/{app}' -> 'patch');
SELECT jsonb_pretty(:'doc'::jsonb #> '{components,schemas,CredentialCreate}');
SELECT :'doc'::jsonb #> '{paths,/portal/v1/usage,get,parameters}' AS parameters;
SELECT :'doc'::jsonb #> '{paths,/openapi.json,get,security}' AS nobody, o -> 'security' AS admin, o -> 'responses' AS answers, o -> 'requestBody' AS body
  FROM jsonb_extract_path(:'doc'::jsonb, 'paths', '/v1/o/{org}/developers', 'post') AS o;

SELECT o #> '{requestBody,content}' AS body, o #> '{responses,200}' AS answer FROM jsonb_extract_path(:'doc'::jsonb, 'paths', '/oauth/token', 'post') AS o;
SELECT devapp_internal.schema_of(t) AS schema FROM unnest('{string or [string]: some,a|b?,[#X]?,words}'::text[]) AS t;

-- answers have the members that their schemas name, and no others
CREATE FUNCTION pg_temp.misfits(value jsonb, schema jsonb, schemas jsonb, place text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    s jsonb := coalesce(schema #> '{anyOf,0}', schema);
    member record;
    types jsonb;
BEGIN
    IF value = 'null' THEN
        IF NOT (schema ? 'anyOf' OR coalesce(s -> 'type' ? 'null', false)) THEN RETURN NEXT place || ': null'; END IF;
        RETURN;
    END IF;
    IF s ? '$ref' THEN s := schemas -> split_part(s ->> '$ref', '/', 4); END IF;
    IF s IS NULL THEN RETURN NEXT place || ': no schema'; RETURN; END IF;
    IF s ? 'enum' THEN
        IF NOT s -> 'enum' @> value THEN RETURN NEXT place || ': ' || value::text; END IF;
        RETURN;
    END IF;
    types := CASE jsonb_typeof(s -> 'type') WHEN 'array' THEN s -> 'type' ELSE jsonb_build_array(s -> 'type') END;
    IF NOT (types ? jsonb_typeof(value) OR types ? 'integer' AND value::text ~ '^-?[0-9]+$') THEN
        RETURN NEXT place || ': ' || jsonb_typeof(value); RETURN;
    END IF;
    IF jsonb_typeof(value) = 'array' THEN
        FOR member IN SELECT e FROM jsonb_array_elements(value) AS e LOOP
            RETURN QUERY SELECT * FROM pg_temp.misfits(member.e, s -> 'items', schemas, place || '[]');
        END LOOP;
    ELSIF s ? 'properties' THEN
        RETURN QUERY SELECT place || '.' || k || ' is missing' FROM jsonb_array_elements_text(s -> 'required') AS k WHERE NOT misfits.value ? k;
        FOR member IN SELECT * FROM jsonb_each(value) LOOP
            IF s -> 'properties' ? member.key THEN
                RETURN QUERY SELECT * FROM pg_temp.misfits(member.value, s -> 'properties' -> member.key, schemas, place || '.' || member.key);
            ELSE
                RETURN NEXT place || '.' || member.key || ' is unknown';
            END IF;
        END LOOP;
    END IF;
END
$$;
-- the misfits of an answer, and how many items a list has
CREATE FUNCTION pg_temp.try(doc jsonb, key text, method text, target text, path text, body text DEFAULT NULL) RETURNS TABLE (status integer, items integer, misfits text) LANGUAGE plpgsql AS $$
DECLARE
    a devapp_api.response := pg_temp.call(key, method, target, body);
    j jsonb := pg_temp.json(a);
    answer jsonb := coalesce(doc -> 'paths' -> path -> lower(method) -> 'responses' -> a.status::text, doc -> 'paths' -> path -> lower(method) -> 'responses' -> (a.status / 100 || 'XX'));
BEGIN
    IF answer ? '$ref' THEN answer := doc -> 'components' -> 'responses' -> split_part(answer ->> '$ref', '/', 4); END IF;
    status := a.status;
    items := CASE WHEN jsonb_typeof(j -> 'items') = 'array' THEN jsonb_array_length(j -> 'items') END;
    misfits := (SELECT string_agg(DISTINCT m, '; ') FROM pg_temp.misfits(j, answer #> '{content,application/json,schema}', doc #> '{components,schemas}', '') AS m);
    RETURN NEXT;
END
$$;
SELECT FROM devapp.create_developer('doc-dan@example.com', 'Dan');
SELECT FROM devapp.create_product('doc-weather', scopes => '{read}', quota_limit => 10, quota_interval => 1, quota_unit => 'day', rate_limit => 5);
SELECT FROM devapp.add_operation('doc-weather', '/weather/{city}', methods => '{GET}', quota_limit => 5, quota_interval => 1, quota_unit => 'hour');
SELECT secret AS dan FROM devapp.create_app('door', 'doc-dan@example.com', products => '{devapp-portal}') \gset
SELECT FROM devapp.approve_app('doc-dan@example.com/door');
SELECT app_id AS app, credential_id AS credential FROM devapp.create_app('shop', 'doc-dan@example.com', products => '{doc-weather}') \gset
SELECT count(devapp_internal.usage_partition(t, (devapp_internal.utc_today())::timestamp AT TIME ZONE 'UTC')) FROM unnest('{usage_day,usage_latency}'::text[]) AS t;
INSERT INTO devapp.usage_day SELECT devapp_internal.utc_today(), :'app', p.product_id, 'prod', 'VALID', 7, 7 FROM devapp.product p WHERE p.name = 'doc-weather' AND p.deleted_at IS NULL;
INSERT INTO devapp.usage_latency SELECT devapp_internal.utc_today(), :'app', NULL, 2, 1, 0, '200 ms', '100 ms', '100 ms', '[66:66]={2}';
SELECT r.n, r.method, r.path, t.*
  FROM (VALUES
    (1, 'POST', '/portal/v1/teams', '/portal/v1/teams', '{"name": "doc team"}'),
    (2, 'GET', '/portal/v1/teams', '/portal/v1/teams', NULL),
    (3, 'GET', '/portal/v1/teams/{team}', '/portal/v1/teams/doc%20team', NULL),
    (4, 'GET', '/portal/v1/teams/{team}/members', '/portal/v1/teams/doc%20team/members', NULL),
    (5, 'POST', '/portal/v1/teams/{team}/invitations', '/portal/v1/teams/doc%20team/invitations', '{"email": "doc-eve@example.com"}'),
    (6, 'GET', '/portal/v1/teams/{team}/invitations', '/portal/v1/teams/doc%20team/invitations', NULL),
    (7, 'POST', '/portal/v1/apps', '/portal/v1/apps', '{"name": "doc", "team": "doc team"}'),
    (8, 'GET', '/portal/v1/apps', '/portal/v1/apps', NULL),
    (9, 'GET', '/portal/v1/apps/{app}', '/portal/v1/apps/shop', NULL),
    (10, 'PATCH', '/portal/v1/apps/{app}', '/portal/v1/apps/shop', '{"attributes": {"a": "b"}}'),
    (11, 'GET', '/portal/v1/apps/{app}/history', '/portal/v1/apps/shop/history?limit=3', NULL),
    (12, 'GET', '/portal/v1/apps/{app}/access', '/portal/v1/apps/shop/access?resource=/weather/rome', NULL),
    (13, 'GET', '/portal/v1/apps/{app}/quota', '/portal/v1/apps/shop/quota', NULL),
    (14, 'POST', '/portal/v1/apps/{app}/credentials', '/portal/v1/apps/shop/credentials', '{}'),
    (15, 'GET', '/portal/v1/apps/{app}/credentials', '/portal/v1/apps/shop/credentials', NULL),
    (16, 'GET', '/portal/v1/credentials/{credential}', '/portal/v1/credentials/' || :'credential', NULL),
    (17, 'POST', '/portal/v1/credentials/{credential}/rotate', '/portal/v1/credentials/' || :'credential' || '/rotate', '{}'),
    (18, 'POST', '/portal/v1/credentials/{credential}/complete-rotation', '/portal/v1/credentials/' || :'credential' || '/complete-rotation', NULL),
    (19, 'GET', '/portal/v1/products', '/portal/v1/products?limit=1', NULL),
    (20, 'GET', '/portal/v1/products/{product}', '/portal/v1/products/doc-weather', NULL),
    (21, 'GET', '/portal/v1/usage', '/portal/v1/usage', NULL),
    (22, 'GET', '/portal/v1/notifications', '/portal/v1/notifications', NULL),
    (23, 'GET', '/portal/v1/me', '/portal/v1/me', NULL),
    (24, 'GET', '/portal/v1/invitations', '/portal/v1/invitations', NULL),
    (25, 'GET', '/portal/v1/apps/{app}', '/portal/v1/apps/none', NULL),
    (26, 'GET', '/v1/o/{org}/apps', '/v1/o/x/apps', NULL)) AS r(n, method, path, target, body),
  LATERAL pg_temp.try(:'doc', :'dan', r.method, r.target, r.path, r.body) AS t
 ORDER BY r.n;

-- it follows the routes, of which some differ in the names of parameters alone
CREATE FUNCTION devapp_internal.doc_route(request devapp_internal.http_request) RETURNS devapp_internal.http_response LANGUAGE sql RETURN devapp_internal.empty_response(204);
COMMENT ON FUNCTION devapp_internal.doc_route IS 'A route of a test';
SELECT FROM devapp_internal.add_route('GET', '/doc/{one}/x', 'devapp_internal.doc_route', 'verify', 'none');
SELECT FROM devapp_internal.add_route('POST', '/doc/{two}/x', 'devapp_internal.doc_route', 'client', 'oauth');
SELECT FROM devapp_internal.add_route('GET', '/doc/{one}', 'devapp_internal.doc_route', 'nothing', 'devapp');
SELECT FROM devapp_internal.add_route('GET', '/doc/{rest+}', 'devapp_internal.doc_route', 'nothing', 'devapp');
SELECT FROM devapp_internal.add_route('PUT', '/doc/{rest+}', 'devapp_internal.doc_route', 'nothing', 'devapp');
SELECT p.key AS path, m.key AS method, m.value -> 'operationId' AS id, m.value -> 'summary' AS summary, m.value -> 'security' AS security,
       jsonb_path_query_array(m.value, '$.parameters[*].name') AS parameters, m.value #> '{parameters,0,description}' AS description, m.value -> 'requestBody' -> 'content' AS body
  FROM jsonb_each(pg_temp.json(pg_temp.call(NULL, 'GET', '/openapi.json')) -> 'paths') AS p, jsonb_each(p.value) AS m
 WHERE p.key LIKE '/doc/%' ORDER BY 1, 2;
DELETE FROM devapp_api.route WHERE pattern::text LIKE '/doc/%';
SELECT pg_temp.json(pg_temp.call(NULL, 'GET', '/openapi.json')) = :'doc'::jsonb AS as_before;
-- it is kept, and a transaction that may not write makes it
SELECT count(*) AS kept FROM devapp_internal.api_document;
SELECT FROM devapp_internal.add_route('GET', '/doc/{one}', 'devapp_internal.doc_route', 'nothing', 'devapp');
SELECT count(*) AS kept FROM devapp_internal.api_document;
SET LOCAL transaction_read_only = on;
SELECT pg_temp.json(pg_temp.call(NULL, 'GET', '/openapi.json')) -> 'paths' ? '/doc/{one}' AS is_there;
SELECT count(*) AS kept FROM devapp_internal.api_document;
ROLLBACK;
