-- What a backend remembers stays under devapp.cache_size, also when what it is asked for later is
-- larger than what it was asked for first: 700 keys with one product, then 400 keys with eight.
SET client_min_messages = warning;
SELECT FROM devapp.create_developer('memory@example.com');
SELECT count(devapp.create_product('memory-' || i)) FROM generate_series(0, 7) AS i;
SELECT app_id AS app FROM devapp.create_app('memory', 'memory@example.com') \gset
CREATE TEMP TABLE small AS
SELECT c.secret FROM generate_series(1, 700) AS i, LATERAL devapp.issue_credential(:'app', products => '{memory-0}', label => 'small ' || i) AS c;
CREATE TEMP TABLE large AS
SELECT c.secret FROM generate_series(1, 400) AS i,
       LATERAL devapp.issue_credential(:'app', products => ARRAY(SELECT 'memory-' || n FROM generate_series(0, 7) AS n), label => 'large ' || i) AS c;

CREATE FUNCTION pg_temp.kilobytes() RETURNS bigint LANGUAGE sql AS $$
    SELECT sum(total_bytes)::bigint / 1024 FROM pg_backend_memory_contexts WHERE name LIKE 'devapp %' AND name NOT LIKE 'devapp audit%'
$$;
SET devapp.cache_size = '256kB';
-- what is there besides keys and products: tables that are empty
SELECT v.code FROM devapp.verify_key((SELECT secret FROM small LIMIT 1)) AS v;
SELECT pg_temp.kilobytes() AS first \gset
SELECT count(*) FROM small, devapp.verify_key(small.secret) AS v WHERE v.allowed;
SELECT pg_temp.kilobytes() - :first BETWEEN 128 AND 288 AS is_bounded;
SELECT count(*) FROM large, devapp.verify_key(large.secret) AS v WHERE v.allowed;
SELECT pg_temp.kilobytes() - :first BETWEEN 128 AND 288 AS is_bounded;
-- a smaller size counts from the next key on
SET devapp.cache_size = '64kB';
SELECT count(*) FROM small, devapp.verify_key(small.secret) AS v WHERE v.allowed;
SELECT pg_temp.kilobytes() - :first BETWEEN 0 AND 72 AS is_bounded;
RESET devapp.cache_size;

SELECT status FROM devapp.delete_app(:'app');
SELECT count(devapp.delete_product('memory-' || i)) FROM generate_series(0, 7) AS i;
SELECT FROM devapp.delete_developer('memory@example.com');
