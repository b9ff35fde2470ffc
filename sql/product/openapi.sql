-- Operations from an OpenAPI 3.0, 3.1 or 3.2 document.
--
-- What a document says becomes operations that cover just that, or a NOTICE says what
-- does not.

CREATE FUNCTION devapp_internal.openapi_error(message text, hint text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'not a usable OpenAPI document: %', devapp_internal.masked(message)
        USING ERRCODE = 'invalid_parameter_value', HINT = hint;
END
$$;

-- A name from the document, as messages show it.
CREATE FUNCTION devapp_internal.openapi_shown(name text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN length(shown) > 200 THEN left(shown, 200) || '...' ELSE shown END
      FROM (SELECT CASE WHEN masked ~ '[\x01-\x1F\x7F]' THEN to_json(masked)::text ELSE masked END
              FROM devapp_internal.masked(name) AS m(masked)) AS s(shown)
$$;

CREATE FUNCTION devapp_internal.openapi_left_out(what text, reason text, hint text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE NOTICE '% was left out: %', what, reason USING HINT = hint;
END
$$;

-- "%XX" is a byte of UTF-8.
CREATE FUNCTION devapp_internal.percent_decoded(s text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT convert_from(coalesce(string_agg(CASE WHEN m[1] ~ '^%[0-9A-Fa-f]{2}$' THEN decode(substr(m[1], 2), 'hex')
                                                 ELSE convert_to(m[1], 'UTF8') END, '' ORDER BY n), ''), 'UTF8')
      FROM regexp_matches(s, '%[0-9A-Fa-f]{2}|[^%]+|%', 'g') WITH ORDINALITY AS x(m, n)
$$;

-- Where a "$ref" that begins with "#/" points to: the steps of its JSON pointer, which
-- stands percent-encoded in a URI (RFC 6901, section 6).
CREATE FUNCTION devapp_internal.openapi_pointer(ref text, path text) RETURNS text[]
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    pointer text;
BEGIN
    BEGIN
        pointer := devapp_internal.percent_decoded(substr(ref, 3));
    EXCEPTION WHEN character_not_in_repertoire OR untranslatable_character THEN
        PERFORM devapp_internal.openapi_error(format('the reference of path %s is not UTF-8', devapp_internal.openapi_shown(path)),
                                      'A reference is percent-encoded UTF-8.');
    END;
    RETURN (SELECT array_agg(replace(replace(step, '~1', '/'), '~0', '~') ORDER BY n)
              FROM string_to_table(pointer, '/') WITH ORDINALITY AS x(step, n));
END
$$;

-- The object that a path item stands for: itself, or what its "$ref" points to in
-- the same document, with what stands beside the "$ref".
CREATE FUNCTION devapp_internal.openapi_path_item(spec jsonb, path text, item jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ref text;
    target jsonb := item;
    depth integer := 0;
BEGIN
    item := '{}';
    LOOP
        IF jsonb_typeof(target) IS DISTINCT FROM 'object' THEN
            PERFORM devapp_internal.openapi_error(format('the path %s is not an object', devapp_internal.openapi_shown(path)), 'Each path holds an object of methods.');
        END IF;
        item := (target - '$ref') || item;
        ref := target ->> '$ref';
        EXIT WHEN ref IS NULL;
        depth := depth + 1;
        IF NOT starts_with(ref, '#/') OR depth > 10 THEN
            PERFORM devapp_internal.openapi_error(format('the reference of path %s does not lead into the document', devapp_internal.openapi_shown(path)),
                                          'Bundle the document into one file first.');
        END IF;
        target := spec #> devapp_internal.openapi_pointer(ref, path);
    END LOOP;
    RETURN item;
END
$$;

-- The URL of a server with its variables at their defaults.  Each is replaced once:
-- braces in a default mean nothing.  marked: the variable that gets another value.
CREATE FUNCTION devapp_internal.openapi_server_url(server jsonb, marked text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    max_length CONSTANT integer := 4096;
    max_variables CONSTANT integer := 100;
    variables integer := 0;
    url text := '';
    piece text;
    name text;
BEGIN
    IF server ->> 'url' IS NULL THEN
        PERFORM devapp_internal.openapi_error('a server has no url', 'Give each server a url.');
    END IF;
    FOR piece IN SELECT m[1] FROM regexp_matches(left(server ->> 'url', max_length), '\{[^{}]+\}|[^{}]+|[{}]', 'g') AS m LOOP
        name := substring(piece FROM '^\{(.+)\}$');
        IF server #> ARRAY['variables', name] IS NOT NULL THEN
            piece := server #>> ARRAY['variables', name, 'default'];
            IF piece IS NULL THEN
                PERFORM devapp_internal.openapi_error(format('the server variable %s has no default', devapp_internal.openapi_shown(name)), 'OpenAPI requires one.');
            END IF;
            piece := piece || CASE WHEN name = marked THEN 'x' ELSE '' END;
            variables := variables + 1;
        END IF;
        IF variables > max_variables THEN
            PERFORM devapp_internal.openapi_error(format('the URL of the server %s has too many variables', devapp_internal.openapi_shown(server ->> 'url')),
                                          format('The maximum is %s.', max_variables));
        END IF;
        IF length(server ->> 'url') > max_length OR length(url) + length(piece) > max_length THEN
            PERFORM devapp_internal.openapi_error(format('the URL of the server %s is too long', devapp_internal.openapi_shown(server ->> 'url')),
                                          format('The maximum is %s characters, with and without its variables.', max_length));
        END IF;
        url := url || piece;
    END LOOP;
    RETURN url;
END
$$;

-- The path of a URL without dot segments (RFC 3986, section 5.2.4) and without the
-- slash at its end: '' for none.
CREATE FUNCTION devapp_internal.openapi_url_path(url text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    scheme CONSTANT text := '^[A-Za-z][A-Za-z0-9+.-]*:';
    path text := regexp_replace(url, '[?#].*$', '');
    segment text;
    segments text[] := '{}';
BEGIN
    IF path ~ scheme AND path !~ (scheme || '/') THEN
        PERFORM devapp_internal.openapi_error(format('the URL of the server %s has no host', devapp_internal.openapi_shown(url)),
                                      'Write it like https://api.example.com/v1 or /v1.');
    END IF;
    path := regexp_replace(regexp_replace(path, scheme, ''), '^//[^/]*', '');
    IF path ~ '[{}]' THEN
        PERFORM devapp_internal.openapi_error(format('the path of the server %s has braces', devapp_internal.openapi_shown(url)),
                                      'Declare each server variable with a default.');
    END IF;
    -- a variable at the beginning may have brought another slash
    FOREACH segment IN ARRAY string_to_array(ltrim(path, '/'), '/') LOOP
        IF segment ~* '^(\.|%2e){2}$' THEN
            segments := trim_array(segments, least(1, cardinality(segments)));
        ELSIF segment !~* '^(\.|%2e)$' THEN
            segments := segments || segment;
        END IF;
    END LOOP;
    path := rtrim(array_to_string(segments, '/'), '/');
    RETURN CASE WHEN path = '' THEN '' ELSE '/' || path END;
END
$$;

-- The path that a server puts before those of the document.
CREATE FUNCTION devapp_internal.openapi_base_path(server jsonb) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    url text := devapp_internal.openapi_server_url(server);
    base_path text := devapp_internal.openapi_url_path(url);
    shown text := devapp_internal.openapi_shown(server ->> 'url');
    variable text;
BEGIN
    IF url !~ '^([A-Za-z][A-Za-z0-9+.-]*:|/|$)' THEN
        RAISE NOTICE 'server % is relative to the location of the document; it was taken as %/', shown, base_path
            USING HINT = 'Give the URL of a server a host, or a path that begins with /.';
    END IF;
    FOR variable IN
        SELECT v.name
          FROM jsonb_each(CASE WHEN jsonb_typeof(server -> 'variables') = 'object' THEN server -> 'variables' ELSE '{}' END) AS v(name, value),
               jsonb_array_elements_text(CASE WHEN jsonb_typeof(v.value -> 'enum') = 'array' THEN v.value -> 'enum' ELSE '[]' END) AS e(value)
         WHERE e.value <> v.value ->> 'default'
           AND strpos(server ->> 'url', '{' || v.name || '}') > 0
         GROUP BY v.name
         ORDER BY v.name
    LOOP
        -- other hosts make no difference
        CONTINUE WHEN devapp_internal.openapi_url_path(devapp_internal.openapi_server_url(server, variable)) = base_path;
        PERFORM devapp_internal.openapi_left_out(format('each value of the variable %s of server %s but its default', devapp_internal.openapi_shown(variable), shown),
                                         'an operation has one base path',
                                         'List the servers one by one if more are intended.');
    END LOOP;
    RETURN base_path;
END
$$;

CREATE FUNCTION devapp_internal.openapi_base_paths(servers jsonb) RETURNS text[]
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF jsonb_typeof(servers) <> 'array' THEN
        PERFORM devapp_internal.openapi_error('its servers are not an array', 'Give "servers" an array of objects.');
    END IF;
    RETURN (SELECT array_agg(DISTINCT devapp_internal.openapi_base_path(s)) FROM jsonb_array_elements(servers) AS s);
END
$$;

-- Letters outside ASCII as clients send them, where the database has another encoding
-- than they do.
CREATE FUNCTION devapp_internal.openapi_encoded(s text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN getdatabaseencoding() IN ('UTF8', 'SQL_ASCII') OR octet_length(convert_to(s, 'UTF8')) = length(s) THEN s
                ELSE (SELECT string_agg(CASE WHEN octet_length(convert_to(c, 'UTF8')) = 1 THEN c
                                             ELSE regexp_replace(upper(encode(convert_to(c, 'UTF8'), 'hex')), '(..)', '%\1', 'g') END, '' ORDER BY n)
                        FROM string_to_table(s, NULL) WITH ORDINALITY AS x(c, n)) END
$$;

-- The request path that a path of the document stands for: without what is never
-- sent or never a part of a path.
CREATE FUNCTION devapp_internal.openapi_request_path(path text) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- RFC 6570: these begin an optional query or fragment
    request_path text := regexp_replace(path, '(\{[?&#][^{}]*\})+$', '');
    cut text := substring(request_path FROM '^((?:\{[^{}]*\}|[^{}#])*)#');
BEGIN
    IF cut IS NULL THEN
        RETURN request_path;
    END IF;
    RAISE NOTICE 'path % was taken as %: a fragment is never sent', devapp_internal.openapi_shown(path), devapp_internal.openapi_shown(cut);
    RETURN cut;
END
$$;

-- Why a path of the document can be no pattern; null if it can.
CREATE FUNCTION devapp_internal.openapi_path_problem(path text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN letters ~ '[{}]' THEN 'its braces are not templates'
                WHEN strpos(letters, '?') > 0 THEN 'a resource pattern cannot describe queries'
                WHEN path ~ '\{([^{}]*[*?#]|[.;,=&!|@])[^{}]*\}' THEN 'OpenAPI has no such template'
                WHEN path ~ '[^/]\{[^{}:]+\+\}|\{[^{}:]+\+\}[^/]' THEN 'a greedy template can only be a whole segment'
                WHEN strpos(letters, '*') > 0 AND letters <> path THEN 'in a resource pattern * is a wildcard' END
      FROM (SELECT regexp_replace(path, '\{[^{}/]*\}', '', 'g')) AS l(letters)
$$;

-- The pattern for a path under a base path, or null and a NOTICE.  {name} as a whole
-- segment is a pattern of its own; as a part of one it is *.  Two that touch are one *,
-- because ** would match slashes too.
CREATE FUNCTION devapp_internal.openapi_resource(base_path text, path text) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- {+name} is how RFC 6570 writes {name+}
    whole text := base_path || regexp_replace(devapp_internal.openapi_request_path(path), '\{\+([^{}/+:]+)\}', '{\1+}', 'g');
    problem text := devapp_internal.openapi_path_problem(whole);
    hint text := 'If it is intended, use devapp.add_operation.';
    resource text;
BEGIN
    IF problem IS NULL AND (whole = '/' OR strpos(whole, '*') > 0) THEN
        resource := '=' || whole;
    ELSIF problem IS NULL THEN
        SELECT string_agg(CASE WHEN segment ~ '^\{[^{}]+\}$' THEN segment
                               ELSE regexp_replace(segment, '(\{[^{}]*\})+', '*', 'g') END,
                          '/' ORDER BY n)
          INTO resource
          FROM string_to_table(whole, '/') WITH ORDINALITY AS s(segment, n);
    END IF;
    resource := devapp_internal.openapi_encoded(resource);
    IF devapp_internal.pattern_problem(resource) IS NOT NULL THEN
        problem := 'it is not a resource pattern';
        hint := devapp_internal.pattern_problem(resource);
    END IF;
    IF problem IS NOT NULL THEN
        PERFORM devapp_internal.openapi_left_out('path ' || devapp_internal.openapi_shown(path), problem, hint);
        RETURN NULL;
    END IF;
    RETURN resource;
END
$$;

-- The methods of a path item, '' for all, each with its operation.
CREATE FUNCTION devapp_internal.openapi_methods(path text, item jsonb) RETURNS TABLE (method text, operation jsonb)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    any_method CONSTANT text := 'x-amazon-apigateway-any-method';
    additional jsonb := item -> 'additionalOperations';
    member text;
    is_method boolean;
BEGIN
    IF jsonb_typeof(additional) <> 'object' THEN
        PERFORM devapp_internal.openapi_left_out(format('additionalOperations of path %s', devapp_internal.openapi_shown(path)),
                                         'it is not an object', 'Give it an object of methods.');
        additional := NULL;
    END IF;
    FOR member, operation, is_method IN
        SELECT k, v, k IN ('get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace', 'query', any_method)
          FROM jsonb_each(item) AS x(k, v)
         WHERE k NOT IN ('$ref', 'summary', 'description', 'servers', 'parameters', 'additionalOperations')
           AND (NOT starts_with(k, 'x-') OR k = any_method)
        UNION ALL
        -- RFC 9110, section 5.6.2
        SELECT k, v, k ~ '^[!#$%&''*+.^_`|~0-9A-Za-z-]{1,64}$' FROM jsonb_each(additional) AS x(k, v)
    LOOP
        IF NOT is_method OR jsonb_typeof(operation) <> 'object' THEN
            PERFORM devapp_internal.openapi_left_out(format('%s of path %s', devapp_internal.openapi_shown(member), devapp_internal.openapi_shown(path)),
                                             CASE WHEN is_method THEN 'it is not an object' ELSE 'it is not a method' END,
                                             'A method holds an object. Methods of OpenAPI are in lower case; others belong in additionalOperations.');
            CONTINUE;
        END IF;
        method := CASE WHEN member = any_method THEN '' ELSE upper(member COLLATE "C") END;
        RETURN NEXT;
    END LOOP;
END
$$;

-- One row for each resource and base path, with its methods ({}: all).
CREATE FUNCTION devapp_internal.openapi_operations(spec jsonb) RETURNS TABLE (resource text, methods text[])
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    path text;
    item jsonb;
    base_path text;
    document_bases text[] := coalesce(devapp_internal.openapi_base_paths(spec -> 'servers'), '{""}');
    item_bases text[];
BEGIN
    FOR path, item IN SELECT k, v FROM jsonb_each(spec -> 'paths') AS x(k, v) LOOP
        CONTINUE WHEN starts_with(path, 'x-');
        IF NOT starts_with(path, '/') THEN
            PERFORM devapp_internal.openapi_error(format('the path %s does not start with /', devapp_internal.openapi_shown(path)), 'Paths are relative to the server''s URL.');
        END IF;
        item := devapp_internal.openapi_path_item(spec, path, item);
        item_bases := coalesce(devapp_internal.openapi_base_paths(item -> 'servers'), document_bases);
        FOR base_path, methods IN
            SELECT b, array_agg(DISTINCT m.method ORDER BY m.method)
              FROM devapp_internal.openapi_methods(path, item) m,
                   unnest(coalesce(devapp_internal.openapi_base_paths(m.operation -> 'servers'), item_bases)) AS b
             GROUP BY b
             ORDER BY b COLLATE "C"
        LOOP
            resource := devapp_internal.openapi_resource(base_path, path);
            IF '' = ANY (methods) THEN
                methods := '{}';
            END IF;
            IF resource IS NOT NULL THEN
                RETURN NEXT;
            END IF;
        END LOOP;
    END LOOP;
END
$$;

CREATE FUNCTION devapp_internal.require_openapi(spec jsonb) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF spec IS NULL OR jsonb_typeof(spec) <> 'object' THEN
        PERFORM devapp_internal.openapi_error('it is not a JSON object', 'Convert YAML to JSON first.');
    END IF;
    IF spec ? 'swagger' THEN
        PERFORM devapp_internal.openapi_error('it is a Swagger 2.0 document', 'Convert it to OpenAPI 3 first.');
    END IF;
    IF jsonb_typeof(spec -> 'openapi') IS DISTINCT FROM 'string' OR (spec ->> 'openapi') !~ '^3\.[012](\.|$)' THEN
        PERFORM devapp_internal.openapi_error('its member "openapi" is not 3.0.x, 3.1.x or 3.2.x', 'Give an OpenAPI 3.0, 3.1 or 3.2 document.');
    END IF;
    IF jsonb_typeof(spec -> 'paths') IS DISTINCT FROM 'object' OR spec -> 'paths' = '{}' THEN
        PERFORM devapp_internal.openapi_error('it has no paths', 'Give a document with at least one path.');
    END IF;
END
$$;

CREATE FUNCTION devapp_internal.import_openapi(product text, spec jsonb, replace boolean) RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_product devapp.product := devapp_internal.find_product(product, true);
    wanted record;
    imported integer := 0;
    resources text[] := '{}';
BEGIN
    PERFORM devapp_internal.require_openapi(spec);
    FOR wanted IN
        -- paths that differ only in what is a wildcard here fall together
        SELECT o.resource, CASE WHEN bool_or(o.methods = '{}') THEN '{}' ELSE array_agg(DISTINCT m ORDER BY m) END AS methods
          FROM devapp_internal.openapi_operations(spec) o LEFT JOIN LATERAL unnest(o.methods) AS m ON true
         GROUP BY o.resource
    LOOP
        imported := imported + 1;
        resources := resources || wanted.resource;
        -- the same resource with a proxy or a quota of its own stays beside it
        DELETE FROM devapp.product_operation o
         WHERE o.product_id = the_product.product_id
           AND o.resource = wanted.resource
           AND o.methods <> wanted.methods
           AND o.proxy IS NULL AND o.quota_limit IS NULL;
        INSERT INTO devapp.product_operation (product_id, resource, methods)
        VALUES (the_product.product_id, wanted.resource::devapp.resource_pattern, wanted.methods)
        ON CONFLICT DO NOTHING;
    END LOOP;
    IF imported = 0 THEN
        PERFORM devapp_internal.openapi_error('its paths have no operations', 'Give at least one path with a method.');
    END IF;
    IF import_openapi.replace THEN
        DELETE FROM devapp.product_operation o
         WHERE o.product_id = the_product.product_id
           AND o.resource <> ALL (resources);
    END IF;
    RETURN imported;
END
$$;

CREATE FUNCTION devapp.import_openapi(product text, spec jsonb, replace boolean DEFAULT false) RETURNS integer
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.import_openapi(text, jsonb, boolean) IS
    'Adds the operations of an OpenAPI 3.0 to 3.2 document to a product; replace removes all others';
SELECT devapp_internal.grant_to('devapp.import_openapi', 'admin');
