-- Apigee's management API: developers.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/data/apigee.sql'
\i :helpers
\set ECHO all

SELECT pg_temp.show_members('POST', '/developers', '{"email": "Ada@apigee.example", "firstName": "Ada", "lastName": "Lovelace", "userName": "ada", "attributes": [{"name": "tier", "value": "gold"}, {"name": "tool", "value": 7}]}');
-- by e-mail in any case, by id; both bases, and every organization
SELECT pg_temp.show('GET', '/developers/ada@APIGEE.example');
SELECT pg_temp.show('GET', '/v1/o/any%20name/developers/ada%40apigee.example') LIKE '200 %"organizationName": "any name"%' AS other_base;
SELECT developer_id AS id FROM devapp.developer WHERE email = 'Ada@apigee.example' \gset
SELECT pg_temp.show('GET', '/developers/' || :'id') = pg_temp.show('GET', '/developers/ada@apigee.example') AS by_id;
SELECT pg_temp.show('GET', '/developers/' || upper(:'id')) = pg_temp.show('GET', '/developers/ada@apigee.example') AS by_id;

-- a change: what is left out stays, attributes are replaced as a whole, and the first of two counts
SELECT pg_temp.show('PUT', '/developers/ada@apigee.example', '{"firstName": "Augusta", "attributes": [{"name": "tier", "value": "iron"}, {"name": "tier", "value": "gold"}]}');
SELECT pg_temp.show('PUT', '/developers/ada@apigee.example', '{"lastName": "", "userName": null, "attributes": []}');
-- a POST without an action changes as well, and e-mail addresses may change
SELECT pg_temp.show('POST', '/developers/ada@apigee.example', '{"email": "ada+1@apigee.example", "lastName": "King"}');
SELECT pg_temp.refused('GET', '/developers/ada@apigee.example');
SELECT pg_temp.show('GET', '/developers/ada+1@apigee.example') LIKE '200 %' AS as_it_is;

-- the status: with an empty body, whatever its type; twice is as good as once
SELECT pg_temp.show('POST', '/developers/ada+1@apigee.example?action=inactive');
SELECT pg_temp.show('POST', '/developers/ada+1@apigee.example?action=INACTIVE', '', '{"content-type": "application/octet-stream"}');
SELECT pg_temp.show('GET', '/developers/ada+1@apigee.example');
SELECT pg_temp.show('POST', '/developers/ada+1@apigee.example?action=active', NULL, '{"content-type": "application/xml"}');
SELECT pg_temp.show('GET', '/developers/ada+1@apigee.example') LIKE '%"status": "active"%' AS active;
SELECT pg_temp.refused('POST', '/developers/ada+1@apigee.example?action=approve');
SELECT pg_temp.refused('POST', '/developers/ada+1@apigee.example?action=active&action=inactive');
SELECT pg_temp.show('POST', '/developers', '{"email": "off@apigee.example", "status": "inactive"}');
SELECT pg_temp.refused('POST', '/developers', '{"email": "odd@apigee.example", "status": "asleep"}');

-- lists: names, whole objects, pages that begin with startKey
SELECT pg_temp.show('POST', '/developers', format('{"email": "zz%s@zzz.example"}', n)) LIKE '201 %' AS created FROM generate_series(1, 3) AS n;
SELECT count(*) AS ours FROM pg_temp.ask('GET', '/developers') AS a, jsonb_array_elements_text(a.body_text::jsonb) AS e WHERE e LIKE '%.example' AND e ~ '@(apigee|zzz)';
SELECT pg_temp.show('GET', '/developers?count=2&startKey=zz1@zzz.example');
SELECT pg_temp.show('GET', '/developers?count=2&startKey=ZZ2@zzz.example');
SELECT a.status, a.body_text::jsonb ? 'zz3@zzz.example' AS listed FROM pg_temp.ask('GET', '/developers?startKey=zz4@zzz.example') AS a;
SELECT jsonb_path_query_array(a.body_text::jsonb, '$.developer[*].email') FROM pg_temp.ask('GET', '/developers?expand=true&count=2&startKey=zz2@zzz.example') AS a;
SELECT pg_temp.show('GET', '/developers?ids=ZZ3@zzz.example,' || :'id');
SELECT pg_temp.show('GET', '/developers?ids=');
SELECT pg_temp.refused('GET', '/developers?count=0');
SELECT pg_temp.refused('GET', '/developers?count=1001');
SELECT pg_temp.refused('GET', '/developers?count=many');
SELECT pg_temp.refused('GET', '/developers?count=1&count=2');

