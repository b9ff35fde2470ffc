/*
 * decide_core.c
 *		May this credential do this, now?  Needs no backend.
 *
 * The decision is a pure function of an entitlement (all that the tables say of
 * a credential, loaded by entitlement.c), the version of its secret that was
 * presented, and the request.  Whatever depends on time is decided here, at each
 * call, so that an entitlement can be kept.
 *
 * explain_access() walks the same table of checks (standing_checks) and asks the same
 * decide_coverage(), so it can't tell another story than the verdict.
 */
#include "decide/decide_core.h"

#include <string.h>

#include "match/path_core.h"

#define FAULT_INVALID_KEY	"oauth.v2.InvalidApiKey"
#define FAULT_NOT_APPROVED	"keymanagement.service.invalid_client-app_not_approved"
#define FAULT_RESOURCE		"oauth.v2.InvalidApiKeyForGivenResource"
#define FAULT_TOKEN			"oauth.v2.InvalidAccessToken"
#define FAULT_UNAVAILABLE	"keymanagement.service.unavailable"

/* Codes, HTTP status and Apigee's words for the fault. */
const VerdictInfo verdict_info[VERDICT_CODES] = {
	[VERDICT_VALID] = {"VALID", 200, NULL},
	[VERDICT_MALFORMED] = {"MALFORMED", 401, FAULT_INVALID_KEY},
	[VERDICT_NOT_FOUND] = {"NOT_FOUND", 401, FAULT_INVALID_KEY},
	[VERDICT_TOKEN_REVOKED] = {"TOKEN_REVOKED", 401, FAULT_TOKEN},
	[VERDICT_PROOF_REQUIRED] = {"PROOF_REQUIRED", 401, FAULT_TOKEN},
	[VERDICT_EXPIRED] = {"EXPIRED", 401, "keymanagement.service.consumer_key_expired"},
	[VERDICT_SUPERSEDED] = {"SUPERSEDED", 401, FAULT_INVALID_KEY},
	[VERDICT_CREDENTIAL_REVOKED] = {"CREDENTIAL_REVOKED", 401, "oauth.v2.ApiKeyNotApproved"},
	[VERDICT_APP_PENDING] = {"APP_PENDING", 401, FAULT_NOT_APPROVED},
	[VERDICT_APP_REJECTED] = {"APP_REJECTED", 401, FAULT_NOT_APPROVED},
	[VERDICT_APP_SUSPENDED] = {"APP_SUSPENDED", 401, FAULT_NOT_APPROVED},
	[VERDICT_APP_REVOKED] = {"APP_REVOKED", 401, FAULT_NOT_APPROVED},
	[VERDICT_APP_DELETED] = {"APP_DELETED", 401, FAULT_NOT_APPROVED},
	[VERDICT_OWNER_INACTIVE] = {"OWNER_INACTIVE", 401, "keymanagement.service.DeveloperStatusNotActive"},
	[VERDICT_NO_PRODUCT] = {"NO_PRODUCT", 403, "keymanagement.service.consumer_key_missing_api_product_association"},
	[VERDICT_PRODUCT_PENDING] = {"PRODUCT_PENDING", 403, FAULT_RESOURCE},
	[VERDICT_PRODUCT_REVOKED] = {"PRODUCT_REVOKED", 403, FAULT_RESOURCE},
	[VERDICT_RESOURCE_FORBIDDEN] = {"RESOURCE_FORBIDDEN", 403, FAULT_RESOURCE},
	[VERDICT_METHOD_FORBIDDEN] = {"METHOD_FORBIDDEN", 403, FAULT_RESOURCE},
	[VERDICT_PROXY_FORBIDDEN] = {"PROXY_FORBIDDEN", 403, FAULT_RESOURCE},
	[VERDICT_ENVIRONMENT_FORBIDDEN] = {"ENVIRONMENT_FORBIDDEN", 403, FAULT_RESOURCE},
	[VERDICT_SCOPE_INSUFFICIENT] = {"SCOPE_INSUFFICIENT", 403, "oauth.v2.InsufficientScope"},
	[VERDICT_ADDRESS_FORBIDDEN] = {"ADDRESS_FORBIDDEN", 403, "accesscontrol.IPDeniedAccess"},
	[VERDICT_UNAVAILABLE] = {"UNAVAILABLE", 503, FAULT_UNAVAILABLE},
	[VERDICT_STALE] = {"STALE", 503, FAULT_UNAVAILABLE},
	[VERDICT_QUOTA_EXCEEDED] = {"QUOTA_EXCEEDED", 429, "policies.ratelimit.QuotaViolation"},
	[VERDICT_RATE_LIMITED] = {"RATE_LIMITED", 429, "policies.ratelimit.SpikeArrestViolation"},
};

