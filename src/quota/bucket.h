/*
 * bucket.h
 *		What quotas and rates have left, in shared memory.
 */
#ifndef DEVAPP_BUCKET_H
#define DEVAPP_BUCKET_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "quota/bucket_core.h"

/* A bucket's row of devapp.quota_usage. */
typedef struct BucketRow
{
	bool		found;
	QuotaWindow window;
	int64		used;			/* on a primary with what is reserved */
	int32		resets;
} BucketRow;

/* What is asked of a quota's bucket, and what came of it. */
typedef struct BucketCall
{
	BucketKey	key;
	uint64		hash;
	int64		limit;
	int64		cost;			/* 0: only look */
	TimestampTz now;
	QuotaWindow window;			/* by the clock; then the bucket's */
	int64		used;			/* then */
	bool		taken;
} BucketCall;

typedef struct BucketSlots
{
	uint64		used;
	uint64		total;
} BucketSlots;

extern void buckets_define_gucs(void);
extern void buckets_init(void);
extern bool buckets_are_on(void);
extern uint64 buckets_hash(const BucketKey *key);
extern bool buckets_try(BucketCall *call);
extern bool buckets_put(BucketCall *call, const BucketRow *row);
extern bool buckets_take_rate(const BucketKey *key, uint64 hash, RateRule rule,
							  TimestampTz now, int64 cost, RateAnswer *answer);
extern RateAnswer buckets_look_at_rate(const BucketKey *key, uint64 hash,
									   RateRule rule, TimestampTz now, int64 cost);
extern void buckets_give_rate_back(const BucketKey *key, uint64 hash, int64 nanoseconds);
extern int64 buckets_used(const BucketKey *key, QuotaWindow window);
extern void buckets_charge(const BucketKey *key, QuotaWindow window, int64 amount);
extern void buckets_forget(BucketTest test, const void *arg);
extern uint32 buckets_stripe_limit(void);
extern int	buckets_stripes(void);
extern uint32 buckets_copy(int stripe, BucketTest test, const void *arg,
						   Bucket *copies);
extern BucketSlots buckets_slots(void);

#endif							/* DEVAPP_BUCKET_H */
