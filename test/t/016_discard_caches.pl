# Whatever is looked up in the catalog may make PostgreSQL drop its caches, and call
# the library back.  On a server with assertions it can be told to drop all of them at
# every chance (debug_discard_caches), which shows at once what is still in use then.
# `make test-cassert` runs this there, where a verification takes seconds; elsewhere it is
# an ordinary test of the same calls.

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
my $level = $node->safe_psql('postgres',
	"SELECT least(max_val::int, 1) FROM pg_settings WHERE name = 'debug_discard_caches'");
note("debug_discard_caches = $level");

# Ask while caches are dropped.
sub ask
{
	return $node->safe_psql('postgres', "SET debug_discard_caches = $level; $_[0]");
}

sub verdict
{
	my ($function, @arguments) = @_;

	return ask('SELECT code, app_name, product, quota_remaining'
		. " FROM devapp.$function(" . join(', ', map { literal($_) } @arguments) . ')');
}

my $century = "quota_interval => 1200, quota_unit => 'month'";
make_program($node);
$node->safe_psql('postgres', "
	SELECT devapp.update_product('weather', quota_limit => 100, $century, rate_limit => 0.000001, rate_burst => 1);
	SELECT devapp.create_product('hard', quota_limit => 1, quota_enforcement => 'hard', $century);
	SELECT devapp.create_product('plain')");
my $app = create_app($node, 'app');
my $plain = create_app($node, 'plain', "developer => 'ada\@example.com', products => '{plain}'");
my $hard = create_app($node, 'hard', "developer => 'ada\@example.com', products => '{hard}'");
my $client = create_app($node, 'client', "developer => 'ada\@example.com', products => '{plain}', kind => 'oauth_client'");

# ---------- keys ----------

is(verdict('verify_key', 'nonsense'), 'MALFORMED|||', 'a malformed key');
is(verdict('verify_key', undef), 'MALFORMED|||', 'none');
is(verdict('verify_key', 'dvk_live_0123456789AB_0123456789ABCDEFGHIJKLMNOPQRSTUV4bBjFD'), 'NOT_FOUND|||', 'an unknown key');
is( $node->safe_psql('postgres', "SELECT code FROM devapp.verify_key('$plain->{secret}');
	SET debug_discard_caches = $level;
	SELECT code, product FROM devapp.verify_key('$plain->{secret}')"),
	"VALID\nVALID|plain", 'one that is remembered');
is(verdict('verify_client', $client->{consumer_key}, $client->{secret}), 'VALID|client|plain|', 'a client');
is( ask("SELECT code, product FROM devapp.verify_digest(sha256('$plain->{secret}'));
	SELECT devapp.allows('$plain->{secret}'), devapp.allows('nonsense')"),
	"VALID|plain\nt|f", 'by its digest, and as a boolean');

# ---------- quota and rate ----------

is( ask("SELECT string_agg(concat_ws(':', (v.v).code, (v.v).quota_remaining), ' ' ORDER BY v.n)
	FROM (SELECT n, devapp.verify_key('$app->{secret}', $Devapp::CALL) AS v FROM generate_series(1, 2) n OFFSET 0) AS v"),
	'VALID:99 RATE_LIMITED:99', 'quota and rate');
is( ask("SELECT string_agg(concat_ws(':', (v.v).code, (v.v).product, (v.v).quota_remaining), ' ' ORDER BY v.n)
	FROM (SELECT n, devapp.consume_quota('$hard->{secret}') AS v FROM generate_series(1, 2) n OFFSET 0) AS v"),
	'VALID:hard:0 QUOTA_EXCEEDED:hard:0', 'a hard quota');

# ---------- explaining ----------

is( ask("SELECT string_agg(concat_ws(':', x.rule, x.code), ' ' ORDER BY x.step)
	FROM devapp.explain_access('$app->{app_id}', $Devapp::CALL) AS x"),
	'expiry:VALID secret:VALID credential:VALID app:VALID owner:VALID association:VALID resource:VALID method:VALID'
	. ' proxy:VALID environment:VALID scope:VALID address:VALID quota:VALID rate:RATE_LIMITED verdict:RATE_LIMITED', 'explain_access()');

# ---------- counting ----------

is( ask("SELECT FROM devapp.record_usage('$plain->{credential_id}', 'plain', 200, '5 ms');
	SELECT count(*) > 5, bool_or(code = 'VALID') FROM (SELECT devapp_internal.take_usage()) AS taken, devapp_internal.taken_calls()"),
	't|t', 'what was counted');

# ---------- rotation and revocation ----------

my $rotated = ask("SELECT secret FROM devapp.rotate_credential('$plain->{credential_id}', '1 day')");
is( ask("SELECT code, superseded_until > now() FROM devapp.verify_key('$plain->{secret}');
	SELECT code, superseded_until FROM devapp.verify_key('$rotated')"),
	"VALID|t\nVALID|", 'two secrets');
is( ask("SELECT status FROM devapp.revoke_credential('$plain->{credential_id}');
	SELECT code FROM devapp.verify_key('$rotated')"),
	"revoked\nCREDENTIAL_REVOKED", 'a revoked one');

done_testing();
