/*
 * sender.c
 *		A connection from a standby to its primary, and what is sent by it.
 *
 * Nothing here waits without end, and a signal to end is heard everywhere.  No
 * transaction is open while the primary is waited for.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type_d.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "base/clock.h"
#include "base/compat.h"
#include "ship/sender.h"

#define CONNECT_SECONDS	10
#define ANSWER_SECONDS	60
#define LEASE_SECONDS	10		/* to answer who asks for leases */
#define MAX_OPTIONS		128		/* that libpq may have */

/* ---------- settings ---------- */

char	   *devapp_primary_conninfo = NULL;

void
sender_define_gucs(void)
{
	DefineCustomStringVariable("devapp.primary_conninfo",
							   "Sets the connection by which a standby sends its counts to its primary.",
							   "The database name is added automatically. If empty, a standby keeps its counts.",
							   &devapp_primary_conninfo,
							   "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
}

/* ---------- waiting ---------- */

/* What is under way by a connection: what to say when it fails, and until when it may last. */
typedef struct Talk
{
	PGconn	   *conn;
	TimestampTz deadline;
	const char *failure;
	const char *hint;
} Talk;

static const char ship_failure[] = "could not ship usage to the primary";
static const char lease_failure[] = "could not lease quotas from the primary";

/* Wait for the socket to be ready; an error if it isn't in time. */
static int
wait_for_socket(const Talk *talk, int events)
{
	long		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), talk->deadline);
	int			ready;

	if (left <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_CONNECTION_FAILURE),
				 errmsg("%s: the primary does not answer", talk->failure),
				 errhint("%s", talk->hint)));
	ready = WaitLatchOrSocket(MyLatch, events | WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
							  PQsocket(talk->conn), left, PG_WAIT_EXTENSION);
	if (ready & WL_LATCH_SET)
	{
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	return ready;
}

/* ---------- connecting ---------- */

static compat_noreturn void
connection_error(const Talk *talk)
{
	ereport(ERROR,
			(errcode(ERRCODE_CONNECTION_FAILURE),
			 errmsg("%s: %s", talk->failure, pchomp(PQerrorMessage(talk->conn))),
			 errhint("See the setting devapp.primary_conninfo. %s", talk->hint)));
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
			 errmsg("could not ship usage to the primary: devapp.primary_conninfo is not a valid connection string"),
			 errhint("Write it like 'host=primary user=shipper passfile=/path'.")));
}

/* Begin to connect: the setting, but for the database. */
PGconn *
sender_start(void)
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

static Talk
talk_of_counts(PGconn *conn, int seconds)
{
	return (Talk) {conn, seconds_from_now(seconds), ship_failure, "The counts are kept and will be sent again."};
}

static Talk
talk_of_leases(PGconn *conn)
{
	return (Talk) {conn, seconds_from_now(LEASE_SECONDS), lease_failure, "Calls use what is left of the leases."};
}

void
sender_finish_connecting(PGconn *conn)
{
	Talk		talk = talk_of_counts(conn, CONNECT_SECONDS);
	PostgresPollingStatusType status = PGRES_POLLING_WRITING;

	if (PQstatus(conn) == CONNECTION_BAD)
		connection_error(&talk);
	PQsetNoticeReceiver(conn, ignore_notice, NULL);
	while (status != PGRES_POLLING_OK)
	{
		int			wanted = status == PGRES_POLLING_READING ? WL_SOCKET_READABLE :
			PQstatus(conn) == CONNECTION_STARTED ? WL_SOCKET_CONNECTED : WL_SOCKET_WRITEABLE;

		if (wait_for_socket(&talk, wanted) & wanted)
			status = PQconnectPoll(conn);
		if (status == PGRES_POLLING_FAILED)
			connection_error(&talk);
	}
	if (PQsetnonblocking(conn, 1) != 0)
		connection_error(&talk);
}

/* ---------- sending ---------- */

