-- The portal over HTTP: the developer, their apps, products and teams.
\set SHOW_CONTEXT never
-- where every day has 24 hours
SET timezone = 'UTC';
\pset null <null>
\pset format unaligned
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT FROM devapp.setup_roles();
SELECT FROM devapp.create_developer('portal-ann@example.com', 'Ann', 'Lee');
SELECT FROM devapp.create_developer('portal-bob@example.com', 'Bob');
SELECT FROM devapp.create_product('portal-weather', 'Weather', scopes => '{read,write}', quota_limit => 100, quota_interval => 1, quota_unit => 'day');
SELECT FROM devapp.add_operation('portal-weather', '/weather/{city}', methods => '{GET}');
SELECT FROM devapp.create_product('portal-maps', approval => 'manual');
SELECT FROM devapp.create_product('portal-secret', access => 'private');
SELECT secret AS ann FROM devapp.create_app('door', 'portal-ann@example.com', products => '{devapp-portal}') \gset
SELECT secret AS bob FROM devapp.create_app('door', 'portal-bob@example.com', products => '{devapp-portal}') \gset
SELECT FROM devapp.approve_app('portal-ann@example.com/door');
SELECT FROM devapp.approve_app('portal-bob@example.com/door');

-- A request with a key, and its answer without what differs from run to run.
CREATE FUNCTION pg_temp.call(key text, method text, target text, body text DEFAULT NULL) RETURNS devapp_api.response LANGUAGE sql AS $$
    SELECT devapp_api.handle(method, split_part(target, '?', 1), split_part(target, '?', 2),
                             jsonb_build_object('Authorization', 'Bearer ' || key, 'Content-Type', 'application/json'), convert_to(body, 'UTF8'))
$$;
CREATE FUNCTION pg_temp.plain(text) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(regexp_replace(regexp_replace(regexp_replace($1, '"next": "[^"]+"', '"next": CURSOR'), '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}', 'ID', 'g'),
               '[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+[+-][0-9:]+', 'TIME', 'g'), '(dvk_[a-z]+)_[0-9A-Za-z]{12}(_[0-9A-Za-z]{38})?', '\1_KEY', 'g')
$$;
CREATE FUNCTION pg_temp.json(devapp_api.response) RETURNS jsonb LANGUAGE sql AS $$ SELECT convert_from($1.body, 'UTF8')::jsonb $$;
CREATE FUNCTION pg_temp.ask(key text, method text, target text, body text DEFAULT NULL) RETURNS TABLE (status integer, location text, answer text) LANGUAGE sql AS $$
    SELECT r.status, pg_temp.plain(r.headers ->> 'Location'), pg_temp.plain(convert_from(r.body, 'UTF8'))
      FROM pg_temp.call(key, method, target, body) AS r
$$;

-- the developer
SELECT * FROM pg_temp.ask(:'ann', 'GET', '/portal/v1/me');
SELECT * FROM pg_temp.ask(:'ann', 'PATCH', '/portal/v1/me', '{"last_name": null, "user_name": "ann"}');
SELECT * FROM pg_temp.ask(:'ann', 'PATCH', '/portal/v1/me');
SELECT email, first_name, last_name, user_name FROM devapp.developer WHERE email LIKE 'portal-%' ORDER BY email;

-- products that one may ask for: public ones, and those that an app has
SELECT i ->> 'name' AS product, i -> 'quota' AS quota, i -> 'scopes' AS scopes, i ->> 'approval' AS approval
  FROM jsonb_array_elements(pg_temp.json(pg_temp.call(:'ann', 'GET', '/portal/v1/products?limit=200')) -> 'items') AS i WHERE i ->> 'name' ~ '^(portal|devapp)-';
SELECT * FROM pg_temp.ask(:'ann', 'GET', '/portal/v1/products/portal-weather');
SELECT * FROM pg_temp.ask(:'ann', 'GET', '/portal/v1/products/portal-secret');

-- an app, whose secret works and is shown once
SELECT * FROM pg_temp.ask(:'ann', 'POST', '/portal/v1/apps', '{"name": "shop", "products": ["portal-weather", "portal-maps"], "display_name": "The shop",
    "callback_urls": ["https://shop.example.com/back"], "scopes": ["read"], "attributes": {"tier": "gold"}, "allowed_cidrs": ["10.0.0.0/8"], "app_family": "web",
    "environment": "test", "expires_in": "P30D"}');
