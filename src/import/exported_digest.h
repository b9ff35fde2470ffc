/*
 * exported_digest.h
 *		Digests of secrets that another database of devapp exported.
 */
#ifndef DEVAPP_EXPORTED_DIGEST_H
#define DEVAPP_EXPORTED_DIGEST_H

#include "postgres.h"

#include "base/str.h"
#include "key/secret.h"

extern const char *exported_digest_take(Str text, SecretDigest *out);

#endif							/* DEVAPP_EXPORTED_DIGEST_H */
