-- Hashes of secrets as other systems keep them.  The vectors were made by other programs than ours: hashlib of Python (sha512_256,
-- scrypt, pbkdf2_hmac), crypt() of libxcrypt, and crypto_pwhash_str() of libsodium for argon2id.
\set SHOW_CONTEXT never
CREATE FUNCTION pg_temp.client(id text, secret text) RETURNS devapp.verdict_code LANGUAGE sql AS $$ SELECT code FROM devapp.verify_client(id, secret) $$;

SELECT FROM devapp.create_developer('schemes@example.com');
SELECT FROM devapp.create_product('schemes');
SELECT * FROM devapp.create_app('schemes', developer => 'schemes@example.com', products => '{schemes}') \gset

-- SHA-512/256: of an API key, in hexadecimal digits, and of a client's secret, in base64
SELECT kind FROM devapp.import_credential(:'app_id', secret_hash => 'df1969f0ee993e6f8ec89dd69046efba3db9910a6d3f62c4edd486c724c1e0a9', scheme => 'sha512_256');
SELECT kind FROM devapp.import_credential(:'app_id', 'client-512', secret_hash => '4l/m3GwGqwzMvvDwdUUE7aPGO56sEpFJcpsV299wIgE=', scheme => 'sha512_256');
SELECT (devapp.verify_key('sha512-256 key')).code, (devapp.verify_key('sha512-256 key')).code AS again, (devapp.verify_key('sha512-256 Key')).code AS other, (devapp.verify_digest(sha256('sha512-256 key'))).code AS by_sha256;
SELECT pg_temp.client('client-512', 'sha512-256 secret'), pg_temp.client('client-512', 'sha512-256 key');
-- the same key is known, also in plain
\set VERBOSITY sqlstate
SELECT FROM devapp.import_credential(:'app_id', 'sha512-256 key', weak => true);
\set VERBOSITY default

-- slow ones, of clients
CREATE TEMP TABLE hashed (client text, scheme text, secret text, hash text);
INSERT INTO hashed VALUES
    ('bcrypt-b', 'crypt', 'bcrypt secret', '$2b$06$abcdefghijklmnopqrstuu6sWj.wH3/xGc3kpZMYJW60aPVdPQdmm'),
    ('bcrypt-y', 'crypt', 'pässword', '$2y$04$abcdefghijklmnopqrstuum174eFeoTj0DHmtuueFaS3Wde4P7wHG'),
    ('bcrypt-a', 'Crypt', 'pässword', '$2a$04$abcdefghijklmnopqrstuum174eFeoTj0DHmtuueFaS3Wde4P7wHG'),
    -- bits that padding has, at the end of the salt and of the hash
    ('bcrypt-bits', 'crypt', 'pässword', '$2y$04$abcdefghijklmnopqrstuvm174eFeoTj0DHmtuueFaS3Wde4P7wHJ'),
    ('md5', 'crypt', 'md5 secret', '$1$saltsalt$8Vm.2xxXPWiXMc3Fvay73.'),
    ('des', 'crypt', 'des secret', 'abRYEiyEVGIPA'),
    ('xdes', 'crypt', 'xdes secret', '_J9..rasmXlyapfya.QU'),
    ('argon2id', 'argon2id', 'argon2id secret', '$argon2id$v=19$m=1024,t=1,p=1$qZ4076ZfH3/Zk3xbYRbK+g$vqaHRMLuAgicsYIAzrQN4fLZZFIq8JypJ6ooCUXs3GE'),
    ('scrypt', 'scrypt', 'scrypt secret', '$7$86..../.....2U.1EE/4Q.07ck0AoU1D.F2GA/3JMl3MYV4PkF5Sw/$yR/aujHZrKMxp/bdo0rpS4/CxxN4rlg.W6z9pSOesO9'),
    ('pbkdf2', 'pbkdf2_sha256', 'pbkdf2 secret', 'pbkdf2_sha256$1000$salty$4fRNfb8sHRiE+x8v+6vLfPuXKKDxQuZsQ60cB3YASok=');
