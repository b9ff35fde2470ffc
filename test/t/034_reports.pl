# The reports: who may read them, what developers see of their usage, and what a dump
# makes of them.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('main', "devapp.refresh_interval = 0");
make_program($node);
$node->safe_psql(
	'postgres', q{
	SELECT devapp.setup_roles();
	SELECT devapp.create_developer('eve@example.com');
	SELECT devapp.create_team('blue');
	SELECT devapp.add_team_member('blue', 'ada@example.com');
	CREATE ROLE bi LOGIN IN ROLE devapp_analyst;
	CREATE ROLE ops LOGIN IN ROLE devapp_admin;
	CREATE ROLE portal LOGIN IN ROLE devapp_developer;
	CREATE ROLE nobody LOGIN;});
my %app = (
	ada => create_app($node, 'adas'),
	blue => create_app($node, 'blues', "team => 'blue', products => '{weather}'"),
	eve => create_app($node, 'eves', "developer => 'eve\@example.com', products => '{weather}'"));

# Of each app as many calls as its place: 1, 2 and 3; and as many responses.
my $n = 0;
for my $name (qw(ada blue eve))
{
	$n++;
	my ($app_id, $credential_id) = @{ $app{$name} }{qw(app_id credential_id)};
	$node->safe_psql(
		'postgres', qq{SET timezone = 'UTC';
		SELECT devapp_internal.usage_partition('usage_' || p, now()) FROM unnest(ARRAY['minute', 'hour', 'day', 'latency']) AS p;
		INSERT INTO devapp.usage_hour (hour, app_id, credential_id, product_id, environment, code, calls, cost)
			SELECT date_trunc('hour', now()), '$app_id', '$credential_id', product_id, 'live', 'VALID', $n, $n FROM devapp.product WHERE name = 'weather';
		INSERT INTO devapp.usage_day (day, app_id, product_id, environment, code, calls, cost)
			SELECT now()::date, '$app_id', product_id, 'live', 'VALID', $n, $n FROM devapp.product WHERE name = 'weather';
		INSERT INTO devapp.usage_day (day, app_id, product_id, environment, code, calls, cost)
			SELECT now()::date, '$app_id', product_id, 'live', 'QUOTA_EXCEEDED', 10 * $n, 0 FROM devapp.product WHERE name = 'weather';
		INSERT INTO devapp.usage_latency (day, app_id, product_id, calls, client_errors, server_errors, latency_total, latency_min, latency_max, histogram)
			SELECT now()::date, '$app_id', product_id, $n, 0, 0, '1 s', '1 s', '1 s', ('[80:80]={$n}')::bigint[] FROM devapp.product WHERE name = 'weather';
		INSERT INTO devapp.last_used VALUES ('$credential_id', 1, '$app_id', now(), now());});
}
$node->safe_psql('postgres', 'SELECT FROM devapp.refresh_reports()');

# run(role, SQL): by a session of that role
sub run
{
	my ($role, $sql) = @_;
	return $node->safe_psql('postgres', "SET SESSION AUTHORIZATION $role; $sql");
}

sub refused
{
	my ($role, $sql) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($state, $report) = error_of($node, "SET SESSION AUTHORIZATION $role; $sql");
	is($state, '42501', "$role is refused: $sql") or diag($report);
	return;
}

# ---------- analysts ----------

my @reports = split /\n/, $node->safe_psql('postgres',
	q{SELECT relname FROM pg_class WHERE relnamespace = 'devapp_report'::regnamespace AND relkind IN ('v', 'm') ORDER BY relname});
ok(@reports >= 14, 'there are reports');
same_lines(run('bi', "SELECT table_name FROM information_schema.tables WHERE table_schema = 'devapp_report' AND table_type = 'VIEW' ORDER BY table_name"),
	join("\n", @reports), 'a tool that asks information_schema sees all of them');
