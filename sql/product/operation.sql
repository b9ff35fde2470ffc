-- Operations of products.

-- Methods as they are stored: upper case, each once, in order.  Of ASCII only: the
-- rules of Turkish make another letter of "i".
CREATE FUNCTION devapp_internal.checked_methods(methods text[]) RETURNS text[]
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(array_agg(DISTINCT upper(m COLLATE "C") ORDER BY upper(m COLLATE "C")), '{}') FROM unnest(methods) AS m
$$;

CREATE FUNCTION devapp_internal.add_operation(
    product text,
    resource text,
    methods text[],
    proxy text,
    quota_limit bigint,
    quota_interval integer,
    quota_unit text
) RETURNS devapp.product_operation
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_product devapp.product := devapp_internal.find_product(product, true);
    made devapp.product_operation;
BEGIN
    PERFORM devapp_internal.require_quota(add_operation.quota_limit, add_operation.quota_interval, add_operation.quota_unit);
    INSERT INTO devapp.product_operation AS o
        (product_id, resource, methods, proxy, quota_limit, quota_interval, quota_unit)
    VALUES (the_product.product_id, add_operation.resource::devapp.resource_pattern,
            devapp_internal.checked_methods(add_operation.methods), add_operation.proxy,
            add_operation.quota_limit,
            CASE WHEN add_operation.quota_limit IS NOT NULL THEN coalesce(add_operation.quota_interval, 1) END,
            add_operation.quota_unit)
    ON CONFLICT DO NOTHING
    RETURNING o.* INTO made;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'product % already has this operation: %', devapp_internal.quoted(the_product.name), devapp_internal.masked(add_operation.resource)
            USING ERRCODE = 'unique_violation',
                  HINT = 'Operations differ in resource, methods or proxy; remove the old one with devapp.remove_operation.';
    END IF;
    RETURN made;
END
$$;

CREATE FUNCTION devapp.add_operation(
    product text,
    resource text,
    methods text[] DEFAULT NULL,
    proxy text DEFAULT NULL,
    quota_limit bigint DEFAULT NULL,
    quota_interval integer DEFAULT NULL,
    quota_unit text DEFAULT NULL
) RETURNS devapp.product_operation
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.add_operation(text, text, text[], text, bigint, integer, text) IS
    'Adds an operation, a URI pattern with methods, to a product';
SELECT devapp_internal.grant_to('devapp.add_operation', 'admin');

CREATE FUNCTION devapp_internal.remove_operation(
    product text,
    resource text,
    methods text[]
) RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_product devapp.product := devapp_internal.find_product(product, true);
    removed integer;
BEGIN
    DELETE FROM devapp.product_operation o
     WHERE o.product_id = the_product.product_id
       AND o.resource = remove_operation.resource
       AND (remove_operation.methods IS NULL OR o.methods = devapp_internal.checked_methods(remove_operation.methods));
    GET DIAGNOSTICS removed = ROW_COUNT;
    IF removed = 0 THEN
        RAISE EXCEPTION 'product % has no such operation: %', devapp_internal.quoted(the_product.name), devapp_internal.masked(remove_operation.resource)
            USING ERRCODE = 'undefined_object',
                  HINT = 'List them with SELECT resource, methods FROM devapp.product_operation.';
    END IF;
    IF NOT EXISTS (SELECT FROM devapp.product_operation o WHERE o.product_id = the_product.product_id) THEN
        RAISE WARNING 'product % has no operations now, so it covers every path', devapp_internal.quoted(the_product.name)
            USING HINT = 'Add one with devapp.add_operation if that is not intended.';
    END IF;
    RETURN removed;
END
$$;

CREATE FUNCTION devapp.remove_operation(
    product text,
    resource text,
    methods text[] DEFAULT NULL
) RETURNS integer
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.remove_operation(text, text, text[]) IS
    'Removes the operations with this resource and, if given, these methods; returns their number';
SELECT devapp_internal.grant_to('devapp.remove_operation', 'admin');
