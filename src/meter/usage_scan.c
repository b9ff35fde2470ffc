/*
 * usage_scan.c
 *		Hands the rows of a query to a receiver, and keeps none.
 */
#include "postgres.h"

#include "executor/spi.h"

#include "meter/usage_scan.h"

static void
start_receiving(DestReceiver *receiver, int operation, TupleDesc desc)
{
}

static void
stop_receiving(DestReceiver *receiver)
{
}

static void
find_columns(DestReceiver *receiver, int operation, TupleDesc desc)
{
	ScanReceiver *r = (ScanReceiver *) receiver;

	r->taken = 0;
	for (int n = 0; r->names[n] != NULL; n++)
	{
		int			attno = SPI_fnumber(desc, r->names[n]);

		Assert(n < SCAN_COLUMNS);
		if (attno <= 0)
			elog(ERROR, "a query has no column \"%s\"", r->names[n]);
		r->at[n] = attno - 1;
		r->taken = Max(r->taken, attno);
	}
}

static void
run_scan(const char *query, const ParamExternData *params, int n, DestReceiver *receiver)
{
	SPIExecuteOptions options = {0};

	receiver->rShutdown = receiver->rDestroy = stop_receiving;
	receiver->mydest = DestNone;
	options.params = makeParamList(n);
	if (n > 0)
		memcpy(options.params->params, params, n * sizeof(ParamExternData));
	options.read_only = true;
	options.dest = receiver;
	SPI_connect();
	if (SPI_execute_extended(query, &options) < 0)
		elog(ERROR, "usage could not be read");
	SPI_finish();
}

/* The caller sets receiveSlot of the receiver, and nothing else. */
void
usage_scan(const char *query, const ParamExternData *params, int n, DestReceiver *receiver)
{
	receiver->rStartup = start_receiving;
	run_scan(query, params, n, receiver);
}

/* The caller sets names, and receiveSlot of the receiver, and nothing else. */
void
usage_scan_columns(const char *query, const ParamExternData *params, int n, ScanReceiver *receiver)
{
	receiver->receiver.rStartup = find_columns;
	run_scan(query, params, n, &receiver->receiver);
}
