-- Environments: one rule for products and credentials, what of it stands in a key, and no
-- credential for an environment that none of its products has.
\set SHOW_CONTEXT never
SELECT FROM devapp.create_developer('environments@example.com');

-- what is an environment and what is not, of a product and of a credential
CREATE TEMP TABLE name (n serial, given text, good boolean);
INSERT INTO name (given, good) VALUES ('p', true), ('0', true), ('eu-1', true), ('eu--', true), ('a' || repeat('-', 31), true), (repeat('z', 32), true), (repeat('z', 33), false),
    ('', false), ('-eu', false), ('Prod', false), ('eu_1', false), ('eu 1', false), (' eu', false), ('eu.1', false), ('eü', false), ('(other)', false), (E'eu\n', false);
CREATE FUNCTION pg_temp.refusal(sql text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE sql;
    RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT n.good, made.answer <> 'accepted' OR n.good AS product, issued.answer <> 'accepted' OR n.good AS credential, inserted.answer <> 'accepted' OR n.good AS direct, count(*)
  FROM name n
 CROSS JOIN LATERAL pg_temp.refusal(format('SELECT devapp.create_product(%L, environments => ARRAY[%L])', 'environments-' || n.n, n.given)) AS made(answer)
 CROSS JOIN LATERAL pg_temp.refusal(format('SELECT devapp.create_app(%L, developer => %L, environment => %L)', 'environments-' || n.n, 'environments@example.com', n.given)) AS issued(answer)
 CROSS JOIN LATERAL pg_temp.refusal(format('INSERT INTO devapp.credential (app_id, consumer_key, environment) SELECT app_id, %L, %L FROM devapp.app WHERE name = %L', 'dvk_live_env' || lpad(n.n::text, 9, '0'), n.given, 'environments-1')) AS inserted(answer)
 GROUP BY 1, 2, 3, 4 ORDER BY 1;
SELECT (SELECT count(*) FROM devapp.product WHERE name LIKE 'environments-%') AS products, (SELECT count(*) FROM devapp.app WHERE name LIKE 'environments-%') AS apps,
       (SELECT count(*) FROM name WHERE good) AS good;
SELECT FROM devapp.update_product('environments-1', environments => '{prod,Test}');
SELECT FROM devapp.create_app('environments-x', developer => 'environments@example.com', environment => 'EU');
SELECT DISTINCT answer FROM name, pg_temp.refusal(format('SELECT devapp.create_product(%L, environments => ARRAY[%L])', 'environments-x', given)) AS answer WHERE given IN ('', E'eu\n') ORDER BY 1;

-- the key shows it without '-', cut; the environment that is stored counts
SELECT FROM devapp.create_product('environments', environments => '{eu-central-production-1,eu-central-production-2,eu-1,eu1}');
CREATE TEMP TABLE made AS
SELECT e, c.* FROM unnest('{eu-central-production-1,eu-central-production-2,eu-1,eu1}'::text[]) WITH ORDINALITY AS x(e, n),
       devapp.create_app('environments-app-' || n, developer => 'environments@example.com', products => '{environments}', environment => e) AS c;
SELECT e, (devapp.key_info(consumer_key)).environment AS label, environment = e AS stored FROM made ORDER BY e;
SELECT m.e, a.e AS asked, code FROM made m, made a, devapp.verify_key(m.secret, environment => a.e) WHERE m.e LIKE 'eu-central%' AND a.e LIKE 'eu-central%' ORDER BY 1, 2;
SELECT code FROM made, devapp.verify_key(secret, environment => 'eu1') WHERE e = 'eu-1';

-- a credential is for an environment of one of its products
SELECT FROM devapp.create_product('environments-test', environments => '{test}');
SELECT FROM devapp.create_product('environments-all');
SELECT FROM devapp.create_app('environments-none', developer => 'environments@example.com', products => '{environments,environments-test}', environment => 'prod');
SELECT count(*) FROM devapp.app WHERE name = 'environments-none';
SELECT environment, products FROM devapp.create_app('environments-one', developer => 'environments@example.com', products => '{environments,environments-test}', environment => 'test');
SELECT environment, products FROM devapp.create_app('environments-any', developer => 'environments@example.com', products => '{environments-test,environments-all}', environment => 'prod');
SELECT environment, products FROM devapp.create_app('environments-every', developer => 'environments@example.com', products => '{environments-test}');
SELECT app_id FROM devapp.app WHERE name = 'environments-every' \gset
SELECT FROM devapp.issue_credential(:'app_id', environment => 'prod');
SELECT FROM devapp.issue_credential(:'app_id', environment => 'prod', products => '{environments-test}');
SELECT environment, products FROM devapp.issue_credential(:'app_id', environment => 'test');
SELECT environment, products FROM devapp.issue_credential(:'app_id', environment => 'prod', products => '{environments-all}');
-- one without products waits for them, and a product may change its environments later
SELECT environment, products FROM devapp.issue_credential(:'app_id', environment => 'dev', products => '{}');
SELECT environments FROM devapp.update_product('environments-test', environments => '{prod}');
SELECT environment, status FROM devapp.credential WHERE app_id = :'app_id' ORDER BY credential_id;
-- a replacement as well
SELECT credential_id FROM devapp.credential WHERE app_id = :'app_id' AND environment = 'test' \gset
SELECT FROM devapp.issue_credential(:'app_id', replaces => :'credential_id');
SELECT environment, products FROM devapp.issue_credential(:'app_id', replaces => :'credential_id', environment => 'prod');
