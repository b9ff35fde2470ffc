-- What a token is good for, and its end, over HTTP: for clients and gateways.
-- (Schema oauth_test: api_oauth_token.)
\set SHOW_CONTEXT never
\pset null ~

SELECT FROM devapp_internal.setup_products();
SELECT consumer_key AS client, secret AS secret FROM devapp.create_app('introspect-client', 'oauth@example.com', '{oauth-weather}', kind => 'oauth_client') \gset
SELECT consumer_key AS other, secret AS other_secret FROM devapp.create_app('introspect-other', 'oauth@example.com', '{oauth-weather}', kind => 'oauth_client') \gset
SELECT app_id AS gateway_app, secret AS gateway FROM devapp.create_app('introspect-gateway', 'oauth@example.com', '{devapp-admin}', scopes => '{devapp:verify}') \gset
SELECT app_id AS reader_app, secret AS reader FROM devapp.create_app('introspect-reader', 'oauth@example.com', '{devapp-admin}', scopes => '{devapp:read}') \gset
SELECT app_id AS service_app, consumer_key AS service, secret AS service_secret
  FROM devapp.create_app('introspect-service', 'oauth@example.com', '{devapp-admin}', kind => 'oauth_client', scopes => '{devapp:verify}') \gset
SELECT count(*) FROM unnest(ARRAY[:'gateway_app', :'reader_app', :'service_app']::uuid[]) AS a, devapp.approve_app(a);
SELECT token AS token, jti AS jti FROM devapp.issue_token(:'client', resource => 'https://api.example.com/') \gset
SELECT jsonb_build_object('Authorization', 'Bearer ' || :'gateway') AS bearer, jsonb_build_object('X-Devapp-Gateway', :'gateway') AS field,
       jsonb_build_object('Authorization', 'Bearer ' || :'reader') AS reads, oauth_test.basic(:'client', :'secret') AS basic, oauth_test.basic(:'other', :'other_secret') AS other_basic,
       oauth_test.basic(:'service', :'service_secret') AS service_basic \gset

-- An answer in one line: what stands in the place of a whole description is that it is active.
CREATE FUNCTION oauth_test.answer(path text, form text, headers jsonb DEFAULT '{}') RETURNS text LANGUAGE sql
BEGIN ATOMIC
    SELECT concat_ws(' ', a.status, CASE WHEN a.body ->> 'active' = 'true' THEN 'active for ' || (a.body ->> 'aud') ELSE a.body::text END, a.fields ->> 'WWW-Authenticate')
      FROM oauth_test.post($1, $2, $3) AS a;
END;

-- ---------- introspection ----------

SELECT a.status, a.fields, a.body - '{client_id,sub,jti,exp,iat}'::text[] AS said, a.body ->> 'client_id' = :'client' AS client_id, a.body ->> 'jti' = :'jti' AS jti
  FROM oauth_test.post('/oauth/introspect', 'token_type_hint=access_token&token=' || :'token', :'basic') AS a;
-- its own, whoever proves itself how; of others nobody hears anything but a gateway
SELECT m.who, oauth_test.answer('/oauth/introspect', 'token=' || :'token' || m.form, m.headers)
  FROM (VALUES ('the client', '', :'basic'::jsonb), ('by its form', '&client_id=' || :'client' || '&client_secret=' || :'secret', '{}'), ('another one', '', :'other_basic'),
               ('a gateway', '', :'bearer'), ('a gateway, in its own field', '', :'field'), ('a gateway that is a client', '', :'service_basic'),
               ('one in its form', '&client_id=' || :'service' || '&client_secret=' || :'service_secret', '{}')) AS m(who, form, headers);
-- what is no token, or not a good one
SELECT left(m.token, 8) AS token, oauth_test.answer('/oauth/introspect', 'token=' || m.token, :'bearer')
  FROM (VALUES ('x'), (:'token' || 'x'), (:'other_secret'), (repeat('x', 100000)), ('%C3%A9')) AS m(token);

-- who may not ask at all
SELECT m.who, oauth_test.answer('/oauth/introspect', 'token=' || :'token' || m.form, m.headers)
  FROM (VALUES ('nobody', '', '{}'::jsonb), ('with a wrong secret', '', oauth_test.basic(:'client', :'other_secret')), ('an unknown key', '', jsonb_build_object('Authorization', 'Bearer ' || :'secret')),
               ('a key of another scope', '', :'reads'), ('the token itself', '', jsonb_build_object('Authorization', 'Bearer ' || :'token')),
               ('the client and a gateway', '', :'basic'::jsonb || :'field'::jsonb), ('a gateway and a secret', '&client_id=' || :'client' || '&client_secret=' || :'secret', :'bearer'),
               ('a gateway and an assertion', '&client_assertion=x', :'bearer')) AS m(who, form, headers);
