# The keys of a document that is imported are in no log, however much is logged: not as parameters
# or in plans of statements within the functions, not in errors and their context.  Then a whole
# program moves to another database, with the digests of its secrets.

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
	  # PL/pgSQL runs an expression that failed as a statement from then on, with a plan that shows what it is about
	  . "jsonb_build_object('colour', 'red'), jsonb_build_object(" . key('thirteen') . ", 'main'), jsonb_build_object('key', 'short'), "
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
	like($log, qr/Query Text: SELECT devapp_internal\.put_imported/, 'and the plans of statements within');
}
like($reports, qr/has no status lost/, 'the reports have the reasons');
for my $word (qw(one two three four five six seven eight nine ten eleven twelve thirteen))
{
	my $key = $node->safe_psql('postgres', 'SELECT ' . key($word));
	ok(index($log, $key) < 0, "$word is not in the log");
	ok(index($reports, $key) < 0, "$word is in no report");
}
is($node->safe_psql('postgres', "SELECT string_agg(v.code::text, ' ' ORDER BY w.n) FROM unnest('{one,seven,nine,eleven,twelve}'::text[]) WITH ORDINALITY AS w(word, n), devapp.verify_key(left(encode(sha256(w.word::bytea), 'hex'), 40)) AS v"),
	'NO_PRODUCT NO_PRODUCT NO_PRODUCT NO_PRODUCT NOT_FOUND', 'the keys were real ones');

# ---------- to another database ----------

my %hex = (1 => 'a1c3' x 16, 2 => 'b2d4' x 16, 3 => 'e5f6' x 16);
my $peppers = $node->basedir . '/peppers';

# put_peppers(number => name in %hex, ...): every session reads them the next time it needs one
sub put_peppers
{
	my (%names) = @_;

	open my $handle, '>', $peppers or die $!;
	chmod oct '600', $peppers or die $!;
	print $handle map { "$_:$hex{$names{$_}}\n" } sort keys %names;
	close $handle or die $!;
	return;
}

# A program with everything that a document can hold: digests of every kind, with and without
# pepper, rotations in progress, all statuses.
$node->safe_psql('postgres', 'DROP FUNCTION fail() CASCADE');
my $before_pepper = create_app($node, 'before the pepper');
put_peppers(1 => 1);
set_config($node, 'devapp.pepper_file', $peppers);
$node->safe_psql(
	'postgres', q{
	SELECT FROM devapp.create_team('sky crew', 'The crew', '{"floor": "7"}');
	SELECT FROM devapp.create_developer('zoe@example.com', 'Zoë', 'Ö', 'zoe', '{"tier": "gold"}');
	SELECT FROM devapp.set_developer_status('zoe@example.com', 'deactivate');
	SELECT FROM devapp.create_product('maps', 'Maps', approval => 'manual', environments => '{prod}', scopes => '{tiles}', quota_limit => 100,
		quota_interval => 1, quota_unit => 'day', attributes => '{"area": "north"}');
	SELECT FROM devapp.add_operation('maps', '/maps/{x}', '{GET,HEAD}', quota_limit => 5, quota_interval => 1, quota_unit => 'hour')});
my $moved = create_app($node, 'moved', q{'ada@example.com', '{weather}', display_name => 'Moved', description => E'two\nlines', expires_in => '30 days',
	callback_urls => '{https://a.example/cb}', attributes => '{"país": "España"}', app_family => 'own', scopes => '{read}'});
