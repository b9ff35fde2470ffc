/*
 * meter.c
 *		Counters in shared memory.
 *
 * The table (meter_core.c) is made at server start, with shared_preload_libraries,
 * and has a fixed size (devapp.meter_size).  Whoever counts takes a partition's lock
 * shared and adds atomically; only a key that is new takes it exclusive.  So two
 * sessions that use one key don't wait for each other.
 *
 * When a partition is full, or there is no room for the entry of the database
 * (registry.c), a call with a new key is counted as dropped and nowhere else.  Nothing
 * here fails, allocates or waits for anything but a partition's lock, which is held for
 * microseconds: counting never makes a verification fail.
 *
 * Locks: METER_PARTITIONS of partitions.  Nobody holds two of them, or one of them and
 * that of the registry.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "base/clock.h"
#include "base/compat.h"
#include "base/sodium.h"
#include "meter/meter.h"
#include "meter/registry.h"

#define METER_PARTITIONS	64	/* a power of two */
#define METER_TRANCHE		"devapp"

typedef struct MeterShared
{
	uint64		seed;
	Size		partition_size;
} MeterShared;

static MeterShared *shared = NULL;
static LWLockPadded *locks = NULL;

static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

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
	RequestNamedLWLockTranche(METER_TRANCHE, METER_PARTITIONS);
}

static void
init_memory(void)
{
	devapp_require_sodium();
	randombytes_buf(&shared->seed, sizeof(shared->seed));
	shared->partition_size = partition_size();
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

/* ---------- counting ---------- */

static int
partition_of(uint64 hash)
{
	return (int) (hash / (UINT64_MAX / METER_PARTITIONS + 1));
}

static bool
add_new(int number, uint64 hash, const MeterKey *key, const MeterValue *value)
{
	bool		done;

	if (!registry_enter(key->database))
		return false;
	LWLockAcquire(&locks[number].lock, LW_EXCLUSIVE);
	done = meter_insert(partition_at(number), hash, key, value);
	LWLockRelease(&locks[number].lock);
	/* after it is there, or a flush in between would not come again */
	if (done)
		registry_mark_pending(key->database);
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
		registry_count_dropped(key->database, value->count);
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

	registry_begin_take(database);
	for (int i = 0; i < METER_PARTITIONS; i++)
		n += meter_take_partition(i, database, rows);
	pfree(rows);
	return n;
}

/* How full the table is, of all databases. */
MeterSlots
meter_slots(void)
{
	MeterSlots	slots = {0};

	for (int i = 0; i < METER_PARTITIONS; i++)
		slots.used += partition_at(i)->used;
	slots.total = (uint64) meter_partition_limit() * METER_PARTITIONS;
	return slots;
}
