# Every role, every table, every function: what is allowed is in
# test/data/role_matrix.txt, line by line, and everything else is refused.  A new
# table or function that is not in it fails this test.
#
#	table NAME     ROLE=PRIVILEGES ...   S, I, U, D; s, i, u: of some columns only
#	function NAME  ROLE=x ...
#	type NAME      ROLE=u ...
#
# A role that is not named may do nothing.  DEVAPP_WRITE_MATRIX=FILE writes down
# what is, for reading and for committing.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use Test::More;

my @roles = qw(admin developer gateway http reporter analyst auditor scanner nobody);
my $node = start_server('main');

make_program($node);
$node->safe_psql('postgres', 'CREATE ROLE devapp_nobody; SELECT devapp.setup_roles()');

# Tables and views, with the letters of what a role may do; and what it must not
# have anywhere (TRUNCATE, REFERENCES, TRIGGER) in words.
my $tables = q{
	SELECT CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' WHEN 'm' THEN 'view' ELSE 'table' END || ' ' || n.nspname || '.' || c.relname,
	       r.role,
	       CASE WHEN c.relkind = 'S'
	            THEN concat(CASE WHEN has_sequence_privilege('devapp_' || r.role, c.oid, 'USAGE') THEN 'N' END,
	                        CASE WHEN has_sequence_privilege('devapp_' || r.role, c.oid, 'SELECT') THEN 'S' END,
	                        CASE WHEN has_sequence_privilege('devapp_' || r.role, c.oid, 'UPDATE') THEN 'U' END)
	            ELSE (SELECT string_agg(CASE WHEN has_table_privilege('devapp_' || r.role, c.oid, p.p) THEN p.letter
	                                         WHEN p.p IN ('SELECT', 'INSERT', 'UPDATE') AND has_any_column_privilege('devapp_' || r.role, c.oid, p.p)
	                                         THEN lower(p.letter) END, '' ORDER BY p.n)
	                    FROM (VALUES (1, 'SELECT', 'S'), (2, 'INSERT', 'I'), (3, 'UPDATE', 'U'), (4, 'DELETE', 'D'),
	                                 (5, 'TRUNCATE', '!TRUNCATE'), (6, 'REFERENCES', '!REFERENCES'), (7, 'TRIGGER', '!TRIGGER')) AS p(n, p, letter)) END
	  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, unnest(ARRAY[ROLES]) AS r(role)
	 WHERE n.nspname IN ('devapp', 'devapp_report', 'devapp_api') AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND NOT c.relispartition};
my $functions = q{
	SELECT 'function ' || n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', r.role,
	       CASE WHEN has_function_privilege('devapp_' || r.role, p.oid, 'EXECUTE') THEN 'x' END
	  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace, unnest(ARRAY[ROLES]) AS r(role)
	 WHERE n.nspname IN ('devapp', 'devapp_report', 'devapp_api')};
# types of their own: not the rows of tables, not arrays
my $types = q{
	SELECT 'type ' || t.oid::regtype, r.role, CASE WHEN has_type_privilege('devapp_' || r.role, t.oid, 'USAGE') THEN 'u' END
	  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid, unnest(ARRAY[ROLES]) AS r(role)
	 WHERE n.nspname IN ('devapp', 'devapp_report', 'devapp_api') AND t.typcategory <> 'A' AND coalesce(c.relkind, 'c') = 'c'};

sub matrix
{
	my $list = join ', ', map { "'$_'" } @roles;
	my %may;

	for my $query ($functions, $tables, $types)
	{
		(my $sql = $query) =~ s/ROLES/$list/;
		for (split /\n/, $node->safe_psql('postgres', $sql))
		{
			my ($object, $role, $what) = split /\|/, $_, -1;
			$may{$object}{$role} = $what;
		}
	}
	return join "\n", sort map {
		my $object = $_;
		join ' ', $object, map { $may{$object}{$_} ? "$_=$may{$object}{$_}" : () } @roles
	} keys %may;
}

