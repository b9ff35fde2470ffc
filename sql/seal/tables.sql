-- The sealed audit trail: a Merkle tree (RFC 6962) over the hashes of audit events.
-- Written by devapp.seal_audit(), which runs with its owner's rights; nobody but a
-- superuser is granted more than SELECT.

CREATE TABLE devapp.audit_leaf (
    leaf_index bigint NOT NULL,
    event_id bigint NOT NULL,
    leaf_hash bytea NOT NULL,
    CONSTRAINT audit_leaf_pkey PRIMARY KEY (leaf_index),
    CONSTRAINT audit_leaf_event_id_key UNIQUE (event_id)
);
COMMENT ON TABLE devapp.audit_leaf IS 'The log: hashes of audit events in the order in which they were sealed';
COMMENT ON COLUMN devapp.audit_leaf.leaf_index IS 'Place in the log, from 0, without gaps';
COMMENT ON COLUMN devapp.audit_leaf.leaf_hash IS 'leaf_hash of the event when it was sealed';
SELECT devapp_internal.grant_on('TABLE', 'devapp.audit_leaf', 'SELECT', 'admin', 'auditor');
SELECT pg_extension_config_dump('devapp.audit_leaf', '');

CREATE TABLE devapp.audit_node (
    level integer NOT NULL,
    position bigint NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT audit_node_pkey PRIMARY KEY (level, position)
);
COMMENT ON TABLE devapp.audit_node IS 'Complete subtrees of the log, so that proofs need not hash it again';
COMMENT ON COLUMN devapp.audit_node.level IS 'The subtree has 2^level leaves; at least 8';
COMMENT ON COLUMN devapp.audit_node.position IS 'The first leaf of the subtree is position * 2^level';
SELECT devapp_internal.grant_on('TABLE', 'devapp.audit_node', 'SELECT', 'admin', 'auditor');
SELECT pg_extension_config_dump('devapp.audit_node', '');

CREATE TABLE devapp.audit_checkpoint (
    tree_size bigint NOT NULL,
    previous_size bigint,
    root bytea NOT NULL,
    frontier bytea NOT NULL,
    sealed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    xmin_at_seal xid8 NOT NULL,
    system_identifier bigint NOT NULL,
    note text NOT NULL,
    public_key bytea,
    origin text NOT NULL,
    CONSTRAINT audit_checkpoint_pkey PRIMARY KEY (tree_size)
);
COMMENT ON TABLE devapp.audit_checkpoint IS 'Checkpoints: the tree over the log each time events were sealed';
COMMENT ON COLUMN devapp.audit_checkpoint.tree_size IS 'Number of leaves';
COMMENT ON COLUMN devapp.audit_checkpoint.previous_size IS 'tree_size of the checkpoint before; null: it is the first';
COMMENT ON COLUMN devapp.audit_checkpoint.root IS 'Root of the tree (RFC 6962, SHA-256)';
COMMENT ON COLUMN devapp.audit_checkpoint.frontier IS 'Hashes of the complete subtrees, largest first, from which the next seal continues';
COMMENT ON COLUMN devapp.audit_checkpoint.xmin_at_seal IS 'Events of older transactions were all sealed by then';
COMMENT ON COLUMN devapp.audit_checkpoint.system_identifier IS 'Cluster whose transactions xmin_at_seal counts';
COMMENT ON COLUMN devapp.audit_checkpoint.note IS 'The checkpoint as a C2SP signed note, to be exported';
COMMENT ON COLUMN devapp.audit_checkpoint.public_key IS 'Ed25519 key that it is signed with; null: it is not signed';
COMMENT ON COLUMN devapp.audit_checkpoint.origin IS 'First line of the note, the origin of the log (devapp.audit_origin when it was sealed)';
SELECT devapp_internal.grant_on('TABLE', 'devapp.audit_checkpoint', 'SELECT', 'admin', 'auditor');
SELECT pg_extension_config_dump('devapp.audit_checkpoint', '');
