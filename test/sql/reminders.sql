-- What time brings: credentials that expire, secrets that are due to be rotated.
\set SHOW_CONTEXT never

SELECT FROM devapp.create_developer('remind@example.com');
SELECT FROM devapp.create_developer('remind-gone@example.com');
-- only what this file makes
UPDATE devapp.app SET status = 'suspended' WHERE status = 'approved';
DELETE FROM devapp.notification;
CREATE FUNCTION pg_temp.make(name text, lives interval, issued_ago interval DEFAULT '0', owner text DEFAULT 'remind@example.com') RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    made devapp.issued_credential := devapp.create_app(name, developer => owner);
    aged uuid;
BEGIN
    -- issued_at and expires_at are fixed, so an old one is made as such
    INSERT INTO devapp.credential AS c (app_id, consumer_key, issued_at, expires_at)
    VALUES (made.app_id, 'dvk_live_' || name, now() - issued_ago, now() - issued_ago + lives) RETURNING c.credential_id INTO aged;
    INSERT INTO devapp.credential_secret (credential_id, version, purpose, digest, scheme, valid_from)
    SELECT aged, 1, s.purpose, s.digest, s.scheme, now() - issued_ago FROM devapp.credential_secret s WHERE s.credential_id = made.credential_id;
    RETURN aged;
END $$;
-- half days lie between, so that no clock change of a time zone matters
CREATE VIEW pg_temp.reminders AS
    SELECT n.event, n.payload ->> 'app' AS app, n.payload ->> 'days' AS days, n.recipients #>> '{0,to}' AS told
      FROM devapp.notification n WHERE n.dedupe_key IS NOT NULL ORDER BY n.payload ->> 'app' COLLATE "C", n.event, n.notification_id;

-- credentials that expire
SET devapp.rotation_max_age = 0;
SELECT pg_temp.make('year', '365 days') AS year \gset
SELECT pg_temp.make('in-30', '365 days', '335 days 12 hours') IS NOT NULL AS made;
SELECT pg_temp.make('in-31', '365 days', '334 days 12 hours') IS NOT NULL AS made;
SELECT pg_temp.make('in-20', '365 days', '345 days') IS NOT NULL AS made;
SELECT pg_temp.make('in-7', '365 days', '358 days 12 hours') IS NOT NULL AS made;
SELECT pg_temp.make('in-half-a-day', '365 days', '364 days 12 hours') IS NOT NULL AS made;
SELECT pg_temp.make('over', '365 days', '366 days') IS NOT NULL AS made;
-- with no more to live than that nobody needs telling
SELECT pg_temp.make('for-5-days', '5 days') IS NOT NULL AS made;
SELECT pg_temp.make('for-a-week', '6 days 20 hours') IS NOT NULL AS made;
SELECT pg_temp.make('for-an-hour', '1 hour') IS NOT NULL AS made;
-- and what does not work anyway
SELECT pg_temp.make('revoked', '365 days', '360 days') AS c \gset
SELECT status FROM devapp.revoke_credential(:'c');
SELECT pg_temp.make('suspended', '365 days', '360 days') AS c \gset
SELECT s.status FROM devapp.credential c, devapp.suspend_app(c.app_id) AS s WHERE c.credential_id = :'c';
SELECT pg_temp.make('owner-inactive', '365 days', '360 days', 'remind-gone@example.com') AS c \gset
SELECT FROM devapp.set_developer_status('remind-gone@example.com', 'deactivate');
DELETE FROM devapp.notification;

SELECT devapp.schedule_notifications();
SELECT * FROM pg_temp.reminders;
SELECT n.payload - 'expires_at' AS payload, (n.payload ->> 'expires_at')::timestamptz = c.expires_at AS expires, n.status FROM devapp.notification n JOIN devapp.credential c USING (credential_id) WHERE n.payload ->> 'app' = 'in-7';
-- once
SELECT devapp.schedule_notifications();
-- as time goes by, each threshold once
DELETE FROM devapp.notification WHERE payload ->> 'app' <> 'in-20';
UPDATE devapp.app SET status = 'suspended' WHERE status = 'approved' AND name NOT IN ('in-20', 'for-5-days');
SELECT day, devapp.schedule_notifications(now() + make_interval(days => day, hours => 12)) FROM generate_series(0, 21) AS day;
SELECT * FROM pg_temp.reminders;
-- the last one only, if nobody asked for long
SELECT pg_temp.make('late', '365 days', '330 days') IS NOT NULL AS made;
SELECT devapp.schedule_notifications(now() + interval '34 days 12 hours');
SELECT * FROM pg_temp.reminders WHERE app = 'late';
-- a purge keeps what keeps it from being told again
UPDATE devapp.notification SET status = 'done', completed_at = now() - interval '100 days';
SELECT devapp.purge_notifications();
SELECT devapp.schedule_notifications();
SELECT devapp.schedule_notifications(now() + interval '34 days 12 hours');

-- secrets that are due
RESET devapp.rotation_max_age;
DELETE FROM devapp.notification;
SELECT pg_temp.make('old', '10 years', '91 days') AS old \gset
SELECT pg_temp.make('young', '10 years', '89 days') IS NOT NULL AS made;
SELECT pg_temp.make('old-revoked', '10 years', '91 days') AS c \gset
SELECT FROM devapp.revoke_credential(:'c');
SELECT pg_temp.make('old-suspended', '10 years', '91 days') AS c \gset
SELECT FROM devapp.credential c, devapp.suspend_app(c.app_id) WHERE c.credential_id = :'c';
SELECT pg_temp.make('old-expired', '90 days', '91 days') IS NOT NULL AS made;
DELETE FROM devapp.notification;
SELECT devapp.schedule_notifications();
SELECT event, recipients #- '{0,developer_id}' AS recipients, payload - 'expires_at' - 'secret_since' AS payload FROM devapp.notification;
SELECT devapp.schedule_notifications();
-- a lower age
SET devapp.rotation_max_age = 88;
SELECT devapp.schedule_notifications();
SELECT app, days FROM pg_temp.reminders WHERE event = 'rotation_overdue';
RESET devapp.rotation_max_age;
-- done and purged it stays as long as the secret is the current one
UPDATE devapp.notification SET status = 'done', completed_at = now() - interval '100 days';
SELECT devapp.purge_notifications();
SELECT devapp.schedule_notifications();
SELECT secret_version FROM devapp.rotate_credential(:'old');
SELECT devapp.purge_notifications();
SELECT event, app FROM pg_temp.reminders;
-- the new version has a time of its own
SELECT devapp.schedule_notifications();
SELECT devapp.schedule_notifications(now() + interval '91 days') > 0 AS queued;
SELECT event, payload ->> 'version' AS version FROM devapp.notification WHERE credential_id = :'old' ORDER BY notification_id;

-- bad arguments
SELECT devapp.schedule_notifications(NULL);
SELECT devapp.schedule_notifications('infinity');
SET devapp.rotation_max_age = -1;
SET devapp.rotation_max_age = 'soon';
DELETE FROM devapp.notification;
