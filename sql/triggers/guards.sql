-- Rules of the columns (src/validate.c), columns that are fixed, lifecycles
-- (src/status_core.c), and rows that stay.

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.developer FOR EACH ROW
    EXECUTE FUNCTION devapp.guard_immutable('developer_id', 'created_at');
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.developer FOR EACH ROW
    EXECUTE FUNCTION devapp.guard_row('email:email', 'first_name:text', 'last_name:text', 'user_name:text',
                                      'attributes:attributes', 'decision_note:description');
CREATE TRIGGER guard_status BEFORE INSERT OR UPDATE ON devapp.developer FOR EACH ROW
    EXECUTE FUNCTION devapp.guard_status('developer', '');

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.team FOR EACH ROW
    EXECUTE FUNCTION devapp.guard_immutable('team_id', 'name', 'created_at');
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.team FOR EACH ROW
    EXECUTE FUNCTION devapp.guard_row('name:name', 'display_name:text', 'attributes:attributes',
                                      'decision_note:description');
CREATE TRIGGER guard_status BEFORE INSERT OR UPDATE ON devapp.team FOR EACH ROW
    EXECUTE FUNCTION devapp.guard_status('team', '');

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.team_member FOR EACH ROW
    EXECUTE FUNCTION devapp.guard_immutable('team_id', 'developer_id', 'created_at');
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.team_member FOR EACH ROW
    EXECUTE FUNCTION devapp.guard_row('role:in admin member');

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.product FOR EACH ROW
    EXECUTE FUNCTION devapp.guard_immutable('product_id', 'name', 'created_at');
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.product FOR EACH ROW
    EXECUTE FUNCTION devapp.guard_row('name:name', 'display_name:text', 'description:description',
                                      'approval:in auto manual', 'access:in public private internal',
                                      'environments:names', 'proxies:names', 'scopes:scopes',
                                      'quota_limit:positive_int8', 'quota_interval:positive_int4',
                                      'quota_unit:in? minute hour day week month',
                                      'quota_enforcement:in soft hard',
                                      'rate_limit:positive_float8', 'rate_burst:positive_int4',
                                      'attributes:attributes');

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.product_operation FOR EACH ROW
    EXECUTE FUNCTION devapp.guard_immutable('operation_id', 'product_id', 'created_at');
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.product_operation FOR EACH ROW
    EXECUTE FUNCTION devapp.guard_row('resource:required', 'methods:methods', 'proxy:optional_name',
                                      'quota_limit:positive_int8', 'quota_interval:positive_int4',
                                      'quota_unit:in? minute hour day week month');

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.app FOR EACH ROW
    EXECUTE FUNCTION devapp.guard_immutable('app_id', 'name', 'created_at');
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.app FOR EACH ROW
    EXECUTE FUNCTION devapp.guard_row('name:name', 'display_name:text', 'description:description',
                                      'callback_urls:callback_urls', 'scopes:scopes', 'app_family:text',
                                      'attributes:attributes', 'decision_note:description');
CREATE TRIGGER guard_status BEFORE INSERT OR UPDATE ON devapp.app FOR EACH ROW
    EXECUTE FUNCTION devapp.guard_status('app', '', 'deleted=deleted_at');

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.credential FOR EACH ROW
    EXECUTE FUNCTION devapp.guard_immutable('credential_id', 'app_id', 'kind', 'consumer_key', 'environment',
                                            'issued_at', 'expires_at');
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.credential FOR EACH ROW
    EXECUTE FUNCTION devapp.guard_row('kind:in api_key oauth_client', 'environment:label', 'scopes:scopes',
                                      'attributes:attributes', 'decision_note:description');
