-- Delegated approval: who may decide about a product, and what waits for them.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_approver, regress_member, regress_noinherit, regress_outsider;
RESET client_min_messages;
CREATE ROLE regress_approver;
CREATE ROLE regress_member IN ROLE regress_approver;
CREATE ROLE regress_noinherit NOINHERIT IN ROLE regress_approver;
CREATE ROLE regress_outsider;
GRANT USAGE ON SCHEMA devapp TO PUBLIC;
-- what nobody calls directly, as a public function would
CREATE FUNCTION devapp.may_approve(product_id uuid) RETURNS boolean LANGUAGE c AS '$libdir/devapp', 'devapp_enter';
CREATE FUNCTION devapp.may_decide_app(app_id uuid) RETURNS boolean LANGUAGE c AS '$libdir/devapp', 'devapp_enter';
GRANT EXECUTE ON FUNCTION devapp.my_approvals(), devapp.may_approve(uuid), devapp.may_decide_app(uuid) TO PUBLIC;

SELECT FROM devapp.set_app_approval('manual');
SELECT FROM devapp.create_developer('owner@example.com');
SELECT FROM devapp.create_developer('approver@example.com');
SELECT FROM devapp.create_developer('other@example.com');
SELECT FROM devapp.create_team('pay-reviewers');
SELECT FROM devapp.create_team('owners');
SELECT FROM devapp.add_team_member('pay-reviewers', 'approver@example.com');
SELECT FROM devapp.create_product('pay', approval => 'manual');
SELECT FROM devapp.create_product('ship', approval => 'manual');
SELECT FROM devapp.create_product('free');
SELECT product_id AS pay FROM devapp.product WHERE name = 'pay' \gset
SELECT product_id AS ship FROM devapp.product WHERE name = 'ship' \gset

-- naming them
SELECT team_id IS NOT NULL AS team, role_name FROM devapp.add_product_approver('pay', team => 'pay-reviewers');
SELECT team_id IS NOT NULL AS team, role_name FROM devapp.add_product_approver('ship', role => 'regress_approver');
SELECT devapp.add_product_approver('pay', team => 'pay-reviewers');
SELECT devapp.add_product_approver('ship', role => 'regress_approver');
SELECT devapp.add_product_approver('pay');
SELECT devapp.add_product_approver('pay', team => 'pay-reviewers', role => 'regress_approver');
SELECT devapp.add_product_approver('pay', team => 'no such team');
SELECT devapp.add_product_approver('pay', role => 'no such role');
SELECT devapp.add_product_approver('no such product', team => 'pay-reviewers');
SELECT devapp.add_product_approver(NULL, team => 'pay-reviewers');
SELECT devapp.remove_product_approver('ship', team => 'pay-reviewers');
SELECT devapp.remove_product_approver('pay', role => 'no such role');
SELECT devapp.remove_product_approver('pay');
SELECT count(*) FROM devapp.product_approver;
\set VERBOSITY terse
INSERT INTO devapp.product_approver (product_id) VALUES (:'pay');
UPDATE devapp.product_approver SET role_name = 'postgres';
TRUNCATE devapp.product_approver;
\set VERBOSITY default

-- apps that wait: for pay, for both, for ship, for nothing; of a team
SELECT app_id AS a FROM devapp.create_app('a', developer => 'owner@example.com', products => '{pay,free}') \gset
SELECT app_id AS b, credential_id AS bc FROM devapp.create_app('b', developer => 'owner@example.com', products => '{pay,ship}') \gset
SELECT app_id AS c FROM devapp.create_app('c', team => 'owners', products => '{ship}') \gset
SELECT app_id AS d FROM devapp.create_app('d', developer => 'owner@example.com', products => '{free}') \gset

-- what the caller may decide, and what waits for that; no right to a table is needed
CREATE TEMP TABLE known AS SELECT name, app_id AS id FROM devapp.app WHERE app_id IN (:'a', :'b', :'c', :'d') UNION ALL SELECT name, product_id FROM devapp.product WHERE name IN ('pay', 'ship');
GRANT SELECT ON known TO PUBLIC;
CREATE FUNCTION pg_temp.mine(OUT products text, OUT decides text, OUT waits text) LANGUAGE sql AS $$
    SELECT (SELECT string_agg(name, ',' ORDER BY name) FROM known WHERE devapp.may_approve(id)), (SELECT string_agg(name, ',' ORDER BY name) FROM known WHERE devapp.may_decide_app(id)),
           (SELECT string_agg(m.app_name || ' ' || m.product || ' of ' || m.owner, ', ') FROM devapp.my_approvals() AS m) $$;

