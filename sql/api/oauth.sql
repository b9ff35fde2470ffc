-- The OAuth endpoints: what they share.
--
-- A request contains secrets of clients, and tokens.  They appear only in expressions of PL/pgSQL
-- that are no statements, and in no argument of a function in SQL; see sql/import/apps.sql.

-- The form in the body.  Only resource may be sent more than once (RFC 6749, section 3.2, RFC 8707).
CREATE FUNCTION devapp_internal.oauth_form(request devapp_internal.http_request) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    repeated constant text := jsonb_path_query_first(request.form - 'resource'::text, 'strict $.keyvalue() ? (@.value.type() == "array").key') #>> '{}';
BEGIN
    IF request.form IS NULL THEN
        PERFORM devapp_internal.http_error(400, 'invalid_request', 'the body must be a form (application/x-www-form-urlencoded)');
    END IF;
    IF repeated IS NOT NULL THEN
        PERFORM devapp_internal.http_error(400, 'invalid_request', format('parameter %s was sent more than once', devapp_internal.quoted(repeated)));
    END IF;
    RETURN request.form;
END
$$;

-- A parameter without a value counts as absent (RFC 6749, section 3.1).
CREATE FUNCTION devapp_internal.oauth_parameter(form jsonb, name text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN nullif(form ->> name, '');
END
$$;

-- The client that a request names, and what it proves itself by: its secret, in Authorization
-- or in the form, or an assertion.  Nothing is verified here.
CREATE FUNCTION devapp_internal.oauth_client(request devapp_internal.http_request, OUT client_id text, OUT secret text, OUT assertion text)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    form constant jsonb := devapp_internal.oauth_form(request);
    assertion_type constant text := devapp_internal.oauth_parameter(form, 'client_assertion_type');
BEGIN
    client_id := devapp_internal.oauth_parameter(form, 'client_id');
    secret := devapp_internal.oauth_parameter(form, 'client_secret');
    assertion := devapp_internal.oauth_parameter(form, 'client_assertion');
    IF num_nonnulls(nullif(btrim(request.headers ->> 'authorization'), ''), secret, assertion) > 1 THEN
        PERFORM devapp_internal.http_error(400, 'invalid_request', 'the client used more than one authentication method');
    END IF;
    IF (assertion IS NULL) <> (assertion_type IS NULL) THEN
        PERFORM devapp_internal.http_error(400, 'invalid_request', 'client_assertion and client_assertion_type must be used together');
    END IF;
    IF assertion_type <> 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' THEN
        PERFORM devapp_internal.http_error(401, 'invalid_client', 'client_assertion_type is not supported');
    END IF;
    IF btrim(request.headers ->> 'authorization') <> '' AND request.basic_user IS NULL THEN
        PERFORM devapp_internal.http_error(401, 'invalid_client', 'Authorization does not contain the id and the secret of a client');
    END IF;
    IF client_id <> request.basic_user THEN
        PERFORM devapp_internal.http_error(400, 'invalid_request', 'client_id differs from that in Authorization');
    END IF;
    client_id := coalesce(client_id, request.basic_user, devapp_internal.assertion_client(assertion));
    secret := coalesce(request.basic_password, secret);
    IF client_id IS NULL OR num_nonnulls(secret, assertion) = 0 THEN
        PERFORM devapp_internal.http_error(401, 'invalid_client', 'the client did not authenticate');
    END IF;
END
$$;

-- The token that a request is about.
CREATE FUNCTION devapp_internal.oauth_token_of(form jsonb) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    token constant text := devapp_internal.oauth_parameter(form, 'token');
BEGIN
    IF token IS NULL THEN
        PERFORM devapp_internal.http_error(400, 'invalid_request', 'token is missing');
    END IF;
    RETURN token;
END
$$;

-- What URLs of this API begin with, so that a path can follow.
CREATE FUNCTION devapp_internal.oauth_base_url(request devapp_internal.http_request) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN rtrim(request.base_url, '/');
END
$$;

-- How a client proves itself in the body of a request.
SELECT devapp_internal.add_schema('ClientProof', '{
    "client_id?": "string", "client_secret?": "string", "client_assertion?": "string: A JWT that the client signed, instead of a secret",
    "client_assertion_type?": "string: urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}');
