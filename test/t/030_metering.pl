# What is counted: every verification, whatever becomes of the transaction it is made
# in, and how calls went, as gateways record it.  Sums are exact.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use Test::More;

my $node = start_server('main', "shared_preload_libraries = 'devapp'
devapp.flush_interval = 0
devapp.record_delay = 0
max_prepared_transactions = 2
max_worker_processes = 8");
make_program($node);

my $app = create_app($node, 'caller');
my $bound = create_app($node, 'bound',
	"developer => 'ada\@example.com', products => '{weather}', environment => 'test'");
my $client = create_app($node, 'client',
	"developer => 'ada\@example.com', products => '{weather}', kind => 'oauth_client'");
my $key = literal($app->{secret});

# flushed(SQL): flush, then ask
sub flushed
{
	my ($sql) = @_;
	return $node->safe_psql('postgres', "DO \$\$ BEGIN PERFORM devapp.flush_usage(); END \$\$; $sql");
}

# Forget what was counted.
sub start_over
{
	flushed('TRUNCATE devapp.usage_minute, devapp.usage_hour, devapp.usage_day, devapp.usage_latency, devapp.last_used');
	return;
}

my $by_code = q{SELECT code, sum(calls) FROM devapp.usage_minute GROUP BY code ORDER BY code};

like(doctor($node, 'metering'), qr/^warning\|the worker is not running$|^ok\|calls are counted; 0 of \d+ counters are in use$/,
	'doctor: calls are counted');

# ---------- what a row says ----------

$node->safe_psql('postgres', qq{
	SELECT devapp.verify_key($key, '/weather/today', 'GET', 'prod');
	SELECT devapp.verify_key($key, '/weather/today', 'POST', 'prod');
	SELECT devapp.verify_key('$bound->{secret}', '/weather/today', 'GET', 'prod');
	SELECT devapp.verify_digest(sha256($key), '/weather/today', 'GET', repeat('é', 20));
	SELECT devapp.verify_client('$client->{consumer_key}', '$client->{secret}');
	SELECT devapp.allows($key, '/other');
	SELECT devapp.verify_key('no key');
	SELECT devapp.verify_digest(sha256('no key'), environment => 'prod');
	SELECT devapp.verify_key(NULL);});
is( flushed(q{
	SELECT a.name, u.credential_id = c.credential_id, u.secret_version, p.name, o.resource, u.environment, u.code, sum(u.calls)
	  FROM devapp.usage_minute u
	  LEFT JOIN devapp.app a USING (app_id) LEFT JOIN devapp.credential c ON c.app_id = a.app_id
	  LEFT JOIN devapp.product p USING (product_id) LEFT JOIN devapp.product_operation o USING (operation_id)
	 GROUP BY 1, 2, 3, 4, 5, 6, 7
	 ORDER BY a.name, u.code, u.environment}),
	join("\n",
		'bound|t|1|weather||test|ENVIRONMENT_FORBIDDEN|1',
		'caller|t|1|weather|/weather/**|(other)|VALID|2',
		'caller|t|1|weather|||RESOURCE_FORBIDDEN|1',
		'caller|t|1|weather||(other)|METHOD_FORBIDDEN|1',
		'client|t|1|weather|/weather/**||VALID|1',
		'||||||MALFORMED|2',
		'||||||NOT_FOUND|1'),
	'app, credential, secret, product, operation, environment, code');
is( $node->safe_psql('postgres', q{
	SELECT count(*) FROM devapp.usage_minute
	 WHERE minute <> date_trunc('minute', minute) OR minute NOT BETWEEN now() - interval '10 minutes' AND now()}),
	0, 'the minute of the call');

# ---------- last used ----------

my $used = q{SELECT version, last_used_at IS NOT NULL, last_seen_at BETWEEN now() - interval '10 minutes' AND now()
	FROM devapp.credential_secret s JOIN devapp.last_used l ON (l.credential_id, l.secret_version) = (s.credential_id, s.version)
	WHERE s.credential_id = '} . $app->{credential_id} . q{' ORDER BY version};
is($node->safe_psql('postgres', $used), '1|t|t', 'the secret was used');
is( $node->safe_psql('postgres', "SELECT last_used_at IS NULL, last_seen_at IS NULL FROM devapp.app_last_used WHERE app_id = '$bound->{app_id}'"),
	't|f', 'an app that was refused was seen, not used');
my $rotated = rotate($node, $app->{credential_id}, '1 hour');
$node->safe_psql('postgres', "SELECT devapp.verify_key('$rotated->{secret}', '/other')");
is(flushed($used), "1|t|t\n2|f|t", 'each version of a secret for itself');
is( $node->safe_psql('postgres', "SELECT count(*), bool_and(l.last_used_at = u.last_used_at) FROM devapp.credential_last_used l JOIN devapp.app_last_used u USING (app_id) WHERE credential_id = '$app->{credential_id}'"),
	'1|t', 'credential and app');
# a clock that jumped back
is( $node->safe_psql('postgres', "BEGIN;
	UPDATE devapp.last_used SET last_used_at = now() + interval '1 day', last_seen_at = now() + interval '1 day';
	SELECT bool_and(clock_timestamp() - last_used_at >= '0'), bool_and(clock_timestamp() - last_seen_at >= '0') FROM devapp.app_last_used; ROLLBACK"),
	't|t', 'nothing was used in the future');

# ---------- whatever becomes of the transaction ----------

start_over();
my $call = "SELECT count(devapp.verify_key($key, $Devapp::CALL)) FROM generate_series(1, 10)";
for my $in (
	[ 'READ ONLY' => "BEGIN READ ONLY; $call; COMMIT" ],
	[ 'rolled back' => "BEGIN; $call; ROLLBACK" ],
	[ 'a savepoint rolled back' => "BEGIN; SAVEPOINT s; $call; ROLLBACK TO s; COMMIT" ],
	[ 'serializable' => "BEGIN ISOLATION LEVEL SERIALIZABLE; $call; COMMIT" ],
	[ 'after its own changes' => "BEGIN; SELECT devapp.update_app('$app->{app_id}', description => 'x'); $call; ROLLBACK" ],
	[ 'prepared' => "BEGIN; $call; PREPARE TRANSACTION 'p'; ROLLBACK PREPARED 'p'" ])
{
	my ($name, $sql) = @$in;
	$node->safe_psql('postgres', $sql);
	is(flushed('SELECT sum(calls) FROM devapp.usage_minute; TRUNCATE devapp.usage_minute'), 10, "counted: $name");
}
$node->psql('postgres', "BEGIN; $call; SELECT 1 / 0");
is(flushed('SELECT sum(calls) FROM devapp.usage_minute; TRUNCATE devapp.usage_minute'), 10, 'counted: an error');
is(flushed("SET devapp.metering = off; $call; SELECT count(*) FROM devapp.usage_minute"), "10\n0", 'metering off');
is(flushed('SELECT count(*) FROM devapp.usage_minute'), 0, 'counts nothing');

# parallel workers count as well
my $setting = $node->pg_version >= 16 ? 'debug_parallel_query' : 'force_parallel_mode';
$node->safe_psql('postgres', "CREATE TABLE many AS SELECT $key AS key FROM generate_series(1, 20000);
	ALTER TABLE many SET (parallel_workers = 2); ANALYZE many");
for my $how ("SET $setting = on", 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0')
{
	$node->safe_psql('postgres', "$how; SELECT count(*) FROM many WHERE devapp.allows(key, $Devapp::CALL)");
	is(flushed('SELECT sum(calls) FROM devapp.usage_minute; TRUNCATE devapp.usage_minute'), 20000, "counted: $how");
}

# ---------- several sessions at once, and flushes in between ----------

start_over();
my @sessions = map { $node->background_psql('postgres') } 1 .. 4;
my $work = qq{DO \$\$
	BEGIN
		FOR i IN 1 .. 5000 LOOP
			PERFORM devapp.verify_key($key, $Devapp::CALL);
			PERFORM devapp.verify_key('$bound->{secret}', '/weather/' || i, CASE i % 2 WHEN 0 THEN 'GET' ELSE 'PUT' END, 'e' || i % 50);
			PERFORM devapp.allows('x' || i);
		END LOOP;
	END \$\$;
	SELECT 'done';};
$_->query_until(qr/started/, "\\echo started\n$work\n") for @sessions;
flushed('') for 1 .. 20;
$_->quit for @sessions;
is(flushed($by_code), "VALID|20000\nMALFORMED|20000\nMETHOD_FORBIDDEN|10000\nENVIRONMENT_FORBIDDEN|10000",
	'four sessions: every call, once');
for my $table (qw(usage_hour usage_day))
{
	(my $sql = $by_code) =~ s/usage_minute/$table/;
	is($node->safe_psql('postgres', $sql), $node->safe_psql('postgres', $by_code), "the same in $table");
}

# ---------- a flush that is not committed ----------

start_over();
$node->safe_psql('postgres', $call);
for my $undo (
	[ 'ROLLBACK' => 'BEGIN; SELECT devapp.flush_usage(); ROLLBACK' ],
	[ 'ROLLBACK TO' => 'BEGIN; SAVEPOINT a; SAVEPOINT b; SELECT devapp.flush_usage(); RELEASE b; ROLLBACK TO a; COMMIT' ],
	[ 'an exception' => q{DO $$ BEGIN BEGIN PERFORM devapp.flush_usage(); RAISE 'no'; EXCEPTION WHEN OTHERS THEN NULL; END; END $$} ],
	[ 'an error' => 'BEGIN; SELECT devapp.flush_usage(); SELECT 1 / 0' ],
	[ 'PREPARE' => q{BEGIN; SELECT devapp.flush_usage(); PREPARE TRANSACTION 'p'} ],
	[ 'the end of the session' => 'BEGIN; SELECT devapp.flush_usage(); SELECT pg_terminate_backend(pg_backend_pid())' ])
{
	my ($name, $sql) = @$undo;
	eval { $node->psql('postgres', $sql) };
	is($node->safe_psql('postgres', 'SELECT count(*) FROM devapp.usage_minute'), 0, "$name: nothing is written");
	is($node->safe_psql('postgres', 'SELECT slots_used FROM devapp.worker_status'), 1, "$name: the counts are back");
}
is(error_of($node, "BEGIN; SELECT devapp.flush_usage(); PREPARE TRANSACTION 'p'"), '0A000', 'PREPARE is refused');
is($node->safe_psql('postgres', 'BEGIN; SAVEPOINT a; SELECT devapp.flush_usage(); RELEASE a; COMMIT; SELECT sum(calls) FROM devapp.usage_minute'),
	"1\n10", 'and flushed in the end');
is(flushed('SELECT sum(calls) FROM devapp.usage_minute'), 10, 'once');
is(error_of($node, 'SELECT * FROM devapp_internal.taken_calls()'), '55000', 'nothing was taken');

# ---------- how calls went ----------

start_over();
my $record = "SELECT devapp.record_usage('$app->{credential_id}', 'weather'";
$node->safe_psql('postgres', qq{
	$record, 200, '10 ms'); $record, 301, '30 ms'); $record, 404, '20 ms'); $record, 500, '40 ms'); $record, 599, '0');
	SELECT devapp.record_usage('$app->{credential_id}', NULL, 200, '1 s');
	SELECT devapp.record_usage('$app->{credential_id}', NULL, 429, '24:00');
	SELECT devapp.record_usage('00000000-0000-0000-0000-000000000000', 'weather', 200, '1 s');
	SELECT devapp.record_usage(NULL, 'weather', 200, '3 s');
	BEGIN READ ONLY; $record, 200, '50 ms'); ROLLBACK;});
