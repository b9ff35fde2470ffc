/*
 * fuzz_decide.c
 *		Fuzz target: the decision on a request, against a plain reference.
 *
 * The input is read byte by byte into a world of plain C strings: a credential,
 * its associations, their products and operations, a request.  Names come from
 * small alphabets, so that they meet.  decide() gets that world in its own form;
 * the reference reads the rules from it as they are written in the design.
 */
#include <stdbool.h>
#include <strings.h>

#include "decide/decide_core.h"
#include "fuzz.h"
#include "reference_match.h"
#include "reference_path.h"

#define MAX_NAMES			3
#define MAX_HOSTS			2
#define MAX_OPERATIONS		4
#define MAX_PRODUCTS		3
#define MAX_CREDENTIAL_PRODUCTS	5
#define LENGTH(a)			((unsigned) (sizeof(a) / sizeof((a)[0])))

typedef struct Names
{
	int			count;
	const char *names[MAX_NAMES];
} Names;

/* Networks by number: 1 to 3 are single hosts, 4 is the network of them all. */
typedef struct Hosts
{
	int			count;
	int			hosts[MAX_HOSTS];
} Hosts;

typedef struct Operation
{
	char		resource[64];
	Names		methods;
	const char *proxy;			/* or NULL */
} Operation;

typedef struct Product
{
	Names		environments;
	Names		proxies;
	Names		scopes;
	bool		slash_optional;
	int			noperations;
	Operation	operations[MAX_OPERATIONS];
} Product;

typedef struct World
{
	/* the credential */
	int64_t		expires_at;
	bool		secret_ended;
	int64_t		valid_until;
	bool		credential_approved;
	AppStatus	app_status;
	bool		owner_active;
	const char *credential_environment; /* or NULL */
	Names		scopes;			/* that it asks for */
	Hosts		app_hosts;
	Hosts		credential_hosts;
	Product		products[MAX_PRODUCTS];
	int			ncredential_products;
	CredentialProductStatus statuses[MAX_CREDENTIAL_PRODUCTS];
	int			product_of[MAX_CREDENTIAL_PRODUCTS];

	/* the request; what is NULL is not checked */
	int64_t		now;
	bool		has_path;
	char		path[65];
	const char *method;
	const char *environment;
	const char *proxy;
	Names		needed;			/* scopes */
	bool		all_needed;		/* else any of them */
	int			client;			/* a host, or 0: not known */
} World;

static const char *const all_methods[] = {
	"GET", "POST", "get", "PURGE", "Purge", "QUERY", "LINK", "GETS", ""
};
static const char *const all_environments[] = {"prod", "test", "Prod", ""};
static const char *const all_proxies[] = {"orders", "billing", "order", ""};
static const char *const all_scopes[] = {"read", "write", "rea"};

/* The table of verdicts is whole, and each code has the status of its kind. */
int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	for (int code = 0; code < VERDICT_CODES; code++)
	{
		const VerdictInfo *info = &verdict_info[code];
		int			status = code == VERDICT_VALID ? 200 :
			code < VERDICT_NO_PRODUCT ? 401 :
			code < VERDICT_UNAVAILABLE ? 403 :
			code < VERDICT_QUOTA_EXCEEDED ? 503 : 429;

		CHECK(info->code != NULL && info->http_status == status);
		CHECK((info->fault == NULL) == (code == VERDICT_VALID));
		for (int other = 0; other < code; other++)
			CHECK(strcmp(info->code, verdict_info[other].code) != 0);
		CHECK(verdict_info[verdict_stand_in(code)].http_status == status);
	}
	CHECK(verdict_stand_in(VERDICT_VALID) == VERDICT_VALID);
	CHECK(verdict_stand_in(VERDICT_PROXY_FORBIDDEN) == VERDICT_RESOURCE_FORBIDDEN);
	CHECK(verdict_stand_in(VERDICT_PROOF_REQUIRED) == VERDICT_TOKEN_REVOKED);
	CHECK(verdict_stand_in(VERDICT_EXPIRED) == VERDICT_NOT_FOUND);
	CHECK(verdict_stand_in(VERDICT_RATE_LIMITED) == VERDICT_QUOTA_EXCEEDED);
	CHECK(verdict_stand_in(VERDICT_STALE) == VERDICT_UNAVAILABLE);
	return 0;
}

