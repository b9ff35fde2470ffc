# From this version to a next one that is made up (test/release/make_next): with rows in every table,
# calls that go on, a standby, and whatever can go wrong.  The library of the next version is built
# here, without optimization.
#
# DEVAPP_UPGRADE_SIZE is how many credentials are verified while the extension is updated.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use File::Copy qw(copy);
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $size = $ENV{DEVAPP_UPGRADE_SIZE} || 1000;
my $source = "$FindBin::RealBin/../..";
my $work = PostgreSQL::Test::Utils::tempdir;

# ---------- installations ----------

sub output_of
{
	my ($out, $err) = run_command([@_]);

	die "@_: $err" if $?;
	return $out;
}

# private_install(pg_config): a copy of a PostgreSQL, whose devapp can be another one at any time
sub private_install
{
	my ($pg_config) = @_;
	my %dir = map { ($_ => output_of($pg_config, "--$_")) } qw(bindir pkglibdir sharedir);
	my $root = "$work/pg" . output_of($pg_config, '--version') =~ s/\D//gr;

	system_or_bail('mkdir', '-p', map { "$root$_" } values %dir);
	system_or_bail('cp', '-a', "$dir{bindir}/.", "$root$dir{bindir}");
	system_or_bail('cp', '-as', "$dir{$_}/.", "$root$dir{$_}") for qw(pkglibdir sharedir);
	return {
		pg_config => $pg_config,
		bindir => "$root$dir{bindir}",
		library => "$root$dir{pkglibdir}/devapp.so",
		extension => "$root$dir{sharedir}/extension"
	};
}

# install(installation, library, files): in the place of what is there
sub install
{
	my ($to, $library, @files) = @_;

	unlink $to->{library}, glob "$to->{extension}/devapp*";
	copy($library, $to->{library}) or die "$library: $!";
	chmod oct '755', $to->{library};
	for my $file (@files)
	{
		copy($file, $to->{extension}) or die "$file: $!";
	}
	return;
}

# build_next(pg_config): a tree with the next version, its library for this PostgreSQL
sub build_next
{
	my ($pg_config) = @_;
	my $tree = "$work/next" . output_of($pg_config, '--version') =~ s/\D//gr;
	my $built = output_of('pg_config', '--sharedir') . '/extension';

	mkdir $tree or die $!;
	system_or_bail('cp', '-r', (map { "$source/$_" } qw(Makefile devapp.control sql src)), $tree);
	system_or_bail('sh', '-c', "cp $built/devapp--*.sql $tree && rm -f $tree/src/*/*.o $tree/src/*.o");
	output_of('perl', "$source/test/release/make_next", $tree);
	my ($out, $err) = run_command([ 'sh', '-c', "make -C $tree -j2 PG_CONFIG=$pg_config with_llvm=no CFLAGS='-O0 -fPIC' all 2>&1" ]);
	$? == 0 or die $out;
	return $tree;
}

sub next_files
{
	my ($tree) = @_;

	return ("$tree/devapp.control", glob("$tree/devapp--*.sql"));
}

# ---------- the versions ----------

my $here = private_install('pg_config');
my @old_files = map { "$work/old/" . s{.*/}{}r } glob "$here->{extension}/devapp*";
mkdir "$work/old";
copy($here->{extension} . '/' . s{.*/}{}r, $_) for @old_files;
copy($here->{library}, "$work/old/devapp.so");
my ($version) = slurp_file("$work/old/devapp.control") =~ /^default_version = '(.*)'/m;
my $tree = build_next('pg_config');
my ($next) = slurp_file("$tree/devapp.control") =~ /^default_version = '(.*)'/m;
my $two_newer = $next =~ s/(\d+)$/$1 + 1/er;

# the library of the version after that: these files know the versions
for my $file (qw(base/library base/version))
{
	my $flags = output_of('pg_config', '--includedir-server');
	output_of('sh', '-c', "gcc -O0 -fPIC -std=gnu11 -I$tree/src -I$flags -DDEVAPP_VERSION='\"$two_newer\"' -DDEVAPP_PREVIOUS='\"$next\"' -c $tree/src/$file.c -o $work/" . $file =~ s{.*/}{}r . '.o');
}
output_of('sh', '-c',
	"gcc -shared -o $work/two_newer.so $work/library.o $work/version.o \$(ls $tree/src/*.o $tree/src/*/*.o | grep -vE 'base/(library|version)\\.o') -lsodium -lcrypto -lm -lpq");

# ---------- what is not built ----------

