/*
 * usage_sums.c
 *		The days of usage, added up in one pass: by app and product, and by day.
 *
 * The reports need both.  As two queries with GROUP BY they took three times as long:
 * each row went through two scans, two general hash tables and six aggregates.  Here the
 * executor scans once and hands the rows to a receiver, which has a hash table for
 * each of the two.
 *
 * The sums are partial: when a table is full, its rows are put out and it begins
 * again, so that memory is bounded.  A reader that needs one row for each app and product
 * adds up once more.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "base/schema.h"
#include "base/str.h"
#include "base/vec.h"
#include "meter/add_counts.h"
#include "meter/huge_pages.h"
#include "meter/id_hash.h"
#include "meter/usage_scan.h"

PG_FUNCTION_INFO_V1(devapp_sum_usage);
PG_FUNCTION_INFO_V1(devapp_sum_days);

/* entries of a table: some 100 MB */
#define MOST_SUMS	(1 << 20)

/* without padding: it is compared as bytes */
typedef struct AppKey
{
	pg_uuid_t	app_id;
	pg_uuid_t	product_id;
	bool		has_app;
	bool		has_product;
} AppKey;

/* 64 bytes, a line of the processor's cache */
typedef struct AppSums
{
	AppKey		key;
	char		status;			/* of the hash table */
	uint32		hash;
	int64		allowed;
	int64		refused;
	int64		allowed_before;
} AppSums;

typedef struct DayKey
{
	DateADT		day;
	Oid			code;
	pg_uuid_t	product_id;
	bool		has_product;
	uint32		environment;	/* its number; 0: null */
} DayKey;

typedef struct DaySums
{
	DayKey		key;
	char		status;
	int64		calls;
	int64		cost;
	TimestampTz updated_at;
} DaySums;

/* a row on its way to its AppSums */
typedef struct PendingRow
{
	AppKey		key;
	bool		recent;
	bool		allowed;
	uint32		hash;
	int64		calls;
} PendingRow;

#define PENDING_ROWS	32

/* Null ids are stored as zeros.  Comparing keys tells them from real zeros; the hash need not. */
static inline uint32
hash_app_key(const AppKey *key)
{
	return hash_combine(id_hash(&key->app_id), id_hash(&key->product_id));
}

static inline uint32
hash_day_key(const DayKey *key)
{
	uint64		rest = (uint64) (uint32) key->day << 32 | key->code;

	return hash_combine(id_hash(&key->product_id), (uint32) mix_bits(rest ^ (uint64) key->environment << 16));
}

static inline bool
equal_day_keys(const DayKey *a, const DayKey *b)
{
	return a->day == b->day && a->code == b->code && a->environment == b->environment &&
		a->has_product == b->has_product && is_same_id(&a->product_id, &b->product_id);
}

/* Names of environments, which rows mostly have in common: they are compared and hashed as numbers. */
typedef struct Environment
{
	Str			name;
	char		status;			/* of the hash table */
	uint32		number;			/* from 1 on */
} Environment;

#define SH_PREFIX environment
#define SH_ELEMENT_TYPE Environment
#define SH_KEY_TYPE Str
#define SH_KEY name
#define SH_HASH_KEY(table, k) hash_bytes((const unsigned char *) (k).data, (int) (k).len)
#define SH_EQUAL(table, a, b) str_equal(a, b)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

#define SH_PREFIX app_sums
#define SH_ELEMENT_TYPE AppSums
#define SH_KEY_TYPE AppKey
#define SH_KEY key
#define SH_HASH_KEY(table, k) hash_app_key(&(k))
#define SH_EQUAL(table, a, b) (memcmp(&(a), &(b), sizeof(AppKey)) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(table, entry) (entry)->hash
#define SH_USE_NONDEFAULT_ALLOCATOR
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

HUGE_PAGES_FOR(app_sums)

#define SH_PREFIX day_sums
#define SH_ELEMENT_TYPE DaySums
#define SH_KEY_TYPE DayKey
#define SH_KEY key
#define SH_HASH_KEY(table, k) hash_day_key(&(k))
#define SH_EQUAL(table, a, b) equal_day_keys(&(a), &(b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

typedef struct UsageSums
{
	DestReceiver receiver;
	DateADT		to;				/* days from here on do not count */
	DateADT		recent_from;
	Oid			allowed;
	ReturnSetInfo *result;
	int			n_pending;
	PendingRow	pending[PENDING_ROWS];
	app_sums_hash *apps;		/* NULL: sums by app are not asked for */
	day_sums_hash *days;

	/* environments by name, their names by number, and the one that a row had last */
	MemoryContext environment_context;
	environment_hash *environments;
	Str		   *names;
	int			names_room;
	Str			last_name;
	uint32		last_number;
} UsageSums;

