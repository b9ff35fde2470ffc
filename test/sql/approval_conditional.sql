-- Conditional approval: what rules make of new apps, new products, and apps that
-- are handed in again.
\set SHOW_CONTEXT never
SELECT FROM devapp.set_app_approval('conditional');

SELECT FROM devapp.create_developer('cond@example.com');
SELECT FROM devapp.create_developer('boss@PARTNER.example', attributes => '{"tier": "gold"}');
SELECT FROM devapp.create_team('cond-team');
SELECT FROM devapp.create_product('c-auto');
SELECT FROM devapp.create_product('c-manual', approval => 'manual');
SELECT FROM devapp.create_product('c-private', access => 'private');
SELECT FROM devapp.create_product('c-internal', access => 'internal');

-- state(app): app and products, each with its status, who decided, and why
CREATE FUNCTION pg_temp.state(app uuid) RETURNS TABLE (what text, status text, decided_by text, dated boolean, note text) LANGUAGE sql AS $$
    SELECT 'app', a.status, replace(a.decided_by, current_user, 'me'), a.decided_at IS NOT NULL, a.decision_note FROM devapp.app a WHERE a.app_id = app
    UNION ALL
    (SELECT p.name || CASE WHEN cp.removed_at IS NOT NULL THEN ' (removed)' ELSE '' END, cp.status, replace(cp.decided_by, current_user, 'me'), cp.decided_at IS NOT NULL, cp.decision_note
      FROM devapp.credential c JOIN devapp.credential_product cp USING (credential_id) JOIN devapp.product p USING (product_id) WHERE c.app_id = app ORDER BY cp.ordinal) $$;

-- without rules the products' approval decides
SELECT app_id AS a, app_status, products, status FROM devapp.create_app('auto', developer => 'cond@example.com', products => '{c-auto}') \gset
SELECT * FROM pg_temp.state(:'a');
SELECT app_id AS a FROM devapp.create_app('manual', developer => 'cond@example.com', products => '{c-auto,c-manual}') \gset
SELECT * FROM pg_temp.state(:'a');
SELECT app_id AS a FROM devapp.create_app('none', developer => 'cond@example.com') \gset
SELECT * FROM pg_temp.state(:'a');

SELECT FROM devapp.create_approval_rule('partners', 10, 'approve', email_domain => 'partner.example', note => 'contract 4711');
SELECT FROM devapp.create_approval_rule('private', 20, 'hold', access => 'private');
SELECT FROM devapp.create_approval_rule('internal', 30, 'reject', access => 'internal', note => 'not for outsiders');
SELECT FROM devapp.create_approval_rule('self-service', 40, 'approve', product => 'c-manual');

-- approve, by one rule; the first of several; by none
SELECT app_id AS a FROM devapp.create_app('approved', developer => 'boss@partner.example', products => '{c-internal,c-manual}') \gset
SELECT * FROM pg_temp.state(:'a');
SELECT app_id AS a FROM devapp.create_app('approved', developer => 'cond@example.com', products => '{c-auto,c-manual}') \gset
SELECT * FROM pg_temp.state(:'a');
SELECT app_id AS a FROM devapp.create_app('no product', developer => 'boss@partner.example') \gset
SELECT * FROM pg_temp.state(:'a');
-- hold: the app waits, what is approved is approved; a person approves the rest
SELECT app_id AS h, secret FROM devapp.create_app('held', developer => 'cond@example.com', products => '{c-manual,c-private,c-auto}') \gset
SELECT * FROM pg_temp.state(:'h');
SELECT code FROM devapp.verify_key(:'secret');
SELECT status, decision_note FROM devapp.approve_app(:'h', 'fine');
SELECT * FROM pg_temp.state(:'h');
SELECT code FROM devapp.verify_key(:'secret');
-- reject: nothing of it is approved
SELECT app_id AS r, app_status, secret FROM devapp.create_app('rejected', developer => 'cond@example.com', products => '{c-manual,c-private,c-internal}') \gset
SELECT * FROM pg_temp.state(:'r');
SELECT code FROM devapp.verify_key(:'secret');
-- what the function returned is what is stored; explain_approval() names the same
SELECT a.name, p.name AS product, cp.status, cp.decided_by, x.rule, x.decision
  FROM devapp.app a JOIN devapp.credential c USING (app_id) JOIN devapp.credential_product cp USING (credential_id) JOIN devapp.product p USING (product_id),
       devapp.explain_approval(a.app_id) AS x WHERE a.app_id IN (:'h', :'r') AND x.product = p.name AND x.decides ORDER BY cp.ordinal;
