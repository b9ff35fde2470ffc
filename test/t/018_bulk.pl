# Bulk runs over 20,000 apps: progress to be seen from another session, a kill -9 in
# the middle, and a resume that does everything once.  What else may interrupt one, and
# a dump that takes one along.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Utils;
use Test::More;

my $APPS = 20_000;
my $node = start_server('main', 'restart_after_crash = on');
make_program($node);

sub sql { return $node->safe_psql('postgres', @_) }

# Apps, each with a credential and an association, without the detour of 20,000 calls.
sql(qq{
	INSERT INTO devapp.app (developer_id, name, status)
	SELECT d.developer_id, 'app ' || i, 'approved' FROM devapp.developer d, generate_series(1, $APPS) AS i;
	INSERT INTO devapp.credential (app_id, consumer_key)
	SELECT app_id, 'dvk_live_' || name FROM devapp.app;
	INSERT INTO devapp.credential_product (credential_id, product_id, status)
	SELECT credential_id, product_id, 'approved' FROM devapp.credential, devapp.product;
	ANALYZE});

# Every change of an app's status leaves a row, committed with it; and at some apps it
# waits as long as somebody holds a lock of that number.
sql(q{
	CREATE TABLE changes (app_id uuid, status text, xact bigint DEFAULT txid_current());
	CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO public.changes VALUES (NEW.app_id, NEW.status);
		IF NEW.name IN ('app 7250', 'app 12250') THEN
			PERFORM pg_advisory_xact_lock_shared(substr(NEW.name, 5)::int8);
		END IF;
		RETURN NULL;
	END $$;
	CREATE TRIGGER note_change AFTER UPDATE OF status ON devapp.app FOR EACH ROW EXECUTE FUNCTION note_change()});
my $gate;

# The gate is gone with a crash of the server.
sub close_gate
{
	my ($number) = @_;

	$gate = $node->background_psql('postgres', on_error_stop => 0);
	$gate->query_safe("SELECT pg_advisory_lock($number)");
	return;
}

my $progress = 'SELECT status, done, total FROM devapp.bulk_progress ORDER BY run_id DESC LIMIT 1';

