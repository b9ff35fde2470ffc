-- Keys that were reported as leaked, and what is done about them.

CREATE TABLE devapp.leak_policy (
    only_row boolean NOT NULL DEFAULT true,
    action text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT leak_policy_pkey PRIMARY KEY (only_row),
    CONSTRAINT leak_policy_is_one CHECK (only_row)
);
COMMENT ON TABLE devapp.leak_policy IS 'What happens to a leaked key, in a single row; no row: it is revoked';
COMMENT ON COLUMN devapp.leak_policy.action IS 'revoke: the key stops working at once; notify: it keeps working, its owner and administrators are told';
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
COMMENT ON TABLE devapp.leak IS 'Leaked versions of secrets; a repeated report that changes nothing keeps the first one';
COMMENT ON COLUMN devapp.leak.action IS 'What was done: revoked, notified, or none if it no longer worked';
COMMENT ON COLUMN devapp.leak.source IS 'Where it was found, in the scanner''s terms';
COMMENT ON COLUMN devapp.leak.url IS 'URL where it was found; never contains a key';
COMMENT ON COLUMN devapp.leak.reported_at IS 'When it was reported, or revoked by a later report; see the audit trail for by whom';
SELECT devapp_internal.grant_on('TABLE', 'devapp.leak', 'SELECT', 'admin', 'developer');
SELECT pg_extension_config_dump('devapp.leak', '');
CREATE INDEX leak_credential_id_idx ON devapp.leak (credential_id);
