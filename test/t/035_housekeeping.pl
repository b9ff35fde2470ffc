# The housekeeper: what the worker does beside flushing, when, with whose rights, and
# that it keeps nobody waiting.  It looks about once a minute, and at once after a
# start, so most passes here come by a restart.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib $FindBin::RealBin;
use Devapp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('main', "shared_preload_libraries = 'devapp'
devapp.flush_interval = 1
devapp.rotation_max_age = 1");
my $tasks = q{SELECT string_agg(task, ' ' ORDER BY task) FROM devapp.housekeeping WHERE done_at > now() - interval '1 hour'};
my $months = q{SELECT count(*) FROM pg_inherits WHERE inhparent = 'devapp.audit_event'::regclass};

sub sql
{
	my ($sql, $db) = @_;
	return $node->safe_psql($db || 'postgres', $sql);
}

# until(SQL, db): wait for it to be true
sub until_true
{
	my ($sql, $db) = @_;
	$node->poll_query_until($db || 'postgres', $sql) or die "never true: $sql";
	return;
}

# look_again(db): a whole pass
sub look_again
{
	my ($db) = @_;
	$node->restart;
	until_true('SELECT greatest(last_housekeeping_at, last_housekeeping_error_at) IS NOT NULL FROM devapp.worker_status', $db);
	return;
}

# Every task is due.
sub make_due
{
	sql("UPDATE devapp.housekeeping SET done_at = '-infinity'");
	return;
}

# ---------- when ----------

make_program($node);
my $app = create_app($node, 'caller');
# a secret that is due to be rotated
sql(q{SET session_replication_role = replica;
	UPDATE devapp.credential_secret SET valid_from = now() - interval '2 days'});
look_again();
is(sql($tasks), 'maintain_audit notify_quotas refresh_reports schedule_notifications', 'what the housekeeper sees for the first time waits for its turn, but for reports');
is(sql($months), 1, 'no month of the trail is made yet');
is(sql('SELECT count(*) FROM devapp.notification'), 0, 'nobody is reminded yet');
like(doctor($node, 'housekeeping'), qr/^ok\|/, 'doctor is content');

make_due();
look_again();
is(sql($months), 5, 'then the months of the trail are made');
is(sql('SELECT event FROM devapp.notification'), 'rotation_overdue', 'and reminders are queued');
is(sql('SELECT count(*) FROM devapp.audit_checkpoint'), 0, 'a trail that was never sealed is left alone');
is(sql($tasks), 'maintain_audit notify_quotas refresh_reports schedule_notifications', 'each task was recorded');
is(sql('SELECT count(*) FROM devapp.housekeeping WHERE done_at > now()'), 0, 'at a time that has been');

# reports: filled at the first pass, later refreshed beside their readers
my $refreshed = q{SELECT bool_and(as_of IS NOT NULL) || '|' || count(error) FROM devapp.report_refresh};
is(sql($refreshed), 'true|0', 'the reports are filled at once');
sql(q{UPDATE devapp.report_refresh SET as_of = NULL WHERE report = 'product_adoption';
	DELETE FROM devapp.housekeeping WHERE task = 'refresh_reports'});
look_again();
is(sql($refreshed), 'true|0', 'and refreshed when it is time');

sql('CREATE DATABASE fresh');
sql('SET client_min_messages = warning; CREATE EXTENSION devapp CASCADE', 'fresh');
until_true('SELECT bool_and(as_of IS NOT NULL) FROM devapp.report_refresh', 'fresh');
pass('a database that has just got the extension is looked after without a call in it');
sql('DROP DATABASE fresh WITH (FORCE)');

# a clock that was set back
sql("UPDATE devapp.housekeeping SET done_at = now() + interval '1 year'");
look_again();
is(sql($tasks . ' AND done_at <= now()'), 'maintain_audit notify_quotas refresh_reports schedule_notifications', 'a time in the future is no reason to wait for it');

sql('SELECT devapp.seal_audit()');
look_again();
sql(q{SELECT devapp.create_product('more')});
make_due();
look_again();
is(sql('SELECT count(*), count(DISTINCT tree_size) FROM devapp.audit_checkpoint'), '2|2', 'a trail that was sealed once is sealed');
is(sql('SELECT count(*) FROM devapp.verify_audit()'), 0, 'and is in order');

# ---------- when not ----------

sql(q{SELECT devapp.create_product('yet more')});
$node->append_conf('postgresql.conf', 'devapp.seal_interval = 0');
make_due();
look_again();
is(sql('SELECT count(*) FROM devapp.audit_checkpoint'), 2, 'devapp.seal_interval = 0: nothing is sealed');
is(sql($tasks), 'maintain_audit notify_quotas refresh_reports schedule_notifications', 'the rest is done');
$node->append_conf('postgresql.conf', "devapp.seal_interval = '1h'");

make_due();
sql('ALTER DATABASE postgres SET devapp.restoring = on');
look_again();
is(sql($tasks), '', 'a database that is being restored is left alone');
sql('ALTER DATABASE postgres RESET devapp.restoring');

# ---------- what goes wrong ----------

$node->append_conf('postgresql.conf', "devapp.audit_key_file = '/nowhere/key'");
look_again();
like(sql('SELECT last_housekeeping_error FROM devapp.worker_status'), qr{could not open audit key file "/nowhere/key"}, 'an error is recorded');
like(doctor($node, 'housekeeping'), qr{^warning\|the last run failed: could not open audit key file "/nowhere/key"}, 'doctor says so');
is(sql($tasks), 'maintain_audit notify_quotas refresh_reports schedule_notifications', 'the other tasks are done');
is(sql(q{SELECT done_at FROM devapp.housekeeping WHERE task = 'seal_audit'}), '-infinity', 'this one stays due');
like(doctor($node, 'metering'), qr/^ok\|/, 'flushing does not mind');
$node->append_conf('postgresql.conf', "devapp.audit_key_file = ''");
look_again();
is(sql('SELECT count(*) FROM devapp.audit_checkpoint'), 3, 'it is done when it works again');
like(doctor($node, 'housekeeping'), qr/^ok\|/, 'doctor is content');

# ---------- whose rights ----------

# An extension whose owner is no superuser any more, and tries to become one: by a
# function that the worker calls, by a trigger, by a deferred trigger.
sql('CREATE ROLE boss SUPERUSER; CREATE DATABASE owned OWNER boss');
sql(q{SET ROLE boss;
	CREATE EXTENSION devapp CASCADE;
	SELECT devapp.create_developer('ada@example.com');
	CREATE SCHEMA boss;
	CREATE TABLE boss.seen (who text, by text);
	RESET ROLE;
	ALTER ROLE boss NOSUPERUSER;
	SET ROLE boss;
	CREATE FUNCTION boss.climb(by text) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO boss.seen VALUES (current_user, by);
		BEGIN
			EXECUTE 'RESET ROLE';
		EXCEPTION WHEN OTHERS THEN NULL;
		END;
		BEGIN
			EXECUTE 'ALTER ROLE boss SUPERUSER';
		EXCEPTION WHEN insufficient_privilege THEN NULL;
		END;
	END $$;
	CREATE FUNCTION boss.climb() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM boss.climb(TG_NAME);
		RETURN NULL;
	END $$;
	CREATE OR REPLACE FUNCTION devapp_internal.flush_counts() RETURNS bigint LANGUAGE sql
		AS $$ SELECT boss.climb('flush'); SELECT 0::bigint $$;
	CREATE MATERIALIZED VIEW boss.view AS SELECT 1 AS one;
	CREATE UNIQUE INDEX ON boss.view (one);
	CREATE OR REPLACE FUNCTION devapp_internal.seal_audit_if_due() RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM boss.climb('seal');
		REFRESH MATERIALIZED VIEW CONCURRENTLY boss.view;
	END $$;
	CREATE TRIGGER at_once AFTER INSERT OR UPDATE ON devapp.housekeeping EXECUTE FUNCTION boss.climb();}, 'owned');
look_again('owned');
is(sql(q{SELECT string_agg(DISTINCT who || ' ' || by, ', ' ORDER BY who || ' ' || by) FROM boss.seen}, 'owned'),
	'boss at_once, boss flush, boss seal', 'each step runs with the rights of the owner');
is(sql(q{SELECT rolsuper FROM pg_roles WHERE rolname = 'boss'}), 'f', 'who gained none by it');
is(sql(q{SELECT housekeeping_errors FROM devapp.worker_status}, 'owned'), 0, 'that are enough');
sql(q{SET ROLE boss;
	CREATE CONSTRAINT TRIGGER later AFTER INSERT OR UPDATE ON devapp.housekeeping
		DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION boss.climb();}, 'owned');
# without triggers, which would have the rights of this session
sql(q{SET session_replication_role = replica; UPDATE devapp.housekeeping SET done_at = '-infinity'}, 'owned');
look_again('owned');
is(sql(q{SELECT DISTINCT who FROM boss.seen WHERE by = 'later'}, 'owned'), 'boss', 'so does a trigger that fires at its end');
is(sql(q{SELECT rolsuper FROM pg_roles WHERE rolname = 'boss'}), 'f', 'so nothing is gained by that either');

# ---------- a task that takes long ----------

sql('CREATE DATABASE slow');
make_program($node, db => 'slow');
sql(q{CREATE OR REPLACE FUNCTION devapp_internal.refresh_reports_if_due() RETURNS void LANGUAGE sql AS 'SELECT pg_sleep(3600)'}, 'slow');
my $running = q{SELECT count(*) = 1 FROM pg_stat_activity
	 WHERE backend_type = 'devapp housekeeper' AND datname = 'slow' AND wait_event = 'PgSleep'};
$node->restart;
until_true($running);
sql("SELECT count(devapp.verify_key('$app->{secret}', $Devapp::CALL)) FROM generate_series(1, 5)");
until_true('SELECT coalesce(sum(calls), 0) = 5 FROM devapp.usage_minute');
sql("SELECT devapp.verify_key('x', $Devapp::CALL)", 'slow');
until_true('SELECT coalesce(sum(calls), 0) = 1 FROM devapp.usage_minute', 'slow');
is(sql($running), 't', 'a task that takes long keeps no flush waiting, here or elsewhere');
$node->restart;
pass('nor the end of the server');
until_true($running);
sql('DROP DATABASE slow WITH (FORCE)');
until_true(q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'devapp housekeeper'});
pass('nor a DROP DATABASE that does not wait');
sql("SELECT count(devapp.verify_key('$app->{secret}', $Devapp::CALL)) FROM generate_series(1, 5)");
until_true('SELECT sum(calls) = 10 FROM devapp.usage_minute');
pass('flushing goes on');

