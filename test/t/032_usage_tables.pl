# The tables of usage: hours and days are what the minutes add up to, whatever happens
# to the worker between two steps; partitions come and go in time; a dump brings it
# all back.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('main', "shared_preload_libraries = 'devapp'
devapp.flush_interval = 0
devapp.retention_minute = 0
devapp.retention_hour = 0
devapp.retention_day = '36500d'
max_worker_processes = 8");
make_program($node);
my $app = create_app($node, 'caller');

# What hours and days must be, by plain SQL.
my %from_minutes = (
	hour => q{SELECT date_trunc('hour', minute), app_id, credential_id, product_id, operation_id, environment, code, sum(calls), sum(cost) FROM devapp.usage_minute GROUP BY 1, 2, 3, 4, 5, 6, 7},
	day => q{SELECT minute::date, app_id, product_id, environment, code, sum(calls), sum(cost) FROM devapp.usage_minute GROUP BY 1, 2, 3, 4, 5});

# all columns but the time of writing
my %counted = (
	hour => 'hour, app_id, credential_id, product_id, operation_id, environment, code, calls, cost',
	day => 'day, app_id, product_id, environment, code, calls, cost');

sub rolled_up_is_right
{
	my ($name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	for my $grain (sort keys %from_minutes)
	{
		is( $node->safe_psql('postgres', "SET timezone = 'UTC';
				WITH expected AS ($from_minutes{$grain}), is_there AS (SELECT $counted{$grain} FROM devapp.usage_$grain)
				SELECT (SELECT count(*) FROM (TABLE expected EXCEPT ALL TABLE is_there) AS x),
				       (SELECT count(*) FROM (TABLE is_there EXCEPT ALL TABLE expected) AS x),
				       (SELECT count(*) > 0 FROM devapp.usage_$grain)"),
			'0|0|t', "$name: usage_$grain is the sum of the minutes");
	}
	return;
}

# A stream of minutes as flushes would have written it: around every midnight of a
# leap year, month ends, and both changes of summer time, several rows a key.
sub write_stream
{
	my ($days, $seed) = @_;
	$node->safe_psql('postgres', qq{
		SET timezone = 'UTC';
		SELECT devapp_internal.lock_usage();
		CREATE TEMP TABLE flush AS SELECT devapp_internal.new_flush() AS flush_id;
		CREATE TEMP TABLE stream AS
		SELECT date_trunc('minute', d + m * interval '1 minute') AS minute,
		       CASE WHEN n % 5 > 0 THEN md5(format('app%s', (n * $seed) % 7))::uuid END AS app_id,
		       CASE WHEN n % 5 > 0 THEN md5(format('credential%s', n % 11))::uuid END AS credential_id,
		       1 AS version,
		       CASE WHEN n % 3 > 0 THEN md5(format('product%s', n % 3))::uuid END AS product_id,
		       CASE WHEN n % 4 > 1 THEN md5(format('operation%s', n % 2))::uuid END AS operation_id,
		       CASE WHEN n % 2 > 0 THEN 'prod' END AS environment,
		       (enum_range(NULL::devapp.verdict_code))[n % 19 + 1] AS code, n AS calls, 3 * n AS cost
		  FROM generate_series('2024-01-01'::timestamptz, '2024-12-31', '1 day') AS d, unnest(ARRAY[-1, 0, 1, 59, 60, 150]) AS m, generate_series(1, 6) AS n
		 WHERE $days;
		SELECT devapp_internal.usage_partition('usage_minute', day) FROM (SELECT DISTINCT date_trunc('day', minute) AS day FROM stream) AS x;
		INSERT INTO devapp.usage_minute SELECT s.*, f.flush_id FROM stream s, flush f;});
	return;
}

# ---------- boundaries ----------

my $boundaries = q{extract(day FROM d) IN (1, 29) OR d IN ('2024-12-31', '2024-03-31', '2024-10-27', '2024-03-10', '2024-11-03')};
for my $zone ('UTC', 'America/New_York', 'Europe/Berlin')
{
	$node->safe_psql('postgres', "ALTER DATABASE postgres SET timezone = '$zone'");
	write_stream($boundaries, length $zone);
	is($node->safe_psql('postgres', 'SELECT devapp_internal.roll_up_usage()'), 1, "$zone: one flush is rolled up");
	is($node->safe_psql('postgres', 'SELECT devapp_internal.roll_up_usage()'), 0, "$zone: once");
	rolled_up_is_right($zone);
}
is( $node->safe_psql('postgres', q{SELECT count(*), sum(calls) = (SELECT sum(calls) FROM devapp.usage_minute WHERE (minute AT TIME ZONE 'UTC')::date = '2024-02-29')
	FROM (SELECT sum(calls) AS calls FROM devapp.usage_day WHERE day = '2024-02-29') AS x}),
	'1|t', 'the leap day');
write_stream($boundaries, 3) for 1 .. 3;
is($node->safe_psql('postgres', 'SELECT devapp_internal.roll_up_usage()'), 3, 'three flushes at once');
rolled_up_is_right('three flushes at once');
$node->safe_psql('postgres', 'BEGIN; SELECT devapp.flush_usage(); ROLLBACK');
rolled_up_is_right('a rollback');
$node->safe_psql('postgres', 'ALTER DATABASE postgres RESET timezone');

# ---------- the worker dies between two steps ----------

# A trigger that ends the flusher in the midst of writing to a table, two of three times.
$node->safe_psql('postgres', q{
	CREATE TABLE death (relation text);
	CREATE SEQUENCE deaths;
	CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		IF current_setting('application_name') = 'devapp flusher'
		   AND EXISTS (SELECT FROM public.death d WHERE d.relation = TG_ARGV[0]) AND nextval('public.deaths') % 3 > 0 THEN
			PERFORM pg_terminate_backend(pg_backend_pid());
			PERFORM pg_sleep(10);
		END IF;
		RETURN NULL;
	END $$;
	CREATE TRIGGER die AFTER INSERT OR UPDATE ON devapp.usage_minute FOR EACH ROW EXECUTE FUNCTION die('usage_minute');
	CREATE TRIGGER die AFTER INSERT OR UPDATE ON devapp.usage_hour FOR EACH ROW EXECUTE FUNCTION die('usage_hour');
	CREATE TRIGGER die AFTER INSERT OR UPDATE ON devapp.usage_day FOR EACH ROW EXECUTE FUNCTION die('usage_day');
	CREATE TRIGGER die AFTER INSERT OR UPDATE ON devapp.last_used FOR EACH ROW EXECUTE FUNCTION die('last_used');
	CREATE TRIGGER die AFTER INSERT OR DELETE ON devapp.usage_flush FOR EACH ROW EXECUTE FUNCTION die('usage_flush');});
$node->append_conf('postgresql.conf', 'devapp.flush_interval = 1');
$node->reload;

my $before = $node->safe_psql('postgres', 'SELECT sum(calls) FROM devapp.usage_minute');
my $made = 0;
for my $table (qw(usage_minute usage_hour usage_day last_used usage_flush))
{
	$node->safe_psql('postgres', "SELECT setval('deaths', 3); INSERT INTO death VALUES ('$table')");
	$node->safe_psql('postgres', "SELECT count(devapp.verify_key('$app->{secret}', $Devapp::CALL)) FROM generate_series(1, 100)");
	$made += 100;
	ok($node->poll_query_until('postgres', "SELECT last_value >= 6 FROM deaths"), "the worker is killed twice while it writes to $table");
	$node->safe_psql('postgres', 'DELETE FROM death');
	$node->poll_query_until('postgres', "SELECT sum(calls) >= $before + $made FROM devapp.usage_minute") or die;
	$node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM devapp.usage_flush') or die;
	is($node->safe_psql('postgres', "SELECT sum(calls) - $before FROM devapp.usage_minute"), $made, "and every call is there, once");
	rolled_up_is_right("killed in $table");
}
$node->safe_psql('postgres', join ';', map { "DROP TRIGGER die ON devapp.$_" } qw(usage_minute usage_hour usage_day last_used usage_flush));
is( $node->safe_psql('postgres', "SELECT last_used_at BETWEEN now() - interval '10 minutes' AND now() FROM devapp.credential_last_used WHERE credential_id = '$app->{credential_id}'"),
	't', 'last used');

# ---------- retention ----------

$node->append_conf('postgresql.conf', "devapp.flush_interval = 0\ndevapp.retention_minute = '7d'\ndevapp.retention_hour = '90d'");
$node->reload;
$node->poll_query_until('postgres', q{SELECT devapp_internal.setting('retention_minute') = '7d'}) or die;
my $partitions = q{SELECT count(*) FROM devapp_internal.usage_partitions() WHERE };
cmp_ok($node->safe_psql('postgres', "$partitions partition_name ~ 'usage_(minute|hour)_2024'"), '>', 30, 'there are old minutes and hours');
$node->safe_psql('postgres', 'SELECT devapp.maintain_usage()');
is($node->safe_psql('postgres', "$partitions partition_name ~ 'usage_(minute|hour)_2024'"), 0, 'their partitions are dropped');
is($node->safe_psql('postgres', "$partitions parent = 'usage_minute' AND to_time > (SELECT done_at FROM devapp.housekeeping WHERE task = 'maintain_usage')"), 3,
	'today and the days to come are there');
my $is_due = q{SELECT done_at = '-infinity' FROM devapp.housekeeping WHERE task = 'maintain_usage'};
# what is dropped: a new day may have begun, whose partitions are made
my $dropped = q{FROM devapp.maintain_usage() WHERE action = 'dropped'};
my $days = $node->safe_psql('postgres', 'SELECT sum(calls) FROM devapp.usage_day');
write_stream("d = '2024-03-01'", 5);
is( $node->safe_psql('postgres', q{SELECT string_agg(partition_name, ' ' ORDER BY partition_name) FROM devapp.maintain_usage() WHERE action = 'dropped' AND partition_name ~ 'minute'}),
	'usage_minute_2024_02_29 usage_minute_2024_03_01', 'old minutes are dropped, whole days');
cmp_ok($node->safe_psql('postgres', 'SELECT sum(calls) FROM devapp.usage_day'), '>', $days, 'when they are in the days');
is($node->safe_psql('postgres', "SELECT count(*) $dropped"), 0, 'maintained is maintained');
$node->safe_psql('postgres', q{SELECT devapp_internal.usage_partition('usage_minute', timestamptz '2022-01-01 UTC' + n * interval '24 hours') FROM generate_series(0, 1499) AS n});
is( $node->safe_psql('postgres', "SELECT count(*), min(partition_name), max(partition_name) $dropped"),
	'100|usage_minute_2022_01_01|usage_minute_2022_04_10', 'of many old ones, the oldest are dropped');
is($node->safe_psql('postgres', $is_due), 't', 'and it is not done');
$node->safe_psql('postgres', "SELECT devapp.maintain_usage();\n" x 14);
is($node->safe_psql('postgres', $is_due), 't', 'when there may be more');
is($node->safe_psql('postgres', "SELECT count(*) $dropped"), 0, 'until there are none');
is($node->safe_psql('postgres', $is_due), 'f', 'then it is');
# the worker, whom a restore tells to wait
$node->safe_psql('postgres', "UPDATE devapp.housekeeping SET done_at = '-infinity' WHERE task = 'maintain_usage'; SET devapp.restoring = on; SELECT devapp_internal.maintain_usage_if_due()");
is($node->safe_psql('postgres', $is_due), 't', 'nor during a restore');
$node->safe_psql('postgres', 'SELECT devapp_internal.maintain_usage_if_due()');
is($node->safe_psql('postgres', $is_due), 'f', 'but after it');
is( $node->safe_psql('postgres', q{SELECT count(*) FROM devapp_internal.usage_partitions() WHERE partition_name ~ 'usage_day_2024'}), 12,
	'days are kept for years');

# a database of old programs; and a partition without an end
$node->safe_psql('postgres', q{CREATE TABLE usage_day_rest PARTITION OF devapp.usage_day DEFAULT});
my $old = $node->pg_version < '19devel' ? 'SET standard_conforming_strings = off; SET escape_string_warning = off; ' : '';
is($node->safe_psql('postgres', "${old}SELECT count(*) $dropped"), 0,
	'nothing else is dropped, whatever a backslash is');
$node->safe_psql('postgres', q{DROP TABLE usage_day_rest});

# Who reads an old partition keeps neither the other work from being done, nor others
# from reading for long.
write_stream("d = '2024-03-01'", 5);
$node->safe_psql('postgres', q{SELECT devapp_internal.usage_partition('usage_hour', '2024-01-01 UTC'); SELECT devapp_internal.usage_partition('usage_hour', '2024-02-01 UTC');
	INSERT INTO devapp.quota_usage VALUES (gen_random_uuid(), gen_random_uuid(), NULL, '', '2001-01-01', '2001-01-02', 1)});
my $reader = $node->background_psql('postgres');
$reader->query_safe('BEGIN; SELECT count(*) FROM devapp.usage_hour');
my ($maintained, $warnings);
is($node->psql('postgres', "SELECT string_agg(partition_name, ' ' ORDER BY partition_name) $dropped", stdout => \$maintained, stderr => \$warnings), 0,
	'maintained beside a reader');
is($maintained, 'usage_minute_2024_02_29 usage_minute_2024_03_01', 'what nobody reads is dropped');
is(() = $warnings =~ /WARNING:  partition usage_hour_2024_\d\d is in use/g, 1, 'of a table that is read one partition is tried');
is($node->safe_psql('postgres', 'SELECT count(*) FROM devapp.quota_usage WHERE window_end < now()'), 0, 'the rest is done');
$reader->query_safe('COMMIT');
$reader->quit;
is($node->safe_psql('postgres', "SELECT string_agg(partition_name, ' ' ORDER BY partition_name) $dropped"),
	'usage_hour_2024_01 usage_hour_2024_02 usage_hour_2024_03', 'a later turn drops it');

$node->append_conf('postgresql.conf', "devapp.retention_day = '30d'\ndevapp.retention_minute = 0");
$node->reload;
$node->poll_query_until('postgres', q{SELECT devapp_internal.setting('retention_day') = '30d' AND devapp_internal.setting('retention_minute') = '0'}) or die;
write_stream("d = '2024-03-01'", 5);
is( $node->safe_psql('postgres', q{SELECT count(*) FROM devapp.maintain_usage() WHERE partition_name ~ 'usage_day_2024' AND action = 'dropped'}), 12,
	'a shorter retention');
is( $node->safe_psql('postgres', q{SELECT count(*) FROM devapp_internal.usage_partitions() WHERE partition_name ~ 'usage_minute_2024'}), 2,
	'0 keeps them forever');
is( error_of($node, "SELECT devapp.record_usage('$app->{credential_id}', 'weather', 200, '1 ms', now() - interval '31 days')"), '22023',
	'what is past the retention is not recorded');
$node->append_conf('postgresql.conf', "devapp.record_delay = '2d'");
$node->reload;
$node->poll_query_until('postgres', q{SELECT devapp_internal.setting('record_delay') = '2d'}) or die;
my ($state, $report) = error_of($node, "SELECT devapp.record_usage('$app->{credential_id}', 'weather', 200, '1 ms', now() - interval '49 hours')");
is($state, '22023', 'nor what is told too late');
like($report, qr/"at" is too long ago for a call to be recorded/, 'it says so');
is($node->safe_psql('postgres', "SELECT devapp.record_usage('$app->{credential_id}', 'weather', 200, '1 ms', now() - interval '47 hours')"), 1, 'what is not is recorded');

# ---------- dump and restore ----------

$node->safe_psql('postgres', "SELECT devapp.record_usage('$app->{credential_id}', 'weather', 200, '1 ms'); SELECT devapp.flush_usage()");
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
my @tables = qw(usage_minute usage_hour usage_day usage_latency last_used usage_flush);
my $contents = join ' UNION ALL ',
  map { "SELECT '$_', count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM devapp.$_ AS t" } @tables;
for my $format ('plain', 'custom')
{
	$node->safe_psql('postgres', "CREATE DATABASE restored_$format");
	$node->command_ok([ 'pg_dump', "--format=$format", '--file', "$dump.$format", $node->connstr('postgres') ], "pg_dump, $format");
	$ENV{PGOPTIONS} = '-c devapp.restoring=on';
	$format eq 'plain'
	  ? $node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('restored_plain'), '-f', "$dump.plain" ], 'restored')
	  : $node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('restored_custom'), "$dump.custom" ], 'restored');
	delete $ENV{PGOPTIONS};
	is($node->safe_psql("restored_$format", $contents), $node->safe_psql('postgres', $contents), "$format: the same rows");
	$node->safe_psql("restored_$format", "SELECT count(devapp.verify_key('$app->{secret}', $Devapp::CALL)) FROM generate_series(1, 10);
		SELECT devapp.flush_usage(); SELECT devapp.maintain_usage()");
	is( $node->safe_psql("restored_$format", "SELECT sum(calls) FROM devapp.usage_hour WHERE app_id = '$app->{app_id}'"),
		$made + 10, "$format: and counting goes on");
	is( $node->safe_psql("restored_$format", q{SELECT count(*) FROM devapp_internal.usage_partitions() p
			WHERE (SELECT count(*) FROM pg_index i WHERE i.indrelid = ('devapp.' || p.partition_name)::regclass)
				<> CASE p.parent WHEN 'usage_hour' THEN 1 ELSE 2 END}),
		0, "$format: each partition has its indexes, those of hours one, the others two");
}
is( $node->safe_psql('postgres', q{SELECT count(*) FROM devapp_internal.usage_partitions() p JOIN pg_class c ON c.oid = ('devapp.' || p.partition_name)::regclass WHERE NOT c.relrowsecurity}),
	0, 'row-level security is on for every partition');

done_testing();
