# examples/verify_audit.py, which verifies an exported trail without devapp: what it says of
# a whole log, of single proofs, and of each kind of file that was cut, edited or is another's.

use strict;
use warnings FATAL => 'all';

use FindBin;
use IPC::Run;
use JSON::PP;
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Utils;
use Test::More;

my $python = '/usr/bin/python3';
plan skip_all => 'python3 or openssl is not installed' unless -x $python && system('openssl version >/dev/null 2>&1') == 0;

my $verifier = "$FindBin::RealBin/../../examples/verify_audit.py";
my $dir = PostgreSQL::Test::Utils::tempdir();
my $key_file = "$dir/audit.key";

sub write_file
{
	my ($name, @lines) = @_;

	unlink "$dir/$name";
	append_to_file("$dir/$name", join '', @lines);
	return "$dir/$name";
}

write_file('audit.key', 'c1a9' x 16, "\n");
chmod oct '600', $key_file or die $!;
my $node = start_server('main', "devapp.audit_key_file = '$key_file'\ndevapp.audit_origin = 'example.com/audit'");
make_program($node);
sub sql { return $node->safe_psql('postgres', shift) }

my $export = q{SELECT json_build_object('leaf_index', l.leaf_index, 'leaf_hash', encode(l.leaf_hash, 'hex'), 'entry', encode(devapp.audit_entry(e), 'hex'))
	FROM devapp.audit_leaf l JOIN devapp.audit_event e USING (event_id) ORDER BY l.leaf_index};
my $app = create_app($node, 'shop');
sql(qq{SELECT devapp.suspend_app('$app->{app_id}', E'what\\nfor? \\u00e9')});
my $note_a = sql('SELECT note FROM devapp.seal_audit()') . "\n";
sql(q{SELECT devapp.set_attribute('product', 'weather', 'n', n::text) FROM generate_series(1, 20) AS n});
my ($size_b, $note_b) = split /\|/, sql('SELECT tree_size, note FROM devapp.seal_audit()') . "\n", 2;
my @lines = map { "$_\n" } split /\n/, sql($export);
my $size_a = (split /\n/, $note_a)[1];
my ($older_note, $newer_note) = (write_file('a.note', $note_a), write_file('b.note', $note_b));
my @key = ('--key', sql('SELECT devapp.audit_public_key()'));

# verify(arguments): exit status, standard output, standard error without the folder
sub verify
{
	my @command = ($python, $verifier, @_);
	my ($out, $err);

	local $ENV{PYTHONIOENCODING} = 'utf-8';
	IPC::Run::run(\@command, '<', \undef, '>', \$out, '2>', \$err);
	my $status = $? >> 8;
	$err =~ s/\Q$dir\E\///g;
	return ($status, $out, $err);
}

# refused(name, pattern, arguments): status 1 and these lines on the standard error
sub refused
{
	my ($name, $pattern, @arguments) = @_;
	my ($status, undef, $err) = verify('--quiet', @arguments);

	is($status, 1, "$name: refused");
	like($err, $pattern, "$name: says where and why");
	return;
}

# ---------- what is right ----------

my $entries = write_file('entries', @lines);
my ($status, $out, $err) = verify(@key, $entries, $older_note, $newer_note);
is($status, 0, 'a whole log and two signed checkpoints') or diag($err);
is($err, "$size_b leaves, 0 proofs of inclusion, 2 checkpoints: all is proved\n", 'says what it saw');
is(scalar(split /\n/, $out), $size_b, 'an entry is a line');
like($out, qr/^\d+  \d{4}-\d\d-\d\d \S+Z  postgres  suspend app \Q$app->{app_id}\E  status: "approved" -> "suspended"  \(what for\? \xc3\xa9\)$/m, 'in words');
($status, $out, $err) = verify('--quiet', $entries, $newer_note);
is("$status|$out", '0|', '--quiet, and one checkpoint');
like($err, qr/no key was given, so no signature was verified/, 'and no key');

my @feed = map { "$_\n" } split /\n/, sql('SELECT line FROM devapp.audit_feed()');
($status, $out, $err) = verify('--quiet', @key, write_file('feed', @feed), $older_note, $newer_note);
is("$status|$err", "0|$size_b leaves, 0 proofs of inclusion, 2 checkpoints: all is proved\n", 'the lines of audit_feed()');

# each leaf by its own proof, for both sizes, and one log after the other
my @proofs = map { "$_\n" } split /\n/, sql(qq{
	SELECT json_build_object('leaf_index', p.leaf_index, 'tree_size', p.tree_size, 'entry', encode(devapp.audit_entry(e), 'hex'),
	                         'path', (SELECT coalesce(json_agg(encode(x, 'hex') ORDER BY n), '[]') FROM unnest(p.path) WITH ORDINALITY AS u(x, n)))
	  FROM devapp.audit_event e, unnest(ARRAY[$size_a, $size_b]) AS s(size), devapp.audit_proof(e.event_id, s.size) AS p
	 WHERE (SELECT l.leaf_index FROM devapp.audit_leaf l WHERE l.event_id = e.event_id) < s.size});
