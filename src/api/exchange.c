/*
 * exchange.c
 *		A request over HTTP, as the function of its route gets it.
 *
 * What is read first is what decides who may call at all; query and body are read when that
 * is known, so that strangers make nobody parse theirs.  Everything is an error of a status
 * that is the client's fault, or nothing.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "api/api_type.h"
#include "api/error.h"
#include "api/exchange.h"
#include "api/gateway_core.h"
#include "api/setting.h"
#include "base/compat.h"
#include "match/path_core.h"
#include "token/json_core.h"

#define QUERY_MAX	(64 * 1024)

/* columns of devapp_internal.http_request */
enum
{
	REQUEST_METHOD, REQUEST_PATH, REQUEST_PARAMS, REQUEST_QUERY, REQUEST_HEADERS, REQUEST_FORM, REQUEST_BODY,
	REQUEST_BASIC_USER, REQUEST_BASIC_PASSWORD, REQUEST_BEARER, REQUEST_BASE_URL, REQUEST_CLIENT, REQUEST_COLUMNS
};

/* The request is not served, for a reason of its own. */
compat_noreturn void
exchange_refuse(int status, const char *message)
{
	ereport(ERROR, (errcode(HTTP_ERRCODE(status)), errmsg("%s", message)));
	pg_unreachable();
}

