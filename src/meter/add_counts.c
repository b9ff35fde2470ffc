/*
 * add_counts.c
 *		Sums of counts that stop at what fits.
 *
 * Gateways and standbys say what is counted.  What one of them makes up must neither
 * keep the counts of all from being written, nor break the reports that add them up.
 */
#include "postgres.h"

#include "common/int.h"
#include "fmgr.h"

#include "base/compat.h"

PG_FUNCTION_INFO_V1(devapp_add_counts);

/* SQL: devapp_internal.add_counts(bigint, bigint), and what devapp_internal.sum_bigint adds with */
Datum
devapp_add_counts(PG_FUNCTION_ARGS)
{
	int64		a = PG_GETARG_INT64(0);
	int64		b = PG_GETARG_INT64(1);
	int64		sum;

	if (pg_add_s64_overflow(a, b, &sum))
		sum = a > 0 ? PG_INT64_MAX : PG_INT64_MIN;
	PG_RETURN_INT64(sum);
}
