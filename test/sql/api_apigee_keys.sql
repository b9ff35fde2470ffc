-- Apigee's management API: the keys of an app.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/data/apigee.sql'
\i :helpers
\set ECHO all
SELECT FROM devapp.create_developer('ada@apigee.example');
SELECT FROM devapp.create_product('zz-auto', scopes => '{read,write}');
SELECT FROM devapp.create_product('zz-manual', approval => 'manual');
SELECT pg_temp.show('POST', '/developers/ada@apigee.example/apps', '{"name": "zz-sky", "apiProducts": ["zz-auto"]}') LIKE '201 %' AS created;
SELECT app_id FROM devapp.app WHERE name = 'zz-sky' AND deleted_at IS NULL \gset
\set keys '/developers/ada@apigee.example/apps/zz-sky/keys/'

-- a generated key is added to those there are; its secret is in this answer alone
SELECT * FROM pg_temp.ask('POST', '/developers/ada@apigee.example/apps/zz-sky', '{"apiProducts": ["zz-manual", "zz-auto"], "keyExpiresIn": "3600000", "attributes": [{"name": "for", "value": "tests"}]}') \gset new_
SELECT :new_status AS status, jsonb_array_length(:'new_body_text'::jsonb -> 'credentials') AS keys, jsonb_array_length(jsonb_path_query_array(:'new_body_text', '$.credentials[*].consumerSecret')) AS secrets;
SELECT c ->> 'consumerKey' AS key, c ->> 'consumerSecret' AS secret FROM jsonb_path_query(:'new_body_text', '$.credentials[1]') AS c \gset
SELECT pg_temp.show('GET', :'keys' || :'key');
SELECT code, product FROM devapp.verify_client(:'key', :'secret');
SELECT pg_temp.show('POST', '/developers/ada@apigee.example/apps/zz-sky', '{"apiProducts": []}') LIKE '200 %"consumerSecret"%' AS without_products;

-- the pair that the caller brings; products are added after it
SELECT * FROM pg_temp.ask('POST', :'keys' || 'create', '{"consumerKey": "My-key_1", "consumerSecret": "my-secret_1234", "expiresInSeconds": 60, "attributes": [{"name": "from", "value": "apigee"}]}') \gset pair_
SELECT :pair_status AS status, pg_temp.masked(:'pair_body_text') AS body, :'pair_headers'::jsonb ->> 'Cache-Control' AS cache;
SELECT expires_at - issued_at AS lifetime, kind FROM devapp.credential WHERE consumer_key = 'My-key_1';
SELECT pg_temp.show('POST', :'keys' || 'My-key_1', '{"apiProducts": ["zz-auto"], "attributes": [{"name": "a", "value": "1"}]}');
SELECT code, product FROM devapp.verify_client('My-key_1', 'my-secret_1234');
-- the same by the other paths of Apigee; without an end
SELECT pg_temp.show('POST', rtrim(:'keys', '/'), '{"consumerKey": "My-key_2", "consumerSecret": "my-secret_1234", "expiresInSeconds": "-1"}');
SELECT pg_temp.show('POST', replace(:'keys', 'ada@apigee.example', developer_id::text) || 'create', '{"consumerKey": "My-key_3", "consumerSecret": "' || repeat('s', 2048) || '"}') LIKE '201 %' AS created FROM devapp.developer WHERE email = 'ada@apigee.example' AND deleted_at IS NULL;

-- an imported API key has a public name, by which paths name it
SELECT consumer_key AS public FROM devapp.import_credential('ada@apigee.example/zz-sky', 'Zz3Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN', products => '{zz-auto}') \gset
SELECT a.status, a.body_text::jsonb ->> 'consumerKey' = :'public' AS named, :'public' ~ '^Zz3A\*\*\*' AS masked FROM pg_temp.ask('GET', :'keys' || :'public') AS a;
SELECT pg_temp.refused('GET', :'keys' || 'Zz3Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN');
SELECT pg_temp.show('POST', :'keys' || replace(:'public', '*', '%2A') || '?action=revoke');
SELECT code FROM devapp.verify_key('Zz3Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN');

