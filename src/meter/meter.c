/*
 * meter.c
 *		Counters in shared memory.
 *
 * The table (meter_core.c) is made at server start, with shared_preload_libraries,
 * and has a fixed size (devapp.meter_size).  Whoever counts takes a partition's lock
 * shared and adds atomically; only a key that is new takes it exclusive.  So two
 * sessions that use one key don't wait for each other.
 *
 * When a partition is full, a call with a new key is counted in its database's
 * "dropped" and nowhere else.  Nothing here fails, allocates or waits for anything
 * but a partition's lock, which is held for microseconds: counting never makes a
 * verification fail.
 *
 * Each database has an entry that says whether there may be counts to flush, and how
 * the last flush went.  Beyond METER_DATABASES databases, calls are dropped.
 *
 * Locks: METER_PARTITIONS of partitions, then one of the databases' entries.  Nobody
 * holds two of them.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "base/clock.h"
#include "base/compat.h"
#include "base/sodium.h"
#include "meter/meter.h"

#define METER_PARTITIONS	64	/* a power of two */
#define METER_DATABASES		1024
#define METER_TRANCHE		"devapp"

typedef struct MeterDatabase
{
	Oid			database;		/* InvalidOid: free */
	bool		pending;		/* there may be counts */
	bool		unfinished;		/* the flusher did not come to its end */
	bool		installed;		/* it has the extension, as far as is known */
	TimestampTz kept_at;		/* start of the last housekeeper; 0: none yet */
	pg_atomic_uint64 dropped;
	pg_atomic_uint64 not_limited;
	/* under the lock of the entries */
	MeterStatus status;
} MeterDatabase;

typedef struct MeterShared
{
	uint64		seed;
	Size		partition_size;
	pg_atomic_uint64 dropped_elsewhere; /* of databases without an entry */
	pg_atomic_uint64 not_limited_elsewhere;
	int			worker_pid;
	MeterDatabase databases[METER_DATABASES];
} MeterShared;

static MeterShared *shared = NULL;
static LWLockPadded *locks = NULL;
static MeterDatabase *my_database = NULL;

static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

#define ENTRIES_LOCK	(&locks[METER_PARTITIONS].lock)

/* ---------- settings ---------- */

bool		devapp_metering = true;
int			devapp_flush_interval = 10;
int			devapp_retention_day = 1830 * MINUTES_PER_DAY;
static int	meter_size = 16384;

/* Only SQL asks for these. */
static int	retention_minute = 7 * MINUTES_PER_DAY;
static int	retention_hour = 90 * MINUTES_PER_DAY;

static void
define_retention(const char *name, const char *description, int *variable,
				 int days)
{
	DefineCustomIntVariable(name, description, "0 keeps them for ever.",
							variable, days * MINUTES_PER_DAY, 0, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_MIN, NULL, NULL, NULL);
}

/* The size is fixed at server start; loaded later there is nothing to size. */
void
meter_define_gucs(void)
{
	DefineCustomIntVariable("devapp.flush_interval",
							"Time between flushes of counted calls to tables.",
							"0 leaves flushing to devapp.flush_usage().",
							&devapp_flush_interval,
							10, 0, 24 * 60 * 60,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);

	DefineCustomIntVariable("devapp.meter_size",
							"Shared memory for counting calls.",
							NULL,
							&meter_size,
							16384, 1024, 16 * 1024 * 1024,
							process_shared_preload_libraries_in_progress ?
							PGC_POSTMASTER : PGC_SIGHUP,
							GUC_UNIT_KB, NULL, NULL, NULL);

	DefineCustomBoolVariable("devapp.metering",
							 "Counts verifications and recorded usage, and limits by quotas and rates.",
							 NULL,
							 &devapp_metering,
							 true,
							 PGC_SUSET, 0, NULL, NULL, NULL);

	define_retention("devapp.retention_minute", "How long usage by the minute is kept.",
					 &retention_minute, 7);
	define_retention("devapp.retention_hour", "How long usage by the hour is kept.",
					 &retention_hour, 90);
	define_retention("devapp.retention_day", "How long usage and latencies by the day are kept.",
					 &devapp_retention_day, 1830);
}

/* ---------- at server start ---------- */

