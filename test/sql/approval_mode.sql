-- How new apps start: a setting of the database, in every session at once, on record.
\set SHOW_CONTEXT never
SELECT FROM devapp.create_developer('mode@example.com');
SELECT FROM devapp.create_product('mode-auto');
SELECT FROM devapp.create_product('mode-manual', approval => 'manual');
SELECT FROM devapp.create_approval_rule('mode', 1, 'reject', product => 'mode-auto');
CREATE FUNCTION pg_temp.starts(name text) RETURNS text LANGUAGE sql AS $$
    SELECT app_status FROM devapp.create_app(name, developer => 'mode@example.com', products => '{mode-auto,mode-manual}') $$;

-- the default, which no row says
BEGIN;
DELETE FROM devapp.approval_setting;
SELECT devapp_internal.app_approval();
ROLLBACK;

-- each mode, in any case
SELECT devapp.set_app_approval(mode => 'manual');
SELECT pg_temp.starts('manual');
SELECT devapp.set_app_approval('Conditional');
SELECT pg_temp.starts('conditional');
SELECT devapp.set_app_approval('AUTO');
SELECT pg_temp.starts('auto');
-- what is rolled back was not set
BEGIN;
SELECT devapp.set_app_approval('manual');
ROLLBACK;
SELECT pg_temp.starts('rolled back');
-- another session takes it up
SELECT devapp.set_app_approval('manual');
\c -
\set SHOW_CONTEXT never
SELECT app_status FROM devapp.create_app('elsewhere', developer => 'mode@example.com', products => '{mode-auto,mode-manual}');

-- no such mode
SELECT devapp.set_app_approval('whenever');
SELECT devapp.set_app_approval('');
SELECT devapp.set_app_approval(NULL);
\set VERBOSITY sqlstate
SELECT devapp.set_app_approval('auto, manual');
INSERT INTO devapp.approval_setting (name, value) VALUES ('another', 'auto');
UPDATE devapp.approval_setting SET value = 'whenever';
UPDATE devapp.approval_setting SET name = 'app_approval2';
TRUNCATE devapp.approval_setting;
\set VERBOSITY default
-- nor is it a parameter of the server any more
SELECT count(*) FROM pg_settings WHERE name = 'devapp.app_approval';

-- on record, with who did it; the same once more is no change
SELECT FROM devapp.set_app_approval('conditional');
SELECT FROM devapp.set_app_approval('auto');
SELECT FROM devapp.set_app_approval('auto');
SELECT action, entity, entity_id, before ->> 'value' AS before, after ->> 'value' AS after, db_role = current_user AS by_me
  FROM devapp.audit_event WHERE entity = 'approval_setting' ORDER BY event_id DESC LIMIT 2;

-- for administrators
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_mode;
RESET client_min_messages;
CREATE ROLE regress_mode;
GRANT USAGE ON SCHEMA devapp TO regress_mode;
GRANT EXECUTE ON FUNCTION devapp.set_app_approval(text) TO regress_mode;
SET ROLE regress_mode;
SELECT devapp.set_app_approval('manual');
SELECT FROM devapp.approval_setting;
RESET ROLE;
DROP OWNED BY regress_mode;
DROP ROLE regress_mode;
SELECT FROM devapp.set_app_approval('conditional');
SELECT FROM devapp.delete_approval_rule('mode');
