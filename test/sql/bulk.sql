-- Bulk actions: which apps they concern, what becomes of them, and that a dry run
-- says what the real run does.
\set SHOW_CONTEXT never

SELECT FROM devapp.create_developer('bulk-a@example.com');
SELECT FROM devapp.create_developer('bulk-b@example.com');
SELECT FROM devapp.create_team('bulk-team');
SELECT FROM devapp.create_product('bulk-auto');
SELECT FROM devapp.create_product('bulk-manual', approval => 'manual');
SELECT FROM devapp.create_product('bulk-other', approval => 'manual');

-- an app of each kind
SELECT FROM devapp.set_app_approval('manual');
SELECT app_id AS p1 FROM devapp.create_app('pending 1', developer => 'bulk-a@example.com', products => '{bulk-auto,bulk-manual}') \gset
SELECT FROM devapp.create_app('pending 2', developer => 'bulk-a@example.com', products => '{bulk-manual,bulk-other}');
SELECT FROM devapp.create_app('rejected', developer => 'bulk-a@example.com') AS a, devapp.reject_app(a.app_id);
SELECT FROM devapp.set_app_approval('auto');
SELECT FROM devapp.create_app('waits', developer => 'bulk-a@example.com', products => '{bulk-auto,bulk-manual,bulk-other}');
SELECT FROM devapp.create_app('bulk approved', developer => 'bulk-a@example.com', products => '{bulk-auto}');
SELECT FROM devapp.create_app('suspended', developer => 'bulk-a@example.com', products => '{bulk-manual}') AS a, devapp.suspend_app(a.app_id);
SELECT FROM devapp.create_app('revoked', developer => 'bulk-a@example.com', products => '{bulk-manual}') AS a, devapp.revoke_app(a.app_id);
SELECT FROM devapp.create_app('deleted', developer => 'bulk-a@example.com') AS a, devapp.delete_app(a.app_id);
SELECT FROM devapp.create_app('of the team', team => 'bulk-team', products => '{bulk-auto}');
SELECT FROM devapp.create_app('bulk approved', team => 'bulk-team', products => '{bulk-auto}');

-- the whole program of this test, as rows to compare
CREATE FUNCTION pg_temp.state() RETURNS TABLE (app_id uuid, line text) LANGUAGE sql AS $$
    SELECT a.app_id, a::text || coalesce(string_agg(c::text || s::text || coalesce(cp::text, ''), ' ' ORDER BY c.credential_id, s.version, cp.ordinal), '')
      FROM devapp.app a LEFT JOIN devapp.credential c USING (app_id) LEFT JOIN devapp.credential_secret s USING (credential_id) LEFT JOIN devapp.credential_product cp USING (credential_id)
     GROUP BY a.app_id $$;
-- compare(call): runs it dry and for real.  What a dry run leaves behind (changes, events,
-- notifications); whether its
-- rows are those of the real run; and whether the rows that do not say "failed" are
-- exactly the apps that differ.  The real run is rolled back.
CREATE FUNCTION pg_temp.compare(call text, volatile_columns text[] DEFAULT '{}', OUT left_behind bigint, OUT rows bigint, OUT same boolean, OUT changed_are_rows boolean) LANGUAGE plpgsql AS $$
DECLARE
    before text[]; dry jsonb; wet jsonb; differ uuid[]; ids uuid[];
    told bigint := (SELECT count(*) FROM devapp.audit_event) + (SELECT count(*) FROM devapp.notification);
