# Quotas over five standbys that borrow parts of them, at several rates of calls; then a hard
# one while servers are killed and connections broken, on REACH_SCHEDULES random schedules.

use strict;
use warnings FATAL => 'all';

use Devapp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $seed = $ENV{DEVAPP_SEED} || time;
srand $seed;
note("seed $seed");

my $primary = start_server('primary', "shared_preload_libraries = 'devapp'
devapp.flush_interval = 1
max_worker_processes = 12
max_connections = 40
shared_buffers = 32MB
restart_after_crash = on", init => { allows_streaming => 1 });
$primary->safe_psql('postgres', q{CREATE EXTENSION devapp CASCADE;
	SELECT devapp.create_developer('ada@example.com');
	CREATE ROLE shipper LOGIN;
	GRANT USAGE ON SCHEMA devapp TO shipper;
	GRANT EXECUTE ON FUNCTION devapp.receive_usage, devapp.lease_quotas TO shipper});
$primary->backup('backup');
my @standbys = map { PostgreSQL::Test::Cluster->new("standby$_") } 1 .. 5;
for my $node (@standbys)
{
	$node->init_from_backup($primary, 'backup', has_streaming => 1);
	$node->append_conf('postgresql.conf', "cluster_name = '@{[$node->name]}'
devapp.primary_conninfo = 'host=@{[$primary->host]} port=@{[$primary->port]} user=shipper'");
	$node->start;
}
my $made = 0;

sub make
{
	my ($limit, $enforcement) = @_;
	my $name = 'p' . ++$made;

	$primary->safe_psql('postgres', "SELECT devapp.create_product('$name', quota_limit => $limit, quota_unit => 'never', quota_enforcement => '$enforcement')");
	my $app = create_app($primary, $name, "developer => 'ada\@example.com', products => '{$name}'");
	$primary->wait_for_catchup($_) for @standbys;
	return $app;
}

# ---------- rates ----------

for my $rate (20, 200, 2000)
{
	for my $enforcement ('hard', 'soft')
	{
		my $app = make(1000, $enforcement);
		my $start = time;
		my $passed = race_quota($app, [ map { [ $_, 1 / $rate, 'verify_key' ] } @standbys ], undef, 60);
		my $most = $enforcement eq 'hard' ? 1000 : 1050;

		note(sprintf 'at %d calls/s on each of 5: %s %d in %.1f s', $rate, $enforcement, $passed, time - $start);
		cmp_ok($passed, '>=', 990, "$enforcement at $rate calls/s: all is let through");
		cmp_ok($passed, '<=', $most, "$enforcement at $rate calls/s: and no more");
	}
}

# ---------- faults ----------

sub kill_any
{
	my $node = ($primary, @standbys)[ int rand 6 ];
	my ($pid) = run_command([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'background writer'" ]);

	kill 'KILL', $pid if $pid;
	return;
}

sub break_connections
{
	# who is just starting again says nothing
	run_command([ 'psql', '-XAtq', '-d', $primary->connstr('postgres'), '-c',
			"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'devapp shipper' OR backend_type = 'walsender'" ]);
	return;
}

my ($over, $kills) = (0, 0);
for my $schedule (1 .. $ENV{REACH_SCHEDULES})
{
	my $app = make(300, 'hard');
	my $passed = 0;

	for my $round (1 .. 3)
	{
		$passed += race_quota($app, [ map { [ $_, rand() * 0.01, 'verify_key' ] } @standbys ], sub {
			for (1 .. 1 + int rand 4)
			{
				sleep rand() * 0.5;
				rand() < 0.5 ? break_connections() : do { $kills++; kill_any() };
			}
		}, 2);
		$_->poll_query_until('postgres', 'SELECT true') for $primary, @standbys;
	}
	$over++ if $passed > 300;
	note("schedule $schedule: $passed of 300") if $passed > 300;
}
note("kill -9 of $kills processes in $ENV{REACH_SCHEDULES} schedules");
is($over, 0, 'a hard quota is never let through beyond its limit');

done_testing();
