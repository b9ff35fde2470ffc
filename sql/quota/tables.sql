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
COMMENT ON TABLE devapp.app_quota IS 'A quota or a rate limit of one app, in place of its product''s; devapp.set_app_quota sets it';
COMMENT ON COLUMN devapp.app_quota.quota_limit IS 'Calls in quota_interval quota_units; null: the product''s quota, as it is now';
COMMENT ON COLUMN devapp.app_quota.quota_unit IS 'minute, hour, day, week, month or never, as of a product, in the product''s time zone';
COMMENT ON COLUMN devapp.app_quota.rate_limit IS 'Calls a second; null: the product''s rate, as it is now';
COMMENT ON COLUMN devapp.app_quota.rate_burst IS 'Calls that may come at once';
COMMENT ON COLUMN devapp.app_quota.until IS 'When the product''s values hold again; null: never';
COMMENT ON COLUMN devapp.app_quota.note IS 'Why';
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
COMMENT ON TABLE devapp.quota_usage IS 'What of each quota an app has used in the latest window, as of the last flush; devapp.quota_status shows it as of now';
COMMENT ON COLUMN devapp.quota_usage.operation_id IS 'Operation with a quota of its own; null: the product''s quota';
COMMENT ON COLUMN devapp.quota_usage.environment IS 'Environment of the credential, else the one asked for if a product names it, else (other); its first 24 bytes; empty: none was named';
COMMENT ON COLUMN devapp.quota_usage.window_start IS 'Start of the window, which follows the calendar in UTC';
COMMENT ON COLUMN devapp.quota_usage.window_end IS 'When the next window starts';
COMMENT ON COLUMN devapp.quota_usage.used IS 'Cost of the calls in the window';
COMMENT ON COLUMN devapp.quota_usage.resets IS 'How often devapp.reset_quota set it back: servers that see another number forget what they counted';
COMMENT ON COLUMN devapp.quota_usage.reserved IS 'Lent to standbys and not reported as used: what devapp.quota_lease has outstanding in this window';
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
COMMENT ON TABLE devapp.quota_lease IS 'What standbys have borrowed of quotas, and what they have used of that';
COMMENT ON COLUMN devapp.quota_lease.operation_id IS 'Operation with a quota of its own; null: the product''s quota';
COMMENT ON COLUMN devapp.quota_lease.environment IS 'As in devapp.quota_usage';
COMMENT ON COLUMN devapp.quota_lease.server IS 'Id of the standby, from its start to its end';
COMMENT ON COLUMN devapp.quota_lease.server_name IS 'Its cluster_name, else host and port';
COMMENT ON COLUMN devapp.quota_lease.window_start IS 'Start of the window that it is for';
COMMENT ON COLUMN devapp.quota_lease.window_end IS 'End of the window';
COMMENT ON COLUMN devapp.quota_lease.hard IS 'Of a hard quota: what is outstanding stays reserved until the window ends if it is not reported';
COMMENT ON COLUMN devapp.quota_lease.quota_limit IS 'Limit that it was granted under; under another one it is void';
COMMENT ON COLUMN devapp.quota_lease.resets IS 'As devapp.quota_usage had it when it was granted; after a reset it is void';
COMMENT ON COLUMN devapp.quota_lease.number IS 'Of the server''s leases';
COMMENT ON COLUMN devapp.quota_lease.batch IS 'Last report about it';
COMMENT ON COLUMN devapp.quota_lease.granted IS 'What was lent since it began';
COMMENT ON COLUMN devapp.quota_lease.used IS 'What of that the standby has reported as used; the rest is outstanding';
COMMENT ON COLUMN devapp.quota_lease.expires_at IS 'The standby lets nothing through by it from a second before this on';
SELECT devapp_internal.grant_on('TABLE', 'devapp.quota_lease', 'SELECT', 'admin');
SELECT pg_extension_config_dump('devapp.quota_lease', '');
