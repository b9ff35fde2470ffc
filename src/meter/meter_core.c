/*
 * meter_core.c
 *		A bounded table of counters.  Needs no backend.
 *
 * The table is in stripes, each with a lock of the caller's.  A stripe is a hash
 * table of fixed size (slot_table_core.h).
 *
 * Counting on a key that is there changes neither tags nor keys: it adds with
 * atomic operations, and any number of processes may do it at once, under the
 * shared lock.  A new key, and taking counts out, need the exclusive one.
 *
 * Taking counts of one database out empties the stripe and puts the others'
 * back, so that there are no marks of what was deleted and probing stays short.
 */
#include "meter/meter_core.h"

#include <string.h>

#include "base/slot_table_core.h"

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

static const SlotLayout layout = {sizeof(MeterKey), sizeof(MeterSlot)};

/* ---------- layout ---------- */

size_t
meter_stripe_size(uint32_t nslots)
{
	return slot_table_size(layout, nslots);
}

/* The second half of the first of two ids that is there: random bits, as a rule. */
static uint64_t
id_bits(const uint8_t *first, const uint8_t *second)
{
	uint64_t	a[METER_ID_LEN / sizeof(uint64_t)];
	uint64_t	b[METER_ID_LEN / sizeof(uint64_t)];

	memcpy(a, first, METER_ID_LEN);
	memcpy(b, second, METER_ID_LEN);
	return (a[0] | a[1]) != 0 ? a[1] : b[1];
}

/*
 * A credential is of one app and an operation of one product, so of each pair one id
 * tells all; and half an id does, because nobody who calls can choose it.  So hashing
 * costs less.
 */
uint64_t
meter_hash(const MeterKey *key, const SlotSeed *seed)
{
	struct
	{
		unsigned char head[offsetof(MeterKey, app_id)];
		uint64_t	caller;
		uint64_t	called;
		char		environment[METER_ENVIRONMENT_LEN];
	}			hashed;

	memcpy(hashed.head, key, sizeof(hashed.head));
	hashed.caller = id_bits(key->credential_id, key->app_id);
	hashed.called = id_bits(key->operation_id, key->product_id);
	memcpy(hashed.environment, key->environment, METER_ENVIRONMENT_LEN);
	return slot_table_hash_bytes(&hashed, sizeof(hashed), seed);
}

/* ---------- counting ---------- */

static void
lower_to(_Atomic uint64_t *place, uint64_t value)
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
add_value(MeterSlot *slot, const MeterValue *value)
{
	atomic_fetch_add_explicit(&slot->count, value->count, memory_order_relaxed);
	if (value->sum != 0)
		atomic_fetch_add_explicit(&slot->sum, value->sum, memory_order_relaxed);
	lower_to(&slot->min, value->min);
	raise_to(&slot->max, value->max);
}

/* Add to a key that is there.  False: it is not. */
bool
meter_hit(MeterStripe *stripe, uint64_t hash, const MeterKey *key,
		  const MeterValue *value)
{
	MeterSlot  *slot = slot_table_find(layout, stripe, hash, key);

	if (slot == NULL)
		return false;
	add_value(slot, value);
	return true;
}

/* Add to a key, which may be new.  False: there is no room for it. */
bool
meter_insert(MeterStripe *stripe, uint64_t hash, const MeterKey *key,
			 const MeterValue *value)
{
	MeterSlot  *slot = slot_table_find(layout, stripe, hash, key);

	if (slot == NULL)
	{
		slot = slot_table_add(layout, stripe, hash, key);
		if (slot == NULL)
			return false;
		atomic_init(&slot->count, 0);
		atomic_init(&slot->sum, 0);
		atomic_init(&slot->min, UINT64_MAX);
		atomic_init(&slot->max, 0);
	}
	add_value(slot, value);
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
 * Take the counts of a database, or of every one (0), out of the stripe.  rows
 * has room for stripe->limit of them.  Returns how many.
 */
uint32_t
meter_take(MeterStripe *stripe, uint32_t database, MeterRow *rows)
{
	uint32_t	taken = 0;
	uint32_t	end = stripe->used;
	uint32_t	others = end;
	uint32_t	place = 0;
	MeterSlot  *slot;

	/* the taken ones from the front, the others from the back */
	while ((slot = slot_table_next(layout, stripe, &place)) != NULL)
	{
		if (database == ANY_DATABASE || slot->key.database == database)
			rows[taken++] = read_slot(slot);
		else
			rows[--others] = read_slot(slot);
	}
	if (taken == 0)
		return 0;
	slot_table_clear(stripe);
	for (uint32_t i = taken; i < end; i++)
		(void) meter_insert(stripe, meter_hash(&rows[i].key, &stripe->seed),
							&rows[i].key, &rows[i].value);
	return taken;
}
