/*
 * first_touch.h
 *		The first touch of a credential.
 */
#ifndef DEVAPP_FIRST_TOUCH_H
#define DEVAPP_FIRST_TOUCH_H

#include "postgres.h"

#include "decide/cache.h"
#include "key/secret.h"

extern CacheFound first_touch_keep(const CacheTag *tag, const Entitlement *e, int match,
								   uint64 loaded_at);
extern CacheFound first_touch_by_hash(const CacheTag *tag, SecretScheme scheme,
									  const uint8 *hash);

#endif							/* DEVAPP_FIRST_TOUCH_H */
