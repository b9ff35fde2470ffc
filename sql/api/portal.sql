-- The calls of a developer portal: developers manage their own apps, keys and teams over HTTP.
--
-- The caller is a developer, whom the public functions ask for.  What is read from tables here is
-- read with the owner's rights, so each query says whose rows it wants; what belongs to others
-- does not exist.
--
-- A request contains the caller's own key or token.  So it appears only in expressions of
-- PL/pgSQL that are not statements.

-- Declares a route, and what it takes and gives (document.sql).
CREATE FUNCTION devapp_internal.add_portal_route(method text, tail text, function text, answers jsonb, query jsonb DEFAULT '{}', body text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM devapp_internal.add_route(method, '/portal/v1' || tail, 'devapp_internal.' || function, 'developer', 'devapp');
    PERFORM devapp_internal.describe_route(method, '/portal/v1' || tail, answers, query, body);
END
$$;

-- Declares the route of a list, which comes in pages, and the schema of a page.
CREATE FUNCTION devapp_internal.add_portal_list(tail text, function text, item text, query jsonb DEFAULT '{}') RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM devapp_internal.api_schema s WHERE s.name = item || 'Page') THEN
        PERFORM devapp_internal.add_schema(item || 'Page', jsonb_build_object('items', format('[#%s]', item),
                                                                             'next', 'string?: What "after" has to be for the next page; null: this is the last'));
    END IF;
    PERFORM devapp_internal.add_portal_route('GET', tail, function, jsonb_build_object('200', format('#%sPage', item)),
                query || '{"limit": "integer: How many a page has at most, 1 to 200; 50 if it is not given", "after": "string: Where the page begins: next of the page before"}');
END
$$;

-- ---------- answers ----------

-- The Location of a new object.  A proxy may name the base; one that is not a plain URL is left out.
CREATE FUNCTION devapp_internal.portal_location(base_url text, tail text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    RETURN jsonb_build_object('Location', CASE WHEN base_url ~ '^https?://[!-~]+$' THEN base_url ELSE '' END || '/portal/v1' || tail);

-- ---------- pages ----------

-- The number of items that a page has at most.
CREATE FUNCTION devapp_internal.portal_limit(request devapp_internal.http_request) RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    given constant text := devapp_internal.one_value(request.query, 'limit');
BEGIN
    IF given !~ '^[0-9]{1,3}$' OR given::integer NOT BETWEEN 1 AND 200 THEN
        PERFORM devapp_internal.refuse_body('limit must be a number from 1 to 200', 'Ask for the next page with after.');
    END IF;
    RETURN coalesce(given::integer, 50);
END
$$;

-- A cursor is the key of the last item of a page, after the name of its list: base64 of an array
-- in JSON, for URLs.
CREATE FUNCTION devapp_internal.portal_cursor(list text, key jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN rtrim(translate(encode(convert_to((jsonb_build_array(list) || key)::text, 'UTF8'), 'base64'), E'+/\n', '-_'), '=');

CREATE FUNCTION devapp_internal.refuse_cursor() RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_internal.refuse_body('"after" is not a cursor of this list', 'Give the value of "next" of a page, or leave "after" out for the first page.')
$$;

-- The key after which a page of this list begins; null for the first page.
CREATE FUNCTION devapp_internal.portal_after(request devapp_internal.http_request, list text, key_length integer DEFAULT 1) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    given constant text := devapp_internal.one_value(request.query, 'after');
    key jsonb;
BEGIN
    IF given IS NULL THEN
        RETURN NULL;
    END IF;
    key := convert_from(decode(rpad(translate(given, '-_', '+/'), (length(given) + 3) / 4 * 4, '='), 'base64'), 'UTF8');
    IF jsonb_typeof(key) <> 'array' OR jsonb_array_length(key) <> key_length + 1 OR key ->> 0 IS DISTINCT FROM list
       OR key @> 'null' THEN
        PERFORM devapp_internal.refuse_cursor();
    END IF;
    RETURN key - 0;
EXCEPTION WHEN data_exception THEN
    PERFORM devapp_internal.refuse_cursor();
END
$$;

-- A page, from items that were read: one more than the page has at most.
CREATE FUNCTION devapp_internal.portal_page(list text, items jsonb[], most integer, VARIADIC key text[]) RETURNS devapp_internal.http_response
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_internal.json_response(200, jsonb_build_object(
               'items', coalesce(to_jsonb(items[:most]), '[]'),
               'next', CASE WHEN cardinality(items) > most
                            THEN devapp_internal.portal_cursor(list, (SELECT jsonb_agg(coalesce(items[most] ->> k, '') ORDER BY n)
                                                                        FROM unnest(key) WITH ORDINALITY AS x(k, n))) END))
$$;

-- ---------- what a path names ----------

CREATE FUNCTION devapp_internal.refuse_missing(thing text, named text, hint text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION '% % does not exist', thing, devapp_internal.quoted(named) USING ERRCODE = 'undefined_object', HINT = hint;
END
$$;

-- An app by its id, or by its name if the developer owns it, not a team.
CREATE FUNCTION devapp_internal.portal_app_id(request devapp_internal.http_request) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant text := request.params ->> 'app';
    named_id constant uuid := devapp_internal.reference_uuid(named);
    me constant uuid := devapp_internal.current_developer_id();
    found_id uuid;
BEGIN
    SELECT a.app_id INTO found_id FROM devapp.app a
     WHERE a.deleted_at IS NULL
       AND CASE WHEN named_id IS NOT NULL THEN a.app_id = named_id AND devapp_internal.is_mine(a.developer_id, a.team_id)
                ELSE a.developer_id = me AND a.name = devapp_internal.canonical_name(named) END;
    IF NOT FOUND THEN
        PERFORM devapp_internal.refuse_missing('app', named, 'Give its id, or its name if it does not belong to a team.');
    END IF;
    RETURN found_id;
END
$$;

-- A credential by its id or consumer key.
CREATE FUNCTION devapp_internal.portal_credential_id(request devapp_internal.http_request) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_id constant uuid := devapp_internal.find_visible_credential(request.params ->> 'credential');
BEGIN
    IF EXISTS (SELECT FROM devapp.credential c JOIN devapp.app a ON a.app_id = c.app_id WHERE c.credential_id = found_id AND a.deleted_at IS NOT NULL) THEN
        PERFORM devapp_internal.refuse_credential(found_id::text);
    END IF;
    RETURN found_id;
END
$$;

-- A team by its id or name.
CREATE FUNCTION devapp_internal.portal_team(request devapp_internal.http_request) RETURNS devapp.team
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant text := request.params ->> 'team';
    named_id constant uuid := devapp_internal.reference_uuid(named);
    mine constant uuid[] := devapp_internal.my_teams();
    found_row devapp.team;
BEGIN
    SELECT * INTO found_row FROM devapp.team t
     WHERE t.team_id = ANY (mine) AND t.deleted_at IS NULL
       AND (t.team_id = named_id OR (named_id IS NULL AND t.name = devapp_internal.canonical_name(named)));
    IF NOT FOUND THEN
        PERFORM devapp_internal.refuse_missing('team', named, 'Give the id or name of one of your teams.');
    END IF;
    RETURN found_row;
END
$$;
