-- The schema that BI tools read.
--
-- Its views run with the rights of their owner, so who may read them needs no right
-- on the tables, and row-level security is not in the way: an analyst sees the whole
-- program.  For the same reason nothing here may show a digest or a secret.
--
-- What reads millions of rows is materialized, each with a unique key, so that it can
-- be refreshed beside its readers (refresh.sql).  The rest is live.  Days are of UTC,
-- and the last 30 days are today, as far as it has come, and the 29 before.

CREATE SCHEMA devapp_report;
COMMENT ON SCHEMA devapp_report IS 'devapp: reports for BI tools; SELECT * FROM devapp_report.freshness lists them';

-- sum(bigint) makes a numeric of a state of 100 bytes.  This one fits into the hash
-- table of a group, which halves the time of grouping by app.
CREATE AGGREGATE devapp._sum(bigint) (
    SFUNC = int8pl,
    STYPE = bigint,
    COMBINEFUNC = int8pl,
    PARALLEL = SAFE
);
SELECT devapp_internal.grant_to('devapp._sum', 'admin', 'analyst');

CREATE FUNCTION devapp._today() RETURNS date
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (now() AT TIME ZONE 'UTC')::date;
SELECT devapp_internal.grant_to('devapp._today', 'admin');

CREATE FUNCTION devapp._http_status(code text) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_http_status';
SELECT devapp_internal.grant_to('devapp._http_status', 'admin', 'analyst');

-- Not PARALLEL SAFE, and so is no query that asks for it: to start processes takes
-- longer than what it is used in.
CREATE FUNCTION devapp._days_since(at timestamptz) RETURNS double precision
    LANGUAGE sql STABLE
    RETURN extract(epoch FROM now() - at)::double precision / 86400;
SELECT devapp_internal.grant_to('devapp._days_since', 'admin', 'analyst');

-- Apps by name, with their owners.  Of the owner's rights, as the views that use it.
CREATE VIEW devapp._named_app AS
SELECT a.app_id, a.name AS app, coalesce(a.developer_id, a.team_id) AS owner_id, coalesce(d.email, t.name) AS owner,
       CASE WHEN a.team_id IS NULL THEN 'developer' ELSE 'team' END AS owner_kind,
       a.status, a.created_at, a.decided_at, a.deleted_at
  FROM devapp.app a
  LEFT JOIN devapp.developer d ON d.developer_id = a.developer_id
  LEFT JOIN devapp.team t ON t.team_id = a.team_id;

COMMENT ON AGGREGATE devapp._sum(bigint) IS 'Internal: sum as bigint';
COMMENT ON FUNCTION devapp._today() IS 'Internal: day in UTC';
COMMENT ON FUNCTION devapp._days_since(timestamptz) IS 'Internal: days of 24 hours since then';
COMMENT ON FUNCTION devapp._http_status(text) IS 'Internal: the HTTP status that goes with a verdict';
COMMENT ON VIEW devapp._named_app IS 'Internal: apps with the names of their owners, deleted ones as well';
COMMENT ON COLUMN devapp._named_app.app IS 'Name of the app';
COMMENT ON COLUMN devapp._named_app.owner_id IS 'Developer or team';
COMMENT ON COLUMN devapp._named_app.owner IS 'E-mail of the developer, or name of the team';
COMMENT ON COLUMN devapp._named_app.owner_kind IS 'developer or team';
