-- The audit trail: each change of a row of the model is an event, with who and what,
-- and nothing else is.  (Who may read and write it, partitions, dumps: test/t.)
\set SHOW_CONTEXT never
SELECT coalesce(max(event_id), 0) AS start FROM devapp.audit_event \gset
-- what happened since :start, without ids and times
CREATE FUNCTION pg_temp.shown(changed jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_object_agg(key, CASE WHEN key ~ '(_id|_at|_until|_from|consumer_key|ordinal)$' AND value <> 'null' THEN '"..."' ELSE value END)
      FROM jsonb_each(changed) $$;
CREATE TEMP VIEW happened AS
    SELECT e.event_id, e.action, e.entity, pg_temp.shown(e.before) AS before, pg_temp.shown(e.after) AS after, e.note FROM devapp.audit_event x, devapp_internal.unmasked_event(x) AS e;

-- ---------- actions and content ----------

SELECT FROM devapp.create_developer('audit@example.com', 'Ann', attributes => '{"plan": "gold"}');
SELECT FROM devapp.create_developer('audit2@example.com');
SELECT FROM devapp.create_team('audit-team');
SELECT FROM devapp.add_team_member('audit-team', 'audit@example.com', 'admin');
SELECT FROM devapp.create_product('audit-product', approval => 'manual', quota_limit => 5, quota_unit => 'day', rate_limit => 0.5, rate_burst => 2);
SELECT FROM devapp.add_operation('audit-product', '/audit/**', '{GET}');
SELECT action, entity, before, after, note FROM pg_temp.happened WHERE event_id > :start ORDER BY event_id;

SELECT max(event_id) AS start FROM devapp.audit_event \gset
SELECT FROM devapp.set_app_approval('manual');
SELECT app_id, credential_id FROM devapp.create_app('audit', developer => 'audit@example.com', products => '{audit-product}', expires_in => '1 day') \gset
SELECT FROM devapp.set_app_approval('conditional');
-- the app's own event comes before those of what it takes along
SELECT FROM devapp.approve_app(:'app_id', 'looks fine');
SELECT FROM devapp.suspend_app(:'app_id');
SELECT FROM devapp.resume_app(:'app_id');
SELECT FROM devapp.update_app(:'app_id', description => 'new', callback_urls => '{https://a.example/cb}');
SELECT FROM devapp.rotate_credential(:'credential_id');
SELECT FROM devapp.set_credential_product_status(:'credential_id', 'audit-product', 'revoke', 'no more');
SELECT FROM devapp.remove_credential_product(:'credential_id', 'audit-product');
SELECT FROM devapp.revoke_credential(:'credential_id', 'lost');
SELECT FROM devapp.approve_credential(:'credential_id');
SELECT FROM devapp.revoke_credential(:'credential_id', 'seen on a forge', true);
UPDATE devapp.app SET developer_id = NULL, team_id = (SELECT team_id FROM devapp.team WHERE name = 'audit-team') WHERE app_id = :'app_id';
SELECT devapp.set_attribute('app', :'app_id', 'tier', 'gold');
SELECT FROM devapp.delete_app(:'app_id', 'bye');
SELECT action, entity, before, after, note FROM pg_temp.happened WHERE event_id > :start ORDER BY event_id;

SELECT max(event_id) AS start FROM devapp.audit_event \gset
SELECT FROM devapp.set_developer_status('audit@example.com', 'deactivate', 'on leave');
SELECT FROM devapp.set_developer_status('audit@example.com', 'activate');
SET client_min_messages = error;
SELECT devapp.remove_operation('audit-product', '/audit/**', '{GET}');
RESET client_min_messages;
SELECT FROM devapp.delete_product('audit-product');
SELECT FROM devapp.delete_team('audit-team');
SELECT FROM devapp.delete_developer('audit2@example.com');
SELECT action, entity, before, after, note FROM pg_temp.happened WHERE event_id > :start ORDER BY event_id;

-- keys: of what, whose
SELECT e.entity, count(*), bool_and(CASE e.entity
           WHEN 'app' THEN e.entity_id = e.app_id::text
           WHEN 'credential' THEN e.entity_id = :'credential_id'
           WHEN 'credential_secret' THEN e.entity_id IN (SELECT s.secret_id::text FROM devapp.credential_secret s WHERE s.credential_id = :'credential_id')
           WHEN 'credential_product' THEN e.entity_id IN (SELECT cp.ordinal::text FROM devapp.credential_product cp WHERE cp.credential_id = :'credential_id') END) AS key,
       bool_and(num_nonnulls(e.developer_id, e.team_id) = 1) AS one_owner
  FROM devapp.audit_event e WHERE e.app_id = :'app_id' GROUP BY e.entity ORDER BY e.entity;
-- after the transfer it is the team's
SELECT e.action, d.email, t.name FROM devapp.audit_event e LEFT JOIN devapp.developer d USING (developer_id) LEFT JOIN devapp.team t ON t.team_id = e.team_id
 WHERE e.app_id = :'app_id' AND e.action IN ('create', 'transfer', 'delete') AND e.entity = 'app' ORDER BY e.event_id;
SELECT e.entity, e.entity_id = concat_ws('/', e.before->>'team_id', e.before->>'developer_id') AS of_member, e.entity_id = concat_ws('/', e.before->>'product_id', e.before->>'operation_id') AS of_operation,
       e.developer_id::text = e.before->>'developer_id' AS developer, e.team_id::text = e.before->>'team_id' AS team
  FROM devapp.audit_event e WHERE e.event_id > :start AND e.action = 'remove' ORDER BY e.event_id;

-- ---------- who ----------

SELECT max(event_id) AS start FROM devapp.audit_event \gset
SELECT devapp.act_as('audit@example.com', is_local => false);
SELECT FROM devapp.update_developer('audit@example.com', first_name => 'Anna');
SELECT devapp.act_as('', is_local => false);
CREATE ROLE regress_audit_writer;
GRANT USAGE ON SCHEMA devapp TO regress_audit_writer;
GRANT SELECT, UPDATE ON devapp.developer TO regress_audit_writer;
CREATE POLICY regress_audit_writer ON devapp.developer TO regress_audit_writer USING (true);
SET ROLE regress_audit_writer;
UPDATE devapp.developer SET first_name = 'Anne' WHERE email = 'audit@example.com';
SELECT current_user;
RESET ROLE;
-- inside a function with its owner's rights it is still the role of the session
CREATE FUNCTION pg_temp.as_owner() RETURNS void LANGUAGE sql SECURITY DEFINER AS $$ UPDATE devapp.developer SET first_name = 'Ann' WHERE email = 'audit@example.com' $$;
SET ROLE regress_audit_writer;
SELECT pg_temp.as_owner();
RESET ROLE;
SELECT e.actor, CASE WHEN e.db_role = current_user THEN '(me)' ELSE e.db_role END AS db_role,
       e.client_addr IS NOT DISTINCT FROM inet_client_addr() AS address, e.occurred_at BETWEEN now() - interval '1 minute' AND clock_timestamp() AS time, e.after
  FROM devapp.audit_event x, devapp_internal.unmasked_event(x) AS e WHERE x.event_id > :start ORDER BY x.event_id;

-- ---------- what is not recorded ----------

SELECT max(event_id) AS start FROM devapp.audit_event \gset
-- what changes nothing, what is rolled back, what fails
UPDATE devapp.developer SET email = email, attributes = attributes WHERE email = 'audit@example.com';
UPDATE devapp.product SET name = name;
BEGIN;
UPDATE devapp.developer SET last_name = 'x' WHERE email = 'audit@example.com';
ROLLBACK;
BEGIN;
SAVEPOINT s;
UPDATE devapp.developer SET last_name = 'y' WHERE email = 'audit@example.com';
ROLLBACK TO s;
UPDATE devapp.developer SET last_name = 'z' WHERE email = 'audit@example.com';
COMMIT;
UPDATE devapp.developer SET email = 'nonsense' WHERE email = 'audit@example.com';
SELECT action, entity, before, after FROM pg_temp.happened WHERE event_id > :start;

-- ---------- many rows; one transaction ----------

SELECT max(event_id) AS start FROM devapp.audit_event \gset
BEGIN;
SELECT pg_current_xact_id() AS xid \gset
INSERT INTO devapp.developer (email) SELECT 'many' || i || '@example.com' FROM generate_series(1, 5) AS i;
UPDATE devapp.developer SET user_name = 'many' WHERE email ~ '^many';
WITH new_app AS (INSERT INTO devapp.app (developer_id, name) SELECT developer_id, 'many' FROM devapp.developer WHERE email = 'many1@example.com' RETURNING app_id)
INSERT INTO devapp.credential (app_id, consumer_key) SELECT app_id, 'dvk_live_many00000000' FROM new_app;
COMMIT;
SELECT entity, action, count(*), bool_and(transaction_id = :'xid') AS one_transaction, count(DISTINCT entity_id) AS rows, count(developer_id) AS owners FROM devapp.audit_event WHERE event_id > :start GROUP BY 1, 2 ORDER BY min(event_id);
-- in the order of the changes
SELECT array_agg(action ORDER BY event_id) = array_agg(action ORDER BY occurred_at, event_id) AS ordered FROM devapp.audit_event WHERE event_id > :start;

-- ---------- no secret, no digest ----------

SELECT credential_id, secret FROM devapp.create_app('audit-secret', developer => 'audit@example.com') \gset s_
SELECT FROM devapp.rotate_credential(:'s_credential_id');
-- even where somebody switched the guard off
ALTER TABLE devapp.credential_secret DISABLE TRIGGER guard_immutable;
UPDATE devapp.credential_secret SET digest = 'blake2b:0:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff' WHERE credential_id = :'s_credential_id' AND version = 1;
ALTER TABLE devapp.credential_secret ENABLE TRIGGER guard_immutable;
SELECT action, before, after FROM pg_temp.happened WHERE entity = 'credential_secret' ORDER BY event_id DESC LIMIT 1;
SELECT count(*) > 1 AS secrets, count(*) FILTER (WHERE e.event_id IS NOT NULL) AS leaked
  FROM devapp.credential_secret s
  LEFT JOIN devapp.audit_event e ON e::text LIKE '%' || split_part(s.digest::text, ':', 3) || '%'
 WHERE s.credential_id IN (:'credential_id', :'s_credential_id');
SELECT count(*) FROM devapp.audit_event e WHERE e::text LIKE '%' || split_part(:'s_secret', '_', 4) || '%' OR e::text LIKE '%blake2b:%';

-- ---------- the reason, where no function is given one ----------

SET devapp.change_note = 'ticket 4711';
SELECT FROM devapp.create_product('audit-note', description => 'a');
UPDATE devapp.product SET description = 'b' WHERE name = 'audit-note';
SELECT FROM devapp.create_app('audit-note', 'audit@example.com', '{audit-note}');
-- what a function is given counts
SELECT FROM devapp.delete_app('audit@example.com/audit-note', 'not needed');
BEGIN;
SET LOCAL devapp.change_note = 'dvk_live_FZjSwQnoEQ0x_Yf007MF6oNa049ET6WhehRmQ43xvQ0V32vvINC';
UPDATE devapp.product SET description = 'c' WHERE name = 'audit-note';
ROLLBACK;
RESET devapp.change_note;
UPDATE devapp.product SET description = 'd' WHERE name = 'audit-note';
SELECT e.action, e.entity, e.note FROM devapp.audit_event e
 WHERE e.entity_id = (SELECT p.product_id::text FROM devapp.product p WHERE p.name = 'audit-note')
    OR e.app_id = (SELECT a.app_id FROM devapp.app a WHERE a.name = 'audit-note') ORDER BY e.event_id;

-- ---------- numbers as they are, whatever the session's settings ----------

SELECT FROM devapp.create_product('audit-rate', rate_limit => 100.4);
SET extra_float_digits = -15;
SELECT FROM devapp.update_product('audit-rate', rate_limit => 140);
-- a row with a value that PostgreSQL makes JSON of
SELECT FROM devapp.update_product('audit-rate', rate_limit => 3.3333333333333335, attributes => '{"a": "b"}');
UPDATE devapp.product SET rate_limit = 149.9 WHERE name = 'audit-rate';
SELECT e.before -> 'rate_limit' AS before, e.after -> 'rate_limit' AS after
  FROM devapp.audit_event e WHERE e.entity = 'product' AND e.entity_id = (SELECT p.product_id::text FROM devapp.product p WHERE p.name = 'audit-rate') ORDER BY e.event_id;
RESET extra_float_digits;

-- ---------- the bytes and their hash ----------

SELECT count(*) > 50 AS events, count(*) FILTER (WHERE leaf_hash IS DISTINCT FROM devapp_internal.audit_leaf_hash(e)) AS wrong,
       count(*) FILTER (WHERE leaf_hash IS DISTINCT FROM sha256('\x00'::bytea || devapp.audit_entry(e))) AS wrong_in_sql FROM devapp.audit_event e;
-- of a row that is no row, whatever the session's settings: field by field
SET datestyle = 'German'; SET timezone = 'Asia/Tokyo'; SET bytea_output = 'escape'; SET intervalstyle = 'iso_8601';
SELECT encode(devapp.audit_entry(e), 'hex') = concat(
           '00000008', '0000000000000007',
           '00000008', '0000000000000001',
           '0000000b', encode(convert_to('ä@b.exampl', 'UTF8'), 'hex'),
           '00000001', '72',
           '00000009', encode('192.0.2.1', 'hex'),
           '00000008', '00000001000000ff',
           '00000006', encode('update', 'hex'),
           '00000003', encode('app', 'hex'),
           '00000001', encode('x', 'hex'),
           '00000010', '0123456789abcdef0123456789abcdef',
           'ffffffff', 'ffffffff',
           '0000000a', encode('{"a": "b"}', 'hex'),
           '00000002', encode('{}', 'hex'),
           '00000000') AS as_documented
  FROM (SELECT (7, '2000-01-01 00:00:00.000001+00', 'ä@b.exampl', 'r', '192.0.2.1', '4294967551', 'update', 'app', 'x', '01234567-89ab-cdef-0123-456789abcdef', NULL, NULL,
                '{"a":"b"}', '{}', '', '')::devapp.audit_event AS e) AS x;
RESET datestyle; RESET timezone; RESET bytea_output; RESET intervalstyle;
-- null is not empty
SELECT devapp.audit_entry(a) <> devapp.audit_entry(b) AS differ
  FROM (SELECT (1, now(), NULL, 'r', NULL, '1', 'a', 'b', 'c', NULL, NULL, NULL, NULL, NULL, NULL, '')::devapp.audit_event AS a,
               (1, now(), NULL, 'r', NULL, '1', 'a', 'b', 'c', NULL, NULL, NULL, NULL, NULL, '', '')::devapp.audit_event AS b) AS x;
SELECT devapp.audit_entry(NULL) IS NULL AS of_null;

-- ---------- append-only ----------

CREATE ROLE regress_audit_reader;
GRANT USAGE ON SCHEMA devapp TO regress_audit_reader;
GRANT SELECT ON devapp.audit_event TO regress_audit_reader;
CREATE POLICY regress_audit_reader ON devapp.audit_event TO regress_audit_reader USING (true);
SET ROLE regress_audit_reader;
SELECT count(*) > 0 AS reads FROM devapp.audit_event;
INSERT INTO devapp.audit_event (db_role, action, entity, entity_id, leaf_hash) VALUES ('x', 'create', 'app', 'x', '');
UPDATE devapp.audit_event SET note = 'x';
DELETE FROM devapp.audit_event;
TRUNCATE devapp.audit_event;
SELECT count(*) FROM devapp.audit_event_default;
SELECT nextval('devapp.audit_event_id_seq');
SET devapp.restoring = on;
RESET ROLE;
-- who may write to the model may not write to the trail either
SET ROLE regress_audit_writer;
UPDATE devapp.audit_event SET note = 'x';
DELETE FROM devapp.audit_event;
RESET ROLE;
DROP POLICY regress_audit_reader ON devapp.audit_event;
DROP POLICY regress_audit_writer ON devapp.developer;
DROP OWNED BY regress_audit_reader, regress_audit_writer;
DROP ROLE regress_audit_reader, regress_audit_writer;

-- ---------- restoring ----------

-- a session that looks like a restore is refused where it does not say so, never passed over
SELECT max(event_id) AS start FROM devapp.audit_event \gset
SET check_function_bodies = off; SET row_security = off;
SELECT pg_catalog.set_config('search_path', '', false);
INSERT INTO devapp.developer (email) VALUES ('restored@example.com');
-- changes of rows are no restore
UPDATE devapp.developer SET last_name = 'r' WHERE email = 'audit@example.com';
SET devapp.restoring = on;
INSERT INTO devapp.developer (email) VALUES ('restored@example.com');
RESET devapp.restoring;
RESET check_function_bodies;
INSERT INTO devapp.developer (email) VALUES ('not.restored@example.com');
RESET row_security; RESET search_path;
SELECT e.action, e.entity, e.after->>'email' AS email FROM devapp.audit_event x, devapp_internal.unmasked_event(x) AS e WHERE x.event_id > :start ORDER BY x.event_id;

-- ---------- months ----------

SELECT devapp.maintain_audit(NULL);
SELECT devapp.maintain_audit(-1);
SELECT devapp.maintain_audit(121);
SELECT status, detail FROM devapp.doctor() WHERE check_name = 'audit';
SELECT count(*) AS events, md5(string_agg(e::text, E'\n' ORDER BY e.event_id)) AS digest FROM devapp.audit_event e \gset before_
-- events of another month, in another time zone: one whose abbreviation, IST, is another's as well
SET timezone = 'Asia/Kolkata'; SET datestyle = 'SQL, DMY';
INSERT INTO devapp.audit_event (occurred_at, db_role, action, entity, entity_id, leaf_hash)
VALUES ('2001-02-01 00:00+00', 'x', 'create', 'test', '1', '\x00'), ('2001-02-28 23:59:59.999999+00', 'x', 'create', 'test', '2', '\x00'), ('2001-03-01 00:00+00', 'x', 'create', 'test', '3', '\x00');
SELECT count(*) FILTER (WHERE to_time > now()) AS made, sum(moved) = :before_events + 3 AS all_moved, min(partition_name) AS first, max(to_time) > now() + interval '2 months' AS ahead FROM devapp.maintain_audit(2);
SELECT tableoid::regclass, entity_id FROM devapp.audit_event WHERE entity = 'test' ORDER BY event_id;
RESET timezone; RESET datestyle;
BEGIN;
SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO';
SELECT pg_get_expr(c.relpartbound, c.oid) AS bounds FROM pg_class c WHERE c.oid = 'devapp.audit_event_2001_02'::regclass;
ROLLBACK;
SELECT count(*) AS in_default FROM devapp.audit_event_default;
SELECT count(*) = :before_events AS events, md5(string_agg(e::text, E'\n' ORDER BY e.event_id)) = :'before_digest' AS same FROM devapp.audit_event e WHERE entity <> 'test';
SELECT * FROM devapp.maintain_audit(2);
SELECT count(*) AS made FROM devapp.maintain_audit();
SELECT status, detail FROM devapp.doctor() WHERE check_name = 'audit';
-- they are no members, and have the indexes of the default partition
SELECT c.relrowsecurity, count(DISTINCT i.indexrelid) AS indexes, bool_or(i.indisprimary) AS key, count(DISTINCT d.objid) AS members
  FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
 WHERE c.oid IN ('devapp.audit_event_default'::regclass, 'devapp.audit_event_2001_02'::regclass) GROUP BY c.oid, c.relrowsecurity ORDER BY members;
DELETE FROM devapp.audit_event WHERE entity = 'test';
DROP TABLE devapp.audit_event_2001_02, devapp.audit_event_2001_03;
-- what would be granted by default is taken back
CREATE ROLE regress_audit_default;
ALTER DEFAULT PRIVILEGES IN SCHEMA devapp GRANT ALL ON TABLES TO regress_audit_default;
GRANT INSERT, UPDATE ON devapp.audit_event TO regress_audit_default;
SELECT count(*) FROM devapp.maintain_audit(4);
SELECT p, bool_or(has_table_privilege('regress_audit_default', c.oid, p))
  FROM pg_class c, unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) AS p
 WHERE c.relnamespace = 'devapp'::regnamespace AND c.relname ~ '^audit_event' AND c.relkind IN ('r', 'p') GROUP BY p ORDER BY p;
