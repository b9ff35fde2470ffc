-- Nothing is for everybody.  The last module: it must see all objects.

REVOKE ALL ON SCHEMA devapp FROM PUBLIC;
-- What an earlier installation left on the schema would count as given by this
-- one, and a dump would leave it out.
DO $$
DECLARE
    grantee oid;
BEGIN
    FOR grantee IN SELECT DISTINCT a.grantee FROM pg_namespace n, aclexplode(n.nspacl) AS a
                    WHERE n.nspname = 'devapp' AND a.grantee NOT IN (0, n.nspowner) LOOP
        EXECUTE format('REVOKE ALL ON SCHEMA devapp FROM %s', grantee::regrole);
    END LOOP;
END
$$;
REVOKE ALL ON SCHEMA devapp_internal, devapp_report FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA devapp, devapp_internal, devapp_report FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA devapp FROM PUBLIC;
REVOKE ALL ON ALL ROUTINES IN SCHEMA devapp, devapp_internal, devapp_report FROM PUBLIC;
-- types of their own: not the rows of tables, not arrays
DO $$
DECLARE
    devapp_type regtype;
BEGIN
    FOR devapp_type IN SELECT t.oid FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
                        WHERE t.typnamespace IN ('devapp'::regnamespace, 'devapp_internal'::regnamespace, 'devapp_report'::regnamespace)
                          AND t.typcategory <> 'A' AND coalesce(c.relkind, 'c') = 'c' LOOP
        EXECUTE format('REVOKE ALL ON TYPE %s FROM PUBLIC', devapp_type);
    END LOOP;
END
$$;
