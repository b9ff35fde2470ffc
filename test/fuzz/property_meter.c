/*
 * property_meter.c
 *		The table of counters against a plain list, and the histogram against
 *		floating point; then from several threads at once.
 *
 *	property_meter [seconds] [seed]
 *
 * Keys are few and differ in single fields, so that they meet.  Tables are small, so
 * that they are full often.  The same seed gives the same operations, but for the
 * order in which threads come.
 */
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "fuzz.h"
#include "meter/latency_core.h"
#include "meter/meter_core.h"

#define MAX_KEYS	400
#define THREADS		4
#define HITS		20000

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

static MeterKey
make_key(Random *random)
{
	MeterKey	key;

	memset(&key, 0, sizeof(key));
	key.database = 1 + below(random, 3);
	key.minute = (int32_t) below(random, 3) - 1;
	key.code = (uint8_t) below(random, 3);
	key.app_id[below(random, METER_ID_LEN)] = (uint8_t) below(random, 2);
	key.operation_id[METER_ID_LEN - 1] = (uint8_t) below(random, 2);
	key.environment[METER_ENVIRONMENT_LEN - 1] = (char) below(random, 2);
	return key;
}

static SlotSeed
seed_of(uint64_t number)
{
	SlotSeed	seed = {{0}};

	memcpy(seed.bytes, &number, sizeof(number));
	return seed;
}

static MeterStripe *
make_stripe(uint32_t nslots, uint64_t seed)
{
	MeterStripe *p = fuzz_alloc(NULL, meter_stripe_size(nslots));

	slot_table_init(p, nslots, seed_of(seed));
	return p;
}

/* ---------- against a list ---------- */

typedef struct Model
{
	int			n;
	MeterRow	rows[MAX_KEYS];
} Model;

static MeterRow *
model_find(Model *model, const MeterKey *key)
{
	for (int i = 0; i < model->n; i++)
	{
		if (memcmp(&model->rows[i].key, key, sizeof(MeterKey)) == 0)
			return &model->rows[i];
	}
	return NULL;
}

static void
model_add(MeterRow *row, const MeterValue *value)
{
	row->value.count += value->count;
	row->value.sum += value->sum;
	row->value.min = value->min < row->value.min ? value->min : row->value.min;
	row->value.max = value->max > row->value.max ? value->max : row->value.max;
}

static void
check_add(Random *random, MeterStripe *p, Model *model)
{
	MeterKey	key = make_key(random);
	uint64_t	amount = random_next(random) >> 20;
	MeterValue	value = {1 + below(random, 3), amount, amount, amount};
	MeterRow   *row = model_find(model, &key);
	uint64_t	hash = meter_hash(&key, &p->seed);
	bool		hit = meter_hit(p, hash, &key, &value);

	CHECK(hit == (row != NULL));
	if (!hit)
	{
		bool		room = (uint32_t) model->n < p->limit;

		CHECK(meter_insert(p, hash, &key, &value) == room);
		if (!room)
			return;
		row = &model->rows[model->n++];
		*row = (MeterRow) {key, {0, 0, UINT64_MAX, 0}};
	}
	model_add(row, &value);
}

static void
check_take(MeterStripe *p, Model *model, uint32_t database)
{
	MeterRow   *rows = fuzz_alloc(NULL, sizeof(MeterRow) * p->limit);
	uint32_t	n = meter_take(p, database, rows);
	int			left = 0;

	for (uint32_t i = 0; i < n; i++)
	{
		MeterRow   *row = model_find(model, &rows[i].key);

		CHECK(row != NULL && (database == 0 || row->key.database == database));
		CHECK(memcmp(&row->value, &rows[i].value, sizeof(MeterValue)) == 0);
		row->value.count = 0;
	}
	for (int i = 0; i < model->n; i++)
	{
		if (model->rows[i].value.count > 0)
			model->rows[left++] = model->rows[i];
	}
	CHECK(model->n - left == (int) n);
	model->n = left;
	CHECK(p->used == (uint32_t) left);
	for (int i = 0; database != 0 && i < left; i++)
		CHECK(model->rows[i].key.database != database);
	free(rows);
}

static uint64_t
check_table(Random *random)
{
	MeterStripe *p = make_stripe(2 + below(random, 300), random_next(random));
	Model		model = {0};
	unsigned	operations = 1 + below(random, 2000);

	for (unsigned i = 0; i < operations; i++)
	{
		if (below(random, 200) == 0)
			check_take(p, &model, below(random, 4));
		else
			check_add(random, p, &model);
	}
	check_take(p, &model, 0);
	CHECK(model.n == 0);
	free(p);
	return operations;
}

