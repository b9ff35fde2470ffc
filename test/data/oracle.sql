-- An oracle: says what verify_key() must answer, from the tables, in plain SQL.
-- It is slow, and shares nothing with the C that decides: patterns become regular
-- expressions, states are read as words, nothing is remembered.
--
-- BLAKE2b can't be computed in SQL, so a table says which secret a key is.  The
-- version would not do for that: after a rollback another key gets the same one.
--
-- Beside the oracle: random changes of a developer program (oracle.change), random
-- questions about it (oracle.compare), and a program to begin with (oracle.populate).

CREATE SCHEMA oracle;

CREATE TABLE oracle.secret (
    key text PRIMARY KEY,
    secret_id uuid,                             -- may be one that a rollback took back
    well_formed boolean NOT NULL DEFAULT true
);

-- ---------- the rules ----------

-- A resource pattern as a regular expression.
CREATE FUNCTION oracle.regex(pattern text) RETURNS text
    LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN pattern = '/' THEN '^.*$'
           ELSE '^' || replace(replace(replace(
                    regexp_replace(                                         -- what is neither a
                        regexp_replace(pattern, '(?<=/)\{[^/{}]+\}(?=/|$)', '*', 'g'),  -- {name}
                        '([^[:alnum:]/*])', '\\\1', 'g'),                   -- letter nor * is quoted
                    '**', chr(1)), '*', '[^/]+'), chr(1), '.*') || '$'
           END
$$;

-- Could this path mean another one further on?
CREATE FUNCTION oracle.is_unsafe(path text) RETURNS boolean
    LANGUAGE sql IMMUTABLE AS $$
    SELECT octet_length(path) > 8192
        OR path ~ '(^|/)(\.|%2[eE]){1,2}(/|$)'      -- a segment . or ..
        OR path ~ '%(2[fF]|[01][0-9a-fA-F]|7[fF])'  -- an encoded slash or control character
        OR path ~ '[\x01-\x1f\x7f]'                 -- a control character
$$;

-- Does an expression of scopes hold?  Each name in it becomes true or false, and the rest
-- is SQL.
CREATE FUNCTION oracle.holds(expression text, scopes text[]) RETURNS boolean
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    name text;
    result boolean;
BEGIN
    FOREACH name IN ARRAY '{read,write,admin}'::text[] LOOP
        expression := replace(expression, name, (name = ANY (scopes))::text);
    END LOOP;
    EXECUTE 'SELECT ' || expression INTO result;
    RETURN result;
END
$$;

-- Is an address in one of the networks, if there are any?
CREATE FUNCTION oracle.is_in(client inet, networks cidr[]) RETURNS boolean
    LANGUAGE sql IMMUTABLE AS $$
    SELECT networks = '{}'
        OR coalesce((SELECT bool_or(regexp_replace(host(client), '^::ffff:', '')::inet <<= n) FROM unnest(networks) AS n), false)
$$;

