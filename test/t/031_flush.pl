# The worker: it flushes every devapp.flush_interval, and survives what happens to
# tables, extension, database and server.  Nothing is lost but what a crash finds in
# memory, which is at most one interval.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time sleep);

my $settings = "shared_preload_libraries = 'devapp'
devapp.flush_interval = 1
devapp.meter_size = 1MB
max_worker_processes = 8
restart_after_crash = on";
my $node = start_server('main', $settings, init => { allows_streaming => 1 });
make_program($node);
my $app = create_app($node, 'caller');
my $sum = 'SELECT coalesce(sum(calls), 0) FROM devapp.usage_minute';

# calls(n): n calls, one of each verdict VALID
sub calls
{
	my ($n, %options) = @_;
	my $on = $options{node} || $node;
	$on->safe_psql($options{db} || 'postgres',
		"SELECT count(devapp.verify_key('" . ($options{key} || $app->{secret}) . "', $Devapp::CALL)) FROM generate_series(1, $n)");
	return;
}

# arrives(n, name): the sum of calls becomes n
sub arrives
{
	my ($n, $name, %options) = @_;
	my $on = $options{node} || $node;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok($on->poll_query_until($options{db} || 'postgres', "SELECT ($sum) = $n"), $name)
	  or diag('it is ' . $on->safe_psql($options{db} || 'postgres', $sum));
	return;
}

sub status
{
	my ($columns, %options) = @_;
	return $node->safe_psql($options{db} || 'postgres', "SELECT $columns FROM devapp.worker_status");
}

sub set_interval
{
	my ($seconds) = @_;
	$node->append_conf('postgresql.conf', "devapp.flush_interval = $seconds");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT setting::int = $seconds FROM pg_settings WHERE name = 'devapp.flush_interval'")
	  or die 'the setting did not change';
	return;
}

# ---------- it flushes ----------

calls(10);
arrives(10, 'calls arrive in the table');
is(status('worker_pid IS NOT NULL, last_flush_at > now() - interval \'1 minute\', last_rows > 0, last_duration > \'0\', flushes > 0, errors, dropped'),
	't|t|t|t|t|0|0', 'worker_status');
$node->poll_query_until('postgres', 'SELECT sum(calls) = 10 FROM devapp.usage_day') or die;
$node->poll_query_until('postgres', q{SELECT done_at > '-infinity' FROM devapp.housekeeping WHERE task = 'maintain_usage'}) or die;
is( $node->safe_psql('postgres', q{SELECT count(*) FROM devapp_internal.usage_partitions() p, devapp.housekeeping h
		WHERE h.task = 'maintain_usage' AND p.parent = 'usage_minute' AND p.to_time > h.done_at + interval '24 hours'}),
	2, 'partitions are made ahead');
is( $node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'devapp launcher' AND datid IS NULL}),
	1, 'one process, connected to no database');
like(doctor($node, 'metering'), qr/^ok\|/, 'doctor is content');

# ---------- errors ----------

# what a full disk, or a missing right, would do
$node->safe_psql('postgres', 'ALTER TABLE devapp.usage_minute ADD CONSTRAINT no_more CHECK (calls < 0) NOT VALID');
calls(5);
$node->poll_query_until('postgres', 'SELECT errors > 1 FROM devapp.worker_status') or die;
like(status('last_error'), qr/violates check constraint "no_more"/, 'the error is noted');
like(doctor($node, 'metering'), qr/^warning\|the last flush or shipment failed: /, 'doctor says so');
is(status('slots_used > 0'), 't', 'the counts stay in memory');
$node->safe_psql('postgres', 'ALTER TABLE devapp.usage_minute DROP CONSTRAINT no_more');
arrives(15, 'and are flushed when it works again');
like(doctor($node, 'metering'), qr/^ok\|/, 'doctor is content again');

# a flush that does not end, for which those of other databases wait
$node->safe_psql('postgres', q{CREATE TABLE gate (); INSERT INTO gate DEFAULT VALUES;
	CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN WHILE EXISTS (SELECT FROM public.gate) LOOP PERFORM pg_sleep(0.1); END LOOP; RETURN NEW; END $$;
	CREATE TRIGGER wait_at_gate BEFORE INSERT ON devapp.usage_minute FOR EACH ROW EXECUTE FUNCTION public.wait_at_gate()});
