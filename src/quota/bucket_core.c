/*
 * bucket_core.c
 *		A bounded table of what quotas and rates have left.  Needs no backend.
 *
 * A stripe is a hash table of fixed size (slot_table_core.h).  A bucket stays while
 * it says what nothing else does.  Those that are idle are removed when a stripe is
 * full.  From when a stripe is half full, an app may have an eighth of it.
 *
 * Taking from a bucket is one compare-and-swap, under the shared lock: any number of
 * processes may do it at once, and what they take never adds up to more than the
 * limit.
 */
#include "quota/bucket_core.h"

#include <string.h>

#include "base/slot_table_core.h"

#define SWEEP_INTERVAL	INT64_C(1000000)	/* microseconds */
#define APP_SHARE		8		/* an app may have one in so many */

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
bucket_hash(const BucketKey *key, const SlotSeed *seed)
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

/* So much more is used than calls here have taken, or so much less. */
void
bucket_charge(Bucket *bucket, int64_t amount)
{
	int64_t		used = atomic_load_explicit(&bucket->used, memory_order_relaxed);
	int64_t		sum;

	do
	{
		if (__builtin_add_overflow(used, amount, &sum))
			sum = INT64_MAX;
		if (sum < 0)
			sum = 0;
	} while (!atomic_compare_exchange_weak_explicit(&bucket->used, &used, sum,
													memory_order_relaxed,
													memory_order_relaxed));
}

/*
 * A tat that is further ahead than it can be by the clock starts anew at the time of the call,
 * if it is still there.
 */
bool
bucket_restart_rate(Bucket *bucket, int64_t tat, RateRule rule, int64_t clock, int64_t call)
{
	return tat > rate_latest(rule, clock) &&
		atomic_compare_exchange_strong_explicit(&bucket->used, &tat, call,
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

/*
 * May the bucket go?  What it says must be known without it: of a quota nothing was
 * taken, or its window has ended, or all that was taken is in its row, from which the
 * next call starts; a rate is worked off.
 */
static bool
is_idle(const Bucket *bucket, const void *arg)
{
	const BucketIdle *idle = arg;
	int64_t		used = atomic_load_explicit(&bucket->used, memory_order_relaxed);

	if (bucket->key.kind == BUCKET_RATE)
		return used <= rate_time(idle->now);
	if (used == 0 || bucket->window.end <= idle->now)
		return true;
	return bucket->key.kind == BUCKET_SOFT && bucket->key.database == idle->database &&
		atomic_load_explicit(&bucket->read_at, memory_order_relaxed) < idle->written;
}

/*
 * Remove the idle ones, but not again within a second: where every bucket is in use,
 * looking at them all would only take time.  True if there is room.
 */
bool
bucket_sweep(BucketStripe *stripe, const BucketIdle *idle)
{
	int64_t		now = idle->now;
	bool		just_swept = stripe->swept_at <= now && stripe->swept_at > now - SWEEP_INTERVAL;

	if (stripe->used < stripe->limit)
		return true;
	if (just_swept)
		return false;
	stripe->swept_at = now;
	return bucket_remove(stripe, is_idle, idle) > 0;
}

/*
 * May an app have one more bucket here?  Where there is plenty of room it may have any
 * number; else no more than its share, so that one app can't take the place of others.
 */
bool
bucket_share_left(BucketStripe *stripe, const BucketKey *key)
{
	uint32_t	share = stripe->limit / APP_SHARE > 0 ? stripe->limit / APP_SHARE : 1;
	uint32_t	have = 0;
	uint32_t	place = 0;
	const Bucket *bucket;

	if (stripe->used < stripe->limit / 2)
		return true;
	while (have < share && (bucket = bucket_next(stripe, &place)) != NULL)
		have += bucket->key.database == key->database &&
			memcmp(bucket->key.app_id, key->app_id, BUCKET_ID_LEN) == 0;
	return have < share;
}
