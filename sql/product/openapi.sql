-- Operations from an OpenAPI 3.0 or 3.1 document.

CREATE FUNCTION devapp_internal.openapi_error(message text, hint text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'not a usable OpenAPI document: %', devapp_internal.masked(message)
        USING ERRCODE = 'invalid_parameter_value', HINT = hint;
END
$$;

-- The object that a path item stands for: itself, or what its "$ref" points to in
-- the same document.
CREATE FUNCTION devapp_internal.openapi_path_item(spec jsonb, path text, item jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ref text;
    step text;
    target jsonb;
    depth integer := 0;
BEGIN
    LOOP
        IF jsonb_typeof(item) IS DISTINCT FROM 'object' THEN
            PERFORM devapp_internal.openapi_error(format('the path %s is not an object', path), 'Each path holds an object of methods.');
        END IF;
        ref := item ->> '$ref';
        EXIT WHEN ref IS NULL;
        depth := depth + 1;
        IF NOT starts_with(ref, '#/') OR depth > 10 THEN
            PERFORM devapp_internal.openapi_error(format('the reference of path %s does not lead into the document', path),
                                          'Bundle the document into one file first.');
        END IF;
        target := spec;
        FOREACH step IN ARRAY string_to_array(substr(ref, 3), '/') LOOP
            -- RFC 6901: ~1 is a slash, ~0 a tilde
            target := target -> replace(replace(step, '~1', '/'), '~0', '~');
        END LOOP;
        item := target;
    END LOOP;
    RETURN item;
END
$$;

-- The path part of a server's URL, without the slash at its end: '' for none.
CREATE FUNCTION devapp_internal.openapi_base_path(server jsonb) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    url text := server ->> 'url';
    variable text;
    value jsonb;
BEGIN
    IF url IS NULL THEN
        PERFORM devapp_internal.openapi_error('a server has no url', 'Give each server a url.');
    END IF;
    FOR variable, value IN
        SELECT k, v FROM jsonb_each(CASE WHEN jsonb_typeof(server -> 'variables') = 'object'
                                         THEN server -> 'variables' ELSE '{}' END) AS x(k, v)
    LOOP
        IF value ->> 'default' IS NULL THEN
            PERFORM devapp_internal.openapi_error(format('the server variable %s has no default', variable), 'OpenAPI requires one.');
        END IF;
        url := replace(url, '{' || variable || '}', value ->> 'default');
    END LOOP;
    url := regexp_replace(url, '[?#].*$', '');
    url := regexp_replace(url, '^([A-Za-z][A-Za-z0-9+.-]*:)?//[^/]*', '');
    url := rtrim(url, '/');
    IF strpos(url, '*') > 0 THEN
        PERFORM devapp_internal.openapi_error('the path of a server has a *', 'In a resource pattern it would be a wildcard.');
    END IF;
    RETURN CASE WHEN url = '' OR starts_with(url, '/') THEN url ELSE '/' || url END;
END
$$;

CREATE FUNCTION devapp_internal.openapi_base_paths(servers jsonb) RETURNS text[]
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT array_agg(DISTINCT devapp_internal.openapi_base_path(s))
      FROM jsonb_array_elements(CASE WHEN jsonb_typeof(servers) = 'array' THEN servers END) AS s
$$;

-- {name} as a whole segment is a pattern of its own; as a part of one it is *.
-- Two that touch are one *, because ** would match slashes too.
CREATE FUNCTION devapp_internal.openapi_resource(base_path text, path text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT base_path || string_agg(
               CASE WHEN segment ~ '^\{[^{}]+\}$' THEN segment
                    ELSE regexp_replace(segment, '(\{[^{}]*\})+', '*', 'g') END,
               '/' ORDER BY n)
      FROM string_to_table(path, '/') WITH ORDINALITY AS s(segment, n)
$$;

-- One row for each resource and base path, with its methods.
CREATE FUNCTION devapp_internal.openapi_operations(spec jsonb) RETURNS TABLE (resource text, methods text[])
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    path text;
    item jsonb;
    document_bases text[] := coalesce(devapp_internal.openapi_base_paths(spec -> 'servers'), '{""}');
    item_bases text[];
BEGIN
    FOR path, item IN SELECT k, v FROM jsonb_each(spec -> 'paths') AS x(k, v) LOOP
        CONTINUE WHEN starts_with(path, 'x-');
        IF NOT starts_with(path, '/') THEN
            PERFORM devapp_internal.openapi_error(format('the path %s does not start with /', path), 'Paths are relative to the server''s URL.');
        END IF;
        item := devapp_internal.openapi_path_item(spec, path, item);
        item_bases := coalesce(devapp_internal.openapi_base_paths(item -> 'servers'), document_bases);
        -- what a pattern can't say must not open more than the document does
        IF path = '/' AND '' = ANY (item_bases) THEN
            RAISE NOTICE 'path / was left out: as a resource pattern it means every path'
                USING HINT = 'If that is meant, use devapp.add_operation(product, ''/'').';
        END IF;
        IF strpos(path, '*') > 0 THEN
            RAISE NOTICE 'path % was left out: in a resource pattern * is a wildcard', devapp_internal.masked(path)
                USING HINT = 'If that is meant, use devapp.add_operation.';
            CONTINUE;
        END IF;
        RETURN QUERY
            SELECT devapp_internal.openapi_resource(base, path), array_agg(DISTINCT upper(m COLLATE "C") ORDER BY upper(m COLLATE "C"))
              FROM unnest(ARRAY['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']) AS m,
                   unnest(coalesce(devapp_internal.openapi_base_paths(item -> m -> 'servers'), item_bases)) AS base
             WHERE jsonb_typeof(item -> m) = 'object'
               AND base || path <> '/'
             GROUP BY base;
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
    IF jsonb_typeof(spec -> 'openapi') IS DISTINCT FROM 'string' OR (spec ->> 'openapi') !~ '^3\.[01](\.|$)' THEN
        PERFORM devapp_internal.openapi_error('its member "openapi" is not 3.0.x or 3.1.x', 'Give an OpenAPI 3.0 or 3.1 document.');
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
        SELECT o.resource, array_agg(DISTINCT m ORDER BY m) AS methods
          FROM devapp_internal.openapi_operations(spec) o, unnest(o.methods) AS m
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
    'Adds the operations of an OpenAPI 3.0 or 3.1 document to a product, one for each path; replace removes those of other paths; how many the document has';
SELECT devapp_internal.grant_to('devapp.import_openapi', 'admin');