SELECT count(*) FROM hashed h, devapp.import_credential(:'app_id', h.client, secret_hash => h.hash, scheme => h.scheme);
SELECT c.consumer_key, c.kind, s.purpose, s.scheme FROM hashed h JOIN devapp.credential c ON c.consumer_key = h.client JOIN devapp.credential_secret s USING (credential_id) ORDER BY consumer_key COLLATE "C";
SELECT client, pg_temp.client(client, secret) AS right, pg_temp.client(client, secret) AS again, pg_temp.client(client, secret || 'x') AS wrong, pg_temp.client(client, hash) AS hash FROM hashed ORDER BY client COLLATE "C";
-- what is kept is the hash that came, with its scheme; the type takes it as a dump has it
SELECT count(*) FILTER (WHERE split_part(s.digest::text, ':', 2) = h.hash AND split_part(s.digest::text, ':', 1) = s.scheme) AS same, count(*) FILTER (WHERE s.digest::text::devapp.secret_digest OPERATOR(devapp.=) s.digest) AS read_again
  FROM hashed h JOIN devapp.credential c ON c.consumer_key = h.client JOIN devapp.credential_secret s USING (credential_id);
SELECT devapp.secret_digest_pepper(digest) FROM devapp.credential_secret JOIN devapp.credential USING (credential_id) WHERE consumer_key = 'scrypt';
-- neither the trail nor a document has it
SELECT count(*) FROM devapp.audit_event e, hashed h WHERE strpos(e::text, right(h.hash, 12)) > 0;
SELECT count(*) FROM hashed h, devapp.export_apps() AS e WHERE strpos(e::text, right(h.hash, 12)) > 0;
SELECT status FROM devapp.doctor() WHERE check_name IN ('packed_rows', 'digests') AND status = 'error';

-- a rotation: the old one works for the overlap; revoked, it has its reason
SELECT secret FROM devapp.rotate_credential('md5', '1 day') \gset
SELECT pg_temp.client('md5', 'md5 secret'), pg_temp.client('md5', :'secret');
SELECT FROM devapp.complete_rotation('md5');
SELECT pg_temp.client('md5', 'md5 secret'), pg_temp.client('md5', :'secret');
SELECT FROM devapp.revoke_credential('des');
SELECT pg_temp.client('des', 'des secret'), pg_temp.client('des', 'another secret');

-- a client that fails too often has to wait, also with the right secret: nobody burns the processor by guessing.  It failed twice above, and may ten times at once.
SELECT code, count(*) BETWEEN 8 AND 12 AS about_ten, bool_and(retry_after BETWEEN interval '0' AND interval '6 seconds') AS waits
  FROM generate_series(1, 20) AS n, devapp.verify_client('bcrypt-y', 'guess ' || n) GROUP BY code ORDER BY code;
