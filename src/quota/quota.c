/*
 * quota.c
 *		What quotas and rates say to a call that is otherwise allowed.
 *
 * The quota is that of the operation that covers the call, if it has one of its own,
 * else the product's; the rate is the product's.  An app may have others in place of
 * the product's (devapp.app_quota), until a time that the clock of each call is compared
 * with.  Both count apart for each app and environment, whichever key is presented.
 *
 * First the quota is looked at, then the rate is asked, then the quota is taken: so
 * what is refused takes nothing.  If the last of a quota went to another call in
 * between, the rate gets its part back.
 *
 * A soft quota is counted in shared memory (bucket.c), and flushed to
 * devapp.quota_usage with the calls.  A hard one is counted in that table, under the
 * lock of the bucket's row, by consume_quota(); what is verified without it is counted
 * in shared memory and only there, and is added to what the row says.
 *
 * A verification never writes to a table.  It reads the row where a bucket is new, or
 * was not read for a while, or is hard, by an index scan of the latest committed
 * state; no lock is held meanwhile.
 *
 * A standby cannot write the row, and does not know what others take at the same time.
 * It borrows parts of quotas from its primary (lease.c), and lets through what it holds;
 * then no row is read.  Where it holds nothing, what a hard quota covers is UNAVAILABLE,
 * unless the row says that it is used up, and a soft quota is counted in memory.  What is
 * lent counts as used for calls on the primary.
 *
 * Without shared memory there are no soft quotas and no rates, and where the session
 * does not meter there are no limits at all.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "decide/quota_window.h"
#include "meter/meter.h"
#include "meter/registry.h"
#include "quota/bucket_columns.h"
#include "quota/hard_quota.h"
#include "quota/lease.h"
#include "quota/quota.h"
#include "table/catalog.h"

/* when it is worth trying again where a lease was asked for, in microseconds */
#define LEASE_WAIT	INT64CONST(100000)

/* What a quota answered. */
typedef struct QuotaAnswer
{
	bool		known;			/* false: there is nothing to ask */
	bool		no_room;		/* memory had none for the bucket */
	bool		unavailable;	/* this server may let no call through */
	bool		taken;
	int64		used;			/* then */
	int64		soft;			/* the part of it that is in shared memory only */
	bool		leased;			/* what was taken is told as that of a lease */
	QuotaWindow window;
} QuotaAnswer;

/* ---------- what limits a call ---------- */

static void
make_key(BucketKey *key, BucketKind kind, const Verdict *v,
		 const EntitlementProduct *product)
{
	memset(key, 0, sizeof(BucketKey));
	key->database = MyDatabaseId;
	key->kind = kind;
	memcpy(key->app_id, &v->entitlement->app_id, BUCKET_ID_LEN);
	memcpy(key->product_id, &product->product_id, BUCKET_ID_LEN);
	verdict_environment(v, key->environment, BUCKET_ENVIRONMENT_LEN);
}

/* False: nothing does. */
bool
limits_of(const Verdict *v, TimestampTz now, Limits *limits)
{
	const EntitlementCredentialProduct *asked =
		&v->entitlement->credential_products[v->decision.credential_product];
	const EntitlementProduct *product = asked->product;
	const ProductLimits *of_app = entitlement_limits(asked, now);
	int			operation = v->decision.operation;
	bool		own = operation >= 0 && product->operation_quotas[operation].limit > 0;
	const QuotaRule *quota = own ? &product->operation_quotas[operation] : &of_app->quota;

	/* most calls are not limited, and are done with here */
	if (!devapp_metering || (quota->limit == 0 && of_app->rate.step == 0))
		return false;
	limits->quota = *quota;
	limits->hard = product->quota_is_hard;
	limits->rate = of_app->rate;
	if (!limits->hard && !buckets_are_on())
		limits->quota.limit = 0;
	if (!buckets_are_on())
		limits->rate.step = 0;
	if (limits->quota.limit == 0 && limits->rate.step == 0)
		return false;

	make_key(&limits->rate_key, BUCKET_RATE, v, product);
	limits->quota_key = limits->rate_key;
	limits->quota_key.kind = limits->hard ? BUCKET_HARD : BUCKET_SOFT;
	if (own)
		memcpy(limits->quota_key.operation_id, &product->operation_ids[operation],
			   BUCKET_ID_LEN);
	if (limits->rate.step > 0)
		limits->rate_hash = buckets_hash(&limits->rate_key);
	if (limits->quota.limit > 0 && buckets_are_on())
		limits->quota_hash = buckets_hash(&limits->quota_key);
	if (limits->quota.limit > 0)
		limits->window = quota_window_of(now, &limits->quota, product->zone);
	return true;
}

