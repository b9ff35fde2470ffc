-- The kept document of the API is deleted when what it is made of changes.  This file comes last, after all of that.

CREATE TRIGGER forget_document AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON devapp_api.route FOR EACH STATEMENT
    EXECUTE FUNCTION devapp_internal.forget_document();
CREATE TRIGGER forget_document AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON devapp_internal.route_document FOR EACH STATEMENT
    EXECUTE FUNCTION devapp_internal.forget_document();
CREATE TRIGGER forget_document AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON devapp_internal.api_schema FOR EACH STATEMENT
    EXECUTE FUNCTION devapp_internal.forget_document();
SELECT FROM devapp_internal.openapi_kept_body();
