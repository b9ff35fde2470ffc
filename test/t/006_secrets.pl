# A plaintext secret exists in the answer to the caller and nowhere else: not in the
# server's log however much it logs, not in an error, a file of the data directory
# (tables, indexes, WAL) or a notification.  A digest is in its table, and in the copy of its row.

use strict;
use warnings FATAL => 'all';

use File::Find;
use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Utils;
use Test::More;

# log_statement stays off: what a client writes into its own statement is its own matter.
my $node = start_server(
	'main', q{
log_statement = none
log_min_messages = debug1
log_min_error_statement = debug1
log_error_verbosity = verbose
log_parameter_max_length = -1
log_parameter_max_length_on_error = -1
log_min_duration_statement = 0
log_duration = on
log_lock_waits = on
log_temp_files = 0
wal_keep_size = 64MB
}, init => { allows_streaming => 1 });

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
auto_explain.log_triggers = on
auto_explain.log_verbose = on
});
	$node->restart;
}
make_program($node);

my $listener = $node->background_psql('postgres');
my @channels = qw(devapp devapp_app devapp_credential devapp_secret pgrst credential_secret);
$listener->query_safe(join '; ', map { "LISTEN $_" } @channels);

# What an error tells its client.
my $reports = '';

sub fails
{
	my ($name, $state, $sql) = @_;
	my ($got, $report) = error_of($node, $sql);

	$reports .= $report;
	is($got, $state, "fails: $name");
	return;
}

# ---------- make secrets, and fail to ----------

my $owner = "developer => 'ada\@example.com', products => '{weather}'";
my $app = create_app($node, 'first marker', $owner);
my $client = create_app($node, 'client', "$owner, kind => 'oauth_client', environment => 'test'");
my $issued = Devapp::issued($node, "devapp.issue_credential('$app->{app_id}')");
my $rotated = rotate($node, $app->{credential_id}, '1 day');
my $twice = create_app($node, 'rotated', $owner);
my $many = create_app($node, 'rotated in bulk', $owner);
my $bulk_call = "devapp.bulk_rotate(app_ids => ARRAY['$many->{app_id}']::uuid[], note => 'marker note'";
$node->safe_psql('postgres', "SELECT * FROM $bulk_call)");
my $bulk = Devapp::issued($node, "(SELECT *, 2 AS secret_version FROM $bulk_call, dry_run => false)) AS r");
# one that leaked: its place has it, too
my $leaked = Devapp::issued($node, qq{(SELECT i.*
	FROM devapp.issue_credential('$app->{app_id}') AS i, devapp.report_leak(i.secret, source => i.secret, url => 'https://example.com/?key=' || i.secret) AS r,
		 devapp.report_leaks(jsonb_build_array(jsonb_build_object('token', i.secret, 'source', i.secret), jsonb_build_object('token', i.secret))) AS again
   WHERE r.outcome = 'revoked' AND again.outcome = 'already_reported' LIMIT 1) AS made});
$node->safe_psql('postgres', 'SET client_min_messages = debug1; '
	  . "SELECT devapp.revoke_credential('$issued->{credential_id}', 'marker note')");

fails('owner missing', '42704', "SELECT devapp.create_app('x', 'nobody\@example.com')");
fails('app name taken', '23505', "SELECT devapp.create_app('first marker', $owner)");
fails('scope unknown', '22023', "SELECT devapp.create_app('x', $owner, scopes => '{nope}')");
fails('illegal transition', '55000', "SELECT devapp.resume_app('$app->{app_id}')");
fails('rotation in progress', '55006', "SELECT devapp.rotate_credential('$app->{credential_id}')");
fails('rotation of a revoked one', '55000', "SELECT devapp.rotate_credential('$issued->{credential_id}')");
fails('result thrown away by a division', '22012',
	"SELECT 1 / length(left((devapp.create_app('x', $owner)).secret, 0))");
