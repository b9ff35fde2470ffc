/*
 * audit_write.c
 *		Writes events to the audit trail.
 *
 * An event gets its number and its hash at once.  Its row waits for the end of the call of a
 * public function that made it, because opening a partition and its indexes takes longer than
 * putting a row into them: the rows of a call are written together, in their order.  What no
 * such call made is written immediately.  So whoever reads the trail after a statement or a
 * call finds what that did.
 *
 * A subtransaction that commits leaves its rows to its parent, because a call may make a subtransaction
 * for each of many changes; it writes them where as many wait as may.  One that is rolled back forgets them; the rows that wait from before are
 * still to be written.  A subtransaction writes no rows but its own.  A procedure may commit in the
 * middle, so a commit writes what still waits.
 *
 * The rows go in as COPY would put them there, without a plan.  Nobody has the privilege to
 * write the trail; that its owner does is for triggers that someone has put there.
 *
 * Locking: RowExclusiveLock until the end of the transaction, on the trail from the event on,
 * on the partition of the month from when its row is written.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tupconvert.h"
#include "access/xact.h"
#include "commands/sequence.h"
#include "commands/trigger.h"
#include "executor/execPartition.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "audit/audit_write.h"
#include "base/compat.h"
#include "base/entry.h"
#include "base/schema.h"
#include "base/vec.h"

/* With so many of its own, the subtransaction writes them; with so many in all, when it commits. */
#define WAITING_MOST	200

typedef struct WaitingRow
{
	HeapTuple	row;
	SubTransactionId made_in;
} WaitingRow;

/* in the order of their subtransactions; in the context of the rows */
static WaitingRow *waiting = NULL;
static int	nwaiting = 0;
static int	nwaiting_max = WAITING_MOST;

/* see audit_stretch() */
static uint64 stretch = 1;

/* the rows; a child of the transaction's context, NULL until there are some */
static MemoryContext waiting_context = NULL;

/* ---------- writing ---------- */

/* What routes rows to the partitions of the trail. */
typedef struct TrailWriter
{
	EState	   *estate;
	ModifyTableState *modify;
	PartitionTupleRouting *routing;
	TupleTableSlot *slot;
} TrailWriter;

static void
open_writer(TrailWriter *writer, Relation trail)
{
	ResultRelInfo *root = makeNode(ResultRelInfo);

	InitResultRelInfo(root, trail, 0, NULL, 0);
	writer->estate = CreateExecutorState();
	writer->modify = makeNode(ModifyTableState);
	writer->modify->ps.state = writer->estate;
	writer->modify->operation = CMD_INSERT;
	writer->modify->mt_nrels = 1;
	writer->modify->resultRelInfo = root;
	writer->modify->rootResultRelInfo = root;
	writer->routing = ExecSetupPartitionTupleRouting(writer->estate, trail);
	writer->slot = ExecInitExtraTupleSlot(writer->estate, RelationGetDescr(trail), &TTSOpsHeapTuple);
	AfterTriggerBeginQuery();
}

static void
write_row(TrailWriter *writer, HeapTuple row)
{
	TupleTableSlot *slot = writer->slot;
	ResultRelInfo *partition;
	TupleConversionMap *map;

	ExecStoreHeapTuple(row, slot, false);
	partition = ExecFindPartition(writer->modify, writer->modify->rootResultRelInfo,
								  writer->routing, slot, writer->estate);
	map = compat_root_to_child_map(partition, writer->estate);
	if (map != NULL)
		slot = execute_attr_map_slot(map->attrMap, slot, partition->ri_PartitionTupleSlot);
	ExecSimpleRelationInsert(partition, writer->estate, slot);
	ResetPerTupleExprContext(writer->estate);
}

static void
close_writer(TrailWriter *writer)
{
	AfterTriggerEndQuery(writer->estate);
	ExecCleanupTupleRouting(writer->modify, writer->routing);
	/* those that triggers were run on, which are opened once more */
	ExecCloseResultRelations(writer->estate);
	ExecResetTupleTable(writer->estate->es_tupleTable, false);
	FreeExecutorState(writer->estate);
}

static void
write_rows(Relation trail, const WaitingRow *rows, int n)
{
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "devapp audit", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(work);
	TrailWriter writer;

	PushActiveSnapshot(GetTransactionSnapshot());
	open_writer(&writer, trail);
	for (int i = 0; i < n; i++)
		write_row(&writer, rows[i].row);
	close_writer(&writer);
	PopActiveSnapshot();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
}

/* The first row that is of the current subtransaction; those before it are of outer ones. */
static int
first_of_current(void)
{
	SubTransactionId current = GetCurrentSubTransactionId();
	int			first = nwaiting;

	while (first > 0 && waiting[first - 1].made_in >= current)
		first--;
	return first;
}

/* Write rows with the rights of the trail's owner. */
static void
write_as_owner(const WaitingRow *rows, int n)
{
	Relation	trail = table_open(schema_require_relation(schema_of_devapp(), "audit_event"), RowExclusiveLock);
	Oid			user;
	int			context;

	/* an error puts the user back as well: the subtransaction's end does */
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(trail->rd_rel->relowner, context | SECURITY_LOCAL_USERID_CHANGE);
	write_rows(trail, rows, n);
	SetUserIdAndSecContext(user, context);
	table_close(trail, NoLock);
	CommandCounterIncrement();
}

