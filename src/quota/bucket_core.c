/*
 * bucket_core.c
 *		A bounded table of what quotas and rates have left.  Needs no backend.
 *
 * Partitions, tags and probing are those of meter_core.c.  Here a bucket stays while
 * it means something: a quota's until its window has ended, a rate's until its calls
 * are worked off.  Those that mean nothing any more are removed when a partition is
 * full, by moving the ones that were probed past them back into the gap; so there are
 * no marks of what was deleted.
 *
 * Taking from a bucket is one compare-and-swap, under the shared lock: any number of
 * processes may do it at once, and what they take never adds up to more than the
 * limit.
 */
#include "quota/bucket_core.h"

#include <string.h>

#include "base/hash_core.h"

#define SWEEP_INTERVAL	INT64_C(1000000)	/* microseconds */

_Static_assert(sizeof(BucketKey) == 8 + 3 * BUCKET_ID_LEN + BUCKET_ENVIRONMENT_LEN,
			   "a key has no padding");
_Static_assert(sizeof(BucketKey) % sizeof(uint64_t) == 0, "a key is hashed by words");
_Static_assert(sizeof(BucketPartition) % sizeof(uint64_t) == 0, "slots are aligned");

/* ---------- layout ---------- */

static size_t
tags_size(uint32_t nslots)
{
	return ((size_t) nslots * sizeof(uint32_t) + 7) & ~(size_t) 7;
}

static uint32_t *
tags_of(BucketPartition *p)
{
	return (uint32_t *) (p + 1);
}

static Bucket *
slots_of(BucketPartition *p)
{
	return (Bucket *) ((char *) (p + 1) + tags_size(p->nslots));
}

size_t
bucket_partition_size(uint32_t nslots)
{
	return sizeof(BucketPartition) + tags_size(nslots) +
		(size_t) nslots * sizeof(Bucket);
}

/* One slot in 16, and at least one, stays free: it ends every probe. */
void
bucket_partition_init(BucketPartition *p, uint32_t nslots, uint64_t seed)
{
	memset(p, 0, sizeof(BucketPartition));
	p->seed = seed;
	p->nslots = nslots;
	p->limit = nslots - nslots / 16 - 1;
	p->swept_at = INT64_MIN;
	memset(tags_of(p), 0, tags_size(nslots));
}

/* ---------- finding ---------- */

uint64_t
bucket_hash(const BucketKey *key, uint64_t seed)
{
	return hash_words(key, sizeof(BucketKey), seed);
}

/* The place of a key, or the free one where it would be. */
static uint32_t
probe(BucketPartition *p, uint64_t hash, const BucketKey *key)
{
	const uint32_t *tags = tags_of(p);
	const Bucket *slots = slots_of(p);
	uint32_t	tag = hash_tag(hash);
	uint32_t	i = hash_place(hash, p->nslots);

	while (tags[i] != 0)
	{
		if (tags[i] == tag && memcmp(&slots[i].key, key, sizeof(BucketKey)) == 0)
			break;
		if (++i == p->nslots)
			i = 0;
	}
	return i;
}

Bucket *
bucket_find(BucketPartition *p, uint64_t hash, const BucketKey *key)
{
	uint32_t	i = probe(p, hash, key);

	return tags_of(p)[i] != 0 ? &slots_of(p)[i] : NULL;
}

/* One bucket after the other: place starts as 0; NULL at the end. */
Bucket *
bucket_next(BucketPartition *p, uint32_t *place)
{
	while (*place < p->nslots)
	{
		uint32_t	i = (*place)++;

		if (tags_of(p)[i] != 0)
			return &slots_of(p)[i];
	}
	return NULL;
}

/* A key that is not there.  NULL: there is no room for it. */
Bucket *
bucket_make(BucketPartition *p, uint64_t hash, const BucketKey *key)
{
	uint32_t	i = probe(p, hash, key);
	Bucket	   *bucket = &slots_of(p)[i];

	if (p->used >= p->limit)
		return NULL;
	memset(bucket, 0, sizeof(Bucket));
	bucket->key = *key;
	tags_of(p)[i] = hash_tag(hash);
	p->used++;
	return bucket;
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
bucket_take_rate(Bucket *bucket, RateRule rule, int64_t now, int32_t cost)
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

/* Move what was probed past a slot back, and leave the last of them free. */
static void
close_gap(BucketPartition *p, uint32_t gap)
{
	uint32_t   *tags = tags_of(p);
	Bucket	   *slots = slots_of(p);
	uint32_t	i = gap;

	for (;;)
	{
		uint32_t	home;

		if (++i == p->nslots)
			i = 0;
		if (tags[i] == 0)
			break;
		home = hash_place(bucket_hash(&slots[i].key, p->seed), p->nslots);
		/* it may not go before its home: is that in the ring from gap + 1 to i? */
		if (gap < i ? (home > gap && home <= i) : (home > gap || home <= i))
			continue;
		tags[gap] = tags[i];
		memcpy(&slots[gap], &slots[i], sizeof(Bucket));
		gap = i;
	}
	tags[gap] = 0;
	p->used--;
}

/* Remove the buckets that a test picks; how many. */
uint32_t
bucket_remove(BucketPartition *p, BucketTest test, const void *arg)
{
	uint32_t	removed = 0;

	for (uint32_t i = 0; i < p->nslots; i++)
	{
		/* another may come into its place */
		while (tags_of(p)[i] != 0 && test(&slots_of(p)[i], arg))
		{
			close_gap(p, i);
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
bucket_sweep(BucketPartition *p, int64_t now)
{
	bool		just_swept = p->swept_at <= now && p->swept_at > now - SWEEP_INTERVAL;

	if (p->used < p->limit)
		return true;
	if (just_swept)
		return false;
	p->swept_at = now;
	return bucket_remove(p, means_nothing, &now) > 0;
}
