-- What developers do about teams by themselves: make one, move apps into it, delete it, and ask
-- why an app of theirs waits.  Whatever is tried is undone.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE FUNCTION pg_temp.try(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'SELECT devapp.' || command;
    RAISE EXCEPTION 'undo' USING ERRCODE = 'ZZ000';
EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
    RETURN 'yes';
WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
BEGIN;
SELECT FROM devapp.setup_roles();
SELECT count(devapp.create_developer(e || '@dt.example')) FROM unnest('{ann,bob,cat,gone}'::text[]) AS e;
SELECT FROM devapp.set_developer_status('gone@dt.example', 'deactivate');
SELECT FROM devapp.create_team('dt-others');
SELECT FROM devapp.add_team_member('dt-others', 'bob@dt.example', 'admin');
SELECT FROM devapp.create_product('dt-open');
SELECT FROM devapp.create_product('dt-manual', approval => 'manual');
SELECT secret FROM devapp.create_app('shop', 'ann@dt.example', '{dt-open}', environment => 'prod') \gset
SELECT FROM devapp.create_app('shop', 'bob@dt.example', '{dt-open}');
SELECT FROM devapp.create_app('lab', 'bob@dt.example', '{dt-open}', environment => 'test');
SELECT FROM devapp.create_approval_rule('dt-rule', 1, 'approve', product => 'dt-manual', team => 'dt-others');
RESET client_min_messages;

-- ---------- making one ----------

SET LOCAL ROLE devapp_developer;
SET LOCAL request.jwt.claims = '{"email": "Ann@dt.example", "email_verified": true}';
SELECT name, display_name, status FROM devapp.create_team('dt-crew', 'The crew');
SELECT team, role, environments, admins FROM devapp.my_teams;
SELECT email FROM devapp.invite_team_member('dt-crew', 'new@dt.example');
SELECT call, pg_temp.try('create_team(' || call || ')') AS answer
  FROM unnest(ARRAY['''dt-crew''', ''' dt-others ''', '''''', '''dt-2'', attributes => ''{"tier": "gold"}''', '''dt-2'', attributes => ''{}''', '''boss@dt.example''', 'E''boss\uFF20dt.example''']) WITH ORDINALITY AS c(call, n) ORDER BY n;
-- nobody, somebody who is not registered, somebody who was deactivated
SELECT who, set_config('request.jwt.claims', format('{"email": "%s", "email_verified": true}', who), true) IS NOT NULL AS acts, pg_temp.try('create_team(''dt-2'')')
  FROM unnest('{"",nobody@dt.example,gone@dt.example}'::text[]) AS who;
-- it is on record
SET LOCAL ROLE devapp_admin;
SET LOCAL request.jwt.claims = '';
SELECT actor, object, happened FROM devapp.history('ann@dt.example') WHERE kind LIKE 'team%' ORDER BY event_id;
-- an administrator of the program who makes one is in none
SELECT FROM devapp.create_team('dt-empty');
SELECT admins, members FROM devapp.my_teams WHERE team = 'dt-empty';
-- a name that a rule goes by is taken, also when its team is gone, but for administrators
SELECT FROM devapp.delete_team('dt-others');
SELECT pg_temp.try('create_team(''dt-others'')');
SET LOCAL ROLE devapp_developer;
SET LOCAL request.jwt.claims = '{"email": "ann@dt.example", "email_verified": true}';
SELECT pg_temp.try('create_team('' dt-others'')'), pg_temp.try('create_team(''dt-other'')');
SET LOCAL ROLE devapp_admin;
SET LOCAL request.jwt.claims = '';
SELECT FROM devapp.delete_approval_rule('dt-rule');
SET LOCAL ROLE devapp_developer;
SET LOCAL request.jwt.claims = '{"email": "bob@dt.example", "email_verified": true}';
SELECT name FROM devapp.create_team('dt-others');
-- twenty
SELECT count(devapp.create_team('dt-bob-' || n)) FROM generate_series(1, 19) AS n;
SELECT pg_temp.try('create_team(''dt-bob-20'')');
SELECT deleted_at IS NOT NULL AS deleted FROM devapp.delete_team('dt-bob-19');
SELECT pg_temp.try('create_team(''dt-bob-20'')');

-- ---------- moving apps into it ----------

SET LOCAL request.jwt.claims = '{"email": "ann@dt.example", "email_verified": true}';
SELECT name, developer_id IS NULL AS not_hers FROM devapp.transfer_app('ann@dt.example/shop', team => 'dt-crew', note => 'for the crew');
SELECT app, owner, owner_kind FROM devapp.my_apps;
SELECT who, what, note FROM devapp.app_history('team:dt-crew/shop') WHERE what ~ 'transferred|owner';
-- its key goes on working
RESET ROLE;
SELECT code, owner FROM devapp.verify_key(:'secret', environment => 'prod');
SET LOCAL ROLE devapp_developer;
-- whose app, whose team
CREATE TEMP TABLE moves AS SELECT * FROM unnest(ARRAY['bob@dt.example/shop', 'team:dt-crew/shop', 'team:dt-crew/shop', 'team:dt-crew/shop', 'team:dt-crew/shop', 'team:dt-crew/shop', 'team:dt-crew/none'],
    ARRAY['team => ''dt-crew''', 'team => ''dt-others''', 'team => ''dt-crew''', 'team => ''none''', 'developer => ''ann@dt.example''', '''ann@dt.example'', ''dt-crew''', 'team => ''dt-crew''']) WITH ORDINALITY AS m(app, owner, n);
SELECT app, owner, pg_temp.try(format('transfer_app(%L, %s)', app, owner)) AS answer FROM moves ORDER BY n;
-- a member is not an admin
SET LOCAL ROLE devapp_admin;
SELECT FROM devapp.add_team_member('dt-others', 'ann@dt.example');
SELECT FROM devapp.add_team_member('dt-crew', 'bob@dt.example', 'admin', '{test}');
SET LOCAL ROLE devapp_developer;
SELECT pg_temp.try('transfer_app(''team:dt-crew/shop'', team => ''dt-others'')') AS to_others;
-- who is limited to environments moves neither what they do not see nor what they would not see
SET LOCAL request.jwt.claims = '{"email": "bob@dt.example", "email_verified": true}';
SELECT pg_temp.try('transfer_app(''team:dt-crew/shop'', team => ''dt-others'')') AS out_of_it, pg_temp.try('transfer_app(''bob@dt.example/shop'', team => ''dt-crew'')') AS into_it,
       pg_temp.try('transfer_app(''bob@dt.example/lab'', team => ''dt-crew'')') AS theirs;
-- a team has no more room than others
RESET ROLE;
SET LOCAL devapp.max_apps_per_owner = 1;
SET LOCAL ROLE devapp_developer;
SELECT pg_temp.try('transfer_app(''bob@dt.example/lab'', team => ''dt-crew'')') AS full, pg_temp.try('transfer_app(''bob@dt.example/lab'', team => ''dt-others'')') AS empty;
RESET ROLE;
RESET devapp.max_apps_per_owner;
-- where rules count apps, moving one would make room for another
SELECT FROM devapp.create_approval_rule('dt-first', 1, 'approve', product => 'dt-manual', max_apps_owned => 0);
SET LOCAL ROLE devapp_developer;
SELECT pg_temp.try('transfer_app(''bob@dt.example/lab'', team => ''dt-others'')') AS counted;
RESET ROLE;
SELECT FROM devapp.delete_approval_rule('dt-first');

-- ---------- why an app waits ----------

SELECT FROM devapp.create_approval_rule('dt-hold', 1, 'hold', product => 'dt-manual', email_domain => 'dt.example', note => 'we look at these');
SELECT FROM devapp.create_approval_rule('dt-secret', 2, 'approve', developer_attributes => '{"tier": "gold"}');
SET LOCAL ROLE devapp_developer;
SET LOCAL request.jwt.claims = '{"email": "ann@dt.example", "email_verified": true}';
SELECT app_status, pending_products FROM devapp.create_app('waits', products => '{dt-open,dt-manual}');
SELECT product, rule, reason, decision, decides FROM devapp.explain_approval('ann@dt.example/waits');
SELECT p ->> 'name' AS product, p ->> 'status' AS status, p ->> 'decision_note' AS note FROM jsonb_path_query(devapp.get_app('ann@dt.example/waits'), '$.credentials[*].products[*]') AS p ORDER BY 1;
SELECT pg_temp.try('explain_approval(''bob@dt.example/lab'')') AS others;
-- an administrator is told of all rules
SET LOCAL ROLE devapp_admin;
SELECT product, rule, decides FROM devapp.explain_approval('ann@dt.example/waits');
-- of the products that others' credentials ask for nothing is told
SET LOCAL ROLE devapp_developer;
SELECT product, decision FROM devapp.explain_approval('team:dt-crew/shop');
SET LOCAL request.jwt.claims = '{"email": "bob@dt.example", "email_verified": true}';
SELECT product, decision FROM devapp.explain_approval('team:dt-crew/shop');

-- ---------- deleting it ----------

SELECT pg_temp.try('delete_team(''dt-crew'')') AS limited;
SET LOCAL request.jwt.claims = '{"email": "cat@dt.example", "email_verified": true}';
SELECT pg_temp.try('delete_team(''dt-crew'')') AS stranger;
SET LOCAL request.jwt.claims = '{"email": "ann@dt.example", "email_verified": true}';
SELECT pg_temp.try('delete_team(''dt-others'')') AS member, pg_temp.try('delete_team(''dt-crew'')') AS with_apps;
SELECT FROM devapp.delete_app('team:dt-crew/shop');
SELECT deleted_at IS NOT NULL AS deleted FROM devapp.delete_team('dt-crew');
SELECT count(*) FROM devapp.my_teams WHERE team = 'dt-crew';

-- ---------- mails to strangers ----------

-- 100 addresses a day, in whatever teams, withdrawn or not
SET LOCAL request.jwt.claims = '{"email": "cat@dt.example", "email_verified": true}';
SELECT FROM devapp.create_team('dt-cats');
SELECT count(devapp.invite_team_member('dt-cats', 'x' || n || '@dt.example')) FROM generate_series(1, 60) AS n;
SELECT FROM devapp.delete_team('dt-cats');
SELECT FROM devapp.create_team('dt-cats-2');
SELECT count(devapp.invite_team_member('dt-cats-2', 'x' || n || '@dt.example')) FROM generate_series(1, 40) AS n;
SELECT pg_temp.try('invite_team_member(''dt-cats-2'', ''x'')'), pg_temp.try('invite_team_member(''dt-cats-2'', ''x@dt.example'')');
RESET ROLE;
SELECT email FROM devapp.invite_team_member('dt-cats-2', 'by-administrator@dt.example');
SET LOCAL session_replication_role = replica;
UPDATE devapp.notification SET created_at = created_at - interval '24 hours' WHERE event = 'team_invited' AND payload ->> 'team' = 'dt-cats';
SET LOCAL session_replication_role = origin;
SET LOCAL ROLE devapp_developer;
SELECT pg_temp.try('invite_team_member(''dt-cats-2'', ''x@dt.example'')') AS next_day;
ROLLBACK;

-- not by an old snapshot, which would not show the teams that were made meanwhile
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT FROM devapp.create_developer('ann@dt.example');
SET LOCAL request.jwt.claims = '{"email": "ann@dt.example", "email_verified": true}';
SET LOCAL client_min_messages = warning;
SELECT FROM devapp.setup_roles();
SET LOCAL ROLE devapp_developer;
SELECT devapp.create_team('dt-crew');
ROLLBACK;
