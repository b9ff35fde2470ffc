/*
 * devapp.h
 *		What every file with a backend needs.
 */
#ifndef DEVAPP_H
#define DEVAPP_H

#include "base/compat.h"

#ifndef DEVAPP_VERSION
#error "DEVAPP_VERSION comes from the Makefile"
#endif

/* libsodium is ready (sodium_init() has run) */
extern void devapp_require_sodium(void);

#endif							/* DEVAPP_H */
