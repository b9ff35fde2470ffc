-- Credentials, the versions of their secrets, and the products they are for.

CREATE TABLE devapp.credential (
    credential_id uuid NOT NULL DEFAULT devapp.uuid_v7(),
    app_id uuid NOT NULL,
    kind text NOT NULL DEFAULT 'api_key',
    label text,
    consumer_key text COLLATE "C" NOT NULL,
    environment text,
    status text NOT NULL DEFAULT 'approved',
    scopes text[] NOT NULL DEFAULT '{}',
    allowed_cidrs cidr[] NOT NULL DEFAULT '{}',
    attributes jsonb NOT NULL DEFAULT '{}',
    issued_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    replaces uuid,
    deleted_at timestamptz,
    decided_by text,
    decided_at timestamptz,
    decision_note text,
    CONSTRAINT credential_pkey PRIMARY KEY (credential_id),
    CONSTRAINT credential_app_id_fkey FOREIGN KEY (app_id) REFERENCES devapp.app,
    CONSTRAINT credential_deleted_check CHECK (deleted_at IS NULL OR status <> 'approved'),
    CONSTRAINT credential_consumer_key_key UNIQUE (consumer_key)
);
COMMENT ON TABLE devapp.credential IS 'A consumer key of an app';
COMMENT ON COLUMN devapp.credential.kind IS 'api_key, oauth_client, or jwt: the secret is a signed token';
COMMENT ON COLUMN devapp.credential.label IS 'What people call it, such as "CI server"';
COMMENT ON COLUMN devapp.credential.consumer_key IS 'Public part of the key, and the client id: fit for lists and logs';
COMMENT ON COLUMN devapp.credential.environment IS 'The only environment that it works in; null: every one';
COMMENT ON COLUMN devapp.credential.status IS 'approved, revoked, or compromised: revoked for ever, because somebody else may know the secret';
COMMENT ON COLUMN devapp.credential.scopes IS 'OAuth scopes that it asks for; none: those of the app';
COMMENT ON COLUMN devapp.credential.allowed_cidrs IS 'Networks that its clients may call from, within those of the app; none: all of those';
COMMENT ON COLUMN devapp.credential.expires_at IS 'When it stops working; null: never; cannot be changed';
COMMENT ON COLUMN devapp.credential.replaces IS 'The credential of the same app that it was issued to replace; cannot be changed';
COMMENT ON COLUMN devapp.credential.deleted_at IS 'When it was deleted; the row stays for the history';
SELECT devapp_internal.grant_on('TABLE', 'devapp.credential', 'SELECT, INSERT, UPDATE', 'admin');
SELECT devapp_internal.grant_on('TABLE', 'devapp.credential', 'SELECT', 'developer');
SELECT pg_extension_config_dump('devapp.credential', '');
CREATE INDEX credential_app_id_idx ON devapp.credential (app_id);
CREATE INDEX credential_replaces_idx ON devapp.credential (replaces) WHERE replaces IS NOT NULL;

