/*
 * explain.c
 *		explain_access(): rule by rule, why an app may or may not call something.
 *
 * For each credential of the app the rules are checked in the order of a
 * verification, by the same functions (decide_core.c) on the same entitlement,
 * but without stopping at the first that fails.  The last row of a credential is
 * the verdict that a call with its current secret would get.
 *
 * The facts are those of now; "at" moves the clock only, so it answers for
 * expiry and rotation windows, not for what was approved then.  What is left of quota
 * and rate is known of now only; it is looked at, not taken.  On a standby that may not decide
 * every verdict is STALE, whatever the rules say.
 */
#include "postgres.h"

#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "decide/entitlement.h"
#include "decide/verdict_type.h"
#include "quota/quota.h"
#include "standby/standby.h"
#include "table/catalog.h"
#include "verify/arguments.h"

PG_FUNCTION_INFO_V1(devapp_explain_access);

#define EXPLAIN_COLUMNS 7

typedef struct Explanation
{
	ReturnSetInfo *out;
	int			step;
	bool		is_now;			/* the clock was not moved */
	bool		is_stale;		/* a standby that may not decide */
	const text *consumer_key;
	const text *product;
} Explanation;

static void
put_row(Explanation *x, const char *rule, VerdictCode code, const char *detail)
{
	Datum		values[EXPLAIN_COLUMNS] = {0};
	bool		nulls[EXPLAIN_COLUMNS] = {false};

	values[0] = Int32GetDatum(++x->step);
	values[1] = PointerGetDatum(x->consumer_key);
	nulls[1] = x->consumer_key == NULL;
	values[2] = PointerGetDatum(x->product);
	nulls[2] = x->product == NULL;
	values[3] = CStringGetTextDatum(rule);
	values[4] = BoolGetDatum(code == VERDICT_VALID);
	values[5] = ObjectIdGetDatum(verdict_type_code(code));
	values[6] = CStringGetTextDatum(detail);
	tuplestore_putvalues(x->out->setResult, x->out->setDesc, values, nulls);
}

static char *
time_text(int64 t)
{
	return pstrdup(timestamptz_to_str(t));
}

static char *
str_text(Str s)
{
	return pnstrdup(s.data, s.len);
}

/* In braces, as an array without quotation marks. */
static char *
list_text(const StrList *list)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	for (int i = 0; i < list->count; i++)
	{
		if (i > 0)
			appendStringInfoChar(&out, ',');
		appendBinaryStringInfo(&out, list->items[i].data, (int) list->items[i].len);
	}
	appendStringInfoChar(&out, '}');
	return out.data;
}

/* ---------- the rules of a credential ---------- */

/* The secret that a rotation left current: the newest that was not superseded. */
static const EntitlementSecret *
current_secret(const Entitlement *e)
{
	const EntitlementSecret *secrets = e->load->secrets;
	const EntitlementSecret *best = NULL;

	for (int i = 0; i < e->load->nsecrets; i++)
	{
		if (!secrets[i].window.superseded &&
			(best == NULL || secrets[i].window.version > best->window.version))
			best = &secrets[i];
	}
	return best;
}

static char *
describe_secret(const EntitlementSecret *s)
{
	if (s == NULL)
		return "the credential has no secret";
	if (s->window.valid_until == DECIDE_NEVER)
		return psprintf("version %d, valid from %s", s->window.version,
						time_text(s->valid_from));
	return psprintf("version %d, valid from %s until %s", s->window.version,
					time_text(s->valid_from),
					time_text(s->window.valid_until));
}

static char *
describe_rule(StandingRule rule, const Entitlement *e, const EntitlementSecret *s)
{
	const DecideEntitlement *d = &e->decide;

	switch (rule)
	{
		case RULE_SECRET:
			return describe_secret(s);
		case RULE_EXPIRY:
			return d->expires_at == DECIDE_NEVER ? "the credential does not expire" :
				psprintf("the credential expires at %s", time_text(d->expires_at));
		case RULE_CREDENTIAL:
			return psprintf("the credential is %s",
							d->credential_approved ? "approved" : "revoked");
		case RULE_APP:
			return psprintf("the app is %s", app_status_info[d->app_status].word);
		case RULE_OWNER:
			break;
	}
	return psprintf("%s %s is %s", d->owner_is_team ? "team" : "developer",
					e->owner ? text_to_cstring(e->owner) : "(none)",
					d->owner_active ? "active" : "inactive");
}

