/*
 * quota_core.h
 *		Windows of quotas, and rates.  Needs no backend.
 */
#ifndef DEVAPP_QUOTA_CORE_H
#define DEVAPP_QUOTA_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What one call may cost, at most. */
#define COST_MAX		INT64_C(1000000000)

/* ---------- windows ---------- */

typedef enum QuotaUnit
{
	QUOTA_MINUTE,
	QUOTA_HOUR,
	QUOTA_DAY,
	QUOTA_WEEK,
	QUOTA_MONTH,
	QUOTA_NEVER					/* one window, which does not end */
} QuotaUnit;

/* So many calls in so many units; a limit of 0 is no quota. */
typedef struct QuotaRule
{
	int64_t		limit;
	int32_t		interval;
	QuotaUnit	unit;
} QuotaRule;

/* Microseconds since 2000-01-01 00:00 UTC; the end is the start of the next. */
typedef struct QuotaWindow
{
	int64_t		start;
	int64_t		end;
} QuotaWindow;

#define QUOTA_TIME_MIN	INT64_MIN	/* a start that was never */
#define QUOTA_TIME_MAX	INT64_MAX	/* an end that does not come */

/* the timestamps of PostgreSQL: from the first of these to before the second */
#define QUOTA_FIRST_TIME	INT64_C(-211813488000000000)
#define QUOTA_LAST_TIME		INT64_C(9223371331200000000)

extern bool quota_unit_parse(const char *word, size_t len, QuotaUnit *unit);
extern QuotaWindow quota_window(int64_t at, int32_t interval, QuotaUnit unit);
extern bool quota_window_stays(QuotaWindow have, QuotaWindow now);

/* ---------- rates ---------- */

/* A leaky bucket.  All times are nanoseconds. */
typedef struct RateRule
{
	int64_t		step;			/* that a call takes up; 0: no limit */
	int64_t		span;			/* that calls may take up at once */
} RateRule;

typedef struct RateAnswer
{
	bool		allowed;
	int64_t		tat;			/* the new state, if it is allowed */
	int64_t		wait;			/* if not: how long; RATE_NEVER if it can't be */
} RateAnswer;

#define RATE_NEVER		INT64_MAX

extern RateRule rate_rule(double per_second, int32_t burst);
extern int64_t rate_time(int64_t microseconds);
extern int64_t rate_latest(RateRule rule, int64_t now);
extern int64_t rate_cost(RateRule rule, int64_t cost);
extern RateAnswer rate_ask(RateRule rule, int64_t tat, int64_t now, int64_t cost);

#endif							/* DEVAPP_QUOTA_CORE_H */
