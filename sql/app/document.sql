-- An app as one document, with everything about it that its reader may see: its products with
-- their operations, and its credentials (sql/credential/document.sql).

CREATE FUNCTION devapp_internal.owner_document(a devapp.app) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object('kind', 'developer', 'developer_id', d.developer_id, 'email', d.email,
                              'first_name', d.first_name, 'last_name', d.last_name, 'status', d.status)
      FROM devapp.developer d
     WHERE d.developer_id = a.developer_id
    UNION ALL
    SELECT jsonb_build_object('kind', 'team', 'team_id', t.team_id, 'name', t.name, 'display_name', t.display_name, 'status', t.status)
      FROM devapp.team t
     WHERE t.team_id = a.team_id
$$;

-- The products of those of its credentials that the reader sees, each once, as in
-- devapp_internal.app_product.
CREATE FUNCTION devapp_internal.app_products_document(app_id uuid) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(jsonb_agg(devapp_internal.product_document(p, app_products_document.app_id) || jsonb_build_object('status', x.status) ORDER BY p.name COLLATE "C"), '[]')
      FROM (SELECT s.product_id, min(s.status) AS status
              FROM devapp_internal.credential_asks s
              JOIN devapp_internal.visible_credentials(app_products_document.app_id) c ON c.credential_id = s.credential_id
             GROUP BY s.product_id) AS x
      JOIN devapp.product p ON p.product_id = x.product_id
$$;

CREATE FUNCTION devapp_internal.app_document(a devapp.app) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_internal.app_summary(a)
           || jsonb_build_object(
               'description', a.description,
               'decided_by', a.decided_by,
               'decided_at', a.decided_at,
               'decision_note', a.decision_note,
               'callback_urls', a.callback_urls,
               'scopes', a.scopes,
               'allowed_cidrs', a.allowed_cidrs,
               'app_family', a.app_family,
               'attributes', a.attributes,
               'created_at', a.created_at,
               'updated_at', a.updated_at,
               'deleted_at', a.deleted_at,
               'pending_products', jsonb_path_query_array(x.products, '$[*] ? (@.status == "pending").name'),
               'products', x.products,
               'credentials', (SELECT coalesce(jsonb_agg(devapp_internal.credential_document(c, false) ORDER BY c.issued_at, c.credential_id), '[]')
                                 FROM devapp_internal.visible_credentials(a.app_id) c))
      FROM (SELECT devapp_internal.app_products_document(a.app_id) AS products) AS x
$$;

CREATE FUNCTION devapp_internal.get_app(app devapp.app_ref) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_app uuid := devapp_internal.find_visible_app(app);
BEGIN
    RETURN (SELECT devapp_internal.app_document(a) FROM devapp.app a WHERE a.app_id = the_app);
END
$$;

CREATE FUNCTION devapp.get_app(app devapp.app_ref) RETURNS jsonb
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.get_app(devapp.app_ref) IS
    'An app as a JSON document with its owner, products and credentials, without secrets';
SELECT devapp_internal.grant_to('devapp.get_app', 'admin', 'developer');
