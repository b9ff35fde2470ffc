-- A whole program, imported: products, developers, teams, apps and the keys that their holders go on using.
\set SHOW_CONTEXT never
\set VERBOSITY terse
CREATE FUNCTION pg_temp.code(key text) RETURNS devapp.verdict_code LANGUAGE sql AS $$ SELECT code FROM devapp.verify_key(key, '/orders/7', 'GET') $$;

SELECT '{
  "products": [{"name": "import-orders", "approval": "manual", "scopes": ["read"], "operations": [{"resource": "/orders/**", "methods": ["GET"]}]}],
  "developers": [{"email": "ann@import.example", "first_name": "Zoë", "attributes": {"tier": "gold"}},
                 {"email": "bob@import.example", "status": "inactive"}],
  "teams": [{"name": "import-team"}],
  "apps": [
    {"name": "web", "developer": "ann@import.example", "attributes": {"país": "España"}, "credentials": [
      {"key": "k-4eC39HqLyjWDarjtT1zdp7dc", "products": ["import-orders"], "label": "página", "expires_at": 4102444800000},
      {"consumer_key": "import-partner", "consumer_secret": "c-4eC39HqLyjWDarjtT1zdp7dc", "products": [{"name": "import-orders", "status": "pending"}], "expires_at": "-1"},
      {"secret_hash": "4904b7dbe90ef2d9977e95f89f08e8e306bdf6feef5615d698a56ce5757e12d7", "scheme": "sha256", "status": "revoked", "products": ["import-orders"]},
      {"key": "1234", "weak": true, "products": ["import-orders"], "expires_at": 4102444800}]},
    {"name": "job", "team": "import-team", "status": "revoked", "credentials": [{"key": "j-4eC39HqLyjWDarjtT1zdp7dc", "products": ["import-orders"]}]},
    {"name": "lab", "developer": "bob@import.example", "credentials": [{"key": "l-4eC39HqLyjWDarjtT1zdp7dc", "products": ["import-orders"]}]}
  ]}' AS doc \gset
-- a dry run says what would be, and changes nothing
SELECT * FROM devapp.import_apps(:'doc', dry_run => true);
SELECT count(*) FROM devapp.developer WHERE email LIKE '%@import.example';
SELECT kind, outcome, count(*) FROM devapp.import_apps(:'doc') GROUP BY kind, outcome ORDER BY kind;
-- the keys go on working, as far as they did
SELECT k, pg_temp.code(k) FROM unnest('{k-4eC39HqLyjWDarjtT1zdp7dc,1234,j-4eC39HqLyjWDarjtT1zdp7dc,l-4eC39HqLyjWDarjtT1zdp7dc,k-4eC39HqLyjWDarjtT1zdp7dd,k-hash-4eC39HqLyjWDarjtT1zdp7dc}'::text[]) AS k;
SELECT code FROM devapp.verify_client('import-partner', 'c-4eC39HqLyjWDarjtT1zdp7dc', '/orders/7', 'GET');
SELECT c.kind, c.consumer_key ~ '^(k-4|import-partner|dvk_live_|\*\*\*)' AS public, c.label, c.status, c.expires_at AT TIME ZONE 'UTC' AS expires, cp.status AS product, cp.decided_by = session_user AS decided
  FROM devapp.app a JOIN devapp.credential c USING (app_id) JOIN devapp.credential_product cp USING (credential_id) WHERE a.name = 'web' ORDER BY cp.ordinal;
SELECT d.first_name, d.attributes, a.attributes, a.status FROM devapp.app a JOIN devapp.developer d USING (developer_id) WHERE a.name = 'web';
SELECT status, decided_by = session_user AS decided FROM devapp.app WHERE name = 'job';
-- again: no doubles
SELECT outcome, count(*) FROM devapp.import_apps(:'doc') GROUP BY outcome;
-- an export is such a document; what it has of a credential is no secret, so there is nothing to import of these
SELECT kind, name, outcome, detail FROM devapp.import_apps((SELECT jsonb_agg(a) FROM devapp.export_apps('{"owner": "ann@import.example"}') AS a));
-- each credential and secret has its event, as if it had been imported by itself, and none shows a key
SELECT audit.entity, count(*) FROM devapp.audit_event AS audit WHERE audit.entity IN ('credential', 'credential_secret') AND audit.transaction_id = (SELECT max(transaction_id) FROM devapp.audit_event WHERE entity = 'credential_secret') GROUP BY audit.entity ORDER BY audit.entity;
SELECT count(*) FROM devapp.audit_event AS audit WHERE audit::text LIKE '%4eC39HqLyjWDarjtT1zdp7d%';

