# Registering by oneself: in which sessions claims count for it, what happens at the same time, and
# that the policy counts at once and is in a dump.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use Test::More;

my $node = start_server('main');
$node->safe_psql(
	'postgres', q{
	CREATE EXTENSION devapp CASCADE;
	SELECT devapp.setup_roles();
	SELECT devapp.create_developer('old@example.com');
	CREATE ROLE authenticator LOGIN NOINHERIT;
	GRANT devapp_developer, devapp_gateway TO authenticator;
	CREATE ROLE mallory LOGIN IN ROLE devapp_developer;
	CREATE ROLE portal LOGIN IN ROLE devapp_developer;
	GRANT EXECUTE ON FUNCTION devapp.act_as TO portal});

# as(session's role, e-mail): what a program does that has verified a token, or what somebody forges
sub as
{
	my ($session, $email, $role) = @_;

	$role ||= 'devapp_developer';
	return qq{SET SESSION AUTHORIZATION $session; SET ROLE $role;
		DO \$do\$BEGIN PERFORM set_config('request.jwt.claims', '{"email": "$email", "email_verified": true}', false); END\$do\$;};
}
sub state_of { return scalar error_of($node, "@_") }
my $register = 'SELECT email, status FROM devapp.register_developer();';

is(state_of(as('authenticator', 'ann@example.com'), $register), '42501', 'off, nobody registers');
$node->safe_psql('postgres', q{SELECT devapp.set_registration(true, domains => '{example.com}', approval_needed => false)});
is(state_of(as('authenticator', 'ann@example.com', 'devapp_gateway'), $register), '42501', 'another role does not register');
is(state_of(as('mallory', 'ann@example.com'), $register), '42501', 'claims of a log-in of its own register nobody');
is(state_of("SET SESSION AUTHORIZATION portal; BEGIN; SELECT devapp.act_as('old\@example.com');", $register), '42501', 'nor does act_as()');
is(state_of("SET SESSION AUTHORIZATION portal; SELECT devapp.act_as('new\@example.com')"), '42704', 'which names nobody new');
is(state_of('SET SESSION AUTHORIZATION authenticator; SET ROLE devapp_developer;', $register), '42501', 'nor a session without claims');
is($node->safe_psql('postgres', q{SELECT string_agg(email, ' ') FROM devapp.developer}), 'old@example.com', 'nobody did');
is($node->safe_psql('postgres', as('authenticator', 'ann@example.com') . $register), 'ann@example.com|active', 'claims of PostgREST register');
is($node->safe_psql('postgres', as('authenticator', 'ann@example.com') . q{SELECT app_status FROM devapp.create_app('mine'); SELECT name FROM devapp.app}),
	"approved\nmine", 'and whoever did is a developer');
is(state_of(as('authenticator', 'ann@other.example'), $register), '42501', 'of domains that are allowed only');

# ---------- at the same time ----------

my $first = $node->background_psql('postgres');
my $second = $node->background_psql('postgres');
$_->query_safe(as('authenticator', 'bea@example.com')) for $first, $second;
$first->query_safe('BEGIN');
is($first->query_safe($register), 'bea@example.com|active', 'one registers');
$second->{stdin} .= "$register\n\\echo done\n";
$second->{run}->pump_nb();
ok($node->poll_query_until('postgres', q{SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%register_developer%')}), 'another of the address waits');
$first->query_safe('COMMIT');
$second->{run}->pump() until $second->{stdout} =~ /done/;
like($second->{stdout}, qr/bea\@example\.com\|active/, 'and finds the row');
is($node->safe_psql('postgres', q{SELECT count(*) FROM devapp.developer WHERE email = 'bea@example.com'}), '1', 'which is one');

# whoever switches it off waits for those who are at it, and lets nobody else in
$second->{stdout} = '';
$first->query_safe(as('authenticator', 'cy@example.com') . 'BEGIN');
$first->query_safe($register);
my $admin = $node->background_psql('postgres');
$admin->{stdin} .= "SELECT enabled FROM devapp.set_registration(false);\n\\echo done\n";
$admin->{run}->pump_nb();
ok($node->poll_query_until('postgres', q{SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%set_registration%')}), 'switching it off waits');
$first->query_safe('COMMIT');
$admin->{run}->pump() until $admin->{stdout} =~ /done/;
is(state_of(as('authenticator', 'dan@example.com'), $register), '42501', 'and counts at once');
is($node->safe_psql('postgres', as('authenticator', 'cy@example.com') . $register), 'cy@example.com|active', 'whoever is registered hears so');
$_->quit for $first, $second, $admin;

# ---------- a dump ----------

$node->safe_psql('postgres', q{SELECT devapp.set_registration(true, approval_needed => true)});
my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ], 'a dump');
$node->safe_psql('postgres', 'CREATE DATABASE copy');
{
	local $ENV{PGOPTIONS} = '-c devapp.restoring=on';
	$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr('copy') ], 'is restored');
}
is($node->safe_psql('copy', 'SELECT enabled, domains, approval_needed FROM devapp.registration_policy'), 't|{example.com}|t', 'with the policy');
is($node->safe_psql('copy', as('authenticator', 'eve@example.com') . $register), 'eve@example.com|inactive', 'which counts');

done_testing();
