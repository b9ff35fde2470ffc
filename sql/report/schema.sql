-- The schema that BI tools read.
--
-- Its views run with the rights of their owner, so who may read them needs no right
-- on the tables, and row-level security is not in the way: an analyst sees the whole
-- program.  For the same reason nothing here may show a digest or a secret.
--
-- All of them are plain views, because tools that ask information_schema do not see
-- materialized ones.  What reads millions of rows is materialized behind its view, each with
-- a unique key, so that it can be refreshed beside its readers (refresh.sql).  The rest is live.  Days are of UTC,
-- and the last 30 days are today, as far as it has come, and the 29 before.

CREATE SCHEMA devapp_report;
COMMENT ON SCHEMA devapp_report IS 'devapp: reports for BI tools; SELECT * FROM devapp_report.freshness lists them';

CREATE FUNCTION devapp_internal.utc_today() RETURNS date
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (now() AT TIME ZONE 'UTC')::date;

CREATE FUNCTION devapp_internal.http_status(code text) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_http_status';
SELECT devapp_internal.grant_to('devapp_internal.http_status', 'admin', 'analyst');

-- Not PARALLEL SAFE, and so is no query that asks for it: to start processes takes
-- longer than what it is used in.
CREATE FUNCTION devapp_internal.days_since(at timestamptz) RETURNS double precision
    LANGUAGE sql STABLE
    RETURN extract(epoch FROM now() - at)::double precision / 86400;
SELECT devapp_internal.grant_to('devapp_internal.days_since', 'admin', 'analyst');

-- What an app or a credential is for whoever reads it: the first that applies, in the order of
-- the checks of a verdict.  A credential that has no secret at all is not replaced.  Views run
-- functions with the rights of their readers, therefore these need EXECUTE.
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
SELECT devapp_internal.grant_to('devapp_internal.effective_status', 'admin', 'analyst', 'developer');

-- Apps by name, with their owners.  Of the owner's rights, as the views that use it.
-- app_path is what people type to name an app (devapp.app_ref).
CREATE VIEW devapp_internal.named_app AS
SELECT a.app_id, a.name AS app, a.display_name, coalesce(a.developer_id, a.team_id) AS owner_id, coalesce(d.email, t.name) AS owner,
       CASE WHEN a.team_id IS NULL THEN 'developer' ELSE 'team' END AS owner_kind,
       CASE WHEN a.team_id IS NULL THEN '' ELSE 'team:' END
           || replace(replace(coalesce(d.email, t.name), '%', '%25'), '/', '%2F') || '/' || a.name AS app_path,
       a.status, a.created_at, a.decided_at, a.deleted_at, a.deleted_at IS NOT NULL AS is_deleted,
       coalesce(d.status, t.status) AS owner_status, a.description, a.app_family
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
