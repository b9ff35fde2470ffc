-- An app is pending until nothing of it waits, in the mode that holds where nobody has set one.
\set SHOW_CONTEXT never
SELECT FROM devapp.create_developer('flow@example.com');
SELECT FROM devapp.create_developer('flow-payouts@example.com');
SELECT FROM devapp.create_developer('flow-orders@example.com');
SELECT FROM devapp.create_team('flow-payouts');
SELECT FROM devapp.create_team('flow-orders');
SELECT FROM devapp.add_team_member('flow-payouts', 'flow-payouts@example.com', 'admin');
SELECT FROM devapp.add_team_member('flow-orders', 'flow-orders@example.com', 'admin');
SELECT FROM devapp.create_product('flow-auto');
SELECT FROM devapp.create_product('payouts', approval => 'manual');
SELECT FROM devapp.create_product('flow-orders', approval => 'manual');
SELECT FROM devapp.add_operation('flow-auto', '/auto');
SELECT FROM devapp.add_product_approver('payouts', team => 'flow-payouts');
SELECT FROM devapp.add_product_approver('flow-orders', team => 'flow-orders');
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_flow;
RESET client_min_messages;
CREATE ROLE regress_flow;
GRANT USAGE ON SCHEMA devapp TO regress_flow;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA devapp TO regress_flow;

-- app_state(name): the app, who decided, why; its products
CREATE FUNCTION app_state(of_app text) RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT concat_ws(' | ', a.status, coalesce(replace(a.decided_by, session_user, 'me'), '-'), coalesce(a.decision_note, '-'),
                     (SELECT string_agg(concat_ws(' ', p.name, CASE WHEN cp.removed_at IS NULL THEN cp.status ELSE 'removed' END), ', ' ORDER BY cp.ordinal)
                        FROM devapp.credential c JOIN devapp.credential_product cp USING (credential_id) JOIN devapp.product p USING (product_id)
                       WHERE c.app_id = a.app_id))
      FROM devapp.app a WHERE a.name = of_app $$;
CREATE FUNCTION app_of(name text) RETURNS uuid LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$ SELECT a.app_id FROM devapp.app a WHERE a.name = app_of.name $$;
CREATE FUNCTION key_of(name text) RETURNS uuid LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT c.credential_id FROM devapp.credential c JOIN devapp.app a USING (app_id) WHERE a.name = key_of.name ORDER BY c.credential_id LIMIT 1 $$;
-- flow(name, products): a new app
CREATE FUNCTION flow(name text, products text[]) RETURNS devapp.issued_credential LANGUAGE sql AS $$
    SELECT devapp.create_app(name, developer => 'flow@example.com', products => products) $$;
