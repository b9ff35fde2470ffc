# A month of usage that cannot be written to stops nothing else: the worker goes on with the
# other months, minutes wait in their table and response times in memory, and all of it is
# there, once, when the month can be written to again.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('main', "shared_preload_libraries = 'devapp'
devapp.flush_interval = 1
timezone = 'UTC'");
make_program($node);
my $app = create_app($node, 'caller');

sub sql { return $node->safe_psql('postgres', $_[0]) }

sub becomes_true
{
	my ($query, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	ok($node->poll_query_until('postgres', $query), $name);
	return;
}

# call(): one call now, which is two rows of responses as well: of today, and of a day of the last month
sub call
{
	sql("SELECT devapp.verify_key('$app->{secret}', $Devapp::CALL);
		SELECT devapp.record_usage('$app->{credential_id}', 'weather', 200, '1 ms'),
			devapp.record_usage('$app->{credential_id}', 'weather', 200, '1 ms', date_trunc('month', now()) - interval '1 hour')");
	return;
}
my $responses = q{SELECT coalesce(sum(calls), 0) FROM devapp.usage_latency WHERE day %s date_trunc('month', now())};
my ($old_responses, $new_responses) = map { sprintf $responses, $_ } '<', '>=';

# a refusal of the present month's hours, and of the last month's response times
call();
becomes_true("SELECT ($new_responses) = 1 AND ($old_responses) = 1 AND (SELECT sum(calls) FROM devapp.usage_hour) = 1", 'all is written');
my $hours = sql(q{SELECT devapp_internal.usage_partition('usage_hour', now())});
my $latencies = sql(q{SELECT devapp_internal.usage_partition('usage_latency', date_trunc('month', now()) - interval '1 hour')});
sql(qq{CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN RAISE EXCEPTION '% is closed', TG_RELNAME; END \$\$;
	CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON $hours FOR EACH ROW EXECUTE FUNCTION refuse();
	CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON $latencies FOR EACH ROW EXECUTE FUNCTION refuse()});
my $seen = -s $node->logfile;
for my $n (2 .. 4)
{
	call();
	becomes_true("SELECT sum(calls) = $n FROM devapp.usage_minute", "$n calls are in the minutes");
	becomes_true("SELECT ($new_responses) = $n", 'and so are their response times');
}
is(sql("SELECT ($old_responses), (SELECT sum(calls) FROM devapp.usage_hour), (SELECT sum(calls) FROM devapp.usage_day)"), '1|1|1', 'what cannot be written is not');
becomes_true('SELECT count(*) = 3 AND bool_and(cardinality(waiting_months) = 1) FROM devapp.usage_flush', 'three flushes wait for the month');
my $month = sql(q{SELECT to_char(now(), 'YYYY-MM')});
is(doctor($node, 'storage'), "error|usage that could not be added to hours and days: $month", 'doctor names it');
like(doctor($node, 'metering'), qr/^warning\|the last flush or shipment failed: response times of \d{4}-\d\d could not be written: usage_latency_\d{4}_\d\d is closed$/, 'and the response times');
my $log = slurp_file($node->logfile, $seen);
is(scalar(() = $log =~ /WARNING: +usage of $month could not be added to hours and days: usage_hour_\d{4}_\d\d is closed/g), 1, 'the log tells of the hours once');
is(scalar(() = $log =~ /WARNING: +response times of/g), 1, 'and of the response times');
like($log, qr/HINT: .*storage/, 'with a hint');
unlike($log, qr/ERROR/, 'and no flush has failed');

# a flush that is rolled back gives back everything
sql('BEGIN; SELECT devapp.flush_usage(); ROLLBACK');
is(sql("SET client_min_messages = error; SELECT devapp.flush_usage() > 0; SELECT ($old_responses)"), "t\n1", 'response times are taken and put back');

# a restart keeps what is in memory
$node->restart;
call();
becomes_true("SELECT ($new_responses) = 5", 'flushes go on after a restart');

# a day of this month is not complete, so it cannot be corrected; its first is today
SKIP:
{
	skip 'no day of this month is over', 1 if sql(q{SELECT extract(day FROM now()) = 1}) eq 't';
	my ($state, $report) = error_of($node, "SET client_min_messages = error;
		SELECT devapp.correct_usage('$app->{app_id}', 'weather', 'live', (now() - interval '1 day')::date, 1, 'test')");
	is($state, '55000', 'a day of the month cannot be corrected');
}

sql("DROP TRIGGER refuse ON $hours; DROP TRIGGER refuse ON $latencies");
becomes_true("SELECT ($old_responses) = 5", 'response times are written by the next flush');
sql('SELECT devapp.flush_usage()');
is( sql("SELECT (SELECT sum(calls) FROM devapp.usage_hour), (SELECT sum(calls) FROM devapp.usage_day), ($old_responses), ($new_responses), (SELECT count(*) FROM devapp.usage_flush)"),
	'5|5|5|5|0', 'and each call is in hours, days and response times once');
is(doctor($node, 'storage'), 'ok|calls are added to heap tables', 'doctor is content');
call();
becomes_true("SELECT ($old_responses) = 6 AND (SELECT sum(calls) FROM devapp.usage_hour) = 6", 'and so it goes on');
like(doctor($node, 'metering'), qr/^ok\|/, 'with nothing to tell');

done_testing();
