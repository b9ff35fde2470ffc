# Erasing a person: nothing of them is in a dump afterwards, and the audit trail is still what
# was sealed.  Legal holds refuse it.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $node = start_server('main');
sub sql { return $node->safe_psql('postgres', shift) }

# dump(name): the text of a dump
sub dump_text
{
	my ($name) = @_;

	$node->command_ok([ 'pg_dump', '-f', "$dir/$name", 'postgres' ], "pg_dump: $name");
	return slurp_file("$dir/$name");
}

make_program($node);
sql('SELECT devapp.setup_roles(); CREATE ROLE clerk LOGIN IN ROLE devapp_admin; CREATE ROLE auditor LOGIN IN ROLE devapp_auditor');

# ---------- a person, everywhere ----------

# under two e-mails, in rows, events and notifications
my @of_zoe = ('zoe.example@old.example', 'Zoe.Quill@new.example', "Zo\xc3\xabanna", 'Quillworth', 'zquill', '555-0142', 'Quill Ltd', 'zoe.before@old.example');
sql(qq{SET client_encoding = 'UTF8';
	SELECT FROM devapp.create_developer('zoe.before\@old.example', 'Zo\xc3\xabanna');
	SELECT FROM devapp.delete_developer('zoe.before\@old.example');
	SELECT FROM devapp.create_developer('$of_zoe[0]', '$of_zoe[2]', '$of_zoe[3]', '$of_zoe[4]', '{"phone": "$of_zoe[5]", "company": "$of_zoe[6]"}');
	SELECT FROM devapp.create_developer('rob\@new.example', 'Robert', 'Stays');
	SELECT FROM devapp.create_product('paid', approval => 'manual')});
my ($zoe) = sql("SELECT developer_id FROM devapp.developer WHERE email = '$of_zoe[0]'");
my $app = sql(qq{SELECT devapp.act_as('$of_zoe[0]', false);
	SELECT app_id FROM devapp.create_app('shop', '$of_zoe[0]', '{paid}')}) =~ s/.*\n//sr;
sql(qq{SELECT devapp.act_as('$of_zoe[0]', false);
	SELECT FROM devapp.approve_app('$app', 'fine');
	SELECT FROM devapp.create_team('blue');
	SELECT FROM devapp.suspend_app('$app'); SELECT FROM devapp.resume_app('$app');
	SELECT FROM devapp.set_developer_status('rob\@new.example', 'deactivate'); SELECT FROM devapp.set_developer_status('rob\@new.example', 'activate')});
sql(qq{SELECT FROM devapp.invite_team_member('blue', '$of_zoe[0]');
	SELECT FROM devapp.add_notification_recipient('blue-desk', team => 'blue', email => '$of_zoe[0]');
	SELECT FROM devapp.add_team_member('blue', 'rob\@new.example', 'admin');
	SELECT FROM devapp.create_app('of-team', team => 'blue', products => '{paid}');
	SELECT FROM devapp.approve_app('team:blue/of-team');
	SELECT FROM devapp.transfer_app('$app', team => 'blue');
	SELECT FROM devapp.transfer_app('$app', developer => '$of_zoe[0]');
	CALL devapp.run_bulk('suspend', '{"owner": "$of_zoe[0]"}');
	SELECT FROM devapp.claim_notifications(5);
	SELECT FROM devapp.update_developer('$of_zoe[0]', email => '$of_zoe[1]');
	SELECT FROM devapp.resume_app('$app')});
# by claims, which name her by the other case
sql(qq{SET request.jwt.claims = '{"email": "ZOE.quill\@new.example", "email_verified": true}';
	SELECT FROM devapp.update_developer('$of_zoe[1]', user_name => 'zquill2');
	SELECT FROM devapp.set_attribute('app', '$app', 'tier', 'gold')});
my $before = dump_text('before.sql');
like($before, qr/\Q$_\E/i, "known before: $_") for @of_zoe;
my ($size, $note) = split /\|/, sql('SELECT tree_size, note FROM devapp.seal_audit()'), 2;
my $trail = "SELECT md5(string_agg(e::text, E'\\n' ORDER BY event_id)) FROM devapp.audit_event e WHERE event_id <= (SELECT max(event_id) FROM devapp.audit_leaf WHERE leaf_index < $size)";
my $events = sql($trail);
unlike(sql("SELECT string_agg(e::text, ' ') FROM devapp.audit_event e"), qr/\@(?:old|new)\.example|Quill|Robert|555-0142/i, 'events hold pseudonyms');
like(sql(qq{SELECT string_agg(actor || ' ' || happened, E'\\n') FROM devapp.history('zoe.quill\@new.example')}),
	qr/^zoe\.example\@old\.example app approved\n.*^zoe\.quill\@new\.example app changed: attributes/ms, 'the history tells who it was, under both e-mails');
