/*
 * app_usage.c
 *		Updates devapp_internal.app_usage in place without blocking readers.
 *
 * REFRESH MATERIALIZED VIEW CONCURRENTLY writes all rows to a temporary table, analyzes and
 * joins it, which for 300,000 apps takes more than a second, however few of them have changed.
 * Here the sums are in a hash table, and each row of the view is compared with its
 * own: what differs is updated in place, what is missing is inserted, what is gone is deleted.
 *
 * Memory is bounded: if there are too many apps, it is done in several passes, each for the
 * apps of one part of the hashes.
 *
 * Locking: as a refresh beside readers does, it keeps others from refreshing and nobody from
 * reading.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "meter/add_counts.h"
#include "meter/huge_pages.h"
#include "meter/id_hash.h"
#include "meter/internal_table.h"
#include "meter/usage_scan.h"

PG_FUNCTION_INFO_V1(devapp_put_app_usage);

/* apps of a pass: some 200 MB */
#define MOST_APPS	(2 * 1024 * 1024)

#define BATCH_ROWS	256

/* the columns of app_usage, and those that are read of the query */
enum
{
	USAGE_APP_ID,
	USAGE_CALLS,
	USAGE_REFUSED,
	USAGE_CALLS_BEFORE,
	USAGE_COLUMNS
};

static const char *const sums_columns[USAGE_COLUMNS + 1] = {
	"app_id", "calls_30d", "refused_30d", "calls_previous_30d"
};

static const char sums_query[] =
"SELECT * FROM devapp_internal.usage_sums u WHERE NOT u.is_day AND u.app_id IS NOT NULL";

typedef struct AppTotals
{
	pg_uuid_t	app_id;
	char		status;			/* of the hash table */
	bool		stored;
	int64		calls;
	int64		refused;
	int64		calls_before;
} AppTotals;

#define SH_PREFIX app_totals
#define SH_ELEMENT_TYPE AppTotals
#define SH_KEY_TYPE pg_uuid_t
#define SH_KEY app_id
#define SH_HASH_KEY(table, k) id_hash(&(k))
#define SH_EQUAL(table, a, b) is_same_id(&(a), &(b))
#define SH_USE_NONDEFAULT_ALLOCATOR
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

HUGE_PAGES_FOR(app_totals)

typedef struct PendingSums
{
	pg_uuid_t	app_id;
	uint32		hash;
	int64		calls;
	int64		refused;
	int64		calls_before;
} PendingSums;

#define PENDING_ROWS	32

typedef struct AppPass
{
	ScanReceiver scan;
	uint32		pass;			/* this one, from 0 */
	uint32		passes;
	bool		overflow;
	app_totals_hash *apps;

	/* sums on their way to the table */
	int			n_pending;
	PendingSums pending[PENDING_ROWS];
} AppPass;

/* ---------- the sums ---------- */

static void
add_pending(AppPass *p)
{
	for (int i = 0; i < p->n_pending; i++)
	{
		const PendingSums *sums = &p->pending[i];
		bool		found;
		AppTotals  *totals = app_totals_insert_hash(p->apps, sums->app_id, sums->hash, &found);

		if (!found)
		{
			totals->stored = false;
			totals->calls = totals->refused = totals->calls_before = 0;
		}
		totals->calls = add_counts(totals->calls, sums->calls);
		totals->refused = add_counts(totals->refused, sums->refused);
		totals->calls_before = add_counts(totals->calls_before, sums->calls_before);
	}
	p->n_pending = 0;
	p->overflow = p->apps->members > MOST_APPS;
}

static inline int64
count_at(const AppPass *p, TupleTableSlot *slot, int column)
{
	return DatumGetInt64(scan_value(&p->scan, slot, column));
}

