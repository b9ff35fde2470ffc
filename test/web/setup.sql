-- Makes the developer program that the programs of this folder use: keys for management and
-- gateways, signing keys and products.  Prints, as JSON, what the programs have to know.
\set ON_ERROR_STOP on
\set QUIET on
SET client_min_messages = warning;

CREATE EXTENSION devapp CASCADE;
SELECT FROM devapp.setup_roles();
CREATE ROLE devapp_web_login LOGIN IN ROLE devapp_http;
CREATE ROLE devapp_web NOLOGIN IN ROLE devapp_http;
CREATE ROLE devapp_postgrest LOGIN NOINHERIT;
GRANT devapp_web TO devapp_postgrest;

-- ---------- keys that manage the program ----------

SELECT FROM devapp.create_developer('ops@example.com', 'Olga');
SELECT FROM devapp.create_developer('ada@example.com', 'Ada', 'Lovelace', 'ada');

-- manager(NAME, SCOPE, KIND): an app whose key does what the scope says
CREATE FUNCTION pg_temp.manager(name text, scope text, kind text) RETURNS devapp.issued_credential
    LANGUAGE plpgsql
AS $$
DECLARE
    made constant devapp.issued_credential := devapp.create_app(name, 'ops@example.com', '{devapp-admin}', scopes => ARRAY[scope], kind => kind);
BEGIN
    PERFORM devapp.set_credential_product_status(made.credential_id, 'devapp-admin', 'approve');
    RETURN made;
END
$$;
SELECT secret FROM pg_temp.manager('console', 'devapp:admin', 'api_key') \gset management_
SELECT secret FROM pg_temp.manager('viewer', 'devapp:read', 'api_key') \gset reader_
SELECT secret FROM pg_temp.manager('gateway', 'devapp:verify', 'api_key') \gset gateway_
SELECT consumer_key AS id, secret FROM pg_temp.manager('robot', 'devapp:admin', 'oauth_client') \gset robot_

-- ---------- keys that sign tokens ----------

SELECT FROM devapp.create_signing_key('EdDSA') AS k, devapp.activate_signing_key(k.kid);
SELECT FROM devapp.create_signing_key('ES256') AS k, devapp.activate_signing_key(k.kid);
SELECT FROM devapp.create_signing_key('RS256') AS k, devapp.activate_signing_key(k.kid);

-- ---------- products ----------

SELECT FROM devapp.create_product('weather', scopes => '{read,write}');
SELECT FROM devapp.add_operation('weather', '/weather/**', '{GET}');
SELECT FROM devapp.create_product('maps', approval => 'manual', scopes => '{read}');
SELECT FROM devapp.add_operation('maps', '/maps/**', '{GET,POST}');

SELECT json_build_object(
    'management', :'management_secret',
    'reader', :'reader_secret',
    'gateway', :'gateway_secret',
    'robot', json_build_object('id', :'robot_id', 'secret', :'robot_secret'));