is( flushed(q{
	SELECT a.name, p.name, sum(l.calls), sum(l.client_errors), sum(l.server_errors), extract(epoch FROM min(l.latency_min))::float, extract(epoch FROM sum(l.latency_total))::float,
	       extract(epoch FROM max(l.latency_max))::float, sum((SELECT sum(h) FROM unnest(l.histogram) AS h)),
	       bool_and(l.day BETWEEN ((now() - interval '10 minutes') AT TIME ZONE 'UTC')::date AND (now() AT TIME ZONE 'UTC')::date)
	  FROM devapp.usage_latency l LEFT JOIN devapp.app a USING (app_id) LEFT JOIN devapp.product p USING (product_id)
	 GROUP BY a.name, p.name ORDER BY a.name, p.name}),
	join("\n", 'caller|weather|6|1|2|0|0.15|0.05|6|t', 'caller||2|1|0|1|86401|86400|2|t', '||2|0|0|1|4|3|2|t'),
	'calls, errors, response times; what is not known is counted apart');
is( $node->safe_psql('postgres', qq{
	SELECT devapp.record_usage(array_agg(c), array_agg('weather'::text), array_agg(200), array_agg(n * interval '1 ms'))
	  FROM generate_series(1, 1000) AS n, LATERAL (SELECT CASE n % 4 WHEN 0 THEN NULL ELSE '$bound->{credential_id}'::uuid END) AS x(c)}),
	750, 'a batch: how many are of known credentials');
