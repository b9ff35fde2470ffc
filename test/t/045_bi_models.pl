# The models for BI tools in examples/bi: what each asks runs with the rights of an analyst,
# gives types that every tool can read, and the right numbers.
#
# Cube's compiler loads its models where NODE_PATH has @cubejs-backend/schema-compiler, and dbt
# builds its own where it is installed; else what they ask is asked without them.

use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $models = abs_path("$FindBin::RealBin/../../examples/bi");
my $zone = 'America/New_York';
my $node = start_server('main', "devapp.refresh_interval = 0\ntimezone = 'UTC'");
make_program($node);
$node->safe_psql(
	'postgres', q{
	SELECT devapp.setup_roles();
	CREATE ROLE bi LOGIN IN ROLE devapp_analyst;
	CREATE SCHEMA devapp_models AUTHORIZATION bi;});
my $app = create_app($node, 'shop');
my $gone = create_app($node, 'gone');
$node->safe_psql('postgres', "SELECT devapp.delete_app('$gone->{app_id}')");

# calls in each hour of the last 12 days, those of a deleted app as well, and responses
for my $of ([ $app, 3 ], [ $gone, 2 ])
{
	my ($app_id, $credential_id, $calls) = ($of->[0]{app_id}, $of->[0]{credential_id}, $of->[1]);
	$node->safe_psql(
		'postgres', qq{
		SELECT devapp_internal.usage_partition('usage_' || p, now() - n * interval '24 hours') FROM unnest(ARRAY['hour', 'day', 'latency']) AS p, generate_series(0, 12) AS n;
		INSERT INTO devapp.usage_hour (hour, app_id, credential_id, product_id, code, calls, cost)
			SELECT date_trunc('hour', now()) - n * interval '1 hour', '$app_id', '$credential_id', p.product_id, c.code::devapp.verdict_code, c.calls, 0
			  FROM devapp.product p, generate_series(0, 288) AS n, LATERAL (VALUES ('VALID', n % 7 + $calls), ('QUOTA_EXCEEDED', 1)) AS c(code, calls);
		INSERT INTO devapp.usage_day (day, app_id, product_id, code, calls, cost)
			SELECT hour::date, app_id, product_id, code, sum(calls), 0 FROM devapp.usage_hour WHERE app_id = '$app_id' GROUP BY 1, 2, 3, 4;
		INSERT INTO devapp.usage_latency (day, app_id, product_id, calls, client_errors, server_errors, latency_total, latency_min, latency_max, histogram)
			SELECT day, app_id, product_id, calls, 1, 0, calls * interval '1 s', '1 s', '1 s', ('[80:80]={' || calls || '}')::bigint[]
			  FROM devapp.usage_day WHERE app_id = '$app_id' AND code = 'VALID';});
}
# a person decides on a product, two and a half hours after it was asked for
$node->safe_psql(
	'postgres', q{
	SELECT FROM devapp.create_product('tides', approval => 'manual');
	SELECT FROM devapp.create_app('waits', 'ada@example.com', '{tides}');
	SET session_replication_role = replica;
	UPDATE devapp.credential_product SET created_at = now() - interval '150 minutes' WHERE status = 'pending';
	UPDATE devapp.app SET created_at = now() - interval '150 minutes' WHERE name = 'waits';
	RESET session_replication_role;
	BEGIN;
	SELECT devapp.act_as('ada@example.com');
	SELECT FROM devapp.approve_app('ada@example.com/waits', 'agreed');
	COMMIT;});
$node->safe_psql('postgres', 'SELECT FROM devapp.refresh_reports()');

# ask(SQL): as an analyst; the rows, and whether a tool can read all types
sub ask
{
	my ($name, $sql) = @_;
	my $rows = $node->safe_psql('postgres', "SET SESSION AUTHORIZATION bi; $sql");
	my %types = map { $_ => 1 } map { (split /\|/)[1] } split /\n/, $node->safe_psql('postgres', "SET SESSION AUTHORIZATION bi; $sql \\gdesc");
	return ($rows, join ' ', grep { !/^(text|uuid|bigint|integer|boolean|double precision|date|timestamp with time zone)$/ } sort keys %types);
}

