-- Digests of secrets that another database of devapp exported, and secrets that others superseded.  How a whole program moves to
-- another database, with peppers, is in t/052_import_documents.pl.
\set SHOW_CONTEXT never
\set VERBOSITY terse
SELECT FROM devapp.create_developer('digests@example.com');
SELECT FROM devapp.create_product('digests');
SELECT * FROM devapp.create_app('digests', 'digests@example.com', products => '{digests}') \gset
CREATE FUNCTION pg_temp.code(key text) RETURNS devapp.verdict_code LANGUAGE sql AS $$ SELECT code FROM devapp.verify_key(key) $$;
-- what is stored of a key where there is no pepper
CREATE FUNCTION pg_temp.digest(key text) RETURNS text LANGUAGE sql AS $$ SELECT split_part(d::text, ':', 3) FROM unnest(devapp_internal.secret_digests_of(sha256(convert_to(key, 'UTF8')))) AS d LIMIT 1 $$;

-- an export has digests for superusers only
SELECT c ->> 'scheme' AS scheme, c ->> 'secret_hash' = 'blake2b:0:' || pg_temp.digest(:'secret') AS digest, c -> 'superseded' AS superseded
  FROM devapp.export_apps('{"owner": "digests@example.com"}', with_digests => true) AS a, jsonb_array_elements(a -> 'credentials') AS c;
SELECT count(*) FROM devapp.export_apps('{"owner": "digests@example.com"}', with_digests => NULL) AS a WHERE a::text ~ 'blake2b|superseded';
SET client_min_messages = warning;
SELECT FROM devapp.setup_roles();
RESET client_min_messages;
\set VERBOSITY default
SET ROLE devapp_admin;
SELECT count(*) FROM devapp.export_apps('{"owner": "digests@example.com"}');
SELECT devapp.export_apps('{"owner": "digests@example.com"}', with_digests => true);
RESET ROLE;
\set VERBOSITY terse

-- a key with its public name, as an export has it; of ours, and of an imported one
SELECT consumer_key, kind FROM devapp.import_credential(:'app_id', 'dvk_live_0123456789AE', secret_hash => 'blake2b:0:' || pg_temp.digest('dvk_live_0123456789AE_0123456789ABCDEFGHIJKLMNOPQRSTUV2p3Gi0'), scheme => 'devapp', kind => 'api_key');
SELECT consumer_key FROM devapp.import_credential(:'app_id', 'k-4***0123456789Ab', secret_hash => 'sha256:0:' || pg_temp.digest('k-4 and so on'), scheme => 'DevApp', kind => 'API_KEY');
SELECT pg_temp.code('k-4 and so on'), pg_temp.code('k-4***0123456789Ab');
-- without the name one is made up, and the key is found by its digest
SELECT consumer_key ~ '^dvk_live_' AS made_up FROM devapp.import_credential(:'app_id', secret_hash => 'blake2b:0:' || pg_temp.digest('a key whose name was lost'), scheme => 'devapp');
-- a client; what says that it is found by its id, which does not look like ours, is not believed
SELECT kind FROM devapp.import_credential(:'app_id', 'digest-client', secret_hash => 'blake2b:0:' || pg_temp.digest('secret of the client'), scheme => 'devapp');
SELECT pg_temp.code('a key whose name was lost'), (devapp.verify_client('digest-client', 'secret of the client')).code;
SELECT c.consumer_key ~ '^(dvk_live_|k-4\*\*\*|digest-client)' AS known, s.purpose, s.scheme FROM devapp.credential c JOIN devapp.credential_secret s USING (credential_id) WHERE c.app_id = :'app_id' ORDER BY c.credential_id;
-- once only
\set VERBOSITY sqlstate
SELECT FROM devapp.import_credential(:'app_id', secret_hash => 'sha256:0:' || pg_temp.digest('k-4 and so on'), scheme => 'devapp');
SELECT FROM devapp.import_credential(:'app_id', 'k-4 and so on', weak => true);
\set VERBOSITY terse

-- a pepper that nobody can know to be the same, or that is not here
SELECT FROM devapp.import_credential(:'app_id', secret_hash => 'blake2b:7:' || repeat('0', 64), scheme => 'devapp');
SELECT FROM devapp.import_credential(:'app_id', secret_hash => 'blake2b:7:' || repeat('0', 64) || ':' || repeat('0', 32), scheme => 'devapp');
-- what is no public name could be a key
SELECT n, (SELECT outcome || coalesce(': ' || detail, '') FROM devapp.import_apps(jsonb_build_object('name', 'digests', 'developer', 'digests@example.com', 'credentials', jsonb_build_array(
              jsonb_build_object('kind', 'api_key', 'consumer_key', n, 'scheme', 'devapp', 'secret_hash', 'sha256:0:' || repeat('1', 64)))), dry_run => true) WHERE line = 2) AS outcome
  FROM unnest(ARRAY['k-4', 'k-4***0123456789A', 'k-4***0123456789A_', '***0123456789Ab', 'k-4eC***0123456789Ab', 'dvk_live_0123456789', 'dvk_live_0123456789AE_0123456789ABCDEFGHIJKLMNOPQRSTUV2p3Gi0', '']) AS n;
