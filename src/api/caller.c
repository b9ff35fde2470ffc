/*
 * caller.c
 *		Who sends a request over HTTP.
 *
 * A caller is what its key or token says, and nothing else: not the role of the connection,
 * which everybody shares.  A management key is one of a credential with the product
 * devapp-admin, a key of a developer's own app with devapp-portal stands for that developer, and
 * so does a token of another issuer that names one.
 *
 * The decision on a key is that of a verification: quota, rate, networks and the count of calls
 * included.  But the other products of the credential do not count, so it is made once more
 * with that one alone (judge_product()).
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "api/caller.h"
#include "api/error.h"
#include "api/gateway_core.h"
#include "api/setting.h"
#include "base/compat.h"
#include "key/key_core.h"
#include "match/network.h"
#include "match/path_core.h"
#include "model/identity.h"
#include "token/token_client.h"
#include "token/token_setting.h"
#include "verify/arguments.h"
#include "verify/judge.h"
#include "verify/verify.h"
#include "verify/verify_token.h"

PG_FUNCTION_INFO_V1(devapp_become_gateway);

/* ---------- refusals ---------- */

/*
 * Who issues the tokens for this API (RFC 9728, section 5.1).  Tokens for a URL that only the proxy
 * knows are not taken, so only one that is set is named; it has neither quotes nor backslashes.
 */
static void
append_metadata(StringInfo challenge)
{
	Str			base = api_base_url();

	while (base.len > 0 && base.data[base.len - 1] == '/')
		base.len--;
	if (base.len == 0)
		return;
	appendStringInfo(challenge, ", resource_metadata=\"%.*s/.well-known/oauth-protected-resource\"", (int) base.len, base.data);
}

/* What a client is asked to send. */
static const char *
challenge_of(const Exchange *x, ErrorForm form)
{
	StringInfoData text;

	if (form == ERROR_FORM_OAUTH && (x->authorization.scheme != HTTP_SCHEME_BEARER || x->caller->name != NULL))
		return "Basic realm=\"devapp\"";
	initStringInfo(&text);
	appendStringInfoString(&text, x->authorization.scheme == HTTP_SCHEME_DPOP ? "DPoP realm=\"devapp\"" : "Bearer realm=\"devapp\"");
	if (x->authorization.scheme != HTTP_SCHEME_NONE)
		appendStringInfoString(&text, ", error=\"invalid_token\"");
	if (x->authorization.scheme == HTTP_SCHEME_DPOP)
		appendStringInfoString(&text, ", algs=\"EdDSA ES256 RS256\"");
	/* a gateway asks about resources whose URLs are not known here */
	if (form == ERROR_FORM_APIGEE || form == ERROR_FORM_DEVAPP)
		append_metadata(&text);
	if (form == ERROR_FORM_APIGEE)
		appendStringInfoString(&text, ", Basic realm=\"devapp\"");
	return text.data;
}

/* A 401 says what could be sent instead, unless its function said so. */
void
caller_challenge(Exchange *x, ErrorForm form)
{
	if (!exchange_has_field(x, "WWW-Authenticate"))
		exchange_set_field(x, "WWW-Authenticate", challenge_of(x, form));
}

static compat_noreturn void
refuse_scope(Exchange *x, const char *scope)
{
	exchange_set_field(x, "WWW-Authenticate",
					   psprintf("Bearer realm=\"devapp\", error=\"insufficient_scope\", scope=\"%s\"", scope));
	exchange_refuse(403, psprintf("the key does not have the scope %s", scope));
}

/* Seconds to wait, rounded up. */
static void
set_retry_after(Exchange *x, int64 wait)
{
	if (wait > 0 && wait < RATE_NEVER)
		exchange_set_field(x, "Retry-After", psprintf(INT64_FORMAT, (wait + USECS_PER_SEC - 1) / USECS_PER_SEC));
}

/* Whoever has a key may hear what is wrong with it, whoever has none hears nothing. */
static compat_noreturn void
refuse_verdict(Exchange *x, const Verdict *v)
{
	const VerdictInfo *info = &verdict_info[v->code];

	set_retry_after(x, v->limits.wait);
	if (v->code == VERDICT_MALFORMED || v->code == VERDICT_NOT_FOUND)
		exchange_refuse(401, "the key or token is unknown");
	/* it names a developer (token_open()), and would have been taken for that */
	if (v->entitlement == NULL && v->code == VERDICT_NO_PRODUCT && x->found.route.needs == NEEDS_DEVELOPER)
		exchange_refuse(401, "the token has expired or was revoked");
	exchange_refuse(info->http_status, psprintf("the key or token is refused: %s", info->code));
}

