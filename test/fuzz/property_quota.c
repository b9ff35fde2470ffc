/*
 * property_quota.c
 *		Windows against a calendar that steps day by day, rates against a leaky
 *		bucket that is simulated in long double, buckets against a plain list; then
 *		taking from several threads at once.
 *
 *	property_quota [seconds] [seed]
 *
 * The same seed gives the same operations, but for the order in which threads come.
 */
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "quota/bucket_core.h"
#include "fuzz.h"
#include "decide/quota_core.h"

#define MAX_KEYS	400
#define THREADS		4
#define TAKES		20000
#define USECS_DAY	INT64_C(86400000000)

typedef struct Random
{
	uint64_t	state;
} Random;

/* splitmix64 */
static uint64_t
random_next(Random *random)
{
	uint64_t	z = random->state += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

static unsigned
below(Random *random, unsigned n)
{
	return (unsigned) (random_next(random) % n);
}

/* ---------- windows ---------- */

static bool
is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int
days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month] + (month == 1 && is_leap(year));
}

/* The first day of a month (from January 2000), by going through all in between. */
static int64_t
first_day(int month)
{
	int64_t		day = 0;

	for (int m = 0; m < month; m++)
		day += days_in_month(2000 + m / 12, m % 12);
	for (int m = -1; m >= month; m--)
		day -= days_in_month(1999 - (-m - 1) / 12, 11 - (-m - 1) % 12);
	return day;
}

/* Months one by one from the epoch, then windows one by one. */
static void
check_months(Random *random)
{
	int			month = (int) below(random, 6000) - 3000;
	int32_t		interval = 1 + (int32_t) below(random, 30);
	int			days = days_in_month(month >= 0 ? 2000 + month / 12 : 1999 - (-month - 1) / 12,
									 month >= 0 ? month % 12 : 11 - (-month - 1) % 12);
	int64_t		at = first_day(month) * USECS_DAY;
	int			first = 0;
	QuotaWindow window;

	/* the edges of the month, and anything within */
	switch (below(random, 3))
	{
		case 0:
			break;
		case 1:
			at += days * USECS_DAY - 1;
			break;
		default:
			at += (int64_t) (random_next(random) % (uint64_t) (days * USECS_DAY));
	}
	while (first > month)
		first -= interval;
	while (first + interval <= month)
		first += interval;
	window = quota_window(at, interval, QUOTA_MONTH);
	CHECK(window.start == first_day(first) * USECS_DAY);
	CHECK(window.end == first_day(first + interval) * USECS_DAY);
}

/* The other units have one length; what is a Monday is known from the calendar. */
static void
check_even(Random *random)
{
	static const int64_t lengths[] = {USECS_DAY / 1440, USECS_DAY / 24, USECS_DAY, 7 * USECS_DAY};
	unsigned	unit = below(random, 4);
	int32_t		interval = 1 + (int32_t) below(random, 100);
	int64_t		origin = unit == QUOTA_WEEK ? 2 * USECS_DAY : 0;
	int64_t		length = lengths[unit] * interval;
	int64_t		start = origin + ((int64_t) below(random, 20000) - 10000) * length;
	int64_t		at = start + (int64_t) (random_next(random) % (uint64_t) length);
	QuotaWindow window;

	if (below(random, 3) == 0)
		at = below(random, 2) == 0 ? start : start + length - 1;
	window = quota_window(at, interval, (QuotaUnit) unit);
	if (start >= QUOTA_FIRST_TIME)
		CHECK(window.start == start && window.end == start + length);
}

/* Whatever is asked: a window holds its time and its neighbours join it. */
static void
check_any_window(Random *random)
{
	int64_t		at = (int64_t) (random_next(random) >> below(random, 63));
	int32_t		interval = (int32_t) (random_next(random) >> (33 + below(random, 31)));
	QuotaUnit	unit = (QuotaUnit) below(random, 5);
	QuotaWindow window;

	at = below(random, 2) == 0 ? at & INT64_MAX : -(at & INT64_MAX);
	if (at < QUOTA_FIRST_TIME || at >= QUOTA_LAST_TIME)
		at /= 1000;
	interval = interval < 1 ? 1 : interval;
	window = quota_window(at, interval, unit);
	CHECK(window.start <= at && at < window.end);
	CHECK(window.start == QUOTA_TIME_MIN || window.start >= QUOTA_FIRST_TIME);
	CHECK(quota_window_stays(window, window));
	if (window.end != QUOTA_TIME_MAX)
	{
		QuotaWindow next = quota_window(window.end, interval, unit);

		CHECK(next.start == window.end);
		CHECK(quota_window_stays(next, window) && !quota_window_stays(window, next));
		if (next.end != QUOTA_TIME_MAX)
		{
			QuotaWindow third = quota_window(next.end, interval, unit);

			CHECK(quota_window_stays(third, window) && !quota_window_stays(window, third));
		}
		if (window.start != QUOTA_TIME_MIN)
			CHECK(quota_window(window.end - 1, interval, unit).start == window.start);
	}
}