is(sql(qq{SELECT string_agg(DISTINCT who, ' ' ORDER BY who) FROM devapp.app_history('$app')}), "postgres zoe.example\@old.example zoe.quill\@new.example", 'so does that of the app');
is(sql(qq{SELECT string_agg(DISTINCT decided_by, ' ') FROM devapp_report.approvals WHERE app_id = '$app' AND decided_by_kind = 'person'}), 'zoe.example@old.example', 'and the report of approvals');
is(sql("SET ROLE auditor; SELECT count(*) > 5 FROM devapp.pseudonym"), 't', 'auditors may look up pseudonyms');

# ---------- refused ----------

my $erase = "SELECT erased_at IS NOT NULL FROM devapp.erase_developer('zoe.quill\@new.example', 'asked by letter')";
for my $role ('auditor', 'devapp_developer', 'devapp_analyst')
{
	is(scalar error_of($node, "SET SESSION AUTHORIZATION $role; $erase"), '42501', "not by $role");
}
is(scalar error_of($node, "BEGIN ISOLATION LEVEL REPEATABLE READ; $erase"), '25001', 'not on an older snapshot');
is(scalar error_of($node, "SET SESSION AUTHORIZATION clerk; $erase"), '2BP01', 'not while there are apps of hers');
sql(qq{SELECT FROM devapp.delete_app('$app')});