-- of a team
SELECT FROM devapp.create_approval_rule('team', 5, 'hold', team => 'cond-team');
SELECT app_id AS t FROM devapp.create_app('team', team => 'cond-team') \gset
SELECT * FROM pg_temp.state(:'t');

-- a disabled rule is not asked
SELECT FROM devapp.update_approval_rule('private', enabled => false);
SELECT app_status FROM devapp.create_app('not held', developer => 'cond@example.com', products => '{c-private}');
SELECT FROM devapp.update_approval_rule('private', enabled => true);
-- nor is the next one, where the first matches
SELECT FROM devapp.update_approval_rule('internal', priority => 1);
SELECT app_id AS a FROM devapp.create_app('order', developer => 'boss@partner.example', products => '{c-internal}') \gset
SELECT * FROM pg_temp.state(:'a');
SELECT FROM devapp.update_approval_rule('internal', priority => 30);

-- an app that exists: only what is new is decided on, and the app stays as it is
SELECT app_id AS e, credential_id AS ec FROM devapp.create_app('existing', developer => 'cond@example.com', products => '{c-auto}') \gset
SELECT status, decided_by, decided_at IS NOT NULL AS dated, decision_note FROM devapp.add_credential_product(:'ec', 'c-private');
SELECT status, decided_by, decided_at IS NOT NULL AS dated, decision_note FROM devapp.add_credential_product(:'ec', 'c-internal');
SELECT status, decided_by, decided_at IS NOT NULL AS dated, decision_note FROM devapp.add_credential_product(:'ec', 'c-manual');
SELECT * FROM pg_temp.state(:'e');
SELECT FROM devapp.update_approval_rule('self-service', decision => 'hold');
SELECT app_status, products FROM devapp.issue_credential(:'e', products => '{c-auto,c-manual,c-internal}');
SELECT * FROM pg_temp.state(:'e');
SELECT FROM devapp.update_approval_rule('self-service', decision => 'approve');
-- one that waits, one that was rejected
SELECT app_id AS w, credential_id AS wc FROM devapp.create_app('waiting', developer => 'cond@example.com', products => '{c-private}') \gset
SELECT FROM devapp.add_credential_product(:'wc', 'c-manual');
SELECT FROM devapp.add_credential_product(:'wc', 'c-internal');
SELECT * FROM pg_temp.state(:'w');
SELECT FROM devapp.issue_credential(:'r', products => '{c-manual,c-internal}');
SELECT * FROM pg_temp.state(:'r');
-- in another mode rules are not asked
SELECT FROM devapp.set_app_approval('manual');
SELECT app_id AS a FROM devapp.create_app('manual mode', developer => 'boss@partner.example', products => '{c-internal}') \gset
SELECT * FROM pg_temp.state(:'a');
SELECT FROM devapp.remove_credential_product(:'ec', 'c-internal');
SELECT status, decided_by FROM devapp.add_credential_product(:'ec', 'c-internal');
SELECT FROM devapp.set_app_approval('conditional');

-- handed in again: nothing changed, so it is rejected again
SELECT app_id AS r, credential_id AS rc FROM devapp.create_app('again', developer => 'cond@example.com', products => '{c-manual,c-private,c-internal}') \gset
SELECT status, decided_by, decision_note FROM devapp.resubmit_app(:'r', 'please');
SELECT * FROM pg_temp.state(:'r');
-- the product that was rejected is asked for no more: the rest is decided
SELECT FROM devapp.remove_credential_product(:'rc', 'c-internal');
SELECT status, replace(decided_by, current_user, 'me') AS decided_by, decision_note FROM devapp.resubmit_app(:'r', 'without it');
SELECT * FROM pg_temp.state(:'r');
SELECT status FROM devapp.approve_app(:'r');

