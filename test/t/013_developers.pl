# Developers see and manage what is their own and their teams', through PostgREST's
# settings and by act_as(), and cannot get at more: not by other claims, not by
# direct SQL, not by functions.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use Test::More;

my $node = start_server('main');
make_program($node);
$node->safe_psql(
	'postgres', q{
	SELECT devapp.setup_roles();
	SELECT devapp.create_developer(e) FROM unnest('{bob@example.com,eve@example.com}'::text[]) AS e;
	SELECT devapp.create_team('blue');
	SELECT devapp.add_team_member('blue', 'ada@example.com', 'admin');
	SELECT devapp.add_team_member('blue', 'bob@example.com');
	SELECT devapp.create_product('secret', access => 'internal');
	SELECT devapp.create_product('maps', approval => 'manual');
	SELECT devapp.add_operation('secret', '/secret/**');
	CREATE ROLE authenticator LOGIN NOINHERIT;
	GRANT devapp_developer TO authenticator;
	CREATE ROLE mallory LOGIN IN ROLE devapp_developer;
	CREATE ROLE portal LOGIN NOINHERIT;
	GRANT devapp_developer, devapp_admin TO portal;});

# What PostgREST does: a transaction with the role and the claims of the token.
sub rest
{
	my ($email, $sql) = @_;
	my $claims = defined $email ? qq({"role": "devapp_developer", "email": "$email", "email_verified": true}) : '{"role": "devapp_developer"}';

	return qq{SET SESSION AUTHORIZATION authenticator; BEGIN; SET LOCAL ROLE devapp_developer;
		DO \$do\$BEGIN PERFORM set_config('request.jwt.claims', '$claims', true); END\$do\$; $sql; COMMIT};
}
sub sees { return $node->safe_psql('postgres', rest(@_)) }
sub state_of { return scalar error_of($node, rest(@_)) }

my %app = (
	ada => create_app($node, 'ada-app'),
	eve => create_app($node, 'eve-app', "developer => 'eve\@example.com', products => '{secret}'"),
	blue => create_app($node, 'blue-app', "team => 'blue', products => '{weather,maps}'"));

# ---------- who sees what ----------

my %rows = (
	# table => [ada, bob, eve, nobody]
	'developer' => [ 'ada@example.com bob@example.com', 'ada@example.com bob@example.com', 'eve@example.com', '' ],
	'team' => [ 'blue', 'blue', '', '' ],
	'app' => [ 'ada-app blue-app', 'blue-app', 'eve-app', '' ],
	'product' => [ 'maps weather', 'maps weather', 'maps secret weather', 'maps weather' ]);
my %column = (developer => 'email', team => 'name', app => 'name', product => 'name');
my @who = ('ada@example.com', 'bob@example.com', 'eve@example.com', undef);
for my $table (sort keys %rows)
{
	for my $i (0 .. 3)
	{
		is(sees($who[$i], "SELECT coalesce(string_agg($column{$table}, ' ' ORDER BY $column{$table}), '') FROM devapp.$table"),
			$rows{$table}[$i], ($who[$i] || 'nobody') . " sees $table: '$rows{$table}[$i]'");
	}
}
my %count = (team_member => [ 2, 2, 0, 0 ], credential => [ 2, 1, 1, 0 ], credential_secret => [ 2, 1, 1, 0 ],
	credential_product => [ 3, 2, 1, 0 ], product_operation => [ 1, 1, 2, 1 ]);
for my $table (sort keys %count)
{
	for my $i (0 .. 3)
	{
		is(sees($who[$i], "SELECT count(*) FROM devapp.$table"), $count{$table}[$i],
			($who[$i] || 'nobody') . " sees $count{$table}[$i] rows of $table");
	}
}
is(sees('bob@example.com', q{SELECT count(*), count(*) FILTER (WHERE app_id = (SELECT app_id FROM devapp.app WHERE name = 'blue-app')) FROM devapp.audit_event}),
	'5|5', 'the audit trail shows bob what happened to the team\'s app');
