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

/* The caller sets receiveSlot of the receiver, and nothing else. */
void
usage_scan(const char *query, const ParamExternData *params, int n, DestReceiver *receiver)
{
	SPIExecuteOptions options = {0};

	receiver->rStartup = start_receiving;
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
