-- Calls from networks that an app or a credential names.
\set SHOW_CONTEXT never

SELECT FROM devapp.create_developer('address@example.com');
SELECT FROM devapp.create_product('address');
SELECT app_id AS app, credential_id AS credential, secret AS key
  FROM devapp.create_app('address', developer => 'address@example.com', products => '{address}', allowed_cidrs => '{192.0.2.0/24,2001:db8::/32}') \gset
CREATE FUNCTION pg_temp.verdict(key text, client inet) RETURNS text LANGUAGE sql AS
$$ SELECT concat_ws(' | ', v.code, v.http_status, v.fault, v.product, v.scopes) FROM devapp.verify_key(key, '/x', client => client) AS v $$;

-- an address, as IPv4, as IPv6, and as the IPv6 address that an IPv4 address is mapped to
SELECT c AS client, pg_temp.verdict(:'key', c)
  FROM unnest('{192.0.2.1,192.0.3.1,::ffff:192.0.2.1,::ffff:192.0.3.1,2001:db8::1,2001:db9::1,::192.0.2.1,NULL}'::inet[]) WITH ORDINALITY AS x(c, n) ORDER BY n;
-- a network is allowed if all of it is
SELECT c AS client, pg_temp.verdict(:'key', c) FROM unnest('{192.0.2.0/24,192.0.2.128/25,192.0.2.0/23,0.0.0.0/0}'::inet[]) WITH ORDINALITY AS x(c, n) ORDER BY n;
-- a credential without networks of its own has those of its app; with some, both count
SELECT secret AS other FROM devapp.issue_credential(:'app', allowed_cidrs => '{192.0.2.7/32,198.51.100.0/24}') \gset
SELECT c AS client, pg_temp.verdict(:'other', c) FROM unnest('{192.0.2.7,192.0.2.8,198.51.100.1}'::inet[]) WITH ORDINALITY AS x(c, n) ORDER BY n;
-- /0 is every address of IPv4, and ::/0 every address of both
SELECT FROM devapp.update_app(:'app', allowed_cidrs => '{0.0.0.0/0}');
SELECT pg_temp.verdict(:'key', '203.0.113.1'), pg_temp.verdict(:'key', '::ffff:203.0.113.1'), pg_temp.verdict(:'key', '2001:db8::1'), pg_temp.verdict(:'key', NULL);
SELECT FROM devapp.update_app(:'app', allowed_cidrs => '{::/0}');
SELECT pg_temp.verdict(:'key', '203.0.113.1'), pg_temp.verdict(:'key', '2001:db8::1'), pg_temp.verdict(:'key', NULL);
-- a mapped network is the network of IPv4
SELECT FROM devapp.update_app(:'app', allowed_cidrs => '{::ffff:192.0.2.0/120}');
SELECT pg_temp.verdict(:'key', '192.0.2.9'), pg_temp.verdict(:'key', '192.0.3.9');
-- what is left out stays; {} lets everybody in, from the next call on
SELECT allowed_cidrs FROM devapp.update_app(:'app', description => 'x');
SELECT allowed_cidrs FROM devapp.update_app(:'app', allowed_cidrs => '{}');
SELECT pg_temp.verdict(:'key', '192.0.3.9'), pg_temp.verdict(:'key', NULL);
-- an administrator limits a credential that is out
UPDATE devapp.credential SET allowed_cidrs = '{10.0.0.0/8}' WHERE credential_id = :'credential';
SELECT pg_temp.verdict(:'key', '192.0.3.9'), pg_temp.verdict(:'key', '10.1.2.3');

-- the address is asked last, before quota and rate
SELECT code FROM devapp.verify_key(:'key', '/../x', client => '192.0.3.9');
SELECT code FROM devapp.verify_key(:'key', '/x', scope => 'none', client => '192.0.3.9');

-- the others of the family
SELECT code FROM devapp.verify_digest(sha256(:'key'::bytea), '/x', client => '192.0.3.9');
SELECT devapp.allows(:'key', '/x', client => '10.1.2.3'), devapp.allows(:'key', '/x', client => '11.1.2.3'), devapp.allows(:'key', '/x');
SELECT code FROM devapp.consume_quota(:'key', '/x', client => '192.0.3.9');
SELECT code, product FROM devapp.access_at(:'app', '/x', client => '10.1.2.3') ORDER BY credential_id;
SELECT code FROM devapp.access_at(:'app', '/x', client => '192.0.2.7') ORDER BY credential_id;
SELECT passed, code, detail FROM devapp.explain_access(:'app', '/x', client => '10.1.2.3') WHERE rule IN ('address', 'verdict') ORDER BY step;
SELECT passed, code, detail FROM devapp.explain_access(:'app', '/x') WHERE rule IN ('address', 'verdict') ORDER BY step;
SELECT passed, code, detail FROM devapp.explain_access(:'app', '/x', client => '192.0.2.7') WHERE rule IN ('address', 'verdict') ORDER BY step;

-- no more than 256, each of them something, in one dimension
SELECT FROM devapp.update_app(:'app', allowed_cidrs => ARRAY(SELECT format('10.0.%s.0/24', n)::cidr FROM generate_series(0, 255) AS n));
SELECT pg_temp.verdict(:'other', '192.0.2.7');
SELECT FROM devapp.update_app(:'app', allowed_cidrs => ARRAY(SELECT format('10.%s.0.0/16', n % 256)::cidr FROM generate_series(0, 256) AS n));
SELECT FROM devapp.update_app(:'app', allowed_cidrs => '{10.0.0.0/8,NULL}');
SELECT FROM devapp.update_app(:'app', allowed_cidrs => '{{10.0.0.0/8},{11.0.0.0/8}}');
SELECT FROM devapp.create_app('address-2', developer => 'address@example.com', allowed_cidrs => '{NULL}');
SELECT FROM devapp.issue_credential(:'app', allowed_cidrs => '{NULL}');
UPDATE devapp.credential SET allowed_cidrs = NULL WHERE credential_id = :'credential';