is( flushed(q{
	SELECT calls, extract(epoch FROM avg)::numeric(9,6), abs(extract(epoch FROM p50) / 0.5 - 1) < 0.0906, abs(extract(epoch FROM p95) / 0.95 - 1) < 0.0906,
	       abs(extract(epoch FROM p99) / 0.99 - 1) < 0.0906
	  FROM devapp.daily_latency l JOIN devapp.app a USING (app_id) WHERE a.name = 'bound'}),
	'750|0.500000|t|t|t', 'percentiles are within 9.1 %');
is( $node->safe_psql('postgres', q{
	SELECT (SELECT sum(h) FROM unnest(devapp.add_histograms(histogram)) AS h) = sum(calls) FROM devapp.usage_latency}),
	't', 'histograms add up');
is( $node->safe_psql('postgres', 'SELECT devapp.record_usage(credential_ids => NULL, products => NULL, statuses => NULL, latencies => NULL), devapp.record_usage(ARRAY[]::uuid[], ARRAY[]::text[], ARRAY[]::integer[], ARRAY[]::interval[])'),
	'0|0', 'empty batches');

# days are UTC, whatever the session thinks; month ends, a leap day, changes of summer
# time, in the last leap year that is over: that is not too long ago to be kept
start_over();
my $year = (gmtime)[5] + 1899;
$year-- while $year % 4;
my $days = qq{(SELECT (d - CASE WHEN a_sunday THEN extract(dow FROM d)::integer ELSE 0 END)::text
	FROM (VALUES (date '$year-01-01' - 1, false), ('$year-01-01', false), ('$year-02-28', false), ('$year-02-29', false), ('$year-03-01', false),
		('$year-03-31', true), ('$year-10-31', true), ('$year-11-07', true)) AS v(d, a_sunday)) AS x(day)};
