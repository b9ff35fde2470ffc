/*
 * cache.h
 *		What a backend remembers of the credentials it has verified.
 */
#ifndef DEVAPP_CACHE_H
#define DEVAPP_CACHE_H

#include "postgres.h"

#include "decide/entitlement.h"

#define CACHE_TAG_LEN	16

/* How a credential was presented; the same bytes in another place are others. */
typedef enum CachePlace
{
	CACHE_API_KEY,
	CACHE_CLIENT_SECRET,
	CACHE_SHA256,
	CACHE_TOKEN,
	CACHE_FOREIGN_CLIENT,
	CACHE_PLACES
} CachePlace;

typedef struct CacheTag
{
	uint8		bytes[CACHE_TAG_LEN];
} CacheTag;

/* An entitlement, and the secret of it that was presented. */
typedef struct CacheFound
{
	const Entitlement *entitlement; /* NULL: not found */
	const DecideSecret *secret;
	bool		untested;		/* not found, but there may be one: a pepper is not known */
	int64		wait;			/* untested: when it can be, in microseconds; 0: not by waiting */
} CacheFound;

extern void cache_make_tag(CachePlace place, const char *data, size_t len,
						   CacheTag *tag);
extern CacheFound cache_find(const CacheTag *tag);
extern void cache_forget(const CacheTag *tag);

extern uint64 cache_begin_load(void);
extern EntitlementProduct *cache_product(const pg_uuid_t *product_id,
										 Snapshot snapshot);
extern void cache_keep(const CacheTag *tag, const Entitlement *entitlement,
					   const DecideSecret *secret, uint64 loaded_at);
extern void cache_define_gucs(void);

#endif							/* DEVAPP_CACHE_H */
