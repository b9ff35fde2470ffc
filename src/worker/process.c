/*
 * process.c
 *		What the processes that work in a database share.
 *
 * The launcher starts them; each runs its steps one after the other, each in a
 * transaction of its own, and ends.  A step that fails is logged and recorded, and tried
 * again by the next process.
 *
 * They are the ones that yield.  A process waits for nobody's lock for as long as others
 * wait for theirs, ends when the database is to be dropped, and does nothing while a
 * dump is restored (sql/restore/restore.sql) or the structure changed (structure.c).
 *
 * A step is a function of the extension.  The process is connected as the bootstrap
 * superuser, but each step runs with the rights of the owner of its function, as in a
 * function with SECURITY DEFINER, to the end of its transaction.  So owning the
 * function, or a table with a trigger that it fires, is no way to other rights than the
 * owner's own.
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
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/guc.h"
#include "base/structure.h"
#include "meter/registry.h"
#include "worker/process.h"

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
process_connect(Oid database, const char *application_name)
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
process_finds_extension(void)
{
	bool		here;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	here = OidIsValid(get_extension_oid("devapp", true));
	CommitTransactionCommand();
	registry_set_installed(here);
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

static char *
first_value(void)
{
	char	   *value = SPI_processed > 0 ? SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1) : NULL;

	return value != NULL ? MemoryContextStrdup(TopMemoryContext, value) : NULL;
}

static StepResult
call_as_owner(Oid function, Step *step)
{
	StepResult	result;
	static const char *const arguments[] = {"", "$1", "$1, $2"};
	const char *sql = psprintf("SELECT devapp_internal.%s(%s)", step->function, arguments[step->nargs]);
	int			nest;

	SetUserIdAndSecContext(owner_of_function(function), SECURITY_LOCAL_USERID_CHANGE);
	pgstat_report_activity(STATE_RUNNING, sql);
	nest = NewGUCNestLevel();
	SPI_connect();
	(void) SPI_execute_with_args(sql, step->nargs, unconstify(Oid *, step->types),
								 step->args, NULL, false, 0);
	result = said_no() ? STEP_NOT_NOW : STEP_DONE;
	step->answer = first_value();
	SPI_finish();
	AtEOXact_GUC(false, nest);
	return result;
}

/* In a transaction, before anything else is locked. */
static StepResult
find_and_call(Step *step)
{
	List	   *name;
	Oid			function;

	if (devapp_restoring || !structure_try_lock(STRUCTURE_WORK))
		return STEP_NOT_NOW;
	if (step->run != NULL)
	{
		step->run(step);
		return STEP_DONE;
	}
	name = list_make2(makeString("devapp_internal"), makeString(pstrdup(step->function)));
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
	/* a statement that commits in between may have left none */
	if (ActiveSnapshotSet())
		PopActiveSnapshot();
	CommitTransactionCommand();
	SetUserIdAndSecContext(me, context);
	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
	return result;
}

/* An error is logged and recorded.  That another session needs a lock of this is none. */
static void
report_error(const ErrorData *error, RegistryJob job)
{
	if (error->sqlerrcode != ERRCODE_QUERY_CANCELED)
	{
		EmitErrorReport();
		(void) registry_report_error(MyDatabaseId, job, error->message);
	}
	else if (!ShutdownRequestPending)
		ereport(LOG,
				(errmsg("%s gave way to another session and will be retried",
						MyBgworkerEntry->bgw_name)));
}

StepResult
process_try_step(Step *step, RegistryJob job)
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
		if (step->waits && error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE)
			result = STEP_NOT_NOW;
		else
			report_error(error, job);
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
bool
step_is_done(StepResult result)
{
	return result == STEP_DONE || result == STEP_MISSING;
}

bool
process_try_steps(const char *const *functions, size_t n, RegistryJob job)
{
	bool		done = true;

	for (size_t i = 0; i < n && !ShutdownRequestPending; i++)
	{
		Step		step = {.function = functions[i]};

		done &= step_is_done(process_try_step(&step, job));
	}
	return done && !ShutdownRequestPending;
}

/* STEP_NOT_NOW if something is under way that it has to keep out of. */
StepResult
process_may_work(RegistryJob job)
{
	Step		step = {.function = "may_work"};

	return process_try_step(&step, job);
}
