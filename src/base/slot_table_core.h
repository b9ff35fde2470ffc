/*
 * slot_table_core.h
 *		The table in shared memory that counters and buckets lie in: open addressing,
 *		fixed size.  Needs no backend.
 *
 * A table has tags (a part of the hash, 0 for a free slot), which probing runs over, and
 * the slots beside them, each of which begins with its key.  Both follow the header.  A
 * key is compared and hashed as bytes: whole words, no padding.
 *
 * The lock is the caller's.  Finding needs it shared, all else exclusive.
 *
 * All is inline, with the layout as a constant: so each user gets code for the sizes of
 * its own keys and slots, and finding a key costs no call.
 */
#ifndef DEVAPP_SLOT_TABLE_CORE_H
#define DEVAPP_SLOT_TABLE_CORE_H

#include <sodium.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The key of the hash. */
typedef struct SlotSeed
{
	unsigned char bytes[crypto_shorthash_KEYBYTES];
} SlotSeed;

typedef struct SlotTable
{
	SlotSeed	seed;
	uint32_t	nslots;
	uint32_t	limit;			/* slots that may be used */
	uint32_t	used;
	uint32_t	unused;
	int64_t		swept_at;		/* for the caller, who may remove what is old */
} SlotTable;

/* In bytes. */
typedef struct SlotLayout
{
	size_t		key_size;
	size_t		slot_size;
} SlotLayout;

_Static_assert(sizeof(SlotTable) % sizeof(uint64_t) == 0, "slots are aligned");

/* ---------- layout ---------- */

static inline size_t
slot_table_tags_size(uint32_t nslots)
{
	return ((size_t) nslots * sizeof(uint32_t) + 7) & ~(size_t) 7;
}

static inline size_t
slot_table_size(SlotLayout layout, uint32_t nslots)
{
	return sizeof(SlotTable) + slot_table_tags_size(nslots) + (size_t) nslots * layout.slot_size;
}

static inline uint32_t *
slot_table_tags(SlotTable *table)
{
	return (uint32_t *) (table + 1);
}

static inline void *
slot_table_at(SlotLayout layout, SlotTable *table, uint32_t place)
{
	return (char *) (table + 1) + slot_table_tags_size(table->nslots) + place * layout.slot_size;
}

static inline void
slot_table_clear(SlotTable *table)
{
	memset(slot_table_tags(table), 0, slot_table_tags_size(table->nslots));
	table->used = 0;
}

/* One slot in 16, and at least one, stays free: it ends every probe. */
static inline void
slot_table_init(SlotTable *table, uint32_t nslots, SlotSeed seed)
{
	memset(table, 0, sizeof(SlotTable));
	table->seed = seed;
	table->nslots = nslots;
	table->limit = nslots - nslots / 16 - 1;
	table->swept_at = INT64_MIN;
	slot_table_clear(table);
}

/* ---------- hashing ---------- */

/*
 * SipHash under a key that is random: so nobody can choose keys that meet in one place.
 * The words of zeros at the end, as of names that are shorter than their place, need not
 * be hashed.
 */
static inline uint64_t
slot_table_hash_bytes(const void *data, size_t len, const SlotSeed *seed)
{
	const unsigned char *bytes = data;
	uint64_t	hash;
	uint64_t	word = 0;

	while (len > 0)
	{
		memcpy(&word, bytes + len - sizeof(word), sizeof(word));
		if (word != 0)
			break;
		len -= sizeof(word);
	}
	(void) crypto_shorthash((unsigned char *) &hash, bytes, len, seed->bytes);
	return hash;
}

static inline uint64_t
slot_table_hash(SlotLayout layout, const void *key, const SlotSeed *seed)
{
	return slot_table_hash_bytes(key, layout.key_size, seed);
}

static inline uint32_t
slot_table_tag(uint64_t hash)
{
	uint32_t	tag = (uint32_t) (hash >> 26);

	return tag != 0 ? tag : 1;
}

/* Where probing starts. */
static inline uint32_t
slot_table_home(const SlotTable *table, uint64_t hash)
{
	return (uint32_t) (((hash & UINT32_MAX) * table->nslots) >> 32);
}

/* ---------- finding ---------- */

/* The place of a key, or the free one where it would be. */
static inline uint32_t
slot_table_probe(SlotLayout layout, SlotTable *table, uint64_t hash, const void *key)
{
	const uint32_t *tags = slot_table_tags(table);
	uint32_t	tag = slot_table_tag(hash);
	uint32_t	i = slot_table_home(table, hash);

	while (tags[i] != 0)
	{
		if (tags[i] == tag &&
			memcmp(slot_table_at(layout, table, i), key, layout.key_size) == 0)
			break;
		if (++i == table->nslots)
			i = 0;
	}
	return i;
}

/* NULL: the key is not there. */
static inline void *
slot_table_find(SlotLayout layout, SlotTable *table, uint64_t hash, const void *key)
{
	uint32_t	i = slot_table_probe(layout, table, hash, key);

	return slot_table_tags(table)[i] != 0 ? slot_table_at(layout, table, i) : NULL;
}

/* One slot after the other: place starts as 0; NULL at the end. */
static inline void *
slot_table_next(SlotLayout layout, SlotTable *table, uint32_t *place)
{
	while (*place < table->nslots)
	{
		uint32_t	i = (*place)++;

		if (slot_table_tags(table)[i] != 0)
			return slot_table_at(layout, table, i);
	}
	return NULL;
}

/* ---------- changing ---------- */

/*
 * The slot of a key that is not there, zeroed but for the key.  NULL: there is no room
 * for it.
 */
static inline void *
slot_table_add(SlotLayout layout, SlotTable *table, uint64_t hash, const void *key)
{
	uint32_t	i = slot_table_probe(layout, table, hash, key);
	char	   *slot = slot_table_at(layout, table, i);

	if (table->used >= table->limit)
		return NULL;
	memset(slot, 0, layout.slot_size);
	memcpy(slot, key, layout.key_size);
	slot_table_tags(table)[i] = slot_table_tag(hash);
	table->used++;
	return slot;
}

/*
 * Free a slot: move what was probed past it back, and leave the last of these free.  So
 * there are no marks of what was deleted, and probing stays short.
 */
static inline void
slot_table_remove(SlotLayout layout, SlotTable *table, uint32_t gap)
{
	uint32_t   *tags = slot_table_tags(table);
	uint32_t	i = gap;

	for (;;)
	{
		char	   *slot;
		uint32_t	home;

		if (++i == table->nslots)
			i = 0;
		if (tags[i] == 0)
			break;
		slot = slot_table_at(layout, table, i);
		home = slot_table_home(table, slot_table_hash(layout, slot, &table->seed));
		/* it may not go before its home: is that in the ring from gap + 1 to i? */
		if (gap < i ? (home > gap && home <= i) : (home > gap || home <= i))
			continue;
		tags[gap] = tags[i];
		memcpy(slot_table_at(layout, table, gap), slot, layout.slot_size);
		gap = i;
	}
	tags[gap] = 0;
	table->used--;
}

#endif							/* DEVAPP_SLOT_TABLE_CORE_H */
