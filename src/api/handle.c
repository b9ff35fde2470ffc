/*
 * handle.c
 *		From a request over HTTP to its answer: handle().
 *
 * All of HTTP is here, as a function of what an adapter hands over; the adapter carries
 * bytes and decides nothing.  The request is read (exchange.c), its route found (route.c), its
 * caller authenticated (caller.c), and the route's function called with the owner's rights,
 * which sees that caller and no role (base/entry.c).
 *
 * Before anything is read, nobody is the caller; so it stays where something fails.
 *
 * All of it is one subtransaction.  An error anywhere, also in what is done at its end, undoes
 * it and becomes an answer (error.c), with nothing of its statement or context.  A cancelled
 * query is the exception: it ends the statement, as elsewhere.
 */
#include "postgres.h"

#include <limits.h>

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/syscache.h"

#include "api/api_type.h"
#include "api/caller.h"
#include "api/error.h"
#include "api/handle.h"
#include "api/setting.h"
#include "base/compat.h"
#include "base/utf8.h"
#include "match/path_core.h"
#include "verify/arguments.h"

PG_FUNCTION_INFO_V1(devapp_handle);

/* columns of devapp_internal.http_response and devapp_api.response */
enum
{
	RESPONSE_STATUS, RESPONSE_HEADERS, RESPONSE_BODY, RESPONSE_COLUMNS
};

/* ---------- the route's function ---------- */

/* A function of a route; is_c: it is written in C. */
static Oid
find_function(const char *name, bool *is_c)
{
	Oid			type = api_type_oid("devapp_internal", "http_request");
	HeapTuple	tuple = SearchSysCache3(PROCNAMEARGSNSP, PointerGetDatum(name),
										PointerGetDatum(buildoidvector(&type, 1)),
										ObjectIdGetDatum(get_namespace_oid("devapp_internal", false)));
	Oid			function;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "the function of a route is not there: devapp_internal.%s", name);
	function = ((Form_pg_proc) GETSTRUCT(tuple))->oid;
	*is_c = ((Form_pg_proc) GETSTRUCT(tuple))->prolang == ClanguageId;
	ReleaseSysCache(tuple);
	return function;
}

/* A field that the function set; its answer is as good as none if it has a malformed one. */
static void
read_answer_field(JsonObjectMaker *fields, const JsonbValue *key, const JsonbValue *value)
{
	Str			name = {key->val.string.val, (size_t) key->val.string.len};
	Str			text;
	bool		found;

	if (!http_is_token(name) || value->type != jbvString)
		elog(ERROR, "an answer has a malformed header field");
	text = (Str) {value->val.string.val, (size_t) value->val.string.len};
	if (!http_is_field_value(text))
		elog(ERROR, "header field %.*s of an answer has other characters than those of one line of ASCII",
			 (int) name.len, name.data);
	json_set_string(json_object_put(fields, name, &found), text.data, text.len);
}

/* Those that every answer gets stay. */
static void
add_fields(Exchange *x, Datum headers)
{
	Jsonb	   *object = DatumGetJsonbP(headers);
	JsonbIterator *it = JsonbIteratorInit(&object->root);
	JsonObjectMaker fields = {0};
	JsonbValue	key;
	JsonbValue	value;
	bool		found;

	if (!JB_ROOT_IS_OBJECT(object))
		elog(ERROR, "the header fields of an answer are not an object");
	(void) JsonbIteratorNext(&it, &key, true);
	while (JsonbIteratorNext(&it, &key, true) == WJB_KEY)
	{
		(void) JsonbIteratorNext(&it, &value, true);
		read_answer_field(&fields, &key, &value);
	}
	for (int i = 0; i < x->fields.n; i++)
	{
		const JsonbPair *pair = &x->fields.pairs[i];

		*json_object_put(&fields, (Str) {pair->key.val.string.val, (size_t) pair->key.val.string.len}, &found) = pair->value;
	}
	x->fields = fields;
}

static void
check_status(int status)
{
	if (status < 200 || status > 599)
		elog(ERROR, "an answer has the status %d", status);
}

static HttpAnswer
read_answer(Exchange *x, Datum row)
{
	NullableDatum columns[RESPONSE_COLUMNS];
	HttpAnswer	answer = {0};

	api_type_read(row, "devapp_internal", "http_response", columns, RESPONSE_COLUMNS);
	if (!columns[RESPONSE_STATUS].isnull)
		answer.status = DatumGetInt32(columns[RESPONSE_STATUS].value);
	check_status(answer.status);
	if (!columns[RESPONSE_HEADERS].isnull)
		add_fields(x, columns[RESPONSE_HEADERS].value);
	if (!columns[RESPONSE_BODY].isnull)
	{
		text	   *body = DatumGetTextPP(columns[RESPONSE_BODY].value);

		answer.body = (Str) {VARDATA_ANY(body), VARSIZE_ANY_EXHDR(body)};
	}
	return answer;
}

