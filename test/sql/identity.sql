-- Who acts: devapp.act_as() and request.jwt.claims.  This session is a superuser's,
-- whose claims count; test/t/007_roles.pl has the others.
\set SHOW_CONTEXT never
SELECT FROM devapp.create_developer('iris@example.com') \gset
SELECT developer_id AS iris FROM devapp.developer WHERE email = 'iris@example.com' \gset

-- nobody said
SELECT devapp.actor() IS NULL AS nobody, devapp.current_developer_id() IS NULL AS no_developer;
SELECT actor, developer_id, source FROM devapp.whoami();

-- act_as(): for the session, or for the transaction
SELECT devapp.act_as('IRIS@example.com');
SELECT devapp.current_developer_id() = :'iris' AS iris, source FROM devapp.whoami();
BEGIN;
SELECT devapp.act_as(NULL, true);
SELECT devapp.actor();
COMMIT;
SELECT devapp.actor();
BEGIN;
SELECT devapp.act_as('');
ROLLBACK;
SELECT devapp.actor();
DISCARD ALL;
SELECT devapp.actor() IS NULL AS nobody;
SELECT devapp.act_as('nobody@example.com');
SELECT devapp.actor() IS NULL AS nobody;

-- claims; act_as() has the last word
SET request.jwt.claims = '{"role": "devapp_developer", "email": "Iris@Example.com", "aud": ["a", {"email": "x@example.com"}]}';
SELECT devapp.actor(), devapp.current_developer_id() = :'iris' AS iris, source FROM devapp.whoami();
SELECT devapp.act_as('iris@example.com', true);
SELECT set_config('request.jwt.claims', json_build_object('sub', :'iris')::text, false) <> '' AS set;
SELECT devapp.actor(), devapp.current_developer_id() = :'iris' AS iris;
SELECT set_config('request.jwt.claims', json_build_object('sub', :'iris', 'email', 'other@example.com')::text, false) <> '' AS set;
SELECT devapp.actor(), devapp.current_developer_id();

-- what names nobody
CREATE TEMP TABLE claims (n serial, claims text);
INSERT INTO claims (claims) VALUES
    (''), ('{}'), ('null'), ('[]'), ('"iris@example.com"'), ('{"email": "iris@example.com"'), ('nonsense'),
    ('{"email": null}'), ('{"email": 1}'), ('{"email": ""}'), ('{"email": ["iris@example.com"]}'), ('{"e": {"email": "iris@example.com"}}'),
    ('[{"email": "iris@example.com"}]'), ('{"sub": "iris"}'), ('{"sub": "00000000-0000-0000-0000-000000000000"}'), ('{"sub": ""}'),
    ('{"email": "iris@example.com", "email_verified": false}'), ('{"email": "iris@example.com", "email_verified": "true"}'),
    ('{"email": "iris@example.com", "email": null}'), ('{"email_verified": null, "email": "iris@example.com"}'), (E'{"email": "iris@exam\\u0000ple.com"}');
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
SET request.jwt.claims = '{"email": "iris@exampl\u0065.com"}';
SELECT devapp.actor();

-- whoever decides is written down by name
SET request.jwt.claims = '{"email": "iris@example.com"}';
SELECT decided_by FROM devapp.set_developer_status('iris@example.com', 'deactivate');
RESET request.jwt.claims;
SELECT decided_by = current_user AS role FROM devapp.set_developer_status('iris@example.com', 'activate');
