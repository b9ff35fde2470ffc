# Quotas and rate limits: what is let through, exactly, and what verdicts say of it.
# Windows are of 100 years, so that none ends while this runs, and rates so slow that
# nothing is worked off meanwhile.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('main', "shared_preload_libraries = 'devapp'
devapp.flush_interval = 0
max_worker_processes = 8");
$node->safe_psql('postgres', q{CREATE EXTENSION devapp CASCADE;
	SELECT devapp.setup_roles();
	SELECT devapp.create_developer('ada@example.com');
	SELECT devapp.create_developer('ben@example.com')});
my $century = "quota_interval => 1200, quota_unit => 'month'";
my $made = 0;

# A product with these limits and an app that has it: the key, and the app's hash.
sub make
{
	my ($limits, @operations) = @_;
	my $name = 'p' . ++$made;

	$node->safe_psql('postgres', "SELECT devapp.create_product('$name', $limits)");
	$node->safe_psql('postgres', "SELECT devapp.add_operation('$name', $_)") for @operations;
	my $app = create_app($node, $name, "developer => 'ada\@example.com', products => '{$name}'");
	$app->{product} = $name;
	return $app;
}

# What n calls are answered, one after the other: "VALID:4 QUOTA_EXCEEDED:0", with
# what remains.
sub calls
{
	my ($app, $n, $arguments, %options) = @_;
	my $function = $options{function} || 'verify_key';
	my $key = literal($options{key} || $app->{secret});

	$arguments = $arguments ? ", $arguments" : '';
	return $node->safe_psql('postgres', ($options{before} || '')
		. "SELECT string_agg(concat_ws(':', (v.v).code, (v.v).quota_remaining), ' ' ORDER BY v.n)"
		. " FROM (SELECT n, devapp.$function($key$arguments) AS v FROM generate_series(1, $n) n OFFSET 0) AS v");
}

sub ask
{
	return $node->safe_psql('postgres', $_[0]);
}

# ---------- a quota ----------

my $app = make("environments => '{test}', quota_limit => 3, $century");
is(calls($app, 5), 'VALID:2 VALID:1 VALID:0 QUOTA_EXCEEDED:0 QUOTA_EXCEEDED:0', 'the limit is let through');
is( ask(qq{SELECT allowed, code, http_status, fault, product, scopes, quota_limit, quota_remaining, quota_reset_at AT TIME ZONE 'UTC',
	retry_after = quota_reset_at - now() OR retry_after BETWEEN '0' AND make_interval(hours => 24 * 36525)
	FROM devapp.verify_key('$app->{secret}')}),
	"f|QUOTA_EXCEEDED|429|policies.ratelimit.QuotaViolation|$app->{product}||3|0|2100-01-01 00:00:00|t", 'the verdict of one too many');
is(calls($app, 1, 'cost => 0'), 'VALID:0', 'a peek is let through');
my $second = $node->safe_psql('postgres', "SELECT secret FROM devapp.issue_credential('$app->{app_id}', products => '{$app->{product}}')");
is(calls($app, 1, '', key => $second), 'QUOTA_EXCEEDED:0', 'another key of the app shares it');
my $rotated = rotate($node, $app->{credential_id}, '1 day');
is(calls($app, 1, '', key => $rotated->{secret}), 'QUOTA_EXCEEDED:0', 'a rotation resets nothing');
is(calls($app, 1, "environment => 'test'"), 'VALID:2', 'another environment counts apart');
is(ask("SELECT devapp.allows('$app->{secret}', environment => 'test'), devapp.allows('$app->{secret}', environment => 'test'), devapp.allows('$app->{secret}', environment => 'test')"),
	't|t|f', 'allows() counts 1 each');
is(ask("SELECT code FROM devapp.verify_digest(sha256('$app->{secret}'), environment => 'test')"), 'QUOTA_EXCEEDED', 'and so does verify_digest()');
my $other = create_app($node, 'other', "developer => 'ada\@example.com', products => '{$app->{product}}'");
is(calls($other, 1), 'VALID:2', 'another app counts apart');

# ---------- cost ----------

$app = make("quota_limit => 10, $century");
is(calls($app, 4, 'cost => 4'), 'VALID:6 VALID:2 QUOTA_EXCEEDED:2 QUOTA_EXCEEDED:2', 'what does not fit takes nothing');
is(calls($app, 2, 'cost => 2'), 'VALID:0 QUOTA_EXCEEDED:0', 'so a smaller call still fits');
$app = make("quota_limit => 10, $century");
is(calls($app, 2, 'cost => NULL'), 'VALID:9 VALID:8', 'no cost is 1');
is(calls($app, 2, 'cost => -5'), 'VALID:8 VALID:8', 'a negative one is 0');
is(ask("SELECT code, quota_remaining, retry_after IS NULL FROM devapp.verify_key('$app->{secret}', cost => 2147483647)"),
	'QUOTA_EXCEEDED|8|t', 'a cost that never fits: no time to try again');
$app = make("quota_limit => 9223372036854775807, $century");
is(calls($app, 2, 'cost => 2147483647'), 'VALID:9223372035854775807 VALID:9223372034854775807', 'the largest of limits and costs');

# ---------- operations ----------