/* ---------- the row of a bucket ---------- */

static int64
int64_value(CatalogScan *scan, CatalogColumn column)
{
	bool		isnull;
	Datum		value = catalog_value(scan, column, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

static BucketRow
read_row(const BucketKey *key)
{
	NullableDatum keys[BUCKET_KEY_COLUMNS];
	Snapshot	snapshot = catalog_take_snapshot();
	BucketRow	row = {0};
	int64		reserved = 0;
	CatalogScan scan;
	bool		isnull;

	StaticAssertStmt(BUCKET_KEY_COLUMNS == CATALOG_KEYS, "columns of the index");
	bucket_key_columns(key, keys);
	catalog_scan_begin_keys(&scan, QUOTA_USAGE_BY_BUCKET, keys, BUCKET_KEY_COLUMNS, snapshot);
	row.found = catalog_scan_next(&scan);
	if (row.found)
	{
		row.window.start = int64_value(&scan, QUOTA_USAGE_WINDOW_START);
		row.window.end = int64_value(&scan, QUOTA_USAGE_WINDOW_END);
		row.used = int64_value(&scan, QUOTA_USAGE_USED);
		reserved = int64_value(&scan, QUOTA_USAGE_RESERVED);
		row.resets = DatumGetInt32(catalog_value(&scan, QUOTA_USAGE_RESETS, &isnull));
	}
	catalog_scan_end(&scan);
	catalog_release_snapshot(snapshot);
	/* what is lent to standbys is not there for calls here */
	if (!RecoveryInProgress() && reserved > 0)
		row.used = row.used > PG_INT64_MAX - reserved ? PG_INT64_MAX : row.used + reserved;
	return row;
}

/* ---------- asking a quota ---------- */

static BucketCall
bucket_call(const Limits *l, int64 limit, int64 cost, TimestampTz now)
{
	return (BucketCall) {
		.key = l->quota_key,
		.hash = l->quota_hash,
		.limit = limit,
		.cost = cost,
		.now = now,
		.window = l->window
	};
}

/* What a row says of the window that a call is in. */
static void
read_window(QuotaAnswer *answer, const Limits *l, const BucketRow *row)
{
	bool		stays = row->found && quota_window_stays(row->window, l->window);

	answer->window = stays ? row->window : l->window;
	answer->used = stays ? row->used : 0;
}

static QuotaAnswer
ask_soft(const Limits *l, int64 cost, TimestampTz now)
{
	BucketCall	call = bucket_call(l, l->quota.limit, cost, now);

	QuotaAnswer answer = {.known = true};

	if (!buckets_try(&call))
	{
		BucketRow	row = read_row(&l->quota_key);

		if (!buckets_put(&call, &row))
		{
			/* where there was no bucket, all that was taken is in the row */
			answer.no_room = true;
			read_window(&answer, l, &row);
			return answer;
		}
	}
	answer.taken = call.taken;
	answer.used = call.used;
	answer.window = call.window;
	return answer;
}

/* What the row says counts first, then what is in memory. */
static QuotaAnswer
ask_hard(const Limits *l, int64 cost, TimestampTz now)
{
	BucketRow	row = read_row(&l->quota_key);
	BucketRow	no_row = {0};
	QuotaAnswer answer = {.known = true};
	BucketCall	call;

	read_window(&answer, l, &row);
	if (RecoveryInProgress())
	{
		answer.unavailable = cost > 0 || !leases_are_on();
		return answer;
	}
	if (!buckets_are_on())
	{
		answer.taken = answer.used <= l->quota.limit - cost;
		return answer;
	}
	call = bucket_call(l, l->quota.limit - answer.used, cost, now);
	call.window = answer.window;
	if (!buckets_try(&call) && !buckets_put(&call, &no_row))
	{
		answer.no_room = true;
		return answer;
	}
	answer.taken = call.taken;
	answer.soft = call.used;
	answer.used += call.used;
	answer.window = call.window;
	return answer;
}

/* Until the primary has answered, what is used is what the row says. */
static void
show_unanswered(QuotaAnswer *answer, const Limits *l, int64 untold)
{
	BucketRow	row = read_row(&l->quota_key);

	read_window(answer, l, &row);
	answer->used = answer->used > PG_INT64_MAX - untold ? PG_INT64_MAX : answer->used + untold;
}

/* On a standby: what it holds of the quota.  False: that says nothing. */
static bool
ask_lease(const Limits *l, int64 cost, QuotaAnswer *answer)
{
	LeaseCall	call = {
		.key = l->quota_key,
		.limit = l->quota.limit,
		.hard = l->hard,
		.cost = cost,
		.window = l->window
	};
	LeaseFound	found = leases_take(&call);

	*answer = (QuotaAnswer) {.known = true, .window = l->window};
	if (found != LEASE_FOUND)
	{
		answer->no_room = true;
		return found == LEASE_NO_ROOM && l->hard;
	}
	answer->taken = answer->leased = cost > 0 && call.result == LEASE_TAKEN;
	if (call.room >= 0)
	{
		answer->window = call.window;
		answer->used = l->quota.limit - call.room;
	}
	else
		show_unanswered(answer, l, call.untold);
	answer->unavailable = cost > 0 && (call.result == LEASE_TOO_LITTLE || call.result == LEASE_ENDED);
	return true;
}

/* With a cost of 0 this only looks. */
static QuotaAnswer
ask_quota(const Limits *l, int64 cost, TimestampTz now)
{
	QuotaAnswer answer;

	if (l->quota.limit == 0)
		return (QuotaAnswer) {0};
	if (leases_are_on() && ask_lease(l, cost, &answer))
		return answer;
	return l->hard ? ask_hard(l, cost, now) : ask_soft(l, cost, now);
}

static void
show_quota(const Limits *l, const QuotaAnswer *answer, VerdictLimits *out)
{
	out->has_quota = answer->known;
	out->limit = l->quota.limit;
	out->remaining = Max(l->quota.limit - answer->used, 0);
	out->reset_at = answer->window.end;
}

static VerdictCode
quota_exceeded(const Limits *l, const QuotaAnswer *answer, int64 cost,
			   TimestampTz now, VerdictLimits *out)
{
	show_quota(l, answer, out);
	out->wait = cost > l->quota.limit || answer->window.end == QUOTA_TIME_MAX ?
		RATE_NEVER : answer->window.end - now;
	return VERDICT_QUOTA_EXCEEDED;
}

/*
 * Where this server may not let a call through: it is to be tried again soon if a lease was
 * asked for, else another server may.
 */
static VerdictCode
quota_unavailable(const Limits *l, const QuotaAnswer *answer, VerdictLimits *out)
{
	show_quota(l, answer, out);
	out->wait = leases_are_on() ? LEASE_WAIT : USECS_PER_SEC;
	return VERDICT_UNAVAILABLE;
}

/* What a quota says to a call that it leaves no room for, or that this server can't count. */
static VerdictCode
refuse_by_quota(const Limits *l, const QuotaAnswer *answer, int64 cost, TimestampTz now,
				VerdictLimits *out)
{
	if (answer->unavailable && answer->used <= l->quota.limit - cost)
		return quota_unavailable(l, answer, out);
	return quota_exceeded(l, answer, cost, now, out);
}

/* ---------- asking a rate ---------- */

/* Nanoseconds, rounded up to whole microseconds. */
static int64
whole_microseconds(int64 wait)
{
	return wait == RATE_NEVER ? RATE_NEVER : wait / 1000 + (wait % 1000 != 0);
}

typedef enum RateOutcome
{
	RATE_TAKEN,
	RATE_REFUSED,
	RATE_NONE,					/* there is no rate */
	RATE_NO_ROOM				/* memory had none for the bucket */
} RateOutcome;

/* wait is set where it is refused. */
static RateOutcome
take_rate(const Limits *l, int64 cost, TimestampTz now, int64 *wait)
{
	RateAnswer	answer;

	if (l->rate.step == 0 || cost == 0)
		return RATE_NONE;
	if (!buckets_take_rate(&l->rate_key, l->rate_hash, l->rate, now,
						   cost, &answer))
		return RATE_NO_ROOM;
	*wait = whole_microseconds(answer.wait);
	return answer.allowed ? RATE_TAKEN : RATE_REFUSED;
}

static void
give_rate_back(const Limits *l, int64 cost)
{
	buckets_give_rate_back(&l->rate_key, l->rate_hash,
						   rate_cost(l->rate, cost));
}

/* ---------- the answer ---------- */

/*
 * A call that can't be counted is refused: else whoever fills the table would have no
 * limits.  It is worth another attempt when idle buckets are looked for again.
 */
static VerdictCode
refuse_uncounted(VerdictLimits *out)
{
	registry_count_no_room();
	out->no_room = true;
	out->wait = USECS_PER_SEC;
	return VERDICT_RATE_LIMITED;
}

/* After the rate has been asked, and the quota has been looked at. */
static VerdictCode
rate_verdict(RateOutcome rate, const Limits *l, const QuotaAnswer *quota, VerdictLimits *out)
{
	if (rate != RATE_REFUSED && rate != RATE_NO_ROOM)
		return VERDICT_VALID;
	show_quota(l, quota, out);
	return rate == RATE_NO_ROOM ? refuse_uncounted(out) : VERDICT_RATE_LIMITED;
}

static VerdictCode
apply_limits(const Limits *l, int64 cost, TimestampTz now, VerdictLimits *out)
{
	RateOutcome rate = RATE_NONE;
	QuotaAnswer quota;

	/* where there is no rate, taking the quota is all */
	if (l->rate.step > 0 && cost > 0)
	{
		quota = ask_quota(l, 0, now);
		if (quota.known && (quota.unavailable || quota.used > l->quota.limit - cost))
			return refuse_by_quota(l, &quota, cost, now, out);
		rate = take_rate(l, cost, now, &out->wait);
		if (rate_verdict(rate, l, &quota, out) != VERDICT_VALID)
			return VERDICT_RATE_LIMITED;
	}
	quota = ask_quota(l, cost, now);
	if (quota.known && cost > 0 && !quota.taken)
	{
		if (rate == RATE_TAKEN)
			give_rate_back(l, cost);
		if (!quota.no_room || quota.used > l->quota.limit - cost)
			return refuse_by_quota(l, &quota, cost, now, out);
		show_quota(l, &quota, out);
		return refuse_uncounted(out);
	}
	show_quota(l, &quota, out);
	out->leased = quota.leased;
	return VERDICT_VALID;
}

/* Quota and rate may make a VALID verdict another one. */
void
limits_apply(Verdict *v, TimestampTz now)
{
	Limits		limits;

	if (v->code == VERDICT_VALID && limits_of(v, now, &limits))
		v->code = apply_limits(&limits, v->cost, now, &v->limits);
}

/*
 * The same where a hard quota is to be consumed in its row.  What the row says is
 * looked at first, so that nobody waits for its lock where nothing is left.  The quota
 * needs no room in memory.
 */
VerdictCode
limits_consume(const Limits *l, int64 cost, TimestampTz now, VerdictLimits *out)
{
	QuotaAnswer quota;
	RateOutcome rate;
	int64		used;

	PreventCommandIfReadOnly("consume_quota()");
	quota = ask_quota(l, 0, now);
	if (quota.used > l->quota.limit - cost)
		return quota_exceeded(l, &quota, cost, now, out);
	rate = take_rate(l, cost, now, &out->wait);
	if (rate_verdict(rate, l, &quota, out) != VERDICT_VALID)
		return VERDICT_RATE_LIMITED;
	used = hard_quota_consume(&l->quota_key, quota.window, cost, l->quota.limit - quota.soft);
	if (used >= 0)
	{
		quota.used = used + quota.soft;
		show_quota(l, &quota, out);
		return VERDICT_VALID;
	}
	if (rate == RATE_TAKEN)
		give_rate_back(l, cost);
	quota = ask_quota(l, 0, now);
	return quota_exceeded(l, &quota, cost, now, out);
}

/* How things stand; nothing is taken. */
QuotaState
limits_look(const Limits *l, TimestampTz now, int64 cost)
{
	QuotaState	state = {0};
	QuotaAnswer quota = ask_quota(l, 0, now);

	state.has_quota = quota.known;
	state.unavailable = quota.unavailable;
	state.used = quota.used;
	state.window = quota.window;
	state.has_rate = l->rate.step > 0;
	if (state.has_rate)
		state.wait = whole_microseconds(buckets_look_at_rate(&l->rate_key, l->rate_hash,
															 l->rate, now, cost).wait);
	return state;
}
