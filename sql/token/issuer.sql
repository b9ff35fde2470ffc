-- Other issuers of tokens.  How their tokens are verified: src/token/foreign_issuer.c.

CREATE FUNCTION devapp_internal.token_issuer_name() RETURNS text
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'devapp_token_issuer_name';

-- A set of keys as it is kept: the public ones as they are published, the shared secrets sealed.
CREATE FUNCTION devapp_internal.read_jwks(jwks jsonb, subject text, OUT public jsonb, OUT secrets integer, OUT sealed bytea)
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'devapp_read_jwks';

CREATE FUNCTION devapp_internal.token_issuer_subject(issuer text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN 'token_issuer/' || issuer;

CREATE FUNCTION devapp_internal.find_token_issuer(issuer text) RETURNS devapp.token_issuer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_row devapp.token_issuer;
BEGIN
    SELECT * INTO found_row FROM devapp.token_issuer i WHERE i.issuer = find_token_issuer.issuer FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'token issuer % does not exist', devapp_internal.quoted(find_token_issuer.issuer)
            USING ERRCODE = 'undefined_object',
                  HINT = CASE WHEN devapp_internal.is_admin() THEN 'List the issuers with SELECT issuer, names, claim FROM devapp.token_issuer.'
                              ELSE 'Give the name under which an administrator stored the issuer.' END;
    END IF;
    RETURN found_row;
END
$$;

CREATE FUNCTION devapp_internal.require_foreign_issuer(issuer text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF issuer IS NULL OR issuer <> btrim(issuer, E' \t\n\r') OR issuer = '' OR octet_length(issuer) > 1024 THEN
        RAISE EXCEPTION 'a token issuer must be 1 to 1024 bytes long, without surrounding blanks'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give exactly the iss of its tokens.';
    END IF;
    IF issuer = devapp_internal.token_issuer_name() THEN
        RAISE EXCEPTION '% is the issuer of the tokens of this database', devapp_internal.quoted(issuer)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Its keys are in devapp.signing_key. If another issuer has this name, a superuser must set devapp.issuer to another name first.';
    END IF;
END
$$;

-- Tokens that the issuer made for somebody else must not be taken here.
CREATE FUNCTION devapp_internal.require_audience(audience text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF coalesce(cardinality(audience), 0) = 0 OR '' = ANY (audience) THEN
        RAISE EXCEPTION 'a token issuer requires an audience'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give audience => ARRAY[...], the aud of tokens for this program. Without it, a token for another service would be accepted.';
    END IF;
END
$$;

CREATE FUNCTION devapp_internal.seal_token_issuer(issuer text, sealed bytea) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_subject constant text := devapp_internal.token_issuer_subject(issuer);
BEGIN
    IF sealed IS NULL THEN
        DELETE FROM devapp.sealed_key s WHERE s.subject = the_subject;
    ELSE
        INSERT INTO devapp.sealed_key (subject, sealed) VALUES (the_subject, seal_token_issuer.sealed)
        ON CONFLICT ON CONSTRAINT sealed_key_pkey DO UPDATE SET sealed = excluded.sealed, sealed_at = now();
    END IF;
END
$$;

CREATE FUNCTION devapp_internal.create_token_issuer(issuer text, jwks jsonb, audience text[], claim text, names text, note text)
    RETURNS devapp.token_issuer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    keys record;
    made devapp.token_issuer;
BEGIN
    PERFORM devapp_internal.require_foreign_issuer(issuer);
    PERFORM devapp_internal.require_audience(audience);
    keys := devapp_internal.read_jwks(coalesce(jwks, 'null'), devapp_internal.token_issuer_subject(issuer));
    PERFORM devapp_internal.set_note(note);
    INSERT INTO devapp.token_issuer (issuer, jwks, secrets, audience, claim, names)
    VALUES (create_token_issuer.issuer, keys.public, keys.secrets, create_token_issuer.audience, create_token_issuer.claim, lower(create_token_issuer.names))
    ON CONFLICT DO NOTHING
    RETURNING * INTO made;
    PERFORM devapp_internal.set_note(NULL);
    IF made.issuer IS NULL THEN
        RAISE EXCEPTION 'token issuer % already exists', devapp_internal.quoted(issuer)
            USING ERRCODE = 'unique_violation',
                  HINT = 'Change it with devapp.update_token_issuer, or its keys with devapp.set_token_issuer_keys.';
    END IF;
    PERFORM devapp_internal.seal_token_issuer(issuer, keys.sealed);
    RETURN made;
END
$$;

CREATE FUNCTION devapp.create_token_issuer(
    issuer text,
    jwks jsonb,
    audience text[],
    claim text DEFAULT 'client_id',
    names text DEFAULT 'client',
    note text DEFAULT NULL
) RETURNS devapp.token_issuer
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.create_token_issuer(text, jsonb, text[], text, text, text) IS
    'Trusts tokens of another issuer; the claim names the client, app or developer of a token';
SELECT devapp_internal.grant_to('devapp.create_token_issuer', 'admin');

CREATE FUNCTION devapp_internal.update_token_issuer(issuer text, audience text[], claim text, names text, is_active boolean, note text)
    RETURNS devapp.token_issuer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed devapp.token_issuer := devapp_internal.find_token_issuer(update_token_issuer.issuer);
BEGIN
    IF update_token_issuer.audience IS NOT NULL THEN
        PERFORM devapp_internal.require_audience(update_token_issuer.audience);
    END IF;
    PERFORM devapp_internal.set_note(note);
    UPDATE devapp.token_issuer i
       SET audience = coalesce(update_token_issuer.audience, i.audience),
           claim = coalesce(update_token_issuer.claim, i.claim),
           names = coalesce(lower(update_token_issuer.names), i.names),
           is_active = coalesce(update_token_issuer.is_active, i.is_active)
     WHERE i.issuer_id = changed.issuer_id
    RETURNING * INTO changed;
    PERFORM devapp_internal.set_note(NULL);
    RETURN changed;
END
$$;

CREATE FUNCTION devapp.update_token_issuer(
    issuer text,
    audience text[] DEFAULT NULL,
    claim text DEFAULT NULL,
    names text DEFAULT NULL,
    is_active boolean DEFAULT NULL,
    note text DEFAULT NULL
) RETURNS devapp.token_issuer
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.update_token_issuer(text, text[], text, text, boolean, text) IS
    'Changes a token issuer; is_active => false refuses all of its tokens';
SELECT devapp_internal.grant_to('devapp.update_token_issuer', 'admin');

CREATE FUNCTION devapp_internal.set_token_issuer_keys(issuer text, jwks jsonb, note text) RETURNS devapp.token_issuer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed devapp.token_issuer := devapp_internal.find_token_issuer(set_token_issuer_keys.issuer);
    keys record := devapp_internal.read_jwks(coalesce(jwks, 'null'), devapp_internal.token_issuer_subject(issuer));
BEGIN
    PERFORM devapp_internal.seal_token_issuer(issuer, keys.sealed);
    PERFORM devapp_internal.set_note(note);
    UPDATE devapp.token_issuer i
       SET jwks = keys.public,
           secrets = keys.secrets,
           keys_set_at = clock_timestamp()
     WHERE i.issuer_id = changed.issuer_id
    RETURNING * INTO changed;
    PERFORM devapp_internal.set_note(NULL);
    RETURN changed;
END
$$;

-- A job that fetches keys needs no other right, so this does not ask for an administrator.
CREATE FUNCTION devapp.set_token_issuer_keys(issuer text, jwks jsonb, note text DEFAULT NULL) RETURNS devapp.token_issuer
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.set_token_issuer_keys(text, jsonb, text) IS
    'Replaces the keys of a token issuer';
SELECT devapp_internal.grant_to('devapp.set_token_issuer_keys', 'admin');

CREATE FUNCTION devapp_internal.delete_token_issuer(issuer text, note text) RETURNS devapp.token_issuer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    removed devapp.token_issuer := devapp_internal.find_token_issuer(delete_token_issuer.issuer);
BEGIN
    PERFORM devapp_internal.seal_token_issuer(issuer, NULL);
    PERFORM devapp_internal.set_note(note);
    DELETE FROM devapp.token_issuer i WHERE i.issuer_id = removed.issuer_id;
    PERFORM devapp_internal.set_note(NULL);
    RETURN removed;
END
$$;

CREATE FUNCTION devapp.delete_token_issuer(issuer text, note text DEFAULT NULL) RETURNS devapp.token_issuer
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.delete_token_issuer(text, text) IS 'Deletes a token issuer, whose tokens are then unknown';
SELECT devapp_internal.grant_to('devapp.delete_token_issuer', 'admin');

-- The developer whom a token of another issuer names, where it is good now: for what puts
-- people behind requests.  Null if it is not a token, is not good, or names nobody.
CREATE FUNCTION devapp_internal.token_developer(token text) RETURNS uuid
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'devapp_token_developer';
