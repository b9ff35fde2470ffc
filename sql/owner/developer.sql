-- Developers.

CREATE FUNCTION devapp_internal.create_developer(
    email text,
    first_name text,
    last_name text,
    user_name text,
    attributes jsonb
) RETURNS devapp.developer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    made devapp.developer;
BEGIN
    INSERT INTO devapp.developer AS d (email, first_name, last_name, user_name, attributes)
    VALUES (create_developer.email, create_developer.first_name, create_developer.last_name,
            create_developer.user_name, coalesce(create_developer.attributes, '{}'))
    ON CONFLICT DO NOTHING
    RETURNING d.* INTO made;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'developer % already exists', devapp_internal.quoted(create_developer.email)
            USING ERRCODE = 'unique_violation',
                  HINT = 'E-mail addresses are compared without regard to case.';
    END IF;
    RETURN made;
END
$$;

CREATE FUNCTION devapp.create_developer(
    email text,
    first_name text DEFAULT NULL,
    last_name text DEFAULT NULL,
    user_name text DEFAULT NULL,
    attributes jsonb DEFAULT NULL
) RETURNS devapp.developer
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.create_developer(text, text, text, text, jsonb) IS 'Creates a developer';
SELECT devapp_internal.grant_to('devapp.create_developer', 'admin');

CREATE FUNCTION devapp_internal.update_developer(
    developer text,
    email text,
    first_name text,
    last_name text,
    user_name text,
    attributes jsonb
) RETURNS devapp.developer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed devapp.developer := devapp_internal.find_own_developer(developer, true);
BEGIN
    -- by these others know him, and approval rules judge him
    IF num_nonnulls(update_developer.email, update_developer.attributes) > 0 THEN
        PERFORM devapp_internal.require_admin('change the e-mail or the attributes of a developer');
    END IF;
    UPDATE devapp.developer d
       SET email = coalesce(update_developer.email, d.email),
           first_name = devapp_internal.changed_value(d.first_name, update_developer.first_name),
           last_name = devapp_internal.changed_value(d.last_name, update_developer.last_name),
           user_name = devapp_internal.changed_value(d.user_name, update_developer.user_name),
           attributes = coalesce(update_developer.attributes, d.attributes)
     WHERE d.developer_id = changed.developer_id
    RETURNING d.* INTO changed;
    RETURN changed;
EXCEPTION
    WHEN unique_violation THEN
        RAISE EXCEPTION 'developer % already exists', devapp_internal.quoted(update_developer.email)
            USING ERRCODE = 'unique_violation',
                  HINT = 'E-mail addresses are compared without regard to case.';
END
$$;

CREATE FUNCTION devapp.update_developer(
    developer text,
    email text DEFAULT NULL,
    first_name text DEFAULT NULL,
    last_name text DEFAULT NULL,
    user_name text DEFAULT NULL,
    attributes jsonb DEFAULT NULL
) RETURNS devapp.developer
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.update_developer(text, text, text, text, text, jsonb) IS
    'Changes a developer; arguments left out change nothing, '''' clears a value';
SELECT devapp_internal.grant_to('devapp.update_developer', 'admin', 'developer');

CREATE FUNCTION devapp_internal.set_developer_status(developer text, action text, note text) RETURNS devapp.developer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed devapp.developer := devapp_internal.find_developer(developer, true);
BEGIN
    UPDATE devapp.developer d
       SET status = devapp.next_status('developer', d.status, action),
           decision_note = note
     WHERE d.developer_id = changed.developer_id
    RETURNING d.* INTO changed;
    RETURN changed;
END
$$;

CREATE FUNCTION devapp.set_developer_status(developer text, action text, note text DEFAULT NULL) RETURNS devapp.developer
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.set_developer_status(text, text, text) IS
    'Activates or deactivates a developer; the keys of an inactive developer''s apps do not work';
SELECT devapp_internal.grant_to('devapp.set_developer_status', 'admin');

-- Asked by the trigger guard_deletion.
CREATE FUNCTION devapp_internal.require_no_dependants(developer devapp.developer) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    live bigint;
BEGIN
    PERFORM devapp_internal.require_read_committed();
    SELECT count(*) INTO live FROM devapp.app a
     WHERE a.developer_id = developer.developer_id AND a.deleted_at IS NULL;
    IF live > 0 THEN
        RAISE EXCEPTION 'developer % still has % app(s)', devapp_internal.quoted(developer.email), live
            USING ERRCODE = 'dependent_objects_still_exist',
                  HINT = 'Delete the apps first, or deactivate the developer with devapp.set_developer_status.';
    END IF;
    SELECT count(*) INTO live FROM devapp.team_member m
     WHERE m.developer_id = developer.developer_id;
    IF live > 0 THEN
        RAISE EXCEPTION 'developer % is still a member of % team(s)', devapp_internal.quoted(developer.email), live
            USING ERRCODE = 'dependent_objects_still_exist',
                  HINT = 'Remove the memberships first with devapp.remove_team_member.';
    END IF;
END
$$;

CREATE FUNCTION devapp_internal.delete_developer(developer text) RETURNS devapp.developer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed devapp.developer := devapp_internal.find_developer(developer, true);
BEGIN
    UPDATE devapp.developer d SET deleted_at = now()
     WHERE d.developer_id = changed.developer_id
    RETURNING d.* INTO changed;
    RETURN changed;
END
$$;

CREATE FUNCTION devapp.delete_developer(developer text) RETURNS devapp.developer
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.delete_developer(text) IS
    'Deletes a developer who has no apps and no memberships';
SELECT devapp_internal.grant_to('devapp.delete_developer', 'admin');
