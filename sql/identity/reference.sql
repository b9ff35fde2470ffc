-- From a reference, as a person types it, to an id (sql/app/types.sql, sql/credential/types.sql).
-- These know every app and credential; who calls them asks whether the caller may see what was
-- found, and says in the words of refuse_reference() that it does not exist if not.

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

CREATE FUNCTION devapp_internal.credential_id_of(credential devapp.credential_ref) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    typed text := btrim(credential::text);
    the_credential uuid := devapp_internal.reference_uuid(typed);
BEGIN
    IF the_credential IS NULL THEN
        SELECT c.credential_id INTO the_credential FROM devapp.credential c
         WHERE c.consumer_key = CASE WHEN starts_with(typed, 'key:') THEN substr(typed, 5) ELSE typed END
           AND c.deleted_at IS NULL;
    END IF;
    RETURN the_credential;
END
$$;

-- Instead of its name somebody may have given an imported key, which looks like no key of ours.
CREATE FUNCTION devapp_internal.quoted_reference(kind text, typed text) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF kind = 'credential' AND (devapp_internal.version_of_secret(btrim(typed))).secret_id IS NOT NULL THEN
        RETURN '********';
    END IF;
    RETURN devapp_internal.quoted(typed);
END
$$;

-- An auditor may not read devapp.app, but the report of it.
CREATE FUNCTION devapp_internal.refuse_reference(kind text, typed text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION '% % does not exist', kind, devapp_internal.quoted_reference(kind, typed)
        USING ERRCODE = 'undefined_object',
              HINT = CASE WHEN kind <> 'app'
                          THEN 'Give its id or consumer key; SELECT credential_id, consumer_key FROM devapp.credential lists those that you can see.'
                          WHEN has_any_column_privilege(devapp_internal.entry_role(), 'devapp.app', 'SELECT')
                          THEN 'Give its id or owner/name; SELECT app_id, name FROM devapp.app lists those that you can see.'
                          ELSE 'Give its id or owner/name; SELECT app_id, app_path FROM devapp_report.apps lists them.' END;
END
$$;
