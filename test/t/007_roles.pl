# The roles at work: devapp_gateway verifies and nothing else, devapp_admin runs the
# program but cannot erase its history, everybody else can do nothing.  Roles
# outlive the extension.  What each may do, item by item, is in 012_role_matrix.pl,
# what developers see and do in 013_developers.pl.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use Test::More;

my $node = start_server('main');
make_program($node);
$node->safe_psql('postgres', q{SELECT devapp.set_app_approval('manual')});

# run(role, SQL): by a session of that role
sub run
{
	my ($role, $sql) = @_;

	return $node->safe_psql('postgres', "SET SESSION AUTHORIZATION $role; $sql");
}

# refused(role, name => SQL, ...): each fails for want of a privilege
sub refused
{
	my ($role, @cases) = @_;

	while (my ($name, $sql) = splice @cases, 0, 2)
	{
		my ($state, $report) = error_of($node, "SET SESSION AUTHORIZATION $role; $sql");
		is($state, '42501', "$role is refused: $name") or diag($report);
	}
	return;
}

# All that a role can do with the schema and what is in it, one line each.
sub privileges
{
	my ($role) = @_;

	return $node->safe_psql(
		'postgres', qq{
		SELECT 'schema ' || p FROM unnest(ARRAY['USAGE', 'CREATE']) AS p
		 WHERE has_schema_privilege('$role', 'devapp', p)
		UNION ALL
		SELECT 'function ' || oid::regprocedure FROM pg_proc
		 WHERE pronamespace = 'devapp'::regnamespace AND has_function_privilege('$role', oid, 'EXECUTE')
		UNION ALL
		SELECT oid::regclass || ' ' || p
		  FROM pg_class, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS p
		 WHERE relnamespace = 'devapp'::regnamespace AND relkind IN ('r', 'v', 'm', 'p', 'f')
		   AND CASE WHEN p IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
		            THEN has_any_column_privilege('$role', oid, p) ELSE has_table_privilege('$role', oid, p) END
		UNION ALL
		SELECT oid::regclass || ' ' || p
		  FROM pg_class, unnest(ARRAY['USAGE', 'SELECT', 'UPDATE']) AS p
		 WHERE relnamespace = 'devapp'::regnamespace AND relkind = 'S'
		   AND has_sequence_privilege('$role', oid, p)
		ORDER BY 1});
}

$node->safe_psql('postgres', 'CREATE ROLE nobody');
for my $round (1, 2)
{
	is($node->safe_psql('postgres', 'SELECT devapp.setup_roles()'), '', "setup_roles(), call $round");

	is(privileges('nobody'), '', "call $round: PUBLIC may do nothing");
}
is( $node->safe_psql(
		'postgres', q{
		SELECT count(*) FROM pg_class c, aclexplode(c.relacl) a
		 WHERE c.relnamespace = 'devapp'::regnamespace AND a.is_grantable},
	) . $node->safe_psql(
		'postgres', q{
		SELECT count(*) FROM pg_proc p, aclexplode(p.proacl) a
		 WHERE p.pronamespace = 'devapp'::regnamespace AND a.is_grantable}),
	'00',
	'nobody may pass a privilege on');
is( $node->safe_psql(
		'postgres', q{
		SELECT rolname, rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls
		  FROM pg_roles WHERE rolname ~ '^devapp_' ORDER BY 1}),
	join("\n", map { "devapp_$_|f|f|f|f|f|f" } qw(admin analyst auditor developer gateway http reporter scanner)),
	'the roles cannot log in and have no attribute');

# ---------- the administrator at work ----------

# SQL of devapp_admin, and what it must return.
sub admin_does
{
	my ($name, $sql, $expected) = @_;

	is(run('devapp_admin', $sql), $expected, "devapp_admin: $name");
	return;
}

admin_does('create_developer', q{SELECT (devapp.create_developer('eve@example.com')).status}, 'active');
admin_does('update_developer', q{SELECT (devapp.update_developer('eve@example.com', first_name => 'Eve')).first_name}, 'Eve');
admin_does('create_team', q{SELECT (devapp.create_team('green')).name}, 'green');
admin_does('add_team_member', q{SELECT (devapp.add_team_member('green', 'eve@example.com', 'admin')).role}, 'admin');
admin_does('invite_team_member', q{SELECT role, invited_by IS NULL FROM devapp.invite_team_member('green', 'zoe@example.com')}, 'member|t');
admin_does('create_product', q{SELECT (devapp.create_product('maps', approval => 'manual')).approval}, 'manual');
admin_does('update_product', q{SELECT (devapp.update_product('maps', display_name => 'Maps')).display_name}, 'Maps');
admin_does('add_operation', q{SELECT (devapp.add_operation('maps', '/weather/**')).resource}, '/weather/**');
admin_does('import_openapi',
	q{SELECT devapp.import_openapi('maps', '{"openapi": "3.1.0", "paths": {"/a": {"get": {}}, "/b": {"put": {}}}}')}, '2');
