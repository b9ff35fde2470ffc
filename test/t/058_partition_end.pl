# The end of partitions of usage that are past their retention: it keeps no reader of the
# primary waiting and waits for none, loses no row, and on a standby holds a revocation back
# for a moment at most.  The worker looks for them at once after a start, so passes come by a restart.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $primary = start_server('primary', q{
shared_preload_libraries = 'devapp'
devapp.flush_interval = 1
devapp.retention_minute = '7d'
devapp.retention_hour = '90d'
wal_retrieve_retry_interval = '100ms'
max_standby_streaming_delay = '300ms'
hot_standby_feedback = on
}, init => { allows_streaming => 1 });
make_program($primary);
my $app = create_app($primary, 'caller');
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

sub sql
{
	my ($sql) = @_;
	return $primary->safe_psql('postgres', $sql);
}

# a whole pass of the housekeeper
sub look_again
{
	$primary->restart;
	finish_pass();
	return;
}

sub finish_pass
{
	$primary->poll_query_until('postgres', 'SELECT greatest(last_housekeeping_at, last_housekeeping_error_at) IS NOT NULL FROM devapp.worker_status') or die;
	return;
}

my $old = q{SELECT string_agg(partition_name || ' ' || state, ', ') FROM devapp_internal.ended_partitions()};
my $make_old = q{SELECT devapp_internal.usage_partition('usage_hour', '2024-01-01 UTC'), devapp_internal.usage_partition('usage_hour', '2024-02-01 UTC')};
# calls of a day, flushed and not rolled up
my $late = q{SELECT devapp_internal.usage_partition('usage_minute', '2024-03-01 UTC');
	INSERT INTO devapp.usage_minute (minute, environment, code, calls, cost, flush_id)
	SELECT '2024-03-01 12:00 UTC', 'late', 'VALID', 5, 5, devapp_internal.new_flush()};
my $late_calls = q{SELECT sum(calls) FROM devapp.usage_day WHERE environment = 'late'};

# ---------- nobody reads ----------

sql("$make_old; $late");
is(sql($old), 'usage_hour_2024_01 attached, usage_hour_2024_02 attached, usage_minute_2024_03_01 attached', 'three partitions are past their retention');
look_again();
is(sql($old), '', 'they are gone');
is(sql($late_calls), 5, 'what was flushed before is in the days');
is(sql(q{SELECT string_agg(relname, ' ') FROM pg_class WHERE relname ~ '2024' AND relkind = 'r' AND relname !~ '^usage_(day|hour)_2024_03$'}), '', 'the tables as well');
like(doctor($primary, 'housekeeping'), qr/^ok\|/, 'nothing failed');

# ---------- beside a reader ----------

sql("$make_old; $late");
$primary->stop;
$primary->append_conf('postgresql.conf', 'devapp.flush_interval = 0');
$primary->start;
my $reader = $primary->background_psql('postgres');
$reader->query_safe('BEGIN; SELECT count(*) FROM devapp.usage_hour');
my $other = $primary->background_psql('postgres');
my $seen = -s $primary->logfile;
$primary->append_conf('postgresql.conf', 'devapp.flush_interval = 1');
$primary->reload;
my ($longest, $asked, $end) = (0, 0, time + 60);
while (time < $end)
{
	my $start = time;
	$other->query_safe('SELECT count(*) FROM devapp.usage_hour');
	my $taken = time - $start;
	$longest = $taken if $taken > $longest;
	$asked++;
	last if sql('SELECT last_housekeeping_at IS NOT NULL FROM devapp.worker_status') eq 't';
	usleep(5_000);
}
cmp_ok($asked, '>', 1, "asked $asked times meanwhile");
cmp_ok($longest, '<', 0.4, sprintf 'other readers do not wait: %.3f s at most', $longest);
is(sql($old), 'usage_hour_2024_01 pending, usage_hour_2024_02 attached, usage_hour_2024_03 attached', 'of the table that is read one partition is on its way out, others wait for it');
is($reader->query_safe(q{SELECT count(*) FROM devapp.usage_hour_2024_01}), 0, 'the reader still has it');
like(doctor($primary, 'housekeeping'), qr/^ok\|/, 'nothing failed');
my $counted = q{SELECT coalesce(sum(calls), 0) FROM devapp.usage_minute};
my $before = sql($counted);
sql("SELECT devapp.verify_key('$app->{secret}', $Devapp::CALL)");
$primary->poll_query_until('postgres', "SELECT ($counted) = $before + 1") or die;
pass('flushes go on');
$reader->query_safe('COMMIT');
$_->quit for $reader, $other;
unlike(slurp_file($primary->logfile, $seen), qr/ERROR|WARNING/, 'and nothing is logged as an error');
look_again();
is(sql($old), '', 'when the reader has gone it is finished');
is(sql($late_calls), 10, 'no call is lost');

# ---------- what somebody else detached ----------

