-- What time brings: reminders.  Each is queued once, by the dedupe key.
--
-- A pass reads the credentials that expire within 30 days and the current secrets,
-- once each, and looks up an owner once for each environment, however many credentials the
-- owner has: a million of them is a matter of seconds.  Days are of 24 hours, so that nothing
-- depends on anybody's time zone.

CREATE FUNCTION devapp_internal.expiring_key(credential_id uuid, days integer) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN 'credential_expiring/' || credential_id::text || '/' || days::text;

CREATE FUNCTION devapp_internal.overdue_key(secret_id uuid) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN 'rotation_overdue/' || secret_id::text;

CREATE FUNCTION devapp_internal.reminder_days() RETURNS integer[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ARRAY[1, 7, 30];

-- 30, 7 and 1 days before a credential expires: of those that have passed the last,
-- and none that had passed when it was issued.  And current secrets that are older
-- than max_age days (0: never).  A set-returning function without SET, so that the
-- planner puts it in its place.
CREATE FUNCTION devapp_internal.due_credentials(at timestamptz, max_age integer)
    RETURNS TABLE (event text, credential_id uuid, dedupe_key text, days integer, version integer, secret_since timestamptz)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'credential_expiring', c.credential_id, devapp_internal.expiring_key(c.credential_id, t.days), t.days,
           NULL::integer, NULL::timestamptz
      FROM devapp.credential c
     CROSS JOIN LATERAL (SELECT min(x.days) AS days
                           FROM unnest(devapp_internal.reminder_days()) AS x(days)
                          WHERE c.expires_at <= at + make_interval(hours => 24 * x.days)) AS t
     WHERE c.expires_at > at
       AND c.expires_at <= at + make_interval(hours => 24 * 30)
       AND c.issued_at < c.expires_at - make_interval(hours => 24 * t.days)
    UNION ALL
    SELECT 'rotation_overdue', s.credential_id, devapp_internal.overdue_key(s.secret_id), max_age, s.version, s.valid_from
      FROM devapp.credential_secret s
     WHERE s.superseded_at IS NULL
       AND max_age > 0
       AND s.valid_from < at - make_interval(hours => 24 * max_age);
END;

-- What of it somebody has to be reminded of: credentials that work and were not replaced.
CREATE FUNCTION devapp_internal.due_reminders(at timestamptz, max_age integer)
    RETURNS TABLE (event text, app_id uuid, credential_id uuid, product_id uuid, dedupe_key text, details jsonb)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT d.event, c.app_id, c.credential_id, NULL::uuid, d.dedupe_key,
           devapp_internal.credential_payload(c.consumer_key, c.environment, c.expires_at)
           || jsonb_build_object('days', d.days, 'version', d.version, 'secret_since', d.secret_since)
      FROM devapp_internal.due_credentials(at, max_age) AS d
      JOIN devapp.credential c ON c.credential_id = d.credential_id
     WHERE c.status = 'approved'
       AND (c.expires_at IS NULL OR c.expires_at > at)
       AND NOT EXISTS (SELECT FROM devapp.credential r WHERE r.replaces = c.credential_id);
END;

-- Queues what is due: quotas, and reminders too if they are asked for.
CREATE FUNCTION devapp_internal.queue_due(at timestamptz, reminders boolean) RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    queued integer;
BEGIN
    WITH due AS MATERIALIZED (
        SELECT r.*, a, coalesce(a.developer_id, a.team_id) AS owner_id, r.credential_id IS NOT NULL AS of_credential,
               CASE WHEN r.credential_id IS NOT NULL THEN r.details ->> 'environment' END AS environment
          FROM (SELECT * FROM devapp_internal.due_reminders(at, devapp_internal.setting('rotation_max_age')::integer) WHERE reminders
                UNION ALL
                SELECT * FROM devapp_internal.due_quotas(at)) AS r
          JOIN devapp.app a ON a.app_id = r.app_id
         WHERE a.status = 'approved'
           AND NOT EXISTS (SELECT FROM devapp.notification n WHERE n.dedupe_key = r.dedupe_key)
    ), owner AS MATERIALIZED (
        SELECT x.owner_id, x.of_credential, x.environment, o.owner, o.recipients
          FROM (SELECT DISTINCT d.owner_id, (d.a).developer_id, (d.a).team_id, d.of_credential, d.environment FROM due d) AS x
         CROSS JOIN LATERAL devapp_internal.owner_contact(x.developer_id, x.team_id, x.of_credential, x.environment) AS o
    )
    INSERT INTO devapp.notification (event, app_id, credential_id, product_id, recipients, payload, dedupe_key)
    SELECT d.event, d.app_id, d.credential_id, d.product_id, o.recipients,
           jsonb_strip_nulls(devapp_internal.app_payload((d.a).name, (d.a).display_name, (d.a).status, o.owner) || d.details),
           d.dedupe_key
      FROM due d
      JOIN owner o ON o.owner_id = d.owner_id AND o.recipients <> '[]' AND o.of_credential = d.of_credential
           AND coalesce(o.environment, '') = coalesce(d.environment, '')
     -- in one order, or two calls at once could wait for each other
     ORDER BY d.dedupe_key
    ON CONFLICT (dedupe_key) WHERE dedupe_key IS NOT NULL DO NOTHING;
    GET DIAGNOSTICS queued = ROW_COUNT;
    RETURN queued;
END
$$;

CREATE FUNCTION devapp_internal.schedule_notifications(at timestamptz) RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF at IS NULL OR NOT isfinite(at) OR devapp_internal.time_after(at, interval '30 days') IS NULL THEN
        RAISE EXCEPTION '"at" must be a finite time'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Leave it out to use the current time.';
    END IF;
    RETURN devapp_internal.queue_due(at, true);
END
$$;

CREATE FUNCTION devapp.schedule_notifications(at timestamptz DEFAULT now()) RETURNS integer
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.schedule_notifications(timestamptz) IS
    'Queues reminders of expiring credentials, overdue rotations and used quotas; returns their number';
SELECT devapp_internal.grant_to('devapp.schedule_notifications', 'admin');
