-- Apigee's management API: API products.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/data/apigee.sql'
\i :helpers
\set ECHO all

SELECT pg_temp.show_members('POST', '/apiproducts', '{"name": "zz-weather", "displayName": "Weather", "description": "of today", "approvalType": "manual", "environments": ["prod", "test"], "proxies": ["weather-v1"], "scopes": ["read", ""], "apiResources": ["/weather/**", "/"], "quota": "100", "quotaInterval": "2", "quotaTimeUnit": "hour", "attributes": [{"name": "access", "value": "private"}, {"name": "area", "value": "north"}]}');
-- with no more than a name, every call is allowed; numbers, and a quota as an operation has it
SELECT pg_temp.show('POST', '/apiproducts', '{"name": "zz-open"}');
SELECT pg_temp.show('POST', '/apiproducts', '{"name": "zz-quota", "quota": {"limit": 5, "interval": 1, "timeUnit": "minute"}, "environments": null, "scopes": [""]}');
-- operations with methods, proxies and quotas of their own are in an operationGroup
SELECT pg_temp.show_members('POST', '/apiproducts', '{"name": "zz-ops", "approvalType": "auto", "operationGroup": {"operationConfigType": "proxy", "operationConfigs": [
    {"apiSource": "maps", "operations": [{"resource": "/maps", "methods": ["get", "POST"]}, {"resource": "/maps/*"}], "quota": {"limit": "10", "interval": "1", "timeUnit": "day"}},
    {"operations": [{"resource": "/roads", "methods": []}]}]}}');
-- 201 changes nothing that 200 does not show
SELECT pg_temp.show('GET', '/apiproducts/zz-ops') = replace(pg_temp.show('GET', '/v1/o/x/apiproducts/zz%2Dops'), '"x"', '"acme"') AS same;

-- a change: members that are left out stay; lists and attributes are replaced
SELECT pg_temp.show_members('PUT', '/apiproducts/zz-weather', '{"name": "zz-weather", "description": null, "proxies": [], "attributes": [{"name": "area", "value": "south"}], "quota": null, "apiResources": ["/weather/*"]}');
SELECT pg_temp.show_members('POST', '/apiproducts/zz-weather', '{"approvalType": "auto", "attributes": [{"name": "access", "value": "internal"}], "apiResources": [], "quota": 7, "quotaInterval": 1, "quotaTimeUnit": "month"}');
-- a client that does not know operationGroup sends its empty apiResources back: the operations stay
SELECT pg_temp.show('PUT', '/apiproducts/zz-ops', '{"apiResources": []}') = pg_temp.show('GET', '/apiproducts/zz-ops') AS operations_stay;
-- one that gets another quota is the same operation, one that is not wanted any more goes
SELECT operation_id AS maps FROM devapp.product_operation o JOIN devapp.product p USING (product_id) WHERE p.name = 'zz-ops' AND o.resource::text = '/maps' \gset
SELECT a.body_text::jsonb -> 'operationGroup' FROM pg_temp.ask('PUT', '/apiproducts/zz-ops', '{"operationGroup": {"operationConfigs": [{"apiSource": "maps", "operations": [{"resource": "/maps", "methods": ["POST", "GET"]}], "quota": {"limit": "11", "interval": "1", "timeUnit": "day"}}]}}') AS a;
SELECT operation_id = :'maps' AS same FROM devapp.product_operation o JOIN devapp.product p USING (product_id) WHERE p.name = 'zz-ops';
-- the same resource for another proxy, and the one for the first gone
SELECT a.body_text::jsonb -> 'operationGroup' FROM pg_temp.ask('PUT', '/apiproducts/zz-ops', '{"operationGroup": {"operationConfigs": [{"apiSource": "roads", "operations": [{"resource": "/maps", "methods": ["POST", "GET"]}]}]}}') AS a;
SELECT a.body_text::jsonb - '{createdAt,lastModifiedAt}'::text[] FROM pg_temp.ask('PUT', '/apiproducts/zz-ops', '{"operationGroup": {"operationConfigs": []}, "apiResources": ["/a"]}') AS a;

-- lists
SELECT pg_temp.show('GET', '/apiproducts?startKey=zz-&count=2');
SELECT pg_temp.show('GET', '/apiproducts?startKey=zz-quota');
SELECT jsonb_path_query_array(a.body_text::jsonb, '$.apiProduct[*].quota') FROM pg_temp.ask('GET', '/apiproducts?expand=true&startKey=zz-quota') AS a;
SELECT pg_temp.show('GET', '/apiproducts?attributename=access&attributevalue=internal&startKey=zz');
SELECT pg_temp.refused('GET', '/apiproducts?count=-1');

-- attributes: access is one of them
SELECT pg_temp.show('GET', '/apiproducts/zz-open/attributes');
SELECT pg_temp.show('POST', '/apiproducts/zz-open/attributes/access', '{"name": "access", "value": "private"}');
SELECT pg_temp.show('POST', '/apiproducts/zz-open/attributes/tier', '{"name": "tier", "value": "gold"}');
SELECT pg_temp.show('PUT', '/apiproducts/zz-open/attributes', '{"attribute": [{"name": "team", "value": "a"}]}');
SELECT pg_temp.show('DELETE', '/apiproducts/zz-open/attributes/access');
SELECT pg_temp.show('GET', '/apiproducts/zz-open/attributes');
SELECT access, attributes FROM devapp.product WHERE name = 'zz-open';
SELECT pg_temp.refused('POST', '/apiproducts/zz-open/attributes/access', '{"name": "access", "value": "secret"}');