BEGIN
    before := ARRAY(SELECT s::text FROM pg_temp.state() s);
    EXECUTE format('SELECT coalesce(jsonb_agg(to_jsonb(b) - $1), ''[]'') FROM devapp.%s AS b', replace(call, ')', ', dry_run => true)')) INTO dry USING volatile_columns;
    left_behind := (SELECT count(*) FROM (SELECT s::text FROM pg_temp.state() s EXCEPT SELECT unnest(before)) AS x)
        + (SELECT count(*) FROM devapp.audit_event) + (SELECT count(*) FROM devapp.notification) - told;
    BEGIN
        EXECUTE format('SELECT coalesce(jsonb_agg(to_jsonb(b) - $1), ''[]'') FROM devapp.%s AS b', replace(call, ')', ', dry_run => false)')) INTO wet USING volatile_columns;
        differ := ARRAY(SELECT s.app_id FROM pg_temp.state() s WHERE s::text <> ALL (before) ORDER BY 1);
        RAISE EXCEPTION 'undo' USING ERRCODE = 'P0042';
    EXCEPTION WHEN SQLSTATE 'P0042' THEN NULL;
    END;
    ids := ARRAY(SELECT DISTINCT (r ->> 'app_id')::uuid FROM jsonb_array_elements(wet) AS r WHERE r ->> 'outcome' <> 'failed' ORDER BY 1);
    rows := jsonb_array_length(wet); same := dry = wet; changed_are_rows := ids = differ;
END $$;
SELECT c AS call, r.* FROM unnest(ARRAY[
    'bulk_approve(filter => ''{"owner": "bulk-a@example.com"}'')', 'bulk_approve(filter => ''{"owner": "bulk-a@example.com", "product": "bulk-manual"}'')', 'bulk_approve(filter => ''{"owner": "bulk-a@example.com", "status": "revoked"}'')',
    'bulk_reject(filter => ''{"owner": "bulk-a@example.com"}'')', 'bulk_suspend(filter => ''{"owner": "bulk-a@example.com"}'')', 'bulk_resume(filter => ''{"owner": "bulk-a@example.com"}'')', 'bulk_revoke(filter => ''{"owner": "bulk-a@example.com"}'')',
    'bulk_transfer(to_team => ''bulk-team'', filter => ''{"owner": "bulk-a@example.com"}'')', 'bulk_transfer(to_developer => ''bulk-b@example.com'', filter => ''{"name": "bulk approved"}'')', 'bulk_reject(filter => ''{"team": "bulk-team"}'')',
    'bulk_delete(filter => ''{"owner": "bulk-a@example.com"}'')', 'bulk_add_products(products => ''{bulk-other,bulk-auto}'', filter => ''{"owner": "bulk-a@example.com"}'')',
    'bulk_remove_products(products => ''{bulk-manual,bulk-auto}'', filter => ''{"owner": "bulk-a@example.com"}'')',
    'bulk_replace_product(product => ''bulk-manual'', replacement => ''bulk-other'', filter => ''{"owner": "bulk-a@example.com"}'')']) AS c, pg_temp.compare(c) AS r;
SELECT * FROM pg_temp.compare('bulk_rotate(filter => ''{"owner": "bulk-a@example.com"}'')', '{secret}');

-- which apps, and what becomes of them
SELECT app_name, owner, old_status, new_status, outcome, error, products FROM devapp.bulk_approve(filter => '{"owner": "bulk-a@example.com"}');
-- of a product: pending apps as a whole, approved apps for that product only
SELECT app_name, old_status, new_status, products FROM devapp.bulk_approve(filter => '{"owner": "bulk-a@example.com", "product": "bulk-other"}');
SELECT app_name, old_status, new_status, products FROM devapp.bulk_approve(filter => '{"status": "pending", "owner": "bulk-a@example.com"}');
-- a revoked app comes back only when it is asked for
SELECT app_name, old_status, new_status, products FROM devapp.bulk_approve(filter => '{"status": "revoked", "owner": "bulk-a@example.com"}');
SELECT app_name, old_status, new_status, outcome FROM devapp.bulk_reject(filter => '{"owner": "bulk-a@example.com"}');
SELECT app_name, old_status, new_status, outcome FROM devapp.bulk_suspend(filter => '{"owner": "bulk-a@example.com"}');
SELECT app_name, old_status, new_status, outcome FROM devapp.bulk_resume(filter => '{"owner": "bulk-a@example.com"}');
SELECT app_name, old_status, new_status, outcome FROM devapp.bulk_revoke(filter => '{"owner": "bulk-a@example.com"}');
SELECT app_name, old_status, new_status, outcome FROM devapp.bulk_revoke(filter => '{"status": "deleted", "owner": "bulk-a@example.com"}');
SELECT app_name, owner, new_owner, old_status, new_status, outcome, error FROM devapp.bulk_transfer(to_team => 'bulk-team', filter => '{"owner": "bulk-a@example.com"}');
-- who has it already is not concerned; of two with one name the first gets through
SELECT app_name, owner, new_owner, outcome, error FROM devapp.bulk_transfer(to_developer => 'bulk-b@example.com', filter => '{"name": "bulk approved"}');
SELECT app_name, outcome FROM devapp.bulk_transfer(to_team => 'bulk-team', filter => '{"team": "bulk-team"}');

