/*
 * sodium.h
 *		libsodium, ready to be used.
 */
#ifndef DEVAPP_SODIUM_H
#define DEVAPP_SODIUM_H

#include <sodium.h>

/* To be called before anything else of libsodium is. */
extern void devapp_require_sodium(void);

#endif							/* DEVAPP_SODIUM_H */
