-- The teams that one sees, and who else is in them.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
BEGIN;
SELECT FROM devapp.setup_roles();
SELECT count(devapp.create_developer('teams-' || n || '@example.com')) FROM generate_series(1, 4) AS n;
SELECT count(devapp.create_team('teams-' || n, display_name => 'Team ' || n)) FROM unnest('{blue,green,gone}'::text[]) AS n;
SELECT FROM devapp.add_team_member('teams-blue', 'teams-1@example.com', 'admin');
SELECT FROM devapp.add_team_member('teams-blue', 'teams-2@example.com');
SELECT FROM devapp.add_team_member('teams-green', 'teams-2@example.com', environments => '{test}');
SELECT FROM devapp.add_team_member('teams-green', 'teams-3@example.com', 'admin');
SELECT FROM devapp.add_team_member('teams-gone', 'teams-1@example.com', 'admin');
SELECT FROM devapp.create_app('teams-1', team => 'teams-blue');
SELECT app_id AS gone FROM devapp.create_app('teams-2', team => 'teams-blue') \gset
SELECT FROM devapp.delete_app(:'gone');
SELECT FROM devapp.set_team_status('teams-green', 'deactivate');
SELECT FROM devapp.delete_team('teams-gone');
RESET client_min_messages;

SET LOCAL ROLE devapp_developer;
SET LOCAL request.jwt.claims = '{"email": "teams-1@example.com", "email_verified": true}';
SELECT team, display_name, status, role, member_since = now() AS since, admins, members, apps, created_at = now() AS made FROM devapp.my_teams ORDER BY team;
SET LOCAL request.jwt.claims = '{"email": "teams-2@example.com", "email_verified": true}';
SELECT team, status, role, environments, admins, members, apps FROM devapp.my_teams ORDER BY team;
-- who is in none sees none, and so does nobody
SET LOCAL request.jwt.claims = '{"email": "teams-4@example.com", "email_verified": true}';
SELECT count(*) FROM devapp.my_teams;
RESET request.jwt.claims;
SELECT count(*) FROM devapp.my_teams;
-- an administrator sees all, also without being in any
SET LOCAL ROLE devapp_admin;
SELECT team, role, member_since, admins, members, apps FROM devapp.my_teams WHERE team ~ '^teams-' ORDER BY team;
ROLLBACK;
