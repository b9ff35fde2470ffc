/*
 * program_sums.c
 *		What the reports count of the whole program: who has which product, and which
 *		secrets have to be rotated.
 *
 * Both join all credentials with their apps.  As two queries they took three times as long,
 * and nothing tells cheaply what has changed since the last refresh; so each table is read
 * once, one after the other, and what belongs to a row is found in memory.
 *
 * Memory is bounded: if there are too many rows, it is done in several passes, each for the
 * apps of some owners.  Numbers of apps and of owners add up over the passes.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "base/compat.h"
#include "base/str.h"
#include "base/vec.h"
#include "meter/huge_pages.h"
#include "meter/id_rows.h"
#include "meter/urgent_secrets.h"
#include "meter/usage_scan.h"

PG_FUNCTION_INFO_V1(devapp_sum_program);

/* rows of a pass, of each kind: some 100 MB each */
#define MOST_ROWS	(2 * 1024 * 1024)

/* entries of a hash table whose lines of memory are fetched together */
#define PENDING_ROWS	32

/* ---------- pairs ---------- */

/* an app or an owner, as numbers, and a product; and the best status of the two */
typedef struct PairKey
{
	uint32		first;
	uint32		product;
} PairKey;

typedef struct Pair
{
	PairKey		key;
	char		status;			/* of the hash table */
	uint8		best;			/* HAS_* */
} Pair;

static inline uint32
hash_pair(PairKey key)
{
	return hash_combine(murmurhash32(key.first), murmurhash32(key.product));
}

#define SH_PREFIX pair
#define SH_ELEMENT_TYPE Pair
#define SH_KEY_TYPE PairKey
#define SH_KEY key
#define SH_HASH_KEY(table, k) hash_pair(k)
#define SH_EQUAL(table, a, b) ((a).first == (b).first && (a).product == (b).product)
#define SH_USE_NONDEFAULT_ALLOCATOR
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

HUGE_PAGES_FOR(pair)

/* an app that calls a product, which need not be there any more */
typedef struct CallerKey
{
	pg_uuid_t	app_id;
	uint32		product;
} CallerKey;

typedef struct Caller
{
	CallerKey	key;
	char		status;			/* of the hash table */
} Caller;

#define SH_PREFIX caller
#define SH_ELEMENT_TYPE Caller
#define SH_KEY_TYPE CallerKey
#define SH_KEY key
#define SH_HASH_KEY(table, k) hash_combine(id_hash(&(k).app_id), murmurhash32((k).product))
#define SH_EQUAL(table, a, b) ((a).product == (b).product && is_same_id(&(a).app_id, &(b).app_id))
#define SH_USE_NONDEFAULT_ALLOCATOR
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

HUGE_PAGES_FOR(caller)

/* a version of a secret that was replaced */
typedef struct ReplacedSecret
{
	SecretKey	key;
	char		status;			/* of the hash table */
	TimestampTz issued_at;
	TimestampTz superseded_at;
	TimestampTz valid_until;
} ReplacedSecret;

#define SH_PREFIX replaced_secret
#define SH_ELEMENT_TYPE ReplacedSecret
#define SH_KEY_TYPE SecretKey
#define SH_KEY key
#define SH_HASH_KEY(table, k) hash_combine(id_hash(&(k).credential_id), murmurhash32((uint32) (k).version))
#define SH_EQUAL(table, a, b) ((a).version == (b).version && is_same_id(&(a).credential_id, &(b).credential_id))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* ---------- the sums ---------- */

/* what an app has of a product: the first of these that one of its credentials is */
enum
{
	HAS_APPROVED,
	HAS_PENDING,
	HAS_REVOKED,
	HAS_KINDS
};

typedef struct ProductSums
{
	pg_uuid_t	product_id;
	bool		has_id;
	int64		apps[HAS_KINDS];
	int64		owners;			/* who have it approved for an app */
	int64		active_apps;
} ProductSums;

/* flags of an app and of a credential */
#define APP_APPROVED			0x01
#define APP_LIVE				0x02
#define CREDENTIAL_APPROVED		0x01
#define CREDENTIAL_UNEXPIRED	0x02

