/*
 * proxy.c
 *		Requests that nginx and PostgREST pass on: http().
 *
 * PostgREST calls functions of SQL; it cannot pass on any request.  A proxy before it makes each
 * request a POST of its body to http(), and says in header fields of its own (X-Original-*) what
 * it was.  PostgREST shows these in the setting request.headers, and takes the status and the
 * fields of the answer from response.status and response.headers.
 *
 * Whoever can set those fields can be anybody, from anywhere.  So they count only with a token
 * that the proxy and the database share: one of devapp.proxy_token_file (numbered_keys.c), in hex
 * digits.  The file is looked at for each request, so a token that was taken out lets nobody in,
 * and neither does a file that cannot be read.
 *
 * What the route's function gets to see are the fields of the client: what the proxy put in
 * their place is taken back, and what it said of itself is left out, the token first of all.
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/json.h"

#include "api/handle.h"
#include "api/proxy.h"
#include "base/compat.h"
#include "base/numbered_keys.h"
#include "base/sodium.h"
#include "verify/arguments.h"

PG_FUNCTION_INFO_V1(devapp_http);
PG_FUNCTION_INFO_V1(devapp_check_proxy_tokens);

#define ORIGINAL_PREFIX	"x-original-"

/* ---------- the tokens ---------- */

static char *proxy_token_file = NULL;

static NumberedKeys tokens = {
	.setting = &proxy_token_file,
	.kind = {
		.what = "proxy token file",
		.form_hint = "Each line must be <number>:<32 to 128 hex digits>, and only the server's user may have access to the file."
	},
	.no_key = "It contains no token.",
	.too_many = "It contains too many tokens."
};

void
proxy_define_gucs(void)
{
	DefineCustomStringVariable("devapp.proxy_token_file",
							   "Sets the file with the numbered tokens that authenticate a proxy to devapp_api.http().",
							   "If empty, devapp_api.http() refuses every request.",
							   &proxy_token_file,
							   "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
}

/* False if the file is not usable; the log says why. */
static bool
read_tokens(void)
{
	if (!numbered_keys_configured(&tokens))
		return false;
	if (numbered_keys_loaded(&tokens) && !numbered_keys_changed(&tokens))
		return true;
	if (numbered_keys_load_for_verdict(&tokens))
		return true;
	numbered_keys_forget(&tokens);
	return false;
}

static bool
is_token(Str presented)
{
	unsigned char bytes[NUMBERED_KEY_MAX_BYTES];
	const char *end;
	size_t		len;
	bool		found = false;

	if (presented.len == 0 ||
		sodium_hex2bin(bytes, sizeof(bytes), presented.data, presented.len, NULL, &len, &end) != 0 ||
		end != presented.data + presented.len)
		return false;
	for (int i = 0; i < tokens.count; i++)
		found |= tokens.keys[i].len == len && sodium_memcmp(tokens.keys[i].key, bytes, len) == 0;
	sodium_memzero(bytes, sizeof(bytes));
	return found;
}

static void
require_token(Str presented)
{
	if (!read_tokens())
		exchange_refuse(503, "requests through a proxy are not set up");
	if (!is_token(presented))
		exchange_refuse(403, "the request did not come through the proxy");
}

/* SQL: check_proxy_tokens(), an error if the file is not usable; for doctor() */
Datum
devapp_check_proxy_tokens(PG_FUNCTION_ARGS)
{
	if (numbered_keys_configured(&tokens) && (!numbered_keys_loaded(&tokens) || numbered_keys_changed(&tokens)))
		(void) numbered_keys_load(&tokens, ERROR);
	PG_RETURN_VOID();
}

/* ---------- the fields ---------- */

/* What the proxy says, besides the fields of the client. */
typedef enum ProxyPart
{
	PROXY_TOKEN, PROXY_METHOD, PROXY_URI, PROXY_PROTO, PROXY_HOST, PROXY_PARTS,
	PROXY_RENAMED,				/* a field of the client under another name */
	PROXY_DROPPED				/* the proxy's own */
} ProxyPart;

static const struct
{
	const char *name;
	ProxyPart	part;
	const char *client_name;	/* of those that are renamed */
}			proxy_fields[] = {
	{"x-devapp-proxy", PROXY_TOKEN, NULL},
	{"x-original-method", PROXY_METHOD, NULL},
	{"x-original-uri", PROXY_URI, NULL},
	{"x-forwarded-proto", PROXY_PROTO, NULL},
	{"x-forwarded-host", PROXY_HOST, NULL},
	{"x-client-ip", PROXY_RENAMED, FIELD_CLIENT},
	{"x-original-type", PROXY_RENAMED, "content-type"},
	{"x-original-authorization", PROXY_RENAMED, "authorization"},
	{"x-original-accept", PROXY_RENAMED, "accept"},
	{"x-original-origin", PROXY_RENAMED, "origin"},
	{"content-type", PROXY_DROPPED, NULL},
	{"authorization", PROXY_DROPPED, NULL},
	{"accept", PROXY_DROPPED, NULL},
	{"origin", PROXY_DROPPED, NULL},
	{"host", PROXY_DROPPED, NULL}
};

typedef struct Proxied
{
	Str			parts[PROXY_PARTS]; /* data NULL: not sent */
	JsonObjectMaker fields;		/* of the client */
} Proxied;

static void
add_client_field(Proxied *proxied, Str name, Str value)
{
	bool		found;

	json_set_string(json_object_put(&proxied->fields, name, &found), value.data, value.len);
	if (found)
		exchange_refuse(400, "a header field was sent more than once");
}

/* What begins with a colon is what an adapter adds, so none may come from elsewhere. */
static void
read_other_field(Proxied *proxied, Str name, Str value)
{
	size_t		prefix = strlen(ORIGINAL_PREFIX);

	if (name.len == 0 || name.data[0] == ':' ||
		(name.len >= prefix && str_equal_nocase((Str) {name.data, prefix}, ORIGINAL_PREFIX, prefix)))
		return;
	add_client_field(proxied, name, value);
}

static void
read_field(Proxied *proxied, Str name, Str value)
{
	int			i = 0;
	ProxyPart	part;

	while (i < (int) lengthof(proxy_fields) &&
		   !str_equal_nocase(name, proxy_fields[i].name, strlen(proxy_fields[i].name)))
		i++;
	if (i == (int) lengthof(proxy_fields))
	{
		read_other_field(proxied, name, value);
		return;
	}
	part = proxy_fields[i].part;
	if (part == PROXY_RENAMED)
		add_client_field(proxied, (Str) {proxy_fields[i].client_name, strlen(proxy_fields[i].client_name)}, value);
	else if (part < PROXY_PARTS)
	{
		if (proxied->parts[part].data != NULL)
			exchange_refuse(400, "a header field was sent more than once");
		proxied->parts[part] = value;
	}
}

/* The fields that PostgREST got; NULL if it is not PostgREST that calls. */
Jsonb *
proxy_request_headers(void)
{
	const char *json = GetConfigOption("request.headers", true, false);
	Jsonb	   *headers;

	if (json == NULL || json[0] == '\0')
		return NULL;
	headers = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));
	return JB_ROOT_IS_OBJECT(headers) ? headers : NULL;
}