/* The slots of a partition that make the table as large as the setting says. */
static uint32
partition_slots(void)
{
	Size		bytes = (Size) meter_size * 1024 / METER_PARTITIONS;
	Size		one = meter_partition_size(2) - meter_partition_size(0);

	return (uint32) ((bytes - meter_partition_size(0)) / (one / 2));
}

static Size
partition_size(void)
{
	return MAXALIGN(meter_partition_size(partition_slots()));
}

static Size
shared_size(void)
{
	return add_size(MAXALIGN(sizeof(MeterShared)),
					mul_size(partition_size(), METER_PARTITIONS));
}

static MeterPartition *
partition_at(int number)
{
	return (MeterPartition *) ((char *) shared + MAXALIGN(sizeof(MeterShared)) +
							   shared->partition_size * (Size) number);
}

static void
request_memory(void)
{
	if (previous_request_hook)
		previous_request_hook();
	RequestAddinShmemSpace(shared_size());
	RequestNamedLWLockTranche(METER_TRANCHE, METER_PARTITIONS + 1);
}

static void
init_memory(void)
{
	memset(shared, 0, sizeof(MeterShared));
	devapp_require_sodium();
	randombytes_buf(&shared->seed, sizeof(shared->seed));
	shared->partition_size = partition_size();
	pg_atomic_init_u64(&shared->dropped_elsewhere, 0);
	pg_atomic_init_u64(&shared->not_limited_elsewhere, 0);
	for (int i = 0; i < METER_DATABASES; i++)
	{
		pg_atomic_init_u64(&shared->databases[i].dropped, 0);
		pg_atomic_init_u64(&shared->databases[i].not_limited, 0);
	}
	for (int i = 0; i < METER_PARTITIONS; i++)
		meter_partition_init(partition_at(i), partition_slots(), shared->seed);
}

static void
start_memory(void)
{
	bool		found;

	if (previous_startup_hook)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct("devapp meter", shared_size(), &found);
	locks = GetNamedLWLockTranche(METER_TRANCHE);
	if (!found)
		init_memory();
	LWLockRelease(AddinShmemInitLock);
}

/* Called by _PG_init() in the postmaster. */
void
meter_init(void)
{
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request_memory;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = start_memory;
}

bool
meter_is_on(void)
{
	return shared != NULL;
}

void
meter_require(void)
{
	if (shared == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("calls are not counted on this server"),
				 errhint("Add devapp to shared_preload_libraries and restart the server.")));
}

/* ---------- entries of databases ---------- */

/* Under the lock of the entries; NULL if there is none and none is free. */
static MeterDatabase *
find_entry(Oid database, bool make)
{
	MeterDatabase *free_entry = NULL;

	for (int i = 0; i < METER_DATABASES; i++)
	{
		MeterDatabase *entry = &shared->databases[i];

		if (entry->database == database)
			return entry;
		if (free_entry == NULL && !OidIsValid(entry->database))
			free_entry = entry;
	}
	if (!make || free_entry == NULL)
		return NULL;
	memset(&free_entry->status, 0, sizeof(MeterStatus));
	pg_atomic_write_u64(&free_entry->dropped, 0);
	pg_atomic_write_u64(&free_entry->not_limited, 0);
	free_entry->pending = free_entry->unfinished = free_entry->installed = false;
	free_entry->kept_at = 0;
	free_entry->database = database;
	return free_entry;
}

/* An entry stays while somebody is connected to its database. */
static MeterDatabase *
entry_of(Oid database)
{
	MeterDatabase *entry;

	if (my_database != NULL && database == MyDatabaseId)
		return my_database;
	LWLockAcquire(ENTRIES_LOCK, LW_EXCLUSIVE);
	entry = find_entry(database, true);
	LWLockRelease(ENTRIES_LOCK);
	if (database == MyDatabaseId)
		my_database = entry;
	return entry;
}

/* The databases that there is something to do in, in the current memory context. */
Oid *
meter_pending(int *n)
{
	Oid		   *oids = palloc(sizeof(Oid) * METER_DATABASES);

	*n = 0;
	LWLockAcquire(ENTRIES_LOCK, LW_SHARED);
	for (int i = 0; i < METER_DATABASES; i++)
	{
		const MeterDatabase *entry = &shared->databases[i];

		if (OidIsValid(entry->database) && (entry->pending || entry->unfinished))
			oids[(*n)++] = entry->database;
	}
	LWLockRelease(ENTRIES_LOCK);
	return oids;
}