-- products of a key: adding one that it has changes nothing, as text or as the key shows it
SELECT pg_temp.show('PUT', :'keys' || 'My-key_1', '{"apiProducts": ["zz-manual"]}');
SELECT a.body_text::jsonb -> 'apiProducts' FROM pg_temp.ask('PUT', :'keys' || 'My-key_1', '{"apiProducts": [{"apiproduct": "zz-manual", "status": "approved"}, "zz-auto"]}') AS a;
SELECT pg_temp.show('POST', :'keys' || 'My-key_1/apiproducts/zz-manual?action=approve');
SELECT a.body_text::jsonb -> 'apiProducts' FROM pg_temp.ask('GET', :'keys' || 'My-key_1') AS a;
SELECT pg_temp.show('POST', :'keys' || 'My-key_1/apiproducts/zz-auto?action=revoke', '', '{"content-type": "application/octet-stream"}');
SELECT code, product FROM devapp.verify_client('My-key_1', 'my-secret_1234');
SELECT pg_temp.show('DELETE', :'keys' || 'My-key_1/apiproducts/zz-manual');
SELECT code FROM devapp.verify_client('My-key_1', 'my-secret_1234');
SELECT pg_temp.show('POST', :'keys' || 'My-key_1/apiproducts/zz-auto?action=approve');
-- attributes and scopes take the place of what there was
SELECT pg_temp.show('PUT', :'keys' || 'My-key_1', '{"attributes": [{"name": "b", "value": "2"}, {"name": "b", "value": "3"}], "scopes": ["read"]}');
SELECT code FROM devapp.verify_client('My-key_1', 'my-secret_1234', scope => 'write');
SELECT pg_temp.show('PUT', :'keys' || 'My-key_1', '{"attributes": [], "scopes": []}');

-- the status: a revoked key can be approved again
SELECT pg_temp.show('POST', :'keys' || 'My-key_1?action=revoke');
SELECT code FROM devapp.verify_client('My-key_1', 'my-secret_1234');
SELECT pg_temp.show('POST', :'keys' || 'My-key_1?action=revoked');
SELECT a.body_text::jsonb ->> 'status' FROM pg_temp.ask('GET', :'keys' || 'My-key_1') AS a;
SELECT pg_temp.show('POST', :'keys' || 'My-key_1?action=approve', '{"attributes": [{"name": "c", "value": "4"}]}');
SELECT code FROM devapp.verify_client('My-key_1', 'my-secret_1234');
SELECT a.body_text::jsonb -> 'attributes' FROM pg_temp.ask('GET', :'keys' || 'My-key_1') AS a;
-- as AppGroups have it: the action and the key are in the body
SELECT pg_temp.show('POST', :'keys' || 'My-key_1', '{"action": "revoke", "apiProducts": ["zz-manual"], "appGroupAppKey": {"consumerKey": "My-key_1", "consumerSecret": "another-secret_1234", "attributes": [{"name": "d", "value": "5"}]}}');
SELECT code FROM devapp.verify_client('My-key_1', 'another-secret_1234');
SELECT pg_temp.refused('POST', :'keys' || 'My-key_1', '{"action": "pause"}');
SELECT pg_temp.show('POST', :'keys' || 'My-key_1', '{"action": "approve"}') LIKE '200 %' AS approved;
-- one that was revoked as compromised stays revoked
SELECT FROM devapp.revoke_credential('My-key_2', 'leaked', compromised => true);
SELECT a.body_text::jsonb ->> 'status' FROM pg_temp.ask('GET', :'keys' || 'My-key_2') AS a;
SELECT pg_temp.refused('POST', :'keys' || 'My-key_2?action=approve');

-- not there: the key of another app is not this app's, and a secret is not repeated
SELECT pg_temp.show('POST', '/developers/ada@apigee.example/apps', '{"name": "zz-sea"}') LIKE '201 %' AS created;
SELECT pg_temp.refused('GET', replace(:'keys', 'zz-sky', 'zz-sea') || 'My-key_1');
SELECT pg_temp.refused('GET', replace(:'keys', 'zz-sky', 'gone') || 'My-key_1');
SELECT pg_temp.refused('GET', :'keys' || 'my-KEY_1');
SELECT pg_temp.refused('GET', :'keys' || :'secret');
SELECT pg_temp.refused('PUT', :'keys' || 'gone', '{"apiProducts": ["zz-auto"]}');
SELECT pg_temp.refused('POST', :'keys' || 'gone?action=approve');
SELECT pg_temp.refused('DELETE', :'keys' || 'gone');
SELECT pg_temp.refused('PUT', :'keys' || 'My-key_1', '{"apiProducts": ["zz-gone"]}');
SELECT pg_temp.refused('POST', :'keys' || 'My-key_1/apiproducts/zz-gone?action=approve');
SELECT pg_temp.show('DELETE', :'keys' || 'My-key_1/apiproducts/zz-manual') LIKE '200 %' AS removed;
SELECT pg_temp.refused('DELETE', :'keys' || 'My-key_1/apiproducts/zz-manual');
SELECT pg_temp.refused('GET', :'keys' || 'create');
-- there already, also in another app, also revoked; and without a word about the secret
SELECT pg_temp.refused('POST', :'keys' || 'create', '{"consumerKey": "My-key_1", "consumerSecret": "another-secret_1234"}');
SELECT pg_temp.refused('POST', replace(:'keys', 'zz-sky', 'zz-sea') || 'create', '{"consumerKey": "My-key_2", "consumerSecret": "another-secret_1234"}');

