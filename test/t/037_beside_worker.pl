# What people do to a database beside the worker: it is the worker that waits, and never
# their statement that fails.  Roles are set up in the first moments of a database;
# privileges, tables and the extension change; databases come and go.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('main', "shared_preload_libraries = 'devapp'
devapp.flush_interval = 1
fsync = off
log_min_messages = warning
max_worker_processes = 12");

sub sql
{
	my ($sql, $db) = @_;
	return $node->safe_psql($db || 'postgres', $sql);
}

# tries(db, SQL): what is wrong with it, if anything
sub tries
{
	my ($db, $sql) = @_;
	my $stderr = '';
	$node->psql($db, $sql, stderr => \$stderr, extra_params => [ '-v', 'ON_ERROR_STOP=1' ]);
	return join ' ', grep { /ERROR|FATAL|DETAIL/ } split /\n/, $stderr;
}

my $quiet = 'SET client_min_messages = warning';
my $many = $ENV{DEVAPP_MANY} || 12;
sql('CREATE DATABASE mould');
sql('CREATE EXTENSION pgcrypto', 'mould');
make_program($node);
my $app = create_app($node, 'caller');

# ---------- the first moments, and the last ----------

my @failed;
for my $n (1 .. $many)
{
	# counts to flush and partitions to make from the first moment on
	my $error = tries('postgres', 'CREATE DATABASE fresh TEMPLATE mould')
	  || tries('fresh', "$quiet; CREATE EXTENSION devapp; SELECT devapp.verify_key('x', '/', 'GET');
		SELECT devapp.setup_roles(); SELECT pg_sleep(0.15 * ($n % 6)); SELECT devapp.setup_roles();
		GRANT SELECT ON ALL TABLES IN SCHEMA devapp, devapp_report TO devapp_analyst")
	  || tries('postgres', 'DROP DATABASE fresh');
	push @failed, $error if $error;
	# the worker is busy elsewhere all the time
	sql("SELECT count(devapp.verify_key('$app->{secret}', $Devapp::CALL)) FROM generate_series(1, 100)");
}
is(join("\n", @failed), '', "$many databases, in which roles are set up at once, and which are dropped");
# autovacuum is PostgreSQL's own
my $fatal = qr/FATAL:  (?!terminating autovacuum)/;
unlike(slurp_file($node->logfile), $fatal, 'no process is started in a database that is gone, nor reports that it was ended');

# ---------- a step that takes long ----------

# slow(name): a database in which the housekeeper is in the midst of a step
sub slow
{
	my ($db) = @_;
	sql("CREATE DATABASE $db TEMPLATE mould");
	sql(q{BEGIN;
		CREATE EXTENSION devapp;
		CREATE OR REPLACE FUNCTION devapp_internal.seal_audit_if_due() RETURNS void LANGUAGE plpgsql AS
		$$ BEGIN LOCK TABLE devapp.app; PERFORM pg_sleep(3600); END $$;
		COMMIT}, $db);
	$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity
		WHERE backend_type = 'devapp housekeeper' AND datname = '$db' AND wait_event = 'PgSleep'") or die;
	return;
}

for my $case (
	[ 'roles', 'SELECT devapp.setup_roles()' ],
	[ 'a table', 'ALTER TABLE devapp.app ADD COLUMN more integer' ],
	[ 'privileges', 'GRANT SELECT ON devapp.developer TO devapp_analyst' ],
	[ 'what a role owns', 'CREATE ROLE passing; DROP OWNED BY passing; DROP ROLE passing' ],
	[ 'the extension', 'DROP EXTENSION devapp' ])
{
	my ($name, $statement) = @$case;
	slow('slow');
	is(tries('slow', $statement), '', "$name can be changed while the worker is at it");
	is(tries('postgres', 'DROP DATABASE slow'), '', "$name: the database can be dropped");
}
slow('slow');
is(tries('postgres', 'CREATE DATABASE copy TEMPLATE slow'), '', 'a database can be copied while the worker is at it');
$node->poll_query_until('postgres', 'SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = $$slow$$)') or die;
is(tries('postgres', 'DROP DATABASE copy; DROP DATABASE slow'), '', 'and both be dropped');
like(slurp_file($node->logfile), qr/devapp housekeeper for database \d+ gave way to another session/, 'it says that it gave way');
unlike(slurp_file($node->logfile), qr/$fatal|deadlock|tuple concurrently/, 'nothing else is in the log');

# ---------- who holds a table ----------

sql('SELECT devapp.setup_roles()');
my $holder = $node->background_psql('postgres');
$holder->query_safe("SET application_name = 'holder'; BEGIN; SELECT count(*) FROM devapp.app");
my $started = time;
my ($state, $report) = error_of($node, 'SELECT devapp.setup_roles()');
is($state, '55P03', 'setup_roles() gives up when a table is in use');
like($report, qr/table devapp\.app is in use.*Locks are held by process \d+ \(\w+, holder, idle in transaction\)/s, 'and says by whom');
cmp_ok(time - $started, '<', 4, 'soon');
$holder->query_safe('COMMIT; BEGIN; SELECT devapp.flush_usage()');
($state, $report) = error_of($node, 'SELECT devapp.setup_roles()');
is($state, '55P03', 'or when somebody flushes for long');
like($report, qr/devapp is in use.*It is being used by process \d+ \(\w+, holder, idle in transaction\)/s, 'by whom');
$holder->query_safe('COMMIT');
$holder->quit;
is(tries('postgres', 'SELECT devapp.setup_roles()'), '', 'afterwards it does what it should');

done_testing();
