-- Copies of rows, which verification reads (src/table/packed_row.c): they are what the rows
-- are, whatever has changed them.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
-- rows without their copy, copies that are wrong, copies of nothing
CREATE VIEW pg_temp.copies AS
SELECT c.missing, c.wrong, (SELECT count(*) FROM devapp_internal.packed_row) + c.missing - c.checked AS left_over
  FROM devapp_internal.check_packed_rows() c;
SELECT * FROM pg_temp.copies;
SELECT FROM devapp.create_developer('packed@example.com');
SELECT FROM devapp.create_team('packed');
SELECT FROM devapp.create_product('packed', scopes => '{read,write}', environments => '{prod}', quota_limit => 5, quota_interval => 1200, quota_unit => 'month', quota_enforcement => 'hard');
SELECT FROM devapp.create_product('packed-2', rate_limit => 2, rate_burst => 3);
SELECT FROM devapp.add_operation('packed', '/a/**', '{GET}');
SELECT app_id, credential_id, consumer_key, secret FROM devapp.create_app('packed', 'packed@example.com', products => '{packed,packed-2}') \gset
SELECT product_id AS product FROM devapp.product WHERE name = 'packed' \gset
SELECT product_id AS product_2 FROM devapp.product WHERE name = 'packed-2' \gset
SELECT * FROM pg_temp.copies;
SELECT kind, count(*) FROM devapp_internal.packed_row
 WHERE item IN (:'app_id', :'credential_id', :'product', (SELECT developer_id FROM devapp.developer WHERE email = 'packed@example.com'))
    OR subject IN (('00000000-0000-0000-' || right(:'credential_id', 17))::uuid, :'product')
 GROUP BY kind ORDER BY kind;

-- whatever functions do
SELECT FROM devapp.rotate_credential(:'credential_id', '1 day');
SELECT FROM devapp.set_app_quota(:'app_id', 'packed', quota_limit => 9, until => '2100-01-01');
SELECT FROM devapp.remove_credential_product(:'credential_id', 'packed-2');
SELECT FROM devapp.add_operation('packed', '/b/{c}', quota_limit => 2, quota_interval => 1, quota_unit => 'day');
SELECT FROM devapp.remove_operation('packed', '/a/**', '{GET}');
SELECT FROM devapp.transfer_app(:'app_id', team => 'packed');
SELECT FROM devapp.set_team_status('packed', 'deactivate');
SELECT * FROM pg_temp.copies;
SELECT code, owner FROM devapp.verify_key(:'secret', '/b/1');
SELECT FROM devapp.set_team_status('packed', 'activate');
SELECT code, owner, product, scopes FROM devapp.verify_key(:'secret', '/b/1', 'GET', 'prod');

-- A credential whose id was made otherwise, and one that has the subject of another credential:
-- each has its own secrets and products.
INSERT INTO devapp.credential (app_id, consumer_key)
SELECT :'app_id', devapp_internal.new_consumer_key(NULL) RETURNING credential_id AS other_id \gset
INSERT INTO devapp.credential (credential_id, app_id, consumer_key)
SELECT ('00000000-0000-7000-' || right(:'credential_id', 17))::uuid, :'app_id', devapp_internal.new_consumer_key(NULL) RETURNING credential_id AS twin_id \gset
INSERT INTO devapp.credential_product (credential_id, product_id, status)
VALUES (:'other_id', :'product_2', 'approved'), (:'twin_id', :'product_2', 'approved');
SELECT secret AS other_secret FROM devapp_internal.issue_secret(:'other_id', NULL) \gset
SELECT secret AS twin_secret FROM devapp_internal.issue_secret(:'twin_id', NULL) \gset
SELECT count(DISTINCT subject), count(*) FROM devapp_internal.packed_row WHERE item IN (:'credential_id', :'other_id', :'twin_id');
SELECT count(DISTINCT subject) FROM devapp_internal.packed_row WHERE kind IN ('s', 'p') AND subject IN
    (SELECT ('00000000-0000-0000-' || right(c.credential_id::text, 17))::uuid FROM devapp.credential c WHERE c.app_id = :'app_id');
SELECT v.code, v.credential_id = x.id AS own, v.product
  FROM (VALUES (:'secret', :'credential_id'::uuid), (:'other_secret', :'other_id'), (:'twin_secret', :'twin_id')) AS x(secret, id), devapp.verify_key(x.secret, '/b/1', 'GET', 'prod') AS v;
SELECT * FROM pg_temp.copies;