for my $zone ('UTC', 'America/New_York', 'Europe/Berlin', 'Pacific/Kiritimati')
{
	$node->safe_psql('postgres', qq{
		SET timezone = '$zone';
		SELECT devapp.record_usage('$app->{credential_id}', 'weather', 200, '1 ms', t)
		  FROM $days, unnest(ARRAY[(day || ' 00:00:00+00')::timestamptz, (day || ' 23:59:59.999999+00')::timestamptz, (day || ' 02:30:00+00')::timestamptz]) AS t});
}
is( flushed("SELECT count(*), min(calls), max(calls), bool_and(day IN (SELECT x.day::date FROM $days)) FROM devapp.usage_latency"),
	'8|12|12|t', 'days are days of UTC');

# ---------- what is not known ----------

start_over();
is($node->safe_psql('postgres', "$record, 200, '1 ms'); SELECT devapp.record_usage(NULL, 'weather', 200, '1 ms')"), "1\n0", 'how many are of known credentials');
start_over();
for my $unknown (
	"SELECT devapp.record_usage('$app->{credential_id}', 'no such', 200, '1 ms')",
	"SELECT devapp.record_usage(NULL, 'no such', 200, '1 ms')",
	"SELECT devapp.record_usage('$app->{credential_id}', '', 200, '1 ms')",
	"SELECT devapp.record_usage(ARRAY['$app->{credential_id}', '$app->{credential_id}']::uuid[], '{weather,no such}', '{200,200}', '{1 ms,1 ms}')")
{
	my ($state, $report) = error_of($node, $unknown);
	is($state, '42704', "an unknown product: $unknown");
	like($report, qr/product ("no such"|"") does not exist.*HINT:  Give the product that the verdict named/s, 'which is named');
}
is($node->safe_psql('postgres', 'SELECT slots_used FROM devapp.worker_status'), 0, 'nothing of it was counted, nor what stands before it in a batch');

# ---------- bad input changes nothing ----------

