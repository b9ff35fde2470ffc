-- The roles that people and programs take on.  Roles belong to the cluster, not to
-- the extension: they are made on demand, and stay when it is dropped.  What each may
-- do is declared beside the definitions of tables and functions (grants.sql).
--
--	devapp_admin		runs the developer program
--	devapp_developer	sees and manages what is theirs and their teams' (row_security.sql),
--						never a digest, by functions that ask who acts (authority.sql)
--	devapp_gateway		verifies
--	devapp_http			hands requests to devapp_api.handle, whose callers bring keys of their own
--	devapp_reporter		records how calls went: whoever may do that can also make up usage
--	devapp_analyst		reads the reports, whose views have the rights of their owner
--	devapp_auditor		reads the audit trail, its proofs and the reports, and changes nothing
--	devapp_scanner		reports leaked keys, and verifies who sends such reports

CREATE FUNCTION devapp_internal.role_names() RETURNS text[]
    LANGUAGE sql IMMUTABLE
    RETURN ARRAY['admin', 'analyst', 'auditor', 'developer', 'gateway', 'http', 'reporter', 'scanner'];

SELECT devapp_internal.grant_on('SCHEMA', 'devapp', 'USAGE', 'admin', 'auditor', 'developer', 'gateway', 'reporter', 'scanner');
SELECT devapp_internal.grant_on('SCHEMA', 'devapp_report', 'USAGE', 'admin', 'analyst');
SELECT devapp_internal.grant_on('SCHEMA', 'devapp_api', 'USAGE', 'http');

-- An auditor reads every report.
INSERT INTO devapp_internal.declared_grant (kind, object, privileges, role)
SELECT g.kind, g.object, g.privileges, 'auditor' FROM devapp_internal.declared_grant g WHERE g.role = 'analyst';

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

-- What our roles hold on objects of devapp, privilege by privilege.
CREATE FUNCTION devapp_internal.held_privileges()
    RETURNS TABLE (kind text, object text, privilege text, of_column text, role text, grantable boolean)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    SET quote_all_identifiers = off
AS $$
    SELECT h.kind, h.object, h.privilege, h.of_column, r.rolname, h.is_grantable
      FROM devapp_internal.held_privilege h JOIN pg_roles r ON r.oid = h.grantee
     WHERE r.rolname = ANY (SELECT 'devapp_' || x FROM unnest(devapp_internal.role_names()) AS x)
$$;

-- The declarations in the same form.
CREATE FUNCTION devapp_internal.declared_privileges()
    RETURNS TABLE (kind text, object text, privilege text, of_column text, role text, grantable boolean)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT d.kind, d.object, p[1], c, 'devapp_' || d.role, false
      FROM devapp_internal.declared_grant d
     CROSS JOIN regexp_matches(d.privileges, '([A-Z]+)(?: [(]([^)]*)[)])?', 'g') AS p
      LEFT JOIN string_to_table(p[2], ', ') AS c ON true
$$;

-- Takes back what our roles hold and no declaration says: an earlier version granted
-- it, or somebody by hand.  So is what they may pass on, with what they did pass on.  To
-- take it from a table takes it from the columns as well.
CREATE FUNCTION devapp_internal.revoke_undeclared() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    undeclared record;
BEGIN
    FOR undeclared IN SELECT * FROM devapp_internal.held_privileges() EXCEPT SELECT * FROM devapp_internal.declared_privileges() LOOP
        EXECUTE format('REVOKE %s%s ON %s %s FROM %I CASCADE', undeclared.privilege, ' (' || quote_ident(undeclared.of_column) || ')',
                       undeclared.kind, undeclared.object, undeclared.role);
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

-- A dump gives partitions and the schema back to whom they belonged to, the extension to whoever
-- restores it.
CREATE FUNCTION devapp_internal.take_ownership() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    own constant regrole := (SELECT e.extowner FROM pg_extension e WHERE e.extname = 'devapp');
    other record;
BEGIN
    FOR other IN SELECT o.kind, o.object FROM devapp_internal.owned_by_others() AS o LOOP
        EXECUTE format('ALTER %s %s OWNER TO %s', other.kind, other.object, own);
    END LOOP;
END
$$;

CREATE FUNCTION devapp.setup_roles() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM devapp_internal.keep_out_work();
    PERFORM devapp_internal.ensure_role('devapp_' || r) FROM unnest(devapp_internal.role_names()) AS r;
    PERFORM devapp_internal.revoke_undeclared();
    PERFORM devapp_internal.grant_declared();
    -- grants lock no table; from here on verifications wait
    PERFORM devapp_internal.lock_tables();
    PERFORM devapp_internal.take_ownership();
    PERFORM devapp_internal.setup_policies();
    PERFORM FROM devapp.maintain_audit();
    PERFORM devapp_internal.setup_products();
END
$$;
COMMENT ON FUNCTION devapp.setup_roles() IS
    'Creates devapp''s roles, privileges, row policies, audit partitions and products; can be repeated';