/* A scan of a whole table or view: executing "SELECT *" is faster than leaving columns out. */
typedef struct ProgramScan
{
	const char *query;
	const char *columns[SCAN_COLUMNS + 1];	/* that are read, and NULL */
	bool		(*receive) (TupleTableSlot *slot, DestReceiver *receiver);
} ProgramScan;

typedef struct ProgramSums
{
	ScanReceiver scan;

	/* arguments */
	TimestampTz now;
	TimestampTz issued_before;	/* a current secret from before then is overdue */
	int			most;			/* urgent secrets to keep */

	/* this pass */
	uint32		pass;
	uint32		passes;
	bool		overflow;
	id_number_hash *owners;
	IdRows		apps;			/* deleted ones as well, since looking for them would take longer: numbers of owners */
	IdRows		credentials;	/* numbers of apps */
	pair_hash  *app_products;
	pair_hash  *owner_products;
	caller_hash *callers;
	replaced_secret_hash *replaced;

	/* pairs on their way to their table */
	int			n_pending;
	struct
	{
		PairKey		key;
		uint8		status;
	}			pending[PENDING_ROWS];
	int			n_pending_callers;
	CallerKey	pending_callers[PENDING_ROWS];

	/* all passes */
	id_number_hash *product_numbers;
	ProductSums *products;
	int			n_products;
	int			products_room;
	UrgentSecrets urgent;
} ProgramSums;

/* The values of a row, by the place of the column in the scan's columns. */
static inline bool
is_null_at(const ProgramSums *sums, TupleTableSlot *slot, int column)
{
	return scan_isnull(&sums->scan, slot, column);
}

static inline pg_uuid_t *
id_at(const ProgramSums *sums, TupleTableSlot *slot, int column)
{
	return DatumGetUUIDP(scan_value(&sums->scan, slot, column));
}

static inline TimestampTz
time_at(const ProgramSums *sums, TupleTableSlot *slot, int column)
{
	return DatumGetTimestampTz(scan_value(&sums->scan, slot, column));
}

static inline int32
number_at(const ProgramSums *sums, TupleTableSlot *slot, int column)
{
	return DatumGetInt32(scan_value(&sums->scan, slot, column));
}

static bool
text_is(const ProgramSums *sums, TupleTableSlot *slot, int column, const char *word)
{
	text	   *value = DatumGetTextPP(scan_value(&sums->scan, slot, column));

	return str_is((Str) {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)}, word);
}

/* The number of a product, or of none (NULL). */
static uint32
product_number(ProgramSums *sums, TupleTableSlot *slot, int column)
{
	static const pg_uuid_t no_product = {{0}};
	bool		has_id = !is_null_at(sums, slot, column);
	const pg_uuid_t *id = has_id ? id_at(sums, slot, column) : &no_product;
	uint32		number = id_number_of(sums->product_numbers, id, id_hash(id));

	if ((int) number == sums->n_products)
	{
		sums->products = vec_reserve(sums->products, sums->n_products, &sums->products_room, sizeof(ProductSums));
		sums->products[sums->n_products++] = (ProductSums) {.product_id = *id, .has_id = has_id};
	}
	return number;
}

/* A receiver ends its scan when there is no room for more. */
static bool
go_on(ProgramSums *sums, uint64 members)
{
	sums->overflow = sums->overflow || members > MOST_ROWS;
	return !sums->overflow;
}

static void
scan_rows(ProgramSums *sums, const ProgramScan *scan, const TimestampTz *after)
{
	ParamExternData param = {0};

	if (sums->overflow)
		return;
	if (after != NULL)
		param = SCAN_PARAM(TimestampTzGetDatum(*after), TIMESTAMPTZOID);
	sums->apps.found = sums->credentials.found = 0;
	sums->scan.names = scan->columns;
	sums->scan.receiver.receiveSlot = scan->receive;
	usage_scan_columns(scan->query, &param, after != NULL ? 1 : 0, &sums->scan);
}

