# Tampering with the audit trail, by a superuser with all triggers off: each kind is
# found and named.  What is rewritten as a whole is found by what was exported.  The
# key that signs: missing, not usable, changed.  A dump is verified where it is
# restored, and sealed on.

use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use Digest::SHA qw(sha256);
use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use MIME::Base64;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('main');
make_program($node);

my $tempdir = abs_path(PostgreSQL::Test::Utils::tempdir);
my $file = "$tempdir/audit.key";
my @seeds = ('c1a9' x 16, 'd2b8' x 16);

sub put_file
{
	my ($text, $mode) = @_;

	open my $handle, '>', $file or die $!;
	print $handle $text;
	close $handle or die $!;
	chmod $mode || oct '600', $file or die $!;
	return;
}

sub psql { return $node->safe_psql('postgres', @_) }

# The checkpoint after n more events: (tree_size, note)
sub seal
{
	my ($n) = @_;

	psql("SELECT devapp.set_attribute('product', 'weather', 'n', i || random()::text) FROM generate_series(1, $n) AS i")
	  if $n;
	my ($size, $note) = split /\|/, psql('SELECT tree_size, note FROM devapp.seal_audit()'), 2;
	return ($size, $note);
}

# ---------- three checkpoints: one unsigned, two signed ----------

is(doctor($node, 'audit_key'), 'warning|there is no key, so checkpoints of the audit trail are not signed',
	'no key: doctor() warns');
is(doctor($node, 'audit_seal'), 'ok|nothing is sealed yet', 'doctor(): nothing is sealed');
my ($a, $note_a) = seal(600);
like($note_a, qr/\Adevapp\n$a\n[A-Za-z0-9+\/]{43}=\n\n?\z/, 'no key: the note has no signature');

put_file("# the key\n$seeds[0]\n");
set_config($node, 'devapp.audit_origin', 'example.com/audit');
set_config($node, 'devapp.audit_key_file', $file);
my $verifier = psql('SELECT devapp.audit_public_key()');
is(doctor($node, 'audit_key'), "ok|checkpoints are signed with $verifier", 'a key: doctor()');
is((seal(0))[1], $note_a, 'a key, but nothing new: the checkpoint stays as it is');
my ($b, $note_b) = seal(5);
my ($c, $note_c) = seal(5);
is($b - $a, 5, 'five events, five leaves');
is(doctor($node, 'audit_seal'), "ok|$c events are sealed", 'doctor(): what is sealed');

# an event of each kind that is not sealed
psql("SELECT devapp.set_attribute('product', 'weather', 'n', 'last')");

sub problems
{
	my ($note) = @_;
	my $argument = defined $note ? literal($note) : '';

	return psql("SELECT problem, event_id, leaf_index FROM devapp.verify_audit($argument)");
}

is(problems($_), '', 'nothing is wrong') for (undef, $note_a, $note_b, $note_c);

# ---------- the signature, by other tools ----------

my ($name, $id, $key) = split /\+/, $verifier, 3;
my $public = decode_base64($key);
is($name, 'example.com/audit', 'verifier key: its name is the origin');
is($id, unpack('H8', sha256("$name\n$public")), 'verifier key: its hash');
is(substr($public, 0, 1), "\x01", 'verifier key: Ed25519');
like($note_c, qr/\Aexample\.com\/audit\n$c\n\S{44}\n\n\xE2\x80\x94 example\.com\/audit \S{92}\n?\z/,
	'the note is signed');
my ($text, $line) = $note_c =~ /\A(.*\n)\n(.*)/s;
my ($signed_with, $signature) = unpack('a4 a64', decode_base64((split / /, $line)[2]));
is(unpack('H8', $signed_with), $id, 'the signature names the key');
SKIP:
{
	my $openssl = `openssl version 2>/dev/null` || '';
	skip 'openssl 3 is not here', 2 unless $openssl =~ /^OpenSSL 3/;
	my %content = (
		text => $text,
		wrong => "$text ",
		signature => $signature,
		key => pack('H*', '302a300506032b6570032100') . substr($public, 1));
	for my $part (keys %content)
	{
		open my $handle, '>:raw', "$tempdir/$part" or die $!;
		print $handle $content{$part};
		close $handle or die $!;
	}
	my @verify = ('openssl', 'pkeyutl', '-verify', '-pubin', '-keyform', 'DER', '-inkey', "$tempdir/key",
		'-rawin', '-sigfile', "$tempdir/signature", '-in');
	command_ok([ @verify, "$tempdir/text" ], 'OpenSSL accepts the signature');
	command_fails([ @verify, "$tempdir/wrong" ], 'and not over another text');
}

