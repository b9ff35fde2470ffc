# A key in the wrong argument: no error shows its secret, and so neither does the log.
#
# Every public function of the catalog gets a key in each of its arguments that takes text, with
# the other arguments right as far as they are known by their names, and left out; by an
# administrator and by a developer.  The key comes from a setting, so that no statement holds it.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('errors');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'devapp'\nlog_error_verbosity = verbose\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION devapp CASCADE;
	SELECT FROM devapp.setup_roles();
	SELECT FROM devapp.create_developer('ann@example.com');
	SELECT FROM devapp.create_developer('bob@example.com');
	SELECT FROM devapp.create_team('blue');
	SELECT FROM devapp.add_team_member('blue', 'ann@example.com', 'admin');
	SELECT FROM devapp.create_product('weather');
	SELECT FROM devapp.create_app('taken', 'ann@example.com', products => '{weather}');
});
my ($key, $app, $credential) = split /\|/,
	$node->safe_psql('postgres', q{SELECT secret, app_id, credential_id FROM devapp.create_app('shop', 'ann@example.com', products => '{weather}')});
my ($secret) = $key =~ /_([^_]+)\z/;
my ($public) = $key =~ /\A(.*)_/;

$node->append_conf('postgresql.conf', "test.key = '$key'\n");
$node->reload;
is($node->safe_psql('postgres', q{SELECT length(current_setting('test.key'))}), length $key, 'the server has the key as a setting');

# ---------- the calls ----------

# What the client is told of the errors of many statements.
sub run_script
{
	my ($sql) = @_;
	my ($out, $err) = ('', '');

	$node->psql('postgres', $sql, stdout => \$out, stderr => \$err, on_error_stop => 0, timeout => 300);
	return $err;
}

