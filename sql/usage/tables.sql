-- Usage: what was counted in shared memory, flushed by the worker (src/worker/launcher.c) or
-- by devapp.flush_usage().  Times are UTC.  Nothing here refers to the tables of the
-- model by a foreign key: that would lock their rows.
--
-- The partitions are made by devapp_internal.usage_partition(), when something is written or
-- ahead of time.  They are no members of the extension, so that pg_dump takes their
-- definitions along.  That is why keys and indexes are those of the partitions (see
-- devapp_internal.usage_index()) and the tables here have none: attaching would make them
-- before the dump does, and the restore would fail.  There is no default partition:
-- the only writer makes what it needs before it writes.
--
-- Apps, products and environments may be null, so no key says which row is which to
-- logical replication, and a publication of all tables would refuse each update: hence
-- REPLICA IDENTITY FULL.  It is not inherited; usage_partition() sets it for each partition.

-- Several rows of one key and minute add up: there is one of each flush.
CREATE TABLE devapp.usage_minute (
    minute timestamptz NOT NULL,
    app_id uuid,
    credential_id uuid,
    secret_version integer,
    product_id uuid,
    operation_id uuid,
    environment text COLLATE "C",
    code devapp.verdict_code NOT NULL,
    calls bigint NOT NULL,
    cost bigint NOT NULL,
    flush_id bigint NOT NULL
) PARTITION BY RANGE (minute);
ALTER TABLE devapp.usage_minute REPLICA IDENTITY FULL;
COMMENT ON TABLE devapp.usage_minute IS 'Verifications by the minute, append-only; rows with the same key add up';
COMMENT ON COLUMN devapp.usage_minute.minute IS 'Start of the minute of the decision';
COMMENT ON COLUMN devapp.usage_minute.app_id IS 'App of the key; null: the key is unknown or malformed';
COMMENT ON COLUMN devapp.usage_minute.secret_version IS 'Version of the secret that was presented';
COMMENT ON COLUMN devapp.usage_minute.product_id IS 'Product that answered, or came closest; null: none';
COMMENT ON COLUMN devapp.usage_minute.operation_id IS 'Operation that covered the call; null: none, or the product has no operations';
COMMENT ON COLUMN devapp.usage_minute.environment IS 'Environment of the credential, else the requested one if a product names it, else (other); first 24 bytes';
COMMENT ON COLUMN devapp.usage_minute.code IS 'Verdict';
COMMENT ON COLUMN devapp.usage_minute.calls IS 'Number of calls';
COMMENT ON COLUMN devapp.usage_minute.cost IS 'Total of the argument "cost" of the allowed calls';
COMMENT ON COLUMN devapp.usage_minute.flush_id IS 'Flush that wrote the row';
SELECT devapp_internal.grant_on('TABLE', 'devapp.usage_minute', 'SELECT', 'admin');
SELECT pg_extension_config_dump('devapp.usage_minute', '');

CREATE TABLE devapp.usage_hour (
    hour timestamptz NOT NULL,
    app_id uuid,
    credential_id uuid,
    product_id uuid,
    operation_id uuid,
    environment text COLLATE "C",
    code devapp.verdict_code NOT NULL,
    calls bigint NOT NULL,
    cost bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
) PARTITION BY RANGE (hour);
ALTER TABLE devapp.usage_hour REPLICA IDENTITY FULL;
COMMENT ON TABLE devapp.usage_hour IS 'Verifications by the hour';
COMMENT ON COLUMN devapp.usage_hour.hour IS 'Start of the hour';
COMMENT ON COLUMN devapp.usage_hour.app_id IS 'App of the key; null: the key is unknown or malformed';
COMMENT ON COLUMN devapp.usage_hour.product_id IS 'Product that answered, or came closest; null: none';
COMMENT ON COLUMN devapp.usage_hour.operation_id IS 'Operation that covered the call; null: none, or the product has no operations';
COMMENT ON COLUMN devapp.usage_hour.environment IS 'Environment of the credential, else the requested one if a product names it, else (other); first 24 bytes';
COMMENT ON COLUMN devapp.usage_hour.code IS 'Verdict';
COMMENT ON COLUMN devapp.usage_hour.calls IS 'Number of calls';
COMMENT ON COLUMN devapp.usage_hour.cost IS 'Total of the argument "cost" of the allowed calls';
COMMENT ON COLUMN devapp.usage_hour.updated_at IS 'When the row was last written; ascends with the commits of flushes, unless a clock is set back';
SELECT devapp_internal.grant_on('TABLE', 'devapp.usage_hour', 'SELECT', 'admin', 'developer');
SELECT pg_extension_config_dump('devapp.usage_hour', '');

