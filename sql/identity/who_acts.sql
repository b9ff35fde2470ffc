-- Who acts; see src/model/identity.c.

CREATE FUNCTION devapp.actor() RETURNS text
    LANGUAGE c STABLE
    AS 'MODULE_PATHNAME', 'devapp_current_actor';
COMMENT ON FUNCTION devapp.actor() IS 'E-mail address of the acting person, set by devapp.act_as or request.jwt.claims; null: none';
SELECT devapp_internal.grant_to('devapp.actor', 'admin', 'developer');

CREATE FUNCTION devapp_internal.set_actor(email text, is_local boolean) RETURNS void
    LANGUAGE c VOLATILE STRICT
    AS 'MODULE_PATHNAME', 'devapp_set_actor';

-- Who decides, for the history: the person, or else the role.
CREATE FUNCTION devapp_internal.actor_name() RETURNS text
    LANGUAGE c STABLE
    AS 'MODULE_PATHNAME', 'devapp_actor_name';

CREATE FUNCTION devapp_internal.outer_role() RETURNS oid
    LANGUAGE c STABLE
    AS 'MODULE_PATHNAME', 'devapp_outer_role';

CREATE FUNCTION devapp_internal.entry_role() RETURNS oid
    LANGUAGE c STABLE
    AS 'MODULE_PATHNAME', 'devapp_entry_role';

-- May the caller of a request over HTTP ask about keys and tokens of others?
CREATE FUNCTION devapp_internal.caller_verifies() RETURNS boolean
    LANGUAGE c STABLE
    AS 'MODULE_PATHNAME', 'devapp_caller_verifies';

CREATE FUNCTION devapp_internal.identity_source() RETURNS text
    LANGUAGE c STABLE
    AS 'MODULE_PATHNAME', 'devapp_identity_source';

-- With its owner's rights, because the caller may not see the table, and the policies
-- of the table ask this.
CREATE FUNCTION devapp_internal.current_developer_id() RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    me constant text := devapp.actor();
BEGIN
    IF me IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN (SELECT d.developer_id FROM devapp.developer d
             WHERE devapp_internal.email_key(d.email) = me AND d.deleted_at IS NULL);
END
$$;

CREATE FUNCTION devapp.current_developer_id() RETURNS uuid
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.current_developer_id() IS 'Id of the acting developer; null: none';
SELECT devapp_internal.grant_to('devapp.current_developer_id', 'admin', 'developer');

-- Whoever may execute this may be anybody, and needs no other right.
CREATE FUNCTION devapp_internal.act_as(email text, is_local boolean) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF coalesce(act_as.email, '') <> ''
       AND NOT EXISTS (SELECT FROM devapp.developer d
                        WHERE devapp_internal.email_key(d.email) = devapp_internal.email_key(act_as.email) AND d.deleted_at IS NULL) THEN
        RAISE EXCEPTION 'developer % does not exist', devapp_internal.quoted(act_as.email)
            USING ERRCODE = 'undefined_object',
                  HINT = 'Give the e-mail address of a registered developer, or null for none.';
    END IF;
    PERFORM devapp_internal.set_actor(coalesce(act_as.email, ''), coalesce(is_local, true));
    RETURN devapp.actor();
END
$$;

CREATE FUNCTION devapp.act_as(email text, is_local boolean DEFAULT true) RETURNS text
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.act_as(text, boolean) IS
    'Sets the acting developer, for the transaction or (is_local => false) the session; null: none';
SELECT devapp_internal.grant_to('devapp.act_as', 'admin');

CREATE FUNCTION devapp_internal.whoami()
    RETURNS TABLE (actor text, developer_id uuid, role text, session_role text, source text, entry_role text)
    LANGUAGE sql STABLE ROWS 1
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp.actor(), devapp_internal.current_developer_id(), pg_get_userbyid(devapp_internal.outer_role())::text, session_user::text,
           devapp_internal.identity_source(), pg_get_userbyid(devapp_internal.entry_role())::text
$$;

CREATE FUNCTION devapp.whoami()
    RETURNS TABLE (actor text, developer_id uuid, role text, session_role text, source text, entry_role text)
    LANGUAGE c STABLE ROWS 1 AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.whoami() IS 'The acting user, the roles in effect, and how the user was identified';
SELECT devapp_internal.grant_to('devapp.whoami', 'admin', 'developer');
