/*
 * entitlement.c
 *		All that the tables say of a credential, in the form that decides.
 *
 * This is the only place where the verification path reads tables; decide_core.c
 * decides on what it loads.  An entitlement holds no fact that changes by the
 * clock alone, so it stays right until one of its rows changes.
 *
 * Everything but the products is allocated in the current memory context; whoever
 * calls picks one that he can drop in one piece.  Products come from a function
 * that the caller gives: product_load(), or one that shares them
 * between entitlements (cache.c).
 *
 * A row that this library can't read (a status of a later version, a foreign
 * digest) refuses rather than allows.
 */
#include "postgres.h"

#include <sodium.h>

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/vec.h"
#include "decide/entitlement.h"
#include "decide/quota_window.h"
#include "key/pepper.h"
#include "match/network.h"
#include "match/pattern.h"
#include "table/catalog.h"
#include "table/packed_row.h"

/* room that a product's automaton may take, in bytes */
#define PATTERN_STATE_LIMIT	(1024 * 1024)

/* ---------- values ---------- */

static Str
str_of(const text *t)
{
	return (Str) {VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t)};
}

static text *
copy_text(CatalogScan *scan, CatalogColumn column)
{
	bool		isnull;
	Datum		value = catalog_value(scan, column, &isnull);

	return isnull ? NULL : DatumGetTextPCopy(value);
}

static ArrayType *
copy_array(CatalogScan *scan, CatalogColumn column)
{
	bool		isnull;
	Datum		value = catalog_value(scan, column, &isnull);

	return isnull ? construct_empty_array(TEXTOID) :
		DatumGetArrayTypePCopy(value);
}

static bool
is_empty(ArrayType *array)
{
	return ARR_NDIM(array) == 0;
}

/* The strings point into the array. */
static StrList
list_of(ArrayType *array)
{
	StrList		list = {0, NULL};
	Datum	   *values;
	bool	   *nulls;
	int			n;

	if (is_empty(array))
		return list;
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT,
					  &values, &nulls, &n);
	list.items = palloc(sizeof(Str) * (size_t) Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i])
			list.items[list.count++] = str_of((text *) DatumGetPointer(values[i]));
	}
	return list;
}

static NetworkList
read_networks(CatalogScan *scan, CatalogColumn column)
{
	bool		isnull;
	Datum		value = catalog_value(scan, column, &isnull);
	ArrayType  *array = isnull ? NULL : DatumGetArrayTypeP(value);

	return isnull || is_empty(array) ? (NetworkList) {0, NULL} : networks_of(array);
}

/* A word; it points into the row.  Null is as good as empty. */
static Str
word_of(CatalogScan *scan, CatalogColumn column)
{
	bool		isnull;
	Datum		value = catalog_value(scan, column, &isnull);

	return isnull ? (Str) {"", 0} : str_of(DatumGetTextPP(value));
}

static bool
text_is(CatalogScan *scan, CatalogColumn column, const char *word)
{
	return str_is(word_of(scan, column), word);
}

static int64
time_or_never(CatalogScan *scan, CatalogColumn column)
{
	bool		isnull;
	Datum		value = catalog_value(scan, column, &isnull);

	return isnull ? DECIDE_NEVER : DatumGetTimestampTz(value);
}

static bool
uuid_value(CatalogScan *scan, CatalogColumn column, pg_uuid_t *out)
{
	bool		isnull;
	Datum		value = catalog_value(scan, column, &isnull);

	if (!isnull)
		memcpy(out, DatumGetUUIDP(value), sizeof(pg_uuid_t));
	return !isnull;
}

/* ---------- products ---------- */

/* The strings are kept, not copied. */
DecideOperation
operation_make(Str resource, StrList methods, Str proxy)
{
	DecideOperation op = {.resource = resource, .proxy = proxy};
	Str		   *others = palloc(sizeof(Str) * (size_t) Max(methods.count, 1));

	op.methods.any = methods.count == 0;
	for (int i = 0; i < methods.count; i++)
		method_set_add(&op.methods, methods.items[i], others);
	return op;
}

