-- What OAuth clients and API servers read before they ask: RFC 8414, RFC 9728, RFC 7517.

-- Other servers keep these documents as well; a key that signs is published for longer before
-- it does (devapp.signing_key_publish).
CREATE FUNCTION devapp_internal.oauth_published_for(longest interval) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN jsonb_build_object('Cache-Control', format('public, max-age=%s', EXTRACT(epoch FROM least(longest, '5 minutes'))::integer));
END
$$;

-- What the proxy says of its URL may come from a client (Host), and must not get into a cache from
-- which others are answered.
CREATE FUNCTION devapp_internal.oauth_document_cache() RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE WHEN devapp_internal.setting('base_url') <> '' OR devapp_internal.token_issuer_name() ~ '^https?://.'
                THEN devapp_internal.oauth_published_for('5 minutes')
                ELSE '{"Cache-Control": "no-store"}'::jsonb END;
END
$$;

-- The algorithms in which clients may sign; see src/token/jwt_core.c.
CREATE FUNCTION devapp_internal.oauth_client_algs() RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    RETURN '["EdDSA", "Ed25519", "ES256", "RS256"]'::jsonb;

-- Of DPoP proofs; null where none can be remembered, and so none is good.
CREATE FUNCTION devapp_internal.oauth_proof_algs() RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN devapp_internal.is_preloaded() THEN devapp_internal.oauth_client_algs() END
$$;

-- The scopes of products that everybody may see; null: none.
CREATE FUNCTION devapp_internal.oauth_scopes_supported() RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_agg(DISTINCT s ORDER BY s)
      FROM devapp.product p, unnest(p.scopes) AS s
     WHERE p.access = 'public' AND p.deleted_at IS NULL
$$;

CREATE FUNCTION devapp_internal.oauth_require_base_url(request devapp_internal.http_request) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF request.base_url IS NULL THEN
        PERFORM devapp_internal.http_error(404, 'not_configured', 'the URL of this server is not set');
    END IF;
    RETURN devapp_internal.oauth_base_url(request);
END
$$;

-- ---------- the authorization server ----------

CREATE FUNCTION devapp_internal.oauth_server_metadata(base_url text) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    methods constant jsonb := '["client_secret_basic", "client_secret_post", "private_key_jwt"]';
    algs constant jsonb := devapp_internal.oauth_client_algs();
BEGIN
    RETURN jsonb_strip_nulls(jsonb_build_object(
        'issuer', devapp_internal.token_issuer_name(),
        'authorization_endpoint', base_url || '/oauth/authorize',
        'token_endpoint', base_url || '/oauth/token',
        'introspection_endpoint', base_url || '/oauth/introspect',
        'revocation_endpoint', base_url || '/oauth/revoke',
        'jwks_uri', base_url || '/.well-known/jwks.json',
        'scopes_supported', devapp_internal.oauth_scopes_supported(),
        'grant_types_supported', '["client_credentials"]'::jsonb,
        'response_types_supported', '[]'::jsonb,
        'token_endpoint_auth_methods_supported', methods,
        'token_endpoint_auth_signing_alg_values_supported', algs,
        'introspection_endpoint_auth_methods_supported', methods,
        'introspection_endpoint_auth_signing_alg_values_supported', algs,
        'revocation_endpoint_auth_methods_supported', methods,
        'revocation_endpoint_auth_signing_alg_values_supported', algs,
        'dpop_signing_alg_values_supported', devapp_internal.oauth_proof_algs()));
END
$$;

