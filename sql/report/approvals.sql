-- What was decided, and how long it took, from the audit trail.

-- A row that was decided on as it was made was decided at once; the others had a status
-- before.  Numbers of associations are read in a CASE, because ids of apps are no numbers.
CREATE VIEW devapp_internal.decision AS
SELECT e.event_id, e.occurred_at, e.app_id, coalesce(e.developer_id, e.team_id) AS owner_id, e.entity,
       CASE e.entity WHEN 'credential_product' THEN e.entity_id::bigint END AS ordinal,
       coalesce(e.before->>'status', CASE e.action WHEN 'create' THEN 'new' END) AS status_before, e.after->>'status' AS status,
       coalesce((SELECT x.value #>> '{}' FROM devapp.pseudonym x WHERE x.pseudonym = coalesce(e.after->>'decided_by', e.actor)),
                e.after->>'decided_by', e.actor, e.db_role) AS decided_by,
       CASE WHEN starts_with(e.after->>'decided_by', 'rule:') THEN 'rule'
            WHEN e.after->>'decided_by' = 'auto' THEN 'automatic'
            WHEN e.actor IS NOT NULL THEN 'person'
            ELSE 'role' END AS decided_by_kind,
       e.note
  FROM devapp.audit_event e
 WHERE e.entity IN ('app', 'credential_product') AND e.action IN ('create', 'approve', 'reject', 'revoke')
   AND e.after->>'status' IN ('approved', 'rejected', 'revoked');

-- An app that was handed in again is asked for since then, and so is what it waited for.  A note
-- may begin with any character, and approvers write it: one that a spreadsheet would take for a
-- formula (bulk/export.sql) has an apostrophe before it.
CREATE VIEW devapp_report.approvals AS
SELECT d.event_id AS decision_id, d.app_id, a.app, a.display_name AS app_display_name, a.app_path, a.is_deleted, a.owner_id, a.owner, a.owner_kind,
       coalesce((SELECT x.email FROM devapp.developer x WHERE x.developer_id = d.owner_id),
                (SELECT x.name FROM devapp.team x WHERE x.team_id = d.owner_id)) AS owner_then, d.owner_id AS owner_then_id,
       CASE d.entity WHEN 'app' THEN 'app' ELSE 'product' END AS subject,
       cp.credential_id, c.consumer_key, cp.product_id, p.name AS product, p.display_name AS product_display_name,
       r.requested_at, d.occurred_at AS decided_at,
       CASE WHEN d.status_before IN ('new', 'pending')
            THEN round(extract(epoch FROM greatest(d.occurred_at - r.requested_at, '0')) / 3600, 2)::double precision END AS hours,
       CASE WHEN d.status = 'revoked' AND d.status_before IN ('new', 'pending') THEN 'rejected' ELSE d.status END AS outcome,
       d.decided_by, d.decided_by_kind,
       CASE WHEN d.note ~ E'^[-=+@\t\r\n\\uFF1D\\uFF0B\\uFF0D\\uFF20]' THEN '''' || d.note ELSE d.note END AS note
  FROM devapp_internal.decision d
  JOIN devapp_internal.named_app a ON a.app_id = d.app_id
  LEFT JOIN devapp.credential_product cp ON cp.ordinal = d.ordinal
  LEFT JOIN devapp.credential c ON c.credential_id = cp.credential_id
  LEFT JOIN devapp.product p ON p.product_id = cp.product_id
 CROSS JOIN LATERAL (
    SELECT CASE WHEN d.status_before = 'new' THEN d.occurred_at
                ELSE greatest(coalesce(cp.created_at, a.created_at),
                              (SELECT max(s.occurred_at) FROM devapp.audit_event s
                                WHERE s.entity = 'app' AND s.entity_id = d.app_id::text AND s.action = 'resubmit' AND s.event_id < d.event_id)) END AS requested_at) AS r
 WHERE d.status_before IS DISTINCT FROM d.status;
COMMENT ON VIEW devapp_report.approvals IS
    'Decisions on apps and their products: one row per decision in the audit trail. Live';
COMMENT ON COLUMN devapp_report.approvals.decision_id IS 'Id of its event in the audit trail';
COMMENT ON COLUMN devapp_report.approvals.app_id IS 'App that was decided on, which may have been deleted since';
COMMENT ON COLUMN devapp_report.approvals.app IS 'Its name, unique among the apps of its owner that are not deleted';
COMMENT ON COLUMN devapp_report.approvals.app_display_name IS 'Display name of the app; null: none';
COMMENT ON COLUMN devapp_report.approvals.app_path IS 'Owner and name of the app, as functions of devapp take it; can be reused after the app is deleted';
COMMENT ON COLUMN devapp_report.approvals.is_deleted IS 'The app has been deleted since';
COMMENT ON COLUMN devapp_report.approvals.owner_id IS 'Id of the developer or team that owns the app now';
COMMENT ON COLUMN devapp_report.approvals.owner IS 'E-mail of the developer, or name of the team, that owns it now';
COMMENT ON COLUMN devapp_report.approvals.owner_kind IS 'developer or team';
COMMENT ON COLUMN devapp_report.approvals.owner_then IS 'E-mail of the developer, or name of the team, that owned it at the time of the decision';
COMMENT ON COLUMN devapp_report.approvals.owner_then_id IS 'Its id';
COMMENT ON COLUMN devapp_report.approvals.subject IS 'app: the app itself; product: a product for a credential of it';
COMMENT ON COLUMN devapp_report.approvals.credential_id IS 'Credential that the product is for; null: the app itself';
COMMENT ON COLUMN devapp_report.approvals.consumer_key IS 'Public part of its key; null: the app itself';
COMMENT ON COLUMN devapp_report.approvals.product_id IS 'Product that was decided on; null: the app itself';
COMMENT ON COLUMN devapp_report.approvals.product IS 'Its name; null: the app itself';
COMMENT ON COLUMN devapp_report.approvals.product_display_name IS 'Display name of the product; null: none';
COMMENT ON COLUMN devapp_report.approvals.requested_at IS 'When it was requested, or the app was resubmitted';
COMMENT ON COLUMN devapp_report.approvals.decided_at IS 'When it was decided';
COMMENT ON COLUMN devapp_report.approvals.hours IS 'Hours from request to decision, with two digits; null: an earlier decision was changed';
COMMENT ON COLUMN devapp_report.approvals.outcome IS 'approved, rejected (it had waited) or revoked (it had been approved)';
COMMENT ON COLUMN devapp_report.approvals.decided_by IS 'E-mail address of the person, rule:NAME, auto (automatic), or a database role';
COMMENT ON COLUMN devapp_report.approvals.decided_by_kind IS 'person, rule, automatic or role';
COMMENT ON COLUMN devapp_report.approvals.note IS 'Reason, after an apostrophe if a spreadsheet would read a formula; null: not given';
SELECT devapp_internal.grant_on('TABLE', 'devapp_report.approvals', 'SELECT', 'admin', 'analyst');
