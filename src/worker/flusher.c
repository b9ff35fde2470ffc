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
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "meter/meter.h"
#include "ship/shipment.h"
#include "worker/launcher.h"

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
 * Settings of the database or the role must not be in the way.  In a deadlock it is
 * this process that finds it out first, and tries again another time.
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
		{"lock_timeout", "10s"},
		{"deadlock_timeout", "100ms"},
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

/* Called first by each process that works in a database. */
void
worker_connect(Oid database, const char *application_name)
{
	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid,
											  BGWORKER_BYPASS_ALLOWCONN);
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

static void
call_as_owner(Oid function, Step *step)
{
	const char *sql = psprintf("SELECT devapp.%s(%s)", step->function,
							   step->nargs == 2 ? "$1, $2" : "");
	int			nest;

	SetUserIdAndSecContext(owner_of_function(function), SECURITY_LOCAL_USERID_CHANGE);
	pgstat_report_activity(STATE_RUNNING, sql);
	nest = NewGUCNestLevel();
	SPI_connect();
	(void) SPI_execute_with_args(sql, step->nargs, unconstify(Oid *, step->types),
								 step->args, NULL, false, 0);
	SPI_finish();
	AtEOXact_GUC(false, nest);
}

/*
 * The process is itself again after the commit, which fires deferred triggers; after an
 * error the end of the transaction sees to it.
 */
static StepResult
run_step(Step *step)
{
	List	   *name;
	Oid			function;
	Oid			me;
	int			context;

	GetUserIdAndSecContext(&me, &context);
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	name = list_make2(makeString("devapp"), makeString(pstrdup(step->function)));
	function = LookupFuncName(name, step->nargs, step->types, true);
	if (OidIsValid(function))
		call_as_owner(function, step);
	PopActiveSnapshot();
	CommitTransactionCommand();
	SetUserIdAndSecContext(me, context);
	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
	return OidIsValid(function) ? STEP_DONE : STEP_MISSING;
}

/* An error is logged and noted. */
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
		EmitErrorReport();
		error = CopyErrorData();
		FlushErrorState();
		AbortCurrentTransaction();
		MemoryContextSwitchTo(context);
		(void) meter_report_error(MyDatabaseId, job, error->message);
		FreeErrorData(error);
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return result;
}

/* A function that is not there, as before an ALTER EXTENSION UPDATE, is left out. */
static bool
try_steps(const char *const *functions, size_t n, MeterJob job)
{
	bool		done = true;

	for (size_t i = 0; i < n; i++)
	{
		Step		step = {.function = functions[i]};

		done &= try_step(&step, job) != STEP_FAILED;
	}
	return done;
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
	done = receive_outbox();
	done &= try_steps(flusher_steps, lengthof(flusher_steps), JOB_FLUSH);
	meter_set_unfinished(!done);
	proc_exit(0);
}

void
devapp_housekeeper_main(Datum arg)
{
	worker_connect(DatumGetObjectId(arg), "devapp housekeeper");
	if (worker_extension_is_here() &&
		try_steps(housekeeper_steps, lengthof(housekeeper_steps), JOB_HOUSEKEEPING))
		meter_report_housekeeping();
	proc_exit(0);
}
