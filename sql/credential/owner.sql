-- Whose key is this?  The answer never holds a secret.

CREATE FUNCTION devapp_internal.secret_digests_of(sha256 bytea) RETURNS devapp.secret_digest[]
    LANGUAGE c STABLE STRICT
    AS 'MODULE_PATHNAME', 'devapp_secret_digests_of';

-- The ids of all secrets that this text is, whoever made them; not those of which only a slow hash is
-- known.  See src/import/secrets_of_text.c.
CREATE FUNCTION devapp_internal.secrets_of_text(secret text) RETURNS uuid[]
    LANGUAGE c STABLE STRICT
    AS 'MODULE_PATHNAME', 'devapp_secrets_of_text';

-- One of them.  The text is in no statement, and so in no log of one.
CREATE FUNCTION devapp_internal.version_of_secret(secret text) RETURNS devapp.credential_secret
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ids constant uuid[] := devapp_internal.secrets_of_text(secret);
    found_row devapp.credential_secret;
BEGIN
    SELECT * INTO found_row FROM devapp.credential_secret s WHERE s.secret_id = ANY (ids) ORDER BY s.purpose, s.credential_id LIMIT 1;
    RETURN found_row;
END
$$;

-- The credential of a consumer key, of the SHA-256 of a key in hexadecimal digits, or of a
-- whole key.  A whole key is answered: whoever found a leaked one needs its owner at once, and a
-- refusal would not take it out of the statement again.  A notice says that the secret may be in
-- a log by now.  Of a key of ours only the consumer key is looked up; one that was imported has none.
CREATE FUNCTION devapp_internal.credential_of_key(key text, OUT credential_id uuid, OUT secret_version integer)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted text := btrim(key);
    parts devapp.key_parts := devapp.key_info(btrim(key));
    version devapp.credential_secret;
BEGIN
    IF wanted ~* '^(\\x)?[0-9a-f]{64}$' THEN
        SELECT s.credential_id, s.version INTO credential_id, secret_version
          FROM unnest(devapp_internal.secret_digests_of(decode(right(wanted, 64), 'hex'))) AS d(digest)
          JOIN devapp.credential_secret s ON s.digest OPERATOR(devapp.=) d.digest;
        IF credential_id IS NULL THEN
            RAISE EXCEPTION 'no credential has a key with this SHA-256'
                USING ERRCODE = 'undefined_object',
                      HINT = 'Give the SHA-256 of the whole key, as devapp.verify_digest takes it.';
        END IF;
        RETURN;
    END IF;
    IF parts.has_secret THEN
        RAISE NOTICE 'a whole key was given; only its consumer key is looked up'
            USING HINT = 'The secret may be in a log now. Give the consumer key alone, and rotate or revoke the credential.';
        wanted := parts.consumer_key;
    END IF;
    credential_id := devapp_internal.credential_by_key(wanted, or_deleted => true);
    IF credential_id IS NULL THEN
        version := devapp_internal.version_of_secret(btrim(key));
        credential_id := version.credential_id;
        secret_version := version.version;
        IF credential_id IS NOT NULL AND NOT parts.has_secret THEN
            RAISE NOTICE 'a whole key was given'
                USING HINT = 'It may be in a log now. Give its SHA-256, and rotate or revoke the credential.';
        END IF;
    END IF;
    IF credential_id IS NULL THEN
        RAISE EXCEPTION 'no credential has the consumer key %', devapp_internal.quoted(key)
            USING ERRCODE = 'undefined_object',
                  HINT = 'Give a consumer key, the part of a key before its last _, or the SHA-256 of the whole key.';
    END IF;
END
$$;

CREATE FUNCTION devapp_internal.key_owner(key text) RETURNS TABLE (
    consumer_key text,
    credential_id uuid,
    secret_version integer,
    status text,
    environment text,
    expires_at timestamptz,
    app_id uuid,
    app_name text,
    app_status text,
    owner text,
    owner_status text
)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.consumer_key, c.credential_id, k.secret_version, c.status, c.environment, c.expires_at,
           a.app_id, a.name, a.status, coalesce('team ' || t.name, 'developer ' || d.email), coalesce(t.status, d.status)
      FROM devapp_internal.credential_of_key(key) AS k
      JOIN devapp.credential c ON c.credential_id = k.credential_id
      JOIN devapp.app a ON a.app_id = c.app_id
      LEFT JOIN devapp.team t ON t.team_id = a.team_id
      LEFT JOIN devapp.developer d ON d.developer_id = a.developer_id
$$;

CREATE FUNCTION devapp.key_owner(key text) RETURNS TABLE (
    consumer_key text,
    credential_id uuid,
    secret_version integer,
    status text,
    environment text,
    expires_at timestamptz,
    app_id uuid,
    app_name text,
    app_status text,
    owner text,
    owner_status text
)
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.key_owner(text) IS
    'Credential, app and owner of a consumer key or of the SHA-256 digest of a key';
SELECT devapp_internal.grant_to('devapp.key_owner', 'admin');
