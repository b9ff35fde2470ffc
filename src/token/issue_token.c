/*
 * issue_token.c
 *		issue_token(): access tokens for OAuth clients (RFC 9068).
 *
 * Who may have one is decided in token_client.c, what is in one is decided here.  The token
 * goes nowhere but into the row that is returned; the buffer it was made in is wiped.
 */
#include "postgres.h"

#include <ctype.h>

#include "access/htup_details.h"
#include "catalog/pg_type_d.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/sodium.h"
#include "decide/entitlement.h"
#include "key/mask.h"
#include "token/base64url_core.h"
#include "token/token_client.h"
#include "token/token_setting.h"
#include "token/token_write.h"

PG_FUNCTION_INFO_V1(devapp_issue_token);

/* from which the web makes the words of RFC 6749 */
#define ERRCODE_TOKEN_SCOPE		MAKE_SQLSTATE('T', 'K', '0', '0', '1')
#define ERRCODE_TOKEN_TARGET	MAKE_SQLSTATE('T', 'K', '0', '0', '2')

#define TARGET_MAX		1024		/* bytes of an audience or resource */
#define RESOURCES_MAX	16

/* The arguments of issue_token(), in their order. */
enum
{
	ARG_CLIENT,					/* and its proof */
	ARG_SECRET,
	ARG_ASSERTION,
	ARG_SCOPES,
	ARG_AUDIENCE,
	ARG_RESOURCE,
	ARG_LIFETIME,
	ARG_ALG,
	ARG_JKT,
	ARG_X5T
};

/* The columns of devapp.issued_token, as sql/token/types.sql. */
enum
{
	ISSUED_TOKEN,
	ISSUED_TYPE,
	ISSUED_EXPIRES_IN,
	ISSUED_SCOPE,
	ISSUED_JTI,
	ISSUED_COLUMNS
};

/* ---------- arguments ---------- */

static int64
lifetime_argument(FunctionCallInfo fcinfo)
{
	Interval   *interval;
	double		seconds;

	if (PG_ARGISNULL(ARG_LIFETIME))
		return token_max_lifetime;
	interval = PG_GETARG_INTERVAL_P(ARG_LIFETIME);
	seconds = interval->time / (double) USECS_PER_SEC +
		SECS_PER_DAY * (interval->day + (double) DAYS_PER_MONTH * interval->month);
	if (seconds < 1 || seconds > token_max_lifetime)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the lifetime of a token must be from 1 to %d seconds", token_max_lifetime),
				 errhint("Give an interval like '10 minutes'; the maximum is devapp.token_max_lifetime.")));
	return (int64) seconds;
}

static TokenAlg
alg_argument(FunctionCallInfo fcinfo)
{
	Str			name = token_string_argument(fcinfo, ARG_ALG);

	return name.data == NULL ? token_default_alg() : token_require_alg(name);
}

static Str
thumbprint_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	Str			value = token_string_argument(fcinfo, n);
	uint8		bytes[TOKEN_THUMBPRINT_LEN];

	if (value.data != NULL && !base64url_decode_exactly(value, bytes, sizeof(bytes)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is not a thumbprint", name),
				 errhint("A thumbprint is a SHA-256 digest in base64url: 43 characters.")));
	return value;
}

/* ---------- scopes ---------- */

static StrList
asked_scopes(ArrayType *array)
{
	StrList		asked = {0, NULL};
	Datum	   *values;
	int			n;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, NULL, &n);
	asked.items = palloc(sizeof(Str) * (size_t) Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		text	   *t = DatumGetTextPP(values[i]);
		Str			scope = {VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t)};

		if (!str_list_has(&asked, scope))
			asked.items[asked.count++] = scope;
	}
	return asked;
}

/* The scopes of the token: those that are asked for, or all that the client has. */
static StrList
require_scopes(FunctionCallInfo fcinfo, const Entitlement *e)
{
	StrList		all = token_client_scopes(e);
	StrList		asked;

	if (PG_ARGISNULL(ARG_SCOPES))
		return all;
	asked = asked_scopes(PG_GETARG_ARRAYTYPE_P(ARG_SCOPES));
	for (int i = 0; i < asked.count; i++)
	{
		if (!str_list_has(&all, asked.items[i]))
			ereport(ERROR,
					(errcode(ERRCODE_TOKEN_SCOPE),
					 errmsg("the client does not have the scope \"%s\"",
							mask_value(asked.items[i].data, asked.items[i].len)),
					 errhint("Ask for scopes that an approved product of the client has, or leave them out to get all.")));
	}
	return asked.count > 0 ? asked : all;
}

/* ---------- whom it is for ---------- */

static compat_noreturn void
refuse_target(const char *name, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_TOKEN_TARGET),
			 errmsg("invalid %s for a token", name),
			 errhint("%s", hint)));
	pg_unreachable();
}

static bool
is_printable(Str s)
{
	return str_is_printable_ascii(s) && s.len > 0 && s.len <= TARGET_MAX;
}

/* The resource is an absolute URI without a fragment (RFC 8707). */
static bool
is_absolute_uri(Str s)
{
	size_t		scheme = 0;

	while (scheme < s.len && (isalnum((unsigned char) s.data[scheme]) || strchr("+-.", s.data[scheme]) != NULL))
		scheme++;
	return is_printable(s) && isalpha((unsigned char) s.data[0]) && scheme < s.len - 1 && s.data[scheme] == ':' &&
		memchr(s.data, '#', s.len) == NULL && memchr(s.data, ' ', s.len) == NULL;
}

