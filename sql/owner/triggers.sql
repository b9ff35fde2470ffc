-- A team that had an administrator keeps one, and by its own members one of every
-- environment, or nobody in it could take care of its other credentials.  Functions that take
-- one away lock the team first; here that lock is taken for direct statements.

CREATE FUNCTION devapp_internal.keep_team_admin() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_team devapp.team;
BEGIN
    SELECT * INTO the_team FROM devapp.team t
     WHERE t.team_id = OLD.team_id AND t.deleted_at IS NULL
       FOR NO KEY UPDATE;
    IF FOUND AND NOT EXISTS (SELECT FROM devapp.team_member m WHERE m.team_id = OLD.team_id AND m.role = 'admin') THEN
        RAISE EXCEPTION 'the last administrator of team % cannot leave', devapp_internal.quoted(the_team.name)
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Make another member an administrator first with devapp.set_team_role, or delete the team with devapp.delete_team.';
    END IF;
    IF the_team.team_id IS NOT NULL AND OLD.environments IS NULL AND NOT devapp_internal.is_admin()
       AND NOT EXISTS (SELECT FROM devapp.team_member m
                        WHERE m.team_id = OLD.team_id AND m.role = 'admin' AND m.environments IS NULL) THEN
        RAISE EXCEPTION 'the last administrator of team % for every environment cannot leave', devapp_internal.quoted(the_team.name)
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Make another member an administrator for every environment first: devapp.set_team_role(team, developer, ''admin'', ''{*}'').';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER keep_team_admin_delete AFTER DELETE ON devapp.team_member FOR EACH ROW
    WHEN (OLD.role = 'admin') EXECUTE FUNCTION devapp_internal.as_owner('keep_team_admin');
CREATE TRIGGER keep_team_admin_update AFTER UPDATE OF role, environments ON devapp.team_member FOR EACH ROW
    WHEN (OLD.role = 'admin' AND (NEW.role <> 'admin' OR OLD.environments IS NULL AND NEW.environments IS NOT NULL)) EXECUTE FUNCTION devapp_internal.as_owner('keep_team_admin');

-- A developer, a team or a product that something depends on is not deleted, by a function or by a
-- direct statement; deleted is final.
CREATE FUNCTION devapp_internal.guard_deletion() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM devapp_internal.require_own_table(TG_RELID);
    IF OLD.deleted_at IS NOT NULL THEN
        RAISE EXCEPTION 'a deleted % cannot be restored', TG_TABLE_NAME
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = format('Create another one with devapp.create_%s.', TG_TABLE_NAME);
    END IF;
    PERFORM devapp_internal.require_no_dependants(OLD);
    RETURN NEW;
END
$$;

-- ---------- rules of columns, fixed columns, lifecycles, rows that stay ----------

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.developer FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_immutable('developer_id', 'created_at');
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.developer FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_row('email:email', 'first_name:text', 'last_name:text', 'user_name:text',
                                      'attributes:attributes', 'decision_note:description');
CREATE TRIGGER guard_status BEFORE INSERT OR UPDATE ON devapp.developer FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_status('developer');
CREATE TRIGGER guard_deletion BEFORE UPDATE OF deleted_at ON devapp.developer FOR EACH ROW
    WHEN (OLD.deleted_at IS DISTINCT FROM NEW.deleted_at)
    EXECUTE FUNCTION devapp_internal.as_owner('guard_deletion');
CREATE TRIGGER guard_delete BEFORE DELETE ON devapp.developer
    EXECUTE FUNCTION devapp_internal.guard_delete('Use devapp.delete_developer.');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.developer
    EXECUTE FUNCTION devapp_internal.guard_delete('Use devapp.delete_developer.');

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.team FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_immutable('team_id', 'name', 'created_at');
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.team FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_row('name:name', 'display_name:text', 'attributes:attributes',
                                      'decision_note:description');
CREATE TRIGGER guard_status BEFORE INSERT OR UPDATE ON devapp.team FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_status('team');
CREATE TRIGGER guard_deletion BEFORE UPDATE OF deleted_at ON devapp.team FOR EACH ROW
    WHEN (OLD.deleted_at IS DISTINCT FROM NEW.deleted_at)
    EXECUTE FUNCTION devapp_internal.as_owner('guard_deletion');
CREATE TRIGGER guard_delete BEFORE DELETE ON devapp.team
    EXECUTE FUNCTION devapp_internal.guard_delete('Use devapp.delete_team.');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.team
    EXECUTE FUNCTION devapp_internal.guard_delete('Use devapp.delete_team.');

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.team_member FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_immutable('team_id', 'developer_id', 'created_at');
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.team_member FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_row('role:in admin member');

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.team_invitation FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_immutable('invitation_id', 'team_id', 'email', 'invited_by', 'created_at', 'environments');
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.team_invitation FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_row('email:email', 'role:in admin member', 'expires_at:required');

CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.registration_policy FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_row('enabled:required', 'domains:email_domains', 'approval_needed:required', 'attributes:names');
CREATE TRIGGER guard_delete BEFORE DELETE ON devapp.registration_policy
    EXECUTE FUNCTION devapp_internal.guard_delete('Use devapp.set_registration.');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.registration_policy
    EXECUTE FUNCTION devapp_internal.guard_delete('Use devapp.set_registration.');
