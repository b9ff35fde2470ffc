/*
 * standby.c
 *		What verdicts of a standby are worth.
 *
 *	devapp.max_staleness	how long ago the primary may have been heard of; then every
 *							verdict is STALE
 *	devapp.read_after		a position of the primary's WAL: as long as it is not replayed,
 *							what is refused may be refused too early
 *	devapp.replay_wait		how long a call waits for the replay, before it is STALE
 *
 * A verification is made first and judged afterwards, by standby_answer(): so one that
 * concerns no standby pays for one test of a flag.  A refusal that came too early is made
 * once more when the replay has come far enough, because the rows may be there by then.
 *
 * On a primary none of this has an effect, so a standby's session keeps its settings when
 * the standby is promoted.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "access/xlogrecovery.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "portability/instr_time.h"
#include "replication/walreceiver.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "base/compat.h"
#include "standby/heartbeat.h"
#include "standby/standby.h"

#define POLL_MILLISECONDS	2

/* ---------- settings ---------- */

bool		devapp_standby_watch = false;

static char *read_after = NULL;
static XLogRecPtr read_after_position = InvalidXLogRecPtr;
static int	replay_wait = 0;

/* With less, a late heartbeat would look like a missing one. */
#define LEAST_STALENESS		3000

static bool
check_max_staleness(int *value, void **extra, GucSource source)
{
	if (*value == 0 || *value >= LEAST_STALENESS)
		return true;
	GUC_check_errdetail("A primary sends its standbys a heartbeat once a second.");
	GUC_check_errhint("Give at least 3s, or 0 to let a standby decide regardless of the last heartbeat.");
	return false;
}

static void
decide_watching(int staleness, XLogRecPtr after, int wait)
{
	devapp_standby_watch = staleness > 0 || after != InvalidXLogRecPtr || wait > 0;
}

static void
assign_max_staleness(int value, void *extra)
{
	decide_watching(value, read_after_position, replay_wait);
}

static void
assign_replay_wait(int value, void *extra)
{
	decide_watching(devapp_max_staleness, read_after_position, value);
}

/* Reads one half of a position: 1 to 8 hexadecimal digits. */
static const char *
read_half(const char *text, uint32 *half)
{
	size_t		digits = strspn(text, "0123456789abcdefABCDEF");

	*half = 0;
	if (digits < 1 || digits > 8)
		return NULL;
	*half = (uint32) strtoul(text, NULL, 16);
	return text + digits;
}

/* False: the text is not a position as pg_lsn writes it. */
static bool
read_position(const char *text, XLogRecPtr *position)
{
	uint32		high;
	uint32		low;

	text = read_half(text, &high);
	if (text == NULL || *text != '/')
		return false;
	text = read_half(text + 1, &low);
	if (text == NULL || *text != '\0')
		return false;
	*position = (uint64) high << 32 | low;
	return true;
}

static bool
check_read_after(char **value, void **extra, GucSource source)
{
	XLogRecPtr	position = InvalidXLogRecPtr;

	if (**value != '\0' && !read_position(*value, &position))
	{
		GUC_check_errdetail("It is not a WAL location.");
		GUC_check_errhint("Give what pg_current_wal_lsn() returned on the primary after the change, like 0/16B3748.");
		return false;
	}
	*extra = compat_guc_malloc(sizeof(XLogRecPtr));
	if (*extra == NULL)
		return false;
	*(XLogRecPtr *) *extra = position;
	return true;
}

static void
assign_read_after(const char *value, void *extra)
{
	read_after_position = extra != NULL ? *(XLogRecPtr *) extra : InvalidXLogRecPtr;
	decide_watching(devapp_max_staleness, read_after_position, replay_wait);
}

