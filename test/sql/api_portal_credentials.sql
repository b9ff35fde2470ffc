-- The portal over HTTP: credentials, from issuing to deleting.
\set SHOW_CONTEXT never
-- where every day has 24 hours
SET timezone = 'UTC';
\pset null <null>
\pset format unaligned
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT FROM devapp.setup_roles();
SELECT FROM devapp.create_developer('portal-cara@example.com', 'Cara');
SELECT FROM devapp.create_product('portal-weather', scopes => '{read,write}', environments => '{test,prod}');
SELECT FROM devapp.create_product('portal-maps', approval => 'manual');
SELECT secret AS cara FROM devapp.create_app('door', 'portal-cara@example.com', products => '{devapp-portal}') \gset
SELECT FROM devapp.approve_app('portal-cara@example.com/door');
SELECT app_id AS app, consumer_key AS first, secret AS first_secret FROM devapp.create_app('shop', 'portal-cara@example.com', products => '{portal-weather}') \gset

CREATE FUNCTION pg_temp.call(key text, method text, target text, body text DEFAULT NULL) RETURNS devapp_api.response LANGUAGE sql AS $$
    SELECT devapp_api.handle(method, split_part(target, '?', 1), split_part(target, '?', 2),
                             jsonb_build_object('Authorization', 'Bearer ' || key, 'Content-Type', 'application/json'), convert_to(body, 'UTF8'))
