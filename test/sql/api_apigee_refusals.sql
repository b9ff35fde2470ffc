-- Apigee's management API: who may call, and requests that are none of it.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/data/apigee.sql'
\i :helpers
SELECT pg_temp.manager('{devapp:read}') AS reader, pg_temp.manager('{devapp:verify}') AS verifier, current_setting('apigee.key') AS admin \gset
\set ECHO all

-- every function that answers says what it does
SELECT count(*) > 100 AS routes, count(*) FILTER (WHERE obj_description(p.oid, 'pg_proc') IS NULL) AS without_comment
  FROM devapp_api.route r LEFT JOIN pg_proc p ON p.proname = r.function AND p.pronamespace = 'devapp_internal'::regnamespace WHERE r.error_form = 'apigee';
-- both bases have the same routes
SELECT method, substr(pattern::text, 24) FROM devapp_api.route WHERE pattern::text LIKE '/v1/organizations/{org}%'
EXCEPT SELECT method, substr(pattern::text, 12) FROM devapp_api.route WHERE pattern::text LIKE '/v1/o/{org}%';
SELECT method, substr(pattern::text, 12) FROM devapp_api.route WHERE pattern::text LIKE '/v1/o/{org}%'
EXCEPT SELECT method, substr(pattern::text, 24) FROM devapp_api.route WHERE pattern::text LIKE '/v1/organizations/{org}%';

-- every route asks who calls: a reader changes nothing, whoever verifies reads nothing, nobody does neither
CREATE TEMP VIEW answers AS
    SELECT r.method = 'GET' AS reads, r.needs, a.status, a.body_text::jsonb - 'message' AS body, a.headers ->> 'WWW-Authenticate' AS challenge
      FROM devapp_api.route r, pg_temp.ask(r.method, regexp_replace(r.pattern::text, '\{[a-z]+\}', 'x', 'g'), CASE WHEN r.method <> 'GET' THEN '{}' END) AS a
     WHERE r.error_form = 'apigee';
SELECT set_config('apigee.key', :'reader', false) \g /dev/null
SELECT DISTINCT * FROM answers WHERE NOT reads;
SELECT DISTINCT needs, status NOT IN (200, 404) AS refused FROM answers WHERE reads;
SELECT set_config('apigee.key', :'verifier', false) \g /dev/null
SELECT DISTINCT * FROM answers ORDER BY 1;
SELECT set_config('apigee.key', 'dvk_live_nobody', false) \g /dev/null
SELECT DISTINCT * FROM answers ORDER BY 1;
SELECT set_config('apigee.key', :'admin', false) \g /dev/null
SELECT DISTINCT status FROM answers WHERE NOT reads AND status IN (401, 403, 405, 500);

-- without a key, with a malformed one, or one that may not manage
SELECT pg_temp.refused('GET', '/developers', NULL, '{"authorization": ""}');
SELECT pg_temp.refused('GET', '/developers', NULL, '{"authorization": "Bearer"}');
SELECT pg_temp.refused('GET', '/developers', NULL, '{"authorization": "Digest x"}');
SELECT FROM devapp.create_developer('ada@apigee.example');
SELECT FROM devapp.create_product('zz-auto');
SELECT secret FROM devapp.create_app('zz-sky', 'ada@apigee.example', '{zz-auto}') \gset
SELECT pg_temp.refused('GET', '/developers', NULL, jsonb_build_object('authorization', 'Bearer ' || :'secret'));
-- a key is the password of Basic as well, whatever the user; names of header fields have no case
SELECT pg_temp.show('GET', '/developers/ada@apigee.example/apps', NULL, jsonb_build_object('authorization', 'Basic ' || translate(encode(convert_to('somebody:' || :'reader', 'UTF8'), 'base64'), E'\n', '')));
SELECT r.status FROM devapp_api.handle('GET', '/v1/o/x/developers/ada@apigee.example', '', jsonb_build_object('AUTHORIZATION', 'bearer ' || :'reader')) AS r;
-- one that was revoked manages no more
SELECT FROM devapp.revoke_credential(split_part(:'reader', '_', 1) || '_' || split_part(:'reader', '_', 2) || '_' || split_part(:'reader', '_', 3));
SELECT pg_temp.refused('GET', '/developers', NULL, jsonb_build_object('authorization', 'Bearer ' || :'reader'));

-- XML, neither read nor written
SELECT pg_temp.refused('GET', '/developers', NULL, '{"accept": "application/xml"}');
SELECT pg_temp.refused('GET', '/developers', NULL, '{"accept": "text/xml;q=0.9, application/json;q=0"}');
SELECT pg_temp.refused('POST', '/developers', '<Developer/>', '{"content-type": "application/xml"}');
SELECT pg_temp.refused('POST', '/developers', '<Developer/>', '{"content-type": "text/xml; charset=utf-8"}');
SELECT pg_temp.refused('POST', '/developers', 'email=x%40zzz.example', '{"content-type": "application/x-www-form-urlencoded"}');
SELECT pg_temp.refused('POST', '/developers', '<Developer/>', '{"content-type": ""}');
-- JSON is, of whatever type, and where any answer will do
SELECT pg_temp.show('PUT', '/developers/ada@apigee.example', '{"firstName": "Ada"}', jsonb_build_object('content-type', type, 'accept', 'text/html, */*;q=0.1')) LIKE '200 %' AS read
  FROM unnest('{application/octet-stream,application/json; charset=UTF-8,application/vnd.api+json,""}'::text[]) AS type;

