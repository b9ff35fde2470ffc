/*
 * registry.c
 *		The databases of the server: where there is something to do, and how it goes.
 *
 * Each database has an entry that says whether there may be counts to flush, when its
 * last housekeeper came, and how the last flush went.  Entries lie in shared memory and
 * have a fixed number.  A database that finds no free one is not metered: its calls are
 * dropped.
 *
 * Lock: one, of all entries.  Flags are single bytes, which are set without it.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/lwlock.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/shared_struct.h"
#include "meter/registry.h"

#define REGISTRY_ENTRIES	1024

typedef struct RegistryEntry
{
	Oid			database;		/* InvalidOid: free */
	bool		pending;		/* there may be counts */
	bool		unfinished;		/* the flusher did not come to its end */
	bool		installed;		/* it has the extension, as far as is known */
	TimestampTz kept_at;		/* start of the last housekeeper; 0: none yet */
	pg_atomic_uint64 dropped;
	pg_atomic_uint64 no_room;
	pg_atomic_uint64 written_until;	/* what was counted before this is in the tables */
	/* under the lock of the entries */
	RegistryState state;
} RegistryEntry;

typedef struct RegistryShared
{
	pg_atomic_uint64 dropped_elsewhere; /* of databases without an entry */
	pg_atomic_uint64 no_room_elsewhere;
	int			launcher_pid;
	RegistryEntry databases[REGISTRY_ENTRIES];
} RegistryShared;

static RegistryShared *shared = NULL;
static LWLock *lock = NULL;
static RegistryEntry *my_database = NULL;

/* ---------- at server start ---------- */

static void
init_memory(void)
{
	memset(shared, 0, sizeof(RegistryShared));
	pg_atomic_init_u64(&shared->dropped_elsewhere, 0);
	pg_atomic_init_u64(&shared->no_room_elsewhere, 0);
	for (int i = 0; i < REGISTRY_ENTRIES; i++)
	{
		pg_atomic_init_u64(&shared->databases[i].dropped, 0);
		pg_atomic_init_u64(&shared->databases[i].no_room, 0);
		pg_atomic_init_u64(&shared->databases[i].written_until, 0);
	}
}

static void
attach_memory(void *memory, LWLock *its_lock, bool is_new)
{
	shared = memory;
	lock = its_lock;
	if (is_new)
		init_memory();
}

/* Called by _PG_init() in the postmaster, before meter_init(). */
void
registry_init(void)
{
	static SharedStruct registry_struct = {
		.name = "devapp registry", .size = sizeof(RegistryShared), .attach = attach_memory
	};

	shared_struct_add(&registry_struct);
}

/* ---------- entries of databases ---------- */

/* Under the lock of the entries; NULL if there is none and none is free. */
static RegistryEntry *
find_entry(Oid database, bool make)
{
	RegistryEntry *free_entry = NULL;

	for (int i = 0; i < REGISTRY_ENTRIES; i++)
	{
		RegistryEntry *entry = &shared->databases[i];

		if (entry->database == database)
			return entry;
		if (free_entry == NULL && !OidIsValid(entry->database))
			free_entry = entry;
	}
	if (!make || free_entry == NULL)
		return NULL;
	memset(&free_entry->state, 0, sizeof(RegistryState));
	pg_atomic_write_u64(&free_entry->dropped, 0);
	pg_atomic_write_u64(&free_entry->no_room, 0);
	pg_atomic_write_u64(&free_entry->written_until, 0);
	free_entry->pending = free_entry->unfinished = free_entry->installed = false;
	free_entry->kept_at = 0;
	free_entry->database = database;
	return free_entry;
}

/* An entry stays while somebody is connected to its database. */
static RegistryEntry *
entry_of(Oid database)
{
	RegistryEntry *entry;

	if (my_database != NULL && database == MyDatabaseId)
		return my_database;
	LWLockAcquire(lock, LW_EXCLUSIVE);
	entry = find_entry(database, true);
	LWLockRelease(lock);
	if (database == MyDatabaseId)
		my_database = entry;
	return entry;
}

/* False: there is no room for the entry of a database. */
bool
registry_enter(Oid database)
{
	return entry_of(database) != NULL;
}

/* The databases that there is something to do in, in the current memory context. */
Oid *
registry_pending(int *n)
{
	Oid		   *oids = palloc(sizeof(Oid) * REGISTRY_ENTRIES);

	*n = 0;
	LWLockAcquire(lock, LW_SHARED);
	for (int i = 0; i < REGISTRY_ENTRIES; i++)
	{
		const RegistryEntry *entry = &shared->databases[i];

		if (OidIsValid(entry->database) && (entry->pending || entry->unfinished))
			oids[(*n)++] = entry->database;
	}
	LWLockRelease(lock);
	return oids;
}

/* Of the current database: has the worker still something to do? */
void
registry_set_unfinished(bool unfinished)
{
	RegistryEntry *entry = entry_of(MyDatabaseId);

	if (entry != NULL)
		entry->unfinished = unfinished;
}

/* There is something to do for a worker, also where nothing was counted. */
void
registry_mark_unfinished(Oid database)
{
	RegistryEntry *entry = entry_of(database);

	if (entry != NULL)
		entry->unfinished = true;
}

bool
registry_is_unfinished(Oid database)
{
	RegistryEntry *entry = entry_of(database);

	return entry != NULL && entry->unfinished;
}

/* The flusher is to come.  Without shared memory there is none. */
void
registry_mark_pending(Oid database)
{
	RegistryEntry *entry = shared != NULL ? entry_of(database) : NULL;

	if (entry != NULL)
		entry->pending = true;
}

