-- Keys that were reported as leaked, and what is done about them.

CREATE TABLE devapp.leak_policy (
    only_row boolean NOT NULL DEFAULT true,
    action text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT leak_policy_pkey PRIMARY KEY (only_row),
    CONSTRAINT leak_policy_is_one CHECK (only_row)
);
COMMENT ON TABLE devapp.leak_policy IS 'What happens to a key that is reported as leaked: one row; no row: it is revoked';
COMMENT ON COLUMN devapp.leak_policy.action IS 'revoke: the key stops working at once; notify: its owner and the administrators are told, and it goes on working';
SELECT devapp_internal.grant_on('TABLE', 'devapp.leak_policy', 'SELECT', 'admin');
SELECT pg_extension_config_dump('devapp.leak_policy', '');

-- It refers to credentials and secrets without foreign keys: their rows are never deleted.
CREATE TABLE devapp.leak (
    secret_id uuid NOT NULL,
    credential_id uuid NOT NULL,
    action text NOT NULL,
    source text,
    url text,
    reported_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT leak_pkey PRIMARY KEY (secret_id)
);
COMMENT ON TABLE devapp.leak IS 'A version of a secret that was reported as leaked; a report that changes nothing leaves the first one';
COMMENT ON COLUMN devapp.leak.action IS 'What was done: revoked, notified, or none, because it did not work any more';
COMMENT ON COLUMN devapp.leak.source IS 'Where it was found, as the scanner calls it';
COMMENT ON COLUMN devapp.leak.url IS 'Where it was found; never with a key in it';
COMMENT ON COLUMN devapp.leak.reported_at IS 'When it was reported, or revoked by a later report; the audit trail says by whom';
SELECT devapp_internal.grant_on('TABLE', 'devapp.leak', 'SELECT', 'admin', 'developer');
SELECT pg_extension_config_dump('devapp.leak', '');
CREATE INDEX leak_credential_id_idx ON devapp.leak (credential_id);