-- bodies that are malformed, empty or too large
SELECT pg_temp.refused('POST', '/developers', '{"email": ');
SELECT pg_temp.refused('POST', '/developers', '["email"]');
SELECT pg_temp.refused('POST', '/developers', '{"email": "a@zzz.example", "email": "b@zzz.example"}');
SELECT pg_temp.refused('POST', '/developers', '{"email": "a\u0000@zzz.example"}');
SELECT pg_temp.refused('POST', '/developers', repeat('{"a":', 1000) || '1' || repeat('}', 1000));
SELECT pg_temp.refused('POST', '/developers', '');
SELECT pg_temp.refused('POST', '/developers');
SELECT pg_temp.refused('POST', '/developers', '{"email": "' || repeat('x', 1024 * 1024) || '"}');

-- members of other types and of odd values are the client's fault, or nothing: never the server's
BEGIN;
SELECT pg_temp.ask('POST', '/developers', '{"email": "odd@zzz.example"}') IS NOT NULL AND pg_temp.ask('POST', '/developers/odd@zzz.example/apps', '{"name": "odd"}') IS NOT NULL
   AND pg_temp.ask('POST', '/developers/odd@zzz.example/apps/odd/keys/create', '{"consumerKey": "odd-key", "consumerSecret": "odd-secret_1234"}') IS NOT NULL
   AND pg_temp.ask('POST', '/companies', '{"name": "zz-odd"}') IS NOT NULL AS made;
SELECT count(*) AS requests, count(*) FILTER (WHERE a.status NOT BETWEEN 200 AND 409) AS faults, string_agg(format('%s %s %s', path, body, a.body_text), E'\n') FILTER (WHERE a.status NOT BETWEEN 200 AND 409) AS which
  FROM (VALUES ('PUT', '/developers/odd@zzz.example', '{email,firstName,attributes}'::text[]), ('POST', '/apiproducts', '{name,scopes,attributes,quota,apiResources,operationGroup}'),
               ('PUT', '/apiproducts/zz-auto', '{approvalType,environments,quotaInterval,quotaTimeUnit,operationGroup}'), ('POST', '/developers/odd@zzz.example/apps', '{name,apiProducts,keyExpiresIn,kind}'),
               ('PUT', '/developers/odd@zzz.example/apps/odd', '{callbackUrl,scopes,appFamily,apiProducts}'), ('PUT', '/developers/odd@zzz.example/apps/odd/keys/odd-key', '{apiProducts,action,appGroupAppKey}'),
               ('POST', '/developers/odd@zzz.example/apps/odd/keys/create', '{consumerKey,consumerSecret,expiresInSeconds}'), ('POST', '/companies/zz-odd/developers', '{developer}'),
               ('PUT', '/developers/odd@zzz.example/attributes', '{attribute}'), ('PUT', '/apiproducts/zz-auto/attributes/access', '{name,value}')) AS c(method, path, members),
       unnest(c.members) AS member,
       unnest(ARRAY['null', 'true', '-1', '1e300', '""', '"\uffff"', '[[]]', '[{}]', '[{"name": "\u0007"}]', '{"operationConfigs": [{"operations": [null], "quota": {"limit": {}}}]}']) AS value,
       LATERAL (SELECT format('{"%s": %s}', member, value) AS body) AS b,
       pg_temp.ask(method, path, body) AS a;
ROLLBACK;

-- paths that mean nothing, or could mean another one: all below /v1/ in the same form
SELECT path, pg_temp.refused('GET', path) FROM unnest('{/v1/o/acme/proxies,/v1/,/v1/o,/v1/o/acme/developers/,/v1/o/acme/../b/developers,/v1/o/acme/developers/%2e%2e/apps,/v1/o/acme//developers,/v1/o/acme/developers/a%2Fb,/v1/o/acme/developers/%zz,"/v1/o/acme/a b",/v1/o/acme/developers/%ff,/v1/o/acme/developers/%00}'::text[]) AS path;
SELECT pg_temp.refused('GET', '/developers', NULL, '{"bad name": "x"}');
SELECT pg_temp.refused('GET', '/developers?count=%zz');
SELECT pg_temp.refused('GET', '/' || repeat('x', 9000));
-- methods that are not there
SELECT a.status, a.headers ->> 'Allow' AS allow, a.body_text::jsonb ->> 'code' AS code FROM pg_temp.ask('DELETE', '/developers') AS a;
SELECT a.status, a.headers ->> 'Allow' AS allow, a.body_text::jsonb ->> 'code' AS code FROM pg_temp.ask('PATCH', '/developers/ada@apigee.example') AS a;
SELECT a.status, a.body_text IS NULL AS empty, a.headers FROM pg_temp.ask('HEAD', '/developers/ada@apigee.example') AS a;

-- the organization, whose name may be anything
SELECT a.body_text::jsonb - '{displayName,environments}'::text[] FROM pg_temp.ask('GET', '/v1/o/My%20%22Org%22') AS a;
SELECT a.body_text::jsonb - '{displayName,environments}'::text[] FROM pg_temp.ask('GET', '/v1/organizations/<b>') AS a;

SELECT pg_temp.show('DELETE', path) LIKE '200 %' AS deleted FROM unnest('{/developers/ada@apigee.example,/apiproducts/zz-auto}'::text[]) AS path;
SELECT email FROM devapp.developer WHERE email LIKE '%@zzz.example' AND deleted_at IS NULL;
SELECT pg_temp.dismiss() \g /dev/null
