/*
 * fuzz_meter.c
 *		Fuzz target: the table of counters, against a list.
 *
 * The input is the size of a table, and what is counted and taken out, with keys from a
 * small alphabet, so that they meet.
 */
#include <stdbool.h>

#include "fuzz.h"
#include "meter/meter_core.h"

#define MAX_SLOTS	40
#define KEYS		48

static MeterKey
make_key(unsigned number)
{
	MeterKey	key;

	memset(&key, 0, sizeof(key));
	key.database = 1 + number % 3;
	key.kind = METER_CALL;
	key.minute = (int32_t) number / 8;
	key.app_id[METER_ID_LEN - 1] = (uint8_t) number;
	return key;
}

static int
count_keys(const MeterValue *values)
{
	int			n = 0;

	for (int i = 0; i < KEYS; i++)
		n += values[i].count > 0;
	return n;
}

static void
count_one(MeterStripe *p, MeterValue *values, FuzzInput *in)
{
	unsigned	number = fuzz_below(in, KEYS);
	uint64_t	amount = (uint64_t) fuzz_byte(in) << fuzz_below(in, 40);
	MeterValue	value = {1 + fuzz_below(in, 3), amount, amount, amount};
	MeterValue *sum = &values[number];
	MeterKey	key = make_key(number);
	uint64_t	hash = meter_hash(&key, &p->seed);
	bool		hit = meter_hit(p, hash, &key, &value);

	CHECK(hit == (sum->count > 0));
	if (!hit)
	{
		bool		room = (uint32_t) count_keys(values) < p->limit;

		CHECK(meter_insert(p, hash, &key, &value) == room);
		if (!room)
			return;
		*sum = (MeterValue) {0, 0, UINT64_MAX, 0};
	}
	sum->count += value.count;
	sum->sum += amount;
	sum->min = amount < sum->min ? amount : sum->min;
	sum->max = amount > sum->max ? amount : sum->max;
}

/* Of one database, or of all (0): what was counted comes out once, the rest stays. */
static void
take_out(MeterStripe *p, MeterValue *values, uint32_t database)
{
	MeterRow   *rows = fuzz_alloc(NULL, sizeof(MeterRow) * (p->limit > 0 ? p->limit : 1));
	uint32_t	n = meter_take(p, database, rows);
	uint32_t	expected = 0;

	for (unsigned i = 0; i < KEYS; i++)
		expected += values[i].count > 0 && (database == 0 || make_key(i).database == database);
	CHECK(n == expected);
	for (uint32_t i = 0; i < n; i++)
	{
		unsigned	number = rows[i].key.app_id[METER_ID_LEN - 1];
		MeterKey	key = make_key(number);

		CHECK(memcmp(&key, &rows[i].key, sizeof(key)) == 0);
		CHECK(memcmp(&values[number], &rows[i].value, sizeof(MeterValue)) == 0);
		values[number].count = 0;
	}
	CHECK(p->used == (uint32_t) count_keys(values));
	free(rows);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FuzzInput	in = {data, size};
	uint32_t	nslots = 2 + fuzz_below(&in, MAX_SLOTS - 1);
	MeterStripe *p = fuzz_alloc(NULL, meter_stripe_size(nslots));
	MeterValue	values[KEYS] = {{0}};

	slot_table_init(p, nslots, (SlotSeed) {{fuzz_byte(&in)}});
	while (in.len > 0)
	{
		if (fuzz_below(&in, 12) == 0)
			take_out(p, values, fuzz_below(&in, 4));
		else
			count_one(p, values, &in);
	}
	take_out(p, values, 0);
	free(p);
	return 0;
}
