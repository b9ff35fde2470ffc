-- What the tests of tokens need: a keyring, signing keys, and what takes a token apart.
\set SHOW_CONTEXT never

-- without a keyring no key is made, and without a key no token
\set VERBOSITY sqlstate
SELECT FROM devapp.create_signing_key();
\set VERBOSITY default
COPY (SELECT '1:' || repeat('0123456789abcdef', 4)) TO PROGRAM 'umask 077; cat > devapp_regression.keyring';
ALTER SYSTEM SET devapp.keyring_file = 'devapp_regression.keyring';
SELECT pg_reload_conf(), pg_sleep(1);

CREATE SCHEMA token_test;
CREATE FUNCTION token_test.encode(bytes bytea) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN translate(encode(bytes, 'base64'), E'+/=\n', '-_');
CREATE FUNCTION token_test.encode(document text) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN token_test.encode(convert_to(document, 'UTF8'));
CREATE FUNCTION token_test.part(token text, n integer) RETURNS jsonb LANGUAGE sql IMMUTABLE
    RETURN convert_from(decode(rpad(translate(split_part(token, '.', n), '-_', '+/'), (length(split_part(token, '.', n)) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb;
CREATE FUNCTION token_test.claims(token text) RETURNS jsonb LANGUAGE sql IMMUTABLE
    RETURN token_test.part(token, 2);

SELECT FROM devapp.create_developer('tokens@example.com');
SELECT FROM devapp.create_product('token_orders', scopes => '{orders:read,orders:write}');
SELECT FROM devapp.add_operation('token_orders', '/v1/orders/{id}', '{GET}');
SELECT FROM devapp.create_product('token_stock', scopes => '{stock:read,orders:read}');
SELECT FROM devapp.add_operation('token_stock', '/v1/stock', '{GET}');
SELECT FROM devapp.create_product('token_later', approval => 'manual', scopes => '{later}');
