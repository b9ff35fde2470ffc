/*
 * clock.h
 *		Units and moments of time.
 */
#ifndef DEVAPP_CLOCK_H
#define DEVAPP_CLOCK_H

#include "postgres.h"

#include "utils/timestamp.h"

#define MINUTES_PER_DAY	1440

static inline TimestampTz
seconds_from_now(int seconds)
{
	return GetCurrentTimestamp() + seconds * USECS_PER_SEC;
}

#endif							/* DEVAPP_CLOCK_H */
