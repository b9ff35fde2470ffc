/*
 * packed_row.c
 *		The rows of the model as verification reads them.
 *
 * What a first touch of a key asks for lies in nine tables.  Each costs a session that is
 * new a look at a dozen catalogs, and each touch a scan of an index of its own.  So a copy
 * of those columns of each row is kept in one small table, devapp_internal.packed_row: a row
 * of the model is one row there, found by its subject.
 *
 *	row of				subject					item
 *	developer, team		its id					the same
 *	app					its id					the same
 *	app_quota			the app's id			the product's id
 *	product				its id					the same
 *	product_operation	the product's id		its id
 *	credential			a hash of its key		its id
 *	credential_secret	half the credential's id	its id
 *	credential_product	half the credential's id	its ordinal
 *
 * Half an id is its last eight bytes, which are random in most ids.  An id that devapp makes
 * for a credential has the hash of its key there (new_credential_id), so a credential and what
 * belongs to it have the same subject, and one look-up finds them all.  With any other id it
 * takes two.  Different credentials may have the same subject, by chance or because somebody
 * chose their ids so; readers compare keys and whole ids.
 *
 * The trigger pack_row() writes it in the transaction that writes the row, so whoever sees the
 * one sees the other.  But in the midst of a statement some triggers have run and
 * others have not, so a transaction that has written reads the tables themselves
 * (packed_rows_serve).
 *
 * A row has at most one copy, and whoever changes a row has it locked; so no two
 * transactions write one copy at a time, and nothing here waits.  Triggers of nested
 * statements fire before those of the outer one.  So a trigger does not copy the row that it is
 * told of, but what the row is by then.
 *
 * A copy that is missing only costs time: the tables are read.  But what belongs to a
 * credential, an app or a product must be there if its own copy is.  So the copies of these are
 * made when the row is inserted, which is before anything can belong to it, and an UPDATE
 * of a row without a copy makes none.  rebuild_packed_rows() makes all of them.
 *
 * A body is the number of its format, the columns that are not null as bits, and
 * their values, each on a border of eight bytes, as they are in memory.  A version that packs one
 * more column of a table packs it last: bodies from before have no bit for it, and the release
 * before does not read so far.  So such a column is NULL in rows from before.
 */
#include "postgres.h"

#include <sodium.h>

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
#include "table/packed_row.h"

PG_FUNCTION_INFO_V1(devapp_new_credential_id);
PG_FUNCTION_INFO_V1(devapp_pack_row);
PG_FUNCTION_INFO_V1(devapp_fill_packed_rows);
PG_FUNCTION_INFO_V1(devapp_check_packed_rows);

#define FORMAT			2
#define TABLE_COLUMNS	4		/* of packed_row */

typedef struct PackedTable
{
	char		kind;
	CatalogIndex index;			/* names the table */
	CatalogColumn subject;
	CatalogColumn item;
	CatalogColumn first;		/* of those that are packed */
	CatalogColumn last;
} PackedTable;

static const PackedTable packed_tables[] = {
	{PACKED_DEVELOPER, DEVELOPER_BY_ID, DEVELOPER_ID, DEVELOPER_ID,
	DEVELOPER_EMAIL, DEVELOPER_STATUS},
	{PACKED_TEAM, TEAM_BY_ID, TEAM_ID, TEAM_ID,
	TEAM_NAME, TEAM_STATUS},
	{PACKED_PRODUCT, PRODUCT_BY_ID, PRODUCT_ID, PRODUCT_ID,
	PRODUCT_NAME, PRODUCT_TRAILING_SLASH},
	{PACKED_OPERATION, OPERATION_BY_PRODUCT, OPERATION_PRODUCT_ID, OPERATION_ID,
	OPERATION_ID, OPERATION_QUOTA_UNIT},
	{PACKED_APP, APP_BY_ID, APP_ID, APP_ID,
	APP_DEVELOPER_ID, APP_ALLOWED_CIDRS},
	{PACKED_APP_QUOTA, APP_QUOTA_BY_APP, APP_QUOTA_APP_ID, APP_QUOTA_PRODUCT_ID,
	APP_QUOTA_PRODUCT_ID, APP_QUOTA_UNTIL},
	{PACKED_CREDENTIAL, CREDENTIAL_BY_ID, CREDENTIAL_CONSUMER_KEY, CREDENTIAL_ID,
	CREDENTIAL_ID, CREDENTIAL_EXPIRES_AT},
	{PACKED_SECRET, SECRET_BY_CREDENTIAL, SECRET_CREDENTIAL_ID, SECRET_ID,
	SECRET_CREDENTIAL_ID, SECRET_ENDED_AT},
	{PACKED_CREDENTIAL_PRODUCT, CREDENTIAL_PRODUCT_BY_CREDENTIAL,
	CREDENTIAL_PRODUCT_CREDENTIAL_ID, CREDENTIAL_PRODUCT_ORDINAL,
	CREDENTIAL_PRODUCT_CREDENTIAL_ID, CREDENTIAL_PRODUCT_STATUS},
};

