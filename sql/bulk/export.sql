-- Export of apps, without secrets, and with digests only for superusers.  Nothing is locked, so it runs on a standby.

CREATE FUNCTION devapp_internal.pepper_fingerprint(number integer) RETURNS text
    LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'devapp_pepper_fingerprint';

-- A digest as import_apps() takes it.  A slow hash came from elsewhere, and goes as it came.
CREATE FUNCTION devapp_internal.exported_digest(digest devapp.secret_digest, scheme text) RETURNS jsonb
    LANGUAGE sql STABLE
    RETURN CASE WHEN scheme IN ('blake2b', 'sha256', 'sha512_256')
                THEN jsonb_build_object('scheme', 'devapp', 'secret_hash',
                         concat_ws(':', scheme, devapp.secret_digest_pepper(digest), split_part(digest::text, ':', 3),
                                   devapp_internal.pepper_fingerprint(devapp.secret_digest_pepper(digest))))
                ELSE jsonb_build_object('scheme', scheme, 'secret_hash', substr(digest::text, length(scheme) + 2)) END;

-- The secrets of a credential that work now: the current one, and those that a rotation left for a while.
-- A token works by the key that signed it, which stays here.
CREATE FUNCTION devapp_internal.exported_secrets(credential_id uuid) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce((jsonb_agg(devapp_internal.exported_digest(s.digest, s.scheme)) FILTER (WHERE s.superseded_at IS NULL)) -> 0, '{}')
           || jsonb_build_object('superseded',
                  coalesce(jsonb_agg(devapp_internal.exported_digest(s.digest, s.scheme) || jsonb_build_object('valid_until', s.valid_until)
                                     ORDER BY s.version) FILTER (WHERE s.superseded_at IS NOT NULL), '[]'))
      FROM devapp.credential_secret s
     WHERE s.credential_id = exported_secrets.credential_id
       AND s.purpose <> 'token'
       AND (s.superseded_at IS NULL OR (s.ended_at IS NULL AND s.valid_until > now()))
$$;

CREATE FUNCTION devapp_internal.export_apps(filter jsonb, with_digests boolean) RETURNS SETOF jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF with_digests AND NOT devapp_internal.is_superuser() THEN
        RAISE EXCEPTION 'only superusers may export digests'
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Export without digests, or ask a superuser.';
    END IF;
    RETURN QUERY
    SELECT jsonb_build_object(
               'app_id', a.app_id,
               'name', a.name,
               'display_name', a.display_name,
               'description', a.description,
               'developer', d.email,
               'team', t.name,
               'status', a.status,
               'decided_by', a.decided_by,
               'decided_at', a.decided_at,
               'decision_note', a.decision_note,
               'callback_urls', a.callback_urls,
               'scopes', a.scopes,
               'allowed_cidrs', a.allowed_cidrs,
               'app_family', a.app_family,
               'attributes', a.attributes,
               'created_at', a.created_at,
               'updated_at', a.updated_at,
               'deleted_at', a.deleted_at,
               'credentials', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                               'credential_id', c.credential_id,
                               'consumer_key', c.consumer_key,
                               'label', c.label,
                               'replaces', c.replaces,
                               'kind', c.kind,
                               'environment', c.environment,
                               'status', c.status,
                               'scopes', c.scopes,
                               'allowed_cidrs', c.allowed_cidrs,
                               'attributes', c.attributes,
                               'issued_at', c.issued_at,
                               'expires_at', c.expires_at,
                               'revoked_at', c.revoked_at,
                               'products', (SELECT coalesce(jsonb_agg(jsonb_build_object('name', p.name, 'status', cp.status)
                                                                      ORDER BY cp.ordinal), '[]')
                                              FROM devapp.credential_product cp
                                              JOIN devapp.product p ON p.product_id = cp.product_id
                                             WHERE cp.credential_id = c.credential_id AND cp.removed_at IS NULL))
                               || CASE WHEN with_digests THEN devapp_internal.exported_secrets(c.credential_id) ELSE '{}' END
                               ORDER BY c.credential_id), '[]')
                      FROM devapp.credential c
                     WHERE c.app_id = a.app_id AND c.deleted_at IS NULL))
      FROM devapp_internal.find_apps(filter) AS a
      LEFT JOIN devapp.developer d ON d.developer_id = a.developer_id
      LEFT JOIN devapp.team t ON t.team_id = a.team_id
     ORDER BY a.app_id;
