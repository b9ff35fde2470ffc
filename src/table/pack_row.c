/*
 * pack_row.c
 *		Writes the copies of the model's rows that verification reads.
 *
 * What they are, and how they are found, is in packed_row.c.  The trigger pack_row() writes the copy
 * of each row that changes, rebuild_packed_rows() all of them.
 *
 * A row has at most one copy, and whoever changes a row has it locked; so no two
 * transactions write one copy at a time, and nothing here waits but note_quota().  Triggers of nested
 * statements fire before those of the outer one.  So a trigger does not copy the row that it is
 * told of, but what the row is by then.
 *
 * The copy of what others belong to is made when the row is inserted, which is before anything
 * can belong to it, and an UPDATE of a row without a copy makes none.  So a reader who finds
 * it finds all that belongs to it.
 *
 * The copy of an app says so while it is known to have no quota of its own (BODY_NO_QUOTA): from when
 * it is inserted, or the copies are rebuilt, to its first quota.  Who gives it that one locks the app,
 * as a change of the app does.  Release 0.1.0 would not keep this true.  So no copy says it until ALTER
 * EXTENSION devapp UPDATE; from then on its library is refused.
 *
 * A first touch reads an app, a credential and what belongs to it.  These are mostly made together,
 * so their copies lie together.  rebuild_packed_rows() writes them in that order too, whatever the
 * order of the tables.  It builds the indexes at the end, which is faster, and makes them denser.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_type_d.h"
#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "base/sodium.h"
#include "base/trigger.h"
#include "base/uuid.h"
#include "base/version.h"
#include "table/lock_row.h"
#include "table/packed_row.h"
#include "table/packed_table.h"

PG_FUNCTION_INFO_V1(devapp_pack_row);
PG_FUNCTION_INFO_V1(devapp_fill_packed_rows);
PG_FUNCTION_INFO_V1(devapp_check_packed_rows);

#define TABLE_COLUMNS	4		/* of packed_row */

/* Which row of the model a packed row is the copy of. */
typedef struct PackedKey
{
	pg_uuid_t	subject;
	pg_uuid_t	item;
} PackedKey;

/* Do others belong to it? */
static bool
is_whole(char kind)
{
	return kind >= 'A' && kind <= 'Z';
}

/* ---------- packing ---------- */

/* A row of the model, and how to read it. */
typedef struct ModelRow
{
	const PackedTable *table;
	HeapTuple	tuple;
	TupleDesc	desc;
} ModelRow;

static Datum
model_value(const ModelRow *row, CatalogColumn column, bool *isnull)
{
	AttrNumber	attno = catalog_column(column);

	if (unlikely(!AttributeNumberIsValid(attno)))
	{
		*isnull = true;
		return (Datum) 0;
	}
	return heap_getattr(row->tuple, attno, row->desc, isnull);
}

static void
append_aligned(StringInfo body, const void *from, int size)
{
	static const char zeros[MAXIMUM_ALIGNOF] = {0};

	appendBinaryStringInfo(body, from, size);
	appendBinaryStringInfo(body, zeros, MAXALIGN(size) - size);
}

static void
append_value(StringInfo body, CatalogColumn column, Datum value)
{
	int			size = packed_column_size(column);

	if (size == BY_VALUE)
		append_aligned(body, &value, sizeof(Datum));
	else if (size != VARIABLE)
		append_aligned(body, DatumGetPointer(value), size);
	else
	{
		struct varlena *plain = PG_DETOAST_DATUM(value);

		append_aligned(body, plain, VARSIZE(plain));
	}
}

static bytea *
pack_body(const ModelRow *row, uint32 flags)
{
	BodyHead	head = {PACKED_FORMAT, flags};
	StringInfoData body;

	initStringInfo(&body);
	appendStringInfoSpaces(&body, VARHDRSZ);
	appendBinaryStringInfo(&body, (char *) &head, sizeof(head));
	for (int i = 0; i <= (int) (row->table->last - row->table->first); i++)
	{
		bool		isnull;
		Datum		value = model_value(row, row->table->first + i, &isnull);

		if (isnull)
			continue;
		head.present |= 1U << i;
		append_value(&body, row->table->first + i, value);
	}
	memcpy(body.data + VARHDRSZ, &head, sizeof(head));
	SET_VARSIZE(body.data, body.len);
	return (bytea *) body.data;
}

