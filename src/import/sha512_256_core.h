/*
 * sha512_256_core.h
 *		SHA-512/256.  Needs no backend.
 */
#ifndef DEVAPP_SHA512_256_CORE_H
#define DEVAPP_SHA512_256_CORE_H

#include <stddef.h>
#include <stdint.h>

#define SHA512_256_LEN	32

extern void sha512_256(const char *data, size_t len, uint8_t *out);

#endif							/* DEVAPP_SHA512_256_CORE_H */
