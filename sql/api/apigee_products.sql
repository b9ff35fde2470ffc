-- Apigee's management API: API products.

-- ---------- the form ----------

-- The operations of a product in one group for each proxy with a quota.
CREATE FUNCTION devapp_internal.apigee_operation_group(product_id uuid) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object('operationConfigType', 'proxy', 'operationConfigs', jsonb_agg(g.config ORDER BY g.proxy COLLATE "C" NULLS FIRST, g.quota))
      FROM (SELECT o.proxy, q.quota,
                   jsonb_strip_nulls(jsonb_build_object(
                       'apiSource', o.proxy,
                       'operations', jsonb_agg(jsonb_build_object('resource', o.resource::text, 'methods', o.methods)
                                               ORDER BY o.resource::text COLLATE "C", o.methods),
                       'quota', q.quota)) AS config
              FROM devapp.product_operation o,
                   LATERAL (SELECT CASE WHEN o.quota_limit IS NOT NULL
                                        THEN jsonb_build_object('limit', o.quota_limit::text, 'interval', o.quota_interval::text, 'timeUnit', o.quota_unit) END AS quota) AS q
             WHERE o.product_id = apigee_operation_group.product_id
             GROUP BY o.proxy, q.quota) AS g
$$;

-- Operations that are no more than a resource are its apiResources; if there are others, all are
-- in its operationGroup.
CREATE FUNCTION devapp_internal.apigee_resources(product_id uuid) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN bool_and(o.methods = '{}' AND num_nonnulls(o.proxy, o.quota_limit) = 0) IS NOT FALSE
                THEN jsonb_build_object('apiResources', coalesce(jsonb_agg(o.resource::text ORDER BY o.resource::text COLLATE "C"), '[]'))
                ELSE jsonb_build_object('apiResources', '[]'::jsonb, 'operationGroup', devapp_internal.apigee_operation_group(apigee_resources.product_id)) END
      FROM devapp.product_operation o
     WHERE o.product_id = apigee_resources.product_id
$$;

-- At Apigee an attribute says whom a portal shows a product to.
CREATE FUNCTION devapp_internal.apigee_product_attributes(p devapp.product) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT p.attributes || jsonb_build_object('access', p.access)
$$;

CREATE FUNCTION devapp_internal.apigee_product_form(p devapp.product) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object(
               'name', p.name,
               'displayName', coalesce(p.display_name, p.name),
               'description', p.description,
               'approvalType', p.approval,
               'environments', p.environments,
               'proxies', p.proxies,
               'scopes', p.scopes,
               'quota', p.quota_limit::text,
               'quotaInterval', p.quota_interval::text,
               'quotaTimeUnit', p.quota_unit,
               'attributes', devapp_internal.apigee_attribute_list(devapp_internal.apigee_product_attributes(p)),
               'createdAt', devapp_internal.apigee_millis(p.created_at),
               'lastModifiedAt', devapp_internal.apigee_millis(p.updated_at))
           || devapp_internal.apigee_resources(p.product_id))
$$;

-- ---------- finding one ----------

CREATE FUNCTION devapp_internal.apigee_find_product(name text) RETURNS devapp.product
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_row devapp.product;
BEGIN
    SELECT * INTO found_row FROM devapp.product p
     WHERE p.name = devapp_internal.canonical_name(apigee_find_product.name) AND p.deleted_at IS NULL;
    IF NOT FOUND THEN
        PERFORM devapp_internal.http_error(404, 'keymanagement.service.apiproduct_doesnot_exist',
                    format('API Product [%s] does not exist', devapp_internal.masked(apigee_find_product.name)));
    END IF;
    RETURN found_row;
END
$$;

