-- Apps.

-- The row of a new app; null if the owner has one of this name (src/model/new_app.c).
CREATE FUNCTION devapp_internal.insert_app_row(
    app_id uuid,
    name text,
    developer_id uuid,
    team_id uuid,
    display_name text,
    description text,
    callback_urls text[],
    scopes text[],
    app_family text,
    attributes jsonb,
    allowed_cidrs cidr[],
    status text,
    decided_by text,
    decision_note text
) RETURNS devapp.app
    LANGUAGE c
    AS 'MODULE_PATHNAME', 'devapp_insert_app_row';

-- The same in the status that a decision means.  What a rule holds is on record as its
-- decision too.
CREATE FUNCTION devapp_internal.insert_app(
    app_id uuid,
    name text,
    developer_id uuid,
    team_id uuid,
    display_name text,
    description text,
    callback_urls text[],
    scopes text[],
    app_family text,
    attributes jsonb,
    allowed_cidrs cidr[],
    decision devapp.approval_decision
) RETURNS devapp.app
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    made devapp.app := devapp_internal.insert_app_row(insert_app.app_id, insert_app.name, insert_app.developer_id, insert_app.team_id,
                           insert_app.display_name, insert_app.description, coalesce(insert_app.callback_urls, '{}'),
                           coalesce(insert_app.scopes, '{}'), insert_app.app_family, coalesce(insert_app.attributes, '{}'),
                           coalesce(insert_app.allowed_cidrs, '{}'),
                           CASE decision.decision WHEN 'approve' THEN 'approved' WHEN 'reject' THEN 'rejected' ELSE 'pending' END,
                           decision.decided_by, decision.note);
BEGIN
    IF made.app_id IS NULL THEN
        RAISE EXCEPTION 'the owner already has an app %', devapp_internal.quoted(insert_app.name)
            USING ERRCODE = 'unique_violation',
                  HINT = 'Choose another name, or delete the old app with devapp.delete_app.';
    END IF;
    RETURN made;
END
$$;

