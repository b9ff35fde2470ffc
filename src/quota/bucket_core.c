/*
 * bucket_core.c
 *		A bounded table of what quotas and rates have left.  Needs no backend.
 *
 * A stripe is a hash table of fixed size (slot_table_core.h).  A bucket stays while
 * it means something: a quota's until its window has ended, a rate's until its calls
 * are worked off.  Those that mean nothing any more are removed when a stripe is
 * full.
 *
 * Taking from a bucket is one compare-and-swap, under the shared lock: any number of
 * processes may do it at once, and what they take never adds up to more than the
 * limit.
 */
#include "quota/bucket_core.h"

#include <string.h>

#include "base/slot_table_core.h"

#define SWEEP_INTERVAL	INT64_C(1000000)	/* microseconds */

_Static_assert(sizeof(BucketKey) == 8 + 3 * BUCKET_ID_LEN + BUCKET_ENVIRONMENT_LEN,
			   "a key has no padding");
_Static_assert(sizeof(BucketKey) % sizeof(uint64_t) == 0, "a key is hashed by words");

static const SlotLayout layout = {sizeof(BucketKey), sizeof(Bucket)};

/* ---------- layout ---------- */

size_t
bucket_stripe_size(uint32_t nslots)
{
	return slot_table_size(layout, nslots);
}

uint64_t
bucket_hash(const BucketKey *key, uint64_t seed)
{
	return slot_table_hash(layout, key, seed);
}

/* ---------- finding ---------- */

Bucket *
bucket_find(BucketStripe *stripe, uint64_t hash, const BucketKey *key)
{
	return slot_table_find(layout, stripe, hash, key);
}

/* One bucket after the other: place starts as 0; NULL at the end. */
Bucket *
bucket_next(BucketStripe *stripe, uint32_t *place)
{
	return slot_table_next(layout, stripe, place);
}

/* A key that is not there.  NULL: there is no room for it. */
Bucket *
bucket_make(BucketStripe *stripe, uint64_t hash, const BucketKey *key)
{
	return slot_table_add(layout, stripe, hash, key);
}

/* ---------- taking ---------- */

/*
 * Take this cost if the limit leaves room for it.  used is what is used then, or what
 * was used already where there is no room.
 */
bool
bucket_take(Bucket *bucket, int64_t limit, int64_t cost, int64_t *used)
{
	*used = atomic_load_explicit(&bucket->used, memory_order_relaxed);
	do
	{
		/* a limit may be far below 0; then nothing is taken away from it */
		if (cost > limit || *used > limit - cost)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&bucket->used, used, *used + cost,
													memory_order_relaxed,
													memory_order_relaxed));
	*used += cost;
	return true;
}

/* What was taken is not used after all; in between it may have been set back. */
void
bucket_give_back(Bucket *bucket, int64_t cost)
{
	int64_t		used = atomic_load_explicit(&bucket->used, memory_order_relaxed);

	while (!atomic_compare_exchange_weak_explicit(&bucket->used, &used,
												  used > cost ? used - cost : 0,
												  memory_order_relaxed,
												  memory_order_relaxed))
		;
}

/* A tat that is further ahead than it can be comes back, if it is still there. */
bool
bucket_cut_rate(Bucket *bucket, int64_t tat, int64_t latest)
{
	return tat > latest &&
		atomic_compare_exchange_strong_explicit(&bucket->used, &tat, latest,
												memory_order_relaxed,
												memory_order_relaxed);
}

RateAnswer
bucket_take_rate(Bucket *bucket, RateRule rule, int64_t now, int64_t cost)
{
	int64_t		tat = atomic_load_explicit(&bucket->used, memory_order_relaxed);
	RateAnswer	answer;

	do
	{
		answer = rate_ask(rule, tat, now, cost);
		if (!answer.allowed)
			break;
	} while (!atomic_compare_exchange_weak_explicit(&bucket->used, &tat, answer.tat,
													memory_order_relaxed,
													memory_order_relaxed));
	return answer;
}

/* ---------- removing ---------- */

/* Remove the buckets that a test picks; how many. */
uint32_t
bucket_remove(BucketStripe *stripe, BucketTest test, const void *arg)
{
	uint32_t	removed = 0;

	for (uint32_t i = 0; i < stripe->nslots; i++)
	{
		/* another may come into its place */
		while (slot_table_tags(stripe)[i] != 0 && test(slot_table_at(layout, stripe, i), arg))
		{
			slot_table_remove(layout, stripe, i);
			removed++;
		}
	}
	return removed;
}

static bool
means_nothing(const Bucket *bucket, const void *arg)
{
	int64_t		now = *(const int64_t *) arg;

	if (bucket->key.kind == BUCKET_RATE)
		return atomic_load_explicit(&bucket->used, memory_order_relaxed) <= rate_time(now);
	return bucket->window.end <= now;
}

/*
 * Remove what means nothing any more, but not again within a second: where every
 * bucket is in use, looking at them all would only take time.  True if there is room.
 */
bool
bucket_sweep(BucketStripe *stripe, int64_t now)
{
	bool		just_swept = stripe->swept_at <= now && stripe->swept_at > now - SWEEP_INTERVAL;

	if (stripe->used < stripe->limit)
		return true;
	if (just_swept)
		return false;
	stripe->swept_at = now;
	return bucket_remove(stripe, means_nothing, &now) > 0;
}
