-- The credentials of the whole program.

CREATE VIEW devapp_report.credentials AS
SELECT c.credential_id, c.consumer_key, c.label, c.kind, c.environment, a.app_id, a.app, a.display_name AS app_display_name,
       a.owner_id, a.owner, a.owner_kind, c.status,
       CASE WHEN c.expires_at <= now() THEN 'expired'
            WHEN (SELECT bool_and(s.ended_at IS NOT NULL OR coalesce(s.valid_until <= now(), false))
                    FROM devapp.credential_secret s WHERE s.credential_id = c.credential_id) THEN 'replaced'
            WHEN c.status <> 'approved' THEN c.status
            ELSE a.effective_status END AS effective_status,
       c.issued_at, c.expires_at, CASE WHEN l.last_used_at > now() THEN now() ELSE l.last_used_at END AS last_used_at,
       CASE WHEN l.last_seen_at > now() THEN now() ELSE l.last_seen_at END AS last_seen_at
  FROM devapp.credential c
  JOIN devapp_internal.named_app a ON a.app_id = c.app_id
  LEFT JOIN (SELECT x.credential_id, max(x.last_used_at) AS last_used_at, max(x.last_seen_at) AS last_seen_at
               FROM devapp.last_used x
              GROUP BY x.credential_id) AS l ON l.credential_id = c.credential_id
 WHERE a.deleted_at IS NULL AND c.deleted_at IS NULL;
COMMENT ON VIEW devapp_report.credentials IS 'Credentials that are not deleted, of apps that are not deleted: one row per credential. Live';
COMMENT ON COLUMN devapp_report.credentials.credential_id IS 'Id of the credential';
COMMENT ON COLUMN devapp_report.credentials.consumer_key IS 'Public part of the key';
COMMENT ON COLUMN devapp_report.credentials.label IS 'Label given by the owner; null: none';
COMMENT ON COLUMN devapp_report.credentials.kind IS 'api_key, oauth_client or jwt';
COMMENT ON COLUMN devapp_report.credentials.environment IS 'The only environment in which it works; null: all';
COMMENT ON COLUMN devapp_report.credentials.app_id IS 'Id of the app';
COMMENT ON COLUMN devapp_report.credentials.app IS 'Name of the app, unique among those of its owner';
COMMENT ON COLUMN devapp_report.credentials.app_display_name IS 'Display name of the app; null: none';
COMMENT ON COLUMN devapp_report.credentials.owner_id IS 'Id of the developer or team';
COMMENT ON COLUMN devapp_report.credentials.owner IS 'E-mail of the developer, or name of the team';
COMMENT ON COLUMN devapp_report.credentials.owner_kind IS 'developer or team';
COMMENT ON COLUMN devapp_report.credentials.status IS 'Stored status: approved, revoked or compromised';
COMMENT ON COLUMN devapp_report.credentials.effective_status IS 'active, or why it does not work: the first reason in the order of the checks of a verdict';
COMMENT ON COLUMN devapp_report.credentials.issued_at IS 'When it was issued';
COMMENT ON COLUMN devapp_report.credentials.expires_at IS 'When it stops working; null: never';
COMMENT ON COLUMN devapp_report.credentials.last_used_at IS 'Last allowed call; null: none yet';
COMMENT ON COLUMN devapp_report.credentials.last_seen_at IS 'Last time it was presented, whatever the verdict; null: never';
SELECT devapp_internal.grant_on('TABLE', 'devapp_report.credentials', 'SELECT', 'admin', 'analyst');
