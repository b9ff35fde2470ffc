-- Who owns apps: developers, and teams made of developers.

CREATE TABLE devapp.developer (
    developer_id uuid NOT NULL DEFAULT devapp.uuid_v7(),
    email text NOT NULL,
    first_name text,
    last_name text,
    user_name text,
    status text NOT NULL DEFAULT 'active',
    attributes jsonb NOT NULL DEFAULT '{}',
    decided_by text,
    decided_at timestamptz,
    decision_note text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    erased_at timestamptz,
    CONSTRAINT developer_pkey PRIMARY KEY (developer_id)
);
COMMENT ON TABLE devapp.developer IS 'Developers, who can own apps and be members of teams';
COMMENT ON COLUMN devapp.developer.email IS 'Unique, case-insensitively, among developers that are not deleted';
COMMENT ON COLUMN devapp.developer.status IS 'active or inactive; the keys of an inactive developer''s apps do not work';
COMMENT ON COLUMN devapp.developer.attributes IS 'Up to 18 names, each with a string value';
COMMENT ON COLUMN devapp.developer.decided_by IS 'Role that last changed the status';
COMMENT ON COLUMN devapp.developer.deleted_at IS 'When it was deleted; the row is kept for the history';
COMMENT ON COLUMN devapp.developer.erased_at IS 'When the personal data were erased by devapp.erase_developer';
SELECT devapp_internal.grant_on('TABLE', 'devapp.developer', 'SELECT, INSERT, UPDATE', 'admin');
SELECT devapp_internal.grant_on('TABLE', 'devapp.developer', 'SELECT (developer_id, email, first_name, last_name, user_name, status, created_at, updated_at, deleted_at, erased_at)', 'developer');
SELECT pg_extension_config_dump('devapp.developer', '');
CREATE UNIQUE INDEX developer_email_key ON devapp.developer (devapp_internal.email_key(email)) WHERE deleted_at IS NULL;
-- whoever was deleted cannot register again
CREATE INDEX developer_deleted_email_idx ON devapp.developer (devapp_internal.email_key(email)) WHERE deleted_at IS NOT NULL;

-- A row that nobody has made is not there, so that a dump that is restored finds none either.
CREATE TABLE devapp.registration_policy (
    only_row boolean NOT NULL DEFAULT true,
    enabled boolean NOT NULL,
    domains text[] NOT NULL DEFAULT '{}',
    approval_needed boolean NOT NULL DEFAULT true,
    attributes text[] NOT NULL DEFAULT '{}',
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT registration_policy_pkey PRIMARY KEY (only_row),
    CONSTRAINT registration_policy_is_one CHECK (only_row)
);
COMMENT ON TABLE devapp.registration_policy IS 'Whether people can register as developers, in a single row; no row: they cannot';
COMMENT ON COLUMN devapp.registration_policy.enabled IS 'Whether people can register';
COMMENT ON COLUMN devapp.registration_policy.domains IS 'Allowed e-mail domains; *.example.com: example.com and its subdomains; empty: all';
COMMENT ON COLUMN devapp.registration_policy.approval_needed IS 'Whether new developers are inactive until an administrator activates them';
COMMENT ON COLUMN devapp.registration_policy.attributes IS 'Names of the attributes that can be set at registration';
SELECT devapp_internal.grant_on('TABLE', 'devapp.registration_policy', 'SELECT, INSERT, UPDATE', 'admin');
SELECT pg_extension_config_dump('devapp.registration_policy', '');