-- "CODE product" at a moment; the product is empty where none answers.  One query;
-- PL/pgSQL is there to keep its plan.
CREATE FUNCTION oracle.verdict(
    key text,
    resource text,
    method text,
    environment text,
    proxy text,
    scope text,
    client inet,
    at timestamptz DEFAULT clock_timestamp()
) RETURNS text
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
    WITH presented AS (
        SELECT k.well_formed, s.ended_at, s.valid_until, c.credential_id, c.environment AS only_environment,
               c.status AS credential_status, c.expires_at, a.status AS app_status,
               coalesce(d.status, t.status) AS owner_status,
               CASE c.scopes WHEN '{}' THEN a.scopes ELSE c.scopes END AS wanted_scopes,
               oracle.is_in(verdict.client, a.allowed_cidrs) AND oracle.is_in(verdict.client, c.allowed_cidrs) AS address
          FROM oracle.secret k
          LEFT JOIN devapp.credential_secret s ON s.secret_id = k.secret_id AND s.purpose = 'api_key'
          LEFT JOIN devapp.credential c ON c.credential_id = s.credential_id
          LEFT JOIN devapp.app a ON a.app_id = c.app_id
          LEFT JOIN devapp.developer d ON d.developer_id = a.developer_id
          LEFT JOIN devapp.team t ON t.team_id = a.team_id
         WHERE k.key = verdict.key
    ),
    asked AS MATERIALIZED (
        SELECT x.path, oracle.is_unsafe(x.path) AS unsafe FROM (SELECT substring(verdict.resource FROM '^[^?#]*') OFFSET 0) AS x(path)
    ),
    -- the associations that count, and how far the product of each covers the request
    association AS MATERIALIZED (
        SELECT cp.ordinal, cp.status, p.name,
               CASE
               WHEN asked.unsafe THEN 'nothing'
               WHEN o.operations > 0 AND o.on_path = 0 THEN 'nothing'
               WHEN CASE WHEN o.operations > 0 THEN o.covering = 0 ELSE NOT has.proxy END THEN
                   CASE WHEN o.operations = 0 OR o.with_method > 0 AND o.with_proxy = 0 THEN 'all but proxy'
                        ELSE 'all but method' END
               WHEN NOT has.environment THEN 'all but environment'
               WHEN NOT has.scope THEN 'all but scope'
               ELSE 'all'
               END AS covers
          FROM presented
          JOIN devapp.credential_product cp ON cp.credential_id = presented.credential_id AND cp.removed_at IS NULL
          JOIN devapp.product p ON p.product_id = cp.product_id
          CROSS JOIN asked
          CROSS JOIN LATERAL (
            SELECT verdict.proxy IS NULL OR p.proxies = '{}' OR verdict.proxy = ANY (p.proxies) AS proxy,
                   verdict.environment IS NULL
                   OR (p.environments = '{}' OR verdict.environment = ANY (p.environments))
                   AND verdict.environment = coalesce(presented.only_environment, verdict.environment) AS environment,
                   verdict.scope IS NULL
                   OR oracle.holds(verdict.scope, ARRAY(SELECT s FROM unnest(p.scopes) AS s
                                                         WHERE presented.wanted_scopes = '{}' OR s = ANY (presented.wanted_scopes))) AS scope
          ) AS has
          CROSS JOIN LATERAL (
            SELECT count(*) AS operations,
                   count(*) FILTER (WHERE x.path) AS on_path,
                   count(*) FILTER (WHERE x.path AND x.method) AS with_method,
                   count(*) FILTER (WHERE x.path AND x.proxy) AS with_proxy,
                   count(*) FILTER (WHERE x.path AND x.method AND x.proxy) AS covering
              FROM (SELECT asked.path IS NULL OR asked.path ~ oracle.regex(op.resource) AS path,
                           verdict.method IS NULL OR op.methods = '{}' OR upper(verdict.method) = ANY (op.methods) AS method,
                           has.proxy AND (verdict.proxy IS NULL OR op.proxy IS NULL OR verdict.proxy = op.proxy) AS proxy
                      FROM devapp.product_operation op
                     WHERE op.product_id = p.product_id
                    OFFSET 0) AS x
          ) AS o
    ),
    -- what each association says, and who is listened to first
    answer AS (
        SELECT r.rank, r.code, association.ordinal, association.name
          FROM association,
               (VALUES (1, 'approved', 'all', 'VALID'),
                       (2, 'pending', 'all', 'PRODUCT_PENDING'),
                       (3, 'revoked', 'all', 'PRODUCT_REVOKED'),
                       (4, 'approved', 'all but scope', 'SCOPE_INSUFFICIENT'),
                       (5, 'approved', 'all but environment', 'ENVIRONMENT_FORBIDDEN'),
                       (6, 'approved', 'all but method', 'METHOD_FORBIDDEN'),
                       (6, 'approved', 'all but proxy', 'PROXY_FORBIDDEN'),
                       (7, 'approved', 'nothing', 'RESOURCE_FORBIDDEN'),
                       (8, 'pending', NULL, 'PRODUCT_PENDING'),
                       (9, 'revoked', NULL, 'PRODUCT_REVOKED')) AS r(rank, status, covers, code)
         WHERE r.status = association.status AND coalesce(r.covers, association.covers) = association.covers
         ORDER BY r.rank, association.ordinal
         LIMIT 1
    )
    SELECT CASE
           WHEN verdict.key IS NULL THEN 'MALFORMED '
           WHEN NOT EXISTS (SELECT FROM presented) THEN 'the oracle does not know this key'
           ELSE (SELECT CASE
                        WHEN NOT well_formed THEN 'MALFORMED '
                        WHEN credential_id IS NULL THEN 'NOT_FOUND '
                        WHEN at >= expires_at THEN 'EXPIRED '
                        WHEN ended_at IS NOT NULL OR at >= valid_until THEN 'SUPERSEDED '
                        WHEN credential_status <> 'approved' THEN 'CREDENTIAL_REVOKED '
                        WHEN app_status <> 'approved' THEN 'APP_' || upper(app_status) || ' '
                        WHEN owner_status <> 'active' THEN 'OWNER_INACTIVE '
                        ELSE coalesce((SELECT CASE WHEN code = 'VALID' AND NOT address THEN 'ADDRESS_FORBIDDEN' ELSE code END || ' ' || name
                                         FROM answer), 'NO_PRODUCT ')
                        END
                   FROM presented)
           END);