my $month = sql(q{SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD')});
for my $case ([ 'developer', "developer => 'zoe.quill\@new.example'" ], [ 'month', "month => '$month'" ], [ 'an id', "developer => '$zoe'" ])
{
	my ($name, $held) = @$case;
	sql("SET SESSION AUTHORIZATION clerk; SELECT FROM devapp.set_legal_hold($held, note => 'court'); SELECT FROM devapp.set_legal_hold($held)");
	is(sql('SELECT count(*) FROM devapp.legal_hold'), 1, "a legal hold by $name, once");
	my ($state, $report) = error_of($node, "SET SESSION AUTHORIZATION clerk; $erase");
	is($state, '55000', "by $name: erasing is refused") or diag($report);
	like($report, qr/under a legal hold/, 'in words');
	sql("SET SESSION AUTHORIZATION clerk; SELECT FROM devapp.release_legal_hold($held, note => 'it ended')");
	($state, $report) = error_of($node, "SELECT devapp.release_legal_hold($held)");
	is($state, '42704', 'there is none any more');
	my $what = $name eq 'month' ? substr $month, 0, 7 : '"' . ($name eq 'an id' ? $zoe : 'zoe.quill@new.example') . '"';
	like($report, qr/there is no legal hold on \Q$what\E$/m, 'on what');
}
is(sql(q{SELECT string_agg(action || coalesce(' ' || note, ''), ', ' ORDER BY event_id) FROM devapp.audit_event WHERE entity = 'legal_hold'}),
	'create, remove it ended, create, remove it ended, create, remove it ended', 'holds are in the trail');
sql("SELECT FROM devapp.set_legal_hold(month => '2001-02-03')");
is(scalar error_of($node, "SELECT devapp.set_legal_hold()"), '22023', 'a hold of nothing');
is(scalar error_of($node, "SELECT devapp.set_legal_hold('zoe.quill\@new.example', '2001-02-03')"), '22023', 'a hold of two things');
is(scalar error_of($node, "SELECT devapp.set_legal_hold('nobody\@new.example')"), '42704', 'a hold of nobody');

# ---------- erased ----------

is(sql("SET SESSION AUTHORIZATION clerk; $erase"), 't', 'erased, though another month is held');
is(sql("SELECT erased_at IS NOT NULL FROM devapp.erase_developer('zoe.before\@old.example')"), 't', 'one who was deleted long ago as well');
my $after = dump_text('after.sql');
unlike($after, qr/\Q$_\E/i, "not in the dump: $_") for @of_zoe, 'zquill2', 'zoe';
like($after, qr/\Q$_\E/, "others are: $_") for 'rob@new.example', 'Robert', 'Stays', 'ada@example.com';
is(sql($trail), $events, 'no event has changed');
is(sql('SELECT * FROM devapp.verify_audit($note$' . $note . '$note$)'), '', 'the trail is what was sealed');
is(sql(qq{SELECT bool_and(devapp.check_audit_proof(sha256('\\x00' || devapp.audit_entry(e)), p.leaf_index, p.tree_size, p.path, p.root))
	FROM devapp.audit_event e, devapp.audit_proof(e.event_id, $size) AS p WHERE e.event_id <= (SELECT max(event_id) FROM devapp.audit_leaf WHERE leaf_index < $size)}),
	't', 'every proof holds');
is(sql(q{SELECT actor IS NULL, db_role, note, after ? 'erased_at' FROM devapp.audit_event WHERE action = 'erase' ORDER BY event_id LIMIT 1}), 't|clerk|asked by letter|t', 'who erased, and why');
is(sql("SELECT email, first_name IS NULL, last_name IS NULL, user_name IS NULL, attributes FROM devapp.developer WHERE developer_id = '$zoe'"),
	"$zoe\@erased.invalid|t|t|t|{}", 'the row stays, with nothing in it');
like(sql(qq{SELECT string_agg(DISTINCT who, ' ' ORDER BY who) FROM devapp.app_history('$app')}), qr/^person:\S+ person:\S+ postgres$/, 'the history names a pseudonym');
is(scalar error_of($node, "SELECT devapp.history('zoe.quill\@new.example')"), '42704', 'nobody is found by the e-mail');
is(sql('SELECT count(*) FROM devapp.audit_feed("limit" => 10000)'), sql('SELECT count(*) FROM devapp.audit_leaf'), 'the feed goes on');
is(sql("SELECT count(*) FROM devapp.notification n, jsonb_array_elements(n.recipients) AS r WHERE r->>'developer_id' = '$zoe'"), '0', 'no notification is for her');
is(sql("SELECT count(*) > 0 FROM devapp.notification n, jsonb_array_elements(n.recipients) AS r WHERE r->>'to' = 'rob\@new.example'"), 't', 'those of others stay');

# twice
for my $who ('zoe.quill@new.example', $zoe, 'nobody@new.example')
{
	my ($rows, $report);
	$node->psql('postgres', "SELECT devapp.erase_developer('$who')", stdout => \$rows, stderr => \$report);
	is($rows, '', 'nothing is erased twice');
	like($report, qr/^psql:\S+ NOTICE:  there is nothing left to erase for this person/, 'but said');
}
unlike(dump_text('twice.sql'), qr/zoe/i, 'and nothing comes back by it');

# ---------- an address that was never a developer's ----------

sql(qq{SET request.jwt.claims = '{"email": "claimed\@new.example", "email_verified": true}'; SELECT FROM devapp.create_product('by-claims')});
like(dump_text('claimed.sql'), qr/claimed\@new\.example/, 'somebody who acted by claims');
{
	my ($rows, $report);
	$node->psql('postgres', "SELECT devapp.erase_developer('claimed\@new.example')", stdout => \$rows, stderr => \$report);
	is($rows, '', 'no developer');
	like($report, qr/NOTICE:  the address does not belong to a developer; data about it are erased/, 'but an address');
}
unlike(dump_text('claimed.sql'), qr/claimed\@new\.example/, 'is erased as well');

# ---------- what the trail has of it ----------

sql(q{SELECT FROM devapp.create_developer('events@new.example'); SELECT FROM devapp.add_notification_recipient('events', role => 'devapp_admin', email => 'events@new.example')});
my $before_erasing = sql('SELECT max(event_id) FROM devapp.audit_event');
sql(q{SELECT FROM devapp.erase_developer('events@new.example')});
is(sql("SELECT string_agg(action || ' ' || entity, ', ' ORDER BY event_id) FROM devapp.audit_event WHERE event_id > $before_erasing"),
	'delete developer, remove notification_recipient, erase developer', 'what is deleted is recorded, and what is overwritten is not');

# ---------- by an e-mail that the person had before ----------

sql("SELECT FROM devapp.create_developer('first\@new.example', 'Firstname'); SELECT FROM devapp.update_developer('first\@new.example', email => 'second\@new.example')");
is(scalar error_of($node, "SELECT FROM devapp.set_legal_hold('First\@new.example'); SELECT devapp.erase_developer('second\@new.example')"), '55000', 'a hold by the earlier e-mail');
is(sql("SELECT FROM devapp.release_legal_hold('second\@new.example'); SELECT count(*) FROM devapp.erase_developer('first\@new.example')"), 1, 'erased by the earlier e-mail');
unlike(dump_text('first.sql'), qr/(?:first|second)\@new|Firstname/i, 'both are gone');

# ---------- a dump is restored, and erased there ----------

sql("SELECT FROM devapp.create_developer('moved\@new.example', 'Movedaway')");
# a name from before such were refused comes along
sql("SET session_replication_role = replica; UPDATE devapp.team SET display_name = '=1+1' WHERE name = 'blue'");
dump_text('moved.sql');
sql('CREATE DATABASE restored');
{
	local $ENV{PGOPTIONS} = '-c devapp.restoring=on';
	$node->safe_psql('restored', "LOAD 'devapp'");
	$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', "$dir/moved.sql", '-d', 'restored' ], 'restore, with rows that were erased');
}
is($node->safe_psql('restored', q{SELECT display_name FROM devapp.team WHERE name = 'blue'}), '=1+1', 'a name that would be refused now');
is($node->safe_psql('restored', q{SELECT erased_at IS NOT NULL FROM devapp.erase_developer('moved@new.example')}), 't', 'erased in the copy');
is($node->safe_psql('restored', 'SELECT * FROM devapp.verify_audit($note$' . $note . '$note$)'), '', 'whose trail is what was sealed');
$node->command_ok([ 'pg_dump', '-f', "$dir/restored.sql", 'restored' ], 'pg_dump of the copy');
unlike(slurp_file("$dir/restored.sql"), qr/moved\@new|Movedaway/, 'nothing of the person is in it');

done_testing();
