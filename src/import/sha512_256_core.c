/*
 * sha512_256_core.c
 *		SHA-512/256.  Needs no backend.
 *
 * It is SHA-512 with other initial values, of which the first half is kept (FIPS 180-4,
 * sections 5.3.6.2 and 6.7).  libsodium has SHA-512, whose state is public.
 */
#include "import/sha512_256_core.h"

#include <sodium.h>
#include <string.h>

static const uint64_t initial_state[8] = {
	UINT64_C(0x22312194FC2BF72C), UINT64_C(0x9F555FA3C84C64C2),
	UINT64_C(0x2393B86B6F53B151), UINT64_C(0x963877195940EABD),
	UINT64_C(0x96283EE2A88EFFE3), UINT64_C(0xBE5E1E2553863992),
	UINT64_C(0x2B0199FC2C85B8AA), UINT64_C(0x0EB72DDC81C52CA2),
};

void
sha512_256(const char *data, size_t len, uint8_t *out)
{
	crypto_hash_sha512_state state;
	uint8_t		whole[crypto_hash_sha512_BYTES];

	crypto_hash_sha512_init(&state);
	memcpy(state.state, initial_state, sizeof(initial_state));
	crypto_hash_sha512_update(&state, (const unsigned char *) data, len);
	crypto_hash_sha512_final(&state, whole);
	memcpy(out, whole, SHA512_256_LEN);
	sodium_memzero(whole, sizeof(whole));
	sodium_memzero(&state, sizeof(state));
}
