-- Which role may do what.  It is declared beside each definition; setup_roles() makes
-- grants of the declarations (roles.sql).  A script cannot grant by itself: the roles
-- may not be there yet, and pg_dump would leave such grants out.  What declares nothing
-- is granted to nobody.
--
-- The schema devapp_internal is for what only devapp itself calls.  No role has USAGE
-- on it.

CREATE SCHEMA devapp_internal;
COMMENT ON SCHEMA devapp_internal IS 'devapp: objects for internal use';

CREATE TABLE devapp_internal.declared_grant (
    kind text NOT NULL,
    object text NOT NULL,
    privileges text NOT NULL,
    role text NOT NULL,
    CONSTRAINT declared_grant_pkey PRIMARY KEY (kind, object, privileges, role)
);
COMMENT ON TABLE devapp_internal.declared_grant IS 'Privileges that setup_roles() grants; filled by CREATE EXTENSION, not dumped';
COMMENT ON COLUMN devapp_internal.declared_grant.kind IS 'ROUTINE, TABLE, SEQUENCE, TYPE or SCHEMA, as in GRANT';
COMMENT ON COLUMN devapp_internal.declared_grant.object IS 'The object, as GRANT names it';
COMMENT ON COLUMN devapp_internal.declared_grant.privileges IS 'The privileges, as GRANT names them, with a column list if needed';
COMMENT ON COLUMN devapp_internal.declared_grant.role IS 'The role, without devapp_';

-- Privileges that others than its owner have on an object of devapp.  Left out are the rows
-- of tables as types: PUBLIC has them by PostgreSQL's rules, and pg_upgrade gives them back.
-- An array has the privileges of its elements.
CREATE VIEW devapp_internal.held_privilege AS
SELECT o.kind, o.id AS object_id, o.object, a.privilege_type AS privilege, o.of_column, a.grantee, a.is_grantable
  FROM (SELECT 'SCHEMA', n.oid, n.oid::regnamespace::text, NULL, n.oid, n.nspowner, n.nspacl FROM pg_namespace n
         UNION ALL
        SELECT 'ROUTINE', p.oid, p.oid::regprocedure::text, NULL, p.pronamespace, p.proowner, coalesce(p.proacl, acldefault('f', p.proowner))
          FROM pg_proc p
         UNION ALL
        SELECT 'TYPE', t.oid, t.oid::regtype::text, NULL, t.typnamespace, t.typowner, coalesce(t.typacl, acldefault('T', t.typowner))
          FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
         WHERE t.typcategory <> 'A' AND coalesce(c.relkind, 'c') = 'c'
         UNION ALL
        SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid, c.oid::regclass::text, NULL, c.relnamespace, c.relowner, c.relacl
          FROM pg_class c
         UNION ALL
        SELECT 'TABLE', c.oid, c.oid::regclass::text, t.attname, c.relnamespace, c.relowner, t.attacl
          FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid) AS o(kind, id, object, of_column, namespace, owner, acl)
  JOIN pg_namespace n ON n.oid = o.namespace,
       aclexplode(o.acl) AS a
 WHERE n.nspname IN ('devapp', 'devapp_internal', 'devapp_report', 'devapp_api') AND a.grantee <> o.owner;
COMMENT ON VIEW devapp_internal.held_privilege IS 'Privileges on objects of devapp held by roles other than their owners; grantee 0 is PUBLIC';

-- Takes from everybody but the owner what they have on an object, or on all.  What PUBLIC
-- has by PostgreSQL's rules, others by ALTER DEFAULT PRIVILEGES or from an earlier
-- installation would count as given by this one, and a dump would leave it out.
CREATE FUNCTION devapp_internal.take_back(object oid DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    held record;
BEGIN
    FOR held IN SELECT DISTINCT h.kind, h.object, h.grantee FROM devapp_internal.held_privilege h
                 WHERE take_back.object IS NULL OR h.object_id = take_back.object LOOP
        EXECUTE format('REVOKE ALL ON %s %s FROM %s CASCADE', held.kind, held.object,
                       CASE held.grantee WHEN 0 THEN 'PUBLIC' ELSE held.grantee::regrole::text END);
    END LOOP;
END
$$;

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
    SET quote_all_identifiers = off
AS $$
    SELECT devapp_internal.grant_on('ROUTINE',
                                    CASE WHEN strpos(function, '(') > 0 THEN function::regprocedure
                                         ELSE function::regproc::regprocedure END::text,
                                    'EXECUTE', VARIADIC roles)
$$;

-- What a role without a policy gets: an error, rather than no rows (src/base/row_policy.c).
-- Nobody needs the right to execute it, as the planner takes it out of each query.
CREATE FUNCTION devapp_internal.rows_need_a_policy_support(internal) RETURNS internal
    LANGUAGE c STRICT
    AS 'MODULE_PATHNAME', 'devapp_rows_need_a_policy_support';
CREATE FUNCTION devapp_internal.rows_need_a_policy(of_table regclass) RETURNS boolean
    LANGUAGE c STABLE STRICT PARALLEL SAFE SUPPORT devapp_internal.rows_need_a_policy_support
    AS 'MODULE_PATHNAME', 'devapp_rows_need_a_policy';

CREATE FUNCTION devapp_internal.refuse_without_policy(of_table regclass) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('CREATE POLICY anybody ON %s FOR SELECT USING (devapp_internal.rows_need_a_policy(%L))', of_table, of_table);
END
$$;
