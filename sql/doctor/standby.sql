-- Standbys: what is this one for, and is it where its primary is?

-- A setting in milliseconds, as people write it.
CREATE FUNCTION devapp_internal.duration_text(milliseconds bigint) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN milliseconds < 0 THEN 'any time'
                WHEN milliseconds % 1000 = 0 THEN milliseconds / 1000 || ' s'
                ELSE milliseconds || ' ms' END
$$;

-- What concerns a standby of the settings, in milliseconds.
CREATE FUNCTION devapp_internal.standby_settings(
    OUT max_staleness bigint, OUT max_delay bigint, OUT apply_delay bigint, OUT has_archive boolean
)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT max(s.setting::bigint) FILTER (WHERE s.name = 'devapp.max_staleness'),
           max(s.setting::bigint) FILTER (WHERE s.name = 'max_standby_streaming_delay'),
           max(s.setting::bigint) FILTER (WHERE s.name = 'recovery_min_apply_delay'),
           coalesce(current_setting('restore_command'), '') <> ''
      FROM pg_settings s
     WHERE s.name IN ('devapp.max_staleness', 'max_standby_streaming_delay', 'recovery_min_apply_delay')
$$;

-- A query may hold back what is replayed, and a revocation with it.  So a standby is for
-- decisions or for reports, and its settings say which is meant.
CREATE FUNCTION devapp_internal.doctor_standby_use() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'standby_use',
           CASE WHEN s.max_staleness = 0 THEN 'info' WHEN f.slow THEN 'warning' ELSE 'ok' END,
           format(CASE WHEN s.max_staleness > 0 THEN 'it is for decisions, which are STALE %s after the last heartbeat of the primary; '
                       WHEN f.slow THEN 'it is for reports: '
                       ELSE 'it keeps deciding without its primary (devapp.max_staleness is 0); ' END,
                  devapp_internal.duration_text(s.max_staleness))
           || CASE WHEN s.apply_delay > 0 THEN format('revocations are delayed by %s (recovery_min_apply_delay)', devapp_internal.duration_text(s.apply_delay))
                   ELSE format('a query can delay revocations by %s (max_standby_streaming_delay)', devapp_internal.duration_text(s.max_delay)) END,
           CASE WHEN s.max_staleness = 0 AND f.slow THEN 'Do not use it for gateways. For decisions, see "Standbys" in doc/operations.md.'
                WHEN s.max_staleness = 0 THEN 'If gateways use it, set devapp.max_staleness here and on the primary. See "Staleness" in doc/operations.md.'
                WHEN f.slow THEN 'Set max_standby_streaming_delay to 300ms and recovery_min_apply_delay to 0, and run reports on another standby. See "Standbys" in doc/operations.md.' END
      FROM devapp_internal.standby_settings() s
     CROSS JOIN LATERAL (SELECT s.max_delay NOT BETWEEN 0 AND 1000 OR s.apply_delay > 0 AS slow) AS f
     WHERE pg_is_in_recovery()
$$;

CREATE FUNCTION devapp_internal.doctor_standby_lag() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'standby_lag',
           CASE WHEN NOT s.decides THEN 'error' WHEN p.problem IS NOT NULL THEN 'warning' ELSE 'ok' END,
           concat_ws('; ',
                     CASE WHEN NOT s.decides THEN 'verdicts are STALE: ' || s.reason ELSE p.problem END,
                     CASE WHEN s.received >= s.replayed THEN format('%s of received WAL is not replayed', pg_size_pretty(s.received - s.replayed)) END,
                     CASE WHEN s.last_commit IS NULL THEN 'no commit has been replayed since the start'
                          ELSE format('the last replayed commit is %s s old', round(greatest(extract(epoch FROM clock_timestamp() - s.last_commit), 0), 1)) END),
           CASE WHEN NOT s.decides OR p.problem IS NOT NULL THEN 'See "Staleness" in doc/operations.md, and pg_stat_replication on the primary.' END
      FROM devapp.standby_status() s
     CROSS JOIN devapp_internal.standby_settings() t
     CROSS JOIN LATERAL (SELECT CASE WHEN pg_is_in_recovery() AND pg_get_wal_replay_pause_state() <> 'not paused' THEN 'replay is paused'
                                     WHEN NOT t.has_archive AND NOT EXISTS (SELECT FROM pg_stat_wal_receiver) THEN 'no WAL is being received' END AS problem) AS p
     WHERE s.is_standby
$$;

-- On a primary: is there somebody to tell the standbys?
CREATE FUNCTION devapp_internal.doctor_standby_primary() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'standby_heartbeat',
           CASE WHEN w.worker_pid IS NULL THEN 'error' ELSE 'ok' END,
           CASE WHEN w.worker_pid IS NULL THEN 'devapp.max_staleness is set, but no worker sends heartbeats: verdicts of standbys are STALE'
                ELSE 'standbys receive a heartbeat once a second' END,
           CASE WHEN NOT devapp_internal.is_preloaded() THEN 'It requires shared_preload_libraries = ''devapp''.'
                WHEN w.worker_pid IS NULL THEN 'It is restarted within seconds. If not, check the server log and max_worker_processes.' END
      FROM devapp_internal.standby_settings() s
      LEFT JOIN devapp_internal.worker_state() w ON true
     WHERE s.max_staleness > 0 AND NOT pg_is_in_recovery()
$$;
