/*
 * fuzz_dpop.c
 *		Fuzz target: proofs of possession (DPoP).
 *
 * The lines of the input are the claims of a proof that is signed here, the resource of
 * the call and the origins that are allowed.  The same claims with the htu of the resource
 * must be a proof for it, and none for another token, key, method or time.
 */
#include <sodium.h>
#include <stdbool.h>

#include "fuzz.h"
#include "token/dpop_core.h"
#include "token/jwt_core.h"

#define TOKEN	"an access token"
#define NOW		(INT64_C(1700000000) * 1000000)

static TokenKey *key;
static uint8_t jkt[JWK_THUMBPRINT_LEN];
static char header[JWK_TEXT_MAX + 64];
static char ath[BASE64URL_ENCODED_LEN(DPOP_DIGEST_LEN) + 1];

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const uint8_t seed[32] = "a seed that is not one";
	uint8_t		digest[DPOP_DIGEST_LEN];
	char		text[JWK_TEXT_MAX];
	Jwk			jwk;

	CHECK(sodium_init() >= 0);
	key = token_key_from_private(ALG_EDDSA, seed, sizeof(seed));
	CHECK(key != NULL && token_key_public(key, &jwk));
	jwk_thumbprint(&jwk, jkt);
	CHECK(jwk_write(&jwk, (Str) {NULL, 0}, text) > 0);
	snprintf(header, sizeof(header), "{\"typ\":\"dpop+jwt\",\"alg\":\"EdDSA\",\"jwk\":%s}", text);
	crypto_hash_sha256(digest, (const unsigned char *) TOKEN, strlen(TOKEN));
	(void) base64url_encode(digest, sizeof(digest), ath);
	return 0;
}

static Str
str_of(const char *s)
{
	return (Str) {s, strlen(s)};
}

static DpopCall
make_call(Str resource, Str origins)
{
	return (DpopCall) {
		.token = str_of(TOKEN),
		.method = str_of("GET"),
		.resource = resource,
		.origins = origins,
		.jkt = jkt,
		.now = NOW
	};
}

static size_t
make_proof(Str claims, char *out, size_t room)
{
	return jwt_write(str_of(header), claims, key, out, room);
}

/* A proof that is right in all but one thing is none. */
static void
check_others(Str proof, const DpopCall *good)
{
	const int64_t window = DPOP_WINDOW_SECONDS * INT64_C(1000000);
	uint8_t		other[JWK_THUMBPRINT_LEN] = {0};
	char		longer[2048];
	DpopCall	call = *good;
	DpopSeen	seen;

	call.token = str_of("another token");
	CHECK(!dpop_check(proof, &call, &seen));
	call = *good;
	call.method = str_of("POST");
	CHECK(!dpop_check(proof, &call, &seen));
	call = *good;
	call.jkt = other;
	CHECK(!dpop_check(proof, &call, &seen));
	call = *good;
	snprintf(longer, sizeof(longer), "%.*s/x", (int) good->resource.len, good->resource.data);
	call.resource = str_of(longer);
	CHECK(!dpop_check(proof, &call, &seen));
	call = *good;
	call.origins = str_of("http://elsewhere.example");
	CHECK(!dpop_check(proof, &call, &seen));
	call = *good;
	call.now = NOW + window;
	CHECK(dpop_check(proof, &call, &seen));
	call.now++;
	CHECK(!dpop_check(proof, &call, &seen));
	call.now = NOW - window;
	CHECK(dpop_check(proof, &call, &seen));
	call.now--;
	CHECK(!dpop_check(proof, &call, &seen));
	call = *good;
	proof.len--;
	CHECK(!dpop_check(proof, &call, &seen));
}

/* May this stand in a URI, and in JSON without escapes? */
static bool
is_plain(Str s)
{
	for (size_t i = 0; i < s.len; i++)
	{
		if (s.data[i] <= ' ' || s.data[i] > '~' || strchr("\"\\#?", s.data[i]) != NULL)
			return false;
	}
	return s.len > 0 && s.data[0] == '/';
}

static void
check_resource(Str resource, unsigned salt)
{
	static const char *const starts[] = {
		"https://a.example", "https://A.example:443", "HTTPS://a.EXAMPLE", "https://a.example:"
	};
	static const char *const ends[] = {"", "?query", "#fragment", "?a#b"};
	char		claims[4096];
	char		proof[8192];
	size_t		len;
	DpopCall	call = make_call(resource, str_of("http://b.example https://a.example/,https://a.example"));
	DpopSeen	seen;

	snprintf(claims, sizeof(claims),
			 "{\"jti\":\"1\",\"htm\":\"GET\",\"htu\":\"%s%.*s%s\",\"iat\":1700000000,\"ath\":\"%s\"}",
			 starts[salt % 4], (int) resource.len, resource.data, ends[salt / 4 % 4], ath);
	len = make_proof(str_of(claims), proof, sizeof(proof));
	CHECK(len > 0);
	CHECK(dpop_check((Str) {proof, len}, &call, &seen));
	CHECK(seen.until == NOW + DPOP_WINDOW_SECONDS * INT64_C(1000000));
	check_others((Str) {proof, len}, &call);
}

static Str
next_line(Str *rest)
{
	const char *end = rest->len > 0 ? memchr(rest->data, '\n', rest->len) : NULL;
	Str			line = {rest->data, end != NULL ? (size_t) (end - rest->data) : rest->len};
	size_t		used = line.len + (end != NULL);

	*rest = (Str) {rest->data + used, rest->len - used};
	return line;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *copy = fuzz_copy(data, size);
	Str			rest = {copy, size};
	Str			claims = next_line(&rest);
	Str			resource = next_line(&rest);
	Str			origins = next_line(&rest);
	DpopCall	call = make_call(resource, origins);
	DpopSeen	seen;
	char		proof[8192];
	size_t		len = make_proof(claims, proof, sizeof(proof));

	CHECK(len > 0);
	(void) dpop_check((Str) {proof, len}, &call, &seen);
	(void) dpop_check((Str) {copy, size}, &call, &seen);
	(void) dpop_origins_are_valid(origins);
	(void) dpop_uri_is_for(claims, resource, origins);
	if (is_plain(resource))
		check_resource(resource, (unsigned) size);
	free(copy);
	return 0;
}
