/*
 * taken.c
 *		Taking counts out of shared memory into a transaction.
 *
 *	take_usage()			takes all counts of the database; how many rows
 *	taken_calls()			what was taken: verifications
 *	taken_responses()		what was taken: how calls went, by day, app, product
 *	put_back_responses()	those of some days cannot be written, and return to memory
 *
 * What is taken belongs to the transaction, or to the subtransaction, that took it.
 * If that commits, the rows are in the tables with it; if it is rolled back, or the
 * session ends, the counts are added again to those in shared memory; but for those
 * that came from another server (shipment.c), which has them still.  A prepared
 * transaction could do either at a time when nobody is there to see to it, so it may
 * not take.
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "base/xact_list.h"
#include "decide/verdict_type.h"
#include "meter/latency.h"
#include "meter/latency_core.h"
#include "meter/meter.h"
#include "meter/registry.h"
#include "meter/taken.h"

PG_FUNCTION_INFO_V1(devapp_take_usage);
PG_FUNCTION_INFO_V1(devapp_taken_calls);
PG_FUNCTION_INFO_V1(devapp_taken_responses);
PG_FUNCTION_INFO_V1(devapp_put_back_responses);

/* Responses that return to memory at the commit: the minutes of their days, the last excluded. */
typedef struct PutBack
{
	struct PutBack *earlier;
	int32		from;
	int32		to;
	char		problem[REGISTRY_ERROR_LEN];
} PutBack;

typedef struct TakenUsage
{
	XactItem	item;
	struct TakenUsage *earlier;
	bool		foreign;		/* not from this server's memory */
	TimestampTz taken_at;
	Size		n;
	Size		room;
	MeterRow   *rows;
	PutBack    *put_back;
} TakenUsage;

/* of the transaction under way, the latest first */
static TakenUsage *all_taken = NULL;

/* ---------- the end of a transaction ---------- */

static bool
is_put_back(const TakenUsage *taken, const MeterKey *key)
{
	for (const PutBack *some = taken->put_back; some != NULL; some = some->earlier)
	{
		if (key->kind == METER_RESPONSE && key->minute >= some->from && key->minute < some->to)
			return true;
	}
	return false;
}

/*
 * The rest was written.  That of another server is counted now, so what could not be written
 * goes to this server's memory as well.
 */
static void
end_put_back(TakenUsage *taken)
{
	for (Size i = 0; i < taken->n; i++)
	{
		if (is_put_back(taken, &taken->rows[i].key))
			meter_add(&taken->rows[i].key, &taken->rows[i].value);
	}
	/* after the flush was reported, so that it counts as the later of the two */
	(void) registry_report_error(MyDatabaseId, JOB_FLUSH, taken->put_back->problem);
}

static void
free_taken(TakenUsage *taken)
{
	while (taken->put_back != NULL)
	{
		PutBack    *some = taken->put_back;

		taken->put_back = some->earlier;
		pfree(some);
	}
	pfree(taken->rows);
	pfree(taken);
}

static void
end_taken(XactItem *item, bool committed)
{
	TakenUsage *taken = (TakenUsage *) item;
	long		seconds;
	int			microseconds;

	all_taken = taken->earlier;
	if (taken->foreign)
	{
		/* the flusher rolls it up */
		if (committed)
			registry_mark_pending(MyDatabaseId);
	}
	else if (!committed)
	{
		for (Size i = 0; i < taken->n; i++)
			meter_add(&taken->rows[i].key, &taken->rows[i].value);
	}
	else
	{
		registry_set_written(taken->taken_at);
		if (taken->n > 0)
		{
			TimestampDifference(taken->taken_at, GetCurrentTimestamp(),
								&seconds, &microseconds);
			registry_report_flush((int64) taken->n,
								  seconds * INT64CONST(1000000) + microseconds);
		}
	}
	if (committed && taken->put_back != NULL)
		end_put_back(taken);
	free_taken(taken);
}

/* ---------- taking ---------- */

static TakenUsage *
begin_taken(Size room)
{
	TakenUsage *taken = MemoryContextAllocZero(TopMemoryContext, sizeof(TakenUsage));

	taken->room = room;
	taken->rows = MemoryContextAllocExtended(TopMemoryContext,
											 sizeof(MeterRow) * taken->room,
											 MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);
	if (taken->rows == NULL)
	{
		pfree(taken);
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	}
	taken->item.end = end_taken;
	taken->item.no_prepare = "cannot prepare a transaction that has flushed usage";
	taken->item.no_prepare_hint = "Call devapp.flush_usage() in a transaction of its own.";
	taken->taken_at = GetCurrentTimestamp();
	taken->earlier = all_taken;
	all_taken = taken;
	xact_list_push(&taken->item);
	return taken;
}

/*
 * An error between two stripes rolls back what the earlier ones gave.  Under a
 * stripe's lock nothing is allocated.
 */
