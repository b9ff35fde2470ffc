# Quotas over restarts, crashes and several servers: what was flushed is never given
# again, and what is let through too much is at most what was not flushed.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $node = start_server('main', "shared_preload_libraries = 'devapp'
devapp.flush_interval = 0
max_worker_processes = 8
restart_after_crash = on", init => { allows_streaming => 1 });
$node->safe_psql('postgres', q{CREATE EXTENSION devapp CASCADE;
	SELECT devapp.create_developer('ada@example.com');
	SELECT devapp.create_product('soft', quota_limit => 100, quota_interval => 1200, quota_unit => 'month');
	SELECT devapp.create_product('hard', quota_limit => 100, quota_interval => 1200, quota_unit => 'month', quota_enforcement => 'hard');
	SELECT devapp.create_product('rated', quota_limit => 100, quota_unit => 'day', quota_enforcement => 'hard', rate_limit => 0.001)});
my $app = create_app($node, 'soft', "developer => 'ada\@example.com', products => '{soft}'");
my $rated = create_app($node, 'rated', "developer => 'ada\@example.com', products => '{rated}'");
my $hard = create_app($node, 'hard', "developer => 'ada\@example.com', products => '{hard}'");

# calls(n): n calls; how many were let through
sub calls
{
	my ($n, %options) = @_;
	my $function = $options{function} || 'verify_key';
	my $key = ($options{app} || $app)->{secret};
	my $on = $options{node} || $node;

	return $on->safe_psql('postgres', "SELECT count(*) FILTER (WHERE (v.v).allowed) FROM (SELECT devapp.$function('$key') AS v FROM generate_series(1, $n) OFFSET 0) AS v");
}

sub used
{
	my (%options) = @_;
	my $app_id = ($options{app} || $app)->{app_id};

	return ($options{node} || $node)->safe_psql('postgres', "SELECT used FROM devapp.quota_status('$app_id')");
}

sub flush
{
	$node->safe_psql('postgres', 'DO $$ BEGIN PERFORM devapp.flush_usage(); END $$');
	return;
}