END
$$;

CREATE FUNCTION devapp.export_apps(filter jsonb DEFAULT '{}', with_digests boolean DEFAULT false) RETURNS SETOF jsonb
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.export_apps(jsonb, boolean) IS
    'Exports apps with credentials and products, without secrets; digests of secrets only for superusers';
SELECT devapp_internal.grant_to('devapp.export_apps', 'admin');

-- A spreadsheet takes a cell that starts like this for a formula; some take the fullwidth
-- forms of the same signs (U+FF1D, U+FF0B, U+FF0D, U+FF20) as well.
CREATE FUNCTION devapp_internal.starts_formula(value text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN value ~ E'^[-=+@\t\r\n]'
        OR CASE WHEN getdatabaseencoding() <> 'SQL_ASCII'
                THEN convert_to(left(value, 1), 'UTF8') IN (decode('efbc9d', 'hex'), decode('efbc8b', 'hex'), decode('efbc8d', 'hex'), decode('efbca0', 'hex')) ELSE false END;

CREATE FUNCTION devapp_internal.csv_cell(value text, escape_formulas boolean) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN escape_formulas AND devapp_internal.starts_formula(value) THEN '''' || value ELSE value END;

CREATE FUNCTION devapp_internal.export_apps_table(filter jsonb, escape_formulas boolean)
    RETURNS TABLE (
        app_id uuid,
        app_name text,
        display_name text,
        developer text,
        team text,
        app_status text,
        app_family text,
        attributes text,
        created_at timestamptz,
        credential_id uuid,
        consumer_key text,
        label text,
        replaces uuid,
        kind text,
        environment text,
        credential_status text,
        issued_at timestamptz,
        expires_at timestamptz,
        product text,
        product_status text
    )
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.app_id, devapp_internal.csv_cell(a.name, escape_formulas), devapp_internal.csv_cell(a.display_name, escape_formulas),
           devapp_internal.csv_cell(d.email, escape_formulas), devapp_internal.csv_cell(t.name, escape_formulas), a.status,
           devapp_internal.csv_cell(a.app_family, escape_formulas), a.attributes::text, a.created_at,
           c.credential_id, devapp_internal.csv_cell(c.consumer_key, escape_formulas),
           devapp_internal.csv_cell(c.label, escape_formulas), c.replaces, c.kind, c.environment, c.status,
           c.issued_at, c.expires_at, devapp_internal.csv_cell(p.name, escape_formulas), cp.status
      FROM devapp_internal.find_apps(filter) AS a
      LEFT JOIN devapp.developer d ON d.developer_id = a.developer_id
      LEFT JOIN devapp.team t ON t.team_id = a.team_id
      LEFT JOIN devapp.credential c ON c.app_id = a.app_id AND c.deleted_at IS NULL
      LEFT JOIN devapp.credential_product cp ON cp.credential_id = c.credential_id AND cp.removed_at IS NULL
      LEFT JOIN devapp.product p ON p.product_id = cp.product_id
     ORDER BY a.app_id, c.credential_id, cp.ordinal
$$;

CREATE FUNCTION devapp.export_apps_table(filter jsonb DEFAULT '{}', escape_formulas boolean DEFAULT true)
    RETURNS TABLE (
        app_id uuid,
        app_name text,
        display_name text,
        developer text,
        team text,
        app_status text,
        app_family text,
        attributes text,
        created_at timestamptz,
        credential_id uuid,
        consumer_key text,
        label text,
        replaces uuid,
        kind text,
        environment text,
        credential_status text,
        issued_at timestamptz,
        expires_at timestamptz,
        product text,
        product_status text
    )
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.export_apps_table(jsonb, boolean) IS
    'Exports apps for COPY ... TO ... (FORMAT csv): one row per product of each credential';
SELECT devapp_internal.grant_to('devapp.export_apps_table', 'admin');