Datum
devapp_take_usage(PG_FUNCTION_ARGS)
{
	TakenUsage *taken;

	meter_require();
	taken = begin_taken(meter_stripe_limit());
	registry_begin_take(MyDatabaseId);
	for (int i = 0; i < meter_stripes(); i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (taken->room - taken->n < meter_stripe_limit())
		{
			Size		room = 2 * taken->room + meter_stripe_limit();

			taken->rows = repalloc_huge(taken->rows, sizeof(MeterRow) * room);
			taken->room = room;
		}
		taken->n += meter_take_stripe(i, MyDatabaseId, taken->rows + taken->n);
	}
	PG_RETURN_INT64((int64) taken->n);
}

/* Rows that come from elsewhere, as if they were taken here. */
void
taken_add(const MeterRow *rows, Size n)
{
	TakenUsage *taken = begin_taken(Max(n, 1));

	taken->foreign = true;
	memcpy(taken->rows, rows, sizeof(MeterRow) * n);
	taken->n = n;
}

/* ---------- what was taken ---------- */

static const TakenUsage *
last_taken(void)
{
	if (all_taken == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no usage was taken in this transaction"),
				 errhint("Call devapp.flush_usage().")));
	return all_taken;
}

static TimestampTz
start_of(const MeterKey *key)
{
	return (TimestampTz) key->minute * USECS_PER_MINUTE;
}

/* An id, NULL where there is none. */
static void
set_id(Datum *value, bool *isnull, const uint8 *id)
{
	static const uint8 none[METER_ID_LEN] = {0};

	StaticAssertStmt(METER_ID_LEN == UUID_LEN, "ids are UUIDs");
	*isnull = memcmp(id, none, METER_ID_LEN) == 0;
	*value = UUIDPGetDatum((const pg_uuid_t *) id);
}

enum
{
	CALL_MINUTE,
	CALL_APP_ID,
	CALL_CREDENTIAL_ID,
	CALL_SECRET_VERSION,
	CALL_PRODUCT_ID,
	CALL_OPERATION_ID,
	CALL_ENVIRONMENT,
	CALL_CODE,
	CALL_CALLS,
	CALL_COST,
	CALL_LAST_AT,
	CALL_LEASED,
	CALL_COLUMNS
};

