/*
 * bucket_core.h
 *		A bounded table of what quotas and rates have left.  Needs no backend.
 */
#ifndef DEVAPP_BUCKET_CORE_H
#define DEVAPP_BUCKET_CORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slot_table_core.h"
#include "decide/quota_core.h"

#define BUCKET_ID_LEN			16
#define BUCKET_ENVIRONMENT_LEN	24

typedef enum BucketKind
{
	BUCKET_SOFT = 1,			/* use of a soft quota */
	BUCKET_HARD,				/* of a hard one: what was counted here only */
	BUCKET_RATE
} BucketKind;

/* Compared and hashed as bytes: no padding, and what does not apply is zero. */
typedef struct BucketKey
{
	uint32_t	database;
	uint32_t	kind;
	uint8_t		app_id[BUCKET_ID_LEN];
	uint8_t		product_id[BUCKET_ID_LEN];
	uint8_t		operation_id[BUCKET_ID_LEN];
	char		environment[BUCKET_ENVIRONMENT_LEN];
} BucketKey;

/* A window changes under the exclusive lock only, the atomics under the shared one. */
typedef struct Bucket
{
	BucketKey	key;
	QuotaWindow window;			/* of a quota */
	_Atomic int64_t used;		/* of a rate: its tat */
	_Atomic int64_t read_at;	/* when its row was last read, in microseconds */
	int32_t		resets;			/* what that row said */
	uint32_t	unused;
} Bucket;

/* A part of the table, with a lock of its own. */
typedef SlotTable BucketStripe;

/*
 * What tells which buckets are idle: the time, and, for those of one database, how long
 * ago a soft quota's row must have been read last.  Until then all that the bucket was
 * asked for is in its row.
 */
typedef struct BucketIdle
{
	int64_t		now;
	uint32_t	database;
	int64_t		written;
} BucketIdle;

typedef bool (*BucketTest) (const Bucket *bucket, const void *arg);

extern uint64_t bucket_hash(const BucketKey *key, const SlotSeed *seed);
extern size_t bucket_stripe_size(uint32_t nslots);

/* these need the stripe's lock: shared */
extern Bucket *bucket_find(BucketStripe *stripe, uint64_t hash,
						   const BucketKey *key);
extern Bucket *bucket_next(BucketStripe *stripe, uint32_t *place);
extern bool bucket_take(Bucket *bucket, int64_t limit, int64_t cost, int64_t *used);
extern void bucket_charge(Bucket *bucket, int64_t amount);
extern void bucket_give_back(Bucket *bucket, int64_t cost);
extern bool bucket_restart_rate(Bucket *bucket, int64_t tat, RateRule rule, int64_t clock,
								int64_t call);
extern RateAnswer bucket_take_rate(Bucket *bucket, RateRule rule, int64_t now,
								   int64_t cost);

/* exclusive */
extern Bucket *bucket_make(BucketStripe *stripe, uint64_t hash,
						   const BucketKey *key);
extern uint32_t bucket_remove(BucketStripe *stripe, BucketTest test,
							  const void *arg);
extern bool bucket_sweep(BucketStripe *stripe, const BucketIdle *idle);
extern bool bucket_share_left(BucketStripe *stripe, const BucketKey *key);

#endif							/* DEVAPP_BUCKET_CORE_H */
