/*
 * fuzz_bucket.c
 *		Fuzz target: the table of buckets, against a list.
 *
 * The input is the size of a table and what is done to it, with keys from a small
 * alphabet, so that they meet.
 */
#include <stdbool.h>

#include "fuzz.h"
#include "quota/bucket_core.h"

#define MAX_SLOTS	40
#define KEYS		48

/* What a key has in the model. */
typedef struct Entry
{
	bool		there;
	int64_t		used;
	int64_t		end;
} Entry;

static BucketKey
make_key(unsigned number)
{
	BucketKey	key;

	memset(&key, 0, sizeof(key));
	key.database = 1 + number % 2;
	key.kind = BUCKET_SOFT + number % 3;
	key.app_id[0] = (uint8_t) number;
	return key;
}

static int
count_entries(const Entry *entries)
{
	int			n = 0;

	for (int i = 0; i < KEYS; i++)
		n += entries[i].there;
	return n;
}

static bool
is_of_database(const Bucket *bucket, const void *arg)
{
	return bucket->key.database == *(const uint32_t *) arg;
}

/* Every key of the model is found, no other is, and walking meets each once. */
static void
check_table(BucketStripe *p, const Entry *entries)
{
	uint32_t	place = 0;
	int			met = 0;

	for (unsigned i = 0; i < KEYS; i++)
	{
		BucketKey	key = make_key(i);
		Bucket	   *bucket = bucket_find(p, bucket_hash(&key, &p->seed), &key);

		CHECK((bucket != NULL) == entries[i].there);
		CHECK(bucket == NULL || (bucket->used == entries[i].used && bucket->window.end == entries[i].end));
	}
	while (bucket_next(p, &place) != NULL)
		met++;
	CHECK(met == count_entries(entries) && p->used == (uint32_t) met);
}

static void
use_bucket(BucketStripe *p, Entry *entries, FuzzInput *in)
{
	unsigned	number = fuzz_below(in, KEYS);
	Entry	   *entry = &entries[number];
	BucketKey	key = make_key(number);
	uint64_t	hash = bucket_hash(&key, &p->seed);
	Bucket	   *bucket = bucket_find(p, hash, &key);
	int64_t		limit = fuzz_byte(in);
	int64_t		cost = fuzz_below(in, 40);
	int64_t		used;
	bool		fits;

	if (bucket == NULL)
	{
		bucket = bucket_make(p, hash, &key);
		CHECK((bucket != NULL) == ((uint32_t) count_entries(entries) < p->limit));
		if (bucket == NULL)
			return;
		*entry = (Entry) {true, 0, fuzz_byte(in)};
		bucket->window.end = entry->end;
	}
	fits = entry->used + cost <= limit;
	CHECK(bucket_take(bucket, limit, cost, &used) == fits);
	entry->used += fits ? cost : 0;
	CHECK(used == entry->used);
	if (fuzz_below(in, 4) == 0)
	{
		bucket_give_back(bucket, cost);
		entry->used = entry->used > cost ? entry->used - cost : 0;
	}
}

static void
sweep(BucketStripe *p, Entry *entries, int64_t now)
{
	BucketIdle	idle = {.now = now, .written = INT64_MIN};
	bool		full = p->used >= p->limit;
	bool		just_swept = p->swept_at <= now && p->swept_at > now - 1000000;

	for (unsigned i = 0; i < KEYS && full && !just_swept; i++)
	{
		bool		is_rate = make_key(i).kind == BUCKET_RATE;

		if (is_rate ? entries[i].used <= now * 1000 : entries[i].used == 0 || entries[i].end <= now)
			entries[i].there = false;
	}
	CHECK(bucket_sweep(p, &idle) == ((uint32_t) count_entries(entries) < p->limit));
}

/* Each app of this alphabet has at most one bucket of a database. */
static void
check_share(BucketStripe *p, const Entry *entries, unsigned number)
{
	BucketKey	key = make_key(number);
	bool		plenty = p->used < p->limit / 2;
	bool		one_is_all = p->limit / 8 <= 1;

	CHECK(bucket_share_left(p, &key) == (plenty || !one_is_all || !entries[number].there));
}

static void
remove_database(BucketStripe *p, Entry *entries, uint32_t database)
{
	int			before = count_entries(entries);

	for (unsigned i = 0; i < KEYS; i++)
		entries[i].there &= make_key(i).database != database;
	CHECK(bucket_remove(p, is_of_database, &database) ==
		  (uint32_t) (before - count_entries(entries)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FuzzInput	in = {data, size};
	uint32_t	nslots = 2 + fuzz_below(&in, MAX_SLOTS - 1);
	BucketStripe *p = fuzz_alloc(NULL, bucket_stripe_size(nslots));
	Entry		entries[KEYS] = {{0}};

	slot_table_init(p, nslots, (SlotSeed) {{fuzz_byte(&in)}});
	while (in.len > 0)
	{
		unsigned	what = fuzz_below(&in, 16);

		if (what == 0)
			remove_database(p, entries, 1 + fuzz_below(&in, 2));
		else if (what < 3)
			sweep(p, entries, (int64_t) fuzz_byte(&in) << fuzz_below(&in, 25));
		else if (what == 3)
			check_share(p, entries, fuzz_below(&in, KEYS));
		else
			use_bucket(p, entries, &in);
		check_table(p, entries);
	}
	free(p);
	return 0;
}
