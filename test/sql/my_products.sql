-- What may be asked for, and whether it needs approval: the same rule as may_ask_for().
-- It is seen by two developers, a team member, an analyst and an administrator.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
BEGIN;
SELECT FROM devapp.setup_roles();
SELECT FROM devapp.create_developer('ask@example.com');
SELECT FROM devapp.create_developer('ask-2@example.com');
SELECT FROM devapp.create_developer('ask-member@example.com');
SELECT FROM devapp.create_team('ask-team');
SELECT FROM devapp.add_team_member('ask-team', 'ask-member@example.com');
SELECT FROM devapp.create_product('ask-public');
SELECT FROM devapp.create_product('ask-manual', approval => 'manual', description => 'Somebody decides');
SELECT FROM devapp.create_product('ask-private', access => 'private');
SELECT FROM devapp.create_product('ask-taken', access => 'private');
SELECT FROM devapp.create_product('ask-internal', access => 'internal');
SELECT FROM devapp.create_product('ask-deleted');
SELECT FROM devapp.delete_product('ask-deleted');
-- the first has a private product, and had another; the team has the internal one
SELECT credential_id AS ask FROM devapp.create_app(name => 'ask', developer => 'ask@example.com', products => '{ask-private,ask-taken}') \gset
SELECT FROM devapp.set_credential_product_status(:'ask', 'ask-taken', 'revoke');
SELECT FROM devapp.create_app(name => 'ask', team => 'ask-team', products => '{ask-internal}');
RESET client_min_messages;

SET LOCAL ROLE devapp_admin;
SELECT product, access, needs_approval, description FROM (SELECT * FROM devapp.my_products) AS p WHERE product LIKE 'ask-%' ORDER BY product;
SET LOCAL ROLE devapp_developer;
SET LOCAL request.jwt.claims = '{"email": "ask@example.com", "email_verified": true}';
SELECT product, needs_approval FROM devapp.my_products WHERE product LIKE 'ask-%' ORDER BY product;
SET LOCAL request.jwt.claims = '{"email": "ask-2@example.com", "email_verified": true}';
SELECT product, needs_approval FROM devapp.my_products WHERE product LIKE 'ask-%' ORDER BY product;
SET LOCAL request.jwt.claims = '{"email": "ask-member@example.com", "email_verified": true}';
SELECT product, needs_approval FROM devapp.my_products WHERE product LIKE 'ask-%' ORDER BY product;
SET LOCAL ROLE devapp_analyst;
SELECT FROM devapp.my_products;
ROLLBACK;
