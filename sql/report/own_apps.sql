-- The apps and credentials that developers see: with their rights, so the policies of the tables
-- (row_security.sql) leave them what is theirs and their teams'.

CREATE VIEW devapp.my_apps WITH (security_invoker = true) AS
SELECT a.app_id, a.name AS app, a.display_name, a.description, coalesce(d.email, t.name) AS owner,
       CASE WHEN a.team_id IS NULL THEN 'developer' ELSE 'team' END AS owner_kind, a.status,
       devapp_internal.effective_status(a.status, coalesce(d.status, t.status)) AS effective_status,
       a.decision_note, a.callback_urls, a.scopes, a.allowed_cidrs, a.app_family, a.attributes, a.created_at, a.updated_at
  FROM devapp.app a
  LEFT JOIN devapp.developer d ON d.developer_id = a.developer_id
  LEFT JOIN devapp.team t ON t.team_id = a.team_id
 WHERE a.deleted_at IS NULL;
COMMENT ON VIEW devapp.my_apps IS 'Apps that the current user can see: one row per app that is not deleted';
COMMENT ON COLUMN devapp.my_apps.app_id IS 'Id of the app';
COMMENT ON COLUMN devapp.my_apps.app IS 'Name of the app, unique among those of its owner';
COMMENT ON COLUMN devapp.my_apps.display_name IS 'Display name; null: none';
COMMENT ON COLUMN devapp.my_apps.description IS 'What the app is for; null: not given';
COMMENT ON COLUMN devapp.my_apps.owner IS 'E-mail of the developer, or name of the team';
COMMENT ON COLUMN devapp.my_apps.owner_kind IS 'developer or team';
COMMENT ON COLUMN devapp.my_apps.status IS 'Stored status: pending, rejected, approved, suspended or revoked';
COMMENT ON COLUMN devapp.my_apps.effective_status IS 'active, or why its keys do not work: pending, rejected, suspended, revoked or owner inactive';
COMMENT ON COLUMN devapp.my_apps.decision_note IS 'Why the status last changed; null: not given';
COMMENT ON COLUMN devapp.my_apps.callback_urls IS 'URIs that an OAuth server may redirect to';
COMMENT ON COLUMN devapp.my_apps.scopes IS 'OAuth scopes that it requests; empty: all that its products offer';
COMMENT ON COLUMN devapp.my_apps.allowed_cidrs IS 'Networks that its clients may call from; empty: all';
COMMENT ON COLUMN devapp.my_apps.app_family IS 'Family of apps that it belongs to; null: none';
COMMENT ON COLUMN devapp.my_apps.attributes IS 'Up to 18 names, each with a string value';
COMMENT ON COLUMN devapp.my_apps.created_at IS 'When the app was created';
COMMENT ON COLUMN devapp.my_apps.updated_at IS 'When it last changed';
SELECT devapp_internal.grant_on('TABLE', 'devapp.my_apps', 'SELECT', 'admin', 'developer');

CREATE VIEW devapp.my_credentials WITH (security_invoker = true) AS
SELECT c.credential_id, c.consumer_key, c.label, c.kind, c.environment, a.app_id, a.app, a.owner, a.owner_kind, c.status,
       devapp_internal.effective_status(a.status, a.owner_status, c.status, c.expires_at, s.is_replaced) AS effective_status,
       c.decision_note, c.scopes, c.allowed_cidrs, c.attributes, c.issued_at, c.expires_at, s.secret_version, s.previous_valid_until
  FROM devapp.credential c
  JOIN (SELECT x.app_id, x.name AS app, x.status, coalesce(d.email, t.name) AS owner, coalesce(d.status, t.status) AS owner_status,
               CASE WHEN x.team_id IS NULL THEN 'developer' ELSE 'team' END AS owner_kind
          FROM devapp.app x
          LEFT JOIN devapp.developer d ON d.developer_id = x.developer_id
          LEFT JOIN devapp.team t ON t.team_id = x.team_id
         WHERE x.deleted_at IS NULL) AS a ON a.app_id = c.app_id
  LEFT JOIN (SELECT x.credential_id, max(x.version) FILTER (WHERE x.superseded_at IS NULL) AS secret_version,
                    max(x.valid_until) FILTER (WHERE x.superseded_at IS NOT NULL AND x.ended_at IS NULL AND x.valid_until > now()) AS previous_valid_until,
                    bool_and(x.ended_at IS NOT NULL OR coalesce(x.valid_until <= now(), false)) AS is_replaced
               FROM devapp.credential_secret x
              GROUP BY x.credential_id) AS s ON s.credential_id = c.credential_id
 WHERE c.deleted_at IS NULL;
COMMENT ON VIEW devapp.my_credentials IS 'Credentials of the apps that the current user can see: one row per credential that is not deleted';
COMMENT ON COLUMN devapp.my_credentials.credential_id IS 'Id of the credential';
COMMENT ON COLUMN devapp.my_credentials.consumer_key IS 'Public part of the key';
COMMENT ON COLUMN devapp.my_credentials.label IS 'Label given by the owner; null: none';
COMMENT ON COLUMN devapp.my_credentials.kind IS 'api_key, oauth_client or jwt';
COMMENT ON COLUMN devapp.my_credentials.environment IS 'The only environment in which it works; null: all';
COMMENT ON COLUMN devapp.my_credentials.app_id IS 'Id of the app';
COMMENT ON COLUMN devapp.my_credentials.app IS 'Name of the app, unique among those of its owner';
COMMENT ON COLUMN devapp.my_credentials.owner IS 'E-mail of the developer, or name of the team';
COMMENT ON COLUMN devapp.my_credentials.owner_kind IS 'developer or team';
COMMENT ON COLUMN devapp.my_credentials.status IS 'Stored status: approved, revoked or compromised';
COMMENT ON COLUMN devapp.my_credentials.effective_status IS 'active, or why it does not work: the first reason in the order of the checks of a verdict';
COMMENT ON COLUMN devapp.my_credentials.decision_note IS 'Why the status last changed; null: not given';
COMMENT ON COLUMN devapp.my_credentials.scopes IS 'OAuth scopes that it requests; empty: those of the app';
COMMENT ON COLUMN devapp.my_credentials.allowed_cidrs IS 'Networks that its clients may call from, within those of the app; empty: all of those';
COMMENT ON COLUMN devapp.my_credentials.attributes IS 'Up to 18 names, each with a string value';
COMMENT ON COLUMN devapp.my_credentials.issued_at IS 'When it was issued';
COMMENT ON COLUMN devapp.my_credentials.expires_at IS 'When it stops working; null: never';
COMMENT ON COLUMN devapp.my_credentials.secret_version IS 'Version of the current secret';
COMMENT ON COLUMN devapp.my_credentials.previous_valid_until IS 'When the previous secret stops working; null: none works';
SELECT devapp_internal.grant_on('TABLE', 'devapp.my_credentials', 'SELECT', 'admin', 'developer');
