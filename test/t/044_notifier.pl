# The notifier of the examples, against a real SMTP server with STARTTLS and a receiver of
# webhooks that checks signatures: what it delivers, what it tries again, what it refuses,
# and how it ends.

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
plan skip_all => 'python3-psycopg2 or python3-aiosmtpd is not installed'
  unless -x $python && system(qq{$python -c 'import psycopg2, aiosmtpd.controller' 2>/dev/null}) == 0;

my $notifier = "$FindBin::RealBin/../../examples/notifier/notifier.py";
my $helpers = "$FindBin::RealBin/../notifier";
my $dir = PostgreSQL::Test::Utils::tempdir();
my $secret = 'whsec_' . 'c2VjcmV0IG9mIDI0IGJ5dGVzLCBhbmQgbW9yZQ==';
my $node = start_server('main', '');

make_program($node);
sub sql { return $node->safe_psql('postgres', shift) }

sql(q{SELECT devapp.setup_roles();
	CREATE ROLE mailer LOGIN; GRANT USAGE ON SCHEMA devapp TO mailer;
	GRANT EXECUTE ON FUNCTION devapp.claim_notifications(integer, interval, text), devapp.record_delivery(bigint, text, uuid),
		devapp.complete_notification(bigint, uuid), devapp.fail_notification(bigint, text, uuid) TO mailer;
	SELECT devapp.create_product('paid', approval => 'manual');});
my $app = create_app($node, 'shop');

# ---------- the other side ----------

my ($key, $certificate) = ("$dir/key", "$dir/certificate");
system_or_bail('openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', $key, '-out', $certificate,
	'-days', '2', '-subj', '/CN=test', '-addext', 'subjectAltName=IP:127.0.0.1', '-addext', 'keyUsage=critical,digitalSignature,keyCertSign');
my %port = map { $_ => PostgreSQL::Test::Cluster::get_free_port() } qw(smtp plain hook);
my %folder = map { mkdir "$dir/$_" or die; $_ => "$dir/$_" } keys %port;
my @servers;

sub write_file
{
	my ($name, $text) = @_;

	unlink $name;
	append_to_file($name, $text);
	return $name;
}

