-- Attributes of anything that has them, one at a time.

-- Attributes with change merged in, or without the one that is removed.
CREATE FUNCTION devapp_internal.edited_attributes(attributes jsonb, change jsonb, removed text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN removed IS NULL THEN attributes || change ELSE attributes - removed END
$$;

-- Writes the attributes of an entity that is named as a person names it.
CREATE FUNCTION devapp_internal.put_attributes(entity text, id text, change jsonb, removed text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    target uuid;
    the_app devapp.app;
    result jsonb;
BEGIN
    IF entity IN ('developer', 'team', 'product') THEN
        PERFORM devapp_internal.require_admin(format('change the attributes of a %s', entity));
    END IF;
    CASE entity
        WHEN 'developer' THEN
            target := (devapp_internal.find_developer(id, true)).developer_id;
            UPDATE devapp.developer d SET attributes = devapp_internal.edited_attributes(d.attributes, change, removed)
             WHERE d.developer_id = target
            RETURNING d.attributes INTO result;
        WHEN 'team' THEN
            target := (devapp_internal.find_team(id, true)).team_id;
            UPDATE devapp.team t SET attributes = devapp_internal.edited_attributes(t.attributes, change, removed)
             WHERE t.team_id = target
            RETURNING t.attributes INTO result;
        WHEN 'product' THEN
            target := (devapp_internal.find_product(id, true)).product_id;
            UPDATE devapp.product p SET attributes = devapp_internal.edited_attributes(p.attributes, change, removed)
             WHERE p.product_id = target
            RETURNING p.attributes INTO result;
        WHEN 'app' THEN
            the_app := devapp_internal.find_own_app(id, true);
            target := the_app.app_id;
            PERFORM devapp_internal.require_whole_app(the_app, 'change the attributes of an app');
            UPDATE devapp.app a SET attributes = devapp_internal.edited_attributes(a.attributes, change, removed)
             WHERE a.app_id = target
            RETURNING a.attributes INTO result;
        WHEN 'credential' THEN
            target := (devapp_internal.find_own_credential(id)).credential_id;
            UPDATE devapp.credential c SET attributes = devapp_internal.edited_attributes(c.attributes, change, removed)
             WHERE c.credential_id = target
            RETURNING c.attributes INTO result;
        ELSE
            RAISE EXCEPTION '% has no attributes', devapp_internal.quoted(entity)
                USING ERRCODE = 'invalid_parameter_value',
                      HINT = 'Give developer, team, product, app or credential.';
    END CASE;
    RETURN result;
END
$$;

CREATE FUNCTION devapp_internal.set_attribute(entity text, id text, name text, value text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF name IS NULL OR value IS NULL THEN
        RAISE EXCEPTION 'the name and the value of an attribute must not be null'
            USING ERRCODE = 'null_value_not_allowed',
                  HINT = 'To remove an attribute, call devapp.remove_attribute.';
    END IF;
    RETURN devapp_internal.put_attributes(entity, id, jsonb_build_object(devapp_internal.canonical_name(name), value), NULL);
END
$$;

CREATE FUNCTION devapp.set_attribute(entity text, id text, name text, value text) RETURNS jsonb
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.set_attribute(text, text, text, text) IS
    'Sets an attribute of a developer, team, product, app or credential; returns all attributes';
SELECT devapp_internal.grant_to('devapp.set_attribute', 'admin', 'developer');

CREATE FUNCTION devapp_internal.remove_attribute(entity text, id text, name text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN devapp_internal.put_attributes(entity, id, '{}', coalesce(devapp_internal.canonical_name(name), ''));
END
$$;

CREATE FUNCTION devapp.remove_attribute(entity text, id text, name text) RETURNS jsonb
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.remove_attribute(text, text, text) IS 'Removes an attribute; returns the remaining ones';
SELECT devapp_internal.grant_to('devapp.remove_attribute', 'admin', 'developer');
