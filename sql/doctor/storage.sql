-- Storage under devapp's tables that it cannot work with.

-- Partitions that calls are still added to and that are not heap tables.  A shipment of a standby,
-- or a response that a gateway records late, may belong to a month that was over 30 days ago.
CREATE FUNCTION devapp_internal.odd_partitions() RETURNS TABLE (partition regclass, storage text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.oid, CASE c.relkind WHEN 'r' THEN a.amname WHEN 'f' THEN 'foreign table' ELSE 'partitioned' END
      FROM devapp_internal.usage_partitions() p
      JOIN pg_class c ON c.oid = to_regclass(format('devapp.%I', p.partition_name))
      LEFT JOIN pg_am a ON a.oid = c.relam
     WHERE p.parent <> 'usage_minute' AND (p.to_time IS NULL OR p.to_time > now() - interval '30 days')
       AND (c.relkind <> 'r' OR a.amname <> 'heap')
$$;

-- Tables of devapp in the catalog of Citus, which is there if that is installed.
CREATE FUNCTION devapp_internal.distributed_tables(catalog text DEFAULT 'pg_catalog.pg_dist_partition') RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    names text;
BEGIN
    IF to_regclass(catalog) IS NOT NULL THEN
        EXECUTE format('SELECT string_agg(c.oid::regclass::text, '', '' ORDER BY c.oid::regclass::text)
                          FROM %s d JOIN pg_class c ON c.oid = d.logicalrelid
                         WHERE c.relnamespace IN (''devapp''::regnamespace, ''devapp_internal''::regnamespace)',
                       to_regclass(catalog)) INTO names;
    END IF;
    RETURN names;
END
$$;

CREATE FUNCTION devapp_internal.doctor_storage() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
    WITH facts AS (
        SELECT devapp_internal.distributed_tables() AS distributed,
               (SELECT string_agg(to_char(w.month, 'YYYY-MM'), ', ' ORDER BY w.month)
                  FROM (SELECT DISTINCT unnest(f.waiting_months) AS month FROM devapp.usage_flush f) AS w) AS waiting,
               (SELECT string_agg(format('%s (%s)', o.partition, o.storage), ', ' ORDER BY o.partition::text)
                  FROM devapp_internal.odd_partitions() o) AS odd
    )
    SELECT 'storage',
           CASE WHEN f.distributed IS NOT NULL OR f.waiting IS NOT NULL THEN 'error' WHEN f.odd IS NOT NULL THEN 'warning' ELSE 'ok' END,
           coalesce(nullif(concat_ws('; ', 'Citus distributes ' || f.distributed,
                                     'usage that could not be added to hours and days: ' || f.waiting,
                                     'calls are added to partitions that are not heap tables: ' || f.odd), ''),
                    'calls are added to heap tables'),
           CASE WHEN f.distributed IS NOT NULL THEN 'devapp uses the local tables, which Citus no longer does. Call undistribute_table() for each. See "Citus" in doc/operations.md.'
                WHEN f.waiting IS NOT NULL THEN 'The server log says what is wrong with the partitions. Waiting usage is not dropped. When the partitions are in order, run SELECT devapp.flush_usage().'
                WHEN f.odd IS NOT NULL THEN 'Columnar storage and foreign tables do not support INSERT ... ON CONFLICT. Use ALTER TABLE ... SET ACCESS METHOD heap, and change the storage of a month only 30 days after its end.' END
      FROM facts f
$$;