sub hides_secret
{
	my ($where, $text) = @_;
	my @lines = grep { /\Q$secret\E/i } split /\n/, $text;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	is(scalar @lines, 0, "$where: no line has the secret");
	diag s/\Q$secret\E/(the secret)/gir for @lines[0 .. ($#lines > 30 ? 30 : $#lines)];
	return;
}

my $functions = <<'SQL';
SELECT p.oid::regproc, CASE p.prokind WHEN 'p' THEN 'CALL' ELSE 'SELECT FROM' END, a.i,
       coalesce(p.proargnames[a.i], ''), a.type::regtype,
       p.pronargs - p.pronargdefaults,
       array_to_string(p.proargnames[:p.pronargs], ','),
       array_to_string(p.proargtypes::oid[]::regtype[], ',')
  FROM pg_proc p
 CROSS JOIN LATERAL unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a(type, i)
 WHERE p.pronamespace IN ('devapp'::regnamespace, 'devapp_report'::regnamespace)
   AND p.prokind IN ('f', 'p')
   AND a.type = ANY ('{text,text[],name,varchar,jsonb,json,devapp.resource_pattern,devapp.app_ref,devapp.credential_ref}'::regtype[])
 ORDER BY 1, 3
SQL

my %known = (
	developer => q{'bob@example.com'}, email => q{'bob@example.com'}, team => q{'blue'}, to_team => q{'blue'}, product => q{'weather'},
	app => "'$app'", app_id => "'$app'", credential => "'$credential'", credential_id => "'$credential'", replaces => "'$credential'", name => q{'taken'}, role => q{'member'}, resource => q{'/x'},
	entity => q{'team'}, id => q{'blue'}, action => q{'approve'}, status => q{'pending'}, value => q{'x'}, spec => q{'{}'}, filter => q{'{}'});
my $setting = q{current_setting('test.key')};

# the same key as it may come
my @forms = ($setting, "'/' || $setting", "' ' || $setting || ' '", "lower($setting) || '\@example.com'");

sub values_of
{
	my ($type, $form) = @_;

	return ("ARRAY[$form]") if $type eq 'text[]';
	return ("jsonb_build_object($form, $form)::$type", "to_jsonb($form)::$type", "jsonb_build_object('product', $form, 'team', $form)::$type",
		"jsonb_build_object('owner', $form)::$type", "jsonb_build_object('openapi', '3.0.0', 'paths', jsonb_build_object($form, 1))::$type",
		"jsonb_build_object('status', $form)::$type", "jsonb_build_object('created_before', $form)::$type",
		"jsonb_build_object('openapi', '3.0.0', 'paths', jsonb_build_object('/' || $form, jsonb_build_object('\$ref', $form)))::$type") if $type =~ /^json/;
	return ("($form)::$type");
}

# The call with a value at one place, and the others as far as they are known or needed.
sub call
{
	my ($how, $function, $place, $value, $required, $names, $types, $others_known) = @_;
	my @arguments;

	for my $i (0 .. $#$types)
	{
		my $name = $names->[$i] // '';
		my $other = $others_known ? $known{$name} : undef;

		$other = 'NULL' if !defined $other && $i < $required;
		$other = $value if $i == $place - 1;
		push @arguments, ($name ne '' ? "\"$name\" => " : '') . $other if defined $other;
	}
	return "$how $function(" . join(', ', @arguments) . ');';
}

my %in_transaction = (
	administrator => 'BEGIN;',
	developer => q{BEGIN; SET LOCAL request.jwt.claims = '{"email": "ann@example.com", "email_verified": true}'; SET LOCAL ROLE devapp_developer;});
my ($script, %called) = ('');
for my $line (split /\n/, $node->safe_psql('postgres', $functions))
{
	my ($function, $how, $place, $name, $type, $required, $names, $types) = split /\|/, $line;
	my @names = split /,/, $names;
	my @types = split /,/, $types;

	$called{$function} = 1;
	for my $form (@forms)
	{
		for my $value (values_of($type, $form))
		{
			for my $others_known (0, 1)
			{
				my $call = call($how, $function, $place, $value, $required, \@names, \@types, $others_known);

				$script .= $how eq 'CALL' ? "$call\n" : join('', map { "$in_transaction{$_} $call ROLLBACK;\n" } sort keys %in_transaction);
			}
		}
	}
}
cmp_ok(scalar keys %called, '>', 60, 'functions were called: ' . scalar keys %called);

# ---------- names that are keys and exist, casts ----------

for my $text ($setting, "$setting || '\@example.com'")
{
	$script .= <<"SQL";
SELECT FROM devapp.create_developer(replace($text, '\@example.com', '') || '\@example.com');
SELECT FROM devapp.create_developer(replace($text, '\@example.com', '') || '\@example.com');
SELECT FROM devapp.create_team($text);
SELECT FROM devapp.create_team($text);
SELECT FROM devapp.create_product($text);
SELECT FROM devapp.create_product($text);
SELECT FROM devapp.create_app($text, 'ann\@example.com', products => ARRAY[$text, $text]);
SELECT FROM devapp.create_app($text, 'ann\@example.com', products => ARRAY[$text]);
SELECT FROM devapp.create_app($text, 'ann\@example.com', products => ARRAY[$text]);
SELECT FROM devapp.delete_product($text);
SELECT FROM devapp.add_operation('weather', '/' || $text);
SELECT FROM devapp.add_operation('weather', '/' || $text);
SELECT FROM devapp.remove_team_member($text, 'ann\@example.com');
SELECT FROM devapp.set_team_role($text, 'ann\@example.com', 'admin');
SELECT FROM devapp.create_approval_rule($text, 1, 'approve', product => $text);
SELECT FROM devapp.create_approval_rule($text, 1, 'approve', product => $text);
SELECT FROM devapp.create_approval_rule('other', 1, 'approve', product => $text);
SELECT FROM devapp.add_product_approver($text, team => $text);
SELECT FROM devapp.add_product_approver($text, team => $text);
SELECT ($text)::devapp.resource_pattern;
SELECT ($text)::devapp.secret_digest;
SQL
}
my $log_start = -s $node->logfile;
my $errors = run_script($script);
my $log = slurp_file($node->logfile, $log_start);

cmp_ok(scalar(() = $errors =~ /ERROR:/g), '>', 1000, 'many of these calls are errors');
like($errors, qr/developer "\Q$public\E_\*{8}" does not exist/, 'a key is shown without its secret');
hides_secret('the client', $errors);
hides_secret('the log', $log);

# ---------- direct statements ----------

# PostgreSQL's own messages show rows: what breaks a constraint.  Ours come before.
my $updates = '';
for my $line (split /\n/, $node->safe_psql('postgres', q{
	SELECT c.oid::regclass, quote_ident(a.attname), a.atttypid::regtype
	  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
	 WHERE c.relnamespace = 'devapp'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0
	   AND NOT a.attisdropped AND a.attgenerated = '' AND a.atttypid = ANY ('{text,text[],jsonb,devapp.resource_pattern}'::regtype[])}))
{
	my ($table, $column, $type) = split /\|/, $line;

	for my $form (@forms)
	{
		$updates .= "BEGIN; UPDATE $table SET $column = $_; ROLLBACK;\n" for values_of($type, $form);
	}
}
$log_start = -s $node->logfile;
$errors = run_script($updates);
$log = slurp_file($node->logfile, $log_start);
hides_secret('direct statements', s/^.*DETAIL:  (Key|Failing row) .*$//gmr) for $errors, $log;

done_testing();
