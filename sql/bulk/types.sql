-- What bulk work takes and gives.

CREATE TYPE devapp.bulk_result AS (
    app_id uuid,
    app_name text,
    owner text,
    old_status text,
    new_status text,
    outcome text,
    error text,
    products text[],
    pending_products text[]
);
COMMENT ON TYPE devapp.bulk_result IS 'Result of a bulk action for an app';
COMMENT ON COLUMN devapp.bulk_result.owner IS 'E-mail of the developer, or name of the team';
COMMENT ON COLUMN devapp.bulk_result.outcome IS
    'What was done, such as approved; failed: see error; skipped: the app no longer matches the filter';
COMMENT ON COLUMN devapp.bulk_result.products IS 'Products that were approved, added, removed or replaced; null: the action does not affect products';
COMMENT ON COLUMN devapp.bulk_result.pending_products IS 'Products of the app that are still pending; null: the action does not affect products';
SELECT devapp_internal.grant_on('TYPE', 'devapp.bulk_result', 'USAGE', 'admin');

CREATE TYPE devapp.bulk_transfer_result AS (
    app_id uuid,
    app_name text,
    owner text,
    new_owner text,
    old_status text,
    new_status text,
    outcome text,
    error text
);
COMMENT ON TYPE devapp.bulk_transfer_result IS 'Result of a bulk transfer for an app';
COMMENT ON COLUMN devapp.bulk_transfer_result.owner IS 'The owner before';
SELECT devapp_internal.grant_on('TYPE', 'devapp.bulk_transfer_result', 'USAGE', 'admin');

CREATE TYPE devapp.bulk_rotation AS (
    app_id uuid,
    app_name text,
    owner text,
    old_status text,
    new_status text,
    outcome text,
    error text,
    credential_id uuid,
    consumer_key text,
    secret text,
    previous_valid_until timestamptz
);
COMMENT ON TYPE devapp.bulk_rotation IS 'Result of a bulk rotation for a credential';
COMMENT ON COLUMN devapp.bulk_rotation.secret IS 'New key or client secret, which is shown only once and not stored; null in a dry run';
COMMENT ON COLUMN devapp.bulk_rotation.previous_valid_until IS 'When the old secret stops working';
SELECT devapp_internal.grant_on('TYPE', 'devapp.bulk_rotation', 'USAGE', 'admin');

-- A filter in which names have become ids and texts times.
CREATE TYPE devapp.app_filter AS (
    status text,
    product_id uuid,
    developer_id uuid,
    team_id uuid,
    attribute jsonb,
    inactive_since timestamptz,
    used_since timestamptz,
    created_before timestamptz,
    name text,
    app_ids uuid[]
);
COMMENT ON COLUMN devapp.app_filter.name IS 'A pattern of LIKE';
SELECT devapp_internal.grant_on('TYPE', 'devapp.app_filter', 'USAGE', 'admin');

-- An action with all that it needs, looked up and checked.
CREATE TYPE devapp.bulk_job AS (
    action text,
    done text,
    apps devapp.app_filter,
    note text,
    developer_id uuid,
    team_id uuid,
    overlap interval,
    product_ids uuid[],
    replacement_id uuid
);
COMMENT ON COLUMN devapp.bulk_job.done IS 'The outcome where it succeeds';
COMMENT ON COLUMN devapp.bulk_job.developer_id IS 'The new owner of a transfer; else team_id';
COMMENT ON COLUMN devapp.bulk_job.product_ids IS 'The products that are added or removed, or the one that is replaced';
SELECT devapp_internal.grant_on('TYPE', 'devapp.bulk_job', 'USAGE', 'admin');

-- One row of any bulk function.
CREATE TYPE devapp.bulk_outcome AS (
    app_id uuid,
    app_name text,
    owner text,
    new_owner text,
    old_status text,
    new_status text,
    outcome text,
    error text,
    products text[],
    pending_products text[],
    credential_id uuid,
    consumer_key text,
    secret text,
    previous_valid_until timestamptz
);
SELECT devapp_internal.grant_on('TYPE', 'devapp.bulk_outcome', 'USAGE', 'admin');

REVOKE ALL ON TYPE devapp.bulk_result, devapp.bulk_transfer_result, devapp.bulk_rotation, devapp.app_filter,
                   devapp.bulk_job, devapp.bulk_outcome FROM PUBLIC;
