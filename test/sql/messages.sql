-- Messages name what was given, and hide the secret of a key that was given by mistake.
\set SHOW_CONTEXT never

SELECT FROM devapp.create_developer('messages@example.com');
SELECT app_id AS app FROM devapp.create_app('Shop App', developer => 'messages@example.com') \gset

-- an app and a credential are named by their ids, and a name is none
SELECT devapp.set_attribute(entity => 'app', id => 'Shop App', name => 'a', value => 'b');
SELECT devapp.remove_attribute(entity => 'app', id => '', name => 'a');
SELECT devapp.set_attribute(entity => 'credential', id => 'dvk_live_0123456789ab', name => 'a', value => 'b');
SELECT devapp.set_attribute(entity => 'app', id => NULL, name => 'a', value => 'b');
SELECT devapp.set_attribute(entity => 'app', id => :'app', name => 'a', value => 'b');

-- a word that is not one of those that are possible
SELECT devapp.create_product(name => 'messages', approval => 'sometimes');
SELECT devapp.create_product(name => 'messages', access => '');
SELECT devapp.create_product(name => 'messages', access => 'dvk_live_0123456789ab_0123456789abcdefghijklmnopqrstuvABCDEF');
SELECT count(*) AS products FROM devapp.product WHERE name = 'messages';

-- words that are possible are so in any case, and kept in lower case; a message has the word, not Apigee's
BEGIN;
SELECT approval, access, quota_unit, quota_interval FROM devapp.create_product('messages', approval => 'Manual', access => 'PRIVATE', quota_limit => 5, quota_unit => 'Day');
SELECT quota_unit, quota_enforcement FROM devapp.update_product('messages', quota_unit => 'NEVER', quota_enforcement => 'Hard');
SELECT quota_unit FROM devapp.add_operation('messages', '/x', quota_limit => 5, quota_unit => 'Hour');
SELECT quota_interval, quota_unit FROM devapp.set_app_quota('messages@example.com/Shop App', 'messages', quota_limit => 5, quota_unit => 'Never');
SELECT decision, access FROM devapp.create_approval_rule('messages', 1, 'Hold', access => 'Public');
SELECT decision FROM devapp.update_approval_rule('messages', decision => 'REJECT');
SELECT kind FROM devapp.issue_credential('messages@example.com/Shop App', kind => 'OAuth_Client');
SELECT purpose FROM devapp.credential_secret JOIN devapp.credential USING (credential_id) WHERE kind = 'oauth_client' AND app_id = :'app';
SELECT FROM devapp.create_team('messages-team');
SELECT role FROM devapp.add_team_member('messages-team', 'messages@example.com', 'Admin');
SELECT devapp.next_status('developer', 'active', 'Inactive') AS inactive, devapp.next_status('app', 'pending', 'APPROVE') AS approved;
SELECT devapp.bulk_start('Suspend', '{"owner": "messages@example.com"}', NULL, 10, NULL) AS run \gset
SELECT action, total FROM devapp.bulk_run WHERE run_id = :'run';
SELECT status FROM devapp.set_developer_status('messages@example.com', 'Deactivate');
SAVEPOINT s;
SELECT devapp.set_developer_status('messages@example.com', 'inactive');
ROLLBACK TO s;
SELECT devapp.create_product('messages-2', quota_limit => 5, quota_unit => 'Never', quota_interval => 2);
ROLLBACK TO s;
SELECT devapp.set_developer_status('messages@example.com', 'retire');
ROLLBACK;

