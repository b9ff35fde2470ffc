-- The portal over HTTP: who may not, what is not theirs, and bad input.
\set SHOW_CONTEXT never
\pset null <null>
\pset format unaligned
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT FROM devapp.setup_roles();
SELECT FROM devapp.create_developer('portal-ed@example.com', 'Ed');
SELECT FROM devapp.create_developer('portal-flo@example.com', 'Flo');
SELECT FROM devapp.create_developer('portal-gil@example.com', 'Gil');
SELECT FROM devapp.create_product('portal-weather', scopes => '{read}');
SELECT FROM devapp.create_product('portal-vip', access => 'private');
SELECT secret AS ed FROM devapp.create_app('door', 'portal-ed@example.com', products => '{devapp-portal}') \gset
SELECT secret AS flo FROM devapp.create_app('door', 'portal-flo@example.com', products => '{devapp-portal}') \gset
SELECT secret AS gil FROM devapp.create_app('door', 'portal-gil@example.com', products => '{devapp-portal}') \gset
SELECT FROM devapp.approve_app('portal-ed@example.com/door');
SELECT FROM devapp.approve_app('portal-flo@example.com/door');
SELECT app_id AS app, credential_id AS credential, consumer_key, secret AS plain FROM devapp.create_app('shop', 'portal-ed@example.com', products => '{portal-weather}') \gset
-- Flo is in a team of Ed's, and is limited to an environment
SELECT FROM devapp.create_team('portal-crew');
SELECT team_id AS team FROM devapp.team WHERE name = 'portal-crew' AND deleted_at IS NULL \gset
SELECT FROM devapp.add_team_member('portal-crew', 'portal-ed@example.com', 'admin');
SELECT FROM devapp.add_team_member('portal-crew', 'portal-flo@example.com', 'member', '{test}');
SELECT app_id AS team_app, credential_id AS prod FROM devapp.create_app('crew-app', team => 'portal-crew', products => '{portal-weather}', environment => 'prod') \gset
SELECT credential_id AS test FROM devapp.issue_credential(:'team_app', environment => 'test') \gset
SELECT FROM devapp.create_team('portal-others');
SELECT team_id AS others FROM devapp.team WHERE name = 'portal-others' AND deleted_at IS NULL \gset
SELECT invitation_id AS invitation FROM devapp.invite_team_member('portal-others', 'portal-ed@example.com') \gset

CREATE FUNCTION pg_temp.call(key text, method text, target text, body text DEFAULT NULL, type text DEFAULT 'application/json') RETURNS devapp_api.response LANGUAGE sql AS $$
    SELECT devapp_api.handle(method, split_part(target, '?', 1), split_part(target, '?', 2),
                             jsonb_strip_nulls(jsonb_build_object('Authorization', 'Bearer ' || key, 'Content-Type', type)), convert_to(body, 'UTF8'))
$$;
CREATE FUNCTION pg_temp.json(devapp_api.response) RETURNS jsonb LANGUAGE sql AS $$ SELECT convert_from($1.body, 'UTF8')::jsonb $$;
CREATE FUNCTION pg_temp.error(devapp_api.response) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', $1.status, regexp_replace(pg_temp.json($1) #>> '{error,message}', '[0-9a-f]{8}-[0-9a-f-]{27}|dvk_live_[0-9A-Za-z]{12}', 'ID', 'g'))
$$;

-- ---------- who ----------

-- every route of the portal wants a developer
SELECT a.status, a.headers -> 'WWW-Authenticate' AS challenge, pg_temp.json(a) #>> '{error,message}' AS message, count(*) > 0 AS some
  FROM devapp_api.route r, LATERAL pg_temp.call(NULL, r.method, regexp_replace(r.pattern::text, '\{[a-z_]+\}', 'x', 'g')) AS a
 WHERE r.pattern::text LIKE '/portal/%' AND r.error_form = 'devapp' GROUP BY 1, 2, 3;
SELECT r.pattern, r.needs, a.status, a.body
  FROM devapp_api.route r, LATERAL pg_temp.call(NULL, r.method, r.pattern::text) AS a WHERE r.pattern::text LIKE '/portal/%' AND r.error_form <> 'devapp';
