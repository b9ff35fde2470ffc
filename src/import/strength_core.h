/*
 * strength_core.h
 *		How hard a secret is to guess.  Needs no backend.
 */
#ifndef DEVAPP_STRENGTH_CORE_H
#define DEVAPP_STRENGTH_CORE_H

#include <stddef.h>

/* A secret of fewer bits is weak. */
#define STRENGTH_MIN	112

extern int	strength_bits(const char *s, size_t len);

#endif							/* DEVAPP_STRENGTH_CORE_H */
