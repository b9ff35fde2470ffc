/*
 * usage_partition.c
 *		A partition of hours or days of usage, to which sums are added.
 *
 * Rows that are there already are read app by app, and new rows are written in batches.  The
 * caller holds the lock of devapp_internal.lock_usage(), so nobody else writes meanwhile.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/nbtree.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/indexing.h"
#include "catalog/pg_am_d.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "meter/add_counts.h"
#include "meter/usage_change.h"
#include "meter/usage_partition.h"

/* a row of the partition, and where it is */
typedef struct StoredRow
{
	UsageRow	row;
	ItemPointerData tid;
} StoredRow;

typedef struct UsageColumn
{
	const char *name;
	UsagePart	part;
} UsageColumn;

#define MOST_COLUMNS	10
#define MOST_INDEX_KEYS	7

/* A table: its columns and those of its index, in their order, and the length of its keys. */
typedef struct UsageTable
{
	UsageColumn columns[MOST_COLUMNS];
	int			n_columns;
	UsagePart	index[MOST_INDEX_KEYS];
	int			n_index;
	size_t		key_len;
	bool		by_hour;
} UsageTable;

static const UsageTable hours_table = {
	.columns = {
		{"hour", PART_TIME}, {"app_id", PART_APP}, {"credential_id", PART_CREDENTIAL},
		{"product_id", PART_PRODUCT}, {"operation_id", PART_OPERATION},
		{"environment", PART_ENVIRONMENT}, {"code", PART_CODE},
		{"calls", PART_CALLS}, {"cost", PART_COST}, {"updated_at", PART_UPDATED_AT}
	},
	.n_columns = 10,
	.index = {PART_APP, PART_TIME, PART_PRODUCT, PART_CREDENTIAL, PART_OPERATION, PART_ENVIRONMENT, PART_CODE},
	.n_index = 7,
	.key_len = HOUR_KEY_LEN,
	.by_hour = true
};

static const UsageTable days_table = {
	.columns = {
		{"day", PART_TIME}, {"app_id", PART_APP}, {"product_id", PART_PRODUCT},
		{"environment", PART_ENVIRONMENT}, {"code", PART_CODE},
		{"calls", PART_CALLS}, {"cost", PART_COST}, {"updated_at", PART_UPDATED_AT}
	},
	.n_columns = 8,
	.index = {PART_APP, PART_TIME, PART_PRODUCT, PART_ENVIRONMENT, PART_CODE},
	.n_index = 5,
	.key_len = DAY_KEY_LEN,
	.by_hour = false
};

#define BATCH_ROWS	256

struct UsagePartition
{
	const UsageTable *table;
	Relation	relation;
	CatalogIndexState indexes;
	Relation	index;			/* by which rows are found */
	TupleTableSlot *stored_slot;
	TimestampTz written_at;

	/* rows that are there already */
	StoredRow  *stored;
	size_t		n_stored;
	size_t		room;

	/* new rows, until there are enough to write */
	TupleTableSlot *batch[BATCH_ROWS];
	int			n_batch;
	MemoryContext batch_context;

	/* reset after each row; scans run outside of it, because they keep what they allocate */
	MemoryContext row_context;
};

/* Returns the number of the column that holds a part, from 1. */
static int
column_of(const UsageTable *table, UsagePart part)
{
	int			i = 0;

	while (table->columns[i].part != part)
		i++;
	return i + 1;
}

/* The index that says which days are where: it needs no care. */
static bool
only_summarizes(const ResultRelInfo *indexes, int i)
{
	return indexes->ri_IndexRelationDescs[i]->rd_rel->relam == BRIN_AM_OID &&
		indexes->ri_IndexRelationInfo[i]->ii_Expressions == NIL &&
		indexes->ri_IndexRelationInfo[i]->ii_Predicate == NIL;
}

static bool
is_our_index(const UsageTable *table, const IndexInfo *info, Relation index)
{
	if (!info->ii_Unique || info->ii_Expressions != NIL || info->ii_Predicate != NIL ||
		info->ii_NumIndexAttrs != table->n_index || info->ii_NumIndexKeyAttrs != table->n_index ||
		index->rd_rel->relam != BTREE_AM_OID || !index->rd_index->indisvalid || !index->rd_index->indimmediate)
		return false;
	for (int i = 0; i < table->n_index; i++)
	{
		if (info->ii_IndexAttrNumbers[i] != column_of(table, table->index[i]))
			return false;
	}
	return true;
}

