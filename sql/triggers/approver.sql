-- A product or a team that is deleted takes its approvers' rights along.  As the
-- owner of the tables: who deletes a team need have no right to this table.

CREATE FUNCTION devapp_internal.forget_approvers() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- before anything of the row is looked at: its types could be anybody's
    PERFORM devapp._require_own_table(TG_RELID);
    IF TG_TABLE_NAME = 'team' THEN
        DELETE FROM devapp.product_approver a WHERE a.team_id = NEW.team_id;
    ELSE
        DELETE FROM devapp.product_approver a WHERE a.product_id = NEW.product_id;
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION devapp.forget_approvers() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';

CREATE TRIGGER forget_approvers AFTER UPDATE OF deleted_at ON devapp.team FOR EACH ROW
    WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)
    EXECUTE FUNCTION devapp.forget_approvers();
CREATE TRIGGER forget_approvers AFTER UPDATE OF deleted_at ON devapp.product FOR EACH ROW
    WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)
    EXECUTE FUNCTION devapp.forget_approvers();

COMMENT ON FUNCTION devapp.forget_approvers() IS 'Trigger: a team or product that is deleted is nobody''s approver, and has none';
