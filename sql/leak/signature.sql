-- The signature of a secret scanner over its report; see src/token/verify_scanner.c.

CREATE FUNCTION devapp.verify_scanner_signature(body text, signature text, public_key text) RETURNS boolean
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_verify_scanner_text';
COMMENT ON FUNCTION devapp.verify_scanner_signature(text, text, text) IS
    'Whether the key of a secret scanner signed this body (ECDSA P-256; signature in base64, key in PEM)';
SELECT devapp_internal.grant_to('devapp.verify_scanner_signature(text, text, text)', 'admin', 'scanner');

CREATE FUNCTION devapp.verify_scanner_signature(body bytea, signature text, public_key text) RETURNS boolean
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_verify_scanner_bytes';
COMMENT ON FUNCTION devapp.verify_scanner_signature(bytea, text, text) IS
    'Whether the key of a secret scanner signed this body, given as bytes';
SELECT devapp_internal.grant_to('devapp.verify_scanner_signature(bytea, text, text)', 'admin', 'scanner');
