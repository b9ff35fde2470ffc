-- How counting and flushing go.

CREATE FUNCTION devapp_internal.worker_state() RETURNS TABLE (
    worker_pid integer,
    last_flush_at timestamptz,
    last_rows bigint,
    last_duration interval,
    flushes bigint,
    errors bigint,
    last_error_at timestamptz,
    last_error text,
    dropped bigint,
    slots_used bigint,
    slots_total bigint,
    no_room bigint,
    quota_slots_used bigint,
    quota_slots_total bigint,
    last_housekeeping_at timestamptz,
    housekeeping_errors bigint,
    last_housekeeping_error_at timestamptz,
    last_housekeeping_error text,
    leases bigint,
    leased bigint,
    last_lease_at timestamptz,
    lease_errors bigint,
    last_lease_error_at timestamptz,
    last_lease_error text
)
    LANGUAGE c VOLATILE ROWS 1 AS 'MODULE_PATHNAME', 'devapp_worker_state';
SELECT devapp_internal.grant_to('devapp_internal.worker_state', 'admin');
CREATE FUNCTION devapp_internal.is_metering() RETURNS boolean
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'devapp_is_metering';
CREATE FUNCTION devapp_internal.tell_worker() RETURNS void
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'devapp_tell_worker';

CREATE VIEW devapp.worker_status AS
SELECT s.worker_pid, s.last_flush_at, s.last_rows, s.last_duration, s.flushes, s.errors, s.last_error_at, s.last_error,
       s.dropped, s.slots_used, s.slots_total,
       s.no_room, s.quota_slots_used, s.quota_slots_total, s.last_housekeeping_at, s.housekeeping_errors,
       s.last_housekeeping_error_at, s.last_housekeeping_error, s.leases, s.leased, s.last_lease_at, s.lease_errors,
       s.last_lease_error_at, s.last_lease_error
  FROM devapp_internal.worker_state() s;
COMMENT ON VIEW devapp.worker_status IS 'State of counting and flushing since the server''s start; no row: calls are not counted';
COMMENT ON COLUMN devapp.worker_status.worker_pid IS 'Process that starts the flushes; null: it is not running';
COMMENT ON COLUMN devapp.worker_status.last_flush_at IS 'End of the last flush that wrote something; null: none yet';
COMMENT ON COLUMN devapp.worker_status.last_rows IS 'Counters written by that flush';
COMMENT ON COLUMN devapp.worker_status.last_duration IS 'Duration of that flush';
COMMENT ON COLUMN devapp.worker_status.flushes IS 'Flushes that wrote something';
COMMENT ON COLUMN devapp.worker_status.errors IS 'Number of failed flushes';
COMMENT ON COLUMN devapp.worker_status.last_error_at IS 'When it last failed';
COMMENT ON COLUMN devapp.worker_status.last_error IS 'Message of that failure';
COMMENT ON COLUMN devapp.worker_status.dropped IS 'Calls not counted because the table was full';
COMMENT ON COLUMN devapp.worker_status.slots_used IS 'Counters waiting for a flush, of all databases';
COMMENT ON COLUMN devapp.worker_status.slots_total IS 'Maximum number of counters';
COMMENT ON COLUMN devapp.worker_status.no_room IS 'Calls refused because devapp.quota_size left no room to count them for a quota or rate limit';
COMMENT ON COLUMN devapp.worker_status.quota_slots_used IS 'Quotas and rate limits in use, of all databases';
COMMENT ON COLUMN devapp.worker_status.quota_slots_total IS 'Maximum number of quotas and rate limits';
COMMENT ON COLUMN devapp.worker_status.last_housekeeping_at IS 'When the housekeeper last ran without a failure; null: not yet';
COMMENT ON COLUMN devapp.worker_status.housekeeping_errors IS 'Number of failed runs of the housekeeper';
COMMENT ON COLUMN devapp.worker_status.last_housekeeping_error_at IS 'When it last failed';
COMMENT ON COLUMN devapp.worker_status.last_housekeeping_error IS 'Message of that failure';
COMMENT ON COLUMN devapp.worker_status.leases IS 'On a standby: number of quota leases; devapp.quota_lease has those of all standbys';
COMMENT ON COLUMN devapp.worker_status.leased IS 'Units of the leases that are left for calls';
COMMENT ON COLUMN devapp.worker_status.last_lease_at IS 'When the primary last answered a request for leases; null: never';
COMMENT ON COLUMN devapp.worker_status.lease_errors IS 'Number of failed requests for leases';
COMMENT ON COLUMN devapp.worker_status.last_lease_error_at IS 'When it last failed';
COMMENT ON COLUMN devapp.worker_status.last_lease_error IS 'Message of that failure';
SELECT devapp_internal.grant_on('TABLE', 'devapp.worker_status', 'SELECT', 'admin');

-- Without this the worker would find a new database, or a restored one, when it next
-- looks into all of them.
SELECT devapp_internal.tell_worker();
