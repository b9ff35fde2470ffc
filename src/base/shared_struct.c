/*
 * shared_struct.c
 *		Structs of fixed size in shared memory, each with a lock.
 *
 * A struct is made at server start, with shared_preload_libraries.  Whether its lock is
 * used is up to the file that the struct belongs to.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"

#include "base/shared_struct.h"

static SharedStruct *structs = NULL;

static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

static void
request_memory(void)
{
	if (previous_request_hook)
		previous_request_hook();
	for (const SharedStruct *s = structs; s != NULL; s = s->next)
	{
		RequestAddinShmemSpace(MAXALIGN(s->size));
		RequestNamedLWLockTranche(s->name, 1);
	}
}

static void
start_memory(void)
{
	if (previous_startup_hook)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	for (const SharedStruct *s = structs; s != NULL; s = s->next)
	{
		bool		found;
		void	   *memory = ShmemInitStruct(s->name, s->size, &found);

		s->attach(memory, &GetNamedLWLockTranche(s->name)->lock, !found);
	}
	LWLockRelease(AddinShmemInitLock);
}

/* To be called by what _PG_init() calls in the postmaster. */
void
shared_struct_add(SharedStruct *added)
{
	if (structs == NULL)
	{
		previous_request_hook = shmem_request_hook;
		shmem_request_hook = request_memory;
		previous_startup_hook = shmem_startup_hook;
		shmem_startup_hook = start_memory;
	}
	added->next = structs;
	structs = added;
}
