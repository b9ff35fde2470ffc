-- The settings, for functions in SQL.

CREATE FUNCTION devapp_internal.setting(name text) RETURNS text
    LANGUAGE c STABLE STRICT
    AS 'MODULE_PATHNAME', 'devapp_setting';