END
$$;

-- ---------- questions ----------

-- What a request can ask for.
CREATE TABLE oracle.word (kind text, value text);
INSERT INTO oracle.word
SELECT kind, unnest("values") FROM (VALUES
    ('pattern', ARRAY['/', '/**', '/v1/**', '/v1/*', '/v1/orders', '/v1/orders/', '/v1/orders/{id}',
                      '/v1/orders/*/items', '/**/items', '/v1/x*', '/v1/a.b', '/v1/a+b(c)|[d]', '/v1/{a}{b}',
                      '/v1/{id}/items', '/v2/*-*', '/v1/orders/***']),
    ('resource', ARRAY['/v1/orders', '/v1/orders/', '/v1/orders/7', '/v1/orders/7/items', '/v1/orders/7/items?x=/../',
                       '/v1/', '/v1', '/v1/x', '/v1/xyz', '/v1/a.b', '/v1/aXb', '/v1/a+b(c)|[d]', '/v1/aab(c)',
                       '/v1/{a}{b}', '/v1/a/b', '/v2/x-y', '/v2/-', '/v2/items', '/items', '/V1/orders', 'v1/orders', '',
                       '/v1/orders/../x', '/v1/%2E%2e/x', '/v1/orders/a%2Fb', '/v1/%252F', '/v1/...', '/v1/caf' || chr(233),
                       '/v1/x' || chr(10), '?', '/', '/v1/orders/.', NULL, NULL, NULL]),
    ('method', ARRAY['GET', 'GET', 'get', 'POST', 'Put', 'DELETE', 'PURGE', 'purge', '', NULL]),
    ('environment', ARRAY['prod', 'prod', 'prod', 'test', 'dev', 'PROD', '', NULL, NULL, NULL]),
    ('proxy', ARRAY['a', 'a', 'b', 'c', 'A', '', NULL, NULL, NULL, NULL]),
    ('scope', ARRAY['read', 'write', 'read AND write', 'admin OR read', '(admin OR write) AND read', 'admin AND read OR write', NULL, NULL, NULL]),
    ('client', ARRAY['10.1.2.3', '10.1.2.3', '::ffff:10.9.9.9', '192.0.2.1', '2001:db8::1', NULL])) AS x(kind, "values");

CREATE FUNCTION oracle.words(kind text) RETURNS text[]
    LANGUAGE sql STABLE AS $$
    SELECT array_agg(value) FROM oracle.word WHERE word.kind = words.kind
$$;

CREATE FUNCTION oracle.one_of(list anyarray) RETURNS anyelement
    LANGUAGE sql VOLATILE AS $$
    SELECT list[1 + floor(random() * cardinality(list))::integer]
$$;

-- Some of a list, often none, in its order.
CREATE FUNCTION oracle.some_of(list text[]) RETURNS text[]
    LANGUAGE sql VOLATILE AS $$
    WITH dice AS MATERIALIZED (SELECT random() AS toss)
    SELECT coalesce(array_agg(x ORDER BY x), '{}') FROM unnest(list) AS x, dice WHERE toss > 0.3 AND random() < 0.5
