-- Functions that run with their owner's rights (src/base/entry.c): calls that fail, sets that
-- are fetched in parts, and one plan for several roles.  Who called is right each time, and
-- no right is left behind.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_entry_one, regress_entry_two;
RESET client_min_messages;
CREATE ROLE regress_entry_one;
CREATE ROLE regress_entry_two;
GRANT USAGE ON SCHEMA devapp TO regress_entry_one, regress_entry_two;
GRANT EXECUTE ON FUNCTION devapp.act_as, devapp.actor, devapp.whoami, devapp.app_history, devapp.my_approvals, devapp.quota_status, devapp.update_app, devapp.app_ref_in
    TO regress_entry_one, regress_entry_two;
SELECT FROM devapp.create_developer('one@entry.example');
SELECT FROM devapp.create_developer('two@entry.example');
SELECT FROM devapp.create_team('entry-reviewers');
SELECT FROM devapp.add_team_member('entry-reviewers', 'one@entry.example');
SELECT FROM devapp.create_product('entry-asked', approval => 'manual');
SELECT FROM devapp.create_product('entry-hard', quota_limit => 5, quota_unit => 'day', quota_enforcement => 'hard');
SELECT FROM devapp.create_product('entry-harder', quota_limit => 3, quota_unit => 'day', quota_enforcement => 'hard');
SELECT FROM devapp.add_product_approver('entry-asked', team => 'entry-reviewers');
CREATE TEMP TABLE app AS
    SELECT name, (devapp.create_app(name, developer => owner, products => '{entry-asked,entry-hard,entry-harder}')).app_id AS id
      FROM (VALUES ('mine', 'one@entry.example'), ('theirs', 'two@entry.example'), ('theirs-2', 'two@entry.example')) AS v(name, owner);
GRANT SELECT ON app TO regress_entry_one, regress_entry_two;
PREPARE who AS SELECT actor, replace(role, session_user, 'session') AS role, replace(entry_role, session_user, 'session') AS entry_role FROM devapp.whoami();
CREATE FUNCTION pg_temp.who() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    w record;
BEGIN
    SELECT * INTO w FROM devapp.whoami();
    RETURN concat_ws(' ', w.actor, w.entry_role, current_user);
END
$$;

-- ---------- calls that fail ----------

BEGIN;
SET LOCAL ROLE regress_entry_one;
SELECT devapp.act_as('one@entry.example');
-- the same expression fails, succeeds, and fails again
DO $$
DECLARE
    a record;
    said text;
BEGIN
    FOR a IN SELECT * FROM app, generate_series(1, 2) AS n ORDER BY n, name LOOP
        BEGIN
            said := (devapp.update_app(a.id, description => a.name || a.n)).description;
            RAISE NOTICE 'update of %: %', a.name, said;
        EXCEPTION WHEN undefined_object THEN
            RAISE NOTICE 'update of %: it does not exist, says %', a.name, pg_temp.who();
        END;
    END LOOP;
    FOR a IN SELECT * FROM app, generate_series(1, 2) AS n ORDER BY n, name LOOP
        BEGIN
            RAISE NOTICE 'history of %: %', a.name, (SELECT count(*) > 3 FROM devapp.app_history(a.id));
        EXCEPTION WHEN undefined_object THEN
            RAISE NOTICE 'history of %: it does not exist, says %', a.name, pg_temp.who();
        END;
    END LOOP;
END
$$;
-- one in another
DO $$
DECLARE
    mine uuid := (SELECT id FROM app WHERE name = 'mine');
    theirs uuid := (SELECT id FROM app WHERE name = 'theirs');
