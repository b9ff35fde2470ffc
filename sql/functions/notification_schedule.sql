-- What time brings: reminders.  Each is queued once, by the dedupe key.
--
-- A pass reads the credentials that expire within 30 days, and the current secrets;
-- everything is one statement a kind, so that a million is a matter of seconds.
-- A reminder counts hours, so that it does not depend on anybody's time zone.

CREATE FUNCTION devapp._expiring_key(credential_id uuid, days integer) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN 'credential_expiring/' || credential_id::text || '/' || days::text;

CREATE FUNCTION devapp._overdue_key(secret_id uuid) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN 'rotation_overdue/' || secret_id::text;

-- 30, 7 and 1 days before a credential expires.  Of those that have passed only the
-- last is told, and none that had passed when the credential was issued.
CREATE FUNCTION devapp._queue_expiring(at timestamptz) RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    queued integer;
BEGIN
    INSERT INTO devapp.notification (event, app_id, credential_id, recipients, payload, dedupe_key)
    SELECT 'credential_expiring', a.app_id, c.credential_id, o.recipients,
           jsonb_strip_nulls(devapp._app_payload(a, o.owner) || devapp._credential_payload(c)
                             || jsonb_build_object('days', t.days)),
           devapp._expiring_key(c.credential_id, t.days)
      FROM devapp.credential c
      JOIN devapp.app a ON a.app_id = c.app_id AND a.status = 'approved'
     CROSS JOIN LATERAL (SELECT min(x.days) AS days
                           FROM (VALUES (1), (7), (30)) AS x(days)
                          WHERE c.expires_at <= at + make_interval(hours => 24 * x.days)) AS t
     CROSS JOIN LATERAL devapp._owner_contact(a.developer_id, a.team_id) AS o
     WHERE c.expires_at > at
       AND c.expires_at <= at + interval '720 hours'
       AND c.issued_at < c.expires_at - make_interval(hours => 24 * t.days)
       AND c.status = 'approved'
       AND o.recipients <> '[]'
       AND NOT EXISTS (SELECT FROM devapp.notification n
                        WHERE n.dedupe_key = devapp._expiring_key(c.credential_id, t.days))
     ORDER BY c.expires_at, c.credential_id
    ON CONFLICT (dedupe_key) WHERE dedupe_key IS NOT NULL DO NOTHING;
    GET DIAGNOSTICS queued = ROW_COUNT;
    RETURN queued;
END
$$;

-- Secrets that are older than devapp.rotation_max_age.
CREATE FUNCTION devapp._queue_overdue(at timestamptz) RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    max_age integer := devapp._setting('rotation_max_age')::integer;
    queued integer;
BEGIN
    IF max_age = 0 THEN
        RETURN 0;
    END IF;
    INSERT INTO devapp.notification (event, app_id, credential_id, recipients, payload, dedupe_key)
    SELECT 'rotation_overdue', a.app_id, c.credential_id, o.recipients,
           jsonb_strip_nulls(devapp._app_payload(a, o.owner) || devapp._credential_payload(c)
                             || jsonb_build_object('days', max_age, 'version', s.version, 'secret_since', s.valid_from)),
           devapp._overdue_key(s.secret_id)
      FROM devapp.credential_secret s
      JOIN devapp.credential c ON c.credential_id = s.credential_id AND c.status = 'approved'
      JOIN devapp.app a ON a.app_id = c.app_id AND a.status = 'approved'
     CROSS JOIN LATERAL devapp._owner_contact(a.developer_id, a.team_id) AS o
     WHERE s.superseded_at IS NULL
       AND s.valid_from < at - make_interval(hours => 24 * max_age)
       AND (c.expires_at IS NULL OR c.expires_at > at)
       AND o.recipients <> '[]'
       AND NOT EXISTS (SELECT FROM devapp.notification n WHERE n.dedupe_key = devapp._overdue_key(s.secret_id))
     ORDER BY s.valid_from, s.secret_id
    ON CONFLICT (dedupe_key) WHERE dedupe_key IS NOT NULL DO NOTHING;
    GET DIAGNOSTICS queued = ROW_COUNT;
    RETURN queued;
END
$$;

CREATE FUNCTION devapp.schedule_notifications(at timestamptz DEFAULT now()) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF at IS NULL OR NOT isfinite(at) THEN
        RAISE EXCEPTION 'at must be a point in time'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Leave it out for now.';
    END IF;
    RETURN devapp._queue_expiring(at) + devapp._queue_overdue(at);
END
$$;

COMMENT ON FUNCTION devapp._expiring_key(uuid, integer) IS 'Internal: the dedupe key of a reminder that a credential expires';
COMMENT ON FUNCTION devapp._overdue_key(uuid) IS 'Internal: the dedupe key of a reminder to rotate a secret';
COMMENT ON FUNCTION devapp._queue_expiring(timestamptz) IS 'Internal: queues reminders of credentials that expire';
COMMENT ON FUNCTION devapp._queue_overdue(timestamptz) IS 'Internal: queues reminders to rotate secrets';
COMMENT ON FUNCTION devapp.schedule_notifications(timestamptz) IS
    'Queues the reminders that are due, each once: credentials that expire in 30, 7 or 1 days, secrets that are due to be rotated; says how many';
