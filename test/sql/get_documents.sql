-- An app and a credential, each as one document: what is in it, and who gets it.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
BEGIN;
SELECT FROM devapp.setup_roles();
SELECT FROM devapp.create_developer('doc@example.com', first_name => 'Ann', last_name => 'Doe');
SELECT FROM devapp.create_developer('doc-other@example.com');
SELECT FROM devapp.create_developer('doc-member@example.com');
SELECT FROM devapp.create_team('doc-team', display_name => 'The team');
SELECT FROM devapp.add_team_member('doc-team', 'doc-member@example.com');
SELECT FROM devapp.create_product('doc-orders', display_name => 'Orders', environments => '{prod,test}', scopes => '{read,write}',
                                  quota_limit => 10, quota_interval => 1, quota_unit => 'day', rate_limit => 5, rate_burst => 7);
SELECT FROM devapp.add_operation('doc-orders', '/orders', methods => '{GET,POST}', proxy => 'shop', quota_limit => 3, quota_interval => 2, quota_unit => 'hour');
SELECT FROM devapp.add_operation('doc-orders', '/orders/*', methods => '{GET}');
SELECT FROM devapp.create_product('doc-payouts', approval => 'manual');
SELECT FROM devapp.create_product('doc-free');
SELECT app_id AS mine, credential_id AS first FROM devapp.create_app('doc-app', 'doc@example.com', products => '{doc-orders,doc-free}',
    display_name => 'Shop', description => 'What it is for', callback_urls => '{https://shop.example/back}', scopes => '{read}',
    allowed_cidrs => '{10.0.0.0/8}', app_family => 'shops', attributes => '{"cost center": "42"}') \gset
