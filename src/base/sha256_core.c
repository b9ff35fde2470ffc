/*
 * sha256_core.c
 *		SHA-256, by OpenSSL.
 *
 * OpenSSL's code is made for each kind of processor: libsodium's takes more than twice as
 * many instructions.  These functions are the old ones, because the new ones load OpenSSL's
 * configuration and providers first, which costs half of what a connection's first
 * verification may.  They allocate nothing; what they return says that nothing failed, and
 * is looked at all the same: a digest that was not calculated must never be taken for one.
 *
 * Needs no backend.
 */
#include "base/sha256_core.h"

#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdbool.h>

/* The parts may be secret, so nothing of them stays on the stack. */
void
sha256_of_parts(const Str *parts, int n, uint8_t out[SHA256_LEN])
{
	SHA256_CTX	context;
	bool		done = SHA256_Init(&context) == 1;

	for (int i = 0; done && i < n; i++)
		done = SHA256_Update(&context, parts[i].data, parts[i].len) == 1;
	done = done && SHA256_Final(out, &context) == 1;
	OPENSSL_cleanse(&context, sizeof(context));
	if (!done)
		sha256_failed();
}

void
sha256_of(const void *data, size_t len, uint8_t out[SHA256_LEN])
{
	sha256_of_parts(&(Str) {data, len}, 1, out);
}