const char *
verdict_fault(VerdictCode code, bool owner_is_team)
{
	if (code == VERDICT_OWNER_INACTIVE && owner_is_team)
		return "keymanagement.service.CompanyStatusNotActive";
	return verdict_info[code].fault;
}

static bool
same_answer(VerdictCode a, VerdictCode b)
{
	return verdict_info[a].http_status == verdict_info[b].http_status &&
		strcmp(verdict_info[a].fault, verdict_info[b].fault) == 0;
}

/*
 * The code that says the same to those who do not know this one: of the codes with its status and
 * fault, or else with its status, the most general.  No code stands in for VALID but itself.
 */
VerdictCode
verdict_stand_in(VerdictCode code)
{
	static const VerdictCode general[] = {
		VERDICT_NOT_FOUND, VERDICT_RESOURCE_FORBIDDEN, VERDICT_QUOTA_EXCEEDED, VERDICT_UNAVAILABLE
	};
	VerdictCode found = code;

	if (code == VERDICT_VALID)
		return code;
	for (int i = VERDICT_CODES - 1; i > VERDICT_VALID; i--)
	{
		if (i != (int) code && same_answer(i, code))
			found = i;
	}
	for (size_t i = 0; i < sizeof(general) / sizeof(general[0]); i++)
	{
		if (found == code ? verdict_info[general[i]].http_status == verdict_info[code].http_status :
			same_answer(general[i], code))
			return general[i];
	}
	return found;
}

/* ---------- statuses, by the words in their columns ---------- */

const AppStatusInfo app_status_info[APP_STATUSES] = {
	[APP_PENDING] = {"pending", VERDICT_APP_PENDING},
	[APP_REJECTED] = {"rejected", VERDICT_APP_REJECTED},
	[APP_APPROVED] = {"approved", VERDICT_VALID},
	[APP_SUSPENDED] = {"suspended", VERDICT_APP_SUSPENDED},
	[APP_REVOKED] = {"revoked", VERDICT_APP_REVOKED},
	[APP_DELETED] = {"deleted", VERDICT_APP_DELETED},
};

const CredentialProductStatusInfo credential_product_status_info[CREDENTIAL_PRODUCT_STATUSES] = {
	[CREDENTIAL_PRODUCT_PENDING] = {"pending", VERDICT_PRODUCT_PENDING},
	[CREDENTIAL_PRODUCT_APPROVED] = {"approved", VERDICT_VALID},
	[CREDENTIAL_PRODUCT_REVOKED] = {"revoked", VERDICT_PRODUCT_REVOKED},
};

/* A status that this library does not know refuses. */
AppStatus
decide_app_status(Str word)
{
	for (int i = 0; i < APP_STATUSES; i++)
	{
		if (str_is(word, app_status_info[i].word))
			return (AppStatus) i;
	}
	return APP_REVOKED;
}

CredentialProductStatus
decide_credential_product_status(Str word)
{
	for (int i = 0; i < CREDENTIAL_PRODUCT_STATUSES; i++)
	{
		if (str_is(word, credential_product_status_info[i].word))
			return (CredentialProductStatus) i;
	}
	return CREDENTIAL_PRODUCT_REVOKED;
}

/* ---------- lists ---------- */

/*
 * The scopes that a credential has by a product: those that it (or else its app) asked
 * for and the product offers; all that the product offers if neither asked for any.
 * slots has room for what was asked for.
 */
StrList
decide_scopes(const StrList *requested, const StrList *offered, Str *slots)
{
	StrList		scopes = {0, slots};

	if (requested->count == 0)
		return *offered;
	for (int i = 0; i < requested->count; i++)
	{
		if (str_list_has(offered, requested->items[i]))
			scopes.items[scopes.count++] = requested->items[i];
	}
	return scopes;
}

/* An empty list covers everything, and what is not asked is not checked. */
static bool
list_covers(const StrList *list, Str s)
{
	return s.data == NULL || list->count == 0 || str_list_has(list, s);
}

/* ---------- methods: case-insensitive, ASCII ---------- */

static const Str known_methods[] = {
	{"GET", 3}, {"HEAD", 4}, {"POST", 4}, {"PUT", 3}, {"PATCH", 5}, {"DELETE", 6}, {"OPTIONS", 7},
	{"TRACE", 5}, {"CONNECT", 7}, {"QUERY", 5}
};

