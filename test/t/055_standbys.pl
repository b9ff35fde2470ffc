# Two standbys, the second behind the first: when they may not decide any more, and when they
# may again (devapp.max_staleness); and a key that was issued on the primary a moment ago
# (devapp.read_after, devapp.replay_wait).

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $settings = q{
shared_preload_libraries = 'devapp'
devapp.max_staleness = '3s'
wal_retrieve_retry_interval = '100ms'
max_standby_streaming_delay = '300ms'
};

my $primary = start_server('primary', $settings, init => { allows_streaming => 1 });
make_program($primary);
put_keyring($primary);
$primary->safe_psql('postgres', q{SELECT devapp.activate_signing_key(kid) FROM devapp.create_signing_key('EdDSA');
	SELECT devapp_internal.setup_products(); SELECT devapp.create_team('ops'); SELECT devapp.create_team('edge')});
my $app = create_app($primary, 'replicated');
my $client = create_app($primary, 'client', q{developer => 'ada@example.com', products => '{weather}', kind => 'oauth_client'});
my $token = $primary->safe_psql('postgres', "SELECT token FROM devapp.issue_token('$client->{consumer_key}')");
my ($manager) = map { chomp; $_ } $primary->safe_psql('postgres',
	q{SELECT secret FROM devapp.create_app('gateway', team => 'ops', products => '{devapp-admin}', scopes => '{devapp:verify}'); SELECT FROM devapp.approve_app('team:ops/gateway')});

$primary->backup('backup');
my $first = PostgreSQL::Test::Cluster->new('first');
$first->init_from_backup($primary, 'backup', has_streaming => 1);
$first->start;
$primary->wait_for_catchup($first);
my $second = PostgreSQL::Test::Cluster->new('second');
$second->init_from_backup($primary, 'backup', has_streaming => 0);
$second->set_standby_mode;
$second->append_conf('postgresql.conf', "primary_conninfo = '" . $first->connstr . " application_name=second'");
$second->start;
$first->wait_for_catchup($second, 'replay', $primary->lsn('flush'));

# One session of each asks all the time.
my %session = map { $_->name => $_->background_psql('postgres') } $first, $second;

sub ask
{
	my ($node, $sql) = @_;

	return $session{ $node->name }->query_safe($sql || key_codes($app->{secret}));
}

# after(node, code, seconds): how long until the verdict is this one; undef if it takes longer
sub after
{
	my ($node, $code, $limit) = @_;
	my $start = time;

	while (time - $start < $limit)
	{
		return time - $start if ask($node) eq $code;
		usleep(20_000);
	}
	return;
}

