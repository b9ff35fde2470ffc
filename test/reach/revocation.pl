# Five standbys, one of them behind another: how soon a revocation counts on each, that an idle
# primary makes none of them STALE, and that a key is known on each by its position.
# REACH_ROUNDS (100) revocations and keys; REACH_IDLE (60) seconds without a write.

use strict;
use warnings FATAL => 'all';

use Devapp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $rounds = $ENV{REACH_ROUNDS} || 100;
my $primary = start_server('primary', q{
shared_preload_libraries = 'devapp'
devapp.max_staleness = '3s'
max_standby_streaming_delay = '300ms'
hot_standby_feedback = on
wal_retrieve_retry_interval = '500ms'
shared_buffers = 32MB
}, init => { allows_streaming => 1 });
make_program($primary);
$primary->backup('backup');
my @standbys = map { PostgreSQL::Test::Cluster->new("standby$_") } 1 .. 5;
for my $node (@standbys)
{
	$node->init_from_backup($primary, 'backup', has_streaming => 1);
	$node->append_conf('postgresql.conf', "cluster_name = '@{[$node->name]}'");
	# the last one is behind the first
	$node->append_conf('postgresql.conf', "primary_conninfo = '@{[$standbys[0]->connstr]}'") if $node == $standbys[4];
	$node->start;
}
my %session = map { $_->name => $_->background_psql('postgres') } $primary, @standbys;

sub ask
{
	my ($node, $sql) = @_;
	return $session{ $node->name }->query_safe($sql);
}

# A verdict of each standby, in this order.
sub verdicts
{
	my ($key) = @_;
	return map { ask($_, key_codes($key)) } @standbys;
}

sub wait_for_verdicts
{
	my ($key, $code) = @_;
	my $end = time + 30;

	while (grep { $_ ne $code } verdicts($key))
	{
		die "no $code on all standbys" if time > $end;
		usleep(1_000);
	}
	return;
}

# From the return of a revocation until no standby lets the key pass any more.  The questions, one
# after the other, are a good part of that time; a standby that has refused is not asked again.
sub revoke
{
	my ($key, $credential) = @_;
	my @left = @standbys;

	ask($primary, "SELECT devapp.revoke_credential('$credential')");
	my $committed = time;
	while (@left)
	{
		@left = grep { ask($_, key_codes($key)) ne 'CREDENTIAL_REVOKED' } @left;
		die 'a revocation does not arrive' if time > $committed + 30;
	}
	return time - $committed;
}

sub at_rank
{
	my ($part, @sorted) = @_;
	my $rank = int $part * @sorted;

	return 1000 * $sorted[ $rank < @sorted ? $rank : $#sorted ];
}

# ---------- revocations ----------

my @keys = map { create_app($primary, "app $_") } 1 .. $rounds;
wait_for_verdicts($keys[-1]{secret}, 'VALID');
my @seconds = sort { $a <=> $b } map { verdicts($_->{secret}); revoke($_->{secret}, $_->{credential_id}) } @keys;
note(sprintf 'at five standbys, from the return of a revocation to the last refusal, questions included, %d rounds: median %.1f ms, p99 %.1f ms, most %.1f ms',
	$rounds, at_rank(0.5, @seconds), at_rank(0.99, @seconds), 1000 * $seconds[-1]);
cmp_ok($seconds[-1], '<', 1, 'a revocation counts on all standbys within a second');

# ---------- keys by their position ----------

my %answers;
for my $round (1 .. $rounds)
{
	my ($secret, $position) = split /\n/, ask($primary, "SELECT secret FROM devapp.create_app('new $round', 'ada\@example.com', products => '{weather}'); SELECT pg_current_wal_lsn()");
	$answers{ ask($_, "SET devapp.replay_wait = '10s'; SET devapp.read_after = '$position'; " . key_codes($secret)) }++ for @standbys;
}
is_deeply(\%answers, { VALID => 5 * $rounds }, 'a new key is known at once where its position is given');
ask($_, 'RESET devapp.replay_wait; RESET devapp.read_after') for @standbys;

# ---------- an idle primary ----------

my $app = create_app($primary, 'idle');
wait_for_verdicts($app->{secret}, 'VALID');
my $end = time + ($ENV{REACH_IDLE} || 60);
my ($asked, $stale, $oldest) = (0, 0, 0);
while (time < $end)
{
	my $start = time;
	for my $node (@standbys)
	{
		my ($code, $age) = split /\|/, ask($node, "SELECT (devapp.verify_key('$app->{secret}', $Devapp::CALL)).code, extract(epoch FROM staleness) FROM devapp.standby_status()");
		$asked++;
		$stale++ if $code ne 'VALID';
		$oldest = $age if $age > $oldest;
	}
	usleep(100_000);
}
note(sprintf 'at an idle primary: %d verdicts of five standbys, %d STALE, at most %.2f s since they had heard of it', $asked, $stale, $oldest);
is($stale, 0, 'an idle primary makes no standby stale');
$_->quit for values %session;

done_testing();
