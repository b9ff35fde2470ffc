-- Who else than an administrator may decide about a product.

-- A role is stored by name: roles belong to the cluster, and a dump may be restored
-- into one that gets them later.
CREATE TABLE devapp.product_approver (
    approver_id uuid NOT NULL DEFAULT devapp.uuid_v7(),
    product_id uuid NOT NULL,
    team_id uuid,
    role_name text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT product_approver_pkey PRIMARY KEY (approver_id),
    CONSTRAINT product_approver_product_id_fkey FOREIGN KEY (product_id) REFERENCES devapp.product,
    CONSTRAINT product_approver_team_id_fkey FOREIGN KEY (team_id) REFERENCES devapp.team,
    CONSTRAINT product_approver_key UNIQUE NULLS NOT DISTINCT (product_id, team_id, role_name),
    CONSTRAINT product_approver_is_team_or_role CHECK (num_nonnulls(team_id, role_name) = 1)
);
SELECT devapp_internal.grant_on('TABLE', 'devapp.product_approver', 'SELECT, INSERT, DELETE', 'admin');
CREATE INDEX product_approver_team_id_idx ON devapp.product_approver (team_id) WHERE team_id IS NOT NULL;

COMMENT ON TABLE devapp.product_approver IS 'A team or a database role that may decide who gets a product';
COMMENT ON COLUMN devapp.product_approver.team_id IS 'Every member of this team may, while team and member are active';
COMMENT ON COLUMN devapp.product_approver.role_name IS 'Every database role that has the rights of this one may';