void
standby_define_gucs(void)
{
	/* in milliseconds, so that half a second is not read as 0, which is off */
	DefineCustomIntVariable("devapp.max_staleness",
							"Sets the time since the primary's last heartbeat after which all verdicts of a standby are STALE.",
							"0 lets a standby decide on the data that it has. A primary with another value commits a heartbeat once a second.",
							&devapp_max_staleness,
							0, 0, 24 * 60 * 60 * 1000,
							PGC_SIGHUP, GUC_UNIT_MS,
							check_max_staleness, assign_max_staleness, NULL);

	DefineCustomStringVariable("devapp.read_after",
							   "Sets the WAL location of the primary that a standby must have replayed before it refuses a call.",
							   "Until then the verdict is STALE. If empty, a standby decides on the data that it has.",
							   &read_after,
							   "",
							   PGC_USERSET, 0,
							   check_read_after, assign_read_after, NULL);

	DefineCustomIntVariable("devapp.replay_wait",
							"Sets how long a call on a standby waits for WAL to be replayed before its verdict is STALE.",
							NULL,
							&replay_wait,
							0, 0, 60 * 1000,
							PGC_USERSET, GUC_UNIT_MS, NULL, assign_replay_wait, NULL);
}

/* ---------- staleness ---------- */

static inline bool
was_long_ago(TimestampTz now)
{
	return devapp_max_staleness > 0 &&
		now - heartbeat_told_at() > (int64) devapp_max_staleness * 1000;
}

bool
standby_is_stale(TimestampTz now)
{
	return was_long_ago(now) && RecoveryInProgress();
}

/* For what has no verdict, such as issuing a token. */
void
standby_require_fresh(TimestampTz now)
{
	if (standby_is_stale(now))
		ereport(ERROR,
				(errcode(ERRCODE_CANNOT_CONNECT_NOW),
				 errmsg("the last heartbeat from the primary is too old"),
				 errhint("Ask another server, or try again later. See devapp.standby_status().")));
}

/* ---------- what is not replayed ---------- */

/* Up to here, as this backend has seen, everything was replayed before what it looks at now. */
static XLogRecPtr replayed_before = InvalidXLogRecPtr;

/*
 * Which position a refusal needs to be final: the one that was given; and of an unknown
 * key all that has arrived, if the key may be on its way.
 */
static XLogRecPtr
needed_position(VerdictCode code)
{
	XLogRecPtr	needed = read_after_position;

	if (code == VERDICT_NOT_FOUND && (needed != InvalidXLogRecPtr || replay_wait > 0))
		needed = Max(needed, GetWalRcvFlushRecPtr(NULL, NULL));
	return needed;
}

/* A promotion ends the waiting as well: then there is nothing more to come. */
static bool
is_replayed(XLogRecPtr position)
{
	replayed_before = GetXLogReplayRecPtr(NULL);
	return replayed_before >= position || !RecoveryInProgress();
}

/*
 * By the monotonic clock, so that a clock that is put back prolongs nothing.  There is no
 * event to wait for in all majors; a call that waits is an exception, so it polls.
 */
static bool
wait_until_replayed(XLogRecPtr position)
{
	instr_time	start;
	instr_time	elapsed;

	INSTR_TIME_SET_CURRENT(start);
	while (!is_replayed(position))
	{
		INSTR_TIME_SET_CURRENT(elapsed);
		INSTR_TIME_SUBTRACT(elapsed, start);
		if (INSTR_TIME_GET_MILLISEC(elapsed) >= replay_wait)
			return false;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 POLL_MILLISECONDS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	return true;
}

/*
 * What becomes of a verdict with this code, of a call that came at "now".  "waited" is false
 * at first; the second verdict of a call is final, or the calls of a busy standby would never end.
 *
 * What was replayed between the look at the rows and this one was not seen, so only what was
 * replayed before counts.
 */
StandbyAnswer
standby_answer(VerdictCode code, TimestampTz now, bool *waited)
{
	XLogRecPtr	needed;

	/* nobody becomes a standby again, and a setting that changes sets the flag again */
	if (!RecoveryInProgress())
	{
		devapp_standby_watch = false;
		return STANDBY_AS_IT_IS;
	}
	if (was_long_ago(now))
		return STANDBY_STALE;
	if (code == VERDICT_VALID || code == VERDICT_UNAVAILABLE || *waited)
		return STANDBY_AS_IT_IS;
	needed = needed_position(code);
	if (needed <= replayed_before)
		return STANDBY_AS_IT_IS;
	*waited = true;
	return wait_until_replayed(needed) ? STANDBY_LOOK_AGAIN : STANDBY_STALE;
}