#define PACKED_TABLES	((int) lengthof(packed_tables))

/* Each has room for its columns in PackedRow, and a bit for each in BodyHead. */
#define REQUIRE_ROOM(first, last) \
	StaticAssertDecl((last) - (first) < PACKED_COLUMNS, "a packed row has room for its columns")

StaticAssertDecl(PACKED_COLUMNS <= 32, "a body has a bit for each column");
REQUIRE_ROOM(DEVELOPER_EMAIL, DEVELOPER_STATUS);
REQUIRE_ROOM(TEAM_NAME, TEAM_STATUS);
REQUIRE_ROOM(PRODUCT_NAME, PRODUCT_TRAILING_SLASH);
REQUIRE_ROOM(OPERATION_ID, OPERATION_QUOTA_UNIT);
REQUIRE_ROOM(APP_DEVELOPER_ID, APP_ALLOWED_CIDRS);
REQUIRE_ROOM(APP_QUOTA_PRODUCT_ID, APP_QUOTA_UNTIL);
REQUIRE_ROOM(CREDENTIAL_ID, CREDENTIAL_EXPIRES_AT);
REQUIRE_ROOM(SECRET_CREDENTIAL_ID, SECRET_ENDED_AT);
REQUIRE_ROOM(CREDENTIAL_PRODUCT_CREDENTIAL_ID, CREDENTIAL_PRODUCT_STATUS);

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

/* ---------- reading ---------- */

/*
 * Not to a transaction that has written: it may be in the midst of a statement whose
 * triggers have not all run.
 */
bool
packed_rows_serve(void)
{
	return !TransactionIdIsValid(GetTopTransactionIdIfAny());
}

#define HALF_LEN	(UUID_LEN / 2)

/* The subject of what belongs to a credential. */
pg_uuid_t
packed_subject_of_credential(const pg_uuid_t *id)
{
	pg_uuid_t	subject = {{0}};

	memcpy(subject.data + HALF_LEN, id->data + HALF_LEN, HALF_LEN);
	return subject;
}

/* The subject of a key's credential: the hash, less the bits that are the same in all UUIDs. */
pg_uuid_t
packed_subject_of_key(Str consumer_key)
{
	static const unsigned char hash_key[crypto_shorthash_siphash24_KEYBYTES + 1] = "devapp packedrow";
	pg_uuid_t	subject = {{0}};

	StaticAssertStmt(crypto_shorthash_siphash24_BYTES == HALF_LEN, "a hash is half an id");
	(void) crypto_shorthash_siphash24(subject.data + HALF_LEN,
									  (const unsigned char *) consumer_key.data,
									  consumer_key.len, hash_key);
	uuid_set_variant(&subject);
	return subject;
}

/*
 * SQL: devapp_internal.new_credential_id(consumer_key): a time-ordered UUID by which the
 * credential and what belongs to it have the same subject.
 */
Datum
devapp_new_credential_id(PG_FUNCTION_ARGS)
{
	text	   *key = PG_GETARG_TEXT_PP(0);
	pg_uuid_t  *id = palloc(sizeof(pg_uuid_t));
	pg_uuid_t	subject;

	devapp_require_sodium();
	subject = packed_subject_of_key((Str) {VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key)});
	uuid_require_v7(id);
	memcpy(id->data + HALF_LEN, subject.data + HALF_LEN, HALF_LEN);
	PG_RETURN_UUID_P(id);
}

void
packed_scan_begin(CatalogScan *scan, PackedRow *row, const pg_uuid_t *subject,
				  Snapshot snapshot)
{
	catalog_scan_begin(scan, PACKED_ROW_BY_SUBJECT, UUIDPGetDatum(subject), snapshot);
	row->subject = subject;
	row->room = 512;
	row->body = palloc(row->room);
	scan->packed = row;
}