admin_does('remove_operation', q{SELECT devapp.remove_operation('maps', '/a')}, '1');

my ($app, $credential, $key) = split /\|/, run('devapp_admin',
	q{SELECT app_id, credential_id, secret FROM devapp.create_app('site', team => 'green', products => '{maps}')});
my $ask = "SELECT (devapp.verify_key('$key', $Devapp::CALL)).code";

admin_does('verify_key', $ask, 'APP_PENDING');
admin_does('reject_app', "SELECT (devapp.reject_app('$app', 'no')).status", 'rejected');
admin_does('resubmit_app', "SELECT (devapp.resubmit_app('$app')).status", 'pending');
admin_does('approve_app', "SELECT status, decided_by FROM devapp.approve_app('$app')", 'approved|devapp_admin');
admin_does('verify_key of an approved app', $ask, 'VALID');
admin_does('update_app', "SELECT (devapp.update_app('$app', description => 'd')).description", 'd');
admin_does('set_attribute', "SELECT devapp.set_attribute('app', '$app', 'tier', 'gold')", '{"tier": "gold"}');
admin_does('remove_attribute', "SELECT devapp.remove_attribute('app', '$app', 'tier')", '{}');
admin_does('suspend_app', "SELECT (devapp.suspend_app('$app')).status", 'suspended');
admin_does('resume_app', "SELECT (devapp.resume_app('$app')).status", 'approved');
admin_does('issue_credential', "SELECT (devapp.issue_credential('$app', expires_in => '1 day')).secret_version", '1');
admin_does('rotate_credential', "SELECT (devapp.rotate_credential('$credential')).secret_version", '2');
admin_does('cancel_rotation', "SELECT (devapp.cancel_rotation('$credential')).status", 'approved');
admin_does('rotate_credential again', "SELECT (devapp.rotate_credential('$credential', '1 hour')).secret_version", '3');
admin_does('complete_rotation', "SELECT (devapp.complete_rotation('$credential')).status", 'approved');
admin_does('verify_key of the old secret', $ask, 'SUPERSEDED');
admin_does('add_credential_product', "SELECT (devapp.add_credential_product('$credential', 'weather')).status", 'approved');
admin_does('set_credential_product_status',
	"SELECT status, decided_by FROM devapp.set_credential_product_status('$credential', 'weather', 'revoke')",
	'revoked|devapp_admin');
admin_does('remove_credential_product',
	"SELECT (devapp.remove_credential_product('$credential', 'weather')).removed_at IS NOT NULL", 't');
admin_does('revoke_credential', "SELECT (devapp.revoke_credential('$credential')).status", 'revoked');
admin_does('approve_credential', "SELECT (devapp.approve_credential('$credential')).status", 'approved');
admin_does('explain_access', "SELECT count(*) > 5 FROM devapp.explain_access('$app')", 't');
admin_does('doctor', q{SELECT count(*) FROM devapp.doctor() WHERE status = 'error'}, '0');
admin_does('set_developer_status', q{SELECT (devapp.set_developer_status('eve@example.com', 'deactivate')).status}, 'inactive');
admin_does('set_team_status', q{SELECT (devapp.set_team_status('green', 'deactivate')).status}, 'inactive');
admin_does('revoke_app', "SELECT (devapp.revoke_app('$app')).status", 'revoked');
admin_does('delete_app', "SELECT (devapp.delete_app('$app')).status", 'deleted');
admin_does('set_team_role', q{SELECT (devapp.add_team_member('green', 'ada@example.com')).role; SELECT (devapp.set_team_role('green', 'ada@example.com', 'admin')).role},
	"member\nadmin");
admin_does('remove_team_member', q{SELECT (devapp.remove_team_member('green', 'eve@example.com')).role}, 'admin');
admin_does('delete_developer', q{SELECT (devapp.delete_developer('eve@example.com')).deleted_at IS NOT NULL}, 't');
admin_does('delete_team', q{SELECT (devapp.delete_team('green')).deleted_at IS NOT NULL}, 't');
admin_does('delete_product', q{SELECT (devapp.delete_product('maps')).deleted_at IS NOT NULL}, 't');

# ---------- and what he may not ----------

