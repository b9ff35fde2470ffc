# Nobody acts for another through code with other rights.
#
# Every function that runs with its owner's rights (src/base/entry.c) is called, with
# arguments with which an administrator succeeds, through whatever can stand between
# a session and devapp: functions of others, a foreign key's cascade, index expressions
# and views that maintenance runs, SET ROLE.  No row of devapp changes, and no secret
# is shown.  The catalog makes the list; a function without arguments below fails the test.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('main', 'autovacuum_naptime = 1s');
make_program($node);
$node->safe_psql(
	'postgres', q{
	SELECT devapp.setup_roles();
	SELECT devapp.set_app_approval('manual');
	SELECT devapp.create_developer('eve@example.com');
	SELECT devapp.create_product('hard', quota_limit => 5, quota_interval => 1, quota_unit => 'day', quota_enforcement => 'hard');
	SELECT devapp.create_product('manual', approval => 'manual');
	SELECT devapp.create_team('blue');
	SELECT devapp.add_team_member('blue', 'ada@example.com', 'admin');
	SELECT devapp.add_product_approver('manual', 'blue');

	CREATE ROLE clerk LOGIN IN ROLE devapp_admin;
	CREATE ROLE boss LOGIN IN ROLE devapp_admin;
	CREATE ROLE stranger LOGIN;
	CREATE ROLE mallory LOGIN IN ROLE devapp_developer;
	CREATE ROLE portal LOGIN IN ROLE devapp_developer;
	CREATE ROLE authenticator LOGIN NOINHERIT IN ROLE devapp_developer;
	GRANT EXECUTE ON FUNCTION devapp.receive_usage(uuid, bytea), devapp.lease_quotas(uuid, text, bigint, jsonb) TO clerk;
	CREATE SCHEMA mallory AUTHORIZATION mallory;
	CREATE SCHEMA boss AUTHORIZATION boss;
	CREATE SCHEMA probe;
	GRANT USAGE ON SCHEMA mallory, boss, probe TO PUBLIC;});