static uint32_t
known_method_bit(Str method)
{
	for (size_t i = 0; i < sizeof(known_methods) / sizeof(known_methods[0]); i++)
	{
		if (str_equal_nocase(method, known_methods[i].data, known_methods[i].len))
			return UINT32_C(1) << i;
	}
	return 0;
}

/*
 * Add a method to a set that starts zeroed.  other_slots has room for every
 * method that is added.
 */
void
method_set_add(MethodSet *set, Str method, Str *other_slots)
{
	uint32_t	bit = known_method_bit(method);

	if (bit != 0)
	{
		set->known |= bit;
		return;
	}
	set->others.items = other_slots;
	set->others.items[set->others.count++] = method;
}

static bool
methods_cover(const MethodSet *set, Str method, uint32_t bit)
{
	if (method.data == NULL || set->any)
		return true;
	if (bit != 0)
		return (set->known & bit) != 0;
	for (int i = 0; i < set->others.count; i++)
	{
		if (str_equal_nocase(method, set->others.items[i].data,
						 set->others.items[i].len))
			return true;
	}
	return false;
}

/* ---------- the request ---------- */

void
decide_request_init(DecideRequest *request)
{
	memset(request, 0, sizeof(*request));
	request->resource_safe = true;
}

void
decide_request_set_resource(DecideRequest *request, const char *path,
							size_t len)
{
	request->resource.data = path;
	request->resource.len = path_without_query(path, len);
	request->resource_safe = path_is_safe(path, request->resource.len);
}

/* ---------- what does not depend on the request ---------- */

bool
decide_secret_works(const DecideSecret *secret, int64_t now)
{
	return !secret->ended && now < secret->valid_until;
}

/*
 * Of a secret only the end of its overlap is compared with the clock.  When it starts is
 * not: that its row is there says that it has started, also to a server whose clock is
 * behind that of the one which made it.
 */
static VerdictCode
check_secret(const DecideEntitlement *entitlement, const DecideSecret *secret,
			 int64_t now)
{
	return decide_secret_works(secret, now) ? VERDICT_VALID : VERDICT_SUPERSEDED;
}

static VerdictCode
check_expiry(const DecideEntitlement *entitlement, const DecideSecret *secret,
			 int64_t now)
{
	return now >= entitlement->expires_at ? VERDICT_EXPIRED : VERDICT_VALID;
}

static VerdictCode
check_credential(const DecideEntitlement *entitlement, const DecideSecret *secret,
				 int64_t now)
{
	return entitlement->credential_approved ?
		VERDICT_VALID : VERDICT_CREDENTIAL_REVOKED;
}

static VerdictCode
check_app(const DecideEntitlement *entitlement, const DecideSecret *secret,
		  int64_t now)
{
	return app_status_info[entitlement->app_status].verdict;
}

static VerdictCode
check_owner(const DecideEntitlement *entitlement, const DecideSecret *secret,
			int64_t now)
{
	return entitlement->owner_active ? VERDICT_VALID : VERDICT_OWNER_INACTIVE;
}

/* In the order of their verdicts; the first that is not VALID answers. */
const StandingCheck standing_checks[STANDING_CHECKS] = {
	{RULE_EXPIRY, check_expiry},
	{RULE_SECRET, check_secret},
	{RULE_CREDENTIAL, check_credential},
	{RULE_APP, check_app},
	{RULE_OWNER, check_owner},
};

const char *const standing_rule_names[STANDING_RULES] = {
	[RULE_SECRET] = "secret",
	[RULE_EXPIRY] = "expiry",
	[RULE_CREDENTIAL] = "credential",
	[RULE_APP] = "app",
	[RULE_OWNER] = "owner",
};

/* ---------- environments that are counted apart ---------- */

/*
 * Does the credential, or one of its products, name this environment?  Anybody can
 * make up others.
 */
bool
decide_environment_is_named(const DecideEntitlement *entitlement, Str environment)
{
	if (entitlement->environment.data != NULL &&
		str_equal(entitlement->environment, environment))
		return true;
	for (int i = 0; i < entitlement->ncredential_products; i++)
	{
		if (str_list_has(&entitlement->credential_products[i].product->environments, environment))
			return true;
	}
	return false;
}

/* ---------- which product answers ---------- */

/*
 * The numbers of the operations that match the path.  Without a path all do;
 * then *numbers is NULL and the numbers are 0 to n - 1.
 */