fails('version taken', '23505',
	'INSERT INTO devapp.credential_secret (credential_id, version, purpose, digest, scheme, superseded_at)
	SELECT credential_id, version, purpose, digest, scheme, now() FROM devapp.credential_secret');
fails('second current secret', '23505',
	'INSERT INTO devapp.credential_secret (credential_id, version, purpose, digest, scheme)
	SELECT credential_id, version + 100, purpose, digest, scheme FROM devapp.credential_secret');
fails('digest changed', '23000',
	"UPDATE devapp.credential_secret SET digest = ('blake2b:0:' || repeat('0', 64))::devapp.secret_digest");
fails('version missing', '22004',
	'INSERT INTO devapp.credential_secret (credential_id, version, purpose, digest, scheme)
	SELECT credential_id, NULL, purpose, digest, scheme FROM devapp.credential_secret');
fails('owner of a secret unknown', '23503',
	'INSERT INTO devapp.credential_secret (credential_id, version, purpose, digest, scheme)
	SELECT devapp.uuid_v7(), version, purpose, digest, scheme FROM devapp.credential_secret');

$node->safe_psql(
	'postgres', q{
	CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN RAISE 'a trigger fails' USING ERRCODE = 'P0099'; END $$;
	CREATE TRIGGER zz_fail AFTER INSERT ON devapp.credential_secret FOR EACH ROW EXECUTE FUNCTION fail();});
fails('trigger, create_app', 'P0099', "SELECT devapp.create_app('never', $owner)");
fails('trigger, issue_credential', 'P0099', "SELECT devapp.issue_credential('$app->{app_id}')");
fails('trigger, rotate_credential', 'P0099', "SELECT devapp.rotate_credential('$twice->{credential_id}')");
$node->safe_psql(
	'postgres', q{
	DROP TRIGGER zz_fail ON devapp.credential_secret;
	CREATE CONSTRAINT TRIGGER zz_fail AFTER INSERT ON devapp.credential_secret
		DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail();});
fails('trigger at commit', 'P0099', "SELECT devapp.create_app('never', $owner)");
$node->safe_psql('postgres', 'DROP FUNCTION fail() CASCADE');

# What the search below must find: text that is stored and logged as any other.
my $canary = $node->safe_psql('postgres',
	q{CREATE TABLE canary AS SELECT 'Canary' || md5(random()::text) AS c; SELECT c FROM canary});
$node->safe_psql('postgres', "SELECT '$canary'");
$node->safe_psql('postgres', 'CHECKPOINT');

# ---------- search ----------

my @made = ($app, $client, $issued, $rotated, $twice, $many, $bulk, $leaked);
# the digits of the secret, without consumer key and checksum
my @secrets = map { (split /_/, $_->{secret})[3] =~ /^(.{32}).{6}$/ } @made;
is(scalar @secrets, 8, 'eight secrets to look for');

my $whole_key = qr/dvk_[a-z0-9]{1,16}_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}/;
like($app->{secret}, qr/^$whole_key$/, 'as which shape');

my @digests = split /\n/, $node->safe_psql('postgres',
	q{SELECT split_part(digest::text, ':', 3) FROM devapp.credential_secret});
is(scalar(grep { /^[0-9a-f]{64}$/ } @digests), 8, 'eight digests to look for');

# No secret and no digest in a text.
sub clean
{
	my ($text, $name) = @_;

	is(scalar(grep { index($text, $_) >= 0 } @secrets), 0, "$name: no secret");
	unlike($text, $whole_key, "$name: nothing that looks like a key");
	is(scalar(grep { index(lc $text, $_) >= 0 } @digests), 0, "$name: no digest");
	return;
}

my $log = slurp_file($node->logfile);
like($log, qr/first marker/, 'log: statements are there');
like($log, qr/\b\Q$canary\E\b/, 'log: so is the canary');
like($log, qr/DEBUG:  /, 'log: at level debug1');
like($log, qr/LOCATION:  /, 'log: verbosely');
like($log, qr/ERROR:  P0099: a trigger fails/, 'log: with errors');
SKIP:
{
	skip 'auto_explain is not installed', 1 unless $explained;
	like($log, qr/Query Text: WITH superseded AS/, 'log: with the plans of nested statements');
}
clean($log, 'log');

like($reports, qr/a trigger fails/, 'errors: they are there');
clean($reports, 'errors');

my %found;

# Note in which files of the data directory something is.
sub search_file
{
	return unless -f $_ && -r _;
	my $path = $File::Find::name;
	my $kind = $path =~ m{/pg_wal/} ? 'WAL' : $path =~ m{/base/} ? 'base' : 'other';
	my $bytes = slurp_file($_);

	$found{"canary in $kind"}++ if index($bytes, $canary) >= 0;
	$found{"consumer key in $kind"}++ if index($bytes, $app->{consumer_key}) >= 0;
	for my $secret (@secrets)
	{
		$found{"SECRET in $kind"}++ if index($bytes, $secret) >= 0;
	}
	$found{"KEY in $kind"}++ if $bytes =~ $whole_key;
	return;
}
find({ wanted => \&search_file, no_chdir => 1 }, $node->data_dir);
is( join(', ', sort grep { !/other/ } keys %found),
	'canary in WAL, canary in base, consumer key in WAL, consumer key in base',
	'data directory: what is stored is found, a secret is not');
is(scalar(grep { /SECRET|KEY/ } keys %found), 0, 'data directory: no secret in any file');

# ---------- notifications ----------

$node->safe_psql('postgres', "NOTIFY devapp, 'canary'");
my $heard = $listener->query_safe('SELECT 1');
like($heard, qr/Asynchronous notification "devapp" with payload "canary"/, 'the listener hears the canary');
is(scalar(grep { !/"devapp" with payload ("canary"|"\{"transaction_id": "[0-9]+"\}")/ } $heard =~ /Asynchronous notification .*/g),
	0, 'and ids');
$listener->quit;

# the secrets were real ones
is(codes($node, [ map { $_->{secret} } $app, $client, $issued, $rotated, $twice, $many, $bulk ]),
	'VALID NOT_FOUND CREDENTIAL_REVOKED VALID VALID VALID VALID', 'the keys work');

done_testing();
