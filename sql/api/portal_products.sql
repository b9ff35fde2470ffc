-- The portal: products that developers may ask for, and those that their apps have.

-- Products that the credentials have which the developer sees.
CREATE FUNCTION devapp_internal.own_products() RETURNS uuid[]
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(array_agg(DISTINCT cp.product_id), '{}')
      FROM unnest(devapp_internal.own_apps()) AS o(app_id)
      JOIN devapp.app a ON a.app_id = o.app_id
      JOIN devapp.credential c ON c.app_id = a.app_id AND c.deleted_at IS NULL
      JOIN devapp.credential_product cp ON cp.credential_id = c.credential_id AND cp.removed_at IS NULL AND cp.status <> 'revoked'
     WHERE a.team_id IS NULL OR devapp_internal.has_environment(a.team_id, c.environment)
$$;

CREATE FUNCTION devapp_internal.portal_product_form(p devapp.product) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_internal.product_document(p, NULL) - '{operations,proxies}'::text[]
           || jsonb_build_object('access', p.access, 'approval', p.approval, 'created_at', p.created_at)
$$;

CREATE FUNCTION devapp_internal.portal_list_products(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most constant integer := devapp_internal.portal_limit(request);
    after constant jsonb := devapp_internal.portal_after(request, 'products');
    mine constant uuid[] := devapp_internal.own_products();
BEGIN
    RETURN devapp_internal.portal_page('products',
               ARRAY(SELECT devapp_internal.portal_product_form(x.p)
                       FROM (SELECT p FROM devapp.product p
                              WHERE p.deleted_at IS NULL AND (p.access = 'public' OR p.product_id = ANY (mine))
                                AND p.name COLLATE "C" > coalesce(after ->> 0, '')
                              ORDER BY p.name COLLATE "C"
                              LIMIT most + 1) AS x
                      ORDER BY (x.p).name COLLATE "C"),
               most, 'name');
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_list_products IS 'Products that the developer can request, by name';

CREATE FUNCTION devapp_internal.portal_get_product(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant text := request.params ->> 'product';
    mine constant uuid[] := devapp_internal.own_products();
    form constant jsonb := (SELECT devapp_internal.portal_product_form(p) || jsonb_build_object('operations', devapp_internal.operations_document(p.product_id))
                              FROM devapp.product p
                             WHERE p.name = devapp_internal.canonical_name(named) AND p.deleted_at IS NULL AND (p.access = 'public' OR p.product_id = ANY (mine)));
BEGIN
    IF form IS NULL THEN
        PERFORM devapp_internal.refuse_product(named);
    END IF;
    RETURN devapp_internal.json_response(200, form);
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_get_product IS 'One product with its operations';

SELECT devapp_internal.add_schema('Quota', '{
    "limit?": "integer: Cost of calls in a window", "interval?": "integer: Length of a window, in unit", "unit?": "string: minute, hour, day, week, month or never",
    "enforcement?": "soft|hard", "time_zone?": "string"}');
SELECT devapp_internal.add_schema('Rate', '{"limit": "number: Calls a second", "burst": "integer?: Calls that may come at once"}');
SELECT devapp_internal.add_schema('Operation', '{"resource": "string: Pattern of paths", "methods": "[string]: None: all", "proxy": "string?", "quota": "#Quota?"}');
SELECT devapp_internal.add_schema('ProductBase', '{
    "product_id": "uuid", "name": "string", "display_name": "string?", "description": "string?", "environments": "[string]: None: all", "scopes": "[string]",
    "quota": "#Quota?", "rate": "#Rate?"}');
SELECT devapp_internal.add_schema('Product', '{"access": "public|private|internal", "approval": "auto|manual", "created_at": "time"}', extends => 'ProductBase');
SELECT devapp_internal.add_schema('ProductDetail', '{"operations": "[#Operation]"}', extends => 'Product');
SELECT devapp_internal.add_schema('AppProduct', '{"proxies": "[string]", "operations": "[#Operation]", "status": "pending|approved|revoked"}', extends => 'ProductBase');
SELECT devapp_internal.add_schema('CredentialProduct', '{
    "asked_at": "time", "decided_by": "string?", "decided_at": "time?", "decision_note": "string?"}', extends => 'AppProduct');

SELECT devapp_internal.add_portal_list('/products', 'portal_list_products', 'Product');
SELECT devapp_internal.add_portal_route('GET', '/products/{product}', 'portal_get_product', '{"200": "#ProductDetail"}');
