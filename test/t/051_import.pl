# Keys that other systems made: what verification reads for them, before there are any and
# afterwards; on a standby; that no secret and no hash is seen where it should not be; that slow hashes
# are bounded over the whole server; that a dump keeps them working; and how they are compared in
# databases of other encodings.

use strict;
use warnings FATAL => 'all';

use File::Find;
use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = start_server(
	'main', q{
shared_preload_libraries = 'devapp'
log_statement = none
log_min_messages = debug1
log_min_error_statement = debug1
log_error_verbosity = verbose
log_parameter_max_length = -1
log_parameter_max_length_on_error = -1
log_min_duration_statement = 0
}, init => { allows_streaming => 1 });
make_program($node);
my $app = create_app($node, 'moving in');
my $import = "devapp.import_credential('$app->{app_id}'";

sub sql { return $node->safe_psql('postgres', $_[0]); }

# ---------- what is read ----------

# How often each index of devapp is read by what one session does: the whole of them, and those of
# the digests.
sub scans
{
	my ($session) = @_;

	$session->query_safe('SELECT pg_stat_force_next_flush()');
	return split /\|/, $session->query_safe(
		q{SELECT sum(idx_scan), sum(idx_scan) FILTER (WHERE indexrelname = 'credential_secret_digest_idx')
		    FROM pg_stat_user_indexes WHERE schemaname IN ('devapp', 'devapp_internal')});
}

# scans_of(session, query): by how much they go up.  Other processes, such as autovacuum, may add
# theirs, so the least of three counts is taken.
sub scans_of
{
	my ($session, $query) = @_;
	my @least;

	for (1 .. 3)
	{
		my @before = scans($session);
		$session->query_safe($query);
		my @after = scans($session);
		my @count = map { $after[$_] - $before[$_] } 0 .. 1;
		@least = @count if !@least || $count[0] < $least[0];
	}
	return @least;
}

my $nonsense = q{SELECT count(*) FROM generate_series(1, 500) AS n, devapp.verify_key('no key of ours, number ' || n) AS v WHERE v.code = '%s'};
my $session = $node->background_psql('postgres');
is($session->query_safe(sprintf $nonsense, 'MALFORMED'), 500, 'nothing was imported: another shape is malformed');
my ($all) = scans_of($session, sprintf $nonsense, 'MALFORMED');
is($all, 0, 'and no table is read for it');
is($session->query_safe(q{SELECT code FROM devapp.verify_client('partner-1', 'a secret of the partner')}), 'MALFORMED', 'the same of clients');

# Another session imports; this one hears of it.
sql("SELECT $import, 'Zq4u7x!A%D*G-KaPdSgVkYp3s6v9y/B?')");
is($session->query_safe(sprintf $nonsense, 'NOT_FOUND'), 500, 'something was imported: another shape is looked for');
my ($more, $digests) = scans_of($session, sprintf $nonsense, 'NOT_FOUND');
is("$more $digests", '500 500', 'by one look-up each');
is($session->query_safe(key_codes('Zq4u7x!A%D*G-KaPdSgVkYp3s6v9y/B?')), 'VALID', 'what was imported works');
($more) = scans_of($session, key_codes('Zq4u7x!A%D*G-KaPdSgVkYp3s6v9y/B?'));
is($more, 0, 'and is remembered');
is($session->query_safe(q{SELECT code FROM devapp.verify_client('partner-1', 'a secret of the partner')}), 'MALFORMED', 'clients were not imported yet');
# an import that is rolled back
$session->query_safe("BEGIN; SELECT $import, 'partner-1', 'a secret of the partner, long enough'); ROLLBACK");
is($session->query_safe(q{SELECT code FROM devapp.verify_client('partner-1', 'a secret of the partner, long enough')}), 'MALFORMED', 'nor by a transaction that was rolled back');

# ---------- a standby ----------

$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
my $reader = $standby->background_psql('postgres');
my $client_code = q{SELECT code FROM devapp.verify_client('partner-1', 'bcrypt secret')};
is($reader->query_safe($client_code), 'MALFORMED', 'standby: no client yet');
is($reader->query_safe(key_codes('Zq4u7x!A%D*G-KaPdSgVkYp3s6v9y/B?')), 'VALID', 'standby: an imported key');

# The hash is what crypt() of libxcrypt made of "bcrypt secret".
my $bcrypt = '$2b$06$abcdefghijklmnopqrstuu6sWj.wH3/xGc3kpZMYJW60aPVdPQdmm';
sql("SELECT $import, 'partner-1', secret_hash => '$bcrypt', scheme => 'crypt')");
$node->wait_for_catchup($standby);
is($reader->query_safe($client_code), 'VALID', 'standby: once it is replayed, in a session that asked before');
is($reader->query_safe(q{SELECT code FROM devapp.verify_client('partner-1', 'another secret')}), 'NOT_FOUND', 'standby: another secret');
$reader->quit;
$standby->stop;

