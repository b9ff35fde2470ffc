/*
 * jwk_core.c
 *		Keys in JSON: JWK and JWKS (RFC 7517, 7518, 8037), thumbprints (RFC 7638).  Needs
 *		no backend.
 *
 * Each kind of key is for one algorithm here, so a key says by itself how it signs, and
 * nobody can have it used for another algorithm.  Of what is written of a key only the
 * public part is read (and the secret of HS256).  Whether the numbers are a key is for
 * token_key_from_jwk() to find out; this looks at their form.
 */
#include "token/jwk_core.h"

#include <sodium.h>
#include <stdio.h>

#include "base/sha256_core.h"
#include "token/base64url_core.h"

/* ---------- algorithms ---------- */

static const char *const alg_names[] = {
	[ALG_UNKNOWN] = "unknown",
	[ALG_EDDSA] = "EdDSA",
	[ALG_ES256] = "ES256",
	[ALG_RS256] = "RS256",
	[ALG_HS256] = "HS256"
};

/* The algorithm of that name; the case of its letters matters. */
TokenAlg
token_alg_of(Str name)
{
	for (int alg = ALG_EDDSA; alg <= ALG_HS256; alg++)
	{
		if (str_is(name, alg_names[alg]))
			return (TokenAlg) alg;
	}
	/* RFC 9864 */
	return str_is(name, "Ed25519") ? ALG_EDDSA : ALG_UNKNOWN;
}

const char *
token_alg_name(TokenAlg alg)
{
	return alg_names[alg];
}

/* ---------- reading ---------- */

/* The bytes of a member, of which there are exactly len. */
static bool
read_bytes(const JsonObject *object, const char *name, uint8_t *out, size_t len)
{
	Str			text;

	return json_string(object, name, &text) && text.data != NULL &&
		base64url_decode_exactly(text, out, len);
}

/* The bytes of a member, of which there are from min to max.  decoded has room for some more. */
static bool
read_some_bytes(const JsonObject *object, const char *name, uint8_t *out, size_t min, size_t max,
				size_t *len)
{
	uint8_t		decoded[BASE64URL_DECODED_MAX(BASE64URL_ENCODED_LEN(JWK_MODULUS_MAX))];
	Str			text;
	bool		good;

	if (!json_string(object, name, &text) || text.data == NULL ||
		text.len > BASE64URL_ENCODED_LEN(max))
		return false;
	good = base64url_decode(text, decoded, len) && *len >= min && *len <= max;
	if (good)
		memcpy(out, decoded, *len);
	sodium_memzero(decoded, sizeof(decoded));
	return good;
}

static bool
has_curve(const JsonObject *object, const char *curve)
{
	const JsonValue *value = json_member(object, "crv");

	return value != NULL && value->kind == JSON_IS_STRING && str_is(value->text, curve);
}

/* Ed25519 (RFC 8037). */
static JwkError
read_okp(const JsonObject *object, Jwk *jwk)
{
	if (!has_curve(object, "Ed25519"))
		return JWK_UNSUPPORTED;
	jwk->alg = ALG_EDDSA;
	return read_bytes(object, "x", jwk->x, sizeof(jwk->x)) ? JWK_OK : JWK_MALFORMED;
}

static JwkError
read_ec(const JsonObject *object, Jwk *jwk)
{
	if (!has_curve(object, "P-256"))
		return JWK_UNSUPPORTED;
	jwk->alg = ALG_ES256;
	return read_bytes(object, "x", jwk->x, sizeof(jwk->x)) &&
		read_bytes(object, "y", jwk->y, sizeof(jwk->y)) ? JWK_OK : JWK_MALFORMED;
}

/* Numbers have no zero bytes before them (RFC 7518, section 2), and are odd. */
static bool
is_odd_number(const uint8_t *bytes, size_t len)
{
	return bytes[0] != 0 && (bytes[len - 1] & 1) == 1;
}

/* At least 65537: small exponents make mistakes elsewhere fatal. */
static bool
is_good_exponent(const uint8_t *bytes, size_t len)
{
	return len > 3 || (len == 3 && (bytes[0] > 1 || bytes[1] > 0 || bytes[2] >= 1));
}

