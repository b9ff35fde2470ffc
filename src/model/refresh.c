/*
 * refresh.c
 *		CALL run_refresh(): the reports, each in a transaction of its own.
 *
 * A report that is filled without regard to its readers is locked against them until the
 * transaction ends.  If all reports were refreshed in one, each would stay locked while
 * the others are filled, or while one of them waits for a reader.
 *
 * Here is only the loop, in C because a procedure that commits can pin no search_path; what
 * is done to a report is devapp.refresh_next().
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"

#include "base/compat.h"
#include "base/procedure.h"

PG_FUNCTION_INFO_V1(devapp_run_refresh);

/* Refresh the report that comes after this place; false if there was none. */
static bool
refresh_after(int32 *place, Datum concurrently, bool default_mode)
{
	Oid			types[2] = {INT4OID, BOOLOID};
	Datum		values[2] = {Int32GetDatum(*place), concurrently};
	bool		isnull;

	if (SPI_execute_with_args("SELECT devapp.refresh_next($1, $2)", 2, types, values,
							  default_mode ? " n" : NULL, false, 1) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "run_refresh: no answer");
	*place = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_freetuptable(SPI_tuptable);
	return !isnull;
}

/* run_refresh(concurrently) */
Datum
devapp_run_refresh(PG_FUNCTION_ARGS)
{
	Datum		concurrently = PG_GETARG_DATUM(0);
	bool		default_mode = PG_ARGISNULL(0);
	int32		place = 0;

	if (!procedure_may_commit(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
				 errmsg("run_refresh commits after each report and cannot run inside a transaction block"),
				 errhint("CALL it outside of transaction blocks and functions, or use devapp.refresh_reports, which is one transaction.")));
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	while (refresh_after(&place, concurrently, default_mode))
	{
		SPI_commit();
		CHECK_FOR_INTERRUPTS();
	}
	SPI_finish();
	PG_RETURN_VOID();
}
