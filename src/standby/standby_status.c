/*
 * standby_status.c
 *		standby_status(): may this server be asked, and if not, why.
 *
 * One row.  It reads shared memory and no table, so a load balancer may ask as often as it likes.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xlog.h"
#include "access/xlogrecovery.h"
#include "fmgr.h"
#include "funcapi.h"
#include "replication/walreceiver.h"
#include "utils/builtins.h"
#include "utils/pg_lsn.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "standby/heartbeat.h"
#include "standby/standby.h"

PG_FUNCTION_INFO_V1(devapp_standby_status);

enum
{
	STATUS_IS_STANDBY,
	STATUS_DECIDES,
	STATUS_REASON,
	STATUS_STALENESS,
	STATUS_LAST_COMMIT,
	STATUS_RECEIVED,
	STATUS_REPLAYED,
	STATUS_COLUMNS
};

/* Why a standby that may be stale is; what is said first is what somebody can see to first. */
static const char *
stale_reason(TimestampTz now)
{
	TimestampTz commit = GetLatestXTime();

	if (!heartbeat_is_on())
		return "devapp is not in shared_preload_libraries";
	if (GetRecoveryPauseState() != RECOVERY_NOT_PAUSED)
		return "replay is paused";
	/* an archive may feed it */
	if (!WalRcvStreaming() && recoveryRestoreCommand[0] == '\0')
		return "no WAL is being received";
	if (commit - now > (int64) devapp_max_staleness * 1000)
		return "the clock of the primary is ahead";
	return "replay is behind, or devapp.max_staleness is not set on the primary, or clocks differ";
}

static void
set_position(Datum *values, bool *nulls, int column, XLogRecPtr position)
{
	values[column] = LSNGetDatum(position);
	nulls[column] = position == InvalidXLogRecPtr;
}

/* How long ago the primary told; unknown where nobody looks. */
static void
set_staleness(Datum *values, bool *nulls, TimestampTz now)
{
	TimestampTz told_at = heartbeat_told_at();
	Interval   *staleness = palloc0(sizeof(Interval));

	if (devapp_max_staleness == 0 || told_at == 0)
		return;
	staleness->time = Max(now - told_at, 0);
	values[STATUS_STALENESS] = IntervalPGetDatum(staleness);
	nulls[STATUS_STALENESS] = false;
}

Datum
devapp_standby_status(PG_FUNCTION_ARGS)
{
	TimestampTz now = GetCurrentTimestamp();
	bool		stale = standby_is_stale(now);
	Datum		values[STATUS_COLUMNS] = {0};
	bool		nulls[STATUS_COLUMNS];
	TimestampTz last_commit;
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != STATUS_COLUMNS)
		elog(ERROR, "return type must have the columns of standby_status()");
	memset(nulls, true, sizeof(nulls));
	values[STATUS_IS_STANDBY] = BoolGetDatum(RecoveryInProgress());
	values[STATUS_DECIDES] = BoolGetDatum(!stale);
	nulls[STATUS_IS_STANDBY] = nulls[STATUS_DECIDES] = false;
	if (stale)
	{
		values[STATUS_REASON] = CStringGetTextDatum(stale_reason(now));
		nulls[STATUS_REASON] = false;
	}
	if (RecoveryInProgress())
	{
		set_staleness(values, nulls, now);
		last_commit = GetLatestXTime();
		values[STATUS_LAST_COMMIT] = TimestampTzGetDatum(last_commit);
		nulls[STATUS_LAST_COMMIT] = last_commit == 0;
		set_position(values, nulls, STATUS_RECEIVED, GetWalRcvFlushRecPtr(NULL, NULL));
		set_position(values, nulls, STATUS_REPLAYED, GetXLogReplayRecPtr(NULL));
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