void
packed_scan_again(CatalogScan *scan, const pg_uuid_t *subject)
{
	scan->packed->subject = subject;
	catalog_scan_again(scan, UUIDPGetDatum(subject));
}

static const PackedTable *
table_of_kind(char kind)
{
	for (int i = 0; i < PACKED_TABLES; i++)
	{
		if (packed_tables[i].kind == kind)
			return &packed_tables[i];
	}
	return NULL;
}

static compat_noreturn void
body_damaged(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("could not read a row of devapp_internal.packed_row"),
			 errhint("The owner of the extension can rebuild all rows with SELECT devapp_internal.rebuild_packed_rows().")));
}

/* How much of a body a value takes, if its type says so. */
#define BY_VALUE	((int) sizeof(Datum))
#define VARIABLE	(-1)

static int8 column_sizes[CATALOG_COLUMNS];	/* 0: not asked yet */

static int
find_size(CatalogColumn column)
{
	switch (catalog_type(column))
	{
		case UUIDOID:
			return UUID_LEN;
		case INT4OID:
		case INT8OID:
		case FLOAT8OID:
		case TIMESTAMPTZOID:
			return BY_VALUE;
		default:
			return VARIABLE;
	}
}

static inline int
column_size(CatalogColumn column)
{
	if (unlikely(column_sizes[column] == 0))
		column_sizes[column] = (int8) find_size(column);
	return column_sizes[column];
}

typedef struct BodyHead
{
	uint32		format;
	uint32		present;		/* bit n: column first + n is not null */
} BodyHead;

static inline char *
unpack_value(char *from, const char *end, int size, Datum *value)
{
	/* no value takes less */
	if (end - from < (ptrdiff_t) sizeof(Datum))
		body_damaged();
	if (size == BY_VALUE)
	{
		memcpy(value, from, sizeof(Datum));
		return from + sizeof(Datum);
	}
	if (size == VARIABLE)
		size = (int) VARSIZE(from);
	if (size < (int) VARHDRSZ || size > end - from)
		body_damaged();
	*value = PointerGetDatum(from);
	return from + MAXALIGN(size);
}

static void
unpack_values(PackedRow *row)
{
	const PackedTable *table = table_of_kind(row->kind);
	const BodyHead *head = (const BodyHead *) row->body;
	char	   *from = row->body + sizeof(BodyHead);

	if (table == NULL)
		body_damaged();
	if (row->size < sizeof(BodyHead) || head->format != FORMAT)
		body_damaged();
	row->first = table->first;
	for (int i = 0; i <= (int) (table->last - table->first); i++)
	{
		row->values[i].isnull = (head->present & (1U << i)) == 0;
		if (!row->values[i].isnull)
			from = unpack_value(from, row->body + row->size, column_size(table->first + i),
								&row->values[i].value);
	}
}

/* A column of the packed row itself; all have been taken apart. */
static inline Datum
own_value(CatalogScan *scan, CatalogColumn column)
{
	int			n = catalog_column(column) - 1;

	if (scan->slot->tts_isnull[n])
		body_damaged();
	return scan->slot->tts_values[n];
}

/* The index knows only a hash of the subject. */
static bool
next_of_subject(CatalogScan *scan)
{
	while (catalog_scan_next(scan))
	{
		slot_getallattrs(scan->slot);
		if (memcmp(DatumGetUUIDP(own_value(scan, PACKED_ROW_SUBJECT)), scan->packed->subject,
				   UUID_LEN) == 0)
			return true;
	}
	return false;
}

/* The body is copied, because in the table it is not aligned. */
static void
unpack_row(PackedRow *row, char kind, const char *body, Size size)
{
	if (size > row->room)
	{
		row->room = size;
		row->body = repalloc(row->body, row->room);
	}
	memcpy(row->body, body, size);
	row->kind = kind;
	row->size = size;
	unpack_values(row);
}

/* The next packed row of the subject; they come in any order. */
bool
packed_scan_next(CatalogScan *scan)
{
	bytea	   *body;

	if (!next_of_subject(scan))
		return false;
	body = DatumGetByteaPP(own_value(scan, PACKED_ROW_BODY));
	unpack_row(scan->packed, DatumGetChar(own_value(scan, PACKED_ROW_KIND)), VARDATA_ANY(body),
			   VARSIZE_ANY_EXHDR(body));
	return true;
}