/* A function in C reads the request as it came, and answers in the call. */
static HttpAnswer
call_c_function(Exchange *x, FmgrInfo *function)
{
	RouteCall	route = {.node = {.type = T_ExtensibleNode, .extnodename = ROUTE_CALL_NAME}, .exchange = x};

	LOCAL_FCINFO(call, 1);

	InitFunctionCallInfoData(*call, function, 1, DEFAULT_COLLATION_OID, (Node *) &route, NULL);
	call->args[0] = (NullableDatum) {(Datum) 0, true};
	(void) FunctionCallInvoke(call);
	check_status(route.answer.status);
	return route.answer;
}

static HttpAnswer
call_route(Exchange *x)
{
	FmgrInfo	function;
	bool		is_c;
	Datum		row;

	LOCAL_FCINFO(call, 1);

	fmgr_info(find_function(x->found.route.function, &is_c), &function);
	if (is_c)
		return call_c_function(x, &function);
	InitFunctionCallInfoData(*call, &function, 1, DEFAULT_COLLATION_OID, NULL, NULL);
	call->args[0] = (NullableDatum) {exchange_request(x), false};
	row = FunctionCallInvoke(call);
	if (call->isnull)
		elog(ERROR, "devapp_internal.%s returned no answer", x->found.route.function);
	return read_answer(x, row);
}

/* ---------- the encoding of an answer ---------- */

/* A text in UTF-8, whatever the encoding of the database; data NULL if that is not possible. */
static Str
utf8_of(Str text)
{
	int			encoding = GetDatabaseEncoding();
	Str			none = {NULL, 0};
	Oid			conversion;
	Size		room;
	char	   *utf8;

	if (encoding == PG_UTF8 || text.len == 0)
		return text;
	/* the database knows no encoding, so any bytes may be in it */
	if (encoding == PG_SQL_ASCII)
		return utf8_is_valid(text) ? text : none;
	conversion = FindDefaultConversionProc(encoding, PG_UTF8);
	if (!OidIsValid(conversion))
		return none;
	room = (text.len + 1) * MAX_CONVERSION_GROWTH;
	utf8 = MemoryContextAllocHuge(CurrentMemoryContext, room);
	if (pg_do_encoding_conversion_buf(conversion, encoding, PG_UTF8, (unsigned char *) unconstify(char *, text.data),
									  (int) text.len, (unsigned char *) utf8, (int) Min(room, INT_MAX), true) != (int) text.len)
		return none;
	return (Str) {utf8, strlen(utf8)};
}

/* An error has to be told, so what UTF-8 does not have is replaced. */
static Str
told_text(const char *text)
{
	Str			told = {text, strlen(text)};
	char	   *ascii;

	if (utf8_of(told).data != NULL)
		return told;
	ascii = pstrdup(text);
	for (char *c = ascii; *c != '\0'; c++)
	{
		if (IS_HIGHBIT_SET(*c))
			*c = '?';
	}
	return (Str) {ascii, told.len};
}

/* ---------- the way of a request ---------- */

/*
 * Pages of the origins that are listed may read the answers.  Where there are such, a cache must
 * not give one origin what another one got.
 */
static void
set_cors_fields(Exchange *x)
{
	Str			origin = exchange_header(x, "origin");

	if (!api_has_origins())
		return;
	exchange_set_field(x, "Vary", "Accept, Origin");
	if (origin.data == NULL || !http_is_field_value(origin) || !api_origin_is_allowed(origin))
		return;
	json_object_put_string(&x->fields, "Access-Control-Allow-Origin", origin);
	exchange_set_field(x, "Access-Control-Expose-Headers", "WWW-Authenticate, Retry-After, Location, RateLimit, RateLimit-Policy");
}

/* OPTIONS, also as browsers send it before a request from another origin. */
static HttpAnswer
answer_options(Exchange *x)
{
	exchange_set_field(x, "Allow", x->found.allow);
	if (exchange_has_field(x, "Access-Control-Allow-Origin"))
	{
		exchange_set_field(x, "Access-Control-Allow-Methods", x->found.allow);
		exchange_set_field(x, "Access-Control-Allow-Headers", "Authorization, Content-Type, DPoP");
		exchange_set_field(x, "Access-Control-Max-Age", "600");
	}
	return (HttpAnswer) {.status = 204};
}