static void
add_resource(Str resource, StrList *audiences)
{
	if (!is_absolute_uri(resource))
		refuse_target("resource", "A resource is an absolute URI without a fragment, such as https://api.example.com/orders.");
	if (str_list_has(audiences, resource))
		return;
	if (audiences->count == RESOURCES_MAX)
		refuse_target("resource", "A token can have at most 16 resources.");
	audiences->items[audiences->count++] = resource;
}

/* They are separated by single spaces, which no URI has. */
static void
add_resources(Str rest, StrList *audiences)
{
	const char *space;

	while ((space = memchr(rest.data, ' ', rest.len)) != NULL)
	{
		size_t		len = (size_t) (space - rest.data);

		add_resource((Str) {rest.data, len}, audiences);
		rest = (Str) {space + 1, rest.len - len - 1};
	}
	add_resource(rest, audiences);
}

/* Without an audience or a resource, the token is for the issuer itself. */
static StrList
require_audiences(FunctionCallInfo fcinfo)
{
	Str			audience = token_string_argument(fcinfo, ARG_AUDIENCE);
	Str			resource = token_string_argument(fcinfo, ARG_RESOURCE);
	StrList		audiences = {0, palloc(sizeof(Str) * (RESOURCES_MAX + 1))};

	if (audience.data != NULL && !is_printable(audience))
		refuse_target("audience", "An audience has 1 to 1024 printable ASCII characters.");
	if (resource.data != NULL)
		add_resources(resource, &audiences);
	if (audience.data != NULL && !str_list_has(&audiences, audience))
		audiences.items[audiences.count++] = audience;
	if (audiences.count == 0)
	{
		const char *issuer = token_issuer_name();

		audiences.items[audiences.count++] = (Str) {issuer, strlen(issuer)};
	}
	return audiences;
}

/* ---------- issuing ---------- */

/* No token outlives its credential. */
static void
set_lifetime(TokenClaims *claims, const Entitlement *e, int64 lifetime, TimestampTz now)
{
	claims->iat = unix_seconds(now);
	claims->exp = claims->iat + lifetime;
	if (e->decide.expires_at != DECIDE_NEVER)
		claims->exp = Min(claims->exp, unix_seconds(e->decide.expires_at));
	if (claims->exp <= claims->iat)
		token_client_refuse("It expires within a second.");
}

static HeapTuple
form_token(TupleDesc desc, const TokenClaims *claims, const WrittenToken *token)
{
	text	   *secret = cstring_to_text_with_len(token->bytes, (int) token->len);
	Datum		values[ISSUED_COLUMNS];
	bool		nulls[ISSUED_COLUMNS] = {false};
	HeapTuple	row;

	values[ISSUED_TOKEN] = PointerGetDatum(secret);
	values[ISSUED_TYPE] = CStringGetTextDatum(claims->jkt.data != NULL ? "DPoP" : "Bearer");
	values[ISSUED_EXPIRES_IN] = Int32GetDatum((int32) (claims->exp - claims->iat));
	nulls[ISSUED_SCOPE] = claims->scope.data == NULL;
	values[ISSUED_SCOPE] = nulls[ISSUED_SCOPE] ? (Datum) 0 :
		PointerGetDatum(cstring_to_text_with_len(claims->scope.data, (int) claims->scope.len));
	values[ISSUED_JTI] = CStringGetTextDatum(claims->jti);
	row = heap_form_tuple(desc, values, nulls);
	sodium_memzero(VARDATA(secret), token->len);
	return row;
}

/*
 * issue_token(client, client_secret, assertion, scopes, audience, resource, lifetime, alg, jkt,
 * x5t)
 */
Datum
devapp_issue_token(PG_FUNCTION_ARGS)
{
	TimestampTz now = GetCurrentTimestamp();
	ClientProof proof = token_client_proof(fcinfo, ARG_CLIENT);
	TokenClaims claims = {.typ = TYP_ACCESS_TOKEN};
	int64		lifetime = lifetime_argument(fcinfo);
	TokenAlg	alg = alg_argument(fcinfo);
	TupleDesc	desc;
	Entitlement *e;
	StrList		scopes;
	WrittenToken token;
	HeapTuple	row;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != ISSUED_COLUMNS)
		elog(ERROR, "return type must be devapp.issued_token");
	claims.jkt = thumbprint_argument(fcinfo, ARG_JKT, "jkt");
	claims.x5t = thumbprint_argument(fcinfo, ARG_X5T, "x5t");
	e = token_client_require(&proof, now);
	claims.client_id = token_client_id(e);
	scopes = require_scopes(fcinfo, e);
	claims.scope = token_scope_claim(&scopes);
	claims.audiences = require_audiences(fcinfo);
	set_lifetime(&claims, e, lifetime, now);
	token = token_write(&claims, token_signer(alg, claims.exp - claims.iat));
	row = form_token(BlessTupleDesc(desc), &claims, &token);
	token_wipe(&token);
	PG_RETURN_DATUM(HeapTupleGetDatum(row));
}
