# What a standby counts reaches the tables of its primary, each call once, whatever
# happens to either of them or on the way.  Where it cannot be sent it is kept, and a
# promoted standby writes it to its own tables.

use strict;
use warnings FATAL => 'all';

use File::Copy qw(copy);
use FindBin;
use IO::Socket::UNIX;
use POSIX ();
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $password = 'Koenigsallee17';
my $primary = start_server('primary', "shared_preload_libraries = 'devapp'
devapp.flush_interval = 1
restart_after_crash = on", init => { allows_streaming => 1 });
unlink $primary->data_dir . '/pg_hba.conf';
$primary->append_conf('pg_hba.conf', "local all shipper scram-sha-256\nlocal all all trust\nlocal replication all trust");
$primary->reload;
make_program($primary);
my $app = create_app($primary, 'caller');
$primary->safe_psql('postgres', "CREATE ROLE shipper LOGIN PASSWORD '$password'; CREATE DATABASE second");
make_program($primary, db => 'second');
$primary->safe_psql($_, 'GRANT USAGE ON SCHEMA devapp TO shipper; GRANT EXECUTE ON FUNCTION devapp.receive_usage TO shipper')
  for qw(postgres second);
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->append_conf('postgresql.conf', 'shared_buffers = 32MB'); # its processes need not write other files
$standby->start;

my $address = 'host=' . $primary->host . ' port=' . $primary->port . ' user=shipper';
my $spool = $standby->data_dir . '/pg_stat';
my $pretended = PostgreSQL::Test::Utils::tempdir_short();
my $expected = 0;

# calls(n): on the standby
sub calls
{
	my ($n) = @_;
	$standby->safe_psql('postgres',
		"SELECT count(devapp.verify_key('$app->{secret}', '/weather/today', 'GET', 'live', 'a')) FROM generate_series(1, $n) AS n");
	$expected += $n;
	return;
}

# All calls are there, in minutes and hours, and none is on its way.
sub arrives
{
	my ($name, $node) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	$node = $primary unless $node;
	my $ok = $node->poll_query_until('postgres',
		"SELECT (SELECT sum(calls) FROM devapp.usage_minute) >= $expected AND (SELECT sum(calls) FROM devapp.usage_hour) >= $expected");
	$ok = $ok && ($node == $standby ? $node : $standby)->poll_query_until('postgres', 'SELECT slots_used = 0 FROM devapp.worker_status')
	  && wait_for_files(0);
	is($node->safe_psql('postgres', 'SELECT sum(calls) FROM devapp.usage_minute'), $expected, $name);
	return;
}

sub files
{
	my @files = glob "$spool/devapp_ship_*";
	return @files;
}

sub wait_for_files
{
	my ($n) = @_;
	for (1 .. 1800)
	{
		return 1 if files() == $n;
		select undef, undef, undef, 0.1;
	}
	return 0;
}

# What the standby says went wrong becomes this.
sub fails
{
	my ($like, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	$standby->poll_query_until('postgres', "SELECT coalesce(last_error ~ " . literal($like) . ", false) FROM devapp.worker_status");
	like($standby->safe_psql('postgres', 'SELECT last_error FROM devapp.worker_status'), qr/$like/, $name);
	return;
}

# By a restart, because a server logs what a reload changes.
sub set_conninfo
{
	my ($conninfo) = @_;
	$standby->append_conf('postgresql.conf', "devapp.primary_conninfo = '$conninfo'");
	$standby->restart;
	return;
}

# A session that keeps the primary from counting.
sub hold
{
	my $session = $primary->background_psql('postgres');
	$session->query_safe(q{BEGIN; SELECT FROM devapp.housekeeping WHERE task = 'maintain_usage' FOR UPDATE});
	return $session;
}

# A shipper waits at the primary.
sub wait_for_shipper
{
	$primary->poll_query_until('postgres',
		q{SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'devapp shipper' AND wait_event_type = 'Lock'}) or die;
	return;
}

# ---------- off, and wrong ----------

calls(9);
$standby->poll_query_until('postgres', 'SELECT worker_pid IS NOT NULL FROM devapp.worker_status') or die;
is($standby->safe_psql('postgres', 'SELECT slots_used > 0, errors, flushes FROM devapp.worker_status'), 't|0|0', 'without an address the counts are kept');
like(doctor($standby, 'metering'), qr/^ok\|/, 'and doctor is content');

set_conninfo("$address password=wrong$password");
fails('could not ship usage to the primary: .*password authentication failed', 'a wrong password');
like(doctor($standby, 'metering'), qr/^warning\|the last flush or shipment failed: could not ship usage/, 'doctor says so');
set_conninfo("nonsense $password");
fails('devapp.primary_conninfo is not a valid connection string', 'no connection string');
$primary->safe_psql('postgres', 'REVOKE EXECUTE ON FUNCTION devapp.receive_usage FROM shipper');
set_conninfo("$address password=$password");
fails('permission denied for function receive_usage', 'no right');
is(scalar(files()), 1, 'what was taken is in a file');
$primary->safe_psql('postgres', 'GRANT EXECUTE ON FUNCTION devapp.receive_usage TO shipper');

# ---------- on ----------

arrives('then they arrive');
is($standby->safe_psql('postgres', q{SELECT last_flush_at > now() - interval '1 minute', last_rows > 0, flushes > 0 FROM devapp.worker_status}),
	't|t|t', 'worker_status of the standby');
like(doctor($standby, 'metering'), qr/^ok\|/, 'doctor is content again');
is($standby->safe_psql('postgres', q{SELECT last_housekeeping_at IS NULL AND housekeeping_errors = 0 FROM devapp.worker_status}), 't', 'no housekeeping on a standby');

$standby->safe_psql('postgres',
	"SELECT devapp.record_usage('$app->{credential_id}', 'weather', s, '20 ms') FROM unnest(ARRAY[200, 200, 404, 503]) AS s");
$primary->poll_query_until('postgres', 'SELECT count(*) > 0 FROM devapp.usage_latency');
is($primary->safe_psql('postgres', 'SELECT sum(calls), sum(client_errors), sum(server_errors), max(latency_max) FROM devapp.usage_latency'),
	'4|1|1|00:00:00.02', 'how calls went arrives as well');
$standby->safe_psql('second', "SELECT devapp.verify_key('x', $Devapp::CALL)");
ok($primary->poll_query_until('second', 'SELECT coalesce(sum(calls), 0) = 1 FROM devapp.usage_minute'), 'calls of another database arrive there');
my $names = join ',', 'live', map { "e$_" } 1 .. 300;
$primary->safe_psql('postgres', "SELECT devapp.create_product('wide', environments => '{$names}');
	CREATE TABLE wide AS SELECT a.secret FROM generate_series(1, 200) n, devapp.create_app('wide' || n, 'ada\@example.com', products => '{wide}') a");
$primary->wait_for_catchup($standby);
# counters by the thousand: a call of each app of these in each environment
my $many_calls = q{SELECT count(devapp.verify_key(secret, '/x', 'GET', 'e' || e)) FROM wide, generate_series(1, %d) AS e};
$standby->safe_psql('postgres', sprintf $many_calls, 300);
$expected += 60000;
arrives('more than one shipment holds');
is($primary->safe_psql('postgres', 'SELECT max(counters) <= 50000, sum(counters) >= 60000 FROM devapp.usage_shipment'), 't|t', 'in several');

# ---------- what happens to the primary ----------

$primary->stop('immediate');
calls(7);
fails('could not ship usage to the primary: .*connection to server', 'the primary is away');
$primary->start;
arrives('it is back');

# A server that takes connections and is no primary: what it does with the next one is
# up to the function, in a process of its own.
sub pretend
{
	my ($function) = @_;
	my $path = "$pretended/.s.PGSQL.5432";

	unlink $path;
	my $listen = IO::Socket::UNIX->new(Local => $path, Listen => 5) or die "$path: $!";
	chmod 0777, $path;
	my $child = fork;
	if ($child == 0)
	{
		while (my $connection = $listen->accept)
		{
			$connection->sysread(my $startup, 10000);
			$function->($connection);
		}
		POSIX::_exit(0);
	}
	$standby->reload; # it tries again now, rather than some time later
	return $child;
}

# Authentication is over, the server is ready.
sub welcome
{
	my ($connection) = @_;
	$connection->syswrite("R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I");
	return;
}

# ---------- what is no primary ----------

# a database whose extension is dropped before its counts are sent, and one that is gone
$primary->safe_psql('postgres', 'CREATE DATABASE third');
make_program($primary, db => 'third');
$primary->wait_for_catchup($standby);
my $third = $primary->safe_psql('postgres', q{SELECT oid FROM pg_database WHERE datname = 'third'});
for my $oid ($third, 4000000)
{
	open my $left, '>', "$spool/devapp_ship_${oid}_00000000-0000-7000-8000-000000000001.stat" or die;
	close $left;
}
set_conninfo("host=$pretended port=5432 dbname=nonsense user=shipper");
$standby->safe_psql('third', "SELECT devapp.verify_key('x')");
$primary->safe_psql('third', 'DROP EXTENSION devapp');
$primary->wait_for_catchup($standby);
$standby->reload;
ok(wait_for_files(0), 'files that have nowhere to go are removed');
$standby->safe_psql('postgres', sprintf $many_calls, 100);
$expected += 20000;
for my $case (
	[ 'it closes the connection', 'server closed the connection unexpectedly', sub { } ],
	[ 'it says something and closes it in the middle of a shipment', 'server closed the connection unexpectedly|could not (send|receive)',
		sub { welcome($_[0]); $_[0]->sysread(my $some, 1000); $_[0]->syswrite("S\0\0\0\x08a\0b\0"); sleep 1 } ],
	[ 'it closes it when it has all of the shipment', 'server closed the connection unexpectedly',
		sub { welcome($_[0]); my $all = ''; 1 while $all !~ /S\0\0\0\x04\z/ && $_[0]->sysread($all, 100000, length $all) } ],
	[ 'its error has no message', 'ERROR:',
		sub { welcome($_[0]); my $all = ''; 1 while $all !~ /S\0\0\0\x04\z/ && $_[0]->sysread($all, 100000, length $all);
			$_[0]->syswrite("E\0\0\0\x13SERROR\0C55000\0\0Z\0\0\0\x05I"); sleep 1 } ],
	[ 'it does not answer', 'the primary does not answer', sub { sleep 15 } ])
{
	my ($name, $like, $function) = @$case;
	my $child = pretend($function);
	fails("could not ship usage to the primary: .*($like)", $name);
	kill 'KILL', $child;
	waitpid $child, 0;
}
set_conninfo("$address password=$password dbname=nonsense");
arrives('none of it is lost, nor counted twice');

# ---------- what happens to the standby ----------

my $session = hold();
calls(5);
wait_for_shipper();
my ($file) = files();
copy($file, "$spool/copy") or die;
my $pid = $standby->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'devapp shipper'});
kill_process($standby, $pid);
$session->query_safe('COMMIT');
$session->quit;
arrives('a shipper is killed while the primary counts');

# sent again, after it was counted
copy("$spool/copy", $file) or die;
$standby->restart;
ok(wait_for_files(0), 'a shipment that comes again is taken');
arrives('and not counted again');

# the end of the standby, while it waits for the primary
$session = hold();
calls(3);
wait_for_shipper();
$standby->stop('fast');
$primary->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'devapp shipper'});
$session->quit;
is(scalar(files()), 1, 'what was on its way outlives the end of the server');
append_to_file("$file.tmp", 'what a crash leaves of a file');
$standby->start;
arrives('and is sent after the start');