/*
 * Write what waits of the current subtransaction.  It waits no more when its writing begins,
 * because a trigger on the trail may make events, and they are written while it runs.
 */
static void
write_waiting(void)
{
	int			first = first_of_current();
	int			n = nwaiting - first;
	WaitingRow *rows;

	if (n == 0)
		return;
	rows = palloc(sizeof(WaitingRow) * (size_t) n);
	memcpy(rows, &waiting[first], sizeof(WaitingRow) * (size_t) n);
	nwaiting = first;
	write_as_owner(rows, n);
	for (int i = 0; i < n; i++)
		heap_freetuple(rows[i].row);
	pfree(rows);
}

/* ---------- waiting ---------- */

static void
call_ends(void)
{
	stretch++;
	write_waiting();
}

static void
transaction_ends(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			call_ends();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			waiting = NULL;
			nwaiting = 0;
			nwaiting_max = WAITING_MOST;
			waiting_context = NULL;
			stretch++;
			break;
		default:
			break;
	}
}

/* The rows of a subtransaction are from here on of its parent, which is as well in the midst of the call. */
static void
leave_to_parent(SubTransactionId parent)
{
	for (int i = first_of_current(); i < nwaiting; i++)
		waiting[i].made_in = parent;
}

/* Later subtransactions have greater ids, and those of rows that wait are not over. */
static void
subtransaction_ends(SubXactEvent event, SubTransactionId mine,
					SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_PRE_COMMIT_SUB)
	{
		if (nwaiting >= WAITING_MOST)
			write_waiting();
		leave_to_parent(parent);
	}
	if (event != SUBXACT_EVENT_ABORT_SUB)
		return;
	stretch++;
	while (nwaiting > 0 && waiting[nwaiting - 1].made_in >= mine)
		heap_freetuple(waiting[--nwaiting].row);
}

static void
register_once(void)
{
	static bool registered = false;

	if (registered)
		return;
	entry_at_end(call_ends);
	RegisterXactCallback(transaction_ends, NULL);
	RegisterSubXactCallback(subtransaction_ends, NULL);
	registered = true;
}

static HeapTuple
form_row(AuditEvent *event, Datum hash)
{
	Relation	trail = table_open(schema_require_relation(schema_of_devapp(), "audit_event"), RowExclusiveLock);
	Datum		values[AUDIT_COLUMNS + 1];
	bool		nulls[AUDIT_COLUMNS + 1];
	HeapTuple	row;

	audit_require_columns(RelationGetDescr(trail));
	memcpy(values, event->values, sizeof(event->values));
	memcpy(nulls, event->nulls, sizeof(event->nulls));
	values[AUDIT_COLUMNS] = hash;
	nulls[AUDIT_COLUMNS] = false;
	row = heap_form_tuple(RelationGetDescr(trail), values, nulls);
	table_close(trail, NoLock);
	return row;
}

static void
keep_waiting(AuditEvent *event, Datum hash)
{
	MemoryContext old;

	if (waiting_context == NULL)
		waiting_context = AllocSetContextCreate(TopTransactionContext, "devapp audit events",
												ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(waiting_context);
	waiting = vec_reserve(waiting, nwaiting, &nwaiting_max, sizeof(WaitingRow));
	waiting[nwaiting].row = form_row(event, hash);
	waiting[nwaiting].made_in = GetCurrentSubTransactionId();
	nwaiting++;
	MemoryContextSwitchTo(old);
}

/* Those of the current subtransaction are the last ones. */
static bool
has_most(void)
{
	return nwaiting >= WAITING_MOST &&
		waiting[nwaiting - WAITING_MOST].made_in >= GetCurrentSubTransactionId();
}

/*
 * A number that changes with the end of a call of a public function, with an event that no such
 * call made, with the end of the transaction, and when a subtransaction is rolled back.  Where it is the same, what an earlier event
 * looked up was not rolled back.  That holds from when the callbacks that count are registered, also if the
 * first event fails before it is written.
 */
uint64
audit_stretch(void)
{
	register_once();
	return stretch;
}

/* What earlier events looked up is to be looked up again. */
void
audit_end_stretch(void)
{
	stretch++;
}

/* Give an event its number and its hash, and write it, now or at the end of the call. */
void
audit_write(AuditEvent *event)
{
	bytea	   *hash = palloc(VARHDRSZ + AUDIT_HASH_LEN);

	register_once();
	event->values[AUDIT_EVENT_ID] =
		Int64GetDatum(nextval_internal(schema_require_relation(schema_of_devapp(), "audit_event_id_seq"), false));
	event->nulls[AUDIT_EVENT_ID] = false;
	SET_VARSIZE(hash, VARHDRSZ + AUDIT_HASH_LEN);
	audit_leaf_hash(event, (uint8 *) VARDATA(hash));
	keep_waiting(event, PointerGetDatum(hash));
	if (!entry_in_call())
		call_ends();
	else if (has_most())
		write_waiting();
}
