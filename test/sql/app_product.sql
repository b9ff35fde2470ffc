-- A product for all credentials of an app, and for none of them any more.
\set SHOW_CONTEXT never

SELECT FROM devapp.create_developer('app-product@example.com');
SELECT FROM devapp.create_developer('app-product-2@example.com');
SELECT FROM devapp.create_product('app-product');
SELECT FROM devapp.create_product('app-product-contract', approval => 'manual');
SELECT FROM devapp.create_product('app-product-hidden', access => 'private');
SELECT app_id, credential_id AS one FROM devapp.create_app('app product', developer => 'app-product@example.com') \gset
SELECT credential_id AS two FROM devapp.issue_credential(:'app_id') \gset
SELECT credential_id AS revoked FROM devapp.issue_credential(:'app_id') \gset
SELECT FROM devapp.revoke_credential(:'revoked');
SELECT credential_id AS old FROM devapp.issue_credential(:'app_id') \gset
SELECT credential_id AS three FROM devapp.issue_credential(:'app_id', replaces => :'old') \gset

-- every live one, in order; each is decided as ever
SELECT credential_id = :'one' AS one, credential_id = :'two' AS two, credential_id = :'three' AS three, status FROM devapp.add_app_product(:'app_id', 'app-product', note => 'for all');
SELECT count(*), min(status) AS status FROM devapp.add_app_product(:'app_id', product => 'app-product-contract');
SELECT what, note, count(*) FROM devapp.app_history(:'app_id') WHERE what LIKE 'product%' GROUP BY what, note ORDER BY what;
-- those that have it already stay
SELECT FROM devapp.remove_credential_product(:'two', 'app-product');
SELECT credential_id = :'two' AS two, status FROM devapp.add_app_product(:'app_id', 'app-product');

-- removed from all, also from one that is revoked: a new one does not ask for it
SELECT FROM devapp.approve_credential(:'revoked');
SELECT count(*) FROM devapp.add_app_product(:'app_id', 'app-product');
SELECT FROM devapp.revoke_credential(:'revoked');
SELECT count(*), count(removed_at) AS removed FROM devapp.remove_app_product(:'app_id', product => 'app-product', note => 'not needed');
SELECT note, count(*) FROM devapp.app_history(:'app_id') WHERE what = 'product app-product removed' GROUP BY note ORDER BY note;
SELECT products FROM devapp.issue_credential(:'app_id');

-- developers: their own apps, and products that they may ask for
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_app_product;
RESET client_min_messages;
CREATE ROLE regress_app_product;
GRANT USAGE ON SCHEMA devapp TO regress_app_product;
GRANT EXECUTE ON FUNCTION devapp.add_app_product, devapp.remove_app_product, devapp.act_as TO regress_app_product;
SET ROLE regress_app_product;
SELECT devapp.act_as('app-product@example.com', is_local => false);
SELECT count(*) FROM devapp.add_app_product(:'app_id', 'app-product');
SELECT count(*) FROM devapp.remove_app_product(:'app_id', 'app-product');
\set VERBOSITY sqlstate
SELECT FROM devapp.add_app_product(:'app_id', 'app-product-hidden');
SELECT devapp.act_as('app-product-2@example.com', is_local => false);
SELECT FROM devapp.add_app_product(:'app_id', 'app-product');
SELECT FROM devapp.remove_app_product(:'app_id', 'app-product-contract');
\set VERBOSITY default
RESET ROLE;
DROP OWNED BY regress_app_product;
DROP ROLE regress_app_product;
SELECT devapp.act_as(NULL, is_local => false);

-- bad input: refused, and nothing changes
SELECT FROM devapp.add_app_product(NULL, 'app-product');
SELECT FROM devapp.add_app_product('00000000-0000-0000-0000-000000000000', 'app-product');
SELECT FROM devapp.add_app_product(:'app_id', NULL);
SELECT FROM devapp.add_app_product(:'app_id', 'nothing');
SELECT FROM devapp.add_app_product(:'app_id', 'app-product', note => repeat('x', 4001));
SELECT FROM devapp.remove_app_product(NULL, 'app-product');
\set VERBOSITY sqlstate
SELECT FROM devapp.add_app_product(:'app_id', 'app-product-contract');
SELECT FROM devapp.remove_app_product(:'app_id', 'app-product');
SELECT FROM devapp.remove_app_product(:'app_id', 'nothing');
SELECT FROM devapp.remove_app_product(:'app_id', NULL);
SELECT count(*) FROM devapp.credential_product JOIN devapp.credential USING (credential_id) WHERE app_id = :'app_id' AND removed_at IS NULL;
SELECT count(devapp.revoke_credential(credential_id)) FROM devapp.credential WHERE app_id = :'app_id' AND status = 'approved';
SELECT FROM devapp.add_app_product(:'app_id', 'app-product');
SELECT FROM devapp.delete_app(:'app_id');
SELECT FROM devapp.remove_app_product(:'app_id', 'app-product-contract');