/* Is this the last check of its rule? */
static bool
rule_ends_at(int check)
{
	for (int i = check + 1; i < STANDING_CHECKS; i++)
	{
		if (standing_checks[i].rule == standing_checks[check].rule)
			return false;
	}
	return true;
}

/* A rule has failed if one of its checks has; its row stands where the last of them does. */
static void
explain_standing(Explanation *x, const Entitlement *e, int64 now)
{
	const EntitlementSecret *s = current_secret(e);
	VerdictCode codes[STANDING_RULES] = {VERDICT_VALID};

	for (int i = 0; i < STANDING_CHECKS; i++)
	{
		StandingRule rule = standing_checks[i].rule;

		if (rule == RULE_SECRET && s == NULL)
			codes[rule] = VERDICT_NOT_FOUND;
		else if (codes[rule] == VERDICT_VALID)
			codes[rule] = standing_checks[i].check(&e->decide, s ? &s->window : NULL, now);
		if (rule_ends_at(i))
			put_row(x, standing_rule_names[rule], codes[rule], describe_rule(rule, e, s));
	}
}

/* ---------- the rules of an association ---------- */

/* Ask the product of an association about a part of the request. */
static bool
part_is_covered(const Entitlement *e, const DecideCredentialProduct *a,
				const DecideRequest *part)
{
	int			operation;

	return decide_coverage(&e->decide, a, part, &operation) == COVERS_ALL;
}

static void
part_row(Explanation *x, const char *rule, Str asked, bool covered,
		 VerdictCode failure)
{
	if (asked.data == NULL)
		put_row(x, rule, VERDICT_VALID, "not requested");
	else
		put_row(x, rule, covered ? VERDICT_VALID : failure,
				psprintf("%s is %s", str_text(asked),
						 covered ? "covered" : "not covered"));
}

/*
 * A method is looked for among the operations on the path, a proxy among those
 * that have the method as well, if there are any.
 */
static void
explain_operations(Explanation *x, const Entitlement *e,
				   const DecideCredentialProduct *a, const DecideRequest *request,
				   DecideRequest *part)
{
	bool		covered;

	part->method = request->method;
	covered = part_is_covered(e, a, part);
	part_row(x, "method", request->method, covered, VERDICT_METHOD_FORBIDDEN);
	if (!covered)
		part->method = (Str) {NULL, 0};
	part->proxy = request->proxy;
	part_row(x, "proxy", request->proxy, part_is_covered(e, a, part),
			 VERDICT_PROXY_FORBIDDEN);
}

static void
explain_scope(Explanation *x, const DecideCredentialProduct *a, const DecideRequest *request)
{
	bool		holds;

	if (request->scope == NULL)
	{
		put_row(x, "scope", VERDICT_VALID, "not requested");
		return;
	}
	holds = scope_holds(request->scope, &a->scopes);
	put_row(x, "scope", holds ? VERDICT_VALID : VERDICT_SCOPE_INSUFFICIENT,
			psprintf("the scopes %s %s", list_text(&a->scopes),
					 holds ? "suffice" : "do not suffice"));
}

static void
explain_coverage(Explanation *x, const Entitlement *e,
				 const DecideCredentialProduct *a, const DecideRequest *request)
{
	DecideRequest part;

	decide_request_init(&part);
	part.resource = request->resource;
	part.resource_safe = request->resource_safe;
	if (!request->resource_safe)
		put_row(x, "resource", VERDICT_RESOURCE_FORBIDDEN,
				"the path is ambiguous or too long: dot segments, encoded slashes, backslashes, a \"#\", control characters, or over 8192 bytes");
	else
		part_row(x, "resource", request->resource,
				 part_is_covered(e, a, &part), VERDICT_RESOURCE_FORBIDDEN);
	if (part_is_covered(e, a, &part))
		explain_operations(x, e, a, request, &part);

	/* the environment does not depend on the operations */
	decide_request_init(&part);
	part.environment = request->environment;
	part_row(x, "environment", request->environment,
			 part_is_covered(e, a, &part), VERDICT_ENVIRONMENT_FORBIDDEN);
	explain_scope(x, a, request);
}