/* the columns of usage, in the order of the table, so that a scan passes them on as they are */
enum
{
	USAGE_DAY,
	USAGE_APP_ID,
	USAGE_PRODUCT_ID,
	USAGE_ENVIRONMENT,
	USAGE_CODE,
	USAGE_CALLS,
	USAGE_COST,
	USAGE_UPDATED_AT
};

/* ---------- what comes out ---------- */

enum
{
	SUMS_IS_DAY,
	SUMS_PRODUCT_ID,
	SUMS_APP_ID,
	SUMS_ALLOWED,
	SUMS_REFUSED,
	SUMS_ALLOWED_BEFORE,
	SUMS_DAY,
	SUMS_ENVIRONMENT,
	SUMS_CODE,
	SUMS_CALLS,
	SUMS_COST,
	SUMS_UPDATED_AT,
	SUMS_COLUMNS
};

static void
put_app_sums(UsageSums *sums)
{
	app_sums_iterator i;
	AppSums    *entry;

	app_sums_start_iterate(sums->apps, &i);
	while ((entry = app_sums_iterate(sums->apps, &i)) != NULL)
	{
		Datum		values[SUMS_COLUMNS] = {0};
		bool		nulls[SUMS_COLUMNS];

		memset(nulls, true, sizeof(nulls));
		nulls[SUMS_IS_DAY] = false;
		values[SUMS_PRODUCT_ID] = UUIDPGetDatum(&entry->key.product_id);
		nulls[SUMS_PRODUCT_ID] = !entry->key.has_product;
		values[SUMS_APP_ID] = UUIDPGetDatum(&entry->key.app_id);
		nulls[SUMS_APP_ID] = !entry->key.has_app;
		values[SUMS_ALLOWED] = Int64GetDatum(entry->allowed);
		values[SUMS_REFUSED] = Int64GetDatum(entry->refused);
		values[SUMS_ALLOWED_BEFORE] = Int64GetDatum(entry->allowed_before);
		nulls[SUMS_ALLOWED] = nulls[SUMS_REFUSED] = nulls[SUMS_ALLOWED_BEFORE] = false;
		tuplestore_putvalues(sums->result->setResult, sums->result->setDesc, values, nulls);
	}
	app_sums_reset(sums->apps);
}

static void
forget_environments(UsageSums *sums)
{
	MemoryContextReset(sums->environment_context);
	sums->environments = environment_create(sums->environment_context, 16, NULL);
	sums->names_room = 16;
	sums->names = MemoryContextAlloc(sums->environment_context, sums->names_room * sizeof(Str));
	sums->last_name = (Str) {NULL, 0};
	sums->last_number = 0;
}

static Datum
environment_name(const UsageSums *sums, uint32 number)
{
	Str			name = sums->names[number - 1];

	return PointerGetDatum(cstring_to_text_with_len(name.data, (int) name.len));
}

static void
put_day_sums(UsageSums *sums)
{
	day_sums_iterator i;
	DaySums    *entry;

	day_sums_start_iterate(sums->days, &i);
	while ((entry = day_sums_iterate(sums->days, &i)) != NULL)
	{
		Datum		values[SUMS_COLUMNS] = {0};
		bool		nulls[SUMS_COLUMNS];

		memset(nulls, true, sizeof(nulls));
		values[SUMS_IS_DAY] = BoolGetDatum(true);
		nulls[SUMS_IS_DAY] = false;
		values[SUMS_PRODUCT_ID] = UUIDPGetDatum(&entry->key.product_id);
		nulls[SUMS_PRODUCT_ID] = !entry->key.has_product;
		values[SUMS_DAY] = DateADTGetDatum(entry->key.day);
		nulls[SUMS_ENVIRONMENT] = entry->key.environment == 0;
		if (entry->key.environment != 0)
			values[SUMS_ENVIRONMENT] = environment_name(sums, entry->key.environment);
		values[SUMS_CODE] = ObjectIdGetDatum(entry->key.code);
		values[SUMS_CALLS] = Int64GetDatum(entry->calls);
		values[SUMS_COST] = Int64GetDatum(entry->cost);
		values[SUMS_UPDATED_AT] = TimestampTzGetDatum(entry->updated_at);
		nulls[SUMS_DAY] = nulls[SUMS_CODE] = nulls[SUMS_CALLS] = nulls[SUMS_COST] = nulls[SUMS_UPDATED_AT] = false;
		tuplestore_putvalues(sums->result->setResult, sums->result->setDesc, values, nulls);
	}
	day_sums_reset(sums->days);
	forget_environments(sums);
}

