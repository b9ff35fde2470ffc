# Verification in a transaction: it writes nothing, so it works where nothing may
# be written; it reads the latest committed state even under an old snapshot, and
# the uncommitted changes of its own transaction; in parallel workers it decides
# as it does alone.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use Test::More;

my $node = start_server('main', 'max_worker_processes = 8');
make_program($node);

my $app = create_app($node, 'reader');
my $client = create_app($node, 'client',
	"developer => 'ada\@example.com', products => '{weather}', kind => 'oauth_client'");
my $key = literal($app->{secret});

# ---------- read only ----------

# All four functions, for a path that the product has and one that it has not.
my $ask = join ";\n", map {
	"SELECT (devapp.verify_key($key, $_, 'GET')).code,
	(devapp.verify_digest(sha256($key), $_, 'GET')).code,
	(devapp.verify_client('$client->{consumer_key}', '$client->{secret}', $_, 'GET')).code,
	devapp.allows($key, $_, 'GET')"
} "'/weather/today'", "'/other'";
my $answers =
  "VALID|VALID|VALID|t\nRESOURCE_FORBIDDEN|RESOURCE_FORBIDDEN|RESOURCE_FORBIDDEN|f";

for my $start (
	'BEGIN READ ONLY',
	'BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY',
	'BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE',
	'SET default_transaction_read_only = on')
{
	is($node->safe_psql('postgres', "$start; $ask;"), $answers, "verify: $start");
	is( error_of($node,
			"$start; SELECT devapp.create_app('no', 'ada\@example.com')"),
		'25006',
		"create_app is refused: $start");
}

# ---------- an old snapshot ----------

my $status = "SELECT status FROM devapp.credential
	WHERE credential_id = '$app->{credential_id}'";

for my $level ('REPEATABLE READ', 'SERIALIZABLE')
{
	my $session = $node->background_psql('postgres');

	$session->query_safe("BEGIN ISOLATION LEVEL $level");
	is($session->query_safe($status), 'approved', "$level: snapshot taken");
	is($session->query_safe($ask), $answers, "$level: before the revocation");

	for my $change (changes($app))
	{
		my ($name, $verdict, $do, $undo) = @$change;

		$node->safe_psql('postgres', $do);
		is($session->query_safe(key_codes($app->{secret})),
			$verdict, "$level: a change of the $name counts at once");
		is($session->query_safe("SELECT devapp.allows($key, $Devapp::CALL)"),
			'f', "$level: $name, for allows() too");
		is($session->query_safe($status),
			'approved', "$level: $name, though the transaction itself sees nothing");
		$node->safe_psql('postgres', $undo);
		is($session->query_safe(key_codes($app->{secret})),
			'VALID', "$level: $name, undone");
	}

	my $new = create_app($node, "new in $level");
	is($session->query_safe(key_codes($new->{secret})),
		'VALID', "$level: a key made after the snapshot works");
	$session->query_safe('COMMIT');
	$session->quit;
}

# ---------- its own uncommitted changes ----------

my $session = $node->background_psql('postgres');
my $own = key_codes($app->{secret});

for my $change (changes($app))
{
	my ($name, $verdict, $do, $undo) = @$change;

	is($session->query_safe($own), 'VALID', "$name: before");
	$session->query_safe("BEGIN; $do");
	is($session->query_safe($own), $verdict, "$name: own change is seen");
	is(code($node, $app->{secret}), 'VALID', "$name: by nobody else");
	$session->query_safe("SAVEPOINT s; $undo");
	is($session->query_safe($own), 'VALID', "$name: undone after a savepoint");
	$session->query_safe('ROLLBACK TO s');
	is($session->query_safe($own), $verdict, "$name: ROLLBACK TO changes it back");
	$session->query_safe('ROLLBACK');
	is($session->query_safe($own), 'VALID', "$name: ROLLBACK undoes it");
}

$session->query_safe('BEGIN; SAVEPOINT s');
my $made = $session->query_safe(
	"SELECT secret FROM devapp.create_app('in a savepoint', 'ada\@example.com',
		products => '{weather}')");
is($session->query_safe(key_codes($made)), 'VALID', 'own new key works');
is(code($node, $made), 'NOT_FOUND', 'for nobody else');
$session->query_safe('ROLLBACK TO s');
is($session->query_safe(key_codes($made)), 'NOT_FOUND', 'ROLLBACK TO takes it back');
$session->query_safe('COMMIT');
is($session->query_safe(key_codes($made)), 'NOT_FOUND', 'and it stays unknown');

