-- What can be called: products, and the operations that they are made of.

CREATE TABLE devapp.product (
    product_id uuid NOT NULL DEFAULT devapp.uuid_v7(),
    name text NOT NULL,
    display_name text,
    description text,
    approval text NOT NULL DEFAULT 'auto',
    access text NOT NULL DEFAULT 'public',
    environments text[] NOT NULL DEFAULT '{}',
    proxies text[] NOT NULL DEFAULT '{}',
    scopes text[] NOT NULL DEFAULT '{}',
    quota_limit bigint,
    quota_interval integer,
    quota_unit text,
    quota_enforcement text NOT NULL DEFAULT 'soft',
    time_zone text NOT NULL DEFAULT 'UTC',
    rate_limit double precision,
    rate_burst integer,
    trailing_slash text NOT NULL DEFAULT 'strict',
    attributes jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CONSTRAINT product_pkey PRIMARY KEY (product_id),
    CONSTRAINT product_quota_is_complete CHECK (num_nulls(quota_limit, quota_interval, quota_unit) IN (0, 3)),
    CONSTRAINT product_rate_is_complete CHECK (num_nulls(rate_limit, rate_burst) IN (0, 2)),
    -- those whose keys the API over HTTP takes (sql/api/caller.sql)
    CONSTRAINT product_reserved_is_internal CHECK (NOT starts_with(lower(name COLLATE "C"), 'devapp-') OR (access = 'internal' AND approval = 'manual'))
);
COMMENT ON TABLE devapp.product IS 'API products, which credentials can be approved for';
COMMENT ON COLUMN devapp.product.name IS 'Unique among products that are not deleted; cannot be changed';
COMMENT ON COLUMN devapp.product.approval IS 'auto: new requests are approved; manual: they are pending';
COMMENT ON COLUMN devapp.product.access IS 'Who sees it in a developer portal: public, private or internal';
COMMENT ON COLUMN devapp.product.environments IS 'Environments that it covers; empty: all';
COMMENT ON COLUMN devapp.product.proxies IS 'Proxies that it covers; empty: all';
COMMENT ON COLUMN devapp.product.scopes IS 'OAuth scopes that it offers';
COMMENT ON COLUMN devapp.product.quota_limit IS 'Calls per quota_interval quota_units; null: no quota';
COMMENT ON COLUMN devapp.product.quota_unit IS 'minute, hour, day, week, month (calendar of time_zone), or never: the quota does not renew';
COMMENT ON COLUMN devapp.product.quota_enforcement IS
    'Of all its quotas: soft (counted in shared memory) or hard (counted by devapp.consume_quota)';
COMMENT ON COLUMN devapp.product.time_zone IS 'Time zone of the calendar that its quota windows follow';
COMMENT ON COLUMN devapp.product.rate_limit IS 'Calls per second; null: no limit';
COMMENT ON COLUMN devapp.product.rate_burst IS 'Calls that are allowed at once';
COMMENT ON COLUMN devapp.product.trailing_slash IS 'strict: /a and /a/ are different paths; optional: they are the same';
SELECT devapp_internal.grant_on('TABLE', 'devapp.product', 'SELECT, INSERT, UPDATE', 'admin');
SELECT devapp_internal.grant_on('TABLE', 'devapp.product', 'SELECT', 'developer');
SELECT pg_extension_config_dump('devapp.product', '');
CREATE UNIQUE INDEX product_name_key ON devapp.product (name) WHERE deleted_at IS NULL;

CREATE TABLE devapp.product_operation (
    operation_id uuid NOT NULL DEFAULT devapp.uuid_v7(),
    product_id uuid NOT NULL,
    resource devapp.resource_pattern COLLATE "C" NOT NULL,
    methods text[] NOT NULL DEFAULT '{}',
    proxy text,
    quota_limit bigint,
    quota_interval integer,
    quota_unit text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT product_operation_pkey PRIMARY KEY (operation_id),
    CONSTRAINT product_operation_product_id_fkey FOREIGN KEY (product_id) REFERENCES devapp.product,
    CONSTRAINT product_operation_resource_key UNIQUE NULLS NOT DISTINCT (product_id, resource, methods, proxy),
    CONSTRAINT product_operation_quota_is_complete CHECK (num_nulls(quota_limit, quota_interval, quota_unit) IN (0, 3))
);
COMMENT ON TABLE devapp.product_operation IS 'Operations of products: URI patterns; a product without operations covers all paths';
COMMENT ON COLUMN devapp.product_operation.methods IS 'HTTP methods; empty: all';
COMMENT ON COLUMN devapp.product_operation.proxy IS 'Proxy that it applies to; null: those of the product';
COMMENT ON COLUMN devapp.product_operation.quota_limit IS 'Quota of its own, counted separately from the product''s';
SELECT devapp_internal.grant_on('TABLE', 'devapp.product_operation', 'SELECT, INSERT, UPDATE, DELETE', 'admin');
SELECT devapp_internal.grant_on('TABLE', 'devapp.product_operation', 'SELECT', 'developer');
SELECT pg_extension_config_dump('devapp.product_operation', '');
