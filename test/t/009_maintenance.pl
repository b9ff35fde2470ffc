# What an administrator does to tables and indexes while sessions verify: they go on
# with the right verdicts, and never with an error, though the objects that they
# found before have been replaced.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use Test::More;

my $node = start_server('main', 'max_prepared_transactions = 2');
make_program($node);

my $app = create_app($node, 'kept');
my $revoked = create_app($node, 'revoked');
$node->safe_psql('postgres', "SELECT devapp.revoke_credential('$revoked->{credential_id}')");

my $ask = key_codes($app->{secret}, $revoked->{secret});
my $by_digest = "SELECT (devapp.verify_digest(sha256('$app->{secret}'), $Devapp::CALL)).code";
my $expected = "VALID CREDENTIAL_REVOKED\nVALID";

my @tables = split /\n/, $node->safe_psql('postgres',
	q{SELECT oid::regclass FROM pg_class WHERE relkind = 'r' AND (relnamespace = 'devapp'::regnamespace OR oid = 'devapp_internal.packed_row'::regclass)});

# One session is idle meanwhile, one in a transaction.
my $idle = $node->background_psql('postgres', on_error_stop => 0);
my $busy = $node->background_psql('postgres', on_error_stop => 0);

for my $case (
	[ 'VACUUM', map { "VACUUM (ANALYZE) $_" } @tables ],
	[ 'VACUUM FULL', map { "VACUUM FULL $_" } @tables ],
	[ 'CLUSTER', 'CLUSTER devapp.credential USING credential_app_id_idx', 'CLUSTER devapp_internal.packed_row USING packed_row_pkey' ],
	[ 'REINDEX', 'REINDEX SCHEMA devapp', 'REINDEX SCHEMA devapp_internal' ],
	[ 'REINDEX CONCURRENTLY', 'REINDEX SCHEMA CONCURRENTLY devapp', 'REINDEX SCHEMA CONCURRENTLY devapp_internal' ],
	[ 'a new index', 'CREATE INDEX CONCURRENTLY ON devapp.credential (issued_at)' ],
	[ 'a new column', 'ALTER TABLE devapp.credential ADD COLUMN x integer DEFAULT 7' ],
	[ 'a column gone', 'ALTER TABLE devapp.credential DROP COLUMN x' ],
	[ 'ANALYZE', 'ANALYZE' ])
{
	my ($name, @statements) = @$case;

	is($idle->query("$ask; $by_digest"), $expected, "$name: before");
	$busy->query_safe('BEGIN');
	is($busy->query("$ask; $by_digest"), $expected, "$name: before, in a transaction");

	$node->safe_psql('postgres', "SET lock_timeout = '60s';\n" . join ";\n", @statements);

	is($busy->query("$ask; $by_digest"), $expected, "$name: the transaction goes on");
	$busy->query('COMMIT');
	is($idle->query("$ask; $by_digest"), $expected, "$name: an idle session goes on");
	$_->{stderr} = '' for $busy, $idle;
}

# A column of another type is an error, and not a wild pointer.
for my $type ('text', 'integer')
{
	my ($state, $report) = error_of($node, "BEGIN; ALTER TABLE devapp.product ALTER proxies DROP DEFAULT, ALTER proxies TYPE $type USING '7'; $ask");

	is($state, '42804', "proxies of type $type");
	like($report, qr/column "proxies" of table "devapp.product" has type $type, but the library expects text\[\]/, "proxies of type $type: the report");
}
is($idle->query("$ask; $by_digest"), $expected, 'after the rollback all is well');

# A new key, whose verification has to wait while an index is replaced, as an update
# of the extension may do: it waits from before the replacement or from after it.
my %indexes = (
	'devapp_internal.packed_row' => 'DROP INDEX devapp_internal.packed_row_subject_idx;
		CREATE INDEX packed_row_subject_idx ON devapp_internal.packed_row USING hash (subject)',
	'devapp.credential' => 'ALTER TABLE devapp.credential DROP CONSTRAINT credential_consumer_key_key;
		ALTER TABLE devapp.credential ADD CONSTRAINT credential_consumer_key_key UNIQUE (consumer_key)');

$idle->query_safe('SET application_name = waiting');
for my $case (map { [ 'before', $_ ], [ 'after', $_ ] } sort keys %indexes)
{
	my ($name, $table) = @$case;
	my $lock = "BEGIN; LOCK TABLE $table IN ACCESS EXCLUSIVE MODE";
	my $waiting = create_app($node, "waiting for $table from $name");
	# a transaction that has written reads the tables themselves
	my $question = $table =~ /internal/ ? key_codes($waiting->{secret}) : "BEGIN; SELECT FROM pg_current_xact_id() \\g /dev/null\n" . key_codes($waiting->{secret});

	$busy->query_safe($name eq 'before' ? $lock : "$lock; $indexes{$table}");
	$idle->query_until(qr/asked/, "\\echo asked\n$question;\n");
	$node->poll_query_until('postgres',
		q{SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE application_name = 'waiting'})
	  or die 'it does not wait';
	$busy->query_safe(($name eq 'before' ? "$indexes{$table}; " : '') . 'COMMIT');
	like($idle->query(q{\echo answered}), qr/^VALID\nanswered$/,
		"an index of $table replaced while a verification waits from $name it");
	$idle->{stderr} = '';
	$idle->query('ROLLBACK');
	$idle->{stderr} = '';
}

$_->quit for $busy, $idle;

# A vacuum that nobody asked for does not keep setup_roles() waiting, however long it would take.
$node->append_conf('postgresql.conf', 'autovacuum_naptime = 1');
$node->reload;
$node->safe_psql('postgres', q{ALTER TABLE devapp.developer SET (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1);
	INSERT INTO devapp.developer (email) SELECT 'vacuumed' || n || '@example.com' FROM generate_series(1, 1000) AS n;
	UPDATE devapp.developer SET first_name = 'Ada'});
ok($node->poll_query_until('postgres', q{SELECT EXISTS (SELECT FROM pg_stat_progress_vacuum WHERE relid = 'devapp.developer'::regclass)}), 'a table is being vacuumed');
is($node->safe_psql('postgres', 'SELECT devapp.setup_roles()'), '', 'setup_roles() does not wait for that');

# A prepared transaction has no session that could end.
$node->safe_psql('postgres', "BEGIN; SET LOCAL devapp.notify = off; UPDATE devapp.developer SET first_name = 'Bob' WHERE email = 'vacuumed1\@example.com'; PREPARE TRANSACTION 'left over'");
my ($state, $report) = error_of($node, 'SELECT devapp.setup_roles()');
is($state, '55P03', 'but not beside a prepared transaction');
like($report, qr/^DETAIL:  Locks are held by prepared transaction "left over"\.$/m, 'which it names');
$node->safe_psql('postgres', "ROLLBACK PREPARED 'left over'");
is($node->safe_psql('postgres', 'SELECT devapp.setup_roles()'), '', 'until that has ended');

done_testing();