sub slurp
{
	my ($file) = @_;
	open my $in, '<', $file or die "$file: $!";
	return join '', grep { !/^#|^$/ } <$in>;
}

my $is = matrix();
if ($ENV{DEVAPP_WRITE_MATRIX})
{
	open my $out, '>', $ENV{DEVAPP_WRITE_MATRIX} or die $!;
	print $out "$is\n";
}
same_lines("$is\n", slurp("$FindBin::RealBin/../data/role_matrix.txt"), 'every role may do what the matrix says, and nothing else');
$node->safe_psql('postgres', 'SELECT devapp.setup_roles()');
same_lines(matrix(), $is, 'setup_roles() again changes nothing');

# What only devapp itself calls is nobody's.  Functions that views or an index call are
# executed by whoever reads or writes, who cannot name them without USAGE on the schema.
same_lines($node->safe_psql('postgres', q{
		SELECT p.proname || ' ' || string_agg(a.grantee::regrole || '=' || lower(a.privilege_type), ' ' ORDER BY a.grantee::regrole::text)
		  FROM pg_proc p, aclexplode(p.proacl) AS a
		 WHERE p.pronamespace = 'devapp_internal'::regnamespace AND a.grantee <> p.proowner
		 GROUP BY p.proname
		UNION ALL
		SELECT c.relname || ' ' || a.grantee::regrole FROM pg_class c, aclexplode(c.relacl) AS a
		 WHERE c.relnamespace = 'devapp_internal'::regnamespace AND a.grantee <> c.relowner
		UNION ALL
		SELECT n.nspname || ' ' || a.grantee::regrole FROM pg_namespace n, aclexplode(n.nspacl) AS a
		 WHERE n.nspname = 'devapp_internal' AND a.grantee <> n.nspowner
		 ORDER BY 1}),
	join("\n", map { "$_=execute" }
		  'add_counts devapp_admin=execute devapp_developer', 'bulk_lock_key devapp_admin',
		'effective_status devapp_admin=execute devapp_developer', 'email_key devapp_admin', 'is_admin devapp_admin=execute devapp_developer',
		'milliseconds devapp_admin=execute devapp_developer', 'percentile_ms devapp_admin=execute devapp_developer', 'progress_bar devapp_admin',
		'sum_bigint devapp_admin=execute devapp_developer', 'worker_state devapp_admin'),
	'in devapp_internal roles execute what views and indexes call, and have no other right');

# what declares nothing is granted to nobody, and taken back from whom it was given
$node->safe_psql('postgres', q{CREATE FUNCTION devapp.zz_new() RETURNS int LANGUAGE sql AS 'SELECT 1';
	CREATE TABLE devapp.zz_table (n serial, "a b" integer);
	CREATE TYPE devapp.zz_type AS ENUM ();
	REVOKE ALL ON FUNCTION devapp.zz_new() FROM PUBLIC;
	REVOKE ALL ON TYPE devapp.zz_type FROM PUBLIC});
my $new = matrix();
my $undeclared = q{SELECT count(*) FROM (SELECT * FROM devapp_internal.held_privileges() EXCEPT SELECT * FROM devapp_internal.declared_privileges()) AS x};
for my $grant (
	'EXECUTE ON FUNCTION devapp.zz_new(), devapp_internal.set_actor(text, boolean), devapp_internal.act_as(text, boolean)',
	'USAGE, CREATE ON SCHEMA devapp, devapp_internal', 'USAGE ON TYPE devapp.zz_type, devapp.bulk_job',
	'ALL ON TABLE devapp.zz_table, devapp.app, devapp.audit_event, devapp_report.denials, devapp_internal.declared_grant',
	'SELECT (digest), UPDATE (digest, "scheme") ON TABLE devapp.credential_secret', 'SELECT ON TABLE devapp.credential_secret',
	'INSERT ("a b") ON TABLE devapp.zz_table', 'ALL ON SEQUENCE devapp.zz_table_n_seq')
{
	$node->safe_psql('postgres', "GRANT $grant TO devapp_admin, devapp_developer, devapp_gateway");
	$node->safe_psql('postgres', 'SELECT devapp.setup_roles()');
	same_lines(matrix(), $new, "setup_roles() takes back what is not declared: $grant");
	is($node->safe_psql('postgres', $undeclared), '0', 'also in devapp_internal');
}
is( $node->safe_psql(
		'postgres', q{
		(SELECT 'held', * FROM devapp_internal.held_privileges() EXCEPT SELECT 'held', * FROM devapp_internal.declared_privileges())
		 UNION ALL
		(SELECT 'declared', * FROM devapp_internal.declared_privileges() EXCEPT SELECT 'declared', * FROM devapp_internal.held_privileges())}),
	'', 'what is declared is what they hold');
is($node->safe_psql('postgres', q{SELECT has_schema_privilege('devapp_admin', 'devapp', 'CREATE')}), 'f', 'nobody may create something in the schema');
$node->safe_psql('postgres', 'DROP FUNCTION devapp.zz_new(); DROP TABLE devapp.zz_table; DROP TYPE devapp.zz_type');

# what may be passed on is taken back with what was, and what others were given is theirs
$node->safe_psql(
	'postgres', q{
	CREATE ROLE portal;
	GRANT EXECUTE ON FUNCTION devapp.act_as TO portal;
	GRANT SELECT ON devapp.app TO devapp_admin WITH GRANT OPTION;
	SET ROLE devapp_admin; GRANT SELECT ON devapp.app TO devapp_nobody; RESET ROLE;
	SELECT devapp.setup_roles()});
same_lines(matrix(), $is, 'setup_roles() leaves to its roles what they may do');
is( $node->safe_psql(
		'postgres', q{SELECT object, privilege, grantee::regrole FROM devapp_internal.held_privilege
		WHERE is_grantable OR grantee::regrole::text NOT IN ('devapp_admin', 'devapp_developer', 'devapp_gateway', 'devapp_http', 'devapp_reporter', 'devapp_analyst', 'devapp_auditor', 'devapp_scanner')}),
	'devapp.act_as(text,boolean)|EXECUTE|portal', 'but not to pass it on');

# nobody has anything by default privileges, in partitions that are made later either
$node->safe_psql('postgres', 'CREATE DATABASE defaults');
$node->safe_psql(
	'defaults', q{
	ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO devapp_nobody;
	ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO devapp_nobody;
	ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO devapp_nobody;
	ALTER DEFAULT PRIVILEGES GRANT ALL ON TYPES TO devapp_nobody, devapp_gateway;
	ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO devapp_nobody, PUBLIC;
	CREATE EXTENSION devapp CASCADE;
	SELECT devapp_internal.usage_partition('usage_day', '2001-02-03');
	SELECT devapp_internal.make_audit_month('audit_event_2001_02', '2001-02-01 00:00Z', '2001-03-01 00:00Z')});
is($node->safe_psql('defaults', 'SELECT * FROM devapp_internal.held_privilege'), '', 'default privileges give nothing of devapp');

# the test itself notices what is new
$node->safe_psql('postgres', 'CREATE TABLE devapp.zz_new (); CREATE FUNCTION devapp.zz_new() RETURNS int LANGUAGE sql AS $$SELECT 1$$');
isnt(matrix(), $is, 'a new table and a new function show');
$node->safe_psql('postgres', 'DROP TABLE devapp.zz_new; DROP FUNCTION devapp.zz_new()');

# ---------- rows ----------

is( $node->safe_psql(
		'postgres', q{
		SELECT string_agg(c.relname, ' ') FROM pg_class c
		 WHERE c.relnamespace = 'devapp'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND NOT c.relrowsecurity}),
	'', 'row-level security is on for every table');
is( $node->safe_psql(
		'postgres', q{
		SELECT DISTINCT p.polname, pg_get_expr(p.polqual, p.polrelid) ~ '^devapp_internal\.rows_need_a_policy' FROM pg_policy p, unnest(p.polroles) AS r WHERE r = 0}),
	'anybody|t', 'the only policy for PUBLIC refuses');
is( $node->safe_psql(
		'postgres', q{
		SELECT c.relname FROM pg_class c
		 WHERE c.relnamespace IN ('devapp'::regnamespace, 'devapp_internal'::regnamespace) AND c.relkind IN ('r', 'p')
		   AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'anybody')}),
	'', 'and every table and partition has it');

