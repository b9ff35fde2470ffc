-- What tells the backends that something they remember has changed; see
-- src/table/invalidation.c and src/decide/cache.c.

-- The proxy relations: row types without columns, so that they have no files, and
-- in a schema of their own, so that they are in nobody's way.
CREATE SCHEMA devapp_cache;
REVOKE ALL ON SCHEMA devapp_cache FROM PUBLIC;
DO $$
DECLARE
    proxy text;
BEGIN
    FOR i IN 0 .. 255 LOOP
        proxy := 'proxy_' || lpad(to_hex(i), 2, '0');
        EXECUTE format('CREATE TYPE devapp_cache.%I AS ()', proxy);
        EXECUTE format('REVOKE ALL ON TYPE devapp_cache.%I FROM PUBLIC', proxy);
    END LOOP;
END
$$;

CREATE FUNCTION devapp_internal.invalidate_cache() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_invalidate_cache';

-- Nothing can depend on a developer, team, product, app or credential that is new.
CREATE TRIGGER invalidate_cache AFTER UPDATE OR DELETE ON devapp.developer FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.invalidate_cache('developer_id');
CREATE TRIGGER invalidate_cache AFTER UPDATE OR DELETE ON devapp.team FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.invalidate_cache('team_id');
CREATE TRIGGER invalidate_cache AFTER UPDATE OR DELETE ON devapp.product FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.invalidate_cache('product_id');
CREATE TRIGGER invalidate_cache AFTER UPDATE OR DELETE ON devapp.app FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.invalidate_cache('app_id');
CREATE TRIGGER invalidate_cache AFTER UPDATE OR DELETE ON devapp.credential FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.invalidate_cache('credential_id');
CREATE TRIGGER invalidate_cache AFTER INSERT OR UPDATE OR DELETE ON devapp.credential_secret FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.invalidate_cache('credential_id');
CREATE TRIGGER invalidate_cache AFTER INSERT OR UPDATE OR DELETE ON devapp.credential_product FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.invalidate_cache('credential_id');
CREATE TRIGGER invalidate_cache AFTER INSERT OR UPDATE OR DELETE ON devapp.app_quota FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.invalidate_cache('app_id');

-- A change of operations makes a new version of the product's row, in which nothing
-- differs: that is what a compiled product is told by, and it sets off the trigger
-- of the product.
CREATE FUNCTION devapp_internal.renew_product() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE devapp.product p SET name = p.name
     WHERE p.product_id IN (SELECT c.product_id FROM changed c);
    RETURN NULL;
END
$$;

CREATE TRIGGER renew_product_insert AFTER INSERT ON devapp.product_operation
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION devapp_internal.as_owner('renew_product');
CREATE TRIGGER renew_product_update AFTER UPDATE ON devapp.product_operation
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION devapp_internal.as_owner('renew_product');
CREATE TRIGGER renew_product_delete AFTER DELETE ON devapp.product_operation
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION devapp_internal.as_owner('renew_product');

-- Also under session_replication_role = replica, and where rows come by logical
-- replication.  That fires no statement triggers: product_operation must be
-- replicated together with product, whose renewed row comes along.
ALTER TABLE devapp.developer ENABLE ALWAYS TRIGGER invalidate_cache;
ALTER TABLE devapp.team ENABLE ALWAYS TRIGGER invalidate_cache;
ALTER TABLE devapp.product ENABLE ALWAYS TRIGGER invalidate_cache;
ALTER TABLE devapp.app ENABLE ALWAYS TRIGGER invalidate_cache;
ALTER TABLE devapp.credential ENABLE ALWAYS TRIGGER invalidate_cache;
ALTER TABLE devapp.credential_secret ENABLE ALWAYS TRIGGER invalidate_cache;
ALTER TABLE devapp.credential_product ENABLE ALWAYS TRIGGER invalidate_cache;
ALTER TABLE devapp.app_quota ENABLE ALWAYS TRIGGER invalidate_cache;
ALTER TABLE devapp.product_operation ENABLE ALWAYS TRIGGER renew_product_insert;
ALTER TABLE devapp.product_operation ENABLE ALWAYS TRIGGER renew_product_update;
ALTER TABLE devapp.product_operation ENABLE ALWAYS TRIGGER renew_product_delete;

-- The copies that verification reads, in the same transaction as the rows; always, as above.
-- Updates repeat this, for new tables.
DO $$
DECLARE
    packed text;
BEGIN
    FOREACH packed IN ARRAY '{developer,team,product,product_operation,app,app_quota,credential,credential_secret,credential_product}'::text[] LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = format('devapp.%I', packed)::regclass AND t.tgname = 'pack_row');
        EXECUTE format('CREATE TRIGGER pack_row AFTER INSERT OR UPDATE OR DELETE ON devapp.%I FOR EACH ROW EXECUTE FUNCTION devapp_internal.pack_row()', packed);
        EXECUTE format('CREATE TRIGGER repack_rows AFTER TRUNCATE ON devapp.%I EXECUTE FUNCTION devapp_internal.as_owner(''repack_rows'')', packed);
        EXECUTE format('ALTER TABLE devapp.%I ENABLE ALWAYS TRIGGER pack_row, ENABLE ALWAYS TRIGGER repack_rows', packed);
    END LOOP;
END
$$;
