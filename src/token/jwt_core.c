/*
 * jwt_core.c
 *		Signed tokens: JWS in compact serialisation (RFC 7515) with claims (RFC 7519).
 *		Needs no backend.
 *
 * jwt_read() looks at the form of a token and at its header.  What the header says decides
 * which key is asked for, and nothing else.  Keys that a stranger puts into the header,
 * or points to, are refused, and so is whatever changes how the rest has to be understood
 * (crit, b64).  Only a DPoP proof has a key in it.  Claims are read afterwards, by
 * jwt_read_claims(); whether the signature has been verified by then is up to the caller.
 */
#include "token/jwt_core.h"

/* ---------- the three parts ---------- */

/* The part of a token up to the next dot, or to its end. */
static Str
next_part(const char **at, const char *end)
{
	Str			part = {*at, 0};

	while (*at < end && **at != '.')
		(*at)++;
	part.len = (size_t) (*at - part.data);
	return part;
}

/* Header, payload, signature, in digits; false if there are not three. */
static bool
split_token(Str token, Str parts[3])
{
	const char *at = token.data;
	const char *end = token.data + token.len;

	for (int i = 0; i < 3; i++)
	{
		if (i > 0 && at++ == end)
			return false;
		parts[i] = next_part(&at, end);
	}
	return at == end && parts[0].len > 0 && parts[2].len > 0;
}

/* Decode a part behind what was decoded before; *used grows. */
static bool
decode_part(Jwt *jwt, Str part, size_t *used, Str *out)
{
	size_t		len;

	if (!base64url_decode(part, jwt->decoded + *used, &len))
		return false;
	*out = (Str) {(const char *) jwt->decoded + *used, len};
	*used += len;
	return true;
}

/* ---------- the header ---------- */

static const char *const refused_in_header[] = {
	"crit", "b64", "jku", "x5u", "x5c", "x5t", "x5t#S256"
};

static bool
read_header_key(const JsonObject *header, JwtKeyRule rule, Str *jwk)
{
	const JsonValue *value = json_member(header, "jwk");

	*jwk = (Str) {NULL, 0};
	if (value == NULL)
		return rule == JWT_WITHOUT_KEY;
	if (rule == JWT_WITHOUT_KEY || value->kind != JSON_IS_OBJECT)
		return false;
	*jwk = value->text;
	return true;
}

static bool
read_header(Jwt *jwt, Str text, JwtKeyRule rule)
{
	JsonBuffer	buffer = {jwt->unescaped, jwt->unescaped + sizeof(jwt->unescaped)};
	JsonObject *header = &jwt->members;
	Str			alg;

	if (!json_read_object(text, &buffer, header) ||
		!json_string(header, "alg", &alg) || alg.data == NULL ||
		!json_string(header, "kid", &jwt->kid) || jwt->kid.len > JWK_KID_MAX ||
		!json_string(header, "typ", &jwt->typ) ||
		!read_header_key(header, rule, &jwt->jwk))
		return false;
	for (size_t i = 0; i < sizeof(refused_in_header) / sizeof(refused_in_header[0]); i++)
	{
		if (json_member(header, refused_in_header[i]) != NULL)
			return false;
	}
	jwt->alg = token_alg_of(alg);
	jwt->free_room = buffer.at;
	return jwt->alg != ALG_UNKNOWN;
}

/*
 * Read a token up to its claims.  False if it is malformed: nothing that we, or anybody
 * who keeps to what the rule allows, would sign.
 */
bool
jwt_read(Str token, JwtKeyRule rule, Jwt *jwt)
{
	Str			parts[3];
	Str			header;
	Str			signature;
	size_t		used = 0;

	if (token.len == 0 || token.len > JWT_MAX || !split_token(token, parts) ||
		!decode_part(jwt, parts[0], &used, &header) ||
		!decode_part(jwt, parts[1], &used, &jwt->payload) ||
		!decode_part(jwt, parts[2], &used, &signature))
		return false;
	jwt->signed_part = (Str) {token.data, parts[0].len + 1 + parts[1].len};
	jwt->signature = (const uint8_t *) signature.data;
	jwt->signature_len = signature.len;
	return read_header(jwt, header, rule);
}