# somebody who was granted a table by mistake is told that they see nothing in it
$node->safe_psql('postgres', 'GRANT USAGE ON SCHEMA devapp TO devapp_nobody; GRANT SELECT ON ALL TABLES IN SCHEMA devapp TO devapp_nobody');
for my $table (split /\n/, $node->safe_psql('postgres', q{
		SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace = 'devapp'::regnamespace AND c.relkind IN ('r', 'p')}))
{
	is(scalar error_of($node, "SET SESSION AUTHORIZATION devapp_nobody; SELECT count(*) FROM $table"), '42501', "no policy, no answer: $table");
}

$node->safe_psql('postgres', 'CREATE ROLE reader IN ROLE pg_read_all_data; GRANT SELECT ON devapp.app, devapp.audit_leaf TO devapp_auditor, devapp_developer');
for my $case (
	[ 'reader', 'audit_event', qr/role "reader" may see no row of table "audit_event"/ ],
	[ 'devapp_developer', 'audit_leaf', qr/role "devapp_developer" may see no row of table "audit_leaf"/ ],
	[ 'devapp_auditor', 'app', qr/role "devapp_auditor" may see no row of table "app"/ ])
{
	my ($role, $table, $message) = @$case;
	my ($state, $report) = error_of($node, "SET SESSION AUTHORIZATION $role; SELECT count(*) FROM devapp.$table");
	like("$state $report", qr/^42501 .*$message/s, "no policy for $table: $role");
}

