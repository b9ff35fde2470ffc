-- From a reference, as a person types it, to an id (sql/app/types.sql, sql/credential/types.sql).
-- These know every app and credential; who calls them asks whether the caller may see what was
-- found, and says in the words of refuse_app() or refuse_credential() that it does not exist if not.

-- What has the form of a UUID is an id, whether a row has it or not; else null.
CREATE FUNCTION devapp_internal.reference_uuid(typed text) RETURNS uuid
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_reference_uuid';

-- The owner's part of a reference, in which %2F and %25 stand for / and %.
CREATE FUNCTION devapp_internal.reference_owner(owner text, OUT developer_id uuid, OUT team_id uuid)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    decoded text := btrim(replace(regexp_replace(owner, '%2F', '/', 'gi'), '%25', '%'));
BEGIN
    IF starts_with(decoded, 'team:') THEN
        SELECT t.team_id INTO team_id FROM devapp.team t
         WHERE t.name = devapp_internal.canonical_name(substr(decoded, 6)) AND t.deleted_at IS NULL;
    ELSE
        SELECT d.developer_id INTO developer_id FROM devapp.developer d
         WHERE devapp_internal.email_key(d.email) = devapp_internal.email_key(decoded) AND d.deleted_at IS NULL;
    END IF;
END
$$;

-- A name finds live apps only: that of a deleted one may be another's by now.
CREATE FUNCTION devapp_internal.app_id_of(app devapp.app_ref) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    typed text := app::text;
    the_app uuid := devapp_internal.reference_uuid(typed);
    slash integer := strpos(typed, '/');
    owner record;
    app_name text;
BEGIN
    IF the_app IS NULL AND slash > 0 THEN
        owner := devapp_internal.reference_owner(left(typed, slash - 1));
        app_name := devapp_internal.canonical_name(substr(typed, slash + 1));
        SELECT a.app_id INTO the_app FROM devapp.app a
         WHERE a.name = app_name AND a.deleted_at IS NULL
           AND (a.developer_id = owner.developer_id OR a.team_id = owner.team_id);
    END IF;
    RETURN the_app;
END
$$;

-- The credential with this consumer key, which may be a whole key by mistake (src/table/find_credential.c).
CREATE FUNCTION devapp_internal.credential_by_key(consumer_key text, or_deleted boolean) RETURNS uuid
    LANGUAGE c STABLE STRICT
    AS 'MODULE_PATHNAME', 'devapp_credential_by_key';