/* ---------- what goes in ---------- */

static inline bool
copy_id(pg_uuid_t *id, TupleTableSlot *slot, int column)
{
	if (slot->tts_isnull[column])
		memset(id, 0, sizeof(*id));
	else
		*id = *DatumGetUUIDP(slot->tts_values[column]);
	return !slot->tts_isnull[column];
}

static void
add_to_app(UsageSums *sums, const PendingRow *row)
{
	bool		found;
	AppSums    *entry = app_sums_insert_hash(sums->apps, row->key, row->hash, &found);

	if (!found)
		entry->allowed = entry->refused = entry->allowed_before = 0;
	if (row->recent && row->allowed)
		entry->allowed = add_counts(entry->allowed, row->calls);
	else if (row->recent)
		entry->refused = add_counts(entry->refused, row->calls);
	else if (row->allowed)
		entry->allowed_before = add_counts(entry->allowed_before, row->calls);
	if (sums->apps->members >= MOST_SUMS)
		put_app_sums(sums);
}

static void
drain_pending(UsageSums *sums)
{
	for (int i = 0; i < sums->n_pending; i++)
		add_to_app(sums, &sums->pending[i]);
	sums->n_pending = 0;
}

/*
 * The table of apps is larger than the processor's caches, and waiting for memory was most
 * of the time.  So rows wait a little for the line that they will change, which is
 * fetched meanwhile.
 */
static void
queue_for_app(UsageSums *sums, TupleTableSlot *slot)
{
	PendingRow *row = &sums->pending[sums->n_pending++];
	AppSums    *likely;

	row->key.has_app = copy_id(&row->key.app_id, slot, USAGE_APP_ID);
	row->key.has_product = copy_id(&row->key.product_id, slot, USAGE_PRODUCT_ID);
	row->hash = hash_app_key(&row->key);
	row->recent = DatumGetDateADT(slot->tts_values[USAGE_DAY]) >= sums->recent_from;
	row->allowed = DatumGetObjectId(slot->tts_values[USAGE_CODE]) == sums->allowed;
	row->calls = DatumGetInt64(slot->tts_values[USAGE_CALLS]);
	likely = &sums->apps->data[row->hash & sums->apps->sizemask];
	__builtin_prefetch(likely, 1);
	__builtin_prefetch((char *) (likely + 1) - 1, 1);
	if (sums->n_pending == PENDING_ROWS)
		drain_pending(sums);
}

static void
add_environment(UsageSums *sums, Environment *entry)
{
	MemoryContext old = MemoryContextSwitchTo(sums->environment_context);
	char	   *copy = palloc(entry->name.len + 1);

	memcpy(copy, entry->name.data, entry->name.len);
	entry->name.data = copy;
	entry->number = sums->environments->members;
	sums->names = vec_reserve(sums->names, (int) entry->number - 1, &sums->names_room, sizeof(Str));
	sums->names[entry->number - 1] = entry->name;
	MemoryContextSwitchTo(old);
}