-- a transaction sees its own changes at once, and what is rolled back was never there
BEGIN;
SELECT FROM devapp.suspend_app(:'app_id');
SELECT code FROM devapp.verify_key(:'secret', '/b/1', 'GET', 'prod');
SAVEPOINT a;
SELECT FROM devapp.resume_app(:'app_id');
SELECT code FROM devapp.verify_key(:'secret', '/b/1', 'GET', 'prod');
ROLLBACK TO a;
SELECT code FROM devapp.verify_key(:'secret', '/b/1', 'GET', 'prod');
SELECT * FROM pg_temp.copies;
ROLLBACK;
SELECT code FROM devapp.verify_key(:'secret', '/b/1', 'GET', 'prod');
SELECT * FROM pg_temp.copies;

-- triggers of nested statements come before those of the outer one
BEGIN;
CREATE FUNCTION pg_temp.again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() = 1 THEN
        IF TG_TABLE_NAME = 'app' THEN
            UPDATE devapp.app SET scopes = '{write}' WHERE app_id = NEW.app_id;
            UPDATE devapp.app SET description = 'twice' WHERE app_id = NEW.app_id;
        ELSE
            INSERT INTO devapp.app_quota VALUES (OLD.*);
        END IF;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER again AFTER INSERT OR UPDATE ON devapp.app FOR EACH ROW EXECUTE FUNCTION pg_temp.again();
CREATE TRIGGER again AFTER DELETE ON devapp.app_quota FOR EACH ROW EXECUTE FUNCTION pg_temp.again();
UPDATE devapp.app SET scopes = '{read}' WHERE app_id = :'app_id';
DELETE FROM devapp.app_quota WHERE app_id = :'app_id';
INSERT INTO devapp.app (team_id, name) SELECT team_id, 'packed-2' FROM devapp.app WHERE app_id = :'app_id';
UPDATE devapp.app SET scopes = '{}' WHERE name LIKE 'packed%';
SELECT * FROM pg_temp.copies;
SELECT scopes, name FROM devapp.app WHERE name LIKE 'packed%' ORDER BY name;
SELECT count(*) FROM devapp.app_quota WHERE app_id = :'app_id';
-- several times in one command
WITH a AS (UPDATE devapp.app SET scopes = '{read}' WHERE app_id = :'app_id' RETURNING app_id)
INSERT INTO devapp.app_quota (app_id, product_id, rate_limit, rate_burst) SELECT app_id, :'product_2', 1, 1 FROM a;
INSERT INTO devapp.app_quota (app_id, product_id, rate_limit, rate_burst) VALUES (:'app_id', :'product_2', 3, 4)
    ON CONFLICT (app_id, product_id) DO UPDATE SET rate_limit = 3;
SELECT * FROM pg_temp.copies;
ROLLBACK;
SELECT * FROM pg_temp.copies;

-- as replication brings rows: no other trigger fires, and keys may change
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE devapp.credential SET consumer_key = 'packed-other' WHERE credential_id = :'credential_id';
UPDATE devapp.app_quota SET product_id = :'product_2' WHERE app_id = :'app_id';
DELETE FROM devapp.credential_product WHERE credential_id = :'credential_id';
SELECT * FROM pg_temp.copies;
DELETE FROM devapp.credential WHERE credential_id = :'credential_id';
SELECT * FROM pg_temp.copies;
-- ... what refers to the credential that is gone is asked for by nothing, and gets no copy
TRUNCATE devapp.app_quota, devapp.product_operation;
SELECT * FROM pg_temp.copies;
ROLLBACK;
SELECT * FROM pg_temp.copies;

-- without copies the tables are read, and nothing but an insert makes one of what others belong to
TRUNCATE devapp_internal.packed_row;
SELECT code, owner, product, scopes FROM devapp.verify_key(:'secret', '/b/1', 'GET', 'prod');
UPDATE devapp.credential SET label = 'packed' WHERE credential_id = :'credential_id';
UPDATE devapp.app SET description = 'packed' WHERE app_id = :'app_id';
UPDATE devapp.product SET description = 'packed' WHERE product_id = :'product';
SELECT count(*) FROM devapp_internal.packed_row;
SELECT FROM devapp.complete_rotation(:'credential_id');
SELECT kind, count(*) FROM devapp_internal.packed_row GROUP BY kind;
SELECT wrong, left_over FROM pg_temp.copies;
SELECT code, owner, product, scopes FROM devapp.verify_key(:'secret', '/b/1', 'GET', 'prod');
SELECT devapp_internal.rebuild_packed_rows() > 0 AS rebuilt;
SELECT * FROM pg_temp.copies;
-- what is read together lies together: an app, its quotas, each credential with its secrets and products
SELECT string_agg(p.kind::text, '' ORDER BY p.ctid) ~ '^Aa(Cs+p+){3}$' AS together, count(*) AS copies
  FROM devapp_internal.packed_row p
 WHERE p.subject = :'app_id'
    OR p.item IN (SELECT credential_id FROM devapp.credential WHERE app_id = :'app_id')
    OR p.subject IN (SELECT ('00000000-0000-0000-' || right(credential_id::text, 17))::uuid FROM devapp.credential WHERE app_id = :'app_id');
