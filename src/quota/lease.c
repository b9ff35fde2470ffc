/*
 * lease.c
 *		What a standby holds of quotas, in shared memory.
 *
 * The table (lease_core.c, shared_table.c) has the keys of buckets, and a quarter of
 * devapp.quota_size.  A call takes a stripe's lock shared and one compare-and-swap; only a
 * lease that is new, or in another window, or for another quota, needs the lock exclusive.
 *
 * The shipper of the database (worker/shipper.c) tells the primary what was used and asks
 * for more.  It stays connected as long as there are leases.  Whoever finds a lease half
 * used wakes it by its latch, or the launcher, which starts it; the first one does, until
 * the shipper has looked.
 *
 * The server has an id that is made with this memory: so after a crash it is another
 * server to the primary, and what it held before is not used twice.
 *
 * Locks: one of each stripe, and one of the databases.  Nobody holds two of them.
 */
#include "postgres.h"

#include <time.h>

#include "access/xlog.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/shared_struct.h"
#include "base/shared_table.h"
#include "base/uuid.h"
#include "meter/meter.h"
#include "meter/registry.h"
#include "quota/lease.h"

#define LEASE_DATABASES		256
#define LEASE_SHIPPERS		4		/* that stay connected */
#define LONGEST_INTERVAL	10	/* s; leases are not made for longer */

/* A database with leases. */
typedef struct LeaseDatabase
{
	Oid			database;		/* InvalidOid: free */
	int			shipper_pid;	/* that stays; 0: none */
	bool		has_leases;		/* or had, when the shipper looked last */
	bool		is_down;
	TimestampTz answered_at;
} LeaseDatabase;

typedef struct LeaseShared
{
	pg_uuid_t	server;
	pg_atomic_uint64 number;	/* of the last lease */
	pg_atomic_uint64 batch;		/* the last that was told */
	bool		on;
	bool		wants_launcher;
	LeaseDatabase databases[LEASE_DATABASES];
} LeaseShared;

static int	lease_kilobytes;

static SharedTable table = {
	.name = "devapp leases",
	.kilobytes = &lease_kilobytes,
	.stripe_size = lease_stripe_size
};

static LeaseShared *shared = NULL;
static LWLock *databases_lock = NULL;
static LeaseDatabase *my_place = NULL;

/* ---------- at server start ---------- */

static void
init_memory(void)
{
	memset(shared, 0, sizeof(LeaseShared));
	pg_atomic_init_u64(&shared->number, 0);
	pg_atomic_init_u64(&shared->batch, 0);
	uuid_require_v7(&shared->server);
}

static void
attach_memory(void *memory, LWLock *its_lock, bool is_new)
{
	shared = memory;
	databases_lock = its_lock;
	if (is_new)
		init_memory();
}

/* Called when the buckets get their memory, in the postmaster. */
void
leases_init(int kilobytes)
{
	static SharedStruct databases_struct = {
		.name = "devapp lease databases", .size = sizeof(LeaseShared), .attach = attach_memory
	};

	lease_kilobytes = kilobytes;
	shared_table_add(&table);
	shared_struct_add(&databases_struct);
}

/* ---------- clocks and settings ---------- */

/* Microseconds that no clock setting changes; they go on while the machine sleeps. */
int64
leases_clock(void)
{
	struct timespec at;

#ifdef CLOCK_BOOTTIME
	clock_gettime(CLOCK_BOOTTIME, &at);
#else
	clock_gettime(CLOCK_MONOTONIC, &at);
#endif
	return (int64) at.tv_sec * USECS_PER_SEC + at.tv_nsec / 1000;
}

/* For how long a lease is to be enough, in microseconds. */
int64
leases_interval(void)
{
	int			seconds = devapp_flush_interval;

	if (seconds <= 0 || seconds > LONGEST_INTERVAL)
		seconds = LONGEST_INTERVAL;
	return seconds * USECS_PER_SEC;
}

