-- Which days of usage have changed since the reports added them up (src/meter/usage_change.c).

CREATE FUNCTION devapp_internal.note_usage_change() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_note_usage_change';
CREATE FUNCTION devapp_internal.note_usage_day(source text, day date) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'devapp_note_usage_day';

-- The notes on one of the two tables, which are taken away.  Whoever calls it holds the lock of
-- the row of devapp.report_refresh that adds the table up: app_usage or latency_totals.  A refresh
-- adds up in a later snapshot.
CREATE FUNCTION devapp_internal.take_usage_changes(source text) RETURNS TABLE (source text, day date)
    LANGUAGE c STRICT ROWS 10 AS 'MODULE_PATHNAME', 'devapp_take_usage_changes';

-- The relations in which the rows of a table lie, and their files: what changes with TRUNCATE and
-- with partitions that come and go.
CREATE FUNCTION devapp_internal.usage_files(parent regclass) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(t.relid::oid || '/' || coalesce(pg_relation_filenode(t.relid), 0), ' ' ORDER BY t.relid)
      FROM pg_partition_tree(usage_files.parent) t
$$;

-- Where nobody refreshes, notes would pile up: one a day will do.
CREATE FUNCTION devapp_internal.compact_usage_changes() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed text;
BEGIN
    FOREACH changed IN ARRAY ARRAY['usage_day', 'usage_latency'] LOOP
        PERFORM FROM devapp.report_refresh r
          WHERE r.report = CASE changed WHEN 'usage_day' THEN 'app_usage' ELSE 'latency_totals' END
            FOR NO KEY UPDATE SKIP LOCKED;
        IF FOUND THEN
            PERFORM devapp_internal.note_usage_day(x.source, x.day)
               FROM (SELECT DISTINCT c.source, c.day FROM devapp_internal.take_usage_changes(changed) AS c OFFSET 0) AS x;
        END IF;
    END LOOP;
END
$$;
