-- The data of the benchmark: :rows credentials, each of an app of its own, of one
-- of 1000 developers, for a product of 3 operations; and the same as somebody
-- would lay it out by hand for one join.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION devapp CASCADE;
CREATE SCHEMA bench;
CREATE FUNCTION bench.noop(key text, resource text, method text, environment text) RETURNS boolean LANGUAGE c VOLATILE AS :'helper', 'bench_noop';
CREATE FUNCTION bench.key(n bigint, wrong boolean DEFAULT false) RETURNS text LANGUAGE c IMMUTABLE AS :'helper', 'bench_key';
CREATE FUNCTION bench.digest(key text) RETURNS text LANGUAGE c IMMUTABLE AS :'helper', 'bench_digest';
-- as devapp makes them: its copies of a credential and of what belongs to it are found together
CREATE FUNCTION bench.credential_id(n bigint) RETURNS uuid LANGUAGE sql STABLE
RETURN (lpad(to_hex(n), 12, '0') || '7000' || right(devapp_internal.new_credential_id(left(bench.key(n), 21))::text, 17))::uuid;
CREATE FUNCTION bench.scans(key text, n integer) RETURNS boolean LANGUAGE c VOLATILE AS :'helper', 'bench_scans';

SELECT count(devapp.create_developer('dev' || i || '@example.com')) FROM generate_series(1, 1000) AS i \g /dev/null
SELECT FROM devapp.create_product('small', environments => '{prod,test}', scopes => '{read,write}') \g /dev/null
SELECT FROM devapp.add_operation('small', '/v1/orders', '{GET,POST}') \g /dev/null
SELECT FROM devapp.add_operation('small', '/v1/orders/{id}', '{GET,PUT,DELETE}') \g /dev/null
SELECT FROM devapp.add_operation('small', '/v1/customers/*/orders/**', '{GET}') \g /dev/null
SELECT FROM devapp.create_product('large', environments => '{prod,test}') \g /dev/null
INSERT INTO devapp.product_operation (product_id, resource, methods)
SELECT product_id, format('/v1/area%s/{id}/part%s/{sub}', i % 40, i)::devapp.resource_pattern, '{GET,POST}'
  FROM devapp.product, generate_series(1, 1000) AS i WHERE name = 'large';
-- the same with a quota and a rate that nobody reaches
SELECT FROM devapp.create_product('limited', environments => '{prod,test}', quota_limit => 1000000000000, quota_unit => 'month', rate_limit => 1000000, rate_burst => 1000000) \g /dev/null
SELECT FROM devapp.add_operation('limited', '/v1/orders', '{GET,POST}') \g /dev/null
SELECT FROM devapp.add_operation('limited', '/v1/orders/{id}', '{GET,PUT,DELETE}') \g /dev/null
SELECT FROM devapp.add_operation('limited', '/v1/customers/*/orders/**', '{GET}') \g /dev/null
-- patterns that a backtracking matcher would need ages for
SELECT FROM devapp.create_product('worst', environments => '{prod,test}') \g /dev/null
SELECT FROM devapp.add_operation('worst', '/v1/*a*a*a*a*a*a*a*a*a*b', '{GET}') \g /dev/null
SELECT FROM devapp.add_operation('worst', '/**a**a**a**a**a**a**c', '{GET}') \g /dev/null
SELECT FROM devapp.add_operation('worst', '/**/*a/**/*b/**/*a/**', '{GET}') \g /dev/null

-- loaded as a dump would be, without the triggers of single statements
SET session_replication_role = replica;
INSERT INTO devapp.app (app_id, developer_id, name, status)
SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, d.developer_id, 'app' || i, 'approved'
  FROM generate_series(1, :rows) AS i
  JOIN (SELECT developer_id, row_number() OVER () AS n FROM devapp.developer) AS d ON d.n = i % 1000 + 1;
