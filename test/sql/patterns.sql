-- Resource patterns: what each form matches.
\set SHOW_CONTEXT never

SELECT pattern, path, devapp.pattern_matches(pattern::devapp.resource_pattern, path) FROM (VALUES
    -- / alone: every path
    ('/', '/'), ('/', '/a/b'), ('/', ''),
    -- letter by letter, anchored, case-sensitive, a trailing slash counts
    ('/a/b', '/a/b'), ('/a/b', '/a/B'), ('/a/b', '/a/b/'), ('/a/b', '/a/bc'), ('/a/b', '/x/a/b'), ('/a/b', '/a'), ('/a/', '/a'),
    -- regex characters mean nothing
    ('/a.b', '/a.b'), ('/a.b', '/axb'), ('/(a|b)+[c]$', '/(a|b)+[c]$'), ('/(a|b)+', '/ab'), ('/a\d', '/a\d'),
    -- * is one or more characters but /
    ('/a/*', '/a/b'), ('/a/*', '/a/'), ('/a/*', '/a/b/c'), ('/a/*', '/a'), ('/a/x*/c', '/a/xyz/c'), ('/a/x*/c', '/a/x/c'),
    ('/a/*z', '/a/xyz'), ('/a/*z', '/a/z'), ('/*/b', '/a/b'), ('/*/*', '/a/b'), ('/*.json', '/a.json'), ('/*.json', '/.json'),
    ('/a/*b*c', '/a/xbybzc'), ('/a/*b*c', '/a/bxc'),
    -- ** is any characters
    ('/a/**', '/a/'), ('/a/**', '/a/b'), ('/a/**', '/a/b/c'), ('/a/**', '/a'), ('/**', '/'), ('/**/b', '/b'), ('/**/b', '//b'),
    ('/**/b', '/a/x/b'), ('/a**', '/a'), ('/a**z', '/a/b/z'), ('/a**z', '/a/b/zz'), ('/a**z', '/a/b/y'),
    -- *** is ** then *
    ('/a/***', '/a/'), ('/a/***', '/a/b'), ('/a/***', '/a/b/c'), ('/a/***', '/a/b/'),
    -- {name} as a whole segment is *
    ('/a/{id}', '/a/b'), ('/a/{id}', '/a/'), ('/a/{id}/c', '/a/b/c'), ('/a/{id}/c', '/a/b/b/c'), ('/{x}/{y}', '/1/2'),
    -- else it is itself
    ('/a/{id}.csv', '/a/1.csv'), ('/a/{id}.csv', '/a/{id}.csv'), ('/a/{}', '/a/b'), ('/a/{}', '/a/{}'), ('/a/x{id}', '/a/xb'),
    -- not ASCII: bytes
    ('/é/*', '/é/ü'), ('/é', '/e'),
    -- the query string is no part of the path
    ('/a', '/a?x=/b'), ('/a', '/a#b'), ('/a/*', '/a/?b'),
    -- what could mean another path further on never matches
    ('/**', '/a/../b'), ('/**', '/..'), ('/**', '/a/./b'), ('/**', '/a/%2e%2E/b'), ('/**', '/a/.%2e'), ('/**', '/a%2Fb'), ('/**', '/a%2fb'),
    ('/**', E'/a\nb'), ('/**', '/a%00b'), ('/**', '/a%0ab'), ('/**', '/a%7f'), ('/**', '/.../b'), ('/**', '/a/..b'), ('/**', '/a/b..'),
    ('/**', '/a?../b'), ('/**', '/100%'), ('/**', '/%2'), ('/**', '/%252e%252e'), ('/', '/../x')
) AS t(pattern, path);

-- long paths end somewhere
SELECT devapp.pattern_matches('/**', '/' || repeat('a', 8191)), devapp.pattern_matches('/**', '/' || repeat('a', 8192));

-- what is no pattern
SELECT ''::devapp.resource_pattern;
SELECT 'a/b'::devapp.resource_pattern;
SELECT '*'::devapp.resource_pattern;
SELECT E'/a\tb'::devapp.resource_pattern;
SELECT length(('/' || repeat('a', 1023))::devapp.resource_pattern::text);
SELECT left(('/' || repeat('a', 1024)), 5)::devapp.resource_pattern;
DO $$
BEGIN
    PERFORM ('/' || repeat('a', 1024))::devapp.resource_pattern;
EXCEPTION WHEN invalid_text_representation THEN
    RAISE NOTICE 'refused: %', left(SQLERRM, 60);
END
$$;

-- the type behaves like text
SELECT '/b'::devapp.resource_pattern < '/c'::devapp.resource_pattern AS less, '/a/*'::devapp.resource_pattern || 'x' AS joined,
       pg_typeof('/a'::text::devapp.resource_pattern);
CREATE TEMP TABLE patterns (p devapp.resource_pattern PRIMARY KEY);
INSERT INTO patterns VALUES ('/b'), ('/a'), ('/a/**');
INSERT INTO patterns VALUES ('/a');
SELECT p FROM patterns ORDER BY p;
SELECT encode(devapp.resource_pattern_send('/a/*'), 'escape');

-- what is no {name} is itself
SELECT pattern, path, devapp.pattern_matches(pattern::devapp.resource_pattern, path) FROM (VALUES
    ('/a/{id', '/a/{id'), ('/a/{id', '/a/b'), ('/a/{x{y}', '/a/{x{y}'), ('/a/{x{y}', '/a/b'), ('/a/{x/y}', '/a/{x/y}'), ('/a/{x/y}', '/a/b'), ('/a/x{', '/a/x{'),
    -- percent signs, letter by letter
    ('/**', '/%2F'), ('/**', '/%2f'), ('/**', '/%2G'), ('/**', '/%g0'), ('/**', '/%0G'), ('/**', '/%C3%A9'), ('/**', '/%c3%a9'), ('/**', E'/\x7f')
) AS t(pattern, path);
SELECT E'/a\x7f'::devapp.resource_pattern;

-- as a binary parameter: it is looked at in the same way
\copy (SELECT '/copied/{id}'::devapp.resource_pattern) TO 'results/pattern.bin' (FORMAT binary)
\copy patterns FROM 'results/pattern.bin' (FORMAT binary)
SELECT p FROM patterns ORDER BY p;
\copy (SELECT 'copied'::text) TO 'results/pattern.bin' (FORMAT binary)
\copy patterns FROM 'results/pattern.bin' (FORMAT binary)
\copy (SELECT E'/copied\n'::text) TO 'results/pattern.bin' (FORMAT binary)
\copy patterns FROM 'results/pattern.bin' (FORMAT binary)
\copy (SELECT '/' || repeat('a', 1024)) TO 'results/pattern.bin' (FORMAT binary)
\copy patterns FROM 'results/pattern.bin' (FORMAT binary)

-- no pattern is slow: these would never end by backtracking
SELECT devapp.pattern_matches(('/' || repeat('**a', 100))::devapp.resource_pattern, '/' || repeat('a', 8000) || 'b'),
       devapp.pattern_matches(('/' || repeat('*a', 200))::devapp.resource_pattern, '/' || repeat('a', 8000) || 'b');
