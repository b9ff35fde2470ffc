# Behind a connection pool: pgbouncer in transaction mode gives each transaction of a
# client to whichever backend is free, and every one of them remembers on its own.
#
# A change counts in all of them as soon as it is committed; within a transaction the
# client's own uncommitted changes count, and nobody else's; prepared statements and
# clients beyond the size of the pool get no error and no wrong verdict.  Whoever acts in one
# client's transaction does not act in another's.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($pgbouncer) = grep { -x $_ } map { "$_/pgbouncer" } split(/:/, $ENV{PATH}), '/usr/sbin';
plan skip_all => 'pgbouncer is not installed' unless $pgbouncer;

my $POOL = 2;

my $node = start_server('main');
make_program($node);
my $app = create_app($node, 'pooled');
my $user = $node->safe_psql('postgres', 'SELECT current_user');
$node->safe_psql(
	'postgres', q{
	SELECT devapp.setup_roles();
	SELECT devapp.create_developer('bob@example.com');
	CREATE ROLE authenticator LOGIN NOINHERIT IN ROLE devapp_developer;
	CREATE ROLE portal LOGIN IN ROLE devapp_developer;
	GRANT EXECUTE ON FUNCTION devapp.act_as TO devapp_developer});

# ---------- the pool ----------

my $folder = PostgreSQL::Test::Utils::tempdir();
my $sockets = PostgreSQL::Test::Utils::tempdir_short();
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $bouncer;

