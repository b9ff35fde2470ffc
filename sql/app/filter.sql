-- Which apps: a filter, as people write it, becomes a query.
--
-- Nothing is locked here, so that filters serve read-only transactions and standbys;
-- whoever changes apps locks them and asks again.

-- Keys that there are, with values of their type.
CREATE FUNCTION devapp_internal.check_filter(filter jsonb) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    keys constant text[] := '{status,product,owner,team,attribute,inactive_since,used_since,created_before,name,app_ids}'::text[];
    types constant text[] := '{string,string,string,string,object,string,string,string,string,array}'::text[];
    given record;
    any_text text;
BEGIN
    IF jsonb_typeof(filter) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'a filter must be an object, not %', coalesce(jsonb_typeof(filter), 'null')
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'For example {"team": "checkout", "status": "pending"}; {} matches all apps.';
    END IF;
    FOR given IN SELECT f.key, jsonb_typeof(f.value) AS type, types[array_position(keys, f.key)] AS wanted
                   FROM jsonb_each(filter) AS f ORDER BY f.key LOOP
        IF given.wanted IS NULL THEN
            RAISE EXCEPTION 'unknown filter key %', devapp_internal.quoted(given.key)
                USING ERRCODE = 'invalid_parameter_value',
                      HINT = format('Possible keys: %s.', array_to_string(keys, ', '));
        ELSIF given.type <> given.wanted THEN
            RAISE EXCEPTION '% of a filter must be of type %, not %', given.key, given.wanted, given.type
                USING ERRCODE = 'invalid_parameter_value',
                      HINT = 'Leave out keys that are not needed.';
        END IF;
    END LOOP;
    IF filter ? 'owner' AND filter ? 'team' THEN
        RAISE EXCEPTION 'no app has both an owner and a team'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = '"owner" is the e-mail address of a developer; give either "owner" or "team".';
    END IF;
    -- these are looked up nowhere, and a bulk run writes them down
    any_text := concat_ws(' ', filter ->> 'name', filter ->> 'attribute');
    IF devapp_internal.masked(any_text) <> any_text THEN
        RAISE EXCEPTION 'a filter contains an API key'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'A key is a secret. Revoke it if others have seen it; devapp.key_owner shows its owner.';
    END IF;
END
$$;

