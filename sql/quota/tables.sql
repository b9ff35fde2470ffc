-- What an app may do in place of what a product says.  A quota is stored whole, and so is a
-- rate: what was left out is what the product said when it was set, so nothing that the
-- product changes later alters it.
CREATE TABLE devapp.app_quota (
    app_id uuid NOT NULL,
    product_id uuid NOT NULL,
    quota_limit bigint,
    quota_interval integer,
    quota_unit text,
    rate_limit double precision,
    rate_burst integer,
    until timestamptz,
    note text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT app_quota_pkey PRIMARY KEY (app_id, product_id),
    CONSTRAINT app_quota_app_id_fkey FOREIGN KEY (app_id) REFERENCES devapp.app,
    CONSTRAINT app_quota_product_id_fkey FOREIGN KEY (product_id) REFERENCES devapp.product,
    CONSTRAINT app_quota_quota_is_complete CHECK (num_nulls(quota_limit, quota_interval, quota_unit) IN (0, 3)),
    CONSTRAINT app_quota_rate_is_complete CHECK (num_nulls(rate_limit, rate_burst) IN (0, 2)),
    CONSTRAINT app_quota_is_something CHECK (num_nonnulls(quota_limit, rate_limit) > 0)
);
COMMENT ON TABLE devapp.app_quota IS 'Quotas and rate limits of single apps, in place of their products''; see devapp.set_app_quota';
COMMENT ON COLUMN devapp.app_quota.quota_limit IS 'Calls per quota_interval quota_units; null: the product''s current quota';
COMMENT ON COLUMN devapp.app_quota.quota_unit IS 'minute, hour, day, week, month or never, in the product''s time zone';
COMMENT ON COLUMN devapp.app_quota.rate_limit IS 'Calls per second; null: the product''s current rate';
COMMENT ON COLUMN devapp.app_quota.rate_burst IS 'Calls that are allowed at once';
COMMENT ON COLUMN devapp.app_quota.until IS 'When the product''s limits apply again; null: never';
COMMENT ON COLUMN devapp.app_quota.note IS 'Reason';
SELECT devapp_internal.grant_on('TABLE', 'devapp.app_quota', 'SELECT, INSERT, UPDATE, DELETE', 'admin');
SELECT devapp_internal.grant_on('TABLE', 'devapp.app_quota', 'SELECT', 'developer');
SELECT pg_extension_config_dump('devapp.app_quota', '');
CREATE INDEX app_quota_product_id_idx ON devapp.app_quota (product_id);

-- How much of each quota is used, in the window that it is in.  Flushes write here
-- what was counted in shared memory, so that quotas go on where they were after a
-- restart; consume_quota() counts here where a quota is hard.
--
-- A bucket is an app's use of a quota in an environment: one row, updated in place.
-- Nothing that changes is indexed.
CREATE TABLE devapp.quota_usage (
    app_id uuid NOT NULL,
    product_id uuid NOT NULL,
    operation_id uuid,
    environment text COLLATE "C" NOT NULL DEFAULT '',
    window_start timestamptz NOT NULL,
    window_end timestamptz NOT NULL,
    used bigint NOT NULL,
    resets integer NOT NULL DEFAULT 0,
    reserved bigint NOT NULL DEFAULT 0,
    CONSTRAINT quota_usage_key UNIQUE NULLS NOT DISTINCT (app_id, product_id, operation_id, environment)
) WITH (fillfactor = 70);
-- the key may hold a null, so it cannot say to logical replication which row is which
ALTER TABLE devapp.quota_usage REPLICA IDENTITY FULL;
COMMENT ON TABLE devapp.quota_usage IS 'Use of quotas in the latest window, as of the last flush; see devapp.quota_status for the current use';
COMMENT ON COLUMN devapp.quota_usage.operation_id IS 'Operation with a quota of its own; null: the product''s quota';
COMMENT ON COLUMN devapp.quota_usage.environment IS 'Environment of the credential, else the requested one if a product names it, else (other); empty: none';
COMMENT ON COLUMN devapp.quota_usage.window_start IS 'Start of the window, in UTC';
COMMENT ON COLUMN devapp.quota_usage.window_end IS 'When the next window starts';
COMMENT ON COLUMN devapp.quota_usage.used IS 'Cost of the calls in the window';
COMMENT ON COLUMN devapp.quota_usage.resets IS 'Number of resets by devapp.reset_quota; servers that see a new number discard their counts';
COMMENT ON COLUMN devapp.quota_usage.reserved IS 'Lent to standbys and not yet reported as used; see devapp.quota_lease';
SELECT devapp_internal.grant_on('TABLE', 'devapp.quota_usage', 'SELECT', 'admin');
SELECT pg_extension_config_dump('devapp.quota_usage', '');

