-- Rules of the columns of credentials (src/model/validate.c), columns that are fixed,
-- lifecycles (src/model/lifecycle_core.c), and rows that stay.

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.credential FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_immutable('credential_id', 'app_id', 'kind', 'consumer_key', 'environment',
                                            'issued_at', 'expires_at', 'replaces');
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.credential FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_row('kind:in api_key oauth_client jwt', 'label:text', 'environment:environment', 'scopes:scopes', 'allowed_cidrs:networks',
                                      'attributes:attributes', 'decision_note:description');
CREATE TRIGGER guard_status BEFORE INSERT OR UPDATE ON devapp.credential FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_status('credential', 'revoked,compromised=revoked_at');
-- Deleted is final.
CREATE TRIGGER guard_deleted BEFORE UPDATE ON devapp.credential FOR EACH ROW
    WHEN (OLD.deleted_at IS NOT NULL)
    EXECUTE FUNCTION devapp_internal.guard_immutable('deleted_at', 'status');
-- A restore brings the rows in any order.
CREATE TRIGGER guard_replaces BEFORE INSERT ON devapp.credential FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.as_owner('guard_replaces', 'unless restoring', 'replaces');
CREATE TRIGGER guard_delete BEFORE DELETE ON devapp.credential
    EXECUTE FUNCTION devapp_internal.guard_delete('Use devapp.delete_credential.');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.credential
    EXECUTE FUNCTION devapp_internal.guard_delete('Use devapp.delete_credential.');

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.credential_secret FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_immutable('secret_id', 'credential_id', 'version', 'purpose', 'digest', 'scheme',
                                            'valid_from', 'kid');
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.credential_secret FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_row('secret_id:required', 'credential_id:required', 'version:positive_int4', 'version:required',
                                      'purpose:in api_key client_secret token', 'digest:required', 'scheme:in blake2b sha256 sha512_256 crypt argon2id scrypt pbkdf2_sha256',
                                      'valid_from:required');
CREATE TRIGGER guard_secret BEFORE UPDATE ON devapp.credential_secret FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_secret();
CREATE TRIGGER guard_delete BEFORE DELETE ON devapp.credential_secret
    EXECUTE FUNCTION devapp_internal.guard_delete('Use devapp.complete_rotation or devapp.revoke_credential.');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.credential_secret
    EXECUTE FUNCTION devapp_internal.guard_delete('Use devapp.complete_rotation or devapp.revoke_credential.');

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.credential_product FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_immutable('credential_id', 'product_id', 'ordinal', 'created_at');
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.credential_product FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_row('decision_note:description');
CREATE TRIGGER guard_status BEFORE INSERT OR UPDATE ON devapp.credential_product FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_status('credential_product');
CREATE TRIGGER guard_delete BEFORE DELETE ON devapp.credential_product
    EXECUTE FUNCTION devapp_internal.guard_delete('Use devapp.remove_credential_product.');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.credential_product
    EXECUTE FUNCTION devapp_internal.guard_delete('Use devapp.remove_credential_product.');
