/*
 * roll_up.c
 *		From minutes to hours and days of usage: one pass, and one sort for both.
 *
 * As two statements INSERT ... SELECT ... GROUP BY ... ON CONFLICT DO UPDATE this took
 * three times as long: each minute was grouped and sorted twice by general code, and
 * each row was looked for in the index, written with a record of WAL of its own,
 * written to the index as a speculation, and confirmed.  Nobody else writes to these tables:
 * whoever does holds the lock of devapp_internal.lock_usage().  So here what is
 * there already is read app by app, and what is new is written in batches.
 *
 * That is for a partition as devapp makes it.  Where somebody has added an index, a trigger
 * or a column, nothing is done, and the caller has the statements.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/nbtree.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/indexing.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/params.h"
#include "port/pg_bswap.h"
#include "tcop/dest.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "meter/add_counts.h"
#include "meter/meter_core.h"

PG_FUNCTION_INFO_V1(devapp_roll_up);

/* Bytes that compare as the index does: nulls are last, numbers begin with the highest byte. */
typedef struct IdKey
{
	uint8		is_null;
	uint8		id[UUID_LEN];
} IdKey;

/*
 * All that tells hours apart; what is before "hour" tells days apart, and what is before
 * "product" is what rows are looked for by.
 */
typedef struct UsageKey
{
	IdKey		app;
	uint8		day[sizeof(uint32)];
	IdKey		product;
	uint8		no_environment;
	char		environment[METER_ENVIRONMENT_LEN];
	uint8		code[sizeof(Oid)];
	uint8		hour[sizeof(uint64)];
	IdKey		credential;
	IdKey		operation;
} UsageKey;

#define RUN_KEY_LEN		offsetof(UsageKey, product)
#define DAY_KEY_LEN		offsetof(UsageKey, hour)
#define HOUR_KEY_LEN	sizeof(UsageKey)

typedef struct UsageRow
{
	UsageKey	key;
	int64		calls;
	int64		cost;
} UsageRow;

/* a row of the table, and where it is */
typedef struct StoredRow
{
	UsageRow	row;
	ItemPointerData tid;
} StoredRow;

#define ST_SORT sort_usage_rows
#define ST_ELEMENT_TYPE UsageRow
#define ST_COMPARE(a, b) memcmp(&(a)->key, &(b)->key, sizeof(UsageKey))
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

/* what a column is of */
typedef enum UsagePart
{
	PART_TIME,
	PART_APP,
	PART_CREDENTIAL,
	PART_PRODUCT,
	PART_OPERATION,
	PART_ENVIRONMENT,
	PART_CODE,
	PART_CALLS,
	PART_COST,
	PART_UPDATED_AT
} UsagePart;

typedef struct UsageColumn
{
	const char *name;
	UsagePart	part;
} UsageColumn;

#define MOST_COLUMNS	10
#define MOST_INDEX_KEYS	7

/* A table: its columns in their order, those of its index, and how much of a key a row has. */
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

/* ---------- keys ---------- */

static void
set_id(IdKey *key, Datum id, bool isnull)
{
	key->is_null = isnull;
	if (isnull)
		memset(key->id, 0, UUID_LEN);
	else
		memcpy(key->id, DatumGetUUIDP(id)->data, UUID_LEN);
}

static inline void
set_number(uint8 *key, uint32 number)
{
	number = pg_hton32(number);
	memcpy(key, &number, sizeof(number));
}

static inline uint32
number_of(const uint8 *key)
{
	uint32		number;

	memcpy(&number, key, sizeof(number));
	return pg_ntoh32(number);
}

/* The highest bit is turned, so that times before 2000 come first. */
static void
set_hour(UsageKey *key, TimestampTz hour)
{
	uint64		number = pg_hton64((uint64) hour ^ (UINT64CONST(1) << 63));

	memcpy(key->hour, &number, sizeof(number));
}

static TimestampTz
hour_of(const UsageKey *key)
{
	uint64		number;

	memcpy(&number, key->hour, sizeof(number));
	return (TimestampTz) (pg_ntoh64(number) ^ (UINT64CONST(1) << 63));
}

static void
set_day(UsageKey *key, DateADT day)
{
	set_number(key->day, (uint32) day ^ ((uint32) 1 << 31));
}

static DateADT
day_of(const UsageKey *key)
{
	return (DateADT) (number_of(key->day) ^ ((uint32) 1 << 31));
}

/* What is of no hour has none. */
static void
set_time(UsageKey *key, Datum time, bool by_hour)
{
	TimestampTz at;
	TimestampTz day;

	if (!by_hour)
	{
		set_day(key, DatumGetDateADT(time));
		memset(key->hour, 0, sizeof(key->hour));
		return;
	}
	at = DatumGetTimestampTz(time);
	day = at / USECS_PER_DAY - (at % USECS_PER_DAY < 0);
	set_day(key, (DateADT) day);
	set_hour(key, at - (at - day * USECS_PER_DAY) % USECS_PER_HOUR);
}