/* The launcher says whether it knows a primary to ask. */
void
leases_set_on(bool on)
{
	shared->on = on;
}

/* True if this server lets calls through by what it holds. */
bool
leases_are_on(void)
{
	return shared != NULL && shared->on && RecoveryInProgress();
}

pg_uuid_t
leases_server(void)
{
	return shared->server;
}

/* ---------- databases ---------- */

/* The place of the current database; NULL: there is none, or none is free to make it. */
static LeaseDatabase *
own_place(bool make)
{
	LeaseDatabase *place = NULL;

	if (my_place != NULL && my_place->database == MyDatabaseId)
		return my_place;
	LWLockAcquire(databases_lock, LW_EXCLUSIVE);
	for (int i = 0; i < LEASE_DATABASES; i++)
	{
		LeaseDatabase *candidate = &shared->databases[i];

		if (candidate->database == MyDatabaseId)
		{
			place = candidate;
			break;
		}
		if (make && place == NULL && !OidIsValid(candidate->database))
			place = candidate;
	}
	if (place != NULL && place->database != MyDatabaseId)
		*place = (LeaseDatabase) {.database = MyDatabaseId};
	LWLockRelease(databases_lock);
	my_place = place;
	return place;
}

/* Those that have leases, in the current memory context. */
Oid *
leases_databases(int *n)
{
	Oid		   *oids = palloc(sizeof(Oid) * LEASE_DATABASES);

	*n = 0;
	LWLockAcquire(databases_lock, LW_SHARED);
	for (int i = 0; i < LEASE_DATABASES; i++)
	{
		if (shared->databases[i].has_leases)
			oids[(*n)++] = shared->databases[i].database;
	}
	LWLockRelease(databases_lock);
	return oids;
}

/* True if a shipper stays in this database. */
bool
leases_are_attended(Oid database)
{
	bool		attended = false;

	LWLockAcquire(databases_lock, LW_SHARED);
	for (int i = 0; i < LEASE_DATABASES && !attended; i++)
		attended = shared->databases[i].database == database && shared->databases[i].shipper_pid != 0;
	LWLockRelease(databases_lock);
	return attended;
}

static void
leave_place(int code, Datum arg)
{
	LWLockAcquire(databases_lock, LW_EXCLUSIVE);
	if (my_place != NULL && my_place->shipper_pid == MyProcPid)
		my_place->shipper_pid = 0;
	LWLockRelease(databases_lock);
}

static void
wake_process(int pid)
{
	PGPROC	   *process = pid != 0 ? BackendPidGetProc(pid) : NULL;

	if (process != NULL)
		SetLatch(&process->procLatch);
}

/* This process is the shipper of its database, until it ends.  False: enough others stay. */
bool
leases_stay(void)
{
	LeaseDatabase *place = own_place(false);
	int			others = 0;

	if (place == NULL)
		return false;
	if (place->shipper_pid == MyProcPid)
		return true;
	LWLockAcquire(databases_lock, LW_EXCLUSIVE);
	for (int i = 0; i < LEASE_DATABASES; i++)
		others += shared->databases[i].shipper_pid != 0;
	if (others < LEASE_SHIPPERS)
		place->shipper_pid = MyProcPid;
	LWLockRelease(databases_lock);
	if (place->shipper_pid != MyProcPid)
		return false;
	before_shmem_exit(leave_place, (Datum) 0);
	/* it waits for this process */
	wake_process(registry_launcher());
	return true;
}

/* True if somebody has called the launcher since this was asked last. */
bool
leases_want_launcher(void)
{
	bool		wanted = shared != NULL && shared->wants_launcher;

	if (wanted)
		shared->wants_launcher = false;
	return wanted;
}

void
leases_set_down(bool down)
{
	LeaseDatabase *place = own_place(false);

	if (place == NULL)
		return;
	place->is_down = down;
	if (!down)
		place->answered_at = GetCurrentTimestamp();
}