-- for real: status, note, decider, and what it takes along
SELECT app_name, outcome FROM devapp.bulk_approve(filter => '{"owner": "bulk-a@example.com", "product": "bulk-manual"}', note => 'checked', dry_run => false);
SELECT a.name, a.status, a.decision_note, a.decided_by = current_user AS by_me, string_agg(p.name || ' ' || cp.status || coalesce(' (' || cp.decision_note || ')', ''), ', ' ORDER BY cp.ordinal) AS products
  FROM devapp.app a JOIN devapp.credential c USING (app_id) JOIN devapp.credential_product cp USING (credential_id) JOIN devapp.product p USING (product_id) JOIN devapp.developer d USING (developer_id)
 WHERE d.email = 'bulk-a@example.com' AND a.name IN ('pending 1', 'pending 2', 'waits', 'suspended') GROUP BY a.app_id ORDER BY a.app_id;
-- again: nothing is left to do
SELECT count(*) FROM devapp.bulk_approve(filter => '{"owner": "bulk-a@example.com", "product": "bulk-manual"}', dry_run => false);
-- dry_run => NULL is a dry run
SELECT app_name, outcome FROM devapp.bulk_suspend(filter => '{"owner": "bulk-a@example.com", "name": "pending 1"}', dry_run => NULL);
SELECT status FROM devapp.app WHERE app_id = :'p1';

-- one app that fails does not stop the others
CREATE FUNCTION bulk_fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.name IN ('pending 2', 'bulk approved') THEN RAISE EXCEPTION 'not %', NEW.name USING ERRCODE = 'P0043'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER zz_fail BEFORE UPDATE ON devapp.app FOR EACH ROW EXECUTE FUNCTION bulk_fail();
SELECT * FROM pg_temp.compare('bulk_suspend(filter => ''{"owner": "bulk-a@example.com"}'')');
SELECT app_name, old_status, new_status, outcome, error FROM devapp.bulk_suspend(filter => '{"owner": "bulk-a@example.com"}', dry_run => false);
SELECT a.name, a.status FROM devapp.app a JOIN devapp.developer d USING (developer_id) WHERE d.email = 'bulk-a@example.com' ORDER BY app_id;
-- what is no app's fault ends it all
CREATE OR REPLACE FUNCTION bulk_fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.name = 'bulk approved' THEN RAISE EXCEPTION 'the disk is full' USING ERRCODE = 'disk_full'; END IF;
    RETURN NEW;
END $$;
SELECT * FROM devapp.bulk_revoke(filter => '{"owner": "bulk-a@example.com"}', dry_run => false);
DROP TRIGGER zz_fail ON devapp.app;
DROP FUNCTION bulk_fail;
SELECT count(*) FROM devapp.app WHERE status = 'revoked' AND name <> 'revoked' AND developer_id = (SELECT developer_id FROM devapp.developer WHERE email = 'bulk-a@example.com');