static pg_uuid_t
id_of(const ModelRow *row, CatalogColumn column)
{
	bool		isnull;
	Datum		value = model_value(row, column, &isnull);
	pg_uuid_t	id = {{0}};

	if (isnull)
		elog(ERROR, "a row of devapp without its key");
	if (catalog_type(column) == UUIDOID)
		return *DatumGetUUIDP(value);
	if (catalog_type(column) == INT8OID)
	{
		int64		number = DatumGetInt64(value);

		memcpy(id.data + UUID_LEN - sizeof(number), &number, sizeof(number));
		return id;
	}
	else
	{
		text	   *key = DatumGetTextPP(value);

		return packed_subject_of_key((Str) {VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key)});
	}
}

static pg_uuid_t
subject_of(const ModelRow *row)
{
	pg_uuid_t	id = id_of(row, row->table->subject);

	if (row->table->kind == PACKED_SECRET || row->table->kind == PACKED_CREDENTIAL_PRODUCT)
		return packed_subject_of_credential(&id);
	return id;
}

static PackedKey
key_of(const ModelRow *row)
{
	return (PackedKey) {subject_of(row), id_of(row, row->table->item)};
}

/* An association that was removed is not copied. */
static bool
row_counts(const ModelRow *row)
{
	bool		isnull = true;

	if (row->table->kind == PACKED_CREDENTIAL_PRODUCT)
		(void) model_value(row, CREDENTIAL_PRODUCT_REMOVED_AT, &isnull);
	return isnull;
}

/* ---------- writing ---------- */

static HeapTuple
form_packed(Relation packed, char kind, const PackedKey *key, bytea *body)
{
	Datum		values[TABLE_COLUMNS];
	bool		nulls[TABLE_COLUMNS] = {false};

	values[catalog_column(PACKED_ROW_SUBJECT) - 1] = UUIDPGetDatum(&key->subject);
	values[catalog_column(PACKED_ROW_KIND) - 1] = CharGetDatum(kind);
	values[catalog_column(PACKED_ROW_ITEM) - 1] = UUIDPGetDatum(&key->item);
	values[catalog_column(PACKED_ROW_BODY) - 1] = PointerGetDatum(body);
	return heap_form_tuple(RelationGetDescr(packed), values, nulls);
}

static bytea *
body_of(Relation packed, HeapTuple copy)
{
	bool		isnull;

	return DatumGetByteaPP(heap_getattr(copy, catalog_column(PACKED_ROW_BODY),
										RelationGetDescr(packed), &isnull));
}

static bool
same_body(Relation packed, HeapTuple copy, const bytea *body)
{
	bytea	   *old = body_of(packed, copy);

	return VARSIZE_ANY_EXHDR(old) == VARSIZE_ANY_EXHDR(body) &&
		memcmp(VARDATA_ANY(old), VARDATA_ANY(body), VARSIZE_ANY_EXHDR(body)) == 0;
}

#define ITS_KIND	2			/* keys: whatever the item */
#define ITSELF		3

static SysScanDesc
find_packed(Relation packed, char kind, const PackedKey *key, int nkeys, Snapshot snapshot)
{
	ScanKeyData keys[ITSELF];

	ScanKeyInit(&keys[0], catalog_column(PACKED_ROW_SUBJECT), BTEqualStrategyNumber,
				F_UUID_EQ, UUIDPGetDatum(&key->subject));
	ScanKeyInit(&keys[1], catalog_column(PACKED_ROW_KIND), BTEqualStrategyNumber,
				F_CHAREQ, CharGetDatum(kind));
	ScanKeyInit(&keys[2], catalog_column(PACKED_ROW_ITEM), BTEqualStrategyNumber,
				F_UUID_EQ, UUIDPGetDatum(&key->item));
	return systable_beginscan(packed, compat_primary_key(packed), true, snapshot, nkeys, keys);
}

