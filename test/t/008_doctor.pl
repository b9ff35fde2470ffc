# doctor() is content with a fresh installation, and names what somebody broke:
# grants to PUBLIC, triggers that do not fire, a version that does not fit.  What it
# says of preloading and peppers is in 003 and 005.

use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('main');
make_program($node);

# after(name, SQL, check, row): what doctor() says after SQL, which is undone; the row may be
# a pattern
sub after
{
	my ($name, $sql, $check, $expected) = @_;

	my $said = $node->safe_psql(
		'postgres',
		"BEGIN; $sql; SELECT status, detail FROM devapp.doctor() WHERE check_name = '$check'; ROLLBACK");
	ref $expected ? like($said, $expected, "$check: $name") : is($said, $expected, "$check: $name");
	return;
}

is( $node->safe_psql('postgres', 'SELECT check_name, status FROM devapp.doctor() ORDER BY 1'),
	join("\n",
		'api_products|ok', 'audit|warning', 'audit_key|warning', 'audit_seal|ok', 'base_url|ok', 'digests|ok', 'dpop|info', 'housekeeping|info', 'init_privs|ok', 'keyring|info', 'libsodium|ok', 'metering|info', 'owner|ok', 'packed_rows|ok', 'pepper|warning', 'preload|info',
		'proxy_token|ok', 'public|ok', 'quota|ok', 'restore|ok', 'roles|info', 'signing_key|info', 'storage|ok', 'token_issuer|ok', 'triggers|ok', 'update|ok', 'usage_feed|ok', 'version|ok'),
	'a fresh installation');
is( $node->safe_psql('postgres',
		q{SELECT count(*) FROM devapp.doctor() WHERE status IN ('warning', 'error') AND hint IS NULL}),
	0,
	'what is not in order has a hint');
like(doctor($node, 'version'), qr/^ok\|extension (\S+), library \1$/, 'version: the same of both');
like(doctor($node, 'libsodium'), qr/^ok\|\d+\.\d+\.\d+$/, 'libsodium: its version');
is(doctor($node, 'public'), 'ok|nothing is granted to PUBLIC', 'public: nothing');
is(doctor($node, 'roles'), 'info|missing: devapp_admin, devapp_analyst, devapp_auditor, devapp_developer, devapp_gateway, devapp_http, devapp_reporter, devapp_scanner', 'roles: none');
is(doctor($node, 'triggers'), 'ok|all triggers are enabled', 'triggers: all');

after('one of them', 'CREATE ROLE devapp_admin', 'roles',
	'warning|missing: devapp_analyst, devapp_auditor, devapp_developer, devapp_gateway, devapp_http, devapp_reporter, devapp_scanner; grants to devapp_admin');
after('all', 'SELECT devapp.setup_roles()', 'roles',
	"\nok|all roles exist and have their privileges, and all tables have policies");
after('all, made for another database', 'CREATE ROLE devapp_admin; CREATE ROLE devapp_analyst; CREATE ROLE devapp_auditor; CREATE ROLE devapp_developer; CREATE ROLE devapp_gateway; CREATE ROLE devapp_http; CREATE ROLE devapp_reporter; CREATE ROLE devapp_scanner', 'roles',
	qr/^warning\|missing: grants to devapp_admin, devapp_analyst, devapp_auditor, devapp_developer, devapp_gateway, devapp_http, devapp_reporter, devapp_scanner; policies of \d+ tables$/);
after('a grant gone', 'SELECT devapp.setup_roles(); REVOKE EXECUTE ON FUNCTION devapp.doctor() FROM devapp_admin', 'roles',
	"\nerror|missing: grants to devapp_admin");
after('a column gone', 'SELECT devapp.setup_roles(); REVOKE SELECT (scheme) ON devapp.credential_secret FROM devapp_developer', 'roles',
	"\nerror|missing: grants to devapp_developer");
after('a table gone', 'SELECT devapp.setup_roles(); REVOKE SELECT ON devapp.app FROM devapp_admin; REVOKE USAGE ON SCHEMA devapp_report FROM devapp_analyst', 'roles',
	"\nerror|missing: grants to devapp_admin, devapp_analyst");
after('more than is declared', 'SELECT devapp.setup_roles(); GRANT EXECUTE ON FUNCTION devapp.doctor() TO devapp_gateway; GRANT SELECT ON devapp.app TO devapp_admin WITH GRANT OPTION', 'roles',
	"\nok|all roles exist and have their privileges, and all tables have policies");
after('a policy gone', 'SELECT devapp.setup_roles(); DROP POLICY devapp_admin ON devapp.app', 'roles',
	"\nwarning|missing: policies of 1 tables");
after('grants to the roles', 'SELECT devapp.setup_roles()', 'public',
	"\nok|nothing is granted to PUBLIC");

after('of another version', "UPDATE pg_extension SET extversion = '0.0.0' WHERE extname = 'devapp'", 'version',
	'error|extension 0.0.0, library '
	  . $node->safe_psql('postgres', 'SELECT devapp_internal.library_version()'));