-- The consumer key of a reference to a credential, or what was given in its place.
CREATE FUNCTION devapp_internal.reference_key(typed text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN regexp_replace(btrim(typed), '^key:', '');

CREATE FUNCTION devapp_internal.credential_id_of(credential devapp.credential_ref) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN coalesce(devapp_internal.reference_uuid(btrim(credential::text)),
                    devapp_internal.credential_by_key(devapp_internal.reference_key(credential::text), or_deleted => false));
END
$$;

-- What messages call an app and a credential: what people type.
CREATE FUNCTION devapp_internal.app_label(app_id uuid) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_internal.quoted(n.app_path) FROM devapp_internal.named_app n WHERE n.app_id = app_label.app_id
$$;

CREATE FUNCTION devapp_internal.credential_label(credential_id uuid) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT '"' || c.consumer_key || '"' FROM devapp.credential c WHERE c.credential_id = credential_label.credential_id
$$;

-- May the caller know that there was this app?
CREATE FUNCTION devapp_internal.may_know_app(developer_id uuid, team_id uuid) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_internal.is_admin() OR devapp_internal.is_auditor() OR devapp_internal.is_mine(may_know_app.developer_id, may_know_app.team_id)
$$;

-- The deleted app that has this id, or the last one of its owner that had this name.
CREATE FUNCTION devapp_internal.deleted_app(typed text) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_app uuid := devapp_internal.reference_uuid(typed);
    slash integer := strpos(typed, '/');
    owner record;
BEGIN
    IF the_app IS NULL AND slash > 0 THEN
        owner := devapp_internal.reference_owner(left(typed, slash - 1));
        SELECT a.app_id INTO the_app FROM devapp.app a
         WHERE (a.developer_id = owner.developer_id OR a.team_id = owner.team_id)
           AND a.name = devapp_internal.canonical_name(substr(typed, slash + 1)) AND a.deleted_at IS NOT NULL
         ORDER BY a.deleted_at DESC, a.app_id DESC LIMIT 1;
    END IF;
    RETURN (SELECT a.app_id FROM devapp.app a
             WHERE a.app_id = the_app AND a.deleted_at IS NOT NULL AND devapp_internal.may_know_app(a.developer_id, a.team_id));
END
$$;

-- What is said of a deleted credential that has this id or consumer key, or whose app was deleted.
-- The query has its id only: what was typed may be a whole key.
CREATE FUNCTION devapp_internal.deleted_credential(typed text) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_credential uuid := coalesce(devapp_internal.reference_uuid(typed),
                                    devapp_internal.credential_by_key(devapp_internal.reference_key(typed), or_deleted => true));
BEGIN
    RETURN (SELECT CASE WHEN a.deleted_at IS NOT NULL THEN 'the app of ' ELSE '' END
                   || format('credential %s was deleted', devapp_internal.credential_label(c.credential_id))
              FROM devapp.credential c
              JOIN devapp.app a ON a.app_id = c.app_id
             WHERE c.credential_id = the_credential
               AND (c.deleted_at IS NOT NULL OR a.deleted_at IS NOT NULL)
               AND devapp_internal.may_know_app(a.developer_id, a.team_id) AND devapp_internal.has_environment(a.team_id, c.environment));
END
$$;

-- An auditor may not read devapp.app, but the report of it.
CREATE FUNCTION devapp_internal.refuse_app(typed text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    deleted uuid := devapp_internal.deleted_app(typed);
BEGIN
    IF deleted IS NOT NULL THEN
        RAISE EXCEPTION 'app % was deleted', devapp_internal.quoted(typed)
            USING ERRCODE = 'undefined_object',
                  HINT = format('Functions that only read, like devapp.app_history, find it by its id, %s.', deleted);
    END IF;
    RAISE EXCEPTION 'app % does not exist', devapp_internal.quoted(typed)
        USING ERRCODE = 'undefined_object',
              HINT = CASE WHEN has_any_column_privilege(devapp_internal.entry_role(), 'devapp.app', 'SELECT')
                          THEN 'Give its id or owner/name; SELECT app_id, name FROM devapp.app lists those that you can see.'
                          ELSE 'Give its id or owner/name; SELECT app_id, app_path FROM devapp_report.apps lists them.' END;
END
$$;

-- Instead of its name somebody may have given an imported key, which looks like no key of ours.
CREATE FUNCTION devapp_internal.refuse_credential(typed text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    deleted text := devapp_internal.deleted_credential(typed);
BEGIN
    IF deleted IS NOT NULL THEN
        RAISE EXCEPTION '%', deleted
            USING ERRCODE = 'undefined_object',
                  HINT = CASE WHEN starts_with(deleted, 'the app') THEN 'Create another app with devapp.create_app.'
                              ELSE 'Issue another credential with devapp.issue_credential.' END;
    END IF;
    IF (devapp_internal.version_of_secret(btrim(typed))).secret_id IS NOT NULL THEN
        RAISE EXCEPTION 'credential ******** does not exist'
            USING ERRCODE = 'undefined_object',
                  HINT = 'This is a whole key, which may be in a log now. Give the consumer key or the id of the credential, and rotate or revoke it.';
    END IF;
    RAISE EXCEPTION 'credential % does not exist', devapp_internal.quoted(typed)
        USING ERRCODE = 'undefined_object',
              HINT = 'Give its id or consumer key; SELECT credential_id, consumer_key FROM devapp.credential lists those that you can see.';
END
$$;