static void
explain_credential_product(Explanation *x, const Entitlement *e, int i,
						   const DecideRequest *request)
{
	const DecideCredentialProduct *a = &e->decide.credential_products[i];

	x->product = e->credential_products[i].product->name;
	put_row(x, "association", credential_product_status_info[a->status].verdict,
			psprintf("the association is %s", credential_product_status_info[a->status].word));
	explain_coverage(x, e, a, request);
	x->product = NULL;
}

/* ---------- the address ---------- */

static void
explain_address(Explanation *x, const Entitlement *e, const DecideRequest *request)
{
	const DecideEntitlement *d = &e->decide;
	const char *detail;
	bool		allowed = decide_address_allowed(d, request);

	if (d->app_networks.count == 0 && d->credential_networks.count == 0)
		detail = "calls are allowed from every address";
	else if (!request->client_known)
		detail = "the networks are limited, and no client address was given";
	else
		detail = allowed ? "the client is in an allowed network" :
			"the client is not in an allowed network";
	put_row(x, "address", allowed ? VERDICT_VALID : VERDICT_ADDRESS_FORBIDDEN, detail);
}

/* ---------- quota and rate ---------- */

/* Whose a limit is: the product's, or the app's and until when. */
static char *
describe_source(const AppLimits *app, bool of_app)
{
	if (!of_app)
		return "the product's";
	if (app->until == DECIDE_NEVER)
		return "the app's";
	return psprintf("the app's, until %s", time_text(app->until));
}

static VerdictCode
explain_quota(Explanation *x, const Limits *limits, const QuotaState *state, const char *source)
{
	int64		limit = limits->quota.limit;
	VerdictCode code = state->used >= limit ? VERDICT_QUOTA_EXCEEDED :
		state->unavailable ? VERDICT_UNAVAILABLE : VERDICT_VALID;

	put_row(x, "quota", code,
			psprintf(INT64_FORMAT " of " INT64_FORMAT " used until %s; the quota is %s%s",
					 Min(state->used, limit), limit, time_text(state->window.end), source,
					 code == VERDICT_UNAVAILABLE ? ", and hard, so that only the primary allows calls" : ""));
	return code;
}

static VerdictCode
explain_rate(Explanation *x, const QuotaState *state, const char *source)
{
	VerdictCode code = state->wait == 0 ? VERDICT_VALID : VERDICT_RATE_LIMITED;
	char	   *answer = state->wait == 0 ? "a call is allowed now" :
		psprintf("the next call is allowed in %.3f seconds", (double) state->wait / 1e6);

	put_row(x, "rate", code, psprintf("%s; the rate is %s", answer, source));
	return code;
}

/* What quota and rate would say to a call that is otherwise allowed. */
static VerdictCode
explain_limits(Explanation *x, const Entitlement *e, Decision decision,
			   const DecideRequest *request)
{
	Verdict		v = {
		.code = VERDICT_VALID, .entitlement = e, .decision = decision,
		.environment = request->environment
	};
	const EntitlementCredentialProduct *asked = &e->credential_products[decision.credential_product];
	const AppLimits *app = asked->app;
	bool		of_app = app != NULL && request->now < app->until;
	bool		of_operation = decision.operation >= 0 &&
		asked->product->operation_quotas[decision.operation].limit > 0;
	VerdictCode quota = VERDICT_VALID;
	VerdictCode rate = VERDICT_VALID;
	Limits		limits;
	QuotaState state;

	if (!x->is_now || !limits_of(&v, request->now, &limits))
		return VERDICT_VALID;
	state = limits_look(&limits, request->now, 1);
	if (state.has_quota)
		quota = explain_quota(x, &limits, &state, of_operation ? "the operation's" :
							  describe_source(app, of_app && app->has_quota));
	if (state.has_rate)
		rate = explain_rate(x, &state, describe_source(app, of_app && app->has_rate));
	return quota != VERDICT_VALID ? quota : rate;
}

