-- Filters of find_apps, bulk actions and exports: what each key matches, and what is refused.
\set SHOW_CONTEXT never
-- an app with a product that waits is approved
SELECT FROM devapp.set_app_approval('auto');

SELECT FROM devapp.create_developer('filter-a@example.com');
SELECT FROM devapp.create_developer('filter-b@example.com');
SELECT FROM devapp.create_team('filter-team');
SELECT FROM devapp.create_product('filter-1');
SELECT FROM devapp.create_product('filter-2', approval => 'manual');
SELECT app_id AS a1, credential_id AS c1 FROM devapp.create_app('filter one', developer => 'filter-a@example.com', products => '{filter-1}', attributes => '{"tier": "trial", "region": "eu"}') \gset
SELECT app_id AS a2, credential_id AS c2 FROM devapp.create_app('Filter_Two', developer => 'filter-a@example.com', products => '{filter-1,filter-2}', attributes => '{"tier": "trial"}') \gset
SELECT app_id AS a3, credential_id AS c3 FROM devapp.create_app('filterXtwo', team => 'filter-team', products => '{filter-2}', attributes => '{"tier": "gold"}') \gset
SELECT app_id AS a4 FROM devapp.create_app('filter 100%', developer => 'filter-b@example.com') \gset
SELECT app_id AS a5 FROM devapp.create_app('filter gone', developer => 'filter-b@example.com', products => '{}') \gset
SELECT FROM devapp.delete_app(:'a5');
SELECT FROM devapp.suspend_app(:'a4');

