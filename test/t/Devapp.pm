# What the tests of this folder share: a server with the extension, a small
# developer program in it, and short ways to ask.
#
# Not a test of its own.  Every function that runs SQL takes the node first and
# an option "db" (default: postgres).
package Devapp;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

our @EXPORT = qw(
  start_server set_config put_keyring make_program create_app rotate changes
  literal kill_process code codes key_codes error_of doctor same_lines
  counters sealed_counters race_quota
);

# A path, a method, an environment and a proxy that the product of make_program() covers.
our $CALL = "'/weather/today', 'GET', 'live', 'a'";

# start_server(name, settings, init => {...}): a running node, the same under every locale.
sub start_server
{
	my ($name, $settings, %options) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(extra => [ '--encoding=UTF8', '--no-locale' ], %{ $options{init} || {} });
	# servers of tests take few connections, so the table of locks is small; DROP EXTENSION locks each object
	$node->append_conf('postgresql.conf', 'max_locks_per_transaction = 128');
	$node->append_conf('postgresql.conf', $settings) if $settings;
	$node->start;
	return $node;
}

# Change a setting of the whole server; returns when new sessions have it.
sub set_config
{
	my ($node, $name, $value) = @_;

	$node->append_conf('postgresql.conf', "$name = '$value'");
	$node->reload;
	$node->poll_query_until('postgres',
		"SELECT current_setting('$name', true) IS NOT DISTINCT FROM " . literal($value))
	  or die "$name did not change";
	return;
}

# put_keyring(node, number => hex digits, ...): the keyring file of a server, which every new
# session has; returns its name.
sub put_keyring
{
	my ($node, %keys) = @_;
	my $file = $node->basedir . '/keyring';
	my $is_new = !-e $file;

	%keys = (1 => 'c5e7' x 16) unless %keys;
	open my $handle, '>', $file or die $!;
	chmod oct '600', $file or die $!;
	print $handle map { "$_:$keys{$_}\n" } sort keys %keys;
	close $handle or die $!;
	set_config($node, 'devapp.keyring_file', $file) if $is_new;
	return $file;
}

# The extension, a developer (ada@example.com) and a product (weather).
sub make_program
{
	my ($node, %options) = @_;

	$node->safe_psql(
		$options{db} || 'postgres',
		q{CREATE EXTENSION IF NOT EXISTS devapp CASCADE;
		SELECT devapp.create_developer('ada@example.com');
		SELECT devapp.create_product('weather', scopes => '{read,write}');
		SELECT devapp.add_operation('weather', '/weather/**', '{GET}');});
	return;
}

