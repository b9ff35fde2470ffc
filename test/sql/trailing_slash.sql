-- A slash at the end of a path: another path, or the same, as the product says.
\set SHOW_CONTEXT never
-- an app with a product that waits is approved
SELECT FROM devapp.set_app_approval('auto');
SELECT FROM devapp.create_developer('slash@example.com');
SELECT trailing_slash FROM devapp.create_product('slash-strict');
SELECT trailing_slash FROM devapp.create_product('slash-optional', trailing_slash => 'optional');
SELECT FROM devapp.create_product('slash-pending', trailing_slash => 'optional', approval => 'manual');
SELECT count(devapp.add_operation(p, o.resource, o.methods)) FROM unnest('{slash-strict,slash-optional}'::text[]) AS p,
       (VALUES ('/a', '{GET}'::text[]), ('/b/', '{GET}'), ('/c/*', '{GET}'), ('/d/**', '{GET}'), ('=/e', '{GET}'), ('/f', '{GET}'), ('/f/', '{PUT}')) AS o(resource, methods);
SELECT FROM devapp.add_operation('slash-pending', '/g/');
SELECT secret AS strict FROM devapp.create_app('slash-strict', developer => 'slash@example.com', products => '{slash-strict}') \gset
SELECT app_id AS app, secret AS optional FROM devapp.create_app('slash-optional', developer => 'slash@example.com', products => '{slash-optional,slash-pending}') \gset
SELECT p.path, m AS method, s.code AS strict, o.code AS optional
  FROM unnest('{/a,/a/,/a//,/b,/b/,/c,/c/,/c/1,/c/1/,/d,/d/,/d/1/,/e,/e/,/f,/f/,/g,/,"",?x,/a/?x=/}'::text[]) WITH ORDINALITY AS p(path, n), unnest('{GET,PUT}'::text[]) AS m,
       devapp.verify_key(:'strict', p.path, m) AS s, devapp.verify_key(:'optional', p.path, m) AS o
 WHERE m = 'GET' OR p.path ~ '^/[af]' ORDER BY p.n, m;
-- paths that are refused are refused with either ending
SELECT p, v.code FROM unnest('{/d/..,/d/../,/d/.,/d/%2e/}'::text[]) AS p, devapp.verify_key(:'optional', p, 'GET') AS v;
-- the longest path there is
SELECT v.code FROM unnest(ARRAY['/d/' || repeat('x', 8189), '/c/' || repeat('x', 8189), '/c/' || repeat('x', 8188) || '/', '/d/' || repeat('x', 8190)]) AS p, devapp.verify_key(:'optional', p, 'GET') AS v;
-- the operation that answers, and what the others say
SELECT rule, passed, detail FROM devapp.explain_access(:'app', '/b', 'GET') WHERE product = 'slash-optional' AND rule IN ('resource', 'method', 'verdict') ORDER BY step;
SELECT code, product FROM devapp.access_at(:'app', '/b', 'GET');
SELECT code, product FROM devapp.access_at(:'app', '/c/1/', 'GET');
-- it counts from the next call on
SELECT trailing_slash FROM devapp.update_product('slash-optional', trailing_slash => 'strict');
SELECT code FROM devapp.verify_key(:'optional', '/b', 'GET');
SELECT trailing_slash FROM devapp.update_product('slash-optional', description => 'x');
SELECT FROM devapp.update_product('slash-optional', trailing_slash => 'lenient');
SELECT FROM devapp.create_product('slash-other', trailing_slash => '');
SELECT FROM devapp.set_app_approval('conditional');