$$;

-- Half of a list, in random order.
CREATE FUNCTION oracle.half_of(list text[]) RETURNS text[]
    LANGUAGE sql VOLATILE AS $$
    SELECT array_agg(x) FROM (SELECT x FROM unnest(list) AS x ORDER BY random() LIMIT 4) AS y
$$;

CREATE TYPE oracle.question AS (key text, resource text, method text, environment text, proxy text, scope text, client inet);

-- Random requests with random keys, three of four with one that is of use.
CREATE FUNCTION oracle.questions(n integer) RETURNS oracle.question[]
    LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    every text[];
    current text[];
    resources text[] := oracle.words('resource');
    methods text[] := oracle.words('method');
    environments text[] := oracle.words('environment');
    proxies text[] := oracle.words('proxy');
    scopes text[] := oracle.words('scope');
    clients text[] := oracle.words('client');
    asked oracle.question[];
BEGIN
    SELECT array_agg(k.key ORDER BY k.key),
           array_agg(k.key ORDER BY k.key) FILTER (WHERE a.status <> 'deleted' AND (s.superseded_at IS NULL
                                                                   OR s.valid_until > clock_timestamp() - interval '1 s'))
      INTO every, current
      FROM oracle.secret k
      LEFT JOIN devapp.credential_secret s ON s.secret_id = k.secret_id
      LEFT JOIN devapp.credential c ON c.credential_id = s.credential_id
      LEFT JOIN devapp.app a ON a.app_id = c.app_id;
    SELECT array_agg(ROW(CASE WHEN random() < 0.75 THEN oracle.one_of(current)
                              WHEN random() < 0.01 THEN NULL
                              ELSE oracle.one_of(every) END,
                         oracle.one_of(resources), oracle.one_of(methods),
                         oracle.one_of(environments), oracle.one_of(proxies),
                         oracle.one_of(scopes), oracle.one_of(clients)::inet)::oracle.question)
      INTO asked
      FROM generate_series(1, n);
    RETURN asked;
END
$$;

-- What the extension says, in the oracle's words.
CREATE FUNCTION oracle.said(asked oracle.question[]) RETURNS text[]
    LANGUAGE sql VOLATILE AS $$
    SELECT array_agg(v.code || ' ' || coalesce(v.product, '') ORDER BY n)
      FROM unnest(asked) WITH ORDINALITY AS q(key, resource, method, environment, proxy, scope, client, n)
      CROSS JOIN LATERAL devapp.verify_key(q.key, q.resource, q.method, q.environment, q.proxy, 1, q.scope, q.client) AS v
$$;

-- The answers to n random questions, and are they the oracle's?  Returns
-- "compared wrong edges {code: how many}".
--
-- The extension reads the clock at each call, the oracle once before all of them:
-- a secret or a credential may end in between.  So where they differ the oracle
-- is asked again, for the moment after the last call.  It is counted as an edge
-- if the extension then agrees, and as wrong if it agrees with neither.  The
-- moments are some milliseconds apart.
CREATE FUNCTION oracle.compare(asked oracle.question[]) RETURNS text
    LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    before timestamptz := clock_timestamp();
    said text[] := oracle.said(asked);
    after timestamptz := clock_timestamp();
    x record;
    late text;
    wrong integer := 0;
    edges integer := 0;
    codes jsonb;
BEGIN
    FOR x IN
        SELECT * FROM (
            SELECT q.*, said[q.n] AS said,
                   oracle.verdict(q.key, q.resource, q.method, q.environment, q.proxy, q.scope, q.client, before) AS expected
              FROM unnest(asked) WITH ORDINALITY AS q(key, resource, method, environment, proxy, scope, client, n)
            OFFSET 0) AS y
         WHERE y.said IS DISTINCT FROM y.expected
    LOOP
        late := oracle.verdict(x.key, x.resource, x.method, x.environment, x.proxy, x.scope, x.client, after);
        IF x.said = late THEN
            edges := edges + 1;
        ELSE
            wrong := wrong + 1;
            RAISE WARNING 'wrong: verify_key(%, %, %, %, %, %, %) says "%", the oracle "%"', quote_nullable(x.key),
                quote_nullable(x.resource), quote_nullable(x.method), quote_nullable(x.environment),
                quote_nullable(x.proxy), quote_nullable(x.scope), quote_nullable(x.client), x.said, x.expected;
        END IF;
    END LOOP;
    SELECT jsonb_object_agg(c.code, c.count) INTO codes
      FROM (SELECT split_part(s, ' ', 1) AS code, count(*) FROM unnest(said) AS s GROUP BY 1) AS c;
    RETURN format('%s %s %s %s', cardinality(asked), wrong, edges, codes);
