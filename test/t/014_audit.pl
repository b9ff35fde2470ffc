# The audit trail where it takes a server: addresses, encodings, roles that run the
# program but cannot touch its trail, owners who look at their own apps, and many who
# write while a month is made.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('main', "listen_addresses = '127.0.0.1'\ndevapp.claims_from = 'portal'");
make_program($node);
$node->safe_psql('postgres', q{SELECT devapp.setup_roles(); SELECT FROM devapp.maintain_audit();
	SELECT FROM devapp.create_developer('bob@example.com')});

sub last_event
{
	my ($columns) = @_;

	return $node->safe_psql('postgres', "SELECT $columns FROM devapp.audit_event ORDER BY event_id DESC LIMIT 1");
}

# ---------- from where ----------

my $change = q{UPDATE devapp.developer SET first_name = coalesce(first_name, '') || 'x' WHERE email = 'ada@example.com'};
$node->safe_psql('postgres', $change);
is(last_event('client_addr IS NULL'), 't', 'a Unix-domain socket has no address');
$node->safe_psql('postgres', $change, connstr => 'host=127.0.0.1 port=' . $node->port . ' dbname=postgres');
is(last_event('client_addr'), '127.0.0.1', 'a client has one');
is(last_event('leaf_hash = devapp_internal.audit_leaf_hash(audit_event)'), 't', 'which is hashed');

# ---------- the bytes in another encoding ----------

my $entry = q{SELECT devapp.audit_entry((1, '2026-01-02 03:04:05.678901+00', E'j\u00fcrgen@example.com', E'r\u00f4le', '2001:db8::1', '99',
	'update', 'app', 'x', NULL, NULL, '01234567-89ab-cdef-0123-456789abcdef', NULL, E'{"a": "\u00e9", "bb": [1, null]}', '', '')::devapp.audit_event)};
