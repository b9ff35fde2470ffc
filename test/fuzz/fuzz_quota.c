/*
 * fuzz_quota.c
 *		Fuzz target: windows of quotas, and rates.
 *
 * The input is numbers: a time, an interval and a unit; then a rate, and calls that
 * come at times and have a cost.  A window must hold its time and fit its neighbours; a
 * rate must never let through more than it says.
 */
#include <math.h>
#include <stdbool.h>

#include "decide/quota_core.h"
#include "fuzz.h"

static int64_t
read_int64(FuzzInput *in)
{
	uint64_t	value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | fuzz_byte(in);
	return (int64_t) value;
}

static int32_t
read_positive(FuzzInput *in)
{
	int32_t		value = (int32_t) (read_int64(in) & INT32_MAX);

	return value > 0 ? value : 1;
}

static bool
same_window(QuotaWindow a, QuotaWindow b)
{
	return a.start == b.start && a.end == b.end;
}

/* A window that has an end is followed by the next one, and has no other's times. */
static void
check_window(int64_t at, int32_t interval, QuotaUnit unit)
{
	QuotaWindow window = quota_window(at, interval, unit);
	QuotaWindow next;

	CHECK(window.start <= at && at < window.end);
	CHECK(window.start == QUOTA_TIME_MIN || window.start >= QUOTA_FIRST_TIME);
	CHECK(window.end == QUOTA_TIME_MAX || window.end < QUOTA_LAST_TIME);
	if (window.start != QUOTA_TIME_MIN)
		CHECK(same_window(window, quota_window(window.start, interval, unit)));
	if (window.end == QUOTA_TIME_MAX)
		return;
	CHECK(same_window(window, quota_window(window.end - 1, interval, unit)));
	next = quota_window(window.end, interval, unit);
	CHECK(next.start == window.end && next.end > next.start);
	CHECK(quota_window_stays(window, window));
	CHECK(quota_window_stays(next, window));
	CHECK(!quota_window_stays(window, next));
}

static void
check_unit(const uint8_t *data, size_t size)
{
	static const char *const words[] = {"minute", "hour", "day", "week", "month", "never"};
	QuotaUnit	unit = QUOTA_MONTH;
	bool		found = quota_unit_parse((const char *) data, size, &unit);
	bool		expected = false;

	for (int i = 0; i <= QUOTA_NEVER; i++)
	{
		if (strlen(words[i]) != size || memcmp(words[i], data, size) != 0)
			continue;
		expected = true;
		CHECK(found && (int) unit == i);
	}
	CHECK(found == expected);
}

/* What is let through takes its time, and never more than the span is taken at once. */
static void
check_rate(FuzzInput *in)
{
	double		per_second = ldexp(1 + fuzz_byte(in), (int) fuzz_below(in, 61) - 30);
	RateRule	rule = rate_rule(per_second, read_positive(in));
	int64_t		now = rate_time(read_int64(in) / 4000);
	int64_t		tat = now;

	CHECK(rule.step >= 1 && rule.span >= rule.step);
	while (in->len > 0)
	{
		int32_t		cost = (int32_t) fuzz_byte(in) << fuzz_below(in, 20);
		int64_t		takes = rate_cost(rule, cost);
		int64_t		latest = rate_latest(rule, now);
		RateAnswer	answer = rate_ask(rule, tat, now, cost);

		if (answer.allowed)
		{
			CHECK(answer.wait == 0 && answer.tat <= latest);
			CHECK(answer.tat >= now || latest < now);
			CHECK(takes <= rule.span || latest == INT64_MAX);
			tat = answer.tat;
		}
		else if (answer.wait != RATE_NEVER)
		{
			CHECK(answer.wait > 0 && takes <= rule.span);
			/* after the wait it may come, and not before */
			if (now < INT64_MAX / 4 && answer.wait < INT64_MAX / 4 && tat >= now && tat <= latest)
			{
				CHECK(rate_ask(rule, tat, now + answer.wait, cost).allowed);
				CHECK(!rate_ask(rule, tat, now + answer.wait - 1, cost).allowed);
			}
		}
		else
			CHECK(takes > rule.span);
		now += (int64_t) fuzz_byte(in) << fuzz_below(in, 40);
		if (now > INT64_MAX / 2)
			break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FuzzInput	in = {data, size};
	int64_t		at = read_int64(&in);
	int32_t		interval = read_positive(&in);
	QuotaUnit	unit = (QuotaUnit) fuzz_below(&in, QUOTA_NEVER + 1);

	check_unit(data, size);
	if (at >= QUOTA_FIRST_TIME && at < QUOTA_LAST_TIME)
		check_window(at, interval, unit);
	check_rate(&in);
	return 0;
}