/* The shipper is to look at the leases. */
static void
wake_shipper(const LeaseDatabase *place)
{
	int			pid = place->shipper_pid;

	if (pid == 0)
	{
		shared->wants_launcher = true;
		pid = registry_launcher();
	}
	wake_process(pid);
}

/* ---------- calls ---------- */

static uint64
hash_key(const BucketKey *key)
{
	return slot_table_hash_bytes(key, sizeof(BucketKey), &table.memory->seed);
}

static LWLock *
lock_of(uint64 hash)
{
	return shared_table_lock(&table, shared_table_number(hash));
}

static LeaseStripe *
stripe_of(uint64 hash)
{
	return shared_table_stripe(&table, shared_table_number(hash));
}

static void
answer_call(Lease *lease, LeaseCall *call, int64 now, bool *wake)
{
	if (call->cost > 0)
		call->result = lease_take(lease, call->limit, call->cost, now, wake);
	call->window = lease->window;
	call->room = lease_room(lease);
	call->untold = lease_used(lease) - lease->told;
}

static bool
is_current(const Lease *lease, const LeaseCall *call)
{
	return quota_window_stays(lease->window, call->window) &&
		lease->limit == call->limit && lease->hard == call->hard;
}

/* True if all of it is told, and nothing held. */
static bool
is_empty(const Lease *lease)
{
	return lease_used(lease) == lease->told &&
		atomic_load_explicit(&lease->left, memory_order_relaxed) <= 0;
}

/* Where a stripe is full, those that hold nothing make room, but not again within a second. */
static void
sweep_stripe(LeaseStripe *stripe, int64 now)
{
	uint32		place = 0;
	Lease	   *lease;

	if (stripe->used < stripe->limit || (stripe->swept_at <= now && stripe->swept_at > now - USECS_PER_SEC))
		return;
	stripe->swept_at = now;
	while ((lease = lease_next(stripe, &place)) != NULL)
	{
		if (is_empty(lease))
		{
			lease_remove(stripe, lease);
			place--;
		}
	}
}

static int64
next_number(void)
{
	return (int64) pg_atomic_add_fetch_u64(&shared->number, 1);
}

/* Under the exclusive lock.  NULL: there is no room. */
static Lease *
find_or_begin(LeaseCall *call, int64 now)
{
	LeaseStripe *stripe = stripe_of(call->hash);
	Lease	   *lease = lease_find(stripe, call->hash, &call->key);
	bool		is_new = lease == NULL;

	if (is_new)
	{
		sweep_stripe(stripe, now);
		lease = lease_make(stripe, call->hash, &call->key);
	}
	if (lease == NULL)
		return NULL;
	if (is_new || !quota_window_stays(lease->window, call->window))
		lease_begin(lease, next_number(), call->window, call->limit, call->hard, now);
	else if (lease->limit != call->limit || lease->hard != call->hard)
		lease_change_quota(lease, call->limit, call->hard, now);
	return lease;
}

static bool
try_call(LeaseCall *call, int64 now, bool *wake)
{
	Lease	   *lease;
	bool		done;

	LWLockAcquire(lock_of(call->hash), LW_SHARED);
	lease = lease_find(stripe_of(call->hash), call->hash, &call->key);
	done = lease != NULL && is_current(lease, call);
	if (done)
		answer_call(lease, call, now, wake);
	LWLockRelease(lock_of(call->hash));
	return done;
}

static bool
put_call(LeaseCall *call, int64 now, bool *wake)
{
	Lease	   *lease;

	LWLockAcquire(lock_of(call->hash), LW_EXCLUSIVE);
	lease = find_or_begin(call, now);
	if (lease != NULL)
		answer_call(lease, call, now, wake);
	LWLockRelease(lock_of(call->hash));
	return lease != NULL;
}