SELECT code, owner, product, scopes FROM devapp.verify_key(:'secret', '/b/1', 'GET', 'prod');

-- The copy of an app says that the app has no quota of its own, until it gets the first one.  While
-- it says so, a first touch takes the app that lies beside the credential.  After each change the key
-- is new to the session.
CREATE VIEW pg_temp.no_quota AS
SELECT a.name, greatest(get_byte(p.body, 4), get_byte(p.body, 7)) >= 128 AS no_quota
  FROM devapp_internal.packed_row p JOIN devapp.app a ON a.app_id = p.item WHERE a.name LIKE 'packed%' ORDER BY a.name COLLATE "C";
SELECT app_id AS other_app, secret AS other_app_secret FROM devapp.create_app('packed-other', 'packed@example.com', products => '{packed-2}') \gset
SELECT * FROM pg_temp.no_quota;
SELECT code, app_id = :'other_app' AS own_app FROM devapp.verify_key(:'other_app_secret', '/c');
UPDATE devapp.app SET description = 'beside' WHERE app_id = :'other_app';
SELECT FROM devapp.suspend_app(:'other_app');
SELECT code, app_id = :'other_app' AS own_app FROM devapp.verify_key(:'other_app_secret', '/c');
SELECT FROM devapp.resume_app(:'other_app');
SELECT code, app_id = :'other_app' AS own_app FROM devapp.verify_key(:'other_app_secret', '/c');
SELECT * FROM pg_temp.no_quota;
BEGIN;
SELECT FROM devapp.set_app_quota(:'other_app', 'packed-2', quota_limit => 7, quota_interval => 1, quota_unit => 'never');
SELECT * FROM pg_temp.no_quota;
ROLLBACK;
SELECT * FROM pg_temp.no_quota;
SELECT FROM devapp.set_app_quota(:'other_app', 'packed-2', quota_limit => 7, quota_interval => 1, quota_unit => 'never');
SELECT * FROM pg_temp.no_quota;
SELECT FROM devapp.set_app_quota(:'other_app', 'packed-2');
SELECT * FROM pg_temp.no_quota;
SELECT devapp_internal.rebuild_packed_rows() > 0 AS rebuilt;
SELECT * FROM pg_temp.no_quota;
-- ... whichever trigger comes first, and though the app is changed by the same command
BEGIN;
WITH a AS (INSERT INTO devapp.app (team_id, name) SELECT team_id, 'packed-3' FROM devapp.team WHERE name = 'packed' RETURNING app_id)
INSERT INTO devapp.app_quota (app_id, product_id, rate_limit, rate_burst) SELECT a.app_id, :'product_2', 1, 1 FROM a;
CREATE FUNCTION pg_temp.with_quota() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO devapp.app_quota (app_id, product_id, rate_limit, rate_burst)
    SELECT NEW.app_id, p.product_id, 1, 1 FROM devapp.product p WHERE p.name = 'packed-2';
    RETURN NULL;
END $$;
CREATE TRIGGER a_first AFTER INSERT ON devapp.app FOR EACH ROW EXECUTE FUNCTION pg_temp.with_quota();
INSERT INTO devapp.app (team_id, name) SELECT team_id, 'packed-4' FROM devapp.team WHERE name = 'packed';
WITH a AS (UPDATE devapp.app SET scopes = '{write}' WHERE app_id = :'other_app' RETURNING app_id)
INSERT INTO devapp.app_quota (app_id, product_id, rate_limit, rate_burst) SELECT app_id, :'product_2', 1, 1 FROM a;
SELECT * FROM pg_temp.no_quota;
SELECT * FROM pg_temp.copies;
-- as replication brings it
SET LOCAL session_replication_role = replica;
INSERT INTO devapp.app (app_id, team_id, name, status, scopes, attributes, created_at, updated_at)
SELECT '00000000-0000-7000-8000-00000000aced', team_id, 'packed-5', 'approved', '{}', '{}', now(), now() FROM devapp.team WHERE name = 'packed';
UPDATE devapp.app_quota SET app_id = '00000000-0000-7000-8000-00000000aced' WHERE app_id = :'other_app';
SELECT * FROM pg_temp.no_quota;
SELECT * FROM pg_temp.copies;
ROLLBACK;
SELECT * FROM pg_temp.no_quota;
-- ... and where it says so though there is one, the copy is wrong
BEGIN;
SELECT body AS says_none FROM devapp_internal.packed_row WHERE kind = 'A' AND item = :'other_app' \gset
INSERT INTO devapp.app_quota (app_id, product_id, rate_limit, rate_burst) VALUES (:'other_app', :'product_2', 1, 1);
ALTER TABLE devapp_internal.packed_row DISABLE TRIGGER keep_packed_row;
UPDATE devapp_internal.packed_row SET body = :'says_none' WHERE kind = 'A' AND item = :'other_app';
SELECT * FROM pg_temp.copies;
ROLLBACK;

