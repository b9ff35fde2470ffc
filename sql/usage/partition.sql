-- The partitions of usage: days of minutes, months of the others, in UTC.

-- What a partition of a table is indexed by, as a part of CREATE INDEX.
CREATE FUNCTION devapp_internal.usage_index(parent text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE parent
           WHEN 'usage_minute' THEN '(flush_id)'
           WHEN 'usage_hour' THEN '(app_id, hour, product_id, credential_id, operation_id, environment, code) NULLS NOT DISTINCT'
           WHEN 'usage_day' THEN '(app_id, day, product_id, environment, code) NULLS NOT DISTINCT'
           WHEN 'usage_latency' THEN '(app_id, day, product_id) NULLS NOT DISTINCT' END
$$;

-- The partition of a table that a time belongs to; made if it is not there.  It is
-- attached when it is whole, which keeps neither readers nor writers of the others
-- waiting.  Hours, days and latencies leave room to be updated in place.
CREATE FUNCTION devapp_internal.usage_partition(parent text, at timestamptz) RETURNS regclass
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    daily boolean := parent = 'usage_minute';
    from_time timestamptz := date_trunc(CASE WHEN daily THEN 'day' ELSE 'month' END, at);
    to_time timestamptz := from_time + CASE WHEN daily THEN interval '1 day' ELSE interval '1 month' END;
    partition_name text := parent || to_char(from_time, CASE WHEN daily THEN '_YYYY_MM_DD' ELSE '_YYYY_MM' END);
BEGIN
    IF to_regclass('devapp.' || partition_name) IS NULL THEN
        EXECUTE format('CREATE TABLE devapp.%I (LIKE devapp.%I INCLUDING COMMENTS INCLUDING DEFAULTS) WITH (fillfactor = %s)',
                       partition_name, parent, CASE WHEN daily THEN 100 ELSE 70 END);
        EXECUTE format('CREATE %s INDEX %I ON devapp.%I %s', CASE WHEN NOT daily THEN 'UNIQUE' END,
                       partition_name || '_key', partition_name, devapp_internal.usage_index(parent));
        -- for the last minutes, and the days that a refresh of the reports adds up; next to nothing
        -- to write, as the rows come in their order
        IF parent <> 'usage_hour' THEN
            EXECUTE format('CREATE INDEX %I ON devapp.%I USING brin (%I) WITH (pages_per_range = 32, autosummarize = on)',
                           partition_name || CASE WHEN daily THEN '_minute' ELSE '_day' END, partition_name, CASE WHEN daily THEN 'minute' ELSE 'day' END);
        END IF;
        EXECUTE format('ALTER TABLE devapp.%I ENABLE ROW LEVEL SECURITY, REPLICA IDENTITY FULL', partition_name);
        PERFORM devapp_internal.refuse_without_policy(to_regclass('devapp.' || partition_name));
        PERFORM devapp_internal.take_back(to_regclass('devapp.' || partition_name));
        EXECUTE format('ALTER TABLE devapp.%I ATTACH PARTITION devapp.%I FOR VALUES FROM (%L) TO (%L)',
                       parent, partition_name, from_time, to_time);
    END IF;
    RETURN ('devapp.' || partition_name)::regclass;
END
$$;

-- All partitions, with the end of each; null for one that somebody else made and that
-- has none.  No backslash: a session with standard_conforming_strings = off would read
-- it as an escape.
CREATE FUNCTION devapp_internal.usage_partitions() RETURNS TABLE (parent text, partition_name text, to_time timestamptz)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
    SELECT p.relname, c.relname, (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO [(]''(.*)''[)]$'))[1]::timestamptz
      FROM pg_class p
      JOIN pg_inherits i ON i.inhparent = p.oid
      JOIN pg_class c ON c.oid = i.inhrelid
     WHERE p.relnamespace = 'devapp'::regnamespace
       AND p.relname IN ('usage_minute', 'usage_hour', 'usage_day', 'usage_latency')
$$;
