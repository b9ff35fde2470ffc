# The models for BI tools in examples/bi: what each asks runs with the rights of an analyst,
# gives types that every tool can read, and the right numbers.
#
# Cube's compiler loads its models where NODE_PATH has @cubejs-backend/schema-compiler, dbt builds
# its own where it is installed, and Jinja renders them where Python has it; else what they ask is
# asked without them.  The drivers of Evidence and Cube read every report where NODE_PATH has them.

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
	CREATE ROLE reader LOGIN IN ROLE devapp_analyst;
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
			  FROM devapp.product p, generate_series(0, 288) AS n, LATERAL (VALUES ('VALID', n % 7 + $calls), ('QUOTA_EXCEEDED', 1)) AS c(code, calls)
			 WHERE p.name = 'weather';
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

# ask(SQL): as an analyst; the rows, and what a tool could not read: types that not every one
# has, and numbers that were not rounded
sub ask
{
	my ($name, $sql) = @_;
	my $rows = $node->safe_psql('postgres', "SET SESSION AUTHORIZATION bi; $sql");
	my %types = reverse columns($sql);
	delete @types{ 'text', 'uuid', 'bigint', 'integer', 'boolean', 'double precision', 'date', 'timestamp with time zone' };
	return ($rows, join ' ', sort(keys %types), grep { /^-?\d+\.\d{3,}$/ } split /[|\n]/, $rows);
}