/* ---------- rates ---------- */

/* A bucket that leaks a step's worth of water in a step of time. */
typedef struct Leaky
{
	long double level;			/* nanoseconds of work */
	int64_t		at;
} Leaky;

static void
leak(Leaky *leaky, int64_t now)
{
	leaky->level -= (long double) (now - leaky->at);
	if (leaky->level < 0)
		leaky->level = 0;
	leaky->at = now;
}

static void
check_rate(Random *random)
{
	double		rate = pow(10, (double) below(random, 12) - 5) * (1 + below(random, 100) / 10.0);
	int32_t		burst = 1 + (int32_t) (below(random, 2) ? below(random, 20) : below(random, 100000));
	RateRule	rule = rate_rule(rate, burst);
	int64_t		now = rate_time((int64_t) (random_next(random) >> 12));
	int64_t		tat = 0;
	Leaky		leaky = {0, now};

	CHECK(fabs((double) rule.step - 1e9 / rate) <= 1 + 1e9 / rate * 1e-9);
	for (int i = 0; i < 50; i++)
	{
		int32_t		cost = (int32_t) below(random, below(random, 3) ? 3 : (unsigned) burst * 2);
		RateAnswer	answer;
		bool		fits;

		now += (int64_t) (random_next(random) % (uint64_t) (rule.step * 3));
		leak(&leaky, now);
		fits = leaky.level + (long double) cost * (long double) rule.step <= (long double) rule.span;
		answer = rate_ask(rule, tat, now, cost);
		CHECK(answer.allowed == fits);
		if (fits)
		{
			leaky.level += (long double) cost * (long double) rule.step;
			tat = answer.tat;
			continue;
		}
		CHECK((answer.wait == RATE_NEVER) ==
			  ((long double) cost * (long double) rule.step > (long double) rule.span));
		/* the wait is enough, and no more than that */
		if (answer.wait != RATE_NEVER)
		{
			CHECK(answer.wait > 0);
			CHECK(rate_ask(rule, tat, now + answer.wait, cost).allowed);
			CHECK(!rate_ask(rule, tat, now + answer.wait - 1, cost).allowed);
		}
	}
}

/* Rules that nobody means: nothing overflows, and one call can always come. */
static void
check_any_rate(Random *random)
{
	double		rate = ldexp(1 + below(random, 1000) / 1000.0, (int) below(random, 2000) - 1000);
	int32_t		burst = (int32_t) (1 + (random_next(random) >> (33 + below(random, 31))) % INT32_MAX);
	RateRule	rule = rate_rule(rate, burst);
	int64_t		now = (int64_t) (random_next(random) >> 4);
	int64_t		tat = (int64_t) random_next(random);
	int32_t		cost = (int32_t) (random_next(random) >> (33 + below(random, 31)));
	RateAnswer	answer = rate_ask(rule, tat, now, cost);

	CHECK(rule.step >= 1 && rule.span >= rule.step);
	CHECK(rate_ask(rule, INT64_MIN, now, 1).allowed);
	CHECK(!answer.allowed || (answer.tat >= now && answer.tat - now <= rule.span));
	CHECK(answer.allowed || answer.wait > 0);
	CHECK(cost > 0 || answer.allowed);
	/* a clock that was put back finds at most a full bucket */
	if (!answer.allowed && answer.wait != RATE_NEVER)
		CHECK(answer.wait <= rate_cost(rule, cost));
}

/* ---------- buckets against a list ---------- */

typedef struct Model
{
	int			n;
	BucketKey	keys[MAX_KEYS];
	int64_t		used[MAX_KEYS];
	int64_t		ends[MAX_KEYS];
} Model;