-- attributes, all and one at a time
SELECT pg_temp.show('GET', '/developers/zz1@zzz.example/attributes');
SELECT pg_temp.show('POST', '/developers/zz1@zzz.example/attributes', '{"attribute": [{"name": "b", "value": "2"}, {"name": "a", "value": "1"}, {"name": "b", "value": "0"}]}');
SELECT pg_temp.show('PUT', '/developers/zz1@zzz.example/attributes', '{"attribute": [{"name": "c d", "value": "3"}]}');
SELECT pg_temp.show('GET', '/developers/zz1@zzz.example/attributes/c%20d');
SELECT pg_temp.show('POST', '/developers/zz1@zzz.example/attributes/c%20d', '{"name": "c d", "value": "4"}');
SELECT pg_temp.show('PUT', '/developers/zz1@zzz.example/attributes/e', '{"value": null}');
SELECT pg_temp.show('DELETE', '/developers/zz1@zzz.example/attributes/c%20d');
SELECT pg_temp.show('GET', '/developers/zz1@zzz.example/attributes');
SELECT pg_temp.refused('GET', '/developers/zz1@zzz.example/attributes/gone');
SELECT pg_temp.refused('DELETE', '/developers/zz1@zzz.example/attributes/gone');
SELECT pg_temp.refused('POST', '/developers/zz1@zzz.example/attributes/a', '{"name": "b", "value": "4"}');
SELECT pg_temp.refused('POST', '/developers/zz1@zzz.example/attributes', '{"attributes": []}');
SELECT pg_temp.refused('POST', '/developers/zz1@zzz.example/attributes', (SELECT jsonb_build_object('attribute', jsonb_agg(jsonb_build_object('name', 'n' || n, 'value', ''))) FROM generate_series(1, 19) AS n)::text);

-- there already, and not there
SELECT pg_temp.refused('POST', '/developers', '{"email": "zz1@ZZZ.example"}');
SELECT pg_temp.refused('PUT', '/developers/zz1@zzz.example', '{"email": "zz2@zzz.example"}');
SELECT pg_temp.refused('PUT', '/developers/nobody@zzz.example', '{"firstName": "No"}');
SELECT pg_temp.refused('POST', '/developers/nobody@zzz.example?action=active');
SELECT pg_temp.refused('GET', '/developers/00000000-0000-4000-8000-000000000000');
SELECT pg_temp.refused('GET', '/developers/not-an-address/apps');
SELECT pg_temp.refused('DELETE', '/developers/nobody@zzz.example');

-- values of other types, or too long
SELECT pg_temp.refused('POST', '/developers', '{"firstName": "No"}');
SELECT pg_temp.refused('POST', '/developers', '{"email": ["a@b.example"]}');
SELECT pg_temp.refused('POST', '/developers', '{"email": "no address"}');
SELECT pg_temp.refused('POST', '/developers', '{"email": "x@zzz.example", "attributes": {"a": "1"}}');
SELECT pg_temp.refused('POST', '/developers', '{"email": "x@zzz.example", "attributes": [{"value": "1"}]}');
SELECT pg_temp.refused('POST', '/developers', '{"email": "x@zzz.example", "attributes": [{"name": "a", "value": {}}]}');
SELECT pg_temp.refused('POST', '/developers', '{"email": "x@zzz.example", "firstName": "' || repeat('x', 2000) || '"}');

-- the apps and memberships of a developer go with the developer
SELECT pg_temp.show('POST', '/developers/zz1@zzz.example/apps', '{"name": "zz-one"}') LIKE '201 %' AS created;
SELECT pg_temp.show('GET', '/developers?app=zz-one');
SELECT FROM devapp.create_team('zz-team');
SELECT FROM devapp.add_team_member('zz-team', 'zz2@zzz.example', 'admin');
SELECT FROM devapp.add_team_member('zz-team', 'zz1@zzz.example');
SELECT jsonb_path_query_array(a.body_text::jsonb, '$.keyvalue() ? (@.key == "apps" || @.key == "companies").value') FROM pg_temp.ask('GET', '/developers/zz1@zzz.example') AS a;
SELECT pg_temp.show('DELETE', '/developers/zz1@zzz.example') LIKE '200 %"email": "zz1@zzz.example"%' AS as_it_was;
SELECT name FROM devapp.app WHERE name = 'zz-one' AND deleted_at IS NULL;
SELECT pg_temp.refused('GET', '/developers/zz1@zzz.example');
-- but no team is left without an administrator
SELECT pg_temp.refused('DELETE', '/developers/zz2@zzz.example');
SELECT pg_temp.show('GET', '/developers/zz2@zzz.example') LIKE '200 %' AS still_there;

SELECT FROM devapp.delete_team('zz-team');
SELECT pg_temp.show('DELETE', '/developers/' || e) LIKE '200 %' AS deleted FROM unnest('{ada+1@apigee.example,off@apigee.example,zz2@zzz.example,zz3@zzz.example}'::text[]) AS e;
SELECT pg_temp.dismiss() \g /dev/null