/* ---------- a world from the input ---------- */

static const char *
read_name(FuzzInput *in, const char *const *names, unsigned n)
{
	return names[fuzz_below(in, n)];
}

static const char *
read_name_or_null(FuzzInput *in, const char *const *names, unsigned n)
{
	return fuzz_below(in, 3) == 0 ? NULL : read_name(in, names, n);
}

static Names
read_names(FuzzInput *in, const char *const *names, unsigned n)
{
	Names		out = {(int) fuzz_below(in, MAX_NAMES + 1), {NULL}};

	for (int i = 0; i < out.count; i++)
		out.names[i] = read_name(in, names, n);
	return out;
}

static void
read_pieces(FuzzInput *in, char *out, const char *const *pieces, unsigned n,
			unsigned count)
{
	out[0] = '\0';
	for (unsigned i = 0; i < count; i++)
		(void) strcat(out, read_name(in, pieces, n));
}

static int64_t
read_time(FuzzInput *in)
{
	static const int64_t extremes[] = {
		INT64_MIN, -1, INT64_MAX - 1, DECIDE_NEVER
	};
	unsigned	byte = fuzz_byte(in);

	return byte >= 0xF0 ? extremes[byte % 4] : (int64_t) byte % 8;
}

static void
read_product(FuzzInput *in, Product *product)
{
	static const char *const pieces[] = {
		"/a", "/b", "/*", "/**", "/{id}", "/", "*", "/a*", "/{id+}", "%61"
	};

	product->environments = read_names(in, all_environments, LENGTH(all_environments));
	product->proxies = read_names(in, all_proxies, LENGTH(all_proxies));
	product->scopes = read_names(in, all_scopes, LENGTH(all_scopes));
	product->slash_optional = fuzz_below(in, 3) == 0;
	product->noperations = (int) fuzz_below(in, MAX_OPERATIONS + 1);
	for (int i = 0; i < product->noperations; i++)
	{
		Operation  *op = &product->operations[i];

		read_pieces(in, op->resource, pieces, LENGTH(pieces), 1 + fuzz_below(in, 3));
		if (fuzz_below(in, 8) == 7)
			(void) strcpy(op->resource, "=/");
		if (pattern_check(op->resource, strlen(op->resource)) != PATTERN_OK)
			(void) strcpy(op->resource, "/");
		op->methods = read_names(in, all_methods, LENGTH(all_methods));
		op->proxy = read_name_or_null(in, all_proxies, LENGTH(all_proxies));
	}
}

static Hosts
read_hosts(FuzzInput *in)
{
	Hosts		out = {fuzz_below(in, 4) == 3 ? MAX_HOSTS : 0, {0}};

	for (int i = 0; i < out.count; i++)
		out.hosts[i] = 1 + (int) fuzz_below(in, 4);
	return out;
}

/* Most credentials should get as far as their products. */
static void
read_credential(FuzzInput *in, World *w)
{
	w->now = 4;
	w->expires_at = DECIDE_NEVER;
	w->valid_until = DECIDE_NEVER;
	w->credential_approved = true;
	w->app_status = APP_APPROVED;
	w->owner_active = true;
	w->credential_environment =
		read_name_or_null(in, all_environments, LENGTH(all_environments));
	w->scopes = read_names(in, all_scopes, LENGTH(all_scopes));
	w->app_hosts = read_hosts(in);
	w->credential_hosts = read_hosts(in);
	if (fuzz_below(in, 4) != 3)
		return;
	w->now = read_time(in);
	if (w->now == DECIDE_NEVER)
		w->now--;
	w->expires_at = read_time(in);
	w->secret_ended = fuzz_below(in, 4) == 3;
	w->valid_until = read_time(in);
	w->credential_approved = fuzz_below(in, 4) != 3;
	if (fuzz_below(in, 2))
		w->app_status = (AppStatus) fuzz_below(in, APP_DELETED + 1);
	w->owner_active = fuzz_below(in, 4) != 3;
}

