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

-- the keys of each kind of verification, in the order in which they are presented
CREATE TABLE bench.call AS
SELECT 'cached' AS kind, i, (SELECT secret FROM bench.app WHERE app.i = 1) AS key FROM generate_series(1, 1200) AS i
UNION ALL
SELECT 'first touch', i, secret FROM bench.app
UNION ALL
SELECT 'malformed', i, 'x' || (SELECT secret FROM bench.app WHERE app.i = 1) FROM generate_series(1, 1200) AS i
UNION ALL
SELECT 'unknown', i, bench.key(i, true) FROM generate_series(1, 1200) AS i;
CREATE INDEX ON bench.call (kind, i);
-- ids are random, and how a hash index grew with them is as well
REINDEX TABLE devapp_internal.packed_row;
VACUUM ANALYZE;
