-- Invitations to teams: made, answered, withdrawn, over.  What persons may do is tested by test/t/013_developers.pl.
\set SHOW_CONTEXT never
-- where every day has 24 hours
SET timezone = 'UTC';

SELECT FROM devapp.create_developer('invite-ann@example.com');
SELECT FROM devapp.create_developer('Invite-Bob@example.com');
SELECT FROM devapp.create_team('inviters', display_name => 'The inviters');
SELECT FROM devapp.add_team_member('inviters', 'invite-ann@example.com', 'admin');
CREATE VIEW pg_temp.told AS
SELECT event, app_id, recipients #>> '{0,to}' AS address, recipients #>> '{0,why}' AS why, payload - 'expires_at' AS payload,
       (payload ->> 'expires_at')::timestamptz - created_at AS lasts
  FROM devapp.notification WHERE event = 'team_invited' ORDER BY notification_id;

-- a person who is registered, and one who is not: the same answer, and the same mail
SELECT email, role, invited_by IS NULL AS by_administrator, expires_at - created_at AS lasts FROM devapp.invite_team_member('inviters', 'invite-bob@example.com');
SELECT email, role, invited_by IS NULL AS by_administrator, expires_at - created_at AS lasts FROM devapp.invite_team_member(' inviters ', 'invite-nobody@example.com');
SELECT * FROM pg_temp.told;
-- once more renews it, with another role; the address hears of it once a day
SELECT role FROM devapp.invite_team_member('inviters', 'INVITE-BOB@example.com', 'admin');
SELECT count(*), count(DISTINCT address) FROM pg_temp.told;
SELECT count(*) FROM devapp.team_invitation;

-- bad input
SELECT devapp.invite_team_member('inviters', 'invite-ann@example.com');
SELECT devapp.invite_team_member('inviters', 'no address');
SELECT devapp.invite_team_member('inviters', NULL);
SELECT devapp.invite_team_member('inviters', 'x@example.com', 'king');
SELECT devapp.invite_team_member('no-team', 'x@example.com');

-- the person answers
SELECT devapp.accept_invitation('inviters');
BEGIN;
SELECT devapp.act_as('invite-bob@example.com');
SELECT team, display_name, role, expires_at > now() AS open FROM devapp.my_invitations();
SELECT role, developer_id = devapp.current_developer_id() AS own FROM devapp.accept_invitation('inviters');
SELECT count(*) FROM devapp.my_invitations();
COMMIT;
-- once
BEGIN;
SELECT devapp.act_as('invite-bob@example.com');
SELECT devapp.accept_invitation('inviters');
ROLLBACK;
SELECT d.email, m.role FROM devapp.team_member m JOIN devapp.developer d USING (developer_id) JOIN devapp.team t USING (team_id) WHERE t.name = 'inviters' ORDER BY 1;

-- who is removed cannot come back by an older invitation
SELECT developer_id IS NOT NULL AS was_member FROM devapp.remove_team_member('inviters', 'invite-bob@example.com');
SELECT FROM devapp.invite_team_member('inviters', 'invite-bob@example.com');
SELECT FROM devapp.add_team_member('inviters', 'invite-bob@example.com');
SELECT FROM devapp.remove_team_member('inviters', 'invite-bob@example.com');
BEGIN;
SELECT devapp.act_as('invite-bob@example.com');
SELECT devapp.accept_invitation('inviters');
ROLLBACK;

-- declined, withdrawn, over
SELECT FROM devapp.invite_team_member('inviters', 'invite-bob@example.com');
BEGIN;
SELECT devapp.act_as('invite-bob@example.com');
SELECT devapp.decline_invitation('inviters');
SELECT devapp.decline_invitation('inviters');
ROLLBACK;
SELECT developer_id IS NULL AS was_invited, role FROM devapp.remove_team_member('inviters', 'invite-nobody@example.com');
SELECT devapp.remove_team_member('inviters', 'invite-nobody@example.com');
UPDATE devapp.team_invitation SET expires_at = now() WHERE email = 'invite-bob@example.com';
BEGIN;
SELECT devapp.act_as('invite-bob@example.com');
SELECT count(*) FROM devapp.my_invitations();
SELECT devapp.accept_invitation('inviters');
ROLLBACK;
-- a person who is not active answers nothing
SELECT FROM devapp.invite_team_member('inviters', 'invite-bob@example.com');
SELECT FROM devapp.set_developer_status('invite-bob@example.com', 'deactivate');
BEGIN;
SELECT devapp.act_as('invite-bob@example.com');
SELECT devapp.accept_invitation('inviters');
ROLLBACK;
SELECT FROM devapp.set_developer_status('invite-bob@example.com', 'activate');

-- a bounded number
SELECT count(devapp.invite_team_member('inviters', 'invite-' || i || '@example.com')) FROM generate_series(2, 100) AS i;
SELECT devapp.invite_team_member('inviters', 'invite-101@example.com');

-- direct statements, the trail, and a team that goes
UPDATE devapp.team_invitation SET email = 'x@example.com';
INSERT INTO devapp.team_invitation (team_id, email, expires_at) SELECT team_id, 'nothing', now() FROM devapp.team WHERE name = 'inviters';
SELECT action, count(*) > 1 AS recorded FROM devapp.audit_event WHERE entity = 'team_invitation' AND team_id = (SELECT team_id FROM devapp.team WHERE name = 'inviters') GROUP BY action ORDER BY action;
SELECT FROM devapp.delete_team('inviters');
SELECT count(*) FROM devapp.team_invitation;