# ---------- proofs, by RFC 9162 ----------

sub node_hash { return sha256("\x01", @_) }
sub bytes { return map { pack 'H*', $_ } @_ }

# 2.1.3.2 and 2.1.4.2 climb alike; $step gets a hash and whether it is a left sibling
sub climb
{
	my ($fn, $sn, $path, $step) = @_;

	for my $p (@$path)
	{
		return 0 if $sn == 0;
		my $left = ($fn & 1) || $fn == $sn;
		$step->($p, $left);
		while ($left && !($fn & 1) && $fn != 0) { $fn >>= 1; $sn >>= 1 }
		$fn >>= 1;
		$sn >>= 1;
	}
	return $sn == 0;
}

sub root_of
{
	my ($note) = @_;

	return decode_base64((split /\n/, $note)[2]);
}

for my $event (split /\n/, psql('SELECT event_id FROM devapp.audit_leaf WHERE leaf_index % 37 = 0 OR leaf_index IN ('
		. join(',', 255, 256, 257, 511, 512, $c - 1) . ')'))
{
	my ($index, $entry, @path) = split /[|,]/, psql(
		"SELECT p.leaf_index, encode(devapp.audit_entry(e), 'hex'),
		        (SELECT string_agg(encode(h, 'hex'), ',' ORDER BY n) FROM unnest(p.path) WITH ORDINALITY AS x(h, n))
		   FROM devapp.audit_event e, devapp.audit_proof(e.event_id, $c) p WHERE e.event_id = $event");
	my $r = sha256("\0", pack 'H*', $entry);
	ok( climb($index, $c - 1, [ bytes(@path) ],
			sub { $r = $_[1] ? node_hash($_[0], $r) : node_hash($r, $_[0]) })
		  && $r eq root_of($note_c),
		"inclusion of event $event");
}

for my $pair ([ $a, $note_a, $b, $note_b ], [ $a, $note_a, $c, $note_c ], [ $b, $note_b, $c, $note_c ])
{
	my ($first, $first_note, $second, $second_note) = @$pair;
	my @path = bytes(split /\n/,
		psql("SELECT encode(h, 'hex') FROM unnest(devapp.audit_consistency($first, $second)) WITH ORDINALITY AS x(h, n) ORDER BY n"));
	unshift @path, root_of($first_note) unless $first & ($first - 1);
	my ($fn, $sn) = ($first - 1, $second - 1);
	while ($fn & 1) { $fn >>= 1; $sn >>= 1 }
	my ($fr, $sr) = ($path[0], $path[0]);
	ok( climb($fn, $sn, [ @path[ 1 .. $#path ] ],
			sub {
				$fr = node_hash($_[0], $fr) if $_[1];
				$sr = $_[1] ? node_hash($_[0], $sr) : node_hash($sr, $_[0]);
			})
		  && $fr eq root_of($first_note)
		  && $sr eq root_of($second_note),
		"consistency of $first and $second leaves");
}

# ---------- tampering ----------

# after(name, SQL, problems, note): what verify_audit() finds after SQL, which is
# undone; E<n> in the expected rows is the event of leaf n
sub after
{
	my ($name, $sql, $expected, $note) = @_;
	my $argument = defined $note ? literal($note) : '';
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	$expected =~ s/E<(\d+)>/event($1)/ge;
	is( psql("BEGIN; SET LOCAL session_replication_role = replica; SET LOCAL client_min_messages = error; $sql;
		SELECT problem, event_id, leaf_index FROM devapp.verify_audit($argument); ROLLBACK"),
		$expected, $name);
	return;
}

sub event { return psql("SELECT event_id FROM devapp.audit_leaf WHERE leaf_index = $_[0]") }

my $sealed = event(300);
my $waiting = psql('SELECT max(event_id) FROM devapp.audit_event');

# every column counts
my %change = (
	actor => "'mallory\@example.com'", db_role => "'mallory'", client_addr => "'10.0.0.1'",
	transaction_id => "'3'", action => "'delete'", entity => "'app'", entity_id => "'x'",
	app_id => 'devapp.uuid_v7()', developer_id => 'devapp.uuid_v7()', team_id => 'devapp.uuid_v7()',
	before => q('{"a": "b"}'), after => q('{"a": "b"}'), note => "''",
	occurred_at => "occurred_at + interval '1 microsecond'");
for my $column (sort keys %change)
{
	my $update = "UPDATE devapp.audit_event e SET $column = $change{$column} WHERE event_id = $sealed";
	after("altered: $column", $update, "event_altered|$sealed|300");
	after("altered: $column, and its hash",
		"$update; UPDATE devapp.audit_event e SET leaf_hash = devapp_internal.audit_leaf_hash(e) WHERE event_id = $sealed",
		"event_altered|$sealed|300");
}
is( psql(q{SELECT string_agg(attname, ' ' ORDER BY attname) FROM pg_attribute
	WHERE attrelid = 'devapp.audit_event'::regclass AND attnum > 0 AND attname NOT IN ('event_id', 'leaf_hash')}),
	join(' ', sort keys %change),
	'no column was left out');
after('altered: its hash only', "UPDATE devapp.audit_event SET leaf_hash = sha256('') WHERE event_id = $sealed",
	"event_altered|$sealed|300");
after('altered before it was sealed', "UPDATE devapp.audit_event SET note = 'x' WHERE event_id = $waiting",
	"event_altered|$waiting|");
after('the same, sealed since',
	"UPDATE devapp.audit_event SET note = 'x' WHERE event_id = $waiting; SELECT FROM devapp.seal_audit()",
	"event_altered|$waiting|$c");
after('another number', "UPDATE devapp.audit_event SET event_id = 1000000 WHERE event_id = $sealed",
	"event_missing|$sealed|300\nevent_altered|1000000|\nevent_inserted|1000000|");

after('removed', "DELETE FROM devapp.audit_event WHERE event_id = $sealed", "event_missing|$sealed|300");
after('removed: all', 'DELETE FROM devapp.audit_event WHERE event_id <= ' . event(2),
	"event_missing|E<0>|0\nevent_missing|E<1>|1\nevent_missing|E<2>|2");

my $forge = sub {
	my ($xid) = @_;
	return "INSERT INTO devapp.audit_event (event_id, occurred_at, db_role, transaction_id, action, entity, entity_id, leaf_hash)
		VALUES (0, now() - interval '1 hour', 'x', $xid, 'create', 'app', 'x', '');
		UPDATE devapp.audit_event e SET leaf_hash = devapp_internal.audit_leaf_hash(e) WHERE event_id = 0";
};
after('inserted into the past', $forge->("'3'"), 'event_inserted|0|');
after('inserted as one of now: it is new', $forge->('pg_current_xact_id()'), '');
after('a copy of another time',
	"INSERT INTO devapp.audit_event SELECT event_id, occurred_at - interval '1 s', actor, db_role, client_addr, transaction_id, action,
		entity, entity_id, app_id, developer_id, team_id, before, after, note, leaf_hash FROM devapp.audit_event WHERE event_id = $sealed",
	"event_altered|$sealed|300");

# leaves
my $swap = sub {
	my ($i, $j) = @_;
	return "UPDATE devapp.audit_leaf SET leaf_index = -1 WHERE leaf_index = $i;
		UPDATE devapp.audit_leaf SET leaf_index = $i WHERE leaf_index = $j;
		UPDATE devapp.audit_leaf SET leaf_index = $j WHERE leaf_index = -1";
};
my ($i, $j) = ($b + 1, $b + 3);
after('two leaves swapped', $swap->($i, $j), "root_mismatch||$b\nleaf_reordered|E<$j>|$i\nleaf_reordered|E<$i>|$j");
after('two neighbours swapped', $swap->(10, 11), "root_mismatch||0\nleaf_reordered|E<11>|10\nleaf_reordered|E<10>|11");
after('two of other checkpoints swapped', $swap->($a + 1, $i),
	"root_mismatch||$a\nleaf_reordered|E<$i>|" . ($a + 1) . "\nleaf_reordered|E<" . ($a + 1) . ">|$i");
after('hash of a leaf', "UPDATE devapp.audit_leaf SET leaf_hash = sha256('') WHERE leaf_index = 300",
	"root_mismatch||0\nleaf_altered|$sealed|300");
after('hash of a late leaf', "UPDATE devapp.audit_leaf SET leaf_hash = sha256('') WHERE leaf_index = $i",
	"root_mismatch||$b\nleaf_altered|E<$i>|$i");
after('no hash', "UPDATE devapp.audit_leaf SET leaf_hash = '' WHERE leaf_index = $i",
	"leaf_altered||$i\nroot_mismatch||$b\nleaf_altered|E<$i>|$i");
after('hashes of event and leaf',
	"UPDATE devapp.audit_event SET note = 'x' WHERE event_id = $sealed;
	 UPDATE devapp.audit_event e SET leaf_hash = devapp_internal.audit_leaf_hash(e) WHERE event_id = $sealed;
	 UPDATE devapp.audit_leaf l SET leaf_hash = e.leaf_hash FROM devapp.audit_event e WHERE l.event_id = e.event_id AND e.event_id = $sealed",
	'root_mismatch||0');
after('a leaf removed', "DELETE FROM devapp.audit_leaf WHERE leaf_index = 300", "leaf_missing||300\nevent_inserted|$sealed|");
after('the last leaf removed', 'DELETE FROM devapp.audit_leaf WHERE leaf_index = ' . ($c - 1),
	'leaf_missing||' . ($c - 1) . "\nevent_inserted|E<" . ($c - 1) . '>|');
after('a leaf removed with its event',
	"DELETE FROM devapp.audit_leaf WHERE leaf_index = 300; DELETE FROM devapp.audit_event WHERE event_id = $sealed",
	'leaf_missing||300');
after('leaves added', "INSERT INTO devapp.audit_leaf SELECT $c, event_id, leaf_hash FROM devapp.audit_event WHERE event_id = $waiting",
	"checkpoint_missing||$c");

# subtrees
after('a subtree', "UPDATE devapp.audit_node SET hash = sha256('') WHERE level = 8 AND position = 1", 'node_altered||256');
after('a subtree removed', 'DELETE FROM devapp.audit_node WHERE level = 9', 'node_altered||0');
after('a subtree added', "INSERT INTO devapp.audit_node VALUES (10, 0, sha256(''))", 'node_altered||');

# nor are there proofs over them
for my $case (
	[ 'a proof over a subtree that was altered', "UPDATE devapp.audit_node SET hash = sha256('') WHERE level = 8 AND position = 1",
		"devapp.audit_proof((SELECT event_id FROM devapp.audit_leaf WHERE leaf_index = 0), $c)", qr/stored subtrees do not match the leaves/ ],
	[ 'a consistency over one', "UPDATE devapp.audit_node SET hash = sha256('') WHERE level = 8 AND position = 1",
		"devapp.audit_consistency(256, $c)", qr/stored subtrees do not match the leaves/ ],
	[ 'a proof over one that was removed', 'DELETE FROM devapp.audit_node WHERE level = 8 AND position = 1',
		"devapp.audit_proof((SELECT event_id FROM devapp.audit_leaf WHERE leaf_index = 0), $c)", qr/A subtree is missing/ ])
{
	my ($what, $sql, $call, $like) = @$case;
	my ($state, $report) = error_of($node, "BEGIN; SET LOCAL session_replication_role = replica; $sql; SELECT $call");

	is($state, 'XX001', $what);
	like($report, $like, "$what: why");
}

# checkpoints
after('the first checkpoint removed', "DELETE FROM devapp.audit_checkpoint WHERE tree_size = $a", 'checkpoint_missing||');
after('one between removed', "DELETE FROM devapp.audit_checkpoint WHERE tree_size = $b", 'checkpoint_missing||');
after('the last one removed', "DELETE FROM devapp.audit_checkpoint WHERE tree_size = $c", "checkpoint_missing||$b");
after('all removed', 'DELETE FROM devapp.audit_checkpoint', 'checkpoint_missing||0');
after('its size', "UPDATE devapp.audit_checkpoint SET tree_size = tree_size + 1 WHERE tree_size = $b",
	join("\n", ('checkpoint_altered||') x 3));
after('its root', "UPDATE devapp.audit_checkpoint SET root = sha256('') WHERE tree_size = $b", 'checkpoint_altered||');
after('its frontier', "UPDATE devapp.audit_checkpoint SET frontier = frontier || '\\x00' WHERE tree_size = $b", 'checkpoint_altered||');
after('the one before it', "UPDATE devapp.audit_checkpoint SET previous_size = 1 WHERE tree_size = $b", 'checkpoint_altered||');
after('its note', "UPDATE devapp.audit_checkpoint SET note = 'x' WHERE tree_size = $b", 'checkpoint_altered||');
after('root and note, unsigned',
	"UPDATE devapp.audit_checkpoint SET root = sha256(''), note = E'devapp\\n$a\\n' || encode(sha256(''), 'base64') || E'\\n\\n' WHERE tree_size = $a",
	'checkpoint_altered||');
after('the origin in its note, unsigned',
	"UPDATE devapp.audit_checkpoint SET note = replace(note, E'devapp\\n', E'other\\n') WHERE tree_size = $a", 'checkpoint_altered||');
after('the origin of column and note, unsigned, against the checkpoint that was exported',
	"UPDATE devapp.audit_checkpoint SET origin = 'other', note = replace(note, E'devapp\\n', E'other\\n') WHERE tree_size = $a",
	'checkpoint_altered||', $note_a);
after('the size in its note', "UPDATE devapp.audit_checkpoint SET note = replace(note, E'\\n$b\\n', E'\\n1\\n') WHERE tree_size = $b",
	"checkpoint_altered||\nsignature_invalid||");

# signatures
my $other = substr($note_b, -20, 1) eq 'A' ? 'B' : 'A';
my $forged = $note_b;
substr($forged, -20, 1) = $other;
after('a signature', 'UPDATE devapp.audit_checkpoint SET note = ' . literal("$forged\n") . " WHERE tree_size = $b", 'signature_invalid||');
after('a signature removed',
	"UPDATE devapp.audit_checkpoint SET public_key = NULL, note = left(note, strpos(note, E'\\n\\n') + 1) WHERE tree_size = $c",
	'signature_missing||');
after('the key removed', "UPDATE devapp.audit_checkpoint SET public_key = NULL WHERE tree_size = $c", 'signature_invalid||');
after('another key', "UPDATE devapp.audit_checkpoint SET public_key = sha256('') WHERE tree_size = $c", 'signature_invalid||');
after('no key', "UPDATE devapp.audit_checkpoint SET public_key = '' WHERE tree_size = $c", 'checkpoint_altered||');

# a log that does not go on from its last checkpoint is not sealed on
for my $case (
	[ 'frontier', "UPDATE devapp.audit_checkpoint SET frontier = '' WHERE tree_size = $c" ],
	[ 'root', "UPDATE devapp.audit_checkpoint SET root = sha256('') WHERE tree_size = $c" ],
	[ 'leaf', 'DELETE FROM devapp.audit_leaf WHERE leaf_index = ' . ($c - 1) ],
	[ 'checkpoint', "DELETE FROM devapp.audit_checkpoint WHERE tree_size = $c" ])
{
	my ($what, $sql) = @$case;
	my ($state, $report) = error_of($node,
		"BEGIN; SET LOCAL session_replication_role = replica; $sql; SELECT devapp.seal_audit()");

	is($state, 'XX001', "$what: seal_audit() refuses");
	like($report, qr/the sealed audit trail is damaged.*HINT:.*verify_audit/s, "$what: and says what to do");
}

# ---------- rewritten as a whole ----------

my $reseal = 'TRUNCATE devapp.audit_leaf, devapp.audit_node, devapp.audit_checkpoint; SELECT FROM devapp.seal_audit()';
my $rewrite = "DELETE FROM devapp.audit_event WHERE event_id = $sealed; $reseal";
after('rewritten and sealed anew: by itself it is whole', $rewrite, '');
after('rewritten: what was exported tells', $rewrite, "log_rewritten||", $note_b);
after('altered, sealed anew: what was exported tells',
	"UPDATE devapp.audit_event SET note = 'x' WHERE event_id = $sealed;
	 UPDATE devapp.audit_event e SET leaf_hash = devapp_internal.audit_leaf_hash(e) WHERE event_id = $sealed; $reseal",
	"log_rewritten||", $note_b);
my $go_back = "DELETE FROM devapp.audit_checkpoint WHERE tree_size = $c; DELETE FROM devapp.audit_leaf WHERE leaf_index >= $b;
	DELETE FROM devapp.audit_event WHERE event_id > " . event($b - 1);
after('the end cut off: by itself it is whole', $go_back, '');
after('the end cut off: what was exported tells', $go_back, "log_truncated||$b", $note_c);
after('exported before: it is still whole', $go_back, '', $note_b);

# ---------- an exported checkpoint that was altered ----------

is(problems($forged), 'signature_invalid||', 'exported: a wrong signature');
is(problems($note_b =~ s/^\d+$/1/mr), "signature_invalid||\nlog_rewritten||", 'exported: another size');
is(problems($note_b =~ s/example\.com/example.org/gr), "signature_unknown||\ncheckpoint_altered||", 'exported: another name');

# ---------- the key ----------

# sealing, verifying and doctor() must fail like this, and seal nothing
sub refuses
{
	my ($name, $state, $report) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	for my $call ('seal_audit()', 'verify_audit()', 'audit_public_key()')
	{
		my ($got_state, $got_report) = error_of($node, "SELECT devapp.$call");

		is($got_state, $state, "$name: $call fails");
		like($got_report, $report, "$name: $call says why");
	}
	like(doctor($node, 'audit_key'), qr/^error\|(could not open )?audit key file "\Q$file\E"/, "$name: doctor()");
	is(psql('SELECT max(tree_size) FROM devapp.audit_checkpoint'), $c, "$name: nothing was sealed");
	return;
}

unlink $file;
refuses('no file', '58P01', qr/could not open audit key file/);
for my $case (
	[ 'readable by the group', "$seeds[0]\n", qr/Users other than its owner have access/, oct '640' ],
	[ 'readable by others', "$seeds[0]\n", qr/Users other than its owner have access/, oct '604' ],
	[ 'empty', '', qr/It contains no key/ ],
	[ 'comments only', "# x\n\n", qr/It contains no key/ ],
	[ 'too short', substr($seeds[0], 2) . "\n", qr/Line 1: It does not have 64 hex digits/ ],
	[ 'too long', "$seeds[0]00\n", qr/Line 1: It does not have 64 hex digits/ ],
	[ 'no hex', "\n" . 'x' x 64 . "\n", qr/Line 2: It does not have 64 hex digits/ ],
	[ 'more on the line', "$seeds[0] x\n", qr/Line 1: It has characters after the key/ ],
	[ 'a second seed', "$seeds[0]\n$seeds[1]\n", qr/Line 2: It is not a verifier key/ ],
	[ 'a former key with a wrong hash', "$seeds[0]\n" . $verifier =~ s/\+[0-9a-f]{8}\+/+00000000+/r . "\n",
		qr/Line 2: The hash in the verifier key does not match the key/ ],
	[ 'too many', "$seeds[0]\n" . "$verifier\n" x 64, qr/Line 65: It contains too many keys/ ],
	[ 'an endless line', "$seeds[0]" . 'a' x 600 . "\n", qr/Line 1: It is too long/ ])
{
	my ($name, $content, $report, $mode) = @$case;

	put_file($content, $mode);
	refuses($name, 'F0000', qr/audit key file "\Q$file\E" is not usable.*$report/s);
}
unlink $file;
mkdir $file;
chmod oct '700', $file;
refuses('a directory', 'F0000', qr/It is not a regular file/);
rmdir $file;

put_file("$seeds[1]\n");
my $unknown = "signature_unknown||";
is(problems(), $unknown, 'another key: the former one is not known, which is said once');
is(problems($note_c), "$unknown\n$unknown", 'another key: nor is it for what was exported');
put_file("$seeds[1]\n$verifier\n");
is(problems($_), '', 'another key, with the former one on the next line') for (undef, $note_b);
my ($d, $note_d) = seal(0);
is($d, $c + 1, 'sealed with the new key');
is(problems($_), '', 'signed by both keys') for (undef, $note_a, $note_b, $note_c, $note_d);
put_file("$seeds[0]\n");
is(problems(), $unknown, 'back to the former key: the new one is not known');
put_file("  $seeds[1]\r\n# former\n$verifier");
is(problems(), '', 'spaces, carriage returns and no last line end');

# without a file, each checkpoint's own key has to do
set_config($node, 'devapp.audit_key_file', '');
is(problems($_), '', 'no file: signatures are compared with the keys of the rows') for (undef, $note_b);
after('no file: a signature', 'UPDATE devapp.audit_checkpoint SET note = ' . literal("$forged\n") . " WHERE tree_size = $b",
	'signature_invalid||');
is( psql("BEGIN; SELECT FROM devapp.create_product('unsigned'); SELECT FROM devapp.seal_audit();
		SELECT problem, event_id, leaf_index FROM devapp.verify_audit(); ROLLBACK"),
	'signature_missing||', 'no file: an unsigned checkpoint after signed ones');
psql("SELECT devapp.set_attribute('product', 'weather', 'n', 'for the next seal')");
for my $origin ('', 'a b', 'a+b', 'x' x 65)
{
	is(scalar error_of($node, "LOAD 'devapp'; ALTER SYSTEM SET devapp.audit_origin = '$origin'"), '22023',
		"no origin: \"$origin\"");
}
set_config($node, 'devapp.audit_key_file', $file);

# ---------- who may ----------

psql('SELECT devapp.setup_roles(); CREATE ROLE amy LOGIN IN ROLE devapp_admin; CREATE ROLE bob LOGIN');
my $as_amy = 'SET ROLE amy; ';
my ($e) = split /\|/, psql("$as_amy SELECT tree_size FROM devapp.seal_audit()");
is($e, $d + 3, 'an administrator seals, with the products that setup_roles() made');
is(psql("$as_amy SELECT count(*) FROM devapp.verify_audit()"), 0, 'and verifies');
for my $table (qw(audit_leaf audit_node audit_checkpoint))
{
	is(scalar error_of($node, "$as_amy INSERT INTO devapp.$table DEFAULT VALUES"), '42501', "but does not write $table");
}
is(scalar error_of($node, "SET ROLE bob; SELECT devapp.seal_audit()"), '42501', 'nobody else seals');
is( scalar error_of($node,
		"$as_amy CREATE TEMP TABLE audit_event (event_id bigint); SET search_path = pg_temp, devapp; SELECT devapp.seal_audit()"),
	'00000',
	'tables of the caller are not looked at');

# ---------- dump and restore ----------

seal(3);
psql("SELECT devapp.set_attribute('product', 'weather', 'n', 'in the dump')");
my $before = psql('SELECT max(tree_size) FROM devapp.audit_checkpoint');
my $dump = "$tempdir/dump.sql";
$node->command_ok([ 'pg_dump', '-f', $dump, 'postgres' ], 'pg_dump');
my $elsewhere = start_server('elsewhere', "devapp.audit_key_file = '$file'\ndevapp.audit_origin = 'example.com/audit'");
$elsewhere->safe_psql('postgres',
	'CREATE ROLE devapp_admin; CREATE ROLE devapp_gateway; CREATE ROLE devapp_http; CREATE ROLE devapp_developer; CREATE ROLE devapp_analyst; CREATE ROLE devapp_auditor; CREATE ROLE devapp_reporter; CREATE ROLE devapp_scanner');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
for my $case ([ 'the same cluster', $node, 'restored' ], [ 'another cluster', $elsewhere, 'postgres' ])
{
	my ($name, $server, $db) = @$case;
	local $ENV{PGOPTIONS} = '-c devapp.restoring=on';

	# the setting is known when the library is loaded
	$server->safe_psql($db, "LOAD 'devapp'");
	$server->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', $dump, '-d', $db ],
		"$name: restore");
	$ENV{PGOPTIONS} = '';
	is($server->safe_psql($db, 'SELECT * FROM devapp.verify_audit(' . literal($note_c) . ')'), '', "$name: verified");
	is($server->safe_psql($db, 'SELECT tree_size FROM devapp.seal_audit()'), $before + 1, "$name: sealed on");
	$server->safe_psql($db, "SELECT devapp.set_attribute('product', 'weather', 'n', 'restored')");
	is($server->safe_psql($db, 'SELECT tree_size FROM devapp.seal_audit()'), $before + 2, "$name: and what is new there");
	is($server->safe_psql($db, 'SELECT tree_size FROM devapp.seal_audit()'), $before + 2, "$name: once");
	is($server->safe_psql($db, 'SELECT * FROM devapp.verify_audit(' . literal($note_c) . ')'), '', "$name: verified again");
}

# ---------- the log ----------

my $log = slurp_file($node->logfile) . slurp_file($elsewhere->logfile);
unlike($log, qr/(?:c1a9|d2b8){2}/i, 'no part of a key is in the log');

done_testing();
