-- Apps and their credentials: making and changing them, and bad input.
\set SHOW_CONTEXT never
-- an app with a product that waits is approved
SELECT FROM devapp.set_app_approval('auto');

SELECT FROM devapp.create_developer('apps@example.com');
SELECT FROM devapp.create_team('apps-team');
SELECT FROM devapp.create_product('apps-read', scopes => '{read}');
SELECT FROM devapp.create_product('apps-write', scopes => '{write}', approval => 'manual');

-- all that comes with a new app
SELECT * FROM devapp.create_app('shop', developer => 'APPS@example.com', products => '{apps-read,apps-write}', display_name => 'Shop',
    description => E'two\nlines', callback_urls => '{https://shop.example.com/cb,http://127.0.0.1:8080/cb,com.example.shop:/cb}',
    scopes => '{read,write}', app_family => 'web', attributes => '{"a": "b"}', environment => 'prod', expires_in => '90 days') \gset
SELECT :'app_status' AS app_status, :'kind' AS kind, :'status' AS status, :'environment' AS environment, :'products' AS products, :'secret_version' AS version,
       (SELECT issued_at + interval '90 days' FROM devapp.credential WHERE credential_id = :'credential_id') = :'expires_at' AS expires, NOT :{?previous_valid_until} AS first;
SELECT :'secret' ~ '^dvk_prod_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}$' AS form, starts_with(:'secret', :'consumer_key' || '_') AS public_part,
       (devapp.key_info(:'secret')).well_formed;
SELECT name, display_name, description, status, callback_urls, scopes, app_family, attributes, decided_by FROM devapp.app WHERE app_id = :'app_id';
SELECT kind, environment, status, scopes, attributes, revoked_at FROM devapp.credential WHERE credential_id = :'credential_id';
SELECT version, purpose, scheme, superseded_at, valid_until FROM devapp.credential_secret WHERE credential_id = :'credential_id';
SELECT p.name, cp.status, cp.decided_by FROM devapp.credential_product cp JOIN devapp.product p USING (product_id) WHERE credential_id = :'credential_id' ORDER BY ordinal;
-- the secret is nowhere
SELECT count(*) FROM devapp.credential_secret s WHERE s::text LIKE '%' || split_part(:'secret', '_', 4) || '%';
-- its digest is BLAKE2b-256 of SHA-256; sha256 is what verify_digest takes
SELECT code FROM devapp.verify_digest(sha256(:'secret'::bytea));

-- of a team, and without a product
SELECT app_status, products, environment, expires_at IS NULL AS no_expiry FROM devapp.create_app('shop', team => 'apps-team');

