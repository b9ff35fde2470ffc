/*
 * process.c
 *		What the processes that work in a database share.
 *
 * The launcher starts them; each runs its steps one after the other, each in a
 * transaction of its own, and ends.  A step that fails is logged and noted, and tried
 * again by the next process.
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
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "parser/parse_func.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "worker/process.h"

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
process_connect(Oid database, const char *application_name)
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
process_finds_extension(void)
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
StepResult
process_try_step(Step *step, MeterJob job)
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
bool
process_try_steps(const char *const *functions, size_t n, MeterJob job)
{
	bool		done = true;

	for (size_t i = 0; i < n; i++)
	{
		Step		step = {.function = functions[i]};

		done &= process_try_step(&step, job) != STEP_FAILED;
	}
	return done;
}
