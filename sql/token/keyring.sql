-- The keys of devapp.keyring_file; see src/token/keyring.c.

CREATE FUNCTION devapp_internal.keyring_newest() RETURNS integer
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'devapp_keyring_newest';
CREATE FUNCTION devapp_internal.keyring_known(number integer) RETURNS boolean
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'devapp_keyring_known';
CREATE FUNCTION devapp_internal.sealed_with(sealed bytea) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'devapp_sealed_with';
CREATE FUNCTION devapp_internal.can_unseal(subject text, sealed bytea) RETURNS boolean
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'devapp_can_unseal';
CREATE FUNCTION devapp_internal.reseal(subject text, sealed bytea) RETURNS bytea
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'devapp_reseal';

-- What an older key has sealed, so that its line can be taken out of the file.
CREATE FUNCTION devapp_internal.reseal_keys() RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    newest constant integer := devapp_internal.keyring_newest();
    resealed integer;
BEGIN
    UPDATE devapp.sealed_key s
       SET sealed = devapp_internal.reseal(s.subject, s.sealed),
           sealed_at = now()
     WHERE devapp_internal.sealed_with(s.sealed) <> newest;
    GET DIAGNOSTICS resealed = ROW_COUNT;
    RETURN resealed;
END
$$;

CREATE FUNCTION devapp.reseal_keys() RETURNS integer
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.reseal_keys() IS
    'Reseals with the newest key of the keyring what older keys sealed; returns the number';
SELECT devapp_internal.grant_to('devapp.reseal_keys', 'admin');

CREATE FUNCTION devapp_internal.doctor_keyring() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    newest integer;
    found record;
BEGIN
    check_name := 'keyring';
    newest := devapp_internal.keyring_newest();
    SELECT count(*) AS n,
           count(*) FILTER (WHERE devapp_internal.sealed_with(s.sealed) <> newest) AS older,
           string_agg(s.subject, ', ' ORDER BY s.subject) FILTER (WHERE NOT devapp_internal.can_unseal(s.subject, s.sealed)) AS lost,
           string_agg(DISTINCT devapp_internal.sealed_with(s.sealed)::text, ', ')
               FILTER (WHERE NOT devapp_internal.keyring_known(devapp_internal.sealed_with(s.sealed))) AS missing
      INTO found FROM devapp.sealed_key s;
    status := CASE WHEN found.lost IS NOT NULL THEN 'error' WHEN found.older > 0 THEN 'warning' WHEN newest = 0 THEN 'info' ELSE 'ok' END;
    detail := CASE WHEN newest = 0 AND found.n = 0 THEN 'there is no keyring, so no token can be signed'
                   WHEN newest = 0 THEN format('devapp.keyring_file is empty, but %s key(s) are sealed', found.n)
                   WHEN found.missing IS NOT NULL THEN format('there are keys sealed with keys that are not in the keyring: %s', found.missing)
                   WHEN found.lost IS NOT NULL THEN format('the keyring does not have the keys that sealed %s', found.lost)
                   WHEN found.older > 0 THEN format('%s key(s) are sealed with an older key than %s', found.older, newest)
                   ELSE format('keys are sealed with key %s', newest) END;
    hint := CASE WHEN found.lost IS NOT NULL
                 THEN 'No token can be signed with keys that cannot be unsealed; existing tokens can still be verified. Restore the right keyring, or create and activate new signing keys. See "Signing keys" in doc/gateways.md.'
                 WHEN found.older > 0 THEN 'Run SELECT devapp.reseal_keys(); then the older lines can be removed from the file.'
                 WHEN newest = 0 THEN 'Set devapp.keyring_file. See "The keyring" in doc/operations.md.' END;
    RETURN NEXT;
EXCEPTION WHEN io_error THEN
    status := 'error';
    detail := SQLERRM;
    hint := 'No token can be signed; existing tokens can still be verified. See "The keyring" in doc/operations.md.';
    RETURN NEXT;
END
$$;