sub start_helper
{
	my (@command) = @_;
	my ($out, $err) = ('', '');
	my $helper = IPC::Run::start([ $python, @command ], '<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(180));

	push @servers, $helper;
	$helper->pump until $out =~ /ready/;
	return;
}

END
{
	my $status = $?;
	$_->kill_kill for @servers;
	$? = $status;
}

write_file("$folder{hook}/answers", '');
start_helper("$helpers/smtp_server.py", $port{smtp}, $folder{smtp}, $certificate, $key);
start_helper("$helpers/smtp_server.py", $port{plain}, $folder{plain}, '', '');
start_helper("$helpers/webhook_receiver.py", $port{hook}, $folder{hook}, $certificate, $key, $secret);

# What has come since the last time, as hashes, oldest first.
my %seen = map { $_ => 0 } keys %folder;

sub received
{
	my ($where) = @_;
	my $prefix = $where eq 'hook' ? 'request' : 'mail';
	my @all;

	while (-e "$folder{$where}/$prefix." . ($seen{$where} + 1))
	{
		$seen{$where}++;
		push @all, decode_json(slurp_file("$folder{$where}/$prefix.$seen{$where}"));
	}
	return @all;
}

sub answers { write_file("$folder{hook}/answers", join "\n", @_) }

# ---------- the notifier ----------

# A configuration, with sections or lines of the test's own.
sub configure
{
	my (%with) = (
		smtp => "host = 127.0.0.1\nport = $port{smtp}\nca_file = $certificate",
		webhook => "ca_file = $certificate",
		more => "[webhook:on call]\nsecret = $secret",
		worker => '',
		@_);
	my $file = write_file("$dir/notifier.conf", "[database]
conninfo = host=@{[$node->host]} port=@{[$node->port]} dbname=postgres user=mailer
[worker]
pause = 0.05
attempts = 3
timeout = 2
poll = 600
$with{worker}
[smtp]
from = The program <program\@example.com>
$with{smtp}
[webhook]
$with{webhook}
$with{more}
");
	chmod 0600, $file;
	return $file;
}

# What it says, when it has delivered all that is due; in list context also whether it ended well.
sub deliver
{
	my (@arguments) = @_;
	my ($out, $err) = ('', '');
	my $ok = IPC::Run::run([ $python, $notifier, (@arguments ? @arguments : '--once'), "$dir/notifier.conf" ],
		'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(180));

	return wantarray ? ($err, $ok) : $err;
}

# The state of the newest notification.
sub state_of
{
	return sql("SELECT concat_ws('|', status, attempts, last_error) FROM devapp.notification ORDER BY notification_id DESC LIMIT 1");
}
sub last_id { return sql('SELECT max(notification_id) FROM devapp.notification') }
sub make_due { return sql("UPDATE devapp.notification SET next_attempt_at = now() WHERE status = 'pending'") }
sub forget { return sql('DELETE FROM devapp.notification') }

sub queue
{
	my ($recipients, $payload) = @_;

	forget();
	sql("INSERT INTO devapp.notification (event, app_id, recipients, payload) VALUES ('app_approved', devapp.uuid_v7(), "
		. literal(encode_json($recipients)) . ', ' . literal(encode_json($payload || { app => 'shop' })) . ')');
	return;
}
my @to_ada = ({ kind => 'developer', to => 'ada@example.com', name => 'Ada', why => 'owner' });

# Something that the administrators hear of.
my $products = 0;
sub ask_admins
{
	forget();
	$products++;
	sql("SELECT devapp.create_product('paid $products', approval => 'manual');
		SELECT devapp.add_credential_product('$app->{credential_id}', 'paid $products')");
	is(sql('SELECT event FROM devapp.notification'), 'product_submitted', 'something waits for the administrators');
	return;
}

# ---------- what is delivered ----------

configure();
is((deliver('--check'))[1], 1, 'the configuration is right');
sql("SELECT devapp.suspend_app('$app->{app_id}', E'two\nlines, caf\\u00e9')");
my $said = deliver();
like($said, qr/notification [0-9]+, app_suspended: delivered to email of a developer$/m, 'a mail is delivered');
unlike($said, qr/example\.com/, 'and the log has no address');
my ($mail) = received('smtp');
is($mail->{tls} && 1, 1, 'over TLS');
is("$mail->{from} @{$mail->{to}}", 'program@example.com ada@example.com', 'from the program to the developer');
my ($head, $body) = split /\r\n\r\n/, $mail->{content}, 2;
like($head, qr/^Subject: App shop was suspended\r$/m, 'it has a subject');
like($head, qr/^From: The program <program\@example\.com>\r$/m, 'a sender');
like($head, qr/^To: ada\@example\.com\r$/m, 'a receiver');
like($head, qr/^Message-ID: <devapp\.@{[last_id()]}\.[0-9a-f]{16}\@example\.com>\r$/m, 'an id of the notification');
like($head, qr/^Auto-Submitted: auto-generated\r?$/m, 'says that no person wrote it');
like($body, qr/note: two\r\nlines, caf=C3=A9\r$/m, 'and has the note');
unlike($mail->{content}, qr/_\Q@{[ (split \/_\/, $app->{secret})[3] ]}\E/, 'but no secret');
is(state_of(), 'done|1', 'it is done');
is(deliver(), '', 'once');

sql("SELECT devapp.resume_app('$app->{app_id}')");
deliver();
received('smtp');
ask_admins();
like(deliver(), qr/nobody who has to be told has an address \(role devapp_admin\)/, 'a role without an address is no silence');
like(state_of(), qr/^pending\|1\|nobody who has to be told has an address \(role devapp_admin\); give them one/, 'but an error');
sql("SELECT devapp.add_notification_recipient('on call', role => 'devapp_admin', webhook_url => 'https://127.0.0.1:$port{hook}/hook?from=devapp')");
make_due();
answers(500, 500);
like(deliver(), qr/product_submitted: delivered to webhook on call$/m, 'a webhook is posted to');
my @requests = received('hook');
is(join(' ', map { $_->{status} } @requests), '500 500 204', 'until it answers well, with the right signature');
is(scalar(grep { $_->{headers}{'webhook-id'} eq 'notification_' . last_id() } @requests), 3, 'with one id');
is($requests[2]{path}, '/hook?from=devapp', 'at its path');
is($requests[2]{headers}{'Content-Type'}, 'application/json', 'JSON');
is($requests[2]{body}{type}, 'product_submitted', 'it says what happened');
is($requests[2]{body}{data}{payload}{product}, "paid $products", 'and to what');
is(join(' ', sort keys %{ $requests[2]{body}{data} }), 'app_id credential_id notification_id payload product_id', 'and not who else is told');
like(state_of(), qr/^done\|2/, 'and it is done');

# two secrets while one is replaced
configure(more => "[webhook:on call]\nsecret = whsec_" . 'bmV3IHNlY3JldCBvZiAyNCBieXRlcyBhbmQgbW9yZQ==' . " $secret");
ask_admins();
deliver();
is(join(' ', map { $_->{status} } received('hook')), '204', 'the receiver that knows the old secret is content');

# ---------- what is refused ----------

configure(more => "[webhook:on call]\nsecret = whsec_" . 'bmV3IHNlY3JldCBvZiAyNCBieXRlcyBhbmQgbW9yZQ==');
ask_admins();
deliver();
is(join(' ', map { $_->{status} } received('hook')), '401', 'with another secret it is not, and is not asked again');
is(state_of(), 'pending|1|webhook on call: it answered 401', 'until later');

configure(more => '');
make_due();
deliver();
is(scalar received('hook'), 0, 'without a secret nothing is posted');
is(state_of(), 'pending|2|webhook on call: the configuration has no secret for this webhook', 'and the reason is kept');

configure(webhook => '');
make_due();
deliver();
is(scalar received('hook'), 0, 'nothing is posted to whom nobody vouches for');
like(state_of(), qr/^pending\|3\|webhook on call: .*certificate verify failed/, 'the certificate is verified');
configure();
sql("SELECT devapp.update_notification_recipient('on call', webhook_url => 'https://localhost:$port{hook}/')");
make_due();
deliver();
like(state_of(), qr/^pending\|4\|webhook on call: .*certificate verify failed: Hostname mismatch/, 'and the name in it');
sql("SELECT devapp.update_notification_recipient('on call', webhook_url => 'https://127.0.0.1:$port{hook}/')");

answers(302);
make_due();
deliver();
is(join(' ', map { "$_->{status} $_->{path}" } received('hook')), '302 /', 'a redirect is not followed');
answers(0, 0, 0);
make_due();
deliver();
like(state_of(), qr/^pending\|6\|webhook on call: no answer within 2 seconds \(3 attempt\(s\)\)$/, 'who does not answer is not waited for');
is(scalar received('hook'), 3, 'but tried again');

set_config($node, 'devapp.notification_max_attempts', 8);
answers((503) x 6);
for my $state ('pending|7', 'dead|8')
{
	make_due();
	deliver();
	is(state_of(), "$state|webhook on call: it answered 503 (3 attempt(s))", $state);
	is(scalar received('hook'), 3, 'after three attempts');
}
like(sql("SELECT devapp.retry_notification(max(notification_id)) FROM devapp.notification"), qr/pending/, 'somebody retries it');
deliver();
is(join(' ', map { $_->{headers}{'webhook-id'} } received('hook')), 'notification_' . last_id(), 'it is the same notification');
like(state_of(), qr/^done/, 'and done');

# ---------- mail servers ----------

queue([ @to_ada, { %{ $to_ada[0] }, to => 'nobody@example.com' }, { %{ $to_ada[0] }, to => 'busy@example.com' } ]);
deliver();
is(join(' ', map { @{ $_->{to} } } received('smtp')), 'ada@example.com', 'an address that is refused keeps no other from its mail');
like(state_of(),
	qr/^pending\|1\|email of a developer: mail server said 451 try later \(3 attempt\(s\)\); email of a developer: mail server said 550 no such user$/,
	'what the server said is kept');
make_due();
deliver();
is(scalar received('smtp'), 0, 'and who has it does not get it again');
is(sql('SELECT delivered_to FROM devapp.notification'), '{ada@example.com}', 'since that was recorded');

queue(\@to_ada);
configure(smtp => "host = 127.0.0.1\nport = $port{smtp}");
deliver();
like(state_of(), qr/^pending\|1\|.*certificate verify failed/, 'the certificate of a mail server is verified');
my $login = "host = 127.0.0.1\nport = $port{smtp}\nca_file = $certificate\nuser = devapp\npassword";
configure(smtp => "$login = wrong");
make_due();
deliver();
like(state_of(), qr/^pending\|2\|email of a developer: mail server said 535 [^(]*$/, 'a wrong password is not tried again at once');
unlike(state_of(), qr/wrong/, 'nor shown');
configure(smtp => "$login = pass word");
make_due();
deliver();
is(join(' ', map { $_->{authenticated} ? 'as devapp' : 'as nobody' } received('smtp')), 'as devapp', 'the right one logs in');
queue(\@to_ada);
configure(smtp => "host = 127.0.0.1\nport = $port{plain}\nca_file = $certificate");
make_due();
deliver();
like(state_of(), qr/^pending\|1\|.*STARTTLS extension not supported/, 'a server without TLS gets nothing');
is(scalar(received('smtp')) + scalar(received('plain')), 0, 'neither of them');
configure(smtp => "host = 127.0.0.1\nport = $port{plain}\nsecurity = none");
make_due();
deliver();
is(join(' ', map { "$_->{tls}@{$_->{to}}" } received('plain')), '0ada@example.com', 'unless that is wanted');
configure(smtp => "host = 127.0.0.1\nport = 1\nca_file = $certificate");
queue(\@to_ada);
deliver();
like(state_of(), qr/^pending\|1\|email of a developer: .*Connection refused \(3 attempt\(s\)\)$/, 'a server that is away is tried again');

# ---------- what people typed ----------

configure();
queue(
	[ { kind => 'developer', to => 'eve@example.com', name => "Eve\r\nBcc: evil\@example.com", why => 'owner' } ],
	{ app => "shop\r\nBcc: evil\@example.com\r\n\r\nbody\e[31m", note => "{0.__class__} {app}\r\n.\r\nMAIL FROM:<x>" });
deliver();
my @mails = received('smtp');
is(scalar @mails, 1, 'names of several lines are one mail');
is("@{$mails[0]{to}}", 'eve@example.com', 'to one address');
($head) = split /\r\n\r\n/, $mails[0]{content};
unlike($head, qr/^Bcc/mi, 'and begin no header');
like($head, qr/^Subject: App shop Bcc: evil\@example\.com body \[31m was approved\r$/m, 'the subject is one line');
like($mails[0]{content}, qr/note: \{0\.__class__\} \{app\}/, 'and what looks like a template is none');
for my $address ("a\@example.com\r\nBcc: evil\@example.com", 'a@example.com, evil@example.com', 'a@example.com> <evil@example.com', '', 'evil')
{
	queue([ { kind => 'developer', to => $address, name => undef, why => 'owner' } ]);
	deliver();
	is(state_of(), 'pending|1|email of a developer: this is not an address that mail can be sent to', 'what is more than an address is refused');
}
is(scalar received('smtp'), 0, 'and gets no mail');

# ---------- how it runs ----------

queue(\@to_ada);
deliver();
received('smtp');
# IPC::Run would wait for the file to be read
my $daemon = IPC::Run::start([ $python, $notifier, "$dir/notifier.conf" ], '<', \undef, '>', "$dir/out", '2>', "$dir/err", IPC::Run::timeout(180));
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE usename = 'mailer' AND state = 'idle'}) or die;
sql("SELECT devapp.suspend_app('$app->{app_id}')");
my $done = q{SELECT count(*) = 0 FROM devapp.notification WHERE status <> 'done'};
ok($node->poll_query_until('postgres', $done), 'it hears of a notification, and does not wait to look again');
is(scalar received('smtp'), 1, 'and delivers it');
$node->restart;
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE usename = 'mailer' AND state = 'idle'}) or die;
sql("SELECT devapp.resume_app('$app->{app_id}')");
ok($node->poll_query_until('postgres', $done), 'it comes back when the server does');
like(slurp_file("$dir/err"), qr/ERROR database: /, 'and has said that it was away');
$daemon->signal('TERM');
ok($daemon->finish, 'TERM: it ends well, without waiting');
received('smtp');

# while a delivery is on
ask_admins();
answers(0);
$daemon = IPC::Run::start([ $python, $notifier, "$dir/notifier.conf" ], '<', \undef, '>', "$dir/out", '2>', "$dir/err", IPC::Run::timeout(180));
$node->poll_query_until('postgres', q{SELECT status = 'leased' FROM devapp.notification}) or die;
$daemon->signal('TERM');
ok($daemon->finish, 'TERM: it ends well when the attempt has');
like(state_of(), qr/^pending\|1\|webhook on call: no answer within 2 seconds \(1 attempt\(s\)\)$/, 'and gives the notification back');

$node->stop;
($said, my $ok) = deliver();
ok(!$ok && $said =~ /ERROR database: /, 'without a database --once fails');
$node->start;
sql('REVOKE EXECUTE ON FUNCTION devapp.claim_notifications(integer, interval, text) FROM mailer');
($said, $ok) = deliver();
ok(!$ok && $said =~ /^notifier: permission denied for function claim_notifications/m, 'without a right it says so, and ends');

# ---------- every event has a subject ----------

my ($events) = sql("SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'devapp.notification'::regclass AND tgname = 'guard_row'") =~ /event:in ([\w ]+)/;
my ($subjects) = slurp_file($notifier) =~ /^SUBJECTS = \{(.*?)^\}/ms;
is(join(' ', sort $subjects =~ /^    "(\w+)":/mg), join(' ', sort split ' ', $events), 'every event has a subject');

# ---------- configuration ----------

for my $wrong (
	[ 'chmod 600', mode => 0644 ],
	[ 'chmod 600', mode => 0660 ],
	[ 'security of smtp is', smtp => 'security = no' ],
	[ 'no password without TLS', smtp => "security = none\nuser = me" ],
	[ 'a secret of webhook desk is not whsec_', more => "[webhook:desk]\nsecret = hunter2" ],
	[ 'a secret of webhook desk is not whsec_', more => "[webhook:desk]\nsecret = whsec_?" ],
	[ 'has not 24 to 64 bytes', more => "[webhook:desk]\nsecret = whsec_c2hvcnQ=" ],
	[ 'webhook desk has no secret', more => '[webhook:desk]' ],
	[ 'greater than zero', worker => 'lease = 0' ],
	[ 'more than twice its timeout', worker => 'lease = 3' ],
	[ 'could not convert', worker => 'lease = long' ],
	[ 'No such file', smtp => 'ca_file = /nowhere' ])
{
	my ($error, %with) = @$wrong;
	my $mode = delete $with{mode};
	chmod $mode || 0600, configure(%with);
	($said, $ok) = deliver('--check');
	ok(!$ok && $said =~ /^notifier: .*\Q$error\E/, "refused: $error");
	unlike($said, qr/hunter2|c2hvcnQ|Traceback/, 'without showing a secret');
}
unlink "$dir/notifier.conf";
like(deliver('--check'), qr/^notifier: .*No such file/, 'a configuration has to be there');

done_testing();
