-- Rules of the columns of an app's quotas (src/model/validate.c), and columns that are fixed.

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.app_quota FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_immutable('app_id', 'product_id', 'created_at');
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.app_quota FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_row('app_id:required', 'product_id:required',
                                      'quota_limit:positive_int8', 'quota_interval:positive_int4',
                                      'quota_unit:in? minute hour day week month never',
                                      'rate_limit:positive_float8', 'rate_burst:positive_int4',
                                      'note:description');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.app_quota
    EXECUTE FUNCTION devapp_internal.guard_delete('Use devapp.set_app_quota.');
