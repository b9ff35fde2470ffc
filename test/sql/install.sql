-- The extension is there, and everything in it says what it is.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION devapp CASCADE;
RESET client_min_messages;

SELECT extname, nspname, extrelocatable FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'devapp';

-- every function, type and table has a comment
SELECT p.oid::regprocedure FROM pg_proc p
 WHERE p.pronamespace IN ('devapp'::regnamespace, 'devapp_api'::regnamespace) AND obj_description(p.oid, 'pg_proc') IS NULL
   AND p.proname !~ '^(resource_pattern|secret_digest|app_ref|credential_ref)_(in|out|recv|send|eq|hash)$';
SELECT c.oid::regclass FROM pg_class c
 WHERE c.relnamespace = 'devapp'::regnamespace AND c.relkind = 'r' AND obj_description(c.oid, 'pg_class') IS NULL;
SELECT t.oid::regtype FROM pg_type t
 WHERE t.typnamespace = 'devapp'::regnamespace AND t.typrelid = 0 AND t.typelem = 0
   AND obj_description(t.oid, 'pg_type') IS NULL;

-- what is for administrators alone asks by itself who calls, but for what a worker,
-- a standby or a backend may be granted without any other right
SELECT p.oid::regprocedure FROM pg_proc p JOIN devapp_internal.declared_grant d ON d.object = p.oid::regprocedure::text
 WHERE p.prosrc = 'devapp_enter' GROUP BY p.oid HAVING array_agg(d.role) = '{admin}' ORDER BY p.oid::regprocedure::text COLLATE "C";
-- every function's body is right: they were not checked when they were made
SET check_function_bodies = on;
SELECT count(fmgr_sql_validator(p.oid)) > 0 AS valid FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
 WHERE p.pronamespace IN ('devapp'::regnamespace, 'devapp_internal'::regnamespace, 'devapp_report'::regnamespace, 'devapp_api'::regnamespace) AND l.lanname = 'sql';
SELECT count(plpgsql_validator(p.oid)) > 0 AS valid FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
 WHERE p.pronamespace IN ('devapp'::regnamespace, 'devapp_internal'::regnamespace, 'devapp_report'::regnamespace, 'devapp_api'::regnamespace) AND l.lanname = 'plpgsql';
RESET check_function_bodies;

-- every function in SQL or PL/pgSQL pins its search_path, or was bound when it was made
SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
 WHERE p.pronamespace IN ('devapp'::regnamespace, 'devapp_internal'::regnamespace, 'devapp_report'::regnamespace, 'devapp_api'::regnamespace) AND l.lanname IN ('sql', 'plpgsql')
   AND p.prosqlbody IS NULL
   AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (p.proconfig), false);

-- these run with their owner's rights, by the one entry (src/base/entry.c), and ask who calls
-- before they do anything (sql/identity/authority.sql), or keep the outbox
SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'devapp'::regnamespace AND p.prosrc ~ '^devapp_enter' ORDER BY p.proname COLLATE "C";
-- none does by itself
SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace IN ('devapp'::regnamespace, 'devapp_internal'::regnamespace, 'devapp_report'::regnamespace, 'devapp_api'::regnamespace) AND p.prosecdef;
-- each has its namesake, which takes and returns the same
SELECT e.oid::regprocedure
  FROM (SELECT * FROM pg_proc WHERE pronamespace IN ('devapp'::regnamespace, 'devapp_report'::regnamespace, 'devapp_api'::regnamespace) AND prosrc ~ '^devapp_enter') AS e
  LEFT JOIN (SELECT * FROM pg_proc WHERE pronamespace = 'devapp_internal'::regnamespace) AS i
         ON i.proname = e.proname AND i.proargtypes = e.proargtypes
 WHERE (e.prorettype, e.proretset, e.provolatile, e.proisstrict, e.proargnames, e.proallargtypes, e.proargmodes, e.proowner)
       IS DISTINCT FROM (i.prorettype, i.proretset, i.provolatile, i.proisstrict, i.proargnames, i.proallargtypes, i.proargmodes, i.proowner);

-- nothing is PUBLIC's
SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace IN ('devapp'::regnamespace, 'devapp_internal'::regnamespace, 'devapp_report'::regnamespace, 'devapp_api'::regnamespace) AND has_function_privilege('public', p.oid, 'EXECUTE');
SELECT c.oid::regclass FROM pg_class c
 WHERE c.relnamespace IN ('devapp'::regnamespace, 'devapp_internal'::regnamespace, 'devapp_report'::regnamespace, 'devapp_api'::regnamespace) AND c.relkind IN ('r', 'p', 'v', 'm')
   AND has_table_privilege('public', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER');
SELECT t.oid::regtype FROM pg_type t
 WHERE t.typnamespace IN ('devapp'::regnamespace, 'devapp_internal'::regnamespace, 'devapp_report'::regnamespace, 'devapp_api'::regnamespace)
   AND t.typcategory <> 'A' AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind <> 'c') AND has_type_privilege('public', t.oid, 'USAGE');
-- and nobody but its owner has a right to anything, until setup_roles()
SELECT * FROM devapp_internal.held_privilege;
SELECT has_schema_privilege('public', 'devapp', 'USAGE') OR has_schema_privilege('public', 'devapp_internal', 'USAGE') OR has_schema_privilege('public', 'devapp_report', 'USAGE') OR has_schema_privilege('public', 'devapp_api', 'USAGE') AS usage;

-- every table and sequence goes along in a dump, but the times of housekeeping and of
-- refreshing reports, which begin anew
SELECT c.oid::regclass FROM pg_class c
 WHERE c.relnamespace = 'devapp'::regnamespace AND c.relkind IN ('r', 'S')
   AND c.relname NOT IN ('housekeeping', 'report_refresh', 'restore')
   AND NOT EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'devapp' AND c.oid = ANY (e.extconfig));

-- every table says to logical replication which row is which, so a publication of all tables
-- keeps nothing from being changed
SELECT c.oid::regclass FROM pg_class c
 WHERE c.relnamespace IN ('devapp'::regnamespace, 'devapp_internal'::regnamespace, 'devapp_report'::regnamespace, 'devapp_api'::regnamespace) AND c.relkind IN ('r', 'p')
   AND CASE c.relreplident WHEN 'f' THEN false
            WHEN 'd' THEN NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
            ELSE true END;

-- the installation's own report
SELECT check_name, status FROM devapp.doctor();
-- nothing has been sealed, and nothing is wrong with that
SELECT * FROM devapp.verify_audit();

-- an update that has nothing to do, and another extension's
SET client_min_messages = warning;
ALTER EXTENSION devapp UPDATE;
ALTER EXTENSION pgcrypto UPDATE;
RESET client_min_messages;