start_over();
for my $bad (
	[ 'negative latency', "$record, 200, '-1 us')" ],
	[ 'negative days', "$record, 200, '-1 day')" ],
	[ 'a latency of months', "$record, 200, '1 month')" ],
	[ 'a latency beyond a day', "$record, 200, '24:00:00.000001')" ],
	[ 'an endless latency', "$record, 200, '178000000 years')" ],
	[ 'no latency', "$record, 200, NULL)" ],
	[ 'no status', "$record, NULL::integer, '1 ms')" ],
	[ 'status 99', "$record, 99, '1 ms')" ],
	[ 'status 600', "$record, 600, '1 ms')" ],
	[ 'the future', "$record, 200, '1 ms', now() + interval '6 minutes')" ],
	[ 'infinity', "$record, 200, '1 ms', 'infinity')" ],
	[ 'minus infinity', "$record, 200, '1 ms', '-infinity')" ],
	[ 'ages ago', "$record, 200, '1 ms', now() - interval '1831 days')" ],
	[ 'arrays of different lengths', "SELECT devapp.record_usage(ARRAY['$app->{credential_id}']::uuid[], '{a,b}', '{200}', '{1 ms}')" ],
	[ 'a null array', "SELECT devapp.record_usage(ARRAY['$app->{credential_id}']::uuid[], NULL, '{200}', '{1 ms}')" ],
	[ 'the last of a batch', "SELECT devapp.record_usage(ARRAY['$app->{credential_id}', '$app->{credential_id}']::uuid[], '{weather,weather}', '{200,700}', '{1 ms,1 ms}')" ],
	[ 'a histogram before the first bucket', "SELECT devapp.latency_percentile('[-1:0]={1,1}', 0.5)" ],
	[ 'a histogram after the last bucket', "SELECT devapp.latency_percentile('[146:146]={1}', 0.5)" ],
	[ 'days of a latency', "$record, 200, '2 days')" ],
	[ 'a latency of a day before', "$record, 200, '-1 day 23:00')" ],
	[ 'a histogram too long', "SELECT devapp.latency_percentile('[140:150]={1,1,1,1,1,1,1,1,1,1,1}', 0.5)" ],
	[ 'a fraction of two', "SELECT devapp.latency_percentile('{1}', 2)" ],
	[ 'a fraction that is no number', "SELECT devapp.latency_percentile('{1}', 'NaN')" ])
{
	my ($name, $sql) = @$bad;
	my ($state, $report) = error_of($node, $sql);
	is($state, '22023', $name) or diag($report);
	like($report, qr/HINT:/, "$name: a hint");
}
is($node->safe_psql('postgres', 'SELECT slots_used FROM devapp.worker_status'), 0, 'nothing of it was counted');
$node->safe_psql('postgres', "$record, 200, '1 ms', now() + interval '4 minutes')");
is($node->safe_psql('postgres', 'SELECT slots_used FROM devapp.worker_status'), 1, "a gateway's clock may be a bit ahead");
is(error_of($node, q{SELECT devapp.latency_percentile('{1,-1}', 0.5)}), '22003', 'a histogram with a negative count');
is($node->safe_psql('postgres', q{SELECT devapp_internal.merge_histograms('{0,0}', '{}'), devapp_internal.merge_histograms('{0,2}', '[3:3]={1}')}), '{}|[2:3]={2,1}', 'a histogram starts and ends with what counts');
is($node->safe_psql('postgres', q{SELECT devapp.latency_percentile('{}', 0.5) IS NULL, devapp.latency_percentile('[0:0]={5}', 0)}),
	't|00:00:00.000001', 'percentiles of nothing and of next to nothing');

# ---------- a full table ----------

$node->append_conf('postgresql.conf', 'devapp.meter_size = 1MB');
$node->restart;
start_over();
is( $node->safe_psql('postgres', qq{
	SELECT count(*) FROM generate_series(1, 20000) AS n, LATERAL devapp.verify_key($key, '/weather/x', 'GET', 'e' || n) AS v WHERE v.allowed}),
	20000, 'environments that a caller makes up');
is($node->safe_psql('postgres', 'SELECT slots_used <= 2, dropped FROM devapp.worker_status'), 't|0', 'have one counter a minute together');
start_over();
my $names = join ',', 'live', map { "e$_" } 1 .. 200;
$node->safe_psql('postgres', "SELECT devapp.create_product('wide', environments => '{$names}');
	CREATE TABLE wide AS SELECT a.secret FROM generate_series(1, 100) n, devapp.create_app('wide' || n, 'ada\@example.com', products => '{wide}') a");
is( $node->safe_psql('postgres', q{
	SELECT count(*) FROM wide, generate_series(1, 200) AS n, LATERAL devapp.verify_key(secret, '/x', 'GET', 'e' || n) AS v WHERE v.allowed}),
	20000, 'verification does not mind a full table');
like(doctor($node, 'metering'), qr/^warning\|\d+ calls were not counted: the table was full$/, 'doctor says so');
is( flushed('SELECT sum(u.calls) + min(s.dropped), sum(u.calls) <= min(s.slots_total), min(s.dropped) > 0, min(s.slots_used) FROM devapp.usage_minute u, devapp.worker_status s'),
	'20000|t|t|0', 'what does not fit is counted as dropped');
$node->safe_psql('postgres', $call);
is(flushed("SELECT sum(calls) FROM devapp.usage_minute WHERE environment = '(other)'"), 10, 'after a flush there is room again');

# ---------- without preloading ----------

$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->restart;
is($node->safe_psql('postgres', "$call; $record, 200, '1 ms')"), "10\n1", 'without preloading it verifies');
is($node->safe_psql('postgres', 'SELECT count(*) FROM devapp.worker_status'), 0, 'and counts nothing');
is(error_of($node, 'SELECT devapp.flush_usage()'), '55000', 'there is nothing to flush');
is(doctor($node, 'metering'), 'info|calls are not counted, so the quota columns of verdicts are null', 'doctor says so');

done_testing();
