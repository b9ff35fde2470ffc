-- The usage feed (sql/usage/feed.sql) and whoever subscribes to it.  Slots say nothing of the
-- publications that are read through them, so subscriptions to the feed have names that begin
-- with its name, and so have their slots.

CREATE FUNCTION devapp_internal.usage_feed_slots() RETURNS TABLE (slot_name name, active boolean, lost boolean, behind bigint)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.slot_name, s.active, s.wal_status IS NOT DISTINCT FROM 'lost',
           CASE WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_lsn(), s.confirmed_flush_lsn)::bigint END
      FROM pg_replication_slots s
     WHERE s.slot_type = 'logical' AND s.database = current_database() AND starts_with(s.slot_name, 'usage_feed')
$$;

CREATE FUNCTION devapp_internal.doctor_usage_feed() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH facts AS (
        SELECT EXISTS (SELECT FROM pg_publication p WHERE p.pubname = 'usage_feed') AS here,
               pg_is_in_recovery() AS standby,
               devapp_internal.usage_feed_problem() AS problem,
               devapp_internal.usage_feed_is_empty() AS empty,
               devapp_internal.can_replicate_logically() AS can_replicate,
               count(s.slot_name) AS slots,
               string_agg(s.slot_name, ', ' ORDER BY s.slot_name) FILTER (WHERE s.lost) AS lost,
               string_agg(format('%s (%s of WAL retained)', s.slot_name, pg_size_pretty(s.behind)), ', ' ORDER BY s.slot_name)
                   FILTER (WHERE NOT s.active AND NOT s.lost) AS away,
               pg_size_pretty(max(s.behind)) AS behind
          FROM devapp_internal.usage_feed_slots() s
    )
    SELECT 'usage_feed',
           CASE WHEN NOT f.here OR f.standby THEN 'ok'
                WHEN f.problem IS NOT NULL OR f.empty OR NOT f.can_replicate OR f.lost IS NOT NULL THEN 'error'
                WHEN f.slots = 0 OR f.away IS NOT NULL THEN 'warning'
                ELSE 'ok' END,
           CASE WHEN NOT f.here THEN 'there is no usage feed'
                WHEN f.standby THEN 'the primary publishes the usage feed'
                WHEN f.problem IS NOT NULL THEN format('publication "usage_feed" was changed: %s', f.problem)
                WHEN f.empty THEN 'publication "usage_feed" has no table, which a restore leaves out'
                WHEN NOT f.can_replicate THEN format('wal_level is %s, which does not allow subscriptions to the usage feed', current_setting('wal_level'))
                WHEN f.lost IS NOT NULL THEN format('lost slots, which were too far behind: %s', f.lost)
                WHEN f.slots = 0 THEN 'there is no slot: the usage feed has no subscriber, or its slot was dropped'
                WHEN f.away IS NOT NULL THEN format('not connected: %s', f.away)
                ELSE format('%s subscriber(s) connected, at most %s behind', f.slots, f.behind) END,
           CASE WHEN NOT f.here OR f.standby THEN NULL
                WHEN f.problem IS NOT NULL THEN 'Drop it, and run SELECT devapp.create_usage_feed(). Subscriptions continue with the new publication.'
                WHEN f.empty THEN 'The owner of the extension can add it with SELECT devapp.create_usage_feed(), given the role that subscribes.'
                WHEN NOT f.can_replicate THEN 'Set wal_level = logical in postgresql.conf and restart the server.'
                WHEN f.lost IS NOT NULL OR f.slots = 0
                THEN 'Names of subscriptions to the feed begin with usage_feed. One whose slot was dropped or lost must start again, as "The usage feed" in doc/operations.md describes: as long as usage by the minute is kept, nothing is missed or counted twice.'
                WHEN f.away IS NOT NULL THEN 'See the log of the subscriber. If it does not come back, drop its slot, or set max_slot_wal_keep_size: the retained WAL can fill the disk.' END
      FROM facts f
$$;
