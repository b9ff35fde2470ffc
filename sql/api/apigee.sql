-- Apigee's management API: what its topics share.
--
-- Each route stands under both bases of Apigee, and {org} may be anything: one database is one
-- organization.  The functions read tables, because a caller with the right to read is no
-- administrator, and change them by the public functions alone.
--
-- A request contains the caller's own key, and a body may contain secrets of others.  So both
-- appear only in expressions of PL/pgSQL that are not statements; see sql/import/apps.sql.

CREATE FUNCTION devapp_internal.add_apigee_route(method text, tail text, function text, needs text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM devapp_internal.add_route(method, '/v1/organizations/{org}' || tail, 'devapp_internal.' || function, needs, 'apigee');
    PERFORM devapp_internal.add_route(method, '/v1/o/{org}' || tail, 'devapp_internal.' || function, needs, 'apigee');
END
$$;

-- ---------- answers ----------

-- Milliseconds since 1970.  Numbers of 64 bits are texts in Apigee's JSON.
CREATE FUNCTION devapp_internal.apigee_millis(at timestamptz) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN floor(EXTRACT(epoch FROM at) * 1000)::bigint::text;

CREATE FUNCTION devapp_internal.apigee_attribute_list(attributes jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object('name', a.key, 'value', a.value) ORDER BY a.n), '[]')
      FROM jsonb_each(attributes) WITH ORDINALITY AS a(key, value, n)
$$;

-- ---------- bodies ----------

