/*
 * restore.c
 *		Sessions that restore a dump, and statements that change privileges.
 *
 *	begin_restore()	CREATE EXTENSION in the session of a restore calls it
 *	mark_restore()		BEFORE and AFTER INSERT, each statement, on every table that a dump has
 *
 * A session with devapp.restoring holds the lock of the structure to its end, from its
 * first command on in which it finds the extension: so the worker keeps out, without a
 * setting on its side.  Between the sessions of one restore, and after them, it is kept
 * out by the row of devapp.restore (sql/restore/restore.sql): CREATE EXTENSION, which
 * is in every dump, begins it; the triggers mark it when rows have come.
 *
 * pg_restore -j keeps no order among the tables of an extension, whose foreign keys are
 * there before the rows.  So for the one statement that brings rows the triggers of its
 * table are off, as with session_replication_role = replica, if a superuser restores.
 * What refers to nothing is looked for when the restore is over.
 *
 * The lock is the session's, and a transaction that is rolled back releases it, whatever
 * it did; a subtransaction does not.  Items of xact_list.c belong to the (sub)transaction
 * that pushed them, and nothing here runs in a transaction that only fails in a SELECT.
 * So this file has a callback of its own.
 *
 * GRANT and its like lock no table.  They would fail if the worker changed the same row
 * of the catalog at the moment, so those that name devapp's objects wait for it.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "base/guc.h"
#include "base/restore.h"
#include "base/structure.h"
#include "base/trigger.h"

PG_FUNCTION_INFO_V1(devapp_begin_restore);
PG_FUNCTION_INFO_V1(devapp_mark_restore);

static ProcessUtility_hook_type previous_utility_hook = NULL;

/* the extension whose lock the session holds; InvalidOid: none */
static Oid	held = InvalidOid;

/* the triggers of a table are off for a statement */
static bool triggers_off = false;

/* ---------- the lock ---------- */

/* The end of a transaction that is rolled back releases the locks of the session, too. */
static void
transaction_ends(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT || event == XACT_EVENT_PARALLEL_ABORT)
	{
		held = InvalidOid;
		triggers_off = false;
	}
}

/* A restore makes the extension anew, so it need not be the one that is held. */
static void
hold_lock(void)
{
	Oid			extension;

	if (RecoveryInProgress() || held == get_extension_oid("devapp", true))
		return;
	extension = structure_lock_for_session(STRUCTURE_KEEP_OUT);
	if (OidIsValid(held))
		structure_unlock_for_session(held, STRUCTURE_KEEP_OUT);
	held = extension;
}

static void
release_lock(void)
{
	structure_unlock_for_session(held, STRUCTURE_KEEP_OUT);
	held = InvalidOid;
}

Datum
devapp_begin_restore(PG_FUNCTION_ARGS)
{
	if (devapp_restoring)
		hold_lock();
	PG_RETURN_BOOL(devapp_restoring);
}

/* ---------- rows that come ---------- */

static void
run_sql(const char *sql)
{
	SPI_connect();
	if (SPI_execute(sql, false, 0) < 0)
		elog(ERROR, "SPI_execute failed for \"%s\"", sql);
	SPI_finish();
}

/* As the owner of the table: whoever restores it need not have rights on others. */
static void
run_as_owner(Relation table, const char *sql)
{
	Oid			user;
	int			context;

	/* an error puts the user back as well: the (sub)transaction's end does */
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(table->rd_rel->relowner, context | SECURITY_LOCAL_USERID_CHANGE);
	run_sql(sql);
	SetUserIdAndSecContext(user, context);
}