# A run in a session of its own; returns the handle.
sub start_run
{
	my ($call) = @_;
	my ($out, $err) = ('', '');
	my $handle = IPC::Run::start(
		[ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', $call ],
		'>', \$out, '2>', \$err);

	return { handle => $handle, err => \$err };
}

sub finish
{
	my ($run) = @_;

	$run->{handle}->finish;
	return ${ $run->{err} };
}

# ---------- progress ----------

close_gate(7250);
my $run = start_run(q{CALL devapp.run_bulk('suspend', '{"product": "weather"}', 'leak', 500)});
ok($node->poll_query_until('postgres', 'SELECT done = 7000 FROM devapp.bulk_progress'),
	'another session sees how far it is');
my ($status, $done, $total, $rate, $remaining, $bar, $pid) = split /\|/, sql(
	q{SELECT status, done, total, rate > 0, remaining IS NOT NULL, bar, pid FROM devapp.bulk_progress});
is("$status $done $total $rate $remaining", "running 7000 $APPS t t",
	'it is running, with a rate and a remaining time');
like($bar, qr/ 35 %$/, 'and a bar');
is(sql("SELECT count(*) FROM pg_stat_activity WHERE pid = $pid AND query LIKE 'CALL devapp.run_bulk%'"), '1',
	'the pid is that of the session at work');
is(sql('SELECT count(*) FROM (SELECT FROM changes GROUP BY xact HAVING count(*) = 500) AS x'), '14',
	'batches of 500 are committed');
ok($node->poll_query_until('postgres', "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $pid"),
	'it is in the middle of the next');

# ---------- kill -9 ----------

kill_process($node, $pid);
unlike(finish($run), qr/^$/, 'the session is gone');

($status, $done, $total) = split /\|/, sql($progress);
is($status, 'interrupted', 'the run shows as interrupted');
is($done, 7000, 'where it was');
is(sql('SELECT count(*) FROM changes'), $done, 'as many are changed as it says');
is(sql(q{SELECT count(*) FROM devapp.app WHERE status = 'suspended'}), $done, 'and suspended');
is(sql('SELECT count(*) FROM devapp.bulk_item WHERE outcome IS NOT NULL'), $done, 'and listed');

my $id = sql('SELECT run_id FROM devapp.bulk_run');
sql("CALL devapp.resume_bulk('$id')");
is(sql($progress), "done|$APPS|$APPS", 'resume_bulk() finishes it');
is(sql('SELECT count(*), count(DISTINCT app_id) FROM changes'), "$APPS|$APPS", 'every app was changed once');
is(sql(q{SELECT count(*) FROM devapp.app WHERE status = 'suspended' AND decision_note = 'leak'}), $APPS,
	'all are suspended, with the note');
is(sql(q{SELECT outcome, count(*) FROM devapp.bulk_item GROUP BY outcome}), "suspended|$APPS", 'and listed');
is( sql(q{SELECT count(*), count(DISTINCT entity_id) FROM devapp.audit_event
		WHERE entity = 'app' AND action = 'suspend' AND note = 'leak'}), "$APPS|$APPS", 'and in the audit trail, once');
is(error_of($node, "CALL devapp.resume_bulk('$id')"), '55000', 'there is nothing more to resume');

# ---------- an immediate stop, and a terminated session ----------

sql('TRUNCATE changes');
close_gate(7250);
$run = start_run(q{CALL devapp.run_bulk('resume', '{"product": "weather"}', 'all clear', 500)});
ok($node->poll_query_until('postgres', "SELECT done = 7000 FROM ($progress) AS x"), 'another run');
$node->stop('immediate');
finish($run);
$node->start;
is(sql($progress), "interrupted|7000|$APPS", 'an immediate stop interrupts it');

$id = sql('SELECT run_id FROM devapp.bulk_run ORDER BY run_id DESC LIMIT 1');
close_gate(12250);
$run = start_run("CALL devapp.resume_bulk('$id')");
ok($node->poll_query_until('postgres', "SELECT done = 12000 AND status = 'running' FROM ($progress) AS x"),
	'it is resumed');
is(error_of($node, "CALL devapp.resume_bulk('$id')"), '55006', 'by one session at a time');
sql("SELECT pg_terminate_backend(pid) FROM devapp.bulk_progress WHERE run_id = '$id'");
like(finish($run), qr/terminating connection/, 'a terminated session');
ok($node->poll_query_until('postgres', "SELECT status = 'interrupted' FROM ($progress) AS x"),
	'interrupts it too');
$gate->quit;
sql("CALL devapp.resume_bulk('$id')");
is(sql($progress), "done|$APPS|$APPS", 'in the end all is done');
is(sql('SELECT count(*), count(DISTINCT app_id) FROM changes'), "$APPS|$APPS", 'once');

# ---------- cancelling a query leaves the session free ----------

my $session = $node->background_psql('postgres', on_error_stop => 0);
my $blocker = $node->background_psql('postgres');
$blocker->query_safe(q{BEGIN; SELECT FROM devapp.app WHERE name = 'app 1' FOR UPDATE});
$session->{stdin} .= q{CALL devapp.run_bulk('suspend', '{"name": "app 1"}');} . "\n";
$session->{run}->pump_nb;
ok($node->poll_query_until('postgres', "SELECT status = 'running' FROM ($progress) AS x"), 'a run waits for a lock');
sql('SELECT pg_cancel_backend(pid) FROM devapp.bulk_progress WHERE pid IS NOT NULL');
ok($node->poll_query_until('postgres', "SELECT status = 'interrupted' FROM ($progress) AS x"),
	'cancelled, it is interrupted although its session lives');
$blocker->query_safe('COMMIT');
$id = sql('SELECT run_id FROM devapp.bulk_run ORDER BY run_id DESC LIMIT 1');
$session->query("CALL devapp.resume_bulk('$id')");
is(sql($progress), 'done|1|1', 'and can be resumed there');
$session->quit;
$blocker->quit;

# ---------- a run goes along in a dump ----------

sql(q{CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'full' USING ERRCODE = 'disk_full'; END $$;
	CREATE TRIGGER zz_fail BEFORE UPDATE ON devapp.app FOR EACH ROW WHEN (OLD.name = 'app 3') EXECUTE FUNCTION fail()});
is(error_of($node, q{CALL devapp.run_bulk('revoke', '{"name": "app ?"}', 'dumped', 2)}), '53100', 'a run that stops');
my ($dumped) = sql($progress);
like($dumped, qr/^interrupted\|2\|9$/, 'after a batch');
my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
{
	local $ENV{PGOPTIONS} = '-c devapp.restoring=on';
	$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr('restored') ], 'restore');
}
is($node->safe_psql('restored', $progress), $dumped, 'the run is there');
$id = $node->safe_psql('restored', 'SELECT run_id FROM devapp.bulk_run ORDER BY run_id DESC LIMIT 1');
$node->safe_psql('restored', "CALL devapp.resume_bulk('$id')");
is($node->safe_psql('restored', $progress), 'done|9|9', 'and can be resumed there');
is($node->safe_psql('restored', q{SELECT count(*) FROM devapp.app WHERE status = 'revoked' AND decision_note = 'dumped'}),
	'9', 'with its note');

# ---------- a database of old programs ----------

SKIP:
{
	skip 'backslashes are plain from PostgreSQL 19 on', 1 if $node->pg_version >= '19devel';
	is($node->safe_psql('postgres', q{SET standard_conforming_strings = off; SET escape_string_warning = off;
			SELECT devapp_internal.filter_name('a_b%c\\\\d*?')}), 'a\_b\%c\\\\d%_', 'a name with characters of LIKE');
}

# ---------- a database of another encoding ----------

$node->safe_psql('postgres', q{CREATE DATABASE other TEMPLATE template0 ENCODING 'EUC_JP' LOCALE 'C'});
$node->safe_psql('other', 'CREATE EXTENSION devapp CASCADE');
is($node->safe_psql('other', 'SELECT devapp_internal.progress_bar(0.62)'), '######.... 62 %', 'progress without blocks');
is($node->safe_psql('other', q{SELECT devapp_internal.history_changes('{"a": null}', jsonb_build_object('a', repeat('x', 70)))}),
	'a: null -> "' . 'x' x 59 . '...', 'history without arrows');

done_testing();
