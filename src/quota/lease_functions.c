/*
 * lease_functions.c
 *		What SQL asks about leases of quotas.
 *
 *	settle_lease(…)			what a report of a server makes of its lease and the bucket
 *	quota_bucket_used(…)	what this server's memory knows to be used of a bucket
 *	charge_quota_bucket(…)	at commit, memory knows that more was lent or used, or less
 *	finish_leases()			the last reports of the leases that this server had as a standby
 *	end_leases()			at commit, memory forgets them: they are told
 *	own_server()			its id
 *
 * The rows are locked, read and written by SQL (sql/quota/lease.sql); the arithmetic is in
 * lease_core.c.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xlog.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "base/xact_list.h"
#include "quota/bucket.h"
#include "quota/bucket_columns.h"
#include "quota/lease.h"

PG_FUNCTION_INFO_V1(devapp_settle_lease);
PG_FUNCTION_INFO_V1(devapp_quota_bucket_used);
PG_FUNCTION_INFO_V1(devapp_charge_quota_bucket);
PG_FUNCTION_INFO_V1(devapp_finish_leases);
PG_FUNCTION_INFO_V1(devapp_end_leases);
PG_FUNCTION_INFO_V1(devapp_own_server);

/* ---------- the primary ---------- */

enum
{
	SETTLE_LIMIT,
	SETTLE_USED,
	SETTLE_RESERVED,
	SETTLE_NUMBER,
	SETTLE_BATCH,
	SETTLE_GRANTED,
	SETTLE_LEASE_USED,
	SETTLE_ASK_NUMBER,
	SETTLE_ASK_BATCH,
	SETTLE_ASK_USED,
	SETTLE_ASK_HELD,
	SETTLE_ASK_WANT,
	SETTLE_ASK_NEED,
	SETTLE_SERVERS,				/* those with a live lease, this one with them; 0: nothing is granted */
	SETTLE_STANDS				/* the lease was granted for the quota as it is, and not reset since */
};

enum
{
	SETTLED_USED,
	SETTLED_RESERVED,
	SETTLED_NUMBER,
	SETTLED_BATCH,
	SETTLED_GRANTED,
	SETTLED_LEASE_USED,
	SETTLED_IS_NEW,
	SETTLED_IS_VOID,
	SETTLED_COLUMNS
};

/* What is lent for another limit, or before a reset, is to be given back first. */
Datum
devapp_settle_lease(PG_FUNCTION_ARGS)
{
	LeaseBook	book = {
		PG_GETARG_INT64(SETTLE_LIMIT), PG_GETARG_INT64(SETTLE_USED), PG_GETARG_INT64(SETTLE_RESERVED)
	};
	LeaseRecord record = {
		PG_GETARG_INT64(SETTLE_NUMBER), PG_GETARG_INT64(SETTLE_BATCH),
		PG_GETARG_INT64(SETTLE_GRANTED), PG_GETARG_INT64(SETTLE_LEASE_USED)
	};
	LeaseAsk	ask = {
		PG_GETARG_INT64(SETTLE_ASK_NUMBER), PG_GETARG_INT64(SETTLE_ASK_BATCH),
		PG_GETARG_INT64(SETTLE_ASK_USED), PG_GETARG_INT64(SETTLE_ASK_HELD),
		PG_GETARG_INT64(SETTLE_ASK_WANT), PG_GETARG_INT64(SETTLE_ASK_NEED)
	};
	int64		servers = PG_GETARG_INT64(SETTLE_SERVERS);
	const char *problem = lease_check(&ask);
	TupleDesc	desc;
	Datum		values[SETTLED_COLUMNS];
	bool		nulls[SETTLED_COLUMNS] = {false};
	bool		is_new;
	bool		is_void = false;

	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid report of a lease: %s", problem),
				 errhint("Standbys send such reports automatically; see the setting devapp.primary_conninfo.")));
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "settle_lease must return a row");
	is_new = lease_settle(&book, &record, &ask);
	if (is_new)
		is_void = !PG_GETARG_BOOL(SETTLE_STANDS) && lease_outstanding(&record) > 0;
	if (is_new && !is_void && servers > 0)
		lease_grant(&book, &record, &ask, servers);
	values[SETTLED_USED] = Int64GetDatum(book.used);
	values[SETTLED_RESERVED] = Int64GetDatum(book.reserved);
	values[SETTLED_NUMBER] = Int64GetDatum(record.number);
	values[SETTLED_BATCH] = Int64GetDatum(record.batch);
	values[SETTLED_GRANTED] = Int64GetDatum(record.granted);
	values[SETTLED_LEASE_USED] = Int64GetDatum(record.used);
	values[SETTLED_IS_NEW] = BoolGetDatum(is_new);
	values[SETTLED_IS_VOID] = BoolGetDatum(is_void);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* ---------- what memory knows ---------- */