static void
set_role(const char *value)
{
	(void) set_config_option("session_replication_role", value, PGC_SUSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
}

/*
 * One session of a restore in parallel does it: the others would wait for its commit.  There is
 * no row yet where CREATE EXTENSION ran without the setting.
 */
static const char mark_data[] =
"UPDATE devapp.restore SET data = true WHERE one IN"
" (SELECT r.one FROM devapp.restore r WHERE NOT r.data FOR UPDATE SKIP LOCKED);"
"INSERT INTO devapp.restore (data) SELECT true WHERE NOT EXISTS (SELECT FROM devapp.restore)"
" ON CONFLICT DO NOTHING";

/* Before a statement and after it. */
Datum
devapp_mark_restore(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_FOR_STATEMENT(trigdata->tg_event) ||
		!TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("mark_restore must be an INSERT STATEMENT trigger")));
	trigger_require_own_table(trigdata);
	if (TRIGGER_FIRED_AFTER(trigdata->tg_event))
	{
		if (triggers_off)
			set_role("origin");
		triggers_off = false;
	}
	else if (devapp_restoring)
	{
		hold_lock();
		run_as_owner(trigdata->tg_relation, mark_data);
		triggers_off = superuser() && SessionReplicationRole == SESSION_REPLICATION_ROLE_ORIGIN;
		if (triggers_off)
			set_role("replica");
	}
	else
		triggers_off = false;
	return PointerGetDatum(NULL);
}

/* ---------- commands ---------- */

static bool
is_our_schema(const char *name)
{
	return name != NULL && strncmp(name, "devapp", 6) == 0;
}

/* Does GRANT or REVOKE name an object of ours? */
static bool
is_about_us(const GrantStmt *grant)
{
	ListCell   *cell;

	foreach(cell, grant->objects)
	{
		Node	   *object = lfirst(cell);

		if (IsA(object, RangeVar) && is_our_schema(((RangeVar *) object)->schemaname))
			return true;
		if (IsA(object, ObjectWithArgs))
			object = (Node *) ((ObjectWithArgs *) object)->objname;
		if (IsA(object, List))
			object = linitial((List *) object);
		if (IsA(object, String) && is_our_schema(strVal(object)))
			return true;
	}
	return false;
}

/* Does it change what the worker may be changing, without a lock that both take? */
static bool
must_wait_for_worker(Node *command)
{
	if (IsA(command, GrantStmt))
		return is_about_us((GrantStmt *) command);
	if (IsA(command, AlterExtensionStmt))
		return strcmp(((AlterExtensionStmt *) command)->extname, "devapp") == 0;
	return IsA(command, DropOwnedStmt) || IsA(command, ReassignOwnedStmt);
}

/* Is it a command that a transaction may still begin with, or that ends one? */
static bool
is_about_transaction(Node *command)
{
	return IsA(command, TransactionStmt) ||
		(IsA(command, VariableSetStmt) &&
		 ((VariableSetStmt *) command)->kind == VAR_SET_MULTI);
}

static bool
is_create_extension(Node *command)
{
	return IsA(command, CreateExtensionStmt) &&
		strcmp(((CreateExtensionStmt *) command)->extname, "devapp") == 0;
}

/* CREATE EXTENSION IF NOT EXISTS, in the session of a restore, where it exists. */
static void
begin_restore_again(void)
{
	PushActiveSnapshot(GetTransactionSnapshot());
	run_sql("INSERT INTO devapp.restore DEFAULT VALUES ON CONFLICT (one) DO UPDATE SET data = false");
	PopActiveSnapshot();
}

static void
before_command(Node *command, bool toplevel)
{
	if (!IsTransactionState() || IsAbortedTransactionBlockState() ||
		is_about_transaction(command) || RecoveryInProgress())
		return;
	if (devapp_restoring)
	{
		hold_lock();
		if (OidIsValid(held) && is_create_extension(command))
			begin_restore_again();
	}
	else if (toplevel && must_wait_for_worker(command))
		(void) structure_lock(STRUCTURE_KEEP_OUT);
}

static void
run_utility(PlannedStmt *statement, const char *source, bool read_only_tree,
		ProcessUtilityContext context, ParamListInfo params, QueryEnvironment *environment,
		DestReceiver *dest, QueryCompletion *completion)
{
	before_command(statement->utilityStmt, context == PROCESS_UTILITY_TOPLEVEL);
	(previous_utility_hook ? previous_utility_hook : standard_ProcessUtility)
		(statement, source, read_only_tree, context, params, environment, dest, completion);
	if (OidIsValid(held) && !devapp_restoring)
		release_lock();
}

void
restore_init(void)
{
	RegisterXactCallback(transaction_ends, NULL);
	previous_utility_hook = ProcessUtility_hook;
	ProcessUtility_hook = run_utility;
}
