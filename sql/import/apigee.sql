-- Apigee's developers, API products and apps, as its management API lists them and apigeecli
-- exports them, in the form that import_apps() takes.

-- A list under one of its names; or the list in an object, as the management API answers.
CREATE FUNCTION devapp_internal.apigee_list(document jsonb, VARIADIC names text[]) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found jsonb;
BEGIN
    FOR i IN 1 .. cardinality(names) LOOP
        found := document -> names[i];
        IF jsonb_typeof(found) = 'array' THEN
            RETURN found;
        ELSIF jsonb_typeof(found) = 'object' THEN
            RETURN devapp_internal.apigee_list(found, VARIADIC names);
        END IF;
    END LOOP;
    RETURN '[]';
END
$$;

-- [{"name": ..., "value": ...}] as an object; of two with one name the first counts, as clients
-- that put their changes before what there was expect.
CREATE FUNCTION devapp_internal.apigee_attributes(list jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF jsonb_typeof(list) IS DISTINCT FROM 'array' THEN
        RETURN '{}';
    END IF;
    -- one that is too long to be kept is refused, however long
    RETURN (SELECT coalesce(jsonb_object_agg(a.name, left(a.value, 100000)), '{}')
              FROM (SELECT DISTINCT ON (1) coalesce(e.attribute ->> 'name', '') AS name, coalesce(e.attribute ->> 'value', '') AS value
                      FROM jsonb_array_elements(list) WITH ORDINALITY AS e(attribute, n)
                     ORDER BY 1, e.n) AS a);
END
$$;

CREATE FUNCTION devapp_internal.apigee_developer(object jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN jsonb_build_object('email', object -> 'email', 'first_name', object -> 'firstName', 'last_name', object -> 'lastName',
                              'user_name', object -> 'userName', 'status', object -> 'status',
                              'attributes', devapp_internal.apigee_attributes(object -> 'attributes'));
END
$$;

-- What has another form than Apigee's would be lost without a word, and a product without
-- operations covers every path.  A name that Apigee does not know is refused, as it is there.
CREATE FUNCTION devapp_internal.require_members(object jsonb, what text, VARIADIC names text[]) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    unknown text;
BEGIN
    IF jsonb_typeof(object) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION '% is not an object', what USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT min(k) INTO unknown FROM jsonb_object_keys(object) AS k WHERE k <> ALL (names);
    IF unknown IS NOT NULL THEN
        RAISE EXCEPTION '% has an unknown member: %', what, devapp_internal.quoted(unknown) USING ERRCODE = 'invalid_parameter_value';
    END IF;
END
$$;

CREATE FUNCTION devapp_internal.require_operation_config(config jsonb) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM devapp_internal.require_members(config, 'an operation config', 'apiSource', 'operations', 'quota', 'attributes');
    IF jsonb_typeof(config -> 'operations') IS DISTINCT FROM 'array' OR config -> 'operations' = '[]' THEN
        RAISE EXCEPTION 'an operation config has no operations' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM devapp_internal.require_members(o, 'an operation', 'resource', 'methods') FROM jsonb_array_elements(config -> 'operations') AS o;
    IF config -> 'quota' <> 'null' THEN
        PERFORM devapp_internal.require_members(config -> 'quota', 'quota of an operation config', 'limit', 'interval', 'timeUnit');
    END IF;
END
$$;

-- Null, an empty list or text, and a group without members say that there are none.
CREATE FUNCTION devapp_internal.require_operation_group(operation_group jsonb) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    configs constant jsonb := operation_group -> 'operationConfigs';
BEGIN
    IF operation_group IS NULL OR operation_group IN ('null', '""', '[]', '{}') THEN
        RETURN;
    END IF;
    PERFORM devapp_internal.require_members(operation_group, 'operationGroup', 'operationConfigs', 'operationConfigType');
    IF configs = 'null' OR configs = '[]' THEN
        RETURN;
    END IF;
    IF jsonb_typeof(configs) IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION 'operationGroup has no operationConfigs' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM devapp_internal.require_operation_config(c) FROM jsonb_array_elements(configs) AS c;
END
$$;

-- The operations of a product: those of its operation group, each with its proxy and quota, or
-- else its resources.
CREATE FUNCTION devapp_internal.apigee_operations(object jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(jsonb_agg(o.operation), '[]')
      FROM (SELECT jsonb_build_object('resource', op -> 'resource', 'methods', coalesce(op -> 'methods', '[]'), 'proxy', config -> 'apiSource',
                                      'quota_limit', config #> '{quota,limit}', 'quota_interval', config #> '{quota,interval}',
                                      'quota_unit', config #> '{quota,timeUnit}') AS operation
              FROM jsonb_path_query(object, '$.operationGroup.operationConfigs[*]') AS config,
                   jsonb_path_query(config, '$.operations[*]') AS op
             UNION ALL
            SELECT jsonb_build_object('resource', r)
              FROM jsonb_path_query(object, '$.apiResources[*]') AS r
             WHERE NOT jsonb_path_exists(object, '$.operationGroup.operationConfigs[*]') AND r NOT IN ('""', 'null')) AS o
$$;

-- A product without operations covers every path, so a product that has only operations of other kinds is refused.
CREATE FUNCTION devapp_internal.require_no_other_operations(object jsonb) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    kinds constant text[] := '{graphqlOperationGroup,grpcOperationGroup,llmOperationGroup}'::text[];
BEGIN
    PERFORM devapp_internal.require_operation_group(object -> 'operationGroup');
    FOR i IN 1 .. cardinality(kinds) LOOP
        IF jsonb_path_exists(object -> kinds[i], '$.operationConfigs[*]') THEN
            RAISE EXCEPTION 'it has operations that cannot be imported: %', kinds[i] USING ERRCODE = 'invalid_parameter_value';
        END IF;
    END LOOP;
END
$$;

CREATE FUNCTION devapp_internal.apigee_product(object jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    attributes constant jsonb := devapp_internal.apigee_attributes(object -> 'attributes');
BEGIN
    PERFORM devapp_internal.require_no_other_operations(object);
    RETURN jsonb_build_object('name', object -> 'name', 'display_name', object -> 'displayName', 'description', object -> 'description',
                              'approval', object -> 'approvalType', 'access', attributes -> 'access',
                              'environments', devapp_internal.import_list(object, 'environments') - '', 'proxies', devapp_internal.import_list(object, 'proxies') - '',
                              'scopes', devapp_internal.import_list(object, 'scopes') - '', 'quota_limit', object -> 'quota',
                              'quota_interval', object -> 'quotaInterval', 'quota_unit', object -> 'quotaTimeUnit',
                              'attributes', attributes - 'access', 'operations', devapp_internal.apigee_operations(object));
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN devapp_internal.inconvertible(jsonb_build_object('name', object -> 'name'), SQLERRM);
END
$$;

-- At Apigee a consumer key is both an API key and the client id of a pair.  Here it is one or the
-- other.
CREATE FUNCTION devapp_internal.apigee_credential(object jsonb, kind text) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    products jsonb[] := '{}';
    list jsonb;
    secret jsonb := jsonb_build_object('key', object -> 'consumerKey');
BEGIN
    IF jsonb_typeof(object) <> 'object' THEN
        RAISE EXCEPTION 'a credential is not an object' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    list := devapp_internal.import_list(object, 'apiProducts');
    FOR i IN 0 .. jsonb_array_length(list) - 1 LOOP
        products := products || jsonb_build_object('name', list -> i -> 'apiproduct', 'status', list -> i -> 'status');
    END LOOP;
    IF kind = 'oauth_client' THEN
        secret := jsonb_build_object('consumer_key', object -> 'consumerKey', 'consumer_secret', object -> 'consumerSecret');
    END IF;
    RETURN secret || jsonb_build_object('status', object -> 'status', 'expires_at', object -> 'expiresAt', 'scopes', devapp_internal.import_list(object, 'scopes') - '',
                                        'attributes', devapp_internal.apigee_attributes(object -> 'attributes'), 'products', to_jsonb(products));
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN devapp_internal.inconvertible('{}', SQLERRM);
END
$$;

-- emails: the e-mails of developers, by their ids at Apigee.
CREATE FUNCTION devapp_internal.apigee_app(object jsonb, emails jsonb, kind text) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    attributes constant jsonb := devapp_internal.apigee_attributes(object -> 'attributes');
    list jsonb;
    credentials jsonb[] := '{}';
    team constant text := coalesce(object ->> 'companyName', object ->> 'appGroup');
    developer constant text := CASE WHEN team IS NULL
                                    THEN coalesce(emails ->> (object ->> 'developerId'), object ->> 'developerEmail', object ->> 'developerId') END;
BEGIN
    list := devapp_internal.import_list(object, 'credentials');
    FOR i IN 0 .. jsonb_array_length(list) - 1 LOOP
        credentials := array_append(credentials, devapp_internal.apigee_credential(list -> i, kind));
    END LOOP;
    RETURN jsonb_build_object('name', object -> 'name', 'team', team,
                              'developer', developer,
                              'display_name', attributes -> 'DisplayName', 'description', attributes -> 'Notes', 'status', object -> 'status',
                              'callback_urls', CASE WHEN object ->> 'callbackUrl' <> '' THEN jsonb_build_array(object -> 'callbackUrl') ELSE '[]' END,
                              'scopes', devapp_internal.import_list(object, 'scopes') - '', 'app_family', object -> 'appFamily',
                              'attributes', attributes - '{DisplayName,Notes}'::text[], 'credentials', to_jsonb(credentials));
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN devapp_internal.inconvertible(jsonb_build_object('name', object -> 'name', 'team', team, 'developer', developer), SQLERRM);
END
$$;

CREATE FUNCTION devapp_internal.apigee_document(document jsonb, kind text) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    developers jsonb;
    products jsonb;
    list jsonb;
    emails jsonb;
    apps jsonb[] := '{}';
BEGIN
    IF jsonb_typeof(document) = 'array' THEN
        document := jsonb_build_object('apps', document);
    END IF;
    IF jsonb_typeof(document) IS DISTINCT FROM 'object'
       OR NOT document ?| '{developers,developer,apiProducts,apiproducts,apiProduct,products,apps,app}' THEN
        RAISE EXCEPTION 'the document has no developers, apiproducts or apps'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give {"developers": [...], "apiproducts": [...], "apps": [...]}, each as the management API or apigeecli lists it.';
    END IF;
    developers := devapp_internal.apigee_list(document, 'developers', 'developer');
    products := devapp_internal.apigee_list(document, 'apiProducts', 'apiproducts', 'products', 'apiProduct');
    list := devapp_internal.apigee_list(document, 'apps', 'app');
    emails := (SELECT coalesce(jsonb_object_agg(d ->> 'developerId', d ->> 'email'), '{}')
                 FROM jsonb_array_elements(developers) AS d WHERE d ->> 'developerId' IS NOT NULL);
    FOR i IN 0 .. jsonb_array_length(list) - 1 LOOP
        apps := array_append(apps, devapp_internal.apigee_app(list -> i, emails, kind));
    END LOOP;
    developers := (SELECT coalesce(jsonb_agg(devapp_internal.apigee_developer(d) ORDER BY n), '[]') FROM jsonb_array_elements(developers) WITH ORDINALITY AS x(d, n));
    products := (SELECT coalesce(jsonb_agg(devapp_internal.apigee_product(p) ORDER BY n), '[]') FROM jsonb_array_elements(products) WITH ORDINALITY AS x(p, n));
    RETURN jsonb_build_object('developers', developers, 'products', products, 'apps', to_jsonb(apps));
END
$$;

CREATE FUNCTION devapp_internal.import_apigee(document jsonb, kind text, weak boolean, dry_run boolean, skip_refused boolean) RETURNS SETOF devapp.import_line
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    held constant jsonb := devapp_internal.hold_secrets(document, '{credentials}',
                               '{apiProducts,attributes,expiresAt,issuedAt,scopes,status}'::text[]
                               || CASE lower(kind) WHEN 'oauth_client' THEN '{consumerKey}'::text[] ELSE '{}' END);
    lines devapp.import_line[];
BEGIN
    IF lower(kind) IS NULL OR lower(kind) NOT IN ('api_key', 'oauth_client') THEN
        RAISE EXCEPTION 'consumer keys of Apigee can be imported only as api_key or oauth_client'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'With api_key, apps present the consumer key alone; with oauth_client, they also present the consumer secret.';
    END IF;
    lines := devapp_internal.import_neutral(devapp_internal.apigee_document(held, lower(kind)), weak, dry_run, skip_refused);
    RETURN QUERY SELECT l.* FROM unnest(lines) AS l ORDER BY l.line;
END
$$;

CREATE FUNCTION devapp.import_apigee(
    document jsonb,
    kind text DEFAULT 'api_key',
    weak boolean DEFAULT false,
    dry_run boolean DEFAULT false,
    skip_refused boolean DEFAULT false
) RETURNS SETOF devapp.import_line
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.import_apigee(jsonb, text, boolean, boolean, boolean) IS
    'Imports developers, API products and apps of Apigee, whose consumer keys keep working';
SELECT devapp_internal.grant_to('devapp.import_apigee', 'admin');
