/*
 * sha256_core.h
 *		SHA-256.  Needs no backend.
 */
#ifndef DEVAPP_SHA256_CORE_H
#define DEVAPP_SHA256_CORE_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define SHA256_LEN			32

/* Does not return.  The backend raises an error (sha256.c), other programs have their own. */
extern void sha256_failed(void);

extern void sha256_of(const void *data, size_t len, uint8_t out[SHA256_LEN]);
extern void sha256_of_parts(const Str *parts, int n, uint8_t out[SHA256_LEN]);

#endif							/* DEVAPP_SHA256_CORE_H */
