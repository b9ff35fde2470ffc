-- Values of callers in errors and notices.  Errors go to the log, and somebody may have put a
-- key where another value belongs: nothing quotes a value but by these.

-- The value without the secrets of keys in it; see src/key/mask.c.
CREATE FUNCTION devapp_internal.masked(value text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_masked';

-- The same in quotation marks where it needs them.
CREATE FUNCTION devapp_internal.quoted(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(quote_ident(devapp_internal.masked(value)), '(null)');