END
$$;

CREATE FUNCTION oracle.compare(n integer) RETURNS text
    LANGUAGE sql VOLATILE AS $$
    SELECT oracle.compare(oracle.questions(n))
$$;

-- Ask for a while, without a look at the answers: it fills the cache with what the
-- tables say at moments when anything may be under way.
CREATE PROCEDURE oracle.ask(duration interval)
    LANGUAGE plpgsql AS $$
DECLARE
    until timestamptz := clock_timestamp() + duration;
BEGIN
    WHILE clock_timestamp() < until LOOP
        PERFORM oracle.said(oracle.questions(50));
        COMMIT;
    END LOOP;
END
$$;

-- Ask, then keep the writers out and compare, again and again.
--
-- A writer holds the lock, shared, until after its commit and its messages; who
-- has it alone sees a world in which no change is half made known.
CREATE PROCEDURE oracle.compare_with_writers_out(duration interval, n integer)
    LANGUAGE plpgsql AS $$
DECLARE
    until timestamptz := clock_timestamp() + duration;
    asked oracle.question[];
    result text;
BEGIN
    WHILE clock_timestamp() < until LOOP
        asked := oracle.questions(n);
        COMMIT;
        FOR i IN 1 .. 3 LOOP
            PERFORM oracle.said(asked);
            COMMIT;
        END LOOP;
        PERFORM pg_advisory_lock(1);
        result := oracle.compare(asked);
        PERFORM pg_advisory_unlock(1);
        COMMIT;
        RAISE INFO 'compared: %', result;
        PERFORM pg_sleep(0.02);     -- let the writers have their turn
    END LOOP;
END
$$;

-- ---------- changes ----------

