-- What a standby says of itself; see src/standby/README.md.

CREATE FUNCTION devapp.standby_status(
    OUT is_standby boolean,
    OUT decides boolean,
    OUT reason text,
    OUT staleness interval,
    OUT last_commit timestamptz,
    OUT received pg_lsn,
    OUT replayed pg_lsn
)
    LANGUAGE c VOLATILE PARALLEL SAFE AS 'MODULE_PATHNAME', 'devapp_standby_status';
COMMENT ON FUNCTION devapp.standby_status() IS
    'Whether this server gives verdicts and, if not, why; for load balancers and administrators';
SELECT devapp_internal.grant_to('devapp.standby_status', 'admin', 'gateway');
