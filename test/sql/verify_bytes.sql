-- Keys and paths that are no text.
\set SHOW_CONTEXT never

SELECT FROM devapp.create_developer('bytes@example.com');
SELECT FROM devapp.create_product('bytes');
SELECT FROM devapp.add_operation('bytes', '/files/*', '{GET}');
SELECT secret AS key FROM devapp.create_app('bytes', developer => 'bytes@example.com', products => '{bytes}') \gset

SELECT code, http_status FROM devapp.verify_key_bytes(:'key', '/files/1', 'GET');
SELECT code FROM devapp.verify_key_bytes(:'key', '/files/1', 'PUT', 'prod', 'proxy', 2, 'none', '10.0.0.1');
SELECT code FROM devapp.verify_key_bytes(NULL);
SELECT code FROM devapp.verify_key_bytes('');
-- a key with another byte in any place, or one more
SELECT v.code, count(*)
  FROM generate_series(0, length(:'key') - 1) AS place, generate_series(0, 255) AS byte,
       devapp.verify_key_bytes(set_byte(:'key', place, byte), '/files/1') AS v
 WHERE get_byte(:'key'::bytea, place) <> byte AND v.code <> 'MALFORMED' GROUP BY v.code;
SELECT v.code, count(*) FROM generate_series(0, 255) AS byte, devapp.verify_key_bytes(:'key'::bytea || set_byte('\x00', 0, byte), '/files/1') AS v GROUP BY v.code;
SELECT v.code, count(*) FROM generate_series(0, 255) AS byte, devapp.verify_key_bytes(set_byte('\x00', 0, byte) || :'key'::bytea, '/files/1') AS v GROUP BY v.code;
-- a path with each byte: those that a proxy might read as another path are refused
SELECT v.code, count(*), CASE WHEN count(*) < 60 THEN string_agg(encode(set_byte('\x00', 0, byte), 'hex'), ' ' ORDER BY byte) END AS bytes
  FROM generate_series(0, 255) AS byte, devapp.verify_key_bytes(:'key', '/files/a'::bytea || set_byte('\x00', 0, byte) || 'b') AS v GROUP BY v.code ORDER BY v.code;
-- a dot in two bytes of UTF-8, and in three
SELECT p, v.code FROM unnest(ARRAY['\x2f66696c65732fc0ae', '\x2f66696c65732fe080ae', '\x2f66696c65732fc3a9']::bytea[]) AS p, devapp.verify_key_bytes(:'key', p) AS v;
-- as text the same is refused by PostgreSQL
SELECT devapp.verify_key(convert_from('\xff', 'UTF8'));
