/*
 * launcher.c
 *		The launcher: who starts the processes that do devapp's work in databases.
 *
 * One process of the server, the launcher, wakes up every devapp.flush_interval and
 * looks which databases have counts.  For each of them, one after the other, it starts
 * a short-lived flusher (flusher.c).  So nobody stays connected, which would be in
 * the way of DROP DATABASE.  Once an hour it looks into every database, and so learns
 * of those that have the extension where nobody calls.
 *
 * A database with the extension also gets a housekeeper, about once a minute; it
 * decides what is due.  Housekeepers run one at a time too, but beside the flushers:
 * what takes them long does not hold up flushing.
 *
 * Counts of a database that is gone are discarded.  No process is started there: the
 * launcher makes sure that the database is there, and keeps it from being dropped until
 * the process is connected.
 *
 * On a standby it starts shippers (shipper.c) in the place of flushers, if it is told
 * where the primary is (devapp.primary_conninfo); if not, the counts wait for the
 * promotion, which it notices at its next round.  Where devapp.max_staleness is set it also
 * keeps the heartbeat (heartbeat.c).  A shipper stays where there are leases of quotas; a call
 * that needs one wakes the launcher, where no shipper is there yet.  When the server is shut down, the
 * postmaster writes what is left to files (spool.c), which the flushers take.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "base/clock.h"
#include "base/compat.h"
#include "base/structure.h"
#include "meter/meter.h"
#include "meter/registry.h"
#include "quota/lease.h"
#include "ship/sender.h"
#include "ship/spool.h"
#include "standby/heartbeat.h"
#include "worker/launcher.h"

#define RESTART_SECONDS		5
#define SWEEP_SECONDS		3600
#define HOUSE_SECONDS		60
#define SHIP_SECONDS		60	/* between tries, at most */
#define LEASE_SECONDS		1	/* between tries, at least, where a call needs a lease */
#define IDLE_SECONDS		60	/* how often to look where flushing is off */

PGDLLEXPORT void devapp_launcher_main(Datum arg);

/* the one that runs; NULL: none */
static BackgroundWorkerHandle *housekeeper = NULL;

/* on a standby, after shipping has failed; 0: it has not */
static int	ship_delay = 0;
static TimestampTz next_shipment = 0;

/* on a standby: a lease is wanted, but not before this time */
static bool lease_wanted = false;
static TimestampTz next_lease = 0;

static void
describe_worker(BackgroundWorker *worker, const char *function)
{
	memset(worker, 0, sizeof(BackgroundWorker));
	worker->bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker->bgw_start_time = BgWorkerStart_ConsistentState;
	strlcpy(worker->bgw_library_name, "devapp", sizeof(worker->bgw_library_name));
	strlcpy(worker->bgw_function_name, function, BGW_MAXLEN);
}

/* Called by _PG_init() in the postmaster. */
void
launcher_register(void)
{
	BackgroundWorker worker;

	describe_worker(&worker, "devapp_launcher_main");
	worker.bgw_restart_time = RESTART_SECONDS;
	strlcpy(worker.bgw_name, "devapp launcher", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "devapp launcher", BGW_MAXLEN);
	RegisterBackgroundWorker(&worker);
}

/* ---------- the launcher ---------- */

/* The databases, in the current memory context; closed: also where nobody may connect. */
static List *
list_databases(bool closed)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *oids = NIL;
	Relation	relation;
	TableScanDesc scan;
	HeapTuple	tuple;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	relation = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(relation, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);
		MemoryContext old = MemoryContextSwitchTo(context);

		if (closed || database->datallowconn)
			oids = lappend_oid(oids, database->oid);
		MemoryContextSwitchTo(old);
	}
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return oids;
}

/*
 * Sleeps, or until something happens.  Whatever the launcher waits for, it waits here, so the
 * heartbeat goes on meanwhile; no transaction may be open.
 */
static void
sleep_for(long milliseconds)
{
	TimestampTz start = GetCurrentTimestamp();
	long		left = milliseconds;

	while (left > 0)
	{
		long		next = heartbeat_tick();
		int			event = WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
									  next >= 0 ? Min(next, left) : left, PG_WAIT_EXTENSION);

		if (event & WL_LATCH_SET)
			break;
		/* a clock that was put back does not prolong it */
		left = Min(left - 1, milliseconds - TimestampDifferenceMilliseconds(start, GetCurrentTimestamp()));
	}
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/*
 * Asked before each sleep: somebody else may have reset the latch of a signal that
 * came while it waited for something.
 */
