# The usage feed: a plain PostgreSQL keeps the minutes of usage (examples/usage_feed), each row
# once, whatever happens to either server or to whoever moves what has arrived; also where the
# subscriber was cut off and its slot is gone.  With DEVAPP_FEED_ROWS=10000000 it says how far
# behind a history of that size is.

use strict;
use warnings FATAL => 'all';

use FindBin;
use IPC::Run;
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $rows = $ENV{DEVAPP_FEED_ROWS} || 20000;
my $flushes = 20;
$ENV{PGCTLTIMEOUT} = 3600; # a server that was killed may have much to recover

my $source = start_server('source', "shared_preload_libraries = 'devapp'
devapp.flush_interval = 0
wal_level = replica
max_wal_senders = 5
max_replication_slots = 5
max_wal_size = 1GB
restart_after_crash = on
timezone = 'UTC'");
make_program($source);
my $app = create_app($source, 'caller');
my $target = start_server('target', "wal_retrieve_retry_interval = 200ms
max_wal_size = 1GB
timezone = 'Asia/Tokyo'");

sub sql { return $source->safe_psql('postgres', $_[0]) }
sub history { return $target->safe_psql('postgres', $_[0]) }

# ---------- the publication ----------

is(doctor($source, 'usage_feed'), 'ok|there is no usage feed', 'no feed');
SKIP:
{
	skip 'a server from 19 on begins to replicate logically when it is asked to', 2 if $source->pg_version >= '19devel';
	my ($state, $report) = error_of($source, 'SELECT devapp.create_usage_feed()');

	is($state, '55000', 'a feed needs logical replication');
	like($report, qr/the usage feed requires wal_level = logical/, 'and says so');
}
$source->append_conf('postgresql.conf', 'wal_level = logical');
$source->restart;
sql('CREATE ROLE feed LOGIN REPLICATION; CREATE ROLE "Other feed" LOGIN');
is(error_of($source, q{SELECT devapp.create_usage_feed('nobody')}), '42704', 'an unknown role');
is(sql(q{SELECT count(*) FROM pg_publication}), 0, 'makes nothing');
sql('SELECT devapp.create_usage_feed()');
sql(q{SELECT devapp.create_usage_feed('feed'), devapp.create_usage_feed('feed')});
like((error_of($source, q{SELECT devapp.create_usage_feed('Other feed')}))[1], qr/NOTICE: .*role "Other feed" cannot subscribe yet/, 'a role without REPLICATION');
is(sql('SELECT pubinsert, pubupdate, pubdelete, pubtruncate, pubviaroot FROM pg_publication'), 't|f|f|f|t', 'it publishes inserts');
is(sql(q{SELECT polroles::regrole[] FROM pg_policy WHERE polname = 'usage_feed'}), '{feed,"\"Other feed\""}', 'two roles may read');
like(doctor($source, 'usage_feed'), qr/^warning\|there is no slot: the usage feed has no subscriber/, 'doctor: no subscriber');
sql('CREATE ROLE admin LOGIN; SELECT devapp.setup_roles(); GRANT devapp_admin TO admin');
is(error_of($source, 'SET ROLE admin; SELECT devapp.create_usage_feed()'), '42501', 'not for administrators');

for my $change (
	[ q{SET (publish = 'insert, truncate')}, q{SET (publish = 'insert')} ],
	[ 'SET (publish_via_partition_root = false)', 'SET (publish_via_partition_root = true)' ],
	[ 'ADD TABLE devapp.app', 'DROP TABLE devapp.app' ],
	[ 'SET TABLE devapp.usage_minute WHERE (calls > 1)', 'SET TABLE devapp.usage_minute' ])
{
	sql("ALTER PUBLICATION usage_feed $change->[0]");
	like(doctor($source, 'usage_feed'), qr/^error\|publication "usage_feed" was changed: it must (name|publish)/, "doctor: $change->[0]");
	is(error_of($source, 'SELECT devapp.create_usage_feed()'), '42710', 'and it is not the feed');
	sql("ALTER PUBLICATION usage_feed $change->[1]");
}

# ---------- the subscription ----------

# flush(rows, app): as a flush writes them, in one transaction; the first row is of this app
sub flush
{
	my ($n, $first) = @_;
	my $first_app = $first ? "'$first'::uuid" : 'gen_random_uuid()';

	sql(qq{WITH f AS (SELECT devapp_internal.new_flush() AS id, devapp_internal.usage_partition('usage_minute', now()) AS partition)
		INSERT INTO devapp.usage_minute (minute, app_id, credential_id, secret_version, product_id, environment, code, calls, cost, flush_id)
		SELECT date_trunc('minute', now()), CASE WHEN n = 1 THEN $first_app WHEN n % 10 > 0 THEN gen_random_uuid() END, gen_random_uuid(), 1, NULL, CASE WHEN n % 3 = 0 THEN 'prod' END,
			(enum_range(NULL::devapp.verdict_code))[n % 9 + 1], n % 7, n % 5, f.id
		  FROM f, generate_series(1, $n) AS n});
	return;
}

# What both sides are compared by.
my $sums = q{SELECT count(*), sum(calls), sum(cost), count(DISTINCT flush_id), sum(hashtext(concat_ws('|', extract(epoch FROM minute)::bigint,
	nullif(app_id, '00000000-0000-0000-0000-000000000000'), credential_id, secret_version, environment, code, calls, cost, flush_id))::numeric)
  FROM %s.usage_minute};
my ($published, $kept) = map { sprintf $sums, $_ } 'devapp', 'usage_history';

sub same_sums
{
	my ($name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	return is(history($kept), sql($published), $name);
}

# real calls, before anybody subscribes: a known app, and a key that nobody has
sql("SELECT devapp.verify_key('$app->{secret}', $Devapp::CALL), devapp.verify_key('dvk_live_000000000000_00000000000000000000000000000000000000'); SELECT devapp.flush_usage()");
flush(500);
my $script = "$FindBin::RealBin/../../examples/usage_feed/usage_history.sql";
$target->command_ok([ 'psql', '-X', '-q', '-d', $target->connstr('postgres'), '-f', $script ], 'the subscriber is set up');
$target->command_fails([ 'psql', '-X', '-q', '-d', $target->connstr('postgres'), '-f', $script ], 'once');
my $subscribe = "CREATE SUBSCRIPTION usage_feed CONNECTION '" . $source->connstr . " dbname=postgres user=feed' PUBLICATION usage_feed";
history($subscribe);
$target->wait_for_subscription_sync($source, 'usage_feed', 'postgres');
is(history('SELECT usage_history.move()'), 502, 'what was there is copied');
same_sums('and is the same');
is(history(q{SELECT count(*) FROM usage_history.usage_minute WHERE app_id = '00000000-0000-0000-0000-000000000000'}), 51, 'unknown keys have an app of zeros');
is(history('SELECT subscription, is_connected, waiting_rows FROM usage_history.status'), 'usage_feed|t|0', 'status of the subscriber');
like(doctor($source, 'usage_feed'), qr/^ok\|1 subscriber\(s\) connected, at most \d+ (bytes|kB) behind$/, 'doctor: a subscriber');
is(history('SELECT usage_history.move()'), 0, 'nothing is moved twice');
is(error_of($target, 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT usage_history.move()'), '55000', 'a snapshot that may be too old is refused');
is(error_of($target, 'SELECT usage_history.begin_again()'), '55000', 'and so is beginning again beside a subscription');

# a move that is rolled back
flush(10);
$source->wait_for_catchup('usage_feed');
is(history('BEGIN; SELECT usage_history.move(); ROLLBACK; SELECT count(*) FROM devapp.usage_minute'), "10\n10", 'rolled back, rows still wait');

# ---------- everybody is killed ----------

my @movers;
END
{
	my $status = $?;
	$_->kill_kill for @movers;
	$? = $status;
}

# two of them, which are started again when their server is gone
sub keep_moving
{
	my $command = 'while :; do psql -X -q -d "$1" -c "CALL usage_history.follow(0.05)"; sleep 0.1; done';

	push @movers, IPC::Run::start([ 'sh', '-c', $command, 'sh', $target->connstr('postgres') ], '<', \undef, '>', '/dev/null', '2>', '/dev/null') for 1 .. 2;
	return;
}

keep_moving();
my $kills = 0;
for my $n (1 .. $flushes)
{
	flush(int($rows / $flushes));
	next if $n % 4;
	my $victim = $kills++ % 2 ? $source : $target;
	$victim->stop('immediate');
	$victim->start;
}
my $flushed_at = time;
cmp_ok($kills, '>=', 4, "servers were killed $kills times");
my $count = sql('SELECT count(*) FROM devapp.usage_minute');
ok($target->poll_query_until('postgres', "SELECT count(*) = $count FROM usage_history.usage_minute"), 'all rows arrive');
note(sprintf '%d rows, all there %.1f s after the last flush', $count, time - $flushed_at);
same_sums('and each is there once');

# how far it is behind, when nothing is in the way: the rows of a flush arrive together
my $late = 0;
my $interval = $rows / $flushes < 100_000 ? int($rows / $flushes) : 100_000;
for my $n (1 .. 5)
{
	my $first = sprintf '00000000-0000-7000-8000-%012d', $n;

	flush($interval, $first);
	my $start = time;

	usleep(20_000) while history("SELECT count(*) FROM usage_history.usage_minute WHERE app_id = '$first'") == 0 && time - $start < 60;
	$late = time - $start if time - $start > $late;
}
note(sprintf 'a flush of %d rows is in the history of %d after %.2f s', $interval, $count, $late);
cmp_ok($late, '<', 5, 'at most 5 s behind');
same_sums('nothing is missed');

# ---------- what the source drops ----------

$count = sql('SELECT count(*) FROM devapp.usage_minute');
sql(q{SELECT devapp_internal.usage_partition('usage_minute', now() - interval '30 days');
	INSERT INTO devapp.usage_minute (minute, code, calls, cost, flush_id) SELECT now() - interval '30 days', 'NOT_FOUND', 1, 0, devapp_internal.new_flush()});
ok($target->poll_query_until('postgres', "SELECT count(*) = $count + 1 FROM usage_history.usage_minute"), 'a late row arrives');
like(sql('SELECT devapp.maintain_usage()'), qr/usage_minute_\d{4}_\d\d_\d\d,dropped/, 'its partition is dropped');
flush(1);
ok($target->poll_query_until('postgres', "SELECT count(*) = $count + 2 FROM usage_history.usage_minute"), 'and the history keeps it');
history('DELETE FROM usage_history.usage_minute WHERE flush_id = (SELECT flush_id FROM usage_history.usage_minute ORDER BY minute LIMIT 1)');

# ---------- the slot is gone ----------

history('ALTER SUBSCRIPTION usage_feed DISABLE');
$source->poll_query_until('postgres', q{SELECT NOT active FROM pg_replication_slots WHERE slot_name = 'usage_feed'}) or die;
flush(7);
like(doctor($source, 'usage_feed'), qr/^warning\|not connected: usage_feed \(\d+ \w+ of WAL retained\)$/, 'doctor: cut off');
sql(q{SELECT pg_drop_replication_slot('usage_feed')});
history('ALTER SUBSCRIPTION usage_feed ENABLE');
my $seen = -s $target->logfile;
for (1 .. 100)
{
	last if slurp_file($target->logfile, $seen) =~ /replication slot "usage_feed" does not exist/;
	usleep(100_000);
}
like(slurp_file($target->logfile, $seen), qr/replication slot "usage_feed" does not exist/, 'it comes back and finds no slot');
like(doctor($source, 'usage_feed'), qr/^warning\|there is no slot: .*or its slot was dropped/, 'doctor says so');
is(history('SELECT is_connected FROM usage_history.status'), 'f', 'and so does the subscriber');

# as doc/operations.md says it
my ($page) = slurp_file("$FindBin::RealBin/../../doc/operations.md") =~ /(ALTER SUBSCRIPTION usage_feed DISABLE.*?begin_again\(\);)/s;
history($page);
flush(5);
history($subscribe);
$target->wait_for_subscription_sync($source, 'usage_feed', 'postgres');
flush(3);
$count = sql('SELECT count(*) FROM devapp.usage_minute');
ok($target->poll_query_until('postgres', "SELECT count(*) = $count FROM usage_history.usage_minute"), 'it begins again and gets what it missed');
same_sums('and nothing twice');

# a subscriber that stays away too long
history('ALTER SUBSCRIPTION usage_feed DISABLE');
set_config($source, 'max_slot_wal_keep_size', '1MB');
sql('SELECT pg_switch_wal(); CHECKPOINT'), flush(1) for 1 .. 3;
$source->poll_query_until('postgres', q{SELECT wal_status = 'lost' FROM pg_replication_slots}) or die;
is(doctor($source, 'usage_feed'), 'error|lost slots, which were too far behind: usage_feed', 'doctor: the slot is lost');

# ---------- dump and restore ----------

my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
$source->command_ok([ 'pg_dump', '--schema-only', '--file', $dump, $source->connstr('postgres') ], 'a dump');
sql('CREATE DATABASE restored');
{
	local $ENV{PGOPTIONS} = '-c devapp.restoring=on';
	$source->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $source->connstr('restored'), '-f', $dump ], 'is restored');
}
# pg_dump of 18 takes along that a table of an extension is in a publication
my $has_table = slurp_file($dump) =~ /^ALTER PUBLICATION usage_feed ADD TABLE ONLY devapp\.usage_minute;/m;
is($has_table || 0, $source->pg_version >= 18 ? 1 : 0, 'the table is in the publication of the dump from 18 on');
like(doctor($source, 'usage_feed', db => 'restored'), $has_table ? qr/^warning\|there is no slot/ : qr/^error\|publication "usage_feed" has no table, which a restore leaves out$/,
	'and doctor says what is missing');
$source->safe_psql('restored', q{SELECT devapp.finish_restore(); SELECT devapp.create_usage_feed('feed')});
like(doctor($source, 'usage_feed', db => 'restored'), qr/^warning\|there is no slot/, 'create_usage_feed() adds it');

$_->kill_kill for @movers;
@movers = ();
done_testing();
