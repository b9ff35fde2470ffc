-- The settings, for functions in SQL.

CREATE FUNCTION devapp._setting(name text) RETURNS text
    LANGUAGE c STABLE STRICT
    AS 'MODULE_PATHNAME', 'devapp_setting';
SELECT devapp_internal.grant_to('devapp._setting', 'admin', 'analyst');

COMMENT ON FUNCTION devapp._setting(text) IS 'Internal: a setting by its name without the prefix';
