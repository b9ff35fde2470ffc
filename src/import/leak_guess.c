/*
 * leak_guess.c
 *		How many secrets of other systems a role may guess by reporting them as leaked.
 *
 * report_leak() says whether a text is a secret of ours.  A key of ours has 190 bits, and nobody guesses
 * one.  A secret that was imported may be weak, so whoever reports texts of another form than ours
 * is told about a bounded number of wrong ones.  Nothing can be guessed where nothing was imported.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/timestamp.h"

#include "base/entry.h"
#include "import/failure_limit.h"
#include "import/foreign_key.h"

PG_FUNCTION_INFO_V1(devapp_count_leak_guess);
PG_FUNCTION_INFO_V1(devapp_forgive_leak_guess);

/* The failures of a role are kept under an id that has its OID. */
static pg_uuid_t
id_of_caller(void)
{
	pg_uuid_t	id = {{0}};
	Oid			caller = entry_role();

	memcpy(id.data, &caller, sizeof(caller));
	return id;
}

/*
 * SQL: count_leak_guess(): null if the caller may guess, and it counts as wrong until it is forgiven;
 * else after what time another one is possible
 */
Datum
devapp_count_leak_guess(PG_FUNCTION_ARGS)
{
	pg_uuid_t	caller = id_of_caller();
	TimestampTz now = GetCurrentTimestamp();
	int64		wait;
	Interval   *after;

	if (!foreign_api_keys_exist() && !foreign_clients_exist())
		PG_RETURN_NULL();
	wait = failure_limit_wait(FAILURE_LEAK_REPORT, &caller, now);
	if (wait <= 0)
	{
		failure_limit_count(FAILURE_LEAK_REPORT, &caller, now);
		PG_RETURN_NULL();
	}
	after = palloc0(sizeof(Interval));
	after->time = wait;
	PG_RETURN_INTERVAL_P(after);
}

/* SQL: forgive_leak_guess(): it was right */
Datum
devapp_forgive_leak_guess(PG_FUNCTION_ARGS)
{
	pg_uuid_t	caller = id_of_caller();

	if (foreign_api_keys_exist() || foreign_clients_exist())
		failure_limit_forgive(FAILURE_LEAK_REPORT, &caller);
	PG_RETURN_VOID();
}
