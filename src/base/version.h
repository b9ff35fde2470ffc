/*
 * version.h
 *		The version of the catalog that the library serves.
 */
#ifndef DEVAPP_VERSION_H
#define DEVAPP_VERSION_H

#include "postgres.h"

extern void version_init(void (*changed) (void));
extern void version_require(void);
extern bool version_is_previous(void);
extern bool version_may_lack(const char *since);

#endif							/* DEVAPP_VERSION_H */
