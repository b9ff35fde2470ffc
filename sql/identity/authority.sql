-- What the person who acts may do with what is his own.
--
-- The functions that developers call on their own apps and teams run with their
-- owner's rights, because a developer has no right to write to a table.  Each asks
-- here first.

-- An administrator has the right to write to the tables; see src/model/identity.c.
CREATE FUNCTION devapp_internal.is_admin() RETURNS boolean
    LANGUAGE c STABLE
    AS 'MODULE_PATHNAME', 'devapp_is_admin';

-- An auditor reads the whole audit trail, as administrators do, and may change nothing.
CREATE FUNCTION devapp_internal.is_auditor() RETURNS boolean
    LANGUAGE c STABLE
    AS 'MODULE_PATHNAME', 'devapp_is_auditor';

-- Some things are not for administrators either.
CREATE FUNCTION devapp_internal.is_superuser() RETURNS boolean
    LANGUAGE c STABLE
    AS 'MODULE_PATHNAME', 'devapp_is_superuser';

-- The teams that the acting developer is in; or only those he administers, which
-- nobody does who was deactivated.
CREATE FUNCTION devapp_internal.my_teams(administered boolean DEFAULT false) RETURNS uuid[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    me constant uuid := devapp_internal.current_developer_id();
BEGIN
    RETURN ARRAY(SELECT m.team_id
                   FROM devapp.team_member m
                  WHERE m.developer_id = me
                    AND (NOT administered
                         OR (m.role = 'admin'
                             AND EXISTS (SELECT FROM devapp.developer d WHERE d.developer_id = m.developer_id AND d.status = 'active'))));
END
$$;

CREATE FUNCTION devapp.my_teams(administered boolean DEFAULT false) RETURNS uuid[]
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.my_teams IS 'Ids of the teams of the acting developer, or those they administer; used by row-level security';
SELECT devapp_internal.grant_to('devapp.my_teams', 'admin', 'developer');

CREATE FUNCTION devapp_internal.my_team_mates() RETURNS uuid[]
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(array_agg(DISTINCT m.developer_id), '{}')
      FROM devapp.team_member m
     WHERE m.team_id = ANY (devapp_internal.my_teams())
$$;

CREATE FUNCTION devapp.my_team_mates() RETURNS uuid[]
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.my_team_mates IS 'Ids of the developers in the acting developer''s teams; used by row-level security';
SELECT devapp_internal.grant_to('devapp.my_team_mates', 'admin', 'developer');

-- Does the acting developer, or a team that they are in, own what these own?
CREATE FUNCTION devapp_internal.is_mine(developer_id uuid, team_id uuid) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(is_mine.developer_id = devapp_internal.current_developer_id(), false)
        OR coalesce(is_mine.team_id = ANY (devapp_internal.my_teams()), false)
$$;

CREATE FUNCTION devapp_internal.refuse(what text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM devapp.developer d WHERE d.developer_id = devapp_internal.current_developer_id() AND d.status <> 'active') THEN
        RAISE EXCEPTION '% may not %', devapp_internal.quoted(devapp.actor()), what
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = 'The account is inactive.',
                  HINT = 'Ask an administrator of the developer program to activate it.';
    END IF;
    RAISE EXCEPTION '% may not %', CASE WHEN devapp.actor() IS NULL THEN 'an unidentified user' ELSE devapp_internal.quoted(devapp.actor()) END, what
        USING ERRCODE = 'insufficient_privilege',
              HINT = CASE WHEN devapp.actor() IS NULL
                          THEN 'Identify the acting developer with a token through PostgREST'
                               || CASE WHEN has_function_privilege(devapp_internal.entry_role(), 'devapp.act_as(text, boolean)', 'EXECUTE')
                                       THEN ', or with devapp.act_as in the same transaction' ELSE '' END
                               || '; see devapp.whoami().'
                          ELSE 'Ask an administrator of the developer program, or of the team if one owns it.' END;
END
$$;

CREATE FUNCTION devapp_internal.require_admin(what text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT devapp_internal.is_admin() THEN
        PERFORM devapp_internal.refuse(what);
    END IF;
END
$$;

-- May act for an owner: himself, or a team that he administers.
CREATE FUNCTION devapp_internal.require_owner(developer_id uuid, team_id uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT (devapp_internal.is_admin()
            OR coalesce(require_owner.developer_id = devapp_internal.current_developer_id(), false)
            OR coalesce(require_owner.team_id = ANY (devapp_internal.my_teams(true)), false)) THEN
        PERFORM devapp_internal.refuse('act for this owner');
    END IF;
END
$$;

-- An app of others is as good as none: who may not see it is not told that it
-- exists.  "typed" is what the caller named it by.
CREATE FUNCTION devapp_internal.require_app(app_id uuid, to_change boolean, typed devapp.app_ref) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    owner record;
BEGIN
    SELECT a.developer_id, a.team_id INTO owner FROM devapp.app a
     WHERE a.app_id = require_app.app_id
       AND (devapp_internal.is_admin()
            OR devapp_internal.is_mine(a.developer_id, a.team_id));
    IF NOT FOUND THEN
        PERFORM devapp_internal.refuse_app(typed::text);
    END IF;
    IF to_change THEN
        PERFORM devapp_internal.require_owner(owner.developer_id, owner.team_id);
    END IF;
END
$$;

CREATE FUNCTION devapp_internal.require_credential(credential_id uuid, to_change boolean, typed devapp.credential_ref) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    owner record;
BEGIN
    SELECT a.developer_id, a.team_id INTO owner
      FROM devapp.credential c JOIN devapp.app a ON a.app_id = c.app_id
     WHERE c.credential_id = require_credential.credential_id AND c.deleted_at IS NULL
       AND (devapp_internal.is_admin()
            OR devapp_internal.is_mine(a.developer_id, a.team_id))
       AND devapp_internal.has_environment(a.team_id, c.environment);
    IF NOT FOUND THEN
        PERFORM devapp_internal.refuse_credential(typed::text);
    END IF;
    IF to_change THEN
        PERFORM devapp_internal.require_owner(owner.developer_id, owner.team_id);
    END IF;
END
$$;

-- A team by name that one may administer; of a stranger's, not even whether it exists.
CREATE FUNCTION devapp_internal.require_team(name text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_team uuid;
BEGIN
    IF devapp_internal.is_admin() THEN
        RETURN;
    END IF;
    SELECT t.team_id INTO the_team FROM devapp.team t
     WHERE t.name = devapp_internal.canonical_name(require_team.name) AND t.deleted_at IS NULL AND t.team_id = ANY (devapp_internal.my_teams());
    IF NOT FOUND THEN
        RAISE EXCEPTION 'team % does not exist', devapp_internal.quoted(require_team.name)
            USING ERRCODE = 'undefined_object',
                  HINT = 'List your teams with SELECT name FROM devapp.team.';
    END IF;
    PERFORM devapp_internal.require_owner(NULL, the_team);
END
$$;

-- A product that is not public is for administrators to give; an app that has it
-- may go on asking for it.
CREATE FUNCTION devapp_internal.may_ask_for(product devapp.product, app_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF devapp_internal.is_admin() THEN
        RETURN true;
    END IF;
    RETURN EXISTS (
        SELECT FROM devapp.credential c
          JOIN devapp.credential_product cp ON cp.credential_id = c.credential_id
         WHERE c.app_id = may_ask_for.app_id AND cp.product_id = (product).product_id
           AND cp.removed_at IS NULL AND cp.status <> 'revoked'
           AND devapp_internal.has_credential(c.credential_id));
END
$$;

-- The same lookups as in lookup.sql, for who may change what they find.  Asked again
-- under the lock, because waiting for it may have taken until another was the owner; an
-- administrator may change it then as well.

CREATE FUNCTION devapp_internal.find_own_app(app devapp.app_ref, for_update boolean) RETURNS devapp.app
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_app uuid := coalesce(devapp_internal.reference_uuid(app::text), devapp_internal.app_id_of(app));
    found_row devapp.app;
BEGIN
    IF NOT devapp_internal.is_admin() THEN
        PERFORM devapp_internal.require_app(the_app, true, app);
    END IF;
    found_row := devapp_internal.lock_app(the_app, for_update);
    IF NOT devapp_internal.is_admin() THEN
        PERFORM devapp_internal.require_app(the_app, true, app);
    END IF;
    IF found_row.app_id IS NULL OR found_row.status = 'deleted' THEN
        PERFORM devapp_internal.refuse_app(app::text);
    END IF;
    RETURN found_row;
END
$$;

-- The id of an app that the caller may see, without a lock: a standby answers as well.
CREATE FUNCTION devapp_internal.find_visible_app(app devapp.app_ref) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_app uuid := devapp_internal.app_id_of(app);
BEGIN
    PERFORM devapp_internal.require_app(the_app, false, app);
    RETURN the_app;
END
$$;

CREATE FUNCTION devapp_internal.find_own_credential(credential devapp.credential_ref, app_for_update boolean DEFAULT false) RETURNS devapp.credential
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_credential uuid := devapp_internal.credential_id_of(credential);
    found_row devapp.credential;
BEGIN
    PERFORM devapp_internal.require_credential(the_credential, true, credential);
    found_row := devapp_internal.find_credential(credential, app_for_update);
    IF NOT devapp_internal.is_admin() THEN
        PERFORM devapp_internal.require_credential(the_credential, true, credential);
    END IF;
    RETURN found_row;
END
$$;

-- As find_visible_app().
CREATE FUNCTION devapp_internal.find_visible_credential(credential devapp.credential_ref) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_credential uuid := devapp_internal.credential_id_of(credential);
BEGIN
    PERFORM devapp_internal.require_credential(the_credential, false, credential);
    RETURN the_credential;
END
$$;

CREATE FUNCTION devapp_internal.find_own_team(name text, for_update boolean) RETURNS devapp.team
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_row devapp.team;
BEGIN
    PERFORM devapp_internal.require_team(find_own_team.name);
    found_row := devapp_internal.find_team(find_own_team.name, for_update);
    PERFORM devapp_internal.require_team(find_own_team.name);
    RETURN found_row;
END
$$;

-- Oneself, by e-mail.
CREATE FUNCTION devapp_internal.find_own_developer(email text, for_update boolean) RETURNS devapp.developer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT devapp_internal.is_admin() AND devapp_internal.email_key(find_own_developer.email) IS DISTINCT FROM devapp.actor() THEN
        PERFORM devapp_internal.refuse('act for another developer');
    END IF;
    RETURN devapp_internal.find_developer(find_own_developer.email, for_update);
END
$$;

CREATE FUNCTION devapp_internal.find_offered_product(name text, app_id uuid) RETURNS devapp.product
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_product devapp.product := devapp_internal.lock_product(devapp_internal.canonical_name(find_offered_product.name), false);
BEGIN
    IF the_product.product_id IS NULL
       OR the_product.access <> 'public' AND NOT devapp_internal.may_ask_for(the_product, find_offered_product.app_id) THEN
        PERFORM devapp_internal.refuse_product(find_offered_product.name);
    END IF;
    RETURN the_product;
END
$$;