/*
 * Is that the type of the token?  It may be written as a media type, and is compared without
 * regard to case (RFC 7515, section 4.1.9).
 */
bool
jwt_typ_is(const Jwt *jwt, const char *typ)
{
	static const char prefix[] = "application/";
	size_t		prefix_len = sizeof(prefix) - 1;
	Str			s = jwt->typ;

	if (s.data == NULL)
		return false;
	if (s.len > prefix_len && str_equal_nocase((Str) {s.data, prefix_len}, prefix, prefix_len))
		s = (Str) {s.data + prefix_len, s.len - prefix_len};
	return str_equal_nocase(s, typ, strlen(typ));
}

/* Is the key for the algorithm of the token, and was the token signed with it? */
bool
jwt_is_signed_by(const Jwt *jwt, const TokenKey *key)
{
	return token_key_alg(key) == jwt->alg &&
		token_key_verify(key, jwt->signed_part, jwt->signature, jwt->signature_len);
}

/* ---------- claims ---------- */

/* Add a string to a list that has room for max. */
static bool
add_string(const JsonValue *value, Str *list, int *count, int max)
{
	if (value->kind != JSON_IS_STRING || *count == max)
		return false;
	list[(*count)++] = value->text;
	return true;
}

/* A claim that is an array of strings. */
static bool
add_array(const JsonValue *value, JsonBuffer *buffer, Str *list, int *count, int max)
{
	JsonItems	items;
	JsonValue	item;

	if (value->kind != JSON_IS_ARRAY)
		return false;
	items = json_items(value, buffer);
	while (json_next_item(&items, &item))
	{
		if (!add_string(&item, list, count, max))
			return false;
	}
	return json_items_ended(&items);
}

/* aud: a string, or an array of them (RFC 7519, section 4.1.3). */
static bool
read_audiences(Jwt *jwt, JsonBuffer *buffer)
{
	const JsonValue *aud = json_member(&jwt->members, "aud");
	JwtClaims  *claims = &jwt->claims;

	if (aud == NULL)
		return true;
	if (aud->kind == JSON_IS_STRING)
		return add_string(aud, claims->audiences, &claims->naudiences, JWT_AUDIENCES_MAX);
	return add_array(aud, buffer, claims->audiences, &claims->naudiences, JWT_AUDIENCES_MAX);
}

/* The words of a string, which are separated by spaces. */
static bool
split_scopes(Str s, JwtClaims *claims)
{
	const char *at = s.data;
	const char *end = s.data + s.len;

	while (at < end)
	{
		const char *start = at;

		while (at < end && *at != ' ')
			at++;
		if (at > start)
		{
			if (claims->nscopes == JWT_SCOPES_MAX)
				return false;
			claims->scopes[claims->nscopes++] = (Str) {start, (size_t) (at - start)};
		}
		at += at < end;
	}
	return true;
}

/* scope (RFC 9068), or else scp, which is an array at some providers. */
static bool
read_scopes(Jwt *jwt, JsonBuffer *buffer)
{
	const JsonValue *scope = json_member(&jwt->members, "scope");
	JwtClaims  *claims = &jwt->claims;

	if (scope == NULL)
		scope = json_member(&jwt->members, "scp");
	if (scope == NULL)
		return true;
	claims->has_scope = true;
	if (scope->kind == JSON_IS_STRING)
		return split_scopes(scope->text, claims);
	return add_array(scope, buffer, claims->scopes, &claims->nscopes, JWT_SCOPES_MAX);
}

static bool
read_time(const JsonObject *members, const char *name, int64_t *out)
{
	const JsonValue *value = json_member(members, name);

	*out = JWT_NO_TIME;
	return value == NULL || json_micros(value, out);
}

