-- From what a person types to a row.  The row is locked: FOR NO KEY UPDATE where it is
-- about to change, FOR SHARE where something is about to depend on it.

-- These lock a row and return it, or null where there is no such row (src/table/lock_row.c).  Names
-- and e-mail addresses have to be in the form in which they are compared; they find only rows that
-- are not deleted.
CREATE FUNCTION devapp_internal.lock_app(app_id uuid, for_update boolean) RETURNS devapp.app
    LANGUAGE c STRICT
    AS 'MODULE_PATHNAME', 'devapp_lock_app';
CREATE FUNCTION devapp_internal.lock_credential(credential_id uuid, for_update boolean) RETURNS devapp.credential
    LANGUAGE c STRICT
    AS 'MODULE_PATHNAME', 'devapp_lock_credential';
CREATE FUNCTION devapp_internal.lock_developer(email_key text, for_update boolean) RETURNS devapp.developer
    LANGUAGE c STRICT
    AS 'MODULE_PATHNAME', 'devapp_lock_developer';
CREATE FUNCTION devapp_internal.lock_product(name text, for_update boolean) RETURNS devapp.product
    LANGUAGE c STRICT
    AS 'MODULE_PATHNAME', 'devapp_lock_product';
CREATE FUNCTION devapp_internal.lock_team(name text, for_update boolean) RETURNS devapp.team
    LANGUAGE c STRICT
    AS 'MODULE_PATHNAME', 'devapp_lock_team';

CREATE FUNCTION devapp_internal.find_developer(email text, for_update boolean) RETURNS devapp.developer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_row devapp.developer := devapp_internal.lock_developer(devapp_internal.email_key(find_developer.email), for_update);
BEGIN
    IF found_row.developer_id IS NULL THEN
        RAISE EXCEPTION 'developer % does not exist', devapp_internal.quoted(find_developer.email)
            USING ERRCODE = 'undefined_object',
                  HINT = CASE WHEN devapp_internal.is_admin() THEN 'Give the e-mail address of a developer; create one with devapp.create_developer.'
                              ELSE 'Give the e-mail address of a registered developer.' END;
    END IF;
    RETURN found_row;
END
$$;

CREATE FUNCTION devapp_internal.find_team(name text, for_update boolean) RETURNS devapp.team
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_row devapp.team := devapp_internal.lock_team(devapp_internal.canonical_name(find_team.name), for_update);
BEGIN
    IF found_row.team_id IS NULL THEN
        RAISE EXCEPTION 'team % does not exist', devapp_internal.quoted(find_team.name)
            USING ERRCODE = 'undefined_object',
                  HINT = 'Give the name of a team; create one with devapp.create_team.';
    END IF;
    RETURN found_row;
END
$$;

-- Also where there is such a product that the caller may not know of.  The hint names
-- functions and views for those who may use them.
CREATE FUNCTION devapp_internal.refuse_product(name text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'product % does not exist', devapp_internal.quoted(name)
        USING ERRCODE = 'undefined_object',
              HINT = CASE WHEN devapp_internal.is_admin() THEN 'Give the name of a product; create one with devapp.create_product.'
                          ELSE 'SELECT product FROM devapp.my_products lists those that you can request.' END;
END
$$;

CREATE FUNCTION devapp_internal.find_product(name text, for_update boolean) RETURNS devapp.product
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_row devapp.product := devapp_internal.lock_product(devapp_internal.canonical_name(find_product.name), for_update);
BEGIN
    IF found_row.product_id IS NULL THEN
        PERFORM devapp_internal.refuse_product(find_product.name);
    END IF;
    RETURN found_row;
END
$$;

CREATE FUNCTION devapp_internal.find_app(app devapp.app_ref, for_update boolean) RETURNS devapp.app
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_row devapp.app := devapp_internal.lock_app(devapp_internal.app_id_of(app), for_update);
BEGIN
    IF found_row.app_id IS NULL THEN
        PERFORM devapp_internal.refuse_app(app::text);
    END IF;
    RETURN found_row;
END
$$;

-- An app that is about to change: a deleted one does not exist any more, however it is named.
CREATE FUNCTION devapp_internal.find_live_app(app devapp.app_ref, for_update boolean) RETURNS devapp.app
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_row devapp.app := devapp_internal.find_app(app, for_update);
BEGIN
    IF found_row.status = 'deleted' THEN
        PERFORM devapp_internal.refuse_app(app::text);
    END IF;
    RETURN found_row;
END
$$;

-- A credential is always locked for update: whoever asks for one changes it, or
-- adds a secret or a product to it.  Its app is locked first, as everywhere; for update
-- where a decision on a product may be one on the app (sql/approval/waiting.sql).
CREATE FUNCTION devapp_internal.find_credential(credential devapp.credential_ref, app_for_update boolean DEFAULT false) RETURNS devapp.credential
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_credential uuid := devapp_internal.credential_id_of(credential);
    of_app uuid;
    found_row devapp.credential;
    the_app devapp.app;
BEGIN
    SELECT c.app_id INTO of_app FROM devapp.credential c
     WHERE c.credential_id = the_credential AND c.deleted_at IS NULL;
    IF FOUND THEN
        the_app := devapp_internal.lock_app(of_app, app_for_update);
        found_row := devapp_internal.lock_credential(the_credential, true);
    END IF;
    -- it or its app may have been deleted while this waited for the lock
    IF found_row.credential_id IS NULL OR found_row.deleted_at IS NOT NULL OR the_app.status = 'deleted' THEN
        PERFORM devapp_internal.refuse_credential(credential::text);
    END IF;
    RETURN found_row;
END
$$;

-- What counts dependants must see those that were committed meanwhile.
CREATE FUNCTION devapp_internal.require_read_committed(what text DEFAULT 'delete') RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION 'cannot % in a transaction of isolation level %', what, current_setting('transaction_isolation')
            USING ERRCODE = 'active_sql_transaction',
                  HINT = 'Use a READ COMMITTED transaction: an older snapshot does not show what others have changed since.';
    END IF;
END
$$;

-- In an update an argument that is left out stays, and '' clears.
CREATE FUNCTION devapp_internal.changed_value(old_value text, new_value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN new_value IS NULL THEN old_value ELSE nullif(new_value, '') END;
