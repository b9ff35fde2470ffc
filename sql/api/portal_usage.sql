-- The portal: what the developer's apps used, what is left of quotas, and what the developer was told.

-- A day of a query, or a default.
CREATE FUNCTION devapp_internal.portal_day(request devapp_internal.http_request, name text, otherwise date) RETURNS date
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    given constant text := devapp_internal.one_value(request.query, name);
BEGIN
    IF given !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' THEN
        PERFORM devapp_internal.refuse_body(format('%s must be a day', name), 'For example 2026-03-31; days are in UTC.');
    END IF;
    RETURN coalesce(given::date, otherwise);
END
$$;

-- Oldest first.  A day, an app and a product that is there make a row; without a product an empty text stands for it.
CREATE FUNCTION devapp_internal.portal_list_usage(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most constant integer := devapp_internal.portal_limit(request);
    after constant jsonb := devapp_internal.portal_after(request, 'usage', 3);
    last_day constant date := devapp_internal.portal_day(request, 'to', devapp_internal.utc_today());
    first_day constant date := devapp_internal.portal_day(request, 'from', last_day - 29);
    named constant jsonb := jsonb_build_object('app', devapp_internal.one_value(request.query, 'app'));
    mine uuid[] := devapp_internal.own_apps();
BEGIN
    IF named ->> 'app' IS NOT NULL THEN
        request.params := named;
        mine := ARRAY[devapp_internal.portal_app_id(request)];
    END IF;
    RETURN devapp_internal.portal_page('usage',
               ARRAY(SELECT to_jsonb(u) FROM devapp.my_usage u
                      WHERE u.app_id = ANY (mine) AND u.day BETWEEN first_day AND last_day
                        AND (after IS NULL OR u.day >= (after ->> 0)::date
                             AND (u.day, u.app_id, coalesce(u.product_id::text, '')) > ((after ->> 0)::date, (after ->> 1)::uuid, after ->> 2))
                      ORDER BY u.day, u.app_id, coalesce(u.product_id::text, '')
                      LIMIT most + 1),
               most, 'day', 'app_id', 'product_id');
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_list_usage IS 'Calls and responses of the developer''s apps and those of their teams, by day, app and product';

CREATE FUNCTION devapp_internal.portal_list_quota(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_app constant uuid := devapp_internal.portal_app_id(request);
    items constant jsonb := (SELECT jsonb_agg(to_jsonb(q) - 'leased' || jsonb_build_object('resets_at', nullif(q.resets_at, 'infinity')))
                               FROM devapp.quota_status(the_app) AS q);
BEGIN
    RETURN devapp_internal.json_response(200, jsonb_build_object('items', coalesce(items, '[]'), 'next', NULL));
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_list_quota IS 'Quotas and rate limits of an app, and what is left of them';

-- ---------- notifications ----------

CREATE FUNCTION devapp_internal.portal_list_notifications(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most constant integer := devapp_internal.portal_limit(request);
    after constant jsonb := devapp_internal.portal_after(request, 'notifications');
    to_me constant jsonb := jsonb_build_array(jsonb_build_object('developer_id', devapp_internal.current_developer_id()));
BEGIN
    RETURN devapp_internal.portal_page('notifications',
               ARRAY(SELECT jsonb_build_object('notification_id', n.notification_id, 'created_at', n.created_at, 'event', n.event, 'app_id', n.app_id,
                                               'credential_id', n.credential_id, 'product_id', n.product_id, 'payload', n.payload)
                       FROM devapp.notification n
                      WHERE n.recipients @> to_me AND (after IS NULL OR n.notification_id < (after ->> 0)::bigint)
                      ORDER BY n.notification_id DESC
                      LIMIT most + 1),
               most, 'notification_id');
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_list_notifications IS 'Notifications of the developer, newest first';

SELECT devapp_internal.add_schema('Usage', '{
    "day": "date: Day of UTC", "app_id": "uuid", "app": "string", "product_id": "uuid?", "product": "string?", "calls": "integer: Verifications that were allowed",
    "errors": "integer: Responses with a status from 400 on", "refused": "integer: Verifications that were refused", "over_quota": "integer: Those because of a quota or rate",
    "cost": "integer", "responses": "integer: Calls whose response was recorded", "client_errors": "integer", "server_errors": "integer",
    "min_ms": "number?", "avg_ms": "number?", "max_ms": "number?", "p50_ms": "number?", "p95_ms": "number?", "p99_ms": "number?"}');
SELECT devapp_internal.add_schema('QuotaStatus', '{
    "product": "string", "resource": "string?: Pattern of an operation with a quota of its own; null: the product''s", "methods": "[string]?", "environment": "string?",
    "enforcement": "soft|hard?", "quota_limit": "integer?", "quota_interval": "integer?", "quota_unit": "string?", "window_start": "time?",
    "resets_at": "time?: null: never", "used": "integer?", "remaining": "integer?", "rate_limit": "number?", "rate_burst": "integer?"}');
SELECT devapp_internal.add_schema('QuotaStatusPage', '{"items": "[#QuotaStatus]", "next": "string?: Always null"}');
SELECT devapp_internal.add_schema('Notification', '{
    "notification_id": "integer", "created_at": "time", "event": "string: app_approved, credential_expiring, ...", "app_id": "uuid?", "credential_id": "uuid?",
    "product_id": "uuid?", "payload": "object: Names, times and the note, as far as the event has them"}');

SELECT devapp_internal.add_portal_list('/usage', 'portal_list_usage', 'Usage',
    '{"from": "date: First day, of UTC; 29 days before the last if it is not given", "to": "date: Last day; today if it is not given", "app": "string: Id of the only app, or its name"}');
SELECT devapp_internal.add_portal_route('GET', '/apps/{app}/quota', 'portal_list_quota', '{"200": "#QuotaStatusPage"}');
SELECT devapp_internal.add_portal_list('/notifications', 'portal_list_notifications', 'Notification');
