-- Why a rule matches or not: each condition alone, all together, and who decides.
\set SHOW_CONTEXT never
SELECT FROM devapp.set_app_approval('conditional');

SELECT FROM devapp.create_developer('ada@Mail.Partner.Example', attributes => '{"tier": "gold", "a\"b": "line\nend", "ключ": "100%"}');
SELECT FROM devapp.create_developer('eve@notpartner.example');
SELECT FROM devapp.create_team('explain-team', attributes => '{"region": "eu"}');
SELECT FROM devapp.create_product('open', access => 'public');
SELECT FROM devapp.create_product('closed', access => 'private', approval => 'manual');

SELECT app_id AS ada FROM devapp.create_app('one', developer => 'ada@mail.partner.example', products => '{open,closed}', attributes => '{"kind": "web"}') \gset
SELECT app_id AS eve FROM devapp.create_app('one', developer => 'eve@notpartner.example') \gset
SELECT app_id AS team FROM devapp.create_app('one', team => 'explain-team', products => '{closed}') \gset

-- no rule: the approval of the product decides, no product needs none
SELECT * FROM devapp.explain_approval(:'ada');
SELECT * FROM devapp.explain_approval(:'eve');

-- why(rule): what each app gets as the reason
CREATE FUNCTION pg_temp.why(rule text) RETURNS TABLE (app text, product text, matches boolean, reason text) LANGUAGE sql AS $$
    SELECT coalesce(d.email, t.name), x.product, x.matches, x.reason
      FROM devapp.app a LEFT JOIN devapp.developer d USING (developer_id) LEFT JOIN devapp.team t USING (team_id), devapp.explain_approval(a.app_id) WITH ORDINALITY AS x
     WHERE a.name = 'one' AND x.rule = why.rule
     ORDER BY a.app_id, x.ordinality $$;

-- one condition alone
SELECT FROM devapp.create_approval_rule('none', 1, 'hold');
SELECT FROM devapp.create_approval_rule('product', 2, 'hold', product => 'open');
SELECT FROM devapp.create_approval_rule('access', 3, 'hold', access => 'private');
SELECT FROM devapp.create_approval_rule('domain', 4, 'hold', email_domain => 'MAIL.partner.example');
SELECT FROM devapp.create_approval_rule('domains', 5, 'hold', email_domain => '*.Partner.Example');
SELECT FROM devapp.create_approval_rule('domain above', 6, 'hold', email_domain => 'partner.example');
SELECT FROM devapp.create_approval_rule('team', 7, 'hold', team => 'explain-team');
SELECT FROM devapp.create_approval_rule('developer', 8, 'hold', developer_attributes => '{"tier": "gold", "a\"b": "line\nend", "ключ": "100%"}');
SELECT FROM devapp.create_approval_rule('app', 9, 'hold', app_attributes => '{"kind": "web"}');
SELECT FROM devapp.create_approval_rule('team attributes', 10, 'hold', team_attributes => '{"region": "us"}');
SELECT FROM devapp.create_approval_rule('newcomer', 11, 'hold', max_apps_owned => 0);
SELECT FROM devapp.create_approval_rule('regular', 12, 'hold', min_apps_owned => 1);
SELECT FROM devapp.create_approval_rule('off', 13, 'hold', enabled => false);
SELECT name AS rule, w.* FROM devapp.approval_rule r, pg_temp.why(r.name) AS w ORDER BY r.priority;

-- attributes: another value, one that is missing, the first by name
SELECT FROM devapp.update_approval_rule('developer', developer_attributes => '{"tier": "silver", "a\"b": "line\nend"}');
SELECT * FROM pg_temp.why('developer');
SELECT FROM devapp.update_approval_rule('developer', developer_attributes => '{"zz": "\\", "tier": "gold", "a''a": "%s"}');
SELECT * FROM pg_temp.why('developer');
SELECT FROM devapp.update_approval_rule('developer', developer_attributes => '{"a\"b": "line end", "ключ": "100%"}');
SELECT * FROM pg_temp.why('developer');
SELECT FROM devapp.update_approval_rule('app', app_attributes => '{"kind": "WEB"}');
SELECT * FROM pg_temp.why('app');

-- several together: the first that does not hold is the reason
SELECT FROM devapp.create_approval_rule('all', 20, 'approve', product => 'closed', access => 'private', email_domain => '*.partner.example', developer_attributes => '{"tier": "gold"}',
    app_attributes => '{"kind": "web"}', min_apps_owned => 1, max_apps_owned => 1);
