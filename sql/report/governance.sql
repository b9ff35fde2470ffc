-- Reports of what somebody has to do something about.  All of them are live.

-- A row is a product that an app waits for; of a pending app that waits for none, the
-- app itself.  decided_at of a pending app is when it was handed in again.  Few rows of many: each half starts from an index of what is pending.
-- What waits is MATERIALIZED because both halves read it, and because the planner would otherwise
-- start parallel workers, which takes longer than the query.
CREATE VIEW devapp_report.pending_approvals AS
WITH waiting AS MATERIALIZED (
    SELECT c.app_id, c.credential_id, c.consumer_key, cp.product_id, cp.created_at
      FROM devapp.credential_product cp
      JOIN devapp.credential c ON c.credential_id = cp.credential_id
     WHERE cp.status = 'pending' AND cp.removed_at IS NULL
       AND c.status = 'approved' AND (c.expires_at IS NULL OR c.expires_at > now())
)
SELECT w.app_id, a.app, a.display_name AS app_display_name, a.owner_id, a.owner, a.owner_kind, a.status AS app_status,
       w.credential_id, w.consumer_key, w.product_id, p.name AS product, p.display_name AS product_display_name, x.waiting_since,
       extract(epoch FROM now() - x.waiting_since)::double precision / 86400 AS waiting_days,
       (SELECT string_agg(coalesce('team ' || t.name, 'role ' || v.role_name), ', ' ORDER BY t.name, v.role_name)
          FROM devapp.product_approver v
          LEFT JOIN devapp.team t ON t.team_id = v.team_id
         WHERE v.product_id = w.product_id) AS approvers
  FROM (SELECT y.app_id, y.credential_id, y.consumer_key, y.product_id, y.created_at FROM waiting y
         UNION ALL
        SELECT x.app_id, NULL, NULL, NULL, x.created_at
          FROM devapp.app x
         WHERE x.status = 'pending'
           AND NOT EXISTS (SELECT FROM waiting y WHERE y.app_id = x.app_id)) AS w
  JOIN devapp_internal.named_app a ON a.app_id = w.app_id
  LEFT JOIN devapp.product p ON p.product_id = w.product_id
 CROSS JOIN LATERAL (SELECT CASE WHEN a.status = 'pending' THEN greatest(w.created_at, a.decided_at) ELSE w.created_at END AS waiting_since) AS x
 WHERE a.status IN ('pending', 'approved', 'suspended');
COMMENT ON VIEW devapp_report.pending_approvals IS
    'Pending decisions: one row per pending product of a credential, or pending app without one. Live';
COMMENT ON COLUMN devapp_report.pending_approvals.app_id IS 'Requesting app';
COMMENT ON COLUMN devapp_report.pending_approvals.app IS 'Its name';
COMMENT ON COLUMN devapp_report.pending_approvals.app_display_name IS 'Display name of the app; null: none';
COMMENT ON COLUMN devapp_report.pending_approvals.owner_id IS 'Id of the requesting developer or team';
COMMENT ON COLUMN devapp_report.pending_approvals.owner IS 'E-mail of the developer, or name of the team';
COMMENT ON COLUMN devapp_report.pending_approvals.owner_kind IS 'developer or team';
COMMENT ON COLUMN devapp_report.pending_approvals.app_status IS 'pending: approved with its last pending product; otherwise only the product is pending';
COMMENT ON COLUMN devapp_report.pending_approvals.credential_id IS 'Credential that the product is for; null: the app itself is pending';
COMMENT ON COLUMN devapp_report.pending_approvals.consumer_key IS 'Public part of its key; null: the app itself is pending';
COMMENT ON COLUMN devapp_report.pending_approvals.product_id IS 'Pending product; null: the app itself is pending';
COMMENT ON COLUMN devapp_report.pending_approvals.product IS 'Its name; null: the app itself is pending';
COMMENT ON COLUMN devapp_report.pending_approvals.product_display_name IS 'Display name of the product; null: none';
COMMENT ON COLUMN devapp_report.pending_approvals.waiting_since IS 'When it was requested, or the app was resubmitted';
COMMENT ON COLUMN devapp_report.pending_approvals.waiting_days IS 'Days since then, with a fraction';
COMMENT ON COLUMN devapp_report.pending_approvals.approvers IS
    'Comma-separated teams and roles that may approve the product; null: only administrators';
SELECT devapp_internal.grant_on('TABLE', 'devapp_report.pending_approvals', 'SELECT', 'admin', 'analyst');

CREATE VIEW devapp_report.credentials_expiring AS
SELECT c.credential_id, c.consumer_key, c.kind, c.environment, c.app_id, a.app, a.display_name AS app_display_name,
       a.owner_id, a.owner, a.owner_kind, a.status AS app_status,
       c.expires_at, floor(extract(epoch FROM c.expires_at - now()) / 86400)::integer AS days_left, c.expires_at <= now() AS is_expired
  FROM devapp.credential c
  JOIN devapp_internal.named_app a ON a.app_id = c.app_id
 WHERE c.status = 'approved' AND c.expires_at > now() - interval '720 hours' AND a.deleted_at IS NULL;
COMMENT ON VIEW devapp_report.credentials_expiring IS
    'Credentials that expire or did in the last 30 days: one row per credential; filter by days_left. Live';