my @history = qw(developer team product app credential credential_secret credential_product);
refused('devapp_admin',
	(map { ("DELETE FROM $_" => "DELETE FROM devapp.$_") } @history),
	(map { ("TRUNCATE $_" => "TRUNCATE devapp.$_ CASCADE") } @history),
	'setup_roles' => 'SELECT devapp.setup_roles()',
	'_ensure_role' => q{SELECT devapp_internal.ensure_role('devapp_root')},
	'ALTER TABLE' => 'ALTER TABLE devapp.app DISABLE TRIGGER ALL',
	'a trigger of his' =>
	  'CREATE TRIGGER t AFTER INSERT ON devapp.credential_secret FOR EACH ROW EXECUTE FUNCTION devapp_internal.guard_delete()',
	'a function in the schema' => q{CREATE FUNCTION devapp.f() RETURNS text LANGUAGE sql AS 'SELECT 1'},
	'triggers off' => 'SET session_replication_role = replica',
	'the key prefix' => q{SELECT devapp.uuid_v7(); SET devapp.key_prefix = 'evil'},
	'the place of the peppers' => 'SELECT devapp.uuid_v7(); SHOW devapp.pepper_file',
	'DROP EXTENSION' => 'DROP EXTENSION devapp');
is( $node->safe_psql(
		'postgres', q{SELECT count(*) > 0 FROM devapp.app WHERE name = 'site' AND status = 'deleted'}),
	't',
	'the history is still there');

# set before the library is loaded, when the server can't know better yet
is( run('devapp_admin', q{
		SET devapp.key_prefix = 'evil';
		SELECT consumer_key ~ '^dvk_' FROM devapp.create_app('early', 'ada@example.com')}),
	't',
	'a setting made before the library is loaded does not count');

# ---------- the gateway at work ----------