-- rotation: a row a credential, live ones only, secrets in the real run only
SELECT credential_id AS expired FROM devapp.create_app('rotates', developer => 'bulk-b@example.com', products => '{bulk-auto}', expires_in => '1 microsecond') \gset
SELECT app_id AS r FROM devapp.app WHERE name = 'rotates' \gset
SELECT credential_id AS first, secret AS old_first FROM devapp.issue_credential(:'r', products => '{bulk-auto}') \gset
SELECT credential_id AS second FROM devapp.issue_credential(:'r', products => '{bulk-auto}', kind => 'oauth_client') \gset
SELECT credential_id AS gone FROM devapp.issue_credential(:'r') \gset
SELECT FROM devapp.revoke_credential(:'gone');
SELECT credential_id AS busy FROM devapp.issue_credential(:'r') \gset
SELECT FROM devapp.rotate_credential(:'busy');
SELECT app_name, outcome, regexp_replace(error, 'dvk_[0-9A-Za-z_]+', 'KEY') AS error, secret, credential_id = :'first' AS first, credential_id = :'second' AS second, previous_valid_until = now() + interval '7 days' AS a_week
  FROM devapp.bulk_rotate(filter => '{"owner": "bulk-b@example.com"}');
SELECT code FROM devapp.verify_key(:'old_first');
SELECT secret AS new_first FROM devapp.bulk_rotate(app_ids => ARRAY[:'r']::uuid[], overlap => '1 hour', note => 'leak', dry_run => false) WHERE credential_id = :'first' \gset
SELECT action, note, count(*) FROM devapp.audit_event WHERE app_id = :'r' AND note = 'leak' GROUP BY action, note;
SELECT (devapp.verify_key(:'new_first')).code AS new, (devapp.verify_key(:'old_first')).code AS old, (devapp.verify_key(:'old_first')).superseded_until - now() < '1 hour' AS for_an_hour;
SELECT count(*) AS versions FROM devapp.credential_secret WHERE credential_id IN (:'first', :'second', :'busy', :'expired', :'gone');
-- more than fit into memory are refused: their secrets would be written to temporary files
SET work_mem = '64kB';
SELECT FROM devapp.create_team('bulk-many');
SELECT count(*) FROM generate_series(1, 33) AS i, devapp.create_app('many ' || i, team => 'bulk-many');
SELECT * FROM devapp.bulk_rotate(filter => '{"team": "bulk-many"}');
SELECT count(*), count(secret) AS secrets FROM devapp.bulk_rotate(app_ids => ARRAY(SELECT app_id FROM devapp.app WHERE name LIKE 'many %' LIMIT 32), dry_run => false);
RESET work_mem;

