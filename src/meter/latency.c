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
PG_FUNCTION_INFO_V1(devapp_histogram_step);
PG_FUNCTION_INFO_V1(devapp_latency_percentile);
PG_FUNCTION_INFO_V1(devapp_percentile_step);
PG_FUNCTION_INFO_V1(devapp_percentile_result);

/* What the aggregate percentile(histogram, fraction) has added up. */
typedef struct PercentileState
{
	double		fraction;
	int64		counts[LATENCY_BINS];
} PercentileState;

/* Returns how many bins an array has, and sets the first. */
static int
histogram_bounds(ArrayType *array, int *first)
{
	int			n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));

	*first = 0;
	if (n == 0)
		return 0;
	list_require(array, "histogram");
	*first = ARR_LBOUND(array)[0];
	if (ARR_ELEMTYPE(array) != INT8OID ||
		*first < 0 || *first >= LATENCY_BINS || n > LATENCY_BINS - *first)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid histogram of latencies"),
				 errhint("Use column \"histogram\" of devapp.usage_latency.")));
	return n;
}

/* Add an array to counts, which begin with the bin "from", up to what a count holds. */
static void
add_histogram(ArrayType *array, int64 *counts, int from)
{
	int			first;
	int			n = histogram_bounds(array, &first);
	const int64 *values = (const int64 *) ARR_DATA_PTR(array);

	for (int i = 0; i < n; i++)
	{
		int64	   *count = &counts[first - from + i];

		if (values[i] < 0)
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("count out of range in a histogram of latencies")));
		*count += Min(values[i], PG_INT64_MAX - *count);
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

	add_histogram(PG_GETARG_ARRAYTYPE_P(0), counts, 0);
	add_histogram(PG_GETARG_ARRAYTYPE_P(1), counts, 0);
	PG_RETURN_ARRAYTYPE_P(histogram_array(counts));
}

/* Does a sum have all bins of a histogram? */
static bool
has_bins_of(ArrayType *sum, ArrayType *histogram)
{
	int			sum_first;
	int			first;
	int			sum_n = histogram_bounds(sum, &sum_first);
	int			n = histogram_bounds(histogram, &first);

	return n == 0 || (first >= sum_first && first + n <= sum_first + sum_n);
}

/*
 * histogram_step(sum, histogram), of the aggregate add_histograms
 *
 * The sum belongs to the aggregate, so it is added to in place while its bins are enough, as
 * they nearly always are.  Making a new array for each row was half the time of adding up.
 */
Datum
devapp_histogram_step(PG_FUNCTION_ARGS)
{
	ArrayType  *sum = PG_ARGISNULL(0) ? NULL : PG_GETARG_ARRAYTYPE_P(0);
	ArrayType  *histogram = PG_ARGISNULL(1) ? NULL : PG_GETARG_ARRAYTYPE_P(1);
	int64		counts[LATENCY_BINS] = {0};
	int			first;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "histogram_step called outside of an aggregate");
	if (histogram == NULL && sum == NULL)
		PG_RETURN_NULL();
	if (histogram == NULL)
		PG_RETURN_ARRAYTYPE_P(sum);
	if (sum != NULL && has_bins_of(sum, histogram))
	{
		(void) histogram_bounds(sum, &first);
		add_histogram(histogram, (int64 *) ARR_DATA_PTR(sum), first);
		PG_RETURN_ARRAYTYPE_P(sum);
	}
	if (sum != NULL)
		add_histogram(sum, counts, 0);
	add_histogram(histogram, counts, 0);
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
	add_histogram(PG_GETARG_ARRAYTYPE_P(0), counts, 0);
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
		add_histogram(PG_GETARG_ARRAYTYPE_P(1), state->counts, 0);
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