BEGIN
    BEGIN
        PERFORM devapp.update_app(mine, description => 'undone');
        BEGIN
            PERFORM devapp.update_app(theirs, description => 'never');
        EXCEPTION WHEN undefined_object THEN
            RAISE NOTICE 'inner: %', pg_temp.who();
            BEGIN
                PERFORM devapp.act_as('two@entry.example');
                PERFORM devapp.update_app(theirs, description => 'undone');
                RAISE NOTICE 'inmost: %', pg_temp.who();
                PERFORM devapp.update_app(mine, description => 'never');
            EXCEPTION WHEN undefined_object THEN
                RAISE NOTICE 'act_as is undone with what failed: %', pg_temp.who();
            END;
            PERFORM devapp.app_history(theirs);
        END;
    EXCEPTION WHEN undefined_object THEN
        RAISE NOTICE 'outer: %', pg_temp.who();
    END;
    PERFORM FROM devapp.app;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'no right is left behind: %', SQLERRM;
END
$$;
EXECUTE who;
-- in savepoints; the messages have ids
\set VERBOSITY sqlstate
SAVEPOINT s;
SELECT devapp.update_app(id) FROM app WHERE name = 'theirs';
ROLLBACK TO s;
EXECUTE who;
SELECT count(*) FROM devapp.app_history((SELECT id FROM app WHERE name = 'theirs'));
ROLLBACK TO s;
EXECUTE who;
SELECT count(*) FROM devapp.credential_secret;
ROLLBACK TO s;
-- what failed was undone, what did not is there
RESET ROLE;
SELECT a.name, d.description FROM app a JOIN devapp.app d ON d.app_id = a.id ORDER BY 1;
ROLLBACK;
-- without a savepoint
SET ROLE regress_entry_one;
SELECT devapp.update_app(id) FROM app WHERE name = 'mine';
EXECUTE who;
RESET ROLE;

-- ---------- sets ----------

BEGIN;
SET LOCAL ROLE regress_entry_one;
SELECT devapp.act_as('one@entry.example');
SELECT app_name, owner FROM devapp.my_approvals() ORDER BY 1;
SELECT app_name FROM devapp.my_approvals() ORDER BY requested_at LIMIT 1;
SELECT (devapp.my_approvals()).app_name;
SELECT (devapp.my_approvals()).app_name LIMIT 1;
EXECUTE who;
SELECT (devapp.my_approvals()).app_name, generate_series(1, 4) AS n;
SELECT EXISTS (SELECT devapp.my_approvals()) AS exists, EXISTS (SELECT FROM devapp.my_approvals()) AS exists_from;
EXECUTE who;
SELECT product, enforcement FROM devapp.quota_status((SELECT id FROM app WHERE name = 'mine')) ORDER BY 1;
SELECT (q).product FROM (SELECT devapp.quota_status(id) AS q FROM app WHERE name = 'mine') AS x ORDER BY 1 LIMIT 1;
SELECT count(*) > 3 AS events, count(DISTINCT n) FROM generate_series(1, 2) AS n, app, LATERAL devapp.app_history(app.id) WHERE app.name = 'mine';
SELECT count(*) > 3 AS events FROM (SELECT devapp.app_history(id) FROM app WHERE name = 'mine') AS x;
EXECUTE who;

-- in parts, with other calls between
DECLARE listed CURSOR FOR SELECT (devapp.my_approvals()).app_name;
DECLARE scanned SCROLL CURSOR FOR SELECT app_name FROM devapp.my_approvals() ORDER BY requested_at;
DECLARE limits CURSOR FOR SELECT q.product FROM app, LATERAL devapp.quota_status(app.id) AS q WHERE app.name = 'mine' ORDER BY 1;
DECLARE each_row CURSOR FOR SELECT n, (devapp.whoami()).entry_role, devapp.actor() FROM generate_series(1, 4) AS n;
FETCH listed;
FETCH scanned;
FETCH limits;
FETCH each_row;
SAVEPOINT s;
SELECT devapp.update_app(id) FROM app WHERE name = 'theirs';
ROLLBACK TO s;
FETCH listed;
FETCH each_row;
-- to another person: what was begun goes on for whom it was begun
SELECT devapp.act_as('two@entry.example');
SELECT count(*) FROM devapp.my_approvals();
FETCH listed;
FETCH scanned;
FETCH BACKWARD scanned;
FETCH limits;
FETCH each_row;
-- to another role, which sees who it is in each row that is computed
SET LOCAL ROLE regress_entry_two;
FETCH each_row;
FETCH ALL scanned;
EXECUTE who;
CLOSE listed;
CLOSE scanned;
FETCH each_row;
EXECUTE who;
COMMIT;

