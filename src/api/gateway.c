/*
 * gateway.c
 *		The question of a gateway over HTTP: /auth.
 *
 * nginx, Envoy, Caddy, Traefik and others can ask a server about each call before they pass it
 * on.  Most ask GET /auth, with method and URI of the call in fields of the question; Envoy
 * puts its path behind /auth, and uses its method.  The answer has a status and fields, and no
 * body: who calls, by which product, with which scopes, and what is left of a quota.
 *
 * It is asked for each call of an API, so the function of the route takes the request as it
 * came, and makes no row of it.
 *
 * What fields say of a call counts only as the gateway sends it.  A client can send fields of
 * the same names; the gateway's own replace these, but not those of the other convention.  So a
 * question with both is refused.  What else a gateway wants to know is in the field that has
 * its key, see gateway_core.c.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "api/caller.h"
#include "api/gateway.h"
#include "api/question.h"
#include "base/compat.h"
#include "base/uuid.h"

PG_FUNCTION_INFO_V1(devapp_gateway_auth);

#define AUTH_PATH	"/auth"

/* ---------- the question ---------- */

/* The URI that was asked for, and its method, where fields of the question say them. */
static void
read_forwarded(const Exchange *x, Question *q)
{
	Str			forwarded = exchange_header(x, "x-forwarded-uri");
	Str			original = exchange_header(x, "x-original-uri");

	if (forwarded.data != NULL && original.data != NULL)
		exchange_refuse(400, "X-Forwarded-Uri and X-Original-URI cannot be used together");
	q->path = forwarded.data != NULL ? forwarded : original;
	q->method = exchange_header(x, forwarded.data != NULL ? "x-forwarded-method" : "x-original-method");
	if (q->path.len == 0 || q->method.len == 0)
		exchange_refuse(400, "X-Forwarded-Method or X-Forwarded-Uri is missing");
	q->path_is_uri = true;
}

/* Either the question is at the path itself, or behind it follows what was asked for. */
static void
read_asked(const Exchange *x, Question *q)
{
	const char *mark;

	if (str_is(x->raw.path, AUTH_PATH))
		read_forwarded(x, q);
	else
	{
		q->path = (Str) {x->raw.path.data + strlen(AUTH_PATH), x->raw.path.len - strlen(AUTH_PATH)};
		q->method = x->raw.method;
		q->query = x->raw.query;
		return;
	}
	mark = q->path.len > 0 ? memchr(q->path.data, '?', q->path.len) : NULL;
	if (mark != NULL)
		q->query = (Str) {mark + 1, q->path.len - (size_t) (mark + 1 - q->path.data)};
}

static Str
read_key_field(const Exchange *x, Str name)
{
	char	   *lower;

	if (name.data == NULL)
		return exchange_header(x, QUESTION_HEADER);
	lower = pnstrdup(name.data, name.len);
	for (char *c = lower; *c != '\0'; c++)
		*c = ascii_lower(*c);
	return exchange_header(x, lower);
}

/*
 * The address of the gateway's client.  What the adapter knows is that only if the gateway says
 * for whom it asks; otherwise it is the address of the gateway.
 */
static NullableDatum
client_address(const Exchange *x, Str named)
{
	if (named.len > 0)
		return (NullableDatum) {DirectFunctionCall1(inet_in, CStringGetDatum(pnstrdup(named.data, named.len))), false};
	if (exchange_header(x, "x-forwarded-for").data != NULL)
		return x->client;
	return (NullableDatum) {(Datum) 0, true};
}

/* A gateway whose own key is for one environment asks for that. */
static void
confine_environment(const Exchange *x, GatewayOptions *options)
{
	const char *own = x->caller->environment;

	if (own == NULL)
		return;
	if (options->environment.data != NULL && !str_is(options->environment, own))
		exchange_refuse(403, "the gateway's key is limited to another environment");
	options->environment = (Str) {own, strlen(own)};
}

static Question
read_question(const Exchange *x)
{
	Str			field = exchange_header(x, FIELD_GATEWAY);
	Question	q = {0};

	q.options = question_options(gateway_field_options(field), "X-Devapp-Gateway");
	confine_environment(x, &q.options);
	read_asked(x, &q);
	q.header_key = read_key_field(x, q.options.header);
	/* without that field, the gateway's own key is what Authorization has */
	if (field.data != NULL)
		q.authorization = x->authorization;
	q.dpop = exchange_header(x, "dpop");
	q.client = client_address(x, q.options.client);
	return q;
}

/* ---------- the answer ---------- */

/* A field that the gateway wants; NULL or empty: it has no value. */
static void
set_wanted(Exchange *x, const GatewayOptions *options, GatewayField field, const char *name, Str value)
{
	if (gateway_wants(options, field))
		exchange_set_value(x, name, value);
}

static Str
text_str(const text *value)
{
	return value != NULL ? (Str) {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)} : (Str) {NULL, 0};
}

static void
set_wanted_id(Exchange *x, const GatewayOptions *options, GatewayField field, const char *name, const pg_uuid_t *id)
{
	if (gateway_wants(options, field))
		exchange_set_field(x, name, uuid_text(id));
}

