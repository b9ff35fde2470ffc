/*
 * worker_status.c
 *		What there is to see of counting, in SQL.
 *
 *	worker_state()	one row about the current database; none if nothing is counted
 *	is_metering()		are calls counted?
 *	tell_worker()		the extension is in the current database
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "base/compat.h"
#include "base/xact_list.h"
#include "meter/meter.h"
#include "meter/registry.h"
#include "quota/bucket.h"

PG_FUNCTION_INFO_V1(devapp_worker_status);
PG_FUNCTION_INFO_V1(devapp_is_metering);
PG_FUNCTION_INFO_V1(devapp_tell_worker);

enum
{
	STATUS_WORKER_PID,
	STATUS_LAST_FLUSH_AT,
	STATUS_LAST_ROWS,
	STATUS_LAST_DURATION,
	STATUS_FLUSHES,
	STATUS_ERRORS,
	STATUS_LAST_ERROR_AT,
	STATUS_LAST_ERROR,
	STATUS_DROPPED,
	STATUS_SLOTS_USED,
	STATUS_SLOTS_TOTAL,
	STATUS_NOT_LIMITED,
	STATUS_QUOTA_SLOTS_USED,
	STATUS_QUOTA_SLOTS_TOTAL,
	STATUS_LAST_HOUSEKEEPING_AT,
	STATUS_HOUSEKEEPING_ERRORS,
	STATUS_LAST_HOUSEKEEPING_ERROR_AT,
	STATUS_LAST_HOUSEKEEPING_ERROR,
	STATUS_COLUMNS
};

/* Three columns: how many, when the last, what it was. */
static void
put_errors(const RegistryErrors *errors, Datum *values, bool *nulls)
{
	values[0] = Int64GetDatum(errors->count);
	values[1] = TimestampTzGetDatum(errors->last_at);
	values[2] = CStringGetTextDatum(errors->last);
	nulls[1] = nulls[2] = errors->count == 0;
}

Datum
devapp_worker_status(PG_FUNCTION_ARGS)
{
	Datum		values[STATUS_COLUMNS];
	bool		nulls[STATUS_COLUMNS] = {false};
	Interval	duration = {0};
	RegistryStatus status;
	MeterSlots	slots;
	BucketStatus buckets;
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	if (!meter_is_on())
		return (Datum) 0;
	status = registry_status();
	slots = meter_slots();
	buckets = buckets_status();
	duration.time = status.last_microseconds;
	values[STATUS_WORKER_PID] = Int32GetDatum(status.launcher_pid);
	nulls[STATUS_WORKER_PID] = status.launcher_pid == 0;
	values[STATUS_LAST_FLUSH_AT] = TimestampTzGetDatum(status.last_flush_at);
	values[STATUS_LAST_ROWS] = Int64GetDatum(status.last_rows);
	values[STATUS_LAST_DURATION] = IntervalPGetDatum(&duration);
	nulls[STATUS_LAST_FLUSH_AT] = nulls[STATUS_LAST_ROWS] =
		nulls[STATUS_LAST_DURATION] = status.flushes == 0;
	values[STATUS_FLUSHES] = Int64GetDatum(status.flushes);
	put_errors(&status.errors[JOB_FLUSH], &values[STATUS_ERRORS], &nulls[STATUS_ERRORS]);
	values[STATUS_DROPPED] = Int64GetDatum((int64) status.dropped);
	values[STATUS_SLOTS_USED] = Int64GetDatum((int64) slots.used);
	values[STATUS_SLOTS_TOTAL] = Int64GetDatum((int64) slots.total);
	values[STATUS_NOT_LIMITED] = Int64GetDatum((int64) status.not_limited);
	values[STATUS_QUOTA_SLOTS_USED] = Int64GetDatum((int64) buckets.used);
	values[STATUS_QUOTA_SLOTS_TOTAL] = Int64GetDatum((int64) buckets.total);
	values[STATUS_LAST_HOUSEKEEPING_AT] = TimestampTzGetDatum(status.last_housekeeping_at);
	nulls[STATUS_LAST_HOUSEKEEPING_AT] = status.last_housekeeping_at == 0;
	put_errors(&status.errors[JOB_HOUSEKEEPING], &values[STATUS_HOUSEKEEPING_ERRORS],
			   &nulls[STATUS_HOUSEKEEPING_ERRORS]);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	return (Datum) 0;
}

Datum
devapp_is_metering(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(devapp_metering && meter_is_on());
}

/* ---------- telling the worker ---------- */

static bool telling = false;

static void
end_telling(XactItem *item, bool committed)
{
	telling = false;
	if (committed)
		registry_set_installed(true);
}

static XactItem telling_item = {.end = end_telling};

/* At the commit: before it the worker would look and find nothing. */
Datum
devapp_tell_worker(PG_FUNCTION_ARGS)
{
	if (!telling && meter_is_on())
	{
		telling = true;
		xact_list_push(&telling_item);
	}
	PG_RETURN_VOID();
}
