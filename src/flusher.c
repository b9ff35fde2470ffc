/*
 * flusher.c
 *		The processes that the launcher starts in a database of a primary.
 *
 * The flusher writes the counts of its database to the tables and rolls them up; if
 * the server was a standby, also those that were on their way (outbox.c).  The
 * housekeeper does what only time brings: partitions, seals, reminders.  Both run
 * their steps one after the other, each in a transaction of its own, and end.  A step
 * that fails is logged and noted, and tried again by the next process.
 *
 * Nothing here decides whether a count is kept: what is taken from shared memory in a
 * transaction that fails goes back there (meter_batch.c).  Counts of a database
 * without the extension are discarded.
 *
 * They are the ones that yield.  A process waits for nobody's lock for as long as others
 * wait for theirs, ends when the database is to be dropped, and does nothing while a
 * dump is restored (sql/functions/restore.sql) or the structure changed (structure.c).
 *
 * A step is a function of the extension.  The process is connected
 * as the bootstrap superuser, but each step runs with the rights of the owner of its
 * function, as in a function with SECURITY DEFINER, to the end of its transaction.  So
 * owning the function, or a table with a trigger that it fires, is no way to other
 * rights than the owner's own.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type_d.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "parser/parse_func.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/uuid.h"

#include "compat.h"
#include "guc.h"
#include "meter.h"
#include "shipment.h"
#include "structure.h"
#include "worker.h"

PGDLLEXPORT void devapp_flusher_main(Datum arg);
PGDLLEXPORT void devapp_housekeeper_main(Datum arg);

/* A call of a function of the schema devapp. */
typedef struct Step
{
	const char *function;
	int			nargs;			/* 0 or 2 */
	const Oid  *types;
	Datum		args[2];
} Step;

typedef enum StepResult
{
	STEP_DONE,
	STEP_MISSING,				/* there is no such function */
	STEP_NOT_NOW,				/* it says no, or must not run now */
	STEP_FAILED
} StepResult;

static const char *const flusher_steps[] = {
	"_flush_usage",
	"_roll_up_usage"
};

static const char *const housekeeper_steps[] = {
	"_maintain_usage_if_due",
	"_maintain_audit_if_due",
	"_schedule_notifications_if_due",
	"_seal_audit_if_due",
	"_refresh_reports_if_due"
};

/* ---------- the process ---------- */

/*
 * Settings of the database or the role must not be in the way.  Of this process and
 * another that wait for each other it is this one that finds it out first, or gives up
 * first, within the other's deadlock_timeout (1 s), and tries again another time.
 */
static void
set_own_settings(void)
{
	static const char *const settings[][2] = {
		{"search_path", "pg_catalog, pg_temp"},
		{"default_transaction_read_only", "off"},
		{"default_transaction_isolation", "read committed"},
		{"synchronous_commit", "local"},
		{"statement_timeout", "0"},
		{"transaction_timeout", "0"},
		{"lock_timeout", "500ms"},
		{"deadlock_timeout", "10ms"},
		{"row_security", "off"},
		{"session_replication_role", "origin"}
	};

	for (size_t i = 0; i < lengthof(settings); i++)
	{
		/* not every major has all of them */
		if (GetConfigOption(settings[i][0], true, false) != NULL)
			SetConfigOption(settings[i][0], settings[i][1], PGC_SUSET, PGC_S_OVERRIDE);
	}
}

/* SIGTERM is nothing to report: what is under way is rolled back, and the process ends. */
static void
end_quietly(SIGNAL_ARGS)
{
	ShutdownRequestPending = true;
	if (!proc_exit_inprogress)
		InterruptPending = QueryCancelPending = true;
	SetLatch(MyLatch);
}

/*
 * Called first by each process that works in a database.  The launcher sees to it that
 * the database is there until this process has its lock as well; who drops it then has
 * to wait for a moment.
 */
void
worker_connect(Oid database, const char *application_name)
{
	pqsignal(SIGTERM, end_quietly);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	if (!database_try_lock(database))
		proc_exit(0);
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid,
											  BGWORKER_BYPASS_ALLOWCONN);
	yield_to_everybody();
	database_unlock(database);
	SetConfigOption("application_name", application_name, PGC_SUSET, PGC_S_OVERRIDE);
	set_own_settings();
}

/* Tells the launcher as well. */
bool
worker_extension_is_here(void)
{
	bool		here;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	here = OidIsValid(get_extension_oid("devapp", true));
	CommitTransactionCommand();
	meter_set_installed(here);
	return here;
}

/* ---------- steps ---------- */

