-- Quotas and rates of one app, in place of its product's.  Hard quotas need no shared
-- memory; windows are of 100 years, so that none ends meanwhile.  Soft ones and rates are
-- in t/033_quota.pl.
\set SHOW_CONTEXT never
SET TimeZone = 'UTC';
SET client_min_messages = warning;
SELECT FROM devapp.setup_roles();
RESET client_min_messages;
SELECT FROM devapp.create_developer('app-quota@example.com');
SELECT FROM devapp.create_developer('app-quota-2@example.com');
SELECT FROM devapp.create_product('app-quota', environments => '{prod}', quota_limit => 5, quota_interval => 1200, quota_unit => 'month', rate_limit => 2, rate_burst => 3, quota_enforcement => 'hard');
SELECT FROM devapp.add_operation('app-quota', '/a/**');
SELECT FROM devapp.add_operation('app-quota', '/b/**', quota_limit => 2, quota_interval => 1200, quota_unit => 'month');
SELECT FROM devapp.create_product('app-quota-none', quota_enforcement => 'hard');
SELECT app_id AS own, secret AS own_key FROM devapp.create_app('app-quota', 'app-quota@example.com', products => '{app-quota,app-quota-none}') \gset
SELECT app_id AS other, secret AS other_key FROM devapp.create_app('app-quota-other', 'app-quota@example.com', products => '{app-quota}') \gset
-- what a call of each is answered; it costs nothing unless that is said
CREATE FUNCTION pg_temp.ask(own text, other text, resource text DEFAULT '/a/1', cost bigint DEFAULT 0) RETURNS TABLE (app text, code devapp.verdict_code, quota_limit bigint, quota_remaining bigint) LANGUAGE sql AS $$
    SELECT 'own', v.code, v.quota_limit, v.quota_remaining FROM devapp.consume_quota(own, resource, cost => ask.cost) v
    UNION ALL SELECT 'other', v.code, v.quota_limit, v.quota_remaining FROM devapp.consume_quota(other, resource, cost => ask.cost) v $$;
SELECT * FROM pg_temp.ask(:'own_key', :'other_key', cost => 4);

-- what is left out is the product's; what was used counts on, as long as the window is the same
SELECT quota_limit, quota_interval, quota_unit, rate_limit, rate_burst, until, note FROM devapp.set_app_quota(:'own', 'app-quota', quota_limit => 10, note => 'a good customer');
SELECT * FROM pg_temp.ask(:'own_key', :'other_key', cost => 3);
-- an operation's own quota stays as it is, and so do other products
SELECT * FROM pg_temp.ask(:'own_key', :'other_key', '/b/1');
SELECT quota_limit FROM devapp.verify_key(:'own_key', '/c');
-- later changes of the product alter it no more, but what the app keeps of the product
SELECT FROM devapp.update_product('app-quota', quota_limit => 6, quota_interval => 2400, rate_limit => 7, rate_burst => 8);
SELECT * FROM pg_temp.ask(:'own_key', :'other_key');
SELECT resource, quota_limit, quota_interval, quota_unit, used, remaining, rate_limit, rate_burst FROM devapp.quota_status(:'own');
SELECT app, resource, quota_limit, quota_interval, quota_unit, used, remaining FROM devapp_report.quota_usage WHERE app LIKE 'app-quota%' ORDER BY app, resource NULLS FIRST;
SELECT p->'quota' AS quota, p->'rate' AS rate FROM jsonb_array_elements(devapp.get_app(:'own')->'products') AS p WHERE p->>'name' = 'app-quota';
-- each call says all that the app has: what it leaves out is the product's again
SELECT quota_limit, quota_interval, quota_unit, rate_limit, rate_burst FROM devapp.set_app_quota('app-quota@example.com/app-quota', 'app-quota', rate_limit => 100);
SELECT p->'quota' AS quota, p->'rate' AS rate FROM jsonb_array_elements(devapp.get_app(:'own')->'products') AS p WHERE p->>'name' = 'app-quota';
SELECT * FROM pg_temp.ask(:'own_key', :'other_key');
-- in the window of 1200 months, in which the last call was, 7 are used
SELECT quota_limit, quota_interval, quota_unit, rate_limit, rate_burst FROM devapp.set_app_quota(:'own', 'app-quota', rate_burst => 9, quota_interval => 1200);
SELECT * FROM pg_temp.ask(:'own_key', :'other_key', cost => 1);
-- the first call under another unit or interval begins a window of which nothing is used
SELECT quota_limit, quota_interval, quota_unit FROM devapp.set_app_quota(:'own', 'app-quota', quota_unit => 'never');
SELECT code, quota_limit, quota_remaining, quota_reset_at FROM devapp.consume_quota(:'own_key', '/a/1');
SELECT app, used, window_start, resets_at FROM devapp_report.quota_usage WHERE app = 'app-quota' AND resource IS NULL;
SELECT FROM devapp.set_app_quota(:'own', 'app-quota', quota_limit => 20, quota_interval => 1200, quota_unit => 'month');
SELECT code, quota_limit, quota_remaining, quota_reset_at FROM devapp.consume_quota(:'own_key', '/a/1');
-- a limit below what is used
SELECT FROM devapp.set_app_quota(:'own', 'app-quota', quota_limit => 1, quota_interval => 1200);
SELECT * FROM pg_temp.ask(:'own_key', :'other_key', cost => 1);
-- a product without a quota
SELECT quota_limit, quota_interval, quota_unit, rate_limit, rate_burst FROM devapp.set_app_quota(:'own', 'app-quota-none', quota_limit => 3, quota_unit => 'month', rate_limit => 5);
SELECT code, product, quota_limit, quota_remaining FROM devapp.verify_key(:'own_key', '/c', cost => 0);