SELECT code, fault, http_status, retry_after > '0' AS waits, consumer_key FROM devapp.verify_client('bcrypt-y', 'another guess');
-- what was verified before goes on working; three are tried, because a vacuum at this moment makes a backend forget what it remembers
CREATE FUNCTION pg_temp.goes_on(client text, secret text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_temp.client(client, secret), (SELECT count(devapp.verify_client(client, 'guess ' || n)) FROM generate_series(1, 20) AS n);
    RETURN pg_temp.client(client, secret) = 'VALID';
END
$$;
SELECT bool_or(pg_temp.goes_on(h.client, h.secret)) AS goes_on FROM hashed h WHERE h.client IN ('bcrypt-y', 'scrypt', 'pbkdf2');
-- so do the others
SELECT pg_temp.client('xdes', 'xdes secret');
UPDATE devapp.credential SET label = 'forget what is remembered' WHERE consumer_key = 'bcrypt-y';
SELECT pg_temp.client('bcrypt-y', 'pässword'), pg_temp.client('bcrypt-a', 'pässword');
-- who cancels an attempt has failed too, or could take the processor for ever
SELECT FROM devapp.import_credential(:'app_id', 'hasty', secret_hash => 'pbkdf2_sha256$2000000$salty$K0YXXHPlzxRxNFgDebv9K13F3+jBTMUzgpCUnI6Ceuc=', scheme => 'pbkdf2_sha256');
CREATE FUNCTION pg_temp.hasty() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN pg_temp.client('hasty', 'guess');
EXCEPTION WHEN query_canceled THEN
    RETURN 'canceled';
END $$;
SET statement_timeout = 20;
SELECT pg_temp.hasty() \g /dev/null
SELECT pg_temp.hasty() \g /dev/null
SELECT pg_temp.hasty() \g /dev/null
SELECT pg_temp.hasty() \g /dev/null
SELECT pg_temp.hasty() \g /dev/null
SELECT pg_temp.hasty() \g /dev/null
SELECT pg_temp.hasty() \g /dev/null
SELECT pg_temp.hasty() \g /dev/null
SELECT pg_temp.hasty() \g /dev/null
SELECT pg_temp.hasty() \g /dev/null
SELECT pg_temp.hasty() \g /dev/null
SELECT pg_temp.hasty() \g /dev/null
SET statement_timeout = 0;
SELECT pg_temp.hasty();
-- fast ones never wait
SELECT code, count(*) FROM generate_series(1, 50) AS n, devapp.verify_client('client-512', 'guess ' || n) GROUP BY code;
SELECT name, setting, context FROM pg_settings WHERE name = 'devapp.slow_hashes';
-- the workers of one parallel query would compute more of them at once: locks do not keep them apart
SELECT proname, proparallel FROM pg_proc WHERE pronamespace = 'devapp'::regnamespace AND proname IN ('verify_client', 'verify_key') ORDER BY proname;

-- pgcrypto's crypt() can be switched off, from PostgreSQL 18 on; an earlier one does not know the setting.  There is a verdict, at
-- once, and nobody failed; other schemes go on working.
SELECT pg_temp.client('bcrypt-b', 'bcrypt secret');
SET pgcrypto.builtin_crypto_enabled = off;
UPDATE devapp.credential SET label = 'forget what is remembered' WHERE consumer_key IN ('bcrypt-b', 'argon2id');
SELECT code, retry_after FROM generate_series(1, 12), devapp.verify_client('bcrypt-b', 'bcrypt secret') GROUP BY 1, 2;
SELECT code, fault, http_status FROM devapp.verify_client('bcrypt-b', 'another secret');
SELECT pg_temp.client('argon2id', 'argon2id secret');
SELECT FROM devapp.import_credential(:'app_id', 'off', secret_hash => '$2b$06$abcdefghijklmnopqrstuu6sWj.wH3/xGc3kpZMYJW60aPVdPQdmm', scheme => 'crypt');
SELECT outcome, detail FROM devapp.import_apps('{"name": "schemes", "developer": "schemes@example.com", "credentials": [
   {"consumer_key": "off", "kind": "oauth_client", "scheme": "crypt", "secret_hash": "$2b$06$abcdefghijklmnopqrstuu6sWj.wH3/xGc3kpZMYJW60aPVdPQdmm"}]}', dry_run => true);
-- only in FIPS mode, which OpenSSL is not in here
SET pgcrypto.builtin_crypto_enabled = fips;
SELECT pg_temp.client('bcrypt-b', 'bcrypt secret');
RESET pgcrypto.builtin_crypto_enabled;

