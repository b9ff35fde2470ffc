-- Counts that a standby sends (src/worker/shipper.c).

CREATE FUNCTION devapp_internal.take_shipment(counts bytea) RETURNS bigint
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'devapp_take_shipment';

-- The least UUID of version 7 of a time, without its version.
CREATE FUNCTION devapp_internal.first_shipment_id(at timestamptz) RETURNS uuid
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT (lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- For the role that standbys connect as; nobody else writes to the tables of usage,
-- so it runs as their owner.  Flushing, rolling up and this have one lock.
CREATE FUNCTION devapp_internal.receive_usage(shipment_id uuid, counts bytea) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '10s'
    SET work_mem = '64MB'
AS $$
DECLARE
    oldest uuid := devapp_internal.first_shipment_id(now() - interval '30 days');
    taken bigint;
BEGIN
    IF shipment_id IS NULL OR counts IS NULL OR substr(shipment_id::text, 15, 1) <> '7' THEN
        RAISE EXCEPTION 'receive_usage requires a version 7 UUID and counts'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Standbys call it automatically; see the setting devapp.primary_conninfo.';
    END IF;
    PERFORM devapp_internal.lock_usage();
    IF EXISTS (SELECT FROM devapp.usage_shipment s WHERE s.shipment_id = receive_usage.shipment_id) THEN
        RETURN 0;
    END IF;
    taken := devapp_internal.take_shipment(counts);
    IF shipment_id < oldest THEN
        RAISE WARNING 'shipment % is older than 30 days and is not counted', shipment_id
            USING DETAIL = 'It is no longer known whether it was counted before.';
        RETURN 0;
    END IF;
    INSERT INTO devapp.usage_shipment (shipment_id, counters) VALUES (receive_usage.shipment_id, taken);
    DELETE FROM devapp.usage_shipment s WHERE s.shipment_id < oldest;
    IF taken > 0 THEN
        PERFORM devapp_internal.write_usage();
    END IF;
    RETURN taken;
END
$$;

CREATE FUNCTION devapp.receive_usage(shipment_id uuid, counts bytea) RETURNS bigint
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.receive_usage(uuid, bytea) IS
    'Adds counts of a standby, each shipment only once; returns the number of counters, 0 if repeated';

-- ---------- files of this server ----------

CREATE FUNCTION devapp_internal.spool_files() RETURNS text[]
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'devapp_spool_files';

CREATE FUNCTION devapp_internal.take_spool_file(file text) RETURNS bigint
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'devapp_take_spool_file';

-- What an orderly end of the server left, and, after a promotion, what was on its way to
-- the primary; how many counters.  The worker does the same, file by file, each in a
-- transaction of its own.  A file that cannot be used now keeps nothing else from being
-- flushed.
CREATE FUNCTION devapp_internal.take_spool() RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    file text;
    taken bigint := 0;
BEGIN
    FOREACH file IN ARRAY devapp_internal.spool_files() LOOP
        BEGIN
            taken := taken + devapp_internal.take_spool_file(file);
        EXCEPTION WHEN invalid_binary_representation THEN
            RAISE WARNING 'file % was not counted: %', file, SQLERRM;
        END;
    END LOOP;
    RETURN taken;
END
$$;