/* Of the current database: has the worker still something to do? */
void
meter_set_unfinished(bool unfinished)
{
	MeterDatabase *entry = entry_of(MyDatabaseId);

	if (entry != NULL)
		entry->unfinished = unfinished;
}

/* There is something to do for a worker, also where nothing was counted. */
void
meter_mark_unfinished(Oid database)
{
	MeterDatabase *entry = entry_of(database);

	if (entry != NULL)
		entry->unfinished = true;
}

bool
meter_is_unfinished(Oid database)
{
	MeterDatabase *entry = entry_of(database);

	return entry != NULL && entry->unfinished;
}

/* Of the current database: the flusher is to come, as if something was counted. */
void
meter_mark_pending(void)
{
	MeterDatabase *entry = shared != NULL ? entry_of(MyDatabaseId) : NULL;

	if (entry != NULL)
		entry->pending = true;
}

/* Of the current database: is the extension here? */
void
meter_set_installed(bool installed)
{
	MeterDatabase *entry = entry_of(MyDatabaseId);

	if (entry != NULL)
		entry->installed = installed;
}

/*
 * The database whose last housekeeper is so many seconds ago, and longer than any
 * other's; InvalidOid if there is none.  It is not named again before a process has
 * found the extension there, so one that is gone is not named for ever.
 */
