/*
 * worker.c
 *		The background worker that flushes counted calls to the tables.
 *
 * One process of the server, the launcher, wakes up every devapp.flush_interval and
 * looks which databases have counts.  For each of them, one after the other, it starts
 * a short-lived worker that connects to it, flushes, rolls up and takes care of the
 * partitions, each in a transaction of its own, and ends.  So nobody stays connected,
 * which would be in the way of DROP DATABASE.  Once an hour it looks into every
 * database, because partitions must also be dropped where nobody calls.
 *
 * Nothing here decides whether a count is kept: what is taken from shared memory in a
 * transaction that fails goes back there (meter_batch.c), and is tried again at the
 * next interval.  Counts of a database that is gone, or has no extension, are
 * discarded.
 *
 * It starts when recovery has ended, so on a standby the counts wait for promotion.
 * When the server is shut down, the postmaster writes what is left to a file
 * (meter_file.c).
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "compat.h"
#include "guc.h"
#include "meter.h"

#define RESTART_SECONDS		5
#define SWEEP_SECONDS		3600
#define IDLE_SECONDS		60	/* how often to look where flushing is off */

PGDLLEXPORT void devapp_launcher_main(Datum arg);
PGDLLEXPORT void devapp_flusher_main(Datum arg);

static void
describe_worker(BackgroundWorker *worker, const char *function)
{
	memset(worker, 0, sizeof(BackgroundWorker));
	worker->bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker->bgw_start_time = BgWorkerStart_RecoveryFinished;
	strlcpy(worker->bgw_library_name, "devapp", sizeof(worker->bgw_library_name));
	strlcpy(worker->bgw_function_name, function, BGW_MAXLEN);
}

/* Called by _PG_init() in the postmaster. */
void
worker_register(void)
{
	BackgroundWorker worker;

	describe_worker(&worker, "devapp_launcher_main");
	worker.bgw_restart_time = RESTART_SECONDS;
	strlcpy(worker.bgw_name, "devapp launcher", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "devapp launcher", BGW_MAXLEN);
	RegisterBackgroundWorker(&worker);
}

/* ---------- the launcher ---------- */

/* The databases that one can connect to, in the current memory context. */
static List *
all_databases(void)
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

		if (database->datallowconn)
			oids = lappend_oid(oids, database->oid);
		MemoryContextSwitchTo(old);
	}
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return oids;
}

static void
doze(long milliseconds)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 milliseconds, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

/* Start a worker for a database and wait until it has ended. */
static void
flush_database(Oid database)
{
	BackgroundWorker worker;
	BackgroundWorkerHandle *handle;
	pid_t		pid;

	describe_worker(&worker, "devapp_flusher_main");
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_main_arg = ObjectIdGetDatum(database);
	worker.bgw_notify_pid = MyProcPid;
	snprintf(worker.bgw_name, BGW_MAXLEN, "devapp flusher for database %u", database);
	strlcpy(worker.bgw_type, "devapp flusher", BGW_MAXLEN);
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
	{
		meter_report_error(database, "no background worker slot is free; raise max_worker_processes");
		ereport(WARNING,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("usage could not be flushed: no background worker slot is free"),
				 errhint("Raise max_worker_processes.")));
		return;
	}
	while (!ShutdownRequestPending &&
		   GetBackgroundWorkerPid(handle, &pid) != BGWH_STOPPED)
		doze(1000);
	pfree(handle);
}

/* Flush what there is; with everything, look into the other databases as well. */
static void
make_round(bool everything)
{
	int			n;
	Oid		   *pending = meter_pending(&n);
	List	   *existing = n > 0 || everything ? all_databases() : NIL;
	List	   *wanted = everything ? list_copy(existing) : NIL;
	ListCell   *cell;

	for (int i = 0; i < n; i++)
	{
		if (!list_member_oid(existing, pending[i]))
		{
			(void) meter_discard(pending[i]);
			meter_forget_database(pending[i]);
		}
		else
			wanted = list_append_unique_oid(wanted, pending[i]);
	}
	foreach(cell, wanted)
	{
		if (ShutdownRequestPending)
			break;
		flush_database(lfirst_oid(cell));
	}
}

