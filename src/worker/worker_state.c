/*
 * worker_state.c
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
#include "quota/lease.h"

PG_FUNCTION_INFO_V1(devapp_worker_state);
PG_FUNCTION_INFO_V1(devapp_is_metering);
PG_FUNCTION_INFO_V1(devapp_tell_worker);

enum
{
	STATE_WORKER_PID,
	STATE_LAST_FLUSH_AT,
	STATE_LAST_ROWS,
	STATE_LAST_DURATION,
	STATE_FLUSHES,
	STATE_ERRORS,
	STATE_LAST_ERROR_AT,
	STATE_LAST_ERROR,
	STATE_DROPPED,
	STATE_SLOTS_USED,
	STATE_SLOTS_TOTAL,
	STATE_NO_ROOM,
	STATE_QUOTA_SLOTS_USED,
	STATE_QUOTA_SLOTS_TOTAL,
	STATE_LAST_HOUSEKEEPING_AT,
	STATE_HOUSEKEEPING_ERRORS,
	STATE_LAST_HOUSEKEEPING_ERROR_AT,
	STATE_LAST_HOUSEKEEPING_ERROR,
	STATE_LEASES,
	STATE_LEASED,
	STATE_LAST_LEASE_AT,
	STATE_LEASE_ERRORS,
	STATE_LAST_LEASE_ERROR_AT,
	STATE_LAST_LEASE_ERROR,
	STATE_COLUMNS
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
devapp_worker_state(PG_FUNCTION_ARGS)
{
	Datum		values[STATE_COLUMNS];
	bool		nulls[STATE_COLUMNS] = {false};
	Interval	duration = {0};
	RegistryState state;
	MeterSlots	slots;
	BucketSlots buckets;
	LeaseState	leases;
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	if (!meter_is_on())
		return (Datum) 0;
	state = registry_state();
	slots = meter_slots();
	buckets = buckets_slots();
	duration.time = state.last_microseconds;
	values[STATE_WORKER_PID] = Int32GetDatum(state.launcher_pid);
	nulls[STATE_WORKER_PID] = state.launcher_pid == 0;
	values[STATE_LAST_FLUSH_AT] = TimestampTzGetDatum(state.last_flush_at);
	values[STATE_LAST_ROWS] = Int64GetDatum(state.last_rows);
	values[STATE_LAST_DURATION] = IntervalPGetDatum(&duration);
	nulls[STATE_LAST_FLUSH_AT] = nulls[STATE_LAST_ROWS] =
		nulls[STATE_LAST_DURATION] = state.flushes == 0;
	values[STATE_FLUSHES] = Int64GetDatum(state.flushes);
	put_errors(&state.errors[JOB_FLUSH], &values[STATE_ERRORS], &nulls[STATE_ERRORS]);
	values[STATE_DROPPED] = Int64GetDatum((int64) state.dropped);
	values[STATE_SLOTS_USED] = Int64GetDatum((int64) slots.used);
	values[STATE_SLOTS_TOTAL] = Int64GetDatum((int64) slots.total);
	values[STATE_NO_ROOM] = Int64GetDatum((int64) state.no_room);
	values[STATE_QUOTA_SLOTS_USED] = Int64GetDatum((int64) buckets.used);
	values[STATE_QUOTA_SLOTS_TOTAL] = Int64GetDatum((int64) buckets.total);
	values[STATE_LAST_HOUSEKEEPING_AT] = TimestampTzGetDatum(state.last_housekeeping_at);
	nulls[STATE_LAST_HOUSEKEEPING_AT] = state.last_housekeeping_at == 0;
	put_errors(&state.errors[JOB_HOUSEKEEPING], &values[STATE_HOUSEKEEPING_ERRORS],
			   &nulls[STATE_HOUSEKEEPING_ERRORS]);
	leases = leases_state();
	values[STATE_LEASES] = Int64GetDatum(leases.leases);
	values[STATE_LEASED] = Int64GetDatum(leases.left);
	values[STATE_LAST_LEASE_AT] = TimestampTzGetDatum(leases.answered_at);
	nulls[STATE_LAST_LEASE_AT] = leases.answered_at == 0;
	put_errors(&state.errors[JOB_LEASE], &values[STATE_LEASE_ERRORS], &nulls[STATE_LEASE_ERRORS]);
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