# kill_process(node, pid): a process of the server crashes; returns when the server has
# restarted and works again.  Until then psql may end before it reads its input, which
# ends the test as well, so it is asked without any.
sub kill_process
{
	my ($node, $pid) = @_;
	my $seen = -s $node->logfile;

	kill 'KILL', $pid;
	for (1 .. 1800)
	{
		if (slurp_file($node->logfile, $seen) =~ /reinitializing/)
		{
			my ($answer) = run_command([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', 'SELECT 1' ]);
			return if $answer eq '1';
		}
		usleep(100_000);
	}
	die 'the server did not come back';
}

sub literal
{
	my ($text) = @_;

	return 'NULL' unless defined $text;
	$text =~ s/'/''/g;
	return "'$text'";
}

# The columns of devapp.issued_credential that tests use, as a hash.
sub issued
{
	my ($node, $call, %options) = @_;
	my %made;

	@made{qw(app_id credential_id consumer_key secret secret_version)} =
	  split /\|/, $node->safe_psql(
		$options{db} || 'postgres',
		"SELECT app_id, credential_id, consumer_key, secret, secret_version FROM $call");
	return \%made;
}

# create_app(node, name, more SQL arguments): an app of ada with the product.
sub create_app
{
	my ($node, $name, $arguments, %options) = @_;

	$arguments = "developer => 'ada\@example.com', products => '{weather}'"
	  unless $arguments;
	return issued($node, "devapp.create_app(" . literal($name) . ", $arguments)",
		%options);
}

sub rotate
{
	my ($node, $credential_id, $overlap, %options) = @_;

	return issued($node,
		"devapp.rotate_credential('$credential_id', '$overlap')", %options);
}

# What can happen to a working key of make_program()'s developer and product, at
# each of the tables behind it: [name, verdict, SQL, SQL that undoes it].
sub changes
{
	my ($app) = @_;
	my $association = "devapp.set_credential_product_status('$app->{credential_id}', 'weather',";

	return (
		[ 'developer', 'OWNER_INACTIVE',
			"SELECT devapp.set_developer_status('ada\@example.com', 'deactivate')",
			"SELECT devapp.set_developer_status('ada\@example.com', 'activate')" ],
		[ 'app', 'APP_SUSPENDED',
			"SELECT devapp.suspend_app('$app->{app_id}')",
			"SELECT devapp.resume_app('$app->{app_id}')" ],
		[ 'credential', 'CREDENTIAL_REVOKED',
			"SELECT devapp.revoke_credential('$app->{credential_id}')",
			"SELECT devapp.approve_credential('$app->{credential_id}')" ],
		[ 'secret', 'SUPERSEDED',
			"SELECT FROM devapp.rotate_credential('$app->{credential_id}');
			UPDATE devapp.credential_secret SET valid_until = now()
			 WHERE credential_id = '$app->{credential_id}' AND version = 1",
			# no statement can give it time again
			"SET session_replication_role = replica;
			UPDATE devapp.credential_secret SET valid_until = 'infinity'
			 WHERE credential_id = '$app->{credential_id}' AND version = 1;
			RESET session_replication_role;
			SELECT devapp.cancel_rotation('$app->{credential_id}')" ],
		[ 'association', 'PRODUCT_REVOKED',
			"SELECT $association 'revoke')", "SELECT $association 'approve')" ],
		[ 'product', 'PROXY_FORBIDDEN',
			"SELECT devapp.update_product('weather', proxies => '{other}')",
			"SELECT devapp.update_product('weather', proxies => '{}')" ],
		[ 'operation', 'METHOD_FORBIDDEN',
			"SELECT devapp.add_operation('weather', '/weather/**', '{PUT}');
			SELECT devapp.remove_operation('weather', '/weather/**', '{GET}')",
			"SELECT devapp.add_operation('weather', '/weather/**', '{GET}');
			SELECT devapp.remove_operation('weather', '/weather/**', '{PUT}')" ]);
}

# The verdict's code for a key, for a call that the product covers.
sub code
{
	my ($node, $key, %options) = @_;

	return $node->safe_psql($options{db} || 'postgres', key_codes($key));
}

# The same in one query for several keys: "VALID EXPIRED ..."
sub codes
{
	my ($node, $keys, %options) = @_;

	return $node->safe_psql($options{db} || 'postgres', key_codes(@$keys));
}

# The query that codes() runs.
sub key_codes
{
	my $list = join ', ', map { literal($_) } @_;

	return
	  "SELECT string_agg((devapp.verify_key(k, $CALL)).code::text, ' ' ORDER BY n)"
	  . " FROM unnest(ARRAY[$list]::text[]) WITH ORDINALITY AS x(k, n)";
}

# SQLSTATE and the whole report of the error that a script ends in; the SQLSTATE
# is '00000' if it does not.
sub error_of
{
	my ($node, $sql, %options) = @_;
	my ($stdout, $stderr) = ('', '');

	$node->psql(
		$options{db} || 'postgres', $sql,
		stdout => \$stdout,
		stderr => \$stderr,
		extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	my ($state) = $stderr =~ /(?:ERROR|FATAL):  ([0-9A-Z]{5}):/;
	$state = '00000' unless defined $state;
	return wantarray ? ($state, $stderr) : $state;
}

# One row of devapp.doctor(): "status|detail".
sub doctor
{
	my ($node, $check, %options) = @_;

	return $node->safe_psql($options{db} || 'postgres',
		"SELECT status, detail FROM devapp.doctor() WHERE check_name = "
		  . literal($check));
}

my @crc32c;

sub crc32c
{
	my $crc = 0xffffffff;

	@crc32c = map { my $c = $_; $c = $c >> 1 ^ ($c & 1 ? 0x82f63b78 : 0) for 1 .. 8; $c } 0 .. 255
	  unless @crc32c;
	$crc = $crc >> 8 ^ $crc32c[ ($crc ^ $_) & 0xff ] for unpack 'C*', $_[0];
	return $crc ^ 0xffffffff;
}

# Bytes, with the CRC that makes a file of counters, or a shipment, of them.
sub sealed_counters
{
	my ($bytes) = @_;

	return $bytes . pack 'L', crc32c($bytes);
}

# A file of counters, or a shipment, as devapp writes it (meter_core.h).  A row is a
# hash of what is not zero; ids are bytes.
sub counters
{
	my (@rows) = @_;
	my @fields = (
		[ database => 'L' ], [ minute => 'l' ], [ kind => 'C' ], [ code => 'C' ], [ bin => 'S' ], [ version => 'l' ],
		[ app => 'a16' ], [ credential => 'a16' ], [ product => 'a16' ], [ operation => 'a16' ], [ environment => 'a24' ],
		[ count => 'Q' ], [ sum => 'Q' ], [ min => 'Q' ], [ max => 'Q' ]);
	my $format = join '', map { $_->[1] } @fields;
	my %none = map { ($_->[0] => $_->[1] =~ /a/ ? '' : 0) } @fields;
	my @names = map { $_->[0] } @fields;
	my $row_size = length pack $format, @none{@names};

	return sealed_counters(
		pack('LL', 0x44564d31, $row_size)
		  . join '', map { my %row = (%none, %$_); pack $format, @row{@names} } @rows);
}

# race_quota(app, [[node, pause, function], ...], meanwhile, seconds): calls on all these
# servers at once, in sessions of their own, until each of them says that the quota is used
# up, or 10 seconds are over; how many were let through.  Meanwhile something else may happen.
sub race_quota
{
	my ($app, $callers, $meanwhile, $seconds) = @_;
	my $passed = 0;
	my @running;

	$seconds = 10 unless $seconds;
	for my $caller (@$callers)
	{
		my ($node, $pause, $function) = @$caller;
		my ($in, $out, $err) = ('', '', '');
		# a commit ends what consume_quota locks; of a server that is killed the last notice counts
		my $sql = "DO \$\$ DECLARE code text; passed int := 0; over timestamptz := clock_timestamp() + interval '$seconds s';
			BEGIN
				WHILE code IS DISTINCT FROM 'QUOTA_EXCEEDED' AND clock_timestamp() < over LOOP
					SELECT v.code INTO code FROM devapp.$function('$app->{secret}') v;
					passed := passed + (code = 'VALID')::int;
					RAISE NOTICE 'passed %', passed;
					COMMIT;
					PERFORM pg_sleep(CASE WHEN code = 'UNAVAILABLE' THEN 0.02 ELSE $pause END);
				END LOOP;
			END \$\$";
		push @running, [ IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', $sql ], '<', \$in, '>', \$out, '2>', \$err), \$err ];
	}
	$meanwhile->() if $meanwhile;
	for my $run (@running)
	{
		$run->[0]->finish;
		my ($n) = ${ $run->[1] } =~ /.*passed (\d+)/s;
		$passed += $n if defined $n;
	}
	return $passed;
}

# is() for long texts: a failure shows the lines that only one of them has.
sub same_lines
{
	my ($got, $expected, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	return 1 if ok($got eq $expected, $name);
	my %count;
	$count{$_}++ for split /\n/, $got;
	$count{$_}-- for split /\n/, $expected;
	diag(($count{$_} > 0 ? 'unexpected: ' : 'missing: ') . $_)
	  for grep { $count{$_} != 0 } sort keys %count;
	return 0;
}

1;