SELECT count(*) AS not_for_developers FROM devapp_api.route r WHERE r.pattern::text LIKE '/portal/%' AND r.needs <> 'developer';
-- a key without the product, one whose product waits, and one of a team's app
SELECT pg_temp.error(pg_temp.call(:'plain', 'GET', '/portal/v1/me')), pg_temp.error(pg_temp.call(:'gil', 'GET', '/portal/v1/me'));
SELECT credential_id AS crew_credential, secret AS crew FROM devapp.issue_credential(:'team_app', products => '{devapp-portal}') \gset
SELECT FROM devapp.set_credential_product_status(:'crew_credential', 'devapp-portal', 'approve');
SELECT pg_temp.error(pg_temp.call(:'crew', 'GET', '/portal/v1/me'));

-- ---------- what belongs to others does not exist ----------

-- whether it is somebody's or nobody's, the answer is the same
SELECT r.method, r.tail, r.body, a.status,
       regexp_replace(regexp_replace(convert_from(a.body, 'UTF8'), :'app' || '|' || :'credential' || '|' || :'consumer_key' || '|' || :'others' || '|' || :'invitation', 'IT'), '"IT"|IT|\\"IT\\"', 'IT')
       = regexp_replace(regexp_replace(convert_from(n.body, 'UTF8'), '01020304-0506-7708-890a-0b0c0d0e0f10|dvk_live_000000000000', 'IT'), '"IT"|IT|\\"IT\\"', 'IT') AS like_nothing
  FROM (VALUES ('GET', '/apps/' || :'app', NULL), ('PATCH', '/apps/' || :'app', '{"name": "mine"}'), ('DELETE', '/apps/' || :'app', NULL), ('POST', '/apps/' || :'app' || '/resubmit', NULL),
               ('POST', '/apps/' || :'app' || '/transfer', '{"team": "portal-crew"}'), ('POST', '/apps/' || :'app' || '/products', '{"product": "portal-weather"}'),
               ('DELETE', '/apps/' || :'app' || '/products/portal-weather', NULL), ('GET', '/apps/' || :'app' || '/history', NULL), ('GET', '/apps/' || :'app' || '/access', NULL),
               ('GET', '/apps/' || :'app' || '/quota', NULL), ('GET', '/apps/' || :'app' || '/credentials', NULL), ('POST', '/apps/' || :'app' || '/credentials', '{}'),
               ('GET', '/usage?app=' || :'app', NULL),
               ('GET', '/credentials/' || :'credential', NULL), ('GET', '/credentials/' || :'consumer_key', NULL), ('PATCH', '/credentials/' || :'credential', '{"label": "x"}'),
               ('DELETE', '/credentials/' || :'credential', NULL), ('POST', '/credentials/' || :'credential' || '/rotate', '{}'), ('POST', '/credentials/' || :'consumer_key' || '/revoke', '{}'),
               ('POST', '/credentials/' || :'credential' || '/complete-rotation', NULL), ('POST', '/credentials/' || :'credential' || '/cancel-rotation', NULL),
               ('POST', '/credentials/' || :'credential' || '/products', '{"product": "portal-weather"}'), ('DELETE', '/credentials/' || :'credential' || '/products/portal-weather', NULL),
               ('GET', '/teams/' || :'others', NULL), ('PATCH', '/teams/' || :'others', '{}'), ('DELETE', '/teams/' || :'others', NULL), ('GET', '/teams/' || :'others' || '/members', NULL),
               ('PATCH', '/teams/' || :'others' || '/members/portal-ed@example.com', '{"role": "admin"}'), ('DELETE', '/teams/' || :'others' || '/members/portal-ed@example.com', NULL),
               ('GET', '/teams/' || :'others' || '/invitations', NULL), ('POST', '/teams/' || :'others' || '/invitations', '{"email": "x@example.com"}'),
               ('POST', '/invitations/' || :'invitation' || '/accept', NULL), ('POST', '/invitations/' || :'invitation' || '/decline', NULL)) AS v(method, tail, body)
  CROSS JOIN LATERAL (SELECT v.method, regexp_replace(regexp_replace(v.tail, '[0-9a-f]{8}-[0-9a-f-]{27}', '{id}'), 'dvk_live_[0-9A-Za-z]{12}', '{key}') AS tail, v.body) AS r
  CROSS JOIN LATERAL pg_temp.call(:'flo', v.method, '/portal/v1' || v.tail, v.body) AS a
  CROSS JOIN LATERAL pg_temp.call(:'flo', v.method, '/portal/v1' || replace(replace(r.tail, '{id}', '01020304-0506-7708-890a-0b0c0d0e0f10'), '{key}', 'dvk_live_000000000000'), v.body) AS n;
