/*
 * borrower.c
 *		Asking the primary for leases of quotas.
 *
 * What calls have used is told, and more is asked for, by one statement for up to
 * LEASE_BATCH leases:
 *
 *		SELECT … FROM devapp.lease_quotas(server, server_name, batch, asks)
 *
 * If the answer gets lost, nothing is: what was granted by it is taken back by the next
 * report, which does not hold it (lease_core.c).
 */
#include "postgres.h"

#include <unistd.h>

#include "lib/stringinfo.h"
#include "postmaster/postmaster.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/uuid.h"
#include "quota/lease.h"
#include "ship/sender.h"
#include "worker/borrower.h"

/* ---------- the question ---------- */

/* By which an administrator knows the server. */
static char *
server_name(void)
{
	char		host[NAMEDATALEN] = "";

	if (cluster_name[0] != '\0')
		return cluster_name;
	(void) gethostname(host, sizeof(host) - 1);
	return psprintf("%s:%d", host, PostPortNumber);
}

static char *
id_text(const uint8 *id)
{
	return uuid_text((const pg_uuid_t *) id);
}

static void
put_ask(StringInfo json, const LeaseReport *report)
{
	static const uint8 none[BUCKET_ID_LEN] = {0};
	const BucketKey *key = &report->key;
	char		environment[BUCKET_ENVIRONMENT_LEN + 1];

	memcpy(environment, key->environment, BUCKET_ENVIRONMENT_LEN);
	environment[BUCKET_ENVIRONMENT_LEN] = '\0';
	appendStringInfo(json, "{\"app_id\":\"%s\",\"product_id\":\"%s\"", id_text(key->app_id), id_text(key->product_id));
	if (memcmp(key->operation_id, none, BUCKET_ID_LEN) != 0)
		appendStringInfo(json, ",\"operation_id\":\"%s\"", id_text(key->operation_id));
	appendStringInfoString(json, ",\"environment\":");
	escape_json(json, environment);
	/* in ISO style, whatever DateStyle is */
	appendStringInfo(json, ",\"window_start\":\"%s\"", timestamptz_to_str(report->window.start));
	appendStringInfo(json, ",\"window_end\":\"%s\"", timestamptz_to_str(report->window.end));
	appendStringInfo(json, ",\"hard\":%s", report->hard ? "true" : "false");
	appendStringInfo(json, ",\"number\":" INT64_FORMAT ",\"used\":" INT64_FORMAT ",\"held\":" INT64_FORMAT,
					 report->ask.number, report->ask.used, report->ask.held);
	appendStringInfo(json, ",\"want\":" INT64_FORMAT ",\"need\":" INT64_FORMAT "}", report->ask.want, report->ask.need);
}

static char *
asks_text(const LeaseReport *reports, int n)
{
	StringInfoData json;

	initStringInfo(&json);
	for (int i = 0; i < n; i++)
	{
		appendStringInfoChar(&json, i == 0 ? '[' : ',');
		put_ask(&json, &reports[i]);
	}
	appendStringInfoChar(&json, ']');
	return json.data;
}

/* ---------- the answer ---------- */

static int64
answer_number(const PGresult *answer, int row, int column)
{
	return strtoi64(PQgetvalue(answer, row, column), NULL, 10);
}

/* An answer about something that was not asked is not used. */
static void
read_answer(LeaseReport *reports, int n, const PGresult *answer)
{
	for (int i = 0; i < PQntuples(answer) && PQnfields(answer) == 6; i++)
	{
		int64		ask = answer_number(answer, i, 0);

		if (ask < 1 || ask > n)
			continue;
		reports[ask - 1].answer = (LeaseAnswer) {
			.granted = answer_number(answer, i, 1),
			.room = answer_number(answer, i, 2),
			.free = answer_number(answer, i, 3),
			.seconds = answer_number(answer, i, 4),
			.is_void = PQgetvalue(answer, i, 5)[0] == 't'
		};
		reports[ask - 1].is_answered = true;
	}
}

/* Tell and ask what is due.  True: that was all that is told at once, and there may be more. */
bool
borrower_ask(PGconn *conn)
{
	pg_uuid_t	server = leases_server();
	int64		asked_at = leases_clock();
	int			n;
	LeaseReport *reports = leases_collect(&n);
	PGresult   *answer;

	if (n > 0)
	{
		const char *arguments[4] = {
			uuid_text(&server), server_name(), psprintf(INT64_FORMAT, reports[0].ask.batch), asks_text(reports, n)
		};

		answer = sender_ask(conn, arguments);
		read_answer(reports, n, answer);
		PQclear(answer);
		leases_apply(reports, n, asked_at);
		leases_set_down(false);
	}
	pfree(reports);
	return n == LEASE_BATCH;
}
