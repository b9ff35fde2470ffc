-- Bulk runs that commit batch by batch, and the apps of each.

CREATE TABLE devapp.bulk_run (
    run_id uuid NOT NULL DEFAULT devapp.uuid_v7(),
    action text NOT NULL,
    filter jsonb NOT NULL,
    arguments jsonb NOT NULL DEFAULT '{}',
    note text,
    batch_size integer NOT NULL,
    job devapp.bulk_job NOT NULL,
    total bigint NOT NULL DEFAULT 0,
    done bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    skipped bigint NOT NULL DEFAULT 0,
    last_app_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    busy interval NOT NULL DEFAULT '0',
    started_by text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    cancelled_at timestamptz,
    CONSTRAINT bulk_run_pkey PRIMARY KEY (run_id)
);
COMMENT ON TABLE devapp.bulk_run IS 'Bulk runs, which commit after each batch; see devapp.bulk_progress';
COMMENT ON COLUMN devapp.bulk_run.job IS 'Action, filter and arguments, as resolved at the start';
COMMENT ON COLUMN devapp.bulk_run.total IS 'Number of apps at the start';
COMMENT ON COLUMN devapp.bulk_run.done IS 'Number of processed apps, including failed and skipped ones';
COMMENT ON COLUMN devapp.bulk_run.skipped IS 'Number of apps that no longer matched the filter';
COMMENT ON COLUMN devapp.bulk_run.last_app_id IS 'Last app that was processed';
COMMENT ON COLUMN devapp.bulk_run.busy IS 'Time spent on batches';
COMMENT ON COLUMN devapp.bulk_run.started_by IS 'Who started it: e-mail address of the acting developer, or role';
SELECT devapp_internal.grant_on('TABLE', 'devapp.bulk_run', 'SELECT', 'admin');
SELECT pg_extension_config_dump('devapp.bulk_run', '');

-- No foreign key to devapp.app: apps are never deleted, and the check would lock and
-- so write every app once more.
CREATE TABLE devapp.bulk_item (
    run_id uuid NOT NULL,
    app_id uuid NOT NULL,
    outcome text,
    old_status text,
    new_status text,
    error text,
    done_at timestamptz,
    transaction_id xid8,
    CONSTRAINT bulk_item_pkey PRIMARY KEY (run_id, app_id),
    CONSTRAINT bulk_item_run_id_fkey FOREIGN KEY (run_id) REFERENCES devapp.bulk_run
) WITH (fillfactor = 70);
COMMENT ON TABLE devapp.bulk_item IS 'Apps of bulk runs';
COMMENT ON COLUMN devapp.bulk_item.outcome IS 'As in devapp.bulk_result; null: not processed yet';
COMMENT ON COLUMN devapp.bulk_item.transaction_id IS 'Transaction of the change, as in devapp.audit_event';
SELECT devapp_internal.grant_on('TABLE', 'devapp.bulk_item', 'SELECT', 'admin');
SELECT pg_extension_config_dump('devapp.bulk_item', '');
