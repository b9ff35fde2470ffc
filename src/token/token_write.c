/*
 * token_write.c
 *		Writing the tokens that we sign.
 *
 * A token is a secret as long as it works, so it lies nowhere but in one buffer, which
 * whoever asked for it wipes.  The private key is unsealed for the signature and wiped
 * after it (signing_key.c).
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/sodium.h"
#include "table/catalog.h"
#include "table/invalidation.h"
#include "token/jwt_core.h"
#include "token/token_setting.h"
#include "token/token_write.h"

/* From a moment of PostgreSQL's to the seconds of a token, rounded down. */
int64
unix_seconds(int64 moment)
{
	int64		seconds = moment / USECS_PER_SEC - (moment % USECS_PER_SEC < 0);

	return seconds + (int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
}

/* ---------- the key that signs ---------- */

static const TokenSigningKey *
find_active(TokenAlg alg)
{
	uint64		loaded_at = invalidation_accept();
	Snapshot	snapshot = catalog_take_snapshot();
	const TokenSigningKey *key = signing_key_active(alg, loaded_at, snapshot);

	catalog_release_snapshot(snapshot);
	return key;
}

/* The key that signs a token with this lifetime, in seconds. */
const TokenSigningKey *
token_signer(TokenAlg alg, int64 lifetime)
{
	const TokenSigningKey *key = find_active(alg);

	if (key != NULL && key->longest_lifetime < lifetime)
	{
		signing_key_will_sign(key, (int) Min(lifetime, INT_MAX));
		key = find_active(alg);
	}
	if (key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("there is no active signing key for %s", token_alg_name(alg)),
				 errhint("An administrator can create one with devapp.create_signing_key and activate it with devapp.activate_signing_key.")));
	return key;
}

/* ---------- claims ---------- */

static void
append_string(StringInfo json, const char *name, Str value)
{
	if (value.data == NULL)
		return;
	appendStringInfo(json, ",\"%s\":", name);
	escape_json(json, pnstrdup(value.data, value.len));
}

/* One audience is a string, several are an array. */
static void
append_audiences(StringInfo json, const StrList *audiences)
{
	if (audiences->count == 1)
	{
		append_string(json, "aud", audiences->items[0]);
		return;
	}
	for (int i = 0; i < audiences->count; i++)
	{
		appendStringInfoString(json, i == 0 ? ",\"aud\":[" : ",");
		escape_json(json, pnstrdup(audiences->items[i].data, audiences->items[i].len));
	}
	if (audiences->count > 0)
		appendStringInfoChar(json, ']');
}

/* To what the token is bound (RFC 7800). */
static void
append_confirmation(StringInfo json, const TokenClaims *claims)
{
	const char *comma = "";

	if (claims->jkt.data == NULL && claims->x5t.data == NULL)
		return;
	appendStringInfoString(json, ",\"cnf\":{");
	if (claims->jkt.data != NULL)
	{
		appendStringInfo(json, "\"jkt\":\"%.*s\"", (int) claims->jkt.len, claims->jkt.data);
		comma = ",";
	}
	if (claims->x5t.data != NULL)
		appendStringInfo(json, "%s\"x5t#S256\":\"%.*s\"", comma, (int) claims->x5t.len, claims->x5t.data);
	appendStringInfoChar(json, '}');
}

static Str
payload_of(const TokenClaims *claims)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoString(&json, "{\"iss\":");
	escape_json(&json, token_issuer_name());
	append_string(&json, "sub", claims->client_id);
	append_string(&json, "client_id", claims->client_id);
	append_audiences(&json, &claims->audiences);
	append_string(&json, "scope", claims->scope);
	appendStringInfo(&json, ",\"iat\":" INT64_FORMAT ",\"exp\":" INT64_FORMAT, claims->iat, claims->exp);
	append_string(&json, "jti", (Str) {claims->jti, TOKEN_JTI_LEN});
	append_confirmation(&json, claims);
	appendStringInfoChar(&json, '}');
	return (Str) {json.data, (size_t) json.len};
}

static Str
header_of(const TokenClaims *claims, const TokenSigningKey *signer)
{
	char	   *json = psprintf("{\"typ\":\"%s\",\"alg\":\"%s\",\"kid\":\"%s\"}", claims->typ,
								token_alg_name(signer->alg), signer->kid);

	return (Str) {json, strlen(json)};
}

static void
make_jti(char jti[TOKEN_JTI_LEN + 1])
{
	uint8		bytes[16];

	StaticAssertStmt(BASE64URL_ENCODED_LEN(sizeof(bytes)) == TOKEN_JTI_LEN, "digits of a jti");
	devapp_require_sodium();
	randombytes_buf(bytes, sizeof(bytes));
	(void) base64url_encode(bytes, sizeof(bytes), jti);
	jti[TOKEN_JTI_LEN] = '\0';
}

/* ---------- writing ---------- */

/* Room for a token; an error if nobody could read one of that length. */
static size_t
room_for(Str header, Str payload)
{
	size_t		room = BASE64URL_ENCODED_LEN(header.len) + 1 + BASE64URL_ENCODED_LEN(payload.len) + 1 +
		BASE64URL_ENCODED_LEN(SIGNATURE_MAX);

	if (room > JWT_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the token would be too long"),
				 errdetail("The maximum length is %d bytes.", JWT_MAX),
				 errhint("Ask for fewer scopes.")));
	return room;
}

WrittenToken
token_write(TokenClaims *claims, const TokenSigningKey *signer)
{
	Str			header = header_of(claims, signer);
	Str			payload;
	WrittenToken token;
	size_t		room;

	make_jti(claims->jti);
	payload = payload_of(claims);
	room = room_for(header, payload);
	token.bytes = palloc(room);
	token.len = jwt_write(header, payload, signing_key_private(signer), token.bytes, room);
	if (token.len == 0)
		elog(ERROR, "a token could not be signed");
	return token;
}

void
token_wipe(WrittenToken *token)
{
	if (token->bytes != NULL)
		sodium_memzero(token->bytes, token->len);
	token->bytes = NULL;
}