-- a role, and one that has its rights
SET ROLE regress_approver;
SELECT * FROM pg_temp.mine();
SET ROLE regress_member;
SELECT * FROM pg_temp.mine();
-- its rights are not in use here
SET ROLE regress_noinherit;
SELECT * FROM pg_temp.mine();
SET ROLE regress_outsider;
SELECT * FROM pg_temp.mine();
-- a member of the team; a developer who is none
RESET ROLE;
SET request.jwt.claims = '{"email": "Approver@example.com", "email_verified": true}';
SET ROLE regress_outsider;
SELECT * FROM pg_temp.mine();
RESET ROLE;
SET request.jwt.claims = '{"email": "other@example.com", "email_verified": true}';
SET ROLE regress_outsider;
SELECT * FROM pg_temp.mine();
-- both
RESET ROLE;
SET request.jwt.claims = '{"email": "approver@example.com", "email_verified": true}';
SET ROLE regress_member;
SELECT * FROM pg_temp.mine();
SET ROLE regress_outsider;
SELECT app_name, owner, product, credential_id = :'bc' AS of_b, requested_at <= now() AS before FROM devapp.my_approvals() WHERE app_id = :'b';
-- what there is to judge by, of apps that wait and of no others
RESET ROLE;
SELECT FROM devapp.update_app(:'b', display_name => 'B for you', description => 'ships for you', callback_urls => '{https://b.example/cb}', attributes => '{"plan": "gold"}');
SELECT FROM devapp.set_attribute('developer', (SELECT d.email FROM devapp.app a JOIN devapp.developer d USING (developer_id) WHERE a.app_id = :'b'), 'company', 'B Ltd');
SET ROLE regress_outsider;
SELECT display_name, description, callback_urls, scopes, environment, attributes, owner_attributes FROM devapp.my_approvals() WHERE app_id = :'b';
SELECT count(*) FILTER (WHERE owner_attributes IS NULL) AS without FROM devapp.my_approvals();

-- nobody may decide about what does not exist or waits for nothing
SELECT devapp.may_approve(NULL), devapp.may_approve(:'bc'), devapp.may_decide_app(NULL), devapp.may_decide_app(:'bc'), devapp.may_decide_app(:'d');

-- what is decided does not wait; nor what was removed, or whose credential, app or both are gone
RESET ROLE;
SELECT FROM devapp.set_credential_product_status(:'bc', 'ship', 'approve');
SET ROLE regress_outsider;
SELECT * FROM pg_temp.mine();
RESET ROLE;
SELECT FROM devapp.remove_credential_product(:'bc', 'pay');
SELECT FROM devapp.reject_app(:'c');
SET ROLE regress_member;
SELECT * FROM pg_temp.mine();
RESET ROLE;
SELECT FROM devapp.resubmit_app(:'c');
SELECT FROM devapp.add_credential_product(:'bc', 'pay');
SELECT FROM devapp.revoke_credential(:'bc');
SET ROLE regress_member;
-- b can still be approved as a whole, which would take the association along
SELECT * FROM pg_temp.mine();
RESET ROLE;
SELECT FROM devapp.delete_app(:'b');
SET ROLE regress_member;
SELECT * FROM pg_temp.mine();
RESET ROLE;
-- a new product of an approved app waits as well
SELECT FROM devapp.approve_app(:'d');
SELECT FROM devapp.credential c, devapp.add_credential_product(c.credential_id, 'pay') WHERE c.app_id = :'d';
SET ROLE regress_outsider;
SELECT * FROM pg_temp.mine();

-- an inactive team, an inactive developer, a member no more
RESET ROLE;
SELECT FROM devapp.set_team_status('pay-reviewers', 'deactivate');
SET ROLE regress_outsider;
SELECT * FROM pg_temp.mine();
RESET ROLE;
SELECT FROM devapp.set_team_status('pay-reviewers', 'activate');
SELECT FROM devapp.set_developer_status('approver@example.com', 'deactivate');
SET ROLE regress_outsider;
SELECT devapp.may_approve(:'pay');
RESET ROLE;
SELECT FROM devapp.set_developer_status('approver@example.com', 'activate');
SET ROLE regress_outsider;
SELECT devapp.may_approve(:'pay');
RESET ROLE;
SELECT FROM devapp.remove_team_member('pay-reviewers', 'approver@example.com');
SET ROLE regress_outsider;
SELECT devapp.may_approve(:'pay');
RESET ROLE;

-- taking the right away; a team or product that is deleted takes it along; a role that is dropped is nobody
SELECT devapp.may_approve(:'ship') AS superuser;
SELECT role_name FROM devapp.remove_product_approver('ship', role => 'regress_approver');
SELECT devapp.remove_product_approver('ship', role => 'regress_approver');
SELECT devapp.may_approve(:'ship') AS superuser;
SELECT FROM devapp.create_product('short');
SELECT FROM devapp.add_product_approver('short', team => 'pay-reviewers');
SELECT FROM devapp.add_product_approver('short', role => 'regress_approver');
SELECT FROM devapp.delete_product('short');
SELECT p.name, a.role_name FROM devapp.product_approver a JOIN devapp.product p USING (product_id) ORDER BY 1, 2;
SELECT FROM devapp.add_product_approver('ship', role => 'regress_member');
SELECT FROM devapp.delete_team('pay-reviewers');
SELECT p.name, a.role_name FROM devapp.product_approver a JOIN devapp.product p USING (product_id) ORDER BY 1, 2;
DROP ROLE regress_member;
SELECT devapp.may_approve(:'ship') AS superuser;
-- and can be taken off the list
SELECT role_name FROM devapp.remove_product_approver('ship', role => 'regress_member');

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA devapp FROM PUBLIC;
REVOKE ALL ON SCHEMA devapp FROM PUBLIC;
RESET request.jwt.claims;
SELECT FROM devapp.set_app_approval('conditional');
DROP FUNCTION devapp.may_approve(uuid), devapp.may_decide_app(uuid);
DROP ROLE regress_approver, regress_noinherit, regress_outsider;