/* The index by which rows are found; NULL: there is none, or there are others. */
static Relation
find_our_index(const UsageTable *table, const ResultRelInfo *indexes)
{
	Relation	ours = NULL;

	for (int i = 0; i < indexes->ri_NumIndices; i++)
	{
		if (only_summarizes(indexes, i))
			continue;
		if (ours != NULL ||
			!is_our_index(table, indexes->ri_IndexRelationInfo[i], indexes->ri_IndexRelationDescs[i]))
			return NULL;
		ours = indexes->ri_IndexRelationDescs[i];
	}
	return ours;
}

static bool
has_our_columns(const UsageTable *table, TupleDesc desc)
{
	if (desc->natts != table->n_columns)
		return false;
	for (int i = 0; i < desc->natts; i++)
	{
		if (TupleDescAttr(desc, i)->attisdropped ||
			strcmp(NameStr(TupleDescAttr(desc, i)->attname), table->columns[i].name) != 0)
			return false;
	}
	return true;
}

void
usage_partition_close(UsagePartition *partition)
{
	CatalogCloseIndexes(partition->indexes);
	table_close(partition->relation, NoLock);
}

/* NULL: the partition is not as devapp makes it. */
UsagePartition *
usage_partition_open(Oid id, bool by_hour, TimestampTz written_at)
{
	UsagePartition *partition = palloc0(sizeof(UsagePartition));
	const UsageTable *table = by_hour ? &hours_table : &days_table;
	Relation	relation = table_open(id, RowExclusiveLock);

	partition->table = table;
	partition->relation = relation;
	partition->written_at = written_at;
	partition->indexes = CatalogOpenIndexes(relation);
	partition->index = find_our_index(table, partition->indexes);
	if (relation->rd_tableam == GetHeapamTableAmRoutine() && usage_change_is_only_trigger(relation->trigdesc) &&
		has_our_columns(table, RelationGetDescr(relation)) && partition->index != NULL)
		return partition;
	usage_partition_close(partition);
	return NULL;
}

/* ---------- rows that are there ---------- */

static void
keep_stored(UsagePartition *partition)
{
	const UsageTable *table = partition->table;
	TupleTableSlot *slot = partition->stored_slot;
	StoredRow  *stored;

	if (partition->n_stored == partition->room)
	{
		partition->room *= 2;
		partition->stored = repalloc_huge(partition->stored, partition->room * sizeof(StoredRow));
	}
	stored = &partition->stored[partition->n_stored];
	slot_getallattrs(slot);
	for (int i = 0; i < table->n_columns; i++)
	{
		/* no row that is looked for has such a value */
		if (!usage_row_set(&stored->row, table->columns[i].part, slot->tts_values[i],
						   slot->tts_isnull[i], table->by_hour))
			return;
	}
	stored->tid = slot->tts_tid;
	partition->n_stored++;
}

static void
set_scan_key(ScanKey key, int column, Datum value, bool isnull, StrategyNumber strategy, RegProcedure function)
{
	if (isnull)
		ScanKeyEntryInitialize(key, SK_ISNULL | SK_SEARCHNULL, column, InvalidStrategy,
							   InvalidOid, InvalidOid, InvalidOid, (Datum) 0);
	else
		ScanKeyInit(key, column, strategy, function, value);
}