calls(5);
ok( $node->poll_query_until('postgres', q{SELECT status || '|' || detail ~ '^warning\|the flush of database postgres has taken 00:00:3\d so far$' FROM devapp.doctor() WHERE check_name = 'metering'}),
	'doctor tells of it after half a minute');
$node->safe_psql('postgres', 'DELETE FROM gate');
arrives(20, 'when it ends it has them');
$node->safe_psql('postgres', 'DROP TRIGGER wait_at_gate ON devapp.usage_minute');

# settings of the database in its way
$node->safe_psql('postgres', q{ALTER DATABASE postgres SET default_transaction_read_only = on;
	ALTER DATABASE postgres SET statement_timeout = 1; ALTER DATABASE postgres SET default_transaction_isolation = 'serializable';
	ALTER DATABASE postgres SET search_path = 'devapp'});
my $errors = $node->safe_psql('postgres', 'SET statement_timeout = 0; SELECT errors FROM devapp.worker_status');
$node->safe_psql('postgres', "SET statement_timeout = 0; SELECT count(devapp.verify_key('$app->{secret}', $Devapp::CALL)) FROM generate_series(1, 5)");
$node->safe_psql('template1', 'ALTER DATABASE postgres RESET statement_timeout');
arrives(25, 'settings of a database are not in its way');
$node->safe_psql('template1', 'ALTER DATABASE postgres RESET ALL');
is(status('errors'), $errors, 'no error');

# somebody holds the lock, or has a flush of his own under way
my $other = $node->background_psql('postgres');
$other->query_safe('BEGIN; SELECT devapp.flush_usage()');
calls(5);
$other->query_safe('COMMIT');
arrives(30, 'beside a flush on demand');

# the launcher is ended
my $pid = status('worker_pid');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
$node->poll_query_until('postgres', "SELECT worker_pid <> $pid FROM devapp.worker_status") or die;
calls(5);
arrives(35, 'it comes back when somebody ends it');

# ---------- an orderly end ----------