after('a function', 'GRANT EXECUTE ON FUNCTION devapp.doctor() TO PUBLIC', 'public',
	'error|granted to PUBLIC: function devapp.doctor()');
after('a function made later', q{CREATE FUNCTION devapp.f() RETURNS text LANGUAGE sql AS 'SELECT 1'}, 'public',
	'error|granted to PUBLIC: function devapp.f()');
after('a table', 'GRANT SELECT ON devapp.credential TO PUBLIC', 'public',
	'error|granted to PUBLIC: relation devapp.credential');
after('a sequence', 'GRANT USAGE ON SEQUENCE devapp.credential_product_ordinal_seq TO PUBLIC', 'public',
	'error|granted to PUBLIC: relation devapp.credential_product_ordinal_seq');
after('the schema', 'GRANT USAGE ON SCHEMA devapp TO PUBLIC', 'public',
	'error|granted to PUBLIC: schema devapp');
after('a report', 'GRANT SELECT ON devapp_report.rotations TO PUBLIC', 'public',
	'error|granted to PUBLIC: relation devapp_report.rotations');
after('several', 'GRANT USAGE ON SCHEMA devapp TO PUBLIC; GRANT SELECT ON devapp.app TO PUBLIC', 'public',
	'error|granted to PUBLIC: relation devapp.app, schema devapp');
after('a column', 'GRANT SELECT (digest) ON devapp.credential_secret TO PUBLIC', 'public',
	qr/^error\|granted to PUBLIC: .*devapp\.credential_secret/);

