-- Rotation: a new secret for the same credential, and the old one for a while.
--
-- A rotation is in progress while a superseded secret still works.  The lock on
-- the credential (devapp_internal.find_credential) lets one caller in at a time.
--
-- The end of the overlap is compared with the clock.  What a person ends is marked as
-- ended, because the clock of another server, or this one's after it was put back, may
-- be behind the time at which it was.

-- The secret that a rotation in progress put out of its place, if there is one.
CREATE FUNCTION devapp_internal.overlapping_secret(credential_id uuid) RETURNS devapp.credential_secret
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.* FROM devapp.credential_secret s
     WHERE s.credential_id = overlapping_secret.credential_id
       AND s.superseded_at IS NOT NULL
       AND s.ended_at IS NULL
       AND s.valid_until > clock_timestamp()
$$;

CREATE FUNCTION devapp_internal.require_rotation(credential_id uuid) RETURNS devapp.credential_secret
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    old_secret devapp.credential_secret := devapp_internal.overlapping_secret(require_rotation.credential_id);
BEGIN
    IF old_secret.secret_id IS NULL THEN
        RAISE EXCEPTION 'credential % has no rotation in progress', require_rotation.credential_id
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'A rotation is in progress from devapp.rotate_credential until its overlap is over.';
    END IF;
    RETURN old_secret;
END
$$;

CREATE FUNCTION devapp_internal.require_overlap(overlap interval) RETURNS timestamptz
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_internal.require_duration('overlap', now(), overlap,
               'Give an interval like ''7 days''; to end the old secret at once call devapp.complete_rotation afterwards.')
$$;

CREATE FUNCTION devapp_internal.require_rotatable(the_credential devapp.credential, overlap interval) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    old_secret devapp.credential_secret;
BEGIN
    PERFORM devapp_internal.require_overlap(overlap);
    PERFORM devapp_internal.require_working(the_credential, or_revoked => false);
    old_secret := devapp_internal.overlapping_secret(the_credential.credential_id);
    IF old_secret.secret_id IS NOT NULL THEN
        RAISE EXCEPTION 'credential % already has a rotation in progress', the_credential.credential_id
            USING ERRCODE = 'object_in_use',
                  DETAIL = format('The old secret works until %s.', old_secret.valid_until),
                  HINT = 'End it first with devapp.complete_rotation or devapp.cancel_rotation.';
    END IF;
END
$$;

CREATE FUNCTION devapp_internal.rotate_secret(the_credential devapp.credential, overlap interval) RETURNS devapp.issued_credential
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    old_until timestamptz;
BEGIN
    PERFORM devapp_internal.require_rotatable(the_credential, overlap);
    UPDATE devapp.credential_secret s
       SET superseded_at = now(),
           valid_until = least(now() + overlap, the_credential.expires_at)
     WHERE s.credential_id = the_credential.credential_id
       AND s.superseded_at IS NULL
    RETURNING s.valid_until INTO old_until;
    RETURN devapp_internal.issue_secret(the_credential.credential_id, old_until);
END
$$;

CREATE FUNCTION devapp_internal.rotate_credential(credential_id uuid, overlap interval)
    RETURNS devapp.issued_credential
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN devapp_internal.rotate_secret(devapp_internal.find_own_credential(credential_id), overlap);
END
$$;

CREATE FUNCTION devapp.rotate_credential(credential_id uuid, overlap interval DEFAULT '7 days')
    RETURNS devapp.issued_credential
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.rotate_credential(uuid, interval) IS
    'Gives a credential a new secret and returns it, once; the old one works for the overlap';
SELECT devapp_internal.grant_to('devapp.rotate_credential', 'admin', 'developer');

CREATE FUNCTION devapp_internal.complete_rotation(credential_id uuid) RETURNS devapp.credential
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_credential devapp.credential := devapp_internal.find_own_credential(complete_rotation.credential_id);
    old_secret devapp.credential_secret := devapp_internal.require_rotation(the_credential.credential_id);
BEGIN
    UPDATE devapp.credential_secret s
       SET valid_until = now(), ended_at = now()
     WHERE s.secret_id = old_secret.secret_id;
    RETURN the_credential;
END
$$;

CREATE FUNCTION devapp.complete_rotation(credential_id uuid) RETURNS devapp.credential
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.complete_rotation(uuid) IS 'Ends the old secret of a rotation now';
SELECT devapp_internal.grant_to('devapp.complete_rotation', 'admin', 'developer');

CREATE FUNCTION devapp_internal.cancel_rotation(credential_id uuid) RETURNS devapp.credential
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_credential devapp.credential := devapp_internal.find_own_credential(cancel_rotation.credential_id);
    old_secret devapp.credential_secret := devapp_internal.require_rotation(the_credential.credential_id);
BEGIN
    UPDATE devapp.credential_secret s
       SET superseded_at = now(), valid_until = now(), ended_at = now()
     WHERE s.credential_id = the_credential.credential_id
       AND s.superseded_at IS NULL;
    UPDATE devapp.credential_secret s
       SET superseded_at = NULL, valid_until = NULL
     WHERE s.secret_id = old_secret.secret_id;
    RETURN the_credential;
END
$$;

CREATE FUNCTION devapp.cancel_rotation(credential_id uuid) RETURNS devapp.credential
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.cancel_rotation(uuid) IS 'Ends the new secret of a rotation now and restores the old one';
SELECT devapp_internal.grant_to('devapp.cancel_rotation', 'admin', 'developer');