-- result(statement): what it says, without ids
CREATE FUNCTION result(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text;
BEGIN
    EXECUTE statement INTO said;
    RETURN said;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || regexp_replace(SQLERRM, '[0-9a-f]{8}-[0-9a-f-]{27}', 'ID');
END $$;

-- ---------- the walk ----------

SELECT secret, app_status, status, products, pending_products FROM flow('walk', '{flow-auto,payouts}') \gset
SELECT :'app_status' AS app_status, :'status' AS status, :'products' AS products, :'pending_products' AS pending_products;
-- the product that needs no approval waits as well
SELECT code, pending_products FROM devapp.verify_key(:'secret', '/auto');
-- the queue shows what waits
SELECT app, app_status, product, approvers FROM devapp_report.pending_approvals WHERE app = 'walk';
SELECT status, decided_by = current_user AS by_me, decision_note FROM devapp.approve_app(app_of('walk'), 'contract');
SELECT app_state('walk');
SELECT code, pending_products FROM devapp.verify_key(:'secret', '/auto');
SELECT count(*) FROM devapp_report.pending_approvals WHERE app = 'walk';
-- once more changes nothing and says so
\set VERBOSITY sqlstate
SELECT status, decision_note FROM devapp.approve_app(app_of('walk'), 'again');
\set VERBOSITY default
-- a product that is added waits alone
SELECT status FROM devapp.add_credential_product(key_of('walk'), 'flow-orders');
SELECT app_state('walk');
SELECT code, pending_products FROM devapp.verify_key(:'secret', '/auto');
SELECT app, app_status, product FROM devapp_report.pending_approvals WHERE app = 'walk';
-- approve_app approves it, and the app stays as it was
SELECT status, decision_note FROM devapp.approve_app(app_of('walk'), 'orders too');
SELECT app_state('walk');

-- nothing waits: approved at once; without a product as well
SELECT app_status, pending_products FROM flow('at once', '{flow-auto}');
SELECT app_status, products, pending_products FROM flow('bare', NULL);
-- names are sorted, whatever the order of the products
SELECT products, pending_products FROM flow('sorted', '{payouts,flow-auto,flow-orders}');

-- ---------- the last waiting product ----------

-- is approved alone: the app with it
SELECT FROM flow('alone', '{flow-auto,payouts,flow-orders}');
SELECT status FROM devapp.set_credential_product_status(key_of('alone'), 'payouts', 'approve', 'paid');
SELECT app_state('alone');
SELECT status FROM devapp.set_credential_product_status(key_of('alone'), 'flow-orders', 'approve', 'fine');
SELECT app_state('alone');
-- is removed, of the credential or of the app
SELECT FROM flow('removed', '{flow-auto,payouts,flow-orders}');
SELECT FROM devapp.remove_credential_product(key_of('removed'), 'payouts');
SELECT app_state('removed');
SELECT FROM devapp.remove_app_product(app_of('removed'), 'flow-orders');
SELECT app_state('removed');
-- one that does not wait is removed: that decides nothing
SELECT FROM flow('other removed', '{flow-auto,payouts}');
SELECT FROM devapp.remove_credential_product(key_of('other removed'), 'flow-auto');
SELECT app_state('other removed');
-- is refused
SELECT FROM flow('refused', '{flow-auto,payouts}');
SELECT FROM devapp.set_credential_product_status(key_of('refused'), 'payouts', 'revoke', 'not for you');
SELECT app_state('refused');
SELECT event, payload ->> 'product' AS product, payload -> 'products' AS products, payload ->> 'note' AS note
  FROM devapp.notification WHERE payload ->> 'app' = 'refused' AND event <> 'app_submitted' ORDER BY notification_id;
-- goes with its credential
SELECT FROM flow('deleted key', '{payouts}');
SELECT FROM devapp.delete_credential(key_of('deleted key'));
SELECT app_state('deleted key');
-- or waits with a key that is revoked, or leaked, for nobody; back again, it waits alone
SELECT FROM flow('revoked alone', '{payouts}');
SELECT FROM devapp.revoke_credential(key_of('revoked alone'));
SELECT app_state('revoked alone');
SELECT count(*) FROM devapp_report.pending_approvals WHERE app = 'revoked alone';
SELECT FROM devapp.approve_credential(key_of('revoked alone'));
SELECT app_state('revoked alone');
SELECT app_status, product FROM devapp_report.pending_approvals WHERE app = 'revoked alone';
SELECT app_id AS leaked, secret AS leaked_secret FROM devapp.create_app('leaked alone', developer => 'flow@example.com', products => '{payouts}') \gset
SELECT outcome FROM devapp.report_leak(:'leaked_secret');
SELECT app_state('leaked alone');
-- not where a person had rejected the app, unless an administrator revokes it
SELECT FROM flow('refused alone', '{payouts}');
SELECT FROM devapp.reject_app(app_of('refused alone'), 'no');
SELECT FROM devapp.resubmit_app(app_of('refused alone'));
SET request.jwt.claims = '{"email": "flow@example.com", "email_verified": true}';
SET ROLE regress_flow;
SELECT FROM devapp.revoke_credential(key_of('refused alone'));
RESET ROLE;
RESET request.jwt.claims;
SELECT app_state('refused alone');
SELECT FROM devapp.approve_credential(key_of('refused alone'));
SELECT FROM devapp.revoke_credential(key_of('refused alone'));
SELECT app_state('refused alone');
-- waits for two credentials: both have to be decided on
SELECT FROM flow('two keys', '{payouts}');
SELECT credential_id AS second FROM devapp.issue_credential(app_of('two keys')) \gset
SELECT FROM devapp.set_credential_product_status(key_of('two keys'), 'payouts', 'approve');
SELECT app_state('two keys');
SELECT FROM devapp.set_credential_product_status(:'second', 'payouts', 'approve');
SELECT app_state('two keys');
-- what a revoked credential asks for does not count, nor is it approved unasked
SELECT FROM flow('revoked key', '{payouts}');
SELECT credential_id AS second FROM devapp.issue_credential(app_of('revoked key'), products => '{flow-orders}') \gset
SELECT FROM devapp.revoke_credential(key_of('revoked key'));
SELECT FROM devapp.set_credential_product_status(:'second', 'flow-orders', 'approve');
SELECT app_state('revoked key');
-- by an UPDATE, of one and of all at once
SELECT FROM flow('update', '{payouts,flow-orders}');
UPDATE devapp.credential_product SET status = 'approved', decision_note = 'by hand' WHERE credential_id = key_of('update');
SELECT app_state('update');
SELECT FROM flow('update removed', '{payouts}');
UPDATE devapp.credential_product SET removed_at = now() WHERE credential_id = key_of('update removed');
SELECT app_state('update removed');
UPDATE devapp.app SET status = 'approved' WHERE name = 'sorted';
SELECT app_state('sorted');

-- ---------- an approver's part ----------

SELECT FROM flow('parts', '{flow-auto,payouts,flow-orders}');
SET request.jwt.claims = '{"email": "flow-payouts@example.com", "email_verified": true}';
SET ROLE regress_flow;
SELECT status FROM devapp.approve_app(app_of('parts'), 'payouts are fine');
SELECT app_state('parts');
\set VERBOSITY sqlstate
-- again: nothing more of it is hers, so she is shown no more than which app it is
SELECT name, status, description, developer_id, decision_note FROM devapp.approve_app(app_of('parts'));
\set VERBOSITY default
SELECT result('SELECT status FROM devapp.reject_app(app_of(''parts''))');
RESET ROLE;
SET request.jwt.claims = '{"email": "flow-orders@example.com", "email_verified": true}';
SET ROLE regress_flow;
SELECT status, decided_by FROM devapp.approve_app(app_of('parts'), 'orders are fine');
SELECT app_state('parts');
-- apps in which nothing is hers do not exist for her; not of what an administrator revoked
SELECT result('SELECT status FROM devapp.approve_app(app_of(''at once''))');
RESET ROLE;
SELECT FROM devapp.revoke_app(app_of('parts'));
SET ROLE regress_flow;
SELECT result('SELECT status FROM devapp.approve_app(app_of(''parts''))');
RESET ROLE;
-- an approved app: the product that was added
SELECT FROM devapp.approve_app(app_of('parts'), 'back');
SELECT FROM devapp.add_credential_product(key_of('at once'), 'flow-orders');
SELECT FROM devapp.add_credential_product(key_of('at once'), 'payouts');
SET ROLE regress_flow;
SELECT name, status FROM devapp.approve_app(app_of('at once'), 'fine');
SELECT app_state('at once');
-- nobody decides on his own app
RESET ROLE;
SELECT FROM devapp.create_app('own', team => 'flow-orders', products => '{flow-orders}');
SET ROLE regress_flow;
SELECT result('SELECT status FROM devapp.approve_app(app_of(''own''))');
RESET ROLE;
-- a suspended app keeps its status
SELECT FROM devapp.suspend_app(app_of('at once'), 'late');
SELECT status, decision_note FROM devapp.approve_app(app_of('at once'), 'payouts');
SELECT app_state('at once');
SELECT FROM devapp.resume_app(app_of('at once'));
RESET request.jwt.claims;

-- ---------- rejecting ----------

SELECT FROM flow('rejected', '{flow-auto,payouts}');
SELECT status, decision_note FROM devapp.reject_app(app_of('rejected'), 'no');
SELECT app_state('rejected');
-- of an approved app: what waits
SELECT FROM devapp.add_credential_product(key_of('bare'), 'payouts');
SELECT status, decision_note FROM devapp.reject_app(app_of('bare'), 'no payouts');
SELECT app_state('bare');
-- where nothing waits it has to be revoked
SELECT devapp.reject_app(app_of('bare'));

-- ---------- handed in again ----------

-- a person had rejected it: what its owner takes away approves nothing, what a person approves does
SELECT status FROM devapp.resubmit_app(app_of('rejected'));
SET request.jwt.claims = '{"email": "flow@example.com", "email_verified": true}';
SET ROLE regress_flow;
SELECT FROM devapp.remove_credential_product(key_of('rejected'), 'payouts');
RESET ROLE;
RESET request.jwt.claims;
SELECT split_part(app_state('rejected'), ' ', 1) AS app, product FROM devapp_report.pending_approvals WHERE app = 'rejected';
SELECT FROM devapp.approve_app(app_of('rejected'));
SELECT app_state('rejected');
SELECT FROM flow('again', '{flow-auto,payouts}');
SELECT FROM devapp.reject_app(app_of('again'));
SELECT FROM devapp.resubmit_app(app_of('again'));
SELECT FROM devapp.set_credential_product_status(key_of('again'), 'payouts', 'approve', 'better');
SELECT app_state('again');
-- a rule had rejected it: it waits for its products like a new one
SELECT FROM devapp.create_approval_rule('flow', 1, 'reject', product => 'payouts');
SELECT FROM flow('by rule', '{flow-auto,payouts}');
SELECT app_state('by rule');
SELECT FROM devapp.delete_approval_rule('flow');
SELECT FROM devapp.resubmit_app(app_of('by rule'), 'again');
SELECT app_state('by rule');
SET request.jwt.claims = '{"email": "flow@example.com", "email_verified": true}';
SET ROLE regress_flow;
SELECT FROM devapp.remove_credential_product(key_of('by rule'), 'payouts');
RESET ROLE;
RESET request.jwt.claims;
SELECT app_state('by rule');

-- ---------- once more ----------

\set VERBOSITY sqlstate
SELECT status FROM devapp.set_credential_product_status(key_of('walk'), 'payouts', 'approve', 'again');
SELECT status FROM devapp.set_credential_product_status(key_of('walk'), 'payouts', 'revoke', 'late');
SELECT status, decision_note FROM devapp.set_credential_product_status(key_of('walk'), 'payouts', 'revoked', 'again');
SELECT status FROM devapp.approve_credential(key_of('walk'), 'again');
SELECT status FROM devapp.revoke_credential(key_of('walk'), 'lost');
SELECT status, decision_note FROM devapp.revoke_credential(key_of('walk'), 'again');
SELECT status FROM devapp.revoke_app(app_of('walk'), 'late');
SELECT status, decision_note FROM devapp.revoke_app(app_of('walk'), 'again');
\set VERBOSITY default

-- ---------- the other modes ----------

-- manual: the app itself waits, whatever is decided about its products
SELECT FROM devapp.set_app_approval('manual');
SELECT FROM flow('flow manual', '{flow-auto,payouts,flow-orders}');
SELECT FROM devapp.set_credential_product_status(key_of('flow manual'), 'payouts', 'approve');
SELECT FROM devapp.remove_credential_product(key_of('flow manual'), 'flow-orders');
SELECT app_state('flow manual');
SELECT FROM devapp.approve_app(app_of('flow manual'));
SELECT app_state('flow manual');
-- auto: the product waits alone
SELECT FROM devapp.set_app_approval('auto');
SELECT app_status, pending_products FROM flow('flow auto', '{flow-auto,payouts}');
SELECT FROM devapp.set_app_approval('conditional');

DROP OWNED BY regress_flow;
DROP ROLE regress_flow;
DROP FUNCTION app_state(text), app_of(text), key_of(text), flow(text, text[]), result(text);