COMMENT ON COLUMN devapp_report.credentials_expiring.credential_id IS 'Id of the credential';
COMMENT ON COLUMN devapp_report.credentials_expiring.consumer_key IS 'Public part of the key';
COMMENT ON COLUMN devapp_report.credentials_expiring.kind IS 'api_key, oauth_client or jwt';
COMMENT ON COLUMN devapp_report.credentials_expiring.environment IS 'The only environment in which it works; null: all';
COMMENT ON COLUMN devapp_report.credentials_expiring.app_id IS 'App that holds it';
COMMENT ON COLUMN devapp_report.credentials_expiring.app IS 'Its name';
COMMENT ON COLUMN devapp_report.credentials_expiring.app_display_name IS 'Display name of the app; null: none';
COMMENT ON COLUMN devapp_report.credentials_expiring.owner_id IS 'Id of the developer or team';
COMMENT ON COLUMN devapp_report.credentials_expiring.owner IS 'E-mail of the developer, or name of the team';
COMMENT ON COLUMN devapp_report.credentials_expiring.owner_kind IS 'developer or team';
COMMENT ON COLUMN devapp_report.credentials_expiring.app_status IS 'Status of the app; the credential works only if it is approved';
COMMENT ON COLUMN devapp_report.credentials_expiring.expires_at IS 'When it stops working';
COMMENT ON COLUMN devapp_report.credentials_expiring.days_left IS 'Whole days until then, 0 on the last; negative: it has expired';
COMMENT ON COLUMN devapp_report.credentials_expiring.is_expired IS 'Whether it has expired';
SELECT devapp_internal.grant_on('TABLE', 'devapp_report.credentials_expiring', 'SELECT', 'admin', 'analyst');

-- A current secret is overdue by the same rule that reminders follow
-- (devapp.schedule_notifications).  A replaced one is meant to be used while it still
-- works; when its time is over, who has not presented it since has changed to the new.
CREATE VIEW devapp_report.rotations AS
SELECT s.credential_id, c.consumer_key, c.environment, c.app_id, a.app, a.display_name AS app_display_name, a.owner_id, a.owner, a.owner_kind,
       s.version AS secret_version, s.superseded_at IS NULL AS is_current, s.valid_from AS issued_at,
       s.superseded_at AS rotated_at, s.valid_until AS overlap_ends_at,
       floor(extract(epoch FROM now() - s.valid_from) / 86400)::integer AS age_days,
       s.superseded_at IS NULL AND c.status = 'approved' AND coalesce(c.expires_at > now(), true) AND a.status = 'approved'
           AND x.max_age > 0 AND s.valid_from < now() - make_interval(hours => 24 * x.max_age) AS is_overdue,
       coalesce(l.last_seen_at > s.superseded_at AND l.last_seen_at > now() - interval '720 hours'
                AND (s.valid_until > now() OR l.last_seen_at > s.valid_until), false) AS still_used,
       CASE WHEN l.last_used_at > now() THEN now() ELSE l.last_used_at END AS last_used_at,
       CASE WHEN l.last_seen_at > now() THEN now() ELSE l.last_seen_at END AS last_seen_at
  FROM devapp.credential_secret s
  JOIN devapp.credential c ON c.credential_id = s.credential_id
  JOIN devapp_internal.named_app a ON a.app_id = c.app_id
  LEFT JOIN devapp.last_used l ON l.credential_id = s.credential_id AND l.secret_version = s.version
 CROSS JOIN (SELECT devapp_report.setting('rotation_max_age')::integer AS max_age OFFSET 0) AS x
 WHERE c.status = 'approved' AND a.deleted_at IS NULL;
COMMENT ON VIEW devapp_report.rotations IS
    'Secrets of credentials that are not revoked, and their rotation: one row per version. Live';
COMMENT ON COLUMN devapp_report.rotations.credential_id IS 'Id of the credential';
COMMENT ON COLUMN devapp_report.rotations.consumer_key IS 'Public part of the key';
COMMENT ON COLUMN devapp_report.rotations.environment IS 'The only environment in which it works; null: all';
COMMENT ON COLUMN devapp_report.rotations.app_id IS 'App that holds it';
COMMENT ON COLUMN devapp_report.rotations.app IS 'Its name';
COMMENT ON COLUMN devapp_report.rotations.app_display_name IS 'Display name of the app; null: none';
COMMENT ON COLUMN devapp_report.rotations.owner_id IS 'Id of the developer or team';
COMMENT ON COLUMN devapp_report.rotations.owner IS 'E-mail of the developer, or name of the team';
COMMENT ON COLUMN devapp_report.rotations.owner_kind IS 'developer or team';
COMMENT ON COLUMN devapp_report.rotations.secret_version IS 'Version of the secret, from 1';
COMMENT ON COLUMN devapp_report.rotations.is_current IS 'No newer version has replaced it';
COMMENT ON COLUMN devapp_report.rotations.issued_at IS 'When this version was issued';
COMMENT ON COLUMN devapp_report.rotations.rotated_at IS 'When a newer version replaced it; null: it is current';
COMMENT ON COLUMN devapp_report.rotations.overlap_ends_at IS 'When the superseded version stops working; null: it is current';
COMMENT ON COLUMN devapp_report.rotations.age_days IS 'Whole days since it was issued';
COMMENT ON COLUMN devapp_report.rotations.is_overdue IS
    'It is current, works, and is older than devapp.rotation_max_age; false if that is 0';
COMMENT ON COLUMN devapp_report.rotations.still_used IS 'It was presented in the last 30 days after being replaced and, if it no longer works, after its end';
COMMENT ON COLUMN devapp_report.rotations.last_used_at IS 'Last allowed call with it; null: none yet';
COMMENT ON COLUMN devapp_report.rotations.last_seen_at IS 'Last time it was presented, whatever the verdict; null: never';
SELECT devapp_internal.grant_on('TABLE', 'devapp_report.rotations', 'SELECT', 'admin', 'analyst');