static void
read_request(FuzzInput *in, World *w)
{
	static const char *const pieces[] = {
		"/a", "/b", "/", "/ab", "a", "/c", "/a/b", "/b/a", "/..", "/%2e", "%2Fa",
		"?q=/a", "#a", "/...", "%", "\t", "%41", "%61", "/..;", "\\", "%5c", "%c0%ae"
	};

	w->has_path = fuzz_below(in, 8) != 7;
	read_pieces(in, w->path, pieces, fuzz_below(in, 2) ? LENGTH(pieces) : 8,
				fuzz_below(in, 4));
	w->method = read_name_or_null(in, all_methods, LENGTH(all_methods));
	w->environment = read_name_or_null(in, all_environments, LENGTH(all_environments));
	w->proxy = read_name_or_null(in, all_proxies, LENGTH(all_proxies));
	w->needed = read_names(in, all_scopes, LENGTH(all_scopes));
	w->all_needed = fuzz_below(in, 2);
	w->client = (int) fuzz_below(in, 4);
}

static void
read_world(FuzzInput in, World *w)
{
	memset(w, 0, sizeof(*w));
	read_credential(&in, w);
	read_request(&in, w);
	w->ncredential_products = (int) fuzz_below(&in, MAX_CREDENTIAL_PRODUCTS + 1);
	for (int i = 0; i < w->ncredential_products; i++)
	{
		static const CredentialProductStatus statuses[] = {
			CREDENTIAL_PRODUCT_APPROVED, CREDENTIAL_PRODUCT_PENDING, CREDENTIAL_PRODUCT_REVOKED,
			CREDENTIAL_PRODUCT_APPROVED
		};

		w->statuses[i] = statuses[fuzz_below(&in, LENGTH(statuses))];
		w->product_of[i] = (int) fuzz_below(&in, MAX_PRODUCTS);
	}
	for (int i = 0; i < MAX_PRODUCTS; i++)
		read_product(&in, &w->products[i]);
}

/* ---------- the reference ---------- */

/* How close a product comes: the higher the closer. */
typedef struct Closeness
{
	int			level;			/* 4 covers, 3 but for scopes, 2 for the environment, 1 path */
	VerdictCode code;
	int			operation;
} Closeness;

static bool
names_have(const Names *names, const char *name)
{
	for (int i = 0; i < names->count; i++)
	{
		if (strcmp(names->names[i], name) == 0)
			return true;
	}
	return false;
}

static bool
allowed_by(const Names *names, const char *name)
{
	return name == NULL || names->count == 0 || names_have(names, name);
}

static bool
method_allowed(const Names *methods, const char *method)
{
	bool		found = methods->count == 0 || method == NULL;

	for (int i = 0; !found && i < methods->count; i++)
		found = strcasecmp(methods->names[i], method) == 0;
	return found;
}

static bool
path_allowed(const World *w, const char *resource)
{
	return !w->has_path ||
		reference_match(resource, strlen(resource), w->path,
						reference_without_query(w->path, strlen(w->path)));
}

static bool
path_is_refused(const World *w)
{
	return w->has_path &&
		!reference_is_safe(w->path, reference_without_query(w->path, strlen(w->path)));
}

static bool
environment_allowed(const World *w, const Product *product)
{
	if (w->environment == NULL)
		return true;
	return allowed_by(&product->environments, w->environment) &&
		(w->credential_environment == NULL ||
		 strcmp(w->credential_environment, w->environment) == 0);
}

static bool
scopes_suffice(const World *w, const Product *product)
{
	int			held = 0;

	for (int i = 0; i < w->needed.count; i++)
	{
		const char *name = w->needed.names[i];

		if (names_have(&product->scopes, name) && allowed_by(&w->scopes, name))
			held++;
	}
	if (w->needed.count == 0)
		return true;
	return w->all_needed ? held == w->needed.count : held > 0;
}

static bool
host_allowed(const World *w, const Hosts *hosts)
{
	bool		found = hosts->count == 0;

	for (int i = 0; i < hosts->count; i++)
		found |= w->client > 0 && (hosts->hosts[i] == w->client || hosts->hosts[i] == 4);
	return found;
}

