-- Totals by day of the whole program, and who is in it: what the dashboard adds up.
-- The days are those of the last 30 and of the 30 before, to compare them with.

-- Live, of all days that are kept: a condition on the day reaches the days of usage.
CREATE VIEW devapp_report._verdict_totals AS
SELECT u.day, u.code::text AS code, devapp._http_status(u.code::text) AS http_status, devapp._sum(u.calls) AS calls
  FROM devapp.usage_day u
 GROUP BY u.day, u.code;

CREATE VIEW devapp_report._latency_totals AS
SELECT l.day, devapp._sum(l.calls) AS responses, devapp._sum(l.client_errors) AS client_errors,
       devapp._sum(l.server_errors) AS server_errors, min(l.latency_min) AS latency_min, max(l.latency_max) AS latency_max,
       devapp.add_histograms(l.histogram) AS histogram
  FROM devapp.usage_latency l
 GROUP BY l.day;

CREATE MATERIALIZED VIEW devapp_report.verdict_totals AS
SELECT t.day, t.code, t.http_status, t.calls
  FROM devapp_report._verdict_totals t
 WHERE t.day > (SELECT devapp._today() - 60);
CREATE UNIQUE INDEX verdict_totals_key ON devapp_report.verdict_totals (day, code);

CREATE MATERIALIZED VIEW devapp_report.latency_totals AS
SELECT t.day, t.responses, t.client_errors, t.server_errors, t.latency_min, t.latency_max, t.histogram
  FROM devapp_report._latency_totals t
 WHERE t.day > (SELECT devapp._today() - 60);
CREATE UNIQUE INDEX latency_totals_key ON devapp_report.latency_totals (day);

CREATE VIEW devapp_report.developers AS
SELECT d.developer_id, d.email, d.status, d.created_at
  FROM devapp.developer d
 WHERE d.deleted_at IS NULL;

COMMENT ON VIEW devapp_report._verdict_totals IS 'Internal: verdict_totals of all days, live';
COMMENT ON VIEW devapp_report._latency_totals IS 'Internal: latency_totals of all days, live';
COMMENT ON MATERIALIZED VIEW devapp_report.verdict_totals IS 'Calls by day and verdict, of the last 60 days: one row a verdict that was given on a day. Materialized';
COMMENT ON COLUMN devapp_report.verdict_totals.day IS 'Day of the calls, in UTC';
COMMENT ON COLUMN devapp_report.verdict_totals.code IS 'Verdict: VALID is allowed, every other one refused';
COMMENT ON COLUMN devapp_report.verdict_totals.http_status IS 'Status that goes with it';
COMMENT ON COLUMN devapp_report.verdict_totals.calls IS 'Calls with this verdict';
COMMENT ON MATERIALIZED VIEW devapp_report.latency_totals IS 'How the calls of a day went, of the last 60 days: one row a day with recorded responses. Materialized';
COMMENT ON COLUMN devapp_report.latency_totals.day IS 'Day of the calls, in UTC';
COMMENT ON COLUMN devapp_report.latency_totals.responses IS 'Responses that were recorded';
COMMENT ON COLUMN devapp_report.latency_totals.client_errors IS 'Those with a status from 400 to 499';
COMMENT ON COLUMN devapp_report.latency_totals.server_errors IS 'Those with a status from 500 to 599';
COMMENT ON COLUMN devapp_report.latency_totals.latency_min IS 'Shortest response time';
COMMENT ON COLUMN devapp_report.latency_totals.latency_max IS 'Longest response time';
COMMENT ON COLUMN devapp_report.latency_totals.histogram IS 'Response times: see devapp.latency_percentile and devapp.add_histograms';
COMMENT ON VIEW devapp_report.developers IS 'Developers that are not deleted: one row a developer. Live';
COMMENT ON COLUMN devapp_report.developers.email IS 'E-mail';
COMMENT ON COLUMN devapp_report.developers.status IS 'active or inactive';
COMMENT ON COLUMN devapp_report.developers.created_at IS 'When he was registered';
