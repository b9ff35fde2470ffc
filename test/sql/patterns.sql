-- Resource patterns: what each form matches.
\set SHOW_CONTEXT never

SELECT pattern, path, devapp.pattern_matches(pattern::devapp.resource_pattern, path) FROM (VALUES
    -- / alone: every path
    ('/', '/'), ('/', '/a/b'), ('/', ''),
    -- letter by letter, anchored, case-sensitive, a trailing slash counts
    ('/a/b', '/a/b'), ('/a/b', '/a/B'), ('/a/b', '/a/b/'), ('/a/b', '/a/bc'), ('/a/b', '/x/a/b'), ('/a/b', '/a'), ('/a/', '/a'),
    -- regex characters mean nothing
    ('/a.b', '/a.b'), ('/a.b', '/axb'), ('/(a|b)+[c]$', '/(a|b)+[c]$'), ('/(a|b)+', '/ab'), ('/a$', '/a$'),
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
    ('/a', '/a?x=/b'), ('/a', '/a?x#b'), ('/a/*', '/a/?b'),
    -- what could mean another path further on never matches
    ('/**', '/a/../b'), ('/**', '/..'), ('/**', '/a/./b'), ('/**', '/a/%2e%2E/b'), ('/**', '/a/.%2e'), ('/**', '/a%2Fb'), ('/**', '/a%2fb'),
    ('/**', E'/a\nb'), ('/**', '/a%00b'), ('/**', '/a%0ab'), ('/**', '/a%7f'), ('/**', '/.../b'), ('/**', '/a/..b'), ('/**', '/a/b..'),
    ('/**', '/a?../b'), ('/**', '/100%'), ('/**', '/%2'), ('/**', '/%252e%252e'), ('/', '/../x')
) AS t(pattern, path);

-- = and a path: that path and no other, and nothing in it is a wildcard
SELECT pattern, path, devapp.pattern_matches(pattern::devapp.resource_pattern, path) FROM (VALUES
    ('=/', '/'), ('=/', '/?q'), ('=/', ''), ('=/', '/a'), ('=/', '//'), ('=/a', '/a'), ('=/a', '/a/'), ('=/a', '=/a'),
    ('=/*', '/*'), ('=/*', '/a'), ('=/**', '/a/b'), ('=/a/{id}', '/a/b'), ('=/a/{id}', '/a/%7Bid%7D'), ('=/a%2c', '/a%2C')
) AS t(pattern, path);

-- {name+} as a whole segment is one or more characters, / included
SELECT pattern, path, devapp.pattern_matches(pattern::devapp.resource_pattern, path) FROM (VALUES
    ('/a/{p+}', '/a/b'), ('/a/{p+}', '/a/b/c'), ('/a/{p+}', '/a/b/'), ('/a/{p+}', '/a//'), ('/a/{p+}', '/a/'), ('/a/{p+}', '/a'),
    ('/{p+}', '/'), ('/{p+}', '/a'), ('/{p+}/c', '/a/b/c'), ('/{p+}/c', '/c'), ('/{p+}/c', '//c'), ('/a/{p+}.x', '/a/b.x'), ('/a/{+}', '/a/b/c'),
    -- the end of a regular expression, as some frameworks write it: as any other name
    ('/a/{id:[0-9]+}', '/a/7'), ('/a/{id:[0-9]+}', '/a/7/8')
) AS t(pattern, path);

-- compared as RFC 3986, section 6.2.2, says: what needs no encoding is the same encoded, digits have no case
SELECT pattern, path, devapp.pattern_matches(pattern::devapp.resource_pattern, path) FROM (VALUES
    ('/abc', '/%61b%63'), ('/%61bc', '/abc'), ('/%7Ea-b', '/~a%2Db'), ('/a%2cb', '/a%2Cb'), ('/a%2Cb', '/a%2cb'), ('/Abc', '/%61bc'),
    -- delimiters are not the same encoded
    ('/a,b', '/a%2Cb'), ('/a%2Cb', '/a,b'), ('/a%2Ab', '/a*b'), ('/a*', '/a%2A'), ('/a%25b', '/a%25b'), ('/a%2561', '/aa'), ('/aa', '/a%2561'),
    ('/a%3Fb', '/a%3fb'), ('/a', '/a%3fb'), ('/a%23b', '/a%23b'),
    -- what can be sent encoded only
    ('/é', '/%C3%A9'), ('/é', '/%c3%a9'), ('/%c3%A9', '/é'), ('/é', '/%C3%A8'), ('/a b', '/a%20b'), ('/a%20b', '/a b'), ('/a b', '/a+b'),
    ('/a/x{id}', '/a/x%7Bid%7D'), ('/a/%7Bid%7D', '/a/b'), ('/a|b', '/a%7Cb'),
    -- wildcards
    ('/*/b', '/%C3%A9%2C/b'), ('/a%20*', '/a%20%20'), ('/a%20*', '/a%20'), ('/*a', '/%61'), ('/*a', '/%61%61'), ('/*%2c', '/x%2C'),
    -- no two digits follow
    ('/a%', '/a%'), ('/a%zz', '/a%zz'), ('/a%4', '/a%4'), ('/a%', '/a%25'), ('/%4*', '/%41'), ('/%4*', '/%4z')
) AS t(pattern, path);

