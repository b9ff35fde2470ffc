-- Signatures, keys and proofs; see src/token/jose.c.

-- What a token (JWS in compact serialisation) says, if it was signed with this key; else null.
-- For whoever looks into a token of a foreign issuer, and for the tests.
CREATE FUNCTION devapp_internal.jws_payload(jws text, jwk text) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'devapp_jws_payload';
CREATE FUNCTION devapp_internal.jwk_thumbprint(jwk text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'devapp_jwk_thumbprint';

-- token: that the proof must be for, null: none; at: null: now
CREATE FUNCTION devapp_internal.dpop_thumbprint(proof text, method text, url text, token text, at timestamptz) RETURNS text
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'devapp_dpop_thumbprint';
CREATE FUNCTION devapp_internal.dpop_thumbprint(proof text, method text, url text) RETURNS text
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_internal.dpop_thumbprint(proof, method, url, NULL, NULL)
$$;

-- Whose proof it is if it is good, which dpop_thumbprint() finds out.
CREATE FUNCTION devapp_internal.dpop_named_key(proof text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'devapp_dpop_named_key';

CREATE FUNCTION devapp.dpop_thumbprint(proof text, method text, url text) RETURNS text
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.dpop_thumbprint(text, text, text) IS
    'Thumbprint of the key of a DPoP proof for a token endpoint; null if it is not valid or was used';
SELECT devapp_internal.grant_to('devapp.dpop_thumbprint', 'admin', 'gateway');