sub poll
{
	my ($on, $sql, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	ok($on->poll_query_until('postgres', $sql), $name);
	return;
}

# Kill all of the server at once, and start it again.
sub crash
{
	my $postmaster = $node->{_pid};

	$node->kill9;
	# its processes notice, and somebody has to take note of its end
	for (1 .. 300)
	{
		last unless kill 0, $postmaster;
		sleep 0.1;
	}
	$node->start;
	return;
}

# ---------- restarts and crashes ----------

is(calls(10), 10, 'calls');
flush();
$node->restart;
is(used(), 10, 'what was flushed is known after a restart');
is(calls(5), 5, 'and counted on');
is(used(), 15, 'from there');
$node->restart;
flush();
is(used(), 15, 'an orderly end keeps what was not flushed');

is(calls(20), 20, 'flushed');
flush();
is(calls(30), 30, 'not flushed');
is(calls(7, app => $hard, function => 'consume_quota'), 7, 'consumed');
is(calls(3, app => $hard), 3, 'verified only');
crash();
is(used(), 35, 'kill -9: what was flushed is known');
is(calls(200), 65, 'the rest of the limit');
is(calls(10), 0, 'and no more: too much was let through what was not flushed, 30');
is(used(app => $hard), 7, 'of a hard quota everything that was consumed');
is(calls(200, app => $hard, function => 'consume_quota'), 93, 'so that no call too many is let through');

# one process is killed: memory starts anew
flush();
my $victim = $node->background_psql('postgres');
kill_process($node, $victim->query_safe('SELECT pg_backend_pid()'));
eval { $victim->quit };
is(calls(10), 0, 'one process is killed: the quota stays used');

# ---------- a standby ----------

$node->safe_psql('postgres', "SELECT devapp.reset_quota('$app->{app_id}', 'soft', 'for the standby'); SELECT devapp.reset_quota('$hard->{app_id}', 'hard')");
$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->append_conf('postgresql.conf', "devapp.flush_interval = 1");
$standby->start;
my $remaining = "SELECT (devapp.verify_key('$app->{secret}', cost => 0)).quota_remaining";

is(calls(10), 10, 'calls on the primary');
is(calls(20, node => $standby), 20, 'and on the standby');
is($standby->safe_psql('postgres', $remaining), 80, 'which knows its own');
flush();
poll($standby, "$remaining < 81", 'nothing is lost');
is(calls(40), 40, 'more on the primary');
flush();
poll($standby, "$remaining = 50", 'the standby sees what the primary flushed');
is(calls(100, node => $standby), 50, 'and limits by it');
is($standby->safe_psql('postgres', "SELECT used, remaining FROM devapp.quota_status('$app->{app_id}')"), '100|0', 'quota_status there');
is(calls(10, app => $hard, function => 'consume_quota'), 10, 'consumed on the primary');
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', "SELECT (devapp.verify_key('$hard->{secret}', cost => 0)).quota_remaining"), 90, 'is seen on the standby at once');
is(error_of($standby, "SELECT devapp.consume_quota('$hard->{secret}')"), '25006', 'where nothing can be consumed');
is( $standby->safe_psql('postgres', "SELECT allowed, code, http_status, fault, app_name, quota_limit, quota_remaining, retry_after FROM devapp.verify_key('$hard->{secret}')"),
	'f|UNAVAILABLE|503|keymanagement.service.unavailable|hard|100|90|00:00:01', 'nor verified');
is($standby->safe_psql('postgres', "SELECT code FROM generate_series(1, 2), devapp.verify_key('$rated->{secret}')"), "UNAVAILABLE\nUNAVAILABLE", 'which takes nothing from the rate');
is($standby->safe_psql('postgres', "SELECT code FROM devapp.verify_key('$hard->{secret}', cost => 91)"), 'QUOTA_EXCEEDED', 'what costs more than is left is too much there as well');
like( $standby->safe_psql('postgres', "SELECT code || ' ' || detail FROM devapp.explain_access('$hard->{app_id}') WHERE rule = 'quota'"),
	qr/^UNAVAILABLE 10 of 100 used .*, and hard, so that only the primary allows calls$/, 'explain_access says why');
is($standby->safe_psql('postgres', "SET devapp.metering = off; SELECT code FROM devapp.verify_key('$hard->{secret}')"), 'VALID', 'a session that does not meter has no limits');
is(calls(1, app => $hard), 1, 'the primary lets calls through');
is(calls(90, app => $hard, function => 'consume_quota'), 89, 'up to the limit');
is(calls(1, app => $hard, function => 'consume_quota'), 0, 'and no more');
is(error_of($standby, "SELECT devapp.reset_quota('$app->{app_id}', 'soft')"), '25006', 'or set back');
is($node->safe_psql('postgres', "SELECT devapp.reset_quota('$app->{app_id}', 'soft')"), 1, 'set back on the primary');
poll($standby, "$remaining = 100", 'the standby follows');
is(calls(10, node => $standby), 10, 'and lets calls through again');

# ---------- windows that have ended ----------

$node->safe_psql('postgres', "INSERT INTO devapp.quota_usage (app_id, product_id, environment, window_start, window_end, used)
	SELECT app_id, product_id, 'old', now() - interval '3 days', now() - interval '2 days', 1 FROM devapp.quota_usage WHERE app_id = '$app->{app_id}'
	UNION ALL
	SELECT app_id, product_id, 'late', now() - interval '3 days', now() - interval '1 hour', 1 FROM devapp.quota_usage WHERE app_id = '$app->{app_id}'");
$node->safe_psql('postgres', 'SELECT count(*) FROM devapp.maintain_usage()');
is($node->safe_psql('postgres', "SELECT string_agg(environment, ' ' ORDER BY environment) FROM devapp.quota_usage WHERE app_id = '$app->{app_id}'"),
	' late', 'are removed after a day');

# whose row was set back, and is gone and made anew
my $again = create_app($node, 'again', "developer => 'ada\@example.com', products => '{soft}'");
calls(5, app => $again);
$node->safe_psql('postgres', "SELECT devapp.reset_quota('$again->{app_id}', 'soft')");
calls(5, app => $again);
flush();
$node->safe_psql('postgres', "UPDATE devapp.quota_usage SET window_end = '2000-01-02' WHERE app_id = '$again->{app_id}';
	SELECT count(*) FROM devapp.maintain_usage();
	SELECT devapp.update_product('soft', quota_interval => 2400)");
$node->append_conf('postgresql.conf', 'devapp.flush_interval = 1');
$node->reload;
poll($node, "SELECT devapp_internal.setting('flush_interval') = '1s'", 'with a worker that flushes');
is( $node->safe_psql('postgres', "SELECT count(*) FILTER (WHERE (v.v).allowed) FROM (SELECT pg_sleep(0.02), devapp.verify_key('$again->{secret}') AS v FROM generate_series(1, 200) OFFSET 0) AS v"),
	100, 'the limit is let through, and no more');

# ---------- dump and restore ----------

calls(25);
flush();
$node->safe_psql('postgres', 'CREATE DATABASE restored');
my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, 'postgres' ], 'pg_dump');
$node->command_ok([ 'psql', '-X', '-q', '-d', 'restored', '-c', 'SET devapp.restoring = on', '-f', $dump ], 'restore');
is($node->safe_psql('restored', "SELECT used FROM devapp.quota_status('$app->{app_id}')"), 25, 'a dump takes along what is used');
is($node->safe_psql('restored', "SELECT (devapp.verify_key('$app->{secret}')).quota_remaining"), 74, 'and it counts');

done_testing();