/* ---------- the decision ---------- */

/* What was presented; data NULL: nothing. */
typedef struct Presented
{
	Str			user;			/* of Basic */
	Str			password;
	Str			token;			/* or key */
	HttpScheme	scheme;			/* of Authorization, if it came there */
} Presented;

/* Is a token for us: by the name of our issuer, or by the URL that is set for this API? */
static bool
is_for_us(const StrList *audiences)
{
	const char *issuer = token_issuer_name();

	return audiences->count == 0 || str_list_has(audiences, (Str) {issuer, strlen(issuer)}) ||
		(api_base_url().len > 0 && str_list_has(audiences, api_base_url()));
}

/* Tokens are longer than keys; one for another audience counts as unknown. */
static Verdict
verify_presented_token(const Exchange *x, const Presented *presented, const DecideRequest *request)
{
	char	   *url = psprintf("%.*s%.*s", (int) x->base_url.len, x->base_url.len > 0 ? x->base_url.data : "",
							   (int) x->raw.path.len, x->raw.path.data);
	TokenProofs proofs = {
		.token = presented->token,
		.method = x->raw.method,
		.resource = {url, strlen(url)},
		.as_dpop = presented->scheme == HTTP_SCHEME_DPOP
	};
	Verdict		v;

	/* a bearer token proves nothing (RFC 9449, section 7.2); beside a gateway's key, the proof is its client's */
	if (proofs.as_dpop)
		proofs.dpop = exchange_header(x, "dpop");
	v = verify_token(presented->token, &proofs, request);

	if (v.entitlement != NULL && !is_for_us(&v.entitlement->token->audiences))
		return refused_verdict(VERDICT_NOT_FOUND);
	return v;
}

/* A client's id and secret, else a key with whatever name. */
Verdict
caller_verify_pair(Str user, Str password, const DecideRequest *request)
{
	Verdict		v = verify_client(user, password, request);

	return v.entitlement == NULL && (v.code == VERDICT_MALFORMED || v.code == VERDICT_NOT_FOUND) ?
		verify_api_key(password, request) : v;
}

static Verdict
verify_any(const Exchange *x, const Presented *presented, const DecideRequest *request)
{
	Verdict		v;

	if (presented->token.data == NULL)
		return caller_verify_pair(presented->user, presented->password, request);
	if (presented->token.len <= KEY_MAX)
		return verify_api_key(presented->token, request);
	v = verify_presented_token(x, presented, request);
	return v.entitlement == NULL && v.code == VERDICT_MALFORMED ? verify_api_key(presented->token, request) : v;
}

/* Place of a product among those of a credential, or -1. */
static int
find_product(const Entitlement *e, const char *name)
{
	for (int i = 0; i < e->decide.ncredential_products; i++)
	{
		const text *product = e->credential_products[i].product->name;

		if (str_is((Str) {VARDATA_ANY(product), VARSIZE_ANY_EXHDR(product)}, name))
			return i;
	}
	return -1;
}

/* Decide once more, on one product alone.  What comes before products stays as it was. */
static void
judge_product(Verdict *v, const char *product, const DecideRequest *request)
{
	DecideEntitlement alone;
	int			place;

	if (v->entitlement == NULL || (v->code != VERDICT_VALID && v->code < VERDICT_NO_PRODUCT) ||
		v->code == VERDICT_UNAVAILABLE || v->code == VERDICT_STALE)
		return;
	place = find_product(v->entitlement, product);
	alone = v->entitlement->decide;
	alone.ncredential_products = place >= 0 ? 1 : 0;
	if (place >= 0)
		alone.credential_products += place;
	v->decision = decide(&alone, v->secret, request);
	if (v->decision.credential_product >= 0)
		v->decision.credential_product = place;
	v->code = v->decision.code;
}

static DecideRequest
decide_request(const Exchange *x)
{
	DecideRequest request;

	decide_request_init(&request);
	decide_request_set_resource(&request, x->raw.path.data, x->raw.path.len);
	request.method = x->raw.method;
	request.client_known = !x->client.isnull;
	if (request.client_known)
		request.client = network_of(x->client.value);
	request.now = GetCurrentTimestamp();
	return request;
}

/* ---------- management ---------- */

static bool
has_scope(const Verdict *v, const char *scope)
{
	return str_list_has(&v->entitlement->decide.credential_products[v->decision.credential_product].scopes,
						(Str) {scope, strlen(scope)});
}