is(sees(undef, 'SELECT count(*) FROM devapp.audit_event'), '0', 'and nobody nothing');
is(state_of('bob@example.com', 'SELECT client_addr FROM devapp.audit_event'), '42501', 'not from where administrators work');
is(sees('bob@example.com', "SELECT count(*) FROM devapp.app_history('$app{blue}{app_id}')"), '5', 'app_history() tells the same');
is(state_of('bob@example.com', "SELECT count(*) FROM devapp.app_history('$app{eve}{app_id}')"), '42704', 'but not of others');
is(state_of('bob@example.com', "SELECT count(*) FROM devapp.access_at('$app{eve}{app_id}', '/', 'GET', 'live', now())"), '42704', 'nor access_at()');
is(state_of('ada@example.com', 'SELECT digest FROM devapp.credential_secret'), '42501', 'no digest, not even of one\'s own secret');
is(state_of('ada@example.com', 'SELECT * FROM devapp.credential_secret'), '42501', 'nor by *');
is(state_of('ada@example.com', 'SELECT attributes FROM devapp.developer'), '42501', 'no attributes of developers');

# ---------- who may do what ----------

# [name, e-mail, SQL, SQLSTATE]
for my $case (
	[ 'create an app of one\'s own', 'bob@example.com', q{SELECT devapp.create_app('b', products => '{weather}')}, '00000' ],
	[ 'for somebody else', 'bob@example.com', q{SELECT devapp.create_app('b2', developer => 'eve@example.com')}, '42501' ],
	[ 'for somebody who does not exist: the same answer', 'bob@example.com', q{SELECT devapp.create_app('b2', developer => 'zoe@example.com')}, '42501' ],
	[ 'for a team as its admin', 'ada@example.com', q{SELECT devapp.create_app('t', team => 'blue')}, '00000' ],
	[ 'for a team as a member', 'bob@example.com', q{SELECT devapp.create_app('t2', team => 'blue')}, '42501' ],
	[ 'for a team of others: it does not exist', 'eve@example.com', q{SELECT devapp.create_app('t2', team => 'blue')}, '42704' ],
	[ 'for nobody', undef, q{SELECT devapp.create_app('n')}, '42501' ],
	[ 'with an internal product', 'bob@example.com', q{SELECT devapp.create_app('b3', products => '{secret}')}, '42704' ],
	[ 'with an internal product that another app of one\'s own has', 'eve@example.com', q{SELECT devapp.create_app('e2', products => '{secret}')}, '42704' ],
	[ 'for an app that has it', 'eve@example.com', "SELECT devapp.issue_credential('$app{eve}{app_id}', products => '{secret}')", '00000' ],
	[ 'which products there are', 'bob@example.com', "SELECT devapp.set_credential_product_status('$app{blue}{credential_id}', 'secret', 'approve')", '42704' ],
	[ 'which products there are not', 'bob@example.com', "SELECT devapp.set_credential_product_status('$app{blue}{credential_id}', 'nosuch', 'approve')", '42704' ],
	[ 'update one\'s own', 'eve@example.com', "SELECT devapp.update_app('$app{eve}{app_id}', description => 'd')", '00000' ],
	[ 'update of a team as member', 'bob@example.com', "SELECT devapp.update_app('$app{blue}{app_id}', description => 'd')", '42501' ],
	[ 'update of others', 'bob@example.com', "SELECT devapp.update_app('$app{eve}{app_id}', description => 'd')", '42704' ],
	[ 'rotate one\'s own', 'eve@example.com', "SELECT devapp.rotate_credential('$app{eve}{credential_id}')", '00000' ],
	[ 'complete it', 'eve@example.com', "SELECT devapp.complete_rotation('$app{eve}{credential_id}')", '00000' ],
	[ 'rotate of a team as member', 'bob@example.com', "SELECT devapp.rotate_credential('$app{blue}{credential_id}')", '42501' ],
	[ 'rotate of a team as admin', 'ada@example.com', "SELECT devapp.rotate_credential('$app{blue}{credential_id}')", '00000' ],
	[ 'cancel it', 'ada@example.com', "SELECT devapp.cancel_rotation('$app{blue}{credential_id}')", '00000' ],
	[ 'rotate of others', 'eve@example.com', "SELECT devapp.rotate_credential('$app{ada}{credential_id}')", '42704' ],
	[ 'issue for one\'s own', 'ada@example.com', "SELECT devapp.issue_credential('$app{ada}{app_id}')", '00000' ],
	[ 'issue for others', 'eve@example.com', "SELECT devapp.issue_credential('$app{ada}{app_id}')", '42704' ],
	[ 'revoke of others', 'eve@example.com', "SELECT devapp.revoke_credential('$app{ada}{credential_id}')", '42704' ],
	[ 'approve what one revoked', 'eve@example.com', "SELECT devapp.approve_credential('$app{eve}{credential_id}')", '42501' ],
	[ 'add a product', 'ada@example.com', "SELECT devapp.add_credential_product('$app{ada}{credential_id}', 'maps')", '00000' ],
	[ 'add an internal one', 'ada@example.com', "SELECT devapp.add_credential_product('$app{ada}{credential_id}', 'secret')", '42704' ],
	[ 'remove a product of others', 'eve@example.com', "SELECT devapp.remove_credential_product('$app{ada}{credential_id}', 'weather')", '42704' ],
	[ 'an attribute of an app', 'ada@example.com', "SELECT devapp.set_attribute('app', '$app{ada}{app_id}', 'a', 'b')", '00000' ],
	[ 'an attribute of others\' app', 'eve@example.com', "SELECT devapp.set_attribute('app', '$app{ada}{app_id}', 'a', 'b')", '42704' ],
	[ 'an attribute of oneself', 'ada@example.com', q{SELECT devapp.set_attribute('developer', 'ada@example.com', 'tier', 'gold')}, '42501' ],
	[ 'an attribute of a product', 'ada@example.com', q{SELECT devapp.remove_attribute('product', 'weather', 'a')}, '42501' ],
	[ 'one\'s name', 'ada@example.com', q{SELECT devapp.update_developer('ada@example.com', first_name => 'Ada')}, '00000' ],
	[ 'one\'s e-mail', 'ada@example.com', q{SELECT devapp.update_developer('ada@example.com', email => 'eve2@example.com')}, '42501' ],
	[ 'another\'s name', 'ada@example.com', q{SELECT devapp.update_developer('bob@example.com', first_name => 'Ada')}, '42501' ],
	[ 'the team\'s name', 'ada@example.com', q{SELECT devapp.update_team('blue', display_name => 'Blue')}, '00000' ],
	[ 'the team\'s attributes', 'ada@example.com', q{SELECT devapp.update_team('blue', attributes => '{}')}, '42501' ],
	[ 'add a member without asking', 'ada@example.com', q{SELECT devapp.add_team_member('blue', 'eve@example.com')}, '42501' ],
	[ 'invite as admin', 'ada@example.com', q{SELECT devapp.invite_team_member('blue', 'eve@example.com')}, '00000' ],
	[ 'invite as member', 'bob@example.com', q{SELECT devapp.invite_team_member('blue', 'eve@example.com')}, '42501' ],
	[ 'invite to a team of others', 'eve@example.com', q{SELECT devapp.invite_team_member('blue', 'eve@example.com')}, '42704' ],
	[ 'accept what another was asked', 'bob@example.com', q{SELECT devapp.accept_invitation('blue')}, '42704' ],
	[ 'accept as nobody', undef, q{SELECT devapp.accept_invitation('blue')}, '42501' ],
	[ 'accept', 'eve@example.com', q{SELECT devapp.accept_invitation('blue')}, '00000' ],
	[ 'accept again', 'eve@example.com', q{SELECT devapp.accept_invitation('blue')}, '42704' ],
	[ 'invite a member', 'ada@example.com', q{SELECT devapp.invite_team_member('blue', 'eve@example.com')}, '23505' ],
	[ 'promote as member', 'eve@example.com', q{SELECT devapp.set_team_role('blue', 'eve@example.com', 'admin')}, '42501' ],
	[ 'leave', 'eve@example.com', q{SELECT devapp.remove_team_member('blue', 'eve@example.com')}, '00000' ],
	[ 'leave as the last admin', 'ada@example.com', q{SELECT devapp.remove_team_member('blue', 'ada@example.com')}, '55000' ],
	[ 'put out a member as member', 'bob@example.com', q{SELECT devapp.remove_team_member('blue', 'ada@example.com')}, '42501' ],
	[ 'why may my app', 'bob@example.com', "SELECT count(*) FROM devapp.explain_access('$app{blue}{app_id}')", '00000' ],
	[ 'why may another\'s', 'eve@example.com', "SELECT count(*) FROM devapp.explain_access('$app{blue}{app_id}')", '42704' ],
	[ 'delete of others', 'eve@example.com', "SELECT devapp.delete_app('$app{ada}{app_id}')", '42704' ],
	[ 'delete one\'s own', 'eve@example.com', "SELECT devapp.delete_app('$app{eve}{app_id}')", '00000' ],
	[ 'UPDATE', 'ada@example.com', q{UPDATE devapp.app SET status = 'approved'}, '42501' ],
	[ 'INSERT', 'ada@example.com', q{INSERT INTO devapp.team_member SELECT team_id, developer_id FROM devapp.team, devapp.developer}, '42501' ],
	[ 'suspend', 'ada@example.com', "SELECT devapp.suspend_app('$app{ada}{app_id}')", '42501' ],
	[ 'be another', 'ada@example.com', q{SELECT devapp.act_as('eve@example.com')}, '42501' ],
	[ 'be another by SET', 'ada@example.com', q{SELECT devapp.actor(); SET devapp.actor = 'eve@example.com'}, '42501' ],
	[ 'count every session\'s claims', 'ada@example.com', q{SELECT devapp.actor(); SET devapp.claims_from = '*'}, '42501' ],
	[ 'switch row security off', 'ada@example.com', q{SET LOCAL row_security = off; SELECT count(*) FROM devapp.app}, '42501' ],
	[ 'NULL', 'ada@example.com', 'SELECT devapp.delete_app(NULL)', '42704' ],
	[ 'an internal function', 'ada@example.com', "SELECT devapp_internal.issue_secret('$app{ada}{credential_id}', NULL)", '42501' ])
{
	my ($name, $email, $sql, $expected) = @$case;
	my ($state, $report) = error_of($node, rest($email, $sql));
	is($state, $expected, ($email || 'nobody') . ": $name") or diag($report);
}

