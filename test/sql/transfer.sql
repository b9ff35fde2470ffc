-- An app gets another owner.
\set SHOW_CONTEXT never

SELECT FROM devapp.create_developer('transfer-from@example.com');
SELECT FROM devapp.create_developer('transfer-to@example.com');
SELECT FROM devapp.create_developer('transfer-gone@example.com');
SELECT FROM devapp.delete_developer('transfer-gone@example.com');
SELECT FROM devapp.create_team('transfer-team');
SELECT FROM devapp.create_team('transfer-gone');
SELECT FROM devapp.delete_team('transfer-gone');
SELECT FROM devapp.create_product('transfer');
SELECT * FROM devapp.create_app('moving', developer => 'transfer-from@example.com', products => '{transfer}', attributes => '{"k": "v"}') \gset
SELECT FROM devapp.rotate_credential(:'credential_id');
CREATE FUNCTION pg_temp.owner(app uuid) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(d.email, t.name) FROM devapp.app a LEFT JOIN devapp.developer d USING (developer_id) LEFT JOIN devapp.team t USING (team_id) WHERE app_id = app $$;
-- what writes the history reads the note while the change is made
CREATE TABLE transfer_notes (app_id uuid, note text);
CREATE FUNCTION transfer_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO public.transfer_notes VALUES (NEW.app_id, devapp_internal.current_note()); RETURN NULL; END $$;
CREATE TRIGGER transfer_note AFTER UPDATE ON devapp.app FOR EACH ROW EXECUTE FUNCTION transfer_note();

-- the app as it was, but for its owner: credentials, versions, products, decisions
SELECT a AS before FROM (SELECT to_jsonb(a) - '{developer_id,team_id,updated_at}'::text[] AS a FROM devapp.app a WHERE app_id = :'app_id') AS x \gset
SELECT code, owner FROM devapp.verify_key(:'secret');
SELECT name, developer_id IS NULL AS no_developer, team_id = (SELECT team_id FROM devapp.team WHERE name = 'transfer-team') AS of_team
  FROM devapp.transfer_app(:'app_id', team => 'transfer-team', note => 'ada leaves');
SELECT to_jsonb(a) - '{developer_id,team_id,updated_at}'::text[] = :'before' AS same FROM devapp.app a WHERE app_id = :'app_id';
SELECT count(*) AS versions FROM devapp.credential_secret WHERE credential_id = :'credential_id';
SELECT code, owner FROM devapp.verify_key(:'secret');
SELECT note FROM transfer_notes WHERE app_id = :'app_id';
SELECT entity, action, note FROM devapp.audit_event WHERE app_id = :'app_id' ORDER BY event_id DESC LIMIT 1;
-- the note is that change's, not the next one's
SELECT devapp_internal.current_note();
SELECT FROM devapp.update_app(:'app_id', description => 'x');
SELECT note FROM transfer_notes WHERE app_id = :'app_id' OFFSET 1;

-- from now on the new owner's status counts
SELECT FROM devapp.set_developer_status('transfer-from@example.com', 'deactivate');
SELECT code FROM devapp.verify_key(:'secret');
SELECT FROM devapp.set_team_status('transfer-team', 'deactivate');
SELECT code FROM devapp.verify_key(:'secret');
SELECT FROM devapp.transfer_app(:'app_id', developer => 'TRANSFER-TO@example.com');
SELECT code, owner FROM devapp.verify_key(:'secret');
SELECT FROM devapp.transfer_app(:'app_id', developer => 'transfer-from@example.com');
SELECT code FROM devapp.verify_key(:'secret');
SELECT FROM devapp.set_developer_status('transfer-from@example.com', 'activate');
SELECT code FROM devapp.verify_key(:'secret');
-- the old owner can have another app of that name, and go
SELECT FROM devapp.transfer_app(:'app_id', developer => 'transfer-to@example.com');
SELECT app_id AS other FROM devapp.create_app('moving', developer => 'transfer-from@example.com') \gset

-- what is refused changes nothing
SELECT devapp.transfer_app(:'app_id');
SELECT devapp.transfer_app(:'app_id', developer => 'transfer-from@example.com', team => 'transfer-team');
SELECT devapp.transfer_app(:'app_id', developer => 'nobody@example.com');
SELECT devapp.transfer_app(:'app_id', team => 'nobody');
SELECT devapp.transfer_app(:'app_id', developer => 'transfer-gone@example.com');
SELECT devapp.transfer_app(:'app_id', team => 'transfer-gone');
SELECT devapp.transfer_app(NULL, team => 'transfer-team');
SELECT devapp.transfer_app('00000000-0000-0000-0000-000000000000', team => 'transfer-team');
SELECT devapp.transfer_app(:'app_id', developer => 'Transfer-To@example.com');
SELECT devapp.transfer_app(:'app_id', developer => 'transfer-from@example.com', note => 'clash');
SELECT devapp.transfer_app(:'app_id', team => 'transfer-team', note => repeat('x', 4001));
SELECT pg_temp.owner(:'app_id'), pg_temp.owner(:'other');

-- the name is free again when the other is deleted; a deleted app stays where it is
SELECT FROM devapp.delete_app(:'other');
\set VERBOSITY sqlstate
SELECT devapp.transfer_app(:'other', team => 'transfer-team');
\set VERBOSITY default
SELECT FROM devapp.transfer_app(:'app_id', developer => 'transfer-from@example.com');
SELECT pg_temp.owner(:'app_id');

-- a note that was set where an error followed is not left to the next change
BEGIN;
SAVEPOINT s;
SELECT devapp_internal.set_note('of a change that fails');
SELECT devapp_internal.current_note();
ROLLBACK TO s;
SELECT devapp_internal.current_note();
SAVEPOINT t;
SELECT devapp_internal.set_note('kept');
RELEASE t;
SAVEPOINT u;
ROLLBACK TO u;
SELECT devapp_internal.current_note();
COMMIT;
SELECT devapp_internal.current_note();

DROP TRIGGER transfer_note ON devapp.app;
DROP FUNCTION transfer_note;
DROP TABLE transfer_notes;