-- the names of the apps that match, among those of this test
CREATE FUNCTION pg_temp.matches(filter jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(a.name, ', ' ORDER BY a.name COLLATE "C") FROM devapp.find_apps(filter) AS a WHERE a.name ILIKE 'filter%' $$;
SELECT f AS filter, pg_temp.matches(f) FROM unnest(ARRAY[
    '{"status": "approved"}', '{"status": "suspended"}', '{"status": "deleted"}',
    '{"product": "filter-1"}', '{"product": "filter-2"}',
    '{"owner": "FILTER-A@example.com"}', '{"team": "filter-team"}',
    '{"attribute": {"tier": "trial"}}', '{"attribute": {"tier": "trial", "region": "eu"}}', '{"attribute": {"tier": "silver"}}',
    '{"name": "FILTER one"}', '{"name": "filter"}', '{"name": "filter*"}', '{"name": "filter_two"}', '{"name": "filter?two"}', '{"name": "*100%"}', '{"name": "*%*"}', '{"name": "filter\\one"}',
    '{"created_before": "2999-12-31"}', '{"created_before": "2000-01-01"}', '{"inactive_since": "2000-01-01"}', '{"used_since": "2000-01-01"}',
    '{"created_before": "P0D"}', '{"created_before": "P1Y"}', '{"inactive_since": "P1DT12H"}',
    '{"status": "approved", "owner": "filter-a@example.com", "product": "filter-2", "name": "*two"}', '{"status": "deleted", "owner": "filter-b@example.com"}',
    '{}']::jsonb[]) AS f;
SELECT pg_temp.matches(jsonb_build_object('app_ids', ARRAY[:'a1', :'a3', :'a1', :'a5']::uuid[]));
SELECT pg_temp.matches('{"app_ids": ["filter-a@example.com/filter one", "team:filter-team/filterXtwo"]}');
-- the rows of the table, in the order of app_id; without an argument all that are not deleted
SELECT a.name, a.status, a.attributes FROM devapp.find_apps('{"owner": "filter-a@example.com"}') AS a;
SELECT ARRAY(SELECT app_id FROM devapp.find_apps()) = ARRAY(SELECT app_id FROM devapp.app WHERE deleted_at IS NULL ORDER BY app_id) AS all;
-- nothing is written or locked
BEGIN READ ONLY;
SELECT count(*) FROM devapp.find_apps('{"owner": "filter-a@example.com", "product": "filter-1", "inactive_since": "2000-01-01"}');
SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND mode NOT IN ('AccessShareLock', 'ExclusiveLock');
COMMIT;
-- exports take the same filters
SELECT array_agg(x ->> 'name') FROM devapp.export_apps('{"owner": "filter-a@example.com", "product": "filter-2"}') AS x;
SELECT array_agg(app_name) FROM devapp.export_apps_table('{"owner": "filter-a@example.com", "product": "filter-2"}');
-- an association that was removed or revoked is none
SELECT FROM devapp.set_credential_product_status(:'c1', 'filter-1', 'revoke');
SELECT FROM devapp.remove_credential_product(:'c2', 'filter-1');
SELECT pg_temp.matches('{"product": "filter-1"}');

-- inactive: nothing issued, rotated or changed since.  The clock is moved by what the
-- triggers would not let anybody write.
CREATE FUNCTION pg_temp.age(days integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL session_replication_role = replica;
    UPDATE devapp.app SET created_at = created_at - days * interval '1 day', updated_at = updated_at - days * interval '1 day', decided_at = decided_at - days * interval '1 day' WHERE name ILIKE 'filter%';
    UPDATE devapp.credential c SET issued_at = c.issued_at - days * interval '1 day', decided_at = c.decided_at - days * interval '1 day', revoked_at = c.revoked_at - days * interval '1 day' FROM devapp.app a WHERE a.app_id = c.app_id AND a.name ILIKE 'filter%';
    UPDATE devapp.credential_secret s SET valid_from = valid_from - days * interval '1 day', superseded_at = superseded_at - days * interval '1 day' FROM devapp.credential c JOIN devapp.app a USING (app_id) WHERE s.credential_id = c.credential_id AND a.name ILIKE 'filter%';
    UPDATE devapp.credential_product p SET created_at = p.created_at - days * interval '1 day', decided_at = p.decided_at - days * interval '1 day', removed_at = p.removed_at - days * interval '1 day' FROM devapp.credential c JOIN devapp.app a USING (app_id) WHERE p.credential_id = c.credential_id AND a.name ILIKE 'filter%';
END $$;
CREATE FUNCTION pg_temp.idle(days integer) RETURNS text LANGUAGE sql AS $$ SELECT pg_temp.matches(jsonb_build_object('inactive_since', now() - days * interval '1 day')) $$;
SELECT pg_temp.age(10);
SELECT pg_temp.idle(5), pg_temp.idle(11), pg_temp.matches(jsonb_build_object('created_before', now() - interval '5 days'));
-- a duration is so long ago, the same as the time
SELECT pg_temp.matches('{"inactive_since": "P5D"}'), pg_temp.matches('{"inactive_since": "P1W4D"}') AS eleven, pg_temp.matches('{"created_before": "P5DT1H"}');
-- a time without a zone is one of the session's
BEGIN; SET LOCAL timezone = 'Pacific/Kiritimati';
SELECT devapp_internal.filter_time('created_before', '2026-01-31') = '2026-01-30 10:00+00' AS here, devapp_internal.filter_time('created_before', '2026-01-31T12:00Z') = '2026-01-31 12:00+00' AS utc;
SET LOCAL datestyle = 'SQL, DMY'; SET LOCAL intervalstyle = 'sql_standard';
SELECT devapp_internal.filter_time('created_before', '2026-02-03') = make_timestamptz(2026, 2, 3, 0, 0, 0) AS iso, now() - devapp_internal.filter_time('created_before', 'P1DT2H') = interval '26 hours' AS duration;
ROLLBACK;
BEGIN; SELECT FROM devapp.update_app(:'a1', description => 'x'); SELECT pg_temp.idle(5) AS after_update; ROLLBACK;
BEGIN; SELECT FROM devapp.resume_app(:'a4'); SELECT pg_temp.idle(5) AS after_status; ROLLBACK;
BEGIN; SELECT FROM devapp.issue_credential(:'a1'); SELECT pg_temp.idle(5) AS after_issue; ROLLBACK;
BEGIN; SELECT FROM devapp.rotate_credential(:'c1'); SELECT pg_temp.idle(5) AS after_rotation; ROLLBACK;
BEGIN; SELECT FROM devapp.revoke_credential(:'c2'); SELECT pg_temp.idle(5) AS after_revocation; ROLLBACK;
BEGIN; SELECT FROM devapp.add_credential_product(:'c3', 'filter-1'); SELECT pg_temp.idle(5) AS after_association; ROLLBACK;
BEGIN; SELECT FROM devapp.set_credential_product_status(:'c3', 'filter-2', 'approve'); SELECT pg_temp.idle(5) AS after_approval; ROLLBACK;
BEGIN; SELECT FROM devapp.remove_credential_product(:'c3', 'filter-2'); SELECT pg_temp.idle(5) AS after_removal; ROLLBACK;
-- a call that was allowed is a sign of life, one that was refused is none
BEGIN;
INSERT INTO devapp.last_used VALUES (:'c1', 1, :'a1', now() - interval '4 days', now()),
    (:'c2', 1, (SELECT app_id FROM devapp.credential WHERE credential_id = :'c2'), now() - interval '6 days', now());
SELECT pg_temp.idle(5) AS after_call, pg_temp.matches('{"used_since": "P5D"}') AS used_5_days, pg_temp.matches('{"used_since": "P7D"}') AS used_7_days;
ROLLBACK;

-- refused, whoever asks
CREATE FUNCTION pg_temp.refusal(filter jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE hint text;
BEGIN
    PERFORM devapp.find_apps(filter);
    RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN SQLSTATE || ' ' || SQLERRM || ' | ' || regexp_replace(hint, '[0-9a-f]{8}-[0-9a-f-]{27}', '(id)');
END $$;
SELECT f AS filter, pg_temp.refusal(f) FROM unnest(ARRAY[
    NULL, '[]', '"x"', 'null', '{"colour": "red"}', '{"": 1}', '{"Status": "approved"}',
    '{"status": 1}', '{"status": null}', '{"status": "wild"}', '{"status": ""}', '{"status": "approve"}',
    '{"product": "nothing"}', '{"product": ""}', '{"product": ["filter-1"]}', '{"owner": "nobody@example.com"}', '{"owner": "filter-team"}', '{"team": "nobody"}',
    '{"owner": "filter-a@example.com", "team": "filter-team"}',
    '{"attribute": "tier"}', '{"attribute": {}}', '{"attribute": {"tier": null}}', '{"attribute": {"tier": 1}}',
    '{"inactive_since": "soon"}', '{"inactive_since": 20260101}', '{"inactive_since": "2999-01-01"}', '{"inactive_since": "2026-02-30"}',
    '{"used_since": "2999-01-01"}', '{"used_since": "yesterday"}', '{"used_since": null}',
    '{"created_before": ""}', '{"created_before": "2026-01-01 00:00 Nowhere/City"}', '{"created_before": "infinity"}', '{"created_before": "31/01/2026"}', '{"created_before": "2026-01-31 "}',
    '{"created_before": "P"}', '{"created_before": "P1X"}', '{"created_before": "P-1D"}', '{"created_before": "90 days"}', '{"created_before": "P300000Y"}', '{"created_before": "P99999999999999999999D"}',
    '{"name": ""}', '{"name": ["a"]}',
    '{"app_ids": "x"}', '{"app_ids": []}', '{"app_ids": ["x"]}', '{"app_ids": [null]}', '{"app_ids": [1]}', '{"app_ids": [["filter-a@example.com/filter one"]]}', '{"app_ids": ["00000000-0000-0000-0000-000000000000"]}',
    '{"app_ids": ["filter-a@example.com/filter one", "filter-a@example.com/nothing"]}', '{"app_ids": ["filter-b@example.com/filter gone"]}', '{"app_ids": ["filter one"]}', '{"app_ids": [""]}',
    '{"name": "dvk_live_FZjSwQnoEQ0x_Yf007MF6oNa049ET6WhehRmQ43xvQ0V32vvINC"}', '{"attribute": {"key": "dvk_live_FZjSwQnoEQ0x_Yf007MF6oNa049ET6WhehRmQ43xvQ0V32vvINC"}}', '{"app_ids": ["dvk_live_FZjSwQnoEQ0x_Yf007MF6oNa049ET6WhehRmQ43xvQ0V32vvINC"]}',
    '{"name": "dvk_live_FZjSwQnoEQ0x*"}']::jsonb[]) AS f;

-- what there are indexes for is found by them
CREATE FUNCTION pg_temp.plan(filter jsonb) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text; f devapp.app_filter := devapp_internal.read_app_filter(filter);
BEGIN
    SET LOCAL enable_seqscan = off;
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) SELECT FROM devapp.app a WHERE ' || devapp_internal.filter_condition(f) USING f LOOP
        IF line ~ 'Index.* (using|on) ' AND line !~ 'Bitmap Heap' THEN RETURN NEXT substring(line FROM '(?:using|on) (\w+)'); END IF;
    END LOOP;
END $$;
SELECT * FROM pg_temp.plan('{"owner": "filter-a@example.com"}');
SELECT * FROM pg_temp.plan('{"team": "filter-team"}');
SELECT * FROM pg_temp.plan('{"status": "pending", "created_before": "2999-12-31"}');
SELECT * FROM pg_temp.plan(jsonb_build_object('app_ids', ARRAY[:'a1']));
SELECT FROM devapp.set_app_approval('conditional');