same_lines(run('bi', 'SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema LIKE \'devapp%\' AND table_schema <> \'devapp_report\''), '', 'and no other relation of devapp');
for my $role (qw(bi ops))
{
	is(run($role, "SELECT count(*) >= 0 FROM (SELECT * FROM devapp_report.$_ OFFSET 0) AS x"), 't', "$role reads $_") for @reports;
}
is(run('bi', 'SELECT app, calls_30d FROM devapp_report.app_inventory ORDER BY app'), "adas|1\nblues|2\neves|3", 'an analyst sees all apps');
is(run('bi', 'SELECT sum(calls), sum(refused) FROM devapp_report.usage_daily'), '6|60', 'and all calls');
is(run('bi', 'SELECT devapp_report.percentile(histogram, 0.95) FROM devapp_report.latency_totals'), '1143.48', 'an analyst asks for a percentile of all');
is(run('bi', 'SELECT count(*) FROM devapp_report.calendar'), 1831, 'the calendar has the days that usage is kept for, and today');
is(run('bi', 'SELECT count(*) FROM devapp_report.rotations WHERE NOT is_overdue'), 3, 'also where a view calls a function of devapp');
refused('bi', $_)
  for 'SELECT FROM devapp.app', 'SELECT FROM devapp.credential_secret', 'SELECT FROM devapp.usage_day', 'SELECT FROM devapp.my_usage', 'SELECT FROM devapp.my_quota',
  'SELECT FROM devapp.top_apps', 'SELECT devapp_internal.setting(\'rotation_max_age\')', 'SELECT devapp.refresh_reports()',
  'REFRESH MATERIALIZED VIEW devapp_internal.usage_totals', 'DELETE FROM devapp_report.developers',
  'CREATE VIEW devapp_report.mine AS SELECT 1';
# A tool lists everything that an analyst may use: besides what everybody may, that is devapp_report.
my $ours = q{
	SELECT 'schema ' || n.nspname FROM pg_namespace n WHERE has_schema_privilege(n.oid, 'USAGE') OR has_schema_privilege(n.oid, 'CREATE')
	UNION SELECT 'relation ' || c.oid::regclass FROM pg_class c
	       WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relnamespace <> 'pg_toast'::regnamespace
	         AND (has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') OR has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')
	              OR c.relkind = 'S' AND has_sequence_privilege(c.oid, 'USAGE, SELECT, UPDATE'))
	UNION SELECT 'function ' || p.oid::regproc FROM pg_proc p WHERE has_function_privilege(p.oid, 'EXECUTE')
	UNION SELECT 'type ' || t.oid::regtype FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
	       WHERE has_type_privilege(t.oid, 'USAGE') AND t.typcategory <> 'A' AND coalesce(c.relkind, 'c') = 'c'
	UNION SELECT 'routine ' || routine_schema || '.' || routine_name FROM information_schema.routines
	UNION SELECT 'privilege ' || object_schema || '.' || object_name FROM information_schema.usage_privileges
	UNION SELECT 'table ' || table_schema || '.' || table_name FROM information_schema.tables
	UNION SELECT 'column of ' || table_schema || '.' || table_name FROM information_schema.columns
	ORDER BY 1};
my %everybody = map { $_ => 1 } split /\n/, run('nobody', $ours);
my @listed = grep { !$everybody{$_} } split /\n/, run('bi', $ours);
same_lines(join("\n", grep { !/ devapp_report(\.|$)/ } @listed), '', 'nothing outside of devapp_report is for analysts');
same_lines(join("\n", grep { /^(schema|function|type) / } @listed),
	"function devapp_report.dashboard\nfunction devapp_report.percentile\nfunction devapp_report.quota_window\nfunction devapp_report.setting\nfunction devapp_report.sum_bigint\n"
	  . qq{schema devapp_report\ntype devapp_report."text/html"}, 'what is there besides views');
