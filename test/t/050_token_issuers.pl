# Tokens of other issuers: their keys are stored, shared secrets are sealed, a claim names
# the client, the app or the developer.  What cannot be stored, what is refused, what ends at
# the next call.

use strict;
use warnings FATAL => 'all';

use Digest::SHA qw(hmac_sha256);
use FindBin;
use IPC::Run;
use JSON::PP;
use lib $FindBin::RealBin;
use Devapp;
use MIME::Base64 qw(encode_base64url);
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'openssl is not installed' unless system('openssl version >/dev/null 2>&1') == 0;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $node = start_server('main', "log_min_messages = debug1\nlog_error_verbosity = verbose\nlog_parameter_max_length_on_error = 0");
make_program($node);
sub sql { return $node->safe_psql('postgres', shift) }
sub fails
{
	my ($name, $sql, $state, $expected) = @_;
	my ($got, $report) = error_of($node, $sql);

	is($got, $state, "$name: refused");
	like($report, $expected, "$name: says why") if $expected;
	return $report;
}

# ---------- keys of an identity provider ----------

my $json = JSON::PP->new->canonical;

sub openssl
{
	my ($input, @arguments) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run([ 'openssl', @arguments ], '<', \$input, '>', \$out, '2>', \$err) or die "openssl @arguments: $err";
	return $out;
}
openssl('', 'genrsa', '-out', "$dir/$_.pem", '2048') for 'one', 'two';

sub rsa_jwk
{
	my ($name) = @_;
	my ($modulus) = openssl('', 'rsa', '-in', "$dir/$name.pem", '-noout', '-modulus') =~ /=([0-9A-F]+)/;

	return { kty => 'RSA', kid => $name, n => encode_base64url(pack 'H*', $modulus), e => 'AQAB' };
}
my $secret = 'a shared secret that nobody else may know';
sub oct_jwk { my ($kid, $bytes) = @_; return { kty => 'oct', kid => $kid, alg => 'HS256', k => encode_base64url($bytes) } }
sub set_of { return $json->encode({ keys => [@_] }) }

# sign(kid, claims, header members)
sub sign
{
	my ($kid, $claims, %header) = @_;
	my $alg = $kid eq 'shared' ? 'HS256' : 'RS256';
	my %all = (alg => $alg, kid => $kid, typ => 'JWT', %header);
	delete $all{$_} for grep { !defined $all{$_} } keys %all;
	my $signed = join '.', map { encode_base64url($json->encode($_)) } \%all, $claims;

	if ($alg eq 'HS256')
	{
		return "$signed." . encode_base64url(hmac_sha256($signed, $secret));
	}
	unlink "$dir/signature";
	openssl($signed, 'dgst', '-sha256', '-sign', "$dir/$kid.pem", '-out', "$dir/signature");
	return "$signed." . encode_base64url(slurp_file("$dir/signature"));
}

my $issuer = 'https://login.example.com/';
my $now = time;
my %good = (iss => $issuer, aud => 'https://api.example.com', exp => $now + 600, iat => $now, email => 'Ada@Example.com');
my $create = "SELECT devapp.create_token_issuer('$issuer', audience => '{https://api.example.com,other}', claim => 'email', names => 'developer', jwks =>";

# ---------- what cannot be stored ----------

my $public = set_of(rsa_jwk('one'));
fails('no audience', "SELECT devapp.create_token_issuer('$issuer', '$public', $_)", '22023', qr/requires an audience.*HINT/s)
  for 'NULL', "'{}'", "'{\"\"}'";
