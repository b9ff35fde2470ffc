-- The schema that BI tools read.
--
-- Its views run with the rights of their owner, so who may read them needs no right
-- on the tables, and row-level security is not in the way: an analyst sees the whole
-- program.  For the same reason nothing here may show a digest or a secret.
--
-- The functions that a view calls are different: they run with the rights of the reader, who
-- then needs EXECUTE on each, and tools list what he may execute.  So these views call
-- PostgreSQL's own functions, and those of this schema, which are of use to analysts as well.
--
-- All of them are plain views, because tools that ask information_schema do not see
-- materialized ones.  What reads millions of rows is materialized behind its view, each with
-- a unique key, so that it can be refreshed beside its readers (refresh.sql).  The rest is live.  Days are of UTC,
-- and the last 30 days are today, as far as it has come, and the 29 before.

CREATE SCHEMA devapp_report;
COMMENT ON SCHEMA devapp_report IS 'devapp: reports for BI tools; devapp_report.freshness lists them';

CREATE FUNCTION devapp_internal.utc_today() RETURNS date
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (now() AT TIME ZONE 'UTC')::date;

-- ---------- what analysts may call as well ----------

CREATE FUNCTION devapp_report.setting(name text) RETURNS text
    LANGUAGE c STABLE STRICT
    AS 'MODULE_PATHNAME', 'devapp_setting';
COMMENT ON FUNCTION devapp_report.setting(text) IS
    'Value of a setting of devapp, such as retention_day, with or without the prefix devapp';
SELECT devapp_internal.grant_to('devapp_report.setting', 'admin', 'analyst');

CREATE AGGREGATE devapp_report.sum_bigint(bigint) (
    SFUNC = devapp_internal.add_counts,
    STYPE = bigint,
    COMBINEFUNC = devapp_internal.add_counts,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE devapp_report.sum_bigint(bigint) IS
    'Sum of counts as a bigint, for tools that read the numeric of sum() as text; null: no rows';
SELECT devapp_internal.grant_to('devapp_report.sum_bigint', 'admin', 'analyst');

CREATE FUNCTION devapp_report.quota_window(
    at timestamptz,
    quota_interval integer,
    quota_unit text,
    time_zone text,
    OUT window_start timestamptz,
    OUT window_end timestamptz
)
    LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_quota_window';
COMMENT ON FUNCTION devapp_report.quota_window(timestamptz, integer, text, text) IS
    'Quota window that contains a time; an unknown time zone is treated as UTC';
SELECT devapp_internal.grant_to('devapp_report.quota_window', 'admin', 'analyst');

-- ---------- what views share ----------

CREATE FUNCTION devapp_internal.http_status(code text) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_http_status';

-- Filled by CREATE EXTENSION, and refreshed by each update.  By the labels, because the transaction
-- that adds a code cannot use its value.
CREATE MATERIALIZED VIEW devapp_internal.verdict_status AS
SELECT e.enumlabel::text COLLATE "C" AS code, devapp_internal.http_status(e.enumlabel::text) AS http_status
  FROM pg_enum e
 WHERE e.enumtypid = 'devapp.verdict_code'::regtype;
CREATE UNIQUE INDEX verdict_status_key ON devapp_internal.verdict_status (code);

-- What an app or a credential is for whoever reads it: the first that applies, in the order of
-- the checks of a verdict.  A credential that has no secret at all is not replaced.  The views
-- of developers call it with their rights.  Those of analysts say the same in two parts, in
-- named_app and in devapp_report.credentials.
CREATE FUNCTION devapp_internal.effective_status(
    app_status text,
    owner_status text,
    credential_status text DEFAULT 'approved',
    expires_at timestamptz DEFAULT NULL,
    is_replaced boolean DEFAULT false
) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE WHEN expires_at <= now() THEN 'expired'
                WHEN is_replaced THEN 'replaced'
                WHEN credential_status <> 'approved' THEN credential_status
                WHEN app_status <> 'approved' THEN app_status
                WHEN owner_status <> 'active' THEN 'owner inactive'
                ELSE 'active' END;
SELECT devapp_internal.grant_to('devapp_internal.effective_status', 'admin', 'developer');

-- Apps by name, with their owners.  Of the owner's rights, as the views that use it.
-- app_path is what people type to name an app (devapp.app_ref).
CREATE VIEW devapp_internal.named_app AS
SELECT a.app_id, a.name AS app, a.display_name, coalesce(a.developer_id, a.team_id) AS owner_id, coalesce(d.email, t.name) AS owner,
       CASE WHEN a.team_id IS NULL THEN 'developer' ELSE 'team' END AS owner_kind,
       CASE WHEN a.team_id IS NULL THEN '' ELSE 'team:' END
           || replace(replace(coalesce(d.email, t.name), '%', '%25'), '/', '%2F') || '/' || a.name AS app_path,
       a.status, a.created_at, a.decided_at, a.deleted_at, a.deleted_at IS NOT NULL AS is_deleted,
       coalesce(d.status, t.status) AS owner_status,
       CASE WHEN a.status <> 'approved' THEN a.status
            WHEN coalesce(d.status, t.status) <> 'active' THEN 'owner inactive'
            ELSE 'active' END AS effective_status,
       a.description, a.app_family
  FROM devapp.app a
  LEFT JOIN devapp.developer d ON d.developer_id = a.developer_id
  LEFT JOIN devapp.team t ON t.team_id = a.team_id;

-- Who owned an app until it was transferred, and since when.  By the partial index of
-- transfers, which are few, so that reports join all of them.
CREATE VIEW devapp_internal.former_owner AS
SELECT e.app_id, coalesce(lag(e.occurred_at) OVER (PARTITION BY e.app_id ORDER BY e.event_id), '-infinity') AS since, e.occurred_at AS until,
       coalesce(d.developer_id, t.team_id) AS owner_id, coalesce(d.email, t.name) AS owner
  FROM devapp.audit_event e
  LEFT JOIN devapp.developer d ON d.developer_id = (e.before->>'developer_id')::uuid
  LEFT JOIN devapp.team t ON t.team_id = (e.before->>'team_id')::uuid
 WHERE e.entity = 'app' AND e.action = 'transfer';