/* What this command has written cannot be written again by it. */
static void
end_command_of(HeapTuple tuple)
{
	if (TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data)))
		CommandCounterIncrement();
}

/* ---------- apps without quotas of their own ---------- */

/* Does every library that may write here clear the flag in time? */
static bool
no_quota_is_kept(void)
{
	return !version_may_lack("0.1.1");
}

/* Nothing is read of a body that is too short. */
static BodyHead
head_of(const bytea *body)
{
	BodyHead	head = {0, 0};

	memcpy(&head, VARDATA_ANY(body), Min(sizeof(head), VARSIZE_ANY_EXHDR(body)));
	return head;
}

static bool
says_no_quota(Relation packed, HeapTuple copy)
{
	return (head_of(body_of(packed, copy)).present & BODY_NO_QUOTA) != 0;
}

static bool
quota_has_copy(Relation packed, const PackedKey *app, Snapshot snapshot)
{
	SysScanDesc scan = find_packed(packed, PACKED_APP_QUOTA, app, ITS_KIND, snapshot);
	bool		found = systable_getnext(scan) != NULL;

	systable_endscan(scan);
	return found;
}

/* The flags of the body of a row whose copy is "old", or that has none. */
static uint32
flags_of(Relation packed, char kind, const PackedKey *key, HeapTuple old)
{
	bool		no_quota = false;

	if (kind == PACKED_APP && old != NULL)
		no_quota = says_no_quota(packed, old);
	else if (kind == PACKED_APP)
		/* a quota of the same statement may have been copied before its app */
		no_quota = no_quota_is_kept() && !quota_has_copy(packed, key, SnapshotSelf);
	return no_quota ? BODY_NO_QUOTA : 0;
}

static bool
app_says_no_quota(Relation packed, const PackedKey *app)
{
	SysScanDesc scan = find_packed(packed, PACKED_APP, app, ITSELF, SnapshotSelf);
	HeapTuple	copy = systable_getnext(scan);
	bool		says = copy != NULL && says_no_quota(packed, copy);

	systable_endscan(scan);
	return says;
}

/* Another transaction may have cleared the flag, before the app was locked. */
static void
clear_no_quota(Relation packed, const PackedKey *app)
{
	SysScanDesc scan = find_packed(packed, PACKED_APP, app, ITSELF, SnapshotSelf);
	HeapTuple	copy = systable_getnext(scan);

	if (copy != NULL && says_no_quota(packed, copy))
	{
		bytea	   *body = DatumGetByteaPCopy(PointerGetDatum(body_of(packed, copy)));
		BodyHead	head = head_of(body);

		head.present &= ~BODY_NO_QUOTA;
		memcpy(VARDATA(body), &head, sizeof(head));
		end_command_of(copy);
		CatalogTupleUpdate(packed, &copy->t_self, form_packed(packed, PACKED_APP, app, body));
	}
	systable_endscan(scan);
}

/* An app gets a quota.  Only the first one has something to clear, and locks the app. */
static void
note_quota(Relation packed, const pg_uuid_t *app_id)
{
	PackedKey	app = {*app_id, *app_id};

	if (!app_says_no_quota(packed, &app))
		return;
	lock_app_row(app_id);
	clear_no_quota(packed, &app);
}

/* ---------- a copy ---------- */

/*
 * The copy of the row with this key is to be that of "row", or to go if that is NULL.  Was
 * there one?
 */
