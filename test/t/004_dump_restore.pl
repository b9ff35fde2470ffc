# A dump takes the whole program along: every row of every table, the sequences,
# the privileges, the months of the audit trail; and what it is restored to works.  A
# restore neither makes audit events nor loses any, and one that does not say that it
# is a restore is refused.  CREATE EXTENSION refuses a schema
# that holds or could get foreign objects, and sessions outlive DROP EXTENSION.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use Test::More;

my $node = start_server('main');

$node->safe_psql('postgres', 'CREATE DATABASE src');
make_program($node, db => 'src');
$node->safe_psql('src', 'SELECT devapp.setup_roles()');

# ---------- a program with some of everything ----------

$node->safe_psql(
	'src', q{
	SELECT devapp.create_developer('Bob@example.com', 'Bob', 'O''Neil \\N', 'bob', '{"plan": "gold \u00e9"}');
	SELECT devapp.create_developer('idle@example.com');
	SELECT devapp.create_developer('gone@example.com');
	SELECT devapp.delete_developer('gone@example.com');
	SELECT devapp.create_team('blue', 'The blue ones', '{"floor": "2"}');
	SELECT devapp.add_team_member('blue', 'ada@example.com', 'admin');
	SELECT devapp.add_team_member('blue', 'bob@example.com');
	SELECT devapp.invite_team_member('blue', 'zoe@example.com');
	SELECT devapp.create_team('red');
	SELECT devapp.set_team_status('red', 'deactivate', 'on holiday');
	SELECT devapp.create_team('gone');
	SELECT devapp.delete_team('gone');
	SELECT devapp.create_product('orders', 'Orders', E'two\nlines', approval => 'manual', access => 'private',
		environments => '{test,live}', proxies => '{"a","b"}', scopes => '{orders:read}',
		quota_limit => 1000, quota_unit => 'day', rate_limit => 0.1, rate_burst => 3, attributes => '{"a": "b"}');
	SELECT devapp.add_operation('orders', '/orders/{id}', '{GET,PUT}', quota_limit => 5, quota_unit => 'minute');
	SELECT devapp.add_operation('orders', '/orders', '{POST}', 'a');
	SELECT devapp.add_operation('weather', '/other');
	SELECT devapp.add_operation('weather', '=/');
	SELECT devapp.add_operation('weather', E'/caf\u00e9/{p+}');
	SELECT devapp.create_product('gone');
	SELECT devapp.delete_product('gone');
	SELECT devapp.create_approval_rule('partners', 10, 'approve', product => 'weather', email_domain => '*.partner.example',
		developer_attributes => '{"plan": "gold \u00e9"}', max_apps_owned => 3, note => E'two\nlines');
	SELECT devapp.create_approval_rule('off', 10, 'reject', team => 'blue', enabled => false);
	SELECT devapp.set_registration(true, domains => '{example.com}');
	SELECT devapp.add_product_approver('orders', team => 'blue');
	SELECT devapp.add_product_approver('orders', role => 'devapp_admin');
	SELECT devapp.add_notification_recipient('desk', team => 'blue', email => 'desk@example.com');
	SELECT devapp.add_notification_recipient('on call', role => 'devapp_admin', webhook_url => 'https://hooks.example.com/devapp');});

my $ada = "developer => 'ada\@example.com', products => '{weather}'";
my @keys;

# app(name, verdict, arguments, SQL): makes an app, does SQL with it, and remembers
# its key with the verdict that it must get.  In SQL, APP and CREDENTIAL are its ids.
sub app
{
	my ($name, $verdict, $arguments, $sql) = @_;
	my $app = create_app($node, $name, $arguments, db => 'src');

	if ($sql)
	{
		$sql =~ s/\bAPP\b/'$app->{app_id}'/g;
		$sql =~ s/\bCREDENTIAL\b/'$app->{credential_id}'/g;
		$node->safe_psql('src', $sql);
	}
	push @keys, [ $name, $app->{secret}, $verdict ];
	return $app;
}

