-- Access tokens over HTTP: /oauth/token (RFC 6749, section 4.4).

-- The scopes that are asked for; null: all that the client has.
CREATE FUNCTION devapp_internal.oauth_scopes(form jsonb) RETURNS text[]
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    scope constant text := devapp_internal.oauth_parameter(form, 'scope');
BEGIN
    IF length(scope) > 8192 THEN
        PERFORM devapp_internal.http_error(400, 'invalid_scope', 'scope has more than 8192 characters');
    END IF;
    RETURN array_remove(string_to_array(scope, ' '), '');
END
$$;

-- The audience of the token, as devapp.issue_token takes it: URIs, separated by spaces; null: the request names none.
CREATE FUNCTION devapp_internal.oauth_resources(form jsonb) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    resources constant text[] := array_remove(devapp_internal.all_values(jsonb_build_object('resource', form -> 'resource'), 'resource'), '');
BEGIN
    IF array_to_string(resources, '') ~ '\s' THEN
        PERFORM devapp_internal.http_error(400, 'invalid_target', 'resource is not a URI');
    END IF;
    RETURN nullif(array_to_string(resources, ' '), '');
END
$$;

-- The thumbprint of the key that a proof names, to which the token is to be bound; null: no proof was sent.
CREATE FUNCTION devapp_internal.oauth_named_key(request devapp_internal.http_request) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    jkt constant text := devapp_internal.dpop_named_key(request.headers ->> 'dpop');
BEGIN
    IF request.headers ? 'dpop' AND jkt IS NULL THEN
        PERFORM devapp_internal.http_error(400, 'invalid_dpop_proof', 'the DPoP proof is malformed');
    END IF;
    RETURN jkt;
END
$$;

-- Proofs that were used are remembered, so only those of clients that got a token are.
CREATE FUNCTION devapp_internal.oauth_require_proof(request devapp_internal.http_request, jkt text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    url constant text := concat(devapp_internal.oauth_base_url(request), request.path);
BEGIN
    IF jkt IS NOT NULL AND devapp_internal.dpop_thumbprint(request.headers ->> 'dpop', request.method, url, NULL, NULL) IS DISTINCT FROM jkt THEN
        PERFORM devapp_internal.http_error(400, 'invalid_dpop_proof', 'the DPoP proof is not valid for this request, or has already been used');
    END IF;
    RETURN true;
END
$$;

CREATE FUNCTION devapp_internal.oauth_issue(request devapp_internal.http_request) RETURNS devapp.issued_token
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    client constant record := devapp_internal.oauth_client(request);
    jkt constant text := devapp_internal.oauth_named_key(request);
    issued devapp.issued_token;
BEGIN
    issued := devapp.issue_token(client.client_id, client.secret, client.assertion, devapp_internal.oauth_scopes(request.form),
                                 resource => devapp_internal.oauth_resources(request.form), jkt => jkt);
    IF devapp_internal.oauth_require_proof(request, jkt) THEN
        RETURN issued;
    END IF;
EXCEPTION
    WHEN object_not_in_prerequisite_state THEN
        PERFORM devapp_internal.http_error(503, 'temporarily_unavailable', 'there is no active signing key',
            format('No signing key for %s is active (devapp.token_alg). Create one with devapp.create_signing_key, and activate it with devapp.activate_signing_key.',
                   devapp_internal.setting('token_alg')));
END
$$;

CREATE FUNCTION devapp_internal.oauth_token(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    grant_type constant text := devapp_internal.oauth_parameter(devapp_internal.oauth_form(request), 'grant_type');
    issued devapp.issued_token;
BEGIN
    IF grant_type IS NULL THEN
        PERFORM devapp_internal.http_error(400, 'invalid_request', 'grant_type is missing');
    END IF;
    IF grant_type <> 'client_credentials' THEN
        PERFORM devapp_internal.http_error(400, 'unsupported_grant_type', 'grant_type must be client_credentials');
    END IF;
    issued := devapp_internal.oauth_issue(request);
    RETURN devapp_internal.json_response(200, jsonb_strip_nulls(jsonb_build_object(
        'access_token', issued.token,
        'token_type', issued.token_type,
        'expires_in', issued.expires_in,
        'scope', issued.scope)), '{"Cache-Control": "no-store", "Pragma": "no-cache"}');
END
$$;
COMMENT ON FUNCTION devapp_internal.oauth_token(devapp_internal.http_request) IS
    'Issues an access token (client_credentials); accepts client secrets, signed assertions and DPoP proofs';
SELECT devapp_internal.add_route('POST', '/oauth/token', 'devapp_internal.oauth_token', 'client', 'oauth');
SELECT devapp_internal.add_route('POST', '/token', 'devapp_internal.oauth_token', 'client', 'oauth');

-- unknown members are ignored there
SELECT devapp_internal.add_schema('TokenRequest', '{
    "grant_type": "string: client_credentials", "scope?": "string: Scopes, separated by spaces; all of the client if it is left out",
    "resource?": "string or [string]: URI that the token is for; it may be there more than once"}', extends => 'ClientProof');
SELECT devapp_internal.add_schema('Token', '{"access_token": "string", "token_type": "Bearer|DPoP", "expires_in": "integer: Seconds", "scope?": "string"}');
SELECT devapp_internal.describe_route('POST', p, '{"200": "#Token"}', body => 'TokenRequest') FROM unnest('{/oauth/token,/token}'::text[]) AS p;