CREATE TABLE devapp.usage_day (
    day date NOT NULL,
    app_id uuid,
    product_id uuid,
    environment text COLLATE "C",
    code devapp.verdict_code NOT NULL,
    calls bigint NOT NULL,
    cost bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
) PARTITION BY RANGE (day);
ALTER TABLE devapp.usage_day REPLICA IDENTITY FULL;
COMMENT ON TABLE devapp.usage_day IS 'Verifications by the day';
COMMENT ON COLUMN devapp.usage_day.day IS 'Day, in UTC';
COMMENT ON COLUMN devapp.usage_day.app_id IS 'App of the key; null: the key is unknown or malformed';
COMMENT ON COLUMN devapp.usage_day.product_id IS 'Product that answered, or came closest; null: none';
COMMENT ON COLUMN devapp.usage_day.environment IS 'Environment of the credential, else the requested one if a product names it, else (other); first 24 bytes';
COMMENT ON COLUMN devapp.usage_day.code IS 'Verdict';
COMMENT ON COLUMN devapp.usage_day.calls IS 'Number of calls';
COMMENT ON COLUMN devapp.usage_day.cost IS 'Total of the argument "cost" of the allowed calls';
COMMENT ON COLUMN devapp.usage_day.updated_at IS 'When the row was last written; ascends with the commits of flushes, unless a clock is set back';
SELECT devapp_internal.grant_on('TABLE', 'devapp.usage_day', 'SELECT', 'admin', 'developer');
SELECT pg_extension_config_dump('devapp.usage_day', '');

CREATE TABLE devapp.usage_latency (
    day date NOT NULL,
    app_id uuid,
    product_id uuid,
    calls bigint NOT NULL,
    client_errors bigint NOT NULL,
    server_errors bigint NOT NULL,
    latency_total interval NOT NULL,
    latency_min interval NOT NULL,
    latency_max interval NOT NULL,
    histogram bigint[] NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
) PARTITION BY RANGE (day);
ALTER TABLE devapp.usage_latency REPLICA IDENTITY FULL;
COMMENT ON TABLE devapp.usage_latency IS 'Responses recorded by gateways, by day, app and product';
COMMENT ON COLUMN devapp.usage_latency.day IS 'Day of the call, in UTC';
COMMENT ON COLUMN devapp.usage_latency.app_id IS 'App of the credential; null: the credential is unknown';
COMMENT ON COLUMN devapp.usage_latency.product_id IS 'Product that the gateway named; null: none, or the credential is unknown';
COMMENT ON COLUMN devapp.usage_latency.calls IS 'Number of recorded calls';
COMMENT ON COLUMN devapp.usage_latency.client_errors IS 'Those with a status from 400 to 499';
COMMENT ON COLUMN devapp.usage_latency.server_errors IS 'Those with a status from 500 to 599';
COMMENT ON COLUMN devapp.usage_latency.latency_total IS 'Sum of response times: divide by calls for the average';
COMMENT ON COLUMN devapp.usage_latency.latency_min IS 'Shortest response time';
COMMENT ON COLUMN devapp.usage_latency.latency_max IS 'Longest response time';
COMMENT ON COLUMN devapp.usage_latency.histogram IS
    'Calls by response time: element i counts 2^(i/4) to 2^((i+1)/4) us; see devapp.latency_percentile';
COMMENT ON COLUMN devapp.usage_latency.updated_at IS 'When the row was last written; ascends with the commits of flushes, unless a clock is set back';
SELECT devapp_internal.grant_on('TABLE', 'devapp.usage_latency', 'SELECT', 'admin', 'developer');
SELECT pg_extension_config_dump('devapp.usage_latency', '');

-- Written past its triggers, which drop what a subscriber of a publication of all tables is sent
-- of it.  The rows are few, and always read as a whole.
CREATE TABLE devapp_internal.usage_change (
    source text COLLATE "C" NOT NULL,
    day date NOT NULL
);
ALTER TABLE devapp_internal.usage_change REPLICA IDENTITY FULL;
COMMENT ON TABLE devapp_internal.usage_change IS 'Days whose usage changed since the reports added them up; not dumped';
COMMENT ON COLUMN devapp_internal.usage_change.source IS 'usage_day or usage_latency';
COMMENT ON COLUMN devapp_internal.usage_change.day IS 'A day of it; -infinity: any';

CREATE TABLE devapp.usage_correction (
    correction_id uuid NOT NULL DEFAULT devapp.uuid_v7(),
    app_id uuid NOT NULL,
    product_id uuid NOT NULL,
    environment text COLLATE "C",
    day date NOT NULL,
    calls_before bigint NOT NULL,
    calls bigint NOT NULL,
    cost_before bigint NOT NULL,
    cost bigint NOT NULL,
    note text NOT NULL,
    corrected_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT usage_correction_pkey PRIMARY KEY (correction_id)
);
COMMENT ON TABLE devapp.usage_correction IS 'Corrections of usage with devapp.correct_usage(); the audit trail has who made them';
COMMENT ON COLUMN devapp.usage_correction.app_id IS 'App whose usage was corrected';
COMMENT ON COLUMN devapp.usage_correction.product_id IS 'Corrected product';
COMMENT ON COLUMN devapp.usage_correction.environment IS 'Corrected environment; null: calls without one';
COMMENT ON COLUMN devapp.usage_correction.day IS 'Day, in UTC';
COMMENT ON COLUMN devapp.usage_correction.calls_before IS 'Allowed calls before the correction';
COMMENT ON COLUMN devapp.usage_correction.calls IS 'Allowed calls after the correction';
COMMENT ON COLUMN devapp.usage_correction.cost_before IS 'Cost before the correction';
COMMENT ON COLUMN devapp.usage_correction.cost IS 'Cost after the correction';
COMMENT ON COLUMN devapp.usage_correction.note IS 'Reason';
SELECT devapp_internal.grant_on('TABLE', 'devapp.usage_correction', 'SELECT', 'admin', 'developer');
SELECT pg_extension_config_dump('devapp.usage_correction', '');
CREATE INDEX usage_correction_app_id_idx ON devapp.usage_correction (app_id, day);