static int
operations_on_path(const DecideProduct *product, const DecideRequest *request,
				   const int32_t **numbers)
{
	*numbers = NULL;
	if (request->resource.data == NULL)
		return product->noperations;
	return pattern_set_match(product->patterns, request->resource.data,
							 request->resource.len, numbers);
}

/* What the operations say; the environment is the caller's matter. */
static Coverage
operations_coverage(const DecideProduct *product, const DecideRequest *request,
					int *operation)
{
	const int32_t *numbers;
	int			n = operations_on_path(product, request, &numbers);
	uint32_t	bit = request->method.data ? known_method_bit(request->method) : 0;
	bool		product_proxy = list_covers(&product->proxies, request->proxy);
	bool		method_seen = false;
	bool		proxy_seen = false;

	for (int i = 0; i < n; i++)
	{
		int			number = numbers ? numbers[i] : i;
		const DecideOperation *op = &product->operations[number];
		bool		method = methods_cover(&op->methods, request->method, bit);
		bool		proxy = product_proxy &&
			(request->proxy.data == NULL || op->proxy.data == NULL ||
			 str_equal(op->proxy, request->proxy));

		if (method && proxy)
		{
			*operation = number;
			return COVERS_ALL;
		}
		method_seen |= method;
		proxy_seen |= proxy;
	}
	if (n == 0)
		return COVERS_NOTHING;
	/* a wrong method is reported before a wrong proxy */
	return method_seen && !proxy_seen ?
		COVERS_PATH_NOT_PROXY : COVERS_PATH_NOT_METHOD;
}

/* Neither of the two that stand between path and environment is closer. */
static int
coverage_closeness(Coverage coverage)
{
	return coverage == COVERS_PATH_NOT_PROXY ?
		(int) COVERS_PATH_NOT_METHOD : (int) coverage;
}

/*
 * The same for the path with a '/' at its end, if it has none, or without it, if it has
 * one.  Patterns are not what is changed: '**' stands for that '/' as well.
 */
static Coverage
other_slash_coverage(const DecideProduct *product, const DecideRequest *request,
					 int *operation)
{
	char		path[PATH_MAX_LEN + 1];
	DecideRequest other = *request;
	Str		   *resource = &other.resource;

	if (resource->len > 1 && resource->data[resource->len - 1] == '/')
		resource->len--;
	else
	{
		memcpy(path, resource->data, resource->len);
		path[resource->len] = '/';
		resource->data = path;
		resource->len++;
	}
	return operations_coverage(product, &other, operation);
}

/* What operations say, where it makes no difference whether a path ends in '/'. */
static Coverage
either_slash_coverage(const DecideProduct *product, const DecideRequest *request,
					  int *operation)
{
	Coverage	coverage = operations_coverage(product, request, operation);
	Coverage	other;

	if (coverage == COVERS_ALL || request->resource.len == 0)
		return coverage;
	other = other_slash_coverage(product, request, operation);
	return coverage_closeness(other) > coverage_closeness(coverage) ? other : coverage;
}

/* What paths, methods and proxies say. */
static Coverage
call_coverage(const DecideProduct *product, const DecideRequest *request, int *operation)
{
	if (!request->resource_safe)
		return COVERS_NOTHING;
	if (product->noperations > 0)
		return product->slash_optional ?
			either_slash_coverage(product, request, operation) :
			operations_coverage(product, request, operation);
	return list_covers(&product->proxies, request->proxy) ?
		COVERS_ALL : COVERS_PATH_NOT_PROXY;
}

static bool
environment_covers(const DecideEntitlement *entitlement, const DecideProduct *product,
				   Str environment)
{
	if (environment.data == NULL)
		return true;
	return list_covers(&product->environments, environment) &&
		(entitlement->environment.data == NULL ||
		 str_equal(entitlement->environment, environment));
}

/*
 * How far a product covers a request, and by which operation (-1 where it has
 * none, or none covers).
 */
Coverage
decide_coverage(const DecideEntitlement *entitlement,
				const DecideCredentialProduct *credential_product,
				const DecideRequest *request, int *operation)
{
	Coverage	coverage;

	*operation = -1;
	coverage = call_coverage(credential_product->product, request, operation);
	if (coverage != COVERS_ALL)
		return coverage;
	if (!environment_covers(entitlement, credential_product->product, request->environment))
		return COVERS_ALL_BUT_ENVIRONMENT;
	if (request->scope != NULL && !scope_holds(request->scope, &credential_product->scopes))
		return COVERS_ALL_BUT_SCOPE;
	return COVERS_ALL;
}

