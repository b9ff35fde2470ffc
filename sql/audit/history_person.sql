-- The history of a person, a team, a product or a role: what they did, and what happened to
-- them and to what is theirs.  For administrators and auditors, who see everything.
--
-- Events are found by the indexes of the trail for who and when, whose it is, and which row.

-- The addresses under which somebody acted: the one that was given, at any time, and those
-- that its developers had before, while they were theirs.
CREATE FUNCTION devapp_internal.history_addresses(email text, developer_ids uuid[]) RETURNS TABLE (actor text, since timestamptz, until timestamptz)
    LANGUAGE sql STABLE ROWS 2
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_internal.email_key(history_addresses.email), '-infinity'::timestamptz, 'infinity'::timestamptz
     UNION ALL
    SELECT devapp_internal.email_key(e.before->>'email'),
           lag(e.occurred_at, 1, d.created_at) OVER (PARTITION BY d.developer_id ORDER BY e.event_id), e.occurred_at
      FROM devapp.developer d
      JOIN devapp.audit_event x ON x.entity = 'developer' AND x.entity_id = d.developer_id::text
     CROSS JOIN devapp_internal.unmasked_event(x) AS e
     WHERE d.developer_id = ANY (developer_ids)
       AND e.before->>'email' IS NOT NULL AND e.after->>'email' IS NOT NULL
$$;

CREATE FUNCTION devapp_internal.events_of_person(email text, since timestamptz, until timestamptz) RETURNS SETOF devapp.audit_event
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- one that was deleted as well
    ids uuid[] := ARRAY(SELECT d.developer_id FROM devapp.developer d
                         WHERE devapp_internal.email_key(d.email) = devapp_internal.email_key(events_of_person.email));
BEGIN
    IF ids = '{}' AND NOT EXISTS (SELECT FROM devapp.pseudonym p WHERE p.value = to_jsonb(devapp_internal.email_key(events_of_person.email))) THEN
        RAISE EXCEPTION 'developer % does not exist', devapp_internal.quoted(email)
            USING ERRCODE = 'undefined_object',
                  HINT = CASE WHEN strpos(email, '/') > 0 THEN 'For the history of an app, use devapp.app_history.'
                              ELSE 'Give the current e-mail address of the person.' END;
    END IF;
    IF ids = '{}' THEN
        RAISE NOTICE 'no developer has the address %', devapp_internal.quoted(email)
            USING DETAIL = 'Only what was done under this address is shown.',
                  HINT = 'If it is a former address of a developer, give the current one.';
    END IF;
    RETURN QUERY
    SELECT e.*
      FROM devapp_internal.history_addresses(events_of_person.email, ids) AS p
      JOIN devapp.pseudonym s ON s.value = to_jsonb(p.actor)
      JOIN devapp.audit_event e ON e.actor = s.pseudonym
       AND e.occurred_at >= greatest(p.since, events_of_person.since) AND e.occurred_at < least(p.until, events_of_person.until)
     UNION ALL
    SELECT e.*
      FROM devapp.audit_event e
     WHERE e.developer_id = ANY (ids) AND e.occurred_at >= events_of_person.since AND e.occurred_at < events_of_person.until;
END
$$;