INSERT INTO devapp.credential (credential_id, app_id, consumer_key)
SELECT bench.credential_id(i), ('00000000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid,
       left(bench.key(i), 21)
  FROM generate_series(1, :rows) AS i;
INSERT INTO devapp.credential_secret (credential_id, version, purpose, digest, scheme)
SELECT bench.credential_id(i), 1, 'api_key', bench.digest(bench.key(i))::devapp.secret_digest, 'blake2b'
  FROM generate_series(1, :rows) AS i;
INSERT INTO devapp.credential_product (credential_id, product_id, status)
SELECT bench.credential_id(i), product_id, 'approved'
  FROM generate_series(1, :rows) AS i, devapp.product WHERE name = 'small';
RESET session_replication_role;
-- the credentials 1 to 50 have the large product before the small one, 51 to 100 the
-- worst, 1101 to 1600 the limited
UPDATE devapp.credential_product SET removed_at = now()
 WHERE credential_id IN (SELECT bench.credential_id(i) FROM generate_series(1, 100) AS i)
    OR credential_id IN (SELECT bench.credential_id(i) FROM generate_series(1101, 1600) AS i);
INSERT INTO devapp.credential_product (credential_id, product_id, status)
SELECT credential_id, product_id, 'approved' FROM devapp.credential, devapp.product
 WHERE credential_id IN (SELECT bench.credential_id(i) FROM generate_series(1101, 1600) AS i) AND name = 'limited';
INSERT INTO devapp.credential_product (credential_id, product_id, status)
SELECT credential_id, product_id, 'approved' FROM devapp.credential, devapp.product
 WHERE credential_id IN (SELECT bench.credential_id(i) FROM generate_series(1, 50) AS i) AND name IN ('large', 'small') ORDER BY name;
INSERT INTO devapp.credential_product (credential_id, product_id, status)
SELECT credential_id, product_id, 'approved' FROM devapp.credential, devapp.product
 WHERE credential_id IN (SELECT bench.credential_id(i) FROM generate_series(51, 100) AS i) AND name = 'worst';
-- the credentials 1601 to 1650 manage over HTTP, where a route has an answer that costs little
SELECT FROM devapp_internal.setup_products() \g /dev/null
UPDATE devapp.credential_product SET removed_at = now() WHERE credential_id IN (SELECT bench.credential_id(i) FROM generate_series(1601, 1650) AS i);
INSERT INTO devapp.credential_product (credential_id, product_id, status)
SELECT credential_id, product_id, 'approved' FROM devapp.credential, devapp.product
 WHERE credential_id IN (SELECT bench.credential_id(i) FROM generate_series(1601, 1650) AS i) AND name = 'devapp-admin';
CREATE FUNCTION devapp_internal.bench_answer(request devapp_internal.http_request) RETURNS devapp_internal.http_response LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN devapp_internal.json_response(200, '["app"]');
END
$$;
SELECT FROM devapp_internal.add_route('GET', '/bench/{what}', 'devapp_internal.bench_answer', 'read', 'devapp') \g /dev/null

-- the copies that triggers would have made
SELECT FROM devapp_internal.rebuild_packed_rows() \g /dev/null

-- by hand: the hash of the key is the key
CREATE TABLE bench.api_key AS
SELECT sha256(bench.key(i)::bytea) AS hash, bench.credential_id(i) AS credential_id
  FROM generate_series(1, :rows) AS i;
ALTER TABLE bench.api_key ADD PRIMARY KEY (hash);
CREATE TABLE bench.operation AS
SELECT product_id, '^' || regexp_replace(regexp_replace(replace(resource::text, '**', '.#'), '\{[^}]*\}|\*', '[^/]+', 'g'), '#', '*', 'g') || '$' AS regex, methods
  FROM devapp.product_operation;
CREATE INDEX ON bench.operation (product_id);

CREATE FUNCTION bench.plpgsql(key text, path text, verb text, env text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    id uuid;
    c devapp.credential;
    a devapp.app;
    d devapp.developer;
BEGIN
    SELECT k.credential_id INTO id FROM bench.api_key k WHERE k.hash = digest(key, 'sha256');
    IF NOT FOUND THEN RETURN false; END IF;
    SELECT * INTO c FROM devapp.credential x WHERE x.credential_id = id;
    IF c.status <> 'approved' OR c.expires_at <= clock_timestamp() THEN RETURN false; END IF;
    SELECT * INTO a FROM devapp.app x WHERE x.app_id = c.app_id;
    IF a.status <> 'approved' THEN RETURN false; END IF;
    SELECT * INTO d FROM devapp.developer x WHERE x.developer_id = a.developer_id;
    IF d.status <> 'active' THEN RETURN false; END IF;
    RETURN EXISTS (SELECT FROM devapp.credential_product cp JOIN devapp.product p USING (product_id) JOIN bench.operation o USING (product_id)
                    WHERE cp.credential_id = id AND cp.status = 'approved' AND cp.removed_at IS NULL
                      AND env = ANY (p.environments) AND path ~ o.regex AND verb = ANY (o.methods));
END $$;
-- counting by hand
CREATE TABLE bench.used (n bigint PRIMARY KEY, last_used_at timestamptz) WITH (fillfactor = 50);
INSERT INTO bench.used SELECT generate_series(1, 1000);
CREATE TABLE bench.counter (n bigint, minute timestamptz, calls bigint, PRIMARY KEY (n, minute)) WITH (fillfactor = 50);
CREATE TABLE bench.bcrypt AS SELECT crypt(bench.key(1), gen_salt('bf', 8)) AS hash;
CREATE TABLE bench.keys AS SELECT bench.key(i % 1000 + 101) AS key FROM generate_series(1, least(:rows, 1000000)) AS i;
VACUUM ANALYZE;
-- in memory, as the tables of a busy server are
CREATE EXTENSION pg_prewarm;
SELECT sum(pg_prewarm(oid)) FROM pg_class WHERE relkind IN ('r', 'i') AND relnamespace IN ('devapp'::regnamespace, 'devapp_internal'::regnamespace, 'bench'::regnamespace) \g /dev/null
