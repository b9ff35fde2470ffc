# Logical replication: a publication FOR ALL TABLES, as migration services and change
# capture make it, keeps nothing of devapp from working, and its subscriber gets every
# change.  Then the publication that the documentation proposes, to move to another server.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('publisher', "shared_preload_libraries = 'devapp'
devapp.flush_interval = 0
devapp.retention_minute = '7d'
log_min_messages = warning", init => { allows_streaming => 'logical' });
my $other = start_server('subscriber', "shared_preload_libraries = 'devapp'
devapp.flush_interval = 0
log_min_messages = warning");
my $quiet = 'SET client_min_messages = error;';

sub sql
{
	my ($sql, $db, $server) = @_;
	return ($server || $node)->safe_psql($db || 'postgres', $sql);
}

# subscribe(db, publication, with): the database of the other server gets what is published
sub subscribe
{
	my ($db, $publication, $with) = @_;
	my $source = $node->connstr . " dbname=postgres";

	sql("CREATE SUBSCRIPTION sub_$db CONNECTION '$source' PUBLICATION $publication WITH ($with)", $db, $other);
	$other->wait_for_subscription_sync($node, "sub_$db", $db);
	return;
}

# What is published of these tables, as one text for each.
sub contents
{
	my ($tables, $db, $server) = @_;

	return sql(join(' UNION ALL ', map {
		"SELECT '$_', count(*)::text, coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '-') FROM $_ AS t" } @$tables) . ' ORDER BY 1', $db, $server);
}

# ---------- everything, under FOR ALL TABLES ----------

sql('CREATE PUBLICATION everything FOR ALL TABLES WITH (publish_via_partition_root = true)');
sql("$quiet CREATE EXTENSION devapp CASCADE; SELECT devapp.maintain_usage(); SELECT devapp.maintain_audit()", 'postgres', $_)
  for $node, $other;
is( sql(q{SELECT count(*) FROM pg_class c
		WHERE c.relnamespace IN ('devapp'::regnamespace, 'devapp_internal'::regnamespace) AND c.relkind IN ('r', 'p') AND c.relreplident <> 'f'
		  AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)}),
	0, 'every table and partition says which row is which');
subscribe('postgres', 'everything', 'copy_data = false');

# The products that setup_roles() makes come to a subscriber like others, so that it makes none there.
sql("$quiet SELECT devapp.setup_roles()");
$node->wait_for_catchup('sub_postgres');
sql("$quiet SELECT devapp.setup_roles()", 'postgres', $other);

make_program($node);
my $app = create_app($node, 'caller');
sql(q{SELECT devapp.create_product('hard', quota_limit => 100, quota_interval => 1200, quota_unit => 'month', quota_enforcement => 'hard');
	SELECT devapp.create_product('soft', quota_limit => 100, quota_interval => 1200, quota_unit => 'month')});
my $limited = create_app($node, 'limited', "developer => 'ada\@example.com', products => '{hard,soft}'");

