-- The rules of conditional approval as data: making, changing, deleting them.
\set SHOW_CONTEXT never

SELECT FROM devapp.create_product('rules product');
SELECT FROM devapp.create_team('rules team');

-- all that can be given, and what is left out
SELECT name, priority, enabled, product, access, email_domain, decision, note FROM devapp.create_approval_rule('developers', 10, 'approve',
    product => 'rules product', access => 'public', email_domain => '*.Partner.example', developer_attributes => '{"tier": "gold"}', app_attributes => '{"kind": "web"}',
    min_apps_owned => 0, max_apps_owned => 0, note => 'our partners');
SELECT name, priority, team, team_attributes, note, enabled FROM devapp.create_approval_rule('teams', -5, 'hold', team => 'rules team', team_attributes => '{"a": "b"}', enabled => false);
SELECT to_jsonb(r) - '{rule_id,created_at,updated_at}'::text[] FROM devapp.approval_rule r ORDER BY priority;
SELECT r.rule_id > '00000000-0000-7000-8000-000000000000' AS has_id, r.created_at = r.updated_at AS is_new FROM devapp.approval_rule r;

-- equal priorities: an error that names the other; not for a disabled rule until it is enabled
SELECT devapp.create_approval_rule('other', 10, 'reject');
SELECT priority FROM devapp.create_approval_rule('other', 10, 'reject', enabled => false);
SELECT devapp.update_approval_rule('other', enabled => true);
SELECT devapp.update_approval_rule('other', enabled => true, priority => 10);
SELECT devapp.update_approval_rule('other', enabled => true, priority => 11) IS NULL AS refused;
SELECT devapp.update_approval_rule('other', priority => 10);
INSERT INTO devapp.approval_rule (name, priority, decision) VALUES ('direct', 10, 'hold');
-- nor equal names
SELECT devapp.create_approval_rule('other', 12, 'reject');

-- changing: what is left out stays, '' or {} clears, a negative number clears a bound
SELECT to_jsonb(r) - '{rule_id,created_at,updated_at}'::text[] FROM devapp.update_approval_rule('developers') AS r;
SELECT to_jsonb(r) - '{rule_id,created_at,updated_at}'::text[] FROM devapp.update_approval_rule('developers', priority => 20, decision => 'reject', product => '', access => 'private', email_domain => '',
    developer_attributes => '{}', app_attributes => '{"x": "y"}', min_apps_owned => 2, max_apps_owned => -1, note => '', enabled => false) AS r;
SELECT to_jsonb(r) - '{rule_id,created_at,updated_at}'::text[] FROM devapp.update_approval_rule('developers', access => '', team => 'rules team', min_apps_owned => -1, max_apps_owned => 0, enabled => true) AS r;
BEGIN;
SELECT FROM devapp.update_approval_rule('developers', note => 'later');
SELECT updated_at = now() AS touched FROM devapp.approval_rule WHERE name = 'developers';
ROLLBACK;