static bool
write_packed(const PackedTable *table, const PackedKey *key, const ModelRow *row, bool make)
{
	Relation	packed = table_open(catalog_table(PACKED_ROW_BY_SUBJECT), RowExclusiveLock);
	SysScanDesc scan = find_packed(packed, table->kind, key, ITSELF, SnapshotSelf);
	HeapTuple	old = systable_getnext(scan);
	bytea	   *body = row != NULL ? pack_body(row, flags_of(packed, table->kind, key, old)) : NULL;

	if (old != NULL)
		end_command_of(old);
	if (old == NULL)
	{
		if (body != NULL && (make || !is_whole(table->kind)))
			CatalogTupleInsert(packed, form_packed(packed, table->kind, key, body));
		if (body != NULL && table->kind == PACKED_APP_QUOTA)
			note_quota(packed, &key->subject);
	}
	else if (body == NULL)
		CatalogTupleDelete(packed, &old->t_self);
	/* sessions recompile a product when its copy has a new row version, so it gets one even if the body is the same */
	else if (table->kind == PACKED_PRODUCT || !same_body(packed, old, body))
		CatalogTupleUpdate(packed, &old->t_self, form_packed(packed, table->kind, key, body));
	systable_endscan(scan);
	table_close(packed, NoLock);
	return old != NULL;
}

/* ---------- the trigger ---------- */

static const PackedTable *
table_of_relation(Relation rel)
{
	for (int i = 0; i < PACKED_TABLES; i++)
	{
		if (catalog_table(packed_tables[i].index) == RelationGetRelid(rel))
			return &packed_tables[i];
	}
	elog(ERROR, "pack_row: rows of %s are not packed", RelationGetRelationName(rel));
}

/* A scan for what the row with the primary key of this one is now. */
static SysScanDesc
find_latest(Relation rel, const ModelRow *row)
{
	Relation	index = index_open(compat_primary_key(rel), AccessShareLock);
	int			n = IndexRelationGetNumberOfKeyAttributes(index);
	ScanKeyData keys[INDEX_MAX_KEYS];

	for (int i = 0; i < n; i++)
	{
		AttrNumber	column = index->rd_index->indkey.values[i];
		bool		isnull;
		Datum		value = heap_getattr(row->tuple, column, row->desc, &isnull);

		ScanKeyInit(&keys[i], column, BTEqualStrategyNumber,
					TupleDescAttr(row->desc, column - 1)->atttypid == UUIDOID ? F_UUID_EQ : F_INT8EQ,
					value);
	}
	index_close(index, AccessShareLock);
	return systable_beginscan(rel, compat_primary_key(rel), true, SnapshotSelf, n, keys);
}

/* Is what the trigger was told of still the row? */
static bool
is_latest(Relation rel, TupleTableSlot *slot)
{
	return table_tuple_satisfies_snapshot(rel, slot, SnapshotSelf);
}

/* Make the copy of a row what the row is now.  Was there one? */
static bool
pack_latest(Relation rel, const ModelRow *row, bool make)
{
	SysScanDesc scan = find_latest(rel, row);
	PackedKey	key = key_of(row);
	ModelRow	latest = *row;
	PackedKey	latest_key;
	bool		is_there;
	bool		was_there;

	latest.tuple = systable_getnext(scan);
	is_there = latest.tuple != NULL && row_counts(&latest);
	if (is_there)
	{
		latest_key = key_of(&latest);
		is_there = memcmp(&key, &latest_key, sizeof(key)) == 0;
	}
	was_there = write_packed(row->table, &key, is_there ? &latest : NULL, make);
	systable_endscan(scan);
	return was_there;
}

static void
pack_new(Relation rel, const ModelRow *row, TupleTableSlot *slot, bool make)
{
	PackedKey	key = key_of(row);

	if (is_latest(rel, slot))
		(void) write_packed(row->table, &key, row_counts(row) ? row : NULL, make);
	else
		(void) pack_latest(rel, row, make);
}

static void
pack_update(Relation rel, const ModelRow *old, const ModelRow *new, TupleTableSlot *slot)
{
	PackedKey	old_key = key_of(old);
	PackedKey	new_key = key_of(new);
	bool		make = false;

	/* another key: only those that replication brings */
	if (memcmp(&old_key, &new_key, sizeof(old_key)) != 0)
		make = pack_latest(rel, old, false);
	pack_new(rel, new, slot, make);
}