# ---------- quotas ----------

# a soft quota, which is counted in memory and flushed
my $limited = create_app($node, 'limited');
sql("SELECT devapp.update_product('weather', quota_limit => 10, quota_unit => 'never')");
my $told = q{SELECT string_agg(event || ' ' || (payload ->> 'used'), ', ' ORDER BY notification_id) FROM devapp.notification WHERE event LIKE 'quota%'};
sql(qq{SELECT count((devapp.verify_key('$limited->{secret}', $Devapp::CALL)).code) FROM generate_series(1, 8)});
sql('SELECT devapp.flush_usage()');
make_due();
look_again();
is(sql($told), 'quota_nearly_used 8', '80 % of a quota is told');
sql(qq{SELECT count((devapp.verify_key('$limited->{secret}', $Devapp::CALL)).code) FROM generate_series(1, 5)});
sql('SELECT devapp.flush_usage()');
for (1, 2)
{
	make_due();
	look_again();
}
is(sql($told), 'quota_nearly_used 8, quota_used_up 10', 'and once that it is used up');

# ---------- roles ----------

sql('SELECT devapp.setup_roles(); CREATE ROLE admin LOGIN IN ROLE devapp_admin');
is(error_of($node, 'SET ROLE admin; SELECT devapp_internal.seal_audit_if_due()'), '42501', 'the steps are the worker\'s alone');
is(sql('SET ROLE admin; SELECT count(*) FROM devapp.housekeeping'), 6, 'an administrator sees when each was done');
is(error_of($node, q{SET ROLE admin; UPDATE devapp.housekeeping SET done_at = 'infinity'}), '42501', 'and cannot change it');

done_testing();
