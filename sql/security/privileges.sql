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
REVOKE ALL ON SCHEMA devapp_report FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA devapp, devapp_report FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA devapp FROM PUBLIC;
REVOKE ALL ON ALL ROUTINES IN SCHEMA devapp, devapp_report FROM PUBLIC;
REVOKE ALL ON TYPE devapp.resource_pattern, devapp.secret_digest, devapp.verdict_code, devapp.verdict,
                   devapp.issued_credential, devapp.approval_decision, devapp.key_parts,
                   devapp_report."text/html" FROM PUBLIC;
