-- Issuing access tokens; see src/token/issue_token.c.

-- Whether the caller may act for a credential without a proof, as administrators may, and developers
-- for apps of their own and of teams that they administer; and whether they may ask about its tokens, as
-- every member of the team may, and whoever verifies all of them.  The credential is null where the caller
-- named none that exists.  What the caller typed does not come here: it may be a secret.
CREATE FUNCTION devapp_internal.token_client(the_credential uuid, OUT is_own boolean, OUT sees_tokens boolean)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    is_own := devapp_internal.is_admin();
    sees_tokens := is_own;
    IF is_own THEN
        RETURN;
    END IF;
    SELECT a.developer_id = devapp_internal.current_developer_id() OR a.team_id = ANY (devapp_internal.my_teams(true)),
           devapp_internal.is_mine(a.developer_id, a.team_id)
      INTO is_own, sees_tokens
      FROM devapp.credential c JOIN devapp.app a ON a.app_id = c.app_id
     WHERE c.credential_id = the_credential AND devapp_internal.has_environment(a.team_id, c.environment);
    is_own := coalesce(is_own, false);
    sees_tokens := coalesce(sees_tokens, false) OR devapp_internal.caller_verifies()
                OR coalesce(has_function_privilege(devapp_internal.entry_role(),
                                'devapp.verify_token(text, text, text, text, text, bigint, text, inet, text, text, text)', 'EXECUTE'), false);
END
$$;

CREATE FUNCTION devapp_internal.issue_token(
    client devapp.credential_ref,
    client_secret text,
    assertion text,
    scopes text[],
    audience text,
    resource text,
    lifetime interval,
    alg text,
    jkt text,
    x5t text
) RETURNS devapp.issued_token
    LANGUAGE c VOLATILE COST 1000
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'devapp_issue_token';

CREATE FUNCTION devapp.issue_token(
    client devapp.credential_ref,
    client_secret text DEFAULT NULL,
    assertion text DEFAULT NULL,
    scopes text[] DEFAULT NULL,
    audience text DEFAULT NULL,
    resource text DEFAULT NULL,
    lifetime interval DEFAULT NULL,
    alg text DEFAULT NULL,
    jkt text DEFAULT NULL,
    x5t text DEFAULT NULL
) RETURNS devapp.issued_token
    LANGUAGE c COST 1000 AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.issue_token(devapp.credential_ref, text, text, text[], text, text, interval, text, text, text) IS
    'Issues an access token (RFC 9068) to an OAuth client, which gives its secret or an assertion';
SELECT devapp_internal.grant_to('devapp.issue_token', 'admin', 'developer', 'gateway');