/* pack_row(), AFTER INSERT, UPDATE or DELETE, each row */
Datum
devapp_pack_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	Relation	rel;
	ModelRow	row;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_AFTER(trigdata->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("pack_row must be an AFTER ROW trigger")));
	trigger_require_own_table(trigdata);
	devapp_require_sodium();
	rel = trigdata->tg_relation;
	row = (ModelRow) {table_of_relation(rel), trigdata->tg_trigtuple, RelationGetDescr(rel)};
	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		pack_new(rel, &row, trigdata->tg_trigslot, true);
	else if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
	{
		ModelRow	new = row;

		new.tuple = trigdata->tg_newtuple;
		pack_update(rel, &row, &new, trigdata->tg_newslot);
	}
	else
		(void) pack_latest(rel, &row, false);
	return PointerGetDatum(NULL);
}

/* ---------- all of them ---------- */

/* A pass over all rows of the model. */
typedef struct AllRows
{
	Relation	packed;
	Snapshot	snapshot;
	MemoryContext row_context;	/* empty before each row */
	int64		rows;			/* that have a copy, or should */
} AllRows;

static void
begin_all_rows(AllRows *all, LOCKMODE lock)
{
	devapp_require_sodium();
	all->packed = table_open(catalog_table(PACKED_ROW_BY_SUBJECT), lock);
	all->row_context = AllocSetContextCreate(CurrentMemoryContext, "devapp packed row",
											 ALLOCSET_SMALL_SIZES);
}

static void
end_all_rows(AllRows *all)
{
	MemoryContextDelete(all->row_context);
	table_close(all->packed, NoLock);
}

/* Copies are added in an order of their own, and at first to no index. */
typedef struct Filling
{
	AllRows		all;
	CommandId	command;
	CatalogScan below[PACKED_TABLES];	/* for what belongs to a row, of each such table */
} Filling;

/* Not as bulk writes, which use few buffers again and again: verification wants all of these in memory. */
static void
add_copy(Filling *f, const ModelRow *row, const PackedKey *key, uint32 flags)
{
	MemoryContext old = MemoryContextSwitchTo(f->all.row_context);

	heap_insert(f->all.packed, form_packed(f->all.packed, row->table->kind, key, pack_body(row, flags)),
				f->command, 0, NULL);
	f->all.rows++;
	MemoryContextSwitchTo(old);
	MemoryContextReset(f->all.row_context);
}

static uint32
fill_flags(Filling *f, const ModelRow *row, const PackedKey *key)
{
	CatalogScan *quotas;

	if (row->table->kind != PACKED_APP || !no_quota_is_kept())
		return 0;
	quotas = &f->below[packed_table_of_kind(PACKED_APP_QUOTA) - packed_tables];
	catalog_scan_again(quotas, UUIDPGetDatum(&key->item));
	return catalog_scan_next(quotas) ? 0 : BODY_NO_QUOTA;
}

/* A row, and then all that belongs to it. */
static void
fill_from(Filling *f, const ModelRow *row)
{
	PackedKey	key = key_of(row);

	CHECK_FOR_INTERRUPTS();
	if (!row_counts(row))
		return;
	add_copy(f, row, &key, fill_flags(f, row, &key));
	for (int i = 0; i < PACKED_TABLES; i++)
	{
		CatalogScan *scan = &f->below[i];

		if (packed_tables[i].parent != row->table->kind)
			continue;
		catalog_scan_again(scan, UUIDPGetDatum(&key.item));
		while (catalog_scan_next(scan))
		{
			ModelRow	child = {&packed_tables[i], ExecFetchSlotHeapTuple(scan->slot, false, NULL),
				scan->slot->tts_tupleDescriptor};

			fill_from(f, &child);
		}
	}
}

static void
begin_below(Filling *f)
{
	static const pg_uuid_t nobody = {{0}};

	for (int i = 0; i < PACKED_TABLES; i++)
	{
		if (packed_tables[i].parent != 0)
			catalog_scan_begin(&f->below[i], packed_tables[i].by_parent, UUIDPGetDatum(&nobody),
							   f->all.snapshot);
	}
}

static void
end_below(Filling *f)
{
	for (int i = PACKED_TABLES - 1; i >= 0; i--)
	{
		if (packed_tables[i].parent != 0)
			catalog_scan_end(&f->below[i]);
	}
}