# inside one statement of a client
$node->safe_psql(
	'postgres', qq{
	DO \$\$
	BEGIN
		PERFORM devapp.suspend_app('$app->{app_id}');
		IF (devapp.verify_key($key, $Devapp::CALL)).code <> 'APP_SUSPENDED' THEN
			RAISE 'suspension is not seen';
		END IF;
		BEGIN
			PERFORM devapp.delete_app('$app->{app_id}');
			IF (devapp.verify_key($key, $Devapp::CALL)).code <> 'CREDENTIAL_REVOKED' THEN
				RAISE 'deletion is not seen';
			END IF;
			RAISE 'undo' USING ERRCODE = 'P0099';
		EXCEPTION WHEN SQLSTATE 'P0099' THEN
			NULL;
		END;
		IF (devapp.verify_key($key, $Devapp::CALL)).code <> 'APP_SUSPENDED' THEN
			RAISE 'deletion is not undone';
		END IF;
		PERFORM devapp.resume_app('$app->{app_id}');
	END
	\$\$});
is($session->query_safe($own), 'VALID', 'a block sees what it did and undid');
$session->quit;

# ---------- parallel workers ----------

$node->safe_psql(
	'postgres', q{
	CREATE TABLE presented (id integer, expected text, credential_id uuid, key text);
	INSERT INTO presented
	SELECT n, CASE n % 4 WHEN 0 THEN 'CREDENTIAL_REVOKED' WHEN 1 THEN 'APP_SUSPENDED' ELSE 'VALID' END,
	       made.credential_id, made.secret
	  FROM generate_series(1, 40) AS n,
	       devapp.create_app('p' || n, 'ada@example.com', products => '{weather}') AS made;
	SELECT devapp.revoke_credential(credential_id) FROM presented WHERE id % 4 = 0;
	SELECT devapp.suspend_app(c.app_id)
	  FROM presented p JOIN devapp.credential c USING (credential_id) WHERE p.id % 4 = 1;
	INSERT INTO presented VALUES (41, 'MALFORMED', NULL, 'no key'), (42, 'MALFORMED', NULL, NULL);
	-- a key that its transaction took back
	BEGIN;
	SELECT secret AS gone FROM devapp.create_app('gone', 'ada@example.com') \gset
	ROLLBACK;
	INSERT INTO presented VALUES (43, 'NOT_FOUND', NULL, :'gone');
	ALTER TABLE presented SET (parallel_workers = 2);
	ANALYZE presented;});

my $setting =
  $node->pg_version >= 16 ? 'debug_parallel_query' : 'force_parallel_mode';
my %parallel = (
	'one worker' => "SET $setting = on;",
	'two workers' => "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
		SET min_parallel_table_scan_size = 0; SET parallel_leader_participation = off;");
my $verdicts = "SELECT id, expected, (devapp.verify_key(key, $Devapp::CALL)).code,
	(devapp.verify_digest(sha256(convert_to(key, 'UTF8')), $Devapp::CALL)).code
	FROM presented WHERE devapp.allows(key, $Devapp::CALL) = (expected = 'VALID')";

sub sorted { return join "\n", sort split /\n/, shift }

my $alone = sorted($node->safe_psql('postgres', $verdicts));
my $expected = sorted(
	$node->safe_psql(
		'postgres',
		q{SELECT id, expected, expected,
			CASE id WHEN 41 THEN 'NOT_FOUND' ELSE expected END FROM presented}));

is($alone, $expected, 'verdicts of 43 keys');

# the leader's uncommitted changes are the workers' too
my $revoke = q{BEGIN;
	DO $$ BEGIN
		PERFORM devapp.revoke_credential(credential_id)
		   FROM presented WHERE expected = 'VALID';
	END $$;};
my $count = "SELECT count(*) FROM presented
	WHERE (devapp.verify_key(key, $Devapp::CALL)).code = 'CREDENTIAL_REVOKED'";

for my $how (sort keys %parallel)
{
	my $settings = $parallel{$how};
	my $launched = $how eq 'one worker' ? 1 : 2;

	like(
		$node->safe_psql(
			'postgres',
			"$settings EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) $verdicts"),
		qr/Gather.*Workers Launched: $launched\n.*Seq Scan on presented.*Filter: .*devapp\.allows/s,
		"$how: the plan has workers decide");
	is(sorted($node->safe_psql('postgres', "$settings $verdicts")),
		$expected, "$how: the same verdicts");
	is($node->safe_psql('postgres', "$revoke $settings $count"),
		30, "$how: uncommitted changes of the transaction are seen");
	is($node->safe_psql('postgres', "$settings $count"),
		10, "$how: and are gone with it");
}

done_testing();
