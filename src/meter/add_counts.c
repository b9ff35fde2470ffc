/*
 * add_counts.c
 *		Sums of counts that stop at what fits.
 *
 * Gateways and standbys say what is counted.  What one of them makes up must neither
 * keep the counts of all from being written, nor break the reports that add them up.
 */
#include "postgres.h"

#include "fmgr.h"

#include "base/compat.h"
#include "meter/add_counts.h"

PG_FUNCTION_INFO_V1(devapp_add_counts);

/* SQL: devapp_internal.add_counts(bigint, bigint), and what devapp_internal.sum_bigint adds with */
Datum
devapp_add_counts(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(add_counts(PG_GETARG_INT64(0), PG_GETARG_INT64(1)));
}
