-- Apigee's management API: apps, with their first keys.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/data/apigee.sql'
\i :helpers
\set ECHO all
SELECT FROM devapp.create_developer('ada@apigee.example');
SELECT FROM devapp.create_product('zz-auto', scopes => '{read,write}');
SELECT FROM devapp.create_product('zz-manual', approval => 'manual');
SELECT FROM devapp.create_product('zz-more', scopes => '{more}');

-- a new app has a key, and only this answer has its secret
SELECT * FROM pg_temp.ask('POST', '/developers/ada@apigee.example/apps', '{"name": "zz-sky", "apiProducts": ["zz-manual", "zz-auto"], "callbackUrl": "https://zz-sky.example/cb", "scopes": ["read"], "appFamily": "default", "keyExpiresIn": 86400000, "attributes": [{"name": "DisplayName", "value": "Sky"}, {"name": "Notes", "value": "all about it"}, {"name": "plan", "value": "b"}]}') \gset app_
SELECT :app_status, pg_temp.masked(format('"%s": %s', m.key, m.value)) FROM jsonb_each(:'app_body_text'::jsonb) AS m ORDER BY m.key COLLATE "C";
SELECT :'app_headers'::jsonb;
SELECT c ->> 'consumerKey' AS key, c ->> 'consumerSecret' AS secret FROM jsonb_path_query(:'app_body_text', '$.credentials[0]') AS c \gset
SELECT pg_temp.show_members('GET', '/developers/ada@apigee.example/apps/zz-sky');
SELECT position(:'secret' IN pg_temp.show('GET', '/developers/ada@apigee.example/apps/zz-sky')) AS shown;
-- it is a pair: the id and the secret of an OAuth client; an administrator's key approves nothing by itself
SELECT code FROM devapp.verify_client(:'key', :'secret');
SELECT pg_temp.show('POST', '/developers/ada@apigee.example/apps/zz-sky?action=approve');
SELECT code, product FROM devapp.verify_client(:'key', :'secret', scope => 'read');
SELECT code FROM devapp.verify_client(:'key', :'secret', scope => 'write');
-- the time is the one that it was asked for
SELECT c.expires_at - c.issued_at AS lifetime, a.callback_urls, a.display_name, a.description, a.attributes, a.app_family FROM devapp.app a JOIN devapp.credential c USING (app_id) WHERE a.name = 'zz-sky' AND a.deleted_at IS NULL;

