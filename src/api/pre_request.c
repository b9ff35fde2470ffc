/*
 * pre_request.c
 *		The key of a request to PostgREST: db_pre_request().
 *
 * PostgREST calls a function before each request, in its transaction, with the role of the request
 * and with what the request is in settings (request.headers, request.method, request.path).  This
 * one asks for an API key, and ends a request without a valid one: an error with SQLSTATE PGRST is
 * an answer to PostgREST, whose body is in the message and whose status is in the detail.
 *
 * Who calls is put into the setting devapp.request for the rest of the transaction, where policies
 * and functions read it.  Only superusers can set that, and this file, so what it says does not
 * depend on what else runs in the transaction.
 *
 * No table is written to, since PostgREST serves GET in a READ ONLY transaction.
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/json.h"

#include "api/gateway.h"
#include "api/pre_request.h"
#include "api/proxy.h"
#include "api/question.h"
#include "base/compat.h"
#include "base/uuid.h"

PG_FUNCTION_INFO_V1(devapp_db_pre_request);

/* as PostgREST calls errors that are answers */
#define ERRCODE_POSTGREST	MAKE_SQLSTATE('P', 'G', 'R', 'S', 'T')

#define OPTIONS_SETTING	"devapp.pre_request_options"
#define REQUEST_SETTING	"devapp.request"

static char *options_text = NULL;
static char *request_text = NULL;

/* ---------- settings ---------- */

static bool
check_options(char **newval, void **extra, GucSource source)
{
	Str			text = {*newval, strlen(*newval)};
	char	   *room = malloc(text.len + 1);
	GatewayOptions options;
	GatewayError error;

	if (room == NULL)
		return false;
	error = gateway_read_options(text, room, &options);
	free(room);
	if (error == GATEWAY_OK && options.query.data == NULL && options.field_names.data == NULL && !options.busy_is_403)
		return true;
	GUC_check_errdetail("It must be a list like environment=prod; scope=\"orders:read\". Parameters are environment, proxy, scope, audience, client, header and cost.");
	return false;
}

void
pre_request_define_gucs(void)
{
	DefineCustomStringVariable(OPTIONS_SETTING,
							   "Sets what devapp.db_pre_request() requires of a request to PostgREST.",
							   "A list like environment=prod; scope=\"orders:read\"; client=x-real-ip.",
							   &options_text,
							   "",
							   PGC_SUSET, 0, check_options, NULL, NULL);

	DefineCustomStringVariable(REQUEST_SETTING,
							   "Describes the caller of a request to PostgREST, in JSON.",
							   "devapp.db_pre_request() sets it for a transaction.",
							   &request_text,
							   "",
							   PGC_SUSET, GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE, NULL, NULL, NULL);
}

static void
set_request(const char *json)
{
	(void) set_config_option(REQUEST_SETTING, json, PGC_SUSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
}

/* ---------- the request ---------- */

static compat_noreturn void
refuse_outside(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("no request of PostgREST is being processed"),
			 errhint("Name devapp.db_pre_request in db-pre-request of PostgREST's configuration.")));
	pg_unreachable();
}

static Str
request_setting(const char *name)
{
	const char *value = GetConfigOption(name, true, false);

	if (value == NULL || value[0] == '\0')
		refuse_outside();
	return (Str) {value, strlen(value)};
}

/* A field whose name is written in any case; data NULL if it is not there, or is no text. */
static Str
request_field(Jsonb *headers, Str name)
{
	char	   *lower = pnstrdup(name.data, name.len);
	JsonbValue	value;

	for (char *c = lower; *c != '\0'; c++)
		*c = ascii_lower(*c);
	if (getKeyJsonValueFromContainer(&headers->root, lower, (int) name.len, &value) == NULL ||
		value.type != jbvString)
		return (Str) {NULL, 0};
	return (Str) {value.val.string.val, (size_t) value.val.string.len};
}

static Str
named_field(Jsonb *headers, const char *name)
{
	return request_field(headers, (Str) {name, strlen(name)});
}

/* The address that a proxy in front of PostgREST says, if the options name its field. */
static NullableDatum
client_address(Jsonb *headers, Str field)
{
	Str			address = {NULL, 0};

	if (field.len > 0)
		address = request_field(headers, field);
	if (address.data == NULL)
		return (NullableDatum) {(Datum) 0, true};
	return (NullableDatum) {DirectFunctionCall1(inet_in, CStringGetDatum(pnstrdup(address.data, address.len))), false};
}

