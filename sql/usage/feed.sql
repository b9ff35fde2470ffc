-- The usage feed: a publication of the minutes of usage, from which another server keeps a
-- history by logical replication.  Only inserts are published, so the subscriber keeps what is
-- dropped here after its retention, and no key has to say which row is which.
--
-- The publication is no member of the extension: the owner makes it where a feed is wanted, and
-- pg_dump takes it along.  But pg_dump leaves out that a table of an extension is in it, and the
-- policy: so after a restore create_usage_feed() is called again.

CREATE FUNCTION devapp_internal.usage_feed_is_empty() RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (SELECT FROM pg_publication p
                    WHERE p.pubname = 'usage_feed'
                      AND NOT EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid)
                      AND NOT EXISTS (SELECT FROM pg_publication_namespace n WHERE n.pnpubid = p.oid))
$$;

-- What is wrong with the publication; null: nothing, or there is none, or it is empty.
CREATE FUNCTION devapp_internal.usage_feed_problem() RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN p.puballtables OR NOT p.pubviaroot OR NOT p.pubinsert OR p.pubupdate OR p.pubdelete OR p.pubtruncate
                THEN 'it must name its tables, publish only inserts, and publish them via the partition root'
                WHEN devapp_internal.usage_feed_is_empty() THEN NULL
                WHEN (SELECT array_agg(r.prrelid::regclass) FROM pg_publication_rel r WHERE r.prpubid = p.oid)
                     IS DISTINCT FROM ARRAY['devapp.usage_minute'::regclass]
                  OR EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid AND (r.prqual IS NOT NULL OR r.prattrs IS NOT NULL))
                  OR EXISTS (SELECT FROM pg_publication_namespace n WHERE n.pnpubid = p.oid)
                THEN 'it must publish the whole table devapp.usage_minute and no other table' END
      FROM pg_publication p WHERE p.pubname = 'usage_feed'
$$;

-- A server from 19 on begins to write what logical replication needs when it is asked to.
CREATE FUNCTION devapp_internal.can_replicate_logically() RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT current_setting('wal_level') = 'logical'
           OR current_setting('wal_level') = 'replica' AND current_setting('effective_wal_level', true) IS NOT NULL
$$;

-- Lets a role copy the minutes that are there when it subscribes: a policy, because without one
-- row-level security would show it no rows, and no error either.
CREATE FUNCTION devapp_internal.admit_to_usage_feed(subscriber name) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    admitted oid[] := (SELECT p.polroles FROM pg_policy p WHERE p.polrelid = 'devapp.usage_minute'::regclass AND p.polname = 'usage_feed');
    the_role pg_roles;
BEGIN
    SELECT * INTO the_role FROM pg_roles r WHERE r.rolname = subscriber;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'role % does not exist', devapp_internal.quoted(subscriber)
            USING ERRCODE = 'undefined_object', HINT = 'Create it first, with LOGIN REPLICATION.';
    END IF;
    IF NOT (the_role.rolcanlogin AND the_role.rolreplication) THEN
        RAISE NOTICE 'role % cannot subscribe yet', devapp_internal.quoted(subscriber)
            USING HINT = 'ALTER ROLE ... LOGIN REPLICATION.';
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA devapp TO %I', subscriber);
    EXECUTE format('GRANT SELECT ON devapp.usage_minute TO %I', subscriber);
    IF admitted IS NULL THEN
        EXECUTE format('CREATE POLICY usage_feed ON devapp.usage_minute FOR SELECT TO %I USING (true)', subscriber);
    ELSIF the_role.oid <> ALL (admitted) THEN
        EXECUTE format('ALTER POLICY usage_feed ON devapp.usage_minute TO %s, %I',
                       (SELECT string_agg(r::regrole::text, ', ') FROM unnest(admitted) AS r), subscriber);
    END IF;
END
$$;

CREATE FUNCTION devapp.create_usage_feed(subscriber name DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    problem text := devapp_internal.usage_feed_problem();
BEGIN
    IF NOT devapp_internal.can_replicate_logically() THEN
        RAISE EXCEPTION 'the usage feed requires wal_level = logical'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Set it in postgresql.conf and restart the server.';
    END IF;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'publication "usage_feed" is not the usage feed: %', problem
            USING ERRCODE = 'duplicate_object',
                  HINT = 'Rename it, or drop it if it was created by this function and changed since.';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_publication p WHERE p.pubname = 'usage_feed') THEN
        CREATE PUBLICATION usage_feed FOR TABLE devapp.usage_minute WITH (publish = 'insert', publish_via_partition_root = true);
    ELSIF devapp_internal.usage_feed_is_empty() THEN
        ALTER PUBLICATION usage_feed ADD TABLE devapp.usage_minute;
    END IF;
    IF subscriber IS NOT NULL THEN
        PERFORM devapp_internal.admit_to_usage_feed(subscriber);
    END IF;
END
$$;
COMMENT ON FUNCTION devapp.create_usage_feed(name) IS
    'Publishes usage by the minute as publication "usage_feed", and lets a role subscribe to it';