/* Reads the rows of an app between two times, or of a day; false: there are more than "most". */
static bool
read_run(UsagePartition *partition, IndexScanDesc scan, const UsageRow *first, TimestampTz from, TimestampTz to, size_t most)
{
	const bool	by_hour = partition->table->by_hour;
	ScanKeyData keys[3];
	bool		isnull;
	Datum		day = usage_row_get(first, PART_TIME, false, 0, &isnull);
	Datum		app = usage_row_get(first, PART_APP, by_hour, 0, &isnull);

	set_scan_key(&keys[0], 1, app, isnull, BTEqualStrategyNumber, F_UUID_EQ);
	set_scan_key(&keys[1], 2, by_hour ? TimestampTzGetDatum(from) : day,
				 false, BTGreaterEqualStrategyNumber, by_hour ? F_TIMESTAMPTZ_GE : F_DATE_GE);
	set_scan_key(&keys[2], 2, by_hour ? TimestampTzGetDatum(to) : day,
				 false, BTLessEqualStrategyNumber, by_hour ? F_TIMESTAMPTZ_LE : F_DATE_LE);
	index_rescan(scan, keys, 3, NULL, 0);
	partition->n_stored = 0;
	while (index_getnext_slot(scan, ForwardScanDirection, partition->stored_slot))
	{
		if (partition->n_stored == most)
			return false;
		keep_stored(partition);
	}
	return true;
}

/* Reads the row with this key, if there is one. */
static void
read_row(UsagePartition *partition, IndexScanDesc scan, const UsageRow *row)
{
	static const RegProcedure equal[] = {
		[PART_APP] = F_UUID_EQ, [PART_CREDENTIAL] = F_UUID_EQ, [PART_PRODUCT] = F_UUID_EQ,
		[PART_OPERATION] = F_UUID_EQ, [PART_ENVIRONMENT] = F_TEXTEQ, [PART_CODE] = F_ENUM_EQ
	};
	const UsageTable *table = partition->table;
	ScanKeyData keys[MOST_INDEX_KEYS];
	MemoryContext old = MemoryContextSwitchTo(partition->row_context);

	for (int i = 0; i < table->n_index; i++)
	{
		UsagePart	part = table->index[i];
		bool		isnull;
		Datum		value = usage_row_get(row, part, table->by_hour, 0, &isnull);

		set_scan_key(&keys[i], i + 1, value, isnull, BTEqualStrategyNumber,
					 part != PART_TIME ? equal[part] : table->by_hour ? F_TIMESTAMPTZ_EQ : F_DATE_EQ);
	}
	MemoryContextSwitchTo(old);
	index_rescan(scan, keys, table->n_index, NULL, 0);
	partition->n_stored = 0;
	if (index_getnext_slot(scan, ForwardScanDirection, partition->stored_slot))
		keep_stored(partition);
	MemoryContextReset(partition->row_context);
}

static int
compare_stored(const void *a, const void *b, void *partition)
{
	return memcmp(&((const StoredRow *) a)->row.key, &((const StoredRow *) b)->row.key,
				  ((const UsagePartition *) partition)->table->key_len);
}

/* ---------- rows that are written ---------- */

static void
set_columns(const UsagePartition *partition, const UsageRow *row, Datum *values, bool *nulls)
{
	const UsageTable *table = partition->table;

	for (int i = 0; i < table->n_columns; i++)
		values[i] = usage_row_get(row, table->columns[i].part, table->by_hour, partition->written_at, &nulls[i]);
}

static void
write_batch(UsagePartition *partition)
{
	MemoryContext old = MemoryContextSwitchTo(partition->batch_context);

	CatalogTuplesMultiInsertWithInfo(partition->relation, partition->batch, partition->n_batch, partition->indexes);
	MemoryContextSwitchTo(old);
	for (int i = 0; i < partition->n_batch; i++)
		ExecClearTuple(partition->batch[i]);
	partition->n_batch = 0;
	MemoryContextReset(partition->batch_context);
}

static void
insert_row(UsagePartition *partition, const UsageRow *row)
{
	MemoryContext old = MemoryContextSwitchTo(partition->batch_context);
	TupleTableSlot *slot = partition->batch[partition->n_batch++];

	set_columns(partition, row, slot->tts_values, slot->tts_isnull);
	ExecStoreVirtualTuple(slot);
	MemoryContextSwitchTo(old);
	if (partition->n_batch == BATCH_ROWS)
		write_batch(partition);
}

