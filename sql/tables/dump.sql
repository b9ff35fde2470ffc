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
-- The partitions of usage are no members, so pg_dump takes them anyway.
SELECT pg_extension_config_dump('devapp.usage_minute', '');
SELECT pg_extension_config_dump('devapp.usage_hour', '');
SELECT pg_extension_config_dump('devapp.usage_day', '');
SELECT pg_extension_config_dump('devapp.usage_latency', '');
SELECT pg_extension_config_dump('devapp.last_used', '');
SELECT pg_extension_config_dump('devapp.usage_state', '');