static void
reload_if_told(void)
{
	if (!ConfigReloadPending)
		return;
	ConfigReloadPending = false;
	ProcessConfigFile(PGC_SIGHUP);
	/* where the primary is may be what has changed */
	ship_delay = 0;
}

static bool
database_exists(Oid database)
{
	bool		exists;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	exists = SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(database));
	CommitTransactionCommand();
	return exists;
}

/* Wait until the process holds the lock of its database itself, or has ended. */
static void
wait_until_connected(BackgroundWorkerHandle *handle, Oid database)
{
	BgwHandleStatus status;
	pid_t		pid;

	while (!ShutdownRequestPending &&
		   ((status = GetBackgroundWorkerPid(handle, &pid)) == BGWH_STARTED ||
			status == BGWH_NOT_YET_STARTED))
	{
		PGPROC	   *process = status == BGWH_STARTED ? BackendPidGetProc(pid) : NULL;

		if (process != NULL && process->databaseId == database)
			return;
		sleep_for(10);
	}
}

/* Register a process for a database; NULL if there is no place for it. */
static BackgroundWorkerHandle *
register_process(Oid database, const char *what, const char *function, RegistryJob job)
{
	static const char no_slot[] = "no background worker slot is free; raise max_worker_processes";
	BackgroundWorker worker;
	BackgroundWorkerHandle *handle;
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	bool		started;

	describe_worker(&worker, function);
	worker.bgw_flags |= BGWORKER_INTERRUPTIBLE;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_main_arg = ObjectIdGetDatum(database);
	worker.bgw_notify_pid = MyProcPid;
	snprintf(worker.bgw_name, BGW_MAXLEN, "devapp %s for database %u", what, database);
	snprintf(worker.bgw_type, BGW_MAXLEN, "devapp %s", what);
	started = RegisterDynamicBackgroundWorker(&worker, &handle);
	MemoryContextSwitchTo(old);
	if (started)
		return handle;
	if (registry_report_error(database, job, no_slot))
		ereport(WARNING,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("devapp %s could not be started: no background worker slot is free", what),
				 errhint("Raise max_worker_processes.")));
	return NULL;
}

/* Start a process in a database; NULL if it is gone, or there is no place for it. */
static BackgroundWorkerHandle *
start_process(Oid database, const char *what, const char *function, RegistryJob job)
{
	BackgroundWorkerHandle *handle = NULL;

	if (!database_try_lock(database))
		return NULL;
	if (database_exists(database))
		handle = register_process(database, what, function, job);
	if (handle != NULL)
		wait_until_connected(handle, database);
	database_unlock(database);
	return handle;
}

/* Start a process, and wait until it has ended, or stays to look after leases. */
static void
run_process(Oid database, const char *what, const char *function)
{
	BackgroundWorkerHandle *handle = start_process(database, what, function, JOB_FLUSH);
	pid_t		pid;

	if (handle == NULL)
		return;
	while (!ShutdownRequestPending && !leases_are_attended(database) &&
		   GetBackgroundWorkerPid(handle, &pid) != BGWH_STOPPED)
		sleep_for(1000);
	pfree(handle);
}

/* Start the next housekeeper, if there is one to start and none runs. */
static void
keep_house(void)
{
	Oid			database;
	pid_t		pid;

	if (housekeeper != NULL)
	{
		if (GetBackgroundWorkerPid(housekeeper, &pid) != BGWH_STOPPED)
			return;
		pfree(housekeeper);
		housekeeper = NULL;
	}
	database = registry_next_to_keep(HOUSE_SECONDS);
	if (OidIsValid(database))
		housekeeper = start_process(database, "housekeeper",
									"devapp_housekeeper_main", JOB_HOUSEKEEPING);
}

/* ---------- rounds ---------- */

/*
 * Milliseconds until then; after a clock has jumped back not more than the
 * interval.
 */
static long
time_until(TimestampTz then, int seconds)
{
	long		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), then);

	return Min(left, seconds * 1000L);
}

static bool
has_come(TimestampTz then, int seconds)
{
	TimestampTz now = GetCurrentTimestamp();

	return now >= then || then - now > seconds * USECS_PER_SEC;
}

/*
 * The databases with counts; the counts of those that are gone are discarded.  Where
 * new connections are not allowed there may be old ones that count.
 */
static List *
databases_with_counts(const Oid *pending, int n)
{
	List	   *existing = n > 0 ? list_databases(true) : NIL;
	List	   *wanted = NIL;

	for (int i = 0; i < n; i++)
	{
		if (list_member_oid(existing, pending[i]))
			wanted = list_append_unique_oid(wanted, pending[i]);
		else
		{
			(void) meter_discard(pending[i]);
			registry_forget(pending[i]);
			spool_discard(pending[i]);
			leases_forget(pending[i]);
		}
	}
	return wanted;
}

