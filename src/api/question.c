/*
 * question.c
 *		What a gateway asks about a call of one of its clients: where the client's key is, and
 *		what the verdict on it is.
 *
 * The first place that has something counts, whether it is valid or not: the field for keys,
 * Authorization, the query.  So a client with its key in the field can send Authorization for
 * the server behind the gateway.
 *
 * The verdict is that of verify_key(), verify_client() or verify_token(), and is counted as
 * theirs is.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "api/caller.h"
#include "api/question.h"
#include "key/key_core.h"
#include "match/network.h"
#include "match/scope.h"
#include "verify/judge.h"
#include "verify/verify.h"
#include "verify/verify_token.h"

/* ---------- the options ---------- */

static const char *
option_error(GatewayError error)
{
	switch (error)
	{
		case GATEWAY_UNKNOWN_NAME:
			return "%s has an unknown parameter";
		case GATEWAY_TWICE:
			return "%s repeats a parameter";
		case GATEWAY_BAD_VALUE:
			return "%s has an invalid value for cost or busy";
		case GATEWAY_BAD_FIELD:
			return "%s has an unknown or repeated field in fields";
		case GATEWAY_MALFORMED:
		case GATEWAY_OK:
			break;
	}
	return "%s has malformed parameters";
}

static const char *
option_detail(GatewayError error)
{
	if (error == GATEWAY_MALFORMED)
		return "Parameters are written like environment=prod; fields=\"app-id, scopes\". A value with a comma or semicolon must be quoted.";
	if (error == GATEWAY_BAD_FIELD)
		return "Fields are status, fault, app-id, app, owner, credential-id, consumer-key, environment, product, scopes and ratelimit.";
	return "Parameters are environment, proxy, scope, audience, client, header, query, fields, cost (from 0 to 1000000000) and busy (403).";
}

/* The text itself is not shown: what was put here by mistake may be a key. */
GatewayOptions
question_options(Str text, const char *where)
{
	GatewayOptions options;
	GatewayError error = gateway_read_options(text, palloc(text.len + 1), &options);

	if (error != GATEWAY_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg(option_error(error), where),
				 errdetail("%s", option_detail(error))));
	return options;
}

/* ---------- the key ---------- */

/* What was presented; all data NULL: nothing. */
typedef struct QuestionKey
{
	Str			token;			/* or key */
	HttpScheme	scheme;			/* with which it came in Authorization */
	Str			user;			/* of a pair */
	Str			password;
} QuestionKey;

static QuestionKey
find_in_query(const Question *q)
{
	Str			name = q->options.query;
	QuestionKey key = {0};

	if (name.data == NULL)
		name = (Str) {QUESTION_QUERY, strlen(QUESTION_QUERY)};
	if (name.len > 0 && q->query.len > 0 &&
		gateway_find_parameter(q->query, name, palloc(q->query.len), &key.token) == GATEWAY_PARAMETER_BROKEN)
		key.token = (Str) {"", 0};
	return key;
}

/* Authorization of another scheme is for the server behind the gateway. */
static QuestionKey
find_key(const Question *q)
{
	const HttpAuthorization *a = &q->authorization;

	if (q->header_key.data != NULL)
		return (QuestionKey) {.token = q->header_key};
	switch (a->scheme)
	{
		case HTTP_SCHEME_BASIC:
			/* without a password, the user is a key, as "curl -u KEY:" sends it */
			if (a->password.len == 0)
				return (QuestionKey) {.token = a->user};
			return (QuestionKey) {.user = a->user, .password = a->password};
		case HTTP_SCHEME_BEARER:
		case HTTP_SCHEME_DPOP:
			return (QuestionKey) {.token = a->token, .scheme = a->scheme};
		case HTTP_SCHEME_NONE:
		case HTTP_SCHEME_BROKEN:
			break;
	}
	return find_in_query(q);
}

/* ---------- the verdict ---------- */

static DecideRequest
decide_question(const Question *q)
{
	DecideRequest request;

	decide_request_init(&request);
	decide_request_set_resource(&request, q->path.data, q->path.len);
	/* bytes that became other characters on the way are other ones to the server behind */
	if (q->path_is_uri && !http_is_ascii(request.resource))
		request.resource_safe = false;
	request.method = q->method;
	request.environment = q->options.environment;
	request.proxy = q->options.proxy;
	if (q->options.scope.data != NULL)
		request.scope = scope_compile(q->options.scope);
	request.client_known = !q->client.isnull;
	if (request.client_known)
		request.client = network_of(q->client.value);
	request.now = GetCurrentTimestamp();
	return request;
}

/* Tokens are longer than keys of ours; what is none may be a long key of another system. */
static Verdict
verify_question(const Question *q, const DecideRequest *request)
{
	QuestionKey key = find_key(q);
	TokenProofs proofs = {
		.token = key.token,
		.method = q->method,
		.resource = q->path,
		/* a bearer token proves nothing (RFC 9449, section 7.2) */
		.dpop = key.scheme == HTTP_SCHEME_BEARER ? (Str) {NULL, 0} : q->dpop,
		.as_dpop = key.scheme == HTTP_SCHEME_DPOP,
		.audience = q->options.audience
	};
	Verdict		v;

	if (key.password.data != NULL)
		return caller_verify_pair(key.user, key.password, request);
	if (key.token.len <= KEY_MAX)
		return verify_api_key(key.token, request);
	v = verify_token(key.token, &proofs, request);
	return v.entitlement == NULL && v.code == VERDICT_MALFORMED ? verify_api_key(key.token, request) : v;
}

/*
 * The verdict, which is counted.  It refers to memory that the next verification resets, and to
 * what may be dropped when a table is read.
 */
Verdict
question_ask(const Question *q)
{
	DecideRequest request = decide_question(q);
	MemoryContext context = enter_work_context();
	bool		waited = false;
	Verdict		v;

	do
		v = verify_question(q, &request);
	while (verify_again(&v, &request, &waited));
	v.cost = q->options.cost;
	limits_apply(&v, request.now);
	count_verdict(&v, request.now);
	MemoryContextSwitchTo(context);
	return v;
}

/* Seconds, rounded up; 0 if waiting does not help. */
int64
question_seconds(int64 wait)
{
	return wait > 0 && wait < RATE_NEVER ? (wait + USECS_PER_SEC - 1) / USECS_PER_SEC : 0;
}
