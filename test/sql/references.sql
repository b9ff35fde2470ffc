-- How an app or a credential is named: by id, as owner/name, or by its consumer key.
\set SHOW_CONTEXT never
\set VERBOSITY terse
SELECT FROM devapp.create_developer('ref@refs.example');
SELECT FROM devapp.create_developer('other@refs.example');
SELECT FROM devapp.create_developer('odd/50%@refs.example');
SELECT FROM devapp.create_team('ref team');
SELECT FROM devapp.create_team('a/b');
SELECT FROM devapp.create_product('refs', approval => 'auto');
SELECT FROM devapp.create_product('refs inner', access => 'internal');
SELECT app_id AS shop, credential_id AS shop_credential, consumer_key AS shop_key FROM devapp.create_app('shop', 'ref@refs.example', '{refs}') \gset
SELECT app_id AS odd FROM devapp.create_app('shop', 'odd/50%@refs.example', '{refs}') \gset
SELECT app_id AS teams FROM devapp.create_app('shop', products => '{refs}', team => 'ref team') \gset
SELECT app_id AS slashed FROM devapp.create_app('in/out', products => '{refs}', team => 'a/b') \gset
SELECT app_id AS other, credential_id AS other_credential, consumer_key AS other_key FROM devapp.create_app('shop', 'other@refs.example', '{refs}') \gset
-- named like the id of another
SELECT app_id AS uuid_like FROM devapp.create_app(:'shop', 'ref@refs.example', '{refs}') \gset

-- ---------- apps ----------
CREATE FUNCTION pg_temp.found(app devapp.app_ref) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(d.email, t.name) || ': ' || CASE WHEN a.name ~ '^0' THEN 'UUID' ELSE a.name END
      FROM devapp.update_app(found.app) AS u
      JOIN devapp.app a ON a.app_id = u.app_id
      LEFT JOIN devapp.developer d ON d.developer_id = a.developer_id LEFT JOIN devapp.team t ON t.team_id = a.team_id
$$;
SELECT typed, pg_temp.found(typed) FROM (VALUES
    ('ref@refs.example/shop'), ('REF@refs.example/shop'), (' ref@refs.example/ shop '), ('odd%2f50%25@refs.example/shop'),
    ('odd%2F50%@refs.example/shop'), ('team:ref team/shop'), ('team:a%2Fb/in/out')) AS v (typed);
SELECT pg_temp.found(:'shop') AS by_id, pg_temp.found(upper(:'shop')) AS in_capitals, pg_temp.found(replace(:'shop', '-', '')) AS without_hyphens,
       pg_temp.found('ref@refs.example/' || :'shop') AS named_like_an_id;
SELECT pg_temp.found(E'\t' || :'shop' || E' \n') AS between_blanks;
-- a text, a varchar, a uuid, a literal, a parameter, a variable
SELECT pg_temp.found('ref@refs.example/shop'::varchar) AS of_varchar, pg_temp.found(app_id) AS of_uuid FROM devapp.app WHERE app_id = :'shop';
PREPARE of_text(text) AS SELECT pg_temp.found($1);
PREPARE of_uuid(uuid) AS SELECT pg_temp.found($1);
PREPARE of_unknown AS SELECT pg_temp.found($1);
EXECUTE of_text('team:ref team/shop');
EXECUTE of_uuid(:'teams');
EXECUTE of_unknown('team:ref team/shop');
DO $$
DECLARE
    typed text := 'ref@refs.example/shop';
    id uuid := (SELECT a.app_id FROM devapp.app a JOIN devapp.team t USING (team_id) WHERE t.name = 'a/b');
BEGIN
    RAISE NOTICE '%, %', pg_temp.found(typed), pg_temp.found(id);
END
$$;
SELECT pg_temp.found(r.app) FROM json_to_record('{"app": "team:a%2Fb/in/out"}') AS r (app devapp.app_ref);

-- what names none: one message, and nothing changes
SELECT pg_temp.found(NULL);
SELECT pg_temp.found('');
SELECT pg_temp.found('shop');
SELECT pg_temp.found('ref@refs.example');
SELECT pg_temp.found('ref@refs.example/');
SELECT pg_temp.found('/shop');
SELECT pg_temp.found('team:nobody/shop');
SELECT pg_temp.found('ref team/shop');
SELECT pg_temp.found('ref@refs.example/Shop');
SELECT pg_temp.found('odd/50%@refs.example/shop');
SELECT pg_temp.found('00000000-0000-0000-0000-000000000000');
SELECT pg_temp.found('00000000--0000-0000-0000-000000000000');
SELECT pg_temp.found('00000000-0000-0000-0000-0000000000000');
SELECT pg_temp.found('dvk_live_0123456789AB_0123456789ABCDEFGHIJKLMNOPQRSTUV4bBjFD');
SELECT pg_temp.found('ref@refs.example/dvk_live_0123456789AB_0123456789ABCDEFGHIJKLMNOPQRSTUV4bBjFD');

