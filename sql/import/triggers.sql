-- Backends remember whether keys of other systems exist (src/import/foreign_key.c).  Also under
-- session_replication_role = replica, and where rows come by logical replication.

CREATE FUNCTION devapp_internal.note_foreign_secret() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_note_foreign_secret';

CREATE TRIGGER note_foreign_secret AFTER INSERT ON devapp.credential_secret FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.note_foreign_secret();
ALTER TABLE devapp.credential_secret ENABLE ALWAYS TRIGGER note_foreign_secret;