sub slurp
{
	my ($file) = @_;
	open my $in, '<:raw', $file or die "$file: $!";
	local $/;
	return scalar <$in>;
}
is((ask('approvals', "SELECT subject, decided_by, decided_by_kind, outcome, hours FROM devapp_report.approvals WHERE app = 'waits' ORDER BY subject"))[0],
	"app|ada\@example.com|person|approved|2.5\nproduct|ada\@example.com|person|approved|2.5", 'an analyst sees who decided');
my $day = "(hour AT TIME ZONE '$zone')::date";
my $by_day = $node->safe_psql('postgres', "SELECT $day, sum(calls) FROM devapp.usage_hour WHERE code = 'VALID' GROUP BY 1 ORDER BY 1");

# ---------- Grafana ----------

my $dashboard = decode_json(slurp("$models/grafana/dashboard.json"));
ok(@{ $dashboard->{panels} } >= 8, 'the dashboard has panels');
my %answer;
for my $panel (@{ $dashboard->{panels} })
{
	for my $target (@{ $panel->{targets} })
	{
		my $sql = $target->{rawSql};
		# as Grafana does; the condition of a filter may have parentheses of its own
		$sql =~ s/\$__timeFilter(\((?:[^()]++|(?1))*\))/$1 BETWEEN '2020-01-01Z' AND '2100-01-01Z'/g;
		$sql =~ s/\$\{__timezone\}/$zone/g;
		unlike($sql, qr/\$_|\$\{/, "no macro is left: $panel->{title}");
		my ($rows, $odd) = ask($panel->{title}, $sql);
		is($odd, '', "types that Grafana can read: $panel->{title}");
		$answer{ $panel->{title} } = $rows;
	}
}
is($answer{'Calls by day'} =~ s/^(\S+) [^|]*\|(\d+)\|\d+$/$1|$2/gmr,
	$node->safe_psql('postgres', "SELECT date_trunc('day', hour, '$zone')::date, sum(calls) FROM devapp.usage_hour WHERE code = 'VALID' GROUP BY 1 ORDER BY 1"),
	'days of the time zone of the dashboard');
is($answer{'Busiest apps'} =~ s/^([^|]*)\|([^|]*)\|.*$/$1|$2/gmr, "ada\@example.com/shop|f\nada\@example.com/gone|t", 'apps by their path, deleted ones as well');
is((split /\|/, (split /\n/, $answer{'Latency (p95) by product'})[0])[2], '1143.48', 'a percentile');

# ---------- dbt ----------

my %model = map { my ($name) = m{([^/]+)\.sql$}; $name => slurp($_) } glob "$models/dbt/models/*.sql";
is(join(' ', sort keys %model), 'approval_turnaround latency_by_product usage_by_day usage_history', 'models for dbt');
my ($sources, $described) = map { slurp("$models/dbt/models/$_.yml") } qw(sources models);
for my $name (sort keys %model)
{
	like($described, qr/- name: $name\n/, "$name is described");
	like($sources, qr/- name: $_\n/, "$name: $_ is a source") for $model{$name} =~ /source\('devapp', '(\w+)'\)/g;
	for my $again (0, 1)
	{
		next if $again && $name ne 'usage_history';
		my $sql = $model{$name};
		$sql =~ s/\{\{\s*config\([^}]*\)\s*\}\}//g;
		$sql =~ s/\{%\s*if is_incremental\(\)\s*%\}(.*?)\{%\s*endif\s*%\}/$again ? $1 : ''/egs;
		$sql =~ s/\{\{\s*source\('devapp', '(\w+)'\)\s*\}\}/devapp_report.$1/g;
		$sql =~ s/\{\{\s*var\("devapp_time_zone"\)\s*\}\}/$zone/g;
		$sql =~ s/\{\{\s*this\s*\}\}/devapp_models.usage_history/g;
		unlike($sql, qr/\{[{%]/, "no template is left: $name");
		my ($rows, $odd) = ask($name, $sql);
		is($odd, '', "types that a tool can read: $name");
		$answer{"$name$again"} = $rows;
		$node->safe_psql('postgres', "SET SESSION AUTHORIZATION bi; CREATE TABLE devapp_models.$name AS $sql") unless $again;
	}
}
is($node->safe_psql('postgres', 'SELECT day, sum(calls) FROM devapp_models.usage_by_day WHERE calls > 0 GROUP BY day ORDER BY day'), $by_day, 'calls by day of a zone');
is($node->safe_psql('postgres', 'SELECT count(DISTINCT day) FROM devapp_models.usage_by_day'), 90, 'days without calls are there');
is($node->safe_psql('postgres', 'SELECT sum(calls) = (SELECT sum(calls) FROM devapp.usage_day WHERE code = \'VALID\') FROM devapp_models.usage_history'), 't', 'the history has all calls');
$node->safe_psql('postgres', "UPDATE devapp.usage_day SET calls = calls + 100, updated_at = clock_timestamp() + interval '1 hour' WHERE app_id = '$app->{app_id}' AND code = 'VALID' AND day = (now() - interval '24 hours')::date");
my (undef, undef) = ask('usage_history', 'SELECT 1');
is(scalar(split /\n/, $node->safe_psql('postgres', 'SET SESSION AUTHORIZATION bi; ' . incremental($model{usage_history}))), 1, 'the next run reads what has changed');

# the part of a model that a later run asks, without the minute that it reads twice
sub incremental
{
	my ($sql) = @_;
	$sql =~ s/\{\{\s*config\([^}]*\)\s*\}\}//g;
	$sql =~ s/\{%[^%]*%\}//g;
	$sql =~ s/\{\{\s*source\('devapp', '(\w+)'\)\s*\}\}/devapp_report.$1/g;
	$sql =~ s/\{\{\s*this\s*\}\}/devapp_models.usage_history/g;
	$sql =~ s/ - interval '1 minute'//;
	return $sql;
}

SKIP:
{
	my $dbt = `command -v dbt 2>/dev/null`;
	skip 'dbt is not installed', 1 unless $dbt;
	my $project = PostgreSQL::Test::Utils::tempdir();
	system('cp', '-r', "$models/dbt/.", $project);
	local @ENV{qw(PGHOST PGPORT PGUSER PGDATABASE DBT_PROFILES_DIR)} = ($node->host, $node->port, 'bi', 'postgres', $project);
	$node->safe_psql('postgres', 'DROP SCHEMA devapp_models CASCADE; CREATE SCHEMA devapp_models AUTHORIZATION bi');
	command_ok([ 'dbt', 'build', '--project-dir', $project ], 'dbt builds its models and tests them');
}

# ---------- Cube ----------

SKIP:
{
	skip 'NODE_PATH has no @cubejs-backend/schema-compiler', 8
	  unless system(q{node -e "require.resolve('@cubejs-backend/schema-compiler')" >/dev/null 2>&1}) == 0;
	my ($out, $err) = run_command([ 'node', abs_path("$FindBin::RealBin/../bi/cube.js"), "$models/cube", $zone ]);
	my %query = map { my ($name, $sql) = split /\t/, $_, 2; $name => $sql } split /\n/, $out;
	is(scalar(keys %query), 7, 'Cube compiles its models') or diag($err);
	my %got = map { $_ => $node->safe_psql('postgres', "SET SESSION AUTHORIZATION bi; $query{$_}") } sort keys %query;
	is($got{calls_by_day} =~ s/ 00:00:00//gr, $by_day, 'days of the time zone of the query');
	my $sums = $node->safe_psql('postgres', q{
		SELECT u.app_id, 'ada@example.com/' || a.name, sum(calls) FILTER (WHERE code = 'VALID') AS n, sum(calls) FILTER (WHERE code <> 'VALID') FROM devapp.usage_hour u JOIN devapp.app a USING (app_id) GROUP BY 1, 2 ORDER BY n DESC});
	is($got{refused_by_app} =~ s/\|[0-9.]+$//gmr, $sums, 'calls by app');
	like($got{latency_by_product}, qr/^weather\|\d+\|1143\.48\|1000\.00\|\d+\.\d\d$/, 'percentiles by product');
	is($got{latency_by_day} =~ s/ 00:00:00//gr, $node->safe_psql('postgres', 'SELECT day, sum(calls) FROM devapp.usage_latency GROUP BY day ORDER BY day'), 'a day of UTC stays that day');
	is($got{deleted_apps}, "f|2\nt|1", 'apps, deleted ones as well');
	is($got{products}, 'public|2', 'products');
	is($got{decisions}, 'approved|2|2.50|2.50', 'decisions of people');
}

done_testing();