-- bad lines, each with its own reason; by default nothing is imported then
SELECT '{
  "products": [{"name": "import-orders"}, {"name": "import-x", "color": "red"}, {"name": "import-y"}, {"name": "import-y"}, 7],
  "developers": [{"email": "nobody"}, {"email": "cid@import.example", "status": "asleep"}, {"email": "dan@import.example"}],
  "apps": [{"name": "web", "developer": "ann@import.example", "credentials": [
      {"key": "n-4eC39HqLyjWDarjtT1zdp7d1"},
      {"key": "n-4eC39HqLyjWDarjtT1zdp7d1"},
      {"key": "l-4eC39HqLyjWDarjtT1zdp7dc"},
      {"key": "short"},
      {"key": "n-4eC39HqLyjWDarjtT1zdp7d2", "expires_at": 1000000000},
      {"key": "n-4eC39HqLyjWDarjtT1zdp7d3", "expires_at": "tomorrow"},
      {"key": "n-4eC39HqLyjWDarjtT1zdp7d4", "status": "lost"},
      {"key": "n-4eC39HqLyjWDarjtT1zdp7d5", "products": ["nix"]},
      {"key": "n-4eC39HqLyjWDarjtT1zdp7d6", "products": ["import-orders", " import-orders "]},
      {"key": "n-4eC39HqLyjWDarjtT1zdp7d7", "products": "import-orders"},
      {"key": "n-4eC39HqLyjWDarjtT1zdp7d8", "attributes": 1},
      {"key": "n-4eC39HqLyjWDarjtT1zdp7d9", "allowed_cidrs": ["n-4eC39HqLyjWDarjtT1zdp7d9"]},
      {"key": "n-4eC39HqLyjWDarjtT1zdp7da", "secret": "n-4eC39HqLyjWDarjtT1zdp7da"},
      {"key": "n-4eC39HqLyjWDarjtT1zdp7db", "kind": "jwt"},
      {"secret_hash": "n-4eC39HqLyjWDarjtT1zdp7de", "scheme": "sha256"},
      {"secret_hash": "n-4eC39HqLyjWDarjtT1zdp7df", "scheme": "rot13"},
      {"key": ""},
      {"consumer_key": "import-partner"},
      "n-4eC39HqLyjWDarjtT1zdp7dg"]},
    {"name": "web", "developer": "ann@import.example"},
    {"name": "two", "developer": "ann@import.example", "team": "import-team"},
    {"name": "three", "developer": "ann@import.example", "credentials": {"key": "n-4eC39HqLyjWDarjtT1zdp7di"}},
    {"name": "none", "developer": "eve@import.example", "credentials": [{"key": "n-4eC39HqLyjWDarjtT1zdp7dh"}]}]}' AS bad \gset
SELECT * FROM devapp.import_apps(:'bad');
SELECT count(*) FROM devapp.product WHERE name = 'import-y';
SELECT pg_temp.code('n-4eC39HqLyjWDarjtT1zdp7d1');
-- or the others are
SELECT outcome, count(*) FROM devapp.import_apps(:'bad', skip_refused => true) GROUP BY outcome ORDER BY outcome;
SELECT pg_temp.code('n-4eC39HqLyjWDarjtT1zdp7d1'), pg_temp.code('n-4eC39HqLyjWDarjtT1zdp7d7');
SELECT outcome, count(*) FROM devapp.import_apps(:'bad', skip_refused => true) GROUP BY outcome ORDER BY outcome;

