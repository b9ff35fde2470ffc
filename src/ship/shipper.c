/*
 * shipper.c
 *		Sends what a standby counted to its primary.
 *
 * The launcher starts a shipper for each database with counts, as it starts flushers
 * on a primary.  A shipper connects to the primary (devapp.primary_conninfo), sends
 * the files of the outbox (outbox.c), moves the counts from shared memory to new
 * files there, and sends these:
 *
 *		SELECT devapp.receive_usage(batch_id, counts)
 *
 * A file is removed when the primary has said that it is counted.  So whatever
 * happens, and whenever, a batch is sent until it has arrived, and the primary counts
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
#include "catalog/pg_type_d.h"
#include "commands/dbcommands.h"
#include "libpq-fe.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "base/compat.h"
#include "base/guc.h"
#include "meter/meter.h"
#include "ship/shipment.h"
#include "ship/shipment_core.h"
#include "worker/launcher.h"

#define CONNECT_SECONDS	10
#define ANSWER_SECONDS	60
#define MAX_OPTIONS		128		/* that libpq may have */

PGDLLEXPORT void devapp_shipper_main(Datum arg);

/* ---------- waiting ---------- */

/* Wait for the socket to be ready; an error if it isn't in time. */
static int
wait_for_socket(PGconn *conn, int events, TimestampTz deadline)
{
	long		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
	int			ready;

	if (left <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_CONNECTION_FAILURE),
				 errmsg("could not ship usage to the primary: it does not answer"),
				 errhint("The counts are kept, and sent again.")));
	ready = WaitLatchOrSocket(MyLatch, events | WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
							  PQsocket(conn), left, PG_WAIT_EXTENSION);
	if (ready & WL_LATCH_SET)
	{
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	return ready;
}

/* ---------- connecting ---------- */

static compat_noreturn void
connection_error(PGconn *conn)
{
	ereport(ERROR,
			(errcode(ERRCODE_CONNECTION_FAILURE),
			 errmsg("could not ship usage to the primary: %s",
					pchomp(PQerrorMessage(conn))),
			 errhint("See the setting devapp.primary_conninfo. The counts are kept, and sent again.")));
}

static char *
name_of_my_database(void)
{
	MemoryContext context = CurrentMemoryContext;
	char	   *name;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	name = get_database_name(MyDatabaseId);
	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_DATABASE),
				 errmsg("database %u does not exist", MyDatabaseId)));
	name = MemoryContextStrdup(context, name);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return name;
}

/* libpq's message may quote the password, so it is not used. */
static compat_noreturn void
refuse_setting(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("could not ship usage to the primary: devapp.primary_conninfo is not a connection string"),
			 errhint("Write it like 'host=primary user=shipper passfile=/path'.")));
}

/* Begin to connect: the setting, but for the database. */
static PGconn *
start_connection(void)
{
	const char *database = name_of_my_database();
	PQconninfoOption *options = PQconninfoParse(devapp_primary_conninfo, NULL);
	const char *keywords[MAX_OPTIONS + 3];
	const char *values[MAX_OPTIONS + 3];
	PGconn	   *conn;
	int			n = 0;

	for (PQconninfoOption *o = options; o != NULL && o->keyword != NULL && n < MAX_OPTIONS; o++)
	{
		if (o->val == NULL || strcmp(o->keyword, "dbname") == 0)
			continue;
		keywords[n] = o->keyword;
		values[n++] = o->val;
	}
	keywords[n] = "dbname";
	values[n++] = database;
	keywords[n] = "fallback_application_name";
	values[n++] = "devapp shipper";
	keywords[n] = values[n] = NULL;
	conn = options != NULL ? PQconnectStartParams(keywords, values, 0) : NULL;
	if (options == NULL)
		refuse_setting();
	PQconninfoFree(options);
	if (conn == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	return conn;
}

/* What the primary has to tell beside its answers is in its own log. */
static void
ignore_notice(void *arg, const PGresult *result)
{
}

static void
finish_connecting(PGconn *conn)
{
	TimestampTz deadline = seconds_from_now(CONNECT_SECONDS);
	PostgresPollingStatusType status = PGRES_POLLING_WRITING;

	if (PQstatus(conn) == CONNECTION_BAD)
		connection_error(conn);
	PQsetNoticeReceiver(conn, ignore_notice, NULL);
	while (status != PGRES_POLLING_OK)
	{
		int			wanted = status == PGRES_POLLING_READING ? WL_SOCKET_READABLE :
			PQstatus(conn) == CONNECTION_STARTED ? WL_SOCKET_CONNECTED : WL_SOCKET_WRITEABLE;

		if (wait_for_socket(conn, wanted, deadline) & wanted)
			status = PQconnectPoll(conn);
		if (status == PGRES_POLLING_FAILED)
			connection_error(conn);
	}
	if (PQsetnonblocking(conn, 1) != 0)
		connection_error(conn);
}

/* ---------- sending ---------- */

static void
send_question(PGconn *conn, const pg_uuid_t *batch_id, const bytea *counts,
			  TimestampTz deadline)
{
	Oid			types[2] = {UUIDOID, BYTEAOID};
	const char *values[2] = {(const char *) batch_id->data, VARDATA_ANY(counts)};
	int			lengths[2] = {UUID_LEN, (int) VARSIZE_ANY_EXHDR(counts)};
	int			formats[2] = {1, 1};
	int			left;

	if (!PQsendQueryParams(conn, "SELECT devapp.receive_usage($1, $2)", 2,
						   types, values, lengths, formats, 0))
		connection_error(conn);
	while ((left = PQflush(conn)) != 0)
	{
		if (left < 0)
			connection_error(conn);
		if ((wait_for_socket(conn, WL_SOCKET_READABLE | WL_SOCKET_WRITEABLE, deadline) &
			 WL_SOCKET_READABLE) && !PQconsumeInput(conn))
			connection_error(conn);
	}
}

/* The next result, or NULL after the last. */
static PGresult *
next_result(PGconn *conn, TimestampTz deadline)
{
	while (PQisBusy(conn))
	{
		if ((wait_for_socket(conn, WL_SOCKET_READABLE, deadline) & WL_SOCKET_READABLE) &&
			!PQconsumeInput(conn))
			connection_error(conn);
	}
	return PQgetResult(conn);
}

/* Returns what the primary says is wrong, NULL if nothing. */
static char *
answer_error(PGconn *conn, TimestampTz deadline)
{
	PGresult   *result;
	char	   *error = NULL;

	while ((result = next_result(conn, deadline)) != NULL)
	{
		if (PQresultStatus(result) != PGRES_TUPLES_OK && error == NULL)
		{
			const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

			error = message ? pstrdup(message) : pchomp(PQerrorMessage(conn));
		}
		PQclear(result);
	}
	return error;
}

static void
send_batch(PGconn *conn, const pg_uuid_t *batch_id, const bytea *counts)
{
	TimestampTz deadline = seconds_from_now(ANSWER_SECONDS);
	char	   *error;

	send_question(conn, batch_id, counts, deadline);
	error = answer_error(conn, deadline);
	if (error != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not ship usage to the primary: %s", error),
				 errhint("The user of devapp.primary_conninfo needs USAGE on schema devapp and EXECUTE on devapp.receive_usage there. The counts are kept, and sent again.")));
}