-- until: a cached entry ends in time, whoever remembers it
SELECT FROM devapp.set_app_quota(:'own', 'app-quota', quota_limit => 50, quota_interval => 2400, until => clock_timestamp() + interval '1 second');
SELECT until AS ends FROM devapp.app_quota WHERE app_id = :'own' AND until IS NOT NULL \gset
BEGIN;
SELECT v.quota_limit, clock_timestamp() < :'ends' AS before FROM devapp.verify_key(:'own_key', '/a/1', cost => 0) v;
SELECT x.rule, x.passed, regexp_replace(x.detail, 'until [0-9-]{10} [0-9:.]+', 'until (time)', 'g') AS detail FROM devapp.explain_access(:'own', '/a/1') x WHERE rule = 'quota';
SELECT FROM pg_sleep_until(:'ends');
SELECT v.quota_limit, clock_timestamp() < :'ends' AS before FROM devapp.verify_key(:'own_key', '/a/1', cost => 0) v;
SELECT quota_limit FROM devapp.quota_status(:'own') WHERE product = 'app-quota' AND resource IS NULL;
SELECT x.rule, x.passed, x.detail FROM devapp.explain_access(:'own', '/a/1') x WHERE rule = 'quota';
SELECT x.detail FROM devapp.explain_access(:'own', '/b/1') x WHERE rule = 'quota';
COMMIT;
SELECT FROM devapp.set_app_quota(:'own', 'app-quota', quota_limit => 60, until => 'infinity');
SELECT quota_limit FROM devapp.verify_key(:'own_key', '/a/1', cost => 0);
SELECT x.detail FROM devapp.explain_access(:'own', '/a/1') x WHERE rule = 'quota';

-- uncommitted, rolled back
BEGIN;
SELECT FROM devapp.set_app_quota(:'own', 'app-quota', quota_limit => 70);
SELECT quota_limit FROM devapp.verify_key(:'own_key', '/a/1', cost => 0);
ROLLBACK;
SELECT quota_limit FROM devapp.verify_key(:'own_key', '/a/1', cost => 0);
-- resetting knows it too
SELECT devapp.reset_quota(:'own', 'app-quota') > 0 AS reset;
SELECT code, quota_limit, quota_remaining FROM devapp.verify_key(:'own_key', '/a/1', cost => 0);

-- without any value it ends
SELECT quota_limit, until FROM devapp.set_app_quota(:'own', 'app-quota');
SELECT quota_limit FROM devapp.verify_key(:'own_key', '/a/1', cost => 0);
SELECT rate_limit FROM devapp.set_app_quota(:'own', 'app-quota-none', note => 'over');
SELECT count(*) FROM devapp.app_quota WHERE app_id = :'own';

-- it is recorded, and told
SELECT action, before->'quota_limit' AS before, after->'quota_limit' AS after, note, developer_id IS NOT NULL AS owned
  FROM devapp.audit_event WHERE entity = 'app_quota' AND app_id = :'own' ORDER BY event_id;
SELECT what, note FROM devapp.app_history(:'own') WHERE what LIKE 'own quota%' AND what !~ 'until|changed' ORDER BY event_id;

