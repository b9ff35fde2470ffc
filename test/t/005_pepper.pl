# The life of a pepper file: none, one pepper, a second one, a file that is not
# usable, a pepper that is missing.  A secret is never made with less than what is
# configured, a verdict is always given, and no pepper reaches the log.

use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use POSIX qw(mkfifo);
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $node = start_server('main');
make_program($node);

my %hex = (1 => 'a1c3' x 16, 2 => 'b2d4' x 16, 3 => 'E5f6' x 32);
my $file = abs_path(PostgreSQL::Test::Utils::tempdir) . '/peppers';

sub put_file
{
	my ($text, $mode) = @_;

	open my $handle, '>', $file or die $!;
	print $handle $text;
	close $handle or die $!;
	chmod $mode || oct '600', $file or die $!;
	return;
}

# Lines of the peppers of these numbers.
sub lines { return join '', map { "$_:$hex{$_}\n" } @_ }

# Number of the pepper that keyed the newest secret of a credential.
sub pepper_of
{
	my ($made) = @_;

	return $node->safe_psql('postgres',
		"SELECT devapp.secret_digest_pepper(digest) FROM devapp.credential_secret
		WHERE credential_id = '$made->{credential_id}' ORDER BY version DESC LIMIT 1");
}

my $rows = q{SELECT (SELECT count(*) FROM devapp.app), (SELECT count(*) FROM devapp.credential),
	(SELECT count(*) FROM devapp.credential_secret), (SELECT count(*) FROM devapp.credential_product)};
my $try = "SELECT devapp.create_app('try', 'ada\@example.com', products => '{weather}')";

# create_app must fail like this, and make nothing.
sub refuses
{
	my ($name, $state, $report) = @_;
	my $before = $node->safe_psql('postgres', $rows);
	my ($got_state, $got_report) = error_of($node, $try);

	is($got_state, $state, "$name: create_app fails");
	like($got_report, $report, "$name: it says why");
	is($node->safe_psql('postgres', $rows), $before, "$name: nothing was made");
	return;
}

# ---------- none ----------

my $none = create_app($node, 'none');
is(pepper_of($none), 0, 'no file: digests are unkeyed');
is(doctor($node, 'pepper'), 'warning|there is no pepper, so digests of new secrets are unkeyed',
	'no file: doctor() warns');
is(doctor($node, 'digests'), "ok|the digests of all secrets can be computed", 'no file: digests');

set_config($node, 'devapp.pepper_file', $file);
refuses('missing file', '58P01', qr/could not open pepper file/);
is(code($node, $none->{secret}), 'VALID', 'missing file: an unkeyed secret works');
like(doctor($node, 'pepper'), qr/^error\|could not open pepper file/, 'missing file: doctor()');
is((error_of($node, "SELECT devapp.key_owner(key => repeat('0', 64))"))[0],
	'F0000', 'missing file: key_owner() does not say that nobody has the key');

# ---------- one, two ----------

put_file(lines(1));
my $one = create_app($node, 'one');
is(pepper_of($one), 1, 'first pepper: used for a new secret');
is(codes($node, [ $none->{secret}, $one->{secret} ]),
	'VALID VALID', 'first pepper: old and new secrets work');
is(doctor($node, 'pepper'), 'ok|new digests are keyed with pepper 1', 'first pepper: doctor()');
is(doctor($node, 'digests'), 'warning|the digests of 1 secret(s) do not use a pepper',
	'first pepper: doctor() counts the unkeyed');

my $issuing = $node->background_psql('postgres', on_error_stop => 0);
my $verifying = $node->background_psql('postgres');
is( $issuing->query_safe(
		"SELECT (devapp.create_app('in open session', 'ada\@example.com')).secret_version"),
	1,
	'a session has read the first pepper');
is($verifying->query_safe(key_codes($one->{secret})), 'VALID', 'so has another');

put_file(lines(1, 2));
my $secret = $issuing->query_safe(
	"SELECT (devapp.create_app('two', 'ada\@example.com', products => '{weather}')).secret");
my $two = {
	secret => $secret,
	credential_id => $node->safe_psql('postgres',
		"SELECT (devapp.verify_key('$secret')).credential_id")
};
is(pepper_of($two), 2, 'second pepper: used at once by a session that knew only the first');
is($verifying->query_safe(key_codes($two->{secret})), 'VALID',
	'second pepper: found by a session that knew only the first');
my $keys = [ map { $_->{secret} } $none, $one, $two ];
is(codes($node, $keys), 'VALID VALID VALID', 'second pepper: all work');
is(doctor($node, 'pepper'), 'ok|new digests are keyed with pepper 2', 'second pepper: doctor()');

is( $node->safe_psql(
		'postgres',
		join ' UNION ALL ',
		map { "SELECT (devapp.verify_digest(sha256('$_'), $Devapp::CALL)).code" } @$keys),
	"VALID\nVALID\nVALID",
	'verify_digest finds the keys of each pepper');
is( $node->safe_psql(
		'postgres',
		join ' UNION ALL ',
		map { "SELECT app_name FROM devapp.key_owner(key => encode(sha256('$_'), 'hex'))" } @$keys),
	"none\none\ntwo",
	'key_owner finds the owners of the keys of each pepper');
isnt(
	$node->safe_psql(
		'postgres',
		"SELECT digest FROM devapp.credential_secret WHERE credential_id = '$one->{credential_id}'"),
	'blake2b:1:'
	  . $node->safe_psql(
		'postgres',
		"SELECT encode(sha256('$one->{secret}'), 'hex')"),
	'a digest is more than the SHA-256');

my $rotated = rotate($node, $none->{credential_id}, '1 hour');
is(pepper_of($none), 2, 'a rotation uses the newest pepper');
is(codes($node, [ $none->{secret}, $rotated->{secret} ]),
	'VALID VALID', 'and both its secrets work');
$node->safe_psql('postgres', "SELECT devapp.complete_rotation('$none->{credential_id}')");
is(doctor($node, 'digests'), "ok|the digests of all secrets can be computed",
	'with the last unkeyed secret gone, doctor() is content');

# another file, in a session that has read this one
my $second = "$file.second";
rename $file, $second or die;
my ($answer, $refused) = $issuing->query("SELECT (devapp.create_app('no file', 'ada\@example.com')).secret_version");
is($refused, 1, 'a file that is gone: a session that has read it refuses too');
$issuing->{stderr} = '';
set_config($node, 'devapp.pepper_file', $second);
is($issuing->query_safe("SELECT (devapp.create_app('second file', 'ada\@example.com')).secret_version"), 1, 'another file: an open session reads it');
rename $second, $file or die;
set_config($node, 'devapp.pepper_file', $file);

# ---------- what the file may look like ----------

for my $case (
	[ 'comments and blank lines', "# old\n\n  1:$hex{1}\n\t# new\n2:$hex{2}  \n" ],
	[ 'carriage returns', "1:$hex{1}\r\n\r\n2:$hex{2}\r\n" ],
	[ 'no end of line, another order', "2:$hex{2}\n1:$hex{1}" ],
	[ 'capitals', "1:\U$hex{1}\E\n2:$hex{2}\n" ])
{
	my ($name, $text) = @$case;

	put_file($text);
	is(codes($node, [ $one->{secret}, $two->{secret} ]), 'VALID VALID', "$name: read");
	is(doctor($node, 'pepper'), 'ok|new digests are keyed with pepper 2', "$name: doctor()");
}

put_file("65535:" . 'c7' x 16 . "\n" . lines(1, 2));
is(doctor($node, 'pepper'), 'ok|new digests are keyed with pepper 65535', 'largest number, shortest pepper');

# ---------- a file that is not usable ----------

set_config($node, 'devapp.pepper_file', '');
my $unkeyed = create_app($node, 'unkeyed again');
is(pepper_of($unkeyed), 0, 'setting emptied: unkeyed again');
is(codes($node, [ $one->{secret}, $two->{secret} ]),
	'UNAVAILABLE UNAVAILABLE', 'setting emptied: keyed secrets cannot be tested');
is(doctor($node, 'digests'), 'error|there are secrets with unknown peppers: 1, 2',
	'setting emptied: doctor() names their numbers');
set_config($node, 'devapp.pepper_file', $file);

my @unusable = (
	[ 'readable by the group', lines(1, 2), qr/Users other than its owner have access/, oct '640' ],
	[ 'readable by others', lines(1, 2), qr/Users other than its owner have access/, oct '604' ],
	[ 'no number', "$hex{1}\n", qr/Line 1: It does not begin with a number/ ],
	[ 'number 0', lines(1) . "0:$hex{2}\n", qr/Line 2: It does not begin with a number/ ],
	[ 'number 65536', "65536:$hex{2}\n", qr/Line 1: It does not begin with a number/ ],
	[ 'no hex', "# c\n\n1:pepper\n", qr/Line 3: It does not have 32 to 128 hex digits/ ],
	[ 'odd digits', "1:$hex{1}a\n", qr/Line 1: It does not have 32 to 128 hex digits/ ],
	[ 'too short', '1:' . 'ab' x 15 . "\n", qr/Line 1: It does not have 32 to 128 hex digits/ ],
	[ 'too long', '1:' . 'ab' x 65 . "\n", qr/Line 1: It does not have 32 to 128 hex digits/ ],
	[ 'more on the line', lines(1) . "2:$hex{2} x\n", qr/Line 2: It has characters after the hex digits/ ],
	[ 'a number twice', lines(1, 2, 1), qr/Line 3: Its number is already used on an earlier line/ ],
	[ 'a word for a number', lines(1) . "two:$hex{2}\n", qr/Line 2: It does not begin with a number/ ],
	[ 'too many', (join '', map { "$_:$hex{1}\n" } 1 .. 65), qr/Line 65: It contains too many peppers/ ],
	[ 'an endless line', '1:' . 'ab' x 400 . "\n", qr/Line 1: It is too long/ ],
	[ 'an empty file', '', qr/It contains no pepper/ ],
	[ 'only comments', "# nothing\n", qr/It contains no pepper/ ]);

for my $case (@unusable)
{
	my ($name, $text, $report, $mode) = @$case;

	put_file($text, $mode);
	refuses($name, 'F0000', qr/pepper file "\Q$file\E" is not usable.*$report/s);
	is(codes($node, [ $unkeyed->{secret}, $one->{secret}, $two->{secret}, 'no key' ]),
		'VALID UNAVAILABLE UNAVAILABLE MALFORMED', "$name: there are verdicts");
}
like(doctor($node, 'pepper'), qr/^error\|pepper file "\Q$file\E" is not usable/,
	'not usable: doctor()');
is(doctor($node, 'digests'), 'error|there are secrets with unknown peppers: 1, 2',
	'not usable: doctor() names the numbers');
is($verifying->query_safe(key_codes(@$keys[ 1, 2 ])), 'VALID VALID',
	'not usable: a session keeps what it has read');

unlink $file;
mkdir $file;
chmod oct '700', $file;
refuses('a directory', 'F0000', qr/It is not a regular file/);
rmdir $file;
# nobody waits for somebody who writes to it
mkfifo($file, oct '600');
refuses('a FIFO', 'F0000', qr/It is not a regular file/);
is(code($node, $two->{secret}), 'UNAVAILABLE', 'a FIFO: a verdict is given');
unlink $file;

# ---------- a pepper that is missing ----------

put_file(lines(1));
is(codes($node, [ $one->{secret}, $two->{secret} ]), 'VALID UNAVAILABLE', 'pepper 2 missing: its secrets cannot be tested');
is( $node->safe_psql('postgres',
		"SELECT (devapp.verify_digest(sha256('$two->{secret}'), $Devapp::CALL)).code"),
	'NOT_FOUND',
	'pepper 2 missing: nor by digest');
is(doctor($node, 'digests'), 'error|there are secrets with unknown peppers: 2',
	'pepper 2 missing: doctor() names it');
put_file(lines(3));
is(codes($node, [ $one->{secret}, $two->{secret} ]), 'UNAVAILABLE UNAVAILABLE', 'both missing: neither can be tested');
is(doctor($node, 'digests'), 'error|there are secrets with unknown peppers: 1, 2',
	'both missing: doctor() names them');
put_file("1:$hex{2}\n2:$hex{1}\n");
is(codes($node, [ $one->{secret}, $two->{secret} ]), 'NOT_FOUND NOT_FOUND',
	'under the wrong numbers: not found');
put_file(lines(1, 2));
is(codes($node, [ $one->{secret}, $two->{secret} ]), 'VALID VALID', 'put back: they work again');
is(doctor($node, 'digests'), 'warning|the digests of 1 secret(s) do not use a pepper', 'put back: doctor()');

# ---------- a session that has verified with a pepper notices that it has gone ----------

my $gateway = $node->background_psql('postgres', on_error_stop => 0);
my $verify_two = "SELECT (devapp.verify_key('$two->{secret}', $Devapp::CALL)).code";
my $digest_two = "SELECT (devapp.verify_digest(sha256('$two->{secret}'), $Devapp::CALL)).code";

is($gateway->query_safe("$verify_two; $digest_two"), "VALID\nVALID", 'a session has verified with pepper 2');
put_file(lines(1));
sleep 1.1;
is($gateway->query_safe($verify_two), 'UNAVAILABLE', 'pepper 2 taken out: what was verified with it ends within a second');
is($gateway->query_safe($digest_two), 'NOT_FOUND', 'pepper 2 taken out: also by digest');
put_file(lines(1, 2));
is($gateway->query_safe("$verify_two; $digest_two"), "VALID\nVALID", 'pepper 2 put back: at once');
put_file(lines(1));
is($gateway->query_safe("SELECT (devapp.create_app('meanwhile', 'ada\@example.com')).secret_version; $verify_two"), "1\nUNAVAILABLE",
	'pepper 2 taken out: also where issuing a secret has read the file in between');
put_file(lines(1, 2));
put_file("1:$hex{1}\n2:$hex{3}\n");
sleep 1.1;
is($gateway->query_safe($verify_two), 'NOT_FOUND', 'pepper 2 is another one: not found');
put_file(lines(1, 2, 3));
sleep 1.1;
is($gateway->query_safe($verify_two), 'VALID', 'a third pepper: the others stay');
unlink $file;
sleep 1.1;
is($gateway->query_safe($verify_two), 'VALID', 'the file is missing: that is a fault, and what was read stays');
is(code($node, $two->{secret}), 'UNAVAILABLE', 'but a new session cannot verify');
is( $node->safe_psql('postgres', $digest_two), 'UNAVAILABLE', 'nor by digest');
put_file(lines(1, 2));
is($gateway->query_safe("$verify_two; $digest_two"), "VALID\nVALID", 'put back');
set_config($node, 'devapp.pepper_file', '');
sleep 1.1;
is($gateway->query_safe($verify_two), 'UNAVAILABLE', 'the setting emptied: no pepper is known');
set_config($node, 'devapp.pepper_file', $file);
$gateway->quit;

# ---------- a session that has read the file notices every change ----------

is( $issuing->query_safe(
		"SELECT (devapp.create_app('after', 'ada\@example.com')).secret_version"),
	1,
	'an open session issues');
chmod oct '640', $file;
my ($output, $failed) = $issuing->query(
	"SELECT (devapp.create_app('must not be', 'ada\@example.com')).secret_version");
is($failed, 1, 'readable by the group: a session that has read it before refuses too');
$issuing->{stderr} = '';
chmod oct '600', $file;

# of the same length, within the same second
my $mtime = (stat $file)[9];
put_file("1:$hex{1}\n3:$hex{2}\n");
utime $mtime, $mtime, $file;
($secret, $failed) = $issuing->query(
	"SELECT (devapp.create_app('after a quick change', 'ada\@example.com', products => '{weather}')).secret");
is($failed, 0, 'a quick change: an open session issues');
is(code($node, $secret), 'VALID', 'a quick change: with what the file has now');

$issuing->quit;
$verifying->quit;

# ---------- the log ----------

my $log = slurp_file($node->logfile);
like($log, qr/LOG:  pepper file "\Q$file\E" is not usable/, 'the log says that the file is not usable');
unlike($log, qr/\Q$hex{$_}\E/i, "pepper $_ is not in the log") for sort keys %hex;
unlike($log, qr/(?:a1c3|b2d4|e5f6){2}/i, 'nor is a part of one');

done_testing();
