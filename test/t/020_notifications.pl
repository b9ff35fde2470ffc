# Notifications on a server: NOTIFY comes with the commit and carries an id only, and
# the worker of the documentation delivers: retries what fails, gives up, stops when
# it is told to, and a worker that is killed is replaced by another.

use strict;
use warnings FATAL => 'all';

use FindBin;
use IPC::Run qw(start timeout);
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('main', 'max_prepared_transactions = 2');
make_program($node);

my $owner = "developer => 'ada\@example.com', products => '{weather}'";
my $app = create_app($node, 'told', $owner);

sub sql { return $node->safe_psql('postgres', shift) }

# ---------- NOTIFY ----------

my $listener = $node->background_psql('postgres');
$listener->query_safe('LISTEN devapp');

# The payloads that have come since the last call.
sub heard
{
	my $output = $listener->query_safe('SELECT 1');

	return join "\n", $output =~ /Asynchronous notification "devapp" with payload "(.*)" received/g;
}

# The payload of the transaction that wrote the notifications after that one.
sub payload_after
{
	return sql("SELECT DISTINCT jsonb_build_object('transaction_id', transaction_id::text)
		FROM devapp.notification WHERE notification_id > " . shift);
}

sub last_id { return sql('SELECT coalesce(max(notification_id), 0) FROM devapp.notification') }

is(heard(), '', 'nothing to hear of an app that is approved at once');

my $before = last_id();
my $session = $node->background_psql('postgres');
$session->query_safe("BEGIN; SELECT FROM devapp.suspend_app('$app->{app_id}', 'a note')");
is(heard(), '', 'nothing before the commit');
$session->query_safe('COMMIT');
my $payload = heard();
like($payload, qr/^\{"transaction_id": "[0-9]+"\}$/, 'at the commit: an id and nothing else');
is($payload, payload_after($before), 'the id leads to the notification');

$session->query_safe("BEGIN; SELECT FROM devapp.resume_app('$app->{app_id}'); ROLLBACK");
is(heard(), '', 'nothing after a rollback');
$session->query_safe("BEGIN; SAVEPOINT s; SELECT FROM devapp.resume_app('$app->{app_id}'); ROLLBACK TO s; COMMIT");
is(heard(), '', 'nor after one to a savepoint');

$before = last_id();
$session->query_safe(
	"BEGIN; SELECT FROM devapp.resume_app('$app->{app_id}'); SAVEPOINT s; "
	  . "SELECT FROM devapp.suspend_app('$app->{app_id}'); RELEASE s; "
	  . "SELECT FROM devapp.rotate_credential('$app->{credential_id}'); COMMIT");
is(sql("SELECT count(*) FROM devapp.notification WHERE notification_id > $before"), 3, 'three notifications of one transaction');
is(heard(), payload_after($before), 'are one NOTIFY');

$before = last_id();
$session->query_safe("BEGIN; SELECT FROM devapp.set_app_approval('manual'); SELECT FROM devapp.create_app('waits', $owner); SELECT FROM devapp.set_app_approval('conditional'); COMMIT");
is(heard(), payload_after($before), 'a submission, which is written at the commit, is heard');

$before = last_id();
$session->query_safe("SET devapp.notify = off; SELECT FROM devapp.resume_app('$app->{app_id}')");
isnt(last_id(), $before, 'devapp.notify off: the notification is there');
is(heard(), '', 'and no NOTIFY');
my $prepare = "BEGIN; SELECT FROM devapp.suspend_app('$app->{app_id}'); PREPARE TRANSACTION 'two phases'";
is(error_of($node, $prepare), '0A000', 'a transaction with a signal cannot be prepared');
is(error_of($node, "SET devapp.notify = off; $prepare; ROLLBACK PREPARED 'two phases'"), '00000', 'without it can');
is(heard(), '', 'and nothing is heard of either');
is($node->safe_psql('postgres', 'SELECT devapp.schedule_notifications()'), 0, 'nothing to remind of');
is(heard(), '', 'a statement that queues nothing is silent');
$session->quit;
$listener->quit;

# ---------- the worker ----------

my $script = "$FindBin::RealBin/../../doc/notification_worker.sh";
my $dir = PostgreSQL::Test::Utils::tempdir();
my %env = (PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'postgres', PGUSER => 'mailer');

# A worker's user needs no table.
sql('CREATE ROLE mailer LOGIN; GRANT USAGE ON SCHEMA devapp TO mailer;
	GRANT EXECUTE ON FUNCTION devapp.claim_notifications(integer, interval, text),
		devapp.complete_notification(bigint, uuid), devapp.fail_notification(bigint, text, uuid) TO mailer');
is(error_of($node, 'SET SESSION AUTHORIZATION mailer; SELECT FROM devapp.notification'), '42501', 'the worker cannot read the table');

sub executable
{
	my ($name, $text) = @_;

	append_to_file("$dir/$name", "#!/bin/bash\n$text\n");
	chmod 0755, "$dir/$name" or die;
	return "$dir/$name";
}

# The worker with that command; it stops when nothing is due.
sub drain
{
	my ($name, @command) = @_;
	local %ENV = (%ENV, %env, DEVAPP_WORKER => $name, DEVAPP_DRAIN => 1);
	my ($out, $err) = ('', '');

	ok(IPC::Run::run([ $script, @command ], '<', \'', '>', \$out, '2>', \$err, timeout(180)), "worker $name ran");
	return $err;
}

sub make_due { return sql("UPDATE devapp.notification SET next_attempt_at = now() WHERE status = 'pending'") }

my $waiting = sql('SELECT count(*) FROM devapp.notification');
cmp_ok($waiting, '>=', 5, 'there is something to deliver');
my $deliver = executable('deliver', qq{cat >>"$dir/mail"});
is(drain('one', $deliver), '', 'the worker has nothing to complain of');
is(sql("SELECT count(*), sum(attempts) FROM devapp.notification WHERE status = 'done'"), "$waiting|$waiting", 'all are done, at once');
is( sql("SELECT count(*) FROM devapp.notification n
		JOIN regexp_split_to_table(rtrim(pg_read_file('$dir/mail'), E'\\n'), E'\\n') AS line ON
			(line::jsonb ->> 'notification_id')::bigint = n.notification_id
			AND line::jsonb ->> 'event' = n.event AND line::jsonb -> 'payload' = n.payload
			AND line::jsonb -> 'recipients' = n.recipients"),
	$waiting, 'and each came to the command as JSON');
unlike(slurp_file("$dir/mail"), qr/[0-9A-Za-z]{38}|_\Q@{[ (split \/_\/, $app->{secret})[3] ]}\E/, 'without a secret');

# what a shell or SQL could misunderstand
my $nasty = q{it's \"$(touch }
  . qq{$dir/pwned)`touch $dir/pwned`}
  . q{ \\n :'id' :id ; DROP TABLE x -- %s};
$node->safe_psql('postgres', "SELECT FROM devapp.suspend_app('$app->{app_id}', " . literal($nasty) . ")")
  if sql("SELECT status FROM devapp.app WHERE app_id = '$app->{app_id}'") eq 'approved';
my $last = last_id();
my $refuse = executable('refuse', q{read -r line; printf "mail server said: %s\n'; ROLLBACK; -- \$(date) :id\n" "$1" >&2; exit 75});
is(drain('two', $refuse, $nasty), '', 'a delivery fails');
is( sql("SELECT status, attempts, worker, next_attempt_at > now() + interval '50 s' FROM devapp.notification WHERE notification_id = $last"),
	'pending|1||t', 'it is tried again after a minute');
like( sql("SELECT last_error FROM devapp.notification WHERE notification_id = $last"),
	qr/^mail server said: \Q$nasty\E '; ROLLBACK; -- \$\(date\) :id \(exit status 75\)$/, 'the reason is kept word for word');
ok(!-e "$dir/pwned", 'and was not run');
is(drain('two', $refuse), '', 'nothing is due before that');
is(sql("SELECT attempts FROM devapp.notification WHERE notification_id = $last"), 1, 'so there was no attempt');

set_config($node, 'devapp.notification_max_attempts', 3);
for my $attempt (2, 3)
{
	make_due();
	drain('two', $refuse);
	is( sql("SELECT status, attempts FROM devapp.notification WHERE notification_id = $last"),
		($attempt < 3 ? 'pending' : 'dead') . "|$attempt", "attempt $attempt");
}
make_due();
drain('two', $refuse);
is(sql("SELECT attempts FROM devapp.notification WHERE notification_id = $last"), 3, 'a dead one is not tried again');
sql("SELECT FROM devapp.retry_notification($last)");
drain('one', $deliver);
is(sql("SELECT status FROM devapp.notification WHERE notification_id = $last"), 'done', 'until somebody retries it');
is(drain('three', "$dir/no such command") , '', 'nothing is due for a command that does not exist');

# ---------- stopped, and killed ----------

# A command that says when it has begun, and ends when it may.
my $slow = executable('slow', qq{cat >>"$dir/slow_mail"; echo \$\$ >"$dir/began"; until [ -e "$dir/may_end" ]; do sleep 0.1; done});

sub wait_for
{
	my ($file) = @_;

	for (1 .. 1800)
	{
		return 1 if -s $file;
		select undef, undef, undef, 0.1;
	}
	die "$file did not come";
}

# A worker in the background.  Its output goes to files, because a command that
# outlives its worker keeps a pipe open.
sub begin
{
	my ($name, $poll, $command) = @_;
	local %ENV = (%ENV, %env, DEVAPP_WORKER => $name, DEVAPP_POLL => $poll);

	return start([ $script, $command ], '<', \'', '>', "$dir/out", '2>', "$dir/err", timeout(180));
}

# One that has begun a delivery.
sub begin_slow
{
	my $begun = begin(shift, 60, $slow);

	wait_for("$dir/began");
	return $begun;
}

sub done
{
	return $node->poll_query_until('postgres',
		q{SELECT status = 'done' FROM devapp.notification WHERE notification_id = } . shift);
}

# One that has delivered what came of that action.
sub begin_delivering
{
	my ($poll, $action) = @_;

	sql("SELECT FROM devapp.$action('$app->{app_id}')");
	my $begun = begin('steady', $poll, $deliver);
	ok(done(last_id()), 'a worker delivers');
	return $begun;
}

sql("SELECT FROM devapp.resume_app('$app->{app_id}')");
$last = last_id();
my $worker = begin_slow('stopped');
is(sql("SELECT status, worker FROM devapp.notification WHERE notification_id = $last"), 'leased|stopped', 'a worker has it');
$worker->signal('TERM');
append_to_file("$dir/may_end", 'x');
ok($worker->finish, 'TERM: the worker ends well');
is(sql("SELECT status FROM devapp.notification WHERE notification_id = $last"), 'done', 'after the delivery that was on');

unlink "$dir/began", "$dir/may_end", "$dir/slow_mail";
sql("SELECT FROM devapp.suspend_app('$app->{app_id}', 'again')");
$last = last_id();
$worker = begin_slow('killed');
$worker->signal('KILL');
$worker->finish;
drain('heir', $deliver);
is(sql("SELECT status, worker FROM devapp.notification WHERE notification_id = $last"), 'leased|killed',
	'KILL: the lease still runs, and no other takes it');
sql("UPDATE devapp.notification SET leased_until = now() WHERE notification_id = $last");
drain('heir', $deliver);
is( sql("SELECT status, attempts, last_error FROM devapp.notification WHERE notification_id = $last"),
	'done|2|the lease of worker killed expired', 'when it is over another delivers');
append_to_file("$dir/may_end", 'x');

# one that idles stops at once
$worker = begin_delivering(600, 'resume_app');
$worker->signal('TERM');
ok($worker->finish, 'TERM: an idle worker does not wait for its next look');

# ---------- a server that goes away ----------

$worker = begin_delivering(0.1, 'suspend_app');
$node->stop('fast');
for (1 .. 1800)
{
	last if slurp_file("$dir/err") =~ /connection to server .* failed/;
	select undef, undef, undef, 0.1;
}
like(slurp_file("$dir/err"), qr/connection to server .* failed/, 'a worker without a server says so');
$node->start;
sql("SELECT FROM devapp.resume_app('$app->{app_id}')");
ok(done(last_id()), 'and delivers when the server is back');
$worker->signal('TERM');
ok($worker->finish, 'and ends well');

done_testing();
