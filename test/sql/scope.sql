-- Calls that need scopes.
\set SHOW_CONTEXT never

SELECT FROM devapp.create_developer('scope@example.com');
SELECT FROM devapp.create_product('scope-files', scopes => '{read,write,AND,a(b)}');
SELECT FROM devapp.add_operation('scope-files', '/files/**');
SELECT FROM devapp.create_product('scope-all', scopes => '{read,admin}');
SELECT FROM devapp.create_product('scope-none');
SELECT FROM devapp.create_product('scope-manual', scopes => '{root}', approval => 'manual');
SELECT app_id AS app, credential_id AS credential, secret AS key
  FROM devapp.create_app('scope', developer => 'scope@example.com', products => '{scope-files}') \gset
CREATE FUNCTION pg_temp.verdict(key text, scope text, resource text DEFAULT '/files/1') RETURNS text LANGUAGE sql AS
$$ SELECT concat_ws(' | ', v.code, v.http_status, v.fault, v.product, v.scopes) FROM devapp.verify_key(key, resource, scope => scope) AS v $$;

-- one, and expressions: AND binds more tightly than OR
SELECT e AS expression, pg_temp.verdict(:'key', e)
  FROM unnest(ARRAY[NULL, 'read', 'admin', ' read ', 'read AND write', 'read AND admin', 'admin OR read', 'admin OR read AND write',
                    '(admin OR read) AND root', 'admin AND (read OR write)', 'admin AND read OR write', '((read))',
                    'Read', '"read"', '"AND"', '"AND" AND "a(b)"', 'ANDROID OR read']) WITH ORDINALITY AS x(e, n) ORDER BY n;

-- what is malformed is the gateway's mistake, and is not shown
SELECT devapp.verify_key(:'key', scope => '');
SELECT devapp.verify_key(:'key', scope => 'read write');
SELECT devapp.verify_key(:'key', scope => 'read and write');
SELECT devapp.verify_key(:'key', scope => 'read AND');
SELECT devapp.verify_key(:'key', scope => 'OR read');
SELECT devapp.verify_key(:'key', scope => 'read AND (write');
SELECT devapp.verify_key(:'key', scope => 'read) AND write');
SELECT devapp.verify_key(:'key', scope => '()');
SELECT devapp.verify_key(:'key', scope => '"read');
SELECT devapp.verify_key(:'key', scope => '""');
SELECT devapp.verify_key(:'key', scope => 'read AND wr\ite');
SELECT devapp.verify_key(:'key', scope => 'read AND ' || chr(228));
SELECT devapp.verify_key(:'key', scope => repeat('r', 1025));
SELECT devapp.verify_key(:'key', scope => repeat('r AND ', 64) || 'r');
SELECT devapp.verify_key(:'key', scope => repeat('(', 33) || 'r' || repeat(')', 33));
SELECT devapp.verify_key('nonsense', scope => '(');
-- the longest, the most, and the deepest
SELECT pg_temp.verdict(:'key', repeat('r', 1024));
SELECT pg_temp.verdict(:'key', repeat('read AND ', 63) || 'write');
SELECT pg_temp.verdict(:'key', repeat('(', 32) || 'read' || repeat(')', 32));
-- more expressions than are remembered
SELECT v.code, count(*) FROM generate_series(1, 300) AS n, devapp.verify_key(:'key', '/files/1', scope => format('read AND write OR s%s', n)) AS v GROUP BY v.code;
SELECT v.code, count(*) FROM generate_series(1, 300) AS n, devapp.verify_key(:'key', '/files/1', scope => format('read AND s%s', n)) AS v GROUP BY v.code;

-- a path that is not covered comes first, and what has no scope suffices for none
SELECT pg_temp.verdict(:'key', 'admin', '/other');
SELECT FROM devapp.add_credential_product(:'credential', 'scope-none');
SELECT pg_temp.verdict(:'key', 'read', '/other');
-- a product with the scope answers before one without, whatever the order
SELECT FROM devapp.add_credential_product(:'credential', 'scope-all');
SELECT pg_temp.verdict(:'key', 'write');
SELECT pg_temp.verdict(:'key', 'admin');
SELECT pg_temp.verdict(:'key', 'write AND admin');
-- one that waits for approval, and would have it, is the reason
SELECT FROM devapp.add_credential_product(:'credential', 'scope-manual');
SELECT pg_temp.verdict(:'key', 'root');
SELECT pg_temp.verdict(:'key', 'unknown');

-- what the credential asks for, or else the app, is what it has
SELECT secret AS narrow FROM devapp.issue_credential(:'app', products => '{scope-files}', scopes => '{read}') \gset
SELECT pg_temp.verdict(:'narrow', 'read'), pg_temp.verdict(:'narrow', 'write');
SELECT FROM devapp.update_app(:'app', scopes => '{write}');
SELECT pg_temp.verdict(:'narrow', 'read'), pg_temp.verdict(:'key', 'write'), pg_temp.verdict(:'key', 'read');
SELECT FROM devapp.update_app(:'app', scopes => '{}');

-- the others of the family
SELECT code FROM devapp.verify_digest(sha256(:'key'::bytea), '/files/1', scope => 'admin AND root');
SELECT devapp.allows(:'key', '/files/1', scope => 'read'), devapp.allows(:'key', '/files/1', scope => 'root');
SELECT code FROM devapp.consume_quota(:'key', '/files/1', scope => 'root AND read');
SELECT consumer_key AS id, secret AS client FROM devapp.issue_credential(:'app', 'oauth_client', '{scope-files}') \gset
SELECT code FROM devapp.verify_client(:'id', :'client', '/files/1', scope => 'admin');
SELECT product, passed, code, detail FROM devapp.explain_access(:'app', '/files/1', scope => 'admin') WHERE rule IN ('scope', 'verdict') ORDER BY step;
SELECT code, product FROM devapp.access_at(:'app', '/files/1', scope => 'admin') ORDER BY credential_id;
SELECT code FROM devapp.access_at(:'app', '/files/1', scope => 'write') ORDER BY credential_id;
SELECT devapp.explain_access(:'app', scope => 'a b');
SELECT devapp.access_at(:'app', scope => 'a b');