-- times: seconds, milliseconds, with a fraction, never in several forms; what is none is refused
SELECT name, outcome, detail FROM devapp.import_apps('{"name": "times", "developer": "ann@import.example", "credentials": [
   {"key": "t-4eC39HqLyjWDarjtT1zdp7d1", "expires_at": 4102444800}, {"key": "t-4eC39HqLyjWDarjtT1zdp7d2", "expires_at": 4102444800123.5}, {"key": "t-4eC39HqLyjWDarjtT1zdp7d3", "expires_at": "4102444800.25"},
   {"key": "t-4eC39HqLyjWDarjtT1zdp7d4", "expires_at": -1}, {"key": "t-4eC39HqLyjWDarjtT1zdp7d5", "expires_at": -1.0}, {"key": "t-4eC39HqLyjWDarjtT1zdp7d6", "expires_at": ""},
   {"key": "t-4eC39HqLyjWDarjtT1zdp7d7", "expires_at": "2100-01-01T00:00:00Z"}, {"key": "t-4eC39HqLyjWDarjtT1zdp7d8", "expires_at": -2}, {"key": "t-4eC39HqLyjWDarjtT1zdp7d9", "expires_at": 1e20},
   {"key": "t-4eC39HqLyjWDarjtT1zdp7da", "expires_at": true}, {"key": "t-4eC39HqLyjWDarjtT1zdp7db", "expires_at": "2100-02-30"}, {"key": "t-4eC39HqLyjWDarjtT1zdp7dc", "expires_at": "infinity"}]}', skip_refused => true);
SELECT c.expires_at AT TIME ZONE 'UTC' AS expires FROM devapp.credential c JOIN devapp.app a USING (app_id) WHERE a.name = 'times' ORDER BY c.expires_at NULLS FIRST;
-- what is longer than anybody reads is not shown whole
SELECT left(name, 60) AS name, length(name), outcome, left(detail, 60) AS detail, length(detail) FROM devapp.import_apps(jsonb_build_object(
   'developers', jsonb_build_array(jsonb_build_object('email', 'ann@import.example', repeat('f', 20000), 1), jsonb_build_object('email', 'gus@import.example', 'status', repeat('s', 20000))),
   'apps', jsonb_build_array(jsonb_build_object('name', repeat('n', 20000), 'developer', 'ann@import.example'), jsonb_build_object('name', repeat('n', 2000), 'developer', 'ann@import.example'),
      jsonb_build_object('name', 'web', 'developer', 'ann@import.example', 'credentials', jsonb_build_array(jsonb_build_object('key', 'u-4eC39HqLyjWDarjtT1zdp7d1', 'products', jsonb_build_array(repeat('p', 20000))))))));
-- statuses may be written in capitals; nothing can be imported as deleted
SELECT kind, outcome, detail FROM devapp.import_apps('{
  "developers": [{"email": "eve@import.example", "status": "INACTIVE"}, {"email": "fay@import.example", "status": "Deleted"}],
  "teams": [{"name": "import-gone", "status": "DELETED"}],
  "apps": [{"name": "gone", "developer": "ann@import.example", "status": "DELETED"},
           {"name": "held", "developer": "ann@import.example", "status": "Revoked", "credentials": [{"key": "p-4eC39HqLyjWDarjtT1zdp7d1", "status": "Deleted"}]}]}', skip_refused => true);
-- unknown fields are refused within operations and products of credentials, too: an operation whose methods were lost would allow all
SELECT kind, outcome, detail FROM devapp.import_apps('{
  "products": [{"name": "import-z", "operations": [{"resource": "/z", "verbs": ["GET"]}]}, {"name": "import-z", "operations": ["/z"]}],
  "apps": [{"name": "held", "developer": "ann@import.example", "credentials": [{"key": "p-4eC39HqLyjWDarjtT1zdp7d2", "products": [{"name": "import-orders", "state": "pending"}]}]}]}', skip_refused => true);
-- a key in the place of a name becomes stars; what looks like a name is told
SELECT kind, outcome, detail FROM devapp.import_apps('{"name": "held", "developer": "ann@import.example", "credentials": [
  {"p-4eC39HqLyjWDarjtT1zdp7d6": "main"}, {"key": {"p-4eC39HqLyjWDarjtT1zdp7d6": "main"}}, {"correct_horse_battery": "staple"}, {"expiresAt": null},
  {"key": "s-4eC39HqLyjWDarjtT1zdp7z7", "attributes": {"p-1": "public"}}]}', skip_refused => true);