is(run('bi', "SELECT devapp_report.setting('rotation_max_age'), devapp_report.setting('devapp.rotation_max_age')"), '90|90', 'an analyst asks for a setting');
is(run('bi', 'SELECT devapp_report.sum_bigint(calls), pg_typeof(devapp_report.sum_bigint(calls)) FROM devapp_report.usage_daily'), '6|bigint', 'for a sum that is no numeric');
is(run('bi', "SET timezone = 'UTC'; SELECT * FROM devapp_report.quota_window('2026-03-29 12:00Z', 1, 'day', 'Europe/Berlin')"),
	'2026-03-28 23:00:00+00|2026-03-29 22:00:00+00', 'and for the window of a quota');
is(run('bi', "SELECT devapp_report.quota_window(now(), 1, 'day', 'Mars') = devapp_report.quota_window(now(), 1, 'day', 'UTC')"), 't', 'of which days are of UTC on Mars, as where calls are counted');
for (["setting('no_such')", '42704', 'there is no such setting'], ["setting('work_mem')", '42704', 'and none but of devapp'], ["setting('pepper_file')", '42501', 'one that superusers see'], ["quota_window(now(), 0, 'day', 'UTC')", '22023', 'no window of 0 days'])
{
	my ($call, $expected, $name) = @$_;
	my ($got, $report) = error_of($node, "SET SESSION AUTHORIZATION bi; SELECT devapp_report.$call");
	is($got, $expected, $name) or diag($report);
}

# every tool can read these types: numbers are numbers, times have a time zone
same_lines(run('bi', q{SELECT table_name || '.' || column_name || ' ' || udt_name FROM information_schema.columns WHERE table_schema = 'devapp_report'
		AND data_type NOT IN ('text', 'uuid', 'bigint', 'integer', 'boolean', 'double precision', 'date', 'timestamp with time zone') ORDER BY 1}),
	"app_inventory.products _text\nlatency_daily.histogram _int8\nlatency_totals.histogram _int8", 'columns are of few types');

is(run('ops', 'SELECT count(*) FROM devapp.refresh_reports()'), 7, 'an administrator refreshes');
refused('ops', $_) for 'REFRESH MATERIALIZED VIEW devapp_internal.usage_totals', 'SELECT devapp_internal.refresh_reports_if_due()';
for my $role (qw(portal nobody))
{
	refused($role, "SELECT FROM devapp_report.$_") for @reports;
	refused($role, $_) for 'SELECT devapp.refresh_reports()', 'SELECT FROM devapp.report_refresh';
}

# what a secret was made into is nowhere: not in a report, nor in what they are made from
my $digest = $node->safe_psql('postgres', "SELECT split_part(digest::text, ':', 3) FROM devapp.credential_secret LIMIT 1");
for my $name (@reports)
{
	is($node->safe_psql('postgres', "SELECT count(*) FROM devapp_report.$name AS x WHERE x::text LIKE '%$digest%'"), 0, "no digest in $name");
}

# ---------- developers ----------

sub as_developer
{
	my ($email, $sql) = @_;
	return $node->safe_psql('postgres', qq{SET request.jwt.claims = '{"email": "$email", "email_verified": true}'; SET ROLE devapp_developer; $sql});
}
my %sees = ('ada@example.com' => [ 3, 'adas blues', 2 ], 'eve@example.com' => [ 3, 'eves', 1 ]);
for my $email (sort keys %sees)
{
	my ($calls, $apps, $n_apps) = @{ $sees{$email} };

	is(as_developer($email,
			q{SELECT sum(calls), sum(refused), sum(over_quota), sum(cost), sum(responses), min(p95_ms), string_agg(app, ' ' ORDER BY app) FROM devapp.my_usage}),
		"$calls|" . 10 * $calls . '|' . 10 * $calls . "|$calls|$calls|1000|$apps", "my_usage of $email");
	is(as_developer($email, "SELECT count(DISTINCT app_id) FROM devapp.$_"), $n_apps, "$_ of $email")
	  for qw(usage_hour usage_day usage_latency last_used daily_latency app_last_used credential_last_used);
}
is(as_developer('', 'SELECT count(*) FROM devapp.my_usage'), 0, 'nobody sees nothing');
refused('portal', "SELECT FROM devapp.$_") for split /\n/, $node->safe_psql('postgres', 'SELECT partition_name FROM devapp_internal.usage_partitions()');
refused('portal', $_)
  for 'SELECT FROM devapp.usage_minute', 'SELECT FROM devapp.top_apps', 'UPDATE devapp.usage_day SET calls = 0', 'DELETE FROM devapp.last_used',
  'SELECT FROM devapp_internal.app_usage', 'SELECT FROM devapp_internal.named_app';

