-- The outbox as a queue: claim, complete, fail, retry, purge.
\set SHOW_CONTEXT never

DELETE FROM devapp.notification;
SELECT FROM devapp.create_developer('queue@example.com');
SELECT app_id FROM devapp.create_app('queue', developer => 'queue@example.com') \gset
ALTER TABLE devapp.notification ALTER notification_id RESTART WITH 101;
-- five that are due, the later the greater the id but for the last, and one that is not
INSERT INTO devapp.notification (event, app_id, recipients, next_attempt_at)
SELECT 'app_approved', :'app_id', '[{"kind": "developer", "to": "queue@example.com", "name": null, "why": "owner"}]', now() - x.ago
  FROM (VALUES (1, interval '5 min'), (2, '4 min'), (3, '3 min'), (4, '2 min'), (5, '10 min'), (6, '-1 hour')) AS x(n, ago) ORDER BY n;

-- oldest due first, as many as asked for, each with a lease of its own
SELECT notification_id, status, attempts, worker, leased_until - clock_timestamp() BETWEEN interval '9 min' AND interval '10 min' AS lease
  FROM devapp.claim_notifications("limit" => 2, lease => '10 min', worker => 'one');
SELECT notification_id, attempts, worker LIKE current_user || ', process %' AS names_me, leased_until - clock_timestamp() BETWEEN interval '4 min' AND interval '5 min' AS default_lease
  FROM devapp.claim_notifications(1);
SELECT count(DISTINCT lease_id) FROM devapp.notification WHERE status = 'leased';
SELECT notification_id FROM devapp.claim_notifications(worker => 'two');
SELECT count(*) FROM devapp.claim_notifications();

-- complete
SELECT status, completed_at IS NOT NULL AS at, leased_until, lease_id, worker FROM devapp.complete_notification(101);
SELECT devapp.complete_notification(101);
SELECT devapp.complete_notification(106);
SELECT devapp.complete_notification(1);
SELECT devapp.complete_notification(NULL);
-- fail: tried again after a minute, then twice as long each time
SELECT status, attempts, next_attempt_at - clock_timestamp() BETWEEN interval '30 s' AND interval '1 min' AS in_a_minute, last_error, completed_at, worker
  FROM devapp.fail_notification(102, E'mail server:\r\n\x1b[31mno route');
SELECT devapp.fail_notification(102, 'again');
SELECT devapp.fail_notification(1, 'x');
SELECT status, length(last_error) FROM devapp.fail_notification(103, repeat('long ', 1000));
SELECT status, last_error FROM devapp.fail_notification(104, NULL);
SELECT count(*) FROM devapp.claim_notifications();
SELECT n, devapp_internal.back_off(n) FROM unnest(ARRAY[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1000]) AS n;
UPDATE devapp.notification SET next_attempt_at = now() - interval '1 s' WHERE notification_id = 102;
SELECT notification_id, attempts, last_error FROM devapp.claim_notifications();
SELECT next_attempt_at - clock_timestamp() BETWEEN interval '90 s' AND interval '2 min' AS in_two_minutes FROM devapp.fail_notification(102, 'still no route');

-- a worker whose lease ran out cannot answer for another
SELECT lease_id AS late FROM devapp.notification WHERE notification_id = 105 \gset
SELECT count(*) FROM devapp.claim_notifications(worker => 'two');
UPDATE devapp.notification SET leased_until = now() - interval '1 s' WHERE notification_id = 105;
SELECT notification_id, attempts, last_error, lease_id AS mine FROM devapp.claim_notifications(worker => 'two') \gset
SELECT :'notification_id' AS id, :'attempts' AS attempts, :'last_error' AS last_error;
\set VERBOSITY sqlstate
SELECT devapp.complete_notification(105, :'late');
SELECT devapp.fail_notification(105, 'late', :'late');
\set VERBOSITY default
SELECT devapp.complete_notification(105, '00000000-0000-0000-0000-000000000000');
SELECT status, worker FROM devapp.notification WHERE notification_id = 105;
-- late, but nobody else has it: it was delivered
UPDATE devapp.notification SET leased_until = now() - interval '1 s' WHERE notification_id = 105;
SELECT status FROM devapp.complete_notification(105, :'mine');

-- given up after devapp.notification_max_attempts
SET devapp.notification_max_attempts = 3;
UPDATE devapp.notification SET next_attempt_at = now() - interval '1 s' WHERE notification_id = 102;
SELECT attempts FROM devapp.claim_notifications();
SELECT status, attempts, completed_at IS NOT NULL AS at, last_error FROM devapp.fail_notification(102, 'no route at all');
SELECT count(*) FROM devapp.claim_notifications();
-- and a worker that dies each time has its attempts too
UPDATE devapp.notification SET next_attempt_at = now() - interval '1 s' WHERE notification_id = 103;
SELECT attempts FROM devapp.claim_notifications(worker => 'mortal');
UPDATE devapp.notification SET leased_until = now() - interval '1 s' WHERE notification_id = 103;
SELECT attempts, last_error FROM devapp.claim_notifications(worker => 'mortal');
UPDATE devapp.notification SET leased_until = now() - interval '1 s' WHERE notification_id = 103;
SELECT attempts FROM devapp.claim_notifications(worker => 'mortal');
SELECT status, attempts, completed_at IS NOT NULL AS at, last_error, worker FROM devapp.notification WHERE notification_id = 103;
RESET devapp.notification_max_attempts;

-- retry: from the beginning
SELECT status, attempts, completed_at, last_error FROM devapp.retry_notification(102);
SELECT devapp.retry_notification(102);
SELECT devapp.retry_notification(101);
SELECT devapp.retry_notification(1);
SELECT notification_id, attempts, last_error FROM devapp.claim_notifications();
SELECT devapp.retry_notification(102);

-- bad arguments change nothing
SELECT devapp.claim_notifications(0);
SELECT devapp.claim_notifications(-1);
SELECT devapp.claim_notifications(NULL);
SELECT devapp.claim_notifications(lease => '0');
\set VERBOSITY sqlstate
SELECT devapp.claim_notifications(lease => '-1 s');
SELECT devapp.claim_notifications(lease => '1 month -40 days');
SELECT devapp.claim_notifications(lease => NULL);
\set VERBOSITY default
SET devapp.notification_max_attempts = 0;

-- purge: only what has been done or dead for that long
SELECT status, count(*) FROM devapp.notification GROUP BY status ORDER BY status;
SELECT devapp.purge_notifications();
UPDATE devapp.notification SET completed_at = now() - interval '91 days' WHERE notification_id = 101;
SELECT devapp.purge_notifications();
SELECT devapp.purge_notifications('0');
SELECT notification_id, status FROM devapp.notification ORDER BY 1;
SELECT devapp.purge_notifications('-1 s');
\set VERBOSITY sqlstate
SELECT devapp.purge_notifications(NULL);
\set VERBOSITY default

-- claiming is a matter of the index of what is due, whatever has been delivered
DELETE FROM devapp.notification;
INSERT INTO devapp.notification (event, app_id, recipients, status, completed_at)
SELECT 'app_approved', :'app_id', '[{}]', 'done', now() FROM generate_series(1, 5000);
ANALYZE devapp.notification;
EXPLAIN (COSTS OFF) SELECT n.notification_id FROM devapp.notification n
 WHERE n.status IN ('pending', 'leased') AND coalesce(n.leased_until, n.next_attempt_at) <= now()
 ORDER BY coalesce(n.leased_until, n.next_attempt_at), n.notification_id LIMIT 10 FOR UPDATE SKIP LOCKED;
DELETE FROM devapp.notification;
