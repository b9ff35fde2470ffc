-- What issue_token returns.  src/token/issue_token.c fills it in.

CREATE TYPE devapp.issued_token AS (
    token text,
    token_type text,
    expires_in integer,
    scope text,
    jti text
);
COMMENT ON TYPE devapp.issued_token IS 'An access token, which is shown nowhere else';
COMMENT ON COLUMN devapp.issued_token.token IS 'The token, a signed JWT, which is shown only once and not stored';
COMMENT ON COLUMN devapp.issued_token.token_type IS 'Bearer, or DPoP if each call needs a proof';
COMMENT ON COLUMN devapp.issued_token.expires_in IS 'Lifetime in seconds';
COMMENT ON COLUMN devapp.issued_token.scope IS 'Scopes that it has, separated by spaces; null: none';
COMMENT ON COLUMN devapp.issued_token.jti IS 'Public id of the token, for logs and devapp.revoke_token';
SELECT devapp_internal.grant_on('TYPE', 'devapp.issued_token', 'USAGE', 'admin', 'developer', 'gateway');
