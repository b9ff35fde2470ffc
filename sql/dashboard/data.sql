-- Where the figures of the dashboard come from.  apps are the ids of those that it is
-- about; null: all of the program.  Of the program the last 60 days, and by app the last
-- 30, are materialized; for other periods, and for some apps, the days of usage are added up: of the
-- parts of a query below all but one have a condition that is false before it begins.  Of some
-- apps only those credentials are shown that exist for the reader (sql/identity/environment.sql).
--
-- Analysts have no right on the schema of what these read.  So their bodies are parsed
-- when they are made, and who calls them needs rights on the tables alone.

CREATE FUNCTION devapp_internal.calls_by_verdict(first_day date, last_day date, apps uuid[]) RETURNS TABLE (day date, code text, calls bigint)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT t.day, t.code, t.calls
      FROM devapp_report.verdict_totals t
     WHERE apps IS NULL AND first_day > (now() AT TIME ZONE 'UTC')::date - 60 AND t.day BETWEEN first_day AND last_day
     UNION ALL
    SELECT t.day, t.code, t.calls
      FROM devapp_internal.verdict_days t
     WHERE apps IS NULL AND first_day <= (now() AT TIME ZONE 'UTC')::date - 60 AND t.day BETWEEN first_day AND last_day
     UNION ALL
    SELECT u.day, u.code::text, devapp_internal.sum_bigint(u.calls)
      FROM devapp.usage_day u
     WHERE apps IS NOT NULL AND u.app_id = ANY (apps) AND u.day BETWEEN first_day AND last_day
     GROUP BY u.day, u.code;
END;

-- One row a day, those without calls as well.
CREATE FUNCTION devapp_internal.daily_calls(first_day date, last_day date, apps uuid[]) RETURNS TABLE (day date, allowed numeric, refused numeric)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT first_day + n, coalesce(devapp_internal.sum_bigint(v.calls) FILTER (WHERE v.code = 'VALID'), 0), coalesce(devapp_internal.sum_bigint(v.calls) FILTER (WHERE v.code <> 'VALID'), 0)
      FROM generate_series(0, last_day - first_day) AS n
      LEFT JOIN devapp_internal.calls_by_verdict(first_day, last_day, apps) v ON v.day = first_day + n
     GROUP BY n
$$;

CREATE FUNCTION devapp_internal.response_totals(first_day date, last_day date, apps uuid[])
    RETURNS TABLE (day date, responses bigint, client_errors bigint, server_errors bigint, latency_min interval, latency_max interval, histogram bigint[])
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT t.day, devapp_internal.sum_bigint(t.responses), devapp_internal.sum_bigint(t.client_errors), devapp_internal.sum_bigint(t.server_errors),
           min(t.latency_min), max(t.latency_max), devapp.add_histograms(t.histogram)
      FROM devapp_internal.latency_totals t
     WHERE apps IS NULL AND first_day > (now() AT TIME ZONE 'UTC')::date - 60 AND t.day BETWEEN first_day AND last_day
     GROUP BY t.day
     UNION ALL
    SELECT t.day, t.responses, t.client_errors, t.server_errors, t.latency_min, t.latency_max, t.histogram
      FROM devapp_internal.latency_days t
     WHERE apps IS NULL AND first_day <= (now() AT TIME ZONE 'UTC')::date - 60 AND t.day BETWEEN first_day AND last_day
     UNION ALL
    SELECT l.day, devapp_internal.sum_bigint(l.calls), devapp_internal.sum_bigint(l.client_errors), devapp_internal.sum_bigint(l.server_errors),
           min(l.latency_min), max(l.latency_max), devapp.add_histograms(l.histogram)
      FROM devapp.usage_latency l
     WHERE apps IS NOT NULL AND l.app_id = ANY (apps) AND l.day BETWEEN first_day AND last_day
     GROUP BY l.day;
END;

CREATE FUNCTION devapp_internal.daily_responses(first_day date, last_day date, apps uuid[])
    RETURNS TABLE (day date, responses numeric, client_errors numeric, server_errors numeric)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT first_day + n, coalesce(r.responses, 0), coalesce(r.client_errors, 0), coalesce(r.server_errors, 0)
      FROM generate_series(0, last_day - first_day) AS n
      LEFT JOIN devapp_internal.response_totals(first_day, last_day, apps) r ON r.day = first_day + n
