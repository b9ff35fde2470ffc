/*
 * clock.h
 *		Units and moments of time.
 */
#ifndef DEVAPP_CLOCK_H
#define DEVAPP_CLOCK_H

#include "postgres.h"

#include "utils/timestamp.h"

#define MINUTES_PER_DAY	1440

/* Microseconds since 1970, as in tokens. */
static inline int64
unix_micros(TimestampTz at)
{
	return at + (int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
}

static inline TimestampTz
from_unix_micros(int64 micros)
{
	return micros - (int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
}

static inline TimestampTz
seconds_from_now(int seconds)
{
	return GetCurrentTimestamp() + seconds * USECS_PER_SEC;
}

#endif							/* DEVAPP_CLOCK_H */
