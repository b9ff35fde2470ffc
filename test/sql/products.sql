-- Products and their operations.
\set SHOW_CONTEXT never

SELECT name, display_name, approval, access, environments, proxies, scopes, quota_limit, quota_interval, quota_unit, quota_enforcement, rate_limit, rate_burst
  FROM devapp.create_product('products-a', 'A', quota_limit => 1000, quota_unit => 'day', rate_limit => 2.5, scopes => '{read,write:all}');
SELECT approval, access, environments, quota_limit, rate_limit FROM devapp.create_product('products-b', approval => 'manual', access => 'private', environments => '{prod,eu-1}');

-- bad input
SELECT devapp.create_product('products-a');
SELECT devapp.create_product('');
SELECT devapp.create_product(NULL);
SELECT devapp.create_product(repeat('n', 256));
SELECT devapp.create_product('products-x', approval => 'maybe');
SELECT devapp.create_product('products-x', access => 'secret');
SELECT devapp.create_product('products-x', environments => '{prod,prod}');
SELECT devapp.create_product('products-x', environments => '{prod,NULL}');
SELECT devapp.create_product('products-x', environments => '{{prod},{test}}');
SELECT devapp.create_product('products-x', environments => ARRAY['']);
SELECT devapp.create_product('products-x', scopes => '{"two words"}');
SELECT devapp.create_product('products-x', quota_limit => 10);
SELECT devapp.create_product('products-x', quota_unit => 'day');
SELECT devapp.create_product('products-x', quota_limit => 0, quota_unit => 'day');
SELECT devapp.create_product('products-x', quota_limit => -1, quota_unit => 'day');
SELECT devapp.create_product('products-x', quota_limit => 1, quota_interval => 0, quota_unit => 'day');
SELECT devapp.create_product('products-x', quota_limit => 1, quota_unit => 'fortnight');
SELECT devapp.create_product('products-x', rate_limit => 'NaN');
SELECT devapp.create_product('products-x', rate_limit => -1);
SELECT devapp.create_product('products-x', rate_limit => 2e9);
SELECT devapp.create_product('products-x', rate_burst => 5);
SELECT devapp.create_product('products-x', quota_interval => 5);
SELECT devapp.create_product(U&'\00A0\2003\200B');
SELECT devapp.create_product('products-x', attributes => '{"a": 1}');
SELECT count(*) FROM devapp.product WHERE name = 'products-x';

-- what is left out stays, '' and '{}' clear, a limit of 0 takes the limit away
SELECT display_name, scopes, quota_limit, quota_interval, quota_unit, rate_limit, rate_burst FROM devapp.update_product('products-a', display_name => '', quota_interval => 2);
SELECT scopes, quota_limit, quota_interval, quota_unit, rate_limit, rate_burst FROM devapp.update_product('products-a', quota_limit => 0, rate_limit => 0, scopes => '{}');
SELECT quota_limit, quota_interval, quota_unit FROM devapp.update_product('products-a', quota_limit => 5, quota_unit => 'minute');
SELECT quota_limit, quota_interval, quota_unit FROM devapp.update_product('products-a', quota_unit => '');
SELECT quota_enforcement FROM devapp.update_product('products-a', quota_enforcement => 'hard');
SELECT quota_enforcement FROM devapp.update_product('products-a', display_name => 'A');
SELECT devapp.update_product('products-a', quota_enforcement => 'firm');
SELECT quota_enforcement FROM devapp.update_product('products-a', quota_enforcement => 'soft');
SELECT devapp.update_product('products-b', quota_limit => 5);
SELECT devapp.update_product('products-b', quota_interval => 5);
SELECT devapp.update_product('products-b', rate_burst => 5);
SELECT devapp.update_product('products-a', approval => 'maybe');
SELECT devapp.update_product('products-zzz');
UPDATE devapp.product SET name = 'other' WHERE name = 'products-a';

-- operations
SELECT resource, methods, proxy, quota_limit FROM devapp.add_operation('products-a', '/v1/orders', '{post,GET,get}');
SELECT resource, methods FROM devapp.add_operation('products-a', '/v1/orders/{id}');
SELECT resource, proxy, quota_limit, quota_interval, quota_unit FROM devapp.add_operation('products-a', '/v1/orders/{id}', proxy => 'eu', quota_limit => 5, quota_unit => 'minute');
SELECT devapp.add_operation('products-a', '/v1/orders', '{GET,POST}');
SELECT devapp.add_operation('products-a', '/v1/orders/{id}');
SELECT devapp.add_operation('products-a', 'v1/orders');
SELECT devapp.add_operation('products-a', NULL);
SELECT devapp.add_operation('products-a', '/x', '{"GET POST"}');
SELECT devapp.add_operation('products-a', '/x', '{""}');
SELECT devapp.add_operation('products-a', '/x', proxy => '');
SELECT devapp.add_operation('products-a', '/x', quota_limit => 3);
SELECT devapp.add_operation('nothing', '/x');
SELECT resource, methods, proxy FROM devapp.product_operation ORDER BY operation_id;
SELECT devapp.remove_operation('products-a', '/v1/orders', '{get}');
SELECT devapp.remove_operation('products-a', '/v1/orders', '{get,post}');
SELECT devapp.remove_operation('products-a', '/v1/orders/{id}');
SELECT devapp.remove_operation('products-a', '/v1/orders/{id}');

-- deleting
SELECT deleted_at IS NOT NULL AS deleted FROM devapp.delete_product('products-a');
SELECT devapp.update_product('products-a');
SELECT name FROM devapp.create_product('products-a');
DELETE FROM devapp.product;
TRUNCATE devapp.product_operation;