$$;

-- Response times in milliseconds; of a day without responses 0.
CREATE FUNCTION devapp_internal.daily_latency(first_day date, last_day date, apps uuid[]) RETURNS TABLE (day date, responses numeric, median numeric, p95 numeric)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT first_day + n, coalesce(r.responses, 0),
           coalesce(extract(epoch FROM least(greatest(devapp.latency_percentile(r.histogram, 0.5), r.latency_min), r.latency_max)) * 1000, 0),
           coalesce(extract(epoch FROM least(greatest(devapp.latency_percentile(r.histogram, 0.95), r.latency_min), r.latency_max)) * 1000, 0)
      FROM generate_series(0, last_day - first_day) AS n
      LEFT JOIN devapp_internal.response_totals(first_day, last_day, apps) r ON r.day = first_day + n
$$;

-- Minimum and maximum are exact, and the percentile is not outside of them.
CREATE FUNCTION devapp_internal.responses_between(first_day date, last_day date, apps uuid[]) RETURNS TABLE (responses numeric, errors numeric, p95 interval)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT sum(r.responses), sum(r.client_errors::numeric + r.server_errors),
           least(greatest(devapp.latency_percentile(devapp.add_histograms(r.histogram), 0.95), min(r.latency_min)), max(r.latency_max))
      FROM devapp_internal.response_totals(first_day, last_day, apps) r;
END;

-- Whether it is what calls are materialized by app for: the last 30 days of the program.
CREATE FUNCTION devapp_internal.is_last_30_days(first_day date, last_day date, apps uuid[]) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN apps IS NULL AND last_day = (now() AT TIME ZONE 'UTC')::date AND last_day - first_day = 29;

-- What is not: the calls of a period by app.
CREATE FUNCTION devapp_internal.calls_by_app(first_day date, last_day date, apps uuid[])
    RETURNS TABLE (day date, app_id uuid, is_allowed boolean, calls bigint)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT c.day, c.app_id, c.is_allowed, c.calls
      FROM devapp_internal.app_calls c
     WHERE apps IS NULL AND c.day BETWEEN first_day AND last_day
     UNION ALL
    SELECT c.day, c.app_id, c.is_allowed, c.calls
      FROM devapp_internal.app_calls c
     WHERE apps IS NOT NULL AND c.app_id = ANY (apps) AND c.day BETWEEN first_day AND last_day;
END;

-- The ten apps with the most allowed calls, of those that are not deleted, and how many
-- apps had any.  high_usage_apps has all of them if it has fewer than 1000; of more it is
-- not worth looking up which are deleted.
CREATE FUNCTION devapp_internal.busiest_apps(first_day date, last_day date, apps uuid[])
    RETURNS TABLE (app_id uuid, app text, owner text, allowed bigint, refused bigint, total bigint)
    LANGUAGE sql STABLE
BEGIN ATOMIC
   (SELECT h.app_id, h.app, h.owner, h.calls_30d, u.refused_30d,
           (SELECT CASE WHEN count(*) < 1000 THEN count(*) ELSE (SELECT count(*) FROM devapp_internal.app_calls_30d x WHERE x.calls_30d > 0) END
              FROM devapp_report.high_usage_apps)
      FROM devapp_report.high_usage_apps h
      JOIN devapp_internal.app_calls_30d u ON u.app_id = h.app_id
     WHERE devapp_internal.is_last_30_days(busiest_apps.first_day, busiest_apps.last_day, apps)
     ORDER BY h.rank, h.app_id
     LIMIT 10)
     UNION ALL
    SELECT a.app_id, a.app, a.owner, b.allowed, b.refused, b.total
      FROM (SELECT c.app_id, devapp_internal.sum_bigint(c.calls) FILTER (WHERE c.is_allowed) AS allowed,
                   coalesce(devapp_internal.sum_bigint(c.calls) FILTER (WHERE NOT c.is_allowed), 0) AS refused, count(*) OVER () AS total
              FROM devapp_internal.calls_by_app(busiest_apps.first_day, busiest_apps.last_day, apps) c
             WHERE NOT devapp_internal.is_last_30_days(busiest_apps.first_day, busiest_apps.last_day, apps)
               AND c.app_id IN (SELECT y.app_id FROM devapp_report.app_inventory y)
             GROUP BY c.app_id
            HAVING bool_or(c.is_allowed)
             ORDER BY allowed DESC, c.app_id
             LIMIT 10) AS b
      JOIN devapp_report.app_inventory a ON a.app_id = b.app_id;
