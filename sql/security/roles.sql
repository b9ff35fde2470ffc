-- The roles that people and programs take on.  Roles belong to the cluster, not to
-- the extension: they are made on demand, and stay when it is dropped.

CREATE FUNCTION devapp._ensure_role(name text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = _ensure_role.name) THEN
        EXECUTE format('CREATE ROLE %I NOLOGIN', _ensure_role.name);
    END IF;
END
$$;

CREATE FUNCTION devapp.setup_roles() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM devapp._ensure_role('devapp_admin');
    PERFORM devapp._ensure_role('devapp_gateway');

    -- runs the developer program: all functions but this one and its helper, and the
    -- tables as far as their triggers let anybody
    GRANT USAGE ON SCHEMA devapp TO devapp_admin;
    GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA devapp TO devapp_admin;
    GRANT DELETE ON devapp.team_member, devapp.product_operation TO devapp_admin;
    GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA devapp TO devapp_admin;
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA devapp TO devapp_admin;
    REVOKE EXECUTE ON FUNCTION devapp.setup_roles(), devapp._ensure_role(text) FROM devapp_admin;
    PERFORM devapp._protect_audit();

    -- verifies, and nothing else; it can read no table
    GRANT USAGE ON SCHEMA devapp TO devapp_gateway;
    GRANT EXECUTE ON FUNCTION
        devapp.verify_key(text, text, text, text, text, integer),
        devapp.verify_digest(bytea, text, text, text, text, integer),
        devapp.verify_client(text, text, text, text, text, text, integer),
        devapp.allows(text, text, text, text, text)
        TO devapp_gateway;
END
$$;

COMMENT ON FUNCTION devapp._ensure_role(text) IS 'Internal: makes a role if it is not there';
COMMENT ON FUNCTION devapp.setup_roles() IS
    'Makes the roles devapp_admin and devapp_gateway and grants them what they need; can be run again';