static Closeness
closeness_of_path(const World *w, const Product *product)
{
	static const Operation everything = {"/", {0, {NULL}}, NULL};
	bool		none = product->noperations == 0;
	int			n = none ? 1 : product->noperations;
	bool		path_fits = false;
	bool		method_fits = false;
	bool		proxy_fits = false;

	if (path_is_refused(w))
		return (Closeness) {0, VERDICT_RESOURCE_FORBIDDEN, -1};
	for (int i = 0; i < n; i++)
	{
		const Operation *op = none ? &everything : &product->operations[i];
		bool		method = method_allowed(&op->methods, w->method);
		bool		proxy = allowed_by(&product->proxies, w->proxy) &&
			(op->proxy == NULL || w->proxy == NULL || strcmp(op->proxy, w->proxy) == 0);

		if (!path_allowed(w, op->resource))
			continue;
		if (method && proxy)
		{
			if (!environment_allowed(w, product))
				return (Closeness) {2, VERDICT_ENVIRONMENT_FORBIDDEN, -1};
			if (!scopes_suffice(w, product))
				return (Closeness) {3, VERDICT_SCOPE_INSUFFICIENT, -1};
			return (Closeness) {4, VERDICT_VALID, none ? -1 : i};
		}
		path_fits = true;
		method_fits |= method;
		proxy_fits |= proxy;
	}
	if (!path_fits)
		return (Closeness) {0, VERDICT_RESOURCE_FORBIDDEN, -1};
	/* the proxy is named only where nothing but the proxy is wrong */
	if (method_fits && !proxy_fits)
		return (Closeness) {1, VERDICT_PROXY_FORBIDDEN, -1};
	return (Closeness) {1, VERDICT_METHOD_FORBIDDEN, -1};
}

/* Where the last slash is optional, what comes closer, with it or without it. */
static Closeness
reference_closeness(const World *w, const Product *product)
{
	Closeness	as_asked = closeness_of_path(w, product);
	World		other = *w;
	size_t		len = reference_without_query(w->path, strlen(w->path));
	Closeness	otherwise;

	if (!product->slash_optional || !w->has_path || len == 0)
		return as_asked;
	other.path[len] = '\0';
	if (len > 1 && w->path[len - 1] == '/')
		other.path[len - 1] = '\0';
	else
		(void) strcat(other.path, "/");
	otherwise = closeness_of_path(&other, product);
	/* what stands between a path and a call is as good as the other */
	return as_asked.level < 2 && otherwise.level > as_asked.level ? otherwise : as_asked;
}

static VerdictCode
reference_credential(const World *w)
{
	static const VerdictCode by_status[] = {
		[APP_PENDING] = VERDICT_APP_PENDING,
		[APP_REJECTED] = VERDICT_APP_REJECTED,
		[APP_APPROVED] = VERDICT_VALID,
		[APP_SUSPENDED] = VERDICT_APP_SUSPENDED,
		[APP_REVOKED] = VERDICT_APP_REVOKED,
		[APP_DELETED] = VERDICT_APP_DELETED
	};

	if (w->expires_at <= w->now)
		return VERDICT_EXPIRED;
	if (w->secret_ended || w->valid_until <= w->now)
		return VERDICT_SUPERSEDED;
	if (!w->credential_approved)
		return VERDICT_CREDENTIAL_REVOKED;
	if (w->app_status != APP_APPROVED)
		return by_status[w->app_status];
	return w->owner_active ? VERDICT_VALID : VERDICT_OWNER_INACTIVE;
}

/* The first association of a status whose product comes at least so close. */
static int
first_of(const World *w, const Closeness *close, CredentialProductStatus status,
		 int level)
{
	for (int i = 0; i < w->ncredential_products; i++)
	{
		if (w->statuses[i] == status && close[i].level >= level)
			return i;
	}
	return -1;
}

