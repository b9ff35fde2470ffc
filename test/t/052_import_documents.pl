# The keys of a document that is imported are in no log, however much is logged: not as parameters
# or in plans of statements within the functions, not in errors and their context.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server(
	'main', q{
log_min_messages = debug1
log_min_error_statement = debug1
log_error_verbosity = verbose
log_parameter_max_length = -1
log_parameter_max_length_on_error = -1
log_min_duration_statement = 0
});

my ($missing) = error_of($node, "LOAD 'auto_explain'");
my $explained = $missing eq '00000';
if ($explained)
{
	$node->append_conf(
		'postgresql.conf', q{
session_preload_libraries = 'auto_explain'
auto_explain.log_min_duration = 0
auto_explain.log_nested_statements = on
auto_explain.log_analyze = on
auto_explain.log_verbose = on
});
	$node->restart;
}

# The server makes the keys up, so that no statement of this file has one: SHA-256 of a word.  They
# come from a table, because a plan shows the constants that a function is called with.
sub key { my $word = shift; return "left(encode(sha256('$word'), 'hex'), 40)" }
my %documents = (
	apps => 'jsonb_build_object(\'name\', \'web\', \'developer\', \'ada@example.com\', \'credentials\', jsonb_build_array('
	  . "jsonb_build_object('key', " . key('one') . '), '
	  . "jsonb_build_object('consumer_key', 'pair', 'consumer_secret', " . key('two') . '), '
	  . "jsonb_build_object('key', " . key('three') . ", 'status', 'lost'), "
	  . "jsonb_build_object('key', " . key('four') . ", 'expires_at', 'soon'), "
	  . "jsonb_build_object('key', " . key('five') . ", 'allowed_cidrs', jsonb_build_array('x')), "
	  . "jsonb_build_object('key', jsonb_build_array(" . key('six') . '))))',
	apigee => "jsonb_build_object('apps', jsonb_build_array(jsonb_build_object('name', 'sky', 'developerId', 'ada\@example.com', 'credentials', jsonb_build_array("
	  . "jsonb_build_object('consumerKey', " . key('seven') . ", 'consumerSecret', " . key('eight') . ", 'status', 'approved')))))",
	kong => "jsonb_build_object('consumers', jsonb_build_array(jsonb_build_object('username', 'kay', 'keyauth_credentials', jsonb_build_array("
	  . "jsonb_build_object('key', " . key('nine') . ")), 'oauth2_credentials', jsonb_build_array("
	  . "jsonb_build_object('client_id', 'kay', 'client_secret', " . key('ten') . ')))))',
	disk => "jsonb_build_object('name', 'disk', 'developer', 'ada\@example.com', 'credentials', jsonb_build_array(jsonb_build_object('key', " . key('twelve') . ')))',
	unkey => "jsonb_build_array(jsonb_build_object('ownerId', 'u', 'plaintext', " . key('eleven') . '))',);
my %arguments = (
	apps => 'skip_refused => true', apigee => 'skip_refused => true',
	kong => "owner => 'ada\@example.com'", unkey => "owner => 'ada\@example.com'");

make_program($node);
$node->safe_psql('postgres', 'CREATE TABLE document (name text, body jsonb)');
for my $name (sort keys %documents)
{
	$node->safe_psql('postgres', "INSERT INTO document SELECT '$name', $documents{$name} ");
}
# only what the imports log is looked at
my $before = -s $node->logfile;
my $reports = '';
for my $name (sort keys %arguments)
{
	my $call = "FROM document d, devapp.import_$name(document => d.body, $arguments{$name}) AS i WHERE d.name = '$name'";
	$reports .= $node->safe_psql('postgres', "SELECT i.* $call");
	my ($state, $report) = error_of($node, "SELECT 1 / (count(*) - count(*)) $call");
	is($state, '22012', "$name: an error of the statement");
	$reports .= $report;
}
$node->safe_psql(
	'postgres', q{
	CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN RAISE 'a trigger fails' USING ERRCODE = '53100'; END $$;
	CREATE TRIGGER zz_fail AFTER INSERT ON devapp.credential_secret FOR EACH ROW EXECUTE FUNCTION fail()});
my ($state, $report) = error_of($node, "SELECT i.* FROM document d, devapp.import_apps(document => d.body, skip_refused => true) AS i WHERE d.name = 'disk'");
is($state, '53100', 'a full disk is the fault of no line');
$reports .= $report;

my $log = substr(slurp_file($node->logfile), $before);
like($log, qr/a trigger fails/, 'the log has the errors');
SKIP:
{
	skip 'auto_explain is not installed', 1 unless $explained;
	like($log, qr/Query Text: INSERT INTO devapp\.credential_secret/, 'and the plans of statements within');
}
like($reports, qr/has no status lost/, 'the reports have the reasons');
for my $word (qw(one two three four five six seven eight nine ten eleven twelve))
{
	my $key = $node->safe_psql('postgres', 'SELECT ' . key($word));
	ok(index($log, $key) < 0, "$word is not in the log");
	ok(index($reports, $key) < 0, "$word is in no report");
}
is($node->safe_psql('postgres', "SELECT string_agg(v.code::text, ' ' ORDER BY w.n) FROM unnest('{one,seven,nine,eleven,twelve}'::text[]) WITH ORDINALITY AS w(word, n), devapp.verify_key(left(encode(sha256(w.word::bytea), 'hex'), 40)) AS v"),
	'NO_PRODUCT NO_PRODUCT NO_PRODUCT NO_PRODUCT NOT_FOUND', 'the keys were real ones');

done_testing();