END;

-- Apps with an allowed call, and those in the period before.
CREATE FUNCTION devapp_internal.active_apps(first_day date, last_day date, apps uuid[]) RETURNS TABLE (active bigint, before bigint)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT count(*) FILTER (WHERE x.calls_30d > 0), count(*) FILTER (WHERE x.calls_previous_30d > 0)
      FROM devapp_internal.app_calls_30d x
     WHERE devapp_internal.is_last_30_days(active_apps.first_day, active_apps.last_day, apps)
    HAVING devapp_internal.is_last_30_days(active_apps.first_day, active_apps.last_day, apps)
     UNION ALL
    SELECT count(*) FILTER (WHERE u.newest >= active_apps.first_day), count(*) FILTER (WHERE u.oldest < active_apps.first_day)
      FROM (SELECT min(c.day) AS oldest, max(c.day) AS newest
              FROM devapp_internal.calls_by_app(active_apps.first_day - (active_apps.last_day - active_apps.first_day + 1),
                                               active_apps.last_day, apps) c
             WHERE NOT devapp_internal.is_last_30_days(active_apps.first_day, active_apps.last_day, apps)
               AND c.is_allowed
             GROUP BY c.app_id) AS u
    HAVING NOT devapp_internal.is_last_30_days(active_apps.first_day, active_apps.last_day, apps);
END;

-- Calls by product; of calls that no product answered it is null.
CREATE FUNCTION devapp_internal.calls_by_product(first_day date, last_day date, apps uuid[]) RETURNS TABLE (product_id uuid, allowed bigint, refused bigint)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT t.product_id, devapp_internal.sum_bigint(t.calls), devapp_internal.sum_bigint(t.refused)
      FROM devapp_internal.usage_totals t
     WHERE apps IS NULL AND first_day > (now() AT TIME ZONE 'UTC')::date - 30 AND t.day BETWEEN first_day AND last_day
     GROUP BY t.product_id
     UNION ALL
    SELECT u.product_id, coalesce(devapp_internal.sum_bigint(u.calls) FILTER (WHERE u.code = 'VALID'), 0),
           coalesce(devapp_internal.sum_bigint(u.calls) FILTER (WHERE u.code <> 'VALID'), 0)
      FROM devapp.usage_day u
     WHERE apps IS NULL AND first_day <= (now() AT TIME ZONE 'UTC')::date - 30 AND u.day BETWEEN first_day AND last_day
     GROUP BY u.product_id
     UNION ALL
    SELECT u.product_id, coalesce(devapp_internal.sum_bigint(u.calls) FILTER (WHERE u.code = 'VALID'), 0),
           coalesce(devapp_internal.sum_bigint(u.calls) FILTER (WHERE u.code <> 'VALID'), 0)
      FROM devapp.usage_day u
     WHERE apps IS NOT NULL AND u.app_id = ANY (apps) AND u.day BETWEEN first_day AND last_day
     GROUP BY u.product_id;
END;

-- Calls by the present owner of the app, deleted apps as well.
CREATE FUNCTION devapp_internal.calls_by_owner(first_day date, last_day date, apps uuid[])
    RETURNS TABLE (owner_id uuid, owner text, owner_kind text, allowed bigint, refused bigint)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT a.owner_id, a.owner, a.owner_kind, devapp_internal.sum_bigint(x.allowed), devapp_internal.sum_bigint(x.refused)
      FROM (SELECT u.app_id, u.calls_30d AS allowed, u.refused_30d AS refused
              FROM devapp_internal.app_calls_30d u
             WHERE devapp_internal.is_last_30_days(calls_by_owner.first_day, calls_by_owner.last_day, apps)
             UNION ALL
            SELECT c.app_id, coalesce(devapp_internal.sum_bigint(c.calls) FILTER (WHERE c.is_allowed), 0),
                   coalesce(devapp_internal.sum_bigint(c.calls) FILTER (WHERE NOT c.is_allowed), 0)
              FROM devapp_internal.calls_by_app(calls_by_owner.first_day, calls_by_owner.last_day, apps) c
             WHERE NOT devapp_internal.is_last_30_days(calls_by_owner.first_day, calls_by_owner.last_day, apps)
             GROUP BY c.app_id) AS x
      JOIN devapp_internal.named_app a ON a.app_id = x.app_id
     WHERE x.allowed > 0 OR x.refused > 0
     GROUP BY a.owner_id, a.owner, a.owner_kind;
