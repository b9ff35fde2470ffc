-- The products that developers may ask for: with their rights, so the policy of the table
-- (row_security.sql) leaves them the public ones, and those that an app of theirs has asked for.

CREATE VIEW devapp.my_products WITH (security_invoker = true) AS
SELECT p.product_id, p.name AS product, p.display_name, p.description, p.access, p.approval, p.approval = 'manual' AS needs_approval,
       p.environments, p.scopes, p.quota_limit, p.quota_interval, p.quota_unit, p.rate_limit, p.created_at
  FROM devapp.product p
 WHERE p.deleted_at IS NULL
   AND (p.access = 'public' OR (SELECT devapp_internal.is_admin())
        OR EXISTS (SELECT FROM devapp.credential_product cp
                    JOIN devapp.credential c ON c.credential_id = cp.credential_id
                    JOIN devapp.app a ON a.app_id = c.app_id
                   WHERE cp.product_id = p.product_id AND cp.removed_at IS NULL AND cp.status <> 'revoked' AND a.deleted_at IS NULL));
COMMENT ON VIEW devapp.my_products IS 'Products that the current user can request: one row per product that is not deleted';
COMMENT ON COLUMN devapp.my_products.product_id IS 'Id of the product';
COMMENT ON COLUMN devapp.my_products.product IS 'Name of the product, as create_app and add_credential_product take it';
COMMENT ON COLUMN devapp.my_products.display_name IS 'Display name; null: none';
COMMENT ON COLUMN devapp.my_products.description IS 'What it offers; null: not given';
COMMENT ON COLUMN devapp.my_products.access IS 'public, private or internal';
COMMENT ON COLUMN devapp.my_products.approval IS 'auto or manual';
COMMENT ON COLUMN devapp.my_products.needs_approval IS 'Whether requests need approval, unless an approval rule or the approval mode decides otherwise';
COMMENT ON COLUMN devapp.my_products.environments IS 'Environments that it covers; empty: all';
COMMENT ON COLUMN devapp.my_products.scopes IS 'OAuth scopes that it offers';
COMMENT ON COLUMN devapp.my_products.quota_limit IS 'Allowed cost per window; null: no quota';
COMMENT ON COLUMN devapp.my_products.quota_interval IS 'Length of a window, in quota_unit';
COMMENT ON COLUMN devapp.my_products.quota_unit IS 'minute, hour, day, week or month';
COMMENT ON COLUMN devapp.my_products.rate_limit IS 'Calls per second; null: no limit';
COMMENT ON COLUMN devapp.my_products.created_at IS 'When the product was created';
SELECT devapp_internal.grant_to('devapp_internal.is_admin', 'admin', 'developer');
SELECT devapp_internal.grant_on('TABLE', 'devapp.my_products', 'SELECT', 'admin', 'developer');
