-- Kong's declarative configuration, as JSON, in the form that import_apps() takes.

-- Groups of acls are products.
CREATE FUNCTION devapp_internal.kong_products(consumer jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    list constant jsonb := devapp_internal.import_list(consumer, 'acls');
    products jsonb[] := '{}';
BEGIN
    FOR i IN 0 .. jsonb_array_length(list) - 1 LOOP
        products := products || (list -> i -> 'group');
    END LOOP;
    RETURN to_jsonb(products);
END
$$;

-- A key lives for ttl seconds from its creation.  If that is not known, the key gets a time that
-- import_time() refuses.
CREATE FUNCTION devapp_internal.kong_key(object jsonb, products jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN jsonb_build_object('key', object -> 'key', 'products', products,
                              'expires_at', CASE WHEN coalesce(object ->> 'ttl', '0') = '0' THEN NULL
                                                 WHEN object ->> 'ttl' ~ '^[0-9]{1,10}$' AND object ->> 'created_at' ~ '^[0-9]{1,10}$'
                                                 THEN to_jsonb((object ->> 'created_at')::bigint + (object ->> 'ttl')::bigint)
                                                 ELSE '"unknown"' END);
END
$$;

-- How Kong hashed a secret can be seen from the beginning of the hash.
CREATE FUNCTION devapp_internal.kong_client(object jsonb, products jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant jsonb := jsonb_build_object('label', object -> 'name', 'consumer_key', object -> 'client_id', 'products', products);
    hash constant integer := object ->> 'client_secret';
BEGIN
    IF object -> 'hash_secret' = 'true' THEN
        RETURN named || jsonb_build_object('kind', 'oauth_client', 'secret_hash', hash, 'scheme',
                                           CASE WHEN devapp_internal.secret_begins(hash, '$argon2id$') THEN 'argon2id'
                                                WHEN devapp_internal.secret_begins(hash, '$2') THEN 'crypt' ELSE 'unknown' END);
    END IF;
    RETURN named || jsonb_build_object('consumer_secret', object -> 'client_secret');
END
$$;

CREATE FUNCTION devapp_internal.kong_app(consumer jsonb, owner text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant jsonb := jsonb_build_object('name', coalesce(consumer -> 'username', consumer -> 'custom_id'),
                                               CASE WHEN owner LIKE '%@%' THEN 'developer' ELSE 'team' END, devapp_internal.import_owner(owner));
    products jsonb;
    keys jsonb;
    clients jsonb;
    credentials jsonb[] := '{}';
BEGIN
    products := devapp_internal.kong_products(consumer);
    keys := devapp_internal.import_list(consumer, 'keyauth_credentials');
    clients := devapp_internal.import_list(consumer, 'oauth2_credentials');
    FOR i IN 0 .. jsonb_array_length(keys) - 1 LOOP
        credentials := array_append(credentials, devapp_internal.kong_key(keys -> i, products));
    END LOOP;
    FOR i IN 0 .. jsonb_array_length(clients) - 1 LOOP
        credentials := array_append(credentials, devapp_internal.kong_client(clients -> i, products));
    END LOOP;
    RETURN named || jsonb_build_object('attributes', CASE WHEN consumer ->> 'custom_id' IS NOT NULL
                                                          THEN jsonb_build_object('custom_id', consumer -> 'custom_id') ELSE '{}' END,
                                       'credentials', to_jsonb(credentials));
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN devapp_internal.inconvertible(named, SQLERRM);
END
$$;

CREATE FUNCTION devapp_internal.kong_document(document jsonb, owner text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    list jsonb;
    apps jsonb[] := '{}';
BEGIN
    IF jsonb_typeof(document) IS DISTINCT FROM 'object' OR NOT document ? 'consumers' THEN
        RAISE EXCEPTION 'the document has no consumers'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give the declarative configuration as JSON, as "deck gateway dump --format json" writes it.';
    END IF;
    IF document ?| '{keyauth_credentials,oauth2_credentials,acls}' THEN
        RAISE EXCEPTION 'the document has credentials or groups outside its consumers'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give them within their consumers, as "deck gateway dump --format json" writes them.';
    END IF;
    list := devapp_internal.import_list(document, 'consumers');
    FOR i IN 0 .. jsonb_array_length(list) - 1 LOOP
        apps := array_append(apps, devapp_internal.kong_app(list -> i, owner));
    END LOOP;
    RETURN jsonb_build_object('apps', to_jsonb(apps));
END
$$;

CREATE FUNCTION devapp_internal.import_kong(document jsonb, owner text, weak boolean, dry_run boolean, skip_refused boolean) RETURNS SETOF devapp.import_line
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    held constant jsonb := devapp_internal.hold_secrets(document,
                               '{keyauth_credentials,oauth2_credentials,basicauth_credentials,hmacauth_credentials,jwt_secrets}',
                               '{created_at,ttl,name,client_id,hash_secret}');
    lines devapp.import_line[] := devapp_internal.import_neutral(devapp_internal.kong_document(held, owner), weak, dry_run, skip_refused);
BEGIN
    RETURN QUERY SELECT l.* FROM unnest(lines) AS l ORDER BY l.line;
END
$$;

CREATE FUNCTION devapp.import_kong(
    document jsonb,
    owner text,
    weak boolean DEFAULT false,
    dry_run boolean DEFAULT false,
    skip_refused boolean DEFAULT false
) RETURNS SETOF devapp.import_line
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.import_kong(jsonb, text, boolean, boolean, boolean) IS
    'Imports consumers of Kong as apps of a developer or team; their keys and OAuth clients keep working';
SELECT devapp_internal.grant_to('devapp.import_kong', 'admin');