# shippers are ended whenever one is met, and the primary crashes now and then
my $ended = 0;
for my $round (1 .. 120)
{
	calls(3);
	$ended += $standby->safe_psql('postgres',
		q{SELECT count(CASE WHEN backend_type = 'devapp shipper' THEN pg_terminate_backend(pid) END) FROM pg_stat_activity});
	next if $round % 40;
	$primary->stop('immediate');
	$primary->start;
}
note("$ended shippers were ended");
arrives('each call is counted once, whoever was ended');

# a full disk
SKIP:
{
	skip 'root may write everywhere', 3 if $> == 0;
	chmod 0500, $spool or die;
	calls(2);
	fails('a file in "pg_stat" could not be written', 'no file can be written');
	is($standby->safe_psql('postgres', 'SELECT slots_used > 0 FROM devapp.worker_status'), 't', 'the counts are in memory');
	chmod 0700, $spool or die;
	arrives('and are sent when there is room');
}

# a file that does not fit: what starts from now on may write no more than this into one,
# so what is done meanwhile is done by a session from before
SKIP:
{
	skip 'there is no prlimit', 3 unless grep { -x "$_/prlimit" } split /:/, $ENV{PATH};
	my @limit = ('prlimit', '--pid', $standby->{_pid});
	my ($hard) = run_command([ @limit, qw(--fsize --output HARD --noheadings --raw) ]);
	my $session = $standby->background_psql('postgres');
	system(@limit, '--fsize=1000000:') == 0 or die;
	$session->query_safe(sprintf $many_calls, 100);
	$expected += 20000;
	my $error = '';
	for (1 .. 1800)
	{
		$error = $session->query_safe('SELECT last_error FROM devapp.worker_status');
		last if $error =~ /too large/;
		select undef, undef, undef, 0.1;
	}
	like($error, qr/a file in "pg_stat" could not be written: File too large/, 'a file is too large');
	is(scalar(grep { /tmp$/ } glob "$spool/*"), 0, 'nothing is left of it');
	system(@limit, "--fsize=$hard:") == 0 or die;
	$session->quit;
	arrives('the counts were kept');
}