/* A digest in a confirmation. */
static bool
read_digest(const JsonObject *confirmation, const char *name, bool *has, uint8_t *out)
{
	Str			text;

	if (!json_string(confirmation, name, &text))
		return false;
	*has = text.data != NULL;
	return !*has || base64url_decode_exactly(text, out, 32);
}

/*
 * What the bearer has to prove (RFC 7800).  A token that is bound in a way that is unknown
 * here must not pass as one that anybody may bear.
 */
static bool
read_confirmation(Jwt *jwt, JsonBuffer *buffer)
{
	const JsonValue *cnf = json_member(&jwt->members, "cnf");
	JwtClaims  *claims = &jwt->claims;
	JsonObject	confirmation;

	if (cnf == NULL)
		return true;
	if (cnf->kind != JSON_IS_OBJECT || !json_read_object(cnf->text, buffer, &confirmation) ||
		!read_digest(&confirmation, "jkt", &claims->has_jkt, claims->jkt) ||
		!read_digest(&confirmation, "x5t#S256", &claims->has_x5t, claims->x5t))
		return false;
	claims->bound_otherwise = !claims->has_jkt && !claims->has_x5t;
	return true;
}

static bool
read_strings(const JsonObject *members, JwtClaims *claims)
{
	return json_string(members, "iss", &claims->iss) &&
		json_string(members, "sub", &claims->sub) &&
		json_string(members, "client_id", &claims->client_id) &&
		json_string(members, "azp", &claims->azp) &&
		json_string(members, "jti", &claims->jti) &&
		json_string(members, "htm", &claims->htm) &&
		json_string(members, "htu", &claims->htu) &&
		json_string(members, "ath", &claims->ath);
}

/* Read the payload.  False if it is not an object, or a claim is not of its type. */
bool
jwt_read_claims(Jwt *jwt)
{
	JsonBuffer	buffer = {jwt->free_room, jwt->unescaped + sizeof(jwt->unescaped)};
	JwtClaims  *claims = &jwt->claims;

	claims->naudiences = claims->nscopes = 0;
	claims->has_scope = claims->has_jkt = claims->has_x5t = claims->bound_otherwise = false;
	return json_read_object(jwt->payload, &buffer, &jwt->members) &&
		read_strings(&jwt->members, claims) &&
		read_time(&jwt->members, "exp", &claims->exp) &&
		read_time(&jwt->members, "nbf", &claims->nbf) &&
		read_time(&jwt->members, "iat", &claims->iat) &&
		read_audiences(jwt, &buffer) &&
		read_scopes(jwt, &buffer) &&
		read_confirmation(jwt, &buffer);
}

bool
jwt_has_audience(const Jwt *jwt, Str audience)
{
	for (int i = 0; i < jwt->claims.naudiences; i++)
	{
		if (str_equal(jwt->claims.audiences[i], audience))
			return true;
	}
	return false;
}

/* ---------- writing ---------- */

/*
 * Sign header and payload, which are JSON, and write the token into out, without a zero
 * after it.  Returns its length; 0 if there is no room or the key does not sign.
 */
size_t
jwt_write(Str header, Str payload, const TokenKey *key, char *out, size_t room)
{
	uint8_t		signature[SIGNATURE_MAX];
	size_t		len;
	size_t		signature_len;

	if (BASE64URL_ENCODED_LEN(header.len) + BASE64URL_ENCODED_LEN(payload.len) + 1 > room)
		return 0;
	len = base64url_encode((const uint8_t *) header.data, header.len, out);
	out[len++] = '.';
	len += base64url_encode((const uint8_t *) payload.data, payload.len, out + len);
	signature_len = token_key_sign(key, (Str) {out, len}, signature);
	if (signature_len == 0 || len + 1 + BASE64URL_ENCODED_LEN(signature_len) > room)
		return 0;
	out[len++] = '.';
	return len + base64url_encode(signature, signature_len, out + len);
}