/* The next one of a kind. */
bool
packed_scan_next_of(CatalogScan *scan, char kind)
{
	while (packed_scan_next(scan))
	{
		if (scan->packed->kind == kind)
			return true;
	}
	return false;
}

/*
 * Rows that many others lead to, as they were last read.  One is right for as long as no
 * transaction that wrote has ended since, see catalog_snapshot_moment(); a transaction that
 * has written itself does not come here (packed_rows_serve).
 */
#define RECENT_ROWS	256
#define RECENT_ROOM	96			/* rows that are longer are not remembered */

typedef struct RecentRow
{
	uint64		moment;
	pg_uuid_t	subject;
	char		kind;
	uint8		size;
	char		body[RECENT_ROOM];
} RecentRow;

StaticAssertDecl(RECENT_ROOM <= PG_UINT8_MAX, "the size of a remembered row is a byte");

static RecentRow recent_rows[RECENT_ROWS];

/*
 * The one row of a kind that a subject has, by the latest snapshot.  The scan goes on
 * with packed_scan_again() only.
 */
bool
packed_scan_only(CatalogScan *scan, const pg_uuid_t *subject, char kind)
{
	PackedRow  *row = scan->packed;
	RecentRow  *recent = &recent_rows[subject->data[UUID_LEN - 1] % RECENT_ROWS];

	if (recent->moment == catalog_snapshot_moment() && recent->kind == kind &&
		memcmp(&recent->subject, subject, sizeof(pg_uuid_t)) == 0)
	{
		unpack_row(row, kind, recent->body, recent->size);
		return true;
	}
	packed_scan_again(scan, subject);
	if (!packed_scan_next_of(scan, kind))
		return false;
	if (row->size <= RECENT_ROOM)
	{
		recent->moment = catalog_snapshot_moment();
		recent->subject = *subject;
		recent->kind = kind;
		recent->size = (uint8) row->size;
		memcpy(recent->body, row->body, row->size);
	}
	return true;
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
	int			size = column_size(column);

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
pack_body(const ModelRow *row)
{
	BodyHead	head = {FORMAT, 0};
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
form_packed(Relation packed, const PackedTable *table, const PackedKey *key, bytea *body)
{
	Datum		values[TABLE_COLUMNS];
	bool		nulls[TABLE_COLUMNS] = {false};

	values[catalog_column(PACKED_ROW_SUBJECT) - 1] = UUIDPGetDatum(&key->subject);
	values[catalog_column(PACKED_ROW_KIND) - 1] = CharGetDatum(table->kind);
	values[catalog_column(PACKED_ROW_ITEM) - 1] = UUIDPGetDatum(&key->item);
	values[catalog_column(PACKED_ROW_BODY) - 1] = PointerGetDatum(body);
	return heap_form_tuple(RelationGetDescr(packed), values, nulls);
}

static bool
same_body(Relation packed, HeapTuple tuple, const bytea *body)
{
	bool		isnull;
	bytea	   *old = DatumGetByteaPP(heap_getattr(tuple, catalog_column(PACKED_ROW_BODY),
												   RelationGetDescr(packed), &isnull));

	return VARSIZE_ANY_EXHDR(old) == VARSIZE_ANY_EXHDR(body) &&
		memcmp(VARDATA_ANY(old), VARDATA_ANY(body), VARSIZE_ANY_EXHDR(body)) == 0;
}

static SysScanDesc
find_packed(Relation packed, const PackedTable *table, const PackedKey *key, Snapshot snapshot)
{
	ScanKeyData keys[3];

	ScanKeyInit(&keys[0], catalog_column(PACKED_ROW_SUBJECT), BTEqualStrategyNumber,
				F_UUID_EQ, UUIDPGetDatum(&key->subject));
	ScanKeyInit(&keys[1], catalog_column(PACKED_ROW_KIND), BTEqualStrategyNumber,
				F_CHAREQ, CharGetDatum(table->kind));
	ScanKeyInit(&keys[2], catalog_column(PACKED_ROW_ITEM), BTEqualStrategyNumber,
				F_UUID_EQ, UUIDPGetDatum(&key->item));
	return systable_beginscan(packed, compat_primary_key(packed), true, snapshot, 3, keys);
}

/* What this command has written cannot be written again by it. */
static void
end_command_of(HeapTuple tuple)
{
	if (TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data)))
		CommandCounterIncrement();
}

