/*
 * shared_struct.h
 *		A struct of fixed size in shared memory.
 */
#ifndef DEVAPP_SHARED_STRUCT_H
#define DEVAPP_SHARED_STRUCT_H

#include "postgres.h"

#include "storage/lwlock.h"

typedef struct SharedStruct
{
	const char *name;			/* of the memory, and of the lock's tranche */
	Size		size;

	/* keeps where the memory and its lock are; fills the memory if it is new */
	void		(*attach) (void *memory, LWLock *lock, bool is_new);
	struct SharedStruct *next;	/* shared_struct.c's own */
} SharedStruct;

extern void shared_struct_add(SharedStruct *added);

#endif							/* DEVAPP_SHARED_STRUCT_H */