CREATE TRIGGER guard_status BEFORE INSERT OR UPDATE ON devapp.credential FOR EACH ROW
    EXECUTE FUNCTION devapp.guard_status('credential', 'compromised', 'revoked,compromised=revoked_at');

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.credential_secret FOR EACH ROW
    EXECUTE FUNCTION devapp.guard_immutable('secret_id', 'credential_id', 'version', 'purpose', 'digest', 'scheme',
                                            'valid_from');
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.credential_secret FOR EACH ROW
    EXECUTE FUNCTION devapp.guard_row('secret_id:required', 'credential_id:required', 'version:positive_int4', 'version:required',
                                      'purpose:in api_key client_secret', 'digest:required', 'scheme:in blake2b',
                                      'valid_from:required');

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.credential_product FOR EACH ROW
    EXECUTE FUNCTION devapp.guard_immutable('credential_id', 'product_id', 'ordinal', 'created_at');
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.credential_product FOR EACH ROW
    EXECUTE FUNCTION devapp.guard_row('decision_note:description');
CREATE TRIGGER guard_status BEFORE INSERT OR UPDATE ON devapp.credential_product FOR EACH ROW
    EXECUTE FUNCTION devapp.guard_status('credential_product', '');

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.approval_rule FOR EACH ROW
    EXECUTE FUNCTION devapp.guard_immutable('rule_id', 'name', 'created_at');
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.approval_rule FOR EACH ROW
    EXECUTE FUNCTION devapp.guard_row('name:name', 'priority:required', 'enabled:required', 'product:optional_name',
                                      'access:in? public private internal', 'email_domain:email_domain',
                                      'team:optional_name', 'developer_attributes:attributes',
                                      'app_attributes:attributes', 'team_attributes:attributes',
                                      'min_apps_owned:natural_int4', 'max_apps_owned:natural_int4',
                                      'decision:in approve hold reject', 'note:description');

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.product_approver FOR EACH ROW
    EXECUTE FUNCTION devapp.guard_immutable('approver_id', 'product_id', 'team_id', 'role_name', 'created_at');
CREATE TRIGGER guard_row BEFORE INSERT ON devapp.product_approver FOR EACH ROW
    EXECUTE FUNCTION devapp.guard_row('product_id:required', 'role_name:optional_name');

CREATE TRIGGER guard_delete BEFORE DELETE ON devapp.developer
    EXECUTE FUNCTION devapp.guard_delete('Use devapp.delete_developer.');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.developer
    EXECUTE FUNCTION devapp.guard_delete('Use devapp.delete_developer.');
CREATE TRIGGER guard_delete BEFORE DELETE ON devapp.team
    EXECUTE FUNCTION devapp.guard_delete('Use devapp.delete_team.');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.team
    EXECUTE FUNCTION devapp.guard_delete('Use devapp.delete_team.');
CREATE TRIGGER guard_delete BEFORE DELETE ON devapp.product
    EXECUTE FUNCTION devapp.guard_delete('Use devapp.delete_product.');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.product
    EXECUTE FUNCTION devapp.guard_delete('Use devapp.delete_product.');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.product_operation
    EXECUTE FUNCTION devapp.guard_delete('Use devapp.remove_operation; a product without operations covers every path.');
CREATE TRIGGER guard_delete BEFORE DELETE ON devapp.app
    EXECUTE FUNCTION devapp.guard_delete('Use devapp.delete_app.');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.app
    EXECUTE FUNCTION devapp.guard_delete('Use devapp.delete_app.');
CREATE TRIGGER guard_delete BEFORE DELETE ON devapp.credential
    EXECUTE FUNCTION devapp.guard_delete('Use devapp.revoke_credential.');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.credential
    EXECUTE FUNCTION devapp.guard_delete('Use devapp.revoke_credential.');
CREATE TRIGGER guard_delete BEFORE DELETE ON devapp.credential_secret
    EXECUTE FUNCTION devapp.guard_delete('Use devapp.complete_rotation or devapp.revoke_credential.');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.credential_secret
    EXECUTE FUNCTION devapp.guard_delete('Use devapp.complete_rotation or devapp.revoke_credential.');
CREATE TRIGGER guard_delete BEFORE DELETE ON devapp.credential_product
    EXECUTE FUNCTION devapp.guard_delete('Use devapp.remove_credential_product.');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.credential_product
    EXECUTE FUNCTION devapp.guard_delete('Use devapp.remove_credential_product.');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.approval_rule
    EXECUTE FUNCTION devapp.guard_delete('Use devapp.delete_approval_rule.');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.product_approver
    EXECUTE FUNCTION devapp.guard_delete('Use devapp.remove_product_approver.');
