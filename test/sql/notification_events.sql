-- What happens to people, to owners and to quotas is told; what is not due any more is not.
\set SHOW_CONTEXT never
SELECT FROM devapp.create_developer('event@example.com', 'Eve', 'Ent');
SELECT FROM devapp.create_developer('event-2@example.com');
SELECT FROM devapp.create_developer('event-away@example.com');
SELECT FROM devapp.create_team('event-team', display_name => 'The team');
SELECT FROM devapp.create_product('event-product', quota_limit => 10, quota_unit => 'month', quota_enforcement => 'hard');
SELECT FROM devapp.add_operation('event-product', '/all/**', '{GET}');
SELECT FROM devapp.add_operation('event-product', '/own', '{GET}', quota_limit => 5, quota_unit => 'never');
SELECT FROM devapp.add_operation('event-product', '/short', '{GET}', quota_limit => 1, quota_interval => 59, quota_unit => 'minute');
UPDATE devapp.app SET status = 'suspended' WHERE status = 'approved';
DELETE FROM devapp.notification;
CREATE TEMP VIEW told AS
    SELECT n.event, n.app_id IS NOT NULL AS of_app,
           (SELECT string_agg(concat_ws(' ', r ->> 'kind', r ->> 'to', '(' || (r ->> 'why') || ')'), ', ' ORDER BY o)
              FROM jsonb_array_elements(n.recipients) WITH ORDINALITY AS x(r, o)) AS told,
           n.payload - 'resets_at' - 'consumer_key' - 'expires_at' - 'app_status' AS payload
      FROM devapp.notification n ORDER BY n.notification_id;

-- a member is added; who accepts an invitation knows
SELECT FROM devapp.add_team_member('event-team', 'event-2@example.com', 'admin');
SELECT FROM devapp.set_developer_status('event-away@example.com', 'deactivate', 'on leave');
SELECT FROM devapp.add_team_member('event-team', 'event-away@example.com');
SELECT FROM devapp.set_team_role('event-team', 'event-away@example.com', 'admin');
SELECT FROM devapp.set_developer_status('event-away@example.com', 'activate');
SELECT FROM devapp.invite_team_member('event-team', 'event@example.com');
BEGIN;
SELECT devapp.act_as('event@example.com');
SELECT role FROM devapp.accept_invitation('event-team');
COMMIT;
SELECT * FROM told;

-- a developer is deactivated, once
DELETE FROM devapp.notification;
SELECT FROM devapp.set_developer_status('event@example.com', 'deactivate', 'contract ended');
UPDATE devapp.developer SET first_name = 'Eva' WHERE email = 'event@example.com';
SELECT FROM devapp.set_developer_status('event@example.com', 'activate');
SELECT * FROM told;

-- an app gets another owner: both are told, each once
DELETE FROM devapp.notification;
SELECT app_id AS app FROM devapp.create_app('event-app', developer => 'event@example.com', products => '{event-product}') \gset
SELECT FROM devapp.transfer_app(:'app', developer => 'event-2@example.com', note => 'sold');
SELECT FROM devapp.transfer_app(:'app', team => 'event-team');
SELECT FROM devapp.add_notification_recipient('event-desk', team => 'event-team', email => 'event-desk@example.com');
SELECT FROM devapp.transfer_app(:'app', developer => 'event@example.com');
UPDATE devapp.app SET description = 'the same owner' WHERE app_id = :'app';
SET devapp.restoring = on;
SELECT FROM devapp.transfer_app(:'app', developer => 'event-2@example.com');
SELECT FROM devapp.remove_team_member('event-team', 'event-2@example.com');
SELECT FROM devapp.add_team_member('event-team', 'event-2@example.com');
SELECT FROM devapp.set_developer_status('event-2@example.com', 'deactivate');
SELECT FROM devapp.set_developer_status('event-2@example.com', 'activate');
SELECT FROM devapp.transfer_app(:'app', developer => 'event@example.com');
RESET devapp.restoring;
SELECT * FROM told;
SELECT FROM devapp.remove_notification_recipient('event-desk');

-- credentials that were replaced, deleted or revoked are not reminded of
SET devapp.rotation_max_age = 0;
CREATE FUNCTION pg_temp.expiring(app text) RETURNS uuid LANGUAGE sql AS $$
    INSERT INTO devapp.credential (app_id, consumer_key, issued_at, expires_at)
    SELECT a.app_id, 'dvk_live_event' || count(*), now() - interval '1 year', now() + interval '6 days'
      FROM devapp.app a JOIN devapp.credential c USING (app_id) WHERE a.name = app GROUP BY a.app_id
    RETURNING credential_id
$$;
SELECT pg_temp.expiring('event-app') AS kept \gset
SELECT pg_temp.expiring('event-app') AS replaced \gset
SELECT pg_temp.expiring('event-app') AS gone \gset
SELECT pg_temp.expiring('event-app') AS back \gset
SELECT pg_temp.expiring('event-app') AS late \gset
INSERT INTO devapp.credential_secret (credential_id, version, purpose, digest, scheme)
SELECT c.credential_id, 1, s.purpose, s.digest, s.scheme FROM devapp.credential c, devapp.credential_secret s JOIN devapp.credential o USING (credential_id)
 WHERE o.app_id = :'app' AND o.consumer_key NOT LIKE 'dvk_live_event%' AND c.consumer_key LIKE 'dvk_live_event%';