static HttpAnswer
serve_request(Exchange *x, RequestReader reader, FunctionCallInfo fcinfo)
{
	HttpAnswer	answer;

	reader(fcinfo, &x->raw);
	x->found.error_form = route_error_form(x->raw.path);
	exchange_read_head(x);
	route_find(x->raw.method, x->raw.path, &x->found);
	set_cors_fields(x);
	if (!x->found.path_known)
		exchange_refuse(404, "the path does not exist");
	/* a gateway that hands on the method of its client would take this answer for a verdict */
	if (str_is(x->raw.method, "OPTIONS") && !x->found.for_gateways)
		return answer_options(x);
	if (!x->found.found)
	{
		exchange_set_field(x, "Allow", x->found.allow);
		exchange_refuse(405, psprintf("the allowed methods are %s", x->found.allow));
	}
	caller_authenticate(x);
	if (x->found.error_form != ERROR_FORM_NONE && !http_accepts_json(exchange_header(x, "accept")))
		exchange_refuse(406, "the response is JSON, which Accept does not allow");
	answer = call_route(x);
	if (answer.body.data != NULL)
	{
		answer.body = utf8_of(answer.body);
		if (answer.body.data == NULL)
			elog(ERROR, "an answer has bytes that UTF-8 does not have a character for");
	}
	return answer;
}

/* ---------- the end ---------- */

static HttpAnswer
answer_error(Exchange *x, const ErrorData *error)
{
	bool		is_unproved = x->found.route.needs == NEEDS_CLIENT && x->caller->name == NULL;
	ErrorAnswer e = error_answer(error, x->found.error_form, is_unproved);
	HttpAnswer	answer = {.status = e.status};

	if (answer.status == 503 && !exchange_has_field(x, "Retry-After"))
		exchange_set_field(x, "Retry-After", "1");
	if (e.body != NULL)
	{
		exchange_set_field(x, "Content-Type", "application/json");
		answer.body = utf8_of(told_text(e.body));
	}
	else if (x->found.for_gateways)
		exchange_set_value(x, "X-Devapp-Error", told_text(e.message));
	return answer;
}

static void
finish_answer(Exchange *x, HttpAnswer *answer)
{
	if (answer->status == 401)
		caller_challenge(x, x->found.error_form);
	if (!exchange_has_field(x, "Cache-Control"))
		exchange_set_field(x, "Cache-Control", "no-store");
	if (x->is_head || answer->status == 204 || answer->status == 304)
		answer->body = (Str) {NULL, 0};
	answer->headers = json_object_make(&x->fields);
}

/*
 * Serve a request in a subtransaction of its own.  What it allocates stays with the caller, so
 * that answers outlive it.
 */
static HttpAnswer
serve_apart(Exchange *x, RequestReader reader, FunctionCallInfo fcinfo)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	HttpAnswer	answer = {0};

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		answer = serve_request(x, reader, fcinfo);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
			ReThrowError(error);
		answer = answer_error(x, error);
	}
	PG_END_TRY();
	return answer;
}

/* Called by entries only (base/entry.c). */
HttpAnswer
handle_request(RequestReader reader, FunctionCallInfo fcinfo)
{
	Exchange	x = {.client = {(Datum) 0, true}};
	HttpAnswer	answer;

	/* nobody so far; it outlives this function, as the entry that calls it does */
	x.caller = palloc0(sizeof(EntryCaller));
	entry_call_for(x.caller);
	answer = serve_apart(&x, reader, fcinfo);
	finish_answer(&x, &answer);
	return answer;
}

bytea *
handle_body(const HttpAnswer *answer)
{
	return (bytea *) cstring_to_text_with_len(answer->body.data, (int) answer->body.len);
}

static void
read_arguments(FunctionCallInfo fcinfo, RawRequest *raw)
{
	*raw = (RawRequest) {
		.method = text_argument(fcinfo, 0, NAMEDATALEN),
		.path = text_argument(fcinfo, 1, PATH_MAX_LEN),
		.query = text_argument(fcinfo, 2, ARGUMENT_RESOURCE_LIMIT),
		.headers = PG_ARGISNULL(3) ? NULL : PG_GETARG_JSONB_P(3),
		.body = text_argument(fcinfo, 4, HTTP_BODY_MAX)
	};
}

/* handle(method, path, query, headers, body) */
Datum
devapp_handle(PG_FUNCTION_ARGS)
{
	HttpAnswer	answer = handle_request(read_arguments, fcinfo);
	NullableDatum columns[RESPONSE_COLUMNS] = {
		[RESPONSE_STATUS] = {Int32GetDatum(answer.status), false},
		[RESPONSE_HEADERS] = {JsonbPGetDatum(answer.headers), false},
		[RESPONSE_BODY] = {(Datum) 0, answer.body.data == NULL}
	};

	if (answer.body.data != NULL)
		columns[RESPONSE_BODY].value = PointerGetDatum(handle_body(&answer));
	PG_RETURN_DATUM(api_type_make("devapp_api", "response", columns, RESPONSE_COLUMNS));
}