/* On a primary: flush what there is; with everything, look into all databases. */
static void
flush_round(bool everything)
{
	int			n;
	Oid		   *pending = registry_pending(&n);
	List	   *wanted = databases_with_counts(pending, n);
	ListCell   *cell;

	if (everything)
		wanted = list_concat_unique_oid(wanted, list_databases(false));
	foreach(cell, wanted)
	{
		if (ShutdownRequestPending)
			break;
		run_process(lfirst_oid(cell), "flusher", "devapp_flusher_main");
	}
}

/* Run shippers where none stays.  False: one of them failed. */
static bool
run_shippers(const Oid *databases, int n)
{
	bool		failed = false;
	ListCell   *cell;

	foreach(cell, databases_with_counts(databases, n))
	{
		Oid			database = lfirst_oid(cell);

		if (ShutdownRequestPending)
			break;
		if (leases_are_attended(database))
			continue;
		run_process(database, "shipper", "devapp_shipper_main");
		failed |= registry_is_unfinished(database) && !leases_are_attended(database);
	}
	return !failed;
}

/* On a standby: a call needs a lease, and no shipper is there; but not at every call. */
static void
lease_round(void)
{
	Oid		   *databases;
	int			n;

	lease_wanted |= leases_want_launcher();
	if (!lease_wanted || !has_come(next_lease, LEASE_SECONDS))
		return;
	lease_wanted = false;
	databases = leases_databases(&n);
	(void) run_shippers(databases, n);
	next_lease = seconds_from_now(LEASE_SECONDS);
}

/*
 * On a standby: ship what there is.  After a failure the next round waits for longer
 * and longer, but not for more than a minute.
 */
static void
ship_round(int interval)
{
	int			n;
	Oid		   *pending = registry_pending(&n);
	int			with_leases;
	Oid		   *databases = leases_databases(&with_leases);
	Oid		   *all;
	bool		failed;

	if (n + with_leases == 0 || devapp_primary_conninfo[0] == '\0' ||
		(ship_delay > 0 && !has_come(next_shipment, ship_delay)))
		return;
	/* one shipper does both */
	all = palloc(sizeof(Oid) * (Size) (n + with_leases));
	memcpy(all, pending, sizeof(Oid) * (Size) n);
	memcpy(all + n, databases, sizeof(Oid) * (Size) with_leases);
	failed = !run_shippers(all, n + with_leases);
	ship_delay = failed ? Min(Max(ship_delay, interval) * 2, SHIP_SECONDS) : 0;
	next_shipment = seconds_from_now(ship_delay);
}

static void
forget_launcher(int code, Datum arg)
{
	registry_set_launcher(0);
	heartbeat_stop();
}

void
devapp_launcher_main(Datum arg)
{
	TimestampTz next_flush = GetCurrentTimestamp();
	TimestampTz next_sweep = next_flush;
	MemoryContext context;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	before_shmem_exit(forget_launcher, (Datum) 0);
	registry_set_launcher(MyProcPid);
	spool_find();
	context = AllocSetContextCreate(TopMemoryContext, "devapp launcher",
									ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);

	while (!ShutdownRequestPending)
	{
		int			interval;

		reload_if_told();
		interval = devapp_flush_interval;
		leases_set_on(interval > 0 && devapp_primary_conninfo[0] != '\0');
		if (interval > 0 && RecoveryInProgress())
			lease_round();
		if (interval > 0 && has_come(next_flush, interval))
		{
			next_flush = seconds_from_now(interval);
			if (RecoveryInProgress())
				ship_round(interval);
			else
			{
				bool		everything = has_come(next_sweep, SWEEP_SECONDS);

				if (everything)
					next_sweep = seconds_from_now(SWEEP_SECONDS);
				flush_round(everything);
			}
			MemoryContextReset(context);
		}
		if (interval > 0 && !ShutdownRequestPending && !RecoveryInProgress())
			keep_house();
		/* who called meanwhile has woken it for something else */
		lease_wanted |= interval > 0 && leases_want_launcher();
		if (!ShutdownRequestPending && !ConfigReloadPending)
			sleep_for(interval <= 0 ? IDLE_SECONDS * 1000L :
					  lease_wanted && RecoveryInProgress() ? time_until(next_lease, LEASE_SECONDS) :
					  Min(time_until(next_flush, interval), HOUSE_SECONDS * 1000L));
	}
	/* not 0: somebody may have ended it without ending the server */
	proc_exit(1);
}
