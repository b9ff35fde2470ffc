/*
 * introspect.c
 *		introspect(): what a token is good for (RFC 7662).
 *
 * A token is active if it would let a call pass that its products cover.  Of anything else
 * the answer is {"active": false} and nothing more, also of a token that is not the caller's.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "standby/standby.h"
#include "token/token.h"
#include "token/token_client.h"

PG_FUNCTION_INFO_V1(devapp_introspect);

/* The arguments of introspect(), in their order. */
enum
{
	ARG_TOKEN,
	ARG_CLIENT,					/* and its proof */
	ARG_SECRET,
	ARG_ASSERTION
};

/*
 * Convert a claim from UTF-8 to the encoding of the database.  NULL if there is no claim, or
 * the encoding lacks one of its characters; no token may raise an error for that.
 */
static char *
claim_text(Str value)
{
	int			encoding = GetDatabaseEncoding();
	int			room = ((int) value.len + 1) * MAX_CONVERSION_GROWTH;
	Oid			conversion;
	char	   *text;

	if (value.data == NULL)
		return NULL;
	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
		return pnstrdup(value.data, value.len);
	conversion = FindDefaultConversionProc(PG_UTF8, encoding);
	text = palloc0(room);
	if (!OidIsValid(conversion) ||
		pg_do_encoding_conversion_buf(conversion, PG_UTF8, encoding, (unsigned char *) value.data,
									  (int) value.len, (unsigned char *) text, room, true) != (int) value.len)
		return NULL;
	return text;
}

static void
append_member(StringInfo json, const char *name, Str value)
{
	char	   *text = claim_text(value);

	if (text == NULL)
		return;
	appendStringInfo(json, ", \"%s\": ", name);
	escape_json(json, text);
}

static void
append_moment(StringInfo json, const char *name, int64 micros)
{
	if (micros != JWT_NO_TIME)
		appendStringInfo(json, ", \"%s\": " INT64_FORMAT, name, micros / USECS_PER_SEC);
}

static void
append_audiences(StringInfo json, const StrList *audiences)
{
	const char *first = ", \"aud\": [";
	const char *before = first;

	if (audiences->count == 1)
	{
		append_member(json, "aud", audiences->items[0]);
		return;
	}
	for (int i = 0; i < audiences->count; i++)
	{
		char	   *text = claim_text(audiences->items[i]);

		if (text == NULL)
			continue;
		appendStringInfoString(json, before);
		escape_json(json, text);
		before = ", ";
	}
	if (before != first)
		appendStringInfoChar(json, ']');
}

/* To what it is bound, so that whoever asks can look for the proof. */
static void
append_confirmation(StringInfo json, const TokenFacts *facts)
{
	char		digits[BASE64URL_ENCODED_LEN(TOKEN_THUMBPRINT_LEN) + 1];
	const char *before = ", \"cnf\": {";

	if (facts->has_jkt)
	{
		digits[base64url_encode(facts->jkt, sizeof(facts->jkt), digits)] = '\0';
		appendStringInfo(json, "%s\"jkt\": \"%s\"", before, digits);
		before = ", ";
	}
	if (facts->has_x5t)
	{
		digits[base64url_encode(facts->x5t, sizeof(facts->x5t), digits)] = '\0';
		appendStringInfo(json, "%s\"x5t#S256\": \"%s\"", before, digits);
	}
	if (facts->has_jkt || facts->has_x5t)
		appendStringInfoChar(json, '}');
}

static char *
describe_token(const Token *token, const Entitlement *e)
{
	const JwtClaims *claims = &token->jwt->claims;
	StrList		scopes = token_client_scopes(e);
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoString(&json, "{\"active\": true");
	append_member(&json, "scope", token_scope_claim(&scopes));
	append_member(&json, "client_id", token_client_id(e));
	append_member(&json, "token_type",
				  token->facts.has_jkt ? (Str) {"DPoP", 4} : (Str) {"Bearer", 6});
	append_moment(&json, "exp", claims->exp);
	append_moment(&json, "iat", claims->iat);
	append_moment(&json, "nbf", claims->nbf);
	append_member(&json, "sub", claims->sub);
	append_audiences(&json, &token->facts.audiences);
	append_member(&json, "iss", claims->iss);
	append_member(&json, "jti", claims->jti);
	append_confirmation(&json, &token->facts);
	appendStringInfoChar(&json, '}');
	return json.data;
}

/* True if a call may pass with its proof.  A proof that nobody here knows is never good. */
static bool
is_active(const Token *token, const TokenHolder *holder, TimestampTz now)
{
	return !token->facts.revoked && !token->facts.is_bound_otherwise && now >= token->facts.not_before &&
		token_client_standing(holder->entitlement, &holder->secret, now) == VERDICT_VALID;
}

/* introspect(token, client, client_secret, assertion) */
Datum
devapp_introspect(PG_FUNCTION_ARGS)
{
	TimestampTz now = GetCurrentTimestamp();
	Entitlement *asking = token_client_asking(fcinfo, ARG_CLIENT, now);
	Token	   *token = palloc(sizeof(Token));
	TokenHolder holder;
	const char *json = "{\"active\": false}";

	/* a client that asks was checked on fresh data */
	if (asking == NULL)
		standby_require_fresh(now);
	if (!PG_ARGISNULL(ARG_TOKEN) &&
		token_examine(token_string_argument(fcinfo, ARG_TOKEN), token, &holder) == VERDICT_VALID &&
		is_active(token, &holder, now) && token_client_may_see(asking, holder.entitlement))
		json = describe_token(token, holder.entitlement);
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));
}
