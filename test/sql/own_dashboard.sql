-- The dashboard of one's own apps and teams: two developers whose apps share a name and a
-- product.  Nothing of the other's may show, in no part of the page.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET timezone = 'UTC';
BEGIN;
SELECT FROM devapp.setup_roles();
SELECT FROM devapp_internal.lock_usage();
DELETE FROM devapp.usage_day;
DELETE FROM devapp.usage_latency;
SELECT FROM devapp.create_developer('own-dash@example.com');
SELECT FROM devapp.create_developer('own-dash-other@example.com');
SELECT FROM devapp.create_developer('own-dash-none@example.com');
SELECT FROM devapp.create_team('own-dash-<team>');
SELECT FROM devapp.create_team('own-dash-others');
SELECT FROM devapp.create_developer('own-dash-tester@example.com');
SELECT FROM devapp.add_team_member('own-dash-<team>', 'own-dash@example.com');
SELECT FROM devapp.add_team_member('own-dash-<team>', 'own-dash-tester@example.com', environments => '{test}');
SELECT FROM devapp.add_team_member('own-dash-others', 'own-dash-other@example.com');
SELECT product_id AS product FROM devapp.create_product('own-dash', quota_limit => 10, quota_interval => 1, quota_unit => 'never') \gset
SELECT FROM devapp.create_product('own-dash-manual', approval => 'manual');
-- each has an app of the same name with everything that the page can show, and so has a team of each
CREATE FUNCTION pg_temp.fill(owner text, app_team text, calls bigint) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    made devapp.issued_credential := devapp.create_app('own-dash-app', developer => CASE WHEN app_team IS NULL THEN owner END, team => app_team,
                                                       products => '{own-dash}', expires_in => '20 days');
    today date := devapp_internal.utc_today();
BEGIN
    PERFORM FROM devapp.add_app_product(made.app_id, 'own-dash-manual');
    PERFORM devapp_internal.usage_partition(t, (today - d)::timestamp AT TIME ZONE 'UTC')
       FROM unnest('{usage_day,usage_latency}'::text[]) AS t, unnest('{0,1,100}'::integer[]) AS d;
    SET LOCAL session_replication_role = replica;
    UPDATE devapp.credential_secret SET valid_from = now() - interval '100 days' WHERE credential_id = made.credential_id;
    SET LOCAL session_replication_role = origin;
    INSERT INTO devapp.usage_day
    SELECT today - u.d, made.app_id, p.product_id, 'prod', u.code::devapp.verdict_code, u.calls, 0
      FROM devapp.product p, (VALUES (0, 'VALID', calls), (1, 'QUOTA_EXCEEDED', 2 * calls), (100, 'VALID', 3 * calls)) AS u(d, code, calls)
     WHERE p.name = 'own-dash';
    INSERT INTO devapp.usage_latency
    SELECT today, made.app_id, p.product_id, calls, calls, 0, calls * interval '100 ms', '100 ms', '100 ms', ('[66:66]={' || calls || '}')::bigint[]
      FROM devapp.product p WHERE p.name = 'own-dash';
    INSERT INTO devapp.quota_usage (app_id, product_id, environment, window_start, window_end, used)
    SELECT made.app_id, p.product_id, 'prod', w.window_start, w.window_end, 9
      FROM devapp.product p, devapp_internal.quota_window(now(), 1, 'never', 'UTC') AS w WHERE p.name = 'own-dash';
    RETURN made.credential_id;
END $$;
SELECT pg_temp.fill('own-dash@example.com', NULL, 3) AS mine, pg_temp.fill(NULL, 'own-dash-<team>', 40) AS team,
       pg_temp.fill('own-dash-other@example.com', NULL, 500) AS other, pg_temp.fill(NULL, 'own-dash-others', 7000) AS others \gset
SELECT app_id AS gone FROM devapp.create_app('own-dash-gone', 'own-dash@example.com') \gset
INSERT INTO devapp.usage_day SELECT devapp_internal.utc_today(), :'gone', :'product', 'prod', 'VALID', 900000, 0;
SELECT FROM devapp.delete_app(:'gone');
SELECT FROM devapp.refresh_reports(false);

SELECT consumer_key AS mine_key FROM devapp.credential WHERE credential_id = :'mine' \gset
SELECT consumer_key AS team_key FROM devapp.credential WHERE credential_id = :'team' \gset
SELECT consumer_key AS other_key FROM devapp.credential WHERE credential_id = :'other' \gset
SELECT consumer_key AS others_key FROM devapp.credential WHERE credential_id = :'others' \gset
-- the text of each element that a path finds in a page, in their order, without dates and keys
CREATE FUNCTION pg_temp.texts(page text, path text) RETURNS TABLE (n bigint, text text) LANGUAGE sql AS $$
    SELECT x.n, btrim(regexp_replace(regexp_replace(array_to_string(xpath('.//text()', x.node), ' '), '[\s\u00a0]+', ' ', 'g'), 'dv[a-z]_\w+|\d{4}-\d\d-\d\d', 'X', 'g'))
      FROM unnest(xpath(path, xmlparse(document page))) WITH ORDINALITY AS x(node, n)
