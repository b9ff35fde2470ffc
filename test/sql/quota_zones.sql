-- Windows of quotas in time zones, and quotas that do not renew.
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE FUNCTION pg_temp.in_zone(at timestamptz, n integer, unit text, zone text) RETURNS text LANGUAGE sql AS
$$ SELECT format('%s to %s', to_char(w.window_start AT TIME ZONE zone, 'MM-DD HH24:MI'), to_char(w.window_end AT TIME ZONE zone, 'MM-DD HH24:MI'))
     FROM devapp_internal.quota_window(at, n, unit, zone) AS w $$;

-- days, weeks and months begin at midnight there; those with a change of the clocks are 23 and 25 hours long
SELECT z AS zone, u AS unit, pg_temp.in_zone('2020-07-31 23:30Z', 1, u, z)
  FROM unnest('{UTC,Europe/Berlin,America/New_York,Asia/Kathmandu,Pacific/Kiritimati}'::text[]) WITH ORDINALITY AS x(z, n), unnest('{hour,day,week,month}'::text[]) WITH ORDINALITY AS y(u, m) ORDER BY n, m;
SELECT d AS day, w.window_end - w.window_start AS length FROM unnest('{2020-03-28 12:00+01,2020-03-29 12:00+02,2020-10-25 12:00+01}'::timestamptz[]) AS d, devapp_internal.quota_window(d, 1, 'day', 'Europe/Berlin') AS w;
-- an hour that comes twice is two
SELECT t AS at, w.* FROM unnest('{2020-10-25 00:30Z,2020-10-25 01:30Z}'::timestamptz[]) AS t, devapp_internal.quota_window(t, 1, 'hour', 'Europe/Berlin') AS w;
-- hours where the clock is half an hour off
SELECT w.* FROM devapp_internal.quota_window('2020-07-31 23:50Z', 1, 'hour', 'Asia/Kolkata') AS w;
-- midnight comes twice in Havana, and not at all in Santiago
SELECT t AS at, w.* FROM unnest('{2020-11-01 03:30Z,2020-11-01 04:30Z,2020-11-01 05:30Z}'::timestamptz[]) AS t, devapp_internal.quota_window(t, 1, 'day', 'America/Havana') AS w;
SELECT t AS at, w.* FROM unnest('{2020-09-06 03:30Z,2020-09-06 04:30Z}'::timestamptz[]) AS t, devapp_internal.quota_window(t, 1, 'day', 'America/Santiago') AS w;
-- every window holds its time, over two years of every zone that changes its clocks
SELECT count(*) > 10000 AS many, count(*) FILTER (WHERE t < w.window_start OR t >= w.window_end) AS wrong, count(*) FILTER (WHERE w.window_end - w.window_start NOT BETWEEN '22 hours' AND '26 hours') AS long_or_short
  FROM (SELECT name FROM pg_timezone_names WHERE name ~ '^(Europe/(London|Berlin|Istanbul|Lisbon)|America/(New_York|Havana|Santiago|Asuncion|St_Johns)|Africa/(Cairo|Casablanca)|Asia/(Beirut|Tehran|Gaza)|Australia/Lord_Howe|Pacific/(Chatham|Apia))$') AS z(name),
       generate_series('2020-01-01 00:30Z'::timestamptz, '2021-12-31', '13 hours 30 minutes') AS t, devapp_internal.quota_window(t, 1, 'day', z.name) AS w;
-- and where one ends the next begins
SELECT count(*) FILTER (WHERE next.window_start <> w.window_end) AS gaps
  FROM (SELECT name FROM pg_timezone_names WHERE name IN ('Europe/Berlin', 'America/New_York', 'America/Santiago', 'America/Havana', 'Asia/Beirut', 'Australia/Lord_Howe', 'Asia/Kolkata', 'Pacific/Chatham')) AS z(name), unnest('{hour,day,week,month}'::text[]) AS u(unit),
       generate_series('2020-01-01 00:30Z'::timestamptz, '2020-12-31', '37 hours 30 minutes') AS t, devapp_internal.quota_window(t, 1, u.unit, z.name) AS w, devapp_internal.quota_window(w.window_end, 1, u.unit, z.name) AS next;

-- the zone of a product: by default UTC, as PostgreSQL knows it, whatever the letters
SELECT FROM devapp.create_developer('zones@example.com');
SELECT time_zone FROM devapp.create_product('zones');
SELECT time_zone FROM devapp.create_product('zones-berlin', quota_limit => 5, quota_unit => 'day', time_zone => 'europe/berlin');
SELECT time_zone FROM devapp.update_product('zones', time_zone => 'Asia/Tokyo');
SELECT time_zone FROM devapp.update_product('zones', description => 'x');
SELECT FROM devapp.update_product('zones', time_zone => 'Mars/Olympus');
SELECT FROM devapp.update_product('zones', time_zone => '');
SELECT FROM devapp.create_product('zones-none', time_zone => repeat('x', 300));
SELECT app_id AS app, secret AS key FROM devapp.create_app('zones', developer => 'zones@example.com', products => '{zones-berlin}') \gset
SELECT window_start AT TIME ZONE 'Europe/Berlin' = date_trunc('day', now() AT TIME ZONE 'Europe/Berlin') AS begins_at_midnight,
       resets_at AT TIME ZONE 'Europe/Berlin' = date_trunc('day', now() AT TIME ZONE 'Europe/Berlin') + interval '1 day' AS ends_at_midnight, quota_limit FROM devapp.quota_status(:'app');

-- a trial
SELECT quota_interval, quota_unit FROM devapp.create_product('zones-trial', quota_limit => 3, quota_unit => 'never', quota_enforcement => 'hard') ;
SELECT app_id AS trial, secret AS trial_key FROM devapp.create_app('zones-trial', developer => 'zones@example.com', products => '{zones-trial}') \gset
SELECT n, v.code, v.quota_remaining, v.quota_reset_at, v.retry_after FROM generate_series(1, 4) AS n, devapp.consume_quota(:'trial_key', cost => n / n) AS v;
SELECT quota_unit, window_start, resets_at, used, remaining FROM devapp.quota_status(:'trial');
SELECT devapp.reset_quota(:'trial', 'zones-trial', 'once more');
SELECT code, quota_remaining FROM devapp.consume_quota(:'trial_key');
SELECT FROM devapp.create_product('zones-twice', quota_limit => 3, quota_interval => 2, quota_unit => 'never');
SELECT FROM devapp.add_operation('zones', '/trial', quota_limit => 1, quota_unit => 'never');
