-- Nothing that was here before may become a part of devapp, or be called by it
-- (CVE-2022-2625).  So the schema must be new, or empty and nobody else's.

SET LOCAL search_path = pg_catalog, pg_temp;
-- the order of the modules is by topic; a test checks the bodies of all functions
SET LOCAL check_function_bodies = off;

DO $$
DECLARE
    schema_oid oid := 'devapp'::regnamespace;
    foreign_object text;
BEGIN
    SELECT d.classid::regclass || ' ' || d.objid
      INTO foreign_object
      FROM pg_depend d
     WHERE d.refclassid = 'pg_namespace'::regclass
       AND d.refobjid = schema_oid
       AND d.deptype = 'n'
       AND NOT (d.classid = 'pg_extension'::regclass
                AND d.objid = (SELECT e.oid FROM pg_extension e WHERE e.extname = 'devapp'))
     LIMIT 1;
    IF foreign_object IS NOT NULL THEN
        RAISE EXCEPTION 'schema "devapp" holds objects that are not devapp''s'
            USING ERRCODE = 'duplicate_object',
                  DETAIL = pg_describe_object(split_part(foreign_object, ' ', 1)::regclass,
                                              split_part(foreign_object, ' ', 2)::oid, 0),
                  HINT = 'Move or drop them: \dn+ devapp, then list the objects of the schema.';
    END IF;
    IF EXISTS (SELECT FROM pg_namespace n
                WHERE n.oid = schema_oid
                  AND NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.oid = n.nspowner)) THEN
        RAISE EXCEPTION 'schema "devapp" belongs to a role that is not a superuser'
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Its owner could replace parts of the extension. Drop the schema, and CREATE EXTENSION makes its own.';
    END IF;
    IF EXISTS (SELECT FROM pg_namespace n, aclexplode(n.nspacl) AS a
                WHERE n.oid = schema_oid
                  AND a.privilege_type = 'CREATE'
                  AND a.grantee <> n.nspowner) THEN
        RAISE EXCEPTION 'others than its owner may create objects in schema "devapp"'
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Drop the schema, and CREATE EXTENSION makes its own.';
    END IF;
END
$$;
