-- The signature of a secret scanner over its report; see src/token/verify_scanner.c.

CREATE FUNCTION devapp.verify_scanner_signature(body text, signature text, public_key text) RETURNS boolean
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_verify_scanner_text';
COMMENT ON FUNCTION devapp.verify_scanner_signature(text, text, text) IS
    'Whether a secret scanner signed this body with the key (ECDSA P-256 with SHA-256; signature in DER and base64, key in PEM); false where one of them is null';
SELECT devapp_internal.grant_to('devapp.verify_scanner_signature(text, text, text)', 'admin', 'scanner');

CREATE FUNCTION devapp.verify_scanner_signature(body bytea, signature text, public_key text) RETURNS boolean
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_verify_scanner_bytes';
COMMENT ON FUNCTION devapp.verify_scanner_signature(bytea, text, text) IS
    'The same of a body in bytes, as it came';
SELECT devapp_internal.grant_to('devapp.verify_scanner_signature(bytea, text, text)', 'admin', 'scanner');
