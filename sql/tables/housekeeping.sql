-- When the worker did what time brings.  Not in a dump: after a restore the times
-- begin anew, so nothing is due while the rows are still coming.
CREATE TABLE devapp.housekeeping (
    task text NOT NULL,
    done_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT housekeeping_pkey PRIMARY KEY (task)
);
SELECT devapp_internal.grant_on('TABLE', 'devapp.housekeeping', 'SELECT', 'admin');

COMMENT ON TABLE devapp.housekeeping IS 'What the worker does regularly beside flushing';
COMMENT ON COLUMN devapp.housekeeping.task IS 'Function of devapp that it calls';
COMMENT ON COLUMN devapp.housekeeping.done_at IS 'When it last did; at first, when the worker first came by. An earlier time makes the task due';