my $consistency = sql(qq{SELECT json_build_object('size_a', $size_a, 'size_b', $size_b,
	'consistency', (SELECT json_agg(encode(x, 'hex') ORDER BY n) FROM unnest(devapp.audit_consistency($size_a, $size_b)) WITH ORDINALITY AS u(x, n)))}) . "\n";
($status, $out, $err) = verify('--quiet', @key, write_file('proofs', @proofs, $consistency), $older_note, $newer_note);
is($status, 0, 'every leaf by its proof') or diag($err);
like($err, qr/^0 leaves, @{[ $size_a + $size_b ]} proofs of inclusion, 2 checkpoints/, 'so many');

# all pairs of sizes agree with another implementation
my %note;
my @pairs;
for my $size (1 .. 17)
{
	sql(q{SELECT devapp.set_attribute('product', 'weather', 'm', random()::text)});
	my ($n, $note) = split /\|/, sql('SELECT tree_size, note FROM devapp.seal_audit()') . "\n", 2;
	$note{$n} = write_file("n$n", $note);
}
for my $older (sort { $a <=> $b } keys %note)
{
	push @pairs, map { "$_\n" } split /\n/, sql(qq{SELECT json_build_object('size_a', $older, 'size_b', s,
		'consistency', (SELECT coalesce(json_agg(encode(x, 'hex') ORDER BY n), '[]') FROM unnest(devapp.audit_consistency($older, s)) WITH ORDINALITY AS u(x, n)))
		FROM generate_series($older, $size_b + 17) AS s});
}
($status, $out, $err) = verify('--quiet', write_file('pairs', @pairs), values %note);
is($status, 0, 'consistency of 153 pairs') or diag($err);

# ---------- what is not ----------