/* Pending before revoked.  Is there one that comes so close? */
static bool
unapproved_is_reason(const World *w, const Closeness *close, int level,
					 Decision *decision)
{
	int			pending = first_of(w, close, CREDENTIAL_PRODUCT_PENDING, level);
	int			revoked = first_of(w, close, CREDENTIAL_PRODUCT_REVOKED, level);
	int			reason = pending >= 0 ? pending : revoked;

	if (reason < 0)
		return false;
	*decision = (Decision) {pending >= 0 ? VERDICT_PRODUCT_PENDING :
		VERDICT_PRODUCT_REVOKED, reason, level == 4 ? close[reason].operation : -1};
	return true;
}

static Decision
reference_decision(const World *w)
{
	Closeness	close[MAX_CREDENTIAL_PRODUCTS];
	Decision	decision = {reference_credential(w), -1, -1};

	if (decision.code != VERDICT_VALID)
		return decision;
	if (w->ncredential_products == 0)
		return (Decision) {VERDICT_NO_PRODUCT, -1, -1};

	for (int i = 0; i < w->ncredential_products; i++)
		close[i] = reference_closeness(w, &w->products[w->product_of[i]]);
	for (int level = 4; level >= 0; level--)
	{
		int			i = first_of(w, close, CREDENTIAL_PRODUCT_APPROVED, level);

		if (i >= 0)
		{
			decision = (Decision) {close[i].code, i, close[i].operation};
			break;
		}
	}
	/* what approved products lack matters only if approval is not what lacks */
	if (decision.credential_product >= 0 && decision.code == VERDICT_VALID)
	{
		if (!host_allowed(w, &w->app_hosts) || !host_allowed(w, &w->credential_hosts))
			decision.code = VERDICT_ADDRESS_FORBIDDEN;
		return decision;
	}
	if (!unapproved_is_reason(w, close, 4, &decision) && decision.credential_product < 0)
		(void) unapproved_is_reason(w, close, 0, &decision);
	return decision;
}

/* ---------- the world in the form that decide() takes ---------- */

typedef struct Translated
{
	DecideEntitlement entitlement;
	DecideSecret secret;
	DecideRequest request;
	char	   *path;
	DecideCredentialProduct credential_products[MAX_CREDENTIAL_PRODUCTS];
	DecideProduct products[MAX_PRODUCTS];
	DecideOperation operations[MAX_PRODUCTS][MAX_OPERATIONS];
	Str			methods[MAX_PRODUCTS][MAX_OPERATIONS][MAX_NAMES];
	Str			environments[MAX_PRODUCTS][MAX_NAMES];
	Str			proxies[MAX_PRODUCTS][MAX_NAMES];
	Str			scopes[MAX_PRODUCTS][MAX_NAMES];
	Str			requested[MAX_NAMES];
	Str			effective[MAX_CREDENTIAL_PRODUCTS][MAX_NAMES];
	Network		app_networks[MAX_HOSTS];
	Network		credential_networks[MAX_HOSTS];
	ScopeStep	steps[2 * MAX_NAMES];
	ScopeExpression expression;
} Translated;

static Str
to_str(const char *s)
{
	return (Str) {s, s ? strlen(s) : 0};
}

static StrList
to_list(const Names *names, Str *slots)
{
	for (int i = 0; i < names->count; i++)
		slots[i] = to_str(names->names[i]);
	return (StrList) {names->count, slots};
}

static void
translate_product(const Product *from, Translated *t, int number)
{
	DecideProduct *to = &t->products[number];
	Str patterns[MAX_OPERATIONS];

	to->environments = to_list(&from->environments, t->environments[number]);
	to->proxies = to_list(&from->proxies, t->proxies[number]);
	to->scopes = to_list(&from->scopes, t->scopes[number]);
	to->slash_optional = from->slash_optional;
	to->noperations = from->noperations;
	to->operations = t->operations[number];
	for (int i = 0; i < from->noperations; i++)
	{
		const Operation *op = &from->operations[i];

		to->operations[i].resource = to_str(op->resource);
		to->operations[i].proxy = to_str(op->proxy);
		to->operations[i].methods.any = op->methods.count == 0;
		for (int j = 0; j < op->methods.count; j++)
			method_set_add(&to->operations[i].methods, to_str(op->methods.names[j]),
						   t->methods[number][i]);
		patterns[i] = (Str) {op->resource, strlen(op->resource)};
	}
	if (from->noperations > 0)
		to->patterns = pattern_set_build(patterns, from->noperations, 0, fuzz_memory());
}

