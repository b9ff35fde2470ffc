# devapp over HTTP: examples/http, nginx as examples/nginx-postgrest has it, and clients that
# others wrote.  test/web has the programs, which print TAP; they run side by side on one server.

use strict;
use warnings FATAL => 'all';

use FindBin;
use HTTP::Tiny;
use IPC::Run;
use lib $FindBin::RealBin;
use Devapp;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $web = "$FindBin::RealBin/../web";
my $adapter = "$FindBin::RealBin/../../examples/http/server.js";
plan skip_all => -e "$web/missing" ? slurp_file("$web/missing") =~ s/\s+\z//r : 'the npm packages of test/web are not installed'
  unless -d "$web/node_modules";

my $node = start_server('main', "shared_preload_libraries = 'devapp'");
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{TMPDIR} = PostgreSQL::Test::Utils::tempdir();
$ENV{PATH} .= ':/usr/sbin';
delete @ENV{ grep { /_proxy$/i } keys %ENV };

my @running;
END
{
	my $status = $?;
	$_->{harness}->kill_kill for @running;
	$? = $status;
}

# start_program(name, environment, command...): {name, harness, out}
sub start_program
{
	my ($name, $environment, @command) = @_;
	my %program = (name => $name, out => '');
	local %ENV = (%ENV, %$environment);

	$program{harness} = IPC::Run::start(\@command, '<', \undef, '>&', \$program{out}, IPC::Run::timeout(180));
	push @running, \%program;
	return \%program;
}

# start_adapter(config): examples/http on the program's database.  Somebody else may take its port
# before it does; whoever answers to our key is ours.
sub start_adapter
{
	my ($config) = @_;
	my $http = HTTP::Tiny->new(timeout => 10);

	for (1 .. 5)
	{
		my $port = PostgreSQL::Test::Cluster::get_free_port();
		my $url = "http://127.0.0.1:$port";

		# clients insist that an issuer is where they asked for its metadata
		$node->safe_psql('postgres', "ALTER DATABASE program SET devapp.issuer = '$url'");
		my $server = start_program('server', { PGUSER => 'devapp_web_login', PGDATABASE => 'program', DEVAPP_HTTP_PORT => $port }, 'node', $adapter);
		for (1 .. 200)
		{
			my $answer = $http->get("$url/v1/organizations/web", { headers => { Authorization => "Bearer $config->{management}" } });
			return $url if $answer->{status} == 200;
			last unless $server->{harness}->pumpable;
			$server->{harness}->pump_nb;
			usleep(50_000);
		}
		diag($server->{out});
		$server->{harness}->kill_kill;
	}
	die 'examples/http does not start';
}

# Each line of TAP is one of ours.
sub report
{
	my ($name, $out) = @_;
	my $count = 0;

	for (split /\n/, $out)
	{
		if (/^(not )?ok \d+ - (.*)/)
		{
			$count++;
			ok(!$1, "$name: $2");
		}
		elsif (/\S/ && !/^1\.\.\d+$/)
		{
			diag($_);
		}
	}
	ok($out =~ /^1\.\.$count$/m && $count > 0, "$name came to its end");
	return;
}

# ---------- the adapter by itself ----------

$node->safe_psql('postgres', 'CREATE DATABASE echo');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$web/echo.sql", 'echo' ], 'an echo for the adapter');
my @programs = (start_program('adapter', { PGUSER => 'postgres', PGDATABASE => 'echo' }, 'node', "$web/adapter.js"));

# ---------- clients, on a developer program ----------

# nginx and the database share it; see examples/nginx-postgrest
my $proxy_token = '5eed' x 16;
my $token_file = $node->basedir . '/proxy_token';
append_to_file($token_file, "1:$proxy_token\n");
chmod oct '600', $token_file or die $!;
set_config($node, 'devapp.proxy_token_file', $token_file);

put_keyring($node);
$node->safe_psql('postgres', 'CREATE DATABASE program');
my ($config, $problem) = run_command([ 'psql', '-XAtq', '-f', "$web/setup.sql", 'program' ]);
is($problem, '', 'a developer program');
$config = decode_json($config);
$config->{url} = start_adapter($config);
$config->{proxy_token} = $proxy_token;
$ENV{DEVAPP_WEB} = encode_json($config);
for my $name (qw(apigee_edge_js apigeetool oauth openapi gateways nginx_postgrest postgrest))
{
	push @programs, start_program($name, { PGDATABASE => 'program' }, 'node', "$web/$name.js");
}
for my $program (@programs)
{
	$program->{harness}->finish;
	report(@$program{qw(name out)});
}

done_testing();
