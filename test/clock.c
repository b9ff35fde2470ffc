/*-------------------------------------------------------------------------
 *
 * clock.c
 *	  A clock that is some seconds away from the real one: preloaded by test/dates.
 *
 * DEVAPP_CLOCK_OFFSET says how many seconds.  The clock of the day goes on from
 * there, the same in all processes; monotonic clocks, and so all timeouts, are left
 * alone, and so are the times of files.
 *
 * libfaketime is not used, because it shows the real time to processes that are
 * forked in a signal handler which interrupted select(); up to PostgreSQL 15 these
 * are the background workers.
 *
 *-------------------------------------------------------------------------
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t offset;

/* The server overwrites its environment, so it is read once, before main(). */
__attribute__((constructor)) static void
read_offset(void)
{
	const char *setting = getenv("DEVAPP_CLOCK_OFFSET");

	if (setting != NULL)
		offset = strtoll(setting, NULL, 10);
}

/* Past the C library, whose function of this name is this one now. */
int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int			result = (int) syscall(SYS_clock_gettime, id, ts);

	if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		ts->tv_sec += offset;
	return result;
}

int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec ts;
	int			result = clock_gettime(CLOCK_REALTIME, &ts);

	(void) zone;
	if (result == 0)
	{
		tv->tv_sec = ts.tv_sec;
		tv->tv_usec = ts.tv_nsec / 1000;
	}
	return result;
}

time_t
time(time_t *at)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_REALTIME, &ts) != 0)
		return (time_t) -1;
	if (at != NULL)
		*at = ts.tv_sec;
	return ts.tv_sec;
}
