-- The rows are the user's: pg_dump takes them along.  So is the sequence, or the
-- first INSERT after a restore would fail.

SELECT pg_extension_config_dump('devapp.developer', '');
SELECT pg_extension_config_dump('devapp.team', '');
SELECT pg_extension_config_dump('devapp.team_member', '');
SELECT pg_extension_config_dump('devapp.product', '');
SELECT pg_extension_config_dump('devapp.product_operation', '');
SELECT pg_extension_config_dump('devapp.app', '');
SELECT pg_extension_config_dump('devapp.credential', '');
SELECT pg_extension_config_dump('devapp.credential_secret', '');
SELECT pg_extension_config_dump('devapp.credential_product', '');
SELECT pg_extension_config_dump('devapp.credential_product_ordinal_seq', '');
SELECT pg_extension_config_dump('devapp.approval_rule', '');
SELECT pg_extension_config_dump('devapp.product_approver', '');
-- The months of the audit trail are no members, so pg_dump takes them anyway.
SELECT pg_extension_config_dump('devapp.audit_event', '');
SELECT pg_extension_config_dump('devapp.audit_event_default', '');
SELECT pg_extension_config_dump('devapp.audit_event_id_seq', '');
SELECT pg_extension_config_dump('devapp.notification', '');
SELECT pg_extension_config_dump('devapp.notification_notification_id_seq', '');
SELECT pg_extension_config_dump('devapp.audit_leaf', '');
SELECT pg_extension_config_dump('devapp.audit_node', '');
SELECT pg_extension_config_dump('devapp.audit_checkpoint', '');
SELECT pg_extension_config_dump('devapp.bulk_run', '');
SELECT pg_extension_config_dump('devapp.bulk_item', '');
-- The partitions of usage are no members, so pg_dump takes them anyway.
SELECT pg_extension_config_dump('devapp.usage_minute', '');
SELECT pg_extension_config_dump('devapp.usage_hour', '');
SELECT pg_extension_config_dump('devapp.usage_day', '');
SELECT pg_extension_config_dump('devapp.usage_latency', '');
SELECT pg_extension_config_dump('devapp.last_used', '');
SELECT pg_extension_config_dump('devapp.usage_batch', '');
SELECT pg_extension_config_dump('devapp.quota_usage', '');
SELECT pg_extension_config_dump('devapp.usage_shipment', '');
