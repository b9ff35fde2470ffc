-- Unkey's keys in the form that import_apps() takes.

-- A hash is one text or an object with its variant; Unkey's own is SHA-256 in base64.
CREATE FUNCTION devapp_internal.unkey_secret(object jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    plaintext constant integer := coalesce(object ->> 'plaintext', object ->> 'key');
BEGIN
    IF plaintext IS NOT NULL THEN
        RETURN jsonb_build_object('key', plaintext);
    ELSIF jsonb_typeof(object -> 'hash') = 'object' THEN
        RETURN jsonb_build_object('secret_hash', object -> 'hash' -> 'value', 'scheme',
                                  CASE WHEN object -> 'hash' ->> 'variant' IN ('sha256_base64', 'sha256_hex') THEN 'sha256' ELSE 'unknown' END);
    ELSIF object ->> 'hash' IS NOT NULL THEN
        RETURN jsonb_build_object('secret_hash', object -> 'hash', 'scheme', 'sha256');
    END IF;
    RETURN '{}';
END
$$;

-- Attributes are texts.
CREATE FUNCTION devapp_internal.unkey_attributes(object jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT coalesce(jsonb_object_agg(m.key, m.value #>> '{}'), '{}')
              FROM jsonb_each(CASE WHEN jsonb_typeof(object) = 'object' THEN object ELSE '{}' END) AS m
             WHERE m.value <> 'null');
END
$$;

CREATE FUNCTION devapp_internal.unkey_credential(object jsonb, products text[]) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN devapp_internal.unkey_secret(object)
        || jsonb_build_object('label', object -> 'name', 'environment', object -> 'environment', 'expires_at', object -> 'expires',
                              'status', CASE WHEN object -> 'enabled' = 'false' THEN 'revoked' ELSE 'approved' END,
                              'scopes', devapp_internal.import_list(object, 'permissions'), 'products', to_jsonb(coalesce(products, '{}')),
                              'attributes', devapp_internal.unkey_attributes(object -> 'meta'));
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN devapp_internal.inconvertible('{}', SQLERRM);
END
$$;

-- The keys of one owner at Unkey are those of one app.
CREATE FUNCTION devapp_internal.unkey_app(list jsonb, numbers integer[], name text, owner text, products text[]) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    credentials jsonb[] := '{}';
BEGIN
    FOR i IN 1 .. cardinality(numbers) LOOP
        credentials := array_append(credentials, devapp_internal.unkey_credential(list -> (numbers[i] - 1), products));
    END LOOP;
    RETURN jsonb_build_object('name', name, CASE WHEN owner LIKE '%@%' THEN 'developer' ELSE 'team' END, devapp_internal.import_owner(owner),
                              'credentials', to_jsonb(credentials));
END
$$;

CREATE FUNCTION devapp_internal.unkey_document(document jsonb, owner text, products text[]) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    list jsonb := CASE WHEN jsonb_typeof(document) = 'array' THEN document
                       WHEN jsonb_typeof(document) = 'object' THEN coalesce(document -> 'keys', document -> 'data') END;
    owners text[] := '{}';
    app record;
    apps jsonb[] := '{}';
BEGIN
    IF jsonb_typeof(list) IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION 'the document has no keys'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give {"keys": [...]}, or an array of keys.';
    END IF;
    FOR i IN 0 .. jsonb_array_length(list) - 1 LOOP
        owners := array_append(owners, coalesce(list -> i ->> 'externalId', list -> i ->> 'ownerId', 'unkey'));
    END LOOP;
    FOR app IN SELECT o.name, array_agg(o.n::integer ORDER BY o.n) AS numbers
                 FROM unnest(owners) WITH ORDINALITY AS o(name, n) GROUP BY o.name ORDER BY min(o.n) LOOP
        apps := array_append(apps, devapp_internal.unkey_app(list, app.numbers, app.name, owner, products));
    END LOOP;
    RETURN jsonb_build_object('apps', to_jsonb(apps));
END
$$;

CREATE FUNCTION devapp_internal.import_unkey(document jsonb, owner text, products text[], weak boolean, dry_run boolean, skip_refused boolean) RETURNS SETOF devapp.import_line
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    held constant jsonb := devapp_internal.hold_secrets(document, '{"",keys,data}',
                               '{externalId,ownerId,name,environment,expires,enabled,permissions,meta}');
    lines devapp.import_line[] := devapp_internal.import_neutral(devapp_internal.unkey_document(held, owner, products), weak, dry_run, skip_refused);
BEGIN
    RETURN QUERY SELECT l.* FROM unnest(lines) AS l ORDER BY l.line;
END
$$;

CREATE FUNCTION devapp.import_unkey(
    document jsonb,
    owner text,
    products text[] DEFAULT NULL,
    weak boolean DEFAULT false,
    dry_run boolean DEFAULT false,
    skip_refused boolean DEFAULT false
) RETURNS SETOF devapp.import_line
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.import_unkey(jsonb, text, text[], boolean, boolean, boolean) IS
    'Imports keys of Unkey: those of each owner become an app of a developer or team, with the products';
SELECT devapp_internal.grant_to('devapp.import_unkey', 'admin');
