-- Whole programs: products, developers, teams, and apps with their credentials.
--
-- A document contains secrets in plain text, and extensions can log the parameters and the plans of
-- statements.  So hold_secrets() takes them out first (src/import/document.c); the functions here, and
-- those that convert the documents of other programs, get their numbers.

-- ---------- reading ----------

-- '-1' and null are never; a number is seconds since 1970, or milliseconds where that would be
-- after the year 5138.
CREATE FUNCTION devapp_internal.import_time(value jsonb) RETURNS timestamptz
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    given constant text := value #>> '{}';
BEGIN
    IF given IS NULL OR given IN ('-1', '-1.0', '') THEN
        RETURN NULL;
    END IF;
    IF given ~ '^[0-9]{1,15}(\.[0-9]{1,9})?$' THEN
        RETURN to_timestamp(CASE WHEN given::numeric >= 100000000000 THEN given::numeric / 1000 ELSE given::numeric END);
    END IF;
    -- of other characters the server's errors could quote a part: "time zone ... not recognized"
    IF given !~ '^[0-9]{4}-[-0-9TZtz :.+]*$' THEN
        RAISE EXCEPTION 'a time is neither ISO 8601 nor a number of seconds or milliseconds since 1970'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN given::timestamptz;
END
$$;

-- The name of an owner, who may be given as apps name it: team:NAME.
CREATE FUNCTION devapp_internal.import_owner(given text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN strpos(given, '@') > 0 THEN given ELSE regexp_replace(given, '^team:', '') END;

-- A name of the document in a line or an error: no longer than anybody reads, and masked before it is cut, so that no part of
-- a key is left.
CREATE FUNCTION devapp_internal.import_name(given text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF octet_length(given) > 16384 THEN
        RETURN format('(%s bytes)', octet_length(given));
    END IF;
    RETURN left(devapp_internal.masked(given), 1000);
END
$$;

-- Stands for an object of another program that cannot be converted: its line is refused with the reason.
CREATE FUNCTION devapp_internal.inconvertible(named jsonb, reason text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_strip_nulls(named) || jsonb_build_object('inconvertible', reason)
$$;

-- The first field of an object with unknown fields.  An error may show its name.
CREATE FUNCTION devapp_internal.first_field(object jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_internal.field_name(jsonb_path_query_first(object, '$.keyvalue().key') #>> '{}')
$$;

-- Returns the object itself.  Unknown fields are refused, because they would be lost silently.
CREATE FUNCTION devapp_internal.known_fields(what text, object jsonb, VARIADIC fields text[]) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF jsonb_typeof(object) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION '% is not an object', what USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF object ? 'inconvertible' THEN
        RAISE EXCEPTION '%', devapp_internal.masked(object ->> 'inconvertible') USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF object - fields <> '{}' THEN
        RAISE EXCEPTION '% has no field %', what,
                        devapp_internal.quoted(devapp_internal.first_field(object - fields))
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN object;
END
$$;

CREATE FUNCTION devapp_internal.import_status(entity text, given text, otherwise text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    status constant text := lower(coalesce(given, otherwise));
BEGIN
    IF NOT devapp_internal.status_exists(entity, status) OR status = 'deleted' THEN
        RAISE EXCEPTION '% has no status %', entity, devapp_internal.quoted(devapp_internal.import_name(given))
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN status;
END
$$;

-- A list in a document; an empty one if it is left out or null.
CREATE FUNCTION devapp_internal.import_list(object jsonb, field text) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found jsonb := object -> field;
BEGIN
    IF coalesce(jsonb_typeof(found), 'null') = 'null' THEN
        RETURN '[]';
    END IF;
    IF jsonb_typeof(found) <> 'array' THEN
        RAISE EXCEPTION '% must be an array', field
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN found;
END
$$;

-- ---------- products and owners ----------

CREATE FUNCTION devapp_internal.import_product(object jsonb) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    p devapp.product;
    operations jsonb := devapp_internal.import_list(object, 'operations');
    o devapp.product_operation;
BEGIN
    object := devapp_internal.known_fields('a product', object, 'name', 'display_name', 'description', 'approval', 'access', 'environments',
                'proxies', 'scopes', 'quota_limit', 'quota_interval', 'quota_unit', 'quota_enforcement', 'time_zone',
                'rate_limit', 'rate_burst', 'trailing_slash', 'attributes', 'operations',
                'product_id', 'created_at', 'updated_at', 'deleted_at');
    p := jsonb_populate_record(NULL::devapp.product, object - 'operations');
    IF EXISTS (SELECT FROM devapp.product q WHERE q.name = devapp_internal.canonical_name(p.name) AND q.deleted_at IS NULL) THEN
        RETURN 'unchanged';
    END IF;
    PERFORM devapp_internal.create_product(p.name, p.display_name, p.description, p.approval, p.access, p.environments, p.proxies,
                p.scopes, p.quota_limit, p.quota_interval, p.quota_unit, p.rate_limit, p.rate_burst, p.attributes,
                p.quota_enforcement, p.time_zone, p.trailing_slash);
    FOR i IN 0 .. jsonb_array_length(operations) - 1 LOOP
        o := jsonb_populate_record(NULL::devapp.product_operation,
                 devapp_internal.known_fields('an operation', operations -> i, 'resource', 'methods', 'proxy', 'quota_limit', 'quota_interval',
                     'quota_unit', 'operation_id', 'product_id', 'created_at'));
        PERFORM devapp_internal.add_operation(p.name, o.resource::text, o.methods, o.proxy, o.quota_limit, o.quota_interval, o.quota_unit);
    END LOOP;
    RETURN 'created';
END
$$;

CREATE FUNCTION devapp_internal.import_developer(object jsonb) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    d devapp.developer;
BEGIN
    object := devapp_internal.known_fields('a developer', object, 'email', 'first_name', 'last_name', 'user_name', 'status', 'attributes',
                'developer_id', 'decided_by', 'decided_at', 'decision_note', 'created_at', 'updated_at', 'deleted_at', 'erased_at');
    d := jsonb_populate_record(NULL::devapp.developer, object);
    d.status := devapp_internal.import_status('developer', d.status, 'active');
    IF EXISTS (SELECT FROM devapp.developer e
                WHERE devapp_internal.email_key(e.email) = devapp_internal.email_key(d.email) AND e.deleted_at IS NULL) THEN
        RETURN 'unchanged';
    END IF;
    PERFORM devapp_internal.create_developer(d.email, d.first_name, d.last_name, d.user_name, d.attributes);
    IF d.status = 'inactive' THEN
        PERFORM devapp_internal.set_developer_status(d.email, 'deactivate', NULL);
    END IF;
    RETURN 'created';
END
$$;

CREATE FUNCTION devapp_internal.import_team(object jsonb) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    t devapp.team;
BEGIN
    object := devapp_internal.known_fields('a team', object, 'name', 'display_name', 'status', 'attributes',
                'team_id', 'decided_by', 'decided_at', 'decision_note', 'created_at', 'updated_at', 'deleted_at');
    t := jsonb_populate_record(NULL::devapp.team, object);
    t.status := devapp_internal.import_status('team', t.status, 'active');
    IF EXISTS (SELECT FROM devapp.team u WHERE u.name = devapp_internal.canonical_name(t.name) AND u.deleted_at IS NULL) THEN
        RETURN 'unchanged';
    END IF;
    INSERT INTO devapp.team (name, display_name, status, attributes, decided_by, decided_at)
    VALUES (t.name, t.display_name, t.status, coalesce(t.attributes, '{}'),
            CASE WHEN t.status <> 'active' THEN devapp_internal.actor_name() END, CASE WHEN t.status <> 'active' THEN now() END);
    RETURN 'created';
END
$$;

-- One of these, by its kind.
CREATE FUNCTION devapp_internal.import_object(kind text, object jsonb) RETURNS devapp.import_line
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    made devapp.import_line;
    state text;
BEGIN
    made.kind := kind;
    made.name := devapp_internal.import_name(object ->> CASE kind WHEN 'developer' THEN 'email' ELSE 'name' END);
    made.outcome := CASE kind WHEN 'product' THEN devapp_internal.import_product(object)
                              WHEN 'developer' THEN devapp_internal.import_developer(object)
                              ELSE devapp_internal.import_team(object) END;
    RETURN made;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, made.detail = MESSAGE_TEXT;
    made.detail := devapp_internal.import_reason(state, made.detail);
    made.outcome := 'refused';
    RETURN made;
END
$$;

-- ---------- apps ----------

-- An owner may have very many apps, so the name leads to the app: a condition with OR would read them all.
CREATE FUNCTION devapp_internal.store_app(a devapp.app, developer text, team text, OUT app_id uuid, OUT made boolean)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF num_nonnulls(developer, team) <> 1 THEN
        RAISE EXCEPTION 'an app must have exactly one owner' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    a.name := devapp_internal.canonical_name(a.name);
    IF developer IS NOT NULL THEN
        a.developer_id := (devapp_internal.find_developer(developer, false)).developer_id;
        SELECT b.app_id INTO store_app.app_id FROM devapp.app b
         WHERE b.developer_id = a.developer_id AND b.name = a.name AND b.deleted_at IS NULL;
    ELSE
        a.team_id := (devapp_internal.find_team(team, false)).team_id;
        SELECT b.app_id INTO store_app.app_id FROM devapp.app b
         WHERE b.team_id = a.team_id AND b.name = a.name AND b.deleted_at IS NULL;
    END IF;
    made := NOT FOUND;
    IF made THEN
        INSERT INTO devapp.app AS b (developer_id, team_id, name, display_name, description, status, callback_urls, scopes,
                                allowed_cidrs, app_family, attributes, decided_by, decided_at)
        VALUES (a.developer_id, a.team_id, a.name, a.display_name, a.description, a.status, coalesce(a.callback_urls, '{}'),
                coalesce(a.scopes, '{}'), coalesce(a.allowed_cidrs, '{}'), a.app_family, coalesce(a.attributes, '{}'),
                CASE WHEN a.status <> 'pending' THEN devapp_internal.actor_name() END,
                CASE WHEN a.status <> 'pending' THEN now() END)
        RETURNING b.app_id INTO store_app.app_id;
    END IF;
END
$$;

CREATE FUNCTION devapp_internal.import_app(object jsonb, OUT app_id uuid, OUT credentials jsonb, OUT made devapp.import_line)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    fields constant text[] := '{name,developer,team,display_name,description,status,callback_urls,scopes,allowed_cidrs,app_family,attributes,
                                credentials,app_id,decided_by,decided_at,decision_note,created_at,updated_at,deleted_at}'::text[];
    a devapp.app;
    stored record;
    state text;
    reason text;
BEGIN
    made.kind := 'app';
    made.name := devapp_internal.import_name(coalesce(object ->> 'developer', 'team:' || (object ->> 'team'), '?') || '/' || coalesce(object ->> 'name', '?'));
    IF jsonb_typeof(object) <> 'object' OR object - fields <> '{}' THEN
        object := devapp_internal.known_fields('an app', object, VARIADIC fields);
    END IF;
    credentials := devapp_internal.import_list(object, 'credentials');
    a := jsonb_populate_record(NULL::devapp.app, object - 'credentials');
    a.status := CASE WHEN a.status IS NULL THEN 'approved' ELSE devapp_internal.import_status('app', a.status, 'approved') END;
    stored := devapp_internal.store_app(a, object ->> 'developer', object ->> 'team');
    app_id := stored.app_id;
    made.outcome := CASE WHEN stored.made THEN 'created' ELSE 'unchanged' END;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, reason = MESSAGE_TEXT;
    app_id := NULL;
    credentials := CASE WHEN jsonb_typeof(object -> 'credentials') = 'array' THEN object -> 'credentials' ELSE '[]' END;
    made.outcome := 'refused';
    made.detail := devapp_internal.import_reason(state, reason);
END
$$;

-- ---------- credentials ----------

-- Products are names, or objects with a name and a status; ids are those of all live products.
CREATE FUNCTION devapp_internal.import_products(item devapp.import_item, object jsonb, ids jsonb) RETURNS devapp.import_item
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    products constant jsonb := devapp_internal.import_list(object, 'products');
    entry jsonb;
    name text;
BEGIN
    item.products := object -> 'products';
    item.product_ids := '{}';
    item.product_statuses := '{}';
    FOR i IN 0 .. jsonb_array_length(products) - 1 LOOP
        entry := products -> i;
        IF jsonb_typeof(entry) = 'object' THEN
            entry := devapp_internal.known_fields('a product of a credential', entry, 'name', 'status');
        ELSE
            entry := jsonb_build_object('name', entry #>> '{}');
        END IF;
        name := devapp_internal.canonical_name(entry ->> 'name');
        IF NOT ids ? coalesce(name, '') THEN
            RAISE EXCEPTION 'product % does not exist', devapp_internal.quoted(devapp_internal.import_name(name)) USING ERRCODE = 'undefined_object';
        END IF;
        IF (ids ->> name)::uuid = ANY (item.product_ids) THEN
            RAISE EXCEPTION 'product % is listed more than once', devapp_internal.quoted(name) USING ERRCODE = 'invalid_parameter_value';
        END IF;
        item.product_ids := item.product_ids || (ids ->> name)::uuid;
        item.product_statuses := item.product_statuses
            || devapp_internal.import_status('credential_product', entry ->> 'status', 'approved');
    END LOOP;
    RETURN item;
END
$$;

-- The secret of a credential as hold_imported() takes it.  The consumer_key of an API key, as
-- export_apps() shows it, is no secret; it stays the name of the key where the digest comes along.
CREATE FUNCTION devapp_internal.import_secret(item devapp.import_item, object jsonb, weak boolean) RETURNS devapp.import_item
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    held record;
    named boolean := object ? 'consumer_secret' OR lower(object ->> 'kind') = 'oauth_client' OR lower(object ->> 'scheme') = 'devapp';
BEGIN
    IF object ? 'key' AND object ?| '{consumer_secret,secret_hash}' THEN
        RAISE EXCEPTION 'a credential must have only one of key, secret and hash' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    held := devapp_internal.hold_imported(
        (object ->> 'key')::integer, CASE WHEN named AND NOT object ? 'key' THEN object ->> 'consumer_key' END,
        (object ->> 'consumer_secret')::integer, (object ->> 'secret_hash')::integer, object ->> 'scheme', object ->> 'kind', object ->> 'environment',
        weak OR coalesce((object ->> 'weak')::boolean, false));
    item.n := held.n;
    item.kind := held.held_kind;
    item.scheme := held.held_scheme;
    item.consumer_key := held.held_consumer_key;
    item.credential_id := devapp_internal.new_credential_id(item.consumer_key);
    RETURN item;
END
$$;

-- The secrets that the one of a credential superseded and that still work.  Only the public part of a key
-- of ours leads to its row, so a key with another one is found by its digest.
CREATE FUNCTION devapp_internal.import_superseded(item devapp.import_item, object jsonb, weak boolean) RETURNS devapp.import_item
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    secrets constant jsonb := devapp_internal.import_list(object, 'superseded');
    inherited constant jsonb := jsonb_build_object('consumer_key', object -> 'consumer_key', 'kind', item.kind, 'weak', object -> 'weak');
    secret jsonb;
    older devapp.import_item;
BEGIN
    FOR i IN 0 .. jsonb_array_length(secrets) - 1 LOOP
        secret := devapp_internal.known_fields('a superseded secret', secrets -> i, 'key', 'consumer_secret', 'secret_hash', 'scheme', 'valid_until');
        older.expires_at := devapp_internal.import_time(secret -> 'valid_until');
        IF older.expires_at IS NULL THEN
            RAISE EXCEPTION 'a superseded secret has no valid_until' USING ERRCODE = 'invalid_parameter_value';
        END IF;
        CONTINUE WHEN older.expires_at <= now();
        older := devapp_internal.import_secret(older, secret || inherited, weak);
        item.older := item.older || older.n;
        item.older_schemes := item.older_schemes
            || CASE WHEN older.scheme = 'blake2b' AND older.consumer_key <> item.consumer_key THEN 'sha256' ELSE older.scheme END;
        item.older_until := item.older_until || older.expires_at;
    END LOOP;
    RETURN item;
END
$$;

-- There may be very many, so that functions are called only for fields that are there.  Its products are mostly
-- those of the credential before it.
CREATE FUNCTION devapp_internal.import_credential_object(app_id uuid, object jsonb, ids jsonb, weak boolean, before devapp.import_item,
                                                         OUT item devapp.import_item, OUT made devapp.import_line)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    fields constant text[] := '{key,consumer_key,consumer_secret,secret_hash,scheme,superseded,weak,kind,label,environment,status,scopes,
                                allowed_cidrs,attributes,expires_at,products,credential_id,replaces,issued_at,revoked_at}'::text[];
    c devapp.credential;
    state text;
    reason text;
BEGIN
    made.kind := 'credential';
    IF jsonb_typeof(object) <> 'object' OR object - fields <> '{}' THEN
        object := devapp_internal.known_fields('a credential', object, VARIADIC fields);
    END IF;
    IF object ?| '{label,environment,status,scopes,allowed_cidrs,attributes}' THEN
        c := jsonb_populate_record(NULL::devapp.credential,
                 object - '{key,consumer_key,consumer_secret,secret_hash,superseded,kind,expires_at,credential_id,replaces,issued_at,revoked_at}'::text[]);
    END IF;
    IF object ? 'expires_at' THEN
        item.expires_at := devapp_internal.import_time(object -> 'expires_at');
    END IF;
    made.detail := CASE WHEN NOT object ?| '{key,consumer_secret,secret_hash}' THEN 'it has no key, secret or hash'
                        WHEN item.expires_at <= now() THEN to_char(item.expires_at AT TIME ZONE 'UTC', '"it expired at "YYYY-MM-DD HH24:MI:SS" UTC"') END;
    IF made.detail IS NOT NULL THEN
        made.outcome := 'skipped';
        RETURN;
    END IF;
    item := ROW (NULL, NULL, NULL, app_id, NULL, NULL, NULL, nullif(c.label, ''), c.environment,
                 CASE WHEN c.status IS NULL THEN 'approved' ELSE devapp_internal.import_status('credential', c.status, 'approved') END,
                 coalesce(c.scopes, '{}'), coalesce(c.allowed_cidrs, '{}'), coalesce(c.attributes, '{}'), item.expires_at,
                 before.products, before.product_ids, before.product_statuses, '{}', NULL, NULL)::devapp.import_item;
    IF object -> 'products' IS DISTINCT FROM before.products OR before.product_ids IS NULL THEN
        item := devapp_internal.import_products(item, object, ids);
    END IF;
    item := devapp_internal.import_secret(item, object, weak);
    IF object ? 'superseded' THEN
        item := devapp_internal.import_superseded(item, object, weak);
    END IF;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, reason = MESSAGE_TEXT;
    made.outcome := 'refused';
    made.detail := devapp_internal.import_reason(state, reason);
END
$$;

-- ---------- the whole ----------

-- An array of apps, one app, or an object with lists of all.
CREATE FUNCTION devapp_internal.import_document(document jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF jsonb_typeof(document) = 'array' THEN
        RETURN jsonb_build_object('apps', document);
    ELSIF jsonb_typeof(document) = 'object' AND document ? 'name' THEN
        RETURN jsonb_build_object('apps', jsonb_build_array(document));
    ELSIF coalesce(jsonb_typeof(document), 'null') <> 'object' THEN
        RAISE EXCEPTION 'the document is neither an array of apps nor an object'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give {"products": [...], "developers": [...], "teams": [...], "apps": [...]}, or part of it.';
    END IF;
    IF document - '{products,developers,teams,apps}'::text[] <> '{}' THEN
        RAISE EXCEPTION 'a document has no field %',
                        devapp_internal.quoted(devapp_internal.first_field(document - '{products,developers,teams,apps}'::text[]))
            USING ERRCODE = 'invalid_parameter_value', HINT = 'It has the arrays products, developers, teams and apps, each of which is optional.';
    END IF;
    RETURN document;
END
$$;

CREATE FUNCTION devapp_internal.import_progress(done integer, added integer, total integer) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF done / 10000 > (done - added) / 10000 THEN
        RAISE NOTICE 'imported % of % lines', done, total;
    END IF;
END
$$;

-- Stores everything but the credentials while it reads the document, and returns what
-- import_stored() needs to store the credentials.
CREATE FUNCTION devapp_internal.import_read(document jsonb, weak boolean, OUT lines devapp.import_line[], OUT items devapp.import_item[])
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    kinds constant text[] := '{product,developer,team}'::text[];
    list jsonb;
    credentials jsonb;
    ids jsonb;
    app record;
    credential record;
    item devapp.import_item;
    one devapp.import_line;
BEGIN
    lines := '{}';
    items := '{}';
    FOR k IN 1 .. 3 LOOP
        list := devapp_internal.import_list(document, kinds[k] || 's');
        FOR i IN 0 .. jsonb_array_length(list) - 1 LOOP
            one := devapp_internal.import_object(kinds[k], list -> i);
            lines := array_append(lines, one);
        END LOOP;
    END LOOP;
    ids := (SELECT coalesce(jsonb_object_agg(p.name, p.product_id), '{}') FROM devapp.product p WHERE p.deleted_at IS NULL);
    list := devapp_internal.import_list(document, 'apps');
    FOR i IN 0 .. jsonb_array_length(list) - 1 LOOP
        app := devapp_internal.import_app(list -> i);
        lines := array_append(lines, app.made);
        credentials := app.credentials;
        FOR j IN 0 .. jsonb_array_length(credentials) - 1 LOOP
            IF app.app_id IS NULL THEN
                one := ROW (NULL, 'credential', NULL, 'skipped', 'its app was refused')::devapp.import_line;
            ELSE
                credential := devapp_internal.import_credential_object(app.app_id, credentials -> j, ids, weak, item);
                one := credential.made;
                IF one.outcome IS NULL THEN
                    item := credential.item;
                    item.line := cardinality(lines) + 1;
                    items := array_append(items, item);
                END IF;
            END IF;
            one.name := (app.made).name || '#' || j + 1;
            lines := array_append(lines, one);
        END LOOP;
    END LOOP;
END
$$;

-- The lines that repeat an earlier line of the document.
CREATE FUNCTION devapp_internal.import_twice(lines devapp.import_line[], items devapp.import_item[]) RETURNS devapp.import_line[]
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ARRAY(
        WITH line AS (
            SELECT u.ordinality AS line, u.kind, u.outcome,
                   min(u.ordinality) OVER (PARTITION BY u.kind, lower(u.name) COLLATE "C") AS first_line,
                   lead(u.ordinality, 1, cardinality(lines) + 1::bigint) OVER (ORDER BY u.ordinality) AS next_line
              FROM unnest(lines) WITH ORDINALITY AS u WHERE u.kind <> 'credential'
        ), twice AS (
            SELECT l.line, l.first_line, l.next_line FROM line l WHERE l.line > l.first_line AND l.outcome = 'unchanged'
        ), orphan AS (
            SELECT c.ordinality AS line
              FROM twice t
             CROSS JOIN LATERAL generate_series(t.line + 1, t.next_line - 1) AS n(line)
              JOIN unnest(lines) WITH ORDINALITY AS c ON c.ordinality = n.line
             WHERE c.outcome IS NULL
        )
        SELECT ROW (t.line, NULL, NULL, 'refused', 'it repeats line ' || t.first_line)::devapp.import_line FROM twice t
         UNION ALL
        SELECT ROW (o.line, NULL, NULL, 'skipped', 'its app was refused')::devapp.import_line FROM orphan o
         UNION ALL
        SELECT ROW (r.line, NULL, NULL, 'refused', 'it repeats line ' || r.first_line)::devapp.import_line
          FROM devapp_internal.import_repeated(items) AS r
         WHERE r.line NOT IN (SELECT o.line FROM orphan o));
END
$$;

CREATE FUNCTION devapp_internal.import_stored(document jsonb, weak boolean) RETURNS devapp.import_line[]
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    chunk_size constant integer := 500;
    read record;
    outcomes devapp.import_line[];
    item devapp.import_item;
    chunk devapp.import_item[] := '{}';
    done integer;
    left_over integer;
BEGIN
    read := devapp_internal.import_read(document, weak);
    outcomes := devapp_internal.import_twice(read.lines, read.items);
    IF outcomes <> '{}' THEN
        read.items := ARRAY(SELECT i FROM unnest(read.items) AS i WHERE i.line NOT IN (SELECT o.line FROM unnest(outcomes) AS o) ORDER BY i.line);
    END IF;
    left_over := cardinality(read.items);
    done := cardinality(read.lines) - left_over;
    PERFORM devapp_internal.import_progress(done, done, cardinality(read.lines));
    FOREACH item IN ARRAY read.items LOOP
        chunk := array_append(chunk, item);
        left_over := left_over - 1;
        CONTINUE WHEN left_over > 0 AND cardinality(chunk) < chunk_size;
        outcomes := outcomes || devapp_internal.import_items(chunk);
        done := done + cardinality(chunk);
        PERFORM devapp_internal.import_progress(done, cardinality(chunk), cardinality(read.lines));
        chunk := '{}';
    END LOOP;
    RETURN ARRAY(SELECT ROW (l.ordinality, l.kind, l.name, coalesce(o.outcome, l.outcome, 'created'), coalesce(o.detail, l.detail))::devapp.import_line
                   FROM unnest(read.lines) WITH ORDINALITY AS l
                   LEFT JOIN unnest(outcomes) AS o ON o.line = l.ordinality
                  ORDER BY l.ordinality);
END
$$;

-- A refused line undoes the whole import, unless refused lines may be skipped.
CREATE FUNCTION devapp_internal.import_or_not(document jsonb, weak boolean, dry_run boolean, skip_refused boolean) RETURNS devapp.import_line[]
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    lines devapp.import_line[];
    refused bigint;
BEGIN
    lines := devapp_internal.import_stored(document, coalesce(weak, false));
    refused := (SELECT count(*) FROM unnest(lines) AS l WHERE l.outcome = 'refused' AND skip_refused IS NOT TRUE);
    IF dry_run OR refused > 0 THEN
        RAISE EXCEPTION 'dry run' USING ERRCODE = 'DVDRY';
    END IF;
    RETURN lines;
EXCEPTION WHEN SQLSTATE 'DVDRY' THEN
    IF dry_run THEN
        RETURN lines;
    END IF;
    RAISE WARNING 'nothing was imported: % line(s) were refused', refused
        USING HINT = 'Correct them, or import the others with skip_refused => true.';
    RETURN ARRAY(SELECT ROW (l.line, l.kind, l.name, CASE l.outcome WHEN 'created' THEN 'skipped' ELSE l.outcome END,
                             CASE l.outcome WHEN 'created' THEN 'another line was refused' ELSE l.detail END)::devapp.import_line
                   FROM unnest(lines) AS l ORDER BY l.line);
END
$$;

-- All imports end here, with a document without secrets.  The statistics of tables that are being filled are out of date, and with them
-- a plan would read whole tables for each line.
CREATE FUNCTION devapp_internal.import_neutral(document jsonb, weak boolean, dry_run boolean, skip_refused boolean) RETURNS devapp.import_line[]
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off
AS $$
DECLARE
    lines devapp.import_line[];
BEGIN
    PERFORM devapp_internal.require_read_committed('import');
    document := devapp_internal.import_document(document);
    PERFORM devapp_internal.lock_imports(), devapp_internal.drop_imported();
    lines := devapp_internal.import_or_not(document, weak, dry_run, skip_refused);
    PERFORM devapp_internal.drop_imported(), devapp_internal.drop_secrets();
    RETURN lines;
END
$$;

CREATE FUNCTION devapp_internal.import_apps(document jsonb, weak boolean, dry_run boolean, skip_refused boolean) RETURNS SETOF devapp.import_line
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    held constant jsonb := devapp_internal.hold_secrets(document, '{credentials,superseded}',
                               '{consumer_key,scheme,superseded,weak,kind,label,environment,status,scopes,allowed_cidrs,attributes,
                                 expires_at,valid_until,products,credential_id,replaces,issued_at,revoked_at}');
    lines devapp.import_line[] := devapp_internal.import_neutral(held, weak, dry_run, skip_refused);
BEGIN
    RETURN QUERY SELECT l.* FROM unnest(lines) AS l ORDER BY l.line;
END
$$;

CREATE FUNCTION devapp.import_apps(
    document jsonb,
    weak boolean DEFAULT false,
    dry_run boolean DEFAULT false,
    skip_refused boolean DEFAULT false
) RETURNS SETOF devapp.import_line
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.import_apps(jsonb, boolean, boolean, boolean) IS
    'Imports products, developers, teams and apps, whose keys keep working; existing ones are unchanged';
SELECT devapp_internal.grant_to('devapp.import_apps', 'admin');
