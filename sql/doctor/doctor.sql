-- What to look at in an installation.

CREATE FUNCTION devapp_internal.library_version() RETURNS text
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'devapp_library_version';
CREATE FUNCTION devapp_internal.sodium_version() RETURNS text
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'devapp_sodium_version';
CREATE FUNCTION devapp_internal.is_preloaded() RETURNS boolean
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'devapp_is_preloaded';
CREATE FUNCTION devapp_internal.pepper_newest() RETURNS integer
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'devapp_pepper_newest';
CREATE FUNCTION devapp_internal.pepper_known(number integer) RETURNS boolean
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'devapp_pepper_known';

CREATE FUNCTION devapp_internal.serves_catalog() RETURNS boolean
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'devapp_serves_catalog';

CREATE FUNCTION devapp_internal.doctor_versions() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'version',
           CASE WHEN e.extversion = devapp_internal.library_version() THEN 'ok' WHEN v.is_served THEN 'warning' ELSE 'error' END,
           format('extension %s, library %s', e.extversion, devapp_internal.library_version()),
           CASE WHEN e.extversion = devapp_internal.library_version() THEN NULL
                WHEN v.is_served THEN 'The library is also compatible with the previous release. Run ALTER EXTENSION devapp UPDATE.'
                ELSE 'No call can be verified. Install the library of this version, or that of the next one and run ALTER EXTENSION devapp UPDATE.' END
      FROM pg_extension e
     CROSS JOIN LATERAL (SELECT e.extversion = devapp_internal.catalog_version() AND devapp_internal.serves_catalog() AS is_served) AS v
     WHERE e.extname = 'devapp'
    UNION ALL
    SELECT 'libsodium', 'ok', devapp_internal.sodium_version(), NULL
    UNION ALL
    SELECT 'preload',
           CASE WHEN devapp_internal.is_preloaded() THEN 'ok' ELSE 'info' END,
           CASE WHEN devapp_internal.is_preloaded() THEN 'loaded at server start'
                ELSE 'loaded by each backend at its first call' END,
           CASE WHEN NOT devapp_internal.is_preloaded()
                THEN 'With shared_preload_libraries = ''devapp'', calls are counted and limited, and the first call of a new connection is faster.' END
$$;

-- What ALTER EXTENSION devapp UPDATE would do, by the files that are installed on this server.
CREATE FUNCTION devapp_internal.doctor_update() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH facts AS (
        SELECT e.extversion AS version, a.default_version AS newest, devapp_internal.library_version() AS library,
               (SELECT p.path FROM pg_extension_update_paths('devapp') p WHERE p.source = e.extversion AND p.target = a.default_version) AS path
          FROM pg_extension e LEFT JOIN pg_available_extensions a ON a.name = e.extname
         WHERE e.extname = 'devapp'
    )
    SELECT 'update',
           CASE WHEN f.version = f.newest THEN 'ok' WHEN f.path IS NULL THEN 'error' ELSE 'info' END,
           CASE WHEN f.newest IS NULL THEN 'the files of the extension are not installed on this server'
                WHEN f.version = f.newest THEN 'the newest version installed on this server'
                WHEN f.path IS NULL THEN format('there is no update path from %s to %s, which is installed on this server', f.version, f.newest)
                ELSE format('version %s is installed on this server; the update path is %s', f.newest, f.path) END,
           CASE WHEN f.version = f.newest THEN NULL
                WHEN f.path IS NULL THEN 'Install the package of devapp again.'
                WHEN f.newest <> f.library THEN format('Restart the server first, to load the library of %s.', f.newest)
                ELSE 'Run ALTER EXTENSION devapp UPDATE.' END
      FROM facts f
$$;

-- The flush that others wait for: one runs at a time, whatever its database.
CREATE FUNCTION devapp_internal.slow_flush(OUT pid integer, OUT database name, OUT since interval)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.pid, a.datname, date_trunc('second', clock_timestamp() - a.backend_start)
      FROM pg_stat_activity a
     WHERE a.backend_type = 'devapp flusher' AND a.backend_start < clock_timestamp() - interval '30 seconds'
     ORDER BY a.backend_start LIMIT 1
$$;

