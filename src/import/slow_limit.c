/*
 * slow_limit.c
 *		How many slow hashes are computed, and how often a client may fail.
 *
 * A slow hash takes a processor for up to a second, and anybody who knows a client id can
 * ask for one.  So devapp.slow_hashes of them are computed at once, over all
 * databases of the server; and a client that has failed too often waits for each further attempt
 * (failure_limit.c).  A call beyond these bounds is answered at once, and never waits here.
 *
 * The places are locks of the lock manager, so that a backend that fails or ends gives its
 * place back.
 */
#include "postgres.h"

#include "storage/lock.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "import/failure_limit.h"
#include "import/slow_limit.h"

/* When a place is looked for again: the time that a slow hash may take. */
#define BUSY_WAIT			USECS_PER_SEC

/* ---------- settings ---------- */

static int	slow_hashes = 2;

void
slow_limit_define_gucs(void)
{
	DefineCustomIntVariable("devapp.slow_hashes",
							"Sets the maximum number of slow hashes of imported secrets that the server computes at once.",
							"A call that would exceed it gets the verdict UNAVAILABLE.",
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

/* ---------- both ---------- */

/*
 * May a slow hash be computed for this credential now?  If not, *wait says after how many microseconds
 * to ask again; 0: asking again does not help.  The attempt counts as failed from here on, because a call that
 * is cancelled has used the processor, too.
 */
bool
slow_limit_enter(const pg_uuid_t *credential_id, TimestampTz now, int64 *wait)
{
	*wait = failure_limit_wait(FAILURE_SLOW_HASH, credential_id, now);
	if (*wait > 0)
		return false;
	*wait = slow_hashes > 0 ? BUSY_WAIT : 0;
	if (!take_place())
		return false;
	failure_limit_count(FAILURE_SLOW_HASH, credential_id, now);
	return true;
}

/* To be called after the hash was computed. */
void
slow_limit_leave(const pg_uuid_t *credential_id, bool failed)
{
	leave_place();
	if (!failed)
		failure_limit_forgive(FAILURE_SLOW_HASH, credential_id);
}