-- bad input makes nothing
SELECT count(*) AS apps_before FROM devapp.app \gset
SELECT devapp.create_app('x');
SELECT devapp.create_app('x', developer => 'apps@example.com', team => 'apps-team');
SELECT devapp.create_app('x', developer => 'nobody@example.com');
SELECT devapp.create_app('x', team => 'nobody');
SELECT devapp.create_app('shop', developer => 'apps@example.com');
SELECT devapp.create_app('x', developer => 'apps@example.com', products => '{nothing}');
SELECT devapp.create_app('x', developer => 'apps@example.com', products => '{NULL}');
SELECT devapp.create_app('x', developer => 'apps@example.com', products => '{apps-read,apps-read}');
SELECT devapp.create_app('', developer => 'apps@example.com');
SELECT devapp.create_app(NULL, developer => 'apps@example.com');
SELECT devapp.create_app(repeat('x', 256), developer => 'apps@example.com');
SELECT devapp.create_app(E'a\rb', developer => 'apps@example.com');
SELECT devapp.create_app('x', developer => 'apps@example.com', products => '{apps-read}', scopes => '{write}');
SELECT devapp.create_app('x', developer => 'apps@example.com', scopes => '{read}');
SELECT devapp.create_app('x', developer => 'apps@example.com', attributes => '[]');
SELECT devapp.create_app('x', developer => 'apps@example.com', environment => 'Prod');
SELECT devapp.create_app('x', developer => 'apps@example.com', environment => '');
SELECT devapp.create_app('x', developer => 'apps@example.com', kind => 'magic');
SELECT devapp.create_app('x', developer => 'apps@example.com', expires_in => '0');
SELECT devapp.create_app('x', developer => 'apps@example.com', expires_in => '-1 day');
SELECT devapp.create_app('x', developer => 'apps@example.com', expires_in => '1 month -40 days');
CREATE FUNCTION pg_temp.check_url(url text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM devapp.create_app('url', developer => 'apps@example.com', callback_urls => ARRAY[url]);
    RAISE EXCEPTION 'accepted';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLERRM;
END
$$;
SELECT left(url, 40) AS url, pg_temp.check_url(url) FROM unnest(ARRAY[
    'https://a.example/cb', 'HTTPS://A.example:8443/cb?x=1', 'http://localhost/cb', 'http://127.0.0.1:9/', 'http://[::1]:80/', 'http://127.9.9.9/', 'my.app:/cb', 'https://[2001:db8::1]/cb',
    '', 'a', '/cb', '//a.example/cb', 'https:', 'https://', 'https:///cb', 'https:a.example', 'http://a.example/cb', 'http://localhost.evil.example/', 'http://127.evil.example/', 'http://127.0.0.1.evil.example/',
    'https://a.example/cb#frag', 'https://user:pw@a.example/', 'http://localhost@evil.example/', 'https://a.example:0/', 'https://a.example:65536/', 'https://a.example:x/',
    'https://a example/', E'https://a.example/\n', 'https://a.example/%zz', 'https://ä.example/', 'https://[::1', 'https://a.example/\x', 'javascript:alert(1)', 'JavaScript:alert(1)', 'data:text/html,x', 'file:///etc/passwd',
    'https://a.example/' || repeat('x', 2048)]) AS url;
-- ports, brackets, percent signs and schemes, letter by letter
SELECT url, pg_temp.check_url(url) FROM unnest(ARRAY[
    'https://a.example:/', 'https://a.example?x', 'https://a.example/%4aF', 'https://[::FFFF:1.2.3.4]:443/', 'my.app://host/cb?x=@', 'a+b-c.1:x', 'http://127.255.0.1/cb',
    'https://a.example:655360/', 'https://a.example:80a/', 'https://[::1x]/', 'https://[]/', 'https://[1]/', 'https://[::1]x/', 'https://a]/', 'https://a[/', 'https://a.example/[x', 'https://a.example/x]',
    'https:/a.example', 'https:/', 'https:x', 'my.app://u:p@host/cb', 'my.app:', 'my_app:/cb', '1app:/cb', 'app', 'a{b:/cb', 'https://a.example/%', 'https://a.example/%4', 'https://a.example/%4g', 'https://a.example/%G4',
    'http://127.0.0.256/', 'http://127.0.0.0001/', 'http://127.0.0.1./', 'http://127..0.10/', 'http://127.0.0.1.1/', 'http://127.0.00/', 'http://127.0.0./', 'http://127.0.0/']) AS url;
SELECT count(*) - :apps_before AS made FROM devapp.app;

-- a second credential: products left out are those of the app
SELECT * FROM devapp.issue_credential(:'app_id', environment => 'test', scopes => '{read}', attributes => '{"k": "v"}') \gset second_
SELECT :'second_products' AS products, :'second_environment' AS environment, :'second_consumer_key' <> :'consumer_key' AS another;
SELECT products, kind FROM devapp.issue_credential(:'app_id', kind => 'oauth_client', products => '{}');
SELECT devapp.issue_credential('00000000-0000-0000-0000-000000000000');
SELECT devapp.issue_credential(NULL);
SELECT devapp.issue_credential(:'app_id', products => '{nothing}');
SELECT devapp.issue_credential(:'app_id', scopes => '{admin}');
SELECT devapp.issue_credential(:'app_id', expires_in => '-2 s');
SELECT devapp.issue_credential(:'app_id', kind => 'password');

-- changing an app
SELECT display_name, description, callback_urls, app_family FROM devapp.update_app(:'app_id', display_name => 'The shop', description => '', callback_urls => '{}');
SELECT scopes FROM devapp.update_app(:'app_id', scopes => '{read}');
SELECT devapp.update_app(:'app_id', scopes => '{admin}');
SELECT devapp.update_app(:'app_id', callback_urls => '{nope}');
SELECT devapp.update_app('00000000-0000-0000-0000-000000000000');
SELECT devapp.set_attribute('app', :'app_id', 'c', 'd');
SELECT devapp.set_attribute('credential', :'credential_id', 'c', 'd');
SELECT devapp.set_attribute('app', 'not-a-uuid', 'c', 'd');
SELECT devapp.set_attribute('credential', '00000000-0000-0000-0000-000000000000', 'c', 'd');

-- what cannot be changed, and what cannot go
UPDATE devapp.app SET app_id = devapp.uuid_v7() WHERE app_id = :'app_id';
\set VERBOSITY terse
UPDATE devapp.app SET team_id = (SELECT team_id FROM devapp.team WHERE name = 'apps-team') WHERE app_id = :'app_id';
INSERT INTO devapp.credential (app_id, consumer_key, status) VALUES (:'app_id', 'x', 'leaked');
\set VERBOSITY default
UPDATE devapp.credential SET expires_at = NULL WHERE credential_id = :'credential_id';
UPDATE devapp.credential SET expires_at = expires_at + interval '1 day' WHERE credential_id = :'credential_id';
UPDATE devapp.credential SET consumer_key = 'x' WHERE credential_id = :'credential_id';
UPDATE devapp.credential SET environment = NULL WHERE credential_id = :'credential_id';
UPDATE devapp.credential SET kind = 'oauth_client' WHERE credential_id = :'credential_id';
UPDATE devapp.credential_secret SET digest = 'blake2b:0:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff' WHERE credential_id = :'credential_id';
UPDATE devapp.credential_secret SET purpose = 'client_secret' WHERE credential_id = :'credential_id';
-- no refusal of a secret's row prints the digest
INSERT INTO devapp.credential_secret (credential_id, version, purpose, digest, scheme) VALUES (:'credential_id', NULL, 'api_key', 'blake2b:0:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff', 'blake2b');
INSERT INTO devapp.credential_secret (credential_id, version, purpose, digest, scheme) VALUES (NULL, 9, 'api_key', 'blake2b:0:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff', 'blake2b');
INSERT INTO devapp.credential_secret (credential_id, version, purpose, digest, scheme) VALUES (:'credential_id', 9, 'password', 'blake2b:0:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff', 'blake2b');
INSERT INTO devapp.credential_secret (credential_id, version, purpose, digest, scheme) VALUES (:'credential_id', 9, 'api_key', NULL, 'blake2b');
INSERT INTO devapp.credential_secret (credential_id, version, purpose, digest, scheme) VALUES ('00000000-0000-0000-0000-000000000000', 9, 'api_key', 'blake2b:0:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff', 'blake2b');
DELETE FROM devapp.app WHERE app_id = :'app_id';
DELETE FROM devapp.credential;
DELETE FROM devapp.credential_secret;
DELETE FROM devapp.credential_product;
TRUNCATE devapp.credential_secret;
SELECT FROM devapp.set_app_approval('conditional');
