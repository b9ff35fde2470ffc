-- The outbox as a queue for workers: claim, then complete or fail.
--
-- A worker has a notification for a lease.  If it dies the lease runs out, and
-- another worker takes the notification.  Each lease has an id of its own: a worker
-- that comes too late shows the id of a lease that is over, and changes nothing.
--
-- claim, complete and fail run with their owner's rights: EXECUTE is all that a worker
-- needs.

CREATE FUNCTION devapp_internal.max_attempts() RETURNS integer
    LANGUAGE sql STABLE
    RETURN devapp_internal.setting('notification_max_attempts')::integer;

-- Would it remind somebody of a credential that has been replaced, or does not work any more?
-- Those that wait were taken back (sql/notification/triggers.sql); one that a worker had in hand
-- is not tried again.
CREATE FUNCTION devapp_internal.reminds_in_vain(event text, credential_id uuid) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT reminds_in_vain.event = 'credential_expiring'
       AND NOT EXISTS (SELECT FROM devapp.credential c
                        WHERE c.credential_id = reminds_in_vain.credential_id AND c.status = 'approved'
                          AND NOT EXISTS (SELECT FROM devapp.credential r WHERE r.replaces = c.credential_id))
$$;

-- A worker that dies each time has its attempts too.
CREATE FUNCTION devapp_internal.bury_notifications(at timestamptz) RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH over AS MATERIALIZED (
        SELECT n.notification_id
          FROM devapp.notification n
         WHERE n.status = 'leased'
           AND n.leased_until <= at
           AND (n.attempts >= devapp_internal.max_attempts() OR devapp_internal.reminds_in_vain(n.event, n.credential_id))
           FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE devapp.notification n
       SET status = 'dead', completed_at = at, leased_until = NULL, lease_id = NULL, worker = NULL,
           last_error = format('the lease of worker %s expired', n.worker)
      FROM over
     WHERE n.notification_id = over.notification_id
$$;

CREATE FUNCTION devapp_internal.claim_notifications(
    "limit" integer,
    lease interval,
    worker text
) RETURNS SETOF devapp.notification
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    at timestamptz := clock_timestamp();
    name text := coalesce(claim_notifications.worker, format('%s, process %s', session_user, pg_backend_pid()));
BEGIN
    PERFORM devapp_internal.require_duration('lease', at, lease, 'Give an interval like ''5 minutes'', within which the worker is certain to finish.');
    IF claim_notifications."limit" IS NULL OR claim_notifications."limit" <= 0 THEN
        RAISE EXCEPTION 'limit must be greater than zero'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give the number of notifications that the worker can deliver within the lease.';
    END IF;
    PERFORM devapp_internal.bury_notifications(at);
    RETURN QUERY
        WITH due AS MATERIALIZED (
            SELECT n.notification_id
              FROM devapp.notification n
             WHERE n.status IN ('pending', 'leased')
               AND coalesce(n.leased_until, n.next_attempt_at) <= at
             ORDER BY coalesce(n.leased_until, n.next_attempt_at), n.notification_id
             LIMIT claim_notifications."limit"
               FOR NO KEY UPDATE SKIP LOCKED
        ), claimed AS (
            UPDATE devapp.notification n
               SET status = 'leased', attempts = n.attempts + 1, payload = devapp_internal.present_payload(n.payload, n.app_id),
                   leased_until = at + lease, lease_id = devapp.uuid_v7(), worker = name,
                   addresses = devapp_internal.notification_addresses(n.recipients, n.delivered_to),
                   last_error = CASE n.status WHEN 'leased' THEN format('the lease of worker %s expired', n.worker)
                                              ELSE n.last_error END
              FROM due
             WHERE n.notification_id = due.notification_id
            RETURNING n.*
        )
        SELECT * FROM claimed c ORDER BY c.next_attempt_at, c.notification_id;
END
$$;

CREATE FUNCTION devapp.claim_notifications(
    "limit" integer DEFAULT 10,
    lease interval DEFAULT '5 minutes',
    worker text DEFAULT NULL
) RETURNS SETOF devapp.notification
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.claim_notifications(integer, interval, text) IS
    'Leases due notifications to a worker, oldest first, with the addresses to deliver them to';
SELECT devapp_internal.grant_to('devapp.claim_notifications', 'admin');

-- A notification, locked.
CREATE FUNCTION devapp_internal.find_notification(notification_id bigint) RETURNS devapp.notification
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_row devapp.notification;
BEGIN
    SELECT * INTO found_row FROM devapp.notification n
     WHERE n.notification_id = find_notification.notification_id
       FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'notification % does not exist', coalesce(find_notification.notification_id::text, '(null)')
            USING ERRCODE = 'undefined_object',
                  HINT = 'devapp.claim_notifications returns the notifications to deliver.';
    END IF;
    RETURN found_row;
END
$$;

-- The same, if a worker has it, and if it is the worker with this lease.
CREATE FUNCTION devapp_internal.find_leased_notification(notification_id bigint, lease_id uuid) RETURNS devapp.notification
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_row devapp.notification := devapp_internal.find_notification(find_leased_notification.notification_id);
BEGIN
    IF found_row.status <> 'leased' THEN
        RAISE EXCEPTION 'notification % is not leased but %', found_row.notification_id, found_row.status
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Only a notification that devapp.claim_notifications returned can be completed or failed, and only once.';
    END IF;
    IF found_row.lease_id <> find_leased_notification.lease_id THEN
        RAISE EXCEPTION 'the lease of notification % has expired', found_row.notification_id
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = format('Worker %s has it now.', devapp_internal.masked(found_row.worker)),
                  HINT = 'Claim with a longer lease, or fewer notifications at once.';
    END IF;
    RETURN found_row;
END
$$;

-- A notification that has several addresses is tried again for those that do not have it.
CREATE FUNCTION devapp_internal.record_delivery(notification_id bigint, address text, lease_id uuid) RETURNS devapp.notification
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed devapp.notification := devapp_internal.find_leased_notification(record_delivery.notification_id, record_delivery.lease_id);
BEGIN
    UPDATE devapp.notification n
       SET delivered_to = n.delivered_to || record_delivery.address,
           addresses = devapp_internal.notification_addresses(n.recipients, n.delivered_to || record_delivery.address)
     WHERE n.notification_id = changed.notification_id
       AND n.addresses @> jsonb_build_array(jsonb_build_object('address', record_delivery.address))
    RETURNING n.* INTO changed;
    IF NOT FOUND THEN
        -- a webhook's URL can be all that its receiver asks for, so it goes into no log
        RAISE EXCEPTION 'notification % is not to be delivered to this address', record_delivery.notification_id
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give one of its addresses, as devapp.claim_notifications returned it.';
    END IF;
    RETURN changed;
END
$$;

CREATE FUNCTION devapp.record_delivery(notification_id bigint, address text, lease_id uuid DEFAULT NULL) RETURNS devapp.notification
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.record_delivery(bigint, text, uuid) IS
    'Records delivery to one address of a claimed notification, which is not retried for that address';
SELECT devapp_internal.grant_to('devapp.record_delivery', 'admin');

CREATE FUNCTION devapp_internal.complete_notification(notification_id bigint, lease_id uuid) RETURNS devapp.notification
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed devapp.notification := devapp_internal.find_leased_notification(complete_notification.notification_id,
                                                               complete_notification.lease_id);
BEGIN
    UPDATE devapp.notification n
       SET status = 'done', completed_at = clock_timestamp(), leased_until = NULL, lease_id = NULL, worker = NULL
     WHERE n.notification_id = changed.notification_id
    RETURNING n.* INTO changed;
    RETURN changed;
END
$$;

CREATE FUNCTION devapp.complete_notification(notification_id bigint, lease_id uuid DEFAULT NULL) RETURNS devapp.notification
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.complete_notification(bigint, uuid) IS 'Records that a claimed notification was delivered';
SELECT devapp_internal.grant_to('devapp.complete_notification', 'admin');

-- How long to wait after an attempt: 1 minute, then twice as long each time, up to 6 hours.
CREATE FUNCTION devapp_internal.back_off(attempts integer) RETURNS interval
    LANGUAGE sql IMMUTABLE
    RETURN least(interval '1 minute' * 2 ^ least(attempts - 1, 9), interval '6 hours');

CREATE FUNCTION devapp_internal.fail_notification(notification_id bigint, error text, lease_id uuid)
    RETURNS devapp.notification
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed devapp.notification := devapp_internal.find_leased_notification(fail_notification.notification_id,
                                                               fail_notification.lease_id);
    given_up boolean := changed.attempts >= devapp_internal.max_attempts()
                        OR devapp_internal.reminds_in_vain(changed.event, changed.credential_id);
    at timestamptz := clock_timestamp();
BEGIN
    UPDATE devapp.notification n
       SET status = CASE WHEN given_up THEN 'dead' ELSE 'pending' END,
           completed_at = CASE WHEN given_up THEN at END,
           next_attempt_at = CASE WHEN given_up THEN n.next_attempt_at ELSE at + devapp_internal.back_off(n.attempts) END,
           leased_until = NULL, lease_id = NULL, worker = NULL,
           -- control characters would forge lines in terminals
           last_error = left(regexp_replace(fail_notification.error, '[[:cntrl:]]+', ' ', 'g'), 1000)
     WHERE n.notification_id = changed.notification_id
    RETURNING n.* INTO changed;
    RETURN changed;
END
$$;

CREATE FUNCTION devapp.fail_notification(notification_id bigint, error text, lease_id uuid DEFAULT NULL)
    RETURNS devapp.notification
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.fail_notification(bigint, text, uuid) IS
    'Records a failed delivery: retried later, or dead after devapp.notification_max_attempts';
SELECT devapp_internal.grant_to('devapp.fail_notification', 'admin');

CREATE FUNCTION devapp_internal.retry_notification(notification_id bigint) RETURNS devapp.notification
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed devapp.notification := devapp_internal.find_notification(retry_notification.notification_id);
BEGIN
    IF changed.status <> 'dead' THEN
        RAISE EXCEPTION 'notification % is not dead but %', changed.notification_id, changed.status
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Only a dead notification can be retried; a pending one is retried automatically.';
    END IF;
    UPDATE devapp.notification n
       SET status = 'pending', attempts = 0, next_attempt_at = clock_timestamp(), completed_at = NULL
     WHERE n.notification_id = changed.notification_id
    RETURNING n.* INTO changed;
    RETURN changed;
END
$$;

CREATE FUNCTION devapp.retry_notification(notification_id bigint) RETURNS devapp.notification
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.retry_notification(bigint) IS 'Returns a dead notification to the queue';
SELECT devapp_internal.grant_to('devapp.retry_notification', 'admin');

-- A reminder stays as long as it keeps another from being queued: until the
-- credential has expired, the secret is no longer the current one, or the window of the quota
-- is over.
CREATE FUNCTION devapp_internal.purge_notifications(older_than interval) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    purged bigint;
    ended_before timestamptz := CASE WHEN older_than >= interval '0' THEN devapp_internal.time_after(clock_timestamp(), interval '0' - older_than) END;
BEGIN
    IF ended_before IS NULL THEN
        RAISE EXCEPTION '%', CASE WHEN older_than >= interval '0' THEN 'older_than is too long' ELSE 'older_than must not be negative' END
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give an interval like ''90 days''.';
    END IF;
    DELETE FROM devapp.notification n
     WHERE n.completed_at <= ended_before
       AND NOT (n.dedupe_key IS NOT NULL AND n.event = 'credential_expiring'
                AND EXISTS (SELECT FROM devapp.credential c
                             WHERE c.credential_id = n.credential_id AND c.expires_at > clock_timestamp()))
       AND NOT (n.dedupe_key IS NOT NULL AND n.event = 'rotation_overdue'
                AND EXISTS (SELECT FROM devapp.credential_secret s
                             WHERE s.credential_id = n.credential_id AND s.superseded_at IS NULL
                               AND n.dedupe_key = devapp_internal.overdue_key(s.secret_id)))
       AND NOT (n.event IN ('quota_nearly_used', 'quota_used_up')
                AND coalesce((n.payload ->> 'resets_at')::timestamptz, 'infinity') > clock_timestamp());
    GET DIAGNOSTICS purged = ROW_COUNT;
    RETURN purged;
END
$$;

CREATE FUNCTION devapp.purge_notifications(older_than interval DEFAULT '90 days') RETURNS bigint
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.purge_notifications(interval) IS 'Removes notifications that have been done or dead for the given time; returns their number';
SELECT devapp_internal.grant_to('devapp.purge_notifications', 'admin');
