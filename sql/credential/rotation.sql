-- Rotation: a new secret for the same credential, and the old one for a while.
--
-- A rotation is in progress while a superseded secret still works.  The lock on
-- the credential (devapp_internal.find_credential) lets one caller in at a time.
--
-- The end of the overlap is compared with the clock.  What a person ends is marked as
-- ended, because the clock of another server, or this one's after it was put back, may
-- be behind the time at which it was.

-- The secret that a rotation in progress put out of its place, if there is one.  A set-returning
-- function without SET, so that the planner puts it in its place in a query over many credentials.
CREATE FUNCTION devapp_internal.overlapping_secret(credential_id uuid) RETURNS TABLE (secret_id uuid, valid_until timestamptz)
    LANGUAGE sql STABLE ROWS 1
BEGIN ATOMIC
    SELECT s.secret_id, s.valid_until FROM devapp.credential_secret s
     WHERE s.credential_id = overlapping_secret.credential_id
       AND s.superseded_at IS NOT NULL
       AND s.ended_at IS NULL
       AND s.valid_until > clock_timestamp()
     ORDER BY s.version
     LIMIT 1;
END;

-- The id of that secret.
CREATE FUNCTION devapp_internal.require_rotation(credential_id uuid) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    old_secret uuid;
BEGIN
    SELECT o.secret_id INTO old_secret FROM devapp_internal.overlapping_secret(require_rotation.credential_id) AS o;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'credential % has no rotation in progress', devapp_internal.credential_label(require_rotation.credential_id)
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'A rotation is in progress from devapp.rotate_credential until its overlap is over.';
    END IF;
    RETURN old_secret;
END
$$;

-- When an old secret ends; now, if it ends at once.
CREATE FUNCTION devapp_internal.require_overlap(overlap interval) RETURNS timestamptz
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN devapp_internal.require_duration('overlap', now(), overlap,
               'Give an interval like ''7 days'', or ''0'' to end the old secret at once.', or_zero => true);
END
$$;

-- A rotation that ends every old secret at once need not wait for another one.
CREATE FUNCTION devapp_internal.require_rotatable(the_credential devapp.credential, at_once boolean) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    old_until timestamptz;
BEGIN
    PERFORM devapp_internal.require_working(the_credential, or_revoked => false);
    PERFORM devapp_internal.require_unreplaced(the_credential);
    IF at_once THEN
        RETURN;
    END IF;
    SELECT o.valid_until INTO old_until FROM devapp_internal.overlapping_secret(the_credential.credential_id) AS o;
    IF FOUND THEN
        RAISE EXCEPTION 'credential % already has a rotation in progress', devapp_internal.credential_label(the_credential.credential_id)
            USING ERRCODE = 'object_in_use',
                  DETAIL = format('The old secret works until %s.', old_until),
                  HINT = 'End it first with devapp.complete_rotation or devapp.cancel_rotation, or end every old secret now with overlap => ''0''.';
    END IF;
END
$$;

-- Ends the secrets of credentials at a time, and returns until when the current one of each works;
-- null where there is none.  What ends now is marked as ended, and so is the old secret of a
-- rotation in progress.  Planned once, because arrays of one credential look so cheap that they would be
-- planned for each time, and by index, because a session keeps the plan while the tables grow.
CREATE FUNCTION devapp_internal.supersede_secrets(the_credentials devapp.credential[], ends_at timestamptz) RETURNS timestamptz[]
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off
AS $$
DECLARE
    at_once constant boolean := ends_at = now();
    overlapping constant uuid[] := ARRAY(SELECT o.secret_id
                                           FROM unnest(the_credentials) AS c
                                          CROSS JOIN LATERAL devapp_internal.overlapping_secret(c.credential_id) AS o);
    old_until timestamptz[];