$node->safe_psql('postgres', q{CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'});
make_program($node, db => 'latin');
is($node->safe_psql('latin', 'SHOW server_encoding'), 'LATIN1', 'a database in LATIN1');
my $bytes = $node->safe_psql('postgres', $entry);
is($node->safe_psql('latin', $entry), $bytes, 'has the same bytes for the same event');
like($bytes, qr/6ac3bc7267656e/, 'those of UTF-8');
$node->safe_psql('latin', q{SELECT FROM devapp.update_developer('ada@example.com', first_name => E'Zo\u00eb')});
is( $node->safe_psql(
		'latin', q{SELECT count(*), count(*) FILTER (WHERE leaf_hash <> devapp_internal.audit_leaf_hash(e)) FROM devapp.audit_event e}),
	'4|0', 'and hashes that hold');

# ---------- replication ----------

my $events = 'SELECT count(*) FROM devapp.audit_event';
my $before = $node->safe_psql('postgres', $events);
$node->safe_psql('postgres', "SET session_replication_role = replica; $change");
is($node->safe_psql('postgres', $events), $before, 'a superuser who switches triggers off is not recorded');

# ---------- the administrator ----------

$node->safe_psql('postgres', q{SELECT devapp.setup_roles(); CREATE ROLE clerk LOGIN IN ROLE devapp_admin});
my $as_clerk = 'SET SESSION AUTHORIZATION clerk';
$node->safe_psql('postgres', "$as_clerk; SELECT devapp.act_as('bob\@example.com', is_local => false); $change");
is(last_event("devapp_internal.unmasked(actor), db_role, action, devapp_internal.unmasked(after->>'first_name')"), 'bob@example.com|clerk|update|xxxx', 'what he does is recorded');
my @trail = split /\n/, $node->safe_psql('postgres',
	q{SELECT oid::regclass FROM pg_class WHERE relnamespace = 'devapp'::regnamespace AND relname ~ '^audit_event' AND relkind IN ('r', 'p')});
cmp_ok(scalar @trail, '>=', 6, 'the trail is six tables, or more if a month has just begun');
for my $table (@trail)
{
	for my $sql ("INSERT INTO $table SELECT * FROM devapp.audit_event LIMIT 1", "UPDATE $table SET note = 'x'",
		"DELETE FROM $table", "TRUNCATE $table", "ALTER TABLE $table DISABLE ROW LEVEL SECURITY")
	{
		is(error_of($node, "$as_clerk; $sql"), '42501', "clerk is refused: $sql");
	}
}
for my $sql (q{SELECT setval('devapp.audit_event_id_seq', 1)}, q{SELECT nextval('devapp.audit_event_id_seq')},
	'ALTER TABLE devapp.app DISABLE TRIGGER audit_row', 'SELECT devapp.uuid_v7(); SET devapp.restoring = on',
	q{SELECT devapp_internal.make_audit_month('audit_event_2001_01', '2001-01-01', '2001-02-01')})
{
	is(error_of($node, "$as_clerk; $sql"), '42501', "clerk is refused: $sql");
}
is($node->safe_psql('postgres', "$as_clerk; SELECT count(*) > 0 FROM devapp.maintain_audit(4)"), 't', 'clerk may make months');
is($node->safe_psql('postgres', "$as_clerk; SELECT status FROM devapp.doctor() WHERE check_name = 'audit'"), 'ok',
	'and sees that they are there');

# ---------- owners ----------

$node->safe_psql('postgres', q{CREATE ROLE portal LOGIN; GRANT USAGE ON SCHEMA devapp TO portal;
	GRANT EXECUTE ON FUNCTION devapp.app_history, devapp.access_at, devapp.app_ref_in TO portal});
my $app = create_app($node, 'mine');
sub as_owner
{
	my ($email, $sql) = @_;

	return error_of($node, qq{SET SESSION AUTHORIZATION portal; SET request.jwt.claims = '{"email": "$email", "email_verified": true}'; $sql});
}
my %look = (
	app_history => "SELECT 1/count(*) FROM devapp.app_history('$app->{app_id}')",
	access_at => "SELECT 1/count(*) FROM devapp.access_at('$app->{app_id}', '/weather/x', 'GET') WHERE allowed");
for my $function (sort keys %look)
{
	is(as_owner('ada@example.com', $look{$function}), '00000', "$function: the owner's");
	is(as_owner('bob@example.com', $look{$function}), '42704', "$function: nobody else's");
	is(as_owner('nobody@example.com', $look{$function}), '42704', "$function: not a stranger's");
}
is(as_owner('ada@example.com', 'SELECT FROM devapp.audit_event'), '42501', 'the table is not for owners by itself');

# ---------- many writers, and a month in between ----------

my $apps = $node->safe_psql('postgres', q{SELECT count(*) FROM
	(SELECT devapp.create_app('many' || i, developer => 'ada@example.com', products => '{weather}') FROM generate_series(1, 40) AS i) AS x});
my $script = PostgreSQL::Test::Utils::tempdir() . '/script.sql';
append_to_file($script, q{
	\set n random(1, 40)
	UPDATE devapp.app SET description = coalesce(description, '') || :client_id WHERE name = 'many' || :n;
});
# the present month is gone, and the one that may begin meanwhile, as if nobody had made them
$node->safe_psql('postgres', q{DO $$ BEGIN EXECUTE format('DROP TABLE devapp.%I, devapp.%I', to_char(now() AT TIME ZONE 'UTC', '"audit_event_"YYYY_MM'),
	to_char(date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month', '"audit_event_"YYYY_MM')); END $$});
my $bench = IPC::Run::start([ 'pgbench', '-n', '-c', '4', '-t', '200', '-f', $script, '-p', $node->port, '-h', $node->host, 'postgres' ],
	'>', \my $out, '2>', \my $err);
$node->poll_query_until('postgres', 'SELECT count(*) > 20 FROM devapp.audit_event_default') or die 'nobody writes';
is($node->safe_psql('postgres', 'SELECT bool_or(moved > 0) FROM devapp.maintain_audit()'), 't', 'the month is made meanwhile');
ok($bench->finish, 'no writer failed') or diag($err);
is( $node->safe_psql(
		'postgres', q{SELECT count(*), count(DISTINCT event_id), count(DISTINCT transaction_id), count(*) FILTER (WHERE leaf_hash <> devapp_internal.audit_leaf_hash(e)),
			bool_and(tableoid::regclass::text ~ '\d{4}_\d\d$')
		  FROM devapp.audit_event e WHERE entity = 'app' AND action = 'update'}),
	'800|800|800|0|t', 'each change has its event, in the month');
is( $node->safe_psql(
		'postgres', q{SELECT count(*) FROM devapp.app a
		WHERE a.name ~ '^many' AND a.description IS DISTINCT FROM
			(SELECT e.after->>'description' FROM devapp.audit_event e WHERE e.entity = 'app' AND e.entity_id = a.app_id::text ORDER BY e.event_id DESC LIMIT 1)}),
	'0', 'and the last of a row tells what the row is');

done_testing();
