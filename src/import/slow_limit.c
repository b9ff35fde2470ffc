/*
 * slow_limit.c
 *		How many slow hashes are computed, and how often a client may fail.
 *
 * A slow hash takes a processor for up to a second, and anybody who knows a client id can
 * ask for one.  So devapp.slow_hashes of them are computed at once, over all
 * databases of the server; and a client that has failed FAILURES_AT_ONCE times
 * waits FAILURE_INTERVAL for each further attempt.  A call beyond these bounds is answered at once, and never waits
 * here.
 *
 * The places are locks of the lock manager, so that a backend that fails or ends gives its
 * place back.  The failures of a client are one time, as in a leaky bucket (GCRA): when all of them
 * will have been forgotten.  They lie in shared memory where the library is preloaded, else in each
 * backend.  Clients whose ids have the same hash share their failures; the hash has a random key.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/lock.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/sodium.h"
#include "import/slow_limit.h"

#define FAILURES_AT_ONCE	10
#define FAILURE_INTERVAL	(6 * USECS_PER_SEC)

/* When a place is looked for again: the time that a slow hash may take. */
#define BUSY_WAIT			USECS_PER_SEC

/* ---------- settings ---------- */

static int	slow_hashes = 2;

void
slow_limit_define_gucs(void)
{
	DefineCustomIntVariable("devapp.slow_hashes",
							"How many slow hashes of imported secrets the server computes at once.",
							"A call that would exceed this number gets the verdict UNAVAILABLE.",
							&slow_hashes,
							2, 0, 64,
							PGC_SIGHUP, 0, NULL, NULL, NULL);
}

/* ---------- places ---------- */

static int	my_place = -1;

/* No database has the id 0, and no function of SQL takes advisory locks of the kind 3. */
static LOCKTAG
tag_of_place(int place)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, InvalidOid, 0x64766170, (uint32) place, 3);
	return tag;
}

static bool
take_place(void)
{
	for (int place = 0; place < slow_hashes; place++)
	{
		LOCKTAG		tag = tag_of_place(place);

		if (LockAcquire(&tag, ExclusiveLock, false, true) == LOCKACQUIRE_OK)
		{
			my_place = place;
			return true;
		}
	}
	return false;
}

static void
leave_place(void)
{
	LOCKTAG		tag = tag_of_place(my_place);

	LockRelease(&tag, ExclusiveLock, false);
	my_place = -1;
}

/* ---------- failures ---------- */

#define FAILURE_SLOTS	4096	/* a power of two */

typedef struct Failures
{
	unsigned char key[crypto_shorthash_KEYBYTES];
	pg_atomic_uint64 forgotten_at[FAILURE_SLOTS];
} Failures;

static Failures *failures = NULL;

static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

static void
init_failures(void)
{
	devapp_require_sodium();
	randombytes_buf(failures->key, sizeof(failures->key));
	for (int i = 0; i < FAILURE_SLOTS; i++)
		pg_atomic_init_u64(&failures->forgotten_at[i], 0);
}

static void
request_memory(void)
{
	if (previous_request_hook)
		previous_request_hook();
	RequestAddinShmemSpace(sizeof(Failures));
}

static void
start_memory(void)
{
	bool		found;

	if (previous_startup_hook)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	failures = ShmemInitStruct("devapp failures", sizeof(Failures), &found);
	if (!found)
		init_failures();
	LWLockRelease(AddinShmemInitLock);
}

/* Called by _PG_init() in the postmaster. */
void
slow_limit_init(void)
{
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request_memory;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = start_memory;
}

static pg_atomic_uint64 *
failures_of(const pg_uuid_t *credential_id)
{
	uint64		hash;

	if (failures == NULL)
	{
		failures = MemoryContextAlloc(TopMemoryContext, sizeof(Failures));
		init_failures();
	}
	(void) crypto_shorthash((unsigned char *) &hash, credential_id->data, UUID_LEN, failures->key);
	return &failures->forgotten_at[hash % FAILURE_SLOTS];
}

/* When all failures will have been forgotten, which a clock that was put back does not delay. */
static TimestampTz
forgotten_at(pg_atomic_uint64 *slot, TimestampTz now)
{
	TimestampTz at = (TimestampTz) pg_atomic_read_u64(slot);

	return Min(Max(at, now), now + FAILURES_AT_ONCE * FAILURE_INTERVAL);
}

static void
count_failure(pg_atomic_uint64 *slot, TimestampTz now)
{
	uint64		old = pg_atomic_read_u64(slot);
	TimestampTz at;

	do
		at = Min(Max((TimestampTz) old, now) + FAILURE_INTERVAL,
				 now + FAILURES_AT_ONCE * FAILURE_INTERVAL);
	while (!pg_atomic_compare_exchange_u64(slot, &old, (uint64) at));
}

/* Takes back the failure that was counted for an attempt that succeeded. */
static void
forgive_failure(pg_atomic_uint64 *slot)
{
	uint64		old = pg_atomic_read_u64(slot);

	while (!pg_atomic_compare_exchange_u64(slot, &old, old - FAILURE_INTERVAL))
		;
}

/* ---------- both ---------- */

/*
 * May a slow hash be computed for this credential now?  If not, *wait says after how many microseconds
 * to ask again; 0: asking again does not help.  The attempt counts as failed from here on, because a call that
 * is cancelled has used the processor, too.
 */
bool
slow_limit_enter(const pg_uuid_t *credential_id, TimestampTz now, int64 *wait)
{
	pg_atomic_uint64 *slot = failures_of(credential_id);
	TimestampTz at = forgotten_at(slot, now);

	*wait = at - now - (FAILURES_AT_ONCE - 1) * FAILURE_INTERVAL;
	if (*wait > 0)
		return false;
	*wait = slow_hashes > 0 ? BUSY_WAIT : 0;
	if (!take_place())
		return false;
	count_failure(slot, now);
	return true;
}

/* To be called after the hash was computed. */
void
slow_limit_leave(const pg_uuid_t *credential_id, bool failed)
{
	leave_place();
	if (!failed)
		forgive_failure(failures_of(credential_id));
}
