/*
 * stored_jwks.c
 *		A set of keys (JWKS) that a caller stores.
 *
 * The set is not stored as it was given.  A public key is rewritten with the members that
 * make it, so that nothing else is stored which the caller put there by mistake; shared
 * secrets (oct) are sealed.  A set that cannot be used as it is meant is an error that says
 * which key is at fault, and never shows one.  Keys for something else, such as encryption,
 * are left out.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "base/compat.h"
#include "base/sodium.h"
#include "token/jwk_core.h"
#include "token/keyring.h"

PG_FUNCTION_INFO_V1(devapp_read_jwks);

#define SET_BEGIN	"{\"keys\":["
#define SET_END		"]}"

typedef struct StoredJwks
{
	StringInfoData public;		/* a set of public keys */
	Unsealed	secrets;		/* the same of the shared secrets */
	int			nsecrets;
	int			nkeys;
	Str			kids[JWKS_KEYS_MAX];
} StoredJwks;

static void
refuse_set(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("these keys cannot be used"),
			 errdetail("%s", detail),
			 errhint("Give a JWK Set (RFC 7517) of at most %d keys for signatures: Ed25519, P-256, RSA of 2048 bits or more, or secrets (oct) of %d bytes or more, each with a kid of its own.",
					 JWKS_KEYS_MAX, JWK_SECRET_MIN)));
}

static void
refuse_key(int number, const char *what)
{
	refuse_set(psprintf("Key %d %s.", number, what));
}

static void
add_kid(StoredJwks *set, int number, Str kid)
{
	if (kid.data == NULL || kid.len == 0 || kid.len > JWK_KID_MAX)
		refuse_key(number, "has no kid");
	for (int i = 0; i < set->nkeys; i++)
	{
		if (str_equal(set->kids[i], kid))
			refuse_key(number, "has the kid of another key");
	}
	if (set->nkeys == JWKS_KEYS_MAX)
		refuse_set("The set has too many keys.");
	set->kids[set->nkeys++] = kid;
}

static void
add_secret(StoredJwks *set, Str text)
{
	char	   *out = (char *) set->secrets.data + set->secrets.len;

	if (set->nsecrets++ > 0)
		*out++ = ',';
	memcpy(out, text.data, text.len);
	set->secrets.len = (size_t) (out + text.len - (char *) set->secrets.data);
}

static void
add_public(StoredJwks *set, const Jwk *jwk)
{
	char		text[JWK_TEXT_MAX];

	if (set->public.len > (int) strlen(SET_BEGIN))
		appendStringInfoChar(&set->public, ',');
	(void) jwk_write(jwk, jwk->kid, text);
	appendStringInfoString(&set->public, text);
}

static void
add_item(StoredJwks *set, int number, const JsonValue *item, JsonBuffer *buffer, Jwk *jwk)
{
	JwkError	error = item->kind == JSON_IS_OBJECT ? jwk_read(item->text, buffer, jwk) : JWK_MALFORMED;

	if (error == JWK_UNSUPPORTED)
		return;
	if (error != JWK_OK)
		refuse_key(number, "is malformed or too weak");
	if (jwk->is_private)
		refuse_key(number, "has its private part, which must not leave its issuer");
	add_kid(set, number, jwk->kid);
	if (jwk->alg == ALG_HS256)
		add_secret(set, item->text);
	else
		add_public(set, jwk);
}

static void
add_items(StoredJwks *set, Str text, JsonBuffer *buffer, Jwk *jwk)
{
	JsonObject *object = palloc(sizeof(JsonObject));
	const JsonValue *keys = NULL;
	JsonItems	items;
	JsonValue	item;

	if (text.len <= JWKS_MAX && json_read_object(text, buffer, object))
		keys = json_member(object, "keys");
	if (keys == NULL || keys->kind != JSON_IS_ARRAY)
		refuse_set("It is not an object with an array \"keys\", or it is too long.");
	items = json_items(keys, buffer);
	for (int number = 1; json_next_item(&items, &item); number++)
		add_item(set, number, &item, buffer, jwk);
	if (set->nkeys == 0)
		refuse_set("The set has no key for signatures.");
}

/* Fill in the set; returns what is sealed of it, or NULL. */
static bytea *
read_set(StoredJwks *set, Str text, JsonBuffer *buffer, Jwk *jwk, const char *subject)
{
	memcpy(set->secrets.data, SET_BEGIN, strlen(SET_BEGIN));
	set->secrets.len = strlen(SET_BEGIN);
	initStringInfo(&set->public);
	appendStringInfoString(&set->public, SET_BEGIN);
	add_items(set, text, buffer, jwk);
	appendStringInfoString(&set->public, SET_END);
	if (set->nsecrets == 0)
		return NULL;
	memcpy(set->secrets.data + set->secrets.len, SET_END, strlen(SET_END));
	return keyring_seal(subject, set->secrets.data, set->secrets.len + strlen(SET_END));
}

/* read_jwks(jwks, subject): as public (jsonb), secrets (how many), sealed (null: nothing is) */
Datum
devapp_read_jwks(PG_FUNCTION_ARGS)
{
	Jsonb	   *jwks = PG_GETARG_JSONB_P(0);
	char	   *json = JsonbToCString(NULL, &jwks->root, VARSIZE(jwks));
	size_t		len = strlen(json);
	char	   *room = palloc(len);
	JsonBuffer	buffer = {room, room + len};
	Jwk		   *jwk = palloc0(sizeof(Jwk));
	StoredJwks *set = palloc0(sizeof(StoredJwks));
	bytea	   *sealed = NULL;
	Datum		values[3];
	bool		nulls[3] = {false};
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "read_jwks returns a row");
	set->secrets = keyring_room(JWKS_MAX + sizeof(SET_BEGIN) + sizeof(SET_END));
	PG_TRY();
	{
		sealed = read_set(set, (Str) {json, len}, &buffer, jwk, text_to_cstring(PG_GETARG_TEXT_PP(1)));
	}
	PG_FINALLY();
	{
		keyring_wipe(&set->secrets);
		sodium_memzero(json, len);
		sodium_memzero(room, len);
		sodium_memzero(jwk, sizeof(Jwk));
	}
	PG_END_TRY();
	values[0] = DirectFunctionCall1(jsonb_in, CStringGetDatum(set->public.data));
	values[1] = Int32GetDatum(set->nsecrets);
	values[2] = PointerGetDatum(sealed);
	nulls[2] = sealed == NULL;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
