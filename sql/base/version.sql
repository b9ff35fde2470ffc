-- The version of what is installed in this database, for the library (src/base/version.c).
-- The Makefile puts it in; each update replaces it.

CREATE FUNCTION devapp_internal.catalog_version() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$SELECT '@DEVAPP_VERSION@'$$;
