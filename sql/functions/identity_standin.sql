-- Stand-in for the identity of the caller.

CREATE FUNCTION devapp.act_as(email text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM set_config('standin.actor', coalesce(email, ''), false);
END
$$;
CREATE FUNCTION devapp.current_developer_id() RETURNS uuid
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT d.developer_id FROM devapp.developer d
     WHERE lower(d.email) = lower(current_setting('standin.actor', true)) AND d.deleted_at IS NULL
$$;
CREATE FUNCTION devapp._caller() RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT current_user::text
$$;
COMMENT ON FUNCTION devapp.act_as(text) IS 'Stand-in';
COMMENT ON FUNCTION devapp.current_developer_id() IS 'Stand-in';
COMMENT ON FUNCTION devapp._caller() IS 'Stand-in';
