-- Keys that other systems made go on working.  The expected hashes were made with sha256sum and openssl.
\set SHOW_CONTEXT never
CREATE FUNCTION pg_temp.code(key text) RETURNS devapp.verdict_code LANGUAGE sql AS $$ SELECT code FROM devapp.verify_key(key, '/x', 'GET') $$;

SELECT FROM devapp.create_developer('import@example.com');
SELECT FROM devapp.create_product('import', scopes => '{read,write}');
SELECT * FROM devapp.create_app('import', developer => 'import@example.com', products => '{import}') \gset
-- a custom API key: shown by its first characters only
SELECT * FROM devapp.import_credential('import@example.com/import', 'sk_test_4eC39HqLyjWDarjtT1zdp7dc', label => 'from the old system', note => 'moving in') \gset k_
SELECT :'k_kind' AS kind, :'k_status' AS status, :'k_label' AS label, :'k_consumer_key' ~ '^sk_t\*\*\*[0-9A-Za-z]{12}$' AS shown, :'k_app_id' = :'app_id' AS app;
SELECT allowed, code, app_name, product, consumer_key = :'k_consumer_key' AS consumer_key FROM devapp.verify_key('sk_test_4eC39HqLyjWDarjtT1zdp7dc', '/x', 'GET');
SELECT version, purpose, scheme, digest IS NOT NULL AS digest FROM devapp.credential_secret WHERE credential_id = :'k_credential_id';
-- again, from what is remembered; and what is near it is not it
SELECT pg_temp.code('sk_test_4eC39HqLyjWDarjtT1zdp7dc'), pg_temp.code('sk_test_4eC39HqLyjWDarjtT1zdp7dC'), pg_temp.code('sk_test_4eC39HqLyjWDarjtT1zdp7dc '), pg_temp.code(:'k_consumer_key');
SELECT (devapp.verify_digest(sha256('sk_test_4eC39HqLyjWDarjtT1zdp7dc'))).code, (devapp.verify_key_bytes('sk_test_4eC39HqLyjWDarjtT1zdp7dc')).code, devapp.allows('sk_test_4eC39HqLyjWDarjtT1zdp7dc'), (devapp.consume_quota('sk_test_4eC39HqLyjWDarjtT1zdp7dc')).code;
-- it is an API key, no client secret
SELECT (devapp.verify_client(:'k_consumer_key', 'sk_test_4eC39HqLyjWDarjtT1zdp7dc')).code;
-- ours work as before, and what is wrong with them is found out as before
SELECT pg_temp.code(:'secret'), pg_temp.code('dvk_live_0123456789AF_0123456789ABCDEFGHIJKLMNOPQRSTUV1vNRn1'), pg_temp.code(''), pg_temp.code(NULL), pg_temp.code(repeat('x', 2048)), pg_temp.code(repeat('x', 2049));

-- the same key once only, in whatever app and however it is given; the hash is what sha256sum makes of the key
\set VERBOSITY sqlstate
SELECT FROM devapp.import_credential(:'app_id', 'sk_test_4eC39HqLyjWDarjtT1zdp7dc');
SELECT FROM devapp.import_credential(:'app_id', secret_hash => '2cafc0970149a84f3b9e62eaf169f36f59907a3b3e31f7b82e68c69cd27f7326', scheme => 'sha256');
SELECT FROM devapp.import_credential(:'app_id', :'secret');
\set VERBOSITY default

-- only the hash of a key is known: as hexadecimal digits, in base64, in base64 for URLs without padding (sha256sum; openssl dgst -sha256 -binary | base64)
SELECT credential_id, consumer_key ~ '^dvk_live_[0-9A-Za-z]{12}$' AS made_up, kind FROM devapp.import_credential(:'app_id', secret_hash => '82ac3e011b110e38c5d9bb6573abc001e51edd0e1af528e932298cb18dbc7dcc', scheme => 'sha256') \gset h_
SELECT :'h_made_up' AS made_up, :'h_kind' AS kind;
SELECT FROM devapp.import_credential(:'app_id', secret_hash => 'MWe2JOJjQkj+mU6rtuNzDU5MWuNNydmqmi5Yfgkt8wQ=', scheme => 'SHA256');
SELECT FROM devapp.import_credential(:'app_id', secret_hash => '500OE4TlVugan1IhlNaN7xPVUULk2zeGiirO7ANM4kE', scheme => 'sha256');
SELECT k, pg_temp.code(k) FROM unnest('{hash-only-key-1,hash-only-key-2,hash-only-key-3,hash-only-key-4}'::text[]) AS k;
-- neither the hash nor the name works in the place of the key
SELECT pg_temp.code('82ac3e011b110e38c5d9bb6573abc001e51edd0e1af528e932298cb18dbc7dcc'), pg_temp.code((SELECT consumer_key FROM devapp.credential WHERE credential_id = :'h_credential_id'));

