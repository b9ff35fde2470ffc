-- Unkey's keys go on working.  The hashes are what "printf %s KEY | openssl dgst -sha256 -binary | base64" makes.
\set SHOW_CONTEXT never
\set VERBOSITY terse
SELECT FROM devapp.create_developer('unkey@import.example');
SELECT FROM devapp.create_product('unkey-api', scopes => '{documents.read}');
SELECT '{"keys": [
    {"id": "key_1", "start": "uk_3Z", "hash": "HASH1", "ownerId": "user_ä", "name": "first", "enabled": true, "meta": {"plan": "pro", "seats": 3, "none": null}, "createdAt": 1700000000000, "permissions": ["documents.read"], "roles": ["reader"], "ratelimit": {"limit": 10, "duration": 1000}},
    {"id": "key_2", "start": "uk_4Z", "hash": {"value": "HASH2", "variant": "sha256_base64"}, "externalId": "user_2", "enabled": false},
    {"id": "key_3", "start": "uk_5Z", "plaintext": "uk_5ZAq7Xl0bqI4mVwRr0c9uYkH2sTfPzN", "ownerId": "user_ä", "expires": 4102444800000},
    {"id": "key_4", "start": "uk_6Z", "plaintext": "uk_6ZAq7Xl0bqI4mVwRr0c9uYkH2sTfPzN", "expires": 1600000000000}]}' AS doc \gset
SELECT replace(replace(:'doc', 'HASH1', encode(sha256('uk_3ZAq7Xl0bqI4mVwRr0c9uYkH2sTfPzN'), 'base64')), 'HASH2', encode(sha256('uk_4ZAq7Xl0bqI4mVwRr0c9uYkH2sTfPzN'), 'base64')) AS doc \gset
SELECT * FROM devapp.import_unkey(:'doc', owner => 'unkey@import.example', products => '{unkey-api}');
SELECT k, v.code, v.app_name, v.scopes FROM unnest('{uk_3ZAq7Xl0bqI4mVwRr0c9uYkH2sTfPzN,uk_4ZAq7Xl0bqI4mVwRr0c9uYkH2sTfPzN,uk_5ZAq7Xl0bqI4mVwRr0c9uYkH2sTfPzN,uk_6ZAq7Xl0bqI4mVwRr0c9uYkH2sTfPzN}'::text[]) AS k, devapp.verify_key(k) AS v;
SELECT c.label, c.attributes, c.scopes, c.status, c.expires_at AT TIME ZONE 'UTC' AS expires FROM devapp.credential c JOIN devapp.app a USING (app_id) JOIN devapp.developer d USING (developer_id) WHERE d.email = 'unkey@import.example' ORDER BY c.label, c.status;
SELECT outcome, count(*) FROM devapp.import_unkey(:'doc', owner => 'unkey@import.example', products => '{unkey-api}') GROUP BY outcome ORDER BY outcome;
-- no secret, a hash of another kind, a malformed hash, a key that is not an object
SELECT * FROM devapp.import_unkey('[{"id": "key_5", "start": "uk_7Z"}, {"hash": {"value": "x", "variant": "md5"}}, {"hash": "x"}, 7]', owner => 'unkey@import.example');
SELECT * FROM devapp.import_unkey('{"keys": {}}', owner => 'unkey@import.example');
SELECT * FROM devapp.import_unkey(NULL, owner => 'unkey@import.example');
