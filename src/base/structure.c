/*
 * structure.c
 *		Locks that keep devapp's processes and its users out of one another's way.
 *
 *	lock_extension(exclusive)	takes the lock of the structure, to the end of the transaction
 *
 * The lock of the structure is that of the extension itself, the one that DROP EXTENSION
 * takes.  It is always taken first, before any other lock of devapp's, so whoever waits
 * for it holds nothing that another might wait for.  structure.h says who takes it how.
 *
 * The lock of a database is PostgreSQL's own: whoever connects takes it for a moment,
 * DROP DATABASE and the like take it exclusively.  The launcher holds it while a process
 * that it starts connects (launcher.c).
 *
 * A session-level lock of these outlives the commits of its session.  PostgreSQL releases
 * it when a transaction is rolled back, but not when the session ends, so this is done here.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_database.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lmgr.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "utils/inval.h"

#include "base/compat.h"
#include "base/structure.h"

PG_FUNCTION_INFO_V1(devapp_lock_extension);

/* ---------- locks of the session ---------- */

static void
release_at_exit(int code, Datum arg)
{
	LockReleaseAll(DEFAULT_LOCKMETHOD, true);
}

static void
release_at_exit_once(void)
{
	static bool registered = false;

	if (!registered)
		before_shmem_exit(release_at_exit, (Datum) 0);
	registered = true;
}

/* ---------- the structure ---------- */

static LOCKTAG
tag_of_extension(Oid extension)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, ExtensionRelationId, extension, 0);
	return tag;
}

/* Lock the extension; InvalidOid if there is none, or none any more. */
static Oid
lock_extension(LOCKMODE mode, bool session, bool wait)
{
	Oid			extension = get_extension_oid("devapp", true);
	LOCKTAG		tag = tag_of_extension(extension);

	if (!OidIsValid(extension) ||
		LockAcquire(&tag, mode, session, !wait) == LOCKACQUIRE_NOT_AVAIL)
		return InvalidOid;
	AcceptInvalidationMessages();
	if (get_extension_oid("devapp", true) == extension)
		return extension;
	LockRelease(&tag, mode, session);
	return InvalidOid;
}

/* Wait for the lock, and hold it to the end of the transaction. */
Oid
structure_lock(LOCKMODE mode)
{
	return lock_extension(mode, false, true);
}

bool
structure_try_lock(LOCKMODE mode)
{
	return OidIsValid(lock_extension(mode, false, false));
}

Oid
structure_lock_for_session(LOCKMODE mode)
{
	release_at_exit_once();
	return lock_extension(mode, true, true);
}

void
structure_unlock_for_session(Oid extension, LOCKMODE mode)
{
	LOCKTAG		tag = tag_of_extension(extension);

	LockRelease(&tag, mode, true);
}

Datum
devapp_lock_extension(PG_FUNCTION_ARGS)
{
	(void) structure_lock(PG_GETARG_BOOL(0) ? STRUCTURE_CHANGE : STRUCTURE_WORK);
	PG_RETURN_VOID();
}

/* ---------- databases ---------- */

/*
 * Keep the database from being dropped or renamed; false if that is under way.  Works
 * before the process is connected, and outside of transactions.
 */
bool
database_try_lock(Oid database)
{
	LOCKTAG		tag;

	release_at_exit_once();
	SET_LOCKTAG_OBJECT(tag, InvalidOid, DatabaseRelationId, database, 0);
	return LockAcquire(&tag, RowExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL;
}

void
database_unlock(Oid database)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, InvalidOid, DatabaseRelationId, database, 0);
	LockRelease(&tag, RowExclusiveLock, true);
}

/* ---------- yielding ---------- */

/*
 * Be to other sessions what an autovacuum worker is: whoever has waited for a lock of
 * this process for deadlock_timeout cancels what it does (SIGINT), and what needs the
 * database for itself, like DROP DATABASE, ends it (SIGTERM) rather than fail.
 *
 * The flag has one more meaning: CREATE INDEX CONCURRENTLY does not wait for snapshots of
 * this process.  So nothing here may work with an old one: every statement takes its own.
 */
void
yield_to_everybody(void)
{
	LWLockAcquire(ProcArrayLock, LW_EXCLUSIVE);
	MyProc->statusFlags |= PROC_IS_AUTOVACUUM;
	ProcGlobal->statusFlags[MyProc->pgxactoff] = MyProc->statusFlags;
	LWLockRelease(ProcArrayLock);
}