-- a pair, as OAuth client; the client id is kept as it is, and the secret may have any form
SELECT * FROM devapp.import_credential(:'app_id', 'partner-1', 'correct horse battery staple!', scopes => '{read}', environment => 'prod') \gset p_
SELECT :'p_kind' AS kind, :'p_consumer_key' AS consumer_key, :'p_scopes' AS scopes, :'p_environment' AS environment;
SELECT code, consumer_key, scopes, environment FROM devapp.verify_client('partner-1', 'correct horse battery staple!', environment => 'prod');
SELECT (devapp.verify_client('partner-1', 'correct horse battery staple!', environment => 'test')).code, (devapp.verify_client('partner-1', 'correct horse battery staple')).code,
       (devapp.verify_client('partner-2', 'correct horse battery staple!')).code, (devapp.verify_client('partner-', '1correct horse battery staple!')).code,
       (devapp.verify_client('', 'x')).code, (devapp.verify_client('partner-1', '')).code, (devapp.verify_client('partner-1', NULL)).code;
-- its parts are no API keys
SELECT pg_temp.code('partner-1'), pg_temp.code('correct horse battery staple!');
-- of which only the hash is known
SELECT kind FROM devapp.import_credential(:'app_id', 'partner-2', secret_hash => '8c63dd3a2aa59604f3a9878d2212c250b3b83671a452d870fa631b999b51fd67', scheme => 'sha256', kind => 'oauth_client');
SELECT (devapp.verify_client('partner-2', 'pair secret, known by its hash')).code, (devapp.verify_client('partner-1', 'pair secret, known by its hash')).code;
-- a secret may be that of two pairs, and an API key as well
SELECT kind FROM devapp.import_credential(:'app_id', 'partner-3', 'correct horse battery staple!');
SELECT kind FROM devapp.import_credential(:'app_id', 'correct horse battery staple!') \gset
SELECT (devapp.verify_client('partner-1', 'correct horse battery staple!', environment => 'prod')).code, (devapp.verify_client('partner-3', 'correct horse battery staple!')).code,
       pg_temp.code('correct horse battery staple!'), (devapp.verify_digest(sha256('correct horse battery staple!'))).code;
-- a client id once only; also that of a key of ours
\set VERBOSITY sqlstate
SELECT FROM devapp.import_credential(:'app_id', 'partner-1', 'another secret that is long enough');
SELECT FROM devapp.import_credential(:'app_id', :'consumer_key', 'another secret that is long enough');
\set VERBOSITY default
-- a client id that looks like ours
SELECT FROM devapp.import_credential(:'app_id', 'dvk_live_0123456789AF', 'another secret that is long enough');
SELECT (devapp.verify_client('dvk_live_0123456789AF', 'another secret that is long enough')).code, (devapp.verify_client('dvk_live_0123456789AF', 'dvk_live_0123456789AF_0123456789ABCDEFGHIJKLMNOPQRSTUV1vNRn1')).code;

-- where a consumer key is presented as API key too, as Apigee has it, it is imported as both
SELECT kind FROM devapp.import_credential(:'app_id', 'Xk2vYb8mQe4tRw7zLp1sNd5g', 'hG6jKl9pQw3eRt8yUi2oAs4dF') \gset
SELECT kind FROM devapp.import_credential(:'app_id', 'Xk2vYb8mQe4tRw7zLp1sNd5g', expires_in => '-1');
SELECT (devapp.verify_client('Xk2vYb8mQe4tRw7zLp1sNd5g', 'hG6jKl9pQw3eRt8yUi2oAs4dF')).code, code AS alone, expires_at FROM devapp.verify_key('Xk2vYb8mQe4tRw7zLp1sNd5g');

