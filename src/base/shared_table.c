/*
 * shared_table.c
 *		Hash tables in shared memory, in stripes with a lock each.
 *
 * A table is made at server start, with shared_preload_libraries, and has the size that
 * its setting says.  Which locks are taken how is up to who uses it.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"

#include "base/compat.h"
#include "base/shared_table.h"
#include "base/sodium.h"

static SharedTable *tables = NULL;

static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

/* The slots of a stripe that make the table as large as the setting says. */
static uint32
stripe_slots(const SharedTable *table)
{
	Size		bytes = (Size) *table->kilobytes * 1024 / SHARED_TABLE_STRIPES;
	Size		two = table->stripe_size(2) - table->stripe_size(0);

	return (uint32) ((bytes - table->stripe_size(0)) / (two / 2));
}

static Size
stripe_bytes(const SharedTable *table)
{
	return MAXALIGN(table->stripe_size(stripe_slots(table)));
}

static Size
table_bytes(const SharedTable *table)
{
	return add_size(MAXALIGN(sizeof(SharedTableMemory)),
					mul_size(stripe_bytes(table), SHARED_TABLE_STRIPES));
}

static void
request_memory(void)
{
	if (previous_request_hook)
		previous_request_hook();
	for (SharedTable *table = tables; table != NULL; table = table->next)
	{
		RequestAddinShmemSpace(table_bytes(table));
		RequestNamedLWLockTranche(table->name, SHARED_TABLE_STRIPES);
	}
}

static void
init_table(SharedTable *table, SlotSeed seed)
{
	table->memory->seed = seed;
	table->memory->stripe_size = stripe_bytes(table);
	for (int i = 0; i < SHARED_TABLE_STRIPES; i++)
		slot_table_init(shared_table_stripe(table, i), stripe_slots(table), seed);
}

/* All tables hash under one key, so that a key that is in two of them is hashed once. */
static void
start_memory(void)
{
	SlotSeed	seed;

	if (previous_startup_hook)
		previous_startup_hook();
	devapp_require_sodium();
	randombytes_buf(&seed, sizeof(seed));
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	for (SharedTable *table = tables; table != NULL; table = table->next)
	{
		bool		found;

		table->memory = ShmemInitStruct(table->name, table_bytes(table), &found);
		table->locks = GetNamedLWLockTranche(table->name);
		if (!found)
			init_table(table, seed);
	}
	LWLockRelease(AddinShmemInitLock);
}

/* To be called by what _PG_init() calls in the postmaster. */
void
shared_table_add(SharedTable *table)
{
	if (tables == NULL)
	{
		previous_request_hook = shmem_request_hook;
		shmem_request_hook = request_memory;
		previous_startup_hook = shmem_startup_hook;
		shmem_startup_hook = start_memory;
	}
	table->next = tables;
	tables = table;
}

/* How many slots are used; without a lock, so it is of no one moment. */
uint64
shared_table_used(const SharedTable *table)
{
	uint64		used = 0;

	for (int i = 0; i < SHARED_TABLE_STRIPES; i++)
		used += shared_table_stripe(table, i)->used;
	return used;
}

/* How many may be used. */
uint64
shared_table_total(const SharedTable *table)
{
	return (uint64) shared_table_limit(table) * SHARED_TABLE_STRIPES;
}