sub becomes
{
	my ($node, $code, $limit, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $seconds = after($node, $code, $limit);

	return ok(defined $seconds, sprintf '%s: %s after %.2f s', $name, $code, $seconds // $limit);
}

# stays(code, seconds, nodes): the verdict is this one all the time
sub stays
{
	my ($code, $seconds, $name, @nodes) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $end = time + $seconds;
	my ($asked, $other) = (0, '');

	while (time < $end)
	{
		for my $node (@nodes)
		{
			my $answer = ask($node);
			$asked++;
			$other = $node->name . ": $answer" if $answer ne $code;
		}
		usleep(50_000);
	}
	return is($other, '', "$name: $code, $asked times");
}

# what is promised, and a second for a machine that is busy
my $in_time = 3.5 + 1;
my $back = 1 + 1;

sub status
{
	my ($node) = @_;
	return ask($node, 'SELECT is_standby, decides, reason FROM devapp.standby_status()');
}

becomes($_, 'VALID', 10, $_->name) for $first, $second;
stays('VALID', 4, 'an idle primary', $first, $second);
is(status($first), 't|t|', 'standby_status() says that it decides');
is(ask($first, q{SELECT staleness BETWEEN '0' AND '3 s', last_commit > now() - interval '3 s', received IS NOT NULL, replayed IS NOT NULL FROM devapp.standby_status()}),
	't|t|t|t', 'and on what');
is($primary->safe_psql('postgres', 'SELECT is_standby, decides, reason, staleness, last_commit, received, replayed FROM devapp.standby_status()'),
	'f|t|||||', 'a primary always does');

# what doctor() says of a standby, in short
sub says
{
	my ($node, $check) = @_;
	my $said = doctor($node, $check);

	return $said =~ s/\d+(\.\d)? (bytes|kB|s old)/N $2/gr;
}

is(says($first, 'standby_use'), 'ok|it is for decisions, which are STALE 3 s after the last heartbeat of the primary; a query can delay revocations by 300 ms (max_standby_streaming_delay)', 'doctor(): what it is for');
is(says($first, 'standby_lag'), 'ok|N bytes of received WAL is not replayed; the last replayed commit is N s old', 'doctor(): where it is');
is(says($first, 'standby_heartbeat'), '', 'doctor(): it tells nobody itself');
is(says($primary, 'standby_heartbeat'), 'ok|standbys receive a heartbeat once a second', 'doctor(): the primary does');
is($primary->safe_psql('postgres', q{SELECT count(*) FROM devapp.doctor() WHERE check_name IN ('standby_use', 'standby_lag')}), 0, 'and is no standby');

# ---------- every way to ask ----------

my %stale = (
	verify_key => "SELECT code, http_status, retry_after, allowed FROM devapp.verify_key('$app->{secret}', $Devapp::CALL)",
	'verify_key: what is no key' => q{SELECT code, http_status, retry_after, allowed FROM devapp.verify_key('no key')},
	'verify_key: a token' => "SELECT code, http_status, retry_after, allowed FROM devapp.verify_key('$token', $Devapp::CALL)",
	verify_key_bytes => "SELECT code, http_status, retry_after, allowed FROM devapp.verify_key_bytes('$app->{secret}')",
	verify_digest => "SELECT code, http_status, retry_after, allowed FROM devapp.verify_digest(sha256('$app->{secret}'), $Devapp::CALL)",
	verify_client => "SELECT code, http_status, retry_after, allowed FROM devapp.verify_client('$client->{consumer_key}', '$client->{secret}', $Devapp::CALL)",
	verify_token => "SELECT code, http_status, retry_after, allowed FROM devapp.verify_token('$token', $Devapp::CALL)",
	consume_quota => "SELECT code, http_status, retry_after, allowed FROM devapp.consume_quota('$app->{secret}', $Devapp::CALL)",
	allows => "SELECT CASE WHEN NOT devapp.allows('$app->{secret}', $Devapp::CALL) THEN 'STALE|503|00:00:01|f' END",
	explain_access => "SELECT code, 503, '00:00:01', passed FROM devapp.explain_access('$app->{app_id}', $Devapp::CALL) WHERE rule = 'verdict'",
	'/auth' => "SELECT r.headers->>'X-Devapp-Code', r.status, '00:00:01', r.status = 200 FROM devapp_api.handle('GET', '/auth', NULL,
		jsonb_build_object('X-Devapp-Gateway', '$manager', 'Authorization', 'Bearer $app->{secret}', 'X-Forwarded-Uri', '/weather/today', 'X-Forwarded-Method', 'GET')) r");
my $gateway = "SELECT status, headers->>'Retry-After' FROM devapp_api.handle('GET', '/auth', NULL,
	'{\"X-Devapp-Gateway\": \"$manager\", \"Authorization\": \"Bearer $app->{secret}\"}')";
my @refused = ("SELECT devapp.issue_token('$client->{consumer_key}')", "SELECT devapp.introspect('$token')");

for my $name (sort keys %stale)
{
	my $code = $name =~ /no key/ ? 'MALFORMED' : 'VALID';
	next if $name eq 'allows';
	like(ask($second, $stale{$name}), qr/^$code\|/, "$name: $code");
}
is(error_of($second, $_), '00000', "possible: $_") for @refused;

# ---------- replay is paused ----------

ask($first, 'SELECT pg_wal_replay_pause()');
becomes($first, 'STALE', $in_time, 'replay paused');
is(status($first), 't|f|replay is paused', 'standby_status() says why');
like($first->safe_psql('postgres', q{SELECT status, detail FROM devapp.doctor() WHERE check_name = 'standby_lag'}),
	qr/^error\|verdicts are STALE: replay is paused; \d+ (bytes|kB) of received WAL is not replayed; the last replayed commit is [3-9]\.\d s old$/, 'so does doctor()');
is(ask($second), 'VALID', 'the second standby gets all the same what the first one received');
sleep 3; # a backlog
ask($first, 'SELECT pg_wal_replay_resume()');
becomes($first, 'VALID', $back, 'replay resumed');

# ---------- a dead receiver ----------

$first->safe_psql('postgres', q{ALTER SYSTEM SET primary_conninfo = ''});
$first->reload;
becomes($first, 'STALE', $in_time, 'receiver cut');
is(status($first), 't|f|no WAL is being received', 'standby_status() says why');
becomes($second, 'STALE', $in_time, 'the standby behind it');
is(status($second), 't|f|replay is behind, or devapp.max_staleness is not set on the primary, or clocks differ', 'which has a receiver');
is(ask($second, $stale{$_}), 'STALE|503|00:00:01|f', "$_: STALE") for grep { $_ ne '/auth' } sort keys %stale;
is(ask($second, $gateway), '503|1', 'a gateway gets a 503, and when to ask again');
is(ask($second, "SELECT string_agg(DISTINCT rule, ' ') FROM devapp.explain_access('$app->{app_id}', $Devapp::CALL) WHERE NOT passed"), 'standby verdict', 'explain_access says why');
for my $statement (@refused)
{
	my ($state, $report) = error_of($second, $statement);
	is($state, '57P03', "refused: $statement");
	like($report, qr/the last heartbeat from the primary is too old/, 'and said why');
}
$first->safe_psql('postgres', 'ALTER SYSTEM RESET primary_conninfo');
$first->reload;
$first->poll_query_until('postgres', 'SELECT count(*) = 1 FROM pg_stat_wal_receiver') or die;
becomes($_, 'VALID', $back, $_->name . ' receives again') for $first, $second;

# ---------- the launcher ----------

ask($first, q{SELECT pg_terminate_backend(worker_pid) FROM devapp.worker_status});
becomes($first, 'STALE', $in_time, 'no launcher, nobody who says that all is well');
becomes($first, 'VALID', 10, 'it comes back');

# ---------- one's own writes ----------

# settings of a session, then the verdict on a key; in how many seconds
sub with_settings
{
	my ($node, $key, @settings) = @_;
	my $start = time;
	my $answer = $node->safe_psql('postgres', join '', (map { "SET devapp.$_;" } @settings), key_codes($key));

	return ($answer, time - $start);
}

sub answer_with { return (with_settings(@_))[0]; }

# without the other reason to be STALE
set_config($first, 'devapp.max_staleness', '0');
my $position = $primary->safe_psql('postgres', 'SELECT pg_current_wal_lsn()');
$primary->wait_for_catchup($first);
$first->safe_psql('postgres', 'SELECT pg_wal_replay_pause()');
$first->poll_query_until('postgres', q{SELECT pg_get_wal_replay_pause_state() = 'paused'}) or die;
my $new = create_app($primary, 'new');
my $after = $primary->safe_psql('postgres', 'SELECT pg_current_wal_lsn()');
$first->poll_query_until('postgres', "SELECT pg_last_wal_receive_lsn() >= '$after'") or die;
is(answer_with($first, $new->{secret}), 'NOT_FOUND', 'a key of which a standby has not heard');
is(answer_with($first, $new->{secret}, "read_after = '$after'"), 'STALE', 'with its position');
is(answer_with($first, $new->{secret}, "read_after = '\L$after'"), 'STALE', 'in small letters');
is(answer_with($first, $new->{secret}, "read_after = '$position'"), 'STALE', 'with an earlier one: something received is not replayed');
is(answer_with($first, $new->{secret}, q{replay_wait = '50ms'}), 'STALE', 'where calls wait, for what was received');
is(answer_with($first, $app->{secret}, "read_after = '$after'"), 'VALID', 'what is valid is not refused');
is(answer_with($first, 'no key', "read_after = '$after'"), 'STALE', 'what has no form of ours may be an imported key');
is(answer_with($first, 'no key', "read_after = '$position'"), 'MALFORMED', 'unless the position is replayed');
my ($answer, $seconds) = with_settings($first, $new->{secret}, "read_after = '$after'", q{replay_wait = '700ms'});
is($answer, 'STALE', 'it waits in vain');
cmp_ok($seconds, '>=', 0.7, 'for as long as it may');
is($first->safe_psql('postgres', "SET devapp.read_after = '$after'; SELECT (devapp.verify_token('$token', $Devapp::CALL)).code, (devapp.verify_digest(sha256('$new->{secret}'))).code,
	(devapp.verify_client('$new->{consumer_key}', '$new->{secret}')).code, devapp.allows('$new->{secret}')"), 'VALID|STALE|STALE|f', 'the other functions');
is($first->safe_psql('postgres', "SET devapp.read_after = '$after'; " . ($stale{'/auth'} =~ s/Bearer \K\Q$app->{secret}\E/$new->{secret}/r)), 'STALE|503|00:00:01|f', 'and /auth');

my $waiting = $first->background_psql('postgres');
$waiting->query_safe("SET devapp.read_after = '$after'; SET devapp.replay_wait = '60s'");
my $query = key_codes($new->{secret});
$waiting->query_until(qr/waits/, "\\echo waits\n$query;\n\\echo done\n");
usleep(300_000);
$first->safe_psql('postgres', 'SELECT pg_wal_replay_resume()');
like($waiting->query_until(qr/done/, ''), qr/VALID/, 'a call that waits gets its verdict when the position is replayed');
$waiting->quit;

is(answer_with($first, $new->{secret}, "read_after = 'FFFFFFFF/FFFFFFFF'"), 'VALID', 'a position that never comes takes nothing away');
($answer, $seconds) = with_settings($first, 'no key', "read_after = 'FFFFFFFF/FFFFFFFF'", q{replay_wait = '500ms'});
is($answer, 'STALE', 'nor does it hold a call without end');
cmp_ok($seconds, '<', 10, 'but as long as devapp.replay_wait says');
is(error_of($first, "SET devapp.read_after = '$_'"), '22023', "no position: $_")
  for '0', '0/', '/0', '0/0/0', '0/16B3748 ', ' 0/16B3748', '0x0/0', '123456789/0', '0/123456789', 'G/0', '-1/0', 'latest';
is(error_of($first, "SET devapp.read_after = ''; SET devapp.read_after = '0/0'; SET devapp.read_after = 'FFFFFFFF/FFFFFFFF'"), '00000', 'positions');
is(error_of($first, "SET devapp.replay_wait = '$_'"), '22023', "no time to wait: $_") for '-1', '61s';
is(answer_with($primary, 'no key', "read_after = 'FFFFFFFF/FFFFFFFF'", q{replay_wait = '60s'}), 'MALFORMED', 'a primary waits for nothing');

# each key is known at once where its position is given
my %answers;
$session{first}->query_safe(q{SET devapp.replay_wait = '10s'});
for my $n (1 .. 100)
{
	my ($secret, $lsn) = split /\n/, $primary->safe_psql('postgres', "SELECT secret FROM devapp.create_app('own $n', 'ada\@example.com', products => '{weather}'); SELECT pg_current_wal_lsn()");
	$answers{ ask($first, "SET devapp.read_after = '$lsn'; " . key_codes($secret)) }++;
}
is_deeply(\%answers, { VALID => 100 }, 'each of 100 new keys is valid on a standby at once');
$session{first}->query_safe('RESET devapp.replay_wait; RESET devapp.read_after');
set_config($first, 'devapp.max_staleness', '3s');

# ---------- without shared memory ----------

$session{second}->quit;
$second->append_conf('postgresql.conf', q{shared_preload_libraries = ''});
$second->restart;
is(code($second, $app->{secret}), 'STALE', 'where the library is not loaded at server start nobody can say that all is well');
is($second->safe_psql('postgres', "SELECT (devapp.verify_key('$app->{secret}')).code, decides, reason FROM devapp.standby_status()"),
	'STALE|f|devapp is not in shared_preload_libraries', 'and standby_status() says so');
$second->append_conf('postgresql.conf', q{shared_preload_libraries = 'devapp'});
$second->restart;
$session{second} = $second->background_psql('postgres');
becomes($second, 'VALID', 10, 'it starts');

# ---------- a backlog, and clocks ----------

my $clock = PostgreSQL::Test::Utils::tempdir . '/clock.so';
my $moved = PostgreSQL::Test::Utils::tempdir . '/moved';
my $has_clock = system('sh', '-c', "cc -O2 -shared -fPIC -o '$clock' '$FindBin::RealBin/../clock.c' 2>/dev/null") == 0;

# The clock of the first standby is so many seconds ahead from now on.  The file is never
# shorter, not even for a moment: who has it mapped would crash.
sub move_clock
{
	my ($seconds) = @_;

	open my $file, '+<', $moved or die;
	print $file pack 'q', $seconds;
	close $file or die;
	return;
}

$session{first}->quit;
$first->stop;
append_to_file($moved, pack 'q', 0);
{
	local $ENV{LD_PRELOAD} = $clock if $has_clock;
	local $ENV{DEVAPP_CLOCK_FILE} = $moved;
	$first->start;
}
$session{first} = $first->background_psql('postgres');
becomes($first, 'VALID', 10, 'started');
SKIP:
{
	skip 'no C compiler', 8 unless $has_clock;
	move_clock(1);
	stays('VALID', 1.5, 'a clock that is a second ahead', $first);
	move_clock(10);
	becomes($first, 'STALE', 1, 'a clock that is ten seconds ahead');
	is(status($first), 't|f|replay is behind, or devapp.max_staleness is not set on the primary, or clocks differ', 'which may look like this');
	move_clock(-2);
	becomes($first, 'VALID', 1, 'a clock that is two seconds behind');
	stays('VALID', 1.5, 'it', $first);
	move_clock(-10);
	becomes($first, 'STALE', 1, 'a clock that is ten seconds behind');
	is(status($first), 't|f|the clock of the primary is ahead', 'which is plain to see');
	move_clock(0);
	becomes($first, 'VALID', 1, 'clocks that agree');
}
ask($first, 'SELECT pg_wal_replay_pause()');
becomes($first, 'STALE', $in_time, 'paused');
$first->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_wal_receiver WHERE status = 'streaming'}) or die;
$primary->stop('immediate');
sleep 4;
ask($first, 'SELECT pg_wal_replay_resume()');
stays('STALE', 1, 'what is replayed now is as old as it is', $first);
SKIP:
{
	skip 'no C compiler', 2 unless $has_clock;
	move_clock(-3600);
	usleep(300_000);
	stays('STALE', 0.5, 'cut off, with a clock that is put back', $first);
	move_clock(-3);
	usleep(300_000);
	stays('STALE', 0.5, 'as far as to where the primary was', $first);
	move_clock(0);
}
$primary->start;
$first->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_wal_receiver WHERE status = 'streaming'}) or die;
becomes($first, 'VALID', $back, 'the primary is back');