/* Sums wait a little for the line of memory that they go to, which is fetched meanwhile. */
static bool
receive_sums(TupleTableSlot *slot, DestReceiver *receiver)
{
	AppPass    *p = (AppPass *) receiver;
	PendingSums *sums = &p->pending[p->n_pending];

	scan_take(&p->scan, slot);
	sums->app_id = *DatumGetUUIDP(scan_value(&p->scan, slot, USAGE_APP_ID));
	sums->hash = id_hash(&sums->app_id);
	if (!is_of_pass(sums->hash, p->pass, p->passes))
		return true;
	sums->calls = count_at(p, slot, USAGE_CALLS);
	sums->refused = count_at(p, slot, USAGE_REFUSED);
	sums->calls_before = count_at(p, slot, USAGE_CALLS_BEFORE);
	__builtin_prefetch(&p->apps->data[sums->hash & p->apps->sizemask], 1);
	if (++p->n_pending == PENDING_ROWS)
		add_pending(p);
	return !p->overflow;
}

/* ---------- the rows ---------- */

static void
set_values(const AppTotals *totals, Datum *values)
{
	values[USAGE_APP_ID] = UUIDPGetDatum(&totals->app_id);
	values[USAGE_CALLS] = Int64GetDatum(totals->calls);
	values[USAGE_REFUSED] = Int64GetDatum(totals->refused);
	values[USAGE_CALLS_BEFORE] = Int64GetDatum(totals->calls_before);
}

static bool
same_totals(const AppTotals *totals, TupleTableSlot *slot)
{
	return totals->calls == DatumGetInt64(slot->tts_values[USAGE_CALLS]) &&
		totals->refused == DatumGetInt64(slot->tts_values[USAGE_REFUSED]) &&
		totals->calls_before == DatumGetInt64(slot->tts_values[USAGE_CALLS_BEFORE]);
}

static void
put_stored(AppPass *p, Relation rel, CatalogIndexState indexes, TupleTableSlot *slot)
{
	const pg_uuid_t *app_id;
	uint32		hash;
	AppTotals  *totals;

	slot_getallattrs(slot);
	app_id = DatumGetUUIDP(slot->tts_values[USAGE_APP_ID]);
	hash = id_hash(app_id);
	if (!is_of_pass(hash, p->pass, p->passes))
		return;
	totals = app_totals_lookup_hash(p->apps, *app_id, hash);
	if (totals == NULL)
	{
		simple_heap_delete(rel, &slot->tts_tid);
		return;
	}
	totals->stored = true;
	if (!same_totals(totals, slot))
	{
		Datum		values[USAGE_COLUMNS];
		bool		nulls[USAGE_COLUMNS] = {false};
		HeapTuple	tuple;

		set_values(totals, values);
		tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);
		CatalogTupleUpdateWithInfo(rel, &slot->tts_tid, tuple, indexes);
		heap_freetuple(tuple);
	}
}

/* The snapshot shows no row that this writes. */
static void
put_all_stored(AppPass *p, Relation rel, CatalogIndexState indexes)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TableScanDesc scan = compat_table_beginscan(rel, snapshot);
	TupleTableSlot *slot = table_slot_create(rel, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		put_stored(p, rel, indexes, slot);
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
}

typedef struct Batch
{
	TupleTableSlot *slots[BATCH_ROWS];
	int			n;
	MemoryContext context;
} Batch;

static void
write_batch(Batch *batch, Relation rel, CatalogIndexState indexes)
{
	MemoryContext old = MemoryContextSwitchTo(batch->context);

	CHECK_FOR_INTERRUPTS();
	CatalogTuplesMultiInsertWithInfo(rel, batch->slots, batch->n, indexes);
	MemoryContextSwitchTo(old);
	for (int i = 0; i < batch->n; i++)
		ExecClearTuple(batch->slots[i]);
	batch->n = 0;
	MemoryContextReset(batch->context);
}

