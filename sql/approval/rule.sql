-- The rules of conditional approval: making and changing them.  What they do is in
-- approval.sql.

CREATE FUNCTION devapp_internal.find_approval_rule(name text) RETURNS devapp.approval_rule
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_row devapp.approval_rule;
BEGIN
    SELECT * INTO found_row FROM devapp.approval_rule r WHERE r.name = devapp_internal.canonical_name(find_approval_rule.name) FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'approval rule % does not exist', devapp_internal.quoted(find_approval_rule.name)
            USING ERRCODE = 'undefined_object',
                  HINT = 'List the rules with SELECT name, priority, decision FROM devapp.approval_rule.';
    END IF;
    RETURN found_row;
END
$$;

-- Conditions that cannot hold together would make a rule that never decides.
CREATE FUNCTION devapp_internal.require_possible(rule devapp.approval_rule) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF (rule.email_domain IS NOT NULL OR rule.developer_attributes <> '{}')
       AND (rule.team IS NOT NULL OR rule.team_attributes <> '{}') THEN
        RAISE EXCEPTION 'approval rule % has conditions on both a developer and a team', devapp_internal.quoted(rule.name)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'An app has one owner: create one rule for developers (email_domain, developer_attributes) and another for teams (team, team_attributes).';
    END IF;
    IF rule.min_apps_owned > rule.max_apps_owned THEN
        RAISE EXCEPTION 'approval rule % requires at least % and at most % apps', devapp_internal.quoted(rule.name),
                        rule.min_apps_owned, rule.max_apps_owned
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give a min_apps_owned that is not greater than max_apps_owned.';
    END IF;
END
$$;