SELECT kind, outcome, detail FROM devapp.import_apps('{"name": "held", "developer": "ann@import.example", "credentials": {"p-4eC39HqLyjWDarjtT1zdp7d6": {}}}', skip_refused => true);
SELECT devapp_internal.hold_secrets('{"c": {"p-4eC39HqLyjWDarjtT1zdp7d6": {"p-4eC39HqLyjWDarjtT1zdp7d7": 1}, "p-4eC39HqLyjWDarjtT1zdp7d8": 2, "p-9": {"p-10": 3}}}', '{c}', '{p-9}');
SELECT devapp_internal.drop_secrets();
-- foreign keys that the library does not know are checked, and those that it knows by locks of what is referred to
CREATE TABLE import_label (label text PRIMARY KEY);
ALTER TABLE devapp.credential ADD CONSTRAINT credential_label_fkey FOREIGN KEY (label) REFERENCES import_label NOT VALID;
SELECT outcome, detail FROM devapp.import_apps('{"name": "held", "developer": "ann@import.example", "credentials": [{"key": "s-4eC39HqLyjWDarjtT1zdp7z8", "label": "none"}]}', skip_refused => true);
ALTER TABLE devapp.credential DROP CONSTRAINT credential_label_fkey;
DROP TABLE import_label;
SELECT devapp_internal.insert_imported(ARRAY[jsonb_populate_record(NULL::devapp.import_item, jsonb_build_object('app_id', devapp.uuid_v7()))]);
SELECT devapp_internal.insert_imported(ARRAY[jsonb_populate_record(NULL::devapp.import_item, jsonb_build_object('app_id', a.app_id, 'product_ids', jsonb_build_array(devapp.uuid_v7())))])
  FROM devapp.app a WHERE a.name = 'held';
-- a trigger that suppresses rows
CREATE FUNCTION pg_temp.suppress() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER suppress BEFORE INSERT ON devapp.credential FOR EACH ROW EXECUTE FUNCTION pg_temp.suppress();
SELECT outcome, detail FROM devapp.import_apps('{"name": "held", "developer": "ann@import.example", "credentials": [{"key": "s-4eC39HqLyjWDarjtT1zdp7z8"}]}', skip_refused => true);
DROP TRIGGER suppress ON devapp.credential;
-- triggers of others run their own functions, also where they stand behind a foreign key that is not checked
BEGIN;
CREATE FUNCTION pg_temp.of_statement() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'of a statement: %.%', TG_TABLE_NAME, TG_NAME; RETURN NULL; END $$;
CREATE FUNCTION pg_temp.of_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'of a row: %.%', TG_TABLE_NAME, TG_NAME; RETURN NEW; END $$;
CREATE TRIGGER events BEFORE INSERT ON devapp.credential EXECUTE FUNCTION pg_temp.of_statement();
CREATE TRIGGER events1 AFTER INSERT ON devapp.credential FOR EACH ROW EXECUTE FUNCTION pg_temp.of_row();
CREATE TRIGGER events2 AFTER INSERT ON devapp.credential FOR EACH ROW EXECUTE FUNCTION pg_temp.of_row();
CREATE TRIGGER events BEFORE INSERT ON devapp.credential_secret EXECUTE FUNCTION pg_temp.of_statement();
CREATE TRIGGER events1 AFTER INSERT ON devapp.credential_secret FOR EACH ROW EXECUTE FUNCTION pg_temp.of_row();
CREATE TRIGGER events2 AFTER INSERT ON devapp.credential_secret FOR EACH ROW EXECUTE FUNCTION pg_temp.of_row();
SELECT outcome, detail FROM devapp.import_apps('{"name": "held", "developer": "ann@import.example", "credentials": [{"key": "s-4eC39HqLyjWDarjtT1zdp7z8"}]}');
ROLLBACK;
-- a trigger that makes a row refer to another one, of which nobody knows whether it exists
CREATE FUNCTION pg_temp.divert() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN jsonb_populate_record(NEW, jsonb_build_object(TG_ARGV[0], devapp.uuid_v7())); END $$;
SELECT format('CREATE TRIGGER divert BEFORE INSERT ON devapp.%I FOR EACH ROW EXECUTE FUNCTION pg_temp.divert(%L)', t, c) AS make,
       $$SELECT outcome, detail FROM devapp.import_apps('{"name": "held", "developer": "ann@import.example", "credentials": [{"key": "s-4eC39HqLyjWDarjtT1zdp7z8", "products": ["import-orders"]}]}', skip_refused => true)$$ AS try,
       format('DROP TRIGGER divert ON devapp.%I', t) AS unmake
  FROM (VALUES ('credential', 'app_id'), ('credential', 'credential_id'), ('credential_secret', 'credential_id'), ('credential_product', 'credential_id'), ('credential_product', 'product_id')) AS v(t, c) \gexec
