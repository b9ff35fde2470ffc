-- An approval holds for the scopes and the environment that there were: a developer who wants
-- more waits for another one.
\set SHOW_CONTEXT never
\set VERBOSITY terse
SELECT FROM devapp.create_developer('ann@scopes.example');
SELECT FROM devapp.create_product('scopes-man', approval => 'manual', scopes => '{read,write,admin}', environments => '{test,prod}');
SELECT FROM devapp.create_product('scopes-auto', scopes => '{read,write}', environments => '{test,prod}');
CREATE ROLE regress_scopes;
GRANT USAGE ON SCHEMA devapp TO regress_scopes;
GRANT EXECUTE ON FUNCTION devapp.update_app, devapp.update_credential, devapp.issue_credential, devapp.act_as TO regress_scopes;
SELECT credential_id, secret FROM devapp.create_app('shop', 'ann@scopes.example', '{scopes-man}', scopes => '{read}', environment => 'test') \gset
SELECT status FROM devapp.approve_app('ann@scopes.example/shop');
-- one with scopes of its own
SELECT credential_id AS own_id, secret AS own FROM devapp.issue_credential('ann@scopes.example/shop', scopes => '{write}', environment => 'test') \gset
SELECT status FROM devapp.set_credential_product_status(:'own_id', 'scopes-man', 'approve');
SELECT credential_id AS auto_id FROM devapp.create_app('auto', 'ann@scopes.example', '{scopes-auto}', scopes => '{read}') \gset
CREATE FUNCTION pg_temp.verdicts(secret text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(s.scope || ' ' || (devapp.verify_key(secret, environment => 'test', scope => s.scope)).code, ', ' ORDER BY s.scope)
	  FROM unnest('{read,write,admin}'::text[]) AS s(scope)
$$;

SET ROLE regress_scopes;
SELECT devapp.act_as('ann@scopes.example', is_local => false);
-- the app's scopes are those of a credential that has none of its own
SELECT scopes FROM devapp.update_app('ann@scopes.example/shop', scopes => '{read,write}');
SELECT scopes FROM devapp.update_app('ann@scopes.example/shop', scopes => '{}');
-- the same ones are no change
SELECT scopes FROM devapp.update_app('ann@scopes.example/shop', scopes => '{read}');
-- a credential's own scopes
SELECT scopes FROM devapp.update_credential(:'own_id', scopes => '{write,admin}');
SELECT scopes FROM devapp.update_credential(:'own_id', scopes => '{}');
SELECT scopes FROM devapp.update_credential(:'credential_id', scopes => '{write}');
-- these are those of the app, and none of its own are the same
SELECT scopes FROM devapp.update_credential(:'credential_id', scopes => '{read}');
SELECT scopes FROM devapp.update_credential(:'credential_id', scopes => '{}');
-- what is approved without a person is free
SELECT scopes FROM devapp.update_app('ann@scopes.example/auto', scopes => '{}');
SELECT scopes FROM devapp.update_credential(:'auto_id', scopes => '{write}');
-- a new credential waits
SELECT pending_products FROM devapp.issue_credential('ann@scopes.example/shop', scopes => '{admin}', environment => 'test');
-- as does one that replaces another and is for more
SELECT credential_id AS wide_id, pending_products FROM devapp.issue_credential('ann@scopes.example/shop', scopes => '{write,admin}', replaces => :'own_id') \gset wide_
\echo :wide_pending_products
RESET ROLE;
SELECT pg_temp.verdicts(:'secret') AS of_the_app, pg_temp.verdicts(:'own') AS of_its_own;
SET ROLE regress_scopes;
SELECT pending_products FROM devapp.issue_credential('ann@scopes.example/shop', environment => 'prod', replaces => :'credential_id', overlap => '1 day') \gset
\echo :pending_products
SELECT devapp.act_as(NULL, is_local => false);
RESET ROLE;

-- one that is for the same or less keeps its approval
SELECT credential_id AS same_id FROM devapp.create_app('same', 'ann@scopes.example', '{scopes-man}', scopes => '{read,write}') \gset
SELECT status FROM devapp.approve_app('ann@scopes.example/same');
SET ROLE regress_scopes;
SELECT devapp.act_as('ann@scopes.example', is_local => false);
SELECT credential_id AS same_id, pending_products FROM devapp.issue_credential('ann@scopes.example/same', replaces => :'same_id', scopes => '{read}', environment => 'test') \gset
\echo :pending_products
-- now for all that the app has, and for any environment
SELECT pending_products FROM devapp.issue_credential('ann@scopes.example/same', replaces => :'same_id', scopes => '{}');
SELECT devapp.act_as(NULL, is_local => false);
RESET ROLE;

-- an administrator gives what he likes
SELECT scopes FROM devapp.update_app('ann@scopes.example/shop', scopes => '{read,admin}');
SELECT pg_temp.verdicts(:'secret') AS of_the_app;
DROP OWNED BY regress_scopes;
DROP ROLE regress_scopes;