SELECT * FROM pg_temp.why('all');
SELECT FROM devapp.create_app('two', developer => 'ada@mail.partner.example');
SELECT * FROM pg_temp.why('all');
SELECT app_id AS three FROM devapp.create_app('three', developer => 'ada@mail.partner.example') \gset
SELECT * FROM pg_temp.why('all');
-- a deleted app does not count
SELECT FROM devapp.delete_app(:'three');
SELECT * FROM pg_temp.why('all');
SELECT FROM devapp.set_attribute('developer', 'ada@mail.partner.example', 'tier', 'silver');
SELECT * FROM pg_temp.why('all');
SELECT FROM devapp.set_attribute('developer', 'ada@mail.partner.example', 'tier', 'gold');
SELECT FROM devapp.update_product('closed', access => 'internal');
SELECT * FROM pg_temp.why('all');
SELECT FROM devapp.update_product('closed', access => 'private');

-- domains: nothing that only ends like one
SELECT d AS domain, w AS wanted, devapp_internal.domain_matches(d, w) FROM (VALUES
    ('example.com', 'example.com'), ('EXAMPLE.com', 'example.COM'), ('a.example.com', 'example.com'), ('a.example.com', '*.example.com'), ('a.b.Example.com', '*.example.COM'),
    ('example.com', '*.example.com'), ('badexample.com', '*.example.com'), ('example.com.evil.org', '*.example.com'), ('com', '*.example.com'), ('', '*.example.com'), ('xexample.com', 'example.com'),
    ('example_com', 'example.com'), ('example%com', '*.example%com'), ('MÜNCHEN.example', '*.münchen.example')) AS x(d, w);

-- who decides: the lowest priority that matches, one row a product
DELETE FROM devapp.approval_rule;
SELECT FROM devapp.create_approval_rule('third', 30, 'reject');
SELECT FROM devapp.create_approval_rule('first', -1, 'approve', product => 'open');
SELECT FROM devapp.create_approval_rule('second', 0, 'hold', access => 'private', note => 'ask Ann');
SELECT FROM devapp.create_approval_rule('first, but off', -1, 'reject', enabled => false);
SELECT * FROM devapp.explain_approval(:'ada');
SELECT * FROM devapp.explain_approval(:'eve');
SELECT a.name, x.product, count(*) FROM devapp.app a, devapp.explain_approval(a.app_id) AS x WHERE x.decides GROUP BY a.app_id, x.product HAVING count(*) <> 1;
SELECT x.product, x.rule FROM devapp.app a, devapp.explain_approval(a.app_id) AS x WHERE x.decides AND a.app_id IN (:'ada', :'eve') ORDER BY a.app_id, x.product;

-- what a rule names is gone: it matches nothing, and says so; the same name again is the same rule again
SELECT FROM devapp.create_product('short-lived');
SELECT FROM devapp.create_team('short-lived');
SELECT FROM devapp.create_approval_rule('gone product', -10, 'reject', product => 'short-lived');
SELECT FROM devapp.create_approval_rule('gone team', -9, 'reject', team => 'short-lived');
SELECT FROM devapp.delete_product('short-lived');
SELECT FROM devapp.delete_team('short-lived');
SELECT rule, matches, reason, decides FROM devapp.explain_approval(:'team') WHERE rule LIKE 'gone%';
SELECT FROM devapp.create_product('short-lived');
SELECT rule, matches, reason, decides FROM devapp.explain_approval(:'team') WHERE rule LIKE 'gone%';
-- an app of a team that was deleted with it
SELECT app_id AS last FROM devapp.create_team('last') AS t, devapp.create_app('last', team => t.name) \gset
SELECT FROM devapp.delete_app(:'last');
SELECT FROM devapp.create_approval_rule('last team', -8, 'reject', team => 'last');
SELECT FROM devapp.delete_team('last');
SELECT rule, matches, reason FROM devapp.explain_approval(:'last') WHERE rule = 'last team';

-- in every mode; where rules are not asked the first row says so
SELECT FROM devapp.set_app_approval('manual');
SELECT * FROM devapp.explain_approval(:'ada') WHERE rule IS NULL OR rule = 'first';
SELECT * FROM devapp.explain_approval(:'eve') WHERE rule IS NULL OR rule = 'third';
SELECT FROM devapp.set_app_approval('auto');
SELECT * FROM devapp.explain_approval(:'ada') WHERE rule IS NULL;
SELECT FROM devapp.set_app_approval('conditional');
-- it reads only
BEGIN READ ONLY;
SELECT count(*) > 0 AS explained FROM devapp.explain_approval(:'ada');
COMMIT;
-- no such app
SELECT devapp.explain_approval('00000000-0000-0000-0000-000000000000');
SELECT devapp.explain_approval(NULL);

DELETE FROM devapp.approval_rule;