-- a name finds the app that has it now
PREPARE kept AS SELECT a.app_id = :'shop' AS the_same FROM devapp.update_app('ref@refs.example/shop') AS a;
EXECUTE kept;
SELECT status FROM devapp.delete_app('ref@refs.example/shop', 'closed');
EXECUTE kept;
SELECT app_id AS again FROM devapp.create_app('shop', 'ref@refs.example', '{refs}') \gset
EXECUTE kept;
\set VERBOSITY sqlstate
SELECT pg_temp.found(:'shop');
\set VERBOSITY terse
-- by its id the past of a deleted app is found
SELECT count(*) > 0 AS history FROM devapp.app_history(:'shop');
SELECT FROM devapp.app_history('ref@refs.example/shop') WHERE what = 'deleted';

-- ---------- credentials ----------
SELECT credential_id AS mine, consumer_key AS my_key FROM devapp.issue_credential('ref@refs.example/shop', label => 'first') \gset
SELECT label FROM devapp.update_credential(:'my_key');
SELECT label FROM devapp.update_credential('key:' || :'my_key');
SELECT label FROM devapp.update_credential(:'mine');
SELECT c.label FROM devapp.credential c, LATERAL devapp.update_credential(c.credential_id) AS u WHERE c.credential_id = :'mine';
SELECT secret_version FROM devapp.rotate_credential(:'my_key', overlap => '0');
SELECT credential_id AS successor FROM devapp.issue_credential('ref@refs.example/shop', replaces => :'my_key', overlap => '1 day') \gset
SELECT label, replaces = :'mine' AS of_mine FROM devapp.credential WHERE credential_id = :'successor';
SELECT FROM devapp.update_credential('');
SELECT FROM devapp.update_credential('key:');
SELECT FROM devapp.update_credential('dvk_live_000000000000');
SELECT FROM devapp.update_credential('dvk_live_0123456789AB_0123456789ABCDEFGHIJKLMNOPQRSTUV4bBjFD');
SELECT FROM devapp.update_credential('ref@refs.example/shop');
-- another app's cannot be replaced
\set VERBOSITY sqlstate
SELECT FROM devapp.issue_credential('ref@refs.example/shop', replaces => :'other_key');
\set VERBOSITY terse

-- ---------- attributes ----------
SELECT devapp.set_attribute('app', 'team:ref team/shop', 'tier', 'gold');
SELECT devapp.remove_attribute('app', 'team:ref team/shop', 'tier');
SELECT devapp.set_attribute('credential', :'other_key', 'tier', 'gold');

-- ---------- what the caller may not see does not exist ----------
SELECT FROM devapp.setup_roles();
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_reference;
RESET client_min_messages;
CREATE ROLE regress_reference IN ROLE devapp_developer;
GRANT EXECUTE ON FUNCTION devapp.act_as TO regress_reference;
SET ROLE regress_reference;
BEGIN;
SELECT devapp.act_as('ref@refs.example');
SELECT name FROM devapp.update_app('ref@refs.example/shop');
SAVEPOINT s;
SELECT FROM devapp.update_app('other@refs.example/shop');
ROLLBACK TO s;
SELECT FROM devapp.update_app('nobody@refs.example/shop');
ROLLBACK TO s;
SELECT FROM devapp.update_app('team:ref team/shop');
ROLLBACK TO s;
SELECT FROM devapp.app_history('other@refs.example/shop');
ROLLBACK TO s;
SELECT FROM devapp.approve_app('other@refs.example/shop');
ROLLBACK TO s;
SELECT FROM devapp.reject_app('other@refs.example/shop');
ROLLBACK TO s;
SELECT FROM devapp.add_app_product('ref@refs.example/shop', ' refs inner ');
ROLLBACK TO s;
SELECT FROM devapp.add_app_product('ref@refs.example/shop', ' refs outer ');
ROLLBACK TO s;
SELECT FROM devapp.update_credential('dvk_live_000000000000');
ROLLBACK TO s;
\set VERBOSITY sqlstate
SELECT FROM devapp.update_credential(:'other_key');
ROLLBACK TO s;
SELECT FROM devapp.update_credential(:'other_credential');
ROLLBACK TO s;
SELECT FROM devapp.set_credential_product_status(:'other_key', 'refs', 'approve');
ROLLBACK TO s;
SELECT FROM devapp.set_credential_product_status(:'other_key', 'none', 'approve');
ROLLBACK TO s;
SELECT devapp.set_attribute('credential', :'other_key', 'tier', 'gold');
ROLLBACK;
RESET ROLE;
DROP OWNED BY regress_reference;
DROP ROLE regress_reference;