static void
insert_missing(AppPass *p, Relation rel, CatalogIndexState indexes)
{
	/* a copy, because each slot would pin the relation's own */
	TupleDesc	desc = CreateTupleDescCopy(RelationGetDescr(rel));
	Batch		batch = {
		.context = AllocSetContextCreate(CurrentMemoryContext, "devapp usage batch", ALLOCSET_DEFAULT_SIZES)
	};
	app_totals_iterator i;
	AppTotals  *totals;

	for (int slot = 0; slot < BATCH_ROWS; slot++)
		batch.slots[slot] = MakeSingleTupleTableSlot(desc, &TTSOpsHeapTuple);
	app_totals_start_iterate(p->apps, &i);
	while ((totals = app_totals_iterate(p->apps, &i)) != NULL)
	{
		TupleTableSlot *slot;

		if (totals->stored)
			continue;
		slot = batch.slots[batch.n++];
		set_values(totals, slot->tts_values);
		memset(slot->tts_isnull, false, sizeof(bool) * USAGE_COLUMNS);
		ExecStoreVirtualTuple(slot);
		if (batch.n == BATCH_ROWS)
			write_batch(&batch, rel, indexes);
	}
	if (batch.n > 0)
		write_batch(&batch, rel, indexes);
	for (int slot = 0; slot < BATCH_ROWS; slot++)
		ExecDropSingleTupleTableSlot(batch.slots[slot]);
}

/* false: there are too many apps for so few passes; what was written is right. */
static bool
put_pass(Relation rel, CatalogIndexState indexes, uint32 pass, uint32 passes, int64 *rows)
{
	AppPass		p = {
		.scan = {.receiver.receiveSlot = receive_sums, .names = sums_columns},
		.pass = pass,
		.passes = passes,
		.apps = app_totals_create(CurrentMemoryContext, 1024, NULL)
	};

	usage_scan_columns(sums_query, NULL, 0, &p.scan);
	add_pending(&p);
	if (!p.overflow)
	{
		*rows += p.apps->members;
		put_all_stored(&p, rel, indexes);
		insert_missing(&p, rel, indexes);
		CommandCounterIncrement();
	}
	app_totals_destroy(p.apps);
	return !p.overflow;
}

/* CatalogIndexInsert() knows neither expressions nor predicates; refresh_report() asks before. */
static void
require_plain_indexes(Relation rel, CatalogIndexState indexes)
{
	for (int i = 0; i < indexes->ri_NumIndices; i++)
	{
		const IndexInfo *info = indexes->ri_IndexRelationInfo[i];

		if (info->ii_Expressions != NIL || info->ii_Predicate != NIL)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("index \"%s\" of \"%s\" has an expression or a predicate",
							RelationGetRelationName(indexes->ri_IndexRelationDescs[i]),
							RelationGetRelationName(rel)),
					 errhint("devapp.refresh_reports() refreshes it all the same.")));
	}
}

/* SQL: devapp_internal.put_app_usage(); how many rows there are */
Datum
devapp_put_app_usage(PG_FUNCTION_ARGS)
{
	Relation	rel = internal_table_open("app_usage", ExclusiveLock);
	CatalogIndexState indexes = CatalogOpenIndexes(rel);
	uint32		passes = 1;
	int64		rows = 0;

	if (RelationGetDescr(rel)->natts != USAGE_COLUMNS || rel->rd_tableam != GetHeapamTableAmRoutine())
		elog(ERROR, "%s is not as devapp makes it", RelationGetRelationName(rel));
	require_plain_indexes(rel, indexes);
	for (uint32 pass = 0; pass < passes; pass++)
	{
		/* the first pass overflows, or a later one by chance: then from the beginning */
		if (!put_pass(rel, indexes, pass, passes, &rows))
		{
			passes = more_passes(passes);
			pass = (uint32) -1;
			rows = 0;
		}
	}
	CatalogCloseIndexes(indexes);
	table_close(rel, NoLock);
	PG_RETURN_INT64(rows);
}