-- No constraint of this table may have a digest in it: a violation prints the value.
CREATE TABLE devapp.credential_secret (
    secret_id uuid NOT NULL DEFAULT devapp.uuid_v7(),
    credential_id uuid NOT NULL,
    version integer NOT NULL,
    purpose text NOT NULL,
    digest devapp.secret_digest NOT NULL,
    scheme text NOT NULL,
    valid_from timestamptz NOT NULL DEFAULT now(),
    superseded_at timestamptz,
    valid_until timestamptz,
    ended_at timestamptz,
    kid text COLLATE "C",
    CONSTRAINT credential_secret_pkey PRIMARY KEY (secret_id),
    CONSTRAINT credential_secret_credential_id_fkey FOREIGN KEY (credential_id) REFERENCES devapp.credential,
    CONSTRAINT credential_secret_version_key UNIQUE (credential_id, version)
);
COMMENT ON TABLE devapp.credential_secret IS 'A version of the secret of a credential';
COMMENT ON COLUMN devapp.credential_secret.purpose IS 'api_key, client_secret, or token; a secret that is presented as another purpose is not found';
COMMENT ON COLUMN devapp.credential_secret.digest IS 'What is kept of the secret';
COMMENT ON COLUMN devapp.credential_secret.scheme IS 'How a secret leads to its row and is compared: blake2b, by the consumer key in it; sha256, sha512_256: by its digest, because it was made elsewhere; crypt, argon2id, scrypt, pbkdf2_sha256: by the client id, compared with a slow hash';
COMMENT ON COLUMN devapp.credential_secret.superseded_at IS 'When a newer version took its place; null: it is the current one';
COMMENT ON COLUMN devapp.credential_secret.valid_until IS 'Until when a superseded version works';
COMMENT ON COLUMN devapp.credential_secret.ended_at IS 'When a person ended it (devapp.complete_rotation, devapp.cancel_rotation, or a rotation without an overlap): it works no more, whatever the clock says; null: nobody has';
COMMENT ON COLUMN devapp.credential_secret.kid IS 'The key that signed it, where it is a token';
SELECT devapp_internal.grant_on('TABLE', 'devapp.credential_secret', 'SELECT, INSERT, UPDATE', 'admin');
SELECT devapp_internal.grant_on('TABLE', 'devapp.credential_secret', 'SELECT (secret_id, credential_id, version, purpose, scheme, valid_from, superseded_at, valid_until, ended_at, kid)', 'developer');
SELECT pg_extension_config_dump('devapp.credential_secret', '');
CREATE UNIQUE INDEX credential_secret_current_key ON devapp.credential_secret (credential_id) WHERE superseded_at IS NULL;
-- has only what was made elsewhere; whether there is any is asked for each key that does not have our shape
CREATE INDEX credential_secret_foreign_idx ON devapp.credential_secret (purpose, scheme) WHERE scheme <> 'blake2b';
CREATE INDEX credential_secret_digest_idx ON devapp.credential_secret USING hash (digest);

-- An association that was removed stays as history, and a later one with the same
-- product is a row of its own: (credential_id, product_id) is the key of those
-- that count.
CREATE TABLE devapp.credential_product (
    credential_id uuid NOT NULL,
    product_id uuid NOT NULL,
    ordinal bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY,
    status text NOT NULL DEFAULT 'pending',
    decided_by text,
    decided_at timestamptz,
    decision_note text,
    created_at timestamptz NOT NULL DEFAULT now(),
    removed_at timestamptz,
    CONSTRAINT credential_product_pkey PRIMARY KEY (ordinal),
    CONSTRAINT credential_product_credential_id_fkey FOREIGN KEY (credential_id) REFERENCES devapp.credential,
    CONSTRAINT credential_product_product_id_fkey FOREIGN KEY (product_id) REFERENCES devapp.product
);
COMMENT ON TABLE devapp.credential_product IS 'An association: a credential asks for a product, and has it or not';
COMMENT ON COLUMN devapp.credential_product.ordinal IS 'Ascends with the order of association: the first product that covers a request answers';
COMMENT ON COLUMN devapp.credential_product.status IS 'pending, approved or revoked';
COMMENT ON COLUMN devapp.credential_product.decided_by IS 'Role that last changed the status; rule:NAME: that rule; auto: nobody had to';
COMMENT ON COLUMN devapp.credential_product.removed_at IS 'When the association was removed; the row stays for the history';
SELECT devapp_internal.grant_on('SEQUENCE', 'devapp.credential_product_ordinal_seq', 'USAGE, SELECT', 'admin');
SELECT devapp_internal.grant_on('TABLE', 'devapp.credential_product', 'SELECT, INSERT, UPDATE', 'admin');
SELECT devapp_internal.grant_on('TABLE', 'devapp.credential_product', 'SELECT', 'developer');
SELECT pg_extension_config_dump('devapp.credential_product', '');
SELECT pg_extension_config_dump('devapp.credential_product_ordinal_seq', '');
CREATE UNIQUE INDEX credential_product_key ON devapp.credential_product (credential_id, product_id) WHERE removed_at IS NULL;
-- one credential's association with a product, removed ones too: with each new credential of
-- an app all its others are asked for theirs
CREATE INDEX credential_product_product_id_idx ON devapp.credential_product (product_id, credential_id);
-- what was taken from an app is rare, and looked for whenever it asks for the product
CREATE INDEX credential_product_revoked_idx ON devapp.credential_product (product_id, credential_id) WHERE status = 'revoked';
CREATE INDEX credential_product_pending_idx ON devapp.credential_product (created_at) WHERE status = 'pending' AND removed_at IS NULL;