static DecideOperation
read_operation(CatalogScan *scan)
{
	text	   *proxy = copy_text(scan, OPERATION_PROXY);

	return operation_make(str_of(copy_text(scan, OPERATION_RESOURCE)),
						  list_of(copy_array(scan, OPERATION_METHODS)),
						  proxy ? str_of(proxy) : (Str) {NULL, 0});
}

/* A unit of a later version counts as the longest that is known. */
static QuotaRule
read_quota(CatalogScan *scan, CatalogColumn limit, CatalogColumn interval,
		   CatalogColumn unit)
{
	QuotaRule	rule = {0};
	bool		isnull;
	Datum		value = catalog_value(scan, limit, &isnull);
	Str			word;

	if (isnull)
		return rule;
	rule.limit = DatumGetInt64(value);
	value = catalog_value(scan, interval, &isnull);
	rule.interval = isnull ? 1 : Max(DatumGetInt32(value), 1);
	word = word_of(scan, unit);
	if (!quota_unit_parse(word.data, word.len, &rule.unit))
		rule.unit = QUOTA_NEVER;
	return rule;
}

static RateRule
read_rate(CatalogScan *scan, CatalogColumn limit, CatalogColumn most)
{
	bool		isnull;
	Datum		rate = catalog_value(scan, limit, &isnull);
	Datum		burst;

	if (isnull)
		return (RateRule) {0};
	burst = catalog_value(scan, most, &isnull);
	return rate_rule(DatumGetFloat8(rate), isnull ? 1 : DatumGetInt32(burst));
}

static int
compare_rank(const void *a, const void *b)
{
	const RankedOperation *x = a;
	const RankedOperation *y = b;
	int			order = pattern_compare_rank(x->op.resource, y->op.resource);

	return order != 0 ? order : memcmp(&x->id, &y->id, sizeof(pg_uuid_t));
}

/* Put operations in order of rank and compile them; none is no operations. */
void
operations_compile(DecideProduct *product, RankedOperation *ranked, int n)
{
	Str *patterns;

	if (n == 0)
		return;
	patterns = palloc(sizeof(Str) * (size_t) n);
	qsort(ranked, (size_t) n, sizeof(RankedOperation), compare_rank);
	product->operations = palloc(sizeof(DecideOperation) * (size_t) n);
	product->noperations = n;
	for (int i = 0; i < n; i++)
	{
		product->operations[i] = ranked[i].op;
		patterns[i] = ranked[i].op.resource;
	}
	product->patterns = pattern_set_build(patterns, n, PATTERN_STATE_LIMIT,
										  pattern_memory(CurrentMemoryContext));
	pfree(patterns);
}

/* The next operation, of a table's rows or of a product's packed rows. */
static bool
next_operation(CatalogScan *scan)
{
	return scan->packed != NULL ? packed_scan_next_of(scan, PACKED_OPERATION) :
		catalog_scan_next(scan);
}

static void
read_operations(EntitlementProduct *product, CatalogScan *scan)
{
	int			room = 16;
	int			n = 0;
	RankedOperation *ranked = vec_reserve(NULL, 0, &room, sizeof(RankedOperation));

	while (next_operation(scan))
	{
		ranked = vec_reserve(ranked, n, &room, sizeof(RankedOperation));
		ranked[n].op = read_operation(scan);
		(void) uuid_value(scan, OPERATION_ID, &ranked[n].id);
		ranked[n].quota = read_quota(scan, OPERATION_QUOTA_LIMIT,
									 OPERATION_QUOTA_INTERVAL, OPERATION_QUOTA_UNIT);
		n++;
	}
	operations_compile(&product->decide, ranked, n);
	/* that put them in order */
	product->operation_ids = palloc(sizeof(pg_uuid_t) * (size_t) Max(n, 1));
	product->operation_quotas = palloc(sizeof(QuotaRule) * (size_t) Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		product->operation_ids[i] = ranked[i].id;
		product->operation_quotas[i] = ranked[i].quota;
	}
	pfree(ranked);
}

static void
load_operations(EntitlementProduct *product, Snapshot snapshot)
{
	CatalogScan scan;

	catalog_scan_begin(&scan, OPERATION_BY_PRODUCT,
					   UUIDPGetDatum(&product->product_id), snapshot);
	read_operations(product, &scan);
	catalog_scan_end(&scan);
}

