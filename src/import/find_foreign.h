/*
 * find_foreign.h
 *		Finding the credential of a key or client that another system made.
 */
#ifndef DEVAPP_FIND_FOREIGN_H
#define DEVAPP_FIND_FOREIGN_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "base/str.h"
#include "decide/cache.h"

extern void foreign_client_tag(Str client_id, Str client_secret, CacheTag *tag);
extern CacheFound find_foreign_key(const CacheTag *tag, Str key);
extern int	find_client_secret(const Entitlement *e, Str secret, TimestampTz now, int64 *wait);
extern CacheFound find_foreign_client(const CacheTag *tag, Str client_id, Str client_secret,
									  TimestampTz now);

#endif							/* DEVAPP_FIND_FOREIGN_H */
