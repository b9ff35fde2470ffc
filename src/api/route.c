/*
 * route.c
 *		Which function answers a request.
 *
 * The rows of devapp_api.route are read once a backend and kept compiled, as the patterns
 * of a product are.  A change of the table declares it changed (forget_routes()), and then they
 * are read again.  A function is kept by its name and looked up at each request.
 *
 * Of patterns that match, the most specific that has the method answers, so a name that is also
 * a word of the API can be asked for by a method for which that word is no path of its own.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "api/route.h"
#include "base/compat.h"
#include "base/vec.h"
#include "match/pattern.h"
#include "table/catalog.h"

PG_FUNCTION_INFO_V1(devapp_forget_routes);

/* memory for the states of the patterns' automaton */
#define DFA_LIMIT	(256 * 1024)

/* columns of devapp_api.route */
enum
{
	ROUTE_METHOD = 1, ROUTE_PATTERN, ROUTE_FUNCTION, ROUTE_NEEDS, ROUTE_ERROR_FORM, ROUTE_COLUMNS = ROUTE_ERROR_FORM
};

/* What the paths that begin with this segment have in common. */
typedef struct RouteHead
{
	Str			segment;		/* with its slashes */
	ErrorForm	error_form;
} RouteHead;

/* Routes by pattern: those of pattern i are routes[first[i]] to routes[first[i + 1] - 1]. */
typedef struct RouteTable
{
	MemoryContext context;
	Oid			relation;
	uint64		made_at;
	int			nroutes;
	int			room;
	Route	   *routes;			/* the most specific patterns first */
	int			nheads;
	RouteHead  *heads;			/* each first segment of the patterns once */
	int			npatterns;
	int		   *first;
	PatternSet *patterns;
} RouteTable;

static RouteTable *kept = NULL;
static uint64 changes = 1;		/* counted whenever the table may have changed */

static void
relation_changed(Datum arg, Oid relid)
{
	if (kept == NULL || relid == InvalidOid || relid == kept->relation)
		changes++;
}

void
route_init(void)
{
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
}

/* forget_routes(), a trigger for each statement that changes devapp_api.route */
Datum
devapp_forget_routes(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("forget_routes must be called as a trigger")));
	CacheInvalidateRelcache(((TriggerData *) fcinfo->context)->tg_relation);
	return PointerGetDatum(NULL);
}

/* ---------- reading ---------- */

static int
place_of(const char *word, const char *const *words, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (strcmp(word, words[i]) == 0)
			return i;
	}
	elog(ERROR, "devapp_api.route has the unknown word \"%s\"", word);
}

static Route
read_route(HeapTuple tuple, TupleDesc desc)
{
	static const char *const needs[] = {"nothing", "read", "admin", "verify", "developer", "client"};
	static const char *const forms[] = {"devapp", "apigee", "oauth", "none"};
	Datum		values[ROUTE_COLUMNS];
	bool		nulls[ROUTE_COLUMNS];
	char	   *words[ROUTE_COLUMNS];
	Route		route;

	heap_deform_tuple(tuple, desc, values, nulls);
	for (int i = 0; i < ROUTE_COLUMNS; i++)
		words[i] = TextDatumGetCString(values[i]);
	route.method = (Str) {words[ROUTE_METHOD - 1], strlen(words[ROUTE_METHOD - 1])};
	route.pattern = (Str) {words[ROUTE_PATTERN - 1], strlen(words[ROUTE_PATTERN - 1])};
	route.function = words[ROUTE_FUNCTION - 1];
	route.needs = (RouteNeeds) place_of(words[ROUTE_NEEDS - 1], needs, lengthof(needs));
	route.error_form = (ErrorForm) place_of(words[ROUTE_ERROR_FORM - 1], forms, lengthof(forms));
	return route;
}

static void
read_table(RouteTable *table)
{
	Relation	rel = table_open(table->relation, AccessShareLock);
	Snapshot	snapshot = catalog_take_snapshot();
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, snapshot, 0, NULL);
	HeapTuple	tuple;

	if (RelationGetDescr(rel)->natts != ROUTE_COLUMNS)
		elog(ERROR, "devapp_api.route has %d columns", RelationGetDescr(rel)->natts);
	table->room = 128;
	while ((tuple = systable_getnext(scan)) != NULL)
	{
		table->routes = vec_reserve(table->routes, table->nroutes, &table->room, sizeof(Route));
		table->routes[table->nroutes++] = read_route(tuple, RelationGetDescr(rel));
	}
	systable_endscan(scan);
	catalog_release_snapshot(snapshot);
	table_close(rel, AccessShareLock);
}

/* ---------- compiling ---------- */

/* Length of the first segment, with its slashes. */
static size_t
first_segment(Str path)
{
	const char *slash = path.len > 1 ? memchr(path.data + 1, '/', path.len - 1) : NULL;

	return slash != NULL ? (size_t) (slash - path.data) + 1 : path.len;
}

/* By pattern, the most specific first. */
static int
compare_routes(const void *left, const void *right)
{
	const Route *a = left;
	const Route *b = right;
	int			rank = pattern_compare_rank(a->pattern, b->pattern);

	return rank != 0 ? rank : strcmp(a->pattern.data, b->pattern.data);
}