static Question
read_request(void)
{
	Jsonb	   *headers = proxy_request_headers();
	Str			authorization;
	Question	q = {0};

	if (headers == NULL)
		refuse_outside();
	q.options = question_options((Str) {options_text, strlen(options_text)}, OPTIONS_SETTING);
	q.method = request_setting("request.method");
	q.path = request_setting("request.path");
	q.header_key = q.options.header.data == NULL ? named_field(headers, QUESTION_HEADER) :
		request_field(headers, q.options.header);
	authorization = named_field(headers, "authorization");
	if (authorization.data != NULL)
		q.authorization = http_read_authorization(authorization, palloc(authorization.len + 1));
	q.dpop = named_field(headers, "dpop");
	q.client = client_address(headers, q.options.client);
	return q;
}

/* ---------- a request that is refused ---------- */

static const char *
refusal_message(const Verdict *v)
{
	switch (v->code)
	{
		case VERDICT_MALFORMED:
		case VERDICT_NOT_FOUND:
			return "a valid API key or token is required";
		case VERDICT_QUOTA_EXCEEDED:
		case VERDICT_RATE_LIMITED:
			return "too many requests";
		case VERDICT_UNAVAILABLE:
		case VERDICT_STALE:
			return "keys cannot be verified at the moment";
		default:
			return "the API key or token was refused";
	}
}

static compat_noreturn void
refuse_request(Exchange *x, const Verdict *v)
{
	const VerdictInfo *info = &verdict_info[v->code];
	StringInfoData body;
	Jsonb	   *headers;

	if (info->http_status == 401)
		exchange_set_field(x, "WWW-Authenticate", "Bearer realm=\"devapp\"");
	exchange_set_field(x, "Cache-Control", "no-store");
	headers = json_object_make(&x->fields);
	initStringInfo(&body);
	appendStringInfo(&body, "{\"code\": \"%s\", \"message\": ", info->code);
	escape_json(&body, refusal_message(v));
	appendStringInfoString(&body, ", \"details\": null, \"hint\": null}");
	ereport(ERROR,
			(errcode(ERRCODE_POSTGREST),
			 errmsg_internal("%s", body.data),
			 errdetail_internal("{\"status\": %d, \"headers\": %s}", info->http_status,
								JsonbToCString(NULL, &headers->root, (int) VARSIZE(headers)))));
	pg_unreachable();
}

/* ---------- who calls ---------- */

static void
append_member(StringInfo json, const char *name, const char *value)
{
	appendStringInfoString(json, json->len > 0 ? ", " : "{");
	escape_json(json, name);
	appendStringInfoString(json, ": ");
	if (value == NULL)
		appendStringInfoString(json, "null");
	else
		escape_json(json, value);
}

static void
append_scopes(StringInfo json, const StrList *scopes)
{
	appendStringInfoString(json, ", \"scopes\": [");
	for (int i = 0; i < scopes->count; i++)
	{
		if (i > 0)
			appendStringInfoString(json, ", ");
		escape_json(json, pnstrdup(scopes->items[i].data, scopes->items[i].len));
	}
	appendStringInfoChar(json, ']');
}

/* Of a verdict that is VALID; the names are those of devapp.verdict. */
static const char *
request_json(const Verdict *v)
{
	const Entitlement *e = v->entitlement;
	const EntitlementProduct *product = e->credential_products[v->decision.credential_product].product;
	Str			environment = e->environment != NULL ? e->decide.environment : v->environment;
	StringInfoData json;

	initStringInfo(&json);
	append_member(&json, "app_id", uuid_text(&e->app_id));
	append_member(&json, "app_name", text_to_cstring(e->app_name));
	append_member(&json, "owner", text_to_cstring(e->owner));
	append_member(&json, "credential_id", uuid_text(&e->credential_id));
	append_member(&json, "consumer_key", text_to_cstring(e->consumer_key));
	append_member(&json, "product", text_to_cstring(product->name));
	append_member(&json, "environment", environment.data != NULL ? pnstrdup(environment.data, environment.len) : NULL);
	append_scopes(&json, &e->decide.credential_products[v->decision.credential_product].scopes);
	appendStringInfoChar(&json, '}');
	return json.data;
}

/* db_pre_request() */
Datum
devapp_db_pre_request(PG_FUNCTION_ARGS)
{
	Exchange	x = {0};
	Question	q = read_request();
	Verdict		v = question_ask(&q);

	gateway_set_limit_fields(&x, &v.limits, true);
	if (v.code != VERDICT_VALID)
		refuse_request(&x, &v);
	set_request(request_json(&v));
	if (x.fields.n > 0)
		proxy_set_response("response.headers", proxy_response_headers(json_object_make(&x.fields)));
	PG_RETURN_VOID();
}
