/*
 * fuzz_jwk.c
 *		Fuzz target: keys in JSON, and sets of them.
 *
 * The input is taken as a JWK and as a JWKS.  A key that is accepted must be written and
 * read again as itself, have a thumbprint that its other members do not change, and either
 * be refused by token_key_from_jwk() or give back what it was made of.
 */
#include <openssl/err.h>
#include <sodium.h>
#include <stdbool.h>

#include "fuzz.h"
#include "token/signature_core.h"

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	CHECK(sodium_init() >= 0);
	return 0;
}

static bool
same_key(const Jwk *a, const Jwk *b)
{
	return a->alg == b->alg && memcmp(a->x, b->x, sizeof(a->x)) == 0 &&
		memcmp(a->y, b->y, sizeof(a->y)) == 0 &&
		a->modulus_len == b->modulus_len && memcmp(a->modulus, b->modulus, a->modulus_len) == 0 &&
		a->exponent_len == b->exponent_len && memcmp(a->exponent, b->exponent, a->exponent_len) == 0 &&
		a->secret_len == b->secret_len && memcmp(a->secret, b->secret, a->secret_len) == 0;
}

/* What is written can be read, and is the same key. */
static void
check_written(const Jwk *jwk)
{
	char	   *text = fuzz_alloc(NULL, JWK_TEXT_MAX);
	size_t		len = jwk_write(jwk, jwk->kid, text);
	char	   *copy = fuzz_copy(text, len);
	char	   *room = fuzz_alloc(NULL, len);
	JsonBuffer	buffer = {room, room + len};
	uint8_t		thumbprint[2][JWK_THUMBPRINT_LEN];
	Jwk			again;

	CHECK(len == strlen(text) && len < JWK_TEXT_MAX);
	CHECK((len == 0) == (jwk->alg == ALG_HS256));
	if (len > 0)
	{
		CHECK(jwk_read((Str) {copy, len}, &buffer, &again) == JWK_OK);
		CHECK(same_key(jwk, &again) && !again.is_private);
		CHECK((again.kid.data == NULL) == (jwk->kid.data == NULL));
		CHECK(again.kid.data == NULL || str_equal(again.kid, jwk->kid));
		jwk_thumbprint(jwk, thumbprint[0]);
		jwk_thumbprint(&again, thumbprint[1]);
		CHECK(memcmp(thumbprint[0], thumbprint[1], JWK_THUMBPRINT_LEN) == 0);
	}
	free(room);
	free(copy);
	free(text);
}

static void
check_token_key(const Jwk *jwk)
{
	static const uint8_t zeros[SIGNATURE_MAX];
	static uint8_t made[SIGNATURE_MAX];
	static uint8_t private_part[PRIVATE_KEY_MAX];
	TokenKey   *key = token_key_from_jwk(jwk);
	Jwk			again;

	CHECK(ERR_peek_error() == 0);
	if (key == NULL)
		return;
	CHECK(token_key_alg(key) == jwk->alg && token_key_private(key, private_part) == 0);
	CHECK(token_key_public(key, &again) == (jwk->alg != ALG_HS256));
	CHECK(jwk->alg == ALG_HS256 || same_key(jwk, &again));
	for (size_t len = 0; len <= SIGNATURE_MAX; len = len * 2 + 1)
	{
		CHECK(!token_key_verify(key, (Str) {"message", 7}, zeros, len));
		CHECK(!token_key_verify(key, (Str) {"message", 7}, zeros, len & ~(size_t) 1));
	}
	CHECK(!token_key_verify(key, (Str) {"message", 7}, zeros, 64));
	CHECK((token_key_sign(key, (Str) {"message", 7}, made) > 0) == (jwk->alg == ALG_HS256));
	CHECK(ERR_peek_error() == 0);
	token_key_free(key);
}

static bool
count_key(const Jwk *jwk, void *arg)
{
	int		   *count = arg;

	CHECK(jwk->alg != ALG_UNKNOWN);
	CHECK(++*count <= JWKS_KEYS_MAX);
	return true;
}

/* A set of this one key. */
static void
check_set_of(const char *jwk, size_t len, bool is_key)
{
	size_t		set_len = len + 11;
	char	   *set = fuzz_alloc(NULL, set_len);
	char	   *room = fuzz_alloc(NULL, set_len);
	JsonBuffer	buffer = {room, room + set_len};
	int			count = 0;

	memcpy(set, "{\"keys\":[", 9);
	memcpy(set + 9, jwk, len);
	memcpy(set + 9 + len, "]}", 2);
	CHECK(!is_key || (jwks_read((Str) {set, set_len}, &buffer, count_key, &count) && count == 1));
	free(room);
	free(set);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *copy = fuzz_copy(data, size);
	char	   *room = fuzz_alloc(NULL, size);
	JsonBuffer	buffer = {room, room + size};
	int			count = 0;
	Jwk			jwk;
	JwkError	error = jwk_read((Str) {copy, size}, &buffer, &jwk);

	if (error == JWK_OK)
	{
		check_written(&jwk);
		check_token_key(&jwk);
	}
	check_set_of(copy, size, error == JWK_OK);

	buffer = (JsonBuffer) {room, room + size};
	(void) jwks_read((Str) {copy, size}, &buffer, count_key, &count);
	free(room);
	free(copy);
	return 0;
}
