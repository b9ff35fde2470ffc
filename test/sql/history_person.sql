-- The history of a person, a team, a product and a role, in words.
\set SHOW_CONTEXT never

SELECT FROM devapp.create_developer('hp-ann@example.com', 'Ann');
SELECT FROM devapp.create_developer('hp-bob@example.com', 'Bob');
SELECT FROM devapp.create_team('hp-team');
SELECT FROM devapp.add_team_member('hp-team', 'hp-ann@example.com', 'admin');
SELECT FROM devapp.create_product('hp-orders');
SELECT FROM devapp.add_operation('hp-orders', '/v1/orders', '{GET,POST}');
BEGIN;
SELECT devapp.act_as('hp-ann@example.com');
SELECT app_id AS shop, credential_id AS credential, consumer_key AS key FROM devapp.create_app('hp-shop', developer => 'hp-ann@example.com', products => '{hp-orders}') \gset
SELECT app_id AS portal FROM devapp.create_app('hp-portal', team => 'hp-team') \gset
SELECT FROM devapp.invite_team_member('hp-team', 'hp-bob@example.com');
COMMIT;
BEGIN;
SELECT devapp.act_as('hp-bob@example.com');
SELECT FROM devapp.accept_invitation('hp-team');
SELECT FROM devapp.suspend_app(:'shop', 'looks odd');
COMMIT;
SELECT FROM devapp.update_app(:'shop', name => 'hp-store');
SELECT FROM devapp.update_product('hp-orders', rate_limit => 5);
SELECT FROM devapp.remove_operation('hp-orders', '/v1/orders', '{GET,POST}');
SELECT FROM devapp.add_product_approver('hp-orders', team => 'hp-team');
SELECT FROM devapp.set_developer_status('hp-bob@example.com', 'deactivate', 'left');
SELECT FROM devapp.set_team_role('hp-team', 'hp-bob@example.com', 'admin');
SELECT FROM devapp.remove_team_member('hp-team', 'hp-bob@example.com');

CREATE FUNCTION pg_temp.story(who text, what text DEFAULT NULL) RETURNS TABLE (actor text, kind text, object text, happened text, note text, key text) LANGUAGE sql AS $$
    SELECT replace(h.actor, current_user, '(role)'), h.kind, h.object, h.happened, h.note, CASE WHEN h.consumer_key IS NOT NULL THEN 'key' END
      FROM devapp.history(who, what => what) AS h
$$;
-- a person: what she did, and what happened to her and to what is hers, once each
SELECT * FROM pg_temp.story('hp-ann@example.com');
-- in any case of letters, and with blanks
SELECT count(*) AS bobs, count(DISTINCT event_id) AS different FROM devapp.history(' HP-Bob@example.com ');
SELECT * FROM pg_temp.story('hp-bob@example.com');
SELECT * FROM pg_temp.story('team:hp-team');
SELECT * FROM pg_temp.story('hp-orders');
SELECT count(*) > 0 AS same FROM devapp.history('product:hp-orders');
-- a kind of object, or an action
SELECT * FROM pg_temp.story('hp-ann@example.com', 'credential');
SELECT * FROM pg_temp.story('hp-ann@example.com', 'Suspend');
SELECT happened FROM devapp.history('role:' || current_user, what => 'deactivate') WHERE object = 'hp-bob@example.com';
-- when
SELECT count(*) FROM devapp.history('hp-ann@example.com', since => now() + interval '1 hour');
SELECT count(*) FROM devapp.history('hp-ann@example.com', until => now() - interval '1 hour');
SELECT occurred_at AS at FROM devapp.history('hp-ann@example.com', what => 'suspend') \gset
SELECT happened FROM devapp.history('hp-ann@example.com', since => :'at', until => :'at'::timestamptz + interval '1 microsecond');

-- who got another e-mail is found by it, with what was done under the old one
SELECT FROM devapp.update_developer('hp-bob@example.com', email => 'hp-robert@example.com');
SELECT actor, object, happened FROM devapp.history('hp-robert@example.com', what => 'suspend');
-- and what another does under the old one since is the other's
SELECT FROM devapp.create_developer('hp-bob@example.com');
BEGIN;
SELECT devapp.act_as('hp-bob@example.com');
SELECT FROM devapp.resume_app(:'shop');
COMMIT;
SELECT count(*) FROM devapp.history('hp-robert@example.com', what => 'resume');
SELECT count(*) FROM devapp.history('hp-bob@example.com', what => 'resume');
-- of who is deleted the history stays
SELECT FROM devapp.delete_developer('hp-robert@example.com');
SELECT happened FROM devapp.history('hp-robert@example.com', what => 'delete');

-- bad input
SELECT FROM devapp.history('hp-nobody@example.com');
SELECT FROM devapp.history('team:hp-nobody');
SELECT FROM devapp.history('role:hp-nobody');
SELECT FROM devapp.history('hp-nothing');
SELECT FROM devapp.history('');
SELECT FROM devapp.history(NULL);
SELECT FROM devapp.history('dvk_live_0123456789ab_0123456789abcdefghijklmnopqrstuvABCDEF');
-- its hint lists them all
\set VERBOSITY terse
SELECT FROM devapp.history('hp-ann@example.com', what => 'everything');
\set VERBOSITY default

-- under a former address there is only what was done under it; an app has a history of its own
SELECT FROM devapp.create_developer('hp-old@example.com');
BEGIN;
SELECT FROM devapp.act_as('hp-old@example.com');
SELECT FROM devapp.create_team('hp-of-old');
COMMIT;
SELECT FROM devapp.update_developer('hp-old@example.com', email => 'hp-new@example.com');
SELECT kind, happened FROM devapp.history('hp-old@example.com') WHERE kind = 'team';
SELECT count(*) > 2 AS more FROM devapp.history('hp-new@example.com');
SELECT FROM devapp.history('hp-new@example.com/shop');

-- for administrators
BEGIN;
SELECT FROM devapp.setup_roles();
SET LOCAL ROLE devapp_developer;
SET LOCAL request.jwt.claims = '{"email": "hp-ann@example.com", "email_verified": true}';
SELECT FROM devapp.history('hp-ann@example.com');
ROLLBACK;

-- what a hint names the auditor who reads it may use
BEGIN;
SELECT FROM devapp.setup_roles();
SET LOCAL ROLE devapp_auditor;
SET LOCAL timezone = 'UTC';
SAVEPOINT hint;
SELECT FROM devapp.history('team:hp-nobody');
ROLLBACK TO hint;
SELECT team FROM devapp_report.teams WHERE team = 'hp-team';
SELECT FROM devapp.app_history('hp-ann@example.com/hp-nothing');
ROLLBACK TO hint;
SELECT app_path FROM devapp_report.apps WHERE app_id = :'shop';
SELECT FROM devapp.access_at('hp-ann@example.com/hp-store', at => '2999-01-01 00:00+00');
ROLLBACK;
