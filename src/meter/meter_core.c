/*
 * meter_core.c
 *		A bounded table of counters.  Needs no backend.
 *
 * The table is in partitions, each with a lock of the caller's.  A partition is an
 * open-addressing hash table of fixed size: tags (a part of the hash, 0 for a free
 * slot), which probing runs over, and the slots beside them.
 *
 * Counting on a key that is there changes neither tags nor keys: it adds with
 * atomic operations, and any number of processes may do it at once, under the
 * shared lock.  A new key, and taking counts out, need the exclusive one.
 *
 * Taking counts of one database out empties the partition and puts the others'
 * back, so that there are no marks of what was deleted and probing stays short.
 */
#include "meter/meter_core.h"

#include <string.h>

#include "base/hash_core.h"

#define ANY_DATABASE	0

typedef struct MeterSlot
{
	MeterKey	key;
	_Atomic uint64_t count;
	_Atomic uint64_t sum;
	_Atomic uint64_t min;
	_Atomic uint64_t max;
} MeterSlot;

_Static_assert(sizeof(MeterKey) == 16 + 4 * METER_ID_LEN + METER_ENVIRONMENT_LEN,
			   "a key has no padding");
_Static_assert(sizeof(MeterKey) % sizeof(uint64_t) == 0, "a key is hashed by words");
_Static_assert(sizeof(MeterPartition) % sizeof(uint64_t) == 0, "slots are aligned");

/* ---------- layout ---------- */

static size_t
tags_size(uint32_t nslots)
{
	return ((size_t) nslots * sizeof(uint32_t) + 7) & ~(size_t) 7;
}

static uint32_t *
tags_of(MeterPartition *p)
{
	return (uint32_t *) (p + 1);
}

static MeterSlot *
slots_of(MeterPartition *p)
{
	return (MeterSlot *) ((char *) (p + 1) + tags_size(p->nslots));
}

size_t
meter_partition_size(uint32_t nslots)
{
	return sizeof(MeterPartition) + tags_size(nslots) +
		(size_t) nslots * sizeof(MeterSlot);
}

/* One slot in 16, and at least one, stays free: it ends every probe. */
void
meter_partition_init(MeterPartition *p, uint32_t nslots, uint64_t seed)
{
	p->seed = seed;
	p->nslots = nslots;
	p->limit = nslots - nslots / 16 - 1;
	p->used = 0;
	p->unused = 0;
	memset(tags_of(p), 0, tags_size(nslots));
}

/* ---------- finding ---------- */

uint64_t
meter_hash(const MeterKey *key, uint64_t seed)
{
	return hash_words(key, sizeof(MeterKey), seed);
}

/* The place of a key, or the free one where it would be. */
static uint32_t
probe(MeterPartition *p, uint64_t hash, const MeterKey *key)
{
	const uint32_t *tags = tags_of(p);
	const MeterSlot *slots = slots_of(p);
	uint32_t	tag = hash_tag(hash);
	uint32_t	i = hash_place(hash, p->nslots);

	while (tags[i] != 0)
	{
		if (tags[i] == tag && memcmp(&slots[i].key, key, sizeof(MeterKey)) == 0)
			break;
		if (++i == p->nslots)
			i = 0;
	}
	return i;
}

/* ---------- counting ---------- */

static void
lower(_Atomic uint64_t *place, uint64_t value)
{
	uint64_t	seen = atomic_load_explicit(place, memory_order_relaxed);

	while (value < seen &&
		   !atomic_compare_exchange_weak_explicit(place, &seen, value,
												  memory_order_relaxed,
												  memory_order_relaxed))
		;
}

static void
raise_to(_Atomic uint64_t *place, uint64_t value)
{
	uint64_t	seen = atomic_load_explicit(place, memory_order_relaxed);

	while (value > seen &&
		   !atomic_compare_exchange_weak_explicit(place, &seen, value,
												  memory_order_relaxed,
												  memory_order_relaxed))
		;
}

static void
add(MeterSlot *slot, const MeterValue *value)
{
	atomic_fetch_add_explicit(&slot->count, value->count, memory_order_relaxed);
	if (value->sum != 0)
		atomic_fetch_add_explicit(&slot->sum, value->sum, memory_order_relaxed);
	lower(&slot->min, value->min);
	raise_to(&slot->max, value->max);
}

/* Add to a key that is there.  False: it is not. */
bool
meter_hit(MeterPartition *p, uint64_t hash, const MeterKey *key,
		  const MeterValue *value)
{
	uint32_t	i = probe(p, hash, key);

	if (tags_of(p)[i] == 0)
		return false;
	add(&slots_of(p)[i], value);
	return true;
}

/* Add to a key, which may be new.  False: there is no room for it. */
bool
meter_insert(MeterPartition *p, uint64_t hash, const MeterKey *key,
			 const MeterValue *value)
{
	uint32_t	i = probe(p, hash, key);
	MeterSlot  *slot = &slots_of(p)[i];

	if (tags_of(p)[i] == 0)
	{
		if (p->used >= p->limit)
			return false;
		slot->key = *key;
		atomic_init(&slot->count, 0);
		atomic_init(&slot->sum, 0);
		atomic_init(&slot->min, UINT64_MAX);
		atomic_init(&slot->max, 0);
		tags_of(p)[i] = hash_tag(hash);
		p->used++;
	}
	add(slot, value);
	return true;
}

/* ---------- taking out ---------- */

static MeterRow
read_slot(MeterSlot *slot)
{
	return (MeterRow) {slot->key, {
			atomic_load_explicit(&slot->count, memory_order_relaxed),
			atomic_load_explicit(&slot->sum, memory_order_relaxed),
			atomic_load_explicit(&slot->min, memory_order_relaxed),
			atomic_load_explicit(&slot->max, memory_order_relaxed)}};
}

/*
 * Take the counts of a database, or of every one (0), out of the partition.  rows
 * has room for partition->limit of them.  Returns how many.
 */
uint32_t
meter_take(MeterPartition *p, uint32_t database, MeterRow *rows)
{
	uint32_t   *tags = tags_of(p);
	MeterSlot  *slots = slots_of(p);
	uint32_t	taken = 0;
	uint32_t	others = p->used;

	/* the taken ones from the front, the others from the back */
	for (uint32_t i = 0; i < p->nslots; i++)
	{
		if (tags[i] == 0)
			continue;
		if (database == ANY_DATABASE || slots[i].key.database == database)
			rows[taken++] = read_slot(&slots[i]);
		else
			rows[--others] = read_slot(&slots[i]);
	}
	if (taken == 0)
		return 0;
	memset(tags, 0, tags_size(p->nslots));
	others = p->used;
	p->used = 0;
	for (uint32_t i = taken; i < others; i++)
		(void) meter_insert(p, meter_hash(&rows[i].key, p->seed),
							&rows[i].key, &rows[i].value);
	return taken;
}