-- bad input makes and changes nothing
SELECT count(*) AS before, md5(string_agg(r::text, '|' ORDER BY r.rule_id)) AS digest_before FROM devapp.approval_rule r \gset
SELECT devapp.create_approval_rule('', 1, 'approve');
SELECT devapp.create_approval_rule(NULL, 1, 'approve');
SELECT devapp.create_approval_rule(repeat('x', 256), 1, 'approve');
SELECT devapp.create_approval_rule(E'a\nb', 1, 'approve');
SELECT devapp.create_approval_rule('x', NULL, 'approve');
SELECT devapp.create_approval_rule('x', 1, NULL);
SELECT devapp.create_approval_rule('x', 1, 'approved');
SELECT devapp.create_approval_rule('x', 1, 'approve', product => 'no such product');
SELECT devapp.create_approval_rule('x', 1, 'approve', team => 'no such team');
SELECT devapp.create_approval_rule('x', 1, 'approve', access => 'secret');
SELECT devapp.create_approval_rule('x', 1, 'approve', developer_attributes => '[]');
SELECT devapp.create_approval_rule('x', 1, 'approve', app_attributes => '{"n": 1}');
SELECT devapp.create_approval_rule('x', 1, 'approve', app_attributes => '{"": "x"}');
SELECT devapp.create_approval_rule('x', 1, 'approve', app_attributes => '{"a\tb": "x"}');
SELECT devapp.create_approval_rule('x', 1, 'approve', team_attributes => '"text"');
SELECT devapp.create_approval_rule('x', 1, 'approve', min_apps_owned => -1);
SELECT devapp.create_approval_rule('x', 1, 'approve', max_apps_owned => -1);
SELECT devapp.create_approval_rule('x', 1, 'approve', note => repeat('x', 4001));
CREATE FUNCTION pg_temp.check_domain(domain text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM devapp.create_approval_rule('domain', 1, 'approve', email_domain => domain);
    RAISE EXCEPTION 'accepted';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLERRM;
END
$$;
SELECT domain, pg_temp.check_domain(domain) FROM unnest(ARRAY['example.com', 'localhost', '*.com', 'münchen.example', '*', '*.', '*.*.com', 'a.*.com', '.com', 'com.', 'a..b', 'a@b.example', '@example.com', 'a b.example', E'a\u2003b', ' ']) AS domain;
SELECT pg_temp.check_domain(repeat('x', 256));
-- a rule that could never match
SELECT devapp.create_approval_rule('x', 1, 'approve', email_domain => 'a.example', team => 'rules team');
SELECT devapp.create_approval_rule('x', 1, 'approve', developer_attributes => '{"a": "b"}', team_attributes => '{"a": "b"}');
SELECT devapp.update_approval_rule('developers', email_domain => 'a.example');
SELECT devapp.create_approval_rule('x', 1, 'approve', min_apps_owned => 2, max_apps_owned => 1);
SELECT devapp.update_approval_rule('developers', min_apps_owned => 1);
\set VERBOSITY terse
INSERT INTO devapp.approval_rule (name, priority, decision, min_apps_owned, max_apps_owned) VALUES ('x', 1, 'hold', 2, 1);
INSERT INTO devapp.approval_rule (name, priority, decision, email_domain, team) VALUES ('x', 1, 'hold', 'a.example', 'rules team');
\set VERBOSITY default
-- a rule that does not exist, and values that do not fit
SELECT devapp.update_approval_rule('nothing', priority => 1);
SELECT devapp.update_approval_rule(NULL);
SELECT devapp.update_approval_rule('developers', product => 'no such product');
SELECT devapp.update_approval_rule('developers', decision => 'maybe');
SELECT devapp.update_approval_rule('developers', decision => '');
SELECT devapp.delete_approval_rule('nothing');
SELECT devapp.delete_approval_rule(NULL);
UPDATE devapp.approval_rule SET name = 'another' WHERE name = 'developers';
TRUNCATE devapp.approval_rule;
SELECT count(*) - :before AS made, md5(string_agg(r::text, '|' ORDER BY r.rule_id)) = :'digest_before' AS unchanged FROM devapp.approval_rule r;

-- a product or team that is gone does not keep a rule from being changed
SELECT FROM devapp.update_approval_rule('teams', product => 'rules product');
SELECT FROM devapp.delete_product('rules product');
SELECT FROM devapp.delete_team('rules team');
SELECT product, team, note FROM devapp.update_approval_rule('teams', note => 'orphan');
SELECT devapp.update_approval_rule('teams', product => 'rules product');

-- deleting
SELECT name, priority FROM devapp.delete_approval_rule('teams');
SELECT devapp.delete_approval_rule('teams');
SELECT name FROM devapp.delete_approval_rule('developers');
SELECT name FROM devapp.delete_approval_rule('other');
SELECT count(*) FROM devapp.approval_rule;