for my $step (
	[ 'verifying and flushing', "SELECT count(devapp.verify_key('$app->{secret}', $Devapp::CALL)) FROM generate_series(1, 5);
		SELECT devapp.verify_key('$limited->{secret}', '/', 'GET'); SELECT devapp.verify_key('nonsense', '/', 'GET');
		SELECT devapp.record_usage('$app->{credential_id}', 'weather', 200, '1 ms'); SELECT devapp.flush_usage()" ],
	[ 'rolling up into rows that are there', "SELECT count(devapp.verify_key('$app->{secret}', $Devapp::CALL)) FROM generate_series(1, 5);
		SELECT devapp.verify_key('$limited->{secret}', '/', 'GET'); SELECT devapp.verify_key('nonsense', '/', 'GET');
		SELECT devapp.record_usage('$app->{credential_id}', 'weather', 500, '2 ms'); SELECT devapp.flush_usage()" ],
	[ 'hard quotas', "SELECT devapp.consume_quota('$limited->{secret}', '/', 'GET'); SELECT devapp.consume_quota('$limited->{secret}', '/', 'GET', cost => 3)" ],
	[ 'resetting quotas', "SELECT devapp.reset_quota('$limited->{app_id}', 'hard'); SELECT devapp.consume_quota('$limited->{secret}', '/', 'GET')" ],
	[ 'maintenance of usage', "INSERT INTO devapp.quota_usage VALUES (gen_random_uuid(), gen_random_uuid(), NULL, '', '2001-01-01', '2001-01-02', 1);
		SELECT devapp_internal.usage_partition('usage_minute', now() - interval '9 days'); SELECT devapp.maintain_usage()" ],
	[ 'months of the trail', 'SELECT devapp.maintain_audit(5)' ],
	[ 'sealing', q{SELECT devapp.seal_audit(); SELECT devapp.create_product('more'); SELECT devapp.seal_audit()} ],
	[ 'a bulk run', q{CALL devapp.run_bulk('suspend', '{"product": "weather"}', 'leak', 100)} ],
	[ 'notifications', q{SELECT devapp.schedule_notifications(); SELECT devapp.claim_notifications(100)} ],
	[ 'reports', 'SELECT devapp.refresh_reports(); SELECT devapp.refresh_reports()' ],
	[ 'rules, rotation, deletion', "SELECT devapp.resume_app('$app->{app_id}'); SELECT devapp.rotate_credential('$app->{credential_id}', '1 day');
		SELECT devapp.remove_operation('weather', '/weather/**', '{GET}'); SELECT devapp.add_operation('weather', '/weather/**', '{GET}');
		SELECT devapp.create_team('red'); SELECT devapp.delete_team('red')" ])
{
	my ($name, $statements) = @$step;
	my ($state, $report) = error_of($node, $statements);

	is($state, '00000', "$name goes on under a publication FOR ALL TABLES") or diag($report);
}
is(sql('SELECT used FROM devapp.quota_usage u JOIN devapp.product p USING (product_id) WHERE p.name = $$hard$$'), 1, 'the quota is counted');

my @tables = grep { !/\.(declared_grant|restore|route)$/ }
  split /\n/, sql(q{SELECT schemaname || '.' || tablename FROM pg_publication_tables ORDER BY 1});
cmp_ok(scalar @tables, '>', 25, 'all tables are published');
sql('UPDATE devapp.housekeeping SET done_at = done_at');
$node->wait_for_catchup('sub_postgres');
my @changed = grep { !/report_refresh|housekeeping|usage_change/ } @tables;
same_lines(contents(\@changed, 'postgres', $other), contents(\@changed), 'the subscriber has every row');
is(sql(q{SELECT string_agg(DISTINCT source, ' ' ORDER BY source) FROM devapp_internal.usage_change}, 'postgres', $other), 'usage_day usage_latency', 'and has noted for its reports which days came');

# The names of the steps that the worker calls, once each is due.
sql(q{INSERT INTO devapp.housekeeping SELECT t, '-infinity' FROM unnest(ARRAY['maintain_audit', 'schedule_notifications', 'notify_quotas', 'seal_audit']) AS t
	ON CONFLICT (task) DO UPDATE SET done_at = '-infinity'});
for my $step (qw(maintain_usage maintain_audit schedule_notifications notify_quotas seal_audit refresh_reports))
{
	is(error_of($node, "SELECT devapp_internal.${step}_if_due()"), '00000', "the worker's step $step");
}
unlike(slurp_file($_->logfile), qr/ERROR/, 'no error in the log of the ' . $_->name) for $node, $other;

# ---------- moving to another server ----------

my ($page) = slurp_file("$FindBin::RealBin/../../doc/operations.md") =~ /(SELECT format\('CREATE PUBLICATION.*?\\gexec)/s;
sql($page);
sql("INSERT INTO devapp.quota_usage VALUES (gen_random_uuid(), gen_random_uuid(), NULL, '', '2001-01-01', '2001-01-02', 1)");
my $dump = PostgreSQL::Test::Utils::tempdir() . '/schema';
$node->command_ok([ 'pg_dump', '--schema-only', '--no-publications', '--file', $dump, $node->connstr('postgres') ], 'the schema is dumped');
sql('CREATE DATABASE moved', 'postgres', $other);
{
	local $ENV{PGOPTIONS} = '-c devapp.restoring=on';
	$other->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $other->connstr('moved'), '-f', $dump ], 'and restored');
}
subscribe('moved', 'devapp', 'copy_data = true');
sql("DELETE FROM devapp.quota_usage WHERE window_end < now();
	SELECT devapp.suspend_app('$limited->{app_id}')");
$node->wait_for_catchup('sub_moved');
@tables = split /\n/, sql(q{SELECT schemaname || '.' || tablename FROM pg_publication_tables WHERE pubname = 'devapp' ORDER BY 1});
same_lines(contents(\@tables, 'moved', $other), contents(\@tables), 'the other server has every row of the tables that move');
is(code($other, $app->{secret}, db => 'moved'), 'VALID', 'and verifies');
is(code($other, $limited->{secret}, db => 'moved'), 'APP_SUSPENDED', 'by what was changed since');
sql("SELECT devapp.suspend_app('$app->{app_id}')");
$node->wait_for_catchup('sub_moved');
is(code($other, $app->{secret}, db => 'moved'), 'APP_SUSPENDED', 'at once');

# the last steps of the page
sql('DROP SUBSCRIPTION sub_moved', 'moved', $other);
my ($last) = slurp_file("$FindBin::RealBin/../../doc/operations.md") =~ /(SELECT setval\('devapp\.audit_event_id_seq'.*?finish_restore\(\);)/s;
sql($last, 'moved', $other);
is(error_of($other, "SELECT devapp.resume_app('$app->{app_id}'); SELECT devapp.flush_usage(); SELECT devapp.seal_audit(); SELECT devapp.maintain_usage()", db => 'moved'),
	'00000', 'it goes on where the first was');
is(code($other, $app->{secret}, db => 'moved'), 'VALID', 'with the same keys');
is(sql('SELECT count(*) FROM devapp.verify_audit()', 'moved', $other), 0, 'and the trail is in order');
sql('DROP SUBSCRIPTION sub_postgres', 'postgres', $other);

done_testing();
