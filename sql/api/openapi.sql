-- The document of the API, OpenAPI 3.1: all routes that there are, with what document.sql knows
-- of them.  Anybody may ask for it.

-- Parameters of a path and of a query.
CREATE FUNCTION devapp_internal.openapi_parameters(path text, is_greedy boolean, query jsonb) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH names AS (
        SELECT m.name[1] AS name, m.n, count(*) OVER () AS of FROM regexp_matches(path, '[{]([a-z_]+)[}]', 'g') WITH ORDINALITY AS m(name, n)
    )
    SELECT coalesce(jsonb_agg(p.parameter ORDER BY p.of_query, p.n), '[]')
      FROM (SELECT jsonb_build_object('name', m.name, 'in', 'path', 'required', true, 'schema', '{"type": "string"}'::jsonb)
                   || CASE WHEN is_greedy AND m.n = m.of THEN '{"description": "The rest of the path, with its slashes"}' ELSE '{}' END::jsonb AS parameter, false AS of_query, m.n
              FROM names m
             UNION ALL
            SELECT jsonb_build_object('name', q.key, 'in', 'query', 'schema', s.schema - 'description')
                   || CASE WHEN s.schema ? 'description' THEN jsonb_build_object('description', s.schema -> 'description') ELSE '{}' END, true, q.n
              FROM jsonb_each_text(query) WITH ORDINALITY AS q(key, value, n)
             CROSS JOIN LATERAL (SELECT devapp_internal.schema_of(q.value) AS schema) AS s) AS p
$$;