$app = make("quota_limit => 5, $century", "'/a/**'", "'/b/**', quota_limit => 2, $century");
is(calls($app, 3, "'/b/x'"), 'VALID:1 VALID:0 QUOTA_EXCEEDED:0', q{an operation's own quota});
is(calls($app, 1, "'/a/x'"), 'VALID:4', q{does not take from the product's});
$app = make("display_name => 'none'", "'/a/**'", "'/b/**', quota_limit => 2, $century");
is(calls($app, 2, "'/a/x'"), 'VALID VALID', 'a product without a quota has none to show');
is(calls($app, 2, "'/b/x'"), 'VALID:1 VALID:0', 'but its operation has');

# ---------- refusals of another kind ----------

$app = make("quota_limit => 2, $century", "'/a/**', '{GET}'");
is(calls($app, 3, "'/a/x', 'POST'"), 'METHOD_FORBIDDEN METHOD_FORBIDDEN METHOD_FORBIDDEN', 'what is refused anyway');
is(calls($app, 2, "'/a/x', 'GET'"), 'VALID:1 VALID:0', 'takes nothing');

# ---------- environments ----------

my $long = 'e' x 24;
$app = make("environments => '{${long}a,${long}b}', quota_limit => 2, $century");
is(calls($app, 1, "environment => '${long}a'"), 'VALID:1', 'a long name');
is(calls($app, 1, "environment => '${long}b'"), 'VALID:0', 'counts by its first 24 bytes');
$app = make("quota_limit => 2, $century");
my $bound = create_app($node, 'bound', "developer => 'ada\@example.com', products => '{$app->{product}}', environment => 'eu'");
is(calls($bound, 1), 'VALID:1', q{a credential's own environment});
is(calls($bound, 2, "environment => 'eu'"), 'VALID:0 QUOTA_EXCEEDED:0', 'is the one that counts');

# what nobody but the caller names shares one place, and the limit holds there
$app = make("quota_limit => 5, rate_limit => 0.001, rate_burst => 7, $century");
my $slots = ask('SELECT quota_slots_used FROM devapp.worker_status');
my $invented = "SELECT string_agg(c.code || ' ' || c.n, ' ' ORDER BY c.code) FROM (SELECT (v.v).code, count(*) AS n FROM "
	. "(SELECT devapp.verify_key('$app->{secret}', environment => 'e' || n) AS v FROM generate_series(1, 500) n OFFSET 0) AS v GROUP BY 1) AS c";
is(ask($invented), 'VALID 5 QUOTA_EXCEEDED 495', 'invented environments have one quota together');
is(ask("SELECT quota_slots_used - $slots FROM devapp.worker_status"), 2, 'and one bucket for it, and one for the rate');
is(calls($app, 1, "environment => repeat('é', 500000)"), 'QUOTA_EXCEEDED:0', 'a name of 1 MB is another of them');
is(calls($app, 1), 'VALID:4', 'no name is none of them');
is(ask("SELECT environment, used FROM devapp.quota_status('$app->{app_id}') ORDER BY 1"), "(other)|5\n|1", 'they are shown as (other)');
ask("SELECT devapp.update_product('$app->{product}', environments => '{e1}')");
is(calls($app, 1, "environment => 'e1'"), 'VALID:4', 'what the product names counts apart');
ask("DO \$\$ BEGIN PERFORM devapp.flush_usage(); END \$\$");
is(ask("SELECT string_agg(concat_ws(' ', environment, calls), ', ' ORDER BY environment) FROM (SELECT environment, sum(calls) AS calls FROM devapp.usage_day WHERE app_id = '$app->{app_id}' GROUP BY 1) AS x"),
	'(other) 501, e1 1, 1', 'usage is counted under the same names');

# ---------- rates ----------

$app = make("environments => '{test}', rate_limit => 0.001, rate_burst => 4");
is(calls($app, 6), 'VALID VALID VALID VALID RATE_LIMITED RATE_LIMITED', 'the burst is let through');
is( ask(qq{SELECT allowed, http_status, fault, quota_limit IS NULL, retry_after BETWEEN '900 s' AND '1000 s' FROM devapp.verify_key('$app->{secret}')}),
	'f|429|policies.ratelimit.SpikeArrestViolation|t|t', 'the verdict of one too soon');
is(ask("SELECT code, retry_after BETWEEN '2900 s' AND '3000 s' FROM devapp.verify_key('$app->{secret}', cost => 3)"),
	'RATE_LIMITED|t', 'three calls take three times as long');
is(ask("SELECT code, retry_after IS NULL FROM devapp.verify_key('$app->{secret}', cost => 5)"),
	'RATE_LIMITED|t', 'more than the burst never fits');
is(calls($app, 1, 'cost => 0'), 'VALID', 'a peek is let through');
is(calls($app, 2, "environment => 'test'"), 'VALID VALID', 'environments are apart');
$app = make('rate_limit => 1e9');
is(calls($app, 3), 'VALID VALID VALID', 'a rate that nobody can reach');
$app = make('rate_limit => 1e-300, rate_burst => 2147483647');
is(calls($app, 2), 'VALID RATE_LIMITED', 'a rate so slow that a burst cannot be earned');
$app = make('rate_limit => 1000000, rate_burst => 1000000');
like(calls($app, 2, 'cost => 1000000'), qr/^VALID (VALID|RATE_LIMITED)$/, 'a fast one');
ok( $node->poll_query_until('postgres', "SELECT (devapp.verify_key('$app->{secret}', cost => 500000)).allowed"), 'is worked off');
$app = make('rate_limit => 0.001, rate_burst => 4');
is(calls($app, 5), 'VALID VALID VALID VALID RATE_LIMITED', 'who has used up a slow rate');
ask("SELECT devapp.update_product('$app->{product}', rate_limit => 1000, rate_burst => 2)");
ok( $node->poll_query_until('postgres', "SELECT (devapp.verify_key('$app->{secret}')).allowed"), 'does not wait for it where it is made a fast one');
ask("SELECT devapp.update_product('$app->{product}', rate_limit => 0.001)");
like(calls($app, 3), qr/^(VALID ){0,2}RATE_LIMITED( RATE_LIMITED)*$/, 'nor has more than a burst where it is a slow one again');

# both
$app = make("rate_limit => 0.001, rate_burst => 4, quota_limit => 6, $century");
is(calls($app, 6), 'VALID:5 VALID:4 VALID:3 VALID:2 RATE_LIMITED:2 RATE_LIMITED:2', 'what the rate refuses takes nothing from the quota');
ask("SELECT devapp.update_product('$app->{product}', rate_limit => 0)");
is(calls($app, 3), 'VALID:1 VALID:0 QUOTA_EXCEEDED:0', 'which is all there when the rate is taken away');
$app = make("rate_limit => 0.001, rate_burst => 4, quota_limit => 2, $century");
is(calls($app, 4), 'VALID:1 VALID:0 QUOTA_EXCEEDED:0 QUOTA_EXCEEDED:0', 'what the quota refuses');
ask("SELECT devapp.update_product('$app->{product}', quota_limit => 100)");
is(calls($app, 3), 'VALID:97 VALID:96 RATE_LIMITED:96', 'takes nothing from the rate');

# ---------- changes ----------

$app = make("quota_limit => 10, $century");
calls($app, 6);
ask("SELECT devapp.update_product('$app->{product}', quota_limit => 4)");
is(calls($app, 2), 'QUOTA_EXCEEDED:0 QUOTA_EXCEEDED:0', 'a limit below what is used');
is(calls($app, 1, 'cost => 0'), 'VALID:0', 'to look at');
ask("SELECT devapp.update_product('$app->{product}', quota_limit => 8)");
is(calls($app, 3), 'VALID:1 VALID:0 QUOTA_EXCEEDED:0', 'and raised again');
ask("SELECT devapp.update_product('$app->{product}', quota_interval => 1500)");
is(calls($app, 1), 'VALID:7', 'another window starts anew');
ask("DO \$\$ BEGIN PERFORM devapp.flush_usage(); END \$\$");
is(ask("SELECT used FROM devapp.quota_usage WHERE app_id = '$app->{app_id}'"), 9, 'with what was counted and not flushed until then');
ask("SELECT devapp.update_product('$app->{product}', quota_interval => 1200)");
calls($app, 3);
ask("DO \$\$ BEGIN PERFORM devapp.flush_usage(); END \$\$");
is(ask("SELECT window_end AT TIME ZONE 'UTC', used FROM devapp.quota_usage WHERE app_id = '$app->{app_id}'"),
	'2100-01-01 00:00:00|3', 'also in the table, whichever is longer');

# ---------- a clock that was put back ----------

# quota_from(app, start): what is used in the table is 2, in the window that starts then
sub quota_from
{
	my ($app, $start) = @_;

	ask("INSERT INTO devapp.quota_usage (app_id, product_id, window_start, window_end, used)
		SELECT '$app->{app_id}', product_id, '$start', '$start'::timestamptz + interval '100 years', 2 FROM devapp.product WHERE name = '$app->{product}'");
	return;
}

my $reset = 'SELECT string_agg((v.v).quota_remaining || \' \' || ((v.v).quota_reset_at AT TIME ZONE \'UTC\')::date, \', \' ORDER BY v.n)';
for my $way ([ 'soft', 'verify_key' ], [ 'hard', 'consume_quota' ])
{
	my ($enforcement, $function) = @$way;
	my $twice = "FROM (SELECT n, devapp.$function('%s') AS v FROM generate_series(1, 2) n OFFSET 0) AS v";

	$app = make("quota_limit => 4, quota_enforcement => '$enforcement', $century");
	quota_from($app, '2100-01-01 00:00+00');
	is(ask("$reset " . sprintf($twice, $app->{secret})), '1 2200-01-01, 0 2200-01-01', "$enforcement: from the next window: it stays in that");
	is(ask("SELECT used, resets_at AT TIME ZONE 'UTC' FROM devapp.quota_status('$app->{app_id}')"), '4|2200-01-01 00:00:00', 'quota_status sees it');
	$app = make("quota_limit => 4, quota_enforcement => '$enforcement', $century");
	quota_from($app, '2200-01-01 00:00+00');
	is(ask("$reset " . sprintf($twice, $app->{secret})), '1 2300-01-01, 0 2300-01-01', "$enforcement: from further ahead: in that too");
	ask("DO \$\$ BEGIN PERFORM devapp.flush_usage(); END \$\$");
	is(ask("SELECT used, window_end AT TIME ZONE 'UTC' FROM devapp.quota_usage WHERE app_id = '$app->{app_id}'"), ($enforcement eq 'soft' ? 2 : 4) . '|2300-01-01 00:00:00', 'its row stays');
	like(doctor($node, 'quota'), qr/^warning\|\d+ quota\(s\) have a window in the future/, 'doctor warns');
}
ask('SELECT devapp.reset_quota(q.app_id, p.name) FROM devapp.quota_usage q JOIN devapp.product p USING (product_id) WHERE q.window_start > now()');
is(ask('SELECT count(*) FROM devapp.quota_usage WHERE window_start > now()'), 0, 'reset_quota brings them back');

# ---------- whatever the transaction is ----------

$app = make("quota_limit => 8, rate_limit => 0.001, rate_burst => 8, $century");
is(calls($app, 2, '', before => 'BEGIN READ ONLY; '), 'VALID:7 VALID:6', 'READ ONLY');
ask("BEGIN; SELECT devapp.verify_key('$app->{secret}'); ROLLBACK");
is(calls($app, 1), 'VALID:4', 'what is rolled back was let through');
is(calls($app, 1, '', before => 'BEGIN ISOLATION LEVEL SERIALIZABLE; '), 'VALID:3', 'SERIALIZABLE');
is(ask("SET TimeZone = 'Pacific/Auckland'; SELECT quota_reset_at FROM devapp.verify_key('$app->{secret}')"),
	'2100-01-01 13:00:00+13', 'windows are of UTC');
is(calls($app, 2, '', before => 'SET devapp.metering = off; '), 'VALID VALID', 'metering off: no limits');
$app = make("quota_limit => 5000, $century");
my $setting = $node->pg_version >= 16 ? 'debug_parallel_query' : 'force_parallel_mode';
ask("CREATE TABLE many AS SELECT '$app->{secret}'::text AS key FROM generate_series(1, 20000);
	ALTER TABLE many SET (parallel_workers = 2); ANALYZE many");
is(ask("SET $setting = on; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
	SELECT count(*) FROM many WHERE devapp.allows(key)"), 5000, 'parallel workers share it');

# ---------- several sessions at once ----------

# race(app, function): 8 clients that call 100 times each; how many were let through
sub race
{
	my ($app, $function) = @_;
	my $script = $node->basedir . '/race.sql';

	ask('DROP TABLE IF EXISTS passed; CREATE TABLE passed (n int)');
	append_to_file($script, '') unless -e $script;
	open my $file, '>', $script or die;
	print $file "INSERT INTO passed SELECT 1 FROM devapp.$function('$app->{secret}') v WHERE v.allowed;\n";
	close $file;
	$node->command_ok([ 'pgbench', '-n', '-c', '8', '-j', '2', '-t', '100', '-f', $script, 'postgres' ], "8 clients: $function");
	return ask('SELECT count(*) FROM passed');
}

$app = make("quota_limit => 500, $century");
is(race($app, 'verify_key'), 500, 'a soft quota is exact on one server');
$app = make("quota_limit => 500, quota_enforcement => 'hard', $century");
is(race($app, 'consume_quota'), 500, 'a hard quota is exact');
is(ask("SELECT used FROM devapp.quota_usage WHERE app_id = '$app->{app_id}'"), 500, 'and its row says so');
$app = make('rate_limit => 0.0001, rate_burst => 300');
is(race($app, 'verify_key'), 300, 'and so is a rate');
$app = make("rate_limit => 0.0001, rate_burst => 300, quota_limit => 200, $century");
is(race($app, 'verify_key'), 200, 'the quota is smaller');
ask("SELECT devapp.update_product('$app->{product}', quota_limit => 1000)");
is(race($app, 'verify_key'), 100, 'the rate has the rest: it got back what the quota refused');

# ---------- hard quotas ----------

$app = make("quota_limit => 6, quota_enforcement => 'hard', $century");
is(calls($app, 2, '', function => 'consume_quota'), 'VALID:5 VALID:4', 'consumed');
is(calls($app, 2, 'cost => 0', function => 'consume_quota'), 'VALID:4 VALID:4', 'looked at');
is(calls($app, 2, 'cost => 0'), 'VALID:4 VALID:4', 'by either');
is(calls($app, 2), 'VALID:3 VALID:2', 'verified only');
is(calls($app, 3, '', function => 'consume_quota'), 'VALID:1 VALID:0 QUOTA_EXCEEDED:0', 'they add up');
is(calls($app, 1), 'QUOTA_EXCEEDED:0', 'for both');
is(ask("SELECT used FROM devapp.quota_usage WHERE app_id = '$app->{app_id}'"), 4, 'the row has what was consumed');
ask("DO \$\$ BEGIN PERFORM devapp.flush_usage(); END \$\$");
is(ask("SELECT used FROM devapp.quota_usage WHERE app_id = '$app->{app_id}'"), 4, 'a flush adds nothing to it');
is(ask("SELECT sum(cost) FROM devapp.usage_minute WHERE app_id = '$app->{app_id}'"), 6, 'but the calls are counted');

$app = make("quota_limit => 6, quota_enforcement => 'hard', $century");
is(ask("BEGIN; SELECT (devapp.consume_quota('$app->{secret}', cost => 4)).quota_remaining; ROLLBACK"), 2, 'in a transaction');
is(calls($app, 1, 'cost => 0'), 'VALID:6', 'that is rolled back');
is(ask("BEGIN; SELECT (devapp.consume_quota('$app->{secret}', cost => 1)).quota_remaining; SAVEPOINT s;
	SELECT (devapp.consume_quota('$app->{secret}', cost => 4)).quota_remaining; ROLLBACK TO s;
	SELECT (devapp.consume_quota('$app->{secret}', cost => 2)).quota_remaining; COMMIT"), "5\n1\n3", 'or a part of it');
is(error_of($node, "BEGIN READ ONLY; SELECT devapp.consume_quota('$app->{secret}')"), '25006', 'not in a READ ONLY one');
is(calls($app, 1, '', before => 'BEGIN READ ONLY; '), 'VALID:2', 'verify_key() can');
my $soft = make("quota_limit => 2, $century");
is(calls($soft, 3, '', function => 'consume_quota', before => 'BEGIN READ ONLY; '), 'VALID:1 VALID:0 QUOTA_EXCEEDED:0',
	'of a soft quota, consume_quota() is verify_key()');
is(ask("SET ROLE devapp_gateway; SELECT (devapp.consume_quota('$app->{secret}', environment => 'x')).quota_remaining"), 5, 'the role of gateways may consume');
is(ask("SELECT (devapp.consume_quota('no key')).code, (devapp.consume_quota(NULL)).code"), 'MALFORMED|MALFORMED', 'no key');
$app = make("environments => '{e1}', quota_limit => 3, rate_limit => 0.001, rate_burst => 2, quota_enforcement => 'hard', $century");
is(calls($app, 3, '', function => 'consume_quota'), 'VALID:2 VALID:1 RATE_LIMITED:1', 'a rate beside it');
is(calls($app, 1, 'cost => 4', function => 'consume_quota'), 'QUOTA_EXCEEDED:1', 'asked after the quota');
# The last of a quota goes to another call, while this one, which its rate let through,
# waits for the row: then the rate gets its part back.
$app = make("quota_limit => 1, rate_limit => 0.001, rate_burst => 2, quota_enforcement => 'hard', $century");
my ($one, $two) = map { $node->background_psql('postgres') } 1 .. 2;
my $consume = "SELECT (v).code, (v).quota_remaining FROM (SELECT devapp.consume_quota('$app->{secret}') AS v OFFSET 0) AS v";
$one->query_safe("BEGIN; $consume");
$two->query_until(qr/started/, "\\echo started\n$consume;\n\\echo over\n");
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'consume_quota'}) or die;
is(calls($app, 1, 'cost => 0'), 'VALID:1', 'a quota of 1 is not used, while two consume it');
is(ask("SELECT code FROM devapp.explain_access('$app->{app_id}') WHERE rule = 'rate'"), 'RATE_LIMITED', 'the rate of both is taken');
$one->query_safe('COMMIT');
like($two->query_until(qr/over/, ''), qr/QUOTA_EXCEEDED\|0/, 'the second comes too late');
$_->quit for $one, $two;
ask("SELECT devapp.update_product('$app->{product}', quota_limit => 9)");
is(calls($app, 2, '', function => 'consume_quota'), 'VALID:7 RATE_LIMITED:7', 'and has its part of the rate back');

# the verdict is whole although SQL was run in between
is( ask(qq{SELECT allowed, code, http_status, fault, app_name, owner, credential_id, product, environment, retry_after IS NULL
	FROM devapp.consume_quota('$app->{secret}', environment => 'e1')}),
	"t|VALID|200||$app->{product}|ada\@example.com|$app->{credential_id}|$app->{product}|e1|t", 'its verdict');

# ---------- looking, and setting back ----------

$app = make("environments => '{e1}', quota_limit => 10, rate_limit => 5, rate_burst => 9, $century", "'/a/**'", "'/b/**', '{GET,PUT}', quota_limit => 2, $century");
my $columns = "product = '$app->{product}', resource, methods, environment, enforcement, quota_limit, quota_interval, quota_unit, resets_at AT TIME ZONE 'UTC', used, remaining, rate_limit, rate_burst";
my $status = "SELECT $columns FROM devapp.quota_status('$app->{app_id}')";
is(ask($status), "t||||soft|10|1200|month|2100-01-01 00:00:00|0|10|5|9\nt|/b/**|{GET,PUT}||soft|2|1200|month|2100-01-01 00:00:00|0|2|5|9",
	'quota_status: nothing is used');
calls($app, 2, "'/a/x', environment => 'e1'");
calls($app, 1, "'/a/x'");
calls($app, 3, "'/b/x', 'GET', environment => 'e1'");
my $used = "SELECT resource, environment, used, remaining FROM devapp.quota_status('$app->{app_id}')";
my $expected = "||1|9\n|e1|2|8\n/b/**|e1|2|0";
is(ask($used), $expected, 'quota_status, by environment');
ask("DO \$\$ BEGIN PERFORM devapp.flush_usage(); END \$\$");
is(ask("BEGIN READ ONLY; $used"), $expected, 'the same after a flush');
is(ask(qq{SET request.jwt.claims = '{"email": "ada\@example.com", "email_verified": true}'; SET ROLE devapp_developer; $used}), $expected, 'a developer sees it of his own app');
is(error_of($node, qq{SET request.jwt.claims = '{"email": "ben\@example.com", "email_verified": true}'; SET ROLE devapp_developer; $used}), '42704', 'and of no other');
is(error_of($node, "SELECT * FROM devapp.quota_status('00000000-0000-0000-0000-000000000000')"), '42704', 'of no app');
ask("SELECT devapp.update_product('$app->{product}', quota_limit => 1)");
is(ask($used), "||1|0\n|e1|1|0\n/b/**|e1|2|0", 'never more than the limit');
ask("SELECT devapp.update_product('$app->{product}', quota_limit => 10)");
$expected = "||1|9\n|e1|2|8\n/b/**|e1|2|0";

ask("BEGIN; SELECT devapp.reset_quota('$app->{app_id}', '$app->{product}', 'no'); ROLLBACK");
is(ask($used), $expected, 'reset_quota, rolled back');
ask("BEGIN; SAVEPOINT s; SELECT devapp.reset_quota('$app->{app_id}', '$app->{product}', 'no'); ROLLBACK TO s; COMMIT");
is(ask($used), $expected, 'or to a savepoint');
is(calls($app, 1, "'/b/x', 'GET', environment => 'e1'"), 'QUOTA_EXCEEDED:0', 'nothing has changed');
calls($app, 1, "'/a/x'");
is(ask("SELECT devapp.reset_quota('$app->{app_id}', '$app->{product}', 'a gift')"), 3, 'reset_quota');
is(ask($used), "||0|10\n|e1|0|10\n/b/**|e1|0|2", 'all is there again') or diag(ask("SELECT * FROM devapp_internal.quota_buckets('$app->{app_id}')"));
is(calls($app, 1, "'/b/x', 'GET', environment => 'e1'"), 'VALID:1', 'for calls too');
ask("DO \$\$ BEGIN PERFORM devapp.flush_usage(); END \$\$");
is(ask($used), "||0|10\n|e1|0|10\n/b/**|e1|1|1", 'what was used before is not counted again');
is( ask(qq{SELECT action, actor, note, before->>'used', after->>'used', before->>'environment' FROM devapp.audit_event
	WHERE entity = 'quota_usage' AND app_id = '$app->{app_id}' AND before->>'operation_id' IS NULL ORDER BY before->>'environment'}),
	"update||a gift|2|0|\nupdate||a gift|2|0|e1", 'it is recorded, with the reason');
is(error_of($node, "SET ROLE devapp_developer; SELECT devapp.reset_quota('$app->{app_id}', '$app->{product}')"), '42501', 'not by a developer');
is(error_of($node, "SELECT devapp.reset_quota('$app->{app_id}', 'none')"), '42704', 'no such product');
$app = make("quota_limit => 2, quota_enforcement => 'hard', $century");
calls($app, 1);
calls($app, 1, '', function => 'consume_quota');
is(calls($app, 1, '', function => 'consume_quota'), 'QUOTA_EXCEEDED:0', 'of a hard quota');
is(ask("SET ROLE devapp_admin; SELECT devapp.reset_quota('$app->{app_id}', '$app->{product}')"), 1, 'by an administrator');
is(calls($app, 2, '', function => 'consume_quota'), 'VALID:1 VALID:0', 'both parts are set back');

# ---------- explained ----------

$app = make("quota_limit => 1, rate_limit => 0.001, $century");
my $explain = "SELECT rule, passed, code, regexp_replace(detail, 'in [0-9.]+', 'in some') FROM devapp.explain_access('$app->{app_id}'";
is(ask("SET TimeZone = 'UTC'; $explain) WHERE rule IN ('quota', 'rate', 'verdict')"),
	"quota|t|VALID|0 of 1 used until 2100-01-01 00:00:00+00; the quota is the product's\nrate|t|VALID|a call is allowed now; the rate is the product's\nverdict|t|VALID|allowed", 'explain_access');
calls($app, 1);
is(ask("SET TimeZone = 'UTC'; $explain) WHERE rule IN ('quota', 'rate', 'verdict')"),
	"quota|f|QUOTA_EXCEEDED|1 of 1 used until 2100-01-01 00:00:00+00; the quota is the product's\nrate|f|RATE_LIMITED|the next call is allowed in some seconds; the rate is the product's\nverdict|f|QUOTA_EXCEEDED|policies.ratelimit.QuotaViolation",
	'explain_access, when all is used');
is(ask("$explain, at => now()) WHERE rule IN ('quota', 'rate')"), '', 'with another clock they are not known');

# ---------- quotas of one app ----------

$app = make("quota_limit => 4, rate_limit => 0.001, rate_burst => 4, $century");
my $twin = create_app($node, 'twin', "developer => 'ada\@example.com', products => '{$app->{product}}'");
my $set = "SELECT devapp.set_app_quota('$app->{app_id}', '$app->{product}'";
is(calls($app, 3), 'VALID:3 VALID:2 VALID:1', 'a product');
ask("$set, quota_limit => 6, rate_limit => 0.001, rate_burst => 5)");
is(calls($app, 3), 'VALID:2 VALID:1 RATE_LIMITED:1', 'an app has more of both, what was used counts on');
is(calls($twin, 5), 'VALID:3 VALID:2 VALID:1 VALID:0 QUOTA_EXCEEDED:0', 'another app has what the product says');
ask("$set, rate_limit => 1000)");
is(calls($app, 1), 'QUOTA_EXCEEDED:0', 'less: all of it is used');
# another window
my $flush = 'DO $$ BEGIN PERFORM devapp.flush_usage(); END $$';
ask($flush);
ask("$set, quota_limit => 8, quota_unit => 'never', rate_limit => 1000, rate_burst => 9)");
is(calls($app, 3), 'VALID:7 VALID:6 VALID:5', 'a quota that never renews begins with nothing used');
ask($flush);
is(ask("SELECT window_start, window_end, used FROM devapp.quota_usage WHERE app_id = '$app->{app_id}'"), '-infinity|infinity|3', 'a flush knows its window');
ask("SELECT devapp_internal.forget_quota_buckets('$app->{app_id}', product_id) FROM devapp.product WHERE name = '$app->{product}'");
is(calls($app, 1), 'VALID:4', 'which is read where memory knows nothing');
# until, in an entry that is remembered
my $still = $node->background_psql('postgres');
ask("$set, quota_limit => 9, quota_interval => 1200, quota_unit => 'month', until => clock_timestamp() + interval '2 seconds')");
my $limit = "SELECT quota_limit FROM devapp.verify_key('$app->{secret}', cost => 0);";
is($still->query_safe("BEGIN; $limit"), 9, 'a quota with an end');
$still->query_safe("SELECT pg_sleep_until(until) FROM devapp.app_quota WHERE app_id = '$app->{app_id}'");
is($still->query_safe("$limit COMMIT;"), 4, 'ends in time');
$still->quit;
# a product without limits
ask("SELECT devapp.create_product('free')");
my $free = create_app($node, 'free', "developer => 'ada\@example.com', products => '{free}'");
is(calls($free, 1), 'VALID', 'a product without limits');
ask("SELECT devapp.set_app_quota('$free->{app_id}', 'free', quota_limit => 1, $century)");
is(calls($free, 2), 'VALID:0 QUOTA_EXCEEDED:0', 'an app of it with one');

# Whatever is set of products, operations and apps, in whatever order, each verdict has the
# limit and the window that the tables say: in a session that changes them, also before it
# commits and after it rolls back, and in one that only remembers.  DEVAPP_SEED gives other
# changes.
my $seed = $ENV{DEVAPP_SEED} || 20261128;
note("DEVAPP_SEED=$seed");
ask(q{
	CREATE SCHEMA random;
	SELECT devapp.create_product('random-' || n, quota_limit => n, quota_unit => 'day') FROM generate_series(1, 3) n;
	SELECT devapp.add_operation('random-' || n, r || '**') FROM generate_series(1, 3) n, unnest('{/any/,/own/}'::text[]) AS r;
	CREATE TABLE random.app AS
	SELECT 'random-' || n % 3 + 1 AS product, c.app_id, c.secret
	  FROM generate_series(1, 6) n, devapp.create_app('random-' || n, 'ada@example.com', products => ARRAY['random-' || n % 3 + 1]) c;

	-- what the tables say of a time: the limit, and when the window ends
	CREATE FUNCTION random.expected(app uuid, product text, resource text, at timestamptz) RETURNS text LANGUAGE sql AS $$
		SELECT format('%s until %s', q.quota_limit, w.window_end)
		  FROM devapp.product p
		 CROSS JOIN LATERAL (
			SELECT * FROM (
				SELECT 1 AS n, o.quota_limit, o.quota_interval, o.quota_unit FROM devapp.product_operation o
				 WHERE o.product_id = p.product_id AND o.resource::text = expected.resource || '**'
				UNION ALL
				SELECT 2, a.quota_limit, a.quota_interval, a.quota_unit FROM devapp.app_quota a
				 WHERE a.app_id = expected.app AND a.product_id = p.product_id AND (a.until IS NULL OR a.until > expected.at)
				UNION ALL
				SELECT 3, p.quota_limit, p.quota_interval, p.quota_unit) AS any_of
			 WHERE any_of.quota_limit IS NOT NULL ORDER BY n LIMIT 1) AS q
		 CROSS JOIN LATERAL devapp_internal.quota_window(expected.at, q.quota_interval, q.quota_unit, p.time_zone) AS w
		 WHERE p.name = expected.product $$;

	-- "wrong verdicts, from an app's own quota"; between two looks at the clock a quota may end
	CREATE FUNCTION random.compare() RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		asked record;
		said text;
		before timestamptz;
		wrong text := '';
		own integer := 0;
	BEGIN
		FOR asked IN SELECT a.*, r AS resource FROM random.app a, unnest('{/any/,/own/}'::text[]) AS r LOOP
			before := clock_timestamp();
			SELECT format('%s until %s', v.quota_limit, v.quota_reset_at) INTO said
			  FROM devapp.verify_key(asked.secret, asked.resource || 'x', cost => 0) v WHERE v.quota_limit IS NOT NULL;
			IF said IS DISTINCT FROM random.expected(asked.app_id, asked.product, asked.resource, before)
			   AND said IS DISTINCT FROM random.expected(asked.app_id, asked.product, asked.resource, clock_timestamp()) THEN
				wrong := wrong || format('%s: %s, not %s; ', asked, said, random.expected(asked.app_id, asked.product, asked.resource, before));
			END IF;
			own := own + (said ~ '^1\d\d\d ')::integer;
		END LOOP;
		RETURN format('[%s] %s', wrong, own);
	END $$;

	-- quotas of products have 1 or 2 digits, of operations 3, of apps 4
	CREATE FUNCTION random.change() RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
		one random.app := (SELECT a FROM random.app a ORDER BY random() LIMIT 1);
		unit text := (ARRAY['minute', 'hour', 'day', 'week', 'month', 'never'])[floor(random() * 6) + 1];
		ends timestamptz := CASE WHEN random() < 0.5 THEN clock_timestamp() + random() * interval '200 ms' END;
	BEGIN
		CASE floor(random() * 8)
			WHEN 0 THEN PERFORM devapp.update_product(one.product, quota_limit => 1 + floor(random() * 90)::bigint, quota_unit => unit, quota_interval => 1);
			WHEN 1 THEN PERFORM devapp.update_product(one.product, quota_limit => 0);
			WHEN 2 THEN UPDATE devapp.product_operation o SET (quota_limit, quota_interval, quota_unit) = (100 + floor(random() * 900)::bigint, 1, unit)
						 WHERE o.resource::text = '/own/**' AND random() < 0.5;
			WHEN 3 THEN UPDATE devapp.product_operation o SET (quota_limit, quota_interval, quota_unit) = (NULL, NULL, NULL) WHERE random() < 0.5;
			WHEN 4 THEN PERFORM devapp.set_app_quota(one.app_id, one.product, rate_limit => 5, until => ends);
			WHEN 5 THEN DELETE FROM devapp.app_quota q WHERE q.app_id = one.app_id;
			ELSE PERFORM devapp.set_app_quota(one.app_id, one.product, quota_limit => 1000 + floor(random() * 900)::bigint, quota_interval => 1, quota_unit => unit, until => ends);
		END CASE;
	EXCEPTION WHEN invalid_parameter_value THEN
		-- the end came too soon
		IF SQLERRM NOT LIKE 'until %' THEN RAISE; END IF;
	END $$;
});
my ($changes, $remembers) = map { $node->background_psql('postgres') } 1 .. 2;
my @compared;
$changes->query_safe('SELECT setseed(' . ($seed % 1000) / 1000 . ')');
for my $round (1 .. 100)
{
	my $over = $round % 4 == 0 ? 'ROLLBACK' : 'COMMIT';

	# then the copies of apps say again which have no quota
	$changes->query_safe('SELECT devapp_internal.rebuild_packed_rows()') if $round % 5 == 0;

	push @compared, $changes->query_safe("BEGIN; SELECT FROM random.change(); SELECT FROM random.change(); SELECT random.compare(); $over; SELECT random.compare()"),
	  $remembers->query_safe('SELECT random.compare()');
}
$_->quit for $changes, $remembers;
my @lines = grep { /\[/ } split /\n/, join "\n", @compared;
my ($own, $wrong) = (0, 0);
for (@lines)
{
	$own += $1 if /\] (\d+)$/;
	$wrong++, diag($_) unless /^\[\]/;
}
is(scalar @lines, 300, 'after each change 36 verdicts are compared');
is($wrong, 0, 'none is wrong');
cmp_ok($own, '>', 100, 'and many have the quota of an app');

# ---------- no room ----------

like(doctor($node, 'quota'), qr/^ok\|limits of \d+ product\(s\) are enforced$/, 'doctor');
like(ask("SET devapp.metering = off; SELECT status, detail FROM devapp.doctor() WHERE check_name = 'quota'"),
	qr/^warning\|quotas or rate limits of \d+ product\(s\) are not enforced/, 'doctor: metering is off');
$node->append_conf('postgresql.conf', 'devapp.quota_size = 1MB');
$node->restart;

# Apps of a product with 200 environments, each of which is called: how many calls got
# which verdict, with which fault.
my $names = join ',', map { "e$_" } 1 .. 200;

sub many_apps
{
	my ($limits, $apps) = @_;
	my $name = 'p' . ++$made;

	$node->safe_psql('postgres', "SELECT devapp.create_product('$name', environments => '{$names}', $limits);
		CREATE TABLE $name AS SELECT n, a.credential_id, a.secret FROM generate_series(1, $apps) n, devapp.create_app('$name-' || n, 'ada\@example.com', products => '{$name}') a");
	return $name;
}

sub call_all
{
	my ($name, $where) = @_;

	return ask("SELECT string_agg(concat_ws(' ', c.code, c.fault, c.n), ', ' ORDER BY c.code) FROM (SELECT (v.v).code, (v.v).fault, count(*) AS n FROM "
		. "(SELECT devapp.verify_key(secret, environment => 'e' || e) AS v FROM $name, generate_series(1, 200) e WHERE $where OFFSET 0) AS v GROUP BY 1, 2) AS c");
}

my $total = ask('SELECT quota_slots_total FROM devapp.worker_status');
my $rates = many_apps('rate_limit => 1000', 45);
is(call_all($rates, 'true'), 'VALID 9000', 'more buckets than there is room for: those that are worked off make room');
is(ask("SELECT no_room, quota_slots_used <= $total FROM devapp.worker_status"), '0|t', 'and nothing is refused');

# one app takes no more than half of the table, and no more than an eighth of what others need
$node->restart;
my $greedy = many_apps("quota_limit => 1, $century", 1);
ask("SELECT devapp.create_product('$greedy-' || n, quota_limit => 1, $century, environments => '{$names}') FROM generate_series(1, 39) n;
	SELECT devapp.add_operation('$greedy-' || n, '/' || n, '{GET}') FROM generate_series(1, 39) n;
	SELECT devapp.add_operation('$greedy', '/0', '{GET}');
	SELECT devapp.add_credential_product(credential_id, '$greedy-' || p) FROM $greedy, generate_series(1, 39) p");
is( ask("SELECT count(*) FILTER (WHERE (v.v).code = 'VALID') <= $total / 2, count(*) FILTER (WHERE (v.v).fault = 'devapp.LimitsOutOfMemory') > 3000 FROM "
		. "(SELECT devapp.verify_key(secret, '/' || p, 'GET', 'e' || e) AS v FROM $greedy, generate_series(0, 39) p, generate_series(1, 200) e OFFSET 0) AS v"),
	't|t', 'an app has its share of the table');
my $quotas = many_apps("quota_limit => 1, $century", 60);
is(call_all($quotas, 'n <= 10'), 'VALID 2000', 'and leaves the rest to others');

# when nothing is idle, calls are refused
like(call_all($quotas, 'true'), qr/^VALID (\d+), QUOTA_EXCEEDED policies.ratelimit.QuotaViolation 2000, RATE_LIMITED devapp.LimitsOutOfMemory (\d+)$/, 'calls that cannot be counted are refused');
is(ask("SELECT no_room > 0, quota_slots_used > $total * 0.9 FROM devapp.worker_status"), 't|t', 'and counted');
like(doctor($node, 'quota'), qr/^warning\|\d+ calls were refused: there was no room/, 'doctor says so');
like(call_all($quotas, 'true'), qr/^QUOTA_EXCEEDED policies.ratelimit.QuotaViolation \d+, RATE_LIMITED devapp.LimitsOutOfMemory \d+$/, 'no bucket was taken away to be full again');
my $slow = many_apps('rate_limit => 0.0001', 1);
like(call_all($slow, 'true'), qr/RATE_LIMITED devapp.LimitsOutOfMemory \d+$/, 'of a rate too');
is(ask("SELECT DISTINCT retry_after, http_status FROM $quotas, devapp.verify_key(secret, environment => 'e200') WHERE fault = 'devapp.LimitsOutOfMemory'"), '00:00:01|429', 'and may try again soon');
my $hard = make("quota_limit => 1, quota_enforcement => 'hard', $century");
is(calls($hard, 2, '', function => 'consume_quota'), 'VALID:0 QUOTA_EXCEEDED:0', 'a hard quota that is consumed needs no room');

# what is in rows makes room, and goes on from there
set_config($node, 'devapp.flush_interval', '1s');
for (1 .. 60)
{
	sleep 1;
	last if call_all($quotas, 'n > 45') eq 'QUOTA_EXCEEDED policies.ratelimit.QuotaViolation 3000';
}
is(call_all($quotas, 'n > 45'), 'QUOTA_EXCEEDED policies.ratelimit.QuotaViolation 3000', 'quotas that are in rows make room for others');
for (1 .. 60)
{
	sleep 1;
	last unless call_all($quotas, 'n <= 10') =~ /OutOfMemory/;
}
is(call_all($quotas, 'n <= 10'), 'QUOTA_EXCEEDED policies.ratelimit.QuotaViolation 2000', 'and are not given anew');
set_config($node, 'devapp.flush_interval', '0');

# without shared memory: hard quotas only
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->restart;
like(doctor($node, 'quota'), qr/^warning\|quotas or rate limits of \d+ product\(s\) are not enforced/, 'doctor: no shared memory');
$app = make("quota_limit => 1, $century");
is(calls($app, 2), 'VALID VALID', 'without shared memory there is no soft quota');
$app = make("quota_limit => 1, quota_enforcement => 'hard', $century");
is(calls($app, 2, '', function => 'consume_quota'), 'VALID:0 QUOTA_EXCEEDED:0', 'but hard ones');
is(calls($app, 1), 'QUOTA_EXCEEDED:0', 'for verify_key() too');
is(ask("SELECT used, remaining FROM devapp.quota_status('$app->{app_id}')"), '1|0', 'and to be seen');
is(ask("SELECT devapp.reset_quota('$app->{app_id}', '$app->{product}')"), 1, 'and to be set back');

done_testing();