static Network
to_network(int host)
{
	uint8_t		address[NETWORK_V4_BYTES] = {10, 0, 0, host == 4 ? 0 : (uint8_t) host};

	return network_from_v4(address, host == 4 ? 8 : 32);
}

static NetworkList
to_networks(const Hosts *hosts, Network *slots)
{
	for (int i = 0; i < hosts->count; i++)
		slots[i] = to_network(hosts->hosts[i]);
	return (NetworkList) {hosts->count, slots};
}

static void
translate_needed(const World *w, Translated *t)
{
	for (int i = 0; i < w->needed.count; i++)
	{
		t->steps[t->expression.nsteps++] = (ScopeStep) {SCOPE_NAME, to_str(w->needed.names[i])};
		if (i > 0)
			t->steps[t->expression.nsteps++].kind = w->all_needed ? SCOPE_AND : SCOPE_OR;
	}
	t->expression.steps = t->steps;
	if (w->needed.count > 0)
		t->request.scope = &t->expression;
}

static void
translate_credential_products(const World *w, Translated *t)
{
	StrList		requested = to_list(&w->scopes, t->requested);

	for (int i = 0; i < w->ncredential_products; i++)
	{
		DecideProduct *product = &t->products[w->product_of[i]];

		t->credential_products[i] = (DecideCredentialProduct) {w->statuses[i], product,
			decide_scopes(&requested, &product->scopes, t->effective[i])};
	}
}

static void
translate(const World *w, Translated *t)
{
	memset(t, 0, sizeof(*t));
	t->secret = (DecideSecret) {.valid_until = w->valid_until, .ended = w->secret_ended};
	t->entitlement.expires_at = w->expires_at;
	t->entitlement.credential_approved = w->credential_approved;
	t->entitlement.app_status = w->app_status;
	t->entitlement.owner_active = w->owner_active;
	t->entitlement.environment = to_str(w->credential_environment);
	t->entitlement.ncredential_products = w->ncredential_products;
	t->entitlement.credential_products = t->credential_products;
	t->entitlement.app_networks = to_networks(&w->app_hosts, t->app_networks);
	t->entitlement.credential_networks = to_networks(&w->credential_hosts, t->credential_networks);
	for (int i = 0; i < MAX_PRODUCTS; i++)
		translate_product(&w->products[i], t, i);
	translate_credential_products(w, t);

	decide_request_init(&t->request);
	if (w->has_path)
	{
		t->path = fuzz_copy(w->path, strlen(w->path));
		decide_request_set_resource(&t->request, t->path, strlen(w->path));
	}
	t->request.method = to_str(w->method);
	t->request.environment = to_str(w->environment);
	t->request.proxy = to_str(w->proxy);
	translate_needed(w, t);
	t->request.client_known = w->client > 0;
	t->request.client = to_network(w->client);
	t->request.now = w->now;
}

static void
free_translated(Translated *t)
{
	for (int i = 0; i < MAX_PRODUCTS; i++)
	{
		if (t->products[i].patterns)
			pattern_set_free(t->products[i].patterns);
	}
	free(t->path);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	World		w;
	Translated	t;
	Decision	expected;

	read_world((FuzzInput) {data, size}, &w);
	translate(&w, &t);
	expected = reference_decision(&w);

	/* the second time, what the first one built is used */
	for (int i = 0; i < 2; i++)
	{
		Decision	got = decide(&t.entitlement, &t.secret, &t.request);

		if (got.code != expected.code)
			fprintf(stderr, "verdict %s, expected %s\n",
					verdict_info[got.code].code, verdict_info[expected.code].code);
		CHECK(got.code == expected.code);
		CHECK(got.credential_product == expected.credential_product);
		CHECK(got.operation == expected.operation);
	}
	free_translated(&t);
	return 0;
}