CREATE FUNCTION devapp_internal.doctor_metering() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'metering', 'info', 'calls are not counted, so the quota columns of verdicts are null',
           CASE WHEN NOT devapp_internal.is_preloaded()
                THEN 'Counting requires shared_preload_libraries = ''devapp''.'
                ELSE 'The setting devapp.metering is off.' END
     WHERE NOT devapp_internal.is_metering()
    UNION ALL
    SELECT 'metering',
           CASE WHEN s.dropped > 0 OR coalesce(s.last_error_at > s.last_flush_at, s.errors > 0) OR f.pid IS NOT NULL
                     OR s.worker_pid IS NULL AND NOT pg_is_in_recovery() THEN 'warning' ELSE 'ok' END,
           CASE WHEN s.dropped > 0 THEN format('%s calls were not counted: the table was full', s.dropped)
                WHEN coalesce(s.last_error_at > s.last_flush_at, s.errors > 0) THEN format('the last flush or shipment failed: %s', s.last_error)
                WHEN s.worker_pid IS NULL AND NOT pg_is_in_recovery() THEN 'the worker is not running'
                WHEN f.pid IS NOT NULL THEN format('the flush of database %s has taken %s so far', f.database, f.since)
                ELSE format('calls are counted; %s of %s counters are in use', s.slots_used, s.slots_total) END,
           CASE WHEN s.dropped > 0 THEN 'Raise devapp.meter_size, or lower devapp.flush_interval.'
                WHEN coalesce(s.last_error_at > s.last_flush_at, s.errors > 0)
                THEN 'Counts stay in memory until a flush succeeds. See the server log.'
                WHEN s.worker_pid IS NULL AND NOT pg_is_in_recovery()
                THEN 'It is restarted within seconds. If not, check the server log and max_worker_processes.'
                WHEN f.pid IS NOT NULL
                THEN format('All databases of the server wait for it. See process %s in pg_stat_activity.', f.pid) END
      FROM devapp_internal.worker_state() s
      LEFT JOIN devapp_internal.slow_flush() f ON true
     WHERE devapp_internal.is_metering()
$$;

-- Is there anything to count limits in, and has it room?
CREATE FUNCTION devapp_internal.doctor_quota() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH facts AS (
        SELECT (SELECT count(*) FROM devapp.product p
                 WHERE p.deleted_at IS NULL
                   AND (p.rate_limit IS NOT NULL
                        OR p.quota_enforcement = 'soft'
                           AND (p.quota_limit IS NOT NULL
                                OR EXISTS (SELECT FROM devapp.product_operation o
                                            WHERE o.product_id = p.product_id AND o.quota_limit IS NOT NULL))
                        OR EXISTS (SELECT FROM devapp_internal.app_quota_now q
                                    WHERE q.product_id = p.product_id
                                      AND (q.rate_limit IS NOT NULL OR p.quota_enforcement = 'soft')))) AS products,
               coalesce((SELECT s.no_room FROM devapp_internal.worker_state() s), 0) AS no_room,
               -- clocks of servers may differ a little
               (SELECT count(*) FROM devapp.quota_usage q WHERE q.window_start > clock_timestamp() + interval '1 minute') AS ahead,
               devapp_internal.is_metering() AS metering
    )
    SELECT 'quota',
           CASE WHEN f.products > 0 AND NOT f.metering OR f.no_room > 0 OR f.ahead > 0 THEN 'warning' ELSE 'ok' END,
           CASE WHEN f.products > 0 AND NOT f.metering
                THEN format('quotas or rate limits of %s product(s) are not enforced: calls are not counted', f.products)
                WHEN f.no_room > 0 THEN format('%s calls were refused: there was no room to count them for a quota or rate limit', f.no_room)
                WHEN f.ahead > 0 THEN format('%s quota(s) have a window in the future: a clock was wrong, or was set back', f.ahead)
                WHEN f.products = 0 THEN 'no product needs shared memory for its limits'
                ELSE format('limits of %s product(s) are enforced', f.products) END,
           CASE WHEN f.products > 0 AND NOT f.metering AND NOT devapp_internal.is_preloaded()
                THEN 'They require shared_preload_libraries = ''devapp''.'
                WHEN f.products > 0 AND NOT f.metering THEN 'The setting devapp.metering is off.'
                WHEN f.no_room > 0 THEN 'Raise devapp.quota_size.'
                WHEN f.ahead > 0 THEN 'They stay used until that time. If the clock is correct now, reset them with devapp.reset_quota; they are the rows of devapp.quota_usage whose window_start is in the future.' END
      FROM facts f
