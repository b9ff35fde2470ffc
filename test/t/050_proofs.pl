# How clients prove themselves: DPoP proofs (RFC 9449), each good once, whoever asks and however
# many at once; and assertions (private_key_jwt, RFC 7523), each good once as well.

use strict;
use warnings FATAL => 'all';

use FindBin;
use IPC::Run;
use lib $FindBin::RealBin;
use Devapp;
use Digest::SHA qw(sha256);
use JSON::PP;
use MIME::Base64 qw(encode_base64 encode_base64url);
use PostgreSQL::Test::Utils;
use Test::More;

my $src = "$FindBin::RealBin/../../src";
my $signer = "$PostgreSQL::Test::Utils::tmp_check/sign_jwt";
my @sources = (
	(map { "$FindBin::RealBin/../$_.c" } qw(sign_jwt fuzz/sha256_failed)),
	(map { "$src/${_}_core.c" } 'base/sha256', map { "token/$_" } qw(base64url json jwk jwt signature)));
plan skip_all => 'there is no C compiler with the headers of libsodium and OpenSSL'
  unless system(q{printf '#include <sodium.h>\n#include <openssl/evp.h>\n' | cc -E - >/dev/null 2>&1}) == 0;
system('cc', '-O2', "-I$src", @sources, '-o', $signer, '-lsodium', '-lcrypto') == 0
  or die 'test/sign_jwt.c cannot be compiled';

my $node = start_server('main', "shared_preload_libraries = 'devapp'\ndevapp.dpop_size = 1MB\n");
make_program($node);
sub sql { return $node->safe_psql('postgres', shift) }

# ---------- keys and tokens ----------

my $json = JSON::PP->new->canonical;

sub output_of
{
	my ($input, @command) = @_;
	my $output;

	IPC::Run::run [ $signer, @command ], '<', \$input, '>', \$output or die "sign_jwt @command";
	chomp $output;
	return $output;
}

# {alg, private, kid, jwk}: a new key
sub new_key
{
	my $alg = shift;
	my ($private, $kid, $jwk) = split /\t/, output_of('', 'new', $alg);

	return { alg => $alg, private => $private, kid => $kid, jwk => $json->decode($jwk) };
}

# A token of each [header, payload].
sub sign
{
	my ($key, @parts) = @_;
	my $lines = join '', map { $json->encode($_->[0]) . "\t" . $json->encode($_->[1]) . "\n" } @parts;

	utf8::encode($lines);
	return split /\n/, output_of($lines, $key->{alg}, $key->{private});
}

my $serial = 0;

# A proof for "GET https://api.example.com/weather/today" now, but for what is said.
sub proof
{
	my ($key, %claims) = @_;
	my $header = { typ => 'dpop+jwt', alg => $key->{alg}, jwk => $key->{jwk}, %{ delete $claims{header} || {} } };
	my ($proof) = sign($key, [ $header, { jti => 'proof' . ++$serial, htm => 'GET', htu => 'https://api.example.com/weather/today', iat => int time, %claims } ]);

	return $proof;
}

# Whose proof it is: "t" if it is the key's and good, else "".
sub accepted
{
	my ($proof, $method, $url) = @_;

	return sql(sprintf 'SELECT devapp.dpop_thumbprint(%s, %s, %s) IS NOT NULL', map { literal($_) } $proof, $method || 'GET', $url || '/weather/today');
}

# ---------- the examples of RFC 9449: figures 2 and 13 ----------

my $jwk = 'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19';
my $for_token = "$jwk.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
my $for_call = "$jwk.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
my $access_token = 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU';

# The thumbprint that a proof proves at that time (seconds since 1970).
sub example
{
	my ($proof, $method, $url, $token, $at) = @_;

	return sql(sprintf 'SELECT devapp_internal.dpop_thumbprint(%s, %s, %s, %s, to_timestamp(%d))',
		(map { defined $_ ? literal($_) : 'NULL' } $proof, $method, $url, $token), $at);
}

