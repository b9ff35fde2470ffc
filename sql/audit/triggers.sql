-- The audit trail; see src/audit/audit_row.c.  AFTER triggers of a row fire by name, and
-- audit_row comes before follow_app_status: an app's own event before those of what
-- it takes along.

CREATE FUNCTION devapp_internal.audit_row() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_audit_row';

CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON devapp.developer FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.audit_row('developer', 'id=developer_id', 'person=email,first_name,last_name,user_name,attributes');
CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON devapp.team FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.audit_row('team', 'id=team_id');
CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON devapp.team_member FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.audit_row('team_member', 'id=team_id,developer_id');
CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON devapp.team_invitation FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.audit_row('team_invitation', 'id=invitation_id', 'person=email');
CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON devapp.registration_policy FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.audit_row('registration_policy', 'id=only_row');
CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON devapp.product FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.audit_row('product', 'id=product_id');
CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON devapp.product_operation FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.audit_row('product_operation', 'id=product_id,operation_id');
CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON devapp.app FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.audit_row('app', 'id=app_id');
CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON devapp.credential FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.audit_row('credential', 'id=credential_id');
CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON devapp.credential_secret FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.audit_row('credential_secret', 'id=secret_id', 'version=version', 'hide=digest');
CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON devapp.credential_product FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.audit_row('credential_product', 'id=ordinal');
CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON devapp.approval_rule FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.audit_row('approval_rule', 'id=rule_id');
CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON devapp.product_approver FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.audit_row('product_approver', 'id=approver_id');
CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON devapp.approval_setting FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.audit_row('approval_setting', 'id=name');
CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON devapp.app_quota FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.audit_row('app_quota', 'id=app_id,product_id');
CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON devapp.notification_recipient FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.audit_row('notification_recipient', 'id=recipient_id', 'person=email', 'hide=webhook_url');
CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON devapp.signing_key FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.audit_row('signing_key', 'id=kid');
CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON devapp.client_key FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.audit_row('client_key', 'id=credential_id,kid');
CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON devapp.token_issuer FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.audit_row('token_issuer', 'id=issuer');

-- Only what devapp.reset_quota does; what calls use is no change of the model.
CREATE TRIGGER audit_row AFTER UPDATE ON devapp.quota_usage FOR EACH ROW WHEN (NEW.resets <> OLD.resets)
    EXECUTE FUNCTION devapp_internal.audit_row('quota_usage', 'id=app_id,product_id', 'show=operation_id,environment,window_start');

CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON devapp.usage_correction FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.audit_row('usage_correction', 'id=correction_id');

CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON devapp.legal_hold FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.audit_row('legal_hold', 'id=hold_id');
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.legal_hold FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_row('note:description');

CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON devapp.leak_policy FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.audit_row('leak_policy', 'id=only_row');
CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON devapp.leak FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.audit_row('leak', 'id=secret_id');

CREATE TRIGGER audit_row AFTER INSERT OR UPDATE ON devapp.revoked_token FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.audit_row('revoked_token', 'id=token_id');