my $crew = create_app($node, 'crew', q{team => 'sky crew', products => '{weather}', kind => 'oauth_client'});
my $waiting = create_app($node, 'waiting', q{'zoe@example.com', '{weather,maps}'});
my $held = create_app($node, 'held', q{'ada@example.com', '{weather}', allowed_cidrs => '{10.0.0.0/8,::1/128}'});
my $revoked = create_app($node, 'revoked');
put_peppers(1 => 1, 2 => 2);
my $rotated = rotate($node, $moved->{credential_id}, '7 days');
my $ended = rotate($node, $held->{credential_id}, '0');
$node->safe_psql(
	'postgres', qq{
	SELECT FROM devapp.suspend_app('$held->{app_id}');
	SELECT FROM devapp.revoke_credential('$revoked->{credential_id}');
	SELECT FROM devapp.import_credential('$moved->{app_id}', 'sk_test_4eC39HqLyjWDarjtT1zdp7dc');
	SELECT FROM devapp.import_credential('$moved->{app_id}', secret_hash => encode(sha256('known by its hash'), 'hex'), scheme => 'sha256');
	-- "sha512-256 key"
	SELECT FROM devapp.import_credential('$moved->{app_id}', secret_hash => 'df1969f0ee993e6f8ec89dd69046efba3db9910a6d3f62c4edd486c724c1e0a9', scheme => 'sha512_256');
	SELECT FROM devapp.import_credential('$moved->{app_id}', 'partner-1', 'correct horse battery staple!');
	SELECT FROM devapp.import_credential('$moved->{app_id}', 'partner-2', secret_hash => '\$2b\$06\$abcdefghijklmnopqrstuu6sWj.wH3/xGc3kpZMYJW60aPVdPQdmm', scheme => 'crypt');
	SELECT FROM devapp.import_credential('$moved->{app_id}', 'a key that ended a moment after it came', expires_in => '1 microsecond')});
my $partner = rotate($node, $node->safe_psql('postgres', q{SELECT credential_id FROM devapp.credential WHERE consumer_key = 'partner-1'}), '7 days');
my $foreign = rotate($node, $node->safe_psql('postgres', q{SELECT credential_id FROM devapp.credential WHERE consumer_key LIKE 'sk\_t%'}), '7 days');

# The document, as "From another devapp" in doc/administrators.md builds it.
my $whole = q{
	SELECT jsonb_build_object(
		'products', (SELECT jsonb_agg(to_jsonb(p) || jsonb_build_object('operations',
				(SELECT coalesce(jsonb_agg(o), '[]') FROM devapp.product_operation o WHERE o.product_id = p.product_id)))
			FROM devapp.product p WHERE p.deleted_at IS NULL),
		'developers', (SELECT jsonb_agg(d) FROM devapp.developer d WHERE d.deleted_at IS NULL),
		'teams', (SELECT jsonb_agg(t) FROM devapp.team t WHERE t.deleted_at IS NULL),
		'apps', (SELECT jsonb_agg(a) FROM devapp.export_apps(with_digests => true) AS a))};
$before = -s $node->logfile;
my $document = $node->safe_psql('postgres', $whole);
$node->safe_psql('postgres', 'CREATE DATABASE second');
$node->safe_psql('second', 'CREATE EXTENSION devapp CASCADE; CREATE TABLE document (body jsonb)');
open my $handle, '>', $node->basedir . '/document' or die $!;
print $handle $document;
close $handle or die $!;
$node->safe_psql('second', "INSERT INTO document SELECT pg_read_file('" . $node->basedir . "/document')::jsonb");

# outcomes(arguments): what became of the lines, counted
sub outcomes
{
	my ($arguments) = @_;
	my ($lines, $warning) = ('', '');

	$node->psql(
		'second', qq{SELECT concat_ws(' ', count(*), i.kind, i.outcome, regexp_replace(i.detail, ' at 2.*', ''))
			FROM document d, devapp.import_apps(document => d.body$arguments) AS i GROUP BY i.kind, i.outcome, i.detail ORDER BY i.kind, i.outcome, i.detail},
		stdout => \$lines, stderr => \$warning);
	return ($lines, $warning);
}

# A pepper of the same number is another one: each line says so, and nothing is imported.
put_peppers(1 => 2, 2 => 3);
my ($refusals, $warning) = outcomes('');
is($refusals, q{10 app skipped another line was refused
4 credential refused pepper 1 of the exporting database is not in devapp.pepper_file
13 credential skipped another line was refused
1 credential skipped it expired
2 developer skipped another line was refused
2 product skipped another line was refused
1 team skipped another line was refused}, 'another pepper 1: each line that needs it is refused');
like($warning, qr/nothing was imported: 4 line\(s\) were refused/, 'another pepper 1: the warning says so');
is($node->safe_psql('second', 'SELECT (SELECT count(*) FROM devapp.app) + (SELECT count(*) FROM devapp.developer)'), 0, 'another pepper 1: nothing is half imported');
set_config($node, 'devapp.pepper_file', '');
like((outcomes(', dry_run => true'))[0], qr/^\d+ credential refused pepper 2 of the exporting database is not in/m, 'no pepper: refused');
set_config($node, 'devapp.pepper_file', $peppers);