# ---------- beside a reader ----------

# A report that somebody reads is left as it was, and the others are refreshed and free: each
# is committed before the next one is waited for.
my $reader = $node->background_psql('postgres');
$reader->query_safe('BEGIN; SELECT count(*) FROM devapp_report.usage_totals');
my $before = $node->safe_psql('postgres', 'SELECT now()');
my ($status, $out, $err) = $node->psql('postgres', 'SET SESSION AUTHORIZATION ops; CALL devapp.run_refresh(concurrently => false)');
is($status, 0, 'run_refresh beside a reader');
like($err, qr/WARNING:  report "usage_totals" is in use and was not refreshed/, 'it says what it left out');
is($node->safe_psql('postgres', "SELECT string_agg(report, ' ' ORDER BY ordinal) FROM devapp.report_refresh WHERE as_of <= '$before'"), 'usage_totals', 'all others were refreshed');
like($node->safe_psql('postgres', "SELECT error FROM devapp_report.freshness WHERE report = 'usage_totals'"), qr/lock timeout/, 'freshness says so');
# What is made of a report that was left out is as old as that.
$reader->query_safe('COMMIT; BEGIN; SELECT count(*) FROM devapp_report.product_adoption');
$before = $node->safe_psql('postgres', 'SELECT now()');
$node->psql('postgres', 'SET SESSION AUTHORIZATION ops; CALL devapp.run_refresh(concurrently => false)');
is($node->safe_psql('postgres', "SELECT string_agg(report, ' ' ORDER BY ordinal) FROM devapp.report_refresh WHERE as_of <= '$before'"), 'product_adoption rotation_queue', 'secrets are counted with products, and so are as old');
# in one transaction it is all or nothing
my ($state) = error_of($node, 'SELECT devapp.refresh_reports(concurrently => false)');
is($state, '55P03', 'refresh_reports locks all of them or none');
$reader->query_safe('COMMIT');
$reader->quit;
($status, $out, $err) = $node->psql('postgres', 'CALL devapp.run_refresh(concurrently => false)');
is("$status|$err", '0|', 'when nobody reads, all are refreshed');
is($node->safe_psql('postgres', "SELECT count(*) FROM devapp.report_refresh WHERE as_of <= '$before' OR error IS NOT NULL"), 0, 'and no error is left');
is((error_of($node, 'BEGIN; CALL devapp.run_refresh()'))[0], '2D000', 'run_refresh is no part of a transaction');
refused('bi', $_) for 'CALL devapp.run_refresh()', 'SELECT devapp.refresh_next(0, true)';

# ---------- a dump ----------