/* ---------- apps and credentials ---------- */

static bool
receive_app(TupleTableSlot *slot, DestReceiver *receiver)
{
	ProgramSums *sums = (ProgramSums *) receiver;
	pg_uuid_t  *app_id;
	pg_uuid_t  *owner_id;
	uint32		hash;
	IdRow	   *app;

	scan_take(&sums->scan, slot);
	app_id = id_at(sums, slot, 0);
	owner_id = id_at(sums, slot, is_null_at(sums, slot, 1) ? 2 : 1);
	hash = id_hash(owner_id);
	if (!is_of_pass(hash, sums->pass, sums->passes))
		return true;
	app = id_rows_add(&sums->apps, app_id);
	app->number = id_number_of(sums->owners, owner_id, hash);
	app->flags = text_is(sums, slot, 3, "approved") ? APP_APPROVED : 0;
	if (is_null_at(sums, slot, 4))
		app->flags |= APP_LIVE;
	return go_on(sums, sums->apps.n);
}

static const ProgramScan apps_scan = {
	"SELECT * FROM devapp.app a",
	{"app_id", "developer_id", "team_id", "status", "deleted_at"},
	receive_app
};

static bool
receive_credential(TupleTableSlot *slot, DestReceiver *receiver)
{
	ProgramSums *sums = (ProgramSums *) receiver;
	IdRow	   *app;
	IdRow	   *credential;

	scan_take(&sums->scan, slot);
	app = id_rows_find(&sums->apps, id_at(sums, slot, 1));
	if (app == NULL)
		return true;
	credential = id_rows_add(&sums->credentials, id_at(sums, slot, 0));
	credential->number = app - sums->apps.rows;
	credential->flags = 0;
	if (text_is(sums, slot, 2, "approved"))
		credential->flags |= CREDENTIAL_APPROVED;
	if (is_null_at(sums, slot, 3) || time_at(sums, slot, 3) > sums->now)
		credential->flags |= CREDENTIAL_UNEXPIRED;
	return go_on(sums, sums->credentials.n);
}

static const ProgramScan credentials_scan = {
	"SELECT * FROM devapp.credential c",
	{"credential_id", "app_id", "status", "expires_at"},
	receive_credential
};

/* ---------- products ---------- */

/* As devapp_internal.credential_asks says. */
static uint8
status_of(const ProgramSums *sums, const IdRow *credential, TupleTableSlot *slot)
{
	if (!(credential->flags & CREDENTIAL_APPROVED))
		return HAS_REVOKED;
	if (text_is(sums, slot, 2, "approved"))
		return HAS_APPROVED;
	if (text_is(sums, slot, 2, "pending") && (credential->flags & CREDENTIAL_UNEXPIRED))
		return HAS_PENDING;
	return HAS_REVOKED;
}

/* Count the owner of an app for an approved product, unless another app of the same owner was counted for it. */
static void
add_owner(ProgramSums *sums, const IdRow *app, uint32 product)
{
	bool		found;

	(void) pair_insert(sums->owner_products, (PairKey) {app->number, product}, &found);
	if (!found)
		sums->products[product].owners++;
}

/* An app counts once for a product, as what is best of its credentials. */
static void
add_product(ProgramSums *sums, PairKey key, uint8 status)
{
	ProductSums *product = &sums->products[key.product];
	const IdRow *app = &sums->apps.rows[key.first];
	bool		found;
	Pair	   *pair = pair_insert(sums->app_products, key, &found);

	if (found && status >= pair->best)
		return;
	if (app->flags & APP_LIVE)
	{
		if (found)
			product->apps[pair->best]--;
		product->apps[status]++;
		if (status == HAS_APPROVED)
			add_owner(sums, app, key.product);
	}
	pair->best = status;
}

static void
add_pending_products(ProgramSums *sums)
{
	for (int i = 0; i < sums->n_pending; i++)
		add_product(sums, sums->pending[i].key, sums->pending[i].status);
	sums->n_pending = 0;
}

