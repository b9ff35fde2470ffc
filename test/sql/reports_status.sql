-- The effective status: one word for what keeps a key from working.  It is seen by two
-- developers, a team member, an analyst and an administrator.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
BEGIN;
SELECT FROM devapp.setup_roles();
SELECT FROM devapp.create_developer('status@example.com');
SELECT FROM devapp.create_developer('status-2@example.com');
SELECT FROM devapp.create_developer('status-member@example.com');
SELECT FROM devapp.create_team('status-team');
SELECT FROM devapp.add_team_member('status-team', 'status-member@example.com');
SELECT FROM devapp.create_product('status-product');

-- an app for each status of an app
SELECT count(devapp.create_app(name => 'status-' || s, developer => 'status@example.com', products => '{status-product}', description => 'It is ' || s))
  FROM unnest('{active,pending,rejected,suspended,revoked,deleted}'::text[]) AS s;
SELECT count(devapp.suspend_app(app_id)) FROM devapp.app WHERE name = 'status-suspended';
SELECT count(devapp.revoke_app(app_id)) FROM devapp.app WHERE name = 'status-revoked';
SELECT count(devapp.delete_app(app_id)) FROM devapp.app WHERE name = 'status-deleted';
-- a credential for each status of a credential, and two to which more than one applies
SELECT app_id AS other FROM devapp.create_app(name => 'status-other', developer => 'status-2@example.com', products => '{status-product}', environment => 'active') \gset
SELECT count(devapp.issue_credential(:'other', products => '{status-product}', environment => e))
  FROM unnest('{expired,replaced,revoked,compromised,rotating,expiredrevoked,replacedrevoked}'::text[]) AS e;
SELECT count(devapp.rotate_credential(credential_id)) FROM devapp.credential WHERE app_id = :'other' AND environment = 'rotating';
SELECT count(devapp.revoke_credential(credential_id, compromised => environment = 'compromised'))
  FROM devapp.credential WHERE app_id = :'other' AND environment ~ 'revoked|compromised';
SELECT app_id AS team_app FROM devapp.create_app(name => 'status-team', team => 'status-team', products => '{status-product}') \gset

-- what only time, a setting or a later release brings about
SET LOCAL session_replication_role = replica;
UPDATE devapp.app SET status = substr(name, 8) WHERE name IN ('status-pending', 'status-rejected');
UPDATE devapp.credential SET expires_at = now() WHERE app_id = :'other' AND environment ~ '^expired';
UPDATE devapp.credential_secret s SET valid_until = now() FROM devapp.credential c
 WHERE c.credential_id = s.credential_id AND c.app_id = :'other' AND c.environment ~ '^replaced';
RESET session_replication_role;
RESET client_min_messages;

-- an administrator and an analyst see all; what is stored stays
SET LOCAL ROLE devapp_admin;
SELECT app, status, effective_status, description FROM devapp.my_apps WHERE app LIKE 'status-%' ORDER BY app;
SET LOCAL ROLE devapp_analyst;
SELECT app, status, effective_status FROM devapp_report.app_inventory WHERE app LIKE 'status-%' ORDER BY app;
SELECT app, environment, status, effective_status FROM devapp_report.credentials WHERE app LIKE 'status-%' ORDER BY app, environment;
-- what was never used has no time, and a clock that jumped back makes none in the future
RESET ROLE;
INSERT INTO devapp.last_used SELECT credential_id, 1, app_id, NULL, now() + interval '1 hour' FROM devapp.credential WHERE app_id = :'other' AND environment = 'rotating';
SET LOCAL ROLE devapp_analyst;
SELECT count(last_used_at) AS used, count(last_seen_at) AS seen, bool_and(last_seen_at = now()) AS now FROM devapp_report.credentials WHERE app LIKE 'status-%';
-- an analyst reads the reports only
SAVEPOINT refused;
SELECT FROM devapp.my_apps;
ROLLBACK TO refused;

-- each developer sees his own, and a member those of the team; select=* works
SET LOCAL ROLE devapp_developer;
SET LOCAL request.jwt.claims = '{"email": "status@example.com", "email_verified": true}';
SELECT app, owner, effective_status FROM devapp.my_apps ORDER BY app;
SELECT app, effective_status FROM devapp.my_credentials ORDER BY app;
SET LOCAL request.jwt.claims = '{"email": "status-2@example.com", "email_verified": true}';
SELECT count(*) AS apps, bool_and(to_jsonb(a) ->> 'effective_status' = 'active') AS active FROM (SELECT * FROM devapp.my_apps) AS a;
SELECT environment, status, effective_status, secret_version, previous_valid_until IS NOT NULL AS overlaps FROM devapp.my_credentials ORDER BY environment;
SELECT count(*) AS in_all FROM (SELECT * FROM devapp.my_credentials) AS c WHERE to_jsonb(c) ? 'digest';
SET LOCAL request.jwt.claims = '{"email": "status-member@example.com", "email_verified": true}';
SELECT app, owner, owner_kind, effective_status FROM devapp.my_apps;
SELECT app, owner, owner_kind, effective_status FROM devapp.my_credentials;
RESET ROLE;
RESET request.jwt.claims;

-- the status of the owner is the last that is asked for
SELECT FROM devapp.set_developer_status('status@example.com', 'deactivate');
SELECT FROM devapp.set_developer_status('status-2@example.com', 'deactivate');
SELECT FROM devapp.set_team_status('status-team', 'deactivate');
SELECT app, effective_status FROM devapp_report.app_inventory WHERE app LIKE 'status-%' ORDER BY app;
SELECT environment, effective_status FROM devapp_report.credentials WHERE app = 'status-other' ORDER BY environment;
ROLLBACK;
