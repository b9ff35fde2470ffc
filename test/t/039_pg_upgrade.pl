# pg_upgrade beside a worker: neither server that it starts has one, so nothing is written
# while the new one is made; afterwards everything is as it was, and counting goes on.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use File::Basename qw(basename);
use File::Copy;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $settings = "shared_preload_libraries = 'devapp'
devapp.flush_interval = 1
devapp.retention_minute = 0
devapp.retention_hour = 0
fsync = off
max_worker_processes = 12";
my $old = start_server('old', $settings);
make_program($old);
my $app = create_app($old, 'caller');
my $revoked = create_app($old, 'revoked');
$old->safe_psql('postgres', "SELECT devapp.revoke_credential('$revoked->{credential_id}'); SELECT devapp.setup_roles()");

# n calls
sub calls
{
	my ($node, $n) = @_;
	$node->safe_psql('postgres', "SELECT count(devapp.verify_key('$app->{secret}', $Devapp::CALL)) FROM generate_series(1, $n)");
	return;
}

calls($old, 205);
$old->poll_query_until('postgres', 'SELECT sum(calls) = 205 FROM devapp.usage_day') or die;
# a flush that is not rolled up, of another month; and calls that are not flushed
set_config($old, 'devapp.flush_interval', '1h');
# a flush that began before that has to end
sleep 1;
$old->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type ~ '^devapp' AND datid IS NOT NULL}) or die;
$old->safe_psql('postgres', q{SELECT devapp_internal.usage_partition('usage_minute', '2024-02-29');
	INSERT INTO devapp.usage_minute (minute, app_id, code, calls, cost, flush_id)
	SELECT '2024-02-29 23:59+00', NULL, 'NOT_FOUND', 13, 0, devapp_internal.new_flush()});
calls($old, 7);

my $tables = q{SELECT string_agg(format('SELECT %L, count(*), md5(string_agg(t::text, $$|$$ ORDER BY t::text COLLATE "C")) FROM %s AS t', x::regclass, x::regclass), ' UNION ALL ')
	FROM pg_extension, unnest(extconfig) AS x JOIN pg_class c ON c.oid = x WHERE extname = 'devapp' AND c.relkind <> 'S'};
my $contents = $old->safe_psql('postgres', $tables);
my $source = $old->safe_psql('postgres', $contents);
$old->stop;

my $new = PostgreSQL::Test::Cluster->new('new');
$new->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$new->append_conf('postgresql.conf', $settings);
my $bin = $old->config_data('--bindir');
$old->command_ok(
	[ 'sh', '-c', join ' ', "cd " . $new->basedir . " && pg_upgrade --no-sync", '-d', $old->data_dir, '-D', $new->data_dir, '-b', $bin, '-B', $bin,
		'-s', $new->host, '-p', $old->port, '-P', $new->port ], 'pg_upgrade');

# what was not flushed is in a file of the old server
my ($file) = map { 'pg_stat/' . basename($_) } glob $old->data_dir . '/pg_stat/devapp_ship_*.stat';
ok(-s $old->data_dir . "/$file", 'the old server has left its counts');
copy($old->data_dir . "/$file", $new->data_dir . "/$file") or die;
$new->append_conf('postgresql.conf', 'devapp.flush_interval = 0');
$new->start;
same_lines($new->safe_psql('postgres', $contents), $source, 'every table is as it was');
is($new->safe_psql('postgres', 'SELECT count(*) FROM devapp.restore'), 0, 'that was no restore');
is(codes($new, [ $app->{secret}, $revoked->{secret} ]), 'VALID CREDENTIAL_REVOKED', 'keys get the same verdicts');
set_config($new, 'devapp.flush_interval', '1s');
ok($new->poll_query_until('postgres', "SELECT sum(calls) = 205 + 7 + 13 + 2 FROM devapp.usage_day"), 'what was under way is counted')
  or diag($new->safe_psql('postgres', 'SELECT sum(calls) FROM devapp.usage_day'));
is( $new->safe_psql('postgres', 'SELECT (SELECT sum(calls) FROM devapp.usage_minute) || $$|$$ || (SELECT sum(calls) FROM devapp.usage_hour)'),
	'227|227', 'once');
is($new->safe_psql('postgres', q{SELECT coalesce(string_agg(last_error, ' '), '') FROM devapp.worker_status}), '', 'and without an error');

done_testing();
