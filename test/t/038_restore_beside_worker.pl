# A dump that is restored beside a busy worker: it keeps out from the first object until
# everything is there, whichever way the dump comes and however long it takes.  Then all
# is as it was, no count is lost, and none is there twice.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $node = start_server('main', "shared_preload_libraries = 'devapp'
devapp.flush_interval = 1
devapp.retention_minute = 0
devapp.retention_hour = 0
devapp.retention_day = 0
client_min_messages = warning
max_worker_processes = 12
max_wal_size = 2GB
fsync = off");

sub sql
{
	my ($sql, $db) = @_;
	return $node->safe_psql($db || 'src', $sql);
}

# ---------- a program with usage ----------

$node->safe_psql('postgres', 'CREATE DATABASE src');
make_program($node, db => 'src');
my $app = create_app($node, 'caller', undef, db => 'src');
sql('SELECT devapp.setup_roles()');
sql("SELECT count(devapp.verify_key('$app->{secret}', $Devapp::CALL)) FROM generate_series(1, 205);
	SELECT devapp.record_usage('$app->{credential_id}', 'weather', 200, '7 ms')");
$node->poll_query_until('src', q{SELECT sum(calls) = 205 FROM devapp.usage_day}) or die;
# other months; and a flush that is not rolled up, which the dump has to bring as such
sql(q{SELECT devapp_internal.usage_partition('usage_minute', at) FROM unnest('{2024-02-29,2024-03-01}'::timestamptz[]) AS at;
	INSERT INTO devapp.usage_minute (minute, app_id, code, calls, cost, flush_id)
	SELECT '2024-02-29 23:59+00', NULL, 'NOT_FOUND', 11, 0, devapp_internal.new_flush();
	SELECT devapp_internal.roll_up_usage();
	INSERT INTO devapp.usage_minute (minute, app_id, code, calls, cost, flush_id)
	SELECT '2024-03-01 00:01+00', NULL, 'NOT_FOUND', 13, 0, devapp_internal.new_flush();});
is(sql('SELECT count(*) FROM devapp.usage_flush'), 1, 'a flush is not rolled up');

my $dumps = $node->basedir;
$node->command_ok([ 'pg_dump', '-Fc', '-f', "$dumps/custom", 'src' ], 'pg_dump');
$node->command_ok([ 'pg_dump', '-f', "$dumps/plain", 'src' ], 'pg_dump of plain SQL');
sql('SELECT devapp_internal.roll_up_usage()');

# Calls that are malformed are those of the database that is restored to.
my $beside = "SELECT count(devapp.verify_key('x', '/', 'GET')) FROM generate_series(1, 3)";
my $made;

my @tables = split /\n/, sql(q{SELECT x::regclass FROM pg_extension, unnest(extconfig) AS x
	JOIN pg_class c ON c.oid = x WHERE extname = 'devapp' AND c.relkind <> 'S' ORDER BY 1});
my $partitions = q{SELECT count(*), md5(string_agg(concat_ws(' ', i.inhparent::regclass, i.inhrelid::regclass, pg_get_expr(c.relpartbound, c.oid), c.relrowsecurity,
		(SELECT string_agg(pg_get_indexdef(x.indexrelid), ' ' ORDER BY x.indexrelid::regclass::text) FROM pg_index x WHERE x.indrelid = c.oid)), E'\n' ORDER BY c.relname))
	FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE c.relnamespace = 'devapp'::regnamespace AND c.relkind = 'r'};

# One line a table: its name, how many rows, a hash of them.  Each database rolls up by itself
# what was flushed before the dump, so when that was is not compared.
sub contents
{
	my ($db) = @_;
	my $query = join ' UNION ALL ', map {
		my $where = /usage_(minute|hour|day)$/ ? q{WHERE t.code <> 'MALFORMED'} : '';
		my $row = /usage_(hour|day)$/ ? q{(to_jsonb(t) - 'updated_at')::text} : 't::text';
		"SELECT '$_', count(*), md5(string_agg($row, '|' ORDER BY $row COLLATE \"C\")) FROM $_ AS t $where"
	} @tables;
	return join "\n", sort split /\n/, sql($query, $db);
}

# Calls come in, and there is time for the worker to do something about them.
sub pause
{
	my ($db) = @_;
	sql($beside, $db);
	$made += 3;
	sleep 1.5;
	return;
}

# Where the extension exists so does its schema, which is no reason to give up.
sub restore
{
	my ($db, @options) = @_;
	local $ENV{PGOPTIONS} = '-c devapp.restoring=on';
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $stderr = '';

	IPC::Run::run([ 'pg_restore', '-d', $node->connstr($db), @options, "$dumps/custom" ], '2>', \$stderr);
	is(join("\n", grep { /error: / && !/schema "devapp" already exists/ } split /\n/, $stderr), '', "$db: pg_restore @options");
	return;
}

my $source = contents('src');
my $source_partitions = sql($partitions);
like($source, qr/usage_hour\|3\|/, 'there is something to compare') or diag($source);

# The restore is over: the worker comes back by itself.
sub is_whole
{
	my ($db) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	pause($db);
	ok($node->poll_query_until($db, "SELECT coalesce(sum(calls), 0) = $made FROM devapp.usage_day WHERE code = 'MALFORMED'"),
		"$db: the calls meanwhile are counted, once");
	is(sql('SELECT count(*) FROM devapp.usage_flush', $db), 0, "$db: all is rolled up");
	same_lines(contents($db), $source, "$db: every table is as it was");
	is(sql("$partitions AND c.relname !~ to_char(now(), '\"_\"YYYY_') AND c.relname !~ to_char(now() + '2 months', '\"_\"YYYY_')", $db),
		sql("$partitions AND c.relname !~ to_char(now(), '\"_\"YYYY_') AND c.relname !~ to_char(now() + '2 months', '\"_\"YYYY_')"), "$db: so are the partitions of other times");
	is( sql(q{SELECT (SELECT sum(calls) FROM devapp.usage_minute), (SELECT sum(calls) FROM devapp.usage_hour), (SELECT sum(calls) FROM devapp.usage_day)}, $db),
		join('|', (229 + $made) x 3), "$db: minutes, hours and days say the same");
	is(doctor($node, 'restore', db => $db), 'ok|no restore is in progress', "$db: doctor() knows");
	is(sql(q{SELECT coalesce(string_agg(last_error, ' '), '') FROM devapp.worker_status}, $db), '', "$db: the worker met no error");
	$node->safe_psql('postgres', "DROP DATABASE $db");
	return;
}

sub fresh
{
	my ($db, $template) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE " . ($template || 'template0'));
	$made = 0;
	return;
}

# ---------- in one run ----------

# plain SQL, with a pause before the rows, before those of usage, and before the indexes
fresh('plain');
my $script = slurp_file("$dumps/plain");
my $wait = "$beside;\nSELECT pg_sleep(1.5);\n";
$made = 3 * ($script =~ s/^(?=COPY devapp\.app )/$wait/m + $script =~ s/^(?=COPY devapp\.usage_minute_)/$wait/m
	+ $script =~ s/^(?=CREATE UNIQUE INDEX usage_)/$wait/m);
is($made, 9, 'the script has three pauses');
append_to_file("$dumps/slow", $script);
{
	local $ENV{PGOPTIONS} = '-c devapp.restoring=on';
	$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', "$dumps/slow", '-d', $node->connstr('plain') ],
		'plain: psql');
}
is_whole('plain');

