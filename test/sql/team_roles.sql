-- Members of a team who are limited to environments: what does not exist for them.
-- Whatever is tried is undone.
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
SET client_min_messages = warning;
CREATE FUNCTION pg_temp.try(command text, id text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(command, id);
    RAISE EXCEPTION 'undo' USING ERRCODE = 'ZZ000';
EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
    RETURN 'yes';
WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || regexp_replace(SQLERRM, '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|dvk_[a-z]+_[0-9A-Za-z]{12}', '(id)');
END
$$;
BEGIN;
SELECT FROM devapp.setup_roles();
SELECT count(*) FROM unnest('{ada,bob,cat,dan}'::text[]) AS e, devapp.create_developer(e || '@tr.example');
SELECT FROM devapp.create_team('tr-team');
SELECT FROM devapp.add_team_member('tr-team', 'ada@tr.example', 'admin');
SELECT FROM devapp.add_team_member('tr-team', 'bob@tr.example', 'member', '{staging}');
SELECT FROM devapp.add_team_member('tr-team', 'cat@tr.example', 'admin', '{staging,test}');
SELECT FROM devapp.create_product('tr-open');
SELECT FROM devapp.create_product('tr-more');
SELECT FROM devapp.create_product('tr-inner', access => 'internal');
-- an app with a credential for staging, one for prod and one for every environment; one that is for staging
SELECT app_id AS shop, credential_id AS staging FROM devapp.create_app('shop', team => 'tr-team', products => '{tr-open}', environment => 'staging') \gset
SELECT credential_id AS prod, consumer_key AS prod_key FROM devapp.issue_credential(:'shop', products => '{tr-open,tr-inner}', environment => 'prod') \gset
SELECT credential_id AS every FROM devapp.issue_credential(:'shop', products => '{tr-open}') \gset
SELECT credential_id AS gone FROM devapp.issue_credential(:'shop', products => '{}', environment => 'staging') \gset
SELECT FROM devapp.delete_credential(:'gone');
SELECT app_id AS lab FROM devapp.create_app('lab', team => 'tr-team', products => '{tr-open}', environment => 'staging') \gset
SELECT app_id AS live FROM devapp.create_app('live', team => 'tr-team', products => '{tr-open}', environment => 'prod') \gset
SELECT credential_id AS own FROM devapp.create_app('bobs', developer => 'bob@tr.example', products => '{tr-open}', environment => 'prod') \gset
INSERT INTO devapp.last_used SELECT credential_id, 1, app_id, now(), now() FROM devapp.credential WHERE app_id IN (:'shop', :'live');
\set nothing 00000000-0000-7000-8000-000000000000
RESET client_min_messages;

-- ---------- what they see ----------

SET LOCAL ROLE devapp_developer;
CREATE TEMP VIEW seen WITH (security_invoker = true) AS
SELECT (SELECT string_agg(app || ' ' || coalesce(environment, '-'), ', ' ORDER BY app, environment) FROM devapp.my_credentials) AS my_credentials,
       (SELECT count(*) FROM devapp.my_apps) AS apps, (SELECT count(*) FROM devapp.credential) AS credentials,
       (SELECT count(*) FROM devapp.credential_secret) AS secrets, (SELECT count(*) FROM devapp.credential_product) AS products,
       (SELECT count(*) FROM devapp.last_used) AS used,
       (SELECT string_agg(name, ' ' ORDER BY name) FROM devapp.product WHERE name LIKE 'tr-%') AS offered;
SET LOCAL request.jwt.claims = '{"email": "ada@tr.example", "email_verified": true}';
SELECT * FROM pg_temp.seen \gx
SELECT entity, count(*) FROM devapp.audit_event WHERE app_id = :'shop' GROUP BY 1 ORDER BY 1;
SELECT count(DISTINCT consumer_key) AS history FROM devapp.app_history(:'shop');
SELECT jsonb_path_query_array(d, '$.credentials[*].environment') AS environments, jsonb_path_query_array(d, '$.products[*].name') AS products FROM devapp.get_app(:'shop') AS d;
SELECT count(*) AS access_at FROM devapp.access_at(:'shop');
SELECT max(step) - min(step) + 1 = count(*) AS steps, count(DISTINCT consumer_key) AS keys FROM devapp.explain_access(:'shop');
SET LOCAL request.jwt.claims = '{"email": "bob@tr.example", "email_verified": true}';
SELECT * FROM pg_temp.seen \gx
SELECT entity, count(*) FROM devapp.audit_event WHERE app_id = :'shop' GROUP BY 1 ORDER BY 1;
SELECT count(DISTINCT consumer_key) AS history FROM devapp.app_history(:'shop');
SELECT jsonb_path_query_array(d, '$.credentials[*].environment') AS environments, jsonb_path_query_array(d, '$.products[*].name') AS products FROM devapp.get_app(:'shop') AS d;
SELECT count(*) AS access_at FROM devapp.access_at(:'shop');
SELECT max(step) - min(step) + 1 = count(*) AS steps, count(DISTINCT consumer_key) AS keys FROM devapp.explain_access(:'shop');
-- of an app that has nothing for him he is told what an app without credentials says
SELECT * FROM devapp.explain_access(:'live');
SELECT count(*) AS history FROM devapp.app_history(:'live');

-- ---------- what they do: to a credential that does not exist for them what to one that does not exist ----------

CREATE TEMP TABLE calls (n integer GENERATED ALWAYS AS IDENTITY, call text);
INSERT INTO calls (call) VALUES ('rotate_credential(%L)'), ('complete_rotation(%L)'), ('cancel_rotation(%L)'), ('revoke_credential(%L)'),
    ('revoke_credential(%L, compromised => true)'), ('delete_credential(%L)'), ('update_credential(%L, label => ''x'')'),
    ('add_credential_product(%L, ''tr-more'')'), ('remove_credential_product(%L, ''tr-open'')'),
    ('set_credential_product_status(%L, ''tr-open'', ''approve'')'), ('get_credential(%L)'), ('set_attribute(''credential'', %L, ''a'', ''b'')'), ('remove_attribute(''credential'', %L, ''a'')');
INSERT INTO calls (call) SELECT format('issue_credential(%L, environment => ''staging'', replaces => %%L)', :'shop');
CREATE TEMP VIEW answers WITH (security_invoker = true) AS
SELECT regexp_replace(call, '''0.*'', e', '(shop), e') AS call, pg_temp.try('SELECT devapp.' || call, :'staging') AS staging,
       pg_temp.try('SELECT devapp.' || call, :'prod') AS prod,
       pg_temp.try('SELECT devapp.' || call, :'nothing') = ALL (ARRAY[pg_temp.try('SELECT devapp.' || call, :'prod'), pg_temp.try('SELECT devapp.' || call, :'every'),
                                                                            pg_temp.try('SELECT devapp.' || call, :'prod_key')]) AS same
  FROM calls ORDER BY n;
SELECT * FROM pg_temp.answers;
-- what is his own has no such limit
SELECT pg_temp.try('SELECT devapp.rotate_credential(%L)', :'own');
SET LOCAL request.jwt.claims = '{"email": "cat@tr.example", "email_verified": true}';
SELECT * FROM pg_temp.answers;
SET LOCAL request.jwt.claims = '{"email": "ada@tr.example", "email_verified": true}';
SELECT call, staging, prod, same FROM pg_temp.answers;

-- ---------- issuing, and what holds for all credentials of an app ----------

SET LOCAL request.jwt.claims = '{"email": "cat@tr.example", "email_verified": true}';
SELECT command, pg_temp.try(command) AS answer
  FROM (VALUES (1, $$SELECT devapp.create_app('new', team => 'tr-team', environment => 'test')$$), (2, $$SELECT devapp.create_app('new', team => 'tr-team')$$),
               (3, $$SELECT devapp.create_app('new', team => 'tr-team', environment => 'prod')$$), (4, $$SELECT devapp.create_app('new', environment => 'prod')$$)) AS c(n, command) ORDER BY n;
SELECT command, pg_temp.try('SELECT devapp.' || command, :'shop') AS shop, pg_temp.try('SELECT devapp.' || command, :'lab') AS lab
  FROM (VALUES (1, 'issue_credential(%L, environment => ''test'')'), (2, 'issue_credential(%L, environment => ''prod'')'), (3, 'issue_credential(%L)'),
               (4, 'issue_credential(%L, environment => ''test'', products => ''{tr-inner}'')'),
               (5, 'delete_app(%L)'), (6, 'update_app(%L, description => ''d'')'), (7, 'update_app(%L, callback_urls => ''{https://cat.example/}'')'),
               (8, 'update_app(%L, scopes => ''{}'')'), (9, 'update_app(%L, allowed_cidrs => ''{}'')'), (10, 'update_app(%L, attributes => ''{}'')'),
               (11, 'set_attribute(''app'', %L, ''a'', ''b'')'), (12, 'transfer_app(%L, developer => ''cat@tr.example'')')) AS c(n, command) ORDER BY n;
SELECT products FROM devapp.issue_credential(:'shop', environment => 'test');
-- of all credentials of an app those that exist for her
SELECT count(*) FROM devapp.add_app_product(:'shop', 'tr-more');
SELECT count(*) FROM devapp.remove_app_product(:'shop', 'tr-open');
RESET ROLE;
SELECT c.environment, string_agg(p.name, ' ' ORDER BY p.name) AS products
  FROM devapp.credential c LEFT JOIN devapp.credential_product cp ON cp.credential_id = c.credential_id AND cp.removed_at IS NULL
  LEFT JOIN devapp.product p USING (product_id) WHERE c.app_id = :'shop' AND c.deleted_at IS NULL GROUP BY c.credential_id ORDER BY c.credential_id;
-- a credential that does not work any more keeps nobody from deleting its app
SELECT status FROM devapp.revoke_credential(:'every');
SELECT status FROM devapp.revoke_credential(:'prod');
SET LOCAL ROLE devapp_developer;
SELECT pg_temp.try('SELECT devapp.delete_app(%L)', :'shop');
-- one that was replaced by another environment's
RESET ROLE;
SELECT credential_id AS stage FROM devapp.issue_credential(:'lab', environment => 'staging') \gset
SELECT FROM devapp.issue_credential(:'lab', environment => 'prod', replaces => :'stage');
SET LOCAL ROLE devapp_developer;
DO $$
DECLARE
    detail text;
BEGIN
    PERFORM devapp.rotate_credential(s.credential_id) FROM devapp.credential_secret s WHERE s.superseded_at IS NOT NULL;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RAISE NOTICE '%', detail;
END
$$;

-- ---------- who is told ----------

RESET ROLE;
SELECT FROM devapp.rotate_credential(:'staging');
SELECT FROM devapp.approve_credential(:'prod');
SELECT event, payload ->> 'environment' AS environment, (SELECT string_agg(r ->> 'to', ' ' ORDER BY r ->> 'to') FROM jsonb_array_elements(recipients) AS r) AS told
  FROM devapp.notification WHERE app_id = :'shop' AND event IN ('credential_rotated', 'credential_approved') ORDER BY notification_id;
-- reminders
SET LOCAL devapp.rotation_max_age = 1;
SELECT devapp.schedule_notifications(now() + interval '3 days') > 0 AS queued;
SELECT payload ->> 'environment' AS environment, (SELECT string_agg(r ->> 'to', ' ' ORDER BY r ->> 'to') FROM jsonb_array_elements(recipients) AS r) AS told
  FROM devapp.notification WHERE app_id IN (:'shop', :'live') AND event = 'rotation_overdue' GROUP BY 1, 2 ORDER BY 1, 2;
ROLLBACK;

-- ---------- who gives whom what ----------

BEGIN;
SET LOCAL client_min_messages = warning;
SELECT FROM devapp.setup_roles();
SELECT count(*) FROM unnest('{ada,bob,cat,dan}'::text[]) AS e, devapp.create_developer(e || '@tr.example');
SELECT FROM devapp.create_team('tr-team');
RESET client_min_messages;
SELECT environments FROM devapp.add_team_member('tr-team', 'ada@tr.example', 'admin');
SELECT environments FROM devapp.add_team_member('tr-team', 'bob@tr.example', environments => '{test,staging,test}');
SELECT role, environments FROM devapp.add_team_member('tr-team', 'cat@tr.example', 'admin', '{staging}');
-- what is left out stays
SELECT role, environments FROM devapp.set_team_role('tr-team', 'cat@tr.example', 'admin');
SELECT role, environments FROM devapp.set_team_role('tr-team', 'cat@tr.example', 'admin', '{*}');
SELECT role, environments FROM devapp.set_team_role('tr-team', 'cat@tr.example', 'admin', '{staging,test}');
-- bad input
SELECT devapp.set_team_role('tr-team', 'cat@tr.example', 'admin', '{}');
SELECT devapp.set_team_role('tr-team', 'cat@tr.example', 'admin', '{*,staging}');
SELECT devapp.set_team_role('tr-team', 'cat@tr.example', 'admin', '{Staging}');
SELECT devapp.set_team_role('tr-team', 'cat@tr.example', 'admin', '{-}');
SELECT devapp.set_team_role('tr-team', 'cat@tr.example', 'admin', '{""}');
SELECT devapp.set_team_role('tr-team', 'cat@tr.example', 'admin', ARRAY[NULL]);
SELECT devapp.set_team_role('tr-team', 'cat@tr.example', 'admin', '{{staging}}');
SELECT devapp.set_team_role('tr-team', 'dan@tr.example', 'admin', '{staging}');
SELECT pg_temp.try('UPDATE devapp.team_member SET environments = ''{}''');
SELECT after FROM devapp.audit_event WHERE entity = 'team_member' AND action = 'update' ORDER BY event_id DESC LIMIT 1;

SET LOCAL ROLE devapp_developer;
SET LOCAL request.jwt.claims = '{"email": "cat@tr.example", "email_verified": true}';
SELECT command, pg_temp.try('SELECT devapp.' || command) AS answer
  FROM (VALUES (1, $$set_team_role('tr-team', 'cat@tr.example', 'admin', '{*}')$$), (2, $$set_team_role('tr-team', 'cat@tr.example', 'admin', '{staging,prod}')$$),
               (3, $$set_team_role('tr-team', 'cat@tr.example', 'admin', '{test}')$$), (4, $$set_team_role('tr-team', 'bob@tr.example', 'admin')$$),
               (5, $$set_team_role('tr-team', 'bob@tr.example', 'member', '{prod}')$$), (6, $$set_team_role('tr-team', 'ada@tr.example', 'member')$$),
               (7, $$set_team_role('tr-team', 'ada@tr.example', 'admin', '{staging}')$$), (8, $$remove_team_member('tr-team', 'ada@tr.example')$$),
               (9, $$remove_team_member('tr-team', 'bob@tr.example')$$), (10, $$invite_team_member('tr-team', 'dan@tr.example', 'admin', '{prod}')$$),
               (11, $$invite_team_member('tr-team', 'dan@tr.example', 'admin', '{*}')$$), (12, $$add_team_member('tr-team', 'dan@tr.example', 'admin')$$)) AS c(n, command) ORDER BY n;
-- she invites to her environments; the invitation falls with them
SELECT role, environments FROM devapp.invite_team_member('tr-team', 'dan@tr.example', 'admin');
SAVEPOINT invited;
RESET ROLE;
SELECT environments FROM devapp.set_team_role('tr-team', 'cat@tr.example', 'admin', '{test}');
SET LOCAL ROLE devapp_developer;
SET LOCAL request.jwt.claims = '{"email": "dan@tr.example", "email_verified": true}';
SELECT devapp.accept_invitation('tr-team');
ROLLBACK TO invited;
SET LOCAL request.jwt.claims = '{"email": "dan@tr.example", "email_verified": true}';
SELECT role, environments FROM devapp.accept_invitation('tr-team');
SELECT pg_temp.try($$SELECT devapp.set_team_role('tr-team', 'dan@tr.example', 'admin', '{*}')$$);

-- an administrator of every environment stays; who runs the program may do otherwise
SET LOCAL request.jwt.claims = '{"email": "ada@tr.example", "email_verified": true}';
SELECT command, pg_temp.try('SELECT devapp.' || command) AS answer
  FROM (VALUES (1, $$set_team_role('tr-team', 'ada@tr.example', 'admin', '{staging}')$$), (2, $$set_team_role('tr-team', 'ada@tr.example', 'member')$$),
               (3, $$remove_team_member('tr-team', 'ada@tr.example')$$), (4, $$set_team_role('tr-team', 'cat@tr.example', 'admin', '{prod}')$$),
               (5, $$set_team_role('tr-team', 'dan@tr.example', 'admin', '{*}')$$)) AS c(n, command) ORDER BY n;
SELECT environments FROM devapp.set_team_role('tr-team', 'dan@tr.example', 'admin', '{*}');
SELECT environments FROM devapp.remove_team_member('tr-team', 'ada@tr.example');
RESET ROLE;
SELECT environments FROM devapp.set_team_role('tr-team', 'dan@tr.example', 'admin', '{prod}');
SELECT FROM devapp.remove_team_member('tr-team', 'cat@tr.example');
SELECT devapp.remove_team_member('tr-team', 'dan@tr.example');
ROLLBACK;