/* Compile the product whose row the scan is on. */
EntitlementProduct *
product_compile(CatalogScan *scan, const pg_uuid_t *product_id,
				Snapshot snapshot)
{
	EntitlementProduct *product = palloc0(sizeof(EntitlementProduct));

	product->product_id = *product_id;
	product->version = catalog_row_version(scan);
	product->name = copy_text(scan, PRODUCT_NAME);
	product->scopes = copy_array(scan, PRODUCT_SCOPES);
	product->decide.environments = list_of(copy_array(scan, PRODUCT_ENVIRONMENTS));
	product->decide.proxies = list_of(copy_array(scan, PRODUCT_PROXIES));
	product->decide.scopes = list_of(product->scopes);
	product->decide.slash_optional = text_is(scan, PRODUCT_TRAILING_SLASH, "optional");
	product->limits.quota = read_quota(scan, PRODUCT_QUOTA_LIMIT, PRODUCT_QUOTA_INTERVAL,
									   PRODUCT_QUOTA_UNIT);
	product->limits.rate = read_rate(scan, PRODUCT_RATE_LIMIT, PRODUCT_RATE_BURST);
	product->quota_is_hard = !text_is(scan, PRODUCT_QUOTA_ENFORCEMENT, "soft");
	product->zone = quota_time_zone(word_of(scan, PRODUCT_TIME_ZONE));
	if (scan->packed != NULL)
	{
		packed_scan_again(scan, &product->product_id);
		read_operations(product, scan);
	}
	else
		load_operations(product, snapshot);
	return product;
}

/* A product that is shared with nobody. */
EntitlementProduct *
product_load(const pg_uuid_t *product_id, Snapshot snapshot)
{
	EntitlementProduct *product = NULL;
	CatalogScan scan;

	catalog_scan_begin(&scan, PRODUCT_BY_ID, UUIDPGetDatum(product_id), snapshot);
	if (catalog_scan_next(&scan))
		product = product_compile(&scan, product_id, snapshot);
	catalog_scan_end(&scan);
	/* cppcheck-suppress returnDanglingLifetime ; it keeps nothing of the scan */
	return product;
}

/* ---------- associations ---------- */

typedef struct CredentialProductRow
{
	pg_uuid_t	credential_id;
	int64		ordinal;
	pg_uuid_t	product_id;
	CredentialProductStatus status;
} CredentialProductRow;

static int
compare_ordinal(const void *a, const void *b)
{
	int64		x = ((const CredentialProductRow *) a)->ordinal;
	int64		y = ((const CredentialProductRow *) b)->ordinal;

	return (x > y) - (x < y);
}

/* The associations of a credential, as they are read. */
typedef struct CredentialProductRows
{
	CredentialProductRow *rows;
	int			n;
	int			room;
} CredentialProductRows;

static void
read_credential_product(CatalogScan *scan, CredentialProductRows *read)
{
	CredentialProductRow *row;
	bool		isnull;

	read->rows = vec_reserve(read->rows, read->n, &read->room, sizeof(CredentialProductRow));
	row = &read->rows[read->n++];
	(void) uuid_value(scan, CREDENTIAL_PRODUCT_CREDENTIAL_ID, &row->credential_id);
	row->ordinal = DatumGetInt64(catalog_value(scan, CREDENTIAL_PRODUCT_ORDINAL, &isnull));
	(void) uuid_value(scan, CREDENTIAL_PRODUCT_PRODUCT_ID, &row->product_id);
	row->status = decide_credential_product_status(word_of(scan, CREDENTIAL_PRODUCT_STATUS));
}

/* The index leaves out those that were removed. */
static void
load_credential_products(const pg_uuid_t *credential_id, Snapshot snapshot,
						 CredentialProductRows *read)
{
	CatalogScan scan;

	catalog_scan_begin(&scan, CREDENTIAL_PRODUCT_BY_CREDENTIAL,
					   UUIDPGetDatum(credential_id), snapshot);
	while (catalog_scan_next(&scan))
		read_credential_product(&scan, read);
	catalog_scan_end(&scan);
}

