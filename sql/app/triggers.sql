-- Side effects of a change of an app's status, whoever makes it.

CREATE FUNCTION devapp_internal.follow_app_status() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF OLD.status = 'pending' AND NEW.status = 'approved' THEN
        UPDATE devapp.credential_product cp
           SET status = 'approved', decision_note = NEW.decision_note
          FROM devapp.credential c
         WHERE c.app_id = NEW.app_id
           AND cp.credential_id = c.credential_id
           -- of a credential that does not work, only a person approves them
           AND (c.status = 'approved' OR NOT (NEW.decided_by = 'auto' OR starts_with(NEW.decided_by, 'rule:')))
           AND devapp_internal.can_yet_work(c.status, c.expires_at)
           AND cp.status = 'pending'
           AND cp.removed_at IS NULL;
    ELSIF NEW.status = 'deleted' THEN
        UPDATE devapp.credential
           SET status = 'revoked', decision_note = 'app deleted'
         WHERE app_id = NEW.app_id
           AND status = 'approved';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER follow_app_status AFTER UPDATE OF status ON devapp.app FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status)
    EXECUTE FUNCTION devapp_internal.as_owner('follow_app_status');

-- A key for devapp-portal stands for the developer who owns the app (src/api/caller.c), and whoever
-- owned it before knows the key.
CREATE FUNCTION devapp_internal.revoke_portal_access() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM devapp_internal.require_own_table(TG_RELID);
    UPDATE devapp.credential_product cp
       SET status = 'revoked', decision_note = 'app transferred'
      FROM devapp.credential c, devapp.product p
     WHERE c.app_id = NEW.app_id
       AND cp.credential_id = c.credential_id
       AND cp.status <> 'revoked'
       AND cp.removed_at IS NULL
       AND p.product_id = cp.product_id
       AND p.name = 'devapp-portal';
    RETURN NULL;
END
$$;

CREATE TRIGGER revoke_portal_access AFTER UPDATE OF developer_id, team_id ON devapp.app FOR EACH ROW
    WHEN ((OLD.developer_id, OLD.team_id) IS DISTINCT FROM (NEW.developer_id, NEW.team_id))
    EXECUTE FUNCTION devapp_internal.as_owner('revoke_portal_access');

-- ---------- rules of columns, fixed columns, lifecycles, rows that stay ----------

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.app FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_immutable('app_id', 'created_at');
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.app FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_row('name:name', 'display_name:text', 'description:about',
                                      'callback_urls:callback_urls', 'scopes:scopes', 'allowed_cidrs:networks', 'app_family:text',
                                      'attributes:attributes', 'decision_note:description');
CREATE TRIGGER guard_status BEFORE INSERT OR UPDATE ON devapp.app FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_status('app', 'deleted=deleted_at');
CREATE TRIGGER guard_delete BEFORE DELETE ON devapp.app
    EXECUTE FUNCTION devapp_internal.guard_delete('Use devapp.delete_app.');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.app
    EXECUTE FUNCTION devapp_internal.guard_delete('Use devapp.delete_app.');