sql("$make_old; ALTER TABLE devapp.usage_hour DETACH PARTITION devapp.usage_hour_2024_01; ALTER TABLE devapp.usage_hour DETACH PARTITION devapp.usage_hour_2024_02;
	DO \$\$ BEGIN EXECUTE format('COMMENT ON TABLE devapp.usage_hour_2024_02 IS %L', devapp_internal.end_mark()); END \$\$");
look_again();
is(sql(q{SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relname ~ '^usage_hour_2024_0.$'}), 'usage_hour_2024_01',
	'a partition whose drop a crash prevented is dropped, one that somebody took out for himself is not');
sql('DROP TABLE devapp.usage_hour_2024_01');

# one that is marked and cannot be dropped yet is not the next to detach
is(sql(q{BEGIN; CREATE TABLE devapp.kept ();
	DO $$ BEGIN EXECUTE format('COMMENT ON TABLE devapp.kept IS %L', devapp_internal.end_mark()); END $$;
	SELECT e.state, devapp_internal.has_ended_partitions('{}'), devapp_internal.begin_partition_end('{}') IS NULL FROM devapp_internal.ended_partitions() e; ROLLBACK}),
	'detached|f|t', 'a table that is about to be dropped is no partition to detach');

# A mark outlives a detaching that failed.  On a partition that is kept after all it would be the end of
# the table as soon as somebody takes it out for himself.
is(sql(q{BEGIN; SELECT set_config('x.new', devapp_internal.usage_partition('usage_hour', now())::text, true), set_config('x.old', devapp_internal.usage_partition('usage_hour', '2024-01-01 UTC')::text, true) \g /dev/null
	DO $$ BEGIN EXECUTE format('COMMENT ON TABLE %2$s IS %1$L; COMMENT ON TABLE %3$s IS %1$L', devapp_internal.end_mark(), current_setting('x.new'), current_setting('x.old')); END $$;
	SELECT FROM devapp_internal.make_usage_partitions() \g /dev/null
	SELECT obj_description(current_setting('x.new')::regclass, 'pg_class') IS NULL, obj_description(current_setting('x.old')::regclass, 'pg_class') = devapp_internal.end_mark(); ROLLBACK}),
	't|t', 'a partition that is kept loses the mark, one that is past its retention does not');

# pending, as an interrupted pass leaves it, and dropped by hand
sql($make_old);
$reader = $primary->background_psql('postgres');
$reader->query_safe('BEGIN; SELECT count(*) FROM devapp.usage_hour');
$primary->psql('postgres', 'ALTER TABLE devapp.usage_hour DETACH PARTITION devapp.usage_hour_2024_01 CONCURRENTLY', extra_params => [ '-v', 'x=1' ], on_error_die => 0, timeout => 1, timed_out => \my $timed_out);
ok($timed_out, 'interrupted');
$primary->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE query ~ '^ALTER' AND state = 'active' AND pg_terminate_backend(pid)});
my ($stdout, $stderr);
$primary->psql('postgres', q{SELECT partition_name FROM devapp.maintain_usage() WHERE action = 'dropped'}, stdout => \$stdout, stderr => \$stderr);
is($stdout, '', 'maintain_usage() drops nothing that is read');
like($stderr, qr/WARNING:  partition usage_hour_2024_01 is in use and was not dropped/, 'and says so');
$reader->query_safe('COMMIT');
$reader->quit;
is(sql(q{SELECT string_agg(partition_name, ' ') FROM devapp.maintain_usage() WHERE action = 'dropped'}), 'usage_hour_2024_01 usage_hour_2024_02', 'later it drops both');

# ---------- a reader on the standby ----------

sql($make_old);
$primary->wait_for_catchup($standby);
my $bi = $standby->background_psql('postgres', on_error_stop => 0);
my $recent = $standby->background_psql('postgres');
my ($now) = split /\n/, sql('SELECT date_trunc($$hour$$, now())');
$bi->query('BEGIN; SELECT count(*) FROM devapp.usage_hour');
$recent->query_safe("BEGIN; SELECT count(*) FROM devapp.usage_hour WHERE hour >= '$now'");
is(code($standby, $app->{secret}), 'VALID', 'before');
look_again();
is(sql($old), '', 'the primary does not wait for readers of a standby');
my $start = time;
sql("SELECT devapp.revoke_credential('$app->{credential_id}')");
# a call that is itself in the way of the replay ends with 40001, and is made once more
usleep(5_000) until eval { code($standby, $app->{secret}) eq 'CREDENTIAL_REVOKED' } || time > $start + 30;
cmp_ok(time - $start, '<', 1.5, sprintf 'a revocation counts on the standby after %.2f s', time - $start);
$primary->wait_for_catchup($standby);
is($standby->safe_psql('postgres', 'SELECT confl_lock > 0 FROM pg_stat_database_conflicts WHERE datname = current_database()'), 't', 'whoever read an old partition was in the way');
is($recent->query_safe('SELECT 1'), 1, 'who read the last hour was not');
$recent->quit;
eval { $bi->quit };

done_testing();