# nothing of it is left in the plan of who has a policy, and none is lost by it; 18 says of a
# scan that was to be avoided that it is disabled
for my $case ([ 'devapp_admin', 'app', qr/^Seq Scan on app(\n +Disabled: true)?$/ ], [ 'devapp_auditor', 'audit_leaf', qr/^Seq Scan on audit_leaf(\n +Disabled: true)?$/ ],
	[ 'devapp_developer', 'app', qr/Index Scan on app_developer_id_idx.*Index Scan on app_team_id_idx/s ])
{
	my ($role, $table, $expected) = @$case;
	my $plan = $node->safe_psql('postgres', "SET SESSION AUTHORIZATION $role; SET enable_seqscan = off; EXPLAIN (COSTS OFF) SELECT * FROM devapp.$table");
	unlike($plan, qr/rows_need_a_policy|false/, "$role reads $table for nothing");
	like($plan, $expected, "$role has a policy for $table");
}

# whoever reads a view reads with its owner's policies, whatever their own role
$node->safe_psql(
	'postgres', q{
	CREATE SCHEMA views AUTHORIZATION devapp_admin; GRANT USAGE ON SCHEMA views TO devapp_nobody;
	SET ROLE devapp_admin; CREATE VIEW views.products AS SELECT * FROM devapp.product; GRANT SELECT ON views.products TO devapp_nobody});
is($node->safe_psql('postgres', 'SET SESSION AUTHORIZATION devapp_nobody; SELECT count(*) > 0 FROM views.products'), 't', "a view of an administrator's");

# a role of somebody's own, with a policy of its own
is( $node->safe_psql(
		'postgres', q{
		CREATE ROLE own_policy; GRANT USAGE ON SCHEMA devapp TO own_policy; GRANT SELECT (name) ON devapp.product TO own_policy;
		CREATE POLICY own ON devapp.product FOR SELECT TO own_policy USING (name = 'weather');
		SET SESSION AUTHORIZATION own_policy; SELECT name FROM devapp.product; RESET SESSION AUTHORIZATION;
		DROP POLICY own ON devapp.product}),
	'weather', 'a policy of somebody');
