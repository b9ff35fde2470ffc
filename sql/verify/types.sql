-- The answer of a verification.  src/decide/verdict.c forms it, src/decide/decide_core.h has
-- the codes; the order of the codes is the order of the checks.

CREATE TYPE devapp.verdict_code AS ENUM (
    'VALID',
    'MALFORMED', 'NOT_FOUND', 'TOKEN_REVOKED', 'PROOF_REQUIRED',
    'EXPIRED', 'SUPERSEDED', 'CREDENTIAL_REVOKED',
    'APP_PENDING', 'APP_REJECTED', 'APP_SUSPENDED', 'APP_REVOKED', 'APP_DELETED',
    'OWNER_INACTIVE',
    'NO_PRODUCT', 'PRODUCT_PENDING', 'PRODUCT_REVOKED',
    'RESOURCE_FORBIDDEN', 'METHOD_FORBIDDEN', 'PROXY_FORBIDDEN', 'ENVIRONMENT_FORBIDDEN',
    'SCOPE_INSUFFICIENT', 'ADDRESS_FORBIDDEN',
    'UNAVAILABLE', 'STALE',
    'QUOTA_EXCEEDED', 'RATE_LIMITED'
);
COMMENT ON TYPE devapp.verdict_code IS 'Outcome of a verification, in the order of the checks; UNAVAILABLE and STALE come first';
SELECT devapp_internal.grant_on('TYPE', 'devapp.verdict_code', 'USAGE', 'admin', 'developer', 'gateway', 'auditor');

CREATE TYPE devapp.verdict AS (
    allowed boolean,
    code devapp.verdict_code,
    fault text,
    http_status integer,
    app_id uuid,
    app_name text,
    owner text,
    credential_id uuid,
    consumer_key text,
    product text,
    environment text,
    scopes text[],
    expires_at timestamptz,
    superseded_until timestamptz,
    quota_limit bigint,
    quota_remaining bigint,
    quota_reset_at timestamptz,
    retry_after interval,
    pending_products text[]
);
COMMENT ON TYPE devapp.verdict IS 'Result of verify_key and its variants';
COMMENT ON COLUMN devapp.verdict.allowed IS 'Whether the call is allowed';
COMMENT ON COLUMN devapp.verdict.code IS 'Exact reason';
COMMENT ON COLUMN devapp.verdict.fault IS 'Fault in Apigee''s terms; devapp.LimitsOutOfMemory: devapp.quota_size left no room for the call';
COMMENT ON COLUMN devapp.verdict.http_status IS 'HTTP status for the response to the call';
COMMENT ON COLUMN devapp.verdict.owner IS 'E-mail of the developer or name of the team';
COMMENT ON COLUMN devapp.verdict.product IS 'Product that answered, or came closest';
COMMENT ON COLUMN devapp.verdict.environment IS 'Environment of the credential, else the requested one';
COMMENT ON COLUMN devapp.verdict.scopes IS 'Scopes of the credential for this product, if allowed';
COMMENT ON COLUMN devapp.verdict.expires_at IS 'When the credential expires; null: never';
COMMENT ON COLUMN devapp.verdict.superseded_until IS 'When the presented secret, which was rotated, stops working';
COMMENT ON COLUMN devapp.verdict.quota_limit IS 'Calls in the quota''s window; null where nothing is counted';
COMMENT ON COLUMN devapp.verdict.quota_remaining IS 'Calls left in the window; null where nothing is counted';
COMMENT ON COLUMN devapp.verdict.quota_reset_at IS 'End of the window; null where nothing is counted';
COMMENT ON COLUMN devapp.verdict.retry_after IS 'How long to wait before the next call; null where nothing is counted';
COMMENT ON COLUMN devapp.verdict.pending_products IS 'Names of the credential''s pending products, sorted; null: none';
SELECT devapp_internal.grant_on('TYPE', 'devapp.verdict', 'USAGE', 'admin', 'gateway');
