/*
 * lease_core.c
 *		Parts of quotas that a primary lends to its standbys.  Needs no backend.
 *
 * A standby can't write a bucket's row.  It borrows a part of what is left, lets calls
 * through as long as it has some of it, and tells the primary, which lends more.  Both
 * sides count from the beginning of a lease: what was granted in all, and what was used
 * in all.  A report says what the server has used (used) and what it holds itself to
 * (held); the answer says what is granted now.  So whatever gets lost, comes twice or
 * comes late:
 *
 *	- an answer that is lost: the next report holds less than was granted, and the primary
 *	  takes the difference back;
 *	- a report that comes twice, or after a later one, has no batch that is new, and
 *	  changes nothing;
 *	- a server that dies takes its number with it.  Nobody knows what it used, so of a hard
 *	  quota what it held stays reserved until the window ends; of a soft one it is given
 *	  back when the lease expires.
 *
 * On the primary used + reserved <= limit holds after every grant.  What a server lets
 * through of a hard quota is part of used or of reserved there, at all times: it takes no
 * more than it holds, holds no more than it was granted, and what it gives back it has
 * already ceased to hold.  So all calls together never go beyond the limit, whatever
 * clocks say.
 *
 * A grant is at most what is left divided by twice the servers that have a live lease:
 * so no server takes all, and leases become smaller towards the limit.  A call that costs
 * more than that gets what it needs, if that is left.
 *
 * A soft quota need not be exact: a server may overdraw its lease by a hundredth of the
 * limit, at least by 1, as long as the primary has something left to lend.  That is told
 * like what is lent.
 */
#include "quota/lease_core.h"

#include <string.h>

#define USECS_PER_SEC	INT64_C(1000000)
#define ALLOWANCE		100		/* one in so many */

_Static_assert(sizeof(Lease) % sizeof(uint64_t) == 0, "slots are aligned");

static const SlotLayout layout = {sizeof(BucketKey), sizeof(Lease)};