-- The names of products in a body, which has them as texts or, as a key shows them, as objects.
-- One that is not there makes the request a bad one: it is no part of the path.
CREATE FUNCTION devapp_internal.apigee_product_names(body jsonb) RETURNS text[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    list jsonb := body -> 'apiProducts';
    names text[];
    product text;
BEGIN
    IF jsonb_typeof(list) = 'array' THEN
        list := (SELECT coalesce(jsonb_agg(CASE jsonb_typeof(e) WHEN 'object' THEN e -> 'apiproduct' ELSE e END ORDER BY n), '[]')
                   FROM jsonb_array_elements(list) WITH ORDINALITY AS x(e, n));
    END IF;
    names := devapp_internal.apigee_texts(jsonb_build_object('apiProducts', list), 'apiProducts');
    FOREACH product IN ARRAY coalesce(names, '{}') LOOP
        IF NOT EXISTS (SELECT FROM devapp.product p WHERE p.name = devapp_internal.canonical_name(product) AND p.deleted_at IS NULL) THEN
            PERFORM devapp_internal.http_error(400, 'cps.kms.ApiProductDoesNotExist', format('API Product [%s] does not exist', devapp_internal.masked(product)));
        END IF;
    END LOOP;
    RETURN names;
END
$$;

-- ---------- operations ----------

-- Those that a body has, as rows; a limit that has no interval has one of one unit.
CREATE FUNCTION devapp_internal.apigee_wanted_operations(body jsonb) RETURNS SETOF devapp.product_operation
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    operation jsonb;
    wanted devapp.product_operation;
BEGIN
    FOR operation IN SELECT o FROM jsonb_array_elements(devapp_internal.apigee_operations(body)) AS o LOOP
        wanted.resource := devapp_internal.apigee_text(operation, 'resource');
        wanted.methods := devapp_internal.checked_methods(devapp_internal.apigee_texts(operation, 'methods'));
        wanted.proxy := nullif(devapp_internal.apigee_text(operation, 'proxy'), '');
        wanted.quota_limit := devapp_internal.apigee_number(operation, 'quota_limit');
        wanted.quota_interval := CASE WHEN wanted.quota_limit IS NOT NULL THEN coalesce(devapp_internal.apigee_integer(operation, 'quota_interval'), 1) END;
        wanted.quota_unit := CASE WHEN wanted.quota_limit IS NOT NULL THEN devapp_internal.apigee_text(operation, 'quota_unit') END;
        RETURN NEXT wanted;
    END LOOP;
END
$$;

CREATE FUNCTION devapp_internal.apigee_add_operations(product devapp.product, wanted devapp.product_operation[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    o devapp.product_operation;
BEGIN
    FOREACH o IN ARRAY wanted LOOP
        IF NOT EXISTS (SELECT FROM devapp.product_operation p
                        WHERE p.product_id = product.product_id
                          AND (p.resource::text, p.methods, p.proxy) IS NOT DISTINCT FROM (o.resource::text, o.methods, o.proxy)) THEN
            PERFORM devapp.add_operation(product => product.name, resource => o.resource::text, methods => o.methods, proxy => o.proxy,
                        quota_limit => o.quota_limit, quota_interval => o.quota_interval, quota_unit => o.quota_unit);
        END IF;
    END LOOP;
END
$$;

-- An operation that is wanted with another quota goes on as the same, with its counts.
CREATE FUNCTION devapp_internal.apigee_change_operations(product devapp.product, wanted devapp.product_operation[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE devapp.product_operation p
       SET quota_limit = w.quota_limit, quota_interval = w.quota_interval, quota_unit = w.quota_unit
      FROM unnest(wanted) AS w
     WHERE p.product_id = product.product_id
       AND (w.resource::text, w.methods, w.proxy) IS NOT DISTINCT FROM (p.resource::text, p.methods, p.proxy)
       AND (w.quota_limit, w.quota_interval, w.quota_unit) IS DISTINCT FROM (p.quota_limit, p.quota_interval, p.quota_unit);
    -- remove_operation() would take those of other proxies along
    DELETE FROM devapp.product_operation p
     WHERE p.product_id = product.product_id
       AND NOT EXISTS (SELECT FROM unnest(wanted) AS w
                        WHERE (w.resource::text, w.methods, w.proxy) IS NOT DISTINCT FROM (p.resource::text, p.methods, p.proxy));
END
$$;

-- Makes the operations of a product those of a body, if it has any members for them.  A client that
-- does not know operationGroup sends the empty apiResources beside it back: that must not open
-- every path.
CREATE FUNCTION devapp_internal.apigee_put_operations(product devapp.product, body jsonb) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted constant devapp.product_operation[] := ARRAY(SELECT w FROM devapp_internal.apigee_wanted_operations(body) AS w);
BEGIN
    IF NOT body ?| '{operationGroup,apiResources}'
       OR wanted = '{}' AND NOT body ? 'operationGroup' AND devapp_internal.apigee_resources(product.product_id) ? 'operationGroup' THEN
        RETURN;
    END IF;
    PERFORM devapp_internal.apigee_add_operations(product, wanted);
    PERFORM devapp_internal.apigee_change_operations(product, wanted);
END
$$;

-- ---------- calls ----------

-- A body as it is meant: its quota may be an object, as that of an operation is.  Operations of
-- other kinds are refused: a product that lost them would cover every path.
CREATE FUNCTION devapp_internal.apigee_product_body(request devapp_internal.http_request) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    body constant jsonb := devapp_internal.apigee_body(request);
    other constant text := (SELECT min(m.key) FROM jsonb_each(body) AS m
                             WHERE m.key LIKE '%OperationGroup' AND jsonb_path_exists(m.value, '$.operationConfigs[*]'));
BEGIN
    IF other IS NOT NULL THEN
        PERFORM devapp_internal.apigee_refuse(format('%s is not supported', devapp_internal.masked(other)), 'Products have an operationGroup or apiResources.');
    END IF;
    PERFORM devapp_internal.require_operation_group(body -> 'operationGroup');
    RETURN body || CASE WHEN jsonb_typeof(body -> 'quota') = 'object'
                        THEN jsonb_build_object('quota', body #> '{quota,limit}', 'quotaInterval', body #> '{quota,interval}',
                                                'quotaTimeUnit', body #> '{quota,timeUnit}')
                        ELSE '{}' END;
END
$$;

-- The limit of a quota; null if there is none.
CREATE FUNCTION devapp_internal.apigee_quota(body jsonb) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    given constant bigint := devapp_internal.apigee_number(body, 'quota');
BEGIN
    IF given <= 0 THEN
        PERFORM devapp_internal.apigee_refuse('quota must be greater than zero', 'Send null for a product without a quota.');
    END IF;
    RETURN given;
END
$$;

CREATE FUNCTION devapp_internal.apigee_list_products(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most constant integer := devapp_internal.apigee_count(request, 'count', 1000);
    start_key constant text := devapp_internal.canonical_name(devapp_internal.one_value(request.query, 'startKey'));
    attribute_name constant text := devapp_internal.one_value(request.query, 'attributename');
    attribute_value constant text := devapp_internal.one_value(request.query, 'attributevalue');
    expand constant boolean := devapp_internal.apigee_flag(request, 'expand');
    found_rows devapp.product[];
    names jsonb;
    forms jsonb;
BEGIN
    found_rows := ARRAY(
        SELECT p FROM devapp.product p
         WHERE p.deleted_at IS NULL
           AND (start_key IS NULL OR p.name COLLATE "C" >= start_key)
           AND (attribute_name IS NULL OR devapp_internal.apigee_product_attributes(p) ->> attribute_name = coalesce(attribute_value, ''))
         ORDER BY p.name COLLATE "C"
         LIMIT most);
    IF expand THEN
        forms := (SELECT coalesce(jsonb_agg(devapp_internal.apigee_product_form(p)), '[]') FROM unnest(found_rows) AS p);
    ELSE
        names := (SELECT jsonb_agg(p.name) FROM unnest(found_rows) AS p);
    END IF;
    RETURN devapp_internal.apigee_answer_list(names, 'apiProduct', forms);
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_list_products IS 'Names of API products, or the products with expand=true';

CREATE FUNCTION devapp_internal.apigee_get_product(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN devapp_internal.json_response(200,
               devapp_internal.apigee_product_form(devapp_internal.apigee_find_product(request.params ->> 'product')));
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_get_product IS 'An API product';

CREATE FUNCTION devapp_internal.apigee_create_product(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    body constant jsonb := devapp_internal.apigee_product_body(request);
    attributes constant jsonb := devapp_internal.apigee_attribute_object(body, 'attributes');
    quota_limit constant bigint := devapp_internal.apigee_quota(body);
    made devapp.product;
BEGIN
    made := devapp.create_product(
        name => devapp_internal.apigee_text(body, 'name'),
        display_name => devapp_internal.apigee_text(body, 'displayName'),
        description => devapp_internal.apigee_text(body, 'description'),
        approval => devapp_internal.apigee_text(body, 'approvalType'),
        access => attributes ->> 'access',
        environments => devapp_internal.apigee_texts(body, 'environments'),
        proxies => devapp_internal.apigee_texts(body, 'proxies'),
        scopes => devapp_internal.apigee_texts(body, 'scopes'),
        quota_limit => quota_limit,
        quota_interval => CASE WHEN quota_limit IS NOT NULL THEN devapp_internal.apigee_integer(body, 'quotaInterval') END,
        quota_unit => CASE WHEN quota_limit IS NOT NULL THEN devapp_internal.apigee_text(body, 'quotaTimeUnit') END,
        attributes => attributes - 'access');
    PERFORM devapp_internal.apigee_put_operations(made, body);
    RETURN devapp_internal.json_response(201, devapp_internal.apigee_product_form(made));
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_create_product IS 'Creates an API product';

CREATE FUNCTION devapp_internal.apigee_update_product(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    body constant jsonb := devapp_internal.apigee_product_body(request);
    attributes constant jsonb := devapp_internal.apigee_attribute_object(body, 'attributes');
    changed devapp.product := devapp_internal.apigee_find_product(request.params ->> 'product');
    -- one that is null is taken away
    quota_limit constant bigint := CASE WHEN body ? 'quota' THEN coalesce(devapp_internal.apigee_quota(body), 0) END;
BEGIN
    PERFORM devapp_internal.apigee_require_name(body, changed.name);
    changed := devapp.update_product(
        product => changed.name,
        display_name => devapp_internal.apigee_change(body, 'displayName'),
        description => devapp_internal.apigee_change(body, 'description'),
        approval => devapp_internal.apigee_text(body, 'approvalType'),
        access => attributes ->> 'access',
        environments => devapp_internal.apigee_texts(body, 'environments'),
        proxies => devapp_internal.apigee_texts(body, 'proxies'),
        scopes => devapp_internal.apigee_texts(body, 'scopes'),
        quota_limit => quota_limit,
        quota_interval => devapp_internal.apigee_integer(body, 'quotaInterval'),
        quota_unit => devapp_internal.apigee_text(body, 'quotaTimeUnit'),
        attributes => attributes - 'access');
    PERFORM devapp_internal.apigee_put_operations(changed, body);
    RETURN devapp_internal.json_response(200, devapp_internal.apigee_product_form(changed));
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_update_product IS 'Changes an API product; lists and attributes replace the existing ones';

CREATE FUNCTION devapp_internal.apigee_delete_product(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant devapp.product := devapp_internal.apigee_find_product(request.params ->> 'product');
    answer constant devapp_internal.http_response := devapp_internal.json_response(200, devapp_internal.apigee_product_form(named));
BEGIN
    PERFORM devapp.delete_product(product => named.name);
    RETURN answer;
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_delete_product IS 'Deletes an API product that no key has';

SELECT devapp_internal.add_apigee_route('GET', '/apiproducts', 'apigee_list_products', 'read');
SELECT devapp_internal.add_apigee_route('POST', '/apiproducts', 'apigee_create_product', 'admin');
SELECT devapp_internal.add_apigee_route('GET', '/apiproducts/{product}', 'apigee_get_product', 'read');
SELECT devapp_internal.add_apigee_route('PUT', '/apiproducts/{product}', 'apigee_update_product', 'admin');
SELECT devapp_internal.add_apigee_route('POST', '/apiproducts/{product}', 'apigee_update_product', 'admin');
SELECT devapp_internal.add_apigee_route('DELETE', '/apiproducts/{product}', 'apigee_delete_product', 'admin');
