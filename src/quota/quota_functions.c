/*
 * quota_functions.c
 *		What SQL asks about quotas.
 *
 *	quota_window(at, quota_interval, quota_unit, time_zone)	the window that a time is in
 *	quota_buckets(app_id)				what of an app's quotas is used, in memory
 *	forget_quota_buckets(app_id, product_id)		at commit, memory forgets it
 *
 * What is to be forgotten belongs to the transaction, or to the subtransaction, that
 * said so.  It must be read from its rows again, so it is forgotten when others can
 * see the commit.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "base/xact_list.h"
#include "decide/quota_window.h"
#include "quota/bucket.h"
#include "quota/bucket_columns.h"

PG_FUNCTION_INFO_V1(devapp_quota_window);
PG_FUNCTION_INFO_V1(devapp_quota_buckets);
PG_FUNCTION_INFO_V1(devapp_forget_quota);

StaticAssertDecl(QUOTA_TIME_MIN == DT_NOBEGIN && QUOTA_TIME_MAX == DT_NOEND,
				 "windows that never start or end are infinite timestamps");
StaticAssertDecl(QUOTA_FIRST_TIME == MIN_TIMESTAMP && QUOTA_LAST_TIME == END_TIMESTAMP,
				 "the others are timestamps");

Datum
devapp_quota_window(PG_FUNCTION_ARGS)
{
	TimestampTz at = PG_GETARG_TIMESTAMPTZ(0);
	int32		interval = PG_GETARG_INT32(1);
	text	   *word = PG_GETARG_TEXT_PP(2);
	text	   *zone = PG_GETARG_TEXT_PP(3);
	QuotaUnit	unit;
	QuotaWindow window;
	TupleDesc	desc;
	Datum		values[2];
	bool		nulls[2] = {false};

	if (TIMESTAMP_NOT_FINITE(at) || interval <= 0 ||
		!quota_unit_parse(VARDATA_ANY(word), VARSIZE_ANY_EXHDR(word), &unit))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid quota window"),
				 errhint("Give a finite time, a positive interval, and minute, hour, day, week, month or never.")));
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "quota_window must return a row");
	window = quota_window_at(at, interval, unit,
							 quota_time_zone((Str) {VARDATA_ANY(zone), VARSIZE_ANY_EXHDR(zone)}));
	values[0] = TimestampTzGetDatum(window.start);
	values[1] = TimestampTzGetDatum(window.end);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* ---------- looking into memory ---------- */

/* Buckets of an app, in a database; of all its products where product is NULL. */
typedef struct Choice
{
	Oid			database;
	pg_uuid_t	app_id;
	bool		one_product;
	pg_uuid_t	product_id;
} Choice;

static bool
is_chosen(const Bucket *bucket, const void *arg)
{
	const Choice *choice = arg;
	const BucketKey *key = &bucket->key;

	return key->database == choice->database && key->kind != BUCKET_RATE &&
		memcmp(key->app_id, &choice->app_id, BUCKET_ID_LEN) == 0 &&
		(!choice->one_product ||
		 memcmp(key->product_id, &choice->product_id, BUCKET_ID_LEN) == 0);
}

enum
{
	BUCKET_COLUMN_PRODUCT_ID,
	BUCKET_COLUMN_OPERATION_ID,
	BUCKET_COLUMN_ENVIRONMENT,
	BUCKET_COLUMN_HARD,
	BUCKET_COLUMN_WINDOW_START,
	BUCKET_COLUMN_WINDOW_END,
	BUCKET_COLUMN_USED,
	BUCKET_COLUMNS
};

static void
put_bucket(ReturnSetInfo *result, Bucket *bucket)
{
	NullableDatum columns[BUCKET_KEY_COLUMNS];
	Datum		values[BUCKET_COLUMNS];
	bool		nulls[BUCKET_COLUMNS] = {false};

	bucket_key_columns(&bucket->key, columns);
	values[BUCKET_COLUMN_PRODUCT_ID] = columns[BUCKET_KEY_PRODUCT_ID].value;
	values[BUCKET_COLUMN_OPERATION_ID] = columns[BUCKET_KEY_OPERATION_ID].value;
	nulls[BUCKET_COLUMN_OPERATION_ID] = columns[BUCKET_KEY_OPERATION_ID].isnull;
	values[BUCKET_COLUMN_ENVIRONMENT] = columns[BUCKET_KEY_ENVIRONMENT].value;
	values[BUCKET_COLUMN_HARD] = BoolGetDatum(bucket->key.kind == BUCKET_HARD);
	values[BUCKET_COLUMN_WINDOW_START] = TimestampTzGetDatum(bucket->window.start);
	values[BUCKET_COLUMN_WINDOW_END] = TimestampTzGetDatum(bucket->window.end);
	values[BUCKET_COLUMN_USED] = Int64GetDatum(bucket->used);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
devapp_quota_buckets(PG_FUNCTION_ARGS)
{
	Choice		choice = {.database = MyDatabaseId, .app_id = *PG_GETARG_UUID_P(0)};
	Bucket	   *copies;

	InitMaterializedSRF(fcinfo, 0);
	if (!buckets_are_on())
		return (Datum) 0;
	copies = palloc_extended(sizeof(Bucket) * buckets_stripe_limit(), MCXT_ALLOC_HUGE);
	for (int i = 0; i < buckets_stripes(); i++)
	{
		uint32		n = buckets_copy(i, is_chosen, &choice, copies);

		for (uint32 j = 0; j < n; j++)
			put_bucket((ReturnSetInfo *) fcinfo->resultinfo, &copies[j]);
	}
	pfree(copies);
	return (Datum) 0;
}

/* ---------- forgetting ---------- */

typedef struct Forgotten
{
	XactItem	item;
	Choice		choice;
} Forgotten;

static void
end_forgotten(XactItem *item, bool committed)
{
	Forgotten  *f = (Forgotten *) item;

	if (committed)
		buckets_forget(is_chosen, &f->choice);
	pfree(f);
}

/* A prepared transaction has flushed as well, which refuses it (taken.c). */
Datum
devapp_forget_quota(PG_FUNCTION_ARGS)
{
	Forgotten  *f;

	if (!buckets_are_on())
		PG_RETURN_VOID();
	f = MemoryContextAllocZero(TopMemoryContext, sizeof(Forgotten));
	f->item.end = end_forgotten;
	f->choice.database = MyDatabaseId;
	f->choice.app_id = *PG_GETARG_UUID_P(0);
	f->choice.one_product = true;
	f->choice.product_id = *PG_GETARG_UUID_P(1);
	xact_list_push(&f->item);
	PG_RETURN_VOID();
}