$$;

-- On a primary what it lends, on a standby how borrowing goes, where there is anything to borrow.
CREATE FUNCTION devapp_internal.doctor_quota_leases() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'quota_leases',
           CASE WHEN s.is_wrong OR s.is_off THEN 'warning' ELSE 'ok' END,
           CASE WHEN s.is_off THEN format('hard quotas of %s product(s) refuse every call here: the server does not know its primary', s.hard)
                WHEN s.is_wrong THEN format('the primary lends nothing: %s', s.last_lease_error)
                ELSE format('%s lease(s) have %s unit(s) left', s.leases, s.leased) END,
           CASE WHEN s.is_off THEN 'Set devapp.primary_conninfo, and set devapp.flush_interval to more than 0.'
                WHEN s.is_wrong THEN 'Until the primary answers, hard quotas refuse every call here, and soft quotas are counted for this server alone.' END
      FROM (SELECT w.leases, w.leased, w.last_lease_error, coalesce(w.last_lease_error_at > w.last_lease_at, w.lease_errors > 0) AS is_wrong,
                   p.hard, p.hard > 0 AND (devapp_internal.setting('primary_conninfo') = '' OR devapp_internal.setting('flush_interval') = '0') AS is_off
              FROM devapp_internal.worker_state() w
             CROSS JOIN (SELECT count(*) AS hard FROM devapp.product p WHERE p.deleted_at IS NULL AND p.quota_enforcement = 'hard') AS p) AS s
     WHERE pg_is_in_recovery() AND (s.is_wrong OR s.is_off OR s.leases > 0)
    UNION ALL
    SELECT 'quota_leases',
           CASE WHEN l.expired > 0 THEN 'warning' ELSE 'ok' END,
           CASE WHEN l.expired > 0 THEN format('expired leases of %2$s hold %1$s unit(s) of hard quotas', l.expired, l.gone)
                ELSE format('%s unit(s) are lent to %s standby(s): %s', l.lent, l.servers, l.names) END,
           CASE WHEN l.expired > 0 THEN 'It is unknown whether they were used. They become free when their window ends or the standby reports them, or by devapp.reset_quota; they are the expired rows of devapp.quota_lease.' END
      FROM (SELECT coalesce(sum(q.granted - q.used) FILTER (WHERE q.hard AND q.expires_at <= clock_timestamp()), 0) AS expired,
                   string_agg(DISTINCT q.server_name, ', ') FILTER (WHERE q.hard AND q.expires_at <= clock_timestamp()) AS gone,
                   coalesce(sum(q.granted - q.used) FILTER (WHERE q.expires_at > clock_timestamp()), 0) AS lent,
                   count(DISTINCT q.server) FILTER (WHERE q.expires_at > clock_timestamp()) AS servers,
                   string_agg(DISTINCT q.server_name, ', ') FILTER (WHERE q.expires_at > clock_timestamp()) AS names
              FROM devapp.quota_lease q
             WHERE q.granted > q.used AND q.window_end > clock_timestamp()) AS l
     WHERE NOT pg_is_in_recovery() AND l.expired + l.lent > 0
$$;

