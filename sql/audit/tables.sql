-- The audit trail: one row for each change of a row of the model, written by the
-- trigger audit_row (src/audit/audit_row.c).  Append-only: nobody is granted more than SELECT.

CREATE SEQUENCE devapp.audit_event_id_seq AS bigint;
COMMENT ON SEQUENCE devapp.audit_event_id_seq IS 'Numbers of audit events';
SELECT pg_extension_config_dump('devapp.audit_event_id_seq', '');

-- The columns and their order are those of the serialization in src/audit/audit_entry.c.
-- "before" and "after" hold what changed, by name of the column.
CREATE TABLE devapp.audit_event (
    event_id bigint NOT NULL DEFAULT nextval('devapp.audit_event_id_seq'),
    occurred_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor text,
    db_role text NOT NULL,
    client_addr inet,
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    action text NOT NULL,
    entity text COLLATE "C" NOT NULL,
    entity_id text COLLATE "C" NOT NULL,
    app_id uuid,
    developer_id uuid,
    team_id uuid,
    before jsonb,
    after jsonb,
    note text,
    leaf_hash bytea NOT NULL
) PARTITION BY RANGE (occurred_at);
-- for tools that look at it; changes are replicated by the key of each partition
ALTER TABLE devapp.audit_event REPLICA IDENTITY FULL;
COMMENT ON TABLE devapp.audit_event IS 'The audit trail: one row per change; append-only';
COMMENT ON COLUMN devapp.audit_event.event_id IS 'Ascends with the order of the changes in a transaction; numbers may be missing, after a rollback';
COMMENT ON COLUMN devapp.audit_event.occurred_at IS 'When the change was made by the server''s clock; it takes effect at the commit';
COMMENT ON COLUMN devapp.audit_event.actor IS 'Pseudonym of the developer who acted, see devapp.pseudonym; null: none';
COMMENT ON COLUMN devapp.audit_event.db_role IS 'Database role of the session, after SET ROLE';
COMMENT ON COLUMN devapp.audit_event.client_addr IS 'Address of the client; null: Unix-domain socket';
COMMENT ON COLUMN devapp.audit_event.transaction_id IS 'Transaction of the change';
COMMENT ON COLUMN devapp.audit_event.action IS 'create, update, delete, remove, transfer, issue, rotate, or the action of a lifecycle: approve, revoke, ...';
COMMENT ON COLUMN devapp.audit_event.entity IS 'Table of the row: app, credential, ...';
COMMENT ON COLUMN devapp.audit_event.entity_id IS 'Key of the row; several columns are separated by /, as in team_id/developer_id';
COMMENT ON COLUMN devapp.audit_event.app_id IS 'App that the row belongs to';
COMMENT ON COLUMN devapp.audit_event.developer_id IS 'Developer who owned the app at the time, or who is the subject of the row';
COMMENT ON COLUMN devapp.audit_event.team_id IS 'Team that owned the app at the time, or that is the subject of the row';
COMMENT ON COLUMN devapp.audit_event.before IS 'Old values of the changed columns; for a deleted row, all that were not null';
COMMENT ON COLUMN devapp.audit_event.after IS 'New values of the changed columns; for a new row, all that are not null';
COMMENT ON COLUMN devapp.audit_event.note IS 'Why the status changed';
COMMENT ON COLUMN devapp.audit_event.leaf_hash IS 'SHA-256 of a zero byte and devapp.audit_entry() of the row: the leaf of RFC 6962';
SELECT devapp_internal.grant_on('TABLE', 'devapp.audit_event', 'SELECT', 'admin', 'auditor');
SELECT devapp_internal.grant_on('TABLE', 'devapp.audit_event', 'SELECT (event_id, occurred_at, actor, action, entity, entity_id, app_id, developer_id, team_id, before, after, note)', 'developer');
SELECT pg_extension_config_dump('devapp.audit_event', '');