/* The app of a key, as a reference names it: its owner's part has no slash. */
static char *
app_reference(const Entitlement *e)
{
	StringInfoData name;

	initStringInfo(&name);
	appendStringInfoString(&name, e->decide.owner_is_team ? "app:team:" : "app:");
	for (const char *c = text_to_cstring(e->owner); *c != '\0';)
	{
		int			plain = (int) strcspn(c, "/%");

		appendBinaryStringInfo(&name, c, plain);
		c += plain;
		if (*c != '\0')
			appendStringInfoString(&name, *c++ == '/' ? "%2F" : "%25");
	}
	appendStringInfoChar(&name, '/');
	appendBinaryStringInfo(&name, VARDATA_ANY(e->app_name), VARSIZE_ANY_EXHDR(e->app_name));
	return name.data;
}

/* The environment that a key is for; NULL: all. */
static char *
own_environment(const Verdict *v)
{
	return v->entitlement->environment != NULL ? text_to_cstring(v->entitlement->environment) : NULL;
}

static void
become_manager(EntryCaller *caller, const Verdict *v)
{
	caller->administers = has_scope(v, SCOPE_ADMIN);
	caller->reads = has_scope(v, SCOPE_READ);
	caller->verifies = has_scope(v, SCOPE_VERIFY);
	caller->name = app_reference(v->entitlement);
	caller->environment = own_environment(v);
}

/* A developer's own app; a team has no e-mail. */
static void
become_owner(EntryCaller *caller, const Verdict *v)
{
	const Entitlement *e = v->entitlement;

	if (e->decide.owner_is_team)
		exchange_refuse(403, "the key belongs to an app of a team and does not identify a developer");
	caller->email = identity_email_key(text_to_cstring(e->owner));
	caller->name = caller->email;
	caller->environment = own_environment(v);
}

typedef void (*BecomeCaller) (EntryCaller *caller, const Verdict *v);

/*
 * Verify what was presented for a product, and become who it stands for.  A verdict refers to
 * memory that the next verification resets.
 */
static void
authenticate_by_product(Exchange *x, const Presented *presented, const char *product, BecomeCaller become)
{
	DecideRequest request = decide_request(x);
	MemoryContext context = enter_work_context();
	bool		waited = false;
	Verdict		v;

	do
	{
		v = verify_any(x, presented, &request);
		judge_product(&v, product, &request);
	} while (verify_again(&v, &request, &waited));
	v.cost = 1;
	limits_apply(&v, request.now);
	count_verdict(&v, request.now);
	MemoryContextSwitchTo(context);
	if (v.code != VERDICT_VALID)
		refuse_verdict(x, &v);
	become(x->caller, &v);
}

/* ---------- what was presented ---------- */

static Presented
presented_authorization(const Exchange *x)
{
	const HttpAuthorization *a = &x->authorization;

	if (a->scheme == HTTP_SCHEME_NONE)
		exchange_refuse(401, x->found.route.needs == NEEDS_VERIFY ? "the gateway's key is missing in X-Devapp-Gateway" :
						"a key or token is missing in Authorization");
	if (a->scheme == HTTP_SCHEME_BROKEN)
		exchange_refuse(401, "Authorization is malformed, or its scheme is not Basic, Bearer or DPoP");
	/* without a password, the user is a key, as "curl -u KEY:" sends it */
	if (a->scheme == HTTP_SCHEME_BASIC && a->password.len == 0)
		return (Presented) {.token = a->user};
	return (Presented) {.user = a->user, .password = a->password, .token = a->token, .scheme = a->scheme};
}

static void
authenticate_manager(Exchange *x)
{
	Presented	presented = {0};

	if (x->found.route.needs == NEEDS_VERIFY)
		presented.token = gateway_field_key(exchange_header(x, FIELD_GATEWAY));
	if (presented.token.data == NULL)
		presented = presented_authorization(x);
	authenticate_by_product(x, &presented, PRODUCT_ADMIN, become_manager);
}

static void
authenticate_developer(Exchange *x)
{
	Presented	presented = presented_authorization(x);
	pg_uuid_t	developer_id;
	bool		is_active;

	if (presented.token.data == NULL || !token_names_developer(presented.token, &developer_id))
	{
		authenticate_by_product(x, &presented, PRODUCT_PORTAL, become_owner);
		return;
	}
	x->caller->email = identity_developer_email(&developer_id, &is_active);
	x->caller->name = x->caller->email;
	if (x->caller->email == NULL)
		exchange_refuse(401, "the token does not identify a developer");
	if (!is_active)
		exchange_refuse(403, "the developer is not active");
}

/*
 * Who asks about tokens of others: a gateway by its management key.  Others stay nobody, and the
 * route's function asks for their proof as a client.
 */