static SlotSeed
seed_of(uint64_t number)
{
	SlotSeed	seed = {{0}};

	memcpy(seed.bytes, &number, sizeof(number));
	return seed;
}

static BucketStripe *
make_stripe(uint32_t nslots, uint64_t seed)
{
	BucketStripe *p = fuzz_alloc(NULL, bucket_stripe_size(nslots));

	slot_table_init(p, nslots, seed_of(seed));
	return p;
}

static BucketKey
make_key(Random *random)
{
	BucketKey	key;

	memset(&key, 0, sizeof(key));
	key.database = 1 + below(random, 3);
	key.kind = BUCKET_SOFT + below(random, 3);
	key.app_id[below(random, BUCKET_ID_LEN)] = (uint8_t) below(random, 2);
	key.environment[BUCKET_ENVIRONMENT_LEN - 1] = (char) below(random, 2);
	return key;
}

static int
model_find(const Model *model, const BucketKey *key)
{
	for (int i = 0; i < model->n; i++)
	{
		if (memcmp(&model->keys[i], key, sizeof(BucketKey)) == 0)
			return i;
	}
	return -1;
}

static void
model_remove(Model *model, int i)
{
	model->n--;
	model->keys[i] = model->keys[model->n];
	model->used[i] = model->used[model->n];
	model->ends[i] = model->ends[model->n];
}

static void
check_take(Random *random, BucketStripe *p, Model *model)
{
	BucketKey	key = make_key(random);
	uint64_t	hash = bucket_hash(&key, &p->seed);
	int			i = model_find(model, &key);
	Bucket	   *bucket = bucket_find(p, hash, &key);
	int64_t		limit = below(random, 1000);
	int64_t		cost = below(random, 50);
	int64_t		used;
	bool		fits;

	CHECK((bucket != NULL) == (i >= 0));
	if (bucket == NULL)
	{
		bucket = bucket_make(p, hash, &key);
		CHECK((bucket != NULL) == ((uint32_t) model->n < p->limit));
		if (bucket == NULL)
			return;
		i = model->n++;
		model->keys[i] = key;
		model->used[i] = 0;
		bucket->window.end = model->ends[i] = below(random, 1000);
	}
	CHECK(bucket->window.end == model->ends[i]);
	fits = model->used[i] + cost <= limit;
	CHECK(bucket_take(bucket, limit, cost, &used) == fits);
	if (fits)
		model->used[i] += cost;
	CHECK(used == model->used[i]);
	if (below(random, 10) == 0)
	{
		bucket_give_back(bucket, cost);
		model->used[i] = model->used[i] > cost ? model->used[i] - cost : 0;
	}
}

/* In the model as by is_idle() in bucket_core.c, where no row was read. */
static bool
model_is_idle(const Model *model, int i, const BucketIdle *idle)
{
	if (model->keys[i].kind == BUCKET_RATE)
		return model->used[i] <= idle->now * 1000;
	return model->used[i] == 0 || model->ends[i] <= idle->now ||
		(model->keys[i].kind == BUCKET_SOFT && model->keys[i].database == idle->database &&
		 idle->written > 0);
}

/* Of a full table only. */
static void
check_sweep(Random *random, BucketStripe *p, Model *model)
{
	int64_t		now = below(random, 1000);
	BucketIdle	idle = {now, (uint32_t) below(random, 4), below(random, 8) == 0};
	BucketIdle	later = {now + 1, idle.database, idle.written};
	bool		full = (uint32_t) model->n >= p->limit;

	p->swept_at = INT64_MIN;
	if (full)
	{
		for (int i = model->n - 1; i >= 0; i--)
		{
			if (model_is_idle(model, i, &idle))
				model_remove(model, i);
		}
	}
	CHECK(bucket_sweep(p, &idle) == ((uint32_t) model->n < p->limit));
	CHECK(p->used == (uint32_t) model->n);
	/* not again within a second, nor for ever if the clock was put back */
	if ((uint32_t) model->n >= p->limit)
		CHECK(p->swept_at == now && !bucket_sweep(p, &later) && p->swept_at == now);
}

