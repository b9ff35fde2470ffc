-- Verification answers any input with a verdict, never with an error.
\set SHOW_CONTEXT never

SELECT FROM devapp.create_developer('any@example.com');
SELECT FROM devapp.create_product('any');
SELECT * FROM devapp.create_app('any', developer => 'any@example.com', products => '{any}') \gset

SELECT code FROM devapp.verify_key(NULL);
SELECT code FROM devapp.verify_key('');
SELECT code FROM devapp.verify_key(repeat('x', 10 * 1024 * 1024));
SELECT code FROM devapp.verify_key(:'secret' || repeat('x', 10 * 1024 * 1024));
SELECT code FROM devapp.verify_digest(NULL);
SELECT code FROM devapp.verify_digest('');
SELECT code FROM devapp.verify_digest('\x00');
SELECT code FROM devapp.verify_digest(sha256('\x00'));
SELECT code FROM devapp.verify_digest(decode(repeat('00', 10 * 1024 * 1024), 'hex'));
SELECT code FROM devapp.verify_client(NULL, NULL);
SELECT code FROM devapp.verify_client('', '');
SELECT code FROM devapp.verify_client(repeat('x', 1024 * 1024), repeat('x', 1024 * 1024));

-- cut short at any place, with something behind it, or with any byte in any place
SELECT code, count(*) FROM generate_series(0, length(:'secret') - 1) AS i, devapp.verify_key(left(:'secret', i)) GROUP BY code;
SELECT code, count(*) FROM generate_series(1, 255) AS b, devapp.verify_key(:'secret' || chr(b)) GROUP BY code;
SELECT code, count(*) FROM generate_series(1, length(:'secret')) AS i, generate_series(1, 255) AS b,
       devapp.verify_key(overlay(:'secret' PLACING chr(b) FROM i)) WHERE substr(:'secret', i, 1) <> chr(b) GROUP BY code;
-- two letters changed places
SELECT DISTINCT code FROM generate_series(1, length(:'secret') - 1) AS i,
       devapp.verify_key(left(:'secret', i - 1) || substr(:'secret', i + 1, 1) || substr(:'secret', i, 1) || substr(:'secret', i + 2))
 WHERE substr(:'secret', i, 1) <> substr(:'secret', i + 1, 1);

-- the other arguments: no value is an error
SELECT code, count(*) FROM (VALUES (NULL), (''), ('/'), ('x'), (E'\n'), ('%'), ('%%%'), ('*'), ('**'), ('{}'), ('?'), ('#'), (repeat('/', 8192)), (repeat('x', 10 * 1024 * 1024))) AS r(resource),
       (VALUES (NULL), (''), ('GET'), (E'\n'), (repeat('x', 1024 * 1024))) AS m(method),
       devapp.verify_key(:'secret', resource, method, method, method) GROUP BY code ORDER BY code;
-- an endless environment is cut between characters
SELECT code, length(environment) FROM devapp.verify_key(:'secret', environment => repeat('ü', 1000));
SELECT code, length(environment) FROM devapp.verify_key(:'secret', environment => 'x' || repeat('ü', 1000));
SELECT code FROM unnest('{NULL,0,1,-1,2147483647,-2147483648}'::int[]) AS c, devapp.verify_key(:'secret', cost => c);

-- no key of an unknown pepper, nor a foreign digest, works
SELECT code FROM devapp.verify_key('dvk_live_0123456789AB_0123456789ABCDEFGHIJKLMNOPQRSTUV4bBjFD');
INSERT INTO devapp.credential (app_id, consumer_key) VALUES (:'app_id', 'dvk_live_0123456789AB') RETURNING credential_id AS foreign_id \gset
INSERT INTO devapp.credential_secret (credential_id, version, purpose, digest, scheme)
VALUES (:'foreign_id', 1, 'api_key', 'blake2b:9:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff', 'blake2b');
SELECT code FROM devapp.verify_key('dvk_live_0123456789AB_0123456789ABCDEFGHIJKLMNOPQRSTUV4bBjFD');
SELECT check_name, status, detail FROM devapp.doctor() WHERE check_name = 'digests';
-- a secret that is not valid yet is not found
UPDATE devapp.credential_secret SET superseded_at = now(), valid_until = now() WHERE credential_id = :'foreign_id';
INSERT INTO devapp.credential_secret (credential_id, version, purpose, digest, scheme, valid_from)
SELECT credential_id, 2, purpose, digest, scheme, now() + interval '1 hour' FROM devapp.credential_secret WHERE credential_id = :'foreign_id';
SELECT code FROM devapp.verify_key('dvk_live_0123456789AB_0123456789ABCDEFGHIJKLMNOPQRSTUV4bBjFD');
SELECT check_name, status, detail FROM devapp.doctor() WHERE check_name = 'digests';
UPDATE devapp.credential_secret SET superseded_at = now(), valid_until = now() WHERE credential_id = :'foreign_id' AND superseded_at IS NULL;
SELECT check_name, status, detail FROM devapp.doctor() WHERE check_name = 'digests';