DROP OWNED BY regress_audit_default;
DROP ROLE regress_audit_default;

-- the trigger is for devapp's tables
CREATE TEMP TABLE mine (x integer);
CREATE TRIGGER t AFTER INSERT ON mine FOR EACH ROW EXECUTE FUNCTION devapp_internal.audit_row('app', 'id=x');
INSERT INTO mine VALUES (1);
DROP TABLE mine;
SELECT devapp_internal.audit_row();

-- what an event shows of a new row is what PostgreSQL makes of it, but for nulls
BEGIN;
SELECT app_id FROM devapp.create_app('audit-json', developer => 'audit@example.com', display_name => 'a "quoted" \ name',
    callback_urls => '{https://example.com/a,"https://example.com/b?c=d,e"}', expires_in => '1 day') \gset json_
INSERT INTO devapp.app (name, developer_id, allowed_cidrs, attributes)
SELECT 'audit-json-2', developer_id, '{10.0.0.0/8,2001:db8::/32}', '{"b": "c", "team": "d"}' FROM devapp.app WHERE app_id = :'json_app_id';
SELECT e.entity, count(*) AS events, bool_and(e.after = jsonb_strip_nulls(r.row)) AS same
  FROM devapp.audit_event e
  JOIN (SELECT app_id::text AS id, to_jsonb(a) AS row FROM devapp.app a
         UNION ALL SELECT credential_id::text, to_jsonb(c) FROM devapp.credential c
         UNION ALL SELECT secret_id::text, to_jsonb(s) - 'digest' FROM devapp.credential_secret s) AS r ON r.id = e.entity_id
 WHERE e.transaction_id = pg_current_xact_id() AND e.before IS NULL GROUP BY e.entity ORDER BY e.entity;
ROLLBACK;
