-- How new apps start: the mode of approval.

-- The mode of now (src/model/approval_mode.c).  Whoever makes or decides on an app asks, and
-- more than once; verification does not.
CREATE FUNCTION devapp_internal.app_approval() RETURNS text
    LANGUAGE c STABLE
    AS 'MODULE_PATHNAME', 'devapp_app_approval';

-- Whether the mode is conditional, and there is a rule that is enabled.
CREATE FUNCTION devapp_internal.rules_decide() RETURNS boolean
    LANGUAGE c STABLE
    AS 'MODULE_PATHNAME', 'devapp_rules_decide';

CREATE FUNCTION devapp_internal.set_app_approval(mode text) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    chosen text := lower(set_app_approval.mode);
BEGIN
    IF (chosen IN ('auto', 'manual', 'conditional')) IS NOT TRUE THEN
        RAISE EXCEPTION 'approval mode % does not exist', devapp_internal.quoted(set_app_approval.mode)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Possible modes: auto, manual, conditional.';
    END IF;
    INSERT INTO devapp.approval_setting AS s (name, value) VALUES ('app_approval', chosen)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value;
    RETURN chosen;
END
$$;

CREATE FUNCTION devapp.set_app_approval(mode text) RETURNS text
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.set_app_approval(text) IS
    'Sets how new apps start: auto (approved), manual (pending) or conditional (approval rules decide)';
SELECT devapp_internal.grant_to('devapp.set_app_approval', 'admin');