SELECT name, display_name, status, callback_urls, scopes, attributes, allowed_cidrs, app_family FROM devapp.app WHERE name = 'shop' AND developer_id = (SELECT developer_id FROM devapp.developer WHERE email = 'portal-ann@example.com');
SELECT c.environment, c.kind, c.expires_at - c.issued_at AS lasts FROM devapp.credential c JOIN devapp.app a USING (app_id) JOIN devapp.developer d USING (developer_id) WHERE a.name = 'shop' AND d.email = 'portal-ann@example.com';
SELECT pg_temp.json(pg_temp.call(:'ann', 'POST', '/portal/v1/apps', '{"name": "quick", "products": ["portal-weather"]}')) AS made \gset
SELECT (devapp.verify_key(:'made'::jsonb ->> 'secret', '/weather/rome', 'GET')).code;
SELECT headers ->> 'Cache-Control' AS cache, strpos(convert_from(body, 'UTF8'), split_part(:'made'::jsonb ->> 'secret', '_', 4)) AS secret_at
  FROM pg_temp.call(:'ann', 'GET', '/portal/v1/apps/quick');
SELECT pg_temp.json(pg_temp.call(:'ann', 'GET', '/portal/v1/apps/quick')) = devapp.get_app('portal-ann@example.com/quick') AS is_the_document;
-- by the address that the answer told
SELECT status FROM pg_temp.call(:'ann', 'GET', '/portal/v1/apps/' || (:'made'::jsonb ->> 'app_id'));
SELECT headers ->> 'Location' ~ '^https://api.example.com/base/portal/v1/apps/[0-9a-f-]{36}$' AS whole_address
  FROM devapp_api.handle('POST', '/portal/v1/apps', NULL, jsonb_build_object('Authorization', 'Bearer ' || :'ann', ':base', 'https://api.example.com/base'), '{"name": "based"}');
-- the same again, and a name that is there
SELECT * FROM pg_temp.ask(:'ann', 'POST', '/portal/v1/apps', '{"name": "quick"}');

-- pages
WITH RECURSIVE pages AS (
    SELECT 1 AS n, pg_temp.json(pg_temp.call(:'ann', 'GET', '/portal/v1/apps?limit=2')) AS page
     UNION ALL
    SELECT n + 1, pg_temp.json(pg_temp.call(:'ann', 'GET', '/portal/v1/apps?limit=2&after=' || (page ->> 'next'))) FROM pages WHERE page ->> 'next' IS NOT NULL AND n < 9
)
SELECT n, jsonb_path_query_array(page, '$.items[*].name') AS apps, page -> 'next' = 'null' AS is_last FROM pages;
SELECT jsonb_path_query_array(pg_temp.json(pg_temp.call(:'ann', 'GET', '/portal/v1/apps?status=pending')), '$.items[*].name') AS pending;
SELECT * FROM pg_temp.ask(:'ann', 'GET', '/portal/v1/apps?limit=1');

-- changes: what is left out stays, null clears
SELECT pg_temp.json(pg_temp.call(:'ann', 'PATCH', '/portal/v1/apps/shop', '{"name": "store", "description": "Sells", "display_name": null, "callback_urls": null, "attributes": {}}'))
       - '{credentials,products,owner,app_id,created_at,updated_at}'::text[] AS changed;
SELECT status FROM pg_temp.call(:'ann', 'PATCH', '/portal/v1/apps/store', '{}');
SELECT * FROM pg_temp.ask(:'ann', 'GET', '/portal/v1/apps/shop');

-- products of all credentials of an app
SELECT jsonb_path_query_array(pg_temp.json(pg_temp.call(:'ann', 'POST', '/portal/v1/apps/quick/products', '{"product": "portal-maps", "note": "please"}')), '$.products[*].name') AS products;
SELECT * FROM pg_temp.ask(:'ann', 'DELETE', '/portal/v1/apps/quick/products/portal-maps?note=no');
SELECT * FROM pg_temp.ask(:'ann', 'DELETE', '/portal/v1/apps/quick/products/portal-maps');
SELECT jsonb_path_query_array(pg_temp.json(pg_temp.call(:'ann', 'GET', '/portal/v1/apps/quick')), '$.products[*].name') AS products;

-- what happened, and why
SELECT i ->> 'what' AS what, i ->> 'who' AS who, i ->> 'note' AS note
  FROM jsonb_array_elements(pg_temp.json(pg_temp.call(:'ann', 'GET', '/portal/v1/apps/quick/history')) -> 'items') AS i;
SELECT i ->> 'rule' AS rule, i -> 'passed' AS passed, i ->> 'code' AS code
  FROM jsonb_array_elements(pg_temp.json(pg_temp.call(:'ann', 'GET', '/portal/v1/apps/quick/access?resource=/weather/rome&method=POST')) -> 'items') AS i;

-- a rejected app is handed in again
SELECT FROM devapp.reject_app('portal-ann@example.com/store', 'no');
SELECT pg_temp.json(pg_temp.call(:'ann', 'GET', '/portal/v1/apps/store')) ->> 'status' AS status, pg_temp.json(pg_temp.call(:'ann', 'POST', '/portal/v1/apps/store/resubmit', '{"note": "better"}')) ->> 'status' AS then;
SELECT * FROM pg_temp.ask(:'ann', 'POST', '/portal/v1/apps/store/resubmit');

