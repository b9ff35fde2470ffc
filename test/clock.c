/*-------------------------------------------------------------------------
 *
 * clock.c
 *	  A clock that is some seconds away from the real one: preloaded by test/dates.
 *
 * DEVAPP_CLOCK_OFFSET says how many seconds.  DEVAPP_CLOCK_FILE, if it is set, is a file
 * of eight bytes, a number of seconds that is added; who writes to it moves the clock of
 * the processes that run.  The clock of the day goes on from
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
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t offset;
static const volatile int64_t *moved = NULL;

/* The server overwrites its environment, so it is read once, before main(). */
__attribute__((constructor)) static void
read_offset(void)
{
	const char *setting = getenv("DEVAPP_CLOCK_OFFSET");
	const char *path = getenv("DEVAPP_CLOCK_FILE");
	int			file = path != NULL ? open(path, O_RDONLY) : -1;

	if (setting != NULL)
		offset = strtoll(setting, NULL, 10);
	if (file >= 0)
	{
		void	   *bytes = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);

		if (bytes != MAP_FAILED)
			moved = bytes;
		close(file);
	}
}

/* Past the C library, whose function of this name is this one now. */
int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int			result = (int) syscall(SYS_clock_gettime, id, ts);

	if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		ts->tv_sec += offset + (moved != NULL ? *moved : 0);
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
