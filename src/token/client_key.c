/*
 * client_key.c
 *		The keys with which clients sign assertions, as they are registered.
 *
 * Whoever registers a key wants to use it.  So what is skipped in the set of a stranger
 * is refused here: keys of unknown kinds, and those that have a private part or are a
 * shared secret, which nobody else may have.  What is kept is what
 * jwk_write() writes.
 */
#include "postgres.h"

#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/tuplestore.h"

#include "base/compat.h"
#include "base/sodium.h"
#include "token/base64url_core.h"
#include "token/signature_core.h"

PG_FUNCTION_INFO_V1(devapp_read_client_keys);

#define CLIENT_KEYS_MAX	16

/* Columns of devapp_internal.read_client_keys(). */
enum
{
	KEY_KID,
	KEY_ALG,
	KEY_JWK,
	KEY_COLUMNS
};

compat_noreturn static void
refuse_set(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the keys are not a JWK Set"),
			 errhint("Give {\"keys\": [...]} with public keys (RFC 7517), at most %d.", CLIENT_KEYS_MAX)));
}

/* number: of the key in its set, from 1.  No key is shown, since it may be a private one. */
compat_noreturn static void
refuse_key(int number, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("key %d of the set cannot be registered", number),
			 errdetail("%s", why)));
}

static const char *
kid_problem(Str kid)
{
	if (!str_is_printable_ascii(kid))
		return "Its kid has characters other than printable ASCII.";
	return kid.data != NULL && kid.len == 0 ? "Its kid is empty." : NULL;
}

/* Does OpenSSL or libsodium take it for a key? */
static bool
is_usable(const Jwk *jwk)
{
	TokenKey   *key = token_key_from_jwk(jwk);

	token_key_free(key);
	return key != NULL;
}

static const char *
key_problem(JwkError error, const Jwk *jwk)
{
	if (jwk->is_private || jwk->alg == ALG_HS256)
		return "It has a private part or is a shared secret, which only the client may have. Replace the key.";
	if (error == JWK_UNSUPPORTED)
		return "It must be for signatures: an Ed25519 key (EdDSA), one on the curve P-256 (ES256), or an RSA key (RS256).";
	if (error != JWK_OK || !is_usable(jwk))
		return "It is not a public key: RSA keys have 2048 to 8192 bits and an exponent of 65537 or more.";
	return kid_problem(jwk->kid);
}

/* A key without a kid has its thumbprint as one. */
static Str
kid_of(const Jwk *jwk, char thumbprint[BASE64URL_ENCODED_LEN(JWK_THUMBPRINT_LEN)])
{
	uint8		digest[JWK_THUMBPRINT_LEN];

	if (jwk->kid.data != NULL)
		return jwk->kid;
	jwk_thumbprint(jwk, digest);
	return (Str) {thumbprint, base64url_encode(digest, sizeof(digest), thumbprint)};
}

static void
put_key(ReturnSetInfo *result, const Jwk *jwk)
{
	char		thumbprint[BASE64URL_ENCODED_LEN(JWK_THUMBPRINT_LEN)];
	char		text[JWK_TEXT_MAX];
	Str			kid = kid_of(jwk, thumbprint);
	Datum		values[KEY_COLUMNS];
	bool		nulls[KEY_COLUMNS] = {false};

	(void) jwk_write(jwk, kid, text);
	values[KEY_KID] = PointerGetDatum(cstring_to_text_with_len(kid.data, (int) kid.len));
	values[KEY_ALG] = CStringGetTextDatum(token_alg_name(jwk->alg));
	values[KEY_JWK] = DirectFunctionCall1(jsonb_in, CStringGetDatum(text));
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
read_key(ReturnSetInfo *result, int number, const JsonValue *value, JsonBuffer *buffer)
{
	Jwk			jwk;
	JwkError	error;
	const char *problem;

	if (value->kind != JSON_IS_OBJECT || number > CLIENT_KEYS_MAX)
		refuse_set();
	error = jwk_read(value->text, buffer, &jwk);
	problem = key_problem(error, &jwk);
	sodium_memzero(jwk.secret, sizeof(jwk.secret));
	if (problem != NULL)
		refuse_key(number, problem);
	put_key(result, &jwk);
}

static Str
utf8_of(Jsonb *value)
{
	char	   *text = JsonbToCString(NULL, &value->root, VARSIZE(value));

	text = pg_server_to_any(text, (int) strlen(text), PG_UTF8);
	return (Str) {text, strlen(text)};
}

/* The members of "keys". */
static JsonItems
items_of(Str text, JsonBuffer *buffer)
{
	JsonObject *object = palloc(sizeof(JsonObject));
	const JsonValue *keys = NULL;

	if (text.len <= JWKS_MAX && json_read_object(text, buffer, object))
		keys = json_member(object, "keys");
	if (keys == NULL || keys->kind != JSON_IS_ARRAY)
		refuse_set();
	return json_items(keys, buffer);
}

/* read_client_keys(jwks): its keys, in their order */
Datum
devapp_read_client_keys(PG_FUNCTION_ARGS)
{
	Str			text;
	char	   *room;
	JsonBuffer	buffer;
	JsonItems	items;
	JsonValue	item;
	int			number = 0;

	if (PG_ARGISNULL(0))
		refuse_set();
	devapp_require_sodium();
	text = utf8_of(PG_GETARG_JSONB_P(0));
	room = palloc(text.len);
	buffer = (JsonBuffer) {room, room + text.len};
	items = items_of(text, &buffer);
	InitMaterializedSRF(fcinfo, 0);
	while (json_next_item(&items, &item))
		read_key((ReturnSetInfo *) fcinfo->resultinfo, ++number, &item, &buffer);
	return (Datum) 0;
}
