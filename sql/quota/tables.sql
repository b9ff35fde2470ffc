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
