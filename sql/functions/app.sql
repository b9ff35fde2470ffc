-- Apps.

CREATE FUNCTION devapp._app_approval() RETURNS text
    LANGUAGE c STABLE
    AS 'MODULE_PATHNAME', 'devapp_app_approval_mode';

CREATE FUNCTION devapp._insert_app(
    name text,
    developer_id uuid,
    team_id uuid,
    display_name text,
    description text,
    callback_urls text[],
    scopes text[],
    app_family text,
    attributes jsonb
) RETURNS devapp.app
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    made devapp.app;
    automatic boolean := devapp._app_approval() = 'auto';
BEGIN
    INSERT INTO devapp.app AS a
        (name, developer_id, team_id, display_name, description, callback_urls, scopes, app_family, attributes,
         status, decided_by, decided_at)
    VALUES (_insert_app.name, _insert_app.developer_id, _insert_app.team_id, _insert_app.display_name,
            _insert_app.description, coalesce(_insert_app.callback_urls, '{}'), coalesce(_insert_app.scopes, '{}'),
            _insert_app.app_family, coalesce(_insert_app.attributes, '{}'),
            CASE WHEN automatic THEN 'approved' ELSE 'pending' END,
            CASE WHEN automatic THEN 'auto' END,
            CASE WHEN automatic THEN now() END)
    ON CONFLICT DO NOTHING
    RETURNING a.* INTO made;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the owner already has an app %', quote_ident(_insert_app.name)
            USING ERRCODE = 'unique_violation',
                  HINT = 'Choose another name, or delete the old app with devapp.delete_app.';
    END IF;
    RETURN made;
END
$$;

CREATE FUNCTION devapp.create_app(
    name text,
    developer text DEFAULT NULL,
    team text DEFAULT NULL,
    products text[] DEFAULT NULL,
    display_name text DEFAULT NULL,
    description text DEFAULT NULL,
    callback_urls text[] DEFAULT NULL,
    scopes text[] DEFAULT NULL,
    app_family text DEFAULT NULL,
    attributes jsonb DEFAULT NULL,
    environment text DEFAULT NULL,
    kind text DEFAULT 'api_key',
    expires_in interval DEFAULT NULL
) RETURNS devapp.issued_credential
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_products devapp.product[];
    developer_id uuid;
    team_id uuid;
    made devapp.app;
BEGIN
    -- a developer's app is his own if he says nothing else
    IF create_app.developer IS NULL AND create_app.team IS NULL AND NOT devapp._is_admin() THEN
        create_app.developer := devapp.actor();
    END IF;
    IF num_nonnulls(create_app.developer, create_app.team) <> 1 THEN
        RAISE EXCEPTION 'an app has exactly one owner'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give either developer => (an e-mail) or team => (a name).';
    END IF;
    IF create_app.developer IS NOT NULL THEN
        developer_id := (devapp._my_developer(create_app.developer, false)).developer_id;
    ELSE
        team_id := (devapp._my_team(create_app.team, false)).team_id;
    END IF;
    the_products := devapp._products(create_app.products);
    PERFORM devapp._require_scopes(create_app.scopes, the_products);
    made := devapp._insert_app(create_app.name, developer_id, team_id, create_app.display_name, create_app.description,
                               create_app.callback_urls, create_app.scopes, create_app.app_family,
                               create_app.attributes);
    RETURN devapp._issue(made, create_app.kind, the_products, create_app.environment, NULL, expires_in, NULL);
END
$$;

CREATE FUNCTION devapp.update_app(
    app_id uuid,
    display_name text DEFAULT NULL,
    description text DEFAULT NULL,
    callback_urls text[] DEFAULT NULL,
    scopes text[] DEFAULT NULL,
    app_family text DEFAULT NULL,
    attributes jsonb DEFAULT NULL
) RETURNS devapp.app
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed devapp.app := devapp._my_app(update_app.app_id, true);
BEGIN
    PERFORM devapp._require_scopes(update_app.scopes, devapp._products(devapp._products_of(changed.app_id)));
    UPDATE devapp.app a
       SET display_name = devapp._changed(a.display_name, update_app.display_name),
           description = devapp._changed(a.description, update_app.description),
           callback_urls = coalesce(update_app.callback_urls, a.callback_urls),
           scopes = coalesce(update_app.scopes, a.scopes),
           app_family = devapp._changed(a.app_family, update_app.app_family),
           attributes = coalesce(update_app.attributes, a.attributes)
     WHERE a.app_id = changed.app_id
    RETURNING a.* INTO changed;
    RETURN changed;
END
$$;

COMMENT ON FUNCTION devapp._app_approval() IS 'Internal: the setting devapp.app_approval';
COMMENT ON FUNCTION devapp._insert_app(text, uuid, uuid, text, text, text[], text[], text, jsonb) IS 'Internal: makes the row of an app';
COMMENT ON FUNCTION devapp.create_app(text, text, text, text[], text, text, text[], text[], text, jsonb, text, text, interval) IS
    'Makes an app of a developer or team with its first credential, and returns that one''s secret, once';
COMMENT ON FUNCTION devapp.update_app(uuid, text, text, text[], text[], text, jsonb) IS
    'Changes an app; what is left out stays, '''' or ''{}'' clears';
