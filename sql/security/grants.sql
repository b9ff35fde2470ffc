-- Which role may do what.  It is declared beside each definition; setup_roles() makes
-- grants of the declarations (roles.sql).  A script cannot grant by itself: the roles
-- may not be there yet, and pg_dump would leave such grants out.  What declares nothing
-- is granted to nobody.
--
-- The schema devapp_internal is for what only devapp itself calls.  No role has USAGE
-- on it.

CREATE SCHEMA devapp_internal;
COMMENT ON SCHEMA devapp_internal IS 'devapp: what only its own functions use';

CREATE TABLE devapp_internal.declared_grant (
    kind text NOT NULL,
    object text NOT NULL,
    privileges text NOT NULL,
    role text NOT NULL,
    CONSTRAINT declared_grant_pkey PRIMARY KEY (kind, object, privileges, role)
);
COMMENT ON TABLE devapp_internal.declared_grant IS 'What setup_roles() grants; filled by CREATE EXTENSION, not dumped';
COMMENT ON COLUMN devapp_internal.declared_grant.kind IS 'ROUTINE, TABLE, SEQUENCE, TYPE or SCHEMA, as in GRANT';
COMMENT ON COLUMN devapp_internal.declared_grant.object IS 'The object, as GRANT names it';
COMMENT ON COLUMN devapp_internal.declared_grant.privileges IS 'The privileges, as GRANT names them; with columns where it is for some of them only';
COMMENT ON COLUMN devapp_internal.declared_grant.role IS 'The role, without devapp_';

-- Declares privileges on an object that is no function.
CREATE FUNCTION devapp_internal.grant_on(kind text, object text, privileges text, VARIADIC roles text[]) RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO devapp_internal.declared_grant (kind, object, privileges, role)
    SELECT grant_on.kind, grant_on.object, grant_on.privileges, r FROM unnest(roles) AS r
$$;

-- Declares who may execute a function.  Its name is enough where no other has it.
CREATE FUNCTION devapp_internal.grant_to(function text, VARIADIC roles text[]) RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_internal.grant_on('ROUTINE',
                                    CASE WHEN strpos(function, '(') > 0 THEN function::regprocedure
                                         ELSE function::regproc::regprocedure END::text,
                                    'EXECUTE', VARIADIC roles)
$$;