set_interval(3600);
calls(7);
$node->restart;
arrives(42, 'counts outlive a restart, and are flushed after it');
calls(8);
$node->stop;
my $folder = $node->data_dir . '/pg_stat';
my ($file) = glob "$folder/devapp_ship_*.stat";
ok(-s $file, 'they are in a file meanwhile');
open my $damage, '+<', $file or die;
seek $damage, 30, 0;
print $damage 'X';
close $damage;
$node->start;
$node->safe_psql('postgres', 'DO $$ BEGIN PERFORM devapp.flush_usage(); END $$');
ok(!-e $file, 'which is gone after a flush');
is($node->safe_psql('postgres', $sum), 42, 'a damaged one is not used');
like(slurp_file($node->logfile), qr/devapp_ship_.*" is not a valid file of counters/, 'but logged');

# it stays until a transaction that counted it is committed
# Its processes notice, and somebody has to take note of its end.
sub kill_server
{
	my $pid = $node->{_pid};
	$node->kill9;
	for (1 .. 300)
	{
		last unless kill 0, $pid;
		sleep 0.1;
	}
	return;
}
sub files { return my @files = glob "$folder/devapp_ship_*.stat" }

set_interval(0);
calls(9);
$node->stop;
is(scalar(files()), 1, 'an orderly end keeps what was not flushed');
$node->start;
kill_server();
is(scalar(files()), 1, 'kill -9 before the first flush: it is still there');
$node->start;
$node->safe_psql('postgres', 'BEGIN; SELECT devapp.flush_usage(); ROLLBACK');
is(scalar(files()), 1, 'after a flush that is rolled back as well');
is($node->safe_psql('postgres', $sum), 42, 'nothing of it is counted');
my $flush = $node->background_psql('postgres');
$flush->query_safe('BEGIN; SELECT devapp.flush_usage()');
kill_server();
eval { $flush->quit };
$node->start;
($file) = files();
my $content = slurp_file($file);
$node->safe_psql('postgres', 'SELECT devapp.flush_usage()');
is($node->safe_psql('postgres', $sum), 51, 'a flush that is committed counts it');
is(scalar(files()), 0, 'and then it is gone');
# as if the server had been killed between the commit and that
kill_server();
append_to_file($file, $content);
$node->start;
$node->safe_psql('postgres', 'SELECT devapp.flush_usage()');
is($node->safe_psql('postgres', $sum), 51, 'it counts once');
is(scalar(files()), 0, 'whatever happens');
calls(4);
$node->stop;
$node->start;
set_interval(1);
arrives(55, 'the worker takes it too');
is(scalar(files()), 0, 'and removes it');

# files that are not ours, or were cut: they are not counted, and keep nothing from being flushed
set_interval(0);
my $oid = $node->safe_psql('postgres', q{SELECT oid FROM pg_database WHERE datname = 'postgres'});
my %row = (database => $oid, minute => int((time - 946684800) / 60), kind => 1, code => 1, count => 3);
$row{max} = $row{minute} * 60000000;
my $whole = counters(\%row);
$node->safe_psql('postgres', 'TRUNCATE devapp.usage_minute');
for my $case (
	[ 'one too short', 'x' ],
	[ 'one with a part of a row', sealed_counters(substr $whole, 0, 50) ],
	[ 'something else', sealed_counters('x' . substr $whole, 1, -4) ],
	[ 'one of another build', sealed_counters(substr($whole, 0, 4) . pack('L', 128) . substr $whole, 8, -4) ],
	[ 'a whole one', $whole ])
{
	my ($name, $bytes) = @$case;
	my $before = $node->safe_psql('postgres', $sum);
	my $is_whole = $bytes eq $whole;
	my $path = "$folder/devapp_ship_${oid}_" . $node->safe_psql('postgres', 'SELECT devapp.uuid_v7()') . '.stat';

	calls(1);
	append_to_file($path, $bytes);
	my $seen = -s $node->logfile;
	$node->safe_psql('postgres', 'SELECT devapp.flush_usage()');
	is(slurp_file($node->logfile, $seen) =~ /file "?\S*devapp_ship_\S+ (was not counted|is not a valid file of counters)/ ? 'is not' : 'is', $is_whole ? 'is' : 'is not', "$name: is it counted?");
	is($node->safe_psql('postgres', $sum), $before + 1 + ($is_whole ? 3 : 0), "$name: the calls are");
	unlink $path;
}
# a folder that nothing can be written to
calls(2);
chmod 0500, $folder;
$node->stop;
like(slurp_file($node->logfile), qr/could not write a file of counters in "pg_stat": Permission denied/, 'counts that cannot be kept: the log says so');
is(scalar(files()), 0, 'and nothing is left of the file');
chmod 0700, $folder;
$node->start;
$node->safe_psql('postgres', 'TRUNCATE devapp.usage_minute');
calls(5);
set_interval(1);
arrives(5, 'and it goes on');
set_interval(3600);

# ---------- a crash ----------

# Calls at a steady pace; when each was answered; then the server is killed.
set_interval(2);
$node->safe_psql('postgres', 'TRUNCATE devapp.usage_minute');
my @answered = ([ 0, 0 ]);
my $caller = $node->background_psql('postgres');
my $end = time + 8;
while (time < $end)
{
	$caller->query_safe("SELECT count(devapp.verify_key('$app->{secret}', $Devapp::CALL)) FROM generate_series(1, 20)");
	push @answered, [ time, $answered[-1][1] + 20 ];
	sleep 0.05;
}
my $killed = time;
kill_server();
eval { $caller->quit };
$node->start;
my $kept = $node->safe_psql('postgres', $sum);
my $all = $answered[-1][1];
my ($lost_since) = map { $_->[0] } grep { $_->[1] > $kept } @answered;
my $age = defined $lost_since ? $killed - $lost_since : 0;
note(sprintf '%d of %d calls were lost, the oldest %.2f s old', $all - $kept, $all, $age);
cmp_ok($kept, '<=', $all, 'no call is counted twice after kill -9');
cmp_ok($kept, '>', 0, 'flushed calls survive kill -9');
# the interval, and a second for a flush on a busy machine
cmp_ok($age, '<', 3, 'what is lost is not older than the interval of 2 s and the time of a flush');

# a backend is killed: shared memory starts anew, and so does the worker
set_interval(1);
$node->safe_psql('postgres', 'TRUNCATE devapp.usage_minute');
my $victim = $node->background_psql('postgres');
my $victim_pid = $victim->query_safe('SELECT pg_backend_pid()');
kill_process($node, $victim_pid);
eval { $victim->quit };
$node->poll_query_until('postgres', 'SELECT worker_pid IS NOT NULL FROM devapp.worker_status') or die;
calls(5);
arrives(5, 'after a crash of one process counting goes on');

# ---------- other databases ----------

$node->safe_psql('postgres', 'CREATE DATABASE second; CREATE DATABASE third');
for my $db (qw(second third))
{
	make_program($node, db => $db);
	my $there = create_app($node, 'there', undef, db => $db);
	calls(3, db => $db, key => $there->{secret});
	arrives(3, "calls of database $db arrive there", db => $db);
}
arrives(5, 'and nowhere else');

# the extension is dropped, with counts in memory
set_interval(3600);
calls(4, db => 'second', key => 'x');
calls(4, db => 'third', key => 'x');
$node->safe_psql('second', 'DROP EXTENSION devapp');
is( $node->safe_psql('second', q{SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname ~ '^devapp'}),
	0, 'DROP EXTENSION takes the partitions along');
$node->safe_psql('postgres', 'DROP DATABASE third');
set_interval(1);
$node->poll_query_until('postgres', 'SELECT slots_used = 0 FROM devapp.worker_status') or die;
pass('counts that have nowhere to go are discarded');
calls(5);
arrives(10, 'the others are flushed');
make_program($node, db => 'second');
my $again = create_app($node, 'again', undef, db => 'second');
calls(6, db => 'second', key => $again->{secret});
arrives(6, 'and the extension can come again', db => 'second');
$node->safe_psql('second', qq{UPDATE pg_database SET datallowconn = false WHERE datname = 'second';
	SELECT count(devapp.verify_key('$again->{secret}', $Devapp::CALL)) FROM generate_series(1, 4)});
$node->poll_query_until('postgres', 'SELECT slots_used = 0 FROM devapp.worker_status') or die;
$node->safe_psql('postgres', q{UPDATE pg_database SET datallowconn = true WHERE datname = 'second'});
arrives(10, 'counts arrive where nobody new may connect', db => 'second');
is( $node->safe_psql('postgres', "SELECT errors FROM devapp.worker_status"), 0, 'no error in all this');

# no process can be started: the launcher and that of logical replication are all
$node->append_conf('postgresql.conf', 'max_worker_processes = 2');
$node->restart;
calls(5);
$node->poll_query_until('postgres', 'SELECT errors > 0 FROM devapp.worker_status') or die;
like(status('last_error'), qr/raise max_worker_processes/, 'no background worker slot');
is($node->safe_psql('postgres', 'SELECT devapp.flush_usage() > 0'), 't', 'a flush on demand works all the same');
$node->append_conf('postgresql.conf', 'max_worker_processes = 8');
$node->restart;

# ---------- a standby ----------

$node->safe_psql('postgres', 'TRUNCATE devapp.usage_minute');
$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;
calls(9, node => $standby);
is(error_of($standby, 'SELECT devapp.flush_usage()'), '25006', 'a standby cannot flush');
is($standby->safe_psql('postgres', 'SELECT slots_used > 0 FROM devapp.worker_status'), 't', 'but it counts');
like(doctor($standby, 'metering'), qr/^ok\|/, 'and doctor is content');
$standby->restart;
calls(2, node => $standby);
$standby->promote;
arrives(11, 'promoted, it flushes what it counted, before a restart as well', node => $standby);

done_testing();
