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
 * The trigger pack_row() (pack_row.c) writes it in the transaction that writes the row, so
 * whoever sees the one sees the other.  But in the midst of a statement some triggers have run
 * and others have not, so a transaction that has written reads the tables themselves
 * (packed_rows_serve).
 *
 * A copy that is missing only costs time: the tables are read.  But what belongs to a
 * credential, an app or a product is there if its own copy is.
 *
 * Most apps lie in the page of their credential, as they are mostly made together, and
 * rebuild_packed_rows() puts them together.  So they are first looked for there
 * (packed_scan_beside), which saves a look-up in the index.  That would not find the quotas of an
 * app, so the copy of an app says while there are none (BODY_NO_QUOTA).
 *
 * A body is the number of its format, the columns that are not null as bits, and
 * their values, each on a border of eight bytes, as they are in memory.  A version that packs one
 * more column of a table packs it last: bodies from before have no bit for it, and the release
 * before does not read so far.  So such a column is NULL in rows from before.
 */
#include "postgres.h"

#include <sodium.h>

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/relscan.h"
#include "access/xact.h"
#include "catalog/pg_type_d.h"
#include "executor/tuptable.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "base/sodium.h"
#include "base/uuid.h"
#include "table/packed_row.h"
#include "table/packed_table.h"

PG_FUNCTION_INFO_V1(devapp_new_credential_id);

/* What belongs to a row comes after it. */
const PackedTable packed_tables[PACKED_TABLES] = {
	{PACKED_DEVELOPER, DEVELOPER_BY_ID, DEVELOPER_ID, DEVELOPER_ID,
	DEVELOPER_EMAIL, DEVELOPER_STATUS, 0, 0},
	{PACKED_TEAM, TEAM_BY_ID, TEAM_ID, TEAM_ID,
	TEAM_NAME, TEAM_STATUS, 0, 0},
	{PACKED_PRODUCT, PRODUCT_BY_ID, PRODUCT_ID, PRODUCT_ID,
	PRODUCT_NAME, PRODUCT_TRAILING_SLASH, 0, 0},
	{PACKED_OPERATION, OPERATION_BY_PRODUCT, OPERATION_PRODUCT_ID, OPERATION_ID,
	OPERATION_ID, OPERATION_QUOTA_UNIT, PACKED_PRODUCT, OPERATION_BY_PRODUCT},
	{PACKED_APP, APP_BY_ID, APP_ID, APP_ID,
	APP_DEVELOPER_ID, APP_ALLOWED_CIDRS, 0, 0},
	{PACKED_APP_QUOTA, APP_QUOTA_BY_APP, APP_QUOTA_APP_ID, APP_QUOTA_PRODUCT_ID,
	APP_QUOTA_PRODUCT_ID, APP_QUOTA_UNTIL, PACKED_APP, APP_QUOTA_BY_APP},
	{PACKED_CREDENTIAL, CREDENTIAL_BY_ID, CREDENTIAL_CONSUMER_KEY, CREDENTIAL_ID,
	CREDENTIAL_ID, CREDENTIAL_EXPIRES_AT, PACKED_APP, CREDENTIAL_BY_APP},
	{PACKED_SECRET, SECRET_BY_CREDENTIAL, SECRET_CREDENTIAL_ID, SECRET_ID,
	SECRET_CREDENTIAL_ID, SECRET_ENDED_AT, PACKED_CREDENTIAL, SECRET_BY_CREDENTIAL},
	{PACKED_CREDENTIAL_PRODUCT, CREDENTIAL_PRODUCT_BY_CREDENTIAL,
	CREDENTIAL_PRODUCT_CREDENTIAL_ID, CREDENTIAL_PRODUCT_ORDINAL,
	CREDENTIAL_PRODUCT_CREDENTIAL_ID, CREDENTIAL_PRODUCT_STATUS,
	PACKED_CREDENTIAL, CREDENTIAL_PRODUCT_BY_CREDENTIAL},
};

/* Each has room for its columns in PackedRow, and a bit for each in BodyHead. */
#define REQUIRE_ROOM(first, last) \
	StaticAssertDecl((last) - (first) < PACKED_COLUMNS, "a packed row has room for its columns")

StaticAssertDecl(PACKED_COLUMNS <= 31, "a body has a bit for each column, and one for BODY_NO_QUOTA");
REQUIRE_ROOM(DEVELOPER_EMAIL, DEVELOPER_STATUS);
REQUIRE_ROOM(TEAM_NAME, TEAM_STATUS);
REQUIRE_ROOM(PRODUCT_NAME, PRODUCT_TRAILING_SLASH);
REQUIRE_ROOM(OPERATION_ID, OPERATION_QUOTA_UNIT);
REQUIRE_ROOM(APP_DEVELOPER_ID, APP_ALLOWED_CIDRS);
REQUIRE_ROOM(APP_QUOTA_PRODUCT_ID, APP_QUOTA_UNTIL);
REQUIRE_ROOM(CREDENTIAL_ID, CREDENTIAL_EXPIRES_AT);
REQUIRE_ROOM(SECRET_CREDENTIAL_ID, SECRET_ENDED_AT);
REQUIRE_ROOM(CREDENTIAL_PRODUCT_CREDENTIAL_ID, CREDENTIAL_PRODUCT_STATUS);

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

/* NULL: there is no such kind. */
const PackedTable *
packed_table_of_kind(char kind)
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