like((error_of($node, 'SET SESSION AUTHORIZATION own_policy; SELECT name FROM devapp.product'))[1], qr/role "own_policy" may see no row/, 'and without it, also with a right to one column');
like((error_of($node, 'SET SESSION AUTHORIZATION own_policy; SELECT FROM devapp.team'))[1], qr/permission denied for table team/, 'whoever may not read at all is refused as ever');
$node->safe_psql('postgres', 'DROP OWNED BY own_policy; DROP ROLE own_policy');

# pg_dump, which would rather fail than leave out rows, and who bypasses row-level security, are not concerned
is(scalar error_of($node, 'SET SESSION AUTHORIZATION reader; SET row_security = off; SELECT count(*) FROM devapp.product'), '42501', 'row_security = off');
is($node->safe_psql('postgres', 'ALTER ROLE reader BYPASSRLS; SET SESSION AUTHORIZATION reader; SELECT count(*) > 0 FROM devapp.product'), 't', 'BYPASSRLS');
$node->safe_psql('postgres', 'DROP SCHEMA views CASCADE; DROP ROLE reader; SELECT devapp.setup_roles()');

# no view and no function of its owner's rights shows a digest to a role
is( $node->safe_psql(
		'postgres', q{
		SELECT string_agg(r, ' ' ORDER BY r) FROM unnest(ARRAY['devapp_admin', 'devapp_developer', 'devapp_gateway', 'devapp_http', 'devapp_reporter', 'devapp_analyst', 'devapp_auditor', 'devapp_scanner']) AS r
		 WHERE has_column_privilege(r, 'devapp.credential_secret', 'digest', 'SELECT')}),
	'devapp_admin', 'nobody but the administrator may read a digest');

# ---------- EXECUTE by hand ----------

# What table privileges would guard, the entry guards: it asks whether the caller is an
# administrator (or may read the reports), whoever granted what.
is( $node->safe_psql(
		'postgres', q{
		DO $do$
		DECLARE
			f record;
			r text;
			calls integer := 0;
			bad text := '';
		BEGIN
			FOREACH r IN ARRAY ARRAY['devapp_developer', 'devapp_gateway', 'devapp_http', 'devapp_reporter', 'devapp_analyst', 'devapp_auditor', 'devapp_scanner', 'devapp_nobody'] LOOP
				EXECUTE format('GRANT USAGE ON SCHEMA devapp TO %I', r);
				EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA devapp, devapp_report TO %I', r);
				FOR f IN SELECT p.oid::regprocedure AS name,
				                format('SELECT %s(%s)', p.oid::regproc, (SELECT string_agg('NULL::' || t::regtype, ', ') FROM unnest(p.proargtypes) AS t)) AS call
				           FROM pg_proc p WHERE p.prosrc = 'devapp_enter_admin' OR p.prosrc = 'devapp_enter_analyst' AND r NOT IN ('devapp_analyst', 'devapp_auditor')
				              OR p.prosrc = 'devapp_enter_auditor' AND r <> 'devapp_auditor' LOOP
					calls := calls + 1;
					BEGIN
						EXECUTE format('SET LOCAL ROLE %I', r);
						EXECUTE f.call;
						bad := bad || format('%s called %s; ', r, f.name);
					EXCEPTION WHEN OTHERS THEN
						IF SQLERRM !~ '^permission denied for function' AND SQLERRM !~ '^permission denied for schema devapp_report' THEN
							bad := bad || format('%s called %s: %s; ', r, f.name, SQLERRM);
						END IF;
					END;
					RESET ROLE;
				END LOOP;
			END LOOP;
			PERFORM set_config('test.calls', (calls > 100)::text, false), set_config('test.bad', bad, false);
		END
		$do$;
		SELECT current_setting('test.calls'), current_setting('test.bad');
		SELECT devapp.setup_roles()}),
	"true|\n", 'EXECUTE that was granted by hand makes nobody an administrator');

done_testing();
