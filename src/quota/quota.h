/*
 * quota.h
 *		What quotas and rates say to a call.
 */
#ifndef DEVAPP_QUOTA_H
#define DEVAPP_QUOTA_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "decide/verdict.h"
#include "quota/bucket.h"

/* What limits a call.  It refers to nothing, so it outlives the entitlement. */
typedef struct Limits
{
	QuotaRule	quota;			/* limit 0: none */
	bool		hard;
	RateRule	rate;			/* step 0: none */
	QuotaWindow window;			/* by the clock */
	BucketKey	quota_key;
	BucketKey	rate_key;
	uint64		quota_hash;		/* of these, where there is shared memory */
	uint64		rate_hash;
} Limits;

/* How things stand, for a call that has not been made. */
typedef struct QuotaState
{
	bool		has_quota;
	bool		unavailable;	/* a hard quota, on a standby */
	int64		used;
	QuotaWindow window;
	bool		has_rate;
	int64		wait;			/* microseconds; RATE_NEVER: it can't be made */
} QuotaState;

extern bool limits_of(const Verdict *verdict, TimestampTz now, Limits *limits);
extern void limits_apply(Verdict *verdict, TimestampTz now);
extern VerdictCode limits_consume(const Limits *limits, int64 cost, TimestampTz now,
								  VerdictLimits *out);
extern QuotaState limits_look(const Limits *limits, TimestampTz now, int64 cost);

#endif							/* DEVAPP_QUOTA_H */