-- the rule holds now what it rejected: the association is made anew
SELECT app_id AS r, credential_id AS rc FROM devapp.create_app('again, held', developer => 'cond@example.com', products => '{c-internal,c-manual}') \gset
SELECT FROM devapp.update_approval_rule('internal', decision => 'hold', note => 'ask first');
SELECT status, replace(decided_by, current_user, 'me') AS decided_by, decision_note FROM devapp.resubmit_app(:'r', 'please');
SELECT * FROM pg_temp.state(:'r');
SELECT FROM devapp.approve_app(:'r', 'asked');
SELECT * FROM pg_temp.state(:'r');
-- or approves
SELECT FROM devapp.update_approval_rule('internal', decision => 'reject');
SELECT app_id AS r, secret FROM devapp.create_app('again, approved', developer => 'cond@example.com', products => '{c-internal,c-manual}') \gset
SELECT FROM devapp.update_approval_rule('internal', decision => 'approve', note => '');
SELECT status, decided_by, decision_note FROM devapp.resubmit_app(:'r', 'please');
SELECT * FROM pg_temp.state(:'r');
SELECT code FROM devapp.verify_key(:'secret');
-- without any product
SELECT FROM devapp.create_approval_rule('nobody', 1, 'reject', max_apps_owned => 100);
SELECT app_id AS r FROM devapp.create_app('again, none', developer => 'cond@example.com') \gset
SELECT status, decided_by FROM devapp.resubmit_app(:'r');
SELECT FROM devapp.delete_approval_rule('nobody');
SELECT status, decided_by, decision_note FROM devapp.resubmit_app(:'r', 'please');
-- the rule that decided is gone; its name stays
SELECT count(*) AS decisions_kept FROM devapp.app WHERE decided_by = 'rule:nobody' OR name = 'again, none';

-- what a person rejected waits for a person, whatever the rules say about its products
SELECT FROM devapp.update_approval_rule('internal', decision => 'reject', note => 'not for outsiders');
SELECT app_id AS p, credential_id AS pc FROM devapp.create_app('by hand', developer => 'cond@example.com', products => '{c-private,c-manual}') \gset
SELECT FROM devapp.reject_app(:'p', 'no contract');
SELECT FROM devapp.update_approval_rule('private', decision => 'approve');
SELECT FROM devapp.add_credential_product(:'pc', 'c-internal');
SELECT status, replace(decided_by, current_user, 'me') AS decided_by, decision_note FROM devapp.resubmit_app(:'p', 'signed');
SELECT * FROM pg_temp.state(:'p');
SELECT FROM devapp.update_approval_rule('private', decision => 'hold');
-- and what a person decided about a product stands
SELECT app_id AS p, credential_id AS pc FROM devapp.create_app('exception', developer => 'cond@example.com', products => '{c-internal,c-manual}') \gset
SELECT FROM devapp.set_credential_product_status(:'pc', 'c-internal', 'approve', 'an exception');
SELECT FROM devapp.set_credential_product_status(:'pc', 'c-manual', 'revoke', 'but not this');
SELECT FROM devapp.add_credential_product(:'pc', 'c-auto');
SELECT status, decided_by, decision_note FROM devapp.resubmit_app(:'p');
SELECT * FROM pg_temp.state(:'p');
-- where a person decided about all of them, the app is for a person, too
SELECT app_id AS p, credential_id AS pc FROM devapp.create_app('all by hand', developer => 'cond@example.com', products => '{c-internal}') \gset
SELECT FROM devapp.set_credential_product_status(:'pc', 'c-internal', 'approve', 'an exception');
SELECT status, replace(decided_by, current_user, 'me') AS decided_by FROM devapp.resubmit_app(:'p');
-- a revoked credential asks for nothing
SELECT app_id AS p, credential_id AS pc FROM devapp.create_app('revoked key', developer => 'cond@example.com', products => '{c-internal}') \gset
SELECT FROM devapp.issue_credential(:'p', products => '{c-manual}');
SELECT status FROM devapp.resubmit_app(:'p');
SELECT FROM devapp.revoke_credential(:'pc');
SELECT status, decided_by FROM devapp.resubmit_app(:'p');
SELECT * FROM pg_temp.state(:'p');
-- only what was rejected is handed in again
SELECT devapp.resubmit_app(:'p');
SELECT devapp.resubmit_app('00000000-0000-0000-0000-000000000000');

