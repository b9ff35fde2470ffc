/*
 * bucket.c
 *		What quotas and rates have left, in shared memory.
 *
 * The table (bucket_core.c, shared_table.c) has a fixed size (devapp.quota_size).  A
 * call takes a stripe's lock shared and one compare-and-swap; only a bucket that is
 * new, that is in another window or that was read anew needs the lock exclusive.
 *
 * A quota's bucket starts from its row of devapp.quota_usage, and looks at the row
 * again every flush interval: so it goes on after a restart, and sees what other
 * servers of the cluster counted.  A row never holds more than what was really used,
 * so the larger of the two is right; only where the row was reset since, the row is.
 * Rows are read by the caller (quota.c), never under a lock of this table.
 *
 * When a stripe is full, idle buckets are removed.  If there is still no room, or the
 * app has its share of a stripe that is half full, the call is refused: a limit that
 * can't be counted is no limit (quota.c).
 *
 * Locks: one of each stripe.  Nobody holds two of them, or another lock
 * of devapp together with one of them.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/lwlock.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/shared_table.h"
#include "meter/meter.h"
#include "meter/registry.h"
#include "quota/bucket.h"
#include "quota/lease.h"

/* how often a row is read where nothing is flushed, in seconds */
#define READ_INTERVAL		10

/* how long a call may be between its clock and the counters, in microseconds */
#define WRITE_SLACK			(5 * USECS_PER_SEC)

/* ---------- settings ---------- */

static int	quota_size = 16384;	/* kB */

/* The size is fixed at server start; loaded later there is nothing to size. */
void
buckets_define_gucs(void)
{
	DefineCustomIntVariable("devapp.quota_size",
							"Sets the amount of shared memory for quotas and rate limits.",
							NULL,
							&quota_size,
							16384, 1024, 16 * 1024 * 1024,
							process_shared_preload_libraries_in_progress ?
							PGC_POSTMASTER : PGC_SIGHUP,
							GUC_UNIT_KB, NULL, NULL, NULL);
}

/* ---------- at server start ---------- */

static SharedTable table = {
	.name = "devapp quota",
	.kilobytes = &quota_size,
	.stripe_size = bucket_stripe_size
};

/* Called by _PG_init() in the postmaster.  Leases get their part beside. */
void
buckets_init(void)
{
	shared_table_add(&table);
	leases_init(quota_size / 4);
}

bool
buckets_are_on(void)
{
	return table.memory != NULL;
}

/* ---------- finding ---------- */

uint64
buckets_hash(const BucketKey *key)
{
	return bucket_hash(key, &table.memory->seed);
}

static LWLock *
lock_of(uint64 hash)
{
	return shared_table_lock(&table, shared_table_number(hash));
}

static BucketStripe *
stripe_of(uint64 hash)
{
	return shared_table_stripe(&table, shared_table_number(hash));
}

/* How often a quota's row is read while its bucket is in use, in microseconds. */
static int64
read_interval(void)
{
	int			seconds = devapp_flush_interval > 0 ? devapp_flush_interval : READ_INTERVAL;

	return seconds * USECS_PER_SEC;
}

/*
 * Which buckets are idle.  One whose row was read so long ago has not been asked for
 * since then but for an interval, because it would have been read again; what was taken
 * from it until then is in the row by the last flush.  To be asked for before a lock of
 * the table is taken.
 */
static BucketIdle
idle_buckets(TimestampTz now)
{
	BucketIdle	idle = {.now = now, .database = MyDatabaseId};
	TimestampTz until = registry_written_until();

	/* after a clock was put back, the times of before tell nothing */
	idle.written = until > 0 && until <= now ?
		until - read_interval() - WRITE_SLACK : PG_INT64_MIN;
	return idle;
}

/* Under the exclusive lock.  NULL: there is no room. */
static Bucket *
find_or_make(uint64 hash, const BucketKey *key, const BucketIdle *idle, bool *is_new)
{
	BucketStripe *stripe = stripe_of(hash);
	Bucket	   *bucket = bucket_find(stripe, hash, key);

	*is_new = bucket == NULL;
	if (bucket == NULL && bucket_sweep(stripe, idle) && bucket_share_left(stripe, key))
		bucket = bucket_make(stripe, hash, key);
	return bucket;
}

/* ---------- quotas ---------- */

