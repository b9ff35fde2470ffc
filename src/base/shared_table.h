/*
 * shared_table.h
 *		A hash table in shared memory, in stripes with a lock each.
 */
#ifndef DEVAPP_SHARED_TABLE_H
#define DEVAPP_SHARED_TABLE_H

#include "postgres.h"

#include "storage/lwlock.h"

#include "base/slot_table_core.h"

#define SHARED_TABLE_STRIPES	64	/* a power of two */

typedef struct SharedTableMemory
{
	SlotSeed	seed;
	Size		stripe_size;
} SharedTableMemory;

typedef struct SharedTable
{
	const char *name;			/* of the memory, and of the locks' tranche */
	const int  *kilobytes;		/* the setting that says how large it is */
	size_t		(*stripe_size) (uint32_t nslots);

	/* shared_table.c's own; NULL: there is no shared memory */
	SharedTableMemory *memory;
	LWLockPadded *locks;
	struct SharedTable *next;
} SharedTable;

extern void shared_table_add(SharedTable *table);
extern uint64 shared_table_used(const SharedTable *table);
extern uint64 shared_table_total(const SharedTable *table);

static inline SlotTable *
shared_table_stripe(const SharedTable *table, int number)
{
	return (SlotTable *) ((char *) table->memory + MAXALIGN(sizeof(SharedTableMemory)) +
						  table->memory->stripe_size * (Size) number);
}

/* The stripe that a key with this hash is in. */
static inline int
shared_table_number(uint64 hash)
{
	return (int) (hash / (UINT64_MAX / SHARED_TABLE_STRIPES + 1));
}

static inline LWLock *
shared_table_lock(const SharedTable *table, int number)
{
	return &table->locks[number].lock;
}

/* How many slots of a stripe may be used. */
static inline uint32
shared_table_limit(const SharedTable *table)
{
	return shared_table_stripe(table, 0)->limit;
}

#endif							/* DEVAPP_SHARED_TABLE_H */