/* No scope has a space. */
static Str
join_scopes(const StrList *scopes)
{
	StringInfoData all;

	initStringInfo(&all);
	for (int i = 0; i < scopes->count; i++)
	{
		if (i > 0)
			appendStringInfoChar(&all, ' ');
		appendBinaryStringInfo(&all, scopes->items[i].data, (int) scopes->items[i].len);
	}
	return (Str) {all.data, (size_t) all.len};
}

static void
set_product_fields(Exchange *x, const GatewayOptions *o, const Verdict *v)
{
	const Entitlement *e = v->entitlement;
	int			place = v->decision.credential_product;

	if (place < 0)
		return;
	set_wanted(x, o, GATEWAY_FIELD_PRODUCT, "X-Devapp-Product", text_str(e->credential_products[place].product->name));
	if (v->code == VERDICT_VALID && gateway_wants(o, GATEWAY_FIELD_SCOPES))
		exchange_set_value(x, "X-Devapp-Scopes", join_scopes(&e->decide.credential_products[place].scopes));
}

static void
set_owner_fields(Exchange *x, const GatewayOptions *o, const Verdict *v)
{
	const Entitlement *e = v->entitlement;

	set_wanted_id(x, o, GATEWAY_FIELD_APP_ID, "X-Devapp-App-Id", &e->app_id);
	set_wanted(x, o, GATEWAY_FIELD_APP, "X-Devapp-App", text_str(e->app_name));
	set_wanted(x, o, GATEWAY_FIELD_OWNER, "X-Devapp-Owner", text_str(e->owner));
	set_wanted_id(x, o, GATEWAY_FIELD_CREDENTIAL_ID, "X-Devapp-Credential-Id", &e->credential_id);
	set_wanted(x, o, GATEWAY_FIELD_CONSUMER_KEY, "X-Devapp-Consumer-Key", text_str(e->consumer_key));
	set_wanted(x, o, GATEWAY_FIELD_ENVIRONMENT, "X-Devapp-Environment",
			   e->environment != NULL ? e->decide.environment : v->environment);
	set_product_fields(x, o, v);
}

/* What is left of a quota. */
static void
set_quota_fields(Exchange *x, const VerdictLimits *limits)
{
	char	   *left;

	if (!limits->has_quota)
		return;
	left = psprintf("\"quota\";r=" INT64_FORMAT, limits->remaining);
	if (limits->reset_at != QUOTA_TIME_MAX)
		left = psprintf("%s;t=" INT64_FORMAT, left, question_seconds(limits->reset_at - GetCurrentTimestamp()));
	exchange_set_field(x, "RateLimit", left);
	exchange_set_field(x, "RateLimit-Policy", psprintf("\"quota\";q=" INT64_FORMAT, limits->limit));
}

/* Retry-After; and what is left of a quota, if that is wanted. */
void
gateway_set_limit_fields(Exchange *x, const VerdictLimits *limits, bool wants_quota)
{
	int64		wait = question_seconds(limits->wait);

	if (wait > 0)
		exchange_set_field(x, "Retry-After", psprintf(INT64_FORMAT, wait));
	if (wants_quota)
		set_quota_fields(x, limits);
}

/* The status of the answer: most gateways pass on what they get, nginx 401 and 403 only. */
static int
answer_status(const GatewayOptions *o, const VerdictInfo *info)
{
	if (o->busy_is_403 && info->http_status > 403)
		return 403;
	return info->http_status;
}

/* With busy=403, this field alone says what a refusal means. */
static bool
wants_status(const GatewayOptions *o, const VerdictInfo *info)
{
	return gateway_wants(o, GATEWAY_FIELD_STATUS) || (o->busy_is_403 && info->http_status != 200);
}

/* The code is in each answer: without it, the answer is not a verdict. */
static void
set_verdict_fields(Exchange *x, const GatewayOptions *o, const Verdict *v)
{
	const VerdictInfo *info = &verdict_info[v->code];
	const char *fault = v->limits.no_room ? "devapp.LimitsOutOfMemory" :
		verdict_fault(v->code, v->entitlement != NULL && v->entitlement->decide.owner_is_team);

	exchange_set_field(x, "X-Devapp-Code", info->code);
	if (wants_status(o, info))
		exchange_set_field(x, "X-Devapp-Status", psprintf("%d", info->http_status));
	if (fault != NULL && gateway_wants(o, GATEWAY_FIELD_FAULT))
		exchange_set_field(x, "X-Devapp-Fault", fault);
	if (v->code == VERDICT_SCOPE_INSUFFICIENT)
		exchange_set_field(x, "WWW-Authenticate", "Bearer realm=\"devapp\", error=\"insufficient_scope\"");
}

static HttpAnswer
answer_question(Exchange *x, const GatewayOptions *o, const Verdict *v)
{
	set_verdict_fields(x, o, v);
	if (v->entitlement != NULL)
		set_owner_fields(x, o, v);
	gateway_set_limit_fields(x, &v->limits, gateway_wants(o, GATEWAY_FIELD_RATELIMIT));
	return (HttpAnswer) {.status = answer_status(o, &verdict_info[v->code])};
}

/* gateway_auth(request), a function of a route */
Datum
devapp_gateway_auth(PG_FUNCTION_ARGS)
{
	RouteCall  *call = route_call_of(fcinfo);
	Question	q = read_question(call->exchange);
	Verdict		v = question_ask(&q);

	call->answer = answer_question(call->exchange, &q.options, &v);
	PG_RETURN_NULL();
}
