/*
 * roll_up.c
 *		From minutes to hours and days of usage: one pass, and one sort for both.
 *
 * As two statements INSERT ... SELECT ... GROUP BY ... ON CONFLICT DO UPDATE this took
 * three times as long: each minute was grouped and sorted twice by general code, and
 * each row was looked for in the index, written with a record of WAL of its own,
 * written to the index as a speculation, and confirmed.
 *
 * Nothing is done to a partition to which somebody has added a trigger, a column, or an index other than BRIN:
 * the caller then runs those statements.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "utils/timestamp.h"

#include "meter/usage_change.h"
#include "meter/usage_partition.h"
#include "meter/usage_scan.h"

PG_FUNCTION_INFO_V1(devapp_roll_up);

/* ---------- the minutes ---------- */

typedef struct Minutes
{
	DestReceiver receiver;
	UsageRow   *rows;
	size_t		n;
	size_t		room;
	bool		refused;		/* a value that devapp never writes */
} Minutes;

static const UsagePart minute_parts[] = {
	PART_TIME, PART_APP, PART_CREDENTIAL, PART_PRODUCT, PART_OPERATION,
	PART_ENVIRONMENT, PART_CODE, PART_CALLS, PART_COST
};

static const char minutes_query[] =
"SELECT m.minute, m.app_id, m.credential_id, m.product_id, m.operation_id, m.environment, m.code, m.calls, m.cost"
"  FROM devapp.usage_minute m"
" WHERE m.flush_id OPERATOR(pg_catalog.=) ANY ($1)"
"   AND m.minute OPERATOR(pg_catalog.>=) $2 AND m.minute OPERATOR(pg_catalog.<) $3";

/* Many minutes often belong to one hour, so rows are merged before more room is made. */
static void
make_room(Minutes *minutes)
{
	usage_rows_sort(minutes->rows, minutes->n);
	minutes->n = usage_rows_merge(minutes->rows, minutes->n, HOUR_KEY_LEN);
	if (minutes->n > minutes->room / 2)
	{
		minutes->room *= 2;
		minutes->rows = repalloc_huge(minutes->rows, minutes->room * sizeof(UsageRow));
	}
}

static bool
receive_minute(TupleTableSlot *slot, DestReceiver *receiver)
{
	Minutes    *minutes = (Minutes *) receiver;

	if (minutes->n == minutes->room)
		make_room(minutes);
	slot_getallattrs(slot);
	for (size_t i = 0; i < lengthof(minute_parts); i++)
	{
		if (!usage_row_set(&minutes->rows[minutes->n], minute_parts[i],
						   slot->tts_values[i], slot->tts_isnull[i], true))
			minutes->refused = true;
	}
	minutes->n++;
	return !minutes->refused;
}

/* ---------- the days ---------- */

/* The partition has no more days than a month, so each is noted once. */
static void
note_days(const UsageRow *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
	{
		bool		isnull;

		usage_change_note(SOURCE_DAY, DatumGetDateADT(usage_row_get(&rows[i], PART_TIME, false, 0, &isnull)));
	}
}

/* ---------- the function ---------- */

static bool
roll_up(UsagePartition *hours, UsagePartition *days, Datum from, Datum to, Datum flush_ids)
{
	const ParamExternData params[] = {
		SCAN_PARAM(flush_ids, INT8ARRAYOID), SCAN_PARAM(from, TIMESTAMPTZOID), SCAN_PARAM(to, TIMESTAMPTZOID)
	};
	Minutes		minutes = {.receiver.receiveSlot = receive_minute, .room = 1024};

	minutes.rows = palloc(minutes.room * sizeof(UsageRow));
	usage_scan(minutes_query, params, lengthof(params), &minutes.receiver);
	if (minutes.refused)
		return false;
	usage_rows_sort(minutes.rows, minutes.n);
	minutes.n = usage_rows_merge(minutes.rows, minutes.n, HOUR_KEY_LEN);
	usage_partition_add(hours, minutes.rows, minutes.n);
	minutes.n = usage_rows_merge(minutes.rows, minutes.n, DAY_KEY_LEN);
	usage_partition_add(days, minutes.rows, minutes.n);
	note_days(minutes.rows, minutes.n);
	return true;
}

/*
 * SQL: devapp_internal.roll_up(regclass, regclass, timestamptz, timestamptz, bigint[], timestamptz).
 * Adds the minutes of these flushes between two times to a partition of hours and one of days;
 * false: these are not as devapp makes them, and nothing was done.
 */
Datum
devapp_roll_up(PG_FUNCTION_ARGS)
{
	UsagePartition *hours = usage_partition_open(PG_GETARG_OID(0), true, PG_GETARG_TIMESTAMPTZ(5));
	UsagePartition *days = usage_partition_open(PG_GETARG_OID(1), false, PG_GETARG_TIMESTAMPTZ(5));
	bool		done = false;

	if (hours != NULL && days != NULL)
		done = roll_up(hours, days, PG_GETARG_DATUM(2), PG_GETARG_DATUM(3), PG_GETARG_DATUM(4));
	if (hours != NULL)
		usage_partition_close(hours);
	if (days != NULL)
		usage_partition_close(days);
	PG_RETURN_BOOL(done);
}