static bool
receive_product(TupleTableSlot *slot, DestReceiver *receiver)
{
	ProgramSums *sums = (ProgramSums *) receiver;
	IdRow	   *credential;
	PairKey		key;

	scan_take(&sums->scan, slot);
	credential = id_rows_find(&sums->credentials, id_at(sums, slot, 0));
	if (credential == NULL)
		return true;
	key = (PairKey) {credential->number, product_number(sums, slot, 1)};
	sums->pending[sums->n_pending].key = key;
	sums->pending[sums->n_pending].status = status_of(sums, credential, slot);
	__builtin_prefetch(&sums->app_products->data[hash_pair(key) & sums->app_products->sizemask], 1);
	if (++sums->n_pending == PENDING_ROWS)
		add_pending_products(sums);
	return go_on(sums, sums->app_products->members);
}

static const ProgramScan products_scan = {
	"SELECT * FROM devapp.credential_product p WHERE p.removed_at IS NULL",
	{"credential_id", "product_id", "status"},
	receive_product
};

/* ---------- apps that call ---------- */

static void
add_pending_callers(ProgramSums *sums)
{
	for (int i = 0; i < sums->n_pending_callers; i++)
	{
		bool		found;

		(void) caller_insert(sums->callers, sums->pending_callers[i], &found);
		if (!found)
			sums->products[sums->pending_callers[i].product].active_apps++;
	}
	sums->n_pending_callers = 0;
}

static bool
receive_caller(TupleTableSlot *slot, DestReceiver *receiver)
{
	ProgramSums *sums = (ProgramSums *) receiver;
	CallerKey  *key = &sums->pending_callers[sums->n_pending_callers];
	uint32		hash;

	scan_take(&sums->scan, slot);
	key->app_id = *id_at(sums, slot, 0);
	hash = id_hash(&key->app_id);
	if (!is_of_pass(hash, sums->pass, sums->passes))
		return true;
	key->product = product_number(sums, slot, 1);
	hash = hash_combine(hash, murmurhash32(key->product));
	__builtin_prefetch(&sums->callers->data[hash & sums->callers->sizemask], 1);
	if (++sums->n_pending_callers == PENDING_ROWS)
		add_pending_callers(sums);
	return go_on(sums, sums->callers->members);
}

static const ProgramScan callers_scan = {
	"SELECT * FROM devapp_internal.usage_sums u"
	" WHERE NOT u.is_day AND u.app_id IS NOT NULL AND u.calls_30d OPERATOR(pg_catalog.>) 0",
	{"app_id", "product_id"},
	receive_caller
};

/* ---------- secrets ---------- */

/* As devapp_report.rotations says. */
static bool
receive_secret(TupleTableSlot *slot, DestReceiver *receiver)
{
	ProgramSums *sums = (ProgramSums *) receiver;
	IdRow	   *credential;
	SecretKey	key;
	TimestampTz issued_at;

	scan_take(&sums->scan, slot);
	key.credential_id = *id_at(sums, slot, 0);
	key.version = number_at(sums, slot, 1);
	issued_at = time_at(sums, slot, 2);
	/* a current secret that is not old enough, or a replaced one that never ends */
	if (is_null_at(sums, slot, 3) ? issued_at >= sums->issued_before : is_null_at(sums, slot, 4))
		return true;
	credential = id_rows_find(&sums->credentials, &key.credential_id);
	if (credential == NULL || !(credential->flags & CREDENTIAL_APPROVED) ||
		!(sums->apps.rows[credential->number].flags & APP_LIVE))
		return true;
	if (!is_null_at(sums, slot, 3))
	{
		bool		found;
		ReplacedSecret *replaced = replaced_secret_insert(sums->replaced, key, &found);

		replaced->issued_at = issued_at;
		replaced->superseded_at = time_at(sums, slot, 3);
		replaced->valid_until = time_at(sums, slot, 4);
	}
	else if ((credential->flags & CREDENTIAL_UNEXPIRED) && (sums->apps.rows[credential->number].flags & APP_APPROVED))
	{
		UrgentSecret overdue = {
			.key = key,
			.issued_at = issued_at,
			.ends = !is_null_at(sums, slot, 4),
			.ends_at = is_null_at(sums, slot, 4) ? 0 : time_at(sums, slot, 4)
		};

		urgent_secrets_add(&sums->urgent, &overdue);
	}
	return go_on(sums, sums->replaced->members);
}