static inline uint32
environment_number(UsageSums *sums, const text *value)
{
	Str			name = {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
	Environment *entry;
	bool		found;

	if (sums->last_number != 0 && str_equal(name, sums->last_name))
		return sums->last_number;
	entry = environment_insert(sums->environments, name, &found);
	if (!found)
		add_environment(sums, entry);
	sums->last_name = entry->name;
	sums->last_number = entry->number;
	return entry->number;
}

static void
add_to_day(UsageSums *sums, TupleTableSlot *slot)
{
	DayKey		key = {0};
	DaySums    *entry;
	bool		found;

	key.day = DatumGetDateADT(slot->tts_values[USAGE_DAY]);
	key.code = DatumGetObjectId(slot->tts_values[USAGE_CODE]);
	key.has_product = copy_id(&key.product_id, slot, USAGE_PRODUCT_ID);
	if (!slot->tts_isnull[USAGE_ENVIRONMENT])
		key.environment = environment_number(sums, DatumGetTextPP(slot->tts_values[USAGE_ENVIRONMENT]));
	entry = day_sums_insert(sums->days, key, &found);
	if (!found)
	{
		entry->calls = entry->cost = 0;
		entry->updated_at = DT_NOBEGIN;
	}
	entry->calls = add_counts(entry->calls, DatumGetInt64(slot->tts_values[USAGE_CALLS]));
	entry->cost = add_counts(entry->cost, DatumGetInt64(slot->tts_values[USAGE_COST]));
	entry->updated_at = Max(entry->updated_at, DatumGetTimestampTz(slot->tts_values[USAGE_UPDATED_AT]));
	if (sums->days->members >= MOST_SUMS)
		put_day_sums(sums);
}

static bool
receive_usage(TupleTableSlot *slot, DestReceiver *receiver)
{
	UsageSums  *sums = (UsageSums *) receiver;

	slot_getallattrs(slot);
	if (DatumGetDateADT(slot->tts_values[USAGE_DAY]) >= sums->to)
		return true;
	if (sums->apps != NULL)
		queue_for_app(sums, slot);
	add_to_day(sums, slot);
	return true;
}

/* ---------- the functions ---------- */

/*
 * Makes the query for the days from $1 on to before $2, and some from then on.  Where all days of a
 * partition are late enough, there is no condition to be evaluated for each row.
 */
static const char query_query[] =
"SELECT string_agg(format('SELECT u.day, u.app_id, u.product_id, u.environment, u.code, u.calls, u.cost, u.updated_at"
" FROM %s u', t.relid::regclass) || CASE WHEN b.bounds[1]::date >= $1 THEN ''"
" ELSE ' WHERE u.day OPERATOR(pg_catalog.>=) $1 AND u.day OPERATOR(pg_catalog.<) $2' END, ' UNION ALL ')"
"  FROM pg_partition_tree('devapp.usage_day') t"
"  JOIN pg_class c ON c.oid = t.relid"
" CROSS JOIN LATERAL (SELECT regexp_match(pg_get_expr(c.relpartbound, c.oid),"
" '^FOR VALUES FROM [(]''(.*)''[)] TO [(]''(.*)''[)]$') AS bounds) AS b"
" WHERE t.isleaf AND coalesce(b.bounds[1]::date < $2 AND b.bounds[2]::date > $1, true)";

typedef struct DaysQuery
{
	DestReceiver receiver;
	MemoryContext context;
	char	   *text;			/* NULL: there are no partitions of these days */
} DaysQuery;

static bool
receive_query(TupleTableSlot *slot, DestReceiver *receiver)
{
	DaysQuery  *query = (DaysQuery *) receiver;

	slot_getallattrs(slot);
	if (!slot->tts_isnull[0])
		query->text = MemoryContextStrdup(query->context, TextDatumGetCString(slot->tts_values[0]));
	return true;
}

/* No partition goes before the transaction ends. */
static char *
find_query(const ParamExternData *days)
{
	DaysQuery	query = {.receiver.receiveSlot = receive_query, .context = CurrentMemoryContext};

	LockRelationOid(schema_require_relation(schema_of_devapp(), "usage_day"), AccessShareLock);
	usage_scan(query_query, days, 2, &query.receiver);
	return query.text;
}

static void
sum_days(UsageSums *sums, Datum from, Datum to)
{
	const ParamExternData days[] = {SCAN_PARAM(from, DATEOID), SCAN_PARAM(to, DATEOID)};
	char	   *query = find_query(days);

	sums->receiver.receiveSlot = receive_usage;
	sums->to = DatumGetDateADT(to);
	sums->environment_context = AllocSetContextCreate(CurrentMemoryContext, "devapp environments",
													  ALLOCSET_DEFAULT_SIZES);
	forget_environments(sums);
	sums->days = day_sums_create(CurrentMemoryContext, 1024, NULL);
	if (query != NULL)
		usage_scan(query, days, lengthof(days), &sums->receiver);
	put_day_sums(sums);
	day_sums_destroy(sums->days);
}

/* SQL: devapp_internal.sum_usage(date, date, date, devapp.verdict_code) */
Datum
devapp_sum_usage(PG_FUNCTION_ARGS)
{
	UsageSums	sums = {
		.recent_from = PG_GETARG_DATEADT(2),
		.allowed = PG_GETARG_OID(3),
		.result = (ReturnSetInfo *) fcinfo->resultinfo
	};

	InitMaterializedSRF(fcinfo, 0);
	sums.apps = app_sums_create(CurrentMemoryContext, 1024, NULL);
	sum_days(&sums, PG_GETARG_DATUM(0), PG_GETARG_DATUM(1));
	drain_pending(&sums);
	put_app_sums(&sums);
	app_sums_destroy(sums.apps);
	return (Datum) 0;
}

/* SQL: devapp_internal.sum_days(date, date): by day only */
Datum
devapp_sum_days(PG_FUNCTION_ARGS)
{
	UsageSums	sums = {.result = (ReturnSetInfo *) fcinfo->resultinfo};

	InitMaterializedSRF(fcinfo, 0);
	sum_days(&sums, PG_GETARG_DATUM(0), PG_GETARG_DATUM(1));
	return (Datum) 0;
}