-- The months are made by devapp.maintain_audit(), with the indexes of this one.
-- They are no members of the extension, so that pg_dump takes their definitions
-- along.  That is also why key and indexes are those of the partitions, and the
-- table above has none: attaching would make them before the dump does, and the
-- restore would fail.  The key is as strong: it holds the partition's column.
CREATE TABLE devapp.audit_event_default PARTITION OF devapp.audit_event (
    CONSTRAINT audit_event_default_pkey PRIMARY KEY (event_id, occurred_at)
) DEFAULT;
COMMENT ON TABLE devapp.audit_event_default IS 'Audit events of months without a partition, until devapp.maintain_audit() moves them';
SELECT pg_extension_config_dump('devapp.audit_event_default', '');
CREATE INDEX audit_event_default_app_idx ON devapp.audit_event_default (app_id, event_id) WHERE app_id IS NOT NULL;
CREATE INDEX audit_event_default_developer_idx ON devapp.audit_event_default (developer_id, event_id) WHERE developer_id IS NOT NULL;
CREATE INDEX audit_event_default_team_idx ON devapp.audit_event_default (team_id, event_id) WHERE team_id IS NOT NULL;
CREATE INDEX audit_event_default_entity_idx ON devapp.audit_event_default (entity, entity_id, event_id);
CREATE INDEX audit_event_default_transaction_idx ON devapp.audit_event_default (transaction_id);
-- who did something, and when
CREATE INDEX audit_event_default_actor_idx ON devapp.audit_event_default (actor, occurred_at) WHERE actor IS NOT NULL;
CREATE INDEX audit_event_default_occurred_at_idx ON devapp.audit_event_default (occurred_at);
-- who owned an app before: few of many, for reports
CREATE INDEX audit_event_default_transfer_idx ON devapp.audit_event_default (app_id, event_id) WHERE entity = 'app' AND action = 'transfer';

-- What stands for a person in events, and what for; devapp.erase_developer() empties it of them
-- (erase.sql).  A pseudonym is no e-mail and no name of a role: it has a colon.
CREATE TABLE devapp.pseudonym (
    pseudonym text NOT NULL DEFAULT 'person:' || gen_random_uuid(),
    developer_id uuid,
    value jsonb NOT NULL,
    CONSTRAINT pseudonym_pkey PRIMARY KEY (pseudonym)
);
COMMENT ON TABLE devapp.pseudonym IS 'Personal data that pseudonyms in the audit trail stand for, until they are erased';
COMMENT ON COLUMN devapp.pseudonym.developer_id IS 'Developer to whom it belongs; null: an e-mail address that was not a developer''s';
COMMENT ON COLUMN devapp.pseudonym.value IS 'E-mail, name or attributes';
SELECT devapp_internal.grant_on('TABLE', 'devapp.pseudonym', 'SELECT', 'admin', 'auditor');
SELECT pg_extension_config_dump('devapp.pseudonym', '');
CREATE INDEX pseudonym_developer_id_idx ON devapp.pseudonym (developer_id);
CREATE INDEX pseudonym_value_idx ON devapp.pseudonym USING hash (value);

CREATE TABLE devapp.legal_hold (
    hold_id uuid NOT NULL DEFAULT devapp.uuid_v7(),
    developer_id uuid,
    month date,
    note text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT legal_hold_pkey PRIMARY KEY (hold_id),
    CONSTRAINT legal_hold_developer_id_key UNIQUE (developer_id),
    CONSTRAINT legal_hold_month_key UNIQUE (month),
    CONSTRAINT legal_hold_developer_id_fkey FOREIGN KEY (developer_id) REFERENCES devapp.developer,
    CONSTRAINT legal_hold_is_of_one CHECK (num_nonnulls(developer_id, month) = 1)
);
COMMENT ON TABLE devapp.legal_hold IS 'Legal holds: developers, and months of the audit trail, that must not be erased';
COMMENT ON COLUMN devapp.legal_hold.month IS 'First day of the month, in UTC';
SELECT devapp_internal.grant_on('TABLE', 'devapp.legal_hold', 'SELECT', 'admin', 'auditor');
SELECT pg_extension_config_dump('devapp.legal_hold', '');