fresh('parallel');
restore('parallel', '-j2');
is_whole('parallel');

# over another program, whose counts are under way
fresh('clean', 'src');
sql("$beside; SELECT devapp_internal.usage_partition('usage_hour', '2001-01-01')", 'clean');
restore('clean', '--clean', '--if-exists');
sql($beside, 'clean');
# Some of the calls before the restore may be counted in the new program; flush all before they are summed.
$node->poll_query_until('clean', q{SELECT sum(calls) > 2 FROM devapp.usage_minute WHERE code = 'MALFORMED'}) or die;
sql('SELECT devapp.flush_usage()', 'clean');
$made = sql(q{SELECT sum(calls) FROM devapp.usage_minute WHERE code = 'MALFORMED'}, 'clean');
is_whole('clean');

# ---------- step by step ----------

for my $case ([ 'sections' ], [ 'parallel_sections', '-j2' ], [ 'made_before' ])
{
	my ($db, @options) = @$case;

	fresh($db);
	sql('CREATE EXTENSION devapp CASCADE', $db) if $db eq 'made_before';
	restore($db, '--section=pre-data');
	pause($db);
	is(sql('SELECT count(*) FROM devapp.usage_minute', $db), 0, "$db: the worker keeps out of an empty one");
	is(doctor($node, 'restore', db => $db), 'error|a restore is not complete: it still needs rows', "$db: doctor() says so");
	is(error_of($node, 'SELECT devapp.flush_usage()', db => $db), '55000', "$db: so does a flush by hand");
	is(sql('SELECT count(*) FROM devapp.maintain_audit()', $db), 0, "$db: no month of the trail is made");
	restore($db, '--section=data', @options);
	pause($db);
	is(doctor($node, 'restore', db => $db), 'error|a restore is not complete: it still needs indexes of partitions', "$db: doctor() waits for the rest");
	restore($db, '--section=post-data', @options);
	is_whole($db);
}