is(doctor($node, 'audit'), 'warning|there are events in the default partition', 'audit: no months yet');
after('months', 'SELECT count(*) > 0 FROM devapp.maintain_audit(1)', 'audit', "t\nok|the partition of the next month exists");
# which month is the next is asked in the transaction that needs it
my $next = q{to_char(date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month', '"audit_event_"YYYY_MM')};
is( $node->safe_psql('postgres', "BEGIN; SELECT count(*) > 0 FROM devapp.maintain_audit(1);
		DO \$\$ BEGIN EXECUTE 'DROP TABLE devapp.' || $next; END \$\$;
		SELECT status, replace(detail, $next, '(next)') FROM devapp.doctor() WHERE check_name = 'audit'; ROLLBACK"),
	"t\nwarning|partition (next) is missing", 'audit: the next month missing');
after('events of a month without a partition',
	"SELECT count(*) > 0 FROM devapp.maintain_audit(1); INSERT INTO devapp.audit_event (occurred_at, db_role, action, entity, entity_id, leaf_hash)
	 VALUES ('2001-01-01', 'x', 'x', 'x', 'x', '')", 'audit', "t\nwarning|there are events in the default partition");
after('not recording', 'SET devapp.restoring = on', 'audit', 'error|devapp.restoring is on: changes are not recorded');
after('no trigger', 'ALTER TABLE devapp.app DISABLE TRIGGER audit_row', 'triggers', 'error|disabled triggers: audit_row on devapp.app');

after('one switched off', 'ALTER TABLE devapp.app DISABLE TRIGGER guard_status', 'triggers',
	'error|disabled triggers: guard_status on devapp.app');
after('always', 'ALTER TABLE devapp.app ENABLE ALWAYS TRIGGER guard_status', 'triggers',
	'ok|all triggers are enabled');
after('all of a table switched off', 'ALTER TABLE devapp.credential_product DISABLE TRIGGER ALL', 'triggers',
	qr/^error\|disabled triggers: .*guard_row on devapp\.credential_product/);
# one that fires on replicas only does not fire here
after('one for replicas only', 'ALTER TABLE devapp.app ENABLE REPLICA TRIGGER guard_status', 'triggers', qr/^error\|.*guard_status on devapp\.app/);

# ---------- the API over HTTP ----------

my $served = 'SELECT devapp.setup_roles(); CREATE ROLE web IN ROLE devapp_http';
is(doctor($node, $_->[0]), "ok|$_->[1]", "$_->[0]: no roles")
  for [ 'proxy_token', 'no server forwards requests' ], [ 'base_url', 'no server forwards requests' ], [ 'api_products', 'no role can forward requests' ];
after('roles that nobody has', 'SELECT devapp.setup_roles()', 'base_url', "\nok|no server forwards requests");
after('a server', $served, 'base_url', "\nwarning|URLs of the API over HTTP begin with what the proxy reports");
after('it is set', "$served; SET devapp.base_url = 'https://api.example.com'", 'base_url', "\nok|URLs of the API over HTTP begin with https://api.example.com");
after('the issuer is one', "$served; SET devapp.issuer = 'https://login.example.com'", 'base_url', "\nok|URLs of the API over HTTP begin with https://login.example.com");
after('the issuer is none', "$served; SET devapp.issuer = 'urn:example'", 'base_url', qr/^\nwarning\|/);
after('both', 'SELECT devapp.setup_roles()', 'api_products', "\nok|products devapp-admin and devapp-portal exist");
after('one is deleted', q{SELECT devapp.setup_roles(); DO $$ BEGIN PERFORM devapp.delete_product('devapp-portal'); END $$}, 'api_products',
	"\nwarning|missing products, for which no key can be issued: devapp-portal");
after('a server', $served, 'proxy_token', "\ninfo|there is no token, so requests through PostgREST are refused");

my $file = abs_path(PostgreSQL::Test::Utils::tempdir) . '/proxy_token';
set_config($node, 'devapp.proxy_token_file', $file);
like(doctor($node, 'proxy_token'), qr/^error\|could not open proxy token file "\Q$file\E": No such file or directory$/, 'proxy_token: no file');
append_to_file($file, '1:' . 'a1' x 32 . "\n");
chmod oct '644', $file or die;
is(doctor($node, 'proxy_token'), qq(error|proxy token file "$file" is not usable: Users other than its owner have access to it.), 'proxy_token: others may read it');
chmod oct '600', $file or die;
is(doctor($node, 'proxy_token'), 'ok|requests through PostgREST require a token of the file', 'proxy_token: a file');
append_to_file($file, "2:a1\n");
is(doctor($node, 'proxy_token'), qq(error|proxy token file "$file" is not usable: Line 2: It does not have 32 to 128 hex digits.), 'proxy_token: a broken line');
set_config($node, 'devapp.proxy_token_file', '');

# ---------- another owner ----------

is(doctor($node, 'owner'), 'ok|the extension and its schemas belong to ' . $node->safe_psql('postgres', 'SELECT current_user'), 'owner: of all');
after('of a schema', 'CREATE ROLE boss SUPERUSER; ALTER SCHEMA devapp OWNER TO boss; ALTER SCHEMA devapp_report OWNER TO boss', 'owner',
	'error|the extension belongs to ' . $node->safe_psql('postgres', 'SELECT current_user') . ', but schema devapp to boss, schema devapp_report to boss');

# a restore gives partitions back to whom they belonged to, who could change their rows
my $month = $node->safe_psql('postgres', q{CREATE ROLE former SUPERUSER; SELECT min(inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = 'devapp.audit_event'::regclass});
$node->safe_psql('postgres', "ALTER TABLE $month OWNER TO former; ALTER SCHEMA devapp OWNER TO former");
is(doctor($node, 'owner'), 'error|the extension belongs to ' . $node->safe_psql('postgres', 'SELECT current_user') . ", but schema devapp to former, table $month to former",
	'owner: of a partition');
$node->safe_psql('postgres', 'SELECT devapp.setup_roles()');
like(doctor($node, 'owner'), qr/^ok\|/, 'setup_roles() takes it');

# an owner without the rights of a superuser, with which some checks are made
$node->safe_psql('postgres', 'CREATE ROLE helper SUPERUSER; CREATE DATABASE helped');
$node->safe_psql('helped', 'SET client_min_messages = warning; SET ROLE helper; CREATE EXTENSION devapp CASCADE; RESET ROLE; ALTER ROLE helper NOSUPERUSER');
is(doctor($node, 'owner', db => 'helped'), 'warning|the extension belongs to helper, who is not a superuser', 'owner: no superuser');
is(doctor($node, 'proxy_token', db => 'helped'), 'info|devapp.proxy_token_file cannot be checked, because the owner of the extension is not a superuser',
	'proxy_token: not to be seen');

# an owner who leaves, to whom initial privileges go on belonging before PostgreSQL 17
my $gone = $node->safe_psql('postgres', q{CREATE ROLE gone SUPERUSER; CREATE ROLE heir SUPERUSER; CREATE DATABASE inherited;
	SELECT oid FROM pg_roles WHERE rolname = 'gone'});
$node->safe_psql('inherited', q{SET client_min_messages = warning; SET ROLE gone; CREATE EXTENSION devapp CASCADE; RESET ROLE;
	REASSIGN OWNED BY gone TO heir; DROP OWNED BY gone; DROP ROLE gone});
is(doctor($node, 'owner', db => 'inherited'), 'ok|the extension and its schemas belong to heir', 'owner: another one');
if ($node->pg_version < 17)
{
	like(doctor($node, 'init_privs', db => 'inherited'), qr/^error\|initial privileges of \d{3,} objects name roles that no longer exist: $gone$/, 'init_privs: of nobody');
	$node->command_like([ 'pg_dump', $node->connstr('inherited') ], qr/REVOKE .* FROM "$gone"/, 'a dump names its number');
	my ($mend) = slurp_file("$FindBin::RealBin/../../doc/operations.md") =~ /(UPDATE pg_init_privs.*?;)/s;
	$mend =~ s/16384/$gone/g;
	$node->safe_psql('inherited', $mend);
}
is(doctor($node, 'init_privs', db => 'inherited'), 'ok|initial privileges name only existing roles', 'init_privs: of those who are there');
my ($dump) = run_command([ 'pg_dump', $node->connstr('inherited') ]);
like($dump, qr/CREATE EXTENSION/, 'it can be dumped');
unlike($dump, qr/^(REVOKE|GRANT).* "?$gone/m, 'and the dump names nobody who is gone');

done_testing();