-- a team, whose admin invites a member
SELECT * FROM pg_temp.ask(:'ann', 'POST', '/portal/v1/teams', '{"name": "portal team", "display_name": "The team"}');
SELECT pg_temp.json(pg_temp.call(:'ann', 'PATCH', '/portal/v1/teams/portal%20team', '{"display_name": null}')) -> 'display_name' AS display_name;
SELECT pg_temp.json(pg_temp.call(:'ann', 'POST', '/portal/v1/apps/store/transfer', '{"team": "portal team"}')) -> 'owner' ->> 'name' AS owner;
SELECT * FROM pg_temp.ask(:'ann', 'POST', '/portal/v1/teams/portal%20team/invitations', '{"email": "portal-bob@example.com", "environments": ["test"]}');
SELECT * FROM pg_temp.ask(:'ann', 'GET', '/portal/v1/teams/portal%20team/invitations');
SELECT * FROM pg_temp.ask(:'bob', 'GET', '/portal/v1/teams');
SELECT * FROM pg_temp.ask(:'bob', 'GET', '/portal/v1/invitations');
SELECT pg_temp.json(pg_temp.call(:'bob', 'GET', '/portal/v1/invitations')) #>> '{items,0,invitation_id}' AS invitation \gset
SELECT * FROM pg_temp.ask(:'bob', 'POST', '/portal/v1/invitations/' || :'invitation' || '/accept');
SELECT * FROM pg_temp.ask(:'bob', 'POST', '/portal/v1/invitations/' || :'invitation' || '/decline');
SELECT jsonb_path_query_array(pg_temp.json(pg_temp.call(:'bob', 'GET', '/portal/v1/teams/portal%20team/members')), '$.items[*].email') AS members;
SELECT pg_temp.json(pg_temp.call(:'ann', 'PATCH', '/portal/v1/teams/portal%20team/members/portal-bob@example.com', '{"role": "admin", "environments": null}')) - '{developer_id,member_since}'::text[] AS member;
-- invited and declined, invited and withdrawn
SELECT status FROM pg_temp.call(:'bob', 'DELETE', '/portal/v1/teams/portal%20team/members/Portal-Bob@example.com');
SELECT pg_temp.json(pg_temp.call(:'ann', 'POST', '/portal/v1/teams/portal%20team/invitations', '{"email": "portal-bob@example.com"}')) ->> 'invitation_id' AS invitation \gset
SELECT status FROM pg_temp.call(:'ann', 'GET', '/portal/v1/teams/portal%20team/invitations/' || :'invitation');
SELECT status FROM pg_temp.call(:'bob', 'POST', '/portal/v1/invitations/' || :'invitation' || '/decline');
SELECT pg_temp.json(pg_temp.call(:'ann', 'POST', '/portal/v1/teams/portal%20team/invitations', '{"email": "portal-bob@example.com"}')) ->> 'invitation_id' AS invitation \gset
SELECT status FROM pg_temp.call(:'ann', 'DELETE', '/portal/v1/teams/portal%20team/invitations/' || :'invitation');
SELECT pg_temp.json(pg_temp.call(:'bob', 'GET', '/portal/v1/invitations')) AS invitations;
-- a team with an app cannot be deleted
SELECT * FROM pg_temp.ask(:'ann', 'DELETE', '/portal/v1/teams/portal%20team');
SELECT pg_temp.json(pg_temp.call(:'ann', 'GET', '/portal/v1/teams')) #> '{items,0,apps}' AS apps;
SELECT pg_temp.json(pg_temp.call(:'ann', 'GET', '/portal/v1/apps')) #>> '{items,1,app_id}' AS store \gset
SELECT * FROM pg_temp.ask(:'ann', 'DELETE', '/portal/v1/apps/' || :'store' || '?note=over');
SELECT * FROM pg_temp.ask(:'ann', 'GET', '/portal/v1/apps/' || :'store');
SELECT status FROM pg_temp.call(:'ann', 'DELETE', '/portal/v1/teams/portal%20team');
SELECT status FROM pg_temp.call(:'ann', 'GET', '/portal/v1/teams/portal%20team');

-- the page of HTML
SELECT status, headers ->> 'Content-Type' AS type, convert_from(body, 'UTF8') LIKE '<!DOCTYPE html>%portal-ann@example.com%' AS is_page FROM pg_temp.call(:'ann', 'GET', '/portal/v1/dashboard?days=7');
SELECT status, headers -> 'Content-Type' AS type, body FROM pg_temp.call(:'ann', 'GET', '/portal/v1/dashboard?days=0');
ROLLBACK;
