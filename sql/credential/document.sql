-- A credential as one document, with everything about it that its reader may see: neither a
-- secret nor a digest.

-- The credentials of an app that whoever acts may see; the app was looked at before.  Who is limited
-- to environments in its team sees those of these (sql/identity/environment.sql).
CREATE FUNCTION devapp_internal.visible_credentials(app_id uuid) RETURNS SETOF devapp.credential
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.* FROM devapp.credential c
      JOIN devapp.app a ON a.app_id = c.app_id
     WHERE c.app_id = visible_credentials.app_id AND c.deleted_at IS NULL
       AND devapp_internal.has_environment(a.team_id, c.environment)
$$;

CREATE FUNCTION devapp_internal.quota_document(quota_limit bigint, quota_interval integer, quota_unit text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN quota_limit IS NOT NULL
                THEN jsonb_build_object('limit', quota_limit, 'interval', quota_interval, 'unit', quota_unit) END;

CREATE FUNCTION devapp_internal.operations_document(product_id uuid) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object(
               'resource', o.resource::text,
               'methods', o.methods,
               'proxy', o.proxy,
               'quota', devapp_internal.quota_document(o.quota_limit, o.quota_interval, o.quota_unit))
           ORDER BY o.resource::text COLLATE "C", o.methods, o.proxy COLLATE "C" NULLS FIRST), '[]')
      FROM devapp.product_operation o
     WHERE o.product_id = operations_document.product_id
$$;

-- A product as an app has it: with the app's own quota and rate, if there are any.
CREATE FUNCTION devapp_internal.product_document(p devapp.product, app_id uuid) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object(
               'product_id', p.product_id,
               'name', p.name,
               'display_name', p.display_name,
               'description', p.description,
               'environments', p.environments,
               'proxies', p.proxies,
               'scopes', p.scopes,
               'quota', devapp_internal.quota_document(coalesce(q.quota_limit, p.quota_limit), coalesce(q.quota_interval, p.quota_interval),
                                                       coalesce(q.quota_unit, p.quota_unit))
                        || jsonb_build_object('enforcement', p.quota_enforcement, 'time_zone', p.time_zone),
               'rate', CASE WHEN coalesce(q.rate_limit, p.rate_limit) IS NOT NULL
                            THEN jsonb_build_object('limit', coalesce(q.rate_limit, p.rate_limit), 'burst', coalesce(q.rate_burst, p.rate_burst)) END,
               'operations', devapp_internal.operations_document(p.product_id))
      FROM (SELECT 1) AS one
      LEFT JOIN devapp_internal.app_quota_now q ON q.app_id = product_document.app_id AND q.product_id = p.product_id
$$;

-- What a credential asks for, in the order in which the products are asked: each by name, or whole.
CREATE FUNCTION devapp_internal.associations_document(credential_id uuid, app_id uuid, whole boolean) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(jsonb_agg(
               CASE WHEN whole THEN devapp_internal.product_document(p, associations_document.app_id) ELSE jsonb_build_object('name', p.name) END
               || jsonb_build_object(
                   'status', cp.status,
                   'asked_at', cp.created_at,
                   'decided_by', cp.decided_by,
                   'decided_at', cp.decided_at,
                   'decision_note', cp.decision_note)
           ORDER BY cp.ordinal), '[]')
      FROM devapp.credential_product cp
      JOIN devapp.product p ON p.product_id = cp.product_id
     WHERE cp.credential_id = associations_document.credential_id AND cp.removed_at IS NULL
$$;

-- A clock that jumped back must not make anything used in the future; what never was stays null.
CREATE FUNCTION devapp_internal.not_after_now(at timestamptz) RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE WHEN at > now() THEN now() ELSE at END;

CREATE FUNCTION devapp_internal.secrets_document(credential_id uuid) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object(
               'version', s.version,
               'valid_from', s.valid_from,
               'superseded_at', s.superseded_at,
               'valid_until', s.valid_until,
               'ended_at', s.ended_at,
               'last_used_at', devapp_internal.not_after_now(l.last_used_at),
               'last_seen_at', devapp_internal.not_after_now(l.last_seen_at))
           ORDER BY s.version DESC), '[]')
      FROM devapp.credential_secret s
      LEFT JOIN devapp.last_used l ON l.credential_id = s.credential_id AND l.secret_version = s.version
     WHERE s.credential_id = secrets_document.credential_id
$$;

-- What keeps a credential from working, in one word.
CREATE FUNCTION devapp_internal.credential_effective_status(c devapp.credential) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_internal.effective_status(a.status, a.owner_status, c.status, c.expires_at,
               (SELECT bool_and(s.ended_at IS NOT NULL OR coalesce(s.valid_until <= now(), false))
                  FROM devapp.credential_secret s WHERE s.credential_id = c.credential_id))
      FROM devapp_internal.named_app a
     WHERE a.app_id = c.app_id
$$;

CREATE FUNCTION devapp_internal.credential_document(c devapp.credential, whole_products boolean) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object(
               'credential_id', c.credential_id,
               'consumer_key', c.consumer_key,
               'label', c.label,
               'kind', c.kind,
               'environment', c.environment,
               'status', c.status,
               'effective_status', devapp_internal.credential_effective_status(c),
               'decided_by', c.decided_by,
               'decided_at', c.decided_at,
               'decision_note', c.decision_note,
               'scopes', c.scopes,
               'allowed_cidrs', c.allowed_cidrs,
               'attributes', c.attributes,
               'issued_at', c.issued_at,
               'expires_at', c.expires_at,
               'revoked_at', c.revoked_at,
               'replaces', c.replaces,
               'last_used_at', (SELECT devapp_internal.not_after_now(max(l.last_used_at)) FROM devapp.last_used l WHERE l.credential_id = c.credential_id),
               'last_seen_at', (SELECT devapp_internal.not_after_now(max(l.last_seen_at)) FROM devapp.last_used l WHERE l.credential_id = c.credential_id),
               'pending_products', jsonb_path_query_array(x.products, '$[*] ? (@.status == "pending").name'),
               'products', x.products,
               'secrets', devapp_internal.secrets_document(c.credential_id))
      FROM (SELECT devapp_internal.associations_document(c.credential_id, c.app_id, whole_products) AS products) AS x
$$;

-- What of its app stands in the document of a credential.
CREATE FUNCTION devapp_internal.app_summary(a devapp.app) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object(
               'app_id', a.app_id,
               'name', a.name,
               'display_name', a.display_name,
               'owner', devapp_internal.owner_document(a),
               'status', a.status,
               'effective_status', n.effective_status)
      FROM devapp_internal.named_app n
     WHERE n.app_id = a.app_id
$$;

CREATE FUNCTION devapp_internal.get_credential(credential devapp.credential_ref) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_credential uuid := devapp_internal.find_visible_credential(credential);
BEGIN
    RETURN (SELECT devapp_internal.credential_document(c, true) || jsonb_build_object('app', devapp_internal.app_summary(a))
              FROM devapp.credential c
              JOIN devapp.app a ON a.app_id = c.app_id
             WHERE c.credential_id = the_credential);
END
$$;

CREATE FUNCTION devapp.get_credential(credential devapp.credential_ref) RETURNS jsonb
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.get_credential(devapp.credential_ref) IS
    'A credential as a JSON document with its products, app and owner, without secrets';
SELECT devapp_internal.grant_to('devapp.get_credential', 'admin', 'developer');
