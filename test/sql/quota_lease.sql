-- Parts of quotas that a primary lends to standbys: what devapp.lease_quotas() answers, whatever
-- it is asked.  The standbys are this test.
\set SHOW_CONTEXT never
SELECT FROM devapp.create_developer('lease@example.com');
SELECT FROM devapp.create_product('lease-hard', quota_limit => 100, quota_interval => 1200, quota_unit => 'month', quota_enforcement => 'hard');
SELECT FROM devapp.create_product('lease-soft', quota_limit => 100, quota_interval => 1200, quota_unit => 'month');
SELECT FROM devapp.add_operation('lease-soft', '/own/**', quota_limit => 10, quota_interval => 1200, quota_unit => 'month');
SELECT app_id, secret FROM devapp.create_app('lease', 'lease@example.com', products => '{lease-hard,lease-soft}') \gset
\set a 01900000-0000-7000-8000-00000000000a
\set b 01900000-0000-7000-8000-00000000000b

-- what a standby says of a bucket; the window is this century
CREATE FUNCTION pg_temp.ask(product text, number bigint, used bigint, held bigint, want bigint, need bigint DEFAULT 0,
                            resource text DEFAULT NULL, window_start timestamptz DEFAULT '2000-01-01 00:00+00', hard boolean DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('app_id', a.app_id, 'product_id', p.product_id, 'operation_id', o.operation_id, 'environment', '',
                              'window_start', ask.window_start, 'window_end', ask.window_start + interval '100 years',
                              'hard', coalesce(hard, p.quota_enforcement = 'hard'), 'number', number, 'used', used, 'held', held, 'want', want, 'need', need)
      FROM devapp.app a, devapp.product p
      LEFT JOIN devapp.product_operation o ON o.product_id = p.product_id AND o.resource::text = ask.resource
     WHERE a.name = 'lease' AND p.name = ask.product
$$;
CREATE FUNCTION pg_temp.book(product text) RETURNS TABLE (operation boolean, used bigint, reserved bigint, leases text) LANGUAGE sql AS $$
    SELECT u.operation_id IS NOT NULL, u.used, u.reserved,
           (SELECT string_agg(format('%s %s of %s', l.server_name, l.used, l.granted), ', ' ORDER BY l.server)
              FROM devapp.quota_lease l
             WHERE (l.app_id, l.product_id, l.environment) = (u.app_id, u.product_id, u.environment) AND l.operation_id IS NOT DISTINCT FROM u.operation_id)
      FROM devapp.quota_usage u JOIN devapp.product p USING (product_id) WHERE p.name = book.product ORDER BY 1
$$;

-- ---------- lending ----------

-- the first gets half of what is left at most, the second a quarter of it
SELECT * FROM devapp.lease_quotas(:'a', 'a', 1, jsonb_build_array(pg_temp.ask('lease-hard', 1, 0, 0, 80)));
SELECT * FROM devapp.lease_quotas(:'b', 'b', 1, jsonb_build_array(pg_temp.ask('lease-hard', 1, 0, 0, 80)));
SELECT * FROM pg_temp.book('lease-hard');
-- the same batch again: the same answer, and nothing is changed
SELECT * FROM devapp.lease_quotas(:'b', 'b', 1, jsonb_build_array(pg_temp.ask('lease-hard', 1, 0, 0, 80)));
SELECT * FROM pg_temp.book('lease-hard');
-- 30 are used; it has what it wants
SELECT * FROM devapp.lease_quotas(:'a', 'a', 2, jsonb_build_array(pg_temp.ask('lease-hard', 1, 30, 50, 20)));
-- an older batch comes late: nothing is changed
SELECT ask, granted, seconds FROM devapp.lease_quotas(:'a', 'a', 1, jsonb_build_array(pg_temp.ask('lease-hard', 1, 10, 10, 0)));
SELECT * FROM pg_temp.book('lease-hard');
-- the answer was lost, and some is given back: it holds 35
SELECT * FROM devapp.lease_quotas(:'a', 'a', 3, jsonb_build_array(pg_temp.ask('lease-hard', 1, 33, 35, 2)));
SELECT * FROM pg_temp.book('lease-hard');
-- a call needs more than a share: it gets it, if it is left
SELECT granted, room, free FROM devapp.lease_quotas(:'a', 'a', 4, jsonb_build_array(pg_temp.ask('lease-hard', 1, 33, 35, 2, 56)));
SELECT granted, room, free FROM devapp.lease_quotas(:'a', 'a', 5, jsonb_build_array(pg_temp.ask('lease-hard', 1, 33, 35, 2, 55)));
SELECT granted, room, free FROM devapp.lease_quotas(:'a', 'a', 6, jsonb_build_array(pg_temp.ask('lease-hard', 1, 33, 35, 2)));
SELECT * FROM pg_temp.book('lease-hard');

-- ---------- calls on the primary ----------

SELECT product, used, remaining, leased FROM devapp.quota_status(:'app_id') WHERE product = 'lease-hard';
-- 33 used, 14 reserved: 53 are left for calls here
SELECT code, quota_remaining FROM devapp.consume_quota(:'secret', cost => 54);
SELECT code, quota_remaining FROM devapp.consume_quota(:'secret', cost => 50);
SELECT code, quota_remaining FROM devapp.verify_key(:'secret', cost => 4);
SELECT product, used, remaining, leased FROM devapp.quota_status(:'app_id') WHERE product = 'lease-hard';
SELECT code, quota_remaining FROM devapp.verify_key(:'secret', cost => 0);
SELECT * FROM pg_temp.book('lease-hard');
SELECT code, quota_remaining FROM devapp.consume_quota(:'secret', cost => 2);
-- 1 is left to lend
SELECT granted, room, free FROM devapp.lease_quotas(:'b', 'b', 2, jsonb_build_array(pg_temp.ask('lease-hard', 1, 12, 12, 50)));
SELECT * FROM pg_temp.book('lease-hard');

-- ---------- a server that does not come back ----------

-- of a hard quota what it holds stays reserved
UPDATE devapp.quota_lease SET expires_at = now() - interval '1 s' WHERE server = :'a';
SELECT granted, room, free FROM devapp.lease_quotas(:'b', 'b', 3, jsonb_build_array(pg_temp.ask('lease-hard', 1, 12, 13, 50)));
SELECT * FROM pg_temp.book('lease-hard');
-- of a soft one it is given back, when somebody asks, or at a flush
SELECT * FROM devapp.lease_quotas(:'a', 'a', 1, jsonb_build_array(pg_temp.ask('lease-soft', 1, 0, 0, 80), pg_temp.ask('lease-soft', 2, 0, 0, 80, 0, '/own/**')));
SELECT * FROM pg_temp.book('lease-soft');
UPDATE devapp.quota_lease SET expires_at = now() - interval '1 s' WHERE server = :'a' AND NOT hard;
SELECT granted, room, free FROM devapp.lease_quotas(:'b', 'b', 4, jsonb_build_array(pg_temp.ask('lease-soft', 1, 0, 0, 80)));
SELECT devapp_internal.keep_leases();
SELECT * FROM pg_temp.book('lease-soft');
-- it does come back, and has overdrawn: 3 more than were granted
SELECT granted, room, free FROM devapp.lease_quotas(:'a', 'a', 7, jsonb_build_array(pg_temp.ask('lease-soft', 1, 53, 53, 10)));
SELECT * FROM pg_temp.book('lease-soft');
-- a new lease of the same server: what it held by the one before is given back
SELECT granted, room, free FROM devapp.lease_quotas(:'a', 'a', 8, jsonb_build_array(pg_temp.ask('lease-soft', 5, 0, 0, 0)));
SELECT granted, seconds FROM devapp.lease_quotas(:'a', 'a', 9, jsonb_build_array(pg_temp.ask('lease-soft', 1, 60, 60, 10)));
SELECT * FROM pg_temp.book('lease-soft');
-- it was cut off for days: what it tells again is not counted again
BEGIN;
SELECT granted, room FROM devapp.lease_quotas(:'a', 'a', 10, jsonb_build_array(pg_temp.ask('lease-soft', 2, 7, 7, 0, 0, '/own/**')));
UPDATE devapp.quota_lease SET expires_at = now() - interval '3 days' WHERE server = :'a' AND NOT hard;
SELECT count(*) >= 0 AS maintained FROM devapp_internal.make_usage_partitions();
SELECT granted, room FROM devapp.lease_quotas(:'a', 'a', 11, jsonb_build_array(pg_temp.ask('lease-soft', 2, 7, 7, 0, 0, '/own/**')));
ROLLBACK;

-- ---------- resets and other limits ----------

-- what has expired is given back; what is outstanding else stays reserved until the standby gives it back
SELECT devapp.reset_quota(:'app_id', 'lease-hard');
SELECT * FROM pg_temp.book('lease-hard');
SELECT granted, free, is_void FROM devapp.lease_quotas(:'b', 'b', 9, jsonb_build_array(pg_temp.ask('lease-hard', 1, 12, 13, 50)));
SELECT granted, free, is_void FROM devapp.lease_quotas(:'b', 'b', 10, jsonb_build_array(pg_temp.ask('lease-hard', 1, 13, 13, 50)));
SELECT * FROM pg_temp.book('lease-hard');
SELECT FROM devapp.update_product('lease-hard', quota_limit => 60);
SELECT granted, free, is_void FROM devapp.lease_quotas(:'b', 'b', 11, jsonb_build_array(pg_temp.ask('lease-hard', 1, 16, 62, 50)));
SELECT granted, free, is_void FROM devapp.lease_quotas(:'b', 'b', 12, jsonb_build_array(pg_temp.ask('lease-hard', 1, 20, 20, 10)));
SELECT * FROM pg_temp.book('lease-hard');
-- a lower limit than what is used
SELECT FROM devapp.update_product('lease-hard', quota_limit => 1);
SELECT granted, room, free, is_void FROM devapp.lease_quotas(:'b', 'b', 13, jsonb_build_array(pg_temp.ask('lease-hard', 1, 20, 20, 10)));
-- a quota that becomes soft and hard again: a standby that does not know that yet gives back what it holds, and nothing is lent to it
SELECT FROM devapp.update_product('lease-hard', quota_limit => 60);
SELECT granted, room, free, is_void FROM devapp.lease_quotas(:'b', 'b', 14, jsonb_build_array(pg_temp.ask('lease-hard', 1, 20, 20, 10)));
SELECT FROM devapp.update_product('lease-hard', quota_enforcement => 'soft');
SELECT granted, room, free, is_void FROM devapp.lease_quotas(:'b', 'b', 15, jsonb_build_array(pg_temp.ask('lease-hard', 1, 22, 30, 10, hard => true)));
SELECT granted, room, free, is_void FROM devapp.lease_quotas(:'b', 'b', 16, jsonb_build_array(pg_temp.ask('lease-hard', 1, 22, 22, 10, hard => true)));
SELECT granted, room, free, is_void FROM devapp.lease_quotas(:'b', 'b', 17, jsonb_build_array(pg_temp.ask('lease-hard', 1, 22, 22, 10)));
SELECT FROM devapp.update_product('lease-hard', quota_enforcement => 'hard');
-- what was lent while it was soft is not given back: the standby may have used it since
UPDATE devapp.quota_lease SET expires_at = now() - interval '1 second' WHERE server = :'b' AND granted = 32;
SELECT devapp_internal.keep_leases();
SELECT * FROM pg_temp.book('lease-hard');
SELECT granted, room, free, is_void FROM devapp.lease_quotas(:'b', 'b', 18, jsonb_build_array(pg_temp.ask('lease-hard', 1, 25, 32, 10, hard => false)));
SELECT granted, room, free, is_void FROM devapp.lease_quotas(:'b', 'b', 19, jsonb_build_array(pg_temp.ask('lease-hard', 1, 25, 25, 10, hard => false)));
SELECT granted, room, free, is_void FROM devapp.lease_quotas(:'b', 'b', 20, jsonb_build_array(pg_temp.ask('lease-hard', 1, 25, 25, 10)));
SELECT * FROM pg_temp.book('lease-hard');
-- no quota any more, another window, a product that is gone
SELECT granted, room, free, seconds FROM devapp.lease_quotas(:'b', 'b', 21, jsonb_build_array(pg_temp.ask('lease-hard', 1, 25, 35, 10, 0, NULL, '2100-01-01 00:00+00')));
SELECT granted, room, free, seconds FROM devapp.lease_quotas(:'b', 'b', 21, jsonb_build_array(pg_temp.ask('lease-hard', 1, 25, 35, 10, 0, NULL, '1900-01-01 00:00+00')));
SELECT FROM devapp.update_product('lease-hard', quota_limit => 0);
SELECT granted, room, free, seconds FROM devapp.lease_quotas(:'b', 'b', 21, jsonb_build_array(pg_temp.ask('lease-hard', 1, 25, 35, 10)));
SELECT granted, room, free, seconds FROM devapp.lease_quotas(:'b', 'b', 21, jsonb_build_array(pg_temp.ask('lease-soft', 1, 20, 20, 10) || '{"product_id": "01900000-0000-7000-8000-000000000001"}'));

-- the window has ended: nothing of it counts in the next
UPDATE devapp.quota_usage u SET window_start = '1900-01-01 00:00+00', window_end = '2000-01-01 00:00+00', used = 90 FROM devapp.product p
 WHERE p.product_id = u.product_id AND p.name = 'lease-soft' AND u.operation_id IS NULL;
UPDATE devapp.quota_lease SET window_start = '1900-01-01 00:00+00', window_end = '2000-01-01 00:00+00' WHERE NOT hard AND operation_id IS NULL;
-- what was not given back in it is left alone
BEGIN;
UPDATE devapp.quota_lease SET granted = used + 5, expires_at = now() - interval '1 s' WHERE NOT hard AND operation_id IS NULL;
SELECT devapp_internal.keep_leases();
SELECT leases FROM pg_temp.book('lease-soft') WHERE NOT operation;
ROLLBACK;
SELECT granted, room, free FROM devapp.lease_quotas(:'b', 'b', 20, jsonb_build_array(pg_temp.ask('lease-soft', 2, 0, 0, 8)));
SELECT * FROM pg_temp.book('lease-soft') WHERE NOT operation;

-- ---------- what cannot be right ----------

SELECT * FROM devapp.lease_quotas(NULL, 'x', 1, '[]');
SELECT * FROM devapp.lease_quotas(:'b', NULL, 1, '[]');
SELECT * FROM devapp.lease_quotas(:'b', 'x', NULL, '[]');
SELECT * FROM devapp.lease_quotas(:'b', 'x', 1, NULL);
SELECT * FROM devapp.lease_quotas(gen_random_uuid(), 'x', 1, '[]');
SELECT * FROM devapp.lease_quotas('fff00000-0000-7000-8000-000000000000', 'x', 1, '[]');
SELECT * FROM devapp.lease_quotas(:'b', 'x', 1, '{}');
SELECT * FROM devapp.lease_quotas(:'b', 'x', 1, '[]');
SELECT * FROM devapp.lease_quotas(:'b', 'x', 1, '[{}]');
SELECT * FROM devapp.lease_quotas(:'b', 'x', 1, '[1]');
SELECT * FROM devapp.lease_quotas(:'b', 'x', 0, jsonb_build_array(pg_temp.ask('lease-soft', 2, 0, 0, 8)));
SELECT * FROM devapp.lease_quotas(:'b', 'x', 21, jsonb_build_array(pg_temp.ask('lease-soft', 0, 0, 0, 8)));
SELECT * FROM devapp.lease_quotas(:'b', 'x', 21, jsonb_build_array(pg_temp.ask('lease-soft', 2, -1, 0, 8)));
SELECT * FROM devapp.lease_quotas(:'b', 'x', 21, jsonb_build_array(pg_temp.ask('lease-soft', 2, 0, 0, 8, 1000000001)));
SELECT * FROM devapp.lease_quotas(:'b', 'x', 21, jsonb_build_array(pg_temp.ask('lease-soft', 2, 0, 0, 8) || '{"used": "many"}'));
SELECT * FROM devapp.lease_quotas(:'b', 'x', 21, jsonb_build_array(pg_temp.ask('lease-soft', 2, 0, 0, 8) || '{"window_start": "soon"}'));
-- numbers as large as they can be end at what fits
SELECT granted = 9223372036854775807 AS all, room, free < 0 AS overdrawn
  FROM devapp.lease_quotas(:'b', repeat('long', 100), 21, jsonb_build_array(pg_temp.ask('lease-soft', 2, 9223372036854775807, 9223372036854775807, 9223372036854775807, 1)));
SELECT length(server_name), used = 9223372036854775807 AS all FROM devapp.quota_lease WHERE server_name ~ 'long';
DELETE FROM devapp.quota_lease;
DELETE FROM devapp.quota_usage WHERE app_id = :'app_id';
SELECT FROM devapp.delete_app(:'app_id');