SELECT credential_id AS second FROM devapp.issue_credential(:'mine', products => '{doc-orders,doc-payouts}', environment => 'prod', label => 'CI') \gset
SELECT secret FROM devapp.rotate_credential(:'first', overlap => '1 day') \gset
SELECT FROM devapp.remove_credential_product(:'first', 'doc-free');
SELECT app_id AS other, credential_id AS other_key FROM devapp.create_app('doc-app', 'doc-other@example.com', products => '{doc-orders}') \gset
SELECT app_id AS team, credential_id AS team_key FROM devapp.create_app('doc-app', team => 'doc-team', products => '{doc-orders}') \gset
INSERT INTO devapp.last_used SELECT :'first', v, :'mine', CASE v WHEN 1 THEN now() - interval '1 day' END, now() - interval '1 day' * (2 - v) FROM generate_series(1, 2) AS v;
SELECT consumer_key AS first_name FROM devapp.credential WHERE credential_id = :'first' \gset
CREATE FUNCTION pg_temp.answer(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    document jsonb;
BEGIN
    EXECUTE query INTO document;
    RETURN 'a document';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || regexp_replace(SQLERRM, '"[^"]*"', '"..."');
END $$;
GRANT EXECUTE ON FUNCTION pg_temp.answer(text) TO devapp_developer, devapp_admin, devapp_gateway;
PREPARE answers AS
SELECT v.who, pg_temp.answer(format('SELECT devapp.get_app(%L)', v.app)) AS get_app, pg_temp.answer(format('SELECT devapp.get_credential(%L)', v.key)) AS get_credential
  FROM (VALUES ('mine', :'mine', :'first'), ('other', :'other', :'other_key'), ('team', :'team', :'team_key'),
               ('unknown', '11111111-1111-1111-1111-111111111111', '11111111-1111-1111-1111-111111111111')) AS v(who, app, key);
RESET client_min_messages;

-- it is read in a transaction that is READ ONLY
SET LOCAL transaction_read_only = on;
SET LOCAL ROLE devapp_developer;
SET LOCAL request.jwt.claims = '{"email": "doc@example.com", "email_verified": true}';
SELECT jsonb_pretty((devapp.get_app(:'mine') - '{products,credentials}'::text[]) #- '{app_id}' #- '{owner,developer_id}'
                    #- '{decided_by}' #- '{decided_at}' #- '{created_at}' #- '{updated_at}') AS app;
SELECT jsonb_pretty(p - 'product_id') AS product FROM jsonb_array_elements(devapp.get_app(:'mine') -> 'products') AS p;
SELECT c ->> 'label' AS label, c ->> 'environment' AS environment, c ->> 'effective_status' AS effective_status, c -> 'pending_products' AS pending,
       jsonb_path_query_array(c, '$.products[*].name') AS products, jsonb_path_query_array(c, '$.secrets[*].version') AS secrets,
       (SELECT string_agg(k, ' ' ORDER BY k) FROM jsonb_object_keys(c #> '{products,0}') AS k) AS of_a_product
  FROM jsonb_array_elements(devapp.get_app(:'mine') -> 'credentials') AS c;
-- a credential, by its name
SELECT jsonb_pretty((devapp.get_credential(:'first_name') - '{app,products,secrets}'::text[])
                    #- '{credential_id}' #- '{consumer_key}' #- '{decided_by}' #- '{decided_at}' #- '{issued_at}' #- '{last_used_at}' #- '{last_seen_at}') AS credential;
SELECT c ->> 'credential_id' = :'first' AS id, c ->> 'consumer_key' = :'first_name' AS key, (c ->> 'issued_at')::timestamptz = now() AS issued,
       (c ->> 'last_used_at')::timestamptz = now() - interval '1 day' AS used, (c ->> 'last_seen_at')::timestamptz = now() AS seen,
       c #- '{app,app_id}' #- '{app,owner,developer_id}' -> 'app' AS app,
       jsonb_path_query_array(c, '$.products[*].operations[*].resource') AS resources
  FROM devapp.get_credential(:'first_name') AS c;
SELECT s ->> 'version' AS version, (s ->> 'valid_from')::timestamptz = now() AS made, (s ->> 'superseded_at')::timestamptz = now() AS superseded,
       (s ->> 'valid_until')::timestamptz = now() + interval '1 day' AS for_a_day, s -> 'ended_at' AS ended, s ->> 'last_used_at' IS NOT NULL AS used,
       (SELECT string_agg(k, ' ' ORDER BY k) FROM jsonb_object_keys(s) AS k) AS says
  FROM jsonb_array_elements(devapp.get_credential(:'first_name') -> 'secrets') AS s;
-- Others' do not exist, in the words of what is not there.  A developer, a member of the team,
-- nobody, an administrator; and a gateway may not ask.
EXECUTE answers;
SET LOCAL request.jwt.claims = '{"email": "doc-member@example.com", "email_verified": true}';
EXECUTE answers;
SELECT devapp.get_app('team:doc-team/doc-app') #- '{owner,team_id}' -> 'owner' AS owner, devapp.get_credential(:'team_key') #>> '{app,name}' AS app;
RESET request.jwt.claims;
EXECUTE answers;
SET LOCAL ROLE devapp_admin;
EXECUTE answers;
SELECT devapp.get_app('doc@example.com/doc-app') #> '{products,0,name}' AS product;
SET LOCAL ROLE devapp_gateway;
EXECUTE answers;
SET LOCAL ROLE devapp_developer;
SAVEPOINT s;
SELECT devapp.get_app('doc-other@example.com/doc-app');
ROLLBACK TO s;
SELECT devapp.get_app(NULL);
ROLLBACK TO s;
SELECT devapp.get_credential(NULL);
ROLLBACK TO s;
-- neither a secret nor a digest is in any of them
SET LOCAL ROLE devapp_admin;
SELECT count(*) AS secrets, count(*) FILTER (WHERE strpos(d.document, split_part(s.digest::text, ':', 3)) > 0) AS shown,
       bool_or(strpos(d.document, :'secret') > 0) AS secret_shown
  FROM devapp.credential_secret s, (SELECT devapp.get_app(:'mine')::text || devapp.get_credential(:'first')::text AS document) AS d
 WHERE s.credential_id IN (:'first', :'second');
ROLLBACK;

-- a member who is limited to an environment sees its credentials alone, and what these ask for
SET client_min_messages = warning;
BEGIN;
SELECT FROM devapp.setup_roles();
SELECT FROM devapp.create_developer('doc-tester@example.com');
SELECT FROM devapp.create_team('doc-team');
SELECT FROM devapp.add_team_member('doc-team', 'doc-tester@example.com', 'admin', environments => '{test}');
SELECT FROM devapp.create_product('doc-orders');
SELECT FROM devapp.create_product('doc-payouts');
SELECT app_id AS team, credential_id AS prod_key FROM devapp.create_app('doc-app', team => 'doc-team', products => '{doc-orders,doc-payouts}', environment => 'prod') \gset
SELECT credential_id AS test_key FROM devapp.issue_credential(:'team', products => '{doc-orders}', environment => 'test') \gset
SET LOCAL ROLE devapp_developer;
SET LOCAL request.jwt.claims = '{"email": "doc-tester@example.com", "email_verified": true}';
SELECT jsonb_path_query_array(d, '$.credentials[*].environment') AS environments, jsonb_path_query_array(d, '$.products[*].name') AS products
  FROM devapp.get_app(:'team') AS d;
SELECT d ->> 'environment' AS environment, d -> 'last_used_at' AS never_used, d -> 'last_seen_at' AS never_seen FROM devapp.get_credential(:'test_key') AS d;
\set VERBOSITY sqlstate
SELECT devapp.get_credential(:'prod_key');
\set VERBOSITY default
ROLLBACK;

-- a deleted credential is gone; a deleted app is found by its id alone
BEGIN;
SELECT FROM devapp.create_developer('doc@example.com');
SELECT app_id AS mine, credential_id AS first FROM devapp.create_app('doc-app', 'doc@example.com') \gset
SELECT FROM devapp.delete_credential(:'first');
SELECT devapp.get_app(:'mine') -> 'credentials' AS credentials;
SELECT FROM devapp.delete_app(:'mine');
SELECT devapp.get_app(:'mine') ->> 'status' AS status;
SAVEPOINT s;
\set VERBOSITY terse
SELECT devapp.get_app('doc@example.com/doc-app');
ROLLBACK TO s;
\set VERBOSITY sqlstate
SELECT FROM devapp.get_credential(:'first');
ROLLBACK;
