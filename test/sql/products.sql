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

-- methods are tokens of HTTP, scopes are printable, without quotes and backslashes
CREATE FUNCTION pg_temp.said(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RAISE EXCEPTION 'accepted';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLERRM;
END
$$;
SELECT left(m, 20) AS m, length(m), pg_temp.said(format('SELECT devapp.add_operation(%L, %L, ARRAY[%L])', 'products-a', '/m', m))
  FROM unnest(ARRAY['M-SEARCH', '!#$%&''*+-.^_`|~09AZ', repeat('M', 64), repeat('M', 65), 'A@B', 'A[B', 'A:B', 'A/B', 'É']) AS m;
SELECT left(s, 8) AS s, length(s), pg_temp.said(format('SELECT devapp.create_product(%L, scopes => ARRAY[%L])', 'products-s', s))
  FROM unnest(ARRAY['!#[]^~', repeat('s', 255), repeat('s', 256), '', ' ', 'a"b', 'a\b', E'a\x7f', 'é']) AS s;
-- lists have an end, and no more than one dimension
SELECT pg_temp.said('SELECT devapp.create_product(''products-s'', scopes => ARRAY(SELECT ''s'' || n FROM generate_series(1, 1000) AS n))'),
       pg_temp.said('SELECT devapp.create_product(''products-s'', scopes => ARRAY(SELECT ''s'' || n FROM generate_series(1, 1001) AS n))'),
       pg_temp.said('SELECT devapp.create_product(''products-s'', scopes => ''{{a},{b}}'')');
-- control characters and white space of Unicode
SELECT i, pg_temp.said(format('SELECT devapp.create_product(%L)', name)) FROM unnest(ARRAY[
    E'a\u0085b', E'a\x7f', E'a\u00A9b', E'\u00A0', E'\u2003\u200B\u3000 ', E'\u2013', E'\u00E9']) WITH ORDINALITY AS u(name, i);
SELECT i, pg_temp.said(format('SELECT devapp.create_product(%L, %L, description => %L)', 'products-s', 'S', text)) FROM unnest(ARRAY[
    E'a\tb\r\nc', E'a\x7f', E'a\u009F']) WITH ORDINALITY AS u(text, i);
SELECT r, pg_temp.said(format('SELECT devapp.create_product(%L, rate_limit => %L)', 'products-s', r)) FROM unnest('{NaN,Infinity,1e9,1.1e9,-1,1e-300}'::text[]) AS r;

-- deleting
SELECT deleted_at IS NOT NULL AS deleted FROM devapp.delete_product('products-a');
SELECT devapp.update_product('products-a');
SELECT name FROM devapp.create_product('products-a');
DELETE FROM devapp.product;
TRUNCATE devapp.product_operation;