/* ---------- threads ---------- */

typedef struct Shared
{
	pthread_rwlock_t lock;
	MeterStripe *stripe;
	uint64_t	taken;			/* under the exclusive lock */
	uint64_t	taken_sum;
} Shared;

static void
take_all(Shared *shared)
{
	MeterRow   *rows = fuzz_alloc(NULL, sizeof(MeterRow) * shared->stripe->limit);
	uint32_t	n = meter_take(shared->stripe, 0, rows);

	for (uint32_t i = 0; i < n; i++)
	{
		shared->taken += rows[i].value.count;
		shared->taken_sum += rows[i].value.sum;
		CHECK(rows[i].value.min == 1 && rows[i].value.max <= HITS);
	}
	free(rows);
}

static void *
count_in_thread(void *arg)
{
	Shared	   *shared = arg;
	MeterStripe *p = shared->stripe;
	MeterKey	key;

	memset(&key, 0, sizeof(key));
	key.database = 1;
	for (uint64_t i = 1; i <= HITS; i++)
	{
		MeterValue	value = {1, i, 1, i};
		uint64_t	hash;
		bool		hit;

		key.minute = (int32_t) (i % 3);
		hash = meter_hash(&key, &p->seed);
		pthread_rwlock_rdlock(&shared->lock);
		hit = meter_hit(p, hash, &key, &value);
		pthread_rwlock_unlock(&shared->lock);
		if (hit && i % 5000 != 0)
			continue;
		pthread_rwlock_wrlock(&shared->lock);
		if (!hit)
			CHECK(meter_insert(p, hash, &key, &value));
		if (i % 5000 == 0)
			take_all(shared);
		pthread_rwlock_unlock(&shared->lock);
	}
	return NULL;
}

/* Nothing is lost, nothing is counted twice. */
static void
check_threads(Random *random)
{
	Shared		shared = {.stripe = make_stripe(64, random_next(random))};
	pthread_t	threads[THREADS];

	CHECK(pthread_rwlock_init(&shared.lock, NULL) == 0);
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_create(&threads[i], NULL, count_in_thread, &shared) == 0);
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	take_all(&shared);
	CHECK(shared.taken == (uint64_t) THREADS * HITS);
	CHECK(shared.taken_sum == (uint64_t) THREADS * HITS * (HITS + 1) / 2);
	pthread_rwlock_destroy(&shared.lock);
	free(shared.stripe);
}

/* ---------- the histogram ---------- */

static void
check_latency(Random *random)
{
	uint64_t	us = random_next(random) >> (27 + below(random, 37));
	int			bin;
	double		error;

	us = us > (uint64_t) LATENCY_MAX ? (uint64_t) LATENCY_MAX : us;
	bin = latency_bin(us);
	CHECK(bin >= 0 && bin < LATENCY_BINS);
	CHECK(latency_bin(us + 1) >= bin);
	if (us == 0)
		return;
	error = latency_middle(bin) / (double) us;
	CHECK(error < 1.0906 && error > 1 / 1.0906);
	/* the bounds, as far as floating point can tell */
	CHECK(fabs(4 * log2((double) us) - floor(4 * log2((double) us)) - 0.5) > 0.49999 ||
		  bin == (int) floor(4 * log2((double) us)));
}

static int
compare_latency(const void *a, const void *b)
{
	uint64_t	x = *(const uint64_t *) a;
	uint64_t	y = *(const uint64_t *) b;

	return (x > y) - (x < y);
}

static void
check_percentile(Random *random)
{
	uint64_t	latencies[100];
	int64_t		counts[LATENCY_BINS] = {0};
	int			n = 1 + (int) below(random, 100);
	double		fraction = below(random, 101) / 100.0;
	int			rank;

	CHECK(latency_percentile(counts, LATENCY_BINS, fraction) == -1);
	for (int i = 0; i < n; i++)
	{
		latencies[i] = random_next(random) >> (30 + below(random, 30));
		counts[latency_bin(latencies[i])]++;
	}
	qsort(latencies, (size_t) n, sizeof(uint64_t), compare_latency);
	rank = (int) ceil(fraction * n);
	CHECK(latency_percentile(counts, LATENCY_BINS, fraction) ==
		  latency_bin(latencies[rank > 0 ? rank - 1 : 0]));
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
		for (int i = 0; i < 1000; i++)
		{
			check_latency(&random);
			check_percentile(&random);
		}
		checks += 2000;
		if (below(&random, 10) == 0)
			check_threads(&random);
	} while (time(NULL) < end);
	printf("seed %llu: %llu checks\n", (unsigned long long) seed,
		   (unsigned long long) checks);
	return 0;
}
