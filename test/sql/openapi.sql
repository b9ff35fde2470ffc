-- Operations from OpenAPI documents.
\set SHOW_CONTEXT never
\set doc `cat data/payments-api.json 2>/dev/null || cat test/data/payments-api.json`

-- a whole, realistic document: 22 paths, under two servers with the same base path
SELECT FROM devapp.create_product('payments');
SELECT devapp.import_openapi('payments', :'doc');
SELECT resource, methods FROM devapp.product_operation o JOIN devapp.product p USING (product_id) WHERE p.name = 'payments' ORDER BY resource COLLATE "C";
SELECT sum(cardinality(methods)) FROM devapp.product_operation o JOIN devapp.product p USING (product_id) WHERE p.name = 'payments';
-- again: nothing new
SELECT devapp.import_openapi('payments', :'doc');
SELECT count(*) FROM devapp.product_operation o JOIN devapp.product p USING (product_id) WHERE p.name = 'payments';

-- a newer version of a path takes the place of the older, hand-made operations stay
SELECT FROM devapp.create_product('openapi');
SELECT FROM devapp.add_operation('openapi', '/mine');
SELECT FROM devapp.add_operation('openapi', '/a', '{GET}', quota_limit => 10, quota_unit => 'day');
SELECT devapp.import_openapi('openapi', '{"openapi": "3.0.3", "paths": {"/a": {"get": {}}, "/b": {"get": {}}}}');
SELECT devapp.import_openapi('openapi', '{"openapi": "3.1.0", "paths": {"/b": {"get": {}, "post": {}}}}');
SELECT resource, methods, o.quota_limit FROM devapp.product_operation o JOIN devapp.product p USING (product_id) WHERE p.name = 'openapi' ORDER BY resource COLLATE "C", methods;
-- replace: the document and nothing else
SELECT devapp.import_openapi('openapi', '{"openapi": "3.1.0", "paths": {"/b": {"get": {}, "post": {}}}}', replace => true);
SELECT resource, methods FROM devapp.product_operation o JOIN devapp.product p USING (product_id) WHERE p.name = 'openapi';

-- base paths: variables, relative URLs, several servers, servers of a path and of an operation
CREATE FUNCTION pg_temp.operations(spec jsonb) RETURNS TABLE (resource text, methods text[]) LANGUAGE sql AS
$$ SELECT resource, methods FROM devapp_internal.openapi_operations(spec) ORDER BY resource COLLATE "C" $$;
SELECT * FROM pg_temp.operations('{"servers": [{"url": "https://{host}/{v}/", "variables": {"host": {"default": "x"}, "v": {"default": "v9"}}}, {"url": "/rel"}, {"url": "rel2/"}, {"url": "http://h"}, {"url": "//h/p?q#f"}],
    "paths": {"/a": {"get": {}}}}');
SELECT * FROM pg_temp.operations('{"servers": [{"url": "/doc"}],
    "paths": {"/a": {"servers": [{"url": "/path"}], "get": {}, "post": {"servers": [{"url": "/op"}]}}, "/b": {"get": {}}}}');
-- templates: as a whole segment, or as a part of one; methods only; extensions are no paths
SELECT * FROM pg_temp.operations('{"paths": {"/a/{b}/c{d}e/{f}.{g}": {"parameters": [], "summary": "s", "get": {}, "head": {}, "trace": {}}, "/h": {"description": "none"}, "x-note": {"get": {}}}}');
-- the root path is no pattern: / alone means every path
SELECT * FROM pg_temp.operations('{"paths": {"/": {"get": {}}, "/a": {"get": {}}}}');
SELECT * FROM pg_temp.operations('{"servers": [{"url": "/v1"}], "paths": {"/": {"get": {}}}}');
-- templates that touch are one *, and a * in a path would be a wildcard
SELECT * FROM pg_temp.operations('{"paths": {"/r/{a}{b}": {"get": {}}, "/s/{a}{b}.x/{c}": {"get": {}}, "/t/**": {"get": {}}, "/u*": {"get": {}}}}');
-- references into the document, with escapes
SELECT * FROM pg_temp.operations('{"components": {"pathItems": {"p~q/r": {"get": {}}}}, "paths": {"/a": {"$ref": "#/components/pathItems/p~0q~1r"}}}');

-- what is no document, or none to use
SELECT devapp.import_openapi('nothing', '{}');
SELECT devapp.import_openapi('openapi', NULL);
SELECT devapp.import_openapi('openapi', '[]');
SELECT devapp.import_openapi('openapi', '{}');
SELECT devapp.import_openapi('openapi', '{"swagger": "2.0", "paths": {"/a": {"get": {}}}}');
SELECT devapp.import_openapi('openapi', '{"openapi": "4.0.0", "paths": {"/a": {"get": {}}}}');
SELECT devapp.import_openapi('openapi', '{"openapi": 3.1, "paths": {"/a": {"get": {}}}}');
SELECT devapp.import_openapi('openapi', '{"openapi": "3.1.0"}');
SELECT devapp.import_openapi('openapi', '{"openapi": "3.1.0", "paths": {}}');
SELECT devapp.import_openapi('openapi', '{"openapi": "3.1.0", "paths": []}');
SELECT devapp.import_openapi('openapi', '{"openapi": "3.1.0", "paths": {"/a": {}}}');
SELECT devapp.import_openapi('openapi', '{"openapi": "3.1.0", "paths": {"a": {"get": {}}}}');
SELECT devapp.import_openapi('openapi', '{"openapi": "3.1.0", "paths": {"/a": "b"}}');
SELECT devapp.import_openapi('openapi', '{"openapi": "3.1.0", "paths": {"/a": {"$ref": "other.json#/a"}}}');
SELECT devapp.import_openapi('openapi', '{"openapi": "3.1.0", "paths": {"/a": {"$ref": "#/nowhere"}}}');
SELECT devapp.import_openapi('openapi', '{"openapi": "3.1.0", "paths": {"/a": {"$ref": "#/paths/~1a"}}}');
SELECT devapp.import_openapi('openapi', '{"openapi": "3.1.0", "servers": [{"url": "/a/**"}], "paths": {"/a": {"get": {}}}}');
SELECT devapp.import_openapi('openapi', '{"openapi": "3.1.0", "servers": [{}], "paths": {"/a": {"get": {}}}}');
SELECT devapp.import_openapi('openapi', '{"openapi": "3.1.0", "servers": [{"url": "/{v}", "variables": {"v": {}}}], "paths": {"/a": {"get": {}}}}');
SELECT devapp.import_openapi('openapi', '{"openapi": "3.1.0", "paths": {"/a\nb": {"get": {}}}}');
-- a refused document changed nothing
SELECT resource, methods FROM devapp.product_operation o JOIN devapp.product p USING (product_id) WHERE p.name = 'openapi';
