/*
 * helper.c
 *		Functions for the benchmark: one that does nothing, one that marks a place
 *		for callgrind, ones that make a key and its digest from a number, so that
 *		millions can be loaded quickly, and the index scans of a first touch
 *		without anything else, which are the least that it can cost.
 */
#include "postgres.h"

#include <sodium.h>

#include "access/genam.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "base/compat.h"
#include "key/key_core.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/uuid.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

PG_FUNCTION_INFO_V1(bench_noop);
PG_FUNCTION_INFO_V1(bench_mark);
PG_FUNCTION_INFO_V1(bench_key);
PG_FUNCTION_INFO_V1(bench_digest);
PG_FUNCTION_INFO_V1(bench_scans);

void
_PG_init(void)
{
	key_core_init();
	if (sodium_init() < 0)
		elog(ERROR, "libsodium could not be initialised");
}

Datum
bench_noop(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(true);
}

/* bench_mark(): callgrind writes down and resets its counts here, see test/bench/check */
Datum
bench_mark(PG_FUNCTION_ARGS)
{
	PG_RETURN_VOID();
}

static void
write_number(char *out, int len, uint64 n)
{
	for (int i = len - 1; i >= 0; i--)
	{
		out[i] = key_base62_digit((unsigned) (n % 62));
		n /= 62;
	}
}

/* bench_key(n, wrong): the nth key; wrong makes a well-formed one nobody has */
Datum
bench_key(PG_FUNCTION_ARGS)
{
	uint64		n = (uint64) PG_GETARG_INT64(0);
	bool		wrong = PG_GETARG_BOOL(1);
	char		id[KEY_ID_LEN];
	char		secret[KEY_SECRET_LEN];
	char		consumer[KEY_CONSUMER_MAX + 1];
	char		key[KEY_MAX + 1];
	size_t		len;

	write_number(id, KEY_ID_LEN, (n + wrong * UINT64CONST(1000000000000)) * UINT64CONST(2654435761));
	write_number(secret, KEY_SECRET_LEN, n * UINT64CONST(11400714819323198485));
	len = key_write_consumer(consumer, "dvk", "live", id);
	len = key_write(key, consumer, len, secret);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(key, (int) len));
}

/* bench_digest(key): as devapp stores it, unkeyed */
Datum
bench_digest(PG_FUNCTION_ARGS)
{
	text	   *key = PG_GETARG_TEXT_PP(0);
	unsigned char sha256[crypto_hash_sha256_BYTES];
	unsigned char hash[32];
	char		hex[65];

	crypto_hash_sha256(sha256, (unsigned char *) VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key));
	crypto_generichash(hash, sizeof(hash), sha256, sizeof(sha256), NULL, 0);
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("blake2b:0:%s", hex)));
}

/* ---------- bare index scans ---------- */

typedef struct BareIndex
{
	const char *table;
	const char *index;
	const char *wanted;			/* a uuid column that the next scan needs */
	Oid			table_oid;
	Oid			index_oid;
	AttrNumber	attno;
} BareIndex;

static BareIndex credential_by_key = {.table = "credential", .index = "credential_consumer_key_key", .wanted = "credential_id"};
static BareIndex app_of_credential = {.table = "credential", .index = "credential_consumer_key_key", .wanted = "app_id"};
static BareIndex secrets = {.table = "credential_secret", .index = "credential_secret_version_key", .wanted = "credential_id"};
static BareIndex app = {.table = "app", .index = "app_pkey", .wanted = "developer_id"};
static BareIndex developer = {.table = "developer", .index = "developer_pkey", .wanted = "developer_id"};
static BareIndex credential_products = {.table = "credential_product", .index = "credential_product_key", .wanted = "product_id"};
static BareIndex product = {.table = "product", .index = "product_pkey", .wanted = "product_id"};

static void
resolve(BareIndex *b)
{
	Oid			schema = get_namespace_oid("devapp", false);

	if (OidIsValid(b->table_oid))
		return;
	b->index_oid = get_relname_relid(b->index, schema);
	b->attno = get_attnum(get_relname_relid(b->table, schema), b->wanted);
	b->table_oid = get_relname_relid(b->table, schema);
}

/* All rows of a key; returns a column of the last. */
static pg_uuid_t
bare_scan(BareIndex *b, RegProcedure equal, Oid collation, Datum value,
		  pg_uuid_t *also, AttrNumber also_attno)
{
	Relation	heap;
	Relation	index;
	TupleTableSlot *slot;
	IndexScanDesc scan;
	ScanKeyData key;
	pg_uuid_t	result = {{0}};
	bool		isnull;

	resolve(b);
	heap = table_open(b->table_oid, AccessShareLock);
	index = index_open(b->index_oid, AccessShareLock);
	slot = table_slot_create(heap, NULL);
	ScanKeyEntryInitialize(&key, 0, 1, BTEqualStrategyNumber, InvalidOid,
						   collation, equal, value);
	scan = compat_index_beginscan(heap, index, GetActiveSnapshot(), 1);
	index_rescan(scan, &key, 1, NULL, 0);
	while (index_getnext_slot(scan, ForwardScanDirection, slot))
	{
		result = *DatumGetUUIDP(slot_getattr(slot, b->attno, &isnull));
		if (also)
			*also = *DatumGetUUIDP(slot_getattr(slot, also_attno, &isnull));
	}
	ExecDropSingleTupleTableSlot(slot);
	index_endscan(scan);
	index_close(index, AccessShareLock);
	table_close(heap, AccessShareLock);
	return result;
}

static pg_uuid_t
by_id(BareIndex *b, const pg_uuid_t *id)
{
	return bare_scan(b, F_UUID_EQ, InvalidOid, UUIDPGetDatum(id), NULL, 0);
}

/* bench_scans(key, n): the first scan of a first touch, or all six */
Datum
bench_scans(PG_FUNCTION_ARGS)
{
	text	   *key = PG_GETARG_TEXT_PP(0);
	text	   *consumer = cstring_to_text_with_len(VARDATA_ANY(key), 21);
	pg_uuid_t	credential_id;
	pg_uuid_t	app_id;
	pg_uuid_t	id;

	resolve(&app_of_credential);
	credential_id = bare_scan(&credential_by_key, F_TEXTEQ, C_COLLATION_OID,
							  PointerGetDatum(consumer), &app_id,
							  app_of_credential.attno);
	if (PG_GETARG_INT32(1) > 1)
	{
		(void) by_id(&secrets, &credential_id);
		id = by_id(&app, &app_id);
		(void) by_id(&developer, &id);
		id = by_id(&credential_products, &credential_id);
		(void) by_id(&product, &id);
	}
	PG_RETURN_BOOL(true);
}