-- Rows are updated in place: nothing that changes is indexed.
CREATE TABLE devapp.last_used (
    credential_id uuid NOT NULL,
    secret_version integer NOT NULL,
    app_id uuid NOT NULL,
    last_used_at timestamptz,
    last_seen_at timestamptz NOT NULL,
    CONSTRAINT last_used_pkey PRIMARY KEY (credential_id, secret_version)
) WITH (fillfactor = 70);
COMMENT ON TABLE devapp.last_used IS 'Last use of each version of a secret';
COMMENT ON COLUMN devapp.last_used.app_id IS 'App of the credential';
COMMENT ON COLUMN devapp.last_used.last_used_at IS 'Last allowed call, to the second; null: none';
COMMENT ON COLUMN devapp.last_used.last_seen_at IS 'Last time it was presented, whatever the verdict';
SELECT devapp_internal.grant_on('TABLE', 'devapp.last_used', 'SELECT', 'admin', 'developer');
SELECT pg_extension_config_dump('devapp.last_used', '');
CREATE INDEX last_used_app_id_idx ON devapp.last_used (app_id);

-- The flushes whose minutes are not in the hours and days yet: rolling up takes a row
-- away in the transaction that adds its minutes.  So no flush is added twice, and none is
-- left out, whatever a restore brings beside what is here: numbers are made by the clock
-- and by chance (devapp_internal.new_flush()), and so are no others of another database.
CREATE TABLE devapp.usage_flush (
    flush_id bigint NOT NULL,
    flushed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    waiting_months timestamptz[],
    CONSTRAINT usage_flush_pkey PRIMARY KEY (flush_id)
);
COMMENT ON TABLE devapp.usage_flush IS 'Flushes that have not been added to hours and days yet';
COMMENT ON COLUMN devapp.usage_flush.flush_id IS 'Flush, as in devapp.usage_minute';
COMMENT ON COLUMN devapp.usage_flush.flushed_at IS 'When it was flushed';
COMMENT ON COLUMN devapp.usage_flush.waiting_months IS
    'Months whose hours and days could not be written, see doctor(); null: not rolled up yet';
SELECT devapp_internal.grant_on('TABLE', 'devapp.usage_flush', 'SELECT', 'admin');
SELECT pg_extension_config_dump('devapp.usage_flush', '');

-- The shipments of counts that standbys sent, so that one that is sent again counts
-- once.  Ids are UUIDs of version 7, which begin with a time: those older than 30 days
-- are not taken any more, and so need not be known.
CREATE TABLE devapp.usage_shipment (
    shipment_id uuid NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    counters bigint NOT NULL,
    CONSTRAINT usage_shipment_pkey PRIMARY KEY (shipment_id)
);
COMMENT ON TABLE devapp.usage_shipment IS 'Shipments of counts from standbys in the last 30 days';
COMMENT ON COLUMN devapp.usage_shipment.shipment_id IS 'Id made by the standby, so that a shipment is counted only once';
COMMENT ON COLUMN devapp.usage_shipment.received_at IS 'When it was counted';
COMMENT ON COLUMN devapp.usage_shipment.counters IS 'Number of counters';
SELECT devapp_internal.grant_on('TABLE', 'devapp.usage_shipment', 'SELECT', 'admin');
SELECT pg_extension_config_dump('devapp.usage_shipment', '');

-- When what is done regularly was last done.  The row of maintain_usage, which the first
-- flush makes, is also the lock of whoever flushes or rolls up.  Not in a dump: after a
-- restore the times begin anew, so nothing is due while the rows are still coming.
CREATE TABLE devapp.housekeeping (
    task text NOT NULL,
    done_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT housekeeping_pkey PRIMARY KEY (task)
) WITH (fillfactor = 10);
COMMENT ON TABLE devapp.housekeeping IS 'Regular tasks besides flushing, and when they were last done';
COMMENT ON COLUMN devapp.housekeeping.task IS 'Function of devapp that does it';
COMMENT ON COLUMN devapp.housekeeping.done_at IS 'When it was last done, or tried for reports; an earlier time makes the task due';
SELECT devapp_internal.grant_on('TABLE', 'devapp.housekeeping', 'SELECT', 'admin');