my $live = create_app($node, 'live');
$node->safe_psql('postgres', "SELECT devapp.approve_app('$live->{app_id}')");
is( run('devapp_gateway', "
		SELECT (devapp.verify_key('$live->{secret}', $Devapp::CALL)).code = 'VALID',
		       (devapp.verify_digest(sha256('$live->{secret}'), $Devapp::CALL)).code,
		       (devapp.verify_client('$live->{consumer_key}', '$live->{secret}', $Devapp::CALL)).code,
		       devapp.allows('$live->{secret}', $Devapp::CALL),
		       (devapp.verify_key('$key')).code"),
	't|VALID|NOT_FOUND|t|SUPERSEDED',
	'devapp_gateway verifies');

my @everything = (
	(map { ("SELECT FROM $_" => "SELECT count(*) FROM devapp.$_") } @history, 'team_member', 'product_operation'),
	'the sequence' => 'SELECT last_value FROM devapp.credential_product_ordinal_seq',
	'INSERT' => q{INSERT INTO devapp.developer (email) VALUES ('x@example.com')},
	'UPDATE' => q{UPDATE devapp.credential SET status = 'approved'},
	'create_app' => q{SELECT devapp.create_app('x', 'ada@example.com')},
	'rotate_credential' => "SELECT devapp.rotate_credential('$live->{credential_id}')",
	'_issue_secret' => "SELECT devapp_internal.issue_secret('$live->{credential_id}', NULL)",
	'approve_app' => "SELECT devapp.approve_app('$live->{app_id}')",
	'explain_access' => "SELECT devapp.explain_access('$live->{app_id}')",
	'doctor' => 'SELECT devapp.doctor()',
	'setup_roles' => 'SELECT devapp.setup_roles()');
refused('devapp_gateway', @everything);
refused('nobody', @everything,
	'verify_key' => "SELECT devapp.verify_key('$live->{secret}')",
	'verify_digest' => "SELECT devapp.verify_digest(sha256('$live->{secret}'))",
	'verify_client' => "SELECT devapp.verify_client('a', 'b')",
	'allows' => "SELECT devapp.allows('$live->{secret}')",
	'a type' => 'CREATE TEMP TABLE t (d devapp.secret_digest)');

# ---------- the auditor at work ----------

my $trail = $node->safe_psql('postgres', 'SELECT tree_size FROM devapp.seal_audit()');
$node->safe_psql('postgres', 'CREATE ROLE auditor IN ROLE devapp_auditor');
is( run('auditor', "
		SELECT (SELECT count(*) FROM devapp.audit_event) = $trail, (SELECT count(*) FROM devapp.audit_leaf) = $trail,
		       (SELECT tree_size FROM devapp.audit_checkpoint) = $trail, (SELECT count(*) FROM devapp.audit_event e WHERE devapp.audit_entry(e) IS NULL),
		       (SELECT count(*) > 3 FROM devapp.app_history('$live->{app_id}')), (SELECT count(*) > 0 FROM devapp.history('ada\@example.com')),
		       (SELECT string_agg(code::text, ' ') FROM devapp.access_at('$live->{app_id}')),
		       (SELECT count(*) FROM devapp.verify_audit()),
		       (SELECT devapp.check_audit_proof(leaf_hash, leaf_index, tree_size, path, root) FROM devapp.audit_proof(1)),
		       devapp.audit_consistency(1, $trail) IS NOT NULL, devapp.audit_public_key() IS NULL,
		       (SELECT count(*) > 0 FROM devapp_report.app_inventory), length(devapp_report.dashboard()) > 1000"),
	't|t|t|0|t|t|VALID|0|t|t|t|t|t',
	'an auditor reads the trail, its proofs, the histories and the reports');
is( $node->safe_psql(
		'postgres', q{
		SELECT r.relname FROM pg_class r JOIN pg_roles ro ON ro.rolname IN ('devapp_analyst')
		 WHERE r.relnamespace = 'devapp_report'::regnamespace AND r.relkind IN ('v', 'm')
		   AND has_table_privilege('devapp_analyst', r.oid, 'SELECT') <> has_table_privilege('devapp_auditor', r.oid, 'SELECT')}),
	'', 'all reports that an analyst reads');
like(run('auditor', "SELECT string_agg(who, ' ') FROM devapp.app_history('$live->{app_id}')"), qr/^postgres/, 'and which database role did it');
my ($state, $report) = error_of($node, q{SET SESSION AUTHORIZATION auditor; SELECT devapp.app_history('ada@example.com/nothing')});
is($state, '42704', 'an app that there is not') or diag($report);
refused('auditor',
	(map { ("insert $_" => "INSERT INTO devapp.$_ DEFAULT VALUES", "delete $_" => "DELETE FROM devapp.$_", "truncate $_" => "TRUNCATE devapp.$_") }
		  qw(audit_event audit_leaf audit_node audit_checkpoint app developer)),
	'the sequence' => q{SELECT nextval('devapp.audit_event_id_seq')},
	'setval' => q{SELECT setval('devapp.audit_event_id_seq', 1)},
	'act_as' => q{SELECT devapp.act_as('ada@example.com')},
	'set_attribute' => "SELECT devapp.set_attribute('app', '$live->{app_id}', 'a', 'b')",
	'update' => 'UPDATE devapp.audit_event SET note = NULL', 'update of a leaf' => 'UPDATE devapp.audit_leaf SET event_id = 0',
	'seal_audit' => 'SELECT devapp.seal_audit()',
	'maintain_audit' => 'SELECT devapp.maintain_audit()',
	'create_app' => q{SELECT devapp.create_app('x', 'ada@example.com')},
	'approve_app' => "SELECT devapp.approve_app('$live->{app_id}')",
	'verify_key' => "SELECT devapp.verify_key('$live->{secret}')",
	'digests' => 'SELECT digest FROM devapp.credential_secret',
	'lock' => 'BEGIN; LOCK TABLE devapp.audit_event IN SHARE MODE',
	'refresh_reports' => 'SELECT devapp.refresh_reports()');
# whom somebody granted more by hand is still no administrator
is( $node->safe_psql(
		'postgres', q{
		SELECT string_agg(p.oid::regprocedure::text, ' ') FROM pg_proc p
		 WHERE p.pronamespace IN ('devapp'::regnamespace, 'devapp_report'::regnamespace) AND has_function_privilege('auditor', p.oid, 'EXECUTE')
		   AND p.provolatile = 'v' AND p.prorettype <> 'trigger'::regtype}),
	'devapp.audit_public_key() devapp.verify_audit(text)', 'what an auditor may call is declared to read, or does so');

# ---------- the roles and the extension ----------

$node->safe_psql('postgres', 'DROP EXTENSION devapp');
my $count = q{SELECT count(*) FROM pg_roles WHERE rolname IN ('devapp_admin', 'devapp_gateway')};
is($node->safe_psql('postgres', $count), 2, 'the roles outlive DROP EXTENSION');
make_program($node);
unlike(privileges('devapp_gateway'), qr/function|devapp\.|schema/, 'a new extension grants them nothing by itself');
$node->safe_psql('postgres', 'SELECT devapp.setup_roles()');
is(run('devapp_gateway', "SELECT (devapp.verify_key('$live->{secret}')).code"), 'NOT_FOUND',
	'setup_roles() grants again');

done_testing();