# ---------- slow hashes, over the whole server ----------

# Ten failures, each in a session of its own; then nobody is let in.
my $guess = q{SELECT code || coalesce(' ' || (retry_after BETWEEN '0 s' AND '6 s')::text, '') FROM devapp.verify_client('partner-1', 'guess')};
is(join(', ', map { sql($guess) } 1 .. 10), join(', ', ('NOT_FOUND') x 10), 'ten failures of a client');
is(sql($guess), 'UNAVAILABLE true', 'then it has to wait, in any session');
is(sql($client_code), 'UNAVAILABLE', 'also with its secret');
is(sql(q{SELECT devapp.allows('Zq4u7x!A%D*G-KaPdSgVkYp3s6v9y/B?')}), 't', 'others do not wait');

# One place, which a session holds while it computes a hash of the highest cost.
set_config($node, 'devapp.slow_hashes', 1);
sql("SELECT $import, 'dear', secret_hash => '\$2b\$14\$abcdefghijklmnopqrstuu6sWj.wH3/xGc3kpZMYJW60aPVdPQdmm', scheme => 'crypt')");
sql("SELECT $import, 'cheap', secret_hash => '$bcrypt', scheme => 'crypt')");
my $cheap = q{SELECT code || coalesce(' ' || retry_after::text, '') FROM devapp.verify_client('cheap', 'bcrypt secret')};
my $place = q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 3};
my ($out, $err) = ('', '');
my $busy = IPC::Run::start(
	[ 'psql', '-XAtq', '-d', $node->connstr('postgres'), ('-c', q{SELECT code FROM devapp.verify_client('dear', 'guess')}) x 3 ],
	'<', \undef, '>', \$out, '2>', \$err);
my $watcher = $node->background_psql('postgres');
for (1 .. 1800)
{
	last if $watcher->query_safe($place) > 0;
	usleep(10_000);
}
is($watcher->query_safe($cheap), 'UNAVAILABLE 00:00:01', 'one place, which is taken: try again in a second');
$busy->finish;
is($out, "NOT_FOUND\n" x 3, 'who had the place got an answer');
is($watcher->query_safe($place), 0, 'and gave the place back');
is($watcher->query_safe($cheap), 'VALID', 'who had to wait is let in');

# Whoever is interrupted gives the place back as well.
is(error_of($node, "SET statement_timeout = '100ms'; SELECT code FROM devapp.verify_client('dear', 'guess')"), '57014', 'a hash is interrupted');
is($watcher->query_safe($place), 0, 'and its place is given back');
# none at all
set_config($node, 'devapp.slow_hashes', 0);
sql(q{UPDATE devapp.credential SET label = 'forget it' WHERE consumer_key = 'cheap'});
is(sql($cheap), 'UNAVAILABLE', 'no place: waiting does not help');
set_config($node, 'devapp.slow_hashes', 2);
$watcher->quit;
$session->quit;

# From 18 on, pgcrypto knows the crypt() of SHA-256 and SHA-512; the hashes are libxcrypt's.
my %sha_crypt = (
	'sha256 secret' => '$5$rounds=1000$saltstring$wYT6wIyoI0oX1WDSxgYD6z4UUnyyQWCV/awtz6c2q0C',
	'sha512 secret' => '$6$saltstring$T.jAefF0KTb2C9igwxU8a4JjPekA.wXWzSUgs7Y8o4yRkUlrpBmW.p.f2eelOxJB.Q3jgjNb7ncwLi7Eqvk8a.');
my $known = sql('SHOW server_version_num') >= 180000;
for my $plain (sort keys %sha_crypt)
{
	is(error_of($node, "SELECT $import, '$plain', secret_hash => '$sha_crypt{$plain}', scheme => 'crypt')"), $known ? '00000' : '22023', "hash of a $plain");
	is(sql("SELECT code FROM devapp.verify_client('$plain', '$plain')"), $known ? 'VALID' : 'NOT_FOUND', "a $plain");
}

# ---------- where OpenSSL has no MD5, as in FIPS mode ----------

