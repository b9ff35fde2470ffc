-- Attributes of anything that has them, one at a time.

-- Writes all attributes of an entity, named as a person names it.
CREATE FUNCTION devapp._put_attributes(entity text, id text, change jsonb, removed text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    result jsonb;
    -- what is no uuid names no app or credential
    uuid_id uuid := CASE WHEN id ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' THEN id END;
BEGIN
    CASE entity
        WHEN 'developer' THEN
            UPDATE devapp.developer d SET attributes = (d.attributes || change) - removed
             WHERE d.developer_id = (devapp._developer(id, true)).developer_id
            RETURNING d.attributes INTO result;
        WHEN 'team' THEN
            UPDATE devapp.team t SET attributes = (t.attributes || change) - removed
             WHERE t.team_id = (devapp._team(id, true)).team_id
            RETURNING t.attributes INTO result;
        WHEN 'product' THEN
            UPDATE devapp.product p SET attributes = (p.attributes || change) - removed
             WHERE p.product_id = (devapp._product(id, true)).product_id
            RETURNING p.attributes INTO result;
        WHEN 'app' THEN
            UPDATE devapp.app a SET attributes = (a.attributes || change) - removed
             WHERE a.app_id = (devapp._live_app(uuid_id, true)).app_id
            RETURNING a.attributes INTO result;
        WHEN 'credential' THEN
            UPDATE devapp.credential c SET attributes = (c.attributes || change) - removed
             WHERE c.credential_id = (devapp._credential(uuid_id)).credential_id
            RETURNING c.attributes INTO result;
        ELSE
            RAISE EXCEPTION '% has no attributes', coalesce(quote_ident(entity), '(null)')
                USING ERRCODE = 'invalid_parameter_value',
                      HINT = 'Give developer, team, product, app or credential.';
    END CASE;
    RETURN result;
END
$$;

CREATE FUNCTION devapp.set_attribute(entity text, id text, name text, value text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF name IS NULL OR value IS NULL THEN
        RAISE EXCEPTION 'an attribute has a name and a value'
            USING ERRCODE = 'null_value_not_allowed',
                  HINT = 'To take an attribute away call devapp.remove_attribute.';
    END IF;
    RETURN devapp._put_attributes(entity, id, jsonb_build_object(name, value), '');
END
$$;

CREATE FUNCTION devapp.remove_attribute(entity text, id text, name text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN devapp._put_attributes(entity, id, '{}', coalesce(name, ''));
END
$$;

COMMENT ON FUNCTION devapp._put_attributes(text, text, jsonb, text) IS 'Internal: changes the attributes of an entity';
COMMENT ON FUNCTION devapp.set_attribute(text, text, text, text) IS
    'Sets one attribute of a developer (e-mail), team or product (name), app or credential (id); returns all';
COMMENT ON FUNCTION devapp.remove_attribute(text, text, text) IS 'Takes one attribute away; returns the rest';
