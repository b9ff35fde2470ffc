-- The form in which names are kept and compared: without blanks around them, and in UTF-8
-- composed (NFC); see src/base/name.c.  Tables have no other, so what a caller gives is put into
-- it before it is compared.

CREATE FUNCTION devapp_internal.canonical_name(name text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_canonical_name';

-- The same for the names of attributes; src/model/validate.c.
CREATE FUNCTION devapp_internal.canonical_attributes(attributes jsonb) RETURNS jsonb
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_canonical_attributes';
