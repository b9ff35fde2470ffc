-- Tokens: the keys that sign them, and what is sealed with the keyring.

CREATE TABLE devapp.signing_key (
    kid text COLLATE "C" NOT NULL,
    key_id uuid NOT NULL DEFAULT devapp.uuid_v7(),
    alg text NOT NULL,
    status text NOT NULL DEFAULT 'next',
    jwk jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    activated_at timestamptz,
    retired_at timestamptz,
    verify_until timestamptz,
    compromised_at timestamptz,
    longest_lifetime interval NOT NULL DEFAULT '0',
    decided_by text,
    decided_at timestamptz,
    decision_note text,
    CONSTRAINT signing_key_pkey PRIMARY KEY (kid),
    CONSTRAINT signing_key_retired_is_published_until CHECK ((status = 'retired') = (verify_until IS NOT NULL))
);
COMMENT ON TABLE devapp.signing_key IS 'Keys that sign or signed tokens; private parts are in sealed_key while they may sign';
COMMENT ON COLUMN devapp.signing_key.kid IS 'Thumbprint of the public key (RFC 7638), the kid of its tokens';
COMMENT ON COLUMN devapp.signing_key.key_id IS 'Id by which backends are notified of changes of the row';
COMMENT ON COLUMN devapp.signing_key.alg IS 'EdDSA, ES256 or RS256';
COMMENT ON COLUMN devapp.signing_key.status IS 'next: published, does not sign yet; active: signs; retired: no longer signs';
COMMENT ON COLUMN devapp.signing_key.jwk IS 'The public key as a JWK (RFC 7517)';
COMMENT ON COLUMN devapp.signing_key.activated_at IS 'When it started to sign';
COMMENT ON COLUMN devapp.signing_key.retired_at IS 'When it stopped signing';
COMMENT ON COLUMN devapp.signing_key.verify_until IS 'When its last token has expired; until then it is published and verifies tokens';
COMMENT ON COLUMN devapp.signing_key.compromised_at IS 'When its tokens were revoked because its private part may have leaked';
COMMENT ON COLUMN devapp.signing_key.longest_lifetime IS 'Maximum lifetime of the tokens that it may have signed';
COMMENT ON COLUMN devapp.signing_key.decided_by IS 'Who last changed its status';
SELECT devapp_internal.grant_on('TABLE', 'devapp.signing_key', 'SELECT', 'admin');
SELECT pg_extension_config_dump('devapp.signing_key', '');
CREATE UNIQUE INDEX signing_key_active_key ON devapp.signing_key (alg) WHERE status = 'active';

-- Nobody but the owner reads it.  Dumps have it, because it is sealed.
CREATE TABLE devapp.sealed_key (
    subject text COLLATE "C" NOT NULL,
    sealed bytea NOT NULL,
    sealed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT sealed_key_pkey PRIMARY KEY (subject)
);
COMMENT ON TABLE devapp.sealed_key IS 'Private keys and shared secrets, sealed with keys of devapp.keyring_file';
COMMENT ON COLUMN devapp.sealed_key.subject IS 'What it belongs to: signing_key/KID or token_issuer/ISSUER';
COMMENT ON COLUMN devapp.sealed_key.sealed IS 'Number of the key that seals it, nonce and ciphertext; see src/token/keyring.c';
COMMENT ON COLUMN devapp.sealed_key.sealed_at IS 'When it was last sealed';
SELECT pg_extension_config_dump('devapp.sealed_key', '');

-- Tokens that are over before they expire.
CREATE TABLE devapp.revoked_token (
    token_id uuid NOT NULL,
    jti text NOT NULL,
    credential_id uuid,
    expires_at timestamptz NOT NULL,
    revoked_by text NOT NULL,
    revoked_at timestamptz NOT NULL DEFAULT now(),
    note text,
    CONSTRAINT revoked_token_pkey PRIMARY KEY (token_id),
    CONSTRAINT revoked_token_credential_id_fkey FOREIGN KEY (credential_id) REFERENCES devapp.credential
);
COMMENT ON TABLE devapp.revoked_token IS 'Tokens that were revoked before they expired; rows are removed after the expiry';
COMMENT ON COLUMN devapp.revoked_token.token_id IS 'Digest of the jti, by which backends are notified';
COMMENT ON COLUMN devapp.revoked_token.jti IS 'The jti of the token';
COMMENT ON COLUMN devapp.revoked_token.credential_id IS 'Credential that it was issued for; null: it was revoked by its jti alone';
COMMENT ON COLUMN devapp.revoked_token.expires_at IS 'When it has expired, allowing for clock differences';
COMMENT ON COLUMN devapp.revoked_token.revoked_by IS 'Who revoked it';
SELECT devapp_internal.grant_on('TABLE', 'devapp.revoked_token', 'SELECT', 'admin');
SELECT pg_extension_config_dump('devapp.revoked_token', '');
CREATE INDEX revoked_token_expires_at_idx ON devapp.revoked_token (expires_at);