static const ProgramScan secrets_scan = {
	"SELECT * FROM devapp.credential_secret s",
	{"credential_id", "version", "valid_from", "superseded_at", "valid_until"},
	receive_secret
};

static bool
receive_last_used(TupleTableSlot *slot, DestReceiver *receiver)
{
	ProgramSums *sums = (ProgramSums *) receiver;
	ReplacedSecret *secret;
	TimestampTz last_seen_at;

	scan_take(&sums->scan, slot);
	secret = replaced_secret_lookup(sums->replaced,
									(SecretKey) {*id_at(sums, slot, 0), number_at(sums, slot, 1)});
	if (secret == NULL)
		return true;
	last_seen_at = time_at(sums, slot, 2);
	if (last_seen_at > secret->superseded_at &&
		(secret->valid_until > sums->now || last_seen_at > secret->valid_until))
	{
		UrgentSecret used = {
			.key = secret->key,
			.still_used = true,
			.issued_at = secret->issued_at,
			.ends = true,
			.ends_at = secret->valid_until
		};

		urgent_secrets_add(&sums->urgent, &used);
	}
	return true;
}

static const ProgramScan last_used_scan = {
	"SELECT * FROM devapp.last_used l WHERE l.last_seen_at OPERATOR(pg_catalog.>) $1",
	{"credential_id", "secret_version", "last_seen_at"},
	receive_last_used
};

/* ---------- passes ---------- */

static void
begin_pass(ProgramSums *sums)
{
	sums->owners = id_number_create(CurrentMemoryContext, 1024, NULL);
	id_rows_init(&sums->apps);
	id_rows_init(&sums->credentials);
	sums->n_pending = sums->n_pending_callers = 0;
	sums->replaced = replaced_secret_create(CurrentMemoryContext, 1024, NULL);
}

/* Most credentials have a product, and most apps call one: what grows by steps takes longer. */
static void
begin_pairs(ProgramSums *sums)
{
	sums->app_products = pair_create(CurrentMemoryContext, Max(sums->credentials.n, 1024), NULL);
	sums->owner_products = pair_create(CurrentMemoryContext, Max(sums->owners->members, 1024), NULL);
	sums->callers = caller_create(CurrentMemoryContext, Max(sums->apps.n, 1024), NULL);
}

static void
sum_pass(ProgramSums *sums)
{
	/* of last_seen_at, in devapp_report.rotations */
	const TimestampTz seen_after = sums->now - 720 * USECS_PER_HOUR;

	begin_pass(sums);
	scan_rows(sums, &apps_scan, NULL);
	scan_rows(sums, &credentials_scan, NULL);
	scan_rows(sums, &secrets_scan, NULL);
	if (sums->replaced->members > 0)
		scan_rows(sums, &last_used_scan, &seen_after);
	begin_pairs(sums);
	scan_rows(sums, &products_scan, NULL);
	add_pending_products(sums);
	scan_rows(sums, &callers_scan, NULL);
	add_pending_callers(sums);
}

/* Forget what was added up. */
static void
begin_sums(ProgramSums *sums)
{
	sums->overflow = false;
	sums->product_numbers = id_number_create(CurrentMemoryContext, 64, NULL);
	sums->products_room = 64;
	sums->products = palloc(sums->products_room * sizeof(ProductSums));
	sums->n_products = 0;
	urgent_secrets_init(&sums->urgent, sums->most);
}

