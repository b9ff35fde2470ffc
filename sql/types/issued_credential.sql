-- What a call that makes a secret returns.  src/issue.c fills it in.

CREATE TYPE devapp.issued_credential AS (
    app_id uuid,
    app_status text,
    credential_id uuid,
    kind text,
    consumer_key text,
    secret text,
    secret_version integer,
    status text,
    environment text,
    products text[],
    expires_at timestamptz,
    previous_valid_until timestamptz
);
SELECT devapp_internal.grant_on('TYPE', 'devapp.issued_credential', 'USAGE', 'admin', 'developer');

COMMENT ON TYPE devapp.issued_credential IS 'A credential with its new secret: the only place where a secret ever appears';
COMMENT ON COLUMN devapp.issued_credential.consumer_key IS 'Public part: fit for lists and logs; the client id of an oauth_client';
COMMENT ON COLUMN devapp.issued_credential.secret IS 'The whole key, or client secret: shown once, stored nowhere';
COMMENT ON COLUMN devapp.issued_credential.previous_valid_until IS 'After a rotation: until when the old secret works';
