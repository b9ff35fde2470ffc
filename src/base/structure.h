/*
 * structure.h
 *		Locks that keep devapp's processes and its users out of one another's way.
 */
#ifndef DEVAPP_STRUCTURE_H
#define DEVAPP_STRUCTURE_H

#include "postgres.h"

#include "storage/lock.h"

/*
 * Modes of the lock of the structure.  Work goes on at the same time as other work; a
 * restore, or a change of privileges, at the same time as others, but not as work; what
 * changes the structure, alone.
 */
#define STRUCTURE_WORK		RowExclusiveLock
#define STRUCTURE_KEEP_OUT	ShareLock
#define STRUCTURE_CHANGE	ShareRowExclusiveLock

extern Oid	structure_lock(LOCKMODE mode);
extern bool structure_try_lock(LOCKMODE mode);
extern Oid	structure_lock_for_session(LOCKMODE mode);
extern void structure_unlock_for_session(Oid extension, LOCKMODE mode);

extern bool database_try_lock(Oid database);
extern void database_unlock(Oid database);

extern void yield_to_everybody(void);

#endif							/* DEVAPP_STRUCTURE_H */