/* Ask what is held of a quota. */
LeaseFound
leases_take(LeaseCall *call)
{
	int64		now = leases_clock();
	bool		wake = false;
	LeaseDatabase *place = own_place(true);

	if (place == NULL)
		return LEASE_NONE;
	/* a quota that becomes hard, or soft, has the same row on the primary, and the same lease */
	call->key.kind = BUCKET_SOFT;
	call->hash = hash_key(&call->key);
	if (!try_call(call, now, &wake))
	{
		/* where nobody answers a soft quota goes on without */
		if (call->cost == 0 || (place->is_down && !call->hard))
			return LEASE_NONE;
		if (!put_call(call, now, &wake))
			return LEASE_NO_ROOM;
		place->has_leases = true;
	}
	if (wake)
		wake_shipper(place);
	if (call->cost > 0 && !call->hard &&
		(call->result == LEASE_ENDED || (call->result == LEASE_TOO_LITTLE && place->is_down)))
		return LEASE_NONE;
	return LEASE_FOUND;
}

/* ---------- telling and asking ---------- */

/* A report of a lease of the current database. */
static LeaseReport
begin_report(const Lease *lease, LeaseAsk ask)
{
	return (LeaseReport) {
		.key = lease->key,
		.window = lease->window,
		.hard = lease->hard,
		.hash = hash_key(&lease->key),
		.ask = ask
	};
}

/* What is to be told now, in the current memory context; no more than LEASE_BATCH. */
LeaseReport *
leases_collect(int *n)
{
	LeaseReport *reports = palloc(sizeof(LeaseReport) * LEASE_BATCH);
	int64		batch = (int64) pg_atomic_add_fetch_u64(&shared->batch, 1);
	int64		now = leases_clock();

	*n = 0;
	for (int i = 0; i < SHARED_TABLE_STRIPES && *n < LEASE_BATCH; i++)
	{
		LeaseStripe *stripe = shared_table_stripe(&table, i);
		uint32		place = 0;
		Lease	   *lease;

		if (stripe->used == 0)
			continue;
		LWLockAcquire(shared_table_lock(&table, i), LW_EXCLUSIVE);
		while (*n < LEASE_BATCH && (lease = lease_next(stripe, &place)) != NULL)
		{
			if (lease->key.database == MyDatabaseId && lease_is_due(lease, now, leases_interval()))
				reports[(*n)++] = begin_report(lease, lease_ask(lease, batch, now, leases_interval()));
		}
		LWLockRelease(shared_table_lock(&table, i));
	}
	return reports;
}

/* What the primary answered to what was told at this time. */
void
leases_apply(const LeaseReport *reports, int n, int64 asked_at)
{
	for (int i = 0; i < n; i++)
	{
		const LeaseReport *report = &reports[i];
		Lease	   *lease;

		LWLockAcquire(lock_of(report->hash), LW_EXCLUSIVE);
		lease = lease_find(stripe_of(report->hash), report->hash, &report->key);
		if (lease != NULL && lease->number != report->ask.number)
			lease = NULL;
		if (lease != NULL && !report->is_answered)
			lease_retry(lease, leases_clock());
		else if (lease != NULL && !lease_apply(lease, &report->ask, &report->answer, asked_at))
			lease_remove(stripe_of(report->hash), lease);
		LWLockRelease(lock_of(report->hash));
	}
}

static void
remove_leases(Oid database)
{
	for (int i = 0; i < SHARED_TABLE_STRIPES; i++)
	{
		LeaseStripe *stripe = shared_table_stripe(&table, i);
		uint32		place = 0;
		Lease	   *lease;

		if (stripe->used == 0)
			continue;
		LWLockAcquire(shared_table_lock(&table, i), LW_EXCLUSIVE);
		while ((lease = lease_next(stripe, &place)) != NULL)
		{
			if (lease->key.database != database)
				continue;
			lease_remove(stripe, lease);
			place--;
		}
		LWLockRelease(shared_table_lock(&table, i));
	}
}

/*
 * The last report of all leases of the current database, in the current memory context:
 * this server is the primary now.  They stay until leases_end().
 */