$$;
GRANT EXECUTE ON FUNCTION pg_temp.texts(text, text) TO devapp_developer;
-- what is shown of whom, anywhere in the page
PREPARE shows AS
SELECT strpos($1, :'mine_key') > 0 AS mine, strpos($1, :'team_key') > 0 AS team, strpos($1, :'other_key') > 0 AS other, strpos($1, :'others_key') > 0 AS others,
       $1 ~ 'own-dash@example' AS mail, $1 ~ 'own-dash-other@example' AS other_mail, $1 ~ 'own-dash-others' AS others_name, $1 ~ 'own-dash-gone' AS gone;
RESET client_min_messages;

SET LOCAL transaction_read_only = on;
SET LOCAL ROLE devapp_developer;
SET LOCAL request.jwt.claims = '{"email": "own-dash@example.com", "email_verified": true}';
SELECT devapp.my_dashboard() AS page \gset
SELECT text AS head FROM pg_temp.texts(:'page', '//head/title | //header/h1 | //header//bdi') ORDER BY n;
-- 3 and 40 calls, twice as many refused, all responses are errors
SELECT text AS tile FROM pg_temp.texts(:'page', '//dl/div') ORDER BY n;
SELECT text AS part FROM pg_temp.texts(:'page', '//section/h3') ORDER BY n;
SELECT text AS row FROM pg_temp.texts(:'page', '//section[not(.//details)]//tbody/tr') ORDER BY n;
EXECUTE shows(:'page');
-- charts have the same figures
SELECT text FROM pg_temp.texts(:'page', '//details//tbody/tr[position() < 3]') ORDER BY n;
-- older days, which are materialized for nobody: three times the calls, 100 days ago
SELECT text AS tile FROM pg_temp.texts(devapp.my_dashboard(days => 200), '//dl/div[position() < 3]') ORDER BY n;

-- the other sees the other ones
SET LOCAL request.jwt.claims = '{"email": "own-dash-other@example.com", "email_verified": true}';
SELECT devapp.my_dashboard() AS page \gset
SELECT text AS tile FROM pg_temp.texts(:'page', '//dl/div') ORDER BY n;
EXECUTE shows(:'page');

-- a member who is limited to an environment sees the figures of the team's app, and no credential of another one
SET LOCAL request.jwt.claims = '{"email": "own-dash-tester@example.com", "email_verified": true}';
SELECT devapp.my_dashboard() AS page \gset
SELECT text AS tile FROM pg_temp.texts(:'page', '//dl/div') ORDER BY n;
SELECT text AS row FROM pg_temp.texts(:'page', '//section[not(.//details)]//tbody/tr') ORDER BY n;
EXECUTE shows(:'page');

-- a developer without apps sees a page with nothing on it
SET LOCAL request.jwt.claims = '{"email": "own-dash-none@example.com", "email_verified": true}';
SELECT devapp.my_dashboard() AS page \gset
SELECT text AS tile FROM pg_temp.texts(:'page', '//dl/div') ORDER BY n;
SELECT text AS nothing FROM pg_temp.texts(:'page', '//p[@class="nothing"]') ORDER BY n;
EXECUTE shows(:'page');

-- an administrator who acts as a developer sees that one's; who is nobody sees no page
SET LOCAL ROLE devapp_admin;
RESET request.jwt.claims;
SELECT devapp.act_as('own-dash@example.com');
SELECT devapp.my_dashboard() AS page \gset
EXECUTE shows(:'page');
SELECT devapp.act_as(NULL);
SAVEPOINT s;
SELECT devapp.my_dashboard();
ROLLBACK TO s;
SET LOCAL request.jwt.claims = '{"email": "own-dash-stranger@example.com", "email_verified": true}';
SELECT devapp.my_dashboard();
ROLLBACK TO s;
SET LOCAL ROLE devapp_developer;
SET LOCAL request.jwt.claims = '{"email": "own-dash@example.com", "email_verified": true}';
SELECT devapp.my_dashboard(0);
ROLLBACK TO s;
SET LOCAL ROLE devapp_developer;
SET LOCAL request.jwt.claims = '{"email": "own-dash@example.com", "email_verified": true}';
SELECT devapp.my_dashboard(NULL);
ROLLBACK TO s;
SET LOCAL ROLE devapp_analyst;
SELECT devapp.my_dashboard();
ROLLBACK;
