-- Bulk: deleting apps; adding, removing and replacing products.
\set SHOW_CONTEXT never

SELECT FROM devapp.create_developer('bp@example.com');
SELECT FROM devapp.create_product('bp-old');
SELECT FROM devapp.create_product('bp-new');
SELECT FROM devapp.create_product('bp-contract', approval => 'manual');
SELECT FROM devapp.create_product('bp-contract-2', approval => 'manual');
SELECT FROM unnest('{bp-old,bp-new,bp-contract,bp-contract-2}'::text[]) AS p, devapp.add_operation(p, '/bp', '{GET}');
-- one: two live credentials and a revoked one; two: one, with another product; bare: without products; dead: none that is live
SELECT app_id AS one, secret AS one_secret FROM devapp.create_app('bp one', 'bp@example.com', products => '{bp-old}') \gset
SELECT credential_id AS one_b FROM devapp.issue_credential(:'one') \gset
SELECT credential_id AS one_revoked FROM devapp.issue_credential(:'one') \gset
SELECT FROM devapp.revoke_credential(:'one_revoked');
SELECT app_id AS two FROM devapp.create_app('bp two', 'bp@example.com', products => '{bp-old,bp-new}') \gset
SELECT FROM devapp.create_app('bp bare', 'bp@example.com', products => '{}');
SELECT app_id AS dead, credential_id AS dead_credential FROM devapp.create_app('bp dead', 'bp@example.com', products => '{bp-old}') \gset
SELECT FROM devapp.revoke_credential(:'dead_credential');

-- what the credentials of these apps are associated with
CREATE FUNCTION pg_temp.products() RETURNS TABLE (app text, credential bigint, status text, products text) LANGUAGE sql AS $$
    SELECT a.name, row_number() OVER (PARTITION BY a.app_id ORDER BY c.credential_id), c.status,
           (SELECT string_agg(p.name || ' ' || cp.status, ', ' ORDER BY cp.ordinal) FROM devapp.credential_product cp JOIN devapp.product p USING (product_id) WHERE cp.credential_id = c.credential_id AND cp.removed_at IS NULL)
      FROM devapp.app a JOIN devapp.developer d USING (developer_id) JOIN devapp.credential c USING (app_id) WHERE d.email = 'bp@example.com' ORDER BY a.app_id, c.credential_id $$;

-- added to the live credentials that lack one; what needs approval waits
SELECT app_name, old_status, new_status, outcome, error, products, pending_products FROM devapp.bulk_add_products('{bp-new,bp-contract}', filter => '{"owner": "bp@example.com"}');
SELECT count(*) AS changed_by_the_dry_run FROM pg_temp.products() WHERE products LIKE '%contract%';
SELECT app_name, outcome, products, pending_products FROM devapp.bulk_add_products('{bp-new,bp-contract}', filter => '{"owner": "bp@example.com"}', note => 'for all', dry_run => false);
SELECT * FROM pg_temp.products();
SELECT what, note, count(*) FROM devapp.app_history(:'one') WHERE note = 'for all' GROUP BY what, note ORDER BY what;
-- again: nothing is left to do; one that lacks it is
SELECT * FROM devapp.bulk_add_products('{bp-new,bp-contract}', filter => '{"owner": "bp@example.com"}', dry_run => false);
SELECT FROM devapp.remove_credential_product(:'one_b', 'bp-new');
SELECT app_name, products FROM devapp.bulk_add_products('{bp-contract,bp-new}', ARRAY[:'one', :'two']::uuid[], dry_run => false);

-- removed from all credentials, also those that do not work
SELECT app_name, outcome, products, pending_products FROM devapp.bulk_remove_products('{bp-contract,bp-new}', app_ids => ARRAY[:'two', :'one', :'dead']::uuid[], note => 'not needed', dry_run => false);
SELECT * FROM pg_temp.products();

-- replaced: who had it keeps working, without a decision of the product's own approval; what waited waits
SELECT code FROM devapp.verify_key(:'one_secret', '/bp', 'GET');
SELECT app_name, outcome, products, pending_products FROM devapp.bulk_replace_product('bp-old', 'bp-contract', filter => '{"owner": "bp@example.com"}', note => 'v2', dry_run => false);
SELECT * FROM pg_temp.products();
SELECT code, product FROM devapp.verify_key(:'one_secret', '/bp', 'GET');
SELECT cp.status, cp.decided_by = current_user AS by_me, cp.decided_at IS NOT NULL AS decided, cp.decision_note FROM devapp.credential_product cp WHERE cp.credential_id = :'one_b' AND cp.removed_at IS NULL;
SELECT what, note, count(*) FROM devapp.app_history(:'one') WHERE note = 'v2' GROUP BY what, note ORDER BY what;
-- bare waits for it, and goes on waiting for another one; where the other is there, it is approved along, but not if it was revoked
SELECT app_name, products, pending_products FROM devapp.bulk_replace_product('bp-contract', 'bp-contract-2', filter => '{"name": "bp bare", "owner": "bp@example.com"}', dry_run => false);
SELECT FROM devapp.add_app_product(:'one', 'bp-contract-2');
SELECT FROM devapp.set_credential_product_status(:'one_b', 'bp-contract-2', 'revoke');
SELECT app_name, products, pending_products FROM devapp.bulk_replace_product('bp-contract', 'bp-contract-2', filter => '{"owner": "bp@example.com"}', note => 'v3', dry_run => false);
SELECT * FROM pg_temp.products();
-- again: nothing is left to do
SELECT * FROM devapp.bulk_replace_product('bp-contract', 'bp-contract-2', filter => '{"owner": "bp@example.com"}', dry_run => false);