/* The call of a function of a route by handle(); others cannot call it. */
RouteCall *
route_call_of(FunctionCallInfo fcinfo)
{
	RouteCall  *call = (RouteCall *) fcinfo->context;

	if (call == NULL || !IsA(call, ExtensibleNode) || strcmp(call->node.extnodename, ROUTE_CALL_NAME) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the function of a route can be called only by devapp_api.handle")));
	return call;
}

/* ---------- the answer's fields ---------- */

void
exchange_set_field(Exchange *x, const char *name, const char *value)
{
	json_object_put_string(&x->fields, name, (Str) {value, strlen(value)});
}

/* A field of the answer, in a form in which it can be one; an empty one is left out. */
void
exchange_set_value(Exchange *x, const char *name, Str value)
{
	char	   *room;

	if (value.len == 0)
		return;
	if (gateway_value_is_plain(value))
		room = pnstrdup(value.data, value.len);
	else
	{
		char	   *utf8 = pg_server_to_any(pnstrdup(value.data, value.len), (int) value.len, PG_UTF8);

		value = (Str) {utf8, strlen(utf8)};
		room = palloc(value.len * 3 + 1);
		value.len = gateway_encode_value(value, room);
	}
	json_object_put_string(&x->fields, name, (Str) {room, value.len});
}

bool
exchange_has_field(const Exchange *x, const char *name)
{
	for (int i = 0; i < x->fields.n; i++)
	{
		const JsonbValue *key = &x->fields.pairs[i].key;

		if (str_equal_nocase((Str) {key->val.string.val, (size_t) key->val.string.len}, name, strlen(name)))
			return true;
	}
	return false;
}

/* ---------- header fields ---------- */

Str
exchange_header(const Exchange *x, const char *name)
{
	JsonbValue	value;

	if (x->headers == NULL ||
		getKeyJsonValueFromContainer(&x->headers->root, name, (int) strlen(name), &value) == NULL)
		return (Str) {NULL, 0};
	return (Str) {value.val.string.val, (size_t) value.val.string.len};
}

static bool
is_our_field(Str name)
{
	return str_is(name, FIELD_CLIENT) || str_is(name, FIELD_BASE);
}

static bool
has_control(Str s)
{
	for (size_t i = 0; i < s.len; i++)
	{
		if ((s.data[i] >= 0 && s.data[i] < ' ' && s.data[i] != '\t') || s.data[i] == 0x7F)
			return true;
	}
	return false;
}

/* The name in lower case, itself if it is so already. */
static Str
lower_name(Str name)
{
	char	   *lower;

	for (size_t i = 0; i < name.len; i++)
	{
		if (ascii_lower(name.data[i]) == name.data[i])
			continue;
		lower = pnstrdup(name.data, name.len);
		for (size_t j = i; j < name.len; j++)
			lower[j] = ascii_lower(lower[j]);
		return (Str) {lower, name.len};
	}
	return name;
}

/* Is it one field of text, and is its name in lower case? */
static bool
check_field(const JsonbValue *key, const JsonbValue *value)
{
	Str			name = {key->val.string.val, (size_t) key->val.string.len};

	if (!http_is_token(name) && !is_our_field(name))
		exchange_refuse(400, "a header field has a malformed name");
	if (value->type != jbvString)
		exchange_refuse(400, "a header field was sent more than once, or is not a string");
	if (has_control((Str) {value->val.string.val, (size_t) value->val.string.len}))
		exchange_refuse(400, "a header field has a malformed value");
	return lower_name(name).data == name.data;
}

/* The fields with their names in lower case, which may make two of them one. */
static Jsonb *
lower_fields(const Jsonb *headers)
{
	JsonObjectMaker fields = {0};
	JsonbIterator *it = JsonbIteratorInit(unconstify(JsonbContainer *, &headers->root));
	JsonbValue	key;
	JsonbValue	value;
	bool		found;

	(void) JsonbIteratorNext(&it, &key, true);
	while (JsonbIteratorNext(&it, &key, true) == WJB_KEY)
	{
		Str			name = lower_name((Str) {key.val.string.val, (size_t) key.val.string.len});

		(void) JsonbIteratorNext(&it, &value, true);
		json_set_string(json_object_put(&fields, name, &found), value.val.string.val, (size_t) value.val.string.len);
		if (found)
			exchange_refuse(400, "a header field was sent more than once");
	}
	return json_object_make(&fields);
}

static void
read_fields(Exchange *x)
{
	bool		all_lower = true;
	JsonbIterator *it;
	JsonbValue	key;
	JsonbValue	value;

	x->headers = x->raw.headers;
	if (x->headers == NULL)
		return;
	if (!JB_ROOT_IS_OBJECT(x->headers))
		exchange_refuse(400, "the header fields must be a JSON object");
	it = JsonbIteratorInit(&x->headers->root);
	(void) JsonbIteratorNext(&it, &key, true);
	while (JsonbIteratorNext(&it, &key, true) == WJB_KEY)
	{
		(void) JsonbIteratorNext(&it, &value, true);
		all_lower &= check_field(&key, &value);
	}
	if (!all_lower)
		x->headers = lower_fields(x->headers);
}

/* ---------- what decides who may call ---------- */

static void
read_authorization(Exchange *x)
{
	Str			value = exchange_header(x, "authorization");

	if (value.data != NULL)
		x->authorization = http_read_authorization(value, palloc(value.len + 1));
}

static void
read_surroundings(Exchange *x)
{
	Str			client = exchange_header(x, FIELD_CLIENT);
	Str			base = exchange_header(x, FIELD_BASE);

	x->base_url = api_base_url();
	if (x->base_url.len == 0)
		x->base_url = base;
	x->client.isnull = client.data == NULL;
	if (!x->client.isnull)
		x->client.value = DirectFunctionCall1(inet_in, CStringGetDatum(pnstrdup(client.data, client.len)));
}

/* All but query and body. */
void
exchange_read_head(Exchange *x)
{
	RawRequest *raw = &x->raw;

	if (raw->body.len > HTTP_BODY_MAX)
		exchange_refuse(413, "the body is larger than 1 MB");
	if (raw->path.len > PATH_MAX_LEN || raw->query.len > QUERY_MAX)
		exchange_refuse(414, "the URL is too long");
	if (!http_is_token(raw->method))
		exchange_refuse(400, "the method is malformed");
	x->is_head = str_is(raw->method, "HEAD");
	if (!http_path_is_good(raw->path))
		exchange_refuse(400, "the path is malformed or ambiguous");
	read_fields(x);
	read_surroundings(x);
	read_authorization(x);
}

/* ---------- parameters ---------- */

/* What was decoded is UTF-8, the database may have another encoding. */
static Str
to_database(Str s)
{
	char	   *text;

	if (GetDatabaseEncoding() == PG_UTF8 || s.len == 0)
		return s;
	text = pg_any_to_server(pnstrdup(s.data, s.len), (int) s.len, PG_UTF8);
	return (Str) {text, strlen(text)};
}

/* Append to the array that a value is; or make it an array of what it was, and that. */
static void
append_value(JsonbValue *all, Str s)
{
	JsonbValue *elements;
	int			n = 1;

	if (all->type == jbvArray)
		n = all->val.array.nElems;
	elements = palloc0(sizeof(JsonbValue) * (size_t) (n + 1));
	if (all->type == jbvArray)
		memcpy(elements, all->val.array.elems, sizeof(JsonbValue) * (size_t) n);
	else
		elements[0] = *all;
	json_set_string(&elements[n], s.data, s.len);
	memset(all, 0, sizeof(JsonbValue));
	all->type = jbvArray;
	all->val.array.nElems = n + 1;
	all->val.array.elems = elements;
}

static Datum
parameters_datum(const HttpParameters *params)
{
	JsonObjectMaker object = {0};

	for (int i = 0; i < params->count; i++)
	{
		Str			text = to_database(params->items[i].value);
		bool		found;
		JsonbValue *value = json_object_put(&object, to_database(params->items[i].name), &found);

		if (found)
			append_value(value, text);
		else
			json_set_string(value, text.data, text.len);
	}
	return JsonbPGetDatum(json_object_make(&object));
}

/* A query, or a form. */
static Datum
read_parameters(Str text, const char *what)
{
	HttpParameters *params;

	if (text.len == 0)
		return parameters_datum(&(HttpParameters) {.count = 0});
	params = palloc(sizeof(HttpParameters));
	if (!http_read_parameters(text, palloc(text.len), params))
		exchange_refuse(400, psprintf("the %s is malformed, or has more than %d parameters", what, HTTP_PARAMETERS_MAX));
	return parameters_datum(params);
}

static Datum
read_query(const Exchange *x)
{
	if (!str_is_printable_ascii(x->raw.query) ||
		(x->raw.query.len > 0 && memchr(x->raw.query.data, ' ', x->raw.query.len) != NULL))
		exchange_refuse(400, "the query is malformed");
	return read_parameters(x->raw.query, "query");
}

static Datum
read_path(const Exchange *x)
{
	HttpParameters *params = palloc(sizeof(HttpParameters));

	if (!http_read_path(x->found.route.pattern, x->raw.path, palloc(x->raw.path.len + 1), params))
		exchange_refuse(400, "the path is malformed");
	return parameters_datum(params);
}

/* ---------- the body ---------- */

/* PostgreSQL's parser lets members stand twice, and objects nest deeply. */
static bool
is_json_object(Str text)
{
	JsonObject *object = palloc(sizeof(JsonObject));
	char	   *room = palloc(text.len + 1);
	JsonBuffer	buffer = {room, room + text.len + 1};
	bool		good = json_read_object(text, &buffer, object);

	pfree(room);
	pfree(object);
	return good;
}

static Datum
json_datum(Str text)
{
	Str			converted = to_database(text);

	return DirectFunctionCall1(jsonb_in, CStringGetDatum(pnstrdup(converted.data, converted.len)));
}

/* Has it an escape that stands for no ASCII?  The text is JSON. */
static bool
has_high_escape(Str text)
{
	for (size_t i = 0; i + 1 < text.len; i++)
	{
		if (text.data[i] != '\\')
			continue;
		i++;
		if (text.data[i] == 'u' &&
			(text.data[i + 1] != '0' || text.data[i + 2] != '0' || text.data[i + 3] > '7'))
			return true;
	}
	return false;
}

static void
read_json(const Exchange *x, bool is_said, NullableDatum *body)
{
	if (!is_json_object(x->raw.body))
	{
		if (!is_said)
			exchange_refuse(415, "the body is not JSON and has no Content-Type");
		exchange_refuse(400, psprintf("the body is not a JSON object, repeats a member, or has more than %d levels or %d members",
									  JSON_DEPTH_MAX, JSON_MEMBERS_MAX));
	}
	if (GetDatabaseEncoding() == PG_SQL_ASCII && has_high_escape(x->raw.body))
		exchange_refuse(400, "the database has no encoding, so characters have to be sent as they are, not as \\u escapes");
	*body = (NullableDatum) {json_datum(x->raw.body), false};
}

/* Only what changes something has a body. */
static void
read_body(const Exchange *x, NullableDatum *form, NullableDatum *body)
{
	HttpMedia	media = http_media_of(exchange_header(x, "content-type"), x->raw.body);

	if (str_is(x->found.route.method, "GET"))
		return;
	if (media == HTTP_MEDIA_FORM)
		*form = (NullableDatum) {read_parameters(x->raw.body, "form"), false};
	else if (x->raw.body.len == 0)
		return;
	else if (media == HTTP_MEDIA_OTHER)
		exchange_refuse(415, "the body is neither JSON nor a form");
	else
		read_json(x, media == HTTP_MEDIA_JSON, body);
}

/* ---------- for the function ---------- */

static NullableDatum
text_datum(Str s)
{
	if (s.data == NULL)
		return (NullableDatum) {(Datum) 0, true};
	s = to_database(s);
	return (NullableDatum) {PointerGetDatum(cstring_to_text_with_len(s.data, (int) s.len)), false};
}

/* OAuth clients encode the halves of Basic as in a form (RFC 6749, section 2.3.1). */
static Str
read_client_half(Str half)
{
	Str			value;

	if (half.len == 0)
		return half;
	if (!http_read_form_value(half, palloc(half.len), &value))
		exchange_refuse(401, "the client id or secret in Authorization is not form-encoded");
	return value;
}

static void
read_client_pair(HttpAuthorization *authorization)
{
	if (authorization->scheme != HTTP_SCHEME_BASIC)
		return;
	authorization->user = read_client_half(authorization->user);
	authorization->password = read_client_half(authorization->password);
}

/* The request as a devapp_internal.http_request. */
Datum
exchange_request(Exchange *x)
{
	NullableDatum columns[REQUEST_COLUMNS];
	static const NullableDatum null = {(Datum) 0, true};

	for (int i = 0; i < REQUEST_COLUMNS; i++)
		columns[i] = null;
	columns[REQUEST_METHOD] = text_datum(x->found.route.method);
	columns[REQUEST_PATH] = text_datum(x->raw.path);
	columns[REQUEST_PARAMS] = (NullableDatum) {read_path(x), false};
	columns[REQUEST_QUERY] = (NullableDatum) {read_query(x), false};
	if (x->headers != NULL)
		columns[REQUEST_HEADERS] = (NullableDatum) {JsonbPGetDatum(x->headers), false};
	else
		columns[REQUEST_HEADERS] = (NullableDatum) {parameters_datum(&(HttpParameters) {.count = 0}), false};
	read_body(x, &columns[REQUEST_FORM], &columns[REQUEST_BODY]);
	if (x->found.route.needs == NEEDS_CLIENT)
		read_client_pair(&x->authorization);
	columns[REQUEST_BASIC_USER] = text_datum(x->authorization.user);
	columns[REQUEST_BASIC_PASSWORD] = text_datum(x->authorization.password);
	columns[REQUEST_BEARER] = text_datum(x->authorization.token);
	if (x->base_url.len > 0)
		columns[REQUEST_BASE_URL] = text_datum(x->base_url);
	columns[REQUEST_CLIENT] = x->client;
	return api_type_make("devapp_internal", "http_request", columns, REQUEST_COLUMNS);
}