sub edited    # the entry of a line, by one digit of its last byte
{
	my ($line, $what) = @_;
	my $record = decode_json($line);

	$record->{$_} =~ s/(.)$/$1 eq '0' ? '1' : '0'/e for split / /, $what;
	return encode_json($record) . "\n";
}
my @changed = @lines;
$changed[4] = edited($lines[4], 'entry');
refused('an entry was edited', qr/^edited:5: the entry of leaf 4 is not that of its hash: it was edited\n\z/, write_file('edited', @changed), $older_note, $newer_note);
$changed[4] = edited($lines[4], 'entry leaf_hash');
refused('an entry and its hash', qr/^edited:5: .*not that of its hash.*\nedited:$size_a: .*root of a\.note: one of the lines from 1 on was edited/s, write_file('edited', @changed), $older_note, $newer_note);
my $hidden = decode_json($lines[$size_a + 2]);
delete $hidden->{leaf_hash};
@changed = (@lines[ 0 .. $size_a + 1 ], edited(encode_json($hidden), 'entry'), @lines[ $size_a + 3 .. $#lines ]);
refused('an entry without its hash', qr/^edited:$size_b: .*root of b\.note: one of the lines from @{[ $size_a + 1 ]} on was edited/m, write_file('edited', @changed), $older_note, $newer_note);
refused('a line is missing', qr/^missing:3: leaf 3 is where leaf 2 belongs/, write_file('missing', @lines[ 0, 1, 3 .. $#lines ]), $older_note, $newer_note);
refused('two lines are swapped', qr/^swapped:1: leaf 1 is where leaf 0 belongs/, write_file('swapped', @lines[ 1, 0, 2 .. $#lines ]), $older_note, $newer_note);
refused('the beginning was cut', qr/^begun:1: leaf 3 is where leaf 0 belongs/, write_file('begun', @lines[ 3 .. $#lines ]), $older_note, $newer_note);
refused('the end was cut', qr/^cut:@{[ $size_b - 1 ]}: the file ends with leaf @{[ $size_b - 3 ]}, and b\.note has $size_b: it was cut/m, write_file('cut', @lines[ 0 .. $#lines - 2 ]), $older_note, $newer_note);
refused('within a line', qr/^cut:$size_b: the file ends within a line/, write_file('cut', @lines[ 0 .. $#lines - 1 ], substr $lines[-1], 0, 60), $older_note, $newer_note);
refused('an entry was cut', qr/^cut:1: the entry ends within column entity_id$/m, write_file('cut', $lines[0] =~ s/"leaf_hash" ?: ?"\w+",//r =~ s/(entry" ?: ?")(\w{160})\w+/$1$2/r, @lines[ 1 .. $#lines ]), $older_note, $newer_note);
refused('nothing', qr/^empty:1: nothing leads to the root of a\.note/, write_file('empty', ''), $older_note, $newer_note);
refused('more than the checkpoints have', qr/^entries:@{[ $size_a + 1 ]}: no checkpoint confirms the lines from here on/, $entries, $older_note);
refused('no JSON', qr/^words:2: this is no JSON object/, write_file('words', $lines[0], "hello\n", @lines[ 1 .. $#lines ]), $older_note, $newer_note);
refused('a proof was edited', qr/^proof:1: leaf \d+ is not in the log of/, write_file('proof', $proofs[0] =~ s/(path" ?: ?\[")(.)/$1 . ($2 eq '0' ? '1' : '0')/er, $consistency), $older_note, $newer_note);
refused('a consistency', qr/^proof:2: the log of b\.note does not begin as that of a\.note/, write_file('proof', $proofs[0], $consistency =~ s/(consistency.*?")(.)(?=\w{63})/$1 . ($2 eq '0' ? '1' : '0')/er), $older_note, $newer_note);

# what a line of audit_feed() repeats of its entry; the last event of a person
my ($of_person) = grep { $feed[$_] =~ /"developer" : "ada/ && $feed[$_] =~ /"email": "ada/ } 0 .. $#feed;
my %edits = (
	event_id => qr/(?<="event_id" : )\d+/, occurred_at => qr/(?<="occurred_at" : ")\d/, actor => qr/(?<="actor" : )null/, db_role => qr/(?<="db_role" : ")\w/,
	client_addr => qr/(?<="client_addr" : )null/, transaction_id => qr/(?<="transaction_id" : ")\d/, action => qr/(?<="action" : ")\w/, entity => qr/(?<="entity" : ")\w/,
	entity_id => qr/(?<="entity_id" : ")\w/, developer_id => qr/(?<="developer_id" : ")\w/, note => qr/(?<="note" : )null/, after => qr/(?<="status": ")\w/);
for my $column (sort keys %edits)
{
	my @said = @feed;
	my $to = $column =~ /^(actor|client_addr|note)$/ ? '"x"' : $column =~ /^(event|transaction)_id$/ ? 9 : 'x';
	$said[$of_person] =~ s/$edits{$column}/$to/ or die "$column: $said[$of_person]";
	refused("$column of a line was edited", qr/^said:@{[ $of_person + 1 ]}: "$column" is not what the entry says: the line was edited\n\z/, write_file('said', @said), $older_note, $newer_note);
}

# checkpoints
refused('a checkpoint was edited', qr/^edited\.note:5: the signature is wrong/, @key, $entries, write_file('edited.note', $note_b =~ s/^(.*\n)\d+/${1}5/r), $older_note);
refused('its root', qr/^entries:$size_b: the log up to here does not give the root of edited\.note/, $entries, write_file('edited.note', $note_b =~ s/^(.*\n.*\n.{5})(.)/$1 . ($2 eq 'A' ? 'B' : 'A')/er), $older_note);
refused('a signature', qr/^edited\.note:5: /, @key, $entries, write_file('edited.note', $note_b =~ s/(.{30})(.)(.*)\n$/$1 . ($2 eq 'A' ? 'B' : 'A') . "$3\n"/er), $older_note);
refused('no signature', qr/^edited\.note:4: the checkpoint is not signed/, @key, $entries, write_file('edited.note', $note_b =~ s/\n\n.*/\n\n/sr), $older_note);
refused('a checkpoint was cut', qr/^edited\.note:4: this is no checkpoint/, $entries, write_file('edited.note', substr $note_b, 0, 40), $older_note);

# another's: a log with as many leaves, another origin, another key
my $foreign = start_server('foreign', "devapp.audit_origin = 'example.com/other'");
make_program($foreign);
$foreign->safe_psql('postgres', "SELECT devapp.set_attribute('product', 'weather', 'n', n::text) FROM generate_series(1, 100) AS n; SELECT devapp.seal_audit()");
my @foreign = map { "$_\n" } split /\n/, $foreign->safe_psql('postgres', $export);
refused('entries of another database', qr/^foreign:$size_a: the log up to here does not give the root of a\.note/, write_file('foreign', @foreign), $older_note, $newer_note);
my $other = write_file('other.note', $foreign->safe_psql('postgres', 'SELECT note FROM devapp.seal_audit()') . "\n");
refused('a checkpoint of another log', qr/^other\.note:1: the origin is 'example\.com\/other', that of a\.note 'example\.com\/audit': it is another log's/, $entries, $older_note, $other);
write_file('audit.key', 'd2b8' x 16, "\n");
chmod oct '600', $key_file or die $!;
refused('a key of another', qr/^a\.note:1: no signature is by a key that was given/, '--key', sql('SELECT devapp.audit_public_key()'), $entries, $older_note, $newer_note);

# ---------- usage ----------

for my $case ([ 'no checkpoint', $entries ], [ 'no such file', "$dir/nothing", $older_note ], [ 'a damaged key', '--key', $key[1] =~ s/\+(.)/'+' . ($1 eq '0' ? '1' : '0')/er, $entries, $older_note ])
{
	my ($name, @arguments) = @$case;
	is((verify(@arguments))[0], 2, "$name: status 2");
}

done_testing();