/* The scopes that a credential has by a product, as a list and as an array. */
static void
set_scopes(DecideCredentialProduct *decide, EntitlementCredentialProduct *credential_product,
		   const StrList *requested)
{
	const EntitlementProduct *product = credential_product->product;
	Datum	   *values;

	credential_product->scopes = product->scopes;
	decide->scopes = product->decide.scopes;
	if (requested->count == 0)
		return;
	decide->scopes = decide_scopes(requested, &product->decide.scopes,
								   palloc(sizeof(Str) * (size_t) requested->count));
	values = palloc(sizeof(Datum) * (size_t) Max(decide->scopes.count, 1));
	for (int i = 0; i < decide->scopes.count; i++)
		values[i] = PointerGetDatum(cstring_to_text_with_len(decide->scopes.items[i].data,
															 (int) decide->scopes.items[i].len));
	credential_product->scopes = construct_array(values, decide->scopes.count, TEXTOID, -1,
										  false, TYPALIGN_INT);
}

static int
compare_names(const void *a, const void *b)
{
	Str			x = str_of((const text *) DatumGetPointer(*(const Datum *) a));
	Str			y = str_of((const text *) DatumGetPointer(*(const Datum *) b));
	int			order = memcmp(x.data, y.data, Min(x.len, y.len));

	return order != 0 ? order : (x.len > y.len) - (x.len < y.len);
}

/* The products that wait for a decision: once here, so that no verdict has to look. */
static ArrayType *
pending_products(const Entitlement *e)
{
	Datum	   *names = palloc(sizeof(Datum) * (size_t) Max(e->decide.ncredential_products, 1));
	ArrayType  *array = NULL;
	int			n = 0;

	for (int i = 0; i < e->decide.ncredential_products; i++)
	{
		if (e->decide.credential_products[i].status == CREDENTIAL_PRODUCT_PENDING)
			names[n++] = PointerGetDatum(e->credential_products[i].product->name);
	}
	if (n > 0)
	{
		qsort(names, (size_t) n, sizeof(Datum), compare_names);
		array = construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT);
	}
	pfree(names);
	return array;
}

/* Put associations in their order, each with its product. */
static void
set_credential_products(Entitlement *e, CredentialProductRows *read, StrList requested,
						Snapshot snapshot, ProductGetter getter)
{
	int			n = read->n;

	if (n > 1)
		qsort(read->rows, (size_t) n, sizeof(CredentialProductRow), compare_ordinal);
	e->decide.credential_products = palloc(sizeof(DecideCredentialProduct) * (size_t) Max(n, 1));
	e->credential_products = palloc(sizeof(EntitlementCredentialProduct) * (size_t) Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		EntitlementProduct *product = getter(&read->rows[i].product_id, snapshot);
		int			place = e->decide.ncredential_products;

		if (product == NULL)
		{
			e->load->incomplete = true;
			continue;
		}
		e->decide.credential_products[place].status = read->rows[i].status;
		e->decide.credential_products[place].product = &product->decide;
		e->credential_products[place].product = product;
		e->credential_products[place].app = NULL;
		set_scopes(&e->decide.credential_products[place], &e->credential_products[place], &requested);
		e->decide.ncredential_products++;
	}
	e->pending_products = pending_products(e);
}

/* ---------- limits of the app ---------- */

typedef struct AppQuotaRow
{
	pg_uuid_t	product_id;
	AppLimits	app;
} AppQuotaRow;

/* The limits of an app, as they are read. */
typedef struct AppQuotaRows
{
	AppQuotaRow *rows;
	int			n;
	int			room;
} AppQuotaRows;

static void
read_app_quota(CatalogScan *scan, AppQuotaRows *read)
{
	AppQuotaRow row = {.app.until = time_or_never(scan, APP_QUOTA_UNTIL)};

	if (!uuid_value(scan, APP_QUOTA_PRODUCT_ID, &row.product_id))
		return;
	row.app.limits.quota = read_quota(scan, APP_QUOTA_QUOTA_LIMIT, APP_QUOTA_QUOTA_INTERVAL,
									  APP_QUOTA_QUOTA_UNIT);
	row.app.limits.rate = read_rate(scan, APP_QUOTA_RATE_LIMIT, APP_QUOTA_RATE_BURST);
	row.app.has_quota = row.app.limits.quota.limit > 0;
	row.app.has_rate = row.app.limits.rate.step > 0;
	read->rows = vec_reserve(read->rows, read->n, &read->room, sizeof(AppQuotaRow));
	read->rows[read->n++] = row;
}