-- what does not have the form
SELECT h, (SELECT detail FROM devapp.import_apps(jsonb_build_object('name', 'digests', 'developer', 'digests@example.com', 'credentials', jsonb_build_array(
              jsonb_build_object('scheme', 'devapp', 'secret_hash', replace(replace(h, 'HEX', repeat('0', 64)), 'FP', repeat('0', 32))))), dry_run => true) WHERE line = 2) AS detail
  FROM unnest('{blake2b,blake2b:0,blake2b:0:,blake2b::HEX,blake2b:0:HEX:,blake2b:0:HEX:FP:,blake2b:0:HEX:HEX,blake2b:65536:HEX:FP,blake2b:00:HEX,blake2b:-1:HEX:FP,blake2b_sha512_256:0:HEX,argon2id:0:HEX,:0:HEX,blake2b:0:FP,sha512_256:0:HEX,blake2b:0:HEX:FP}'::text[]) AS h;

-- secrets that the current one superseded go on working to their end; one that has ended is left out
SELECT '{"name": "digests", "developer": "digests@example.com", "credentials": [
   {"key": "o-4eC39HqLyjWDarjtT1zdp7d2", "label": "rotated", "products": ["digests"], "superseded": [
      {"key": "o-4eC39HqLyjWDarjtT1zdp7d0", "valid_until": "2000-01-01"}, {"key": "o-4eC39HqLyjWDarjtT1zdp7d1", "valid_until": 4102444800},
      {"key": "dvk_live_0123456789AF_0123456789ABCDEFGHIJKLMNOPQRSTUV1vNRn1", "valid_until": "2100-01-01T00:00:00Z"}]},
   {"consumer_key": "digest-rotated", "consumer_secret": "c-4eC39HqLyjWDarjtT1zdp7d2", "products": ["digests"], "superseded": [{"secret_hash": "abRYEiyEVGIPA", "scheme": "crypt", "valid_until": 4102444800000}]}]}' AS doc \gset
SELECT * FROM devapp.import_apps(:'doc');
SELECT k, code, superseded_until AT TIME ZONE 'UTC' AS until, app_name FROM unnest('{o-4eC39HqLyjWDarjtT1zdp7d0,o-4eC39HqLyjWDarjtT1zdp7d1,o-4eC39HqLyjWDarjtT1zdp7d2,dvk_live_0123456789AF_0123456789ABCDEFGHIJKLMNOPQRSTUV1vNRn1}'::text[]) AS k, devapp.verify_key(k);
SELECT s, code, superseded_until IS NOT NULL AS ends FROM unnest('{des secret,c-4eC39HqLyjWDarjtT1zdp7d2}'::text[]) AS s, devapp.verify_client('digest-rotated', s);
SELECT s.version, s.purpose, s.scheme, s.superseded_at IS NULL AS current FROM devapp.credential c JOIN devapp.credential_secret s USING (credential_id)
 WHERE c.label = 'rotated' OR c.consumer_key = 'digest-rotated' ORDER BY c.credential_id, s.version;
SELECT outcome, count(*) FROM devapp.import_apps(:'doc') GROUP BY outcome;
-- such a rotation can be completed as any other
SELECT FROM devapp.complete_rotation('digest-rotated');
SELECT (devapp.verify_client('digest-rotated', 'des secret')).code;
-- refused: without an end, with another field, as a list that is none, of another kind, one that another line or app has
SELECT * FROM devapp.import_apps('{"name": "digests", "developer": "digests@example.com", "credentials": [
   {"key": "p-4eC39HqLyjWDarjtT1zdp7d1", "superseded": [{"key": "p-4eC39HqLyjWDarjtT1zdp7d2"}]},
   {"key": "p-4eC39HqLyjWDarjtT1zdp7d2", "superseded": [{"key": "p-4eC39HqLyjWDarjtT1zdp7d3", "until": 4102444800}]},
   {"key": "p-4eC39HqLyjWDarjtT1zdp7d3", "superseded": {"key": "p-4eC39HqLyjWDarjtT1zdp7d4"}},
   {"key": "p-4eC39HqLyjWDarjtT1zdp7d4", "superseded": [{"consumer_secret": "p-4eC39HqLyjWDarjtT1zdp7d5", "valid_until": 4102444800}]},
   {"key": "p-4eC39HqLyjWDarjtT1zdp7d5", "superseded": [{"key": "short", "valid_until": 4102444800}]},
   {"key": "p-4eC39HqLyjWDarjtT1zdp7d6", "superseded": [{"key": "p-4eC39HqLyjWDarjtT1zdp7d7", "valid_until": 4102444800}]},
   {"key": "p-4eC39HqLyjWDarjtT1zdp7d7"},
   {"key": "p-4eC39HqLyjWDarjtT1zdp7d8", "superseded": null}]}', skip_refused => true);
SELECT * FROM devapp.import_apps('{"name": "other", "developer": "digests@example.com", "credentials": [
   {"key": "p-4eC39HqLyjWDarjtT1zdp7d9", "superseded": [{"key": "o-4eC39HqLyjWDarjtT1zdp7d1", "valid_until": 4102444800}]},
   {"consumer_key": "dvk_live_0123456789AX", "kind": "api_key", "scheme": "devapp", "secret_hash": "blake2b:0:0000000000000000000000000000000000000000000000000000000000000000"},
   {"consumer_key": "dvk_live_0123456789AX", "kind": "api_key", "scheme": "devapp", "secret_hash": "blake2b:0:1111111111111111111111111111111111111111111111111111111111111111"}]}');
