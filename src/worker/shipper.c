/*
 * shipper.c
 *		Sends what a standby counted to its primary.
 *
 * The launcher starts a shipper for each database with counts, as it starts flushers
 * on a primary.  A shipper connects to the primary (devapp.primary_conninfo), sends
 * the files of the spool (spool.c), moves the counts from shared memory to new
 * files there, and sends these:
 *
 *		SELECT devapp.receive_usage(shipment_id, counts)
 *
 * A file is removed when the primary has said that it is counted.  So whatever
 * happens, and whenever, a shipment is sent until it has arrived, and the primary counts
 * it once.  Before a connection stands nothing is taken out of memory.
 *
 * libpq is used asynchronously: the process ends at once when it is told to.  The
 * connection string may hold a password; it is not shown or logged, and libpq's
 * messages don't have it, but for those of parsing it, which are not used.
 *
 * No transaction is open while the primary is waited for.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "meter/meter.h"
#include "meter/registry.h"
#include "ship/sender.h"
#include "ship/shipment_core.h"
#include "ship/spool.h"
#include "worker/process.h"

PGDLLEXPORT void devapp_shipper_main(Datum arg);

/* ---------- from the spool to the primary ---------- */

/* Send what is in the spool; returns how many rows. */
static int64
send_files(PGconn *conn)
{
	int64		sent = 0;
	ListCell   *cell;

	foreach(cell, spool_files(MyDatabaseId))
	{
		const char *file = lfirst(cell);
		pg_uuid_t	shipment_id;
		bytea	   *counts = spool_read(file, &shipment_id);

		if (counts == NULL)
			continue;
		sender_send(conn, &shipment_id, counts);
		spool_remove(file);
		sent += (int64) (VARSIZE_ANY_EXHDR(counts) / sizeof(MeterRow));
		pfree(counts);
	}
	return sent;
}

/* ---------- from memory to the spool ---------- */

/* Write full files of the n rows; returns how many rows are left. */
static Size
put_full_files(MeterRow *rows, Size n, bool *ok)
{
	while (*ok && n >= SHIPMENT_MAX_ROWS)
	{
		*ok = spool_put(MyDatabaseId, rows + n - SHIPMENT_MAX_ROWS, SHIPMENT_MAX_ROWS);
		if (*ok)
			n -= SHIPMENT_MAX_ROWS;
	}
	return n;
}

/* What can't be written goes back to memory. */
static void
fill_spool(void)
{
	MeterRow   *rows = palloc_extended(sizeof(MeterRow) * (SHIPMENT_MAX_ROWS + (Size) meter_stripe_limit()),
									   MCXT_ALLOC_HUGE);
	Size		n = 0;
	bool		ok = true;

	HOLD_INTERRUPTS();
	registry_begin_take(MyDatabaseId);
	for (int i = 0; ok && i < meter_stripes(); i++)
	{
		n += meter_take_stripe(i, MyDatabaseId, rows + n);
		n = put_full_files(rows, n, &ok);
	}
	if (ok && n > 0)
		ok = spool_put(MyDatabaseId, rows, n);
	if (!ok)
	{
		int			reason = errno;

		for (Size i = 0; i < n; i++)
			meter_add(&rows[i].key, &rows[i].value);
		registry_mark_pending(MyDatabaseId);
		errno = reason;
	}
	RESUME_INTERRUPTS();
	if (!ok)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not ship usage to the primary: a file in \"%s\" could not be written: %m",
						PGSTAT_STAT_PERMANENT_DIRECTORY),
				 errhint("The counts are kept in memory.")));
	pfree(rows);
}

/* ---------- the process ---------- */

static void
ship_counts(void)
{
	TimestampTz start = GetCurrentTimestamp();
	PGconn	   *conn = sender_start();
	int64		sent = 0;

	PG_TRY();
	{
		sender_finish_connecting(conn);
		sent = send_files(conn);
		fill_spool();
		sent += send_files(conn);
	}
	PG_FINALLY();
	{
		PQfinish(conn);
	}
	PG_END_TRY();
	if (sent > 0)
		registry_report_flush(sent, GetCurrentTimestamp() - start);
}

/* An error is recorded, and logged if it is not that of the last time. */
static bool
try_to_ship(void)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool done = true;

	PG_TRY();
	{
		ship_counts();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		HOLD_INTERRUPTS();
		error = CopyErrorData();
		if (registry_report_error(MyDatabaseId, JOB_FLUSH, error->message))
			EmitErrorReport();
		FlushErrorState();
		AbortCurrentTransaction();
		RESUME_INTERRUPTS();
		done = false;
	}
	PG_END_TRY();
	return done;
}

void
devapp_shipper_main(Datum arg)
{
	process_connect(DatumGetObjectId(arg), "devapp shipper");
	/* waiting for the primary is not a statement that could be cancelled */
	pqsignal(SIGTERM, die);
	if (!process_finds_extension())
	{
		(void) meter_discard(MyDatabaseId);
		spool_discard(MyDatabaseId);
		registry_set_unfinished(false);
		proc_exit(0);
	}
	/* if it is killed, another will look after what it left */
	registry_set_unfinished(true);
	registry_set_unfinished(!try_to_ship());
	proc_exit(0);
}
