-- Members of a team who are limited to environments (devapp.team_member.environments).
--
-- A credential of another environment does not exist for them, nor does one without an
-- environment, which works in all.  The functions that act on credentials ask here, and so do
-- the policies of row-level security.  Credentials of a developer's own apps, and
-- administrators of the developer program, have no such limit.

CREATE FUNCTION devapp_internal.has_environment(team_id uuid, environment text) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    me uuid;
BEGIN
    IF has_environment.team_id IS NULL OR devapp_internal.is_admin() THEN
        RETURN true;
    END IF;
    me := devapp_internal.current_developer_id();
    RETURN EXISTS (
        SELECT FROM devapp.team_member m
         WHERE m.team_id = has_environment.team_id
           AND m.developer_id = me
           AND (m.environments IS NULL OR has_environment.environment = ANY (m.environments)));
END
$$;

CREATE FUNCTION devapp_internal.has_credential(credential_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM devapp.credential c JOIN devapp.app a ON a.app_id = c.app_id
                    WHERE c.credential_id = has_credential.credential_id
                      AND devapp_internal.has_environment(a.team_id, c.environment));
END
$$;

-- Nobody issues a credential that does not exist for them.
CREATE FUNCTION devapp_internal.require_own_environment(team_id uuid, environment text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT devapp_internal.has_environment(require_own_environment.team_id, require_own_environment.environment) THEN
        PERFORM devapp_internal.refuse(CASE WHEN environment IS NULL THEN 'issue a credential for all environments'
                                            ELSE format('issue a credential for environment %s', devapp_internal.quoted(environment)) END);
    END IF;
END
$$;

-- What holds for a whole app holds for all its credentials.  The app is locked, so none is
-- issued meanwhile.
CREATE FUNCTION devapp_internal.require_whole_app(the_app devapp.app, what text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM devapp.credential c
                WHERE c.app_id = the_app.app_id AND c.status = 'approved'
                  AND (c.expires_at IS NULL OR c.expires_at > clock_timestamp())
                  AND NOT devapp_internal.has_environment(the_app.team_id, c.environment)) THEN
        PERFORM devapp_internal.refuse(what || ' that has credentials for environments of other members');
    END IF;
END
$$;

-- The environments of the acting developer in a team that they administer; null: every one.
CREATE FUNCTION devapp_internal.my_environments(team_id uuid) RETURNS text[]
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT m.environments FROM devapp.team_member m
     WHERE m.team_id = my_environments.team_id
       AND m.developer_id = devapp_internal.current_developer_id()
       AND NOT devapp_internal.is_admin()
$$;

-- Are environments (null: every one) among others?
CREATE FUNCTION devapp_internal.environments_within(environments text[], others text[]) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN others IS NULL OR coalesce(environments <@ others, false);

-- The records of credentials, as audit events name them (entity/entity_id), that a developer
-- sees in the teams that limit them to environments; deleted ones too.
CREATE FUNCTION devapp_internal.my_visible_records() RETURNS text[]
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH mine AS (
        SELECT c.credential_id
          FROM devapp.team_member m
          JOIN devapp.app a ON a.team_id = m.team_id
          JOIN devapp.credential c ON c.app_id = a.app_id
         WHERE m.developer_id = devapp_internal.current_developer_id() AND c.environment = ANY (m.environments)
    ), records AS (
        SELECT 'credential/' || m.credential_id::text AS record FROM mine m
        UNION ALL
        SELECT 'credential_secret/' || s.secret_id::text
          FROM mine m JOIN devapp.credential_secret s ON s.credential_id = m.credential_id
        UNION ALL
        SELECT 'credential_product/' || cp.ordinal::text
          FROM mine m JOIN devapp.credential_product cp ON cp.credential_id = m.credential_id
        UNION ALL
        SELECT 'leak/' || l.secret_id::text
          FROM mine m JOIN devapp.leak l ON l.credential_id = m.credential_id
    )
    SELECT coalesce(array_agg(r.record), '{}') FROM records r
$$;

CREATE FUNCTION devapp.my_visible_records() RETURNS text[]
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.my_visible_records() IS
    'Credentials visible in teams that limit members to environments; used by row-level security';
SELECT devapp_internal.grant_to('devapp.my_visible_records', 'admin', 'developer');
