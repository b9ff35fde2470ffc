/*
 * latency.c
 *		Histograms of latencies in SQL: adding them up, and percentiles.
 *
 * A histogram is a bigint[] whose subscripts are the bins of latency_core.h; what
 * lies outside of its bounds is 0.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/list.h"
#include "meter/latency.h"
#include "meter/latency_core.h"

PG_FUNCTION_INFO_V1(devapp_add_histograms);
PG_FUNCTION_INFO_V1(devapp_latency_percentile);
PG_FUNCTION_INFO_V1(devapp_percentile_step);
PG_FUNCTION_INFO_V1(devapp_percentile_result);

/* What the aggregate percentile(histogram, fraction) has added up. */
typedef struct PercentileState
{
	double		fraction;
	int64		counts[LATENCY_BINS];
} PercentileState;

/* Add an array to counts[LATENCY_BINS], up to what a count holds. */
static void
add_histogram(ArrayType *array, int64 *counts)
{
	int			n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	const int64 *values = (const int64 *) ARR_DATA_PTR(array);
	int			first;

	if (n == 0)
		return;
	list_require(array, "histogram");
	first = ARR_LBOUND(array)[0];
	if (ARR_ELEMTYPE(array) != INT8OID ||
		first < 0 || first >= LATENCY_BINS || n > LATENCY_BINS - first)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("this is not a histogram of latencies"),
				 errhint("Take the column histogram of devapp.usage_latency.")));
	for (int i = 0; i < n; i++)
	{
		if (values[i] < 0)
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("count out of range in a histogram of latencies")));
		counts[first + i] += Min(values[i], PG_INT64_MAX - counts[first + i]);
	}
}

/* The array starts and ends with a bin that counts. */
ArrayType *
histogram_array(const int64 *counts)
{
	Datum		elements[LATENCY_BINS];
	int			first = 0;
	int			n = 0;

	while (first < LATENCY_BINS && counts[first] == 0)
		first++;
	for (int i = first; i < LATENCY_BINS; i++)
	{
		elements[i - first] = Int64GetDatum(counts[i]);
		if (counts[i] != 0)
			n = i - first + 1;
	}
	if (n == 0)
		return construct_empty_array(INT8OID);
	return construct_md_array(elements, NULL, 1, &n, &first, INT8OID,
							  sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
}

/* merge_histograms(a, b) */
Datum
devapp_add_histograms(PG_FUNCTION_ARGS)
{
	int64		counts[LATENCY_BINS] = {0};

	add_histogram(PG_GETARG_ARRAYTYPE_P(0), counts);
	add_histogram(PG_GETARG_ARRAYTYPE_P(1), counts);
	PG_RETURN_ARRAYTYPE_P(histogram_array(counts));
}

/* latency_percentile(histogram, fraction) */
Datum
devapp_latency_percentile(PG_FUNCTION_ARGS)
{
	int64		counts[LATENCY_BINS] = {0};
	double		fraction = PG_GETARG_FLOAT8(1);
	int			bin;
	Interval   *interval;

	if (!(fraction >= 0 && fraction <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("fraction must be from 0 to 1"),
				 errhint("The 95th percentile is 0.95.")));
	add_histogram(PG_GETARG_ARRAYTYPE_P(0), counts);
	bin = latency_percentile(counts, LATENCY_BINS, fraction);
	if (bin < 0)
		PG_RETURN_NULL();
	interval = palloc0(sizeof(Interval));
	interval->time = (TimeOffset) (latency_middle(bin) + 0.5);
	PG_RETURN_INTERVAL_P(interval);
}

static void
require_fraction(const PercentileState *state, double fraction)
{
	if (!(fraction >= 0 && fraction <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("fraction must be from 0 to 1"),
				 errhint("The 95th percentile is 0.95.")));
	if (state != NULL && state->fraction != fraction)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("fraction must be the same in all rows")));
}

/*
 * percentile_step(state, histogram, fraction)
 *
 * Rows in which either is null are skipped, but a fraction is looked at first: whoever asks
 * for the 95th percentile of nothing and means 95 is told so.
 */
Datum
devapp_percentile_step(PG_FUNCTION_ARGS)
{
	PercentileState *state = PG_ARGISNULL(0) ? NULL : (PercentileState *) PG_GETARG_POINTER(0);
	MemoryContext aggregate;

	if (!AggCheckCallContext(fcinfo, &aggregate))
		elog(ERROR, "percentile_step called outside of an aggregate");
	if (!PG_ARGISNULL(2))
		require_fraction(state, PG_GETARG_FLOAT8(2));
	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
	{
		if (state == NULL)
		{
			state = MemoryContextAllocZero(aggregate, sizeof(PercentileState));
			state->fraction = PG_GETARG_FLOAT8(2);
		}
		add_histogram(PG_GETARG_ARRAYTYPE_P(1), state->counts);
	}
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

/* percentile_result(state): in milliseconds; null: there was nothing to count */
Datum
devapp_percentile_result(PG_FUNCTION_ARGS)
{
	const PercentileState *state = PG_ARGISNULL(0) ? NULL : (const PercentileState *) PG_GETARG_POINTER(0);
	int			bin = state == NULL ? -1 : latency_percentile(state->counts, LATENCY_BINS, state->fraction);

	if (bin < 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(rint(latency_middle(bin)) / 1000);
}