app('of a developer', 'VALID', $ada, q{SELECT devapp.correct_usage(APP, 'weather', 'live', CURRENT_DATE - 40, 7, E'counted\ntwice')});
app('of a team', 'VALID', "team => 'blue', products => '{weather}'",
	q{SELECT devapp.set_app_quota(APP, 'weather', quota_limit => 7, quota_unit => 'week', rate_limit => 0.3, until => 'infinity', note => E'two\nlines');
	SELECT devapp.set_app_quota(APP, 'orders', rate_limit => 1, until => '2100-01-01')});
app('everything given', 'ENVIRONMENT_FORBIDDEN', "$ada, display_name => 'D', description => E'x\\ny',
	callback_urls => '{https://example.com/cb}', scopes => '{read}', app_family => 'f',
	attributes => '{\"k\": \"v\"}', environment => 'test', expires_in => '1 year'");
app('expired', 'EXPIRED', "$ada, expires_in => '1 microsecond'");
$node->safe_psql('src', q{SELECT devapp.set_app_approval('manual')});
app('rejected', 'APP_REJECTED', $ada, "SELECT devapp.reject_app(APP, 'no')");
app('pending', 'APP_PENDING', $ada);
$node->safe_psql('src', q{SELECT devapp.set_app_approval('conditional')});
app('suspended', 'APP_SUSPENDED', $ada, "SELECT devapp.suspend_app(APP, 'late')");
app('suspended in bulk', 'APP_SUSPENDED', $ada,
	q{CALL devapp.run_bulk('suspend', jsonb_build_object('app_ids', ARRAY[APP]), 'in bulk')});
app('revoked', 'APP_REVOKED', $ada, 'SELECT devapp.revoke_app(APP)');
app('deleted', 'CREDENTIAL_REVOKED', $ada, 'SELECT devapp.delete_app(APP)');
app('deleted', 'CREDENTIAL_REVOKED', $ada, 'SELECT devapp.delete_app(APP)');
app('deleted', 'VALID', $ada);
app('credential revoked', 'CREDENTIAL_REVOKED', $ada,
	"SELECT devapp.revoke_credential(CREDENTIAL, 'lost')");
app('compromised', 'CREDENTIAL_REVOKED', $ada,
	"SELECT devapp.revoke_credential(CREDENTIAL, 'seen on a forge', true)");
app('owner inactive', 'OWNER_INACTIVE',
	"developer => 'idle\@example.com', products => '{weather}'",
	"SELECT devapp.set_developer_status('idle\@example.com', 'deactivate')");
app('team inactive', 'OWNER_INACTIVE', "team => 'red', products => '{weather}'");
app('no product', 'NO_PRODUCT', "developer => 'ada\@example.com'");
app('not approved', 'PRODUCT_PENDING',
	"developer => 'ada\@example.com'", "SELECT devapp.add_credential_product(CREDENTIAL, 'orders')");
app('association revoked', 'PRODUCT_REVOKED', $ada,
	"SELECT devapp.set_credential_product_status(CREDENTIAL, 'weather', 'revoke')");
app('other product', 'RESOURCE_FORBIDDEN',
	"developer => 'bob\@example.com', products => '{orders}'",
	"SELECT devapp.set_credential_product_status(CREDENTIAL, 'orders', 'approve', 'fine')");
app('removed', 'NO_PRODUCT', $ada,
	"SELECT devapp.remove_credential_product(CREDENTIAL, 'weather')");
app('removed and added', 'VALID', $ada,
	"SELECT devapp.remove_credential_product(CREDENTIAL, 'weather');
	SELECT devapp.add_credential_product(CREDENTIAL, 'orders');
	SELECT devapp.add_credential_product(CREDENTIAL, 'weather')");
my $rotating = app('rotating', 'VALID', $ada);
my $rotated = app('rotated', 'SUPERSEDED', $ada);
my $cancelled = app('rotation cancelled', 'VALID', $ada);
push @keys,
  [ 'new secret', rotate($node, $rotating->{credential_id}, '1 year', db => 'src')->{secret}, 'VALID' ],
  [ 'rotated once', rotate($node, $rotated->{credential_id}, '1 year', db => 'src')->{secret}, 'SUPERSEDED' ],
  [ 'rotation cancelled', rotate($node, $cancelled->{credential_id}, '1 year', db => 'src')->{secret}, 'SUPERSEDED' ];
$node->safe_psql('src',
	"SELECT devapp.complete_rotation('$rotated->{credential_id}');
	SELECT devapp.cancel_rotation('$cancelled->{credential_id}');");
push @keys,
  [ 'rotated twice', rotate($node, $rotated->{credential_id}, '1 year', db => 'src')->{secret}, 'VALID' ];
$node->safe_psql('src', "SELECT devapp.complete_rotation('$rotated->{credential_id}')");

$node->safe_psql('src',
	q{INSERT INTO devapp.product_approver (product_id, role_name)
		SELECT product_id, 'reviewer' FROM devapp.product WHERE name = 'orders'});

my $client = create_app($node, 'client', "$ada, kind => 'oauth_client'", db => 'src');
my $presented = [ map { $_->[1] } @keys ];
my $expected = join ' ', map { $_->[2] } @keys;
is(codes($node, $presented, db => 'src'), $expected, 'verdicts of the source');

# The audit trail has months, of which one has no partition.
my $months = $node->safe_psql('src', 'SELECT count(*) FROM devapp.maintain_audit(5)') + 4;
cmp_ok($months, '>=', 6, 'the audit trail has months: four of setup_roles(), two more');

$node->safe_psql('src', q{SELECT FROM devapp.set_leak_policy('notify');
	SELECT r.outcome FROM devapp.issue_credential((SELECT app_id FROM devapp.credential WHERE kind = 'oauth_client' LIMIT 1)) AS i, devapp.report_leak(i.secret) AS r});

put_keyring($node);
$node->safe_psql('src', "SELECT devapp.create_signing_key('EdDSA')");
$node->safe_psql('src', "SELECT devapp.revoke_token(jti => 'of the source')");
$node->safe_psql('src', q{SELECT FROM devapp.set_client_keys((SELECT consumer_key FROM devapp.credential WHERE kind = 'oauth_client' LIMIT 1),
	'{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}');
	INSERT INTO devapp.used_assertion SELECT credential_id, sha256('dumped'), 'infinity' FROM devapp.client_key});
$node->safe_psql('src', q{SELECT FROM devapp.create_token_issuer('https://login.example.com', audience => '{a}',
	jwks => '{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}')});

$node->safe_psql('src', q{SELECT FROM devapp.set_legal_hold(month => '2001-02-03', note => 'dumped')});

# As many events as it takes to keep a subtree of the log; another one is older.
$node->safe_psql('src',
	"SELECT devapp.set_attribute('product', 'weather', 'n', n::text) FROM generate_series(1, 256) AS n;
	SELECT devapp.seal_audit();");
$node->safe_psql('src', q{
	INSERT INTO devapp.audit_event (occurred_at, db_role, client_addr, action, entity, entity_id, before, leaf_hash)
	VALUES ('2001-02-03 04:05:06.789+00', E'x\\y', '192.0.2.0/24', 'update', 'test', 'x', '{"a": "\\u00e9"}', '\x0042')});

# what the worker would have written
$node->safe_psql('src', q{
	SELECT devapp_internal.usage_partition('usage_' || p, '2024-02-29 UTC') FROM unnest(ARRAY['minute', 'hour', 'day', 'latency']) AS p;
	INSERT INTO devapp.usage_minute SELECT '2024-02-29 23:59+00', app_id, credential_id, 1, NULL, NULL, 'live', 'VALID', 7, 7, 1 FROM devapp.credential;
	INSERT INTO devapp.usage_flush (flush_id) VALUES (1);
	SELECT devapp_internal.roll_up_usage();
	INSERT INTO devapp.usage_flush (flush_id) VALUES (2);
	INSERT INTO devapp.usage_latency VALUES ('2024-02-29', NULL, NULL, 2, 1, 0, '1 s', '100 ms', '900 ms', '[66:67]={1,1}');
	INSERT INTO devapp.usage_shipment (shipment_id, counters) VALUES (devapp.uuid_v7(), 1);
	INSERT INTO devapp.last_used SELECT credential_id, 1, app_id, NULL, now() FROM devapp.credential;
	INSERT INTO devapp.quota_usage SELECT a.app_id, p.product_id, NULL, '', '2024-02-01', '2024-03-01', 7, 1 FROM devapp.app a, devapp.product p;
	INSERT INTO devapp.quota_lease SELECT a.app_id, p.product_id, NULL, '', devapp.uuid_v7(), 'standby', '2024-02-01', '2024-03-01', true, 10, 0, 1, 2, 5, 3, '2024-02-02' FROM devapp.app a, devapp.product p;});

# ---------- patterns in binary ----------

my $binary = $node->basedir . '/patterns';
is( $node->safe_psql(
		'src', qq{
	COPY (SELECT resource FROM devapp.product_operation ORDER BY resource) TO '$binary' (FORMAT binary);
	CREATE TEMP TABLE received (resource devapp.resource_pattern);
	COPY received FROM '$binary' (FORMAT binary);
	SELECT resource FROM received ORDER BY resource COLLATE "C"}),
	"/caf\xc3\xa9/{p+}\n/orders\n/orders/{id}\n/other\n/weather/**\n=/",
	'patterns come back as they were sent');

# ---------- what belongs to a dump ----------

my @registered = split /\n/, $node->safe_psql('src',
	q{SELECT unnest(extconfig)::regclass FROM pg_extension WHERE extname = 'devapp' ORDER BY 1});
is( join(' ', sort @registered),
	join(
		' ',
		sort split /\n/,
		$node->safe_psql(
			'src', q{SELECT oid::regclass FROM pg_class
			WHERE relnamespace = 'devapp'::regnamespace AND relkind IN ('r', 'p', 'S')
			  AND relname NOT IN ('housekeeping', 'report_refresh', 'restore') -- they begin anew
			  AND relname !~ '^(audit_event|usage_[a-z]+)_\d{4}(_\d\d)+$'})),
	'every table and sequence of the schema is registered for pg_dump');

# Ordered dump of each registered relation: name => text.
sub contents
{
	my ($db) = @_;
	my %text;

	$text{$_} = $node->safe_psql($db,
		qq{SELECT x::text FROM $_ AS x ORDER BY x::text COLLATE "C"})
	  for grep { !/_seq$/ } @registered;
	# log_cnt counts what the server has fetched ahead
	$text{$_} = $node->safe_psql($db, "SELECT last_value, is_called FROM $_")
	  for grep { /_seq$/ } @registered;
	return \%text;
}

my $privileges = q{
	SELECT x.object, a.grantee::regrole, a.privilege_type, a.is_grantable
	  FROM (SELECT p.oid::regprocedure::text, p.proacl FROM pg_proc p WHERE p.pronamespace = 'devapp'::regnamespace
	        UNION ALL
	        SELECT c.oid::regclass::text, c.relacl FROM pg_class c WHERE c.relnamespace = 'devapp'::regnamespace
	        UNION ALL
	        SELECT t.oid::regtype::text, t.typacl FROM pg_type t WHERE t.typnamespace = 'devapp'::regnamespace
	        UNION ALL
	        SELECT 'schema', n.nspacl FROM pg_namespace n WHERE n.nspname = 'devapp') AS x(object, acl),
	       aclexplode(x.acl) AS a
	 ORDER BY 1, 2, 3, 4};

my $triggers = q{SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger
	WHERE tgrelid::regclass::text LIKE 'devapp.%' AND NOT tgisinternal ORDER BY tgrelid::regclass::text COLLATE "C", tgname};

# The partitions, with all that is theirs.
my $partitions = q{
	SELECT c.relname, pg_get_expr(c.relpartbound, c.oid), c.relrowsecurity, c.relowner::regrole,
	       (SELECT string_agg(pg_get_indexdef(x.indexrelid), '; ' ORDER BY x.indexrelid::regclass::text COLLATE "C")
	          FROM pg_index x WHERE x.indrelid = c.oid),
	       (SELECT string_agg(concat_ws(' ', a.attname, a.atttypid::regtype, a.attnotnull, a.attcollation::regcollation,
	                                    pg_get_expr(d.adbin, d.adrelid)), ', ' ORDER BY a.attnum)
	          FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
	         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
	       (SELECT count(*) FROM devapp.audit_event e WHERE e.tableoid = c.oid)
	  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
	 WHERE i.inhparent = 'devapp.audit_event'::regclass ORDER BY 1};

my $source = contents('src');
my $source_partitions = $node->safe_psql('src', $partitions);
is(scalar(split /\n/, $source_partitions), $months + 1, 'there are partitions to compare');
my $source_privileges = $node->safe_psql('src', $privileges);
my $source_triggers = $node->safe_psql('src', $triggers);
for my $relation (@registered)
{
	isnt($source->{$relation}, '', "$relation has something to dump");
}
like($source_privileges, qr/devapp_gateway\|EXECUTE/, 'there are privileges to dump');
like($source_triggers, qr/^devapp\.credential\|guard_status\|O$/m, 'there are triggers to compare');

# ---------- there and back ----------

my $dumps = $node->basedir;
$node->command_ok([ 'pg_dump', '-f', "$dumps/plain.sql", 'src' ], 'pg_dump');
$node->command_ok([ 'pg_dump', '-Fc', '-f', "$dumps/custom.dump", 'src' ], 'pg_dump -Fc');

my %restore = (
	plain => [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', "$dumps/plain.sql", '-d' ],
	custom => [ 'pg_restore', '--exit-on-error', "$dumps/custom.dump", '-d' ],
	parallel => [ 'pg_restore', '--exit-on-error', '-j2', "$dumps/custom.dump", '-d' ]);

# A restore that does not say so: it ends with the first row, and made no event.
for my $how ('plain', 'custom')
{
	$node->safe_psql('postgres', 'CREATE DATABASE refused TEMPLATE template0');
	my @command = @{ $restore{$how} };
	IPC::Run::run([ @command, $node->connstr('refused') ], '2>', \my $stderr, '>', \my $stdout);
	like($stderr, qr/this looks like a restore of a dump.*PGOPTIONS='-c devapp\.restoring=on'/s, "$how: refused, with a hint");
	is($node->safe_psql('refused', 'SELECT (SELECT count(*) FROM devapp.developer) + (SELECT count(*) FROM devapp.audit_event)'),
		0, "$how: nothing was restored, and no event made");
	$node->safe_psql('postgres', 'DROP DATABASE refused');
}

for my $db (sort keys %restore)
{
	$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE template0");
	{
		local $ENV{PGOPTIONS} = '-c devapp.restoring=on';
		$node->command_ok([ @{ $restore{$db} }, $db ], "$db: restored");
	}

	my $restored = contents($db);
	same_lines($restored->{$_}, $source->{$_}, "$db: $_ is the same") for @registered;
	same_lines($node->safe_psql($db, $privileges), $source_privileges, "$db: privileges are the same");
	same_lines($node->safe_psql($db, $triggers), $source_triggers, "$db: triggers are the same, and enabled");
	is($node->safe_psql($db, "SELECT count(*) FROM devapp.doctor() WHERE status = 'error'"),
		0, "$db: doctor() has no error");

	is(codes($node, $presented, db => $db), $expected, "$db: all keys get the same verdicts");
	is( $node->safe_psql(
			$db,
			"SELECT (devapp.verify_digest(sha256('$presented->[0]'), $Devapp::CALL)).code,
				(devapp.verify_client('$client->{consumer_key}', '$client->{secret}', $Devapp::CALL)).code"),
		'VALID|VALID',
		"$db: verify_digest and verify_client too");

	same_lines($node->safe_psql($db, $partitions), $source_partitions, "$db: partitions are the same");
	is($node->safe_psql($db, 'SELECT count(*) FROM devapp.maintain_audit()'), 1, "$db: the month of the event without one is made");
	my $last_event = $node->safe_psql($db, 'SELECT max(event_id) FROM devapp.audit_event');

	my $last = $node->safe_psql($db, 'SELECT max(ordinal) FROM devapp.credential_product');
	my $new = create_app($node, 'first after the restore', $ada, db => $db);
	is(code($node, $new->{secret}, db => $db), 'VALID', "$db: a new app works");
	is( $node->safe_psql(
			$db,
			"SELECT ordinal FROM devapp.credential_product WHERE credential_id = '$new->{credential_id}'"),
		$last + 1,
		"$db: its association has the next ordinal");
	is( $node->safe_psql(
			$db, "SELECT string_agg(event_id - $last_event || ' ' || entity, ', ' ORDER BY event_id)
			  FROM devapp.audit_event WHERE app_id = '$new->{app_id}'"),
		'1 app, 2 credential, 3 credential_product, 4 credential_secret', "$db: its events have the next numbers");
	is( error_of($node, q{UPDATE devapp.app SET status = 'pending' WHERE name = 'of a developer'}, db => $db),
		'55000', "$db: an illegal transition is refused");
	is( error_of($node, 'DELETE FROM devapp.credential', db => $db),
		'23001', "$db: so is a DELETE");
}

$node->safe_psql('plain', 'DROP EXTENSION devapp');
is($node->safe_psql('plain', q{SELECT count(*) FROM pg_class WHERE relnamespace = 'devapp'::regnamespace}), 0,
	'DROP EXTENSION removes all, the months as well');

# ---------- who may say that it is a restore ----------

$node->safe_psql('src', q{CREATE ROLE clerk LOGIN IN ROLE devapp_admin;
	CREATE FUNCTION public.events() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM devapp.audit_event'});
# an INSERT of clerk, whose session starts with these options; how many events it made
sub events_of_clerk
{
	my ($options, $sql) = @_;
	my $before = $node->safe_psql('src', 'SELECT public.events()');

	local $ENV{PGOPTIONS} = $options;
	$node->psql('src', "$sql INSERT INTO devapp.developer (email) VALUES ('c' || public.events() || '\@example.com')",
		on_error_stop => 0, extra_params => [ '-U', 'clerk' ]);
	delete $ENV{PGOPTIONS};
	return $node->safe_psql('src', 'SELECT public.events()') - $before;
}
is(events_of_clerk('', ''), 1, 'a change of an ordinary role is recorded');
is(events_of_clerk('-c devapp.restoring=on', ''), 1, 'also if it asks for devapp.restoring before the library is loaded');
is(events_of_clerk('', 'SET devapp.restoring = on;'), 1, 'or then sets it');
is(events_of_clerk('', 'SELECT devapp.uuid_v7(); SET devapp.restoring = on;'), 1, 'or sets it later');
is(events_of_clerk('', 'ALTER ROLE clerk SET devapp.restoring = on;'), 1, 'or for all of its sessions');
is(events_of_clerk('', ''), 1, 'which has no effect either');
is(events_of_clerk('-c session_replication_role=replica', ''), 0, 'a session with triggers off does not even begin');
is($node->safe_psql('src', q{SELECT count(*) FROM devapp.developer WHERE email ~ '^c\d'}), 6, 'all these rows were made');
is(events_of_clerk('-c check_function_bodies=off -c row_security=off', q{SELECT set_config('search_path', '', false);}), 0,
	'a session of his that looks like a restore');
is($node->safe_psql('src', q{SELECT count(*) FROM devapp.developer WHERE email ~ '^c\d'}), 6, 'is refused');

# a superuser may, and doctor() says so
{
	local $ENV{PGOPTIONS} = '-c devapp.restoring=on';
	my $before = $node->safe_psql('src', 'SELECT public.events()');
	is($node->safe_psql('src', q{INSERT INTO devapp.developer (email) VALUES ('quiet@example.com');
			SELECT public.events()}), $before, 'what a superuser restores is not recorded');
	is(doctor($node, 'audit', db => 'src'), 'error|devapp.restoring is on: changes are not recorded', 'doctor() warns');
}

# ---------- what CREATE EXTENSION may find ----------

$node->safe_psql('postgres', 'CREATE ROLE mallory; CREATE DATABASE again');

# in_schema(name, SQLSTATE, report, SQL): SQL, then CREATE EXTENSION.
sub in_schema
{
	my ($name, $expected_state, $expected_report, $sql) = @_;
	my ($state, $report) = error_of(
		$node, "BEGIN; $sql; CREATE EXTENSION devapp CASCADE; SELECT devapp.uuid_v7(); ROLLBACK;",
		db => 'again');

	is($state, $expected_state, "CREATE EXTENSION over $name");
	like($report, $expected_report, "says so: $name") if $expected_report;
	return;
}

my $holds = qr/schema "devapp" holds objects that are not devapp's/;
in_schema('nothing', '00000', undef, 'SELECT 1');
in_schema('an empty schema', '00000', undef, 'CREATE SCHEMA devapp');
in_schema('a table', '42710', qr/$holds.*table devapp\.app/s,
	'CREATE SCHEMA devapp; CREATE TABLE devapp.app (app_id uuid)');
in_schema('a function', '42710', qr/$holds.*function devapp\.next_status/s,
	"CREATE SCHEMA devapp; CREATE FUNCTION devapp.next_status(text, text, varchar) RETURNS text LANGUAGE sql AS 'SELECT 1'");
in_schema('an operator', '42710', qr/$holds.*operator/s,
	'CREATE SCHEMA devapp; CREATE OPERATOR devapp.= (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq)');
in_schema('a type', '42710', qr/$holds.*type devapp\.verdict/s,
	'CREATE SCHEMA devapp; CREATE TYPE devapp.verdict AS (allowed boolean)');
in_schema('a schema of mallory', '42501', qr/belongs to a role that is not a superuser/,
	'CREATE SCHEMA devapp AUTHORIZATION mallory');

# ---------- DROP and CREATE EXTENSION under an open session ----------

make_program($node, db => 'again');
my $session = $node->background_psql('again');
my $old = create_app($node, 'old', $ada, db => 'again')->{secret};
is($session->query_safe(key_codes($old)), 'VALID', 'before DROP EXTENSION');

my $program = q{CREATE EXTENSION devapp CASCADE;
	SELECT FROM devapp.create_developer('ada@example.com');
	SELECT FROM devapp.create_product('weather');};
my $make = "SELECT secret FROM devapp.create_app('new', $ada)";
$session->query_safe("DROP EXTENSION devapp; $program");
my $new = ($session->query_safe($make) =~ /(dvk_\S+)/)[0];
is($session->query_safe(key_codes($new, $old)), 'VALID NOT_FOUND',
	'the same session, after CREATE EXTENSION');

$session->query_safe("BEGIN; DROP EXTENSION devapp; $program");
my $undone = ($session->query_safe($make) =~ /(dvk_\S+)/)[0];
is($session->query_safe(key_codes($undone, $new)), 'VALID NOT_FOUND', 'both in a transaction');
$session->query_safe('ROLLBACK');
is($session->query_safe(key_codes($undone, $new)), 'NOT_FOUND VALID', 'ROLLBACK brings the old tables back');

$session->query_safe("BEGIN; SAVEPOINT s; DROP EXTENSION devapp; $program");
is($session->query_safe(key_codes($new)), 'NOT_FOUND', 'both in a subtransaction');
$session->query_safe('ROLLBACK TO s');
is($session->query_safe(key_codes($new)), 'VALID', 'ROLLBACK TO brings the old tables back');
$session->query_safe('COMMIT');
$session->quit;

done_testing();