-- refused, and nothing changes
SELECT * FROM devapp.bulk_rotate(overlap => '-1 day', filter => '{"team": "bulk-team"}');
SELECT * FROM devapp.bulk_rotate(overlap => NULL, filter => '{"team": "bulk-team"}');
SELECT * FROM devapp.bulk_transfer(filter => '{"team": "bulk-team"}');
SELECT * FROM devapp.bulk_transfer(to_developer => 'bulk-b@example.com', to_team => 'bulk-team', filter => '{"team": "bulk-team"}');
SELECT * FROM devapp.bulk_transfer(to_developer => 'nobody@example.com', filter => '{"team": "bulk-team"}');
SELECT * FROM devapp.bulk_suspend(filter => '{"team": "bulk-team"}', note => repeat('x', 4001), dry_run => false);
SELECT * FROM devapp.bulk_suspend(filter => '{"team": "nobody"}', dry_run => false);
-- which apps must be said: by app_ids, by a filter, or by both; never by leaving both out
SELECT * FROM devapp.bulk_suspend();
SELECT * FROM devapp.bulk_suspend(note => 'all of them', dry_run => false);
SELECT * FROM devapp.bulk_delete(NULL, NULL, dry_run => false);
SELECT * FROM devapp.bulk_transfer(to_team => 'bulk-team');
SELECT * FROM devapp.bulk_rotate(overlap => '0');
SELECT * FROM devapp.bulk_suspend(app_ids => '{}');
SELECT * FROM devapp.bulk_suspend(app_ids => '{}', filter => '{}', dry_run => false);
SELECT * FROM devapp.bulk_suspend(app_ids => ARRAY['00000000-0000-0000-0000-000000000000', :'p1']::uuid[], dry_run => false);
SELECT * FROM devapp.bulk_suspend(app_ids => ARRAY[:'p1', NULL]::uuid[], dry_run => false);
SELECT * FROM devapp.bulk_suspend(filter => '[]');
SELECT * FROM devapp.bulk_suspend(filter => '{"colour": "red"}');
SELECT * FROM devapp.bulk_suspend(filter => '{"attribute": null}', dry_run => false);
-- apps by their names, mixed with ids; unknown, and of nobody: nothing changes
SELECT app_name FROM devapp.bulk_delete(ARRAY['BULK-A@example.com/pending 1', 'team:bulk-team/of the team', :'p1']);
\set VERBOSITY terse
SELECT * FROM devapp.bulk_delete('{bulk-a@example.com/pending 1,bulk-a@example.com/deleted}', dry_run => false);
\set VERBOSITY default
SELECT * FROM devapp.bulk_delete('{bulk-a@example.com/pending 1,team:nobody/x}', dry_run => false);
SELECT * FROM devapp.bulk_delete('{bulk-a@example.com/pending 1,""}', dry_run => false);
SELECT * FROM devapp.bulk_delete(ARRAY['bulk-a@example.com/'], dry_run => false);
SELECT * FROM devapp.bulk_delete(ARRAY['dvk_live_FZjSwQnoEQ0x_Yf007MF6oNa049ET6WhehRmQ43xvQ0V32vvINC'], dry_run => false);
SELECT status FROM devapp.app WHERE app_id = :'p1';
-- {} is all apps; both are those of both
SELECT (SELECT array_agg(app_id) FROM devapp.bulk_suspend(filter => '{}')) = ARRAY(SELECT app_id FROM devapp.app WHERE status = 'approved' ORDER BY app_id) AS all;
SELECT app_name FROM devapp.bulk_delete(ARRAY(SELECT app_id FROM devapp.app WHERE name IN ('pending 1', 'waits', 'of the team')), '{"owner": "bulk-a@example.com"}');
SELECT app_name FROM devapp.bulk_delete(ARRAY(SELECT app_id FROM devapp.app WHERE name IN ('pending 1', 'waits')), jsonb_build_object('app_ids', ARRAY[:'p1']));
SELECT count(*) FROM devapp.bulk_delete(ARRAY[:'p1'::uuid], '{"team": "bulk-team"}');

-- a chunk is 100 apps: more than that, with a failure at both ends
CREATE FUNCTION bulk_fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.name IN ('lot 1', 'lot 100', 'lot 101', 'lot 250') THEN RAISE EXCEPTION 'not %', NEW.name; END IF;
    RETURN NEW;
END $$;
SELECT FROM devapp.create_team('bulk-lot');
SELECT count(*) FROM generate_series(1, 250) AS i, devapp.create_app('lot ' || i, team => 'bulk-lot');
CREATE TRIGGER zz_fail BEFORE UPDATE ON devapp.app FOR EACH ROW EXECUTE FUNCTION bulk_fail();
SELECT outcome, error, count(*) FROM devapp.bulk_suspend(filter => '{"team": "bulk-lot"}', note => 'lot', dry_run => false) GROUP BY outcome, error ORDER BY outcome, error;
DROP TRIGGER zz_fail ON devapp.app;
DROP FUNCTION bulk_fail;
SELECT status, decision_note, count(*) FROM devapp.app WHERE name LIKE 'lot %' GROUP BY status, decision_note ORDER BY status;
-- rows come in the order of app_id
SELECT bool_and(ordered) FROM (SELECT b.app_id >= lag(b.app_id, 1, b.app_id) OVER () AS ordered FROM devapp.bulk_resume(filter => '{"team": "bulk-lot"}') AS b) AS x;
SELECT FROM devapp.set_app_approval('conditional');
