/*
 * identity.h
 *		Who acts.
 */
#ifndef DEVAPP_IDENTITY_H
#define DEVAPP_IDENTITY_H

#include "postgres.h"

extern const char *identity_actor(void);
extern const char *identity_name(void);

#endif							/* DEVAPP_IDENTITY_H */