-- what a server further on could read as another path is refused, as .. is
SELECT path, devapp.pattern_matches('/**', path) FROM unnest(ARRAY[
    '/public/..;/admin', '/public/..;x=1/admin', '/..;', '/.;/a', '/%2e%2e;/a', '/..%3b/a', '/.%3B', '/a;/..', '/a/..;..',
    '/a/..\', '/a\..\b', '/a\b', '/a%5cb', '/a%5Cb', '/%5c..%5c', '/a/b\?c',
    '/%c0%ae%c0%ae/a', '/%C0%AF', '/%c1%1c', '/%c0.', '/%e0%80%ae', '/%E0%9f%bf', '/%f0%80%80%ae', '/%F0%8f%bf%bf', '/%f8%80%80%80%ae', '/%fc%80%80%80%80%ae',
    '/a#b', '/a#', '#', '/a#/../b', '/a#?b',
    -- and these can mean one path only
    '/a;b', '/a;..', '/a/;..', '/;', '/...;/a', '/..a;/b', '/a..;/b', '/a%23b', '/a%3Fb', '/a?#', '/a?\', '/a?..;/b',
    '/%c3%a9', '/%e0%a0%80', '/%f0%90%80%80', '/%c2%80', '/%e9', '/caf%E9'
]) AS path;

-- a pattern that could never match is refused
SELECT pattern, devapp_internal.pattern_problem(pattern) IS NOT NULL AS refused FROM unnest(ARRAY[
    '/a?b', '/a?', '/?', '=/?', '/a#b', '=/a#', '/..', '/a/../b', '/a/.', '/./a', '/%2e%2e/a', '/.%2E', '/..;', '/..;*', '=/..', '=/a/./b',
    '/a\b', '/a%5cb', '/a%2fb', '/*%2F', '/a%00b', '/a%1f', '/%7f', '/%c0%ae', '/%e0%80%ae', '=', '=a', '==/', '=/*/..',
    -- a wildcard may stand for what makes it another path
    '/..*', '/*..', '/**..', '/..**', '/.{a}', '/{a?}', '/{..}', '/{a#b}', '/{a\}', '/{.}/a',
    -- and these match
    '/...', '/..a', '/a..;b', '/a%3fb', '/a%23b', '/a;b', '=/', '=/{', '/{p+}', '/100%', '/%'
]) AS pattern;
SELECT '/a?b'::devapp.resource_pattern;
SELECT FROM devapp.create_product('never');
SELECT FROM devapp.add_operation('never', '/a/../b');
SELECT FROM devapp.add_operation('never', '/search#top');

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
SELECT encode(devapp.resource_pattern_send('/a/*'), 'escape'), encode(devapp.resource_pattern_send('=/'), 'escape');

-- it comes back as it was written
SELECT p, p::devapp.resource_pattern::text::devapp.resource_pattern::text = p AS same
  FROM unnest(ARRAY['=/', '=/*', '/{p+}', '/a%2cb', '/%C3%a9', '/a b']) AS p;

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
SELECT devapp.pattern_matches((repeat('/{a+}/a', 100))::devapp.resource_pattern, repeat('/a', 4000) || 'b'),
       devapp.pattern_matches(('/' || repeat('**a', 100))::devapp.resource_pattern, '/' || repeat('%61', 2700) || 'b'),
       devapp.pattern_matches(('/' || repeat('**a', 100))::devapp.resource_pattern, '/' || repeat('a', 8000) || 'b'),
       devapp.pattern_matches(('/' || repeat('*a', 200))::devapp.resource_pattern, '/' || repeat('a', 8000) || 'b');