static VerdictCode
coverage_verdict(Coverage coverage)
{
	switch (coverage)
	{
		case COVERS_ALL:
			return VERDICT_VALID;
		case COVERS_ALL_BUT_SCOPE:
			return VERDICT_SCOPE_INSUFFICIENT;
		case COVERS_ALL_BUT_ENVIRONMENT:
			return VERDICT_ENVIRONMENT_FORBIDDEN;
		case COVERS_PATH_NOT_METHOD:
			return VERDICT_METHOD_FORBIDDEN;
		case COVERS_PATH_NOT_PROXY:
			return VERDICT_PROXY_FORBIDDEN;
		case COVERS_NOTHING:
			break;
	}
	return VERDICT_RESOURCE_FORBIDDEN;
}

/*
 * The verdict where no approved association covers the request.  An association
 * that would cover it if it were approved is the reason; so is one that is not
 * approved where none is.  Else the approved product that came closest says.
 */
static Decision
decide_refusal(const DecideEntitlement *entitlement,
			   const DecideRequest *request)
{
	Decision	closest = {VERDICT_RESOURCE_FORBIDDEN, -1, -1};
	Decision	unapproved = {VERDICT_PRODUCT_REVOKED, -1, -1};
	Decision	would_cover = {VERDICT_PRODUCT_REVOKED, -1, -1};
	int			best = -1;

	for (int i = 0; i < entitlement->ncredential_products; i++)
	{
		const DecideCredentialProduct *a = &entitlement->credential_products[i];
		bool		pending = a->status == CREDENTIAL_PRODUCT_PENDING;
		int			operation;
		Coverage	coverage = decide_coverage(entitlement, a, request, &operation);

		if (a->status == CREDENTIAL_PRODUCT_APPROVED)
		{
			if (coverage_closeness(coverage) > best)
			{
				best = coverage_closeness(coverage);
				closest = (Decision) {coverage_verdict(coverage), i, -1};
			}
			continue;
		}
		/* pending before revoked, else the first */
		if (unapproved.credential_product < 0 ||
			(pending && unapproved.code != VERDICT_PRODUCT_PENDING))
			unapproved = (Decision) {pending ? VERDICT_PRODUCT_PENDING :
			VERDICT_PRODUCT_REVOKED, i, -1};
		if (coverage == COVERS_ALL &&
			(would_cover.credential_product < 0 ||
			 (pending && would_cover.code != VERDICT_PRODUCT_PENDING)))
			would_cover = (Decision) {pending ? VERDICT_PRODUCT_PENDING :
			VERDICT_PRODUCT_REVOKED, i, operation};
	}
	if (would_cover.credential_product >= 0)
		return would_cover;
	return closest.credential_product >= 0 ? closest : unapproved;
}

static Decision
decide_products(const DecideEntitlement *entitlement,
				const DecideRequest *request)
{
	if (entitlement->ncredential_products == 0)
		return (Decision) {VERDICT_NO_PRODUCT, -1, -1};
	for (int i = 0; i < entitlement->ncredential_products; i++)
	{
		const DecideCredentialProduct *a = &entitlement->credential_products[i];
		int			operation;

		if (a->status == CREDENTIAL_PRODUCT_APPROVED &&
			decide_coverage(entitlement, a, request, &operation) == COVERS_ALL)
			return (Decision) {VERDICT_VALID, i, operation};
	}
	return decide_refusal(entitlement, request);
}

static bool
networks_allow(const NetworkList *networks, const DecideRequest *request)
{
	return networks->count == 0 ||
		(request->client_known && networks_contain(networks, &request->client));
}

/* Networks of app and credential both count; an address that is not known is in none. */
bool
decide_address_allowed(const DecideEntitlement *entitlement, const DecideRequest *request)
{
	return networks_allow(&entitlement->app_networks, request) &&
		networks_allow(&entitlement->credential_networks, request);
}

Decision
decide(const DecideEntitlement *entitlement, const DecideSecret *secret,
	   const DecideRequest *request)
{
	Decision	decision;

	for (int i = 0; i < STANDING_CHECKS; i++)
	{
		VerdictCode code = standing_checks[i].check(entitlement, secret, request->now);

		if (code != VERDICT_VALID)
			return (Decision) {code, -1, -1};
	}
	decision = decide_products(entitlement, request);
	if (decision.code == VERDICT_VALID &&
		!decide_address_allowed(entitlement, request))
		decision.code = VERDICT_ADDRESS_FORBIDDEN;
	return decision;
}
