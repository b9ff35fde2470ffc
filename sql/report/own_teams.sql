-- The teams of developers, and what is used in them: with their rights, so the policies of the
-- tables (row_security.sql) leave them their own teams.

CREATE VIEW devapp.my_teams WITH (security_invoker = true) AS
SELECT t.team_id, t.name AS team, t.display_name, t.status, m.role, m.environments, m.created_at AS member_since,
       coalesce(x.admins, '{}') AS admins, coalesce(x.members, '{}') AS members,
       (SELECT count(*) FROM devapp.app a WHERE a.team_id = t.team_id AND a.deleted_at IS NULL) AS apps, t.created_at
  FROM devapp.team t
  LEFT JOIN devapp.team_member m ON m.team_id = t.team_id AND m.developer_id = (SELECT devapp.current_developer_id())
  LEFT JOIN (SELECT y.team_id, array_agg(d.email ORDER BY d.email COLLATE "C") FILTER (WHERE y.role = 'admin') AS admins,
                    array_agg(d.email ORDER BY d.email COLLATE "C") AS members
               FROM devapp.team_member y
               JOIN devapp.developer d ON d.developer_id = y.developer_id
              GROUP BY y.team_id) AS x ON x.team_id = t.team_id
 WHERE t.deleted_at IS NULL;
COMMENT ON VIEW devapp.my_teams IS 'Teams that the current user can see: one row per team that is not deleted';
COMMENT ON COLUMN devapp.my_teams.team_id IS 'Id of the team';
COMMENT ON COLUMN devapp.my_teams.team IS 'Name of the team';
COMMENT ON COLUMN devapp.my_teams.display_name IS 'Display name; null: none';
COMMENT ON COLUMN devapp.my_teams.status IS 'active or inactive; the keys of an inactive team''s apps do not work';
COMMENT ON COLUMN devapp.my_teams.role IS 'Role of the current user, admin or member; null: an administrator who is not a member';
COMMENT ON COLUMN devapp.my_teams.environments IS 'Environments whose credentials the current user can see; null: all';
COMMENT ON COLUMN devapp.my_teams.member_since IS 'When the current user became a member; null: as above';
COMMENT ON COLUMN devapp.my_teams.admins IS 'E-mail addresses of its admins';
COMMENT ON COLUMN devapp.my_teams.members IS 'E-mail addresses of all its members, including admins';
COMMENT ON COLUMN devapp.my_teams.apps IS 'Number of apps that are not deleted';
COMMENT ON COLUMN devapp.my_teams.created_at IS 'When the team was created';
SELECT devapp_internal.grant_on('TABLE', 'devapp.my_teams', 'SELECT', 'admin', 'developer');

CREATE VIEW devapp.my_team_usage WITH (security_invoker = true) AS
SELECT u.day, t.team_id, t.name AS team, u.product_id, u.product, count(*) AS apps,
       devapp_internal.sum_bigint(u.calls) AS calls, devapp_internal.sum_bigint(u.errors) AS errors,
       devapp_internal.sum_bigint(u.refused) AS refused, devapp_internal.sum_bigint(u.over_quota) AS over_quota,
       devapp_internal.sum_bigint(u.cost) AS cost, devapp_internal.sum_bigint(u.responses) AS responses, min(u.min_ms) AS min_ms,
       sum(u.avg_ms * u.responses) / nullif(devapp_internal.sum_bigint(u.responses), 0) AS avg_ms, max(u.max_ms) AS max_ms
  FROM devapp.my_usage u
  JOIN devapp.app a ON a.app_id = u.app_id
  JOIN devapp.team t ON t.team_id = a.team_id
 GROUP BY u.day, t.team_id, t.name, u.product_id, u.product;
COMMENT ON VIEW devapp.my_team_usage IS
    'Usage of teams that the current user can see: one row per day, team and product';
COMMENT ON COLUMN devapp.my_team_usage.day IS 'Day, in UTC';
COMMENT ON COLUMN devapp.my_team_usage.team_id IS 'Id of the team that owns the apps now';
COMMENT ON COLUMN devapp.my_team_usage.team IS 'Name of the team';
COMMENT ON COLUMN devapp.my_team_usage.product_id IS 'Product that answered or came closest, or that the gateway named for a response; null: none';
COMMENT ON COLUMN devapp.my_team_usage.product IS 'Its name; null: as above, or no longer visible';
COMMENT ON COLUMN devapp.my_team_usage.apps IS 'Number of its apps that had calls or responses';
COMMENT ON COLUMN devapp.my_team_usage.calls IS 'Message count: allowed verifications';
COMMENT ON COLUMN devapp.my_team_usage.errors IS 'Error count: recorded responses with a status of 400 or more';
COMMENT ON COLUMN devapp.my_team_usage.refused IS 'Refused verifications, which are not errors';
COMMENT ON COLUMN devapp.my_team_usage.over_quota IS 'Verifications refused because a quota or a rate limit was exceeded';
COMMENT ON COLUMN devapp.my_team_usage.cost IS 'Total of the argument "cost" of the allowed calls';
COMMENT ON COLUMN devapp.my_team_usage.responses IS 'Recorded responses, to which errors and response times refer';
COMMENT ON COLUMN devapp.my_team_usage.min_ms IS 'Shortest response time, in milliseconds; null: no response was recorded';
COMMENT ON COLUMN devapp.my_team_usage.avg_ms IS 'Mean response time, in milliseconds; null: as above';
COMMENT ON COLUMN devapp.my_team_usage.max_ms IS 'Longest response time, in milliseconds; null: as above';
SELECT devapp_internal.grant_on('TABLE', 'devapp.my_team_usage', 'SELECT', 'admin', 'developer');
