-- The keys with which OAuth clients sign assertions (private_key_jwt, RFC 7523); see
-- src/token/client_key.c and src/token/assertion.c.

CREATE FUNCTION devapp_internal.read_client_keys(jwks jsonb) RETURNS TABLE (kid text, alg text, jwk jsonb)
    LANGUAGE c IMMUTABLE AS 'MODULE_PATHNAME', 'devapp_read_client_keys';

CREATE FUNCTION devapp_internal.require_oauth_client(the_credential devapp.credential) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF the_credential.kind <> 'oauth_client' THEN
        RAISE EXCEPTION 'credential % is not an OAuth client', devapp_internal.credential_label(the_credential.credential_id)
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Only credentials of kind oauth_client can request tokens; issue one with devapp.issue_credential.';
    END IF;
END
$$;

-- A key that stays keeps its row.
CREATE FUNCTION devapp_internal.set_client_keys(credential devapp.credential_ref, jwks jsonb, note text) RETURNS SETOF devapp.client_key
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_credential constant devapp.credential := devapp_internal.find_own_credential(set_client_keys.credential);
    the_keys jsonb;
BEGIN
    PERFORM devapp_internal.require_oauth_client(the_credential);
    SELECT coalesce(jsonb_agg(to_jsonb(r)), '[]') INTO the_keys FROM devapp_internal.read_client_keys(set_client_keys.jwks) AS r;
    IF EXISTS (SELECT FROM jsonb_to_recordset(the_keys) AS r(kid text) GROUP BY r.kid HAVING count(*) > 1) THEN
        RAISE EXCEPTION 'two keys of the set have the same kid'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Each key needs a kid of its own; a key without one has its thumbprint (RFC 7638).';
    END IF;
    PERFORM devapp_internal.set_note(set_client_keys.note);
    DELETE FROM devapp.client_key k
     WHERE k.credential_id = the_credential.credential_id
       AND NOT EXISTS (SELECT FROM jsonb_to_recordset(the_keys) AS r(kid text, jwk jsonb) WHERE r.kid = k.kid AND r.jwk = k.jwk);
    INSERT INTO devapp.client_key (credential_id, kid, alg, jwk)
    SELECT the_credential.credential_id, r.kid, r.alg, r.jwk
      FROM jsonb_to_recordset(the_keys) AS r(kid text, alg text, jwk jsonb)
     WHERE NOT EXISTS (SELECT FROM devapp.client_key k WHERE k.credential_id = the_credential.credential_id AND k.kid = r.kid);
    PERFORM devapp_internal.set_note(NULL);
    RETURN QUERY SELECT * FROM devapp.client_key k
                  WHERE k.credential_id = the_credential.credential_id ORDER BY k.added_at, k.kid;
END
$$;

CREATE FUNCTION devapp.set_client_keys(credential devapp.credential_ref, jwks jsonb, note text DEFAULT NULL) RETURNS SETOF devapp.client_key
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.set_client_keys(devapp.credential_ref, jsonb, text) IS
    'Replaces the public keys that authenticate an OAuth client (private_key_jwt)';
SELECT devapp_internal.grant_to('devapp.set_client_keys', 'admin', 'developer');

-- What is over can't be used again.
CREATE FUNCTION devapp_internal.forget_used_assertions_if_due() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM devapp.used_assertion u WHERE u.expires_at < now())
       AND devapp_internal.is_due('forget_used_assertions', '10 minutes') THEN
        DELETE FROM devapp.used_assertion u WHERE u.expires_at < now();
    END IF;
END
$$;

-- Why an assertion does not prove that a client made it; null: it does, and is used now.
CREATE FUNCTION devapp_internal.assertion_problem(credential_id uuid, client_id text, assertion text) RETURNS text
    LANGUAGE c VOLATILE STRICT
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'devapp_assertion_problem';

-- Whose assertion it is if it is good, which assertion_problem() finds out.
CREATE FUNCTION devapp_internal.assertion_client(assertion text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_assertion_client';
