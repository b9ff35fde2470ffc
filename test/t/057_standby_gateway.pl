# A gateway on a standby (examples/standby_gateway) while the primary rewrites devapp's tables and
# makes and drops partitions, with a standby that lets nobody hold up replay: no wrong verdict, and
# after one retry no error.  Through pgbouncer as well, if that is installed.

use strict;
use warnings FATAL => 'all';

use File::Copy qw(copy);
use FindBin;
use IPC::Run;
use JSON::PP;
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $root = "$FindBin::RealBin/../..";
plan skip_all => -e "$root/test/web/missing" ? slurp_file("$root/test/web/missing") =~ s/\s+\z//r : 'the npm packages of examples/http are not installed'
  unless -d "$root/examples/http/node_modules";

my $seconds = $ENV{DEVAPP_STANDBY_SECONDS} || 6;
my $primary = start_server('primary', "shared_preload_libraries = 'devapp'
devapp.flush_interval = 1
autovacuum = off", init => { allows_streaming => 1 });
make_program($primary);
my @apps = map { create_app($primary, $_) } qw(works revoked suspended churned);
$primary->safe_psql('postgres', "SELECT devapp.setup_roles(); CREATE ROLE gateway LOGIN IN ROLE devapp_gateway;
	SELECT devapp.revoke_credential('$apps[1]{credential_id}'); SELECT devapp.suspend_app('$apps[2]{app_id}'); SELECT devapp.maintain_audit(1)");
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->append_conf('postgresql.conf', "max_standby_streaming_delay = 0\nhot_standby_feedback = off\nlog_statement = none");
$standby->start;
$primary->wait_for_catchup($standby);

my $folder = PostgreSQL::Test::Utils::tempdir();
copy("$root/examples/standby_gateway/$_", $folder) or die "$_: $!" for qw(verifier.js package.json);
symlink "$root/examples/http/node_modules", "$folder/node_modules" or die $!;

my @calls = map { { resource => '/weather/today', method => 'GET', environment => 'live', %$_ } } (
	{ key => $apps[0]{secret}, code => 'VALID' },
	{ key => $apps[1]{secret}, code => 'CREDENTIAL_REVOKED' },
	{ key => $apps[2]{secret}, code => 'APP_SUSPENDED' },
	{ key => $apps[0]{secret}, resource => '/elsewhere', code => 'RESOURCE_FORBIDDEN' },
	{ key => 'no key', code => 'MALFORMED' });

# start_gateway(servers, more): the example, running
sub start_gateway
{
	my ($servers, %more) = @_;
	my %gateway = (out => '', err => '');

	open my $task, '>', "$folder/task.json" or die $!;
	print $task encode_json({ servers => $servers, %more });
	close $task;
	$gateway{run} = IPC::Run::start([ 'node', "$root/test/web/standby_gateway.js", $folder ],
		'<', \undef, '>', \$gateway{out}, '2>', \$gateway{err}, IPC::Run::timeout(120));
	return \%gateway;
}

sub finish_gateway
{
	my ($gateway) = @_;

	$gateway->{run}->finish or die $gateway->{err};
	return decode_json($gateway->{out});
}

my %server = (host => $standby->host, port => $standby->port + 0, user => 'gateway', database => 'postgres', max => 4);
my %away = (%server, port => PostgreSQL::Test::Cluster::get_free_port());

# ---------- what is tried again, and how often ----------

# a server whose sessions have the setting test.fail fails
$primary->safe_psql('postgres', q{
	CREATE FUNCTION answer() RETURNS text LANGUAGE plpgsql AS $$
	BEGIN
		IF current_setting('test.fail', true) <> '' THEN
			RAISE EXCEPTION 'failed' USING ERRCODE = current_setting('test.fail');
		END IF;
		RETURN 'answer';
	END $$; GRANT EXECUTE ON FUNCTION answer TO PUBLIC});
$primary->wait_for_catchup($standby);
for my $case (
	[ 'answer, 0 retried', '' ], [ 'answer, 1 retried', '40001', '' ], [ 'answer, 1 retried', '40P01', '' ], [ 'answer, 1 retried', '57P01', '' ],
	[ 'error 57P03, 1 retried', '57P03', '57P03', '' ], [ 'error 22P02, 0 retried', '22P02', '' ], [ 'error 42501, 0 retried', '42501', '' ])
{
	my ($expected, @fail) = @$case;
	my $outcomes = finish_gateway(start_gateway([ map { { %server, options => "-c test.fail=$_" } } @fail ], queries => ['SELECT public.answer()']))->{outcomes};

	is("@$outcomes", $expected, "servers that fail: @fail");
}
is_deeply(finish_gateway(start_gateway([ \%away, \%server ], queries => ['SELECT 1']))->{outcomes}, ['1, 1 retried'], 'a server that is away: the next one is asked');

# a session is ended while it asks
my $gateway = start_gateway([ \%server ], queries => [q{SELECT 'slept' FROM pg_sleep(3)}]);
my $sleeping = q{FROM pg_stat_activity WHERE usename = 'gateway' AND query ~ 'pg_sleep' AND state = 'active'};
$standby->poll_query_until('postgres', "SELECT count(*) = 1 $sleeping") or die;
$standby->safe_psql('postgres', "SELECT pg_terminate_backend(pid) $sleeping");
is_deeply(finish_gateway($gateway)->{outcomes}, ['slept, 1 retried'], 'a session that is ended (57P01)');

# replay needs what a transaction sees: 40001, from the server itself
$primary->safe_psql('postgres', q{CREATE TABLE seen AS SELECT n FROM generate_series(1, 1000) AS n; GRANT SELECT ON seen TO PUBLIC});
$primary->wait_for_catchup($standby);
$gateway = start_gateway([ \%server ], queries => [q{SELECT count(*) FROM seen, pg_sleep(3)}]);
$standby->poll_query_until('postgres', "SELECT count(*) = 1 $sleeping") or die;
$primary->safe_psql('postgres', q{DELETE FROM seen WHERE n > 10});
$primary->safe_psql('postgres', 'VACUUM seen');
is_deeply(finish_gateway($gateway)->{outcomes}, ['10, 1 retried'], 'a statement that is in the way of replay (40001)');
like(slurp_file($standby->logfile), qr/ERROR:  canceling statement due to conflict with recovery/, 'as the log says');

# ---------- beside VACUUM FULL and partitions that come and go ----------

# churn(): what is done meanwhile on the primary; how often
sub churn
{
	my $n = 0;

	my $end = time + $seconds;
	while (time < $end)
	{
		$primary->safe_psql('postgres', "VACUUM FULL devapp_internal.packed_row; VACUUM FULL devapp.app; VACUUM FULL devapp.credential; VACUUM FULL devapp.last_used;
			SELECT devapp.suspend_app('$apps[3]{app_id}'); SELECT devapp.resume_app('$apps[3]{app_id}');
			SELECT devapp_internal.usage_partition('usage_minute', now() - interval '400 days'), devapp_internal.usage_partition('usage_hour', now() - interval '400 days');
			SELECT devapp_internal.flush_usage(); SELECT count(*) FROM devapp.maintain_usage();
			VACUUM devapp_internal.packed_row; VACUUM devapp.audit_event; VACUUM pg_class; VACUUM pg_attribute");
		$n++;
	}
	return $n;
}

sub beside_churn
{
	my ($name, $server) = @_;
	my $gateway = start_gateway([$server], seconds => $seconds, clients => 4, calls => \@calls);
		my $rounds = churn();
	my $result = finish_gateway($gateway);

	note(sprintf '%s: %d calls, %d retried, %d rounds of the primary', $name, $result->{calls}, $result->{retried}, $rounds);
	cmp_ok($result->{calls}, '>', 500, "$name: many calls");
	cmp_ok($rounds, '>', 2, 'while the primary rewrites tables');
	is_deeply($result->{wrong}, {}, 'no wrong verdict');
	is_deeply($result->{failed}, {}, 'and no error after one retry');
	return;
}

beside_churn('a standby', \%server);
$primary->wait_for_catchup($standby);

SKIP:
{
	my ($pgbouncer) = grep { -x $_ } map { "$_/pgbouncer" } split(/:/, $ENV{PATH}), '/usr/sbin';
	skip 'pgbouncer is not installed', 4 unless $pgbouncer;
	my $sockets = PostgreSQL::Test::Utils::tempdir_short();
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	append_to_file("$sockets/users.txt", qq{"gateway" ""\n});
	append_to_file("$sockets/pgbouncer.ini", "[databases]
postgres = host=" . $standby->host . ' port=' . $standby->port . "
[pgbouncer]
listen_port = $port
listen_addr = 127.0.0.1
unix_socket_dir = $sockets
auth_type = trust
auth_file = $sockets/users.txt
pool_mode = transaction
default_pool_size = 2
logfile = $sockets/log
");
	my $bouncer = IPC::Run::start([ $pgbouncer, "$sockets/pgbouncer.ini" ], '<', \undef, '>', '/dev/null', '2>', '/dev/null');
	for (1 .. 100)
	{
		last if -S "$sockets/.s.PGSQL.$port";
		select undef, undef, undef, 0.1;
	}
	beside_churn('through pgbouncer', { %server, host => $sockets, port => $port });
	$bouncer->signal('INT');
	$bouncer->finish;
}

# ---------- what is in the log ----------

my $log = slurp_file($standby->logfile);
unlike($log, qr/\Q$_->{secret}\E/, 'no key is in the log') for @apps[ 0 .. 2 ];

done_testing();