# No algorithm of OpenSSL is there by default but random numbers, without which no server starts.
my $openssl_conf = PostgreSQL::Test::Utils::tempdir() . '/openssl.cnf';
append_to_file($openssl_conf, <<'CONF');
openssl_conf = all
[all]
alg_section = algorithms
random = random
[algorithms]
default_properties = fips=yes
[random]
random = CTR-DRBG
cipher = AES-256-CTR
properties = -fips
seed = SEED-SRC
seed_properties = -fips
CONF
my $md5_crypt = q{secret_hash => '$1$saltsalt$8Vm.2xxXPWiXMc3Fvay73.', scheme => 'crypt')};
my $md5_code = q{SELECT code, retry_after FROM devapp.verify_client('md5', 'md5 secret')};
sql("SELECT $import, 'md5', $md5_crypt");
is(sql($md5_code), 'VALID|', 'MD5-crypt');
{
	local $ENV{OPENSSL_CONF} = $openssl_conf;
	$node->restart;
}
is(sql($md5_code), 'UNAVAILABLE|', 'without MD5: a verdict');
is(sql($cheap), 'VALID', 'without MD5: bcrypt, which pgcrypto computes itself');
is(error_of($node, "SELECT $import, 'md5-2', $md5_crypt"), '55000', 'without MD5: such a hash is not imported');
$node->restart;
is(sql($md5_code), 'VALID|', 'and with it again');

# ---------- what is seen ----------

# The secrets come from files, so that no statement has them.
my $dir = $node->basedir;
my %secret = (
	key => 'Marker1-4eC39HqLyjWDarjtT1zdp7dc',
	client => 'Marker2-L6q3Gv0zWb9RkXy2TnJd8Hs',
	weak => 'Marker3',
	sha256 => 'fe0d2bb32c8a4d2e0a1ec6b9a5d3d39f4a7b6a0a1f9a2b5f7bb0d9a1c3e5f708',
	bcrypt => '$2b$06$Vt1iBq9zUeL0cHnXk7sOTe1111111111111111111111111111111');
for my $name (keys %secret)
{
	open my $handle, '>', "$dir/$name" or die $!;
	print $handle $secret{$name};
	close $handle or die $!;
}
sub from_file { return "pg_read_file('$dir/$_[0]')"; }

my ($missing) = error_of($node, "LOAD 'auto_explain'; LOAD 'pg_stat_statements'");
my $explained = $missing eq '00000';
if ($explained)
{
	$node->append_conf(
		'postgresql.conf', q{
shared_preload_libraries = 'devapp, auto_explain, pg_stat_statements'
pg_stat_statements.track = all
auto_explain.log_min_duration = 0
auto_explain.log_nested_statements = on
auto_explain.log_analyze = on
auto_explain.log_triggers = on
auto_explain.log_verbose = on
});
	$node->restart;
	sql('CREATE EXTENSION pg_stat_statements');
}
sql("SELECT $import, " . from_file('key') . ", note => 'first marker')");
sql("SELECT $import, 'partner-2', " . from_file('client') . ')');
sql("SELECT $import, secret_hash => " . from_file('sha256') . ", scheme => 'sha256')");
sql("SELECT $import, 'partner-3', secret_hash => " . from_file('bcrypt') . ", scheme => 'crypt')");
my $reports = '';

sub fails
{
	my ($name, $state, $call) = @_;
	my ($got, $report) = error_of($node, "SELECT $import, $call)");

	$reports .= $report;
	is($got, $state, "fails: $name");
	return;
}
fails('known already', '23505', from_file('key'));
fails('weak', '22023', from_file('weak'));
fails('a client id that is known', '23505', "'partner-2', " . from_file('client'));
fails('scheme', '22023', "'x', secret_hash => " . from_file('bcrypt') . ", scheme => 'argon2id'");
fails('scheme of a secret', '22023', from_file('key') . " || 'x', scheme => 'sha256'");
fails('product', '42704', from_file('key') . " || 'x', products => '{none}'");
sql(q{CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN RAISE 'a trigger fails' USING ERRCODE = 'P0099'; END $$;
	CREATE TRIGGER zz_fail AFTER INSERT ON devapp.credential_secret FOR EACH ROW EXECUTE FUNCTION fail()});
fails('a trigger', 'P0099', from_file('key') . " || 'x'");
sql('DROP FUNCTION fail() CASCADE');
sql("SELECT devapp.verify_key(" . from_file('key') . "), devapp.verify_client('partner-2', " . from_file('client') . ')');
is(sql('SELECT (devapp.verify_key(' . from_file('key') . ", $Devapp::CALL)).code"), 'VALID', 'the imported key is a real one');
my ($canary) = sql(q{CREATE TABLE canary AS SELECT 'Canary' || md5(random()::text) AS c; SELECT c FROM canary});
sql('CHECKPOINT');

