-- The roles that people and programs take on.  Roles belong to the cluster, not to
-- the extension: they are made on demand, and stay when it is dropped.  What each may
-- do is declared beside the definitions of tables and functions (grants.sql).
--
--	devapp_admin		runs the developer program
--	devapp_developer	sees and manages what is theirs and their teams' (row_security.sql),
--						never a digest, by functions that ask who acts (authority.sql)
--	devapp_gateway		verifies
--	devapp_reporter		records how calls went: whoever may do that can also make up usage
--	devapp_analyst		reads the reports, whose views have the rights of their owner

CREATE FUNCTION devapp_internal.role_names() RETURNS text[]
    LANGUAGE sql IMMUTABLE
    RETURN ARRAY['admin', 'analyst', 'developer', 'gateway', 'reporter'];

SELECT devapp_internal.grant_on('SCHEMA', 'devapp', 'USAGE', 'admin', 'developer', 'gateway', 'reporter');
SELECT devapp_internal.grant_on('SCHEMA', 'devapp_report', 'USAGE', 'admin', 'analyst');

CREATE FUNCTION devapp_internal.ensure_role(name text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = ensure_role.name) THEN
        EXECUTE format('CREATE ROLE %I NOLOGIN', ensure_role.name);
    END IF;
END
$$;

-- What our roles may execute and no declaration says: an earlier version granted it,
-- or somebody by hand.
CREATE FUNCTION devapp_internal.revoke_undeclared() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    undeclared record;
BEGIN
    FOR undeclared IN
        SELECT p.oid::regprocedure AS routine, r.rolname AS role
          FROM pg_proc p, aclexplode(p.proacl) AS a
          JOIN pg_roles r ON r.oid = a.grantee
         WHERE p.pronamespace IN ('devapp'::regnamespace, 'devapp_internal'::regnamespace, 'devapp_report'::regnamespace)
           AND r.rolname = ANY (SELECT 'devapp_' || x FROM unnest(devapp_internal.role_names()) AS x)
           AND NOT EXISTS (SELECT FROM devapp_internal.declared_grant d
                            WHERE d.kind = 'ROUTINE' AND d.object = p.oid::regprocedure::text AND 'devapp_' || d.role = r.rolname)
    LOOP
        EXECUTE format('REVOKE ALL ON ROUTINE %s FROM %I', undeclared.routine, undeclared.role);
    END LOOP;
END
$$;

CREATE FUNCTION devapp_internal.grant_declared() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    declared record;
BEGIN
    FOR declared IN
        SELECT d.kind, d.object, d.privileges, string_agg('devapp_' || d.role, ', ' ORDER BY d.role) AS roles
          FROM devapp_internal.declared_grant d
         GROUP BY d.kind, d.object, d.privileges
         ORDER BY d.kind, d.object, d.privileges
    LOOP
        EXECUTE format('GRANT %s ON %s %s TO %s', declared.privileges, declared.kind, declared.object, declared.roles);
    END LOOP;
END
$$;

CREATE FUNCTION devapp.setup_roles() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM devapp_internal.lock_structure();
    PERFORM devapp_internal.ensure_role('devapp_' || r) FROM unnest(devapp_internal.role_names()) AS r;
    PERFORM devapp_internal.revoke_undeclared();
    PERFORM devapp_internal.grant_declared();
    PERFORM devapp_internal.setup_policies();
    PERFORM FROM devapp.maintain_audit();
END
$$;
COMMENT ON FUNCTION devapp.setup_roles() IS
    'Makes the roles devapp_admin, devapp_developer, devapp_gateway, devapp_reporter and devapp_analyst, what they may do and which rows they see, and the next months of the audit trail; can be run again';