static uint64_t
check_table(Random *random)
{
	BucketStripe *p = make_stripe(2 + below(random, 100), random_next(random));
	Model		model = {0};
	unsigned	operations = 1 + below(random, 2000);
	uint32_t	place = 0;
	int			n = 0;

	for (unsigned i = 0; i < operations; i++)
	{
		if (below(random, 50) == 0)
			check_sweep(random, p, &model);
		else
			check_take(random, p, &model);
	}
	while (bucket_next(p, &place) != NULL)
		n++;
	CHECK(n == model.n);
	for (int i = 0; i < n; i++)
	{
		Bucket	   *bucket = bucket_find(p, bucket_hash(&model.keys[i], &p->seed), &model.keys[i]);

		CHECK(bucket != NULL && bucket->used == model.used[i]);
	}
	free(p);
	return operations;
}

/* ---------- threads ---------- */

typedef struct Shared
{
	Bucket	   *quota;
	Bucket	   *rate;
	int64_t		limit;
	RateRule	rule;
	_Atomic int64_t quota_taken;
	_Atomic int64_t rate_taken;
} Shared;

static void *
take_in_thread(void *arg)
{
	Shared	   *shared = arg;
	int64_t		used;

	for (int i = 0; i < TAKES; i++)
	{
		int32_t		cost = 1 + i % 3;

		if (bucket_take(shared->quota, shared->limit, cost, &used))
			atomic_fetch_add(&shared->quota_taken, cost);
		if (bucket_take_rate(shared->rate, shared->rule, 1000, cost).allowed)
			atomic_fetch_add(&shared->rate_taken, cost);
	}
	return NULL;
}

/* All of the limit is taken, and no more. */
static void
check_threads(Random *random)
{
	BucketStripe *p = make_stripe(4, random_next(random));
	BucketKey	keys[2];
	int64_t		used;
	Shared		shared = {.limit = 1000 + below(random, 50000), .rule = {7, 0}};
	pthread_t	threads[THREADS];

	memset(keys, 0, sizeof(keys));
	keys[0].kind = BUCKET_SOFT;
	keys[1].kind = BUCKET_RATE;
	shared.quota = bucket_make(p, bucket_hash(&keys[0], &p->seed), &keys[0]);
	shared.rate = bucket_make(p, bucket_hash(&keys[1], &p->seed), &keys[1]);
	shared.rule.span = 7 * shared.limit;
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_create(&threads[i], NULL, take_in_thread, &shared) == 0);
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	CHECK(shared.quota_taken == shared.limit && shared.quota->used == shared.limit);
	CHECK(shared.rate_taken == shared.limit && shared.rate->used == 1000 + shared.rule.span);

	CHECK(!bucket_take(shared.quota, -INT64_MAX, INT32_MAX, &used));

	/* with a limit that is less, or a clock that was put back, it starts full, once */
	shared.rule.span = 7;
	CHECK(!bucket_take_rate(shared.rate, shared.rule, 1007, 1).allowed);
	CHECK(!bucket_restart_rate(shared.rate, shared.rate->used - 1, shared.rule, 1007, 1000));
	CHECK(bucket_restart_rate(shared.rate, shared.rate->used, shared.rule, 1000, 1000));
	CHECK(!bucket_restart_rate(shared.rate, shared.rate->used, shared.rule, 1000, 1000));
	CHECK(shared.rate->used == 1000);
	CHECK(bucket_take_rate(shared.rate, shared.rule, 1000, 1).allowed);
	/* also for a call that has read the clock long before it gets here */
	atomic_store(&shared.rate->used, 2000);
	CHECK(bucket_restart_rate(shared.rate, 2000, shared.rule, 1100, 1000));
	CHECK(bucket_take_rate(shared.rate, shared.rule, 1000, 1).allowed);
	free(p);
}

int
main(int argc, char **argv)
{
	int			seconds = argc > 1 ? atoi(argv[1]) : 10;
	uint64_t	seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	Random		random = {seed};
	time_t		end = time(NULL) + seconds;
	uint64_t	checks = 0;

	do
	{
		checks += check_table(&random);
		for (int i = 0; i < 100; i++)
		{
			check_months(&random);
			check_even(&random);
			check_any_window(&random);
			check_rate(&random);
			check_any_rate(&random);
		}
		checks += 500;
		if (below(&random, 10) == 0)
			check_threads(&random);
	} while (time(NULL) < end);
	printf("seed %llu: %llu checks\n", (unsigned long long) seed,
		   (unsigned long long) checks);
	return 0;
}
