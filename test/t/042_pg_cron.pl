# Without the worker, by pg_cron: what doc/operations.md says about it works with the version
# that is installed, if one is.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('main');
plan skip_all => 'pg_cron is not installed'
  unless $node->safe_psql('postgres', q{SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_cron'});

my ($section) = slurp_file("$FindBin::RealBin/../../doc/operations.md") =~ /^### Without the worker\n(.*?)^## /ms;
my ($settings, $jobs) = $section =~ /^```text\n(.*?)^```/msg;
$node->append_conf('postgresql.conf', "$settings\ndevapp.flush_interval = 0\ndevapp.refresh_interval = 0\nmax_worker_processes = 12");
$node->restart;
make_program($node);
my $app = create_app($node, 'caller');
$node->safe_psql('postgres', "SET client_min_messages = warning; CREATE EXTENSION pg_cron; $jobs");
my $count = () = $jobs =~ /cron\.schedule/g;
is($node->safe_psql('postgres', 'SELECT count(*) FROM cron.job WHERE active'), $count, 'every job is scheduled');

# all of them now, not at their hours
$node->safe_psql('postgres', "SELECT devapp.verify_key('$app->{secret}', $Devapp::CALL); UPDATE cron.job SET schedule = '* * * * *'");
ok( $node->poll_query_until('postgres', "SELECT count(DISTINCT jobid) = $count FROM cron.job_run_details WHERE status IN ('succeeded', 'failed')"),
	'every job is run');
is($node->safe_psql('postgres', q{SELECT command, return_message FROM cron.job_run_details WHERE status = 'failed'}), '', 'none fails');
is($node->safe_psql('postgres', 'SELECT sum(calls) FROM devapp.usage_minute'), 1, 'calls are flushed');
is($node->safe_psql('postgres', "SELECT bool_and(as_of IS NOT NULL) FROM devapp.report_refresh"), 't', 'reports are filled');

done_testing();
