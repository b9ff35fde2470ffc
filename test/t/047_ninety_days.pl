# Ninety days of a program, and every report of calls, response times and decisions compared
# row by row with sums of the calls themselves.
#
# The clock of the server is moved by test/clock.c, four times a day from 15 December 2027 to
# 13 March 2028, so all calls are real ones: 108,000 of verify_key and 90,000 of record_usage,
# flushed at their time, with owners, apps, products and keys that change meanwhile.  The
# test makes the calls beforehand, from a generator of its own, and works out from the
# documented rules what becomes of each.  They are in tables of the schema "t", and
# what is expected is summed from these.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use List::Util qw(min);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::Local qw(timegm);

my $clock = PostgreSQL::Test::Utils::tempdir . '/clock.so';
plan skip_all => 'no C compiler'
  unless system('sh', '-c', "cc -O2 -shared -fPIC -o '$clock' '$FindBin::RealBin/../clock.c' 2>/dev/null") == 0;

my $days = 90;
my $silent = 33;    # a day without calls
my $first = timegm(0, 0, 0, 15, 11, 2027);
my ($calls_a_turn, $responses_a_turn) = (304, 253);

# ---------- chance, the same in every run ----------

my $state = 20271215;

# A whole number from 0 to below n.
sub chance
{
	my ($n) = @_;

	$state = ($state * 1103515245 + 12345) % 2147483648;
	return int($state / 65536) % $n;
}

sub one_of { return $_[ chance(scalar @_) ] }

# ---------- the server, whose clock the test moves ----------

my $moved = PostgreSQL::Test::Utils::tempdir . '/seconds';
sub set_clock
{
	my ($at) = @_;

	open my $file, -e $moved ? '+<' : '>', $moved or die;
	binmode $file;
	print $file pack 'q', $at - time;
	close $file;
	return;
}

set_clock($first);
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'devapp'\ndevapp.flush_interval = 0\ndevapp.refresh_interval = 0\ntimezone = 'UTC'");
{
	# test/dates moves the clock of this test as well
	local $ENV{DEVAPP_CLOCK_OFFSET} = $ENV{LD_PRELOAD} ? $ENV{DEVAPP_CLOCK_OFFSET} : 0;
	local $ENV{LD_PRELOAD} = $clock;
	local $ENV{DEVAPP_CLOCK_FILE} = $moved;
	$node->start;
}

# ---------- the program ----------

# What the test knows of it.  An app has the name, owner and time of deletion that it has in
# the end, and its owners with the second since when.  A key has what its credential is
# associated with, in this order, and a verdict that it gets whatever it asks for.
my (%owner, %product, %app, %key, @decisions);

sub ask { return $node->safe_psql('postgres', $_[0]) }

sub own
{
	my ($label, $owner, $at) = @_;

	push @{ $app{$label}{owners} }, [ $owner, $at ];
	return;
}

sub decide
{
	my ($app, $product, $outcome, $kind, $asked, $at) = @_;

	push @decisions, [ $app, $product, $outcome, $kind, $app{$app}{owners}[-1][0], $asked, $at ];
	return;
}

# make_app(label, name, owner, at, products, SQL arguments): at is in seconds
sub make_app
{
	my ($label, $name, $owner, $at, $products, $more) = @_;
	my $names = join ',', map { $product{$_}{name} } @$products;
	my $made = create_app($node, $name, "$owner{$owner}{kind} => '$owner{$owner}{name}', products => '{$names}'" . ($more || ''));

	$app{$label} = { id => $made->{app_id}, name => $name, made => $at };
	own($label, $owner, $at);
	$key{$label} = { app => $label, credential => $made->{credential_id}, version => 1, secret => $made->{secret}, products => [ map { [ $_, 'approved' ] } @$products ] };
	return $made;
}

# What nobody has to decide on is approved at once.
sub make_approved_app
{
	my ($label, $name, $owner, $at, $products, $more) = @_;

	make_app(@_);
	decide($label, $_, 'approved', 'automatic', $at, $at) for @$products, undef;
	return;
}

sub make_product
{
	my ($label, $name, $more, $path, $methods) = @_;

	my $id = ask("SELECT (devapp.create_product('$name'$more)).product_id");
	ask("SELECT devapp.add_operation('$name', '/$path/**', '$methods')");
	$product{$label} = { id => $id, name => $name, path => $path, environments => {} };
	return;
}

ask('CREATE EXTENSION devapp CASCADE');
for (qw(ada bob cyd))
{
	$owner{$_} = { kind => 'developer', name => "$_\@example.com", path => "$_\@example.com" };
	$owner{$_}{id} = ask("SELECT (devapp.create_developer('$owner{$_}{name}')).developer_id");
}
for (qw(blue red))
{
	$owner{$_} = { kind => 'team', name => $_, path => "team:$_" };
	$owner{$_}{id} = ask("SELECT (devapp.create_team('$_')).team_id");
}
make_product('weather', 'weather', '', 'weather', '{GET}');
make_product('maps', 'maps', ", environments => '{live,test}'", 'maps', '{GET,POST}');
$product{maps}{environments} = { live => 1, test => 1 };
make_product('traffic', 'traffic', ", approval => 'manual'", 'traffic', '{GET}');
make_product('tides', 'tides', '', 'tides', '{GET}');
make_product('limited', 'limited', ", quota_limit => 20, quota_unit => 'day'", 'limited', '{GET}');
make_product('unused', 'unused', '', 'unused', '{GET}');