-- Who may call, as "security" says it.  A scope of a key is a role there.
CREATE FUNCTION devapp_internal.openapi_security(needs text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    RETURN CASE needs
               WHEN 'nothing' THEN '[]'::jsonb
               WHEN 'developer' THEN '[{"developer": []}, {"developer_basic": []}]'
               WHEN 'client' THEN '[{"client": []}, {"gateway": ["devapp:verify"]}, {}]'
               ELSE jsonb_build_array(jsonb_build_object('management', jsonb_build_array('devapp:' || needs)), jsonb_build_object('management_basic', jsonb_build_array('devapp:' || needs)))
                    || CASE needs WHEN 'verify' THEN '[{"gateway": ["devapp:verify"]}]' ELSE '[]' END::jsonb
           END;

-- An answer with a type in short; null means that it has no body.  A 201 of ours has a Location.
CREATE FUNCTION devapp_internal.openapi_answer(status text, type text, error_form text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object('description', CASE status WHEN '201' THEN 'Made' WHEN '204' THEN 'Done; there is no body' ELSE 'The answer' END)
           || CASE WHEN type LIKE 'text/%' THEN jsonb_build_object('content', jsonb_build_object(type, '{"schema": {"type": "string"}}'::jsonb))
                   WHEN type IS NOT NULL THEN jsonb_build_object('content', jsonb_build_object('application/json', jsonb_build_object('schema', devapp_internal.schema_of(type))))
                   ELSE '{}' END
           || CASE WHEN status = '201' AND error_form = 'devapp' THEN '{"headers": {"Location": {"description": "Where it is", "schema": {"type": "string"}}}}' ELSE '{}' END::jsonb
$$;

CREATE FUNCTION devapp_internal.openapi_answers(answers jsonb, error_form text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce((SELECT jsonb_object_agg(a.key, devapp_internal.openapi_answer(a.key, a.value, error_form)) FROM jsonb_each_text(answers) AS a),
                    '{"2XX": {"description": "The answer"}}')
           || jsonb_build_object('4XX', jsonb_build_object('$ref', '#/components/responses/refusal_' || error_form),
                                 '5XX', jsonb_build_object('$ref', '#/components/responses/failure_' || error_form))
$$;

-- A body that has a schema, or one of the kind that routes with this form of errors take.
CREATE FUNCTION devapp_internal.openapi_request(method text, body text, error_form text) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN body IS NOT NULL
                THEN (SELECT jsonb_build_object('requestBody', jsonb_build_object(
                                 'required', s.schema -> 'required' <> '[]',
                                 'content', jsonb_build_object(CASE error_form WHEN 'oauth' THEN 'application/x-www-form-urlencoded' ELSE 'application/json' END, jsonb_build_object('schema', jsonb_build_object('$ref', '#/components/schemas/' || s.name)))))
                        FROM devapp_internal.api_schema s WHERE s.name = body)
                WHEN method IN ('POST', 'PUT', 'PATCH') AND error_form = 'apigee' THEN '{"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}}'
                WHEN method = 'POST' AND error_form = 'oauth' THEN '{"requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": {"type": "object"}}}}}'
                ELSE '{}' END::jsonb
$$;

-- Patterns that differ only in the names of their parameters are one path of the document.  Where
-- {name} and {name+} meet, the first is found first.
CREATE FUNCTION devapp_internal.openapi_paths() RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH routes AS (
        SELECT DISTINCT ON (f.form, r.method) f.form, r.method, r.pattern::text AS pattern, r.function, r.needs, r.error_form
          FROM devapp_api.route r
         CROSS JOIN LATERAL (SELECT regexp_replace(r.pattern::text, '[{][a-z_]+[+]?[}]', '{}', 'g') AS form) AS f
         ORDER BY f.form, r.method, strpos(r.pattern::text, '+}'), r.pattern::text COLLATE "C"
    ), named AS (
        SELECT r.*, replace(first_value(r.pattern) OVER (PARTITION BY r.form ORDER BY r.pattern COLLATE "C"), '+}', '}') AS path,
               row_number() OVER (PARTITION BY r.function ORDER BY r.pattern COLLATE "C" DESC, r.method) AS nth
          FROM routes r
    ), operations AS (
        SELECT n.path, n.method,
               jsonb_build_object(
                   'operationId', n.function || CASE WHEN n.nth > 1 THEN '_' || n.nth ELSE '' END,
                   'summary', coalesce(obj_description(p.oid, 'pg_proc'), n.function),
                   'tags', jsonb_build_array(CASE WHEN n.pattern LIKE '/portal/%' THEN 'portal' WHEN n.error_form IN ('apigee', 'oauth') THEN n.error_form ELSE 'other' END),
                   'parameters', devapp_internal.openapi_parameters(n.path, strpos(n.pattern, '+}') > 0, coalesce(d.query, '{}')),
                   'security', devapp_internal.openapi_security(n.needs),
                   'responses', devapp_internal.openapi_answers(d.answers, n.error_form))
               || devapp_internal.openapi_request(n.method, d.body, n.error_form) AS operation
          FROM named n
          LEFT JOIN pg_proc p ON p.proname = n.function AND p.pronamespace = 'devapp_internal'::regnamespace
                             AND p.prorettype = 'devapp_internal.http_response'::regtype
          LEFT JOIN devapp_internal.route_document d ON d.pattern = n.pattern AND d.method = n.method
    )
    SELECT jsonb_object_agg(o.path, o.methods)
      FROM (SELECT o.path, jsonb_object_agg(lower(o.method), o.operation) AS methods FROM operations o GROUP BY o.path) AS o
$$;

-- The forms of errors (src/api/error.c).
CREATE FUNCTION devapp_internal.openapi_responses() RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_object_agg(k.name || f.form, jsonb_build_object('description', k.description)
                                              || CASE WHEN f.form = 'none' THEN '{}'
                                                      ELSE jsonb_build_object('content', jsonb_build_object('application/json', jsonb_build_object('schema',
                                                               jsonb_build_object('$ref', '#/components/schemas/Error_' || f.form)))) END)
      FROM unnest('{devapp,apigee,oauth,none}'::text[]) AS f(form),
           (VALUES ('refusal_', 'The request is refused; the status says why'), ('failure_', 'The service failed or is not available; the request can be repeated')) AS k(name, description)
$$;

CREATE FUNCTION devapp_internal.openapi_security_schemes() RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    RETURN '{
        "management": {"type": "http", "scheme": "bearer", "description": "Key or token of a credential with the product devapp-admin"},
        "management_basic": {"type": "http", "scheme": "basic", "description": "The same: its client id and client secret, or the key as password"},
        "developer": {"type": "http", "scheme": "bearer", "description": "Token that names a developer, or key of an app with the product devapp-portal"},
        "developer_basic": {"type": "http", "scheme": "basic", "description": "The key as password"},
        "client": {"type": "http", "scheme": "basic", "description": "Client id and client secret; they can be in the body instead, or an assertion"},
        "gateway": {"type": "apiKey", "in": "header", "name": "X-Devapp-Gateway", "description": "Key of a credential with the product devapp-admin and the scope devapp:verify"}
    }'::jsonb;

-- The document without its head, which depends on settings and on the request.
CREATE FUNCTION devapp_internal.openapi_body() RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object(
               'tags', '[{"name": "portal", "description": "What developers do with what is theirs"}, {"name": "apigee", "description": "The management API of Apigee"},
                         {"name": "oauth", "description": "OAuth 2.1: tokens"}, {"name": "other", "description": "Gateways, and this document"}]'::jsonb,
               'paths', devapp_internal.openapi_paths(),
               'components', jsonb_build_object(
                   'schemas', (SELECT jsonb_object_agg(s.name, s.schema) FROM devapp_internal.api_schema s),
                   'responses', devapp_internal.openapi_responses(),
                   'securitySchemes', devapp_internal.openapi_security_schemes()))
$$;

CREATE FUNCTION devapp_internal.openapi_head(base_url text) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object(
               'openapi', '3.1.0',
               'info', jsonb_build_object('title', coalesce(nullif(btrim(devapp_internal.setting('program_name')), ''), 'Developer program'),
                                          'description', split_part(obj_description('devapp_api'::regnamespace, 'pg_namespace'), E'\n', 2),
                                          'version', (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'devapp')),
               'servers', jsonb_build_array(jsonb_build_object('url', coalesce(nullif(base_url, ''), '/'))))
$$;

-- Making the body takes a tenth of a second, so it is kept as text until what it is made of changes.
CREATE FUNCTION devapp_internal.forget_document() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM devapp_internal.api_document;
    RETURN NULL;
END
$$;

-- The kept document must not be older than a change that has deleted it meanwhile.  So it is made under a lock
-- that keeps others from changes, and by a snapshot that was taken after it.  Where the transaction
-- has neither, as on a standby, nothing is kept.
CREATE FUNCTION devapp_internal.openapi_kept_body() RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    kept text := (SELECT d.body FROM devapp_internal.api_document d);
    keeps constant boolean := current_setting('transaction_isolation') = 'read committed' AND NOT current_setting('transaction_read_only')::boolean;
BEGIN
    IF kept IS NOT NULL THEN
        RETURN kept;
    END IF;
    IF keeps THEN
        LOCK TABLE devapp_api.route, devapp_internal.route_document, devapp_internal.api_schema IN SHARE MODE;
    END IF;
    kept := devapp_internal.openapi_body()::text;
    IF keeps THEN
        INSERT INTO devapp_internal.api_document (body) VALUES (kept) ON CONFLICT DO NOTHING;
    END IF;
    RETURN kept;
END
$$;

CREATE FUNCTION devapp_internal.openapi(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ROW(200, '{"Content-Type": "application/json"}'::jsonb,
               rtrim(devapp_internal.openapi_head(request.base_url)::text, '}') || ', ' || substr(devapp_internal.openapi_kept_body(), 2))::devapp_internal.http_response;
END
$$;
COMMENT ON FUNCTION devapp_internal.openapi IS 'This document';

SELECT devapp_internal.add_schema('ErrorDetail', '{
    "code": "string: SQLSTATE, or DV and a status", "message": "string", "detail?": "string", "hint?": "string: What to do"}');
SELECT devapp_internal.add_schema('Error_devapp', '{"error": "#ErrorDetail"}');
SELECT devapp_internal.add_schema('Error_apigee', '{"code": "string", "message": "string", "contexts": "[object]"}');
SELECT devapp_internal.add_schema('Error_oauth', '{"error": "string", "error_description": "string"}');

SELECT devapp_internal.add_route('GET', '/openapi.json', 'devapp_internal.openapi', 'nothing', 'devapp');