SELECT FROM devapp.issue_credential(:'app', replaces => :'replaced') \g /dev/null
DELETE FROM devapp.notification;
SELECT devapp.schedule_notifications();
-- before they are delivered: one is with a worker
SELECT count(*) FROM devapp.notification WHERE event = 'credential_expiring';
UPDATE devapp.notification SET next_attempt_at = now() - interval '1 hour' WHERE credential_id = :'late';
SELECT credential_id = :'late' AS late FROM devapp.claim_notifications(1);
SELECT FROM devapp.issue_credential(:'app', replaces => :'late') \g /dev/null
SELECT FROM devapp.delete_credential(:'gone');
SELECT FROM devapp.revoke_credential(:'back');
SELECT credential_id = :'kept' AS kept, credential_id = :'late' AS late, status FROM devapp.notification WHERE event = 'credential_expiring' ORDER BY status;
-- what a worker had in hand is not tried again, whether the worker fails or dies
BEGIN;
SELECT status FROM devapp.fail_notification((SELECT notification_id FROM devapp.notification WHERE status = 'leased'), 'no route');
ROLLBACK;
UPDATE devapp.notification SET leased_until = now() - interval '1 s' WHERE status = 'leased';
SELECT credential_id = :'late' AS late FROM devapp.claim_notifications();
SELECT status, attempts FROM devapp.notification WHERE credential_id = :'late';
UPDATE devapp.notification SET status = 'pending', leased_until = NULL, lease_id = NULL, worker = NULL WHERE status = 'leased';
-- they are not queued again
SELECT devapp.schedule_notifications(now() + interval '5 days 12 hours');
SELECT payload ->> 'days' AS days, credential_id = :'kept' AS kept FROM devapp.notification WHERE event = 'credential_expiring' AND status = 'pending' ORDER BY notification_id;
-- one that works again is
SELECT FROM devapp.approve_credential(:'back');
SELECT devapp.schedule_notifications();
SELECT credential_id = :'back' AS back, payload ->> 'days' AS days FROM devapp.notification WHERE event = 'credential_expiring' AND status = 'pending' ORDER BY notification_id DESC LIMIT 1;
RESET devapp.rotation_max_age;

-- quotas: at 80 % and when they are used up, once a window
DELETE FROM devapp.notification;
SELECT secret AS key FROM devapp.issue_credential(:'app', products => '{event-product}') \gset
DELETE FROM devapp.notification;
SELECT (devapp.consume_quota(:'key', '/all/x', 'GET', NULL, NULL, cost => 7)).code;
SELECT devapp_internal.queue_due(now(), false);
SELECT (devapp.consume_quota(:'key', '/all/x', 'GET', NULL, NULL, cost => 1)).code;
SELECT devapp_internal.queue_due(now(), false), devapp_internal.queue_due(now(), false);
SELECT (devapp.consume_quota(:'key', '/all/x', 'GET', NULL, NULL, cost => 2)).code;
SELECT (devapp.consume_quota(:'key', '/all/x', 'GET', NULL, NULL, cost => 1)).code;
SELECT devapp_internal.queue_due(now(), false), devapp_internal.queue_due(now(), false);
-- an operation's own, which never begins anew: only that it is used up; and one of less than an hour
SELECT (devapp.consume_quota(:'key', '/own', 'GET', NULL, NULL, cost => 5)).code;
SELECT (devapp.consume_quota(:'key', '/short', 'GET', NULL, NULL)).code;
SELECT devapp.schedule_notifications();
SELECT * FROM told;
SELECT event, (payload ->> 'resets_at')::timestamptz > now() AS resets FROM devapp.notification ORDER BY notification_id;
-- a purge keeps what keeps it from being told again
UPDATE devapp.notification SET status = 'done', completed_at = now() - interval '100 days';
SELECT devapp.purge_notifications();
SELECT devapp_internal.queue_due(now(), false);
UPDATE devapp.notification SET payload = payload || jsonb_build_object('resets_at', now()) WHERE payload ? 'resets_at';
SELECT devapp.purge_notifications();
-- set back it is the same window; the next one, and a quota that was changed, are others
SELECT devapp.reset_quota(:'app', 'event-product');
SELECT (devapp.consume_quota(:'key', '/all/x', 'GET', NULL, NULL, cost => 9)).code;
SELECT devapp_internal.queue_due(now(), false);
SELECT devapp_internal.queue_due(now() + interval '32 days', false);
SELECT FROM devapp.update_product('event-product', quota_limit => 100);
DELETE FROM devapp.notification WHERE event = 'quota_nearly_used';
SELECT devapp_internal.queue_due(now(), false);
SELECT FROM devapp.update_product('event-product', quota_limit => 10);
SELECT devapp_internal.queue_due(now(), false);
-- the quota of an app of its own is the one that counts, here 9 of 20 and then 9 of 9
DELETE FROM devapp.notification WHERE event = 'quota_nearly_used';
SELECT FROM devapp.set_app_quota(:'app', 'event-product', quota_limit => 20);
SELECT devapp_internal.queue_due(now(), false);
SELECT FROM devapp.set_app_quota(:'app', 'event-product', quota_limit => 9);
SELECT devapp_internal.queue_due(now(), false);
SELECT event, payload ->> 'quota_limit' AS quota_limit, payload ->> 'used' AS used FROM devapp.notification ORDER BY notification_id DESC LIMIT 1;
SELECT FROM devapp.set_app_quota(:'app', 'event-product');
-- nor for an app that is suspended
DELETE FROM devapp.notification;
SELECT FROM devapp.suspend_app(:'app');
SELECT devapp_internal.queue_due(now(), false);
DELETE FROM devapp.notification;