-- What each standby has borrowed of a bucket.  Its rows change under the lock of the bucket's
-- row in devapp.quota_usage alone.  A server is one from its start to its end, or a crash:
-- afterwards it has another id, because it does not know what it used.
--
-- Amounts count from the beginning of a lease (number), so a report that comes twice changes
-- nothing.  A row stays until its window has ended, also when its lease ended long before, so
-- that this holds for a standby that was cut off, too.
CREATE TABLE devapp.quota_lease (
    app_id uuid NOT NULL,
    product_id uuid NOT NULL,
    operation_id uuid,
    environment text COLLATE "C" NOT NULL DEFAULT '',
    server uuid NOT NULL,
    server_name text NOT NULL,
    window_start timestamptz NOT NULL,
    window_end timestamptz NOT NULL,
    hard boolean NOT NULL,
    quota_limit bigint NOT NULL,
    resets integer NOT NULL,
    number bigint NOT NULL,
    batch bigint NOT NULL,
    granted bigint NOT NULL,
    used bigint NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT quota_lease_key UNIQUE NULLS NOT DISTINCT (app_id, product_id, operation_id, environment, server)
) WITH (fillfactor = 70);
ALTER TABLE devapp.quota_lease REPLICA IDENTITY FULL;
COMMENT ON TABLE devapp.quota_lease IS 'Parts of quotas that standbys have leased, and their use';
COMMENT ON COLUMN devapp.quota_lease.operation_id IS 'Operation with a quota of its own; null: the product''s quota';
COMMENT ON COLUMN devapp.quota_lease.environment IS 'As in devapp.quota_usage';
COMMENT ON COLUMN devapp.quota_lease.server IS 'Id of the standby, which is new with each start';
COMMENT ON COLUMN devapp.quota_lease.server_name IS 'Its cluster_name, else its host and port';
COMMENT ON COLUMN devapp.quota_lease.window_start IS 'Start of the window';
COMMENT ON COLUMN devapp.quota_lease.window_end IS 'End of the window';
COMMENT ON COLUMN devapp.quota_lease.hard IS 'Whether the quota is hard: unreported units stay reserved until the window ends';
COMMENT ON COLUMN devapp.quota_lease.quota_limit IS 'Limit under which it was granted; void under another one';
COMMENT ON COLUMN devapp.quota_lease.resets IS 'Resets of the quota when it was granted; void after another reset';
COMMENT ON COLUMN devapp.quota_lease.number IS 'Number of the lease on the standby';
COMMENT ON COLUMN devapp.quota_lease.batch IS 'Number of the last report about it';
COMMENT ON COLUMN devapp.quota_lease.granted IS 'Units lent since it began';
COMMENT ON COLUMN devapp.quota_lease.used IS 'Units that the standby has reported as used';
COMMENT ON COLUMN devapp.quota_lease.expires_at IS 'When it expires; the standby stops using it one second earlier';
SELECT devapp_internal.grant_on('TABLE', 'devapp.quota_lease', 'SELECT', 'admin');
SELECT pg_extension_config_dump('devapp.quota_lease', '');