-- Refuses the name of a team or a product that nothing has.
CREATE FUNCTION devapp_internal.require_known(ids uuid[], kind text, name text, hint text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF ids = '{}' THEN
        RAISE EXCEPTION '% % does not exist', kind, devapp_internal.quoted(name)
            USING ERRCODE = 'undefined_object', HINT = hint;
    END IF;
END
$$;

CREATE FUNCTION devapp_internal.events_of_team(name text, since timestamptz, until timestamptz) RETURNS SETOF devapp.audit_event
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ids uuid[] := ARRAY(SELECT t.team_id FROM devapp.team t WHERE t.name = devapp_internal.canonical_name(events_of_team.name));
BEGIN
    PERFORM devapp_internal.require_known(ids, 'team', name, 'List the teams with SELECT team FROM devapp_report.teams.');
    RETURN QUERY
    SELECT e.*
      FROM devapp.audit_event e
     WHERE e.team_id = ANY (ids) AND e.occurred_at >= events_of_team.since AND e.occurred_at < events_of_team.until;
END
$$;

-- What happened to a product, its operations and approvers, and to what apps have of it.
CREATE FUNCTION devapp_internal.events_of_product(name text, since timestamptz, until timestamptz) RETURNS SETOF devapp.audit_event
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ids uuid[] := ARRAY(SELECT p.product_id FROM devapp.product p WHERE p.name = devapp_internal.canonical_name(events_of_product.name));
BEGIN
    PERFORM devapp_internal.require_known(ids, 'product', name, 'Give an e-mail, team:NAME, the name of a product or product:NAME, or role:NAME.');
    RETURN QUERY
    SELECT e.*
      FROM unnest(ids) AS p(product_id)
      JOIN devapp.audit_event e
        ON e.entity = 'product' AND e.entity_id = p.product_id::text
        OR e.entity = 'product_operation' AND e.entity_id >= (p.product_id || '/') COLLATE "C" AND e.entity_id < (p.product_id || '0') COLLATE "C" -- 0 follows /
        OR e.entity IN ('product_approver', 'usage_correction') AND coalesce(e.after, e.before)->>'product_id' = p.product_id::text
        OR e.entity = 'quota_usage' AND split_part(e.entity_id, '/', 2) = p.product_id::text
     WHERE e.occurred_at >= events_of_product.since AND e.occurred_at < events_of_product.until
     UNION ALL
    SELECT e.*
      FROM devapp.credential_product cp
      JOIN devapp.audit_event e ON e.entity = 'credential_product' AND e.entity_id = cp.ordinal::text
     WHERE cp.product_id = ANY (ids) AND e.occurred_at >= events_of_product.since AND e.occurred_at < events_of_product.until;
END
$$;

-- What was done in a role of the database while nobody acted by e-mail.
CREATE FUNCTION devapp_internal.events_of_role(name text, since timestamptz, until timestamptz) RETURNS SETOF devapp.audit_event
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- a role that was dropped has a past
    IF NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = name)
       AND NOT EXISTS (SELECT FROM devapp.audit_event e WHERE e.db_role = name) THEN
        RAISE EXCEPTION 'role % does not exist', devapp_internal.quoted(name)
            USING ERRCODE = 'undefined_object',
                  HINT = 'Give the name of a database role.';
    END IF;
    RETURN QUERY
    SELECT e.*
      FROM devapp.audit_event e
     WHERE e.actor IS NULL AND e.db_role = name AND e.occurred_at >= events_of_role.since AND e.occurred_at < events_of_role.until;
END
$$;

CREATE FUNCTION devapp_internal.events_of(who text, since timestamptz, until timestamptz) RETURNS SETOF devapp.audit_event
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    word text := CASE WHEN who ~ '^(team|product|role):' THEN split_part(who, ':', 1) WHEN strpos(who, '@') > 0 THEN 'person' ELSE 'product' END;
    name text := regexp_replace(who, '^(team|product|role):', '');
BEGIN
    CASE word
        WHEN 'team' THEN RETURN QUERY SELECT * FROM devapp_internal.events_of_team(name, since, until);
        WHEN 'role' THEN RETURN QUERY SELECT * FROM devapp_internal.events_of_role(name, since, until);
        WHEN 'person' THEN RETURN QUERY SELECT * FROM devapp_internal.events_of_person(name, since, until);
        ELSE RETURN QUERY SELECT * FROM devapp_internal.events_of_product(name, since, until);
    END CASE;
END
$$;

-- The kinds of rows that are recorded.
CREATE FUNCTION devapp_internal.audited_kinds() RETURNS text[]
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT array_agg(DISTINCT k ORDER BY k)
      FROM pg_trigger t CROSS JOIN split_part(encode(t.tgargs, 'escape'), '\000', 1) AS k
     WHERE t.tgfoid = 'devapp_internal.audit_row'::regproc
$$;

