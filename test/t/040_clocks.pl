# Servers whose clocks disagree: a standby behind its primary or ahead of it, and a clock
# that is put back.  The clock is moved by test/clock.c.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $clock = PostgreSQL::Test::Utils::tempdir . '/clock.so';
plan skip_all => 'no C compiler'
  unless system('sh', '-c', "cc -O2 -shared -fPIC -o '$clock' '$FindBin::RealBin/../clock.c' 2>/dev/null") == 0;

# Start a node with a clock that is so many seconds ahead of this test's.
sub start_ahead
{
	my ($node, $seconds) = @_;
	local $ENV{LD_PRELOAD} = $clock;
	local $ENV{DEVAPP_CLOCK_OFFSET} = ($ENV{DEVAPP_CLOCK_OFFSET} || 0) + $seconds;

	$node->start;
	return;
}

my $primary = start_server('primary', undef, init => { allows_streaming => 1 });
make_program($primary);
my $app = create_app($primary, 'rotated');
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);

# ---------- a standby ----------

for my $seconds (-1, -2, -3600, 1, 2, 3600)
{
	start_ahead($standby, $seconds);
	$primary->wait_for_catchup($standby);
	ok(abs($standby->safe_psql('postgres', 'SELECT extract(epoch FROM clock_timestamp())') - time - ($ENV{DEVAPP_CLOCK_OFFSET} || 0) - $seconds) < 30, "a standby of $seconds s")
	  if $seconds**2 > 3000;

	my $new = create_app($primary, "new $seconds");
	my $next = rotate($primary, $app->{credential_id}, '7 days');
	$primary->wait_for_catchup($standby);
	is(codes($standby, [ $new->{secret}, $app->{secret}, $next->{secret} ]), 'VALID VALID VALID', "$seconds s: what was just issued works, and both secrets of a rotation");
	$primary->safe_psql('postgres', "SELECT devapp.complete_rotation('$app->{credential_id}')");
	$primary->wait_for_catchup($standby);
	is(codes($standby, [ $app->{secret}, $next->{secret} ]), 'SUPERSEDED VALID', "$seconds s: what is completed is ended");
	my $other = rotate($primary, $new->{credential_id}, '30 minutes');
	$primary->wait_for_catchup($standby);
	is(codes($standby, [ $new->{secret}, $other->{secret} ]), ($seconds == 3600 ? 'SUPERSEDED' : 'VALID') . ' VALID', "$seconds s: an overlap ends by the clock");
	$primary->safe_psql('postgres', "SELECT devapp.cancel_rotation('$new->{credential_id}')");
	$primary->wait_for_catchup($standby);
	is(codes($standby, [ $new->{secret}, $other->{secret} ]), 'VALID SUPERSEDED', "$seconds s: what is cancelled is ended");
	$app->{secret} = $next->{secret};
	$standby->stop;
}

# ---------- a clock that is put back ----------

for my $seconds (-1, -2, -3600)
{
	my $completed = create_app($primary, "completed $seconds");
	my $next = rotate($primary, $completed->{credential_id}, '7 days');
	$primary->safe_psql('postgres', "SELECT devapp.complete_rotation('$completed->{credential_id}')");
	my $cancelled = create_app($primary, "cancelled $seconds");
	my $dropped = rotate($primary, $cancelled->{credential_id}, '7 days');
	$primary->safe_psql('postgres', "SELECT devapp.cancel_rotation('$cancelled->{credential_id}')");
	$primary->stop;
	start_ahead($primary, $seconds);
	is(codes($primary, [ $completed->{secret}, $next->{secret}, $cancelled->{secret}, $dropped->{secret} ]),
		'SUPERSEDED VALID VALID SUPERSEDED', "put back by $seconds s");
	is(error_of($primary, "SELECT devapp.complete_rotation('$completed->{credential_id}')"), '55000', "$seconds s: no rotation is in progress");
	isnt(rotate($primary, $completed->{credential_id}, '7 days')->{secret}, undef, "$seconds s: it can be rotated again");
	$primary->restart;
}

done_testing();