/* False: it is longer than any that was counted. */
static bool
set_environment(UsageKey *key, Datum environment, bool isnull)
{
	text	   *name;

	key->no_environment = isnull;
	memset(key->environment, 0, METER_ENVIRONMENT_LEN);
	if (isnull)
		return true;
	name = DatumGetTextPP(environment);
	if (VARSIZE_ANY_EXHDR(name) > METER_ENVIRONMENT_LEN)
		return false;
	memcpy(key->environment, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
	return true;
}

/* A column of a row of minutes, hours or days. */
static bool
set_part(UsageRow *row, UsagePart part, Datum value, bool isnull, bool by_hour)
{
	switch (part)
	{
		case PART_TIME:
			set_time(&row->key, value, by_hour);
			break;
		case PART_APP:
			set_id(&row->key.app, value, isnull);
			break;
		case PART_CREDENTIAL:
			set_id(&row->key.credential, value, isnull);
			break;
		case PART_PRODUCT:
			set_id(&row->key.product, value, isnull);
			break;
		case PART_OPERATION:
			set_id(&row->key.operation, value, isnull);
			break;
		case PART_ENVIRONMENT:
			return set_environment(&row->key, value, isnull);
		case PART_CODE:
			set_number(row->key.code, DatumGetObjectId(value));
			break;
		case PART_CALLS:
			row->calls = DatumGetInt64(value);
			break;
		case PART_COST:
			row->cost = DatumGetInt64(value);
			break;
		case PART_UPDATED_AT:
			break;
	}
	return true;
}

static Datum
id_datum(const IdKey *key, bool *isnull)
{
	*isnull = key->is_null;
	return UUIDPGetDatum((const pg_uuid_t *) key->id);
}

/* The same the other way round; the environment is allocated. */
static Datum
part_datum(const UsageRow *row, UsagePart part, bool by_hour, TimestampTz written_at, bool *isnull)
{
	const UsageKey *key = &row->key;

	*isnull = false;
	switch (part)
	{
		case PART_TIME:
			return by_hour ? TimestampTzGetDatum(hour_of(key)) : DateADTGetDatum(day_of(key));
		case PART_APP:
			return id_datum(&key->app, isnull);
		case PART_CREDENTIAL:
			return id_datum(&key->credential, isnull);
		case PART_PRODUCT:
			return id_datum(&key->product, isnull);
		case PART_OPERATION:
			return id_datum(&key->operation, isnull);
		case PART_ENVIRONMENT:
			*isnull = key->no_environment;
			return PointerGetDatum(cstring_to_text_with_len(key->environment,
															strnlen(key->environment, METER_ENVIRONMENT_LEN)));
		case PART_CODE:
			return ObjectIdGetDatum(number_of(key->code));
		case PART_CALLS:
			return Int64GetDatum(row->calls);
		case PART_COST:
			return Int64GetDatum(row->cost);
		case PART_UPDATED_AT:
			return TimestampTzGetDatum(written_at);
	}
	pg_unreachable();
}

/* Rows whose keys agree in so many bytes become one; they are sorted.  How many are left. */
static size_t
merge_rows(UsageRow *rows, size_t n, size_t key_len)
{
	size_t		last = 0;

	for (size_t i = 1; i < n; i++)
	{
		if (memcmp(&rows[last].key, &rows[i].key, key_len) == 0)
		{
			rows[last].calls = add_counts(rows[last].calls, rows[i].calls);
			rows[last].cost = add_counts(rows[last].cost, rows[i].cost);
		}
		else if (++last != i)
			rows[last] = rows[i];
	}
	return n == 0 ? 0 : last + 1;
}

/* ---------- the minutes ---------- */

typedef struct Minutes
{
	DestReceiver receiver;
	UsageRow   *rows;
	size_t		n;
	size_t		room;
	bool		refused;		/* something that is not as devapp writes it */
} Minutes;

static const UsagePart minute_parts[] = {
	PART_TIME, PART_APP, PART_CREDENTIAL, PART_PRODUCT, PART_OPERATION,
	PART_ENVIRONMENT, PART_CODE, PART_CALLS, PART_COST
};

static const char minutes_query[] =
"SELECT m.minute, m.app_id, m.credential_id, m.product_id, m.operation_id, m.environment, m.code, m.calls, m.cost"
"  FROM devapp.usage_minute m"
" WHERE m.flush_id OPERATOR(pg_catalog.=) ANY ($1)"
"   AND m.minute OPERATOR(pg_catalog.>=) $2 AND m.minute OPERATOR(pg_catalog.<) $3";

/* There are often many minutes of an hour; only where they do not melt away is more room made. */
static void
make_room(Minutes *minutes)
{
	sort_usage_rows(minutes->rows, minutes->n);
	minutes->n = merge_rows(minutes->rows, minutes->n, HOUR_KEY_LEN);
	if (minutes->n > minutes->room / 2)
	{
		minutes->room *= 2;
		minutes->rows = repalloc_huge(minutes->rows, minutes->room * sizeof(UsageRow));
	}
}

static bool
receive_minute(TupleTableSlot *slot, DestReceiver *receiver)
{
	Minutes    *minutes = (Minutes *) receiver;

	if (minutes->n == minutes->room)
		make_room(minutes);
	slot_getallattrs(slot);
	for (size_t i = 0; i < lengthof(minute_parts); i++)
	{
		if (!set_part(&minutes->rows[minutes->n], minute_parts[i],
					  slot->tts_values[i], slot->tts_isnull[i], true))
			minutes->refused = true;
	}
	minutes->n++;
	return !minutes->refused;
}

static void
start_receiving(DestReceiver *receiver, int operation, TupleDesc desc)
{
}

static void
stop_receiving(DestReceiver *receiver)
{
}

static void
read_minutes(Minutes *minutes, Datum flush_ids, Datum from, Datum to)
{
	SPIExecuteOptions options = {0};
	ParamListInfo params = makeParamList(3);

	params->params[0] = (ParamExternData) {
		.value = flush_ids, .pflags = PARAM_FLAG_CONST, .ptype = INT8ARRAYOID
	};
	params->params[1] = (ParamExternData) {
		.value = from, .pflags = PARAM_FLAG_CONST, .ptype = TIMESTAMPTZOID
	};
	params->params[2] = (ParamExternData) {
		.value = to, .pflags = PARAM_FLAG_CONST, .ptype = TIMESTAMPTZOID
	};
	options.params = params;
	options.read_only = true;
	options.dest = &minutes->receiver;
	minutes->room = 1024;
	minutes->rows = palloc(minutes->room * sizeof(UsageRow));
	SPI_connect();
	if (SPI_execute_extended(minutes_query, &options) < 0)
		elog(ERROR, "minutes of usage could not be read");
	SPI_finish();
}

/* ---------- a partition ---------- */

#define BATCH_ROWS	256

typedef struct Partition
{
	const UsageTable *table;
	Relation	relation;
	CatalogIndexState indexes;
	Snapshot	snapshot;
	TupleTableSlot *stored_slot;
	TimestampTz written_at;

	/* rows that are there */
	StoredRow  *stored;
	size_t		n_stored;
	size_t		room;

	/* new rows, until there are enough */
	TupleTableSlot *batch[BATCH_ROWS];
	int			n_batch;
	MemoryContext batch_context;

	/* for as long as a row takes; a scan would keep what it allocates here */
	MemoryContext row_context;
} Partition;

/* Where a part is, from 1. */
static int
column_of(const UsageTable *table, UsagePart part)
{
	int			i = 0;

	while (table->columns[i].part != part)
		i++;
	return i + 1;
}

static bool
has_our_index(const UsageTable *table, ResultRelInfo *indexes)
{
	const IndexInfo *info;
	Relation	index;

	if (indexes->ri_NumIndices != 1)
		return false;
	info = indexes->ri_IndexRelationInfo[0];
	index = indexes->ri_IndexRelationDescs[0];
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

/* Is it as devapp makes partitions? */
static bool
open_partition(Partition *partition, const UsageTable *table, Oid id, TimestampTz written_at)
{
	Relation	relation = table_open(id, RowExclusiveLock);

	partition->table = table;
	partition->relation = relation;
	partition->written_at = written_at;
	partition->indexes = CatalogOpenIndexes(relation);
	return relation->rd_tableam == GetHeapamTableAmRoutine() && relation->trigdesc == NULL &&
		has_our_columns(table, RelationGetDescr(relation)) && has_our_index(table, partition->indexes);
}

static void
close_partition(Partition *partition)
{
	CatalogCloseIndexes(partition->indexes);
	table_close(partition->relation, NoLock);
}

/* ---------- what is there ---------- */

static void
keep_stored(Partition *partition)
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
		/* one with an environment that is too long is none of those that are looked for */
		if (!set_part(&stored->row, table->columns[i].part, slot->tts_values[i],
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

/* Reads what is there of an app between two times; false: it is too much. */
static bool
read_run(Partition *partition, IndexScanDesc scan, const UsageRow *first, TimestampTz from, TimestampTz to, size_t most)
{
	const bool	by_hour = partition->table->by_hour;
	ScanKeyData keys[3];
	bool		isnull;
	Datum		app = id_datum(&first->key.app, &isnull);

	set_scan_key(&keys[0], 1, app, isnull, BTEqualStrategyNumber, F_UUID_EQ);
	set_scan_key(&keys[1], 2, by_hour ? TimestampTzGetDatum(from) : DateADTGetDatum(day_of(&first->key)),
				 false, BTGreaterEqualStrategyNumber, by_hour ? F_TIMESTAMPTZ_GE : F_DATE_GE);
	set_scan_key(&keys[2], 2, by_hour ? TimestampTzGetDatum(to) : DateADTGetDatum(day_of(&first->key)),
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

/* Reads what is there of one row. */
static void
read_row(Partition *partition, IndexScanDesc scan, const UsageRow *row)
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
		Datum		value = part_datum(row, part, table->by_hour, 0, &isnull);

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
				  ((const Partition *) partition)->table->key_len);
}

/* ---------- what is written ---------- */

static void
set_columns(const Partition *partition, const UsageRow *row, Datum *values, bool *nulls)
{
	const UsageTable *table = partition->table;

	for (int i = 0; i < table->n_columns; i++)
		values[i] = part_datum(row, table->columns[i].part, table->by_hour, partition->written_at, &nulls[i]);
}

static void
write_batch(Partition *partition)
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
insert_row(Partition *partition, const UsageRow *row)
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
update_row(Partition *partition, const UsageRow *row, StoredRow *stored)
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

/* The rows of a run and what is there of it go side by side, in their order. */
static void
write_run(Partition *partition, const UsageRow *rows, size_t n)
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

/* Rows that begin like this one: of one app and day. */
static size_t
run_length(const UsageRow *rows, size_t n, TimestampTz *from, TimestampTz *to)
{
	size_t		i;

	*from = *to = hour_of(&rows[0].key);
	for (i = 1; i < n && memcmp(&rows[i].key, &rows[0].key, RUN_KEY_LEN) == 0; i++)
	{
		*from = Min(*from, hour_of(&rows[i].key));
		*to = Max(*to, hour_of(&rows[i].key));
	}
	return i;
}

/*
 * Most runs are a few rows of a few that are there, which one scan finds.  Where there are
 * many more than are asked for, each is looked for by itself.
 */
static void
write_rows(Partition *partition, const UsageRow *rows, size_t n, IndexScanDesc run_scan, IndexScanDesc row_scan)
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

static void
write_partition(Partition *partition, const UsageRow *rows, size_t n)
{
	Relation	relation = partition->relation;
	Relation	index = partition->indexes->ri_IndexRelationDescs[0];
	/* not that of the transaction, which may be older than the lock */
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	IndexScanDesc run_scan = compat_index_beginscan(relation, index, snapshot, 3);
	IndexScanDesc row_scan = compat_index_beginscan(relation, index, snapshot, partition->table->n_index);
	/* a copy is not counted by its users, who are many */
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

/* ---------- the function ---------- */

static bool
roll_up(Partition *hours, Partition *days, Datum from, Datum to, Datum flush_ids)
{
	Minutes		minutes = {
		.receiver = {.receiveSlot = receive_minute, .rStartup = start_receiving,
		.rShutdown = stop_receiving, .rDestroy = stop_receiving, .mydest = DestNone}
	};

	read_minutes(&minutes, flush_ids, from, to);
	if (minutes.refused)
		return false;
	sort_usage_rows(minutes.rows, minutes.n);
	minutes.n = merge_rows(minutes.rows, minutes.n, HOUR_KEY_LEN);
	write_partition(hours, minutes.rows, minutes.n);
	minutes.n = merge_rows(minutes.rows, minutes.n, DAY_KEY_LEN);
	write_partition(days, minutes.rows, minutes.n);
	return true;
}

/*
 * SQL: devapp_internal.roll_up(regclass, regclass, timestamptz, timestamptz, bigint[], timestamptz).
 * The minutes of these flushes between two times, into a partition of hours and one of days;
 * false: these are not as devapp makes them, and nothing was done.
 */
Datum
devapp_roll_up(PG_FUNCTION_ARGS)
{
	Partition	hours = {0};
	Partition	days = {0};
	bool		ours;

	ours = open_partition(&hours, &hours_table, PG_GETARG_OID(0), PG_GETARG_TIMESTAMPTZ(5));
	ours &= open_partition(&days, &days_table, PG_GETARG_OID(1), PG_GETARG_TIMESTAMPTZ(5));
	if (ours)
		ours = roll_up(&hours, &days, PG_GETARG_DATUM(2), PG_GETARG_DATUM(3), PG_GETARG_DATUM(4));
	close_partition(&hours);
	close_partition(&days);
	PG_RETURN_BOOL(ours);
}