-- times have no time zones with names, which errors would quote
SELECT kind, outcome, detail FROM devapp.import_apps('{"name": "held", "developer": "ann@import.example", "credentials": [
  {"key": "p-4eC39HqLyjWDarjtT1zdp7d3", "expires_at": "2100-01-01 10:00 p-4eC39H/qLyjWDarjtT1zdp7d3"},
  {"key": "p-4eC39HqLyjWDarjtT1zdp7d4", "expires_at": "2100-01-01T10:00:00.5+02:00"}, {"key": "p-4eC39HqLyjWDarjtT1zdp7d5", "expires_at": "2100-01-01"}]}', skip_refused => true);
-- a notice says how far a long import is
SELECT outcome, count(*) FROM devapp.import_apps((SELECT jsonb_build_object('name', 'held', 'developer', 'ann@import.example', 'credentials', jsonb_agg('{"consumer_key": "public"}'::jsonb))
                                                    FROM generate_series(1, 10000)), dry_run => true) GROUP BY outcome ORDER BY outcome;
-- what is no document
SELECT * FROM devapp.import_apps('[]');
SELECT * FROM devapp.import_apps('{}');
SELECT * FROM devapp.import_apps('7');
SELECT * FROM devapp.import_apps(NULL);
SELECT * FROM devapp.import_apps('{"version": "0.9"}');
SELECT * FROM devapp.import_apps('{"apps": {}}');
-- a key in the place of a name becomes stars there, too
SELECT * FROM devapp.import_apps('{"p-4eC39HqLyjWDarjtT1zdp7d6": {"name": "main"}}');
SELECT kind, outcome, detail FROM devapp.import_apps('{"teams": [{"name": "import-t", "p-4eC39HqLyjWDarjtT1zdp7d6": 1}],
  "apps": [{"name": "held", "developer": "ann@import.example", "p-4eC39HqLyjWDarjtT1zdp7d6": {}}, {"name": "held", "developer": "ann@import.example", "colour": {}}]}', skip_refused => true);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT * FROM devapp.import_apps('[]');
ROLLBACK;
-- one key is imported by itself in the same transaction as well
BEGIN;
SELECT outcome FROM devapp.import_apps('{"name": "web", "developer": "ann@import.example", "credentials": [{"key": "o-4eC39HqLyjWDarjtT1zdp7dc"}]}');
SELECT kind FROM devapp.import_credential(app => 'ann@import.example/web', consumer_key => 'o-4eC39HqLyjWDarjtT1zdp7dd');
ROLLBACK;
-- the events of a long import do not wait in memory for its end; in the trail they are in the order of the changes
BEGIN;
SELECT outcome, count(*) FROM devapp.import_apps((SELECT jsonb_agg(jsonb_build_object('name', 'many-' || n, 'developer', 'ann@import.example')) FROM generate_series(1, 1000) AS n)) GROUP BY outcome;
SELECT sum(total_bytes) < 600000 AS bounded FROM pg_backend_memory_contexts WHERE name = 'devapp audit events';
SELECT count(*), bool_and(name = 'many-' || n) AS in_order FROM (SELECT after ->> 'name' AS name, row_number() OVER (ORDER BY event_id) AS n FROM devapp.audit_event WHERE entity = 'app' AND after ->> 'name' LIKE 'many-%') AS e;
ROLLBACK;
