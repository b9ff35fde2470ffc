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

-- A pending app of which nothing waits any more is approved, in the mode conditional: its last
-- product was decided on or removed, or the last key that waited was revoked.  What is refused, removed or revoked does not end
-- what a person decided before: of an app that a person rejected, and that was handed in
-- again, the owner would get round that person.  Then somebody has to approve one who may.
CREATE FUNCTION devapp_internal.settle_app(app_id uuid, may_overrule boolean, note text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_app devapp.app;
BEGIN
    IF devapp_internal.app_approval() <> 'conditional' THEN
        RETURN;
    END IF;
    the_app := devapp_internal.find_app(settle_app.app_id, true);
    IF the_app.status <> 'pending' THEN
        RETURN;
    END IF;
    IF devapp_internal.app_waits(the_app.app_id)
       OR NOT (devapp_internal.is_automatic(the_app.decided_by) OR may_overrule) THEN
        -- a new version of the row: who decides on the rest by an older snapshot is told so
        UPDATE devapp.app a SET name = a.name WHERE a.app_id = the_app.app_id;
        RETURN;
    END IF;
    UPDATE devapp.app a
       SET status = 'approved',
           decided_by = 'auto',
           decision_note = note
     WHERE a.app_id = the_app.app_id;
END
$$;

CREATE FUNCTION devapp_internal.follow_product_status() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    by_person boolean := NEW.status <> 'pending' AND NOT devapp_internal.is_automatic(NEW.decided_by);
BEGIN
    PERFORM devapp_internal.require_own_table(TG_RELID);
    PERFORM devapp_internal.settle_app((SELECT c.app_id FROM devapp.credential c WHERE c.credential_id = NEW.credential_id),
                by_person AND NEW.status = 'approved' OR (by_person OR NEW.removed_at IS NOT NULL) AND devapp_internal.is_admin(),
                CASE WHEN by_person AND NEW.status = 'approved' THEN NEW.decision_note END);
    RETURN NULL;
END
$$;

CREATE TRIGGER follow_product_status AFTER UPDATE OF status, removed_at ON devapp.credential_product FOR EACH ROW
    WHEN (OLD.status = 'pending' AND OLD.removed_at IS NULL AND (NEW.status <> 'pending' OR NEW.removed_at IS NOT NULL))
    EXECUTE FUNCTION devapp_internal.as_owner('follow_product_status');

-- What a revoked credential asks for waits for nobody.  Few of the apps whose credentials are revoked are pending, and only
-- those are locked.
CREATE FUNCTION devapp_internal.follow_credential_status() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM devapp_internal.require_own_table(TG_RELID);
    IF EXISTS (SELECT FROM devapp.app a WHERE a.app_id = NEW.app_id AND a.status = 'pending')
       AND EXISTS (SELECT FROM devapp.credential_product cp
                    WHERE cp.credential_id = NEW.credential_id AND cp.status = 'pending' AND cp.removed_at IS NULL) THEN
        PERFORM devapp_internal.settle_app(NEW.app_id, devapp_internal.is_admin(), NULL);
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER follow_credential_status AFTER UPDATE OF status ON devapp.credential FOR EACH ROW
    WHEN (OLD.status = 'approved' AND NEW.status <> 'approved')
    EXECUTE FUNCTION devapp_internal.as_owner('follow_credential_status');

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
