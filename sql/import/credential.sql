-- One credential that another system made.

-- The digest of the nth secret that is being imported, and those that an equal one may have.
CREATE FUNCTION devapp_internal.imported_digest(n integer) RETURNS devapp.secret_digest
    LANGUAGE c VOLATILE STRICT
    AS 'MODULE_PATHNAME', 'devapp_imported_digest';
CREATE FUNCTION devapp_internal.imported_digests(n integer, over_sha256 boolean) RETURNS devapp.secret_digest[]
    LANGUAGE c VOLATILE STRICT
    AS 'MODULE_PATHNAME', 'devapp_imported_digests';

-- Imports wait for one another, because no index prevents a second credential with the same key.
CREATE FUNCTION devapp_internal.lock_imports() RETURNS void
    LANGUAGE c VOLATILE
    AS 'MODULE_PATHNAME', 'devapp_lock_imports';

-- If two credentials had the same API key or client id, verification could find either.  The plan uses the index,
-- because a session keeps it while the tables grow.
CREATE FUNCTION devapp_internal.require_unknown(kind text, consumer_key text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off
AS $$
DECLARE
    known uuid;
BEGIN
    SELECT c.credential_id INTO known FROM devapp.credential c WHERE c.consumer_key = require_unknown.consumer_key;
    IF known IS NULL AND require_unknown.kind = 'api_key' THEN
        SELECT s.credential_id INTO known
          FROM unnest(devapp_internal.imported_digests(1, true) || devapp_internal.imported_digests(1, false)) AS d(digest)
          JOIN devapp.credential_secret s ON s.digest OPERATOR(devapp.=) d.digest
         WHERE s.purpose = 'api_key'
         LIMIT 1;
    END IF;
    IF known IS NOT NULL THEN
        RAISE EXCEPTION 'credential % already has this key', devapp_internal.credential_label(known)
            USING ERRCODE = 'unique_violation',
                  HINT = 'Nothing was changed. A key can be imported only once; devapp.get_credential shows the credential that has it.';
    END IF;
END
$$;

CREATE FUNCTION devapp_internal.store_imported(
    app devapp.app_ref,
    products text[],
    environment text,
    expires_in interval,
    attributes jsonb,
    scopes text[],
    label text,
    note text,
    kind text,
    consumer_key text,
    scheme text
) RETURNS devapp.credential
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_app devapp.app := devapp_internal.find_own_app(store_imported.app, false);
    names text[] := coalesce(store_imported.products, devapp_internal.products_of(the_app.app_id));
    made devapp.credential;
BEGIN
    PERFORM devapp_internal.require_read_committed('import a credential');
    PERFORM devapp_internal.lock_imports();
    PERFORM devapp_internal.require_unknown(store_imported.kind, store_imported.consumer_key);
    PERFORM devapp_internal.set_note(store_imported.note);
    made.credential_id := devapp_internal.make_credential(the_app, store_imported.kind,
                devapp_internal.find_products(names, the_app.app_id), store_imported.environment, store_imported.scopes,
                expires_in, store_imported.attributes, NULL, label => store_imported.label,
                imported => store_imported.consumer_key);
    INSERT INTO devapp.credential_secret (credential_id, version, purpose, digest, scheme)
    VALUES (made.credential_id, 1, CASE store_imported.kind WHEN 'oauth_client' THEN 'client_secret' ELSE 'api_key' END,
            devapp_internal.imported_digest(1), store_imported.scheme);
    PERFORM devapp_internal.set_note(NULL);
    SELECT c.* INTO made FROM devapp.credential c WHERE c.credential_id = made.credential_id;
    RETURN made;
END
$$;

CREATE FUNCTION devapp_internal.import_credential(
    app devapp.app_ref,
    consumer_key text,
    consumer_secret text,
    secret_hash text,
    scheme text,
    products text[],
    kind text,
    environment text,
    expires_in interval,
    attributes jsonb,
    weak boolean,
    scopes text[],
    label text,
    note text
) RETURNS devapp.credential
    LANGUAGE c VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'devapp_import_credential';

CREATE FUNCTION devapp.import_credential(
    app devapp.app_ref,
    consumer_key text DEFAULT NULL,
    consumer_secret text DEFAULT NULL,
    secret_hash text DEFAULT NULL,
    scheme text DEFAULT 'plain',
    products text[] DEFAULT NULL,
    kind text DEFAULT NULL,
    environment text DEFAULT NULL,
    expires_in interval DEFAULT NULL,
    attributes jsonb DEFAULT NULL,
    weak boolean DEFAULT false,
    scopes text[] DEFAULT NULL,
    label text DEFAULT NULL,
    note text DEFAULT NULL
) RETURNS devapp.credential
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.import_credential(devapp.app_ref, text, text, text, text, text[], text, text, interval, jsonb, boolean, text[], text, text) IS
    'Adds a key, or a client id and secret, of another system to an app; it keeps working';
SELECT devapp_internal.grant_to('devapp.import_credential', 'admin');
