-- Identifiers, ordered by time so that inserts stay local in their indexes.

CREATE FUNCTION devapp.uuid_v7() RETURNS uuid
    LANGUAGE c VOLATILE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_uuid_v7';
COMMENT ON FUNCTION devapp.uuid_v7() IS 'A time-ordered UUID (RFC 9562, version 7)';
SELECT devapp_internal.grant_to('devapp.uuid_v7', 'admin');