/* false: there are too many rows for so few passes. */
static bool
sum_passes(ProgramSums *sums, uint32 passes)
{
	MemoryContext pass_context = AllocSetContextCreate(CurrentMemoryContext, "devapp sums", ALLOCSET_DEFAULT_SIZES);

	begin_sums(sums);
	sums->passes = passes;
	for (sums->pass = 0; sums->pass < passes && !sums->overflow; sums->pass++)
	{
		MemoryContext old = MemoryContextSwitchTo(pass_context);

		sum_pass(sums);
		MemoryContextSwitchTo(old);
		MemoryContextReset(pass_context);
	}
	MemoryContextDelete(pass_context);
	return !sums->overflow;
}

/* ---------- what comes out ---------- */

enum
{
	OUT_IS_PRODUCT,
	OUT_PRODUCT_ID,
	OUT_APPS_APPROVED,
	OUT_APPS_PENDING,
	OUT_APPS_REVOKED,
	OUT_OWNERS,
	OUT_ACTIVE_APPS,
	OUT_CREDENTIAL_ID,
	OUT_SECRET_VERSION,
	OUT_TOTAL,
	OUT_COLUMNS
};

static void
put_products(const ProgramSums *sums, ReturnSetInfo *result)
{
	for (int i = 0; i < sums->n_products; i++)
	{
		const ProductSums *product = &sums->products[i];
		Datum		values[OUT_COLUMNS] = {0};
		bool		nulls[OUT_COLUMNS] = {false};

		values[OUT_IS_PRODUCT] = BoolGetDatum(true);
		values[OUT_PRODUCT_ID] = UUIDPGetDatum(&product->product_id);
		nulls[OUT_PRODUCT_ID] = !product->has_id;
		values[OUT_APPS_APPROVED] = Int64GetDatum(product->apps[HAS_APPROVED]);
		values[OUT_APPS_PENDING] = Int64GetDatum(product->apps[HAS_PENDING]);
		values[OUT_APPS_REVOKED] = Int64GetDatum(product->apps[HAS_REVOKED]);
		values[OUT_OWNERS] = Int64GetDatum(product->owners);
		values[OUT_ACTIVE_APPS] = Int64GetDatum(product->active_apps);
		nulls[OUT_CREDENTIAL_ID] = nulls[OUT_SECRET_VERSION] = nulls[OUT_TOTAL] = true;
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

static void
put_urgent(const ProgramSums *sums, ReturnSetInfo *result)
{
	for (int i = 0; i < sums->urgent.n; i++)
	{
		const UrgentSecret *secret = &sums->urgent.secrets[i];
		Datum		values[OUT_COLUMNS] = {0};
		bool		nulls[OUT_COLUMNS];

		memset(nulls, true, sizeof(nulls));
		values[OUT_IS_PRODUCT] = BoolGetDatum(false);
		values[OUT_CREDENTIAL_ID] = UUIDPGetDatum(&secret->key.credential_id);
		values[OUT_SECRET_VERSION] = Int32GetDatum(secret->key.version);
		values[OUT_TOTAL] = Int64GetDatum(sums->urgent.handed_in);
		nulls[OUT_IS_PRODUCT] = nulls[OUT_CREDENTIAL_ID] = nulls[OUT_SECRET_VERSION] = nulls[OUT_TOTAL] = false;
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

/* SQL: devapp_internal.sum_program(timestamptz, integer, integer) */
Datum
devapp_sum_program(PG_FUNCTION_ARGS)
{
	const int32 max_age = PG_GETARG_INT32(1);	/* days; 0: no secret is overdue */
	ProgramSums sums = {
		.now = PG_GETARG_TIMESTAMPTZ(0),
		.most = Max(PG_GETARG_INT32(2), 1)
	};
	uint32		passes = 1;

	sums.issued_before = max_age > 0 ? sums.now - max_age * USECS_PER_DAY : DT_NOBEGIN;
	InitMaterializedSRF(fcinfo, 0);
	while (!sum_passes(&sums, passes))
		passes = more_passes(passes);
	urgent_secrets_sort(&sums.urgent);
	put_products(&sums, (ReturnSetInfo *) fcinfo->resultinfo);
	put_urgent(&sums, (ReturnSetInfo *) fcinfo->resultinfo);
	return (Datum) 0;
}
