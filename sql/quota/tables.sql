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
SELECT devapp_internal.grant_on('TABLE', 'devapp.quota_usage', 'SELECT', 'admin');
SELECT pg_extension_config_dump('devapp.quota_usage', '');