my $log = slurp_file($node->logfile);
# what is sought of a hash is its random end
my %sought = (%secret, bcrypt => '1111111111111111111111111111111', salt => 'Vt1iBq9zUeL0cHnXk7sOTe');
for my $name (sort keys %sought)
{
	is(index($log, $sought{$name}), -1, "log: no $name");
	is(index($reports, $sought{$name}), -1, "errors: no $name");
}
like($log, qr/first marker/, 'log: statements are there');
SKIP:
{
	skip 'auto_explain or pg_stat_statements is not installed', 4 unless $explained;
	like($log, qr/Query Text: INSERT INTO devapp\.credential_secret/, 'log: with the plans of nested statements');
	my $statements = sql(q{SELECT string_agg(query, E'\n') FROM pg_stat_statements});
	like($statements, qr/import_credential/, 'pg_stat_statements: imports are there');
	unlike($statements, qr/Marker\d-|fe0d2bb3|Vt1iBq9z|1111111111/, 'pg_stat_statements: no secret');
}

# Bytes of the data directory: the plain ones and the SHA-256 nowhere; a slow hash is in its table.
my %found;
find({ no_chdir => 1, wanted => sub {
	return unless -f $_ && -r _ && $File::Find::name !~ m{/log/|pgstat|pg_stat};
	my $kind = $File::Find::name =~ m{/pg_wal/} ? 'WAL' : $File::Find::name =~ m{/base/} ? 'base' : 'other';
	my $bytes = slurp_file($_);
	$found{"canary in $kind"}++ if index($bytes, $canary) >= 0;
	$found{"SECRET in $kind"}++ if $bytes =~ /Marker[123]|fe0d2bb32c8a/ || index($bytes, pack('H*', $secret{sha256})) >= 0;
} }, $node->data_dir);
is(join(', ', sort keys %found), 'canary in WAL, canary in base', 'data directory: what is stored is found, a secret is not');
is(sql(q{SELECT count(*) FROM devapp.audit_event e WHERE e::text ~ 'Marker[123]|fe0d2bb3|Vt1iBq9z'}), 0, 'nor in the audit trail');

# ---------- dump and restore ----------

my $dump = "$dir/dump.sql";
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ], 'pg_dump');
my $dumped = slurp_file($dump);
unlike($dumped, qr/Marker[123]|fe0d2bb32c8a/, 'dump: no secret');
like($dumped, qr/\tcrypt:\$2b\$06\$Vt1iBq9z/, 'dump: the slow hash, which is all that is known');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
{
	local $ENV{PGOPTIONS} = '-c devapp.restoring=on';
	$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('restored'), '-f', $dump ], 'restore');
}
is(code($node, $secret{key}, db => 'restored'), 'VALID', 'restored: an imported key');
is($node->safe_psql('restored', q{SELECT code FROM devapp.verify_client('cheap', 'bcrypt secret')}), 'VALID', 'restored: an imported client');
like(doctor($node, 'packed_rows', db => 'restored'), qr/^ok/, 'restored: copies are right');

# ---------- other encodings ----------

for my $encoding (qw(LATIN1 SQL_ASCII))
{
	$node->safe_psql('postgres', "CREATE DATABASE \"$encoding\" TEMPLATE template0 ENCODING '$encoding' LOCALE 'C'");
	make_program($node, db => $encoding);
	$node->safe_psql($encoding, q{SELECT FROM devapp.create_app('other', 'ada@example.com', products => '{weather}')});
}
my $import_other = q{SELECT FROM devapp.import_credential('ada@example.com/other'};
# "Schlüssel, der lang genug ist" in UTF-8; the call has no letter that an encoding changes
my $utf8 = q{'\x5363686cc3bc7373656c2c20646572206c616e672067656e756720697374'::bytea};
$node->safe_psql('LATIN1', "$import_other, secret_hash => encode(sha256($utf8), 'hex'), scheme => 'sha256')");
is($node->safe_psql('LATIN1', "SELECT code FROM devapp.verify_key(convert_from($utf8, 'UTF8'), '/weather/x', 'GET')"), 'NOT_FOUND', 'LATIN1: the text has other bytes than what was hashed');
is($node->safe_psql('LATIN1', "SELECT code FROM devapp.verify_key_bytes($utf8, '/weather/x', 'GET')"), 'VALID', 'LATIN1: the bytes of the gateway');
is($node->safe_psql('LATIN1', "SELECT code FROM devapp.verify_digest(sha256($utf8), '/weather/x', 'GET')"), 'VALID', 'LATIN1: and their digest');
is(error_of($node, qq{$import_other, E'partner \\xff', 'a secret that is long enough')}, db => 'SQL_ASCII'), '22021', 'SQL_ASCII: a client id that is not UTF-8');
is(error_of($node, qq{$import_other, 'partner', E'a secret that is long enough \\xff')}, db => 'SQL_ASCII'), '00000', 'SQL_ASCII: a secret may have any bytes');

$node->stop;
done_testing();