/*
 * The copy of the row with this key is to be that of "row", or to go if that is NULL.  Was
 * there one?
 */
static bool
write_packed(const PackedTable *table, const PackedKey *key, const ModelRow *row, bool make)
{
	Relation	packed = table_open(catalog_table(PACKED_ROW_BY_SUBJECT), RowExclusiveLock);
	SysScanDesc scan = find_packed(packed, table, key, SnapshotSelf);
	HeapTuple	old = systable_getnext(scan);
	bytea	   *body = row != NULL ? pack_body(row) : NULL;

	if (old != NULL)
		end_command_of(old);
	if (old == NULL)
	{
		if (body != NULL && (make || !is_whole(table->kind)))
			CatalogTupleInsert(packed, form_packed(packed, table, key, body));
	}
	else if (body == NULL)
		CatalogTupleDelete(packed, &old->t_self);
	/* a product is compiled anew when its copy is another one */
	else if (table->kind == PACKED_PRODUCT || !same_body(packed, old, body))
		CatalogTupleUpdate(packed, &old->t_self, form_packed(packed, table, key, body));
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

/* Call back for each row of a table that is packed, in memory that is empty. */
typedef struct AllRows
{
	Relation	packed;
	Snapshot	snapshot;
	int64		most;			/* rows of a table */
	int64		rows;			/* that have a copy, or should */
	int64		missing;
	int64		wrong;
} AllRows;

static void
for_each_row(const PackedTable *table, AllRows *all,
			 void (*call) (AllRows *all, const ModelRow *row))
{
	Relation	rel = table_open(catalog_table(table->index), AccessShareLock);
	ModelRow	row = {table, NULL, RelationGetDescr(rel)};
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, all->snapshot, 0, NULL);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "devapp packed row",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	for (int64 n = 0; n < all->most; n++)
	{
		row.tuple = systable_getnext(scan);
		if (row.tuple == NULL)
			break;
		CHECK_FOR_INTERRUPTS();
		call(all, &row);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

static void
fill_one(AllRows *all, const ModelRow *row)
{
	PackedKey	key = key_of(row);

	if (!row_counts(row))
		return;
	(void) write_packed(row->table, &key, row, true);
	all->rows++;
}

/*
 * SQL: devapp_internal.fill_packed_rows(): copy every row, into a table that is empty.  The
 * caller keeps writers out (sql/verify/packed_row.sql).
 */
Datum
devapp_fill_packed_rows(PG_FUNCTION_ARGS)
{
	AllRows		all = {.snapshot = SnapshotSelf, .most = PG_INT64_MAX};

	devapp_require_sodium();
	for (int i = 0; i < PACKED_TABLES; i++)
		for_each_row(&packed_tables[i], &all, fill_one);
	PG_RETURN_INT64(all.rows);
}

static void
check_one(AllRows *all, const ModelRow *row)
{
	PackedKey	key = key_of(row);
	SysScanDesc scan = find_packed(all->packed, row->table, &key, all->snapshot);
	HeapTuple	copy = systable_getnext(scan);

	if (row_counts(row))
		all->rows++;
	if (copy == NULL)
		all->missing += row_counts(row);
	else if (!row_counts(row) || !same_body(all->packed, copy, pack_body(row)))
		all->wrong++;
	systable_endscan(scan);
}

/*
 * SQL: devapp_internal.check_packed_rows(most) -> rows, missing, wrong: compare rows of each
 * table, up to so many, with their copies.
 */
Datum
devapp_check_packed_rows(PG_FUNCTION_ARGS)
{
	AllRows		all = {.snapshot = GetActiveSnapshot(), .most = PG_GETARG_INT64(0)};
	TupleDesc	desc;
	Datum		values[3];
	bool		nulls[3] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	devapp_require_sodium();
	all.packed = table_open(catalog_table(PACKED_ROW_BY_SUBJECT), AccessShareLock);
	for (int i = 0; i < PACKED_TABLES; i++)
		for_each_row(&packed_tables[i], &all, check_one);
	table_close(all.packed, AccessShareLock);
	values[0] = Int64GetDatum(all.rows);
	values[1] = Int64GetDatum(all.missing);
	values[2] = Int64GetDatum(all.wrong);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