-- nothing of it happened
SELECT a.name, a.status, c.status AS credential, (SELECT count(*) FROM devapp.credential x WHERE x.app_id = a.app_id) AS credentials
  FROM devapp.app a JOIN devapp.credential c USING (app_id) WHERE a.app_id = :'app';
-- nor is it in any list
SELECT r.pattern, a.status, strpos(a.body::text, b.mine::text) AS app_at
  FROM devapp_api.route r, LATERAL pg_temp.call(:'flo', 'GET', regexp_replace(r.pattern::text, '\{[a-z_]+\}', :'team_app', 'g') || '?limit=200') AS a, LATERAL (SELECT convert_to(:'app', 'UTF8')) AS b(mine)
 WHERE r.method = 'GET' AND r.pattern::text ~ '^/portal/v1/(apps|usage|notifications|products|teams|invitations|apps/\{app\}/[a-z]+)$' ORDER BY r.pattern::text COLLATE "C";
-- a name means one's own
SELECT pg_temp.error(pg_temp.call(:'flo', 'GET', '/portal/v1/apps/shop')), pg_temp.error(pg_temp.call(:'flo', 'GET', '/portal/v1/apps/portal-ed@example.com%2Fshop'));
SELECT pg_temp.json(pg_temp.call(:'flo', 'GET', '/portal/v1/apps/door')) #>> '{owner,email}' AS owner;
-- nor does a cursor lead there
SELECT pg_temp.json(pg_temp.call(:'ed', 'GET', '/portal/v1/apps?limit=1')) ->> 'next' AS cursor \gset
SELECT jsonb_path_query_array(pg_temp.json(pg_temp.call(:'flo', 'GET', '/portal/v1/apps?after=' || :'cursor')), '$.items[*].name') AS apps;
SELECT pg_temp.error(pg_temp.call(:'flo', 'GET', '/portal/v1/products/portal-vip')), pg_temp.error(pg_temp.call(:'flo', 'POST', '/portal/v1/apps', '{"name": "vip", "products": ["portal-vip"]}'));

-- ---------- what a member sees and may not change ----------

SELECT status FROM pg_temp.call(:'flo', 'GET', '/portal/v1/apps/' || :'team_app');
SELECT r.method, a.status, pg_temp.json(a) #>> '{error,message}' AS message
  FROM (VALUES ('PATCH', '/apps/' || :'team_app', '{"name": "x"}'), ('DELETE', '/apps/' || :'team_app', NULL), ('POST', '/apps/' || :'team_app' || '/credentials', '{"environment": "test"}'),
               ('POST', '/credentials/' || :'test' || '/rotate', '{}'), ('PATCH', '/teams/portal-crew', '{"display_name": "x"}'),
               ('GET', '/teams/portal-crew/invitations', NULL), ('POST', '/teams/portal-crew/invitations', '{"email": "x@example.com"}'),
               ('PATCH', '/teams/portal-crew/members/portal-flo@example.com', '{"role": "admin"}'),
               ('DELETE', '/teams/portal-crew/members/portal-ed@example.com', NULL)) AS r(method, tail, body),
       LATERAL pg_temp.call(:'flo', r.method, '/portal/v1' || r.tail, r.body) AS a;
-- a credential of another environment than theirs does not exist
SELECT jsonb_path_query_array(pg_temp.json(pg_temp.call(:'flo', 'GET', '/portal/v1/apps/' || :'team_app' || '/credentials')), '$.items[*].environment') AS environments,
       pg_temp.error(pg_temp.call(:'flo', 'GET', '/portal/v1/credentials/' || :'prod')) AS prod, (pg_temp.call(:'flo', 'GET', '/portal/v1/credentials/' || :'test')).status AS test;
-- the last admin stays
SELECT pg_temp.error(pg_temp.call(:'ed', 'DELETE', '/portal/v1/teams/portal-crew/members/portal-ed@example.com'));
-- the key of whoever was deactivated does not work
SELECT FROM devapp.set_developer_status('portal-flo@example.com', 'deactivate');
SELECT pg_temp.error(pg_temp.call(:'flo', 'GET', '/portal/v1/me'));
SELECT FROM devapp.set_developer_status('portal-flo@example.com', 'activate');

