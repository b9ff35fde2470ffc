/*
 * heartbeat.c
 *		How a standby hears of its primary: by a commit a second.
 *
 * While devapp.max_staleness is set there, the launcher of a primary commits an empty
 * transaction with a transaction id each second.  Its record in the WAL is one of
 * PostgreSQL's own, so a standby without this library replays it as well; it goes through
 * archives and cascades; there is no table that a dump, an upgrade or a publication would
 * have to know.  Whatever the primary had committed and acknowledged before lies before
 * it in the WAL.  So a standby that has replayed a commit of the primary's time T knows all
 * that was committed before T.  Any other commit tells the same; this one is for a
 * primary that is idle.
 *
 * On a standby the launcher looks several times a second which commit was replayed last, and
 * writes to shared memory when the primary has last told that the standby was up to date, by
 * the clock of this server.  That is the earlier of two times:
 *
 * - the time T itself.  It is right when the clocks of both agree, whatever has happened:
 *   commits of an hour ago, replayed now after a pause, are of an hour ago.
 * - the moment when the last new commit was seen, less the age that it had then, kept by the
 *   monotonic clock.  It goes on being right when the clock is moved, but where the clock is
 *   behind, a backlog that is worked off looks newer than it is.
 *
 * So a standby whose clock is ahead by a second counts as stale a second too early.  One
 * whose clock is behind by a second is stale in time, but may decide a second
 * too early when it works off a backlog.  A commit that is further in the future than
 * devapp.max_staleness counts for nothing, because then the clocks say nothing.
 *
 * If the launcher ends, or shared memory is not there, nothing was told.
 *
 * Locks: none; the time is one atomic word, and only the launcher writes.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "access/xlogrecovery.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "portability/instr_time.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/shared_struct.h"
#include "standby/heartbeat.h"

#define BEAT_MICROSECONDS	USECS_PER_SEC
#define LOOK_MICROSECONDS	(USECS_PER_SEC / 10)

int			devapp_max_staleness = 0;

typedef struct HeartbeatShared
{
	pg_atomic_uint64 told_at;	/* by the clock of this server; 0: nothing was told */
} HeartbeatShared;

static HeartbeatShared *shared = NULL;

/* ---------- at server start ---------- */

static void
attach_memory(void *memory, LWLock *unused, bool is_new)
{
	shared = memory;
	if (is_new)
		pg_atomic_init_u64(&shared->told_at, 0);
}

/* Called by _PG_init() in the postmaster. */
void
heartbeat_init(void)
{
	static SharedStruct heartbeat_struct = {
		.name = "devapp heartbeat", .size = sizeof(HeartbeatShared), .attach = attach_memory
	};

	shared_struct_add(&heartbeat_struct);
}

/* False: the library was not loaded at server start. */
bool
heartbeat_is_on(void)
{
	return shared != NULL;
}

TimestampTz
heartbeat_told_at(void)
{
	return shared != NULL ? (TimestampTz) pg_atomic_read_u64(&shared->told_at) : 0;
}

/* ---------- in the launcher ---------- */

static int64
monotonic_now(void)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	return (int64) INSTR_TIME_GET_MICROSEC(now);
}

/* An error, such as that no more transaction ids are given out, must not end the launcher; it is logged once. */
static void
commit_nothing(void)
{
	static bool failing = false;
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		StartTransactionCommand();
		(void) GetCurrentTransactionId();
		/* without it the record would wait for the next one */
		ForceSyncCommit();
		CommitTransactionCommand();
		failing = false;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		HOLD_INTERRUPTS();
		if (!failing)
			EmitErrorReport();
		failing = true;
		FlushErrorState();
		AbortCurrentTransaction();
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
}

/* When the primary last told, by the clock of this server; 0: that cannot be said. */
static TimestampTz
told_at(TimestampTz commit, TimestampTz now, int64 age)
{
	if (commit == 0 || commit - now > (int64) devapp_max_staleness * 1000)
		return 0;
	return Min(commit, now - age);
}

static void
look_at_replay(void)
{
	static TimestampTz last_commit = 0;
	static int64 heard_at;		/* monotonic */
	TimestampTz commit = GetLatestXTime();
	TimestampTz now = GetCurrentTimestamp();
	int64		monotonic = monotonic_now();

	if (commit != last_commit)
	{
		last_commit = commit;
		heard_at = monotonic - Max(now - commit, 0);
	}
	pg_atomic_write_u64(&shared->told_at, (uint64) told_at(commit, now, monotonic - heard_at));
}

/*
 * Does what is due, outside of a transaction.  Returns in how many milliseconds to come
 * again; -1: when the settings change.
 */
long
heartbeat_tick(void)
{
	static int64 next = 0;
	int64		now = monotonic_now();
	bool		is_standby = RecoveryInProgress();
	int64		interval = is_standby ? LOOK_MICROSECONDS : BEAT_MICROSECONDS;

	if (devapp_max_staleness == 0)
		return -1;
	/* after a promotion the first beat is not later than a look would have been */
	if (now >= next || next - now > interval)
	{
		if (is_standby)
			look_at_replay();
		else
			commit_nothing();
		next = now + interval;
	}
	return (long) ((next - now) / 1000) + 1;
}

/* The launcher ends. */
void
heartbeat_stop(void)
{
	pg_atomic_write_u64(&shared->told_at, 0);
}