-- there already, not there, still in use
SELECT pg_temp.refused('POST', '/apiproducts', '{"name": "zz-open"}');
SELECT pg_temp.refused('GET', '/apiproducts/zz-gone');
SELECT pg_temp.refused('PUT', '/apiproducts/zz-gone', '{"description": "x"}');
SELECT pg_temp.refused('DELETE', '/apiproducts/zz-gone');
SELECT pg_temp.show('POST', '/developers', '{"email": "ada@apigee.example"}') LIKE '201 %' AS created;
SELECT pg_temp.show('POST', '/developers/ada@apigee.example/apps', '{"name": "zz-one", "apiProducts": ["zz-open"]}') LIKE '201 %' AS created;
SELECT pg_temp.refused('DELETE', '/apiproducts/zz-open');
-- names that devapp keeps for itself
SELECT pg_temp.refused('POST', '/apiproducts', '{"name": "devapp-mine"}');

-- what is malformed
SELECT pg_temp.refused('POST', '/apiproducts', '{"displayName": "no name"}');
SELECT pg_temp.refused('POST', '/apiproducts', '{"name": "zz-bad", "approvalType": "perhaps"}');
SELECT pg_temp.refused('POST', '/apiproducts', '{"name": "zz-bad", "environments": "prod"}');
SELECT pg_temp.refused('POST', '/apiproducts', '{"name": "zz-bad", "scopes": [1]}');
SELECT pg_temp.refused('POST', '/apiproducts', '{"name": "zz-bad", "quota": "many"}');
SELECT pg_temp.refused('POST', '/apiproducts', '{"name": "zz-bad", "quota": "0", "quotaInterval": "1", "quotaTimeUnit": "day"}');
SELECT pg_temp.refused('POST', '/apiproducts', '{"name": "zz-bad", "quota": "5", "quotaInterval": "1", "quotaTimeUnit": "decade"}');
SELECT pg_temp.refused('POST', '/apiproducts', '{"name": "zz-bad", "quota": "5", "quotaInterval": "99999999999", "quotaTimeUnit": "day"}');
SELECT pg_temp.refused('POST', '/apiproducts', '{"name": "zz-bad", "apiResources": ["weather"]}');
SELECT pg_temp.refused('POST', '/apiproducts', '{"name": "zz-bad", "attributes": [{"name": "access", "value": "secret"}]}');
SELECT pg_temp.refused('POST', '/apiproducts', '{"name": "zz-bad", "operationGroup": {"operationConfigs": [{"operations": [{"resource": "/a", "methods": ["G T"]}]}]}}');
SELECT pg_temp.refused('POST', '/apiproducts', '{"name": "zz-bad", "operationGroup": {"operationConfigs": [{"operations": [{"methods": ["GET"]}]}]}}');
-- a group of another form would be lost, and the product would cover every path
SELECT a.status FROM pg_temp.ask('POST', '/apiproducts', '{"name": "zz-safe", "operationGroup": {"operationConfigs": [{"operations": [{"resource": "/safe"}]}]}}') AS a;
SELECT g AS operation_group, pg_temp.refused('PUT', '/apiproducts/zz-safe', jsonb_build_object('operationGroup', g)::text)
  FROM unnest(ARRAY['"x"', 'true', '5', '{"operationConfigs": "x"}', '{"operationConfigs": [1]}', '{"operationConfig": [{"operations": [{"resource": "/a"}]}]}', '{"operationConfigType": "proxy"}',
                    '{"operationConfigs": [{"operation": [{"resource": "/a"}]}]}', '{"operationConfigs": [{"apiSource": "maps"}]}', '{"operationConfigs": [{"operations": []}]}',
                    '{"operationConfigs": [{"operations": ["/a"]}]}', '{"operationConfigs": [{"operations": [{"resource": "/a", "method": "GET"}]}]}',
                    '{"operationConfigs": [{"operations": [{"resource": "/a"}], "quota": "5"}]}']::jsonb[]) AS g;
SELECT o.resource FROM devapp.product_operation o JOIN devapp.product p USING (product_id) WHERE p.name = 'zz-safe';
SELECT i.kind, i.name, i.outcome, i.detail FROM devapp.import_apigee('{"apiProduct": [{"name": "zz-lost", "operationGroup": {"operationConfigs": [{"apiSource": "maps"}]}}]}') AS i;
-- null says that there is nothing
SELECT a.status, a.body_text::jsonb -> 'apiResources' AS resources FROM pg_temp.ask('POST', '/apiproducts', '{"name": "zz-null", "apiResources": null, "operationGroup": null}') AS a;
-- without these operations the product would be for every path
SELECT pg_temp.refused('POST', '/apiproducts', '{"name": "zz-bad", "graphqlOperationGroup": {"operationConfigs": [{"apiSource": "g", "operations": [{"operationTypes": ["QUERY"]}]}]}}');
SELECT pg_temp.refused('PUT', '/apiproducts/zz-open', '{"name": "zz-closed"}');
-- nothing of them has been made
SELECT name FROM devapp.product WHERE name IN ('zz-bad', 'zz-closed');

SELECT pg_temp.show('DELETE', '/developers/ada@apigee.example') LIKE '200 %' AS deleted;
SELECT pg_temp.show('DELETE', '/apiproducts/' || name) LIKE '200 %"name": "' || name || '"%' AS deleted FROM unnest('{zz-weather,zz-open,zz-quota,zz-ops}'::text[]) AS name;
SELECT pg_temp.refused('GET', '/apiproducts/zz-open');
SELECT pg_temp.dismiss() \g /dev/null
