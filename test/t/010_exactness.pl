# verify_key() says exactly what the tables say, whatever it remembers: thousands of
# random changes, and after each one random questions to it and to an oracle in plain
# SQL (test/data/oracle.sql), which remembers nothing.
#
# - One session changes and verifies: its own uncommitted changes, savepoints,
#   rollbacks to them, aborted transactions.
# - Several sessions change while others verify.  The others compare while they keep
#   the writers out; what they remember is from when these were at work.
# - Sessions of a hot standby verify while it replays, and compare after it has.
#
# Each with the usual cache, with a tiny one that evicts all the time, and with none.
# DEVAPP_SEED gives other changes and questions; the ids and the clock are never the
# same.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{DEVAPP_SEED} || 20260301;
note("DEVAPP_SEED=$seed");
srand($seed);

my @cache_sizes = ('8MB', '256kB', '0');

my $primary = start_server(
	'primary',
	"jit = off\nsynchronous_commit = off\ndeadlock_timeout = 10ms\n"
	  . "hot_standby_feedback = on\nmax_standby_streaming_delay = -1",
	init => { allows_streaming => 1 });

# ---------- the program, and ways to read what was compared ----------

sub make_world
{
	my ($db, $fraction) = @_;

	$primary->safe_psql('postgres', "CREATE DATABASE $db") unless $db eq 'postgres';
	$primary->safe_psql($db, 'CREATE EXTENSION devapp CASCADE');
	$primary->safe_psql($db, slurp_file("$FindBin::RealBin/../data/oracle.sql"));
	# TRUNCATE is one of the changes
	$primary->safe_psql($db,
		"ALTER TABLE devapp.product_operation DISABLE TRIGGER guard_truncate;
		SELECT setseed($fraction); SELECT oracle.populate();");
	return;
}

my %total = (compared => 0, edges => 0);
my %codes;

# Add up the lines "compared wrong edges {code: how many}" of some output: how many
# were compared, how many wrong.
sub count_lines
{
	my ($output) = @_;
	my ($compared, $wrong) = (0, 0);

	while ($output =~ /(?:^|compared: )(\d+) (\d+) (\d+) \{(.*)\}$/gm)
	{
		$compared += $1;
		$wrong += $2;
		$total{compared} += $1;
		$total{edges} += $3;
		my $list = $4;
		$codes{$1} += $2 while $list =~ /"(\w+)": (\d+)/g;
	}
	return ($compared, $wrong);
}

# The first wrong verdicts in a server's log, and what was changed before them.
sub explain_wrong
{
	my ($node) = @_;
	my @wrong = grep { /WARNING:  wrong: / } split /\n/, slurp_file($node->logfile);
	my @changes = grep { /LOG:  (?:change|statement: (?:BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE))/ }
	  split /\n/, slurp_file($primary->logfile);

	for my $line (splice @wrong, 0, 3)
	{
		my ($time) = $line =~ /^(\S+ \S+)/;
		my @before = grep { substr($_, 0, length $time) le $time } @changes;

		diag($_) for 'the last changes, of all sessions:', splice(@before, -12), $line;
	}
	return;
}

# No verdict of some output is wrong, and there are enough.
sub all_right
{
	my ($node, $output, $enough, $name) = @_;
	my ($compared, $wrong) = count_lines($output);
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	cmp_ok($compared, '>=', $enough, "$name: $compared verdicts compared");
	is($wrong, 0, "$name: none is wrong") or explain_wrong($node);
	return;
}

# A psql or pgbench that works beside us, and writes into a file, because nobody
# empties a pipe meanwhile.  finish() returns what it wrote.
my $folder = PostgreSQL::Test::Utils::tempdir();
my $jobs = 0;

sub begin
{
	my ($settings, @command) = @_;
	my %job = (command => \@command, output => "$folder/job" . ++$jobs);
	local $ENV{PGOPTIONS} = "-c client_min_messages=error $settings";

	$job{run} = IPC::Run::start(\@command, '<', \undef, '>', $job{output}, '2>&1');
	return \%job;
}

sub finish
{
	my ($job) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	$job->{run}->finish;
	my $output = slurp_file($job->{output});
	is($job->{run}->result(0), 0, "$job->{command}->[0] ends without an error")
	  or diag("@{$job->{command}}\n", substr($output, -2000));
	return $output;
}

sub psql_on
{
	my ($node, $db) = @_;

	return ('psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($db));
}

# file(name, lines): a script in the test's folder

sub file
{
	my ($name, @lines) = @_;

	append_to_file("$folder/$name", join "\n", @lines, '');
	return "$folder/$name";
}

# ---------- one session ----------

# After each statement the session compares.  A key that was made is remembered by
# psql as well, for a rollback makes the tables forget it, while the cache must not
# go on to know it.
my $CHANGE = ('SELECT oracle.change() AS made \gset' . "\n" . '\set all :all :made \' \'');
my $REMEMBER = 'SELECT FROM oracle.remember(:\'all\');';

sub single_session_script
{
	my ($steps, $batch) = @_;
	my @script = ('SELECT setseed(' . rand() . ') \g /dev/null', '\set all \'\'');
	my $compare = "SELECT oracle.compare($batch);";

	while ($steps > 0)
	{
		my $savepoints = 0;
		my $alone = rand() < 0.3;

		push @script, 'BEGIN' . (rand() < 0.2 ? ' ISOLATION LEVEL REPEATABLE READ' : '') . ';'
		  unless $alone;
		for (1 .. ($alone ? 1 : 1 + int rand 9))
		{
			my $what = $alone ? 0 : rand();

			if ($what < 0.65 || $what >= 0.80 && $savepoints == 0)
			{
				push @script, $CHANGE;
			}
			elsif ($what < 0.80)
			{
				push @script, 'SAVEPOINT s' . ++$savepoints . ';';
				next;
			}
			elsif ($what < 0.93)
			{
				$savepoints = 1 + int rand $savepoints;
				push @script, "ROLLBACK TO s$savepoints;", $REMEMBER;
			}
			else
			{
				push @script, "RELEASE s$savepoints;";
				$savepoints--;
			}
			push @script, $compare;
			$steps--;
		}
		push @script, rand() < 0.6 ? 'COMMIT;' : 'ROLLBACK;', $REMEMBER, $compare
		  unless $alone;
		push @script, '\set all \'\'';
	}
	return @script;
}

# Several at a time, each alone in a database of its own.
my $batch = 120;
my @single = (
	{ db => 'single1', steps => 860, cache => '8MB' },
	{ db => 'single2', steps => 650, cache => '8MB' },
	{ db => 'single3', steps => 110, cache => '256kB' },
	{ db => 'single4', steps => 110, cache => '0' });

make_world($_->{db}, rand()) for @single;
for my $session (@single)
{
	$session->{job} = begin("-c devapp.cache_size=$session->{cache}",
		psql_on($primary, $session->{db}),
		'-f', file("$session->{db}.sql", single_session_script($session->{steps}, $batch)));
}
for my $session (@single)
{
	my $output = finish($session->{job});

	all_right($primary, $output, $batch * $session->{steps},
		"one session ($session->{db}), cache of $session->{cache}");
}
cmp_ok($total{compared}, '>=', 200_000, "one session: $total{compared} in all");

# ---------- several sessions ----------

make_world('postgres', rand());

my @writers = map { ('-f', $_) } (
	file('commit.sql@3',
		'BEGIN;', 'SELECT pg_advisory_xact_lock_shared(1);', 'SELECT oracle.change();', 'COMMIT;'),
	file('several.sql@2',
		'BEGIN;', 'SELECT pg_advisory_xact_lock_shared(1);',
		'SELECT oracle.change();', 'SAVEPOINT a;', 'SELECT oracle.change();',
		'ROLLBACK TO a;', 'SELECT oracle.change();', 'RELEASE a;', 'COMMIT;'),
	file('abort.sql@1',
		'BEGIN;', 'SELECT pg_advisory_xact_lock_shared(1);',
		'SELECT oracle.change();', 'SELECT oracle.change();', 'ROLLBACK;'));
my $ask = file('ask.sql', 'SELECT cardinality(oracle.said(oracle.questions(50)));');

# pgbench takes the weight off the name of the script
for (grep { /\@/ } @writers)
{
	my ($name) = /(.*)\@/;
	rename $_, $name or die "$_: $!";
}

sub pgbench_on
{
	my ($node, $seconds, $clients, @scripts) = @_;

	return ('pgbench', '-n', '-M', 'prepared', '-c', $clients, '-T', $seconds,
		'--random-seed', $seed, @scripts, $node->connstr('postgres'));
}

my $seconds = 10;
my @compare = map {
	begin("-c devapp.cache_size=$_", psql_on($primary, 'postgres'),
		'-c', "CALL oracle.compare_with_writers_out('$seconds s', 150)")
} @cache_sizes;
my @others = (
	begin('', pgbench_on($primary, $seconds, 3, @writers)),
	begin('', pgbench_on($primary, $seconds, 1, '-R', 50, '-f', $ask)),
	begin('-c devapp.cache_size=256kB', pgbench_on($primary, $seconds, 1, '-R', 50, '-f', $ask)));
my $output = join "\n", map { finish($_) } @compare, @others;

# how much is done in that time is the machine's matter; too little would show nothing
all_right($primary, $output, 3_000, 'several sessions');
my ($transactions) = $output =~ /processed: (\d+)/;
cmp_ok($transactions, '>=', 30, "while there were $transactions transactions of writers");

# ---------- a standby ----------

$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby);

my @sessions = map {
	my $session = $standby->background_psql('postgres');
	$session->query_safe("SET client_min_messages = error; LOAD 'devapp';
		SET devapp.cache_size = '$_'; SET default_transaction_read_only = on");
	$session;
} @cache_sizes;

is($sessions[0]->query_safe('SELECT pg_is_in_recovery()'), 't', 'it is a standby');
my @of_session = ('') x @sessions;

for my $round (1 .. 5)
{
	my $at_work = begin('', pgbench_on($primary, 1, 2, @writers));

	$_->query_safe("CALL oracle.ask('0.25 s')") for @sessions;
	finish($at_work);
	$primary->wait_for_catchup($standby);
	# each twice: the second time all is remembered that has room
	for my $i (map { ($_, $_) } 0 .. $#sessions)
	{
		$of_session[$i] .= $sessions[$i]->query_safe('SELECT oracle.compare(600)') . "\n";
	}
}
all_right($standby, $of_session[$_], 6_000, "standby, cache of $cache_sizes[$_]") for 0 .. $#sessions;
$_->quit for @sessions;

# ---------- copies ----------

# What verification reads (src/table/packed_row.c) is what the rows are, after all this.
for my $db ('postgres', map { $_->{db} } @single)
{
	my $check = "SELECT c.checked > 200, c.missing, c.wrong, (SELECT count(*) FROM devapp_internal.packed_row) - c.checked
		FROM devapp_internal.check_packed_rows() c";

	is($primary->safe_psql($db, $check), 't|0|0|0', "every row has its copy in $db");
	is($standby->safe_psql($db, $check), 't|0|0|0', 'and on the standby') if $db eq 'postgres';
}

# ---------- was it worth the while? ----------

my @never = grep { !$codes{$_} } split /\n/, $primary->safe_psql('postgres',
	q{SELECT unnest(enum_range(NULL, 'ADDRESS_FORBIDDEN'::devapp.verdict_code))
	  EXCEPT SELECT unnest('{TOKEN_REVOKED,PROOF_REQUIRED}'::devapp.verdict_code[])});
is("@never", '', 'each verdict was met');
note(join ', ', map { "$_ $codes{$_}" } sort { $codes{$b} <=> $codes{$a} } keys %codes);
cmp_ok($total{edges}, '<', $total{compared} / 200,
	"$total{edges} of $total{compared} were about a moment that was just passing");

my $log = slurp_file($primary->logfile);
my $changes = () = $log =~ /LOG:  change: /g;
my $refused = () = $log =~ /LOG:  change refused /g;
cmp_ok($changes, '>=', 1000, "$changes changes were made ($refused were refused)");

done_testing();