LeaseReport *
leases_finish(int *n)
{
	int			room = 1;
	LeaseReport *reports = palloc(sizeof(LeaseReport));
	LeaseDatabase *place = own_place(false);
	int64		batch;

	*n = 0;
	if (place == NULL || !place->has_leases)
		return reports;
	batch = (int64) pg_atomic_add_fetch_u64(&shared->batch, 1);
	for (int i = 0; i < SHARED_TABLE_STRIPES; i++)
	{
		LeaseStripe *stripe = shared_table_stripe(&table, i);
		uint32		number = 0;
		Lease	   *lease;

		if (stripe->used == 0)
			continue;
		if (room - *n < (int) stripe->limit)
		{
			room = 2 * room + (int) stripe->limit;
			reports = repalloc_huge(reports, sizeof(LeaseReport) * (Size) room);
		}
		LWLockAcquire(shared_table_lock(&table, i), LW_EXCLUSIVE);
		while ((lease = lease_next(stripe, &number)) != NULL)
		{
			if (lease->key.database == MyDatabaseId)
				reports[(*n)++] = begin_report(lease, lease_finish(lease, batch));
		}
		LWLockRelease(shared_table_lock(&table, i));
	}
	return reports;
}

/* All of them are told. */
void
leases_end(void)
{
	LeaseDatabase *place = own_place(false);

	if (place == NULL)
		return;
	remove_leases(MyDatabaseId);
	place->has_leases = false;
}

/* A database is gone. */
void
leases_forget(Oid database)
{
	bool		had = false;

	LWLockAcquire(databases_lock, LW_EXCLUSIVE);
	for (int i = 0; i < LEASE_DATABASES; i++)
	{
		if (shared->databases[i].database != database)
			continue;
		had = true;
		shared->databases[i] = (LeaseDatabase) {.database = InvalidOid};
	}
	LWLockRelease(databases_lock);
	if (had)
		remove_leases(database);
}


/* ---------- what there is to see ---------- */

LeaseState
leases_state(void)
{
	LeaseDatabase *place = shared != NULL ? own_place(false) : NULL;
	LeaseState	state = {0};
	int64		now = leases_clock();

	if (place == NULL)
		return state;
	state.answered_at = place->answered_at;
	state.is_down = place->is_down;
	for (int i = 0; i < SHARED_TABLE_STRIPES; i++)
	{
		LeaseStripe *stripe = shared_table_stripe(&table, i);
		uint32		number = 0;
		const Lease *lease;

		if (stripe->used == 0)
			continue;
		LWLockAcquire(shared_table_lock(&table, i), LW_SHARED);
		while ((lease = lease_next(stripe, &number)) != NULL)
		{
			int64		left = atomic_load_explicit(&lease->left, memory_order_relaxed);

			if (lease->key.database != MyDatabaseId)
				continue;
			state.leases++;
			if (left > 0 && now < lease->until && state.left <= PG_INT64_MAX - left)
				state.left += left;
			state.again |= atomic_load_explicit(&lease->wanted, memory_order_relaxed) != 0;
		}
		LWLockRelease(shared_table_lock(&table, i));
	}
	return state;
}

/* ---------- leaving ---------- */

/*
 * This process found no leases, and ends.  A call that begins one meanwhile wakes the
 * launcher, or it woke this process: then that wakes the launcher in its place.
 */
void
leases_leave(void)
{
	LeaseDatabase *place = own_place(false);

	if (place == NULL)
		return;
	LWLockAcquire(databases_lock, LW_EXCLUSIVE);
	if (place->shipper_pid == MyProcPid)
		place->shipper_pid = 0;
	LWLockRelease(databases_lock);
	place->has_leases = false;
	/* whoever begins a lease sets it again afterwards */
	pg_memory_barrier();
	if (leases_state().leases == 0)
		return;
	place->has_leases = true;
	wake_shipper(place);
}
