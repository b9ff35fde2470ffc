/*
 * slow_hash.h
 *		Comparing a secret with a hash that is slow to compute.
 */
#ifndef DEVAPP_SLOW_HASH_H
#define DEVAPP_SLOW_HASH_H

#include "postgres.h"

#include "base/str.h"
#include "import/slow_hash_core.h"
#include "key/secret.h"

/* Can a hash be computed now? */
typedef enum SlowHashState
{
	SLOW_HASH_READY,
	SLOW_HASH_CRYPT_OFF,		/* pgcrypto's crypt() is switched off */
	SLOW_HASH_NO_MD5			/* OpenSSL has no MD5, as in FIPS mode */
} SlowHashState;

extern SlowForm slow_hash_form(SecretScheme scheme, Str hash);
extern SlowHashState slow_hash_state(SecretScheme scheme, Str hash);
extern bool slow_hash_matches(SecretScheme scheme, const char *hash, Str secret);

#endif							/* DEVAPP_SLOW_HASH_H */
