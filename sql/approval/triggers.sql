-- A product or a team that is deleted takes its approvers' rights along.  As the
-- owner of the tables: who deletes a team need have no right to this table.

CREATE FUNCTION devapp_internal.forget_approvers() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- before anything of the row is looked at: its types could be anybody's
    PERFORM devapp_internal.require_own_table(TG_RELID);
    IF TG_TABLE_NAME = 'team' THEN
        DELETE FROM devapp.product_approver a WHERE a.team_id = NEW.team_id;
    ELSE
        DELETE FROM devapp.product_approver a WHERE a.product_id = NEW.product_id;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER forget_approvers AFTER UPDATE OF deleted_at ON devapp.team FOR EACH ROW
    WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)
    EXECUTE FUNCTION devapp_internal.as_owner('forget_approvers');
CREATE TRIGGER forget_approvers AFTER UPDATE OF deleted_at ON devapp.product FOR EACH ROW
    WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)
    EXECUTE FUNCTION devapp_internal.as_owner('forget_approvers');

-- ---------- rules of columns, fixed columns, lifecycles, rows that stay ----------

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.approval_rule FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_immutable('rule_id', 'name', 'created_at');
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.approval_rule FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_row('name:name', 'priority:required', 'enabled:required', 'product:optional_name',
                                      'access:in? public private internal', 'email_domain:email_domain',
                                      'team:optional_name', 'developer_attributes:attributes',
                                      'app_attributes:attributes', 'team_attributes:attributes',
                                      'min_apps_owned:natural_int4', 'max_apps_owned:natural_int4',
                                      'decision:in approve hold reject', 'note:description');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.approval_rule
    EXECUTE FUNCTION devapp_internal.guard_delete('Use devapp.delete_approval_rule.');

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.product_approver FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_immutable('approver_id', 'product_id', 'team_id', 'role_name', 'created_at');
CREATE TRIGGER guard_row BEFORE INSERT ON devapp.product_approver FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_row('product_id:required', 'role_name:identifier');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.product_approver
    EXECUTE FUNCTION devapp_internal.guard_delete('Use devapp.remove_product_approver.');

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.approval_setting FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_immutable('name');
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.approval_setting FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_row('name:required', 'name:in app_approval', 'value:required',
                                      'value:in auto manual conditional');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.approval_setting
    EXECUTE FUNCTION devapp_internal.guard_delete('Use devapp.set_app_approval.');
