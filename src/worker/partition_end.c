/*
 * partition_end.c
 *		The end of partitions of usage that are past their retention.
 *
 * A partition is detached concurrently, and dropped when it is a table of its own
 * (sql/usage/retention.sql).  ALTER TABLE ... DETACH PARTITION ... CONCURRENTLY commits in
 * between, so no function can contain it; here it is a statement at top level.  It waits for
 * those who read the table, for half a second (process.c), with no lock that others wait for.
 * If that is not enough the partition stays on its way out, nobody sees its rows
 * any more, and the next process finishes it.
 *
 * The statement runs as the owner of the table, but without the protection against SET ROLE
 * that steps have otherwise: PostgreSQL allows that only within a transaction, and this one
 * ends in between.  So nothing may run that the owner could have written.  That is why no function of
 * the extension is called in this transaction, and why the table must be as we made it: its key
 * a column, compared by an operator class of PostgreSQL.
 *
 * From the rolling up of what the partition has until it is detached, nobody may flush: the
 * session holds a lock on the table whose row every flush locks (lock_usage()).  An
 * error releases it, as it does all locks of the session; a step that must not run now does not.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_partitioned_table.h"
#include "catalog/pg_type_d.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parser.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/lmgr.h"
#include "tcop/dest.h"
#include "tcop/utility.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/schema.h"
#include "worker/partition_end.h"
#include "worker/process.h"

#define MOST_AT_ONCE	100
#define USAGE_TABLES	4		/* sql/usage/tables.sql */

/* A partition on its way out, as begin_partition_end() names it. */
typedef struct Ending
{
	char		state[NAMEDATALEN];
	char		parent[NAMEDATALEN];
	char		partition[NAMEDATALEN];
} Ending;

/* Tables of which a partition was in use; this process leaves them alone. */
typedef struct BusyTables
{
	int			n;
	Datum		names[USAGE_TABLES];
} BusyTables;

/* ---------- keeping flushes away ---------- */

static LockRelId flush_lock;
static bool flushes_are_locked = false;

/* A transaction that is rolled back has released all locks of the session. */
static void
note_rollback(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT)
		flushes_are_locked = false;
}

static void
lock_flushes(Step *step)
{
	Oid			table = get_relname_relid("housekeeping", schema_of_devapp());

	flush_lock = (LockRelId) {.relId = table, .dbId = MyDatabaseId};
	if (!OidIsValid(table))
		return;
	LockRelationIdForSession(&flush_lock, ShareLock);
	flushes_are_locked = true;
}

static void
unlock_flushes(void)
{
	if (flushes_are_locked)
		UnlockRelationIdForSession(&flush_lock, ShareLock);
	flushes_are_locked = false;
}

/* ---------- detaching ---------- */

/* True if the table is partitioned by a column, with an operator class that PostgreSQL made. */
static bool
is_plainly_partitioned(Oid table)
{
	HeapTuple	tuple = SearchSysCache1(PARTRELID, ObjectIdGetDatum(table));
	bool		no_expressions;
	bool		isnull;
	Datum		value;
	bool		plain;

	if (!HeapTupleIsValid(tuple))
		return false;
	(void) SysCacheGetAttr(PARTRELID, tuple, Anum_pg_partitioned_table_partexprs, &no_expressions);
	value = SysCacheGetAttr(PARTRELID, tuple, Anum_pg_partitioned_table_partclass, &isnull);
	plain = no_expressions && !isnull &&
		((Form_pg_partitioned_table) GETSTRUCT(tuple))->partnatts == 1 &&
		((oidvector *) DatumGetPointer(value))->values[0] < FirstNormalObjectId;
	ReleaseSysCache(tuple);
	return plain;
}

/*
 * Runs a statement as a client would outside of a transaction block.  What it needs has to outlive the
 * transaction that it ends, so it gets a context as a portal has one.
 */
static void
run_at_top_level(const char *sql)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "devapp statement", ALLOCSET_DEFAULT_SIZES);
	PlannedStmt *statement;

	MemoryContextSwitchTo(context);
	sql = pstrdup(sql);
	statement = makeNode(PlannedStmt);
	statement->commandType = CMD_UTILITY;
	statement->utilityStmt = linitial_node(RawStmt, raw_parser(sql, RAW_PARSE_DEFAULT))->stmt;
	statement->canSetTag = true;
	pgstat_report_activity(STATE_RUNNING, sql);
	PortalContext = context;
	PG_TRY();
	{
		ProcessUtility(statement, sql, false, PROCESS_UTILITY_TOPLEVEL, NULL, NULL, None_Receiver, NULL);
	}
	PG_FINALLY();
	{
		PortalContext = NULL;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(TopTransactionContext);
	MemoryContextDelete(context);
}