-- An issuer with a path has it behind the well-known one (RFC 8414, section 3.1).
CREATE FUNCTION devapp_internal.oauth_server(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    base_url constant text := devapp_internal.oauth_require_base_url(request);
BEGIN
    IF request.params ? 'issuer_path'
       AND regexp_replace(request.path, '^/\.well-known/[^/]+', '') IS DISTINCT FROM substring(devapp_internal.token_issuer_name() FROM '^https?://[^/]+(.*)$') THEN
        PERFORM devapp_internal.http_error(404, 'not_found', 'there is no issuer with this path');
    END IF;
    RETURN devapp_internal.json_response(200, devapp_internal.oauth_server_metadata(base_url), devapp_internal.oauth_document_cache());
END
$$;
COMMENT ON FUNCTION devapp_internal.oauth_server(devapp_internal.http_request) IS
    'Describes the capabilities and endpoints of this OAuth server (RFC 8414)';
SELECT devapp_internal.add_route('GET', '/.well-known/' || name || tail, 'devapp_internal.oauth_server', 'nothing', 'devapp')
  FROM (VALUES ('oauth-authorization-server'), ('openid-configuration')) AS n(name), (VALUES (''), ('/{issuer_path+}')) AS t(tail);

-- No flow leads here, as response_types_supported says.  But clients such as the SDK of the Model
-- Context Protocol read no metadata without this endpoint, even if all they want is a token.
CREATE FUNCTION devapp_internal.oauth_authorize(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM devapp_internal.http_error(400, 'unsupported_response_type', 'there are no consent pages; clients get tokens for themselves at the token endpoint');
END
$$;
COMMENT ON FUNCTION devapp_internal.oauth_authorize(devapp_internal.http_request) IS
    'Always refuses: there are no consent pages, because the only grant is client_credentials';
SELECT devapp_internal.add_route('GET', '/oauth/authorize', 'devapp_internal.oauth_authorize', 'nothing', 'oauth');

-- ---------- the keys ----------

-- Who asks for the type of a set of keys gets it; most take JSON only.
CREATE FUNCTION devapp_internal.oauth_jwks(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    accept constant text := lower(coalesce(request.headers ->> 'accept', ''));
    type constant text := CASE WHEN accept LIKE '%application/jwk-set+json%' AND accept !~ 'application/json|\*' THEN 'application/jwk-set+json'
                               ELSE 'application/json' END;
BEGIN
    RETURN devapp_internal.json_response(200, devapp.jwks(),
        devapp_internal.oauth_published_for(devapp_internal.setting('signing_key_publish')::interval) || jsonb_build_object('Content-Type', type, 'Vary', 'Accept'));
END
$$;
COMMENT ON FUNCTION devapp_internal.oauth_jwks(devapp_internal.http_request) IS
    'Publishes the public keys that verify the tokens of this server (RFC 7517)';
SELECT devapp_internal.add_route('GET', '/.well-known/jwks.json', 'devapp_internal.oauth_jwks', 'nothing', 'devapp');

-- ---------- what the tokens are for ----------

-- A client compares the resource with the URL that it called, octet by octet, so the path stays
-- as it was sent (RFC 9728, section 3.3).
CREATE FUNCTION devapp_internal.oauth_resource(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    base_url constant text := devapp_internal.oauth_require_base_url(request);
    path constant text := regexp_replace(request.path, '^/\.well-known/[^/]+', '');
BEGIN
    RETURN devapp_internal.json_response(200, jsonb_strip_nulls(jsonb_build_object(
        'resource', CASE WHEN path = '' THEN request.base_url ELSE base_url || path END,
        'resource_name', devapp_internal.setting('program_name'),
        'authorization_servers', jsonb_build_array(devapp_internal.token_issuer_name()),
        'scopes_supported', devapp_internal.oauth_scopes_supported(),
        'bearer_methods_supported', '["header"]'::jsonb,
        'dpop_signing_alg_values_supported', devapp_internal.oauth_proof_algs())), devapp_internal.oauth_document_cache());
END
$$;
COMMENT ON FUNCTION devapp_internal.oauth_resource(devapp_internal.http_request) IS
    'Names the issuer of tokens for a resource of this server, whose path follows (RFC 9728)';
SELECT devapp_internal.add_route('GET', '/.well-known/oauth-protected-resource' || tail, 'devapp_internal.oauth_resource', 'nothing', 'devapp')
  FROM (VALUES (''), ('/{resource_path+}')) AS t(tail);