BEGIN
    IF overlapping <> '{}' THEN
        UPDATE devapp.credential_secret s
           SET valid_until = least(s.valid_until, supersede_secrets.ends_at),
               ended_at = CASE WHEN at_once THEN now() END
         WHERE s.secret_id = ANY (overlapping);
    END IF;
    WITH superseded AS (
        UPDATE devapp.credential_secret s
           SET superseded_at = now(),
               valid_until = least(supersede_secrets.ends_at, c.expires_at),
               ended_at = CASE WHEN at_once THEN now() END
          FROM unnest(the_credentials) AS c
         WHERE s.credential_id = c.credential_id
           AND s.superseded_at IS NULL
        RETURNING s.credential_id, s.valid_until
    )
    SELECT array_agg(s.valid_until ORDER BY c.ordinality) INTO old_until
      FROM unnest(the_credentials) WITH ORDINALITY AS c
      LEFT JOIN superseded s ON s.credential_id = c.credential_id;
    RETURN old_until;
END
$$;

CREATE FUNCTION devapp_internal.rotate_secret(the_credential devapp.credential, overlap interval) RETURNS devapp.issued_credential
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ends_at constant timestamptz := devapp_internal.require_overlap(overlap);
BEGIN
    PERFORM devapp_internal.require_rotatable(the_credential, at_once => ends_at = now());
    RETURN devapp_internal.issue_secret(the_credential.credential_id,
                                        (devapp_internal.supersede_secrets(ARRAY[the_credential], ends_at))[1]);
END
$$;

CREATE FUNCTION devapp_internal.rotate_credential(credential devapp.credential_ref, overlap interval, note text)
    RETURNS devapp.issued_credential
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    rotated devapp.issued_credential;
BEGIN
    PERFORM devapp_internal.set_note(note);
    rotated := devapp_internal.rotate_secret(devapp_internal.find_own_credential(credential), overlap);
    PERFORM devapp_internal.set_note(NULL);
    RETURN rotated;
END
$$;

CREATE FUNCTION devapp.rotate_credential(credential devapp.credential_ref, overlap interval DEFAULT '7 days', note text DEFAULT NULL)
    RETURNS devapp.issued_credential
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.rotate_credential(devapp.credential_ref, interval, text) IS
    'Issues a new secret, returned only once; the old one works until the overlap ends';
SELECT devapp_internal.grant_to('devapp.rotate_credential', 'admin', 'developer');

CREATE FUNCTION devapp_internal.complete_rotation(credential devapp.credential_ref) RETURNS devapp.credential
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_credential devapp.credential := devapp_internal.find_own_credential(complete_rotation.credential);
BEGIN
    PERFORM devapp_internal.require_rotation(the_credential.credential_id);
    -- there are two where a credential was replaced while it was being rotated
    UPDATE devapp.credential_secret s
       SET valid_until = now(), ended_at = now()
     WHERE s.credential_id = the_credential.credential_id
       AND s.superseded_at IS NOT NULL
       AND s.ended_at IS NULL
       AND s.valid_until > clock_timestamp();
    RETURN the_credential;
END
$$;

CREATE FUNCTION devapp.complete_rotation(credential devapp.credential_ref) RETURNS devapp.credential
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.complete_rotation(devapp.credential_ref) IS 'Ends the old secret of a rotation immediately';
SELECT devapp_internal.grant_to('devapp.complete_rotation', 'admin', 'developer');

CREATE FUNCTION devapp_internal.cancel_rotation(credential devapp.credential_ref) RETURNS devapp.credential
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_credential devapp.credential := devapp_internal.find_own_credential(cancel_rotation.credential);
    old_secret uuid := devapp_internal.require_rotation(the_credential.credential_id);
BEGIN
    PERFORM devapp_internal.require_unreplaced(the_credential);
    UPDATE devapp.credential_secret s
       SET superseded_at = now(), valid_until = now(), ended_at = now()
     WHERE s.credential_id = the_credential.credential_id
       AND s.superseded_at IS NULL;
    UPDATE devapp.credential_secret s
       SET superseded_at = NULL, valid_until = NULL
     WHERE s.secret_id = old_secret;
    RETURN the_credential;
END
$$;

CREATE FUNCTION devapp.cancel_rotation(credential devapp.credential_ref) RETURNS devapp.credential
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.cancel_rotation(devapp.credential_ref) IS 'Ends the new secret of a rotation immediately and restores the old one';
SELECT devapp_internal.grant_to('devapp.cancel_rotation', 'admin', 'developer');
