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
-- the root path, and nothing else: / alone would mean every path
SELECT * FROM pg_temp.operations('{"paths": {"/": {"get": {}}, "/a": {"get": {}}}}');
SELECT * FROM pg_temp.operations('{"servers": [{"url": "/v1"}], "paths": {"/": {"get": {}}}}');
-- templates that touch are one *, and a * in a path is no wildcard
SELECT * FROM pg_temp.operations('{"paths": {"/r/{a}{b}": {"get": {}}, "/s/{a}{b}.x/{c}": {"get": {}}, "/t/**": {"get": {}}, "/u*": {"get": {}}}}');
-- greedy templates, which are whole segments; those of other languages
SELECT * FROM pg_temp.operations('{"paths": {"/a/{p+}": {"get": {}}, "/b/{+p}/c": {"get": {}}, "/c/x{p+}": {"get": {}}, "/d/{p+}.x": {"get": {}}, "/e/{id:[0-9]+}": {"get": {}},
    "/f/{p*}": {"get": {}}, "/g/{p?}": {"get": {}}, "/h{.type}": {"get": {}}, "/i/{a/b}": {"get": {}}, "/j/{a": {"get": {}}, "/k/a}": {"get": {}}, "/l{?q,r}": {"get": {}}, "/m/{a}{&q}": {"get": {}}}}');
-- any method, alone or beside others, also in another spelling of the path
SELECT * FROM pg_temp.operations('{"paths": {"/a": {"x-amazon-apigateway-any-method": {}}, "/b": {"get": {}, "x-amazon-apigateway-any-method": {"servers": [{"url": "/v2"}]}},
    "/c": {"get": {}, "x-amazon-apigateway-any-method": {}, "x-amazon-apigateway-integration": {}}}}');
SELECT FROM devapp.create_product('any_method');
SELECT devapp.import_openapi('any_method', '{"openapi": "3.0.1", "paths": {"/r/{a}.x": {"get": {}}, "/r/{b}.x": {"x-amazon-apigateway-any-method": {}}}}');
SELECT resource, methods FROM devapp.product_operation o JOIN devapp.product p USING (product_id) WHERE p.name = 'any_method';
-- OpenAPI 3.2: QUERY and methods of any name
SELECT * FROM pg_temp.operations('{"paths": {"/a": {"query": {}, "additionalOperations": {"COPY": {}, "link": {}}}}}');
SELECT * FROM pg_temp.operations('{"paths": {"/a": {"additionalOperations": {"C D": {}, "MOVE": null, "LOCK": {}}}, "/b": {"get": {}, "additionalOperations": []}}}');
SELECT devapp.import_openapi('any_method', '{"openapi": "3.2.0", "paths": {"/q": {"query": {}}}}', replace => true);
-- other members are no methods
SELECT * FROM pg_temp.operations('{"paths": {"/a": {"get": {}, "POST": {}, "link": {}, "put": null, "delete": "x"}}}');
-- queries and fragments
SELECT * FROM pg_temp.operations('{"paths": {"/a?x=1": {"get": {}}, "/b#create": {"post": {}}, "/b": {"get": {}}, "/c/{d}#e{f}?": {"get": {}}, "/g?h#i": {"get": {}}}}');
-- other letters than ASCII's, blanks, percent-encoding
SELECT * FROM pg_temp.operations('{"paths": {"/caf\u00e9/{n\u00e9}": {"get": {}}, "/a b": {"get": {}}, "/c%2Cd%61": {"get": {}}}}');
-- what no request can reach
SELECT * FROM pg_temp.operations('{"paths": {"/a/../b": {"get": {}}, "/./a": {"get": {}}, "/a\\b": {"get": {}}, "/a%2fb": {"get": {}}, "/a\nb": {"get": {}}, "/ok": {"get": {}}}}');
SELECT * FROM pg_temp.operations(format('{"paths": {"/%s": {"get": {}}}}', repeat('a', 1024))::jsonb);
-- servers: relative, with dots, with slashes from variables, with other values of a variable
SELECT * FROM pg_temp.operations('{"servers": [{"url": "./v1"}, {"url": "../v2/"}, {"url": "."}, {"url": "https://h/a/./b/../c"}, {"url": "https://h/%2e%2E/d"}], "paths": {"/x": {"get": {}}}}');
SELECT * FROM pg_temp.operations('{"servers": [{"url": "https://h/{basePath}", "variables": {"basePath": {"default": "/prod"}}}], "paths": {"/x": {"get": {}}}}');
SELECT * FROM pg_temp.operations('{"servers": [{"url": "{scheme}://{host}/{v}", "variables": {"scheme": {"default": "https", "enum": ["http", "https"]}, "host": {"default": "h", "enum": ["h", "i"]},
    "v": {"default": "v1", "enum": ["v1", "v2", "v3"]}, "w": {"default": "1", "enum": ["1", "2"]}}}], "paths": {"/x": {"get": {}}}}');
SELECT * FROM pg_temp.operations('{"servers": [{"url": "https://h/a*b"}], "paths": {"/x": {"get": {}}, "/{y}": {"get": {}}}}');
-- a variable is replaced once, so none can grow with each of the others
SELECT * FROM pg_temp.operations('{"servers": [{"url": "https://{b}{a}", "variables": {"a": {"default": "/{b}{b}"}, "b": {"default": "{a}{a}"}}}], "paths": {"/x": {"get": {}}}}');
SELECT * FROM pg_temp.operations('{"servers": [{"url": "https://{a}/v", "variables": {"a": {"default": "{a}{a}"}}}], "paths": {"/x": {"get": {}}}}');
SELECT * FROM pg_temp.operations(jsonb_build_object('servers', jsonb_build_array(jsonb_build_object('url', 'https://h/' || repeat('{a}', 1000),
    'variables', jsonb_build_object('a', jsonb_build_object('default', repeat('a', 1000000))))), 'paths', '{"/x": {"get": {}}}'::jsonb));
