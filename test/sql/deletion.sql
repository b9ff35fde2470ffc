-- A developer, a team or a product that something depends on stays, also where a statement of
-- an administrator sets deleted_at; and what is deleted does not come back.
\set SHOW_CONTEXT never
SELECT FROM devapp.create_developer('ann@deletion.example');
SELECT FROM devapp.create_developer('bob@deletion.example');
SELECT FROM devapp.create_team('deletion-team', 'bob@deletion.example');
SELECT FROM devapp.create_product('deletion');
SELECT FROM devapp.create_product('deletion-free');
SELECT app_id, secret FROM devapp.create_app('mine', 'ann@deletion.example', '{deletion}') \gset
SELECT FROM devapp.create_app('ours', team => 'deletion-team');

SELECT FROM devapp.delete_product('deletion');
-- of many apps it names five
BEGIN;
SELECT count(devapp.create_app('app ' || n, 'bob@deletion.example', '{deletion}')) FROM generate_series(1, 6) AS n;
SELECT FROM devapp.delete_product('deletion');
ROLLBACK;
UPDATE devapp.product SET deleted_at = now() WHERE name = 'deletion';
SELECT FROM devapp.delete_developer('ann@deletion.example');
UPDATE devapp.developer SET deleted_at = now() WHERE email = 'ann@deletion.example';
UPDATE devapp.developer SET deleted_at = now() WHERE email = 'bob@deletion.example';
UPDATE devapp.team SET deleted_at = now() WHERE name = 'deletion-team';
SELECT code FROM devapp.verify_key(:'secret');
-- what others do meanwhile has to be seen
BEGIN ISOLATION LEVEL REPEATABLE READ;
UPDATE devapp.product SET deleted_at = now() WHERE name = 'deletion-free';
ROLLBACK;

-- without dependants
UPDATE devapp.product SET deleted_at = now() WHERE name = 'deletion-free' RETURNING deleted_at = now() AS deleted;
UPDATE devapp.product SET deleted_at = NULL WHERE name = 'deletion-free';
UPDATE devapp.product SET deleted_at = '2026-01-01' WHERE name = 'deletion-free';
CREATE FUNCTION pg_temp.refusal(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE hint text;
BEGIN
    EXECUTE sql;
    RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN SQLSTATE || ' ' || regexp_replace(SQLERRM || ' / ' || hint, 'dvk_[0-9A-Za-z_]+|[0-9a-f-]{36}', 'X', 'g');
END $$;
SELECT FROM devapp.delete_app('ann@deletion.example/mine');
-- while its owner is there, it is told of by its name
SELECT pg_temp.refusal('SELECT devapp.get_app(''ann@deletion.example/mine'')');
SELECT FROM devapp.delete_app('team:deletion-team/ours');
SELECT FROM devapp.delete_product('deletion');
SELECT FROM devapp.delete_team('deletion-team');
UPDATE devapp.developer SET deleted_at = now() WHERE email = 'ann@deletion.example';
UPDATE devapp.team SET deleted_at = NULL WHERE name = 'deletion-team';
UPDATE devapp.developer SET deleted_at = NULL WHERE email = 'ann@deletion.example';
SELECT email, deleted_at IS NOT NULL AS deleted FROM devapp.developer WHERE email LIKE '%@deletion.example' ORDER BY email;

-- what was deleted is told of, and read by its id
SELECT pg_temp.refusal(format('SELECT devapp.approve_app(%L)', :'app_id'));
SELECT devapp.get_app(:'app_id') ->> 'status' AS status;
SELECT consumer_key FROM devapp.credential WHERE app_id = :'app_id' \gset
SELECT pg_temp.refusal(format(q, :'consumer_key'))
  FROM unnest('{SELECT devapp.rotate_credential(%L),SELECT devapp.revoke_credential(%L),SELECT devapp.complete_rotation(%L)}'::text[]) AS q;

-- products of devapp stay what they are
\set VERBOSITY terse
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT FROM devapp.setup_roles();
SET LOCAL client_min_messages = notice;
SAVEPOINT s;
SELECT FROM devapp.update_product('devapp-admin', approval => 'auto');
ROLLBACK TO s;
SELECT FROM devapp.update_product('devapp-portal', access => 'public');
ROLLBACK TO s;
SELECT display_name, approval, access FROM devapp.update_product('devapp-portal', display_name => 'Portal', approval => 'manual', access => 'internal');
SELECT FROM devapp.delete_product('devapp-portal');
ROLLBACK;
