-- Developers, teams, attributes.
\set SHOW_CONTEXT never

-- a developer: e-mail unique without regard to case
SELECT email, first_name, last_name, user_name, status, attributes FROM devapp.create_developer('Owner@Example.com', 'Olga', 'Ownerova', 'olga', '{"tier": "gold"}');
SELECT devapp.create_developer('owner@example.COM');
SELECT devapp.create_developer(NULL);
SELECT devapp.create_developer('');
SELECT devapp.create_developer('no-at');
SELECT devapp.create_developer('a@b@c');
SELECT devapp.create_developer('a b@example.com');
SELECT devapp.create_developer('@example.com');
SELECT devapp.create_developer(U&'a\00A0b@example.com');
SELECT devapp.create_developer(repeat('a', 250) || '@x.com');
SELECT devapp.create_developer(E'a\nb@example.com');
SELECT devapp.create_developer('control@example.com', first_name => E'bell\x07');
SELECT devapp.create_developer('c1@example.com', first_name => U&'\0085');
SELECT devapp.create_developer('long@example.com', first_name => repeat('x', 256));
SELECT length(first_name) FROM devapp.create_developer('max@example.com', first_name => repeat('ü', 255));

-- what is left out stays, '' clears
SELECT email, first_name, last_name, user_name, attributes FROM devapp.update_developer('owner@example.com', first_name => 'Olya', last_name => '');
SELECT email FROM devapp.update_developer('OWNER@example.com', email => 'olga@example.com');
SELECT devapp.update_developer('olga@example.com', email => 'MAX@example.com');
SELECT devapp.update_developer('olga@example.com', email => '');
SELECT devapp.update_developer('nobody@example.com', first_name => 'x');
SELECT devapp.update_developer(NULL);
SELECT attributes FROM devapp.update_developer('olga@example.com', attributes => '{}');
SELECT updated_at > created_at AS touched FROM devapp.developer WHERE email = 'olga@example.com';

-- status
SELECT status, decision_note, decided_by = current_user AS by_me FROM devapp.set_developer_status('olga@example.com', 'deactivate', 'left the company');
SELECT devapp.set_developer_status('olga@example.com', 'deactivate');
SELECT devapp.set_developer_status('olga@example.com', 'explode');
SELECT status FROM devapp.set_developer_status('olga@example.com', 'active');

-- attributes: an object of at most 18 strings
SELECT devapp.set_attribute('developer', 'olga@example.com', 'a', '1');
SELECT devapp.set_attribute('developer', 'olga@example.com', 'a', '2');
SELECT devapp.set_attribute('developer', 'olga@example.com', 'b', '');
SELECT devapp.remove_attribute('developer', 'olga@example.com', 'a');
SELECT devapp.remove_attribute('developer', 'olga@example.com', 'never there');
SELECT devapp.set_attribute('developer', 'olga@example.com', 'a', NULL);
SELECT devapp.set_attribute('developer', 'olga@example.com', '', 'x');
SELECT devapp.set_attribute('developer', 'nobody@example.com', 'a', 'x');
SELECT devapp.set_attribute('app', 'not-a-uuid', 'a', 'x');
SELECT devapp.set_attribute('operation', 'x', 'a', 'x');
SELECT devapp.set_attribute('developer', 'olga@example.com', 'a', repeat('x', 2049));
SELECT count(*) FROM jsonb_object_keys((devapp.update_developer('olga@example.com', attributes => (SELECT jsonb_object_agg('n' || i, 'v') FROM generate_series(1, 18) AS i))).attributes);
SELECT devapp.set_attribute('developer', 'olga@example.com', 'n19', 'v');
SELECT devapp.update_developer('olga@example.com', attributes => '{"n": 1}');
SELECT devapp.update_developer('olga@example.com', attributes => '{"n": null}');
SELECT devapp.update_developer('olga@example.com', attributes => '{"n": {"a": "b"}}');
SELECT devapp.update_developer('olga@example.com', attributes => '["a"]');
SELECT devapp.update_developer('olga@example.com', attributes => '"a"');
SELECT devapp.update_developer('olga@example.com', attributes => 'null');

-- teams
SELECT name, display_name, status FROM devapp.create_team('builders', 'The Builders');
SELECT devapp.create_team('builders');
SELECT devapp.create_team('');
SELECT devapp.create_team(' team:builders');
SELECT devapp.create_team('  ');
SELECT devapp.create_team(E'a\tb');
SELECT display_name, attributes FROM devapp.update_team('builders', display_name => '', attributes => '{"k": "v"}');
SELECT devapp.update_team('nobody');
UPDATE devapp.team SET name = 'other' WHERE name = 'builders';
SELECT role FROM devapp.add_team_member('builders', 'olga@example.com', 'admin');
SELECT devapp.add_team_member('builders', 'OLGA@example.com');
SELECT devapp.add_team_member('builders', 'max@example.com', 'king');
SELECT devapp.add_team_member('builders', 'nobody@example.com');
SELECT role FROM devapp.add_team_member('builders', 'max@example.com');
SELECT FROM devapp.remove_team_member('builders', 'max@example.com');
SELECT devapp.remove_team_member('builders', 'max@example.com');
SELECT status FROM devapp.set_team_status('builders', 'deactivate');
SELECT status FROM devapp.set_team_status('builders', 'activate');

-- deleting: not while something depends on it; the row stays, the name is free
SELECT devapp.delete_developer('olga@example.com');
-- the last admin stays
SELECT FROM devapp.remove_team_member('builders', 'olga@example.com');
SELECT FROM devapp.set_team_role('builders', 'olga@example.com', 'member');
DELETE FROM devapp.team_member WHERE role = 'admin';
SELECT FROM devapp.set_team_role('builders', 'max@example.com', 'admin');
SELECT FROM devapp.add_team_member('builders', 'max@example.com');
SELECT FROM devapp.set_team_role('builders', 'max@example.com', 'queen');
SELECT role FROM devapp.set_team_role('builders', 'max@example.com', 'admin');
SELECT role FROM devapp.set_team_role('builders', 'olga@example.com', 'member');
SELECT role FROM devapp.set_team_role('builders', 'olga@example.com', 'admin');
SELECT FROM devapp.remove_team_member('builders', 'olga@example.com');
SELECT deleted_at IS NOT NULL AS deleted FROM devapp.delete_developer('olga@example.com');
SELECT devapp.delete_developer('olga@example.com');
SELECT email FROM devapp.create_developer('olga@example.com');
SELECT count(*) FROM devapp.developer WHERE email = 'olga@example.com';
SELECT FROM devapp.add_team_member('builders', 'olga@example.com');
SELECT deleted_at IS NOT NULL AS deleted FROM devapp.delete_team('builders');
SELECT count(*) FROM devapp.team_member;
SELECT name FROM devapp.create_team('builders');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT devapp.delete_developer('max@example.com');
ROLLBACK;
DELETE FROM devapp.developer;
DELETE FROM devapp.team;
TRUNCATE devapp.developer CASCADE;
UPDATE devapp.developer SET developer_id = devapp.uuid_v7();
UPDATE devapp.developer SET created_at = '2000-01-01';
