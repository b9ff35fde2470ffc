/*
 * access_at.c
 *		The decision on facts of the past.
 *
 * access_at() puts together what the rows of a credential were at some moment
 * (sql/audit/history.sql, from the audit trail) and hands them over as jsonb.
 * Here they get the form that decides, and decide_core.c decides as it does in a
 * verification: there is no second set of rules.
 *
 *	{"credential": {...}, "app": {...}, "owner": {...}, "secrets": [{...}, ...],
 *	 "credential_products": [{"status": ..., "product": {...}, "operations": [{...}, ...]}, ...]}
 *
 * where {...} is a row with the names of its columns.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "decide/entitlement.h"
#include "decide/verdict_type.h"
#include "match/network.h"
#include "match/scope.h"
#include "table/catalog.h"

PG_FUNCTION_INFO_V1(devapp_decide_facts);

/* ---------- members of an object; one that is null is as good as missing ---------- */

static JsonbValue *
find_member(JsonbContainer *object, const char *name)
{
	JsonbValue *value;

	if (object == NULL || !JsonContainerIsObject(object))
		return NULL;
	value = getKeyJsonValueFromContainer(object, name, (int) strlen(name), NULL);
	return value == NULL || value->type == jbvNull ? NULL : value;
}

/* An object or array, or NULL. */
static JsonbContainer *
container_member(JsonbContainer *object, const char *name)
{
	JsonbValue *value = find_member(object, name);

	return value != NULL && value->type == jbvBinary ? value->val.binary.data : NULL;
}

static Str
string_of(const JsonbValue *value)
{
	if (value == NULL || value->type != jbvString)
		return (Str) {NULL, 0};
	return (Str) {value->val.string.val, (size_t) value->val.string.len};
}

static Str
string_member(JsonbContainer *object, const char *name)
{
	return string_of(find_member(object, name));
}

static bool
member_is(JsonbContainer *object, const char *name, const char *word)
{
	Str			s = string_member(object, name);

	return s.data != NULL && s.len == strlen(word) && memcmp(s.data, word, s.len) == 0;
}

static char *
cstring_member(JsonbContainer *object, const char *name)
{
	Str			s = string_member(object, name);

	return s.data ? pnstrdup(s.data, s.len) : NULL;
}

static int64
time_member(JsonbContainer *object, const char *name)
{
	char	   *s = cstring_member(object, name);

	if (s == NULL)
		return DECIDE_NEVER;
	return DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in, CStringGetDatum(s),
												   ObjectIdGetDatum(InvalidOid),
												   Int32GetDatum(-1)));
}

static int
size_of(JsonbContainer *array)
{
	return array != NULL && JsonContainerIsArray(array) ? (int) JsonContainerSize(array) : 0;
}

static JsonbContainer *
nth_object(JsonbContainer *array, int n)
{
	JsonbValue *value = getIthJsonbValueFromContainer(array, (uint32) n);

	return value != NULL && value->type == jbvBinary ? value->val.binary.data : NULL;
}

static StrList
strings_member(JsonbContainer *object, const char *name)
{
	JsonbContainer *array = container_member(object, name);
	int			n = size_of(array);
	StrList		list = {n, palloc(sizeof(Str) * (size_t) Max(n, 1))};

	for (int i = 0; i < n; i++)
		list.items[i] = string_of(getIthJsonbValueFromContainer(array, (uint32) i));
	return list;
}

static NetworkList
networks_member(JsonbContainer *object, const char *name)
{
	StrList		strings = strings_member(object, name);
	NetworkList list = {strings.count, palloc(sizeof(Network) * (size_t) Max(strings.count, 1))};

	for (int i = 0; i < strings.count; i++)
		list.items[i] = network_of(DirectFunctionCall1(cidr_in,
													   CStringGetDatum(pnstrdup(strings.items[i].data,
																				strings.items[i].len))));
	return list;
}

/* ---------- the facts ---------- */

static RankedOperation
read_operation(JsonbContainer *row)
{
	RankedOperation ranked = {
		.op = operation_make(string_member(row, "resource"),
							 strings_member(row, "methods"),
							 string_member(row, "proxy"))
	};
	char	   *id = cstring_member(row, "operation_id");

	if (id != NULL)
		ranked.id = *DatumGetUUIDP(DirectFunctionCall1(uuid_in, CStringGetDatum(id)));
	return ranked;
}

static DecideProduct *
read_product(JsonbContainer *row, JsonbContainer *operations)
{
	DecideProduct *product = palloc0(sizeof(DecideProduct));
	int			n = size_of(operations);
	RankedOperation *ranked = palloc(sizeof(RankedOperation) * (size_t) Max(n, 1));

	product->environments = strings_member(row, "environments");
	product->proxies = strings_member(row, "proxies");
	product->scopes = strings_member(row, "scopes");
	product->slash_optional = member_is(row, "trailing_slash", "optional");
	for (int i = 0; i < n; i++)
		ranked[i] = read_operation(nth_object(operations, i));
	operations_compile(product, ranked, n);
	return product;
}