/* What a row leaves out is the product's. */
static void
set_app_limits(Entitlement *e, const AppQuotaRow *row)
{
	for (int i = 0; i < e->decide.ncredential_products; i++)
	{
		EntitlementCredentialProduct *a = &e->credential_products[i];
		AppLimits  *app;

		if (memcmp(&a->product->product_id, &row->product_id, sizeof(pg_uuid_t)) != 0)
			continue;
		app = palloc(sizeof(AppLimits));
		*app = row->app;
		if (!app->has_quota)
			app->limits.quota = a->product->limits.quota;
		if (!app->has_rate)
			app->limits.rate = a->product->limits.rate;
		a->app = app;
	}
}

static void
load_app_limits(Entitlement *e, Snapshot snapshot)
{
	CatalogScan scan;
	AppQuotaRows read = {.room = 2};

	if (e->decide.ncredential_products == 0)
		return;
	catalog_scan_begin(&scan, APP_QUOTA_BY_APP, UUIDPGetDatum(&e->app_id), snapshot);
	while (catalog_scan_next(&scan))
		read_app_quota(&scan, &read);
	catalog_scan_end(&scan);
	for (int i = 0; i < read.n; i++)
		set_app_limits(e, &read.rows[i]);
}

/* ---------- app and owner ---------- */

static void
read_owner(CatalogScan *scan, Entitlement *e)
{
	bool		team = e->decide.owner_is_team;

	e->owner = copy_text(scan, team ? TEAM_NAME : DEVELOPER_EMAIL);
	e->decide.owner_active = text_is(scan, team ? TEAM_STATUS : DEVELOPER_STATUS, "active");
}

static void
load_owner(Entitlement *e, Snapshot snapshot)
{
	CatalogScan scan;

	catalog_scan_begin(&scan, e->decide.owner_is_team ? TEAM_BY_ID : DEVELOPER_BY_ID,
					   UUIDPGetDatum(&e->owner_id), snapshot);
	if (catalog_scan_next(&scan))
		read_owner(&scan, e);
	else
		e->load->incomplete = true;
	catalog_scan_end(&scan);
}

/* Has it an owner?  *scopes: those that the app asked for */
static bool
read_app(CatalogScan *scan, Entitlement *e, ArrayType **scopes)
{
	e->app_name = copy_text(scan, APP_NAME);
	e->decide.app_status = decide_app_status(word_of(scan, APP_STATUS));
	*scopes = copy_array(scan, APP_SCOPES);
	e->decide.app_networks = read_networks(scan, APP_ALLOWED_CIDRS);
	if (uuid_value(scan, APP_DEVELOPER_ID, &e->owner_id))
		return true;
	e->decide.owner_is_team = uuid_value(scan, APP_TEAM_ID, &e->owner_id);
	return e->decide.owner_is_team;
}

/* Loads app and owner; returns the scopes that the app asked for. */
static ArrayType *
load_app(Entitlement *e, Snapshot snapshot)
{
	CatalogScan scan;
	bool		has_owner = false;
	ArrayType  *scopes = NULL;

	e->decide.app_status = APP_DELETED;
	catalog_scan_begin(&scan, APP_BY_ID, UUIDPGetDatum(&e->app_id), snapshot);
	if (catalog_scan_next(&scan))
		has_owner = read_app(&scan, e, &scopes);
	catalog_scan_end(&scan);
	if (has_owner)
		load_owner(e, snapshot);
	else
		e->load->incomplete = true;
	return scopes ? scopes : construct_empty_array(TEXTOID);
}

/* ---------- secrets ---------- */

static SecretPurpose
secret_purpose(CatalogScan *scan)
{
	if (text_is(scan, SECRET_PURPOSE, "api_key"))
		return PURPOSE_API_KEY;
	if (text_is(scan, SECRET_PURPOSE, "client_secret"))
		return PURPOSE_CLIENT_SECRET;
	if (text_is(scan, SECRET_PURPOSE, "token"))
		return PURPOSE_TOKEN;
	return PURPOSE_UNKNOWN;
}