CREATE FUNCTION devapp_internal.doctor_housekeeping() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'housekeeping',
           CASE WHEN s.failing OR s.refresh_error IS NOT NULL THEN 'warning' WHEN s.off THEN 'info' ELSE 'ok' END,
           CASE WHEN s.failing THEN format('the last run failed: %s', s.last_housekeeping_error)
                WHEN s.refresh_error IS NOT NULL THEN format('reports could not be refreshed: %s', s.refresh_error)
                WHEN s.off THEN 'the worker is off'
                ELSE 'nothing failed' END,
           CASE WHEN s.failing THEN 'It is retried every minute. See the server log.'
                WHEN s.refresh_error IS NOT NULL THEN 'They are unchanged. The next attempt is made after devapp.refresh_interval, or by devapp.refresh_reports().'
                WHEN s.off THEN 'Without it, you must call devapp.maintain_usage(), maintain_audit(), schedule_notifications(), seal_audit() and refresh_reports() yourself.' END
      FROM (SELECT w.last_housekeeping_error, (SELECT max(r.error) FROM devapp.report_refresh r) AS refresh_error,
                   coalesce(w.last_housekeeping_error_at > w.last_housekeeping_at, w.housekeeping_errors > 0, false) AS failing,
                   w.worker_pid IS NULL AND NOT pg_is_in_recovery() OR devapp_internal.setting('flush_interval') = '0' AS off
              FROM (SELECT 1) AS one LEFT JOIN devapp_internal.worker_state() w ON true) AS s
$$;

CREATE FUNCTION devapp_internal.doctor_pepper() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    newest integer;
    missing integer[];
    unkeyed bigint;
BEGIN
    check_name := 'pepper';
    BEGIN
        newest := devapp_internal.pepper_newest();
        status := CASE newest WHEN 0 THEN 'warning' ELSE 'ok' END;
        detail := CASE newest WHEN 0 THEN 'there is no pepper, so digests of new secrets are unkeyed'
                              ELSE format('new digests are keyed with pepper %s', newest) END;
        hint := CASE newest WHEN 0 THEN 'Set devapp.pepper_file. See "The pepper file" in doc/operations.md.' END;
    EXCEPTION WHEN OTHERS THEN
        status := 'error';
        detail := SQLERRM;
        hint := 'No secret can be issued, and calls with a secret whose digest uses this file get UNAVAILABLE.';
    END;
    RETURN NEXT;

    -- of secrets that could still work
    SELECT array_agg(DISTINCT p.number ORDER BY p.number) FILTER (WHERE NOT devapp_internal.pepper_known(p.number)),
           coalesce(sum(p.n) FILTER (WHERE p.number = 0), 0)
      INTO missing, unkeyed
      FROM (SELECT devapp.secret_digest_pepper(s.digest) AS number, count(*) AS n
              FROM devapp.credential_secret s
             WHERE s.valid_until IS NULL OR s.valid_until > now()
             GROUP BY 1) AS p;
    check_name := 'digests';
    IF missing IS NOT NULL THEN
        status := 'error';
        detail := format('there are secrets with unknown peppers: %s', array_to_string(missing, ', '));
        hint := 'Restore these numbers in devapp.pepper_file; until then calls with these secrets get UNAVAILABLE.';
    ELSIF unkeyed > 0 AND newest > 0 THEN
        status := 'warning';
        detail := format('the digests of %s secret(s) do not use a pepper', unkeyed);
        hint := 'Rotate them with devapp.rotate_credential.';
    ELSE
        status := 'ok';
        detail := 'the digests of all secrets can be computed';
        hint := NULL;
    END IF;
    RETURN NEXT;
END
$$;

-- Can tokens that are bound to a key be used?  Does another issuer have our name?
CREATE FUNCTION devapp_internal.doctor_tokens() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'dpop',
           CASE WHEN devapp_internal.is_preloaded() THEN 'ok' ELSE 'info' END,
           CASE WHEN devapp_internal.is_preloaded() THEN 'used DPoP proofs are remembered'
                ELSE 'every DPoP proof is refused: there is no shared memory to remember used ones' END,
           CASE WHEN NOT devapp_internal.is_preloaded()
                THEN 'Tokens that are bound to a key require shared_preload_libraries = ''devapp''.' END
    UNION ALL
    SELECT 'token_issuer',
           CASE WHEN i.issuer IS NULL THEN 'ok' ELSE 'warning' END,
           CASE WHEN i.issuer IS NULL THEN format('the issuer of our tokens is %s', n.ours)
                ELSE format('%s is the name of our own issuer and of a stored one: tokens signed by either are accepted', n.ours) END,
           CASE WHEN i.issuer IS NOT NULL
                THEN 'Set devapp.issuer to another name, or delete the other issuer with devapp.delete_token_issuer.' END
      FROM (SELECT devapp_internal.token_issuer_name() AS ours) AS n
      LEFT JOIN devapp.token_issuer i ON i.issuer = n.ours AND i.is_active