-- ---------- bodies ----------

SELECT v.body, v.type, pg_temp.error(pg_temp.call(:'ed', 'POST', '/portal/v1/apps', v.body, v.type)) AS error
  FROM (VALUES (NULL, NULL), ('', 'application/json'), ('{', 'application/json'), ('[]', 'application/json'), ('"x"', 'application/json'), ('{"name": "x", "name": "y"}', 'application/json'),
               ('name=x', 'application/x-www-form-urlencoded'), ('<a/>', 'application/xml'), ('{"name": "x"}', 'application/xml'), ('name: x', NULL),
               ('{"nome": "x"}', 'application/json'), ('{"name": "x", "Name": "x"}', 'application/json'), ('{"name": "x", "status": "approved"}', 'application/json'),
               ('{"name": "x", "developer": "portal-flo@example.com"}', 'application/json'),
               ('{"name": null}', 'application/json'), ('{"name": 1}', 'application/json'), ('{"name": ["x"]}', 'application/json'), ('{"name": ""}', 'application/json'),
               ('{"name": "x", "products": "portal-weather"}', 'application/json'), ('{"name": "x", "products": [1]}', 'application/json'), ('{"name": "x", "products": [null]}', 'application/json'),
               ('{"name": "x", "products": {"a": "b"}}', 'application/json'), ('{"name": "x", "products": ["none"]}', 'application/json'),
               ('{"name": "x", "products": ["portal-weather", "portal-weather"]}', 'application/json'),
               ('{"name": "x", "attributes": []}', 'application/json'), ('{"name": "x", "attributes": {"a": 1}}', 'application/json'), ('{"name": "x", "attributes": {"a": null}}', 'application/json'),
               ('{"name": "x", "kind": "key"}', 'application/json'), ('{"name": "x", "kind": null}', 'application/json'), ('{"name": "x", "kind": "jwt"}', 'application/json'),
               ('{"name": "x", "expires_in": "soon"}', 'application/json'), ('{"name": "x", "expires_in": "-1 day"}', 'application/json'), ('{"name": "x", "expires_in": 90}', 'application/json'),
               ('{"name": "x", "expires_in": "999999999 years"}', 'application/json'), ('{"name": "x", "environment": "In Valid"}', 'application/json'),
               ('{"name": "x", "allowed_cidrs": ["10.0.0.1/8"]}', 'application/json'), ('{"name": "x", "allowed_cidrs": ["here"]}', 'application/json'),
               ('{"name": "x", "callback_urls": ["javascript:alert(1)"]}', 'application/json'), ('{"name": "x", "scopes": ["all"]}', 'application/json'),
               ('{"name": "x", "team": "portal-others"}', 'application/json'), ('{"name": "x\u0000"}', 'application/json'), ('{"name": "\ud800"}', 'application/json'),
               ('{"name": "door"}', 'application/json')) AS v(body, type);
SELECT pg_temp.error(pg_temp.call(:'ed', 'POST', '/portal/v1/apps', jsonb_build_object('name', repeat('x', 300))::text)) AS long_name,
       pg_temp.error(pg_temp.call(:'ed', 'POST', '/portal/v1/apps', '{"name": "x", "attributes": ' || repeat('{"a": ', 200) || '1' || repeat('}', 200) || '}')) AS deep,
       (pg_temp.call(:'ed', 'POST', '/portal/v1/apps', '{"name": "x", "description": "' || repeat('x', 1100000) || '"}')).status AS large;
-- a key in the wrong place is in no answer
SELECT pg_temp.error(a), strpos(convert_from(a.body, 'UTF8'), split_part(:'ed', '_', 4)) AS key_at
  FROM unnest(ARRAY[jsonb_build_object('name', :'ed', 'team', :'ed'), jsonb_build_object('name', 'x', 'products', ARRAY[:'ed']), jsonb_build_object('name', 'x', :'ed', 'x'),
                    jsonb_build_object('name', 'x', 'expires_in', :'ed'), jsonb_build_object('name', 'x', 'kind', :'ed')]) AS body, LATERAL pg_temp.call(:'ed', 'POST', '/portal/v1/apps', body::text) AS a;
