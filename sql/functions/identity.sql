-- Who acts; see src/identity.c.

CREATE FUNCTION devapp.actor() RETURNS text
    LANGUAGE c STABLE
    AS 'MODULE_PATHNAME', 'devapp_current_actor';

CREATE FUNCTION devapp._set_actor(email text, is_local boolean) RETURNS void
    LANGUAGE c VOLATILE STRICT
    AS 'MODULE_PATHNAME', 'devapp_set_actor';

-- The role that the session has taken on, also inside SECURITY DEFINER functions.
CREATE FUNCTION devapp._caller() RETURNS oid
    LANGUAGE c STABLE
    AS 'MODULE_PATHNAME', 'devapp_caller';

CREATE FUNCTION devapp._claims_count() RETURNS boolean
    LANGUAGE c STABLE
    AS 'MODULE_PATHNAME', 'devapp_claims_count';

-- As its owner, because who asks may not see the table, and the policies of the
-- table ask this.
CREATE FUNCTION devapp.current_developer_id() RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT d.developer_id FROM devapp.developer d
     WHERE lower(d.email) = lower(devapp.actor()) AND d.deleted_at IS NULL
$$;

-- Who may execute this may be anybody, and needs no other right.
CREATE FUNCTION devapp.act_as(email text, is_local boolean DEFAULT false) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF coalesce(act_as.email, '') <> ''
       AND NOT EXISTS (SELECT FROM devapp.developer d WHERE lower(d.email) = lower(act_as.email) AND d.deleted_at IS NULL) THEN
        RAISE EXCEPTION 'developer % does not exist', quote_ident(act_as.email)
            USING ERRCODE = 'undefined_object',
                  HINT = 'Give the e-mail of a developer; make one with devapp.create_developer.';
    END IF;
    PERFORM devapp._set_actor(coalesce(act_as.email, ''), coalesce(is_local, false));
    RETURN devapp.actor();
END
$$;

CREATE FUNCTION devapp.whoami() RETURNS TABLE (actor text, developer_id uuid, role text, session_role text, source text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp.actor(), devapp.current_developer_id(), r.rolname, session_user::text,
           CASE WHEN current_setting('devapp.actor') <> '' THEN 'devapp.act_as'
                WHEN coalesce(current_setting('request.jwt.claims', true), '') = '' THEN 'nobody said'
                WHEN NOT devapp._claims_count() THEN 'request.jwt.claims do not count: the session''s role is not in devapp.claims_from'
                WHEN devapp.actor() IS NULL THEN 'request.jwt.claims name nobody'
                ELSE 'request.jwt.claims' END
      FROM pg_roles r WHERE r.oid = devapp._caller()
$$;

COMMENT ON FUNCTION devapp.actor() IS 'E-mail of the person who acts, by devapp.act_as or request.jwt.claims; null if nobody said';
COMMENT ON FUNCTION devapp._set_actor(text, boolean) IS 'Internal: writes down who acts';
COMMENT ON FUNCTION devapp._caller() IS 'Internal: the role that the session has taken on';
COMMENT ON FUNCTION devapp._claims_count() IS 'Internal: may this session say who acts by request.jwt.claims?';
COMMENT ON FUNCTION devapp.current_developer_id() IS 'Id of the developer who acts; null if it is none';
COMMENT ON FUNCTION devapp.act_as(text, boolean) IS
    'Says which developer acts, for the session or (is_local) the transaction; null for nobody';
COMMENT ON FUNCTION devapp.whoami() IS 'Who acts here, in which role, and how devapp knows';