# ---------- the setting goes, and comes ----------

set_config($primary, 'devapp.max_staleness', '0');
becomes($first, 'STALE', $in_time, 'a primary that does not tell');
set_config($first, 'devapp.max_staleness', '0');
becomes($first, 'VALID', $back, 'a standby that does not ask');
is(says($first, 'standby_use'), 'info|it keeps deciding without its primary (devapp.max_staleness is 0); a query can delay revocations by 300 ms (max_standby_streaming_delay)', 'doctor() says so');
set_config($first, 'max_standby_streaming_delay', '-1');
is(says($first, 'standby_use'), 'info|it is for reports: a query can delay revocations by any time (max_standby_streaming_delay)', 'doctor(): one for reports');
ask($first, 'SELECT pg_wal_replay_pause()');
like(says($first, 'standby_lag'), qr/^warning\|replay is paused; /, 'doctor(): it is paused');
ask($first, 'SELECT pg_wal_replay_resume()');
set_config($primary, 'devapp.max_staleness', '3s');
becomes($second, 'VALID', $back, 'the primary tells again');
set_config($first, 'devapp.max_staleness', '3s');
becomes($first, 'VALID', $back, 'the standby asks again');
is(says($first, 'standby_use'), 'warning|it is for decisions, which are STALE 3 s after the last heartbeat of the primary; a query can delay revocations by any time (max_standby_streaming_delay)', 'doctor(): both cannot be');
set_config($first, 'max_standby_streaming_delay', '300ms');

# ---------- promotion ----------

$primary->stop('immediate');
becomes($first, 'STALE', $in_time, 'primary killed');
becomes($second, 'STALE', 1, 'and the standby behind it');
ask($first, q{SET devapp.read_after = 'FFFFFFFF/FFFFFFFF'});
$first->promote;
is(ask($first), 'VALID', 'promoted');
is(status($first), 'f|t|', 'standby_status() says so');
is(ask($first, key_codes('no key')), 'MALFORMED', 'a position means nothing to a primary');
my $own = create_app($first, 'own');
becomes($second, 'VALID', 10, 'the new primary tells its standby');
$first->wait_for_catchup($second, 'replay', $first->lsn('flush'));
is(code($second, $own->{secret}), 'VALID', 'which knows a new key');
$_->quit for values %session;

done_testing();