$node->safe_psql('postgres', 'CREATE DATABASE mould');
sql('CREATE EXTENSION devapp CASCADE; SELECT devapp.verify_key(NULL)', 'mould');
fresh('from_template', 'mould');
restore('from_template', '--schema-only');
pause('from_template');
restore('from_template', '--data-only', '-j2');
is_whole('from_template');

# ---------- what is not whole ----------

# the rows of a table are missing, to which others refer
fresh('part');
$node->command_ok([ 'sh', '-c', "pg_restore -l $dumps/custom | grep -v 'TABLE DATA devapp product ' > $dumps/list" ], 'a list without products');
restore('part', '-L', "$dumps/list");
pause('part');
like(doctor($node, 'restore', db => 'part'), qr/^error\|a restore is not complete: it still needs .*1 rows of devapp\.product_operation whose product_operation_product_id_fkey/,
	'rows that refer to nothing are found');
is(sql('SELECT count(*) FROM devapp.restore', 'part'), 1, 'it is not over');
like(sql('SELECT * FROM devapp.finish_restore()', 'part'), qr/^devapp\.product_operation\|product_operation_product_id_fkey\|1$/m,
	'finish_restore() tells them, and ends it');
is(doctor($node, 'restore', db => 'part'), 'ok|no restore is in progress', 'then it is over');
$node->poll_query_until('part', q{SELECT sum(calls) = 3 FROM devapp.usage_day WHERE code = 'MALFORMED'}) or die;
pass('and calls are counted');

# no rows are to come
fresh('empty');
restore('empty', '--schema-only');
is(doctor($node, 'restore', db => 'empty'), 'error|a restore is not complete: it still needs rows', 'a schema waits for its rows');
my $session = $node->background_psql('empty');
$session->query_safe('SET devapp.restoring = on; SET work_mem = 1024');
is(error_of($node, 'SELECT devapp.finish_restore()', db => 'empty'), '55000', 'not while it is under way');
is(doctor($node, 'restore', db => 'empty'), 'info|a restore is not complete: it still needs its sessions to end', 'as doctor() says');
$session->query_safe('RESET devapp.restoring');
is(sql('SELECT count(*) FROM devapp.finish_restore()', 'empty'), 0, 'finish_restore() ends it');
$session->quit;
pause('empty');
is(sql('SELECT sum(calls) FROM devapp.usage_minute', 'empty'), 3, 'then the worker comes');

# A restore of one table into a program that works is over with its session.
is(sql(q{SET devapp.restoring = on; INSERT INTO devapp.developer (email) VALUES ('quiet@example.com')}, 'empty'), '', 'a row without a record');
pause('empty');
is(sql('SELECT sum(calls) FROM devapp.usage_minute', 'empty'), 6, 'which is all of the restore');
# Unless it refers to one that is missing.
sql(q{SET devapp.restoring = on; INSERT INTO devapp.product_operation (product_id, resource) VALUES (gen_random_uuid(), '/x')}, 'empty');
pause('empty');
like(doctor($node, 'restore', db => 'empty'), qr/^error\|a restore is not complete: it still needs problems to be corrected: 1 rows of devapp\.product_operation whose product_operation_product_id_fkey/,
	'a row that refers to nothing, though CREATE EXTENSION was no part of a restore');
is(sql('SELECT * FROM devapp.finish_restore()', 'empty'), 'devapp.product_operation|product_operation_product_id_fkey|1', 'finish_restore() ends this one as well');

done_testing();
