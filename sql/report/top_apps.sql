-- Who calls now: for psql's \watch.

-- The minutes of the last hour are found by the BRIN index of their partition
-- (usage_partition.sql).  The minute that has begun counts as well, so that what was
-- flushed is seen at once.
CREATE VIEW devapp.top_apps WITH (security_invoker = true) AS
SELECT a.name AS app, a.display_name, coalesce(d.email, t.name) AS owner, u.calls_1m, u.calls_5m, u.calls_1h,
       round(u.refused_1h / (u.calls_1h::numeric + u.refused_1h), 3) AS refused_share, u.last_minute, u.app_id
  FROM (SELECT m.app_id,
               coalesce(devapp_internal.sum_bigint(m.calls) FILTER (WHERE m.code = 'VALID' AND m.minute >= x.this_minute - interval '1 minute'), 0) AS calls_1m,
               coalesce(devapp_internal.sum_bigint(m.calls) FILTER (WHERE m.code = 'VALID' AND m.minute >= x.this_minute - interval '5 minutes'), 0) AS calls_5m,
               coalesce(devapp_internal.sum_bigint(m.calls) FILTER (WHERE m.code = 'VALID'), 0) AS calls_1h,
               coalesce(devapp_internal.sum_bigint(m.calls) FILTER (WHERE m.code <> 'VALID'), 0) AS refused_1h,
               max(m.minute) AS last_minute
          FROM devapp.usage_minute m, (SELECT date_trunc('minute', now()) AS this_minute) AS x
         WHERE m.minute >= x.this_minute - interval '60 minutes' AND m.app_id IS NOT NULL
         GROUP BY m.app_id) AS u
  JOIN devapp.app a ON a.app_id = u.app_id
  LEFT JOIN devapp.developer d ON d.developer_id = a.developer_id
  LEFT JOIN devapp.team t ON t.team_id = a.team_id
 ORDER BY u.calls_5m DESC, u.calls_1h DESC, u.app_id;
COMMENT ON VIEW devapp.top_apps IS 'Apps called in the last hour, busiest first, as of the last flush';
COMMENT ON COLUMN devapp.top_apps.app IS 'Name of the app';
COMMENT ON COLUMN devapp.top_apps.display_name IS 'Display name; null: none';
COMMENT ON COLUMN devapp.top_apps.owner IS 'E-mail of the developer, or name of the team';
COMMENT ON COLUMN devapp.top_apps.calls_1m IS 'Calls allowed in this minute and the one before';
COMMENT ON COLUMN devapp.top_apps.calls_5m IS 'Calls allowed in this minute and the 5 before';
COMMENT ON COLUMN devapp.top_apps.calls_1h IS 'Calls allowed in this minute and the 60 before';
COMMENT ON COLUMN devapp.top_apps.refused_share IS 'Share of the calls of that hour that were refused, from 0 to 1';
COMMENT ON COLUMN devapp.top_apps.last_minute IS 'Start of the minute of the last call, allowed or not';
COMMENT ON COLUMN devapp.top_apps.app_id IS 'Id of the app';
SELECT devapp_internal.grant_on('TABLE', 'devapp.top_apps', 'SELECT', 'admin');
