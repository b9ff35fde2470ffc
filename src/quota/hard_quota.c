/*
 * hard_quota.c
 *		Consuming a hard quota in its row.
 *
 * The row of the bucket is locked until the transaction ends, so the count is exact,
 * and rolled back with the transaction.  Calls of one bucket wait for each other,
 * those of other buckets don't.
 *
 * SPI may run anything, so nobody must hold on to a cached entitlement across this.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "quota/bucket_columns.h"
#include "quota/hard_quota.h"

static const char consume_query[] =
"SELECT devapp_internal.take_hard_quota($1, $2, $3, $4, $5, $6, $7, $8)";

static SPIPlanPtr consume_plan = NULL;

static void
prepare_consume(void)
{
	Oid			types[] = {UUIDOID, UUIDOID, UUIDOID, TEXTOID, TIMESTAMPTZOID,
	TIMESTAMPTZOID, INT8OID, INT8OID};
	SPIPlanPtr	plan;

	if (consume_plan != NULL)
		return;
	plan = SPI_prepare(consume_query, lengthof(types), types);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "SPI_prepare failed for \"%s\": %s", consume_query,
			 SPI_result_code_string(SPI_result));
	consume_plan = plan;
}

/*
 * Add the cost to the bucket's row if no more than room is used or lent then.  Returns what
 * is used or lent in the row then, or -1.
 */
int64
hard_quota_consume(const BucketKey *key, QuotaWindow window, int64 cost, int64 room)
{
	NullableDatum columns[BUCKET_KEY_COLUMNS];
	Datum		values[8];
	char		nulls[8];
	int64		used = -1;
	int			result;
	Datum		value;
	bool		isnull;

	memset(nulls, ' ', sizeof(nulls));
	bucket_key_columns(key, columns);
	for (int i = 0; i < BUCKET_KEY_COLUMNS; i++)
	{
		values[i] = columns[i].value;
		nulls[i] = columns[i].isnull ? 'n' : ' ';
	}
	values[4] = TimestampTzGetDatum(window.start);
	values[5] = TimestampTzGetDatum(window.end);
	values[6] = Int64GetDatum(cost);
	values[7] = Int64GetDatum(room);

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	prepare_consume();
	result = SPI_execute_plan(consume_plan, values, nulls, false, 1);
	if (result != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "quota was not consumed: %s", SPI_result_code_string(result));
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (!isnull)
		used = DatumGetInt64(value);
	SPI_finish();
	return used;
}