/* Arguments: the columns of a bucket's key, hard, and start and end of the window. */
static BucketKey
bucket_argument(FunctionCallInfo fcinfo, QuotaWindow *window)
{
	NullableDatum columns[BUCKET_KEY_COLUMNS];
	BucketKey	key;

	for (int i = 0; i < BUCKET_KEY_COLUMNS; i++)
		columns[i] = fcinfo->args[i];
	bucket_key_of_columns(&key, PG_GETARG_BOOL(BUCKET_KEY_COLUMNS) ? BUCKET_HARD : BUCKET_SOFT, columns);
	*window = (QuotaWindow)
	{
		PG_GETARG_TIMESTAMPTZ(BUCKET_KEY_COLUMNS + 1), PG_GETARG_TIMESTAMPTZ(BUCKET_KEY_COLUMNS + 2)
	};
	return key;
}

Datum
devapp_quota_bucket_used(PG_FUNCTION_ARGS)
{
	QuotaWindow window;
	BucketKey	key = bucket_argument(fcinfo, &window);

	PG_RETURN_INT64(buckets_are_on() ? buckets_used(&key, window) : 0);
}

typedef struct Charge
{
	XactItem	item;
	BucketKey	key;
	QuotaWindow window;
	int64		amount;
} Charge;

static void
end_charge(XactItem *item, bool committed)
{
	Charge	   *charge = (Charge *) item;

	if (committed)
		buckets_charge(&charge->key, charge->window, charge->amount);
	pfree(charge);
}

Datum
devapp_charge_quota_bucket(PG_FUNCTION_ARGS)
{
	QuotaWindow window;
	BucketKey	key = bucket_argument(fcinfo, &window);
	Charge	   *charge;

	if (!buckets_are_on())
		PG_RETURN_VOID();
	charge = MemoryContextAllocZero(TopMemoryContext, sizeof(Charge));
	charge->item.end = end_charge;
	charge->item.no_prepare = "cannot prepare a transaction that has lent a part of a quota";
	charge->item.no_prepare_hint = "Standbys call devapp.lease_quotas() automatically.";
	charge->key = key;
	charge->window = window;
	charge->amount = PG_GETARG_INT64(BUCKET_KEY_COLUMNS + 3);
	xact_list_push(&charge->item);
	PG_RETURN_VOID();
}

/* ---------- after a promotion ---------- */

enum
{
	FINISHED_WINDOW_START = BUCKET_KEY_COLUMNS,
	FINISHED_WINDOW_END,
	FINISHED_NUMBER,
	FINISHED_BATCH,
	FINISHED_USED,
	FINISHED_COLUMNS
};

static void
put_finished(ReturnSetInfo *result, const LeaseReport *report)
{
	NullableDatum columns[BUCKET_KEY_COLUMNS];
	Datum		values[FINISHED_COLUMNS];
	bool		nulls[FINISHED_COLUMNS] = {false};

	bucket_key_columns(&report->key, columns);
	for (int i = 0; i < BUCKET_KEY_COLUMNS; i++)
	{
		values[i] = columns[i].value;
		nulls[i] = columns[i].isnull;
	}
	values[FINISHED_WINDOW_START] = TimestampTzGetDatum(report->window.start);
	values[FINISHED_WINDOW_END] = TimestampTzGetDatum(report->window.end);
	values[FINISHED_NUMBER] = Int64GetDatum(report->ask.number);
	values[FINISHED_BATCH] = Int64GetDatum(report->ask.batch);
	values[FINISHED_USED] = Int64GetDatum(report->ask.used);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
devapp_finish_leases(PG_FUNCTION_ARGS)
{
	LeaseReport *reports;
	int			n;

	InitMaterializedSRF(fcinfo, 0);
	if (!buckets_are_on() || RecoveryInProgress())
		return (Datum) 0;
	reports = leases_finish(&n);
	for (int i = 0; i < n; i++)
		put_finished((ReturnSetInfo *) fcinfo->resultinfo, &reports[i]);
	return (Datum) 0;
}

static void
end_leases(XactItem *item, bool committed)
{
	if (committed)
		leases_end();
	pfree(item);
}

Datum
devapp_end_leases(PG_FUNCTION_ARGS)
{
	XactItem   *item;

	if (!buckets_are_on() || RecoveryInProgress())
		PG_RETURN_VOID();
	item = MemoryContextAllocZero(TopMemoryContext, sizeof(XactItem));
	item->end = end_leases;
	item->no_prepare = "cannot prepare a transaction that has told what a standby has used of quotas";
	item->no_prepare_hint = "The worker calls devapp_internal.keep_leases() automatically.";
	xact_list_push(item);
	PG_RETURN_VOID();
}

Datum
devapp_own_server(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *id;

	if (!buckets_are_on())
		PG_RETURN_NULL();
	id = palloc(sizeof(pg_uuid_t));
	*id = leases_server();
	PG_RETURN_UUID_P(id);
}