fails('our own issuer', "SELECT devapp.create_token_issuer('urn:devapp:postgres', '$public', '{a}')", '22023', qr/is the issuer of the tokens of this database/);
fails('our own issuer by another name', "SET devapp.issuer = '$issuer'; $create '$public')", '22023', qr/is the issuer of the tokens of this database/);
fails("issuer $_", "SELECT devapp.create_token_issuer($_, '$public', '{a}')", '22023', qr/a token issuer must be 1 to 1024 bytes long/) for 'NULL', "''", "' x'", "repeat('x', 1025)";
fails('unknown kind of name', "SELECT devapp.create_token_issuer('$issuer', '$public', '{a}', names => 'person')", '22023', qr/names/);
my %private = %{ rsa_jwk('one') };
my %ed25519 = (kty => 'OKP', crv => 'Ed25519', x => '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo');
for my $case (
	[ 'no set', '[]', qr/not an object with an array/ ], [ 'null', 'null', qr/not an object with an array/ ], [ 'no keys', '{"keys": []}', qr/has no key for signatures/ ],
	[ 'an encryption key', set_of({ %private, use => 'enc' }), qr/has no key for signatures/ ],
	[ 'another algorithm', set_of({ %private, alg => 'RS512' }), qr/has no key for signatures/ ],
	[ 'a private key', set_of({ %private, d => 'AQAB' }), qr/Key 1 has its private part/ ],
	[ 'no kid', set_of({ map { $_ => $private{$_} } qw(kty n e) }), qr/Key 1 has no kid/ ],
	[ 'a kid twice', set_of(rsa_jwk('one'), { %{ rsa_jwk('two') }, kid => 'one' }), qr/Key 2 has the kid of another key/ ],
	[ 'a short modulus', set_of({ %private, n => substr $private{n}, 0, 171 }), qr/Key 1 is malformed or too weak/ ],
	[ 'a modulus of 8200 bits', set_of({ %private, n => encode_base64url("\xff" x 1025) }), qr/Key 1 is malformed or too weak/ ],
	[ '65 keys', set_of(map { { %ed25519, kid => "$_" } } 1 .. 65), qr/The set has too many keys/ ],
	[ 'a short secret', set_of(rsa_jwk('one'), oct_jwk('shared', substr $secret, 0, 31)), qr/Key 2 is malformed or too weak/ ],
	[ 'an item that is no key', '{"keys": [1]}', qr/Key 1 is malformed/ ])
{
	fails($case->[0], "$create '$case->[1]')", '22023', $case->[2]);
}
my $report = fails('a secret without a keyring', "$create '" . set_of(rsa_jwk('one'), oct_jwk('shared', $secret)) . "')", '58030', qr/there is no keyring/);
unlike($report =~ s/LINE.*|STATEMENT.*//sr, qr/\Q@{[encode_base64url($secret)]}\E/, 'which the error does not show');
is(sql('SELECT count(*) FROM devapp.token_issuer'), 0, 'nothing was stored');

# ---------- a developer ----------

is(sql("SELECT issuer, secrets, names, is_active FROM devapp.create_token_issuer('$issuer', '" . set_of({ %private, x5c => ['AAAA'] }, { kty => 'OKP', crv => 'X25519', kid => 'dh', x => 'AAAA' })
		. "', '{https://api.example.com,other}', 'email', 'Developer', note => 'single sign-on')"), "$issuer|0|developer|t", 'an issuer is stored');
is(sql('SELECT jwks FROM devapp.token_issuer'), sql("SELECT jsonb_build_object('keys', jsonb_build_array('" . $json->encode({ %private, use => 'sig', alg => 'RS256' }) . "'::jsonb))"),
	'with the members of its keys that count, and without what is not for signatures');
fails('an issuer twice', "$create '$public')", '23505', qr/already exists.*HINT/s);

my $ada = sql('SELECT developer_id FROM devapp.developer');
sub developer_of { my ($token) = @_; return sql("SELECT devapp_internal.token_developer('$token')") }
is(developer_of(sign('one', \%good)), $ada, 'a developer by e-mail');
is(developer_of(sign('one', { %good, email => $ada })), $ada, 'by id');
is(developer_of(sign('one', { %good, aud => [ 'x', 'other' ] })), $ada, 'one of several audiences');
is(developer_of(sign('one', \%good, typ => 'at+jwt')), $ada, 'an access token');
is(developer_of(sign('one', \%good, typ => undef)), $ada, 'a token that does not say what it is');
is(developer_of(sign('one', { %good, exp => $now - 20 })), $ada, 'clocks differ');
is(developer_of(sign('one', $_->[1], %{ $_->[2] || {} })), '', "refused: $_->[0]")
  for [ 'another audience', { %good, aud => 'https://api.example.com/' } ], [ 'no audience', { map { $_ => $good{$_} } qw(iss exp email) } ],
  [ 'another issuer', { %good, iss => 'https://login.example.com' } ], [ 'no issuer', { map { $_ => $good{$_} } qw(aud exp email) } ],
  [ 'expired', { %good, exp => $now - 60 } ], [ 'no end', { map { $_ => $good{$_} } qw(iss aud email) } ], [ 'too early', { %good, nbf => $now + 60 } ],
  [ 'nobody of that name', { %good, email => 'eve@example.com' } ], [ 'no name', { map { $_ => $good{$_} } qw(iss aud exp) } ], [ 'a number for a name', { %good, email => 1 } ],
  [ 'a name with a NUL', { %good, email => "ada\0" } ], [ 'an id of nobody', { %good, email => '00000000-0000-7000-8000-000000000000' } ],
  [ 'bound to a key', { %good, cnf => { jkt => encode_base64url('x' x 32) } } ],
  [ 'not a token for us', \%good, { typ => 'logout+jwt' } ], [ 'an unknown key', \%good, { kid => 'three' } ], [ 'a key of another algorithm', \%good, { alg => 'HS256' } ];
is(developer_of(sign('two', \%good, kid => 'one')), '', 'refused: signed with another key');
is(developer_of($_), '', 'refused: noise') for '', 'x', 'x.y.z', 'é';

# ---------- new keys ----------

my $session = $node->background_psql('postgres');
my ($by_one, $by_two, $by_shared) = map { "SELECT devapp_internal.token_developer('" . sign($_, \%good) . "')" } qw(one two shared);
is($session->query_safe($by_one), $ada, 'a session has met the issuer');
sql("SELECT devapp.set_token_issuer_keys('$issuer', '" . set_of(rsa_jwk('one'), rsa_jwk('two')) . "')");
is($session->query_safe($by_two), $ada, 'a new key is good at the next call');
sql("SELECT devapp.set_token_issuer_keys('$issuer', '" . set_of(rsa_jwk('two')) . "')");
is($session->query_safe($by_one), '', 'one that is gone is not');
is($session->query_safe("BEGIN; SELECT FROM devapp.update_token_issuer('$issuer', is_active => false); $by_two"), '', 'an issuer that is not active');
is($session->query_safe("ROLLBACK; $by_two"), $ada, 'it was rolled back');
# an issuer that was never committed must not stay in a backend that has met it
my $by_undone = "SELECT devapp_internal.token_developer('" . sign('two', { %good, iss => 'https://undone.example.com' }) . "')";
is($session->query_safe("BEGIN; SELECT FROM devapp.create_token_issuer('https://undone.example.com', '" . set_of(rsa_jwk('two')) . "', '{https://api.example.com}', 'email', 'developer'); $by_undone"), $ada, 'an issuer that was just stored');
is($session->query_safe("ROLLBACK; $by_undone"), '', 'is gone when that is rolled back');
sql("SELECT devapp.update_token_issuer('$issuer', audience => '{elsewhere}')");
is($session->query_safe($by_two), '', 'another audience');
sql("SELECT devapp.update_token_issuer('$issuer', audience => '{https://api.example.com}')");
is($session->query_safe($by_two), $ada, 'the right one');
fails('an unknown issuer', "SELECT devapp.set_token_issuer_keys('nobody', '$public')", '42704', qr/token issuer nobody does not exist.*FROM devapp\.token_issuer/s);
fails('no audience any more', "SELECT devapp.update_token_issuer('$issuer', audience => '{}')", '22023', qr/requires an audience/);

# a job that may do nothing else
sql('SELECT devapp.setup_roles(); CREATE ROLE fetcher LOGIN; GRANT USAGE ON SCHEMA devapp TO fetcher; GRANT EXECUTE ON FUNCTION devapp.set_token_issuer_keys TO fetcher; CREATE ROLE clerk LOGIN IN ROLE devapp_admin; CREATE ROLE dev LOGIN IN ROLE devapp_developer');
is(error_of($node, "SET ROLE fetcher; SELECT FROM devapp.set_token_issuer_keys('$issuer', '" . set_of(rsa_jwk('two')) . "')"), '00000', 'a job stores keys');
is(error_of($node, "SET ROLE fetcher; SELECT FROM devapp.update_token_issuer('$issuer')"), '42501', 'and does nothing else');
$report = fails('an issuer that the job names wrongly', "SET ROLE fetcher; SELECT FROM devapp.set_token_issuer_keys('nobody', '$public')", '42704', qr/HINT:  Give the name under which an administrator stored the issuer/);
unlike($report, qr/HINT:.*SELECT/, 'the hint does not name a table that the job may not read');
is(error_of($node, "SET ROLE clerk; SELECT FROM devapp.update_token_issuer('$issuer'); SELECT FROM devapp.token_issuer"), '00000', 'an administrator does');
is(error_of($node, "SET ROLE dev; $_"), '42501', 'a developer does not') for "SELECT FROM devapp.token_issuer", "SELECT devapp.delete_token_issuer('$issuer')";

# ---------- shared secrets ----------

put_keyring($node);
is(sql("SELECT secrets FROM devapp.set_token_issuer_keys('$issuer', '" . set_of(rsa_jwk('two'), oct_jwk('shared', $secret)) . "', 'with a secret')"), 1, 'a shared secret');
is($session->query_safe($by_shared), $ada, 'verifies');
is($session->query_safe($by_two), $ada, 'so does the public key beside it');
my $digits = encode_base64url($secret);
unlike(sql("SELECT string_agg(i::text, '') FROM devapp.token_issuer i"), qr/\Q$digits\E|shared/, 'it is not in its row');
unlike(sql("SELECT string_agg(e::text, '') FROM devapp.audit_event e"), qr/\Q$digits\E/, 'nor in the audit trail');
like(sql("SELECT string_agg(e.note, ' ' ORDER BY e.event_id) FROM devapp.audit_event e WHERE e.entity = 'token_issuer' AND e.entity_id = '$issuer'"), qr/^single sign-on with a secret$/, 'which has why');
my ($dump) = run_command([ 'pg_dump', $node->connstr('postgres') ]);
like($dump, qr/\Q$issuer\E/, 'the issuer is in a dump');
unlike($dump, qr/\Q$digits\E/, 'the secret is not');
is(doctor($node, 'keyring'), 'ok|keys are sealed with key 1', 'doctor() can unseal it');
put_keyring($node, 2 => 'ab' x 32);
is($session->query_safe($by_shared), $ada, 'a session that has unsealed it goes on');
is(sql($by_shared), '', 'a new one cannot');
is(sql($by_two), $ada, 'but has the public key');
put_keyring($node, 1 => 'c5e7' x 16, 2 => 'ab' x 32);
is(sql($by_shared), $ada, 'with the right keyring it can');
is(sql('SELECT devapp.reseal_keys()'), 1, 'sealed again');
put_keyring($node, 2 => 'ab' x 32);
is(sql($by_shared), $ada, 'it is the same');
sql("SELECT devapp.set_token_issuer_keys('$issuer', '" . set_of(rsa_jwk('two')) . "')");
is(sql('SELECT count(*) FROM devapp.sealed_key'), 0, 'a secret that is replaced is gone');
is($session->query_safe($by_shared), '', 'and verifies nothing any more');

# ---------- clients and apps ----------

my $shop = create_app($node, 'web/shop', "developer => 'ada\@example.com', products => '{weather}', kind => 'oauth_client'");
my $team = create_app($node, 'shop', "team => 'red', products => '{weather}'") if sql("SELECT FROM devapp.create_team('red'); SELECT 1");
# verify(token, more arguments): code, consumer key
sub verification { my ($token, $more) = @_; return "SELECT code, consumer_key FROM devapp.verify_token('$token', $Devapp::CALL" . ($more ? ", $more" : '') . ')' }
sub verify { return sql(verification(@_)) }
my %call = map { $_ => $good{$_} } qw(iss aud exp);
is(verify(sign('two', \%good)), 'NO_PRODUCT|', 'behind a developer stands no product');
sql("SELECT devapp.update_token_issuer('$issuer', claim => 'azp', names => 'client')");
my $by_client = sign('two', { %call, azp => $shop->{consumer_key}, jti => 'j1' });
is(verify($by_client), "VALID|$shop->{consumer_key}", 'a client by its consumer key');
is(verify(sign('two', { %call, azp => 'nobody' })), 'NOT_FOUND|', 'an unknown client');
is(verify(sign('two', { %call, azp => $shop->{consumer_key}, exp => $now - 60 })), "EXPIRED|$shop->{consumer_key}", 'an expired token');
is(verify(sign('two', { %call, azp => $shop->{consumer_key}, nbf => $now + 90 })), "EXPIRED|$shop->{consumer_key}", 'one that is too early');
is(verify(sign('two', { azp => $shop->{consumer_key}, iss => $issuer, aud => $call{aud} })), 'MALFORMED|', 'one without an end');
my %by_shop = (%call, azp => $shop->{consumer_key});
is(verify(sign('two', { %by_shop, exp => $_ })), "VALID|$shop->{consumer_key}", "it ends at $_") for $now + 600.5, 253402300799;
is(verify(sign('two', { %by_shop, exp => $_ })), 'MALFORMED|', "it ends at $_") for -1, 253402300800, 'never';

# an array of arrays, that many
sub nested { my ($depth) = @_; my $value = []; $value = [$value] for 2 .. $depth; return $value }
is(verify(sign('two', { %by_shop, more => nested(15) })), "VALID|$shop->{consumer_key}", '16 levels');
is(verify(sign('two', { %by_shop, more => nested(16) })), 'MALFORMED|', '17 levels');
is(verify(sign('two', { %by_shop, map { ("more$_" => 1) } 1 .. 256 - keys %by_shop })), "VALID|$shop->{consumer_key}", '256 names');
is(verify(sign('two', { %by_shop, map { ("more$_" => 1) } 1 .. 257 - keys %by_shop })), 'MALFORMED|', '257 names');
is(verify(sign('two', { %by_shop, aud => [ $call{aud}, map { "a$_" } 1 .. $_ ] })), $_ < 32 ? "VALID|$shop->{consumer_key}" : 'MALFORMED|', "audiences: $_ others") for 31, 32;
is(verify(sign('two', { %by_shop, scope => join ' ', 'read', 1 .. $_ })), $_ < 256 ? "VALID|$shop->{consumer_key}" : 'MALFORMED|', "scopes: $_ others") for 255, 256;
is(verify(sign('two', { %call, azp => $shop->{consumer_key} }, typ => 'logout+jwt')), 'MALFORMED|', 'something else that the issuer signs');
is(verify(sign('two', { %call, azp => $shop->{consumer_key}, cnf => { 'x5t#S256' => encode_base64url('x' x 32) } })), "PROOF_REQUIRED|$shop->{consumer_key}", 'one that is bound');
my $bound_otherwise = sign('two', { %call, azp => $shop->{consumer_key}, cnf => { kid => 'of another kind' } });
is(verify($bound_otherwise), "PROOF_REQUIRED|$shop->{consumer_key}", 'one that is bound in a way that is unknown here');
is(sql("SELECT devapp.introspect('$bound_otherwise')"), '{"active": false}', 'is not active, because no proof of it is good');
is(verify($by_client, "scope => 'write'"), "VALID|$shop->{consumer_key}", 'without scopes it has those of its client');
is(verify(sign('two', { %call, azp => $shop->{consumer_key}, scope => 'read openid' }), "scope => '$_->[0]'"), "$_->[1]|$shop->{consumer_key}", "with scopes: $_->[0]")
  for [ 'read', 'VALID' ], [ 'write', 'SCOPE_INSUFFICIENT' ], [ 'openid', 'SCOPE_INSUFFICIENT' ];
is(verify($by_client, "audience => '$_->[0]'"), $_->[1], "audience $_->[0]") for [ 'https://api.example.com', "VALID|$shop->{consumer_key}" ], [ 'other', 'NOT_FOUND|' ];

# what is remembered ends with what it was made from
is($session->query_safe(verification($by_client)), "VALID|$shop->{consumer_key}", 'a session has verified a token');
sql("SELECT devapp.revoke_credential('$shop->{consumer_key}')");
is($session->query_safe(verification($by_client)), "CREDENTIAL_REVOKED|$shop->{consumer_key}", 'its credential is revoked');
sql("SELECT devapp.approve_credential('$shop->{consumer_key}'); SELECT devapp.update_token_issuer('$issuer', audience => '{elsewhere}')");
is($session->query_safe(verification($by_client)), 'NOT_FOUND|', 'its issuer has another audience');
sql("SELECT devapp.update_token_issuer('$issuer', audience => '{https://api.example.com}')");
is($session->query_safe(verification($by_client)), "VALID|$shop->{consumer_key}", 'has the old one again');
my $without_jti = sign('two', { %call, azp => $shop->{consumer_key}, iat => 1 });
is($session->query_safe(verification($without_jti)), "VALID|$shop->{consumer_key}", 'a token without a jti');
sql("SELECT devapp.revoke_token(token => '$without_jti')");
is($session->query_safe(verification($without_jti)), "TOKEN_REVOKED|$shop->{consumer_key}", 'can be revoked');
is($session->query_safe(verification($by_client)), "VALID|$shop->{consumer_key}", 'by itself');
sql("SELECT devapp.revoke_token(jti => 'j1')");
is($session->query_safe(verification($by_client)), "VALID|$shop->{consumer_key}", 'the jti of another issuer is none of ours');
sql("SELECT devapp.revoke_token(jti => '$issuer j1')");
is($session->query_safe(verification($by_client)), "TOKEN_REVOKED|$shop->{consumer_key}", 'but with its name before it');
is(sql("SELECT devapp.introspect('$by_client')"), '{"active": false}', 'and is not active');

sql("SELECT devapp.update_token_issuer('$issuer', names => 'app')");
my $team_id = sql("SELECT app_id FROM devapp.app WHERE name = 'shop'");
for my $case ([ $shop->{app_id}, $shop ], [ uc $shop->{app_id}, $shop ], [ $shop->{app_id} =~ tr/-//dr, $shop ], [ 'Ada@example.com/web/shop', $shop ], [ ' ada@example.com /web/shop ', undef ],
	[ 'team:red/shop', $team ], [ 'team:r%65d/shop', undef ], [ $team_id, $team ], [ 'ada@example.com', undef ], [ 'shop', undef ], [ 'team:red/web', undef ], [ '', undef ],
	[ '00000000-0000-7000-8000-000000000000', undef ], [ "$shop->{app_id}0", undef ], [ '-' . $shop->{app_id}, undef ])
{
	my ($name, $app) = @$case;

	is(verify(sign('two', { %call, azp => $name })), $app ? "VALID|$app->{consumer_key}" : 'NOT_FOUND|', "an app: $name");
}
my $by_app = sign('two', { %call, azp => $shop->{app_id}, jti => 'j2' });
my $by_name = sign('two', { %call, azp => 'ada@example.com/web/shop', jti => 'j2' });
my $next = Devapp::issued($node, "devapp.issue_credential('$shop->{app_id}', products => '{weather}')");
is($session->query_safe(verification($by_app)), "VALID|$shop->{consumer_key}", 'of several credentials, the one that was issued first');
sql("SELECT devapp.revoke_credential('$shop->{consumer_key}')");
is(verify($by_app), "VALID|$next->{consumer_key}", 'of those that work');
is($session->query_safe(verification($by_app)), "VALID|$next->{consumer_key}", 'also where another one was remembered');
sql("SELECT devapp.revoke_credential('$next->{consumer_key}')");
is(verify($by_app), "CREDENTIAL_REVOKED|$shop->{consumer_key}", 'if none works, the first says why');
is($session->query_safe(verification($by_app)), "CREDENTIAL_REVOKED|$shop->{consumer_key}", 'also where that is remembered');
sql("SELECT devapp.approve_credential('$next->{consumer_key}')");
is($session->query_safe(verification($by_app)), "VALID|$next->{consumer_key}", 'until another one works');
is($session->query_safe(verification($by_name)), "VALID|$next->{consumer_key}", 'by name');
sql("SELECT devapp.update_app('$shop->{app_id}', name => 'renamed')");
is($session->query_safe(verification($by_name)), 'NOT_FOUND|', 'which it has no more');
is($session->query_safe(verification($by_app)), "VALID|$next->{consumer_key}", 'by id nothing changes');

# the credential behind it expires, which is no change of a row
my $short = create_app($node, 'short', "developer => 'ada\@example.com', products => '{weather}', expires_in => '3 seconds'");
my $long = Devapp::issued($node, "devapp.issue_credential('$short->{app_id}', products => '{weather}', expires_in => '5 seconds')");
my $by_short = sign('two', { %call, azp => $short->{app_id} });
is($session->query_safe(verification($by_short)), "VALID|$short->{consumer_key}", 'a credential that expires soon');
sql("SELECT pg_sleep_until(expires_at) FROM devapp.credential WHERE consumer_key = '$short->{consumer_key}'");
is($session->query_safe(verification($by_short)), "VALID|$long->{consumer_key}", 'has expired: another one works');
is(verify($by_short), "VALID|$long->{consumer_key}", 'for a new session as well');
sql("SELECT pg_sleep_until(expires_at) FROM devapp.credential WHERE consumer_key = '$long->{consumer_key}'");
is($session->query_safe(verification($by_short)), "EXPIRED|$short->{consumer_key}", 'none works any more');
is(verify($by_short), "EXPIRED|$short->{consumer_key}", 'for nobody');

# our own name is never another's, and a secret that cannot be unsealed is no verdict on the token
sql("SELECT devapp.set_token_issuer_keys('$issuer', '" . set_of(oct_jwk('shared', $secret)) . "')");
my $by_secret = sign('shared', { %call, azp => $shop->{app_id} });
is(verify($by_secret), "VALID|$next->{consumer_key}", 'a shared secret');
put_keyring($node, 3 => 'ef' x 32);
is(verify($by_secret), 'UNAVAILABLE|', 'that cannot be unsealed');
is(verify(sign('two', { %call, azp => $shop->{app_id} })), 'NOT_FOUND|', 'other keys are unknown all the same');
put_keyring($node, 2 => 'ab' x 32);
is(verify($by_secret), "VALID|$next->{consumer_key}", 'and can again');

# what a token says may have characters that the encoding of the database lacks
sub euc { return $node->safe_psql('euc', shift) }
sql("CREATE DATABASE euc ENCODING 'EUC_JP' LOCALE 'C' TEMPLATE template0");
make_program($node, db => 'euc');
my $here = euc("SELECT consumer_key FROM devapp.create_app('shop', 'ada\@example.com', '{weather}', kind => 'oauth_client')");
euc("SELECT devapp.create_token_issuer('$issuer', '" . set_of(oct_jwk('shared', $secret)) . "', '{https://api.example.com}')");
my ($euro, $day) = ("\xE2\x82\xAC", "\xE6\x97\xA5");
my %abroad = (%call, client_id => $here, sub => $day, azp => $euro, jti => "j$euro", aud => [ $call{aud}, $euro ]);
my $from_abroad = sign('shared', \%abroad);
is(euc("SELECT devapp.introspect('$from_abroad') - '{active,client_id,exp,iss,scope,token_type}'::text[] = jsonb_build_object('sub', convert_from('\\xE697A5', 'UTF8'), 'aud', ARRAY['$call{aud}'])"), 't',
	'it is told as far as it can be');
is(euc("SELECT devapp.revoke_token('$from_abroad'); SELECT (devapp.verify_token('$from_abroad', $Devapp::CALL)).code"), "\nTOKEN_REVOKED", 'and can be revoked');
is(euc("SELECT convert_from(convert_to(jti, 'EUC_JP'), 'EUC_JP') ~ '^https://login.example.com/ [-_0-9A-Za-z]{43}\$' FROM devapp.revoked_token"), 't', 'by what can be stored');

# somebody gives our tokens the name of another issuer
my $called_alike = "SET devapp.issuer = '$issuer'";
my $row = "SELECT status, detail FROM devapp.doctor() WHERE check_name = 'token_issuer'";
is(sql($row), 'ok|the issuer of our tokens is urn:devapp:postgres', 'doctor(): each has a name of its own');
is(sql("$called_alike; $row"), "warning|$issuer is the name of our own issuer and of a stored one: tokens signed by either are accepted", 'doctor(): two of one name');
is(sql("$called_alike; " . verification($by_secret)), "VALID|$next->{consumer_key}", "the other's tokens are taken");
sql('SELECT devapp.activate_signing_key(k.kid) FROM devapp.create_signing_key() AS k');
my $alike = create_app($node, 'alike', "developer => 'ada\@example.com', products => '{weather}', kind => 'oauth_client'");
my $ours = sql("$called_alike; SELECT token FROM devapp.issue_token('$alike->{consumer_key}')");
is(sql("$called_alike; " . verification($ours)), "VALID|$alike->{consumer_key}", 'so are ours');
like(sql("BEGIN; SELECT FROM devapp.update_token_issuer('$issuer', is_active => false); $called_alike; $row; ROLLBACK"), qr/^ok\|the issuer of our tokens is \Q$issuer\E$/m, 'doctor(): an issuer that is not active does no harm');

is(sql("SELECT issuer FROM devapp.delete_token_issuer('$issuer', 'over')"), $issuer, 'deleted');
is($session->query_safe($by_two), '', 'its tokens are unknown');
fails('deleted', "SELECT devapp.delete_token_issuer('$issuer')", '42704');
# ---------- the example of RFC 9068, section 2.2, with a key of ours ----------

my %rfc9068 = (iss => 'https://authorization-server.example.com/', sub => '5ba552d67', aud => 'https://rs.example.com/', exp => 1639528912, iat => 1618354090,
	jti => 'dbe39bf3a3ba4238a513f51d6e1691c4', client_id => 's6BhdRkqt3', scope => 'openid profile reademail');
sql("SELECT FROM devapp.create_token_issuer('$rfc9068{iss}', '" . set_of(rsa_jwk('two')) . "', '{$rfc9068{aud}}')");
is(verify(sign('two', \%rfc9068, typ => 'at+JWT')), 'NOT_FOUND|', 'its client is nobody here');
$rfc9068{client_id} = $alike->{consumer_key};
is(verify(sign('two', \%rfc9068, typ => 'at+JWT')), "EXPIRED|$alike->{consumer_key}", 'it was good until 2021');
$rfc9068{exp} = $now + 600;
is(verify(sign('two', \%rfc9068, typ => $_), "audience => '$rfc9068{aud}'"), "VALID|$alike->{consumer_key}", "and is good again, with typ $_") for 'at+JWT', 'application/at+jwt';
is(verify(sign('two', \%rfc9068, typ => 'at+JWT'), "scope => 'read'"), "SCOPE_INSUFFICIENT|$alike->{consumer_key}", 'but its scopes are none of ours');
$session->quit;

unlike(slurp_file($node->logfile) =~ s/^.*?STATEMENT:.*?$//mgr, qr/(?:DETAIL|HINT|ERROR|CONTEXT):[^\n]*\Q$digits\E/, 'no message in the log has the secret');

done_testing();
