/*
 * jose.c
 *		What SQL asks about signatures, keys and proofs.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/sodium.h"
#include "token/dpop.h"
#include "token/jwt_core.h"

PG_FUNCTION_INFO_V1(devapp_jws_payload);
PG_FUNCTION_INFO_V1(devapp_jwk_thumbprint);
PG_FUNCTION_INFO_V1(devapp_dpop_thumbprint);
PG_FUNCTION_INFO_V1(devapp_dpop_named_key);

/* An argument in UTF-8, which tokens and keys are in; data NULL where it is NULL. */
static Str
utf8_argument(FunctionCallInfo fcinfo, int n)
{
	text	   *t;
	char	   *s;

	if (PG_ARGISNULL(n))
		return (Str) {NULL, 0};
	t = PG_GETARG_TEXT_PP(n);
	s = text_to_cstring(t);
	s = pg_server_to_any(s, (int) strlen(s), PG_UTF8);
	return (Str) {s, strlen(s)};
}

static Datum
base64url_datum(const uint8 *bytes, size_t len)
{
	char	   *text = palloc(BASE64URL_ENCODED_LEN(len));

	return PointerGetDatum(cstring_to_text_with_len(text, (int) base64url_encode(bytes, len, text)));
}

static bool
read_jwk(Str text, Jwk *jwk)
{
	char	   *room = palloc(text.len + 1);
	JsonBuffer	buffer = {room, room + text.len};

	return jwk_read(text, &buffer, jwk) == JWK_OK;
}

/* ---------- signatures and keys ---------- */

static bool
is_signed_by(const Jwt *jwt, const Jwk *jwk)
{
	TokenKey   *key = token_key_from_jwk(jwk);
	bool		good = key != NULL && jwt_is_signed_by(jwt, key);

	token_key_free(key);
	return good;
}

/* jws_payload(jws, jwk): what was signed with that key; null if nothing was */
Datum
devapp_jws_payload(PG_FUNCTION_ARGS)
{
	Str			token = utf8_argument(fcinfo, 0);
	Jwt		   *jwt = palloc(sizeof(Jwt));
	Jwk			jwk;
	bool		is_signed;
	bytea	   *payload;

	devapp_require_sodium();
	is_signed = read_jwk(utf8_argument(fcinfo, 1), &jwk) && jwt_read(token, JWT_WITHOUT_KEY, jwt) &&
		is_signed_by(jwt, &jwk);
	sodium_memzero(jwk.secret, sizeof(jwk.secret));
	if (!is_signed)
		PG_RETURN_NULL();
	payload = palloc(VARHDRSZ + jwt->payload.len);
	SET_VARSIZE(payload, VARHDRSZ + jwt->payload.len);
	memcpy(VARDATA(payload), jwt->payload.data, jwt->payload.len);
	PG_RETURN_BYTEA_P(payload);
}

/* jwk_thumbprint(jwk): null if it is not a key */
Datum
devapp_jwk_thumbprint(PG_FUNCTION_ARGS)
{
	uint8		thumbprint[JWK_THUMBPRINT_LEN];
	Jwk			jwk;
	bool		is_key;

	devapp_require_sodium();
	is_key = read_jwk(utf8_argument(fcinfo, 0), &jwk);
	if (is_key)
		jwk_thumbprint(&jwk, thumbprint);
	sodium_memzero(jwk.secret, sizeof(jwk.secret));
	if (!is_key)
		PG_RETURN_NULL();
	return base64url_datum(thumbprint, sizeof(thumbprint));
}

/* ---------- proofs ---------- */

/*
 * dpop_thumbprint(proof, method, url, token, at): the thumbprint of its key if it is good
 * for that request, and used for the first time; else null
 */
Datum
devapp_dpop_thumbprint(PG_FUNCTION_ARGS)
{
	TimestampTz at = PG_ARGISNULL(4) ? GetCurrentTimestamp() : PG_GETARG_TIMESTAMPTZ(4);
	uint8		thumbprint[JWK_THUMBPRINT_LEN];

	if (!dpop_proof_thumbprint(utf8_argument(fcinfo, 0), utf8_argument(fcinfo, 3),
							   utf8_argument(fcinfo, 1), utf8_argument(fcinfo, 2), thumbprint, at))
		PG_RETURN_NULL();
	return base64url_datum(thumbprint, sizeof(thumbprint));
}

/*
 * dpop_named_key(proof): the thumbprint of the key in a proof that nobody has checked yet; null
 * if there is none
 */
Datum
devapp_dpop_named_key(PG_FUNCTION_ARGS)
{
	Jwt		   *jwt = palloc(sizeof(Jwt));
	uint8		thumbprint[JWK_THUMBPRINT_LEN];
	Jwk			jwk;

	devapp_require_sodium();
	if (!jwt_read(utf8_argument(fcinfo, 0), JWT_WITH_KEY, jwt) || !read_jwk(jwt->jwk, &jwk))
		PG_RETURN_NULL();
	jwk_thumbprint(&jwk, thumbprint);
	sodium_memzero(jwk.secret, sizeof(jwk.secret));
	return base64url_datum(thumbprint, sizeof(thumbprint));
}
