-- Apigee's management API: teams, as companies and as AppGroups.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/data/apigee.sql'
\i :helpers
\set ECHO all
SELECT FROM devapp.create_product('zz-auto');
SELECT pg_temp.show('POST', '/developers', format('{"email": "%s@apigee.example"}', name)) LIKE '201 %' AS created FROM unnest('{ada,bob}'::text[]) AS name;

-- one form for both
SELECT pg_temp.show_members('POST', '/companies', '{"name": "zz-north", "displayName": "North", "attributes": [{"name": "area", "value": "n"}]}');
SELECT pg_temp.show('POST', '/appgroups', '{"name": "zz-south", "status": "inactive", "channelUri": "unknown members are ignored"}');
SELECT pg_temp.show('GET', '/companies/zz-north') = pg_temp.show('GET', '/appgroups/zz-north') AS same;
SELECT pg_temp.show('PUT', '/companies/zz-north', '{"name": "zz-north", "displayName": "", "attributes": []}');
SELECT pg_temp.show('POST', '/companies/zz-north', '{"displayName": "The north"}') LIKE '%"displayName": "The north"%' AS changed;
-- companies get their status by POST, AppGroups by PUT
SELECT pg_temp.show('POST', '/companies/zz-north?action=inactive');
SELECT pg_temp.show('PUT', '/appgroups/zz-south?action=active', '', '{"content-type": "application/octet-stream"}');
SELECT a.status, a.body_text::jsonb ->> 'status' FROM unnest('{/companies/zz-north,/appgroups/zz-south}'::text[]) AS path, pg_temp.ask('GET', path) AS a;
SELECT pg_temp.show('POST', '/companies/zz-north?action=active');
SELECT pg_temp.refused('PUT', '/appgroups/zz-south?action=approve');

-- lists: names of companies; pages of AppGroups, whose token is the name of the next one
SELECT pg_temp.show('POST', '/companies', '{"name": "zz-west"}') LIKE '201 %' AS created;
SELECT pg_temp.show('GET', '/companies?startKey=zz-&count=2');
SELECT jsonb_path_query_array(a.body_text::jsonb, '$.company[*].displayName') FROM pg_temp.ask('GET', '/companies?expand=true&startKey=zz-') AS a;
SELECT jsonb_path_query_array(a.body_text::jsonb, '$.appGroups[*].name'), a.body_text::jsonb -> 'nextPageToken' FROM pg_temp.ask('GET', '/appgroups?pageSize=2&pageToken=zz-') AS a;
SELECT jsonb_path_query_array(a.body_text::jsonb, '$.appGroups[*].name'), a.body_text::jsonb ? 'nextPageToken' AS more FROM pg_temp.ask('GET', '/appgroups?pageSize=2&pageToken=zz-west') AS a;
SELECT pg_temp.refused('GET', '/appgroups?pageSize=1001');

-- members
SELECT pg_temp.show('POST', '/companies/zz-north/developers', '{"developer": [{"email": "ada@apigee.example", "role": "Admin"}, {"email": "BOB@apigee.example"}]}');
SELECT pg_temp.show('POST', '/companies/zz-north/developers', '{"developer": [{"email": "bob@apigee.example", "role": "admin"}]}');
SELECT pg_temp.show('GET', '/companies/zz-north/developers');
SELECT a.body_text::jsonb -> 'companies' FROM pg_temp.ask('GET', '/developers/bob@apigee.example') AS a;
SELECT pg_temp.show('DELETE', '/companies/zz-north/developers/ada@apigee.example');
SELECT pg_temp.refused('DELETE', '/companies/zz-north/developers/ada@apigee.example');
SELECT pg_temp.refused('POST', '/companies/zz-north/developers', '{"developer": [{"email": "ada@apigee.example"}, {"email": "nobody@apigee.example"}]}');
SELECT pg_temp.refused('POST', '/companies/zz-north/developers', '{"developer": [{"email": "ada@apigee.example", "role": "queen"}]}');
SELECT pg_temp.refused('POST', '/companies/zz-north/developers', '{"developer": {"email": "ada@apigee.example"}}');
SELECT pg_temp.refused('POST', '/companies/zz-north/developers', '{"developer": ["ada@apigee.example"]}');
SELECT pg_temp.show('GET', '/companies/zz-north/developers');