# the columns of a query and their types
sub columns
{
	my ($sql) = @_;
	return map { split /\|/, $_, 2 } split /\n/, $node->safe_psql('postgres', "SET SESSION AUTHORIZATION bi; $sql \\gdesc");
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
my @panels = @{ $dashboard->{panels} };
my ($input) = @{ $dashboard->{__inputs} };
my $source = { type => 'grafana-postgresql-datasource', uid => "\${$input->{name}}" };
is("$input->{type} $input->{pluginId}", "datasource $source->{type}", 'the dashboard asks for a data source');
ok(@panels >= 8, 'it has panels');
is(scalar(keys %{ { map { $_->{id} => 1 } @panels } }), scalar(@panels), 'each has a number of its own');
my %answer;

# Grafana's macros, with a time zone and a range of time; the condition of a filter may have
# parentheses of its own.
sub expand_macros
{
	my ($sql, $from) = @_;
	$sql =~ s/\$__timeFilter(\((?:[^()]++|(?1))*\))/$1 BETWEEN '$from' AND '2100-01-01Z'/g;
	$sql =~ s/\$\{__timezone\}/$zone/g;
	return $sql;
}

# Rows and columns of a dashboard: 24 columns, and no panel over another.
my %taken;
for my $panel (@panels)
{
	my ($x, $y, $w, $h) = @{ $panel->{gridPos} }{qw(x y w h)};
	my @cells = map { my $row = $_; map { "$row/$_" } $x .. $x + $w - 1 } $y .. $y + $h - 1;
	ok($x + $w <= 24 && @cells && !grep({ $taken{$_}++ } @cells), "there is room for $panel->{title}");
	like($panel->{type}, qr/^(timeseries|barchart|table|stat)$/, "Grafana has such panels: $panel->{title}");
	is_deeply($panel->{datasource}, $source, "it asks the data source: $panel->{title}");
}
my $recent = $node->safe_psql('postgres', "SELECT date_trunc('second', now()) - interval '3 days'");
for my $panel (@panels)
{
	for my $target (@{ $panel->{targets} })
	{
		my $sql = expand_macros($target->{rawSql}, '2020-01-01Z');
		unlike($sql, qr/\$_|\$\{/, "no macro is left: $panel->{title}");
		is_deeply([ $target->{datasource}, $target->{rawQuery}, $target->{refId} ], [ $source, JSON::PP::true, 'A' ], "it is a query in SQL: $panel->{title}");
		my ($rows, $odd) = ask($panel->{title}, $sql);
		is($odd, '', "types that Grafana can read: $panel->{title}");
		isnt($rows, '', "it shows something: $panel->{title}") unless $panel->{title} =~ /wait/i;
		$answer{ $panel->{title} } = $rows;
		next unless $target->{format} eq 'time_series';

		# a time, at most one name of a series, numbers; by time
		my %column = columns($sql);
		is(delete $column{time}, 'timestamp with time zone', "there is a time: $panel->{title}");
		is(delete $column{metric} // 'text', 'text', "a name: $panel->{title}");
		is(join(' ', grep { !/^(bigint|integer|double precision)$/ } values %column), '', "and numbers: $panel->{title}");
		my $times = "SELECT string_agg(time::text, ' ' ORDER BY n) = string_agg(time::text, ' ' ORDER BY time, n), min(time) > '$recent'::timestamptz - interval '1 day' FROM (SELECT time, row_number() OVER () AS n FROM";
		like($node->safe_psql('postgres', "SET SESSION AUTHORIZATION bi; $times ($sql) AS x) AS y"), qr/^t\|/, "by time: $panel->{title}");
		is((ask($panel->{title}, "$times (" . expand_macros($target->{rawSql}, $recent) . ') AS x) AS y'))[0], 't|t', "of the time that is shown: $panel->{title}");
	}
}
is($answer{'Calls by day'} =~ s/^(\S+) [^|]*\|(\d+)\|\d+$/$1|$2/gmr,
	$node->safe_psql('postgres', "SELECT date_trunc('day', hour, '$zone')::date, sum(calls) FROM devapp.usage_hour WHERE code = 'VALID' GROUP BY 1 ORDER BY 1"),
	'days of the time zone of the dashboard');
is($answer{'Busiest apps'} =~ s/^([^|]*)\|([^|]*)\|.*$/$1|$2/gmr, "ada\@example.com/shop|f\nada\@example.com/gone|t", 'apps by their path, deleted ones as well');
is((split /\|/, (split /\n/, $answer{'Latency (p95) by product'})[0])[2], '1143.48', 'a percentile');

# ---------- dbt ----------

# render(model, again): the SQL that dbt makes of it in the first run, or in a later one
sub render
{
	my ($sql, $again) = @_;
	$sql =~ s/\{\{\s*config\([^}]*\)\s*\}\}//g;
	$sql =~ s/\{%\s*if is_incremental\(\)\s*%\}(.*?)\{%\s*endif\s*%\}/$again ? $1 : ''/egs;
	$sql =~ s/\{\{\s*source\('devapp', '(\w+)'\)\s*\}\}/devapp_report.$1/g;
	$sql =~ s/\{\{\s*var\("devapp_time_zone"\)\s*\}\}/$zone/g;
	$sql =~ s/\{\{\s*this\s*\}\}/devapp_models.usage_history/g;
	return $sql;
}

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
		my $sql = render($model{$name}, $again);
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
is(scalar(split /\n/, (ask('usage_history', render($model{usage_history}, 1) =~ s/ - interval '1 minute'//r))[0]), 1, 'the next run reads what has changed');

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

# Its templates are Jinja's: what the test makes of them Jinja makes as well.
SKIP:
{
	skip 'Python has no jinja2', 2 * keys %model unless system(q{python3 -c 'import jinja2' >/dev/null 2>&1}) == 0;
	for my $name (sort keys %model)
	{
		for my $again (0, 1)
		{
			my ($got, $err) = run_command([ 'python3', abs_path("$FindBin::RealBin/../bi/render.py"), "$models/dbt/models/$name.sql", $zone, $again ]);
			is(join(' ', split ' ', $got), join(' ', split ' ', render($model{$name}, $again)), "Jinja renders $name, run " . ($again + 1)) or diag($err);
		}
	}
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

# ---------- the drivers of tools ----------

# What each driver makes of the columns of every report.
my %reads = (
	evidence => [ '@evidence-dev/postgres', 'boolean boolean|date date|number number|string array|string string' ],
	cube => [ '@cubejs-backend/postgres-driver', 'bigint string|boolean boolean|date string|double number|int number|text array|text string|timestamptz string|uuid string' ]);
for my $driver (sort keys %reads)
{
  SKIP:
	{
		my ($package, $expected) = @{ $reads{$driver} };
		skip "NODE_PATH has no $package", 3 unless system('node', '-e', "try { require.resolve('$package') } catch { process.exit(1) }") == 0;
		local @ENV{qw(PGHOST PGPORT PGUSER PGDATABASE)} = ($node->host, $node->port, 'reader', 'postgres');
		my ($out, $err) = run_command([ 'node', abs_path("$FindBin::RealBin/../bi/drivers.js"), $driver, 'devapp_report' ]);
		my @columns = map { [ split /\t/, $_, -1 ] } split /\n/, $out;
		is(scalar(keys %{ { map { $_->[0] => 1 } @columns } }), $node->safe_psql('postgres', 'SELECT count(*) FROM devapp_report.freshness'), "$package reads every report") or diag($err);
		is(join('|', sort keys %{ { map { ("$_->[2] $_->[3]" => 1) } grep { $_->[3] ne '' } @columns } }), $expected, 'and gives values of their types');
		is(join(' ', sort map { "$_->[0].$_->[1]" } grep { $_->[3] eq 'array' } @columns), 'app_inventory.products latency_daily.histogram latency_totals.histogram', 'three of them are arrays');
	}
}

done_testing();