CREATE TABLE devapp.team (
    team_id uuid NOT NULL DEFAULT devapp.uuid_v7(),
    name text NOT NULL,
    display_name text,
    status text NOT NULL DEFAULT 'active',
    attributes jsonb NOT NULL DEFAULT '{}',
    decided_by text,
    decided_at timestamptz,
    decision_note text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CONSTRAINT team_pkey PRIMARY KEY (team_id)
);
COMMENT ON TABLE devapp.team IS 'Teams of developers, which can own apps';
COMMENT ON COLUMN devapp.team.name IS 'Unique among teams that are not deleted; cannot be changed';
COMMENT ON COLUMN devapp.team.status IS 'active or inactive; the keys of an inactive team''s apps do not work';
SELECT devapp_internal.grant_on('TABLE', 'devapp.team', 'SELECT, INSERT, UPDATE', 'admin');
SELECT devapp_internal.grant_on('TABLE', 'devapp.team', 'SELECT (team_id, name, display_name, status, created_at, updated_at, deleted_at)', 'developer');
SELECT pg_extension_config_dump('devapp.team', '');
CREATE UNIQUE INDEX team_name_key ON devapp.team (name) WHERE deleted_at IS NULL;

CREATE TABLE devapp.team_member (
    team_id uuid NOT NULL,
    developer_id uuid NOT NULL,
    role text NOT NULL DEFAULT 'member',
    created_at timestamptz NOT NULL DEFAULT now(),
    environments text[],
    CONSTRAINT team_member_pkey PRIMARY KEY (team_id, developer_id),
    CONSTRAINT team_member_environments_check CHECK (environments IS NULL OR cardinality(environments) > 0),
    CONSTRAINT team_member_team_id_fkey FOREIGN KEY (team_id) REFERENCES devapp.team,
    CONSTRAINT team_member_developer_id_fkey FOREIGN KEY (developer_id) REFERENCES devapp.developer
);
COMMENT ON TABLE devapp.team_member IS 'Memberships of developers in teams';
COMMENT ON COLUMN devapp.team_member.role IS 'admin or member';
COMMENT ON COLUMN devapp.team_member.environments IS 'Environments whose credentials the member can see; null: all, and credentials without one';
SELECT devapp_internal.grant_on('TABLE', 'devapp.team_member', 'SELECT, INSERT, UPDATE, DELETE', 'admin');
SELECT devapp_internal.grant_on('TABLE', 'devapp.team_member', 'SELECT', 'developer');
SELECT pg_extension_config_dump('devapp.team_member', '');
CREATE INDEX team_member_developer_id_idx ON devapp.team_member (developer_id);

-- Open invitations; the address need not be a developer's.
CREATE TABLE devapp.team_invitation (
    invitation_id uuid NOT NULL DEFAULT devapp.uuid_v7(),
    team_id uuid NOT NULL,
    email text NOT NULL,
    role text NOT NULL DEFAULT 'member',
    invited_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    environments text[],
    CONSTRAINT team_invitation_environments_check CHECK (environments IS NULL OR cardinality(environments) > 0),
    CONSTRAINT team_invitation_pkey PRIMARY KEY (invitation_id),
    CONSTRAINT team_invitation_team_id_fkey FOREIGN KEY (team_id) REFERENCES devapp.team,
    CONSTRAINT team_invitation_invited_by_fkey FOREIGN KEY (invited_by) REFERENCES devapp.developer
);
COMMENT ON TABLE devapp.team_invitation IS 'Open invitations to teams';
COMMENT ON COLUMN devapp.team_invitation.email IS 'E-mail address of the invited person, who need not be a developer yet';
COMMENT ON COLUMN devapp.team_invitation.role IS 'admin or member';
COMMENT ON COLUMN devapp.team_invitation.environments IS 'Environments whose credentials the member will see; null: all';
COMMENT ON COLUMN devapp.team_invitation.invited_by IS 'Inviting admin of the team; null: an administrator of the developer program';
COMMENT ON COLUMN devapp.team_invitation.expires_at IS 'When the invitation expires';
SELECT devapp_internal.grant_on('TABLE', 'devapp.team_invitation', 'SELECT', 'admin', 'developer');
SELECT pg_extension_config_dump('devapp.team_invitation', '');
CREATE UNIQUE INDEX team_invitation_email_key ON devapp.team_invitation (team_id, devapp_internal.email_key(email));
CREATE INDEX team_invitation_invited_idx ON devapp.team_invitation (devapp_internal.email_key(email));
CREATE INDEX team_invitation_invited_by_idx ON devapp.team_invitation (invited_by) WHERE invited_by IS NOT NULL;
