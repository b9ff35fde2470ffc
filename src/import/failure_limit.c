/*
 * failure_limit.c
 *		How often somebody may fail.
 *
 * Whoever has failed at_once times waits an interval for each further attempt.  The failures of somebody
 * are one time, as in a leaky bucket (GCRA): when all of them will have been forgotten.  They lie in
 * shared memory where the library is preloaded, else in each backend, and not in a table: a rollback
 * would take them back.  Two whose ids have the same hash share their failures; the hash has a random
 * key.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/lwlock.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "base/shared_struct.h"
#include "base/sodium.h"
#include "import/failure_limit.h"

static const struct
{
	int			at_once;
	int64		interval;
}			limits[FAILURE_KINDS] = {
	[FAILURE_SLOW_HASH] = {10, 6 * USECS_PER_SEC},
	[FAILURE_LEAK_REPORT] = {100, USECS_PER_MINUTE},
};

#define FAILURE_SLOTS	4096	/* of a kind; a power of two */

typedef struct Failures
{
	unsigned char key[crypto_shorthash_KEYBYTES];
	pg_atomic_uint64 forgotten_at[FAILURE_KINDS][FAILURE_SLOTS];
} Failures;

static Failures *failures = NULL;

static void
init_failures(void)
{
	devapp_require_sodium();
	randombytes_buf(failures->key, sizeof(failures->key));
	for (int kind = 0; kind < FAILURE_KINDS; kind++)
	{
		for (int i = 0; i < FAILURE_SLOTS; i++)
			pg_atomic_init_u64(&failures->forgotten_at[kind][i], 0);
	}
}

static void
attach_memory(void *memory, LWLock *unused, bool is_new)
{
	failures = memory;
	if (is_new)
		init_failures();
}

/* Called by _PG_init() in the postmaster. */
void
failure_limit_init(void)
{
	static SharedStruct failures_struct = {
		.name = "devapp failures", .size = sizeof(Failures), .attach = attach_memory
	};

	shared_struct_add(&failures_struct);
}

static pg_atomic_uint64 *
failures_of(FailureKind kind, const pg_uuid_t *whose)
{
	uint64		hash;

	if (failures == NULL)
	{
		failures = MemoryContextAlloc(TopMemoryContext, sizeof(Failures));
		init_failures();
	}
	(void) crypto_shorthash((unsigned char *) &hash, whose->data, UUID_LEN, failures->key);
	return &failures->forgotten_at[kind][hash % FAILURE_SLOTS];
}

/* How far ahead the time can be at which all failures will have been forgotten. */
static int64
longest_memory(FailureKind kind)
{
	return limits[kind].at_once * limits[kind].interval;
}

/* After how many microseconds another attempt is possible; not above 0: now. */
int64
failure_limit_wait(FailureKind kind, const pg_uuid_t *whose, TimestampTz now)
{
	TimestampTz at = (TimestampTz) pg_atomic_read_u64(failures_of(kind, whose));

	/* a clock that was put back does not delay it */
	at = Min(Max(at, now), now + longest_memory(kind));
	return at - now - (longest_memory(kind) - limits[kind].interval);
}

void
failure_limit_count(FailureKind kind, const pg_uuid_t *whose, TimestampTz now)
{
	pg_atomic_uint64 *slot = failures_of(kind, whose);
	uint64		old = pg_atomic_read_u64(slot);
	TimestampTz at;

	do
		at = Min(Max((TimestampTz) old, now) + limits[kind].interval, now + longest_memory(kind));
	while (!pg_atomic_compare_exchange_u64(slot, &old, (uint64) at));
}

/* Takes back the failure that was counted for an attempt that succeeded. */
void
failure_limit_forgive(FailureKind kind, const pg_uuid_t *whose)
{
	pg_atomic_uint64 *slot = failures_of(kind, whose);
	uint64		old = pg_atomic_read_u64(slot);

	while (!pg_atomic_compare_exchange_u64(slot, &old, old - limits[kind].interval))
		;
}