-- no more than a name: no products, no end, also for -1, "" and null
SELECT pg_temp.show('POST', '/developers/ada@apigee.example/apps', '{"name": "zz-sea"}');
SELECT value, a.body_text::jsonb -> 'keyExpiresIn' AS lifetime, pg_temp.masked((a.body_text::jsonb #> '{credentials,0,expiresAt}')::text) AS expires
  FROM unnest('{-1,"\"-1\"","\"\"",null,"\"3600000\""}'::text[]) WITH ORDINALITY AS v(value, n), pg_temp.ask('POST', '/developers/ada@apigee.example/apps', format('{"name": "zz-sea %s", "keyExpiresIn": %s}', n, coalesce(value, 'null'))) AS a;
-- kinds: as a setting says, or the body
SET devapp.apigee_kind = 'api_key';
SELECT c ->> 'consumerSecret' AS secret FROM pg_temp.ask('POST', '/developers/ada@apigee.example/apps', '{"name": "api key", "apiProducts": ["zz-auto"]}') AS a, jsonb_path_query(a.body_text::jsonb, '$.credentials[0]') AS c \gset
SELECT code FROM devapp.verify_key(:'secret');
SELECT pg_temp.show('POST', '/developers/ada@apigee.example/apps', '{"name": "pair", "kind": "oauth_client"}') LIKE '201 %' AS created;
SELECT a.name, c.kind FROM devapp.credential c JOIN devapp.app a USING (app_id) WHERE a.name IN ('api key', 'pair') AND a.deleted_at IS NULL ORDER BY a.name;
RESET devapp.apigee_kind;
SELECT pg_temp.refused('POST', '/developers/ada@apigee.example/apps', '{"name": "odd", "kind": "magic"}');

-- a change: what is left out stays, also the keys that a client sends back with what it read
SELECT pg_temp.show_members('PUT', '/developers/ada@apigee.example/apps/zz-sky', '{"name": "zz-sky", "callbackUrl": "https://zz-sky.example/other", "attributes": [{"name": "plan", "value": "c"}, {"name": "DisplayName", "value": "Blue"}, {"name": "DisplayName", "value": "Sky"}, {"name": "plan", "value": "b"}]}');
SELECT pg_temp.show('PUT', '/developers/ada@apigee.example/apps/zz-sky', a.body_text) = pg_temp.show('GET', '/developers/ada@apigee.example/apps/zz-sky') AS as_it_was FROM pg_temp.ask('GET', '/developers/ada@apigee.example/apps/zz-sky') AS a;
SELECT cardinality(array_agg(c.credential_id)) AS keys FROM devapp.credential c JOIN devapp.app a USING (app_id) WHERE a.name = 'zz-sky' AND a.deleted_at IS NULL;
-- the callback URL is the first of several
SELECT FROM devapp.update_app('ada@apigee.example/zz-sky', callback_urls => '{https://a.example/,https://b.example/,https://c.example/}');
SELECT a.body_text::jsonb ->> 'callbackUrl' FROM pg_temp.ask('PUT', '/developers/ada@apigee.example/apps/zz-sky', '{"callbackUrl": "https://c.example/"}') AS a;
SELECT callback_urls FROM devapp.app WHERE name = 'zz-sky' AND deleted_at IS NULL;
SELECT a.body_text::jsonb ->> 'callbackUrl' FROM pg_temp.ask('PUT', '/developers/ada@apigee.example/apps/zz-sky', '{"callbackUrl": ""}') AS a;
-- products that the app does not have get a key of their own
SELECT jsonb_array_length(a.body_text::jsonb -> 'credentials'), pg_temp.masked((a.body_text::jsonb #> '{credentials,1}')::text), a.body_text::jsonb -> 'apiProducts'
  FROM pg_temp.ask('PUT', '/developers/ada@apigee.example/apps/zz-sky', '{"apiProducts": ["zz-auto", "zz-more"], "scopes": ["read", "more"], "attributes": []}') AS a;
-- what the app has is looked at once, and once more for the answer, however many products the body names
BEGIN;
SET LOCAL track_functions = 'all';
SELECT pg_temp.show('PUT', '/developers/ada@apigee.example/apps/zz-sky', '{"apiProducts": ["zz-more", "zz-auto", "zz-manual", "zz-more", "zz-auto"]}') LIKE '200 %' AS changed,
       pg_stat_get_xact_function_calls('devapp_internal.apigee_app_form'::regproc) AS forms;
ROLLBACK;
SELECT pg_temp.show('PUT', '/developers/ada@apigee.example/apps/zz-sky', '{"scopes": [], "apiProducts": ["zz-more"]}') LIKE '%"scopes": [], "status": "approved"%' AS no_scopes;

-- the status
SELECT pg_temp.show('POST', '/developers/ada@apigee.example/apps/zz-sky?action=revoke', '', '{"content-type": "application/octet-stream"}');
SELECT pg_temp.show('POST', '/developers/ada@apigee.example/apps/zz-sky?action=Revoked');
SELECT a.body_text::jsonb ->> 'status', jsonb_path_query_array(a.body_text::jsonb, '$.credentials[*].status') FROM pg_temp.ask('GET', '/developers/ada@apigee.example/apps/zz-sky') AS a;
SELECT pg_temp.show('POST', '/developers/ada@apigee.example/apps/zz-sky?action=approved');
SELECT a.body_text::jsonb ->> 'status' FROM pg_temp.ask('GET', '/developers/ada@apigee.example/apps/zz-sky') AS a;
-- devapp has more of them: approve lets a suspended, rejected or pending one pass, revoke ends each
SELECT FROM devapp.suspend_app('ada@apigee.example/zz-sky');
SELECT a.body_text::jsonb ->> 'status' FROM pg_temp.ask('GET', '/developers/ada@apigee.example/apps/zz-sky') AS a;
SELECT pg_temp.show('POST', '/developers/ada@apigee.example/apps/zz-sky?action=approve');
SELECT FROM devapp.suspend_app('ada@apigee.example/zz-sky');
SELECT pg_temp.show('POST', '/developers/ada@apigee.example/apps/zz-sky?action=revoke');
SELECT a.body_text::jsonb ->> 'status' FROM pg_temp.ask('GET', '/developers/ada@apigee.example/apps/zz-sky') AS a;
SELECT pg_temp.show('POST', '/developers/ada@apigee.example/apps', '{"name": "wait", "apiProducts": ["zz-manual"]}') ~ '"status": "pending"' AS pending;
SELECT pg_temp.show('POST', '/developers/ada@apigee.example/apps/wait?action=revoke'), pg_temp.show('POST', '/developers/ada@apigee.example/apps/wait?action=revoke');
SELECT a.body_text::jsonb ->> 'status' FROM pg_temp.ask('GET', '/developers/ada@apigee.example/apps/wait') AS a;
SELECT pg_temp.show('POST', '/developers/ada@apigee.example/apps/wait?action=approve');
SELECT a.body_text::jsonb ->> 'status' FROM pg_temp.ask('GET', '/developers/ada@apigee.example/apps/wait') AS a;
SELECT pg_temp.refused('POST', '/developers/ada@apigee.example/apps/wait?action=suspend');

-- lists, of the developer and of all
SELECT pg_temp.show('GET', '/developers/ada@apigee.example/apps');
SELECT pg_temp.show('GET', '/developers/ada@apigee.example/apps?count=2&startKey=zz-sea%202');
SELECT jsonb_path_query_array(a.body_text::jsonb, '$.app[*].name') FROM pg_temp.ask('GET', '/developers/ada@apigee.example/apps?expand=true&startKey=zz-sky') AS a;
SELECT pg_temp.refused('GET', '/developers/ada@apigee.example/apps?count=101');
SELECT app_id AS id FROM devapp.app WHERE name = 'zz-sky' AND deleted_at IS NULL \gset
SELECT pg_temp.show('GET', '/apps/' || :'id') = pg_temp.show('GET', '/developers/ada@apigee.example/apps/zz-sky') AS by_id;
SELECT bool_and(e = a.app_id::text) AS in_order, count(*) FROM pg_temp.ask('GET', '/apps?rows=3&startKey=' || :'id') AS r, jsonb_array_elements_text(r.body_text::jsonb) WITH ORDINALITY AS x(e, n)
  JOIN (SELECT app_id, row_number() OVER (ORDER BY app_id) AS n FROM devapp.app WHERE deleted_at IS NULL AND app_id >= :'id') AS a USING (n);
SELECT q AS query, (SELECT array_agg(x ->> 'name' ORDER BY x ->> 'name') FROM jsonb_path_query(a.body_text::jsonb, '$.app[*]') AS x WHERE x ->> 'developerId' = d.developer_id::text) AS names
  FROM devapp.developer d, unnest('{expand=true,expand=true&status=revoked,expand=true&keyStatus=revoked,expand=true&apiProduct=zz-manual,expand=true&appfamily=nobody,expand=true&apptype=developer&status=approved,expand=true&apptype=company}'::text[]) AS q, pg_temp.ask('GET', '/apps?' || q) AS a
 WHERE d.email = 'ada@apigee.example' AND d.deleted_at IS NULL;
SELECT jsonb_path_query_array(a.body_text::jsonb, '$.app[*].credentials') FROM pg_temp.ask('GET', '/apps?includeCred=false&ids=' || :'id') AS a;
SELECT pg_temp.refused('GET', '/apps?startKey=zz-sky');
SELECT pg_temp.refused('GET', '/apps?apiProduct=zz-gone');

-- attributes
SELECT pg_temp.show('PUT', '/developers/ada@apigee.example/apps/zz-sky/attributes', '{"attribute": [{"name": "Notes", "value": "n"}, {"name": "a", "value": "1"}]}');
SELECT pg_temp.show('POST', '/developers/ada@apigee.example/apps/zz-sky/attributes/DisplayName', '{"value": "S"}');
SELECT pg_temp.show('POST', '/developers/ada@apigee.example/apps/zz-sky/attributes/a', '{"value": 2}');
SELECT pg_temp.show('DELETE', '/developers/ada@apigee.example/apps/zz-sky/attributes/Notes');
SELECT pg_temp.show('GET', '/developers/ada@apigee.example/apps/zz-sky/attributes');
SELECT display_name, description, attributes FROM devapp.app WHERE app_id = :'id';
SELECT pg_temp.refused('GET', '/developers/ada@apigee.example/apps/zz-sky/attributes/Notes');

-- there already, and not there
SELECT pg_temp.refused('POST', '/developers/ada@apigee.example/apps', '{"name": "zz-sky"}');
SELECT pg_temp.refused('POST', '/developers/nobody@apigee.example/apps', '{"name": "zz-sky"}');
SELECT pg_temp.refused('GET', '/developers/ada@apigee.example/apps/gone');
SELECT pg_temp.refused('POST', '/developers/ada@apigee.example/apps/gone?action=approve');
SELECT pg_temp.refused('DELETE', '/developers/ada@apigee.example/apps/gone');
SELECT pg_temp.refused('GET', '/apps/00000000-0000-4000-8000-000000000000');
SELECT pg_temp.refused('DELETE', '/apps/zz-sky');
-- a product that only the body names is a bad request
SELECT pg_temp.refused('POST', '/developers/ada@apigee.example/apps', '{"name": "odd", "apiProducts": ["zz-auto", "zz-gone"]}');
SELECT pg_temp.refused('PUT', '/developers/ada@apigee.example/apps/zz-sky', '{"apiProducts": ["zz-gone"]}');

-- what is malformed
SELECT pg_temp.refused('POST', '/developers/ada@apigee.example/apps', '{"apiProducts": ["zz-auto"]}');
SELECT pg_temp.refused('POST', '/developers/ada@apigee.example/apps', '{"name": "odd", "apiProducts": "zz-auto"}');
SELECT pg_temp.refused('POST', '/developers/ada@apigee.example/apps', '{"name": "odd", "keyExpiresIn": 0}');
SELECT pg_temp.refused('POST', '/developers/ada@apigee.example/apps', '{"name": "odd", "keyExpiresIn": "soon"}');
SELECT pg_temp.refused('POST', '/developers/ada@apigee.example/apps', '{"name": "odd", "keyExpiresIn": 1.5}');
SELECT pg_temp.refused('POST', '/developers/ada@apigee.example/apps', '{"name": "odd", "keyExpiresIn": 1000000000000000}');
SELECT pg_temp.refused('POST', '/developers/ada@apigee.example/apps', '{"name": "odd", "callbackUrl": "nowhere"}');
SELECT pg_temp.refused('POST', '/developers/ada@apigee.example/apps', '{"name": "odd", "scopes": ["nothing has this"], "apiProducts": ["zz-auto"]}');
SELECT pg_temp.refused('POST', '/developers/ada@apigee.example/apps', '{"name": ["odd"]}');
SELECT pg_temp.refused('PUT', '/developers/ada@apigee.example/apps/zz-sky', '{"name": "sky2"}');
SELECT name FROM devapp.app WHERE name IN ('odd', 'sky2') AND deleted_at IS NULL;

SELECT a.status, a.body_text::jsonb ->> 'name' AS as_it_was FROM pg_temp.ask('DELETE', '/developers/ada@apigee.example/apps/zz-sky') AS a;
SELECT pg_temp.refused('GET', '/developers/ada@apigee.example/apps/zz-sky');
SELECT pg_temp.show('DELETE', '/apps/' || app_id) LIKE '200 %' AS deleted FROM devapp.app WHERE name = 'zz-sea' AND deleted_at IS NULL;
SELECT pg_temp.show('DELETE', '/developers/ada@apigee.example') LIKE '200 %' AS deleted;
SELECT FROM unnest('{zz-auto,zz-manual,zz-more}'::text[]) AS p, devapp.delete_product(p);
SELECT pg_temp.dismiss() \g /dev/null