CREATE FUNCTION devapp_internal.filter_status(status text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT devapp_internal.status_exists('app', status) THEN
        RAISE EXCEPTION 'app has no status %', devapp_internal.quoted(status)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Possible statuses: pending, rejected, approved, suspended, revoked, deleted.';
    END IF;
    RETURN status;
END
$$;

CREATE FUNCTION devapp_internal.filter_product(name text) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_id uuid;
BEGIN
    SELECT p.product_id INTO found_id FROM devapp.product p
     WHERE p.name = devapp_internal.canonical_name(filter_product.name) AND p.deleted_at IS NULL;
    IF NOT FOUND AND filter_product.name IS NOT NULL THEN
        RAISE EXCEPTION 'product % does not exist', devapp_internal.quoted(filter_product.name)
            USING ERRCODE = 'undefined_object',
                  HINT = 'List the products with SELECT name FROM devapp.product.';
    END IF;
    RETURN found_id;
END
$$;

CREATE FUNCTION devapp_internal.filter_developer(email text) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_id uuid;
BEGIN
    SELECT d.developer_id INTO found_id FROM devapp.developer d
     WHERE devapp_internal.email_key(d.email) = devapp_internal.email_key(filter_developer.email) AND d.deleted_at IS NULL;
    IF NOT FOUND AND filter_developer.email IS NOT NULL THEN
        RAISE EXCEPTION 'developer % does not exist', devapp_internal.quoted(filter_developer.email)
            USING ERRCODE = 'undefined_object',
                  HINT = '"owner" is the e-mail address of a developer; for the apps of a team give "team".';
    END IF;
    RETURN found_id;
END
$$;

CREATE FUNCTION devapp_internal.filter_team(name text) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_id uuid;
BEGIN
    SELECT t.team_id INTO found_id FROM devapp.team t
     WHERE t.name = devapp_internal.canonical_name(filter_team.name) AND t.deleted_at IS NULL;
    IF NOT FOUND AND filter_team.name IS NOT NULL THEN
        RAISE EXCEPTION 'team % does not exist', devapp_internal.quoted(filter_team.name)
            USING ERRCODE = 'undefined_object',
                  HINT = 'List the teams with SELECT name FROM devapp.team.';
    END IF;
    RETURN found_id;
END
$$;

CREATE FUNCTION devapp_internal.filter_attribute(attribute jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF attribute = '{}' OR EXISTS (SELECT FROM jsonb_each(attribute) AS a WHERE jsonb_typeof(a.value) <> 'string') THEN
        RAISE EXCEPTION 'attribute of a filter must map names to strings'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'For example {"tier": "trial"}; apps must have all of these.';
    END IF;
    RETURN devapp_internal.canonical_attributes(attribute);
END
$$;

-- A point in time in the form of ISO 8601, or a duration, for the time that is so long ago.
-- Other forms are refused: what 03/02/2026 means depends on DateStyle.
CREATE FUNCTION devapp_internal.filter_time(key text, value text) RETURNS timestamptz
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    iso constant text := '^[0-9]{4}-[0-9]{2}-[0-9]{2}'
        '([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?(Z|[+-][0-9]{2}(:?[0-9]{2}(:[0-9]{2})?)?)?)?$';
    moment timestamptz;
BEGIN
    IF value ~ '^P[^-]+$' THEN
        moment := devapp_internal.time_after(now(), -value::interval);
    ELSIF value ~ iso THEN
        moment := value;
    END IF;
    IF moment IS NULL AND value IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_datetime_format';
    END IF;
    RETURN moment;
EXCEPTION WHEN data_exception THEN
    RAISE EXCEPTION '% of a filter is neither a point in time nor a duration', key
        USING ERRCODE = 'invalid_parameter_value',
              HINT = 'For example "2026-01-31", "2026-01-31T12:00Z", or "P90D": 90 days ago.';
END
$$;

-- Every app is inactive since a time that is to come, and none was used since then.
CREATE FUNCTION devapp_internal.filter_past_time(key text, value text) RETURNS timestamptz
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    moment timestamptz := devapp_internal.filter_time(key, value);
BEGIN
    IF moment > clock_timestamp() THEN
        RAISE EXCEPTION '% of a filter is in the future', key
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give a time in the past.';
    END IF;
    RETURN moment;
END
$$;

-- From * and ? to a pattern of LIKE.
CREATE FUNCTION devapp_internal.filter_name(name text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF name = '' THEN
        RAISE EXCEPTION 'name of a filter must not be empty'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give a name, or a pattern: * stands for any text, ? for one character.';
    END IF;
    RETURN translate(regexp_replace(devapp_internal.canonical_name(name), E'([\\\\%_])', E'\\\\\\1', 'g'), '*?', '%_');
END
$$;

-- Apps, as people name them; one that does not exist is an error and not left out.
CREATE FUNCTION devapp_internal.filter_app_ids(ids jsonb) RETURNS uuid[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    one record;
    found_ids uuid[];
BEGIN
    IF ids = '[]' THEN
        RAISE EXCEPTION 'app_ids must not be empty'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Leave it out if it is not needed.';
    END IF;
    FOR one IN SELECT i.value, i.value #>> '{}' AS typed, a.app_id
                 FROM jsonb_array_elements(ids) WITH ORDINALITY AS i(value, n)
                 LEFT JOIN devapp.app a ON a.app_id = devapp_internal.app_id_of(i.value #>> '{}')
                ORDER BY i.n LOOP
        IF jsonb_typeof(one.value) <> 'string' THEN
            RAISE EXCEPTION 'app_ids must not contain a value of type %', jsonb_typeof(one.value)
                USING ERRCODE = 'invalid_parameter_value',
                      HINT = 'Give each app by its id or as owner/name.';
        ELSIF one.app_id IS NULL THEN
            PERFORM devapp_internal.refuse_app(one.typed);
        END IF;
        found_ids := found_ids || one.app_id;
    END LOOP;
    RETURN found_ids;
END
$$;

CREATE FUNCTION devapp_internal.read_app_filter(filter jsonb) RETURNS devapp.app_filter
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM devapp_internal.check_filter(filter);
    RETURN (devapp_internal.filter_status(filter ->> 'status'),
            devapp_internal.filter_product(filter ->> 'product'),
            devapp_internal.filter_developer(filter ->> 'owner'),
            devapp_internal.filter_team(filter ->> 'team'),
            devapp_internal.filter_attribute(filter -> 'attribute'),
            devapp_internal.filter_past_time('inactive_since', filter ->> 'inactive_since'),
            devapp_internal.filter_past_time('used_since', filter ->> 'used_since'),
            devapp_internal.filter_time('created_before', filter ->> 'created_before'),
            devapp_internal.filter_name(filter ->> 'name'),
            devapp_internal.filter_app_ids(filter -> 'app_ids'))::devapp.app_filter;
END
$$;

-- The conditions on devapp.app a that a filter makes, for a query that has the filter
-- as $1.  Only those that it has are in it, so that the planner can use what indexes
-- there are.
CREATE FUNCTION devapp_internal.filter_condition(f devapp.app_filter) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT concat_ws(E'\n   AND ',
        CASE WHEN f.status IS DISTINCT FROM 'deleted' THEN 'a.deleted_at IS NULL' END,
        CASE WHEN f.status IS NOT NULL THEN format('a.status = %L', f.status) END,
        CASE WHEN f.developer_id IS NOT NULL THEN 'a.developer_id = ($1).developer_id' END,
        CASE WHEN f.team_id IS NOT NULL THEN 'a.team_id = ($1).team_id' END,
        CASE WHEN f.attribute IS NOT NULL THEN 'a.attributes @> ($1).attribute' END,
        CASE WHEN f.created_before IS NOT NULL THEN 'a.created_at < ($1).created_before' END,
        CASE WHEN f.name IS NOT NULL THEN 'a.name ILIKE ($1).name' END,
        CASE WHEN f.app_ids IS NOT NULL THEN 'a.app_id = ANY (($1).app_ids)' END,
        CASE WHEN f.product_id IS NOT NULL THEN
            'EXISTS (SELECT FROM devapp.credential c JOIN devapp.credential_product cp USING (credential_id)
                      WHERE c.app_id = a.app_id AND cp.product_id = ($1).product_id
                        AND cp.removed_at IS NULL AND cp.status <> ''revoked'')' END,
        CASE WHEN f.used_since IS NOT NULL THEN
            'EXISTS (SELECT FROM devapp.last_used l WHERE l.app_id = a.app_id AND l.last_used_at >= ($1).used_since)' END,
        CASE WHEN f.inactive_since IS NOT NULL THEN
            'greatest(a.created_at, a.updated_at, a.decided_at) < ($1).inactive_since
   AND NOT EXISTS (SELECT FROM devapp.credential c
                    WHERE c.app_id = a.app_id
                      AND greatest(c.issued_at, c.decided_at, c.revoked_at) >= ($1).inactive_since)
   AND NOT EXISTS (SELECT FROM devapp.credential c JOIN devapp.credential_secret s USING (credential_id)
                    WHERE c.app_id = a.app_id
                      AND greatest(s.valid_from, s.superseded_at) >= ($1).inactive_since)
   AND NOT EXISTS (SELECT FROM devapp.credential c JOIN devapp.credential_product cp USING (credential_id)
                    WHERE c.app_id = a.app_id
                      AND greatest(cp.created_at, cp.decided_at, cp.removed_at) >= ($1).inactive_since)
   AND NOT EXISTS (SELECT FROM devapp.last_used l
                    WHERE l.app_id = a.app_id AND l.last_used_at >= ($1).inactive_since)' END)
$$;

CREATE FUNCTION devapp_internal.find_apps(filter jsonb) RETURNS SETOF devapp.app
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    apps devapp.app_filter := devapp_internal.read_app_filter(filter);
BEGIN
    RETURN QUERY EXECUTE E'SELECT a.*\n  FROM devapp.app a\n WHERE ' || devapp_internal.filter_condition(apps)
                         || E'\n ORDER BY a.app_id' USING apps;
END
$$;

CREATE FUNCTION devapp.find_apps(filter jsonb DEFAULT '{}') RETURNS SETOF devapp.app
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.find_apps(jsonb) IS 'Apps that match a filter, or all that are not deleted, oldest first';
SELECT devapp_internal.grant_to('devapp.find_apps', 'admin');
