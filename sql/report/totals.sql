-- What the dashboard adds up: totals by day of the whole program, and who is in it.
-- The days are those of the last 30 and of the 30 before, to compare them with.

-- Live, of all days that are kept: a condition on the day reaches the days of usage.
CREATE VIEW devapp_internal.verdict_days AS
SELECT u.day, u.code::text AS code, devapp_internal.http_status(u.code::text) AS http_status, devapp_internal.sum_bigint(u.calls) AS calls
  FROM devapp.usage_day u
 GROUP BY u.day, u.code;

CREATE VIEW devapp_internal.latency_days AS
SELECT l.day, devapp_internal.sum_bigint(l.calls) AS responses, devapp_internal.sum_bigint(l.client_errors) AS client_errors,
       devapp_internal.sum_bigint(l.server_errors) AS server_errors, min(l.latency_min) AS latency_min, max(l.latency_max) AS latency_max,
       devapp.add_histograms(l.histogram) AS histogram
  FROM devapp.usage_latency l
 GROUP BY l.day;

-- Calls by app, without all that app_inventory and usage_daily know beside.
CREATE VIEW devapp_internal.app_calls AS
SELECT u.day, u.app_id, u.code = 'VALID' AS is_allowed, u.calls
  FROM devapp.usage_day u
 WHERE u.app_id IS NOT NULL;

CREATE VIEW devapp_internal.app_calls_30d AS
SELECT u.app_id, u.calls_30d, u.refused_30d, u.calls_previous_30d
  FROM devapp_internal.app_usage u;

CREATE MATERIALIZED VIEW devapp_internal.verdict_totals AS
SELECT u.day, u.code::text AS code, devapp_internal.http_status(u.code::text) AS http_status, devapp_internal.sum_bigint(u.calls) AS calls,
       max(u.updated_at) AS updated_at
  FROM devapp_internal.usage_sums u
 WHERE u.is_day
 GROUP BY u.day, u.code;
CREATE UNIQUE INDEX verdict_totals_key ON devapp_internal.verdict_totals (day, code);

CREATE VIEW devapp_report.verdict_totals AS
SELECT t.day, t.code, t.http_status, t.calls, t.updated_at
  FROM devapp_internal.verdict_totals t;
COMMENT ON VIEW devapp_report.verdict_totals IS 'Calls of the last 60 days: one row per day and verdict. Materialized';
COMMENT ON COLUMN devapp_report.verdict_totals.day IS 'Day of the calls, in UTC';
COMMENT ON COLUMN devapp_report.verdict_totals.code IS 'Verdict: VALID is allowed, all others are refused';
COMMENT ON COLUMN devapp_report.verdict_totals.http_status IS 'HTTP status of the verdict';
COMMENT ON COLUMN devapp_report.verdict_totals.calls IS 'Calls with this verdict';
COMMENT ON COLUMN devapp_report.verdict_totals.updated_at IS 'When a flush last changed the usage added up here; the last refresh may have been later';
SELECT devapp_internal.grant_on('TABLE', 'devapp_report.verdict_totals', 'SELECT', 'admin', 'analyst');

-- Those that somebody has to look at, the most urgent 1000: first what stops to work
-- while it is in use, then what is overdue.  Where nobody rotates all are.
CREATE MATERIALIZED VIEW devapp_internal.rotation_queue AS
SELECT row_number() OVER (ORDER BY r.still_used DESC, r.overlap_ends_at, r.issued_at, r.credential_id, r.secret_version) AS rank,
       u.total, r.credential_id, r.consumer_key, r.environment, r.app_id,
       r.secret_version, r.issued_at, r.overlap_ends_at, r.is_overdue, r.still_used
  FROM devapp_internal.program_sums u
  JOIN devapp_report.rotations r ON r.credential_id = u.credential_id AND r.secret_version = u.secret_version
 WHERE NOT u.is_product AND (r.is_overdue OR r.still_used);
CREATE UNIQUE INDEX rotation_queue_key ON devapp_internal.rotation_queue (credential_id, secret_version);

-- Names are as of now.
CREATE VIEW devapp_report.rotation_queue AS
SELECT q.rank, q.total, q.credential_id, q.consumer_key, q.environment, q.app_id, a.app, a.display_name AS app_display_name,
       a.owner_id, a.owner, a.owner_kind, q.secret_version, q.issued_at, q.overlap_ends_at, q.is_overdue, q.still_used
  FROM devapp_internal.rotation_queue q
  JOIN devapp_internal.named_app a ON a.app_id = q.app_id;
COMMENT ON VIEW devapp_report.rotation_queue IS
    'The 1000 most urgent secrets that are overdue, or replaced and still used. Materialized except for names';
COMMENT ON COLUMN devapp_report.rotation_queue.rank IS 'Rank: 1 is the most urgent';
COMMENT ON COLUMN devapp_report.rotation_queue.total IS 'Total number of such secrets, the same in every row';
COMMENT ON COLUMN devapp_report.rotation_queue.credential_id IS 'Credential';
COMMENT ON COLUMN devapp_report.rotation_queue.consumer_key IS 'Public part of the key';
COMMENT ON COLUMN devapp_report.rotation_queue.environment IS 'Environment of the credential; null: it works in all';
COMMENT ON COLUMN devapp_report.rotation_queue.app_id IS 'App';
COMMENT ON COLUMN devapp_report.rotation_queue.app IS 'Name of the app';
COMMENT ON COLUMN devapp_report.rotation_queue.app_display_name IS 'Display name of the app; null: none';
COMMENT ON COLUMN devapp_report.rotation_queue.owner_id IS 'Developer or team';
COMMENT ON COLUMN devapp_report.rotation_queue.owner IS 'E-mail of the developer, or name of the team';
COMMENT ON COLUMN devapp_report.rotation_queue.owner_kind IS 'developer or team';
COMMENT ON COLUMN devapp_report.rotation_queue.secret_version IS 'Version of the secret';
COMMENT ON COLUMN devapp_report.rotation_queue.issued_at IS 'When the secret was issued';
COMMENT ON COLUMN devapp_report.rotation_queue.overlap_ends_at IS 'When a replaced secret stops working; null: it is current';
COMMENT ON COLUMN devapp_report.rotation_queue.is_overdue IS 'As in devapp_report.rotations';
COMMENT ON COLUMN devapp_report.rotation_queue.still_used IS 'As in devapp_report.rotations';
SELECT devapp_internal.grant_on('TABLE', 'devapp_report.rotation_queue', 'SELECT', 'admin', 'analyst');

-- Quotas used to 80 % and more.  Working out a window costs more than all the rest, so
-- it is done for those alone that were used as much in a window that has not ended.
CREATE VIEW devapp_internal.near_quotas AS
SELECT n.app_id, n.product_id, n.operation_id, nullif(n.environment, '') AS environment, n.quota_limit,
       n.used::double precision / n.quota_limit AS share_used
  FROM (SELECT q.*
          FROM devapp_internal.quota_bucket q
         WHERE q.window_end > now() AND q.used::double precision / q.quota_limit >= 0.8
        OFFSET 0) AS n
 CROSS JOIN LATERAL devapp_internal.quota_window(now(), n.quota_interval, n.quota_unit, n.time_zone) AS w
  JOIN devapp.app a ON a.app_id = n.app_id
 WHERE n.window_start = w.window_start AND n.window_end = w.window_end AND a.deleted_at IS NULL;
