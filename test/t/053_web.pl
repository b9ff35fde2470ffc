# devapp over HTTP: examples/http, and nginx as examples/nginx-postgrest has it.  test/web has the
# programs, which print TAP; they run side by side on one server.

use strict;
use warnings FATAL => 'all';

use FindBin;
use IPC::Run;
use lib $FindBin::RealBin;
use Devapp;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $web = "$FindBin::RealBin/../web";
my $adapter = "$FindBin::RealBin/../../examples/http/server.js";
plan skip_all => -e "$web/missing" ? slurp_file("$web/missing") =~ s/\s+\z//r : 'the npm packages of test/web are not installed'
  unless -d "$web/node_modules";

my $node = start_server('main', '');
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{TMPDIR} = PostgreSQL::Test::Utils::tempdir();
$ENV{PATH} .= ':/usr/sbin';
$ENV{DEVAPP_WEB} = encode_json({ proxy_token => '5eed' x 16 });
$node->safe_psql('postgres', 'CREATE DATABASE echo');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$web/echo.sql", 'echo' ], 'an echo for the adapter');

my @running;
END
{
	my $status = $?;
	$_->{harness}->kill_kill for @running;
	$? = $status;
}

# start_program(name, environment..., command): {name, harness, out}
sub start_program
{
	my ($name, $environment, @command) = @_;
	my %program = (name => $name, out => '');
	local %ENV = (%ENV, %$environment);

	$program{harness} = IPC::Run::start(\@command, '<', \undef, '>&', \$program{out}, IPC::Run::timeout(180));
	push @running, \%program;
	return \%program;
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

my @programs = (
	start_program('adapter', { PGUSER => 'postgres', PGDATABASE => 'echo' }, 'node', "$web/adapter.js"),
	start_program('nginx', {}, 'node', "$web/nginx_postgrest.js"));
for my $program (@programs)
{
	$program->{harness}->finish;
	report(@$program{qw(name out)});
}

done_testing();