-- one app that fails does not stop the others
CREATE FUNCTION bulk_fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not this one'; END $$;
CREATE FUNCTION bulk_fails(id uuid) RETURNS boolean LANGUAGE sql AS $$ SELECT c.app_id = (SELECT a.app_id FROM devapp.app a WHERE a.name = 'bp two') FROM devapp.credential c WHERE c.credential_id = id $$;
CREATE TRIGGER zz_fail BEFORE INSERT OR UPDATE ON devapp.credential_product FOR EACH ROW WHEN (bulk_fails(NEW.credential_id)) EXECUTE FUNCTION bulk_fail();
SELECT app_name, outcome, error, products, pending_products FROM devapp.bulk_add_products('{bp-new}', filter => '{"owner": "bp@example.com"}', dry_run => false);
DROP TRIGGER zz_fail ON devapp.credential_product;
DROP FUNCTION bulk_fail, bulk_fails;

-- in batches that commit, and the events of a run in the audit trail
CALL devapp.run_bulk('remove_products', '{"owner": "bp@example.com"}', 'in batches', 1, '{"products": ["bp-new", "bp-contract-2"]}') \gset
SELECT a.name, i.outcome, i.old_status, i.new_status, i.error FROM devapp.bulk_item i JOIN devapp.app a USING (app_id) WHERE i.run_id = :'run_id' ORDER BY a.app_id;
SELECT count(DISTINCT i.transaction_id) AS transactions, count(*) AS events, count(DISTINCT e.app_id) AS apps
  FROM devapp.bulk_item i JOIN devapp.audit_event e ON e.transaction_id = i.transaction_id AND e.app_id = i.app_id WHERE i.run_id = :'run_id' AND e.action = 'remove' AND e.note = 'in batches';
-- a product that is deleted before a run is over
CREATE FUNCTION bulk_fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the disk is full' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER zz_fail BEFORE INSERT ON devapp.credential_product FOR EACH ROW EXECUTE FUNCTION bulk_fail();
CALL devapp.run_bulk('add_products', '{"owner": "bp@example.com"}', arguments => '{"products": ["bp-contract"]}');
DROP TRIGGER zz_fail ON devapp.credential_product;
DROP FUNCTION bulk_fail;
SELECT FROM devapp.delete_product('bp-contract');
SELECT run_id AS run FROM devapp.bulk_run ORDER BY run_id DESC LIMIT 1 \gset
CALL devapp.resume_bulk(:'run');
SELECT FROM devapp.cancel_bulk(:'run');

-- refused, and nothing changes
SELECT * FROM devapp.bulk_add_products(NULL, filter => '{}');
SELECT * FROM devapp.bulk_add_products('{}', filter => '{}');
SELECT * FROM devapp.bulk_add_products('{bp-new,nothing}', filter => '{}', dry_run => false);
SELECT * FROM devapp.bulk_add_products('{bp-new,bp-new}', filter => '{}');
SELECT * FROM devapp.bulk_add_products('{bp-new}');
SELECT * FROM devapp.bulk_remove_products('{bp-contract}', filter => '{}', dry_run => false);
SELECT * FROM devapp.bulk_replace_product('bp-old', NULL, filter => '{}', dry_run => false);
SELECT * FROM devapp.bulk_replace_product('bp-old', 'bp-old', filter => '{}', dry_run => false);
SELECT * FROM devapp.bulk_replace_product('bp-old', 'bp-new');
SELECT * FROM devapp.bulk_add_products('{bp-new}', filter => '{"owner": "bp@example.com"}', note => repeat('x', 4001), dry_run => false);
SELECT * FROM pg_temp.products();

-- deleted: credentials end at once, the name is free, the history stays; again there is nothing to do
SELECT app_name, old_status, new_status, outcome, products, pending_products FROM devapp.bulk_delete(filter => '{"owner": "bp@example.com", "name": "*e"}', note => 'cleaned up', dry_run => false);
SELECT * FROM devapp.bulk_delete(filter => '{"owner": "bp@example.com", "name": "*e"}', dry_run => false);
SELECT * FROM devapp.bulk_delete(filter => '{"owner": "bp@example.com", "status": "deleted"}', dry_run => false);
SELECT code FROM devapp.verify_key(:'one_secret', '/bp', 'GET');
SELECT what, note FROM devapp.app_history(:'one') WHERE what LIKE 'app %' ORDER BY event_id DESC LIMIT 1;
SELECT app_status FROM devapp.create_app('bp one', 'bp@example.com', products => '{}');