static JwkError
read_rsa(const JsonObject *object, Jwk *jwk)
{
	jwk->alg = ALG_RS256;
	if (!read_some_bytes(object, "n", jwk->modulus, JWK_MODULUS_MIN, JWK_MODULUS_MAX,
						 &jwk->modulus_len) ||
		!read_some_bytes(object, "e", jwk->exponent, 1, JWK_EXPONENT_MAX, &jwk->exponent_len) ||
		!is_odd_number(jwk->modulus, jwk->modulus_len) ||
		!is_odd_number(jwk->exponent, jwk->exponent_len) ||
		!is_good_exponent(jwk->exponent, jwk->exponent_len))
		return JWK_MALFORMED;
	/* 2048 bits at least, not 2041 */
	return jwk->modulus_len > JWK_MODULUS_MIN || jwk->modulus[0] >= 0x80 ? JWK_OK : JWK_MALFORMED;
}

static JwkError
read_oct(const JsonObject *object, Jwk *jwk)
{
	jwk->alg = ALG_HS256;
	return read_some_bytes(object, "k", jwk->secret, JWK_SECRET_MIN, JWK_SECRET_MAX,
						   &jwk->secret_len) ? JWK_OK : JWK_MALFORMED;
}

static JwkError
read_key(const JsonObject *object, Str kty, Jwk *jwk)
{
	if (str_is(kty, "OKP"))
		return read_okp(object, jwk);
	if (str_is(kty, "EC"))
		return read_ec(object, jwk);
	if (str_is(kty, "RSA"))
		return read_rsa(object, jwk);
	if (str_is(kty, "oct"))
		return read_oct(object, jwk);
	return JWK_UNSUPPORTED;
}

/* What the key may be used for, where that is said: "key_ops". */
static JwkError
check_operations(const JsonObject *object, JsonBuffer *buffer)
{
	const JsonValue *operations = json_member(object, "key_ops");
	JwkError	result = JWK_UNSUPPORTED;
	JsonItems	items;
	JsonValue	item;

	if (operations == NULL)
		return JWK_OK;
	if (operations->kind != JSON_IS_ARRAY)
		return JWK_MALFORMED;
	items = json_items(operations, buffer);
	while (json_next_item(&items, &item))
	{
		if (item.kind != JSON_IS_STRING)
			return JWK_MALFORMED;
		if (str_is(item.text, "verify") || str_is(item.text, "sign"))
			result = JWK_OK;
	}
	return json_items_ended(&items) ? result : JWK_MALFORMED;
}

/* What else is said of the key must not contradict its use here. */
static JwkError
check_purpose(const JsonObject *object, JsonBuffer *buffer, TokenAlg alg)
{
	Str			name;
	Str			use;

	if (!json_string(object, "alg", &name) || !json_string(object, "use", &use))
		return JWK_MALFORMED;
	if ((name.data != NULL && token_alg_of(name) != alg) ||
		(use.data != NULL && !str_is(use, "sig")))
		return JWK_UNSUPPORTED;
	return check_operations(object, buffer);
}

/* Read a JWK.  jwk is complete only if the answer is JWK_OK. */
JwkError
jwk_read(Str text, JsonBuffer *buffer, Jwk *jwk)
{
	JsonObject	object;
	Str			kty;
	JwkError	result;

	memset(jwk, 0, sizeof(*jwk));
	if (!json_read_object(text, buffer, &object) ||
		!json_string(&object, "kty", &kty) || kty.data == NULL ||
		!json_string(&object, "kid", &jwk->kid) || jwk->kid.len > JWK_KID_MAX)
		return JWK_MALFORMED;
	result = read_key(&object, kty, jwk);
	if (result == JWK_OK)
		result = check_purpose(&object, buffer, jwk->alg);
	jwk->is_private = json_member(&object, "d") != NULL;
	return result;
}

/* ---------- sets ---------- */

/* Note one more key; false if there is no room, or another one has its kid. */
static bool
add_kid(Str *kids, int *nkeys, Str kid)
{
	if (*nkeys == JWKS_KEYS_MAX)
		return false;
	for (int i = 0; i < *nkeys && kid.data != NULL; i++)
	{
		if (kids[i].data != NULL && str_equal(kids[i], kid))
			return false;
	}
	kids[(*nkeys)++] = kid;
	return true;
}

static bool
visit_keys(JsonItems items, JsonBuffer *buffer, Jwk *jwk, JwkVisitor visit, void *arg)
{
	Str			kids[JWKS_KEYS_MAX];
	int			nkeys = 0;
	JsonValue	item;

	while (json_next_item(&items, &item))
	{
		if (item.kind != JSON_IS_OBJECT)
			return false;
		if (jwk_read(item.text, buffer, jwk) != JWK_OK)
			continue;
		if (!add_kid(kids, &nkeys, jwk->kid))
			return false;
		if (!visit(jwk, arg))
			return true;
	}
	return json_items_ended(&items);
}