my $app = create_app($node, 'works', "developer => 'ada\@example.com', products => '{weather,hard}'");
my $pending = create_app($node, 'pending', "developer => 'eve\@example.com', products => '{weather,manual}'");
my $rejected = create_app($node, 'rejected', undef);
my $rotating = create_app($node, 'rotating', undef);
$node->safe_psql('postgres', "SELECT devapp.approve_app('$_->{app_id}')") for $app, $rotating;
$node->safe_psql('postgres', "SELECT devapp.reject_app('$rejected->{app_id}')");
rotate($node, $rotating->{credential_id}, '1 day');
my $client = $node->safe_psql('postgres', "SELECT consumer_key FROM devapp.issue_credential('$app->{app_id}', kind => 'oauth_client')");
my $jwks = '{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}';
$node->safe_psql('postgres', "SELECT devapp.create_token_issuer('https://login.example.com', audience => '{a}', jwks => '$jwks')");
my ($dead, $leased) = split /\n/, $node->safe_psql('postgres', 'SELECT notification_id FROM devapp.notification ORDER BY 1 LIMIT 2');
$node->safe_psql('postgres', "UPDATE devapp.notification SET status = 'dead', completed_at = now() WHERE notification_id = $dead;
	UPDATE devapp.notification SET status = 'leased', worker = 'w', lease_id = gen_random_uuid(), leased_until = now() + '1 day', attempts = 1,
	       addresses = '[{\"address\": \"ada\@example.com\"}]'
	 WHERE notification_id = $leased");

# ---------- an index that steals ----------

# A developer declares the function of her index IMMUTABLE, and it does more than calculate.
# She may not rotate Ada's credential; autovacuum, which evaluates the index, has a
# superuser's session.
$node->safe_psql(
	'postgres', qq{
	SET SESSION AUTHORIZATION mallory;
	CREATE TABLE mallory.stolen (session text DEFAULT session_user, said text);
	CREATE FUNCTION mallory.steal() RETURNS void LANGUAGE plpgsql AS \$\$
	DECLARE
		secret text;
	BEGIN
		secret := (devapp.rotate_credential('$app->{credential_id}')).secret;
		INSERT INTO mallory.stolen (said) VALUES (secret);
	EXCEPTION WHEN OTHERS THEN
		INSERT INTO mallory.stolen (said) VALUES (SQLSTATE);
	END
	\$\$;
	CREATE FUNCTION mallory.same(n integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS \$\$
	BEGIN
		PERFORM mallory.steal();
		RETURN n;
	END
	\$\$;
	CREATE TABLE mallory.bait (n integer) WITH (autovacuum_analyze_threshold = 0, autovacuum_analyze_scale_factor = 0);
	CREATE INDEX ON mallory.bait (mallory.same(n));
	INSERT INTO mallory.bait VALUES (1), (2), (3);});

# Until code of the owner has written to a table in somebody else's session.
sub wait_for_autovacuum
{
	my ($table, $owner) = @_;

	$node->poll_query_until('postgres', "SELECT EXISTS (SELECT FROM $table WHERE session <> '$owner')") or die 'autovacuum did not come';
	return;
}

wait_for_autovacuum('mallory.stolen', 'mallory');
is($node->safe_psql('postgres', "SELECT DISTINCT said FROM mallory.stolen WHERE session <> 'mallory'"), '42501', 'autovacuum gets no key for a developer');
is($node->safe_psql('postgres', "SELECT count(*) FROM devapp.credential_secret WHERE credential_id = '$app->{credential_id}'"), '1', 'and makes none');
$node->safe_psql('postgres', 'DROP TABLE mallory.bait');

# ---------- every function ----------

# name => [arguments, what it says to nobody if that is no error, does the right to execute it alone decide?]
my %calls = (
	my_team_mates => [ '', qr/^\{\}$/ ],
	my_teams => [ '', qr/^\{\}$/ ],
	my_visible_records => [ '', qr/^\{\}$/ ],
	accept_invitation => ["'green'"],
	decline_invitation => ["'green'"],
	invite_team_member => ["'blue', 'zoe\@example.com'"],
	my_invitations => [ '', qr/^nothing$/ ],
	access_at => ["'$app->{app_id}', '/weather/today', 'GET', 'live', now()"],
	act_as => [ "'ada\@example.com'", undef, 'lent' ],
	add_app_product => ["'$app->{app_id}', 'manual'"],
	add_credential_product => ["'$app->{credential_id}', 'manual'"],
	app_history => ["'$app->{app_id}'"],
	approve_app => ["'$pending->{app_id}'"],
	cancel_rotation => ["'$rotating->{credential_id}'"],
	claim_notifications => [ '', undef, 'lent' ],
	complete_notification => [ $leased, undef, 'lent' ],
	complete_rotation => ["'$rotating->{credential_id}'"],
	consume_quota => [ "'$app->{secret}', '/', 'GET', 'live', 'a'", undef, 'lent' ],
	create_app => ["'another', developer => 'ada\@example.com'"],
	create_team => ["'another'"],
	current_developer_id => [ '', qr/^nothing$/ ],
	delete_credential => ["'$app->{credential_id}'"],
	delete_app => ["'$app->{app_id}'"],
	delete_team => ["'empty'"],
	dpop_thumbprint => [ "'no proof', 'GET', 'https://api.example.com/'", qr/^nothing$/ ],
	explain_access => ["'$app->{app_id}'"],
	explain_approval => ["'$app->{app_id}'"],
	fail_notification => [ "$leased, 'error'", undef, 'lent' ],
	flush_usage => [ '', undef, 'lent' ],
	get_app => ["'$app->{app_id}'"],
	get_credential => ["'$app->{credential_id}'"],
	introspect => [ "'no token'", qr/^\{"active": false\}$/ ],
	issue_credential => ["'$app->{app_id}'"],
	issue_token => [ "'$client'", qr/^28P01$/ ],
	jwks => [ '', qr/^\{"keys": \[\]\}$/ ],
	lease_quotas => [ q{'01980f3e-7c3a-7000-8000-000000000001', 'reports', 1, '[]'}, qr/^nothing$/, 'lent' ],
	maintain_audit => [ '', undef, 'lent' ],
	my_approvals => [ '', qr/^nothing$/ ],
	my_dashboard => [''],
	purge_notifications => [ '', undef, 'lent' ],
	quota_status => ["'$app->{app_id}'"],
	receive_usage => [ q{'00000000-0000-7000-8000-000000000000', '\x'}, undef, 'lent' ],
	record_delivery => [ "$leased, 'ada\@example.com'", undef, 'lent' ],
	refresh_next => [ '0, false', undef, 'lent' ],
	refresh_reports => [ 'false', undef, 'lent' ],
	register_developer => [""],
	reject_app => ["'$pending->{app_id}'"],
	remove_app_product => ["'$app->{app_id}', 'hard'"],
	remove_attribute => ["'app', '$app->{app_id}', 'tier'"],
	remove_credential_product => ["'$app->{credential_id}', 'hard'"],
	remove_team_member => ["'green', 'ada\@example.com'"],
	report_leak => [ "'no key'", qr/^\(false_positive,unknown,,[0-9a-f]{64},\)$/ ],
	report_leaks => [ q{'[{"token": "no key"}]'}, qr/^\(false_positive,unknown,,[0-9a-f]{64},\)$/ ],
	reset_quota => ["'$app->{app_id}', 'hard'"],
	resubmit_app => ["'$rejected->{app_id}'"],
	retry_notification => [ $dead, undef, 'lent' ],
	revoke_credential => ["'$app->{credential_id}'"],
	revoke_token => [ "'no token'", qr/^$/ ],
	rotate_credential => ["'$app->{credential_id}'"],
	schedule_notifications => [ '', undef, 'lent' ],
	seal_audit => [ '', undef, 'lent' ],
	set_attribute => ["'app', '$app->{app_id}', 'tier', 'gold'"],
	set_client_keys => ["'$client', '{\"keys\": []}'"],
	set_credential_product_status => ["'$pending->{credential_id}', 'manual', 'approve'"],
	set_token_issuer_keys => [ "'https://login.example.com', '$jwks'", undef, 'lent' ],
	set_team_role => ["'green', 'ada\@example.com', 'member'"],
	transfer_app => ["'$app->{app_id}', team => 'green'"],
	update_credential => ["'$app->{credential_id}', label => 'mine'"],
	update_app => ["'$app->{app_id}', description => 'mine'"],
	update_developer => ["'ada\@example.com', first_name => 'Eve'"],
	update_team => ["'blue', display_name => 'Mine'"],
	verify_audit => [ '', undef, 'lent' ],
	whoami => [ '', qr/^\(,,/ ]);

is( $node->safe_psql(
		'postgres', q{
		SELECT string_agg(DISTINCT p.proname, ' ' ORDER BY p.proname) FROM pg_proc p
		 WHERE p.pronamespace = 'devapp'::regnamespace AND p.prosrc = 'devapp_enter' AND p.prorettype <> 'trigger'::regtype}),
	join(' ', sort keys %calls),
	'every function that runs with its owner\'s rights is called below, and no other');
is( $node->safe_psql(
		'postgres', q{
		SELECT string_agg(p.oid::regprocedure::text, ' ') FROM pg_proc p
		 WHERE p.pronamespace = 'devapp'::regnamespace AND p.prosrc = 'devapp_enter'
		   AND (SELECT count(*) FROM pg_proc q WHERE q.proname = p.proname AND q.pronamespace = p.pronamespace) > 1}),
	'', 'a name is enough');

# What is no such function, and rests on the same two roles.
my %others = (
	'actor' => [ 'SELECT devapp.actor()', qr/^nothing$/ ],
	'UPDATE' => [ "UPDATE devapp.app SET description = 'mine' WHERE app_id = '$app->{app_id}' RETURNING name", undef, 'lent' ]);

# Functions for administrators ask before anything else, so any arguments do.
# Somebody has granted the right to execute them to everybody: that makes nobody either.
my %for_admins = map { split /\|/ } split /\n/, $node->safe_psql(
	'postgres', q{
	SELECT p.proname, format('SELECT string_agg(x::text, %L) FROM %s(%s) AS x', ',', p.oid::regproc,
	                         (SELECT string_agg('NULL::' || a::regtype, ', ') FROM unnest(p.proargtypes) AS a))
	  FROM pg_proc p WHERE p.prosrc = 'devapp_enter_admin'});
cmp_ok(scalar keys %for_admins, '>', 30, scalar(keys %for_admins) . ' functions are for administrators');
$node->safe_psql(
	'postgres', q{
	GRANT USAGE ON SCHEMA devapp TO PUBLIC;
	SELECT format('GRANT EXECUTE ON FUNCTION %s TO PUBLIC', p.oid::regprocedure)
	  FROM pg_proc p WHERE p.prosrc = 'devapp_enter_admin' \gexec});
$others{$_} = [ $for_admins{$_} ] for keys %for_admins;

my %nobody = map { $_ => $calls{$_}[1] } keys %calls;
my %lent = map { $_ => $calls{$_}[2] } keys %calls;
$nobody{$_} = $others{$_}[1], $lent{$_} = $others{$_}[2] for keys %others;

# probe.try(SQL): what it answers, or the SQLSTATE.  The copies of it in other schemas have
# the rights of their owners; the functions try_all() write down what all cases answer.
my $try = q{LANGUAGE plpgsql %s AS $$
	DECLARE
		answer text;
	BEGIN
		EXECUTE command INTO answer;
		RETURN coalesce(answer, 'nothing');
	EXCEPTION WHEN OTHERS THEN
		RETURN SQLSTATE;
	END
	$$};
my $setup = 'CREATE TABLE probe.cases (name text, command text); GRANT SELECT ON probe.cases TO PUBLIC;'
  . 'CREATE FUNCTION probe.try(command text) RETURNS text ' . sprintf($try, '') . ';';
for my $owner (qw(postgres clerk boss stranger mallory))
{
	my $name = $owner eq 'postgres' ? 'owner' : $owner;
	$setup .= "CREATE FUNCTION probe.$name(command text) RETURNS text " . sprintf($try, 'SECURITY DEFINER') . ';'
	  . ($owner eq 'postgres' ? '' : "ALTER FUNCTION probe.$name(text) OWNER TO $owner;");
}
$setup .= 'INSERT INTO probe.cases VALUES ' . join(', ',
	(map { "('$_', " . literal("SELECT string_agg(x::text, ',') FROM devapp.$_($calls{$_}[0]) AS x") . ')' } sort keys %calls),
	(map { "('$_', " . literal($others{$_}[0]) . ')' } sort keys %others)) . ';';
# what every row of devapp adds up to
$setup .= q{CREATE FUNCTION probe.state() RETURNS SETOF text LANGUAGE plpgsql AS $$
	DECLARE
		of_table regclass;
		sum text;
	BEGIN
		FOR of_table IN SELECT oid FROM pg_class WHERE relnamespace IN ('devapp'::regnamespace, 'devapp_internal'::regnamespace)
		                   AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname LOOP
			EXECUTE format('SELECT md5(string_agg(t::text, %L ORDER BY t::text)) FROM %s AS t', '', of_table) INTO sum;
			RETURN NEXT of_table || ' ' || coalesce(sum, 'empty');
		END LOOP;
	END
	$$;};
for my $owner (qw(mallory boss))
{
	$setup .= qq{
	SET SESSION AUTHORIZATION $owner;
	CREATE TABLE $owner.seen (session text DEFAULT session_user, name text, answer text);
	CREATE FUNCTION $owner.try_all() RETURNS void LANGUAGE plpgsql AS \$\$
	DECLARE
		c record;
	BEGIN
		FOR c IN SELECT * FROM probe.cases ORDER BY name LOOP
			INSERT INTO $owner.seen (name, answer) VALUES (c.name, probe.try(c.command));
		END LOOP;
	END
	\$\$;
	CREATE FUNCTION $owner.same_number(n integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS \$\$
	BEGIN
		PERFORM $owner.try_all();
		RETURN n;
	END
	\$\$;
	RESET SESSION AUTHORIZATION;};
}
$node->safe_psql('postgres', "$setup SELECT devapp.create_team('green'); SELECT devapp.add_team_member('green', 'ada\@example.com', 'admin');
	SELECT devapp.add_team_member('green', 'eve\@example.com', 'admin'); SELECT devapp.set_attribute('app', '$app->{app_id}', 'tier', 'gold');
	SELECT devapp.create_team('empty'); SELECT devapp.add_team_member('empty', 'ada\@example.com', 'admin')");

sub state { return $node->safe_psql('postgres', 'SELECT probe.state()'); }

# answers_of(SQL): of a query of names and answers
sub answers_of
{
	my ($sql) = @_;
	my %answer;

	for my $line (split /\n(?=[A-Za-z_]+\|)/, $node->safe_psql('postgres', $sql))
	{
		my ($name, $answer) = split /\|/, $line, 2;
		$answer{$name} = $answer;
	}
	return \%answer;
}

# The list is worth something only if an administrator gets on with it.
my $answers = answers_of(join '', 'SET SESSION AUTHORIZATION clerk;',
	map { "BEGIN; SELECT name, probe.try(command) FROM probe.cases WHERE name = '$_'; ROLLBACK;" } sort keys %nobody);
is(join(' ', sort keys %$answers), join(' ', sort keys %nobody), 'an administrator calls all of them');
is(join(' ', grep { $answers->{$_} eq '42501' } sort keys %$answers), 'accept_invitation decline_invitation my_dashboard register_developer', 'and is refused what only a person can do');
is(join(' ', map { "$_=$answers->{$_}" } grep { $answers->{$_} =~ /^[0-9A-Z]{5}$/ && $answers->{$_} ne '42501' && !$for_admins{$_} } sort keys %$answers),
	'flush_usage=55000 issue_token=55000 receive_usage=22P03', 'it fails where there is nothing to flush, to sign with or to receive');
like($answers->{rotate_credential}, qr/dvk_live_/, 'the secret shows, where it is due');

# Nobody acted: check(way, answers, with lent => does the way lend its right to execute?)
sub check
{
	my ($way, $answers, %options) = @_;
	my @wrong;

	for my $name (sort keys %nobody)
	{
		next if $lent{$name} && $options{lent};
		my $answer = defined $answers->{$name} ? $answers->{$name} : '(not called)';
		push @wrong, "$name: $answer" unless $answer eq '42501' || ($answer eq '42704' && !$for_admins{$name}) || (defined $nobody{$name} && $answer =~ $nobody{$name});
	}
	is(join("\n", @wrong), '', "$way: nobody acts");
	unlike(join(' ', map { defined $_ ? $_ : '' } values %$answers), qr/dv[a-z]_live_\w{20}/, "$way: no secret") unless $options{lent};
	return;
}

my $claims = q{set_config('request.jwt.claims', '{"email": "ada@example.com", "email_verified": true}', false)};
my $as_ada = q{devapp.act_as('ada@example.com', is_local => false)};
# quietly(expression): nothing of it shows
sub quietly { return 'DO $do$BEGIN PERFORM ' . $_[0] . '; END$do$;' }

my $before = state();

# ---------- functions of others, and other roles ----------

$node->safe_psql('postgres', 'GRANT EXECUTE ON FUNCTION devapp.act_as TO portal');
for my $case (
	[ 'a superuser, through a stranger\'s function', '', 'stranger' ],
	[ 'a superuser with claims, through a stranger\'s function', quietly($claims), 'stranger' ],
	[ 'a superuser, through a developer\'s function', '', 'mallory' ],
	[ 'a superuser with claims, through a developer\'s function', quietly($claims), 'mallory' ],
	[ 'a superuser who acts as ada, through a developer\'s function', quietly($as_ada), 'mallory' ],
	[ 'an administrator, through a stranger\'s function', 'SET SESSION AUTHORIZATION clerk;', 'stranger' ],
	[ 'an administrator, through a developer\'s function', 'SET SESSION AUTHORIZATION clerk;', 'mallory' ],
	[ 'an administrator who acts as ada, through a developer\'s function', 'SET SESSION AUTHORIZATION clerk;' . quietly($as_ada), 'mallory' ],
	[ 'an administrator by SET ROLE, through a developer\'s function', 'SET ROLE clerk;' . quietly($as_ada), 'mallory' ],
	[ 'a developer, through the owner\'s function', 'SET SESSION AUTHORIZATION mallory;', 'owner', lent => 1 ],
	[ 'a developer, through an administrator\'s function', 'SET SESSION AUTHORIZATION mallory;', 'boss', lent => 1 ],
	[ 'a developer who acts as ada, through the owner\'s function', 'SET SESSION AUTHORIZATION portal;' . quietly($as_ada), 'owner', lent => 1 ],
	[ 'a developer who acts as ada, through an administrator\'s function', 'SET SESSION AUTHORIZATION portal;' . quietly($as_ada), 'boss', lent => 1 ],
	[ 'ada by claims, through the owner\'s function', 'SET SESSION AUTHORIZATION authenticator; SET ROLE devapp_developer;' . quietly($claims), 'owner', lent => 1 ],
	[ 'ada by claims, through an administrator\'s function', 'SET SESSION AUTHORIZATION authenticator; SET ROLE devapp_developer;' . quietly($claims), 'boss', lent => 1 ],
	[ 'ada by claims, through another developer\'s function', 'SET SESSION AUTHORIZATION authenticator; SET ROLE devapp_developer;' . quietly($claims), 'mallory' ],
	[ 'a superuser who acts as ada, after SET ROLE', quietly($as_ada) . 'SET ROLE devapp_developer;', 'try' ],
	[ 'a superuser who acts as ada, after SET SESSION AUTHORIZATION', quietly($as_ada) . 'SET SESSION AUTHORIZATION mallory;', 'try' ],
	[ 'a superuser with claims, after SET SESSION AUTHORIZATION', quietly($claims) . 'SET SESSION AUTHORIZATION mallory;', 'try' ],
	[ 'an administrator who acts as ada, after SET SESSION AUTHORIZATION', 'SET SESSION AUTHORIZATION clerk;' . quietly($as_ada) . 'SET SESSION AUTHORIZATION mallory;', 'try' ],
	[ 'a developer', 'SET SESSION AUTHORIZATION mallory;', 'try' ],
	[ 'a developer with claims that do not count', 'SET SESSION AUTHORIZATION mallory;' . quietly($claims), 'try' ])
{
	my ($way, $before_it, $through, %options) = @$case;
	my $list = join ', ', map { "'$_'" } grep { !($lent{$_} && $options{lent}) } sort keys %nobody;

	check($way, answers_of("$before_it SELECT name, probe.$through(command) FROM probe.cases WHERE name IN ($list)"), %options);
}
same_lines(state(), $before, 'nothing changed');

# ---------- what maintenance runs ----------

# In a superuser's session that has claims and acts as ada, on tables of a developer and of
# another administrator.
my $volatile = "SELECT string_agg(DISTINCT name, ' ' ORDER BY name) FROM OWNER.seen JOIN pg_proc p ON p.proname = name
	AND p.pronamespace = 'devapp'::regnamespace AND p.provolatile = 'v' WHERE answer <> '42501'";
for my $owner (qw(mallory boss))
{
	$node->safe_psql(
		'postgres', qq{
		SET SESSION AUTHORIZATION $owner;
		CREATE TABLE $owner.home (n integer, visits integer) WITH (autovacuum_enabled = off);
		INSERT INTO $owner.home VALUES (1, 0);
		CREATE MATERIALIZED VIEW $owner.view AS SELECT $owner.same_number(1) WITH NO DATA;});
	for my $command (
		"CREATE INDEX home_idx ON $owner.home ($owner.same_number(n))", "REINDEX TABLE $owner.home", "ANALYZE $owner.home",
		"VACUUM FULL $owner.home", "CLUSTER $owner.home USING home_idx", "REINDEX TABLE CONCURRENTLY $owner.home",
		"REFRESH MATERIALIZED VIEW $owner.view")
	{
		$node->safe_psql('postgres', "TRUNCATE $owner.seen");
		$node->safe_psql('postgres', quietly($claims) . quietly($as_ada) . $command);
		my $answers = answers_of("SELECT DISTINCT name, answer FROM $owner.seen");
		check($command, $answers);
		(my $sql = $volatile) =~ s/OWNER/$owner/;
		is($node->safe_psql('postgres', $sql), '', "$command: what changes something is refused as such");
		like($answers->{whoami}, qr/security-restricted operation/, "$command: whoami() says why");
	}
	# a change of a column that has no index does not call the index's function
	$node->safe_psql('postgres', "TRUNCATE $owner.seen; SET SESSION AUTHORIZATION $owner;
		ALTER TABLE $owner.home SET (autovacuum_enabled = on, autovacuum_analyze_threshold = 0, autovacuum_analyze_scale_factor = 0);
		UPDATE $owner.home SET visits = 1");
	wait_for_autovacuum("$owner.seen", $owner);
	is($node->safe_psql('postgres', "SELECT count(*) FROM $owner.seen WHERE session = '$owner'"), '0', 'nothing else called it');
	check("autovacuum of a table of $owner", answers_of("SELECT DISTINCT name, answer FROM $owner.seen WHERE session <> '$owner'"));
	$node->safe_psql('postgres', "DROP TABLE $owner.home");
}

# ---------- a foreign key's cascade ----------

# It deletes with the rights of the owner of the table that it deletes from, and so do BEFORE
# triggers run.  AFTER triggers have those of the session, whose DELETE they end.
for my $case (
	[ 'a superuser with claims', quietly($claims), 'mallory' ],
	[ 'an administrator who acts as ada', 'SET SESSION AUTHORIZATION clerk;' . quietly($as_ada), 'mallory' ],
	[ 'a developer', 'SET SESSION AUTHORIZATION mallory;', 'boss', lent => 1 ],
	[ 'ada by claims', 'SET SESSION AUTHORIZATION authenticator; SET ROLE devapp_developer;' . quietly($claims), 'boss', lent => 1 ])
{
	my ($who, $before_it, $owner, %options) = @$case;
	my $list = join ', ', map { "'$_'" } grep { !($lent{$_} && $options{lent}) } sort keys %nobody;

	# what the right to execute alone decides is left out: the owner lends it
	$node->safe_psql(
		'postgres', qq{
		TRUNCATE $owner.seen;
		CREATE TABLE probe.city (n integer PRIMARY KEY);
		INSERT INTO probe.city VALUES (1);
		GRANT SELECT, REFERENCES, DELETE ON probe.city TO PUBLIC;
		CREATE TABLE probe.kept AS SELECT * FROM probe.cases;
		DELETE FROM probe.cases WHERE name NOT IN ($list);
		SET SESSION AUTHORIZATION $owner;
		CREATE TABLE $owner.lives (n integer REFERENCES probe.city ON DELETE CASCADE);
		INSERT INTO $owner.lives VALUES (1);
		CREATE FUNCTION $owner.trap() RETURNS trigger LANGUAGE plpgsql AS \$\$BEGIN PERFORM $owner.try_all(); RETURN old; END\$\$;
		CREATE TRIGGER trap BEFORE DELETE ON $owner.lives FOR EACH ROW EXECUTE FUNCTION $owner.trap()});
	$node->safe_psql('postgres', "$before_it DELETE FROM probe.city");
	check("$who, through a cascade into a table of $owner", answers_of("SELECT name, answer FROM $owner.seen"), %options);
	$node->safe_psql('postgres', "DROP TABLE probe.city, $owner.lives; DROP FUNCTION $owner.trap();
		DELETE FROM probe.cases; INSERT INTO probe.cases SELECT * FROM probe.kept; DROP TABLE probe.kept");
}
same_lines(state(), $before, 'nothing changed');

done_testing();