# The same peppers under other numbers.
put_peppers(2 => 1, 3 => 2);
is((outcomes(''))[0], q{10 app created
17 credential created
1 credential skipped it expired
2 developer created
2 product created
1 team created}, 'the same peppers: all is imported');
is((outcomes(''))[0], q{10 app unchanged
1 credential skipped it expired
17 credential unchanged
2 developer unchanged
2 product unchanged
1 team unchanged}, 'again: nothing is new');

# The plaintexts go on working, or not, as they did.
my @keys = ($before_pepper->{secret}, $moved->{secret}, $rotated->{secret}, $waiting->{secret}, $held->{secret}, $ended->{secret}, $revoked->{secret},
	'sk_test_4eC39HqLyjWDarjtT1zdp7dc', $foreign->{secret}, 'known by its hash', 'sha512-256 key', 'known by nobody');
my $codes = codes($node, \@keys, db => 'second');
is($codes, 'VALID VALID VALID APP_PENDING NOT_FOUND APP_SUSPENDED CREDENTIAL_REVOKED VALID VALID VALID VALID NOT_FOUND', 'keys with their plaintexts');
my $clients = q{SELECT string_agg(v.code::text, ' ' ORDER BY c.n) FROM (VALUES (1, 'partner-1', 'correct horse battery staple!'), (2, 'partner-1', '} . $partner->{secret} . q{'),
	(3, 'partner-2', 'bcrypt secret'), (4, '} . "$crew->{consumer_key}', '$crew->{secret}" . q{')) AS c(n, id, secret), devapp.verify_client(c.id, c.secret, '/weather/x', 'GET') AS v};
is($node->safe_psql('second', $clients), 'VALID VALID VALID VALID', 'clients with their plaintexts');

# What is exported of the second database is what was exported of the first, apart from what is made
# anew there: ids, times of decisions, numbers of peppers.
my $normal = q{
	WITH app AS (SELECT a FROM devapp.export_apps(with_digests => true) AS a),
	credential AS (SELECT a ->> 'name' AS app, c - '{credential_id,replaces,issued_at,revoked_at}'::text[] AS c FROM app, jsonb_array_elements(a -> 'credentials') AS c
		WHERE coalesce((c ->> 'expires_at')::timestamptz > now(), true))
	SELECT string_agg(regexp_replace(x, '(blake2b|sha256|sha512_256):[1-9][0-9]*:', '\1:N:', 'g'), E'\n' ORDER BY x COLLATE "C") FROM (
		SELECT (a - '{credentials,app_id,created_at,updated_at,decided_by,decided_at,decision_note}'::text[])::text AS x FROM app
		UNION ALL SELECT app || c::text FROM credential
		UNION ALL SELECT (to_jsonb(p) - '{product_id,created_at,updated_at}'::text[])::text FROM devapp.product p
		UNION ALL SELECT (to_jsonb(o) - '{operation_id,product_id,created_at}'::text[])::text FROM devapp.product_operation o
		UNION ALL SELECT (to_jsonb(d) - '{developer_id,created_at,updated_at,decided_by,decided_at}'::text[])::text FROM devapp.developer d
		UNION ALL SELECT (to_jsonb(t) - '{team_id,created_at,updated_at}'::text[])::text FROM devapp.team t) AS y};
my $second = $node->safe_psql('second', $normal);
put_peppers(1 => 1, 2 => 2);
is($second, $node->safe_psql('postgres', $normal), 'the second database exports what the first one does');
# of a secret that was ended nothing is exported, so nobody remembers it there
is($codes, codes($node, \@keys) =~ s/SUPERSEDED/NOT_FOUND/r, 'and its keys are worth the same');

# Not even auto_explain has a digest of all that.
$log = substr(slurp_file($node->logfile), $before);
my @digests = $document =~ /"(?:blake2b|sha256|sha512_256):\d+:([0-9a-f]{64})/g;
cmp_ok(scalar @digests, '>', 18, 'the document has digests');
is(join(' ', grep { index($log, $_) >= 0 } @digests), '', 'none of them is in the log');
done_testing();
