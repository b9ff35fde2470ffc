-- What routes take and give, as files declare it beside the functions of the routes.
--
-- A type is written in short: string, integer, number, boolean, object, uuid, date, time, email, words
-- (an object whose values are strings), one|two (one of these words), #Name (another schema),
-- [type] (an array), one of them or another.  After it, ? allows null as well, and a colon begins a description.

CREATE FUNCTION devapp_internal.schema_of(short text) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    colon constant integer := strpos(short, ': ');
    inner_schema jsonb;
BEGIN
    IF colon > 0 THEN
        RETURN devapp_internal.schema_of(left(short, colon - 1)) || jsonb_build_object('description', substr(short, colon + 2));
    END IF;
    IF right(short, 1) = '?' THEN
        inner_schema := devapp_internal.schema_of(left(short, -1));
        RETURN CASE WHEN inner_schema ? 'type' AND NOT inner_schema ? 'enum' THEN inner_schema || jsonb_build_object('type', jsonb_build_array(inner_schema -> 'type', 'null'))
                    ELSE jsonb_build_object('anyOf', jsonb_build_array(inner_schema, '{"type": "null"}'::jsonb)) END;
    END IF;
    RETURN CASE WHEN strpos(short, ' or ') > 0 THEN jsonb_build_object('anyOf', (SELECT jsonb_agg(devapp_internal.schema_of(t)) FROM unnest(string_to_array(short, ' or ')) AS t))
                WHEN short ~ '^[[].+[]]$' THEN jsonb_build_object('type', 'array', 'items', devapp_internal.schema_of(substr(short, 2, length(short) - 2)))
                WHEN short ~ '^#' THEN jsonb_build_object('$ref', '#/components/schemas/' || substr(short, 2))
                WHEN strpos(short, '|') > 0 THEN jsonb_build_object('type', 'string', 'enum', string_to_array(short, '|'))
                WHEN short IN ('string', 'integer', 'number', 'boolean', 'object') THEN jsonb_build_object('type', short)
                WHEN short IN ('uuid', 'date', 'email') THEN jsonb_build_object('type', 'string', 'format', short)
                WHEN short = 'time' THEN '{"type": "string", "format": "date-time"}'
                WHEN short = 'words' THEN '{"type": "object", "additionalProperties": {"type": "string"}}' END;
END
$$;

-- Declares a schema by its members, and those of another that it extends.  A member whose name has
-- a ? after it may be missing.  A body has no other members than these.
CREATE FUNCTION devapp_internal.add_schema(name text, members jsonb, extends text DEFAULT NULL, is_body boolean DEFAULT false) RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH base AS (
        SELECT s.schema FROM devapp_internal.api_schema s WHERE s.name = extends
    ), needed AS (
        SELECT jsonb_array_elements_text(b.schema -> 'required') AS name FROM base b
         UNION
        SELECT m FROM jsonb_object_keys(members) AS m WHERE right(m, 1) <> '?'
    )
    INSERT INTO devapp_internal.api_schema (name, schema)
    SELECT add_schema.name,
           jsonb_build_object(
               'type', 'object',
               'properties', coalesce((SELECT b.schema -> 'properties' FROM base b), '{}')
                             || coalesce((SELECT jsonb_object_agg(rtrim(m.key, '?'), devapp_internal.schema_of(m.value)) FROM jsonb_each_text(members) AS m), '{}'),
               'required', (SELECT coalesce(jsonb_agg(n.name ORDER BY n.name COLLATE "C"), '[]') FROM needed n))
           || CASE WHEN is_body THEN '{"additionalProperties": false}' ELSE '{}' END::jsonb
$$;

-- Declares what a route takes and gives: by status the type of an answer, null for none.
CREATE FUNCTION devapp_internal.describe_route(method text, pattern text, answers jsonb, query jsonb DEFAULT '{}', body text DEFAULT NULL) RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO devapp_internal.route_document (method, pattern, answers, query, body)
    VALUES (describe_route.method, describe_route.pattern, describe_route.answers, describe_route.query, describe_route.body)
$$;

-- ---------- bodies ----------