-- What a developer makes is limited.  The owner is locked as if it were about to change,
-- so that of two apps that are made at once the second sees the first.
CREATE FUNCTION devapp_internal.require_room_for_app(developer_id uuid, team_id uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most integer := devapp_internal.setting('max_apps_per_owner');
BEGIN
    IF most <= 0 OR devapp_internal.is_admin() THEN
        RETURN;
    END IF;
    IF (SELECT count(*) FROM devapp.app a
         WHERE (a.developer_id = require_room_for_app.developer_id OR a.team_id = require_room_for_app.team_id)
           AND a.status NOT IN ('deleted', 'revoked')) >= most THEN
        RAISE EXCEPTION 'the owner already has % apps', most
            USING ERRCODE = 'program_limit_exceeded',
                  HINT = 'Delete one that is not needed with devapp.delete_app, or ask an administrator, who may exceed devapp.max_apps_per_owner.';
    END IF;
END
$$;

CREATE FUNCTION devapp_internal.create_app(
    name text,
    developer text,
    products text[],
    display_name text,
    description text,
    callback_urls text[],
    scopes text[],
    app_family text,
    attributes jsonb,
    environment text,
    kind text,
    expires_in interval,
    team text,
    allowed_cidrs cidr[]
) RETURNS devapp.issued_credential
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_products devapp.product[];
    is_admin boolean := devapp_internal.is_admin();
    draft devapp.app;
    decisions devapp.approval_decision[];
    made devapp.app;
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        PERFORM devapp_internal.require_no_counting_rule();
    END IF;
    IF NOT is_admin THEN
        PERFORM devapp_internal.require_read_committed('create an app');
    END IF;
    -- a developer's app is his own if he says nothing else
    IF create_app.developer IS NULL AND create_app.team IS NULL AND NOT is_admin THEN
        IF devapp.actor() IS NULL THEN
            PERFORM devapp_internal.refuse('create an app');
        END IF;
        create_app.developer := devapp.actor();
    END IF;
    IF num_nonnulls(create_app.developer, create_app.team) <> 1 THEN
        RAISE EXCEPTION 'an app must have exactly one owner'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give either developer => (an e-mail) or team => (a name).';
    END IF;
    IF create_app.developer IS NOT NULL THEN
        draft.developer_id := (devapp_internal.find_own_developer(create_app.developer, true)).developer_id;
    ELSE
        draft.team_id := (devapp_internal.find_own_team(create_app.team, true)).team_id;
        PERFORM devapp_internal.require_own_environment(draft.team_id, create_app.environment);
    END IF;
    IF NOT is_admin THEN
        PERFORM devapp_internal.require_room_for_app(draft.developer_id, draft.team_id);
    END IF;
    the_products := devapp_internal.find_products(create_app.products, NULL);
    IF create_app.scopes <> '{}' THEN
        PERFORM devapp_internal.require_scopes(create_app.scopes, the_products);
    END IF;
    draft.app_id := devapp.uuid_v7();
    draft.attributes := coalesce(devapp_internal.canonical_attributes(create_app.attributes), '{}');
    decisions := devapp_internal.make_decisions(draft, the_products);
    made := devapp_internal.insert_app(draft.app_id, create_app.name, draft.developer_id, draft.team_id,
                               create_app.display_name, create_app.description, create_app.callback_urls,
                               create_app.scopes, create_app.app_family, create_app.attributes, create_app.allowed_cidrs,
                               devapp_internal.app_decision(decisions));
    RETURN devapp_internal.issue_secret(
               devapp_internal.make_credential(made, create_app.kind, the_products, create_app.environment, NULL, expires_in, NULL,
                   NULL, decisions),
               NULL);
END
$$;

CREATE FUNCTION devapp.create_app(
    name text,
    developer text DEFAULT NULL,
    products text[] DEFAULT NULL,
    display_name text DEFAULT NULL,
    description text DEFAULT NULL,
    callback_urls text[] DEFAULT NULL,
    scopes text[] DEFAULT NULL,
    app_family text DEFAULT NULL,
    attributes jsonb DEFAULT NULL,
    environment text DEFAULT NULL,
    kind text DEFAULT 'api_key',
    expires_in interval DEFAULT NULL,
    team text DEFAULT NULL,
    allowed_cidrs cidr[] DEFAULT NULL
) RETURNS devapp.issued_credential
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.create_app(text, text, text[], text, text, text[], text[], text, jsonb, text, text, interval, text, cidr[]) IS
    'Creates an app of a developer or team with its first credential, whose secret is returned only once';
SELECT devapp_internal.grant_to('devapp.create_app', 'admin', 'developer');

CREATE FUNCTION devapp_internal.update_app(
    app devapp.app_ref,
    display_name text,
    description text,
    callback_urls text[],
    scopes text[],
    app_family text,
    attributes jsonb,
    allowed_cidrs cidr[],
    name text
) RETURNS devapp.app
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed devapp.app := devapp_internal.find_own_app(update_app.app, true);
BEGIN
    -- the rest is for people to read
    IF num_nonnulls(update_app.callback_urls, update_app.scopes, update_app.attributes, update_app.allowed_cidrs) > 0 THEN
        PERFORM devapp_internal.require_whole_app(changed, 'change callback_urls, scopes, attributes or allowed_cidrs of an app');
    END IF;
    IF update_app.scopes <> '{}' THEN
        PERFORM devapp_internal.require_scopes(update_app.scopes, devapp_internal.find_products(devapp_internal.products_of(changed.app_id), changed.app_id));
    END IF;
    IF update_app.scopes IS NOT NULL THEN
        PERFORM devapp_internal.require_approved_scopes(changed.app_id, NULL, changed.scopes, update_app.scopes);
    END IF;
    UPDATE devapp.app a
       SET name = coalesce(update_app.name, a.name),
           display_name = devapp_internal.changed_value(a.display_name, update_app.display_name),
           description = devapp_internal.changed_value(a.description, update_app.description),
           callback_urls = coalesce(update_app.callback_urls, a.callback_urls),
           scopes = coalesce(update_app.scopes, a.scopes),
           app_family = devapp_internal.changed_value(a.app_family, update_app.app_family),
           attributes = coalesce(update_app.attributes, a.attributes),
           allowed_cidrs = coalesce(update_app.allowed_cidrs, a.allowed_cidrs)
     WHERE a.app_id = changed.app_id
    RETURNING a.* INTO changed;
    RETURN changed;
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'the owner already has an app %', devapp_internal.quoted(update_app.name)
        USING ERRCODE = 'unique_violation',
              HINT = 'Choose another name, or delete or rename the other app.';
END
$$;

CREATE FUNCTION devapp.update_app(
    app devapp.app_ref,
    display_name text DEFAULT NULL,
    description text DEFAULT NULL,
    callback_urls text[] DEFAULT NULL,
    scopes text[] DEFAULT NULL,
    app_family text DEFAULT NULL,
    attributes jsonb DEFAULT NULL,
    allowed_cidrs cidr[] DEFAULT NULL,
    name text DEFAULT NULL
) RETURNS devapp.app
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.update_app(devapp.app_ref, text, text, text[], text[], text, jsonb, cidr[], text) IS
    'Changes an app; arguments left out change nothing, '''' or ''{}'' clears a value';
SELECT devapp_internal.grant_to('devapp.update_app', 'admin', 'developer');