/* Send what is in the outbox; returns how many rows. */
static int64
send_files(PGconn *conn)
{
	int64		sent = 0;
	ListCell   *cell;

	foreach(cell, outbox_files(MyDatabaseId))
	{
		const char *file = lfirst(cell);
		pg_uuid_t	batch_id;
		bytea	   *counts = outbox_read(file, &batch_id);

		if (counts == NULL)
			continue;
		send_batch(conn, &batch_id, counts);
		outbox_remove(file);
		sent += (int64) (VARSIZE_ANY_EXHDR(counts) / sizeof(MeterRow));
		pfree(counts);
	}
	return sent;
}

/* ---------- from memory to the outbox ---------- */

/* Write full files of the n rows; returns how many rows are left. */
static Size
put_full_files(MeterRow *rows, Size n, bool *ok)
{
	while (*ok && n >= SHIPMENT_MAX_ROWS)
	{
		*ok = outbox_put(MyDatabaseId, rows + n - SHIPMENT_MAX_ROWS, SHIPMENT_MAX_ROWS);
		if (*ok)
			n -= SHIPMENT_MAX_ROWS;
	}
	return n;
}

/* What can't be written goes back to memory. */
static void
fill_outbox(void)
{
	MeterRow   *rows = palloc_extended(sizeof(MeterRow) * (SHIPMENT_MAX_ROWS + (Size) meter_partition_limit()),
									   MCXT_ALLOC_HUGE);
	Size		n = 0;
	bool		ok = true;

	HOLD_INTERRUPTS();
	meter_begin_take(MyDatabaseId);
	for (int i = 0; ok && i < meter_partitions(); i++)
	{
		n += meter_take_partition(i, MyDatabaseId, rows + n);
		n = put_full_files(rows, n, &ok);
	}
	if (ok && n > 0)
		ok = outbox_put(MyDatabaseId, rows, n);
	if (!ok)
	{
		int			reason = errno;

		for (Size i = 0; i < n; i++)
			meter_add(&rows[i].key, &rows[i].value);
		meter_mark_pending();
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
ship(void)
{
	TimestampTz start = GetCurrentTimestamp();
	PGconn	   *conn = start_connection();
	int64		sent = 0;

	PG_TRY();
	{
		finish_connecting(conn);
		sent = send_files(conn);
		fill_outbox();
		sent += send_files(conn);
	}
	PG_FINALLY();
	{
		PQfinish(conn);
	}
	PG_END_TRY();
	if (sent > 0)
		meter_report_flush(sent, GetCurrentTimestamp() - start);
}

/* An error is noted, and logged if it is not that of the last time. */
static bool
try_to_ship(void)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool done = true;

	PG_TRY();
	{
		ship();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		HOLD_INTERRUPTS();
		error = CopyErrorData();
		if (meter_report_error(MyDatabaseId, JOB_FLUSH, error->message))
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
	worker_connect(DatumGetObjectId(arg), "devapp shipper");
	if (!worker_extension_is_here())
	{
		(void) meter_discard(MyDatabaseId);
		outbox_discard(MyDatabaseId);
		meter_set_unfinished(false);
		proc_exit(0);
	}
	/* if it is killed, another will look after what it left */
	meter_set_unfinished(true);
	meter_set_unfinished(!try_to_ship());
	proc_exit(0);
}
