-- Apps.

CREATE TABLE devapp.app (
    app_id uuid NOT NULL DEFAULT devapp.uuid_v7(),
    developer_id uuid,
    team_id uuid,
    name text NOT NULL,
    display_name text,
    description text,
    status text NOT NULL DEFAULT 'pending',
    callback_urls text[] NOT NULL DEFAULT '{}',
    scopes text[] NOT NULL DEFAULT '{}',
    allowed_cidrs cidr[] NOT NULL DEFAULT '{}',
    app_family text,
    attributes jsonb NOT NULL DEFAULT '{}',
    decided_by text,
    decided_at timestamptz,
    decision_note text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CONSTRAINT app_pkey PRIMARY KEY (app_id),
    CONSTRAINT app_developer_id_fkey FOREIGN KEY (developer_id) REFERENCES devapp.developer,
    CONSTRAINT app_team_id_fkey FOREIGN KEY (team_id) REFERENCES devapp.team,
    CONSTRAINT app_has_one_owner CHECK (num_nonnulls(developer_id, team_id) = 1)
);
COMMENT ON TABLE devapp.app IS 'Developer apps, which hold credentials';
COMMENT ON COLUMN devapp.app.name IS 'Unique among the owner''s apps that are not deleted';
COMMENT ON COLUMN devapp.app.status IS 'pending, rejected, approved, suspended, revoked or deleted';
COMMENT ON COLUMN devapp.app.callback_urls IS 'URIs that an OAuth server may redirect to';
COMMENT ON COLUMN devapp.app.scopes IS 'OAuth scopes that it requests; empty: all that its products offer';
COMMENT ON COLUMN devapp.app.allowed_cidrs IS 'Networks that its clients may call from; empty: all';
COMMENT ON COLUMN devapp.app.decided_by IS 'Role that last changed the status; rule:NAME: approval rule; auto: automatic; null: not decided yet';
COMMENT ON COLUMN devapp.app.decided_at IS 'When the status last changed';
COMMENT ON COLUMN devapp.app.decision_note IS 'Why the status last changed';
COMMENT ON COLUMN devapp.app.deleted_at IS 'When it was deleted; the row is kept for the history';
SELECT devapp_internal.grant_on('TABLE', 'devapp.app', 'SELECT, INSERT, UPDATE', 'admin');
SELECT devapp_internal.grant_on('TABLE', 'devapp.app', 'SELECT', 'developer');
SELECT pg_extension_config_dump('devapp.app', '');
CREATE UNIQUE INDEX app_developer_name_key ON devapp.app (developer_id, name) WHERE deleted_at IS NULL AND developer_id IS NOT NULL;
CREATE UNIQUE INDEX app_team_name_key ON devapp.app (team_id, name) WHERE deleted_at IS NULL AND team_id IS NOT NULL;
CREATE INDEX app_developer_id_idx ON devapp.app (developer_id) WHERE developer_id IS NOT NULL;
CREATE INDEX app_team_id_idx ON devapp.app (team_id) WHERE team_id IS NOT NULL;
CREATE INDEX app_pending_idx ON devapp.app (created_at) WHERE status = 'pending';