/* NULL: no pattern begins with the segment. */
static RouteHead *
find_head(const RouteTable *table, Str segment)
{
	for (int i = 0; i < table->nheads; i++)
	{
		if (str_equal(table->heads[i].segment, segment))
			return &table->heads[i];
	}
	return NULL;
}

/* The most specific pattern of a segment comes first, and says how errors look there. */
static void
add_head(RouteTable *table, const Route *route)
{
	Str			segment = {route->pattern.data, first_segment(route->pattern)};

	if (find_head(table, segment) == NULL)
		table->heads[table->nheads++] = (RouteHead) {segment, route->error_form};
}

static void
compile_routes(RouteTable *table)
{
	Str		   *patterns = palloc(sizeof(Str) * (size_t) (table->nroutes + 1));

	table->first = palloc(sizeof(int) * (size_t) (table->nroutes + 1));
	table->heads = palloc(sizeof(RouteHead) * (size_t) (table->nroutes + 1));
	if (table->nroutes > 0)
		qsort(table->routes, (size_t) table->nroutes, sizeof(Route), compare_routes);
	for (int i = 0; i < table->nroutes; i++)
	{
		add_head(table, &table->routes[i]);
		if (i > 0 && str_equal(table->routes[i].pattern, table->routes[i - 1].pattern))
			continue;
		table->first[table->npatterns] = i;
		patterns[table->npatterns++] = table->routes[i].pattern;
	}
	table->first[table->npatterns] = table->nroutes;
	table->patterns = pattern_set_build(patterns, table->npatterns, DFA_LIMIT,
										pattern_memory(table->context));
}

/* A failure leaves a context that nobody knows, so it belongs to the caller until all is made. */
static RouteTable *
make_table(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "devapp routes", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	RouteTable *table = palloc0(sizeof(RouteTable));

	table->context = context;
	table->made_at = changes;
	table->relation = get_relname_relid("route", get_namespace_oid("devapp_api", false));
	if (!OidIsValid(table->relation))
		elog(ERROR, "there is no devapp_api.route");
	read_table(table);
	compile_routes(table);
	MemoryContextSetParent(context, TopMemoryContext);
	MemoryContextSwitchTo(old);
	return table;
}

static RouteTable *
current_table(void)
{
	RouteTable *old = kept;

	if (old != NULL && old->made_at == changes)
		return old;
	kept = NULL;
	if (old != NULL)
		MemoryContextDelete(old->context);
	kept = make_table();
	return kept;
}

/* ---------- finding ---------- */

static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

/* Bits of methods[]. */
static uint32
method_bits(Str method)
{
	for (int i = 0; i < (int) lengthof(methods); i++)
	{
		if (str_is(method, methods[i]))
			return i == 0 ? 3 : UINT32_C(1) << i;
	}
	return 0;
}

static const char *
list_methods(uint32 bits)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < (int) lengthof(methods); i++)
	{
		if (bits & UINT32_C(1) << i)
			appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "", methods[i]);
	}
	return list.data;
}

static Str
copy_str(Str s)
{
	return (Str) {pnstrdup(s.data, s.len), s.len};
}

/* Nothing of the kept table is shown to others: what they call may make it be read again. */
static Route
copy_route(const Route *route)
{
	Route		copy = *route;

	copy.pattern = copy_str(route->pattern);
	copy.method = copy_str(route->method);
	copy.function = pstrdup(route->function);
	return copy;
}

/* The form of errors of paths which begin with the same segment. */
static ErrorForm
neighbours_form(const RouteTable *table, Str path)
{
	const RouteHead *head = find_head(table, (Str) {path.data, first_segment(path)});

	return head != NULL ? head->error_form : ERROR_FORM_DEVAPP;
}

static void
find_among(const RouteTable *table, const int32_t *numbers, int n, uint32 wanted, RouteFound *found)
{
	uint32		allowed = 0;

	for (int i = 0; i < n; i++)
	{
		for (int r = table->first[numbers[i]]; r < table->first[numbers[i] + 1]; r++)
		{
			const Route *route = &table->routes[r];
			uint32		bits = method_bits(route->method);

			allowed |= bits;
			found->for_gateways |= route->needs == NEEDS_VERIFY;
			if (!found->path_known)
				found->error_form = route->error_form;
			found->path_known = true;
			if ((bits & wanted) != 0 && !found->found)
			{
				found->found = true;
				found->route = copy_route(route);
				found->error_form = route->error_form;
			}
		}
	}
	if (!found->for_gateways)
		allowed |= method_bits((Str) {"OPTIONS", strlen("OPTIONS")});
	found->allow = list_methods(allowed);
}

/* The form of errors on a path that is not known, or malformed. */
ErrorForm
route_error_form(Str path)
{
	return neighbours_form(current_table(), path);
}

/* The path is one that http_path_is_good() found good. */
void
route_find(Str method, Str path, RouteFound *found)
{
	RouteTable *table = current_table();
	const int32_t *numbers;
	int			n = pattern_set_match(table->patterns, path.data, path.len, &numbers);

	memset(found, 0, sizeof(*found));
	if (n == 0)
		found->error_form = neighbours_form(table, path);
	else
		find_among(table, numbers, n, method_bits(method), found);
}