static void
read_fields(Proxied *proxied)
{
	Jsonb	   *headers = proxy_request_headers();
	JsonbIterator *it;
	JsonbValue	key;
	JsonbValue	value;

	if (headers == NULL)
		return;
	it = JsonbIteratorInit(&headers->root);
	(void) JsonbIteratorNext(&it, &key, true);
	while (JsonbIteratorNext(&it, &key, true) == WJB_KEY)
	{
		(void) JsonbIteratorNext(&it, &value, true);
		if (value.type != jbvString)
			exchange_refuse(400, "a header field was sent more than once, or is not a string");
		read_field(proxied, (Str) {key.val.string.val, (size_t) key.val.string.len},
				   (Str) {value.val.string.val, (size_t) value.val.string.len});
	}
}

/* ---------- the request ---------- */

static bool
is_host(Str host)
{
	for (size_t i = 0; i < host.len; i++)
	{
		char		c = ascii_lower(host.data[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && (c == '\0' || strchr(".-_:[]", c) == NULL))
			return false;
	}
	return host.len > 0;
}

/* What URLs begin with, as far as the proxy says it. */
static void
add_base(Proxied *proxied)
{
	Str			proto = proxied->parts[PROXY_PROTO];
	Str			host = proxied->parts[PROXY_HOST];
	char	   *base;

	if (!is_host(host) || (!str_is(proto, "http") && !str_is(proto, "https")))
		return;
	base = psprintf("%.*s://%.*s", (int) proto.len, proto.data, (int) host.len, host.data);
	add_client_field(proxied, (Str) {FIELD_BASE, strlen(FIELD_BASE)}, (Str) {base, strlen(base)});
}

static void
split_uri(Str uri, Str *path, Str *query)
{
	const char *mark = uri.len > 0 ? memchr(uri.data, '?', uri.len) : NULL;

	*path = uri;
	*query = (Str) {NULL, 0};
	if (mark == NULL)
		return;
	path->len = (size_t) (mark - uri.data);
	*query = (Str) {mark + 1, uri.len - path->len - 1};
}

static void
read_proxied(FunctionCallInfo fcinfo, RawRequest *raw)
{
	Proxied		proxied = {0};

	read_fields(&proxied);
	require_token(proxied.parts[PROXY_TOKEN]);
	add_base(&proxied);
	raw->method = proxied.parts[PROXY_METHOD];
	split_uri(proxied.parts[PROXY_URI], &raw->path, &raw->query);
	raw->headers = json_object_make(&proxied.fields);
	raw->body = text_argument(fcinfo, 0, HTTP_BODY_MAX);
}

/* ---------- the answer ---------- */

/* For the rest of the transaction, at whose end PostgREST has taken it. */
void
proxy_set_response(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
}

/* The fields as PostgREST takes them: an array of objects with one member each. */
const char *
proxy_response_headers(Jsonb *headers)
{
	JsonbIterator *it = JsonbIteratorInit(&headers->root);
	StringInfoData list;
	JsonbValue	key;
	JsonbValue	value;

	initStringInfo(&list);
	(void) JsonbIteratorNext(&it, &key, true);
	while (JsonbIteratorNext(&it, &key, true) == WJB_KEY)
	{
		(void) JsonbIteratorNext(&it, &value, true);
		appendStringInfoString(&list, list.len > 0 ? ",{" : "[{");
		escape_json(&list, pnstrdup(key.val.string.val, key.val.string.len));
		appendStringInfoChar(&list, ':');
		escape_json(&list, pnstrdup(value.val.string.val, value.val.string.len));
		appendStringInfoChar(&list, '}');
	}
	appendStringInfoString(&list, list.len > 0 ? "]" : "[]");
	return list.data;
}

/* http(body) */
Datum
devapp_http(PG_FUNCTION_ARGS)
{
	HttpAnswer	answer = handle_request(read_proxied, fcinfo);

	proxy_set_response("response.status", psprintf("%d", answer.status));
	proxy_set_response("response.headers", proxy_response_headers(answer.headers));
	if (answer.body.data == NULL)
		PG_RETURN_BYTEA_P((bytea *) cstring_to_text(""));
	PG_RETURN_BYTEA_P(handle_body(&answer));
}
