# The keys that sign tokens: their states, what is published, what the worker does with their
# age.  Private parts and the keyring are nowhere in plain text; what happens without a keyring,
# with another one, and when it changes.

use strict;
use warnings FATAL => 'all';

use File::Find;
use FindBin;
use IPC::Run;
use JSON::PP;
use lib $FindBin::RealBin;
use Devapp;
use MIME::Base64 qw(encode_base64 decode_base64url);
use PostgreSQL::Test::Utils;
use Test::More;

my $python = '/usr/bin/python3';
my %hex = (1 => 'c5e7' x 16, 2 => 'd6F8' x 8, 3 => 'e7a9' x 32);
my $node = start_server(
	'main', q{
log_statement = all
log_min_messages = debug1
log_error_verbosity = verbose
log_min_duration_statement = 0
wal_level = logical
wal_keep_size = 64MB
}, init => { allows_streaming => 1 });
my $has_statements = $node->safe_psql('postgres', q{SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_stat_statements'});
if ($has_statements)
{
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_stat_statements'\npg_stat_statements.track = 'all'");
	$node->restart;
	$node->safe_psql('postgres', 'CREATE EXTENSION pg_stat_statements');
}
make_program($node);
sub sql { return $node->safe_psql('postgres', shift) }

# ---------- without a keyring ----------

is(doctor($node, 'keyring'), 'info|there is no keyring, so no token can be signed', 'no keyring: doctor() says what that means');
is(doctor($node, 'signing_key'), 'info|there is no key, so no token is issued', 'nor is there a key');
is(sql('SELECT devapp.jwks()'), '{"keys": []}', 'nothing is published');
my ($state, $report) = error_of($node, 'SELECT devapp.create_signing_key()');
is($state, '58030', 'no key can be made');
like($report, qr/there is no keyring: devapp\.keyring_file is empty.*HINT:.*set devapp\.keyring_file and reload/s, 'and the error says what to do');
unlike($report, qr/create_signing_key and activate/, 'which is not to make a key');
is(sql('SELECT count(*) FROM devapp.signing_key'), 0, 'nothing was made');
is(error_of($node, 'SELECT devapp.reseal_keys()'), '00000', 'there is nothing to seal again');

# ---------- making, activating, retiring ----------

my $file = put_keyring($node, 1 => $hex{1});
is(doctor($node, 'keyring'), 'ok|keys are sealed with key 1', 'a keyring is read without a restart');

my %kid;
my @algs = ('EdDSA', 'ES256', 'RS256');
$kid{$_} = sql("SELECT kid FROM devapp.create_signing_key(lower('$_'), 'the first')") for @algs;
is(sql('SELECT string_agg(alg || status, $$ $$ ORDER BY alg) FROM devapp.signing_key'), 'ES256next EdDSAnext RS256next', 'new keys are next');
is(sql(q{SELECT alg FROM devapp.create_signing_key()}), 'EdDSA', 'without an algorithm: devapp.token_alg');
is(sql(q{SET devapp.token_alg = 'es256'; SELECT alg FROM devapp.create_signing_key()}), 'ES256', 'whatever that is');
is(error_of($node, "SELECT devapp.create_signing_key('$_')"), '22023', "no key for $_") for 'HS256', 'none', 'ES384', '';
is(doctor($node, 'signing_key'), 'warning|there is no active key for EdDSA, with which tokens are signed', 'doctor(): none is active');

my $jwks = decode_json(sql('SELECT devapp.jwks()'))->{keys};
is(scalar @$jwks, 5, 'keys are published before they sign');
my %members = (EdDSA => 'alg crv kid kty use x', ES256 => 'alg crv kid kty use x y', RS256 => 'alg e kid kty n use');
is(join(' ', sort keys %$_), $members{ $_->{alg} }, "$_->{alg}: the members of a public key") for @$jwks;
is(join(' ', map { $_->{use} } @$jwks), 'sig sig sig sig sig', 'they are for signatures');

for my $alg (@algs)
{
	is(sql("SELECT status, activated_at = now(), longest_lifetime FROM devapp.activate_signing_key('$kid{$alg}')"), 'active|t|01:00:00', "$alg: activated");
	is(sql("SELECT status FROM devapp.activate_signing_key('$kid{$alg}')"), 'active', "$alg: once more changes nothing");
}
is(doctor($node, 'signing_key'), "ok|tokens are signed with $kid{EdDSA}", 'doctor(): one is active');

my $second = sql(q{SELECT kid FROM devapp.signing_key WHERE alg = 'EdDSA' AND status = 'next'});
sql("SELECT devapp.activate_signing_key('$second', 'every year')");
is(sql("SELECT status, verify_until - retired_at BETWEEN '1 hour 30 s' AND '1 hour 1 min', compromised_at IS NULL, decision_note FROM devapp.signing_key WHERE kid = '$kid{EdDSA}'"),
	'retired|t|t|every year', 'the key before is retired, and published until its last token has expired');
is(sql("SELECT count(*) FROM devapp.sealed_key WHERE subject = 'signing_key/$kid{EdDSA}'"), 0, 'its private part is gone');
is(sql("SELECT devapp.jwks() -> 'keys' @> '[{\"kid\": \"$kid{EdDSA}\"}]'"), 't', 'it is published still');
($state, $report) = error_of($node, "SELECT devapp.activate_signing_key('$kid{EdDSA}')");
is($state, '55000', 'a retired key signs no more');
is(sql("SELECT status FROM devapp.retire_signing_key('$kid{EdDSA}')"), 'retired', 'to retire it again changes nothing');
is(sql("SELECT verify_until = now(), compromised_at = now() FROM devapp.retire_signing_key('$kid{EdDSA}', compromised => true, note => 'found in a log')"),
	't|t', 'it turns out to be compromised');
is(sql("SELECT devapp.jwks() -> 'keys' @> '[{\"kid\": \"$kid{EdDSA}\"}]'"), 'f', 'then it is published no more');
is(sql("SELECT status, verify_until - now() BETWEEN '30 s' AND '60 s' FROM devapp.retire_signing_key((SELECT kid FROM devapp.signing_key WHERE alg = 'ES256' AND status = 'next'))"),
	'retired|t', 'a key that never signed');
# others sign with a key until it is retired, however long ago the transaction began
is(sql("BEGIN; SELECT FROM pg_sleep(0.2); SELECT verify_until - now() > '1 hour 30.2 s' FROM devapp.retire_signing_key('$kid{ES256}'); ROLLBACK"),
	't', 'a transaction that is old when it retires a key');
is(error_of($node, "SELECT devapp.$_('nope')"), '42704', "$_: there is no such key") for 'activate_signing_key', 'retire_signing_key';

is(sql("SELECT devapp_internal.lengthen_signing_key('$second', 60); SELECT longest_lifetime FROM devapp.signing_key WHERE kid = '$second'"),
	"\n01:00:00", 'a token that lives for less');
is(sql("SELECT devapp_internal.lengthen_signing_key('$second', 86401); SELECT longest_lifetime FROM devapp.signing_key WHERE kid = '$second'"),
	"\n24:00:01", 'one that lives for longer: the key is published for longer');

# a token that is the secret of a credential lives for longer than access tokens do
my $long = create_app($node, 'long', "developer => 'ada\@example.com', products => '{weather}', kind => 'jwt', expires_in => '30 days'");
my $before = $second;
$second = sql('SELECT kid FROM devapp.create_signing_key()');
sql("SELECT devapp.activate_signing_key('$second')");
is(sql("SELECT k.verify_until >= c.expires_at + interval '30 s' FROM devapp.signing_key k, devapp.credential c WHERE k.kid = '$before' AND c.kind = 'jwt'"), 't', 'its key is published until it has expired');
is(code($node, $long->{secret}), 'VALID', 'and it works');
sql("SELECT devapp.retire_signing_key('$before', compromised => true)");
is(code($node, $long->{secret}), 'TOKEN_REVOKED', 'until its key is compromised');

# what direct statements cannot do
is(error_of($node, $_->[1]), $_->[2], $_->[0])
  for [ 'two active keys', "UPDATE devapp.signing_key SET status = 'active' WHERE alg = 'EdDSA'", '55000' ],
  [ 'a retired key back', "UPDATE devapp.signing_key SET status = 'next', verify_until = NULL WHERE kid = '$kid{EdDSA}'", '55000' ],
  [ 'another public key', "UPDATE devapp.signing_key SET jwk = '{}' WHERE kid = '$second'", '23000' ],
  [ 'a row deleted', 'DELETE FROM devapp.signing_key', '23001' ],
  [ 'an unknown algorithm', "INSERT INTO devapp.signing_key (kid, alg, jwk) VALUES ('x', 'none', '{}')", '22023' ];

# ---------- who may ----------

sql('SELECT devapp.setup_roles(); CREATE ROLE clerk LOGIN IN ROLE devapp_admin; CREATE ROLE gate LOGIN IN ROLE devapp_gateway; CREATE ROLE dev LOGIN IN ROLE devapp_developer; CREATE ROLE analyst LOGIN IN ROLE devapp_analyst');
sub as_role { my ($role, $sql) = @_; return (error_of($node, "SET ROLE $role; $sql"))[0]; }
is(as_role($_, 'SELECT devapp.jwks()'), '00000', "$_ may read what is published") for 'clerk', 'gate', 'dev';
is(as_role('analyst', 'SELECT devapp.jwks()'), '42501', 'an analyst need not');
is(as_role('clerk', 'SELECT * FROM devapp.signing_key; SELECT devapp.reseal_keys()'), '00000', 'an administrator sees the keys');
is(as_role('clerk', 'SELECT * FROM devapp.sealed_key'), '42501', 'but not what is sealed');
is(as_role($_, 'SELECT * FROM devapp.signing_key'), '42501', "$_ does not see the table") for 'gate', 'dev';
is(as_role($_, 'SELECT devapp.create_signing_key()'), '42501', "$_ makes no key") for 'gate', 'dev';

# ---------- nothing is in plain text ----------

# unseal(sealed, subject, key): the private part, by the description in keyring.c
my $unsealer = <<'PYTHON';
import ctypes, ctypes.util, sys
sodium = ctypes.CDLL(ctypes.util.find_library('sodium') or 'libsodium.so.23')
sealed, subject, material = bytes.fromhex(sys.argv[1]), sys.argv[2].encode(), bytes.fromhex(sys.argv[3])
key = ctypes.create_string_buffer(32)
sodium.crypto_generichash(key, 32, b'devapp.keyring.1', ctypes.c_ulonglong(16), material, len(material))
ad, nonce, box = sealed[:3] + subject, sealed[3:27], sealed[27:]
plain = ctypes.create_string_buffer(len(box))
size = ctypes.c_ulonglong()
if sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(plain, ctypes.byref(size), None, box, ctypes.c_ulonglong(len(box)), ad, ctypes.c_ulonglong(len(ad)), nonce, key):
    sys.exit('cannot be unsealed')
print(plain.raw[:size.value].hex())
PYTHON

sub unseal
{
	my ($kid, $number) = @_;
	my $subject = "signing_key/$kid";
	my $sealed = sql("SELECT encode(sealed, 'hex') FROM devapp.sealed_key WHERE subject = '$subject'");
	my @command = ($python, '-c', $unsealer, $sealed, $subject, $hex{$number});
	my ($out, $err) = ('', '');

	IPC::Run::run(\@command, '<', \undef, '>', \$out, '2>', \$err) or die $err;
	chomp $out;
	return pack 'H*', $out;
}

# What a text would have of some bytes: as they are, in hex, in base64 at any place.
sub forms
{
	my ($bytes) = @_;
	my @found = (substr($bytes, 0, 16), unpack 'H*', substr $bytes, 0, 16);

	for my $skip (0 .. 2)
	{
		my $base64 = encode_base64(substr($bytes, $skip, 15), '');
		push @found, $base64, $base64 =~ tr{+/}{-_}r;
	}
	return @found;
}

# The middle of a private part is neither its algorithm nor its public key.
sub middle { my ($bytes) = @_; return substr $bytes, length($bytes) / 2 - 9, 18; }

my %secret = map { ("keyring $_", pack 'H*', $hex{$_}) } 1 .. 3;
if (-x $python)
{
	my %private = (EdDSA => unseal($second, 1), ES256 => unseal($kid{ES256}, 1), RS256 => unseal($kid{RS256}, 1));
	isnt($private{$_}, '', "$_: a private part to look for") for @algs;
	$secret{"private part of $_"} = middle($private{$_}) for @algs;
}

# Which secrets a text has.
sub found_in
{
	my ($text) = @_;

	return join ', ', grep { my $name = $_; grep { index($text, $_) >= 0 || index(lc $text, lc $_) >= 0 && length $_ == 32 } forms($secret{$name}) } sort keys %secret;
}
is(found_in("x" . unpack('H*', $secret{'keyring 1'}) . 'x'), 'keyring 1', 'the search finds something');

sub search_all
{
	my ($when) = @_;
	my (%found, %seen);

	sql('CHECKPOINT');
	find({ no_chdir => 1, wanted => sub {
		return unless -f $_ && -r _;
		my $bytes = slurp_file($_);
		my $kind = m{/pg_wal/} ? 'WAL' : m{/base/} ? 'tables' : 'other';
		$seen{$kind} = 1 if index($bytes, $second) >= 0;
		$found{"$kind: $_"} = 1 for grep { $_ ne '' } found_in($bytes);
	} }, $node->data_dir);
	is(join(' ', grep { $seen{$_} } 'WAL', 'tables'), 'WAL tables', "$when: public parts are in tables and WAL");
	is(join(', ', sort keys %found), '', "$when: nothing secret is in the data directory");
	is(found_in(slurp_file($node->logfile)), '', "$when: nor in the log");
	my ($dump) = run_command([ 'pg_dump', $node->connstr('postgres') ]);
	like($dump, qr/\Q$second\E/, "$when: the dump has the keys");
	is(found_in($dump), '', "$when: but nothing in plain text");
	is(found_in(sql('SELECT string_agg(e::text, $$ $$) FROM devapp.audit_event e')), '', "$when: nor has the audit trail");
	SKIP:
	{
		skip 'pg_stat_statements is not installed', 1 unless $has_statements;
		is(found_in(sql('SELECT string_agg(query, $$ $$) FROM pg_stat_statements')), '', "$when: nor pg_stat_statements");
	}
	return;
}
search_all('keys of all algorithms');
my $sealed_hex = sql("SELECT encode(substr(sealed, 1, 40), 'hex') FROM devapp.sealed_key WHERE subject = 'signing_key/$second'");
is(sql("SELECT count(*) FROM devapp.audit_event e WHERE e::text LIKE '%$sealed_hex%'"), 0, 'the audit trail has not even what is sealed');
is(sql("SELECT string_agg(action, ' ' ORDER BY event_id) FROM devapp.audit_event WHERE entity = 'signing_key' AND entity_id = '$kid{EdDSA}'"),
	'create activate retire update', 'but every step');

# ---------- a new key of the keyring ----------

my $made = 'SELECT kid FROM devapp.create_signing_key()';
my $session = $node->background_psql('postgres', on_error_stop => 0);
isnt($session->query_safe($made), '', 'a session has read the keyring');
put_keyring($node, 1 => $hex{1}, 2 => $hex{2});
my $third = $session->query_safe($made);
is(sql("SELECT devapp_internal.sealed_with(sealed) FROM devapp.sealed_key WHERE subject = 'signing_key/$third'"), 2, 'the newest key seals, also in a session that had read the file before');
is(doctor($node, 'keyring'), 'warning|4 key(s) are sealed with an older key than 2', 'doctor() counts what an older key has sealed');
put_keyring($node, 2 => $hex{2});
like(doctor($node, 'keyring'), qr/^error\|there are keys sealed with keys that are not in the keyring: 1$/, 'the old key was taken out too early');
($state, $report) = error_of($node, 'SELECT devapp.reseal_keys()');
is($state, '58030', 'what it has sealed cannot be sealed again');
like($report, qr/has no key 1.*HINT:/s, 'the error names its number');
put_keyring($node, 1 => $hex{1}, 2 => $hex{2});
is(sql('SELECT devapp.reseal_keys()'), 4, 'put back: it can');
is(sql('SELECT devapp.reseal_keys()'), 0, 'once');
put_keyring($node, 2 => $hex{2});
is(doctor($node, 'keyring'), 'ok|keys are sealed with key 2', 'now the old key can go');
SKIP:
{
	skip 'python3 is not installed', 1 unless -x $python;
	is(middle(unseal($second, 2)), $secret{'private part of EdDSA'}, 'and the private part is the same');
}
put_keyring($node, 2 => $hex{3});
like(doctor($node, 'keyring'), qr/^error\|the keyring does not have the keys that sealed signing_key\//, 'another key under the same number');
is(error_of($node, $made), '00000', 'it seals what is new');
put_keyring($node, 2 => $hex{2}, 3 => $hex{3});
sql("SELECT devapp.retire_signing_key(substr(subject, 13)) FROM devapp.sealed_key WHERE NOT devapp_internal.can_unseal(subject, sealed)");
is(sql('SELECT devapp.reseal_keys()'), 5, 'those that were sealed with the other key are retired');

# one secret in the place of another
sql("UPDATE devapp.sealed_key SET sealed = (SELECT sealed FROM devapp.sealed_key WHERE subject = 'signing_key/$third') WHERE subject = 'signing_key/$second'");
like(doctor($node, 'keyring'), qr{^error\|the keyring does not have the keys that sealed signing_key/\Q$second\E$}, 'what is sealed belongs to its key');
$second = $third;
sql("SELECT devapp.activate_signing_key('$second')");
is(doctor($node, 'keyring'), 'ok|keys are sealed with key 3', 'put in order');
search_all('after a new keyring');

# ---------- a keyring that is not usable ----------

my $client = create_app($node, 'client', "developer => 'ada\@example.com', products => '{weather}', kind => 'oauth_client'");
my $issue = "SELECT token FROM devapp.issue_token('$client->{consumer_key}')";
my $token = $session->query_safe($issue);
for my $case (
	[ 'readable by others', sub { chmod oct '604', $file }, sub { chmod oct '600', $file }, qr/Users other than its owner have access/ ],
	[ 'gone', sub { rename $file, "$file.gone" }, sub { rename "$file.gone", $file }, qr/could not open keyring file.*HINT:/s ],
	[ 'empty', sub { rename $file, "$file.gone"; append_to_file($file, ''); chmod oct '600', $file }, sub { rename "$file.gone", $file }, qr/It contains no key/ ])
{
	my ($name, $break, $mend, $expected) = @$case;

	$break->();
	($state, $report) = error_of($node, $made);
	is($state, '58030', "$name: nothing is sealed");
	like($report, $expected, "$name: the error says why");
	my (undef, $failed) = $session->query($made);
	is($failed, 1, "$name: nor in a session that had read it");
	(undef, $failed) = $session->query($issue);
	is($failed, 1, "$name: which signs nothing, although it has the private key ready");
	is((error_of($node, $issue))[0], '58030', "$name: nor does a new one");
	(undef, $report) = error_of($node, "SET ROLE gate; SELECT token FROM devapp.issue_token('$client->{consumer_key}', '$client->{secret}')");
	like($report, qr/keyring file(?: is|:)/, "$name: a gateway hears that, too");
	unlike($report =~ s/STATEMENT.*//sr, qr/\Q$file\E/, "$name: but not where the file is");
	is(sql("SELECT code FROM devapp.verify_token('$token', $Devapp::CALL)"), 'VALID', "$name: tokens are verified");
	$session->{stderr} = '';
	like(doctor($node, 'keyring'), qr/^error\|/, "$name: doctor() says so");
	isnt(sql('SELECT devapp.jwks()'), '{"keys": []}', "$name: the public keys are there");
	$mend->();
	is($session->query_safe('SELECT 1'), 1, "$name: put back");
	isnt($session->query_safe($made), '', "$name: it works again");
	isnt($session->query_safe($issue), '', "$name: and signs");
}

# a private key that a session has ready signs no more when its key is retired
my $successor = sql($made);
sql("SELECT devapp.activate_signing_key('$successor')");
my ($header) = split /\./, $session->query_safe($issue);
is(decode_json(decode_base64url($header))->{kid}, $successor, 'a session that has the private key of a retired key ready signs with the active one');
$second = $successor;
$session->quit;

# ---------- another server without the keyring ----------

my $bare = start_server('bare');
my $dump_file = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-f', $dump_file, $node->connstr('postgres') ], 'a dump');
$bare->safe_psql('postgres', 'CREATE DATABASE restored TEMPLATE template0');
$bare->safe_psql('postgres', "CREATE ROLE $_") for map { "devapp_$_" } qw(admin analyst auditor developer gateway http reporter scanner);
{
	local $ENV{PGOPTIONS} = '-c devapp.restoring=on';
	my @restore = ('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', $dump_file, '-d', $bare->connstr('restored'));
	$bare->command_ok(\@restore, 'is restored on a server without the keyring');
}
is($bare->safe_psql('restored', 'SELECT devapp.jwks()'), sql('SELECT devapp.jwks()'), 'the same keys are published');
like(doctor($bare, 'keyring', db => 'restored'), qr/^error\|devapp\.keyring_file is empty, but \d+ key\(s\) are sealed$/, 'doctor() says what lacks');
($state, $report) = error_of($bare, $made, db => 'restored');
is($state, '58030', 'no key can be made there');
like($report, qr/HINT:.*a copy of a database needs the file of the original/s, 'and the hint says what to do');
put_keyring($bare, 2 => $hex{2}, 3 => $hex{3});
is(doctor($bare, 'keyring', db => 'restored'), 'ok|keys are sealed with key 3', 'with the keyring of the old server all is well');
isnt($bare->safe_psql('restored', $made), '', 'and keys can be made');
$bare->stop;

# ---------- the age of keys ----------

sub run_policy { return sql("SET devapp.signing_key_age = '90d'; SET devapp.signing_key_publish = '2d'; SELECT devapp_internal.renew_signing_keys_if_due();
	SELECT string_agg(status, ' ' ORDER BY status) FROM devapp.signing_key WHERE alg = 'EdDSA' AND status <> 'retired'") =~ s/^\s+//r; }
# the clock is not ours, so the rows are put back in time
sub make_older
{
	my ($status, $activated, $created) = @_;

	return sql("SET session_replication_role = replica; UPDATE devapp.signing_key
		SET activated_at = now() - interval '$activated', created_at = now() - interval '$created' WHERE alg = 'EdDSA' AND status = '$status'");
}
sql("SELECT devapp.retire_signing_key(kid) FROM devapp.signing_key WHERE status = 'next'");
is(run_policy(), 'active', 'a young key stays as it is');
make_older('active', '87 days', '87 days');
is(run_policy(), 'active', 'so does one that is not near its age');
make_older('active', '88 days', '88 days');
is(run_policy(), 'active next', 'one that is near it gets a successor');
is(run_policy(), 'active next', 'one');
make_older('active', '91 days', '91 days');
is(run_policy(), 'active next', 'which is published before it signs');
is(sql("SET devapp.signing_key_age = '90d'; SELECT status, detail FROM devapp.doctor() WHERE check_name = 'signing_key'"), "warning|keys are older than devapp.signing_key_age: $second", 'doctor() says that the key is old');
make_older('next', '0', '2 days');
is(run_policy(), 'active', 'then it takes the place of the old one');
is(sql("SELECT status, decision_note FROM devapp.signing_key WHERE kid = '$second'"), 'retired|devapp.signing_key_age', 'which is retired');
make_older('active', '1 year', '1 year');
is(sql("SELECT devapp_internal.renew_signing_keys_if_due(); SELECT string_agg(status, ' ' ORDER BY status) FROM devapp.signing_key WHERE alg = 'EdDSA' AND status <> 'retired'"),
	"\nactive", 'without a policy nothing is done');

# ---------- settings ----------

is(error_of($node, "SELECT devapp.uuid_v7(); SET devapp.issuer = '$_->[0]'"), $_->[1], "issuer $_->[0]")
  for [ 'https://example.com/a', '00000' ], [ 'urn:example:a', '00000' ], [ '', '00000' ], [ 'example.com', '22023' ], [ 'https://example.com?a', '22023' ],
  [ 'https://example.com/#a', '22023' ], [ 'https://example.com/a b', '22023' ], [ 'x:' . 'a' x 1030, '22023' ];
is(error_of($node, "SELECT devapp.uuid_v7(); SET devapp.token_alg = 'HS256'"), '22023', 'no algorithm with a shared secret');
is(as_role('clerk', "SELECT devapp.uuid_v7(); SET devapp.$_->[0] = '$_->[1]'"), '42501', "$_->[0] is for superusers")
  for [ 'issuer', 'x:y' ], [ 'token_alg', 'ES256' ], [ 'token_max_lifetime', '1d' ], [ 'signing_key_age', '1d' ], [ 'signing_key_publish', '1d' ], [ 'dpop_origins', 'https://a.example' ];
is(as_role('clerk', 'SELECT devapp.uuid_v7(); SHOW devapp.keyring_file'), '42501', 'the place of the keyring');

done_testing();