-- a copy that is too long for a page
SELECT FROM devapp.create_product('packed-3', scopes => ARRAY(SELECT 'packed.' || md5(n::text) || md5((-n)::text) FROM generate_series(1, 100) AS n));
SELECT secret AS long_secret FROM devapp.issue_credential(:'app_id', products => '{packed-3}') \gset
SELECT code, product, cardinality(scopes) AS scopes FROM devapp.verify_key(:'long_secret', '/c', 'GET');
SELECT max(length(body)) > 5000 AS long, max(pg_column_size(body)) > 2000 AS outside FROM devapp_internal.packed_row;
SELECT * FROM pg_temp.copies;
SELECT FROM devapp.update_product('packed-3', scopes => '{read}');
SELECT code, product, cardinality(scopes) AS scopes FROM devapp.verify_key(:'long_secret', '/c', 'GET');
SELECT * FROM pg_temp.copies;

-- with triggers off copies go wrong; doctor() says so
BEGIN;
ALTER TABLE devapp.app DISABLE TRIGGER pack_row;
UPDATE devapp.app SET scopes = '{write}' WHERE app_id = :'app_id';
SELECT * FROM pg_temp.copies;
SELECT check_name, status, regexp_replace(detail, ' of \d+', ' of (all)') AS detail, hint FROM devapp.doctor() WHERE check_name = 'packed_rows' OR detail LIKE '%pack_row%' ORDER BY 1;
ALTER TABLE devapp.app ENABLE ALWAYS TRIGGER pack_row;
-- ... and whose it is to rebuild them: an administrator, who may call doctor(), may not
SAVEPOINT administrator;
SET LOCAL client_min_messages = warning;
SELECT FROM devapp.setup_roles();
SET LOCAL ROLE devapp_admin;
SELECT devapp_internal.rebuild_packed_rows();
ROLLBACK TO administrator;
SELECT devapp_internal.rebuild_packed_rows() > 0 AS rebuilt;
SELECT check_name, status, detail, hint FROM devapp.doctor() WHERE check_name IN ('packed_rows', 'triggers') ORDER BY 1;
ROLLBACK;

-- nobody else writes copies, neither does replication; what cannot be read is said
DELETE FROM devapp_internal.packed_row;
UPDATE devapp_internal.packed_row SET body = '';
SELECT * FROM pg_temp.copies;
DO $$
BEGIN
    ALTER TABLE devapp_internal.packed_row DISABLE TRIGGER keep_packed_row;
    UPDATE devapp_internal.packed_row SET body = '\xff00000000000000' WHERE kind = 'P';
    ALTER TABLE devapp_internal.packed_row ENABLE ALWAYS TRIGGER keep_packed_row;
END $$;
\set VERBOSITY default
SELECT code FROM devapp.verify_key(:'secret', '/b/1', 'GET', 'prod');
SELECT devapp_internal.rebuild_packed_rows() > 0 AS rebuilt;
SELECT code FROM devapp.verify_key(:'secret', '/b/1', 'GET', 'prod');
-- only a trigger of our tables may pack
CREATE TABLE pg_temp.other (x integer);
CREATE TRIGGER t AFTER INSERT ON pg_temp.other FOR EACH ROW EXECUTE FUNCTION devapp_internal.pack_row();
INSERT INTO pg_temp.other VALUES (1);
BEGIN;
CREATE TRIGGER t AFTER INSERT ON devapp.registration_policy FOR EACH ROW EXECUTE FUNCTION devapp_internal.pack_row();
INSERT INTO devapp.registration_policy (enabled) VALUES (false);
ROLLBACK;
SELECT devapp_internal.pack_row();