make_approved_app('forecast', 'forecast', 'ada', $first, [ 'weather', 'maps', 'tides' ]);
make_approved_app('routes', 'routes', 'bob', $first, ['maps']);
make_approved_app('radar', 'radar', 'blue', $first, [ 'weather', 'limited' ]);
make_approved_app('gone', 'gone', 'cyd', $first, [ 'weather', 'tides' ]);
make_approved_app('old name', 'old-name', 'red', $first, ['maps'], ", environment => 'live'");
make_approved_app('quiet', 'quiet', 'ada', $first, ['weather']);
make_approved_app('turned', 'turned', 'cyd', $first, ['weather']);
make_approved_app('expires', 'expires', 'bob', $first, ['weather'], ", expires_in => '60 days'");
$key{expires}{ends} = $first + 60 * 86400;
make_approved_app('unheard', 'unheard', 'ada', $first, ['unused']);
make_app('waits', 'waits', 'blue', $first, ['traffic']);
$key{waits}{why} = 'APP_PENDING';
$key{'old name'}{environment} = 'live';
# a key that nobody has, and what is none
$key{stranger} = { why => 'NOT_FOUND', secret => ask("BEGIN; SELECT secret FROM devapp.create_app('nobodys', 'ada\@example.com'); ROLLBACK") };
$key{nonsense} = { why => 'MALFORMED', secret => 'nonsense' };

# ---------- what happens meanwhile ----------

# By day and turn, after the calls of it.
my %events;
sub on
{
	my ($day, $turn, $what) = @_;

	push @{ $events{"$day/$turn"} }, $what;
	return;
}

# set_product(key, product, status): undef removes it
sub set_product
{
	my ($key, $product, $status) = @_;
	my @others = grep { $_->[0] ne $product } @{ $key{$key}{products} };

	return $key{$key}{products} = \@others unless defined $status;
	my ($known) = grep { $_->[0] eq $product } @{ $key{$key}{products} };
	return $known->[1] = $status if $known;
	push @{ $key{$key}{products} }, [ $product, $status ];
	return;
}

my %asked;
on(4, 2, sub {
		$asked{routes} = $_[0];
		ask("SELECT devapp.add_credential_product('$key{routes}{credential}', 'traffic')");
		set_product('routes', 'traffic', 'pending');
});
on(20, 0, sub {
		ask("SELECT devapp.set_credential_product_status('$key{routes}{credential}', 'traffic', 'approve', 'agreed')");
		set_product('routes', 'traffic', 'approved');
		decide('routes', 'traffic', 'approved', 'role', $asked{routes}, $_[0]);
});
on(60, 3, sub {
		ask("SELECT devapp.set_credential_product_status('$key{routes}{credential}', 'traffic', 'revoke', 'not paid')");
		set_product('routes', 'traffic', 'revoked');
		decide('routes', 'traffic', 'revoked', 'role', $asked{routes}, $_[0]);
});
on(12, 1, sub {
		ask("SELECT devapp.reject_app('$app{waits}{id}', 'nobody needs it')");
		$key{waits}{why} = 'APP_REJECTED';
		decide('waits', undef, 'rejected', 'role', $first, $_[0]);
});
on(28, 2, sub {
		my $made = rotate($node, $key{turned}{credential}, '48 hours 30 minutes');
		$key{'turned again'} = { %{ $key{turned} }, version => 2, secret => $made->{secret} };
		$key{turned}{ends} = $_[0] + 48.5 * 3600;
});
on(40, 1, sub { ask("SELECT devapp.transfer_app('$app{radar}{id}', team => 'red')"); own('radar', 'red', $_[0]) });
on(80, 2, sub { ask("SELECT devapp.transfer_app('$app{radar}{id}', 'ada\@example.com')"); own('radar', 'ada', $_[0]) });
on(45, 0, sub { ask("SELECT devapp.suspend_app('$app{forecast}{id}')"); $key{forecast}{why} = 'APP_SUSPENDED' });
on(47, 1, sub { ask("SELECT devapp.resume_app('$app{forecast}{id}')"); delete $key{forecast}{why} });
on(55, 1, sub { ask("SELECT devapp.set_developer_status('cyd\@example.com', 'deactivate')"); $key{$_}{why} = 'OWNER_INACTIVE' for 'gone', 'turned again' });
on(57, 1, sub { ask("SELECT devapp.set_developer_status('cyd\@example.com', 'activate')"); delete $key{$_}{why} for 'gone', 'turned again' });
on(65, 0, sub { ask("SELECT devapp.update_app('$app{'old name'}{id}', name => 'new-name')"); $app{'old name'}{name} = 'new-name' });
on(70, 3, sub { ask("SELECT devapp.delete_app('$app{gone}{id}')"); $app{gone}{deleted} = 1; $key{gone}{why} = 'CREDENTIAL_REVOKED' });
on(71, 1, sub { make_approved_app('gone again', 'gone', 'cyd', $_[0], ['weather']) });
on(75, 2, sub {
		ask("SELECT devapp.remove_credential_product('$key{forecast}{credential}', 'tides'); SELECT devapp.delete_product('tides')");
		set_product('forecast', 'tides', undef);
		$product{tides}{deleted} = 1;
});
on(78, 0, sub {
		make_product('tides again', 'tides', '', 'tides', '{GET}');
		ask("SELECT devapp.add_credential_product('$key{forecast}{credential}', 'tides')");
		set_product('forecast', 'tides again', 'approved');
		decide('forecast', 'tides again', 'approved', 'automatic', $_[0], $_[0]);
});