-- What a value that a schema does not allow should have been; null if it is allowed.
CREATE FUNCTION devapp_internal.wanted_instead(value jsonb, schema jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    actual constant text := jsonb_typeof(value);
    item jsonb;
    wanted text := coalesce(schema #>> '{type,0}', schema ->> 'type');
BEGIN
    IF actual = 'null' AND (schema -> 'type' ? 'null' OR schema ? 'anyOf') THEN
        RETURN NULL;
    END IF;
    schema := coalesce(schema #> '{anyOf,0}', schema);
    IF schema ? 'enum' THEN
        RETURN CASE WHEN actual = 'string' AND schema -> 'enum' ? (value #>> '{}') THEN NULL
                    ELSE 'one of ' || (SELECT string_agg(w, ', ' ORDER BY n) FROM jsonb_array_elements_text(schema -> 'enum') WITH ORDINALITY AS e(w, n)) END;
    END IF;
    IF wanted = 'array' THEN
        FOR item IN SELECT e FROM jsonb_array_elements(CASE actual WHEN 'array' THEN value ELSE '[null]' END) AS e LOOP
            IF devapp_internal.wanted_instead(item, schema -> 'items') IS NOT NULL THEN
                RETURN format('an array of %ss', schema #>> '{items,type}');
            END IF;
        END LOOP;
        RETURN NULL;
    END IF;
    IF wanted = 'object' THEN
        RETURN CASE WHEN actual <> 'object' OR EXISTS (SELECT FROM jsonb_each(CASE actual WHEN 'object' THEN value ELSE '{}' END) AS m WHERE jsonb_typeof(m.value) <> 'string')
                    THEN 'an object whose values are strings' END;
    END IF;
    RETURN CASE WHEN wanted = 'integer' AND (actual <> 'number' OR (value::text)::numeric % 1 <> 0) THEN 'a whole number'
                WHEN wanted NOT IN ('integer', actual) THEN 'a ' || wanted END;
END
$$;

CREATE FUNCTION devapp_internal.refuse_body(message text, hint text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION '%', message USING ERRCODE = 'invalid_parameter_value', HINT = hint;
END
$$;

-- The body of a request, which has the form of a schema.  Until what the schema does not know is
-- refused, the body is in no statement: it could be anything.
CREATE FUNCTION devapp_internal.read_body(request devapp_internal.http_request, schema_name text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    schema constant jsonb := (SELECT s.schema FROM devapp_internal.api_schema s WHERE s.name = schema_name);
    members constant text[] := ARRAY(SELECT m FROM jsonb_object_keys(schema -> 'properties') AS m ORDER BY m COLLATE "C");
    hint constant text := format('Send a JSON object with Content-Type: application/json; its members are %s.', array_to_string(members, ', '));
    body jsonb := request.body;
    member text;
    wanted text;
BEGIN
    IF request.form IS NOT NULL THEN
        PERFORM devapp_internal.http_error(415, 'DV415', 'the body must be JSON, not a form: send it with Content-Type: application/json');
    END IF;
    body := coalesce(body, '{}');
    IF body - members <> '{}' THEN
        RAISE EXCEPTION 'the body must not have the member %', devapp_internal.quoted(jsonb_path_query_first(body - members, '$.keyvalue().key') #>> '{}')
            USING ERRCODE = 'invalid_parameter_value', HINT = hint;
    END IF;
    FOREACH member IN ARRAY members LOOP
        IF NOT body ? member THEN
            IF schema -> 'required' ? member THEN
                PERFORM devapp_internal.refuse_body(format('the body must have the member %s', member), hint);
            END IF;
            CONTINUE;
        END IF;
        wanted := devapp_internal.wanted_instead(body -> member, schema -> 'properties' -> member);
        IF wanted IS NOT NULL THEN
            PERFORM devapp_internal.refuse_body(format('member %s of the body must be %s', member, wanted), hint);
        END IF;
    END LOOP;
    RETURN body;
END
$$;

-- For changes, a member that is there and null clears, as '' does, and one that is not there stays.
CREATE FUNCTION devapp_internal.body_change(body jsonb, name text) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN body ? name THEN coalesce(body ->> name, '') END;

CREATE FUNCTION devapp_internal.body_list(body jsonb, name text) RETURNS text[]
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN body ? name
                THEN ARRAY(SELECT jsonb_array_elements_text(CASE jsonb_typeof(body -> name) WHEN 'array' THEN body -> name ELSE '[]' END)) END
$$;

CREATE FUNCTION devapp_internal.body_words(body jsonb, name text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN body ? name THEN coalesce(nullif(body -> name, 'null'::jsonb), '{}'::jsonb) END;
