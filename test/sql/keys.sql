-- The format of keys, checked without a table.
\set SHOW_CONTEXT never

-- a key that was made by hand, its checksum computed with zlib's crc32
SELECT * FROM devapp.key_info('dvk_live_0123456789AB_0123456789ABCDEFGHIJKLMNOPQRSTUV4bBjFD');
SELECT devapp.mask_key('dvk_live_0123456789AB_0123456789ABCDEFGHIJKLMNOPQRSTUV4bBjFD');
-- the same with one bit changed in each of its bytes: none is well formed
SELECT count(*) FILTER (WHERE (devapp.key_info(convert_from(set_byte(key, i, get_byte(key, i) # 1), 'LATIN1'))).well_formed) AS well_formed
  FROM (SELECT 'dvk_live_0123456789AB_0123456789ABCDEFGHIJKLMNOPQRSTUV4bBjFD'::bytea AS key) AS k, generate_series(0, length(key) - 1) AS i;

-- a new public part is one
SELECT k.* FROM (SELECT devapp_internal.new_consumer_key(NULL) AS c) AS x, devapp.key_info(x.c) AS k
 WHERE NOT k.well_formed OR k.has_secret OR k.environment <> 'live' OR k.prefix <> 'dvk';

-- what is wrong is said
SELECT reason, well_formed, consumer_key FROM unnest(ARRAY[
    '', 'x', 'dvk_live_0123456789AB', 'dvk_live_0123456789A', 'dvk_live_0123456789ABC',
    'DVK_live_0123456789AB', '1vk_live_0123456789AB', 'dvk_LIVE_0123456789AB', 'dvk__0123456789AB', 'dvk_live_0123456789-B',
    'dvk_live_0123456789AB_0123456789ABCDEFGHIJKLMNOPQRSTUV000000',
    'dvk_live_0123456789AB_0123456789ABCDEFGHIJKLMNOPQRSTU!000000',
    'dvk_live_0123456789AB-0123456789ABCDEFGHIJKLMNOPQRSTUV000000',
    'abcdefghijklmnopq_live_0123456789AB', 'dvk_abcdefghijklmnopq_0123456789AB',
    repeat('a', 100000)]) WITH ORDINALITY AS t(key, n), devapp.key_info(key) ORDER BY n;
SELECT devapp.key_info(NULL);

-- masking shows the public part only
SELECT devapp.mask_key('dvk_live_0123456789AB'), devapp.mask_key('nonsense'), devapp.mask_key(NULL);

-- the pattern for scanners: it finds a whole key in a text, and no part of one
SELECT devapp.key_pattern();
SELECT substring('key=dvk_live_0123456789AB_0123456789ABCDEFGHIJKLMNOPQRSTUV4bBjFD;' FROM devapp.key_pattern());
SELECT count(*) FROM unnest(ARRAY['dvk_live_0123456789AB', 'dvk_live_0123456789AB_0123456789ABCDEFGHIJKLMNOPQRSTUV4bBjF',
    'dvk_LIVE_0123456789AB_0123456789ABCDEFGHIJKLMNOPQRSTUV4bBjFD', 'dv_live_0123456789AB_0123456789ABCDEFGHIJKLMNOPQRSTUV4bBjFD']) AS k
 WHERE k ~ devapp.key_pattern();
-- every key that is made begins as it says, and it follows the prefix
SELECT bool_and(devapp_internal.new_consumer_key(e) || '_' || repeat('0', 38) ~ ('^' || devapp.key_pattern() || '$'))
  FROM unnest('{NULL,a,eu-1,1234567890123456789}'::text[]) AS e, generate_series(1, 100);
SET devapp.key_prefix = 'acme';
SELECT devapp_internal.new_consumer_key(NULL) || '_' || repeat('0', 38) ~ ('^' || devapp.key_pattern() || '$') AS found;
RESET devapp.key_prefix;

-- labels and prefixes of new keys
SELECT (devapp.key_info(devapp_internal.new_consumer_key('eu1'))).environment;
SELECT devapp_internal.new_consumer_key('EU');
SELECT devapp_internal.new_consumer_key('');
SELECT (devapp.key_info(devapp_internal.new_consumer_key(e))).environment FROM unnest('{1234567890123456789,eu-1,e-----------------u-central-,e-}'::text[]) AS e;
SELECT devapp_internal.new_consumer_key('-eu');
SELECT devapp_internal.new_consumer_key(repeat('e', 33));
SET devapp.key_prefix = 'acme';
SELECT (devapp.key_info(devapp_internal.new_consumer_key(NULL))).prefix;
SET devapp.key_prefix = 'a_b';
SET devapp.key_prefix = '';
SET devapp.key_prefix = '9a';
RESET devapp.key_prefix;

-- no two are alike, and every digit is one
SELECT count(DISTINCT devapp_internal.new_consumer_key(NULL)) FROM generate_series(1, 1000);
SELECT bool_and(devapp_internal.new_consumer_key('test') ~ '^dvk_test_[0-9A-Za-z]{12}$') FROM generate_series(1, 1000);

-- ids: version 7, ascending also within one statement
SELECT count(*), count(DISTINCT u), bool_and(substr(u::text, 15, 1) = '7'), bool_and(substr(u::text, 20, 1) IN ('8', '9', 'a', 'b')),
       bool_and(u > prev OR prev IS NULL)
  FROM (SELECT u, lag(u) OVER (ORDER BY n) AS prev FROM (SELECT n, devapp.uuid_v7() AS u FROM generate_series(1, 10000) AS n) AS a) AS b;
SELECT abs(extract(epoch FROM now()) - ('x' || substr(replace(devapp.uuid_v7()::text, '-', ''), 1, 12))::bit(48)::bigint / 1000.0) < 5;

-- the digest type: no order, no echo
SELECT 'blake2b:0:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'::devapp.secret_digest
       OPERATOR(devapp.=) 'blake2b:0:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'::devapp.secret_digest;
SELECT 'blake2b:0:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'::devapp.secret_digest
       OPERATOR(devapp.=) 'blake2b:1:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'::devapp.secret_digest;
SELECT devapp.secret_digest_pepper('blake2b:65535:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff');
SELECT 'dvk_live_0123456789AB_mysecret'::devapp.secret_digest;
SELECT 'blake2b:65536:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'::devapp.secret_digest;
SELECT 'blake2b:-1:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'::devapp.secret_digest;
SELECT 'blake2b:1:0011'::devapp.secret_digest;
SELECT 'blake2b:1:zz112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'::devapp.secret_digest;
-- in binary, as COPY and logical replication send it: the scheme, the pepper's number, the hash
SELECT devapp.secret_digest_send('blake2b:258:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff');
CREATE TEMP TABLE digest (d devapp.secret_digest);
CREATE TEMP TABLE digest_bytes (b bytea);
INSERT INTO digest VALUES ('blake2b:258:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff');
\copy digest TO 'results/digest.data' (FORMAT binary)
\copy digest FROM 'results/digest.data' (FORMAT binary)
SELECT min(d::text), count(*), count(DISTINCT d::text) FROM digest;
-- of another length or scheme
INSERT INTO digest_bytes VALUES ('\x01'), ('\x02' || sha256('') || '\x0000');
\copy (SELECT b FROM digest_bytes LIMIT 1) TO 'results/digest.data' (FORMAT binary)
\copy digest FROM 'results/digest.data' (FORMAT binary)
\copy (SELECT b FROM digest_bytes OFFSET 1) TO 'results/digest.data' (FORMAT binary)
\copy digest FROM 'results/digest.data' (FORMAT binary)
-- its parts, letter by letter
SELECT '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff' AS hash \gset
CREATE FUNCTION pg_temp.digest(text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN $1::devapp.secret_digest;
EXCEPTION WHEN invalid_text_representation THEN
    RETURN 'refused';
END
$$;
SELECT head, pg_temp.digest(head || :'hash') FROM unnest('{blake2b:1:,blake2b:0001:,sha256:1:,blake2b,blake2b:,blake2b::,blake2b:/:,blake2b:a:,blake2b:1,blake2b:1;,blake2b:99999999999999999999:,blake2b:1::,blake2b:1:0}'::text[]) AS head;
SELECT pg_temp.digest('blake2b:1:' || upper(:'hash')) = pg_temp.digest('blake2b:1:' || :'hash') AS case_is_nothing;
SELECT pg_temp.digest('blake2b:1:' || left(:'hash', 62) || ':0');
-- its digest can be hashed
SELECT devapp.secret_digest_hash(('blake2b:1:' || :'hash')::devapp.secret_digest) = devapp.secret_digest_hash(('blake2b:0001:' || :'hash')::devapp.secret_digest) AS same;
-- keys that end after a part
SELECT key, reason FROM unnest('{abcdefghijklmnop,a_abcdefghijklmn,a_b_0123456789AB}'::text[]) AS key, devapp.key_info(key);