/* Is it time to read the row again?  If so, who asks is to do it. */
static bool
must_read(Bucket *bucket, TimestampTz now)
{
	int64		read_at = atomic_load_explicit(&bucket->read_at, memory_order_relaxed);

	if (bucket->key.kind == BUCKET_HARD ||
		(read_at <= now && read_at > now - read_interval()))
		return false;
	return atomic_compare_exchange_strong_explicit(&bucket->read_at, &read_at, now,
												   memory_order_relaxed,
												   memory_order_relaxed);
}

static void
answer_call(Bucket *bucket, BucketCall *call)
{
	call->window = bucket->window;
	call->taken = call->cost > 0 &&
		bucket_take(bucket, call->limit, call->cost, &call->used);
	if (call->cost == 0)
		call->used = atomic_load_explicit(&bucket->used, memory_order_relaxed);
}

/* False: the bucket must be put there first, by what its row says. */
bool
buckets_try(BucketCall *call)
{
	LWLock	   *lock = lock_of(call->hash);
	Bucket	   *bucket;
	bool		done;

	LWLockAcquire(lock, LW_SHARED);
	bucket = bucket_find(stripe_of(call->hash), call->hash, &call->key);
	done = bucket != NULL && quota_window_stays(bucket->window, call->window) &&
		!must_read(bucket, call->now);
	if (done)
		answer_call(bucket, call);
	LWLockRelease(lock);
	return done;
}

static bool
same_window(QuotaWindow a, QuotaWindow b)
{
	return a.start == b.start && a.end == b.end;
}

/* Bring a bucket to the window of the call, and to what its row says. */
static void
renew_bucket(Bucket *bucket, bool is_new, const BucketCall *call, const BucketRow *row)
{
	QuotaWindow window = call->window;
	bool		was_reset = !is_new && row->found && row->resets > bucket->resets;
	int64		used = 0;
	int64		in_row = 0;

	/* a reset also brings back what a wrong clock has put into a later window */
	if (!is_new && !was_reset && quota_window_stays(bucket->window, window))
	{
		window = bucket->window;
		used = atomic_load_explicit(&bucket->used, memory_order_relaxed);
	}
	else
	{
		/* of a row that is gone, as it is some time after its window, nothing is known */
		bucket->resets = row->resets;
		if (row->found && quota_window_stays(row->window, window))
			window = row->window;
	}
	if (row->found)
	{
		if (same_window(row->window, window))
			in_row = row->used;
		/* what was counted before a reset is forgotten; a row may be from before it */
		if (was_reset || used < in_row)
			used = in_row;
		bucket->resets = Max(row->resets, bucket->resets);
	}
	bucket->window = window;
	atomic_store_explicit(&bucket->used, used, memory_order_relaxed);
	atomic_store_explicit(&bucket->read_at, call->now, memory_order_relaxed);
}

/* False: there is no room. */
bool
buckets_put(BucketCall *call, const BucketRow *row)
{
	LWLock	   *lock = lock_of(call->hash);
	BucketIdle	idle = idle_buckets(call->now);
	Bucket	   *bucket;
	bool		is_new;

	LWLockAcquire(lock, LW_EXCLUSIVE);
	bucket = find_or_make(call->hash, &call->key, &idle, &is_new);
	if (bucket != NULL)
	{
		renew_bucket(bucket, is_new, call, row);
		answer_call(bucket, call);
	}
	LWLockRelease(lock);
	return bucket != NULL;
}

/* What is used in this window, as far as memory knows. */
int64
buckets_used(const BucketKey *key, QuotaWindow window)
{
	uint64		hash = buckets_hash(key);
	int64		used = 0;
	Bucket	   *bucket;

	LWLockAcquire(lock_of(hash), LW_SHARED);
	bucket = bucket_find(stripe_of(hash), hash, key);
	if (bucket != NULL && same_window(bucket->window, window))
		used = atomic_load_explicit(&bucket->used, memory_order_relaxed);
	LWLockRelease(lock_of(hash));
	return used;
}

/*
 * So much more was lent to standbys or used by them, or so much less.  A bucket that is not
 * there starts from its row, which says so as well.
 */
void
buckets_charge(const BucketKey *key, QuotaWindow window, int64 amount)
{
	uint64		hash = buckets_hash(key);
	Bucket	   *bucket;

	LWLockAcquire(lock_of(hash), LW_SHARED);
	bucket = bucket_find(stripe_of(hash), hash, key);
	if (bucket != NULL && same_window(bucket->window, window))
		bucket_charge(bucket, amount);
	LWLockRelease(lock_of(hash));
}

