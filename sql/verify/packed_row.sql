-- The rows of the model as verification reads them: a copy of what it needs of each, in one
-- small table; see src/table/packed_row.c.  The table has no index, trigger or policy more than
-- it needs, because each new connection reads them.  Nobody has rights to it.

CREATE TABLE devapp_internal.packed_row (
    subject uuid NOT NULL,
    kind "char" NOT NULL,
    item uuid NOT NULL,
    body bytea NOT NULL,
    CONSTRAINT packed_row_pkey PRIMARY KEY (subject, kind, item)
);
-- What is written is looked for by the primary key, what is read by this: the cost is the
-- same however many rows there are.
CREATE INDEX packed_row_subject_idx ON devapp_internal.packed_row USING hash (subject);
COMMENT ON TABLE devapp_internal.packed_row IS 'Copies of rows for verification; written by triggers, not dumped';
COMMENT ON COLUMN devapp_internal.packed_row.subject IS 'Lookup key: an id, half of one, or a hash of a consumer key';
COMMENT ON COLUMN devapp_internal.packed_row.kind IS 'Table of the row, see src/table/packed_row.h';
COMMENT ON COLUMN devapp_internal.packed_row.item IS 'Identifies the row';
COMMENT ON COLUMN devapp_internal.packed_row.body IS 'The columns that verification reads';

-- An id for the credential of a key, so that the copies of the credential, its secrets and its
-- products are found together.  It is time-ordered like all ids; another one works as well.
CREATE FUNCTION devapp_internal.new_credential_id(consumer_key text) RETURNS uuid
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'devapp_new_credential_id';

CREATE FUNCTION devapp_internal.pack_row() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_pack_row';
CREATE FUNCTION devapp_internal.fill_packed_rows() RETURNS bigint
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_fill_packed_rows';

-- Compare rows with their copies, of each table so many.  Missing ones only cost time.
CREATE FUNCTION devapp_internal.check_packed_rows(most bigint DEFAULT 9223372036854775807, OUT checked bigint, OUT missing bigint, OUT wrong bigint)
    LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'devapp_check_packed_rows';

-- Make all copies anew.  The owner calls it: where triggers were off while rows changed.
CREATE FUNCTION devapp_internal.rebuild_packed_rows() RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    LOCK TABLE devapp.developer, devapp.team, devapp.app, devapp.app_quota, devapp.credential, devapp.credential_secret,
               devapp.credential_product, devapp.product, devapp.product_operation IN SHARE MODE;
    TRUNCATE devapp_internal.packed_row;
    RETURN devapp_internal.fill_packed_rows();
END
$$;

CREATE FUNCTION devapp_internal.repack_rows() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM devapp_internal.rebuild_packed_rows();
    RETURN NULL;
END
$$;

-- A publication of all tables publishes copies too, but the triggers of a subscriber make them.
CREATE FUNCTION devapp_internal.keep_packed_row() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN NULL;
END
$$;
CREATE TRIGGER keep_packed_row BEFORE INSERT OR UPDATE OR DELETE ON devapp_internal.packed_row FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.keep_packed_row();
ALTER TABLE devapp_internal.packed_row ENABLE ALWAYS TRIGGER keep_packed_row;