my @request = ('POST', 'https://server.example.com/token', undef, 1562262616);
is(example($for_token, @request), '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I', 'figure 2: the thumbprint of section 6.1');
is(example($for_token, @request), '', 'it is good once');
for (
	[ 'another method', 'POST', '/protectedresource', $access_token, 0 ],
	[ 'another path', 'GET', '/protectedresource/7', $access_token, 0 ],
	[ 'another host', 'GET', 'https://server.example.com/protectedresource', $access_token, 0 ],
	[ 'another scheme', 'GET', 'http://resource.example.org/protectedresource', $access_token, 0 ],
	[ 'another token', 'GET', '/protectedresource', 'another', 0 ],
	[ 'too late', 'GET', '/protectedresource', $access_token, 61 ],
	[ 'too early', 'GET', '/protectedresource', $access_token, -61 ],
	[ 'no method', undef, '/protectedresource', $access_token, 0 ],
	[ 'no path', 'GET', undef, $access_token, 0 ])
{
	my ($what, @call) = @$_;
	$call[3] += 1562262618;
	is(example($for_call, @call), '', "figure 13: $what");
}
is(example($for_call, 'GET', '/protected%72esource?x=1', $access_token, 1562262678), '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I',
	'figure 13, at the end of the window, with the path written in another way');

# ---------- what a proof must be ----------

my %key = map { $_ => new_key($_) } qw(EdDSA ES256 RS256);
for my $alg (sort keys %key)
{
	my $proof = proof($key{$alg});
	is(sql("SELECT devapp.dpop_thumbprint('$proof', 'GET', 'https://api.example.com/weather/today')"), $key{$alg}{kid}, "$alg: good, and whose it is");
	is(accepted($proof), 'f', "$alg: once");
}
my $key = $key{EdDSA};
is(accepted(proof($key, htu => 'https://API.example.com:443/weather/today?a=b#c'), 'GET', 'https://api.example.com/weather/today'), 't', 'the URI in another form');
is(accepted(proof($key, htu => 'https://api.example.com:8443/weather/today'), 'GET', 'https://api.example.com/weather/today'), 'f', 'another port');
is(accepted(proof($key, htu => $_)), 'f', "htu $_") for '/weather/today', 'ftp://api.example.com/weather/today', 'https://a@api.example.com/weather/today', 'https:///weather/today', '';
is(accepted(proof($key, %$_)), 'f', $json->encode($_))
  for { jti => '' }, { jti => 7 }, { jti => undef }, { iat => undef }, { iat => 'now' }, { iat => 1e300 }, { exp => 1 }, { htm => undef }, { htm => 'HEAD' }, { htu => undef };
is(accepted(proof($key, header => $_)), 'f', 'header with ' . $json->encode($_))
  for { typ => 'JWT' }, { typ => undef }, { alg => 'none' }, { alg => 'HS256' }, { alg => 'ES256' }, { crit => ['exp'] }, { jwk => undef }, { jwk => $key{ES256}{jwk} }, { jku => 'https://a.example' },
  { jwk => { %{ $key->{jwk} }, d => 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A' } }, { jwk => { kty => 'oct', k => 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T' } };
is(accepted(proof($key, header => { typ => 'application/DPoP+JWT' })), 't', 'the type as a media type, whatever its case');

# where it may be for
set_config($node, 'devapp.dpop_origins', 'https://api.example.com, http://localhost:8080');
is(accepted(proof($key)), 't', 'of an origin that is allowed');
is(accepted(proof($key, htu => 'http://localhost:8080/weather/today')), 't', 'of another one');
is(accepted(proof($key, htu => $_)), 'f', "not of $_") for 'https://b.example/weather/today', 'http://localhost/weather/today', 'https://api.example.com.evil.example/weather/today';

# ---------- once ----------

my $proof = proof($key);
is(sql("BEGIN; SELECT devapp.dpop_thumbprint('$proof', 'GET', '/weather/today') IS NOT NULL; ROLLBACK;"), 't', 'in a transaction that is rolled back');
is(accepted($proof), 'f', 'it was used all the same');
$proof = proof($key);
is(sql("BEGIN READ ONLY; SELECT devapp.dpop_thumbprint('$proof', 'GET', '/weather/today') IS NOT NULL"), 't', 'in a transaction that only reads');
$proof = proof($key, jti => 'x');
is(accepted($proof), 't', 'a jti');
is(accepted(proof($key, jti => 'x')), 'f', 'the same jti in another proof of the key');
is(accepted(proof($key{ES256}, jti => 'x')), 't', 'and of another key');