CREATE FUNCTION devapp_internal.require_kind_or_action(what text) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    word text := lower(btrim(what) COLLATE "C");
    actions text[] := '{create,update,delete,remove,transfer,issue,rotate,approve,reject,suspend,resume,revoke,compromise,resubmit,activate,deactivate,erase}';
BEGIN
    IF word <> ALL (actions) AND word <> ALL (devapp_internal.audited_kinds()) THEN
        RAISE EXCEPTION '% is neither a kind of object nor an action', devapp_internal.quoted(what)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = format('Kinds: %s. Actions: %s.', array_to_string(devapp_internal.audited_kinds(), ', '), array_to_string(actions, ', '));
    END IF;
    RETURN word;
END
$$;

-- What an event is about, as a person names it now.
CREATE FUNCTION devapp_internal.history_object(event devapp.audit_event) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    id text := event.entity_id;
    facts jsonb := coalesce(event.after, event.before);
BEGIN
    RETURN coalesce(CASE
        WHEN event.app_id IS NOT NULL THEN
            (SELECT coalesce(d.email, 'team:' || t.name) || '/' || a.name
               FROM devapp.app a
               LEFT JOIN devapp.developer d ON d.developer_id = a.developer_id
               LEFT JOIN devapp.team t ON t.team_id = a.team_id
              WHERE a.app_id = event.app_id)
        WHEN event.entity IN ('product', 'product_operation') THEN
            (SELECT p.name FROM devapp.product p WHERE p.product_id = split_part(id, '/', 1)::uuid)
        WHEN event.entity = 'product_approver' THEN
            (SELECT p.name FROM devapp.product p WHERE p.product_id = (facts->>'product_id')::uuid)
        WHEN event.entity = 'approval_rule' THEN
            coalesce((SELECT r.name FROM devapp.approval_rule r WHERE r.rule_id = id::uuid), facts->>'name')
        WHEN event.team_id IS NOT NULL THEN
            (SELECT 'team:' || t.name FROM devapp.team t WHERE t.team_id = event.team_id)
        WHEN event.developer_id IS NOT NULL THEN
            (SELECT d.email FROM devapp.developer d WHERE d.developer_id = event.developer_id) END, id);
END
$$;

CREATE FUNCTION devapp_internal.history(who text, since timestamptz, until timestamptz, what text) RETURNS TABLE (
    event_id bigint,
    occurred_at timestamptz,
    actor text,
    kind text,
    object text,
    happened text,
    note text,
    consumer_key text
)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted text := devapp_internal.require_kind_or_action(what);
BEGIN
    IF who IS NULL THEN
        RAISE EXCEPTION 'the history requires a person, team, product or role'
            USING ERRCODE = 'null_value_not_allowed',
                  HINT = 'Give an e-mail address, team:NAME, the name of a product, or role:NAME.';
    END IF;
    RETURN QUERY
    SELECT e.event_id, e.occurred_at, devapp_internal.history_actor(e), e.entity, devapp_internal.history_object(e),
           devapp_internal.history_words(e), e.note, devapp_internal.history_key(e)
      FROM (SELECT DISTINCT ON (x.event_id) x AS event
              FROM devapp_internal.events_of(btrim(who), coalesce(since, '-infinity'), coalesce(until, 'infinity')) AS x
             WHERE wanted IS NULL OR wanted IN (x.entity, x.action)
             ORDER BY x.event_id) AS y, devapp_internal.unmasked_event(y.event) AS e
     ORDER BY e.event_id;
END
$$;

CREATE FUNCTION devapp.history(
    who text,
    since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL,
    what text DEFAULT NULL
) RETURNS TABLE (
    event_id bigint,
    occurred_at timestamptz,
    actor text,
    kind text,
    object text,
    happened text,
    note text,
    consumer_key text
)
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'devapp_enter_auditor';
COMMENT ON FUNCTION devapp.history(text, timestamptz, timestamptz, text) IS
    'History of a person, team, product or role, and of what belongs to it, oldest first';
SELECT devapp_internal.grant_to('devapp.history', 'admin', 'auditor');