static void
read_secret(CatalogScan *scan, Entitlement *e, int *room)
{
	EntitlementLoad *load = e->load;
	EntitlementSecret *secret;
	bool		isnull;
	Datum		digest = catalog_value(scan, SECRET_DIGEST, &isnull);

	load->secrets = vec_reserve(load->secrets, load->nsecrets, room, sizeof(EntitlementSecret));
	secret = &load->secrets[load->nsecrets];
	secret->slow = NULL;
	if (!secret_digest_read(digest, &secret->digest))
	{
		secret->slow = secret_slow_read(digest, &secret->digest);
		if (secret->slow == NULL)
			return;
	}
	(void) uuid_value(scan, SECRET_CREDENTIAL_ID, &secret->credential_id);
	secret->purpose = secret_purpose(scan);
	secret->window.version = DatumGetInt32(catalog_value(scan, SECRET_VERSION, &isnull));
	secret->valid_from = time_or_never(scan, SECRET_VALID_FROM);
	secret->window.valid_until = time_or_never(scan, SECRET_VALID_UNTIL);
	secret->window.ended = time_or_never(scan, SECRET_ENDED_AT) != DECIDE_NEVER;
	secret->window.superseded = time_or_never(scan, SECRET_SUPERSEDED_AT) != DECIDE_NEVER;
	load->nsecrets++;
}

static void
load_secrets(Entitlement *e, Snapshot snapshot)
{
	CatalogScan scan;
	int			room = 2;

	catalog_scan_begin(&scan, SECRET_BY_CREDENTIAL,
					   UUIDPGetDatum(&e->credential_id), snapshot);
	while (catalog_scan_next(&scan))
		read_secret(&scan, e, &room);
	catalog_scan_end(&scan);
}

/*
 * Which version of the secret was presented, of those whose digest is over this hash, or
 * SECRET_NONE, or SECRET_UNTESTED.  All are compared, each in constant time.  The digest is
 * computed once for each pepper in use, as a rule once.
 */
int
entitlement_match_secret(const Entitlement *e, SecretPurpose purpose,
						 SecretScheme scheme, const uint8 *hash)
{
	SecretDigest computed;
	int			computed_pepper = -1;
	int			match = SECRET_NONE;

	for (int i = 0; i < e->load->nsecrets; i++)
	{
		const EntitlementSecret *secret = &e->load->secrets[i];
		int			pepper = secret_digest_pepper(&secret->digest);

		if (secret->purpose != purpose || secret->digest.scheme != scheme)
			continue;
		if (pepper != computed_pepper)
		{
			if (!secret_digest_compute(scheme, hash, pepper, &computed))
			{
				if (match == SECRET_NONE)
					match = SECRET_UNTESTED;
				continue;
			}
			computed_pepper = pepper;
		}
		if (sodium_memcmp(computed.hash, secret->digest.hash,
						  SECRET_HASH_LEN) == 0)
			match = i;
	}
	sodium_memzero(&computed, sizeof(computed));
	return match;
}

/* ---------- a whole entitlement ---------- */

static Entitlement *
new_entitlement(void)
{
	Entitlement *e = palloc0(sizeof(Entitlement));

	e->load = palloc0(sizeof(EntitlementLoad));
	return e;
}

static ArrayType *
read_credential(CatalogScan *scan, Entitlement *e)
{
	(void) uuid_value(scan, CREDENTIAL_ID, &e->credential_id);
	(void) uuid_value(scan, CREDENTIAL_APP_ID, &e->app_id);
	e->consumer_key = copy_text(scan, CREDENTIAL_CONSUMER_KEY);
	e->environment = copy_text(scan, CREDENTIAL_ENVIRONMENT);
	if (e->environment)
		e->decide.environment = str_of(e->environment);
	e->decide.credential_approved = text_is(scan, CREDENTIAL_STATUS, "approved");
	e->decide.expires_at = time_or_never(scan, CREDENTIAL_EXPIRES_AT);
	e->decide.credential_networks = read_networks(scan, CREDENTIAL_ALLOWED_CIDRS);
	return copy_array(scan, CREDENTIAL_SCOPES);
}

