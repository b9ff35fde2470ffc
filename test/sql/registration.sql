-- Registering by oneself, as far as an administrator lets people; by which sessions' claims is tested by test/t/023_registration.pl.
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT FROM devapp.setup_roles();
SELECT FROM devapp.create_developer('reg-old@example.com');
SELECT FROM devapp.create_developer('reg-gone@example.com');
SELECT FROM devapp.delete_developer('reg-gone@example.com');
RESET client_min_messages;

-- off is how it begins
SELECT count(*) FROM devapp.registration_policy;
SET LOCAL ROLE devapp_developer;
SET LOCAL request.jwt.claims = '{"email": "Reg-Ann@Example.com", "email_verified": true}';
SELECT * FROM devapp.register_developer('Ann');
SELECT devapp.set_registration(true);
RESET ROLE;
SET LOCAL ROLE devapp_admin;
SELECT enabled, domains, approval_needed, attributes FROM devapp.set_registration(true, domains => '{example.com,*.corp.example}', attributes => '{company, " phone "}');
SELECT * FROM devapp.register_developer('Ann');

-- who asks becomes a developer who waits, and administrators hear of it
SET LOCAL ROLE devapp_developer;
SELECT email, status FROM devapp.register_developer('Ann', 'Hill', 'ann', '{"company": "Hill & Sons", "phone": "1"}');
SELECT actor, source FROM devapp.whoami();
-- again: nothing changes, and nobody hears of it
SELECT email, status FROM devapp.register_developer('Bea', attributes => '{"tier": "gold"}');
SELECT app_status FROM devapp.create_app('reg-app');
RESET ROLE;
SELECT email, first_name, last_name, user_name, status, attributes, decided_by FROM devapp.developer WHERE email LIKE 'reg-ann%';
SELECT event, app_id, recipients, payload FROM devapp.notification WHERE event = 'developer_registered';
SELECT e.actor, e.action, e.entity, e.after - 'developer_id' - 'created_at' - 'updated_at' AS after FROM devapp.audit_event x, devapp_internal.unmasked_event(x) AS e
 WHERE e.entity = 'registration_policy' OR (e.entity = 'developer' AND e.after ->> 'email' = 'reg-ann@example.com') ORDER BY e.event_id;
SELECT status FROM devapp.set_developer_status('reg-ann@example.com', 'activate', 'welcome');
-- whoever was deactivated does not come back by it
SELECT status FROM devapp.set_developer_status('reg-ann@example.com', 'deactivate', 'abuse');
SET LOCAL ROLE devapp_developer;
SELECT email, status FROM devapp.register_developer();

-- addresses: each is told what is wrong with their own, and nothing of others
SET LOCAL request.jwt.claims = '{"email": "REG-OLD@example.com", "email_verified": true}';
SELECT email, status FROM devapp.register_developer();
SET LOCAL request.jwt.claims = '{"email": "reg-gone@example.com", "email_verified": true}';
SELECT devapp.register_developer();
SET LOCAL request.jwt.claims = '{"email": "reg-bob@other.example", "email_verified": true}';
SELECT devapp.register_developer();
SET LOCAL request.jwt.claims = '{"email": "reg-bob@sub.example.com", "email_verified": true}';
SELECT devapp.register_developer();
SET LOCAL request.jwt.claims = '{"email": "reg-bob@notexample.com", "email_verified": true}';
SELECT devapp.register_developer();
SET LOCAL request.jwt.claims = '{"email": "reg-bob@a.corp.example", "email_verified": true}';
SELECT email FROM devapp.register_developer();
SET LOCAL request.jwt.claims = '{"email": "reg-cy@EXAMPLE.com", "email_verified": true}';
SELECT devapp.register_developer(attributes => '{"tier": "gold", "company": "Cy"}');
SELECT devapp.register_developer(attributes => '{" tier ": "gold"}');
SELECT devapp.register_developer(attributes => '["tier"]');
SELECT devapp.register_developer(attributes => '{"company": 1}');
SELECT devapp.register_developer(first_name => E'a\tb');
SELECT email FROM devapp.register_developer(attributes => '{" company ": "Cy"}');

-- claims that name nobody, or not by a verified address
SET LOCAL request.jwt.claims = '{"email": "reg-dan@example.com"}';
SELECT devapp.register_developer();
SET LOCAL request.jwt.claims = '{"email": "reg-dan@example.com", "email_verified": "true"}';
SELECT devapp.register_developer();
SET LOCAL request.jwt.claims = '{"email": "reg-dan@example.com", "email_verified": true, "email_verified": false}';
SELECT devapp.register_developer();
SET LOCAL request.jwt.claims = '{"email_verified": true}';
SELECT devapp.register_developer();
SET LOCAL request.jwt.claims = '{"email": "reg-dan example.com", "email_verified": true}';
SELECT devapp.register_developer();
SET LOCAL request.jwt.claims = 'nonsense';
SELECT devapp.register_developer();
RESET ROLE;
SELECT format('{"sub": "%s", "email_verified": true}', developer_id) AS sub FROM devapp.developer WHERE email = 'reg-old@example.com' \gset
SET LOCAL ROLE devapp_developer;
SET LOCAL request.jwt.claims = :'sub';
SELECT actor FROM devapp.whoami();
SELECT devapp.register_developer();
-- act_as() names who is there, and registers nobody
RESET ROLE;
RESET request.jwt.claims;
SELECT devapp.act_as('reg-old@example.com');
SELECT devapp.register_developer();
-- nor does a function with other rights
SELECT devapp.act_as(NULL);
CREATE FUNCTION pg_temp.register_me() RETURNS text LANGUAGE sql SECURITY DEFINER RETURN (SELECT email FROM devapp.register_developer());
SET LOCAL ROLE devapp_developer;
SET LOCAL request.jwt.claims = '{"email": "reg-eve@example.com", "email_verified": true}';
SELECT pg_temp.register_me();

-- without approval; what is left out stays; off at once
RESET ROLE;
SELECT enabled, domains, approval_needed, attributes FROM devapp.set_registration(true, domains => '{}', approval_needed => false);
SET LOCAL ROLE devapp_developer;
SET LOCAL request.jwt.claims = '{"email": "reg-fay@other.example", "email_verified": true}';
SELECT email, status FROM devapp.register_developer();
RESET ROLE;
SELECT enabled, domains, approval_needed FROM devapp.set_registration(false);
SET LOCAL ROLE devapp_developer;
SET LOCAL request.jwt.claims = '{"email": "reg-gus@other.example", "email_verified": true}';
SELECT devapp.register_developer();
RESET ROLE;
SELECT payload ->> 'developer' AS waits FROM devapp.notification WHERE event = 'developer_registered' ORDER BY notification_id;

-- bad input
SELECT devapp.set_registration(NULL);
SELECT devapp.set_registration(true, domains => '{"ann@example.com"}');
SELECT devapp.set_registration(true, domains => '{a.example,a.example}');
SELECT devapp.set_registration(true, domains => '{{a.example}}');
SELECT devapp.set_registration(true, attributes => '{""}');
DELETE FROM devapp.registration_policy;
\set VERBOSITY terse
INSERT INTO devapp.registration_policy (only_row, enabled) VALUES (false, true);
ROLLBACK;
