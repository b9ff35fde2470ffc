-- What happened to an app, and what it could call at some time, both from the audit
-- trail.  Both read with their owner's rights what is about an app that the caller
-- may see: products have a past that he need not see.

-- ---------- the timeline ----------

CREATE FUNCTION devapp_internal.history_owner(developer_id uuid, team_id uuid) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN history_owner.team_id IS NOT NULL
                THEN 'team ' || coalesce((SELECT t.name FROM devapp.team t WHERE t.team_id = history_owner.team_id),
                                         history_owner.team_id::text)
                ELSE 'developer ' || coalesce((SELECT d.email FROM devapp.developer d
                                                WHERE d.developer_id = history_owner.developer_id),
                                              history_owner.developer_id::text) END
$$;

-- "name: old -> new, ..." of what changed, shortened.  Arrow and dots are named by
-- number: a script with other characters than ASCII does not load into a database of
-- every encoding.  The number must not be a constant: chr() of one is worked out
-- beforehand, and is an error where the encoding has no such character.
CREATE FUNCTION devapp_internal.history_changes(before jsonb, after jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(format('%s: %s %s %s', b.key,
                             CASE WHEN length(b.value::text) > 60 THEN left(b.value::text, 60) || c.dots ELSE b.value::text END, c.arrow,
                             CASE WHEN length(a.value::text) > 60 THEN left(a.value::text, 60) || c.dots ELSE a.value::text END),
                      ', ' ORDER BY b.key)
      FROM jsonb_each(before) AS b
      JOIN jsonb_each(after) AS a USING (key)
     CROSS JOIN (SELECT coalesce(nullif(chr(CASE getdatabaseencoding() WHEN 'UTF8' THEN 8594 ELSE 45 END), '-'), '->') AS arrow,
                        coalesce(nullif(chr(CASE getdatabaseencoding() WHEN 'UTF8' THEN 8230 ELSE 46 END), '.'), '...') AS dots) AS c
$$;

CREATE FUNCTION devapp_internal.history_action(action text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN action = 'resubmit' THEN 'resubmitted'
                WHEN action = 'compromise' THEN 'revoked as compromised'
                WHEN action ~ 'e$' THEN action || 'd'
                ELSE action || 'ed' END
$$;

CREATE FUNCTION devapp_internal.history_of_app(event devapp.audit_event) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE (event).action
           WHEN 'create' THEN format('app %s created for %s: %s', (event).after->>'name',
                                     devapp_internal.history_owner((event).developer_id, (event).team_id), (event).after->>'status')
           WHEN 'update' THEN
               concat_ws(', ', CASE WHEN (event).after ? 'name' THEN format('app renamed from %s to %s', (event).before->>'name', (event).after->>'name') END,
                         CASE WHEN (event).after ? 'name' THEN '' ELSE 'app ' END || 'changed: '
                         || devapp_internal.history_changes((event).before - 'name', (event).after))
           WHEN 'transfer' THEN format('app transferred from %s to %s',
                                       devapp_internal.history_owner(((event).before->>'developer_id')::uuid,
                                                             ((event).before->>'team_id')::uuid),
                                       devapp_internal.history_owner((event).developer_id, (event).team_id))
           ELSE 'app ' || devapp_internal.history_action((event).action) END
$$;

-- What happened to a row of which there is nothing more to say: "product changed: rate_limit: null -> 5".
CREATE FUNCTION devapp_internal.history_of_row(event devapp.audit_event, what text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT what || CASE (event).action
                   WHEN 'create' THEN ' created' || coalesce(': ' || ((event).after->>'status'), '')
                   WHEN 'update' THEN ' changed: ' || devapp_internal.history_changes((event).before, (event).after)
                   ELSE ' ' || devapp_internal.history_action((event).action) END
$$;

CREATE FUNCTION devapp_internal.history_of_credential(event devapp.audit_event) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE (event).action
           WHEN 'create' THEN format('credential created (%s)',
                                     concat_ws(', ', (event).after->>'kind', (event).after->>'environment',
                                               'until ' || ((event).after->>'expires_at')::timestamptz,
                                               'replaces ' || ((event).after->>'replaces')))
           ELSE devapp_internal.history_of_row(event, 'credential') END
$$;

-- The old secret of a rotation is changed in the same transaction, just before.
CREATE FUNCTION devapp_internal.history_of_secret(event devapp.audit_event, version integer) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE (event).action
           WHEN 'issue' THEN 'secret issued'
           WHEN 'rotate' THEN
               format('secret rotated (version %s)', version)
               || coalesce((SELECT CASE WHEN e.after->>'ended_at' IS NOT NULL THEN ', old one ended'
                                        ELSE ', old one works until ' || (e.after->>'valid_until')::timestamptz END
                              FROM devapp.audit_event e
                             WHERE e.transaction_id = (event).transaction_id
                               AND e.entity = 'credential_secret'
                               AND e.event_id < (event).event_id
                               AND e.after ? 'valid_until'
                               AND EXISTS (SELECT FROM devapp.credential_secret s
                                            WHERE s.secret_id::text = e.entity_id
                                              AND s.credential_id::text = (event).after->>'credential_id')
                             ORDER BY e.event_id DESC LIMIT 1), '')
           ELSE format('secret version %s', version)
               || CASE WHEN (event).after->>'ended_at' IS NOT NULL THEN ' was ended'
                       WHEN (event).after->>'valid_until' IS NULL THEN ' is current again'
                       ELSE ' works until ' || ((event).after->>'valid_until')::timestamptz END END
$$;

CREATE FUNCTION devapp_internal.history_of_credential_product(event devapp.audit_event, product text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE (event).action
           WHEN 'create' THEN format('product %s associated: %s', product, (event).after->>'status')
           ELSE devapp_internal.history_of_row(event, concat_ws(' ', 'product', product)) END
$$;

-- "1000 in 1 day, 10 a second, at most 20 at once, until ..."
CREATE FUNCTION devapp_internal.history_of_limits(limits jsonb) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT concat_ws(', ', CASE WHEN limits->>'quota_unit' = 'never' THEN format('%s once', limits->>'quota_limit')
                                WHEN limits->>'quota_limit' IS NOT NULL THEN format('%s in %s %s', limits->>'quota_limit', limits->>'quota_interval', limits->>'quota_unit') END,
                     CASE WHEN limits->>'rate_limit' IS NOT NULL THEN format('%s per second, %s at once', limits->>'rate_limit', limits->>'rate_burst') END,
                     'until ' || (limits->>'until')::timestamptz)
$$;

CREATE FUNCTION devapp_internal.history_of_app_quota(event devapp.audit_event, product text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('own quota for product %s ', product)
           || CASE (event).action
              WHEN 'create' THEN 'set: ' || devapp_internal.history_of_limits((event).after)
              WHEN 'update' THEN 'changed: ' || devapp_internal.history_changes((event).before, (event).after)
              ELSE 'ended' END
$$;

CREATE FUNCTION devapp_internal.history_of_member(event devapp.audit_event, email text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE (event).action
           WHEN 'create' THEN format('%s became %s', email, (event).after->>'role')
           WHEN 'update' THEN format('%s changed: %s', email, devapp_internal.history_changes((event).before, (event).after))
           ELSE format('%s is no longer %s', email, (event).before->>'role') END
$$;

CREATE FUNCTION devapp_internal.history_of_invitation(event devapp.audit_event) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE (event).action
           WHEN 'create' THEN format('%s invited as %s', (event).after->>'email', (event).after->>'role')
           ELSE format('invitation of %s ended', (event).before->>'email') END
$$;

-- "operation GET, POST /v1/orders".  An operation that was removed is as it was then.
CREATE FUNCTION devapp_internal.history_operation(event devapp.audit_event) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT concat_ws(' ', 'operation', (SELECT string_agg(m, ', ') FROM jsonb_array_elements_text(o.facts->'methods') AS m), o.facts->>'resource')
      FROM (SELECT coalesce((SELECT to_jsonb(p) FROM devapp.product_operation p
                              WHERE p.operation_id = split_part((event).entity_id, '/', 2)::uuid),
                            (event).before, (event).after) AS facts) AS o
$$;

CREATE FUNCTION devapp_internal.history_approver(event devapp.audit_event) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'approver ' || coalesce('team ' || (SELECT t.name FROM devapp.team t WHERE t.team_id = (event).team_id),
                                   'role ' || (coalesce((event).after, (event).before)->>'role_name'))
$$;

-- What happened, in words.
CREATE FUNCTION devapp_internal.history_words(event devapp.audit_event) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    id text := event.entity_id;
BEGIN
    RETURN CASE event.entity
        WHEN 'app' THEN devapp_internal.history_of_app(event)
        WHEN 'credential' THEN devapp_internal.history_of_credential(event)
        WHEN 'credential_secret' THEN devapp_internal.history_of_secret(event,
            (SELECT s.version FROM devapp.credential_secret s WHERE s.secret_id = id::uuid))
        WHEN 'leak' THEN format('secret version %s reported as leaked: %s',
            (SELECT s.version FROM devapp.credential_secret s WHERE s.secret_id = id::uuid),
            replace(event.after->>'action', 'none', 'it no longer works'))
        WHEN 'credential_product' THEN devapp_internal.history_of_credential_product(event,
            (SELECT p.name FROM devapp.credential_product cp JOIN devapp.product p ON p.product_id = cp.product_id WHERE cp.ordinal = id::bigint))
        WHEN 'quota_usage' THEN 'quota reset'
        WHEN 'app_quota' THEN devapp_internal.history_of_app_quota(event,
            (SELECT p.name FROM devapp.product p WHERE p.product_id = split_part(id, '/', 2)::uuid))
        WHEN 'usage_correction' THEN
            format('usage of %s corrected from %s to %s calls', event.after->>'day', event.after->>'calls_before', event.after->>'calls')
        WHEN 'team_member' THEN devapp_internal.history_of_member(event,
            (SELECT d.email FROM devapp.developer d WHERE d.developer_id = event.developer_id))
        WHEN 'team_invitation' THEN devapp_internal.history_of_invitation(event)
        WHEN 'revoked_token' THEN format('token %s revoked', event.after->>'jti')
        WHEN 'product_operation' THEN devapp_internal.history_of_row(event, devapp_internal.history_operation(event))
        WHEN 'product_approver' THEN devapp_internal.history_of_row(event, devapp_internal.history_approver(event))
        ELSE devapp_internal.history_of_row(event, replace(event.entity, '_', ' ')) END;
END
$$;

-- The credential that an event is about; null: none.
CREATE FUNCTION devapp_internal.history_credential(event devapp.audit_event) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    id text := event.entity_id;
BEGIN
    RETURN CASE event.entity
           WHEN 'credential' THEN id::uuid
           WHEN 'credential_secret' THEN (SELECT s.credential_id FROM devapp.credential_secret s WHERE s.secret_id = id::uuid)
           WHEN 'leak' THEN (SELECT l.credential_id FROM devapp.leak l WHERE l.secret_id = id::uuid)
           WHEN 'credential_product' THEN (SELECT cp.credential_id FROM devapp.credential_product cp WHERE cp.ordinal = id::bigint)
           WHEN 'client_key' THEN split_part(id, '/', 1)::uuid
           WHEN 'revoked_token' THEN (event.after->>'credential_id')::uuid END;
END
$$;

-- Its consumer key.
CREATE FUNCTION devapp_internal.history_key(event devapp.audit_event) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT c.consumer_key FROM devapp.credential c WHERE c.credential_id = devapp_internal.history_credential(event));
END
$$;

-- The app of a history: an auditor may ask about each, others about those that they see.
CREATE FUNCTION devapp_internal.find_recorded_app(app devapp.app_ref) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_app uuid := devapp_internal.app_id_of(app);
BEGIN
    IF NOT (devapp_internal.is_auditor() AND EXISTS (SELECT FROM devapp.app a WHERE a.app_id = the_app)) THEN
        PERFORM devapp_internal.require_app(the_app, false, app);
    END IF;
    RETURN the_app;
END
$$;

CREATE FUNCTION devapp_internal.sees_history_of(credential_id uuid) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_internal.is_auditor() OR devapp_internal.has_credential(sees_history_of.credential_id)
$$;

-- Who did it: a rule, a person, or else the role of the database, which is for administrators and auditors to know.
CREATE FUNCTION devapp_internal.history_actor(event devapp.audit_event) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(CASE WHEN (event).action NOT IN ('create', 'issue') THEN (event).after->>'decided_by' END, (event).actor,
                    CASE WHEN devapp_internal.is_auditor() THEN (event).db_role ELSE 'administrator' END)
$$;

CREATE FUNCTION devapp_internal.app_history(app devapp.app_ref) RETURNS TABLE (
    event_id bigint,
    occurred_at timestamptz,
    who text,
    what text,
    note text,
    consumer_key text
)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_app uuid := devapp_internal.find_recorded_app(app_history.app);
BEGIN
    RETURN QUERY
    SELECT e.event_id, e.occurred_at, devapp_internal.history_actor(e), devapp_internal.history_words(e), e.note, devapp_internal.history_key(e)
      FROM devapp.audit_event x, devapp_internal.unmasked_event(x) AS e
     WHERE x.app_id = the_app
       AND (devapp_internal.history_credential(e) IS NULL OR devapp_internal.sees_history_of(devapp_internal.history_credential(e)))
     ORDER BY e.event_id;
END
$$;

CREATE FUNCTION devapp.app_history(app devapp.app_ref) RETURNS TABLE (
    event_id bigint,
    occurred_at timestamptz,
    who text,
    what text,
    note text,
    consumer_key text
)
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.app_history(devapp.app_ref) IS
    'History of an app, its credentials, their secrets and products, oldest first';
SELECT devapp_internal.grant_to('devapp.app_history', 'admin', 'developer', 'auditor');

-- ---------- rows of the past ----------

-- PL/pgSQL keeps the plans of these, which take longer to make than to run.

-- A row as it was: as it is now, or was before it was removed, with every later
-- change undone.  Null if it was made later.  The values before the earliest later
-- change win, as they come last.
CREATE FUNCTION devapp_internal.row_at(entity text, entity_id text, present jsonb, at timestamptz) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    past jsonb := coalesce(present, '{}');
    later_before jsonb;
BEGIN
    FOR later_before IN
        SELECT e.before
          FROM devapp.audit_event e
         WHERE e.entity = row_at.entity
           AND e.entity_id = row_at.entity_id
           AND e.occurred_at > row_at.at
         ORDER BY e.event_id DESC
    LOOP
        past := past || later_before;
    END LOOP;
    RETURN past;
END
$$;

-- The operations that a product had: those it has, and those it lost since.
CREATE FUNCTION devapp_internal.operations_at(product_id uuid, at timestamptz) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        WITH present AS (
            SELECT o.product_id || '/' || o.operation_id AS id, to_jsonb(o) AS facts
              FROM devapp.product_operation o
             WHERE o.product_id = operations_at.product_id
        ), changed AS (
            SELECT DISTINCT e.entity_id AS id
              FROM devapp.audit_event e
             WHERE e.entity = 'product_operation'
               AND e.entity_id >= (operations_at.product_id || '/') COLLATE "C"
               AND e.entity_id < (operations_at.product_id || '0') COLLATE "C" -- 0 follows /
               AND e.occurred_at > operations_at.at
        ), past AS (
            SELECT CASE WHEN c.id IS NULL THEN p.facts
                        ELSE devapp_internal.row_at('product_operation', c.id, p.facts, operations_at.at) END AS facts
              FROM present p FULL JOIN changed c ON c.id = p.id
        )
        SELECT coalesce(jsonb_agg(p.facts) FILTER (WHERE p.facts IS NOT NULL), '[]') FROM past p);
END
$$;

CREATE FUNCTION devapp_internal.credential_products_at(credential_id uuid, at timestamptz) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    present record;
    past jsonb;
    result jsonb := '[]';
BEGIN
    FOR present IN
        SELECT cp.ordinal, to_jsonb(cp) AS credential_product, p.product_id, to_jsonb(p) AS product
          FROM devapp.credential_product cp
          JOIN devapp.product p ON p.product_id = cp.product_id
         WHERE cp.credential_id = credential_products_at.credential_id
         ORDER BY cp.ordinal
    LOOP
        past := devapp_internal.row_at('credential_product', present.ordinal::text, present.credential_product, credential_products_at.at);
        CONTINUE WHEN past IS NULL OR past->>'removed_at' IS NOT NULL;
        result := result || jsonb_build_object(
            'status', past->'status',
            'product', devapp_internal.row_at('product', present.product_id::text, present.product, credential_products_at.at),
            'operations', devapp_internal.operations_at(present.product_id, credential_products_at.at));
    END LOOP;
    RETURN result;
END
$$;

CREATE FUNCTION devapp_internal.secrets_at(credential_id uuid, at timestamptz) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT coalesce(jsonb_agg(x.facts ORDER BY x.version) FILTER (WHERE x.facts IS NOT NULL), '[]')
          FROM (SELECT s.version,
                       devapp_internal.row_at('credential_secret', s.secret_id::text,
                                      jsonb_build_object('valid_until', s.valid_until, 'ended_at', s.ended_at),
                                      secrets_at.at) AS facts
                  FROM devapp.credential_secret s
                 WHERE s.credential_id = secrets_at.credential_id) AS x);
END
$$;

CREATE FUNCTION devapp_internal.app_at(app_id uuid, at timestamptz) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT devapp_internal.row_at('app', a.app_id::text, to_jsonb(a), app_at.at)
              FROM devapp.app a WHERE a.app_id = app_at.app_id);
END
$$;

CREATE FUNCTION devapp_internal.owner_at(app jsonb, at timestamptz) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF app->>'team_id' IS NOT NULL THEN
        RETURN (SELECT devapp_internal.row_at('team', t.team_id::text, to_jsonb(t), owner_at.at)
                  FROM devapp.team t WHERE t.team_id = (app->>'team_id')::uuid);
    END IF;
    RETURN (SELECT devapp_internal.row_at('developer', d.developer_id::text, to_jsonb(d), owner_at.at)
              FROM devapp.developer d WHERE d.developer_id = (app->>'developer_id')::uuid);
END
$$;

-- ---------- could it call this then? ----------

CREATE FUNCTION devapp_internal.decide_facts(
    facts jsonb,
    resource text,
    method text,
    environment text,
    proxy text,
    at timestamptz,
    scope text,
    client inet,
    OUT code devapp.verdict_code,
    OUT product text
)
    LANGUAGE c STABLE
    AS 'MODULE_PATHNAME', 'devapp_decide_facts';

CREATE FUNCTION devapp_internal.require_recorded(at timestamptz) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    began timestamptz;
BEGIN
    IF at IS NULL OR at > clock_timestamp() THEN
        RAISE EXCEPTION 'the audit trail does not cover %', coalesce(at::text, '(null)')
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give a time in the past.'
                         || CASE WHEN has_function_privilege(devapp_internal.entry_role(), 'devapp.explain_access(devapp.app_ref, text, text, text, text, timestamptz, text, inet)', 'EXECUTE')
                                 THEN ' devapp.explain_access() can move the clock forward.' ELSE '' END;
    END IF;
    SELECT e.occurred_at INTO began FROM devapp.audit_event e ORDER BY e.event_id LIMIT 1;
    IF began IS NULL OR at < began THEN
        RAISE EXCEPTION 'the audit trail does not cover %', at
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = coalesce(format('It begins at %s.', began), 'It is empty.');
    END IF;
END
$$;

CREATE FUNCTION devapp_internal.access_at(
    app devapp.app_ref,
    resource text,
    method text,
    environment text,
    at timestamptz,
    proxy text,
    scope text,
    client inet
) RETURNS TABLE (
    credential_id uuid,
    consumer_key text,
    allowed boolean,
    code devapp.verdict_code,
    product text
)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_app uuid := devapp_internal.find_recorded_app(access_at.app);
    app_then jsonb;
    owner jsonb;
    credential jsonb;
BEGIN
    PERFORM devapp_internal.require_recorded(access_at.at);
    app_then := devapp_internal.app_at(the_app, access_at.at);
    owner := devapp_internal.owner_at(app_then, access_at.at);
    FOR access_at.credential_id, access_at.consumer_key, credential IN
        SELECT c.credential_id, c.consumer_key,
               devapp_internal.row_at('credential', c.credential_id::text, to_jsonb(c), access_at.at)
          FROM devapp.credential c
         WHERE c.app_id = the_app AND devapp_internal.sees_history_of(c.credential_id)
         ORDER BY c.credential_id
    LOOP
        -- not there yet, or deleted already
        CONTINUE WHEN credential IS NULL OR credential ->> 'deleted_at' IS NOT NULL;
        SELECT d.code, d.product INTO access_at.code, access_at.product
          FROM devapp_internal.decide_facts(
                   jsonb_build_object('credential', credential, 'app', app_then, 'owner', owner,
                                      'secrets', devapp_internal.secrets_at(access_at.credential_id, access_at.at),
                                      'credential_products', devapp_internal.credential_products_at(access_at.credential_id, access_at.at)),
                   access_at.resource, access_at.method, access_at.environment, access_at.proxy, access_at.at,
                   access_at.scope, access_at.client) AS d;
        access_at.allowed := access_at.code = 'VALID';
        RETURN NEXT;
    END LOOP;
END
$$;

CREATE FUNCTION devapp.access_at(
    app devapp.app_ref,
    resource text DEFAULT NULL,
    method text DEFAULT NULL,
    environment text DEFAULT NULL,
    at timestamptz DEFAULT clock_timestamp(),
    proxy text DEFAULT NULL,
    scope text DEFAULT NULL,
    client inet DEFAULT NULL
) RETURNS TABLE (
    credential_id uuid,
    consumer_key text,
    allowed boolean,
    code devapp.verdict_code,
    product text
)
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.access_at(devapp.app_ref, text, text, text, timestamptz, text, text, inet) IS
    'Whether an app could make a call at a past time, by the audit trail: one row per credential';
SELECT devapp_internal.grant_to('devapp.access_at', 'admin', 'developer', 'auditor');