-- how many apps the owner has: the first is let in, this one not counted
SELECT FROM devapp.create_developer('counter@example.com');
SELECT FROM devapp.create_approval_rule('first app', 2, 'approve', max_apps_owned => 0);
SELECT FROM devapp.create_approval_rule('too many', 3, 'reject', min_apps_owned => 2);
SELECT FROM devapp.create_approval_rule('second', 4, 'hold', min_apps_owned => 1, max_apps_owned => 1);
SELECT n, (devapp.create_app('app ' || n, developer => 'counter@example.com')).app_status FROM generate_series(1, 3) AS n;
SELECT name, a.status, a.decided_by, a.decision_note FROM devapp.app a JOIN devapp.developer d USING (developer_id) WHERE d.email = 'counter@example.com' ORDER BY name;
-- what is deleted does not count, what is rejected does
SELECT count(devapp.delete_app(app_id)) FROM (SELECT app_id FROM devapp.app JOIN devapp.developer USING (developer_id) WHERE email = 'counter@example.com' AND name IN ('app 1', 'app 2')) AS x;
SELECT app_status FROM devapp.create_app('app 4', developer => 'counter@example.com');
-- an old snapshot cannot count, but only where a rule counts
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT devapp.create_app('app 5', developer => 'counter@example.com');
ROLLBACK;
DELETE FROM devapp.approval_rule WHERE num_nonnulls(min_apps_owned, max_apps_owned) > 0;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT app_status FROM devapp.create_app('app 5', developer => 'counter@example.com');
ROLLBACK;

-- bad input makes nothing in this mode either
SELECT count(*) AS before FROM devapp.app \gset
SELECT devapp.create_app('approved', developer => 'cond@example.com');
SELECT devapp.create_app('x', developer => 'cond@example.com', attributes => '[]');
SELECT devapp.create_app('x', developer => 'cond@example.com', attributes => '"text"');
SELECT devapp.create_app('x', developer => 'cond@example.com', products => '{nothing}');
SELECT devapp.create_app('x', developer => 'nobody@example.com');
\set VERBOSITY sqlstate
SELECT devapp.add_credential_product(:'ec', 'c-private');
\set VERBOSITY default
SELECT count(*) - :before AS made FROM devapp.app;

-- nobody puts a rule's name to his own decision, nor another one
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_rules_admin, regress_rules_developer;
RESET client_min_messages;
CREATE ROLE regress_rules_admin;
CREATE ROLE regress_rules_developer;
GRANT USAGE ON SCHEMA devapp TO regress_rules_admin, regress_rules_developer;
GRANT SELECT, UPDATE ON devapp.app TO regress_rules_admin;
CREATE POLICY regress_rules_admin ON devapp.app TO regress_rules_admin USING (true);
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA devapp TO regress_rules_admin;
GRANT EXECUTE ON FUNCTION devapp.create_app,
    devapp.resubmit_app, devapp.add_credential_product TO regress_rules_developer;
SELECT a.app_id AS mine FROM devapp.app a WHERE a.name = 'existing' \gset
SET ROLE regress_rules_admin;
UPDATE devapp.app SET status = 'suspended', decided_by = 'rule:partners' WHERE app_id = :'mine' RETURNING decided_by;
UPDATE devapp.app SET status = 'approved', decided_by = 'auto' WHERE app_id = :'mine' RETURNING decided_by;
UPDATE devapp.app SET status = 'suspended', decided_by = 'Ann' WHERE app_id = :'mine' RETURNING decided_by;
UPDATE devapp.app SET decided_by = 'rule:partners' WHERE app_id = :'mine';
-- but rules decide under their own whoever asks them
SELECT app_id AS a, app_status FROM devapp.create_app('by an admin', developer => 'cond@example.com', products => '{c-internal}') \gset
SELECT status, decided_by FROM devapp.resubmit_app(:'a');
RESET ROLE;
SET request.jwt.claims = '{"email": "cond@example.com", "email_verified": true}';
SET ROLE regress_rules_developer;
SELECT app_id AS a, app_status, credential_id AS ac FROM devapp.create_app('by the owner') \gset
SELECT :'app_status' AS app_status;
SELECT status, decided_by FROM devapp.add_credential_product(:'ac', 'c-manual');
RESET ROLE;
SELECT FROM devapp.update_approval_rule('self-service', decision => 'reject', product => '');
SET ROLE regress_rules_developer;
SELECT app_id AS a, app_status FROM devapp.create_app('by the owner, rejected') \gset
SELECT status, decided_by FROM devapp.resubmit_app(:'a', 'please');
RESET ROLE;
RESET request.jwt.claims;
SELECT FROM devapp.set_app_approval('conditional');
DELETE FROM devapp.approval_rule;
DROP OWNED BY regress_rules_admin, regress_rules_developer;
DROP ROLE regress_rules_admin, regress_rules_developer;