-- what is malformed
SELECT pg_temp.refused('POST', :'keys' || 'create', '{"consumerKey": "My-key_4"}');
SELECT pg_temp.refused('POST', :'keys' || 'create', '{"consumerSecret": "my-secret_1234"}');
SELECT pg_temp.refused('POST', :'keys' || 'create', '{"consumerKey": "My key", "consumerSecret": "my-secret_1234"}');
SELECT pg_temp.refused('POST', :'keys' || 'create', '{"consumerKey": "My-key_4\n", "consumerSecret": "my-secret_1234"}');
SELECT pg_temp.refused('POST', :'keys' || 'create', '{"consumerKey": "My-key_4", "consumerSecret": "my-secrét_1234"}');
SELECT pg_temp.refused('POST', :'keys' || 'create', '{"consumerKey": "My-key_4", "consumerSecret": 1234567890123456}');
SELECT pg_temp.refused('POST', :'keys' || 'create', '{"consumerKey": "My-key_4", "consumerSecret": "' || repeat('s', 2049) || '"}');
SELECT pg_temp.refused('POST', :'keys' || 'create', '{"consumerKey": "' || repeat('k', 2049) || '", "consumerSecret": "my-secret_1234"}');
SELECT pg_temp.refused('POST', :'keys' || 'create', '{"consumerKey": "My-key_4", "consumerSecret": "weak"}');
SELECT pg_temp.refused('POST', :'keys' || 'create', '{"consumerKey": "create", "consumerSecret": "my-secret_1234"}');
SELECT pg_temp.refused('POST', :'keys' || 'create', '{"consumerKey": "My-key_4", "consumerSecret": "my-secret_1234", "expiresInSeconds": -2}');
SELECT pg_temp.refused('POST', :'keys' || 'create', '{"consumerKey": "My-key_4", "consumerSecret": "my-secret_1234", "expiresInSeconds": 9300000000000}');
SELECT pg_temp.refused('POST', :'keys' || 'My-key_1?action=suspend');
SELECT pg_temp.refused('POST', :'keys' || 'My-key_1/apiproducts/zz-auto');
SELECT pg_temp.refused('PUT', :'keys' || 'My-key_1');
SELECT pg_temp.refused('PUT', :'keys' || 'My-key_1', '{"apiProducts": [{"name": "zz-auto"}]}');
SELECT pg_temp.refused('PUT', :'keys' || 'My-key_1', '{"scopes": ["nothing has this"]}');
SELECT count(*) FROM devapp.credential WHERE consumer_key ~ '^(My.key.*4|create|k+)$';

-- a deleted key is gone, from the app as well
SELECT a.status, a.body_text::jsonb ->> 'consumerKey' AS key, a.body_text ~ 'consumerSecret' AS secret FROM pg_temp.ask('DELETE', :'keys' || 'My-key_1') AS a;
SELECT pg_temp.refused('GET', :'keys' || 'My-key_1');
SELECT code FROM devapp.verify_client('My-key_1', 'my-secret_1234');
SELECT jsonb_path_exists(a.body_text::jsonb, '$.credentials[*] ? (@.consumerKey == "My-key_1")') AS listed FROM pg_temp.ask('GET', '/apps/' || :'app_id') AS a;
-- whoever reads the trail finds who did it, and no secret
SELECT DISTINCT pg_temp.masked(who) AS who FROM devapp.app_history(:'app_id') ORDER BY 1;
SELECT count(*) > 10 AS all_of_it, count(*) FILTER (WHERE e::text ~ 'my-secret_1234|another-secret') AS secrets FROM devapp.audit_event AS e WHERE app_id = :'app_id';

SELECT pg_temp.show('DELETE', '/developers/ada@apigee.example') LIKE '200 %' AS deleted;
SELECT FROM unnest('{zz-auto,zz-manual}'::text[]) AS p, devapp.delete_product(p);
SELECT pg_temp.dismiss() \g /dev/null