-- Statements with a weight, for format():
--  1 credential   2 its app   3 product   4 developer   5 team   6 pattern
--  7 methods   8 proxy or null   9 environments   10 proxies   11 some seconds
--  12 environment or null   13 some products   14 a new name   15 another product
--  16 networks   17 some scopes
CREATE TABLE oracle.menu (weight double precision, statement text);
INSERT INTO oracle.menu VALUES
    (4, 'SELECT devapp.revoke_credential(%1$L)'),
    (8, 'SELECT devapp.approve_credential(%1$L)'),
    (0.1, 'SELECT devapp.revoke_credential(%1$L, compromised => true)'),
    (1, 'UPDATE devapp.credential SET status = ''revoked'' WHERE app_id = %2$L AND status = ''approved'''),
    (4, 'UPDATE devapp.credential SET status = ''approved'' WHERE app_id = %2$L AND status = ''revoked'''),
    (3, 'UPDATE devapp.credential SET status = ''approved'' WHERE status = ''revoked'' AND random() < 0.3'),

    (2, 'SELECT devapp.suspend_app(%2$L)'),
    (5, 'SELECT devapp.resume_app(%2$L)'),
    (2, 'SELECT devapp.revoke_app(%2$L)'),
    (6, 'SELECT devapp.approve_app(%2$L)'),
    (2, 'SELECT devapp.reject_app(%2$L)'),
    (2, 'UPDATE devapp.app SET status = ''rejected'' WHERE status = ''pending'' AND random() < 0.3'),
    (2, 'SELECT devapp.resubmit_app(%2$L)'),
    (0.3, 'SELECT devapp.delete_app(%2$L)'),
    (1, 'UPDATE devapp.app SET status = ''suspended'' WHERE app_id = %2$L'),
    (2, 'UPDATE devapp.app SET status = ''approved'' WHERE status IN (''pending'', ''suspended'', ''revoked'') AND random() < 0.2'),
    (1, 'UPDATE devapp.app SET developer_id = (SELECT developer_id FROM devapp.developer WHERE email = %4$L), team_id = NULL WHERE app_id = %2$L'),
    (1, 'UPDATE devapp.app SET developer_id = NULL, team_id = (SELECT team_id FROM devapp.team WHERE name = %5$L) WHERE app_id = %2$L'),

    (1, 'SELECT devapp.set_developer_status(%4$L, ''deactivate'')'),
    (5, 'SELECT devapp.set_developer_status(%4$L, ''activate'')'),
    (1, 'SELECT devapp.set_team_status(%5$L, ''deactivate'')'),
    (3, 'SELECT devapp.set_team_status(%5$L, ''activate'')'),
    (1, 'UPDATE devapp.developer SET status = ''active'' WHERE status = ''inactive'''),

    (6, 'SELECT devapp.add_credential_product(%1$L, %3$L)'),
    (4, 'SELECT devapp.remove_credential_product(%1$L, %3$L)'),
    (0.3, 'UPDATE devapp.credential_product SET removed_at = now() WHERE credential_id = %1$L AND removed_at IS NULL'),
    (5, 'SELECT devapp.set_credential_product_status(%1$L, %3$L, ''approve'')'),
    (4, 'SELECT devapp.set_credential_product_status(%1$L, %3$L, ''revoke'')'),
    (1, 'UPDATE devapp.credential_product SET status = ''approved'' WHERE credential_id = %1$L AND status <> ''approved'''),

    (6, 'SELECT devapp.add_operation(%3$L, %6$L, %7$L, %8$L)'),
    (5, 'SELECT devapp.remove_operation(%3$L, %6$L)'),
    (2, 'UPDATE devapp.product_operation SET methods = %7$L, proxy = %8$L WHERE random() < 0.1'),
    (1, 'UPDATE devapp.product_operation SET resource = %6$L WHERE random() < 0.05'),
    (1, 'DELETE FROM devapp.product_operation WHERE random() < 0.1'),
    (0.3, 'TRUNCATE devapp.product_operation'),
    (1, 'SELECT devapp.add_operation(name, %6$L, %7$L, %8$L) FROM devapp.product WHERE random() < 0.7'),
    (1, 'INSERT INTO devapp.product_operation (product_id, resource, methods)
         SELECT p.product_id, x, %7$L FROM devapp.product p, unnest(ARRAY[%6$L, ''/v1/orders'']) AS x WHERE p.name = %3$L'),

    (3, 'SELECT devapp.update_product(%3$L, environments => %9$L)'),
    (3, 'SELECT devapp.update_product(%3$L, proxies => %10$L)'),
    (2, 'UPDATE devapp.product SET environments = %9$L, proxies = %10$L WHERE name IN (%3$L, %15$L)'),
    (1, 'UPDATE devapp.product SET environments = ''{}'', proxies = ''{}'' WHERE random() < 0.5'),
    (1, 'SELECT devapp.update_product(%3$L, approval => CASE WHEN random() < 0.5 THEN ''auto'' ELSE ''manual'' END)'),

    (2, 'SELECT devapp.update_product(%3$L, scopes => %17$L)'),
    (1, 'UPDATE devapp.app SET scopes = %17$L WHERE app_id = %2$L'),
    (1, 'UPDATE devapp.credential SET scopes = %17$L WHERE credential_id = %1$L'),
    (3, 'UPDATE devapp.app SET allowed_cidrs = %16$L WHERE app_id = %2$L'),
    (3, 'UPDATE devapp.credential SET allowed_cidrs = %16$L WHERE credential_id = %1$L'),

    (2, 'SELECT secret, credential_id, secret_version FROM devapp.rotate_credential(%1$L)'),
    (3, 'SELECT secret, credential_id, secret_version FROM devapp.rotate_credential(%1$L, make_interval(secs => %11$L))'),
    (3, 'SELECT devapp.complete_rotation(%1$L)'),
    (3, 'SELECT devapp.cancel_rotation(%1$L)'),
    (1, 'UPDATE devapp.credential_secret SET valid_until = clock_timestamp() + make_interval(secs => %11$L)
          WHERE credential_id = %1$L AND superseded_at IS NOT NULL'),

    (0.7, 'SELECT secret, credential_id, secret_version FROM devapp.issue_credential(%2$L, environment => %12$L, products => %13$L)'),
    (0.7, 'SELECT secret, credential_id, secret_version FROM devapp.issue_credential(%2$L, expires_in => make_interval(secs => %11$L))'),
    (0.3, 'SELECT secret, credential_id, secret_version FROM devapp.create_app(%14$L, %4$L, products => %13$L)');

-- A statement of the menu about something at random; of the credentials mostly one that can live.
CREATE FUNCTION oracle.pick_change() RETURNS text
    LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    statement text;
    credential devapp.credential;
    products text[] := ARRAY(SELECT name FROM devapp.product ORDER BY name);
BEGIN
    SELECT m.statement INTO statement FROM oracle.menu m ORDER BY -ln(1 - random()) / m.weight LIMIT 1;
    SELECT c.* INTO credential FROM devapp.credential c JOIN devapp.app a USING (app_id)
     WHERE a.status <> 'deleted' OR random() < 0.1
     ORDER BY random() LIMIT 1;
    RETURN format(statement, VARIADIC ARRAY[
        credential.credential_id::text,
        credential.app_id::text,
        oracle.one_of(products),
        oracle.one_of(ARRAY(SELECT email FROM devapp.developer ORDER BY email)),
        oracle.one_of(ARRAY(SELECT name FROM devapp.team ORDER BY name)),
        oracle.one_of(oracle.words('pattern')),
        oracle.some_of('{DELETE,GET,POST,PURGE,PUT}')::text,
        oracle.one_of('{a,b,NULL,NULL,NULL}'::text[]),
        oracle.some_of('{dev,prod,test}')::text,
        oracle.some_of('{a,b,c}')::text,
        round((random() * 4 + 0.05)::numeric, 3)::text,
        oracle.one_of('{dev,prod,test,NULL,NULL}'::text[]),
        oracle.half_of(products)::text,
        'app ' || gen_random_uuid(),
        oracle.one_of(products),
        CASE (random() * 6)::integer WHEN 0 THEN '{10.0.0.0/8}' WHEN 1 THEN '{10.1.0.0/16,2001:db8::/32}' WHEN 2 THEN '{192.0.2.0/24}' ELSE '{}' END,
        oracle.some_of('{admin,read,write}')::text]);
END
$$;

-- Remember which secrets keys are: "key,secret_id ..."
CREATE FUNCTION oracle.remember(made text) RETURNS void
    LANGUAGE sql VOLATILE AS $$
    INSERT INTO oracle.secret (key, secret_id)
    SELECT split_part(x, ',', 1), split_part(x, ',', 2)::uuid
      FROM regexp_split_to_table(made, ' +') AS x WHERE x <> ''
        ON CONFLICT DO NOTHING
$$;

-- Do it.  What the state of things does not allow is not done, and undone.  Returns
-- the key that was made, for remember() in case a rollback makes the tables forget.
CREATE FUNCTION oracle.do_change(statement text) RETURNS text
    LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    made record;
    remembered text := '';
BEGIN
    IF statement LIKE 'SELECT secret%' THEN
        EXECUTE statement INTO made;
        SELECT made.secret || ',' || s.secret_id INTO STRICT remembered
          FROM devapp.credential_secret s
         WHERE s.credential_id = made.credential_id AND s.version = made.secret_version;
        PERFORM oracle.remember(remembered);
    ELSE
        EXECUTE statement;
    END IF;
    RAISE LOG 'change: %', statement;
    RETURN remembered;
EXCEPTION
    WHEN object_not_in_prerequisite_state OR object_in_use OR undefined_object OR unique_violation
         OR deadlock_detected THEN
        RAISE LOG 'change refused (%): %', SQLSTATE, statement;
        RETURN '';
    WHEN invalid_parameter_value THEN
        IF SQLERRM NOT LIKE 'no product has the environment %' THEN
            RAISE;
        END IF;
        RAISE LOG 'change refused (%): %', SQLSTATE, statement;
        RETURN '';
END
$$;

CREATE FUNCTION oracle.change() RETURNS text
    LANGUAGE sql VOLATILE AS $$
    SELECT oracle.do_change(oracle.pick_change())
$$;

-- ---------- a program to begin with ----------

-- 8 products with overlapping operations, 6 developers, 3 teams, 40 apps, of which
-- some wait for approval; some keys end soon, some are for one environment, a few
-- are client secrets; and some keys that never were, or are misspelt.
CREATE FUNCTION oracle.populate() RETURNS void
    LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    products text[] := ARRAY(SELECT 'product ' || n FROM generate_series(1, 8) AS n);
    owner text;
    statement text;
BEGIN
    PERFORM devapp.create_developer('dev' || n || '@example.com') FROM generate_series(1, 6) AS n;
    PERFORM devapp.create_team('team ' || n) FROM generate_series(1, 3) AS n;
    FOR i IN 1 .. cardinality(products) LOOP
        PERFORM devapp.create_product(products[i], approval => CASE WHEN i % 3 = 0 THEN 'manual' ELSE 'auto' END,
                                      scopes => '{read,write}', environments => oracle.some_of('{dev,prod,test}'),
                                      proxies => oracle.some_of('{a,b,c}'));
        FOR j IN 1 .. 5 LOOP
            PERFORM oracle.do_change(format('SELECT devapp.add_operation(%L, %L, %L, %L)', products[i],
                                            oracle.one_of(oracle.words('pattern')),
                                            oracle.some_of('{DELETE,GET,POST,PURGE,PUT}'),
                                            oracle.one_of('{a,b,NULL,NULL,NULL}'::text[])));
        END LOOP;
    END LOOP;
    FOR i IN 1 .. 40 LOOP
        PERFORM devapp.set_app_approval(CASE WHEN i % 5 = 0 THEN 'manual' ELSE 'auto' END);
        owner := CASE WHEN i % 3 = 0 THEN format('team => %L', 'team ' || i % 4 % 3 + 1)
                      ELSE format('developer => %L', 'dev' || i % 6 + 1 || '@example.com') END;
        statement := format('SELECT secret, credential_id, secret_version FROM devapp.create_app(%L, %s, products => %L, '
                            || 'environment => %L, kind => %L, expires_in => make_interval(secs => %L))',
                            'app ' || i, owner, oracle.half_of(products),
                            CASE WHEN i % 4 = 0 THEN oracle.one_of('{dev,prod,test}'::text[]) END,
                            CASE WHEN i % 20 = 7 THEN 'oauth_client' ELSE 'api_key' END,
                            CASE WHEN i % 8 = 0 THEN i / 4.0 END);
        PERFORM oracle.do_change(statement);
        IF i % 2 = 0 THEN
            PERFORM oracle.do_change(format('SELECT secret, credential_id, secret_version FROM devapp.issue_credential('
                                            || '(SELECT app_id FROM devapp.app WHERE name = %L), products => %L)',
                                            'app ' || i, oracle.half_of(products)));
        END IF;
    END LOOP;
    PERFORM devapp.set_app_approval('auto');

    -- a letter of the secret is another one
    INSERT INTO oracle.secret (key, well_formed)
    SELECT regexp_replace(key, '.{10}$', CASE substring(key FROM '(.).{9}$') WHEN 'x' THEN 'y' ELSE 'x' END || right(key, 9)), false
      FROM (SELECT key FROM oracle.secret ORDER BY key LIMIT 4) AS k;
    INSERT INTO oracle.secret (key, well_formed) VALUES ('', false), ('no key', false), (repeat('x', 5000), false);
    -- a key that never was
    BEGIN
        SELECT secret INTO owner FROM devapp.create_app('never', 'dev1@example.com');
        RAISE SQLSTATE 'P0099';
    EXCEPTION WHEN SQLSTATE 'P0099' THEN
        INSERT INTO oracle.secret (key, secret_id) VALUES (owner, gen_random_uuid());
    END;
END
$$;