$$;

-- Everything of devapp that PUBLIC has a privilege on.
CREATE FUNCTION devapp_internal.doctor_public() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH granted AS (
        SELECT DISTINCT CASE h.kind WHEN 'ROUTINE' THEN 'function' WHEN 'SCHEMA' THEN 'schema' WHEN 'TYPE' THEN 'type'
                                    ELSE CASE WHEN h.of_column IS NULL THEN 'relation' ELSE 'column' END END
                        || ' ' || concat_ws('.', h.object, h.of_column) AS object
          FROM devapp_internal.held_privilege h WHERE h.grantee = 0
    )
    SELECT 'public',
           CASE WHEN count(*) = 0 THEN 'ok' ELSE 'error' END,
           CASE WHEN count(*) = 0 THEN 'nothing is granted to PUBLIC'
                ELSE format('granted to PUBLIC: %s', string_agg(object, ', ' ORDER BY object)) END,
           CASE WHEN count(*) > 0 THEN 'Every role can use these objects. REVOKE the privileges.' END
      FROM granted
$$;

-- What of devapp belongs to another than the extension: its schemas, and their relations, of
-- which partitions are no members of the extension.
CREATE FUNCTION devapp_internal.owned_by_others() RETURNS TABLE (kind text, object text, owner regrole)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH extension AS (
        SELECT e.oid, e.extowner FROM pg_extension e WHERE e.extname = 'devapp'
    ), member AS (
        SELECT d.classid, d.objid FROM pg_depend d JOIN extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
         WHERE d.deptype = 'e'
    )
    SELECT 'SCHEMA', n.oid::regnamespace::text, n.nspowner::regrole
      FROM pg_namespace n CROSS JOIN extension e
     WHERE n.nspowner <> e.extowner
       AND (n.nspname = 'devapp' OR EXISTS (SELECT FROM member m WHERE m.classid = 'pg_namespace'::regclass AND m.objid = n.oid))
     UNION ALL
    SELECT CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
           c.oid::regclass::text, c.relowner::regrole
      FROM pg_class c CROSS JOIN extension e
     WHERE c.relowner <> e.extowner AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
       AND EXISTS (SELECT FROM member m
                    WHERE m.classid = 'pg_class'::regclass AND m.objid = coalesce(CASE WHEN c.relispartition THEN pg_partition_root(c.oid) END, c.oid))
       -- a sequence of a column goes with its table
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i') AND c.relkind = 'S')
$$;

-- Whoever owns a schema can replace what is in it, who owns a partition changes its rows, and who
-- owns the extension may not change it there.
CREATE FUNCTION devapp_internal.doctor_owner() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'owner',
           CASE WHEN count(o.object) > 0 THEN 'error' WHEN NOT r.rolsuper THEN 'warning' ELSE 'ok' END,
           CASE WHEN count(o.object) > 0
                THEN format('the extension belongs to %s, but %s', e.extowner::regrole,
                            string_agg(format('%s %s to %s', lower(o.kind), o.object, o.owner), ', ' ORDER BY o.n) FILTER (WHERE o.n <= 5)
                            || CASE WHEN count(o.object) > 5 THEN format(', and %s more objects', count(o.object) - 5) ELSE '' END)
                WHEN NOT r.rolsuper THEN format('the extension belongs to %s, who is not a superuser', e.extowner::regrole)
                ELSE format('the extension and its schemas belong to %s', e.extowner::regrole) END,
           CASE WHEN count(o.object) > 0 THEN 'An owner can change what is theirs without a trace. As a superuser, run SELECT devapp.setup_roles().'
                WHEN NOT r.rolsuper THEN 'Updates and some checks fail. Make the role a superuser again. See "Upgrade" in doc/operations.md.' END
      FROM pg_extension e
      JOIN pg_roles r ON r.oid = e.extowner
      LEFT JOIN (SELECT x.*, row_number() OVER (ORDER BY x.kind, x.object COLLATE "C") AS n FROM devapp_internal.owned_by_others() AS x) AS o ON true
     WHERE e.extname = 'devapp'
     GROUP BY e.extowner, r.rolsuper