END;

-- Quotas that are used to 80 % and more.
CREATE FUNCTION devapp_internal.quotas_near_limit(apps uuid[])
    RETURNS TABLE (app_id uuid, product_id uuid, operation_id uuid, environment text, quota_limit bigint, share_used double precision)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT n.app_id, n.product_id, n.operation_id, n.environment, n.quota_limit, n.share_used
      FROM devapp_internal.near_quotas n
     WHERE apps IS NULL
     UNION ALL
    SELECT q.app_id, q.product_id, q.operation_id, q.environment, q.quota_limit, q.share_used
      FROM devapp_report.quota_usage q
     WHERE apps IS NOT NULL AND q.app_id = ANY (apps) AND q.share_used >= 0.8;
END;

CREATE FUNCTION devapp_internal.what_waits(apps uuid[])
    RETURNS TABLE (app_id uuid, app text, owner text, credential_id uuid, product text, waiting_since timestamptz)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT p.app_id, p.app, p.owner, p.credential_id, p.product, p.waiting_since
      FROM devapp_report.pending_approvals p
     WHERE apps IS NULL
     UNION ALL
    SELECT p.app_id, p.app, p.owner, p.credential_id, p.product, p.waiting_since
      FROM devapp_report.pending_approvals p
     WHERE apps IS NOT NULL AND p.app_id = ANY (apps) AND (p.credential_id IS NULL OR devapp_internal.has_credential(p.credential_id));
END;

-- Secrets to rotate or to retire, the ten most urgent, in the order of rotation_queue.
CREATE FUNCTION devapp_internal.urgent_rotations(apps uuid[])
    RETURNS TABLE (rank bigint, total bigint, app text, owner text, consumer_key text, issued_at timestamptz, overlap_ends_at timestamptz,
                   is_overdue boolean, still_used boolean)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT s.rank, s.total, s.app, s.owner, s.consumer_key, s.issued_at, s.overlap_ends_at, s.is_overdue, s.still_used
      FROM devapp_report.rotation_queue s
     WHERE apps IS NULL AND s.rank <= 10
     UNION ALL
   (SELECT row_number() OVER w AS place, count(*) OVER (), r.app, r.owner, r.consumer_key, r.issued_at, r.overlap_ends_at, r.is_overdue, r.still_used
      FROM devapp_report.rotations r
     WHERE apps IS NOT NULL AND r.app_id = ANY (apps) AND (r.is_overdue OR r.still_used) AND devapp_internal.has_credential(r.credential_id)
    WINDOW w AS (ORDER BY r.still_used DESC, r.overlap_ends_at, r.issued_at, r.credential_id, r.secret_version)
     ORDER BY place LIMIT 10);
END;

-- Credentials that expire in the next 30 days.
CREATE FUNCTION devapp_internal.soon_expired(apps uuid[])
    RETURNS TABLE (credential_id uuid, consumer_key text, app text, owner text, expires_at timestamptz)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT c.credential_id, c.consumer_key, c.app, c.owner, c.expires_at
      FROM devapp_report.credentials_expiring c
     WHERE apps IS NULL AND c.expires_at BETWEEN now() AND now() + interval '720 hours'
     UNION ALL
    SELECT c.credential_id, c.consumer_key, c.app, c.owner, c.expires_at
      FROM devapp_report.credentials_expiring c
     WHERE apps IS NOT NULL AND c.app_id = ANY (apps) AND c.expires_at BETWEEN now() AND now() + interval '720 hours'
       AND devapp_internal.has_credential(c.credential_id);
END;
