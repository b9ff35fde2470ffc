/*
 * secret.h
 *		Digests of secrets, and the type that stores them.
 */
#ifndef DEVAPP_SECRET_H
#define DEVAPP_SECRET_H

#include "postgres.h"

#define SHA256_LEN			32
#define SECRET_HASH_LEN		32

typedef enum SecretScheme
{
	SECRET_BLAKE2B = 1
} SecretScheme;

/* devapp.secret_digest as it is stored */
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

extern void secret_sha256(const char *data, size_t len, uint8 *out);
extern bool secret_digest_compute(const uint8 *sha256, int pepper,
								  SecretDigest *out);
extern void secret_digest_new(const uint8 *sha256, SecretDigest *out);
extern Datum secret_digest_datum(const SecretDigest *d);
extern bool secret_digest_read(Datum value, SecretDigest *out);

#endif							/* DEVAPP_SECRET_H */