static Oid
owner_of_function(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* Has the function returned false? */
static bool
said_no(void)
{
	bool		isnull;

	return SPI_processed == 1 && SPI_gettypeid(SPI_tuptable->tupdesc, 1) == BOOLOID &&
		!DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

static StepResult
call_as_owner(Oid function, Step *step)
{
	StepResult	result;
	const char *sql = psprintf("SELECT devapp.%s(%s)", step->function,
							   step->nargs == 2 ? "$1, $2" : "");
	int			nest;

	SetUserIdAndSecContext(owner_of_function(function), SECURITY_LOCAL_USERID_CHANGE);
	pgstat_report_activity(STATE_RUNNING, sql);
	nest = NewGUCNestLevel();
	SPI_connect();
	(void) SPI_execute_with_args(sql, step->nargs, unconstify(Oid *, step->types),
								 step->args, NULL, false, 0);
	result = said_no() ? STEP_NOT_NOW : STEP_DONE;
	SPI_finish();
	AtEOXact_GUC(false, nest);
	return result;
}

/* In a transaction, before anything else is locked. */
static StepResult
find_and_call(Step *step)
{
	List	   *name = list_make2(makeString("devapp"), makeString(pstrdup(step->function)));
	Oid			function;

	if (devapp_restoring || !structure_try_lock(STRUCTURE_WORK))
		return STEP_NOT_NOW;
	function = LookupFuncName(name, step->nargs, step->types, true);
	return OidIsValid(function) ? call_as_owner(function, step) : STEP_MISSING;
}

/*
 * The process is itself again after the commit, which fires deferred triggers; after an
 * error the end of the transaction sees to it.
 */
static StepResult
run_step(Step *step)
{
	StepResult	result;
	Oid			me;
	int			context;

	GetUserIdAndSecContext(&me, &context);
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	result = find_and_call(step);
	PopActiveSnapshot();
	CommitTransactionCommand();
	SetUserIdAndSecContext(me, context);
	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
	return result;
}

/* An error is logged and noted.  That another session needs a lock of this is none. */
static void
report(const ErrorData *error, MeterJob job)
{
	if (error->sqlerrcode != ERRCODE_QUERY_CANCELED)
	{
		EmitErrorReport();
		(void) meter_report_error(MyDatabaseId, job, error->message);
	}
	else if (!ShutdownRequestPending)
		ereport(LOG,
				(errmsg("%s gave way to another session, and comes again",
						MyBgworkerEntry->bgw_name)));
}

static StepResult
try_step(Step *step, MeterJob job)
{
	MemoryContext context = CurrentMemoryContext;
	volatile StepResult result = STEP_FAILED;

	PG_TRY();
	{
		result = run_step(step);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		HOLD_INTERRUPTS();
		error = CopyErrorData();
		report(error, job);
		FlushErrorState();
		AbortCurrentTransaction();
		MemoryContextSwitchTo(context);
		FreeErrorData(error);
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return result;
}

/* A function that is not there, as before an ALTER EXTENSION UPDATE, is left out. */
static bool
is_done(StepResult result)
{
	return result == STEP_DONE || result == STEP_MISSING;
}

static bool
try_steps(const char *const *functions, size_t n, MeterJob job)
{
	bool		done = true;

	for (size_t i = 0; i < n && !ShutdownRequestPending; i++)
	{
		Step		step = {.function = functions[i]};

		done &= is_done(try_step(&step, job));
	}
	return done && !ShutdownRequestPending;
}

/* STEP_NOT_NOW if something is under way that it has to keep out of. */
static StepResult
may_work(MeterJob job)
{
	Step		step = {.function = "_may_work"};

	return try_step(&step, job);
}

/* ---------- the two ---------- */

/* What this server could not send any more before it was promoted. */
static bool
receive_outbox(void)
{
	static const Oid types[2] = {UUIDOID, BYTEAOID};
	bool		done = true;
	ListCell   *cell;

	foreach(cell, outbox_files(MyDatabaseId))
	{
		pg_uuid_t	batch_id;
		bytea	   *counts = outbox_read(lfirst(cell), &batch_id);
		Step		step = {.function = "receive_usage", .nargs = 2, .types = types};

		if (counts == NULL)
			continue;
		step.args[0] = UUIDPGetDatum(&batch_id);
		step.args[1] = PointerGetDatum(counts);
		if (try_step(&step, JOB_FLUSH) == STEP_DONE)
			outbox_remove(lfirst(cell));
		else
			done = false;
		pfree(counts);
	}
	return done;
}

void
devapp_flusher_main(Datum arg)
{
	bool		done;

	worker_connect(DatumGetObjectId(arg), "devapp flusher");
	if (!worker_extension_is_here())
	{
		(void) meter_discard(MyDatabaseId);
		outbox_discard(MyDatabaseId);
		meter_set_unfinished(false);
		proc_exit(0);
	}
	/* if it is killed, another will look after what it left */
	meter_set_unfinished(true);
	if (!is_done(may_work(JOB_FLUSH)))
		proc_exit(0);
	done = receive_outbox();
	done &= try_steps(flusher_steps, lengthof(flusher_steps), JOB_FLUSH);
	meter_set_unfinished(!done);
	proc_exit(0);
}

void
devapp_housekeeper_main(Datum arg)
{
	StepResult	may;

	worker_connect(DatumGetObjectId(arg), "devapp housekeeper");
	if (!worker_extension_is_here())
		proc_exit(0);
	may = may_work(JOB_HOUSEKEEPING);
	/* where it has to keep out nothing is due */
	if (may == STEP_NOT_NOW ||
		(is_done(may) &&
		 try_steps(housekeeper_steps, lengthof(housekeeper_steps), JOB_HOUSEKEEPING)))
		meter_report_housekeeping();
	proc_exit(0);
}