# ---------- what was taken away stays away ----------

$app{taken} = create_app($node, 'taken', "developer => 'eve\@example.com', products => '{weather}'");
$node->safe_psql('postgres', "SELECT devapp.set_credential_product_status('$app{taken}{credential_id}', 'weather', 'revoke', 'abuse')");
is(state_of('eve@example.com', "SELECT devapp.remove_credential_product('$app{taken}{credential_id}', 'weather')"), '00000', 'eve removes what an admin revoked');
is(sees('eve@example.com', "SELECT status FROM devapp.add_credential_product('$app{taken}{credential_id}', 'weather')"), 'pending', 'asks for it again, and it waits');
is(sees('eve@example.com', "SELECT FROM devapp.issue_credential('$app{taken}{app_id}', products => '{weather}'); SELECT string_agg(DISTINCT cp.status, ' ') FROM devapp.credential_product cp JOIN devapp.credential c USING (credential_id) WHERE c.app_id = '$app{taken}{app_id}' AND cp.removed_at IS NULL"),
	'pending', 'with another credential, too');

# ---------- nobody's triggers ----------

$node->safe_psql('postgres', 'CREATE ROLE clerk LOGIN IN ROLE devapp_admin; GRANT TEMPORARY ON DATABASE postgres TO clerk');
my $triggers = $node->safe_psql('postgres', q{
	SELECT string_agg(p.oid::regproc::text, ' ') FROM pg_proc p WHERE p.pronamespace = 'devapp'::regnamespace AND p.prorettype = 'trigger'::regtype});
