# A streaming standby: it verifies, and what the primary changes counts there once
# it is replayed, in sessions and transactions that are open already.  Promoted,
# it issues keys of its own.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Cluster;
use Test::More;

my $primary = start_server('primary', undef, init => { allows_streaming => 1 });
make_program($primary);
my $app = create_app($primary, 'replicated');

$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby);

# A key of the right shape that no table has.
my $unknown = $primary->safe_psql('postgres',
	"BEGIN; SELECT secret FROM devapp.create_app('gone', 'ada\@example.com'); ROLLBACK;");

is($standby->safe_psql('postgres', 'SELECT pg_is_in_recovery()'),
	't', 'it is a standby');
is(codes($standby, [ $app->{secret}, $unknown, 'no key', '', undef ]),
	'VALID NOT_FOUND MALFORMED MALFORMED MALFORMED',
	'valid, unknown and malformed keys have their verdicts');
is( $standby->safe_psql(
		'postgres',
		"SELECT (devapp.verify_digest(sha256('$app->{secret}'), $Devapp::CALL)).code,
			(devapp.verify_client('$app->{consumer_key}', '$app->{secret}', $Devapp::CALL)).code,
			devapp.allows('$app->{secret}', $Devapp::CALL),
			devapp.allows('$unknown', $Devapp::CALL)"),
	'VALID|NOT_FOUND|t|f',
	'verify_digest, verify_client, allows');
is( error_of($standby, "SELECT devapp.create_app('no', 'ada\@example.com')"),
	'25006',
	'create_app is refused');

# ---------- replay ----------

# Two sessions that have all resolved before the primary changes anything.
my $session = $standby->background_psql('postgres');
my $old_snapshot = $standby->background_psql('postgres');
my $query = key_codes($app->{secret});

is($session->query_safe($query), 'VALID', 'open session: before');
$old_snapshot->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
is($old_snapshot->query_safe("SELECT status FROM devapp.credential; $query"),
	"approved\nVALID", 'open transaction: before');

# on_primary(SQL, more): runs it, and waits for its replay
sub on_primary
{
	my ($sql) = @_;

	$primary->safe_psql('postgres', $sql);
	$primary->wait_for_catchup($standby);
	return;
}

for my $change (changes($app))
{
	my ($name, $verdict, $do, $undo) = @$change;

	on_primary($do);
	is($session->query_safe($query), $verdict, "$name changed: open session");
	is($old_snapshot->query_safe($query),
		$verdict, "$name changed: open transaction with an old snapshot");
	is(code($standby, $app->{secret}), $verdict, "$name changed: new session");
	on_primary($undo);
	is($session->query_safe($query), 'VALID', "$name changed back: open session");
}
is($old_snapshot->query_safe('SELECT count(*), max(version) FROM devapp.credential_secret'),
	'1|1', 'the transaction still has its old snapshot');
$old_snapshot->query_safe('COMMIT');
$old_snapshot->quit;

my $rotated = rotate($primary, $app->{credential_id}, '1 hour');
$primary->wait_for_catchup($standby);
is( $session->query_safe(key_codes($app->{secret}, $rotated->{secret})),
	'VALID VALID',
	'rotated: both secrets work');
is( $session->query_safe(
		"SELECT (devapp.verify_key('$app->{secret}', $Devapp::CALL)).superseded_until > now(),
			(devapp.verify_key('$rotated->{secret}', $Devapp::CALL)).superseded_until IS NULL"),
	't|t',
	'and the old one says until when');
on_primary("SELECT devapp.complete_rotation('$app->{credential_id}')");
is( $session->query_safe(key_codes($app->{secret}, $rotated->{secret})),
	'SUPERSEDED VALID',
	'rotation completed');

# ---------- over HTTP ----------

$primary->safe_psql('postgres', q{SELECT devapp_internal.setup_products(); SELECT devapp.create_team('ops')});
my $manager = $primary->safe_psql('postgres',
	q{SELECT secret FROM devapp.create_app('console', team => 'ops', products => '{devapp-admin}'); SELECT FROM devapp.approve_app('team:ops/console')});
chomp $manager;
$primary->wait_for_catchup($standby);

# answer(method, body): status and body
sub answer
{
	my ($method, $body) = @_;

	return $standby->safe_psql('postgres', "SELECT status, convert_from(body, 'UTF8') FROM devapp_api.handle('$method', '/v1/o/x/developers', NULL,
		'{\"Authorization\": \"Bearer $manager\"}', '$body')");
}
is(answer('GET', ''), '200|["ada@example.com"]', 'handle() answers what only reads');
like(answer('POST', '{"email": "bob@example.com", "firstName": "B", "lastName": "B", "userName": "b"}'), qr/^503\|\{"code":"keymanagement.service.ServiceUnavailable"/, 'and says that it cannot write');

# the tables themselves are replaced
on_primary('DROP EXTENSION devapp');
is(error_of($standby, $query), '42883', 'DROP EXTENSION is replayed');
make_program($primary);
my $second = create_app($primary, 'second');
$primary->wait_for_catchup($standby);
is( $session->query_safe(key_codes($second->{secret}, $rotated->{secret})),
	'VALID NOT_FOUND',
	'the open session finds the new tables');

# ---------- promotion ----------

$standby->promote;
my $own = create_app($standby, 'own');
is( $session->query_safe(key_codes($own->{secret}, $second->{secret})),
	'VALID VALID',
	'promoted: an open session verifies a new key and an old one');
is(codes($standby, [ $own->{secret}, $second->{secret} ]),
	'VALID VALID', 'so does a new session');
is(code($primary, $own->{secret}), 'NOT_FOUND', 'the old primary knows nothing of it');
$session->quit;

done_testing();
