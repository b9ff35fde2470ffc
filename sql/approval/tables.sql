-- Rules that decide about apps where the approval mode is conditional.  Plain
-- data: products and teams by name, so that a rule says the same to who reads it,
-- and no expression to run.

CREATE TABLE devapp.approval_rule (
    rule_id uuid NOT NULL DEFAULT devapp.uuid_v7(),
    name text NOT NULL,
    priority integer NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    product text,
    access text,
    email_domain text,
    team text,
    developer_attributes jsonb NOT NULL DEFAULT '{}',
    app_attributes jsonb NOT NULL DEFAULT '{}',
    team_attributes jsonb NOT NULL DEFAULT '{}',
    min_apps_owned integer,
    max_apps_owned integer,
    decision text NOT NULL,
    note text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT approval_rule_pkey PRIMARY KEY (rule_id),
    CONSTRAINT approval_rule_name_key UNIQUE (name),
    CONSTRAINT approval_rule_asks_for_one_owner
        CHECK ((email_domain IS NULL AND developer_attributes = '{}') OR (team IS NULL AND team_attributes = '{}')),
    CONSTRAINT approval_rule_apps_owned_is_a_range CHECK (min_apps_owned <= max_apps_owned)
);
COMMENT ON TABLE devapp.approval_rule IS
    'Rules of conditional approval: a rule decides if all its conditions hold; null or {} always holds';
COMMENT ON COLUMN devapp.approval_rule.name IS 'Unique; cannot be changed, because decisions are recorded under it';
COMMENT ON COLUMN devapp.approval_rule.priority IS 'The rule with the lowest priority is evaluated first; unique among enabled rules';
COMMENT ON COLUMN devapp.approval_rule.enabled IS 'Whether the rule is evaluated';
COMMENT ON COLUMN devapp.approval_rule.product IS 'Name of the requested product';
COMMENT ON COLUMN devapp.approval_rule.access IS 'Access of the requested product: public, private or internal';
COMMENT ON COLUMN devapp.approval_rule.email_domain IS
    'E-mail domain of the owner, case-insensitive; *.example.com: example.com and its subdomains';
COMMENT ON COLUMN devapp.approval_rule.team IS 'Name of the team that owns the app';
COMMENT ON COLUMN devapp.approval_rule.developer_attributes IS 'The developer who owns the app has all of these';
COMMENT ON COLUMN devapp.approval_rule.app_attributes IS 'The app has all of these';
COMMENT ON COLUMN devapp.approval_rule.team_attributes IS 'The team that owns the app has all of these';
COMMENT ON COLUMN devapp.approval_rule.min_apps_owned IS 'The owner has at least this many other apps that are not deleted';
COMMENT ON COLUMN devapp.approval_rule.max_apps_owned IS 'The owner has at most this many other apps that are not deleted';
COMMENT ON COLUMN devapp.approval_rule.decision IS 'approve, hold or reject';
COMMENT ON COLUMN devapp.approval_rule.note IS 'Recorded as decision_note; null: the name of the rule';
SELECT devapp_internal.grant_on('TABLE', 'devapp.approval_rule', 'SELECT, INSERT, UPDATE, DELETE', 'admin');
SELECT pg_extension_config_dump('devapp.approval_rule', '');
CREATE UNIQUE INDEX approval_rule_priority_key ON devapp.approval_rule (priority) WHERE enabled;

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
COMMENT ON TABLE devapp.product_approver IS 'Teams and database roles, besides administrators, that may approve a product';
COMMENT ON COLUMN devapp.product_approver.team_id IS 'Team whose members may approve while team and member are active';
COMMENT ON COLUMN devapp.product_approver.role_name IS 'Database role that may approve, with all roles that have its privileges';
SELECT devapp_internal.grant_on('TABLE', 'devapp.product_approver', 'SELECT, INSERT, DELETE', 'admin');
SELECT pg_extension_config_dump('devapp.product_approver', '');
CREATE INDEX product_approver_team_id_idx ON devapp.product_approver (team_id) WHERE team_id IS NOT NULL;

-- How apps are approved.  A setting that nobody has made has no row, so that a dump that
-- is restored finds none either.
CREATE TABLE devapp.approval_setting (
    name text NOT NULL,
    value text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT approval_setting_pkey PRIMARY KEY (name)
);
COMMENT ON TABLE devapp.approval_setting IS 'Settings of approval that were changed; no row: the default';
COMMENT ON COLUMN devapp.approval_setting.name IS 'app_approval: how new apps start';
COMMENT ON COLUMN devapp.approval_setting.value IS 'auto, manual or conditional';
SELECT devapp_internal.grant_on('TABLE', 'devapp.approval_setting', 'SELECT, INSERT, UPDATE', 'admin');
SELECT pg_extension_config_dump('devapp.approval_setting', '');
