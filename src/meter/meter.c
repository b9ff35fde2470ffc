/*
 * meter.c
 *		Counters in shared memory.
 *
 * The table (meter_core.c, shared_table.c) has a fixed size (devapp.meter_size).
 * Whoever counts takes a stripe's lock shared and adds atomically; only a key that is
 * new takes it exclusive.  So two sessions that use one key don't wait for each other.
 *
 * When a stripe is full, or there is no room for the entry of the database
 * (registry.c), a call with a new key is counted as dropped and nowhere else.  Nothing
 * here fails, allocates or waits for anything but a stripe's lock, which is held for
 * microseconds: counting never makes a verification fail.
 *
 * Locks: one of each stripe.  Nobody holds two of them, or one of them and
 * that of the registry.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/lwlock.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "base/clock.h"
#include "base/compat.h"
#include "base/shared_table.h"
#include "meter/meter.h"
#include "meter/registry.h"

/* ---------- settings ---------- */

bool		devapp_metering = true;
int			devapp_flush_interval = 10;
int			devapp_retention_day = 1830 * MINUTES_PER_DAY;
int			devapp_record_delay = 30 * MINUTES_PER_DAY;
static int	meter_size = 16384;

/* Only SQL asks for these. */
static int	retention_minute = 7 * MINUTES_PER_DAY;
static int	retention_hour = 90 * MINUTES_PER_DAY;

static void
define_retention(const char *name, const char *description, int *variable,
				 int days)
{
	DefineCustomIntVariable(name, description, "0 keeps them forever.",
							variable, days * MINUTES_PER_DAY, 0, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_MIN, NULL, NULL, NULL);
}

/* The size is fixed at server start; loaded later there is nothing to size. */
void
meter_define_gucs(void)
{
	DefineCustomIntVariable("devapp.flush_interval",
							"Sets the time between flushes of counted calls to tables.",
							"0 leaves flushing to devapp.flush_usage().",
							&devapp_flush_interval,
							10, 0, 24 * 60 * 60,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);

	DefineCustomIntVariable("devapp.meter_size",
							"Sets the amount of shared memory for counting calls.",
							NULL,
							&meter_size,
							16384, 1024, 16 * 1024 * 1024,
							process_shared_preload_libraries_in_progress ?
							PGC_POSTMASTER : PGC_SIGHUP,
							GUC_UNIT_KB, NULL, NULL, NULL);

	DefineCustomBoolVariable("devapp.metering",
							 "Counts verifications and recorded usage, and enforces quotas and rate limits.",
							 NULL,
							 &devapp_metering,
							 true,
							 PGC_SUSET, 0, NULL, NULL, NULL);

	define_retention("devapp.retention_minute", "Sets how long usage by the minute is kept.",
					 &retention_minute, 7);
	define_retention("devapp.retention_hour", "Sets how long usage by the hour is kept.",
					 &retention_hour, 90);
	DefineCustomIntVariable("devapp.record_delay",
							"Sets how long after a call devapp.record_usage() can record it.",
							"0 means as long as usage by the day is kept.",
							&devapp_record_delay, 30 * MINUTES_PER_DAY, 0, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_MIN, NULL, NULL, NULL);
	define_retention("devapp.retention_day", "Sets how long usage and latencies by the day are kept.",
					 &devapp_retention_day, 1830);
}

/* ---------- at server start ---------- */

static SharedTable table = {
	.name = "devapp meter",
	.kilobytes = &meter_size,
	.stripe_size = meter_stripe_size
};

/* Called by _PG_init() in the postmaster. */
void
meter_init(void)
{
	shared_table_add(&table);
}

bool
meter_is_on(void)
{
	return table.memory != NULL;
}

void
meter_require(void)
{
	if (table.memory == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("calls are not counted on this server"),
				 errhint("Add devapp to shared_preload_libraries and restart the server.")));
}

/* ---------- counting ---------- */

static bool
add_new(int number, uint64 hash, const MeterKey *key, const MeterValue *value)
{
	bool		done;

	if (!registry_enter(key->database))
		return false;
	LWLockAcquire(shared_table_lock(&table, number), LW_EXCLUSIVE);
	done = meter_insert(shared_table_stripe(&table, number), hash, key, value);
	LWLockRelease(shared_table_lock(&table, number));
	/* after it is there, or a flush in between would not come again */
	if (done)
		registry_mark_pending(key->database);
	return done;
}

void
meter_add(const MeterKey *key, const MeterValue *value)
{
	uint64		hash = meter_hash(key, &table.memory->seed);
	int			number = shared_table_number(hash);
	bool		done;

	LWLockAcquire(shared_table_lock(&table, number), LW_SHARED);
	done = meter_hit(shared_table_stripe(&table, number), hash, key, value);
	LWLockRelease(shared_table_lock(&table, number));
	if (unlikely(!done) && !add_new(number, hash, key, value))
		registry_count_dropped(key->database, value->count);
}

/* ---------- taking counts out ---------- */

int
meter_stripes(void)
{
	return SHARED_TABLE_STRIPES;
}

/* How many rows a stripe may give. */
uint32
meter_stripe_limit(void)
{
	return shared_table_limit(&table);
}

/*
 * rows has room for meter_stripe_limit() of them.  In the postmaster, which
 * can't wait, a lock that a killed process left behind means that the stripe is
 * not to be trusted.
 */
uint32
meter_take_stripe(int number, Oid database, MeterRow *rows)
{
	LWLock	   *lock = shared_table_lock(&table, number);
	uint32		n;

	if (IsUnderPostmaster)
		LWLockAcquire(lock, LW_EXCLUSIVE);
	else if (!LWLockConditionalAcquire(lock, LW_EXCLUSIVE))
		return 0;
	n = meter_take(shared_table_stripe(&table, number), database, rows);
	LWLockRelease(lock);
	return n;
}

/* The counts of a database have nowhere to go; how many rows there were. */
uint64
meter_discard(Oid database)
{
	MeterRow   *rows = palloc_extended(sizeof(MeterRow) * meter_stripe_limit(),
									   MCXT_ALLOC_HUGE);
	uint64		n = 0;

	registry_begin_take(database);
	for (int i = 0; i < SHARED_TABLE_STRIPES; i++)
		n += meter_take_stripe(i, database, rows);
	pfree(rows);
	return n;
}

/* How full the table is, of all databases. */
MeterSlots
meter_slots(void)
{
	return (MeterSlots) {shared_table_used(&table), shared_table_total(&table)};
}
