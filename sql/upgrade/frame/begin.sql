-- The old version goes on unless all of this holds.

SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL check_function_bodies = off;

-- What is new belongs to the owner of the extension, whoever runs the update.
DO $$
DECLARE
    library constant text := devapp_internal.library_version();
    owner constant regrole := (SELECT e.extowner FROM pg_extension e WHERE e.extname = 'devapp');
    updater constant regrole := (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user);
BEGIN
    IF library <> '@TO@' THEN
        RAISE EXCEPTION 'the update of devapp to @TO@ requires the library of devapp @TO@, but that of devapp % is loaded', library
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Install the library of devapp @TO@. Where devapp is in shared_preload_libraries, restart the server; else begin a new session.';
    END IF;
    IF NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.oid = owner) THEN
        RAISE EXCEPTION 'the owner of the extension devapp, %, is not a superuser', owner
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Functions of devapp run with the privileges of their owner. Make that role a superuser again, or give the extension another owner, as the page about upgrades describes.';
    END IF;
    IF owner <> updater THEN
        EXECUTE format('SET LOCAL ROLE %s', owner);
    END IF;
END
$$;

-- Nothing that somebody put there may become a part of devapp.
DO $$
DECLARE
    open_schema text;
BEGIN
    SELECT string_agg(DISTINCT n.nspname, ', ') INTO open_schema
      FROM pg_namespace n, aclexplode(n.nspacl) AS a
     WHERE n.nspname IN ('devapp', 'devapp_internal', 'devapp_report', 'devapp_api', 'devapp_cache')
       AND a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner;
    IF open_schema IS NOT NULL THEN
        RAISE EXCEPTION 'roles other than its owner can create objects in schema %', open_schema
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Revoke CREATE on it from them.';
    END IF;
END
$$;

SELECT devapp_internal.keep_out_work();

-- What is there before, for the last step.
SELECT set_config('devapp_update.members', string_agg(d.classid || '/' || d.objid, ','), true)
  FROM pg_depend d
  JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'devapp'
 WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e';
