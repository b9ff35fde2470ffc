# Access tokens between roles and servers: who gets one, who revokes one, who sees what one is
# good for; a revocation holds on a standby once it is replayed; no token is left anywhere;
# a restored database verifies without its keyring; other programs verify our tokens.

use strict;
use warnings FATAL => 'all';

use File::Find;
use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server(
	'main', q{
shared_preload_libraries = 'devapp'
log_statement = all
log_min_messages = debug1
log_min_duration_statement = 0
wal_keep_size = 64MB
}, init => { allows_streaming => 1 });
my ($missing) = error_of($node, "LOAD 'auto_explain'");
if ($missing eq '00000')
{
	$node->append_conf(
		'postgresql.conf', q{
session_preload_libraries = 'auto_explain'
auto_explain.log_min_duration = 0
auto_explain.log_nested_statements = on
auto_explain.log_verbose = on
});
	$node->restart;
}
my $has_statements = $node->safe_psql('postgres', q{SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_stat_statements'});
if ($has_statements)
{
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'devapp, pg_stat_statements'\npg_stat_statements.track = 'all'");
	$node->restart;
	$node->safe_psql('postgres', 'CREATE EXTENSION pg_stat_statements');
}
make_program($node);
put_keyring($node);
$node->safe_psql('postgres', q{
	SELECT devapp.setup_roles();
	SELECT devapp.create_developer('eve@example.com');
	SELECT devapp.activate_signing_key(kid) FROM devapp.create_signing_key('EdDSA');
	SELECT devapp.activate_signing_key(kid) FROM devapp.create_signing_key('ES256');
	SELECT devapp.activate_signing_key(kid) FROM devapp.create_signing_key('RS256')});
my $client = create_app($node, 'client', "'ada\@example.com', '{weather}', kind => 'oauth_client'");
my $other = create_app($node, 'other', "'eve\@example.com', '{weather}', kind => 'oauth_client'");

# The client that a call names, with a proof or without.
sub as_client
{
	my ($of, $secret) = @_;

	return "'$of->{consumer_key}'" . (defined $secret ? ", '$secret'" : '');
}

sub token_of
{
	my ($of, $arguments) = @_;

	return $node->safe_psql('postgres', "SELECT token FROM devapp.issue_token('$of->{consumer_key}'" . ($arguments ? ", $arguments" : '') . ')');
}

sub verdict_on
{
	my ($server, $token) = @_;

	return $server->safe_psql('postgres', "SELECT code FROM devapp.verify_token('$token', '/weather/today', 'GET')");
}

# What a role gets for a statement; a developer is Ada or Eve.  An answer or a SQLSTATE.
sub as_role
{
	my ($who, $sql) = @_;
	my ($role, $set) = $who =~ /@/ ? ('developer', "SELECT set_config('request.jwt.claims', '{\"role\": \"devapp_developer\", \"email\": \"$who\", \"email_verified\": true}', false);") : ($who, '');
	my ($state) = error_of($node, "SET ROLE devapp_$role; $set $sql");

	return $state if $state ne '00000';
	my $answer = $node->safe_psql('postgres', "SET ROLE devapp_$role; $set $sql");
	$answer =~ s/^\{"role".*\n?// if $set;
	return $answer;
}

# ---------- roles ----------

my $short = token_of($client, "lifetime => '1 s'");
my $issued_at = time;

for my $case (
	[ 'admin', undef, 'Bearer' ], [ 'ada@example.com', undef, 'Bearer' ], [ 'eve@example.com', undef, '28P01' ], [ 'gateway', undef, '28P01' ],
	[ 'gateway', $client->{secret}, 'Bearer' ], [ 'gateway', $other->{secret}, '28P01' ], [ 'eve@example.com', $client->{secret}, 'Bearer' ],
	[ 'analyst', $client->{secret}, '42501' ], [ 'reporter', $client->{secret}, '42501' ])
{
	my ($who, $secret, $wanted) = @$case;
	is(as_role($who, 'SELECT token_type FROM devapp.issue_token(' . as_client($client, $secret) . ')'),
		$wanted, "$who " . (defined $secret ? 'with a secret' : 'without a secret') . ": $wanted");
}
my (undef, $report) = error_of($node, 'SET ROLE devapp_gateway; SELECT devapp.issue_token(' . as_client($client, $other->{secret}) . ')');
unlike($report, qr/DETAIL/, 'a stranger is not told why');

my $token = token_of($client);
is(verdict_on($node, $token), 'VALID', 'a token works');
is(as_role($_->[0], "SELECT devapp.introspect('$token'" . ($_->[1] ? ', ' . as_client(@$_[ 1, 2 ]) : '') . ") ->> 'active'"), $_->[3], "introspection by $_->[0]: $_->[3]")
  for ([ 'admin', undef, undef, 'true' ], [ 'gateway', undef, undef, 'true' ], [ 'ada@example.com', undef, undef, 'true' ], [ 'eve@example.com', undef, undef, 'false' ],
	[ 'gateway', $client, $client->{secret}, 'true' ], [ 'gateway', $other, $other->{secret}, 'false' ], [ 'gateway', $other, $client->{secret}, '28P01' ],
	[ 'analyst', undef, undef, '42501' ]);
is(as_role('gateway', "SELECT devapp.introspect('$token', " . as_client($other, $other->{secret}) . ')'), '{"active": false}', 'and it is exactly that');

for my $case (
	[ 'gateway', '', 'VALID' ], [ 'gateway', ', client => ' . as_client($other) . ", client_secret => '$other->{secret}'", 'VALID' ],
	[ 'eve@example.com', '', 'VALID' ], [ 'gateway', ', client => ' . as_client($client) . ", client_secret => '$client->{secret}'", 'TOKEN_REVOKED' ],
	[ 'ada@example.com', '', 'TOKEN_REVOKED' ], [ 'admin', '', 'TOKEN_REVOKED' ])
{
	my ($who, $arguments, $wanted) = @$case;
	my $one = token_of($client);
	is(as_role($who, "SELECT devapp.revoke_token('$one'$arguments)") // '', '', "revocation by $who: nothing is said");
	is(verdict_on($node, $one), $wanted, "and then it is $wanted");
}
is(as_role($_, "SELECT devapp.revoke_token(jti => 'x')"), '42501', "by a jti: not $_") for ('gateway', 'ada@example.com');

# as for credentials: whoever administers the team acts for its apps, a member may look
$node->safe_psql('postgres', q{SELECT devapp.create_team('builders'); SELECT devapp.add_team_member('builders', 'ada@example.com', 'admin'); SELECT devapp.add_team_member('builders', 'eve@example.com', 'member')});
my $of_team = create_app($node, 'team client', "team => 'builders', products => '{weather}', kind => 'oauth_client'");
my $of_team_token = token_of($of_team);
is(as_role('ada@example.com', "SELECT token_type FROM devapp.issue_token('$of_team->{consumer_key}')"), 'Bearer', 'an administrator of the team gets a token');
is(as_role('eve@example.com', "SELECT token_type FROM devapp.issue_token('$of_team->{consumer_key}')"), '28P01', 'a member does not');
is(as_role('eve@example.com', "SELECT devapp.introspect('$of_team_token') ->> 'active'"), 'true', 'but may see what one is good for');
is(as_role('eve@example.com', "SELECT devapp.revoke_token('$of_team_token')"), '', 'and does not revoke it');
is(verdict_on($node, $of_team_token), 'VALID', 'so it works on');

# ---------- a standby ----------

$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
my $session = $standby->background_psql('postgres');
my $verify = "SELECT code FROM devapp.verify_token('$token', '/weather/today', 'GET')";
is($session->query_safe($verify), 'VALID', 'standby: a token of the primary works');
is($session->query_safe("BEGIN ISOLATION LEVEL REPEATABLE READ; $verify"), 'VALID', 'also in an open transaction');
is($standby->safe_psql('postgres', "SELECT token_type FROM devapp.issue_token('$client->{consumer_key}')"), 'Bearer', 'and it issues tokens, with the keyring of the primary');
$node->safe_psql('postgres', "SELECT devapp.revoke_token('$token')");
$node->wait_for_catchup($standby);
is($session->query_safe($verify), 'TOKEN_REVOKED', 'a revocation holds there at the next call');
is(error_of($standby, "SELECT devapp.revoke_token('$short')"), '25006', 'a standby revokes none');
my $second = token_of($client);
is($session->query_safe("COMMIT; SELECT code FROM devapp.verify_token('$second', '/weather/today', 'GET')"), 'VALID', 'another token works there');
$node->safe_psql('postgres', "SELECT devapp.suspend_app('$client->{app_id}')");
$node->wait_for_catchup($standby);
is($session->query_safe("SELECT code FROM devapp.verify_token('$second', '/weather/today', 'GET')"), 'APP_SUSPENDED', 'so does what happens to its app');
$node->safe_psql('postgres', "SELECT devapp.resume_app('$client->{app_id}')");
$session->quit;
$standby->stop;

# ---------- other programs ----------

my $script = <<'JS';
const crypto = require('crypto'), fs = require('fs');
const {jwks, issuer, tokens} = JSON.parse(fs.readFileSync(process.argv[2]));
const has = name => { try { require.resolve(name); return true; } catch (e) { return false; } };
const answers = [];
for (const token of tokens) {
	const [h, p, s] = token.split('.');
	const header = JSON.parse(Buffer.from(h, 'base64url'));
	const key = crypto.createPublicKey({key: jwks.keys.find(k => k.kid === header.kid), format: 'jwk'});
	const ok = crypto.verify(header.alg === 'EdDSA' ? null : 'sha256', Buffer.from(h + '.' + p), {key, dsaEncoding: 'ieee-p1363'}, Buffer.from(s, 'base64url'));
	answers.push(`${header.alg} ${ok}`);
	if (has('jsonwebtoken') && header.alg !== 'EdDSA')
		answers.push('jsonwebtoken ' + typeof require('jsonwebtoken').verify(token, key, {algorithms: [header.alg], issuer, audience: issuer}).jti);
}
(async () => {
	if (has('jose')) {
		const jose = await import(require.resolve('jose'));
		for (const token of tokens)
			answers.push('jose ' + (await jose.jwtVerify(token, jose.createLocalJWKSet(jwks), {issuer, audience: issuer, typ: 'at+jwt'})).payload.scope);
	}
	console.log(answers.join('\n'));
})().catch(e => { console.log(String(e)); });
JS
SKIP:
{
	my ($version) = run_command([ 'sh', '-c', 'node --version' ]);
	skip 'node is not installed', 3 unless $version =~ /^v\d/;
	my $folder = PostgreSQL::Test::Utils::tempdir();
	my $jwks = $node->safe_psql('postgres', 'SELECT devapp.jwks()');
	my $tokens = join ', ', map { '"' . token_of($client, "alg => '$_'") . '"' } qw(EdDSA ES256 RS256);
	append_to_file("$folder/verify.js", $script);
	append_to_file("$folder/tokens.json", qq({"jwks": $jwks, "issuer": "urn:devapp:postgres", "tokens": [$tokens]}));
	my ($answers, $errors) = run_command([ 'node', "$folder/verify.js", "$folder/tokens.json" ]);
	is($errors, '', 'node says nothing else');
	is(join(' ', $answers =~ /^\w+ (?:true|false)$/mg), 'EdDSA true ES256 true RS256 true', 'node verifies our tokens with our keys');
	my %packages = map { $_ => 1 } $answers =~ /^(jose|jsonwebtoken) /mg;
	note 'packages of npm: ', join ' ', sort keys %packages;
	is(join(' ', $answers =~ /^jsonwebtoken \w+$/mg), $packages{jsonwebtoken} ? 'jsonwebtoken string jsonwebtoken string' : '', 'so does jsonwebtoken, where it is installed');
	is(join(' ', $answers =~ /^jose .*$/mg), $packages{jose} ? 'jose read write jose read write jose read write' : '', 'and jose');
}

# The other way round: packages of npm sign tokens of an issuer of their own.
my $signer = <<'JS';
const crypto = require('crypto');
const claims = {client_id: process.argv[2], scope: 'read', jti: 'x'}, issuer = 'https://idp.example.com', audience = 'weather';
const has = name => { try { require.resolve(name); return true; } catch (e) { return false; } };
const pairs = {EdDSA: crypto.generateKeyPairSync('ed25519'), ES256: crypto.generateKeyPairSync('ec', {namedCurve: 'P-256'}), RS256: crypto.generateKeyPairSync('rsa', {modulusLength: 2048})};
const keys = Object.entries(pairs).map(([alg, pair]) => ({...pair.publicKey.export({format: 'jwk'}), kid: alg, alg, use: 'sig'}));
const tokens = [];
(async () => {
	if (has('jsonwebtoken'))
		for (const alg of ['ES256', 'RS256'])
			tokens.push(require('jsonwebtoken').sign({...claims, jti: 'a' + alg}, pairs[alg].privateKey, {algorithm: alg, keyid: alg, issuer, audience, expiresIn: 600}));
	if (has('jose')) {
		const jose = await import(require.resolve('jose'));
		for (const alg of Object.keys(pairs))
			tokens.push(await new jose.SignJWT({...claims, jti: 'b' + alg}).setProtectedHeader({alg, kid: alg, typ: 'at+jwt'}).setIssuer(issuer).setAudience(audience).setIssuedAt().setExpirationTime('10m').sign(pairs[alg].privateKey));
	}
	console.log(JSON.stringify({keys}));
	console.log(tokens.join('\n'));
})().catch(e => { console.log(String(e)); });
JS
SKIP:
{
	my ($version) = run_command([ 'sh', '-c', 'node --version' ]);
	skip 'node is not installed', 1 unless $version =~ /^v\d/;
	my $folder = PostgreSQL::Test::Utils::tempdir();
	append_to_file("$folder/sign.js", $signer);
	my ($answer) = run_command([ 'node', "$folder/sign.js", $client->{consumer_key} ]);
	my ($keys, @signed) = split /\n/, $answer;
	$node->safe_psql('postgres', "SELECT devapp.create_token_issuer('https://idp.example.com', '$keys', '{weather}')");
	is(join(' ', map { verdict_on($node, $_) } @signed), join(' ', ('VALID') x @signed), 'tokens that jose and jsonwebtoken signed, where they are installed: ' . @signed);
}

# ---------- a restored database without its keyring ----------

my $copy = start_server('copy');
my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-f', $dump ], 'the database is dumped');
my $last = token_of($client, "lifetime => '1 hour'");
$copy->safe_psql('postgres', "ALTER DATABASE postgres SET devapp.issuer = 'urn:devapp:postgres'");
$copy->safe_psql('postgres', join '; ', map { "CREATE ROLE devapp_$_" } qw(admin analyst auditor developer gateway http reporter scanner));
{
	local $ENV{PGOPTIONS} = '-c devapp.restoring=on';
	$copy->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $copy->connstr('postgres'), '-f', $dump ], 'and restored elsewhere');
}
is(verdict_on($copy, $last), 'VALID', 'a restored database verifies tokens without the keyring');
is(verdict_on($copy, $token), 'TOKEN_REVOKED', 'and knows which are revoked');
is(error_of($copy, "SELECT devapp.issue_token('$client->{consumer_key}')"), '58030', 'but issues none');

# ---------- what is written down ----------

# The tokens of which only answers had the signature: never in a statement.
my @secret = map { (split /\./, $_)[2] }
  split /\n/, $node->safe_psql('postgres', "SELECT t.token FROM devapp.issue_token('$client->{consumer_key}') AS t, generate_series(1, 3), devapp.verify_token(t.token) AS v WHERE v.code = 'VALID'");
push @secret, map { (split /\./, $_)[2] }
  $node->safe_psql('postgres', "SELECT secret FROM devapp.issue_credential('$client->{app_id}', kind => 'jwt', expires_in => '1 day')");
is(scalar(grep { length == 86 } @secret), scalar @secret, 'tokens were issued');
$node->safe_psql('postgres', 'CHECKPOINT');
my $found = 0;

sub search_file
{
	return unless -f $_ && -r _;
	my $bytes = slurp_file($_);

	$found += grep { index($bytes, $_) >= 0 } @secret;
	return;
}
find({ wanted => \&search_file, no_chdir => 1 }, $node->data_dir);
is($found, 0, 'no token is in a file of the data directory');
my $log = slurp_file($node->logfile);
is(scalar(grep { index($log, $_) >= 0 } @secret), 0, 'nor in the log');
if ($has_statements)
{
	my $statements = $node->safe_psql('postgres', q{SELECT string_agg(query, ' ') FROM pg_stat_statements});
	like($statements, qr/issue_token/, 'pg_stat_statements: the call is there');
	is(scalar(grep { index($statements, $_) >= 0 } @secret), 0, 'but no token');
}

# ---------- counted ----------

# the calls of a token are those of its client, under its current secret
rotate($node, $client->{credential_id}, '1 day');
is(verdict_on($node, $second), 'VALID', 'one more call');
is(error_of($node, 'SELECT devapp.flush_usage()'), '00000', 'calls of tokens are flushed');
is($node->safe_psql('postgres', "SELECT string_agg(secret_version::text, ' ' ORDER BY secret_version) FROM devapp.last_used WHERE credential_id = '$client->{credential_id}' AND last_used_at IS NOT NULL"),
	'1 2', 'and counted under the secret that was current');

# ---------- time ----------

# a second, half a minute because clocks differ, and one more
sleep 1 while time < $issued_at + 33;
is(verdict_on($node, $short), 'EXPIRED', 'a token that has expired');
is($node->safe_psql('postgres', "SELECT devapp.introspect('$short')"), '{"active": false}', 'is not active');

done_testing();
