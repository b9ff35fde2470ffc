-- Rules of tokens and of their keys; backends hear of their changes.

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.signing_key FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_immutable('kid', 'key_id', 'alg', 'jwk', 'created_at');
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.signing_key FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_row('kid:required', 'alg:in EdDSA ES256 RS256', 'jwk:required', 'longest_lifetime:required', 'decision_note:description');
CREATE TRIGGER guard_status BEFORE INSERT OR UPDATE ON devapp.signing_key FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_status('signing_key', 'retired=retired_at');
CREATE TRIGGER guard_delete BEFORE DELETE OR TRUNCATE ON devapp.signing_key
    EXECUTE FUNCTION devapp_internal.guard_delete('Use devapp.retire_signing_key.');
CREATE TRIGGER invalidate_cache AFTER INSERT OR UPDATE OR DELETE ON devapp.signing_key FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.invalidate_cache('key_id');
ALTER TABLE devapp.signing_key ENABLE ALWAYS TRIGGER invalidate_cache;

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.sealed_key FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_immutable('subject');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.sealed_key
    EXECUTE FUNCTION devapp_internal.guard_delete('Retire the signing keys instead.');

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.revoked_token FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_immutable('token_id', 'jti', 'credential_id', 'revoked_at');
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.revoked_token FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_row('note:description');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.revoked_token
    EXECUTE FUNCTION devapp_internal.guard_delete('Rows are removed when their tokens have expired.');
CREATE TRIGGER invalidate_cache AFTER INSERT OR UPDATE OR DELETE ON devapp.revoked_token FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.invalidate_cache('token_id');
ALTER TABLE devapp.revoked_token ENABLE ALWAYS TRIGGER invalidate_cache;

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.client_key FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_immutable('credential_id', 'kid', 'alg', 'jwk', 'added_at');
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.client_key FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_row('credential_id:required', 'kid:no_key', 'alg:in EdDSA ES256 RS256', 'jwk:required', 'added_at:required');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.client_key
    EXECUTE FUNCTION devapp_internal.guard_delete('Use devapp.set_client_keys.');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.used_assertion
    EXECUTE FUNCTION devapp_internal.guard_delete('Rows are removed when their assertions have expired.');
CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.token_issuer FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_immutable('issuer', 'issuer_id', 'created_at');
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.token_issuer FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_row('issuer:required', 'issuer:description', 'jwks:required', 'audience:no_keys', 'claim:required', 'claim:text', 'names:required', 'names:in client app developer',
                                      'is_active:required');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.token_issuer
    EXECUTE FUNCTION devapp_internal.guard_delete('Use devapp.delete_token_issuer.');
CREATE TRIGGER invalidate_cache AFTER INSERT OR UPDATE OR DELETE ON devapp.token_issuer FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.invalidate_cache('issuer_id');
ALTER TABLE devapp.token_issuer ENABLE ALWAYS TRIGGER invalidate_cache;