static void
authenticate_gateway(Exchange *x)
{
	Presented	presented = {.token = gateway_field_key(exchange_header(x, FIELD_GATEWAY))};

	if (presented.token.data == NULL && x->authorization.scheme == HTTP_SCHEME_BEARER)
		presented.token = x->authorization.token;
	if (presented.token.data == NULL)
		return;
	authenticate_by_product(x, &presented, PRODUCT_ADMIN, become_manager);
	if (!x->caller->verifies)
		refuse_scope(x, SCOPE_VERIFY);
	x->caller->administers = x->caller->reads = false;
}

/*
 * A key for one environment asks about keys and tokens of that.  Developers, products and apps are
 * there for all environments at once, so it neither sees nor changes them.
 */
static void
confine_caller(const Exchange *x)
{
	RouteNeeds	needs = x->found.route.needs;

	if (x->caller->environment != NULL &&
		(needs == NEEDS_READ || needs == NEEDS_ADMIN || needs == NEEDS_DEVELOPER))
		exchange_refuse(403, "the key is limited to one environment, but the request concerns all of them");
}

/* Find out who sends a request, or refuse it. */
void
caller_authenticate(Exchange *x)
{
	switch (x->found.route.needs)
	{
		case NEEDS_NOTHING:
			break;
		case NEEDS_CLIENT:
			authenticate_gateway(x);
			break;
		case NEEDS_DEVELOPER:
			authenticate_developer(x);
			break;
		case NEEDS_READ:
			authenticate_manager(x);
			if (!x->caller->reads && !x->caller->administers)
				refuse_scope(x, SCOPE_READ);
			break;
		case NEEDS_ADMIN:
			authenticate_manager(x);
			if (!x->caller->administers)
				refuse_scope(x, SCOPE_ADMIN);
			break;
		case NEEDS_VERIFY:
			authenticate_manager(x);
			if (!x->caller->verifies)
				refuse_scope(x, SCOPE_VERIFY);
			break;
	}
	confine_caller(x);
}

/* ---------- clients that are gateways ---------- */

/* The verdict on a client that has proved itself already, by its secret or otherwise. */
static Verdict
verify_proved_client(Str client_id, const DecideRequest *request)
{
	uint64		loaded_at;
	CacheFound	found = {.entitlement = token_client_load(client_id, &loaded_at)};
	Verdict		v;

	if (found.entitlement != NULL)
		found.secret = token_client_current_secret(found.entitlement);
	if (found.secret == NULL)
		return refused_verdict(VERDICT_NOT_FOUND);
	v = judge_entitlement(found, request);
	judge_product(&v, PRODUCT_ADMIN, request);
	return v;
}

/* The caller from now on, until the request is answered. */
static void
call_for_gateway(const Verdict *v)
{
	EntryCaller *caller = MemoryContextAllocZero(TopTransactionContext, sizeof(EntryCaller));

	caller->verifies = true;
	caller->name = MemoryContextStrdup(TopTransactionContext, app_reference(v->entitlement));
	if (v->entitlement->environment != NULL)
		caller->environment = MemoryContextStrdup(TopTransactionContext, text_to_cstring(v->entitlement->environment));
	entry_call_for(caller);
}

/*
 * become_gateway(client_id, method, path, client): true if the client, which has proved itself,
 * holds devapp:verify; from now on the request is served for it
 */
Datum
devapp_become_gateway(PG_FUNCTION_ARGS)
{
	Str			client_id = text_argument(fcinfo, 0, HTTP_BODY_MAX);
	Str			path = text_argument(fcinfo, 2, PATH_MAX_LEN);
	DecideRequest request;
	MemoryContext context;
	Verdict		v;

	decide_request_init(&request);
	decide_request_set_resource(&request, path.data, path.len);
	request.method = text_argument(fcinfo, 1, NAMEDATALEN);
	request.client_known = !PG_ARGISNULL(3);
	if (request.client_known)
		request.client = network_of(PG_GETARG_DATUM(3));
	request.now = GetCurrentTimestamp();
	context = enter_work_context();
	v = verify_proved_client(client_id, &request);
	v.cost = 1;
	if (v.code == VERDICT_VALID && has_scope(&v, SCOPE_VERIFY))
	{
		limits_apply(&v, request.now);
		count_verdict(&v, request.now);
		if (v.code == VERDICT_VALID)
			call_for_gateway(&v);
	}
	MemoryContextSwitchTo(context);
	if (v.code == VERDICT_QUOTA_EXCEEDED || v.code == VERDICT_RATE_LIMITED)
		exchange_refuse(verdict_info[v.code].http_status, psprintf("the client is refused: %s", verdict_info[v.code].code));
	PG_RETURN_BOOL(v.code == VERDICT_VALID && has_scope(&v, SCOPE_VERIFY));
}
