# Whose address is whose: ASCII letters lose their case when e-mails are compared, and no
# others do, whatever the locale of the database is.  Some take U+212A, the sign for kelvin,
# for a k in lower case, U+017F for an s, or an I without a dot for an I; then one person
# would be another.  Methods of HTTP are ASCII as well, whatever a locale makes of an i.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Utils;
use Test::More;

# Locales of our own, so that it does not matter which ones are installed.
my $locales = PostgreSQL::Test::Utils::tempdir();
my %made = map { $_ => !system("localedef -i $_ -f UTF-8 $locales/$_.UTF-8 >$locales/log 2>&1") } qw(en_US tr_TR);
$ENV{LOCPATH} = "$locales:/usr/lib/locale";

my $node = start_server('main');
my $with_icu = $node->safe_psql('postgres', q{SELECT count(*) > 0 FROM pg_collation WHERE collprovider = 'i'}) eq 't';
my $version = $node->safe_psql('postgres', 'SHOW server_version_num');
my $ICU = '--locale=C.UTF-8 --locale-provider=icu --icu-locale';

# [database, createdb's options, what it needs, is it there?]
my @databases = (
	[ 'c_utf8', '--locale=C.UTF-8', 'the locale C.UTF-8', 1 ],
	[ 'en_us', '--locale=en_US.UTF-8', 'localedef and the source of en_US', $made{en_US} ],
	[ 'tr_tr', '--locale=tr_TR.UTF-8', 'localedef and the source of tr_TR', $made{tr_TR} ],
	[ 'icu_en', "$ICU=en-US-u-ks-level1", 'ICU', $with_icu ],
	[ 'icu_tr', "$ICU=tr", 'ICU', $with_icu ],
	[ 'builtin', '--locale=C.UTF-8 --locale-provider=builtin --builtin-locale=C.UTF-8', 'PostgreSQL 17', $version >= 170000 ]);

# Who is who: none of these is another.
my @people = (
	"kate", "\\212Aate",    # U+212A, in lower case k
	"ali", "al\\0131", "al\\0130",    # without a dot, and with one in upper case
	"sam", "\\017Fam",      # U+017F, in upper case S
	"k\\00E4the", "k\\00C4the");