# ---------- what else may call it ----------

my $copy = "pg_read_binary_file('$spool/copy')";
is($primary->safe_psql('postgres', "SELECT devapp.receive_usage('00000000-0000-7000-8000-000000000000', $copy)"), 0, 'a shipment that is too old');
is(error_of($primary, "SELECT devapp.receive_usage('00000000-0000-4000-8000-000000000000', $copy)"), '22023', 'an id without a time');
is(error_of($primary, "SELECT devapp.receive_usage(devapp.uuid_v7(), $_)"), '22P03', "not counts: $_")
  for "''", "'\\x00'", "substr($copy, 2)", "set_byte($copy, 20, get_byte($copy, 20) # 1)", "$copy || $copy";
is(error_of($primary, "SELECT devapp.receive_usage(devapp.uuid_v7(), NULL)"), '22023', 'null');

# rows as a standby could have counted them
my ($minute, @ids) = split /\|/, $primary->safe_psql('postgres',
	q{SELECT extract(epoch FROM minute - timestamptz '2000-01-01 UTC')::bigint / 60, app_id, credential_id, product_id
	    FROM devapp.usage_minute WHERE product_id IS NOT NULL ORDER BY minute DESC LIMIT 1});
my ($app_id, $credential_id, $product_id) = map { s/-//gr =~ s/(..)/chr hex $1/ger } @ids;
my $day = $minute - $minute % 1440;
my %call = (kind => 1, minute => $minute, version => 1, app => $app_id, credential => $credential_id, product => $product_id,
	count => 1, max => $minute * 60000000);
my %response = (kind => 2, minute => $day, app => $app_id, product => $product_id, count => 3, sum => 60, min => 10, max => 30);

# what is wrong with a shipment: nothing, or the reason of its refusal
sub refusal
{
	my ($bytes) = @_;
	my $file = $primary->basedir . '/shipment';

	open my $out, '>:raw', $file or die;
	print $out $bytes;
	close $out;
	my ($state, $report) = error_of($primary,
		"BEGIN; SELECT devapp.receive_usage(devapp.uuid_v7(), pg_read_binary_file('$file')); ROLLBACK");
	return 'nothing' if $state eq '00000';
	return $report =~ /ERROR:  22P03: invalid shipment of counts: (.*)/ ? $1 : $report;
}

# counts that nobody can have counted stop at what a bigint holds, and stop nothing else
my %most = (%call, count => 1000000000, sum => 1000000000000000000);
my $forged = unpack 'H*', counters((\%most) x 9);
is($primary->safe_psql('postgres', "BEGIN; SELECT devapp.receive_usage(devapp.uuid_v7(), '\\x$forged') FROM generate_series(1, 2);
	SELECT devapp_internal.roll_up_usage() > 0; SELECT max(cost) FROM devapp.usage_day; ROLLBACK"), "9\n9\nt\n9223372036854775807", 'costs that are too large');

is(refusal(counters(\%call, \%response, { kind => 1, code => 1, minute => $minute, count => 1, max => $minute * 60000000 + 59999999 })),
	'nothing', 'a call, a response and a call with no known key are taken');
is(refusal(counters({ %call, environment => 'e' x 24, operation => $product_id, sum => 5 })), 'nothing', 'and all that a call can have');
is(refusal(counters()), 'nothing', 'and no rows');
my $header = substr counters(), 0, 8;
my $cut = 'it was made by another version of devapp, or is not a shipment';
for my $case (
	[ 'it is damaged', $header ],
	[ 'it is too short', sealed_counters(substr $header, 0, 7) ],
	[ $cut, sealed_counters('x' . substr $header, 1) ],
	[ $cut, sealed_counters(substr($header, 0, 4) . pack 'L', 128) ],
	[ 'it ends within a row', sealed_counters($header . 'x' x 135) ],
	[ 'it has too many rows', sealed_counters($header . "\0" x (136 * 50001)) ],
	[ 'a count is zero', counters({ %call, count => 0 }) ],
	[ 'a count is too large', counters(\%call, { %call, count => 1000000001 }) ],
	[ 'a count is too large', counters({ %response, count => 9223372036854775807, sum => 9223372036854775807 }) ],
	[ 'a cost is too large', counters(\%call, { %call, sum => 1000000001 }) ],
	[ 'a cost is too large', counters({ %call, sum => 9223372036854775807 }) ],
	[ 'counts are too large', counters((\%most) x 10) ],
	[ 'a time is out of range', counters({ %call, minute => $minute - 3661 * 1440 }) ],
	[ 'a time is out of range', counters({ %call, minute => $minute + 2 * 1440 }) ],
	[ 'a kind of row is unknown', counters({ %call, kind => 3 }) ],
	[ 'a kind of row is unknown', counters(\%call, { %call, kind => 0 }) ],
	[ 'a verdict is unknown', counters({ %call, code => 27 }) ],
	[ 'a verification has a latency', counters({ %call, bin => 2 }) ],
	(map { [ 'a call that costs nothing belongs to a lease', counters({ %call, bin => 1, @$_ }) ] } [ sum => 0 ], [ code => 3, sum => 0 ]),
	[ 'a refused call has a cost', counters({ %call, code => 3, sum => 1 }) ],
	(map { [ q{a credential, its app and its version do not match}, counters({ %call, @$_ }) ] }
		[ app => '' ], [ credential => '' ], [ version => 0 ], [ version => -1 ], [ app => '', credential => '' ],
		[ app => '', credential => '', version => -1 ]),
	[ 'an operation has no product', counters({ %call, operation => $product_id, product => '' }) ],
	[ 'an environment has bytes after its end', counters({ %call, environment => "e\0e" }) ],
	[ 'a last call is outside its minute', counters({ %call, max => $call{max} + 60000000 }) ],
	[ 'an outcome is unknown', counters({ %response, code => 3 }) ],
	[ 'a latency is out of range', counters({ %response, bin => 146 }) ],
	[ 'a response is not counted by the day', counters({ %response, minute => $day + 1 }) ],
	(map { [ 'a response has more than an app and a product', counters({ %response, @$_ }) ] }
		[ version => 1 ], [ credential => $credential_id ], [ operation => $product_id ], [ environment => 'e' ]),
	(map { [ 'latencies contradict each other', counters({ %response, @$_ }) ] }
		[ min => 31 ], [ max => 86400000001 ], [ min => 21 ], [ max => 19 ], [ max => 20, sum => 61 ]))
{
	my ($reason, $bytes) = @$case;
	is(refusal($bytes), $reason, "refused: $reason");
}
like(refusal(counters({ %call, environment => "\xff" })), qr/^psql.*22021: invalid byte sequence/, 'refused: an environment in another encoding');
$primary->safe_psql('postgres', 'SELECT devapp.setup_roles(); CREATE ROLE admin LOGIN IN ROLE devapp_admin');
is(error_of($primary, "SET ROLE admin; SELECT devapp.receive_usage(devapp.uuid_v7(), '')"), '42501', 'it is granted to nobody else');
is($primary->safe_psql('postgres', "BEGIN; SELECT devapp.receive_usage(devapp.uuid_v7(), $copy) > 0; ROLLBACK"), 't', 'rolled back');
arrives('what is rolled back is not counted, nor kept');
$primary->safe_psql('postgres', q{INSERT INTO devapp.usage_shipment SELECT devapp_internal.first_shipment_id(now() - n * interval '20 days'), now(), 1 FROM generate_series(1, 3) AS n});
calls(1);
arrives('ids of shipments that are too old');
is($primary->safe_psql('postgres', q{SELECT count(*) FROM devapp.usage_shipment WHERE shipment_id < devapp_internal.first_shipment_id(now() - interval '1 day')}), 1, 'are not kept');

# ---------- promotion ----------

$session = hold();
calls(4);
wait_for_shipper();
$primary->stop('immediate');
eval { $session->quit };
calls(6);
fails('could not ship usage', 'the primary is gone');
is(scalar(files()), 1, 'a shipment is on its way');
copy("$spool/copy", $file) or die; # this one was counted, and that was replicated
open my $damaged, '>', "$spool/devapp_ship_" . ($file =~ /ship_(\d+)_/)[0] . '_00000000-0000-7000-8000-000000000000.stat' or die;
print $damaged 'x';
close $damaged;
unlink "$spool/copy";
$standby->promote;
arrives('promoted, the standby counts what is left, each shipment once', $standby);
calls(8);
arrives('and goes on as a primary', $standby);
ok($standby->poll_query_until('postgres', 'SELECT last_housekeeping_at IS NOT NULL FROM devapp.worker_status'), 'with housekeeping');

$standby->stop;
my $log = slurp_file($standby->logfile);
unlike($log, qr/$password/, 'no password is in the log of the standby');
unlike(slurp_file($primary->logfile), qr/$password.*shipper/, 'nor in that of the primary');
like($log, qr/0000-7000-8000-000000000000.stat" is not a valid file of counters/, 'a damaged file is left out');
is(scalar(() = $log =~ /WARNING:.*password authentication failed|ERROR:.*password authentication failed/g), 1, 'an error that comes again is logged once');

done_testing();
