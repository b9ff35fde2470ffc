# Quotas over a primary and two standbys that borrow parts of them: together they let
# through what the limit says, also while servers are killed, connections break, quotas are
# reset or changed, and a standby is promoted.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $primary = start_server('primary', "shared_preload_libraries = 'devapp'
devapp.flush_interval = 1
max_worker_processes = 12
restart_after_crash = on
cluster_name = 'one'", init => { allows_streaming => 1 });
$primary->safe_psql('postgres', q{CREATE EXTENSION devapp CASCADE;
	SELECT devapp.create_developer('ada@example.com');
	CREATE ROLE shipper LOGIN;
	GRANT USAGE ON SCHEMA devapp TO shipper;
	GRANT EXECUTE ON FUNCTION devapp.receive_usage TO shipper});
$primary->backup('backup');

my @standbys = map { PostgreSQL::Test::Cluster->new("standby$_") } 1 .. 2;
for my $node (@standbys)
{
	my @servers = ($primary, $standbys[0]);

	$node->init_from_backup($primary, 'backup', has_streaming => 1);
	$node->append_conf('postgresql.conf', "cluster_name = '@{[$node->name]}'
devapp.primary_conninfo = 'host=@{[join ',', map { $_->host } @servers]} port=@{[join ',', map { $_->port } @servers]} user=shipper target_session_attrs=read-write'");
	$node->start;
}
my ($one, $two) = @standbys;
my $made = 0;

# A product with this quota in a century, and an app of it.
sub make
{
	my ($limit, $enforcement) = @_;
	my $name = 'p' . ++$made;

	$primary->safe_psql('postgres', "SELECT devapp.create_product('$name', quota_limit => $limit, quota_interval => 1200, quota_unit => 'month', quota_enforcement => '$enforcement')");
	my $app = create_app($primary, $name, "developer => 'ada\@example.com', products => '{$name}'");
	$app->{product} = $name;
	$primary->wait_for_catchup($_) for @standbys;
	return $app;
}

# What n calls, each after a pause, are answered: "QUOTA_EXCEEDED 3 VALID 5".
sub calls
{
	my ($node, $app, $n, %options) = @_;
	my $pause = $options{pause} || 0;
	my $cost = $options{cost} || 1;

	return $node->safe_psql('postgres', "SELECT string_agg(c.code || ' ' || c.n, ' ' ORDER BY c.code::text) FROM (SELECT (v.v).code, count(*) AS n FROM
		(SELECT pg_sleep($pause), devapp.verify_key('$app->{secret}', cost => $cost) AS v FROM generate_series(1, $n) OFFSET 0) AS v GROUP BY 1) AS c");
}

# The first verdict of a call that is tried again as long as the server is not available.
sub call
{
	my ($node, $app, %options) = @_;
	my $cost = $options{cost} // 1;

	for (1 .. 60)
	{
		my $code = $node->safe_psql('postgres', "SELECT code FROM devapp.verify_key('$app->{secret}', cost => $cost)");
		return $code if $code ne 'UNAVAILABLE';
		sleep 0.05;
	}
	return 'UNAVAILABLE';
}

# race(app, pause, nodes, what happens meanwhile): on the primary the calls are consumed
sub race
{
	my ($app, $pause, $nodes, $meanwhile) = @_;

	return race_quota($app, [ map { [ $_, $pause, $_ == $primary ? 'consume_quota' : 'verify_key' ] } @$nodes ], $meanwhile);
}

sub primary_says
{
	return $primary->safe_psql('postgres', $_[0]);
}

# What is used and reserved of the app's quota becomes this.
sub becomes
{
	my ($app, $expected, $name) = @_;
	my $book = "SELECT used || '|' || reserved FROM devapp.quota_usage WHERE app_id = '$app->{app_id}'";
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	$primary->poll_query_until('postgres', $book, $expected);
	is(primary_says($book), $expected, $name);
	return;
}

# ---------- without the right to borrow ----------

my $app = make(10, 'hard');
is(calls($one, $app, 3, pause => 0.2), 'UNAVAILABLE 3', 'whom the primary does not lend anything lets nothing through');
ok($one->poll_query_until('postgres', 'SELECT lease_errors > 0 FROM devapp.worker_status'), 'it tries');
my $soft = make(10, 'soft');
is(calls($one, $soft, 20), 'QUOTA_EXCEEDED 10 VALID 10', 'a soft quota is counted by the standby itself then');
like($one->safe_psql('postgres', 'SELECT last_lease_error FROM devapp.worker_status'),
	qr/^could not lease quotas from the primary: permission denied for function lease_quotas/, 'it says why');
like(doctor($one, 'quota_leases'), qr/^warning\|the primary lends nothing: could not lease/, 'and so does doctor');

# ---------- with it ----------

$primary->safe_psql('postgres', 'GRANT EXECUTE ON FUNCTION devapp.lease_quotas TO shipper');
is(call($one, $app), 'VALID', 'with the right it does');
ok($primary->poll_query_until('postgres', "SELECT used = 1 AND reserved < 9 FROM devapp.quota_usage WHERE app_id = '$app->{app_id}'"), 'the primary knows');
is(primary_says("SELECT server_name, hard, used, expires_at BETWEEN now() + '30 s' AND now() + '60 s' FROM devapp.quota_lease WHERE app_id = '$app->{app_id}'"),
	'standby1|t|1|t', 'whom it lends something');
my $reserved = primary_says("SELECT reserved FROM devapp.quota_usage WHERE app_id = '$app->{app_id}'");
is($one->safe_psql('postgres', 'SELECT leases > 0, last_lease_at > last_lease_error_at FROM devapp.worker_status'), 't|t', 'worker_status of the standby');
like(doctor($one, 'quota_leases'), qr/^ok\|\d+ lease\(s\) have \d+ unit\(s\) left/, 'doctor there');
like(doctor($primary, 'quota_leases'), qr/^ok\|\d+ unit\(s\) are lent to 1 standby\(s\): standby1$/, 'doctor on the primary');
becomes($app, '1|1', 'one is left to a standby that is idle');
is(primary_says("SELECT used, remaining, leased FROM devapp.quota_status('$app->{app_id}')"), '1|9|1', 'quota_status');
is(primary_says("SELECT code || ' ' || quota_remaining FROM devapp.consume_quota('$app->{secret}', cost => 8)"), 'VALID 0', 'what is not lent can be consumed on the primary');
is(primary_says("SELECT code FROM devapp.consume_quota('$app->{secret}')"), 'QUOTA_EXCEEDED', 'and no more');
is(calls($two, $app, 5, pause => 0.2), 'UNAVAILABLE 5', 'another standby gets nothing, but it is not used up');
is(call($one, $app), 'VALID', 'the last one');
is(call($one, $app), 'QUOTA_EXCEEDED', 'was the last');
ok($two->poll_query_until('postgres', "SELECT code = 'QUOTA_EXCEEDED' FROM devapp.verify_key('$app->{secret}')"), 'everywhere');

$app = make(1000, 'hard');
is(race($app, 0.001, [ $one, $two ]), 1000, 'a hard quota is let through to the last call by two standbys');
becomes($app, '1000|0', 'the primary knows all of them');
ok($primary->poll_query_until('postgres', "SELECT sum(cost) = 1000 FROM devapp.usage_minute WHERE app_id = '$app->{app_id}'"), 'the calls are counted');
becomes($app, '1000|0', 'which does not take them from the quota again');

$soft = make(1000, 'soft');
my $passed = race($soft, 0, [ $one, $two ]);
cmp_ok($passed, '>=', 1000, 'a soft one, too');
cmp_ok($passed, '<=', 1020, 'or a hundredth more on each');
becomes($soft, "$passed|0", 'the primary knows');
is(primary_says("SELECT code FROM devapp.verify_key('$soft->{secret}')"), 'QUOTA_EXCEEDED', 'and lets no more through');

$app = make(300, 'hard');
is(race($app, 0.005, [ $primary, $one, $two ]), 300, 'beside calls that consume it on the primary');
$app = make(300, 'hard');
primary_says("SELECT devapp.update_product('$app->{product}', rate_limit => 0.001, rate_burst => 20)");
$primary->wait_for_catchup($_) for @standbys;
like(calls($one, $app, 40, pause => 0.05), qr/VALID 20$/, 'what a lease cannot give yet takes nothing from a rate');
$app = make(100, 'hard');
is(call($one, $app, cost => 90), 'VALID', 'a call that costs more than a share gets what it needs');
is(call($one, $app, cost => 11), 'QUOTA_EXCEEDED', 'if it is there');
is(call($two, $app, cost => 5), 'VALID', 'on any server');
is($one->safe_psql('postgres', "SELECT code FROM devapp.verify_key('$app->{secret}', cost => 0)"), 'VALID', 'looking takes nothing');

# ---------- what goes wrong ----------

# what was granted by an answer that got lost is not lost
$app = make(1000, 'hard');
is( race($app, 0.001, [ $one, $two ], sub {
		for (1 .. 10)
		{
			primary_says("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'devapp shipper'");
			sleep 0.1;
		}
	}), 1000, 'connections that break');

$app = make(1000, 'hard');
my $victim = $two->background_psql('postgres');
my $pid = $victim->query_safe('SELECT pg_backend_pid()');
$passed = race($app, 0.001, [ $one, $two ], sub { sleep 0.3; kill_process($two, $pid) });
eval { $victim->quit };
my ($used, $held) = split /\|/, primary_says("SELECT used, reserved FROM devapp.quota_usage WHERE app_id = '$app->{app_id}'");
is($used + $held, 1000, 'a standby crashes: what it held stays reserved');
cmp_ok($held, '>', 0, 'for it held something');
cmp_ok($passed, '<=', 1000, 'no call too many is let through');
cmp_ok($passed, '>=', $used, 'nor one that is not known of');
primary_says("UPDATE devapp.quota_lease SET expires_at = now() - interval '1 s' WHERE app_id = '$app->{app_id}' AND granted > used");
is(calls($one, $app, 5, pause => 0.2), 'UNAVAILABLE 5', 'also when its lease has expired');
like(doctor($primary, 'quota_leases'), qr/^warning\|expired leases of .* hold $held unit\(s\) of hard quotas$/, 'which doctor tells');
# the same transaction asks, before a standby borrows some of it again
is( primary_says("BEGIN;
		DO 'BEGIN PERFORM devapp.reset_quota(''$app->{app_id}'', ''$app->{product}''); END';
		SELECT used, reserved FROM devapp.quota_usage WHERE app_id = '$app->{app_id}';
		COMMIT"),
	'0|0', 'a reset gives it back');
is(call($two, $app), 'VALID', 'and calls go on');

# ---------- resets and limits ----------

$app = make(100, 'hard');
is(call($one, $app), 'VALID', 'a lease');
primary_says("SELECT devapp.reset_quota('$app->{app_id}', '$app->{product}')");
$passed = race($app, 0, [ $one, $two ]);
cmp_ok($passed, '>=', 99, 'after a reset all is there again, but for what was not told before it');
cmp_ok($passed, '<=', 100, 'and no more');
primary_says("SELECT devapp.update_product('$app->{product}', quota_limit => 150)");
$primary->wait_for_catchup($_) for @standbys;
$passed += race($app, 0, [ $one, $two ]);
cmp_ok($passed, '>=', 149, 'a limit that is raised');
cmp_ok($passed, '<=', 150, 'up to that');
primary_says("SELECT devapp.update_product('$app->{product}', quota_limit => 20)");
$primary->wait_for_catchup($_) for @standbys;
is(call($one, $app), 'QUOTA_EXCEEDED', 'and lowered');

# ---------- without the primary, and with another ----------

$app = make(1000, 'hard');
$soft = make(30, 'soft');
is(call($_, $app), 'VALID', 'a lease of ' . $_->name) for @standbys;
$primary->wait_for_catchup($_) for @standbys;
$primary->stop('immediate');
$passed = 2;
for my $node (@standbys)
{
	my ($more) = calls($node, $app, 600) =~ /VALID (\d+)/;
	$passed += $more;
	cmp_ok($more, '>', 0, $node->name . ' goes on with what it holds when the primary is killed');
	is(calls($node, $app, 1), 'UNAVAILABLE 1', 'and then no more');
}
ok($two->poll_query_until('postgres', 'SELECT last_lease_error_at > last_lease_at FROM devapp.worker_status'), 'the primary does not answer');
is(calls($two, $soft, 40), 'QUOTA_EXCEEDED 10 VALID 30', 'a soft quota is counted on the standby');
# the worker does not tell the end of the leases before this test does
$one->append_conf('postgresql.conf', 'devapp.flush_interval = 3600');
$one->reload;
$one->poll_query_until('postgres', "SELECT current_setting('devapp.flush_interval') = '1h'") or die;
sleep 2;
$one->promote;
$two->append_conf('postgresql.conf', "primary_conninfo = '" . $one->connstr . "'");
$two->reload;
$primary = $one;
my $busy = $one->background_psql('postgres');
$busy->query_safe("BEGIN; SELECT FROM devapp.quota_usage WHERE app_id = '$app->{app_id}' FOR UPDATE");
is($one->safe_psql('postgres', 'SELECT devapp_internal.keep_leases()'), 'f', 'promoted, a standby cannot tell what it used of a bucket that is busy');
$busy->query_safe('ROLLBACK');
$busy->quit;
is($one->safe_psql('postgres', 'BEGIN; SELECT devapp_internal.keep_leases(); ROLLBACK'), 't', 'or its transaction is rolled back');
$one->append_conf('postgresql.conf', 'devapp.flush_interval = 1');
$one->reload;
ok( $one->poll_query_until('postgres', "SELECT bool_and(used = granted) FROM devapp.quota_lease WHERE app_id = '$app->{app_id}' AND server_name = 'this server'"),
	'then it tells it again');
$passed += race($app, 0, [ $one, $two ]);
is($passed, 1000, 'and lends what is left');
becomes($app, '1000|0', 'all of it');

done_testing();