for my $function (split / /, $triggers)
{
	is(scalar error_of($node, "SET SESSION AUTHORIZATION clerk; CREATE TEMP TABLE app (decision_note text, team_id uuid, product_id uuid);
			CREATE TRIGGER z AFTER INSERT ON app FOR EACH ROW EXECUTE FUNCTION $function()"),
		'42501', "an administrator cannot put $function() on a table of his own");
	my $state = error_of($node, "CREATE TEMP TABLE app (decision_note text, team_id uuid, product_id uuid);
			CREATE TRIGGER z AFTER INSERT ON app FOR EACH ROW EXECUTE FUNCTION $function('x', 'y'); INSERT INTO app VALUES ('x', NULL, NULL)");
	isnt($state, '00000', "$function() refuses a table that is not devapp's") if $function =~ /forget|notify_|signal/;
}
is(scalar error_of($node, q{SET SESSION AUTHORIZATION clerk; SELECT devapp_internal.set_actor('rule:x', false)}), '42501', 'an administrator acts as a developer who exists, or as nobody');
is($node->safe_psql('postgres', q{SET SESSION AUTHORIZATION clerk;
		INSERT INTO devapp.app (developer_id, name, status, decided_by) SELECT developer_id, 'forged', 'approved', 'rule:forged' FROM devapp.developer WHERE email = 'eve@example.com'
		RETURNING decided_by}), 'clerk', 'whoever inserts a decision made it');

# ---------- approvers ----------

$node->safe_psql('postgres', q{
	SELECT devapp.create_team('mappers');
	SELECT devapp.add_team_member('mappers', 'eve@example.com', 'admin');
	SELECT devapp.add_product_approver('maps', team => 'mappers')});
$node->safe_psql('postgres', q{SELECT devapp.set_app_approval('manual')});
$app{maps} = create_app($node, 'maps-app', "developer => 'ada\@example.com', products => '{maps}'");
$app{both} = create_app($node, 'both-app', "developer => 'ada\@example.com', products => '{maps,weather}'");
$app{own} = create_app($node, 'own-app', "team => 'mappers', products => '{maps}'");
$node->safe_psql('postgres', q{SELECT devapp.set_app_approval('conditional')});
is(sees('eve@example.com', q{SELECT string_agg(DISTINCT app_name, ' ' ORDER BY app_name) FROM devapp.my_approvals()}),
	'ada-app blue-app both-app maps-app own-app', 'an approver sees what waits for him');
is(sees('bob@example.com', 'SELECT count(*) FROM devapp.my_approvals()'), '0', 'nobody else does');
is(state_of('bob@example.com', "SELECT devapp.approve_app('$app{maps}{app_id}')"), '42704', 'nor can he approve what does not exist for him');
is(state_of('ada@example.com', "SELECT devapp.approve_app('$app{maps}{app_id}')"), '42501', 'nor the owner');
is(state_of('eve@example.com', "SELECT devapp.approve_app('$app{own}{app_id}')"), '42501', 'nor the approver for his own team\'s app');
is(state_of('eve@example.com', "SELECT devapp.set_credential_product_status('$app{own}{credential_id}', 'maps', 'approve')"), '42501', 'nor its product');
is(sees('eve@example.com', "SELECT status FROM devapp.reject_app('$app{ada}{app_id}', 'not now')"), 'approved', 'an approved app he cannot reject');
is($node->safe_psql('postgres', "SELECT p.name, cp.status FROM devapp.credential_product cp JOIN devapp.product p USING (product_id) WHERE credential_id = '$app{ada}{credential_id}' ORDER BY p.name"),
	"maps|revoked\nweather|approved", 'only what waits for him in it');
is(state_of('eve@example.com', "SELECT devapp.reject_app('$app{ada}{app_id}')"), '55000', 'and when nothing does, nothing');
is(state_of('eve@example.com', "SELECT devapp.set_credential_product_status('$app{blue}{credential_id}', 'weather', 'revoke')"), '42501', 'nor is another product');
is(state_of('eve@example.com', "SELECT devapp.set_credential_product_status('$app{blue}{credential_id}', 'maps', 'approve', 'fine')"), '00000', 'the product of his is');
is($node->safe_psql('postgres', "SELECT status, decided_by, decision_note FROM devapp.credential_product JOIN devapp.product USING (product_id) WHERE credential_id = '$app{blue}{credential_id}' AND name = 'maps'"),
	'approved|eve@example.com|fine', 'and it says who and why');
is(sees('eve@example.com', "SELECT status, decided_by FROM devapp.approve_app('$app{maps}{app_id}')"), 'approved|eve@example.com', 'an app that waits for him alone he approves');

# ---------- invitations: nobody learns who is registered, and each sees what is theirs ----------

# The answers to the administrator of a team about a person who is registered, and about one who is not.
for my $call ("to_jsonb(devapp.invite_team_member('blue', '%s')) - '{invitation_id,created_at,expires_at}'::text[]",
	"devapp.set_team_role('blue', '%s', 'admin')", "to_jsonb(devapp.remove_team_member('blue', '%s')) - 'created_at'", "devapp.remove_team_member('blue', '%s')")
{
	my @answers = map { my $mail = $_; my ($out, $err) = ('', '');
		$node->psql('postgres', rest('ada@example.com', 'SELECT ' . sprintf($call, $mail)), stdout => \$out, stderr => \$err);
		"$out$err" =~ s/\Q$mail\E/(mail)/gr; } 'eve@example.com', 'zoe@example.com';

	isnt($answers[0], '', "$call: there is an answer");
	is($answers[0], $answers[1], "$call: it is the same for both");
}
$node->safe_psql('postgres', q{SELECT FROM devapp.create_team('other'); SELECT FROM devapp.invite_team_member('other', 'eve@example.com')});
sees('ada@example.com', "SELECT FROM devapp.invite_team_member('blue', '$_')") for 'eve@example.com', 'zoe@example.com';
my @invitations = ([ 'ada@example.com', 2, 'the team\'s administrator', '' ], [ 'bob@example.com', 0, 'a member', '' ],
	[ 'EVE@example.com', 2, 'who was invited', "blue\nother" ], [ undef, 0, 'nobody', '' ]);
for my $case (@invitations)
{
	my ($person, $count, $name, $teams) = @$case;

	is(sees($person, 'SELECT count(*) FROM devapp.team_invitation'), $count, "$name sees $count invitations");
	is(sees($person, 'SELECT team FROM devapp.my_invitations() ORDER BY team'), $teams, "$name is invited by: " . ($teams =~ s/\n/ /r));
}
is(state_of('ada@example.com', q{INSERT INTO devapp.team_invitation (team_id, email, expires_at) SELECT team_id, 'eve@example.com', now() FROM devapp.team}), '42501', 'no INSERT');

# an invitation falls with the rights of who made it
$node->safe_psql('postgres', q{SELECT devapp.set_team_role('blue', 'bob@example.com', 'admin'); SELECT devapp.remove_team_member('blue', 'ada@example.com')});
is(sees('eve@example.com', 'SELECT team FROM devapp.my_invitations()'), 'other', 'who is out has invited nobody');
is(state_of('eve@example.com', q{SELECT devapp.accept_invitation('blue')}), '42704', 'and nobody comes in by it');
$node->safe_psql('postgres', q{SELECT devapp.add_team_member('blue', 'ada@example.com', 'admin'); SELECT devapp.set_team_role('blue', 'bob@example.com', 'member')});
is(state_of('eve@example.com', q{SELECT devapp.decline_invitation('other')}), '00000', 'an invitation is declined');
is(sees('eve@example.com', 'SELECT count(*) FROM devapp.team_invitation'), '1', 'and is gone');
$node->safe_psql('postgres', q{SELECT devapp.remove_team_member('blue', 'eve@example.com')});

# ---------- an inactive administrator of a team ----------

$node->safe_psql('postgres', q{SELECT devapp.set_developer_status('ada@example.com', 'deactivate')});
is(state_of('ada@example.com', "SELECT devapp.rotate_credential('$app{blue}{credential_id}')"), '42501', 'inactive, ada administers no team');
is(state_of('ada@example.com', q{SELECT devapp.invite_team_member('blue', 'eve@example.com', 'admin')}), '42501', 'nor invites administrators');
$node->safe_psql('postgres', q{SELECT devapp.set_developer_status('ada@example.com', 'activate')});

# ---------- who counts as whom ----------

my $ada = q({"email": "ada@example.com", "email_verified": true});
is($node->safe_psql('postgres', "SET SESSION AUTHORIZATION mallory; SET request.jwt.claims = '$ada'; SELECT count(*), devapp.actor() FROM devapp.app"),
	'0|', 'a log-in of its own cannot say by claims who it is');
like($node->safe_psql('postgres', "SET SESSION AUTHORIZATION mallory; SET request.jwt.claims = '$ada'; SELECT source FROM devapp.whoami()"),
	qr/not in devapp.claims_from/, 'and whoami() tells why');
my $forged = $node->safe_psql('postgres', q{SELECT 'mallory'::regrole::oid || ' ada@example.com'});
is($node->safe_psql('postgres', qq{SET SESSION AUTHORIZATION mallory; SET devapp.actor = '$forged'; SELECT count(*), devapp.actor() FROM devapp.app}),
	'0|', 'nor by the setting, set before the library is loaded');
is($node->safe_psql('postgres', q{SET SESSION AUTHORIZATION mallory; SET devapp.claims_from = '*'; SET request.jwt.claims = '{"email": "ada@example.com", "email_verified": true}'; SELECT count(*) FROM devapp.app}),
	'0', 'nor by letting all claims count, set before the library is loaded');
{
	local $ENV{PGOPTIONS} = '-c devapp.actor=' . $forged =~ s/ /\\ /r;
	is($node->safe_psql('postgres', 'SELECT count(*) FROM devapp.app', extra_params => [ '-U', 'mallory' ]), '0', 'nor from the command line');
}
is(sees('ada@example.com', "SELECT count(*) FROM devapp.app; SELECT set_config('request.jwt.claims', '', true) = ''; SELECT count(*) FROM devapp.app"),
	"5\nt\n0", 'no claims, no rows');
$node->safe_psql('postgres', q{CREATE ROLE front LOGIN; GRANT devapp_developer TO front; GRANT EXECUTE ON FUNCTION devapp.act_as(text, boolean) TO front});
is($node->safe_psql('postgres', q{SET SESSION AUTHORIZATION front; SELECT devapp.act_as('bob@example.com', is_local => false); SELECT count(*) > 0 FROM devapp.app; BEGIN READ ONLY; SELECT devapp.act_as('eve@example.com'); COMMIT}),
	"bob\@example.com\nt\neve\@example.com", 'act_as() needs no more than its own grant, also where nothing may be written');
is($node->safe_psql('postgres', q{SET SESSION AUTHORIZATION front; BEGIN; SELECT devapp.act_as('bob@example.com'); SELECT string_agg(name, ' ' ORDER BY name) FROM devapp.app; COMMIT; SELECT count(*) FROM devapp.app}),
	"bob\@example.com\nb blue-app t\n0", 'a backend that may act_as() says who its user is, for the transaction');
is($node->safe_psql('postgres', q{SET SESSION AUTHORIZATION front; SELECT devapp.act_as('bob@example.com', is_local => false); SET ROLE devapp_developer; SELECT count(*) FROM devapp.app; SELECT source FROM devapp.whoami()}),
	"bob\@example.com\n0\ndevapp.act_as was called by another role", 'and for no other role');
# a function that names a person for its owner, and its caller
$node->safe_psql(
	'postgres', q{
	CREATE FUNCTION on_behalf_of(person text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
	$$ BEGIN PERFORM devapp.act_as(person); RETURN coalesce(devapp.actor(), 'nobody'); END $$;
	CREATE FUNCTION of_the_desk() RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
	$$ SELECT coalesce(devapp.actor(), 'nobody') $$;
	CREATE ROLE desk IN ROLE devapp_developer;
	GRANT EXECUTE ON FUNCTION devapp.act_as TO desk;
	ALTER FUNCTION on_behalf_of OWNER TO desk;
	ALTER FUNCTION of_the_desk OWNER TO desk});
for my $case (
	[ q{SELECT on_behalf_of('bob@example.com'), devapp.actor()}, 'bob@example.com|ada@example.com', 'a function that names a person for its owner takes nobody from its caller' ],
	[ q{SELECT on_behalf_of(NULL), devapp.actor()}, 'nobody|ada@example.com', 'nor by naming nobody' ],
	[ q{SELECT on_behalf_of('bob@example.com'); SELECT devapp.act_as('eve@example.com'); SELECT of_the_desk()},
		"bob\@example.com\neve\@example.com\nbob\@example.com", 'nor does its caller from it' ],
	[ q{SELECT on_behalf_of('bob@example.com'); SELECT on_behalf_of('eve@example.com'); SELECT of_the_desk(), devapp.actor()},
		"bob\@example.com\neve\@example.com\neve\@example.com|ada\@example.com", 'of one role the last call counts' ],
	[ q{SAVEPOINT s; SELECT on_behalf_of('bob@example.com'); ROLLBACK TO s; SELECT of_the_desk(), devapp.actor()},
		"bob\@example.com\nnobody|ada\@example.com", 'and none that was undone' ],
	[ q{SELECT on_behalf_of('bob@example.com'); COMMIT; BEGIN; SELECT of_the_desk(), coalesce(devapp.actor(), 'nobody')},
		"bob\@example.com\nnobody|nobody", 'at the end of the transaction nobody acts' ],
	[ q{SELECT on_behalf_of('bob@example.com'); SELECT devapp.act_as('eve@example.com', is_local => false); COMMIT; BEGIN; SELECT of_the_desk(), devapp.actor()},
		"bob\@example.com\neve\@example.com\nnobody|eve\@example.com", 'for a session acts whom it was asked for, and nobody of the transaction' ])
{
	my ($sql, $said, $name) = @$case;

	is($node->safe_psql('postgres', "SET SESSION AUTHORIZATION front; BEGIN; SELECT devapp.act_as('ada\@example.com'); $sql; COMMIT"), "ada\@example.com\n$said", $name);
}
is($node->safe_psql('postgres', q{SELECT devapp.act_as('bob@example.com', is_local => false); DISCARD ALL; SELECT count(*) FROM devapp.app}, extra_params => [ '-U', 'front' ]),
	"bob\@example.com\n0", 'a pool that discards all hands no identity on');
$node->safe_psql('postgres', q{GRANT EXECUTE ON FUNCTION devapp.act_as(text, boolean) TO authenticator; GRANT USAGE ON SCHEMA devapp TO authenticator});
is(scalar error_of($node, q{SET SESSION AUTHORIZATION authenticator; SELECT devapp.act_as('bob@example.com', is_local => false)}), '42501', 'nobody is named for a session that many share');
is($node->safe_psql('postgres', q{SET SESSION AUTHORIZATION authenticator; SELECT devapp.act_as('bob@example.com'); SELECT devapp.act_as(NULL)}), "bob\@example.com\n", 'but for the transaction');
$node->safe_psql('postgres', q{REVOKE ALL ON FUNCTION devapp.act_as(text, boolean) FROM authenticator; REVOKE ALL ON SCHEMA devapp FROM authenticator});
set_config($node, 'devapp.claims_from', 'mallory');
is($node->safe_psql('postgres', "SET SESSION AUTHORIZATION mallory; SET request.jwt.claims = '$ada'; SELECT count(*) FROM devapp.app"),
	'5', 'devapp.claims_from names whose claims count');
is(sees('ada@example.com', 'SELECT count(*) FROM devapp.app'), '0', 'and nobody else\'s do');

# somebody who was deleted, and somebody who is inactive
set_config($node, 'devapp.claims_from', 'authenticator');
is(sees('bob@example.com', q{SELECT count(*) FROM devapp.app WHERE name = 'b'}), '1', 'bob has an app');
$node->safe_psql('postgres', q{SELECT devapp.set_developer_status('bob@example.com', 'deactivate')});
is(sees('bob@example.com', q{SELECT count(*) FROM devapp.app WHERE name = 'b'}), '1', 'inactive, he still sees it');
$node->safe_psql('postgres', q{SELECT devapp.delete_app(app_id) FROM devapp.app WHERE name = 'b';
	SELECT devapp.remove_team_member('blue', 'bob@example.com'); SELECT devapp.delete_developer('bob@example.com')});
is(sees('bob@example.com', q{SELECT count(*) FROM devapp.app}), '0', 'deleted, he is nobody');

# ---------- limits ----------

set_config($node, 'devapp.max_apps_per_owner', '3');
set_config($node, 'devapp.max_credentials_per_app', '2');
$node->safe_psql('postgres', q{SELECT devapp.create_developer('lim@example.com')});
my $who = 'lim@example.com';
my $make = "SELECT FROM devapp.create_app('a' || (SELECT count(*) FROM devapp.app))";
is(state_of($who, $make), '00000', "app $_") for 1 .. 3;
my ($state, $report) = error_of($node, rest($who, $make));
is($state, '54000', 'no more apps than devapp.max_apps_per_owner');
like($report, qr/the owner already has 3 apps.*HINT:.*devapp\.delete_app.*administrator/s, 'the message says what to do');
is(state_of($who, q{SELECT devapp.delete_app(app_id) FROM devapp.app WHERE name = 'a0'}), '00000', 'where one is deleted');
is(state_of($who, $make), '00000', 'another has room');
$node->safe_psql('postgres', "SELECT devapp.revoke_app(app_id) FROM devapp.app WHERE name = 'a1'");
is(state_of($who, $make), '00000', 'one that is revoked is not live');
$node->safe_psql('postgres', "SELECT devapp.suspend_app(app_id) FROM devapp.app WHERE name = 'a2'");
is(state_of($who, $make), '54000', 'one that is suspended is');
is(state_of('eve@example.com', "SELECT devapp.create_app('mine')"), '00000', 'other owners have room of their own');
$node->safe_psql('postgres', "SELECT devapp.create_app('gift', developer => '$who')");
is($node->safe_psql('postgres', "SELECT count(*) FROM devapp.app a JOIN devapp.developer d USING (developer_id) WHERE d.email = '$who' AND a.status NOT IN ('deleted', 'revoked')"),
	4, 'administrators may exceed it');
my $issue = "SELECT FROM devapp.issue_credential((SELECT app_id FROM devapp.app WHERE name = 'gift')";
is(state_of($who, "$issue, expires_in => '1 s')"), '00000', 'a second credential');
($state, $report) = error_of($node, rest($who, "$issue)"));
is($state, '54000', 'no more than devapp.max_credentials_per_app');
like($report, qr/the app already has 2 credentials.*HINT:.*devapp\.revoke_credential.*administrator/s, 'the message says what to do');
sleep 1.1;
ok($node->poll_query_until('postgres', "SELECT NOT EXISTS (SELECT FROM devapp.credential WHERE expires_at > clock_timestamp() AND expires_at < now() + interval '1 minute')"), 'one expires');
is(state_of($who, "$issue)"), '00000', 'one that is expired is not live');
is(state_of($who, "$issue)"), '54000', 'but the new one is');
is(state_of($who, "SELECT devapp.revoke_credential(credential_id) FROM devapp.credential c JOIN devapp.app a USING (app_id) WHERE a.name = 'gift' AND c.expires_at IS NULL LIMIT 1"), '00000', 'one is revoked');
is(state_of($who, "$issue)"), '00000', 'one that is revoked is not live');
set_config($node, 'devapp.max_apps_per_owner', '0');
set_config($node, 'devapp.max_credentials_per_app', '0');
is(state_of($who, "$make; $issue)"), '00000', 'no limits');

done_testing();
