/*
 * secret.h
 *		Digests of secrets, and the type that stores them.
 */
#ifndef DEVAPP_SECRET_H
#define DEVAPP_SECRET_H

#include "postgres.h"

#include "utils/array.h"

#include "base/sha256_core.h"
#include "key/pepper.h"

#define SECRET_HASH_LEN		32
#define SECRET_DIGESTS_MAX	(PEPPER_MAX_COUNT + 1)

typedef enum SecretScheme
{
	SECRET_BLAKE2B = 1,
	SECRET_SHA512_256 = 3,		/* the same over SHA-512/256 */
	/* hashes that are slow to compute, as text (import/slow_hash.c) */
	SECRET_CRYPT = 16,
	SECRET_ARGON2ID = 17,
	SECRET_SCRYPT = 18,
	SECRET_PBKDF2_SHA256 = 19
} SecretScheme;

/* The longest text of a slow hash, in bytes. */
#define SECRET_SLOW_MAX		255

/* devapp.secret_digest as it is stored, but for slow hashes */
typedef struct SecretDigest
{
	uint8		scheme;
	uint8		pepper[2];		/* big-endian number, 0 = unkeyed */
	uint8		hash[SECRET_HASH_LEN];
} SecretDigest;

#define SECRET_DIGEST_LEN	((int) sizeof(SecretDigest))

static inline int
secret_digest_pepper(const SecretDigest *d)
{
	return d->pepper[0] << 8 | d->pepper[1];
}

extern bool secret_digest_compute(SecretScheme scheme, const uint8 *hash, int pepper,
								  SecretDigest *out);
extern void secret_digest_new(SecretScheme scheme, const uint8 *hash, SecretDigest *out);
extern void secret_digest_set(SecretScheme scheme, int pepper, const uint8 *digested,
							  SecretDigest *out);
extern int	secret_possible_digests(SecretScheme scheme, const uint8 *hash,
									Datum digests[SECRET_DIGESTS_MAX]);
extern ArrayType *secret_digests_array(SecretScheme scheme, const uint8 *hash, Oid element);
extern Datum secret_slow_datum(SecretScheme scheme, const char *hash, size_t len);
extern char *secret_slow_read(Datum value, SecretDigest *scheme_only);
extern Datum secret_digest_datum(const SecretDigest *d);
extern bool secret_digest_read(Datum value, SecretDigest *out);

#endif							/* DEVAPP_SECRET_H */
