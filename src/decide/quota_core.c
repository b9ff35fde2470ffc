/*
 * quota_core.c
 *		Windows of quotas, and rates.  Needs no backend.
 *
 * Here windows follow the calendar in UTC; quota_window.c takes them to other time
 * zones.  Minutes, hours and days are counted from
 * 2000-01-01 00:00, weeks from Monday 2000-01-03, months from January 2000: 3 months
 * are the quarters of the year, 12 months are years.  A window whose start or end
 * does not fit in a timestamp starts or ends never.
 *
 * A rate is kept by the generic cell rate algorithm (ITU-T I.371): of each bucket one
 * number is stored, the theoretical arrival time (tat), at which the calls so far are
 * worked off.  A call of this cost is allowed if working it off as well takes no
 * longer than the span from now on.  Everything is whole nanoseconds, so nothing
 * drifts.
 */
#include "decide/quota_core.h"

#include <string.h>

#define USECS_MINUTE	INT64_C(60000000)
#define USECS_HOUR		(60 * USECS_MINUTE)
#define USECS_DAY		(24 * USECS_HOUR)
#define USECS_WEEK		(7 * USECS_DAY)

/* from 2000-01-01, a Saturday, to the first Monday */
#define FIRST_MONDAY	(2 * USECS_DAY)

#define NSECS_SECOND	1000000000.0

/* some 146 years; added to any time until 2146 it does not overflow */
#define SPAN_MAX		(INT64_C(1) << 62)

/* ---------- windows ---------- */

static const char *const unit_words[] = {"minute", "hour", "day", "week", "month", "never"};

bool
quota_unit_parse(const char *word, size_t len, QuotaUnit *unit)
{
	for (size_t i = 0; i < sizeof(unit_words) / sizeof(unit_words[0]); i++)
	{
		if (strlen(unit_words[i]) == len && memcmp(unit_words[i], word, len) == 0)
		{
			*unit = (QuotaUnit) i;
			return true;
		}
	}
	return false;
}

static int64_t
floor_div(int64_t a, int64_t b)
{
	int64_t		quotient = a / b;

	return a % b < 0 ? quotient - 1 : quotient;
}

/* The window of this length that a time is in, where one of them starts at origin. */
static QuotaWindow
even_window(int64_t at, int64_t origin, int64_t unit, int32_t interval)
{
	QuotaWindow window = {QUOTA_TIME_MIN, QUOTA_TIME_MAX};
	int64_t		length;
	int64_t		number;
	int64_t		end;

	if (__builtin_mul_overflow(unit, (int64_t) interval, &length))
	{
		/* longer than there are times: the origin parts two of them */
		if (at < origin)
			window.end = origin;
		else
			window.start = origin;
		return window;
	}
	/* at the very start of time the origin can't be taken away */
	number = floor_div(at < QUOTA_TIME_MIN + origin ? at : at - origin, length);
	if (!__builtin_mul_overflow(number, length, &window.start) &&
		!__builtin_add_overflow(window.start, origin, &window.start))
	{
		if (!__builtin_add_overflow(window.start, length, &end))
			window.end = end;
		return window;
	}
	window.start = QUOTA_TIME_MIN;
	window.end = (number + 1) * length + origin;
	return window;
}

/*
 * Days from 2000-01-01 to the first of a month, counted from January 2000, in the
 * Gregorian calendar.  The year is taken to start with March, so that the leap day
 * is its last.
 */
static int64_t
days_to_month(int64_t month)
{
	int64_t		from_march = month - 2;
	int64_t		year = floor_div(from_march, 12);
	int64_t		in_year = from_march - year * 12;

	return 60 + 365 * year + floor_div(year, 4) - floor_div(year, 100) +
		floor_div(year, 400) + (153 * in_year + 2) / 5;
}

/* The month that a day is in: a guess, which is at most one too high or low. */
static int64_t
month_of_day(int64_t day)
{
	/* 400 years have 146097 days and 4800 months */
	int64_t		month = floor_div(day * 4800, 146097);

	while (days_to_month(month) > day)
		month--;
	while (days_to_month(month + 1) <= day)
		month++;
	return month;
}

static int64_t
start_of_month(int64_t month)
{
	int64_t		start;

	/* beyond all times, and so far that days could overflow */
	if (month > INT64_C(1) << 40)
		return QUOTA_TIME_MAX;
	if (month < -(INT64_C(1) << 40))
		return QUOTA_TIME_MIN;
	if (__builtin_mul_overflow(days_to_month(month), USECS_DAY, &start))
		return month > 0 ? QUOTA_TIME_MAX : QUOTA_TIME_MIN;
	return start;
}

