-- Rules of the columns of products and operations (src/model/validate.c), columns that
-- are fixed, and rows that stay.

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.product FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_immutable('product_id', 'name', 'created_at');
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.product FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_row('name:name', 'display_name:text', 'description:about',
                                      'approval:in auto manual', 'access:in public private internal',
                                      'environments:environments', 'proxies:names', 'scopes:scopes',
                                      'quota_limit:positive_int8', 'quota_interval:positive_int4',
                                      'quota_unit:in? minute hour day week month never',
                                      'quota_enforcement:in soft hard', 'time_zone:time_zone',
                                      'trailing_slash:in strict optional',
                                      'rate_limit:positive_float8', 'rate_burst:positive_int4',
                                      'attributes:attributes');
CREATE TRIGGER guard_deletion BEFORE UPDATE OF deleted_at ON devapp.product FOR EACH ROW
    WHEN (OLD.deleted_at IS DISTINCT FROM NEW.deleted_at)
    EXECUTE FUNCTION devapp_internal.as_owner('guard_deletion');
CREATE TRIGGER guard_delete BEFORE DELETE ON devapp.product
    EXECUTE FUNCTION devapp_internal.guard_delete('Use devapp.delete_product.');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.product
    EXECUTE FUNCTION devapp_internal.guard_delete('Use devapp.delete_product.');

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.product_operation FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_immutable('operation_id', 'product_id', 'created_at');
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.product_operation FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_row('resource:no_key', 'methods:methods', 'proxy:identifier',
                                      'quota_limit:positive_int8', 'quota_interval:positive_int4',
                                      'quota_unit:in? minute hour day week month never');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.product_operation
    EXECUTE FUNCTION devapp_internal.guard_delete('Use devapp.remove_operation; a product without operations covers every path.');
