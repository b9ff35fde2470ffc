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
COMMENT ON TABLE devapp.credential IS 'Credentials of apps, each with a consumer key';
COMMENT ON COLUMN devapp.credential.kind IS 'api_key, oauth_client, or jwt: the secret is a signed token';
COMMENT ON COLUMN devapp.credential.label IS 'Label for people, such as "CI server"';
COMMENT ON COLUMN devapp.credential.consumer_key IS 'Public part of the key, and the client id; safe to list and log';
COMMENT ON COLUMN devapp.credential.environment IS 'The only environment in which it works; null: all';
COMMENT ON COLUMN devapp.credential.status IS 'approved, revoked, or compromised: revoked permanently because the secret may have leaked';
COMMENT ON COLUMN devapp.credential.scopes IS 'OAuth scopes that it requests; empty: those of the app';
COMMENT ON COLUMN devapp.credential.allowed_cidrs IS 'Networks that its clients may call from, within those of the app; empty: all of those';
COMMENT ON COLUMN devapp.credential.expires_at IS 'When it stops working, which cannot be changed; null: never';
COMMENT ON COLUMN devapp.credential.replaces IS 'Credential of the same app that it replaces, which cannot be changed';
COMMENT ON COLUMN devapp.credential.deleted_at IS 'When it was deleted; the row is kept for the history';
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
COMMENT ON TABLE devapp.credential_secret IS 'Versions of the secrets of credentials';
COMMENT ON COLUMN devapp.credential_secret.purpose IS 'api_key, client_secret or token; a secret presented for another purpose is not found';
COMMENT ON COLUMN devapp.credential_secret.digest IS 'Digest of the secret';
COMMENT ON COLUMN devapp.credential_secret.scheme IS 'How the secret is verified: blake2b, or the hash of an imported one, such as sha256, crypt or argon2id';
COMMENT ON COLUMN devapp.credential_secret.superseded_at IS 'When a newer version replaced it; null: it is current';
COMMENT ON COLUMN devapp.credential_secret.valid_until IS 'When a superseded version stops working';
COMMENT ON COLUMN devapp.credential_secret.ended_at IS 'When it was ended by hand, such as by devapp.complete_rotation; null: it was not';
COMMENT ON COLUMN devapp.credential_secret.kid IS 'Signing key, if the secret is a token';
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
COMMENT ON TABLE devapp.credential_product IS 'Products that credentials have or request';
COMMENT ON COLUMN devapp.credential_product.ordinal IS 'Order of the products: the first one that covers a request answers';
COMMENT ON COLUMN devapp.credential_product.status IS 'pending, approved or revoked';
COMMENT ON COLUMN devapp.credential_product.decided_by IS 'Role that last changed the status; rule:NAME: approval rule; auto: automatic';
COMMENT ON COLUMN devapp.credential_product.removed_at IS 'When the product was removed; the row is kept for the history';
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