static void
explain_verdict(Explanation *x, const Entitlement *e,
				const DecideRequest *request)
{
	const EntitlementSecret *secret = current_secret(e);
	Decision	decision = {VERDICT_NOT_FOUND, -1, -1};

	if (secret != NULL)
		decision = decide(&e->decide, &secret->window, request);
	if (x->is_stale)
		decision = (Decision) {VERDICT_STALE, -1, -1};
	if (decision.credential_product >= 0)
		x->product = e->credential_products[decision.credential_product].product->name;
	if (decision.code == VERDICT_VALID)
		decision.code = explain_limits(x, e, decision, request);
	if (decision.operation >= 0)
		put_row(x, "verdict", decision.code,
				psprintf("operation %s",
						 str_text(e->decide.credential_products[decision.credential_product].product->
								  operations[decision.operation].resource)));
	else
		put_row(x, "verdict", decision.code, verdict_info[decision.code].fault ?
				verdict_fault(decision.code, e->decide.owner_is_team) : "allowed");
	x->product = NULL;
}

static void
explain_credential(Explanation *x, const Entitlement *e,
				   const DecideRequest *request)
{
	x->consumer_key = e->consumer_key;
	if (x->is_stale)
		put_row(x, "standby", VERDICT_STALE, "the last heartbeat from the primary is too old");
	explain_standing(x, e, request->now);
	if (e->decide.ncredential_products == 0)
		put_row(x, "association", VERDICT_NO_PRODUCT,
				"the credential is associated with no product");
	for (int i = 0; i < e->decide.ncredential_products; i++)
		explain_credential_product(x, e, i, request);
	explain_address(x, e, request);
	explain_verdict(x, e, request);
}

/* ---------- the credentials of an app ---------- */

static bool
app_exists(Datum app_id, Snapshot snapshot)
{
	CatalogScan scan;
	bool		found;

	catalog_scan_begin(&scan, APP_BY_ID, app_id, snapshot);
	found = catalog_scan_next(&scan);
	catalog_scan_end(&scan);
	return found;
}

static int
compare_uuid(const ListCell *a, const ListCell *b)
{
	return memcmp(lfirst(a), lfirst(b), sizeof(pg_uuid_t));
}

/* Oldest first: ids ascend with time. */
static List *
credentials_of(Datum app_id, Snapshot snapshot)
{
	CatalogScan scan;
	List	   *ids = NIL;
	bool		isnull;

	catalog_scan_begin(&scan, CREDENTIAL_BY_APP, app_id, snapshot);
	while (catalog_scan_next(&scan))
	{
		pg_uuid_t  *id = palloc(sizeof(pg_uuid_t));

		memcpy(id, DatumGetUUIDP(catalog_value(&scan, CREDENTIAL_ID, &isnull)),
			   sizeof(pg_uuid_t));
		ids = lappend(ids, id);
	}
	catalog_scan_end(&scan);
	list_sort(ids, compare_uuid);
	return ids;
}

/* explain_access(app_id, resource, method, environment, proxy, at, scope, client) */
Datum
devapp_explain_access(PG_FUNCTION_ARGS)
{
	Explanation x = {0};
	DecideRequest request = request_arguments(fcinfo, 1, true);
	Snapshot	snapshot;
	List	   *ids;
	ListCell   *lc;

	narrow_request(&request, fcinfo, 6);
	InitMaterializedSRF(fcinfo, 0);
	x.out = (ReturnSetInfo *) fcinfo->resultinfo;
	x.is_stale = standby_is_stale(request.now);
	x.is_now = PG_ARGISNULL(5);
	if (!x.is_now)
		request.now = PG_GETARG_TIMESTAMPTZ(5);

	snapshot = catalog_take_snapshot();
	if (PG_ARGISNULL(0) || !app_exists(PG_GETARG_DATUM(0), snapshot))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("app does not exist"),
				 errhint("List the apps with SELECT app_id, name FROM devapp.app.")));
	ids = credentials_of(PG_GETARG_DATUM(0), snapshot);
	if (ids == NIL)
		put_row(&x, "credential", VERDICT_NOT_FOUND, "the app has no credential");
	foreach(lc, ids)
	{
		Entitlement *e = entitlement_by_id(lfirst(lc), snapshot,
										   product_load);

		if (e != NULL)
			explain_credential(&x, e, &request);
	}
	catalog_release_snapshot(snapshot);
	PG_RETURN_NULL();
}