Oid
meter_next_to_keep(int seconds)
{
	TimestampTz now = GetCurrentTimestamp();
	MeterDatabase *next = NULL;
	Oid			database = InvalidOid;

	LWLockAcquire(ENTRIES_LOCK, LW_EXCLUSIVE);
	for (int i = 0; i < METER_DATABASES; i++)
	{
		MeterDatabase *entry = &shared->databases[i];

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
	LWLockRelease(ENTRIES_LOCK);
	return database;
}

/* A database that is gone leaves its entry to another. */
void
meter_forget_database(Oid database)
{
	MeterDatabase *entry;

	LWLockAcquire(ENTRIES_LOCK, LW_EXCLUSIVE);
	entry = find_entry(database, false);
	if (entry != NULL)
		entry->database = InvalidOid;
	LWLockRelease(ENTRIES_LOCK);
}

/* ---------- counting ---------- */

/* Count, or say how much was not counted. */
static void
count_dropped(Oid database, uint64 count)
{
	MeterDatabase *entry = entry_of(database);

	pg_atomic_fetch_add_u64(entry ? &entry->dropped : &shared->dropped_elsewhere,
							(int64) count);
}

/* A call of the current database whose quota or rate found no room (bucket.c). */
void
meter_add_not_limited(void)
{
	MeterDatabase *entry = entry_of(MyDatabaseId);

	pg_atomic_fetch_add_u64(entry ? &entry->not_limited : &shared->not_limited_elsewhere, 1);
}

static int
partition_of(uint64 hash)
{
	return (int) (hash / (UINT64_MAX / METER_PARTITIONS + 1));
}

static bool
add_new(int number, uint64 hash, const MeterKey *key, const MeterValue *value)
{
	MeterDatabase *entry = entry_of(key->database);
	bool		done;

	if (entry == NULL)
		return false;
	LWLockAcquire(&locks[number].lock, LW_EXCLUSIVE);
	done = meter_insert(partition_at(number), hash, key, value);
	LWLockRelease(&locks[number].lock);
	/* after it is there, or a flush in between would not come again */
	if (done)
		entry->pending = true;
	return done;
}

void
meter_add(const MeterKey *key, const MeterValue *value)
{
	uint64		hash = meter_hash(key, shared->seed);
	int			number = partition_of(hash);
	bool		done;

	LWLockAcquire(&locks[number].lock, LW_SHARED);
	done = meter_hit(partition_at(number), hash, key, value);
	LWLockRelease(&locks[number].lock);
	if (unlikely(!done) && !add_new(number, hash, key, value))
		count_dropped(key->database, value->count);
}

/* ---------- taking counts out ---------- */

int
meter_partitions(void)
{
	return METER_PARTITIONS;
}

/* How many rows a partition may give. */
uint32
meter_partition_limit(void)
{
	return partition_at(0)->limit;
}

/* What is counted from here on is another flush's. */
void
meter_begin_take(Oid database)
{
	MeterDatabase *entry = entry_of(database);

	if (entry != NULL)
		entry->pending = false;
	pg_memory_barrier();
}

/*
 * rows has room for meter_partition_limit() of them.  In the postmaster, which
 * can't wait, a lock that a killed process left behind means that the partition is
 * not to be trusted.
 */
uint32
meter_take_partition(int number, Oid database, MeterRow *rows)
{
	LWLock	   *lock = &locks[number].lock;
	uint32		n;

	if (IsUnderPostmaster)
		LWLockAcquire(lock, LW_EXCLUSIVE);
	else if (!LWLockConditionalAcquire(lock, LW_EXCLUSIVE))
		return 0;
	n = meter_take(partition_at(number), database, rows);
	LWLockRelease(lock);
	return n;
}

/* The counts of a database have nowhere to go; how many rows there were. */
uint64
meter_discard(Oid database)
{
	MeterRow   *rows = palloc_extended(sizeof(MeterRow) * meter_partition_limit(),
									   MCXT_ALLOC_HUGE);
	uint64		n = 0;

	meter_begin_take(database);
	for (int i = 0; i < METER_PARTITIONS; i++)
		n += meter_take_partition(i, database, rows);
	pfree(rows);
	return n;
}

/* ---------- how flushing goes ---------- */

void
meter_report_flush(int64 rows, int64 microseconds)
{
	MeterDatabase *entry = entry_of(MyDatabaseId);

	if (entry == NULL)
		return;
	LWLockAcquire(ENTRIES_LOCK, LW_EXCLUSIVE);
	entry->status.flushes++;
	entry->status.last_flush_at = GetCurrentTimestamp();
	entry->status.last_rows = rows;
	entry->status.last_microseconds = microseconds;
	LWLockRelease(ENTRIES_LOCK);
}

/* A housekeeper found nothing wrong. */
void
meter_report_housekeeping(void)
{
	MeterDatabase *entry = entry_of(MyDatabaseId);

	if (entry == NULL)
		return;
	LWLockAcquire(ENTRIES_LOCK, LW_EXCLUSIVE);
	entry->status.last_housekeeping_at = GetCurrentTimestamp();
	LWLockRelease(ENTRIES_LOCK);
}

/*
 * False: it goes on being wrong as it was, and was logged within the last hour, so it
 * need not be logged again.
 */
bool
meter_report_error(Oid database, MeterJob job, const char *message)
{
	MeterDatabase *entry = entry_of(database);
	TimestampTz now = GetCurrentTimestamp();
	MeterErrors *errors;
	bool		is_new;

	if (entry == NULL)
		return true;
	LWLockAcquire(ENTRIES_LOCK, LW_EXCLUSIVE);
	errors = &entry->status.errors[job];
	is_new = strncmp(errors->last, message, METER_ERROR_LEN - 1) != 0 ||
		(job == JOB_FLUSH && entry->status.last_flush_at > errors->last_at) ||
		now - errors->logged_at > USECS_PER_HOUR;
	if (is_new)
		errors->logged_at = now;
	errors->count++;
	errors->last_at = now;
	strlcpy(errors->last, message, METER_ERROR_LEN);
	LWLockRelease(ENTRIES_LOCK);
	return is_new;
}

void
meter_set_worker(int pid)
{
	shared->worker_pid = pid;
}

/* Of the current database. */
MeterStatus
meter_status(void)
{
	MeterDatabase *entry = entry_of(MyDatabaseId);
	MeterStatus status = {0};

	if (entry != NULL)
	{
		LWLockAcquire(ENTRIES_LOCK, LW_SHARED);
		status = entry->status;
		LWLockRelease(ENTRIES_LOCK);
		status.dropped = pg_atomic_read_u64(&entry->dropped);
		status.not_limited = pg_atomic_read_u64(&entry->not_limited);
	}
	else
	{
		status.dropped = pg_atomic_read_u64(&shared->dropped_elsewhere);
		status.not_limited = pg_atomic_read_u64(&shared->not_limited_elsewhere);
	}
	for (int i = 0; i < METER_PARTITIONS; i++)
		status.slots_used += partition_at(i)->used;
	status.slots_total = (uint64) meter_partition_limit() * METER_PARTITIONS;
	status.worker_pid = shared->worker_pid;
	return status;
}
