# Beside a session that reads every table for hours, as pg_dump does: no step of
# maintenance waits long for a lock, nobody waits long behind such a step, and what
# could not be done is done when the reader has gone.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $node = start_server('main', "shared_preload_libraries = 'devapp'
devapp.flush_interval = 0
devapp.retention_minute = '7d'
deadlock_timeout = 30s
log_min_messages = warning");
make_program($node);
my $app = create_app($node, 'caller');
my $months = q{SELECT count(*) FROM pg_inherits WHERE inhparent = 'devapp.audit_event'::regclass};

sub sql
{
	return $node->safe_psql('postgres', $_[0]);
}

# takes(SQL): seconds, what it returned, and its warnings
sub takes
{
	my ($sql) = @_;
	my ($out, $err) = ('', '');
	my $start = time;

	is($node->psql('postgres', $sql, stdout => \$out, stderr => \$err), 0, $sql) or diag($err);
	return (time - $start, $out, $err);
}

# audited(SQL): the longest that an audited change waits while this runs, in seconds
sub audited
{
	my ($sql) = @_;
	my $longest = 0;
	my $run = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', $sql ], '>', \my $out, '2>', \my $err);

	for my $n (1 .. 1000)
	{
		my $start = time;
		sql(q{UPDATE devapp.developer SET first_name = coalesce(first_name, '') || 'x' WHERE email = 'ada@example.com'});
		$longest = time - $start if time - $start > $longest;
		last unless $run->pumpable && IPC::Run::pump_nb($run);
	}
	ok($run->finish, 'it ends') or diag($err);
	return $longest;
}

# what pg_dump locks
my $dump = $node->background_psql('postgres');
my $lock = q{SELECT 'LOCK TABLE ' || string_agg(c.oid::regclass::text, ', ') || ' IN ACCESS SHARE MODE'
	FROM pg_class c WHERE c.relnamespace = 'devapp'::regnamespace AND c.relkind IN ('r', 'p')};

# ---------- the trail ----------

# the present month is missing, and has events
$dump->query_safe('BEGIN; ' . sql($lock));
is(sql($months), 1, 'no month is made');
my ($seconds, $out, $err) = takes('SELECT * FROM devapp.maintain_audit(3)');
cmp_ok($seconds, '<', 2, 'months of the trail are not waited for');
is($out, '', 'none is made');
is(() = $err =~ /WARNING/g, 1, 'one warning');
like($err, qr/partition audit_event_\d{4}_\d\d was not created: the audit trail is in use.*Locks are held by process \d+ \(.*idle in transaction/s, 'by whom');
cmp_ok(audited('SELECT * FROM devapp.maintain_audit(3)'), '<', 2, 'nor do audited changes wait long behind it');
is(sql('SELECT count(*) > 0 FROM devapp.audit_event_default'), 't', 'the events stay where they were');
$dump->query_safe('COMMIT');
is(sql('SELECT count(*), sum(moved) > 0 FROM devapp.maintain_audit(1)'), '2|t', 'when the reader has gone, the months are made');

# the present month is there
$dump->query_safe('BEGIN; ' . sql($lock));
($seconds, $out, $err) = takes('SELECT * FROM devapp.maintain_audit(3)');
cmp_ok($seconds, '<', 2, 'later months are not waited for');
like($err, qr/was not created/, 'it warns');
cmp_ok(audited('SELECT * FROM devapp.maintain_audit(3)'), '<', 1, 'audited changes do not wait at all');

# a writer who does not end
my $writer = $node->background_psql('postgres');
$dump->query_safe('COMMIT');
$writer->query_safe(q{BEGIN; UPDATE devapp.developer SET last_name = 'y' WHERE email = 'ada@example.com'});
is(sql('SELECT count(*) FROM devapp.maintain_audit(3)'), 2, 'a writer is not in the way of later months');
is( sql(q{SELECT count(*) FROM pg_constraint WHERE connamespace = 'devapp'::regnamespace AND conname = 'bounds'}),
	0, 'a month keeps no constraint of its making');
$writer->query_safe('COMMIT');
$writer->quit;

# ---------- the rest ----------

sql("SELECT devapp.verify_key('$app->{secret}', $Devapp::CALL); SELECT devapp.flush_usage();
	SELECT devapp_internal.usage_partition('usage_minute', '2020-01-01 UTC')");
$dump->query_safe('BEGIN; ' . sql($lock));
$dump->query_safe('SELECT FROM devapp_internal.usage_sums_now, devapp_internal.usage_totals');
sql("SELECT devapp.verify_key('$app->{secret}', $Devapp::CALL)");
for my $step ('SELECT devapp.flush_usage()', 'SELECT devapp.maintain_usage()', 'SELECT devapp.seal_audit()', 'SELECT devapp.schedule_notifications()',
	(map { "SELECT devapp_internal.${_}_if_due()" } qw(maintain_usage maintain_audit schedule_notifications notify_quotas seal_audit refresh_reports)))
{
	($seconds) = takes($step);
	cmp_ok($seconds, '<', 2, 'soon');
	cmp_ok(audited($step), '<', 2, 'audited changes go on');
}
my $start = time;
is(error_of($node, 'SELECT devapp.setup_roles()'), '55P03', 'setup_roles() gives up');
cmp_ok(time - $start, '<', 5, 'soon');
$dump->query_safe('COMMIT');
$dump->quit;
is(error_of($node, 'SELECT devapp.setup_roles()'), '00000', 'and does what it should when the reader has gone');

done_testing();
