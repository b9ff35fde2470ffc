/*
 * add_counts.h
 *		Sums of counts that stop at what fits.
 */
#ifndef DEVAPP_ADD_COUNTS_H
#define DEVAPP_ADD_COUNTS_H

#include "postgres.h"

#include "common/int.h"

static inline int64
add_counts(int64 a, int64 b)
{
	int64		sum;

	if (pg_add_s64_overflow(a, b, &sum))
		sum = a > 0 ? PG_INT64_MAX : PG_INT64_MIN;
	return sum;
}

#endif							/* DEVAPP_ADD_COUNTS_H */
