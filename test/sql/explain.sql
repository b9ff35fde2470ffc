-- Rule by rule, why an app may or may not.
\set SHOW_CONTEXT never
-- an app with a product that waits is approved
SELECT FROM devapp.set_app_approval('auto');

SELECT FROM devapp.create_developer('explain@example.com');
SELECT FROM devapp.create_product('explain-a', environments => '{prod}');
SELECT FROM devapp.add_operation('explain-a', '/a/{id}', '{GET}');
SELECT FROM devapp.create_product('explain-b', approval => 'manual');
SELECT FROM devapp.create_app('explain', developer => 'explain@example.com', products => '{explain-a,explain-b}');
SELECT app_id, credential_id FROM devapp.app JOIN devapp.credential USING (app_id) WHERE name = 'explain' \gset

SELECT step, product, rule, passed, code, regexp_replace(detail, '\d{4}-.*', '(time)') AS detail FROM devapp.explain_access(:'app_id', '/a/1', 'GET', 'prod');
-- nothing hides behind the first that fails
SELECT FROM devapp.suspend_app(:'app_id');
SELECT FROM devapp.set_developer_status('explain@example.com', 'deactivate');
SELECT FROM devapp.revoke_credential(:'credential_id');
SELECT product, rule, code FROM devapp.explain_access(:'app_id', '/a/../1', 'PUT', 'test', 'p') WHERE NOT passed ORDER BY step;
SELECT FROM devapp.approve_credential(:'credential_id');
SELECT FROM devapp.set_developer_status('explain@example.com', 'activate');
SELECT FROM devapp.resume_app(:'app_id');

-- the clock can be moved: for expiry and rotation
SELECT app_id AS e, credential_id AS ec FROM devapp.create_app('explain-e', developer => 'explain@example.com', products => '{explain-a}', expires_in => '1 day') \gset
SELECT code FROM devapp.explain_access(:'e') WHERE rule = 'verdict';
SELECT rule, code FROM devapp.explain_access(:'e', at => now() + interval '2 days') WHERE NOT passed ORDER BY step;
-- when a secret starts is not compared with the clock
SELECT rule, code FROM devapp.explain_access(:'e', at => now() - interval '1 hour') WHERE NOT passed ORDER BY step;

-- each credential of the app
SELECT FROM devapp.issue_credential(:'app_id', products => '{}');
SELECT dense_rank() OVER (ORDER BY min(step)) AS credential, count(*), max(code) FILTER (WHERE rule = 'verdict') AS verdict FROM devapp.explain_access(:'app_id', '/a/1') GROUP BY consumer_key ORDER BY 1;
-- it tells what a verification tells
SELECT FROM devapp.create_product('explain-c');
SELECT secret AS key, app_id AS f FROM devapp.create_app('explain-f', developer => 'explain@example.com', products => '{explain-a,explain-b,explain-c}') \gset
SELECT count(*) AS asked, count(*) FILTER (WHERE v.code <> x.code OR v.product IS DISTINCT FROM x.product) AS different
  FROM unnest('{/a/1,/a/1/2,/a/../1,/b,NULL}'::text[]) AS r, unnest('{GET,PUT,NULL}'::text[]) AS m, unnest('{prod,test,NULL}'::text[]) AS e,
       devapp.verify_key(:'key', r, m, e) AS v, devapp.explain_access(:'f', r, m, e) AS x
 WHERE x.rule = 'verdict';

SELECT devapp.explain_access('00000000-0000-0000-0000-000000000000');
SELECT devapp.explain_access(NULL);

-- what only a direct INSERT makes: an app without credentials, a credential without a secret
INSERT INTO devapp.app (developer_id, name) SELECT developer_id, 'explain-bare' FROM devapp.developer WHERE email = 'explain@example.com' RETURNING app_id AS bare \gset
SELECT rule, passed, code, detail FROM devapp.explain_access(:'bare');
INSERT INTO devapp.credential (app_id, consumer_key, environment) VALUES (:'bare', 'dvk_live_explain00000', 'not an environment');
INSERT INTO devapp.credential (app_id, consumer_key) VALUES (:'bare', 'dvk_live_explain00000');
SELECT rule, passed, code, detail FROM devapp.explain_access(:'bare') WHERE rule IN ('secret', 'verdict');
-- and a current secret that ends
INSERT INTO devapp.credential_secret (credential_id, version, purpose, digest, scheme, valid_from, valid_until)
SELECT credential_id, 1, 'api_key', 'blake2b:0:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff', 'blake2b', '2020-01-01 00:00Z', '2100-01-01 00:00Z'
  FROM devapp.credential WHERE consumer_key = 'dvk_live_explain00000';
SET TimeZone = 'UTC';
SELECT rule, passed, code, detail FROM devapp.explain_access(:'bare') WHERE rule IN ('secret', 'verdict');
SELECT passed, code FROM devapp.explain_access(:'bare', at => '2100-01-01 00:00Z') WHERE rule = 'secret';
RESET TimeZone;
SELECT FROM devapp.set_app_approval('conditional');
