-- The answers of functions of routes.

CREATE FUNCTION devapp_internal.json_response(status integer, body jsonb, headers jsonb DEFAULT '{}') RETURNS devapp_internal.http_response
    LANGUAGE sql IMMUTABLE
    RETURN ROW(status, '{"Content-Type": "application/json"}'::jsonb || headers, body::text)::devapp_internal.http_response;

CREATE FUNCTION devapp_internal.empty_response(status integer, headers jsonb DEFAULT '{}') RETURNS devapp_internal.http_response
    LANGUAGE sql IMMUTABLE
    RETURN ROW(status, headers, NULL::text)::devapp_internal.http_response;

-- An error with a status that no SQLSTATE of ours has.  Its code is the word of the error's form,
-- null for the usual one; it travels as the name of a constraint.
CREATE FUNCTION devapp_internal.http_error(status integer, code text, message text, hint text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'DV' || status, MESSAGE = message, CONSTRAINT = coalesce(code, ''), HINT = coalesce(hint, '');
END
$$;

-- The value of a parameter of a query or form that may be sent once; null if it was not sent.
CREATE FUNCTION devapp_internal.one_value(sent jsonb, name text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF jsonb_typeof(sent -> name) = 'array' THEN
        RAISE EXCEPTION 'parameter "%" was sent more than once', name
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Send it once.';
    END IF;
    RETURN sent ->> name;
END
$$;

-- All values of a parameter, in their order; an empty array if it was not sent.
CREATE FUNCTION devapp_internal.all_values(sent jsonb, name text) RETURNS text[]
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE jsonb_typeof(sent -> name) WHEN 'array' THEN ARRAY(SELECT jsonb_array_elements_text(sent -> name))
                                           WHEN 'string' THEN ARRAY[sent ->> name]
                                           ELSE '{}' END
$$;
