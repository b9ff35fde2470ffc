/*
 * fuzz_jwt.c
 *		Fuzz target: tokens.
 *
 * The input is used twice: as a token, and as header and payload (up to the first line
 * end, and behind it) of a token that is signed here, or few inputs would get past
 * base64url.  Whatever is read lies where it may, and no token that is changed in one
 * character verifies.
 */
#include <openssl/err.h>
#include <sodium.h>
#include <stdbool.h>

#include "fuzz.h"
#include "token/jwt_core.h"

static TokenKey *keys[ALG_HS256 + 1];

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const uint8_t secret[JWK_SECRET_MIN] = "a secret that is not one";

	CHECK(sodium_init() >= 0);
	keys[ALG_EDDSA] = token_key_from_private(ALG_EDDSA, secret, 32);
	keys[ALG_HS256] = token_key_from_private(ALG_HS256, secret, sizeof(secret));
	CHECK(keys[ALG_EDDSA] != NULL && keys[ALG_HS256] != NULL);
	return 0;
}

/* ---------- what was read ---------- */

/* In what was decoded, or what had escapes. */
static void
check_place(const Jwt *jwt, Str s)
{
	const char *decoded = (const char *) jwt->decoded;

	if (s.data == NULL)
	{
		CHECK(s.len == 0);
		return;
	}
	CHECK((s.data >= decoded && s.data + s.len <= decoded + sizeof(jwt->decoded)) ||
		  (s.data >= jwt->unescaped && s.data + s.len <= jwt->free_room) ||
		  (s.data >= jwt->free_room && s.data + s.len <= jwt->unescaped + sizeof(jwt->unescaped)));
}

static void
check_time(int64_t micros)
{
	CHECK(micros == JWT_NO_TIME || (micros >= 0 && micros <= INT64_C(253402300799) * 1000000));
}

static void
check_claims(Jwt *jwt)
{
	const JwtClaims *claims = &jwt->claims;
	const Str	strings[] = {
		claims->iss, claims->sub, claims->client_id, claims->azp, claims->jti,
		claims->htm, claims->htu, claims->ath, jwt->kid, jwt->typ, jwt->jwk
	};

	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		check_place(jwt, strings[i]);
	for (int i = 0; i < claims->naudiences; i++)
	{
		check_place(jwt, claims->audiences[i]);
		CHECK(jwt_has_audience(jwt, claims->audiences[i]));
	}
	for (int i = 0; i < claims->nscopes; i++)
		check_place(jwt, claims->scopes[i]);
	check_time(claims->exp);
	check_time(claims->nbf);
	check_time(claims->iat);
}

/* The token verifies with the key of its algorithm if it is signed, and with no other. */
static void
check_token(const char *text, size_t len, JwtKeyRule rule, TokenAlg signer)
{
	Jwt		   *jwt = fuzz_alloc(NULL, sizeof(Jwt));
	char	   *copy = fuzz_copy(text, len);

	if (jwt_read((Str) {copy, len}, rule, jwt))
	{
		CHECK((jwt->jwk.data != NULL) == (rule == JWT_WITH_KEY));
		CHECK(jwt->alg != ALG_UNKNOWN);
		for (int alg = 0; alg <= ALG_HS256; alg++)
		{
			if (keys[alg] != NULL)
				CHECK(jwt_is_signed_by(jwt, keys[alg]) ==
					  (alg == (int) signer && jwt->alg == signer));
		}
		(void) jwt_typ_is(jwt, "at+jwt");
		if (jwt_read_claims(jwt))
			check_claims(jwt);
	}
	free(copy);
	free(jwt);
}

/* ---------- what is written ---------- */

/* Another character in the place of one: not the same token, so not signed. */
static void
check_changed(char *token, size_t len, JwtKeyRule rule, unsigned salt)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=\n";
	size_t		at = salt % len;
	char		was = token[at];

	token[at] = digits[salt / 7 % (sizeof(digits) - 1)];
	if (token[at] != was)
		check_token(token, len, rule, ALG_UNKNOWN);
	token[at] = was;
}

static void
check_written(Str header, Str payload, TokenAlg signer, unsigned salt)
{
	size_t		room = BASE64URL_ENCODED_LEN(header.len) + 1 + BASE64URL_ENCODED_LEN(payload.len) +
		1 + BASE64URL_ENCODED_LEN(64);
	char	   *token = fuzz_alloc(NULL, room);
	size_t		len = jwt_write(header, payload, keys[signer], token, room);

	CHECK(len > 0 && len <= room);
	CHECK(jwt_write(header, payload, keys[signer], token, len - 1) == 0);
	CHECK(jwt_write(header, payload, keys[signer], token, len) == len);
	for (int rule = JWT_WITHOUT_KEY; rule <= JWT_WITH_KEY; rule++)
	{
		check_token(token, len, (JwtKeyRule) rule, signer);
		check_changed(token, len, (JwtKeyRule) rule, salt);
	}
	free(token);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *copy = fuzz_copy(data, size);
	char	   *line_end = size > 0 ? memchr(copy, '\n', size) : NULL;

	check_token(copy, size, JWT_WITHOUT_KEY, ALG_UNKNOWN);
	check_token(copy, size, JWT_WITH_KEY, ALG_UNKNOWN);
	if (line_end != NULL)
	{
		Str			header = {copy, (size_t) (line_end - copy)};
		Str			payload = {line_end + 1, size - header.len - 1};
		unsigned	salt = (unsigned) size * 131 + (unsigned char) copy[size - 1];

		check_written(header, payload, ALG_HS256, salt);
		check_written(header, payload, ALG_EDDSA, salt);
	}
	CHECK(ERR_peek_error() == 0);
	free(copy);
	return 0;
}