/* ---------- rates ---------- */

/*
 * A tat that is further ahead than a burst is from before a clock was put back, or a
 * limit was changed.  It says nothing of what may come now, so the bucket starts full.
 * The time of the call does not tell: others may have read the clock later.  One read
 * after the tat does.  But the bucket has to be full for the call, which may have read
 * the clock a while ago.
 */
static void
correct_rate(Bucket *bucket, RateRule rule, TimestampTz now)
{
	int64		tat = atomic_load_explicit(&bucket->used, memory_order_acquire);

	if (unlikely(tat > rate_latest(rule, rate_time(now))))
		(void) bucket_restart_rate(bucket, tat, rule, rate_time(GetCurrentTimestamp()), rate_time(now));
}

/* False: there is no room. */
bool
buckets_take_rate(const BucketKey *key, uint64 hash, RateRule rule,
				  TimestampTz now, int64 cost, RateAnswer *answer)
{
	LWLock	   *lock = lock_of(hash);
	Bucket	   *bucket;
	bool		is_new;

	LWLockAcquire(lock, LW_SHARED);
	bucket = bucket_find(stripe_of(hash), hash, key);
	if (bucket == NULL)
	{
		BucketIdle	idle;

		LWLockRelease(lock);
		idle = idle_buckets(now);
		LWLockAcquire(lock, LW_EXCLUSIVE);
		bucket = find_or_make(hash, key, &idle, &is_new);
	}
	if (bucket != NULL)
	{
		correct_rate(bucket, rule, now);
		*answer = bucket_take_rate(bucket, rule, rate_time(now), cost);
	}
	LWLockRelease(lock);
	return bucket != NULL;
}

/* What a call would be answered; nothing is taken. */
RateAnswer
buckets_look_at_rate(const BucketKey *key, uint64 hash, RateRule rule,
					 TimestampTz now, int64 cost)
{
	LWLock	   *lock = lock_of(hash);
	int64		time = rate_time(now);
	int64		tat = time;
	Bucket	   *bucket;

	LWLockAcquire(lock, LW_SHARED);
	bucket = bucket_find(stripe_of(hash), hash, key);
	if (bucket != NULL)
	{
		correct_rate(bucket, rule, now);
		tat = atomic_load_explicit(&bucket->used, memory_order_relaxed);
	}
	LWLockRelease(lock);
	return rate_ask(rule, tat, time, cost);
}

void
buckets_give_rate_back(const BucketKey *key, uint64 hash, int64 nanoseconds)
{
	LWLock	   *lock = lock_of(hash);
	Bucket	   *bucket;

	LWLockAcquire(lock, LW_SHARED);
	bucket = bucket_find(stripe_of(hash), hash, key);
	if (bucket != NULL)
		bucket_give_back(bucket, nanoseconds);
	LWLockRelease(lock);
}

/* ---------- all of them ---------- */

/* Remove the buckets that a test picks; the next calls make them anew. */
void
buckets_forget(BucketTest test, const void *arg)
{
	for (int i = 0; i < SHARED_TABLE_STRIPES; i++)
	{
		LWLockAcquire(shared_table_lock(&table, i), LW_EXCLUSIVE);
		(void) bucket_remove(shared_table_stripe(&table, i), test, arg);
		LWLockRelease(shared_table_lock(&table, i));
	}
}

int
buckets_stripes(void)
{
	return SHARED_TABLE_STRIPES;
}

/* How many buckets a stripe may hold. */
uint32
buckets_stripe_limit(void)
{
	return shared_table_limit(&table);
}

/* The buckets of a stripe that a test picks; there is room for the limit. */
uint32
buckets_copy(int number, BucketTest test, const void *arg, Bucket *copies)
{
	uint32		place = 0;
	uint32		n = 0;
	Bucket	   *bucket;

	LWLockAcquire(shared_table_lock(&table, number), LW_SHARED);
	while ((bucket = bucket_next(shared_table_stripe(&table, number), &place)) != NULL)
	{
		if (test(bucket, arg))
			memcpy(&copies[n++], bucket, sizeof(Bucket));
	}
	LWLockRelease(shared_table_lock(&table, number));
	return n;
}

/* Of all databases. */
BucketSlots
buckets_slots(void)
{
	return (BucketSlots) {shared_table_used(&table), shared_table_total(&table)};
}