static void
fill_from_table(Filling *f, const PackedTable *table)
{
	Relation	rel = table_open(catalog_table(table->index), AccessShareLock);
	ModelRow	row = {table, NULL, RelationGetDescr(rel)};
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, f->all.snapshot, 0, NULL);

	while ((row.tuple = systable_getnext(scan)) != NULL)
		fill_from(f, &row);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

static int64
fill_table(void)
{
	Filling		f = {.all.snapshot = SnapshotSelf, .command = GetCurrentCommandId(true)};

	begin_all_rows(&f.all, RowExclusiveLock);
	begin_below(&f);
	for (int i = 0; i < PACKED_TABLES; i++)
	{
		if (packed_tables[i].parent == 0)
			fill_from_table(&f, &packed_tables[i]);
	}
	end_below(&f);
	end_all_rows(&f.all);
	return f.all.rows;
}

/*
 * SQL: devapp_internal.fill_packed_rows(): copy every row into a table that is empty.  The caller
 * has it locked against everybody, and keeps writers out (sql/verify/packed_row.sql).
 */
Datum
devapp_fill_packed_rows(PG_FUNCTION_ARGS)
{
	int64		rows = fill_table();

	CommandCounterIncrement();
	compat_reindex(catalog_table(PACKED_ROW_BY_SUBJECT));
	PG_RETURN_INT64(rows);
}

/* ---------- are they right? ---------- */

typedef struct Checking
{
	AllRows		all;
	int64		missing;
	int64		wrong;
} Checking;

static bool
copy_is_right(Checking *c, const ModelRow *row, const PackedKey *key, HeapTuple copy)
{
	bool		no_quota = row->table->kind == PACKED_APP && says_no_quota(c->all.packed, copy);

	return same_body(c->all.packed, copy, pack_body(row, no_quota ? BODY_NO_QUOTA : 0)) &&
		!(no_quota && quota_has_copy(c->all.packed, key, c->all.snapshot));
}

static void
check_one(Checking *c, const ModelRow *row)
{
	PackedKey	key = key_of(row);
	SysScanDesc scan = find_packed(c->all.packed, row->table->kind, &key, ITSELF, c->all.snapshot);
	HeapTuple	copy = systable_getnext(scan);

	if (row_counts(row))
		c->all.rows++;
	if (copy == NULL)
		c->missing += row_counts(row);
	else if (!row_counts(row) || !copy_is_right(c, row, &key, copy))
		c->wrong++;
	systable_endscan(scan);
}

static void
check_table(Checking *c, const PackedTable *table, int64 most)
{
	Relation	rel = table_open(catalog_table(table->index), AccessShareLock);
	ModelRow	row = {table, NULL, RelationGetDescr(rel)};
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, c->all.snapshot, 0, NULL);
	MemoryContext old = MemoryContextSwitchTo(c->all.row_context);

	for (int64 n = 0; n < most && (row.tuple = systable_getnext(scan)) != NULL; n++)
	{
		CHECK_FOR_INTERRUPTS();
		check_one(c, &row);
		MemoryContextReset(c->all.row_context);
	}
	MemoryContextSwitchTo(old);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/*
 * SQL: devapp_internal.check_packed_rows(most) -> rows, missing, wrong: compare rows of each
 * table, up to so many, with their copies.
 */
Datum
devapp_check_packed_rows(PG_FUNCTION_ARGS)
{
	Checking	c = {.all.snapshot = GetActiveSnapshot()};
	TupleDesc	desc;
	Datum		values[3];
	bool		nulls[3] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	begin_all_rows(&c.all, AccessShareLock);
	for (int i = 0; i < PACKED_TABLES; i++)
		check_table(&c, &packed_tables[i], PG_GETARG_INT64(0));
	end_all_rows(&c.all);
	values[0] = Int64GetDatum(c.all.rows);
	values[1] = Int64GetDatum(c.missing);
	values[2] = Int64GetDatum(c.wrong);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