# ---------- what becomes of a call ----------

my %used;

# The environment that a call counts for.
sub counted_environment
{
	my ($key, $asked) = @_;

	return $key->{environment} if defined $key->{environment};
	return undef unless defined $asked;
	return (grep { $product{ $_->[0] }{environments}{$asked} } @{ $key->{products} }) ? $asked : '(other)';
}

# The product and the verdict, by "Which product answers" in doc/gateways.md.
sub verdict
{
	my ($key, $call, $environment, $day) = @_;
	my ($asked, @approved) = (undef, map { $_->[0] } grep { $_->[1] eq 'approved' } @{ $key->{products} });

	return (undef, $key->{why}) if $key->{why};
	for (@{ $key->{products} })
	{
		$asked = $_ if $product{ $_->[0] }{path} eq $call->{path};
	}
	return ($approved[0], 'RESOURCE_FORBIDDEN') unless $asked && ($asked->[1] eq 'approved' || $call->{method} eq 'GET');
	my ($name, $status) = @$asked;
	return ($name, $status eq 'pending' ? 'PRODUCT_PENDING' : 'PRODUCT_REVOKED') if $status ne 'approved';
	return ($name, 'METHOD_FORBIDDEN') if $call->{method} eq 'DELETE';
	my $wanted = $call->{environment};
	return ($name, 'ENVIRONMENT_FORBIDDEN')
	  if defined $wanted && (%{ $product{$name}{environments} } && !$product{$name}{environments}{$wanted} || defined $key->{environment} && $key->{environment} ne $wanted);
	return ($name, 'QUOTA_EXCEEDED') if $name eq 'limited' && ++$used{ join '/', $key->{app}, $day, $environment // '' } > 20;
	return ($name, 'VALID');
}

my @kinds = (map({ $_ } ('forecast') x 6, ('routes') x 5, ('radar') x 6, ('gone') x 2, ('old name') x 3), qw(quiet turned expires waits stranger nonsense));

sub make_call
{
	my ($turn, $day) = @_;
	my $label = one_of(@kinds);
	$label = 'turned again' if $label eq 'turned' && $key{'turned again'} && chance(4);
	$label = 'gone again' if $label eq 'gone' && $key{'gone again'} && chance(3);
	$label = 'forecast' if $label eq 'quiet' && $day > 20;
	my $key = $key{$label};
	my @paths = map { $product{ $_->[0] }{path} } @{ $key->{products} || [] };
	my %call = (path => chance(20) ? one_of(@paths, 'weather') : 'elsewhere', method => 'GET', cost => 1 + chance(3), environment => one_of(undef, 'live', 'live', 'test', 'moon'));

	$call{cost} = 1 if $call{path} eq 'limited';
	# what is forbidden is forbidden for one reason
	@call{qw(method environment)} = ('DELETE', undef) unless chance(25);
	my $environment = $key->{app} ? counted_environment($key, $call{environment}) : undef;
	my ($product, $code) = verdict($key, \%call, $environment, $day);
	return [ $turn, $day, $label, "/$call{path}/today", @call{qw(method environment cost)}, $key->{app}, $product, $environment, $code ];
}

# From microseconds to a minute, and the bin of the histogram that it belongs to.
sub make_latency
{
	my $us = int(2**(chance(26000) / 1000));

	$us = 1 << chance(26) unless chance(20);
	my $bin = 0;
	$bin++ while $us >= 2**(($bin + 1) / 4);
	return ($us, $bin);
}

# Gateways tell some late, and some of keys that are not known: these count under no product.
sub make_response
{
	my ($turn, $at, $day) = @_;
	my $label = chance(30) ? one_of('forecast', 'forecast', 'routes', 'radar', 'gone', 'old name', 'turned') : undef;
	my $late = chance(10) ? chance(600) : min(chance(32768) * 78, $at - $first - 60);
	my $when = $at - $late;
	my $product = chance(15) ? one_of('weather', 'maps', 'tides', 'limited') : undef;
	my ($us, $bin) = make_latency();

	$label = 'gone again' if defined $label && $label eq 'gone' && $key{'gone again'};
	$product = $product{'tides again'} ? 'tides again' : 'maps' if defined $product && $product eq 'tides' && $product{tides}{deleted};
	return [ $turn, int(($when - $first) / 86400), $when, $label, $product, one_of((200) x 9, 204, 302, 400, 404, 429, 499, 500, 503), $us, $bin ];
}

# ---------- the ninety days ----------

ask(q{CREATE SCHEMA t;
	CREATE TABLE t.turn (turn int PRIMARY KEY, at bigint, began timestamptz, ended timestamptz);
	CREATE TABLE t.key (key text PRIMARY KEY, secret text, credential_id uuid, version int);
	CREATE TABLE t.call (turn int, day int, key text, resource text, method text, asked text, cost bigint, app text, product text, environment text, code text, n int);
	CREATE TABLE t.verdict (key text, code text, product text, expected_code text, expected_product text, n bigint);
	CREATE TABLE t.response (turn int, day int, at bigint, key text, product text, status int, us bigint, bin int);
	CREATE INDEX ON t.call (turn);
	CREATE INDEX ON t.response (turn);});

my $file = PostgreSQL::Test::Utils::tempdir . '/rows';
my $session = $node->background_psql('postgres');

# Rows into a table, as the session that makes the calls.
sub fill
{
	my ($table, @rows) = @_;

	open my $out, '>', $file or die;
	print $out join("\t", map { defined $_ ? $_ : '\N' } @$_), "\n" for @rows;
	close $out;
	$session->query_safe("COPY t.$table FROM '$file'");
	return;
}

my %stored;
sub store_keys
{
	fill('key', map { $stored{$_} = 1; [ $_, @{ $key{$_} }{qw(secret credential version)} ] } grep { !$stored{$_} } sort keys %key);
	return;
}

# The name of a product at the time of the calls is its name in the end.
sub make_turn
{
	my ($turn, $at, $day) = @_;
	my (@calls, @responses);

	store_keys();
	$key{turned}{why} = 'SUPERSEDED' if $at > ($key{turned}{ends} // $at);
	$key{expires}{why} = 'EXPIRED' if $at > $key{expires}{ends};
	push @calls, [ @{ make_call($turn, $day) }, $_ ] for 1 .. $calls_a_turn;
	push @responses, make_response($turn, $at, $day) for 1 .. $responses_a_turn;
	set_clock($at);
	fill('turn', [ $turn, $at, undef, undef ]);
	fill('call', @calls);
	fill('response', @responses);
	fill('product', map { [ $_, @{ $product{$_} }{qw(id name)}, $product{$_}{deleted} ? 't' : 'f' ] } sort keys %product);
	$session->query_safe("UPDATE t.turn SET began = clock_timestamp() WHERE turn = $turn");
	$session->query_safe(
		qq{INSERT INTO t.verdict
		SELECT c.key, (c.v).code::text, (c.v).product, c.code, c.product, count(*)
		  FROM (SELECT x.key, x.code, x.product, devapp.verify_key(x.secret, x.resource, x.method, x.asked, cost => x.cost) AS v
		          FROM (SELECT y.*, (SELECT k.secret FROM t.key k WHERE k.key = y.key) AS secret FROM t.call y WHERE y.turn = $turn ORDER BY y.n) AS x OFFSET 0) AS c
		 GROUP BY 1, 2, 3, 4, 5});
	$session->query_safe(
		qq{SELECT devapp.record_usage(array_agg(coalesce(k.credential_id, devapp.uuid_v7())), array_agg(p.name), array_agg(r.status),
			array_agg(r.us * interval '1 us'), array_agg(to_timestamp(r.at)))
		  FROM t.response r LEFT JOIN t.key k USING (key) LEFT JOIN t.product p ON p.product = r.product WHERE r.turn = $turn});
	$session->query_safe("UPDATE t.turn SET ended = clock_timestamp() WHERE turn = $turn; TRUNCATE t.product");
	return;
}

$session->query_safe('CREATE TABLE t.product (product text PRIMARY KEY, product_id uuid, name text, is_deleted boolean)');
my $turn = 0;
for my $day (0 .. $days - 1)
{
	for my $part (0 .. 3)
	{
		my $at = $first + $day * 86400 + ($part * 6 + chance(6)) * 3600 + 1200;

		set_clock($at);
		make_turn($turn++, $at, $day) unless $day == $silent;
		$_->($at) for @{ $events{"$day/$part"} || [] };
		# some are flushed on the next day
		$session->query_safe('SELECT devapp.flush_usage()') if chance(3) || $day == $days - 1;
	}
}
set_clock($first + $days * 86400 - 900);
$session->query_safe('SELECT devapp.flush_usage()');
ask('SELECT FROM devapp.refresh_reports()');


# ---------- what the calls add up to ----------

# fill_all(table, columns, rows): a new table
sub fill_all
{
	my ($table, $columns, @rows) = @_;

	$session->query_safe("CREATE TABLE t.$table ($columns)");
	fill($table, @rows);
	return;
}

sub flag { return $_[0] ? 't' : 'f' }

my (@apps, @owned);
for my $label (sort keys %app)
{
	my @owners = @{ $app{$label}{owners} };
	my $now = $owner{ $owners[-1][0] };

	push @apps, [ $label, $app{$label}{id}, $app{$label}{name}, $now->{id}, $now->{name}, $now->{kind}, "$now->{path}/$app{$label}{name}", flag($app{$label}{deleted}), $app{$label}{made} ];
	push @owned, [ $label, @{ $owner{ $owners[$_][0] } }{qw(id name)}, $_ ? $owners[$_][1] : 0, $_ < $#owners ? $owners[ $_ + 1 ][1] : 1 << 40 ] for 0 .. $#owners;
}
fill_all('app', 'app text, app_id uuid, name text, owner_id uuid, owner text, owner_kind text, path text, is_deleted boolean, made bigint', @apps);
fill_all('owned', 'app text, owner_id uuid, owner text, since bigint, until bigint', @owned);
fill('product', map { [ $_, @{ $product{$_} }{qw(id name)}, flag($product{$_}{deleted}) ] } sort keys %product);
fill_all('app_key', 'key text, app text', map { [ $_, $key{$_}{app} ] } grep { $key{$_}{app} } sort keys %key);
fill_all('team', 'team_id uuid, name text', map { [ @{ $owner{$_} }{qw(id name)} ] } qw(blue red));
fill_all('decision', 'app text, product text, outcome text, kind text, owner_id uuid, owner text, asked bigint, at bigint',
	map { my @d = @$_; [ @d[ 0 .. 3 ], @{ $owner{ $d[4] } }{qw(id name)}, @d[ 5, 6 ] ] } @decisions);
fill_all('status', 'code text, http_status int',
	(map { [ $_, 401 ] } qw(MALFORMED NOT_FOUND EXPIRED SUPERSEDED CREDENTIAL_REVOKED APP_PENDING APP_REJECTED APP_SUSPENDED OWNER_INACTIVE)),
	(map { [ $_, 403 ] } qw(PRODUCT_PENDING PRODUCT_REVOKED RESOURCE_FORBIDDEN METHOD_FORBIDDEN ENVIRONMENT_FORBIDDEN)),
	[ 'QUOTA_EXCEEDED', 429 ], [ 'VALID', 200 ]);
$session->quit;
# n_days: how many days ago, 0 is today
ask(qq{CREATE VIEW t.counted AS
	SELECT DATE '2027-12-15' + c.day AS day, c.product, to_timestamp(x.at - x.at % 3600) AS hour, $days - 1 - c.day AS n_days,
	       $first + (c.day + 1) * 86400 AS day_end, x.at - x.at % 3600 + 3600 AS hour_end, c.app, c.key, x.turn, x.began, x.ended,
	       a.app_id, a.name AS app_name, a.path, a.is_deleted, a.owner_id, a.owner, a.owner_kind, p.product_id, p.name AS product_name, p.is_deleted AS product_is_deleted,
	       c.environment, c.code, c.code = 'VALID' AS is_allowed, CASE c.code WHEN 'VALID' THEN c.cost ELSE 0 END AS cost
	  FROM t.call c JOIN t.turn x USING (turn) LEFT JOIN t.app a USING (app) LEFT JOIN t.product p USING (product);
	CREATE VIEW t.answered AS
	SELECT DATE '2027-12-15' + r.day AS day, $days - 1 - r.day AS n_days, $first + (r.day + 1) * 86400 AS day_end, k.app,
	       a.app_id, a.name AS app_name, a.path, a.is_deleted, a.owner_id, a.owner, a.owner_kind, p.product_id, p.name AS product_name, p.is_deleted AS product_is_deleted,
	       r.status, r.us, r.bin
	  FROM t.response r LEFT JOIN t.app_key k USING (key) LEFT JOIN t.app a USING (app) LEFT JOIN t.product p ON p.product = r.product AND k.app IS NOT NULL;
	});

# compare(report, columns, what is expected): row by row, whatever their order
sub compare
{
	my ($report, $columns, $expected) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my @got = sort split /\n/, ask("SELECT $columns FROM devapp_report.$report");
	my @wanted = sort split /\n/, ask($expected);

	my ($name) = split / /, $report;
	ok(@wanted > 0, "$name: there are rows to expect");
	same_lines(join("\n", @got), join("\n", @wanted), "$name: " . @wanted . ' rows');
	return;
}

is(ask('SELECT count(*) FROM t.call') . '|' . ask('SELECT count(*) FROM t.response'), '108224|90068', 'so many calls and responses');
is( ask(q{SELECT v.key, v.code, v.product, v.expected_code, p.name, v.n FROM t.verdict v LEFT JOIN t.product p ON p.product = v.expected_product
	WHERE v.code <> v.expected_code OR CASE WHEN v.code IN (SELECT code FROM t.status WHERE http_status = 401) THEN NULL ELSE p.name END IS DISTINCT FROM v.product}),
	'', 'each call got the verdict that the test worked out');
is(ask('SELECT sum(n) FROM t.verdict'), 108224, 'all of them were made');
is(ask('SELECT count(*) FROM t.status s WHERE NOT EXISTS (SELECT FROM t.call c WHERE c.code = s.code)'), 0, 'every verdict of the list occurs');

my $sums = 'count(*) FILTER (WHERE c.is_allowed), count(*) FILTER (WHERE NOT c.is_allowed), sum(c.cost)';
my $who = 'app_id, app, app_path, is_deleted, owner_id, owner, owner_kind, owner_then_id, owner_then, product_id, product, environment';
my $whose = 'c.app_id, c.app_name, c.path, c.is_deleted, c.owner_id, c.owner, c.owner_kind, o.owner_id, o.owner, c.product_id, c.product_name, c.environment';
sub then { return "LEFT JOIN t.owned o ON o.app = c.app AND c.$_[0]_end >= o.since AND c.$_[0]_end < o.until" }

compare('usage_daily', "day, $who, calls, refused, cost", "SELECT c.day, $whose, $sums FROM t.counted c @{[ then('day') ]} GROUP BY c.day, $whose");
compare('usage_hourly', "hour, $who, calls, refused, cost", "SELECT c.hour, $whose, $sums FROM t.counted c @{[ then('hour') ]} GROUP BY c.hour, $whose");
compare('denials', "day, $who, code, http_status, calls",
	"SELECT c.day, $whose, c.code, s.http_status, count(*) FROM t.counted c JOIN t.status s USING (code) @{[ then('day') ]} WHERE NOT c.is_allowed GROUP BY c.day, $whose, c.code, s.http_status");
compare('usage_totals', 'day, product_id, product, is_deleted, environment, calls, refused, cost',
	"SELECT c.day, c.product_id, c.product_name, coalesce(c.product_is_deleted, false), c.environment, $sums FROM t.counted c WHERE n_days < 30 GROUP BY 1, 2, 3, 4, 5");
compare('verdict_totals', 'day, code, http_status, calls',
	'SELECT c.day, c.code, s.http_status, count(*) FROM t.counted c JOIN t.status s USING (code) WHERE n_days < 60 GROUP BY 1, 2, 3');
compare('calendar c LEFT JOIN devapp_report.usage_daily u USING (day) WHERE c.day >= DATE \'2027-12-15\' GROUP BY c.day', 'c.day, coalesce(sum(u.calls), 0)',
	"SELECT d::date, (SELECT count(*) FROM t.counted c WHERE c.day = d::date AND c.is_allowed) FROM generate_series(DATE '2027-12-15', '2028-03-13', '1 day') AS d");

# ---------- response times ----------

# A percentile is that of the response that so many do not exceed, within 9.1 % and the
# rounding to whole microseconds.
my $answers = q{count(*), count(*) FILTER (WHERE c.status BETWEEN 400 AND 499), count(*) FILTER (WHERE c.status >= 500), round(min(c.us) / 1000.0, 3), round(avg(c.us) / 1000, 6), round(max(c.us) / 1000.0, 3)};
my $times = 'responses, client_errors, server_errors, round(min_ms::numeric, 3), round(avg_ms::numeric, 6), round(max_ms::numeric, 3)';
my $bins = q{(SELECT string_agg(i || ':' || h.histogram[i], ' ' ORDER BY i) FROM generate_subscripts(h.histogram, 1) AS i WHERE h.histogram[i] > 0)};
my $true_bins = q{string_agg(b.bin || ':' || b.n, ' ' ORDER BY b.bin)};
my $who_answers = $who =~ s/, environment//r;
my $whose_answers = $whose =~ s/, c\.environment//r;

compare('latency_daily', "day, $who_answers, $times", "SELECT c.day, $whose_answers, $answers FROM t.answered c @{[ then('day') ]} GROUP BY c.day, $whose_answers");
compare('latency_totals', "day, product_id, product, is_deleted, $times",
	"SELECT c.day, c.product_id, c.product_name, coalesce(c.product_is_deleted, false), $answers FROM t.answered c WHERE n_days < 60 GROUP BY 1, 2, 3, 4");
compare('latency_daily h', "day, app_id, product_id, $bins",
	"SELECT day, app_id, product_id, $true_bins FROM (SELECT day, app_id, product_id, bin, count(*) AS n FROM t.answered GROUP BY 1, 2, 3, 4) AS b GROUP BY 1, 2, 3");
compare('latency_totals h', "day, product_id, $bins",
	"SELECT day, product_id, $true_bins FROM (SELECT day, product_id, bin, count(*) AS n FROM t.answered WHERE n_days < 60 GROUP BY 1, 2, 3) AS b GROUP BY 1, 2");
for (['latency_daily', 'day, app_id, product_id', ''], ['latency_totals', 'day, product_id', 'WHERE n_days < 60'])
{
	my ($report, $by, $where) = @$_;
	my $same = join ' AND ', map { "r.$_ IS NOT DISTINCT FROM x.$_" } split /, /, $by;

	is( ask(qq{SELECT count(*), count(*) FILTER (WHERE abs(r.p50_ms - x.p[1]) > 0.0906 * x.p[1] + 0.0005 OR abs(r.p95_ms - x.p[2]) > 0.0906 * x.p[2] + 0.0005 OR abs(r.p99_ms - x.p[3]) > 0.0906 * x.p[3] + 0.0005)
		FROM (SELECT $by, percentile_disc('{0.5,0.95,0.99}'::float8[]) WITHIN GROUP (ORDER BY us / 1000.0::float8) AS p FROM t.answered $where GROUP BY $by) AS x
		JOIN devapp_report.$report r ON $same}),
		ask("SELECT count(*) FROM devapp_report.$report") . '|0', "$report: percentiles are within 9.1 % of the true ones");
}
cmp_ok(ask(q{SELECT max(abs(r.p / x.p - 1)) FROM (SELECT product_id, devapp_report.percentile(histogram, 0.95) AS p FROM devapp_report.latency_totals GROUP BY 1) AS r
		JOIN (SELECT product_id, percentile_disc(0.95) WITHIN GROUP (ORDER BY us / 1000.0::float8) AS p FROM t.answered WHERE n_days < 60 GROUP BY 1) AS x ON r.product_id IS NOT DISTINCT FROM x.product_id}),
	'<', 0.0906, 'percentiles of 60 days as well');

# ---------- apps, teams and products ----------

my $thirty = 'count(c.app_id) FILTER (WHERE c.n_days < 30 AND c.is_allowed), count(c.app_id) FILTER (WHERE c.n_days < 30 AND NOT c.is_allowed)';
my $sixty = 'count(c.app_id) FILTER (WHERE c.n_days BETWEEN 30 AND 59 AND c.is_allowed)';
compare('apps', 'app_id, app, app_path, owner_id, owner, owner_kind, is_deleted, calls_30d, refused_30d',
	"SELECT a.app_id, a.name, a.path, a.owner_id, a.owner, a.owner_kind, a.is_deleted, $thirty FROM t.app a LEFT JOIN t.counted c USING (app) GROUP BY 1, 2, 3, 4, 5, 6, 7");
# when a key was last used is known to the second
my $turn_of = '(SELECT x.turn FROM t.turn x WHERE %s BETWEEN date_trunc(\'second\', x.began) AND x.ended)';
my $turns_of = join ', ', map { sprintf $turn_of, $_ } 'r.last_used_at', 'r.last_seen_at';
my $last = 'max(c.turn) FILTER (WHERE c.is_allowed), max(c.turn)';
compare('app_inventory r', "app_id, app, app_path, owner_id, owner, owner_kind, calls_30d, refused_30d, calls_previous_30d, $turns_of",
	"SELECT a.app_id, a.name, a.path, a.owner_id, a.owner, a.owner_kind, $thirty, $sixty, $last FROM t.app a LEFT JOIN t.counted c USING (app) WHERE NOT a.is_deleted GROUP BY 1, 2, 3, 4, 5, 6");
compare('inactive_apps r', "app_id, app, app_path, owner_id, owner, days_inactive, never_used, $turns_of",
	"SELECT a.app_id, a.name, a.path, a.owner_id, a.owner, ($first + $days * 86400 - 900 - coalesce(max(x.at) FILTER (WHERE c.is_allowed), a.made)) / 86400, max(x.at) FILTER (WHERE c.is_allowed) IS NULL, $last
	   FROM t.app a LEFT JOIN t.counted c USING (app) LEFT JOIN t.turn x USING (turn) WHERE NOT a.is_deleted AND a.app <> 'waits' GROUP BY a.app_id, a.name, a.path, a.owner_id, a.owner, a.made");
compare('high_usage_apps', 'rank, app_id, app, app_path, is_deleted, owner_id, owner, owner_kind, calls_30d, round(share_of_calls::numeric, 9), round(calls_per_day::numeric, 6), peak_day, peak_calls, calls_previous_30d, round(change::numeric, 6)',
	q{SELECT 1 + (SELECT count(*) FROM s y WHERE y.calls > s.calls AND NOT y.is_deleted), app_id, app_name, path, false, owner_id, owner, owner_kind, calls, round(calls / (SELECT sum(y.calls) FROM s y), 9), round(calls / 30.0, 6),
	       (d.peak)[1], (d.peak)[2], previous, round((calls - previous)::numeric / nullif(previous, 0), 6)
	    FROM s CROSS JOIN LATERAL (SELECT ARRAY[to_char(c.day, 'YYYY-MM-DD'), count(*)::text] AS peak FROM t.counted c WHERE c.app = s.app AND c.is_allowed AND n_days < 30 GROUP BY c.day ORDER BY count(*) DESC, c.day DESC LIMIT 1) AS d
	   WHERE NOT is_deleted AND calls > 0} =~ s/^/WITH s AS (SELECT c.app, c.app_id, c.app_name, c.path, c.is_deleted, c.owner_id, c.owner, c.owner_kind, count(*) FILTER (WHERE n_days < 30 AND is_allowed) AS calls, count(*) FILTER (WHERE n_days BETWEEN 30 AND 59 AND is_allowed) AS previous FROM t.counted c WHERE c.app IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6, 7, 8) /r);
compare('team_usage r', "team_id, team, apps, calls_30d, refused_30d, " . sprintf($turn_of, 'r.last_used_at'),
	"SELECT t.team_id, t.name, count(DISTINCT a.app), $thirty, max(c.turn) FILTER (WHERE c.is_allowed) FROM t.team t LEFT JOIN t.app a ON a.owner_id = t.team_id AND NOT a.is_deleted LEFT JOIN t.counted c USING (app) GROUP BY 1, 2");
compare('product_adoption', 'product_id, product, is_deleted, active_apps_30d, calls_30d, refused_30d, coalesce(responses_30d, 0), coalesce(client_errors_30d, 0), coalesce(server_errors_30d, 0)',
	q{SELECT p.product_id, p.name, p.is_deleted, count(DISTINCT c.app) FILTER (WHERE c.is_allowed), count(c.day) FILTER (WHERE c.is_allowed), count(c.day) FILTER (WHERE NOT c.is_allowed),
	       (SELECT count(*) FROM t.answered r WHERE r.n_days < 30 AND r.product_id IS NOT DISTINCT FROM p.product_id),
	       (SELECT count(*) FROM t.answered r WHERE r.n_days < 30 AND r.product_id IS NOT DISTINCT FROM p.product_id AND r.status BETWEEN 400 AND 499),
	       (SELECT count(*) FROM t.answered r WHERE r.n_days < 30 AND r.product_id IS NOT DISTINCT FROM p.product_id AND r.status >= 500)
	    FROM (SELECT product_id, name, is_deleted FROM t.product UNION ALL SELECT NULL, NULL, false) AS p LEFT JOIN t.counted c ON c.n_days < 30 AND c.product_id IS NOT DISTINCT FROM p.product_id
	   GROUP BY 1, 2, 3});

# ---------- keys, quotas and decisions ----------

my $keys = "(SELECT k.*, a.app_id, a.is_deleted FROM t.key k JOIN t.app_key x USING (key) JOIN t.app a USING (app)) AS k";
compare('credentials r', "credential_id, app_id, $turns_of",
	"SELECT k.credential_id, k.app_id, $last FROM $keys LEFT JOIN t.counted c USING (key) WHERE NOT k.is_deleted GROUP BY 1, 2");
compare('rotations r', "credential_id, secret_version, $turns_of",
	"SELECT k.credential_id, k.version, $last FROM $keys LEFT JOIN t.counted c USING (key) WHERE NOT k.is_deleted GROUP BY 1, 2");
compare('quota_usage', 'app_id, product_id, environment, quota_limit, used, remaining',
	"SELECT c.app_id, c.product_id, c.environment, 20, count(*), 20 - count(*) FROM t.counted c WHERE c.n_days = 0 AND c.is_allowed AND c.product_name = 'limited' GROUP BY 1, 2, 3");
compare('approvals', q{app_id, is_deleted, product_id, outcome, decided_by_kind, owner_then_id, owner_then, date_trunc('hour', requested_at), date_trunc('hour', decided_at), round(hours::numeric, 1)},
	q{SELECT a.app_id, a.is_deleted, p.product_id, d.outcome, d.kind, d.owner_id, d.owner, date_trunc('hour', to_timestamp(d.asked)), date_trunc('hour', to_timestamp(d.at)), CASE WHEN d.outcome <> 'revoked' THEN round((d.at - d.asked) / 3600.0, 1) END
	    FROM t.decision d JOIN t.app a USING (app) LEFT JOIN t.product p USING (product)});

# ---------- they agree with each other ----------

my $last_30 = "day > DATE '2028-03-13' - 30";
my $of_no_app = "(SELECT sum(calls) FROM devapp_report.denials WHERE app_id IS NULL AND $last_30)";
my $agreed = ask('SELECT count(*) FILTER (WHERE is_allowed), count(*) FILTER (WHERE NOT is_allowed) FROM t.counted WHERE n_days < 30');
my %adds_up = (
	usage_daily => "SELECT sum(calls), sum(refused) FROM devapp_report.usage_daily WHERE $last_30",
	usage_hourly => "SELECT sum(calls), sum(refused) FROM devapp_report.usage_hourly WHERE hour >= DATE '2028-03-13' - 29",
	usage_totals => 'SELECT sum(calls), sum(refused) FROM devapp_report.usage_totals',
	verdict_totals => "SELECT sum(calls) FILTER (WHERE code = 'VALID'), sum(calls) FILTER (WHERE code <> 'VALID') FROM devapp_report.verdict_totals WHERE $last_30",
	denials => "SELECT (SELECT sum(calls) FROM devapp_report.usage_totals), sum(calls) FROM devapp_report.denials WHERE $last_30",
	product_adoption => 'SELECT sum(calls_30d), sum(refused_30d) FROM devapp_report.product_adoption',
	apps => "SELECT sum(calls_30d), sum(refused_30d) + $of_no_app FROM devapp_report.apps",
	app_inventory => "SELECT sum(calls_30d) + (SELECT sum(calls_30d) FROM devapp_report.apps WHERE is_deleted), sum(refused_30d) + (SELECT sum(refused_30d) FROM devapp_report.apps WHERE is_deleted) + $of_no_app FROM devapp_report.app_inventory");
is(ask($adds_up{$_}), $agreed, "$_ adds up to all calls of 30 days") for sort keys %adds_up;
my %responses = (
	latency_daily => "SELECT sum(responses), sum(client_errors), sum(server_errors) FROM devapp_report.latency_daily WHERE $last_30",
	latency_totals => "SELECT sum(responses), sum(client_errors), sum(server_errors) FROM devapp_report.latency_totals WHERE $last_30",
	product_adoption => 'SELECT sum(responses_30d), sum(client_errors_30d), sum(server_errors_30d) FROM devapp_report.product_adoption');
my $told = ask('SELECT count(*), count(*) FILTER (WHERE status BETWEEN 400 AND 499), count(*) FILTER (WHERE status >= 500) FROM t.answered WHERE n_days < 30');
is(ask($responses{$_}), $told, "$_ adds up to all responses of 30 days") for sort keys %responses;

# A correction is in every report of days, and in none of hours.
my ($allowed, $refused) = split /\|/, $agreed;
my $counted = ask(q{SELECT count(*) FROM t.counted WHERE day = '2028-03-01' AND app = 'forecast' AND product = 'weather' AND environment = 'live' AND is_allowed});
ask("SELECT FROM devapp.correct_usage(app => '$app{forecast}{id}', product => 'weather', environment => 'live', day => '2028-03-01', calls => $counted + 1000, note => 'found in a log'); SELECT FROM devapp.refresh_reports()");
is(ask($adds_up{$_}), $allowed + ($_ eq 'usage_hourly' ? 0 : 1000) . "|$refused", "$_ after a correction") for sort keys %adds_up;

# no report of calls was forgotten
is( ask(q{SELECT DISTINCT attrelid::regclass FROM pg_attribute WHERE attname ~ '^(calls|refused|responses|last_used|hours$)'
		AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'devapp_report'::regnamespace AND relkind IN ('v', 'm'))
		AND attrelid::regclass::text <> ALL ('{devapp_report.usage_daily,devapp_report.usage_hourly,devapp_report.denials,devapp_report.usage_totals,devapp_report.verdict_totals,devapp_report.latency_daily,devapp_report.latency_totals,
			devapp_report.apps,devapp_report.app_inventory,devapp_report.inactive_apps,devapp_report.high_usage_apps,devapp_report.team_usage,devapp_report.product_adoption,devapp_report.credentials,devapp_report.rotations,devapp_report.approvals}'
			::text[])}),
	'', 'every report of calls was compared');
$node->stop;

done_testing();