-- one that goes on after its transaction
BEGIN;
SET LOCAL ROLE regress_entry_one;
SELECT devapp.act_as('one@entry.example');
DECLARE held CURSOR WITH HOLD FOR SELECT (devapp.my_approvals()).app_name;
FETCH held;
COMMIT;
FETCH ALL held;
CLOSE held;
EXECUTE who;

-- ---------- one plan, several roles ----------

SET plan_cache_mode = force_generic_plan;
PREPARE waiting AS SELECT count(*), min(devapp.actor()) AS actor FROM devapp.my_approvals();
PREPARE listed AS SELECT count(*) FROM (SELECT devapp.my_approvals()) AS x;
PREPARE mine AS SELECT (devapp.update_app(id, description => 'prepared')).description FROM app WHERE name = 'mine';
BEGIN;
SET LOCAL ROLE regress_entry_one;
SELECT devapp.act_as('one@entry.example');
EXECUTE waiting;
EXECUTE listed;
EXECUTE mine;
SELECT pg_temp.who();
SET LOCAL ROLE regress_entry_two;
EXECUTE who;
EXECUTE waiting;
EXECUTE listed;
SELECT pg_temp.who();
SAVEPOINT s;
EXECUTE mine;
ROLLBACK TO s;
SELECT devapp.act_as('two@entry.example');
EXECUTE who;
EXECUTE waiting;
SELECT pg_temp.who();
-- one said who acts before two did, and two's word takes nothing from it
SET LOCAL ROLE regress_entry_one;
EXECUTE who;
SELECT pg_temp.who();
RESET ROLE;
EXECUTE who;
EXECUTE mine;
REVOKE EXECUTE ON FUNCTION devapp.my_approvals FROM regress_entry_two;
SET LOCAL ROLE regress_entry_two;
EXECUTE waiting;
ROLLBACK;
RESET plan_cache_mode;
DEALLOCATE ALL;

-- ---------- a namesake that is not as it should be ----------

BEGIN;
ALTER FUNCTION devapp_internal.my_approvals RENAME TO no_approvals;
SELECT count(*) FROM devapp.my_approvals();
ROLLBACK;
-- one that is strict is not called with a null
SELECT devapp.update_app(NULL);
BEGIN;
ALTER FUNCTION devapp_internal.update_app STRICT;
SELECT devapp.update_app(NULL) IS NULL AS not_called;
ROLLBACK;

-- ---------- the reports ----------

-- EXECUTE is not enough, neither for the session's role nor for that which calls
GRANT EXECUTE ON FUNCTION devapp_report.dashboard TO regress_entry_one, regress_entry_two;
GRANT USAGE ON SCHEMA devapp_report TO regress_entry_two;
CREATE FUNCTION public.entry_page() RETURNS boolean LANGUAGE sql SECURITY DEFINER
    BEGIN ATOMIC; SELECT devapp_report.dashboard() IS NOT NULL; END;
ALTER FUNCTION public.entry_page OWNER TO regress_entry_two;
GRANT EXECUTE ON FUNCTION public.entry_page TO regress_entry_one;
SET ROLE regress_entry_two;
SELECT public.entry_page();
SET ROLE regress_entry_one;
SELECT public.entry_page();
RESET ROLE;
ALTER FUNCTION public.entry_page OWNER TO regress_entry_one;
GRANT EXECUTE ON FUNCTION public.entry_page TO regress_entry_two;
SET ROLE regress_entry_two;
SELECT public.entry_page();
RESET ROLE;
DROP FUNCTION public.entry_page;

DROP OWNED BY regress_entry_one, regress_entry_two;
DROP ROLE regress_entry_one, regress_entry_two;