/* Of the current database: is the extension here? */
void
registry_set_installed(bool installed)
{
	RegistryEntry *entry = entry_of(MyDatabaseId);

	if (entry != NULL)
		entry->installed = installed;
}

/*
 * The database whose last housekeeper is so many seconds ago, and longer than any
 * other's; InvalidOid if there is none.  It is not named again before a process has
 * found the extension there, so one that is gone is not named for ever.
 */
Oid
registry_next_to_keep(int seconds)
{
	TimestampTz now = GetCurrentTimestamp();
	RegistryEntry *next = NULL;
	Oid			database = InvalidOid;

	LWLockAcquire(lock, LW_EXCLUSIVE);
	for (int i = 0; i < REGISTRY_ENTRIES; i++)
	{
		RegistryEntry *entry = &shared->databases[i];

		/* after a clock was set back its time may be in the future */
		if (OidIsValid(entry->database) && entry->installed &&
			(entry->kept_at > now || now - entry->kept_at >= seconds * USECS_PER_SEC) &&
			(next == NULL || entry->kept_at < next->kept_at))
			next = entry;
	}
	if (next != NULL)
	{
		next->kept_at = now;
		next->installed = false;
		database = next->database;
	}
	LWLockRelease(lock);
	return database;
}

/* A database that is gone leaves its entry to another. */
void
registry_forget(Oid database)
{
	RegistryEntry *entry;

	LWLockAcquire(lock, LW_EXCLUSIVE);
	entry = find_entry(database, false);
	if (entry != NULL)
		entry->database = InvalidOid;
	LWLockRelease(lock);
}

/* Say how much was not counted. */
void
registry_count_dropped(Oid database, uint64 count)
{
	RegistryEntry *entry = entry_of(database);

	pg_atomic_fetch_add_u64(entry ? &entry->dropped : &shared->dropped_elsewhere,
							(int64) count);
}

/* A call of the current database whose quota or rate found no room (bucket.c). */
void
registry_count_no_room(void)
{
	RegistryEntry *entry = entry_of(MyDatabaseId);

	pg_atomic_fetch_add_u64(entry ? &entry->no_room : &shared->no_room_elsewhere, 1);
}

/* ---------- how flushing goes ---------- */

/* What is counted from here on is another flush's. */
void
registry_begin_take(Oid database)
{
	RegistryEntry *entry = entry_of(database);

	if (entry != NULL)
		entry->pending = false;
	pg_memory_barrier();
}

/* Of the current database: what was counted before this time is in the tables. */
void
registry_set_written(TimestampTz until)
{
	RegistryEntry *entry = entry_of(MyDatabaseId);

	if (entry != NULL)
		pg_atomic_write_u64(&entry->written_until, (uint64) until);
}

/* The same time; 0: nothing is known to be. */
TimestampTz
registry_written_until(void)
{
	RegistryEntry *entry = entry_of(MyDatabaseId);

	return entry != NULL ? (TimestampTz) pg_atomic_read_u64(&entry->written_until) : 0;
}

void
registry_report_flush(int64 rows, int64 microseconds)
{
	RegistryEntry *entry = entry_of(MyDatabaseId);

	if (entry == NULL)
		return;
	LWLockAcquire(lock, LW_EXCLUSIVE);
	entry->state.flushes++;
	entry->state.last_flush_at = GetCurrentTimestamp();
	entry->state.last_rows = rows;
	entry->state.last_microseconds = microseconds;
	LWLockRelease(lock);
}

/* A housekeeper found nothing wrong. */
void
registry_report_housekeeping(void)
{
	RegistryEntry *entry = entry_of(MyDatabaseId);

	if (entry == NULL)
		return;
	LWLockAcquire(lock, LW_EXCLUSIVE);
	entry->state.last_housekeeping_at = GetCurrentTimestamp();
	LWLockRelease(lock);
}

/*
 * False: it goes on being wrong as it was, and was logged within the last hour, so it
 * need not be logged again.
 */
bool
registry_report_error(Oid database, RegistryJob job, const char *message)
{
	RegistryEntry *entry = entry_of(database);
	TimestampTz now = GetCurrentTimestamp();
	RegistryErrors *errors;
	bool		is_new;

	if (entry == NULL)
		return true;
	LWLockAcquire(lock, LW_EXCLUSIVE);
	errors = &entry->state.errors[job];
	is_new = strncmp(errors->last, message, REGISTRY_ERROR_LEN - 1) != 0 ||
		(job == JOB_FLUSH && entry->state.last_flush_at > errors->last_at) ||
		now - errors->logged_at > USECS_PER_HOUR;
	if (is_new)
		errors->logged_at = now;
	errors->count++;
	errors->last_at = now;
	strlcpy(errors->last, message, REGISTRY_ERROR_LEN);
	LWLockRelease(lock);
	return is_new;
}

void
registry_set_launcher(int pid)
{
	shared->launcher_pid = pid;
}

int
registry_launcher(void)
{
	return shared->launcher_pid;
}

/* Of the current database. */
RegistryState
registry_state(void)
{
	RegistryEntry *entry = entry_of(MyDatabaseId);
	RegistryState state = {0};

	if (entry != NULL)
	{
		LWLockAcquire(lock, LW_SHARED);
		state = entry->state;
		LWLockRelease(lock);
		state.dropped = pg_atomic_read_u64(&entry->dropped);
		state.no_room = pg_atomic_read_u64(&entry->no_room);
	}
	else
	{
		state.dropped = pg_atomic_read_u64(&shared->dropped_elsewhere);
		state.no_room = pg_atomic_read_u64(&shared->no_room_elsewhere);
	}
	state.launcher_pid = shared->launcher_pid;
	return state;
}
