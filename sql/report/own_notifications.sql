-- What developers were told: with their rights, so the policy of the outbox (row_security.sql)
-- leaves them what was written for them.  What else is in the outbox, such as who else was
-- told and how the delivery went, they cannot read.

CREATE VIEW devapp.my_notifications WITH (security_invoker = true) AS
SELECT n.notification_id, n.created_at, n.event, n.app_id, n.payload ->> 'app' AS app, n.payload ->> 'owner' AS owner,
       n.credential_id, n.payload ->> 'consumer_key' AS consumer_key, n.product_id, n.payload ->> 'product' AS product,
       n.payload ->> 'note' AS note, n.payload
  FROM devapp.notification n
 ORDER BY n.notification_id DESC;
COMMENT ON VIEW devapp.my_notifications IS 'Notifications of the current user, newest first, until devapp.purge_notifications removes them';
COMMENT ON COLUMN devapp.my_notifications.notification_id IS 'Id of the notification, as in mails and webhooks';
COMMENT ON COLUMN devapp.my_notifications.created_at IS 'When it happened';
COMMENT ON COLUMN devapp.my_notifications.event IS 'What happened: app_approved, credential_expiring, ...';
COMMENT ON COLUMN devapp.my_notifications.app_id IS 'Id of the app; null: it is about a team or a person';
COMMENT ON COLUMN devapp.my_notifications.app IS 'Name of the app at the time';
COMMENT ON COLUMN devapp.my_notifications.owner IS 'E-mail address of the developer, or name of the team, that owned it at the time';
COMMENT ON COLUMN devapp.my_notifications.credential_id IS 'Id of the credential, if it is about one';
COMMENT ON COLUMN devapp.my_notifications.consumer_key IS 'Public part of its key';
COMMENT ON COLUMN devapp.my_notifications.product_id IS 'Id of the product, if it is about one';
COMMENT ON COLUMN devapp.my_notifications.product IS 'Name of the product';
COMMENT ON COLUMN devapp.my_notifications.note IS 'Why it happened; null: not given';
COMMENT ON COLUMN devapp.my_notifications.payload IS 'All details; never a secret';
SELECT devapp_internal.grant_on('TABLE', 'devapp.my_notifications', 'SELECT', 'admin', 'developer');