# email(name, domain): as an SQL literal
sub email
{
	my ($name, $domain) = @_;
	return "U&'$name\@" . ($domain || 'example.com') . q{'};
}

# upper(name): in upper case as far as ASCII goes, but for the escapes
sub upper
{
	my ($name) = @_;
	return join '', map { /^\\/ ? $_ : uc } split /(\\[0-9A-F]{4})/, $name;
}

# errors_of(database, SQL...): the SQLSTATEs of all that fail
sub errors_of
{
	my ($db, @sql) = @_;
	my $stderr = '';

	$node->psql($db, join(';', @sql), stderr => \$stderr, on_error_stop => 0, extra_params => [ '-v', 'VERBOSITY=sqlstate' ]);
	return join ' ', $stderr =~ /ERROR:  ([0-9A-Z]{5})/g;
}

sub claims_of { return "set_config('request.jwt.claims', json_build_object('email', $_[0], 'email_verified', true)::text, true)"; }

for my $case (@databases)
{
	my ($db, $options, $needs, $there) = @$case;

  SKIP:
	{
		skip "$db: $needs is needed", 1 unless $there;
		$node->command_ok([ 'createdb', '-p', $node->port, '-h', $node->host, '-T', 'template0', '-E', 'UTF8', split(/ /, $options), $db ],
			"a database with $options");
		make_program($node, db => $db);
		$node->safe_psql($db, join ';', map { 'SELECT devapp.create_developer(' . email($_) . ')' } @people);
		is($node->safe_psql($db, q{SELECT count(*) FROM devapp.developer WHERE email <> 'ada@example.com'}),
			scalar @people, "$db: everybody is somebody of their own");
		is(errors_of($db, map { 'SELECT devapp.create_developer(' . email(upper($_)) . ')' } @people),
			join(' ', map { '23505' } @people), "$db: and only once");
		is( errors_of($db, "UPDATE devapp.developer SET email = 'KATE\@EXAMPLE.COM' WHERE email = 'sam\@example.com'",
				"SELECT devapp.update_developer('sam\@example.com', email => 'ALI\@EXAMPLE.COM')"),
			'23505 23505', "$db: nor by a change");

		my (@asked, @script);
		for my $name (@people)
		{
			my $other = email(upper($name), 'EXAMPLE.COM');
			my $itself = '(SELECT developer_id FROM devapp.developer WHERE email = ' . email($name) . ')';

			push @asked, map { "$_ $name" } qw(update_developer act_as claims filter);
			push @script, "SELECT (devapp.update_developer($other, first_name => 'x')).developer_id = $itself;
				BEGIN; DO \$\$BEGIN PERFORM devapp.act_as($other); END\$\$; SELECT devapp.current_developer_id() = $itself; COMMIT;
				BEGIN; DO \$\$BEGIN PERFORM " . claims_of($other) . "; END\$\$; SELECT devapp.current_developer_id() = $itself; COMMIT;
				DO \$\$BEGIN PERFORM devapp.create_app('app of ' || $itself, developer => $other); END\$\$;
				SELECT string_agg(x.app ->> 'name', ' ') = 'app of ' || $itself FROM devapp.export_apps(jsonb_build_object('owner', $other)) AS x(app)";
		}
		my @said = split /\n/, $node->safe_psql($db, join ';', @script);
		is(join("\n", map { "$asked[$_]: $said[$_]" } grep { $said[$_] ne 't' } 0 .. $#asked), '', "$db: each is found as themselves, in upper case too");

		# nobody has these, whatever the locale thinks of them
		is( errors_of($db, map { 'SELECT devapp.act_as(' . email($_) . ')' } "\\017Fali", "sa\\00CD", "K\\0131the", 'kathe'),
			join(' ', ('42704') x 4), "$db: nobody is who nobody is");

		# rules: by the domain of the owner's address
		$node->safe_psql($db, q{SELECT devapp.create_approval_rule('kitchen', 1, 'approve', email_domain => 'KITCHEN.Example');
			SELECT devapp.create_approval_rule('below', 2, 'reject', email_domain => '*.IK.example');
			SELECT devapp.create_developer('a@kitchen.EXAMPLE'); SELECT devapp.create_developer('b@sub.ik.EXAMPLE');
			SELECT devapp.create_developer(U&'c@\212Aitchen.example'); SELECT devapp.create_developer(U&'d@k\0131tchen.example');
			SELECT devapp.create_developer(U&'e@sub.\0131k.example');
			SELECT devapp.create_app('ruled', developer => d.email, products => '{weather}') FROM devapp.developer d WHERE d.email ~ '^[a-e]@'});
		is($node->safe_psql($db, q{
				SELECT string_agg(left(d.email, 1) || ' ' || x.rule, ', ' ORDER BY d.email COLLATE "C")
				  FROM devapp.app a JOIN devapp.developer d USING (developer_id), LATERAL devapp.explain_approval(a.app_id) AS x
				 WHERE a.name = 'ruled' AND x.rule IS NOT NULL AND x.matches}),
			'a kitchen, b below', "$db: rules take the domain for what it is");

		# methods of HTTP are ASCII: a Turkish i has a dot in upper case too
		is($node->safe_psql($db, q{SELECT (devapp.add_operation('weather', '/link', '{options,Link}')).methods}),
			'{LINK,OPTIONS}', "$db: methods in upper case");
		is($node->safe_psql($db, q{SELECT FROM devapp.create_product('tides');
				SELECT FROM devapp.import_openapi('tides', '{"openapi": "3.0.0", "paths": {"/t": {"options": {}}}}', false);
				SELECT methods FROM devapp.product_operation WHERE resource::text = '/t'}),
			'{OPTIONS}', "$db: of an OpenAPI document too");
	}
}

# ---------- a collation that the caller brings along ----------

# It may take anything for the same; a developer needs no right to make one in pg_temp.
SKIP:
{
	skip 'a collation that ignores accents: ICU is needed', 1 unless $with_icu;
	$node->safe_psql(
		'postgres', q{
		CREATE EXTENSION devapp CASCADE;
		SELECT devapp.setup_roles();
		SELECT devapp.create_developer(U&'\00E1da@example.com', first_name => 'Other');
		SELECT devapp.create_developer('ada@example.com');
		SELECT devapp.create_team(U&'t\00E9am');
		SELECT devapp.create_team('team');
		SELECT devapp.add_team_member('team', 'ada@example.com', 'admin');
		CREATE ROLE portal LOGIN IN ROLE devapp_developer;
		GRANT EXECUTE ON FUNCTION devapp.act_as TO portal});
	my $as_ada = q{SET SESSION AUTHORIZATION portal;
		CREATE COLLATION pg_temp.loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
		SELECT devapp.act_as('ada@example.com', is_local => false);};
	for my $case (
		[ 'another developer', q{devapp.update_developer(U&'\00E1da@example.com' COLLATE pg_temp.loose, first_name => 'Mine')}, '42501' ],
		[ 'another team', q{devapp.update_team(U&'t\00E9am' COLLATE pg_temp.loose, display_name => 'Mine')}, '42704' ],
		[ 'a team that does not exist', q{devapp.update_team('TEAM' COLLATE pg_temp.loose, display_name => 'Mine')}, '42704' ],
		[ 'oneself', q{devapp.update_developer('ADA@example.com' COLLATE pg_temp.loose, last_name => 'Mine')}, '00000' ])
	{
		my ($name, $call, $state) = @$case;
		is(scalar error_of($node, "$as_ada SELECT $call"), $state, "a collation that ignores accents: $name");
	}
	is($node->safe_psql('postgres', q{SELECT count(*) FROM devapp.developer WHERE first_name = 'Mine'}), '0', 'nobody else was changed');
}
done_testing();
