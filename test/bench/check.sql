-- What instructions are counted on: :apps apps of one developer, each with a key.
--   psql -v helper=helper.so -v apps=N -f test/bench/check.sql
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION devapp CASCADE;
CREATE SCHEMA bench;
CREATE FUNCTION bench.mark() RETURNS void LANGUAGE c AS :'helper', 'bench_mark';
CREATE FUNCTION bench.key(n bigint, wrong boolean) RETURNS text LANGUAGE c AS :'helper', 'bench_key';
CREATE FUNCTION bench.noop(key text, resource text, method text, environment text) RETURNS boolean LANGUAGE c VOLATILE AS :'helper', 'bench_noop';

SELECT FROM devapp.create_developer('dev@example.com') \g /dev/null
SELECT FROM devapp.create_product('orders', scopes => '{read,write}', approval => 'auto') \g /dev/null
SELECT FROM devapp.add_operation('orders', '/v1/orders/**', '{GET}') \g /dev/null

CREATE TABLE bench.app AS
SELECT i, c.app_id, c.credential_id, c.secret
  FROM generate_series(1, :apps) AS i,
       LATERAL devapp.create_app('app' || i, developer => 'dev@example.com', products => '{orders}') AS c;

-- tokens: a signing key, and for each app a client, which has an app of its own
COPY (SELECT '1:' || repeat('0123456789abcdef', 4)) TO PROGRAM 'umask 077; cat > bench.keyring';
ALTER SYSTEM SET devapp.keyring_file = 'bench.keyring';
SELECT pg_reload_conf(), pg_sleep(1) \g /dev/null
SELECT devapp.activate_signing_key(kid) FROM devapp.create_signing_key('EdDSA') \g /dev/null
ALTER TABLE bench.app ADD client text;
UPDATE bench.app SET client = (devapp.create_app('client' || i, developer => 'dev@example.com', products => '{orders}', kind => 'oauth_client')).consumer_key;
CREATE TABLE bench.token AS SELECT a.i, t.token FROM bench.app AS a, devapp.issue_token(a.client) AS t;

-- the keys of each kind of verification, in the order in which they are presented
CREATE TABLE bench.call AS
SELECT 'cached' AS kind, i, (SELECT secret FROM bench.app WHERE app.i = 1) AS key FROM generate_series(1, 1200) AS i
UNION ALL
SELECT 'first touch', i, secret FROM bench.app
UNION ALL
SELECT 'token', i, (SELECT token FROM bench.token WHERE token.i = 1) FROM generate_series(1, 1200) AS i
UNION ALL
SELECT 'first token', i, token FROM bench.token
UNION ALL
SELECT 'malformed', i, 'x' || (SELECT secret FROM bench.app WHERE app.i = 1) FROM generate_series(1, 1200) AS i
UNION ALL
SELECT 'unknown', i, bench.key(i, true) FROM generate_series(1, 1200) AS i;
CREATE INDEX ON bench.call (kind, i);
-- ids are random, and how a hash index grew with them is as well
REINDEX TABLE devapp_internal.packed_row;
VACUUM ANALYZE;
