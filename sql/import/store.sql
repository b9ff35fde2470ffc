-- Takes the secrets out of a document, and stores its credentials, many in a statement.  The digest of a secret is fetched by
-- its number from the memory of hold_imported(), so that it is not a parameter of any statement; see
-- src/import/import_credential.c.

-- The document with a number in the place of each secret.  A credential, or a list of them, is the value
-- of a field of the lists, or the whole document if these have an empty name.  What is in other fields of a
-- credential than the public ones is secret, and so is a name that does not look like one: it becomes ********.
CREATE FUNCTION devapp_internal.hold_secrets(document jsonb, lists text[], public_fields text[]) RETURNS jsonb
    LANGUAGE c VOLATILE STRICT
    AS 'MODULE_PATHNAME', 'devapp_hold_secrets';
CREATE FUNCTION devapp_internal.drop_secrets() RETURNS void
    LANGUAGE c VOLATILE
    AS 'MODULE_PATHNAME', 'devapp_drop_secrets';
CREATE FUNCTION devapp_internal.secret_begins(number integer, prefix text) RETURNS boolean
    LANGUAGE c VOLATILE STRICT
    AS 'MODULE_PATHNAME', 'devapp_secret_begins';

-- The name of an unknown field as an error may show it.
CREATE FUNCTION devapp_internal.field_name(name text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT
    AS 'MODULE_PATHNAME', 'devapp_field_name';

CREATE FUNCTION devapp_internal.hold_imported(
    key integer, consumer_key text, consumer_secret integer, secret_hash integer, scheme text, kind text, environment text, weak boolean,
    OUT n integer, OUT held_kind text, OUT held_consumer_key text, OUT held_scheme text
)
    LANGUAGE c VOLATILE
    AS 'MODULE_PATHNAME', 'devapp_hold_imported';
CREATE FUNCTION devapp_internal.drop_imported() RETURNS void
    LANGUAGE c VOLATILE
    AS 'MODULE_PATHNAME', 'devapp_drop_imported';

-- Errors that no line caused (a deadlock, a full disk, a shutdown) end the import.  The server's own
-- errors about the form of a value quote the value, which might be a key in the wrong place.
CREATE FUNCTION devapp_internal.import_reason(state text, message text) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF left(state, 2) IN ('40', '53', '54', '57', '58', 'XX') THEN
        RAISE EXCEPTION '%', message USING ERRCODE = state;
    END IF;
    IF state IN ('22P02', '22007', '22008', '22003', '2202E', '22009') THEN
        RETURN 'a value has an invalid format for its column';
    END IF;
    RETURN message;
END
$$;

-- The credentials that an earlier line of the document already has.
CREATE FUNCTION devapp_internal.import_repeated(items devapp.import_item[]) RETURNS TABLE (line integer, first_line integer)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    WITH item AS (
        SELECT i.line, i.kind, i.n, i.older, i.consumer_key FROM unnest(items) AS i
    ), secret AS (
        SELECT i.line, i.n FROM item i WHERE i.kind = 'api_key'
         UNION ALL
        SELECT i.line, o.n FROM item i, unnest(i.older) AS o(n) WHERE i.kind = 'api_key' AND i.older <> '{}'
    ), twice AS (
        SELECT array_agg(s.line) AS lines FROM secret s
         GROUP BY devapp_internal.imported_digest(s.n) HAVING count(*) > 1
         UNION ALL
        SELECT array_agg(i.line) FROM item i
         GROUP BY i.consumer_key HAVING count(*) > 1
    )
    SELECT l.line, min(l.first_line)
      FROM (SELECT r.line, (SELECT min(m) FROM unnest(t.lines) AS m) AS first_line FROM twice t, unnest(t.lines) AS r(line)) AS l
     WHERE l.line > l.first_line
     GROUP BY l.line;
END
$$;

-- The apps whose existing credentials have the same keys or client ids.
CREATE FUNCTION devapp_internal.import_known(items devapp.import_item[]) RETURNS TABLE (line integer, app_id uuid)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT i.line, c.app_id FROM unnest(items) AS i JOIN devapp.credential c ON c.consumer_key = i.consumer_key
     UNION
    SELECT i.line, c.app_id
      FROM unnest(items) AS i
     CROSS JOIN LATERAL (SELECT i.n UNION ALL SELECT o.n FROM unnest(i.older) AS o(n)) AS s(n)
     CROSS JOIN unnest(devapp_internal.imported_digests(s.n, true) || devapp_internal.imported_digests(s.n, false)) AS d(digest)
      JOIN devapp.credential_secret x ON x.digest OPERATOR(devapp.=) d.digest AND x.purpose = 'api_key'
      JOIN devapp.credential c ON c.credential_id = x.credential_id
     WHERE i.kind = 'api_key';
END
$$;

-- The rows of credentials, of their secrets and of their associations.  The caller holds locks on the apps and products.
CREATE FUNCTION devapp_internal.put_imported(items devapp.import_item[], decider text) RETURNS void
    LANGUAGE c VOLATILE STRICT
    AS 'MODULE_PATHNAME', 'devapp_put_imported';

-- An import makes very many rows that refer to few apps and products, which are locked once a chunk.
CREATE FUNCTION devapp_internal.insert_imported(items devapp.import_item[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    apps constant uuid[] := ARRAY(SELECT DISTINCT i.app_id FROM unnest(items) AS i);
    products constant uuid[] := ARRAY(SELECT DISTINCT p.id FROM unnest(items) AS i, unnest(i.product_ids) AS p(id));
    locked bigint;
BEGIN
    PERFORM FROM devapp.app a WHERE a.app_id = ANY (apps) FOR KEY SHARE;
    GET DIAGNOSTICS locked = ROW_COUNT;
    IF locked < cardinality(apps) THEN
        RAISE EXCEPTION 'an app no longer exists' USING ERRCODE = 'foreign_key_violation';
    END IF;
    PERFORM FROM devapp.product p WHERE p.product_id = ANY (products) FOR KEY SHARE;
    GET DIAGNOSTICS locked = ROW_COUNT;
    IF locked < cardinality(products) THEN
        RAISE EXCEPTION 'a product no longer exists' USING ERRCODE = 'foreign_key_violation';
    END IF;
    PERFORM devapp_internal.put_imported(items, devapp_internal.actor_name());
END
$$;

-- Stores a chunk, or its halves if the whole fails.  Returns the lines that were refused.
CREATE FUNCTION devapp_internal.import_chunk(items devapp.import_item[]) RETURNS devapp.import_line[]
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    half integer := cardinality(items) / 2;
    state text;
    message text;
BEGIN
    BEGIN
        PERFORM devapp_internal.insert_imported(items);
        RETURN '{}';
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
        message := devapp_internal.import_reason(state, message);
    END;
    IF half = 0 THEN
        RETURN ARRAY[ROW ((items[1]).line, NULL, NULL, 'refused', message)::devapp.import_line];
    END IF;
    RETURN devapp_internal.import_chunk(items[:half]) || devapp_internal.import_chunk(items[half + 1:]);
END
$$;

-- Stores the items that no existing credential has.  Returns the lines of the others.
CREATE FUNCTION devapp_internal.import_items(items devapp.import_item[]) RETURNS devapp.import_line[]
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    known devapp.import_line[];
    fresh devapp.import_item[];
BEGIN
    known := ARRAY(SELECT ROW (i.line, NULL, NULL, CASE WHEN bool_or(k.app_id <> i.app_id) THEN 'refused' ELSE 'unchanged' END,
                               CASE WHEN bool_or(k.app_id <> i.app_id) THEN 'another app has this key or client id' END)::devapp.import_line
                     FROM unnest(items) AS i
                     JOIN devapp_internal.import_known(items) AS k ON k.line = i.line
                    GROUP BY i.line);
    IF known = '{}' THEN
        RETURN devapp_internal.import_chunk(items);
    END IF;
    fresh := ARRAY(SELECT i FROM unnest(items) AS i WHERE i.line NOT IN (SELECT k.line FROM unnest(known) AS k));
    IF fresh = '{}' THEN
        RETURN known;
    END IF;
    RETURN known || devapp_internal.import_chunk(fresh);
END
$$;