# build_fails(file => sub that changes its text in $_, ...): what it says
sub build_fails
{
	my (%edits) = @_;
	my %kept = map { ($_ => slurp_file("$tree/$_")) } keys %edits;
	my $write = sub { my ($file, $text) = @_; open my $handle, '>', "$tree/$file" or die $!; print $handle $text; close $handle or die $! };

	for my $file (keys %edits)
	{
		local $_ = $kept{$file};
		$edits{$file}->();
		die "$file is not changed" if $_ eq $kept{$file};
		$write->($file, $_);
	}
	my ($out, $err) = run_command([ "$tree/sql/upgrade/build", $version, $next ]);
	isnt($?, 0, 'nothing is built');
	$write->($_, $kept{$_}) for keys %kept;
	return $err;
}

my $deltas = "sql/upgrade/$version--$next";
my $complaints = build_fails("$deltas/last_credential.sql" => sub { s/^-- replaces: .*\n//m; s/^/-- drops: FUNCTION devapp.whoami()\n/ });
like($complaints, qr/^\Q$version--$next\E: TABLE devapp\.credential is not what it was in \Q$version\E, and no delta says -- replaces: TABLE devapp\.credential$/m, 'a table that differs without a delta');
like($complaints, qr/^\Q$version--$next\E: a delta says -- drops: FUNCTION devapp\.whoami\(\), but that is not so$/m, 'a delta for something that stays');
$complaints = build_fails(
	"$deltas/types.sql" => sub { s/^ALTER/ALTER TABLE devapp.team ADD COLUMN x text;\nALTER/m },
	"devapp--$next.sql" => sub { s/^CREATE FUNCTION devapp\.mask_key\(.*?;$//ms; s/^(CREATE FUNCTION devapp\.suspend_app\(app devapp\.app_ref, note text) DEFAULT NULL\)/$1)/m; s/^CREATE FUNCTION devapp\.key_info\(key text\) RETURNS devapp\.key_parts/CREATE FUNCTION devapp.key_info(key text) RETURNS text/m; s/^CREATE INDEX credential_app_id_idx/CREATE INDEX credential_app_idx/m });
like($complaints, qr/types\.sql: devapp\.team is read by verifications, so it is altered in a delta whose name begins with last$/m, 'a lock that comes early');
like($complaints, qr/FUNCTION devapp\.mask_key\(key text\) of \Q$version\E is gone: a signature that was released stays$/m, 'a public function that is gone');
like($complaints, qr/FUNCTION devapp\.suspend_app\(app devapp\.app_ref, note text\) of \Q$version\E has 1 defaults, and fewer in \Q$next\E$/m, 'a default that is gone');
like($complaints, qr/FUNCTION devapp\.key_info\(key text\) is not what it was/, 'a function that returns something else');
like($complaints, qr/INDEX credential_app_id_idx ON devapp\.credential of \Q$version\E is gone, and no delta says/, 'an index that is gone');
like($complaints, qr/INDEX credential_app_idx ON devapp\.credential is new in \Q$next\E, and no delta says/, 'an index of a table that has rows');
unlike($complaints, qr/TABLE/, 'and no more than that');

# ---------- rows in every table ----------

my $settings = "shared_preload_libraries = 'devapp'
devapp.flush_interval = 1
devapp.retention_minute = 0
devapp.retention_hour = 0
max_connections = 40
max_prepared_transactions = 0
max_worker_processes = 12
max_locks_per_transaction = 128
autovacuum = off
log_lock_waits = on
restart_after_crash = on";
install($here, "$work/old/devapp.so", @old_files);
my $node = PostgreSQL::Test::Cluster->new('primary', install_path => $here->{bindir} =~ s{/bin$}{}r);
$node->init(allows_streaming => 1, extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->append_conf('postgresql.conf', $settings);
$node->start;
make_program($node);
put_keyring($node);
my $app = create_app($node, 'caller');
my $revoked = create_app($node, 'revoked');
my $client = create_app($node, 'client', "developer => 'ada\@example.com', products => '{weather}', kind => 'oauth_client'");
$node->safe_psql('postgres', qq{
	SELECT devapp.setup_roles();
	SELECT devapp.revoke_credential('$revoked->{credential_id}');
	SELECT devapp.create_team('blue');
	SELECT devapp.add_team_member('blue', 'ada\@example.com', 'admin');
	SELECT devapp.invite_team_member('blue', 'zoe\@example.com');
	SELECT devapp.create_approval_rule('partners', 10, 'approve', product => 'weather');
	SELECT devapp.set_registration(true, domains => '{example.com}');
	SELECT devapp.add_product_approver('weather', team => 'blue');
	SELECT devapp.add_notification_recipient('desk', team => 'blue', email => 'desk\@example.com');
	SELECT devapp.set_app_approval('manual');
	SELECT devapp.set_app_quota('$app->{app_id}', 'weather', quota_limit => 1000000, quota_unit => 'week');
	SELECT devapp.correct_usage('$app->{app_id}', 'weather', 'live', CURRENT_DATE - 40, 7, 'counted twice');
	CALL devapp.run_bulk('suspend', jsonb_build_object('app_ids', ARRAY['$revoked->{app_id}']), 'in bulk');
	SELECT FROM devapp.set_leak_policy('notify');
	SELECT r.outcome FROM devapp.issue_credential('$app->{app_id}') AS i, devapp.report_leak(i.secret) AS r;
	SELECT devapp.create_signing_key('EdDSA');
	SELECT devapp.revoke_token(jti => 'revoked');
	SELECT FROM devapp.set_client_keys('$client->{consumer_key}', '{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}');
	SELECT FROM devapp.create_token_issuer('https://login.example.com', audience => '{a}', jwks => '{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}');
	SELECT FROM devapp.set_legal_hold(month => '2001-02-03', note => 'held');
	SELECT devapp.set_attribute('product', 'weather', 'n', n::text) FROM generate_series(1, 256) AS n;
	SELECT devapp.seal_audit();
	INSERT INTO devapp.used_assertion SELECT credential_id, sha256('dumped'), 'infinity' FROM devapp.client_key;
	INSERT INTO devapp.audit_event (occurred_at, db_role, action, entity, entity_id, leaf_hash) VALUES ('2001-02-03', 'x', 'update', 'test', 'x', '\\x0042');
	INSERT INTO devapp.last_used SELECT credential_id, 1, app_id, NULL, now() FROM devapp.credential;
	INSERT INTO devapp.quota_lease SELECT a.app_id, p.product_id, NULL, '', devapp.uuid_v7(), 'standby', '2024-02-01', '2024-03-01', true, 10, 0, 1, 2, 5, 3, '2100-01-01' FROM devapp.app a, devapp.product p;
	INSERT INTO devapp.quota_usage SELECT a.app_id, p.product_id, NULL, '', '2024-02-01', '2024-03-01', 7, 1 FROM devapp.app a, devapp.product p;
	INSERT INTO devapp.usage_shipment (shipment_id, counters) VALUES (devapp.uuid_v7(), 1);
	SELECT devapp_internal.usage_partition('usage_' || p, '2024-02-29 UTC') FROM unnest(ARRAY['minute', 'hour', 'day', 'latency']) AS p;
	INSERT INTO devapp.usage_latency VALUES ('2024-02-29', NULL, NULL, 2, 1, 0, '1 s', '100 ms', '900 ms', '[66:67]={1,1}');});

$node->safe_psql('postgres', q{SELECT devapp.set_app_approval('auto')});

# The keys that are verified: all of one app, since their number is what counts.
$node->safe_psql('postgres', qq{
	CREATE TABLE key (n integer PRIMARY KEY, secret text);
	INSERT INTO key SELECT n, secret FROM generate_series(1, $size) AS n, LATERAL devapp.issue_credential('$app->{app_id}', products => '{weather}', label => n::text);
	ANALYZE key;
	GRANT SELECT ON key TO devapp_gateway;});
is(codes($node, [ $app->{secret}, $revoked->{secret}, $client->{secret}, 'dvk_no' ]), 'VALID CREDENTIAL_REVOKED NOT_FOUND MALFORMED', 'the old version works');
is($node->safe_psql('postgres', "SELECT (devapp.verify_key('$app->{secret}', '/weather/today', 'BREW')).code"), 'METHOD_FORBIDDEN', 'and knows nothing of what is to come');
$node->poll_query_until('postgres', 'SELECT EXISTS (SELECT FROM devapp.usage_minute) AND EXISTS (SELECT FROM devapp.usage_hour)') or die;

my $empty = $node->safe_psql('postgres', q{
	SELECT string_agg(x::regclass::text, ' ' ORDER BY 1) FROM pg_extension, unnest(extconfig) AS x JOIN pg_class c ON c.oid = x AND c.relkind IN ('r', 'p')
	 WHERE extname = 'devapp' AND (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %s', x::regclass), false, true, '')))[1]::text = '0'});
like($empty, qr/^(?:devapp\.quota_lease )?devapp\.usage_flush$/, 'every table has rows, but for what the worker empties at once');

# What a dump of the old version has, by the columns that the old version has.
my $contents_query = $node->safe_psql('postgres', q{
	SELECT string_agg(format('SELECT %L, count(*), sum(hashtextextended(t::text, 0)) FROM (SELECT %s FROM %s) AS t', r.name, r.columns, r.name), ' UNION ALL ' ORDER BY r.name) || ' ORDER BY 1'
	  FROM (SELECT x::regclass::text AS name, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns
	          FROM pg_extension, unnest(extconfig) AS x JOIN pg_class c ON c.oid = x AND c.relkind IN ('r', 'p') JOIN pg_attribute a ON a.attrelid = x AND a.attnum > 0
	         WHERE extname = 'devapp' GROUP BY x) AS r});

# of a database in which nothing happens
my $dump = "$work/old.sql";
set_config($node, 'devapp.flush_interval', '1h');
$node->safe_psql('postgres', 'SELECT devapp.flush_usage()');
$node->command_ok([ "$here->{bindir}/pg_dump", '-f', $dump, '-d', $node->connstr('postgres') ], 'a dump of the old version');
my $contents = $node->safe_psql('postgres', $contents_query);

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby', install_path => $here->{bindir} =~ s{/bin$}{}r);
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;

# ---------- what cannot be updated yet ----------

# The old version goes on.
sub goes_on
{
	my ($name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	is($node->safe_psql('postgres', "SELECT extversion, devapp_internal.catalog_version() FROM pg_extension WHERE extname = 'devapp'"), "$version|$version", "$name: the old version goes on");
	is(codes($node, [ $app->{secret}, $revoked->{secret} ]), 'VALID CREDENTIAL_REVOKED', "$name: and verifies");
	return;
}

sub update_fails
{
	my ($name, $state, $message, $sql, %options) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($found, $report) = error_of($node, $sql || 'ALTER EXTENSION devapp UPDATE', %options);

	is($found, $state, "$name: SQLSTATE");
	like($report, $message, "$name: message");
	return;
}

sub restart
{
	$_->restart for @_;
	return;
}

install($here, "$tree/devapp.so", next_files($tree));
update_fails('an older library', '55000', qr/the update of devapp to \Q$next\E requires the library of devapp \Q$next\E, but that of devapp \Q$version\E is loaded.*HINT:.*restart the server/s);
goes_on('an older library');

install($here, "$work/two_newer.so", next_files($tree));
restart($node);
update_fails('a library two releases newer', '55000', qr/the library of devapp \Q$two_newer\E|requires the library of devapp \Q$next\E, but that of devapp \Q$two_newer\E/);
my ($state, $report) = error_of($node, "SELECT devapp.verify_key('$app->{secret}')");
is($state, '55000', 'a library two releases newer does not verify');
like($report, qr/the library of devapp \Q$two_newer\E is not compatible with the catalog of devapp \Q$version\E.*HINT:.*one by one/s, 'it says why');
like(doctor($node, 'version'), qr/^error\|extension \Q$version\E, library \Q$two_newer\E/, 'doctor() still tells');
is((error_of($node, "SELECT devapp.create_team('red')"))[0], '55000', 'nor does it do anything else');

# ---------- the new library and the old catalog ----------

install($here, "$tree/devapp.so", next_files($tree));
restart($standby, $node);
goes_on('the new library');
is(codes($standby, [ $app->{secret}, $revoked->{secret} ]), 'VALID CREDENTIAL_REVOKED', 'also on the standby');
for my $server ($node, $standby)
{
	is( $server->safe_psql('postgres', "SELECT code, http_status, fault FROM devapp.verify_key('$app->{secret}', '/weather/today', 'BREW')"),
		'RESOURCE_FORBIDDEN|403|oauth.v2.InvalidApiKeyForGivenResource', $server->name . ': another code of the group stands in for one that is missing');
}
my $brewed = create_app($node, 'made between', "developer => 'ada\@example.com', products => '{weather}'");
is($node->safe_psql('postgres', "SELECT (devapp.verify_key(devapp_secret, '/weather/today', 'GET')).code FROM (SELECT secret AS devapp_secret FROM devapp.issue_credential('$app->{app_id}')) AS i"),
	'VALID', 'the new library issues credentials');
$node->safe_psql('postgres', 'SELECT devapp.flush_usage()');
is($node->safe_psql('postgres', "SELECT code, calls FROM devapp.usage_day WHERE day = (now() AT TIME ZONE 'UTC')::date AND code = 'RESOURCE_FORBIDDEN'"), 'RESOURCE_FORBIDDEN|1', 'and counts calls by the codes that there are');
like(doctor($node, 'version'), qr/^warning\|extension \Q$version\E, library \Q$next\E/, 'doctor() tells that an update is due');
is(doctor($node, 'update'), "info|version $next is installed on this server; the update path is $version--$next", 'and what it would run');
is($node->safe_psql('postgres', 'SELECT wrong FROM devapp_internal.check_packed_rows(100000)'), '0', 'copies are right');

# ---------- updates that fail ----------

update_fails('a role without rights', '42501', qr/must be owner of extension devapp/, 'SET ROLE devapp_admin; ALTER EXTENSION devapp UPDATE');
$node->safe_psql('postgres', 'CREATE VIEW customer_private AS SELECT day FROM devapp_internal.latency_totals');
update_fails('a view on something internal', '2BP01', qr/view public\.customer_private depends on materialized view devapp_internal\.latency_totals/);
goes_on('a view on something internal');
$node->safe_psql('postgres', 'DROP VIEW customer_private');

my $holder = $node->background_psql('postgres', on_error_stop => 1);
$holder->query_safe('BEGIN; LOCK TABLE devapp.credential IN ACCESS SHARE MODE');
update_fails('a table in use', '55P03', qr/table devapp\.credential is in use.*DETAIL:.*idle in transaction.*HINT:/s);
goes_on('a table in use');
$holder->query_safe('COMMIT; BEGIN; SELECT devapp_internal.lock_extension(false)');
for my $signal ('cancel', 'terminate')
{
	my ($in, $out) = ('', '');
	my $h = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', 'ALTER EXTENSION devapp UPDATE' ], '<', \$in, '>', \$out, '2>', \$out);

	$node->poll_query_until('postgres', "SELECT count(pg_${signal}_backend(pid)) = 1 FROM pg_stat_activity WHERE query LIKE 'ALTER EXTENSION%' AND wait_event_type = 'Lock'") or die;
	$h->finish;
	like($out, qr/canceling statement due to user request|terminating connection/, "$signal in the midst");
	goes_on($signal);
}
$holder->query_safe('COMMIT');
$holder->quit;
# it is killed as it holds the locks of the tables, which the server's last statement of the old version shows
{
	my $sql = slurp_file("$here->{extension}/devapp--$version--$next.sql");
	my ($in, $out) = ('', '');

	$sql =~ s/^(SELECT devapp_internal\.lock_tables\(\);)$/$1\nSELECT pg_sleep(60);/m or die;
	append_to_file("$here->{extension}/devapp--$version--$next.sql.tmp", $sql);
	rename "$here->{extension}/devapp--$version--$next.sql.tmp", "$here->{extension}/devapp--$version--$next.sql";
	my $h = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', 'ALTER EXTENSION devapp UPDATE' ], '<', \$in, '>', \$out, '2>', \$out);
	$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE 'ALTER EXTENSION%' AND wait_event = 'PgSleep'}) or die;
	kill_process($node, $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE query LIKE 'ALTER EXTENSION%' AND wait_event = 'PgSleep'}));
	$h->finish;
	install($here, "$tree/devapp.so", next_files($tree));
}
goes_on('killed in the midst');

$node->safe_psql('postgres', 'CREATE ROLE "The Maker" SUPERUSER; CREATE ROLE "Another One" SUPERUSER LOGIN; CREATE DATABASE made_by_other');
$node->safe_psql('made_by_other', "SET ROLE \"The Maker\"; CREATE EXTENSION pgcrypto; CREATE EXTENSION devapp VERSION '$version'");
$node->safe_psql('postgres', 'ALTER ROLE "The Maker" NOSUPERUSER');
update_fails('an owner that is no superuser', '42501', qr/the owner of the extension devapp, "The Maker", is not a superuser.*HINT:/s, undef, db => 'made_by_other');
is($node->safe_psql('made_by_other', 'SELECT devapp_internal.catalog_version()'), $version, 'its old version goes on');
$node->safe_psql('postgres', 'ALTER ROLE "The Maker" SUPERUSER');

# ---------- the update, as calls go on ----------

# Each call has to be allowed: else it divides by zero, and pgbench counts an error.
my $script = "$work/verify.sql";
append_to_file($script, "\\set n random(1, $size)\nSELECT 1 / (devapp.verify_key((SELECT k.secret FROM key k WHERE k.n = :n), $Devapp::CALL)).allowed::integer;\n");
my @callers;

# start_calls(name, server, options)
sub start_calls
{
	my ($name, $server, @options) = @_;
	my %caller = (name => $name, in => '', out => '', log => "$work/$name");

	$caller{run} = IPC::Run::start(
		[ "$here->{bindir}/pgbench", '-n', '-h', $server->host, '-p', $server->port, '-f', $script, '-l', "--log-prefix=$caller{log}", '-T', 300, @options, 'postgres' ],
		'<', \$caller{in}, '>&', \$caller{out});
	push @callers, \%caller;
	return;
}

sub latencies
{
	my ($caller) = @_;
	my ($log) = glob "$caller->{log}.*";

	my $text = defined $log ? slurp_file($log) : '';
	my @latencies;

	# without the time by which the call began late
	push @latencies, $1 - $2 while $text =~ /^\d+ \d+ (\d+) \d+ \d+ \d+ (\d+)$/gm;
	return @latencies;
}

start_calls('sessions', $node, '-c', 2, '-M', 'prepared', '-R', 400);
start_calls('connections', $node, '-c', 1, '-C', '-R', 30);
start_calls('standby', $standby, '-c', 1, '-R', 100);
my $session = $node->background_psql('postgres', on_error_stop => 1);
my $brew = "SELECT (devapp.verify_key('$app->{secret}', '/weather/today', 'BREW')).code";
is($session->query_safe($brew), 'RESOURCE_FORBIDDEN', 'a session that stays, before');
$node->safe_psql('postgres', 'CREATE VIEW customer AS SELECT check_name, status FROM devapp.doctor(); CREATE VIEW customer_report AS SELECT * FROM devapp_report.credentials; GRANT SELECT ON customer TO devapp_auditor');
sub enough_calls
{
	my ($n) = @_;
	for (1 .. 600)
	{
		return if !grep { (my @l = latencies($_)) < $n } @callers;
		select undef, undef, undef, 0.1;
	}
	die 'no calls: ' . join ' ', map { "$_->{name}: $_->{out}" } @callers;
}
enough_calls(20);
# a machine that is busy with other things is slow before as well
for my $caller (@callers)
{
	my ($slowest) = sort { $b <=> $a } latencies($caller);
	$caller->{bar} = 3 * $slowest > 1_000_000 ? 3 * $slowest : 1_000_000;
}
my %logged = map { ($_->name => -s $_->logfile) } $node, $standby;
my $before = time;
my ($out, $err) = ('', '');
is($node->psql('postgres', 'ALTER EXTENSION devapp UPDATE', extra_params => [ '-U', 'Another One' ], stdout => \$out, stderr => \$err), 0, 'the update') or diag($err);
my $took = time - $before;
like($err, qr/NOTICE:  the roles of devapp do not yet have the privileges that devapp \Q$next\E declares\nHINT:  Run SELECT devapp\.setup_roles\(\)\./, 'it ends with what is left to do');
is($session->query_safe($brew), 'REGION_CLOSED', 'a session that stays has the new code');
like(doctor($node, 'roles'), qr/^error\|missing: grants to devapp_admin/, 'doctor() fails until then');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
	WHERE p.proname IN ('set_region', 'portal_list_regions') AND a.grantee <> p.proowner}), '0', 'what is new is for nobody before');
$node->safe_psql('postgres', 'SELECT devapp.setup_roles()');
like(doctor($node, 'roles'), qr/^ok\|/, 'doctor() is content');
like(doctor($node, 'version'), qr/^ok\|extension \Q$next\E, library \Q$next\E$/, 'with the version as well');
enough_calls(60);
for my $caller (@callers)
{
	# INT may be ignored, as where the tests were started in the background
	$caller->{run}->signal('TERM');
	$caller->{run}->finish;
	my @latencies = sort { $a <=> $b } latencies($caller);
	unlike($caller->{out}, qr/ERROR|FATAL|aborted/, "$caller->{name}: none of " . @latencies . ' calls was refused') or diag($caller->{out});
	cmp_ok($latencies[-1], '<', $caller->{bar}, sprintf '%s: the slowest took %.1f ms, with %d credentials', $caller->{name}, $latencies[-1] / 1000, $size);
}
note "the update took about $took s";
unlike(slurp_file($_->logfile, $logged{ $_->name }), qr/still waiting for AccessShareLock/, $_->name . ': no call waited a second for a lock') for $node, $standby;

# ---------- what is there now ----------

is($session->query_safe("SELECT count(*) FROM (SELECT devapp.set_region(credential_id, 'north') FROM devapp.credential WHERE credential_id = '$brewed->{credential_id}') AS x"), '1', 'the new function');
is(codes($node, [ $brewed->{secret}, $app->{secret}, $revoked->{secret} ]), 'REGION_CLOSED VALID CREDENTIAL_REVOKED', 'reads the new column');
$node->safe_psql('postgres', "INSERT INTO devapp.region VALUES ('north'); SELECT devapp.set_region('$brewed->{credential_id}', 'north')");
is(codes($node, [ $brewed->{secret} ]), 'VALID', 'and the new table');
$node->wait_for_catchup($standby);
is(codes($standby, [ $brewed->{secret}, $app->{secret}, $revoked->{secret} ]), 'VALID VALID CREDENTIAL_REVOKED', 'so does the standby');
is($node->safe_psql('postgres', 'SELECT wrong FROM devapp_internal.check_packed_rows(1000000)'), '0', 'copies are right');
is($node->safe_psql('postgres', "SELECT http_status FROM devapp_internal.verdict_status WHERE code = 'REGION_CLOSED'"), '403', 'reports know the new code');
is($node->safe_psql('postgres', "SELECT status FROM customer WHERE check_name = 'region'"), 'ok', "a customer's view on a function that changed");
is($node->safe_psql('postgres', 'SELECT count(*) > 0 FROM customer_report'), 't', 'and on a view that has one more column');
is($node->safe_psql('postgres', q{SELECT has_table_privilege('devapp_auditor', 'customer', 'SELECT')}), 't', 'with its privileges');
is($node->safe_psql('postgres', 'UPDATE devapp.team SET display_name = $$B$$; SELECT tgenabled FROM pg_trigger WHERE tgrelid = $$devapp.team$$::regclass AND tgname = $$invalidate_cache$$'), 'A', 'a trigger that was replaced fires always, as before');
$session->quit;

# ---------- the same as a fresh install, a restored dump and the standby ----------

my $catalog_query = slurp_file("$source/test/release/catalog.sql");

# Views and functions of people who are not devapp are not among it.
sub catalog
{
	my ($server, $db) = @_;

	return $server->safe_psql($db, $catalog_query);
}

my $catalog = catalog($node, 'postgres');
cmp_ok(scalar(split /\n/, $catalog), '>', 5000, 'there is much to compare');
$node->safe_psql('postgres', 'CREATE DATABASE fresh');
$node->safe_psql('fresh', 'CREATE EXTENSION devapp CASCADE; SELECT devapp.setup_roles()');
same_lines($catalog, catalog($node, 'fresh'), 'the catalog is that of a fresh install');
$node->wait_for_catchup($standby);
same_lines(catalog($standby, 'postgres'), $catalog, 'and of the standby');

sub restore
{
	my ($db, $file) = @_;

	my $complaints = '';

	$node->safe_psql('postgres', "CREATE DATABASE $db");
	run_log([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($db) . " options='-c devapp.restoring=on'", '-f', $file ], '2>', \$complaints)
	  or die $complaints;
	return;
}

restore('old_dump', $dump);
same_lines($node->safe_psql('old_dump', $contents_query), $contents, 'a dump of the old version has the same rows in the new one');
$node->safe_psql('old_dump', 'SELECT devapp.setup_roles()');
same_lines(catalog($node, 'old_dump'), $catalog, 'and the same catalog');
is(codes($node, [ $app->{secret}, $revoked->{secret} ], db => 'old_dump'), 'VALID CREDENTIAL_REVOKED', 'its keys work');
my $new_dump = "$work/new.sql";
$node->command_ok([ "$here->{bindir}/pg_dump", '-f', $new_dump, '-d', $node->connstr('postgres') ], 'a dump of what was updated');
restore('new_dump', $new_dump);
same_lines(catalog($node, 'new_dump'), $catalog, 'has the same catalog');
is($node->safe_psql('new_dump', "SELECT region FROM devapp.credential WHERE credential_id = '$brewed->{credential_id}'"), 'north', 'and the new column');
$node->safe_psql('made_by_other', 'ALTER EXTENSION devapp UPDATE');
is( $node->safe_psql('made_by_other', q{SELECT DISTINCT p.proowner::regrole FROM pg_proc p WHERE p.pronamespace IN ('devapp'::regnamespace, 'devapp_internal'::regnamespace)}),
	'"The Maker"', 'what is new belongs to the owner of the extension, whoever runs the update');

# ---------- back ----------

install($here, "$work/old/devapp.so", @old_files);
restart($node, $standby);
for my $server ($node, $standby)
{
	($state, $report) = error_of($server, "SELECT devapp.verify_key('$app->{secret}')");
	is($state, '55000', $server->name . ': the old library does not serve the new catalog');
	like($report, qr/the library of devapp \Q$version\E is not compatible with the catalog of devapp \Q$next\E.*HINT:  Install the library of devapp \Q$next\E again, and restart the server\./s, 'and says what to do');
}

# ---------- from the last release to this version ----------

my ($released) = map { /devapp--([\d.]+)--\Q$version\E\.sql$/ ? $1 : () } @old_files;

SKIP:
{
	skip 'there is no release before this version', 1 unless $released;
	$node->safe_psql('postgres', 'CREATE DATABASE released; CREATE DATABASE this_version');
	$node->safe_psql('released', "CREATE EXTENSION pgcrypto; CREATE EXTENSION devapp VERSION '$released'; SELECT devapp.setup_roles();"
		. q{SELECT devapp.create_developer('ada@example.com'); SELECT devapp.create_app(name, 'ada@example.com') FROM unnest('{before,then}'::text[]) AS name});
	# only a library that keeps it true may say that an app has no quota, and 0.1.0 does not
	my $no_quota = q{SELECT string_agg(a.name, ' ' ORDER BY a.name) FROM devapp.app a JOIN devapp_internal.packed_row p ON p.kind = 'A' AND p.item = a.app_id WHERE greatest(get_byte(p.body, 4), get_byte(p.body, 7)) >= 128};
	is($node->safe_psql('released', $no_quota), $released eq '0.1.0' ? '' : 'before then', "before an update of $released");
	$node->safe_psql('released', q{ALTER EXTENSION devapp UPDATE; SELECT devapp.setup_roles(); SELECT devapp.create_product('p'); SELECT devapp.create_app('after', 'ada@example.com', products => '{p}');}
		. q{SELECT devapp.set_app_quota('ada@example.com/then', 'p', rate_limit => 1, rate_burst => 1); UPDATE devapp.app SET scopes = '{x}'});
	is($node->safe_psql('released', $no_quota), $released eq '0.1.0' ? 'after' : 'after before', 'a new app says that it has no quota');
	is($node->safe_psql('released', "SELECT FROM devapp_internal.rebuild_packed_rows(); $no_quota"), 'after before', 'and old ones do when the copies are made again');
	$node->safe_psql('this_version', 'CREATE EXTENSION devapp CASCADE; SELECT devapp.setup_roles()');
	same_lines(catalog($node, 'released'), catalog($node, 'this_version'), "the catalog after an update of $released is that of a fresh install");
}

install($here, "$tree/devapp.so", next_files($tree));
restart($node, $standby);
is(codes($node, [ $app->{secret}, $revoked->{secret} ]), 'VALID CREDENTIAL_REVOKED', 'the new one again');
$_->stop for $standby, $node;

# ---------- to the next major of PostgreSQL ----------

# The next one of Debian's here that can build an extension.  The long variant does without one.
sub next_major
{
	my ($major) = output_of('pg_config', '--version') =~ /(\d+)/;
	my @found = sort { $a->[0] <=> $b->[0] } map { m{/(\d+)/bin} && $1 > $major ? [ $1, $_ ] : () } glob '/usr/lib/postgresql/*/bin/pg_config';
	my ($usable) = grep { -e output_of($_->[1], '--includedir-server') . '/postgres.h' && -x output_of($_->[1], '--bindir') . '/initdb' } @found;

	return $usable ? $usable->[1] : $ENV{DEVAPP_UPGRADE_SIZE} ? 'pg_config' : undef;
}

my $pg_config = next_major();

SKIP:
{
	skip 'no other major of PostgreSQL is installed', 1 unless $pg_config;
	my $there = $pg_config eq 'pg_config' ? $here : private_install($pg_config);
	my $there_tree = $pg_config eq 'pg_config' ? $tree : build_next($pg_config);
	my %of = (extra => [ '--encoding=UTF8', '--no-locale' ]);
	my $from = PostgreSQL::Test::Cluster->new('from', install_path => $here->{bindir} =~ s{/bin$}{}r);
	my $to = PostgreSQL::Test::Cluster->new('to', install_path => $there->{bindir} =~ s{/bin$}{}r);

	install($here, "$work/old/devapp.so", @old_files);
	$from->init(%of);
	$from->append_conf('postgresql.conf', $settings);
	$from->start;
	make_program($from);
	my $key = create_app($from, 'caller')->{secret};
	$from->safe_psql('postgres', 'SELECT devapp.setup_roles()');
	$from->stop;
	install($_->[0], "$_->[1]/devapp.so", next_files($_->[1])) for [ $here, $tree ], [ $there, $there_tree ];
	# from 18 on a new server has checksums of its pages, and pg_upgrade wants them in both or in none
	$to->init(extra => [ @{ $of{extra} }, $to->pg_version >= 18 && $from->pg_version < 18 ? '--no-data-checksums' : () ]);
	$to->append_conf('postgresql.conf', $settings);
	$from->command_ok(
		[ 'sh', '-c', join ' ', 'cd ' . $to->basedir . " && $there->{bindir}/pg_upgrade --no-sync", '-d', $from->data_dir, '-D', $to->data_dir,
			'-b', $here->{bindir}, '-B', $there->{bindir}, '-s', $to->host, '-p', $from->port, '-P', $to->port ], 'pg_upgrade');
	$to->start;
	is(codes($to, [$key]), 'VALID', 'the library of the next version serves the old catalog there, too');
	$to->safe_psql('postgres', 'ALTER EXTENSION devapp UPDATE; SELECT devapp.setup_roles(); CREATE DATABASE fresh');
	$to->safe_psql('fresh', 'CREATE EXTENSION devapp CASCADE; SELECT devapp.setup_roles()');
	is(codes($to, [$key]), 'VALID', 'and the new one');
	# pg_upgrade makes views and parsed bodies of their text, which has other aliases then
	my ($got, $expected) = map { join '', grep { !/^(?:view|function|privilege: (?:initial )?schema)/ } catalog($to, $_) =~ /(.*\n?)/g } 'postgres', 'fresh';
	same_lines($got, $expected, 'which is that of a fresh install');
}

done_testing();