static void
update_row(UsagePartition *partition, const UsageRow *row, StoredRow *stored)
{
	Datum		values[MOST_COLUMNS];
	bool		nulls[MOST_COLUMNS];
	UsageRow	sum = *row;
	MemoryContext old = MemoryContextSwitchTo(partition->row_context);

	sum.calls = add_counts(stored->row.calls, row->calls);
	sum.cost = add_counts(stored->row.cost, row->cost);
	set_columns(partition, &sum, values, nulls);
	CatalogTupleUpdateWithInfo(partition->relation, &stored->tid,
							   heap_form_tuple(RelationGetDescr(partition->relation), values, nulls),
							   partition->indexes);
	MemoryContextSwitchTo(old);
	MemoryContextReset(partition->row_context);
}

/* Walks through the rows of a run and the stored rows side by side: both are sorted. */
static void
write_run(UsagePartition *partition, const UsageRow *rows, size_t n)
{
	size_t		next = 0;

	qsort_arg(partition->stored, partition->n_stored, sizeof(StoredRow), compare_stored, partition);
	for (size_t i = 0; i < n; i++)
	{
		int			order = 1;

		while (next < partition->n_stored &&
			   (order = memcmp(&partition->stored[next].row.key, &rows[i].key, partition->table->key_len)) < 0)
			next++;
		if (next < partition->n_stored && order == 0)
			update_row(partition, &rows[i], &partition->stored[next]);
		else
			insert_row(partition, &rows[i]);
	}
}

/* Returns how many rows have the app and day of the first, and sets their first and last hour. */
static size_t
run_length(const UsageRow *rows, size_t n, TimestampTz *from, TimestampTz *to)
{
	size_t		i;

	*from = *to = usage_row_hour(&rows[0]);
	for (i = 1; i < n && memcmp(&rows[i].key, &rows[0].key, RUN_KEY_LEN) == 0; i++)
	{
		*from = Min(*from, usage_row_hour(&rows[i]));
		*to = Max(*to, usage_row_hour(&rows[i]));
	}
	return i;
}

/*
 * For most runs one scan finds the few rows that are there.  Where there are many more than
 * the run has, each row is looked for by itself.
 */
static void
write_rows(UsagePartition *partition, const UsageRow *rows, size_t n, IndexScanDesc run_scan, IndexScanDesc row_scan)
{
	for (size_t i = 0; i < n;)
	{
		TimestampTz from;
		TimestampTz to;
		size_t		length = run_length(&rows[i], n - i, &from, &to);

		CHECK_FOR_INTERRUPTS();
		if (read_run(partition, run_scan, &rows[i], from, to, 64 + 8 * length))
			write_run(partition, &rows[i], length);
		else
		{
			for (size_t j = i; j < i + length; j++)
			{
				read_row(partition, row_scan, &rows[j]);
				write_run(partition, &rows[j], 1);
			}
		}
		i += length;
	}
	write_batch(partition);
}

/* The rows are sorted, and no two have the same key. */
void
usage_partition_add(UsagePartition *partition, const UsageRow *rows, size_t n)
{
	Relation	relation = partition->relation;
	Relation	index = partition->index;
	/* the transaction's snapshot may be older than the lock */
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	IndexScanDesc run_scan = compat_index_beginscan(relation, index, snapshot, 3);
	IndexScanDesc row_scan = compat_index_beginscan(relation, index, snapshot, partition->table->n_index);
	/* a copy, because each slot would pin the relation's own */
	TupleDesc	desc = CreateTupleDescCopy(RelationGetDescr(relation));

	partition->room = 1024;
	partition->stored = palloc0(partition->room * sizeof(StoredRow));
	partition->stored_slot = table_slot_create(relation, NULL);
	partition->batch_context = AllocSetContextCreate(CurrentMemoryContext, "devapp usage batch", ALLOCSET_DEFAULT_SIZES);
	partition->row_context = AllocSetContextCreate(CurrentMemoryContext, "devapp usage row", ALLOCSET_SMALL_SIZES);
	for (int i = 0; i < BATCH_ROWS; i++)
		partition->batch[i] = MakeSingleTupleTableSlot(desc, &TTSOpsHeapTuple);
	write_rows(partition, rows, n, run_scan, row_scan);
	for (int i = 0; i < BATCH_ROWS; i++)
		ExecDropSingleTupleTableSlot(partition->batch[i]);
	ExecDropSingleTupleTableSlot(partition->stored_slot);
	index_endscan(run_scan);
	index_endscan(row_scan);
	UnregisterSnapshot(snapshot);
}
