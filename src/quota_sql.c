/*
 * quota_sql.c
 *		What SQL asks about quotas.
 *
 *	_quota_window(at, quota_interval, quota_unit)	the window that a time is in
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "quota_core.h"

PG_FUNCTION_INFO_V1(devapp_quota_window);

StaticAssertDecl(QUOTA_TIME_MIN == DT_NOBEGIN && QUOTA_TIME_MAX == DT_NOEND,
				 "windows that never start or end are infinite timestamps");

/* PostgreSQL's timestamps end before 64 bits do. */
static Datum
time_datum(int64 time)
{
	if (time < MIN_TIMESTAMP)
		time = DT_NOBEGIN;
	else if (time >= END_TIMESTAMP)
		time = DT_NOEND;
	return TimestampTzGetDatum(time);
}

Datum
devapp_quota_window(PG_FUNCTION_ARGS)
{
	TimestampTz at = PG_GETARG_TIMESTAMPTZ(0);
	int32		interval = PG_GETARG_INT32(1);
	text	   *word = PG_GETARG_TEXT_PP(2);
	QuotaUnit	unit;
	QuotaWindow window;
	TupleDesc	desc;
	Datum		values[2];
	bool		nulls[2] = {false};

	if (TIMESTAMP_NOT_FINITE(at) || interval <= 0 ||
		!quota_unit_parse(VARDATA_ANY(word), VARSIZE_ANY_EXHDR(word), &unit))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a quota has no such window"),
				 errhint("Give a finite time, a positive interval, and minute, hour, day, week or month.")));
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "_quota_window must return a row");
	window = quota_window(at, interval, unit);
	values[0] = time_datum(window.start);
	values[1] = time_datum(window.end);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