static void
put_call(ReturnSetInfo *result, const MeterRow *row)
{
	const MeterKey *key = &row->key;
	Datum		values[CALL_COLUMNS];
	bool		nulls[CALL_COLUMNS] = {false};
	int			len = (int) strnlen(key->environment, METER_ENVIRONMENT_LEN);

	values[CALL_MINUTE] = TimestampTzGetDatum(start_of(key));
	set_id(&values[CALL_APP_ID], &nulls[CALL_APP_ID], key->app_id);
	set_id(&values[CALL_CREDENTIAL_ID], &nulls[CALL_CREDENTIAL_ID], key->credential_id);
	values[CALL_SECRET_VERSION] = Int32GetDatum(key->secret_version);
	nulls[CALL_SECRET_VERSION] = key->secret_version == 0;
	set_id(&values[CALL_PRODUCT_ID], &nulls[CALL_PRODUCT_ID], key->product_id);
	set_id(&values[CALL_OPERATION_ID], &nulls[CALL_OPERATION_ID], key->operation_id);
	values[CALL_ENVIRONMENT] = PointerGetDatum(cstring_to_text_with_len(key->environment, len));
	nulls[CALL_ENVIRONMENT] = len == 0;
	values[CALL_CODE] = ObjectIdGetDatum(verdict_type_code(key->code));
	values[CALL_CALLS] = Int64GetDatum((int64) row->value.count);
	values[CALL_COST] = Int64GetDatum((int64) row->value.sum);
	values[CALL_LAST_AT] = TimestampTzGetDatum((TimestampTz) row->value.max);
	values[CALL_LEASED] = BoolGetDatum(key->bin != 0);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
devapp_taken_calls(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	const TakenUsage *taken = last_taken();
	MemoryContext row_context;
	MemoryContext old;

	InitMaterializedSRF(fcinfo, 0);
	row_context = AllocSetContextCreate(CurrentMemoryContext, "devapp usage row",
										ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(row_context);
	for (Size i = 0; i < taken->n; i++)
	{
		if (taken->rows[i].key.kind != METER_CALL)
			continue;
		put_call(result, &taken->rows[i]);
		MemoryContextReset(row_context);
	}
	MemoryContextSwitchTo(old);
	return (Datum) 0;
}

/* ---------- how calls went ---------- */

enum
{
	RESPONSE_DAY,
	RESPONSE_APP_ID,
	RESPONSE_PRODUCT_ID,
	RESPONSE_CALLS,
	RESPONSE_CLIENT_ERRORS,
	RESPONSE_SERVER_ERRORS,
	RESPONSE_TOTAL,
	RESPONSE_MIN,
	RESPONSE_MAX,
	RESPONSE_HISTOGRAM,
	RESPONSE_COLUMNS
};

/* What one row of the table gets. */
typedef struct Responses
{
	const MeterKey *key;
	int64		errors[OUTCOME_SERVER_ERROR + 1];
	MeterValue	value;
	int64		histogram[LATENCY_BINS];
} Responses;

static int
compare_responses(const void *a, const void *b)
{
	const MeterKey *x = &(*(const MeterRow *const *) a)->key;
	const MeterKey *y = &(*(const MeterRow *const *) b)->key;
	int			order = (x->minute > y->minute) - (x->minute < y->minute);

	if (order == 0)
		order = memcmp(x->app_id, y->app_id, METER_ID_LEN);
	if (order == 0)
		order = memcmp(x->product_id, y->product_id, METER_ID_LEN);
	return order;
}

static void
add_response(Responses *sum, const MeterRow *row)
{
	sum->errors[row->key.code] += (int64) row->value.count;
	sum->histogram[row->key.bin] += (int64) row->value.count;
	sum->value.count += row->value.count;
	sum->value.sum += row->value.sum;
	sum->value.min = Min(sum->value.min, row->value.min);
	sum->value.max = Max(sum->value.max, row->value.max);
}

static Datum
microseconds_datum(uint64 microseconds)
{
	Interval   *interval = palloc0(sizeof(Interval));

	interval->time = (TimeOffset) Min(microseconds, (uint64) PG_INT64_MAX);
	return IntervalPGetDatum(interval);
}

static void
put_responses(ReturnSetInfo *result, const Responses *sum)
{
	Datum		values[RESPONSE_COLUMNS];
	bool		nulls[RESPONSE_COLUMNS] = {false};

	values[RESPONSE_DAY] = TimestampTzGetDatum(start_of(sum->key));
	set_id(&values[RESPONSE_APP_ID], &nulls[RESPONSE_APP_ID], sum->key->app_id);
	set_id(&values[RESPONSE_PRODUCT_ID], &nulls[RESPONSE_PRODUCT_ID], sum->key->product_id);
	values[RESPONSE_CALLS] = Int64GetDatum((int64) sum->value.count);
	values[RESPONSE_CLIENT_ERRORS] = Int64GetDatum(sum->errors[OUTCOME_CLIENT_ERROR]);
	values[RESPONSE_SERVER_ERRORS] = Int64GetDatum(sum->errors[OUTCOME_SERVER_ERROR]);
	values[RESPONSE_TOTAL] = microseconds_datum(sum->value.sum);
	values[RESPONSE_MIN] = microseconds_datum(sum->value.min);
	values[RESPONSE_MAX] = microseconds_datum(sum->value.max);
	values[RESPONSE_HISTOGRAM] = PointerGetDatum(histogram_array(sum->histogram));
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* The rows of responses, those of one day, app and product together. */
static const MeterRow **
sorted_responses(const TakenUsage *taken, Size *n)
{
	const MeterRow **rows = palloc_extended(sizeof(MeterRow *) * Max(taken->n, 1),
											MCXT_ALLOC_HUGE);

	*n = 0;
	for (Size i = 0; i < taken->n; i++)
	{
		if (taken->rows[i].key.kind == METER_RESPONSE)
			rows[(*n)++] = &taken->rows[i];
	}
	qsort(rows, *n, sizeof(MeterRow *), compare_responses);
	return rows;
}

Datum
devapp_taken_responses(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	const MeterRow **rows;
	Size		n;
	MemoryContext row_context;
	MemoryContext old;

	InitMaterializedSRF(fcinfo, 0);
	rows = sorted_responses(last_taken(), &n);
	row_context = AllocSetContextCreate(CurrentMemoryContext, "devapp usage row",
										ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(row_context);
	for (Size i = 0; i < n;)
	{
		Responses	sum = {.key = &rows[i]->key, .value.min = PG_UINT64_MAX};
		Size		first = i;

		while (i < n && compare_responses(&rows[first], &rows[i]) == 0)
			add_response(&sum, rows[i++]);
		put_responses(result, &sum);
		MemoryContextReset(row_context);
	}
	MemoryContextSwitchTo(old);
	return (Datum) 0;
}

/* ---------- what cannot be written ---------- */

/*
 * SQL: devapp_internal.put_back_responses(timestamptz, timestamptz, text).
 * True: the problem is to be logged.
 */
Datum
devapp_put_back_responses(PG_FUNCTION_ARGS)
{
	char	   *problem = text_to_cstring(PG_GETARG_TEXT_PP(2));
	PutBack    *some;

	(void) last_taken();
	some = MemoryContextAllocZero(TopMemoryContext, sizeof(PutBack));
	some->from = (int32) (PG_GETARG_TIMESTAMPTZ(0) / USECS_PER_MINUTE);
	some->to = (int32) (PG_GETARG_TIMESTAMPTZ(1) / USECS_PER_MINUTE);
	strlcpy(some->problem, problem, REGISTRY_ERROR_LEN);
	some->earlier = all_taken->put_back;
	all_taken->put_back = some;
	PG_RETURN_BOOL(registry_report_error(MyDatabaseId, JOB_FLUSH, problem));
}