SELECT * FROM pg_temp.operations(jsonb_build_object('servers', jsonb_build_array(jsonb_build_object('url', 'https://h/' || repeat('{a}', 1000000),
    'variables', '{"a": {"default": ""}}'::jsonb)), 'paths', '{"/x": {"get": {}}}'::jsonb));
SELECT * FROM pg_temp.operations(jsonb_build_object('servers', jsonb_build_array(jsonb_build_object('url', 'https://h/' || repeat('{a}', 101),
    'variables', '{"a": {"default": "b"}}'::jsonb)), 'paths', '{"/x": {"get": {}}}'::jsonb));
SELECT resource = '/' || repeat('b', 100) || '/x' AS all_replaced FROM pg_temp.operations(jsonb_build_object('servers', jsonb_build_array(jsonb_build_object('url', 'https://h/' || repeat('{a}', 100),
    'variables', '{"a": {"default": "b"}}'::jsonb)), 'paths', '{"/x": {"get": {}}}'::jsonb));
SELECT * FROM pg_temp.operations('{"servers": [{"url": "https://h/{undeclared}"}], "paths": {"/x": {"get": {}}}}');
SELECT * FROM pg_temp.operations('{"servers": [{"url": "localhost:8080/v1"}], "paths": {"/x": {"get": {}}}}');
SELECT * FROM pg_temp.operations('{"servers": {"url": "/v1"}, "paths": {"/x": {"get": {}}}}');
-- references into the document, with escapes, percent-encoded, and with members beside them
SELECT * FROM pg_temp.operations('{"components": {"pathItems": {"p~q/r": {"get": {}}, "caf\u00e9 1": {"put": {}}, "b": {"$ref": "#/components/pathItems/p~0q~1r", "post": {}}}},
    "paths": {"/a": {"$ref": "#/components/pathItems/p%7e0q%7E1r"}, "/b": {"$ref": "#/components/pathItems/caf%C3%A9%201"}, "/c": {"$ref": "#/components/pathItems/b", "patch": {}},
              "/d/{e}": {"head": {}}, "/f": {"$ref": "#/paths/~1d~1%7Be%7D"}}}');
SELECT * FROM pg_temp.operations('{"paths": {"/a": {"$ref": "#/paths/%FF"}}}');
SELECT * FROM pg_temp.operations('{"components": {"pathItems": {"p~q/r": {"get": {}}}}, "paths": {"/a": {"$ref": "#/components/pathItems/p~0q~1r"}}}');

-- GET / passes, and nothing else does
SELECT FROM devapp.create_developer('root@example.com');
SELECT FROM devapp.create_product('root');
SELECT devapp.import_openapi('root', '{"openapi": "3.1.0", "paths": {"/": {"get": {}}, "/caf\u00e9/{p+}": {"get": {}}}}');
SELECT app_id, secret AS root_key FROM devapp.create_app('root', developer => 'root@example.com', products => '{root}') \gset
SELECT resource, method, (devapp.verify_key(:'root_key', resource, method)).code
  FROM (VALUES ('/', 'GET'), ('/?page=2', 'GET'), ('/', 'POST'), ('', 'GET'), ('//', 'GET'), ('/a', 'GET'), ('/%2f', 'GET'), ('/%', 'GET'), ('=/', 'GET'),
               ('/caf%C3%A9/a/b', 'GET'), ('/caf%c3%a9/a', 'GET'), ('/caf%C3%A9/', 'GET'),
               ('/caf%C3%A9/..;/admin', 'GET'), ('/caf%C3%A9/..%5cadmin', 'GET'), ('/caf%C3%A9/%c0%ae%c0%ae/admin', 'GET'), ('/caf%C3%A9/a#', 'GET')) AS r(resource, method);
SELECT DISTINCT code, detail FROM devapp.explain_access(:'app_id', '/caf%C3%A9/..;/admin', 'GET') WHERE rule = 'resource';

-- the most specific operation answers: exact paths first, and ** or {p+} after *
SELECT devapp.import_openapi('root', '{"openapi": "3.1.0", "paths": {"/": {"get": {}}, "/{p+}": {"get": {}}, "/a/{p+}": {"get": {}}, "/a/{x}": {"get": {}}, "/a/*": {"get": {}}}}', replace => true);
SELECT FROM devapp.add_operation('root', '/');
SELECT path, detail FROM unnest('{/,/b/c,/a/b/c,/a/b,/a/*,/a/%2A,""}'::text[]) WITH ORDINALITY AS r(path, n),
       devapp.explain_access(:'app_id', path, 'GET') AS x WHERE rule = 'verdict' ORDER BY n;

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
SELECT devapp.import_openapi('openapi', '{"openapi": "3.1.0", "servers": [{}], "paths": {"/a": {"get": {}}}}');
SELECT devapp.import_openapi('openapi', '{"openapi": "3.1.0", "servers": [{"url": "/{v}", "variables": {"v": {}}}], "paths": {"/a": {"get": {}}}}');
SELECT devapp.import_openapi('openapi', '{"openapi": "3.1.0", "paths": {"/a\nb": {"get": {}}}}');
-- a refused document changed nothing
SELECT resource, methods FROM devapp.product_operation o JOIN devapp.product p USING (product_id) WHERE p.name = 'openapi';