-- bad input
CREATE FUNCTION pg_temp.refusal(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE hint text;
BEGIN
    EXECUTE sql;
    RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN SQLSTATE || ' ' || regexp_replace(SQLERRM || '. ' || hint, '[0-9a-f-]{36}', '(id)', 'g');
END $$;
SELECT arguments, pg_temp.refusal(format('SELECT devapp.set_app_quota(%L, %s)', :'own', arguments)) AS refusal
  FROM unnest(ARRAY[$$'app-quota'$$, $$'none', quota_limit => 1$$, $$NULL, quota_limit => 1$$, $$'app-quota', quota_limit => 0$$, $$'app-quota', quota_limit => -1$$, $$'app-quota', quota_interval => 0$$,
       $$'app-quota', quota_unit => 'fortnight'$$, $$'app-quota', quota_unit => ''$$, $$'app-quota', quota_unit => 'never', quota_interval => 2$$, $$'app-quota-none', quota_limit => 1$$, $$'app-quota-none', quota_interval => 1$$,
       $$'app-quota-none', rate_burst => 1$$, $$'app-quota', rate_limit => 0$$, $$'app-quota', rate_limit => 'NaN'$$, $$'app-quota', rate_limit => 1e10$$, $$'app-quota', rate_burst => -1$$,
       $$'app-quota', until => now() + interval '1 day'$$, $$'app-quota', quota_limit => 1, until => now()$$, $$'app-quota', quota_limit => 1, until => '-infinity'$$,
       $$'app-quota', quota_limit => 1, note => repeat('x', 4001)$$]) AS arguments;
SELECT pg_temp.refusal($$SELECT devapp.set_app_quota('00000000-0000-0000-0000-000000000000', 'app-quota', quota_limit => 1)$$);
SELECT pg_temp.refusal($$SELECT devapp.set_app_quota(NULL, 'app-quota', quota_limit => 1)$$);
SELECT count(*) FROM devapp.app_quota WHERE app_id = :'own';
-- direct statements meet the same rules
SELECT pg_temp.refusal(format(statement, :'own'))
  FROM unnest(ARRAY['INSERT INTO devapp.app_quota (app_id, product_id, quota_limit) SELECT %L, product_id, 1 FROM devapp.product WHERE name = ''app-quota''',
       'INSERT INTO devapp.app_quota (app_id, product_id) SELECT %L, product_id FROM devapp.product WHERE name = ''app-quota''',
       'INSERT INTO devapp.app_quota (app_id, product_id, rate_limit, rate_burst) SELECT %L, product_id, 0, 1 FROM devapp.product WHERE name = ''app-quota''',
       'INSERT INTO devapp.app_quota (app_id, product_id, quota_limit, quota_interval, quota_unit) SELECT %L, product_id, 1, 1, ''year'' FROM devapp.product WHERE name = ''app-quota''',
       'INSERT INTO devapp.app_quota (app_id, product_id, rate_limit, rate_burst) SELECT %L, uuid_nil, 1, 1 FROM (VALUES (''00000000-0000-0000-0000-000000000000''::uuid)) AS x(uuid_nil)',
       'TRUNCATE devapp.app_quota']) AS statement;
INSERT INTO devapp.app_quota (app_id, product_id, quota_limit, quota_interval, quota_unit)
SELECT :'other', product_id, 77, 1200, 'month' FROM devapp.product WHERE name = 'app-quota';
SELECT quota_limit FROM devapp.verify_key(:'other_key', '/a/1', cost => 0);
UPDATE devapp.app_quota SET quota_limit = 78 WHERE app_id = :'other';
SELECT quota_limit FROM devapp.verify_key(:'other_key', '/a/1', cost => 0);
SELECT pg_temp.refusal(format('UPDATE devapp.app_quota SET app_id = %L WHERE app_id = %L', :'own', :'other'));
DELETE FROM devapp.app_quota WHERE app_id = :'other';
SELECT quota_limit FROM devapp.verify_key(:'other_key', '/a/1', cost => 0);

-- for administrators; a developer sees what is of his apps
SELECT FROM devapp.set_app_quota(:'own', 'app-quota', quota_limit => 80);
SELECT FROM devapp.delete_app(:'other');
SELECT pg_temp.refusal(format('SELECT devapp.set_app_quota(%L, %L, quota_limit => 1)', :'other', 'app-quota'));
BEGIN;
SET LOCAL request.jwt.claims = '{"email": "app-quota@example.com", "email_verified": true}';
SET LOCAL ROLE devapp_developer;
SELECT quota_limit FROM devapp.app_quota;
SELECT quota_limit FROM devapp.my_quota WHERE app = 'app-quota' AND product = 'app-quota' AND resource IS NULL;
SELECT devapp.set_app_quota(:'own', 'app-quota', quota_limit => 1000);
ROLLBACK;
BEGIN;
SET LOCAL request.jwt.claims = '{"email": "app-quota-2@example.com", "email_verified": true}';
SET LOCAL ROLE devapp_developer;
SELECT quota_limit FROM devapp.app_quota;
ROLLBACK;
BEGIN;
SET LOCAL ROLE devapp_admin;
SELECT quota_limit FROM devapp.set_app_quota(:'own', 'app-quota', quota_limit => 81);
ROLLBACK;