$$;

-- The privileges that CREATE EXTENSION left name its owner of then.  Before PostgreSQL 17
-- they still do when another has become the owner and that role is gone: pg_dump writes
-- its number, and the restore fails.
CREATE FUNCTION devapp_internal.doctor_init_privs() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'init_privs',
           CASE WHEN count(*) = 0 THEN 'ok' ELSE 'error' END,
           CASE WHEN count(*) = 0 THEN 'initial privileges name only existing roles'
                ELSE format('initial privileges of %s objects name roles that no longer exist: %s', count(DISTINCT (x.classoid, x.objoid)),
                            string_agg(DISTINCT x.role::text, ', ')) END,
           CASE WHEN count(*) > 0 THEN 'A dump cannot be restored. Replace these roles by the current owner. See "init_privs" in doc/operations.md.' END
      FROM (SELECT i.classoid, i.objoid, r.role
              FROM pg_init_privs i
              JOIN pg_depend d ON d.classid = i.classoid AND d.objid = i.objoid AND d.objsubid = 0 AND d.deptype = 'e'
              JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND e.extname = 'devapp'
             CROSS JOIN LATERAL aclexplode(i.initprivs) AS a
             CROSS JOIN LATERAL (VALUES (a.grantee), (a.grantor)) AS r(role)) AS x
     WHERE x.role <> 0 AND NOT EXISTS (SELECT FROM pg_roles p WHERE p.oid = x.role)
$$;

CREATE FUNCTION devapp_internal.tables_without_policy() RETURNS bigint
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT count(*) FROM pg_class c
     WHERE c.relnamespace = 'devapp'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
       AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'devapp_admin')
$$;

-- Roles belong to the cluster, so those that exist may have been made for another
-- database.  What each of them holds here is compared with what is declared for it.
CREATE FUNCTION devapp_internal.doctor_roles() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH held AS MATERIALIZED (
        SELECT h.kind, h.object, h.privilege, h.of_column, h.role FROM devapp_internal.held_privileges() h
    ), lacking AS (
        SELECT d.kind, d.object, d.privilege, d.of_column, d.role FROM devapp_internal.declared_privileges() d
        EXCEPT
        SELECT * FROM held
    ), roles AS (
        SELECT 'devapp_' || r AS role, to_regrole('devapp_' || r) IS NULL AS is_missing,
               EXISTS (SELECT FROM lacking l WHERE l.role = 'devapp_' || r) AS lacks_grants,
               EXISTS (SELECT FROM held h WHERE h.role = 'devapp_' || r) AS has_grants
          FROM unnest(devapp_internal.role_names()) AS r
    ), found AS (
        SELECT bool_or(r.is_missing) AS any_role,
               string_agg(r.role, ', ' ORDER BY r.role) FILTER (WHERE r.is_missing) AS roles,
               string_agg(r.role, ', ' ORDER BY r.role) FILTER (WHERE NOT r.is_missing AND r.lacks_grants) AS grants,
               bool_or(r.has_grants AND r.lacks_grants) AS is_partial,
               devapp_internal.tables_without_policy() AS policies
          FROM roles r
    ), missing AS (
        SELECT CASE WHEN f.is_partial THEN 'error' WHEN f.any_role AND f.grants IS NULL THEN 'info' ELSE 'warning' END AS status,
               nullif(concat_ws('; ', f.roles, 'grants to ' || f.grants,
                                CASE WHEN NOT f.any_role AND f.policies > 0 THEN format('policies of %s tables', f.policies) END), '') AS what
          FROM found f
    )
    SELECT 'roles',
           CASE WHEN m.what IS NULL THEN 'ok' ELSE m.status END,
           coalesce('missing: ' || m.what, 'all roles exist and have their privileges, and all tables have policies'),
           CASE WHEN m.what IS NOT NULL THEN 'The owner of the extension can create what is missing with SELECT devapp.setup_roles().' END
      FROM missing m
$$;