-- an API key cannot be looked for by a slow hash
SELECT FROM devapp.import_credential(:'app_id', secret_hash => '$2b$06$abcdefghijklmnopqrstuu6sWj.wH3/xGc3kpZMYJW60aPVdPQdmm', scheme => 'crypt');
-- what is too expensive, each at its bound and above it
CREATE FUNCTION pg_temp.refusal(app uuid, scheme text, hash text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM devapp.import_credential(app, 'bound-' || md5(hash), secret_hash => hash, scheme => scheme);
    RETURN 'taken';
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN SQLERRM;
END $$;
SELECT what, pg_temp.refusal(:'app_id', scheme, hash) FROM (VALUES
    (1, 'bcrypt 14', 'crypt', '$2b$14$abcdefghijklmnopqrstuu6sWj.wH3/xGc3kpZMYJW60aPVdPQdmm'),
    (2, 'bcrypt 15', 'crypt', '$2b$15$abcdefghijklmnopqrstuu6sWj.wH3/xGc3kpZMYJW60aPVdPQdmm'),
    (3, 'argon2id, 256 MB, 4 passes', 'argon2id', '$argon2id$v=19$m=262144,t=4,p=1$qZ4076ZfH3/Zk3xbYRbK+g$vqaHRMLuAgicsYIAzrQN4fLZZFIq8JypJ6ooCUXs3GE'),
    (4, 'argon2id, 256 MB, 5 passes', 'argon2id', '$argon2id$v=19$m=262144,t=5,p=1$qZ4076ZfH3/Zk3xbYRbK+g$vqaHRMLuAgicsYIAzrQN4fLZZFIq8JypJ6ooCUXs3GE'),
    (5, 'argon2id, more memory', 'argon2id', '$argon2id$v=19$m=262145,t=1,p=1$qZ4076ZfH3/Zk3xbYRbK+g$vqaHRMLuAgicsYIAzrQN4fLZZFIq8JypJ6ooCUXs3GE'),
    (6, 'scrypt, N = 2^18, r = 8', 'scrypt', '$7$G6..../.....2U.1EE/4Q.07ck0AoU1D.F2GA/3JMl3MYV4PkF5Sw/$yR/aujHZrKMxp/bdo0rpS4/CxxN4rlg.W6z9pSOesO9'),
    (7, 'scrypt, N = 2^20, r = 8', 'scrypt', '$7$I6..../.....2U.1EE/4Q.07ck0AoU1D.F2GA/3JMl3MYV4PkF5Sw/$yR/aujHZrKMxp/bdo0rpS4/CxxN4rlg.W6z9pSOesO9'),
    (8, 'scrypt, N = 2^63, r = 2^30 - 1', 'scrypt', '$7$zzzzzz/.....2U.1EE/4Q.07ck0AoU1D.F2GA/3JMl3MYV4PkF5Sw/$yR/aujHZrKMxp/bdo0rpS4/CxxN4rlg.W6z9pSOesO9'),
    (9, 'pbkdf2 2000000', 'pbkdf2_sha256', 'pbkdf2_sha256$2000000$salty$K0YXXHPlzxRxNFgDebv9K13F3+jBTMUzgpCUnI6Ceuc='),
    (10, 'pbkdf2 2000001', 'pbkdf2_sha256', 'pbkdf2_sha256$2000001$salty$K0YXXHPlzxRxNFgDebv9K13F3+jBTMUzgpCUnI6Ceuc='),
    (11, 'extended DES', 'crypt', '_zzzzrasmXlyapfya.QU')) AS x(n, what, scheme, hash) ORDER BY n;
SELECT FROM devapp.import_credential(:'app_id', 'bound', secret_hash => '$2b$31$abcdefghijklmnopqrstuu6sWj.wH3/xGc3kpZMYJW60aPVdPQdmm', scheme => 'crypt');
-- hashes that do not have the form of their scheme
SELECT scheme, left(hash, 40) AS hash, pg_temp.refusal(:'app_id', scheme, hash) FROM (VALUES
    ('crypt', '$2b$06$short'), ('crypt', '$2c$06$abcdefghijklmnopqrstuu6sWj.wH3/xGc3kpZMYJW60aPVdPQdmm'), ('crypt', '$2b$03$abcdefghijklmnopqrstuu6sWj.wH3/xGc3kpZMYJW60aPVdPQdmm'),
    ('crypt', '$2b$06$abcdefghijklmnopqrstuu6sWj.wH3/xGc3kpZMYJW60aPVdPQd m'), ('crypt', '$1$saltsalt$8Vm.2xxXPWiXMc3Fvay73'), ('crypt', '$1$$8Vm.2xxXPWiXMc3Fvay73.'),
    ('crypt', 'abRYEiyEVGIP'), ('crypt', '_....rasmXlyapfya.QU'), ('crypt', '$9$x$y'), ('crypt', '$'), ('crypt', '$2'), ('crypt', '$5$x'), ('crypt', '_'),
    ('argon2id', '$argon2i$v=19$m=1024,t=1,p=1$qZ4076ZfH3/Zk3xbYRbK+g$vqaHRMLuAgicsYIAzrQN4fLZZFIq8JypJ6ooCUXs3GE'),
    ('argon2id', '$argon2id$v=19$m=1024,t=1,p=4$qZ4076ZfH3/Zk3xbYRbK+g$vqaHRMLuAgicsYIAzrQN4fLZZFIq8JypJ6ooCUXs3GE'),
    ('argon2id', '$argon2id$v=19$m=1024,t=0,p=1$qZ4076ZfH3/Zk3xbYRbK+g$vqaHRMLuAgicsYIAzrQN4fLZZFIq8JypJ6ooCUXs3GE'),
    ('argon2id', '$argon2id$v=19$m=99999999999999999999,t=1,p=1$qZ4076ZfH3/Zk3xbYRbK+g$vqaHRMLuAgicsYIAzrQN4fLZZFIq8JypJ6ooCUXs3GE'),
    ('argon2id', '$argon2id$v=19$m=1024,t=1,p=1$qZ4076ZfH3/Zk3xbYRbK+g'), ('argon2id', '$argon2id$v=19$m=1024,t=1,p=1$$'),
    ('scrypt', '$7$86..../.....2U.1EE/4Q.07ck0AoU1D.F2GA/3JMl3MYV4PkF5Sw/$yR'), ('scrypt', '$7$'), ('scrypt', 'scrypt:16384:8:1$x$y'),
    ('pbkdf2_sha256', 'pbkdf2_sha256$1000$salty$short='), ('pbkdf2_sha256', 'pbkdf2_sha256$0$salty$K0YXXHPlzxRxNFgDebv9K13F3+jBTMUzgpCUnI6Ceuc='), ('pbkdf2_sha256', 'pbkdf2_sha256$1000$$K0YXXHPlzxRxNFgDebv9K13F3+jBTMUzgpCUnI6Ceuc='),
    ('pbkdf2_sha256', 'pbkdf2_sha512$1000$salty$K0YXXHPlzxRxNFgDebv9K13F3+jBTMUzgpCUnI6Ceuc='), ('pbkdf2_sha256', 'pbkdf2_sha256$1000$salty'),
    ('sha512_256', 'df1969f0'), ('crypt', repeat('x', 300))) AS x(scheme, hash);
-- a row that an administrator wrote past import_credential matches nothing, however expensive
UPDATE devapp.credential_secret SET superseded_at = now(), valid_until = now() FROM devapp.credential c WHERE c.credential_id = credential_secret.credential_id AND consumer_key = 'argon2id';
INSERT INTO devapp.credential_secret (credential_id, version, purpose, digest, scheme)
SELECT credential_id, 2, 'client_secret', 'argon2id:$argon2id$v=19$m=4000000,t=9,p=1$qZ4076ZfH3/Zk3xbYRbK+g$vqaHRMLuAgicsYIAzrQN4fLZZFIq8JypJ6ooCUXs3GE', 'argon2id' FROM devapp.credential WHERE consumer_key = 'argon2id';
SELECT pg_temp.client('argon2id', 'x'), pg_temp.client('argon2id', 'argon2id secret');
-- the type takes what a dump has, and nothing else; no error shows what was given
SELECT d::devapp.secret_digest FROM (VALUES ('crypt:abRYEiyEVGIPA'), ('blake2b_sha512_256:7:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff')) AS x(d);
SELECT 'crypt:'::devapp.secret_digest;
SELECT 'crypt:two words'::devapp.secret_digest;
SELECT 'argon2i:x'::devapp.secret_digest;
SELECT ('crypt:' || repeat('x', 256))::devapp.secret_digest;
