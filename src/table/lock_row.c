/*
 * lock_row.c
 *		Finds a row of the model by index and locks it, as SELECT ... FOR UPDATE does.
 *
 *	lock_app(app_id, for_update), lock_credential(credential_id, for_update)
 *	lock_developer(email_key, for_update), lock_team(name, for_update), lock_product(name, for_update)
 *
 * The row is returned as it is once it is locked, FOR NO KEY UPDATE if for_update, else FOR
 * SHARE; null if there is none.  By its name a row is found only while it is not deleted, because
 * the indexes of names have no others.  Such a query would be planned once, but starting and
 * ending its plan takes some 70,000 instructions, and the rest of it a tenth of that.
 *
 * Locking: RowShareLock on the table, and the row's lock, both until the end of the transaction.
 * The snapshot is that of a statement of the transaction.  In a READ COMMITTED transaction a row that
 * another one has changed meanwhile is looked for once more after its newest version is
 * locked: it may be deleted, or have another name by now.  In others that is an error.
 *
 * Privileges and row-level security are not asked: the callers run with their owner's rights, and
 * decide themselves who may (sql/identity/authority.sql).
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "table/catalog.h"
#include "table/lock_row.h"

PG_FUNCTION_INFO_V1(devapp_lock_app);
PG_FUNCTION_INFO_V1(devapp_lock_credential);
PG_FUNCTION_INFO_V1(devapp_lock_developer);
PG_FUNCTION_INFO_V1(devapp_lock_product);
PG_FUNCTION_INFO_V1(devapp_lock_team);

typedef enum LockOutcome
{
	ROW_LOCKED,
	ROW_GONE,
	ROW_CHANGED					/* what is locked is a newer version than the one that was found */
} LockOutcome;

static compat_noreturn void
fail_to_serialize(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not serialize access due to concurrent %s", what)));
}

/* Lock the row that a scan has found; as ExecLockRows() does. */
static LockOutcome
lock_found(CatalogScan *scan, LockTupleMode mode, Snapshot snapshot)
{
	uint8		flags = TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS;
	ItemPointerData tid = scan->slot->tts_tid;
	TM_FailureData failure;
	TM_Result	result;

	if (!IsolationUsesXactSnapshot())
		flags |= TUPLE_LOCK_FLAG_FIND_LAST_VERSION;
	result = table_tuple_lock(scan->heap, &tid, snapshot, scan->slot, GetCurrentCommandId(false),
							  mode, LockWaitBlock, flags, &failure);
	switch (result)
	{
		case TM_Ok:
			return failure.traversed ? ROW_CHANGED : ROW_LOCKED;
		case TM_SelfModified:
			/* by a statement that is still running */
			return ROW_GONE;
		case TM_Deleted:
			if (IsolationUsesXactSnapshot())
				fail_to_serialize("delete");
			return ROW_GONE;
		case TM_Updated:
			if (IsolationUsesXactSnapshot())
				fail_to_serialize("update");
			break;
		default:
			break;
	}
	elog(ERROR, "unexpected result of table_tuple_lock: %d", result);
}

static Datum
copy_row(const CatalogScan *scan)
{
	bool		must_free;
	HeapTuple	tuple = ExecFetchSlotHeapTuple(scan->slot, true, &must_free);
	Datum		row = heap_copy_tuple_as_datum(tuple, RelationGetDescr(scan->heap));

	if (must_free)
		heap_freetuple(tuple);
	return row;
}

/* Look for the row and lock it; *row is set if it is there and locked. */
static LockOutcome
find_and_lock(CatalogIndex index, Datum key, LockTupleMode mode, Datum *row)
{
	LockOutcome outcome = ROW_GONE;
	Snapshot	snapshot;
	CatalogScan scan;

	/* the scan releases a lock of its own */
	LockRelationOid(catalog_table(index), RowShareLock);
	snapshot = RegisterSnapshot(GetTransactionSnapshot());
	catalog_scan_begin(&scan, index, key, snapshot);
	while (outcome == ROW_GONE && catalog_scan_next(&scan))
		outcome = lock_found(&scan, mode, snapshot);
	if (outcome == ROW_LOCKED)
		*row = copy_row(&scan);
	catalog_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	return outcome;
}

/* True if there is a row, which is then locked. */
static bool
lock_by(CatalogIndex index, Datum key, LockTupleMode mode, Datum *row)
{
	const char *command = mode == LockTupleShare ? "SELECT FOR SHARE" : "SELECT FOR NO KEY UPDATE";
	LockOutcome outcome;

	PreventCommandIfReadOnly(command);
	PreventCommandIfParallelMode(command);
	do
	{
		CHECK_FOR_INTERRUPTS();
		/* see what the statement that calls has done */
		CommandCounterIncrement();
		outcome = find_and_lock(index, key, mode, row);
	} while (outcome == ROW_CHANGED);
	return outcome == ROW_LOCKED;
}

/* For who writes what depends on the app: FOR NO KEY UPDATE.  No row is nothing to lock. */
void
lock_app_row(const pg_uuid_t *app_id)
{
	Datum		row;

	(void) lock_by(APP_BY_ID, UUIDPGetDatum(app_id), LockTupleNoKeyExclusive, &row);
}

static Datum
lock_row(FunctionCallInfo fcinfo, CatalogIndex index)
{
	Datum		row;

	if (!lock_by(index, PG_GETARG_DATUM(0), PG_GETARG_BOOL(1) ? LockTupleNoKeyExclusive : LockTupleShare, &row))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(row);
}

/* SQL: devapp_internal.lock_app(app_id, for_update) */
Datum
devapp_lock_app(PG_FUNCTION_ARGS)
{
	return lock_row(fcinfo, APP_BY_ID);
}

/* SQL: devapp_internal.lock_credential(credential_id, for_update) */
Datum
devapp_lock_credential(PG_FUNCTION_ARGS)
{
	return lock_row(fcinfo, CREDENTIAL_BY_ID);
}

/* SQL: devapp_internal.lock_developer(email_key, for_update) */
Datum
devapp_lock_developer(PG_FUNCTION_ARGS)
{
	return lock_row(fcinfo, DEVELOPER_BY_EMAIL);
}

/* SQL: devapp_internal.lock_product(name, for_update) */
Datum
devapp_lock_product(PG_FUNCTION_ARGS)
{
	return lock_row(fcinfo, PRODUCT_BY_NAME);
}

/* SQL: devapp_internal.lock_team(name, for_update) */
Datum
devapp_lock_team(PG_FUNCTION_ARGS)
{
	return lock_row(fcinfo, TEAM_BY_NAME);
}
