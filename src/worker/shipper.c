/*
 * shipper.c
 *		Sends what a standby counted to its primary, and borrows parts of quotas there.
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
 * It also asks for leases of quotas (borrower.c), and as long as there are some in the
 * database it stays: then it ships at each interval, and asks when a call has woken it by
 * its latch or a lease is to be renewed.
 *
 * No transaction is open while the primary is waited for.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "meter/meter.h"
#include "meter/registry.h"
#include "quota/lease.h"
#include "ship/sender.h"
#include "ship/shipment_core.h"
#include "ship/spool.h"
#include "worker/borrower.h"
#include "worker/process.h"

#define PAUSE			10000L	/* between two questions about leases, in microseconds */
#define SHORT_WAIT		20L		/* until a lease is asked for once more, in milliseconds */
#define LONG_WAIT		1000L	/* until it is looked which are to be renewed */
#define MAX_BATCHES		50		/* that are asked for without shipping */

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

static void
ship_counts(PGconn *conn)
{
	TimestampTz start = GetCurrentTimestamp();
	int64		sent = send_files(conn);

	fill_spool();
	sent += send_files(conn);
	if (sent > 0)
		registry_report_flush(sent, GetCurrentTimestamp() - start);
}

/* ---------- leases ---------- */

/* An error is recorded, and logged if it is not that of the last time. */
static void
record_error(MemoryContext context, RegistryJob job)
{
	ErrorData  *error;

	MemoryContextSwitchTo(context);
	HOLD_INTERRUPTS();
	error = CopyErrorData();
	if (registry_report_error(MyDatabaseId, job, error->message))
		EmitErrorReport();
	/* where nothing can be shipped nothing can be borrowed */
	if (job != JOB_LEASE && leases_state().leases > 0)
		(void) registry_report_error(MyDatabaseId, JOB_LEASE, error->message);
	FlushErrorState();
	AbortCurrentTransaction();
	MemoryContextSwitchTo(context);
	leases_set_down(true);
	RESUME_INTERRUPTS();
}

/* Counts are shipped whether leases are granted or not.  False: they are not. */
static bool
try_to_borrow(PGconn *conn)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool done = true;

	PG_TRY();
	{
		for (int i = 0; i < MAX_BATCHES && borrower_ask(conn); i++)
			;
	}
	PG_CATCH();
	{
		record_error(context, JOB_LEASE);
		done = false;
	}
	PG_END_TRY();
	return done;
}

/*
 * Wait until somebody calls, or it is time to look again.  The primary says nothing by
 * itself: what can be read is the end of the connection.
 */
static void
wait_for_calls(PGconn *conn, const LeaseState *state)
{
	int			ready;

	pg_usleep(PAUSE);
	ready = WaitLatchOrSocket(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_SOCKET_READABLE | WL_EXIT_ON_PM_DEATH,
							  PQsocket(conn), state->again ? SHORT_WAIT : LONG_WAIT, PG_WAIT_EXTENSION);
	if (ready & WL_LATCH_SET)
		ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	if ((ready & WL_SOCKET_READABLE) && !PQconsumeInput(conn))
		ereport(ERROR,
				(errcode(ERRCODE_CONNECTION_FAILURE),
				 errmsg("lost the connection to the primary: %s", pchomp(PQerrorMessage(conn))),
				 errhint("The counts are kept and will be sent again.")));
}

/* True if this process is to stay.  Where a setting has changed, another one takes its place. */
static bool
may_stay(void)
{
	return !ConfigReloadPending && RecoveryInProgress() && leases_stay();
}

/* ---------- the process ---------- */

static bool
is_time(TimestampTz then)
{
	TimestampTz now = GetCurrentTimestamp();

	return now >= then || then - now > leases_interval();
}

/* Ship, and as long as there are leases, stay and look after them.  False: counts are left. */
static bool
serve_database(PGconn *conn)
{
	TimestampTz next_shipment = GetCurrentTimestamp();
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "devapp shipper", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	LeaseState	state = leases_state();
	bool		is_free;

	/* calls wait for leases, but nobody for the counts */
	while (state.leases == 0 || try_to_borrow(conn))
	{
		if (is_time(next_shipment))
		{
			ship_counts(conn);
			next_shipment = GetCurrentTimestamp() + leases_interval();
		}
		state = leases_state();
		if (state.leases == 0 || !may_stay())
			break;
		wait_for_calls(conn, &state);
		MemoryContextReset(context);
	}
	/* it is not while an answer about leases is still to come */
	is_free = PQtransactionStatus(conn) == PQTRANS_IDLE;
	if (is_free && is_time(next_shipment))
		ship_counts(conn);
	if (state.leases == 0)
		leases_leave();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return is_free || !is_time(next_shipment);
}

static bool
only_ship(PGconn *conn)
{
	ship_counts(conn);
	return true;
}

static bool
connect_and(bool (*work) (PGconn *conn))
{
	PGconn	   *conn = sender_start();
	volatile bool done = false;

	PG_TRY();
	{
		sender_finish_connecting(conn);
		done = work(conn);
	}
	PG_FINALLY();
	{
		PQfinish(conn);
	}
	PG_END_TRY();
	return done;
}

static bool
try_to_ship(void)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool done = true;

	PG_TRY();
	{
		if (!connect_and(serve_database))
			(void) connect_and(only_ship);
	}
	PG_CATCH();
	{
		record_error(context, JOB_FLUSH);
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
