/*
 * bulk.c
 *		Bulk runs that commit batch by batch: CALL run_bulk() and resume_bulk().
 *
 * Here is only the loop.  A batch is a call of devapp.bulk_step(), which makes the
 * changes and writes down in devapp.bulk_item and devapp.bulk_run what became of
 * each app; both are committed together.  So whatever ends the session between
 * two commits, what is written down is what happened, and a later resume_bulk()
 * goes on from there.
 *
 * The procedures are in C because one that commits can pin no search_path, and in
 * order to say what to do when it is called where it cannot commit.
 *
 * Locking: whoever works on a run holds a session-level advisory lock on it, so a run
 * is worked on by one session at a time, and devapp.bulk_progress can tell a run
 * that is at work from one whose session is gone.  A session that ends loses
 * the lock by itself; after an error it is given back when the transaction is rolled
 * back.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "base/procedure.h"
#include "base/xact_list.h"

PG_FUNCTION_INFO_V1(devapp_run_bulk);
PG_FUNCTION_INFO_V1(devapp_resume_bulk);
PG_FUNCTION_INFO_V1(devapp_bulk_lock_key);

#define LOCK_SEED	INT64CONST(0x64657661707062)	/* no other use of the id */

static bool holding = false;
static int64 held_key;

/* ---------- who is at work ---------- */

static int64
lock_key(const pg_uuid_t *run_id)
{
	return DatumGetInt64(DirectFunctionCall2(uuid_hash_extended,
											 UUIDPGetDatum(run_id),
											 Int64GetDatum(LOCK_SEED)));
}

/* SQL: the key of the advisory lock of whoever works on a run */
Datum
devapp_bulk_lock_key(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(lock_key(PG_GETARG_UUID_P(0)));
}

static void
release_run(void)
{
	if (!holding)
		return;
	holding = false;
	DirectFunctionCall1(pg_advisory_unlock_int8, Int64GetDatum(held_key));
}

/* A commit in between leaves the lock; see work_on_run(). */
static void
end_hold(XactItem *item, bool committed)
{
	if (!committed)
		release_run();
}

static XactItem hold_item = {.end = end_hold};

static void
hold_run(const pg_uuid_t *run_id)
{
	int64		key = lock_key(run_id);

	if (holding ||
		!DatumGetBool(DirectFunctionCall1(pg_try_advisory_lock_int8,
										  Int64GetDatum(key))))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("this bulk run is being processed by another session"),
				 errhint("Its progress and session are in devapp.bulk_progress.")));
	held_key = key;
	holding = true;
	xact_list_push(&hold_item);
}

/* ---------- the loop ---------- */

static void
require_nonatomic(FunctionCallInfo fcinfo)
{
	if (!procedure_may_commit(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
				 errmsg("a bulk run commits after each batch and cannot run inside a transaction block"),
				 errhint("CALL it outside of transaction blocks and functions, or use devapp.bulk_approve or one of its variants, which change all apps or none.")));
}

/* One value of the first row that a query returns. */
static Datum
query_value(const char *query, int nargs, Oid *types, Datum *values,
			const char *nulls)
{
	bool		isnull;
	Datum		value;

	if (SPI_execute_with_args(query, nargs, types, values, nulls, false, 1) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "bulk: no answer from: %s", query);
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (isnull)
		elog(ERROR, "bulk: null from: %s", query);
	return value;
}

/* Make a batch; is there more to do? */
static bool
make_batch(const pg_uuid_t *run_id)
{
	Oid			types[1] = {UUIDOID};
	Datum		values[1] = {UUIDPGetDatum(run_id)};
	bool		more = DatumGetBool(query_value("SELECT devapp.bulk_step($1)", 1,
												types, values, NULL));

	SPI_freetuptable(SPI_tuptable);
	return more;
}

static void
work_on_run(const pg_uuid_t *run_id)
{
	hold_run(run_id);
	do
	{
		SPI_commit();
		xact_list_push(&hold_item);
		CHECK_FOR_INTERRUPTS();
	} while (make_batch(run_id));
	SPI_commit();
	release_run();
}

/* run_bulk(action, filter, note, batch_size, arguments, INOUT run_id) */
static pg_uuid_t
start_run(FunctionCallInfo fcinfo)
{
	Oid			types[5] = {TEXTOID, JSONBOID, TEXTOID, INT4OID, JSONBOID};
	Datum		values[5];
	char		nulls[5];

	for (int i = 0; i < 5; i++)
	{
		values[i] = PG_GETARG_DATUM(i);
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	return *DatumGetUUIDP(query_value("SELECT devapp.bulk_start($1, $2, $3, $4, $5)",
									  5, types, values, nulls));
}

Datum
devapp_run_bulk(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Datum		values[1];
	bool		nulls[1] = {false};
	pg_uuid_t	run_id;

	require_nonatomic(fcinfo);
	if (!PG_ARGISNULL(5))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("run_id is an output of run_bulk and must be null"),
				 errhint("To resume a run, use CALL devapp.resume_bulk(run_id).")));
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE ||
		desc->natts != 1)
		elog(ERROR, "run_bulk must have one INOUT argument");
	desc = BlessTupleDesc(desc);

	SPI_connect_ext(SPI_OPT_NONATOMIC);
	run_id = start_run(fcinfo);
	work_on_run(&run_id);
	SPI_finish();

	values[0] = UUIDPGetDatum(&run_id);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

/* resume_bulk(run_id) */
Datum
devapp_resume_bulk(PG_FUNCTION_ARGS)
{
	Oid			types[1] = {UUIDOID};
	Datum		values[1];
	pg_uuid_t	run_id;

	require_nonatomic(fcinfo);
	values[0] = PG_GETARG_DATUM(0);

	SPI_connect_ext(SPI_OPT_NONATOMIC);
	run_id = *DatumGetUUIDP(query_value("SELECT devapp.bulk_resumable($1)", 1,
										types, values, PG_ARGISNULL(0) ? "n" : NULL));
	work_on_run(&run_id);
	SPI_finish();
	PG_RETURN_VOID();
}