-- a refusal has no context of devapp's own
\set SHOW_CONTEXT errors
SELECT FROM devapp.approve_app('messages@example.com/none');
SELECT FROM devapp.create_app('other', developer => 'messages@example.com', products => '{none}');
SELECT FROM devapp.resume_app('messages@example.com/Shop App');
SELECT FROM devapp.update_app('messages@example.com/Shop App', name => repeat('x', 300));
-- that of the functions that called devapp stays
CREATE FUNCTION pg_temp.resume(app text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM devapp.resume_app(app);
END
$$;
\set SHOW_CONTEXT never
CREATE FUNCTION pg_temp.context_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    context text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
    RETURN regexp_replace(context, 'pg_temp_\d+', 'pg_temp', 'g');
END
$$;
SELECT pg_temp.context_of($$SELECT pg_temp.resume('messages@example.com/Shop App')$$);
-- in a call within a call as well: a trigger of devapp's
SELECT FROM devapp.create_team('messages');
SELECT FROM devapp.add_team_member('messages', 'messages@example.com', 'admin');
SELECT pg_temp.context_of($$DELETE FROM devapp.team_member m USING devapp.team t WHERE t.team_id = m.team_id AND t.name = 'messages'$$);
-- an error that somebody else's trigger raises, or PostgreSQL, keeps it
CREATE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'not today' USING ERRCODE = 'invalid_parameter_value';
END
$$;
BEGIN;
CREATE TRIGGER refuse BEFORE UPDATE ON devapp.app FOR EACH ROW EXECUTE FUNCTION pg_temp.refuse();
SELECT pg_temp.context_of($$SELECT devapp.suspend_app('messages@example.com/Shop App')$$) LIKE '%pg_temp.refuse%devapp_internal.suspend_app%' AS whole;
ROLLBACK;
BEGIN;
ALTER TABLE devapp.app ADD CONSTRAINT never_suspended CHECK (status <> 'suspended') NOT VALID;
SELECT pg_temp.context_of($$SELECT devapp.suspend_app('messages@example.com/Shop App')$$) LIKE '%UPDATE%devapp_internal.suspend_app%' AS whole;
ROLLBACK;
-- and whoever looks for a fault sees all
SET log_error_verbosity = verbose;
SELECT pg_temp.context_of($$SELECT devapp.resume_app('messages@example.com/Shop App')$$) LIKE '%devapp_internal.resume_app%pg_temp.context_of%' AS whole;
RESET log_error_verbosity;

-- a hint names what its reader may call
SET client_min_messages = warning;
BEGIN;
SELECT FROM devapp.setup_roles();
SELECT FROM devapp.create_product('messages-open');
SELECT FROM devapp.create_product('messages-inner', access => 'internal');
SELECT FROM devapp.create_team('messages-team');
SELECT FROM devapp.add_team_member('messages-team', 'messages@example.com', 'admin');
SELECT consumer_key AS live FROM devapp.issue_credential('messages@example.com/Shop App', products => '{messages-open}') \gset
SELECT consumer_key AS revoked FROM devapp.issue_credential('messages@example.com/Shop App') \gset
SELECT FROM devapp.revoke_credential(:'revoked');
SELECT consumer_key AS compromised FROM devapp.issue_credential('messages@example.com/Shop App') \gset
SELECT FROM devapp.revoke_credential(:'compromised', compromised => true);
RESET client_min_messages;
CREATE FUNCTION pg_temp.told(command text, OUT error text, OUT hint text, OUT not_for_reader text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'SELECT devapp.' || command;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    error := SQLSTATE || ' ' || regexp_replace(SQLERRM, 'dvk_[0-9A-Za-z_]+', 'KEY');
    SELECT string_agg(p.proname, ', ') INTO not_for_reader FROM pg_proc p
     WHERE p.pronamespace = 'devapp'::regnamespace AND strpos(hint, 'devapp.' || p.proname) > 0 AND NOT has_function_privilege(p.oid, 'EXECUTE');
END
$$;
CREATE TEMP TABLE tried AS
SELECT n, format(command, :'live', :'revoked', :'compromised') AS command
  FROM unnest(ARRAY['create_app(''new'')', 'create_app(''new'', ''nobody@example.com'')', 'create_app(''new'', team => ''nobody'')', 'create_app(''new'', products => ''{messages-inner}'')',
                    'create_app(''Shop App'')', 'rotate_credential(%2$L)', 'rotate_credential(%3$L)', 'add_credential_product(%1$L, ''messages-open'')', 'add_credential_product(%1$L, ''none'')',
                    'add_credential_product(%2$L, ''messages-open'')', 'remove_credential_product(%1$L, ''none'')', 'complete_rotation(%1$L)', 'resubmit_app(''messages@example.com/Shop App'')',
                    'approve_app(''messages@example.com/Shop App'')', 'set_team_role(''messages-team'', ''nobody@example.com'', ''admin'')', 'remove_team_member(''messages-team'', ''messages@example.com'')',
                    'invite_team_member(''messages-team'', ''messages@example.com'')', 'accept_invitation(''none'')', 'update_developer(''messages@example.com'', attributes => ''{"a": "b"}'')']) WITH ORDINALITY AS c(command, n);
GRANT SELECT ON tried TO devapp_developer;
SET LOCAL ROLE devapp_developer;
SET LOCAL request.jwt.claims = '{"email": "messages@example.com", "email_verified": true}';
SELECT t.* FROM tried, pg_temp.told(command) AS t ORDER BY n;
-- nobody, and somebody who is not registered
SET LOCAL request.jwt.claims = '';
SELECT t.* FROM tried, pg_temp.told(command) AS t WHERE n = 1;
SET LOCAL request.jwt.claims = '{"email": "nobody@example.com", "email_verified": true}';
SELECT t.* FROM tried, pg_temp.told(command) AS t WHERE n <= 3 ORDER BY n;
ROLLBACK;