-- A rule names what exists; whoever deletes it later is not kept from it.
CREATE FUNCTION devapp_internal.require_named(product text, team text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF require_named.product <> '' THEN
        PERFORM devapp_internal.find_product(require_named.product, false);
    END IF;
    IF require_named.team <> '' THEN
        PERFORM devapp_internal.find_team(require_named.team, false);
    END IF;
END
$$;

-- Says which rule is in the way of one that a unique index did not let in.
CREATE FUNCTION devapp_internal.refuse_rule(rule devapp.approval_rule) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    other text;
BEGIN
    IF EXISTS (SELECT FROM devapp.approval_rule r WHERE r.name = rule.name AND r.rule_id <> rule.rule_id) THEN
        RAISE EXCEPTION 'approval rule % already exists', devapp_internal.quoted(rule.name)
            USING ERRCODE = 'unique_violation',
                  HINT = 'Choose another name, or change the rule with devapp.update_approval_rule.';
    END IF;
    SELECT r.name INTO other FROM devapp.approval_rule r
     WHERE r.enabled AND r.priority = rule.priority AND r.rule_id <> rule.rule_id;
    RAISE EXCEPTION 'approval rule % already has priority %', CASE WHEN other IS NULL THEN '(one that this transaction cannot see)' ELSE devapp_internal.quoted(other) END, rule.priority
        USING ERRCODE = 'unique_violation',
              HINT = 'The order of rules must be unambiguous: give another priority, or disable one of the two.';
END
$$;

CREATE FUNCTION devapp_internal.create_approval_rule(
    name text,
    priority integer,
    decision text,
    product text,
    access text,
    email_domain text,
    team text,
    developer_attributes jsonb,
    app_attributes jsonb,
    team_attributes jsonb,
    min_apps_owned integer,
    max_apps_owned integer,
    note text,
    enabled boolean
) RETURNS devapp.approval_rule
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    made devapp.approval_rule;
BEGIN
    made.rule_id := devapp.uuid_v7();
    made.name := devapp_internal.canonical_name(create_approval_rule.name);
    made.priority := create_approval_rule.priority;
    made.enabled := coalesce(create_approval_rule.enabled, true);
    made.product := nullif(devapp_internal.canonical_name(create_approval_rule.product), '');
    made.access := nullif(create_approval_rule.access, '');
    made.email_domain := nullif(create_approval_rule.email_domain, '');
    made.team := nullif(devapp_internal.canonical_name(create_approval_rule.team), '');
    made.developer_attributes := coalesce(devapp_internal.canonical_attributes(create_approval_rule.developer_attributes), '{}');
    made.app_attributes := coalesce(devapp_internal.canonical_attributes(create_approval_rule.app_attributes), '{}');
    made.team_attributes := coalesce(devapp_internal.canonical_attributes(create_approval_rule.team_attributes), '{}');
    made.min_apps_owned := create_approval_rule.min_apps_owned;
    made.max_apps_owned := create_approval_rule.max_apps_owned;
    made.decision := create_approval_rule.decision;
    made.note := nullif(create_approval_rule.note, '');
    made.created_at := now();
    made.updated_at := now();
    PERFORM devapp_internal.require_possible(made);
    PERFORM devapp_internal.require_named(made.product, made.team);
    INSERT INTO devapp.approval_rule SELECT made.* ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        PERFORM devapp_internal.refuse_rule(made);
    END IF;
    -- as it is kept
    SELECT * INTO made FROM devapp.approval_rule r WHERE r.rule_id = made.rule_id;
    RETURN made;
END
$$;

CREATE FUNCTION devapp.create_approval_rule(
    name text,
    priority integer,
    decision text,
    product text DEFAULT NULL,
    access text DEFAULT NULL,
    email_domain text DEFAULT NULL,
    team text DEFAULT NULL,
    developer_attributes jsonb DEFAULT NULL,
    app_attributes jsonb DEFAULT NULL,
    team_attributes jsonb DEFAULT NULL,
    min_apps_owned integer DEFAULT NULL,
    max_apps_owned integer DEFAULT NULL,
    note text DEFAULT NULL,
    enabled boolean DEFAULT true
) RETURNS devapp.approval_rule
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.create_approval_rule(text, integer, text, text, text, text, text, jsonb, jsonb, jsonb, integer, integer, text, boolean) IS
    'Creates an approval rule, which decides approve, hold or reject where all given conditions hold';
SELECT devapp_internal.grant_to('devapp.create_approval_rule', 'admin');

-- As 0 is a number of apps like any other, a negative one takes the bound away.
CREATE FUNCTION devapp_internal.update_approval_rule(
    name text,
    priority integer,
    decision text,
    product text,
    access text,
    email_domain text,
    team text,
    developer_attributes jsonb,
    app_attributes jsonb,
    team_attributes jsonb,
    min_apps_owned integer,
    max_apps_owned integer,
    note text,
    enabled boolean
) RETURNS devapp.approval_rule
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed devapp.approval_rule := devapp_internal.find_approval_rule(update_approval_rule.name);
BEGIN
    changed.priority := coalesce(update_approval_rule.priority, changed.priority);
    changed.enabled := coalesce(update_approval_rule.enabled, changed.enabled);
    changed.product := devapp_internal.changed_value(changed.product, update_approval_rule.product);
    changed.access := devapp_internal.changed_value(changed.access, update_approval_rule.access);
    changed.email_domain := devapp_internal.changed_value(changed.email_domain, update_approval_rule.email_domain);
    changed.team := devapp_internal.changed_value(changed.team, update_approval_rule.team);
    changed.developer_attributes := coalesce(update_approval_rule.developer_attributes, changed.developer_attributes);
    changed.app_attributes := coalesce(update_approval_rule.app_attributes, changed.app_attributes);
    changed.team_attributes := coalesce(update_approval_rule.team_attributes, changed.team_attributes);
    changed.min_apps_owned := devapp_internal.changed_bound(changed.min_apps_owned, update_approval_rule.min_apps_owned);
    changed.max_apps_owned := devapp_internal.changed_bound(changed.max_apps_owned, update_approval_rule.max_apps_owned);
    changed.decision := coalesce(update_approval_rule.decision, changed.decision);
    changed.note := devapp_internal.changed_value(changed.note, update_approval_rule.note);
    PERFORM devapp_internal.require_possible(changed);
    PERFORM devapp_internal.require_named(update_approval_rule.product, update_approval_rule.team);
    UPDATE devapp.approval_rule r
       SET priority = changed.priority,
           enabled = changed.enabled,
           product = changed.product,
           access = changed.access,
           email_domain = changed.email_domain,
           team = changed.team,
           developer_attributes = changed.developer_attributes,
           app_attributes = changed.app_attributes,
           team_attributes = changed.team_attributes,
           min_apps_owned = changed.min_apps_owned,
           max_apps_owned = changed.max_apps_owned,
           decision = changed.decision,
           note = changed.note
     WHERE r.rule_id = changed.rule_id
    RETURNING r.* INTO changed;
    RETURN changed;
EXCEPTION
    WHEN unique_violation THEN
        PERFORM devapp_internal.refuse_rule(changed);
END
$$;

CREATE FUNCTION devapp.update_approval_rule(
    name text,
    priority integer DEFAULT NULL,
    decision text DEFAULT NULL,
    product text DEFAULT NULL,
    access text DEFAULT NULL,
    email_domain text DEFAULT NULL,
    team text DEFAULT NULL,
    developer_attributes jsonb DEFAULT NULL,
    app_attributes jsonb DEFAULT NULL,
    team_attributes jsonb DEFAULT NULL,
    min_apps_owned integer DEFAULT NULL,
    max_apps_owned integer DEFAULT NULL,
    note text DEFAULT NULL,
    enabled boolean DEFAULT NULL
) RETURNS devapp.approval_rule
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.update_approval_rule(text, integer, text, text, text, text, text, jsonb, jsonb, jsonb, integer, integer, text, boolean) IS
    'Changes an approval rule; '''' or ''{}'' clears a condition, a negative number clears a bound';
SELECT devapp_internal.grant_to('devapp.update_approval_rule', 'admin');

CREATE FUNCTION devapp_internal.changed_bound(old_value integer, new_value integer) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN new_value IS NULL THEN old_value WHEN new_value >= 0 THEN new_value END;

CREATE FUNCTION devapp_internal.delete_approval_rule(name text) RETURNS devapp.approval_rule
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    removed devapp.approval_rule := devapp_internal.find_approval_rule(delete_approval_rule.name);
BEGIN
    DELETE FROM devapp.approval_rule r WHERE r.rule_id = removed.rule_id;
    RETURN removed;
END
$$;

CREATE FUNCTION devapp.delete_approval_rule(name text) RETURNS devapp.approval_rule
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.delete_approval_rule(text) IS 'Deletes an approval rule; its decisions are kept under its name';
SELECT devapp_internal.grant_to('devapp.delete_approval_rule', 'admin');