-- a key of another installation of devapp keeps its consumer key, and leads to its row as ours do
SELECT consumer_key AS kept FROM devapp.import_credential(:'app_id', 'dvk_live_0123456789AC_0123456789ABCDEFGHIJKLMNOPQRSTUV45yJe1') \gset
SELECT :'kept' AS kept, scheme, pg_temp.code('dvk_live_0123456789AC_0123456789ABCDEFGHIJKLMNOPQRSTUV45yJe1') FROM devapp.credential JOIN devapp.credential_secret USING (credential_id) WHERE consumer_key = :'kept';
-- of which only the hash is known, it is tried as ours first, and found then (printf … | sha256sum)
SELECT pg_temp.code('dvk_live_0123456789AD_0123456789ABCDEFGHIJKLMNOPQRSTUV0aTeQh');
SELECT FROM devapp.import_credential(:'app_id', secret_hash => '6a6daf22278d8024e3d41a89aa4d1e6ea1116ecfafcdda817be6582090700cc5', scheme => 'sha256');
SELECT pg_temp.code('dvk_live_0123456789AD_0123456789ABCDEFGHIJKLMNOPQRSTUV0aTeQh');

-- the longest, and what is no ASCII
SELECT FROM devapp.import_credential(:'app_id', repeat('k', 2048));
SELECT FROM devapp.import_credential(:'app_id', repeat('i', 2048), repeat('s', 2048));
SELECT FROM devapp.import_credential(:'app_id', 'Schlüssel, der länger als genug ist');
SELECT pg_temp.code(repeat('k', 2048)), pg_temp.code(repeat('k', 2047)), (devapp.verify_client(repeat('i', 2048), repeat('s', 2048))).code, length((devapp.verify_client(repeat('i', 2048), repeat('s', 2048))).consumer_key), pg_temp.code('Schlüssel, der länger als genug ist');
SELECT consumer_key ~ '^Schl\*\*\*' AS shown FROM devapp.verify_key('Schlüssel, der länger als genug ist');

-- strength: length × bits of a character of the smallest alphabet, of what is given and is the secret
\set VERBOSITY sqlstate
CREATE FUNCTION pg_temp.imported(app uuid, key text, weak boolean DEFAULT false) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text;
BEGIN
    PERFORM devapp.import_credential(app, key, weak => weak);
    RETURN 'taken';
EXCEPTION WHEN invalid_parameter_value THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN coalesce(substring(detail FROM 'at most \d+ bits'), SQLERRM);
END $$;
\set VERBOSITY default
-- 3.321 × 33 = 109, 34: 112; 4 × 27 = 108, 28: 112; 5 × 22 = 110, 23: 115; 5.954 × 18 = 107, 19: 113; 6 × 18 = 108, 19: 114
SELECT t, pg_temp.imported(:'app_id', left(t, n)) AS weak, pg_temp.imported(:'app_id', left(t, n + 1)) AS strong
  FROM (VALUES ('1111111111111111111111111111111111', 33), ('abcdef1abcdef1abcdef1abcdef1', 27), ('ABCDEF1ABCDEF1ABCDEF1ABCDEF1', 27),
               ('qrstuv2qrstuv2qrstuv2qr', 22), ('QRSTUV2QRSTUV2QRSTUV2QR', 22), ('aB0aB0aB0aB0aB0aB0a', 18), ('-_0-_0-_0-_0-_0-_0-', 18),
               ('ÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄ', 18), ('a.b+c/d=e f!g"h#i$j', 18)) AS x(t, n);
SELECT pg_temp.imported(:'app_id', 'tiger', weak => true), pg_temp.imported(:'app_id', 'x'), pg_temp.code('tiger');
-- what is a client id, or a hash, is not measured
SELECT FROM devapp.import_credential(:'app_id', 'x', 'another secret that is long enough');
SELECT FROM devapp.import_credential(:'app_id', 'y', 'short');
SELECT (devapp.import_credential(:'app_id', 'y', 'short', weak => true)).consumer_key;
SELECT (devapp.verify_client('y', 'short')).code;
-- a short key shows less of itself
SELECT consumer_key ~ '^\*\*\*[0-9A-Za-z]{12}$' AS shows_nothing FROM devapp.verify_key('tiger');

