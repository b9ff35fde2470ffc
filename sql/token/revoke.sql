-- Revoking tokens; see src/token/revoke_token.c.

-- When a token of which only the jti is known has certainly expired: no token of ours lives for
-- longer than the longest lifetime that is recorded with a key.  A token of another issuer has the
-- issuer's name before the jti; how long it lives is unknown here, so a year is taken.  The token may
-- have been issued after this transaction began.
CREATE FUNCTION devapp_internal.last_possible_expiry(jti text) RETURNS timestamptz
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT clock_timestamp() + greatest(max(k.longest_lifetime), devapp_internal.setting('token_max_lifetime')::interval,
                            CASE WHEN strpos(last_possible_expiry.jti, ' ') > 0 THEN interval '1 year' END)
      FROM devapp.signing_key k
$$;

-- A token is revoked once: the first who revoked it stays on record.
CREATE FUNCTION devapp_internal.put_revoked_token(jti text, credential_id uuid, expires_at timestamptz, note text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM devapp_internal.set_note(put_revoked_token.note);
    INSERT INTO devapp.revoked_token (token_id, jti, credential_id, expires_at, revoked_by, note)
    VALUES (devapp_internal.token_id(put_revoked_token.jti), put_revoked_token.jti, put_revoked_token.credential_id,
            coalesce(put_revoked_token.expires_at, devapp_internal.last_possible_expiry(put_revoked_token.jti)) + interval '30 s',
            devapp_internal.actor_name(), put_revoked_token.note)
        ON CONFLICT DO NOTHING;
    PERFORM devapp_internal.set_note(NULL);
END
$$;

CREATE FUNCTION devapp_internal.revoke_token(
    token text,
    jti text,
    client devapp.credential_ref,
    client_secret text,
    assertion text,
    note text
) RETURNS void
    LANGUAGE c VOLATILE COST 1000
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'devapp_revoke_token';

CREATE FUNCTION devapp.revoke_token(
    token text DEFAULT NULL,
    jti text DEFAULT NULL,
    client devapp.credential_ref DEFAULT NULL,
    client_secret text DEFAULT NULL,
    assertion text DEFAULT NULL,
    note text DEFAULT NULL
) RETURNS void
    LANGUAGE c COST 1000 AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.revoke_token(text, text, devapp.credential_ref, text, text, text) IS
    'Revokes a token (RFC 7009), given itself or, by an administrator, its jti; others'' tokens are ignored';
SELECT devapp_internal.grant_to('devapp.revoke_token', 'admin', 'developer', 'gateway');

-- Tokens that have expired need not be revoked any more; see sql/usage/housekeeping.sql.
CREATE FUNCTION devapp_internal.forget_revoked_tokens_if_due() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM devapp.revoked_token r WHERE r.expires_at < now()) AND devapp_internal.is_due('forget_revoked_tokens', '1 hour') THEN
        DELETE FROM devapp.revoked_token r WHERE r.expires_at < now();
    END IF;
END
$$;