static void
detach_partition(Step *step)
{
	const Ending *ending = step->data;
	Oid			schema = schema_of_devapp();
	Oid			parent = get_relname_relid(ending->parent, schema);
	HeapTuple	tuple;
	Oid			owner;

	/* nobody changes it before the statement has it */
	if (!OidIsValid(parent))
		return;
	LockRelationOid(parent, ShareUpdateExclusiveLock);
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(parent));
	if (!HeapTupleIsValid(tuple))
		return;
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	if (!is_plainly_partitioned(parent))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("table \"%s\" is not partitioned as devapp expects", ending->parent),
				 errhint("devapp.maintain_usage() drops its old partitions.")));
	SetUserIdAndSecContext(owner, 0);
	run_at_top_level(psprintf("ALTER TABLE devapp.%s DETACH PARTITION devapp.%s %s",
							  quote_identifier(ending->parent),
							  quote_identifier(pstrdup(ending->partition)),
							  strcmp(ending->state, "pending") == 0 ? "FINALIZE" : "CONCURRENTLY"));
}

/* ---------- one after the other ---------- */

static bool
read_ending(const char *answer, Ending *ending)
{
	StaticAssertStmt(NAMEDATALEN == 64, "the widths below");
	return answer != NULL &&
		sscanf(answer, "%63s %63s %63s", ending->state, ending->parent, ending->partition) == 3;
}

/* Asks a function about partitions of tables that are not busy. */
static StepResult
ask_about(const char *function, BusyTables *busy, char **answer)
{
	static const Oid types[1] = {TEXTARRAYOID};
	Step		step = {.function = function, .nargs = 1, .types = types};
	StepResult	result;

	step.args[0] = PointerGetDatum(construct_array(busy->names, busy->n, TEXTOID, -1, false, TYPALIGN_INT));
	result = process_try_step(&step, JOB_HOUSEKEEPING);
	if (answer != NULL)
		*answer = step.answer;
	return result;
}

/*
 * Detaches the next partition, while no flush is under way, and drops it.  STEP_MISSING: there is
 * none; STEP_NOT_NOW: it is in use, or a flush is under way.
 */
static StepResult
end_next(BusyTables *busy, Ending *ending)
{
	Step		lock = {.run = lock_flushes, .waits = true};
	Step		detach = {.run = detach_partition, .data = ending, .waits = true};
	Step		drop = {.function = "drop_detached_partitions"};
	StepResult	result = process_try_step(&lock, JOB_HOUSEKEEPING);
	char	   *answer = NULL;

	ending->parent[0] = '\0';
	if (result == STEP_DONE)
		result = ask_about("begin_partition_end", busy, &answer);
	if (result == STEP_DONE && !read_ending(answer, ending))
		result = STEP_MISSING;
	if (result == STEP_DONE)
		result = process_try_step(&detach, JOB_HOUSEKEEPING);
	if (result == STEP_DONE)
		result = process_try_step(&drop, JOB_HOUSEKEEPING);
	unlock_flushes();
	return result;
}

/* True: nothing has failed. */
bool
partition_end_all(void)
{
	BusyTables	busy = {0};
	Step		drop = {.function = "drop_detached_partitions"};
	StepResult	result = process_try_step(&drop, JOB_HOUSEKEEPING);

	RegisterXactCallback(note_rollback, NULL);
	for (int i = 0; i < MOST_AT_ONCE && !ShutdownRequestPending && result == STEP_DONE; i++)
	{
		Ending		ending = {.parent = ""};

		result = ask_about("has_ended_partitions", &busy, NULL);
		if (result == STEP_DONE)
			result = end_next(&busy, &ending);
		if (result == STEP_NOT_NOW && ending.parent[0] != '\0' && busy.n < USAGE_TABLES)
		{
			busy.names[busy.n++] = CStringGetTextDatum(ending.parent);
			result = STEP_DONE;
		}
	}
	UnregisterXactCallback(note_rollback, NULL);
	return result != STEP_FAILED;
}