SELECT m.form, oauth_test.answer('/oauth/introspect', m.form, :'bearer'), oauth_test.answer('/oauth/introspect', m.form, :'basic') FROM (VALUES (''), ('token='), ('token=a&token=b')) AS m(form);
SELECT r.status, convert_from(r.body, 'UTF8')::jsonb ->> 'error_description' AS said FROM devapp_api.handle('POST', '/oauth/introspect', 'token=' || :'token', :'bearer') AS r;

-- a management client is a gateway while its product is approved, and only for what is its scope
BEGIN;
SELECT FROM devapp.set_credential_product_status(:'service', 'devapp-admin', 'revoke');
SELECT oauth_test.answer('/oauth/introspect', 'token=' || :'token', :'service_basic');
ROLLBACK;
BEGIN;
SELECT FROM devapp.update_app(:'service_app', scopes => '{devapp:read}');
SELECT oauth_test.answer('/oauth/introspect', 'token=' || :'token', :'service_basic');
ROLLBACK;
BEGIN;
SELECT FROM devapp.update_app(:'service_app', allowed_cidrs => '{192.0.2.0/24}');
SELECT oauth_test.answer('/oauth/introspect', 'token=' || :'token', :'service_basic'), oauth_test.answer('/oauth/introspect', 'token=' || :'token', :'service_basic'::jsonb || '{":client": "192.0.2.7"}');
ROLLBACK;

-- one that is confined to an environment hears of no client of another one, as /auth refuses its calls
BEGIN;
SELECT app_id AS prod_app, secret AS prod_gateway FROM devapp.create_app('introspect-prod', 'oauth@example.com', '{devapp-admin}', scopes => '{devapp:verify}', environment => 'prod') \gset
SELECT app_id AS prod_service_app, consumer_key AS prod_service, secret AS prod_secret
  FROM devapp.create_app('introspect-prod-service', 'oauth@example.com', '{devapp-admin}', kind => 'oauth_client', scopes => '{devapp:verify}', environment => 'prod') \gset
SELECT count(*) FROM unnest(ARRAY[:'prod_app', :'prod_service_app']::uuid[]) AS a, devapp.approve_app(a);
CREATE TEMPORARY TABLE environment_token AS
SELECT e.environment, (devapp.issue_token(a.consumer_key, resource => 'https://api.example.com/')).token
  FROM (VALUES ('prod'), ('test'), (NULL)) AS e(environment),
       devapp.create_app('introspect-in-' || coalesce(e.environment, 'any'), 'oauth@example.com', '{oauth-weather}', kind => 'oauth_client', environment => e.environment) AS a;
SELECT t.environment, oauth_test.answer('/oauth/introspect', 'token=' || t.token, jsonb_build_object('Authorization', 'Bearer ' || :'prod_gateway')) AS prod_gateway,
       oauth_test.answer('/oauth/introspect', 'token=' || t.token, oauth_test.basic(:'prod_service', :'prod_secret')) AS prod_service,
       oauth_test.answer('/oauth/introspect', 'token=' || t.token, :'bearer') AS gateway
  FROM environment_token t ORDER BY t.environment;
ROLLBACK;

-- ---------- revocation ----------

-- of others nothing happens and nothing is said, nor of what is no token
SELECT m.who, oauth_test.answer('/oauth/revoke', 'token=' || m.token, m.headers)
  FROM (VALUES ('another client', :'token', :'other_basic'::jsonb), ('no token', 'x', :'basic'), ('its jti', :'jti', :'basic')) AS m(who, token, headers);
SELECT m.who, oauth_test.answer('/oauth/revoke', m.form, m.headers)
  FROM (VALUES ('nobody', 'token=' || :'token', '{}'::jsonb), ('a wrong secret', 'token=' || :'token', oauth_test.basic(:'client', :'other_secret')), ('a gateway', 'token=' || :'token', :'bearer'),
               ('a gateway in its field', 'token=' || :'token', :'field'), ('no token', '', :'basic')) AS m(who, form, headers);
SELECT code FROM devapp.verify_token(:'token');
SELECT a.status, a.fields, a.body FROM oauth_test.post('/oauth/revoke', 'token_type_hint=refresh_token&token=' || :'token', :'basic') AS a;
SELECT code FROM devapp.verify_token(:'token');
SELECT oauth_test.answer('/oauth/introspect', 'token=' || :'token', :'bearer'), oauth_test.answer('/oauth/revoke', 'token=' || :'token', :'basic') AS again;
SELECT revoked_by = current_user AS by_connection, note FROM devapp.revoked_token WHERE jti = :'jti';
SELECT r.status, r.headers ->> 'Allow' AS allow FROM (VALUES ('/oauth/introspect'), ('/oauth/revoke')) AS p(path), devapp_api.handle('GET', p.path) AS r;