static int64_t
least_of(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
largest_of(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t
saturated_sum(int64_t a, int64_t b)
{
	int64_t		sum;

	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

/* ---------- the primary ---------- */

/* What is wrong with a report; NULL: nothing. */
const char *
lease_check(const LeaseAsk *ask)
{
	if (ask->number <= 0 || ask->batch <= 0)
		return "the number of the lease or the batch is not positive";
	if (ask->used < 0 || ask->held < 0 || ask->want < 0 || ask->need < 0)
		return "an amount is negative";
	if (ask->need > COST_MAX)
		return "a cost is too large";
	return NULL;
}

int64_t
lease_outstanding(const LeaseRecord *record)
{
	return largest_of(record->granted - record->used, 0);
}

/* The server will use no more of it. */
void
lease_give_back(LeaseBook *book, LeaseRecord *record)
{
	book->reserved = largest_of(book->reserved - lease_outstanding(record), 0);
	record->granted = record->used;
}

/*
 * Take note of what a server has used and holds.  False: it was told before, or is older
 * than what was.
 */
bool
lease_settle(LeaseBook *book, LeaseRecord *record, const LeaseAsk *ask)
{
	if (ask->number < record->number ||
		(ask->number == record->number && ask->batch <= record->batch))
		return false;
	lease_give_back(book, record);
	if (ask->number > record->number)
		*record = (LeaseRecord) {.number = ask->number};
	record->batch = ask->batch;
	if (ask->used > record->used)
	{
		book->used = saturated_sum(book->used, ask->used - record->used);
		record->used = ask->used;
	}
	record->granted = largest_of(ask->held, record->used);
	book->reserved = saturated_sum(book->reserved, lease_outstanding(record));
	return true;
}

/* Lend more; servers are those with a live lease, with this one. */
void
lease_grant(LeaseBook *book, LeaseRecord *record, const LeaseAsk *ask, int64_t servers)
{
	int64_t		left = book->used < book->limit ? book->limit - book->used : 0;
	int64_t		more = ask->want - lease_outstanding(record);
	int64_t		lack = ask->need - lease_outstanding(record);
	int64_t		most;

	left = left > book->reserved ? left - book->reserved : 0;
	most = largest_of(largest_of(left / (2 * largest_of(servers, 1)), 1), lack);
	more = least_of(least_of(largest_of(more, lack), most), left);
	/* a part of what a call needs is of no use */
	if (more <= 0 || more < lack)
		return;
	record->granted = saturated_sum(record->granted, more);
	book->reserved += more;
}

/* ---------- a standby: the table ---------- */

size_t
lease_stripe_size(uint32_t nslots)
{
	return slot_table_size(layout, nslots);
}

Lease *
lease_find(LeaseStripe *stripe, uint64_t hash, const BucketKey *key)
{
	return slot_table_find(layout, stripe, hash, key);
}

/* One lease after the other: place starts as 0; NULL at the end. */
Lease *
lease_next(LeaseStripe *stripe, uint32_t *place)
{
	return slot_table_next(layout, stripe, place);
}

/* A key that is not there.  NULL: there is no room for it. */
Lease *
lease_make(LeaseStripe *stripe, uint64_t hash, const BucketKey *key)
{
	return slot_table_add(layout, stripe, hash, key);
}

/* Another may come into its place. */
void
lease_remove(LeaseStripe *stripe, Lease *lease)
{
	slot_table_remove(layout, stripe,
					  (uint32_t) (((char *) lease - (char *) slot_table_at(layout, stripe, 0)) / sizeof(Lease)));
}

/* ---------- a standby: calls ---------- */

/* A lease of which nothing is granted yet.  Its number is larger than that of any before. */
void
lease_begin(Lease *lease, int64_t number, QuotaWindow window, int64_t limit, bool hard, int64_t now)
{
	BucketKey	key = lease->key;

	memset(lease, 0, sizeof(Lease));
	lease->key = key;
	lease->window = window;
	lease->limit = limit;
	lease->hard = hard;
	lease->number = number;
	lease->until = now + LEASE_GRACE;
	lease->room = -1;
	lease->asked_at = lease->busy_at = now;
}

/* What calls have taken since it began. */
int64_t
lease_used(const Lease *lease)
{
	return lease->granted - atomic_load_explicit(&lease->left, memory_order_relaxed);
}

/* By so much it may be overdrawn. */
int64_t
lease_allowance(const Lease *lease)
{
	return !lease->hard && !lease->is_last ? largest_of(lease->limit / ALLOWANCE, 1) : 0;
}

/* The first who asks for it wakes the shipper. */
static bool
must_wake(Lease *lease)
{
	return atomic_load_explicit(&lease->wanted, memory_order_relaxed) == 0 &&
		atomic_exchange_explicit(&lease->wanted, 1, memory_order_relaxed) == 0;
}

static LeaseTake
refuse_call(Lease *lease, LeaseTake reason, int64_t cost, bool *wake)
{
	int64_t		need = atomic_load_explicit(&lease->need, memory_order_relaxed);

	atomic_fetch_add_explicit(&lease->refused, cost, memory_order_relaxed);
	/* what is used up may be set back, but that is asked for at leisure */
	if (reason == LEASE_USED_UP)
		return reason;
	while (need < cost &&
		   !atomic_compare_exchange_weak_explicit(&lease->need, &need, cost,
												  memory_order_relaxed, memory_order_relaxed))
		;
	*wake = must_wake(lease);
	return reason;
}

/* True if the primary's last answer rules out that more is granted. */
static bool
is_used_up(const Lease *lease, int64_t cost)
{
	return lease->room >= 0 && cost > lease->room - (lease_used(lease) - lease->told);
}

/* Take this cost, which is positive.  wake: the shipper is to be woken. */
LeaseTake
lease_take(Lease *lease, int64_t limit, int64_t cost, int64_t now, bool *wake)
{
	int64_t		left = atomic_load_explicit(&lease->left, memory_order_relaxed);
	int64_t		bottom = -lease_allowance(lease);

	*wake = false;
	if (now >= lease->until || limit != lease->limit)
		return refuse_call(lease, LEASE_ENDED, cost, wake);
	do
	{
		if (left < cost && is_used_up(lease, cost))
			return refuse_call(lease, LEASE_USED_UP, cost, wake);
		if (left - cost < bottom)
			return refuse_call(lease, LEASE_TOO_LITTLE, cost, wake);
	} while (!atomic_compare_exchange_weak_explicit(&lease->left, &left, left - cost,
													memory_order_relaxed, memory_order_relaxed));
	if (left - cost <= lease->low)
		*wake = must_wake(lease);
	return LEASE_TAKEN;
}

/* What of the quota is left for calls, as far as is known; -1: nothing is. */
int64_t
lease_room(const Lease *lease)
{
	return lease->room < 0 ? -1 : largest_of(lease->room - (lease_used(lease) - lease->told), 0);
}

/*
 * The quota has another limit, or has become hard or soft.  What is left was granted before
 * that; it is not there for calls any more, and the next report gives it back.
 */
void
lease_change_quota(Lease *lease, int64_t limit, bool hard, int64_t now)
{
	lease->granted = lease_used(lease);
	atomic_store_explicit(&lease->left, 0, memory_order_relaxed);
	lease->limit = limit;
	lease->hard = hard;
	lease->room = -1;
	lease->is_last = false;
	lease->low = 0;
	lease->until = now + LEASE_GRACE;
	lease->pause_until = 0;
}

/* ---------- a standby: asking ---------- */

/* True if it is to be told of now: either it was asked for, or it is time. */
bool
lease_is_due(const Lease *lease, int64_t now, int64_t interval)
{
	bool		busy = lease_used(lease) != lease->told ||
		atomic_load_explicit(&lease->refused, memory_order_relaxed) != 0;

	if (now < lease->pause_until)
		return false;
	return atomic_load_explicit(&lease->wanted, memory_order_relaxed) != 0 ||
		now - lease->asked_at >= (busy ? interval : LEASE_RENEW);
}

/*
 * What to tell and to ask: to have twice of what calls would ask for in an interval at the
 * present pace.  What is left beyond that is given back when the interval is over: from here
 * on it is not there for calls.  A lease that has ended gives back all.
 */
LeaseAsk
lease_ask(Lease *lease, int64_t batch, int64_t now, int64_t interval)
{
	int64_t		used = lease_used(lease);
	int64_t		busy = saturated_sum(used - lease->told,
									 atomic_exchange_explicit(&lease->refused, 0, memory_order_relaxed));
	int64_t		span = largest_of(now - lease->asked_at, USECS_PER_SEC);
	double		want = 2.0 * (double) busy * (double) interval / (double) span;
	int64_t		left = atomic_load_explicit(&lease->left, memory_order_relaxed);
	LeaseAsk	ask = {
		.number = lease->number,
		.batch = batch,
		.used = used,
		.need = atomic_exchange_explicit(&lease->need, 0, memory_order_relaxed)
	};

	if (busy > 0)
		lease->busy_at = now;
	lease->returned = now - lease->busy_at >= LEASE_IDLE;
	ask.want = want >= (double) lease->limit ? lease->limit : (int64_t) want;
	if (ask.want < 1 && !lease->returned)
		ask.want = 1;
	if (now >= lease->until)
		left = least_of(left, 0);
	else if (now - lease->asked_at >= interval)
		left = least_of(left, ask.want);
	ask.held = used + largest_of(left, 0);
	/* what is overdrawn stays so until the answer has come */
	lease->granted = used + left;
	atomic_store_explicit(&lease->left, left, memory_order_relaxed);
	atomic_store_explicit(&lease->wanted, 0, memory_order_relaxed);
	return ask;
}

/*
 * What the primary answered.  Calls may have come since it was asked.  False: nothing is
 * left to tell or to hold, and the lease may be removed.
 */
bool
lease_apply(Lease *lease, const LeaseAsk *ask, const LeaseAnswer *answer, int64_t asked_at)
{
	int64_t		more = answer->granted - lease->granted;
	int64_t		left = atomic_load_explicit(&lease->left, memory_order_relaxed) + more;

	lease->granted += more;
	lease->told = ask->used;
	lease->room = answer->room;
	lease->is_last = answer->free <= 0;
	lease->asked_at = asked_at;
	lease->pause_until = answer->granted > ask->held ? 0 : asked_at + LEASE_PAUSE;
	if (answer->seconds > 0)
		lease->until = asked_at + answer->seconds * USECS_PER_SEC - LEASE_MARGIN;
	if (answer->is_void && left > 0)
	{
		lease->granted -= left;
		left = 0;
	}
	if (answer->is_void)
	{
		lease->pause_until = 0;
		atomic_store_explicit(&lease->wanted, 1, memory_order_relaxed);
	}
	atomic_store_explicit(&lease->left, left, memory_order_relaxed);
	lease->low = left / 2;
	return !(lease->returned && left == 0 && lease_used(lease) == ask->used);
}

/* There was no answer, because the bucket was busy. */
void
lease_retry(Lease *lease, int64_t now)
{
	lease->pause_until = now + LEASE_RETRY;
	atomic_store_explicit(&lease->wanted, 1, memory_order_relaxed);
}

/*
 * The server is not a standby any more: what it used in all.  It lets nothing through from
 * here on.  It may be told again, if it is not known whether it was.
 */
LeaseAsk
lease_finish(Lease *lease, int64_t batch)
{
	int64_t		used = lease_used(lease);

	lease->until = INT64_MIN;
	return (LeaseAsk) {.number = lease->number, .batch = batch, .used = used, .held = used};
}
