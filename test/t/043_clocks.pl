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

# ---------- quotas and rates ----------

# The clock of this server moves while it runs.
my $moved = PostgreSQL::Test::Utils::tempdir . '/seconds';
sub move_clock
{
	my ($seconds) = @_;

	open my $file, -e $moved ? '+<' : '>', $moved or die;
	binmode $file;
	print $file pack 'q', $seconds;
	close $file;
	return;
}

move_clock(0);
my $node = PostgreSQL::Test::Cluster->new('limits');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'devapp'\ndevapp.flush_interval = 0\nrestart_after_crash = on");
{
	local $ENV{DEVAPP_CLOCK_FILE} = $moved;
	start_ahead($node, 0);
}
make_program($node);
my %key;
for ([ soft => "quota_limit => 5, quota_unit => 'day'" ], [ hard => "quota_limit => 5, quota_unit => 'day', quota_enforcement => 'hard'" ],
	[ minute => "quota_limit => 5, quota_unit => 'minute'" ], [ rate => 'rate_limit => 0.001, rate_burst => 3' ])
{
	my ($name, $limits) = @$_;
	$node->safe_psql('postgres', "SELECT devapp.create_product('$name', $limits)");
	$key{$name} = create_app($node, $name, "developer => 'ada\@example.com', products => '{$name}'");
}

# How many of n calls are let through.
sub allowed
{
	my ($name, $n, $function) = @_;

	$function ||= 'verify_key';
	return $node->safe_psql('postgres', "SELECT count(*) FILTER (WHERE (v.v).allowed) FROM (SELECT devapp.$function('$key{$name}{secret}') AS v FROM generate_series(1, $n) OFFSET 0) AS v");
}
sub flush { $node->safe_psql('postgres', 'DO $$ BEGIN PERFORM devapp.flush_usage(); END $$') }

is(allowed('soft', 9), 5, 'a soft quota');
is(allowed('hard', 9, 'consume_quota'), 5, 'a hard one');
is(allowed('minute', 9), 5, 'one of a minute');
is(allowed('rate', 9), 3, 'a rate');
flush();
for my $days (2, 30)
{
	move_clock(-86400 * $days);
	is(allowed('soft', 9) . allowed('hard', 9, 'consume_quota') . allowed('minute', 9), '000', "a clock that is put back by $days days gives no quota anew");
	flush();
	like(doctor($node, 'quota'), qr/^warning\|3 quota\(s\) have a window in the future/, 'doctor says so');
	kill_process($node, $node->safe_psql('postgres', 'SELECT worker_pid FROM devapp.worker_status'));
	is(allowed('soft', 9) . allowed('hard', 9, 'consume_quota') . allowed('minute', 9), '000', 'from their rows as well');
	move_clock(0);
	is(allowed('soft', 9) . allowed('hard', 9, 'consume_quota'), '00', 'nor when it is right again');
	flush();
	is(allowed('soft', 9) . allowed('hard', 9, 'consume_quota'), '00', 'after a flush');
}
like(doctor($node, 'quota'), qr/^ok/, 'doctor is content again');

# a clock that was wrong, and is put right
move_clock(86400 * 365);
is(allowed('soft', 9) . allowed('hard', 9, 'consume_quota'), '55', 'a year later');
flush();
move_clock(0);
is(allowed('soft', 9) . allowed('hard', 9, 'consume_quota'), '00', 'that was wrong');
$node->safe_psql('postgres', "SELECT devapp.reset_quota('$key{$_}{app_id}', '$_', 'the clock was wrong')") for qw(soft hard);
is($node->safe_psql('postgres', "SELECT count(*) FILTER (WHERE window_start <= now() AND window_end > now()) FROM devapp.quota_usage JOIN devapp.product USING (product_id) WHERE name IN ('soft', 'hard')"), 2, 'reset_quota brings it to the present window');
is(allowed('soft', 9) . allowed('hard', 9, 'consume_quota'), '55', 'and gives it back');
like(doctor($node, 'quota'), qr/^ok/, 'doctor is content');

# rates
move_clock(86400);
is(allowed('rate', 9), 3, 'a rate is worked off');
move_clock(86400 - 3600);
is($node->safe_psql('postgres', "SELECT passed FROM devapp.explain_access('$key{rate}{app_id}') WHERE rule = 'rate'"), 't', 'after a step back it starts full');
is(allowed('rate', 9), 3, 'with its burst, and no more');
$node->stop;

done_testing();