static QuotaWindow
month_window(int64_t at, int32_t interval)
{
	int64_t		month = month_of_day(floor_div(at, USECS_DAY));
	int64_t		first = floor_div(month, interval) * interval;

	return (QuotaWindow) {start_of_month(first), start_of_month(first + interval)};
}

static QuotaWindow
any_window(int64_t at, int32_t interval, QuotaUnit unit)
{
	switch (unit)
	{
		case QUOTA_MINUTE:
			return even_window(at, 0, USECS_MINUTE, interval);
		case QUOTA_HOUR:
			return even_window(at, 0, USECS_HOUR, interval);
		case QUOTA_DAY:
			return even_window(at, 0, USECS_DAY, interval);
		case QUOTA_WEEK:
			return even_window(at, FIRST_MONDAY, USECS_WEEK, interval);
		case QUOTA_MONTH:
			return month_window(at, interval);
		case QUOTA_NEVER:
			break;
	}
	return (QuotaWindow) {QUOTA_TIME_MIN, QUOTA_TIME_MAX};
}

/* The window that a time is in; interval is positive. */
QuotaWindow
quota_window(int64_t at, int32_t interval, QuotaUnit unit)
{
	QuotaWindow window = any_window(at, interval, unit);

	if (window.start < QUOTA_FIRST_TIME)
		window.start = QUOTA_TIME_MIN;
	if (window.end >= QUOTA_LAST_TIME)
		window.end = QUOTA_TIME_MAX;
	return window;
}

/*
 * Does a bucket stay in the window that it has, when the clock says another?  It does
 * if that is a later one: a clock that was put back, however far, must not give a quota
 * anew.  If it was the later time that was wrong, an administrator resets the quota.
 */
bool
quota_window_stays(QuotaWindow have, QuotaWindow now)
{
	return (have.start == now.start && have.end == now.end) ||
		have.start >= now.end;
}

/* ---------- rates ---------- */

static int64_t
saturated_product(int64_t a, int64_t b)
{
	int64_t		product;

	return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

static int64_t
saturated_sum(int64_t a, int64_t b)
{
	int64_t		sum;

	if (!__builtin_add_overflow(a, b, &sum))
		return sum;
	return a > 0 ? INT64_MAX : INT64_MIN;
}

/*
 * A step is at least a nanosecond, and at most what a span can hold; a span that is
 * cut to its maximum still holds one call.
 */
RateRule
rate_rule(double per_second, int32_t burst)
{
	RateRule	rule;
	double		step = NSECS_SECOND / per_second;

	rule.step = step < (double) SPAN_MAX ? (int64_t) (step + 0.5) : SPAN_MAX;
	if (rule.step < 1)
		rule.step = 1;
	rule.span = saturated_product(rule.step, burst);
	if (rule.span > SPAN_MAX)
		rule.span = SPAN_MAX;
	return rule;
}

int64_t
rate_time(int64_t microseconds)
{
	int64_t		time;

	if (__builtin_mul_overflow(microseconds, INT64_C(1000), &time))
		return microseconds > 0 ? INT64_MAX : INT64_MIN;
	return time;
}

/* The time that a call of this cost takes up; cost is not negative. */
int64_t
rate_cost(RateRule rule, int64_t cost)
{
	return saturated_product(rule.step, cost);
}

/* The tat after which nothing more can come now. */
int64_t
rate_latest(RateRule rule, int64_t now)
{
	return saturated_sum(now, rule.span);
}

/*
 * May a call of this cost come now?  A tat that is further ahead than the limit can have
 * put it counts as used up: another process may have read the clock a little later.
 */
RateAnswer
rate_ask(RateRule rule, int64_t tat, int64_t now, int64_t cost)
{
	RateAnswer	answer = {false, tat, RATE_NEVER};
	int64_t		takes = rate_cost(rule, cost);
	int64_t		latest = rate_latest(rule, now);

	if (tat < now)
		tat = now;
	if (tat > latest)
		tat = latest;
	answer.tat = saturated_sum(tat, takes);
	if (answer.tat <= latest)
	{
		answer.allowed = true;
		answer.wait = 0;
	}
	else if (takes <= rule.span)
		answer.wait = answer.tat - latest;
	return answer;
}
