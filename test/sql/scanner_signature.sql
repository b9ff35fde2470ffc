-- verify_scanner_signature(): reports that a secret scanner signed.
\set SHOW_CONTEXT never
-- the example in GitHub's documentation, with the key that GitHub published for it
\set github_body '[{"source":"commit","token":"some_token","type":"some_type","url":"https://example.com/base-repo-url/"}]'
\set github_signature 'MEQCIQDaMKqrGnE27S0kgMrEK0eYBmyG0LeZismAEz/BgZyt7AIfXt9fErtRS4XaeSt/AO1RtBY66YcAdjxji410VQV4xg=='
\set github_key '-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYAGMWO8XgCamYKMJS6jc/qgvSlAd\nAjPuDPRcXU22YxgBrz+zoN19MzuRyW87qEt9/AmtoNP5GrobzUvQSyJFVw==\n-----END PUBLIC KEY-----\n'
-- another, made with openssl: its body has a backslash
\set body '[{"token":"dvk_live_x","type":"devapp_key","url":"https://example.com/\\u00e4","source":"content"}]'
\set signature 'MEQCIFDEekonbmB0riJ4ckqsK5tlffUoEkEAnfY1KyqwqIHBAiBzTxWJlcKKBBZhUHhTyV1L8cGWg2EAhv7NS65zjv1l5Q=='
\set key '-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeb32v4K1j6SM7Z+hnASUMuN5SjjF\nHGHC/NJC5ABUqROniDD/1mzLDowz2ozS8qpf5F1CLceXU8/AqOWdXgHnFw==\n-----END PUBLIC KEY-----'

-- a literal is taken as text, and bytes as they are
SELECT devapp.verify_scanner_signature(:'github_body', :'github_signature', :'github_key') AS github, devapp.verify_scanner_signature(convert_to(:'github_body', 'UTF8'), :'github_signature', :'github_key') AS github_bytes,
       devapp.verify_scanner_signature(:'body', :'signature', :'key') AS openssl, devapp.verify_scanner_signature(convert_to(:'body', 'UTF8'), :'signature', :'key') AS openssl_bytes;
-- each with the other's, and with blanks around the signature, as a header may have them
SELECT devapp.verify_scanner_signature(:'github_body', :'signature', :'key') AS other_body, devapp.verify_scanner_signature(:'body', :'github_signature', :'key') AS other_signature,
       devapp.verify_scanner_signature(:'body', :'signature', :'github_key') AS other_key, devapp.verify_scanner_signature(:'body', E' \t' || :'signature' || E'\r\n', E'\n' || replace(:'key', E'\n', E'\r\n')) AS blanks;
-- any other body is not signed, not with a line end more either
SELECT count(*) FILTER (WHERE devapp.verify_scanner_signature(overlay(:'body' PLACING '#' FROM n FOR 1), :'signature', :'key')) AS overlaid FROM generate_series(1, length(:'body')) AS n;
SELECT devapp.verify_scanner_signature(:'body' || E'\n', :'signature', :'key') AS line_end, devapp.verify_scanner_signature('', :'signature', :'key') AS empty;
-- nor is it by another signature, whatever is sent as one
SELECT count(*) FILTER (WHERE devapp.verify_scanner_signature(:'body', left(:'signature', n), :'key')) AS cut, count(*) FILTER (WHERE devapp.verify_scanner_signature(:'body', overlay(:'signature' PLACING 'A' FROM n FOR 1), :'key')) AS overlaid
  FROM generate_series(1, length(:'signature') - 1) AS n WHERE substr(:'signature', n, 1) <> 'A';
SELECT s, devapp.verify_scanner_signature(:'body', s, :'key') FROM unnest(ARRAY['', '=', 'MAYCAQECAQE=', 'MAYCAQACAQA=', 'not base64', left(:'signature', 10) || E'\n' || substr(:'signature', 11), rtrim(:'signature', '='), :'signature' || 'AAAA', repeat('A', 100000)]) WITH ORDINALITY AS u(s, place) WHERE length(s) < 20 OR devapp.verify_scanner_signature(:'body', s, :'key');
-- never null: IF NOT null would let it in
SELECT devapp.verify_scanner_signature(NULL::text, :'signature', :'key') AS body, devapp.verify_scanner_signature(NULL::bytea, :'signature', :'key') AS bytes, devapp.verify_scanner_signature(:'body', NULL, :'key') AS signature, devapp.verify_scanner_signature(:'body', :'signature', NULL) AS key;

-- a key that is not one is a mistake of who set it up; no message shows it
CREATE FUNCTION pg_temp.key_error(key text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN devapp.verify_scanner_signature('body', 'MAYCAQECAQE=', key)::text;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN SQLERRM;
END $$;
SELECT devapp.verify_scanner_signature('body', 'MAYCAQECAQE=', '-----BEGIN EC PRIVATE KEY-----');
SELECT what, pg_temp.key_error(key) = 'public_key is not a public key of ECDSA P-256 in PEM' AS refused FROM (VALUES
    ('empty', ''), ('one line', '-----BEGIN PUBLIC KEY-----'), ('nothing between', '-----BEGIN PUBLIC KEY----------END PUBLIC KEY-----'),
    ('not base64', E'-----BEGIN PUBLIC KEY-----\n!\n-----END PUBLIC KEY-----'), ('text after it', :'key' || E'\nx'), ('twice', :'key' || E'\n' || :'key'),
    ('a byte less', replace(:'key', 'AqOWdXgHnFw==', 'AqOWdXgHn')), ('not on the curve', replace(:'key', 'qOWdXgHnFw', 'qOWdXgHnFg')),
    ('long', E'-----BEGIN PUBLIC KEY-----\n' || repeat('A', 100000) || E'\n-----END PUBLIC KEY-----'),
    ('P-384', E'-----BEGIN PUBLIC KEY-----\nMHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEbac/ofPspjpVtgFHK5t/NDxFpI2x2fIy\nBN7BvMyClRpe6vcV5b4AsJAogsDjdzkGENu4CtJUxg6iFvWSeFTZWHS+WhmV6VRJ\n0gYbu9hEcHzFYNzTGY3yRZF2AEblCPZE\n-----END PUBLIC KEY-----'),
    ('secp256k1', E'-----BEGIN PUBLIC KEY-----\nMFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEC7cPOzQhSiqDQg/BhosDW+50scLzYRLH\nyzW/6gZivGTunbaQ9FhVnVOUAiKD1nfZlvsP1To2bZYhvFTef5XLXQ==\n-----END PUBLIC KEY-----'),
    ('Ed25519', E'-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEACx8IMQkNRYyxCWARhXV5zCEGeEIxmvitSQdhEGGsmGs=\n-----END PUBLIC KEY-----')) AS k(what, key);