# all at once
my @proofs = map { proof($key) } 1 .. 20;
sql('CREATE TABLE proof (number int, proof text); CREATE UNLOGGED TABLE won (number int);'
	  . join '', map { "INSERT INTO proof VALUES ($_, '$proofs[$_]');" } 0 .. $#proofs);
my $script = "$PostgreSQL::Test::Utils::tmp_check/race.sql";
append_to_file($script, "INSERT INTO won SELECT p.number FROM proof p WHERE devapp.dpop_thumbprint(p.proof, 'GET', '/weather/today') IS NOT NULL;\n");
$node->command_ok([ 'pgbench', '-n', '-c', '8', '-j', '2', '-t', '5', '-f', $script, 'postgres' ], 'eight clients use the same twenty proofs');
is(sql('SELECT count(*), count(DISTINCT number) FROM won'), '20|20', 'each was good for one of them');

# ---------- a full window ----------

# 1 MB has room for some 16000: one key gets its share of it, and leaves room for others
sub used_at_once
{
	my ($key, $count) = @_;
	my $header = { typ => 'dpop+jwt', alg => $key->{alg}, jwk => $key->{jwk} };
	my @batch = sign($key, map { [ $header, { jti => 'many' . ++$serial, htm => 'GET', htu => 'https://api.example.com/', iat => int time } ] } 1 .. $count);

	my $file = "$PostgreSQL::Test::Utils::tmp_check/batch";
	open my $handle, '>', $file or die $!;
	print $handle map { "$_\n" } @batch;
	close $handle;
	return sql("CREATE TEMP TABLE batch (proof text); COPY batch FROM '$file'; SELECT count(*) FROM batch b WHERE devapp.dpop_thumbprint(b.proof, 'GET', '/') IS NOT NULL");
}
my $used = used_at_once($key, 20000);
cmp_ok($used, '>', 6000, "one key has used $used proofs");
cmp_ok($used, '<', 10000, 'and no more than half of the room');
is(used_at_once($key{EdDSA2} = new_key('EdDSA'), 100), 100, 'another one still can');
# of two keys that get all they can, the first has half of the room, which is eight shares
my $share = used_at_once(new_key('EdDSA'), 2000);
cmp_ok($share, '>', $used / 10, "where half of the room is used, one key gets $share");
cmp_ok($share, '<', $used / 6, 'a sixteenth of the room');

# ---------- without shared memory ----------

$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->restart;
is(accepted(proof($key)), 'f', 'without shared memory no proof is good');
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'devapp'");
$node->restart;
is(accepted(proof($key)), 't', 'with it, it is');

# ---------- assertions ----------

my ($id, $client) = split /\|/, sql(q{SELECT credential_id, consumer_key FROM devapp.create_app('client', 'ada@example.com', '{weather}', kind => 'oauth_client')});
set_config($node, 'devapp.issuer', 'https://login.example.com');

sub register
{
	return sql(sprintf q{SELECT count(*) FROM devapp.set_client_keys('%s', %s)}, $client, literal($json->encode({ keys => [@_] })));
}

sub assertion
{
	my ($key, %claims) = @_;
	my $header = { alg => $key->{alg}, kid => $key->{kid}, %{ delete $claims{header} || {} } };
	delete $header->{$_} for grep { !defined $header->{$_} } keys %$header;
	my %all = (iss => $client, sub => $client, aud => 'https://login.example.com', exp => 300 + int time, jti => 'assertion' . ++$serial, %claims);
	delete $all{$_} for grep { !defined $all{$_} } keys %all;
	my ($assertion) = sign($key, [ $header, \%all ]);

	return $assertion;
}

# Why it is not good, '' if it is.
sub problem
{
	return sql(sprintf q{SELECT devapp_internal.assertion_problem('%s', '%s', %s)}, $id, $client, literal(shift));
}

like(problem(assertion($key)), qr/not signed with a key of the client/, 'no key is registered');
is(register($key->{jwk}, $key{ES256}{jwk}, $key{RS256}{jwk}), 3, 'three keys are registered');
for my $alg (qw(EdDSA ES256 RS256))
{
	my $assertion = assertion($key{$alg});
	is(problem($assertion), '', "$alg: good");
	like(problem($assertion), qr/already been used/, "$alg: once");
}
is(problem(assertion($key, header => { kid => undef })), '', 'without a kid: the only key for the algorithm');
is(problem(assertion($key, aud => [ 'https://other.example', 'https://login.example.com/oauth/token' ])), '', 'for the endpoint, among others');
for (
	[ qr/iss and sub/, iss => 'somebody' ], [ qr/iss and sub/, sub => undef ], [ qr/has another audience/, aud => 'https://login.example.com.evil.example' ],
	[ qr/has another audience/, aud => undef ], [ qr/no jti/, jti => undef ], [ qr/no jti/, jti => '' ], [ qr/no exp/, exp => undef ],
	[ qr/has expired/, exp => int(time) - 31 ], [ qr/longer than 10 minutes/, exp => int(time) + 640 ], [ qr/not valid yet/, nbf => int(time) + 40 ],
	[ qr/not valid yet/, iat => int(time) + 40 ], [ qr/malformed/, exp => 'soon' ], [ qr/malformed/, header => { alg => 'none' } ],
	[ qr/malformed/, header => { alg => 'HS256' } ], [ qr/malformed/, header => { jwk => $key->{jwk} } ],
	[ qr/not signed/, header => { kid => 'another' } ], [ qr/not signed/, header => { kid => "\x{e9}" } ], [ qr/not signed/, header => { kid => $key{ES256}{kid} } ])
{
	my ($expected, %with) = @$_;
	like(problem(assertion($key, %with)), $expected, $json->encode(\%with));
}
my $stranger = new_key('EdDSA');
like(problem(assertion($stranger, header => { kid => $key->{kid} })), qr/not signed/, 'with a key of somebody else');
like(problem(substr assertion($key), 0, -1), qr/malformed|not signed/, 'cut off');
like(problem(''), qr/malformed/, 'nothing');

# overlap and end of keys
register($key->{jwk}, $stranger->{jwk});
is(problem(assertion($_)), '', 'both keys work') for $key, $stranger;
like(problem(assertion($stranger, header => { kid => undef })), qr/not signed/, 'two keys of an algorithm: one must be named');
register($stranger->{jwk});
like(problem(assertion($key)), qr/not signed/, 'a key that was taken out works no more');
is(problem(assertion($stranger)), '', 'the other one does');

# all at once: one transaction gets through, and the others wait for what becomes of it
my @assertions = map { assertion($stranger) } 1 .. 20;
sql('CREATE TABLE assertion (number int, assertion text); TRUNCATE won;' . join '', map { "INSERT INTO assertion VALUES ($_, '$assertions[$_]');" } 0 .. $#assertions);
my $race = "$PostgreSQL::Test::Utils::tmp_check/assertions.sql";
append_to_file($race, "\\set number random(0, 19)\nSELECT assertion FROM assertion WHERE number = :number \\gset\nINSERT INTO won SELECT :number WHERE devapp_internal.assertion_problem('$id', '$client', ':assertion') IS NULL;\n");
$node->command_ok([ 'pgbench', '-n', '-c', '8', '-j', '2', '-t', '40', '-f', $race, 'postgres' ], 'eight clients use the same twenty assertions');
is(sql('SELECT count(*), count(DISTINCT number) FROM won'), '20|20', 'each was good for one of them');
my $again = assertion($stranger);
is(sql(sprintf q{BEGIN; SELECT devapp_internal.assertion_problem('%s', '%s', '%s') IS NULL; ROLLBACK}, $id, $client, $again), 't', 'where nothing was issued, because it was rolled back,');
is(problem($again), '', 'the client may try again');

# who sees the keys: the developers who see the credential
sql(q{SELECT devapp.create_developer('eve@example.com')});
sub keys_seen_by
{
	my ($email) = @_;
	my $claims = sprintf q{{"role": "devapp_developer", "email": "%s", "email_verified": true}}, $email;

	return (split /\n/, sql("SET ROLE devapp_developer; SELECT set_config('request.jwt.claims', '$claims', false); SELECT count(*) FROM devapp.client_key"))[-1];
}
sql('SELECT devapp.setup_roles()');
is(keys_seen_by('ada@example.com'), 1, 'the owner of the client sees its key');
is(keys_seen_by('eve@example.com'), 0, 'another developer does not');

# ---------- tokens for them ----------

put_keyring($node);
sql(q{SELECT FROM devapp.activate_signing_key((SELECT kid FROM devapp.create_signing_key('EdDSA')))});

# The SQLSTATE of a call, 00000 where there is no error.
sub state_of { return scalar((error_of($node, shift))[0]) }

# issue_token() of a gateway, which may do nothing without a proof
sub issue
{
	my ($arguments) = @_;

	return "SET ROLE gateway; SELECT devapp.issue_token('$client', $arguments)";
}

sql('CREATE ROLE gateway IN ROLE devapp_gateway');
my $assertion = assertion($stranger);
is(state_of(issue("assertion => '$assertion'")), '00000', 'an assertion is worth a token');
is(state_of(issue("assertion => '$assertion'")), '28P01', 'once');
$assertion = assertion($stranger);
is(state_of('BEGIN READ ONLY; ' . issue("assertion => '$assertion'")), '25006', 'where nothing can be written, as on a standby, it is worth nothing');
is(state_of(issue("assertion => '$assertion'")), '00000', 'and is not used');
is(state_of(issue("assertion => '" . assertion($key) . "'")), '28P01', 'not with a key that was taken out');
is(state_of(issue("assertion => '" . assertion($stranger) . "', client_secret => 'x'")), '28P01', 'not with a secret as well');
$assertion = assertion($stranger);
is(state_of(issue("assertion => '$assertion', scopes => '{nothing}'")), 'TK001', 'a scope that it does not have');
is(state_of(issue("assertion => '$assertion'")), '00000', 'the assertion was not used for that');
my ($state, $report) = error_of($node, "SET ROLE devapp_admin; SELECT devapp.issue_token('$client', assertion => '$assertion')");
like($report, qr/DETAIL:.*already been used/, 'administrators are told why');

# ---------- tokens that are bound to a key ----------

# A token bound to the key, and a proof for it at "GET /weather/today".
sub bound_token { return sql("SELECT token FROM devapp.issue_token('$client', jkt => '$key->{kid}')") }

sub proof_for
{
	my ($token, $by, %claims) = @_;

	return proof($by, ath => encode_base64url(sha256($token)), %claims);
}

sub verdict
{
	my ($token, $with) = @_;

	return sql("SELECT code FROM devapp.verify_token('$token', '/weather/today', 'GET', dpop => " . (defined $with ? "'$with'" : 'NULL') . ')');
}

my $token = bound_token();
is(verdict($token), 'PROOF_REQUIRED', 'a bound token without a proof');
$proof = proof_for($token, $key);
is(verdict($token, $proof), 'VALID', 'with a proof');
is(verdict($token, $proof), 'PROOF_REQUIRED', 'which is good once');
is(verdict($token, proof_for($token, $key)), 'VALID', 'with another one');
is(verdict($token, proof_for($token, $stranger)), 'PROOF_REQUIRED', 'by another key');
is(verdict($token, proof($key)), 'PROOF_REQUIRED', 'for no token');
is(verdict($token, proof_for(bound_token(), $key)), 'PROOF_REQUIRED', 'for another token');
is(verdict($token, proof_for($token, $key, htm => 'POST')), 'PROOF_REQUIRED', 'for another method');
is(verdict($token, proof_for($token, $key, htu => 'https://api.example.com/weather')), 'PROOF_REQUIRED', 'for another path');
is(verdict($token, 'nonsense'), 'PROOF_REQUIRED', 'with nonsense');

# ---------- over HTTP ----------

my $type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
my $secret = create_app($node, 'with-secret', q{developer => 'ada@example.com', products => '{weather}', kind => 'oauth_client'});
set_config($node, 'devapp.dpop_origins', 'https://api.example.com, https://login.example.com');

# {status, body}: what is answered to a form with these header fields.
sub post
{
	my ($path, $form, %headers) = @_;
	my $body = join '&', map { my $value = $form->{$_}; $value =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ge; "$_=$value" } sort keys %$form;
	my ($status, $answer) = split /\|/, sql(sprintf "SELECT status, convert_from(body, 'UTF8') FROM devapp_api.handle('POST', '%s', NULL, %s, %s)",
		$path, literal($json->encode({ 'Content-Type' => 'application/x-www-form-urlencoded', %headers })), literal($body)), 2;

	return { status => $status, body => $answer eq '' ? {} : $json->decode($answer) };
}

# The same for a token: "200 Bearer", "401 invalid_client".
sub outcome
{
	my $answer = post(@_);

	return join ' ', $answer->{status}, $answer->{body}{error} || $answer->{body}{token_type} || ($answer->{body}{active} ? 'active' : 'nothing');
}
my %grant = (grant_type => 'client_credentials');
my %assert = (%grant, client_assertion_type => $type);

# the algorithms that the metadata names, and each once
my $metadata = $json->decode(sql("SELECT convert_from(body, 'UTF8') FROM devapp_api.handle('GET', '/.well-known/oauth-authorization-server')"));
is(register($stranger->{jwk}, $key{ES256}{jwk}, $key{RS256}{jwk}), 3, 'a key for each algorithm');
my %signer = (EdDSA => [$stranger], Ed25519 => [ $stranger, header => { alg => 'Ed25519' } ], ES256 => [ $key{ES256} ], RS256 => [ $key{RS256} ]);
is(join(' ', sort @{ $metadata->{token_endpoint_auth_signing_alg_values_supported} }), join(' ', sort keys %signer), 'algorithms of assertions');
for my $alg (sort keys %signer)
{
	$assertion = assertion(@{ $signer{$alg} });
	is(outcome('/oauth/token', { %assert, client_assertion => $assertion }), '200 Bearer', "$alg: a token for an assertion alone");
	is(outcome('/token', { %assert, client_assertion => $assertion }), '401 invalid_client', "$alg: once");
}
is(outcome('/oauth/token', { %assert, client_assertion => assertion($stranger, aud => $metadata->{token_endpoint}), client_id => $client }), '200 Bearer', 'with its id, for the endpoint');
is(outcome('/oauth/token', { %assert, client_assertion => assertion($stranger), client_id => $secret->{consumer_key} }), '401 invalid_client', 'with the id of another client');
is(outcome('/oauth/token', { %assert, client_assertion => assertion($key) }), '401 invalid_client', 'with a key of somebody else');
$assertion = assertion($stranger);
is(outcome('/oauth/token', { %assert, client_assertion => $assertion, scope => 'nothing' }), '400 invalid_scope', 'a scope that it does not have');
is(outcome('/oauth/token', { %assert, client_assertion => $assertion }), '200 Bearer', 'the assertion was not used for that');
my $read_only = "BEGIN READ ONLY; SELECT status FROM devapp_api.handle('POST', '/oauth/token', NULL, '{\"Content-Type\": \"application/x-www-form-urlencoded\"}', '";
is(sql($read_only . "grant_type=client_credentials&client_assertion_type=$type&client_assertion=" . assertion($stranger) . "')"), 503, 'where nothing can be written, it is not refused for good');

# tokens that are bound to the key of a proof
sub token_proof { return proof($_[0], htm => 'POST', htu => $metadata->{token_endpoint}, @_[ 1 .. $#_ ]) }
my %basic = (Authorization => 'Basic ' . encode_base64("$secret->{consumer_key}:$secret->{secret}", ''));
is(join(' ', sort @{ $metadata->{dpop_signing_alg_values_supported} }), join(' ', sort keys %signer), 'algorithms of proofs');
for my $alg (sort keys %signer)
{
	my $signed = token_proof(@{ $signer{$alg} });
	my $answer = post('/oauth/token', \%grant, %basic, DPoP => $signed);
	is("$answer->{status} $answer->{body}{token_type}", '200 DPoP', "$alg: a token for a proof");
	is(verdict($answer->{body}{access_token}, proof_for($answer->{body}{access_token}, $signer{$alg}[0])), 'VALID', "$alg: it works with proofs of the key");
	is(outcome('/oauth/token', \%grant, %basic, DPoP => $signed), '400 invalid_dpop_proof', "$alg: the proof once");
}
for ([ 'another method', htm => 'GET' ], [ 'another path', htu => 'https://login.example.com/token' ], [ 'another host', htu => 'https://api.example.com/oauth/token' ],
	[ 'too old', iat => time - 100 ], [ 'signed by another key', header => { jwk => $key{RS256}{jwk}, alg => 'RS256' } ])
{
	my ($what, @claims) = @$_;
	is(outcome('/oauth/token', \%grant, %basic, DPoP => token_proof($key{ES256}, @claims)), '400 invalid_dpop_proof', $what);
}
is(outcome('/oauth/token', \%grant, %basic, DPoP => join ', ', token_proof($stranger), token_proof($stranger)), '400 invalid_dpop_proof', 'two proofs');
is(outcome('/oauth/token', { %assert, client_assertion => assertion($stranger) }, DPoP => token_proof($stranger)), '200 DPoP', 'an assertion and a proof');
# a client that is refused neither uses its proof nor takes the memory of others
$proof = token_proof($stranger);
is(outcome('/oauth/token', { %grant, client_id => $client, client_secret => 'x' }, DPoP => $proof), '401 invalid_client', 'a wrong secret with a proof');
$assertion = assertion($stranger);
is(outcome('/oauth/token', { %assert, client_assertion => $assertion }, DPoP => token_proof($stranger, htm => 'GET')), '400 invalid_dpop_proof', 'an assertion with a wrong proof');
is(outcome('/oauth/token', { %assert, client_assertion => $assertion }, DPoP => $proof), '200 DPoP', 'neither the proof nor the assertion was used');

# who has proved itself by an assertion may ask and revoke
$token = post('/oauth/token', { %assert, client_assertion => assertion($stranger) })->{body}{access_token};
is(outcome('/oauth/introspect', { token => $token, client_assertion_type => $type, client_assertion => assertion($stranger) }), '200 Bearer', 'introspection by an assertion');
is(outcome('/oauth/revoke', { token => $token, client_assertion_type => $type, client_assertion => assertion($stranger) }), '200 nothing', 'revocation by an assertion');
is(outcome('/oauth/introspect', { token => $token, client_assertion_type => $type, client_assertion => assertion($stranger) }), '200 nothing', 'it is not active any more');

# The scheme says what a token is: one that is bound is no bearer token, and with the scheme DPoP
# only one that is bound is good.
my $gateway = sql(q{SELECT FROM devapp_internal.setup_products() \g /dev/null
	SELECT FROM devapp.create_developer('gateway@example.com') \g /dev/null
	SELECT secret FROM devapp.create_app('gateway', 'gateway@example.com', '{devapp-admin}', scopes => '{devapp:verify,devapp:read}')});
sql(q{DO 'BEGIN PERFORM devapp.approve_app(''gateway@example.com/gateway''); END'});

# What /auth says of a call with these fields.
sub auth
{
	my (%fields) = @_;

	return sql(q{SELECT concat_ws(' ', headers ->> 'X-Devapp-Code', headers ->> 'WWW-Authenticate') FROM devapp_api.handle('GET', '/auth', NULL, } .
		literal(encode_json({ 'X-Devapp-Gateway' => $gateway, 'X-Forwarded-Uri' => '/weather/today', 'X-Forwarded-Method' => 'GET', %fields })) . ')');
}

my $bound = bound_token();
my $unbound = sql("SELECT token FROM devapp.issue_token('$secret->{consumer_key}', '$secret->{secret}')");
is(auth(Authorization => "DPoP $bound", DPoP => proof_for($bound, $key)), 'VALID', 'over HTTP: with the scheme DPoP');
is(auth('X-API-Key' => $bound, DPoP => proof_for($bound, $key)), 'VALID', 'or in a field of its own');
is(auth(Authorization => "Bearer $bound", DPoP => proof_for($bound, $key)), 'PROOF_REQUIRED Bearer realm="devapp", error="invalid_token"', 'not as a bearer token');
is(auth(Authorization => "DPoP $bound"), 'PROOF_REQUIRED DPoP realm="devapp", error="invalid_token", algs="EdDSA ES256 RS256"', 'nor without a proof');
is(auth(Authorization => "Bearer $unbound"), 'VALID', 'a token that is not bound');
is(auth(Authorization => "DPoP $unbound", DPoP => proof_for($unbound, $key)), 'PROOF_REQUIRED DPoP realm="devapp", error="invalid_token", algs="EdDSA ES256 RS256"',
	'which no proof binds');

# So it is of the management's tokens; that of a gateway has nothing to do with its client's.
my ($manager, $manager_secret) = split /\|/, sql(q{SELECT FROM devapp.create_app('manager', 'gateway@example.com', '{devapp-admin}', scopes => '{devapp:verify,devapp:read}', kind => 'oauth_client') \g /dev/null
	SELECT consumer_key, secret FROM devapp.issue_credential('gateway@example.com/manager', kind => 'oauth_client')});
sql(qq{DO 'BEGIN PERFORM devapp.approve_app(''gateway\@example.com/manager''); PERFORM devapp.set_credential_product_status(''$manager'', ''devapp-admin'', ''approve''); END'});
my $of_gateway = sql("SELECT token FROM devapp.issue_token('$manager', '$manager_secret')");
is(auth('X-Devapp-Gateway' => $of_gateway, Authorization => "DPoP $bound", DPoP => proof_for($bound, $key)), 'VALID', 'a gateway with a token');
for ([ 'Bearer', 200 ], [ 'DPoP', 401 ])
{
	my ($scheme, $status) = @$_;
	is(sql(q{SELECT status FROM devapp_api.handle('GET', '/v1/organizations/x/developers', NULL, } . literal(encode_json({ Authorization => "$scheme $of_gateway" })) . ')'),
		$status, "management by a token that is not bound, with $scheme");
}

# where no proof can be remembered, none is asked for
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->restart;
is(outcome('/oauth/token', \%grant, %basic, DPoP => token_proof($stranger)), '400 invalid_dpop_proof', 'without shared memory no proof is good');
is(sql("SELECT convert_from(body, 'UTF8')::jsonb ? 'dpop_signing_alg_values_supported' FROM devapp_api.handle('GET', '/.well-known/oauth-authorization-server')"), 'f', 'and the metadata does not name DPoP');
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'devapp'");
$node->restart;

# what extensions see of statements has no secret in it
SKIP:
{
	skip 'auto_explain is not installed', 5 unless state_of("LOAD 'auto_explain'") eq '00000';
	my $log = -s $node->logfile;
	sql("LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on; SET auto_explain.log_analyze = on; SET auto_explain.log_level = 'log';"
		  . "SELECT set_config('test.form', 'grant_type=client_credentials&client_id=$secret->{consumer_key}&client_secret=$secret->{secret}', false);"
		  . 'DO $$ BEGIN PERFORM set_config(\'test.token\', convert_from((devapp_api.handle(\'POST\', \'/oauth/token\', NULL, \'{"Content-Type": "application/x-www-form-urlencoded"}\','
		  . ' convert_to(current_setting(\'test.form\'), \'UTF8\'))).body, \'UTF8\')::jsonb ->> \'access_token\', false);'
		  . ' PERFORM devapp_api.handle(\'POST\', \'/oauth/\' || e, NULL, \'{"Content-Type": "application/x-www-form-urlencoded"}\','
		  . ' convert_to(current_setting(\'test.form\') || \'&token=\' || current_setting(\'test.token\'), \'UTF8\')) FROM unnest(\'{introspect,revoke}\'::text[]) AS e; END $$;');
	my $logged = slurp_file($node->logfile, $log);
	like($logged, qr/token_client/, 'statements within the requests are logged');
	$logged =~ s/.*set_config\('test.form'.*//g;
	unlike($logged, qr/\Q$secret->{secret}\E/, 'without the secret');
	unlike($logged, qr/eyJ[A-Za-z0-9_-]{40}/, 'and without the token');

	# nor where a secret comes in the place of the client's id
	$log = -s $node->logfile;
	sql("LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_verbose = on; SET auto_explain.log_nested_statements = on; SET auto_explain.log_analyze = on; SET auto_explain.log_level = 'log';"
		  . "SET log_parameter_max_length_on_error = -1; SELECT set_config('test.form', 'grant_type=client_credentials&token=x&client_id=$secret->{secret}&client_secret=$secret->{secret}', false);"
		  . 'DO $$ BEGIN PERFORM devapp_api.handle(\'POST\', \'/oauth/\' || e, NULL, \'{"Content-Type": "application/x-www-form-urlencoded"}\','
		  . ' convert_to(current_setting(\'test.form\'), \'UTF8\')) FROM unnest(\'{token,introspect,revoke}\'::text[]) AS e; END $$;');
	$logged = slurp_file($node->logfile, $log);
	like($logged, qr/token_client/, 'the client is looked for');
	$logged =~ s/.*set_config\('test.form'.*//g;
	unlike($logged, qr/\Q$secret->{secret}\E/, 'a secret as client_id is not logged');
}

# nothing that is over stays: here, or already by the worker
my $before = sql('SELECT count(*) FROM devapp.used_assertion');
sql("UPDATE devapp.used_assertion SET expires_at = now() - interval '1 s' WHERE jti_digest = (SELECT jti_digest FROM devapp.used_assertion LIMIT 1)");
sql("INSERT INTO devapp.housekeeping VALUES ('forget_used_assertions', '2000-01-01') ON CONFLICT (task) DO UPDATE SET done_at = '2000-01-01'; SELECT devapp_internal.forget_used_assertions_if_due()");
is(sql('SELECT count(*) FROM devapp.used_assertion'), $before - 1, 'those that have expired are forgotten');
is(sql("SELECT count(*) FROM devapp.used_assertion u WHERE encode(u.jti_digest, 'escape') LIKE '%assertion%'"), 0, 'no jti is stored');

done_testing();
