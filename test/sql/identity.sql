-- Who acts: devapp.act_as() and request.jwt.claims.  This session is a superuser's,
-- whose claims count; test/t/007_roles.pl has the others.
\set SHOW_CONTEXT never
SELECT FROM devapp.create_developer('iris@example.com') \gset
SELECT developer_id AS iris FROM devapp.developer WHERE email = 'iris@example.com' \gset

-- nobody said
SELECT devapp.actor() IS NULL AS nobody, devapp.current_developer_id() IS NULL AS no_developer;
SELECT actor, developer_id, source FROM devapp.whoami();

-- act_as(): for the transaction, or for the session
SELECT devapp.act_as('IRIS@example.com');
SELECT devapp.actor() IS NULL AS nobody;
SELECT devapp.act_as('IRIS@example.com', is_local => false);
SELECT devapp.current_developer_id() = :'iris' AS iris, source FROM devapp.whoami();
BEGIN;
SELECT devapp.act_as(NULL);
SELECT devapp.actor();
COMMIT;
SELECT devapp.actor();
BEGIN;
SELECT devapp.act_as('', is_local => false);
ROLLBACK;
SELECT devapp.actor();
DISCARD ALL;
SELECT devapp.actor() IS NULL AS nobody;
SELECT devapp.act_as('nobody@example.com');
SELECT devapp.actor() IS NULL AS nobody;

-- verified claims, which win over act_as(), also where they name nobody
SET request.jwt.claims = '{"role": "devapp_developer", "email": "Iris@Example.com", "email_verified": true, "aud": ["a", {"email": "x@example.com"}]}';
SELECT devapp.actor(), devapp.current_developer_id() = :'iris' AS iris, source FROM devapp.whoami();
SELECT devapp.act_as('nobody@example.com');
SELECT FROM devapp.create_developer('act@example.com') \gset
SELECT devapp.act_as('act@example.com', is_local => false);
SELECT devapp.actor(), source FROM devapp.whoami();
SELECT set_config('request.jwt.claims', json_build_object('sub', :'iris')::text, false) <> '' AS set;
SELECT devapp.actor(), devapp.current_developer_id() = :'iris' AS iris;
SELECT set_config('request.jwt.claims', json_build_object('sub', :'iris', 'email', 'other@example.com', 'email_verified', true)::text, false) <> '' AS set;
SELECT devapp.actor(), devapp.current_developer_id();

-- what names nobody
RESET request.jwt.claims;
SELECT devapp.act_as(NULL, is_local => false) IS NULL AS nobody;
CREATE TEMP TABLE claims (n serial, claims text);
-- whatever else the token says
INSERT INTO claims (claims) VALUES
    (''), ('{}'), ('null'), ('[]'), ('"iris@example.com"'), ('nonsense'), ('{"sub": "iris"}'), ('{"sub": "00000000-0000-0000-0000-000000000000"}'), ('{"sub": ""}'),
    ('{"email": "iris@example.com", "email_verified": true'), ('[{"email": "iris@example.com", "email_verified": true}]'),
    ('{"e": {"email": "iris@example.com", "email_verified": true}}'), ('{"email": "iris@example.com", "e": {"email_verified": true}}');
-- verified
INSERT INTO claims (claims) SELECT format('{"email_verified": true, %s}', c) FROM unnest(ARRAY[
    '"email": null', '"email": 1', '"email": ""', '"email": ["iris@example.com"]', '"email": "iris@example.com", "email": null', '"email": "iris@example.com", "email": {}',
    '"email": "iris@exam\u0000ple.com"', '"email": "iris@example.com\n"', '"email": "iris\u0085@example.com"', '"email": "iris @example.com"', '"email": "iris"',
    '"email": "rule:iris@example.com"', format('"email": "%s@example.com"', repeat('i', 244))]) AS c;
-- not verified: it has to be there, and true, and the last word on it
INSERT INTO claims (claims) SELECT format('{"email": "iris@example.com"%s}', c) FROM unnest(ARRAY[
    '', ', "email_verified": false', ', "email_verified": "true"', ', "email_verified": 1', ', "email_verified": null', ', "email_verified": {"a": true}',
    ', "email_verified": [true]', ', "email_verified": true, "email_verified": false', ', "email_verified": true, "email_verified": {}',
    ', "email_verified": true, "email_verified": []']) AS c;
DO $$
DECLARE
    c record;
BEGIN
    FOR c IN SELECT * FROM claims ORDER BY n LOOP
        PERFORM set_config('request.jwt.claims', c.claims, false);
        IF devapp.actor() IS NOT NULL THEN
            RAISE WARNING '% names %', c.claims, devapp.actor();
        END IF;
    END LOOP;
END
$$;
SELECT count(*) AS asked FROM claims;
SET request.jwt.claims = '{"email": "iris@example.com", "email_verified": true}';
SELECT devapp.actor();
SET request.jwt.claims = '{"email_verified": true, "email": "IRIS@exampl\u0065.com"}';
SELECT devapp.actor();
SELECT set_config('request.jwt.claims', format('{"email_verified": true, "email": "%s@example.com"}', repeat('i', 243)), false) <> '' AS set;
SELECT length(devapp.actor());

-- ASCII letters lose their case, and no others: U+212A, the sign for kelvin, is no k
SELECT FROM devapp.create_developer('kate@example.com') \gset
SELECT FROM devapp.create_developer(U&'\212Aate@example.com') \gset
SELECT FROM devapp.create_developer(U&'K\00C4te@example.com') \gset
SELECT FROM devapp.create_developer(U&'k\00E4te@example.com') \gset
SELECT devapp.create_developer('KATE@example.com');
SET request.jwt.claims = '{"email_verified": true, "email": "\u212Aate@example.com"}';
SELECT d.email = U&'\212Aate@example.com' AS itself FROM devapp.developer d WHERE d.developer_id = devapp.current_developer_id();
SET request.jwt.claims = '{"email_verified": true, "email": "KATE@EXAMPLE.COM"}';
SELECT d.email FROM devapp.developer d WHERE d.developer_id = devapp.current_developer_id();
SELECT (devapp.update_developer('Kate@Example.com', first_name => 'Kate')).email;
SELECT devapp.update_developer(U&'\0138ate@example.com', first_name => 'Kate');

-- whoever decides is written down by name
SET request.jwt.claims = '{"email": "iris@example.com", "email_verified": true}';
SELECT decided_by FROM devapp.set_developer_status('iris@example.com', 'deactivate');
RESET request.jwt.claims;
SELECT decided_by = current_user AS role FROM devapp.set_developer_status('iris@example.com', 'activate');

-- the setting is act_as()'s alone
SELECT count(*) FROM pg_settings WHERE name = 'devapp.actor';
CREATE ROLE regress_identity;
SET ROLE regress_identity;
SET devapp.actor = '10 iris@example.com';
RESET ROLE;
DROP ROLE regress_identity;