static void
forget_launcher(int code, Datum arg)
{
	meter_set_worker(0);
}

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

/* If it is time, set the next one. */
static bool
is_time(TimestampTz *next, int seconds)
{
	TimestampTz now = GetCurrentTimestamp();

	if (now < *next && *next - now <= seconds * USECS_PER_SEC)
		return false;
	*next = now + seconds * USECS_PER_SEC;
	return true;
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
	meter_set_worker(MyProcPid);
	context = AllocSetContextCreate(TopMemoryContext, "devapp launcher",
									ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);

	while (!ShutdownRequestPending)
	{
		int			interval = devapp_flush_interval;

		if (interval > 0 && is_time(&next_flush, interval))
		{
			make_round(is_time(&next_sweep, SWEEP_SECONDS));
			MemoryContextReset(context);
		}
		/* a round waits for others, and may take note of a new setting meanwhile */
		interval = devapp_flush_interval;
		if (!ShutdownRequestPending)
			doze(interval > 0 ? time_until(next_flush, interval) : IDLE_SECONDS * 1000L);
	}
	/* not 0: somebody may have ended it without ending the server */
	proc_exit(1);
}

/* ---------- the flusher ---------- */

/* Settings of the database or the role must not be in the way. */
static void
set_own_settings(void)
{
	static const char *const settings[][2] = {
		{"application_name", "devapp flusher"},
		{"search_path", "pg_catalog, pg_temp"},
		{"default_transaction_read_only", "off"},
		{"default_transaction_isolation", "read committed"},
		{"synchronous_commit", "local"},
		{"statement_timeout", "0"},
		{"lock_timeout", "10s"},
		{"row_security", "off"},
		{"session_replication_role", "origin"}
	};

	for (size_t i = 0; i < lengthof(settings); i++)
		SetConfigOption(settings[i][0], settings[i][1], PGC_SUSET, PGC_S_OVERRIDE);
}

static bool
extension_is_here(void)
{
	bool		here;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	here = OidIsValid(get_extension_oid("devapp", true));
	CommitTransactionCommand();
	return here;
}

static void
run(const char *sql)
{
	StartTransactionCommand();
	SPI_connect();
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, sql);
	(void) SPI_execute(sql, false, 0);
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
}

/* Run a statement in a transaction; an error is logged and noted. */
static bool
try_to_run(const char *sql)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool done = true;

	PG_TRY();
	{
		run(sql);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		HOLD_INTERRUPTS();
		EmitErrorReport();
		error = CopyErrorData();
		FlushErrorState();
		AbortCurrentTransaction();
		MemoryContextSwitchTo(context);
		meter_report_error(MyDatabaseId, error->message);
		FreeErrorData(error);
		RESUME_INTERRUPTS();
		done = false;
	}
	PG_END_TRY();
	return done;
}

void
devapp_flusher_main(Datum arg)
{
	static const char *const steps[] = {
		"SELECT devapp._flush_usage()",
		"SELECT devapp._roll_up_usage()",
		"SELECT devapp._maintain_usage_if_due()"
	};
	bool		done = true;

	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(arg), InvalidOid,
											  BGWORKER_BYPASS_ALLOWCONN);
	set_own_settings();
	if (!extension_is_here())
	{
		(void) meter_discard(MyDatabaseId);
		meter_set_unfinished(false);
		proc_exit(0);
	}
	/* if it is killed, another will look after what it left */
	meter_set_unfinished(true);
	for (size_t i = 0; i < lengthof(steps); i++)
		done &= try_to_run(steps[i]);
	meter_set_unfinished(!done);
	proc_exit(0);
}