my @filled = qw(high_usage_apps product_adoption usage_totals);
sub contents
{
	my ($db) = @_;
	return join "\n", map { $node->safe_psql($db, qq{SELECT '$_', x::text FROM devapp_report.$_ AS x ORDER BY x::text COLLATE "C"}) }
	  @filled, qw(team_usage usage_daily);
}
my $dump = $node->data_dir . '/../dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('postgres') ], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'env', 'PGOPTIONS=-c devapp.restoring=on', 'pg_restore', '--exit-on-error', '-d', $node->connstr('restored'), $dump ], 'pg_restore');
is($node->safe_psql('restored', "SELECT count(*), count(as_of) FROM devapp_report.freshness WHERE kind <> 'live'"), '9|0', 'restored reports say that they were never refreshed');
is($node->safe_psql('restored', "SELECT count(*) FROM devapp_report.$_"), 0, "$_ is empty, and can be read") for @filled;
$node->safe_psql('restored', 'SELECT devapp_internal.refresh_reports_if_due()');
is($node->safe_psql('restored', 'SELECT count(as_of) FROM devapp.report_refresh'), 0, 'where the interval is 0 nothing is due');
set_config($node, 'devapp.refresh_interval', '15min');
$node->safe_psql('restored', 'SET devapp.restoring = on; SELECT devapp_internal.refresh_reports_if_due()');
is($node->safe_psql('restored', 'SELECT count(as_of) FROM devapp.report_refresh'), 0, 'a database that is being restored is left alone');
$node->safe_psql('restored', 'SELECT devapp_internal.refresh_reports_if_due()');
is($node->safe_psql('restored', "SELECT count(*), count(as_of) FROM devapp_report.freshness WHERE kind <> 'live'"), '9|9', 'what the worker does fills them');
same_lines(contents('restored'), contents('postgres'), 'they are those of the source');
is($node->safe_psql('restored', 'SET SESSION AUTHORIZATION bi; SELECT sum(calls) FROM devapp_report.usage_totals'), 6, 'and analysts may read them');

# ---------- what goes wrong ----------

is( $node->safe_psql('restored', q{
		BEGIN;
		DO $$ BEGIN PERFORM devapp_internal.usage_partition('usage_latency', now()); END $$;
		INSERT INTO devapp.usage_latency SELECT (now() AT TIME ZONE 'UTC')::date, app_id, NULL, 1, 0, 0, '1 s', '1 s', '1 s', array_fill(1::bigint, '{1000}') FROM devapp.app;
		DELETE FROM devapp.housekeeping WHERE task = 'refresh_reports';
		SELECT devapp_internal.refresh_reports_if_due();
		SELECT count(DISTINCT error), count(as_of) FROM devapp.report_refresh;
		SELECT status, detail FROM devapp.doctor() WHERE check_name = 'housekeeping';
		ROLLBACK;}),
	"\n1|7\nwarning|reports could not be refreshed: invalid histogram of latencies", 'reports that cannot be refreshed stay as they were, and doctor says so');

# ---------- what refreshing leaves in pg_stat_statements ----------

SKIP:
{
	skip 'pg_stat_statements is not installed', 4
	  unless $node->safe_psql('postgres', q{SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_stat_statements'});
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_stat_statements'\npg_stat_statements.track = 'all'");
	$node->restart;
	$node->safe_psql('postgres', 'CREATE EXTENSION pg_stat_statements; SELECT FROM devapp.refresh_reports(); SELECT FROM devapp.refresh_reports()');
	my $left = q{SELECT count(*) FROM pg_stat_statements WHERE query ~ 'pg_temp_[0-9]'};
	is($node->safe_psql('postgres', $left), 0, 'where nested statements are tracked, no refresh leaves new ones');
	is($node->safe_psql('postgres', q{BEGIN; SELECT count(*) FROM devapp.refresh_reports(); SHOW pg_stat_statements.track; COMMIT; SHOW pg_stat_statements.track}),
		"7\nall\nall", 'and the setting is as it was');
	is( $node->safe_psql('postgres', q{SELECT count(*) > 0 FROM pg_stat_statements WHERE query ~ 'UPDATE devapp.report_refresh' AND NOT toplevel}),
		't', 'other statements are tracked');
	# an owner who may not change it
	$node->safe_psql('postgres', q{CREATE ROLE boss; GRANT USAGE ON SCHEMA devapp_internal TO boss;
		GRANT EXECUTE ON FUNCTION devapp_internal.track_statements(text) TO boss});
	is($node->safe_psql('postgres', q{SET ROLE boss; SELECT devapp_internal.track_statements('none') IS NULL; SHOW pg_stat_statements.track}),
		"t\nall", 'who may not change it leaves it alone');
}

done_testing();
