-- Which product answers for a request, and which comes closest.
\set SHOW_CONTEXT never
-- an app with a product that waits is approved
SELECT FROM devapp.set_app_approval('auto');

SELECT FROM devapp.create_developer('coverage@example.com');
SELECT FROM devapp.create_product('orders', environments => '{prod}', proxies => '{eu,us}');
SELECT FROM devapp.add_operation('orders', '/orders', '{GET,POST}');
SELECT FROM devapp.add_operation('orders', '/orders/{id}', '{GET}');
SELECT FROM devapp.add_operation('orders', '/orders/{id}', '{DELETE}', proxy => 'eu');
SELECT FROM devapp.add_operation('orders', '/orders/export', '{GET}', proxy => 'us');
SELECT FROM devapp.add_operation('orders', '/custom', '{PURGE,get}');
SELECT FROM devapp.create_product('everything');
SELECT FROM devapp.create_product('reports', environments => '{prod,test}');
SELECT FROM devapp.add_operation('reports', '/reports/**');
SELECT FROM devapp.add_operation('reports', '/orders', '{HEAD}');
SELECT * FROM devapp.create_app('coverage', developer => 'coverage@example.com', products => '{orders,reports}') \gset

CREATE FUNCTION pg_temp.ask(key text, resource text, method text DEFAULT NULL, environment text DEFAULT NULL, proxy text DEFAULT NULL) RETURNS text LANGUAGE sql AS
$$ SELECT concat_ws(' ', v.code, v.product) FROM devapp.verify_key(key, resource, method, environment, proxy) AS v $$;

SELECT resource, method, environment, proxy, pg_temp.ask(:'secret', resource, method, environment, proxy) FROM (VALUES
    -- the first whose operations cover the path, proxy and method, and whose environments cover
    ('/orders', 'GET', 'prod', 'eu'),
    ('/orders', 'HEAD', 'prod', NULL),
    ('/orders/1', 'GET', 'prod', 'us'),
    ('/orders/1', 'DELETE', 'prod', 'eu'),
    ('/orders/export', 'GET', 'prod', 'us'),
    ('/orders/export', 'GET', 'prod', 'eu'),
    ('/reports/a/b', 'PATCH', 'test', 'anything'),
    -- what is not asked is not checked
    (NULL, NULL, NULL, NULL),
    ('/orders', NULL, NULL, NULL),
    (NULL, 'DELETE', NULL, NULL),
    (NULL, 'HEAD', NULL, NULL),
    (NULL, NULL, 'test', NULL),
    (NULL, NULL, NULL, 'us'),
    -- methods: without regard to case, also those that are nobody's standard
    ('/orders', 'post', 'prod', NULL),
    ('/custom', 'PURGE', 'prod', NULL),
    ('/custom', 'purge', 'prod', NULL),
    ('/custom', 'GET', 'prod', NULL),
    ('/custom', 'PURG', 'prod', NULL),
    -- nothing matches the path
    ('/other', 'GET', 'prod', 'eu'),
    ('/orders/', 'GET', 'prod', 'eu'),
    -- the path, but not the method, or not the proxy
    ('/orders', 'PUT', 'prod', 'eu'),
    ('/orders/1', 'PUT', 'prod', 'eu'),
    ('/orders/1', 'DELETE', 'prod', 'us'),
    ('/orders/1', 'GET', 'prod', 'asia'),
    -- all but the environment is closer than that
    ('/orders', 'GET', 'test', 'eu'),
    ('/reports/x', 'GET', 'dev', NULL),
    -- the query string is no part of the path, an unsafe path is no path
    ('/orders?a=b/c', 'GET', 'prod', 'eu'),
    ('/orders/../orders', 'GET', 'prod', 'eu'),
    ('/reports/%2e%2e/orders', 'GET', 'prod', 'eu'),
    ('/reports/%2F', 'GET', 'prod', 'eu'),
    ('', NULL, NULL, NULL)
) AS t(resource, method, environment, proxy);

-- a product without operations covers every path, but no unsafe one
SELECT FROM devapp.add_credential_product(:'credential_id', 'everything');
SELECT pg_temp.ask(:'secret', '/anything/at/all', 'BREW', 'nowhere', 'anything'), pg_temp.ask(:'secret', '/a/../b'), pg_temp.ask(:'secret', ''), pg_temp.ask(:'secret', '/' || repeat('a', 9000));
SELECT FROM devapp.remove_credential_product(:'credential_id', 'everything');

-- the order is that of association: a product that is associated again comes last
SELECT FROM devapp.create_product('first');
SELECT FROM devapp.create_product('second');
SELECT * FROM devapp.create_app('order', developer => 'coverage@example.com', products => '{second,first}') \gset o_
SELECT pg_temp.ask(:'o_secret', '/x');
SELECT FROM devapp.remove_credential_product(:'o_credential_id', 'second');
SELECT pg_temp.ask(:'o_secret', '/x');
SELECT FROM devapp.add_credential_product(:'o_credential_id', 'second');
SELECT pg_temp.ask(:'o_secret', '/x');

-- an association that is not approved: it is the reason where it would cover
SELECT FROM devapp.create_product('later', approval => 'manual');
SELECT FROM devapp.add_operation('later', '/later/**', '{GET}');
SELECT FROM devapp.add_credential_product(:'credential_id', 'later');
SELECT pg_temp.ask(:'secret', '/later/x', 'GET'), pg_temp.ask(:'secret', '/later/x', 'PUT'), pg_temp.ask(:'secret', '/nothing'), pg_temp.ask(:'secret', '/orders', 'GET');
SELECT status FROM devapp.set_credential_product_status(:'credential_id', 'later', 'revoke', 'no');
SELECT pg_temp.ask(:'secret', '/later/x', 'GET');
-- or where there is no other
SELECT FROM devapp.set_credential_product_status(:'credential_id', 'orders', 'revoke');
SELECT pg_temp.ask(:'secret', '/orders', 'GET', 'prod'), pg_temp.ask(:'secret', '/orders', 'HEAD', 'prod'), pg_temp.ask(:'secret', '/orders', 'PUT', 'prod');
SELECT FROM devapp.set_credential_product_status(:'credential_id', 'reports', 'revoke');
SELECT pg_temp.ask(:'secret', '/nothing');
SELECT * FROM devapp.create_app('only pending', developer => 'coverage@example.com', products => '{later}') \gset l_
SELECT pg_temp.ask(:'l_secret', '/nothing'), pg_temp.ask(:'l_secret', '/later/x'), pg_temp.ask(:'l_secret', '/a/../b');

-- errors around associations
\set VERBOSITY sqlstate
SELECT devapp.add_credential_product(:'credential_id', 'later');
SELECT devapp.add_credential_product(:'credential_id', 'nothing');
SELECT devapp.add_credential_product(devapp.uuid_v7(), 'later');
SELECT devapp.remove_credential_product(:'credential_id', 'everything') IS NULL;
SELECT devapp.set_credential_product_status(:'credential_id', 'everything', 'approve') IS NULL;
SELECT devapp.set_credential_product_status(:'credential_id', 'later', 'reject') IS NULL;
SELECT devapp.set_credential_product_status(:'credential_id', 'later', 'revoke') IS NULL;
\set VERBOSITY default
SELECT status FROM devapp.set_credential_product_status(:'credential_id', 'later', 'approved');
-- a product that is in use stays
SELECT devapp.delete_product('later');
SELECT FROM devapp.set_app_approval('conditional');