-- Triggers that somebody switched off, or left to replicas, or made to pass over
-- what replication brings.
CREATE FUNCTION devapp_internal.doctor_triggers() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'triggers',
           CASE WHEN count(*) = 0 THEN 'ok' ELSE 'error' END,
           CASE WHEN count(*) = 0 THEN 'all triggers are enabled'
                ELSE format('disabled triggers: %s', string_agg(t.tgname || ' on ' || t.tgrelid::regclass, ', ' ORDER BY t.tgrelid::regclass::text, t.tgname)) END,
           CASE WHEN count(*) > 0
                THEN 'Run ALTER TABLE ... ENABLE TRIGGER <name>; use ENABLE ALWAYS TRIGGER for invalidate_cache, pack_row, repack_rows, renew_product_*, begin_restore and end_restore.' END
      FROM pg_trigger t
      JOIN pg_class c ON c.oid = t.tgrelid
     WHERE c.relnamespace = 'devapp'::regnamespace 
       AND (t.tgenabled IN ('D', 'R')
            OR (t.tgenabled <> 'A' AND t.tgname ~ '^(invalidate_cache|pack_row|repack_rows|renew_product_|begin_restore|end_restore)'))
$$;

-- Are the copies that verification reads what the rows are?  Of each table only so many are
-- looked at; devapp_internal.check_packed_rows() looks at all.
CREATE FUNCTION devapp_internal.doctor_packed_rows() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'packed_rows',
           CASE WHEN c.wrong > 0 THEN 'error' WHEN c.missing > 0 THEN 'info' ELSE 'ok' END,
           CASE WHEN c.wrong > 0 THEN format('%s of %s checked rows have a wrong copy: triggers were disabled when they changed', c.wrong, c.checked)
                WHEN c.missing > 0 THEN format('%s of %s checked rows have no copy: the first verification of their keys takes longer', c.missing, c.checked)
                ELSE 'the copies of rows that verification reads are correct' END,
           CASE WHEN c.wrong > 0 OR c.missing > 0 THEN 'The owner of the extension can rebuild all copies with SELECT devapp_internal.rebuild_packed_rows(), which blocks changes.' END
      FROM devapp_internal.check_packed_rows(10000) c
$$;

-- Is everything recorded, and will there be a partition to record it in?  With the
-- rights of the owner, because no policy lets anybody look into a partition.
CREATE FUNCTION devapp_internal.doctor_audit() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
    WITH facts AS (
        SELECT devapp_internal.setting('restoring') = 'on' AS restoring,
               to_char(date_trunc('month', now()) + interval '1 month', '"audit_event_"YYYY_MM') AS next_month,
               EXISTS (SELECT FROM devapp.audit_event_default) AS in_default
    )
    SELECT 'audit',
           CASE WHEN f.restoring THEN 'error'
                WHEN f.in_default OR to_regclass('devapp.' || f.next_month) IS NULL THEN 'warning'
                ELSE 'ok' END,
           CASE WHEN f.restoring THEN 'devapp.restoring is on: changes are not recorded'
                WHEN f.in_default THEN 'there are events in the default partition'
                WHEN to_regclass('devapp.' || f.next_month) IS NULL THEN format('partition %s is missing', f.next_month)
                ELSE 'the partition of the next month exists' END,
           CASE WHEN f.restoring THEN 'Set it only in the session of a restore.'
                WHEN f.in_default OR to_regclass('devapp.' || f.next_month) IS NULL
                THEN 'Run SELECT devapp.maintain_audit() every month.' END
      FROM facts f
$$;

