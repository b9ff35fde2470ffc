-- What a token is good for, and its end, over HTTP: /oauth/introspect (RFC 7662), /oauth/revoke (RFC 7009).

-- Makes a client that has proved itself the caller of the request if it holds devapp:verify: most
-- API servers ask as clients.  False if it does not; see src/api/caller.c.
CREATE FUNCTION devapp_internal.become_gateway(client_id text, method text, path text, client inet) RETURNS boolean
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_become_gateway';

-- A gateway has shown its management key in Authorization or X-Devapp-Gateway; see src/api/caller.c.
CREATE FUNCTION devapp_internal.oauth_introspect(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    form constant jsonb := devapp_internal.oauth_form(request);
    client record;
    answer jsonb;
BEGIN
    IF devapp_internal.caller_verifies() THEN
        IF request.basic_user IS NOT NULL OR form ?| '{client_secret,client_assertion}'::text[] THEN
            PERFORM devapp_internal.http_error(400, 'invalid_request', 'the caller used more than one authentication method');
        END IF;
        RETURN devapp_internal.json_response(200, devapp.introspect(devapp_internal.oauth_token_of(form)));
    END IF;
    client := devapp_internal.oauth_client(request);
    answer := devapp.introspect(devapp_internal.oauth_token_of(form), client.client_id, client.secret, client.assertion);
    IF answer = '{"active": false}' AND devapp_internal.become_gateway(client.client_id, request.method, request.path, request.client) THEN
        answer := devapp.introspect(devapp_internal.oauth_token_of(form));
    END IF;
    RETURN devapp_internal.json_response(200, answer);
END
$$;
COMMENT ON FUNCTION devapp_internal.oauth_introspect(devapp_internal.http_request) IS
    'Describes a token: any token to a gateway, its own tokens to a client; other tokens are not active';
SELECT devapp_internal.add_route('POST', '/oauth/introspect', 'devapp_internal.oauth_introspect', 'client', 'oauth');

CREATE FUNCTION devapp_internal.oauth_revoke(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    client constant record := devapp_internal.oauth_client(request);
    is_done boolean;
BEGIN
    is_done := devapp.revoke_token(devapp_internal.oauth_token_of(request.form), client => client.client_id, client_secret => client.secret,
                                   assertion => client.assertion, note => 'by its client') IS NOT NULL;
    -- clients ignore the body, but some insist on JSON
    RETURN devapp_internal.json_response(200, '{}');
END
$$;
COMMENT ON FUNCTION devapp_internal.oauth_revoke(devapp_internal.http_request) IS
    'Revokes a token of the client; the answer is the same for anything that is not one of its tokens';
SELECT devapp_internal.add_route('POST', '/oauth/revoke', 'devapp_internal.oauth_revoke', 'client', 'oauth');

SELECT devapp_internal.add_schema('TokenQuestion', '{"token": "string", "token_type_hint?": "string"}', extends => 'ClientProof');
SELECT devapp_internal.add_schema('Introspection', '{
    "active": "boolean: Whether it works; if not, nothing else is said", "scope?": "string", "client_id?": "string", "token_type?": "Bearer|DPoP", "exp?": "integer",
    "iat?": "integer", "nbf?": "integer", "sub?": "string", "aud?": "string or [string]", "iss?": "string", "jti?": "string", "cnf?": "words"}');
SELECT devapp_internal.describe_route('POST', '/oauth/introspect', '{"200": "#Introspection"}', body => 'TokenQuestion');
SELECT devapp_internal.describe_route('POST', '/oauth/revoke', '{"200": "object"}', body => 'TokenQuestion');