SELECT v.tail, v.body, pg_temp.error(pg_temp.call(:'ed', v.method, '/portal/v1' || replace(v.tail, '{c}', :'credential'), v.body)) AS error
  FROM (VALUES ('PATCH', '/me', '{"email": "other@example.com"}'), ('PATCH', '/me', '{"first_name": 1}'), ('PATCH', '/apps/shop', '{"owner": "x"}'), ('PATCH', '/apps/shop', '{"name": null}'),
               ('POST', '/apps/shop/transfer', NULL), ('POST', '/apps/shop/transfer', '{"team": "none"}'), ('POST', '/apps/shop/products', '{}'), ('POST', '/apps/shop/products', '{"product": "none"}'),
               ('POST', '/credentials/{c}/rotate', '{"overlap": "-1 day"}'), ('POST', '/credentials/{c}/rotate', '{"overlap": 7}'), ('POST', '/credentials/{c}/revoke', '{"compromised": "yes"}'),
               ('POST', '/apps/shop/credentials', '{"replaces": "none"}'), ('POST', '/apps/shop/credentials', '{"environment": "x", "scopes": ["none"]}'),
               ('POST', '/teams', '{"name": "portal-others"}'), ('POST', '/teams', '{"name": "a@b"}'), ('POST', '/teams', '{"name": "x", "attributes": {}}'),
               ('POST', '/teams/portal-crew/invitations', '{"email": "nobody"}'), ('POST', '/teams/portal-crew/invitations', '{"email": "portal-flo@example.com"}'),
               ('POST', '/teams/portal-crew/invitations', '{"email": "x@example.com", "role": "owner"}'), ('PATCH', '/teams/portal-crew/members/x@example.com', '{"role": "admin"}'),
               ('PATCH', '/teams/portal-crew/members/portal-flo@example.com', '{"environments": ["prod"]}')) AS v(method, tail, body);

-- ---------- paths and queries ----------

SELECT v.method, v.target, pg_temp.error(pg_temp.call(:'ed', v.method, '/portal/v1' || v.target)) AS error
  FROM (VALUES ('GET', '/apps?limit=0'), ('GET', '/apps?limit=201'), ('GET', '/apps?limit=-1'), ('GET', '/apps?limit=x'), ('GET', '/apps?limit='), ('GET', '/apps?limit=1&limit=2'),
               ('GET', '/apps?after='), ('GET', '/apps?after=x'), ('GET', '/apps?after=%00'), ('GET', '/apps?after=!!!!'), ('GET', '/apps?after=WyJhcHBzIl0'), ('GET', '/apps?after=WyJhcHBzIiwgMV0'),
               ('GET', '/apps?after=WyJhcHBzIiwgbnVsbF0'), ('GET', '/apps?after=' || devapp_internal.portal_cursor('teams', '["x"]')), ('GET', '/apps?after=' || devapp_internal.portal_cursor('apps', '["x"]')),
               ('GET', '/notifications?after=' || devapp_internal.portal_cursor('notifications', '["99999999999999999999"]')),
               ('GET', '/usage?from=yesterday'), ('GET', '/usage?from=2026-02-30'), ('GET', '/usage?to=infinity'), ('GET', '/usage?app=none'),
               ('GET', '/usage?after=' || devapp_internal.portal_cursor('usage', '["2026-01-01", "x"]')), ('GET', '/apps/shop/access?client=here'), ('GET', '/apps/shop/access?method=GET&method=PUT'),
               ('GET', '/dashboard?days=x'),
               ('GET', '/apps/%00'), ('GET', '/apps/%ff'), ('GET', '/apps/..'), ('GET', '/apps/'), ('GET', '/nothing'), ('GET', ''), ('PUT', '/apps/shop'), ('DELETE', '/apps'), ('POST', '/me')) AS v(method, target);
-- what a query has besides is ignored, HEAD is GET without a body, and nobody but JSON is spoken
SELECT (pg_temp.call(:'ed', 'GET', '/portal/v1/apps?utm_source=x&limit=1')).status, h.status AS head, h.body, (devapp_api.handle('GET', '/portal/v1/me', NULL, jsonb_build_object('Authorization', 'Bearer ' || :'ed', 'Accept', 'text/html'))).status AS html
  FROM pg_temp.call(:'ed', 'HEAD', '/portal/v1/apps') AS h;
SELECT a.headers ->> 'Allow' AS allow FROM pg_temp.call(:'ed', 'PUT', '/portal/v1/apps/shop') AS a;
ROLLBACK;
