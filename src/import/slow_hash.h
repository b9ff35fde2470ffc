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

extern SlowForm slow_hash_form(SecretScheme scheme, Str hash);
extern bool slow_hash_available(SecretScheme scheme);
extern bool slow_hash_matches(SecretScheme scheme, const char *hash, Str secret);

#endif							/* DEVAPP_SLOW_HASH_H */