-- the whole life of an app and its keys, as a developer's has it
SELECT regexp_replace(pg_temp.show('POST', '/companies/zz-north/apps', '{"name": "zz-sky", "apiProducts": ["zz-auto"], "attributes": [{"name": "DisplayName", "value": "Sky"}]}'), '"attributes.*', '') AS created;
SELECT a.body_text::jsonb #> '{companyName}' AS company, a.body_text::jsonb -> 'appGroup' AS app_group, a.body_text::jsonb ? 'developerId' AS developer FROM pg_temp.ask('GET', '/appgroups/zz-north/apps/zz-sky') AS a;
SELECT pg_temp.show('GET', '/companies/zz-north/apps');
SELECT jsonb_path_query_array(a.body_text::jsonb, '$.appGroupApps[*].name') FROM pg_temp.ask('GET', '/appgroups/zz-north/apps') AS a;
SELECT pg_temp.show('POST', '/appgroups/zz-north/apps', '{"name": "zz-sea"}') LIKE '201 %' AS created;
SELECT jsonb_path_query_array(a.body_text::jsonb, '$.appGroupApps[*].name'), a.body_text::jsonb -> 'nextPageToken' FROM pg_temp.ask('GET', '/appgroups/zz-north/apps?pageSize=1') AS a;
SELECT pg_temp.show('PUT', '/appgroups/zz-north/apps/zz-sky?action=revoke');
SELECT pg_temp.show('POST', '/companies/zz-north/apps/zz-sky?action=approve');
SELECT a.body_text::jsonb ->> 'callbackUrl' FROM pg_temp.ask('PUT', '/appgroups/zz-north/apps/zz-sky', '{"callbackUrl": "https://zz-sky.example/"}') AS a;
SELECT pg_temp.show('POST', '/companies/zz-north/apps/zz-sky/attributes/plan', '{"value": "b"}');
SELECT pg_temp.show('GET', '/appgroups/zz-north/apps/zz-sky/attributes');
SELECT jsonb_array_length(a.body_text::jsonb -> 'credentials') FROM pg_temp.ask('POST', '/companies/zz-north/apps/zz-sky', '{"apiProducts": ["zz-auto"]}') AS a;
SELECT pg_temp.show('POST', '/appgroups/zz-north/apps/zz-sky/keys', '{"consumerKey": "Group-key_1", "consumerSecret": "group-secret_1234", "expiresInSeconds": "3600"}') LIKE '201 %' AS created;
SELECT a.body_text::jsonb -> 'apiProducts' FROM pg_temp.ask('POST', '/appgroups/zz-north/apps/zz-sky/keys/Group-key_1', '{"apiProducts": ["zz-auto"]}') AS a;
SELECT code FROM devapp.verify_client('Group-key_1', 'group-secret_1234');
SELECT pg_temp.show('POST', '/companies/zz-north/apps/zz-sky/keys/Group-key_1/apiproducts/zz-auto?action=revoke');
SELECT a.body_text::jsonb -> 'apiProducts' FROM pg_temp.ask('DELETE', '/appgroups/zz-north/apps/zz-sky/keys/Group-key_1/apiproducts/zz-auto') AS a;
SELECT pg_temp.show('DELETE', '/companies/zz-north/apps/zz-sky/keys/Group-key_1') LIKE '200 %' AS deleted;
SELECT pg_temp.refused('GET', '/developers/bob@apigee.example/apps/zz-sky');
SELECT a.status FROM pg_temp.ask('DELETE', '/companies/zz-north/apps/zz-sea') AS a;

-- attributes of companies
SELECT pg_temp.show('PUT', '/companies/zz-north/attributes', '{"attribute": [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]}');
SELECT pg_temp.show('DELETE', '/companies/zz-north/attributes/a');
SELECT pg_temp.show('GET', '/companies/zz-north/attributes');

-- there already, and not there, each in its own words
SELECT pg_temp.refused('POST', '/companies', '{"name": "zz-north"}');
SELECT pg_temp.refused('POST', '/appgroups', '{"name": "zz-north"}');
SELECT pg_temp.refused('GET', '/companies/zz-gone');
SELECT pg_temp.refused('GET', '/appgroups/zz-gone');
SELECT pg_temp.refused('GET', '/appgroups/zz-gone/apps');
SELECT pg_temp.refused('POST', '/companies/zz-gone/apps', '{"name": "zz-sky"}');
SELECT pg_temp.refused('GET', '/companies/zz-north/apps/gone');
SELECT pg_temp.refused('POST', '/companies/zz-gone/developers', '{"developer": []}');
SELECT pg_temp.refused('POST', '/companies', '{"displayName": "no name"}');
SELECT pg_temp.refused('PUT', '/companies/zz-north', '{"name": "zz-east"}');

-- the apps of a team go with it
SELECT pg_temp.show('DELETE', '/companies/zz-north') LIKE '200 %"name": "zz-north"%' AS as_it_was;
SELECT pg_temp.refused('GET', '/appgroups/zz-north');
SELECT name FROM devapp.app WHERE name = 'zz-sky' AND deleted_at IS NULL;
SELECT pg_temp.show('DELETE', path) LIKE '200 %' AS deleted FROM unnest('{/appgroups/zz-south,/companies/zz-west,/developers/ada@apigee.example,/developers/bob@apigee.example,/apiproducts/zz-auto}'::text[]) AS path;
SELECT pg_temp.dismiss() \g /dev/null