/*
 * Give each key of a set that is for us to the visitor.  The others are skipped, as RFC 7517,
 * section 5, wants it: a provider may add keys of kinds that are new.  What the visitor gets
 * lasts as long as its call; its kid, as long as text and buffer.
 */
bool
jwks_read(Str text, JsonBuffer *buffer, JwkVisitor visit, void *arg)
{
	JsonObject	object;
	const JsonValue *keys;
	Jwk			jwk;
	bool		good;

	if (text.len > JWKS_MAX || !json_read_object(text, buffer, &object))
		return false;
	keys = json_member(&object, "keys");
	if (keys == NULL || keys->kind != JSON_IS_ARRAY)
		return false;
	good = visit_keys(json_items(keys, buffer), buffer, &jwk, visit, arg);
	sodium_memzero(jwk.secret, sizeof(jwk.secret));
	return good;
}

/* ---------- writing ---------- */

/* Write name and bytes as a member, return where the next one goes. */
static char *
put_bytes(char *out, const char *name, const uint8_t *bytes, size_t len)
{
	out += sprintf(out, "\"%s\":\"", name);
	out += base64url_encode(bytes, len, out);
	*out++ = '"';
	return out;
}

static char *
put_word(char *out, const char *word)
{
	size_t		len = strlen(word);

	memcpy(out, word, len);
	return out + len;
}

/*
 * The members that make the key, in the order of RFC 7638 and as it writes them, without
 * the brace at the end.
 */
static char *
put_key(char *out, const Jwk *jwk)
{
	switch (jwk->alg)
	{
		case ALG_EDDSA:
			out = put_word(out, "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",");
			return put_bytes(out, "x", jwk->x, sizeof(jwk->x));
		case ALG_ES256:
			out = put_word(out, "{\"crv\":\"P-256\",\"kty\":\"EC\",");
			out = put_bytes(out, "x", jwk->x, sizeof(jwk->x));
			*out++ = ',';
			return put_bytes(out, "y", jwk->y, sizeof(jwk->y));
		case ALG_RS256:
			*out++ = '{';
			out = put_bytes(out, "e", jwk->exponent, jwk->exponent_len);
			out = put_word(out, ",\"kty\":\"RSA\",");
			return put_bytes(out, "n", jwk->modulus, jwk->modulus_len);
		case ALG_HS256:
			*out++ = '{';
			out = put_bytes(out, "k", jwk->secret, jwk->secret_len);
			return put_word(out, ",\"kty\":\"oct\"");
		case ALG_UNKNOWN:
			break;
	}
	return out;
}

/* A string of UTF-8, with the escapes that it needs. */
static char *
put_string(char *out, Str s)
{
	*out++ = '"';
	for (size_t i = 0; i < s.len; i++)
	{
		unsigned char c = (unsigned char) s.data[i];

		if (c < 0x20)
		{
			out += sprintf(out, "\\u%04x", c);
			continue;
		}
		if (c == '"' || c == '\\')
			*out++ = '\\';
		*out++ = (char) c;
	}
	*out++ = '"';
	return out;
}

/* SHA-256 of the members that make the key (RFC 7638). */
void
jwk_thumbprint(const Jwk *jwk, uint8_t out[JWK_THUMBPRINT_LEN])
{
	char		text[JWK_TEXT_MAX];
	char	   *end = put_key(text, jwk);

	*end++ = '}';
	sha256_of(text, (size_t) (end - text), out);
	if (jwk->alg == ALG_HS256)
		sodium_memzero(text, sizeof(text));
}

/*
 * Write a public key, with its kid if it has one, ended by a zero, and return its length.  A
 * shared secret is not written: 0.
 */
size_t
jwk_write(const Jwk *jwk, Str kid, char out[JWK_TEXT_MAX])
{
	char	   *end;

	out[0] = '\0';
	if (jwk->alg == ALG_HS256 || jwk->alg == ALG_UNKNOWN || kid.len > JWK_KID_MAX)
		return 0;
	end = put_key(out, jwk);
	if (kid.data != NULL)
		end = put_string(put_word(end, ",\"kid\":"), kid);
	end += sprintf(end, ",\"use\":\"sig\",\"alg\":\"%s\"}", token_alg_name(jwk->alg));
	return (size_t) (end - out);
}