static Entitlement *
read_entitlement(CatalogIndex index, Datum value, Snapshot snapshot, ProductGetter getter)
{
	Entitlement *e = new_entitlement();
	CatalogScan scan;
	ArrayType  *scopes = NULL;
	ArrayType  *app_scopes;
	CredentialProductRows credential_products = {.room = 2};

	catalog_scan_begin(&scan, index, value, snapshot);
	if (catalog_scan_next(&scan))
		scopes = read_credential(&scan, e);
	catalog_scan_end(&scan);
	if (scopes == NULL)
		return NULL;

	load_secrets(e, snapshot);
	app_scopes = load_app(e, snapshot);
	load_credential_products(&e->credential_id, snapshot, &credential_products);
	set_credential_products(e, &credential_products, list_of(is_empty(scopes) ? app_scopes : scopes),
							snapshot, getter);
	load_app_limits(e, snapshot);
	return e;
}

/* ---------- from packed rows ---------- */

/* What was read of them, before the products are there. */
typedef struct PackedEntitlement
{
	Entitlement *entitlement;
	pg_uuid_t	subject;		/* of the credential, and of what belongs to it */
	int			secret_room;
	ArrayType  *scopes;			/* NULL: no credential was found */
	bool		has_app;		/* an app that has an owner was found */
	ArrayType  *app_scopes;
	CredentialProductRows credential_products;
	AppQuotaRows app_quotas;
} PackedEntitlement;

/* An app that may have quotas of its own is looked up, as they are to be found. */
static void
read_app_beside(CatalogScan *scan, PackedEntitlement *p)
{
	if (packed_scan_beside(scan, &p->entitlement->app_id, PACKED_APP) && scan->packed->has_no_quota)
		p->has_app = read_app(scan, p->entitlement, &p->app_scopes);
}

/* A credential and what belongs to it come in any order. */
static void
read_subject(CatalogScan *scan, PackedEntitlement *p, Str consumer_key)
{
	Entitlement *e = p->entitlement;

	while (packed_scan_next(scan))
	{
		if (scan->packed->kind == PACKED_SECRET)
			read_secret(scan, e, &p->secret_room);
		else if (scan->packed->kind == PACKED_CREDENTIAL_PRODUCT)
			read_credential_product(scan, &p->credential_products);
		else if (scan->packed->kind == PACKED_CREDENTIAL && p->scopes == NULL &&
				 str_equal(word_of(scan, CREDENTIAL_CONSUMER_KEY), consumer_key))
		{
			p->scopes = read_credential(scan, e);
			read_app_beside(scan, p);
		}
	}
}

/* Drop what belongs to other credentials, which may have the same subject. */
static void
drop_others(PackedEntitlement *p)
{
	const pg_uuid_t *id = &p->entitlement->credential_id;
	EntitlementLoad *load = p->entitlement->load;
	CredentialProductRows *products = &p->credential_products;
	int			n = 0;

	for (int i = 0; i < load->nsecrets; i++)
	{
		if (memcmp(&load->secrets[i].credential_id, id, sizeof(pg_uuid_t)) == 0)
			load->secrets[n++] = load->secrets[i];
	}
	load->nsecrets = n;
	n = 0;
	for (int i = 0; i < products->n; i++)
	{
		if (memcmp(&products->rows[i].credential_id, id, sizeof(pg_uuid_t)) == 0)
			products->rows[n++] = products->rows[i];
	}
	products->n = n;
}

static bool
read_packed_credential(CatalogScan *scan, PackedEntitlement *p, Str consumer_key)
{
	pg_uuid_t	first = p->subject;

	read_subject(scan, p, consumer_key);
	if (p->scopes == NULL)
		return false;
	p->subject = packed_subject_of_credential(&p->entitlement->credential_id);
	if (memcmp(&first, &p->subject, sizeof(first)) != 0)
	{
		packed_scan_again(scan, &p->subject);
		read_subject(scan, p, consumer_key);
	}
	drop_others(p);
	return true;
}

/* The app and its quotas; they come in any order. */
static void
look_up_app(CatalogScan *scan, PackedEntitlement *p)
{
	Entitlement *e = p->entitlement;

	packed_scan_again(scan, &e->app_id);
	while (packed_scan_next(scan))
	{
		if (scan->packed->kind == PACKED_APP)
			p->has_app = read_app(scan, e, &p->app_scopes);
		else if (scan->packed->kind == PACKED_APP_QUOTA)
			read_app_quota(scan, &p->app_quotas);
	}
}

