-- What was decided about a product that an app asks for; sql/approval/decide.sql.

CREATE TYPE devapp.approval_decision AS (
    decision text,
    decided_by text,
    note text
);
COMMENT ON COLUMN devapp.approval_decision.decision IS 'approve, hold or reject';
COMMENT ON COLUMN devapp.approval_decision.decided_by IS 'rule:NAME; auto: approved without a rule; null: left to an approver';
SELECT devapp_internal.grant_on('TYPE', 'devapp.approval_decision', 'USAGE', 'admin');