-- a consumer key of ours is public, so it is no key, however long; one with another prefix may be
SELECT FROM devapp.import_credential(:'app_id', 'dvk_live_0123456789ab', weak => true);
SELECT pg_temp.imported(:'app_id', 'xyz_live_0123456789ab');

-- other combinations, kinds and schemes: nothing is imported
SELECT count(*) AS before FROM devapp.credential \gset
SELECT FROM devapp.import_credential(:'app_id');
SELECT FROM devapp.import_credential(:'app_id', consumer_secret => 'another secret that is long enough');
SELECT FROM devapp.import_credential(:'app_id', 'z', 'another secret that is long enough', secret_hash => repeat('0', 64));
SELECT FROM devapp.import_credential(:'app_id', consumer_secret => 'another secret that is long enough', secret_hash => repeat('0', 64), scheme => 'sha256');
SELECT FROM devapp.import_credential(:'app_id', 'a key that is long enough to be one', kind => 'oauth_client');
SELECT FROM devapp.import_credential(:'app_id', 'a key that is long enough to be one', kind => 'jwt');
SELECT FROM devapp.import_credential(:'app_id', 'z', 'another secret that is long enough', kind => 'api_key');
SELECT FROM devapp.import_credential(:'app_id', 'a key that is long enough to be one', scheme => 'sha256');
SELECT FROM devapp.import_credential(:'app_id', secret_hash => repeat('0', 64));
SELECT FROM devapp.import_credential(:'app_id', secret_hash => repeat('0', 64), scheme => 'md5');
SELECT FROM devapp.import_credential(:'app_id', secret_hash => repeat('0', 63), scheme => 'sha256');
SELECT FROM devapp.import_credential(:'app_id', secret_hash => repeat('x', 64), scheme => 'sha256');
SELECT FROM devapp.import_credential(:'app_id', '');
SELECT FROM devapp.import_credential(:'app_id', repeat('k', 2049));
SELECT FROM devapp.import_credential(:'app_id', E'two\nlines', 'another secret that is long enough');
SELECT FROM devapp.import_credential(:'app_id', ' z', 'another secret that is long enough');
SELECT FROM devapp.import_credential(:'app_id', U&'z\200B', 'another secret that is long enough');
SELECT FROM devapp.import_credential(:'app_id', :'secret', 'another secret that is long enough');
SELECT FROM devapp.import_credential(:'app_id', 'a key that is long enough to be one', environment => 'No Environment');
SELECT FROM devapp.import_credential(:'app_id', 'a key that is long enough to be one', products => '{no such product}');
SELECT FROM devapp.import_credential(:'app_id', 'a key that is long enough to be one', scopes => '{admin}');
SELECT FROM devapp.import_credential(:'app_id', 'a key that is long enough to be one', expires_in => '-1 day');
SELECT FROM devapp.import_credential('import@example.com/other', 'a key that is long enough to be one');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT FROM devapp.import_credential(:'app_id', 'a key that is long enough to be one');
ROLLBACK;
SELECT count(*) - :before AS imported FROM devapp.credential;