static bool
read_packed_app(CatalogScan *scan, PackedEntitlement *p)
{
	Entitlement *e = p->entitlement;

	if (!p->has_app)
		look_up_app(scan, p);
	if (!p->has_app)
		return false;
	if (!packed_scan_only(scan, &e->owner_id,
						  e->decide.owner_is_team ? PACKED_TEAM : PACKED_DEVELOPER))
		return false;
	read_owner(scan, e);
	return true;
}

/* The entitlement of a key, NULL if the tables have to be read for it. */
static Entitlement *
read_packed_entitlement(Str consumer_key, Snapshot snapshot, ProductGetter getter)
{
	PackedEntitlement p = {
		.entitlement = new_entitlement(),
		.subject = packed_subject_of_key(consumer_key),
		.secret_room = 2,
		.credential_products.room = 2,
		.app_quotas.room = 2
	};
	Entitlement *e = p.entitlement;
	PackedRow	row;
	CatalogScan scan;
	bool		found;

	packed_scan_begin(&scan, &row, &p.subject, snapshot);
	found = read_packed_credential(&scan, &p, consumer_key) && read_packed_app(&scan, &p);
	catalog_scan_end(&scan);
	if (!found)
		return NULL;
	set_credential_products(e, &p.credential_products,
							list_of(is_empty(p.scopes) ? p.app_scopes : p.scopes), snapshot, getter);
	for (int i = 0; i < p.app_quotas.n; i++)
		set_app_limits(e, &p.app_quotas.rows[i]);
	return e;
}

Entitlement *
entitlement_by_key(const char *consumer_key, size_t len, Snapshot snapshot,
				   ProductGetter getter)
{
	Entitlement *e = packed_rows_serve() ?
		read_packed_entitlement((Str) {consumer_key, len}, snapshot, getter) : NULL;

	return e != NULL ? e :
		read_entitlement(CREDENTIAL_BY_KEY,
						 PointerGetDatum(cstring_to_text_with_len(consumer_key, (int) len)),
						 snapshot, getter);
}

Entitlement *
entitlement_by_id(const pg_uuid_t *credential_id, Snapshot snapshot,
				  ProductGetter getter)
{
	return read_entitlement(CREDENTIAL_BY_ID, UUIDPGetDatum(credential_id), snapshot,
							getter);
}

/* Find the credential of an API key by its digest, which a client secret may have as well. */
static bool
find_digest(const SecretDigest *digest, Snapshot snapshot, pg_uuid_t *id)
{
	CatalogScan scan;
	bool		found = false;

	catalog_scan_begin(&scan, SECRET_BY_DIGEST, secret_digest_datum(digest),
					   snapshot);
	while (!found && catalog_scan_next(&scan))
	{
		SecretDigest stored;
		bool		isnull;

		/* a hash index knows only the hash, so the digest is compared here */
		found = secret_digest_read(catalog_value(&scan, SECRET_DIGEST, &isnull),
								   &stored) &&
			secret_purpose(&scan) == PURPOSE_API_KEY &&
			sodium_memcmp(&stored, digest, sizeof(stored)) == 0 &&
			uuid_value(&scan, SECRET_CREDENTIAL_ID, id);
	}
	catalog_scan_end(&scan);
	return found;
}

/*
 * By the hash of a key alone, its SHA-256 or another.  Which pepper keyed its digest is not
 * known, so each one is tried, the newest first.
 */
Entitlement *
entitlement_by_hash(SecretScheme scheme, const uint8 *hash, Snapshot snapshot,
					ProductGetter getter)
{
	SecretDigest digest;
	pg_uuid_t	id;
	bool		found = false;

	for (int i = pepper_count(); i >= 0 && !found; i--)
	{
		int			pepper = i > 0 ? pepper_nth(i - 1)->number : PEPPER_NONE;

		if (secret_digest_compute(scheme, hash, pepper, &digest))
			found = find_digest(&digest, snapshot, &id);
	}
	return found ? entitlement_by_id(&id, snapshot, getter) : NULL;
}