/* The parameters are text where there are no formats. */
static void
send_question(const Talk *talk, const char *sql, int n, const Oid *types, const char *const *values,
			  const int *lengths, const int *formats)
{
	int			left;

	if (!PQsendQueryParams(talk->conn, sql, n, types, values, lengths, formats, 0))
		connection_error(talk);
	while ((left = PQflush(talk->conn)) != 0)
	{
		if (left < 0)
			connection_error(talk);
		if ((wait_for_socket(talk, WL_SOCKET_READABLE | WL_SOCKET_WRITEABLE) &
			 WL_SOCKET_READABLE) && !PQconsumeInput(talk->conn))
			connection_error(talk);
	}
}

/* The next result, or NULL after the last. */
static PGresult *
next_result(const Talk *talk)
{
	while (PQisBusy(talk->conn))
	{
		if ((wait_for_socket(talk, WL_SOCKET_READABLE) & WL_SOCKET_READABLE) &&
			!PQconsumeInput(talk->conn))
			connection_error(talk);
	}
	return PQgetResult(talk->conn);
}

/* What the primary says is wrong; NULL: nothing. */
typedef struct Refusal
{
	const char *message;
	bool		by_rights;		/* the user of the connection lacks some */
} Refusal;

static Refusal
read_refusal(const Talk *talk, const PGresult *result)
{
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	return (Refusal) {
		.message = message ? pstrdup(message) : pchomp(PQerrorMessage(talk->conn)),
		.by_rights = state != NULL &&
			strcmp(state, unpack_sql_state(ERRCODE_INSUFFICIENT_PRIVILEGE)) == 0
	};
}

/* The first result with rows, or NULL. */
static PGresult *
take_answer(const Talk *talk, Refusal *refusal)
{
	PGresult   *answer = NULL;
	PGresult   *result;

	memset(refusal, 0, sizeof(*refusal));
	while ((result = next_result(talk)) != NULL)
	{
		if (PQresultStatus(result) == PGRES_TUPLES_OK && answer == NULL)
		{
			answer = result;
			continue;
		}
		if (PQresultStatus(result) != PGRES_TUPLES_OK && refusal->message == NULL)
			*refusal = read_refusal(talk, result);
		PQclear(result);
	}
	return answer;
}

static compat_noreturn void
report_refusal(const Talk *talk, Refusal refusal, const char *function)
{
	ereport(ERROR,
			(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
			 errmsg("%s: %s", talk->failure, refusal.message),
			 refusal.by_rights ?
			 errhint("The user of devapp.primary_conninfo needs USAGE on schema devapp and EXECUTE on %s there. %s", function, talk->hint) :
			 errhint("%s", talk->hint)));
}

void
sender_send(PGconn *conn, const pg_uuid_t *shipment_id, const bytea *counts)
{
	static const Oid types[2] = {UUIDOID, BYTEAOID};
	static const int formats[2] = {1, 1};
	const char *values[2] = {(const char *) shipment_id->data, VARDATA_ANY(counts)};
	int			lengths[2] = {UUID_LEN, (int) VARSIZE_ANY_EXHDR(counts)};
	Talk		talk = talk_of_counts(conn, ANSWER_SECONDS);
	Refusal		refusal;

	send_question(&talk, "SELECT devapp.receive_usage($1, $2)", 2, types, values, lengths, formats);
	PQclear(take_answer(&talk, &refusal));
	if (refusal.message != NULL)
		report_refusal(&talk, refusal, "devapp.receive_usage");
}

/* Server, its name, batch and asks, as text; the result is to be cleared. */
PGresult *
sender_ask(PGconn *conn, const char *const arguments[4])
{
	static const Oid types[4] = {UUIDOID, TEXTOID, INT8OID, JSONBOID};
	Talk		talk = talk_of_leases(conn);
	PGresult   *answer;
	Refusal		refusal;

	send_question(&talk, "SELECT ask, granted, room, free, seconds, is_void FROM devapp.lease_quotas($1, $2, $3, $4)",
				  4, types, arguments, NULL, NULL);
	answer = take_answer(&talk, &refusal);
	if (refusal.message == NULL && answer == NULL)
		refusal.message = "the answer is empty";
	if (refusal.message != NULL)
	{
		PQclear(answer);
		report_refusal(&talk, refusal, "devapp.lease_quotas");
	}
	return answer;
}
