-- What issue_token returns.  src/token/issue_token.c fills it in.

CREATE TYPE devapp.issued_token AS (
    token text,
    token_type text,
    expires_in integer,
    scope text,
    jti text
);
COMMENT ON TYPE devapp.issued_token IS 'An access token: the only place where it ever appears';
COMMENT ON COLUMN devapp.issued_token.token IS 'The token, a signed JWT: shown once, stored nowhere';
COMMENT ON COLUMN devapp.issued_token.token_type IS 'Bearer, or DPoP if a proof must come with each call';
COMMENT ON COLUMN devapp.issued_token.expires_in IS 'Seconds that it works for';
COMMENT ON COLUMN devapp.issued_token.scope IS 'Scopes that it has, separated by spaces; null: none';
COMMENT ON COLUMN devapp.issued_token.jti IS 'What it is called, in logs and by devapp.revoke_token; no secret';
SELECT devapp_internal.grant_on('TYPE', 'devapp.issued_token', 'USAGE', 'admin', 'developer', 'gateway');