CREATE FUNCTION devapp_internal.apigee_refuse(message text, hint text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION '%', message
        USING ERRCODE = 'invalid_parameter_value', HINT = coalesce(hint, 'See the reference of Apigee''s management API.');
END
$$;

-- The body without the secrets that callers send back with what they read before, so that it may
-- be in statements.
CREATE FUNCTION devapp_internal.apigee_body(request devapp_internal.http_request) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF request.form IS NOT NULL THEN
        PERFORM devapp_internal.http_error(415, 'keymanagement.service.UnsupportedMediaType', 'the body must be JSON, not a form: send it with Content-Type: application/json');
    END IF;
    IF request.body IS NULL THEN
        PERFORM devapp_internal.apigee_refuse('the request has no body', 'Send a JSON object with Content-Type: application/json.');
    END IF;
    RETURN request.body - '{credentials,consumerKey,consumerSecret}'::text[];
END
$$;

-- A member that is a text or a number; null if there is none.
CREATE FUNCTION devapp_internal.apigee_text(body jsonb, name text) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF jsonb_typeof(body -> name) IN ('array', 'object', 'boolean') THEN
        PERFORM devapp_internal.apigee_refuse(format('%s must be a string', name), 'Send a JSON string.');
    END IF;
    RETURN body ->> name;
END
$$;

-- What is changed keeps its name, which clients send back with the rest.
CREATE FUNCTION devapp_internal.apigee_require_name(body jsonb, name text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF devapp_internal.canonical_name(devapp_internal.apigee_text(body, 'name')) <> name THEN
        PERFORM devapp_internal.apigee_refuse('the name cannot be changed', 'Leave it out, or send the name that is in the path.');
    END IF;
END
$$;

-- A text for a change: null where the value stays, '' where it is cleared.
CREATE FUNCTION devapp_internal.apigee_change(body jsonb, name text) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE WHEN body ? name THEN coalesce(devapp_internal.apigee_text(body, name), '') END;
END
$$;

-- A list of texts; null if there is none.  Apigee writes [""] for one without elements.
CREATE FUNCTION devapp_internal.apigee_texts(body jsonb, name text) RETURNS text[]
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF coalesce(jsonb_typeof(body -> name), 'null') = 'null' THEN
        RETURN NULL;
    END IF;
    IF jsonb_typeof(body -> name) <> 'array' OR EXISTS (SELECT FROM jsonb_array_elements(body -> name) AS e WHERE jsonb_typeof(e) <> 'string') THEN
        PERFORM devapp_internal.apigee_refuse(format('%s must be an array of strings', name), 'Send a JSON array of strings.');
    END IF;
    RETURN ARRAY(SELECT jsonb_array_elements_text((body -> name) - ''));
END
$$;

-- A list of names and values as an object; null if there is none.
CREATE FUNCTION devapp_internal.apigee_attribute_object(body jsonb, name text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF coalesce(jsonb_typeof(body -> name), 'null') = 'null' THEN
        RETURN NULL;
    END IF;
    IF jsonb_typeof(body -> name) <> 'array'
       OR EXISTS (SELECT FROM jsonb_array_elements(body -> name) AS e
                   WHERE jsonb_typeof(e -> 'name') IS DISTINCT FROM 'string' OR jsonb_typeof(e -> 'value') IN ('array', 'object')) THEN
        PERFORM devapp_internal.apigee_refuse(format('%s must be an array of names and values', name), 'For example [{"name": "tier", "value": "gold"}].');
    END IF;
    RETURN devapp_internal.canonical_attributes(devapp_internal.apigee_attributes(body -> name));
END
$$;

-- A whole number, also as a text; null if there is none.
CREATE FUNCTION devapp_internal.apigee_number(body jsonb, name text) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    given constant text := nullif(devapp_internal.apigee_text(body, name), '');
BEGIN
    IF given !~ '^-?[0-9]{1,15}$' THEN
        PERFORM devapp_internal.apigee_refuse(format('%s must be a whole number', name), 'The maximum is 15 digits.');
    END IF;
    RETURN given;
END
$$;

CREATE FUNCTION devapp_internal.apigee_integer(body jsonb, name text) RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    given constant bigint := devapp_internal.apigee_number(body, name);
BEGIN
    IF given NOT BETWEEN -2147483648 AND 2147483647 THEN
        PERFORM devapp_internal.apigee_refuse(format('%s is too large', name), 'The maximum is 2147483647.');
    END IF;
    RETURN given;
END
$$;

-- The lifetime of a key; null: it never expires.
CREATE FUNCTION devapp_internal.apigee_lifetime(body jsonb, name text, unit interval) RETURNS interval
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    given constant bigint := devapp_internal.apigee_number(body, name);
BEGIN
    IF given <= 0 AND given <> -1 THEN
        PERFORM devapp_internal.apigee_refuse(format('%s must be greater than zero', name), 'Send -1 for a key that never expires.');
    END IF;
    IF given > extract(epoch FROM interval '10000 years') / extract(epoch FROM unit) THEN
        PERFORM devapp_internal.apigee_refuse(format('%s is too large', name), 'The maximum is 10,000 years.');
    END IF;
    RETURN nullif(given, -1) * unit;
END
$$;

-- ---------- queries ----------

CREATE FUNCTION devapp_internal.apigee_flag(request devapp_internal.http_request, name text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN coalesce(lower(devapp_internal.one_value(request.query, name)) = 'true', false);
END
$$;

-- How many a page has.  Whoever asks for more would take a full page for the last.
CREATE FUNCTION devapp_internal.apigee_count(request devapp_internal.http_request, name text, most integer) RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    given constant text := devapp_internal.one_value(request.query, name);
BEGIN
    IF given !~ '^[0-9]{1,9}$' OR given::integer NOT BETWEEN 1 AND most THEN
        PERFORM devapp_internal.apigee_refuse(format('%s must be a number from 1 to %s', name, most), 'Ask for the next page with startKey.');
    END IF;
    RETURN coalesce(given::integer, most);
END
$$;

-- A list: names, or an object with forms where the query asks for it to be expanded.
CREATE FUNCTION devapp_internal.apigee_answer_list(names jsonb, member text, forms jsonb) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN devapp_internal.json_response(200, CASE WHEN forms IS NULL THEN coalesce(names, '[]')
                                                            ELSE jsonb_build_object(member, forms) END);
END
$$;

-- ---------- the organization ----------

-- The properties tell clients that lists come in pages, by count and startKey, and have the
-- form of Apigee Edge.
CREATE FUNCTION devapp_internal.apigee_get_organization(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    environments constant jsonb := (SELECT coalesce(jsonb_agg(DISTINCT e ORDER BY e), '[]')
                                      FROM devapp.product p, unnest(p.environments) AS e WHERE p.deleted_at IS NULL);
BEGIN
    RETURN devapp_internal.json_response(200, jsonb_build_object(
        'name', request.params ->> 'org',
        'displayName', devapp_internal.setting('program_name'),
        'type', 'paid',
        'environments', environments,
        'properties', jsonb_build_object('property', devapp_internal.apigee_attribute_list(
                          '{"features.isCpsEnabled": "true", "features.hybrid.enabled": "false", "features.isMonetizationEnabled": "false"}'))));
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_get_organization IS 'The organization: every name stands for this program';

-- Apigee's clients put a slash behind the organization.
SELECT devapp_internal.add_apigee_route('GET', t, 'apigee_get_organization', 'read') FROM unnest('{"",/}'::text[]) AS t;