$$;
CREATE FUNCTION pg_temp.json(devapp_api.response) RETURNS jsonb LANGUAGE sql AS $$ SELECT convert_from($1.body, 'UTF8')::jsonb $$;
CREATE FUNCTION pg_temp.error(devapp_api.response) RETURNS text LANGUAGE sql AS $$
    SELECT $1.status || ' ' || regexp_replace(pg_temp.json($1) #>> '{error,message}', '[0-9a-f]{8}-[0-9a-f-]{27}|dvk_[0-9A-Za-z_]+', 'ID', 'g')
$$;
-- The verdict on a key.
CREATE FUNCTION pg_temp.code(key text) RETURNS text LANGUAGE sql AS $$ SELECT (devapp.verify_key(key, '/', 'GET', 'prod')).code::text $$;

-- issued: the secret works, is in the answer alone, and no cache may keep it
SELECT a.status, a.headers ->> 'Cache-Control' AS cache, a.headers ->> 'Location' = '/portal/v1/credentials/' || (pg_temp.json(a) ->> 'credential_id') AS is_there,
       pg_temp.json(a) ->> 'environment' AS environment, pg_temp.json(a) ->> 'products' AS products, pg_temp.code(pg_temp.json(a) ->> 'secret') AS works,
       pg_temp.json(a) ->> 'credential_id' AS credential, pg_temp.json(a) ->> 'secret' AS secret, pg_temp.json(a) ->> 'consumer_key' AS public
  FROM pg_temp.call(:'cara', 'POST', '/portal/v1/apps/shop/credentials', '{"label": "batch", "products": ["portal-weather"], "environment": "prod", "scopes": ["read"],
       "expires_in": "90 days", "attributes": {"team": "ops"}, "allowed_cidrs": [], "note": "for the night"}') AS a \gset a_
SELECT :'a_status' AS status, :'a_cache' AS cache, :'a_is_there' AS is_there, :'a_environment' AS environment, :'a_products' AS products, :'a_works' AS works;
SELECT status, headers ->> 'Cache-Control' AS cache, strpos(convert_from(body, 'UTF8'), split_part(:'a_secret', '_', 4)) AS secret_at,
       pg_temp.json(c) = devapp.get_credential(:'a_credential') AS is_the_document
  FROM pg_temp.call(:'cara', 'GET', '/portal/v1/credentials/' || :'a_public') AS c;
SELECT label, kind, scopes, attributes, expires_at - issued_at AS lasts FROM devapp.credential WHERE credential_id = :'a_credential';
-- repeated, it makes another one
SELECT status FROM pg_temp.call(:'cara', 'POST', '/portal/v1/apps/shop/credentials');
SELECT jsonb_array_length(pg_temp.json(pg_temp.call(:'cara', 'GET', '/portal/v1/apps/shop/credentials')) -> 'items') AS credentials;
-- pages of two, each credential once
SELECT pg_temp.json(pg_temp.call(:'cara', 'GET', '/portal/v1/apps/' || :'app' || '/credentials?limit=2')) AS page \gset
SELECT jsonb_array_length(:'page'::jsonb -> 'items') AS items, i ->> 'label' AS label, i -> 'pending_products' AS pending, i -> 'products' -> 0 ->> 'name' AS product
  FROM jsonb_array_elements(:'page'::jsonb -> 'items') AS i;
SELECT jsonb_array_length(p -> 'items') AS items, p -> 'next' AS next, :'page'::jsonb -> 'items' @> (p -> 'items') AS again
  FROM pg_temp.json(pg_temp.call(:'cara', 'GET', '/portal/v1/apps/shop/credentials?limit=2&after=' || (:'page'::jsonb ->> 'next'))) AS p;

-- changed
SELECT c -> 'label' AS label, c -> 'scopes' AS scopes, c -> 'attributes' AS attributes, c -> 'allowed_cidrs' AS allowed_cidrs
  FROM pg_temp.json(pg_temp.call(:'cara', 'PATCH', '/portal/v1/credentials/' || :'a_credential', '{"label": null, "scopes": ["write"], "allowed_cidrs": ["192.0.2.0/24"]}')) AS c;
SELECT c -> 'scopes' AS scopes, c -> 'attributes' AS attributes, c -> 'allowed_cidrs' AS allowed_cidrs
  FROM pg_temp.json(pg_temp.call(:'cara', 'PATCH', '/portal/v1/credentials/' || :'a_credential', '{"attributes": null, "allowed_cidrs": null}')) AS c;

-- rotated: both secrets work, until the rotation is completed
SELECT a.status, a.headers ->> 'Cache-Control' AS cache, pg_temp.json(a) ->> 'secret_version' AS version, pg_temp.json(a) ->> 'secret' AS secret,
       (pg_temp.json(a) ->> 'previous_valid_until')::timestamptz - now() AS overlap
  FROM pg_temp.call(:'cara', 'POST', '/portal/v1/credentials/' || :'a_credential' || '/rotate', '{"overlap": "PT1H", "note": "monthly"}') AS a \gset b_
SELECT :'b_status' AS status, :'b_cache' AS cache, :'b_version' AS version, :'b_overlap' AS overlap, pg_temp.code(:'a_secret') AS old, pg_temp.code(:'b_secret') AS new;
-- again while that is in progress
SELECT pg_temp.error(pg_temp.call(:'cara', 'POST', '/portal/v1/credentials/' || :'a_credential' || '/rotate'));
SELECT c.status, jsonb_path_query_array(pg_temp.json(c), '$.secrets[*].version') AS versions, pg_temp.code(:'a_secret') AS old, pg_temp.code(:'b_secret') AS new
  FROM pg_temp.call(:'cara', 'POST', '/portal/v1/credentials/' || :'a_credential' || '/complete-rotation') AS c;
SELECT pg_temp.error(pg_temp.call(:'cara', 'POST', '/portal/v1/credentials/' || :'a_credential' || '/complete-rotation'));
-- and one that is cancelled
SELECT pg_temp.json(pg_temp.call(:'cara', 'POST', '/portal/v1/credentials/' || :'a_credential' || '/rotate')) ->> 'secret' AS secret \gset c_
SELECT c.status, pg_temp.code(:'b_secret') AS old, pg_temp.code(:'c_secret') AS new
  FROM pg_temp.call(:'cara', 'POST', '/portal/v1/credentials/' || :'a_credential' || '/cancel-rotation') AS c;
SELECT pg_temp.error(pg_temp.call(:'cara', 'POST', '/portal/v1/credentials/' || :'a_credential' || '/cancel-rotation', '{"note": "x"}'));

-- products
SELECT jsonb_path_query_array(c, '$.products[*].name') AS products, c -> 'pending_products' AS pending
  FROM pg_temp.json(pg_temp.call(:'cara', 'POST', '/portal/v1/credentials/' || :'a_credential' || '/products', '{"product": "portal-maps"}')) AS c;
SELECT pg_temp.error(pg_temp.call(:'cara', 'POST', '/portal/v1/credentials/' || :'a_credential' || '/products', '{"product": "portal-maps"}'));
SELECT status FROM pg_temp.call(:'cara', 'DELETE', '/portal/v1/credentials/' || :'a_credential' || '/products/portal-maps?note=no');
SELECT pg_temp.error(pg_temp.call(:'cara', 'DELETE', '/portal/v1/credentials/' || :'a_credential' || '/products/portal-maps'));

-- revoked, which may be repeated, and as compromised for ever
SELECT pg_temp.json(c) ->> 'status' AS status, pg_temp.json(c) ->> 'decision_note' AS note, pg_temp.code(:'b_secret') AS key
  FROM pg_temp.call(:'cara', 'POST', '/portal/v1/credentials/' || :'a_credential' || '/revoke', '{"note": "lost"}') AS c;
SELECT pg_temp.json(pg_temp.call(:'cara', 'POST', '/portal/v1/credentials/' || :'a_credential' || '/revoke')) ->> 'status' AS status;
SELECT pg_temp.json(pg_temp.call(:'cara', 'POST', '/portal/v1/credentials/' || :'a_credential' || '/revoke', '{"compromised": true}')) ->> 'status' AS status;
SELECT pg_temp.error(pg_temp.call(:'cara', 'POST', '/portal/v1/credentials/' || :'a_credential' || '/rotate'));
-- replaced: the new one has its products, the old one ends at once
SELECT c.status, pg_temp.json(c) -> 'products' AS products, pg_temp.code(:'first_secret') AS old, pg_temp.code(pg_temp.json(c) ->> 'secret') AS new
  FROM pg_temp.call(:'cara', 'POST', '/portal/v1/apps/shop/credentials', jsonb_build_object('replaces', :'first', 'overlap', '0')::text) AS c;
-- deleted
SELECT status FROM pg_temp.call(:'cara', 'DELETE', '/portal/v1/credentials/' || :'a_credential' || '?note=gone');
SELECT pg_temp.error(pg_temp.call(:'cara', 'GET', '/portal/v1/credentials/' || :'a_credential'));
SELECT pg_temp.error(pg_temp.call(:'cara', 'DELETE', '/portal/v1/credentials/' || :'a_credential'));
SELECT regexp_replace(i ->> 'what', 'until [^)]*[0-9]{4} ...', 'until TIME') AS what, i ->> 'note' AS note
  FROM jsonb_array_elements(pg_temp.json(pg_temp.call(:'cara', 'GET', '/portal/v1/apps/shop/history')) -> 'items') AS i WHERE i ->> 'note' IN ('for the night', 'monthly', 'lost', 'gone');
-- the credentials of a deleted app are not there either
SELECT status FROM pg_temp.call(:'cara', 'DELETE', '/portal/v1/apps/shop');
SELECT pg_temp.error(pg_temp.call(:'cara', 'GET', '/portal/v1/credentials/' || :'first')) ~ '^404 the app of credential .* was deleted$' AS is_gone;

-- of kinds that are asked for; a key in place of a name is in no answer
SELECT status, pg_temp.json(c) ->> 'kind' AS kind FROM pg_temp.call(:'cara', 'POST', '/portal/v1/apps', '{"name": "client", "kind": "oauth_client"}') AS c;
SELECT pg_temp.error(pg_temp.call(:'cara', 'POST', '/portal/v1/apps/client/credentials', '{"kind": "jwt"}'));
SELECT a.status, strpos(convert_from(a.body, 'UTF8'), split_part(:'cara', '_', 4)) AS key_at
  FROM unnest(ARRAY['/portal/v1/credentials/' || :'cara', '/portal/v1/apps/' || :'cara', '/portal/v1/products/' || :'cara', '/portal/v1/apps?after=' || :'cara']) AS target,
       LATERAL pg_temp.call(:'cara', 'GET', target) AS a;
-- the credential that the caller uses is one of theirs
SELECT jsonb_array_length(pg_temp.json(pg_temp.call(:'cara', 'GET', '/portal/v1/apps/door/credentials')) -> 'items') AS door;
-- Cara knows the key of an app that she gives away: it does not act for the new owner, until an administrator says so
SELECT FROM devapp.create_developer('portal-eve@example.com');
SELECT FROM devapp.transfer_app('portal-cara@example.com/door', 'portal-eve@example.com');
SELECT status, pg_temp.error(c) FROM pg_temp.call(:'cara', 'GET', '/portal/v1/me') AS c;
SELECT p.name, cp.status, cp.decision_note
  FROM devapp.app a JOIN devapp.credential c USING (app_id) JOIN devapp.credential_product cp USING (credential_id) JOIN devapp.product p USING (product_id) WHERE a.name = 'door';
SELECT FROM devapp.set_credential_product_status(split_part(:'cara', '_', 1) || '_' || split_part(:'cara', '_', 2) || '_' || split_part(:'cara', '_', 3), 'devapp-portal', 'approve');
SELECT status, pg_temp.json(c) ->> 'email' AS email FROM pg_temp.call(:'cara', 'GET', '/portal/v1/me') AS c;
-- nor when a direct statement gives it away
UPDATE devapp.app SET developer_id = (SELECT d.developer_id FROM devapp.developer d WHERE d.email = 'portal-cara@example.com') WHERE name = 'door';
SELECT status FROM pg_temp.call(:'cara', 'GET', '/portal/v1/me') AS c;
ROLLBACK;
