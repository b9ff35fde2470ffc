/*
 * lease_core.h
 *		Parts of quotas that a primary lends to its standbys.  Needs no backend.
 */
#ifndef DEVAPP_LEASE_CORE_H
#define DEVAPP_LEASE_CORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/slot_table_core.h"
#include "quota/bucket_core.h"

/* ---------- the primary ---------- */

/* A bucket's row, under its lock: used + reserved never grow beyond the limit by a grant. */
typedef struct LeaseBook
{
	int64_t		limit;
	int64_t		used;
	int64_t		reserved;		/* lent, and not reported as used */
} LeaseBook;

/*
 * What one server has of it.  Amounts count from when the lease of this number began, so
 * that a report that comes twice changes nothing.
 */
typedef struct LeaseRecord
{
	int64_t		number;
	int64_t		batch;			/* the last that was taken */
	int64_t		granted;
	int64_t		used;
} LeaseRecord;

/* What a server says and asks. */
typedef struct LeaseAsk
{
	int64_t		number;
	int64_t		batch;
	int64_t		used;			/* so far */
	int64_t		held;			/* it will not use more than this unless more is granted */
	int64_t		want;			/* to have left */
	int64_t		need;			/* what one call costs that it had to refuse */
} LeaseAsk;

extern const char *lease_check(const LeaseAsk *ask);
extern int64_t lease_outstanding(const LeaseRecord *record);
extern bool lease_settle(LeaseBook *book, LeaseRecord *record, const LeaseAsk *ask);
extern void lease_give_back(LeaseBook *book, LeaseRecord *record);
extern void lease_grant(LeaseBook *book, LeaseRecord *record, const LeaseAsk *ask, int64_t servers);

/* ---------- a standby ---------- */

#define LEASE_GRACE		INT64_C(5000000)	/* how long a new one waits for its first answer */
#define LEASE_PAUSE		INT64_C(250000) /* after an answer that granted nothing */
#define LEASE_RETRY		INT64_C(30000)	/* where the bucket was busy */
#define LEASE_RENEW		INT64_C(20000000)	/* one that is not called for is renewed after this */
#define LEASE_MARGIN	INT64_C(1000000)	/* it ends so much earlier than on the primary */
#define LEASE_IDLE		INT64_C(300000000)	/* one that is not used is given back after this */

/*
 * What a server holds.  All times are microseconds of its monotonic clock.  The atomics
 * change under the shared lock of the stripe, all else under the exclusive one.
 */
typedef struct Lease
{
	BucketKey	key;
	QuotaWindow window;
	int64_t		limit;			/* of the quota that it is a part of */
	int64_t		number;
	int64_t		granted;		/* since it began */
	int64_t		until;			/* it may be used before this */
	int64_t		told;			/* what the primary knows to be used */
	int64_t		room;			/* limit less used, as the primary told; -1: it has not */
	int64_t		asked_at;		/* when what was answered last was asked */
	int64_t		busy_at;		/* when it was last seen to be called for */
	int64_t		pause_until;	/* it is not asked for again before */
	int64_t		low;			/* the shipper is woken when so little is left */
	_Atomic int64_t left;		/* of what is granted; below 0: overdrawn */
	_Atomic int64_t refused;	/* cost of the calls that found too little, since then */
	_Atomic int64_t need;		/* the dearest of them */
	_Atomic uint32_t wanted;	/* the shipper is to ask */
	bool		hard;			/* so is the quota */
	bool		returned;		/* all that was left was given back; it may be removed */
	bool		is_last;		/* the primary has no more to lend: it may not be overdrawn */
} Lease;

/* A part of the table, with a lock of its own. */
typedef SlotTable LeaseStripe;

typedef enum LeaseTake
{
	LEASE_TAKEN,
	LEASE_TOO_LITTLE,			/* more may be granted */
	LEASE_USED_UP,				/* the primary said that no more is left */
	LEASE_ENDED					/* or was for another quota */
} LeaseTake;

typedef struct LeaseAnswer
{
	int64_t		granted;
	int64_t		room;			/* limit less used */
	int64_t		free;			/* less what is reserved, too; below 0: overdrawn */
	int64_t		seconds;		/* it holds so long from when it was asked for; 0: as before */
	bool		is_void;		/* what is left is to be given back */
} LeaseAnswer;

extern size_t lease_stripe_size(uint32_t nslots);

/* these need the stripe's lock: shared */
extern Lease *lease_find(LeaseStripe *stripe, uint64_t hash, const BucketKey *key);
extern Lease *lease_next(LeaseStripe *stripe, uint32_t *place);
extern int64_t lease_used(const Lease *lease);
extern int64_t lease_allowance(const Lease *lease);
extern int64_t lease_room(const Lease *lease);
extern LeaseTake lease_take(Lease *lease, int64_t limit, int64_t cost, int64_t now, bool *wake);

extern bool lease_is_due(const Lease *lease, int64_t now, int64_t interval);

/* exclusive */
extern Lease *lease_make(LeaseStripe *stripe, uint64_t hash, const BucketKey *key);
extern void lease_begin(Lease *lease, int64_t number, QuotaWindow window, int64_t limit,
						bool hard, int64_t now);
extern void lease_change_quota(Lease *lease, int64_t limit, bool hard, int64_t now);
extern LeaseAsk lease_ask(Lease *lease, int64_t batch, int64_t now, int64_t interval);
extern bool lease_apply(Lease *lease, const LeaseAsk *ask, const LeaseAnswer *answer,
						int64_t asked_at);
extern void lease_retry(Lease *lease, int64_t now);
extern LeaseAsk lease_finish(Lease *lease, int64_t batch);
extern void lease_remove(LeaseStripe *stripe, Lease *lease);

#endif							/* DEVAPP_LEASE_CORE_H */