CREATE TABLE devapp.client_key (
    credential_id uuid NOT NULL,
    kid text COLLATE "C" NOT NULL,
    alg text NOT NULL,
    jwk jsonb NOT NULL,
    added_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT client_key_pkey PRIMARY KEY (credential_id, kid),
    CONSTRAINT client_key_credential_id_fkey FOREIGN KEY (credential_id) REFERENCES devapp.credential
);
COMMENT ON TABLE devapp.client_key IS 'Public keys that authenticate OAuth clients (private_key_jwt)';
COMMENT ON COLUMN devapp.client_key.kid IS 'Key id given by the client, else the thumbprint (RFC 7638)';
COMMENT ON COLUMN devapp.client_key.alg IS 'EdDSA, ES256 or RS256';
COMMENT ON COLUMN devapp.client_key.jwk IS 'The public key as a JWK (RFC 7517)';
SELECT devapp_internal.grant_on('TABLE', 'devapp.client_key', 'SELECT', 'admin', 'developer');
SELECT pg_extension_config_dump('devapp.client_key', '');

-- Its primary key lets one use through; see src/token/assertion.c.
CREATE TABLE devapp.used_assertion (
    credential_id uuid NOT NULL,
    jti_digest bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT used_assertion_pkey PRIMARY KEY (credential_id, jti_digest),
    CONSTRAINT used_assertion_credential_id_fkey FOREIGN KEY (credential_id) REFERENCES devapp.credential
);
COMMENT ON TABLE devapp.used_assertion IS 'Used assertions of OAuth clients; rows are removed after they expire';
COMMENT ON COLUMN devapp.used_assertion.jti_digest IS 'SHA-256 of its jti';
COMMENT ON COLUMN devapp.used_assertion.expires_at IS 'When it has expired, allowing for clock differences';
SELECT pg_extension_config_dump('devapp.used_assertion', '');
CREATE INDEX used_assertion_expires_at_idx ON devapp.used_assertion (expires_at);

-- Other issuers of tokens.
CREATE TABLE devapp.token_issuer (
    issuer text COLLATE "C" NOT NULL,
    issuer_id uuid NOT NULL DEFAULT devapp.uuid_v7(),
    jwks jsonb NOT NULL,
    secrets integer NOT NULL DEFAULT 0,
    audience text[] NOT NULL,
    claim text NOT NULL,
    names text NOT NULL,
    is_active boolean NOT NULL DEFAULT true,
    keys_set_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT token_issuer_pkey PRIMARY KEY (issuer)
);
COMMENT ON TABLE devapp.token_issuer IS 'Trusted token issuers, such as identity providers';
COMMENT ON COLUMN devapp.token_issuer.issuer IS 'The exact iss of its tokens';
COMMENT ON COLUMN devapp.token_issuer.issuer_id IS 'Id by which backends are notified of changes of the row';
COMMENT ON COLUMN devapp.token_issuer.jwks IS 'Its public keys (RFC 7517)';
COMMENT ON COLUMN devapp.token_issuer.secrets IS 'Number of its shared secrets (HS256), which are sealed';
COMMENT ON COLUMN devapp.token_issuer.audience IS 'Accepted audiences of its tokens';
COMMENT ON COLUMN devapp.token_issuer.claim IS 'Claim that names the holder of a token';
COMMENT ON COLUMN devapp.token_issuer.names IS 'What the claim names: client (consumer key), app (id or owner/name) or developer (e-mail or id)';
COMMENT ON COLUMN devapp.token_issuer.is_active IS 'Whether its tokens are accepted';
COMMENT ON COLUMN devapp.token_issuer.keys_set_at IS 'When the keys were last stored';
SELECT devapp_internal.grant_on('TABLE', 'devapp.token_issuer', 'SELECT', 'admin');
SELECT pg_extension_config_dump('devapp.token_issuer', '');