static void
read_credential_products(DecideEntitlement *e, JsonbContainer *credential_products, StrList requested)
{
	e->ncredential_products = size_of(credential_products);
	e->credential_products = palloc(sizeof(DecideCredentialProduct) *
									(size_t) Max(e->ncredential_products, 1));
	for (int i = 0; i < e->ncredential_products; i++)
	{
		JsonbContainer *credential_product = nth_object(credential_products, i);
		DecideProduct *product =
			read_product(container_member(credential_product, "product"),
						 container_member(credential_product, "operations"));

		e->credential_products[i].status =
			decide_credential_product_status(string_member(credential_product, "status"));
		e->credential_products[i].product = product;
		e->credential_products[i].scopes =
			decide_scopes(&requested, &product->scopes,
						  palloc(sizeof(Str) * (size_t) Max(requested.count, 1)));
	}
}

static void
read_entitlement(DecideEntitlement *e, JsonbContainer *facts)
{
	JsonbContainer *credential = container_member(facts, "credential");
	JsonbContainer *app = container_member(facts, "app");
	StrList		scopes = strings_member(credential, "scopes");

	memset(e, 0, sizeof(*e));
	e->expires_at = time_member(credential, "expires_at");
	e->credential_approved = member_is(credential, "status", "approved");
	e->environment = string_member(credential, "environment");
	e->app_status = decide_app_status(string_member(app, "status"));
	e->owner_active = member_is(container_member(facts, "owner"), "status", "active");
	e->app_networks = networks_member(app, "allowed_cidrs");
	e->credential_networks = networks_member(credential, "allowed_cidrs");
	if (scopes.count == 0)
		scopes = strings_member(app, "scopes");
	read_credential_products(e, container_member(facts, "credential_products"), scopes);
}

/*
 * The version of the secret that works at that time; if none does, the last one
 * there was.  They come in the order of versions.
 */
static bool
pick_secret(JsonbContainer *secrets, int64 at, DecideSecret *secret)
{
	int			n = size_of(secrets);

	for (int i = 0; i < n; i++)
	{
		JsonbContainer *row = nth_object(secrets, i);

		secret->valid_until = time_member(row, "valid_until");
		secret->ended = find_member(row, "ended_at") != NULL;
		if (decide_secret_works(secret, at))
			break;
	}
	return n > 0;
}

static Str
text_argument(FunctionCallInfo fcinfo, int n)
{
	text	   *t;

	if (PG_ARGISNULL(n))
		return (Str) {NULL, 0};
	t = PG_GETARG_TEXT_PP(n);
	return (Str) {VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t)};
}

/* decide_facts(facts, resource, method, environment, proxy, at, scope, client) -> code, product */
Datum
devapp_decide_facts(PG_FUNCTION_ARGS)
{
	JsonbContainer *facts;
	Str			resource = text_argument(fcinfo, 1);
	DecideRequest request;
	DecideEntitlement entitlement;
	DecideSecret secret;
	Decision	decision = {VERDICT_NOT_FOUND, -1, -1};
	TupleDesc	desc;
	Datum		values[2];
	bool		nulls[2] = {false, true};

	if (PG_ARGISNULL(0) || PG_ARGISNULL(5))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("facts and their time must not be null")));
	facts = &PG_GETARG_JSONB_P(0)->root;
	decide_request_init(&request);
	if (resource.data != NULL)
		decide_request_set_resource(&request, resource.data, resource.len);
	request.method = text_argument(fcinfo, 2);
	request.environment = text_argument(fcinfo, 3);
	request.proxy = text_argument(fcinfo, 4);
	request.now = PG_GETARG_TIMESTAMPTZ(5);
	if (!PG_ARGISNULL(6))
		request.scope = scope_compile(text_argument(fcinfo, 6));
	request.client_known = !PG_ARGISNULL(7);
	if (request.client_known)
		request.client = network_of(PG_GETARG_DATUM(7));

	read_entitlement(&entitlement, facts);
	if (pick_secret(container_member(facts, "secrets"), request.now, &secret))
		decision = decide(&entitlement, &secret, &request);

	values[0] = ObjectIdGetDatum(verdict_type_code(decision.code));
	if (decision.credential_product >= 0)
	{
		JsonbContainer *credential_product = nth_object(container_member(facts, "credential_products"),
														decision.credential_product);
		Str			name = string_member(container_member(credential_product, "product"), "name");

		values[1] = PointerGetDatum(cstring_to_text_with_len(name.data, (int) name.len));
		nulls[1] = false;
	}
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
