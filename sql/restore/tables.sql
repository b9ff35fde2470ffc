-- A restore that is not over: one row, from CREATE EXTENSION on until everything is there
-- (sql/restore/restore.sql).  Not in a dump.
CREATE TABLE devapp.restore (
    one boolean NOT NULL DEFAULT true,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    data boolean NOT NULL DEFAULT false,
    problem text,
    CONSTRAINT restore_pkey PRIMARY KEY (one),
    CONSTRAINT restore_is_one_row CHECK (one)
);
COMMENT ON TABLE devapp.restore IS 'Restore of this database in progress; no row: none';
COMMENT ON COLUMN devapp.restore.started_at IS 'When CREATE EXTENSION was run';
COMMENT ON COLUMN devapp.restore.data IS 'Whether rows have been restored';
COMMENT ON COLUMN devapp.restore.problem IS 'Problem found at the end of the restore';
SELECT devapp_internal.grant_on('TABLE', 'devapp.restore', 'SELECT', 'admin');