-- Is the audit trail sealed now and then, and are its checkpoints signed?
CREATE FUNCTION devapp_internal.doctor_audit_log() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    last devapp.audit_checkpoint;
BEGIN
    check_name := 'audit_key';
    BEGIN
        detail := 'checkpoints are signed with ' || devapp.audit_public_key();
        status := CASE WHEN detail IS NULL THEN 'warning' ELSE 'ok' END;
        hint := CASE WHEN detail IS NULL THEN 'Set devapp.audit_key_file. See "The audit key" in doc/operations.md.' END;
        detail := coalesce(detail, 'there is no key, so checkpoints of the audit trail are not signed');
    EXCEPTION WHEN OTHERS THEN
        status := 'error';
        detail := SQLERRM;
        hint := 'The audit trail can be neither sealed nor verified.';
    END;
    RETURN NEXT;

    check_name := 'audit_seal';
    SELECT * INTO last FROM devapp.audit_checkpoint c ORDER BY c.tree_size DESC LIMIT 1;
    status := 'ok';
    detail := coalesce(last.tree_size || ' events are sealed', 'nothing is sealed yet');
    hint := NULL;
    IF EXISTS (SELECT FROM devapp.audit_event e
                WHERE e.transaction_id >= CASE WHEN last.system_identifier = (SELECT s.system_identifier FROM pg_control_system() s)
                                               THEN last.xmin_at_seal ELSE '0' END
                  AND e.occurred_at < now() - interval '1 day'
                  AND NOT EXISTS (SELECT FROM devapp.audit_leaf l WHERE l.event_id = e.event_id)) THEN
        status := 'warning';
        detail := detail || ', others have been waiting for more than a day';
        hint := 'Run SELECT devapp.seal_audit() regularly, and export its result.';
    END IF;
    RETURN NEXT;
END
$$;

-- The worker keeps out while a dump is restored: calls stay in memory.
CREATE FUNCTION devapp_internal.doctor_restore() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'restore',
           CASE WHEN r.needs IS NULL THEN 'ok' WHEN r.needs = 'its sessions to end' THEN 'info' ELSE 'error' END,
           CASE WHEN r.needs IS NULL THEN 'no restore is in progress'
                ELSE format('a restore is not complete: it still needs %s', r.needs) END,
           CASE WHEN r.needs = 'its sessions to end' THEN 'The worker does not use the database until then.'
                WHEN r.needs IS NOT NULL
                THEN 'Until then, counts stay in memory. If the dump has been restored completely, run SELECT * FROM devapp.finish_restore().' END
      FROM (SELECT devapp_internal.restore_needs() AS needs) AS r
$$;

CREATE FUNCTION devapp_internal.doctor_everything() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT * FROM devapp_internal.doctor_metering()
    UNION ALL SELECT * FROM devapp_internal.doctor_quota()
    UNION ALL SELECT * FROM devapp_internal.doctor_quota_leases()
    UNION ALL SELECT * FROM devapp_internal.doctor_housekeeping()
    UNION ALL SELECT * FROM devapp_internal.doctor_storage()
    UNION ALL SELECT * FROM devapp_internal.doctor_usage_feed()
    UNION ALL SELECT * FROM devapp_internal.doctor_pepper()
    UNION ALL SELECT * FROM devapp_internal.doctor_keyring()
    UNION ALL SELECT * FROM devapp_internal.doctor_signing_key()
    UNION ALL SELECT * FROM devapp_internal.doctor_tokens()
    UNION ALL SELECT * FROM devapp_internal.doctor_public()
    UNION ALL SELECT * FROM devapp_internal.doctor_owner()
    UNION ALL SELECT * FROM devapp_internal.doctor_init_privs()
    UNION ALL SELECT * FROM devapp_internal.doctor_roles()
    UNION ALL SELECT * FROM devapp_internal.doctor_triggers()
    UNION ALL SELECT * FROM devapp_internal.doctor_packed_rows()
    UNION ALL SELECT * FROM devapp_internal.doctor_audit()
    UNION ALL SELECT * FROM devapp_internal.doctor_audit_log()
    UNION ALL SELECT * FROM devapp_internal.doctor_http()
    UNION ALL SELECT * FROM devapp_internal.doctor_restore()
    UNION ALL SELECT * FROM devapp_internal.doctor_standby_use()
    UNION ALL SELECT * FROM devapp_internal.doctor_standby_lag()
    UNION ALL SELECT * FROM devapp_internal.doctor_standby_primary()
$$;

-- Where the library does not serve the catalog, all else would fail.
CREATE FUNCTION devapp_internal.doctor() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT * FROM devapp_internal.doctor_versions() UNION ALL SELECT * FROM devapp_internal.doctor_update();
    IF devapp_internal.serves_catalog() THEN
        RETURN QUERY SELECT * FROM devapp_internal.doctor_everything();
    END IF;
END
$$;

CREATE FUNCTION devapp.doctor() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.doctor() IS 'Checks the installation and reports problems, with hints';
SELECT devapp_internal.grant_to('devapp.doctor', 'admin');