append_to_file("$folder/users.txt", qq{"$user" ""\n});
append_to_file("$folder/pgbouncer.ini", "[databases]
postgres = host=" . $node->host . " port=" . $node->port . " user=$user
rest = dbname=postgres host=" . $node->host . " port=" . $node->port . " user=authenticator pool_size=1
portal = dbname=postgres host=" . $node->host . " port=" . $node->port . " user=portal pool_size=1
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $port
unix_socket_dir = $sockets
auth_type = trust
auth_file = $folder/users.txt
admin_users = $user
pool_mode = transaction
default_pool_size = $POOL
server_round_robin = 1
max_client_conn = 100
ignore_startup_parameters = extra_float_digits,options
logfile = $folder/pgbouncer.log
pidfile = $folder/pgbouncer.pid
");

sub start_pool
{
	my ($out, $err) = ('', '');

	$bouncer = IPC::Run::start([ $pgbouncer, "$folder/pgbouncer.ini" ],
		'<', \undef, '>', \$out, '2>', \$err);
	for (1 .. 100)
	{
		return if ask_quietly("host=$sockets port=$port", 'SELECT 1') eq '1';
		select undef, undef, undef, 0.1;
	}
	die "pgbouncer does not answer: " . slurp_file("$folder/pgbouncer.log");
}

# Does it end, when its clients are gone?
sub stop_pool
{
	return unless $bouncer;
	$bouncer->signal('INT');
	my $ended = $bouncer->finish;
	undef $bouncer;
	return $ended;
}

# also if the test dies
END
{
	my $status = $?;
	$bouncer->kill_kill if $bouncer;
	$? = $status;
}

sub ask_quietly
{
	my ($where, $sql) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run([ 'psql', '-XAtq', '-c', $sql, "$where dbname=postgres user=$user" ],
		'<', \undef, '>', \$out, '2>', \$err);
	chomp $out;
	return $out;
}

start_pool();
my @ways = ("host=$sockets port=$port", "host=127.0.0.1 port=$port");
is(ask_quietly($_, 'SELECT 1'), '1', "the pool answers at $_") for @ways;

# A client of the pool that stays.
sub client
{
	my ($way, $db) = @_;

	local $ENV{PGHOST} = $way =~ /host=(\S+)/ ? $1 : die;
	local $ENV{PGPORT} = $port;
	my %client = (in => '', out => '', err => '');
	$client{run} = IPC::Run::start(
		[ 'psql', '-XAtq', '-d', $db || 'postgres', '-U', $user, '-v', 'VERBOSITY=verbose' ],
		'<', \$client{in}, '>', \$client{out}, '2>', \$client{err},
		IPC::Run::timer($PostgreSQL::Test::Utils::timeout_default));
	return \%client;
}

# Send to some clients at once, then wait for the answers of all.
sub query_all
{
	my ($sql, @clients) = @_;
	my @answers;

	for my $client (@clients)
	{
		$client->{out} = '';
		$client->{in} .= "$sql;\n\\echo done\n";
		$client->{run}->pump_nb;
	}
	for my $client (@clients)
	{
		$client->{run}->pump until $client->{out} =~ /^done\n/m;
		die $client->{err} if $client->{err};
		$client->{out} =~ s/done\n\z//;
		chomp $client->{out};
		push @answers, $client->{out};
	}
	return @answers;
}

my @clients = map { client($ways[ $_ % 2 ]) } 1 .. 20;

# All different answers, each once.
sub distinct
{
	my %seen = map { $_ => 1 } @_;
	return join ' & ', sort keys %seen;
}

# In each backend of the pool, by as many transactions at once: a barrier keeps each
# open until all have begun.
my @held = @clients[ 0 .. $POOL - 1 ];

sub in_each_backend
{
	my ($sql) = @_;
	my @pids;
	my @answers;

	for my $client (@held)
	{
		my ($answer) = query_all("BEGIN; SELECT pg_backend_pid()", $client);
		push @pids, $answer;
	}
	push @answers, query_all("$sql; COMMIT", @held);
	return (\@answers, scalar keys %{ { map { $_ => 1 } @pids } });
}

# ---------- a change counts in every backend ----------

my $ask = key_codes($app->{secret});
my $key = $app->{secret};
my $id = $app->{credential_id};
my %backends;

for my $round (1 .. 3)
{
	for my $change (changes($app))
	{
		my ($name, $verdict, $do, $undo) = @$change;

		# the last change leaves the next version of the secret behind
		$node->safe_psql('postgres', $do);
		my ($answers, $backends) = in_each_backend($ask);
		is(distinct(@$answers), $verdict, "round $round: $name changed: each of $backends backends");
		$backends{$backends} = 1;
		is(distinct(query_all($ask, @clients)), $verdict, "$name changed: 20 clients");
		$node->safe_psql('postgres', $undo);
		is(distinct(query_all($ask, @clients)), 'VALID', "$name changed back: 20 clients");
	}
}
is(distinct(keys %backends), $POOL, 'each round reached all backends of the pool');

for my $round (1 .. 5)
{
	my $new = rotate($node, $id, '1 hour');

	is(distinct(query_all(key_codes($key, $new->{secret}), @clients)),
		'VALID VALID', "rotation $round: both keys");
	$node->safe_psql('postgres', "SELECT devapp.complete_rotation('$id')");
	is(distinct(query_all(key_codes($key, $new->{secret}), @clients)),
		'SUPERSEDED VALID', "rotation $round completed");
	$key = $new->{secret};
}
$ask = key_codes($key);

# ---------- own uncommitted changes ----------

my ($writer, $other) = @held;

for my $end (qw(ROLLBACK COMMIT))
{
	query_all("BEGIN; SELECT FROM devapp.revoke_credential('$id')", $writer);
	is(distinct(query_all($ask, $writer)), 'CREDENTIAL_REVOKED', "$end: own change is seen");
	is(distinct(query_all($ask, grep { $_ != $writer } @clients)),
		'VALID', "$end: by no other client");
	query_all("SAVEPOINT s; SELECT FROM devapp.approve_credential('$id')", $writer);
	is(distinct(query_all($ask, $writer)), 'VALID', "$end: undone after a savepoint");
	query_all('ROLLBACK TO s', $writer);
	is(distinct(query_all($ask, $writer)), 'CREDENTIAL_REVOKED', "$end: ROLLBACK TO");
	query_all($end, $writer);
	is(distinct(query_all($ask, @clients)),
		$end eq 'COMMIT' ? 'CREDENTIAL_REVOKED' : 'VALID', "$end: for all clients");
}
query_all("BEGIN; SELECT FROM devapp.approve_credential('$id'); COMMIT", $other);
is(distinct(query_all($ask, @clients)), 'VALID', 'a change through the pool counts for all');

$_->{in} .= "\\q\n" for @clients;
$_->{run}->finish for @clients;

# ---------- who acts ----------

# Two clients of one server connection, of a backend that says who acts and of PostgREST.
my $actor = 'SELECT actor, source FROM devapp.whoami()';
my $set_claims = q{SELECT set_config('request.jwt.claims', '{"email": "bob@example.com", "email_verified": true}', true) <> ''};

for my $db (qw(portal rest))
{
	my ($one, $two) = map { client($_, $db) } @ways;
	my $role = $db eq 'rest' ? 'SET LOCAL ROLE devapp_developer;' : '';
	my $begin = "BEGIN; $role SELECT devapp.act_as('ada\@example.com')";

	my %pids = map { $_ => 1 } query_all('SELECT pg_backend_pid()', $one, $two);
	is(scalar keys %pids, 1, "$db: two clients, one server connection");
	is(join(' ', query_all("$begin; $actor", $one)), "ada\@example.com\nada\@example.com|devapp.act_as", "$db: act_as()");
	query_all('COMMIT', $one);
	is(join(' ', query_all("BEGIN; $role $actor; COMMIT", $two)), '|no developer was named', "$db: not in another client's transaction");
	is(join(' ', query_all("BEGIN; $role $actor; COMMIT", $one)), '|no developer was named', "$db: not in the next one's");
	query_all("$begin; SAVEPOINT s; SELECT devapp.act_as('bob\@example.com')", $one);
	query_all('ROLLBACK', $one);
	is(join(' ', query_all("BEGIN; $role $actor; COMMIT", $two)), '|no developer was named', "$db: not after a ROLLBACK");

	query_all("$begin; $set_claims", $one);
	is(join(' ', query_all($actor, $one)),
		$db eq 'rest' ? 'bob@example.com|request.jwt.claims' : 'ada@example.com|devapp.act_as',
		"$db: claims " . ($db eq 'rest' ? 'win' : 'do not count'));
	query_all('COMMIT', $one);
	is(join(' ', query_all("BEGIN; $role $actor; COMMIT", $two)), '|no developer was named', "$db: no claims in another client's transaction");
	for my $client ($one, $two)
	{
		$client->{in} .= "\\q\n";
		$client->{run}->finish;
	}
}

my ($said, $refused) = ('', '');
IPC::Run::run(
	[ 'psql', '-XAtq', '-v', 'VERBOSITY=sqlstate', '-c', 'SET ROLE devapp_developer',
		'-c', q{SELECT devapp.act_as('ada@example.com', is_local => false)},
		'-c', 'SELECT devapp.actor() IS NULL', '-c', 'RESET ROLE', "$ways[0] dbname=rest user=$user" ],
	'<', \undef, '>', \$said, '2>', \$refused);
is($refused, "ERROR:  42501\n", 'a session that many people share acts for nobody');
is($said, "t\n", 'after the error neither');

# ---------- 20 clients at full speed, while a direct connection changes ----------

# The writer says in a table what is settled: 0 of 4 the key works, 2 of 4 it does not,
# in between it is about to change.  A client that finds the same number before and
# after a verdict knows what that had to be.
$node->safe_psql('postgres',
	'CREATE TABLE step (n integer); INSERT INTO step VALUES (0);
	CREATE TABLE seen (n integer, said text, pid integer)');

append_to_file("$folder/write.sql", qq{
UPDATE step SET n = n + 1;
SELECT devapp.revoke_credential('$id');
UPDATE step SET n = n + 1;
\\sleep 5 ms
UPDATE step SET n = n + 1;
SELECT devapp.approve_credential('$id');
UPDATE step SET n = n + 1;
\\sleep 5 ms
});
append_to_file("$folder/verify.sql", q{
SELECT n AS before FROM step \gset
SELECT (devapp.verify_key(:key, '/weather/today', 'GET', 'live', 'a')).code AS said, pg_backend_pid() AS pid \gset
SELECT n AS after FROM step \gset
\set settled :before = :after and :after % 2 = 0
\if :settled
INSERT INTO seen VALUES (:after, :said, :pid);
\endif
});

my $seconds = 4;
my @bench = ('pgbench', '-n', '-U', $user, '-T', $seconds);
my ($count, $steps, $pids) = (0, 0, 0);

# A slow server, like one with assertions, needs more than one round for that many.
for my $round (1 .. 40)
{
	my ($out, $err) = ('', '');
	my $write = IPC::Run::start(
		[ @bench, '-f', "$folder/write.sql", '-h', $node->host, '-p', $node->port, 'postgres' ],
		'<', \undef, '>', "$folder/write.out", '2>&1');

	ok( IPC::Run::run(
			[ @bench, '-M', 'extended', '-c', 20, '-D', "key=$key", '-f', "$folder/verify.sql",
				'-h', $sockets, '-p', $port, 'postgres' ],
			'<', \undef, '>', \$out, '2>', \$err),
		'pgbench -M extended through the pool') or diag($err);
	unlike($err, qr/ERROR|abort/, 'without an error');
	ok($write->finish, 'so does the writer') or diag(slurp_file("$folder/write.out"));
	($count, $steps, $pids) = split /\|/, $node->safe_psql('postgres',
		'SELECT count(*), count(DISTINCT n), count(DISTINCT pid) FROM seen');
	last if $count >= 300 && $steps >= 20 && $pids == $POOL;
}

my $verdicts = $node->safe_psql('postgres', q{
	SELECT string_agg(format('%s %s', CASE n % 4 WHEN 0 THEN 'approved' ELSE 'revoked' END, said), ', ' ORDER BY n % 4, said)
	  FROM (SELECT DISTINCT n % 4 AS n, said FROM seen) AS x});
is($verdicts, 'approved VALID, revoked CREDENTIAL_REVOKED', 'each settled verdict is right')
  or diag($node->safe_psql('postgres', q{
	SELECT n, said, pid, count(*) FROM seen
	 WHERE said <> CASE n % 4 WHEN 0 THEN 'VALID' ELSE 'CREDENTIAL_REVOKED' END
	 GROUP BY n, said, pid ORDER BY n LIMIT 10}));

cmp_ok($count, '>=', 300, "$count settled verdicts");
cmp_ok($steps, '>=', 20, "of $steps states");
is($pids, $POOL, 'in all backends of the pool');

ok(stop_pool(), 'pgbouncer ends when it is told to');
done_testing();