int
packed_column_size(CatalogColumn column)
{
	return column_size(column);
}

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
	const PackedTable *table = packed_table_of_kind(row->kind);
	const BodyHead *head = (const BodyHead *) row->body;
	char	   *from = row->body + sizeof(BodyHead);

	if (table == NULL)
		body_damaged();
	if (row->size < sizeof(BodyHead) || head->format != PACKED_FORMAT)
		body_damaged();
	row->first = table->first;
	row->has_no_quota = (head->present & BODY_NO_QUOTA) != 0;
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

/* ---------- in the same page ---------- */

/* Has this tuple the subject and the kind?  They are its first columns, and never null. */
static inline bool
tuple_has_key(const HeapTupleHeaderData *tuple, const pg_uuid_t *subject, char kind)
{
	const char *columns = (const char *) tuple + tuple->t_hoff;

	return memcmp(columns, subject, UUID_LEN) == 0 && columns[UUID_LEN] == kind;
}

/*
 * The nearest item before one where versions of a row of this subject and kind begin, as an index
 * entry points to it.  What was written together was mostly written in this order.
 */
static OffsetNumber
find_before(Page page, OffsetNumber from, const pg_uuid_t *subject, char kind)
{
	for (OffsetNumber n = from - 1; n >= FirstOffsetNumber; n--)
	{
		ItemId		item = PageGetItemId(page, n);
		bool		redirected = ItemIdIsRedirected(item);
		HeapTupleHeader tuple;

		if (redirected)
			item = PageGetItemId(page, ItemIdGetRedirect(item));
		if (!ItemIdIsNormal(item))
			continue;
		tuple = (HeapTupleHeader) PageGetItem(page, item);
		if (tuple_has_key(tuple, subject, kind) &&
			(redirected || !HeapTupleHeaderIsHeapOnly(tuple)))
			return n;
	}
	return InvalidOffsetNumber;
}

/*
 * The row of this subject and kind, if it lies in the page of the row that the scan is on.  The
 * scan goes on with the next one all the same.  What is found is what the index would lead to,
 * because of all versions the snapshot shows at most one.  False says nothing: the row may be elsewhere.
 */
bool
packed_scan_beside(CatalogScan *scan, const pg_uuid_t *subject, char kind)
{
	Buffer		buffer = ((BufferHeapTupleTableSlot *) scan->slot)->buffer;
	ItemPointerData tid = scan->slot->tts_tid;
	HeapTupleData tuple;
	bool		found = false;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	ItemPointerSetOffsetNumber(&tid, find_before(BufferGetPage(buffer), ItemPointerGetOffsetNumber(&tid),
												 subject, kind));
	if (ItemPointerGetOffsetNumberNoCheck(&tid) != InvalidOffsetNumber)
		found = heap_hot_search_buffer(&tid, scan->heap, buffer, scan->scan->xs_snapshot, &tuple, NULL, true);
	LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
	/* the slot has the page pinned, so the tuple stays where it is */
	if (found)
	{
		bool		isnull;
		bytea	   *body = DatumGetByteaPP(heap_getattr(&tuple, catalog_column(PACKED_ROW_BODY),
														RelationGetDescr(scan->heap), &isnull));

		unpack_row(scan->packed, kind, VARDATA_ANY(body), VARSIZE_ANY_EXHDR(body));
	}
	return found;
}

/* ---------- those that many others lead to ---------- */

/*
 * Rows that many others lead to, as they were last read.  One is right for as long as no
 * transaction that wrote has ended since, see catalog_snapshot_moment(); a transaction that
 * has written itself does not come here (packed_rows_serve).
 */
#define RECENT_ROWS	2048
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
 * A row may be in two places, so most of a thousand owners do not displace one another.  The last
 * bits of most ids are random.
 */
static RecentRow *
recent_place(const pg_uuid_t *subject, int which)
{
	uint16		bits;

	memcpy(&bits, &subject->data[UUID_LEN - sizeof(bits) * (which + 1)], sizeof(bits));
	return &recent_rows[bits % RECENT_ROWS];
}

static inline bool
is_recent(const RecentRow *recent, const pg_uuid_t *subject, char kind)
{
	return recent->moment == catalog_snapshot_moment() && recent->kind == kind &&
		memcmp(&recent->subject, subject, sizeof(pg_uuid_t)) == 0;
}

static void
remember_row(RecentRow *place, const PackedRow *row)
{
	place->moment = catalog_snapshot_moment();
	place->subject = *row->subject;
	place->kind = row->kind;
	place->size = (uint8) row->size;
	memcpy(place->body, row->body, row->size);
}

/*
 * The one row of a kind that a subject has, by the latest snapshot.  The scan goes on
 * with packed_scan_again() only.
 */
bool
packed_scan_only(CatalogScan *scan, const pg_uuid_t *subject, char kind)
{
	RecentRow  *first = recent_place(subject, 0);
	RecentRow  *second = recent_place(subject, 1);
	RecentRow  *found = is_recent(first, subject, kind) ? first :
		is_recent(second, subject, kind) ? second : NULL;

	if (found != NULL)
	{
		unpack_row(scan->packed, kind, found->body, found->size);
		return true;
	}
	packed_scan_again(scan, subject);
	if (!packed_scan_next_of(scan, kind))
		return false;
	if (scan->packed->size <= RECENT_ROOM)
		remember_row(first->moment == catalog_snapshot_moment() &&
					 second->moment != catalog_snapshot_moment() ? second : first, scan->packed);
	return true;
}