-- rotation gives a key of ours, with overlap; a client keeps its id
SELECT secret, consumer_key, secret_version FROM devapp.rotate_credential(:'k_credential_id', '1 day') \gset r_
SELECT :'r_secret' ~ '^dvk_live_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}$' AS ours, :'r_consumer_key' = :'k_consumer_key' AS same_name, :'r_secret_version' AS version;
SELECT code, superseded_until IS NOT NULL AS ends FROM unnest(ARRAY['sk_test_4eC39HqLyjWDarjtT1zdp7dc', :'r_secret']) AS k, devapp.verify_key(k);
SELECT FROM devapp.complete_rotation(:'k_consumer_key');
SELECT pg_temp.code('sk_test_4eC39HqLyjWDarjtT1zdp7dc'), pg_temp.code(:'r_secret');
SELECT secret FROM devapp.rotate_credential('partner-1', '1 day') \gset s_
SELECT :'s_secret' ~ '^dvk_prod_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}$' AS ours, (devapp.verify_client('partner-1', :'s_secret', environment => 'prod')).code, (devapp.verify_client('partner-1', 'correct horse battery staple!', environment => 'prod')).superseded_until IS NOT NULL AS ends;
SELECT FROM devapp.cancel_rotation('partner-1');
SELECT (devapp.verify_client('partner-1', :'s_secret', environment => 'prod')).code, (devapp.verify_client('partner-1', 'correct horse battery staple!', environment => 'prod')).code;
-- one with a made-up consumer key gets a key that leads to it
SELECT secret FROM devapp.rotate_credential(:'h_credential_id') \gset t_
SELECT starts_with(:'t_secret', c.consumer_key) AS leads_to_it, s.scheme, pg_temp.code(:'t_secret'), pg_temp.code('hash-only-key-1') AS old
  FROM devapp.credential c JOIN devapp.credential_secret s USING (credential_id) WHERE c.credential_id = :'h_credential_id' AND s.superseded_at IS NULL;

-- revoke, approve, expiry, replacement, as of any credential
SELECT FROM devapp.revoke_credential('partner-2');
SELECT (devapp.verify_client('partner-2', 'pair secret, known by its hash')).code;
SELECT FROM devapp.approve_credential('partner-2');
SELECT (devapp.verify_client('partner-2', 'pair secret, known by its hash')).code;
SELECT FROM devapp.import_credential(:'app_id', 'a key that ended a moment after it came', expires_in => '1 microsecond');
SELECT pg_temp.code('a key that ended a moment after it came');
SELECT secret FROM devapp.issue_credential(:'app_id', replaces => 'partner-3', overlap => '1 day') \gset n_
SELECT (devapp.verify_client('partner-3', 'correct horse battery staple!')).superseded_until IS NOT NULL AS ends, (devapp.verify_client(left(:'n_secret', -39), :'n_secret')).code;
SELECT products FROM devapp.import_credential(:'app_id', 'a key without any product, or so', products => '{}') AS c, LATERAL (SELECT count(*) FROM devapp.credential_product cp WHERE cp.credential_id = c.credential_id) AS p(products);
SELECT pg_temp.code('a key without any product, or so');
-- an import that is rolled back was none
BEGIN;
SELECT FROM devapp.import_credential(:'app_id', 'a key that is rolled back again');
SELECT pg_temp.code('a key that is rolled back again');
ROLLBACK;
SELECT pg_temp.code('a key that is rolled back again');

-- the trail shows that it came, why, and no digest; explain_access and key_owner know it
SELECT regexp_replace(what, 'until .*', 'until …') AS what, note FROM devapp.app_history(:'app_id') WHERE consumer_key = 'partner-1' OR note = 'moving in' ORDER BY event_id;
SELECT count(*) FROM devapp.audit_event e WHERE e::text ~ 'sk_test|correct horse|82ac3e01|blake2b:';
SELECT rule, passed FROM devapp.explain_access(:'app_id', '/x', 'GET', environment => 'prod') WHERE consumer_key = 'partner-1';
SELECT app_name FROM devapp.key_owner('partner-1');
-- whoever found a key finds its owner by it, or by its SHA-256
SELECT app_name, consumer_key = :'k_consumer_key' AS same, secret_version FROM devapp.key_owner('sk_test_4eC39HqLyjWDarjtT1zdp7dc');
SELECT app_name, secret_version FROM devapp.key_owner('82ac3e011b110e38c5d9bb6573abc001e51edd0e1af528e932298cb18dbc7dcc');
SELECT app_name, secret_version FROM devapp.key_owner(:'r_secret');
-- an imported key is no name of its credential, and no error shows it
SELECT FROM devapp.revoke_credential('sk_test_4eC39HqLyjWDarjtT1zdp7dc');
SELECT FROM devapp.revoke_credential('sk_test_4eC39HqLyjWDarjtT1zdp7dd');
SELECT status, detail FROM devapp.doctor() WHERE check_name = 'packed_rows' AND status <> 'ok';

-- of no other use
SELECT devapp_internal.imported_digest(1);
